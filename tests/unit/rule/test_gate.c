/*
 * test_gate.c - what a gate is told of a version, by its log and a clock.
 */
#include "rule/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "tests/support/test.h"
#include "tests/support/version_fixture.h"

#define START_S INT64_C(1800000000)
#define HOUR_S INT64_C(3600)
#define VERSIONS 2

enum {
	ADA,
	BOB,
	CAROL,
	PEOPLE
};

struct fixture {
	char *dir;
	struct test_env te;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mreg *people[PEOPLE];
	int64_t now_s; /* every clock */
	struct mreg_desc versions[VERSIONS];
	struct mr_history h;
	struct mr_policy *policy; /* NULL: none */
	json_t *facts;            /* those gathered last */
};

static int64_t clock_of(void *ctx)
{
	return ((const struct fixture *)ctx)->now_s;
}

static int setup(void **state)
{
	static const char *const names[PEOPLE] = { "ada", "bob", "carol" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_opts o = MREG_OPTS_INIT;
	struct fixture *f = mr_zalloc(sizeof(*f));
	char path[512];
	unsigned int i;

	assert_non_null(f);
	f->now_s = START_S;
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/cache", f->dir);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_int_equal(setenv("HOME", f->dir, 1), 0);
	test_env_init(&f->te);
	assert_ok(mr_memory_open(&f->te.env, &f->s, &err), err);
	f->s->label = mr_strdup("churn");
	(void)snprintf(f->ref.repository, sizeof(f->ref.repository), "churn");
	for (i = 0; i < VERSIONS; i++)
		f->versions[i] = version_put(f->s, i, NULL);
	for (i = 0; i < PEOPLE; i++) {
		assert_int_equal(setenv("MREG_ACTOR", names[i], 1), 0);
		assert_ok(mreg_open(&o, &f->people[i], &err), err);
		f->people[i]->env.ctx = f;
		f->people[i]->env.now_s = clock_of;
	}
	assert_ok(mr_history_read(f->people[ADA], f->s, &f->h, &err), err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	json_decref(f->facts);
	mr_policy_free(f->policy);
	mr_history_release(&f->h);
	for (i = 0; i < PEOPLE; i++)
		mreg_close(f->people[i]);
	mr_store_close(f->s);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* -- what happened --------------------------------------------------------- */

static struct mreg_digest write_event(struct fixture *f, int who,
				      struct mr_event *e)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d;

	assert_ok(mr_log_append(f->people[who], f->s, &f->h, &f->ref, e, &d,
				&err),
		  err);
	assert_ok(mr_history_read(f->people[who], f->s, &f->h, &err), err);
	return d;
}

/* An event about version `n` with these fields, key and text by turns. */
static struct mreg_digest say(struct fixture *f, int who,
			      enum mr_event_kind kind, unsigned int n,
			      const char *const *texts)
{
	struct mr_event_field fields[8];
	struct mr_event e = { .kind = kind,
			      .version = f->versions[n].digest,
			      .fields = fields };

	for (; texts && texts[0]; texts += 2)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = texts[0],
						 .text = texts[1] };
	return write_event(f, who, &e);
}

static void claim(struct fixture *f, int who, unsigned int n)
{
	struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
			      .number = n + 1,
			      .version = f->versions[n].digest };

	(void)write_event(f, who, &e);
}

static void move(struct fixture *f, const char *alias, unsigned int n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_move mv = { .alias = alias,
			      .to = f->versions[n],
			      .by = "set" };
	struct mr_moved moved;

	assert_ok(mr_alias_move(f->people[ADA], f->s, &f->h, &f->ref, &mv,
				&moved, &err),
		  err);
}

static struct mreg_digest ask(struct fixture *f, int who, const char *alias,
			      unsigned int n, int64_t hours)
{
	char until[32];
	const char *const texts[] = {
		"alias", alias, "until",
		mr_text_time(f->now_s + hours * HOUR_S, until), NULL
	};

	return say(f, who, MR_EVENT_APPROVAL_ASKED, n, texts);
}

static void answer(struct fixture *f, int who, enum mr_event_kind kind,
		   const struct mreg_digest *request, unsigned int n,
		   const char *reason)
{
	char text[MREG_DIGEST_TEXT];
	const char *const texts[] = { "alias",
				      "production",
				      "request",
				      mreg_digest_text(request, text),
				      reason ? "reason" : NULL,
				      reason,
				      NULL };

	(void)say(f, who, kind, n, texts);
}

static void observe(struct fixture *f, const char *value, const char *window)
{
	const char *const texts[] = { "metric", "drift", "value", value,
				      "window", window,  NULL };

	(void)say(f, ADA, MR_EVENT_OBSERVED, 0, texts);
}

static void set_tag(struct fixture *f, const char *tag, unsigned int n)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_tag_set(f->s, tag, &f->versions[n], NULL, &err), err);
}

/* -- the facts ------------------------------------------------------------- */

/* Member `key` of the gate of production, asked of version `n`; borrowed. */
static const json_t *gate(struct fixture *f, unsigned int n, const char *key)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy_subject u = {
		.m = f->people[CAROL],
		.ref = &f->ref,
		.s = f->s,
		.version = &f->versions[n].digest,
		.gate = "production",
		.history = &f->h,
		.policy = f->policy,
	};
	const json_t *facts;

	mr_put_begin(&b, NULL, '{');
	assert_ok(mr_policy_gate(&u, &b, &err), err);
	mr_put_end(&b, '}');
	json_decref(f->facts);
	f->facts = NULL;
	assert_ok(mr_json_parse(b.data, b.len, b.len, "facts", &f->facts, &err),
		  err);
	facts = json_object_get(f->facts, "gate");
	assert_string_equal(json_string_value(json_object_get(facts, "alias")),
			    "production");
	return json_object_get(facts, key);
}

static const char *text(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

static void is_text(const char *expected, const json_t *value)
{
	assert_true(json_is_string(value));
	assert_string_equal(expected, json_string_value(value));
}

static void age_and_pusher_are_those_of_the_registering_event(void **state)
{
	struct fixture *f = *state;

	claim(f, BOB, 0);
	f->now_s += 26 * HOUR_S;
	assert_int_equal(json_integer_value(gate(f, 0, "ageSeconds")),
			 26 * HOUR_S);
	is_text("bob", gate(f, 0, "registeredBy"));
}

static void what_nobody_registered_has_no_age(void **state)
{
	struct fixture *f = *state;

	claim(f, BOB, 0);
	assert_null(gate(f, 1, "ageSeconds"));
	assert_null(gate(f, 1, "registeredBy"));
}

static void a_clock_ahead_makes_nothing_older(void **state)
{
	struct fixture *f = *state;

	claim(f, BOB, 0);
	f->now_s -= HOUR_S;
	assert_int_equal(json_integer_value(gate(f, 0, "ageSeconds")), 0);
}

static void been_is_what_it_has_and_had_by_the_log(void **state)
{
	struct fixture *f = *state;
	const json_t *been;

	move(f, "staging", 0);
	move(f, "canary", 0);
	move(f, "staging", 1);
	move(f, "staging", 0);
	set_tag(f, "foreign", 0);
	been = gate(f, 0, "been");
	assert_int_equal(json_array_size(been), 2);
	is_text("canary", json_array_get(been, 0));
	is_text("staging", json_array_get(been, 1));
	been = gate(f, 1, "been");
	assert_int_equal(json_array_size(been), 1);
	is_text("staging", json_array_get(been, 0));
}

static void grants_are_those_of_the_last_request(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked = ask(f, BOB, "production", 0, 1);
	const json_t *r, *grants;
	char until[32];

	answer(f, ADA, MR_EVENT_APPROVAL_GRANTED, &asked, 0, NULL);
	asked = ask(f, BOB, "production", 0, 2);
	(void)mr_text_time(f->now_s + 2 * HOUR_S, until);
	(void)ask(f, ADA, "staging", 0, 2);
	(void)ask(f, ADA, "production", 1, 2);
	answer(f, CAROL, MR_EVENT_APPROVAL_GRANTED, &asked, 0, NULL);
	f->now_s += 2 * HOUR_S + 1;
	answer(f, ADA, MR_EVENT_APPROVAL_GRANTED, &asked, 0, NULL);
	r = gate(f, 0, "request");
	assert_string_equal(text(r, "by"), "bob");
	assert_string_equal(text(r, "until"), until);
	grants = json_object_get(r, "grants");
	assert_int_equal(json_array_size(grants), 2);
	assert_string_equal(text(json_array_get(grants, 0), "by"), "carol");
	assert_string_equal(text(json_array_get(grants, 0), "source"), "as");
	assert_true(json_is_false(
		json_object_get(json_array_get(grants, 0), "late")));
	assert_string_equal(text(json_array_get(grants, 1), "by"), "ada");
	assert_true(json_is_true(
		json_object_get(json_array_get(grants, 1), "late")));
	assert_null(json_object_get(r, "refused"));
}

static void time_is_up_by_the_clock_of_who_asks(void **state)
{
	struct fixture *f = *state;

	assert_null(gate(f, 0, "request"));
	(void)ask(f, BOB, "production", 0, 2);
	f->now_s += 2 * HOUR_S;
	assert_true(
		json_is_false(json_object_get(gate(f, 0, "request"), "over")));
	f->now_s++;
	assert_true(
		json_is_true(json_object_get(gate(f, 0, "request"), "over")));
}

static void a_refusal_says_who_and_why(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest asked = ask(f, BOB, "production", 0, 2);
	const json_t *refused;

	answer(f, CAROL, MR_EVENT_APPROVAL_REFUSED, &asked, 0, "no card");
	refused = json_object_get(gate(f, 0, "request"), "refused");
	assert_string_equal(text(refused, "by"), "carol");
	assert_string_equal(text(refused, "reason"), "no card");
}

static void what_was_seen_of_it_is_told(void **state)
{
	static const char policy[] =
		"{\"policy\":1,\"observe\":[\"drift > 0.2 for 2 windows\"]}";
	const char *const incident[] = { "title", "wrong scores", NULL };
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	const json_t *list;

	assert_ok(
		mr_policy_parse(policy, strlen(policy), "p", &f->policy, &err),
		err);
	observe(f, "0.3", "w1");
	assert_int_equal(json_array_size(gate(f, 0, "watches")), 0);
	observe(f, "0.4", "w2");
	list = gate(f, 0, "watches");
	assert_int_equal(json_array_size(list), 1);
	is_text("drift > 0.2 for 2 windows", json_array_get(list, 0));
	assert_int_equal(json_array_size(gate(f, 1, "watches")), 0);
	(void)say(f, ADA, MR_EVENT_INCIDENT, 0, incident);
	list = gate(f, 0, "incidents");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text(json_array_get(list, 0), "title"),
			    "wrong scores");
	assert_int_equal(json_array_size(gate(f, 1, "incidents")), 0);
}

static void a_closed_incident_is_told_no_more(void **state)
{
	const char *const incident[] = { "title", "wrong scores", NULL };
	struct fixture *f = *state;
	struct mreg_digest d = say(f, ADA, MR_EVENT_INCIDENT, 0, incident);
	char closes[MREG_DIGEST_TEXT];
	const char *const closing[] = { "title", "over", "closes",
					mreg_digest_text(&d, closes), NULL };

	(void)say(f, BOB, MR_EVENT_INCIDENT, 0, closing);
	assert_int_equal(json_array_size(gate(f, 0, "incidents")), 0);
}

static void that_retraining_is_due_stays_said(void **state)
{
	struct fixture *f = *state;
	struct mr_event_field fields[] = {
		{ .key = "rule", .text = "drift > 0.2" },
		{ .key = "observations" },
	};
	struct mr_event e = { .kind = MR_EVENT_RETRAIN_DUE,
			      .version = f->versions[0].digest,
			      .fields = fields,
			      .field_count = 2 };
	char text_of[MREG_DIGEST_TEXT];
	struct mreg_digest d = write_event(f, ADA, &e);
	const json_t *due = gate(f, 0, "retrainDue");

	assert_int_equal(json_array_size(due), 1);
	assert_string_equal(text(json_array_get(due, 0), "rule"),
			    "drift > 0.2");
	assert_string_equal(text(json_array_get(due, 0), "event"),
			    mreg_digest_text(&d, text_of));
	assert_int_equal(json_array_size(gate(f, 1, "retrainDue")), 0);
}

static void the_alias_is_told_with_what_its_log_says(void **state)
{
	struct fixture *f = *state;
	char digest[MREG_DIGEST_TEXT];
	const json_t *c = gate(f, 0, "current");

	assert_null(json_object_get(c, "version"));
	assert_true(json_is_true(json_object_get(c, "agrees")));
	set_tag(f, "production", 1);
	assert_string_equal(text(gate(f, 0, "current"), "differs"),
			    "unrecorded");
	move(f, "production", 1);
	c = gate(f, 0, "current");
	assert_string_equal(text(c, "version"),
			    mreg_digest_text(&f->versions[1].digest, digest));
	assert_true(json_is_true(json_object_get(c, "agrees")));
	assert_null(json_object_get(c, "differs"));
	set_tag(f, "production", 0);
	c = gate(f, 0, "current");
	assert_true(json_is_false(json_object_get(c, "agrees")));
	assert_string_equal(text(c, "differs"), "foreign");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			age_and_pusher_are_those_of_the_registering_event,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_nobody_registered_has_no_age, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_clock_ahead_makes_nothing_older, setup, teardown),
		cmocka_unit_test_setup_teardown(
			been_is_what_it_has_and_had_by_the_log, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			grants_are_those_of_the_last_request, setup, teardown),
		cmocka_unit_test_setup_teardown(
			time_is_up_by_the_clock_of_who_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_says_who_and_why,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_seen_of_it_is_told,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_closed_incident_is_told_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(
			that_retraining_is_due_stays_said, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_alias_is_told_with_what_its_log_says, setup,
			teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
