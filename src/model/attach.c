/*
 * attach.c - documents attached to a version: which types there are, and the
 * manifest of one (spec/attachments.md).
 */
#include "model/meta.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define ATTACHED_SCHEMA "1"
/* title, created, schema */
#define OWN_ANNOTATIONS 3
#define TITLE_MAX_BYTES 1024
#define TITLE_MAX_TEXT "1024"

/* -- types --------------------------------------------------------------- */

/*
 * The table of spec/attachments.md.  Of several rows of one kind the first
 * whose `ending` (NULL: any) the file has is written; all are read.  A kind
 * that others' tools write has `foreign` set: it is read only.
 */
static const struct type {
	const char *kind;
	const char *type;
	const char *ending;
	bool foreign;
} types[] = {
	{ "evaluation", MR_EVALUATION_TYPE, NULL, false },
	{ "model-card", "application/vnd.mreg.model-card.v1", NULL, false },
	{ "datasheet", "application/vnd.mreg.datasheet.v1", NULL, false },
	{ "bias-report", "application/vnd.mreg.bias-report.v1", NULL, false },
	{ "explainability-report",
	  "application/vnd.mreg.explainability-report.v1", NULL, false },
	{ "risk-assessment", "application/vnd.mreg.risk-assessment.v1", NULL,
	  false },
	{ "security-report", "application/vnd.mreg.security-report.v1", NULL,
	  false },
	{ "test-report", "application/vnd.mreg.test-report.v1", NULL, false },
	{ "conformity-assessment",
	  "application/vnd.mreg.conformity-assessment.v1", NULL, false },
	{ "sbom", "application/vnd.cyclonedx+json", ".cdx.json", false },
	{ "sbom", "application/vnd.cyclonedx+json", "bom.json", false },
	{ "sbom", "application/spdx+json", ".spdx.json", false },
	{ "sbom", "application/vnd.mreg.sbom.v1", NULL, false },
	{ "signature", "application/vnd.dev.cosign.artifact.sig.v1+json", NULL,
	  true },
	{ "signature", "application/vnd.dev.sigstore.bundle.v0.3+json", NULL,
	  true },
	{ "signature", "application/vnd.cncf.notary.signature", NULL, true },
	{ "attestation", "application/vnd.in-toto+json", NULL, false },
};

static int fail_type(const char *word, struct mreg_error *err)
{
	const char *kinds[MR_COUNT(types) + 1] = { NULL };
	char shown[MR_SHOWN_BYTES];
	const char *near;
	size_t n = 0;
	size_t i;

	for (i = 0; i < MR_COUNT(types); i++)
		if (!types[i].foreign)
			kinds[n++] = types[i].kind;
	near = mr_text_nearest(word, kinds);
	(void)mr_fail(err, MREG_EUSAGE, "unknown type '%s' of a document",
		      mr_text_safe(word, shown, sizeof(shown)));
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	return mr_hint(err, "one of evaluation, model-card, bias-report, "
			    "risk-assessment, sbom, ..., or a media type");
}

int mr_attach_type(const char *word, const char *file, const char **out,
		   struct mreg_error *err)
{
	size_t i;

	if (strchr(word, '/')) {
		if (!mr_media_type_valid(word))
			return fail_type(word, err);
		*out = word;
		return 0;
	}
	for (i = 0; i < MR_COUNT(types); i++) {
		if (strcmp(types[i].kind, word) != 0 ||
		    (types[i].ending &&
		     !(file && mr_text_ends(file, types[i].ending))))
			continue;
		if (types[i].foreign) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "a document of type '%s' is made by its "
				      "own tool",
				      word);
			return mr_hint(err, "give its media type to attach "
					    "one that is there already");
		}
		*out = types[i].type;
		return 0;
	}
	return fail_type(word, err);
}

const char *mr_attach_kind(const char *type)
{
	size_t i;

	for (i = 0; i < MR_COUNT(types); i++)
		if (strcasecmp(types[i].type, type) == 0)
			return types[i].kind;
	return NULL;
}

bool mr_attach_is(const char *type, const char *word)
{
	const char *kind = mr_attach_kind(type);

	return strcasecmp(type, word) == 0 || (kind && strcmp(kind, word) == 0);
}

const char *mr_attach_media(const char *file)
{
	static const struct mreg_pair endings[] = {
		{ ".cdx.json", "application/vnd.cyclonedx+json" },
		{ ".spdx.json", "application/spdx+json" },
		{ ".intoto.jsonl", "application/vnd.in-toto+json" },
		{ ".sarif", "application/sarif+json" },
		{ ".json", "application/json" },
		{ ".jsonl", "application/jsonl" },
		{ ".md", "text/markdown" },
		{ ".html", "text/html" },
		{ ".htm", "text/html" },
		{ ".pdf", "application/pdf" },
		{ ".txt", "text/plain" },
		{ ".csv", "text/csv" },
		{ ".yaml", "application/yaml" },
		{ ".yml", "application/yaml" },
		{ ".xml", "application/xml" },
		{ ".png", "image/png" },
		{ ".svg", "image/svg+xml" },
		{ ".zip", "application/zip" },
		{ ".parquet", "application/vnd.apache.parquet" },
		{ ".ipynb", "application/x-ipynb+json" },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(endings); i++)
		if (mr_text_ends(file, endings[i].name))
			return endings[i].value;
	return MR_MEDIA_OCTETS;
}

/* -- the manifest -------------------------------------------------------- */

void mr_attach_doc_release(struct mr_attach_doc *d)
{
	mr_buf_release(&d->bytes);
}

static int put_manifest(const struct mr_attach_draft *d,
			struct mr_descriptor *layers, struct mreg_pair *titles,
			struct mreg_pair *annotations, struct mr_buf *out,
			struct mreg_error *err)
{
	struct mr_descriptor subject = {
		.desc = d->subject->desc,
		.artifact_type = d->subject->artifact_type,
	};
	struct mr_manifest_draft draft = {
		.artifact_type = d->type,
		.config = { .desc = mr_empty_desc, .data = "e30=" },
		.layers = layers,
		.layer_count = d->layer_count,
		.subject = &subject,
		.annotations = { annotations, 0 },
	};
	size_t n = 0;
	size_t i;

	for (i = 0; i < d->layer_count; i++) {
		layers[i].desc = d->layers[i].desc;
		titles[i] = (struct mreg_pair){ MR_ANNOTATION_TITLE,
						d->layers[i].title };
		layers[i].annotations =
			(struct mr_annotations){ &titles[i], 1 };
	}
	annotations[n++] =
		(struct mreg_pair){ MR_ANNOTATION_SCHEMA, ATTACHED_SCHEMA };
	if (d->title)
		annotations[n++] =
			(struct mreg_pair){ MR_ANNOTATION_TITLE, d->title };
	if (d->created)
		annotations[n++] = (struct mreg_pair){ MR_OCI_PREFIX "created",
						       d->created };
	for (i = 0; i < d->annotations.n; i++)
		annotations[n++] = d->annotations.items[i];
	draft.annotations.n = n;
	return mr_manifest_write(&draft, out, err);
}

int mr_attach_write(const struct mr_attach_draft *d, struct mr_attach_doc *out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_descriptor *layers = NULL;
	MR_AUTO(mr_free) struct mreg_pair *titles = NULL;
	MR_AUTO(mr_free) struct mreg_pair *annotations = NULL;
	char hex[129];
	int rc = 0;

	if (d->title)
		rc = mr_check_text("title", d->title, TITLE_MAX_BYTES, false,
				   err);
	if (rc < 0)
		return mr_hint(err, "a title is one line of plain text, at "
				    "most " TITLE_MAX_TEXT " bytes");

	layers = mr_array(d->layer_count, sizeof(*layers));
	titles = mr_array(d->layer_count, sizeof(*titles));
	annotations = mr_array(d->annotations.n + OWN_ANNOTATIONS,
			       sizeof(*annotations));
	if (!layers || !titles || !annotations)
		return mr_fail_nomem(err);
	mr_buf_release(&out->bytes);
	mr_buf_init(&out->bytes, MR_MANIFEST_MAX_BYTES);
	rc = put_manifest(d, layers, titles, annotations, &out->bytes, err);
	if (rc < 0)
		return rc;
	out->desc = (struct mreg_desc){ .media_type = MR_MEDIA_MANIFEST,
					.size = out->bytes.len };
	rc = mr_digest_of(out->bytes.data, out->bytes.len, &out->desc.digest,
			  err);
	if (rc >= 0)
		(void)snprintf(out->tag, sizeof(out->tag),
			       MR_ATTACHED_TAG_PREFIX "%.32s",
			       mr_digest_hex(&out->desc.digest, hex));
	return rc;
}
