/*
 * push_meta.c - metadata from environment, file and flags, in this order: a
 * later one wins, lists and maps add up; then parents and inputs to digests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "look/look.h"
#include "ops/push.h"

/* Fields a training job sets once for all its pushes. */
static const struct mreg_pair environment[] = {
	{ "MREG_LICENSE", "license" },   { "MREG_DESCRIPTION", "description" },
	{ "MREG_REVISION", "revision" }, { "MREG_SOURCE", "source" },
	{ "MREG_RUN_ID", "runId" },      { "MREG_RUN_URL", "runUrl" },
	{ "MREG_BECAUSE", "because" },   { "MREG_ENVIRONMENT", "environment" },
};

static int take_file(struct mr_meta *meta, const char *path,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	int rc = mr_given_load(path, "metadata file", &b, err);

	if (rc < 0)
		return rc;
	rc = mr_meta_load(meta, mr_buf_text(&b), b.len, path, err);
	/* Most likely by who is asking. */
	if (rc == MREG_EFORMAT && err && !err->hint[0])
		return mr_hint(err, "mend the file; spec/metadata.md tells how "
				    "it is written");
	return rc;
}

/* The last to say why decides; what that is has to be looked up. */
static int take_field(struct push *p, const char *key, const char *value,
		      struct mreg_error *err)
{
	if (strcmp(key, "because") != 0)
		return mr_meta_set(p->meta, key, value, err);
	p->because = value;
	return 0;
}

static int take_environment(struct push *p, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < MR_COUNT(environment); i++) {
		const char *value = getenv(environment[i].name);

		if (value && value[0])
			rc = take_field(p, environment[i].value, value, err);
		if (rc < 0)
			return mr_wrap(err, "cannot use %s",
				       environment[i].name);
	}
	return 0;
}

int mr_meta_epoch(struct mr_meta *meta, struct mreg_error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds;
	char text[32];

	if (!epoch || !epoch[0] || meta->created)
		return 0;
	/* Until the end of the year 9999. */
	if (mr_text_u64(epoch, 253402300799, &seconds) < 0)
		return mr_fail(err, MREG_EUSAGE,
			       "SOURCE_DATE_EPOCH is no time: '%.40s'", epoch);
	return mr_meta_set(meta, "created",
			   mr_text_time((int64_t)seconds, text), err);
}

/* What holds for all of somebody's pushes, where nothing else was said. */
static int take_defaults(struct push *p, struct mreg_error *err)
{
	/* Not a setting: a settings file is no part of a version. */
	const char *author = getenv("MREG_AUTHOR");
	int rc = 0;

	if (p->release && !p->meta->version_label)
		rc = mr_meta_set(p->meta, "versionLabel", p->release, err);
	if (rc >= 0 && author && author[0] && !p->meta->authors.n)
		rc = mr_meta_add(p->meta, "authors", author, err);
	return rc < 0 ? rc : mr_meta_epoch(p->meta, err);
}

static int take_map(struct mr_meta *meta, const char *map,
		    const struct mreg_texts *t, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < t->n; i++)
		rc = mr_meta_add(meta, map, t->items[i], err);
	return rc;
}

static int take_flags(struct push *p, struct mreg_error *err)
{
	const struct mreg_push_opts *o = p->o;
	struct mr_meta *meta = p->meta;
	size_t i;
	int rc = 0;

	if (o->kind)
		rc = mr_meta_set(meta, "kind", o->kind, err);
	for (i = 0; rc >= 0 && i < o->field_count; i++)
		rc = take_field(p, o->fields[i].name, o->fields[i].value, err);
	if (rc >= 0)
		rc = take_map(meta, "metrics", &o->metrics, err);
	if (rc >= 0)
		rc = take_map(meta, "params", &o->params, err);
	if (rc >= 0)
		rc = take_map(meta, "tags", &o->tags, err);
	if (rc >= 0)
		rc = take_map(meta, "annotations", &o->annotations, err);
	for (i = 0; rc >= 0 && i < o->authors.n; i++)
		rc = mr_meta_add(meta, "authors", o->authors.items[i], err);
	for (i = 0; rc >= 0 && i < o->parents.n; i++)
		rc = mr_meta_add_parent(meta, o->parents.items[i], err);
	for (i = 0; rc >= 0 && i < o->inputs.n; i++)
		rc = mr_meta_add_input(meta, o->inputs.items[i], err);
	return rc;
}

/*
 * The digest behind a reference, and how the document writes it; `tag` stays
 * as given, "latest" when there was none.
 */
static int pin(struct mreg *m, const char *what, const char *text,
	       char ref_text[MREG_REF_TEXT], char digest[MREG_DIGEST_TEXT],
	       struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_desc d;
	struct mreg_ref ref;
	int rc = mr_target(m, text, &ref, &s, err);

	if (rc >= 0)
		rc = mr_target_resolve(s, &ref, &d, err);
	if (rc < 0)
		return mr_wrap(err, "cannot resolve %s '%s'", what, text);
	if (!ref.tag[0])
		(void)snprintf(ref.tag, sizeof(ref.tag), "latest");
	(void)mr_ref_portable(&ref, ref_text);
	(void)mreg_digest_text(&d.digest, digest);
	return 0;
}

/* A reference that came with its digest: asked of nobody, but written as any
 * other, for a folder or a prefix of the pusher's is no part of a version. */
static int spell(struct mreg *m, const char *what, const char *text,
		 char ref_text[MREG_REF_TEXT], struct mreg_error *err)
{
	struct mreg_ref ref;
	int rc = mr_target_parse(m, text, &ref, err);

	if (rc < 0)
		return mr_wrap(err, "cannot use %s '%s'", what, text);
	(void)mr_ref_portable(&ref, ref_text);
	return 0;
}

static int pin_all(struct push *p, struct mreg_error *err)
{
	struct mr_meta *meta = p->meta;
	char ref[MREG_REF_TEXT];
	char digest[MREG_DIGEST_TEXT];
	size_t i;
	int rc;

	for (i = 0; i < meta->parent_count; i++) {
		const struct mr_parent *parent = &meta->parents[i];

		if (mr_meta_is_outside(parent->ref))
			continue;
		if (parent->digest)
			rc = spell(p->m, "parent", parent->ref, ref, err);
		else
			rc = pin(p->m, "parent", parent->ref, ref, digest, err);
		if (rc >= 0)
			rc = mr_meta_parent_digest(
				meta, i, ref,
				parent->digest ? parent->digest : digest, err);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < meta->input_count; i++) {
		const struct mr_input *in = &meta->inputs[i];

		if (!in->uri || mr_meta_is_outside(in->uri))
			continue;
		if (in->digest)
			rc = spell(p->m, "input", in->uri, ref, err);
		else
			rc = pin(p->m, "input", in->uri, ref, digest, err);
		if (rc >= 0)
			rc = mr_meta_input_digest(
				meta, i, ref, in->digest ? in->digest : digest,
				err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mr_push_meta(struct push *p, struct mreg_error *err)
{
	int rc = mr_meta_new(&p->meta, err);

	if (rc >= 0)
		rc = take_environment(p, err);
	if (rc >= 0 && p->o->metadata)
		rc = take_file(p->meta, p->o->metadata, err);
	if (rc >= 0 && p->meta->because)
		p->because = p->meta->because;
	if (rc >= 0)
		rc = take_flags(p, err);
	if (rc >= 0)
		rc = take_defaults(p, err);
	if (rc >= 0 && p->because)
		rc = mr_push_because(p, p->because, err);
	return rc < 0 ? rc : pin_all(p, err);
}
