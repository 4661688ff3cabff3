/*
 * pull_seed.c - bytes that are on this machine already: in directories that
 * the user names, in the local store, or in the output under another name.
 *
 * Nothing a seed says is believed: what was taken from it is proven like what
 * came from a registry, and what fails comes from there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull.h"

/* Looks into local repositories: one costs a system call. */
#define LOOKS_MAX 20000u

static bool moves(const struct mr_item *it)
{
	return it->step != MR_STEP_REUSE;
}

int mr_pull_check_seeds(const struct pull *p, struct mreg_error *err)
{
	char safe[160];
	struct stat st;
	size_t i;

	for (i = 0; i < p->o->seed_count; i++) {
		const char *seed =
			mr_text_safe(p->o->seeds[i], safe, sizeof(safe));

		if (stat(p->o->seeds[i], &st) < 0)
			return mr_fail_sys(err, errno, "cannot use seed '%s'",
					   seed);
		if (S_ISDIR(st.st_mode))
			continue;
		(void)mr_fail(err, MREG_EUSAGE, "seed '%s' is no directory",
			      seed);
		return mr_hint(err, "name the directory that the file is in");
	}
	return 0;
}

/* -- which there are --------------------------------------------------- */

static void add_store(struct pull *p, const char *repository)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_store *s;

	if (mr_layout_open(&p->m->env, mr_setting(p->m, "store"), repository,
			   &s, &ignored) >= 0)
		(void)mr_seeds_add_store(p->seeds, s, &ignored);
}

/* The local store's repositories, that of the same name first.  Trouble with
 * them is no trouble of the pull. */
static void add_stores(struct pull *p, size_t moving)
{
	MR_AUTO(mr_list_release) struct mr_list all = { .n = 0 };
	const char *root = mr_setting(p->m, "store");
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t room = LOOKS_MAX / (moving ? moving : 1);
	size_t i;

	if (!p->ref.host[0] || !root[0] ||
	    mr_layout_repositories(&p->m->env, root, &all, &ignored) < 0)
		return;
	if (mr_list_has(&all, p->ref.repository))
		add_store(p, p->ref.repository);
	for (i = 0; i < all.n && i < room; i++)
		if (strcmp(all.items[i], p->ref.repository) != 0)
			add_store(p, all.items[i]);
}

static int open_seeds(struct pull *p, size_t moving, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *sizes = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t n = 0;
	size_t i;
	int rc;

	sizes = mr_array(moving + 1, sizeof(*sizes));
	if (!sizes)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		if (moves(&p->plan.items[i]))
			sizes[n++] = p->plan.items[i].desc.size;
	rc = mr_seeds_open(&p->m->env, p->m->state, sizes, n, &p->seeds, err);
	for (i = 0; rc >= 0 && i < p->o->seed_count; i++)
		rc = mr_seeds_add_dir(p->seeds, p->o->seeds[i], err);
	if (rc < 0)
		return rc;
	add_stores(p, moving);
	/* Which of the output's files have what, only the state says. */
	if (!p->tree || p->o->verify_files)
		return 0;
	rc = mr_seeds_add_tree(p->seeds, p->tree, &ignored);
	return rc == MREG_ECANCELED ? mr_check_cancel(&p->m->env, err) : 0;
}

static int find_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct pull *p = ctx;
	const struct mreg_desc *d = &p->plan.items[index].desc;
	bool found = false;
	int rc;

	if (!moves(&p->plan.items[index]) || d->size == 0)
		return 0;
	if (p->to && p->ref.dir[0] && mr_files_clonable(p->to, d, p->from)) {
		p->source[index] = MR_SEED_SOURCE;
		return 0;
	}
	rc = mr_store_has(p->seeds, d, &found, err);
	if (rc < 0 || !found)
		return rc;
	p->source[index] = p->to && mr_files_clonable(p->to, d, p->seeds)
				   ? MR_SEED_SHARED
				   : MR_SEED_COPY;
	return 0;
}

int mr_pull_find_seeds(struct pull *p, struct mreg_error *err)
{
	size_t moving = 0;
	size_t i;
	int rc;

	for (i = 0; i < p->count; i++)
		moving += moves(&p->plan.items[i]);
	if (moving == 0)
		return 0;
	rc = open_seeds(p, moving, err);
	if (rc < 0)
		return rc;
	return mr_task_run(&p->m->env, p->jobs, p->count, find_one, p, err);
}

/* -- room -------------------------------------------------------------- */

struct shared {
	struct mreg_digest *digests; /* owned; sorted */
	size_t n;
};

static int compare_digest(const void *a, const void *b)
{
	return mr_digest_compare(a, b);
}

static bool is_shared(void *ctx, const struct mreg_digest *d)
{
	const struct shared *s = ctx;

	return s->n && bsearch(d, s->digests, s->n, sizeof(*s->digests),
			       compare_digest);
}

/* Archives that something is still to be taken out of lie beside their files
 * until the end. */
static int need_archives(struct pull *p, uint64_t *sum, struct mreg_error *err)
{
	MR_AUTO(mr_free) bool *wanted = NULL;
	size_t i;

	wanted = mr_array(p->archive_count + 1, sizeof(*wanted));
	if (!wanted)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		if (p->origins[i].archive != PULL_LAYER &&
		    moves(&p->plan.items[i]) && p->source[i] == MR_SEED_NONE)
			wanted[p->origins[i].archive] = true;
	return mr_pull_archives_need(p, wanted, sum, err);
}

int mr_pull_check_room(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_digest *digests = NULL;
	struct shared s = { .n = 0 };
	uint64_t need = 0;
	size_t i;
	int rc;

	if (!p->to)
		return 0;
	digests = mr_array(p->count + 1, sizeof(*digests));
	if (!digests)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		if (p->source[i] == MR_SEED_SHARED ||
		    p->source[i] == MR_SEED_SOURCE)
			digests[s.n++] = p->plan.items[i].desc.digest;
	qsort(digests, s.n, sizeof(*digests), compare_digest);
	s.digests = digests;
	rc = mr_files_need(p->to, is_shared, &s, &need, err);
	if (rc == 0)
		rc = need_archives(p, &need, err);
	return rc < 0 ? rc : mr_room_at(p->output, need, err);
}

/* -- taking them ------------------------------------------------------- */

static void tell(struct pull *p, enum mreg_progress_kind kind,
		 const struct mr_item *it)
{
	struct mreg_progress e = { .kind = kind,
				   .label = it->label,
				   .total = it->desc.size,
				   .count = 1 };

	mr_progress(&p->m->env, &e);
}

/* Trouble that the registry's bytes would meet too. */
static bool is_ours(const struct mreg_error *why)
{
	return why->code == MREG_ECANCELED || why->code == MREG_ENOMEM ||
	       why->sys == ENOSPC || why->sys == EDQUOT;
}

static int take_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct pull *p = ctx;
	struct mr_item *it = &p->plan.items[index];
	enum mr_seed source = p->source[index];
	bool done = false;
	int rc = 0;

	if (source == MR_SEED_NONE)
		return 0;
	tell(p, MREG_PROGRESS_START, it);
	if (source != MR_SEED_COPY)
		rc = mr_files_clone(p->to, &it->desc,
				    source == MR_SEED_SOURCE ? p->from
							     : p->seeds,
				    &done, &why);
	if (rc == 0 && !done && source != MR_SEED_SOURCE) {
		rc = mr_store_put(p->to, &it->desc, p->seeds, it->label, &why);
		done = rc == 0;
	}
	if (rc < 0 && is_ours(&why)) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0)
		mr_log(&p->m->env, MREG_LOG_INFO,
		       "a seed of '%s' cannot be used: %s", it->label, why.msg);
	if (done)
		tell(p, MREG_PROGRESS_DONE, it);
	else
		p->source[index] = MR_SEED_NONE;
	return 0;
}

int mr_pull_take_seeds(struct pull *p, struct mreg_error *err)
{
	size_t n = 0;
	size_t i;
	int rc;

	for (i = 0; i < p->count; i++)
		n += p->source[i] != MR_SEED_NONE;
	if (n == 0)
		return 0;
	rc = mr_task_run(&p->m->env, p->jobs, p->count, take_one, p, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < p->count; i++)
		if (p->source[i] == MR_SEED_SOURCE)
			p->fetched += p->plan.items[i].desc.size;
	return mr_plan_look(&p->plan, p->to, NULL, 0, p->jobs, err);
}
