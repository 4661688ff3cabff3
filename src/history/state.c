/*
 * state.c - whether the tag of an alias has what the log says.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

static bool is_move_of(const struct mr_event *e, const char *alias)
{
	return (e->kind == MR_EVENT_ALIAS_MOVED ||
		e->kind == MR_EVENT_TAG_ADOPTED) &&
	       strcmp(mr_event_text(e, "alias"), alias) == 0;
}

/*
 * Whether a writer that died between its event and the tag explains what the
 * tag has: it is what the alias had before the last move, or what a move had
 * that the last one did not know of.
 */
static bool is_unfinished(struct mr_history *h, const char *alias,
			  const struct mr_event *last,
			  const struct mreg_digest *tag)
{
	const struct mr_event *before = NULL;
	size_t n = mr_ledger_count(h->ledger);
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		if (e == last)
			break;
		if (!is_move_of(e, alias))
			continue;
		before = e;
		if (mreg_digest_equal(&e->version, tag) &&
		    !mr_ledger_follows(h->ledger, last, e))
			return true;
	}
	return mreg_digest_equal(&last->was, tag) ||
	       (before && mreg_digest_equal(&before->version, tag));
}

void mr_alias_judge(struct mr_history *h, const struct mr_standing *now,
		    const char *alias, struct mr_alias_state *state)
{
	const struct mr_alias_standing *a = mr_standing_alias(now, alias);

	state->move = a ? a->move : NULL;
	state->split = a ? a->split : NULL;
	memset(&state->fold, 0, sizeof(state->fold));
	if (state->move)
		state->fold = state->move->version;
	if (mreg_digest_equal(&state->tag.digest, &state->fold))
		state->agree = MR_ALIAS_AGREES;
	else if (!state->move)
		state->agree = MR_ALIAS_UNRECORDED;
	else if (is_unfinished(h, alias, state->move, &state->tag.digest))
		state->agree = MR_ALIAS_UNFINISHED;
	else
		state->agree = MR_ALIAS_FOREIGN;
}

int mr_alias_look_by(struct mr_store *s, struct mr_history *h,
		     const struct mr_standing *now, const char *alias,
		     struct mr_alias_state *out, struct mreg_error *err)
{
	bool found;
	int rc = mr_tag_resolve(s, alias, &out->tag, &found, err);

	if (rc < 0)
		return rc;
	if (!found)
		memset(&out->tag, 0, sizeof(out->tag));
	mr_alias_judge(h, now, alias, out);
	return 0;
}

int mr_alias_look(struct mr_store *s, struct mr_history *h, const char *alias,
		  struct mr_alias_state *out, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	return rc < 0 ? rc : mr_alias_look_by(s, h, &now, alias, out, err);
}

const struct mreg_digest *mr_alias_now(const struct mr_alias_state *state)
{
	return state->agree == MR_ALIAS_UNFINISHED ? &state->fold
						   : &state->tag.digest;
}

const char *mr_alias_differs(enum mr_alias_agree agree)
{
	switch (agree) {
	case MR_ALIAS_UNFINISHED:
		return "unfinished";
	case MR_ALIAS_FOREIGN:
		return "foreign";
	case MR_ALIAS_UNRECORDED:
		return "unrecorded";
	default:
		return NULL;
	}
}
