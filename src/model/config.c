/*
 * config.c - metadata to the bytes of ModelPack's config and back.
 *
 * ModelPack's schema is closed: no key of ours may be added (spec/model.md).
 */
#include "model/document.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/format.h"

/* -- writing ------------------------------------------------------------- */

/* Keys of one object: a comma goes before all but the first. */
struct object {
	struct mr_buf *out;
	bool begun;
};

static void put_key(struct object *o, const char *key)
{
	if (o->begun)
		mr_buf_putc(o->out, ',');
	o->begun = true;
	mr_json_quote(o->out, key);
	mr_buf_putc(o->out, ':');
}

static void put_text(struct object *o, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(o, key);
	mr_json_quote(o->out, value);
}

static void put_list(struct object *o, const char *key,
		     const char *const *items, size_t n)
{
	size_t i;

	if (n == 0)
		return;
	put_key(o, key);
	for (i = 0; i < n; i++) {
		mr_buf_putc(o->out, i == 0 ? '[' : ',');
		mr_json_quote(o->out, items[i]);
	}
	mr_buf_putc(o->out, ']');
}

/* What others can fetch: inputs that are data and have a URL. */
static bool is_dataset_url(const struct mr_input *in)
{
	return in->uri && strstr(in->uri, "://") &&
	       (strcmp(in->role, "train") == 0 ||
		strcmp(in->role, "validate") == 0 ||
		strcmp(in->role, "test") == 0);
}

static void put_datasets(struct object *o, const struct mr_meta *meta)
{
	bool begun = false;
	size_t i;

	for (i = 0; i < meta->input_count; i++) {
		if (!is_dataset_url(&meta->inputs[i]))
			continue;
		if (!begun)
			put_key(o, "datasetsURL");
		mr_buf_putc(o->out, begun ? ',' : '[');
		mr_json_quote(o->out, meta->inputs[i].uri);
		begun = true;
	}
	if (begun)
		mr_buf_putc(o->out, ']');
}

static void write_descriptor(const struct mr_meta *meta, const char *name,
			     struct mr_buf *out)
{
	struct object o = { .out = out };

	mr_buf_puts(out, "{\"descriptor\":{");
	put_text(&o, "createdAt",
		 meta->created ? meta->created : MR_CREATED_NEVER);
	put_list(&o, "authors", (const char *const *)meta->authors.items,
		 meta->authors.n);
	put_text(&o, "vendor", meta->vendor);
	put_text(&o, "family", meta->family);
	put_text(&o, "name", name);
	put_text(&o, "version", meta->version_label);
	put_text(&o, "description", meta->description);
	put_text(&o, "docURL", meta->documentation);
	put_text(&o, "sourceURL", meta->source);
	put_datasets(&o, meta);
	put_text(&o, "revision", meta->revision);
	/* One SPDX expression is one element: what it means is not ours to
	 * take apart. */
	put_list(&o, "licenses", &meta->licenses, meta->licenses ? 1 : 0);
	mr_buf_putc(out, '}');
}

/* The format of the largest weight file that has a known one; the first of
 * equals. */
static const char *weight_format(const struct mr_entry *entries, size_t n)
{
	const char *format = NULL;
	const char *candidate;
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (entries[i].role != MR_ROLE_WEIGHT ||
		    (format && entries[i].file->size <= size))
			continue;
		candidate = mr_format_by_name(entries[i].file->path);
		if (!candidate)
			continue;
		format = candidate;
		size = entries[i].file->size;
	}
	return format;
}

void mr_config_write(const struct mr_meta *meta, const char *name,
		     const struct mr_entry *entries, size_t n,
		     struct mr_buf *out)
{
	struct object o = { .out = out };
	char text[MREG_DIGEST_TEXT];
	size_t i;

	write_descriptor(meta, name, out);
	mr_buf_puts(out, ",\"config\":{");
	put_text(&o, "architecture",
		 meta->architecture ? meta->architecture
				    : MR_ARCHITECTURE_UNKNOWN);
	put_text(&o, "format",
		 meta->format ? meta->format : weight_format(entries, n));
	put_text(&o, "paramSize", meta->param_size);
	put_text(&o, "precision", meta->precision);
	put_text(&o, "quantization", meta->quantization);
	mr_buf_puts(out, "},\"modelfs\":{\"type\":\"layers\",\"diffIds\":[");
	for (i = 0; i < n; i++) {
		if (i > 0)
			mr_buf_putc(out, ',');
		mr_json_quote(out,
			      mreg_digest_text(&entries[i].file->digest, text));
	}
	mr_buf_puts(out, "]}}");
}

/* -- reading ------------------------------------------------------------- */

/* A text that is there and says something; NULL else. */
static const char *opt_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : NULL;
}

static int take(struct mr_meta *m, const json_t *object, const char *key,
		const char **to, struct mreg_error *err)
{
	const char *text = opt_text(object, key);

	if (!text || *to)
		return 0;
	return mr_meta_keep(m, text, to, err);
}

static int take_created(struct mr_meta *m, const json_t *descriptor,
			struct mreg_error *err)
{
	const char *created = opt_text(descriptor, "createdAt");
	int64_t unix_s;

	if (!created || m->created ||
	    mr_text_time_parse(created, &unix_s) < 0 || unix_s == 0)
		return 0;
	return mr_meta_keep(m, created, &m->created, err);
}

/* The annotation has them in one text; here they are apart. */
static int take_authors(struct mr_meta *m, const json_t *descriptor,
			struct mreg_error *err)
{
	const json_t *authors = json_object_get(descriptor, "authors");
	const char *author;
	size_t i;
	int rc = 0;

	if (!json_is_array(authors) || json_array_size(authors) == 0)
		return 0;
	mr_list_release(&m->authors);
	for (i = 0; i < json_array_size(authors) && i < MR_ENTRIES_MAX; i++) {
		author = json_string_value(json_array_get(authors, i));
		if (author && author[0])
			rc = mr_list_add(&m->authors, author, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_licenses(struct mr_meta *m, const json_t *descriptor,
			 struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf joined = MR_BUF_INIT(MR_CONFIG_MAX_BYTES);
	const json_t *licenses = json_object_get(descriptor, "licenses");
	const char *license;
	size_t i;

	for (i = 0; i < json_array_size(licenses); i++) {
		license = json_string_value(json_array_get(licenses, i));
		if (!license || !license[0])
			continue;
		if (joined.len > 0)
			mr_buf_puts(&joined, ", ");
		mr_buf_puts(&joined, license);
	}
	if (joined.failed == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (m->licenses || joined.failed || joined.len == 0)
		return 0;
	return mr_meta_keep(m, mr_buf_text(&joined), &m->licenses, err);
}

static int take_descriptor(struct mr_meta *m, const json_t *d,
			   struct mreg_error *err)
{
	int rc;

	rc = take_created(m, d, err);
	if (rc == 0)
		rc = take_authors(m, d, err);
	if (rc == 0)
		rc = take(m, d, "vendor", &m->vendor, err);
	if (rc == 0)
		rc = take(m, d, "family", &m->family, err);
	if (rc == 0)
		rc = take(m, d, "version", &m->version_label, err);
	if (rc == 0)
		rc = take(m, d, "description", &m->description, err);
	if (rc == 0)
		rc = take(m, d, "docURL", &m->documentation, err);
	if (rc == 0)
		rc = take(m, d, "sourceURL", &m->source, err);
	if (rc == 0)
		rc = take(m, d, "revision", &m->revision, err);
	if (rc == 0)
		rc = take_licenses(m, d, err);
	return rc;
}

static int take_config(struct mr_meta *m, const json_t *c,
		       struct mreg_error *err)
{
	const char *architecture = opt_text(c, "architecture");
	int rc = 0;

	if (architecture && strcmp(architecture, MR_ARCHITECTURE_UNKNOWN) != 0)
		rc = take(m, c, "architecture", &m->architecture, err);
	if (rc == 0)
		rc = take(m, c, "format", &m->format, err);
	if (rc == 0)
		rc = take(m, c, "paramSize", &m->param_size, err);
	if (rc == 0)
		rc = take(m, c, "precision", &m->precision, err);
	if (rc == 0)
		rc = take(m, c, "quantization", &m->quantization, err);
	return rc;
}

int mr_meta_read_config(const void *bytes, size_t n, struct mr_meta *out,
			struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc;

	rc = mr_json_parse(bytes, n, MR_MANIFEST_MAX_BYTES, "config", &doc,
			   &ignored);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc < 0)
		return 0; /* another tool's config may be anything */
	/* json_object_get of what is no object is NULL, and so on. */
	rc = take_descriptor(out, json_object_get(doc, "descriptor"), err);
	if (rc == 0)
		rc = take_config(out, json_object_get(doc, "config"), err);
	return rc;
}
