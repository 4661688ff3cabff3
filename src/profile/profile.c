/*
 * profile.c - what all profiles of a version have in common: the options, the
 * version's files and annotations, the sibling that may be there already.
 */
#include "profile/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "pack/pack.h"
#include "profile/base.h"
#include "profile/inside.h"

#define ARENA_MAX_BYTES (256u << 20)
#define SHOWN 160

static const struct mr_profile_kind *const kinds[] = { &mr_profile_image,
						       &mr_profile_docker };

static const struct mr_profile_kind *find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < MR_COUNT(kinds); i++)
		if (strcmp(kinds[i]->name, name ? name : "image") == 0)
			return kinds[i];
	return NULL;
}

int mr_profile_check(const char *name, struct mreg_error *err)
{
	char shown[SHOWN];

	if (find_kind(name))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "no profile '%s'",
		      mr_text_safe(name, shown, sizeof(shown)));
	return mr_hint(err, "there are image and docker");
}

void mr_profile_close(struct mr_profile *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->platform_count; i++)
		mr_image_platform_release(&p->platforms[i]);
	mr_list_release(&p->names);
	mr_buf_release(&p->config);
	mr_buf_release(&p->top);
	mr_plan_release(&p->below);
	mr_plan_release(&p->plan);
	mr_store_closep(&p->source);
	mr_image_base_close(p->base);
	mr_arena_free(p->arena);
	mr_release(p);
}

void mr_profile_closep(struct mr_profile **p)
{
	mr_profile_close(*p);
	*p = NULL;
}

const char *mr_profile_says(const struct mr_profile *p, const char *key)
{
	return mr_annotation(&p->version->annotations, key);
}

const char *mr_profile_created(const struct mr_profile *p)
{
	const char *created = mr_profile_says(p, MR_IMAGE_PREFIX "created");
	int64_t when;

	return created && mr_text_time_parse(created, &when) == 0
		       ? created
		       : MR_IMAGE_NEVER;
}

const char *mr_profile_title(const struct mr_profile *p)
{
	const char *title = mr_profile_says(p, MR_ANNOTATION_TITLE);
	const char *slash = strrchr(p->ref->repository, '/');

	if (title && title[0])
		return title;
	return slash ? slash + 1 : p->ref->repository;
}

/* Of the version's annotations what is not about its own base. */
static bool is_kept(const char *name)
{
	return mr_text_starts(name, MR_IMAGE_PREFIX) &&
	       !mr_text_starts(name, MR_IMAGE_PREFIX "base.") &&
	       strcmp(name, MR_ANNOTATION_TITLE) != 0;
}

int mr_profile_annotations(struct mr_profile *p, struct mreg_pair **out,
			   size_t *count, struct mreg_error *err)
{
	const struct mr_annotations *all = &p->version->annotations;
	struct mreg_pair *pairs =
		mr_arena_alloc(p->arena, (all->n + 4) * sizeof(*pairs));
	char text[MREG_DIGEST_TEXT];
	size_t n = 0;
	size_t i;

	if (!pairs)
		return mr_fail_nomem(err);
	for (i = 0; i < all->n; i++)
		if (is_kept(all->items[i].name))
			pairs[n++] = all->items[i];
	pairs[n].name = MR_ANNOTATION_TITLE;
	pairs[n++].value = mr_profile_title(p);
	pairs[n].name = MR_ANNOTATION_DERIVED;
	pairs[n++].value = mr_arena_strdup(
		p->arena, mreg_digest_text(&p->version->desc.digest, text));
	n += mr_image_base_notes(p, &pairs[n]);
	*out = pairs;
	*count = n;
	return mr_result_check(p->arena, err);
}

/* -- the version's files -----------------------------------------------------
 */

static int fail_shape(const struct mr_profile *p, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "'%s' holds no files as they are, so no %s can be made "
		      "of it",
		      mr_target_text(p->m, p->ref, name), p->name);
	return mr_hint(err, "pull it, then push its files as a version of "
			    "their own");
}

/* Nothing is read of a file without bytes, so it is proven here. */
static int check_empty(const struct mr_image_file *f, struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *hash = NULL;
	struct mreg_digest none;
	char shown[SHOWN];
	int rc;

	if (f->size > 0)
		return 0;
	rc = mr_hash_new(f->digest.algorithm, &hash, err);
	if (rc < 0)
		return rc;
	mr_hash_end(hash, &none);
	if (mreg_digest_equal(&none, &f->digest))
		return 0;
	return mr_fail(err, MREG_EINTEGRITY,
		       "'%s' has no bytes, and the digest of others",
		       mr_text_safe(f->path, shown, sizeof(shown)));
}

/* Whoever wrote the version may have named files as he liked. */
static int check_paths(const struct mr_profile *p, struct mreg_error *err)
{
	MR_AUTO(mr_free)
	const char **paths = mr_array(p->file_count, sizeof(*paths));
	size_t i;

	if (!paths)
		return mr_fail_nomem(err);
	for (i = 0; i < p->file_count; i++)
		paths[i] = p->files[i].path;
	return mr_paths_check(paths, p->file_count, false, err);
}

static int take_files(struct mr_profile *p, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	size_t n;
	size_t i;
	int rc;

	if (p->version->is_index || mr_model_wants_config(p->version))
		return fail_shape(p, err);
	rc = mr_model_layers(p->version, &layers, &n, err);
	if (rc < 0)
		return rc;
	p->files = mr_arena_alloc(p->arena, (n + 1) * sizeof(*p->files));
	if (!p->files)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		if (layers[i].form != MR_FORM_FILE || layers[i].unnamed)
			return fail_shape(p, err);
		p->files[i].path = layers[i].path;
		p->files[i].digest = layers[i].desc.digest;
		p->files[i].size = layers[i].desc.size;
		p->files[i].executable = layers[i].executable;
		p->files[i].role = layers[i].role;
		rc = check_empty(&p->files[i], err);
		if (rc < 0)
			return rc;
	}
	p->file_count = n;
	return n ? check_paths(p, err) : fail_shape(p, err);
}

int mr_profile_open(struct mreg *m, const struct mreg_ref *ref,
		    const struct mr_manifest *version,
		    const struct mr_meta *meta, struct mr_store *from,
		    struct mr_store *to, const struct mreg_image_opts *o,
		    struct mr_profile **out, struct mreg_error *err)
{
	MR_AUTO(mr_profile_closep) struct mr_profile *p = NULL;
	const struct mr_profile_kind *kind = find_kind(o->profile);
	int rc;

	if (!kind)
		return mr_profile_check(o->profile, err);
	p = mr_zalloc(sizeof(*p));
	if (!p)
		return mr_fail_nomem(err);
	mr_buf_init(&p->top, MR_MANIFEST_MAX_BYTES);
	mr_buf_init(&p->config, MR_MANIFEST_MAX_BYTES);
	p->m = m;
	p->ref = ref;
	p->version = version;
	p->meta = meta;
	p->from = from;
	p->to = to;
	p->o = o;
	p->kind = kind;
	p->name = kind->name;
	p->suffix = kind->suffix;
	p->jobs = mr_session_jobs(m, o->jobs);
	p->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!p->arena)
		return mr_fail_nomem(err);
	rc = take_files(p, err);
	if (rc >= 0)
		rc = kind->open(p, err);
	if (rc >= 0)
		*out = mr_steal(&p);
	return rc;
}

/* -- what is there -----------------------------------------------------------
 */

static bool is_of_version(const struct mr_profile *p,
			  const struct mr_manifest *was)
{
	const char *of =
		mr_annotation(&was->annotations, MR_ANNOTATION_DERIVED);
	char text[MREG_DIGEST_TEXT];

	return of && strcmp(of, mreg_digest_text(&p->version->desc.digest,
						 text)) == 0;
}

int mr_profile_conflict(const struct mr_profile *p, uint64_t number,
			const struct mreg_digest *has, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *was = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;

	if (mr_manifest_fetch(p->m, p->to, has, &was, &ignored) < 0 ||
	    is_of_version(p, was)) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "'%s:v%" PRIu64 "%s' is there already, and was "
			      "made otherwise",
			      p->to->label, number, p->suffix);
		return mr_hint(err, "it never moves: ask with the options it "
				    "was made with, or push a new version");
	}
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s:v%" PRIu64 "%s' is there already, and was not made "
		      "of this version",
		      p->to->label, number, p->suffix);
	return mr_hint(err, "mreg did not put it there: find out who did, then "
			    "delete that tag in the registry");
}

static bool is_top(const struct mr_profile *p, const struct mreg_desc *d)
{
	return p->top.len && mreg_digest_equal(&p->top_desc.digest, &d->digest);
}

static int has(const struct mr_profile *p, const struct mreg_desc *d,
	       bool *whole, struct mreg_error *err)
{
	return *whole && mr_digest_known(&d->digest)
		       ? mr_store_has(p->to, d, whole, err)
		       : 0;
}

/* Of what a dry run does not read nobody can tell. */
static bool all_there(const struct mr_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (plan->items[i].step != MR_STEP_REUSE &&
		    mr_digest_known(&plan->items[i].desc.digest))
			return false;
	return true;
}

/* A folder can lose files, and looking is cheap there; a registry is believed
 * until it says that something is missing. */
static int is_whole(struct mr_profile *p, bool *whole, struct mreg_error *err)
{
	size_t i;
	int rc;

	*whole = true;
	if (mr_store_is_far(p->to))
		return 0;
	rc = p->kind->look(p, err);
	if (rc < 0)
		return rc;
	*whole = all_there(&p->plan) && all_there(&p->below);
	rc = has(p, &p->config_desc, whole, err);
	for (i = 0; rc >= 0 && i < p->platform_count; i++) {
		rc = has(p, &p->platforms[i].config_desc, whole, err);
		if (rc >= 0)
			rc = has(p, &p->platforms[i].manifest_desc, whole, err);
	}
	if (rc >= 0 && !*whole)
		mr_log(&p->m->env, MREG_LOG_INFO,
		       "'%s:v%" PRIu64 "%s' lost some of its files, they are "
		       "made again",
		       p->to->label, p->number, p->suffix);
	return rc;
}

/* Whether what is there is what we make.  What of it nobody here has read is
 * read then, once on each machine: somebody else may have written layers,
 * configs and manifests that fit each other. */
static int compare(struct mr_profile *p, const struct mreg_desc *now,
		   struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *was = NULL;
	int rc = mr_manifest_fetch(p->m, p->to, &now->digest, &was, err);
	bool prove;

	if (rc >= 0)
		rc = p->kind->adopt(p, was, err);
	/* In a folder a part of it may be gone that had its digests. */
	prove = is_top(p, now) || (!p->top.len && !mr_store_is_far(p->to));
	if (rc >= 0 && prove && p->kind->prove && !p->o->dry_run)
		rc = p->kind->prove(p, err);
	if (rc < 0)
		return rc;
	return is_top(p, now)
		       ? 0
		       : mr_profile_conflict(p, p->number, &now->digest, err);
}

int mr_profile_look(struct mr_profile *p, uint64_t number,
		    struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	char tag[64];
	struct mreg_desc now;
	bool found = false;
	int rc = 0;

	p->number = number;
	if (number) {
		(void)snprintf(tag, sizeof(tag), "v%" PRIu64 "%s", number,
			       p->suffix);
		rc = mr_tag_resolve(p->to, tag, &now, &found, &why);
	}
	if (rc < 0 && rc != MREG_ENOTFOUND) {
		if (err)
			*err = why;
		return rc;
	}
	/* A folder may have lost the document: it is made again. */
	if (rc < 0 || !found)
		return p->kind->look(p, err);
	rc = compare(p, &now, err);
	return rc < 0 ? rc : is_whole(p, &p->identical, err);
}

int mr_profile_send(struct mr_profile *p, struct mreg_error *err)
{
	int rc = p->identical ? 0 : p->kind->send(p, err);

	p->sent = rc >= 0 && !p->identical;
	return rc;
}
