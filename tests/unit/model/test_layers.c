/*
 * test_layers.c - the files of manifests that others have written (peers.md
 * 6.5), and of manifests that nobody should have.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"

#define HEX "000000000000000000000000000000000000000000000000000000000000000"
#define CONFIG                                                                 \
	"\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","     \
	"\"digest\":\"sha256:" HEX "c\",\"size\":2}"

struct layers {
	struct mr_manifest *m;
	struct mr_model_layer *items;
	size_t n;
};

static void layers_release(struct layers *l)
{
	mr_release(l->items);
	mr_manifest_free(l->m);
}

/* A layer to be: its annotations as JSON members with ' for ". */
struct given {
	const char *type, *annotations;
};

static struct mr_manifest *parsed(const char *head, const struct given *given,
				  size_t n)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(8192);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;
	const char *c;
	size_t i;

	mr_buf_printf(&b,
		      "{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_MANIFEST
		      "\",%s" CONFIG ",\"layers\":[",
		      head);
	for (i = 0; i < n; i++) {
		mr_buf_printf(&b,
			      "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:" HEX
			      "1\",\"size\":7,\"annotations\":{",
			      i > 0 ? "," : "", given[i].type);
		for (c = given[i].annotations; *c; c++)
			mr_buf_putc(&b, *c == '\'' ? '"' : *c);
		mr_buf_puts(&b, "}}");
	}
	mr_buf_puts(&b, "]}");
	assert_ok(mr_manifest_parse(b.data, b.len, NULL, &m, &err), err);
	return m;
}

static void reads(struct layers *l, const struct given *given, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;

	l->m = parsed("", given, n);
	assert_ok(mr_model_layers(l->m, &l->items, &l->n, &err), err);
}

static struct mreg_error refused(int code, const char *head,
				 const struct given *given, size_t n)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_model_layer *items;
	size_t count;

	m = parsed(head, given, n);
	assert_code(code, mr_model_layers(m, &items, &count, &err), err);
	return err;
}

#define CODE "application/vnd.cnai.model.code.v1.raw"
#define DOC "application/vnd.cncf.model.doc.v1.raw"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

static void reads_what_mreg_wrote(void **state)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_free) struct mr_model_layer *items = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char *bytes;
	size_t len;
	size_t n;

	(void)state;
	bytes = test_read("tests/golden/toy", "manifest.json", &len);
	assert_ok(mr_manifest_parse(bytes, len, NULL, &m, &err), err);
	free(bytes);
	assert_ok(mr_model_layers(m, &items, &n, &err), err);
	assert_int_equal(n, 3);
	assert_string_equal(items[0].path, "model.safetensors");
	assert_string_equal(items[0].role, "weight");
	assert_int_equal(items[0].desc.size, 104);
	assert_string_equal(items[1].role, "weight.config");
	assert_string_equal(items[2].path, "README.md");
	assert_string_equal(items[2].role, "doc");
	assert_false(items[0].executable);
	assert_false(items[0].archive);
}

static void reads_the_names_modctl_writes(void **state)
{
	static const struct given given[] = {
		{ CODE,
		  "'org.cnai.model.filepath':'d/run.sh',"
		  "'org.cnai.model.file.metadata+json':'{\\'name\\':\\'run.sh\\',\\'mode\\':493}'" },
		{ "application/vnd.cnai.model.weight.v1.tar",
		  "'org.cnai.model.filepath':'m.bin'" },
		{ "application/vnd.cncf.model.weight.v1.gguf",
		  "'org.cncf.model.file.metadata+json':'{\\'name\\':\\'m.gguf\\',\\'mode\\':420}'" },
	};
	MR_AUTO(layers_release) struct layers l = { 0 };

	(void)state;
	reads(&l, given, 3);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[0].path, "d/run.sh");
	assert_string_equal(l.items[0].role, "code");
	assert_true(l.items[0].executable);
	assert_true(l.items[1].archive);
	assert_string_equal(l.items[2].path, "m.gguf");
	assert_string_equal(l.items[2].role, "weight");
	assert_false(l.items[2].executable);
}

static void prefers_the_file_path(void **state)
{
	static const struct given given[] = {
		{ DOC, "'org.opencontainers.image.title':'title',"
		       "'org.cncf.model.filepath':'path'" },
		{ DOC, "'org.opencontainers.image.title':'title',"
		       "'org.cncf.model.filepath':''" },
	};
	MR_AUTO(layers_release) struct layers l = { 0 };

	(void)state;
	reads(&l, given, 2);
	assert_string_equal(l.items[0].path, "path");
	assert_string_equal(l.items[1].path, "title");
}

static void reads_files_that_oras_pushed(void **state)
{
	static const struct given given[] = {
		{ OCI_LAYER, "'org.opencontainers.image.title':'a.bin'" },
		{ OCI_LAYER "+gzip", "'org.opencontainers.image.title':'dir',"
				     "'io.deis.oras.content.unpack':'true'" },
		{ MR_MEDIA_OCTETS, "'org.opencontainers.image.title':'b'" },
		{ MR_MEDIA_EMPTY, "" },
	};
	MR_AUTO(layers_release) struct layers l = { 0 };

	(void)state;
	reads(&l, given, 4);
	assert_int_equal(l.n, 3);
	assert_false(l.items[0].archive);
	assert_true(l.items[1].archive);
	assert_string_equal(l.items[2].role, "");
}

static void tells_archives_by_their_type(void **state)
{
	static const struct {
		const char *type;
		bool archive;
	} types[] = {
		{ "application/vnd.cncf.model.weight.v1.raw", false },
		{ "application/vnd.cncf.model.weight.v1.tar", true },
		{ "application/vnd.cncf.model.weight.config.v1.tar+gzip",
		  true },
		{ "application/vnd.cncf.model.dataset.v1.tar+zstd", true },
		/* Of others a name is a file's, whatever type it was given. */
		{ "application/vnd.docker.ai.dir.tar", false },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", false },
		{ "application/vnd.acme.data.v1.tar+gzip", false },
		{ "application/vnd.acme.target.v1", false },
		{ "application/vnd.acme.tarball", false },
	};
	struct given given = { NULL, "'org.opencontainers.image.title':'a'" };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(types); i++) {
		MR_AUTO(layers_release) struct layers l = { 0 };

		given.type = types[i].type;
		reads(&l, &given, 1);
		if (l.items[0].archive != types[i].archive)
			fail_msg("%s", types[i].type);
	}
}

static void passes_over_file_metadata_it_cannot_read(void **state)
{
	static const char *const metadata[] = {
		"",
		"no json",
		"[]",
		"\\'x\\'",
		"{\\'mode\\':\\'x\\'}",
		"{\\'mode\\':-1}",
		"{\\'mode\\':493.0}",
		"{\\'name\\':7}",
		"{\\'mode\\':493,\\'mode\\':493}",
	};
	struct given given = { DOC, NULL };
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(metadata); i++) {
		MR_AUTO(layers_release) struct layers l = { 0 };

		snprintf(text, sizeof(text),
			 "'org.cncf.model.filepath':'a',"
			 "'org.cncf.model.file.metadata+json':'%s'",
			 metadata[i]);
		given.annotations = text;
		reads(&l, &given, 1);
		assert_string_equal(l.items[0].path, "a");
		assert_false(l.items[0].executable);
	}
}

/* Whether a path is safe is asked where it is written (pack). */
static void hands_on_paths_unchecked(void **state)
{
	static const struct given given = {
		MR_MEDIA_OCTETS, "'org.opencontainers.image.title':'../../x'"
	};
	MR_AUTO(layers_release) struct layers l = { 0 };

	(void)state;
	reads(&l, &given, 1);
	assert_string_equal(l.items[0].path, "../../x");
}

static void names_the_layer_without_a_path(void **state)
{
	static const struct given some[] = {
		{ MR_MEDIA_OCTETS, "'org.opencontainers.image.title':'a'" },
		{ MR_MEDIA_OCTETS, "" },
	};
	/* ModelPack demands one, so that is a broken model, no other thing. */
	static const struct given none = { DOC, "" };
	struct mreg_error err;

	(void)state;
	err = refused(MREG_EFORMAT, "", some, 2);
	assert_has(err.msg, "layer 2, 'sha256:" HEX "1', has no path");
	err = refused(MREG_EFORMAT, "", &none, 1);
	assert_has(err.msg, "layer 1, ");
}

static void refuses_what_holds_no_files(void **state)
{
	static const struct given image[] = { { OCI_LAYER "+gzip", "" },
					      { OCI_LAYER "+gzip", "" } };
	static const struct given empty = { MR_MEDIA_EMPTY, "" };
	struct mreg_error err;

	(void)state;
	err = refused(MREG_EUNSUPPORTED, "", NULL, 0);
	assert_has(err.msg, "none of its layers is a file");
	err = refused(
		MREG_EUNSUPPORTED,
		"\"artifactType\":\"application/vnd.mreg.event.v1+json\",",
		&empty, 1);
	assert_has(err.msg, "is no model");
	assert_has(err.hint, "application/vnd.mreg.event.v1+json");
	err = refused(MREG_EUNSUPPORTED, "", image, 2);
	assert_has(err.msg, "none of its layers is a file");
}

static void refuses_an_index(void **state)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_INDEX
		"\",\"manifests\":[]}";
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_model_layer *items;
	size_t n;

	(void)state;
	assert_ok(mr_manifest_parse(text, strlen(text), NULL, &m, &err), err);
	assert_code(MREG_EUNSUPPORTED, mr_model_layers(m, &items, &n, &err),
		    err);
	assert_has(err.msg, "it is an image index");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_mreg_wrote),
		cmocka_unit_test(reads_the_names_modctl_writes),
		cmocka_unit_test(prefers_the_file_path),
		cmocka_unit_test(reads_files_that_oras_pushed),
		cmocka_unit_test(tells_archives_by_their_type),
		cmocka_unit_test(passes_over_file_metadata_it_cannot_read),
		cmocka_unit_test(hands_on_paths_unchecked),
		cmocka_unit_test(names_the_layer_without_a_path),
		cmocka_unit_test(refuses_what_holds_no_files),
		cmocka_unit_test(refuses_an_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
