/*
 * attach.c - a document that belongs to a version: blobs, then the manifest
 * whose subject is the version's.
 *
 * Nothing in it says when or where it was made unless that was asked for, so
 * the same document attached again is the same digest, and no second one.
 */
#include "ops/attach.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/push.h"
#include "policy/policy.h"

void mr_attach_release(struct attach *a)
{
	mr_attach_doc_release(&a->doc);
	mr_plan_release(&a->plan);
	mr_store_closep(&a->from);
	mr_scan_freep(&a->scan);
	mr_meta_freep(&a->meta);
	mr_manifest_freep(&a->subject);
	mr_store_closep(&a->s);
}

/* By its digest a record can be named too. */
int mr_attach_open(struct attach *a, const char *ref,
		   const struct mreg_texts *annotations, const char *created,
		   struct mreg_error *err)
{
	size_t i;
	int rc = mr_meta_new(&a->meta, err);

	for (i = 0; rc >= 0 && i < annotations->n; i++)
		rc = mr_meta_add(a->meta, "annotations", annotations->items[i],
				 err);
	if (rc >= 0 && created)
		rc = mr_meta_set(a->meta, "created", created, err);
	if (rc >= 0)
		rc = mr_meta_epoch(a->meta, err);
	if (rc >= 0)
		rc = mr_target(a->m, ref, &a->ref, &a->s, err);
	if (rc >= 0)
		rc = mr_subject_check(&a->ref, NULL, err);
	if (rc >= 0)
		rc = mr_target_manifest(a->m, a->s, &a->ref, &a->subject, err);
	return rc < 0 ? rc : mr_subject_check(&a->ref, a->subject, err);
}

int mr_attach_file(struct attach *a, const char *path, struct mreg_error *err)
{
	struct mr_scan_opts all = { .all = true };
	struct mr_item *it;
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is a folder, no document",
			      path);
		return mr_hint(err, "attach its files one by one, or an "
				    "archive of them");
	}
	rc = mr_scan(&a->m->env, &path, 1, &all, &a->scan, err);
	if (rc == MREG_ENOTFOUND && strcmp(path, "-") == 0)
		return mr_hint(err, "a document is a file: write standard "
				    "input to one");
	/* Not to leave it out, as of many files. */
	if (rc < 0 && err && err->hint[0])
		return mr_hint(err, "a document is a regular file whose name "
				    "is plain text");
	if (rc >= 0)
		rc = mr_files_source(&a->m->env, a->scan, &a->from, err);
	if (rc >= 0)
		rc = mr_plan_init(&a->plan, 1, err);
	if (rc < 0)
		return rc;
	it = &a->plan.items[0];
	it->label = a->scan->files[0].path;
	it->file = 0;
	it->desc.size = a->scan->files[0].size;
	(void)snprintf(it->desc.media_type, sizeof(it->desc.media_type), "%s",
		       mr_attach_media(it->label));
	/* The manifest needs its digest, also when nothing is sent. */
	return mr_plan_hash(&a->plan, a->from, a->jobs, err);
}

/* -- sending ------------------------------------------------------------- */

static int put_small(struct attach *a, const struct mreg_desc *d,
		     const void *bytes, bool again, struct mreg_error *err)
{
	bool found = false;
	int rc = again ? 0 : mr_store_has(a->s, d, &found, err);

	return rc < 0 || found ? rc : mr_store_put_bytes(a->s, d, bytes, err);
}

/* `again`: the store says that it misses some. */
static int put_blobs(struct attach *a, bool again, struct mreg_error *err)
{
	int rc = put_small(a, &mr_empty_desc, "{}", again, err);

	if (rc >= 0 && a->body)
		rc = put_small(a, &a->body_desc, a->body, again, err);
	if (rc < 0 || !a->scan)
		return rc;
	if (again) {
		a->plan.items[0].done = false;
		a->plan.items[0].step = MR_STEP_COPY;
	} else {
		rc = mr_plan_look(&a->plan, a->s, NULL, 0, a->jobs, err);
	}
	return rc < 0 ? rc : mr_plan_run(&a->plan, a->from, a->s, a->jobs, err);
}

/*
 * Registries collect manifests that have no tag, each by rules of its own that
 * nobody can ask for (protocol.md 3.5), so there every document has one
 * (product.md 3.4).  A folder's index is the entry that keeps it: NULL.
 */
static const char *tag_of(const struct attach *a)
{
	return a->ref.host[0] ? a->doc.tag : NULL;
}

/*
 * Whether the document is where it belongs: under its name, and among the
 * referrers of the version, which a run that was killed may have left out.
 * What cannot be asked is written again.
 */
static bool is_there(struct attach *a, const char *name)
{
	MR_AUTO(mr_referrers_release)
	struct mr_referrers all = MR_REFERRERS_INIT;
	const struct mreg_digest *mine = &a->doc.desc.digest;
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_desc now;
	bool found = false;
	size_t i;

	if (mr_store_resolve(a->s, name, &now, &found, &ignored) < 0 ||
	    !found || !mreg_digest_equal(&now.digest, mine) ||
	    mr_store_referrers(a->s, &a->subject->desc.digest, NULL, &all,
			       &ignored) < 0)
		return false;
	for (i = 0; i < all.count; i++)
		if (mreg_digest_equal(&all.items[i].desc.digest, mine))
			return true;
	return false;
}

static int put_manifest(struct attach *a, const char *name,
			struct mreg_error *err)
{
	unsigned int repairs;

	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		int rc = mr_store_set(a->s, name, &a->doc.desc,
				      a->doc.bytes.data, &missing, err);

		if (rc != MREG_ECONFLICT || !missing.n ||
		    repairs == MR_REPAIRS_MAX)
			return rc;
		rc = put_blobs(a, true, err);
		if (rc < 0)
			return rc;
	}
}

int mr_attach_make(struct attach *a, const char *type, const char *title,
		   const struct mr_annotations *more, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_pair *pairs = NULL;
	struct mr_attach_draft draft = {
		.type = type,
		.subject = a->subject,
		.layers = a->layers,
		.title = title,
		.created = a->meta->created,
	};
	size_t i;

	a->layer_count = 0;
	if (a->body)
		a->layers[a->layer_count++] =
			(struct mr_attach_layer){ a->body_desc, a->body_title };
	if (a->scan)
		a->layers[a->layer_count++] =
			(struct mr_attach_layer){ a->plan.items[0].desc,
						  a->plan.items[0].label };
	draft.layer_count = a->layer_count;
	pairs = mr_array(more->n + a->meta->annotation_count, sizeof(*pairs));
	if (!pairs)
		return mr_fail_nomem(err);
	for (i = 0; i < more->n; i++)
		pairs[i] = more->items[i];
	for (i = 0; i < a->meta->annotation_count; i++)
		pairs[more->n + i] = a->meta->annotations[i];
	draft.annotations =
		(struct mr_annotations){ pairs,
					 more->n + a->meta->annotation_count };
	return mr_attach_write(&draft, &a->doc, err);
}

static int take_result(struct attach *a, const char *type, const char *title,
		       const char *tag, struct mreg_attach_result *out,
		       struct mreg_error *err)
{
	struct mr_arena *arena = out->owner;
	const char *kind = mr_attach_kind(type);
	char text[MREG_REF_TEXT];
	size_t i;

	out->version = a->subject->desc.digest;
	out->digest = a->doc.desc.digest;
	out->dry_run = a->dry_run;
	out->name = mr_arena_strdup(arena, mr_target_name(a->m, &a->ref, text));
	out->reference = mr_arena_strdup(
		arena, mr_target_pinned(a->m, &a->ref, &out->version, text));
	out->number = mr_tag_number(a->ref.tag);
	if (!out->number)
		out->number = mr_number_recall(a->m, a->s, &out->version);
	out->type = mr_arena_strdup(arena, type);
	out->kind = kind ? mr_arena_strdup(arena, kind) : NULL;
	out->title = title ? mr_arena_strdup(arena, title) : NULL;
	out->tag = tag ? mr_arena_strdup(arena, tag) : NULL;
	out->files =
		mr_arena_alloc(arena, a->layer_count * sizeof(*out->files));
	for (i = 0; out->files && i < a->layer_count; i++) {
		out->files[i].title =
			mr_arena_strdup(arena, a->layers[i].title);
		out->files[i].desc = a->layers[i].desc;
		out->bytes_total += a->layers[i].desc.size;
	}
	out->file_count = a->layer_count;
	if (a->scan)
		out->bytes_sent = mr_plan_bytes_moving(&a->plan);
	return mr_result_check(arena, err);
}

int mr_attach_run(struct attach *a, const char *type, const char *title,
		  const struct mr_annotations *more,
		  struct mreg_attach_result *out, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	const char *tag;
	const char *name;
	int rc = mr_attach_make(a, type, title, more, err);

	if (rc < 0)
		return rc;
	tag = tag_of(a);
	name = tag ? tag : mreg_digest_text(&a->doc.desc.digest, text);
	out->existed = is_there(a, name);
	if (a->dry_run)
		rc = a->scan ? mr_plan_look(&a->plan, a->s, NULL, 0, a->jobs,
					    err)
			     : 0;
	else
		rc = put_blobs(a, false, err);
	if (rc >= 0 && !a->dry_run && !out->existed)
		rc = put_manifest(a, name, err);
	return rc < 0 ? rc : take_result(a, type, title, tag, out, err);
}

/* -- the command --------------------------------------------------------- */

static int run(struct attach *a, const char *ref, const char *file,
	       const struct mreg_attach_opts *o, struct mreg_attach_result *out,
	       struct mreg_error *err)
{
	const struct mr_annotations none = { .n = 0 };
	const char *type;
	const char *title;
	int rc;

	if (!o->type || !o->type[0]) {
		(void)mr_fail(err, MREG_EUSAGE, "a document without type");
		return mr_hint(err, "say what it is: --type model-card, "
				    "bias-report, sbom, ...");
	}
	rc = mr_attach_type(o->type, file, &type, err);
	if (rc < 0)
		return rc;
	if (strcmp(type, MR_EVALUATION_TYPE) == 0) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "an evaluation is more than a file");
		return mr_hint(err, "mreg evaluate %.60s --from %.60s", ref,
			       file);
	}
	rc = mr_attach_open(a, ref, &o->annotations, o->created, err);
	if (rc >= 0)
		rc = mr_attach_file(a, file, err);
	if (rc < 0)
		return rc;
	title = o->title && o->title[0] ? o->title : a->scan->files[0].path;
	return mr_attach_run(a, type, title, &none, out, err);
}

int mreg_attach(struct mreg *m, const char *ref, const char *file,
		const struct mreg_attach_opts *given,
		struct mreg_attach_result *out, struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	struct attach a = { .m = m };
	struct mreg_attach_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	a.jobs = mr_session_jobs(m, o.jobs);
	a.dry_run = o.dry_run;
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&a, ref, file, &o, out, err);
	mr_progress(&m->env, &end);
	mr_attach_release(&a);
	if (rc < 0)
		mreg_attach_result_release(out);
	return rc;
}

void mreg_attach_result_release(struct mreg_attach_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
