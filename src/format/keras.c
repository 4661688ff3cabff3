/*
 * keras.c - Keras's description of a model: its class, and what in it runs
 * code when the model is loaded.
 *
 * A configuration is JSON in which every object of a class is {"class_name",
 * "config"} and, since Keras 3, "module", which is imported
 * (keras/src/saving/serialization_lib.py).  Lambda layers carry Python's byte
 * code.  Keras's own "safe mode" was led past several times (CVE-2025-1550,
 * 8747, 9905, 9906, 49655), so what is not known to be Keras's own is told.
 */
#include "format/zip.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define METADATA_MAX_BYTES (64u << 10)
/* More different ones say nothing new. */
#define UNSAFE_MAX 100
#define TEXT_BYTES 512

/* Classes that run what their configuration says: byte code, a pickle, a
 * function of TensorFlow's by its name, a saved graph. */
static const char *const code_classes[] = {
	"Lambda",
	"__lambda__",
	"TFOpLambda",
	"FlaxLayer",
	"SlicingOpLambda",
	"TFSMLayer",
	"JaxLayer",
	"TensorFlowOpLayer",
	"TorchModuleWrapper",
	"TFClassMethodDispatcher",
};

struct module {
	const char *name;
	bool functions; /* those of it are harmless too */
};

/* Below "keras", "keras.src" or "tf_keras.src". */
static const struct module modules[] = {
	{ "activations", true },     { "constraints", true },
	{ "dtype_policies", false }, { "engine", false },
	{ "initializers", true },    { "layers", false },
	{ "losses", true },          { "metrics", true },
	{ "models", false },         { "ops", false },
	{ "optimizers", false },     { "random", false },
	{ "regularizers", true },
};

/* Functions are written as {"module": "builtins", "class_name": "function",
 * "config": NAME}; a name that is none of Keras's is looked for among Python's
 * own.  Of keras.activations, losses and metrics (3.9). */
static const char functions[] =
	" accuracy binary_accuracy binary_crossentropy "
	"binary_focal_crossentropy categorical_accuracy "
	"categorical_crossentropy categorical_focal_crossentropy "
	"categorical_hinge celu circle cosine_similarity ctc dice elu "
	"exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish "
	"hard_tanh hinge huber kl_divergence kld leaky_relu linear log_cosh "
	"log_sigmoid log_softmax logcosh mae mape mean_absolute_error "
	"mean_absolute_percentage_error mean_squared_error "
	"mean_squared_logarithmic_error mish mse msle poisson relu relu6 selu "
	"sigmoid silu soft_shrink softmax softplus softsign "
	"sparse_categorical_accuracy sparse_categorical_crossentropy "
	"sparse_plus sparse_sigmoid sparse_top_k_categorical_accuracy "
	"sparsemax squared_hinge squareplus swish tanh tanh_shrink threshold "
	"top_k_categorical_accuracy tversky ";

struct config {
	struct mr_cursor *c;
	struct mr_facts *out;
};

static bool runs_code(const char *type)
{
	size_t i;

	for (i = 0; i < MR_COUNT(code_classes); i++)
		if (strcmp(type, code_classes[i]) == 0)
			return true;
	return false;
}

/* What follows `prefix` and a point; NULL if it does not begin so. */
static const char *below(const char *module, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(module, prefix, n) != 0 || module[n] != '.')
		return NULL;
	return module + n + 1;
}

static bool is_function(const char *name)
{
	const char *at = name && *name && !strchr(name, ' ')
				 ? strstr(functions, name)
				 : NULL;

	while (at && (at[-1] != ' ' || at[strlen(name)] != ' '))
		at = strstr(at + 1, name);
	return at != NULL;
}

/* `name`: of a function, what its "config" says; else NULL. */
static bool is_known(const char *module, const char *type, const char *name)
{
	bool function = strcmp(type, "function") == 0;
	const char *part = below(module, "keras.src");
	size_t i;

	if (strcmp(module, "builtins") == 0)
		return function && is_function(name);
	/* What begins with a small letter is a function under another name. */
	if (!function && (*type < 'A' || *type > 'Z'))
		return false;
	if (strcmp(module, "keras") == 0)
		return !function;
	if (!part)
		part = below(module, "tf_keras.src");
	if (!part)
		part = below(module, "keras");
	for (i = 0; part && i < MR_COUNT(modules); i++) {
		size_t n = strlen(modules[i].name);

		if (strncmp(part, modules[i].name, n) == 0 &&
		    (part[n] == '\0' || part[n] == '.'))
			return !function || modules[i].functions;
	}
	return false;
}

/* False if it is there already, or enough are. */
static bool note(struct config *k, const char *text)
{
	struct mr_words *unsafe = &k->out->unsafe;
	char safe[2 * TEXT_BYTES];
	const char *kept;
	size_t i;

	mr_text_safe(text, safe, sizeof(safe));
	for (i = 0; i < unsafe->n; i++)
		if (strcmp(unsafe->items[i], safe) == 0)
			return false;
	if (unsafe->n >= UNSAFE_MAX)
		return false;
	kept = mr_keep_text(k->c, safe, strlen(safe));
	mr_keep_word(k->c, unsafe, kept);
	mr_keep_word(k->c, &k->out->globals, kept);
	return true;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void check_code(struct config *k, const char *type)
{
	if (runs_code(type) && note(k, type))
		mr_keep_warning(k->c, k->out,
				"objects of class '%s' run code when the model "
				"is loaded",
				type);
}

static void look(struct config *k, const json_t *object)
{
	const char *type = text_of(object, "class_name");
	const char *module = text_of(object, "module");
	const char *name = text_of(object, "config");
	const char *registered = text_of(object, "registered_name");
	char text[TEXT_BYTES];

	if (!type)
		return;
	check_code(k, type);
	/* Where there is no such class this is looked for ("PACKAGE>NAME"). */
	if (registered)
		check_code(k, strrchr(registered, '>')
				      ? strrchr(registered, '>') + 1
				      : registered);
	if (!module || is_known(module, type, name))
		return;
	if (strcmp(type, "function") == 0 && name)
		type = name;
	(void)snprintf(text, sizeof(text), "%s %s", module, type);
	if (note(k, text))
		mr_keep_warning(k->c, k->out,
				"the model's configuration imports '%s', which "
				"is not known to be safe",
				text);
}

/* mr_json_parse has bounded the depth. */
static void walk(struct config *k, json_t *j)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(j))
		look(k, j);
	json_object_foreach(j, key, value)
	{
		walk(k, value);
	}
	json_array_foreach(j, i, value)
	{
		walk(k, value);
	}
}

/* NULL with trouble, if `must`, or out of memory. */
static json_t *parse(struct mr_cursor *c, const void *bytes, size_t n,
		     const char *what, bool must)
{
	struct mreg_error why = MREG_ERROR_INIT;
	json_t *j = NULL;
	int rc = mr_json_parse(bytes, n, MR_KERAS_CONFIG_MAX_BYTES, what, &j,
			       &why);

	if (rc == MREG_ENOMEM)
		c->rc = mr_fail_nomem(c->err);
	else if (rc < 0 && must)
		mr_cursor_fail(c, "cannot be inspected: %s", why.msg);
	return j;
}

void mr_keras_config(struct mr_cursor *c, const void *json, size_t n,
		     const char *what, struct mr_facts *out)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	struct config k = { .c = c, .out = out };
	const char *type;
	const char *name;

	j = parse(c, json, n, what, true);
	if (!j)
		return;
	type = text_of(j, "class_name");
	name = text_of(json_object_get(j, "config"), "name");
	if (!type)
		mr_cursor_fail(c,
			       "cannot be inspected: %s does not say of which "
			       "class the model is",
			       what);
	else
		out->architecture = mr_keep_text(c, type, strlen(type));
	if (name)
		out->name = mr_keep_text(c, name, strlen(name));
	walk(&k, j);
	mr_words_sort(&out->globals);
	mr_words_sort(&out->unsafe);
}

static void read_metadata(struct mr_zip *z, const struct mr_zip_member *m,
			  struct mr_facts *out)
{
	MR_AUTO(mr_free) unsigned char *bytes = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	const char *version;

	bytes = mr_zip_load(z, m, METADATA_MAX_BYTES);
	if (!bytes)
		return;
	j = parse(z->c, bytes, (size_t)m->size, "metadata.json", false);
	version = text_of(j, "keras_version");
	if (version)
		out->producer = mr_keep_printf(z->c, "keras %s", version);
}

void mr_keras_read(struct mr_zip *z, struct mr_facts *out)
{
	const struct mr_zip_member *config = mr_zip_find(z, "config.json");
	const struct mr_zip_member *metadata = mr_zip_find(z, "metadata.json");
	MR_AUTO(mr_free) unsigned char *bytes = NULL;

	if (!config)
		return;
	bytes = mr_zip_load(z, config, MR_KERAS_CONFIG_MAX_BYTES);
	if (bytes)
		mr_keras_config(z->c, bytes, (size_t)config->size,
				"config.json", out);
	if (metadata && !mr_cursor_over(z->c))
		read_metadata(z, metadata, out);
}
