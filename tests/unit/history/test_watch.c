/*
 * test_watch.c - which watches of a policy hold, by the events of a log.
 */
#include "history/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/test.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
#define ARENA_BYTES (1u << 20)

struct fixture {
	struct mr_ledger *l;
	struct mr_arena *arena;
	struct mr_policy *policy;
	struct mr_watch_hits hits;
	int64_t at;
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(mr_ledger_new(&f->l, &err), err);
	f->arena = mr_arena_new(ARENA_BYTES);
	assert_non_null(f->arena);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_policy_free(f->policy);
	mr_arena_free(f->arena);
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

/* Write `e` on top of all heads; a second after the one before. */
static struct mreg_digest say(struct fixture *f, struct mr_event e)
{
	MR_AUTO(mr_event_doc_release)
	struct mr_event_doc doc = { .bytes = MR_BUF_INIT(1u << 20) };
	struct mreg_error err = MREG_ERROR_INIT;

	e.seq = mr_ledger_next_seq(f->l);
	e.time_s = T2026 + f->at++;
	e.actor = "ada";
	assert_ok(mr_ledger_heads(f->l, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, &doc, &err), err);
	assert_ok(mr_ledger_add(f->l, doc.bytes.data, doc.bytes.len, &err),
		  err);
	return doc.desc.digest;
}

/* Of version 1; `window` and `environment` may be NULL. */
static struct mreg_digest see(struct fixture *f, const char *metric,
			      const char *value, const char *window,
			      const char *environment)
{
	struct mr_event_field fields[4] = {
		{ .key = "metric", .text = metric },
		{ .key = "value", .text = value },
	};
	struct mr_event e = { .kind = MR_EVENT_OBSERVED,
			      .version = version(1),
			      .fields = fields,
			      .field_count = 2 };

	if (window)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "window",
						 .text = window };
	if (environment)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "environment",
						 .text = environment };
	return say(f, e);
}

/* How many of the policy's watches hold for version `n`. */
static size_t hold(struct fixture *f, const char *observe, unsigned int n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d = version(n);
	char text[512];

	mr_policy_freep(&f->policy);
	(void)snprintf(text, sizeof(text), "policy: 1\nobserve: [%s]\n",
		       observe);
	assert_ok(mr_policy_parse(text, strlen(text), "test", &f->policy, &err),
		  err);
	assert_ok(mr_watches_find(f->l, mr_policy_life(f->policy), &d, f->arena,
				  &f->hits, &err),
		  err);
	return f->hits.count;
}

static void holds_after_as_many_windows_as_are_asked(void **state)
{
	struct fixture *f = *state;

	(void)see(f, "drift", "0.31", "w1", NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 0);
	(void)see(f, "drift", "0.2", "w2", NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 0);
	(void)see(f, "drift", "0.3", "w3", NULL);
	(void)see(f, "drift", "0.21", "w4", NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 1);
	assert_int_equal(hold(f, "'drift > 0.2 for 3 windows'", 1), 0);
	assert_int_equal(hold(f, "drift > 0.2", 1), 1);
}

static void the_last_windows_count_and_none_before(void **state)
{
	struct fixture *f = *state;

	(void)see(f, "drift", "0.5", NULL, NULL);
	(void)see(f, "drift", "0.5", NULL, NULL);
	(void)see(f, "drift", "0.1", NULL, NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 0);
}

static void values_of_one_window_are_one_the_later(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest first, second;

	(void)see(f, "drift", "0.1", "w1", NULL);
	(void)see(f, "drift", "0.4", "w1", NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 0);
	second = see(f, "drift", "0.4", "w2", NULL);
	/* Mended later, it keeps its place. */
	first = see(f, "drift", "0.5", "w1", NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 1);
	assert_int_equal(f->hits.items[0].event_count, 2);
	assert_true(
		mreg_digest_equal(&f->hits.items[0].events[0]->digest, &first));
	assert_true(mreg_digest_equal(&f->hits.items[0].events[1]->digest,
				      &second));
	(void)see(f, "drift", "0", "w1", NULL);
	assert_int_equal(hold(f, "'drift > 0.2 for 2 windows'", 1), 0);
}

static void each_environment_is_by_itself(void **state)
{
	struct fixture *f = *state;

	(void)see(f, "auc", "0.6", "w1", "prod");
	(void)see(f, "auc", "0.6", "w2", "stage");
	assert_int_equal(hold(f, "'auc < 0.7 for 2 windows'", 1), 0);
	(void)see(f, "auc", "0.6", "w2", "prod");
	(void)see(f, "auc", "0.6", "w3", "stage");
	assert_int_equal(hold(f, "'auc < 0.7 for 2 windows'", 1), 2);
	assert_string_equal(f->hits.items[0].environment, "prod");
	assert_string_equal(f->hits.items[1].environment, "stage");
	assert_int_equal(hold(f, "'auc < 0.7 for 2 windows in stage'", 1), 1);
	assert_int_equal(hold(f, "'auc < 0.7 for 2 windows in dev'", 1), 0);
}

static void another_metric_or_version_is_another_thing(void **state)
{
	struct fixture *f = *state;

	(void)see(f, "drift", "0.5", NULL, NULL);
	assert_int_equal(hold(f, "drift > 0.2", 2), 0);
	assert_int_equal(hold(f, "drift_b > 0.2", 1), 0);
	assert_int_equal(hold(f, "drift > 0.2, drift > 0.3, drift > 0.9", 1),
			 2);
}

static void a_value_beyond_all_numbers_holds_nothing(void **state)
{
	struct fixture *f = *state;

	(void)see(f, "drift", "1e999999", NULL, NULL);
	assert_int_equal(hold(f, "drift > 0.2", 1), 0);
}

static struct mreg_digest due(struct fixture *f, const char *rule,
			      const char *environment,
			      const struct mreg_digest *seen)
{
	char text[MREG_DIGEST_TEXT];
	struct mreg_pair item = { .name = mreg_digest_text(seen, text) };
	struct mr_event_field fields[3] = {
		{ .key = "observations", .items = &item, .count = 1 },
		{ .key = "rule", .text = rule },
		{ .key = "environment", .text = environment },
	};

	return say(f, (struct mr_event){ .kind = MR_EVENT_RETRAIN_DUE,
					 .version = version(1),
					 .fields = fields,
					 .field_count = environment ? 3 : 2 });
}

static void what_was_said_before_is_known(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mreg_digest one = version(1);
	struct mreg_digest two = version(2);
	struct mreg_digest seen = see(f, "drift", "0.5", NULL, "prod");
	const struct mr_event **dues;
	struct mreg_digest said;
	size_t n;

	(void)due(f, "drift > 0.2", "stage", &seen);
	(void)due(f, "drift > 0.3", "prod", &seen);
	assert_int_equal(hold(f, "drift > 0.2", 1), 1);
	assert_null(f->hits.items[0].due);
	said = due(f, "drift > 0.2", "prod", &seen);
	(void)due(f, "drift > 0.2", "prod", &seen);
	assert_int_equal(hold(f, "drift > 0.2", 1), 1);
	assert_non_null(f->hits.items[0].due);
	assert_true(mreg_digest_equal(&f->hits.items[0].due->digest, &said));
	assert_ok(mr_retrain_dues(f->l, &one, f->arena, &dues, &n, &err), err);
	assert_int_equal(n, 4);
	assert_ok(mr_retrain_dues(f->l, &two, f->arena, &dues, &n, &err), err);
	assert_int_equal(n, 0);
}

static void events_are_named_by_the_beginning_of_their_digest(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_history h = { .ledger = f->l };
	struct mreg_digest seen = see(f, "drift", "0.5", NULL, NULL);
	const struct mr_event *e;
	char text[MREG_DIGEST_TEXT];

	(void)see(f, "drift", "0.6", NULL, NULL);
	(void)mreg_digest_text(&seen, text);
	assert_ok(mr_event_find(&h, text, &e, &err), err);
	assert_true(mreg_digest_equal(&e->digest, &seen));
	assert_ok(mr_event_find(&h, text + strlen("sha256:"), &e, &err), err);
	assert_code(MREG_ENOTFOUND, mr_event_find(&h, "00000000", &e, &err),
		    err);
	assert_has(err.msg, "no event '00000000'");
	text[strlen("sha256:") + 8] = '\0';
	assert_ok(mr_event_find(&h, text, &e, &err), err);
	assert_true(mreg_digest_equal(&e->digest, &seen));
	text[strlen("sha256:") + 7] = '\0';
	assert_code(MREG_EUSAGE, mr_event_find(&h, text, &e, &err), err);
	assert_code(MREG_EUSAGE, mr_event_find(&h, "sha256:xyz", &e, &err),
		    err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			holds_after_as_many_windows_as_are_asked, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			the_last_windows_count_and_none_before, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			values_of_one_window_are_one_the_later, setup,
			teardown),
		cmocka_unit_test_setup_teardown(each_environment_is_by_itself,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			another_metric_or_version_is_another_thing, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_value_beyond_all_numbers_holds_nothing, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_was_said_before_is_known,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			events_are_named_by_the_beginning_of_their_digest,
			setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
