/*
 * inspect_json.c - one version in full as JSON.
 */
#include "mreg/json.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "view/view.h"

/* Of a config laid out in lines: 64 deep, a byte may become a hundred. */
#define PRETTY_MAX_BYTES (1u << 30)

static void put_count(struct mr_view *v, const char *key, uint64_t n)
{
	if (n)
		mr_view_u64(v, key, n);
	else
		mr_view_str(v, key, NULL);
}

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
	mr_view_str(&v, "suite", d->suite);
	mr_view_str(&v, "dataset", d->dataset);
	mr_view_str(&v, "datasetDigest", d->dataset_digest);
	mr_view_str(&v, "experiment", d->experiment);
	mr_view_str(&v, "baseline", d->baseline);
	mr_view_str(&v, "candidate", d->candidate);
	if (d->judged)
		mr_view_bool(&v, "passed", d->passed);
	else
		mr_view_str(&v, "passed", NULL);
	mr_view_pairs(&v, "metrics", d->metrics, d->metric_count);
	mr_view_time(&v, "createdAt", d->created_s);
	mr_view_texts(&v, "files", d->files.items, d->files.n);
	mr_view_u64(&v, "bytes", d->bytes);
	return mr_view_take(&v);
}

static json_t *sibling_row(const void *items, size_t i)
{
	const struct mreg_sibling *s = (const struct mreg_sibling *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "profile", s->profile);
	mr_view_str(&v, "tag", s->tag);
	mr_view_digest(&v, "digest", &s->digest);
	put_count(&v, "size", s->size);
	return mr_view_take(&v);
}

static json_t *child_row(const void *items, size_t i)
{
	const struct mreg_child *c = (const struct mreg_child *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "digest", &c->desc.digest);
	mr_view_str(&v, "mediaType", c->desc.media_type);
	mr_view_u64(&v, "size", c->desc.size);
	mr_view_texts(&v, "labels", c->labels.items, c->labels.n);
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

/* A number, or the name of what is not fixed. */
static json_t *port_dim(const void *items, size_t i)
{
	const char *text = ((const char *const *)items)[i];
	uint64_t n;

	return mr_text_u64(text, INT64_MAX, &n) == 0
		       ? json_integer((json_int_t)n)
		       : mr_view_value(text);
}

static json_t *port_row(const void *items, size_t i)
{
	const struct mreg_port *p = (const struct mreg_port *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", p->name);
	mr_view_str(&v, "dtype", p->dtype);
	if (p->ranked)
		mr_view_rows(&v, "shape", p->dims, p->rank, port_dim);
	else
		mr_view_str(&v, "shape", NULL);
	return mr_view_take(&v);
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
	mr_view_bool(&v, "limited", w->limited);
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

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the string that begins at `at`. */
static size_t string_end(const char *s, size_t n, size_t at)
{
	for (at++; at < n && s[at] != '"'; at++)
		if (s[at] == '\\')
			at++;
	return at < n ? at + 1 : n;
}

static void put_break(struct mr_buf *b, bool lines, unsigned int depth)
{
	if (lines)
		mr_buf_printf(b, "\n%*s", (int)(2 * depth), "");
}

/*
 * Valid JSON with other white space: none, or one line for each value.  All
 * else is copied: parsed and written again, 0.1 would have another text.
 */
static void lay_out(struct mr_buf *b, const char *s, size_t n, bool lines)
{
	unsigned int depth = 0;
	bool fresh = false; /* behind a bracket that opens */
	size_t i, end;

	for (i = 0; i < n; i = end) {
		char c = s[i];

		end = c == '"' ? string_end(s, n, i) : i + 1;
		if (is_space(c))
			continue;
		if (c == '}' || c == ']') {
			depth -= depth > 0;
			if (!fresh)
				put_break(b, lines, depth);
		} else if (fresh) {
			put_break(b, lines, depth);
		}
		mr_buf_add(b, s + i, end - i);
		fresh = c == '{' || c == '[';
		if (fresh)
			depth++;
		else if (c == ',')
			put_break(b, lines, depth);
		else if (c == ':' && lines)
			mr_buf_putc(b, ' ');
	}
}

/* `*is_json` false: `b` is as it was. */
static int lay_out_json(struct mr_buf *b, const char *bytes, size_t n,
			bool lines, bool *is_json)
{
	json_t *j = NULL;

	if (parse(bytes, n, &j) < 0)
		return MREG_ENOMEM;
	*is_json = j != NULL;
	json_decref(j);
	if (*is_json)
		lay_out(b, bytes, n, lines);
	return b->failed;
}

char *mreg_json_pretty(const char *bytes, size_t n)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(PRETTY_MAX_BYTES);
	bool is_json = false;

	if (lay_out_json(&b, bytes, n, true, &is_json) < 0)
		return NULL;
	return is_json ? mr_buf_take(&b) : mr_strndup(bytes, n);
}

/* The object with one more member, whose value is a text of JSON. */
static char *splice(const char *object, const char *key, const char *value)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(PRETTY_MAX_BYTES);

	mr_buf_add(&b, object, strlen(object) - 1); /* its '}' comes later */
	mr_buf_printf(&b, ",\"%s\":", key);
	mr_buf_puts(&b, value);
	mr_buf_putc(&b, '}');
	return mr_buf_take(&b);
}

/* The document with its last member, the config as its bytes are: JSON nearly
 * always; what is not is shown as text. */
static char *with_config(struct mr_view *v, const struct mreg_inspect_result *r)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(PRETTY_MAX_BYTES);
	MR_AUTO(mr_free) char *text = NULL;
	bool is_json = false;

	if (lay_out_json(&b, r->config, r->config_len, false, &is_json) < 0)
		mr_view_put(v, "config", NULL);
	else if (!is_json)
		mr_view_bytes(v, "config", r->config, r->config_len);
	text = mr_view_text(v);
	if (!text || !is_json)
		return mr_steal(&text);
	return splice(text, "config", mr_buf_text(&b));
}

/* What it is when it is attached to a version itself. */
static void put_subject(struct mr_view *v, const struct mreg_inspect_result *r)
{
	struct mr_view of;

	if (!r->document) {
		mr_view_str(v, "document", NULL);
		mr_view_str(v, "subject", NULL);
		return;
	}
	mr_view_put(v, "document", attached_row(r->document, 0));
	mr_view_init(&of, NULL);
	mr_view_digest(&of, "digest", &r->subject);
	mr_view_version(&of, r->subject_number);
	mr_view_put(v, "subject", mr_view_take(&of));
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
	mr_view_life(&v, r);
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
	mr_view_rows(&v, "siblings", r->siblings, r->sibling_count,
		     sibling_row);
	mr_view_u64(&v, "siblingsUnread", r->sibling_unread);
	mr_view_index(&v, r->synced_s);
	put_subject(&v, r);
	if (r->is_index)
		mr_view_rows(&v, "children", r->children, r->child_count,
			     child_row);
	else
		mr_view_str(&v, "children", NULL);
	put_weights(&v, r);
	mr_view_str(&v, "raw", r->raw);
	if (r->config)
		return with_config(&v, r);
	mr_view_str(&v, "config", NULL);
	return mr_view_text(&v);
}
