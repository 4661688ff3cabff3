/*
 * test_log.c - version numbers: claimed by many at once, on a store that has
 * no lock, each owner alone.
 */
#include "repo/repo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "tests/support/test.h"
#include "tests/support/version_fixture.h"

#define PUSHERS 16

struct pusher {
	struct mreg *m;
	struct mr_store *s; /* shared by all */
	struct mreg_ref ref;
	struct mr_buf manifest;
	struct mreg_desc desc;
	struct mr_claim claim;
	uint64_t latest;
	int rc;
	struct mreg_error err;
};

struct fixture {
	char *dir;
	struct test_env te;
	struct mr_store *s;
	struct pusher pushers[PUSHERS];
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_opts o = MREG_OPTS_INIT;
	struct fixture *f = mr_zalloc(sizeof(*f));
	char path[512];
	unsigned int i;

	assert_non_null(f);
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/cache", f->dir);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_int_equal(setenv("HOME", f->dir, 1), 0);
	assert_int_equal(setenv("MREG_ACTOR", "ada", 1), 0);
	test_env_init(&f->te);
	assert_ok(mr_memory_open(&f->te.env, &f->s, &err), err);
	f->s->label = mr_strdup("churn");
	for (i = 0; i < PUSHERS; i++) {
		struct pusher *p = &f->pushers[i];

		p->s = f->s;
		assert_ok(mreg_open(&o, &p->m, &err), err);
		p->desc = version_put(p->s, i, &p->manifest);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < PUSHERS; i++) {
		mr_buf_release(&f->pushers[i].manifest);
		mreg_close(f->pushers[i].m);
	}
	mr_store_close(f->s);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static void *claim(void *arg)
{
	struct pusher *p = arg;
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };

	p->rc = mr_log_claim(p->m, p->s, &h, &p->ref, &p->desc,
			     p->manifest.data, "run-7", &p->claim, &p->err);
	if (p->rc >= 0)
		p->rc = mr_log_latest(p->m, p->s, &h, &p->desc,
				      p->manifest.data, &p->latest, &p->err);
	return NULL;
}

static void tag_has(struct fixture *f, const char *tag,
		    const struct mreg_digest *want)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d;
	bool found;

	assert_ok(mr_tag_resolve(f->s, tag, &d, &found, &err), err);
	assert_true(found);
	assert_true(mreg_digest_equal(&d.digest, want));
}

static void number_is(struct fixture *f, struct pusher *p, uint64_t number)
{
	char tag[32];

	assert_int_equal(p->claim.number, number);
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
	tag_has(f, tag, &p->desc.digest);
}

static void numbers_go_up_from_one(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	for (i = 0; i < 3; i++) {
		struct pusher *p = &f->pushers[i];

		(void)claim(p);
		assert_ok(p->rc, p->err);
		assert_false(p->claim.existed);
		number_is(f, p, i + 1);
		tag_has(f, "latest", &p->desc.digest);
	}
}

static void the_same_version_keeps_its_number(void **state)
{
	struct fixture *f = *state;
	struct pusher *p = &f->pushers[0];

	(void)claim(p);
	(void)claim(&f->pushers[1]);
	(void)claim(p);
	assert_ok(p->rc, p->err);
	assert_true(p->claim.existed);
	number_is(f, p, 1);
	assert_int_equal(p->latest, 2);
}

static void many_at_once_get_different_numbers_and_lose_none(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[PUSHERS];
	uint64_t highest = 0;
	unsigned int i, k;

	for (i = 0; i < PUSHERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, claim,
						&f->pushers[i]),
				 0);
	for (i = 0; i < PUSHERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < PUSHERS; i++) {
		struct pusher *p = &f->pushers[i];

		assert_ok(p->rc, p->err);
		number_is(f, p, p->claim.number);
		for (k = 0; k < i; k++)
			assert_int_not_equal(p->claim.number,
					     f->pushers[k].claim.number);
		if (p->claim.number > highest)
			highest = p->claim.number;
	}
	for (i = 0; i < PUSHERS; i++)
		if (f->pushers[i].claim.number == highest)
			tag_has(f, "latest", &f->pushers[i].desc.digest);
}

/* The log tag that leave_claim wrote last. */
static char left_tag[MR_LOG_TAG_TEXT];

/* A claim without its v<N>: its writer died. */
static void leave_claim(struct fixture *f, struct pusher *p, uint64_t number)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_doc doc = { .desc = { .size = 0 } };
	struct mr_event e = {
		.kind = MR_EVENT_VERSION_REGISTERED,
		.seq = 1,
		.time_s = 1,
		.actor = "gone",
		.number = number,
		.version = p->desc.digest,
	};

	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_store_set(f->s, doc.tag, &doc.desc, doc.bytes.data, NULL,
			       &err),
		  err);
	memcpy(left_tag, doc.tag, sizeof(left_tag));
	mr_event_doc_release(&doc);
}

static void a_killed_push_goes_on_with_its_own_claim(void **state)
{
	struct fixture *f = *state;
	struct pusher *p = &f->pushers[0];

	leave_claim(f, p, 5);
	(void)claim(p);
	assert_ok(p->rc, p->err);
	number_is(f, p, 5);
}

static void a_number_somebody_died_on_is_never_used_by_another(void **state)
{
	struct fixture *f = *state;
	struct pusher *p = &f->pushers[1];

	leave_claim(f, &f->pushers[0], 5);
	(void)claim(p);
	assert_ok(p->rc, p->err);
	number_is(f, p, 6);
}

static void two_who_claimed_one_number_and_died_both_get_another(void **state)
{
	struct fixture *f = *state;
	struct pusher *a = &f->pushers[0];
	struct pusher *b = &f->pushers[1];

	leave_claim(f, a, 1);
	leave_claim(f, b, 1);
	(void)claim(a);
	(void)claim(b);
	assert_ok(a->rc, a->err);
	assert_ok(b->rc, b->err);
	assert_true(a->claim.number > 1);
	assert_true(b->claim.number > 1);
	assert_int_not_equal(a->claim.number, b->claim.number);
}

static void a_tag_that_others_wrote_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct pusher *a = &f->pushers[0];
	struct pusher *b = &f->pushers[1];

	assert_ok(mr_tag_set(f->s, "v1", &b->desc, b->manifest.data, &err),
		  err);
	(void)claim(a);
	assert_ok(a->rc, a->err);
	assert_true(a->claim.number > 1);
	tag_has(f, "v1", &b->desc.digest);
}

static void junk_under_a_log_tag_stops_nobody(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct pusher *p = &f->pushers[0];
	char hex[129];
	char tag[MR_LOG_TAG_TEXT];

	/* It fits its tag's name and is no event; and one that does not fit. */
	(void)snprintf(tag, sizeof(tag), "mreg.log.00000001.%.32s",
		       mr_digest_hex(&p->desc.digest, hex));
	assert_ok(mr_tag_set(f->s, tag, &p->desc, p->manifest.data, &err), err);
	assert_ok(
		mr_tag_set(f->s,
			   "mreg.log.00000002.00000000000000000000000000000000",
			   &p->desc, p->manifest.data, &err),
		err);
	(void)claim(p);
	assert_ok(p->rc, p->err);
	number_is(f, p, 1);
}

/* A store that lists entries which cannot be read yet. */
struct late {
	struct mr_store_ops ops;
	const struct mr_store_ops *real;
	unsigned int misses; /* that it still answers */
	int64_t slept_ms;
};
static struct late late;

static int get_late(struct mr_store *s, const char *reference,
		    struct mr_doc *out, bool *found, struct mreg_error *err)
{
	if (strcmp(reference, left_tag) != 0 || late.misses == 0)
		return late.real->get(s, reference, out, found, err);
	late.misses--;
	*found = false;
	return 0;
}

static void count_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	late.slept_ms += ms;
}

static void make_late(struct fixture *f, struct pusher *p, unsigned int misses)
{
	late = (struct late){ .ops = *f->s->ops,
			      .real = f->s->ops,
			      .misses = misses };
	late.ops.get = get_late;
	f->s->ops = &late.ops;
	p->m->env.sleep_ms = count_sleep;
}

static void waits_for_an_entry_that_is_just_being_written(void **state)
{
	struct fixture *f = *state;
	struct pusher *p = &f->pushers[1];

	leave_claim(f, &f->pushers[0], 5);
	make_late(f, p, 2);
	(void)claim(p);
	assert_ok(p->rc, p->err);
	number_is(f, p, 6);
	assert_int_equal(late.slept_ms, 50 + 100);
	f->s->ops = late.real;
}

static void goes_on_without_an_entry_that_stays_unreadable(void **state)
{
	struct fixture *f = *state;
	struct pusher *p = &f->pushers[1];

	leave_claim(f, &f->pushers[0], 5);
	make_late(f, p, 1000);
	(void)claim(p);
	f->s->ops = late.real;
	assert_ok(p->rc, p->err);
	/* Waited for once, not at every reading. */
	assert_int_equal(late.slept_ms, 3150);
	number_is(f, p, 1);
}

/* A store whose listing never shows the log. */
static int list_nothing(struct mr_store *s, struct mr_list *out, bool *found,
			struct mreg_error *err)
{
	(void)s;
	(void)out;
	(void)err;
	*found = true;
	return 0;
}

static void gives_no_number_where_the_log_does_not_show_its_own_claim(
	void **state)
{
	struct fixture *f = *state;
	struct pusher *p = &f->pushers[1];

	make_late(f, p, 0);
	late.ops.tags = list_nothing;
	(void)claim(p);
	f->s->ops = late.real;
	assert_code(MREG_EREMOTE, p->rc, p->err);
	assert_has(p->err.msg, "does not show");
}

static void the_log_says_who_and_from_which_run(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct pusher *p = &f->pushers[0];
	const struct mr_event *e;
	uint64_t number;

	(void)claim(p);
	assert_ok(mr_history_read(p->m, f->s, &h, &err), err);
	assert_ok(mr_log_number(f->s, &h, &p->desc.digest, &number, &e, &err),
		  err);
	assert_int_equal(number, 1);
	assert_string_equal(e->actor, "ada");
	assert_string_equal(e->run, "run-7");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_go_up_from_one),
		TEST(the_same_version_keeps_its_number),
		TEST(many_at_once_get_different_numbers_and_lose_none),
		TEST(a_killed_push_goes_on_with_its_own_claim),
		TEST(a_number_somebody_died_on_is_never_used_by_another),
		TEST(two_who_claimed_one_number_and_died_both_get_another),
		TEST(a_tag_that_others_wrote_is_not_taken),
		TEST(junk_under_a_log_tag_stops_nobody),
		TEST(waits_for_an_entry_that_is_just_being_written),
		TEST(goes_on_without_an_entry_that_stays_unreadable),
		TEST(gives_no_number_where_the_log_does_not_show_its_own_claim),
		TEST(the_log_says_who_and_from_which_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
