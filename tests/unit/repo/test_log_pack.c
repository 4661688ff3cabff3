/*
 * test_log_pack.c - a long log read with few requests, whatever is wrong with
 * the packs that its events carry.
 */
#include "repo/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/log_fixture.h"

#define LONG 600
/* A listing; two events with packs and these; the newest one, which a linear
 * log begins with; and what came after the last pack. */
#define REQUESTS (1 + 2 * 2 + 1 + LONG - 2 * MR_PACK_EVERY)

struct fixture {
	struct logx *x;
	struct mreg *writer, *reader;
	struct mr_history written;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	assert_non_null(f);
	f->x = logx_new();
	f->writer = logx_user(f->x, "writer");
	f->reader = logx_user(f->x, "reader");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_history_release(&f->written);
	mreg_close(f->reader);
	mreg_close(f->writer);
	logx_free(f->x);
	mr_release(f);
	return 0;
}

static void write_log(struct fixture *f, bool linear, unsigned int n)
{
	char value[32];
	unsigned int i;

	f->x->fixed = linear;
	logx_read(f->x, f->writer, &f->written);
	f->written.linear = linear;
	for (i = 1; i <= n; i++) {
		(void)snprintf(value, sizeof(value), "%u", i);
		(void)logx_append(f->x, f->writer, &f->written, value);
	}
}

/* The reader, who knows nothing, gets what was written; how many requests that
 * took. */
static unsigned int read_log(struct fixture *f)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	const struct mreg_digest *missing;
	struct mreg_error err = MREG_ERROR_INIT;
	unsigned int before = atomic_load(&f->x->asked);
	size_t n;
	size_t i;

	logx_read(f->x, f->reader, &h);
	assert_int_equal(mr_ledger_count(h.ledger),
			 mr_ledger_count(f->written.ledger));
	for (i = 0; i < mr_ledger_count(h.ledger); i++)
		assert_true(mreg_digest_equal(
			&mr_ledger_event(h.ledger, i)->digest,
			&mr_ledger_event(f->written.ledger, i)->digest));
	assert_ok(mr_ledger_missing(h.ledger, &missing, &n, &err), err);
	assert_int_equal(n, 0);
	assert_int_equal(h.absent.n, 0);
	return atomic_load(&f->x->asked) - before;
}

static void a_long_log_is_read_with_few_requests(void **state)
{
	struct fixture *f = *state;

	write_log(f, false, LONG);
	assert_true(read_log(f) <= REQUESTS);
	/* And then with none but the listing. */
	assert_int_equal(read_log(f), 1);
}

static void a_long_linear_log_is_too(void **state)
{
	struct fixture *f = *state;

	write_log(f, true, LONG);
	assert_true(read_log(f) <= REQUESTS);
	assert_int_equal(read_log(f), 2);
}

/* A log that became linear has both kinds of tags. */
static void both_kinds_of_tags_are_found_in_packs(void **state)
{
	struct fixture *f = *state;

	write_log(f, false, 300);
	write_log(f, true, LONG - 300);
	assert_true(logx_has_tag(f->x, "mreg.seq.00000301"));
	assert_true(read_log(f) <= REQUESTS);
	assert_int_equal(read_log(f), 2);
}

static struct mreg_digest pack_of(struct fixture *f, uint64_t seq)
{
	size_t i;

	for (i = 0; i < mr_ledger_count(f->written.ledger); i++) {
		const struct mr_event *e =
			mr_ledger_event(f->written.ledger, i);

		if (e->seq == seq) {
			assert_true(mr_digest_known(&e->pack));
			return e->pack;
		}
	}
	fail_msg("no event has this seq");
	return (struct mreg_digest){ .algorithm = MREG_DIGEST_NONE };
}

static void a_pack_that_is_gone_costs_requests_and_no_event(void **state)
{
	struct fixture *f = *state;
	unsigned int asked;

	write_log(f, false, 300);
	f->x->no_blob = pack_of(f, MR_PACK_EVERY);
	asked = read_log(f);
	assert_true(asked > 300 && asked <= 305);
}

static void nor_does_it_in_a_linear_log(void **state)
{
	struct fixture *f = *state;

	write_log(f, true, 300);
	f->x->no_blob = pack_of(f, MR_PACK_EVERY);
	assert_true(read_log(f) <= 305);
}

/* The event of seq 256 that somebody writes with this as its pack. */
static void write_carrier(struct fixture *f, const struct mr_buf *pack,
			  bool linear)
{
	struct mr_event_doc doc = { .desc = { .size = 0 } };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d = { .media_type = MR_PACK_MEDIA, .size = pack->len };
	struct mr_event e = {
		.kind = MR_EVENT_METADATA_CHANGED,
		.seq = MR_PACK_EVERY,
		.time_s = 1,
		.actor = "eve",
	};

	assert_ok(mr_digest_of(pack->data, pack->len, &d.digest, &err), err);
	assert_ok(mr_store_put_bytes(f->x->s, &d, pack->data, &err), err);
	e.pack = d.digest;
	e.pack_bytes = d.size;
	assert_ok(mr_ledger_heads(f->written.ledger, &e.prev, &e.prev_count,
				  &err),
		  err);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	if (linear)
		(void)mr_log_tag_linear(e.seq, doc.tag);
	assert_ok(mr_store_set(f->x->s, doc.tag, &doc.desc, doc.bytes.data,
			       NULL, &err),
		  err);
	mr_event_doc_release(&doc);
	logx_read(f->x, f->writer, &f->written);
	assert_int_equal(mr_ledger_count(f->written.ledger), MR_PACK_EVERY);
}

/* Lines that are no JSON, that are no event, that were changed, that are of
 * another log; and some that are right. */
static void put_lies(struct fixture *f, struct mr_buf *pack)
{
	size_t i;

	mr_buf_puts(pack, "\n{\n{}\nnot JSON\n[1,2]\n");
	for (i = 0; i < mr_ledger_count(f->written.ledger); i++) {
		const struct mr_event *e =
			mr_ledger_event(f->written.ledger, i);
		const char *at = strstr(e->json, "\"tags.team\":\"");

		assert_non_null(at);
		if (i % 2)
			mr_buf_printf(pack, "%s\n", e->json);
		else
			mr_buf_printf(pack, "%.*s\"tags.team\":\"9%s\n",
				      (int)(at - e->json), e->json,
				      at + strlen("\"tags.team\":\""));
	}
	mr_buf_puts(pack, "the last one has no end");
}

static void lines_that_lie_are_asked_for_one_by_one(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf pack = MR_BUF_INIT(1u << 20);
	struct fixture *f = *state;

	write_log(f, false, MR_PACK_EVERY - 1);
	put_lies(f, &pack);
	write_carrier(f, &pack, false);
	/* Half of them, and the other half out of the pack. */
	assert_true(read_log(f) <= MR_PACK_EVERY / 2 + 5);
}

/* Where one is not found the one before it has nothing that names it. */
static void they_are_in_a_linear_log_too(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf pack = MR_BUF_INIT(1u << 20);
	struct fixture *f = *state;

	write_log(f, true, MR_PACK_EVERY - 1);
	put_lies(f, &pack);
	write_carrier(f, &pack, true);
	assert_true(read_log(f) <= MR_PACK_EVERY + 5);
}

/* The words of a pack can never make an event that no tag has. */
static void a_pack_adds_nothing_to_a_log(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf pack = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;

	write_log(f, true, MR_PACK_EVERY - 1);
	mr_buf_puts(&pack, "{\"actor\":\"eve\",\"kind\":\"metadata_changed\","
			   "\"prev\":[],\"seq\":255,"
			   "\"set\":{\"tags.team\":\"eve\"},"
			   "\"time\":\"2026-01-01T00:00:00Z\"}\n");
	write_carrier(f, &pack, true);
	logx_read(f->x, f->reader, &h);
	assert_int_equal(mr_ledger_count(h.ledger), MR_PACK_EVERY);
	logx_assert_line(&h);
}

/* --verify asks for each one. */
static void anew_means_each_of_them(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .anew = true };
	struct fixture *f = *state;

	write_log(f, true, 300);
	(void)read_log(f);
	atomic_store(&f->x->asked, 0);
	logx_read(f->x, f->reader, &h);
	assert_int_equal(atomic_load(&f->x->asked), 301);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_long_log_is_read_with_few_requests),
		TEST(a_long_linear_log_is_too),
		TEST(both_kinds_of_tags_are_found_in_packs),
		TEST(a_pack_that_is_gone_costs_requests_and_no_event),
		TEST(nor_does_it_in_a_linear_log),
		TEST(lines_that_lie_are_asked_for_one_by_one),
		TEST(they_are_in_a_linear_log_too),
		TEST(a_pack_adds_nothing_to_a_log),
		TEST(anew_means_each_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
