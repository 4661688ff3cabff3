/*
 * test_standing_names.c - what a log comes to: aliases and versions.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "tests/support/standing_fixture.h"

/* -- aliases --------------------------------------------------------------- */

static void the_last_move_of_an_alias_counts(void **state)
{
	struct standing_fixture *f = *state;

	(void)log_move(f, "staging", 1, "set");
	(void)log_move(f, "production", 1, "promote");
	(void)log_move(f, "staging", 2, "set");
	log_fold(f);
	assert_int_equal(f->s.alias_count, 2);
	assert_int_equal(log_at(f, "staging"), 2);
	assert_int_equal(log_at(f, "production"), 1);
	assert_null(mr_standing_alias(&f->s, "latest"));
}

static void a_removed_alias_is_known_and_has_nothing(void **state)
{
	struct standing_fixture *f = *state;

	(void)log_move(f, "staging", 1, "set");
	(void)log_move(f, "staging", 0, "remove");
	log_fold(f);
	assert_int_equal(log_at(f, "staging"), 0);
}

static void a_tag_that_was_adopted_is_a_move(void **state)
{
	struct standing_fixture *f = *state;

	(void)log_move(f, "staging", 1, "set");
	log_simple(f, MR_EVENT_TAG_ADOPTED, 7, "alias", "staging");
	log_fold(f);
	assert_int_equal(log_at(f, "staging"), 7);
}

static void names_that_are_no_aliases_have_no_meaning(void **state)
{
	static const char *const names[] = { "v1",      "latest",   "1.2.0",
					     "../x",    "p-image",  "mreg.seq",
					     "a b\033", "sha256-ab" };
	struct standing_fixture *f = *state;
	size_t i;

	(void)log_move(f, "p", 1, "set");
	for (i = 0; i < MR_COUNT(names); i++)
		(void)log_move(f, names[i], 2, "set");
	log_simple(f, MR_EVENT_RELEASE_NAMED, 2, "release", "../x");
	log_fold(f);
	assert_int_equal(f->s.alias_count, 1);
	assert_int_equal(log_at(f, "p"), 1);
	assert_null(log_version(f, 2)->released);
	log_simple(f, MR_EVENT_RELEASE_NAMED, 2, "release", "1.2.0");
	log_fold(f);
	assert_non_null(log_version(f, 2)->released);
}

/* Versions of the positions, the present one last, as digits. */
static const char *positions(struct standing_fixture *f, const char *alias)
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
	struct standing_fixture *f = *state;

	assert_string_equal(positions(f, "p"), "");
	(void)log_move(f, "p", 1, "set");
	(void)log_move(f, "q", 9, "set");
	(void)log_move(f, "p", 2, "promote");
	(void)log_move(f, "p", 3, "promote");
	assert_string_equal(positions(f, "p"), "123");
	(void)log_move(f, "p", 2, "rollback");
	assert_string_equal(positions(f, "p"), "12");
	(void)log_move(f, "p", 1, "rollback");
	assert_string_equal(positions(f, "p"), "1");
	(void)log_move(f, "p", 4, "promote");
	assert_string_equal(positions(f, "p"), "14");
}

static void a_rollback_to_where_it_never_was_is_a_move(void **state)
{
	struct standing_fixture *f = *state;

	(void)log_move(f, "p", 1, "set");
	(void)log_move(f, "p", 5, "rollback");
	assert_string_equal(positions(f, "p"), "15");
}

static void a_removed_alias_can_be_rolled_back_to_what_it_had(void **state)
{
	struct standing_fixture *f = *state;

	(void)log_move(f, "p", 1, "set");
	(void)log_move(f, "p", 2, "set");
	(void)log_move(f, "p", 0, "remove");
	assert_string_equal(positions(f, "p"), "12");
	(void)log_move(f, "p", 2, "set");
	assert_string_equal(positions(f, "p"), "12");
}

/* -- versions -------------------------------------------------------------- */

static void archived_and_deprecated_are_lifted_one_by_one(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest one = log_digest(1);

	log_claim(f, 1, 1);
	log_simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	log_simple(f, MR_EVENT_DEPRECATED, 1, "reason", "old data");
	log_fold(f);
	assert_non_null(log_version(f, 1)->archived);
	assert_true(mr_standing_archived(&f->s, &one));
	assert_string_equal(
		mr_event_text(log_version(f, 1)->deprecated, "reason"),
		"old data");
	log_simple(f, MR_EVENT_RESTORED, 1, "what", "archived");
	log_fold(f);
	assert_null(log_version(f, 1)->archived);
	assert_false(mr_standing_archived(&f->s, &one));
	assert_non_null(log_version(f, 1)->deprecated);
	log_simple(f, MR_EVENT_RESTORED, 1, "what", "deprecated");
	log_simple(f, MR_EVENT_RESTORED, 1, "what", "something later");
	log_fold(f);
	assert_null(log_version(f, 1)->deprecated);
}

static void a_version_is_registered_by_its_first_standing_claim(void **state)
{
	struct standing_fixture *f = *state;

	log_claim(f, 1, 1);
	log_claim(f, 2, 2);
	log_claim(f, 5, 1);
	log_fold(f);
	assert_int_equal(f->s.version_count, 2);
	assert_int_equal(log_version(f, 1)->registered->number, 1);
	assert_int_equal(log_version(f, 2)->registered->number, 2);
	assert_int_equal(f->s.record == NULL, 1);
}

static void remove_version(struct standing_fixture *f)
{
	struct mreg_pair tag = { .name = "v1" };
	struct mr_event_field tags = { .key = "tags",
				       .items = &tag,
				       .count = 1 };

	(void)log_say(f, (struct mr_event){ .kind = MR_EVENT_REMOVED,
					    .version = log_digest(1),
					    .fields = &tags,
					    .field_count = 1 });
}

static void what_was_removed_and_pushed_again_begins_anew(void **state)
{
	struct standing_fixture *f = *state;

	log_claim(f, 1, 1);
	log_simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	log_simple(f, MR_EVENT_DEPRECATED, 1, NULL, NULL);
	remove_version(f);
	log_fold(f);
	assert_non_null(log_version(f, 1)->removed);
	log_claim(f, 2, 1);
	log_fold(f);
	assert_null(log_version(f, 1)->removed);
	assert_null(log_version(f, 1)->archived);
	assert_null(log_version(f, 1)->deprecated);
}

static void a_removal_that_was_not_carried_out_is_taken_back(void **state)
{
	struct standing_fixture *f = *state;

	log_claim(f, 1, 1);
	log_simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	remove_version(f);
	log_simple(f, MR_EVENT_RESTORED, 1, "what", "archived");
	log_fold(f);
	assert_non_null(log_version(f, 1)->removed);
	log_simple(f, MR_EVENT_ARCHIVED, 1, NULL, NULL);
	log_simple(f, MR_EVENT_RESTORED, 1, "what", "removed");
	log_fold(f);
	assert_null(log_version(f, 1)->removed);
	assert_non_null(log_version(f, 1)->archived);
}

#define STANDING(test)                                                         \
	cmocka_unit_test_setup_teardown(test, standing_setup, standing_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STANDING(the_last_move_of_an_alias_counts),
		STANDING(a_removed_alias_is_known_and_has_nothing),
		STANDING(a_tag_that_was_adopted_is_a_move),
		STANDING(names_that_are_no_aliases_have_no_meaning),
		STANDING(a_rollback_goes_back_and_never_forward),
		STANDING(a_rollback_to_where_it_never_was_is_a_move),
		STANDING(a_removed_alias_can_be_rolled_back_to_what_it_had),
		STANDING(archived_and_deprecated_are_lifted_one_by_one),
		STANDING(a_version_is_registered_by_its_first_standing_claim),
		STANDING(what_was_removed_and_pushed_again_begins_anew),
		STANDING(a_removal_that_was_not_carried_out_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
