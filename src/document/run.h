/*
 * document/run.h - the files below an MLflow run's folder; private to the
 * folder.
 *
 * Nothing here follows a link or opens anything but folders and regular files,
 * so a run's folder from elsewhere cannot make us read what is not in it, nor
 * wait on a pipe.
 */
#ifndef MR_DOCUMENT_RUN_H
#define MR_DOCUMENT_RUN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "document/document.h"
#include "document/node.h"

#define MR_RUN_META "meta.yaml"
/* "inputs/", a name, and what may be behind it. */
#define MR_RUN_PATH_BYTES 600
/* A number as text, with NUL. */
#define MR_RUN_NUMBER_BYTES 64

/* The names of the files below `folder` of `dir`, sorted; MLflow makes folders
 * of a name with slashes.  Links, hidden files and what no name of MLflow's can
 * be are left out; no such folder: no names.  MREG_ELIMIT. */
int mr_run_names(int dir, const char *folder, struct mr_list *out,
		 struct mreg_error *err);

/* A whole file; `*found` is false when there is none, it is no regular file,
 * larger than `out` may hold, or cannot be read.  MREG_ENOMEM. */
int mr_run_load(int dir, const char *path, struct mr_buf *out, bool *found,
		struct mreg_error *err);

/* The value of a metric's history that MLflow shows for the metric; `*found`
 * is false also when that is no finite number. */
int mr_run_metric(int dir, const char *path, char value[MR_RUN_NUMBER_BYTES],
		  bool *found, struct mreg_error *err);

/* A YAML file of fields (run_inputs.c): `found` as above; `*root` is NULL when
 * it is not there, empty, or cannot be read, which `*trouble` (in `a`) says. */
int mr_run_yaml(int dir, const char *path, struct mr_arena *tree,
		struct mr_arena *a, bool *found, const struct mr_node **root,
		const char **trouble, struct mreg_error *err);

/* `out->inputs`, of the run whose folder `dir` is. */
int mr_run_inputs(int dir, struct mr_arena *a, struct mr_run *out,
		  struct mreg_error *err);

#endif
