/*
 * test_layers_fixed.c - layers whose names follow from their types (peers.md
 * 6.5): Docker, Ollama.
 */
#include "tests/support/test.h"

#include "tests/support/layers_fixture.h"

#define DOCKER_IMAGE "application/vnd.docker.container.image.v1+json"
#define DOCKER "application/vnd.docker.ai."
#define OLLAMA "application/vnd.ollama.image."

/* -- Docker -------------------------------------------------------------- */

#define DOCKER_V1 DOCKER "model.config.v0.1+json"
#define DOCKER_V2 DOCKER "model.config.v0.2+json"

static void docker_v01_has_names_by_kind(void **state)
{
	static const struct layer_given given[] = {
		{ DOCKER "gguf.v3", "" },
		{ DOCKER "mmproj", "" },
		{ DOCKER "chat.template.jinja", "" },
		{ DOCKER "license", "" },
		{ DOCKER "license", "" },
		{ DOCKER "vllm.config.tar", "" },
		{ DOCKER "dir.tar", "" },
	};
	struct layers_fixture *f = *state;

	layers_read(f, "", DOCKER_V1, given, 7);
	assert_false(mr_model_wants_config(f->m));
	layers_are(f, 0, "model.gguf", "weight");
	layers_are(f, 1, "model.mmproj", "weight");
	layers_are(f, 2, "template.jinja", "weight.config");
	layers_are(f, 3, "LICENSE", "doc");
	layers_are(f, 4, "LICENSE-2", "doc");
	assert_int_equal(f->items[5].form, MR_FORM_TAR);
	assert_int_equal(f->items[6].form, MR_FORM_TAR);
	assert_false(f->items[6].coded);
}

static void docker_v01_counts_shards(void **state)
{
	static const struct layer_given given[] = {
		{ DOCKER "safetensors", "" },
		{ DOCKER "license", "" },
		{ DOCKER "safetensors", "" },
	};
	struct layers_fixture *f = *state;

	layers_read(f, "", DOCKER_V1, given, 3);
	layers_are(f, 0, "model-00001-of-00002.safetensors", "weight");
	layers_are(f, 1, "LICENSE", "doc");
	layers_are(f, 2, "model-00002-of-00002.safetensors", "weight");
}

static void docker_v02_has_paths(void **state)
{
	static const struct layer_given given[] = {
		{ DOCKER "gguf.v3",
		  ",'annotations':{'org.cncf.model.filepath':'q/m.gguf'}" },
		{ DOCKER "model.file",
		  ",'annotations':{'org.cncf.model.filepath':'c.json'}" },
	};
	static const struct layer_given bad = { DOCKER "model.file", "" };
	struct layers_fixture *f = *state;

	layers_read(f, "", DOCKER_V2, given, 2);
	layers_are(f, 0, "q/m.gguf", "weight");
	layers_are(f, 1, "c.json", "");
	layers_parse(f, "", DOCKER_V2, &bad, 1);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
}

/* -- Ollama -------------------------------------------------------------- */

static void ollama_has_names_by_kind(void **state)
{
	static const struct layer_given given[] = {
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
	static const struct layer_given bad = { OLLAMA "tensor", "" };
	struct layers_fixture *f = *state;

	layers_read(f, "", DOCKER_IMAGE, given, 9);
	layers_are(f, 0, "model.gguf", "weight");
	layers_are(f, 1, "projector.gguf", "weight");
	layers_are(f, 2, "template", "weight.config");
	layers_are(f, 3, "params.json", "weight.config");
	layers_are(f, 4, "license", "doc");
	layers_are(f, 5, "license-2", "doc");
	layers_are(f, 6, "system", "weight.config");
	layers_are(f, 7, "params-2.json", "weight.config");
	layers_are(f, 8, "blk.0.attn", "weight");
	layers_parse(f, "", DOCKER_IMAGE, &bad, 1);
	assert_code(MREG_EFORMAT,
		    mr_model_layers(f->m, &f->items, &f->n, &f->err), f->err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(docker_v01_has_names_by_kind,
						layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(docker_v01_counts_shards,
						layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(docker_v02_has_paths,
						layers_setup, layers_teardown),
		cmocka_unit_test_setup_teardown(ollama_has_names_by_kind,
						layers_setup, layers_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
