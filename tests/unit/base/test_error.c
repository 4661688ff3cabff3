/*
 * test_error.c - the table of codes, and how errors are raised and wrapped.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* house.md, section 3. */
static void knows_every_code(void **state)
{
	static const struct {
		enum mreg_code code;
		int number;
		const char *name;
		int exit;
		int retry;
	} rows[] = {
		{ MREG_OK, 0, "ok", 0, 0 },
		{ MREG_EUSAGE, -1, "usage", 2, 0 },
		{ MREG_ENOTFOUND, -2, "not_found", 3, 0 },
		{ MREG_ECONFLICT, -3, "conflict", 4, 0 },
		{ MREG_EAUTH, -4, "unauthenticated", 5, 0 },
		{ MREG_EDENIED, -5, "denied", 5, 0 },
		{ MREG_EINTEGRITY, -6, "integrity", 6, 0 },
		{ MREG_EPOLICY, -7, "policy", 7, 0 },
		{ MREG_ENETWORK, -8, "network", 8, 1 },
		{ MREG_EREMOTE, -9, "remote", 8, 1 },
		{ MREG_EUNSUPPORTED, -10, "unsupported", 9, 0 },
		{ MREG_EFORMAT, -11, "format", 1, 0 },
		{ MREG_ELIMIT, -12, "limit", 1, 0 },
		{ MREG_EIO, -13, "io", 1, 0 },
		{ MREG_EDB, -14, "database", 1, 0 },
		{ MREG_ENOMEM, -15, "no_memory", 1, 0 },
		{ MREG_EINTERNAL, -16, "internal", 1, 0 },
		{ MREG_ECANCELED, -17, "canceled", 130, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_int_equal(rows[i].code, rows[i].number);
		assert_string_equal(mreg_code_name(rows[i].code), rows[i].name);
		assert_int_equal(mreg_code_exit(rows[i].code), rows[i].exit);
		assert_int_equal(mreg_code_retry(rows[i].code), rows[i].retry);
	}
}

static void takes_unknown_codes_for_bugs(void **state)
{
	(void)state;
	assert_string_equal(mreg_code_name((enum mreg_code) - 99), "internal");
	assert_int_equal(mreg_code_exit((enum mreg_code) - 99), 1);
	assert_string_equal(mreg_code_name((enum mreg_code)1), "internal");
}

static void a_new_failure_forgets_the_old_one(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_fail_sys(&err, ENOSPC, "cannot write 'a'");
	mr_cause(&err, "something");
	assert_code(MREG_EFORMAT, mr_fail(&err, MREG_EFORMAT, "bad %d", 7),
		    err);
	assert_string_equal(err.msg, "bad 7");
	assert_string_equal(err.hint, "");
	assert_string_equal(err.cause, "");
	assert_int_equal(err.sys, 0);
}

static void a_system_failure_says_why(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_code(MREG_ENOTFOUND,
		    mr_fail_sys(&err, ENOENT, "cannot open '%s'", "x"), err);
	assert_string_equal(err.msg,
			    "cannot open 'x': No such file or directory");
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.hint, "");
	assert_code(MREG_ENOMEM, mr_fail_sys(&err, ENOMEM, "x"), err);
	assert_code(MREG_EIO, mr_fail_sys(&err, EACCES, "x"), err);
	assert_has(err.hint, "permissions");
	assert_code(MREG_EIO, mr_fail_sys(&err, EROFS, "x"), err);
	assert_has(err.hint, "read-only");
	assert_code(MREG_EIO, mr_fail_sys(&err, EDQUOT, "x"), err);
	assert_string_equal(err.hint,
			    "free some space and run the same command again");
	assert_code(MREG_EIO, mr_fail_sys(&err, EIO, "x"), err);
}

static void wrapping_keeps_code_hint_and_order(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_fail(&err, MREG_ENETWORK, "connection reset");
	mr_hint(&err, "try %s", "again");
	err.sys = 104;
	assert_code(MREG_ENETWORK, mr_wrap(&err, "cannot read '%s'", "b"), err);
	assert_code(MREG_ENETWORK, mr_wrap(&err, "cannot pull '%s'", "m"), err);
	assert_string_equal(err.msg, "cannot pull 'm'");
	assert_string_equal(err.cause, "cannot read 'b'; connection reset");
	assert_string_equal(err.hint, "try again");
	assert_int_equal(err.sys, 104);
	mr_cause(&err, "server said %d", 5);
	assert_string_equal(err.cause,
			    "cannot read 'b'; connection reset; server said 5");
}

static void an_error_may_be_made_of_itself(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_fail(&err, MREG_EIO, "inner");
	mr_fail(&err, MREG_EDB, "outer (%s)", err.msg);
	assert_string_equal(err.msg, "outer (inner)");
	mr_wrap(&err, "%s again", err.msg);
	assert_string_equal(err.msg, "outer (inner) again");
	assert_string_equal(err.cause, "outer (inner)");
}

static void outside_text_cannot_forge_a_line(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_fail(&err, MREG_EREMOTE, "server: %s", "a\nerror: b\x1b[2J");
	assert_string_equal(err.msg, "server: a\\x0aerror: b\\x1b[2J");
	mr_cause(&err, "%s", "<html>\r\n\xff");
	assert_string_equal(err.cause, "<html>\\x0d\\x0a\\xff");
	mr_hint(&err, "\a");
	assert_string_equal(err.hint, "\\x07");
}

static void long_texts_end_in_dots(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char text[3000];
	int i;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mr_fail_sys(&err, EIO, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_string_equal(err.msg + sizeof(err.msg) - 5, "x...");
	mr_hint(&err, "%s", text);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
	for (i = 0; i < 5; i++) {
		mr_wrap(&err, "%s", text);
		mr_cause(&err, "%s", text);
	}
	assert_int_equal(strlen(err.cause), sizeof(err.cause) - 1);
	assert_has(err.cause, "x...");
}

static void tells_what_failed_and_the_reason_at_the_bottom(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MR_ERROR_TEXT];

	(void)state;
	(void)mr_fail(&err, MREG_EIO, "disk on fire");
	assert_string_equal(mr_error_text(&err, text), "disk on fire");
	(void)mr_wrap(&err, "cannot read 'a'");
	(void)mr_wrap(&err, "cannot push 'm'");
	assert_string_equal(mr_error_text(&err, text),
			    "cannot push 'm': disk on fire");
}

static void no_error_struct_is_fine(void **state)
{
	(void)state;
	assert_int_equal(mr_fail(NULL, MREG_EIO, "x"), MREG_EIO);
	assert_int_equal(mr_fail_sys(NULL, ENOENT, "x"), MREG_ENOTFOUND);
	assert_int_equal(mr_fail_nomem(NULL), MREG_ENOMEM);
	assert_int_equal(mr_wrap(NULL, "x"), MREG_EINTERNAL);
	assert_int_equal(mr_hint(NULL, "x"), MREG_EINTERNAL);
	assert_int_equal(mr_cause(NULL, "x"), MREG_EINTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_code),
		cmocka_unit_test(takes_unknown_codes_for_bugs),
		cmocka_unit_test(a_new_failure_forgets_the_old_one),
		cmocka_unit_test(a_system_failure_says_why),
		cmocka_unit_test(wrapping_keeps_code_hint_and_order),
		cmocka_unit_test(an_error_may_be_made_of_itself),
		cmocka_unit_test(outside_text_cannot_forge_a_line),
		cmocka_unit_test(long_texts_end_in_dots),
		cmocka_unit_test(
			tells_what_failed_and_the_reason_at_the_bottom),
		cmocka_unit_test(no_error_struct_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
