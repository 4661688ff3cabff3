/*
 * test_release.c - names that are given once, by one and by two at the same
 * moment.
 */
#include "history/history.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/log_fixture.h"
#include "tests/support/version_fixture.h"

#define NAME "1.0.0"

struct fixture {
	struct logx *x;
	struct mreg *m, *other;
	struct mreg_desc versions[2];
	int rc; /* what the other one was told */
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	unsigned int i;

	assert_non_null(f);
	f->x = logx_new();
	f->x->ctx = f;
	f->m = logx_user(f->x, "ada");
	f->other = logx_user(f->x, "bob");
	for (i = 0; i < MR_COUNT(f->versions); i++)
		f->versions[i] = version_put(f->x->s, i, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mreg_close(f->other);
	mreg_close(f->m);
	logx_free(f->x);
	mr_release(f);
	return 0;
}

static int name(struct fixture *f, struct mreg *m, unsigned int version,
		struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };

	return mr_release_name(m, f->x->s, &h, &f->x->ref, NAME,
			       &f->versions[version], NULL, err);
}

static void name_meanwhile(void *ctx)
{
	struct fixture *f = ctx;
	struct mreg_error err = MREG_ERROR_INIT;

	f->rc = name(f, f->other, 1, &err);
}

static void is(struct fixture *f, unsigned int version)
{
	struct mreg_error err = MREG_ERROR_INIT;
	bool there;

	assert_ok(mr_release_look(f->x->s, NAME, &f->versions[version].digest,
				  &there, &err),
		  err);
	assert_true(there);
}

static size_t events(struct fixture *f)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };

	logx_read(f->x, f->m, &h);
	return mr_ledger_count(h.ledger);
}

static void a_name_is_given_once(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;

	assert_ok(name(f, f->m, 0, &err), err);
	assert_ok(name(f, f->m, 0, &err), err);
	is(f, 0);
	assert_code(MREG_ECONFLICT, name(f, f->other, 1, &err), err);
	assert_has(err.msg, "is another version already");
	assert_int_equal(events(f), 1);
}

static void who_finds_that_another_one_was_first_gives_up(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;

	f->x->meanwhile = name_meanwhile; /* before our event */
	assert_code(MREG_ECONFLICT, name(f, f->m, 0, &err), err);
	assert_has(err.msg, "at the same moment");
	assert_int_equal(f->rc, 0);
	is(f, 1);
}

/* The other one finds our event and no tag, as if we were dead. */
static void who_is_taken_for_dead_leaves_it_to_the_living(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;

	f->x->before = NAME;
	f->x->meanwhile = name_meanwhile;
	assert_code(MREG_ECONFLICT, name(f, f->m, 0, &err), err);
	assert_has(err.msg, "at the same moment");
	assert_int_equal(f->rc, 0);
	is(f, 1);
}

/* An event that knows of no other. */
static void leave_event(struct fixture *f, struct mreg *m, unsigned int version,
			struct mr_history *h)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_field field = { .key = "release", .text = NAME };
	struct mr_event e = { .kind = MR_EVENT_RELEASE_NAMED,
			      .version = f->versions[version].digest,
			      .fields = &field,
			      .field_count = 1 };

	assert_ok(mr_log_append(m, f->x->s, h, &f->x->ref, &e, NULL, &err),
		  err);
}

static void what_both_gave_up_is_free_for_who_tries_again(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history a = { .found = false };
	MR_AUTO(mr_history_release) struct mr_history b = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;

	logx_read(f->x, f->m, &a);
	logx_read(f->x, f->other, &b);
	leave_event(f, f->m, 0, &a);
	leave_event(f, f->other, 1, &b);
	assert_false(logx_has_tag(f->x, NAME));
	assert_ok(name(f, f->m, 0, &err), err);
	is(f, 0);
	assert_int_equal(events(f), 3);
}

static void what_was_begun_is_ended_without_another_event(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;

	logx_read(f->x, f->m, &h);
	leave_event(f, f->m, 0, &h);
	assert_ok(name(f, f->m, 0, &err), err);
	is(f, 0);
	assert_int_equal(events(f), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_given_once),
		TEST(who_finds_that_another_one_was_first_gives_up),
		TEST(who_is_taken_for_dead_leaves_it_to_the_living),
		TEST(what_both_gave_up_is_free_for_who_tries_again),
		TEST(what_was_begun_is_ended_without_another_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
