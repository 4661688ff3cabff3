/*
 * names.c - the sibling of a version, and those of its names.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "profile/inside.h"

#define TAG_BYTES 160 /* the longest tag and a suffix */
#define MOVES_MAX 5   /* of a name, while its sibling is set */

int mr_profile_tag(struct mr_profile *p, uint64_t number,
		   struct mreg_error *err)
{
	char tag[TAG_BYTES];
	struct mreg_desc now;
	bool found;
	int rc;

	(void)snprintf(tag, sizeof(tag), "v%" PRIu64 "%s", number, p->suffix);
	rc = mr_tag_resolve(p->to, tag, &now, &found, err);
	if (rc < 0)
		return rc;
	p->number = number;
	if (found && mreg_digest_equal(&now.digest, &p->top_desc.digest)) {
		p->identical = p->identical || !p->sent;
		return 0;
	}
	if (found)
		return mr_profile_conflict(p, number, &now.digest, err);
	return mr_tag_set(p->to, tag, &p->top_desc, mr_buf_text(&p->top), err);
}

/* What a name has, if its tag has `tagged`: of an alias the log decides. */
static int decide(struct mr_history *h, const char *name,
		  const struct mreg_digest *tagged, struct mreg_digest *out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	size_t i;
	int rc = 0;

	*out = *tagged;
	if (h->ledger)
		rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);
	for (i = 0; rc >= 0 && i < now.alias_count; i++)
		if (now.aliases[i].move &&
		    strcmp(now.aliases[i].name, name) == 0)
			*out = now.aliases[i].move->version;
	return rc;
}

/*
 * Its sibling, after one of the version's names.  Without a lock the name may
 * have been moved, and its sibling with it, before ours was set: then ours
 * goes after it, until what the name has is what was followed.
 */
static int follow(struct mr_profile *p, struct mr_history *h, const char *name,
		  struct mreg_error *err)
{
	struct mreg_digest followed = p->version->desc.digest;
	struct mreg_desc now = { .size = 0 };
	struct mreg_digest has;
	char tag[TAG_BYTES];
	bool changed;
	bool found;
	unsigned int i;
	int rc;

	(void)snprintf(tag, sizeof(tag), "%s%s", name, p->suffix);
	if (mr_tag_kind(tag) != MR_TAG_SIBLING) {
		mr_log(&p->m->env, MREG_LOG_WARN,
		       "'%s' gets no %s: its name is too long for that", name,
		       p->name);
		return 0;
	}
	rc = mr_siblings_follow(p->to, name, p->number, &changed, err);
	for (i = 0; rc >= 0 && i < MOVES_MAX; i++) {
		rc = mr_tag_resolve(p->to, name, &now, &found, err);
		if (rc >= 0 && !found)
			now.digest = (struct mreg_digest){ 0 };
		if (rc < 0 || mreg_digest_equal(&now.digest, &followed))
			break;
		rc = mr_history_read(p->m, p->to, h, err);
		if (rc >= 0)
			rc = decide(h, name, &now.digest, &has, err);
		if (rc < 0 || mreg_digest_equal(&has, &followed))
			break;
		followed = has;
		rc = mr_siblings_move(p->m, p->to, h, name, &followed, &changed,
				      err);
	}
	if (rc < 0 || !mreg_digest_equal(&followed, &p->version->desc.digest))
		return rc;
	return mr_list_add(&p->names, tag, err);
}

/* The name, if it is new and its tag has the version. */
static int add_tagged(struct mr_profile *p, const char *name,
		      struct mr_list *out, struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	int rc = mr_tag_resolve(p->to, name, &now, &found, err);

	if (rc < 0 || !found || mr_list_has(out, name) ||
	    !mreg_digest_equal(&now.digest, &p->version->desc.digest))
		return rc;
	return mr_list_add(out, name, err);
}

static int add_releases(struct mr_profile *p, struct mr_history *h,
			struct mr_list *out, struct mreg_error *err)
{
	size_t n = mr_ledger_count(h->ledger);
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);
		const char *name;

		if (e->kind != MR_EVENT_RELEASE_NAMED ||
		    !mreg_digest_equal(&e->version, &p->version->desc.digest))
			continue;
		/* Whoever writes events may write any name. */
		name = mr_event_text(e, "release");
		if (name && mr_tag_kind(name) == MR_TAG_RELEASE)
			rc = add_tagged(p, name, out, err);
	}
	return rc;
}

/* Of an alias the log decides, as it does when one is moved. */
static int add_aliases(struct mr_profile *p, struct mr_history *h,
		       struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	size_t i;
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	for (i = 0; rc >= 0 && i < now.alias_count; i++) {
		const struct mr_event *move = now.aliases[i].move;

		if (move &&
		    mreg_digest_equal(&move->version, &p->version->desc.digest))
			rc = mr_list_add(out, now.aliases[i].name, err);
	}
	return rc;
}

/* What the sibling has; NONE: it is gone.  Without a lock two may find it free
 * at once, and set it to what each of them made: it is whose that was last. */
static int look_again(struct mr_profile *p, struct mreg_digest *has,
		      struct mreg_error *err)
{
	char tag[TAG_BYTES];
	struct mreg_desc now;
	bool found = false;
	int rc;

	memset(has, 0, sizeof(*has));
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64 "%s", p->number,
		       p->suffix);
	rc = mr_tag_resolve(p->to, tag, &now, &found, err);
	if (rc >= 0 && found)
		*has = now.digest;
	return rc;
}

static int fail_lost(const struct mr_profile *p, const struct mreg_digest *has,
		     struct mreg_error *err)
{
	if (mr_digest_known(has))
		return mr_profile_conflict(p, p->number, has, err);
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s:v%" PRIu64 "%s' was taken away meanwhile",
		      p->to->label, p->number, p->suffix);
	return mr_hint(err, "run it again");
}

static int follow_all(struct mr_profile *p, struct mr_history *h,
		      const struct mr_list *names, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < names->n; i++)
		rc = follow(p, h, names->items[i], err);
	return rc;
}

int mr_profile_names(struct mr_profile *p, struct mr_history *h,
		     struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	struct mreg_digest has = p->top_desc.digest;
	bool kept = true;
	int rc = add_tagged(p, "latest", &names, err);

	if (rc >= 0 && h->ledger)
		rc = add_releases(p, h, &names, err);
	if (rc >= 0 && h->ledger)
		rc = add_aliases(p, h, &names, err);
	/* What was read may be read anew from here on. */
	if (rc >= 0)
		rc = follow_all(p, h, &names, err);
	if (rc >= 0)
		rc = look_again(p, &has, err);
	kept = mreg_digest_equal(&has, &p->top_desc.digest);
	/* The other may have set its names before ours were. */
	if (rc >= 0 && !kept)
		rc = follow_all(p, h, &names, err);
	mr_list_sort(&p->names);
	if (rc < 0)
		return mr_wrap(err,
			       "'%s:v%" PRIu64 "%s' is there, but not all that "
			       "goes with the version's names",
			       p->to->label, p->number, p->suffix);
	return kept ? 0 : fail_lost(p, &has, err);
}
