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

int mr_profile_conflict(const struct mr_profile *p, uint64_t number,
			struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "'%s:v%" PRIu64 "%s' is there already, and was made "
		      "otherwise",
		      p->to->label, number, p->suffix);
	return mr_hint(err, "it never moves: ask with the options it was made "
			    "with, or push a new version");
}

/* What is there was made of this version otherwise, or is not of it at all. */
static int fail_there(const struct mr_profile *p, uint64_t number,
		      const struct mr_manifest *was, struct mreg_error *err)
{
	const char *of = mr_annotation(&was->annotations, MR_ANNOTATION_DERIVED);
	char text[MREG_DIGEST_TEXT];

	if (of && strcmp(of, mreg_digest_text(&p->version->desc.digest,
					      text)) == 0)
		return mr_profile_conflict(p, number, err);
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

/* Digests that nobody here has read are taken from what is there: what differs
 * even so is another image, and no byte is read for that.  What does not is
 * only called the same when its bytes were read, once on each machine: somebody
 * else may have written layers, configs and manifests that fit each other. */
int mr_profile_look(struct mr_profile *p, uint64_t number,
		    struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *was = NULL;
	char tag[64];
	struct mreg_desc now;
	bool found = false;
	int rc = 0;

	p->number = number;
	if (number) {
		(void)snprintf(tag, sizeof(tag), "v%" PRIu64 "%s", number,
			       p->suffix);
		rc = mr_tag_resolve(p->to, tag, &now, &found, err);
	}
	if (rc < 0)
		return rc;
	if (!found)
		return p->kind->look(p, err);
	rc = mr_manifest_fetch(p->m, p->to, &now.digest, &was, err);
	if (rc >= 0)
		rc = p->kind->adopt(p, was, err);
	if (rc < 0)
		return rc;
	if (is_top(p, &now) && p->kind->prove && !p->o->dry_run)
		rc = p->kind->prove(p, err);
	if (rc < 0)
		return rc;
	if (!is_top(p, &now))
		return fail_there(p, number, was, err);
	p->identical = true;
	return 0;
}

int mr_profile_send(struct mr_profile *p, struct mreg_error *err)
{
	int rc = p->identical ? 0 : p->kind->send(p, err);

	p->sent = rc >= 0 && !p->identical;
	return rc;
}
