/*
 * test_log_linear.c - a log whose tags are never written twice: the PUT is the
 * claim, so its events are one line.
 */
#include "repo/repo.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/log_fixture.h"

#define WRITERS 8
#define EVENTS 12

/* A store that keeps mreg.*, somebody, and a log that is linear from its first
 * event on. */
struct fixture {
	struct logx *x;
	struct mreg *m;
	struct mr_history h;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	assert_non_null(f);
	f->x = logx_new();
	f->x->fixed = true;
	f->m = logx_user(f->x, "ada");
	logx_read(f->x, f->m, &f->h);
	f->h.linear = true;
	(void)logx_append(f->x, f->m, &f->h, "first");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_history_release(&f->h);
	mreg_close(f->m);
	logx_free(f->x);
	mr_release(f);
	return 0;
}

static void events_go_under_tags_that_have_their_number(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;

	assert_true(logx_has_tag(f->x, "mreg.seq.00000001"));
	logx_read(f->x, f->m, &h);
	assert_true(h.linear);
	(void)logx_append(f->x, f->m, &h, "second");
	assert_true(logx_has_tag(f->x, "mreg.seq.00000002"));
	assert_int_equal(mr_ledger_count(h.ledger), 2);
	logx_assert_line(&h);
}

static void who_is_second_writes_on_top(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;

	logx_read(f->x, f->m, &h);
	(void)logx_append(f->x, f->m, &f->h, "mine");
	(void)logx_append(f->x, f->m, &h, "yours");
	assert_int_equal(mr_ledger_count(h.ledger), 3);
	logx_assert_line(&h);
}

static void who_decides_anew_is_told_and_has_written_nothing(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	bool lost;

	logx_read(f->x, f->m, &h);
	(void)logx_append(f->x, f->m, &f->h, "mine");
	assert_ok(logx_try(f->x, f->m, &h, "yours", NULL, &lost, &err), err);
	assert_true(lost);
	assert_false(logx_has_tag(f->x, "mreg.seq.00000003"));
	logx_read(f->x, f->m, &h);
	assert_int_equal(mr_ledger_count(h.ledger), 2);
	assert_ok(logx_try(f->x, f->m, &h, "yours", NULL, &lost, &err), err);
	assert_false(lost);
}

/* It was done, and the registry refuses the second try of a retry. */
static void an_answer_that_was_lost_loses_nothing(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mreg_digest d;
	bool lost;

	f->x->unanswered = "mreg.seq.00000002";
	assert_ok(logx_try(f->x, f->m, &f->h, "mine", &d, &lost, &err), err);
	assert_false(lost);
	logx_read(f->x, f->m, &f->h);
	assert_non_null(mr_ledger_find(f->h.ledger, &d));
	logx_assert_line(&f->h);
}

static void what_a_late_listing_lacks_is_read_all_the_same(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;

	logx_read(f->x, f->m, &h);
	f->x->hidden = "mreg.seq.00000002";
	(void)logx_append(f->x, f->m, &f->h, "mine");
	assert_int_equal(mr_ledger_count(f->h.ledger), 2);
	(void)logx_append(f->x, f->m, &h, "yours");
	assert_int_equal(mr_ledger_count(h.ledger), 3);
	logx_assert_line(&h);
}

static void junk_under_the_next_tag_stops_nobody(void **state)
{
	struct fixture *f = *state;
	const struct mr_event *e;

	logx_junk(f->x, "mreg.seq.00000002");
	logx_read(f->x, f->m, &f->h);
	(void)logx_append(f->x, f->m, &f->h, "round it");
	(void)logx_append(f->x, f->m, &f->h, "and on");
	assert_true(logx_has_tag(f->x, "mreg.seq.00000003"));
	assert_int_equal(mr_ledger_count(f->h.ledger), 3);
	logx_assert_line(&f->h);
	e = mr_ledger_event(f->h.ledger, 1);
	assert_int_equal(e->seq, 2);
}

/* An event's bytes under another one's number. */
static void an_event_in_anothers_place_is_told(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	bool found;

	assert_ok(
		mr_store_get(f->x->s, "mreg.seq.00000001", &doc, &found, &err),
		err);
	assert_ok(mr_store_set(f->x->s, "mreg.seq.00000002", &doc.desc,
			       doc.bytes.data, NULL, &err),
		  err);
	logx_read(f->x, f->m, &h);
	assert_int_equal(mr_ledger_count(h.ledger), 1);
	assert_true(mr_list_has(&h.junk, "mreg.seq.00000002"));
}

/* A copy of the log in a registry that keeps nothing. */
static void where_tags_can_be_written_twice_it_goes_on_as_any_other(
	void **state)
{
	struct fixture *f = *state;
	struct mreg *m;

	f->x->fixed = false;
	m = logx_user(f->x, "bob"); /* who knows nothing of the store */
	f->h.fixed = MR_FIXED_UNKNOWN;
	(void)logx_append(f->x, m, &f->h, "second");
	assert_false(logx_has_tag(f->x, "mreg.seq.00000002"));
	assert_false(logx_has_tag(f->x, "mreg.seq.probe"));
	assert_int_equal(mr_ledger_count(f->h.ledger), 2);
	mreg_close(m);
}

static void what_was_found_out_is_not_asked_again(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;
	unsigned int before;

	logx_read(f->x, f->m, &h);
	before = atomic_load(&f->x->puts);
	(void)logx_append(f->x, f->m, &h, "second");
	assert_int_equal(atomic_load(&f->x->puts), before + 1);
}

static void find_out(void *ctx)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct logx *x = ctx;
	struct mreg *m = logx_user(x, "bob");
	bool fixed;

	assert_ok(mr_log_fixed(m, x->s, &h, true, &fixed, &err), err);
	assert_int_equal(fixed, x->fixed);
	mreg_close(m);
}

/* One looks between the other's look and PUT. */
static void two_who_find_out_at_once_find_the_same(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct logx *x = logx_new();
	struct mreg *m = logx_user(x, "ada");
	bool fixed;

	(void)state;
	x->ctx = x;
	x->meanwhile = find_out;
	assert_ok(mr_log_fixed(m, x->s, &h, true, &fixed, &err), err);
	assert_false(fixed);
	x->fixed = true;
	x->meanwhile = find_out;
	assert_ok(mr_log_fixed(m, x->s, &h, true, &fixed, &err), err);
	assert_true(fixed);
	assert_null(x->meanwhile);
	mreg_close(m);
	logx_free(x);
}

static void what_fails_is_no_refusal(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	bool fixed;

	f->x->fixed = false;
	f->x->unanswered = "mreg.seq.probe";
	assert_code(MREG_ENETWORK,
		    mr_log_fixed(f->m, f->x->s, &h, true, &fixed, &err), err);
	assert_has(err.msg, "cannot find out");
}

/* -- reading --------------------------------------------------------------- */

/* A listing, and the newest event. */
static void what_is_remembered_is_found_by_the_event_after_it(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < 60; i++)
		(void)logx_append(f->x, f->m, &f->h, "more");
	atomic_store(&f->x->asked, 0);
	logx_read(f->x, f->m, &h);
	assert_int_equal(mr_ledger_count(h.ledger), 61);
	assert_int_equal(atomic_load(&f->x->asked), 2);
}

static void only_what_came_since_is_asked_for(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	MR_AUTO(mr_history_release) struct mr_history old = { .found = false };
	struct fixture *f = *state;
	struct mreg *bob = logx_user(f->x, "bob");
	unsigned int i;

	for (i = 0; i < 50; i++)
		(void)logx_append(f->x, f->m, &f->h, "more");
	logx_read(f->x, bob, &old);
	for (i = 0; i < 5; i++)
		(void)logx_append(f->x, f->m, &f->h, "later");
	atomic_store(&f->x->asked, 0);
	logx_read(f->x, bob, &h);
	assert_int_equal(mr_ledger_count(h.ledger), 56);
	assert_int_equal(atomic_load(&f->x->asked), 1 + 5);
	mreg_close(bob);
}

/* The registry was killed when it wrote this. */
static void what_the_store_cannot_read_stops_nobody(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;
	unsigned int asked;

	(void)logx_append(f->x, f->m, &f->h, "second");
	f->x->hollow = "mreg.seq.00000002";
	logx_read(f->x, f->m, &h);
	assert_int_equal(mr_ledger_count(h.ledger), 1);
	assert_true(mr_list_has(&h.absent, "mreg.seq.00000002"));
	(void)logx_append(f->x, f->m, &h, "beside it");
	assert_int_equal(mr_ledger_count(h.ledger), 2);
	mr_history_release(&h);
	h = (struct mr_history){ .found = false };
	/* It is not asked for at each reading. */
	asked = atomic_load(&f->x->asked);
	logx_read(f->x, f->m, &h);
	assert_true(atomic_load(&f->x->asked) - asked <= 2);
}

static void who_wrote_what_cannot_be_read_is_told(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	bool lost;

	f->x->hollow = "mreg.seq.00000002";
	assert_ok(logx_try(f->x, f->m, &f->h, "mine", NULL, &lost, &err), err);
	assert_code(MREG_EREMOTE, mr_history_read(f->m, f->x->s, &f->h, &err),
		    err);
	assert_has(err.msg, "just written");
	assert_has(err.hint, "run it again");
}

/* -- many at once ---------------------------------------------------------- */

struct writer {
	struct logx *x;
	struct mreg *m;
	struct mreg_digest events[EVENTS];
	int rc;
	struct mreg_error err;
};

static void *keep_writing(void *arg)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct writer *w = arg;
	char value[64];
	unsigned int i;

	w->rc = mr_history_read(w->m, w->x->s, &h, &w->err);
	for (i = 0; i < EVENTS && w->rc >= 0; i++) {
		(void)snprintf(value, sizeof(value), "%u of %p", i, arg);
		w->rc = logx_try(w->x, w->m, &h, value, &w->events[i], NULL,
				 &w->err);
		if (w->rc >= 0)
			w->rc = mr_history_read(w->m, w->x->s, &h, &w->err);
	}
	return NULL;
}

static void many_at_once_make_one_line_and_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct writer w[WRITERS];
	pthread_t threads[WRITERS];
	unsigned int i, k;

	for (i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .x = f->x,
					.m = logx_user(f->x, "shared") };
		assert_int_equal(
			pthread_create(&threads[i], NULL, keep_writing, &w[i]),
			0);
	}
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	logx_read(f->x, f->m, &f->h);
	assert_int_equal(mr_ledger_count(f->h.ledger), 1 + WRITERS * EVENTS);
	logx_assert_line(&f->h);
	for (i = 0; i < WRITERS; i++) {
		assert_ok(w[i].rc, w[i].err);
		for (k = 0; k < EVENTS; k++)
			assert_non_null(
				mr_ledger_find(f->h.ledger, &w[i].events[k]));
		mreg_close(w[i].m);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_go_under_tags_that_have_their_number),
		TEST(who_is_second_writes_on_top),
		TEST(who_decides_anew_is_told_and_has_written_nothing),
		TEST(an_answer_that_was_lost_loses_nothing),
		TEST(what_a_late_listing_lacks_is_read_all_the_same),
		TEST(junk_under_the_next_tag_stops_nobody),
		TEST(an_event_in_anothers_place_is_told),
		TEST(where_tags_can_be_written_twice_it_goes_on_as_any_other),
		TEST(what_was_found_out_is_not_asked_again),
		cmocka_unit_test(two_who_find_out_at_once_find_the_same),
		TEST(what_fails_is_no_refusal),
		TEST(what_is_remembered_is_found_by_the_event_after_it),
		TEST(only_what_came_since_is_asked_for),
		TEST(what_the_store_cannot_read_stops_nobody),
		TEST(who_wrote_what_cannot_be_read_is_told),
		TEST(many_at_once_make_one_line_and_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
