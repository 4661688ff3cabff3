/*
 * split.c - an alias's traffic shared among versions, written into the log.
 *
 * A split is no tag: nothing is carried out.  What counts is the fold's
 * (ledger/standing.h), so its writer reads the log afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

#define SHARE_BYTES 12 /* any unsigned int */

struct weights {
	char names[MR_SPLIT_PARTS_MAX][MREG_DIGEST_TEXT];
	char values[MR_SPLIT_PARTS_MAX][SHARE_BYTES];
	struct mreg_pair pairs[MR_SPLIT_PARTS_MAX]; /* sorted by name */
};

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a;
	const struct mreg_pair *y = b;

	return strcmp(x->name, y->name);
}

static void take_weights(const struct mr_splitting *split, struct weights *w)
{
	size_t i;

	for (i = 0; i < split->count; i++) {
		const struct mr_split_part *part = &split->parts[i];

		(void)snprintf(w->values[i], SHARE_BYTES, "%u", part->percent);
		w->pairs[i] =
			(struct mreg_pair){ mreg_digest_text(&part->version,
							     w->names[i]),
					    w->values[i] };
	}
	if (split->count > 1)
		qsort(w->pairs, split->count, sizeof(*w->pairs), by_name);
}

static int fail_moved(const struct mr_splitting *split, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' was moved by someone else at the same moment",
		      split->alias);
	return mr_hint(err, "look at it with 'mreg alias ls', then decide "
			    "again");
}

static int fail_beaten(const struct mr_splitting *split, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' was split by someone else at the same moment",
		      split->alias);
	return mr_hint(err, "'mreg split NAME:%s' shows how", split->alias);
}

static int fail_blind(const struct mr_splitting *split, const char *label,
		      struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EREMOTE,
		      "the log of '%s' does not show what was just written to "
		      "it",
		      label);
	return mr_hint(err,
		       "its listings come late: look with 'mreg split "
		       "NAME:%s' later",
		       split->alias);
}

/* What counts instead of `rows[at]` now; NULL: nothing, it does. */
static const struct mr_event *after(const struct mr_split_told *rows, size_t n,
				    size_t at)
{
	if (rows[at].ended || mr_event_field(rows[at].event, "weights")->count)
		return rows[at].ended;
	/* An end has none itself. */
	while (++at < n)
		if (!rows[at].idle)
			return rows[at].event;
	return NULL;
}

/* Whether what was written counts, or counted until somebody who knew of it
 * went on. */
static int look_after(struct mr_history *h, const struct mr_splitting *split,
		      const char *label, const struct mreg_digest *event,
		      bool *stale, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_RESULT_MAX_BYTES);
	const struct mr_event *next;
	struct mr_split_told *rows;
	size_t at = 0;
	size_t n;
	int rc =
		a ? mr_ledger_splits(h->ledger, split->alias, a, &rows, &n, err)
		  : mr_fail_nomem(err);

	if (rc < 0)
		return rc;
	while (at < n && !mreg_digest_equal(&rows[at].event->digest, event))
		at++;
	if (at == n)
		return fail_blind(split, label, err);
	if (rows[at].idle)
		return fail_moved(split, err);
	next = after(rows, n, at);
	if (!next || mr_ledger_follows(h->ledger, next, rows[at].event))
		return 0;
	if (next->kind != MR_EVENT_SPLIT_RECORDED)
		return fail_moved(split, err);
	*stale = true;
	return split->alone ? fail_beaten(split, err) : 0;
}

int mr_alias_split(struct mreg *m, struct mr_store *s, struct mr_history *h,
		   const struct mreg_ref *ref, const struct mr_splitting *split,
		   const struct mr_alias_state *state,
		   struct mreg_digest *event, bool *stale,
		   struct mreg_error *err)
{
	char move[MREG_DIGEST_TEXT];
	struct weights w;
	struct mr_event_field fields[4] = {
		{ .key = "alias", .text = split->alias },
		{ .key = "move",
		  .text = mreg_digest_text(&state->move->digest, move) },
		{ .key = "weights", .items = w.pairs, .count = split->count },
		{ .key = "reason", .text = split->reason },
	};
	struct mr_event e = { .kind = MR_EVENT_SPLIT_RECORDED,
			      .policy = split->policy,
			      .fields = fields,
			      .field_count = split->reason ? 4 : 3 };
	int rc;

	take_weights(split, &w);
	*stale = false;
	rc = mr_log_try(m, s, h, ref, &e, event, stale, err);
	if (rc < 0 || *stale)
		return rc;
	rc = mr_history_read(m, s, h, err);
	return rc < 0 ? rc : look_after(h, split, s->label, event, stale, err);
}

/* -- for results ----------------------------------------------------------- */

/* The alias's own first, then the largest. */
static int by_weight(const void *a, const void *b)
{
	const struct mreg_split_part *x = a;
	const struct mreg_split_part *y = b;

	if (x->stable != y->stable)
		return x->stable ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return mr_digest_compare(&x->digest, &y->digest);
}

struct mreg_split_part *mr_split_rows(struct mr_arena *a,
				      const struct mr_standing *now,
				      const struct mr_split_part *parts,
				      size_t n,
				      const struct mreg_digest *stable)
{
	struct mreg_split_part *to = mr_arena_alloc(a, (n + 1) * sizeof(*to));
	size_t i;

	for (i = 0; to && i < n; i++) {
		const struct mreg_digest *d = &parts[i].version;
		const struct mr_version_standing *v =
			mr_standing_version(now, d);

		to[i] = (struct mreg_split_part){
			.number =
				v && v->registered ? v->registered->number : 0,
			.digest = *d,
			.weight = parts[i].percent,
			.stable = mreg_digest_equal(d, stable),
			.archived = v && (v->archived || v->removed),
		};
	}
	if (to && n > 1)
		qsort(to, n, sizeof(*to), by_weight);
	return to;
}

struct mreg_split_part *mr_split_told(struct mr_arena *a,
				      const struct mr_standing *now,
				      const struct mr_event *split,
				      const struct mreg_digest *stable,
				      size_t *n)
{
	struct mr_split_part parts[MR_SPLIT_PARTS_MAX];
	struct mreg_split_part *to;

	*n = mr_split_parts(split, parts);
	to = mr_split_rows(a, now, parts, *n, stable);
	if (!to)
		*n = 0;
	return to;
}
