/*
 * push_tags.c - the number, latest, the release name, the alias.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "rule/rule.h"
#include "ops/push.h"

/* A release name that another version has is never moved. */
int mr_push_check_tags(struct push *p, struct mreg_error *err)
{
	bool there;

	return p->release ? mr_release_look(p->to, p->release,
					    &p->docs.manifest_desc.digest,
					    &there, err)
			  : 0;
}

/* What an alias has now, into the result; `*there`: it is our version. */
static int look_at_alias(struct push *p, const char *alias,
			 struct mreg_push_result *out, bool *there,
			 struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	struct mreg_moved *row;
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc now;
	bool found;
	int rc = mr_tag_resolve(p->to, alias, &now, &found, err);

	if (rc < 0)
		return rc;
	*there = found &&
		 mreg_digest_equal(&now.digest, &p->docs.manifest_desc.digest);
	if (!out->aliases)
		out->aliases =
			mr_arena_alloc(a, MR_COUNT(p->aliases) * sizeof(*row));
	if (!out->aliases)
		return mr_fail_nomem(err);
	row = &out->aliases[out->alias_count++];
	row->alias = mr_arena_strdup(a, alias);
	if (found && !*there)
		row->was =
			mr_arena_strdup(a, mreg_digest_text(&now.digest, text));
	return 0;
}

/* All of them, once, before one is moved; `p->placed` says which are there. */
static int look_at_aliases(struct push *p, struct mreg_push_result *out,
			   struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (p->looked)
		return 0;
	p->looked = true;
	for (i = 0; rc >= 0 && i < MR_COUNT(p->aliases); i++)
		if (p->aliases[i])
			rc = look_at_alias(p, p->aliases[i], out, &p->placed[i],
					   err);
	return rc;
}

static int move_aliases(struct push *p, struct mreg_error *err)
{
	struct mr_move mv = {
		.by = "push",
		.to = p->docs.manifest_desc,
		.bytes = p->docs.manifest.data,
	};
	struct mr_moved moved;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < MR_COUNT(p->aliases); i++) {
		mv.alias = p->aliases[i];
		if (mv.alias && !p->placed[i])
			rc = mr_alias_move(p->m, p->to, &p->history, &p->ref,
					   &mv, &moved, err);
	}
	return rc;
}

/* A new version becomes the latest; one that is there may be it, or become it
 * where an earlier run or somebody else left the tag behind. */
static int rehearse_latest(struct push *p, bool *latest, struct mreg_error *err)
{
	struct mreg_desc now;
	uint64_t number;
	bool found;
	int rc;

	*latest = !p->claim.existed;
	if (*latest)
		return 0;
	if (p->history.ledger) {
		rc = mr_log_highest(p->to, &p->history, &number, &now, err);
		found = rc >= 0 && number;
	} else {
		rc = mr_tag_resolve(p->to, "latest", &now, &found, err);
	}
	*latest = rc >= 0 && found &&
		  mreg_digest_equal(&now.digest, &p->docs.manifest_desc.digest);
	return rc;
}

int mr_push_rehearse_tags(struct push *p, struct mreg_push_result *out,
			  struct mreg_error *err)
{
	int rc = rehearse_latest(p, &out->latest, err);

	out->release = p->release;
	return rc < 0 ? rc : look_at_aliases(p, out, err);
}

static int name_it(struct push *p, struct mreg_push_result *out,
		   struct mreg_error *err)
{
	int rc = 0;

	if (p->release) {
		rc = mr_release_name(p->m, p->to, &p->history, &p->ref,
				     p->release, &p->docs.manifest_desc,
				     p->docs.manifest.data, err);
		if (rc >= 0)
			out->release = p->release;
	}
	if (rc >= 0)
		rc = look_at_aliases(p, out, err);
	if (rc >= 0)
		rc = move_aliases(p, err);
	if (rc < 0)
		return mr_wrap(err, "'%s:v%" PRIu64 "' is published, but",
			       p->to->label, p->claim.number);
	return rc;
}

/* Of a version that was there already; what it is to have in other profiles was
 * sent before, and has its tag before a name gets the version. */
static int name_it_locked(struct push *p, struct mreg_push_result *out,
			  struct mreg_error *err)
{
	int rc = mr_store_lock(p->to, err);

	if (rc < 0)
		return rc;
	/* Aliases may have moved while layers were sent. */
	if (p->o->also.n)
		rc = mr_history_read(p->m, p->to, &p->history, err);
	if (rc >= 0)
		rc = mr_push_also_tag(p, err);
	if (rc >= 0)
		rc = name_it(p, out, err);
	if (rc >= 0)
		rc = mr_push_also_names(p, err);
	mr_store_unlock(p->to);
	return rc;
}

static void move_latest(struct push *p, struct mreg_push_result *out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	uint64_t at = 0;
	int rc =
		mr_latest_move(p->m, p->to, &p->history, &p->docs.manifest_desc,
			       p->docs.manifest.data, &at, &err);

	if (rc < 0)
		mr_log(&p->m->env, MREG_LOG_WARN,
		       "v%" PRIu64 " is published, but 'latest' was not "
		       "moved: %s",
		       p->claim.number, err.msg);
	out->latest = rc >= 0 && at == p->claim.number;
}

/*
 * A folder can lose files, and the hint then is to push again: here looking is
 * cheap.  A registry is believed until it says that something is missing.
 */
static int is_whole(struct push *p, bool *whole, struct mreg_error *err)
{
	const struct mr_plan *plan = &p->plan;
	size_t i;
	int rc;

	*whole = true;
	if (!p->ref.dir[0])
		return 0;
	rc = mr_store_has(p->to, &p->docs.manifest_desc, whole, err);
	if (rc >= 0 && *whole)
		rc = mr_store_has(p->to, &p->docs.config_desc, whole, err);
	for (i = 0; rc >= 0 && *whole && i < plan->count; i++)
		rc = mr_store_has(p->to, &plan->items[i].desc, whole, err);
	return rc;
}

/*
 * What a tag points at; `*found` false also where a folder lost the manifest,
 * which it gets back by the long way.
 */
static int look_at_tag(struct push *p, const char *tag, struct mreg_desc *now,
		       bool *found, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_tag_resolve(p->to, tag, now, found, &why);

	if (rc == MREG_ENOTFOUND) {
		*found = false;
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* Policies on aliases that are moved to a version which is there already.  The
 * pusher's own were asked with all that are in force. */
static int judge_aliases(struct push *p, struct mreg_error *err)
{
	const char *moved[MR_COUNT(p->aliases)];
	size_t i;

	if (p->o->policies.n)
		return 0;
	for (i = 0; i < MR_COUNT(p->aliases); i++)
		moved[i] = p->placed[i] ? NULL : p->aliases[i];
	return mr_policy_aliases(p->m, &p->ref, p->to, &p->history,
				 p->meta->kind, moved, MR_COUNT(moved), err);
}

/*
 * The version may be known from an earlier run: then its v<N> and `latest`
 * are one HEAD each, and nothing is listed (product.md 5.6).
 */
int mr_push_quick(struct push *p, struct mreg_push_result *out, bool *done,
		  struct mreg_error *err)
{
	const struct mreg_digest *d = &p->docs.manifest_desc.digest;
	uint64_t number = mr_number_recall(p->m, p->to, d);
	struct mreg_desc now;
	char tag[32];
	bool found;
	int rc;

	*done = false;
	if (!number)
		return 0;
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
	rc = look_at_tag(p, tag, &now, &found, err);
	if (rc < 0 || !found || !mreg_digest_equal(&now.digest, d))
		return rc;
	rc = is_whole(p, &found, err);
	if (rc < 0 || !found)
		return rc;
	rc = look_at_tag(p, "latest", &now, &found, err);
	if (rc < 0 || !found)
		return rc;
	/* Elsewhere: rightly so when that is higher, else a killed push has
	 * left it behind. */
	if (!mreg_digest_equal(&now.digest, d) &&
	    mr_number_recall(p->m, p->to, &now.digest) < number)
		return 0;
	rc = look_at_aliases(p, out, err);
	if (rc >= 0)
		rc = judge_aliases(p, err);
	if (rc < 0)
		return rc;
	*done = true;
	p->claim.number = number;
	p->claim.existed = true;
	out->latest = mreg_digest_equal(&now.digest, d);
	rc = mr_push_also_later(p, err);
	if (rc < 0)
		return rc;
	return p->o->dry_run ? mr_push_rehearse_tags(p, out, err)
			     : name_it_locked(p, out, err);
}

int mr_push_publish(struct push *p, struct mreg_push_result *out,
		    struct mreg_error *err)
{
	int rc = mr_store_lock(p->to, err);

	if (rc < 0)
		return rc;
	rc = mr_log_claim(p->m, p->to, &p->history, &p->ref,
			  &p->docs.manifest_desc, p->docs.manifest.data,
			  p->meta->run_id, &p->claim, err);
	if (rc >= 0) {
		mr_number_remember(p->m, p->to, &p->docs.manifest_desc.digest,
				   p->claim.number);
		rc = mr_push_also_tag(p, err);
	}
	if (rc >= 0) {
		move_latest(p, out);
		rc = name_it(p, out, err);
	}
	if (rc >= 0)
		rc = mr_push_also_names(p, err);
	mr_store_unlock(p->to);
	return rc;
}
