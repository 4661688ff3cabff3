/*
 * test_json_memory.c - JSON that is read when memory runs out.
 *
 * Each parse is in a process of its own, since which allocation fails is read
 * once.
 */
#include "tests/support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

#define ALLOCATIONS_MAX 500

enum outcome {
	PARSED,
	REFUSED,
	WRONG
};

static enum outcome parse_without(int n, const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;
	char plan[16];
	int rc;

	(void)snprintf(plan, sizeof(plan), "%d", n);
	setenv("MREG_FAIL_ALLOC", plan, 1);
	rc = mr_json_parse(text, strlen(text), 4096, "text", &j, &err);
	if (rc == MREG_ENOMEM)
		return strstr(err.msg, "out of memory") ? REFUSED : WRONG;
	if (rc < 0)
		return WRONG;
	json_decref(j);
	return PARSED;
}

static enum outcome read_own_without(int n, const char *text)
{
	json_t *j = NULL;
	char *again = NULL;
	char plan[16];
	bool same;

	(void)snprintf(plan, sizeof(plan), "%d", n);
	setenv("MREG_FAIL_ALLOC", plan, 1);
	j = mr_json_own(text);
	if (!j)
		return REFUSED;
	/* The one that is refused may be of this. */
	again = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	same = !again || strcmp(again, text) == 0;
	mr_release(again);
	return same ? PARSED : WRONG;
}

/* Each allocation of a parse is refused in its turn: told, and nothing else. */
static void check_with(enum outcome (*without)(int n, const char *text),
		       const char *text)
{
	enum outcome found = WRONG;
	unsigned int refused = 0;
	int status;
	pid_t pid;
	int n;

	for (n = 1; n < ALLOCATIONS_MAX && found != PARSED; n++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)signal(SIGSEGV, SIG_DFL); /* not cmocka's */
			(void)signal(SIGABRT, SIG_DFL);
			_exit(without(n, text));
		}
		assert_int_equal(pid, waitpid(pid, &status, 0));
		assert_true(WIFEXITED(status));
		found = (enum outcome)WEXITSTATUS(status);
		assert_in_range(found, PARSED, REFUSED);
		refused += found == REFUSED;
	}
	assert_int_equal(found, PARSED);
	assert_true(refused >= 4);
}

static void check(const char *text)
{
	check_with(parse_without, text);
}

/* jansson would leave out the byte that finds no room. */
static void what_we_wrote_is_read_whole_or_not_at_all(void **state)
{
	(void)state;
	check_with(read_own_without,
		   "{\"schema\":\"mreg.incidents/1\",\"a\":[{\"event\":"
		   "\"sha256:b89cc142760252e5e678f658ebd460114172fab143336c6b"
		   "\",\"n\":12}]}");
}

/* jansson would go on behind the end of what it has of the string where it is
 * the quote at its end that finds no room. */
static void a_string_that_finds_no_room(void **state)
{
	char text[80];
	int n;

	(void)state;
	for (n = 1; n < 70; n++) {
		(void)snprintf(text, sizeof(text), "[\"%0*d\"]", n, 7);
		check(text);
	}
}

/* jansson asserts that it has all digits of it. */
static void a_number_that_finds_no_room(void **state)
{
	(void)state;
	check("[1234567890123456789]");
	check("[123456789012345.678901234567890e-3]");
	check("[1234567890123456]");
}

static void objects_and_arrays_that_find_no_room(void **state)
{
	(void)state;
	check("{\"config\": {\"mediaType\": \"application/json\", \"size\": 2},"
	      " \"layers\": [{\"a\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}, {}],"
	      " \"and a key that is longer than sixteen\": null}");
}

/* Keys are released while the text is read, values later. */
static void what_was_read_is_released_by_its_owner(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_json_freep) json_t *a = NULL;
	MR_AUTO(mr_json_freep) json_t *b = NULL;

	(void)state;
	assert_ok(mr_json_parse("{\"a\": {\"b\": [1]}}", 17, 99, "a", &a, &err),
		  err);
	assert_ok(mr_json_parse("[\"text\"]", 8, 99, "b", &b, &err), err);
	mr_json_freep(&a);
	assert_string_equal(json_string_value(json_array_get(b, 0)), "text");
}

/* What a document held is released first to last when it ends wrong; were each
 * looked for among all, this would not end today. */
static void a_long_document_that_ends_wrong(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t n = 4u << 20;
	char *text = malloc(n);
	json_t *j = NULL;
	size_t i;

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (i = 1; i + 1 < n; i += 2)
		memcpy(text + i, "0,", 2);
	text[n - 1] = 'x';
	assert_code(MREG_EFORMAT, mr_json_parse(text, n, n, "text", &j, &err),
		    err);
	free(text);
}

/* -- a program's own allocator --------------------------------------------- */

static int own_left;  /* allocations it grants */
static int own_count; /* that are not released */

static void *own_alloc(size_t n)
{
	if (own_left-- <= 0)
		return NULL;
	own_count++;
	return malloc(n);
}

static void own_free(void *mem)
{
	own_count -= mem != NULL;
	free(mem);
}

/* 0: as it should be. */
static int parse_by_own(int granted)
{
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;
	int rc;

	json_set_alloc_funcs(own_alloc, own_free);
	own_left = granted;
	rc = mr_json_parse("{\"a\":[1,\"b\"]}", 13, 64, "text", &j, &err);
	if (rc < 0)
		return rc == MREG_ENOMEM && own_count == 0 ? 0 : 1;
	json_decref(j);
	return granted > 4 && own_count == 0 ? 0 : 2;
}

static void an_allocator_of_the_programs_own_is_kept(void **state)
{
	int granted;

	(void)state;
	for (granted = 0; granted < 40; granted++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(parse_by_own(granted));
		assert_int_equal(pid, waitpid(pid, &status, 0));
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: which allocator it is, is asked once. */
		cmocka_unit_test(an_allocator_of_the_programs_own_is_kept),
		cmocka_unit_test(what_we_wrote_is_read_whole_or_not_at_all),
		cmocka_unit_test(a_string_that_finds_no_room),
		cmocka_unit_test(a_number_that_finds_no_room),
		cmocka_unit_test(objects_and_arrays_that_find_no_room),
		cmocka_unit_test(what_was_read_is_released_by_its_owner),
		cmocka_unit_test(a_long_document_that_ends_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
