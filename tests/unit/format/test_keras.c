/*
 * test_keras.c - what .keras files say of themselves, and what in them runs
 * code.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/weights_fixture.h"
#include "tests/support/zip_fixture.h"

#define METADATA                                                               \
	"{\"keras_version\": \"3.9.0\", \"date_saved\": \"2026-01-01\"}"
#define DENSE                                                                  \
	"{\"module\": \"keras.layers\", \"class_name\": \"Dense\", "           \
	"\"config\": {\"name\": \"l\"}}"
#define MODEL "{\"module\": \"keras\", \"class_name\": \"Model\"}"
#define LAMBDA "{\"module\": \"keras.layers\", \"class_name\": \"Lambda\"}"

/* A model of one layer. */
static void model(struct zip *z, const char *layer)
{
	char text[4096];

	memset(z, 0, sizeof(*z));
	snprintf(text, sizeof(text),
		 "{\"module\": \"keras\", \"class_name\": \"Sequential\", "
		 "\"config\": {\"name\": \"net\", \"layers\": [%s]}, "
		 "\"registered_name\": null}",
		 layer);
	z->deflate = true;
	z->zip64 = true;
	zip_text(z, "metadata.json", METADATA);
	zip_text(z, "config.json", text);
	zip_text(z, "model.weights.h5", "\211HDF\r\n\032\n");
	zip_end(z);
}

static void look(struct looked *l, const struct zip *z)
{
	facts_look(l, z->bytes, z->n, z->n, "model.keras");
	assert_int_equal(l->f.format, MR_FORMAT_KERAS);
}

static void says_version_class_and_name(void **state)
{
	struct zip z;
	struct looked l;

	(void)state;
	model(&z, DENSE);
	look(&l, &z);
	assert_null(l.f.trouble);
	assert_string_equal(l.f.producer, "keras 3.9.0");
	assert_string_equal(l.f.architecture, "Sequential");
	assert_string_equal(l.f.name, "net");
	assert_int_equal(l.f.unsafe.n, 0);
	assert_int_equal(l.f.warnings.n, 0);
	facts_release(&l);
}

/* Each is "" for what is safe. */
static void unsafe_is(const char *layer, const char *unsafe)
{
	struct zip z;
	struct looked l;

	model(&z, layer);
	look(&l, &z);
	assert_null(l.f.trouble);
	if (l.f.unsafe.n != (*unsafe ? 1u : 0u))
		fail_msg("%s: %zu", layer, l.f.unsafe.n);
	assert_int_equal(l.f.warnings.n, l.f.unsafe.n);
	if (*unsafe) {
		assert_string_equal(l.f.unsafe.items[0], unsafe);
		assert_string_equal(l.f.globals.items[0], unsafe);
		assert_has(l.f.warnings.items[0], unsafe);
	}
	facts_release(&l);
}

static void layer_is(const char *module, const char *type, const char *unsafe)
{
	char layer[512];

	snprintf(layer, sizeof(layer),
		 "{\"module\": \"%s\", \"class_name\": \"%s\", "
		 "\"config\": {\"name\": \"l\"}}",
		 module, type);
	unsafe_is(layer, unsafe);
}

static void layers_that_run_code_are_told(void **state)
{
	(void)state;
	layer_is("keras.layers", "Lambda", "Lambda");
	unsafe_is("{\"class_name\": \"Lambda\"}, {\"class_name\": \"Lambda\"}",
		  "Lambda");
	unsafe_is("{\"config\": {\"function\": {\"class_name\": "
		  "\"__lambda__\", \"config\": {\"code\": \"4wEA\"}}}}",
		  "__lambda__");
	layer_is("keras.layers", "TorchModuleWrapper", "TorchModuleWrapper");
	layer_is("keras.layers", "TFSMLayer", "TFSMLayer");
	layer_is("keras.layers", "TFOpLambda", "TFOpLambda");
	layer_is("keras.layers", "LambdaRank", "");
}

static void function_is(const char *module, const char *name,
			const char *unsafe)
{
	char layer[512];

	snprintf(layer, sizeof(layer),
		 "{\"class_name\": \"Dense\", \"config\": {\"activation\": "
		 "{\"module\": \"%s\", \"class_name\": \"function\", "
		 "\"config\": \"%s\", \"registered_name\": \"%s\"}}}",
		 module, name, name);
	unsafe_is(layer, unsafe);
}

static void modules_of_others_are_told(void **state)
{
	(void)state;
	layer_is("keras.src.models.functional", "Functional", "");
	layer_is("keras.optimizers.schedules", "CosineDecay", "");
	layer_is("tf_keras.src.engine.sequential", "Sequential", "");
	unsafe_is("{\"class_name\": \"Dense\", \"module\": null}", "");
	/* CVE-2025-1550 */
	layer_is("builtins", "eval", "builtins eval");
	layer_is("my.layers", "Dense", "my.layers Dense");
	layer_is("keras.utils", "Sequence", "keras.utils Sequence");
	layer_is("keras.models", "load_model", "keras.models load_model");
	layer_is("keras.layersx", "Dense", "keras.layersx Dense");
	layer_is("kerasx.layers", "Dense", "kerasx.layers Dense");
	layer_is("my.layers", "Mine\\n", "my.layers Mine\\x0a");
	/* A class of one name and a registered one that is looked for then. */
	unsafe_is("{\"module\": \"keras.src.layers.core.lambda_layer\", "
		  "\"class_name\": \"Dense\", "
		  "\"registered_name\": \"Lambda\"}",
		  "Lambda");
	unsafe_is("{\"class_name\": \"Dense\", "
		  "\"registered_name\": \"keras>Lambda\"}",
		  "Lambda");
}

static void functions_of_others_are_told(void **state)
{
	(void)state;
	function_is("builtins", "relu", "");
	function_is("builtins", "accuracy", "");
	function_is("builtins", "tversky", "");
	function_is("builtins", "kld", "");
	function_is("keras.activations", "relu", "");
	function_is("keras.src.losses.losses", "huber", "");
	function_is("builtins", "exec", "builtins exec");
	function_is("builtins", "rel", "builtins rel");
	function_is("builtins", "elu6", "builtins elu6");
	function_is("builtins", "tanh threshold", "builtins tanh threshold");
	function_is("builtins", "", "builtins ");
	function_is("os", "system", "os system");
	/* CVE-2025-8747, 9906 */
	function_is("keras.utils", "get_file", "keras.utils get_file");
	function_is("keras.config", "enable_unsafe_deserialization",
		    "keras.config enable_unsafe_deserialization");
	function_is("keras", "device", "keras device");
	function_is("keras.src.ops", "convert", "keras.src.ops convert");
}

static void a_broken_description_is_trouble(void **state)
{
	static const char *const configs[] = {
		"",
		"{",
		"[]",
		"{\"class_name\": 1}",
		"{\"class_name\": \"A\", \"class_name\": \"B\"}",
	};
	struct looked l;
	struct zip z;
	char *deep = malloc(2001);
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(configs); i++) {
		memset(&z, 0, sizeof(z));
		zip_text(&z, "config.json", configs[i]);
		zip_text(&z, "model.weights.h5", "");
		zip_end(&z);
		look(&l, &z);
		assert_non_null(l.f.trouble);
		assert_has(l.f.trouble, "cannot be inspected: ");
		assert_has(l.f.trouble, "config.json");
		facts_release(&l);
	}
	assert_non_null(deep);
	memset(deep, '[', 1000);
	memset(deep + 1000, ']', 1000);
	memset(&z, 0, sizeof(z));
	zip_add(&z, "config.json", deep, 2000);
	zip_text(&z, "metadata.json", METADATA);
	zip_end(&z);
	look(&l, &z);
	assert_has(l.f.trouble, "config.json");
	facts_release(&l);
	free(deep);
}

static void its_version_may_be_missing(void **state)
{
	static const char *const metadata[] = { "{}", "no json",
						"{\"keras_version\": 3}" };
	struct looked l;
	struct zip z;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(metadata); i++) {
		memset(&z, 0, sizeof(z));
		zip_text(&z, "config.json", MODEL);
		zip_text(&z, "metadata.json", metadata[i]);
		zip_end(&z);
		look(&l, &z);
		assert_null(l.f.trouble);
		assert_null(l.f.producer);
		assert_string_equal(l.f.architecture, "Model");
		facts_release(&l);
	}
}

static void a_pickle_in_it_is_looked_at(void **state)
{
	struct looked l;
	struct zip z = { 0 };

	(void)state;
	zip_text(&z, "config.json", LAMBDA);
	zip_text(&z, "metadata.json", METADATA);
	zip_text(&z, "data.pkl", "\200\002cos\nsystem\n)R.");
	zip_end(&z);
	facts_look(&l, z.bytes, z.n, z.n, "model.keras");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.unsafe.n, 2);
	assert_string_equal(l.f.unsafe.items[0], "Lambda");
	assert_string_equal(l.f.unsafe.items[1], "os system");
	facts_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_version_class_and_name),
		cmocka_unit_test(layers_that_run_code_are_told),
		cmocka_unit_test(modules_of_others_are_told),
		cmocka_unit_test(functions_of_others_are_told),
		cmocka_unit_test(a_broken_description_is_trouble),
		cmocka_unit_test(its_version_may_be_missing),
		cmocka_unit_test(a_pickle_in_it_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
