/*
 * fill_edges.c - what the files of a model say that it comes from: parents and
 * inputs.
 */
#include "model/fillers.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Inputs and parents that files may add: cards name tens. */
#define EDGES_MAX 1000
#define HUB "https://huggingface.co/"
#define REPOSITORY_MAX_BYTES 200

static const char README[] = "README.md";

/* A repository of the hub: NAME or ORG/NAME. */
static bool is_repository(const char *id)
{
	const char *slash = strchr(id, '/');

	return strlen(id) <= REPOSITORY_MAX_BYTES &&
	       strspn(id, LETTERS DIGITS "._-/") == strlen(id) &&
	       strchr(LETTERS DIGITS "_", id[0]) && id[0] &&
	       (!slash || (slash[1] && !strchr(slash + 1, '/')));
}

static int fill_parent(struct mr_filler *f, const char *id,
		       const char *relation, const char *from)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_parent parent = { .relation = relation };

	if (mr_text_starts(id, HUB))
		id += strlen(HUB);
	if (is_repository(id))
		parent.ref = mr_arena_printf(f->m->arena, "hf://%s", id);
	else if (mr_meta_is_outside(id))
		parent.ref = id;
	else
		/* A folder of its maker's: nothing anybody could follow. */
		return 0;
	if (!parent.ref)
		return mr_fail_nomem(f->err);
	if (mr_meta_put_parent(f->m, &parent, &why) < 0)
		return mr_fill_note(f, "parents", from, &why);
	return mr_fill_done(f, "parents");
}

int mr_fill_parents(struct mr_filler *f, const struct mr_said *said,
		    const struct mr_summary_main *w)
{
	const struct mr_card *card = said->card;
	size_t i;
	int rc = 0;

	if (f->m->parent_count)
		return 0;
	for (i = 0; card && rc >= 0 && i < card->base_models.n && i < EDGES_MAX;
	     i++)
		rc = fill_parent(f, card->base_models.items[i], card->relation,
				 README);
	if (rc >= 0 && !f->m->parent_count && w->base_model)
		rc = fill_parent(f, w->base_model, NULL, w->first->path);
	return rc;
}

static int fill_input(struct mr_filler *f, const struct mr_input *in,
		      const char *from)
{
	struct mreg_error why = MREG_ERROR_INIT;

	if (f->m->input_count >= EDGES_MAX)
		return 0;
	if (mr_meta_put_input(f->m, in, &why) < 0)
		return mr_fill_note(f, "inputs", from, &why);
	return mr_fill_done(f, "inputs");
}

static int fill_datasets(struct mr_filler *f, const struct mr_card *card)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < card->datasets.n; i++) {
		struct mr_input in = { .role = "train",
				       .name = card->datasets.items[i] };

		if (is_repository(in.name)) {
			in.uri = mr_arena_printf(f->m->arena,
						 "hf://datasets/%s", in.name);
			if (!in.uri)
				return mr_fail_nomem(f->err);
		}
		rc = fill_input(f, &in, README);
	}
	return rc;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_lock(const struct mr_dvc_file *file)
{
	return strcmp(file->path, "dvc.lock") == 0 ||
	       mr_text_ends(file->path, "/dvc.lock");
}

/* One of DVC's items as an input; `path` is where it would be in the version.
 */
static int fill_dvc_item(struct mr_filler *f, const struct mr_dvc_item *item,
			 const char *role, const char *path, const char *from)
{
	struct mr_input in = { .role = role,
			       .name = item->path,
			       .digest = item->hash };

	if (item->repo) {
		/* An address with a password in it is no one's business. */
		if (mr_meta_is_outside(item->repo) && !strchr(item->repo, '@'))
			in.uri = item->repo;
		if (!in.digest && item->revision)
			in.digest = mr_arena_printf(f->m->arena, "git:%s",
						    item->revision);
	} else if (mr_meta_is_outside(item->path)) {
		in.uri = item->path;
	} else {
		in.uri = mr_arena_printf(f->m->arena, "dvc:%s", path);
	}
	if (mr_arena_failed(f->m->arena))
		return mr_fail_nomem(f->err);
	return fill_input(f, &in, from);
}

/* What a document of DVC tracks or depends on, but for what is in the version
 * itself, or made by a stage of the same document. */
static int fill_dvc(struct mr_filler *f, const struct mr_said *said,
		    const struct mr_dvc_file *file, const char **made)
{
	const char *slash = strrchr(file->path, '/');
	int dir = slash ? (int)(slash - file->path + 1) : 0;
	bool lock = is_lock(file);
	size_t n = 0;
	size_t i;
	int rc = 0;

	for (i = 0; lock && i < file->dvc.count; i++)
		if (file->dvc.items[i].output && file->dvc.items[i].path)
			made[n++] = file->dvc.items[i].path;
	if (n > 1)
		qsort(made, n, sizeof(*made), compare_text);
	for (i = 0; rc >= 0 && i < file->dvc.count; i++) {
		const struct mr_dvc_item *item = &file->dvc.items[i];
		const char *path;

		if (!item->path || item->path[0] == '/' ||
		    (lock && item->output) ||
		    (n && bsearch(&item->path, made, n, sizeof(*made),
				  compare_text)))
			continue;
		path = mr_arena_printf(f->m->arena, "%.*s%s", dir, file->path,
				       item->path);
		if (!path)
			return mr_fail_nomem(f->err);
		if (!item->repo && mr_said_has(said, path))
			continue;
		rc = fill_dvc_item(f, item, lock ? "pipeline" : "data", path,
				   file->path);
	}
	return rc;
}

int mr_fill_inputs(struct mr_filler *f, const struct mr_said *said)
{
	size_t i;
	int rc = 0;

	if (f->m->input_count)
		return 0;
	if (said->card)
		rc = fill_datasets(f, said->card);
	for (i = 0; rc >= 0 && i < said->dvc_count; i++) {
		MR_AUTO(mr_free) const char **made = NULL;

		made = mr_array(said->dvc[i].dvc.count, sizeof(*made));
		rc = made ? fill_dvc(f, said, &said->dvc[i], made)
			  : mr_fail_nomem(f->err);
	}
	return rc;
}
