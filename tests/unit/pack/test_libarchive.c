/*
 * tests/unit/pack/test_libarchive.c - libarchive found, absent, and something
 * else under its name.
 */
#include "tests/support/test.h"

#include <dlfcn.h>
#include <string.h>

#include "pack/libarchive.h"

static void every_caller_gets_the_same_table(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_libarchive *one = NULL;
	const struct mr_libarchive *two = NULL;

	(void)state;
	assert_ok(mr_libarchive_get(&one, &err), err);
	assert_ok(mr_libarchive_get(&two, &err), err);
	assert_non_null(one);
	assert_ptr_equal(one, two);
}

/* Each member holds the function of its own name. */
static void members_are_what_they_are_called(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_libarchive *la = NULL;
	void *library;
	void *symbol;
	Dl_info info;

	(void)state;
	assert_ok(mr_libarchive_get(&la, &err), err);
	memcpy(&symbol, &la->archive_read_new, sizeof(symbol));
	assert_int_not_equal(0, dladdr(symbol, &info));
	library = dlopen(info.dli_fname, RTLD_LAZY);
	assert_non_null(library);
	symbol = dlsym(library, "archive_errno"); /* the first member */
	assert_memory_equal(&symbol, &la->archive_errno, sizeof(symbol));
	symbol = dlsym(library, "archive_write_open");
	assert_memory_equal(&symbol, &la->archive_write_open, sizeof(symbol));
	symbol = dlsym(library, "archive_entry_symlink"); /* the last one */
	assert_memory_equal(&symbol, &la->archive_entry_symlink,
			    sizeof(symbol));
	dlclose(library);
}

static void a_missing_library_is_told(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_libarchive la;

	(void)state;
	assert_code(MREG_EUNSUPPORTED,
		    mr_libarchive_load("libarchive.so.9999", &la, &err), err);
	assert_string_equal("cannot load 'libarchive.so.9999', which archives "
			    "need",
			    err.msg);
	assert_has(err.hint, "install libarchive");
	assert_has(err.cause, "libarchive.so.9999");
}

static void a_library_that_lacks_a_function_is_told(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_libarchive la;

	(void)state;
	assert_code(MREG_EUNSUPPORTED,
		    mr_libarchive_load("libc.so.6", &la, &err), err);
	assert_has(err.msg, "cannot load 'libc.so.6'");
	assert_has(err.cause, "archive_errno");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_caller_gets_the_same_table),
		cmocka_unit_test(members_are_what_they_are_called),
		cmocka_unit_test(a_missing_library_is_told),
		cmocka_unit_test(a_library_that_lacks_a_function_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
