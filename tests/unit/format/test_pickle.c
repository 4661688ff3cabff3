/*
 * test_pickle.c - what a pickle imports is told, all of it, without running
 * it; what cannot be told is not called harmless (security.md H65 to H67).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/pickle.h"
#include "tests/support/weights_fixture.h"

/* -- writing --------------------------------------------------------------- */

/* Opcodes without NUL. */
static void ops(struct weights *w, const char *text)
{
	weights_add(w, text, strlen(text));
}

static void proto(struct weights *w, unsigned int version)
{
	memset(w, 0, sizeof(*w));
	weights_put(w, 0x80, 1);
	weights_put(w, version, 1);
}

/* SHORT_BINUNICODE. */
static void text(struct weights *w, const char *s)
{
	weights_put(w, 0x8c, 1);
	weights_put(w, strlen(s), 1);
	ops(w, s);
}

static void binget(struct weights *w, unsigned int key)
{
	ops(w, "h");
	weights_put(w, key, 1);
}

static void binput(struct weights *w, unsigned int key)
{
	ops(w, "q");
	weights_put(w, key, 1);
}

#define MEMOIZE "\224"
#define STACK_GLOBAL "\223"

/* -- looking --------------------------------------------------------------- */

static const char *join(const struct mr_words *words, char out[4096])
{
	size_t n = 0;
	size_t i;

	out[0] = '\0';
	for (i = 0; i < words->n; i++)
		n += (size_t)snprintf(out + n, 4096 - n, "%s%s", i ? "|" : "",
				      words->items[i]);
	return out;
}

/* A pickle without trouble that imports these, "|" between them. */
static void check(const struct weights *w, const char *globals,
		  const char *unsafe)
{
	struct looked l;
	char out[4096];

	facts_look(&l, w->bytes, w->n, w->n, "model.bin");
	if (l.f.trouble)
		fail_msg("%s", l.f.trouble);
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_string_equal(join(&l.f.globals, out), globals);
	assert_string_equal(join(&l.f.unsafe, out), unsafe);
	facts_release(&l);
}

static void check_trouble(const void *bytes, size_t n, const char *trouble)
{
	struct looked l;

	facts_look(&l, bytes, n, n, "model.bin");
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_non_null(l.f.trouble);
	assert_has(l.f.trouble, trouble);
	facts_release(&l);
}

/* By the reader itself, whatever it begins with. */
static enum mr_format kind(const void *bytes, size_t n, char trouble[512])
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct mr_facts f = { .format = MR_FORMAT_PICKLE };
	struct counted c;

	counted_init(&c, bytes, n, n);
	assert_ok(mr_pickle_read(&c.base, a, &f, &err), err);
	assert_int_equal(f.bytes_read, c.bytes);
	snprintf(trouble, 512, "%s", f.trouble ? f.trouble : "");
	mr_arena_free(a);
	return f.format;
}

static void is_no_pickle(const char *bytes)
{
	char why[512];

	assert_int_equal(kind(bytes, strlen(bytes), why), MR_FORMAT_UNKNOWN);
	assert_string_equal(why, "");
}

/* -- imports --------------------------------------------------------------- */

static void lists_the_imports_of_every_protocol(void **state)
{
	struct weights w = { 0 };

	(void)state;
	/* pickle.dumps of os.system("id") by __reduce__, protocols 0 to 5. */
	ops(&w, "cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.");
	check(&w, "posix system", "posix system");
	memset(&w, 0, sizeof(w));
	ops(&w, "cposix\nsystem\nq\001(X\002");
	weights_put(&w, 0, 3);
	ops(&w, "idq\001tq\002Rq\003.");
	check(&w, "posix system", "posix system");
	proto(&w, 2);
	ops(&w, "cposix\nsystem\nq\001X\002");
	weights_put(&w, 0, 3);
	ops(&w, "idq\002\205q\003Rq\004.");
	check(&w, "posix system", "posix system");
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 29, 8);
	text(&w, "posix");
	ops(&w, MEMOIZE);
	text(&w, "system");
	ops(&w, MEMOIZE STACK_GLOBAL MEMOIZE);
	text(&w, "id");
	ops(&w, MEMOIZE "\205" MEMOIZE "R" MEMOIZE ".");
	check(&w, "posix system", "posix system");
}

static void lists_what_instances_import(void **state)
{
	struct weights w = { 0 };

	(void)state;
	ops(&w, "(S'id'\nios\nsystem\n.");
	check(&w, "os system", "os system");
	proto(&w, 2);
	ops(&w, "(cos\nsystem\nU\002ido.");
	check(&w, "os system", "os system");
	proto(&w, 2);
	ops(&w, "ccollections\nOrderedDict\n)\201}b.");
	check(&w, "collections OrderedDict", "");
}

static void tells_each_import_once_and_sorted(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 2);
	ops(&w, "(czlib\ndecompress\nctorch\nSize\nczlib\ndecompress\n"
		"cbuiltins\nset\nt.");
	check(&w, "builtins set|torch Size|zlib decompress", "zlib decompress");
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
		{ "data_behind", "collections OrderedDict", "" },
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
		check(&w, files[i].globals, files[i].unsafe);
	}
}

static void a_plain_state_dict_is_safe(void **state)
{
	struct weights w;

	(void)state;
	/* torch.save(OrderedDict(w=torch.zeros(2))) of PyTorch 2. */
	proto(&w, 2);
	ops(&w, "ccollections\nOrderedDict\n)R(U\001w"
		"ctorch._utils\n_rebuild_tensor_v2\n"
		"((U\007storagectorch\nFloatStorage\nU\0010U\003cpuK\002tQ"
		"K");
	weights_put(&w, 0, 1);
	ops(&w, "K\002\205K\001\205\211ccollections\nOrderedDict\n)RtRu.");
	check(&w,
	      "collections OrderedDict|torch FloatStorage|"
	      "torch._utils _rebuild_tensor_v2",
	      "");
	/* numpy.zeros(1), protocol 2, of numpy 1 and 2. */
	proto(&w, 2);
	ops(&w, "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK");
	weights_put(&w, 0, 1);
	ops(&w, "\205U\001b\207R(K\001K\001\205cnumpy\ndtype\n"
		"U\002f8\211\210\207R(K\003U\001<NNNJ\377\377\377\377J\377\377"
		"\377\377K");
	weights_put(&w, 0, 1);
	ops(&w, "tb\211c_codecs\nencode\nU\010");
	weights_put(&w, 0x2020202020202020, 8);
	ops(&w, "U\006latin1\206Rtb.");
	check(&w,
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
		check_trouble(changes[i].bytes, strlen(changes[i].bytes),
			      changes[i].unsafe);
	/* Without an import they are what any text may say. */
	is_no_pickle("]S'/tmp'\na\377");
}

/* -- names on the stack --------------------------------------------------- */

static void names_come_through_the_memo(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 4);
	text(&w, "os");
	binput(&w, 7);
	ops(&w, "0");
	text(&w, "system");
	ops(&w, MEMOIZE "0"); /* the second entry: 1 */
	binget(&w, 7);
	binget(&w, 1);
	ops(&w, STACK_GLOBAL ".");
	check(&w, "os system", "os system");
	/* Keys are written over: a scanner that keeps the first is led past. */
	proto(&w, 4);
	text(&w, "collections");
	binput(&w, 0);
	text(&w, "OrderedDict");
	binput(&w, 1);
	text(&w, "os");
	binput(&w, 0);
	text(&w, "system");
	binput(&w, 1);
	ops(&w, "(1");
	binget(&w, 0);
	binget(&w, 1);
	ops(&w, STACK_GLOBAL ".");
	check(&w, "os system", "os system");
	/* As lines, and numbers as Python reads them. */
	proto(&w, 4);
	ops(&w, "Vos\np 1_0 \n0S\"system\"\np+2\n0g10\ng2\n" STACK_GLOBAL ".");
	check(&w, "os system", "os system");
}

static void names_are_what_is_on_the_stack(void **state)
{
	struct weights w;

	(void)state;
	/* Between the name and its use others come and go. */
	proto(&w, 4);
	text(&w, "os");
	text(&w, "collections");
	ops(&w, "0");
	text(&w, "system");
	ops(&w, "(");
	text(&w, "OrderedDict");
	ops(&w, "1N0(02" MEMOIZE "0" STACK_GLOBAL ".");
	check(&w, "os system", "os system");
	proto(&w, 4);
	text(&w, "getattr");
	ops(&w, "2" STACK_GLOBAL ".");
	check(&w, "getattr getattr", "getattr getattr");
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
		proto(&w, 4);
		ops(&w, makers[i]);
		text(&w, "OrderedDict");
		ops(&w, STACK_GLOBAL ".");
		check(&w, i ? "(computed)" : "(computed)|_codecs encode",
		      "(computed)");
		proto(&w, 4);
		text(&w, "collections");
		ops(&w, makers[i]);
		ops(&w, STACK_GLOBAL ".");
		check(&w, i ? "(computed)" : "(computed)|_codecs encode",
		      "(computed)");
	}
	/* Longer than any name, and one that no module has. */
	proto(&list, 4);
	ops(&list, "V");
	for (i = 0; i < 300; i++)
		ops(&list, "x");
	ops(&list, "\n");
	text(&list, "f");
	ops(&list, STACK_GLOBAL "0");
	text(&list, "a b");
	text(&list, "f");
	ops(&list, STACK_GLOBAL ".");
	check(&list, "(computed)", "(computed)");
	/* A line that is cut is no name either. */
	proto(&list, 4);
	ops(&list, "c");
	for (i = 0; i < 500; i++)
		ops(&list, "x");
	ops(&list, "\ny\n.");
	check(&list, "(computed)", "(computed)");
}

static void extensions_and_keywords_are_unsafe(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 2);
	ops(&w, "\202\001");
	ops(&w, "\203\001\001");
	ops(&w, "\204\001\001\001\001.");
	check(&w, "(extension)", "(extension)");
	/* StorageBase.__new__(allocator=0x4141) of an allowed class. */
	proto(&w, 4);
	ops(&w, "ctorch\nUntypedStorage\n)}\222.");
	check(&w, "(keyword arguments)|torch UntypedStorage",
	      "(keyword arguments)|torch UntypedStorage");
}

/* CPython's unpickler reads a frame at once, and loses the rest of it when an
 * opcode goes over its end: this one calls os.system, while who reads byte by
 * byte sees two texts. */
static void frames_end_where_opcodes_end(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 7, 8);
	text(&w, "abcdefgh");
	ops(&w, "X\017");
	weights_put(&w, 0, 3);
	ops(&w, "0cos\nsystem\n)R..");
	check_trouble(w.bytes, w.n, "an opcode goes over the end of its frame");
	/* Without magic too. */
	memset(&w, 0, sizeof(w));
	ops(&w, "N\225");
	weights_put(&w, 7, 8);
	text(&w, "abcdefgh");
	ops(&w, ".");
	check_trouble(w.bytes, w.n, "an opcode goes over the end of its frame");
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 10, 8);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 2, 8);
	ops(&w, "N.");
	check_trouble(w.bytes, w.n, "a frame inside a frame");
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 3, 8);
	ops(&w, "N.N.");
	check_trouble(w.bytes, w.n, "it stops inside a frame");
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, UINT64_MAX, 8);
	ops(&w, "N.");
	check_trouble(w.bytes, w.n, "it stops inside a frame");
	/* One behind the other is as it should be. */
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 1, 8);
	ops(&w, "N\225");
	weights_put(&w, 2, 8);
	ops(&w, "0N.");
	check(&w, "", "");
}

static void names_are_safe_to_show(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 4);
	text(&w, "\342\200\256so\377");
	text(&w, "\303\251");
	ops(&w, STACK_GLOBAL ".");
	check(&w, "\\u{202e}so\\xff \303\251", "\\u{202e}so\\xff \303\251");
}

/* -- bounds ---------------------------------------------------------------- */

static void a_cut_pickle_is_trouble(void **state)
{
	struct weights w;
	char why[512];
	size_t n;

	(void)state;
	proto(&w, 4);
	weights_put(&w, 0x95, 1);
	weights_put(&w, 25, 8);
	ops(&w, "ccollections\nOrderedDict\n(U\003abcX\002");
	weights_put(&w, 0, 3);
	ops(&w, "yzB\001");
	weights_put(&w, 0, 3);
	ops(&w, "!G12345678M12\212\00212L12\nF1.5\nI01\ntR.");
	assert_int_equal(kind(w.bytes, w.n, why), MR_FORMAT_PICKLE);
	assert_string_equal(why, "");
	for (n = 2; n < w.n; n++) {
		assert_int_equal(kind(w.bytes, n, why), MR_FORMAT_PICKLE);
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
		proto(&w, 5);
		weights_put(&w, counted[i].op, 1);
		weights_put(&w, UINT64_MAX, counted[i].bytes);
		ops(&w, "0N.");
		check_trouble(w.bytes, w.n, "ends early");
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
	check_trouble(all, size, trouble);
	free(all);
}

static void marks_values_and_memo_are_bounded(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 2);
	repeated(&w, "(", 1, 1 << 20, "more marks on its stack");
	repeated(&w, "]", 1, (1 << 22) + 1, "more values on its stack");
	ops(&w, "N");
	repeated(&w, "2", 1, (1 << 22) + 1, "more values on its stack");
	ops(&w, "r\377\377\377\377.");
	check_trouble(w.bytes, w.n, "memo is larger");
	proto(&w, 0);
	ops(&w, "Np99999999999999999999999\n.");
	check_trouble(w.bytes, w.n, "memo is larger");
	/* MEMOIZE without end. */
	proto(&w, 4);
	ops(&w, "N");
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
	check_trouble(all, n,
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
	proto(&w, 4);
	ops(&w, "Nr\377\377\177");
	weights_put(&w, 0, 1);
	ops(&w, ".");
	assert_int_equal(w.n, 9);
	repeated(&w, w.bytes, 9, 1000, "longer than what is looked at");
}

static void long_arguments_are_not_read(void **state)
{
	struct weights w;
	struct looked l;
	uint64_t size = UINT64_C(1) << 40;

	(void)state;
	proto(&w, 5);
	ops(&w, "cos\nsystem\n0\216");
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
		proto(&w, 4);
		ops(&w, bad[i]);
		check_trouble(w.bytes, w.n, "cannot be inspected: ");
	}
}

static void a_broken_pickle_has_run_before(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 2);
	ops(&w, "cos\nsystem\nU\002id\205R\377");
	check_trouble(w.bytes, w.n,
		      "cannot be inspected: 0xff at byte 19 is no opcode of "
		      "pickle; before that it imports 'os system'");
	/* Not the file's fault: its arrays are no pickle. */
	proto(&w, 4);
	text(&w, "joblib.numpy_pickle");
	text(&w, "NumpyArrayWrapper");
	ops(&w, STACK_GLOBAL ")\201\t\377\377");
	check_trouble(w.bytes, w.n,
		      "cannot be inspected: joblib keeps arrays inside the "
		      "pickle; before that it imports 'joblib.numpy_pickle");
	proto(&w, 2);
	ops(&w, "N\200\006.");
	check_trouble(w.bytes, w.n, "protocol 6 of pickle is not known");
	proto(&w, 2);
	ops(&w, "Ixyz\n.");
	check_trouble(w.bytes, w.n, "byte 3 begins no line of INT");
	proto(&w, 2);
	ops(&w, "Npx\n.");
	check_trouble(w.bytes, w.n, "begins no line of PUT");
	proto(&w, 2);
	ops(&w, "Np1x\n.");
	check_trouble(w.bytes, w.n, "begins no key of PUT");
	proto(&w, 2);
	ops(&w, "ca b\nc\n.");
	check_trouble(w.bytes, w.n, "GLOBAL at byte 2 names no module");
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
	ops(&w, "(dp0\nVa\np1\n(lp2\nI1\naF2.5\naNaI01\nas.");
	check(&w, "", "");
	/* What it begins with does not matter to an unpickler: a number that
	 * is dropped, a frame, true. */
	memset(&w, 0, sizeof(w));
	ops(&w, "\2100cos\nsystem\n(S'id'\ntR.");
	assert_int_equal(kind(w.bytes, w.n, why), MR_FORMAT_PICKLE);
	/* More behind it is not read by who loads it. */
	memset(&w, 0, sizeof(w));
	ops(&w, "cos\nsystem\n(S'id'\ntR.{\"not\": \"json\"}");
	check(&w, "os system", "os system");
	/* It has run when it breaks. */
	memset(&w, 0, sizeof(w));
	ops(&w, "cos\nsystem\n(S'id'\ntR\377\377");
	check_trouble(w.bytes, w.n, "imports 'os system'");
	/* Blanks and a NUL that CPython passes over. */
	memset(&w, 0, sizeof(w));
	ops(&w, "I 12");
	weights_put(&w, 0, 1);
	ops(&w, "junk\n0cos\nsystem\n(tR.");
	check(&w, "os system", "os system");
}

/* -- more than one -------------------------------------------------------- */

static void pickles_may_follow_each_other(void **state)
{
	struct weights w;

	(void)state;
	proto(&w, 2);
	ops(&w, "N.\200\002ccollections\nOrderedDict\n.cos\nsystem\n)R.");
	check(&w, "collections OrderedDict|os system", "os system");
	/* The memo of one is not that of the next. */
	proto(&w, 4);
	text(&w, "os");
	ops(&w, MEMOIZE ".\200\004");
	binget(&w, 0);
	ops(&w, ".");
	check_trouble(w.bytes, w.n, "finds no such entry in the memo");
	/* One that breaks after it has called something. */
	proto(&w, 2);
	ops(&w, "N.cos\nsystem\n)R\377");
	check_trouble(w.bytes, w.n, "imports 'os system'");
}

static void what_follows_may_be_data(void **state)
{
	struct weights w;
	struct looked l;
	char out[4096];

	(void)state;
	proto(&w, 2);
	ops(&w, "ctorch\nSize\n.cos\nsystem\n\377\377");
	facts_look(&l, w.bytes, w.n, w.n, "model.bin");
	assert_null(l.f.trouble);
	assert_string_equal(join(&l.f.globals, out), "torch Size");
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
	ops(&w, number);
	ops(&w, "\200\002M\351\003.");
	ops(&w, "\200\002}(U\015little_endian\210u.");
	ops(&w, "\200\002ctorch._utils\n_rebuild_tensor_v2\n.");
	ops(&w, "\200\002]U\0011a.");
	whole = w.n;
	/* One storage: two numbers of four bytes; no pickle of it. */
	weights_put(&w, 2, 8);
	ops(&w, "cos\nsystem\n)R.");
	facts_look(&l, w.bytes, w.n, w.n, "model.bin");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_string_equal(join(&l.f.globals, out),
			    "torch._utils _rebuild_tensor_v2");
	assert_int_equal(l.f.unsafe.n, 0);
	assert_int_equal(l.f.warnings.n, 0);
	assert_string_equal(l.f.producer, "PyTorch");
	facts_release(&l);
	check_trouble(w.bytes, whole - 1, "ends early");
	check_trouble(w.bytes, 15, "ends early");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_the_imports_of_every_protocol),
		cmocka_unit_test(lists_what_instances_import),
		cmocka_unit_test(tells_each_import_once_and_sorted),
		cmocka_unit_test(agrees_with_python),
		cmocka_unit_test(a_plain_state_dict_is_safe),
		cmocka_unit_test(
			changing_what_was_imported_is_seen_without_magic),
		cmocka_unit_test(only_whole_names_are_allowed),
		cmocka_unit_test(names_come_through_the_memo),
		cmocka_unit_test(names_are_what_is_on_the_stack),
		cmocka_unit_test(what_is_computed_is_unsafe),
		cmocka_unit_test(extensions_and_keywords_are_unsafe),
		cmocka_unit_test(frames_end_where_opcodes_end),
		cmocka_unit_test(names_are_safe_to_show),
		cmocka_unit_test(a_cut_pickle_is_trouble),
		cmocka_unit_test(lengths_beyond_the_file_cost_nothing),
		cmocka_unit_test(marks_values_and_memo_are_bounded),
		cmocka_unit_test(imports_are_bounded),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(long_arguments_are_not_read),
		cmocka_unit_test(the_stack_is_checked),
		cmocka_unit_test(a_broken_pickle_has_run_before),
		cmocka_unit_test(texts_are_no_pickles),
		cmocka_unit_test(protocols_without_magic_are_found),
		cmocka_unit_test(pickles_may_follow_each_other),
		cmocka_unit_test(what_follows_may_be_data),
		cmocka_unit_test(legacy_torch_files_end_with_their_storages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
