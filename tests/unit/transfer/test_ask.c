/*
 * test_ask.c - a target that is new is not asked for every small blob, and one
 * that takes nothing over is asked to once.
 */
#include "transfer/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "tests/support/test.h"

#define ITEMS 100

/* A store that counts what it is asked for, and has what is `there`. */
struct counting {
	struct mr_store base;
	char name[8];
	atomic_uint asked;
	const struct mreg_digest *there; /* NULL: nothing */
	atomic_uint mounts;              /* how often it was to take one over */
	unsigned int takes;              /* so many of them it does */
};

struct fixture {
	struct test_env t;
	struct counting to;
	struct mr_plan plan;
};

static int has(struct mr_store *s, const struct mreg_desc *d, bool *found,
	       struct mreg_error *err)
{
	struct counting *c = mr_container_of(s, struct counting, base);

	(void)err;
	(void)atomic_fetch_add(&c->asked, 1);
	*found = c->there && mreg_digest_equal(c->there, &d->digest);
	return 0;
}

static int put_stream(struct mr_store *s, struct mr_stream *src, uint64_t size,
		      const struct mr_measure *m, struct mreg_error *err)
{
	(void)s;
	(void)src;
	(void)size;
	(void)m;
	(void)err;
	return 0;
}

static int take_over(struct mr_store *s, const struct mreg_desc *d,
		     const char *from, bool *done, struct mreg_error *err)
{
	struct counting *c = mr_container_of(s, struct counting, base);

	if (strcmp(from, "ml/from") != 0 || !d->size)
		return mr_fail(err, MREG_EREMOTE, "not what was meant");
	*done = atomic_fetch_add(&c->mounts, 1) < c->takes;
	return 0;
}

static const struct mr_store_ops counting_ops = {
	.kind = "counting",
	.has = has,
	.mount = take_over,
	.put_stream = put_stream,
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = mr_zalloc(sizeof(*f));
	char text[16];
	size_t i;

	assert_non_null(f);
	test_env_init(&f->t);
	(void)snprintf(f->to.name, sizeof(f->to.name), "to");
	f->to.base.ops = &counting_ops;
	f->to.base.env = &f->t.env;
	f->to.base.name = f->to.name;
	assert_ok(mr_plan_init(&f->plan, ITEMS, &err), err);
	for (i = 0; i < ITEMS; i++) {
		struct mreg_desc *d = &f->plan.items[i].desc;

		(void)snprintf(text, sizeof(text), "%zu", i);
		assert_ok(mr_digest_of(text, strlen(text), &d->digest, &err),
			  err);
		d->size = 1000 + i; /* the last one is the largest */
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_plan_release(&f->plan);
	test_env_release(&f->t);
	mr_release(f);
	return 0;
}

static unsigned int look(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;

	atomic_store(&f->to.asked, 0);
	assert_ok(mr_plan_look(&f->plan, &f->to.base, NULL, 0, 1, &err), err);
	return atomic_load(&f->to.asked);
}

static size_t count_step(const struct mr_plan *p, enum mr_step step)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < p->count; i++)
		n += p->items[i].step == step;
	return n;
}

static void asks_for_everything_as_a_rule(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f), ITEMS);
	assert_int_equal(count_step(&f->plan, MR_STEP_COPY), ITEMS);
}

static void asks_for_a_few_where_nothing_is(void **state)
{
	struct fixture *f = *state;

	f->plan.fresh = true;
	assert_int_equal(look(f), 16);
	assert_int_equal(count_step(&f->plan, MR_STEP_COPY), ITEMS);
}

static void asks_for_everything_once_something_is_there(void **state)
{
	struct fixture *f = *state;

	/* An earlier run began with the largest. */
	f->plan.fresh = true;
	f->to.there = &f->plan.items[ITEMS - 1].desc.digest;
	assert_int_equal(look(f), ITEMS);
	assert_int_equal(count_step(&f->plan, MR_STEP_REUSE), 1);
	assert_int_equal(f->plan.items[ITEMS - 1].step, MR_STEP_REUSE);
}

static void always_asks_for_a_large_one(void **state)
{
	struct fixture *f = *state;
	size_t i;

	f->plan.fresh = true;
	for (i = 0; i < ITEMS; i++)
		f->plan.items[i].desc.size += MR_SMALL_BLOB_BYTES;
	assert_int_equal(look(f), ITEMS);
}

static void hashes_small_files_first_where_requests_cost(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < ITEMS; i++)
		f->plan.items[i].desc.digest.algorithm = MREG_DIGEST_NONE;
	f->plan.items[7].desc.size = MR_SMALL_BLOB_BYTES + 1;
	assert_int_equal(look(f), 0);
	assert_int_equal(count_step(&f->plan, MR_STEP_STREAM), ITEMS);
	f->plan.hash_small = true;
	assert_int_equal(look(f), 0);
	assert_int_equal(count_step(&f->plan, MR_STEP_HASH), ITEMS - 1);
	assert_int_equal(f->plan.items[7].step, MR_STEP_STREAM);
}

static const struct mreg_ref from = { .host = "a.example",
				      .repository = "ml/from" };
static const struct mreg_ref at = { .host = "a.example",
				    .repository = "ml/at" };

static void take(struct fixture *f, const struct mreg_ref *source,
		 const struct mreg_ref *target)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)look(f);
	assert_ok(mr_plan_take_over(&f->plan, source, &f->to.base, target, 1,
				    &err),
		  err);
}

static void reuses_what_was_taken_over(void **state)
{
	struct fixture *f = *state;

	f->to.takes = ITEMS;
	f->to.there = &f->plan.items[5].desc.digest;
	take(f, &from, &at);
	assert_int_equal(atomic_load(&f->to.mounts), ITEMS - 1);
	assert_int_equal(count_step(&f->plan, MR_STEP_REUSE), ITEMS);
}

static void asks_no_more_once_one_is_not_taken_over(void **state)
{
	struct fixture *f = *state;

	f->to.takes = 3;
	take(f, &from, &at);
	assert_int_equal(atomic_load(&f->to.mounts), 4);
	assert_int_equal(count_step(&f->plan, MR_STEP_REUSE), 3);
	assert_int_equal(count_step(&f->plan, MR_STEP_COPY), ITEMS - 3);
}

static void takes_nothing_over_from_another_place(void **state)
{
	const struct mreg_ref elsewhere = { .host = "b.example",
					    .repository = "ml/from" };
	const struct mreg_ref local = { .dir = "/a", .repository = "ml/from" };
	const struct mreg_ref other = { .dir = "/b", .repository = "ml/at" };
	const struct mreg_ref none = { .host = "a.example" };
	struct fixture *f = *state;

	f->to.takes = ITEMS;
	take(f, &elsewhere, &at);
	take(f, &local, &at);
	take(f, &local, &other);
	take(f, &none, &at);
	take(f, &from, &none);
	assert_int_equal(atomic_load(&f->to.mounts), 0);
	assert_int_equal(count_step(&f->plan, MR_STEP_COPY), ITEMS);
}

#define ASK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASK(asks_for_everything_as_a_rule),
		ASK(asks_for_a_few_where_nothing_is),
		ASK(asks_for_everything_once_something_is_there),
		ASK(always_asks_for_a_large_one),
		ASK(hashes_small_files_first_where_requests_cost),
		ASK(reuses_what_was_taken_over),
		ASK(asks_no_more_once_one_is_not_taken_over),
		ASK(takes_nothing_over_from_another_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
