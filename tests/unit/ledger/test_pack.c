/*
 * test_pack.c - many events in one blob: what is in it, and that only what was
 * in the log comes out of it as one of its events.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */

struct fixture {
	struct mr_ledger *l;
	struct mr_event_doc *docs; /* by seq - 1 */
	size_t count;
	struct mr_buf pack;
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(mr_ledger_new(&f->l, &err), err);
	f->docs = calloc(2 * MR_PACK_EVERY + 8, sizeof(*f->docs));
	assert_non_null(f->docs);
	mr_buf_init(&f->pack, MR_PACK_MAX_BYTES);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < f->count; i++)
		mr_event_doc_release(&f->docs[i]);
	free(f->docs);
	mr_buf_release(&f->pack);
	mr_ledger_free(f->l);
	free(f);
	return 0;
}

/* One more move of an alias, with the pack where one has to be. */
static void write_next(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = "production" },
		{ .key = "by", .text = "set" },
		{ .key = "reason", .text = "line\nfeed \xc3\xa4" },
	};
	struct mr_event e = { .kind = MR_EVENT_ALIAS_MOVED,
			      .seq = mr_ledger_next_seq(f->l),
			      .time_s = T2026,
			      .version = { .algorithm = MREG_SHA256 },
			      .fields = fields,
			      .field_count = 3 };
	struct mr_event_doc *doc = &f->docs[f->count++];

	if (e.seq % MR_PACK_EVERY == 0) {
		mr_buf_clear(&f->pack);
		assert_ok(mr_ledger_pack(f->l, &f->pack, &err), err);
		assert_ok(
			mr_digest_of(f->pack.data, f->pack.len, &e.pack, &err),
			err);
		e.pack_bytes = f->pack.len;
	}
	assert_ok(mr_ledger_heads(f->l, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, doc, &err), err);
	assert_ok(mr_ledger_add(f->l, doc->bytes.data, doc->bytes.len, &err),
		  err);
}

/* Unpack line `wanted` of the pack. */
static void unpack(struct fixture *f, size_t wanted, struct mr_event_doc *out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const char *at = f->pack.data;
	const char *end = at + f->pack.len;
	size_t n = 0;

	for (;; at += n + 1) {
		assert_true(at < end);
		n = (size_t)((const char *)memchr(at, '\n',
						  (size_t)(end - at)) -
			     at);
		if (wanted-- == 0)
			break;
	}
	assert_ok(mr_event_unpack(at, n, out, &err), err);
}

static size_t lines(const struct mr_buf *b)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void what_comes_out_is_what_was_in_the_log(void **state)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct fixture *f = *state;
	size_t i;

	while (f->count < MR_PACK_EVERY)
		write_next(f);
	assert_int_equal(lines(&f->pack), MR_PACK_EVERY - 1);
	for (i = 0; i < MR_PACK_EVERY - 1; i++) {
		unpack(f, i, &doc);
		assert_true(mreg_digest_equal(&doc.desc.digest,
					      &f->docs[i].desc.digest));
		assert_string_equal(doc.tag, f->docs[i].tag);
		assert_int_equal(doc.bytes.len, f->docs[i].bytes.len);
		assert_memory_equal(doc.bytes.data, f->docs[i].bytes.data,
				    doc.bytes.len);
	}
}

static void the_event_that_carries_it_says_so(void **state)
{
	struct fixture *f = *state;
	const struct mr_event *e;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d;

	while (f->count < MR_PACK_EVERY)
		write_next(f);
	e = mr_ledger_event(f->l, MR_PACK_EVERY - 1);
	assert_ok(mr_digest_of(f->pack.data, f->pack.len, &d, &err), err);
	assert_true(mreg_digest_equal(&e->pack, &d));
	assert_int_equal(e->pack_bytes, f->pack.len);
	e = mr_ledger_event(f->l, 0);
	assert_int_equal(e->pack.algorithm, MREG_DIGEST_NONE);
}

/* Each event is in one pack, but for those that carry one. */
static void the_next_pack_goes_on_behind_the_last(void **state)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct fixture *f = *state;

	while (f->count < 2 * (size_t)MR_PACK_EVERY)
		write_next(f);
	assert_int_equal(lines(&f->pack), MR_PACK_EVERY - 1);
	unpack(f, 0, &doc);
	assert_string_equal(doc.tag, f->docs[MR_PACK_EVERY].tag);
}

static void a_changed_line_is_another_event(void **state)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct fixture *f = *state;
	char *at;

	while (f->count < MR_PACK_EVERY)
		write_next(f);
	at = strstr(f->pack.data, "production");
	assert_non_null(at);
	at[0] = 'P';
	unpack(f, 0, &doc);
	assert_false(
		mreg_digest_equal(&doc.desc.digest, &f->docs[0].desc.digest));
	assert_false(mr_log_tag_fits(f->docs[0].tag, &doc.desc.digest));
}

static void what_is_no_event_does_not_come_out(void **state)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	static const char *const lines_of[] = {
		"", "{}", "[]", "{\"kind\":\"archived\",\"prev\":[],\"seq\":1}"
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(lines_of); i++) {
		err = (struct mreg_error)MREG_ERROR_INIT;
		assert_code(MREG_EFORMAT,
			    mr_event_unpack(lines_of[i], strlen(lines_of[i]),
					    &doc, &err),
			    err);
	}
}

static void a_linear_log_has_tags_of_its_own(void **state)
{
	char tag[MR_LOG_TAG_TEXT];
	uint64_t seq = 0;

	(void)state;
	assert_string_equal(mr_log_tag_linear(7, tag), "mreg.seq.00000007");
	assert_true(mr_log_tag(tag, &seq));
	assert_int_equal(seq, 7);
}

#define PACK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PACK(what_comes_out_is_what_was_in_the_log),
		PACK(the_event_that_carries_it_says_so),
		PACK(the_next_pack_goes_on_behind_the_last),
		PACK(a_changed_line_is_another_event),
		PACK(what_is_no_event_does_not_come_out),
		PACK(a_linear_log_has_tags_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
