/*
 * test_manifest_parse.c - documents with one meaning are read, all others
 * refused with a reason (security.md H20 - H28, H43).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D(n)                                                                   \
	"{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX64 "\",\"size\":" n "}"
#define HEAD "{\"schemaVersion\":2"
#define TYPE(t) ",\"mediaType\":\"" t "\""
#define CONFIG ",\"config\":" D("2")
#define LAYERS(l) ",\"layers\":[" l "]"
#define CHILDREN(c) ",\"manifests\":[" c "]"
/* A manifest whose only layer is the text. */
#define LAYER(l) HEAD CONFIG LAYERS(l) "}"

static struct mr_manifest *parsed(const char *text, const char *type)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;

	assert_ok(mr_manifest_parse(text, strlen(text), type, &m, &err), err);
	return m;
}

static void refused_as(enum mreg_code code, const char *text, const char *type,
		       const char *msg)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;

	assert_code(code, mr_manifest_parse(text, strlen(text), type, &m, &err),
		    err);
	assert_null(m);
	assert_has(err.msg, msg);
}

static void refused(const char *text, const char *msg)
{
	refused_as(MREG_EFORMAT, text, NULL, msg);
}

static void reads_a_manifest(void **state)
{
	static const char text[] = HEAD TYPE(
		MR_MEDIA_MANIFEST) ",\"artifactType\":\"x/y\"" CONFIG
		LAYERS("{\"mediaType\":\"c/d\",\"digest\":\"sha256:" HEX64
		       "\",\"size\":7,\"data\":\"e30=\",\"artifactType\":\"e/f\","
		       "\"annotations\":{\"z\":\"1\",\"a\":\"\xc3\xa4\"}}," D(
			       "4611686018427387897")) ",\"subject\":" D("9") ",\"annotations\":{\"k\":\"v\"}}";
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest digest;

	(void)state;
	m = parsed(text, MR_MEDIA_MANIFEST);
	assert_false(m->is_index);
	assert_string_equal(m->raw, text);
	assert_int_equal(m->raw_len, sizeof(text) - 1);
	assert_int_equal(m->desc.size, sizeof(text) - 1);
	assert_ok(mr_digest_of(text, sizeof(text) - 1, &digest, &err), err);
	assert_true(mreg_digest_equal(&m->desc.digest, &digest));
	assert_string_equal(m->desc.media_type, MR_MEDIA_MANIFEST);
	assert_string_equal(m->artifact_type, "x/y");
	assert_int_equal(m->config.desc.size, 2);
	assert_int_equal(m->layer_count, 2);
	assert_string_equal(m->layers[0].desc.media_type, "c/d");
	assert_int_equal(m->layers[0].desc.size, 7);
	assert_string_equal(m->layers[0].data, "e30=");
	assert_string_equal(m->layers[0].artifact_type, "e/f");
	assert_int_equal(m->layers[0].annotations.n, 2);
	assert_string_equal(m->layers[0].annotations.items[0].name, "z");
	assert_string_equal(mr_annotation(&m->layers[0].annotations, "a"),
			    "\xc3\xa4");
	assert_null(mr_annotation(&m->layers[0].annotations, "b"));
	assert_null(m->layers[1].data);
	assert_int_equal(m->layers[1].desc.size, 4611686018427387897);
	assert_true(m->has_subject);
	assert_int_equal(m->subject.desc.size, 9);
	assert_string_equal(mr_annotation(&m->annotations, "k"), "v");
}

static void reads_an_index(void **state)
{
	static const char text[] =
		HEAD CHILDREN("{\"mediaType\":\"" MR_MEDIA_MANIFEST
			      "\",\"digest\":\"sha512:" HEX64 HEX64
			      "\",\"size\":7,\"platform\":{\"os\":\"linux\","
			      "\"architecture\":\"amd64\"}}") "}";
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;

	(void)state;
	m = parsed(text, MR_MEDIA_INDEX "; charset=utf-8");
	assert_true(m->is_index);
	assert_int_equal(m->child_count, 1);
	assert_string_equal(m->children[0].os, "linux");
	assert_string_equal(m->children[0].architecture, "amd64");
	assert_int_equal(m->children[0].desc.digest.algorithm, MREG_SHA512);
	assert_false(m->has_subject);
	assert_null(m->artifact_type);
}

/* The type that comes out when store and document say this. */
static void assert_type(const char *text, const char *type, const char *want)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = parsed(text, type);

	assert_string_equal(m->desc.media_type, want);
}

static void knows_the_type_from_store_document_or_shape(void **state)
{
	(void)state;
	assert_type(LAYER(D("1")), NULL, MR_MEDIA_MANIFEST);
	assert_type(HEAD CHILDREN("") "}", NULL, MR_MEDIA_INDEX);
	assert_type(LAYER(""), MR_MEDIA_DOCKER_MANIFEST,
		    MR_MEDIA_DOCKER_MANIFEST);
	assert_type(HEAD TYPE(MR_MEDIA_DOCKER_LIST) CHILDREN("") "}", NULL,
		    MR_MEDIA_DOCKER_LIST);
	assert_type(LAYER(""), " Application/VND.oci.image.manifest.v1+json ;x",
		    MR_MEDIA_MANIFEST);
}

static void refuses_two_meanings(void **state)
{
	(void)state;
	refused(HEAD CONFIG LAYERS("") CHILDREN("") "}",
		"is both manifest and index");
	refused(HEAD CONFIG CHILDREN("") "}", "is both manifest and index");
	refused_as(MREG_EFORMAT, LAYER(""), MR_MEDIA_INDEX,
		   "members that '" MR_MEDIA_INDEX "'");
	refused_as(MREG_EFORMAT, HEAD CHILDREN("") "}", MR_MEDIA_MANIFEST,
		   "does not have");
	refused_as(MREG_EFORMAT,
		   HEAD TYPE(MR_MEDIA_MANIFEST) CONFIG LAYERS("") "}",
		   MR_MEDIA_DOCKER_MANIFEST, "but came as");
	refused("{\"schemaVersion\":2,\"schemaVersion\":2" CONFIG LAYERS(
			"") "}",
		"duplicate");
	refused(LAYER("{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX64
		      "\",\"size\":1,\"size\":2}"),
		"duplicate");
}

static void refuses_other_documents(void **state)
{
	(void)state;
	refused("", "is empty");
	refused("<html>", "no valid JSON");
	refused("[]", "no JSON object");
	refused("{}", "'schemaVersion'");
	refused("{\"schemaVersion\":3" CONFIG LAYERS("") "}",
		"schemaVersion 3, not 2");
	refused(LAYER("") "x", "no valid JSON");
	refused_as(MREG_EFORMAT, LAYER(""), "text/html; charset=utf-8",
		   "'text/html' (content type) is not the type of a manifest");
	refused_as(MREG_EFORMAT, LAYER(""), "", "is not the type");
	refused_as(MREG_EUNSUPPORTED, "{\"schemaVersion\":1}", NULL,
		   "schema 1");
	refused_as(MREG_EUNSUPPORTED, "{\"schemaVersion\":1}",
		   "application/vnd.docker.distribution.manifest.v1+prettyjws",
		   "cannot be read");
	refused_as(
		MREG_EUNSUPPORTED,
		HEAD TYPE("application/vnd.oci.artifact.manifest.v1+json") "}",
		NULL, "cannot be read");
}

static void refuses_what_lacks_a_member(void **state)
{
	(void)state;
	refused(HEAD "}", "has no config");
	refused(HEAD LAYERS("") "}", "has no config");
	refused(HEAD CONFIG "}", "'layers'");
	refused_as(MREG_EFORMAT, HEAD "}", MR_MEDIA_INDEX, "'manifests'");
	refused(LAYER(D("1") ",{}"), "'mediaType' of layer 2 of manifest");
	refused(LAYER("{\"mediaType\":\"a/b\"}"), "'digest' of layer 1");
	refused(LAYER("{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX64
		      "\"}"),
		"'size' of layer 1");
}

static void refuses_sizes_that_are_none(void **state)
{
	static const char *const sizes[] = {
		"-1",
		"1.0",
		"1e3",
		"\"1\"",
		"null",
		"9223372036854775808",
		"4611686018427387905",
		"-0.5",
		"true",
	};
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(sizes); i++) {
		(void)snprintf(
			text, sizeof(text),
			HEAD CONFIG
			",\"layers\":["
			"{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX64
			"\",\"size\":%s}]}",
			sizes[i]);
		refused(text, "");
	}
	refused(LAYER(D("4611686018427387904") "," D("1")),
		"sizes up to layer 2 of manifest");
}

static void refuses_digests_that_are_none(void **state)
{
	static const char *const digests[] = {
		"",
		"sha256:",
		"sha256:../../x",
		"sha256:" HEX64 "0",
		"sha256:0123456789ABCDEF0123456789ABCDEF"
		"0123456789ABCDEF0123456789ABCDEF",
		"sha512:" HEX64,
		"md5:0123",
		"blake3:" HEX64,
		HEX64,
		"sha256:" HEX64 "\\n",
	};
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(digests); i++) {
		(void)snprintf(text, sizeof(text),
			       HEAD CONFIG
			       ",\"layers\":["
			       "{\"mediaType\":\"a/b\",\"digest\":\"%s\","
			       "\"size\":1}]}",
			       digests[i]);
		refused(text, "of layer 1 of manifest");
	}
	refused(LAYER("{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX64
		      "\\u0000\",\"size\":1}"),
		"no valid JSON");
}

static void refuses_media_types_that_are_none(void **state)
{
	(void)state;
	refused(LAYER("{\"mediaType\":\"a b/c\",\"digest\":\"sha256:" HEX64
		      "\",\"size\":1}"),
		"media type 'a b/c' of layer 1");
	refused(LAYER("{\"mediaType\":\"a/b\\u001b[2J\",\"digest\":\"sha256:" HEX64
		      "\",\"size\":1}"),
		"media type 'a/b\\x1b[2J' of layer 1");
}

/* H27: every member of every wrong type is an error and nothing worse. */
static void refuses_wrong_types_everywhere(void **state)
{
	static const char *const shapes[] = {
		"{\"schemaVersion\":%s" CONFIG LAYERS("") "}",
		HEAD ",\"mediaType\":%s" CONFIG LAYERS("") "}",
		HEAD ",\"artifactType\":%s" CONFIG LAYERS("") "}",
		HEAD ",\"config\":%s" LAYERS("") "}",
		HEAD CONFIG ",\"layers\":%s}",
		HEAD CONFIG LAYERS("%s") "}",
		HEAD CONFIG LAYERS("") ",\"subject\":%s}",
		HEAD CONFIG LAYERS("") ",\"annotations\":%s}",
		HEAD CONFIG LAYERS("") ",\"annotations\":{\"a\":%s}}",
		HEAD ",\"manifests\":%s}",
		HEAD CHILDREN("%s") "}",
	};
	static const char *const values[] = { "17",  "1.5",  "true",
					      "[1]", "[[]]", "{\"a\":1}" };
	char text[1024];
	size_t i, k;

	(void)state;
	for (i = 0; i < MR_COUNT(shapes); i++) {
		for (k = 0; k < MR_COUNT(values); k++) {
			const char *at = strstr(shapes[i], "%s");

			(void)snprintf(text, sizeof(text), "%.*s%s%s",
				       (int)(at - shapes[i]), shapes[i],
				       values[k], at + 2);
			refused(text, "");
		}
	}
}

static void refuses_what_is_too_large_or_deep(void **state)
{
	size_t n = MR_MANIFEST_MAX_BYTES + 1;
	char *text = malloc(n + 1);
	size_t i, at;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', n);
	text[n] = '\0';
	refused_as(MREG_ELIMIT, text, NULL, "larger than 4194304");
	at = (size_t)sprintf(text, HEAD CONFIG ",\"layers\":[{}");
	for (i = 0; i < MR_LAYERS_MAX; i++)
		at += (size_t)sprintf(text + at, ",{}");
	memcpy(text + at, "]}", 3);
	refused_as(MREG_ELIMIT, text, NULL, "10001 layers, more than 10000");
	memset(text, '[', 1000);
	text[1000] = '\0';
	refused_as(MREG_ELIMIT, text, NULL, "nested deeper");
	free(text);
}

static void takes_the_largest_that_is_allowed(void **state)
{
	size_t n = MR_MANIFEST_MAX_BYTES;
	char *text = malloc(n + 1);
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	size_t i, at;

	(void)state;
	assert_non_null(text);
	/* The most values for the fewest bytes. */
	at = (size_t)sprintf(
		text, HEAD CONFIG LAYERS("") ",\"annotations\":{\"\":\"\"");
	for (i = 0; at + 32 < n; i++)
		at += (size_t)sprintf(text + at, ",\"%zx\":\"\"", i);
	memcpy(text + at, "}}", 3);
	m = parsed(text, NULL);
	assert_int_equal(m->annotations.n, i + 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_manifest),
		cmocka_unit_test(reads_an_index),
		cmocka_unit_test(knows_the_type_from_store_document_or_shape),
		cmocka_unit_test(refuses_two_meanings),
		cmocka_unit_test(refuses_other_documents),
		cmocka_unit_test(refuses_what_lacks_a_member),
		cmocka_unit_test(refuses_sizes_that_are_none),
		cmocka_unit_test(refuses_digests_that_are_none),
		cmocka_unit_test(refuses_media_types_that_are_none),
		cmocka_unit_test(refuses_wrong_types_everywhere),
		cmocka_unit_test(refuses_what_is_too_large_or_deep),
		cmocka_unit_test(takes_the_largest_that_is_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
