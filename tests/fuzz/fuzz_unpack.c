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

static void check_text(const struct mr_members *m, bool image)
{
	struct mr_buf text = MR_BUF_INIT(1 << 24);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *back = NULL;

	mr_members_text(m, &text);
	if (text.failed != MREG_OK ||
	    mr_members_parse(text.data, text.len, image, NULL, &back, &err) < 0)
		abort();
	assert(back && mr_members_same(back, m));
	mr_members_free(back);
	mr_buf_release(&text);
}

/* Read again, as who unpacks it does. */
static void check_bytes(const struct mr_members *m, const uint8_t *data,
			size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf bytes = MR_BUF_INIT(OUTPUT_MAX);
	struct mr_env env;
	struct mr_unpack *u = NULL;
	struct mr_unpack_entry e;
	struct mreg_digest got;
	bool found = true;
	size_t at = 0;
	size_t i;

	mr_env_init(&env);
	if (mr_unpack_open(&env, open_input(data, size), "input", &u, &err) < 0)
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
	mr_env_release(&env);
	mr_buf_release(&bytes);
}

static void check_merge(const struct mr_members *m)
{
	const struct mr_members *const layers[] = { m, m };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *out = NULL;

	if (mr_members_merge(layers, 2, &out, &err) < 0) {
		assert(err.msg[0]);
	} else {
		check_paths(out);
	}
	mr_members_free(out);
}

static void list(const uint8_t *data, size_t size, bool image)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *m = NULL;
	struct mr_env env;

	mr_env_init(&env);
	if (mr_members_list(&env, open_input(data, size), "input", image, NULL,
			    &m, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
		assert(!m);
	} else {
		check_paths(m);
		check_text(m, image);
		check_bytes(m, data, size);
		if (image)
			check_merge(m);
	}
	mr_members_free(m);
	mr_env_release(&env);
}

static void parse(const char *text, size_t n, bool image)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_members *m = NULL;

	if (mr_members_parse(text, n, image, NULL, &m, &err) < 0)
		assert(err.msg[0]);
	if (m) {
		check_paths(m);
		if (image)
			check_merge(m);
	}
	mr_members_free(m);
}

/* Behind the head that its digest makes the right one. */
static void parse_body(const uint8_t *data, size_t size)
{
	struct mr_buf text = MR_BUF_INIT(1 << 24);
	char digest[MREG_DIGEST_TEXT];
	struct mreg_digest d;

	if (mr_digest_of(data, size, &d, NULL) < 0)
		abort();
	mr_buf_printf(&text, "mreg.members/1 %s\n",
		      mreg_digest_text(&d, digest));
	mr_buf_add(&text, data, size);
	if (text.failed == MREG_OK) {
		parse(mr_buf_text(&text), text.len, false);
		parse(mr_buf_text(&text), text.len, true);
	}
	mr_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	list(data, size, false);
	list(data, size, true);
	parse((const char *)data, size, true);
	parse_body(data, size);
	return 0;
}
