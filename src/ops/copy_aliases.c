/*
 * copy_aliases.c - aliases that follow the source into a target whose history
 * says otherwise.
 *
 * Copied events and the target's own make one log, and its fold may give an
 * alias something else than the source's tag has.  Then the move is an event
 * of the target: a tag that its log does not explain is a foreign move
 * (spec/events.md, "Aliases and their tags").
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "ops/copy.h"

static bool is_copied(const struct copy_tag *t)
{
	return t->node != MR_COPY_NO_NODE || t->tombstone;
}

static struct mreg_digest wanted(const struct copy *c, const struct copy_tag *t)
{
	struct mreg_digest none = { .algorithm = MREG_DIGEST_NONE };

	return t->tombstone ? none : c->nodes[t->node].desc.digest;
}

/* Where the log of the target has the alias elsewhere; one that no event names
 * yet stays so. */
static void judge(const struct copy *c, const struct mr_standing *now,
		  struct copy_tag *t)
{
	struct mreg_digest want;
	const struct mr_alias_standing *a = mr_standing_alias(now, t->name);

	if (t->kind != MR_TAG_ALIAS || t->action == MREG_COPY_SAME ||
	    !is_copied(t) || !a || !a->move)
		return;
	want = wanted(c, t);
	t->recorded = !mreg_digest_equal(&a->move->version, &want);
}

static int follow(struct copy *c, const struct copy_tag *t,
		  struct mreg_error *err)
{
	struct mr_move mv = {
		.alias = t->name,
		.by = "copy",
		.to = { .digest = wanted(c, t) },
		.archived = true,
	};
	struct mr_moved moved;

	return mr_alias_move(c->m, c->to, &c->target_log, &c->target, &mv,
			     &moved, err);
}

/* -- what the source removed -------------------------------------------------
 */

static bool has_tag(const struct copy *c, const char *alias)
{
	size_t i;

	for (i = 0; i < c->tag_count; i++)
		if (is_copied(&c->tags[i]) &&
		    strcmp(c->tags[i].name, alias) == 0)
			return true;
	return false;
}

/* Where tags can be deleted nothing is left to be copied but the event.
 * `out`: names in the arena. */
static int list_removed(struct copy *c, const struct mr_standing *now,
			const char ***out, size_t *count,
			struct mreg_error *err)
{
	const char **names = mr_arena_alloc(c->arena, (now->alias_count + 1) *
							      sizeof(*names));
	size_t i;

	*out = names;
	*count = 0;
	for (i = 0; names && i < now->alias_count; i++) {
		const struct mr_alias_standing *a = &now->aliases[i];

		if (a->move && !mr_digest_known(&a->move->version) &&
		    !has_tag(c, a->name))
			names[(*count)++] = mr_arena_strdup(c->arena, a->name);
	}
	return mr_result_check(c->arena, err);
}

static int finish(struct copy *c, const char *alias, struct mreg_error *err)
{
	struct mr_alias_state st;
	bool changed;
	int rc = mr_alias_look(c->to, &c->target_log, alias, &st, err);

	if (rc < 0 || st.agree != MR_ALIAS_UNFINISHED)
		return rc;
	return mr_alias_repair(c->m, c->to, &c->target_log, alias, &changed,
			       err);
}

/* By the fold of everything that was copied: moves of our own that follow
 * change nothing of another alias. */
static int decide(struct copy *c, const char ***removed, size_t *count,
		  struct mreg_error *err)
{
	MR_AUTO(mr_standing_release)
	struct mr_standing now = { .arena = NULL };
	size_t i;
	int rc = mr_history_read(c->m, c->to, &c->target_log, err);

	if (rc >= 0)
		rc = mr_ledger_standing(c->target_log.ledger, MR_STANDING_NOW,
					&now, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < c->tag_count; i++)
		judge(c, &now, &c->tags[i]);
	return c->whole ? list_removed(c, &now, removed, count, err) : 0;
}

int mr_copy_aliases(struct copy *c, struct mreg_error *err)
{
	const char **removed = NULL;
	size_t count = 0;
	size_t i;
	int rc = decide(c, &removed, &count, err);

	for (i = 0; rc >= 0 && i < c->tag_count; i++)
		if (c->tags[i].recorded)
			rc = follow(c, &c->tags[i], err);
	for (i = 0; rc >= 0 && i < count; i++)
		rc = finish(c, removed[i], err);
	return rc;
}
