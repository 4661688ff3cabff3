/*
 * split_show.c - which versions share an alias's traffic, and which did.
 */
#include "life/split.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

void mr_split_release(struct split *p)
{
	mr_standing_release(&p->now);
	mr_history_release(&p->h);
	mr_store_closep(&p->s);
}

int mr_split_look(struct split *p, struct mreg_error *err)
{
	int rc;

	mr_standing_release(&p->now);
	rc = mr_ledger_standing(p->h.ledger, MR_STANDING_NOW, &p->now, err);
	return rc < 0 ? rc
		      : mr_alias_look_by(p->s, &p->h, &p->now, p->ref.tag,
					 &p->state, err);
}

static uint64_t number_of(const struct split *p, const struct mreg_digest *d)
{
	const struct mr_version_standing *v = mr_standing_version(&p->now, d);

	return v && v->registered ? v->registered->number : 0;
}

int mr_split_result(struct split *p, struct mreg_error *err)
{
	struct mreg_split_result *out = p->out;
	const struct mr_event *split = p->state.split;
	struct mr_arena *a = out->owner;
	char name[MREG_REF_TEXT];

	out->name = mr_arena_strdup(a, mr_target_name(p->m, &p->ref, name));
	out->alias = mr_arena_strdup(a, p->ref.tag);
	out->digest = p->state.fold;
	out->number = number_of(p, &out->digest);
	out->differs = mr_alias_differs(p->state.agree);
	out->actor = "";
	if (!split)
		return mr_result_check(a, err);
	out->parts = mr_split_told(a, &p->now, split, &out->digest,
				   &out->part_count);
	out->event = split->digest;
	out->since_s = split->time_s;
	out->actor = mr_arena_strdup(a, split->actor);
	out->policy = split->policy;
	if (mr_event_text(split, "reason"))
		out->reason =
			mr_arena_strdup(a, mr_event_text(split, "reason"));
	return mr_result_check(a, err);
}

/* -- history --------------------------------------------------------------- */

static const char *word_of(const struct mr_event *ended)
{
	if (ended->kind == MR_EVENT_SPLIT_RECORDED)
		return "split";
	return ended->kind == MR_EVENT_TAG_ADOPTED ? "adoption"
						   : mr_event_text(ended, "by");
}

void mr_split_row(struct mr_ledger *l, const struct mr_standing *now,
		  const struct mr_split_told *told, struct mr_arena *a,
		  struct mreg_split_row *row)
{
	const struct mr_event *e = told->event;
	const char *reason = mr_event_text(e, "reason");
	const struct mr_event *move = NULL;
	struct mreg_digest on;

	*row = (struct mreg_split_row){
		.event = e->digest,
		.seq = e->seq,
		.time_s = e->time_s,
		.actor = mr_arena_strdup(a, e->actor),
		.reason = reason ? mr_arena_strdup(a, reason) : NULL,
		.state = "ignored",
		.why = told->idle,
	};
	if (told->idle)
		return;
	if (mr_event_digest(e, "move", &on))
		move = mr_ledger_find(l, &on);
	if (move)
		row->was = move->version;
	row->parts = mr_split_told(a, now, e, &row->was, &row->part_count);
	row->state = !row->part_count ? "end"
		     : told->ended    ? "ended"
				      : "in_force";
	if (told->ended) {
		row->why = mr_arena_strdup(a, word_of(told->ended));
		row->ended_by = told->ended->digest;
	}
}

static int take_history(struct split *p, struct mreg_error *err)
{
	struct mreg_split_result *out = p->out;
	struct mr_split_told *told;
	size_t n;
	size_t i;
	int rc = mr_ledger_splits(p->h.ledger, p->ref.tag, out->owner, &told,
				  &n, err);

	if (rc < 0)
		return rc;
	out->rows = mr_arena_alloc(out->owner, (n + 1) * sizeof(*out->rows));
	for (i = 0; out->rows && i < n; i++)
		mr_split_row(p->h.ledger, &p->now, &told[i], out->owner,
			     &out->rows[i]);
	out->row_count = n;
	return mr_result_check(out->owner, err);
}

static int run(struct split *p, const char *text, bool history,
	       struct mreg_error *err)
{
	int rc = mr_name_target(p->m, text, &p->ref, &p->s, err);

	if (rc >= 0)
		rc = mr_history_read(p->m, p->s, &p->h, err);
	if (rc >= 0)
		rc = mr_split_look(p, err);
	if (rc >= 0 && !p->state.move && !mr_digest_known(&p->state.tag.digest))
		rc = mr_target_missing(p->s, &p->ref, err);
	if (rc >= 0)
		rc = mr_split_result(p, err);
	return rc < 0 || !history ? rc : take_history(p, err);
}

int mreg_split_show(struct mreg *m, const char *ref, bool history,
		    struct mreg_split_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_split_release) struct split p = { .m = m, .out = out };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&p, ref, history, err);
	if (rc < 0)
		mreg_split_result_release(out);
	return rc;
}

void mreg_split_result_release(struct mreg_split_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
