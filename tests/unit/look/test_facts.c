/*
 * test_facts.c - what looking at the files of a version may take in all.
 */
#include "look/facts.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/test.h"
#include "tests/support/weights_fixture.h"

struct fixture {
	struct test_env te;
	struct mr_look look; /* a store, and nothing else */
	struct mr_arena *arena;
	struct mr_model_layer file;
	struct mr_facts facts;
	struct mr_reader_cost cost;
	struct mreg_error err;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	struct weights w = { .n = 0 };
	struct mreg_desc *d = &f->file.desc;

	assert_non_null(f);
	test_env_init(&f->te);
	f->arena = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert_ok(mr_memory_open(&f->te.env, &f->look.s, &f->err), f->err);
	f->look.s->label = mr_strdup("acme/churn:v1");
	safetensors_write(&w,
			  "{\"w\":{\"dtype\":\"U8\",\"shape\":[4],"
			  "\"data_offsets\":[0,4]}}",
			  4);
	d->size = w.n;
	assert_ok(mr_digest_of(w.bytes, w.n, &d->digest, &f->err), f->err);
	assert_ok(mr_store_put_bytes(f->look.s, d, w.bytes, &f->err), f->err);
	f->file.path = "model.safetensors";
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_store_closep(&f->look.s);
	mr_arena_free(f->arena);
	test_env_release(&f->te);
	mr_release(f);
	return 0;
}

static int look(struct fixture *f, struct mr_effort *moved)
{
	return mr_look_facts(&f->look, &f->file, moved, f->arena, &f->facts,
			     &f->cost, &f->err);
}

static void what_a_file_takes_is_added(void **state)
{
	struct fixture *f = *state;
	struct mr_effort moved;
	int i;

	mr_effort_init(&moved);
	for (i = 0; i < 2; i++) {
		assert_ok(mr_effort_check(&moved, &f->look, &f->err), f->err);
		assert_ok(look(f, &moved), f->err);
		assert_int_equal(f->facts.parameters, 4);
		assert_true(f->cost.requests == 1);
		assert_true(f->cost.bytes == f->file.desc.size);
	}
	assert_true(moved.requests == 2);
	assert_true(moved.bytes == 2 * f->file.desc.size);
}

/* While a file is read, not before it alone. */
static void a_file_takes_no_more_than_is_left(void **state)
{
	struct fixture *f = *state;
	struct mr_effort moved;

	mr_effort_init(&moved);
	moved.bytes = (UINT64_C(1) << 30) - 10;
	assert_ok(mr_effort_check(&moved, &f->look, &f->err), f->err);
	assert_code(MREG_ELIMIT, look(f, &moved), f->err);
	assert_has(f->err.msg, "takes more than 10 bytes");
	assert_true(f->cost.requests == 0);
}

static bool has_ranges(struct mr_store *s)
{
	(void)s;
	return true;
}

static void nothing_is_left_at_some_time(void **state)
{
	struct fixture *f = *state;
	const struct mr_store_ops *here = f->look.s->ops;
	struct mr_store_ops far = *here;
	struct mr_effort moved;

	far.ranges = has_ranges;
	mr_effort_init(&moved);
	moved.bytes = UINT64_C(1) << 30;
	assert_code(MREG_ELIMIT, mr_effort_check(&moved, &f->look, &f->err),
		    f->err);
	assert_string_equal(f->err.msg,
			    "the headers of 'acme/churn:v1' take more than "
			    "1024 MiB, or 20000 requests");
	mr_effort_init(&moved);
	moved.requests = 20000;
	/* What is here may be asked for as often as one likes. */
	assert_ok(mr_effort_check(&moved, &f->look, &f->err), f->err);
	assert_ok(look(f, &moved), f->err);
	f->look.s->ops = &far;
	assert_code(MREG_ELIMIT, mr_effort_check(&moved, &f->look, &f->err),
		    f->err);
	assert_code(MREG_ELIMIT, look(f, &moved), f->err);
	f->look.s->ops = here;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_file_takes_is_added,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_takes_no_more_than_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_left_at_some_time,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
