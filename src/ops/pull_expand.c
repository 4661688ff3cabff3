/*
 * pull_expand.c - archives become the files that they hold.
 *
 * What a layer holds depends on its bytes alone, so it is remembered by its
 * digest: a pull of what is all in place needs no layer, and that it is all in
 * place rests on what was remembered.  Whatever comes out of a layer does not:
 * once its bytes are here they are listed anew, and where the memory was
 * another the pull begins again with the right one.  Where nothing is
 * remembered (state lost, or a list beyond what it keeps) the layers are
 * fetched again, and the files found to be right.
 *
 * The whole list is made, and judged, before any file is written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull.h"

#define NAMES_MAX_BYTES (160u << 20) /* as what pack/unpack.h lists */
#define KEY_MAX_BYTES (MREG_DIGEST_TEXT + 32)

/* -- what is remembered ---------------------------------------------------- */

static const char *memory_key(const struct pull_archive *a,
			      char out[KEY_MAX_BYTES])
{
	char text[MREG_DIGEST_TEXT];

	(void)snprintf(out, KEY_MAX_BYTES, "%s:%s",
		       a->layer.form == MR_FORM_IMAGE ? "image-members"
		       : a->layer.form == MR_FORM_TAR ? "tar-members"
						      : "packed-member",
		       mreg_digest_text(&a->layer.desc.digest, text));
	return out;
}

static int recall(struct pull *p, struct pull_archive *a,
		  struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	char key[KEY_MAX_BYTES];
	int rc;

	if (!mr_state_doc_get(p->m->state, memory_key(a, key), &b))
		return 0;
	rc = mr_members_parse(mr_buf_text(&b), b.len,
			      a->layer.form == MR_FORM_IMAGE, &p->sum,
			      &a->members, err);
	/* A packed layer is one file. */
	if (rc == 0 && a->members && a->layer.form == MR_FORM_PACKED &&
	    a->members->count != 1)
		mr_members_freep(&a->members);
	a->recalled = a->members;
	return rc;
}

static void remember(struct pull *p, const struct pull_archive *a,
		     const struct mr_members *members)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	char key[KEY_MAX_BYTES];

	mr_members_text(members, &b);
	/* What does not fit is fetched again: only a hint. */
	if (mr_buf_check(&b, "a list of files", NULL) == 0)
		mr_state_doc_put(p->m->state, memory_key(a, key),
				 mr_buf_text(&b), b.len);
}

/* -- finding out ----------------------------------------------------------- */

static int list_members(struct pull *p, const struct pull_archive *a,
			struct mr_members_sum *sum, struct mr_members **out,
			struct mreg_error *err)
{
	struct mr_stream *in = NULL;
	int rc = mr_pull_archive_stream(p, a, true, &in, err);

	if (rc < 0)
		return rc;
	/* Its name is the layer's, and not of its bytes. */
	if (a->layer.form == MR_FORM_PACKED)
		return mr_members_single(&p->m->env, in, "file", out, err);
	return mr_members_list(&p->m->env, in, a->layer.path,
			       a->layer.form == MR_FORM_IMAGE, sum, out, err);
}

/* That so much is to be read of those for which `is` says so. */
static void plan_reading(struct pull *p,
			 bool (*is)(const struct pull_archive *a))
{
	struct mreg_progress e = { .kind = MREG_PROGRESS_PLAN, .label = "" };
	size_t i;

	for (i = 0; i < p->archive_count; i++) {
		if (!is(&p->archives[i]))
			continue;
		e.total += p->archives[i].layer.desc.size;
		e.count++;
	}
	if (e.count > 0)
		mr_progress(&p->m->env, &e);
}

static bool is_unconfirmed(const struct pull_archive *a)
{
	return a->recalled && a->fd >= 0;
}

static bool is_unlisted(const struct pull_archive *a)
{
	return !a->members;
}

static int learn_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct pull *p = ctx;
	struct pull_archive *a = &p->archives[index];
	int rc;

	if (a->members)
		return 0;
	rc = list_members(p, a, &p->sum, &a->members, err);
	if (rc < 0)
		return mr_wrap(err, "cannot unpack layer '%s'", a->layer.path);
	remember(p, a, a->members);
	return 0;
}

static int confirm_one(void *ctx, size_t index, struct mreg_error *err)
{
	MR_AUTO(mr_members_freep) struct mr_members *seen = NULL;
	struct pull *p = ctx;
	struct pull_archive *a = &p->archives[index];
	int rc;

	if (!is_unconfirmed(a))
		return 0;
	rc = list_members(p, a, &p->seen, &seen, err);
	if (rc < 0)
		return mr_wrap(err, "cannot unpack layer '%s'", a->layer.path);
	a->recalled = false;
	if (mr_members_same(a->members, seen))
		return 0;
	a->wrong = true;
	remember(p, a, seen);
	return mr_fail(err, MREG_EINTEGRITY,
		       "what was remembered of layer '%s' is not what it holds",
		       a->layer.path);
}

int mr_pull_confirm(struct pull *p, struct mreg_error *err)
{
	plan_reading(p, is_unconfirmed);
	return mr_task_run(&p->m->env, mr_pull_archive_jobs(p),
			   p->archive_count, confirm_one, p, err);
}

static size_t count_unknown(const struct pull *p)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < p->archive_count; i++)
		n += is_unlisted(&p->archives[i]);
	return n;
}

/* Somebody who was there before may have listed, used and removed them. */
static int enter(struct pull *p, struct mreg_error *err)
{
	bool entered = false;
	size_t i;
	int rc = mr_pull_open_tree(p, err);

	if (rc == 0)
		rc = mr_pull_enter(p, &entered, err);
	for (i = 0; i < p->archive_count && rc == 0 && entered; i++)
		if (is_unlisted(&p->archives[i]))
			rc = recall(p, &p->archives[i], err);
	return rc;
}

static int learn(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_free) bool *wanted = NULL;
	size_t i;
	int rc = enter(p, err);

	if (rc < 0 || count_unknown(p) == 0)
		return rc;
	wanted = mr_array(p->archive_count, sizeof(*wanted));
	if (!wanted)
		return mr_fail_nomem(err);
	for (i = 0; i < p->archive_count; i++)
		wanted[i] = is_unlisted(&p->archives[i]);
	rc = mr_pull_fetch_archives(p, wanted, err);
	if (rc < 0)
		return rc;
	plan_reading(p, is_unlisted);
	return mr_task_run(&p->m->env, mr_pull_archive_jobs(p),
			   p->archive_count, learn_one, p, err);
}

/* What can never be written needs no fetching; and who gives a tar a path that
 * leads elsewhere, though nothing has it then, means no good (security.md 3.7,
 * H11). */
static int check_layer(const struct pull_archive *a, struct mreg_error *err)
{
	char path[MR_PATH_MAX_BYTES + 2];
	size_t n;

	if (a->layer.folder)
		return mr_path_check(a->layer.folder, err);
	if (a->layer.form == MR_FORM_IMAGE || a->layer.unnamed)
		return 0;
	(void)snprintf(path, sizeof(path), "%s", a->layer.path);
	n = strlen(path);
	if (a->layer.form == MR_FORM_TAR && n > 1 && path[n - 1] == '/')
		path[n - 1] = '\0';
	return mr_path_check(path, err);
}

static int collect(struct pull *p, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	p->archives = mr_array(p->count + 1, sizeof(*p->archives));
	if (!p->archives)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count && rc == 0; i++) {
		struct pull_archive *a = &p->archives[p->archive_count];

		if (!p->layers[i].archive)
			continue;
		a->layer = p->layers[i];
		a->fd = -1;
		p->archive_count++;
		rc = check_layer(a, err);
		if (rc == 0)
			rc = recall(p, a, err);
	}
	return rc;
}

/* -- the files ------------------------------------------------------------- */

/* The list being made. */
struct files {
	struct pull *p;
	struct mr_model_layer *items; /* owned */
	struct pull_origin *origins;  /* owned */
	size_t n;
};

static void files_release(struct files *f)
{
	mr_release(f->items);
	mr_release(f->origins);
}

static void add_layer(struct files *f, const struct mr_model_layer *layer)
{
	f->items[f->n] = *layer;
	f->origins[f->n++].archive = PULL_LAYER;
}

static void add_member(struct files *f, size_t archive,
		       const struct mr_member *m, const char *path)
{
	struct mr_model_layer *to = &f->items[f->n];

	memset(to, 0, sizeof(*to));
	to->path = path;
	to->role = f->p->archives[archive].layer.role;
	to->executable = m->executable;
	(void)snprintf(to->desc.media_type, sizeof(to->desc.media_type), "%s",
		       MR_MEDIA_OCTETS);
	to->desc.digest = m->digest;
	to->desc.size = m->size;
	f->origins[f->n].archive = archive;
	f->origins[f->n++].entry = m->entry;
}

static bool all_begin(const struct mr_members *m, const char *prefix)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (!mr_text_starts(m->items[i].path, prefix))
			return false;
	return true;
}

/* What is in front of the names inside, or NULL: as the layer says, unless the
 * one who packed it put it there. */
static const char *folder_of(const struct pull_archive *a)
{
	char prefix[MR_PATH_MAX_BYTES + 2];

	if (!a->layer.folder || !a->layer.is_prefixed)
		return a->layer.folder;
	(void)snprintf(prefix, sizeof(prefix), "%s/", a->layer.folder);
	return all_begin(a->members, prefix) ? NULL : a->layer.folder;
}

static int add_archive(struct files *f, size_t index, struct mreg_error *err)
{
	const struct pull_archive *a = &f->p->archives[index];
	const char *strip = a->layer.strip;
	const char *folder = folder_of(a);
	size_t i;

	if (strip && !all_begin(a->members, strip))
		strip = NULL;
	for (i = 0; i < a->members->count; i++) {
		const struct mr_member *m = &a->members->items[i];
		const char *path = m->path;

		if (a->layer.form == MR_FORM_PACKED)
			path = a->layer.path;
		else if (strip)
			path += strlen(strip);
		if (folder)
			path = mr_arena_printf(f->p->names, "%s/%s", folder,
					       path);
		if (!path)
			return mr_fail_nomem(err);
		add_member(f, index, m, path);
	}
	return 0;
}

static int add_image(struct files *f, struct mreg_error *err)
{
	MR_AUTO(mr_free) const struct mr_members **layers = NULL;
	struct pull *p = f->p;
	size_t i;
	int rc;

	layers = mr_array(p->archive_count, sizeof(struct mr_members *));
	if (!layers)
		return mr_fail_nomem(err);
	for (i = 0; i < p->archive_count; i++)
		layers[i] = p->archives[i].members;
	rc = mr_members_merge(layers, p->archive_count, &p->image, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < p->image->count; i++)
		add_member(f, p->image->items[i].source, &p->image->items[i],
			   p->image->items[i].path);
	if (f->n > 0)
		return 0;
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "'%s' is an image with no file in /models or /model",
		      p->from->label);
	return mr_hint(err, "that is where images have models; this one may "
			    "have something else");
}

/* In a dry run, what stands for an archive that is not here: by a path that no
 * file has, for what the layer is called may be a folder, or be there twice. */
static int add_stand_in(struct files *f, size_t index, struct mreg_error *err)
{
	struct mr_model_layer layer = f->p->archives[index].layer;
	const char *label = layer.path;
	char text[MREG_DIGEST_TEXT];

	layer.path = mr_arena_printf(f->p->names, "%s-%zu",
				     mreg_digest_text(&layer.desc.digest, text),
				     index);
	if (!layer.path)
		return mr_fail_nomem(err);
	f->origins[f->n].label = label;
	add_layer(f, &layer);
	return 0;
}

static int fill(struct files *f, struct mreg_error *err)
{
	struct pull *p = f->p;
	bool image = p->archive_count > 0 &&
		     p->archives[0].layer.form == MR_FORM_IMAGE;
	size_t next = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < p->count && rc == 0; i++) {
		if (!p->layers[i].archive) {
			add_layer(f, &p->layers[i]);
			continue;
		}
		if (!p->archives[next].members)
			rc = add_stand_in(f, next, err);
		else if (!image)
			rc = add_archive(f, next, err);
		next++;
	}
	return rc == 0 && image && !p->unknown ? add_image(f, err) : rc;
}

static int check_cog(const struct files *f, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_model_file *files = NULL;
	struct pull *p = f->p;
	size_t i;

	if (!mr_model_is_cog(p->manifest))
		return 0;
	files = mr_array(f->n + 1, sizeof(*files));
	if (!files)
		return mr_fail_nomem(err);
	for (i = 0; i < f->n; i++) {
		files[i].path = f->items[i].path;
		files[i].size = f->items[i].desc.size;
		files[i].digest = f->items[i].desc.digest;
	}
	return mr_model_check_cog(p->manifest, p->config.data, p->config.len,
				  files, f->n, err);
}

static int build(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(files_release) struct files f = { .p = p };
	size_t most = p->count;
	size_t i;
	int rc;

	for (i = 0; i < p->archive_count; i++)
		most += p->archives[i].members ? p->archives[i].members->count
					       : 0;
	p->names = mr_arena_new(NAMES_MAX_BYTES);
	f.items = mr_array(most + 1, sizeof(*f.items));
	f.origins = mr_array(most + 1, sizeof(*f.origins));
	if (!p->names || !f.items || !f.origins)
		return mr_fail_nomem(err);
	rc = fill(&f, err);
	if (rc == 0 && !p->unknown)
		rc = check_cog(&f, err);
	if (rc < 0)
		return rc;
	mr_release(p->layers);
	p->layers = mr_steal(&f.items);
	p->origins = mr_steal(&f.origins);
	p->count = f.n;
	if (p->count > 0)
		return 0;
	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' holds no file",
		      p->from->label);
	return mr_hint(err, "its archives have folders alone: ask who made "
			    "them");
}

int mr_pull_expand(struct pull *p, struct mreg_error *err)
{
	size_t unknown;
	int rc = collect(p, err);

	if (rc < 0)
		return rc;
	unknown = count_unknown(p);
	p->unknown = unknown > 0 && p->o->dry_run;
	if (p->unknown)
		mr_log(&p->m->env, MREG_LOG_WARN,
		       "what %zu archive%s hold%s is known once they are "
		       "fetched",
		       unknown, unknown == 1 ? "" : "s",
		       unknown == 1 ? "s" : "");
	else if (unknown > 0)
		rc = learn(p, err);
	return rc < 0 ? rc : build(p, err);
}
