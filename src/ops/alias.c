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
#include "ops/policy.h"

static int check_alias(const char *alias, struct mreg_error *err)
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

static int check_expect(const char *expect, const struct mreg_digest *now,
			const char *alias, struct mreg_error *err)
{
	struct mreg_digest want = { .algorithm = MREG_DIGEST_NONE };
	char text[MREG_DIGEST_TEXT];
	int rc;

	if (!expect)
		return 0;
	if (strcmp(expect, "none") != 0) {
		rc = mreg_digest_parse(expect, &want, err);
		if (rc < 0)
			return rc;
	}
	if (mreg_digest_equal(&want, now))
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' is not what was expected, it has %s", alias,
		      mr_digest_known(now) ? mreg_digest_text(now, text)
					   : "nothing");
	return mr_hint(err, "look at it, then expect what it has now");
}

/* What the alias has, after checking that it is what was expected. */
static int look(struct mr_store *s, const char *alias,
		const struct mreg_alias_opts *o, struct mreg_digest *was,
		struct mreg_error *err)
{
	struct mreg_desc d;
	bool found;
	int rc = mr_tag_resolve(s, alias, &d, &found, err);

	if (rc < 0)
		return rc;
	memset(was, 0, sizeof(*was));
	if (found)
		*was = d.digest;
	return check_expect(o->expect, was, alias, err);
}

static int set_locked(struct mreg *m, struct mr_store *s,
		      const struct mreg_ref *ref, const char *alias,
		      const struct mreg_alias_opts *o,
		      struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mreg_desc d;
	int rc = mr_target_resolve(s, ref, &d, err);

	if (rc >= 0)
		rc = look(s, alias, o, &out->was, err);
	if (rc < 0)
		return rc;
	out->digest = d.digest;
	out->changed = !mreg_digest_equal(&d.digest, &out->was);
	if (!out->changed)
		return 0;
	rc = mr_policy_alias(m, ref, s, &d.digest, alias, err);
	if (rc < 0 || o->dry_run)
		return rc;
	return mr_tag_set(s, alias, &d, NULL, err);
}

static int set_in(struct mreg *m, const char *text, const char *alias,
		  const struct mreg_alias_opts *o,
		  struct mreg_alias_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_arena *a = out->owner;
	char name[MREG_REF_TEXT];
	struct mreg_ref ref;
	int rc = check_alias(alias, err);

	if (rc >= 0)
		rc = mr_target(m, text, &ref, &s, err);
	if (rc >= 0 && mr_tag_kind(ref.tag) == MR_TAG_RECORD)
		rc = mr_fail(err, MREG_EUSAGE,
			     "'%s' is one of mreg's own records, no version",
			     ref.tag);
	if (rc < 0)
		return rc;
	/* A version that is not there must not leave an empty store behind. */
	rc = mr_target_resolve(s, &ref, &(struct mreg_desc){ .size = 0 }, err);
	if (rc >= 0 && !o->dry_run)
		rc = mr_store_lock(s, err);
	if (rc < 0)
		return rc;
	rc = set_locked(m, s, &ref, alias, o, out, err);
	if (!o->dry_run)
		mr_store_unlock(s);
	if (rc < 0)
		return rc;
	out->name = mr_arena_strdup(a, mr_target_name(m, &ref, name));
	out->alias = mr_arena_strdup(a, alias);
	out->number = mr_tag_number(ref.tag);
	if (!out->number)
		out->number = mr_number_recall(m, s, &out->digest);
	out->dry_run = o->dry_run;
	return mr_result_check(a, err);
}

/* Where a tag cannot be deleted it points at the tombstone. */
static int remove_tag(struct mr_store *s, const char *alias, bool *tombstone,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc gone;
	const char *bytes;
	int rc = mr_store_untag(s, alias, &why);

	if (rc != MREG_EUNSUPPORTED && rc != MREG_EDENIED) {
		if (rc < 0 && err)
			*err = why;
		return rc;
	}
	mr_log(s->env, MREG_LOG_INFO, "%s: pointing '%s' at the tombstone",
	       why.msg, alias);
	*tombstone = true;
	bytes = mr_tombstone(&gone, NULL);
	rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);
	return rc < 0 ? rc : mr_store_set(s, alias, &gone, bytes, NULL, err);
}

static int rm_locked(struct mr_store *s, const struct mreg_ref *ref,
		     const struct mreg_alias_opts *o,
		     struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	int rc = look(s, ref->tag, o, &out->was, err);

	if (rc < 0)
		return rc;
	if (!mr_digest_known(&out->was))
		return mr_target_missing(s, ref, err);
	out->changed = true;
	if (o->dry_run)
		return 0;
	rc = remove_tag(s, ref->tag, &out->tombstone, err);
	if (rc >= 0)
		rc = mr_tag_resolve(s, ref->tag, &now, &found, err);
	if (rc < 0 || !found)
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
	struct mr_arena *a = out->owner;
	char name[MREG_REF_TEXT];
	struct mreg_ref ref;
	struct mreg_desc d;
	int rc = mr_target(m, text, &ref, &s, err);

	if (rc >= 0 && !ref.tag[0]) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' names no alias", text);
		return mr_hint(err, "write NAME:ALIAS");
	}
	if (rc >= 0)
		rc = check_alias(ref.tag, err);
	if (rc >= 0)
		rc = mr_target_resolve(s, &ref, &d, err);
	if (rc >= 0 && !o->dry_run)
		rc = mr_store_lock(s, err);
	if (rc < 0)
		return rc;
	rc = rm_locked(s, &ref, o, out, err);
	if (!o->dry_run)
		mr_store_unlock(s);
	if (rc < 0)
		return rc;
	out->name = mr_arena_strdup(a, mr_target_name(m, &ref, name));
	out->alias = mr_arena_strdup(a, ref.tag);
	out->dry_run = o->dry_run;
	return mr_result_check(a, err);
}

static int begin(struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc = mr_result_arena(&arena, err);

	memset(out, 0, sizeof(*out));
	if (rc >= 0)
		out->owner = arena;
	return rc;
}

int mreg_alias_set(struct mreg *m, const char *ref, const char *alias,
		   const struct mreg_alias_opts *given,
		   struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mreg_alias_opts o;
	int rc = begin(out, err);

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
	int rc = begin(out, err);

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
