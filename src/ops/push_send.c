/*
 * push_send.c - blobs, config, manifest; children before parents.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ops/push.h"

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

static int add_sizes(struct sizes *s, const struct mr_manifest *m,
		     struct mreg_error *err)
{
	void *items = s->items;
	size_t i;

	if (mr_grow(&items, &s->cap, s->n + m->layer_count, sizeof(*s->items)) <
	    0)
		return mr_fail_nomem(err);
	s->items = items;
	for (i = 0; i < m->layer_count; i++)
		s->items[s->n++] = m->layers[i].desc.size;
	return 0;
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

int mr_push_look(struct push *p, struct mreg_error *err)
{
	struct sizes s = { .n = 0 };
	int rc = newest_sizes(p, &s, err);

	if (rc >= 0 && !mr_push_known(p))
		rc = local_sizes(p, &s, err);
	if (rc >= 0)
		rc = mr_plan_look(&p->plan, p->to, s.items, s.n, p->jobs, err);
	mr_release(s.items);
	return rc;
}

/* Copy again what the registry says it does not have. */
static int send_missing(struct push *p, const struct mr_list *missing,
			struct mreg_error *err)
{
	const struct mreg_desc *config = &p->docs.config_desc;
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc;

	rc = mr_store_put_bytes(p->to, config, p->docs.config.data, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < p->plan.count; i++) {
		struct mr_item *it = &p->plan.items[i];

		(void)mreg_digest_text(&it->desc.digest, text);
		it->done = false;
		it->step = !missing->n || mr_list_has(missing, text)
				   ? MR_STEP_COPY
				   : MR_STEP_REUSE;
	}
	return mr_plan_run(&p->plan, p->from, p->to, p->jobs, err);
}

static int put_manifest(struct push *p, struct mreg_error *err)
{
	const struct mreg_desc *d = &p->docs.manifest_desc;
	char text[MREG_DIGEST_TEXT];
	unsigned int repairs;

	(void)mreg_digest_text(&d->digest, text);
	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		int rc = mr_store_set(p->to, text, d, p->docs.manifest.data,
				      &missing, err);

		if (rc != MREG_ECONFLICT || repairs == MR_REPAIRS_MAX)
			return rc;
		mr_log(&p->m->env, MREG_LOG_INFO,
		       "'%s' lost %zu blobs meanwhile, sending them again",
		       p->to->label, missing.n);
		rc = send_missing(p, &missing, err);
		if (rc < 0)
			return rc;
	}
}

static int put_config(struct push *p, struct mreg_error *err)
{
	const struct mreg_desc *d = &p->docs.config_desc;
	bool found;
	int rc = mr_store_has(p->to, d, &found, err);

	if (rc < 0 || found)
		return rc;
	return mr_store_put_bytes(p->to, d, p->docs.config.data, err);
}

int mr_push_send(struct push *p, struct mreg_error *err)
{
	int rc;

	rc = mr_plan_run(&p->plan, p->from, p->to, p->jobs, err);
	/* Also after a failure: what was hashed need not be read again. */
	if (rc < 0) {
		struct mreg_error ignored = MREG_ERROR_INIT;

		(void)mr_push_judge(p, &ignored);
		return rc;
	}
	rc = mr_push_judge(p, err);
	if (rc >= 0)
		rc = mr_push_docs(p, err);
	if (rc >= 0)
		rc = mr_push_check_tags(p, err);
	if (rc >= 0)
		rc = put_config(p, err);
	return rc < 0 ? rc : put_manifest(p, err);
}
