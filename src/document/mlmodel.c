/*
 * mlmodel.c - MLflow's description of a model's folder (mlflow/models/model.py
 * writes it).
 */
#include "document/document.h"

#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "document/fields.h"

#define NAME "MLmodel"
/* The document, each part of its signature, and that once more as a whole. */
#define TREE_ARENA_BYTES (5 * MR_YAML_ARENA_BYTES)

/* A path below the folder of the MLmodel; NULL: it leaves it, or is unfit. */
static const char *read_path(struct mr_arena *a, const char *text)
{
	const char *path = mr_fields_line(a, text);
	const char *p = path;
	size_t n;

	while (p) {
		n = strcspn(p, "/");
		if (n == 0 || strchr(p, '\\') ||
		    (n <= 2 && strncmp(p, "..", n) == 0))
			return NULL;
		p = p[n] ? p + n + 1 : NULL;
	}
	return path;
}

static void read_flavors(const struct mr_node *flavors, struct mr_arena *a,
			 struct mr_words *out)
{
	const char *name;
	size_t i;

	if (!flavors || flavors->kind != MR_NODE_MAP)
		return;
	out->items = mr_arena_alloc(a, flavors->count * sizeof(*out->items));
	for (i = 0; out->items && i < flavors->count; i++) {
		name = mr_fields_line(a, flavors->items[i]->key);
		if (name) /* a map's items are sorted */
			out->items[out->n++] = name;
	}
}

/* Since MLflow 2 a map of what can make it, one file each; before, the file. */
static const char *read_environment(const struct mr_node *flavor,
				    struct mr_arena *a)
{
	const struct mr_node *env = mr_node_get(flavor, "env");
	const char *text = mr_node_text(env);

	if (!text)
		text = mr_node_text(mr_node_get(env, "conda"));
	if (!text)
		text = mr_node_text(mr_node_get(env, "virtualenv"));
	return read_path(a, text);
}

/* What a part of the signature is: MLflow writes JSON into a string.  `*out`
 * stays NULL when it is nothing of the kind. */
static int read_part(const struct mr_node *part, struct mr_arena *tree,
		     const struct mr_node **out, struct mreg_error *err)
{
	const char *text = mr_node_text(part);
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_node *parsed = NULL;
	int rc;

	if (part && part->kind != MR_NODE_SCALAR)
		*out = part;
	if (!text)
		return 0;
	rc = mr_node_parse_json(tree, text, strlen(text), NAME, &parsed, &why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc == 0 && parsed->kind != MR_NODE_SCALAR)
		*out = parsed;
	return 0;
}

static int read_signature(const struct mr_node *signature,
			  struct mr_arena *tree, struct mr_arena *a,
			  const char **out, struct mreg_error *err)
{
	static const char *const keys[] = { "inputs", "outputs", "params" };
	MR_AUTO(mr_buf_release)
	struct mr_buf json = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	struct mreg_error why = MREG_ERROR_INIT;
	const struct mr_node *part;
	struct mr_node *whole;
	size_t i;
	int rc;

	for (i = 0; i < MR_COUNT(keys); i++) {
		part = NULL;
		rc = read_part(mr_node_get(signature, keys[i]), tree, &part,
			       err);
		if (rc < 0)
			return rc;
		if (!part)
			continue;
		mr_buf_printf(&json, "%c\"%s\":", json.len > 0 ? ',' : '{',
			      keys[i]);
		mr_node_json(part, &json);
	}
	if (json.len == 0 && !json.failed)
		return 0;
	mr_buf_putc(&json, '}');
	rc = json.failed;
	/* Each part was within the limits; is the whole, for its readers? */
	if (rc == 0)
		rc = mr_node_parse_json(tree, json.data, json.len, NAME, &whole,
					&why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc == 0 && mr_fields_is_clean(json.data, json.len, false))
		*out = mr_arena_strndup(a, json.data, json.len);
	return 0;
}

int mr_mlmodel_read(const char *bytes, size_t n, struct mr_arena *a,
		    struct mr_mlmodel *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *tree = mr_arena_new(TREE_ARENA_BYTES);
	const struct mr_node *flavors;
	const struct mr_node *python;
	const struct mr_node *root = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!tree)
		return mr_fail_nomem(err);
	rc = mr_fields_open(bytes, n, NAME, tree, a, &root, &out->trouble, err);
	if (rc < 0 || out->trouble)
		return rc;
	flavors = mr_node_get(root, "flavors");
	python = mr_node_get(flavors, "python_function");
	read_flavors(flavors, a, &out->flavors);
	out->run_id = mr_fields_text(a, root, "run_id");
	out->environment = read_environment(python, a);
	rc = read_signature(mr_node_get(root, "signature"), tree, a,
			    &out->signature, err);
	return rc < 0 ? rc : mr_fields_end(a, err);
}
