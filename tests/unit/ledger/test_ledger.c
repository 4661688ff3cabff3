/*
 * test_ledger.c - the graph: heads, gaps, flaws, and one order for all.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"

#define EVENTS 40

/* Events made from earlier ones. */
struct log {
	struct mr_event_doc docs[EVENTS];
	struct mr_event events[EVENTS];
	size_t n;
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223; /* Numerical Recipes */
	return *seed >> 8;
}

static struct mreg_digest version(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	d.bytes[0] = (uint8_t)n;
	return d;
}

static int by_digest(const void *a, const void *b)
{
	return mr_digest_compare(a, b);
}

/* Append an event that follows those at the given places; its place. */
static size_t append(struct log *log, uint64_t seq, const size_t *prev,
		     size_t prev_count)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest heads[EVENTS];
	struct mr_event e = {
		.kind = MR_EVENT_VERSION_REGISTERED,
		.seq = seq,
		.actor = "",
		.number = log->n + 1,
		.version = version((unsigned int)log->n),
		.prev = heads,
		.prev_count = prev_count,
	};
	size_t i;

	for (i = 0; i < prev_count; i++)
		heads[i] = log->docs[prev[i]].desc.digest;
	if (prev_count > 1)
		qsort(heads, prev_count, sizeof(heads[0]), by_digest);
	assert_ok(mr_event_write(&e, &log->docs[log->n], &err), err);
	log->events[log->n] = e;
	return log->n++;
}

static void log_release(struct log *log)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		mr_event_doc_release(&log->docs[i]);
}

static void add(struct mr_ledger *l, const struct log *log, size_t i)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_ledger_add(l, log->docs[i].bytes.data,
				log->docs[i].bytes.len, &err),
		  err);
}

static struct mr_ledger *empty(void)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ledger *l = NULL;

	assert_ok(mr_ledger_new(&l, &err), err);
	return l;
}

static void assert_heads(struct mr_ledger *l, const struct log *log,
			 const size_t *want, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_digest *heads;
	size_t count, i, k;

	assert_ok(mr_ledger_heads(l, &heads, &count, &err), err);
	assert_int_equal(count, n);
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++)
			if (mreg_digest_equal(&heads[k],
					      &log->docs[want[i]].desc.digest))
				break;
		assert_true(k < n);
		assert_true(i == 0 ||
			    mr_digest_compare(&heads[i - 1], &heads[i]) < 0);
	}
}

static size_t missing(struct mr_ledger *l)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_digest *digests;
	size_t n;

	assert_ok(mr_ledger_missing(l, &digests, &n, &err), err);
	return n;
}

static void begins_empty(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();

	(void)state;
	assert_int_equal(mr_ledger_count(l), 0);
	assert_int_equal(mr_ledger_flaws(l), 0);
	assert_int_equal(mr_ledger_next_seq(l), 1);
	assert_heads(l, NULL, NULL, 0);
	assert_int_equal(missing(l), 0);
}

static void forks_are_seen_and_merge(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	static struct log log;
	size_t ends[2];
	size_t first, merged;

	(void)state;
	memset(&log, 0, sizeof(log));
	first = append(&log, 1, NULL, 0);
	ends[0] = append(&log, 2, &first, 1);
	ends[1] = append(&log, 2, &first, 1);
	add(l, &log, first);
	assert_heads(l, &log, &first, 1);
	add(l, &log, ends[0]);
	add(l, &log, ends[1]);
	assert_heads(l, &log, ends, 2);
	assert_int_equal(mr_ledger_next_seq(l), 3);
	merged = append(&log, 3, ends, 2);
	add(l, &log, merged);
	assert_heads(l, &log, &merged, 1);
	assert_int_equal(mr_ledger_flaws(l), 0);
	assert_int_equal(missing(l), 0);
	log_release(&log);
}

static void an_event_counts_once(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	static struct log log;

	(void)state;
	memset(&log, 0, sizeof(log));
	append(&log, 1, NULL, 0);
	add(l, &log, 0);
	add(l, &log, 0);
	assert_int_equal(mr_ledger_count(l), 1);
	log_release(&log);
}

static void tells_what_a_listing_left_out(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_digest *digests;
	static struct log log;
	size_t a, b, c, n;

	(void)state;
	memset(&log, 0, sizeof(log));
	a = append(&log, 1, NULL, 0);
	b = append(&log, 2, &a, 1);
	c = append(&log, 3, &b, 1);
	add(l, &log, c);
	add(l, &log, a);
	assert_ok(mr_ledger_missing(l, &digests, &n, &err), err);
	assert_int_equal(n, 1);
	assert_true(mreg_digest_equal(digests, &log.docs[b].desc.digest));
	assert_int_equal(mr_ledger_flaws(l), 0);
	add(l, &log, b);
	assert_int_equal(missing(l), 0);
	assert_heads(l, &log, &c, 1);
	log_release(&log);
}

static void counts_events_with_a_wrong_seq(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	static struct log log;
	size_t a, high, low;

	(void)state;
	memset(&log, 0, sizeof(log));
	a = append(&log, 2, NULL, 0);
	high = append(&log, 9, &a, 1);
	low = append(&log, 1, &high, 1);
	add(l, &log, a);
	assert_int_equal(mr_ledger_flaws(l), 1);
	add(l, &log, low); /* its parent may be right */
	assert_int_equal(mr_ledger_flaws(l), 1);
	add(l, &log, high);
	assert_int_equal(mr_ledger_flaws(l), 3);
	assert_int_equal(mr_ledger_count(l), 3);
	assert_int_equal(mr_ledger_next_seq(l), 10);
	/* Ancestors first, whatever they say of themselves. */
	assert_int_equal(mr_ledger_event(l, 0)->seq, 2);
	assert_int_equal(mr_ledger_event(l, 1)->seq, 9);
	assert_int_equal(mr_ledger_event(l, 2)->seq, 1);
	log_release(&log);
}

static void orders_by_seq_then_digest(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	static struct log log;
	size_t i;

	(void)state;
	memset(&log, 0, sizeof(log));
	for (i = 0; i < 20; i++)
		append(&log, 1, NULL, 0);
	for (i = 0; i < 20; i++)
		append(&log, 2, &i, 1);
	for (i = EVENTS; i-- > 0;)
		add(l, &log, i);
	for (i = 1; i < EVENTS; i++) {
		const struct mr_event *a = mr_ledger_event(l, i - 1);
		const struct mr_event *b = mr_ledger_event(l, i);

		assert_true(a->seq < b->seq ||
			    (a->seq == b->seq &&
			     mr_digest_compare(&a->digest, &b->digest) < 0));
	}
	log_release(&log);
}

/* A random graph; every tenth event lies about its seq. */
static void grow_log(struct log *log, uint32_t *seed)
{
	memset(log, 0, sizeof(*log));
	while (log->n < EVENTS) {
		size_t prev[3];
		size_t n = 0, i, k;
		uint64_t seq = 0;

		for (i = 0; i < 3 && i < log->n; i++) {
			size_t p = next_random(seed) % log->n;

			for (k = 0; k < n && prev[k] != p; k++)
				;
			if (k == n)
				prev[n++] = p;
		}
		for (k = 0; k < n; k++)
			if (log->events[prev[k]].seq > seq)
				seq = log->events[prev[k]].seq;
		if (next_random(seed) % 10 == 0)
			seq = next_random(seed) % EVENTS;
		append(log, seq + 1, prev, n);
	}
}

static void shuffle(size_t *order, size_t n, uint32_t *seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		size_t k = next_random(seed) % i;
		size_t t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
}

static void assert_ancestors_first(struct mr_ledger *l)
{
	size_t i, k, p;

	for (i = 0; i < mr_ledger_count(l); i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		for (p = 0; p < e->prev_count; p++)
			for (k = i; k < mr_ledger_count(l); k++)
				assert_false(mreg_digest_equal(
					&e->prev[p],
					&mr_ledger_event(l, k)->digest));
	}
}

/* Fold `log`, added in a random order with questions in between. */
static struct mr_ledger *fold_shuffled(const struct log *log, uint32_t *seed)
{
	struct mr_ledger *l = empty();
	size_t order[EVENTS];
	size_t i;

	shuffle(order, log->n, seed);
	for (i = 0; i < log->n; i++) {
		add(l, log, order[i]);
		if (next_random(seed) % 4 == 0)
			assert_non_null(mr_ledger_event(l, 0));
	}
	return l;
}

static void any_order_of_adding_gives_the_same_fold(void **state)
{
	static struct log log;
	uint32_t seed = 20260101;
	unsigned int round;
	size_t i;

	(void)state;
	for (round = 0; round < 200; round++) {
		MR_AUTO(mr_ledger_freep) struct mr_ledger *a = NULL;
		MR_AUTO(mr_ledger_freep) struct mr_ledger *b = NULL;

		grow_log(&log, &seed);
		a = fold_shuffled(&log, &seed);
		b = fold_shuffled(&log, &seed);
		assert_ancestors_first(a);
		assert_int_equal(mr_ledger_flaws(a), mr_ledger_flaws(b));
		for (i = 0; i < EVENTS; i++)
			assert_true(mreg_digest_equal(
				&mr_ledger_event(a, i)->digest,
				&mr_ledger_event(b, i)->digest));
		log_release(&log);
	}
}

static void holds_a_long_log(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
			      .actor = "ada" };
	uint64_t i;

	(void)state;
	for (i = 1; i <= 5000; i++) {
		assert_ok(mr_ledger_heads(l, &e.prev, &e.prev_count, &err),
			  err);
		e.seq = mr_ledger_next_seq(l);
		e.number = i;
		e.version = version((unsigned int)i);
		assert_ok(mr_event_write(&e, &doc, &err), err);
		assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err),
			  err);
	}
	assert_int_equal(mr_ledger_count(l), 5000);
	assert_int_equal(mr_ledger_flaws(l), 0);
	assert_int_equal(mr_ledger_event(l, 4999)->number, 5000);
}

/* An event that names nobody before it. */
static void add_root(struct mr_ledger *l, unsigned int n, uint64_t seq)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .desc = { .size = 0 } };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
			      .seq = seq,
			      .actor = "",
			      .number = n + 1,
			      .version = version(n % 256) };

	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err), err);
}

/* On top of what is to be named; how many that leaves to be named next. */
static size_t add_next(struct mr_ledger *l)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .desc = { .size = 0 } };
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_digest *prev;
	struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
			      .seq = mr_ledger_next_seq(l),
			      .actor = "",
			      .number = 9999,
			      .version = version(1) };
	size_t n;

	assert_ok(mr_ledger_prev(l, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err), err);
	assert_ok(mr_ledger_prev(l, &prev, &n, &err), err);
	return n;
}

static void of_too_many_heads_the_newest_are_named_first(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_digest *prev;
	size_t newest = 0;
	size_t n, i;

	(void)state;
	for (i = 0; i < 900; i++)
		add_root(l, (unsigned int)i, 1);
	add_root(l, 900, 7);
	assert_ok(mr_ledger_prev(l, &prev, &n, &err), err);
	assert_int_equal(n, MR_PREV_MAX);
	for (i = 0; i < n; i++) {
		newest += mr_ledger_find(l, &prev[i])->seq == 7;
		assert_true(i == 0 ||
			    mr_digest_compare(&prev[i - 1], &prev[i]) < 0);
	}
	assert_int_equal(newest, 1);
	/* Each event is small enough to be written, until all are named. */
	assert_int_equal(add_next(l), MR_PREV_MAX);
	assert_int_equal(add_next(l), MR_PREV_MAX);
	assert_int_equal(add_next(l), 901 - 3 * (MR_PREV_MAX - 1));
	assert_int_equal(add_next(l), 1);
	assert_int_equal(mr_ledger_flaws(l), 1); /* the one that says 7 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_empty),
		cmocka_unit_test(forks_are_seen_and_merge),
		cmocka_unit_test(an_event_counts_once),
		cmocka_unit_test(tells_what_a_listing_left_out),
		cmocka_unit_test(counts_events_with_a_wrong_seq),
		cmocka_unit_test(orders_by_seq_then_digest),
		cmocka_unit_test(any_order_of_adding_gives_the_same_fold),
		cmocka_unit_test(holds_a_long_log),
		cmocka_unit_test(of_too_many_heads_the_newest_are_named_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
