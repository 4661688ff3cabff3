/*
 * copy_send.c - blobs, then manifests: what is needed comes first.
 *
 * Blobs are one transfer plan, so each digest moves once however many
 * manifests share it.  A manifest is put when all it names is there: children
 * before indexes, subjects before what is attached to them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/copy.h"

/* What the target had that long ago is asked for once more. */
#define LOOK_AGAIN_MS 60000

/* Manifests that need nothing of each other. */
struct level {
	struct copy *c;
	size_t *nodes;  /* borrowed */
	size_t *groups; /* borrowed; where a group begins in `nodes` */
	size_t n;       /* of nodes */
};

static bool is_empty(const struct mreg_desc *d)
{
	return mreg_digest_equal(&d->digest, &mr_empty_desc.digest);
}

/* -- blobs ------------------------------------------------------------------
 */

/* What the target is known not to take is refused before the first byte. */
static int check_sizes(struct copy *c, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < c->plan.count; i++)
		if (c->plan.items[i].step == MR_STEP_COPY)
			rc = mr_remote_check_size(c->to, c->plan.items[i].label,
						  c->plan.items[i].desc.size,
						  err);
	return rc;
}

static bool is_limited(const struct copy *c)
{
	return (c->source.host[0] || c->target.host[0]) &&
	       mr_session_limited(c->m);
}

/* Bytes that the target has to take: blobs and documents. */
static uint64_t needed(const struct copy *c)
{
	uint64_t need = mr_plan_bytes_moving(&c->plan);
	size_t i;

	for (i = 0; i < c->node_count; i++)
		if (c->nodes[i].loaded && !c->nodes[i].there)
			need += c->nodes[i].desc.size;
	return need;
}

/* Where the target is on a file system.  One local store has the bytes already
 * and takes them over by links (mr_plan_take_over). */
static int check_room(struct copy *c, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool archive = c->fresh;
	int rc;

	if (!archive &&
	    (!c->target.dir[0] || strcmp(c->source.dir, c->target.dir) == 0))
		return 0;
	if (archive || c->o->dry_run)
		rc = mr_room_at(archive ? c->name_to : c->to->name, needed(c),
				&why);
	else
		rc = mr_layout_room(c->to, needed(c), &why);
	if (rc < 0 && c->o->dry_run) {
		mr_log(&c->m->env, MREG_LOG_WARN, "%s", why.msg);
		return 0;
	}
	if (rc < 0)
		*err = why;
	return rc;
}

static int compare_titles(const void *a, const void *b)
{
	const struct copy_blob *const *x = a;
	const struct copy_blob *const *y = b;

	return strcmp((*x)->title, (*y)->title);
}

/* Progress tells items apart by their labels. */
static int find_namesakes(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct copy_blob **titled = NULL;
	size_t n = 0;
	size_t i;

	titled = mr_array(c->blob_count + 1, sizeof(struct copy_blob *));
	if (!titled)
		return mr_fail_nomem(err);
	for (i = 0; i < c->blob_count; i++)
		if (c->blobs[i].wanted && c->blobs[i].title)
			titled[n++] = &c->blobs[i];
	qsort(titled, n, sizeof(struct copy_blob *), compare_titles);
	for (i = 1; i < n; i++)
		if (compare_titles(&titled[i - 1], &titled[i]) == 0) {
			titled[i - 1]->namesake = true;
			titled[i]->namesake = true;
		}
	return 0;
}

/* The file's name, as people know it; else the digest. */
static const char *label_of(struct copy *c, const struct copy_blob *b)
{
	char text[MREG_DIGEST_TEXT];
	char hex[129];

	if (!b->title)
		return mr_arena_strdup(c->arena,
				       mreg_digest_text(&b->desc.digest, text));
	if (!b->namesake)
		return b->title;
	return mr_arena_printf(c->arena, "%s (%.12s)", b->title,
			       mr_digest_hex(&b->desc.digest, hex));
}

int mr_copy_plan(struct copy *c, struct mreg_error *err)
{
	size_t n = 0;
	size_t i;
	int rc;

	for (i = 0; i < c->blob_count; i++)
		n += c->blobs[i].wanted && !is_empty(&c->blobs[i].desc);
	rc = mr_plan_init(&c->plan, n, err);
	if (rc < 0)
		return rc;
	c->plan.limited = is_limited(c);
	rc = find_namesakes(c, err);
	if (rc < 0)
		return rc;
	n = 0;
	for (i = 0; i < c->blob_count; i++) {
		struct mr_item *it = &c->plan.items[n];

		if (!c->blobs[i].wanted || is_empty(&c->blobs[i].desc))
			continue;
		n++;
		it->desc = c->blobs[i].desc;
		it->label = label_of(c, &c->blobs[i]);
		it->step = MR_STEP_COPY;
		if (!it->label)
			return mr_fail_nomem(err);
	}
	if (c->fresh)
		return check_room(c, err);
	c->planned_ms = mr_mono_ms(&c->m->env);
	rc = mr_plan_look(&c->plan, c->to, NULL, 0, c->lookups, err);
	if (rc >= 0)
		rc = check_sizes(c, err);
	return rc < 0 ? rc : check_room(c, err);
}

/* "{}", the blob of every event: made here, for not every registry that takes
 * it with a manifest has it to give. */
static int put_empty(struct copy *c, struct mreg_error *err)
{
	bool found = false;
	size_t i;
	int rc;

	for (i = 0; i < c->blob_count; i++)
		if (c->blobs[i].wanted && is_empty(&c->blobs[i].desc))
			break;
	if (i == c->blob_count)
		return 0;
	rc = mr_store_has(c->to, &mr_empty_desc, &found, err);
	if (rc < 0 || found)
		return rc;
	return mr_store_put_bytes(c->to, &mr_empty_desc, "{}", err);
}

/* -- manifests --------------------------------------------------------------
 */

/* The blobs of a node that the target says it misses. */
static int send_again(struct copy *c, const struct copy_node *n,
		      const struct mr_list *missing, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n->blob_count; i++) {
		const struct mreg_desc *d =
			&c->blobs[c->uses[n->blob_at + i]].desc;

		if (!mr_list_has(missing, mreg_digest_text(&d->digest, text)))
			continue;
		rc = is_empty(d) ? mr_store_put_bytes(c->to, &mr_empty_desc,
						      "{}", err)
				 : mr_store_put(c->to, d, c->from, NULL, err);
	}
	return rc;
}

int mr_copy_put(struct copy *c, size_t node, const char *reference,
		struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	const struct copy_node *n = &c->nodes[node];
	unsigned int repairs;
	int rc = mr_copy_doc(c, node, &doc, err);

	for (repairs = 0; rc >= 0; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		struct mreg_error why = MREG_ERROR_INIT;

		rc = mr_store_set(c->to, reference, &doc.desc, doc.bytes.data,
				  &missing, &why);
		if (rc >= 0)
			return 0;
		/* Other conflicts are about the tag, or about its list. */
		if (rc != MREG_ECONFLICT || repairs == MR_REPAIRS_MAX ||
		    !missing.n) {
			*err = why;
			return rc;
		}
		mr_log(&c->m->env, MREG_LOG_INFO,
		       "'%s' misses blobs of '%s', sending them again",
		       c->name_to, reference);
		rc = send_again(c, n, &missing, err);
		/* GHCR needs a moment to know what it has. */
		if (rc >= 0 && repairs)
			rc = mr_sleep_ms(&c->m->env, 250 << repairs, err);
	}
	return rc;
}

static int put_node(struct copy *c, size_t node, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	int rc;

	(void)mreg_digest_text(&c->nodes[node].desc.digest, text);
	rc = mr_copy_put(c, node, text, err);
	if (rc >= 0 || rc == MREG_ECANCELED)
		return rc;
	return mr_wrap(err, "cannot copy '%s' to '%s'", text, c->name_to);
}

static bool same_subject(const struct copy *c, size_t a, size_t b)
{
	const struct mreg_digest *x = &c->nodes[a].subject;

	return mr_digest_known(x) && mreg_digest_equal(x, &c->nodes[b].subject);
}

/* Documents of one subject one after another: where they are listed by a tag,
 * two at once would undo each other's writing. */
static int put_group(void *ctx, size_t i, struct mreg_error *err)
{
	struct level *l = ctx;
	size_t k = l->groups[i];
	int rc;

	do {
		rc = put_node(l->c, l->nodes[k], err);
		k++;
	} while (rc >= 0 && k < l->n &&
		 same_subject(l->c, l->nodes[k - 1], l->nodes[k]));
	return rc;
}

/* By subject; else as they are. */
static int compare_nodes(const void *a, const void *b, void *ctx)
{
	const struct copy *c = ctx;
	size_t x = *(const size_t *)a;
	size_t y = *(const size_t *)b;
	int order =
		mr_digest_compare(&c->nodes[x].subject, &c->nodes[y].subject);

	return order ? order : (x > y) - (x < y);
}

static int put_level(struct level *l, unsigned int level,
		     struct mreg_error *err)
{
	struct copy *c = l->c;
	size_t groups = 0;
	size_t i;

	l->n = 0;
	for (i = 0; i < c->node_count; i++) {
		const struct copy_node *o = &c->nodes[i];

		if (o->loaded && !o->there && !o->entry && o->level == level)
			l->nodes[l->n++] = i;
	}
	qsort_r(l->nodes, l->n, sizeof(*l->nodes), compare_nodes, c);
	for (i = 0; i < l->n; i++)
		if (!i || !same_subject(c, l->nodes[i - 1], l->nodes[i]))
			l->groups[groups++] = i;
	return mr_task_run(&c->m->env, c->writers, groups, put_group, l, err);
}

static int put_manifests(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_free) size_t *nodes = NULL;
	MR_AUTO(mr_free) size_t *groups = NULL;
	struct level l = { .c = c };
	unsigned int level;
	unsigned int top;
	int rc = mr_copy_levels(c, &top, err);

	if (rc < 0)
		return rc;
	nodes = mr_array(c->node_count + 1, sizeof(*nodes));
	groups = mr_array(c->node_count + 1, sizeof(*groups));
	if (!nodes || !groups)
		return mr_fail_nomem(err);
	l.nodes = nodes;
	l.groups = groups;
	for (level = 0; rc >= 0 && level <= top; level++)
		rc = put_level(&l, level, err);
	return rc;
}

/* A registry that collects what no manifest names may have done so while large
 * files were moving. */
static int look_again(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_plan_release) struct mr_plan again = { .count = 0 };
	size_t i;
	int rc;

	if (c->fresh || mr_mono_ms(&c->m->env) - c->planned_ms < LOOK_AGAIN_MS)
		return 0;
	/* The result is about the first one. */
	rc = mr_plan_init(&again, c->plan.count, err);
	again.limited = is_limited(c);
	for (i = 0; rc >= 0 && i < again.count; i++) {
		again.items[i].desc = c->plan.items[i].desc;
		again.items[i].label = c->plan.items[i].label;
	}
	if (rc >= 0)
		rc = mr_plan_look(&again, c->to, NULL, 0, c->lookups, err);
	if (rc < 0 || !mr_plan_bytes_moving(&again))
		return rc;
	return mr_plan_run(&again, c->from, c->to, c->jobs, err);
}

int mr_copy_send(struct copy *c, struct mreg_error *err)
{
	int rc = mr_plan_take_over(&c->plan, &c->source, c->to, &c->target,
				   c->lookups, err);

	if (rc >= 0)
		rc = mr_plan_run(&c->plan, c->from, c->to, c->jobs, err);
	if (rc >= 0)
		rc = look_again(c, err);
	if (rc >= 0)
		rc = put_empty(c, err);
	return rc < 0 ? rc : put_manifests(c, err);
}
