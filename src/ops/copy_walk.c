/*
 * copy_walk.c - read the source: every tag's document, what it names, and what
 * names it.
 *
 *   tags -> documents -> [children, subjects -> documents; referrers of each]
 *   until nothing new turns up
 *
 * Documents are fetched several at once and taken one after another, so only
 * fetching is done by several threads.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/copy.h"

/* Documents fetched before they are taken: bounds memory. */
#define BATCH 32

struct fetch {
	struct copy *c;
	const char *references[BATCH];       /* tags, or digests in `texts` */
	char texts[BATCH][MREG_DIGEST_TEXT]; /* digests */
	size_t index[BATCH];                 /* of the tag, of the node */
	struct mr_doc docs[BATCH];
	bool found[BATCH];
	struct mr_referrers referrers[BATCH];
	size_t n;
};

static void fetch_free(struct fetch *f)
{
	size_t i;

	for (i = 0; f && i < BATCH; i++) {
		mr_doc_release(&f->docs[i]);
		mr_referrers_release(&f->referrers[i]);
	}
	mr_release(f);
}

static void fetch_freep(struct fetch **f)
{
	fetch_free(*f);
}

static struct fetch *fetch_new(struct copy *c)
{
	struct fetch *f = mr_zalloc(sizeof(*f));
	size_t i;

	for (i = 0; f && i < BATCH; i++)
		mr_buf_init(&f->docs[i].bytes, MR_MANIFEST_MAX_BYTES);
	if (f)
		f->c = c;
	return f;
}

/* Events never change: one that reading the log has kept is read from
 * there. */
static bool remembered(struct copy *c, const char *tag, struct mr_doc *doc)
{
	uint64_t seq;

	if (!mr_text_starts(tag, MR_LOG_TAG_PREFIX) || !mr_log_tag(tag, &seq) ||
	    !mr_state_doc_get(c->m->state, tag, &doc->bytes) ||
	    mr_digest_of(doc->bytes.data, doc->bytes.len, &doc->desc.digest,
			 NULL) < 0 ||
	    !mr_log_tag_fits(tag, &doc->desc.digest))
		return false;
	memcpy(doc->desc.media_type, MR_MEDIA_MANIFEST,
	       sizeof(MR_MEDIA_MANIFEST));
	doc->desc.size = doc->bytes.len;
	return true;
}

static int fetch_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct fetch *f = ctx;

	f->found[i] = remembered(f->c, f->references[i], &f->docs[i]);
	if (f->found[i])
		return 0;
	return mr_store_get(f->c->from, f->references[i], &f->docs[i],
			    &f->found[i], err);
}

static int fetch_all(struct fetch *f, struct mreg_error *err)
{
	int rc = mr_task_run(&f->c->m->env, f->c->lookups, f->n, fetch_one, f,
			     err);

	if (rc < 0 && rc != MREG_ECANCELED)
		return mr_wrap(err, "cannot read '%s'", f->c->name_from);
	return rc;
}

/* -- tags -------------------------------------------------------------------
 */

static bool is_tombstone(const struct mreg_digest *d)
{
	struct mreg_desc gone;

	(void)mr_tombstone(&gone, NULL);
	return mreg_digest_equal(&gone.digest, d);
}

static int take_tag(struct copy *c, struct copy_tag *t,
		    const struct mr_doc *doc, struct mreg_error *err)
{
	uint64_t seq;
	int rc;

	t->tombstone = is_tombstone(&doc->desc.digest);
	if (t->tombstone)
		return 0;
	if (!c->whole && t->number &&
	    !mreg_digest_equal(&doc->desc.digest, &c->version.digest)) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "tag '%s' in '%s' was moved meanwhile", t->name,
			      c->name_from);
		return mr_hint(err, "look with 'mreg ls', then run it again");
	}
	rc = mr_copy_node(c, &doc->desc.digest, &t->node, err);
	if (rc >= 0)
		rc = mr_copy_take(c, t->node, doc, err);
	if (rc < 0)
		return mr_wrap(err, "cannot copy tag '%s' of '%s'", t->name,
			       c->name_from);
	if (mr_log_tag(t->name, &seq))
		c->nodes[t->node].entry = true;
	return 0;
}

/* A tag that was listed, but is not there: deleted since, or not whole.  That
 * of a number that is only claimed was never there. */
static void lose_tag(struct copy *c, struct copy_tag *t)
{
	t->node = MR_COPY_NO_NODE;
	if (c->whole && t->number && !mr_list_has(&c->source_log.tags, t->name))
		return;
	mr_log(&c->m->env, MREG_LOG_WARN,
	       "tag '%s' of '%s' is listed but cannot be read: it is not "
	       "copied",
	       t->name, c->name_from);
}

static int walk_tags(struct copy *c, size_t first, struct mreg_error *err)
{
	MR_AUTO(fetch_freep) struct fetch *f = fetch_new(c);
	size_t at = first;
	size_t i;
	int rc = 0;

	if (!f)
		return mr_fail_nomem(err);
	while (rc >= 0 && at < c->tag_count) {
		for (f->n = 0; f->n < BATCH && at < c->tag_count; at++) {
			const struct copy_tag *t = &c->tags[at];

			f->index[f->n] = at;
			f->references[f->n] = t->name;
			/* A new place begins with this version. */
			if (!c->whole && t->kind == MR_TAG_LATEST)
				f->references[f->n] = mreg_digest_text(
					&c->version.digest, f->texts[f->n]);
			f->n++;
		}
		rc = fetch_all(f, err);
		for (i = 0; rc >= 0 && i < f->n; i++) {
			struct copy_tag *t = &c->tags[f->index[i]];

			if (f->found[i])
				rc = take_tag(c, t, &f->docs[i], err);
			else
				lose_tag(c, t);
		}
	}
	return rc;
}

/* -- what hangs on them ------------------------------------------------------
 */

static int walk_nodes(struct copy *c, struct fetch *f, size_t *at,
		      struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	while (rc >= 0 && *at < c->node_count) {
		for (f->n = 0; f->n < BATCH && *at < c->node_count; ++*at) {
			if (c->nodes[*at].loaded)
				continue;
			f->index[f->n] = *at;
			f->references[f->n] = mreg_digest_text(
				&c->nodes[*at].desc.digest, f->texts[f->n]);
			f->n++;
		}
		rc = fetch_all(f, err);
		for (i = 0; rc >= 0 && i < f->n; i++) {
			if (f->found[i])
				rc = mr_copy_take(c, f->index[i], &f->docs[i],
						  err);
			else
				c->nodes[f->index[i]].absent = true;
		}
	}
	return rc;
}

static int ask_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct fetch *f = ctx;

	return mr_store_referrers(f->c->from,
				  &f->c->nodes[f->index[i]].desc.digest, NULL,
				  &f->referrers[i], err);
}

static int take_referrers(struct copy *c, struct mr_referrers *r,
			  struct mreg_error *err)
{
	size_t node;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < r->count; i++) {
		rc = mr_copy_node(c, &r->items[i].desc.digest, &node, err);
		if (rc >= 0)
			c->nodes[node].attached = true;
	}
	mr_referrers_release(r);
	return rc;
}

/* Also of what is not there itself: documents may outlive it. */
static int walk_referrers(struct copy *c, struct fetch *f, size_t *at,
			  struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	while (rc >= 0 && *at < c->node_count) {
		for (f->n = 0; f->n < BATCH && *at < c->node_count; ++*at)
			if (!is_tombstone(&c->nodes[*at].desc.digest))
				f->index[f->n++] = *at;
		rc = mr_task_run(&c->m->env, c->lookups, f->n, ask_one, f, err);
		if (rc < 0 && rc != MREG_ECANCELED)
			return mr_wrap(err, "cannot read '%s'", c->name_from);
		for (i = 0; rc >= 0 && i < f->n; i++)
			rc = take_referrers(c, &f->referrers[i], err);
	}
	return rc;
}

/* Where untagged manifests are collected an attached document has a tag
 * (product.md 3.4); it goes with a version. */
static int add_attached_tags(struct copy *c, struct mreg_error *err)
{
	char hex[129];
	char name[64];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < c->node_count; i++) {
		const struct copy_node *n = &c->nodes[i];

		if (!n->attached || n->absent)
			continue;
		(void)snprintf(name, sizeof(name),
			       MR_ATTACHED_TAG_PREFIX "%.32s",
			       mr_digest_hex(&n->desc.digest, hex));
		if (mr_list_has(&c->source_log.tags, name))
			rc = mr_copy_tag_add(c, name, err);
	}
	return rc;
}

/* A tag whose index names what nobody has. */
static int tell_gap(struct copy *c, const struct copy_tag *t,
		    struct mreg_error *err)
{
	const struct mreg_digest *d =
		&c->nodes[c->nodes[t->node].gap].desc.digest;
	char text[MREG_DIGEST_TEXT];

	(void)mreg_digest_text(d, text);
	if (t->kind == MR_TAG_VERSION || t->kind == MR_TAG_RELEASE) {
		(void)mr_fail(err, MREG_ENOTFOUND,
			      "'%s' of '%s' is not whole: manifest '%s', which "
			      "it names, is not there",
			      t->name, c->name_from, text);
		return mr_hint(err, "nothing was copied; whoever has it can "
				    "push it again");
	}
	mr_log(&c->m->env, MREG_LOG_WARN,
	       "tag '%s' of '%s' is not whole: manifest '%s', which it names, "
	       "is not there",
	       t->name, c->name_from, text);
	return 0;
}

static int find_gaps(struct copy *c, struct mreg_error *err)
{
	size_t i;
	int rc = mr_copy_gaps(c, err);

	for (i = 0; rc >= 0 && i < c->tag_count; i++) {
		const struct copy_tag *t = &c->tags[i];

		if (t->node != MR_COPY_NO_NODE &&
		    c->nodes[t->node].gap != MR_COPY_NO_NODE)
			rc = tell_gap(c, t, err);
	}
	return rc;
}

/* What a listing of referrers or an index names and nobody has. */
static void tell_absent(struct copy *c)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < c->node_count; i++)
		if (c->nodes[i].absent)
			mr_log(&c->m->env, MREG_LOG_INFO,
			       "manifest '%s' is named in '%s' but not there",
			       mreg_digest_text(&c->nodes[i].desc.digest, text),
			       c->name_from);
}

int mr_copy_walk(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(fetch_freep) struct fetch *f = fetch_new(c);
	size_t loaded = 0;
	size_t asked = 0;
	size_t tags;
	size_t i;
	int rc;

	if (!f)
		return mr_fail_nomem(err);
	rc = walk_tags(c, 0, err);
	while (rc >= 0 && (loaded < c->node_count || asked < c->node_count)) {
		rc = walk_nodes(c, f, &loaded, err);
		if (rc >= 0)
			rc = walk_referrers(c, f, &asked, err);
	}
	tags = c->tag_count;
	if (rc >= 0 && !c->whole) {
		rc = add_attached_tags(c, err);
		if (rc >= 0)
			rc = walk_tags(c, tags, err);
	}
	for (i = 0; rc >= 0 && i < c->need_count; i++)
		c->nodes[c->needs[i]].entry = false; /* written before them */
	if (rc >= 0)
		tell_absent(c);
	return rc < 0 ? rc : find_gaps(c, err);
}
