/*
 * collect_write.c - one repository into the index.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "crawl/collect.h"

#define TAGS "tags."
#define FILESET "org.mreg.fileset.digest"
#define CREATED "org.opencontainers.image.created"

/* -- the model ------------------------------------------------------------- */

static int take_model(struct mr_collect *c, struct mr_ix_model *to,
		      struct mreg_error *err)
{
	const struct mr_values *all = &c->now.metadata;
	struct mreg_pair *tags =
		mr_arena_alloc(c->arena, (all->count + 1) * sizeof(*tags));
	size_t i;

	if (!tags)
		return mr_fail_nomem(err);
	to->place = c->ref->dir[0]
			    ? mr_arena_printf(c->arena, "oci:%s", c->ref->dir)
			    : c->ref->host;
	to->repository = c->ref->repository;
	to->name = c->name;
	to->owner = mr_values_get(all, "owner");
	to->display_name = mr_values_get(all, "displayName");
	to->description = mr_values_get(all, "description");
	for (i = 0; i < all->count; i++) {
		if (!mr_text_starts(all->items[i].key, TAGS))
			continue;
		tags[to->tag_count].name = all->items[i].key + strlen(TAGS);
		tags[to->tag_count++].value = all->items[i].value;
	}
	to->tags = tags;
	to->recorded_s = c->now.record ? c->now.record->time_s : 0;
	return mr_result_check(c->arena, err);
}

/* What is not asked for again is taken to be as it was. */
static int check_same(struct mr_collect *c, struct mreg_error *err)
{
	bool same = false;
	int rc = mr_index_cache_is(c->w, c->seen, c->left_count, &same, err);

	if (rc < 0 || same)
		return rc;
	c->overtaken = true;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "others write it into the index again and again");
	return mr_hint(err, "try again");
}

int mr_collect_begin(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_ix_model model;
	int rc;

	if (c->w)
		return 0;
	memset(&model, 0, sizeof(model));
	rc = take_model(c, &model, err);
	if (rc < 0)
		return rc;
	/* Whoever waits for its turn to write makes no requests. */
	mr_collect_rest(c);
	rc = mr_index_begin(c->ix, &model, &c->w, err);
	mr_collect_resume(c);
	if (rc >= 0)
		rc = check_same(c, err);
	if (rc >= 0)
		rc = mr_index_forget_notes(c->w, c->full ? NULL : "log", err);
	return rc;
}

/* -- a version ------------------------------------------------------------- */

static int put_manifest(struct mr_collect *c, struct mr_read_version *v,
			struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_digest *weights = NULL;
	const struct mr_manifest *m = v->look.manifest;
	const char *fileset = mr_annotation(&m->annotations, FILESET);
	struct mr_ix_version to = {
		.number = v->of->number,
		.desc = m->desc,
		.artifact_type = m->artifact_type,
		.meta = v->look.meta,
		.manifest = m,
		.files = m->layer_count,
		.card = v->card,
	};
	size_t i;

	weights = mr_array(v->look.count + 1, sizeof(*weights));
	if (!weights)
		return mr_fail_nomem(err);
	if (fileset)
		(void)mreg_digest_parse(fileset, &to.fileset, NULL);
	for (i = 0; i < m->layer_count; i++)
		to.bytes += m->layers[i].desc.size;
	for (i = 0; i < v->look.count; i++)
		if (strcmp(v->look.files[i].role,
			   mr_role_name(MR_ROLE_WEIGHT)) == 0)
			weights[to.weight_count++] =
				v->look.files[i].desc.digest;
	to.weights = weights;
	return mr_index_put_version(c->w, &to, err);
}

static int64_t time_of(const char *text)
{
	int64_t s;

	return text && mr_text_time_parse(text, &s) == 0 ? s : 0;
}

static void take_attached(const struct mr_attached *row,
			  const struct mreg_digest *subject, struct mr_arena *a,
			  struct mr_ix_document *to)
{
	struct mr_verdict_told told;

	mr_attached_verdict(row, a, &told);
	to->how = MR_IX_ATTACHED;
	to->subject = *subject;
	to->desc = row->desc;
	to->artifact_type = row->type[0] ? row->type : NULL;
	to->title = row->title;
	to->created_s = time_of(row->created);
	to->suite = told.suite;
	to->dataset = told.dataset;
	if (told.judged)
		to->verdict = told.passed ? "passed" : "failed";
	to->metrics = told.metrics;
	to->metric_count = told.metric_count;
}

static void take_sibling(const struct mr_manifest *m, const char *tag,
			 const struct mreg_digest *subject,
			 struct mr_ix_document *to)
{
	to->how = MR_IX_SIBLING;
	to->subject = *subject;
	to->desc = m->desc;
	to->artifact_type = m->artifact_type;
	to->title = mr_annotation(&m->annotations, MR_ANNOTATION_TITLE);
	to->tag = tag;
	to->created_s = time_of(mr_annotation(&m->annotations, CREATED));
}

static int put_documents(struct mr_collect *c, struct mr_read_version *v,
			 struct mreg_error *err)
{
	char tag[MR_SIBLING_TAG];
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_RESULT_MAX_BYTES);
	struct mr_ix_document *items;
	size_t n = 0;
	size_t i;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	items = mr_arena_alloc(a, (v->attached.count + MR_SIBLING_KINDS) *
					  sizeof(*items));
	for (i = 0; items && i < v->attached.count; i++)
		take_attached(&v->attached.items[i], &v->of->digest, a,
			      &items[n++]);
	for (i = 0; items && i < MR_SIBLING_KINDS; i++)
		if (v->siblings[i])
			take_sibling(
				v->siblings[i],
				mr_arena_strdup(a, mr_sibling_tag(v->of->number,
								  i, tag)),
				&v->of->digest, &items[n++]);
	rc = mr_result_check(a, err);
	if (rc >= 0)
		rc = mr_index_replace_documents(c->w, &v->of->digest, items, n,
						err);
	c->out->documents += n;
	return rc;
}

static int put_note(struct mr_collect *c, const struct mr_read_version *v,
		    const char *what, const char *text, struct mreg_error *err)
{
	char subject[MR_COLLECT_TAG];

	if (!text[0])
		return 0;
	(void)snprintf(subject, sizeof(subject), "v%" PRIu64 "%s",
		       v->of->number, what);
	return mr_index_note(c->w, subject, text, err);
}

int mr_collect_put(struct mr_collect *c, struct mr_read_version *v,
		   struct mreg_error *err)
{
	char subject[MR_COLLECT_TAG];
	int rc = 0;

	(void)snprintf(subject, sizeof(subject), "v%" PRIu64, v->of->number);
	if (!c->full)
		rc = mr_index_forget_notes(c->w, subject, err);
	if (rc >= 0)
		rc = put_note(c, v, "", v->note, err);
	if (rc >= 0)
		rc = put_note(c, v, " documents", v->note_hang, err);
	if (rc < 0 || !v->looked || v->of->gone)
		return rc;
	v->of->digest = v->look.manifest->desc.digest;
	if (v->put)
		rc = put_manifest(c, v, err);
	if (rc >= 0 && v->of->hang)
		rc = put_documents(c, v, err);
	return rc < 0 ? rc : mr_collect_life(c, v, err);
}
