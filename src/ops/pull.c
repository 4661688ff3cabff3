/*
 * pull.c - getting a version's files: the order of steps.
 *
 *   resolve -> the policy, where it is required -> manifest (through indexes)
 *   -> archives, if their content is not remembered, fetched and listed ->
 *   files chosen -> paths checked -> what earlier pulls put there removed, in a
 *   directory that is kept tidy -> look at what is there -> what would be lost
 *   or has no room is refused -> seeds -> files taken out of archives ->
 *   fetch (the log is read beside it, for the number and for what is warned
 *   of) -> all proven -> final names -> archives and other files removed
 */
#include "mreg/pull.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull_owned.h"

/* Files that a refusal names one by one. */
#define TOLD_MAX 20

static void pull_release(struct pull *p)
{
	size_t i;

	mr_pull_close_archives(p);
	mr_pull_leave(p);
	for (i = 0; i < p->archive_count; i++)
		mr_members_free(p->archives[i].members);
	mr_release(p->archives);
	mr_members_free(p->image);
	mr_arena_free(p->names);
	mr_arena_free(p->told);
	mr_buf_release(&p->config);
	mr_release(p->origins);
	mr_plan_release(&p->plan);
	mr_list_release(&p->removed);
	mr_listing_free(p->strangers);
	mr_owned_free(p->owned);
	mr_release(p->source);
	mr_store_closep(&p->seeds);
	mr_store_closep(&p->to);
	mr_tree_close(p->tree);
	mr_release(p->places);
	mr_release(p->layers);
	mr_manifest_freep(&p->manifest);
	mr_store_closep(&p->from);
}

static int check_paths(struct pull *p, bool folds, struct mreg_error *err)
{
	MR_AUTO(mr_free) const char **paths = NULL;
	size_t i;
	int rc;

	paths = mr_array(p->count + 1, sizeof(*paths));
	if (!paths)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		paths[i] = p->layers[i].path;
	rc = mr_paths_check(paths, p->count, folds, err);
	return rc < 0 ? mr_wrap(err, "'%s' holds a file that cannot be written",
				p->from->label)
		      : 0;
}

/* Asking a file system whether it folds takes a file made in it: only where
 * it matters. */
static int check_folding(struct pull *p, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool folds = false;
	int rc;

	if (p->o->dry_run || check_paths(p, true, &why) == 0)
		return 0;
	rc = mr_tree_folds(p->tree, &folds, err);
	if (rc < 0 || !folds)
		return rc;
	*err = why;
	return (int)why.code;
}

int mr_pull_open_tree(struct pull *p, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	if (p->tree)
		return 0;
	p->made = !p->o->dry_run && access(p->output, F_OK) < 0;
	rc = mr_tree_open(p->output, !p->o->dry_run, &p->tree, &why);
	if (rc == MREG_ENOTFOUND && p->o->dry_run)
		return 0; /* everything would be fetched */
	if (rc < 0 && err)
		*err = why;
	return rc;
}

static int open_target(struct pull *p, struct mreg_error *err)
{
	struct mr_files_opts o = { .verify = p->o->verify_files,
				   .keep = p->o->keep,
				   .partial = mr_pull_is_partial(p) &&
					      !p->o->tidy };
	size_t i;
	int rc = check_paths(p, false, err);

	if (rc < 0)
		return rc;
	rc = mr_pull_open_tree(p, err);
	if (rc < 0 || !p->tree)
		return rc;
	rc = check_folding(p, err);
	if (rc < 0)
		return rc;
	p->places = mr_array(p->count + 1, sizeof(*p->places));
	if (!p->places)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++) {
		p->places[i].path = p->layers[i].path;
		p->places[i].executable = p->layers[i].executable;
		p->places[i].desc = p->layers[i].desc;
	}
	rc = mr_files_target(&p->m->env, p->m->state, p->tree, p->places,
			     p->count, &p->to, err);
	if (rc < 0)
		return rc;
	mr_files_configure(p->to, &o);
	return p->o->tidy && !p->o->dry_run ? mr_owned_begin(p, err) : 0;
}

static int make_plan(struct pull *p, struct mreg_error *err)
{
	size_t i;
	int rc = mr_plan_init(&p->plan, p->count, err);

	if (rc < 0)
		return rc;
	p->plan.limited = p->ref.host[0] && mr_session_limited(p->m);
	p->source = mr_array(p->count + 1, sizeof(*p->source));
	if (!p->source)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++) {
		p->plan.items[i].desc = p->layers[i].desc;
		p->plan.items[i].label = p->layers[i].path;
		p->plan.items[i].step = MR_STEP_COPY;
	}
	return 0;
}

/* Bytes of an item that are not there. */
static uint64_t moving(const struct mr_item *it)
{
	return it->step == MR_STEP_REUSE ? 0 : it->desc.size;
}

static bool has_work(const struct pull *p)
{
	size_t i;

	for (i = 0; i < p->plan.count; i++)
		if (p->plan.items[i].step != MR_STEP_REUSE)
			return true;
	return false;
}

static int refuse_replacing(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list paths = { .n = 0 };
	char first[100];
	char more[48] = "";
	size_t i;
	int rc = mr_files_differing(p->to, &paths, err);

	if (rc < 0 || paths.n == 0)
		return rc;
	for (i = 0; i < paths.n && i < TOLD_MAX; i++)
		mr_log(&p->m->env, MREG_LOG_WARN, "'%s' has other bytes",
		       paths.items[i]);
	if (paths.n > 1)
		(void)snprintf(more, sizeof(more), " and %zu more",
			       paths.n - 1);
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s'%s in '%s' would be replaced by other bytes",
		      mr_text_safe(paths.items[0], first, sizeof(first)), more,
		      p->output);
	return mr_hint(err, "pull without --keep, or to another directory");
}

/* Whatever speaks against it, before the first byte. */
static int check_work(struct pull *p, struct mreg_error *err)
{
	int rc = 0;

	if (p->o->keep && p->to)
		rc = refuse_replacing(p, err);
	if (rc >= 0 && p->o->exact)
		rc = mr_pull_find_strangers(p, err);
	if (rc < 0 || !has_work(p))
		return rc;
	return mr_pull_find_seeds(p, err);
}

/* What a seed gave may be gone again: then the source has to. */
static void forget_lost_seeds(struct pull *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->plan.items[i].step != MR_STEP_REUSE)
			p->source[i] = MR_SEED_NONE;
}

/* The first round looks for what speaks against it and for seeds. */
static int fetch_round(struct pull *p, bool first, struct mreg_error *err)
{
	int rc = mr_plan_look(&p->plan, p->to, NULL, 0, p->jobs, err);

	if (rc >= 0 && !first)
		forget_lost_seeds(p);
	if (rc >= 0 && first)
		rc = check_work(p, err);
	if (rc >= 0 && first && has_work(p))
		rc = mr_pull_check_room(p, err);
	if (rc >= 0)
		rc = mr_owned_claim(p, err);
	if (rc >= 0 && first)
		rc = mr_pull_take_seeds(p, err);
	if (rc >= 0)
		rc = mr_pull_unpack(p, err);
	if (rc >= 0)
		rc = mr_plan_run(&p->plan, p->from, p->to, p->jobs, err);
	if (rc < 0)
		return rc;
	p->fetched += mr_plan_bytes_moving(&p->plan);
	return mr_files_publish(p->to, &p->published, err);
}

static int fetch_and_place(struct pull *p, struct mreg_error *err)
{
	unsigned int round;

	for (round = 0; round <= MR_REPAIRS_MAX; round++) {
		int rc = fetch_round(p, round == 0, err);

		if (rc < 0)
			return rc;
		if (p->published.again)
			continue;
		if (p->archive_count || p->o->tidy || !mr_pull_is_partial(p))
			mr_pull_drop_archives(p);
		/* A few files do not make it the model's directory. */
		if (!mr_pull_is_partial(p))
			mr_pull_remember(p);
		rc = mr_owned_end(p, err);
		return rc < 0 ? rc : mr_pull_remove_strangers(p, err);
	}
	(void)mr_fail(err, MREG_ECONFLICT,
		      "another process keeps changing files in '%s'",
		      p->output);
	return mr_hint(err, "let it finish, then run this again");
}

/* What would be fetched: layers, and each archive that something is still to be
 * taken out of. */
static int count_moving(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_free) bool *counted = NULL;
	size_t i;

	counted = mr_array(p->archive_count + 1, sizeof(*counted));
	if (!counted)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++) {
		size_t archive = p->origins[i].archive;
		uint64_t n = moving(&p->plan.items[i]);

		if (p->source[i] != MR_SEED_NONE &&
		    p->source[i] != MR_SEED_SOURCE)
			continue;
		if (archive != PULL_LAYER &&
		    p->plan.items[i].step != MR_STEP_REUSE) {
			n = counted[archive]
				    ? 0
				    : p->archives[archive].layer.desc.size;
			counted[archive] = true;
		}
		p->fetched += n;
	}
	return 0;
}

static int rehearse(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *none = NULL;
	struct mreg_error aside = MREG_ERROR_INIT;
	int rc = 0;

	/* A directory that is not there is a store that has nothing. */
	if (!p->to)
		rc = mr_memory_open(&p->m->env, &none, err);
	if (rc >= 0)
		rc = mr_plan_look(&p->plan, p->to ? p->to : none, NULL, 0,
				  p->jobs, err);
	if (rc >= 0)
		rc = check_work(p, err);
	if (rc >= 0)
		rc = mr_pull_remove_strangers(p, err);
	if (rc < 0)
		return rc;
	if (mr_pull_check_room(p, &aside) < 0)
		mr_log(&p->m->env, MREG_LOG_WARN, "%s", aside.msg);
	mr_pull_tell(p, mr_pull_log(p, 0, &aside), &aside);
	return count_moving(p, err);
}

static int transfer(struct pull *p, struct mreg_error *err)
{
	struct mreg_error aside = MREG_ERROR_INIT;
	struct mr_side *side;
	int known;
	int rc;

	rc = mr_side_start(mr_pull_log, p, &side, err);
	if (rc < 0)
		return rc;
	rc = fetch_and_place(p, err);
	known = mr_side_join(side, &aside);
	if (rc >= 0)
		mr_pull_tell(p, known, &aside);
	return rc;
}

static int check_options(const struct pull *p, struct mreg_error *err)
{
	if (p->o->exact && mr_pull_is_partial(p)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--exact and %s cannot go together",
			      p->o->below ? "--below" : "--include");
		return mr_hint(err, "a part of a version is not all that a "
				    "directory should hold");
	}
	return mr_pull_check_seeds(p, err);
}

/* Running it again would find the same: what was fetched is of no use. */
static bool is_for_good(int rc)
{
	return rc == MREG_EFORMAT || rc == MREG_EINTEGRITY ||
	       rc == MREG_EUNSUPPORTED || rc == MREG_ELIMIT ||
	       rc == MREG_EUSAGE || rc == MREG_ENOTFOUND ||
	       rc == MREG_ECONFLICT;
}

/* What was remembered of an archive was wrong, and is right now. */
static bool was_misled(const struct pull *p)
{
	size_t i;

	for (i = 0; i < p->archive_count; i++)
		if (p->archives[i].wrong)
			return true;
	return false;
}

/* What archives were fetched into a directory that is refused would stay
 * there. */
static int check_home(struct pull *p, struct mreg_error *err)
{
	struct stat st;
	int rc;

	if (!p->o->exact || stat(p->output, &st) < 0)
		return 0;
	rc = mr_pull_open_tree(p, err);
	return rc < 0 || !p->tree ? rc : mr_pull_check_exact(p, err);
}

static int choose_files(struct pull *p, const char *ref, struct mreg_error *err)
{
	int rc = check_home(p, err);

	if (rc < 0)
		return rc;
	rc = mr_pull_expand(p, err);
	if (rc < 0)
		return mr_wrap(err, "cannot pull '%s'", ref);
	if (p->unknown && p->o->exact) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "a dry run with --exact cannot know what would "
			      "be removed");
		return mr_hint(err, "the version's archives would have to be "
				    "fetched first: run it without --exact");
	}
	return mr_pull_select(p, err);
}

static int run(struct pull *p, const char *ref, struct mreg_pull_result *out,
	       struct mreg_error *err)
{
	const char *slash;
	int rc = check_options(p, err);

	if (rc >= 0)
		rc = mr_pull_choose(p, ref, err);
	if (rc < 0)
		return rc;
	if (!p->ref.tag[0] && !mr_digest_known(&p->ref.digest))
		(void)snprintf(p->ref.tag, sizeof(p->ref.tag), "latest");
	slash = strrchr(p->ref.repository, '/');
	p->output = p->o->output;
	if (!p->output)
		p->output = slash ? slash + 1 : p->ref.repository;
	rc = choose_files(p, ref, err);
	if (rc >= 0)
		rc = open_target(p, err);
	if (rc >= 0)
		rc = make_plan(p, err);
	if (rc >= 0)
		rc = p->o->dry_run ? rehearse(p, err) : transfer(p, err);
	if (rc < 0 && p->tree && p->archive_count && !p->o->dry_run &&
	    is_for_good(rc) && !was_misled(p))
		mr_pull_drop_archives(p);
	return rc < 0 ? rc : mr_pull_result(p, out, err);
}

int mreg_pull(struct mreg *m, const char *ref,
	      const struct mreg_pull_opts *given, struct mreg_pull_result *out,
	      struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	struct mreg_pull_opts o;
	struct pull p = { .m = m, .o = &o };
	struct mr_arena *arena;
	unsigned int jobs;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	jobs = mr_session_jobs(m, o.jobs);
	p.jobs = jobs;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&p, ref, out, err);
	if (rc < 0 && was_misled(&p)) {
		bool made = p.made;

		pull_release(&p);
		p = (struct pull){ .m = m, .o = &o, .jobs = jobs };
		rc = run(&p, ref, out, err);
		p.made = p.made || made;
	}
	mr_progress(&m->env, &end);
	pull_release(&p);
	if (rc < 0 && p.made)
		(void)rmdir(p.output); /* only while there is nothing in it */
	if (rc < 0)
		mreg_pull_result_release(out);
	return rc;
}

void mreg_pull_result_release(struct mreg_pull_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
