/*
 * layers_fixed.c - formats whose layers have no names but kinds: Docker's model
 * format, and Ollama's.
 *
 * The names are those that Docker Model Runner gives such layers when it
 * unpacks them (docker/model-runner, pkg/distribution/internal/bundle), and
 * for Ollama what peers.md 6.5 says.
 */
#include "model/layer.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

#define DOCKER_CONFIG "application/vnd.docker.ai.model.config."
#define DOCKER_PREFIX "application/vnd.docker.ai."
#define OLLAMA_PREFIX "application/vnd.ollama.image."

struct kind {
	const char *suffix; /* of the type, behind the prefix */
	const char *name;   /* NULL: it has none by its kind */
	const char *role;
	enum mr_layer_form form;
};

static const struct kind docker[] = {
	{ "gguf.v3", "model.gguf", "weight", MR_FORM_FILE },
	{ "safetensors", "model.safetensors", "weight", MR_FORM_FILE },
	{ "dduf", "model.dduf", "weight", MR_FORM_FILE },
	{ "mmproj", "model.mmproj", "weight", MR_FORM_FILE },
	{ "chat.template.jinja", "template.jinja", "weight.config",
	  MR_FORM_FILE },
	{ "license", "LICENSE", "doc", MR_FORM_FILE },
	{ "model.file", NULL, "", MR_FORM_FILE },
	{ "vllm.config.tar", NULL, "weight.config", MR_FORM_TAR },
	{ "dir.tar", NULL, "", MR_FORM_TAR },
	{ NULL, NULL, "", MR_FORM_FILE },
};

static const struct kind ollama[] = {
	{ "model", "model.gguf", "weight", MR_FORM_FILE },
	{ "projector", "projector.gguf", "weight", MR_FORM_FILE },
	{ "adapter", "adapter.gguf", "weight", MR_FORM_FILE },
	{ "draft", "draft.gguf", "weight", MR_FORM_FILE },
	{ "tensor", NULL, "weight", MR_FORM_FILE },
	{ "embed", "embed", "weight", MR_FORM_FILE },
	{ "template", "template", "weight.config", MR_FORM_FILE },
	{ "system", "system", "weight.config", MR_FORM_FILE },
	{ "prompt", "prompt", "weight.config", MR_FORM_FILE },
	{ "params", "params.json", "weight.config", MR_FORM_FILE },
	{ "messages", "messages.json", "weight.config", MR_FORM_FILE },
	{ "json", NULL, "weight.config", MR_FORM_FILE },
	{ "license", "license", "doc", MR_FORM_FILE },
	{ NULL, NULL, "", MR_FORM_FILE },
};

/* The row of a type, the last one if it has none. */
static const struct kind *kind_of(const struct kind *rows, const char *prefix,
				  const char *type)
{
	size_t n = strlen(prefix);

	while (rows->suffix && !(mr_text_starts(type, prefix) &&
				 strcmp(type + n, rows->suffix) == 0))
		rows++;
	return rows;
}

/* How many layers have the type of layer `i`; `*before`: in front of it. */
static size_t count_type(const struct mr_manifest *m, size_t i, size_t *before)
{
	size_t n = 0;
	size_t k;

	for (k = 0; k < m->layer_count; k++) {
		if (k == i)
			*before = n;
		n += strcmp(m->layers[k].desc.media_type,
			    m->layers[i].desc.media_type) == 0;
	}
	return n;
}

/* "LICENSE", "LICENSE-2"; "params.json", "params-2.json". */
static int name_next(const struct mr_manifest *m, const char *name,
		     size_t before, const char **out, struct mreg_error *err)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot ? (size_t)(dot - name) : strlen(name);

	if (before == 0) {
		*out = name;
		return 0;
	}
	*out = mr_arena_printf(m->arena, "%.*s-%zu%s", (int)stem, name,
			       before + 1, name + stem);
	return *out ? 0 : mr_fail_nomem(err);
}

/* -- Docker ------------------------------------------------------------------
 */

bool mr_layer_is_docker(const struct mr_manifest *m)
{
	return mr_text_starts(m->config.desc.media_type, DOCKER_CONFIG);
}

/* "model.gguf" alone, "model-00001-of-00002.gguf" among others. */
static int name_docker(const struct mr_manifest *m, size_t i,
		       const struct kind *k, const char **out,
		       struct mreg_error *err)
{
	size_t before = 0;
	size_t n = count_type(m, i, &before);

	if (n == 1 || strcmp(k->role, "weight") != 0)
		return name_next(m, k->name, before, out, err);
	*out = mr_arena_printf(m->arena, "model-%05zu-of-%05zu%s", before + 1,
			       n, strrchr(k->name, '.'));
	return *out ? 0 : mr_fail_nomem(err);
}

int mr_layer_docker(struct mr_reading *r, size_t i, struct mr_model_layer *out,
		    struct mreg_error *err)
{
	const struct kind *k =
		kind_of(docker, DOCKER_PREFIX, out->desc.media_type);
	int rc;

	out->form = k->form;
	out->role = k->role;
	rc = mr_layer_annotated(r->m, i, out, err);
	if (rc < 0 || out->path || !k->name)
		return rc;
	return name_docker(r->m, i, k, &out->path, err);
}

/* -- Ollama ------------------------------------------------------------------
 */

bool mr_layer_is_ollama(const struct mr_manifest *m)
{
	size_t i;

	for (i = 0; i < m->layer_count; i++)
		if (mr_text_starts(m->layers[i].desc.media_type, OLLAMA_PREFIX))
			return true;
	return false;
}

/* The field `name` of a descriptor, which is Ollama's own: so it is in the
 * document's bytes only. */
static int name_of_descriptor(struct mr_reading *r, size_t i, const char **out,
			      struct mreg_error *err)
{
	const json_t *layers;
	const char *name;
	int rc = 0;

	if (!r->raw)
		rc = mr_json_parse(r->m->raw, r->m->raw_len,
				   MR_MANIFEST_MAX_BYTES, "the manifest",
				   &r->raw, err);
	if (rc < 0)
		return rc;
	layers = json_object_get(r->raw, "layers");
	name = json_string_value(
		json_object_get(json_array_get(layers, i), "name"));
	if (!name || !name[0])
		return 0;
	*out = mr_arena_strdup(r->m->arena, name);
	return *out ? 0 : mr_fail_nomem(err);
}

int mr_layer_ollama(struct mr_reading *r, size_t i, struct mr_model_layer *out,
		    struct mreg_error *err)
{
	const struct kind *k =
		kind_of(ollama, OLLAMA_PREFIX, out->desc.media_type);
	size_t before = 0;
	int rc;

	out->role = k->role;
	rc = mr_layer_annotated(r->m, i, out, err);
	if (rc == 0 && !out->path && !k->name)
		rc = name_of_descriptor(r, i, &out->path, err);
	if (rc < 0 || out->path || !k->name)
		return rc;
	(void)count_type(r->m, i, &before);
	return name_next(r->m, k->name, before, &out->path, err);
}
