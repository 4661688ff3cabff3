/*
 * test_move_linear.c - aliases moved while somebody else does something, most
 * of it in a linear log, where what a move expects is a lock.
 */
#include "history/history.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/log_fixture.h"
#include "tests/support/version_fixture.h"

#define VERSIONS 3
#define WRITERS 8
#define MOVES 10

struct fixture {
	struct logx *x;
	struct mreg *m, *other;
	struct mr_history h;
	struct mreg_desc versions[VERSIONS];
	const char *alias; /* that the other one moves meanwhile */
	unsigned int to;
	const char *expect;
	int rc;
};

static int setup_log(void **state, bool linear)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	unsigned int i;

	assert_non_null(f);
	f->x = logx_new();
	f->x->fixed = linear;
	f->x->ctx = f;
	f->m = logx_user(f->x, "ada");
	f->other = logx_user(f->x, "bob");
	for (i = 0; i < VERSIONS; i++)
		f->versions[i] = version_put(f->x->s, i, NULL);
	logx_read(f->x, f->m, &f->h);
	f->h.linear = linear;
	(void)logx_append(f->x, f->m, &f->h, "first");
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_log(state, true);
}

static int setup_forking(void **state)
{
	return setup_log(state, false);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_history_release(&f->h);
	mreg_close(f->other);
	mreg_close(f->m);
	logx_free(f->x);
	mr_release(f);
	return 0;
}

static int move_by(struct fixture *f, struct mreg *m, const char *alias,
		   unsigned int to, const char *expect, struct mr_moved *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mr_move mv = { .alias = alias,
			      .to = f->versions[to],
			      .by = "set",
			      .expect = expect };

	return mr_alias_move(m, f->x->s, &h, &f->x->ref, &mv, out, err);
}

static void move(struct fixture *f, struct mreg *m, const char *alias,
		 unsigned int to)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_moved out;

	assert_ok(move_by(f, m, alias, to, NULL, &out, &err), err);
}

static void move_meanwhile(void *ctx)
{
	struct fixture *f = ctx;

	move(f, f->other, f->alias, f->to);
}

static void expect_meanwhile(void *ctx)
{
	struct fixture *f = ctx;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_moved out;

	f->rc = move_by(f, f->other, f->alias, f->to, f->expect, &out, &err);
}

static void has(struct fixture *f, const char *alias, unsigned int version)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_alias_state st;

	logx_read(f->x, f->m, &f->h);
	assert_ok(mr_alias_look(f->x->s, &f->h, alias, &st, &err), err);
	assert_int_equal(st.agree, MR_ALIAS_AGREES);
	assert_true(mreg_digest_equal(&st.fold, &f->versions[version].digest));
	logx_assert_line(&f->h);
}

/* The other's move comes first in the log; it never had a chance to be lost. */
static void who_expects_gives_way_to_who_was_first(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	char expect[MREG_DIGEST_TEXT];
	struct mr_moved out;

	move(f, f->m, "production", 0);
	(void)mreg_digest_text(&f->versions[0].digest, expect);
	f->alias = "production";
	f->to = 1;
	f->x->meanwhile = move_meanwhile;
	assert_code(MREG_ECONFLICT,
		    move_by(f, f->m, "production", 2, expect, &out, &err), err);
	assert_has(err.msg, "at the same moment");
	has(f, "production", 1);
	assert_int_equal(mr_ledger_count(f->h.ledger), 3);
}

static void what_happens_to_another_alias_is_in_nobodys_way(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_moved out;

	f->alias = "staging";
	f->to = 1;
	f->x->meanwhile = move_meanwhile;
	assert_ok(move_by(f, f->m, "production", 2, "none", &out, &err), err);
	has(f, "production", 2);
	has(f, "staging", 1);
	assert_int_equal(mr_ledger_count(f->h.ledger), 3);
}

static void who_expects_nothing_moves_it_on(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_moved out;

	f->alias = "production";
	f->to = 1;
	f->x->meanwhile = move_meanwhile;
	assert_ok(move_by(f, f->m, "production", 2, NULL, &out, &err), err);
	has(f, "production", 2);
	assert_int_equal(mr_ledger_count(f->h.ledger), 3);
}

/* Somebody is between the event of a move and its tag, which still has what it
 * had. */
static void who_expects_what_is_on_its_way_to_something_else_is_told(
	void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	char before[MREG_DIGEST_TEXT];
	struct mr_moved out;

	move(f, f->m, "production", 0);
	(void)mreg_digest_text(&f->versions[0].digest, before);
	f->alias = "production";
	f->expect = before;
	f->to = 2;
	f->x->before = "production";
	f->x->meanwhile = expect_meanwhile;
	assert_ok(move_by(f, f->m, "production", 1, before, &out, &err), err);
	assert_int_equal(f->rc, MREG_ECONFLICT);
	has(f, "production", 1);
}

static void claim(struct fixture *f, unsigned int n)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	struct mr_claim out;
	bool found;

	(void)mreg_digest_text(&f->versions[n].digest, text);
	assert_ok(mr_store_get(f->x->s, text, &doc, &found, &err), err);
	assert_ok(mr_log_claim(f->m, f->x->s, &f->h, &f->x->ref,
			       &f->versions[n], doc.bytes.data, NULL, &out,
			       &err),
		  err);
	assert_int_equal(out.number, n + 1);
}

static void what_goes_with_a_tag_is_that_of_who_moved_it_last(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mreg_desc d;
	bool found;

	claim(f, 0);
	claim(f, 1);
	assert_ok(mr_tag_set(f->x->s, "v1-image", &f->versions[2], NULL, &err),
		  err);
	f->alias = "production";
	f->to = 1;
	f->x->before = "production-image";
	f->x->meanwhile = move_meanwhile;
	move(f, f->m, "production", 0);
	assert_null(f->x->meanwhile);
	has(f, "production", 1);
	/* v2 has none. */
	assert_ok(mr_tag_resolve(f->x->s, "production-image", &d, &found, &err),
		  err);
	assert_false(found);
}

static void set_tag(struct fixture *f, unsigned int version)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_tag_set(f->x->s, "production", &f->versions[version], NULL,
			     &err),
		  err);
}

static void adopt(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_alias_state st;

	logx_read(f->x, f->m, &f->h);
	assert_ok(mr_alias_look(f->x->s, &f->h, "production", &st, &err), err);
	assert_int_equal(st.agree, MR_ALIAS_FOREIGN);
	f->x->meanwhile = move_meanwhile;
	assert_ok(mr_alias_adopt(f->m, f->x->s, &f->h, &f->x->ref, "production",
				 &st, &err),
		  err);
	assert_null(f->x->meanwhile);
}

static void an_adoption_takes_no_move_back(void **state)
{
	struct fixture *f = *state;

	move(f, f->m, "production", 0);
	set_tag(f, 1);
	f->alias = "production";
	f->to = 2;
	adopt(f);
	has(f, "production", 2);
	assert_int_equal(mr_ledger_count(f->h.ledger), 3);
}

/* In a log that is not linear: the two events do not know of each other. */
static void an_adoption_beside_a_move_takes_it_back_neither(void **state)
{
	struct fixture *f = *state;
	struct mr_alias_state st;
	struct mreg_error err = MREG_ERROR_INIT;

	move(f, f->m, "production", 0);
	set_tag(f, 1);
	f->alias = "production";
	f->to = 2;
	adopt(f);
	logx_read(f->x, f->m, &f->h);
	assert_ok(mr_alias_look(f->x->s, &f->h, "production", &st, &err), err);
	assert_int_equal(st.agree, MR_ALIAS_AGREES);
	assert_true(mreg_digest_equal(&st.fold, &f->versions[2].digest));
}

/* -- many at once ---------------------------------------------------------- */

struct writer {
	struct fixture *f;
	struct mreg *m;
	unsigned int index, done;
	struct mreg_digest events[MOVES];
	int rc;
	struct mreg_error err;
};

static void *keep_moving(void *arg)
{
	struct writer *w = arg;
	unsigned int i;

	for (i = 0; i < MOVES && w->rc >= 0; i++) {
		struct mr_moved out;

		w->rc = move_by(w->f, w->m, "production",
				(w->index + i) % VERSIONS, NULL, &out, &w->err);
		if (w->rc >= 0 && mr_digest_known(&out.event))
			w->events[w->done++] = out.event;
	}
	return NULL;
}

static void many_at_once_make_one_line(void **state)
{
	struct fixture *f = *state;
	struct writer w[WRITERS];
	pthread_t threads[WRITERS];
	unsigned int i, k;

	for (i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .f = f, .index = i };
		w[i].m = logx_user(f->x, "shared");
		assert_int_equal(
			pthread_create(&threads[i], NULL, keep_moving, &w[i]),
			0);
	}
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	logx_read(f->x, f->m, &f->h);
	logx_assert_line(&f->h);
	for (i = 0; i < WRITERS; i++) {
		assert_ok(w[i].rc, w[i].err);
		for (k = 0; k < w[i].done; k++)
			assert_non_null(
				mr_ledger_find(f->h.ledger, &w[i].events[k]));
		mreg_close(w[i].m);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_expects_gives_way_to_who_was_first),
		TEST(what_happens_to_another_alias_is_in_nobodys_way),
		TEST(who_expects_nothing_moves_it_on),
		TEST(who_expects_what_is_on_its_way_to_something_else_is_told),
		TEST(what_goes_with_a_tag_is_that_of_who_moved_it_last),
		TEST(an_adoption_takes_no_move_back),
		cmocka_unit_test_setup_teardown(
			an_adoption_beside_a_move_takes_it_back_neither,
			setup_forking, teardown),
		TEST(many_at_once_make_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
