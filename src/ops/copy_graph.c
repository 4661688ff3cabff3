/*
 * copy_graph.c - the manifests and blobs of a copy, and what needs what.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/copy.h"

/* Documents are kept for writing them up to this much; what is more is
 * fetched a second time, so that memory does not grow with the model. */
#define KEPT_BYTES_MAX (32u << 20)
#define KEPT_DOC_MAX (256u << 10)
/* Indexes of indexes, documents about documents: nobody goes deeper. */
#define LEVELS_MAX 64
/* Of a file's name, for messages. */
#define TITLE_BYTES 200

/* -- nodes and blobs --------------------------------------------------------
 */

int mr_copy_node(struct copy *c, const struct mreg_digest *d, size_t *out,
		 struct mreg_error *err)
{
	void *items = c->nodes;
	int rc;

	*out = mr_digest_map_get(&c->node_map, d);
	if (*out != MR_COPY_NO_NODE)
		return 0;
	if (c->node_count >= MR_EVENTS_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "'%s' has more than %u manifests", c->name_from,
			       MR_EVENTS_MAX);
	if (mr_grow(&items, &c->node_cap, c->node_count + 1,
		    sizeof(*c->nodes)) < 0)
		return mr_fail_nomem(err);
	c->nodes = items;
	rc = mr_digest_map_put(&c->node_map, d, c->node_count, err);
	if (rc < 0)
		return rc;
	*out = c->node_count++;
	memset(&c->nodes[*out], 0, sizeof(*c->nodes));
	c->nodes[*out].desc.digest = *d;
	c->nodes[*out].gap = MR_COPY_NO_NODE;
	return 0;
}

static int add_index(size_t **list, size_t *n, size_t *cap, size_t index,
		     struct mreg_error *err)
{
	void *items = *list;

	if (mr_grow(&items, cap, *n + 1, sizeof(**list)) < 0)
		return mr_fail_nomem(err);
	*list = items;
	(*list)[(*n)++] = index;
	return 0;
}

/* What people call the file: it comes from outside. */
static int take_title(struct copy *c, struct copy_blob *b,
		      const struct mr_descriptor *layer, struct mreg_error *err)
{
	const char *title =
		mr_annotation(&layer->annotations, MR_ANNOTATION_FILEPATH);
	char safe[TITLE_BYTES];

	if (!title || !title[0])
		title = mr_annotation(&layer->annotations, MR_ANNOTATION_TITLE);
	if (b->title || !title || !title[0])
		return 0;
	b->title = mr_arena_strdup(c->arena,
				   mr_text_safe(title, safe, sizeof(safe)));
	return b->title ? 0 : mr_fail_nomem(err);
}

static int use_blob(struct copy *c, size_t node,
		    const struct mr_descriptor *layer, struct mreg_error *err)
{
	const struct mreg_desc *d = &layer->desc;
	size_t at = mr_digest_map_get(&c->blob_map, &d->digest);
	void *items = c->blobs;
	int rc;

	if (at == MR_COPY_NO_NODE) {
		if (mr_grow(&items, &c->blob_cap, c->blob_count + 1,
			    sizeof(*c->blobs)) < 0)
			return mr_fail_nomem(err);
		c->blobs = items;
		rc = mr_digest_map_put(&c->blob_map, &d->digest, c->blob_count,
				       err);
		if (rc < 0)
			return rc;
		at = c->blob_count++;
		memset(&c->blobs[at], 0, sizeof(*c->blobs));
		c->blobs[at].desc = *d;
	}
	rc = take_title(c, &c->blobs[at], layer, err);
	if (rc < 0)
		return rc;
	c->nodes[node].blob_count++;
	return add_index(&c->uses, &c->use_count, &c->use_cap, at, err);
}

static int need_node(struct copy *c, size_t node, const struct mreg_digest *d,
		     struct mreg_error *err)
{
	size_t other;
	int rc = mr_copy_node(c, d, &other, err);

	if (rc < 0)
		return rc;
	c->nodes[node].need_count++;
	return add_index(&c->needs, &c->need_count, &c->need_cap, other, err);
}

static int take_members(struct copy *c, size_t node,
			const struct mr_manifest *m, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (!m->is_index)
		rc = use_blob(c, node, &m->config, err);
	for (i = 0; rc >= 0 && i < m->layer_count; i++)
		rc = use_blob(c, node, &m->layers[i], err);
	for (i = 0; rc >= 0 && i < m->child_count; i++)
		rc = need_node(c, node, &m->children[i].desc.digest, err);
	if (rc >= 0 && m->has_subject) {
		c->nodes[node].subject = m->subject.desc.digest;
		rc = need_node(c, node, &m->subject.desc.digest, err);
	}
	return rc;
}

int mr_copy_take(struct copy *c, size_t node, const struct mr_doc *doc,
		 struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct copy_node *n = &c->nodes[node];
	size_t size = doc->bytes.len;
	char text[MREG_DIGEST_TEXT];
	int rc;

	if (n->loaded)
		return 0;
	rc = mr_manifest_parse(doc->bytes.data, size, doc->desc.media_type, &m,
			       err);
	if (rc < 0)
		return mr_wrap(err, "cannot copy '%s' of '%s'",
			       mreg_digest_text(&n->desc.digest, text),
			       c->name_from);
	n->desc = doc->desc;
	n->blob_at = c->use_count;
	n->need_at = c->need_count;
	n->loaded = true;
	if (size <= KEPT_DOC_MAX && c->kept_bytes + size <= KEPT_BYTES_MAX) {
		n->bytes = mr_alloc(size);
		if (!n->bytes)
			return mr_fail_nomem(err);
		memcpy(n->bytes, doc->bytes.data, size);
		c->kept_bytes += size;
	}
	return take_members(c, node, m, err);
}

int mr_copy_doc(struct copy *c, size_t node, struct mr_doc *out,
		struct mreg_error *err)
{
	const struct copy_node *n = &c->nodes[node];
	char text[MREG_DIGEST_TEXT];
	bool found;
	int rc;

	if (n->bytes) {
		mr_buf_clear(&out->bytes);
		mr_buf_add(&out->bytes, n->bytes, (size_t)n->desc.size);
		out->desc = n->desc;
		return mr_buf_check(&out->bytes, "a manifest", err);
	}
	(void)mreg_digest_text(&n->desc.digest, text);
	rc = mr_store_get(c->from, text, out, &found, err);
	if (rc < 0)
		return rc;
	if (!found)
		return mr_fail(err, MREG_ENOTFOUND,
			       "manifest '%s' is not in '%s' any more", text,
			       c->name_from);
	/* The type that was served with the tag is the one to keep. */
	out->desc = n->desc;
	return 0;
}

/* What `n` lacks of its children, and they of theirs; a subject may be gone. */
static size_t gap_of(const struct copy *c, const struct copy_node *n)
{
	size_t i;

	for (i = 0; i < n->need_count; i++) {
		size_t at = c->needs[n->need_at + i];
		const struct copy_node *o = &c->nodes[at];

		if (mreg_digest_equal(&o->desc.digest, &n->subject))
			continue;
		if (o->absent || o->gap != MR_COPY_NO_NODE)
			return o->absent ? at : o->gap;
	}
	return MR_COPY_NO_NODE;
}

static int too_deep(const struct copy *c, struct mreg_error *err)
{
	return mr_fail(err, MREG_ELIMIT,
		       "manifests of '%s' name each other more than %d deep",
		       c->name_from, LEVELS_MAX);
}

int mr_copy_gaps(struct copy *c, struct mreg_error *err)
{
	bool changed = true;
	unsigned int rounds;
	size_t i;

	for (rounds = 0; changed; rounds++) {
		if (rounds > LEVELS_MAX)
			return too_deep(c, err);
		changed = false;
		for (i = 0; i < c->node_count; i++) {
			struct copy_node *n = &c->nodes[i];

			if (n->gap != MR_COPY_NO_NODE)
				continue;
			n->gap = gap_of(c, n);
			changed = changed || n->gap != MR_COPY_NO_NODE;
		}
	}
	return 0;
}

/* Raise a node above what it needs; `*changed` when it rose. */
static void lift(struct copy *c, struct copy_node *n, bool *changed)
{
	size_t i;

	for (i = 0; i < n->need_count; i++) {
		const struct copy_node *o = &c->nodes[c->needs[n->need_at + i]];

		if (o->absent || o->level < n->level)
			continue;
		n->level = o->level + 1;
		*changed = true;
	}
}

int mr_copy_levels(struct copy *c, unsigned int *top, struct mreg_error *err)
{
	bool changed = true;
	unsigned int rounds;
	size_t i;

	*top = 0;
	for (rounds = 0; changed; rounds++) {
		if (rounds > LEVELS_MAX)
			return too_deep(c, err);
		changed = false;
		for (i = 0; i < c->node_count; i++) {
			lift(c, &c->nodes[i], &changed);
			if (c->nodes[i].level > *top)
				*top = c->nodes[i].level;
		}
	}
	return 0;
}

void mr_copy_release(struct copy *c)
{
	size_t i;

	for (i = 0; i < c->node_count; i++)
		mr_release(c->nodes[i].bytes);
	mr_release(c->nodes);
	mr_release(c->blobs);
	mr_release(c->tags);
	mr_release(c->uses);
	mr_release(c->needs);
	mr_digest_map_release(&c->node_map);
	mr_digest_map_release(&c->blob_map);
	mr_plan_release(&c->plan);
	mr_history_release(&c->source_log);
	mr_history_release(&c->target_log);
	mr_store_closep(&c->from);
	mr_store_closep(&c->to);
}
