/*
 * collect.c - one repository into the index: the order of steps.
 *
 * 1. Its tags are listed, and compared with what the last sync saw.
 * 2. The log is read if it has grown.
 * 3. v<max+1> is asked, and every tag that may have moved.
 * 4. Where all is as it was, the policy too: that is noted.  Else versions are
 * read, as many at once as there are threads, and then written, with all that
 * the log says.
 *
 * Invariants
 * 1. What is written depends on what the repository holds, never on what the
 *    index held: so a row is either written anew or known to be the same.
 * 2. Nothing is seen by others before the one commit.
 * 3. What was seen is remembered in the same transaction: who dies before it
 *    begins anew.
 * 4. Whoever writes finds the index as it was when it looked at the repository:
 *    of two at once, the second looks again.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "crawl/collect.h"

/* How often somebody else may be faster. */
#define TRIES 5

static void collect_release(struct mr_collect *c)
{
	mr_index_abort(c->w);
	mr_release(c->versions);
	mr_digest_map_release(&c->last);
	mr_standing_release(&c->now);
	mr_history_release(&c->h);
	mr_store_closep(&c->s);
	mr_arena_free(c->arena);
}

/* -- the log --------------------------------------------------------------- */

static int read_log(struct mr_collect *c, struct mreg_error *err)
{
	int rc;

	if (c->read)
		return 0;
	rc = mr_history_take(c->m, c->s, &c->h, err);
	if (rc < 0)
		return rc;
	c->read = true;
	return mr_collect_fold(c, err);
}

static bool has_grown(const struct mr_collect *c)
{
	uint64_t seq;
	size_t i;

	for (i = 0; i < c->h.tags.n; i++)
		if (mr_log_tag(c->h.tags.items[i], &seq) &&
		    !mr_collect_seen(c, c->h.tags.items[i]))
			return true;
	return false;
}

/* -- what is to be done ---------------------------------------------------- */

static int recall(struct mr_collect *c, struct mreg_error *err)
{
	bool found = false;
	int rc;

	mr_collect_rest(c);
	rc = mr_index_cached(c->ix, c->name, c->arena, &c->seen, &c->seen_count,
			     &c->sync, &found, err);
	mr_collect_resume(c);
	c->synced = found && c->sync.synced_s != 0;
	c->full = c->crawl->sweep || c->crawl->anew || !c->synced;
	c->left_count = c->seen_count;
	if (c->crawl->anew)
		c->seen_count = 0;
	return rc;
}

/* Whether anything has to be written; the policy is asked for last, since it is
 * in another repository. */
static int has_news(struct mr_collect *c, bool *out, struct mreg_error *err)
{
	size_t i;

	*out = c->full || c->log_grown || c->names_changed;
	for (i = 0; !*out && i < c->version_count; i++)
		*out = c->versions[i].ask || c->versions[i].hang;
	return *out ? 0 : mr_collect_rejudged(c, out, err);
}

/* Something that mreg wrote, or that can be read as if it had. */
static bool is_model(const struct mr_collect *c)
{
	size_t i;

	if (c->h.ledger && mr_ledger_count(c->h.ledger))
		return true;
	for (i = 0; i < c->version_count; i++)
		if (!c->versions[i].gone)
			return true;
	return false;
}

static bool is_indexed(const struct mr_collect *c)
{
	size_t i;

	for (i = 0; i < c->version_count; i++)
		if (mr_digest_known(&c->versions[i].known))
			return true;
	return c->synced;
}

/* -- versions -------------------------------------------------------------- */

static bool is_there(const struct mr_collect *c, const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; i < c->version_count; i++)
		if (!c->versions[i].gone &&
		    mreg_digest_equal(&c->versions[i].digest, d))
			return true;
	return false;
}

/* Count, and forget those that are gone. */
static int end_versions(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *numbers = NULL;
	size_t n = 0;
	size_t i;
	int rc = 0;

	numbers = mr_array(c->version_count + 1, sizeof(*numbers));
	if (!numbers)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < c->version_count; i++) {
		struct mr_numbered *v = &c->versions[i];
		bool known = mr_digest_known(&v->known);

		/* It could not be read, and what was known stays. */
		if (!v->gone && !mr_digest_known(&v->digest))
			v->digest = v->known;
		if (!v->gone)
			numbers[n++] = v->number;
		if (!v->gone && !mreg_digest_equal(&v->known, &v->digest))
			c->out->added++;
		if (v->gone && known)
			c->out->removed++;
		if (known && !is_there(c, &v->known))
			rc = mr_index_replace_documents(c->w, &v->known, NULL,
							0, err);
	}
	return rc < 0 ? rc : mr_index_keep_versions(c->w, numbers, n, err);
}

/* -- all of it ------------------------------------------------------------- */

static void take_sync(struct mr_collect *c, struct mr_ix_sync *to)
{
	*to = c->sync;
	to->synced_s = to->tried_s = c->begun_s;
	to->error = NULL;
	to->requests = mr_store_is_far(c->s) ? atomic_load(&c->requests) : 0;
	if (c->out->changed)
		to->changed_s = c->begun_s;
	if (c->full)
		to->swept_s = c->begun_s;
}

static int note_same(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_ix_sync sync;
	int rc;

	take_sync(c, &sync);
	mr_collect_rest(c);
	rc = mr_index_cache_try(c->ix, c->name, &sync, err);
	mr_collect_resume(c);
	return rc;
}

static int write_all(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_ix_sync sync;
	int rc = mr_collect_stages(c, err);

	if (rc >= 0)
		rc = mr_collect_versions(c, err);
	if (rc >= 0 && !c->w && !is_model(c))
		return 0;
	if (rc >= 0)
		rc = mr_collect_begin(c, err);
	if (rc >= 0)
		rc = end_versions(c, err);
	if (rc >= 0)
		rc = mr_collect_log(c, err);
	if (rc >= 0)
		rc = mr_collect_remember(c, err);
	if (rc < 0)
		return rc;
	/* A sweep may have found everything as it was: what was written is the
	 * same, and nothing of it counts. */
	c->out->changed = !c->synced || c->log_grown || c->names_changed ||
			  c->out->added || c->out->removed || c->rejudged ||
			  !c->crawl->sweep;
	take_sync(c, &sync);
	rc = mr_index_cache_sync(c->w, &sync, err);
	if (rc < 0)
		return rc;
	c->out->indexed = true;
	return mr_index_commit(mr_steal(&c->w), err);
}

static int remove_model(struct mr_collect *c, struct mreg_error *err)
{
	bool asked = false;
	int rc = c->synced ? mr_crawl_gone(c->crawl, c->ref, &asked, err) : 0;

	if (asked)
		atomic_fetch_add(&c->requests, 1);
	if (rc < 0)
		return rc;
	c->out->known = c->out->changed = c->synced;
	return mr_index_remove_model(c->ix, c->name, err);
}

static int run(struct mr_collect *c, struct mreg_error *err)
{
	bool news;
	int rc = recall(c, err);

	if (rc >= 0)
		rc = mr_history_list(c->s, &c->h, err);
	atomic_fetch_add(&c->requests, 1);
	if (rc < 0)
		return rc;
	c->out->found = c->h.found;
	if (!c->h.found)
		return remove_model(c, err);
	c->log_grown = has_grown(c);
	if (c->full || c->log_grown)
		rc = read_log(c, err);
	if (rc >= 0)
		rc = mr_collect_numbers(c, err);
	if (rc < 0)
		return rc;
	c->out->known = is_indexed(c);
	/* Images that are no models: their tags are not names of ours. */
	if (!c->out->known && !is_model(c))
		return 0;
	rc = mr_collect_names(c, err);
	if (rc < 0)
		return rc;
	rc = has_news(c, &news, err);
	if (rc < 0)
		return rc;
	if (!news) {
		c->out->indexed = true;
		return note_same(c, err);
	}
	rc = read_log(c, err);
	return rc < 0 ? rc : write_all(c, err);
}

int mr_crawl_begin(struct mr_crawl *c, struct mreg *m, unsigned int jobs,
		   struct mreg_error *err)
{
	memset(c, 0, sizeof(*c));
	c->m = m;
	c->jobs = jobs ? mr_session_jobs(m, jobs) : MR_CRAWL_JOBS;
	atomic_init(&c->busy, 0);
	mr_lock_init(&c->lock);
	return mr_result_arena(&c->arena, err);
}

void mr_crawl_end(struct mr_crawl *c)
{
	mr_arena_freep(&c->arena);
	mr_list_release(&c->reached);
	mr_lock_release(&c->lock);
}

static int look(struct mr_collect *c, struct mreg_error *err)
{
	int rc = mr_result_arena(&c->arena, err);

	if (rc >= 0)
		rc = mr_target_open(c->m, c->ref, &c->s, err);
	return rc < 0 ? rc : run(c, err);
}

/* Once; `*again`: somebody else did meanwhile. */
static int look_once(struct mr_crawl *crawl, const struct mreg_ref *ref,
		     struct mr_crawled *out, bool *again,
		     struct mreg_error *err)
{
	struct mr_collect *c = mr_zalloc(sizeof(*c));
	uint64_t requests = out->requests;
	int rc;

	memset(out, 0, sizeof(*out));
	*again = false;
	if (!c)
		return mr_fail_nomem(err);
	c->crawl = crawl;
	c->m = crawl->m;
	c->ix = crawl->ix;
	c->ref = ref;
	c->out = out;
	c->begun_s = mr_now_s(&crawl->m->env);
	(void)mr_ref_name(ref, c->name);
	atomic_init(&c->requests, requests);
	atomic_fetch_add(&crawl->busy, 1);
	rc = look(c, err);
	atomic_fetch_sub(&crawl->busy, 1);
	if (mr_store_is_far(c->s))
		out->requests = atomic_load(&c->requests);
	*again = c->overtaken;
	collect_release(c);
	mr_release(c);
	return rc;
}

int mr_crawl_repository(struct mr_crawl *crawl, const struct mreg_ref *ref,
			struct mr_crawled *out, struct mreg_error *err)
{
	unsigned int tries = 0;
	bool again;
	int rc;

	memset(out, 0, sizeof(*out));
	do
		rc = look_once(crawl, ref, out, &again, err);
	while (again && ++tries < TRIES);
	return rc;
}
