/*
 * run.c - an MLflow run as its file store keeps it: mlruns/EXPERIMENT/RUN
 * (mlflow/store/tracking/file_store.py).
 */
#include "document/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/fields.h"
#include "document/run.h"

#define OWN_TAGS "mlflow."
/* What one value of metadata may be (spec/metadata.md). */
#define VALUE_MAX_BYTES (64u << 10)

struct run {
	int dir;                /* its folder */
	const char *path;       /* as given, for messages */
	struct mr_arena *arena; /* borrowed */
	struct mr_run *out;
};

/* -- opening ----------------------------------------------------------------
 */

static int fail_no_run(const char *path, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EFORMAT, "'%s' is no MLflow run", path);
	return mr_hint(
		err,
		"name the folder of a run, mlruns/EXPERIMENT/RUN, or the %s in it",
		MR_RUN_META);
}

/* The folder that a meta.yaml lies in. */
static int open_parent(const char *path, int *out, struct mreg_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	MR_AUTO(mr_free) char *parent = NULL;

	if (strcmp(slash ? slash + 1 : path, MR_RUN_META) != 0)
		return fail_no_run(path, err);
	if (!slash)
		parent = mr_strdup(".");
	else
		parent = mr_strndup(path, n > 0 ? n : 1);
	if (!parent)
		return mr_fail_nomem(err);
	*out = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? mr_fail_sys(err, errno, "cannot open '%s'", parent)
			: 0;
}

static int open_run(const char *path, int *out, struct mreg_error *err)
{
	struct stat st;
	MR_AUTO(mr_fd_close)
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot open '%s'", path);
	if (S_ISREG(st.st_mode))
		return open_parent(path, out, err);
	if (!S_ISDIR(st.st_mode))
		return fail_no_run(path, err);
	*out = fd;
	fd = -1;
	return 0;
}

/* -- meta.yaml ---------------------------------------------------------------
 */

static bool is_deleted(const struct mr_node *stage)
{
	const char *text = mr_node_text(stage);

	return text && strcmp(text, "deleted") == 0;
}

/* `meta` is NULL for one without fields. */
static int check_meta(const struct run *r, const struct mr_node *meta,
		      struct mreg_error *err)
{
	if (r->out->id)
		return 0;
	if (!mr_node_get(meta, "artifact_location"))
		return fail_no_run(r->path, err);
	(void)mr_fail(err, MREG_EFORMAT, "'%s' is an MLflow experiment, no run",
		      r->path);
	return mr_hint(err, "name the folder of one of its runs");
}

static int read_meta(struct run *r, struct mr_arena *tree,
		     struct mreg_error *err)
{
	const struct mr_node *meta;
	const char *trouble;
	bool found;
	int rc = mr_run_yaml(r->dir, MR_RUN_META, tree, r->arena, &found, &meta,
			     &trouble, err);

	if (rc < 0)
		return rc;
	if (!found) {
		(void)mr_fail(err, MREG_ENOTFOUND, "no readable %s in '%s'",
			      MR_RUN_META, r->path);
		return mr_hint(
			err, "name the folder of a run, mlruns/EXPERIMENT/RUN");
	}
	if (trouble)
		return mr_fail(err, MREG_EFORMAT,
			       "cannot read MLflow run '%s': %s", r->path,
			       trouble);
	r->out->id = mr_fields_text(r->arena, meta, "run_id");
	if (!r->out->id) /* before MLflow 1 */
		r->out->id = mr_fields_text(r->arena, meta, "run_uuid");
	r->out->deleted = is_deleted(mr_node_get(meta, "lifecycle_stage"));
	rc = mr_fields_end(r->arena, err);
	return rc < 0 ? rc : check_meta(r, meta, err);
}

/* -- params, metrics, tags ---------------------------------------------------
 */

/* A value as it was written, but for line ends: those at the end go, others
 * become line feeds.  NULL: unfit. */
static const char *read_value(const struct run *r, const struct mr_buf *bytes)
{
	char *value =
		mr_arena_strndup(r->arena, mr_buf_text(bytes), bytes->len);
	size_t len = 0;
	size_t i;

	if (!value || memchr(mr_buf_text(bytes), '\0', bytes->len))
		return NULL;
	for (i = 0; value[i]; i++)
		if (value[i] != '\r' || value[i + 1] != '\n')
			value[len++] = value[i];
	while (len > 0 && value[len - 1] == '\n')
		len--;
	value[len] = '\0';
	return mr_fields_is_clean(value, len, true) ? value : NULL;
}

/* The text of the file `name` in `folder`; NULL: it has none to give. */
static int load_value(const struct run *r, const char *folder, const char *name,
		      const char **out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(VALUE_MAX_BYTES);
	char path[MR_RUN_PATH_BYTES];
	bool found = false;
	int rc = mr_path_join(path, sizeof(path), folder, name, err);

	*out = NULL;
	if (rc == 0)
		rc = mr_run_load(r->dir, path, &bytes, &found, err);
	if (rc < 0 || !found)
		return rc;
	*out = read_value(r, &bytes);
	return mr_fields_end(r->arena, err);
}

static int load_metric(const struct run *r, const char *folder,
		       const char *name, const char **out,
		       struct mreg_error *err)
{
	char value[MR_RUN_NUMBER_BYTES];
	char path[MR_RUN_PATH_BYTES];
	bool found = false;
	int rc = mr_path_join(path, sizeof(path), folder, name, err);

	*out = NULL;
	if (rc == 0)
		rc = mr_run_metric(r->dir, path, value, &found, err);
	if (rc < 0 || !found)
		return rc;
	*out = mr_arena_strdup(r->arena, value);
	return mr_fields_end(r->arena, err);
}

typedef int (*load_fn)(const struct run *r, const char *folder,
		       const char *name, const char **out,
		       struct mreg_error *err);

/* One pair for each file below `folder`, by name; the names of those without a
 * value into `lost`, unless that is NULL. */
static int read_pairs(const struct run *r, const char *folder, load_fn load,
		      struct mreg_pair **out, size_t *count,
		      struct mr_words *lost, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { 0 };
	struct mreg_pair *pairs;
	const char *value;
	size_t i;
	int rc = mr_run_names(r->dir, folder, &names, err);

	if (rc < 0)
		return rc;
	pairs = mr_arena_alloc(r->arena, names.n * sizeof(*pairs));
	if (lost)
		lost->items = mr_arena_alloc(r->arena,
					     names.n * sizeof(*lost->items));
	if (!pairs || (lost && !lost->items))
		return mr_fail_nomem(err);
	*out = pairs;
	for (i = 0; i < names.n; i++) {
		rc = load(r, folder, names.items[i], &value, err);
		if (rc < 0)
			return rc;
		if (value) {
			pairs[*count].name =
				mr_arena_strdup(r->arena, names.items[i]);
			pairs[(*count)++].value = value;
		} else if (lost) {
			lost->items[lost->n++] =
				mr_arena_strdup(r->arena, names.items[i]);
		}
	}
	return mr_fields_end(r->arena, err);
}

/* What MLflow keeps as tags of its own leaves the tags; some of it are fields
 * of ours. */
static void sort_out_tags(struct mr_run *run, struct mr_arena *a)
{
	const struct {
		const char *name;
		const char **field;
		bool lines;
	} known[] = {
		{ "mlflow.note.content", &run->description, true },
		{ "mlflow.source.git.commit", &run->revision, false },
		{ "mlflow.source.git.repoURL", &run->source, false },
	};
	size_t kept = 0;
	size_t i;
	size_t k;

	for (i = 0; i < run->tag_count; i++) {
		for (k = 0; k < MR_COUNT(known); k++)
			if (strcmp(known[k].name, run->tags[i].name) == 0 &&
			    !*known[k].field)
				*known[k].field =
					known[k].lines
						? run->tags[i].value
						: mr_fields_line(
							  a,
							  run->tags[i].value);
		if (!mr_text_starts(run->tags[i].name, OWN_TAGS))
			run->tags[kept++] = run->tags[i];
	}
	run->tag_count = kept;
}

/* -- the run -----------------------------------------------------------------
 */

static int read_run(struct run *r, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *tree = mr_arena_new(MR_YAML_ARENA_BYTES);
	struct mr_run *out = r->out;
	int rc;

	if (!tree)
		return mr_fail_nomem(err);
	rc = read_meta(r, tree, err);
	if (rc == 0)
		rc = read_pairs(r, "params", load_value, &out->params,
				&out->param_count, NULL, err);
	if (rc == 0)
		rc = read_pairs(r, "metrics", load_metric, &out->metrics,
				&out->metric_count, &out->lost, err);
	if (rc == 0)
		rc = read_pairs(r, "tags", load_value, &out->tags,
				&out->tag_count, NULL, err);
	if (rc < 0)
		return rc;
	sort_out_tags(out, r->arena);
	rc = mr_run_inputs(r->dir, r->arena, out, err);
	return rc < 0 ? rc : mr_fields_end(r->arena, err);
}

int mr_run_read(const char *path, struct mr_arena *a, struct mr_run *out,
		struct mreg_error *err)
{
	struct run r = { .dir = -1, .path = path, .arena = a, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = open_run(path, &r.dir, err);
	if (rc == 0)
		rc = read_run(&r, err);
	mr_fd_close(&r.dir);
	return rc;
}
