/*
 * test_role.c - the rules of spec/roles.json on names that real models have.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "model/model.h"

#define MIB ((uint64_t)1 << 20)

static int fresh(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_roles *r = NULL;

	assert_ok(mr_roles_new(&r, &err), err);
	*state = r;
	return 0;
}

static int gone(void **state)
{
	mr_roles_free(*state);
	return 0;
}

static void plays(struct mr_roles *r, const char *path, uint64_t size,
		  const char *kind, const char *role)
{
	const char *got = mr_role_name(mr_role_of(r, path, size, kind));

	if (strcmp(got, role) != 0)
		fail_msg("'%s' is '%s', not '%s'", path, got, role);
}

/* modctl sorts the MiniLM folder so. */
static void sorts_a_hugging_face_folder(void **state)
{
	plays(*state, "model.safetensors", 90 * MIB, NULL, "weight");
	plays(*state, "config.json", 600, NULL, "weight.config");
	plays(*state, "1_Pooling/config.json", 190, NULL, "weight.config");
	plays(*state, "vocab.txt", 231508, NULL, "weight.config");
	plays(*state, "merges.txt", 456318, NULL, "weight.config");
	plays(*state, "tokenizer.json", 17 * MIB, NULL, "weight.config");
	plays(*state, "model.safetensors.index.json", 20000, NULL,
	      "weight.config");
	plays(*state, "chat_template.jinja", 300, NULL, "weight.config");
	plays(*state, "README.md", 10, NULL, "doc");
	plays(*state, "LICENSE", 10, NULL, "doc");
	plays(*state, "LICENSE.txt", 10, NULL, "doc");
	plays(*state, "notes.txt", 10, NULL, "doc");
	plays(*state, ".gitattributes", 10, NULL, "weight.config");
}

static void knows_a_tokenizer_from_weights_by_size(void **state)
{
	plays(*state, "tokenizer.model", 64 * MIB - 1, NULL, "weight.config");
	plays(*state, "xgb.model", 64 * MIB, NULL, "weight");
}

static void knows_weights_by_their_ending(void **state)
{
	static const char *const names[] = {
		"a.safetensors",
		"a.gguf",
		"pytorch_model.bin",
		"a.pt",
		"a.pth",
		"a.ckpt",
		"a.onnx",
		"a.onnx_data",
		"a.h5",
		"a.npz",
		"model.pkl",
		"a.tflite",
		"saved_model.pb",
		"A.SAFETENSORS",
		"d/e/f.jit",
		"variables/variables.data-00000-of-00001",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++)
		plays(*state, names[i], 1, NULL, "weight");
}

static void knows_code_and_documents(void **state)
{
	plays(*state, "src/modeling.py", 1, NULL, "code");
	plays(*state, "train.ipynb", 1, NULL, "code");
	plays(*state, "requirements.txt", 1, NULL, "code");
	plays(*state, "Dockerfile", 1, NULL, "code");
	plays(*state, "readme", 1, NULL, "doc");
	plays(*state, "plot.PNG", 1, NULL, "doc");
	plays(*state, "paper.pdf", 1, NULL, "doc");
}

static void knows_the_rest_by_size(void **state)
{
	plays(*state, "blob", 8 * MIB, NULL, "weight");
	plays(*state, "blob", 8 * MIB - 1, NULL, "weight.config");
	plays(*state, "empty", 0, NULL, "weight.config");
	plays(*state, "data.parquet", 9 * MIB, "prompt", "weight");
}

/* Endings are endings of the name, not of the path or its folders. */
static void looks_at_the_base_name_alone(void **state)
{
	plays(*state, "a.md/blob", 1, NULL, "weight.config");
	plays(*state, "a.py.safetensors", 1, NULL, "weight");
	plays(*state, "safetensors", 1, NULL, "weight.config");
	plays(*state, "vocab.txt/x.md", 1, NULL, "doc");
	plays(*state, "\xc3\xa4.GGUF", 1, NULL, "weight");
}

static void makes_weights_and_the_unknown_a_dataset(void **state)
{
	plays(*state, "train.parquet", 1, "dataset", "dataset");
	plays(*state, "train.csv", 9 * MIB, "dataset", "dataset");
	plays(*state, "x.npz", 1, "dataset", "dataset");
	plays(*state, "README.md", 1, "dataset", "doc");
	plays(*state, "dataset_info.json", 1, "dataset", "weight.config");
	plays(*state, "load.py", 1, "dataset", "code");
}

static void is_quick_for_thousands_of_files(void **state)
{
	struct mr_roles *r = *state;
	size_t i;

	for (i = 0; i < 100000; i++)
		assert_int_equal(mr_role_of(r, "d/file-0001.xyz", 5, NULL),
				 MR_ROLE_WEIGHT_CONFIG);
}

static void knows_a_card_by_its_name(void **state)
{
	(void)state;
	assert_true(mr_role_is_card("README.md", NULL));
	assert_true(mr_role_is_card("readme.MD", NULL));
	assert_true(mr_role_is_card("Model-Card.md", NULL));
	assert_false(mr_role_is_card("sub/README.md", NULL));
	assert_false(mr_role_is_card("README.md.bak", NULL));
	assert_false(mr_role_is_card("LICENSE", NULL));
}

/* Whatever the order in which they come. */
static void takes_the_best_card(void **state)
{
	(void)state;
	assert_true(mr_role_is_card("readme.md", "README"));
	assert_false(mr_role_is_card("README", "readme.md"));
	assert_true(mr_role_is_card("README.txt", "MODEL_CARD.md"));
	assert_true(mr_role_is_card("README.md", "readme.md"));
	assert_false(mr_role_is_card("readme.md", "README.md"));
	assert_false(mr_role_is_card("README.md", "README.md"));
	assert_false(mr_role_is_card("LICENSE", "modelcard.md"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_a_hugging_face_folder),
		cmocka_unit_test(knows_a_tokenizer_from_weights_by_size),
		cmocka_unit_test(knows_weights_by_their_ending),
		cmocka_unit_test(knows_code_and_documents),
		cmocka_unit_test(knows_the_rest_by_size),
		cmocka_unit_test(looks_at_the_base_name_alone),
		cmocka_unit_test(makes_weights_and_the_unknown_a_dataset),
		cmocka_unit_test(is_quick_for_thousands_of_files),
		cmocka_unit_test(knows_a_card_by_its_name),
		cmocka_unit_test(takes_the_best_card),
	};

	return cmocka_run_group_tests(tests, fresh, gone);
}
