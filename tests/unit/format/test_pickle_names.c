/*
 * test_pickle_names.c - names that a pickle puts together on its stack, in its
 * memo and in frames are told as an unpickler would see them.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/pickle_fixture.h"

static void names_come_through_the_memo(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 4);
	pickle_text(&w, "os");
	pickle_binput(&w, 7);
	pickle_ops(&w, "0");
	pickle_text(&w, "system");
	pickle_ops(&w, MEMOIZE "0"); /* the second entry: 1 */
	pickle_binget(&w, 7);
	pickle_binget(&w, 1);
	pickle_ops(&w, STACK_GLOBAL ".");
	pickle_imports(&w, "os system", "os system");
	/* Keys are written over: a scanner that keeps the first is led past. */
	pickle_proto(&w, 4);
	pickle_text(&w, "collections");
	pickle_binput(&w, 0);
	pickle_text(&w, "OrderedDict");
	pickle_binput(&w, 1);
	pickle_text(&w, "os");
	pickle_binput(&w, 0);
	pickle_text(&w, "system");
	pickle_binput(&w, 1);
	pickle_ops(&w, "(1");
	pickle_binget(&w, 0);
	pickle_binget(&w, 1);
	pickle_ops(&w, STACK_GLOBAL ".");
	pickle_imports(&w, "os system", "os system");
	/* As lines, and numbers as Python reads them. */
	pickle_proto(&w, 4);
	pickle_ops(&w, "Vos\np 1_0 \n0S\"system\"\np+2\n0g10\ng2\n" STACK_GLOBAL
		       ".");
	pickle_imports(&w, "os system", "os system");
}

static void names_are_what_is_on_the_stack(void **state)
{
	struct weights w;

	(void)state;
	/* Between the name and its use others come and go. */
	pickle_proto(&w, 4);
	pickle_text(&w, "os");
	pickle_text(&w, "collections");
	pickle_ops(&w, "0");
	pickle_text(&w, "system");
	pickle_ops(&w, "(");
	pickle_text(&w, "OrderedDict");
	pickle_ops(&w, "1N0(02" MEMOIZE "0" STACK_GLOBAL ".");
	pickle_imports(&w, "os system", "os system");
	pickle_proto(&w, 4);
	pickle_text(&w, "getattr");
	pickle_ops(&w, "2" STACK_GLOBAL ".");
	pickle_imports(&w, "getattr getattr", "getattr getattr");
}

static void what_is_computed_is_unsafe(void **state)
{
	static const char *const makers[] = {
		/* something called; escapes; a number; bytes; an entry */
		"c_codecs\nencode\n)R",
		"V\\u006fs\n",
		"S'\\x6fs'\n",
		"K\001",
		"C\002os",
		"]",
	};
	struct weights w;
	struct weights list;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(makers); i++) {
		pickle_proto(&w, 4);
		pickle_ops(&w, makers[i]);
		pickle_text(&w, "OrderedDict");
		pickle_ops(&w, STACK_GLOBAL ".");
		pickle_imports(&w,
			       i ? "(computed)" : "(computed)|_codecs encode",
			       "(computed)");
		pickle_proto(&w, 4);
		pickle_text(&w, "collections");
		pickle_ops(&w, makers[i]);
		pickle_ops(&w, STACK_GLOBAL ".");
		pickle_imports(&w,
			       i ? "(computed)" : "(computed)|_codecs encode",
			       "(computed)");
	}
	/* Longer than any name, and one that no module has. */
	pickle_proto(&list, 4);
	pickle_ops(&list, "V");
	for (i = 0; i < 300; i++)
		pickle_ops(&list, "x");
	pickle_ops(&list, "\n");
	pickle_text(&list, "f");
	pickle_ops(&list, STACK_GLOBAL "0");
	pickle_text(&list, "a b");
	pickle_text(&list, "f");
	pickle_ops(&list, STACK_GLOBAL ".");
	pickle_imports(&list, "(computed)", "(computed)");
	/* A line that is cut is no name either. */
	pickle_proto(&list, 4);
	pickle_ops(&list, "c");
	for (i = 0; i < 500; i++)
		pickle_ops(&list, "x");
	pickle_ops(&list, "\ny\n.");
	pickle_imports(&list, "(computed)", "(computed)");
}

static void extensions_and_keywords_are_unsafe(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 2);
	pickle_ops(&w, "\202\001");
	pickle_ops(&w, "\203\001\001");
	pickle_ops(&w, "\204\001\001\001\001.");
	pickle_imports(&w, "(extension)", "(extension)");
	/* StorageBase.__new__(allocator=0x4141) of an allowed class. */
	pickle_proto(&w, 4);
	pickle_ops(&w, "ctorch\nUntypedStorage\n)}\222.");
	pickle_imports(&w, "(keyword arguments)|torch UntypedStorage",
		       "(keyword arguments)|torch UntypedStorage");
}

/* CPython's unpickler reads a frame at once, and loses the rest of it when an
 * opcode goes over its end: this one calls os.system, while who reads byte by
 * byte sees two texts. */
static void frames_end_where_opcodes_end(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 7, 8);
	pickle_text(&w, "abcdefgh");
	pickle_ops(&w, "X\017");
	weights_put(&w, 0, 3);
	pickle_ops(&w, "0cos\nsystem\n)R..");
	pickle_in_trouble(w.bytes, w.n,
			  "an opcode goes over the end of its frame");
	/* Without magic too. */
	memset(&w, 0, sizeof(w));
	pickle_ops(&w, "N\225");
	weights_put(&w, 7, 8);
	pickle_text(&w, "abcdefgh");
	pickle_ops(&w, ".");
	pickle_in_trouble(w.bytes, w.n,
			  "an opcode goes over the end of its frame");
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 10, 8);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 2, 8);
	pickle_ops(&w, "N.");
	pickle_in_trouble(w.bytes, w.n, "a frame inside a frame");
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 3, 8);
	pickle_ops(&w, "N.N.");
	pickle_in_trouble(w.bytes, w.n, "it stops inside a frame");
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, UINT64_MAX, 8);
	pickle_ops(&w, "N.");
	pickle_in_trouble(w.bytes, w.n, "it stops inside a frame");
	/* One behind the other is as it should be. */
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 1, 8);
	pickle_ops(&w, "N\225");
	weights_put(&w, 2, 8);
	pickle_ops(&w, "0N.");
	pickle_imports(&w, "", "");
}

static void names_are_safe_to_show(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 4);
	pickle_text(&w, "\342\200\256so\377");
	pickle_text(&w, "\303\251");
	pickle_ops(&w, STACK_GLOBAL ".");
	pickle_imports(&w, "\\u{202e}so\\xff \303\251",
		       "\\u{202e}so\\xff \303\251");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_through_the_memo),
		cmocka_unit_test(names_are_what_is_on_the_stack),
		cmocka_unit_test(what_is_computed_is_unsafe),
		cmocka_unit_test(extensions_and_keywords_are_unsafe),
		cmocka_unit_test(frames_end_where_opcodes_end),
		cmocka_unit_test(names_are_safe_to_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
