/*
 * log_number.c - which version has which number, and which is the latest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/repo.h"

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int mr_log_number(struct mr_store *s, struct mr_history *h,
		  const struct mreg_digest *d, uint64_t *number,
		  const struct mr_event **event, struct mreg_error *err)
{
	size_t n = mr_ledger_count(h->ledger);
	size_t i;

	*number = 0;
	*event = NULL;
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);
		struct mreg_desc now;
		char tag[32];
		bool found;
		int rc;

		if (e->kind != MR_EVENT_VERSION_REGISTERED ||
		    !mreg_digest_equal(&e->version, d))
			continue;
		(void)snprintf(tag, sizeof(tag), "v%" PRIu64, e->number);
		rc = mr_tag_resolve(s, tag, &now, &found, err);
		if (rc < 0)
			return rc;
		if (!found || !mreg_digest_equal(&now.digest, d))
			continue;
		*number = e->number;
		*event = e;
		return 0;
	}
	return 0;
}

/* Tags of versions that the log does not know. */
static int find_unknown(const struct mr_history *h, struct mr_list *out,
			struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *known = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_ledger_numbers(h->ledger, &known, &n, err);

	for (i = 0; rc >= 0 && i < h->tags.n; i++) {
		uint64_t number = mr_tag_number(h->tags.items[i]);

		if (number && (!n || !bsearch(&number, known, n, sizeof(*known),
					      compare_numbers)))
			rc = mr_list_add(out, h->tags.items[i], err);
	}
	return rc;
}

int mr_log_foreign(struct mreg *m, struct mr_store *s,
		   const struct mr_history *h, const struct mreg_digest *d,
		   uint64_t *number, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list unknown = { .n = 0 };
	MR_AUTO(mr_free) struct mr_tag_row *rows = NULL;
	size_t n = 0;
	size_t i;
	int rc = find_unknown(h, &unknown, err);

	*number = 0;
	if (rc < 0 || !unknown.n)
		return rc;
	rc = mr_tag_rows(m, s, &unknown, &rows, &n, err);
	for (i = 0; rc >= 0 && i < n; i++) {
		if (!mreg_digest_equal(&rows[i].desc.digest, d) ||
		    mr_ledger_contested(h->ledger, rows[i].number, d))
			continue;
		if (!*number || rows[i].number < *number)
			*number = rows[i].number;
	}
	return rc;
}

int mr_log_any_number(struct mreg *m, struct mr_store *s, struct mr_history *h,
		      const struct mreg_digest *d, uint64_t *number,
		      struct mreg_error *err)
{
	const struct mr_event *ignored;
	int rc = mr_log_number(s, h, d, number, &ignored, err);

	return rc < 0 || *number ? rc : mr_log_foreign(m, s, h, d, number, err);
}

/* Whether `latest` may have it. */
static bool is_current(const struct mr_standing *now,
		       const struct mreg_digest *d)
{
	const struct mr_version_standing *v = mr_standing_version(now, d);

	return !v || (!v->archived && !v->removed);
}

/* Numbers with a standing claim, and those of tags that no event tells of;
 * ascending; the caller's. */
static int all_numbers(struct mr_history *h, uint64_t **out, size_t *count,
		       struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list unknown = { .n = 0 };
	MR_AUTO(mr_free) uint64_t *known = NULL;
	uint64_t *all;
	size_t n = 0;
	size_t i;
	int rc = mr_ledger_numbers(h->ledger, &known, &n, err);

	if (rc >= 0)
		rc = find_unknown(h, &unknown, err);
	if (rc < 0)
		return rc;
	all = mr_array(n + unknown.n, sizeof(*all));
	if (!all)
		return mr_fail_nomem(err);
	if (n)
		memcpy(all, known, n * sizeof(*all));
	for (i = 0; i < unknown.n; i++)
		all[n++] = mr_tag_number(unknown.items[i]);
	qsort(all, n, sizeof(*all), compare_numbers);
	*out = all;
	*count = n;
	return 0;
}

/* A tag that somebody moved has another version than its number's: `ls` shows
 * it. */
static bool is_moved(struct mr_history *h, uint64_t number,
		     const struct mreg_digest *has)
{
	const struct mr_event *owner = mr_ledger_owner(h->ledger, number, has);

	return owner ? !mreg_digest_equal(&owner->version, has)
		     : mr_ledger_contested(h->ledger, number, has);
}

int mr_log_highest(struct mr_store *s, struct mr_history *h, uint64_t *number,
		   struct mreg_desc *out, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	MR_AUTO(mr_free) uint64_t *numbers = NULL;
	size_t n = 0;
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	*number = 0;
	if (rc >= 0)
		rc = all_numbers(h, &numbers, &n, err);
	while (rc >= 0 && n > 0) {
		char tag[32];
		bool found;

		n--;
		(void)snprintf(tag, sizeof(tag), "v%" PRIu64, numbers[n]);
		rc = mr_tag_resolve(s, tag, out, &found, err);
		if (rc < 0 || !found)
			continue;
		if (is_moved(h, numbers[n], &out->digest) ||
		    !is_current(&now, &out->digest))
			continue;
		*number = numbers[n];
		return 0;
	}
	return rc;
}

int mr_log_latest(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_desc *mine, const void *manifest,
		  uint64_t *at, struct mreg_error *err)
{
	unsigned int round;

	for (round = 0; round < MR_CLAIM_ROUNDS_MAX; round++) {
		struct mreg_desc top;
		struct mreg_desc now;
		bool found;
		int rc = mr_log_highest(s, h, at, &top, err);

		if (rc >= 0 && *at == 0)
			return mr_fail(err, MREG_ENOTFOUND,
				       "'%s' has no version", s->label);
		if (rc >= 0)
			rc = mr_tag_resolve(s, "latest", &now, &found, err);
		if (rc < 0)
			return rc;
		if (found && mreg_digest_equal(&now.digest, &top.digest))
			return 0;
		rc = mr_tag_set(s, "latest", &top,
				mreg_digest_equal(&top.digest, &mine->digest)
					? manifest
					: NULL,
				err);
		if (rc < 0 && rc != MREG_ECONFLICT)
			return rc;
		rc = mr_history_read(m, s, h, err);
		if (rc < 0)
			return rc;
	}
	return mr_fail(err, MREG_ECONFLICT,
		       "'latest' of '%s' keeps being moved by others",
		       s->label);
}

static const char *number_key(const struct mreg_digest *d, char out[160])
{
	char text[MREG_DIGEST_TEXT];

	(void)snprintf(out, 160, "number:%s", mreg_digest_text(d, text));
	return out;
}

void mr_number_remember(struct mreg *m, const struct mr_store *s,
			const struct mreg_digest *d, uint64_t number)
{
	char key[160];
	char value[32];

	(void)snprintf(value, sizeof(value), "%" PRIu64, number);
	mr_state_fact_put(m->state, s->name, number_key(d, key), value);
}

uint64_t mr_number_recall(struct mreg *m, const struct mr_store *s,
			  const struct mreg_digest *d)
{
	char key[160];
	char value[32];
	uint64_t number = 0;

	if (mr_state_fact_get(m->state, s->name, number_key(d, key), value,
			      sizeof(value)) &&
	    mr_text_u64(value, UINT64_MAX, &number) < 0)
		number = 0;
	return number;
}
