/*
 * inspect.c - one version in full, from its manifest and config.
 */
#include "mreg/inspect.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ops/internal.h"

/* ModelPack's former name of the config; modctl 0.2 writes it. */
#define CONFIG_OLD "application/vnd.cnai.model.config.v1+json"

struct look {
	struct mreg *m;
	struct mreg_ref ref;
	struct mr_store *s;           /* owned */
	struct mr_manifest *manifest; /* owned */
	struct mr_meta *meta;         /* owned */
	struct mr_history history;    /* owned */
	struct mreg_inspect_result *out;
};

static void look_release(struct look *l)
{
	mr_history_release(&l->history);
	mr_meta_freep(&l->meta);
	mr_manifest_freep(&l->manifest);
	mr_store_closep(&l->s);
}

static bool is_model_config(const char *media_type)
{
	return strcmp(media_type, MR_MODEL_CONFIG) == 0 ||
	       strcmp(media_type, CONFIG_OLD) == 0;
}

static int read_meta(struct look *l, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf config = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	const struct mreg_desc *d = &l->manifest->config.desc;
	int rc = mr_meta_new(&l->meta, err);

	if (rc >= 0)
		rc = mr_meta_read(l->manifest, l->meta, err);
	if (rc < 0 || l->manifest->is_index || !is_model_config(d->media_type))
		return rc;
	rc = mr_store_load(l->s, d, &config, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read the config of '%s'",
			       l->s->label);
	return mr_meta_read_config(mr_buf_text(&config), config.len, l->meta,
				   err);
}

static void add_field(struct mreg_pair *fields, size_t *n, const char *name,
		      const char *value)
{
	if (!value || !value[0])
		return;
	fields[*n].name = name;
	fields[(*n)++].value = value;
}

static const char *join(struct mr_arena *a, const struct mr_list *l)
{
	const char *text = NULL;
	size_t i;

	for (i = 0; i < l->n; i++)
		text = text ? mr_arena_printf(a, "%s, %s", text, l->items[i])
			    : mr_arena_strdup(a, l->items[i]);
	return text;
}

/* In the order of spec/metadata.md. */
static void take_fields(const struct mr_meta *m,
			struct mreg_inspect_result *out)
{
	struct mr_arena *a = out->owner;
	struct mreg_pair fields[24];
	size_t n = 0;

	add_field(fields, &n, "kind", m->kind);
	add_field(fields, &n, "description", m->description);
	add_field(fields, &n, "license", m->licenses);
	add_field(fields, &n, "authors", join(a, &m->authors));
	add_field(fields, &n, "vendor", m->vendor);
	add_field(fields, &n, "versionLabel", m->version_label);
	add_field(fields, &n, "created", m->created);
	add_field(fields, &n, "architecture", m->architecture);
	add_field(fields, &n, "family", m->family);
	add_field(fields, &n, "format", m->format);
	add_field(fields, &n, "paramSize", m->param_size);
	add_field(fields, &n, "precision", m->precision);
	add_field(fields, &n, "quantization", m->quantization);
	add_field(fields, &n, "source", m->source);
	add_field(fields, &n, "revision", m->revision);
	add_field(fields, &n, "url", m->url);
	add_field(fields, &n, "documentation", m->documentation);
	add_field(fields, &n, "runId", m->run_id);
	add_field(fields, &n, "runUrl", m->run_url);
	add_field(fields, &n, "because", m->because);
	add_field(fields, &n, "environment", m->environment);
	add_field(fields, &n, "signature", m->signature);
	out->fields = mr_result_pairs(a, fields, n);
	out->field_count = n;
}

static const char *copy(struct mr_arena *a, const char *s)
{
	return s ? mr_arena_strdup(a, s) : NULL;
}

static void take_lineage(const struct mr_meta *m,
			 struct mreg_inspect_result *out)
{
	struct mr_arena *a = out->owner;
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

static void take_meta(const struct mr_meta *m, struct mreg_inspect_result *out)
{
	struct mr_arena *a = out->owner;

	take_fields(m, out);
	out->metrics = mr_result_pairs(a, m->metrics, m->metric_count);
	out->metric_count = m->metric_count;
	out->params = mr_result_pairs(a, m->params, m->param_count);
	out->param_count = m->param_count;
	out->labels = mr_result_pairs(a, m->tags, m->tag_count);
	out->label_count = m->tag_count;
	out->annotations =
		mr_result_pairs(a, m->annotations, m->annotation_count);
	out->annotation_count = m->annotation_count;
	take_lineage(m, out);
}

static int take_files(struct look *l, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	struct mreg_inspect_result *out = l->out;
	struct mr_arena *a = out->owner;
	struct mreg_item *items;
	size_t n;
	size_t i;
	int rc = mr_model_layers(l->manifest, &layers, &n, err);

	if (rc < 0)
		return rc;
	items = mr_arena_alloc(a, (n + 1) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		items[i].path = mr_arena_strdup(a, layers[i].path);
		items[i].size = layers[i].desc.size;
		items[i].digest = layers[i].desc.digest;
		items[i].role = mr_arena_strdup(a, layers[i].role);
		items[i].executable = layers[i].executable;
		out->bytes += items[i].size;
	}
	out->items = items;
	out->item_count = n;
	return 0;
}

/* When and by whom, and every name it has.  Not being able to list is told
 * and no error: the version itself is here. */
static void take_history(struct look *l)
{
	MR_AUTO(mr_free) struct mr_tag_row *rows = NULL;
	struct mreg_inspect_result *out = l->out;
	struct mr_arena *a = out->owner;
	struct mreg_error why = MREG_ERROR_INIT;
	const struct mr_event *e = NULL;
	const struct mreg_digest *d = &out->desc.digest;
	uint64_t number = 0;
	size_t n = 0;
	int rc = mr_history_read(l->m, l->s, &l->history, &why);

	if (rc >= 0)
		rc = mr_log_number(l->s, &l->history, d, &number, &e, &why);
	if (rc >= 0)
		rc = mr_tag_rows(l->m, l->s, &l->history.tags, &rows, &n, &why);
	if (rc < 0) {
		mr_log(&l->m->env, MREG_LOG_WARN, "the log was not read: %s",
		       why.msg);
		return;
	}
	if (e) {
		out->number = number;
		out->registered_s = e->time_s;
		out->actor = mr_arena_strdup(a, e->actor);
		mr_number_remember(l->m, l->s, d, out->number);
	} else {
		/* It came without its log: its tag's number, unless the log
		 * gives that to another. */
		e = mr_ledger_owner(l->history.ledger, out->number, d);
		if (e && !mreg_digest_equal(&e->version, d))
			out->number = 0;
	}
	out->tags = mr_tag_names(a, rows, n, d, &out->tag_count);
}

static int run(struct look *l, const char *text, struct mreg_error *err)
{
	struct mreg_inspect_result *out = l->out;
	struct mr_arena *a = out->owner;
	const struct mr_manifest *m;
	char buf[MREG_REF_TEXT];
	int rc = mr_target(l->m, text, &l->ref, &l->s, err);

	if (rc >= 0)
		rc = mr_target_manifest(l->m, l->s, &l->ref, &l->manifest, err);
	if (rc >= 0)
		rc = read_meta(l, err);
	if (rc >= 0)
		rc = take_files(l, err);
	if (rc < 0)
		return rc;
	m = l->manifest;
	out->desc = m->desc;
	out->name = mr_arena_strdup(a, mr_target_name(l->m, &l->ref, buf));
	out->reference = mr_arena_strdup(
		a, mr_target_pinned(l->m, &l->ref, &m->desc.digest, buf));
	if (!mr_digest_known(&l->ref.digest))
		out->tag = mr_arena_strdup(a, l->ref.tag[0] ? l->ref.tag
							    : "latest");
	out->artifact_type =
		mr_arena_strdup(a, m->artifact_type ? m->artifact_type : "");
	out->fileset = copy(
		a, mr_annotation(&m->annotations, "org.mreg.fileset.digest"));
	out->number = mr_tag_number(l->ref.tag);
	out->actor = "";
	take_meta(l->meta, out);
	take_history(l);
	return mr_result_check(a, err);
}

int mreg_inspect(struct mreg *m, const char *ref,
		 struct mreg_inspect_result *out, struct mreg_error *err)
{
	struct look l = { .m = m, .out = out };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&l, ref, err);
	look_release(&l);
	if (rc < 0)
		mreg_inspect_result_release(out);
	return rc;
}

void mreg_inspect_result_release(struct mreg_inspect_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
