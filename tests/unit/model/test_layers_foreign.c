/*
 * test_layers_foreign.c - what other tools' layers are called and how their
 * bytes hold files (peers.md 6.5): olot, oras, regctl, old modctl, images.
 */
#include "tests/support/test.h"

#include "base/mem.h"
#include "tests/support/layers_fixture.h"

#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_IMAGE "application/vnd.docker.container.image.v1+json"
#define KIT "application/vnd.kitops.modelkit."

/* -- who names files in annotations -------------------------------------- */

static void oras_and_regctl_pack_folders_differently(void **state)
{
	static const struct layer_given given[] = {
		{ OCI_LAYER "+gzip",
		  ",'annotations':{" TITLE
		  ":'./data','io.deis.oras.content.unpack':'true'}" },
		{ "application/x-anything",
		  ",'annotations':{" TITLE ":'a/b/'}" },
		{ OCI_LAYER "+gzip",
		  ",'annotations':{" TITLE
		  ":'.','io.deis.oras.content.unpack':'true'}" },
		{ OCI_LAYER "+gzip", ",'annotations':{" TITLE ":'m.bin'}" },
	};
	struct layers_fixture *f = *state;

	layers_read(f, "", MR_MEDIA_EMPTY, given, 4);
	assert_int_equal(f->items[0].form, MR_FORM_TAR);
	assert_string_equal(f->items[0].folder, "data");
	assert_true(f->items[0].is_prefixed);
	/* It is gzip whatever the type says: the first bytes count. */
	assert_false(f->items[0].coded);
	assert_int_equal(f->items[1].form, MR_FORM_TAR);
	assert_string_equal(f->items[1].folder, "a/b");
	assert_false(f->items[1].is_prefixed);
	assert_false(f->items[1].coded);
	assert_null(f->items[2].folder);
	layers_are(f, 3, "m.bin", "");
}

static void olots_modelpack_has_the_images_folder(void **state)
{
	static const struct layer_given given[] = {
		{ "application/vnd.cncf.model.weight.v1.tar",
		  ",'annotations':{" TITLE
		  ":'m.bin','olot.layer.content.inlayerpath':'/models/m.bin'}" },
		{ "application/vnd.cncf.model.weight.v1.tar+zstd", "" },
		{ "application/vnd.cncf.model.weight.v1.tar",
		  ",'annotations':{" TITLE ":'m.bin'}" },
		{ "application/vnd.cncf.model.weight.v1.tar",
		  ",'annotations':{" TITLE ":'m.bin',"
		  "'org.cncf.model.filepath':'m.bin'}" },
	};
	struct layers_fixture *f = *state;

	layers_read(f, "'artifactType':'" MR_MODEL_ARTIFACT "',",
		    MR_MEDIA_EMPTY, given, 4);
	assert_string_equal(f->items[2].strip, "models/");
	assert_null(f->items[3].strip);
	assert_int_equal(f->items[0].form, MR_FORM_TAR);
	assert_string_equal(f->items[0].strip, "models/");
	assert_string_equal(f->items[0].path, "m.bin");
	assert_null(f->items[1].strip);
	assert_true(f->items[1].unnamed);
	assert_int_equal(f->items[1].coding, MR_CODING_ZSTD);
}

/* RamaLama: the type of ModelPack, and nothing else of it. */
static void sniffed_types_are_files(void **state)
{
	static const struct layer_given given[] = {
		{ "application/octet-stream",
		  ",'annotations':{'org.cncf.model.filepath':'m.gguf',"
		  "'org.cncf.model.file.metadata+json':'{\\'name\\':"
		  "\\'m.gguf\\',\\'typeflag\\':48}'}" },
		{ "application/gzip", ",'annotations':{" TITLE ":'d.gz'}" },
	};
	static const struct layer_given link = {
		"application/octet-stream",
		",'annotations':{'org.cncf.model.filepath':'m',"
		"'org.cncf.model.file.metadata+json':'{\\'typeflag\\':50}'}"
	};
	struct layers_fixture *f = *state;

	layers_read(f, "'artifactType':'" MR_MODEL_ARTIFACT "',",
		    MR_MEDIA_EMPTY, given, 2);
	layers_are(f, 0, "m.gguf", "");
	layers_are(f, 1, "d.gz", "");
	layers_parse(f, "", MR_MEDIA_EMPTY, &link, 1);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
	assert_has(f->err.msg, "no regular file");
}

/* H11: only of modctl it was no attack. */
static void climbs_only_for_old_modctl(void **state)
{
	static const struct layer_given old = {
		"application/vnd.cnai.model.weight.v1.raw",
		",'annotations':{'org.cnai.model.filepath':'../../w/m.bin'}"
	};
	static const struct layer_given new = {
		"application/vnd.cncf.model.weight.v1.raw",
		",'annotations':{'org.cncf.model.filepath':'../m.bin'}"
	};
	struct layers_fixture *f = *state;

	layers_read(f, "", MR_MEDIA_EMPTY, &old, 1);
	layers_are(f, 0, "w/m.bin", "weight");
	assert_true(f->items[0].climbed);
	layers_read(f, "'annotations':{'org.cncf.modctl.modelfile':'x'},",
		    MR_MEDIA_EMPTY, &new, 1);
	layers_are(f, 0, "m.bin", "weight");
	layers_read(f, "", MR_MEDIA_EMPTY, &new, 1);
	layers_are(f, 0, "../m.bin", "weight");
	assert_false(f->items[0].climbed);
}

/* Its path would be empty. */
static void what_only_climbs_stays_to_be_refused(void **state)
{
	static const struct layer_given old = {
		"application/vnd.cnai.model.weight.v1.raw",
		",'annotations':{'org.cnai.model.filepath':'../../'}"
	};
	struct layers_fixture *f = *state;

	layers_read(f, "", MR_MEDIA_EMPTY, &old, 1);
	layers_are(f, 0, "../../", "weight");
	assert_false(f->items[0].climbed);
}

static void a_tar_that_nobody_knows_is_no_model(void **state)
{
	static const struct layer_given chart = {
		"application/vnd.cncf.helm.chart.content.v1.tar+gzip", ""
	};
	struct layers_fixture *f = *state;

	layers_parse(f, "", "application/vnd.cncf.helm.config.v1+json", &chart,
		     1);
	assert_code(MREG_EUNSUPPORTED,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
}

/* -- images -------------------------------------------------------------- */

static void layers_of_images_are_laid_over_each_other(void **state)
{
	static const struct layer_given given[] = {
		{ OCI_LAYER, ",'annotations':{" TITLE ":'m.bin'}" },
		{ OCI_LAYER "+zstd", "" },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", "" },
	};
	static const char *const configs[] = { OCI_CONFIG, DOCKER_IMAGE };
	struct layers_fixture *f = *state;
	size_t i, k;

	for (i = 0; i < MR_COUNT(configs); i++) {
		layers_read(f, "", configs[i], given, 3);
		for (k = 0; k < 3; k++) {
			assert_int_equal(f->items[k].form, MR_FORM_IMAGE);
			assert_true(f->items[k].archive);
			assert_false(f->items[k].coded);
		}
	}
	/* With an artifact type it is what that says. */
	layers_read(f, "'artifactType':'application/x',", OCI_CONFIG, given, 1);
	layers_are(f, 0, "m.bin", "");
}

/* -- indexes ------------------------------------------------------------- */

static void labels_tell_children_apart(void **state)
{
	MR_AUTO(mr_list_release) struct mr_list l = { .n = 0 };
	MR_AUTO(mr_list_release) struct mr_list other = { .n = 0 };
	struct layers_fixture *f = *state;

	layers_put(
		f,
		"{'schemaVersion':2,'mediaType':'" MR_MEDIA_INDEX
		"','manifests':[{'mediaType':'" MR_MEDIA_MANIFEST
		"','digest':'" DIGEST(
			"1") "','size':1,'modelMetadata':"
			     "{'quantization':'q4_0','params':7000000000,'gpus':['a','b']}},"
			     "{'mediaType':'" MR_MEDIA_MANIFEST
			     "','digest':'" DIGEST(
				     "2") "','size':1,'artifactType':'application/x',"
					  "'platform':{'os':'linux','architecture':'arm64'},"
					  "'annotations':{'k':'v'}}]}");
	assert_ok(mr_manifest_parse(f->text.data, f->text.len, NULL, &f->m,
				    &f->err),
		  f->err);
	assert_ok(mr_model_labels(f->m, 0, &l, &f->err), f->err);
	assert_int_equal(l.n, 3);
	assert_true(mr_list_has(&l, "quantization=q4_0"));
	assert_true(mr_list_has(&l, "params=7000000000"));
	assert_true(mr_list_has(&l, "gpus=[\"a\",\"b\"]"));
	assert_ok(mr_model_labels(f->m, 1, &other, &f->err), f->err);
	assert_int_equal(other.n, 4);
	assert_true(mr_list_has(&other, "os=linux"));
	assert_true(mr_list_has(&other, "architecture=arm64"));
	assert_true(mr_list_has(&other, "artifactType=application/x"));
	assert_true(mr_list_has(&other, "k=v"));
}

static void knows_the_types_of_models(void **state)
{
	(void)state;
	assert_true(mr_model_is_artifact(MR_MODEL_ARTIFACT));
	assert_true(mr_model_is_artifact(KIT "manifest.v1+json"));
	assert_true(mr_model_is_artifact("application/vnd.cog.weight.v1"));
	assert_false(mr_model_is_artifact("application/vnd.in-toto+json"));
	assert_false(mr_model_is_artifact(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			oras_and_regctl_pack_folders_differently, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(
			olots_modelpack_has_the_images_folder, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(sniffed_types_are_files,
						layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(climbs_only_for_old_modctl,
						layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(
			what_only_climbs_stays_to_be_refused, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(
			a_tar_that_nobody_knows_is_no_model, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(
			layers_of_images_are_laid_over_each_other, layers_setup,
			layers_teardown),
		cmocka_unit_test_setup_teardown(labels_tell_children_apart,
						layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(knows_the_types_of_models,
						layers_setup, layers_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
