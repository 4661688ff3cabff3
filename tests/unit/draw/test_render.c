/*
 * test_render.c - files of those that serve a model: texts of others stay data,
 * and every reference is by digest.
 */
#include "mreg/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "draw/render.h"
#include "tests/support/test.h"

#define A                                                                      \
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B                                                                      \
	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct mreg_digest digest(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d;

	assert_ok(mreg_digest_parse(text, &d, &err), err);
	return d;
}

static struct mreg_resolve_result resolved(void)
{
	struct mreg_resolve_result r = {
		.name = "ghcr.io/acme/churn",
		.reference = "ghcr.io/acme/churn@" A,
		.tag = "production",
		.is_served = true,
		.served = { .number = 3, .format = "onnx" },
	};

	r.served.digest = digest(A);
	r.served.image = digest(B);
	return r;
}

static char *render(const struct mreg_resolve_result *r,
		    const struct mreg_render_opts *o)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char *out = NULL;

	assert_ok(mreg_render(r, o, &out, &err), err);
	return out;
}

static void quotes_what_could_be_yaml(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 12);
	struct mr_yaml y = { .b = &b };

	(void)state;
	mr_yaml_text(&y, "a", "no");
	mr_yaml_text(&y, "b", "x: \"y\"\\ # z");
	mr_yaml_text(&y, "c", "1\n2\t\x7f\x1b");
	mr_yaml_text(&y, "d", "\xc3\xa9\xe2\x80\xa8\xef\xbb\xbf\xc2\x85");
	mr_yaml_text(&y, "e", "\xf0\x9f\x98\x80 \xff");
	assert_string_equal(mr_buf_text(&b),
			    "a: \"no\"\n"
			    "b: \"x: \\\"y\\\"\\\\ # z\"\n"
			    "c: \"1\\u000A2\\u0009\\u007F\\u001B\"\n"
			    "d: \"\xc3\xa9\\u2028\\uFEFF\\u0085\"\n"
			    "e: \"\\U0001F600 \\uFFFD\"\n");
}

static void nests_maps_lists_and_notes(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 12);
	struct mr_yaml y = { .b = &b };

	(void)state;
	mr_yaml_map(&y, "list");
	mr_yaml_item(&y, "name", "one");
	mr_yaml_own(&y, "two", "true");
	mr_yaml_up(&y, 1);
	mr_yaml_note(
		&y, "a\r\x1b\x7f\t\xc3\xa9\nb\xc2\x85\xe2\x80\xa8\xe2\x80\xa9");
	mr_yaml_own_item(&y, "plain");
	mr_yaml_up(&y, 1);
	mr_yaml_block(&y, "text");
	mr_yaml_own(&y, "inner", "1");
	assert_string_equal(mr_buf_text(&b), "list:\n"
					     "  - name: \"one\"\n"
					     "    two: true\n"
					     "  # a????\xc3\xa9\n"
					     "  # b???\n"
					     "  - plain\n"
					     "text: |-\n"
					     "  inner: 1\n");
}

static void no_line_is_left_out_where_memory_was(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 12);
	struct mr_buf text = { .failed = MREG_ENOMEM };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_yaml y = { .b = &b };

	(void)state;
	mr_yaml_own(&y, "a", "1");
	mr_yaml_note_built(&y, &text);
	mr_yaml_own(&y, "b", "2");
	assert_code(MREG_ENOMEM, mr_buf_check(&b, "the text", &err), err);
}

static void kserve_is_this(void **state)
{
	struct mreg_resolve_result r = resolved();
	struct mreg_render_opts o = MREG_RENDER_OPTS_INIT;
	char *text = render(&r, &o);

	(void)state;
	assert_string_equal(
		text,
		"# v3 of ghcr.io/acme/churn, which 'production' was when this "
		"was written\n"
		"# by: mreg resolve ghcr.io/acme/churn:production --format "
		"kserve\n"
		"apiVersion: serving.kserve.io/v1beta1\n"
		"kind: InferenceService\n"
		"metadata:\n"
		"  name: \"churn\"\n"
		"  annotations:\n"
		"    org.mreg.model: \"ghcr.io/acme/churn\"\n"
		"    org.mreg.version: \"v3\"\n"
		"    org.mreg.digest: \"" A "\"\n"
		"spec:\n"
		"  predictor:\n"
		"    model:\n"
		"      modelFormat:\n"
		"        name: \"onnx\"\n"
		"      storageUri: \"oci://ghcr.io/acme/churn@" B "\"\n");
	free(text);
}

static void tells_the_options_that_wrote_it(void **state)
{
	struct mreg_resolve_result r = resolved();
	struct mreg_render_opts o = MREG_RENDER_OPTS_INIT;
	char *text;

	(void)state;
	o.scheme = MREG_SCHEME_OCI_NATIVE;
	o.name = "scorer";
	o.model_format = "onnx";
	text = render(&r, &o);
	assert_has(text, "# by: mreg resolve ghcr.io/acme/churn:production "
			 "--format kserve --scheme oci+native --name scorer "
			 "--model-format onnx\n");
	free(text);
	o = (struct mreg_render_opts)MREG_RENDER_OPTS_INIT;
	o.as = MREG_RENDER_K8S;
	o.server = "ghcr.io/acme/server:2";
	r.tag = NULL;
	text = render(&r, &o);
	assert_has(text, "# by: mreg resolve ghcr.io/acme/churn@" A
			 " --format k8s --server ghcr.io/acme/server:2\n");
	free(text);
}

static void needs_the_image_but_for_mregs_own_scheme(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_resolve_result r = resolved();
	struct mreg_render_opts o = MREG_RENDER_OPTS_INIT;
	char *text = NULL;

	(void)state;
	memset(&r.served.image, 0, sizeof(r.served.image));
	assert_true(mreg_render_needs_image(&o));
	assert_code(MREG_EUSAGE, mreg_render(&r, &o, &text, &err), err);
	o.scheme = MREG_SCHEME_MREG;
	assert_false(mreg_render_needs_image(&o));
	text = render(&r, &o);
	assert_has(text, "\"mreg://ghcr.io/acme/churn@" A "\"");
	free(text);
	r.is_served = false;
	assert_code(MREG_EUSAGE, mreg_render(&r, &o, &text, &err), err);
}

static void knows_its_words(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_render_opts o = MREG_RENDER_OPTS_INIT;
	unsigned int as;

	(void)state;
	for (as = 0; mreg_render_word((enum mreg_render_as)as); as++) {
		o.as = (enum mreg_render_as)as;
		assert_ok(mreg_render_check(&o, &err), err);
	}
	assert_int_equal(as, 5);
	o.as = (enum mreg_render_as)as;
	assert_code(MREG_EUSAGE, mreg_render_check(&o, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_what_could_be_yaml),
		cmocka_unit_test(nests_maps_lists_and_notes),
		cmocka_unit_test(no_line_is_left_out_where_memory_was),
		cmocka_unit_test(kserve_is_this),
		cmocka_unit_test(tells_the_options_that_wrote_it),
		cmocka_unit_test(needs_the_image_but_for_mregs_own_scheme),
		cmocka_unit_test(knows_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
