/*
 * text_time.c - points in time and ages as text, and RFC 3339 back.
 *
 * Calendar arithmetic is done here in 64 bits instead of by timegm and
 * gmtime_r: those take dates that do not exist and depend on the width of
 * struct tm's fields.
 */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400
/* 99999 weeks are two thousand years. */
#define SPAN_DIGITS 5
/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits of year can
 * say (RFC 3339, section 1). */
#define FIRST_S (-INT64_C(62167219200))
#define LAST_S INT64_C(253402300799)

static bool leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to a date of the Gregorian calendar.  Years begin in
 * March here, so that the leap day is a year's last day; 400 years have
 * 146097 days; 719468 lie between 0000-03-01 and 1970-01-01. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t in_year =
		(153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	       in_year - 719468;
}

/* The inverse. */
static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t d = days + 719468;
	int64_t era = (d >= 0 ? d : d - 146096) / 146097;
	int64_t in_era = d - era * 146097;
	int64_t y =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) /
		365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * in_year + 2) / 153;

	*day = (int)(in_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

const char *mr_text_time(int64_t unix_s, char out[32])
{
	int64_t days = unix_s / DAY_S;
	int64_t rest = unix_s % DAY_S;
	int64_t year;
	int month, day;

	if (rest < 0) {
		rest += DAY_S;
		days--;
	}
	date_of(days, &year, &month, &day);
	(void)snprintf(out, 32, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02dZ", year,
		       month, day, (int)(rest / 3600), (int)(rest / 60 % 60),
		       (int)(rest % 60));
	return out;
}

/* Exactly `n` digits at *p as a number in [min, max]; moves *p.  Negative:
 * they are not there. */
static int digits(const char **p, int n, int min, int max)
{
	int value = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
		(*p)++;
	}
	return value < min || value > max ? -1 : value;
}

static bool skip(const char **p, char a, char b)
{
	if (**p != a && **p != b)
		return false;
	(*p)++;
	return true;
}

/* "Z" or "+HH:MM" to seconds east of Greenwich. */
static bool parse_offset(const char **p, int *offset_s)
{
	int sign, h, m;

	*offset_s = 0;
	if (skip(p, 'Z', 'z'))
		return true;
	sign = **p == '-' ? -1 : 1;
	if (!skip(p, '+', '-') || (h = digits(p, 2, 0, 23)) < 0 ||
	    !skip(p, ':', ':') || (m = digits(p, 2, 0, 59)) < 0)
		return false;
	*offset_s = sign * (h * 3600 + m * 60);
	return true;
}

int mr_text_time_parse(const char *text, int64_t *unix_s)
{
	const char *p = text;
	int year, month, day, h, m, s, offset_s;
	int64_t t;

	if ((year = digits(&p, 4, 0, 9999)) < 0 || !skip(&p, '-', '-') ||
	    (month = digits(&p, 2, 1, 12)) < 0 || !skip(&p, '-', '-') ||
	    (day = digits(&p, 2, 1, month_days(year, month))) < 0 ||
	    !skip(&p, 'T', 't') || (h = digits(&p, 2, 0, 23)) < 0 ||
	    !skip(&p, ':', ':') || (m = digits(&p, 2, 0, 59)) < 0 ||
	    !skip(&p, ':', ':') || (s = digits(&p, 2, 0, 60)) < 0)
		return -1;
	if (skip(&p, '.', '.')) {
		if (digits(&p, 1, 0, 9) < 0)
			return -1;
		while (*p >= '0' && *p <= '9')
			p++;
	}
	if (!parse_offset(&p, &offset_s) || *p)
		return -1;
	t = days_of(year, month, day) * DAY_S + h * 3600 + m * 60 + s -
	    offset_s;
	/* A leap second ends a day of UTC and nothing else (RFC 3339, appendix
	 * D); Unix time counts it as the next day's first. */
	if (s == 60 && t % DAY_S != 0)
		return -1;
	if (t < FIRST_S || t > LAST_S)
		return -1;
	*unix_s = t;
	return 0;
}

int mr_text_moment_parse(const char *text, int64_t *unix_s)
{
	char end[32];

	if (strlen(text) != 10)
		return mr_text_time_parse(text, unix_s);
	(void)snprintf(end, sizeof(end), "%sT23:59:59Z", text);
	return mr_text_time_parse(end, unix_s);
}

const char *mr_text_age(int64_t age_s, char out[32])
{
	static const struct {
		int64_t unit_s;
		const char *name;
	} units[] = {
		{ INT64_C(365) * DAY_S, "year" },
		{ 30 * DAY_S, "month" },
		{ DAY_S, "day" },
		{ 3600, "hour" },
		{ 60, "minute" },
		{ 1, "second" },
	};
	size_t i = 0;
	int64_t n;

	/* Nobody waits for the word to change, and clocks differ by seconds. */
	if (age_s < 10) {
		(void)snprintf(out, 32, "just now");
		return out;
	}
	while (age_s < units[i].unit_s)
		i++;
	n = age_s / units[i].unit_s;
	(void)snprintf(out, 32, "%" PRId64 " %s%s ago", n, units[i].name,
		       n == 1 ? "" : "s");
	return out;
}

const char *mr_text_span(int64_t span_s, char out[32])
{
	static const struct {
		int64_t unit_s;
		const char *name;
	} units[] = {
		{ DAY_S, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" }
	};
	int64_t rest = span_s > 0 ? span_s : 0;
	int64_t n;
	size_t i = 0;
	int len;

	while (units[i].unit_s > 1 && rest < units[i].unit_s)
		i++;
	len = snprintf(out, 32, "%" PRId64 " %s", rest / units[i].unit_s,
		       units[i].name);
	if (units[i].unit_s == 1)
		return out;
	n = rest % units[i].unit_s / units[i + 1].unit_s;
	if (n)
		(void)snprintf(out + len, 32 - (size_t)len, " %" PRId64 " %s",
			       n, units[i + 1].name);
	return out;
}

int mr_text_span_parse(const char *text, int64_t *seconds)
{
	static const char units[] = "hdw";
	static const int64_t each[] = { 3600, DAY_S, 7 * DAY_S };
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	int64_t n = 0;
	size_t i;

	if (digits == 0 || digits > SPAN_DIGITS || text[0] == '0' || !unit ||
	    text[digits + 1])
		return -1;
	for (i = 0; i < digits; i++)
		n = 10 * n + (text[i] - '0');
	*seconds = n * each[unit - units];
	return 0;
}
