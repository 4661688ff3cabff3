/*
 * test_splits_order.c - splits and moves by several people who have not read
 * all of each other: every order of reading gives the same, and no split
 * outlives a move.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/ledger.h"
#include "tests/support/standing_fixture.h"

#define STORIES 12
#define EVENTS 6 /* of which all 720 orders are read */
#define WRITERS 3
#define VERSIONS 3

struct story {
	struct standing_fixture *f;
	uint32_t seen[EVENTS]; /* by who wrote it; bits as log_read has them */
	uint32_t views[WRITERS];
	uint32_t seed;
};

/* What a log comes to; rows are of its own arena. */
struct outcome {
	struct mreg_digest move, split; /* zero: none */
	size_t rows;
	unsigned int in_force, idle;
};

static uint32_t next_random(struct story *s, uint32_t below)
{
	s->seed = s->seed * 1664525u + 1013904223u;
	return (s->seed >> 16) % below;
}

static struct outcome outcome_of(struct mr_ledger *l)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 20);
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	const struct mr_alias_standing *p;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_split_told *rows;
	struct outcome out;
	size_t i;

	memset(&out, 0, sizeof(out));
	assert_ok(mr_ledger_standing(l, MR_STANDING_NOW, &now, &err), err);
	assert_ok(mr_ledger_splits(l, "p", a, &rows, &out.rows, &err), err);
	for (i = 0; i < out.rows; i++) {
		out.idle = out.idle * 2 + (rows[i].idle != NULL);
		if (!rows[i].idle && !rows[i].ended &&
		    mr_event_field(rows[i].event, "weights")->count) {
			out.in_force++;
			out.split = rows[i].event->digest;
		}
	}
	assert_true(out.in_force <= 1);
	p = mr_standing_alias(&now, "p");
	assert_int_equal(out.in_force, p && p->split);
	if (p && p->split)
		assert_memory_equal(&out.split, &p->split->digest,
				    sizeof(out.split));
	if (p && p->move)
		out.move = p->move->digest;
	return out;
}

/* -- what is written --------------------------------------------------------
 */

static struct mreg_digest say_move(struct story *s, uint32_t seen,
				   const char *actor)
{
	struct mr_event_field fields[] = { { .key = "alias", .text = "p" },
					   { .key = "by", .text = "set" } };
	uint32_t to = next_random(s, VERSIONS + 2);
	struct mr_event e = { .kind = MR_EVENT_ALIAS_MOVED,
			      .version = log_digest(to),
			      .fields = fields,
			      .field_count = 2 };

	if (to > VERSIONS) { /* somebody moved the tag, and that was kept */
		e.kind = MR_EVENT_TAG_ADOPTED;
		e.version = log_digest(1);
		e.field_count = 1;
	}
	return log_fork(s->f, seen, e, actor);
}

/* On the last move that was read, which gave the alias `own`; now and then the
 * end of one. */
static struct mreg_digest say_split(struct story *s, uint32_t seen,
				    const struct mreg_digest *move,
				    unsigned int own, const char *actor)
{
	unsigned int other = own == VERSIONS ? 1 : own + 1;
	unsigned int low = own < other ? own : other;
	char on[MREG_DIGEST_TEXT], names[2][MREG_DIGEST_TEXT];
	struct mreg_digest versions[2] = { log_digest(low),
					   log_digest(own + other - low) };
	struct mreg_pair weights[2] = {
		{ mreg_digest_text(&versions[0], names[0]), "60" },
		{ mreg_digest_text(&versions[1], names[1]), "40" }
	};
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = "p" },
		{ .key = "weights",
		  .items = weights,
		  .count = next_random(s, 5) ? 2 : 0 },
		{ .key = "move", .text = mreg_digest_text(move, on) }
	};

	return log_fork(s->f, seen,
			(struct mr_event){ .kind = MR_EVENT_SPLIT_RECORDED,
					   .fields = fields,
					   .field_count = 3 },
			actor);
}

static unsigned int number_of(const struct mreg_digest *version)
{
	unsigned int n;

	for (n = VERSIONS; n > 0; n--) {
		struct mreg_digest d = log_digest(n);

		if (mreg_digest_equal(&d, version))
			break;
	}
	return n;
}

/* By one who has read `seen`, of that. */
static void say_something(struct story *s, uint32_t seen, const char *actor)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	struct mr_ledger *l = log_read(s->f, seen);
	const struct mr_alias_standing *p;
	struct mreg_error err = MREG_ERROR_INIT;
	unsigned int own;

	assert_ok(mr_ledger_standing(l, MR_STANDING_NOW, &now, &err), err);
	p = mr_standing_alias(&now, "p");
	own = p && p->move ? number_of(&p->move->version) : 0;
	s->seen[s->f->count] = seen;
	if (own && next_random(s, 5) < 3)
		(void)say_split(s, seen, &p->move->digest, own, actor);
	else
		(void)say_move(s, seen, actor);
	mr_ledger_free(l);
}

static void tell(struct story *s)
{
	while (s->f->count < EVENTS) {
		uint32_t w = next_random(s, WRITERS);
		char actor[16];

		if (next_random(s, 2))
			s->views[w] |= s->views[next_random(s, WRITERS)];
		(void)snprintf(actor, sizeof(actor), "w%u", (unsigned int)w);
		say_something(s, s->views[w], actor);
		s->views[w] |= 1u << (s->f->count - 1);
	}
}

/* -- what has to hold -------------------------------------------------------
 */

/* The next one in the order of words; false: that was the last. */
static bool next_order(size_t *order, size_t n)
{
	size_t i = n - 1;
	size_t k = n - 1;
	size_t t;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (i == 0)
		return false;
	while (order[k] < order[i - 1])
		k--;
	t = order[i - 1];
	order[i - 1] = order[k];
	order[k] = t;
	for (k = n - 1; i < k; i++, k--) {
		t = order[i];
		order[i] = order[k];
		order[k] = t;
	}
	return true;
}

/* Half of it is looked at on the way. */
static struct outcome read_in(const struct story *s, const size_t *order)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ledger *l;
	struct outcome out;
	size_t i;

	assert_ok(mr_ledger_new(&l, &err), err);
	for (i = 0; i < EVENTS; i++) {
		const struct mr_event_doc *doc = &s->f->docs[order[i]];

		if (i == EVENTS / 2)
			(void)outcome_of(l);
		assert_ok(
			mr_ledger_add(l, doc->bytes.data, doc->bytes.len, &err),
			err);
	}
	out = outcome_of(l);
	mr_ledger_free(l);
	return out;
}

static size_t index_of(const struct story *s, const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; i < EVENTS; i++)
		if (mreg_digest_equal(&s->f->docs[i].desc.digest, d))
			return i;
	fail_msg("it is none of the story's");
	return EVENTS;
}

/* Nobody who moved the alias had read of a split that is in force; and it is of
 * the move that counts, which its writer had read. */
static void check_split(struct story *s, const struct outcome *o)
{
	size_t split = index_of(s, &o->split);
	size_t i;

	assert_true(s->seen[split] >> index_of(s, &o->move) & 1);
	for (i = 0; i < EVENTS; i++) {
		const struct mr_event *e = mr_ledger_event(s->f->l, i);
		size_t at = index_of(s, &e->digest);

		if (e->kind != MR_EVENT_SPLIT_RECORDED)
			assert_false(s->seen[at] >> split & 1);
	}
}

/* Who has read everything ends any split by a move, and then begins one. */
static void check_after(struct story *s)
{
	static const uint32_t all = (1u << EVENTS) - 1;
	struct mr_event_field fields[] = { { .key = "alias", .text = "p" },
					   { .key = "by", .text = "set" } };
	struct mreg_digest move, split;
	struct outcome o;

	move = log_fork(s->f, all,
			(struct mr_event){ .kind = MR_EVENT_ALIAS_MOVED,
					   .version = log_digest(2),
					   .fields = fields,
					   .field_count = 2 },
			"last");
	o = outcome_of(s->f->l);
	assert_int_equal(o.in_force, 0);
	assert_memory_equal(&o.move, &move, sizeof(move));
	do
		split = say_split(s, all * 2 + 1, &move, 2, "last");
	while (!mr_event_field(mr_ledger_event(s->f->l, s->f->count - 1),
			       "weights")
			->count);
	o = outcome_of(s->f->l);
	assert_memory_equal(&o.split, &split, sizeof(split));
}

static void every_order_gives_the_same(void **state)
{
	unsigned int in_force = 0;
	unsigned int idle = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < STORIES; i++) {
		struct story s = { .seed = i * 7919u + 1 };
		size_t order[EVENTS] = { 0, 1, 2, 3, 4, 5 };
		struct outcome first;

		assert_int_equal(standing_setup((void **)&s.f), 0);
		(void)log_move(s.f, "p", 1, "set");
		s.views[0] = s.views[1] = s.views[2] = 1;
		tell(&s);
		first = outcome_of(s.f->l);
		do {
			struct outcome o = read_in(&s, order);

			assert_memory_equal(&o, &first, sizeof(o));
		} while (next_order(order, EVENTS));
		if (first.in_force)
			check_split(&s, &first);
		in_force += first.in_force;
		idle += first.idle != 0;
		check_after(&s);
		assert_int_equal(standing_teardown((void **)&s.f), 0);
	}
	/* The stories are of all kinds. */
	assert_in_range(in_force, STORIES / 8, STORIES - STORIES / 8);
	assert_in_range(idle, STORIES / 8, STORIES - STORIES / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_gives_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
