/*
 * test_claims.c - who has a number, and that pushers who follow product.md
 * 3.2 by these functions never share one, whatever their order and crashes
 * (the model's exhaustive form is models/claims.py of the design).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"

static struct mreg_digest version(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	d.bytes[0] = (uint8_t)n;
	return d;
}

static struct mr_ledger *empty(void)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ledger *l = NULL;

	assert_ok(mr_ledger_new(&l, &err), err);
	return l;
}

/* Write a claim on top of all heads of `l`. */
static void write_claim(struct mr_ledger *l, uint64_t number, unsigned int who,
			const struct mreg_digest *replaces,
			struct mr_event_doc *doc)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
			      .actor = "",
			      .number = number,
			      .version = version(who) };

	e.seq = mr_ledger_next_seq(l);
	if (replaces)
		e.replaces = *replaces;
	assert_ok(mr_ledger_heads(l, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, doc, &err), err);
}

static void add(struct mr_ledger *l, const struct mr_event_doc *doc)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_ledger_add(l, doc->bytes.data, doc->bytes.len, &err), err);
}

/* Write and add; the event's digest. */
static struct mreg_digest claim(struct mr_ledger *l, uint64_t number,
				unsigned int who,
				const struct mreg_digest *replaces)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };

	write_claim(l, number, who, replaces, &doc);
	add(l, &doc);
	return doc.desc.digest;
}

static void assert_owner(struct mr_ledger *l, uint64_t number,
			 const struct mreg_digest *tagged, unsigned int who)
{
	const struct mr_event *e = mr_ledger_owner(l, number, tagged);
	struct mreg_digest d = version(who);

	assert_non_null(e);
	assert_int_equal(e->number, number);
	assert_true(mreg_digest_equal(&e->version, &d));
}

static void a_lone_claim_owns_its_number(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_digest one = version(1), two = version(2);

	(void)state;
	assert_null(mr_ledger_owner(l, 1, NULL));
	assert_null(mr_ledger_claim_of(l, &one));
	assert_int_equal(mr_ledger_highest(l), 0);
	claim(l, 5, 1, NULL);
	assert_owner(l, 5, NULL, 1);
	assert_owner(l, 5, &two, 1); /* a foreign move of the tag */
	assert_null(mr_ledger_owner(l, 4, NULL));
	assert_null(mr_ledger_owner(l, 6, NULL));
	assert_int_equal(mr_ledger_highest(l), 5);
	assert_false(mr_ledger_contested(l, 5, &one));
	assert_true(mr_ledger_contested(l, 5, &two));
	assert_int_equal(mr_ledger_claim_of(l, &one)->number, 5);
	assert_null(mr_ledger_claim_of(l, &two));
}

static void the_tag_decides_between_two_that_stand(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_digest one = version(1), two = version(2),
			   other = version(3);

	(void)state;
	claim(l, 5, 1, NULL);
	claim(l, 5, 2, NULL);
	claim(l, 5, 2, NULL);
	assert_null(mr_ledger_owner(l, 5, NULL));
	assert_null(mr_ledger_owner(l, 5, &other));
	assert_owner(l, 5, &one, 1);
	assert_owner(l, 5, &two, 2);
	assert_ptr_equal(mr_ledger_owner(l, 5, &two), mr_ledger_event(l, 1));
	assert_int_equal(mr_ledger_rivals(l, 5, &one), 1);
	assert_int_equal(mr_ledger_rivals(l, 5, &other), 2);
}

static void a_claim_taken_back_stands_no_more(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_digest one = version(1), two = version(2);
	struct mreg_digest old;

	(void)state;
	claim(l, 5, 1, NULL);
	old = claim(l, 5, 2, NULL);
	claim(l, 8, 2, &old);
	assert_owner(l, 5, NULL, 1);
	assert_owner(l, 5, &two, 1);
	assert_owner(l, 8, NULL, 2);
	assert_int_equal(mr_ledger_claim_of(l, &two)->number, 8);
	assert_int_equal(mr_ledger_highest(l), 8);
	/* Replaced or not, it was named: rule 2. */
	assert_true(mr_ledger_contested(l, 5, &one));
	assert_int_equal(mr_ledger_rivals(l, 5, &one), 1);
}

static void nobody_takes_back_what_is_anothers(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_digest one = version(1);
	struct mreg_digest mine;

	(void)state;
	mine = claim(l, 5, 1, NULL);
	claim(l, 6, 2, &mine);
	assert_owner(l, 5, NULL, 1);
	claim(l, 4, 1, &mine); /* nor to a lower number */
	assert_owner(l, 5, NULL, 1);
	/* Both stand; everybody settles on the lowest. */
	assert_int_equal(mr_ledger_claim_of(l, &one)->number, 4);
	claim(l, 9, 1, &mine);
	assert_null(mr_ledger_owner(l, 5, NULL));
}

static void the_first_of_equal_claims_is_given(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_digest one = version(1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		claim(l, 3, 1, NULL);
	assert_ptr_equal(mr_ledger_claim_of(l, &one), mr_ledger_event(l, 0));
	assert_ptr_equal(mr_ledger_owner(l, 3, NULL), mr_ledger_event(l, 0));
	claim(l, 2, 1, NULL);
	assert_int_equal(mr_ledger_claim_of(l, &one)->number, 2);
}

static void lists_numbers_once_and_in_order(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	MR_AUTO(mr_free) uint64_t *numbers = NULL;
	MR_AUTO(mr_free) uint64_t *none = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest old;
	size_t n;

	(void)state;
	assert_ok(mr_ledger_numbers(l, &none, &n, &err), err);
	assert_int_equal(n, 0);
	claim(l, 10, 1, NULL);
	claim(l, 2, 2, NULL);
	claim(l, 2, 3, NULL);
	old = claim(l, 4, 4, NULL);
	claim(l, 11, 4, &old);
	assert_ok(mr_ledger_numbers(l, &numbers, &n, &err), err);
	assert_int_equal(n, 3);
	assert_int_equal(numbers[0], 2);
	assert_int_equal(numbers[1], 10);
	assert_int_equal(numbers[2], 11);
}

static void counts_rivals_up_to_a_limit(void **state)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	struct mreg_digest none = version(200);
	unsigned int i;

	(void)state;
	for (i = 0; i < MR_RIVALS_MAX + 10; i++)
		claim(l, 1, i, NULL);
	assert_int_equal(mr_ledger_rivals(l, 1, &none), MR_RIVALS_MAX);
}

/* -- pushers on one registry, one request at a time --------------------------
 */

#define PUSHERS 4
#define CRASHES 2
#define ENTRIES 256
#define NUMBERS 512

enum step {
	READ,
	CLAIM,
	LOOK,
	HEAD,
	PUT,
	DONE
};

struct pusher {
	enum step step;
	struct mr_ledger *l; /* what it has read; NULL after a crash */
	uint64_t number;
	unsigned int crashes;
	bool acknowledged;
};

struct registry {
	struct mr_event_doc log[ENTRIES];
	size_t n;
	unsigned int tags[NUMBERS]; /* v<N>: 1 + pusher; 0: absent */
	struct pusher pushers[PUSHERS];
	uint32_t seed;
};

static uint32_t next_random(struct registry *r)
{
	r->seed = r->seed * 1664525 + 1013904223; /* Numerical Recipes */
	return r->seed >> 8;
}

static void read_log(struct registry *r, struct pusher *p)
{
	size_t i;

	if (!p->l)
		p->l = empty();
	for (i = 0; i < r->n; i++)
		add(p->l, &r->log[i]);
}

static void put_claim(struct registry *r, struct pusher *p, unsigned int who)
{
	struct mreg_digest mine = version(who);
	const struct mr_event *old = mr_ledger_claim_of(p->l, &mine);
	uint64_t number = mr_ledger_highest(p->l) + 1;

	if (old)
		number += next_random(r) %
			  (mr_ledger_rivals(p->l, old->number, &mine) + 1);
	assert_true(r->n < ENTRIES && number < NUMBERS);
	write_claim(p->l, number, who, old ? &old->digest : NULL,
		    &r->log[r->n++]);
}

/* What follows from a read: a claim to write, or a number to take. */
static enum step look(struct registry *r, struct pusher *p, unsigned int who)
{
	struct mreg_digest mine = version(who);
	const struct mr_event *e = mr_ledger_claim_of(p->l, &mine);
	uint64_t n;

	/* A rerun finds the tag that an earlier run left. */
	for (n = 1; n < NUMBERS; n++) {
		if (r->tags[n] == who + 1) {
			p->number = n;
			return DONE;
		}
	}
	if (!e || mr_ledger_contested(p->l, e->number, &mine))
		return CLAIM;
	p->number = e->number;
	return HEAD;
}

static void advance(struct registry *r, unsigned int who)
{
	struct pusher *p = &r->pushers[who];
	unsigned int tag;

	if (p->crashes < CRASHES && next_random(r) % 8 == 0) {
		mr_ledger_freep(&p->l);
		p->crashes++;
		p->step = READ;
		return;
	}
	switch (p->step) {
	case READ:
		read_log(r, p);
		p->step = LOOK;
		break;
	case LOOK:
		p->step = look(r, p, who);
		break;
	case CLAIM:
		put_claim(r, p, who);
		p->step = READ;
		break;
	case HEAD:
		tag = r->tags[p->number];
		p->step = tag == 0 ? PUT : tag == who + 1 ? DONE : CLAIM;
		break;
	case PUT:
		r->tags[p->number] = who + 1;
		p->step = DONE;
		break;
	case DONE:
		p->acknowledged = true;
		break;
	}
}

static bool all_acknowledged(const struct registry *r)
{
	unsigned int i;

	for (i = 0; i < PUSHERS; i++)
		if (!r->pushers[i].acknowledged)
			return false;
	return true;
}

/* An acknowledged number has its pusher's version, for ever. */
static void assert_promises(const struct registry *r)
{
	unsigned int i;

	for (i = 0; i < PUSHERS; i++)
		if (r->pushers[i].acknowledged)
			assert_int_equal(r->tags[r->pushers[i].number], i + 1);
}

static void assert_fold_agrees(struct registry *r)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = empty();
	uint64_t n;
	size_t i;

	for (i = 0; i < r->n; i++)
		add(l, &r->log[i]);
	assert_int_equal(mr_ledger_flaws(l), 0);
	for (n = 1; n < NUMBERS; n++) {
		if (r->tags[n]) {
			struct mreg_digest d = version(r->tags[n] - 1);

			assert_owner(l, n, &d, r->tags[n] - 1);
		}
	}
}

static void pushers_never_share_a_number(void **state)
{
	static struct registry r;
	uint32_t round;
	size_t i;

	(void)state;
	for (round = 0; round < 1000; round++) {
		memset(&r, 0, sizeof(r));
		r.seed = round;
		while (!all_acknowledged(&r)) {
			advance(&r, next_random(&r) % PUSHERS);
			assert_promises(&r);
		}
		assert_fold_agrees(&r);
		for (i = 0; i < PUSHERS; i++)
			mr_ledger_freep(&r.pushers[i].l);
		for (i = 0; i < r.n; i++)
			mr_event_doc_release(&r.log[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lone_claim_owns_its_number),
		cmocka_unit_test(the_tag_decides_between_two_that_stand),
		cmocka_unit_test(a_claim_taken_back_stands_no_more),
		cmocka_unit_test(nobody_takes_back_what_is_anothers),
		cmocka_unit_test(the_first_of_equal_claims_is_given),
		cmocka_unit_test(lists_numbers_once_and_in_order),
		cmocka_unit_test(counts_rivals_up_to_a_limit),
		cmocka_unit_test(pushers_never_share_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
