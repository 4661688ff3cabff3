/*
 * push_look.c - what may be there already: in the repository pushed to, and
 * where its blobs could come from instead of being sent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "ops/push.h"

/* Parents and inputs whose layers are looked at: a merge has a few. */
#define ORIGINS_MAX 8
/* After a transfer of this length nothing is taken for certain. */
#define LONG_MS 60000

/* Local models whose newest version is looked at, so that a large store does
 * not make every push slow. */
#define LOCAL_MODELS_MAX 200

/* Sizes of layers that may be the same as a file of ours: one of exactly such
 * a size is worth hashing first (product.md 5.3). */
struct sizes {
	uint64_t *items; /* owned */
	size_t n;
	size_t cap;
};

static int add_size(struct sizes *s, uint64_t size, struct mreg_error *err)
{
	void *items = s->items;

	if (mr_grow(&items, &s->cap, s->n + 1, sizeof(*s->items)) < 0)
		return mr_fail_nomem(err);
	s->items = items;
	s->items[s->n++] = size;
	return 0;
}

static int add_sizes(struct sizes *s, const struct mr_manifest *m,
		     struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < m->layer_count; i++)
		rc = add_size(s, m->layers[i].desc.size, err);
	return rc;
}

/* Of the newest version in the repository pushed to. */
static int newest_sizes(struct push *p, struct sizes *s, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	bool found;
	int rc;

	rc = mr_store_get(p->to, "latest", &doc, &found, &why);
	if (rc == MREG_ENOTFOUND) {
		/* Its manifest was lost; this push may bring it back. */
		found = false;
	} else if (rc < 0) {
		*err = why;
		return rc;
	}
	p->plan.fresh = !found && p->ref.host[0];
	/* A `latest` that is no version of ours has nothing to compare. */
	if (!found ||
	    mr_manifest_parse(doc.bytes.data, doc.bytes.len,
			      doc.desc.media_type, &p->newest, &why) < 0)
		return 0;
	return add_sizes(s, p->newest, err);
}

/* Of the newest versions in the local store, for a push elsewhere.  What
 * cannot be read there has no say in it. */
static int local_sizes(struct push *p, struct sizes *s, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *root = mr_setting(p->m, "store");
	size_t i;
	int rc = 0;

	if (!root[0] || p->ref.dir[0] ||
	    mr_layout_repositories(&p->m->env, root, &names, &ignored) < 0)
		return 0;
	for (i = 0; rc >= 0 && i < names.n && i < LOCAL_MODELS_MAX; i++) {
		MR_AUTO(mr_store_closep) struct mr_store *local = NULL;
		MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
		MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
		bool found = false;

		if (mr_layout_open(&p->m->env, root, names.items[i], &local,
				   &ignored) < 0 ||
		    mr_store_get(local, "latest", &doc, &found, &ignored) < 0 ||
		    !found ||
		    mr_manifest_parse(doc.bytes.data, doc.bytes.len,
				      doc.desc.media_type, &m, &ignored) < 0)
			continue;
		rc = add_sizes(s, m, err);
	}
	return rc;
}

/* Of files that were hashed before, if only for a pull, which judges none: the
 * registry may have them under another name. */
static int pulled_sizes(struct push *p, struct sizes *s, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < p->plan.count; i++) {
		struct mr_state_file known;

		if (!mr_digest_known(&p->plan.items[i].desc.digest) &&
		    mr_state_file_get(p->m->state, &p->scan->files[i].id,
				      &known))
			rc = add_size(s, p->scan->files[i].size, err);
	}
	return rc;
}

/*
 * What a parent or input in the same registry is made of: the same tokenizer,
 * often.  Its blobs can be mounted from there, once they are known to be the
 * same.  Only a hint: what cannot be read has no say in it.
 */
static int origin_sizes(struct push *p, const char *text, const char *digest,
			struct sizes *s, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *from = NULL;
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_digest d;
	struct mreg_ref ref;
	size_t i;

	if (!text || !digest || mr_meta_is_outside(text) ||
	    mr_ref_parse(text, &ref, &ignored) < 0 ||
	    strcmp(ref.host, p->ref.host) != 0 ||
	    mreg_digest_parse(digest, &d, &ignored) < 0 ||
	    mr_target_open(p->m, &ref, &from, &ignored) < 0 ||
	    mr_manifest_fetch(p->m, from, &d, &m, &ignored) < 0)
		return 0;
	mr_state_begin(p->m->state);
	for (i = 0; i < m->layer_count; i++)
		mr_remote_note_blob(p->m->state, ref.host, ref.repository,
				    &m->layers[i].desc);
	mr_state_end(p->m->state);
	return add_sizes(s, m, err);
}

static int all_origin_sizes(struct push *p, struct sizes *s,
			    struct mreg_error *err)
{
	const struct mr_meta *meta = p->meta;
	size_t i;
	int rc = 0;

	if (!p->ref.host[0])
		return 0;
	for (i = 0; rc >= 0 && i < meta->parent_count && i < ORIGINS_MAX; i++)
		rc = origin_sizes(p, meta->parents[i].ref,
				  meta->parents[i].digest, s, err);
	for (i = 0; rc >= 0 && i < meta->input_count && i < ORIGINS_MAX; i++)
		rc = origin_sizes(p, meta->inputs[i].uri,
				  meta->inputs[i].digest, s, err);
	return rc;
}

int mr_push_look(struct push *p, struct mreg_error *err)
{
	struct sizes s = { .n = 0 };
	int rc = newest_sizes(p, &s, err);

	p->looked_ms = mr_mono_ms(&p->m->env);
	/* POST and PUT instead of POST, PATCH and PUT. */
	p->plan.hash_small = p->ref.host[0];
	p->plan.limited = p->ref.host[0] && mr_session_limited(p->m);
	if (rc >= 0 && !mr_push_known(p))
		rc = local_sizes(p, &s, err);
	if (rc >= 0)
		rc = pulled_sizes(p, &s, err);
	if (rc >= 0)
		rc = all_origin_sizes(p, &s, err);
	if (rc >= 0)
		rc = mr_plan_look(&p->plan, p->to, s.items, s.n, p->jobs, err);
	mr_release(s.items);
	return rc;
}

/* -- again ------------------------------------------------------------------
 */

static int compare_digest(const void *a, const void *b)
{
	return mr_digest_compare(*(const struct mreg_digest *const *)a,
				 *(const struct mreg_digest *const *)b);
}

/* The digests of the newest version's layers, sorted; the caller's. */
static const struct mreg_digest **kept_digests(const struct push *p, size_t *n)
{
	const struct mr_manifest *m = p->newest;
	const struct mreg_digest **all;
	size_t i;

	*n = m ? m->layer_count : 0;
	all = mr_array(*n, sizeof(*all));
	for (i = 0; all && i < *n; i++)
		all[i] = &m->layers[i].desc.digest;
	if (all && *n)
		qsort(all, *n, sizeof(*all), compare_digest);
	return all;
}

struct again {
	struct push *p;
	size_t *items; /* owned; indices in the plan */
	size_t n;
};

static int look_one(void *ctx, size_t index, struct mreg_error *err)
{
	const struct again *a = ctx;
	struct mr_item *it = &a->p->plan.items[a->items[index]];
	bool found = false;
	int rc = mr_store_has(a->p->to, &it->desc, &found, err);

	if (rc < 0)
		return rc;
	if (!found)
		it->step = MR_STEP_COPY;
	it->done = found;
	return 0;
}

/*
 * Blobs that no manifest names may be collected at any time, on some
 * registries within the hour, on others as soon as the last manifest that
 * named them is gone (protocol.md fact 7, B-22).  So what was found there is
 * looked at once more, unless the newest version holds it; and, when it took
 * long, everything.
 */
static int choose(struct again *a, struct mreg_error *err)
{
	const struct push *p = a->p;
	bool all = mr_mono_ms(&p->m->env) - p->looked_ms > LONG_MS;
	MR_AUTO(mr_free) const struct mreg_digest **kept = NULL;
	size_t kept_count;
	size_t i;

	a->items = mr_array(p->plan.count, sizeof(*a->items));
	kept = kept_digests(p, &kept_count);
	if (!a->items || !kept)
		return mr_fail_nomem(err);
	for (i = 0; i < p->plan.count; i++) {
		const struct mreg_digest *d = &p->plan.items[i].desc.digest;
		bool safe =
			p->plan.items[i].sent ||
			(kept_count && bsearch(&d, kept, kept_count,
					       sizeof(*kept), compare_digest));

		if (all || !safe)
			a->items[a->n++] = i;
	}
	return 0;
}

int mr_push_look_again(struct push *p, struct mreg_error *err)
{
	struct again a = { .p = p };
	size_t missing = 0;
	size_t i;
	int rc = 0;

	if (p->ref.host[0])
		rc = choose(&a, err);
	/* What is looked at and gone moves again; nothing else does. */
	for (i = 0; i < p->plan.count && a.n; i++)
		p->plan.items[i].step = MR_STEP_REUSE;
	if (rc >= 0)
		rc = mr_task_run(&p->m->env, MR_LOOKUP_JOBS, a.n, look_one, &a,
				 err);
	for (i = 0; rc >= 0 && i < a.n; i++)
		missing += !p->plan.items[a.items[i]].done;
	mr_release(a.items);
	if (rc < 0 || !missing)
		return rc;
	mr_log(&p->m->env, MREG_LOG_INFO,
	       "'%s' lost %zu blobs meanwhile, sending them again",
	       p->to->label, missing);
	return mr_plan_run(&p->plan, p->from, p->to, p->jobs, err);
}
