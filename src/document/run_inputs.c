/*
 * run_inputs.c - the data sets that an MLflow run was given.
 *
 * RUN/inputs/ID/meta.yaml names one by its id; EXPERIMENT/datasets/ID/meta.yaml
 * describes it (mlflow/store/tracking/file_store.py).
 */
#include "document/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/fields.h"

/* As many as MLflow takes at once (MAX_DATASETS_PER_BATCH); each is two files
 * to parse. */
#define INPUTS_MAX 1000

int mr_run_yaml(int dir, const char *path, struct mr_arena *tree,
		struct mr_arena *a, bool *found, const struct mr_node **root,
		const char **trouble, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_PARSED_FILE_MAX_BYTES);
	int rc = mr_run_load(dir, path, &bytes, found, err);

	*root = NULL;
	*trouble = NULL;
	if (rc < 0 || !*found)
		return rc;
	return mr_fields_open(mr_buf_text(&bytes), bytes.len, MR_RUN_META, tree,
			      a, root, trouble, err);
}

/* A text of a JSON object. */
static const char *json_text(struct mr_arena *a, const json_t *j,
			     const char *key)
{
	return mr_fields_line(a, json_string_value(json_object_get(j, key)));
}

/* MLflow keeps as JSON where a data set came from; the fields are those of
 * its kinds of sources (mlflow/data/). */
static int read_uri(struct mr_arena *a, const struct mr_node *dataset,
		    const char **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *source = NULL;
	const char *text = mr_node_text(mr_node_get(dataset, "source"));
	const char *type = mr_node_text(mr_node_get(dataset, "source_type"));
	struct mreg_error why = MREG_ERROR_INIT;
	const char *revision;

	if (!text)
		return 0;
	if (mr_json_parse(text, strlen(text), MR_PARSED_FILE_MAX_BYTES,
			  "source", &source, &why) == MREG_ENOMEM)
		return mr_fail_nomem(err);
	*out = json_text(a, source, "uri");
	if (!*out)
		*out = json_text(a, source, "url");
	if (*out)
		return 0;
	*out = json_text(a, source, "path");
	if (!*out || !type || strcmp(type, "hugging_face") != 0)
		return 0;
	revision = json_text(a, source, "revision");
	*out = mr_arena_printf(a, "hf://datasets/%s%s%s", *out,
			       revision ? "@" : "", revision ? revision : "");
	return 0;
}

/* The description of the data set `id`; `*out` stays NULL if there is none. */
static int load_dataset(int experiment, const char *id, struct mr_arena *tree,
			struct mr_arena *a, const struct mr_node **out,
			struct mreg_error *err)
{
	char path[MR_RUN_PATH_BYTES];
	const char *trouble;
	bool found;

	*out = NULL;
	if (!id || strchr(id, '/') || strlen(id) > sizeof(path) / 2)
		return 0;
	(void)snprintf(path, sizeof(path), "datasets/%s/" MR_RUN_META, id);
	return mr_run_yaml(experiment, path, tree, a, &found, out, &trouble,
			   err);
}

/* `path` is an input's meta.yaml; `in->name` stays NULL where it names no data
 * set. */
static int read_input(int dir, int experiment, const char *path,
		      struct mr_arena *a, struct mr_run_input *in,
		      struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *tree = mr_arena_new(2 * MR_YAML_ARENA_BYTES);
	const struct mr_node *dataset;
	const struct mr_node *input;
	const char *trouble;
	const char *type;
	bool found;
	int rc;

	memset(in, 0, sizeof(*in));
	if (!tree)
		return mr_fail_nomem(err);
	rc = mr_run_yaml(dir, path, tree, a, &found, &input, &trouble, err);
	type = rc < 0 ? NULL : mr_node_text(mr_node_get(input, "source_type"));
	if (!type || strcmp(type, "DATASET") != 0)
		return rc; /* a model */
	rc = load_dataset(experiment,
			  mr_node_text(mr_node_get(input, "source_id")), tree,
			  a, &dataset, err);
	if (rc < 0)
		return rc;
	in->name = mr_fields_text(a, dataset, "name");
	in->digest = mr_fields_text(a, dataset, "digest");
	in->context = mr_fields_text(a, mr_node_get(input, "tags"),
				     "mlflow.data.context");
	return read_uri(a, dataset, &in->uri, err);
}

static int by_name(const void *a, const void *b)
{
	const struct mr_run_input *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order
		     : strcmp(x->digest ? x->digest : "",
			      y->digest ? y->digest : "");
}

int mr_run_inputs(int dir, struct mr_arena *a, struct mr_run *out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { 0 };
	MR_AUTO(mr_fd_close)
	int experiment = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[MR_RUN_PATH_BYTES];
	size_t i;
	int rc = mr_run_names(dir, "inputs", &names, err);

	if (rc < 0 || experiment < 0)
		return rc;
	out->inputs = mr_arena_alloc(a, names.n * sizeof(*out->inputs));
	if (!out->inputs)
		return mr_fail_nomem(err);
	for (i = 0; i < names.n && out->input_count < INPUTS_MAX; i++) {
		if (!mr_text_ends(names.items[i], "/" MR_RUN_META))
			continue;
		rc = mr_path_join(path, sizeof(path), "inputs", names.items[i],
				  err);
		if (rc == 0)
			rc = read_input(dir, experiment, path, a,
					&out->inputs[out->input_count], err);
		if (rc < 0)
			return rc;
		out->input_count += out->inputs[out->input_count].name != NULL;
	}
	if (out->input_count > 1)
		qsort(out->inputs, out->input_count, sizeof(*out->inputs),
		      by_name);
	return mr_fields_end(a, err);
}
