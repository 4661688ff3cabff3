/*
 * test_attach.c - types of attached documents, and the bytes of their
 * manifests.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

static const char subject_bytes[] =
	"{\"schemaVersion\":2,\"mediaType\":"
	"\"application/vnd.oci.image.manifest.v1+json\",\"artifactType\":"
	"\"application/vnd.cncf.model.manifest.v1+json\",\"config\":"
	"{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":"
	"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caa"
	"ff8a\",\"size\":2},\"layers\":[]}";

static struct mr_manifest *subject(void)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;

	assert_ok(mr_manifest_parse(subject_bytes, strlen(subject_bytes), NULL,
				    &m, &err),
		  err);
	return m;
}

static const char *type_of(const char *word, const char *file)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const char *type = NULL;

	assert_ok(mr_attach_type(word, file, &type, &err), err);
	return type;
}

static void knows_short_names(void **state)
{
	(void)state;
	assert_string_equal(type_of("model-card", "README.md"),
			    "application/vnd.mreg.model-card.v1");
	assert_string_equal(type_of("evaluation", NULL), MR_EVALUATION_TYPE);
	assert_string_equal(type_of("text/plain", "x"), "text/plain");
	assert_string_equal(type_of("application/vnd.acme.x+json", "x"),
			    "application/vnd.acme.x+json");
}

static void lets_the_file_tell_which_bill_of_materials(void **state)
{
	(void)state;
	assert_string_equal(type_of("sbom", "m.cdx.json"),
			    "application/vnd.cyclonedx+json");
	assert_string_equal(type_of("sbom", "m.spdx.json"),
			    "application/spdx+json");
	assert_string_equal(type_of("sbom", "m.txt"),
			    "application/vnd.mreg.sbom.v1");
	assert_true(mr_attach_is("application/spdx+json", "sbom"));
	assert_true(mr_attach_is("application/vnd.mreg.sbom.v1", "sbom"));
	assert_true(mr_attach_is("text/plain", "text/plain"));
	assert_false(mr_attach_is("text/plain", "sbom"));
	assert_string_equal(mr_attach_kind("application/spdx+json"), "sbom");
	assert_null(mr_attach_kind("text/plain"));
}

static void refuses_types_it_does_not_know(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const char *type = NULL;

	(void)state;
	assert_code(MREG_EUSAGE, mr_attach_type("modelcard", "x", &type, &err),
		    err);
	assert_has(err.msg, "unknown type 'modelcard' of a document");
	assert_string_equal(err.hint, "did you mean 'model-card'?");
	assert_code(MREG_EUSAGE, mr_attach_type("zzz", "x", &type, &err), err);
	assert_has(err.hint, "or a media type");
	assert_code(MREG_EUSAGE, mr_attach_type("text/", "x", &type, &err),
		    err);
	assert_code(MREG_EUSAGE, mr_attach_type("signature", "x", &type, &err),
		    err);
	assert_has(err.msg, "made by its own tool");
	assert_null(type);
}

static void tells_media_types_by_ending(void **state)
{
	(void)state;
	assert_string_equal(mr_attach_media("a.cdx.json"),
			    "application/vnd.cyclonedx+json");
	assert_string_equal(mr_attach_media("a.json"), "application/json");
	assert_string_equal(mr_attach_media("README.md"), "text/markdown");
	assert_string_equal(mr_attach_media("a.PDF"),
			    "application/octet-stream");
	assert_string_equal(mr_attach_media("a"), "application/octet-stream");
}

static void writes(const struct mr_attach_draft *d, struct mr_attach_doc *out)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_attach_write(d, out, &err), err);
}

static void writes_the_sample(void **state)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_attach_doc_release) struct mr_attach_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_pair notes[] = {
		{ MR_EVALUATION_SUITE, "holdout" },
		{ MR_EVALUATION_PASSED, "true" },
		{ MR_EVALUATION_DATASET, "churn-holdout" },
		{ MR_EVALUATION_DATASET_DIGEST,
		  "sha256:0b7eff27cd44f15bbd2d32cf87c9ab8f"
		  "9f97654c6552c7a40947c52aade9c81b" },
		{ "org.mreg.metric.auc", "0.930" },
		{ "org.mreg.metric.loss", "1e-3" },
	};
	size_t size;
	size_t n;
	char *body = test_read("spec/samples", "evaluation.json", &n);
	char *want = test_read("spec/samples", "attached-manifest.json", NULL);
	char *version = test_read("spec/samples", "model-manifest.json", &size);
	struct mr_attach_layer layer = {
		.desc = { .media_type = MR_EVALUATION_TYPE, .size = n },
		.title = "evaluation.json",
	};
	struct mr_attach_draft draft = {
		.type = MR_EVALUATION_TYPE,
		.layers = &layer,
		.layer_count = 1,
		.title = "holdout",
		.created = "2026-01-31T12:00:00Z",
		.annotations = { notes, MR_COUNT(notes) },
	};

	(void)state;
	assert_ok(mr_manifest_parse(version, size, MR_MEDIA_MANIFEST, &m, &err),
		  err);
	draft.subject = m;
	assert_ok(mr_digest_of(body, n, &layer.desc.digest, &err), err);
	writes(&draft, &doc);
	assert_string_equal(mr_buf_text(&doc.bytes), want);
	free(body);
	free(want);
	free(version);
}

static void names_its_subject_and_files(void **state)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = subject();
	MR_AUTO(mr_manifest_freep) struct mr_manifest *back = NULL;
	MR_AUTO(mr_attach_doc_release) struct mr_attach_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_attach_layer layers[] = {
		{ { .media_type = "text/plain", .size = 1 }, "a b.txt" },
		{ { .media_type = "image/png", .size = 2 }, "c.png" },
	};
	const struct mr_attach_draft draft = { .type = "text/plain",
					       .subject = m,
					       .layers = layers,
					       .layer_count = 2 };
	char hex[129];

	(void)state;
	layers[0].desc.digest = m->desc.digest;
	layers[1].desc.digest = m->desc.digest;
	writes(&draft, &doc);
	assert_ok(mr_manifest_parse(doc.bytes.data, doc.bytes.len,
				    MR_MEDIA_MANIFEST, &back, &err),
		  err);
	assert_true(mreg_digest_equal(&back->desc.digest, &doc.desc.digest));
	assert_string_equal(back->artifact_type, "text/plain");
	assert_true(back->has_subject);
	assert_true(
		mreg_digest_equal(&back->subject.desc.digest, &m->desc.digest));
	assert_int_equal(back->subject.desc.size, m->desc.size);
	assert_int_equal(back->layer_count, 2);
	assert_string_equal(mr_annotation(&back->layers[0].annotations,
					  MR_ANNOTATION_TITLE),
			    "a b.txt");
	/* Nothing of when, where or by whom. */
	assert_int_equal(back->annotations.n, 1);
	assert_string_equal(back->annotations.items[0].name, "org.mreg.schema");
	assert_memory_equal(doc.tag, "mreg.att.", 9);
	assert_memory_equal(doc.tag + 9, mr_digest_hex(&doc.desc.digest, hex),
			    32);
	assert_int_equal(strlen(doc.tag), 41);
}

static void refuses_a_title_that_breaks_readers(void **state)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = subject();
	MR_AUTO(mr_attach_doc_release) struct mr_attach_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_attach_layer layer = { .title = "a" };
	const struct mr_attach_draft draft = { .type = "text/plain",
					       .subject = m,
					       .layers = &layer,
					       .layer_count = 1,
					       .title = "a\x1b[2J" };

	(void)state;
	assert_code(MREG_EUSAGE, mr_attach_write(&draft, &doc, &err), err);
	assert_has(err.msg, "'title' has the control character U+001B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_short_names),
		cmocka_unit_test(lets_the_file_tell_which_bill_of_materials),
		cmocka_unit_test(refuses_types_it_does_not_know),
		cmocka_unit_test(tells_media_types_by_ending),
		cmocka_unit_test(writes_the_sample),
		cmocka_unit_test(names_its_subject_and_files),
		cmocka_unit_test(refuses_a_title_that_breaks_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
