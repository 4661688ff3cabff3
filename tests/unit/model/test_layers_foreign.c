/*
 * test_layers_foreign.c - what other tools' layers are called and how their
 * bytes hold files (peers.md 6.5): KitOps, Docker, Ollama, Cog, olot, oras,
 * regctl, old modctl, images.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

#define HEX "000000000000000000000000000000000000000000000000000000000000000"
#define DIGEST(n) "sha256:" HEX n
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_IMAGE "application/vnd.docker.container.image.v1+json"
#define KIT "application/vnd.kitops.modelkit."
#define DOCKER "application/vnd.docker.ai."
#define OLLAMA "application/vnd.ollama.image."
#define TITLE "'org.opencontainers.image.title'"

/* A layer to be: its other members as JSON with ' for ". */
struct given {
	const char *type, *more;
};

struct fixture {
	struct mr_buf text;
	struct mr_manifest *m;
	struct mr_model_layer *items;
	size_t n;
	struct mreg_error err;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	mr_buf_init(&f->text, 1 << 16);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_release(f->items);
	mr_manifest_free(f->m);
	mr_buf_release(&f->text);
	mr_release(f);
	return 0;
}

static void put(struct fixture *f, const char *text)
{
	for (; *text; text++)
		mr_buf_putc(&f->text, *text == '\'' ? '"' : *text);
}

/* Layer i has digest ...i, from 0. */
static void parse(struct fixture *f, const char *head, const char *config,
		  const struct given *given, size_t n)
{
	size_t i;

	mr_release(f->items);
	mr_manifest_free(f->m);
	f->items = NULL;
	f->m = NULL;
	mr_buf_clear(&f->text);
	put(f, "{'schemaVersion':2,'mediaType':'" MR_MEDIA_MANIFEST "',");
	put(f, head);
	put(f, "'config':{'mediaType':'");
	put(f, config);
	put(f, "','digest':'" DIGEST("c") "','size':2},'layers':[");
	for (i = 0; i < n; i++) {
		mr_buf_printf(&f->text,
			      "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:" HEX
			      "%zx\",\"size\":7",
			      i ? "," : "", given[i].type, i);
		put(f, given[i].more);
		put(f, "}");
	}
	put(f, "]}");
	assert_ok(mr_manifest_parse(f->text.data, f->text.len, NULL, &f->m,
				    &f->err),
		  f->err);
}

static void reads(struct fixture *f, const char *head, const char *config,
		  const struct given *given, size_t n)
{
	parse(f, head, config, given, n);
	assert_ok(mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
	assert_int_equal(f->n, n);
}

static int named(struct fixture *f, const char *config)
{
	char text[2048];
	size_t i;

	mr_release(f->items);
	f->items = NULL;
	snprintf(text, sizeof(text), "%s", config);
	for (i = 0; text[i]; i++)
		if (text[i] == '\'')
			text[i] = '"';
	return mr_model_layers_named(f->m, text, strlen(text), &f->items, &f->n,
				     &f->err);
}

static void assert_path(const struct fixture *f, size_t i, const char *path,
			const char *role)
{
	assert_string_equal(f->items[i].path, path);
	assert_string_equal(f->items[i].role, role);
	assert_int_equal(f->items[i].form, MR_FORM_FILE);
	assert_false(f->items[i].archive);
}

/* -- KitOps -----------------------------------------------------------------
 */

#define KIT_CONFIG KIT "config.v1+json"
#define KIT_HEAD "'artifactType':'" KIT "manifest.v1+json',"

static void kit_says_form_and_compression_in_the_type(void **state)
{
	static const struct given given[] = {
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
	struct fixture *f = *state;
	size_t i;

	reads(f, KIT_HEAD, KIT_CONFIG, given, 4);
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
	static const struct given given[] = {
		{ KIT "model.v1.raw", "" },
		{ KIT "modelpart.v1.raw", "" },
		{ KIT "docs.v1.raw+gzip", "" },
		{ KIT "prompt.v1.raw", "" },
	};
	struct fixture *f = *state;

	/* Who has not read the Kitfile still sees the layers. */
	reads(f, KIT_HEAD, KIT_CONFIG, given, 4);
	assert_true(f->items[0].unnamed);
	assert_ok(
		named(f,
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
	assert_path(f, 0, "model.safetensors", "weight");
	assert_path(f, 1, "config.json", "weight");
	assert_path(f, 3, "p", "doc");
	assert_string_equal(f->items[2].path, "docs/README.md");
	assert_int_equal(f->items[2].form, MR_FORM_PACKED);
	assert_false(f->items[2].unnamed);
}

static void a_raw_layer_the_kitfile_does_not_know_is_an_error(void **state)
{
	static const struct given given = { KIT "model.v1.raw", "" };
	struct fixture *f = *state;

	parse(f, KIT_HEAD, KIT_CONFIG, &given, 1);
	assert_code(MREG_EFORMAT, named(f, "{'model':{'path':'x'}}"), f->err);
	assert_has(f->err.msg, "layer 1, ");
	assert_code(MREG_EFORMAT,
		    named(f, "{'model':{'digest':'" DIGEST("0") "'}}"), f->err);
	assert_code(MREG_EFORMAT, named(f, "no JSON"), f->err);
}

/* ModelPack as KitOps writes it; peers.md 6.5. */
static void a_kitfile_beside_the_config_names_raw_layers(void **state)
{
	static const struct given given[] = {
		{ "application/vnd.cncf.model.weight.v1.raw", "" },
		{ "application/vnd.cncf.model.doc.v1.raw",
		  ",'annotations':{'org.cncf.model.filepath':'README.md'}" },
		{ "application/vnd.cncf.model.code.v1.tar", "" },
	};
	struct fixture *f = *state;

	reads(f,
	      "'artifactType':'" MR_MODEL_ARTIFACT "','annotations':{"
	      "'ml.kitops.modelkit.kitfile':'{\\'model\\':{\\'path\\':"
	      "\\'m.bin\\',\\'digest\\':\\'" DIGEST("0") "\\'}}'},",
	      "application/vnd.cncf.model.config.v1+json", given, 3);
	assert_false(mr_model_wants_config(f->m));
	assert_path(f, 0, "m.bin", "weight");
	assert_path(f, 1, "README.md", "doc");
	assert_int_equal(f->items[2].form, MR_FORM_TAR);
	/* One that cannot be read names nothing. */
	parse(f, "'annotations':{'ml.kitops.modelkit.kitfile':'no json'},",
	      "application/vnd.cncf.model.config.v1+json", given, 3);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
	assert_has(f->err.msg, "layer 1, ");
}

/* -- Docker -----------------------------------------------------------------
 */

#define DOCKER_V1 DOCKER "model.config.v0.1+json"
#define DOCKER_V2 DOCKER "model.config.v0.2+json"

static void docker_v01_has_names_by_kind(void **state)
{
	static const struct given given[] = {
		{ DOCKER "gguf.v3", "" },
		{ DOCKER "mmproj", "" },
		{ DOCKER "chat.template.jinja", "" },
		{ DOCKER "license", "" },
		{ DOCKER "license", "" },
		{ DOCKER "vllm.config.tar", "" },
		{ DOCKER "dir.tar", "" },
	};
	struct fixture *f = *state;

	reads(f, "", DOCKER_V1, given, 7);
	assert_false(mr_model_wants_config(f->m));
	assert_path(f, 0, "model.gguf", "weight");
	assert_path(f, 1, "model.mmproj", "weight");
	assert_path(f, 2, "template.jinja", "weight.config");
	assert_path(f, 3, "LICENSE", "doc");
	assert_path(f, 4, "LICENSE-2", "doc");
	assert_int_equal(f->items[5].form, MR_FORM_TAR);
	assert_int_equal(f->items[6].form, MR_FORM_TAR);
	assert_false(f->items[6].coded);
}

static void docker_v01_counts_shards(void **state)
{
	static const struct given given[] = {
		{ DOCKER "safetensors", "" },
		{ DOCKER "license", "" },
		{ DOCKER "safetensors", "" },
	};
	struct fixture *f = *state;

	reads(f, "", DOCKER_V1, given, 3);
	assert_path(f, 0, "model-00001-of-00002.safetensors", "weight");
	assert_path(f, 1, "LICENSE", "doc");
	assert_path(f, 2, "model-00002-of-00002.safetensors", "weight");
}

static void docker_v02_has_paths(void **state)
{
	static const struct given given[] = {
		{ DOCKER "gguf.v3",
		  ",'annotations':{'org.cncf.model.filepath':'q/m.gguf'}" },
		{ DOCKER "model.file",
		  ",'annotations':{'org.cncf.model.filepath':'c.json'}" },
	};
	static const struct given bad = { DOCKER "model.file", "" };
	struct fixture *f = *state;

	reads(f, "", DOCKER_V2, given, 2);
	assert_path(f, 0, "q/m.gguf", "weight");
	assert_path(f, 1, "c.json", "");
	parse(f, "", DOCKER_V2, &bad, 1);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
}

/* -- Ollama -----------------------------------------------------------------
 */

static void ollama_has_names_by_kind(void **state)
{
	static const struct given given[] = {
		{ OLLAMA "model", "" },
		{ OLLAMA "projector", "" },
		{ OLLAMA "template", "" },
		{ OLLAMA "params", "" },
		{ OLLAMA "license", "" },
		{ OLLAMA "license", "" },
		{ OLLAMA "system", "" },
		{ OLLAMA "params", "" },
		{ OLLAMA "tensor", ",'name':'blk.0.attn','from':'/x'" },
	};
	static const struct given bad = { OLLAMA "tensor", "" };
	struct fixture *f = *state;

	reads(f, "", DOCKER_IMAGE, given, 9);
	assert_path(f, 0, "model.gguf", "weight");
	assert_path(f, 1, "projector.gguf", "weight");
	assert_path(f, 2, "template", "weight.config");
	assert_path(f, 3, "params.json", "weight.config");
	assert_path(f, 4, "license", "doc");
	assert_path(f, 5, "license-2", "doc");
	assert_path(f, 6, "system", "weight.config");
	assert_path(f, 7, "params-2.json", "weight.config");
	assert_path(f, 8, "blk.0.attn", "weight");
	parse(f, "", DOCKER_IMAGE, &bad, 1);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
}

/* -- Cog --------------------------------------------------------------------
 */

#define COG_HEAD "'artifactType':'application/vnd.cog.weight.v1',"
#define COG_CONFIG "application/vnd.cog.weight.config.v1+json"
#define COG_LIST                                                               \
	"{\"files\":[{\"path\":\"a\",\"size\":1,\"digest\":\"" DIGEST(         \
		"1") "\"},{\"path\":\"b\",\"size\":2,\"digest\":\"" DIGEST("2") "\"}]}"

static int check_cog(struct fixture *f, const char *list,
		     struct mr_model_file *files, size_t n)
{
	return mr_model_check_cog(f->m, list, list ? strlen(list) : 0, files, n,
				  &f->err);
}

static void cog_lists_every_file_in_its_config(void **state)
{
	static const struct given given[] = {
		{ OCI_LAYER "+gzip", "" },
		{ OCI_LAYER, "" },
	};
	struct mr_model_file files[] = { { .path = "b", .size = 2 },
					 { .path = "a", .size = 1 } };
	struct fixture *f = *state;

	mreg_digest_parse(DIGEST("2"), &files[0].digest, NULL);
	mreg_digest_parse(DIGEST("1"), &files[1].digest, NULL);
	reads(f, COG_HEAD, COG_CONFIG, given, 2);
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
	static const struct given given = { OCI_LAYER, "" };
	static const char lines[] = HEX "1  a\n" HEX "2  b\n";
	struct mr_model_file files[] = { { .path = "a" }, { .path = "b" } };
	struct fixture *f = *state;
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
		parse(f, head, MR_MEDIA_EMPTY, &given, 1);
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

/* -- who names files in annotations -----------------------------------------
 */

static void oras_and_regctl_pack_folders_differently(void **state)
{
	static const struct given given[] = {
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
	struct fixture *f = *state;

	reads(f, "", MR_MEDIA_EMPTY, given, 4);
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
	assert_path(f, 3, "m.bin", "");
}

static void olots_modelpack_has_the_images_folder(void **state)
{
	static const struct given given[] = {
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
	struct fixture *f = *state;

	reads(f, "'artifactType':'" MR_MODEL_ARTIFACT "',", MR_MEDIA_EMPTY,
	      given, 4);
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
	static const struct given given[] = {
		{ "application/octet-stream",
		  ",'annotations':{'org.cncf.model.filepath':'m.gguf',"
		  "'org.cncf.model.file.metadata+json':'{\\'name\\':"
		  "\\'m.gguf\\',\\'typeflag\\':48}'}" },
		{ "application/gzip", ",'annotations':{" TITLE ":'d.gz'}" },
	};
	static const struct given link = {
		"application/octet-stream",
		",'annotations':{'org.cncf.model.filepath':'m',"
		"'org.cncf.model.file.metadata+json':'{\\'typeflag\\':50}'}"
	};
	struct fixture *f = *state;

	reads(f, "'artifactType':'" MR_MODEL_ARTIFACT "',", MR_MEDIA_EMPTY,
	      given, 2);
	assert_path(f, 0, "m.gguf", "");
	assert_path(f, 1, "d.gz", "");
	parse(f, "", MR_MEDIA_EMPTY, &link, 1);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
	assert_has(f->err.msg, "no regular file");
}

/* H11: only of modctl it was no attack. */
static void climbs_only_for_old_modctl(void **state)
{
	static const struct given old = {
		"application/vnd.cnai.model.weight.v1.raw",
		",'annotations':{'org.cnai.model.filepath':'../../w/m.bin'}"
	};
	static const struct given new = {
		"application/vnd.cncf.model.weight.v1.raw",
		",'annotations':{'org.cncf.model.filepath':'../m.bin'}"
	};
	struct fixture *f = *state;

	reads(f, "", MR_MEDIA_EMPTY, &old, 1);
	assert_path(f, 0, "w/m.bin", "weight");
	assert_true(f->items[0].climbed);
	reads(f, "'annotations':{'org.cncf.modctl.modelfile':'x'},",
	      MR_MEDIA_EMPTY, &new, 1);
	assert_path(f, 0, "m.bin", "weight");
	reads(f, "", MR_MEDIA_EMPTY, &new, 1);
	assert_path(f, 0, "../m.bin", "weight");
	assert_false(f->items[0].climbed);
}

static void a_tar_that_nobody_knows_is_no_model(void **state)
{
	static const struct given chart = {
		"application/vnd.cncf.helm.chart.content.v1.tar+gzip", ""
	};
	struct fixture *f = *state;

	parse(f, "", "application/vnd.cncf.helm.config.v1+json", &chart, 1);
	assert_code(MREG_EUNSUPPORTED,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
}

/* -- images -----------------------------------------------------------------
 */

static void layers_of_images_are_laid_over_each_other(void **state)
{
	static const struct given given[] = {
		{ OCI_LAYER, ",'annotations':{" TITLE ":'m.bin'}" },
		{ OCI_LAYER "+zstd", "" },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", "" },
	};
	static const char *const configs[] = { OCI_CONFIG, DOCKER_IMAGE };
	struct fixture *f = *state;
	size_t i, k;

	for (i = 0; i < MR_COUNT(configs); i++) {
		reads(f, "", configs[i], given, 3);
		for (k = 0; k < 3; k++) {
			assert_int_equal(f->items[k].form, MR_FORM_IMAGE);
			assert_true(f->items[k].archive);
			assert_false(f->items[k].coded);
		}
	}
	/* With an artifact type it is what that says. */
	reads(f, "'artifactType':'application/x',", OCI_CONFIG, given, 1);
	assert_path(f, 0, "m.bin", "");
}

/* -- indexes ----------------------------------------------------------------
 */

static void labels_tell_children_apart(void **state)
{
	MR_AUTO(mr_list_release) struct mr_list l = { .n = 0 };
	MR_AUTO(mr_list_release) struct mr_list other = { .n = 0 };
	struct fixture *f = *state;

	put(f,
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kit_says_form_and_compression_in_the_type),
		TEST(kit_names_raw_layers_in_the_kitfile),
		TEST(a_raw_layer_the_kitfile_does_not_know_is_an_error),
		TEST(a_kitfile_beside_the_config_names_raw_layers),
		TEST(docker_v01_has_names_by_kind),
		TEST(docker_v01_counts_shards),
		TEST(docker_v02_has_paths),
		TEST(ollama_has_names_by_kind),
		TEST(cog_lists_every_file_in_its_config),
		TEST(cogs_set_digest_is_checked_both_ways),
		TEST(oras_and_regctl_pack_folders_differently),
		TEST(olots_modelpack_has_the_images_folder),
		TEST(sniffed_types_are_files),
		TEST(climbs_only_for_old_modctl),
		TEST(a_tar_that_nobody_knows_is_no_model),
		TEST(layers_of_images_are_laid_over_each_other),
		TEST(labels_tell_children_apart),
		TEST(knows_the_types_of_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
