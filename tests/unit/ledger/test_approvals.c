/*
 * test_approvals.c - which request counts, which answers to it do, and what
 * came of it.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
#define UNTIL "2026-01-01T01:00:00Z"
#define UNTIL_S (T2026 + 3600)

struct fixture {
	struct mr_ledger *l;
	struct mr_standing s;
	int64_t now_s; /* of the next event */
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now_s = T2026;
	assert_ok(mr_ledger_new(&f->l, &err), err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_standing_release(&f->s);
	mr_ledger_free(f->l);
	free(f);
	return 0;
}

static struct mreg_digest version(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	d.bytes[31] = (uint8_t)n;
	return d;
}

static struct mreg_digest say(struct fixture *f, const char *actor,
			      struct mr_event e)
{
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;

	e.seq = mr_ledger_next_seq(f->l);
	e.time_s = f->now_s++;
	e.actor = actor;
	assert_ok(mr_ledger_heads(f->l, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_ledger_add(f->l, doc.bytes.data, doc.bytes.len, &err),
		  err);
	return doc.desc.digest;
}

static void claim(struct fixture *f, const char *actor, unsigned int n)
{
	(void)say(f, actor,
		  (struct mr_event){ .kind = MR_EVENT_VERSION_REGISTERED,
				     .number = n,
				     .version = version(n) });
}

static struct mreg_digest ask(struct fixture *f, const char *actor,
			      const char *alias, unsigned int n)
{
	struct mr_event_field fields[] = { { .key = "alias", .text = alias },
					   { .key = "until", .text = UNTIL } };

	return say(f, actor,
		   (struct mr_event){ .kind = MR_EVENT_APPROVAL_ASKED,
				      .version = version(n),
				      .fields = fields,
				      .field_count = 2 });
}

static void answer(struct fixture *f, const char *actor,
		   enum mr_event_kind kind, struct mreg_digest request)
{
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = "production" },
		{ .key = "request", .text = mreg_digest_text(&request, text) },
	};

	(void)say(f, actor,
		  (struct mr_event){ .kind = kind,
				     .version = version(1),
				     .fields = fields,
				     .field_count = 2 });
}

static void grant(struct fixture *f, const char *actor,
		  struct mreg_digest request)
{
	answer(f, actor, MR_EVENT_APPROVAL_GRANTED, request);
}

static void move(struct fixture *f, const char *alias, unsigned int n)
{
	struct mr_event_field fields[] = { { .key = "alias", .text = alias },
					   { .key = "by", .text = "set" } };

	(void)say(f, "ada",
		  (struct mr_event){ .kind = MR_EVENT_ALIAS_MOVED,
				     .version = version(n),
				     .fields = fields,
				     .field_count = 2 });
}

static const struct mr_approval *last(struct fixture *f, const char *alias,
				      unsigned int n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d = version(n);

	mr_standing_release(&f->s);
	assert_ok(mr_ledger_standing(f->l, MR_STANDING_NOW, &f->s, &err), err);
	return mr_standing_approval(&f->s, alias, &d);
}

static const struct mr_event *registered(struct fixture *f)
{
	struct mreg_digest d = version(1);

	return mr_standing_version(&f->s, &d)->registered;
}

static enum mr_grant kind_of(struct fixture *f, size_t i)
{
	const struct mr_approval *r = last(f, "production", 1);

	return mr_approval_grant(r, registered(f), i);
}

static size_t count(struct fixture *f)
{
	const struct mr_approval *r = last(f, "production", 1);

	return mr_approval_count(r, registered(f));
}

/* -- who counts ------------------------------------------------------------ */

static void neither_pusher_nor_requester_count(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	grant(f, "pia", asked);
	grant(f, "ray", asked);
	assert_int_equal(count(f), 0);
	assert_int_equal(kind_of(f, 0), MR_GRANT_PUSHER);
	assert_int_equal(kind_of(f, 1), MR_GRANT_REQUESTER);
	grant(f, "bob", asked);
	assert_int_equal(count(f), 1);
	assert_int_equal(kind_of(f, 2), MR_GRANT_COUNTS);
}

static void of_one_actor_one_counts(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	grant(f, "bob", asked);
	grant(f, "bob", asked);
	grant(f, "Bob", asked);
	assert_int_equal(count(f), 2);
	assert_int_equal(kind_of(f, 1), MR_GRANT_AGAIN);
}

static void one_that_names_nobody_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "", 1);
	asked = ask(f, "", "production", 1);
	grant(f, "", asked);
	assert_int_equal(count(f), 0);
	assert_int_equal(kind_of(f, 0), MR_GRANT_NAMELESS);
}

static void none_counts_while_nobody_knows_who_asked_or_pushed(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "", "production", 1);
	grant(f, "bob", asked);
	assert_int_equal(count(f), 0);
	assert_int_equal(kind_of(f, 0), MR_GRANT_UNKNOWN);
	asked = ask(f, "ray", "production", 1);
	grant(f, "bob", asked);
	assert_int_equal(count(f), 1);
	assert_int_equal(mr_approval_grant(last(f, "production", 1), NULL, 0),
			 MR_GRANT_UNKNOWN);
}

static void a_late_one_does_not_count_and_the_last_second_does(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	assert_int_equal(mr_approval_until(last(f, "production", 1)), UNTIL_S);
	f->now_s = UNTIL_S;
	grant(f, "bob", asked);
	grant(f, "eve", asked);
	assert_int_equal(count(f), 1);
	assert_int_equal(kind_of(f, 1), MR_GRANT_LATE);
}

/* Clocks differ: what a slow one says in time is not a second grant. */
static void one_in_time_after_a_late_one_counts(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	f->now_s = UNTIL_S + 1;
	grant(f, "bob", asked);
	f->now_s = UNTIL_S - 1;
	grant(f, "bob", asked);
	assert_int_equal(kind_of(f, 0), MR_GRANT_LATE);
	assert_int_equal(kind_of(f, 1), MR_GRANT_COUNTS);
	assert_int_equal(count(f), 1);
}

static void once_refused_none_count(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	grant(f, "bob", asked);
	answer(f, "ray", MR_EVENT_APPROVAL_REFUSED, asked);
	grant(f, "eve", asked);
	assert_int_equal(count(f), 0);
}

static void what_somebody_would_say_is_told_before(void **state)
{
	struct fixture *f = *state;
	const struct mr_approval *r;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	grant(f, "bob", asked);
	r = last(f, "production", 1);
	assert_int_equal(mr_approval_actor(r, registered(f), "eve"),
			 MR_GRANT_COUNTS);
	assert_int_equal(mr_approval_actor(r, registered(f), "bob"),
			 MR_GRANT_AGAIN);
	assert_int_equal(mr_approval_actor(r, registered(f), "pia"),
			 MR_GRANT_PUSHER);
	assert_int_equal(mr_approval_actor(r, registered(f), "ray"),
			 MR_GRANT_REQUESTER);
	assert_int_equal(mr_approval_actor(r, registered(f), ""),
			 MR_GRANT_NAMELESS);
	/* Another tool tagged it: nobody knows who pushed it. */
	assert_int_equal(mr_approval_actor(r, NULL, "pia"), MR_GRANT_UNKNOWN);
}

static const char *at(struct fixture *f, int64_t now_s)
{
	const struct mr_approval *r = last(f, "production", 1);

	return mr_approval_state(r, registered(f), now_s);
}

static void a_request_is_open_then_overdue_or_answered(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	claim(f, "pia", 1);
	asked = ask(f, "ray", "production", 1);
	assert_string_equal(at(f, UNTIL_S), "open");
	assert_string_equal(at(f, UNTIL_S + 1), "overdue");
	grant(f, "pia", asked);
	assert_string_equal(at(f, UNTIL_S + 1), "overdue");
	grant(f, "bob", asked);
	assert_string_equal(at(f, UNTIL_S + 1), "granted");
	move(f, "production", 1);
	assert_string_equal(at(f, UNTIL_S + 1), "used");
	answer(f, "eve", MR_EVENT_APPROVAL_REFUSED, asked);
	assert_string_equal(at(f, UNTIL_S), "refused");
}

/* -- which request --------------------------------------------------------- */

static void the_last_request_for_both_is_found(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked;

	(void)ask(f, "ray", "production", 1);
	(void)ask(f, "ray", "staging", 1);
	(void)ask(f, "ray", "production", 2);
	asked = ask(f, "eve", "production", 1);
	assert_true(mreg_digest_equal(&last(f, "production", 1)->asked->digest,
				      &asked));
	assert_null(last(f, "staging", 2));
	assert_null(last(f, "canary", 1));
}

static void a_move_is_of_the_last_request_before_it(void **state)
{
	struct fixture *f = *state;
	const struct mr_event *first;

	move(f, "production", 1);
	(void)ask(f, "ray", "production", 1);
	assert_null(last(f, "production", 1)->moved);
	move(f, "staging", 1);
	move(f, "production", 2);
	assert_null(last(f, "production", 1)->moved);
	move(f, "production", 1);
	first = last(f, "production", 1)->moved;
	assert_non_null(first);
	move(f, "production", 2);
	move(f, "production", 1);
	assert_true(last(f, "production", 1)->moved->seq == first->seq);
	(void)ask(f, "ray", "production", 1);
	assert_null(last(f, "production", 1)->moved);
	assert_non_null(f->s.approvals[0].moved);
	move(f, "production", 1);
	assert_true(last(f, "production", 1)->moved->seq > first->seq);
	assert_true(f->s.approvals[0].moved->seq == first->seq);
}

#define APPROVALS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		APPROVALS(neither_pusher_nor_requester_count),
		APPROVALS(of_one_actor_one_counts),
		APPROVALS(one_that_names_nobody_does_not_count),
		APPROVALS(none_counts_while_nobody_knows_who_asked_or_pushed),
		APPROVALS(a_late_one_does_not_count_and_the_last_second_does),
		APPROVALS(one_in_time_after_a_late_one_counts),
		APPROVALS(once_refused_none_count),
		APPROVALS(what_somebody_would_say_is_told_before),
		APPROVALS(a_request_is_open_then_overdue_or_answered),
		APPROVALS(the_last_request_for_both_is_found),
		APPROVALS(a_move_is_of_the_last_request_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
