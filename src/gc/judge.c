/*
 * judge.c - what becomes of each item, and the first reason why (spec/gc.md
 * lists them in this order).
 */
#include "gc/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "gc/past.h"

#define SHOWN_BYTES 200

static void settle(struct gc *g, struct gc_item *it, enum mreg_gc_action action,
		   const char *reason, const char *why)
{
	it->action = action;
	it->reason = reason;
	it->why = mr_arena_strdup(g->arena, why);
}

/* `fmt` takes one text, which may come from outside. */
static bool keep(struct gc *g, struct gc_item *it, const char *reason,
		 const char *before, const char *text, const char *after)
{
	char shown[SHOWN_BYTES];

	it->action = MREG_GC_KEEP;
	it->reason = reason;
	it->why = mr_arena_printf(
		g->arena, "%s%s%s", before,
		text ? mr_text_safe(text, shown, sizeof(shown)) : "", after);
	return true;
}

static bool is_at(const struct gc_item *it, const struct mreg_digest *d)
{
	return mreg_digest_equal(&it->desc.digest, d);
}

/* Whether "v3" is one of its names: two of them may have one digest, or the log
 * gives it the number and the tag is lost. */
static bool is_number(const struct gc *g, const struct gc_item *it,
		      const char *tag)
{
	uint64_t number = mr_tag_number(tag);
	const struct mr_event *owner;
	size_t i;

	if (!number || it->number == number)
		return number != 0;
	for (i = 0; i < g->tag_count; i++)
		if (g->tags[i].found && is_at(it, &g->tags[i].desc.digest) &&
		    mr_tag_number(g->tags[i].name) == number)
			return true;
	owner = mr_ledger_owner(g->h.ledger, number, &it->desc.digest);
	return owner && is_at(it, &owner->version);
}

static bool is_listed(const struct gc *g, const struct gc_item *it,
		      const struct mreg_texts *list)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	(void)mreg_digest_text(&it->desc.digest, text);
	for (i = 0; i < list->n; i++)
		if (strcmp(list->items[i], text) == 0 ||
		    is_number(g, it, list->items[i]))
			return true;
	return false;
}

/* -- in use ---------------------------------------------------------------- */

static bool has_alias(struct gc *g, struct gc_item *it)
{
	size_t i;

	for (i = 0; i < g->tag_count; i++) {
		const struct gc_tag *t = &g->tags[i];

		if (!t->found || !is_at(it, &t->desc.digest))
			continue;
		if (t->kind == MR_TAG_ALIAS)
			return keep(g, it, "aliased", "alias '", t->name,
				    "' has it");
		if (t->kind == MR_TAG_LATEST)
			return keep(g, it, "aliased", "it is '", t->name, "'");
	}
	for (i = 0; i < g->now.alias_count; i++) {
		const struct mr_alias_standing *a = &g->now.aliases[i];

		if (a->move && is_at(it, &a->move->version))
			return keep(g, it, "aliased", "alias '", a->name,
				    "' has it by the log");
		if (mr_split_share(a, &it->desc.digest))
			return keep(g, it, "aliased", "alias '", a->name,
				    "' sends it a share of its traffic");
	}
	return false;
}

static bool is_released(struct gc *g, struct gc_item *it)
{
	size_t i;

	for (i = 0; i < g->tag_count; i++)
		if (g->tags[i].found && g->tags[i].kind == MR_TAG_RELEASE &&
		    is_at(it, &g->tags[i].desc.digest))
			return keep(g, it, "released", "it is release ",
				    g->tags[i].name, "");
	if (it->v && it->v->released)
		return keep(g, it, "released", "it is release ",
			    mr_event_text(it->v->released, "release"), "");
	return false;
}

/* Its own manifest, or one below an index or hung on it. */
static bool has_part(const struct gc *g, const struct gc_item *it,
		     const struct mreg_digest *d)
{
	size_t at = mr_digest_map_get(&g->part_map, d);

	return is_at(it, d) ||
	       (at != MR_DIGEST_NO_INDEX && &g->items[at] == it);
}

static bool is_deployed(struct gc *g, struct gc_item *it)
{
	size_t i;

	for (i = 0; i < g->now.deployment_count; i++)
		if (has_part(g, it, &g->now.deployments[i].event->version))
			return keep(g, it, "deployed", "it runs in '",
				    g->now.deployments[i].environment, "'");
	return false;
}

static bool is_held(struct gc *g, struct gc_item *it)
{
	const struct mr_words *hold = &g->life->hold;
	size_t i;

	if (g->life->hold_all)
		return keep(g, it, "held", "the policy holds all versions",
			    NULL, "");
	for (i = 0; i < hold->n; i++)
		if (is_number(g, it, hold->items[i]))
			return keep(g, it, "held", "the policy holds '",
				    hold->items[i], "'");
	return it->held && keep(g, it, "held", "the policy holds what '",
				it->held, "' has or had");
}

/* Pointed at by what does not go with it. */
static bool is_tagged(struct gc *g, struct gc_item *it)
{
	size_t i;

	for (i = 0; i < g->tag_count; i++)
		if (g->tags[i].found && !g->tags[i].item &&
		    is_at(it, &g->tags[i].desc.digest))
			return keep(g, it, "tagged", "tag '", g->tags[i].name,
				    "' names it");
	return false;
}

static bool is_highest(struct gc *g, struct gc_item *it)
{
	size_t i;

	for (i = 1; i < g->item_count; i++)
		if (g->items[i].tagged && g->items[i].number > it->number)
			return false;
	return it->tagged &&
	       keep(g, it, "highest", "it is the highest version", NULL, "");
}

/* The log and the tag do not say the same of its number: one of the two may
 * be somebody's version. */
static bool is_moved(struct gc *g, struct gc_item *it)
{
	const struct mr_event *claim = it->v ? it->v->registered : NULL;
	const struct mr_event *owner;
	char tag[32];
	size_t i;

	for (i = 0; i < g->tag_count; i++) {
		const struct gc_tag *t = &g->tags[i];
		uint64_t number = mr_tag_number(t->name);

		if (t->kind != MR_TAG_VERSION || !t->found ||
		    (!is_at(it, &t->desc.digest) &&
		     !(claim && claim->number == number)))
			continue;
		owner = mr_ledger_owner(g->h.ledger, number, &t->desc.digest);
		(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
		if (owner && is_at(it, &t->desc.digest) &&
		    !is_at(it, &owner->version))
			return keep(g, it, "moved", "tag '", tag,
				    "' was moved here without mreg");
		if (owner && claim && claim->number == number &&
		    is_at(it, &owner->version) && !is_at(it, &t->desc.digest))
			return keep(g, it, "moved", "tag '", tag,
				    "' was moved away without mreg");
	}
	return false;
}

static bool is_used(struct gc *g, struct gc_item *it)
{
	if (is_listed(g, it, &g->o->keep))
		return keep(g, it, "asked", "--keep names it", NULL, "");
	return has_alias(g, it) || is_released(g, it) || is_deployed(g, it) ||
	       is_held(g, it) || is_highest(g, it) || is_moved(g, it) ||
	       is_tagged(g, it);
}

/* -- in time --------------------------------------------------------------- */

/* "3 days ago" */
static const char *ago(const struct gc *g, int64_t then_s, char out[32])
{
	return mr_text_age(g->now_s - then_s, out);
}

static bool is_recent(struct gc *g, struct gc_item *it)
{
	const struct mr_event *claim = it->v ? it->v->registered : NULL;
	char text[32];
	char why[SHOWN_BYTES];

	if (it->left_s && g->now_s - it->left_s < g->retention_s) {
		(void)snprintf(why, sizeof(why), "' had it until %s",
			       ago(g, it->left_s, text));
		return keep(g, it, "was_aliased", "alias '", it->left, why);
	}
	if (claim && g->now_s - claim->time_s < g->retention_s)
		return keep(g, it, "younger", "it was registered ",
			    ago(g, claim->time_s, text), "");
	return false;
}

/* Whether the policy wants it out of sight. */
static bool is_outdated(struct gc *g, struct gc_item *it)
{
	const struct mr_archive_rule *rule = &g->life->archive;
	const struct mr_event *claim = it->v ? it->v->registered : NULL;
	char why[SHOWN_BYTES], text[32];
	uint64_t above = 0;
	size_t i;

	for (i = 1; i < g->item_count; i++)
		above += g->items[i].tagged && g->items[i].number > it->number;
	if (rule->superseded_s && it->superseded_s &&
	    g->now_s - it->superseded_s >= rule->superseded_s) {
		(void)snprintf(why, sizeof(why),
			       "a higher version took its alias %s",
			       ago(g, it->superseded_s, text));
		settle(g, it, MREG_GC_ARCHIVE, "superseded", why);
	} else if (rule->keep && above >= rule->keep) {
		(void)snprintf(why, sizeof(why),
			       "it is not among the last %" PRIu64, rule->keep);
		settle(g, it, MREG_GC_ARCHIVE, "not_among_last", why);
	} else if (rule->older_s && claim &&
		   g->now_s - claim->time_s >= rule->older_s) {
		(void)snprintf(why, sizeof(why), "it was registered %s",
			       ago(g, claim->time_s, text));
		settle(g, it, MREG_GC_ARCHIVE, "older", why);
	} else {
		return false;
	}
	return true;
}

static void judge_version(struct gc *g, struct gc_item *it)
{
	const struct mr_event *archived = it->v ? it->v->archived : NULL;
	char text[32], why[SHOWN_BYTES];

	if (!archived && is_outdated(g, it))
		return;
	if (is_recent(g, it))
		return;
	if (!archived) {
		(void)keep(g, it, "not_archived", "it is not archived", NULL,
			   "");
		return;
	}
	(void)snprintf(why, sizeof(why), "it was archived %s",
		       ago(g, archived->time_s, text));
	if (g->now_s - archived->time_s < g->retention_s)
		settle(g, it, MREG_GC_KEEP, "archived_lately", why);
	else
		settle(g, it, MREG_GC_REMOVE, "archived", why);
}

static void judge_unfinished(struct gc *g, struct gc_item *it)
{
	const struct mr_event *claim = it->v ? it->v->registered : NULL;
	int64_t grace =
		g->o->older_s > MR_GC_GRACE_S ? g->o->older_s : MR_GC_GRACE_S;
	char text[32], why[SHOWN_BYTES];

	(void)snprintf(why, sizeof(why), "a push that did not finish, %s",
		       claim ? ago(g, claim->time_s, text) : "some time ago");
	if (claim && g->now_s - claim->time_s < grace)
		settle(g, it, MREG_GC_KEEP, "unfinished_lately", why);
	else
		settle(g, it, MREG_GC_REMOVE, "unfinished", why);
}

/* A removal that was not shown is somebody else's, who may be at it. */
static bool is_undone(const struct gc_item *it)
{
	return it->action == MREG_GC_KEEP && it->v && it->v->removed &&
	       strcmp(it->reason, "not_shown") != 0;
}

static void judge_one(struct gc *g, struct gc_item *it)
{
	if (is_used(g, it))
		return;
	/* Who brings back what was about to go wants it. */
	if (it->v && it->v->removed && it->tagged && !it->v->archived)
		(void)keep(g, it, "not_archived", "it was restored", NULL, "");
	else if (it->v && it->v->removed)
		settle(g, it, MREG_GC_REMOVE, "removed",
		       "its removal was not finished");
	else if (it->tagged || it->published)
		judge_version(g, it);
	else
		judge_unfinished(g, it);
	if (it->action != MREG_GC_KEEP && g->o->only.items &&
	    !is_listed(g, it, &g->o->only))
		(void)keep(g, it, "not_shown",
			   "it was not in the plan that was shown", NULL, "");
}

/* -- what others come from ------------------------------------------------- */

static void name_of(const struct gc *g, size_t item, char out[MREG_DIGEST_TEXT])
{
	const struct gc_item *it = &g->items[item];

	if (it->number)
		(void)snprintf(out, MREG_DIGEST_TEXT, "v%" PRIu64, it->number);
	else if (item)
		(void)mreg_digest_text(&it->desc.digest, out);
	else
		(void)snprintf(out, MREG_DIGEST_TEXT, "something tagged");
}

/* The items that have a manifest: as their own, or as a part. */
static void keep_holders(struct gc *g, const struct gc_need *need,
			 bool *changed)
{
	size_t own = mr_digest_map_get(&g->item_map, &need->digest);
	size_t part = mr_digest_map_get(&g->part_map, &need->digest);
	size_t at[2] = { own, part };
	char name[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < 2; i++) {
		struct gc_item *it;

		if (at[i] == MR_DIGEST_NO_INDEX || at[i] == need->item)
			continue;
		it = &g->items[at[i]];
		if (it->action != MREG_GC_REMOVE)
			continue;
		name_of(g, need->item, name);
		(void)keep(g, it, "referred",
			   need->successor ? "it is the successor of " : "",
			   name, need->successor ? "" : " refers to it");
		*changed = true;
	}
}

static void keep_ancestors(struct gc *g)
{
	bool changed = true;
	size_t i;

	while (changed) {
		changed = false;
		for (i = 0; i < g->need_count; i++)
			if (g->items[g->needs[i].item].action != MREG_GC_REMOVE)
				keep_holders(g, &g->needs[i], &changed);
	}
}

/* -- bytes ----------------------------------------------------------------- */

/* What only items that go name becomes free; it is counted for the first. */
static void count_bytes(struct gc *g)
{
	size_t i = 0;

	while (i < g->use_count) {
		struct gc_item *first = &g->items[g->uses[i].item];
		uint64_t size = g->uses[i].size;
		bool goes = true;
		size_t k = i;

		for (;
		     k < g->use_count &&
		     mreg_digest_equal(&g->uses[k].digest, &g->uses[i].digest);
		     k++) {
			struct gc_item *it = &g->items[g->uses[k].item];

			it->bytes += size;
			goes = goes && it->action == MREG_GC_REMOVE;
		}
		/* Every event names the empty blob. */
		if (goes && !mreg_digest_equal(&g->uses[i].digest,
					       &mr_empty_desc.digest))
			first->freed += size;
		i = k;
	}
}

int mr_gc_judge(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc;

	g->retention_s = g->life->retention_s;
	if (g->o->older_s > g->retention_s)
		g->retention_s = g->o->older_s;
	rc = mr_gc_past(g, err);
	if (rc < 0)
		return rc;
	settle(g, &g->items[0], MREG_GC_KEEP, "rest", "");
	for (i = 1; i < g->item_count; i++)
		judge_one(g, &g->items[i]);
	keep_ancestors(g);
	count_bytes(g);
	for (i = 1; i < g->item_count; i++) {
		struct gc_item *it = &g->items[i];

		it->undo = is_undone(it);
		if (it->action != MREG_GC_REMOVE)
			mr_manifest_freep(&it->doc);
	}
	return mr_result_check(g->arena, err);
}
