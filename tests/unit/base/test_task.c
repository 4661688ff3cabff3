/*
 * test_task.c - items on threads: order, failure, signals.
 */
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"

#define ITEMS 200

struct work {
	pthread_mutex_t lock;
	size_t order[ITEMS]; /* indexes as they began */
	size_t begun;
	unsigned int seen[ITEMS];
	unsigned int now, most; /* running at once */
	size_t fail_from;       /* this index and all later ones fail */
	atomic_bool *cancel_at_10;
	int64_t ms; /* how long an item takes */
};

static void work_init(struct work *w)
{
	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	w->fail_from = ITEMS;
}

static int item(void *ctx, size_t index, struct mreg_error *err)
{
	struct work *w = ctx;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	w->order[w->begun++] = index;
	w->seen[index]++;
	if (++w->now > w->most)
		w->most = w->now;
	pthread_mutex_unlock(&w->lock);
	if (w->ms)
		(void)mr_sleep_ms(NULL, w->ms, err);
	if (w->cancel_at_10 && index == 10)
		atomic_store(w->cancel_at_10, true);
	if (index >= w->fail_from)
		rc = mr_fail(err, MREG_ENETWORK, "item %zu", index);
	pthread_mutex_lock(&w->lock);
	w->now--;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

static void does_every_item_once(void **state)
{
	static const unsigned int jobs[] = { 0, 1, 2, 7, 64, 1000 };
	struct mreg_error err = MREG_ERROR_INIT;
	size_t j, i;

	(void)state;
	for (j = 0; j < MR_COUNT(jobs); j++) {
		struct work w;

		work_init(&w);
		assert_ok(mr_task_run(NULL, jobs[j], ITEMS, item, &w, &err),
			  err);
		for (i = 0; i < ITEMS; i++)
			assert_int_equal(w.seen[i], 1);
	}
}

static void nothing_to_do_is_done(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct work w;

	(void)state;
	work_init(&w);
	assert_ok(mr_task_run(NULL, 4, 0, item, &w, &err), err);
	assert_int_equal(w.begun, 0);
}

static void starts_in_order(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct work w;
	size_t i;

	(void)state;
	work_init(&w);
	assert_ok(mr_task_run(NULL, 1, ITEMS, item, &w, &err), err);
	for (i = 0; i < ITEMS; i++)
		assert_int_equal(w.order[i], i);
	assert_int_equal(w.most, 1);
}

static void runs_no_more_than_jobs_at_once(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct work w;

	(void)state;
	work_init(&w);
	w.ms = 2;
	assert_ok(mr_task_run(NULL, 3, 40, item, &w, &err), err);
	assert_true(w.most >= 2);
	assert_true(w.most <= 3);
}

static void stops_after_the_first_failure(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct work w;

	(void)state;
	work_init(&w);
	w.fail_from = 5;
	assert_code(MREG_ENETWORK, mr_task_run(NULL, 1, ITEMS, item, &w, &err),
		    err);
	assert_string_equal(err.msg, "item 5");
	assert_int_equal(w.begun, 6);

	work_init(&w);
	w.fail_from = 5;
	w.ms = 1;
	assert_code(MREG_ENETWORK, mr_task_run(NULL, 4, ITEMS, item, &w, &err),
		    err);
	assert_has(err.msg, "item ");
	assert_true(w.begun <= 5 + 4 + 4);
	assert_int_equal(w.now, 0);
	assert_int_equal(mr_task_run(NULL, 4, ITEMS, item, &w, NULL),
			 MREG_ENETWORK);
}

static void stops_when_cancelled(void **state)
{
	struct test_env t;
	struct mreg_error err = MREG_ERROR_INIT;
	struct work w;

	(void)state;
	test_env_init(&t);
	work_init(&w);
	w.cancel_at_10 = &t.cancel;
	assert_code(MREG_ECANCELED,
		    mr_task_run(&t.env, 1, ITEMS, item, &w, &err), err);
	assert_int_equal(w.begun, 11);
	assert_string_equal(err.msg, "interrupted");
	test_env_release(&t);
}

struct masks {
	pthread_t main;
	atomic_uint blocked; /* workers that had SIGINT blocked */
	atomic_uint open;    /* and those that had not */
	atomic_bool main_blocked;
};

static int look_at_mask(void *ctx, size_t index, struct mreg_error *err)
{
	struct masks *m = ctx;
	sigset_t set;

	(void)index;
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	if (pthread_equal(pthread_self(), m->main))
		atomic_store(&m->main_blocked, sigismember(&set, SIGINT) == 1);
	else if (sigismember(&set, SIGINT) == 1 &&
		 sigismember(&set, SIGTERM) == 1)
		atomic_fetch_add(&m->blocked, 1);
	else
		atomic_fetch_add(&m->open, 1);
	return mr_sleep_ms(NULL, 2, err);
}

static void only_the_caller_sees_signals(void **state)
{
	struct masks m = { .main = pthread_self() };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_side *side = NULL;

	(void)state;
	assert_ok(mr_task_run(NULL, 4, 20, look_at_mask, &m, &err), err);
	assert_true(atomic_load(&m.blocked) > 0);
	assert_int_equal(atomic_load(&m.open), 0);
	assert_false(atomic_load(&m.main_blocked));
	assert_ok(mr_side_start(look_at_mask, &m, &side, &err), err);
	assert_ok(mr_side_join(side, &err), err);
	assert_int_equal(atomic_load(&m.open), 0);
}

static int answer(void *ctx, size_t index, struct mreg_error *err)
{
	if (*(int *)ctx < 0)
		return mr_fail(err, MREG_EIO, "side %zu", index);
	*(int *)ctx += 1;
	return *(int *)ctx;
}

static void a_side_task_brings_back_its_result(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_side *side = NULL;
	int value = 41;

	(void)state;
	assert_ok(mr_side_start(answer, &value, &side, &err), err);
	assert_int_equal(mr_side_join(side, &err), 42);
	value = -1;
	assert_ok(mr_side_start(answer, &value, &side, &err), err);
	assert_code(MREG_EIO, mr_side_join(side, &err), err);
	assert_string_equal(err.msg, "side 0");
}

/* Two tasks hand a ball to and fro. */
struct ball {
	struct mr_lock lock;
	struct mr_signal passed;
	unsigned int turns;
};

static void play(struct ball *b, unsigned int mine)
{
	mr_lock_enter(&b->lock);
	while (b->turns < ITEMS) {
		if (b->turns % 2 != mine) {
			mr_signal_wait(&b->passed, &b->lock);
			continue;
		}
		b->turns++;
		mr_signal_all(&b->passed);
	}
	mr_lock_leave(&b->lock);
}

static int play_odd(void *ctx, size_t index, struct mreg_error *err)
{
	(void)index;
	(void)err;
	play(ctx, 1);
	return 0;
}

static void tasks_wait_for_each_other(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_side *side = NULL;
	struct ball b = { .turns = 0 };

	(void)state;
	mr_lock_init(&b.lock);
	mr_signal_init(&b.passed);
	assert_ok(mr_side_start(play_odd, &b, &side, &err), err);
	if (!mr_side_runs(side))
		b.turns = ITEMS; /* nobody would play */
	play(&b, 0);
	assert_ok(mr_side_join(side, &err), err);
	assert_int_equal(b.turns, ITEMS);
	/* Nobody signals: it ends by itself. */
	mr_lock_enter(&b.lock);
	mr_signal_wait_ms(&b.passed, &b.lock, 1);
	mr_signal_one(&b.passed);
	mr_lock_leave(&b.lock);
	mr_signal_release(&b.passed);
	mr_lock_release(&b.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_every_item_once),
		cmocka_unit_test(nothing_to_do_is_done),
		cmocka_unit_test(starts_in_order),
		cmocka_unit_test(runs_no_more_than_jobs_at_once),
		cmocka_unit_test(stops_after_the_first_failure),
		cmocka_unit_test(stops_when_cancelled),
		cmocka_unit_test(only_the_caller_sees_signals),
		cmocka_unit_test(a_side_task_brings_back_its_result),
		cmocka_unit_test(tasks_wait_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
