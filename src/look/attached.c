/*
 * attached.c - the documents that name a version as their subject.
 */
#include "look/attached.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"

/* Of at most MR_REFERRERS_MAX documents' texts. */
#define ROWS_MAX_BYTES (64u << 20)

void mr_attached_release(struct mr_attached_rows *r)
{
	mr_arena_free(r->arena);
	*r = (struct mr_attached_rows)MR_ATTACHED_INIT;
}

/* Listed manifests, each fetched by one worker. */
struct listing {
	struct mreg *m;
	struct mr_store *s;
	struct mr_referrers *refs;
	const char *type;           /* wanted; NULL: all */
	struct mr_manifest **found; /* owned; NULL: not read, or not wanted */
	struct mreg_error *why;     /* owned; one each; code 0: read */
};

static void listing_release(struct listing *l)
{
	size_t i;

	for (i = 0; l->found && i < l->refs->count; i++)
		mr_manifest_free(l->found[i]);
	mr_release(l->found);
	mr_release(l->why);
}

static bool is_wanted(const struct listing *l, const char *type)
{
	return !l->type || mr_attach_is(type, l->type);
}

static int fetch_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct listing *l = ctx;
	const struct mr_descriptor *d = &l->refs->items[index];
	struct mreg_error *why = &l->why[index];
	int rc;

	/* Where the listing tells a type, others need no request. */
	if (d->artifact_type && !is_wanted(l, d->artifact_type))
		return 0;
	rc = mr_manifest_fetch(l->m, l->s, &d->desc.digest, &l->found[index],
			       why);
	if (rc != MREG_ENOMEM && rc != MREG_ECANCELED)
		return 0;
	*err = *why;
	return rc;
}

static const char *type_of(const struct mr_manifest *m)
{
	if (m->artifact_type)
		return m->artifact_type;
	return m->is_index ? "" : m->config.desc.media_type;
}

static const char *copy(struct mr_arena *a, const char *s)
{
	return s ? mr_arena_strdup(a, s) : NULL;
}

static void take_annotations(const struct mr_manifest *m, struct mr_arena *a,
			     struct mr_attached *row)
{
	const struct mr_annotations *from = &m->annotations;
	size_t i;

	row->annotations.items =
		mr_arena_alloc(a, (from->n + 1) * sizeof(*from->items));
	if (!row->annotations.items)
		return;
	for (i = 0; i < from->n; i++) {
		row->annotations.items[i].name = copy(a, from->items[i].name);
		row->annotations.items[i].value = copy(a, from->items[i].value);
	}
	row->annotations.n = from->n;
	row->title = copy(a, mr_annotation(from, MR_ANNOTATION_TITLE));
	row->created = copy(
		a, mr_annotation(from, "org.opencontainers.image.created"));
}

void mr_attached_take(const struct mr_manifest *m, struct mr_arena *a,
		      struct mr_attached *row)
{
	const char *kind = mr_attach_kind(type_of(m));
	size_t i;

	row->desc = m->desc;
	row->type = mr_arena_strdup(a, type_of(m));
	row->kind = kind;
	take_annotations(m, a, row);
	row->files =
		mr_arena_alloc(a, (m->layer_count + 1) * sizeof(*row->files));
	for (i = 0; row->files && i < m->layer_count; i++) {
		const char *title = mr_annotation(&m->layers[i].annotations,
						  MR_ANNOTATION_TITLE);

		row->files[i].title = mr_arena_strdup(a, title ? title : "");
		row->files[i].desc = m->layers[i].desc;
	}
	row->file_count = row->files ? m->layer_count : 0;
}

static int compare_row(const void *a, const void *b)
{
	const struct mr_attached *x = a, *y = b;
	int order = strcmp(x->kind ? x->kind : x->type,
			   y->kind ? y->kind : y->type);

	return order ? order
		     : mr_digest_compare(&x->desc.digest, &y->desc.digest);
}

/* Not readable, or not what the listing said. */
static void count_unread(struct mr_attached_rows *out, const char *why)
{
	out->unread++;
	if (!out->why)
		out->why = mr_arena_strdup(out->arena, why);
}

static int take_rows(const struct listing *l, const struct mreg_digest *version,
		     struct mr_attached_rows *out, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < l->refs->count; i++) {
		const struct mr_manifest *m = l->found[i];

		if (l->why[i].code != MREG_OK)
			count_unread(out, l->why[i].msg);
		if (!m)
			continue;
		if (!m->has_subject ||
		    !mreg_digest_equal(&m->subject.desc.digest, version))
			count_unread(out, "a document that is listed belongs "
					  "to another version");
		else if (is_wanted(l, type_of(m)))
			mr_attached_take(m, out->arena,
					 &out->items[out->count++]);
	}
	if (!out->items || mr_arena_failed(out->arena))
		return mr_fail_nomem(err);
	if (out->count > 1)
		qsort(out->items, out->count, sizeof(*out->items), compare_row);
	return 0;
}

int mr_attached_list(struct mreg *m, struct mr_store *s,
		     const struct mreg_digest *version, const char *type,
		     struct mr_attached_rows *out, struct mreg_error *err)
{
	MR_AUTO(mr_referrers_release)
	struct mr_referrers refs = MR_REFERRERS_INIT;
	struct listing l = { .m = m, .s = s, .refs = &refs, .type = type };
	int rc;

	*out = (struct mr_attached_rows)MR_ATTACHED_INIT;
	/* A short name may be several types. */
	rc = mr_store_referrers(s, version,
				type && strchr(type, '/') ? type : NULL, &refs,
				err);
	if (rc < 0)
		return rc;
	out->arena = mr_arena_new(ROWS_MAX_BYTES);
	l.found = mr_array(refs.count, sizeof(struct mr_manifest *));
	l.why = mr_array(refs.count, sizeof(*l.why));
	if (out->arena)
		out->items = mr_arena_alloc(
			out->arena, (refs.count + 1) * sizeof(*out->items));
	if (!out->items || !l.found || !l.why)
		rc = mr_fail_nomem(err);
	if (rc >= 0)
		rc = mr_task_run(&m->env, MR_LOOKUP_JOBS, refs.count, fetch_one,
				 &l, err);
	if (rc >= 0)
		rc = take_rows(&l, version, out, err);
	listing_release(&l);
	if (rc < 0)
		mr_attached_release(out);
	return rc;
}

int mr_attached_evaluation(struct mr_store *s, const struct mr_attached *row,
			   struct mr_arena *a, struct mr_evaluation *out,
			   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	const struct mreg_desc *d = NULL;
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc;

	(void)mreg_digest_text(&row->desc.digest, text);
	for (i = 0; i < row->file_count && !d; i++)
		if (strcmp(row->files[i].desc.media_type, MR_EVALUATION_TYPE) ==
		    0)
			d = &row->files[i].desc;
	if (!d)
		return mr_fail(err, MREG_EFORMAT,
			       "document '%s' has no evaluation in it", text);
	rc = mr_store_load(s, d, &b, err);
	return rc < 0 ? rc
		      : mr_evaluation_parse(mr_buf_text(&b), b.len, text, false,
					    a, out, err);
}

static bool is_text(const struct mr_attached *row)
{
	const char *type =
		row->file_count == 1 ? row->files[0].desc.media_type : "";

	return strncmp(type, "text/", strlen("text/")) == 0 &&
	       strcmp(type, "text/html") != 0;
}

/* By the time they tell; of equals the last in the order of digests, so that
 * it is always the same one. */
const struct mr_attached *mr_attached_card(const struct mr_attached_rows *rows)
{
	const struct mr_attached *best = NULL;
	int64_t best_s = 0;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		const struct mr_attached *row = &rows->items[i];
		int64_t made_s = 0;

		if (!mr_attach_is(row->type, "model-card") || !is_text(row))
			continue;
		if (row->created &&
		    mr_text_time_parse(row->created, &made_s) < 0)
			made_s = 0;
		if (best && made_s < best_s)
			continue;
		best = row;
		best_s = made_s;
	}
	return best;
}

void mr_attached_verdict(const struct mr_attached *row, struct mr_arena *a,
			 struct mr_verdict_told *out)
{
	const struct mr_annotations *all = &row->annotations;
	const size_t prefix = strlen(MR_METRIC_PREFIX);
	const char *passed = mr_annotation(all, MR_EVALUATION_PASSED);
	struct mreg_pair *metrics;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (strcmp(row->type, MR_EVALUATION_TYPE) != 0)
		return;
	out->suite = copy(a, mr_annotation(all, MR_EVALUATION_SUITE));
	out->dataset = copy(a, mr_annotation(all, MR_EVALUATION_DATASET));
	out->dataset_digest =
		copy(a, mr_annotation(all, MR_EVALUATION_DATASET_DIGEST));
	out->experiment = copy(a, mr_annotation(all, MR_EVALUATION_EXPERIMENT));
	out->baseline = copy(a, mr_annotation(all, MR_EVALUATION_BASELINE));
	out->candidate = copy(a, mr_annotation(all, MR_EVALUATION_CANDIDATE));
	out->passed = passed && strcmp(passed, "true") == 0;
	out->judged = out->passed || (passed && strcmp(passed, "false") == 0);
	metrics = mr_arena_alloc(a, (all->n + 1) * sizeof(*metrics));
	for (i = 0; metrics && i < all->n; i++) {
		if (strncmp(all->items[i].name, MR_METRIC_PREFIX, prefix) != 0)
			continue;
		metrics[out->metric_count].name =
			copy(a, all->items[i].name + prefix);
		metrics[out->metric_count++].value =
			copy(a, all->items[i].value);
	}
	out->metrics = metrics;
}
