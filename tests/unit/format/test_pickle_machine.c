/*
 * test_pickle_machine.c - what a pickle may cost, and what breaks it.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/pickle.h"
#include "tests/support/pickle_fixture.h"

static void a_cut_pickle_is_trouble(void **state)
{
	struct weights w;
	char why[512];
	size_t n;

	(void)state;
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 25, 8);
	pickle_ops(&w, "ccollections\nOrderedDict\n(U\003abcX\002");
	weights_put(&w, 0, 3);
	pickle_ops(&w, "yzB\001");
	weights_put(&w, 0, 3);
	pickle_ops(&w, "!G12345678M12\212\00212L12\nF1.5\nI01\ntR.");
	assert_int_equal(pickle_kind(w.bytes, w.n, why), MR_FORMAT_PICKLE);
	assert_string_equal(why, "");
	for (n = 2; n < w.n; n++) {
		assert_int_equal(pickle_kind(w.bytes, n, why),
				 MR_FORMAT_PICKLE);
		assert_has(why, "ends early");
	}
}

static void lengths_beyond_the_file_cost_nothing(void **state)
{
	static const struct {
		unsigned char op;
		int bytes;
	} counted[] = {
		{ 'B', 4 },  { 'T', 4 },  { 'X', 4 },  { 0x8b, 4 },
		{ 0x8d, 8 }, { 0x8e, 8 }, { 0x96, 8 },
	};
	struct weights w;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(counted); i++) {
		pickle_proto(&w, 5);
		weights_put(&w, counted[i].op, 1);
		weights_put(&w, UINT64_MAX, counted[i].bytes);
		pickle_ops(&w, "0N.");
		pickle_in_trouble(w.bytes, w.n, "ends early");
	}
}

/* The opcodes again and again, behind those of `w`, and STOP. */
static void repeated(struct weights *w, const char *bytes, size_t n,
		     size_t times, const char *trouble)
{
	size_t size = w->n + n * times + 1;
	char *all = malloc(size);
	size_t i;

	assert_non_null(all);
	memcpy(all, w->bytes, w->n);
	for (i = 0; i < times; i++)
		memcpy(all + w->n + i * n, bytes, n);
	all[size - 1] = '.';
	pickle_in_trouble(all, size, trouble);
	free(all);
}

static void marks_values_and_memo_are_bounded(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 2);
	repeated(&w, "(", 1, 1 << 20, "more marks on its stack");
	repeated(&w, "]", 1, (1 << 22) + 1, "more values on its stack");
	pickle_ops(&w, "N");
	repeated(&w, "2", 1, (1 << 22) + 1, "more values on its stack");
	pickle_ops(&w, "r\377\377\377\377.");
	pickle_in_trouble(w.bytes, w.n, "memo is larger");
	pickle_proto(&w, 0);
	pickle_ops(&w, "Np99999999999999999999999\n.");
	pickle_in_trouble(w.bytes, w.n, "memo is larger");
	/* MEMOIZE without end. */
	pickle_proto(&w, 4);
	pickle_ops(&w, "N");
	repeated(&w, MEMOIZE, 1, (1 << 23) + 1, "memo is larger");
}

static void imports_are_bounded(void **state)
{
	char *all = malloc(5000 * 16);
	size_t n = 0;
	size_t i;

	(void)state;
	assert_non_null(all);
	n += (size_t)sprintf(all, "\200\002(");
	for (i = 0; i < 5000; i++)
		n += (size_t)sprintf(all + n, "cm%zu\nf\n", i);
	n += (size_t)sprintf(all + n, "t.");
	pickle_in_trouble(all, n,
			  "it imports more than is looked at; before that "
			  "it imports 'm0 f'");
	free(all);
}

static void work_is_bounded(void **state)
{
	struct weights w;

	(void)state;
	/* A memo of 64 MiB, and pickles of two opcodes that would each have to
	 * clear it. */
	pickle_proto(&w, 4);
	pickle_ops(&w, "Nr\377\377\177");
	weights_put(&w, 0, 1);
	pickle_ops(&w, ".");
	assert_int_equal(w.n, 9);
	repeated(&w, w.bytes, 9, 1000, "longer than what is looked at");
}

static void long_arguments_are_not_read(void **state)
{
	struct weights w;
	struct looked l;
	uint64_t size = UINT64_C(1) << 40;

	(void)state;
	pickle_proto(&w, 5);
	pickle_ops(&w, "cos\nsystem\n0\216");
	weights_put(&w, size - w.n - 8, 8);
	/* All zeroes behind it, and the end. */
	facts_look(&l, w.bytes, w.n, size, "model.bin");
	assert_non_null(l.f.trouble);
	assert_has(l.f.trouble, "imports 'os system'");
	/* Nor is more of the end than an archive's mark may be in. */
	assert_true(l.c.bytes <= 4 * MR_CURSOR_BYTES);
	facts_release(&l);
}

static void the_stack_is_checked(void **state)
{
	static const char *const bad[] = {
		".",
		"0.",
		"R.",
		"NR.",
		"Nb.",
		"NNs.",
		"t.",
		"(e.",
		"(o.",
		"2.",
		"q\001.",
		"h\001.",
		"N(R.",
		"N(.",
		"NN(s.",
		"1.",
		"\205.",
		"N\206.",
		"a.",
		"NN\207.",
		STACK_GLOBAL ".",
		"N" STACK_GLOBAL ".",
		"Ng5\n.",
		"Ng-1\n.",
		"Q.",
		"\222.",
		"N(" STACK_GLOBAL ".",
	};
	struct weights w;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		pickle_proto(&w, 4);
		pickle_ops(&w, bad[i]);
		pickle_in_trouble(w.bytes, w.n, "cannot be inspected: ");
	}
}

static void a_broken_pickle_has_run_before(void **state)
{
	struct weights w;
	struct looked l;
	char out[4096];

	(void)state;
	pickle_proto(&w, 2);
	pickle_ops(&w, "cos\nsystem\nU\002id\205R\377");
	pickle_in_trouble(
		w.bytes, w.n,
		"cannot be inspected: 0xff at byte 19 is no opcode of "
		"pickle; before that it imports 'os system'");
	/* Not the file's fault: its arrays are no pickle. */
	pickle_proto(&w, 4);
	pickle_text(&w, "joblib.numpy_pickle");
	pickle_text(&w, "NumpyArrayWrapper");
	pickle_ops(&w, STACK_GLOBAL ")\201\t\377\377");
	pickle_in_trouble(
		w.bytes, w.n,
		"cannot be inspected: joblib keeps arrays inside the "
		"pickle; before that it imports 'joblib.numpy_pickle");
	facts_look(&l, w.bytes, w.n, w.n, "model.joblib");
	assert_true(l.f.limited);
	assert_string_equal(pickle_join(&l.f.globals, out),
			    "joblib.numpy_pickle NumpyArrayWrapper");
	assert_string_equal(pickle_join(&l.f.unsafe, out),
			    "joblib.numpy_pickle NumpyArrayWrapper");
	facts_release(&l);
}

static void what_is_no_opcode_says_where(void **state)
{
	static const struct {
		const char *ops, *trouble;
	} rows[] = {
		{ "N\200\006.", "protocol 6 of pickle is not known" },
		{ "Ixyz\n.", "byte 3 begins no line of INT" },
		{ "Npx\n.", "begins no line of PUT" },
		{ "Np1x\n.", "begins no key of PUT" },
		{ "ca b\nc\n.", "GLOBAL at byte 2 names no module" },
	};
	struct weights w;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		pickle_proto(&w, 2);
		pickle_ops(&w, rows[i].ops);
		pickle_in_trouble(w.bytes, w.n, rows[i].trouble);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_pickle_is_trouble),
		cmocka_unit_test(lengths_beyond_the_file_cost_nothing),
		cmocka_unit_test(marks_values_and_memo_are_bounded),
		cmocka_unit_test(imports_are_bounded),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(long_arguments_are_not_read),
		cmocka_unit_test(the_stack_is_checked),
		cmocka_unit_test(a_broken_pickle_has_run_before),
		cmocka_unit_test(what_is_no_opcode_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
