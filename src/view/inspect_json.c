/*
 * inspect_json.c - one version in full as JSON.
 */
#include "mreg/json.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "view/view.h"

static json_t *parent_row(const void *items, size_t i)
{
	const struct mreg_parent *p = (const struct mreg_parent *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "relation", p->relation);
	mr_view_str(&v, "ref", p->ref);
	mr_view_str(&v, "digest", p->digest);
	return mr_view_take(&v);
}

static json_t *input_row(const void *items, size_t i)
{
	const struct mreg_input *in = (const struct mreg_input *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "role", in->role);
	mr_view_str(&v, "name", in->name);
	mr_view_str(&v, "uri", in->uri);
	mr_view_str(&v, "digest", in->digest);
	mr_view_str(&v, "license", in->license);
	mr_view_str(&v, "classification", in->classification);
	mr_view_str(&v, "consent", in->consent);
	return mr_view_take(&v);
}

static json_t *attached_row(const void *items, size_t i)
{
	const struct mreg_attached *d = (const struct mreg_attached *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "digest", &d->digest);
	mr_view_str(&v, "type", d->type);
	mr_view_str(&v, "kind", d->kind);
	mr_view_str(&v, "title", d->title);
	mr_view_time(&v, "createdAt", d->created_s);
	mr_view_texts(&v, "files", d->files.items, d->files.n);
	mr_view_u64(&v, "bytes", d->bytes);
	return mr_view_take(&v);
}

/* -- weight files ---------------------------------------------------------- */

/* What fits no integer of JSON is a file that lies. */
static json_t *dim_value(uint64_t n)
{
	return n <= INT64_MAX ? json_integer((json_int_t)n) : json_null();
}

json_t *mr_view_tensor(const struct mreg_tensor *t)
{
	json_t *shape = json_array();
	struct mr_view v;
	size_t i;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", t->name);
	mr_view_str(&v, "dtype", t->dtype);
	for (i = 0; shape && i < t->rank; i++)
		if (json_array_append_new(shape, dim_value(t->dims[i])) < 0) {
			json_decref(shape);
			shape = NULL;
		}
	mr_view_put(&v, "shape", shape);
	mr_view_u64(&v, "elements", t->elements);
	mr_view_u64(&v, "bytes", t->bytes);
	return mr_view_take(&v);
}

static json_t *tensor_row(const void *items, size_t i)
{
	return mr_view_tensor((const struct mreg_tensor *)items + i);
}

static json_t *port_row(const void *items, size_t i)
{
	const struct mreg_port *p = (const struct mreg_port *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", p->name);
	mr_view_str(&v, "dtype", p->dtype);
	if (p->ranked)
		mr_view_texts(&v, "shape", p->dims, p->rank);
	else
		mr_view_str(&v, "shape", NULL);
	return mr_view_take(&v);
}

static void put_count(struct mr_view *v, const char *key, uint64_t n)
{
	if (n)
		mr_view_u64(v, key, n);
	else
		mr_view_str(v, key, NULL);
}

static json_t *weight_row(const void *items, size_t i)
{
	const struct mreg_weight_file *w =
		(const struct mreg_weight_file *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "path", w->path);
	mr_view_u64(&v, "size", w->size);
	mr_view_digest(&v, "digest", &w->digest);
	mr_view_str(&v, "format", w->format[0] ? w->format : NULL);
	mr_view_str(&v, "trouble", w->trouble);
	mr_view_str(&v, "architecture", w->architecture);
	mr_view_str(&v, "name", w->name);
	mr_view_str(&v, "license", w->license);
	mr_view_str(&v, "producer", w->producer);
	mr_view_str(&v, "tokenizer", w->tokenizer);
	mr_view_str(&v, "baseModel", w->base_model);
	mr_view_str(&v, "precision", w->precision);
	mr_view_str(&v, "quantization", w->quantization);
	put_count(&v, "parameters", w->parameters);
	put_count(&v, "contextLength", w->context_length);
	put_count(&v, "opset", w->opset);
	mr_view_rows(&v, "tensors", w->tensors, w->tensor_count, tensor_row);
	mr_view_rows(&v, "inputs", w->inputs, w->input_count, port_row);
	mr_view_rows(&v, "outputs", w->outputs, w->output_count, port_row);
	mr_view_pairs(&v, "metadata", w->metadata, w->metadata_count);
	mr_view_texts(&v, "globals", w->globals.items, w->globals.n);
	mr_view_texts(&v, "unsafe", w->unsafe.items, w->unsafe.n);
	mr_view_texts(&v, "warnings", w->warnings.items, w->warnings.n);
	return mr_view_take(&v);
}

static void put_weights(struct mr_view *v, const struct mreg_inspect_result *r)
{
	struct mr_view w;

	if (!r->weights_read) {
		mr_view_str(v, "weights", NULL);
		return;
	}
	mr_view_init(&w, NULL);
	mr_view_bool(&w, "verified", false);
	mr_view_u64(&w, "bytesTotal", r->weight_bytes);
	mr_view_u64(&w, "bytesRead", r->bytes_read);
	mr_view_u64(&w, "requests", r->requests);
	mr_view_rows(&w, "files", r->weights, r->weight_count, weight_row);
	mr_view_put(v, "weights", mr_view_take(&w));
}

/* -- bytes ----------------------------------------------------------------- */

/* Under the limits of whatever comes from outside; `*out` NULL: no JSON. */
static int parse(const char *bytes, size_t n, json_t **out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc = mr_json_parse(bytes, n, MR_MANIFEST_MAX_BYTES, "config", out,
			       &ignored);

	if (rc < 0)
		*out = NULL;
	return rc == MREG_ENOMEM ? rc : 0;
}

/* A config is JSON nearly always; what is not is shown as text. */
static void put_config(struct mr_view *v, const struct mreg_inspect_result *r)
{
	json_t *j = NULL;

	if (r->config && parse(r->config, r->config_len, &j) < 0)
		mr_view_put(v, "config", NULL);
	else if (j)
		mr_view_put(v, "config", j);
	else
		mr_view_str(v, "config", r->config);
}

char *mreg_json_pretty(const char *bytes, size_t n)
{
	json_t *j = NULL;
	char *text;

	if (parse(bytes, n, &j) < 0)
		return NULL;
	text = j ? mr_view_dump(j, JSON_INDENT(2)) : mr_strndup(bytes, n);
	json_decref(j);
	return text;
}

char *mreg_inspect_result_json(const struct mreg_inspect_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.inspect/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_str(&v, "tag", r->tag);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->desc.digest);
	mr_view_str(&v, "mediaType", r->desc.media_type);
	mr_view_str(&v, "artifactType", r->artifact_type);
	mr_view_str(&v, "filesetDigest", r->fileset);
	mr_view_time(&v, "registeredAt", r->registered_s);
	mr_view_str(&v, "actor", r->actor);
	mr_view_texts(&v, "tags", r->tags, r->tag_count);
	mr_view_pairs(&v, "metadata", r->fields, r->field_count);
	mr_view_pairs(&v, "metrics", r->metrics, r->metric_count);
	mr_view_pairs(&v, "params", r->params, r->param_count);
	mr_view_pairs(&v, "labels", r->labels, r->label_count);
	mr_view_pairs(&v, "annotations", r->annotations, r->annotation_count);
	mr_view_rows(&v, "parents", r->parents, r->parent_count, parent_row);
	mr_view_rows(&v, "inputs", r->inputs, r->input_count, input_row);
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_items(&v, "files", r->items, r->item_count, NULL);
	mr_view_rows(&v, "attached", r->attached, r->attached_count,
		     attached_row);
	mr_view_u64(&v, "attachedUnread", r->attached_unread);
	put_weights(&v, r);
	put_config(&v, r);
	mr_view_str(&v, "raw", r->raw);
	return mr_view_text(&v);
}
