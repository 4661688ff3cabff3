/*
 * test_standing.c - what a log comes to: metadata, approvals, places; and that
 * every order of reading gives the same.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "tests/support/standing_fixture.h"

/* -- metadata -------------------------------------------------------------- */

static void the_last_value_of_a_key_counts(void **state)
{
	struct standing_fixture *f = *state;

	log_change(f, MR_EVENT_RECORD_WRITTEN, 0, "owner", "risk");
	log_change(f, MR_EVENT_METADATA_CHANGED, 0, "description", "Churn");
	log_change(f, MR_EVENT_METADATA_CHANGED, 3, "owner", "ada");
	log_change(f, MR_EVENT_METADATA_CHANGED, 0, "owner", "growth");
	log_fold(f);
	assert_non_null(f->s.record);
	assert_int_equal(f->s.metadata.count, 2);
	assert_string_equal(mr_values_get(&f->s.metadata, "owner"), "growth");
	assert_string_equal(f->s.metadata.items[0].key, "description");
	assert_string_equal(
		mr_values_get(&log_version(f, 3)->metadata, "owner"), "ada");
	assert_null(mr_values_get(&f->s.metadata, "team"));
	log_change(f, MR_EVENT_METADATA_CHANGED, 0, "owner", NULL);
	log_fold(f);
	assert_null(mr_values_get(&f->s.metadata, "owner"));
	assert_int_equal(f->s.metadata.count, 1);
}

static void a_second_record_is_a_change(void **state)
{
	struct standing_fixture *f = *state;
	const struct mr_event *first;

	log_change(f, MR_EVENT_RECORD_WRITTEN, 0, "owner", "risk");
	log_fold(f);
	first = f->s.record;
	log_change(f, MR_EVENT_RECORD_WRITTEN, 0, "displayName", "Churn");
	log_fold(f);
	assert_ptr_equal(f->s.record, first);
	assert_string_equal(mr_values_get(&f->s.metadata, "owner"), "risk");
	assert_string_equal(mr_values_get(&f->s.metadata, "displayName"),
			    "Churn");
}

/* -- approvals ------------------------------------------------------------- */

static void answers_go_to_what_was_asked(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest first = log_ask(f, "production", 1);
	struct mreg_digest second = log_ask(f, "production", 2);

	(void)log_answer(f, MR_EVENT_APPROVAL_GRANTED, &second, "production",
			 2);
	(void)log_answer(f, MR_EVENT_APPROVAL_GRANTED, &second, "production",
			 2);
	(void)log_answer(f, MR_EVENT_APPROVAL_REFUSED, &first, "production", 1);
	(void)log_answer(f, MR_EVENT_APPROVAL_OVERDUE, &first, "production", 1);
	log_fold(f);
	assert_int_equal(f->s.approval_count, 2);
	assert_int_equal(f->s.approvals[0].grant_count, 0);
	assert_non_null(f->s.approvals[0].refused);
	assert_non_null(f->s.approvals[0].overdue);
	assert_int_equal(f->s.approvals[1].grant_count, 2);
	assert_null(f->s.approvals[1].refused);
}

/* An approval of one thing must not pass for one of another. */
static void an_answer_on_something_else_does_not_count(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest asked = log_ask(f, "production", 1);
	struct mreg_digest nobody = log_digest(77);

	(void)log_answer(f, MR_EVENT_APPROVAL_GRANTED, &asked, "production", 2);
	(void)log_answer(f, MR_EVENT_APPROVAL_GRANTED, &asked, "staging", 1);
	(void)log_answer(f, MR_EVENT_APPROVAL_GRANTED, &nobody, "production",
			 1);
	log_fold(f);
	assert_int_equal(f->s.approvals[0].grant_count, 0);
}

/* -- what runs ------------------------------------------------------------- */

static void deploy(struct standing_fixture *f, const char *environment,
		   const char *workload, unsigned int n)
{
	struct mr_event_field fields[] = {
		{ .key = "environment", .text = environment },
		{ .key = "workload", .text = workload },
	};

	(void)log_say(f, (struct mr_event){ .kind = MR_EVENT_DEPLOYED,
					    .version = log_digest(n),
					    .fields = fields,
					    .field_count = workload ? 2 : 1 });
}

static void each_place_has_what_was_put_there_last(void **state)
{
	struct standing_fixture *f = *state;

	deploy(f, "prod", "b", 1);
	deploy(f, "prod", "a", 1);
	deploy(f, "prod", "b", 2);
	deploy(f, "dev", NULL, 3);
	deploy(f, "prod", "a", 0);
	log_fold(f);
	assert_int_equal(f->s.deployment_count, 3);
	assert_string_equal(f->s.deployments[0].environment, "dev");
	assert_string_equal(f->s.deployments[0].workload, "");
	assert_false(mr_digest_known(&f->s.deployments[1].event->version));
	assert_int_equal(f->s.deployments[2].event->version.bytes[31], 2);
}

static void an_incident_is_open_until_it_is_closed(void **state)
{
	struct standing_fixture *f = *state;
	struct mr_event_field title = { .key = "title", .text = "wrong" };
	struct mr_event e = { .kind = MR_EVENT_INCIDENT,
			      .version = log_digest(1),
			      .fields = &title,
			      .field_count = 1 };
	struct mreg_digest first = log_say(f, e);
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field closing[] = {
		{ .key = "title", .text = "mended" },
		{ .key = "closes", .text = mreg_digest_text(&first, text) },
	};

	(void)log_say(f, e);
	log_fold(f);
	assert_int_equal(f->s.incident_count, 2);
	e.fields = closing;
	e.field_count = 2;
	(void)log_say(f, e);
	log_fold(f);
	assert_int_equal(f->s.incident_count, 1);
	assert_false(mreg_digest_equal(&f->s.incidents[0]->digest, &first));
}

/* -- when, and in which order ---------------------------------------------- */

static void only_what_happened_until_then_counts(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct standing_fixture *f = *state;

	(void)log_move(f, "p", 1, "set");
	(void)log_move(f, "p", 2, "set");
	(void)log_move(f, "p", 3, "set");
	assert_ok(mr_ledger_standing(f->l, T2026 + 1, &f->s, &err), err);
	assert_int_equal(log_at(f, "p"), 2);
	mr_standing_release(&f->s);
	assert_ok(mr_ledger_standing(f->l, T2026 - 1, &f->s, &err), err);
	assert_int_equal(f->s.alias_count, 0);
}

static void an_empty_log_comes_to_nothing(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest d = log_digest(1);

	log_fold(f);
	assert_int_equal(f->s.version_count, 0);
	assert_null(mr_standing_alias(&f->s, "p"));
	assert_null(mr_standing_version(&f->s, &d));
}

/* Two writers that saw the same heads: a fork. */
static void every_order_of_reading_gives_the_same(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct standing_fixture *f = *state;
	struct mr_ledger *other = f->l;
	unsigned int expected;
	size_t i, k;

	log_claim(f, 1, 1);
	log_claim(f, 2, 2);
	assert_ok(mr_ledger_new(&f->l, &err), err);
	assert_ok(mr_ledger_add(f->l, f->docs[0].bytes.data,
				f->docs[0].bytes.len, &err),
		  err);
	(void)log_move(f, "p", 1, "set");
	(void)log_move(f, "p", 2, "set");
	assert_ok(mr_ledger_add(other, f->docs[2].bytes.data,
				f->docs[2].bytes.len, &err),
		  err);
	mr_ledger_free(f->l);
	f->l = other;
	(void)log_move(f, "p", 1, "rollback");
	/* What the other writer had said too, and was not seen. */
	assert_ok(mr_ledger_add(f->l, f->docs[3].bytes.data,
				f->docs[3].bytes.len, &err),
		  err);
	log_fold(f);
	expected = log_at(f, "p");
	for (k = 0; k < f->count; k++) {
		assert_ok(mr_ledger_new(&f->l, &err), err);
		for (i = 0; i < f->count; i++) {
			const struct mr_event_doc *doc =
				&f->docs[(i * 3 + k) % f->count];

			assert_ok(mr_ledger_add(f->l, doc->bytes.data,
						doc->bytes.len, &err),
				  err);
		}
		assert_int_equal(mr_ledger_count(f->l), f->count);
		log_fold(f);
		assert_int_equal(log_at(f, "p"), expected);
		assert_int_equal(log_version(f, 2)->registered->number, 2);
		mr_ledger_free(f->l);
	}
	f->l = other;
	log_fold(f);
}

#define STANDING(test)                                                         \
	cmocka_unit_test_setup_teardown(test, standing_setup, standing_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STANDING(the_last_value_of_a_key_counts),
		STANDING(a_second_record_is_a_change),
		STANDING(answers_go_to_what_was_asked),
		STANDING(an_answer_on_something_else_does_not_count),
		STANDING(each_place_has_what_was_put_there_last),
		STANDING(an_incident_is_open_until_it_is_closed),
		STANDING(only_what_happened_until_then_counts),
		STANDING(an_empty_log_comes_to_nothing),
		STANDING(every_order_of_reading_gives_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
