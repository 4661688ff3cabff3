/*
 * look.c - opening one version to read it: manifest, files, metadata, names.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/facts.h"

/* ModelPack's former name of the config; modctl 0.2 writes it. */
#define CONFIG_OLD "application/vnd.cnai.model.config.v1+json"

void mr_look_release(struct mr_look *l)
{
	mr_buf_release(&l->config);
	mr_meta_freep(&l->meta);
	mr_release(l->files);
	l->files = NULL;
	mr_manifest_freep(&l->manifest);
	mr_recall_release(&l->recall);
	mr_store_closep(&l->s);
}

static void begin(struct mreg *m, struct mr_look *l)
{
	memset(l, 0, sizeof(*l));
	mr_buf_init(&l->config, MR_MANIFEST_MAX_BYTES);
	l->m = m;
}

int mr_look_open(struct mreg *m, const char *text, struct mr_look *l,
		 struct mreg_error *err)
{
	int rc;

	begin(m, l);
	rc = mr_target(m, text, &l->ref, &l->s, err);
	return rc < 0 ? rc
		      : mr_target_manifest(m, l->s, &l->ref, &l->manifest, err);
}

static int find_recalled(struct mreg *m, struct mr_look *l,
			 struct mreg_error *err)
{
	struct mreg_desc d;
	int rc = mr_target_resolve(l->s, &l->ref, &d, err);

	return rc < 0 ? rc
		      : mr_manifest_fetch(m, l->s, &d.digest, &l->manifest,
					  err);
}

int mr_look_recall(struct mreg *m, const char *text, struct mr_look *l,
		   struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	begin(m, l);
	rc = mr_target(m, text, &l->ref, &l->s, err);
	if (rc >= 0)
		rc = mr_recall(m, &l->ref, &l->s, &l->recall, err);
	if (rc < 0)
		return rc;
	if (!l->recall.synced_s)
		return mr_target_manifest(m, l->s, &l->ref, &l->manifest, err);
	rc = find_recalled(m, l, &why);
	if (mr_recall_again(m, &l->recall, rc)) {
		mr_look_release(l);
		return mr_look_open(m, text, l, err);
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int mr_look_open_ref(struct mreg *m, const struct mreg_ref *ref,
		     struct mr_look *l, struct mreg_error *err)
{
	int rc;

	begin(m, l);
	l->ref = *ref;
	rc = mr_target_open(m, ref, &l->s, err);
	return rc < 0 ? rc
		      : mr_manifest_fetch(m, l->s, &ref->digest, &l->manifest,
					  err);
}

int mr_look_child(struct mr_look *l, const struct mreg_digest *child,
		  struct mreg_error *err)
{
	struct mr_manifest *next = NULL;
	int rc = mr_manifest_fetch(l->m, l->s, child, &next, err);

	if (rc < 0)
		return rc;
	mr_manifest_free(l->manifest);
	l->manifest = next;
	return 0;
}

int mr_look_config(struct mr_look *l, struct mreg_error *err)
{
	const struct mreg_desc *d = &l->manifest->config.desc;
	int rc;

	if (l->manifest->is_index || l->config.len)
		return 0;
	rc = mr_store_load(l->s, d, &l->config, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read the config of '%s'",
			       l->s->label);
	return 0;
}

static int fail_index(const struct mr_look *l, struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	(void)mr_target_pinned(l->m, &l->ref, &l->manifest->desc.digest, name);
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "'%s' is an index of %zu manifests", name,
		      l->manifest->child_count);
	return mr_hint(err, "name one of them by its digest: 'mreg inspect' "
			    "of it lists them");
}

int mr_look_files(struct mr_look *l, struct mreg_error *err)
{
	const struct mr_manifest *m = l->manifest;
	int rc;

	if (m->is_index)
		return fail_index(l, err);
	if (!mr_model_wants_config(m))
		return mr_model_layers(m, &l->files, &l->count, err);
	rc = mr_look_config(l, err);
	if (rc < 0)
		return rc;
	return mr_model_layers_named(m, mr_buf_text(&l->config), l->config.len,
				     &l->files, &l->count, err);
}

static bool is_model_config(const char *media_type)
{
	return strcmp(media_type, MR_MODEL_CONFIG) == 0 ||
	       strcmp(media_type, CONFIG_OLD) == 0;
}

int mr_look_meta(struct mr_look *l, struct mreg_error *err)
{
	int rc = mr_meta_new(&l->meta, err);

	if (rc >= 0)
		rc = mr_meta_read(l->manifest, l->meta, err);
	if (rc < 0 || l->manifest->is_index ||
	    !is_model_config(l->manifest->config.desc.media_type))
		return rc;
	rc = mr_look_config(l, err);
	if (rc < 0)
		return rc;
	return mr_meta_read_config(mr_buf_text(&l->config), l->config.len,
				   l->meta, err);
}

void mr_look_identity(const struct mr_look *l, struct mr_arena *a,
		      struct mr_identity *out)
{
	const struct mreg_digest *d = &l->manifest->desc.digest;
	char buf[MREG_REF_TEXT];

	memset(out, 0, sizeof(*out));
	out->name = mr_arena_strdup(a, mr_target_name(l->m, &l->ref, buf));
	out->reference =
		mr_arena_strdup(a, mr_target_pinned(l->m, &l->ref, d, buf));
	if (!mr_digest_known(&l->ref.digest))
		out->tag = mr_arena_strdup(a, l->ref.tag[0] ? l->ref.tag
							    : "latest");
	out->number = mr_tag_number(l->ref.tag);
	if (!out->number)
		out->number = mr_number_recall(l->m, l->s, d);
}

/* -- fields */

#define FIELDS_MAX 24

struct fields {
	struct mreg_pair items[FIELDS_MAX];
	size_t n;
};

static void add(struct fields *f, const char *name, const char *value)
{
	if (!value || !value[0] || f->n == FIELDS_MAX)
		return;
	f->items[f->n].name = name;
	f->items[f->n++].value = value;
}

void mr_look_fields(const struct mr_meta *m, struct mr_arena *a,
		    const struct mreg_pair **out, size_t *count)
{
	struct fields f = { .n = 0 };

	add(&f, "kind", m->kind);
	add(&f, "description", m->description);
	add(&f, "license", m->licenses);
	add(&f, "authors",
	    mr_arena_join(a, (const char *const *)m->authors.items,
			  m->authors.n, ", "));
	add(&f, "vendor", m->vendor);
	add(&f, "versionLabel", m->version_label);
	add(&f, "created", m->created);
	add(&f, "architecture", m->architecture);
	add(&f, "family", m->family);
	add(&f, "format", m->format);
	add(&f, "paramSize", m->param_size);
	add(&f, "parameters", m->parameters);
	add(&f, "precision", m->precision);
	add(&f, "quantization", m->quantization);
	add(&f, "source", m->source);
	add(&f, "revision", m->revision);
	add(&f, "url", m->url);
	add(&f, "documentation", m->documentation);
	add(&f, "runId", m->run_id);
	add(&f, "runUrl", m->run_url);
	add(&f, "because", m->because);
	add(&f, "environment", m->environment);
	add(&f, "signature", m->signature);
	*out = mr_result_pairs(a, f.items, f.n);
	*count = f.n;
}
