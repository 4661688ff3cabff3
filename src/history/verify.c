/*
 * verify.c - whether a log is whole: every tag has its event, every event its
 * ancestors, every seq its place.
 *
 * A hash graph tells of everything that was changed below its heads; that the
 * newest events are gone only a remembered head can tell (spec/events.md).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"

#define SHOWN_BYTES 160

struct verify {
	struct mr_history *h;
	struct mr_arena *arena;
	struct mr_flaws *out;
};

static struct mr_flaw *add(struct verify *v, enum mr_flaw_kind kind,
			   uint64_t seq, const struct mreg_digest *d)
{
	struct mr_flaw *f = &v->out->items[v->out->count++];

	*f = (struct mr_flaw){ .kind = kind, .seq = seq };
	if (d)
		f->digest = *d;
	return f;
}

static int by_seq(const void *a, const void *b)
{
	const struct mr_flaw *x = a;
	const struct mr_flaw *y = b;

	if (!x->seq != !y->seq)
		return x->seq ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

/* Tags that have no event of theirs. */
static void check_tags(struct verify *v)
{
	char shown[SHOWN_BYTES];
	uint64_t seq;
	size_t i;

	for (i = 0; i < v->h->tags.n; i++) {
		const char *tag = v->h->tags.items[i];
		bool absent = mr_list_has(&v->h->absent, tag);
		struct mr_flaw *f;

		if (!mr_log_tag(tag, &seq) ||
		    (!absent && !mr_list_has(&v->h->junk, tag)))
			continue;
		f = add(v, absent ? MR_FLAW_UNREADABLE : MR_FLAW_CHANGED, seq,
			NULL);
		(void)mr_text_safe(tag, shown, sizeof(shown));
		f->problem = mr_arena_printf(
			v->arena,
			absent ? "'%s' is listed but cannot be read"
			       : "'%s' is not the event that its name says",
			shown);
	}
}

static int check_missing(struct verify *v, struct mreg_error *err)
{
	const struct mreg_digest *missing;
	char text[MREG_DIGEST_TEXT];
	size_t n;
	size_t i;
	int rc = mr_ledger_missing(v->h->ledger, &missing, &n, err);

	for (i = 0; rc >= 0 && i < n; i++) {
		const struct mr_event *by =
			mr_ledger_first_after(v->h->ledger, &missing[i]);
		struct mr_flaw *f =
			add(v, MR_FLAW_REMOVED,
			    by && by->seq > 1 ? by->seq - 1 : 0, &missing[i]);

		f->problem = mr_arena_printf(
			v->arena,
			"event %s is not there; a later one (%" PRIu64
			") names it",
			mreg_digest_text(&missing[i], text), by ? by->seq : 0);
	}
	return rc;
}

static void check_places(struct verify *v)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < mr_ledger_count(v->h->ledger); i++) {
		const struct mr_event *e = mr_ledger_event(v->h->ledger, i);
		struct mr_flaw *f;

		if (mr_ledger_placed(v->h->ledger, e))
			continue;
		f = add(v, MR_FLAW_MISPLACED, e->seq, &e->digest);
		f->problem = mr_arena_printf(
			v->arena,
			"event %s says it is the %" PRIu64
			". and does not follow the one before",
			mreg_digest_text(&e->digest, text), e->seq);
	}
}

static void check_against(struct verify *v, const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	if (d && !mr_ledger_find(v->h->ledger, d))
		add(v, MR_FLAW_REMOVED, 0, d)->problem = mr_arena_printf(
			v->arena,
			"event %s, which was to be there, is not: the newest "
			"events were removed, or it is of another log",
			mreg_digest_text(d, text));
}

int mr_log_verify(struct mr_history *h, const struct mreg_digest *against,
		  struct mr_arena *a, struct mr_flaws *out,
		  struct mreg_error *err)
{
	struct verify v = { .h = h, .arena = a, .out = out };
	const struct mreg_digest *missing;
	size_t n;
	int rc = mr_ledger_missing(h->ledger, &missing, &n, err);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	out->items =
		mr_arena_alloc(a, (h->tags.n + n + mr_ledger_count(h->ledger) +
				   1) * sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	check_tags(&v);
	rc = check_missing(&v, err);
	if (rc < 0)
		return rc;
	check_places(&v);
	check_against(&v, against);
	if (out->count > 1)
		qsort(out->items, out->count, sizeof(*out->items), by_seq);
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}
