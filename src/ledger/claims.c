/*
 * claims.c - who has which version number: product.md 3.2.
 */
#include "ledger/ledger.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "ledger/internal.h"

uint64_t mr_ledger_highest(const struct mr_ledger *l)
{
	return l->highest;
}

/* Whether `e` claims `number` for another version. */
static bool is_rival(const struct mr_event *e, uint64_t number,
		     const struct mreg_digest *version)
{
	return e->number == number && !mreg_digest_equal(&e->version, version);
}

bool mr_ledger_contested(const struct mr_ledger *l, uint64_t number,
			 const struct mreg_digest *version)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (is_rival(l->events[i]->event, number, version))
			return true;
	return false;
}

size_t mr_ledger_rivals(const struct mr_ledger *l, uint64_t number,
			const struct mreg_digest *version)
{
	const struct mreg_digest *seen[MR_RIVALS_MAX];
	size_t n = 0;
	size_t i, k;

	for (i = 0; i < l->count && n < MR_RIVALS_MAX; i++) {
		const struct mr_event *e = l->events[i]->event;

		if (!is_rival(e, number, version))
			continue;
		for (k = 0; k < n; k++)
			if (mreg_digest_equal(seen[k], &e->version))
				break;
		if (k == n)
			seen[n++] = &e->version;
	}
	return n;
}

const struct mr_event *mr_ledger_claim_of(struct mr_ledger *l,
					  const struct mreg_digest *version)
{
	size_t i;

	mr_ledger_fold(l);
	/* In order of number, equal ones in fold order. */
	for (i = 0; i < l->claim_count; i++) {
		const struct node *c = l->claims[i];

		if (!c->replaced &&
		    mreg_digest_equal(&c->event->version, version))
			return c->event;
	}
	return NULL;
}

/* Index of the first claim of `number` or above. */
static size_t first_claim(const struct mr_ledger *l, uint64_t number)
{
	size_t low = 0;
	size_t high = l->claim_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->claims[mid]->event->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct mr_event *mr_ledger_owner(struct mr_ledger *l, uint64_t number,
				       const struct mreg_digest *tagged)
{
	const struct mr_event *first = NULL, *match = NULL;
	bool several = false;
	size_t i;

	mr_ledger_fold(l);
	for (i = first_claim(l, number); i < l->claim_count; i++) {
		const struct mr_event *e = l->claims[i]->event;

		if (e->number != number)
			break;
		if (l->claims[i]->replaced)
			continue;
		if (!first)
			first = e;
		else if (!mreg_digest_equal(&first->version, &e->version))
			several = true;
		if (!match && tagged && mreg_digest_equal(&e->version, tagged))
			match = e;
	}
	return several ? match : first;
}

int mr_ledger_numbers(struct mr_ledger *l, uint64_t **out, size_t *count,
		      struct mreg_error *err)
{
	uint64_t *numbers;
	size_t i, n = 0;

	mr_ledger_fold(l);
	numbers = mr_array(l->claim_count, sizeof(*numbers));
	if (!numbers)
		return mr_fail_nomem(err);
	for (i = 0; i < l->claim_count; i++) {
		uint64_t number = l->claims[i]->event->number;

		if (!l->claims[i]->replaced &&
		    (n == 0 || numbers[n - 1] != number))
			numbers[n++] = number;
	}
	*out = numbers;
	*count = n;
	return 0;
}
