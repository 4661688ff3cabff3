/*
 * test_unpack.c - archives come to lists of files, or are refused as a whole;
 * layers of an image come to what is left of them.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "pack/pack.h"

#define BLOCK MR_TAR_BLOCK_BYTES
#define LAYERS 4

struct fixture {
	struct test_env env;
	struct mreg_error err;
	struct mr_buf bytes; /* of the archive being made */
	struct mr_members *members;
	struct mr_members *layers[LAYERS];
	size_t layer_count;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->env);
	mr_buf_init(&f->bytes, 8 << 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t i;

	mr_members_free(f->members);
	for (i = 0; i < LAYERS; i++)
		mr_members_free(f->layers[i]);
	mr_buf_release(&f->bytes);
	test_env_release(&f->env);
	mr_release(f);
	return 0;
}

/* -- making archives --------------------------------------------------------
 */

static void add_zeros(struct fixture *f, size_t n)
{
	static const char zeros[BLOCK];

	for (; n > BLOCK; n -= BLOCK)
		mr_buf_add(&f->bytes, zeros, BLOCK);
	mr_buf_add(&f->bytes, zeros, n);
}

/* A header by hand: what no honest program writes. */
static void add_header(struct fixture *f, const char *path, char type,
		       unsigned int mode, size_t size, const char *target)
{
	unsigned char h[BLOCK] = { 0 };
	unsigned int sum = 0;
	size_t i;

	memcpy(h, path, strlen(path) < 100 ? strlen(path) : 100);
	snprintf((char *)h + 100, 8, "%07o", mode);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	snprintf((char *)h + 124, 12, "%011zo", size);
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	memcpy(h + 157, target, strlen(target));
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	for (i = 0; i < BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	mr_buf_add(&f->bytes, h, BLOCK);
}

static void add_bytes(struct fixture *f, const void *bytes, size_t n)
{
	mr_buf_add(&f->bytes, bytes, n);
	add_zeros(f, (BLOCK - n % BLOCK) % BLOCK);
}

static void add(struct fixture *f, const char *path, const char *text)
{
	add_header(f, path, '0', 0644, strlen(text), "");
	add_bytes(f, text, strlen(text));
}

/* A pax header of one record in front of the next one. */
static void add_pax(struct fixture *f, const char *key, const char *value)
{
	char record[2048];
	int n = snprintf(NULL, 0, " %s=%s\n", key, value);
	int len = n + 2;

	if (len > 99)
		len = n + 3;
	n = snprintf(record, sizeof(record), "%d %s=%s\n", len, key, value);
	assert_int_equal(n, len);
	add_header(f, "pax", 'x', 0644, (size_t)n, "");
	add_bytes(f, record, (size_t)n);
}

/* -- listing them -----------------------------------------------------------
 */

static struct mr_stream *made(struct fixture *f)
{
	struct mr_stream *s = NULL;

	assert_int_equal(f->bytes.failed, MREG_OK);
	assert_ok(mr_stream_memory(mr_buf_text(&f->bytes), f->bytes.len, &s,
				   &f->err),
		  f->err);
	return s;
}

static int list(struct fixture *f, bool image)
{
	int rc;

	mr_members_free(f->members);
	f->members = NULL;
	add_zeros(f, MR_TAR_END_BYTES);
	rc = mr_members_list(&f->env.env, made(f), "layer one", image, NULL,
			     &f->members, &f->err);
	mr_buf_clear(&f->bytes);
	return rc;
}

static const struct mr_member *find(const struct mr_members *m,
				    const char *path)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (strcmp(m->items[i].path, path) == 0)
			return &m->items[i];
	fail_msg("no '%s'", path);
	return NULL;
}

static void assert_content(const struct mr_member *m, const char *text)
{
	struct mreg_digest want;

	assert_int_equal(mr_digest_of(text, strlen(text), &want, NULL), 0);
	assert_int_equal(m->kind, MR_MEMBER_FILE);
	assert_int_equal(m->size, strlen(text));
	assert_true(mreg_digest_equal(&m->digest, &want));
}

static void lists_files_with_their_digests(void **state)
{
	struct fixture *f = *state;

	add_header(f, "./", '5', 0755, 0, "");
	add_header(f, "./sub/", '5', 0755, 0, "");
	add(f, "./sub/a.txt", "hello");
	add_header(f, "run.sh", '0', 0755, 4, "");
	add_bytes(f, "run\n", 4);
	add(f, "empty", "");
	assert_ok(list(f, false), f->err);
	assert_int_equal(f->members->count, 3);
	assert_content(find(f->members, "sub/a.txt"), "hello");
	assert_content(find(f->members, "run.sh"), "run\n");
	assert_content(find(f->members, "empty"), "");
	assert_true(find(f->members, "run.sh")->executable);
	assert_false(find(f->members, "empty")->executable);
	assert_int_equal(find(f->members, "sub/a.txt")->entry, 2);
	assert_int_equal(find(f->members, "empty")->entry, 4);
}

/* H13: what matters of a mode is one bit. */
static void takes_one_bit_of_a_mode(void **state)
{
	static const struct {
		unsigned int mode;
		bool executable;
	} rows[] = { { 04755, true }, { 02644, false }, { 01777, true },
		     { 0, false },    { 0100, true },   { 0011, false } };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++) {
		add_header(f, "a", '0', rows[i].mode, 0, "");
		assert_ok(list(f, false), f->err);
		assert_int_equal(f->members->items[0].executable,
				 rows[i].executable);
	}
}

/* More than a buffer, and sizes around blocks. */
static void reads_large_and_odd_sizes(void **state)
{
	static const size_t sizes[] = { 1,      511,    512,    513,
					262143, 262144, 262145, 1500000 };
	struct fixture *f = *state;
	char *text = mr_alloc(1500001);
	char name[16];
	size_t i;

	for (i = 0; i < MR_COUNT(sizes); i++) {
		snprintf(name, sizeof(name), "f%zu", i);
		memset(text, 'a' + (int)i, sizes[i]);
		add_header(f, name, '0', 0644, sizes[i], "");
		add_bytes(f, text, sizes[i]);
	}
	assert_ok(list(f, false), f->err);
	assert_int_equal(f->members->count, MR_COUNT(sizes));
	for (i = 0; i < MR_COUNT(sizes); i++) {
		memset(text, 'a' + (int)i, sizes[i]);
		text[sizes[i]] = '\0';
		assert_content(&f->members->items[i], text);
	}
	mr_release(text);
}

static void reads_names_that_only_pax_can_say(void **state)
{
	struct fixture *f = *state;
	char name[400];

	memset(name, 'n', 200);
	name[200] = '/';
	memset(name + 201, 'm', 180);
	name[381] = '\0';
	add_pax(f, "path", name);
	add(f, "short", "long");
	add_pax(f, "path", "größe/模型/ё.txt");
	add(f, "short", "letters");
	assert_ok(list(f, false), f->err);
	assert_content(find(f->members, name), "long");
	assert_content(find(f->members, "größe/模型/ё.txt"), "letters");
}

/* H01, H02, H10, H11 */
static void refuses_paths_that_lead_elsewhere(void **state)
{
	static const char *const paths[] = {
		"../x",   "a/../../x",    "..",
		"./../x", "/etc/x",       "//x",
		"..\\x",  "\\\\h\\x",     "C:\\x",
		"a//b",   "a/./b",        "a/..",
		".",      "\x1b[2J",      "\xff\xfe",
		"a\nb",   ".mreg-part-0", "d/.mreg-part-layer-0",
	};
	struct fixture *f = *state;
	char deep[2 * MR_PATH_DEPTH_MAX + 8];
	size_t i;

	for (i = 0; i < MR_COUNT(paths); i++) {
		add(f, "good", "x");
		add(f, paths[i], "x");
		assert_code(MREG_EINTEGRITY, list(f, false), f->err);
		assert_has(f->err.msg, "'layer one' holds what cannot be");
		assert_has(f->err.cause, "unsafe path");
		assert_null(f->members);
	}
	for (i = 0; i < MR_PATH_DEPTH_MAX + 1; i++)
		memcpy(deep + 2 * i, "d/", 2);
	memcpy(deep + 2 * i, "f", 2);
	add_pax(f, "path", deep);
	add(f, "short", "x");
	assert_code(MREG_EINTEGRITY, list(f, false), f->err);
	add_header(f, "../d/", '5', 0755, 0, "");
	assert_code(MREG_EINTEGRITY, list(f, false), f->err);
}

/* H04-H08, H15 */
static void refuses_what_is_no_file(void **state)
{
	static const struct {
		char type;
		const char *what;
	} rows[] = {
		{ '1', "a hard link" },   { '2', "a symbolic link" },
		{ '3', "a device" },      { '4', "a device" },
		{ '6', "or the like" },   { '7', "or the like" },
		{ 'S', "a sparse file" }, { 'Z', "or the like" },
		{ 'D', "or the like" },   { 'N', "or the like" },
		{ 'M', "or the like" },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++) {
		add(f, "good", "x");
		add_header(f, "d/p", rows[i].type, 0644, 0, "../..");
		assert_code(MREG_EUNSUPPORTED, list(f, false), f->err);
		assert_has(f->err.msg, "'d/p' in 'layer one' is");
		assert_has(f->err.msg, rows[i].what);
	}
}

/* -- archives that lie ------------------------------------------------------
 */

/* H19 */
static void refuses_one_that_is_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	struct mr_members *m = NULL;
	size_t whole, n;

	add(f, "a", "some text");
	add_pax(f, "path", "b");
	add(f, "x", "more");
	whole = f->bytes.len;
	add_zeros(f, MR_TAR_END_BYTES);
	for (n = 0; n <= whole; n += 128) {
		struct mr_stream *s = NULL;

		assert_ok(mr_stream_memory(f->bytes.data, n, &s, &f->err),
			  f->err);
		assert_code(MREG_EFORMAT,
			    mr_members_list(&f->env.env, s, "layer one", false,
					    NULL, &m, &f->err),
			    f->err);
		assert_has(f->err.msg, "'layer one'");
		assert_null(m);
	}
}

static void refuses_what_goes_on_behind_its_end(void **state)
{
	struct fixture *f = *state;

	add(f, "a", "some text");
	add_zeros(f, MR_TAR_END_BYTES);
	add(f, "b", "smuggled");
	assert_code(MREG_EFORMAT, list(f, false), f->err);
	assert_has(f->err.msg, "goes on behind its end");
	add(f, "a", "some text");
	add_zeros(f, MR_TAR_END_BYTES + (5 << 20));
	assert_code(MREG_EFORMAT, list(f, false), f->err);
	/* What GNU tar fills up to is no fault. */
	add(f, "a", "some text");
	add_zeros(f, 20 * BLOCK);
	assert_ok(list(f, false), f->err);
}

/* H16: pax says another size than the header. */
static void a_size_told_twice_smuggles_nothing(void **state)
{
	struct fixture *f = *state;

	add_pax(f, "size", "1024");
	add_header(f, "outer", '0', 0644, 0, "");
	add_header(f, "inner", '0', 0644, 0, "");
	add_zeros(f, BLOCK);
	assert_ok(list(f, false), f->err);
	assert_int_equal(f->members->count, 1);
	assert_string_equal(f->members->items[0].path, "outer");
	assert_int_equal(f->members->items[0].size, 1024);
}

static void refuses_sizes_beyond_the_archive(void **state)
{
	struct fixture *f = *state;

	add_pax(f, "size", "9223372036854775807");
	add(f, "a", "x");
	assert_code(MREG_EFORMAT, list(f, false), f->err);
	add_header(f, "a", '0', 0644, 077777777777, "");
	assert_code(MREG_EFORMAT, list(f, false), f->err);
}

static void refuses_what_is_no_archive(void **state)
{
	struct fixture *f = *state;

	mr_buf_puts(&f->bytes, "this is no archive");
	assert_code(MREG_EFORMAT, list(f, false), f->err);
	mr_buf_add(&f->bytes, "\x1f\x8b\x08\0\0\0\0\0", 8);
	assert_code(MREG_EFORMAT, list(f, false), f->err);
}

static void stops_when_interrupted(void **state)
{
	struct fixture *f = *state;

	add(f, "a", "x");
	atomic_store(&f->env.cancel, true);
	assert_code(MREG_ECANCELED, list(f, false), f->err);
}

/* -- reading files back -----------------------------------------------------
 */

static void gives_the_bytes_of_one_entry(void **state)
{
	MR_AUTO(mr_unpack_closep) struct mr_unpack *u = NULL;
	struct fixture *f = *state;
	struct mr_unpack_entry e;
	char got[16] = "";
	bool found;

	add(f, "a", "first");
	add(f, "b", "second");
	add_zeros(f, MR_TAR_END_BYTES);
	assert_ok(mr_unpack_open(made(f), "layer one", &u, &f->err), f->err);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	/* A part of it; the next call passes over the rest. */
	assert_int_equal(mr_stream_fill(mr_unpack_bytes(u), got, 2, &f->err),
			 2);
	assert_memory_equal(got, "fi", 2);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	assert_string_equal(e.path, "b");
	assert_int_equal(mr_stream_fill(mr_unpack_bytes(u), got, 16, &f->err),
			 6);
	assert_memory_equal(got, "second", 6);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	assert_false(found);
}

static void one_file_is_a_list_of_one(void **state)
{
	struct fixture *f = *state;
	struct mr_stream *s = NULL;

	assert_ok(mr_stream_memory("bytes", 5, &s, &f->err), f->err);
	assert_ok(
		mr_members_single(&f->env.env, s, "a/b", &f->members, &f->err),
		f->err);
	assert_int_equal(f->members->count, 1);
	assert_content(find(f->members, "a/b"), "bytes");
}

/* -- images -----------------------------------------------------------------
 */

static void of_an_image_only_its_model_is_taken(void **state)
{
	struct fixture *f = *state;

	add_header(f, "etc/", '5', 0755, 0, "");
	add(f, "etc/passwd", "root");
	add_header(f, "bin", '2', 0777, 0, "usr/bin");
	add_header(f, "dev/null", '3', 0666, 0, "");
	add(f, "sys/dev-disk\\x2d.unit", "systemd writes such names");
	add(f, "modelsx/a", "no");
	add_header(f, "models/", '5', 0755, 0, "");
	add(f, "models/a", "yes");
	add(f, "./model/sub/b", "too");
	assert_ok(list(f, true), f->err);
	assert_int_equal(f->members->count, 2);
	assert_content(find(f->members, "models/a"), "yes");
	assert_content(find(f->members, "model/sub/b"), "too");
}

static void of_an_image_ways_out_are_refused(void **state)
{
	static const char *const paths[] = { "../etc/x",    "etc/../../x",
					     "/etc/x",      "models/../x",
					     "models/a\\b", "models//a" };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(paths); i++) {
		add(f, paths[i], "x");
		assert_code(MREG_EINTEGRITY, list(f, true), f->err);
	}
	add_header(f, "models/h", '1', 0644, 0, "etc/passwd");
	assert_code(MREG_EUNSUPPORTED, list(f, true), f->err);
	add_header(f, "models/d", '3', 0644, 0, "");
	assert_code(MREG_EUNSUPPORTED, list(f, true), f->err);
}

/* What was made is the next layer of the image. */
static void layer(struct fixture *f)
{
	assert_ok(list(f, true), f->err);
	f->layers[f->layer_count++] = mr_steal(&f->members);
}

static int merge(struct fixture *f)
{
	mr_members_free(f->members);
	f->members = NULL;
	return mr_members_merge((const struct mr_members *const *)f->layers,
				f->layer_count, &f->members, &f->err);
}

static void higher_layers_win(void **state)
{
	struct fixture *f = *state;

	add(f, "models/a", "low");
	add(f, "models/b", "stays");
	layer(f);
	add(f, "models/a", "high");
	add(f, "models/a", "highest");
	layer(f);
	assert_ok(merge(f), f->err);
	assert_int_equal(f->members->count, 2);
	assert_content(find(f->members, "a"), "highest");
	assert_int_equal(find(f->members, "a")->source, 1);
	assert_int_equal(find(f->members, "a")->entry, 1);
	assert_content(find(f->members, "b"), "stays");
	assert_int_equal(find(f->members, "b")->source, 0);
}

static void whiteouts_hide_what_is_below(void **state)
{
	struct fixture *f = *state;

	add(f, "models/gone", "x");
	add(f, "models/dir/one", "x");
	add(f, "models/dir/two", "x");
	add(f, "models/opaque/old", "x");
	add(f, "models/again", "old");
	layer(f);
	add(f, "models/.wh.gone", "");
	add(f, "models/.wh.dir", "");
	add(f, "models/opaque/new", "y");
	add(f, "models/opaque/.wh..wh..opq", "");
	add(f, "models/.wh.again", "");
	layer(f);
	add(f, "models/again", "new");
	layer(f);
	assert_ok(merge(f), f->err);
	assert_int_equal(f->members->count, 2);
	assert_content(find(f->members, "opaque/new"), "y");
	assert_content(find(f->members, "again"), "new");
}

static void whiteouts_hide_nothing_of_their_own_layer(void **state)
{
	struct fixture *f = *state;

	add(f, "models/a", "old");
	layer(f);
	add(f, "models/a", "mine");
	add(f, "models/.wh.a", "");
	layer(f);
	assert_ok(merge(f), f->err);
	assert_content(find(f->members, "a"), "mine");
}

static void the_whole_folder_can_be_hidden(void **state)
{
	static const char *const whiteouts[] = { ".wh.models", ".wh..wh..opq" };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(whiteouts); i++) {
		add(f, "models/a", "x");
		layer(f);
		add(f, whiteouts[i], "");
		layer(f);
		assert_ok(merge(f), f->err);
		assert_int_equal(f->members->count, 0);
		while (f->layer_count > 0) {
			mr_members_free(f->layers[--f->layer_count]);
			f->layers[f->layer_count] = NULL;
		}
	}
}

static void a_file_hides_the_folder_it_replaces(void **state)
{
	struct fixture *f = *state;

	add(f, "models/a/b", "x");
	layer(f);
	add(f, "models/a", "now a file");
	layer(f);
	assert_ok(merge(f), f->err);
	assert_int_equal(f->members->count, 1);
	assert_content(find(f->members, "a"), "now a file");
}

/* As RamaLama's images have one. */
static void links_to_files_of_the_model_become_files(void **state)
{
	struct fixture *f = *state;

	static const char *const paths[] = { "m/toy.gguf",      "model.file",
					     "absolute",        "m/up",
					     "folder/toy.gguf", "folder/up" };
	size_t i;

	add(f, "models/m/toy.gguf", "x");
	add_header(f, "models/model.file", '2', 0777, 0, "m/toy.gguf");
	add_header(f, "models/absolute", '2', 0777, 0, "/models/m/toy.gguf");
	add_header(f, "models/m/up", '2', 0777, 0, "../model.file");
	add_header(f, "models/folder", '2', 0777, 0, "./m/");
	layer(f);
	assert_ok(merge(f), f->err);
	assert_int_equal(f->members->count, 6);
	for (i = 0; i < MR_COUNT(paths); i++) {
		assert_content(find(f->members, paths[i]), "x");
		assert_int_equal(find(f->members, paths[i])->entry, 0);
	}
}

/* What huggingface_hub keeps: names are links to bytes in another folder. */
static void a_hugging_face_cache_keeps_its_names(void **state)
{
	struct fixture *f = *state;

	add(f, "models/blobs/aa", "{}");
	layer(f);
	add_header(f, "models/snapshots/1/config.json", '2', 0777, 0,
		   "../../blobs/aa");
	add_header(f, "models/current", '2', 0777, 0, "snapshots/1");
	layer(f);
	assert_ok(merge(f), f->err);
	assert_int_equal(f->members->count, 3);
	assert_content(find(f->members, "snapshots/1/config.json"), "{}");
	assert_int_equal(find(f->members, "snapshots/1/config.json")->source,
			 0);
	/* A folder of links is one only once they are files. */
	assert_content(find(f->members, "current/config.json"), "{}");
}

static void a_link_that_is_a_folder_too_is_refused(void **state)
{
	struct fixture *f = *state;

	add(f, "models/real/x", "x");
	add_header(f, "models/a", '2', 0777, 0, "real");
	layer(f);
	add(f, "models/a/y", "y");
	layer(f);
	assert_code(MREG_EUNSUPPORTED, merge(f), f->err);
	assert_has(f->err.msg,
		   "'models/a' of the image is a link and a folder");
}

static void folders_of_links_to_folders_are_refused(void **state)
{
	struct fixture *f = *state;

	add(f, "models/real/x", "x");
	add(f, "models/both/y", "y");
	add_header(f, "models/both/more", '2', 0777, 0, "../real");
	add_header(f, "models/a", '2', 0777, 0, "both");
	layer(f);
	assert_code(MREG_EUNSUPPORTED, merge(f), f->err);
	assert_has(f->err.msg, "a folder that has others in it");
}

static void links_to_elsewhere_are_refused(void **state)
{
	static const char *const targets[] = { "/etc/passwd", "../etc/passwd",
					       "gone",        "loop",
					       "..",          "" };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(targets); i++) {
		add(f, "models/a", "x");
		add_header(f, "models/loop", '2', 0777, 0, targets[i]);
		layer(f);
		assert_code(MREG_EUNSUPPORTED, merge(f), f->err);
		assert_has(f->err.msg, "'models/loop' of the image is a link");
		mr_members_free(f->layers[--f->layer_count]);
		f->layers[0] = NULL;
	}
}

/* -- remembering ------------------------------------------------------------
 */

static void text_is_parsed_back(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(1 << 20);
	MR_AUTO(mr_members_freep) struct mr_members *back = NULL;
	struct fixture *f = *state;
	size_t i;

	add(f, "models/with  two spaces", "x");
	add_header(f, "models/run", '0', 0755, 0, "");
	add_header(f, "models/link", '2', 0777, 0, "run");
	add_header(f, "models/lost", '2', 0777, 0, "/etc/passwd");
	add(f, "models/.wh.a", "");
	add(f, ".wh..wh..opq", "");
	assert_ok(list(f, true), f->err);
	mr_members_text(f->members, &text);
	assert_ok(mr_members_parse(text.data, text.len, true, NULL, &back,
				   &f->err),
		  f->err);
	assert_non_null(back);
	assert_true(mr_members_same(back, f->members));
	assert_int_equal(back->count, 6);
	for (i = 0; i < back->count; i++) {
		const struct mr_member *a = &f->members->items[i];
		const struct mr_member *b = &back->items[i];

		assert_string_equal(a->path, b->path);
		assert_int_equal(a->kind, b->kind);
		assert_int_equal(a->entry, b->entry);
		assert_int_equal(a->size, b->size);
		assert_int_equal(a->executable, b->executable);
		assert_true(mreg_digest_equal(&a->digest, &b->digest));
		assert_int_equal(!a->target, !b->target);
		if (a->target)
			assert_string_equal(a->target, b->target);
	}
}

static void text_that_was_changed_is_not_believed(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(1 << 20);
	struct fixture *f = *state;
	struct mr_members *back = NULL;
	size_t i;

	add(f, "a", "x");
	add(f, "b", "y");
	assert_ok(list(f, false), f->err);
	mr_members_text(f->members, &text);
	for (i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		assert_ok(mr_members_parse(text.data, text.len, false, NULL,
					   &back, &f->err),
			  f->err);
		assert_null(back);
		text.data[i] ^= 1;
		assert_ok(mr_members_parse(text.data, i, false, NULL, &back,
					   &f->err),
			  f->err);
		assert_null(back);
	}
}

/* Whoever can write the state can write a digest too. */
static void text_that_no_archive_can_be_is_not_believed(void **state)
{
	static const struct {
		const char *path;
		enum mr_member_kind kind;
		const char *target;
		bool plain, image; /* believed as */
	} rows[] = {
		{ "a", MR_MEMBER_FILE, NULL, true, false },
		{ "models/a", MR_MEMBER_FILE, NULL, true, true },
		{ "models", MR_MEMBER_FILE, NULL, true, false },
		{ "models", MR_MEMBER_GONE, NULL, false, true },
		{ "", MR_MEMBER_OPAQUE, NULL, false, true },
		{ "", MR_MEMBER_GONE, NULL, false, false },
		{ "models/../a", MR_MEMBER_FILE, NULL, false, false },
		{ "model/a", MR_MEMBER_LINK, "models/b", false, true },
		{ "model/a", MR_MEMBER_LINK, "../b", false, false },
		{ "model/a", MR_MEMBER_GONE, "models/b", false, false },
	};
	struct fixture *f = *state;
	size_t i, k;

	for (i = 0; i < MR_COUNT(rows); i++)
		for (k = 0; k < 2; k++) {
			MR_AUTO(mr_buf_release)
			struct mr_buf text = MR_BUF_INIT(1 << 16);
			MR_AUTO(mr_members_freep) struct mr_members *m = NULL;
			MR_AUTO(mr_members_freep)
			struct mr_members *back = NULL;
			struct mr_member one = { .path = rows[i].path,
						 .kind = rows[i].kind,
						 .target = rows[i].target };

			assert_int_equal(mr_digest_of("", 0, &one.digest, NULL),
					 0);
			assert_ok(mr_members_new(&m, &f->err), f->err);
			assert_ok(mr_members_add(m, &one, &f->err), f->err);
			mr_members_text(m, &text);
			assert_ok(mr_members_parse(text.data, text.len, k == 1,
						   NULL, &back, &f->err),
				  f->err);
			assert_int_equal(back != NULL,
					 k ? rows[i].image : rows[i].plain);
		}
}

static void lists_that_differ_are_not_the_same(void **state)
{
	struct fixture *f = *state;
	struct mr_members *a;

	add(f, "a", "x");
	assert_ok(list(f, false), f->err);
	a = mr_steal(&f->members);
	add(f, "a", "y");
	assert_ok(list(f, false), f->err);
	assert_false(mr_members_same(a, f->members));
	add(f, "b", "x");
	assert_ok(list(f, false), f->err);
	assert_false(mr_members_same(a, f->members));
	add(f, "a", "x");
	assert_ok(list(f, false), f->err);
	assert_true(mr_members_same(a, f->members));
	add(f, "a", "x");
	add(f, "b", "x");
	assert_ok(list(f, false), f->err);
	assert_false(mr_members_same(a, f->members));
	mr_members_free(a);
}

/* The limits are of all archives of a version, not of each. */
static void several_lists_have_one_limit(void **state)
{
	struct fixture *f = *state;
	struct mr_members_sum sum = { .count = 99999 };
	struct mr_members_sum names = { .bytes = 64u << 20 };
	size_t i;

	for (i = 0; i < 2; i++) {
		add(f, "a", "x");
		add_zeros(f, MR_TAR_END_BYTES);
		mr_members_free(f->members);
		f->members = NULL;
		assert_int_equal(mr_members_list(&f->env.env, made(f), "one",
						 false, &sum, &f->members,
						 &f->err),
				 i ? MREG_ELIMIT : 0);
	}
	assert_has(f->err.msg, "more than 100000 files");
	assert_code(MREG_ELIMIT,
		    mr_members_list(&f->env.env, made(f), "one", false, &names,
				    &f->members, &f->err),
		    f->err);
	assert_has(f->err.msg, "names of files of more than 64 MiB");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_files_with_their_digests),
		TEST(takes_one_bit_of_a_mode),
		TEST(reads_large_and_odd_sizes),
		TEST(reads_names_that_only_pax_can_say),
		TEST(refuses_paths_that_lead_elsewhere),
		TEST(refuses_what_is_no_file),
		TEST(refuses_one_that_is_cut_anywhere),
		TEST(refuses_what_goes_on_behind_its_end),
		TEST(a_size_told_twice_smuggles_nothing),
		TEST(refuses_sizes_beyond_the_archive),
		TEST(refuses_what_is_no_archive),
		TEST(stops_when_interrupted),
		TEST(gives_the_bytes_of_one_entry),
		TEST(one_file_is_a_list_of_one),
		TEST(of_an_image_only_its_model_is_taken),
		TEST(of_an_image_ways_out_are_refused),
		TEST(higher_layers_win),
		TEST(whiteouts_hide_what_is_below),
		TEST(whiteouts_hide_nothing_of_their_own_layer),
		TEST(the_whole_folder_can_be_hidden),
		TEST(a_file_hides_the_folder_it_replaces),
		TEST(links_to_files_of_the_model_become_files),
		TEST(a_hugging_face_cache_keeps_its_names),
		TEST(a_link_that_is_a_folder_too_is_refused),
		TEST(folders_of_links_to_folders_are_refused),
		TEST(links_to_elsewhere_are_refused),
		TEST(text_is_parsed_back),
		TEST(text_that_was_changed_is_not_believed),
		TEST(text_that_no_archive_can_be_is_not_believed),
		TEST(lists_that_differ_are_not_the_same),
		TEST(several_lists_have_one_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
