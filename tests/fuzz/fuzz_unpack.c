/*
 * fuzz_unpack.c - a list of files from arbitrary bytes, packed or not: it is
 * refused with a reason; or its paths can be written below a folder, it is what
 * it is remembered as, and each file's bytes are the ones it was listed with.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "pack/pack.h"

#define OUTPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mr_stream *open_input(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stream *s = NULL;

	if (mr_stream_memory(data, size, &s, &err) < 0 ||
	    mr_stream_decode(s, mr_coding_of(data, size), OUTPUT_MAX, "input",
			     &s, &err) < 0)
		abort();
	return s;
}

static void check_paths(const struct mr_members *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		assert(mr_path_check(m->items[i].path, NULL) == 0 ||
		       (m->items[i].kind == MR_MEMBER_OPAQUE &&
			!m->items[i].path[0]));
}

static void check_text(const struct mr_members *m)
{
	struct mr_buf text = MR_BUF_INIT(1 << 24);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *back = NULL;
	size_t i;

	mr_members_text(m, &text);
	if (text.failed != MREG_OK ||
	    mr_members_parse(text.data, text.len, &back, &err) < 0)
		abort();
	assert(back && back->count == m->count);
	for (i = 0; i < m->count; i++) {
		assert(strcmp(back->items[i].path, m->items[i].path) == 0);
		assert(back->items[i].kind == m->items[i].kind);
		assert(back->items[i].size == m->items[i].size);
	}
	mr_members_free(back);
	mr_buf_release(&text);
}

/* Read again, as who unpacks it does. */
static void check_bytes(const struct mr_members *m, const uint8_t *data,
			size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf bytes = MR_BUF_INIT(OUTPUT_MAX);
	struct mr_unpack *u = NULL;
	struct mr_unpack_entry e;
	struct mreg_digest got;
	bool found = true;
	size_t at = 0;
	size_t i;

	if (mr_unpack_open(open_input(data, size), "input", &u, &err) < 0)
		abort();
	for (i = 0; i < m->count; i++) {
		if (m->items[i].kind != MR_MEMBER_FILE)
			continue;
		for (; at <= m->items[i].entry; at++)
			if (mr_unpack_next(u, &e, &found, &err) < 0 || !found)
				abort();
		mr_buf_clear(&bytes);
		if (mr_stream_load(mr_unpack_bytes(u), &bytes, &err) < 0 ||
		    mr_digest_of(mr_buf_text(&bytes), bytes.len, &got, &err) <
			    0)
			abort();
		assert(bytes.len == m->items[i].size);
		assert(mreg_digest_equal(&got, &m->items[i].digest));
	}
	mr_unpack_close(u);
	mr_buf_release(&bytes);
}

static void check_merge(const struct mr_members *m)
{
	const struct mr_members *const layers[] = { m, m };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *out = NULL;
	struct mr_list left_out = { .n = 0 };

	if (mr_members_merge(layers, 2, &out, &left_out, &err) < 0) {
		assert(err.msg[0]);
	} else {
		check_paths(out);
		assert(out->count <= m->count);
	}
	mr_list_release(&left_out);
	mr_members_free(out);
}

static void list(const uint8_t *data, size_t size, bool image)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *m = NULL;
	struct mr_env env;

	mr_env_init(&env);
	if (mr_members_list(&env, open_input(data, size), "input", image, &m,
			    &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
		assert(!m);
	} else {
		check_paths(m);
		check_text(m);
		check_bytes(m, data, size);
		if (image)
			check_merge(m);
	}
	mr_members_free(m);
	mr_env_release(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *m = NULL;

	list(data, size, false);
	list(data, size, true);
	if (mr_members_parse((const char *)data, size, &m, &err) < 0)
		assert(err.msg[0]);
	mr_members_free(m);
	return 0;
}
