/*
 * collect_hanging.c - of which versions that are known something new may hang.
 *
 * A document changes no tag of its version.  A registry gives it one of its own
 * (spec/attachments.md), by which it is found; a store here is cheap to ask,
 * and is asked what hangs on each version.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "crawl/collect.h"

static void hang_on(struct mr_collect *c, const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; i < c->version_count; i++)
		if (mreg_digest_equal(&c->versions[i].known, d))
			c->versions[i].hang = true;
}

/* A sibling of a version: its number. */
static uint64_t sibling_of(const char *tag)
{
	char version[MR_COLLECT_TAG];
	const char *end = strrchr(tag, '-');

	if (mr_tag_kind(tag) != MR_TAG_SIBLING || !end ||
	    (size_t)(end - tag) >= sizeof(version))
		return 0;
	(void)snprintf(version, sizeof(version), "%.*s", (int)(end - tag), tag);
	return mr_tag_number(version);
}

/* A document that has a tag of its own. */
static int hang_tagged(struct mr_collect *c, const char *tag,
		       struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc raw = MR_DOC_INIT;
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	bool found = false;
	int rc = mr_store_get(c->s, tag, &raw, &found, &why);

	atomic_fetch_add(&c->requests, 1);
	if (rc >= 0 && found)
		rc = mr_manifest_parse(raw.bytes.data, raw.bytes.len,
				       raw.desc.media_type, &doc, &why);
	if (rc < 0 && !mr_collect_is_content(rc)) {
		*err = why;
		return rc;
	}
	if (doc && doc->has_subject)
		hang_on(c, &doc->subject.desc.digest);
	return 0;
}

/* Tags that are new, of what hangs on versions that are not. */
static int mark_tags(struct mr_collect *c, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < c->h.tags.n; i++) {
		const char *tag = c->h.tags.items[i];
		uint64_t number = sibling_of(tag);
		struct mr_numbered *v =
			number ? mr_collect_number(c, number) : NULL;

		if (!v && !mr_text_starts(tag, MR_ATTACHED_TAG_PREFIX))
			continue;
		if (mr_collect_seen(c, tag))
			continue;
		if (v)
			v->hang = true;
		else
			rc = hang_tagged(c, tag, err);
	}
	return rc;
}

/* Evaluations that the log tells of: not every registry lists them. */
static void mark_events(struct mr_collect *c)
{
	char tag[MR_LOG_TAG_TEXT];
	size_t n = mr_ledger_count(c->h.ledger);
	size_t i;

	for (i = 0; c->read && i < n; i++) {
		const struct mr_event *e = mr_ledger_event(c->h.ledger, i);

		if (e->kind == MR_EVENT_EVALUATED &&
		    !mr_collect_seen(c, mr_log_tag_of(e, tag)) &&
		    !mr_collect_seen(c, mr_log_tag_linear(e->seq, tag)))
			hang_on(c, &e->version);
	}
}

/* The digest that the index will have of it, but for one that was moved. */
static int digest_of(struct mr_collect *c, const struct mr_numbered *v,
		     struct mreg_digest *out, struct mreg_error *err)
{
	struct mreg_desc d;
	char tag[MR_COLLECT_TAG];
	bool found = false;
	int rc;

	*out = v->known;
	if (mr_digest_known(out))
		return 0;
	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, v->number);
	rc = mr_tag_resolve(c->s, tag, &d, &found, err);
	if (rc >= 0 && found)
		*out = d.digest;
	return rc;
}

static int add_up(struct mr_collect *c, const struct mreg_digest *version,
		  struct mr_hash *sum, struct mreg_error *err)
{
	MR_AUTO(mr_referrers_release)
	struct mr_referrers refs = MR_REFERRERS_INIT;
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc = mr_store_referrers(c->s, version, NULL, &refs, err);

	for (i = 0; rc >= 0 && i < refs.count; i++) {
		(void)mreg_digest_text(&refs.items[i].desc.digest, text);
		mr_hash_add(sum, text, strlen(text) + 1);
	}
	return rc;
}

/* The digest of all that hangs on all versions. */
static int sum_up(struct mr_collect *c, struct mr_hash *sum,
		  struct mreg_error *err)
{
	struct mreg_digest d;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < c->version_count; i++) {
		rc = digest_of(c, &c->versions[i], &d, err);
		if (rc >= 0 && mr_digest_known(&d))
			rc = add_up(c, &d, sum, err);
	}
	return rc;
}

/* In a store here: whether anything hangs there that was not seen. */
static int mark_near(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *sum = NULL;
	const struct mr_ix_seen *seen = mr_collect_seen(c, MR_COLLECT_HANGING);
	size_t i;
	int rc = mr_hash_new(MREG_SHA256, &sum, err);

	if (rc >= 0)
		rc = sum_up(c, sum, err);
	if (rc < 0)
		return rc;
	mr_hash_end(sum, &c->hanging);
	if (seen && mreg_digest_equal(&seen->digest, &c->hanging))
		return 0;
	for (i = 0; i < c->version_count; i++)
		c->versions[i].hang = c->versions[i].hang ||
				      mr_digest_known(&c->versions[i].known);
	return 0;
}

int mr_collect_hanging(struct mr_collect *c, struct mreg_error *err)
{
	int rc = 0;

	if (!c->full) {
		mark_events(c);
		rc = mark_tags(c, err);
	}
	return rc < 0 || mr_store_is_far(c->s) ? rc : mark_near(c, err);
}
