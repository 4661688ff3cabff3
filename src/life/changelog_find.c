/*
 * changelog_find.c - where an alias was: a version, or a moment, to one of its
 * moves.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "content/digest.h"
#include "life/changelog.h"

#define SHOWN_BYTES 100

/* -- the alias's moves ----------------------------------------------------- */

static bool is_move(const struct mr_changes *c, const struct mr_event *e)
{
	return (e->kind == MR_EVENT_ALIAS_MOVED ||
		e->kind == MR_EVENT_TAG_ADOPTED) &&
	       strcmp(mr_event_text(e, "alias"), c->ref.tag) == 0;
}

static int find_moves(struct mr_changes *c, struct mreg_error *err)
{
	size_t n = mr_ledger_count(c->h.ledger);
	size_t i;

	c->moves =
		mr_arena_alloc(c->arena, (n + 1) * sizeof(struct mr_event *));
	if (!c->moves)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(c->h.ledger, i);

		if (is_move(c, e))
			c->moves[c->move_count++] = e;
	}
	if (c->move_count)
		return 0;
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "the log of '%s' knows no alias '%s'", c->ref.repository,
		      c->ref.tag);
	return mr_hint(err, "'mreg alias ls' shows them; 'mreg log NAME "
			    "--adopt' takes a tag of others in");
}

/* The last move to `d` among the first `n`; MR_NOWHERE. */
static size_t last_move_to(const struct mr_changes *c, size_t n,
			   const struct mreg_digest *d)
{
	while (n-- > 0)
		if (mreg_digest_equal(&c->moves[n]->version, d))
			return n;
	return MR_NOWHERE;
}

/* -- positions ------------------------------------------------------------- */

static int fail_position(const struct mr_changes *c, const char *text,
			 struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	(void)mr_fail(err, MREG_ENOTFOUND, "alias '%s' had nothing at '%s'",
		      c->ref.tag, mr_text_safe(text, shown, sizeof(shown)));
	return mr_hint(err, "'mreg log NAME --alias %s' shows where it was",
		       c->ref.tag);
}

static int find_at(const struct mr_changes *c, const char *text, int64_t at_s,
		   struct mr_position *out, struct mreg_error *err)
{
	size_t i = c->move_count;

	while (i-- > 0)
		if (c->moves[i]->time_s <= at_s)
			break;
	if (i == SIZE_MAX || !mr_digest_known(&c->moves[i]->version))
		return fail_position(c, text, err);
	*out = (struct mr_position){ c->moves[i]->version, i };
	return 0;
}

/* A digest counts without a look: what was removed has a history too. */
static int find_version(const struct mr_changes *c, const char *text,
			struct mreg_digest *out, struct mreg_error *err)
{
	struct mreg_ref ref = c->ref;
	char shown[SHOWN_BYTES];
	struct mreg_desc d;
	int rc;

	if (mreg_digest_parse(text, out, NULL) == 0) {
		if (mr_standing_version(&c->now, out))
			return 0;
		return fail_position(c, text, err);
	}
	if (mr_tag_kind(text) == MR_TAG_INVALID) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is no position",
			      mr_text_safe(text, shown, sizeof(shown)));
		return mr_hint(err, "write v3, a digest, or a time such as "
				    "2026-05-03");
	}
	(void)snprintf(ref.tag, sizeof(ref.tag), "%s", text);
	rc = mr_target_resolve(c->s, &ref, &d, err);
	if (rc >= 0)
		*out = d.digest;
	return rc;
}

/* `before`: the first so many moves are asked first. */
static int find_position(const struct mr_changes *c, const char *text,
			 size_t before, struct mr_position *out,
			 struct mreg_error *err)
{
	int64_t at_s;
	int rc;

	if (mr_text_moment_parse(text, &at_s) == 0)
		return find_at(c, text, at_s, out, err);
	rc = find_version(c, text, &out->version, err);
	if (rc < 0)
		return rc;
	out->move = last_move_to(c, before, &out->version);
	if (out->move == MR_NOWHERE)
		out->move = last_move_to(c, c->move_count, &out->version);
	return 0;
}

static int find_to(struct mr_changes *c, struct mreg_error *err)
{
	const struct mr_event *last = c->moves[c->move_count - 1];

	if (c->o->to)
		return find_position(c, c->o->to, c->move_count, &c->to, err);
	c->to = (struct mr_position){ last->version, c->move_count - 1 };
	if (mr_digest_known(&last->version))
		return 0;
	(void)mr_fail(err, MREG_ENOTFOUND, "alias '%s' was removed",
		      c->ref.tag);
	return mr_hint(err, "say up to where with --to");
}

static int find_from(struct mr_changes *c, struct mreg_error *err)
{
	size_t i = c->to.move == MR_NOWHERE ? 0 : c->to.move;
	const struct mreg_digest *was;

	if (c->o->from)
		return find_position(c, c->o->from,
				     c->to.move == MR_NOWHERE ? c->move_count
							      : c->to.move,
				     &c->from, err);
	/* One that was set again to what it had is where it was. */
	while (i-- > 0)
		if (mr_digest_known(&c->moves[i]->version) &&
		    !mreg_digest_equal(&c->moves[i]->version, &c->to.version)) {
			c->from =
				(struct mr_position){ c->moves[i]->version, i };
			return 0;
		}
	/* Its first move tells what it had before there were events. */
	was = &c->moves[0]->was;
	if (c->to.move != MR_NOWHERE && mr_digest_known(was) &&
	    !mreg_digest_equal(was, &c->to.version)) {
		c->from = (struct mr_position){ *was, MR_NOWHERE };
		return 0;
	}
	(void)mr_fail(err, MREG_ENOTFOUND, "alias '%s' had nothing before %s",
		      c->ref.tag, c->o->to ? "that" : "what it has");
	return mr_hint(err, "say from where with --from, such as v1");
}

int mr_changes_find(struct mr_changes *c, struct mreg_error *err)
{
	int rc = find_moves(c, err);

	if (rc >= 0)
		rc = find_to(c, err);
	return rc < 0 ? rc : find_from(c, err);
}
