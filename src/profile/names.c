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
		return mr_profile_conflict(p, number, err);
	return mr_tag_set(p->to, tag, &p->top_desc, mr_buf_text(&p->top), err);
}

/* One of the version's names, with its sibling. */
static int follow(struct mr_profile *p, const char *name,
		  struct mreg_error *err)
{
	char tag[TAG_BYTES];
	bool changed;
	int rc;

	(void)snprintf(tag, sizeof(tag), "%s%s", name, p->suffix);
	if (mr_tag_kind(tag) != MR_TAG_SIBLING || mr_list_has(&p->names, tag))
		return 0;
	rc = mr_siblings_follow(p->to, name, p->number, &changed, err);
	return rc < 0 ? rc : mr_list_add(&p->names, tag, err);
}

/* The same if the tag has the version. */
static int follow_tag(struct mr_profile *p, const char *name,
		      struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	int rc = mr_tag_resolve(p->to, name, &now, &found, err);

	if (rc < 0 || !found ||
	    !mreg_digest_equal(&now.digest, &p->version->desc.digest))
		return rc;
	return follow(p, name, err);
}

static int follow_releases(struct mr_profile *p, struct mr_history *h,
			   struct mreg_error *err)
{
	size_t n = mr_ledger_count(h->ledger);
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		if (e->kind == MR_EVENT_RELEASE_NAMED &&
		    mreg_digest_equal(&e->version, &p->version->desc.digest))
			rc = follow_tag(p, mr_event_text(e, "release"), err);
	}
	return rc;
}

/* Of an alias the log decides, as it does when one is moved. */
static int follow_aliases(struct mr_profile *p, struct mr_history *h,
			  struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	size_t i;
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	for (i = 0; rc >= 0 && i < now.alias_count; i++) {
		const struct mr_event *move = now.aliases[i].move;

		if (move &&
		    mreg_digest_equal(&move->version, &p->version->desc.digest))
			rc = follow(p, now.aliases[i].name, err);
	}
	return rc;
}

int mr_profile_names(struct mr_profile *p, struct mr_history *h,
		     struct mreg_error *err)
{
	int rc = follow_tag(p, "latest", err);

	if (rc >= 0 && h->ledger)
		rc = follow_releases(p, h, err);
	if (rc >= 0 && h->ledger)
		rc = follow_aliases(p, h, err);
	mr_list_sort(&p->names);
	return rc < 0 ? mr_wrap(err,
				"'%s:v%" PRIu64 "%s' is there, but not all "
				"that goes with the version's names",
				p->to->label, p->number, p->suffix)
		      : 0;
}
