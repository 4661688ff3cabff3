/*
 * inspect.c - one version in full, from its manifest and config, what hangs on
 * it, and its weight files' headers.
 */
#include "mreg/inspect.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "look/attached.h"
#include "look/inspect.h"
#include "look/siblings.h"

/* Children whose labels are told: for each the whole index may be read. */
#define LABELLED_MAX 200

/* What a result owns besides its arena. */
struct owner {
	struct mr_arena *arena;    /* owned */
	struct mr_weights weights; /* owned; texts of the result are in it */
};

static struct mr_arena *arena_of(const struct mreg_inspect_result *r)
{
	return ((struct owner *)r->owner)->arena;
}

static const char *copy(struct mr_arena *a, const char *s)
{
	return s ? mr_arena_strdup(a, s) : NULL;
}

/* Any bytes, with a NUL behind them. */
static const char *copy_bytes(struct mr_arena *a, const char *bytes, size_t n)
{
	char *to = mr_arena_alloc(a, n + 1);

	if (to && n)
		memcpy(to, bytes, n);
	return to;
}

/* -- metadata -------------------------------------------------------------- */

static void take_lineage(const struct mr_meta *m, struct mr_arena *a,
			 struct mreg_inspect_result *out)
{
	struct mreg_parent *parents;
	struct mreg_input *inputs;
	size_t i;

	parents = mr_arena_alloc(a, (m->parent_count + 1) * sizeof(*parents));
	inputs = mr_arena_alloc(a, (m->input_count + 1) * sizeof(*inputs));
	if (!parents || !inputs)
		return;
	for (i = 0; i < m->parent_count; i++) {
		parents[i].relation = copy(a, m->parents[i].relation);
		parents[i].ref = copy(a, m->parents[i].ref);
		parents[i].digest = copy(a, m->parents[i].digest);
	}
	for (i = 0; i < m->input_count; i++) {
		const struct mr_input *in = &m->inputs[i];

		inputs[i].role = copy(a, in->role);
		inputs[i].name = copy(a, in->name);
		inputs[i].uri = copy(a, in->uri);
		inputs[i].digest = copy(a, in->digest);
		inputs[i].license = copy(a, in->license);
		inputs[i].classification = copy(a, in->classification);
		inputs[i].consent = copy(a, in->consent);
	}
	out->parents = parents;
	out->parent_count = m->parent_count;
	out->inputs = inputs;
	out->input_count = m->input_count;
}

static void take_meta(const struct mr_meta *m, struct mr_arena *a,
		      struct mreg_inspect_result *out)
{
	mr_look_fields(m, a, &out->fields, &out->field_count);
	out->metrics = mr_result_pairs(a, m->metrics, m->metric_count);
	out->metric_count = m->metric_count;
	out->params = mr_result_pairs(a, m->params, m->param_count);
	out->param_count = m->param_count;
	out->labels = mr_result_pairs(a, m->tags, m->tag_count);
	out->label_count = m->tag_count;
	out->annotations =
		mr_result_pairs(a, m->annotations, m->annotation_count);
	out->annotation_count = m->annotation_count;
	take_lineage(m, a, out);
}

static void take_files(const struct mr_look *l, struct mr_arena *a,
		       struct mreg_inspect_result *out)
{
	struct mreg_item *items;
	size_t i;

	items = mr_arena_alloc(a, (l->count + 1) * sizeof(*items));
	for (i = 0; items && i < l->count; i++) {
		items[i].path = mr_arena_strdup(a, l->files[i].path);
		items[i].size = l->files[i].desc.size;
		items[i].digest = l->files[i].desc.digest;
		items[i].role = mr_arena_strdup(a, l->files[i].role);
		items[i].executable = l->files[i].executable;
		items[i].packed = l->files[i].archive;
		out->bytes += items[i].size;
	}
	out->items = items;
	out->item_count = l->count;
}

static int take_labels(const struct mr_manifest *m, size_t i,
		       struct mr_arena *a, struct mreg_texts *to,
		       struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list labels = { .n = 0 };
	const char **items;
	size_t k;
	int rc = mr_model_labels(m, i, &labels, err);

	if (rc < 0)
		return rc;
	items = mr_arena_alloc(a, (labels.n + 1) * sizeof(*items));
	for (k = 0; items && k < labels.n; k++)
		items[k] = mr_arena_strdup(a, labels.items[k]);
	to->items = items;
	to->n = items ? labels.n : 0;
	return 0;
}

static int take_children(const struct mr_manifest *m, struct mr_arena *a,
			 struct mreg_inspect_result *out,
			 struct mreg_error *err)
{
	struct mreg_child *to;
	size_t i;
	int rc = 0;

	to = mr_arena_alloc(a, (m->child_count + 1) * sizeof(*to));
	for (i = 0; to && rc >= 0 && i < m->child_count; i++) {
		const struct mreg_desc *d = &m->children[i].desc;

		to[i].desc = *d;
		if (i < LABELLED_MAX)
			rc = take_labels(m, i, a, &to[i].labels, err);
	}
	out->children = to;
	out->child_count = m->child_count;
	out->is_index = true;
	return rc;
}

/* -- what is elsewhere ----------------------------------------------------- */

static void take_verdict(const struct mr_attached *from, struct mr_arena *a,
			 struct mreg_attached *to)
{
	struct mr_verdict_told told;

	mr_attached_verdict(from, a, &told);
	to->suite = told.suite;
	to->dataset = told.dataset;
	to->dataset_digest = told.dataset_digest;
	to->experiment = told.experiment;
	to->baseline = told.baseline;
	to->candidate = told.candidate;
	to->passed = told.passed;
	to->judged = told.judged;
	to->metrics = told.metrics;
	to->metric_count = told.metric_count;
}

static void take_document(const struct mr_attached *from, struct mr_arena *a,
			  struct mreg_attached *to)
{
	const char **names;
	size_t i;

	to->digest = from->desc.digest;
	to->type = mr_arena_strdup(a, from->type);
	to->kind = copy(a, from->kind);
	to->title = copy(a, from->title);
	take_verdict(from, a, to);
	if (from->created &&
	    mr_text_time_parse(from->created, &to->created_s) < 0)
		to->created_s = 0;
	names = mr_arena_alloc(a, (from->file_count + 1) * sizeof(*names));
	for (i = 0; names && i < from->file_count; i++) {
		names[i] = mr_arena_strdup(a, from->files[i].title);
		to->bytes += from->files[i].desc.size;
	}
	to->files.items = names;
	to->files.n = names ? from->file_count : 0;
}

/* What it is itself, when it is about another. */
static void take_subject(const struct mr_manifest *m, struct mr_arena *a,
			 struct mreg_inspect_result *out)
{
	struct mreg_attached *to;
	struct mr_attached row;

	if (!m->has_subject)
		return;
	memset(&row, 0, sizeof(row));
	mr_attached_take(m, a, &row);
	to = mr_arena_alloc(a, sizeof(*to));
	if (!to || mr_arena_failed(a))
		return;
	take_document(&row, a, to);
	out->document = to;
	out->subject = m->subject.desc.digest;
}

static int take_attached(struct mr_look *l, struct mr_arena *a,
			 struct mreg_inspect_result *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_attached *to;
	size_t i;
	int rc = mr_attached_list(l->m, l->s, &out->desc.digest, NULL, &rows,
				  &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0) {
		mr_log(&l->m->env, MREG_LOG_WARN,
		       "what is attached cannot be told: %s", why.msg);
		return 0;
	}
	to = mr_arena_alloc(a, (rows.count + 1) * sizeof(*to));
	for (i = 0; to && i < rows.count; i++)
		take_document(&rows.items[i], a, &to[i]);
	out->attached = to;
	out->attached_count = rows.count;
	out->attached_unread = rows.unread;
	if (rows.unread)
		mr_log(&l->m->env, MREG_LOG_WARN,
		       "%zu attached document%s cannot be read: %s",
		       rows.unread, rows.unread == 1 ? "" : "s",
		       rows.why ? rows.why : "unknown");
	return 0;
}

/* What hangs on it, and what stands beside it. */
static int take_around(struct mr_look *l, struct mr_arena *a,
		       struct mreg_inspect_result *out, struct mreg_error *err)
{
	struct mr_siblings beside = { .l = l, .number = out->number };
	int rc = mr_siblings_start(&beside, err);

	if (rc < 0)
		return rc;
	rc = take_attached(l, a, out, err);
	return mr_siblings_join(&beside, rc, a, out, err);
}

/* -- steps ----------------------------------------------------------------- */

static void take_identity(const struct mr_look *l, struct mr_arena *a,
			  struct mreg_inspect_result *out)
{
	const struct mr_manifest *m = l->manifest;
	struct mr_identity id;

	mr_look_identity(l, a, &id);
	out->desc = m->desc;
	out->name = id.name;
	out->reference = id.reference;
	out->tag = id.tag;
	/* What the log says is asked below; without it the tag's counts. */
	out->number = mr_tag_number(l->ref.tag);
	out->actor = "";
	out->artifact_type =
		mr_arena_strdup(a, m->artifact_type ? m->artifact_type : "");
	out->fileset = copy(
		a, mr_annotation(&m->annotations, "org.mreg.fileset.digest"));
	out->config_type =
		m->is_index ? ""
			    : mr_arena_strdup(a, m->config.desc.media_type);
}

static int take_bytes(struct mr_look *l, const struct mreg_inspect_opts *o,
		      struct mr_arena *a, struct mreg_inspect_result *out,
		      struct mreg_error *err)
{
	int rc;

	if (o->raw) {
		out->raw =
			copy_bytes(a, l->manifest->raw, l->manifest->raw_len);
		out->raw_len = l->manifest->raw_len;
	}
	if (!o->config)
		return 0;
	if (l->manifest->is_index)
		return mr_fail(err, MREG_EUNSUPPORTED,
			       "'%s' is an image index, which has no config",
			       out->reference);
	rc = mr_look_config(l, err);
	if (rc < 0)
		return rc;
	out->config = copy_bytes(a, mr_buf_text(&l->config), l->config.len);
	out->config_len = l->config.len;
	return 0;
}

static int take_all(struct mr_look *l, const struct mreg_inspect_opts *o,
		    struct mr_arena *a, struct mreg_inspect_result *out,
		    struct mreg_error *err)
{
	struct owner *owner = out->owner;
	int rc = mr_look_meta(l, err);

	if (rc >= 0 && l->manifest->is_index && !o->tensors)
		rc = take_children(l->manifest, a, out, err);
	else if (rc >= 0)
		rc = mr_look_files(l, err);
	if (rc < 0)
		return rc;
	take_files(l, a, out);
	take_subject(l->manifest, a, out);
	rc = mr_inspect_log(l, a, out, err);
	if (rc < 0)
		return rc;
	take_meta(l->meta, a, out);
	rc = take_around(l, a, out, err);
	if (rc >= 0 && o->tensors)
		rc = mr_inspect_weights(l, &owner->weights, a, out, err);
	return rc;
}

static int run(struct mr_look *l, const char *text,
	       const struct mreg_inspect_opts *o,
	       struct mreg_inspect_result *out, struct mreg_error *err)
{
	struct mr_arena *a = arena_of(out);
	int rc = mr_look_recall(l->m, text, l, err);

	if (rc < 0)
		return rc;
	out->synced_s = l->recall.synced_s;
	take_identity(l, a, out);
	if (!o->brief)
		rc = take_all(l, o, a, out, err);
	if (rc >= 0)
		rc = take_bytes(l, o, a, out, err);
	return rc < 0 ? rc : mr_result_check(a, err);
}

int mreg_inspect(struct mreg *m, const char *ref,
		 const struct mreg_inspect_opts *given,
		 struct mreg_inspect_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look l = { .m = m };
	struct mreg_inspect_opts o = MREG_INSPECT_OPTS_INIT;
	struct owner *owner;
	int rc;

	memset(out, 0, sizeof(*out));
	if (given)
		mr_opts_take(&o, sizeof(o), given, given->size);
	owner = mr_zalloc(sizeof(*owner));
	if (!owner)
		return mr_fail_nomem(err);
	out->owner = owner;
	rc = mr_result_arena(&owner->arena, err);
	if (rc >= 0)
		rc = run(&l, ref, &o, out, err);
	if (rc < 0)
		mreg_inspect_result_release(out);
	return rc;
}

void mreg_inspect_result_release(struct mreg_inspect_result *r)
{
	struct owner *owner = r->owner;

	if (owner) {
		mr_weights_release(&owner->weights);
		mr_arena_free(owner->arena);
		mr_release(owner);
	}
	memset(r, 0, sizeof(*r));
}
