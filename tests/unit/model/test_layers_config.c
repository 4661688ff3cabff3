/*
 * test_layers_config.c - layers whose names are in the config (peers.md 6.5):
 * KitOps, Cog.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "content/digest.h"
#include "tests/support/layers_fixture.h"

#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define KIT "application/vnd.kitops.modelkit."

/* -- KitOps -------------------------------------------------------------- */

#define KIT_CONFIG KIT "config.v1+json"
#define KIT_HEAD "'artifactType':'" KIT "manifest.v1+json',"

static void kit_says_form_and_compression_in_the_type(void **state)
{
	static const struct layer_given given[] = {
		{ KIT "model.v1.tar", "" },
		{ KIT "modelpart.v1.tar+gzip", "" },
		{ KIT "docs.v1.tar+zstd", "" },
		{ KIT "code.v1.raw+zstd", "" },
	};
	static const char *const roles[] = { "weight", "weight", "doc",
					     "code" };
	static const enum mr_coding codings[] = {
		MR_CODING_NONE, MR_CODING_GZIP, MR_CODING_ZSTD, MR_CODING_ZSTD
	};
	struct layers_fixture *f = *state;
	size_t i;

	layers_read(f, KIT_HEAD, KIT_CONFIG, given, 4);
	assert_true(mr_model_wants_config(f->m));
	for (i = 0; i < 4; i++) {
		assert_string_equal(f->items[i].role, roles[i]);
		assert_true(f->items[i].coded);
		assert_int_equal(f->items[i].coding, codings[i]);
		assert_true(f->items[i].archive);
		assert_true(f->items[i].unnamed);
		assert_int_equal(f->items[i].form,
				 i < 3 ? MR_FORM_TAR : MR_FORM_PACKED);
	}
	assert_string_equal(f->items[0].path, DIGEST("0"));
}

static void kit_names_raw_layers_in_the_kitfile(void **state)
{
	static const struct layer_given given[] = {
		{ KIT "model.v1.raw", "" },
		{ KIT "modelpart.v1.raw", "" },
		{ KIT "docs.v1.raw+gzip", "" },
		{ KIT "prompt.v1.raw", "" },
	};
	struct layers_fixture *f = *state;

	/* Who has not read the Kitfile still sees the layers. */
	layers_read(f, KIT_HEAD, KIT_CONFIG, given, 4);
	assert_true(f->items[0].unnamed);
	assert_ok(
		layers_named(
			f,
			"{'manifestVersion':'1.0.0','model':{'path':"
			"'./model.safetensors','digest':'" DIGEST(
				"0") "',"
				     "'parts':[{'path':'config.json','diffId':'" DIGEST(
					     "1") "'}]},'docs':[{'path':'x'},{'path':"
						  "'docs/README.md','digest':'" DIGEST(
							  "2") "'}],"
							       "'prompts':[{'path':'p','digest':'" DIGEST(
								       "3") "'}"
									    "]}"),
		f->err);
	layers_are(f, 0, "model.safetensors", "weight");
	layers_are(f, 1, "config.json", "weight");
	layers_are(f, 3, "p", "doc");
	assert_string_equal(f->items[2].path, "docs/README.md");
	assert_int_equal(f->items[2].form, MR_FORM_PACKED);
	assert_false(f->items[2].unnamed);
}

static void a_raw_layer_the_kitfile_does_not_know_is_an_error(void **state)
{
	static const struct layer_given given = { KIT "model.v1.raw", "" };
	struct layers_fixture *f = *state;

	layers_parse(f, KIT_HEAD, KIT_CONFIG, &given, 1);
	assert_code(MREG_EFORMAT, layers_named(f, "{'model':{'path':'x'}}"),
		    f->err);
	assert_has(f->err.msg, "layer 1, ");
	assert_code(MREG_EFORMAT,
		    layers_named(f, "{'model':{'digest':'" DIGEST("0") "'}}"),
		    f->err);
	assert_code(MREG_EFORMAT, layers_named(f, "no JSON"), f->err);
}

/* ModelPack as KitOps writes it; peers.md 6.5. */
static void a_kitfile_beside_the_config_names_raw_layers(void **state)
{
	static const struct layer_given given[] = {
		{ "application/vnd.cncf.model.weight.v1.raw", "" },
		{ "application/vnd.cncf.model.doc.v1.raw",
		  ",'annotations':{'org.cncf.model.filepath':'README.md'}" },
		{ "application/vnd.cncf.model.code.v1.tar", "" },
	};
	struct layers_fixture *f = *state;

	layers_read(f,
		    "'artifactType':'" MR_MODEL_ARTIFACT "','annotations':{"
		    "'ml.kitops.modelkit.kitfile':'{\\'model\\':{\\'path\\':"
		    "\\'m.bin\\',\\'digest\\':\\'" DIGEST("0") "\\'}}'},",
		    "application/vnd.cncf.model.config.v1+json", given, 3);
	assert_false(mr_model_wants_config(f->m));
	layers_are(f, 0, "m.bin", "weight");
	layers_are(f, 1, "README.md", "doc");
	assert_int_equal(f->items[2].form, MR_FORM_TAR);
	/* One that cannot be read names nothing. */
	layers_parse(f,
		     "'annotations':{'ml.kitops.modelkit.kitfile':'no json'},",
		     "application/vnd.cncf.model.config.v1+json", given, 3);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
	assert_has(f->err.msg, "layer 1, ");
}

/* -- Cog ----------------------------------------------------------------- */

#define COG_HEAD "'artifactType':'application/vnd.cog.weight.v1',"
#define COG_CONFIG "application/vnd.cog.weight.config.v1+json"
#define COG_LIST                                                               \
	"{\"files\":[{\"path\":\"a\",\"size\":1,\"digest\":\"" DIGEST(         \
		"1") "\"},{\"path\":\"b\",\"size\":2,\"digest\":\"" DIGEST("2") "\"}]}"

static int check_cog(struct layers_fixture *f, const char *list,
		     struct mr_model_file *files, size_t n)
{
	return mr_model_check_cog(f->m, list, list ? strlen(list) : 0, files, n,
				  &f->err);
}

static void cog_lists_every_file_in_its_config(void **state)
{
	static const struct layer_given given[] = {
		{ OCI_LAYER "+gzip", "" },
		{ OCI_LAYER, "" },
	};
	struct mr_model_file files[] = { { .path = "b", .size = 2 },
					 { .path = "a", .size = 1 } };
	struct layers_fixture *f = *state;

	mreg_digest_parse(DIGEST("2"), &files[0].digest, NULL);
	mreg_digest_parse(DIGEST("1"), &files[1].digest, NULL);
	layers_read(f, COG_HEAD, COG_CONFIG, given, 2);
	assert_true(mr_model_is_cog(f->m) && mr_model_wants_config(f->m));
	assert_int_equal(f->items[0].form, MR_FORM_TAR);
	assert_int_equal(f->items[0].coding, MR_CODING_GZIP);
	assert_true(f->items[1].coded);
	assert_ok(check_cog(f, COG_LIST, files, 2), f->err);
	assert_code(MREG_EINTEGRITY, check_cog(f, COG_LIST, files, 1), f->err);
	assert_has(f->err.msg, "'a' is not as the list");
	files[1].size = 3;
	assert_code(MREG_EINTEGRITY, check_cog(f, COG_LIST, files, 2), f->err);
	files[1].size = 1;
	files[0].path = "c";
	assert_code(MREG_EINTEGRITY, check_cog(f, COG_LIST, files, 2), f->err);
	assert_has(f->err.msg, "'b' is not as the list");
	assert_code(MREG_EFORMAT, check_cog(f, "{}", files, 2), f->err);
	assert_code(MREG_EINTEGRITY, check_cog(f, "{\"files\":[]}", files, 2),
		    f->err);
}

/* What `sha256sum a b` prints, with and without its last newline. */
static void cogs_set_digest_is_checked_both_ways(void **state)
{
	static const struct layer_given given = { OCI_LAYER, "" };
	static const char lines[] = HEX "1  a\n" HEX "2  b\n";
	struct mr_model_file files[] = { { .path = "a" }, { .path = "b" } };
	struct layers_fixture *f = *state;
	char digest[MREG_DIGEST_TEXT];
	struct mreg_digest set;
	char head[512];
	size_t i;

	mreg_digest_parse(DIGEST("1"), &files[0].digest, NULL);
	mreg_digest_parse(DIGEST("2"), &files[1].digest, NULL);
	for (i = 0; i < 3; i++) {
		assert_int_equal(
			mr_digest_of(lines, strlen(lines) - i, &set, NULL), 0);
		snprintf(head, sizeof(head),
			 COG_HEAD "'annotations':{'run.cog.weight.set-digest':"
				  "'%s'},",
			 mreg_digest_text(&set, digest));
		layers_parse(f, head, MR_MEDIA_EMPTY, &given, 1);
		assert_false(mr_model_wants_config(f->m));
		if (i < 2) {
			assert_ok(check_cog(f, NULL, files, 2), f->err);
			continue;
		}
		assert_code(MREG_EINTEGRITY, check_cog(f, NULL, files, 2),
			    f->err);
		assert_has(f->err.msg, "set digest");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			kit_says_form_and_compression_in_the_type, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(
			kit_names_raw_layers_in_the_kitfile, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(
			a_raw_layer_the_kitfile_does_not_know_is_an_error,
			layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(
			a_kitfile_beside_the_config_names_raw_layers,
			layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(
			cog_lists_every_file_in_its_config, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(
			cogs_set_digest_is_checked_both_ways, layers_setup,
			layers_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
