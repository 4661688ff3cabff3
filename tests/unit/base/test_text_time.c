/*
 * test_text_time.c - RFC 3339 and back, and ages.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

static void reads_what_rfc_3339_allows(void **state)
{
	static const struct {
		const char *text;
		int64_t unix_s;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "2026-01-01T00:00:00Z", 1767225600 },
		{ "2026-01-01t00:00:00z", 1767225600 },
		{ "2026-01-01T00:00:00.999999999Z", 1767225600 },
		{ "2026-01-01T01:00:00+01:00", 1767225600 },
		{ "2025-12-31T14:30:00-09:30", 1767225600 },
		{ "2026-01-01T00:00:00-00:00", 1767225600 },
		{ "2024-02-29T12:00:00Z", 1709208000 },
		{ "2000-02-29T00:00:00Z", 951782400 },
		{ "2000-03-01T00:00:00Z", 951868800 },
		{ "2038-01-19T03:14:08Z", INT64_C(2147483648) },
		{ "1990-12-31T23:59:60Z", 662688000 },
		{ "1990-12-31T15:59:60-08:00", 662688000 },
		{ "0000-01-01T00:00:00Z", -INT64_C(62167219200) },
		{ "9999-12-31T23:59:59Z", INT64_C(253402300799) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		int64_t t = 42;

		assert_int_equal(mr_text_time_parse(rows[i].text, &t), 0);
		if (t != rows[i].unix_s)
			fail_msg("%s: %lld", rows[i].text, (long long)t);
	}
}

static void refuses_what_is_no_time(void **state)
{
	static const char *const rows[] = {
		"",
		"2026",
		"2026-01-01",
		"2026-01-01T00:00:00",
		"2026-01-01 00:00:00Z",
		"2026-1-1T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
		"2026-01-01T12:00:60Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+01:60",
		"2026-01-01T00:00:00Zx",
		" 2026-01-01T00:00:00Z",
		"+026-01-01T00:00:00Z",
		"0000-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		int64_t t = 42;

		if (mr_text_time_parse(rows[i], &t) != -1)
			fail_msg("took '%s' for a time", rows[i]);
		assert_int_equal(t, 42);
	}
}

/* The C library is right about the past and the near future. */
static void agrees_with_the_c_library(void **state)
{
	int64_t t;
	int days = 0;

	(void)state;
	for (t = -INT64_C(62167219200); t <= INT64_C(253402300799);
	     t += 86400 * 13 + 1237) {
		time_t when = (time_t)t;
		char mine[32], theirs[80];
		struct tm tm;
		int64_t back = 0;

		assert_non_null(gmtime_r(&when, &tm));
		snprintf(theirs, sizeof(theirs),
			 "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
			 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
		assert_string_equal(mr_text_time(t, mine), theirs);
		assert_int_equal(mr_text_time_parse(mine, &back), 0);
		assert_true(back == t);
		days++;
	}
	assert_true(days > 200000);
}

static void a_date_is_the_end_of_its_day(void **state)
{
	int64_t t = 0;
	char out[32];

	(void)state;
	assert_int_equal(mr_text_moment_parse("2027-01-31", &t), 0);
	assert_string_equal(mr_text_time(t, out), "2027-01-31T23:59:59Z");
	assert_int_equal(mr_text_moment_parse("2027-01-31T01:00:00+01:00", &t),
			 0);
	assert_string_equal(mr_text_time(t, out), "2027-01-31T00:00:00Z");
	assert_int_equal(mr_text_moment_parse("2027-02-29", &t), -1);
	assert_int_equal(mr_text_moment_parse("tomorrow!!", &t), -1);
	assert_int_equal(mr_text_moment_parse("2027-1-31", &t), -1);
	assert_int_equal(mr_text_moment_parse("", &t), -1);
}

static void no_second_is_out_of_bounds(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(mr_text_time(INT64_MAX, out),
			    "292277026596-12-04T15:30:07Z");
	assert_string_equal(mr_text_time(INT64_MIN, out),
			    "-292277022657-01-27T08:29:52Z");
}

static void writes_ages(void **state)
{
	static const struct {
		int64_t age_s;
		const char *text;
	} rows[] = {
		{ -100, "just now" },
		{ 9, "just now" },
		{ 10, "10 seconds ago" },
		{ 60, "1 minute ago" },
		{ 3599, "59 minutes ago" },
		{ 3600, "1 hour ago" },
		{ 86399, "23 hours ago" },
		{ 3 * 86400 + 5, "3 days ago" },
		{ 30 * 86400, "1 month ago" },
		{ 364 * 86400, "12 months ago" },
		{ 365 * 86400, "1 year ago" },
		{ INT64_MAX, "292471208677 years ago" },
	};
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		assert_string_equal(mr_text_age(rows[i].age_s, out),
				    rows[i].text);
}

static void writes_spans(void **state)
{
	static const struct {
		int64_t span_s;
		const char *text;
	} rows[] = {
		{ -5, "0 s" },
		{ 0, "0 s" },
		{ 59, "59 s" },
		{ 60, "1 min" },
		{ 3599, "59 min 59 s" },
		{ 3600, "1 h" },
		{ 3659, "1 h" },
		{ 9000, "2 h 30 min" },
		{ 86400 + 3599, "1 d" },
		{ 3 * 86400 + 7200, "3 d 2 h" },
		{ INT64_MAX, "106751991167300 d 15 h" },
	};
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		assert_string_equal(mr_text_span(rows[i].span_s, out),
				    rows[i].text);
}

static void reads_lengths_of_time(void **state)
{
	static const char *const none[] = { "",    "0d",      "012h",
					    "d",   "3",       "3 d",
					    "-3d", "123456d", "3days" };
	int64_t s = 0;
	size_t i;

	(void)state;
	assert_int_equal(mr_text_span_parse("12h", &s), 0);
	assert_int_equal(s, 12 * 3600);
	assert_int_equal(mr_text_span_parse("90d", &s), 0);
	assert_int_equal(s, 90 * 86400);
	assert_int_equal(mr_text_span_parse("99999w", &s), 0);
	assert_int_equal(s, INT64_C(99999) * 7 * 86400);
	for (i = 0; i < MR_COUNT(none); i++)
		assert_int_equal(mr_text_span_parse(none[i], &s), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_rfc_3339_allows),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(a_date_is_the_end_of_its_day),
		cmocka_unit_test(no_second_is_out_of_bounds),
		cmocka_unit_test(writes_ages),
		cmocka_unit_test(writes_spans),
		cmocka_unit_test(reads_lengths_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
