/*
 * copy_tags.c - tags come last, under the target's lock.
 *
 *   the log and other records -> [the target's own policy stays] -> [read the
 *   log of the target: may v<N> be written?] -> v<N> -> release names ->
 *   siblings, foreign tags -> [aliases that its log has elsewhere] -> aliases
 *   -> latest
 *
 * so a version that can be seen has its number, and what breaks off in between
 * leaves claims without versions, which the same copy completes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "history/history.h"
#include "ops/copy.h"

struct stage {
	struct copy *c;
	const size_t *tags; /* borrowed */
};

static const enum mr_tag_kind stages[][2] = {
	{ MR_TAG_RECORD, MR_TAG_RECORD },   { MR_TAG_VERSION, MR_TAG_VERSION },
	{ MR_TAG_RELEASE, MR_TAG_RELEASE }, { MR_TAG_SIBLING, MR_TAG_FOREIGN },
	{ MR_TAG_ALIAS, MR_TAG_ALIAS },     { MR_TAG_LATEST, MR_TAG_LATEST },
};

static int taken(const struct copy *c, const struct copy_tag *t,
		 struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "tag '%s' in '%s' was written by someone else meanwhile",
		      t->name, c->name_to);
	return mr_hint(err, "look with 'mreg ls', then run it again");
}

static int put_tombstone(struct copy *c, const char *tag,
			 struct mreg_error *err)
{
	struct mreg_desc gone;
	const char *bytes = mr_tombstone(&gone, NULL);
	int rc = mr_store_put_bytes(c->to, &mr_empty_desc, "{}", err);

	return rc < 0 ? rc : mr_store_set(c->to, tag, &gone, bytes, NULL, err);
}

/*
 * What may not move is looked at just before and after it is written: there is
 * no lock on a registry.  An entry of the log has its digest in its name.
 */
static int write_tag(struct copy *c, const struct copy_tag *t,
		     struct mreg_error *err)
{
	const struct mreg_digest *want;
	struct mreg_digest now;
	bool fixed = !c->fresh &&
		     (t->kind == MR_TAG_VERSION || t->kind == MR_TAG_RELEASE);
	int rc = 0;

	if (t->tombstone)
		return put_tombstone(c, t->name, err);
	want = &c->nodes[t->node].desc.digest;
	if (fixed) {
		rc = mr_copy_look(c, t->name, &now, err);
		if (rc < 0)
			return rc;
		if (mr_digest_known(&now))
			return mreg_digest_equal(&now, want) ? 0
							     : taken(c, t, err);
	}
	rc = mr_copy_put(c, t->node, t->name, err);
	if (rc < 0 || !fixed)
		return rc;
	rc = mr_copy_look(c, t->name, &now, err);
	if (rc < 0)
		return rc;
	return mreg_digest_equal(&now, want) ? 0 : taken(c, t, err);
}

static int write_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct stage *s = ctx;
	const struct copy_tag *t = &s->c->tags[s->tags[i]];
	int rc = write_tag(s->c, t, err);

	if (rc < 0 && rc != MREG_ECANCELED && rc != MREG_ECONFLICT)
		return mr_wrap(err, "cannot write tag '%s' in '%s'", t->name,
			       s->c->name_to);
	return rc;
}

static int write_stage(struct copy *c, const enum mr_tag_kind kinds[2],
		       struct mreg_error *err)
{
	MR_AUTO(mr_free)
	size_t *tags = mr_array(c->tag_count + 1, sizeof(*tags));
	struct stage s = { .c = c, .tags = tags };
	size_t n = 0;
	size_t i;

	if (!tags)
		return mr_fail_nomem(err);
	for (i = 0; i < c->tag_count; i++) {
		const struct copy_tag *t = &c->tags[i];

		if ((t->node != MR_COPY_NO_NODE || t->tombstone) &&
		    t->action != MREG_COPY_SAME && !t->recorded &&
		    (t->kind == kinds[0] || t->kind == kinds[1]))
			tags[n++] = i;
	}
	return mr_task_run(&c->m->env, c->writers, n, write_one, &s, err);
}

/* What was copied is there; failing to move `latest` is only told. */
static void tell_latest(struct copy *c, const struct mreg_error *why)
{
	mr_log(&c->m->env, MREG_LOG_WARN,
	       "'%s' has what was copied, but 'latest' was not moved: %s",
	       c->name_to, why->msg);
}

/* One version: `latest` is the highest of the target. */
static void move_latest(struct copy *c)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_history *h = &c->target_log;
	int rc = mr_history_read(c->m, c->to, h, &why);

	if (rc >= 0)
		rc = mr_copy_look(c, "latest", &c->latest_was, &why);
	if (rc >= 0)
		rc = mr_latest_move(c->m, c->to, h, &c->version, NULL,
				    &c->latest, &why);
	if (rc < 0) {
		c->latest = 0;
		tell_latest(c, &why);
	}
}

static int adopt(struct copy *c, struct mreg_error *err)
{
	struct mreg_ref ref = c->source;
	char from[MREG_REF_TEXT];

	memset(&ref.digest, 0, sizeof(ref.digest));
	(void)snprintf(ref.tag, sizeof(ref.tag), "v%" PRIu64, c->number);
	return mr_log_adopt(c->m, c->to, &c->target_log, &c->target,
			    &c->version, c->number, mr_ref_portable(&ref, from),
			    c->run, err);
}

/* Who claims a number writes before they look, so that two never both go on
 * (product.md 3.2). */
static int read_claims(struct copy *c, struct mreg_error *err)
{
	int rc = mr_history_read(c->m, c->to, &c->target_log, err);

	return rc < 0 ? rc : mr_copy_check_claims(c, err);
}

static int write_all(struct copy *c, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	size_t i;
	struct mreg_digest policy = mr_copy_policy_now(c);
	int rc = write_stage(c, stages[0], err);

	if (rc >= 0 && !c->fresh)
		rc = mr_copy_policy_keep(c, &policy, err);
	if (rc >= 0 && c->adopt && !c->fresh)
		rc = adopt(c, err);
	else if (rc >= 0 && !c->fresh)
		rc = read_claims(c, err);
	for (i = 1; rc >= 0 && i + 1 < MR_COUNT(stages); i++) {
		if (stages[i][0] == MR_TAG_ALIAS && !c->fresh)
			rc = mr_copy_aliases(c, err);
		if (rc >= 0)
			rc = write_stage(c, stages[i], err);
	}
	if (rc < 0)
		return rc;
	if (!c->whole && !c->fresh) {
		move_latest(c);
		return 0;
	}
	if (!c->fresh)
		rc = mr_history_read(c->m, c->to, &c->target_log, &why);
	if (rc >= 0 && !c->fresh)
		rc = mr_copy_keep_latest(c, &why);
	if (rc >= 0)
		rc = write_stage(c, stages[i], &why);
	if (rc >= 0 || rc == MREG_ECANCELED || c->fresh) {
		if (rc < 0)
			*err = why;
		return rc;
	}
	tell_latest(c, &why);
	return 0;
}

static bool has_work(const struct copy *c)
{
	size_t i;

	if (!c->whole)
		return true; /* `latest` may have been left behind */
	for (i = 0; i < c->tag_count; i++)
		if ((c->tags[i].node != MR_COPY_NO_NODE ||
		     c->tags[i].tombstone) &&
		    c->tags[i].action != MREG_COPY_SAME)
			return true;
	return false;
}

int mr_copy_publish(struct copy *c, struct mreg_error *err)
{
	size_t i;
	int rc;

	if (!has_work(c))
		return 0;
	rc = mr_store_lock(c->to, err);
	if (rc < 0)
		return rc;
	rc = write_all(c, err);
	mr_store_unlock(c->to);
	mr_state_begin(c->m->state);
	for (i = 0; rc >= 0 && i < c->tag_count; i++)
		if (c->tags[i].number && c->tags[i].node != MR_COPY_NO_NODE)
			mr_number_remember(
				c->m, c->to,
				&c->nodes[c->tags[i].node].desc.digest,
				c->tags[i].number);
	mr_state_end(c->m->state);
	return rc;
}
