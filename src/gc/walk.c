/*
 * walk.c - manifests and what they name: blobs, each other, what they come
 * from.
 */
#include "gc/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "model/model.h"

/* Documents about documents: nobody goes further. */
#define PARTS_MAX 100000

static int add_use(struct gc *g, size_t item, const struct mreg_desc *d,
		   struct mreg_error *err)
{
	void *items = g->uses;

	if (mr_grow(&items, &g->use_cap, g->use_count + 1, sizeof(*g->uses)) <
	    0)
		return mr_fail_nomem(err);
	g->uses = items;
	g->uses[g->use_count++] = (struct gc_use){ .digest = d->digest,
						   .size = d->size,
						   .item = item };
	return 0;
}

static int add_need(struct gc *g, const struct gc_need *need,
		    struct mreg_error *err)
{
	void *items = g->needs;

	if (mr_grow(&items, &g->need_cap, g->need_count + 1,
		    sizeof(*g->needs)) < 0)
		return mr_fail_nomem(err);
	g->needs = items;
	g->needs[g->need_count++] = *need;
	return 0;
}

static int need_text(struct gc *g, size_t item, const char *digest,
		     struct mreg_error *err)
{
	struct gc_need need = { .item = item };

	/* An input may have another kind of digest. */
	if (!digest || mreg_digest_parse(digest, &need.digest, NULL) < 0)
		return 0;
	return add_need(g, &need, err);
}

/* The new part of an item; what it had already is not added. */
static int add_part(struct gc *g, size_t item, const struct mreg_digest *d,
		    struct mreg_error *err)
{
	size_t at = mr_digest_map_get(&g->part_map, d);
	void *items = g->parts;
	size_t i;

	if (at == item)
		return 0;
	for (i = 0; at != MR_DIGEST_NO_INDEX && i < g->part_count; i++)
		if (g->parts[i].item == item &&
		    mreg_digest_equal(&g->parts[i].digest, d))
			return 0;
	if (g->part_count >= PARTS_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "'%s' has more than %d manifests", g->s->label,
			       PARTS_MAX);
	if (mr_grow(&items, &g->part_cap, g->part_count + 1,
		    sizeof(*g->parts)) < 0)
		return mr_fail_nomem(err);
	g->parts = items;
	g->parts[g->part_count++] =
		(struct gc_part){ .digest = *d, .item = item };
	return at == MR_DIGEST_NO_INDEX
		       ? mr_digest_map_put(&g->part_map, d, item, err)
		       : 0;
}

/* -- what one names -------------------------------------------------------- */

static int take_origin(struct gc *g, size_t item, const struct mr_manifest *m,
		       struct mreg_error *err)
{
	struct mr_meta *meta = NULL;
	size_t i;
	int rc = mr_meta_new(&meta, err);

	if (rc >= 0)
		rc = mr_meta_read(m, meta, err);
	for (i = 0; rc >= 0 && i < meta->parent_count; i++)
		rc = need_text(g, item, meta->parents[i].digest, err);
	for (i = 0; rc >= 0 && i < meta->input_count; i++)
		rc = need_text(g, item, meta->inputs[i].digest, err);
	mr_meta_free(meta);
	if (rc < 0)
		return rc;
	return need_text(g, item,
			 mr_annotation(&m->annotations,
				       "org.opencontainers.image.base.digest"),
			 err);
}

static int take_manifest(struct gc *g, size_t item, const struct mr_manifest *m,
			 struct mreg_error *err)
{
	size_t i;
	int rc = add_use(g, item, &m->desc, err);

	if (rc >= 0 && !m->is_index)
		rc = add_use(g, item, &m->config.desc, err);
	for (i = 0; rc >= 0 && i < m->layer_count; i++)
		rc = add_use(g, item, &m->layers[i].desc, err);
	for (i = 0; rc >= 0 && i < m->child_count; i++) {
		struct gc_need need = { .digest = m->children[i].desc.digest,
					.item = item };

		rc = add_part(g, item, &need.digest, err);
		if (rc >= 0)
			rc = add_need(g, &need, err);
	}
	if (rc >= 0 && m->has_subject) {
		struct gc_need need = { .digest = m->subject.desc.digest,
					.item = item };

		rc = add_need(g, &need, err);
	}
	return rc < 0 ? rc : take_origin(g, item, m, err);
}

/* One manifest and who refers to it, as far as they were fetched. */
struct fetched {
	struct mr_manifest *doc;   /* owned; NULL: it is not there */
	struct mr_referrers about; /* owned */
};

static void fetched_release(struct fetched *f)
{
	mr_manifest_freep(&f->doc);
	mr_referrers_release(&f->about);
}

/* What is not there, or no manifest, names nothing. */
static int fetch(struct gc *g, const struct mreg_digest *d, struct fetched *f,
		 struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_manifest_fetch(g->m, g->s, d, &f->doc, &why);

	if (rc == MREG_ENOTFOUND || rc == MREG_EFORMAT) {
		mr_log(&g->m->env, MREG_LOG_INFO, "%s", why.msg);
		return 0;
	}
	if (rc < 0) {
		*err = why;
		return rc;
	}
	return mr_store_referrers(g->s, d, NULL, &f->about, err);
}

static int take_fetched(struct gc *g, size_t item, const struct fetched *f,
			struct mreg_error *err)
{
	size_t i;
	int rc = f->doc ? take_manifest(g, item, f->doc, err) : 0;

	for (i = 0; rc >= 0 && i < f->about.count; i++)
		rc = add_part(g, item, &f->about.items[i].desc.digest, err);
	return rc;
}

int mr_gc_enter(struct gc *g, size_t item, const struct mreg_digest *d,
		struct mreg_error *err)
{
	size_t i = g->part_count;
	int rc = add_part(g, item, d, err);

	for (; rc >= 0 && i < g->part_count; i++) {
		MR_AUTO(fetched_release)
		struct fetched f = { .about = MR_REFERRERS_INIT };
		struct mreg_digest part = g->parts[i].digest;

		rc = fetch(g, &part, &f, err);
		if (rc >= 0)
			rc = take_fetched(g, item, &f, err);
	}
	return rc;
}

/* -- all items ------------------------------------------------------------- */

/* Items' own manifests are most of what is asked for: several at once. */
struct fetching {
	struct gc *g;
	struct fetched *items; /* owned; one each */
};

static void fetching_release(struct fetching *f)
{
	size_t i;

	for (i = 0; f->items && i < f->g->item_count; i++)
		fetched_release(&f->items[i]);
	mr_release(f->items);
}

static int fetch_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct fetching *f = ctx;

	return index ? fetch(f->g, &f->g->items[index].desc.digest,
			     &f->items[index], err)
		     : 0;
}

static int take_successors(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++) {
		const struct mr_version_standing *v = g->items[i].v;
		struct gc_need need = { .item = i, .successor = true };

		if (v && v->deprecated &&
		    mr_event_digest(v->deprecated, "successor", &need.digest))
			rc = add_need(g, &need, err);
	}
	return rc;
}

int mr_gc_walk(struct gc *g, struct mreg_error *err)
{
	MR_AUTO(fetching_release) struct fetching f = { .g = g };
	size_t from;
	size_t i;
	int rc;

	f.items = mr_array(g->item_count, sizeof(*f.items));
	if (!f.items)
		return mr_fail_nomem(err);
	rc = mr_task_run(&g->m->env, MR_LOOKUP_JOBS, g->item_count, fetch_one,
			 &f, err);
	for (i = 1; rc >= 0 && i < g->item_count; i++) {
		rc = add_part(g, i, &g->items[i].desc.digest, err);
		from = g->part_count;
		if (rc >= 0)
			rc = take_fetched(g, i, &f.items[i], err);
		for (; rc >= 0 && from < g->part_count; from++) {
			MR_AUTO(fetched_release)
			struct fetched more = { .about = MR_REFERRERS_INIT };
			struct mreg_digest part = g->parts[from].digest;

			rc = fetch(g, &part, &more, err);
			if (rc >= 0)
				rc = take_fetched(g, i, &more, err);
		}
		g->items[i].doc = mr_steal(&f.items[i].doc);
	}
	return rc < 0 ? rc : take_successors(g, err);
}
