/*
 * pull.c - getting a version's files: the order of steps.
 *
 *   resolve -> manifest -> paths checked -> look at what is there -> fetch
 *   (the log is read beside it, for the number) -> all proven -> final names
 */
#include "mreg/pull.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/internal.h"
#include "transfer/transfer.h"

struct pull {
	struct mreg *m;
	const struct mreg_pull_opts *o;
	struct mreg_ref ref;
	const char *output;            /* borrowed */
	struct mr_store *from;         /* owned */
	struct mr_store *to;           /* owned */
	struct mr_tree *tree;          /* owned */
	struct mr_manifest *manifest;  /* owned */
	struct mr_model_layer *layers; /* owned */
	size_t count;
	struct mr_place *places; /* owned; one per layer */
	struct mr_plan plan;     /* owned; one item per layer */
	struct mr_published published;
	uint64_t fetched; /* bytes, over all rounds */
	uint64_t number;  /* written by the side task, read after its join */
	bool made;        /* the target was not there before */
};

static void pull_release(struct pull *p)
{
	mr_plan_release(&p->plan);
	mr_store_closep(&p->to);
	mr_tree_close(p->tree);
	mr_release(p->places);
	mr_release(p->layers);
	mr_manifest_freep(&p->manifest);
	mr_store_closep(&p->from);
}

static int read_manifest(struct pull *p, const char *text,
			 struct mreg_error *err)
{
	size_t i;
	int rc = mr_target(p->m, text, &p->ref, &p->from, err);

	if (rc >= 0)
		rc = mr_target_manifest(p->m, p->from, &p->ref, &p->manifest,
					err);
	if (rc < 0)
		return rc;
	rc = mr_model_layers(p->manifest, &p->layers, &p->count, err);
	for (i = 0; rc >= 0 && i < p->count; i++)
		if (p->layers[i].archive) {
			char safe[200];

			(void)mr_fail(err, MREG_EUNSUPPORTED,
				      "layer '%s' is an archive; this mreg "
				      "unpacks none",
				      mr_text_safe(p->layers[i].path, safe,
						   sizeof(safe)));
			rc = mr_hint(err, "the tool that wrote it unpacks it, "
					  "such as oras or modctl");
		}
	return rc < 0 ? mr_wrap(err, "cannot pull '%s'", text) : 0;
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

static int open_target(struct pull *p, struct mreg_error *err)
{
	bool folds = false;
	size_t i;
	int rc = check_paths(p, false, err);

	if (rc < 0)
		return rc;
	p->made = !p->o->dry_run && access(p->output, F_OK) < 0;
	rc = mr_tree_open(p->output, !p->o->dry_run, &p->tree, err);
	if (rc == MREG_ENOTFOUND && p->o->dry_run)
		return 0; /* everything would be fetched */
	if (rc >= 0 && !p->o->dry_run)
		rc = mr_tree_folds(p->tree, &folds, err);
	if (rc >= 0 && folds)
		rc = check_paths(p, true, err);
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
	return mr_files_target(&p->m->env, p->m->state, p->tree, p->places,
			       p->count, &p->to, err);
}

static int make_plan(struct pull *p, struct mreg_error *err)
{
	size_t i;
	int rc = mr_plan_init(&p->plan, p->count, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < p->count; i++) {
		p->plan.items[i].desc = p->layers[i].desc;
		p->plan.items[i].label = p->layers[i].path;
		p->plan.items[i].step = MR_STEP_COPY;
	}
	return 0;
}

/* Beside the transfer: which number is it?  Only to be told; not knowing is a
 * warning. */
static int find_number(void *ctx, size_t index, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct pull *p = ctx;
	const struct mreg_digest *d = &p->manifest->desc.digest;
	const struct mr_event *e;
	int rc;

	(void)index;
	p->number = mr_tag_number(p->ref.tag);
	if (!p->number)
		p->number = mr_number_recall(p->m, p->from, d);
	if (p->number || !p->ref.tag[0])
		return 0;
	rc = mr_history_read(p->m, p->from, &h, err);
	if (rc >= 0)
		rc = mr_log_number(p->from, &h, d, &p->number, &e, err);
	if (rc >= 0 && p->number)
		mr_number_remember(p->m, p->from, d, p->number);
	return rc;
}

static int fetch_and_place(struct pull *p, struct mreg_error *err)
{
	unsigned int jobs = mr_session_jobs(p->m, p->o->jobs);
	unsigned int round;

	for (round = 0; round <= MR_REPAIRS_MAX; round++) {
		int rc = mr_plan_look(&p->plan, p->to, NULL, 0, jobs, err);

		if (rc >= 0)
			rc = mr_plan_run(&p->plan, p->from, p->to, jobs, err);
		if (rc < 0)
			return rc;
		p->fetched += mr_plan_bytes_moving(&p->plan);
		rc = mr_files_publish(p->to, &p->published, err);
		if (rc < 0 || !p->published.again)
			return rc;
	}
	(void)mr_fail(err, MREG_ECONFLICT,
		      "another process keeps changing files in '%s'",
		      p->output);
	return mr_hint(err, "let it finish, then run this again");
}

static void warn_number(struct pull *p, const struct mreg_error *why)
{
	mr_log(&p->m->env, MREG_LOG_WARN,
	       "the log was not read, so the version's number is not known: %s",
	       why->msg);
}

static int rehearse(struct pull *p, struct mreg_error *err)
{
	struct mreg_error aside = MREG_ERROR_INIT;
	int rc = 0;

	if (p->to)
		rc = mr_plan_look(&p->plan, p->to, NULL, 0, p->m->jobs, err);
	p->fetched = mr_plan_bytes_moving(&p->plan);
	if (find_number(p, 0, &aside) < 0)
		warn_number(p, &aside);
	return rc;
}

static int transfer(struct pull *p, struct mreg_error *err)
{
	struct mreg_error aside = MREG_ERROR_INIT;
	struct mr_side *side;
	int rc;

	rc = mr_side_start(find_number, p, &side, err);
	if (rc < 0)
		return rc;
	rc = fetch_and_place(p, err);
	if (mr_side_join(side, &aside) < 0 && rc >= 0)
		warn_number(p, &aside);
	return rc;
}

static int take_items(struct pull *p, struct mreg_pull_result *out,
		      struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	size_t i;

	out->items = mr_arena_alloc(a, (p->count + 1) * sizeof(*out->items));
	for (i = 0; out->items && i < p->count; i++) {
		struct mreg_item *it = &out->items[i];
		const struct mr_item *moved = &p->plan.items[i];
		bool sent = moved->done ? moved->sent
					: moved->step != MR_STEP_REUSE;

		it->path = mr_arena_strdup(a, p->layers[i].path);
		it->size = p->layers[i].desc.size;
		it->digest = p->layers[i].desc.digest;
		it->role = mr_arena_strdup(a, p->layers[i].role);
		it->executable = p->layers[i].executable;
		it->action = sent ? MREG_ITEM_SENT : MREG_ITEM_REUSED;
		out->bytes_total += it->size;
	}
	out->item_count = p->count;
	out->bytes_fetched = p->fetched;
	out->bytes_reused = out->bytes_total > p->fetched
				    ? out->bytes_total - p->fetched
				    : 0;
	return mr_result_check(a, err);
}

static int take_result(struct pull *p, struct mreg_pull_result *out,
		       struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	char text[MREG_REF_TEXT];

	out->name = mr_arena_strdup(a, mr_target_name(p->m, &p->ref, text));
	out->digest = p->manifest->desc.digest;
	out->reference = mr_arena_strdup(
		a, mr_target_pinned(p->m, &p->ref, &out->digest, text));
	if (p->ref.tag[0])
		out->tag = mr_arena_strdup(a, p->ref.tag);
	out->number = p->number;
	out->output = mr_arena_strdup(a, p->output);
	out->files_placed = p->published.placed;
	out->files_kept = p->published.kept;
	out->dry_run = p->o->dry_run;
	return take_items(p, out, err);
}

static int run(struct pull *p, const char *ref, struct mreg_pull_result *out,
	       struct mreg_error *err)
{
	const char *slash;
	int rc = read_manifest(p, ref, err);

	if (rc < 0)
		return rc;
	if (!p->ref.tag[0] && !mr_digest_known(&p->ref.digest))
		(void)snprintf(p->ref.tag, sizeof(p->ref.tag), "latest");
	slash = strrchr(p->ref.repository, '/');
	p->output = p->o->output;
	if (!p->output)
		p->output = slash ? slash + 1 : p->ref.repository;
	rc = open_target(p, err);
	if (rc >= 0)
		rc = make_plan(p, err);
	if (rc >= 0)
		rc = p->o->dry_run ? rehearse(p, err) : transfer(p, err);
	return rc < 0 ? rc : take_result(p, out, err);
}

int mreg_pull(struct mreg *m, const char *ref,
	      const struct mreg_pull_opts *given, struct mreg_pull_result *out,
	      struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	struct mreg_pull_opts o;
	struct pull p = { .m = m, .o = &o };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&p, ref, out, err);
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
