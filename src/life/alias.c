/*
 * alias.c - names that move.
 *
 * No registry offers compare-and-swap on tags, so `expect` is looked at before
 * and after, and is no lock; in a local store flock is one.
 */
#include "mreg/alias.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "life/names.h"
#include "rule/rule.h"

int mr_name_check(const char *alias, struct mreg_error *err)
{
	char safe[160];

	if (mr_tag_kind(alias) == MR_TAG_ALIAS)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' cannot be an alias",
		      mr_text_safe(alias, safe, sizeof(safe)));
	switch (mr_tag_kind(alias)) {
	case MR_TAG_LATEST:
		return mr_hint(err, "'latest' follows the highest version by "
				    "itself");
	case MR_TAG_VERSION:
	case MR_TAG_RELEASE:
		return mr_hint(err, "versions and release names never move");
	default:
		return mr_hint(err, "letters, digits, '_' and '-', such as "
				    "staging");
	}
}

int mr_name_begin(struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc = mr_result_arena(&arena, err);

	memset(out, 0, sizeof(*out));
	if (rc >= 0)
		out->owner = arena;
	return rc;
}

int mr_name_target(struct mreg *m, const char *text, struct mreg_ref *ref,
		   struct mr_store **s, struct mreg_error *err)
{
	int rc = mr_target(m, text, ref, s, err);

	if (rc >= 0 && (!ref->tag[0] || mr_digest_known(&ref->digest))) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.200s' names no alias",
			      text);
		return mr_hint(err, "write NAME:ALIAS");
	}
	return rc < 0 ? rc : mr_name_check(ref->tag, err);
}

int mr_name_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 const struct mreg_ref *ref, const struct mr_move *mv,
		 bool dry_run, struct mreg_alias_result *out,
		 struct mreg_error *err)
{
	struct mr_alias_state now;
	struct mr_moved moved;
	int rc;

	if (!dry_run) {
		rc = mr_alias_move(m, s, h, ref, mv, &moved, err);
		out->was = moved.was;
		out->event = moved.event;
		out->tombstone = moved.tombstone;
		out->digest = moved.now;
		out->split_ended = rc >= 0 && moved.split && !moved.splits;
		out->splits = rc >= 0 && moved.splits;
	} else {
		rc = mr_history_read(m, s, h, err);
		if (rc >= 0)
			rc = mr_alias_look(s, h, mv->alias, &now, err);
		if (rc >= 0)
			rc = mr_alias_expect(mv, &now, err);
		if (rc >= 0)
			rc = mr_alias_in_sight(s, h, mv, err);
		if (rc < 0)
			return rc;
		out->was = now.tag.digest;
		out->digest = mv->to.digest;
		out->split_ended =
			now.split &&
			(mv->ends_split ||
			 !mreg_digest_equal(&now.fold, &mv->to.digest));
		out->splits = now.split && !out->split_ended;
	}
	out->changed = rc >= 0 && !mreg_digest_equal(&out->digest, &out->was);
	return rc;
}

int mr_name_end(struct mreg *m, struct mr_store *s, const struct mreg_ref *ref,
		const char *alias, bool dry_run, struct mreg_alias_result *out,
		struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	out->name = mr_arena_strdup(out->owner, mr_target_name(m, ref, name));
	out->alias = mr_arena_strdup(out->owner, alias);
	if (!out->number && mr_digest_known(&out->digest))
		out->number = mr_number_recall(m, s, &out->digest);
	out->dry_run = dry_run;
	return mr_result_check(out->owner, err);
}

static int set_locked(struct mreg *m, struct mr_store *s,
		      const struct mreg_ref *ref, const char *alias,
		      const struct mreg_alias_opts *o,
		      struct mreg_alias_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mr_move mv = { .alias = alias,
			      .by = "set",
			      .reason = o->reason,
			      .expect = o->expect };
	int rc = mr_target_resolve(s, ref, &mv.to, err);

	if (rc >= 0)
		rc = mr_policy_alias(m, ref, s, &h, &mv.to.digest, alias, err);
	return rc < 0 ? rc
		      : mr_name_move(m, s, &h, ref, &mv, o->dry_run, out, err);
}

static int set_in(struct mreg *m, const char *text, const char *alias,
		  const struct mreg_alias_opts *o,
		  struct mreg_alias_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_desc d;
	struct mreg_ref ref;
	int rc = mr_name_check(alias, err);

	if (rc >= 0)
		rc = mr_target(m, text, &ref, &s, err);
	/* A version that is not there must not leave an empty store behind. */
	if (rc >= 0)
		rc = mr_subject_resolve(m, s, &ref, &d, err);
	if (rc >= 0 && !o->dry_run)
		rc = mr_store_lock(s, err);
	if (rc < 0)
		return rc;
	rc = set_locked(m, s, &ref, alias, o, out, err);
	if (!o->dry_run)
		mr_store_unlock(s);
	out->number = mr_tag_number(ref.tag);
	return rc < 0 ? rc
		      : mr_name_end(m, s, &ref, alias, o->dry_run, out, err);
}

static int rm_locked(struct mreg *m, struct mr_store *s,
		     const struct mreg_ref *ref,
		     const struct mreg_alias_opts *o,
		     struct mreg_alias_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mr_move mv = { .alias = ref->tag,
			      .by = "remove",
			      .reason = o->reason,
			      .expect = o->expect };
	int rc = mr_name_move(m, s, &h, ref, &mv, o->dry_run, out, err);

	if (rc < 0 || !mr_digest_known(&out->digest))
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' is there again: someone moved it meanwhile",
		      ref->tag);
	return mr_hint(err, "look with 'mreg alias ls', then run it again");
}

static int rm_in(struct mreg *m, const char *text,
		 const struct mreg_alias_opts *o, struct mreg_alias_result *out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_ref ref;
	struct mreg_desc d;
	int rc = mr_name_target(m, text, &ref, &s, err);

	if (rc >= 0)
		rc = mr_target_resolve(s, &ref, &d, err);
	if (rc >= 0 && !o->dry_run)
		rc = mr_store_lock(s, err);
	if (rc < 0)
		return rc;
	rc = rm_locked(m, s, &ref, o, out, err);
	if (!o->dry_run)
		mr_store_unlock(s);
	return rc < 0 ? rc
		      : mr_name_end(m, s, &ref, ref.tag, o->dry_run, out, err);
}

int mreg_alias_set(struct mreg *m, const char *ref, const char *alias,
		   const struct mreg_alias_opts *given,
		   struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mreg_alias_opts o;
	int rc = mr_name_begin(out, err);

	mr_opts_take(&o, sizeof(o), given, given->size);
	if (rc >= 0)
		rc = set_in(m, ref, alias, &o, out, err);
	if (rc < 0)
		mreg_alias_result_release(out);
	return rc;
}

int mreg_alias_rm(struct mreg *m, const char *ref,
		  const struct mreg_alias_opts *given,
		  struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mreg_alias_opts o;
	int rc = mr_name_begin(out, err);

	mr_opts_take(&o, sizeof(o), given, given->size);
	if (rc >= 0)
		rc = rm_in(m, ref, &o, out, err);
	if (rc < 0)
		mreg_alias_result_release(out);
	return rc;
}

void mreg_alias_result_release(struct mreg_alias_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
