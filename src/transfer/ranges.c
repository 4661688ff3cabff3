/*
 * ranges.c - who fetches which bytes of a blob.
 *
 * A blob begins with one connection that asks for all of it.  Only when that
 * is slow for the network's sake do others help: small ranges cost a server
 * more than they bring (performance.md 5.5).  Ranges are given out in the
 * order of the file, so that the proof, which goes from front to back, finds
 * what came early still in the page cache.
 */
#include "transfer/internal.h"

#include "base/error.h"

#define MIB (UINT64_C(1) << 20)
/* How long a range should take: long enough for its request not to count,
 * short enough for a failed one to be no loss. */
#define RANGE_S 8
#define RANGE_MIN_BYTES (16 * MIB)
#define RANGE_MAX_BYTES (64 * MIB)
/* What is left of a range is split once more while both halves are this. */
#define HALF_MIN_BYTES (2 * MIB)
/* Faster ones are not bound by their network (performance.md 5.5). */
#define FAST_BYTES_S (200 * MIB)
/* Slower ones surely are.  Between, it may as well be the processor or the
 * line's own rate, where one more connection only costs: it has to show that it
 * brings something. */
#define SLOW_BYTES_S (8 * MIB)
/* Help has to pay: so much is left, or so much time. */
#define HELP_BYTES (64 * MIB)
#define HELP_S 2
/* A speed that was not measured for so long is none. */
#define STALE_MS 3000
/* No judgement before, and none about less. */
#define JUDGE_MS 5000
#define JUDGE_BYTES (2 * MIB)

static uint64_t round_up(uint64_t offset)
{
	return (offset + MIB - 1) / MIB * MIB;
}

static uint64_t rate_of(const struct mr_leg *leg, int64_t now_ms)
{
	return now_ms - leg->seen_ms > STALE_MS ? 0 : leg->rate;
}

/* By the fastest that is known. */
static uint64_t range_bytes(const struct mr_flight *f)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < f->leg_count; i++)
		if (f->legs[i]->known && f->legs[i]->rate > n)
			n = f->legs[i]->rate;
	n = n * RANGE_S / MIB * MIB;
	if (n < RANGE_MIN_BYTES)
		return RANGE_MIN_BYTES;
	return n > RANGE_MAX_BYTES ? RANGE_MAX_BYTES : n;
}

/* How many connections it may have by now. */
static unsigned int leg_limit(const struct mr_flight *f)
{
	return f->leg_max < f->leg_most ? f->leg_max : f->leg_most;
}

static void begin_leg(struct mr_flight *f, struct mr_leg *leg, uint64_t start,
		      uint64_t end)
{
	leg->at = leg->claimed = start;
	leg->end = leg->open_end = end;
	f->legs[f->leg_count++] = leg;
	f->crew->legs++;
}

static void remember_todo(struct mr_flight *f, uint64_t start, uint64_t end)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = mr_spans_add(&f->todo, start, end, &err);

	if (rc < 0)
		mr_flight_broke(f, rc, &err);
}

/* The first range that is left over; all of it while nobody else is there. */
static bool take_todo(struct mr_flight *f, struct mr_leg *leg)
{
	struct mr_span *first = f->todo.items;
	uint64_t start, end;

	if (f->todo.n == 0)
		return false;
	start = first->start;
	end = first->end;
	if (f->leg_count > 0 && end - start > range_bytes(f) + HALF_MIN_BYTES)
		end = round_up(start + range_bytes(f));
	first->start = end;
	if (first->start == first->end)
		mr_spans_drop_first(&f->todo);
	begin_leg(f, leg, start, end);
	return true;
}

static uint64_t open_bytes(const struct mr_leg *leg)
{
	return leg->end - leg->claimed;
}

/* Cut the leg that has most before it; the rest is left over. */
static void cut_longest(struct mr_flight *f)
{
	struct mr_leg *victim = NULL;
	uint64_t left, cut;
	unsigned int i;

	for (i = 0; i < f->leg_count; i++)
		if (!victim || open_bytes(f->legs[i]) > open_bytes(victim))
			victim = f->legs[i];
	left = victim ? open_bytes(victim) : 0;
	if (left < 2 * HALF_MIN_BYTES)
		return;
	cut = left > 2 * range_bytes(f) ? range_bytes(f) : left / 2;
	cut = round_up(victim->claimed + cut);
	if (cut >= victim->end)
		return;
	remember_todo(f, cut, victim->end);
	victim->end = cut;
}

bool mr_ranges_take(struct mr_flight *f, struct mr_leg *leg, bool steal)
{
	if (f->rc < 0 || f->leg_count >= leg_limit(f))
		return false;
	/* Without ranges there is one connection, from the first byte that is
	 * missing. */
	if (f->leg_count > 0 && !mr_store_ranges(f->crew->from))
		return false;
	if (f->todo.n == 0 && steal)
		cut_longest(f);
	return take_todo(f, leg);
}

/* A connection that goes on behind where it was cut may have the rest back. */
static void extend(struct mr_flight *f)
{
	unsigned int i;

	for (i = 0; i < f->leg_count && f->todo.n > 0; i++) {
		struct mr_leg *leg = f->legs[i];
		struct mr_span *first = f->todo.items;

		if (leg->end != first->start || leg->open_end < first->end)
			continue;
		leg->end = first->end;
		mr_spans_drop_first(&f->todo);
	}
}

void mr_ranges_give_back(struct mr_flight *f, struct mr_leg *leg)
{
	unsigned int i = 0;

	while (f->legs[i] != leg)
		i++;
	f->legs[i] = f->legs[--f->leg_count];
	f->crew->legs--;
	if (leg->at < leg->end)
		remember_todo(f, leg->at, leg->end);
	if (!mr_store_ranges(f->crew->from))
		extend(f);
	mr_signal_all(&f->crew->changed);
}

/* The last one to help brought too little: no more than there were before. */
static bool was_useless(struct mr_flight *f, uint64_t rate)
{
	unsigned int n = f->tried_legs;

	if (n == 0 || f->leg_count <= n || rate < SLOW_BYTES_S)
		return false;
	/* Half of what it would bring if it were as fast as the others. */
	if (rate >= f->tried_rate + f->tried_rate / (2 * n))
		return false;
	f->leg_most = n;
	return true;
}

bool mr_ranges_want_help(struct mr_flight *f, int64_t now_ms)
{
	uint64_t left = mr_spans_sum(&f->todo);
	unsigned int unknown = 0;
	uint64_t rate = 0;
	unsigned int i;

	if (f->rc < 0 || f->leg_count == 0 || f->leg_count >= leg_limit(f) ||
	    !mr_store_ranges(f->crew->from))
		return false;
	for (i = 0; i < f->leg_count; i++) {
		left += open_bytes(f->legs[i]);
		rate += rate_of(f->legs[i], now_ms);
		unknown += !f->legs[i]->known;
	}
	if (rate >= FAST_BYTES_S)
		return false;
	/* Twice as many at a time: what those bring is seen first. */
	if (rate < SLOW_BYTES_S ? 2 * unknown > f->leg_count : unknown > 0)
		return false;
	/* Each costs memory when it is fast. */
	if (rate >= SLOW_BYTES_S && f->leg_count >= f->crew->jobs)
		return false;
	if (left < HELP_BYTES &&
	    (left < 2 * HALF_MIN_BYTES || left / HELP_S < rate))
		return false;
	if (was_useless(f, rate))
		return false;
	f->tried_legs = f->leg_count;
	f->tried_rate = rate;
	return true;
}

/* The middle one of the others' speeds, the lower of two. */
static uint64_t median_of_others(const struct mr_flight *f,
				 const struct mr_leg *leg, int64_t now_ms,
				 unsigned int *n)
{
	uint64_t rates[MR_LEGS_MAX];
	unsigned int i, at;

	*n = 0;
	for (i = 0; i < f->leg_count; i++) {
		uint64_t rate = rate_of(f->legs[i], now_ms);

		if (f->legs[i] == leg || !f->legs[i]->known)
			continue;
		for (at = *n; at > 0 && rates[at - 1] > rate; at--)
			rates[at] = rates[at - 1];
		rates[at] = rate;
		(*n)++;
	}
	return *n ? rates[(*n - 1) / 2] : 0;
}

bool mr_ranges_is_slow(const struct mr_flight *f, const struct mr_leg *leg,
		       int64_t now_ms)
{
	unsigned int others;
	uint64_t median;

	if (now_ms - leg->began_ms < JUDGE_MS || !leg->known ||
	    open_bytes(leg) < JUDGE_BYTES || !mr_store_ranges(f->crew->from))
		return false;
	median = median_of_others(f, leg, now_ms, &others);
	return others >= 2 && leg->rate < median / 4;
}
