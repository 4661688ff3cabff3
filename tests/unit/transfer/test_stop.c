/*
 * test_stop.c - several large blobs at once: one fails, and the others stop;
 * one is brought by somebody else; a connection is refused, and later not.
 *
 * The source is a script.  Its streams wait for what the test is about, so no
 * test depends on who is faster.
 */
#include "transfer/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "content/spans.h"
#include "state/state.h"
#include "tests/support/test.h"

#define MIB (UINT64_C(1) << 20)
#define BLOBS 3
#define STREAMS_MAX 32
#define READ_BYTES (64u << 10)
/* 64 KiB each 30 ms: about 2 MiB a second. */
#define READ_MS 30
#define PATIENCE_MS 60000
#define NEVER UINT64_MAX

/* What one stream does; offsets count from where it begins. */
struct part_of_script {
	uint64_t wait_at;          /* until it may go on there */
	unsigned int until_opened; /* so many streams are, or, if 0, */
	bool until_told;           /* `words` were told, or else */
	uint64_t until_handed;     /* so much came from another stream */
	uint64_t break_at;
	int break_code;
	const char *words;
};

struct source {
	struct mr_store base;
	char name[8];
	const char *data; /* borrowed; every blob is a part of it */
	struct mr_lock lock;
	struct mr_signal changed;
	int64_t clock_ms;
	bool slow;                                 /* the clock moves */
	struct part_of_script script[STREAMS_MAX]; /* by order of opening */
	struct mr_span asked[STREAMS_MAX];
	uint64_t handed[STREAMS_MAX];         /* bytes */
	unsigned int after_told[STREAMS_MAX]; /* reads */
	unsigned int opened;
	const char *words; /* what is waited for to be told */
	bool told;
};

struct script {
	struct mr_stream base;
	struct source *source;
	const char *data;
	unsigned int index;
	uint64_t at, end; /* from where it begins */
};

struct fixture {
	struct test_env te;
	struct mreg_error err;
	struct source src;
	char *data;
	char *dir;
	struct mr_state *state;
	struct mr_tree *tree;
	struct mr_store *to;
	struct mr_place places[BLOBS];
	size_t count;
	struct mr_plan plan;
};

static struct source *source_of(struct mr_store *s)
{
	return mr_container_of(s, struct source, base);
}

/* Under the lock. */
static bool may_go_on(const struct source *src, const struct script *in)
{
	const struct part_of_script *p = &src->script[in->index];
	unsigned int other = in->index == 0 ? 1 : 0;

	if (in->at < p->wait_at)
		return true;
	if (p->until_opened > 0)
		return src->opened >= p->until_opened;
	if (p->until_told)
		return src->told;
	return src->handed[other] >= p->until_handed;
}

static ssize_t script_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct script *in = mr_container_of(s, struct script, base);
	struct source *src = in->source;
	const struct part_of_script *p = &src->script[in->index];
	int64_t waited_ms = 0;

	if (n > READ_BYTES)
		n = READ_BYTES;
	if (n > in->end - in->at)
		n = (size_t)(in->end - in->at);
	mr_lock_enter(&src->lock);
	while (!may_go_on(src, in) && waited_ms < PATIENCE_MS) {
		mr_signal_wait_ms(&src->changed, &src->lock, 100);
		waited_ms += 100;
	}
	if (src->slow)
		src->clock_ms += READ_MS;
	src->handed[in->index] += n;
	src->after_told[in->index] += src->told;
	mr_signal_all(&src->changed);
	mr_lock_leave(&src->lock);
	if (in->at >= p->break_at)
		return mr_fail(err, (enum mreg_code)p->break_code, "%s",
			       p->words);
	memcpy(buf, in->data + in->at, n);
	in->at += n;
	return (ssize_t)n;
}

static void script_close(struct mr_stream *s)
{
	mr_release(mr_container_of(s, struct script, base));
}

static const struct mr_stream_ops script_ops = {
	.read = script_read,
	.close = script_close,
};

static int source_open(struct mr_store *s, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	struct source *src = source_of(s);
	struct script *in = mr_zalloc(sizeof(*in));

	if (!in)
		return mr_fail_nomem(err);
	in->base.ops = &script_ops;
	in->source = src;
	in->data = src->data + offset;
	in->end = length;
	(void)d; /* all begin alike */
	mr_lock_enter(&src->lock);
	if (src->opened == STREAMS_MAX) {
		mr_lock_leave(&src->lock);
		mr_release(in);
		return mr_fail(err, MREG_EINTERNAL, "too many streams");
	}
	in->index = src->opened++;
	src->asked[in->index] =
		(struct mr_span){ .start = offset, .end = offset + length };
	mr_signal_all(&src->changed);
	mr_lock_leave(&src->lock);
	*out = &in->base;
	return 0;
}

static bool source_ranges(struct mr_store *s)
{
	(void)s;
	return true;
}

static void source_free(struct mr_store *s)
{
	(void)s; /* in the fixture */
}

static const struct mr_store_ops source_ops = {
	.kind = "script",
	.open = source_open,
	.ranges = source_ranges,
	.free = source_free,
};

/* -- fixture ----------------------------------------------------------------
 */

static int64_t source_ms(void *ctx)
{
	struct fixture *f = mr_container_of(ctx, struct fixture, te);
	int64_t ms;

	mr_lock_enter(&f->src.lock);
	ms = f->src.clock_ms;
	mr_lock_leave(&f->src.lock);
	return ms;
}

static void source_log(void *ctx, enum mreg_log_level level, const char *text)
{
	struct fixture *f = mr_container_of(ctx, struct fixture, te);

	(void)level;
	if (!strstr(text, f->src.words))
		return;
	mr_lock_enter(&f->src.lock);
	f->src.told = true;
	mr_signal_all(&f->src.changed);
	mr_lock_leave(&f->src.lock);
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	uint32_t x = 5;
	size_t i;

	assert_non_null(f);
	f->data = mr_alloc(40 * MIB);
	assert_non_null(f->data);
	for (i = 0; i < 40 * MIB; i++)
		f->data[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	f->dir = test_tmpdir_new();
	test_env_init(&f->te);
	f->te.env.mono_ms = source_ms;
	f->te.env.log = source_log;
	mr_lock_init(&f->src.lock);
	mr_signal_init(&f->src.changed);
	f->src.base.ops = &source_ops;
	f->src.base.env = &f->te.env;
	memcpy(f->src.name, "script", 7);
	f->src.base.name = f->src.name;
	f->src.data = f->data;
	f->src.words = "stopping the others";
	for (i = 0; i < STREAMS_MAX; i++)
		f->src.script[i] = (struct part_of_script){ .wait_at = NEVER,
							    .break_at = NEVER };
	*state = f;
	return 0;
}

static void close_target(struct fixture *f)
{
	mr_plan_release(&f->plan);
	mr_store_close(f->to);
	mr_tree_close(f->tree);
	mr_state_close(f->state);
	f->to = NULL;
	f->tree = NULL;
	f->state = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_target(f);
	mr_signal_release(&f->src.changed);
	mr_lock_release(&f->src.lock);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f->data);
	mr_release(f);
	return 0;
}

/* Blobs of these sizes, each the beginning of the data. */
static void want(struct fixture *f, const uint64_t *sizes, size_t n)
{
	static const char *const paths[BLOBS] = { "a.bin", "b.bin", "c.bin" };
	size_t i;

	f->count = n;
	for (i = 0; i < n; i++) {
		f->places[i].path = paths[i];
		f->places[i].desc.size = sizes[i];
		assert_ok(mr_digest_of(f->data, (size_t)sizes[i],
				       &f->places[i].desc.digest, &f->err),
			  f->err);
	}
}

static void open_target(struct fixture *f)
{
	char path[4200];
	size_t i;

	close_target(f);
	(void)snprintf(path, sizeof(path), "%s/state.db", f->dir);
	f->state = mr_state_open(path, &f->te.env);
	(void)snprintf(path, sizeof(path), "%s/out", f->dir);
	assert_ok(mr_tree_open(path, true, &f->tree, &f->err), f->err);
	assert_ok(mr_files_target(&f->te.env, f->state, f->tree, f->places,
				  f->count, &f->to, &f->err),
		  f->err);
	assert_ok(mr_plan_init(&f->plan, f->count, &f->err), f->err);
	for (i = 0; i < f->count; i++) {
		f->plan.items[i].desc = f->places[i].desc;
		f->plan.items[i].label = f->places[i].path;
	}
	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 1, &f->err), f->err);
}

static int run(struct fixture *f, unsigned int jobs)
{
	return mr_plan_run(&f->plan, &f->src.base, f->to, jobs, &f->err);
}

/* -- one fails --------------------------------------------------------------
 */

/* The first stream fails once the second has brought 3 MiB; the second waits
 * there until the failure is told. */
static void fail_one_of_two(struct fixture *f)
{
	static const uint64_t sizes[] = { 12 * MIB, 11 * MIB, 10 * MIB };

	want(f, sizes, BLOBS);
	f->src.script[0].wait_at = 2 * MIB;
	f->src.script[0].until_handed = 3 * MIB;
	f->src.script[0].break_at = 2 * MIB;
	f->src.script[0].break_code = MREG_ENETWORK;
	f->src.script[0].words = "the line is dead";
	f->src.script[1].wait_at = 3 * MIB;
	f->src.script[1].until_told = true;
	open_target(f);
}

static void assert_failed_first(struct fixture *f)
{
	assert_code(MREG_ENETWORK, run(f, 2), f->err);
	assert_has(f->err.msg, "cannot transfer");
	assert_has(f->err.msg,
		   f->src.asked[0].end == 12 * MIB ? "'a.bin'" : "'b.bin'");
	assert_has(f->err.cause, "the line is dead");
	assert_true(f->src.told);
}

static void the_others_stop_and_nothing_begins(void **state)
{
	struct fixture *f = *state;

	fail_one_of_two(f);
	assert_failed_first(f);
	assert_int_equal(f->src.opened, 2);
	/* The read that was under way, and what was asked for before the
	 * failure counted. */
	assert_true(f->src.after_told[1] <= 2);
	assert_true(f->src.handed[1] < 4 * MIB);
}

static void what_was_stopped_goes_on_in_the_next_run(void **state)
{
	struct fixture *f = *state;
	struct mr_published done;
	uint64_t resumed = 0;
	size_t i;

	fail_one_of_two(f);
	assert_failed_first(f);
	for (i = 0; i < STREAMS_MAX; i++)
		f->src.script[i] = (struct part_of_script){ .wait_at = NEVER,
							    .break_at = NEVER };
	open_target(f);
	assert_ok(run(f, 2), f->err);
	for (i = 0; i < f->count; i++)
		resumed += f->plan.items[i].resumed;
	assert_true(resumed >= 5 * MIB);
	assert_ok(mr_files_publish(f->to, &done, &f->err), f->err);
}

/* What the second says is a consequence, or another matter. */
static void the_first_failure_is_the_one_told(void **state)
{
	struct fixture *f = *state;

	fail_one_of_two(f);
	f->src.script[1].break_at = 3 * MIB;
	f->src.script[1].break_code = MREG_EREMOTE;
	f->src.script[1].words = "too late to matter";
	assert_failed_first(f);
	assert_has_not(f->err.cause, "too late");
}

static void being_stopped_is_not_being_interrupted(void **state)
{
	struct fixture *f = *state;

	fail_one_of_two(f);
	f->src.script[1].break_at = 3 * MIB;
	f->src.script[1].break_code = MREG_ECANCELED;
	f->src.script[1].words = "interrupted";
	assert_failed_first(f);
}

/* -- somebody else --------------------------------------------------------- */

static void what_another_process_brought_is_not_fetched(void **state)
{
	static const uint64_t sizes[] = { 12 * MIB, 5 * MIB };
	struct fixture *f = *state;
	char out[4200];

	want(f, sizes, 2);
	open_target(f);
	assert_int_equal(f->plan.items[1].step, MR_STEP_COPY);
	(void)snprintf(out, sizeof(out), "%s/out", f->dir);
	test_write(out, "b.bin", f->data, 5 * MIB);
	assert_ok(run(f, 2), f->err);
	assert_int_equal(f->src.opened, 1);
	assert_true(f->plan.items[0].sent);
	assert_true(f->plan.items[1].done);
	assert_false(f->plan.items[1].sent);
	assert_int_equal(mr_plan_bytes_moving(&f->plan), 12 * MIB);
	assert_int_equal(f->te.progress[MREG_PROGRESS_REUSED], 1);
	assert_int_equal(f->te.progress[MREG_PROGRESS_DONE], 1);
}

/* -- refused for a while ----------------------------------------------------
 */

/* The second connection is refused.  The first one gets to the end of what it
 * was left with and takes the rest, and waits there for help. */
static void a_refusal_is_forgotten_when_others_work(void **state)
{
	static const uint64_t sizes[] = { 40 * MIB };
	struct fixture *f = *state;

	want(f, sizes, 1);
	f->src.slow = true;
	f->src.words = "a connection broke off";
	f->src.script[0].wait_at = 4 * MIB;
	f->src.script[0].until_told = true;
	f->src.script[1].break_at = 0;
	f->src.script[1].break_code = MREG_EDENIED;
	f->src.script[1].words = "one connection is enough for you";
	f->src.script[2].wait_at = 4 * MIB;
	f->src.script[2].until_opened = 4;
	open_target(f);
	f->plan.limited = true; /* one helper, no more */
	assert_ok(run(f, 2), f->err);
	assert_true(f->src.opened >= 4);
	assert_int_equal(f->src.asked[2].start, f->src.asked[1].start);
	assert_true(f->src.asked[3].start > f->src.asked[2].start);
	assert_int_equal(f->plan.items[0].done, true);
}

#define STOP(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STOP(the_others_stop_and_nothing_begins),
		STOP(what_was_stopped_goes_on_in_the_next_run),
		STOP(the_first_failure_is_the_one_told),
		STOP(being_stopped_is_not_being_interrupted),
		STOP(what_another_process_brought_is_not_fetched),
		STOP(a_refusal_is_forgotten_when_others_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
