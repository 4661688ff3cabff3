/*
 * test_source.c - files into layers, and layers read: whole, from anywhere, and
 * of blobs that are not what they are said to be.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/source.h"
#include "profile/tar.h"
#include "store/store.h"

#define FILES 5
#define LARGE (1u << 20)

struct rig {
	struct test_env env;
	struct mr_arena *arena;
	struct mr_store *blobs; /* in memory */
	struct mr_image_file files[FILES];
	struct mr_image_layout layout;
	struct mr_image_layer *made[8];
	struct mr_store *source;
	struct mreg_error err;
};

static char *content_of(size_t i, size_t size)
{
	char *bytes = mr_alloc(size + 1);
	size_t k;

	assert_non_null(bytes);
	for (k = 0; k < size; k++)
		bytes[k] = (char)(k * 7 + i * 13 + (k >> 9));
	return bytes;
}

static void add(struct rig *r, size_t i, const char *path, size_t size)
{
	struct mreg_desc d = { .size = size };
	char *bytes = content_of(i, size);

	assert_ok(mr_digest_of(bytes, size, &d.digest, &r->err), r->err);
	assert_ok(mr_store_put_bytes(r->blobs, &d, bytes, &r->err), r->err);
	r->files[i].path = path;
	r->files[i].size = size;
	r->files[i].digest = d.digest;
	mr_release(bytes);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	size_t i;

	assert_non_null(r);
	test_env_init(&r->env);
	r->arena = mr_arena_new(16u << 20);
	assert_ok(mr_memory_open(&r->env.env, &r->blobs, &r->err), r->err);
	add(r, 0, "w/large.bin", LARGE + 3);
	add(r, 1, "b.txt", 700);
	add(r, 2, "empty", 0);
	add(r, 3, "w/larger.bin", 2 * LARGE);
	add(r, 4, "a/deep/x", 512);
	assert_ok(mr_image_lay_out(r->files, FILES, 100, r->arena, &r->layout,
				   &r->err),
		  r->err);
	for (i = 0; i < r->layout.count; i++)
		r->made[i] = &r->layout.layers[i];
	assert_ok(mr_image_source(&r->env.env, r->made, r->layout.count,
				  r->blobs, &r->source, &r->err),
		  r->err);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	mr_store_close(r->source);
	mr_store_close(r->blobs);
	mr_arena_free(r->arena);
	test_env_release(&r->env);
	free(r);
	return 0;
}

static void load(struct rig *r, size_t index, struct mr_buf *out)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;

	assert_ok(mr_store_open_item(r->source, index, &in, &r->err), r->err);
	assert_ok(mr_stream_load(in, out, &r->err), r->err);
	assert_int_equal(out->len, r->layout.layers[index].desc.size);
}

static void large_files_come_first_and_small_ones_last(void **state)
{
	struct rig *r = *state;
	const struct mr_image_layer *l = r->layout.layers;

	assert_int_equal(r->layout.count, 3);
	assert_string_equal(l[0].only->path, "models/w/larger.bin");
	assert_string_equal(l[1].only->path, "models/w/large.bin");
	assert_null(l[2].only);
	assert_int_equal(l[2].files, 3);
	assert_string_equal(l[2].members[0].path, "models/");
	assert_string_equal(l[2].members[1].path, "models/a/");
	assert_string_equal(l[2].members[2].path, "models/a/deep/");
	assert_string_equal(l[2].members[3].path, "models/a/deep/x");
	assert_string_equal(l[2].members[4].path, "models/b.txt");
	assert_string_equal(l[2].members[5].path, "models/empty");
	assert_int_equal(l[2].count, 6);
}

static void a_layer_has_its_files_bytes(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf got = MR_BUF_INIT(8u << 20);
	struct rig *r = *state;
	size_t i;
	size_t k;

	for (i = 0; i < r->layout.count; i++) {
		const struct mr_image_layer *l = &r->layout.layers[i];

		mr_buf_clear(&got);
		load(r, i, &got);
		for (k = 0; k < MR_USTAR_END_BYTES; k++)
			assert_int_equal(got.data[got.len - 1 - k], 0);
		for (k = 0; k < l->count; k++) {
			const struct mr_image_member *m = &l->members[k];
			struct mreg_digest d;

			assert_true(!m->paged || m->begin % 4096 == 0);
			if (m->folder)
				continue;
			assert_ok(mr_digest_of(got.data + m->begin,
					       (size_t)m->desc.size, &d,
					       &r->err),
				  r->err);
			assert_true(mreg_digest_equal(&d, &m->desc.digest));
		}
	}
}

/* From around every border of the layer of small files, and of a large one. */
static void a_part_is_the_same_bytes(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf whole = MR_BUF_INIT(8u << 20);
	struct rig *r = *state;
	struct mr_image_layer *l = &r->layout.layers[2];
	char part[2000];
	struct mreg_digest d;
	size_t at;
	size_t n;

	load(r, 2, &whole);
	assert_ok(mr_digest_of(whole.data, whole.len, &d, &r->err), r->err);
	mr_store_learn(r->source, 2, &d);
	assert_true(mreg_digest_equal(&d, &l->desc.digest));
	for (at = 0; at <= whole.len; at += 85) {
		for (n = 1; n <= sizeof(part); n += 499) {
			MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
			size_t left = whole.len - at;
			size_t want = n < left ? n : left;

			assert_ok(mr_store_open_range(r->source, &l->desc, at,
						      want, &in, &r->err),
				  r->err);
			assert_int_equal(
				mr_stream_fill(in, part, sizeof(part), &r->err),
				want);
			assert_memory_equal(part, whole.data + at, want);
		}
	}
}

static void a_layer_is_known_by_its_digest_once_learned(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf got = MR_BUF_INIT(8u << 20);
	struct rig *r = *state;
	struct mreg_desc d = r->layout.layers[1].desc;
	bool found = true;

	load(r, 1, &got);
	assert_ok(mr_digest_of(got.data, got.len, &d.digest, &r->err), r->err);
	assert_ok(mr_store_has(r->source, &d, &found, &r->err), r->err);
	assert_false(found);
	mr_store_learn(r->source, 1, &d.digest);
	assert_ok(mr_store_has(r->source, &d, &found, &r->err), r->err);
	assert_true(found);
	/* The proof of the whole: it is what it is said to be. */
	mr_buf_clear(&got);
	assert_ok(mr_store_load(r->source, &d, &got, &r->err), r->err);
	assert_ok(mr_store_put(r->blobs, &d, r->source, NULL, &r->err), r->err);
}

static void a_blob_that_is_not_there_is_told(void **state)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf got = MR_BUF_INIT(8u << 20);
	struct rig *r = *state;

	r->layout.layers[1].members[2].desc.digest.bytes[0] ^= 1;
	assert_ok(mr_store_open_item(r->source, 1, &in, &r->err), r->err);
	assert_code(MREG_ENOTFOUND, mr_stream_load(in, &got, &r->err), r->err);
	/* And told again, not taken for the end. */
	assert_code(MREG_ENOTFOUND, mr_stream_load(in, &got, &r->err), r->err);
}

/* Another blob of the same size under the digest would pass unseen, were a
 * file's bytes not proven on their way through. */
static void wrong_bytes_are_no_layer(void **state)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *liar = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *source = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf got = MR_BUF_INIT(8u << 20);
	struct rig *r = *state;
	struct mr_image_layer other = r->layout.layers[1];
	struct mr_image_layer *lies[] = { &other };

	assert_ok(mr_image_source(&r->env.env, r->made, r->layout.count,
				  r->blobs, &liar, &r->err),
		  r->err);
	/* The member's digest is taken for a layer's, which has other bytes. */
	mr_store_learn(liar, 1, &r->layout.layers[1].only->desc.digest);
	other.desc.size += 2 * 4096;
	other.members =
		mr_arena_alloc(r->arena, other.count * sizeof(*other.members));
	memcpy(other.members, r->layout.layers[1].members,
	       other.count * sizeof(*other.members));
	other.members[2].desc.size = r->layout.layers[1].desc.size;
	assert_ok(mr_image_source(&r->env.env, lies, 1, liar, &source, &r->err),
		  r->err);
	assert_ok(mr_store_open_item(source, 0, &in, &r->err), r->err);
	assert_code(MREG_EINTEGRITY, mr_stream_load(in, &got, &r->err), r->err);
}

/* -- layout ------------------------------------------------------------------
 */

static void many_files_share_few_layers_evenly(void **state)
{
	struct rig *r = *state;
	struct mr_image_file files[50];
	struct mr_image_layout out;
	char names[50][16];
	size_t total = 0;
	size_t i;

	memset(files, 0, sizeof(files));
	for (i = 0; i < 50; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "s-%02zu", i);
		files[i].path = names[i];
		files[i].size = LARGE + i;
		files[i].digest = r->files[0].digest;
	}
	files[49].size = 10;
	assert_ok(mr_image_lay_out(files, 50, 8, r->arena, &out, &r->err),
		  r->err);
	assert_int_equal(out.count, 8);
	assert_int_equal(out.layers[7].part, MR_IMAGE_SMALL);
	for (i = 0; i < 8; i++) {
		total += out.layers[i].files;
		assert_true(i == 7 || out.layers[i].files == 7);
	}
	assert_int_equal(total, 50);
}

/* Whatever order the files come in. */
static void order_does_not_matter(void **state)
{
	struct rig *r = *state;
	struct mr_image_file turned[FILES];
	struct mr_image_layout out;
	size_t i;

	for (i = 0; i < FILES; i++)
		turned[i] = r->files[FILES - 1 - i];
	assert_ok(mr_image_lay_out(turned, FILES, 100, r->arena, &out, &r->err),
		  r->err);
	for (i = 0; i < out.count; i++) {
		struct mreg_digest a;
		struct mreg_digest b;

		assert_ok(mr_image_recipe(&out.layers[i], &a, &r->err), r->err);
		assert_ok(mr_image_recipe(&r->layout.layers[i], &b, &r->err),
			  r->err);
		assert_true(mreg_digest_equal(&a, &b));
	}
}

/* Or a layer would be taken for one that it is not. */
static void a_recipe_has_all_that_bytes_follow_from(void **state)
{
	struct rig *r = *state;
	struct mr_image_file files[1] = { r->files[0] };
	struct mr_image_layout out;
	struct mreg_digest seen[5];
	size_t n = 0;
	size_t i;
	size_t k;

	for (i = 0; i < 5; i++) {
		files[0] = r->files[0];
		if (i == 1)
			files[0].path = "w/large.biN";
		if (i == 2)
			files[0].executable = true;
		if (i == 3)
			files[0].size++;
		if (i == 4)
			files[0].digest = r->files[1].digest;
		assert_ok(mr_image_lay_out(files, 1, 100, r->arena, &out,
					   &r->err),
			  r->err);
		assert_ok(mr_image_recipe(&out.layers[0], &seen[n++], &r->err),
			  r->err);
		for (k = 0; k + 1 < n; k++)
			assert_false(mreg_digest_equal(&seen[k], &seen[n - 1]));
	}
}

static void names_that_an_image_cannot_hold_are_refused(void **state)
{
	static const char *const names[] = { ".wh.a", "a/.wh..wh..opq",
					     ".wh.d/f" };
	struct rig *r = *state;
	struct mr_image_file f = r->files[1];
	struct mr_image_layout out;
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++) {
		f.path = names[i];
		assert_code(
			MREG_EUNSUPPORTED,
			mr_image_lay_out(&f, 1, 100, r->arena, &out, &r->err),
			r->err);
		assert_has(r->err.msg, names[i]);
	}
	f.path = "a.wh.b";
	assert_ok(mr_image_lay_out(&f, 1, 100, r->arena, &out, &r->err),
		  r->err);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(large_files_come_first_and_small_ones_last),
		WITH_RIG(a_layer_has_its_files_bytes),
		WITH_RIG(a_part_is_the_same_bytes),
		WITH_RIG(a_layer_is_known_by_its_digest_once_learned),
		WITH_RIG(a_blob_that_is_not_there_is_told),
		WITH_RIG(wrong_bytes_are_no_layer),
		WITH_RIG(many_files_share_few_layers_evenly),
		WITH_RIG(order_does_not_matter),
		WITH_RIG(a_recipe_has_all_that_bytes_follow_from),
		WITH_RIG(names_that_an_image_cannot_hold_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
