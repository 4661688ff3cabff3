/*
 * apply.c - a plan carried out, and what the log says of it.
 *
 * Order: archive -> see that the log is whole -> ask whether the registry
 * deletes at all -> write every removal into the log -> read everything again,
 * for somebody may have begun to use one meanwhile: such a removal is taken
 * back -> remove, what hangs on a version before the version -> look at the log
 * once more.
 *
 * Invariants
 * 1. Nothing is removed before the log says so; what died in between is found
 *    by its event, and completed.
 * 2. An event of a removal that is not carried out, because of the registry or
 *    of a later use, is taken back by a *restored*.
 */
#include "gc/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

/* -- events ---------------------------------------------------------------- */

static int append(struct gc *g, struct gc_item *it, struct mr_event *e,
		  struct mreg_error *err)
{
	int rc;

	e->version = it->desc.digest;
	rc = mr_log_append(g->m, g->s, &g->h, &g->ref, e, &it->event, err);
	return rc < 0 ? rc : mr_history_read(g->m, g->s, &g->h, err);
}

static int write_archived(struct gc *g, struct gc_item *it,
			  struct mreg_error *err)
{
	struct mr_event_field reason = {
		.key = "reason",
		.text = mr_arena_printf(g->arena, "by policy: %s", it->why),
	};
	struct mr_event e = { .kind = MR_EVENT_ARCHIVED,
			      .fields = &reason,
			      .field_count = 1 };

	return reason.text ? append(g, it, &e, err) : mr_fail_nomem(err);
}

static int write_removed(struct gc *g, size_t item, struct mreg_error *err)
{
	struct gc_item *it = &g->items[item];
	MR_AUTO(mr_free) struct mreg_pair *tags = NULL;
	struct mr_event_field fields[2];
	struct mr_event e = { .kind = MR_EVENT_REMOVED, .fields = fields };
	size_t n = 0;
	size_t i;

	tags = mr_array(g->tag_count + 1, sizeof(*tags));
	if (!tags)
		return mr_fail_nomem(err);
	for (i = 0; i < g->tag_count; i++)
		if (g->tags[i].found && g->tags[i].item == item)
			tags[n++].name = g->tags[i].name;
	if (g->policies.source_count)
		e.policy = g->policies.sources[0].digest;
	if (g->o->reason)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "reason",
						 .text = g->o->reason };
	fields[e.field_count++] = (struct mr_event_field){ .key = "tags",
							   .items = tags,
							   .count = n };
	return append(g, it, &e, err);
}

static int take_back(struct gc *g, struct gc_item *it, const char *why,
		     struct mreg_error *err)
{
	struct mr_event_field fields[2] = {
		{ .key = "reason", .text = why },
		{ .key = "what", .text = "removed" },
	};
	struct mr_event e = { .kind = MR_EVENT_RESTORED,
			      .fields = fields,
			      .field_count = MR_COUNT(fields) };

	return append(g, it, &e, err);
}

static int take_back_undone(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++)
		if (g->items[i].undo)
			rc = take_back(g, &g->items[i], g->items[i].why, err);
	return rc;
}

/* The v<N> of one whose manifest was refused after its tags had gone. */
static int put_numbers(struct gc *g, size_t item, struct mreg_error *err)
{
	const struct gc_item *it = &g->items[item];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && it->doc && i < g->tag_count; i++)
		if (g->tags[i].found && g->tags[i].item == item &&
		    g->tags[i].kind == MR_TAG_VERSION)
			rc = mr_tag_set(g->s, g->tags[i].name, &it->doc->desc,
					it->doc->raw, err);
	return rc;
}

/* Those that were not carried out, the last one that was begun among them. */
static int take_back_rest(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++) {
		struct gc_item *it = &g->items[i];

		if (it->action != MREG_GC_REMOVE || it->done)
			continue;
		if (it->begun)
			rc = put_numbers(g, i, err);
		if (rc >= 0)
			rc = take_back(g, it, "the registry does not delete it",
				       err);
	}
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

/* `latest` is the highest version that is not archived. */
static void move_latest(struct gc *g)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc none = { .size = 0 };
	uint64_t at;
	int rc = mr_latest_move(g->m, g->s, &g->h, &none, NULL, &at, &why);

	if (rc < 0 && rc != MREG_ENOTFOUND)
		mr_log(&g->m->env, MREG_LOG_WARN, "'latest' was not moved: %s",
		       why.msg);
}

static int write_removals(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++)
		if (mr_gc_goes(g, i) &&
		    !(g->items[i].v && g->items[i].v->removed))
			rc = write_removed(g, i, err);
	return rc;
}

/* Its v<N> and its aliases, as the log has them now. */
static int put_tags(struct gc *g, const struct gc_item *it,
		    const struct mr_standing *now, struct mreg_error *err)
{
	const struct mr_version_standing *v =
		mr_standing_version(now, &it->desc.digest);
	bool changed;
	char tag[32];
	size_t i;
	int rc = 0;

	if (v->registered) {
		(void)snprintf(tag, sizeof(tag), "v%" PRIu64,
			       v->registered->number);
		rc = mr_tag_set(g->s, tag, &it->doc->desc, it->doc->raw, err);
	}
	for (i = 0; rc >= 0 && i < now->alias_count; i++)
		if (now->aliases[i].move &&
		    mreg_digest_equal(&now->aliases[i].move->version,
				      &it->desc.digest))
			rc = mr_alias_repair(g->m, g->s, &g->h,
					     now->aliases[i].name, &changed,
					     err);
	if (rc >= 0)
		move_latest(g);
	return rc;
}

/* An alias or a place. */
static bool is_at_work(const struct mr_standing *now, const struct gc_item *it)
{
	size_t i;

	for (i = 0; i < now->alias_count; i++)
		if (now->aliases[i].move &&
		    mreg_digest_equal(&now->aliases[i].move->version,
				      &it->desc.digest))
			return true;
	for (i = 0; i < now->deployment_count; i++)
		if (mreg_digest_equal(&now->deployments[i].event->version,
				      &it->desc.digest))
			return true;
	return false;
}

static int put_back_one(struct gc *g, struct gc_item *it,
			const struct mr_standing *now, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	int rc = 0;

	it->done = false;
	(void)mreg_digest_text(&it->desc.digest, text);
	mr_log(&g->m->env, MREG_LOG_WARN,
	       "'%s' was taken into use meanwhile: it is put back", text);
	if (mr_standing_version(now, &it->desc.digest)->removed)
		rc = take_back(g, it, "it was taken into use meanwhile", err);
	if (rc >= 0)
		rc = mr_store_set(g->s, text, &it->doc->desc, it->doc->raw,
				  NULL, err);
	return rc < 0 ? rc : put_tags(g, it, now, err);
}

/*
 * Whoever registered the version again while it went, restored it, or moved an
 * alias to it, did not see it go: it is put back, with its tags.  Where a
 * registry deleted only the manifest its blobs are still there.
 */
static int put_back(struct gc *g, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	size_t i;
	int rc = mr_history_read(g->m, g->s, &g->h, err);

	if (rc >= 0)
		rc = mr_ledger_standing(g->h.ledger, MR_STANDING_NOW, &now,
					err);
	for (i = 1; rc >= 0 && i < g->item_count; i++) {
		struct gc_item *it = &g->items[i];
		const struct mr_version_standing *v =
			mr_standing_version(&now, &it->desc.digest);

		if (it->done && it->doc && v &&
		    (!v->removed || is_at_work(&now, it) ||
		     (it->v->archived && !v->archived)))
			rc = put_back_one(g, it, &now, err);
	}
	return rc;
}

static int remove_all(struct gc *g, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool any = false;
	size_t i;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++)
		if (mr_gc_goes(g, i)) {
			rc = mr_gc_remove(g, i, err);
			any = true;
		}
	if ((rc == MREG_EUNSUPPORTED || rc == MREG_EDENIED) &&
	    take_back_rest(g, &why) < 0)
		mr_log(&g->m->env, MREG_LOG_WARN,
		       "a removal that was refused stays in the log: %s",
		       why.msg);
	return rc < 0 || !any ? rc : put_back(g, err);
}

int mr_gc_sweep(struct gc *g, struct mr_sweep *sweep, struct mreg_error *err)
{
	MR_AUTO(mr_digest_map_release) struct mr_digest_map sure = { .n = 0 };
	struct mreg_error why = MREG_ERROR_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < g->use_count; i++)
		if (mr_gc_goes(g, g->uses[i].item) &&
		    g->items[g->uses[i].item].done)
			rc = mr_digest_map_put(&sure, &g->uses[i].digest, 0,
					       err);
	if (rc < 0)
		return rc;
	sweep->older_s = MR_GC_GRACE_S;
	sweep->sure = &sure;
	rc = mr_store_sweep(g->s, sweep, &why);
	sweep->sure = NULL;
	/* What was removed is removed; its bytes stay. */
	sweep->able = sweep->able && rc != MREG_EUNSUPPORTED;
	if (rc == MREG_EUNSUPPORTED)
		mr_log(&g->m->env, MREG_LOG_WARN, "%s: %s", why.msg, why.cause);
	else if (rc < 0)
		*err = why;
	return rc == MREG_EUNSUPPORTED ? 0 : rc;
}

/* Only what the log says is removed goes; the rest is for the next time. */
static void keep_unsaid(struct gc *g)
{
	size_t i;

	for (i = 1; i < g->item_count; i++) {
		struct gc_item *it = &g->items[i];

		if (mr_gc_goes(g, i) && !(it->v && it->v->removed)) {
			it->action = MREG_GC_KEEP;
			it->reason = "not_shown";
			it->why = "it was not in the plan that was shown";
		}
	}
}

static bool is_any(const struct gc *g)
{
	size_t i;

	for (i = 1; i < g->item_count; i++)
		if (mr_gc_goes(g, i) || g->items[i].undo)
			return true;
	return false;
}

int mr_gc_archive(struct gc *g, struct mreg_error *err)
{
	bool any = false;
	size_t i;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++) {
		if (g->items[i].action != MREG_GC_ARCHIVE)
			continue;
		rc = write_archived(g, &g->items[i], err);
		g->items[i].done = any = rc >= 0;
	}
	if (rc >= 0 && any)
		move_latest(g);
	return rc;
}

/* What is missing may have been a use, or the policy's hold. */
static int check_log(struct gc *g, struct mreg_error *err)
{
	const struct mreg_digest *missing;
	char name[MREG_REF_TEXT];
	size_t n;
	int rc = mr_ledger_missing(g->h.ledger, &missing, &n, err);

	n += rc < 0 ? 0 : g->h.junk.n;
	if (rc < 0 || !n || g->o->incomplete_log)
		return rc;
	(void)mr_target_name(g->m, &g->ref, name);
	(void)mr_fail(err, MREG_EINTEGRITY,
		      "nothing was removed: %zu %s of the log of '%.100s' %s "
		      "missing or replaced",
		      n, n == 1 ? "entry" : "entries", name,
		      n == 1 ? "is" : "are");
	return mr_hint(err, "'mreg log NAME --verify' tells which; with "
			    "--incomplete-log it is removed all the same");
}

int mr_gc_apply(struct gc *g, struct mr_sweep *sweep, struct mreg_error *err)
{
	int rc = 0;

	if (is_any(g)) {
		rc = check_log(g, err);
		if (rc >= 0)
			rc = mr_gc_ask(g, err);
		if (rc >= 0)
			rc = write_removals(g, err);
		if (rc >= 0)
			rc = mr_gc_gather(g, err);
		if (rc >= 0)
			rc = mr_gc_judge(g, err);
		if (rc < 0)
			return rc;
		keep_unsaid(g);
		rc = take_back_undone(g, err);
		if (rc >= 0)
			rc = remove_all(g, err);
	}
	return rc < 0 ? rc : mr_gc_sweep(g, sweep, err);
}
