/*
 * test_splits.c - which split of an alias is in force: moved on, forked, two
 * at once; and what others may have written there.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "tests/support/standing_fixture.h"

#define PARTS_MOST 40

/* "1=90 2=10" as the weights of a split of `alias` on `move`. */
struct said {
	char names[PARTS_MOST][MREG_DIGEST_TEXT];
	char values[PARTS_MOST][32];
	struct mreg_pair pairs[PARTS_MOST];
	char move[MREG_DIGEST_TEXT];
	struct mr_event_field fields[3];
	struct mr_event event;
};

static struct mr_event *say(struct said *s, const struct mreg_digest *move,
			    const char *weights)
{
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	while (*weights) {
		struct mreg_digest d;
		unsigned int version;
		int used = 0;

		assert_int_equal(sscanf(weights, "%u=%31s %n", &version,
					s->values[n], &used),
				 2);
		weights += used;
		d = log_digest(version);
		s->pairs[n].name = mreg_digest_text(&d, s->names[n]);
		s->pairs[n].value = s->values[n];
		n++;
	}
	s->fields[0] = (struct mr_event_field){ .key = "alias", .text = "p" };
	s->fields[1] = (struct mr_event_field){ .key = "weights",
						.items = s->pairs,
						.count = n };
	s->fields[2] = (struct mr_event_field){
		.key = "move",
		.text = move ? mreg_digest_text(move, s->move) : ""
	};
	s->event = (struct mr_event){ .kind = MR_EVENT_SPLIT_RECORDED,
				      .fields = s->fields,
				      .field_count = move ? 3 : 2 };
	return &s->event;
}

static struct mreg_digest split(struct standing_fixture *f,
				const struct mreg_digest *move,
				const char *weights)
{
	struct said s;

	return log_say(f, *say(&s, move, weights));
}

static const struct mr_alias_standing *alias(struct standing_fixture *f)
{
	log_fold(f);
	return mr_standing_alias(&f->s, "p");
}

static unsigned int share(struct standing_fixture *f, unsigned int version)
{
	struct mreg_digest d = log_digest(version);

	return mr_split_share(alias(f), &d);
}

static size_t told(struct standing_fixture *f, struct mr_split_told **rows)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t n;

	assert_ok(mr_ledger_splits(f->l, "p", f->arena, rows, &n, &err), err);
	return n;
}

/* -- in force -------------------------------------------------------------- */

static void a_split_leaves_the_alias_where_it_is(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");

	split(f, &move, "1=90 2=10");
	assert_int_equal(share(f, 1), 90);
	assert_int_equal(share(f, 2), 10);
	assert_int_equal(share(f, 3), 0);
	assert_int_equal(log_at(f, "p"), 1);
}

static void a_move_ends_it_wherever_it_goes(void **state)
{
	static const unsigned int to[] = { 2, 1, 3, 0 };
	struct standing_fixture *f = *state;
	struct mr_split_told *rows;
	size_t i;

	for (i = 0; i < MR_COUNT(to); i++) {
		struct mreg_digest move = log_move(f, "p", 1, "set");
		struct mreg_digest last;

		split(f, &move, "1=90 2=10");
		assert_int_equal(share(f, 2), 10);
		last = log_move(f, "p", to[i], "promote");
		assert_int_equal(share(f, 2), 0);
		assert_null(alias(f)->split);
		assert_int_equal(told(f, &rows), i + 1);
		assert_memory_equal(&rows[i].ended->digest, &last,
				    sizeof(last));
	}
}

static void an_adopted_tag_ends_it_too(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");

	split(f, &move, "1=90 2=10");
	log_simple(f, MR_EVENT_TAG_ADOPTED, 2, "alias", "p");
	assert_int_equal(share(f, 2), 0);
}

static void the_last_one_counts_and_none_ends_it(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");
	struct mr_split_told *rows;

	split(f, &move, "1=90 2=10");
	split(f, &move, "1=50 2=30 3=20");
	assert_int_equal(share(f, 3), 20);
	assert_int_equal(share(f, 1), 50);
	split(f, &move, "");
	assert_null(alias(f)->split);
	assert_int_equal(told(f, &rows), 3);
	assert_ptr_equal(rows[0].ended, rows[1].event);
	assert_ptr_equal(rows[1].ended, rows[2].event);
	assert_null(rows[2].ended);
	assert_null(rows[2].idle);
}

static void a_past_moment_has_the_split_of_then(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");
	struct mreg_digest two = log_digest(2);

	split(f, &move, "1=90 2=10");
	(void)log_move(f, "p", 2, "promote");
	assert_ok(mr_ledger_standing(f->l, T2026 + 1, &f->s, &err), err);
	assert_int_equal(mr_split_share(mr_standing_alias(&f->s, "p"), &two),
			 10);
}

/* -- of the same moment ---------------------------------------------------- */

/* Which of two forked events comes first is a matter of their digests; of so
 * many both ways happen. */
#define TRIES 12

static void a_move_of_the_same_moment_decides(void **state)
{
	struct mr_event_field fields[] = { { .key = "alias", .text = "p" },
					   { .key = "by", .text = "promote" } };
	struct mr_event moved = { .kind = MR_EVENT_ALIAS_MOVED,
				  .version = log_digest(2),
				  .fields = fields,
				  .field_count = 2 };
	unsigned int first = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < TRIES; i++) {
		struct standing_fixture *f = NULL;
		struct mreg_digest move, ours;
		struct mr_split_told *rows;
		char actor[8];
		struct said s;

		assert_int_equal(standing_setup((void **)&f), 0);
		move = log_move(f, "p", 1, "set");
		(void)snprintf(actor, sizeof(actor), "a%u", i);
		ours = log_fork(f, 1, *say(&s, &move, "1=90 2=10"), actor);
		(void)log_fork(f, 1, moved, actor + 1);
		assert_null(alias(f)->split);
		assert_int_equal(log_at(f, "p"), 2);
		assert_int_equal(told(f, &rows), 1);
		assert_true(rows[0].idle || rows[0].ended);
		first += mreg_digest_equal(&mr_ledger_event(f->l, 1)->digest,
					   &ours);
		/* Who writes on top of both has seen which it was. */
		split(f, &alias(f)->move->digest, "2=60 3=40");
		assert_int_equal(share(f, 3), 40);
		assert_int_equal(standing_teardown((void **)&f), 0);
	}
	assert_in_range(first, 1, TRIES - 1);
}

static void of_two_splits_the_same_one_counts_for_everybody(void **state)
{
	unsigned int first = 0;
	unsigned int i, k;

	(void)state;
	for (i = 0; i < TRIES; i++) {
		struct mreg_error err = MREG_ERROR_INIT;
		struct standing_fixture *f = NULL;
		struct mr_ledger *other;
		unsigned int expected;
		struct mreg_digest move;
		char actor[8];
		struct said s;

		assert_int_equal(standing_setup((void **)&f), 0);
		move = log_move(f, "p", 1, "set");
		(void)snprintf(actor, sizeof(actor), "a%u", i);
		(void)log_fork(f, 1, *say(&s, &move, "1=90 2=10"), actor);
		(void)log_fork(f, 1, *say(&s, &move, "1=80 2=20"), actor + 1);
		expected = share(f, 2);
		first += expected == 10;
		assert_true(expected == 10 || expected == 20);
		assert_ok(mr_ledger_new(&other, &err), err);
		for (k = 3; k-- > 0;)
			assert_ok(mr_ledger_add(other, f->docs[k].bytes.data,
						f->docs[k].bytes.len, &err),
				  err);
		mr_ledger_free(f->l);
		f->l = other;
		assert_int_equal(share(f, 2), expected);
		assert_int_equal(standing_teardown((void **)&f), 0);
	}
	assert_in_range(first, 1, TRIES - 1);
}

/* -- what anybody may write ------------------------------------------------ */

static void what_is_no_split_changes_nothing(void **state)
{
	static const char *const weights[] = {
		"1=100",
		"1=0 2=100",
		"1=-10 2=110",
		"1=9223372036854775808 2=10",
		"1=90 2=18446744073709551526",
		"1=90 2=11",
		"1=90 2=9",
		"1=090 2=10",
		"1=90% 2=10",
		"1=9e1 2=10",
		"1=89.5 2=10.5",
		"2=90 3=10",
		"1=84 2=1 3=1 4=1 5=1 6=1 7=1 8=1 9=1 10=1 11=1 12=1 13=1 14=1 "
		"15=1 16=1 17=1",
	};
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");
	struct mr_split_told *rows;
	size_t i;

	split(f, &move, "1=70 2=30");
	for (i = 0; i < MR_COUNT(weights); i++) {
		split(f, &move, weights[i]);
		assert_int_equal(share(f, 1), 70);
		assert_int_equal(share(f, 2), 30);
		assert_int_equal(told(f, &rows), i + 2);
		assert_non_null(rows[i + 1].idle);
		assert_null(rows[0].ended);
	}
}

static void names_that_are_no_versions_change_nothing(void **state)
{
	static const char *const names[] = { "v2", "", "sha256:00",
					     "../../etc/passwd", "\033[2J" };
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++) {
		struct said s;

		(void)say(&s, &move, "1=90 2=10");
		/* Kept sorted, as a writer would. */
		s.pairs[1] = s.pairs[0];
		s.pairs[0] = (struct mreg_pair){ names[i], "10" };
		if (strcmp(names[i], s.names[0]) > 0) {
			s.pairs[0] = s.pairs[1];
			s.pairs[1] = (struct mreg_pair){ names[i], "10" };
		}
		(void)log_say(f, s.event);
		assert_null(alias(f)->split);
	}
}

static void a_split_on_another_move_changes_nothing(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest other = log_digest(77);
	struct mreg_digest first, second;

	split(f, &other, "1=90 2=10");
	assert_null(alias(f)->split);
	first = log_move(f, "p", 1, "set");
	second = log_move(f, "p", 2, "set");
	split(f, &first, "1=90 2=10");
	split(f, NULL, "1=10 2=90");
	split(f, &other, "1=10 2=90");
	assert_null(alias(f)->split);
	split(f, &second, "1=10 2=90");
	assert_int_equal(share(f, 1), 10);
	/* Nor does it end one. */
	split(f, &first, "");
	split(f, NULL, "");
	assert_int_equal(share(f, 1), 10);
}

static void an_alias_that_has_nothing_has_no_split(void **state)
{
	struct standing_fixture *f = *state;
	struct mreg_digest gone;

	(void)log_move(f, "p", 1, "set");
	gone = log_move(f, "p", 0, "remove");
	split(f, &gone, "1=90 2=10");
	assert_null(alias(f)->split);
}

/* As many as an event has room for. */
static void a_thousand_parts_are_none(void **state)
{
	enum {
		MANY = 800
	};
	struct standing_fixture *f = *state;
	struct mreg_digest move = log_move(f, "p", 1, "set");
	static char names[MANY][MREG_DIGEST_TEXT];
	static struct mreg_pair pairs[MANY];
	struct mr_split_told *rows;
	struct said s;
	size_t i;

	for (i = 0; i < MANY; i++) {
		struct mreg_digest d = log_digest(1);

		d.bytes[0] = (uint8_t)(i >> 8);
		d.bytes[1] = (uint8_t)i;
		pairs[i].name = mreg_digest_text(&d, names[i]);
		pairs[i].value = "1";
	}
	(void)say(&s, &move, "");
	s.fields[1].items = pairs;
	s.fields[1].count = MANY;
	(void)log_say(f, s.event);
	assert_null(alias(f)->split);
	assert_int_equal(told(f, &rows), 1);
	assert_string_equal(rows[0].idle, "it has more than 16 versions");
}

#define SPLIT(test)                                                            \
	cmocka_unit_test_setup_teardown(test, standing_setup, standing_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT(a_split_leaves_the_alias_where_it_is),
		SPLIT(a_move_ends_it_wherever_it_goes),
		SPLIT(an_adopted_tag_ends_it_too),
		SPLIT(the_last_one_counts_and_none_ends_it),
		SPLIT(a_past_moment_has_the_split_of_then),
		cmocka_unit_test(a_move_of_the_same_moment_decides),
		cmocka_unit_test(
			of_two_splits_the_same_one_counts_for_everybody),
		SPLIT(what_is_no_split_changes_nothing),
		SPLIT(names_that_are_no_versions_change_nothing),
		SPLIT(a_split_on_another_move_changes_nothing),
		SPLIT(an_alias_that_has_nothing_has_no_split),
		SPLIT(a_thousand_parts_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
