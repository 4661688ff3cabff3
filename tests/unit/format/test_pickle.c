/*
 * test_pickle.c - what a pickle imports is told, all of it, without running
 * it; what cannot be told is not called harmless (security.md H65 to H67).
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/pickle.h"
#include "tests/support/pickle_fixture.h"

static void is_no_pickle(const char *bytes)
{
	char why[512];

	assert_int_equal(pickle_kind(bytes, strlen(bytes), why),
			 MR_FORMAT_UNKNOWN);
	assert_string_equal(why, "");
}

/* -- imports --------------------------------------------------------------- */

static void lists_the_imports_of_every_protocol(void **state)
{
	struct weights w = { 0 };

	(void)state;
	/* pickle.dumps of os.system("id") by __reduce__, protocols 0 to 5. */
	pickle_ops(&w, "cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.");
	pickle_imports(&w, "posix system", "posix system");
	memset(&w, 0, sizeof(w));
	pickle_ops(&w, "cposix\nsystem\nq\001(X\002");
	weights_put(&w, 0, 3);
	pickle_ops(&w, "idq\001tq\002Rq\003.");
	pickle_imports(&w, "posix system", "posix system");
	pickle_proto(&w, 2);
	pickle_ops(&w, "cposix\nsystem\nq\001X\002");
	weights_put(&w, 0, 3);
	pickle_ops(&w, "idq\002\205q\003Rq\004.");
	pickle_imports(&w, "posix system", "posix system");
	pickle_proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 29, 8);
	pickle_text(&w, "posix");
	pickle_ops(&w, MEMOIZE);
	pickle_text(&w, "system");
	pickle_ops(&w, MEMOIZE STACK_GLOBAL MEMOIZE);
	pickle_text(&w, "id");
	pickle_ops(&w, MEMOIZE "\205" MEMOIZE "R" MEMOIZE ".");
	pickle_imports(&w, "posix system", "posix system");
}

static void lists_what_instances_import(void **state)
{
	struct weights w = { 0 };

	(void)state;
	pickle_ops(&w, "(S'id'\nios\nsystem\n.");
	pickle_imports(&w, "os system", "os system");
	pickle_proto(&w, 2);
	pickle_ops(&w, "(cos\nsystem\nU\002ido.");
	pickle_imports(&w, "os system", "os system");
	pickle_proto(&w, 2);
	pickle_ops(&w, "ccollections\nOrderedDict\n)\201}b.");
	pickle_imports(&w, "collections OrderedDict", "");
}

static void tells_each_import_once_and_sorted(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 2);
	pickle_ops(&w, "(czlib\ndecompress\nctorch\nSize\nczlib\ndecompress\n"
		       "cbuiltins\nset\nt.");
	pickle_imports(&w, "builtins set|torch Size|zlib decompress",
		       "zlib decompress");
}

/* Written by CPython's pickle (tests/fuzz/corpus/pickle); what its own
 * unpickler asked find_class for. */
static void agrees_with_python(void **state)
{
	static const struct {
		const char *name, *globals, *unsafe;
	} files[] = {
		{ "plain0",
		  "__builtin__ set|_codecs encode|collections OrderedDict",
		  "" },
		{ "plain1",
		  "__builtin__ set|_codecs encode|collections OrderedDict",
		  "" },
		{ "plain2",
		  "__builtin__ set|_codecs encode|collections OrderedDict",
		  "" },
		{ "plain3", "builtins set|collections OrderedDict", "" },
		{ "plain4", "collections OrderedDict", "" },
		{ "plain5", "collections OrderedDict", "" },
		{ "evil0", "posix system", "posix system" },
		{ "evil1", "posix system", "posix system" },
		{ "evil2", "posix system", "posix system" },
		{ "evil3", "posix system", "posix system" },
		{ "evil4", "posix system", "posix system" },
		{ "evil5", "posix system", "posix system" },
		{ "decimal0", "__builtin__ complex|decimal Decimal",
		  "decimal Decimal" },
		{ "decimal4", "builtins complex|decimal Decimal",
		  "decimal Decimal" },
		{ "array", "array _array_reconstructor|array array",
		  "array _array_reconstructor|array array" },
		{ "nested_name", "builtins getattr|collections OrderedDict",
		  "builtins getattr" },
		{ "obj1", "__main__ A", "__main__ A" },
		{ "instance0", "__main__ A", "__main__ A" },
		{ "extension", "(extension)", "(extension)" },
		{ "memo_over", "os system", "os system" },
		{ "data_behind", "collections OrderedDict", MR_UNSAFE_REST },
		{ "two",
		  "__builtin__ set|_codecs encode|collections OrderedDict|"
		  "posix system",
		  "posix system" },
		{ "legacy_torch",
		  "collections OrderedDict|torch FloatStorage|"
		  "torch._utils _rebuild_tensor_v2",
		  "" },
	};
	struct weights w;
	char *bytes;
	size_t n;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(files); i++) {
		memset(&w, 0, sizeof(w));
		bytes = test_read("tests/fuzz/corpus/pickle", files[i].name,
				  &n);
		weights_add(&w, bytes, n);
		free(bytes);
		pickle_imports(&w, files[i].globals, files[i].unsafe);
	}
}

static void a_plain_state_dict_is_safe(void **state)
{
	struct weights w;

	(void)state;
	/* torch.save(OrderedDict(w=torch.zeros(2))) of PyTorch 2. */
	pickle_proto(&w, 2);
	pickle_ops(&w,
		   "ccollections\nOrderedDict\n)R(U\001w"
		   "ctorch._utils\n_rebuild_tensor_v2\n"
		   "((U\007storagectorch\nFloatStorage\nU\0010U\003cpuK\002tQ"
		   "K");
	weights_put(&w, 0, 1);
	pickle_ops(&w,
		   "K\002\205K\001\205\211ccollections\nOrderedDict\n)RtRu.");
	pickle_imports(&w,
		       "collections OrderedDict|torch FloatStorage|"
		       "torch._utils _rebuild_tensor_v2",
		       "");
	/* numpy.zeros(1), protocol 2, of numpy 1 and 2. */
	pickle_proto(&w, 2);
	pickle_ops(&w,
		   "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK");
	weights_put(&w, 0, 1);
	pickle_ops(
		&w,
		"\205U\001b\207R(K\001K\001\205cnumpy\ndtype\n"
		"U\002f8\211\210\207R(K\003U\001<NNNJ\377\377\377\377J\377\377"
		"\377\377K");
	weights_put(&w, 0, 1);
	pickle_ops(&w, "tb\211c_codecs\nencode\nU\010");
	weights_put(&w, 0x2020202020202020, 8);
	pickle_ops(&w, "U\006latin1\206Rtb.");
	pickle_imports(
		&w,
		"_codecs encode|numpy dtype|numpy ndarray|"
		"numpy.core.multiarray _reconstruct",
		"numpy dtype|numpy ndarray|numpy.core.multiarray _reconstruct");
}

static void only_whole_names_are_allowed(void **state)
{
	static const char *const allowed[] = {
		"collections OrderedDict",
		"collections defaultdict",
		"torch FloatStorage",
		"torch bfloat16",
		"torch.cuda HalfStorage",
		"torch._utils _rebuild_tensor_v2",
		"torch._tensor _rebuild_from_type_v2",
		"torch.nn.parameter Parameter",
		"__builtin__ set",
		"builtins complex",
		"_codecs encode",
		"torch.jit._pickle build_intlist",
		"copy_reg _reconstructor",
	};
	static const char *const unsafe[] = {
		"collections OrderedDic",
		"collections OrderedDict2",
		"collections OrderedDict.__init__",
		"collections ",
		"collections Counter OrderedDict",
		"collection OrderedDict",
		"collections.abc OrderedDict",
		" OrderedDict",
		"OrderedDict",
		"",
		"os system",
		"posix system",
		"nt system",
		"builtins eval",
		"builtins exec",
		"builtins getattr",
		"__builtin__ eval",
		"__builtin__ apply",
		"torch.storage _load_from_bytes",
		"torch load",
		"torch.hub load",
		"torch._utils _rebuild",
		"torch.serialization load",
		"numpy load",
		/* Each makes pointers of bytes. */
		"numpy dtype",
		"numpy ndarray",
		"numpy._core.multiarray scalar",
		"numpy.core.multiarray _reconstruct",
		"numpy.core.numeric _frombuffer",
		"numpy.core.multiarray fromfile",
		"copyreg add_extension",
		"operator attrgetter",
		"functools partial",
		"sklearn.linear_model._logistic LogisticRegression",
		"__torch__.m M",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(allowed); i++)
		assert_true(
			mr_pickle_is_allowed(allowed[i], strlen(allowed[i])));
	for (i = 0; i < MR_COUNT(unsafe); i++)
		assert_false(
			mr_pickle_is_allowed(unsafe[i], strlen(unsafe[i])));
	/* NUL ends no name. */
	assert_false(mr_pickle_is_allowed("torch Size\0", 11));
	assert_false(mr_pickle_is_allowed("torch\0 Size", 11));
}

/* sys.path, os.environ: no call is needed, and an unpickler that then breaks
 * has done it. */
static void changing_what_was_imported_is_seen_without_magic(void **state)
{
	static const struct {
		const char *bytes;
		const char *unsafe;
	} changes[] = {
		{ "csys\npath\nS'/tmp'\na\377", "sys path" },
		{ "csys\npath\n(S'/tmp'\ne\377", "sys path" },
		{ "cos\nenviron\nS'PATH'\nS'/tmp'\ns\377", "os environ" },
		{ "cos\nenviron\n(S'PATH'\nS'/tmp'\nu\377", "os environ" },
		{ "csys\nx\n(S'/tmp'\n\220\377", "sys x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(changes); i++)
		pickle_in_trouble(changes[i].bytes, strlen(changes[i].bytes),
				  changes[i].unsafe);
	/* Without an import they are what any text may say. */
	is_no_pickle("]S'/tmp'\na\377");
}

/* -- without magic -------------------------------------------------------- */

static void texts_are_no_pickles(void **state)
{
	is_no_pickle("");
	is_no_pickle(".");
	is_no_pickle("# Model card\n\nThis model ...\n");
	is_no_pickle("coverage\nbuild\n.env\n");
	is_no_pickle("cat\ndog\nrat\nbird\n");
	is_no_pickle("(in thousands)\nand more\n.");
	is_no_pickle("I am a model.\n");
	is_no_pickle("N.B.: this is not the last version.\n");
	is_no_pickle("Please read the licence.\n.\n");
	is_no_pickle("Very good\nand so on");
	is_no_pickle("{\"a\": 1}");
	is_no_pickle("[1, 2]");
	is_no_pickle("(1, 2)");
	is_no_pickle("1.0.0\n");
	is_no_pickle("import os\nos.system('id')\n");
	is_no_pickle("from x import y\n");
	is_no_pickle("}\n");
	(void)state;
}

static void protocols_without_magic_are_found(void **state)
{
	struct weights w = { 0 };
	char why[512];

	(void)state;
	/* pickle.dumps({"a": [1, 2.5, None, True]}, 0) */
	pickle_ops(&w, "(dp0\nVa\np1\n(lp2\nI1\naF2.5\naNaI01\nas.");
	pickle_imports(&w, "", "");
	/* What it begins with does not matter to an unpickler: a number that
	 * is dropped, a frame, true. */
	memset(&w, 0, sizeof(w));
	pickle_ops(&w, "\2100cos\nsystem\n(S'id'\ntR.");
	assert_int_equal(pickle_kind(w.bytes, w.n, why), MR_FORMAT_PICKLE);
	/* More behind it is not read by who loads it. */
	memset(&w, 0, sizeof(w));
	pickle_ops(&w, "cos\nsystem\n(S'id'\ntR.{\"not\": \"json\"}");
	pickle_imports(&w, "os system", MR_UNSAFE_REST "|os system");
	/* It has run when it breaks. */
	memset(&w, 0, sizeof(w));
	pickle_ops(&w, "cos\nsystem\n(S'id'\ntR\377\377");
	pickle_in_trouble(w.bytes, w.n, "imports 'os system'");
	/* Blanks and a NUL that CPython passes over. */
	memset(&w, 0, sizeof(w));
	pickle_ops(&w, "I 12");
	weights_put(&w, 0, 1);
	pickle_ops(&w, "junk\n0cos\nsystem\n(tR.");
	pickle_imports(&w, "os system", "os system");
}

/* -- more than one -------------------------------------------------------- */

static void pickles_may_follow_each_other(void **state)
{
	struct weights w;

	(void)state;
	pickle_proto(&w, 2);
	pickle_ops(&w,
		   "N.\200\002ccollections\nOrderedDict\n.cos\nsystem\n)R.");
	pickle_imports(&w, "collections OrderedDict|os system", "os system");
	/* The memo of one is not that of the next. */
	pickle_proto(&w, 4);
	pickle_text(&w, "os");
	pickle_ops(&w, MEMOIZE ".\200\004");
	pickle_binget(&w, 0);
	pickle_ops(&w, ".");
	pickle_in_trouble(w.bytes, w.n, "finds no such entry in the memo");
	/* One that breaks after it has called something. */
	pickle_proto(&w, 2);
	pickle_ops(&w, "N.cos\nsystem\n)R\377");
	pickle_in_trouble(w.bytes, w.n, "imports 'os system'");
}

static void what_follows_may_be_data(void **state)
{
	struct weights w;
	struct looked l;
	char out[4096];

	(void)state;
	pickle_proto(&w, 2);
	pickle_ops(&w, "ctorch\nSize\n.cos\nsystem\n\377\377");
	facts_look(&l, w.bytes, w.n, w.n, "model.bin");
	assert_null(l.f.trouble);
	assert_string_equal(pickle_join(&l.f.globals, out), "torch Size");
	assert_int_equal(l.f.warnings.n, 1);
	assert_string_equal(l.f.warnings.items[0],
			    "13 bytes behind its last pickle are no pickle and "
			    "were not looked at");
	facts_release(&l);
}

static void legacy_torch_files_end_with_their_storages(void **state)
{
	static const char number[] =
		"\200\002\212\012\154\374\234\106\371\040\152\250\120\031.";
	struct weights w = { 0 };
	struct looked l;
	char out[4096];
	size_t whole;

	(void)state;
	pickle_ops(&w, number);
	pickle_ops(&w, "\200\002M\351\003.");
	pickle_ops(&w, "\200\002}(U\015little_endian\210u.");
	pickle_ops(&w, "\200\002ctorch._utils\n_rebuild_tensor_v2\n.");
	pickle_ops(&w, "\200\002]U\0011a.");
	whole = w.n;
	/* One storage: two numbers of four bytes; no pickle of it. */
	weights_put(&w, 2, 8);
	pickle_ops(&w, "cos\nsystem\n)R.");
	facts_look(&l, w.bytes, w.n, w.n, "model.bin");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_string_equal(pickle_join(&l.f.globals, out),
			    "torch._utils _rebuild_tensor_v2");
	assert_int_equal(l.f.unsafe.n, 0);
	assert_int_equal(l.f.warnings.n, 0);
	assert_string_equal(l.f.producer, "PyTorch");
	facts_release(&l);
	pickle_in_trouble(w.bytes, whole - 1, "ends early");
	pickle_in_trouble(w.bytes, 15, "ends early");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_the_imports_of_every_protocol),
		cmocka_unit_test(lists_what_instances_import),
		cmocka_unit_test(tells_each_import_once_and_sorted),
		cmocka_unit_test(agrees_with_python),
		cmocka_unit_test(a_plain_state_dict_is_safe),
		cmocka_unit_test(only_whole_names_are_allowed),
		cmocka_unit_test(
			changing_what_was_imported_is_seen_without_magic),
		cmocka_unit_test(texts_are_no_pickles),
		cmocka_unit_test(protocols_without_magic_are_found),
		cmocka_unit_test(pickles_may_follow_each_other),
		cmocka_unit_test(what_follows_may_be_data),
		cmocka_unit_test(legacy_torch_files_end_with_their_storages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
