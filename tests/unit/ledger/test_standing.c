/*
 * test_standing.c - what a log comes to: aliases, versions, metadata,
 * approvals, places; and that every order of reading gives the same.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

#define T2026 1767225600 /* 2026-01-01T00:00:00Z */
#define EVENTS_MAX 32

/* A log that is written one event after the other. */
struct fixture {
	struct mr_ledger *l;
	struct mr_standing s;
	struct mr_arena *arena;
	struct mr_event_doc docs[EVENTS_MAX];
	size_t count;
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(mr_ledger_new(&f->l, &err), err);
	f->arena = mr_arena_new(1u << 20);
	assert_non_null(f->arena);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < f->count; i++)
		mr_event_doc_release(&f->docs[i]);
	mr_standing_release(&f->s);
	mr_arena_free(f->arena);
	mr_ledger_free(f->l);
	free(f);
	return 0;
}

static struct mreg_digest digest(unsigned int n)
{
	struct mreg_digest d = { .algorithm = MREG_SHA256 };

	if (!n)
		d.algorithm = MREG_DIGEST_NONE;
	d.bytes[31] = (uint8_t)n;
	return d;
}

/* Write `e` on top of all heads; its digest.  An event is a second after the
 * one before. */
static struct mreg_digest say(struct fixture *f, struct mr_event e)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_doc *doc = &f->docs[f->count];

	assert_true(f->count < EVENTS_MAX);
	e.seq = mr_ledger_next_seq(f->l);
	e.time_s = T2026 + (int64_t)f->count++;
	e.actor = "ada";
	assert_ok(mr_ledger_heads(f->l, &e.prev, &e.prev_count, &err), err);
	assert_ok(mr_event_write(&e, doc, &err), err);
	assert_ok(mr_ledger_add(f->l, doc->bytes.data, doc->bytes.len, &err),
		  err);
	return doc->desc.digest;
}

static struct mreg_digest move(struct fixture *f, const char *alias,
			       unsigned int version, const char *by)
{
	struct mr_event_field fields[] = { { .key = "alias", .text = alias },
					   { .key = "by", .text = by } };

	return say(f, (struct mr_event){ .kind = MR_EVENT_ALIAS_MOVED,
					 .version = digest(version),
					 .fields = fields,
					 .field_count = 2 });
}

static struct mreg_digest answer(struct fixture *f, enum mr_event_kind kind,
				 const struct mreg_digest *request,
				 const char *alias, unsigned int version)
{
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = alias },
		{ .key = "request", .text = mreg_digest_text(request, text) },
	};

	return say(f, (struct mr_event){ .kind = kind,
					 .version = digest(version),
					 .fields = fields,
					 .field_count = 2 });
}

static struct mreg_digest ask(struct fixture *f, const char *alias,
			      unsigned int version)
{
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = alias },
		{ .key = "until", .text = "2026-01-03T00:00:00Z" },
	};

	return say(f, (struct mr_event){ .kind = MR_EVENT_APPROVAL_ASKED,
					 .version = digest(version),
					 .fields = fields,
					 .field_count = 2 });
}

static void simple(struct fixture *f, enum mr_event_kind kind,
		   unsigned int version, const char *key, const char *text)
{
	struct mr_event_field field = { .key = key, .text = text };

	(void)say(f, (struct mr_event){ .kind = kind,
					.version = digest(version),
					.fields = &field,
					.field_count = key ? 1 : 0 });
}

static void claim(struct fixture *f, uint64_t number, unsigned int version)
{
	(void)say(f, (struct mr_event){ .kind = MR_EVENT_VERSION_REGISTERED,
					.number = number,
					.version = digest(version) });
}

/* `set` and `unset`: one each; NULL: none. */
static void change(struct fixture *f, enum mr_event_kind kind,
		   unsigned int version, const char *key, const char *value)
{
	struct mreg_pair pair = { .name = key, .value = value };
	struct mr_event_field field = { .key = value ? "set" : "unset",
					.items = &pair,
					.count = 1 };

	(void)say(f, (struct mr_event){ .kind = kind,
					.version = digest(version),
					.fields = &field,
					.field_count = 1 });
}

static void fold(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;

	mr_standing_release(&f->s);
	assert_ok(mr_ledger_standing(f->l, MR_STANDING_NOW, &f->s, &err), err);
}

static const struct mr_version_standing *version(struct fixture *f,
						 unsigned int n)
{
	struct mreg_digest d = digest(n);
	const struct mr_version_standing *v = mr_standing_version(&f->s, &d);

	assert_non_null(v);
	return v;
}

/* What `alias` has by the fold: 0, nothing. */
static unsigned int at(struct fixture *f, const char *alias)
{
	const struct mr_alias_standing *a = mr_standing_alias(&f->s, alias);

	assert_non_null(a);
	assert_non_null(a->move);
	return mr_digest_known(&a->move->version) ? a->move->version.bytes[31]
						  : 0;
}

/* -- aliases --------------------------------------------------------------- */

static void the_last_move_of_an_alias_counts(void **state)
{
	struct fixture *f = *state;

	(void)move(f, "staging", 1, "set");
	(void)move(f, "production", 1, "promote");
	(void)move(f, "staging", 2, "set");
	fold(f);
	assert_int_equal(f->s.alias_count, 2);
	assert_int_equal(at(f, "staging"), 2);
	assert_int_equal(at(f, "production"), 1);
	assert_null(mr_standing_alias(&f->s, "latest"));
}

static void a_removed_alias_is_known_and_has_nothing(void **state)
{
	struct fixture *f = *state;

	(void)move(f, "staging", 1, "set");
	(void)move(f, "staging", 0, "remove");
	fold(f);
	assert_int_equal(at(f, "staging"), 0);
}

static void a_tag_that_was_adopted_is_a_move(void **state)
{
	struct fixture *f = *state;

	(void)move(f, "staging", 1, "set");
	simple(f, MR_EVENT_TAG_ADOPTED, 7, "alias", "staging");
	fold(f);
	assert_int_equal(at(f, "staging"), 7);
}

static void a_split_leaves_the_alias_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct mreg_pair weights[] = { { "v1", "90" }, { "v2", "10" } };
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = "production" },
		{ .key = "weights", .items = weights, .count = 2 },
	};

	(void)move(f, "production", 1, "set");
	(void)say(f, (struct mr_event){ .kind = MR_EVENT_SPLIT_RECORDED,
					.fields = fields,
					.field_count = 2 });
	fold(f);
	assert_int_equal(at(f, "production"), 1);
	assert_non_null(mr_standing_alias(&f->s, "production")->split);
	assert_int_equal(
		mr_event_field(mr_standing_alias(&f->s, "production")->split,
			       "weights")
			->count,
		2);
}

/* Versions of the positions, the present one last, as digits. */
static const char *positions(struct fixture *f, const char *alias)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_event **stack;
	static char text[EVENTS_MAX + 1];
	size_t n;
	size_t i;

	assert_ok(mr_ledger_positions(f->l, alias, f->arena, &stack, &n, &err),
		  err);
	for (i = 0; i < n; i++)
		text[i] = (char)('0' + stack[i]->version.bytes[31]);
	text[n] = '\0';
	return text;
}

static void a_rollback_goes_back_and_never_forward(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(positions(f, "p"), "");
	(void)move(f, "p", 1, "set");
	(void)move(f, "q", 9, "set");
	(void)move(f, "p", 2, "promote");
	(void)move(f, "p", 3, "promote");
	assert_string_equal(positions(f, "p"), "123");
	(void)move(f, "p", 2, "rollback");
	assert_string_equal(positions(f, "p"), "12");
	(void)move(f, "p", 1, "rollback");
	assert_string_equal(positions(f, "p"), "1");
	(void)move(f, "p", 4, "promote");
	assert_string_equal(positions(f, "p"), "14");
}

static void a_rollback_to_where_it_never_was_is_a_move(void **state)
{
	struct fixture *f = *state;

	(void)move(f, "p", 1, "set");
	(void)move(f, "p", 5, "rollback");
	assert_string_equal(positions(f, "p"), "15");
}

static void a_removed_alias_can_be_rolled_back_to_what_it_had(void **state)
{
	struct fixture *f = *state;

	(void)move(f, "p", 1, "set");
	(void)move(f, "p", 2, "set");
	(void)move(f, "p", 0, "remove");
	assert_string_equal(positions(f, "p"), "12");
	(void)move(f, "p", 2, "set");
	assert_string_equal(positions(f, "p"), "12");
}

/* -- versions -------------------------------------------------------------- */

static void archived_and_deprecated_are_lifted_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest one = digest(1);

	claim(f, 1, 1);
	simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	simple(f, MR_EVENT_DEPRECATED, 1, "reason", "old data");
	fold(f);
	assert_non_null(version(f, 1)->archived);
	assert_true(mr_standing_archived(&f->s, &one));
	assert_string_equal(mr_event_text(version(f, 1)->deprecated, "reason"),
			    "old data");
	simple(f, MR_EVENT_RESTORED, 1, "what", "archived");
	fold(f);
	assert_null(version(f, 1)->archived);
	assert_false(mr_standing_archived(&f->s, &one));
	assert_non_null(version(f, 1)->deprecated);
	simple(f, MR_EVENT_RESTORED, 1, "what", "deprecated");
	simple(f, MR_EVENT_RESTORED, 1, "what", "something later");
	fold(f);
	assert_null(version(f, 1)->deprecated);
}

static void a_version_is_registered_by_its_first_standing_claim(void **state)
{
	struct fixture *f = *state;

	claim(f, 1, 1);
	claim(f, 2, 2);
	claim(f, 5, 1);
	fold(f);
	assert_int_equal(f->s.version_count, 2);
	assert_int_equal(version(f, 1)->registered->number, 1);
	assert_int_equal(version(f, 2)->registered->number, 2);
	assert_int_equal(f->s.record == NULL, 1);
}

static void remove_version(struct fixture *f)
{
	struct mreg_pair tag = { .name = "v1" };
	struct mr_event_field tags = { .key = "tags",
				       .items = &tag,
				       .count = 1 };

	(void)say(f, (struct mr_event){ .kind = MR_EVENT_REMOVED,
					.version = digest(1),
					.fields = &tags,
					.field_count = 1 });
}

static void what_was_removed_and_pushed_again_begins_anew(void **state)
{
	struct fixture *f = *state;

	claim(f, 1, 1);
	simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	simple(f, MR_EVENT_DEPRECATED, 1, NULL, NULL);
	remove_version(f);
	fold(f);
	assert_non_null(version(f, 1)->removed);
	claim(f, 2, 1);
	fold(f);
	assert_null(version(f, 1)->removed);
	assert_null(version(f, 1)->archived);
	assert_null(version(f, 1)->deprecated);
}

static void a_removal_that_was_not_carried_out_is_taken_back(void **state)
{
	struct fixture *f = *state;

	claim(f, 1, 1);
	simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	remove_version(f);
	simple(f, MR_EVENT_RESTORED, 1, "what", "archived");
	fold(f);
	assert_non_null(version(f, 1)->removed);
	simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	simple(f, MR_EVENT_RESTORED, 1, "what", "removed");
	fold(f);
	assert_null(version(f, 1)->removed);
	assert_non_null(version(f, 1)->archived);
}

/* -- metadata -------------------------------------------------------------- */

static void the_last_value_of_a_key_counts(void **state)
{
	struct fixture *f = *state;

	change(f, MR_EVENT_RECORD_WRITTEN, 0, "owner", "risk");
	change(f, MR_EVENT_METADATA_CHANGED, 0, "description", "Churn");
	change(f, MR_EVENT_METADATA_CHANGED, 3, "owner", "ada");
	change(f, MR_EVENT_METADATA_CHANGED, 0, "owner", "growth");
	fold(f);
	assert_non_null(f->s.record);
	assert_int_equal(f->s.metadata.count, 2);
	assert_string_equal(mr_values_get(&f->s.metadata, "owner"), "growth");
	assert_string_equal(f->s.metadata.items[0].key, "description");
	assert_string_equal(mr_values_get(&version(f, 3)->metadata, "owner"),
			    "ada");
	assert_null(mr_values_get(&f->s.metadata, "team"));
	change(f, MR_EVENT_METADATA_CHANGED, 0, "owner", NULL);
	fold(f);
	assert_null(mr_values_get(&f->s.metadata, "owner"));
	assert_int_equal(f->s.metadata.count, 1);
}

static void a_second_record_is_a_change(void **state)
{
	struct fixture *f = *state;
	const struct mr_event *first;

	change(f, MR_EVENT_RECORD_WRITTEN, 0, "owner", "risk");
	fold(f);
	first = f->s.record;
	change(f, MR_EVENT_RECORD_WRITTEN, 0, "displayName", "Churn");
	fold(f);
	assert_ptr_equal(f->s.record, first);
	assert_string_equal(mr_values_get(&f->s.metadata, "owner"), "risk");
	assert_string_equal(mr_values_get(&f->s.metadata, "displayName"),
			    "Churn");
}

/* -- approvals ------------------------------------------------------------- */

static void answers_go_to_what_was_asked(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest first = ask(f, "production", 1);
	struct mreg_digest second = ask(f, "production", 2);

	(void)answer(f, MR_EVENT_APPROVAL_GRANTED, &second, "production", 2);
	(void)answer(f, MR_EVENT_APPROVAL_GRANTED, &second, "production", 2);
	(void)answer(f, MR_EVENT_APPROVAL_REFUSED, &first, "production", 1);
	(void)answer(f, MR_EVENT_APPROVAL_OVERDUE, &first, "production", 1);
	fold(f);
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
	struct fixture *f = *state;
	struct mreg_digest asked = ask(f, "production", 1);
	struct mreg_digest nobody = digest(77);

	(void)answer(f, MR_EVENT_APPROVAL_GRANTED, &asked, "production", 2);
	(void)answer(f, MR_EVENT_APPROVAL_GRANTED, &asked, "staging", 1);
	(void)answer(f, MR_EVENT_APPROVAL_GRANTED, &nobody, "production", 1);
	fold(f);
	assert_int_equal(f->s.approvals[0].grant_count, 0);
}

/* -- what runs ------------------------------------------------------------- */

static void deploy(struct fixture *f, const char *environment,
		   const char *workload, unsigned int n)
{
	struct mr_event_field fields[] = {
		{ .key = "environment", .text = environment },
		{ .key = "workload", .text = workload },
	};

	(void)say(f, (struct mr_event){ .kind = MR_EVENT_DEPLOYED,
					.version = digest(n),
					.fields = fields,
					.field_count = workload ? 2 : 1 });
}

static void each_place_has_what_was_put_there_last(void **state)
{
	struct fixture *f = *state;

	deploy(f, "prod", "b", 1);
	deploy(f, "prod", "a", 1);
	deploy(f, "prod", "b", 2);
	deploy(f, "dev", NULL, 3);
	deploy(f, "prod", "a", 0);
	fold(f);
	assert_int_equal(f->s.deployment_count, 3);
	assert_string_equal(f->s.deployments[0].environment, "dev");
	assert_string_equal(f->s.deployments[0].workload, "");
	assert_false(mr_digest_known(&f->s.deployments[1].event->version));
	assert_int_equal(f->s.deployments[2].event->version.bytes[31], 2);
}

static void an_incident_is_open_until_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct mr_event_field title = { .key = "title", .text = "wrong" };
	struct mr_event e = { .kind = MR_EVENT_INCIDENT,
			      .version = digest(1),
			      .fields = &title,
			      .field_count = 1 };
	struct mreg_digest first = say(f, e);
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field closing[] = {
		{ .key = "title", .text = "mended" },
		{ .key = "closes", .text = mreg_digest_text(&first, text) },
	};

	(void)say(f, e);
	fold(f);
	assert_int_equal(f->s.incident_count, 2);
	e.fields = closing;
	e.field_count = 2;
	(void)say(f, e);
	fold(f);
	assert_int_equal(f->s.incident_count, 1);
	assert_false(mreg_digest_equal(&f->s.incidents[0]->digest, &first));
}

/* -- when, and in which order ---------------------------------------------- */

static void only_what_happened_until_then_counts(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;

	(void)move(f, "p", 1, "set");
	(void)move(f, "p", 2, "set");
	(void)move(f, "p", 3, "set");
	assert_ok(mr_ledger_standing(f->l, T2026 + 1, &f->s, &err), err);
	assert_int_equal(at(f, "p"), 2);
	mr_standing_release(&f->s);
	assert_ok(mr_ledger_standing(f->l, T2026 - 1, &f->s, &err), err);
	assert_int_equal(f->s.alias_count, 0);
}

static void an_empty_log_comes_to_nothing(void **state)
{
	struct fixture *f = *state;
	struct mreg_digest d = digest(1);

	fold(f);
	assert_int_equal(f->s.version_count, 0);
	assert_null(mr_standing_alias(&f->s, "p"));
	assert_null(mr_standing_version(&f->s, &d));
}

/* Two writers that saw the same heads: a fork. */
static void every_order_of_reading_gives_the_same(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_ledger *other = f->l;
	unsigned int expected;
	size_t i, k;

	claim(f, 1, 1);
	claim(f, 2, 2);
	assert_ok(mr_ledger_new(&f->l, &err), err);
	assert_ok(mr_ledger_add(f->l, f->docs[0].bytes.data,
				f->docs[0].bytes.len, &err),
		  err);
	(void)move(f, "p", 1, "set");
	(void)move(f, "p", 2, "set");
	assert_ok(mr_ledger_add(other, f->docs[2].bytes.data,
				f->docs[2].bytes.len, &err),
		  err);
	mr_ledger_free(f->l);
	f->l = other;
	(void)move(f, "p", 1, "rollback");
	/* What the other writer had said too, and was not seen. */
	assert_ok(mr_ledger_add(f->l, f->docs[3].bytes.data,
				f->docs[3].bytes.len, &err),
		  err);
	fold(f);
	expected = at(f, "p");
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
		fold(f);
		assert_int_equal(at(f, "p"), expected);
		assert_int_equal(version(f, 2)->registered->number, 2);
		mr_ledger_free(f->l);
	}
	f->l = other;
	fold(f);
}

#define STANDING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STANDING(the_last_move_of_an_alias_counts),
		STANDING(a_removed_alias_is_known_and_has_nothing),
		STANDING(a_tag_that_was_adopted_is_a_move),
		STANDING(a_split_leaves_the_alias_where_it_is),
		STANDING(a_rollback_goes_back_and_never_forward),
		STANDING(a_rollback_to_where_it_never_was_is_a_move),
		STANDING(a_removed_alias_can_be_rolled_back_to_what_it_had),
		STANDING(archived_and_deprecated_are_lifted_one_by_one),
		STANDING(a_version_is_registered_by_its_first_standing_claim),
		STANDING(what_was_removed_and_pushed_again_begins_anew),
		STANDING(a_removal_that_was_not_carried_out_is_taken_back),
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
