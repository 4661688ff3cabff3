/*
 * document/document.h - what the small documents beside a model's weights say:
 * model cards, config.json, MLmodel, DVC's files, an MLflow run's folder;
 * (document/node.h) YAML and JSON as a tree; (document/kube.h) what a
 * cluster runs.
 *
 * All results are in the arena; texts are valid UTF-8 without control
 * characters, NULL or empty where not told.  Each reader is tolerant: a field
 * of the wrong type or an unusable value is left out; a document that cannot
 * be read at all (no YAML, no JSON, an anchor, too deep, H69) has `trouble`
 * set and nothing else.  Errors are MREG_ENOMEM alone.  No document above
 * MR_PARSED_FILE_MAX_BYTES is read: the caller leaves it out.
 */
#ifndef MR_DOCUMENT_DOCUMENT_H
#define MR_DOCUMENT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "document/kube.h"
#include "document/node.h"
#include "mreg/types.h"

/* -- README.md: Hugging Face's model card metadata ------------------------- */

/* One measured value of `model-index`.  Data set and name are what identifies
 * them (`type`), else what they are called. */
struct mr_card_metric {
	const char *dataset, *name;
	const char *value; /* a number as written */
};

struct mr_card {
	const char *trouble;
	const char *license; /* SPDX, from Hugging Face's list where it is on
			      * it ("apache-2.0": "Apache-2.0"); else
			      * LicenseRef-<id>, of "other"
			      * LicenseRef-<license_name>; NULL for several:
			      * nobody says whether all or any */
	const char *license_odd;     /* what it says when that is no id, or are
				      * several; then `license` is NULL */
	struct mr_words base_models; /* "ORG/NAME" */
	const char *relation;        /* mreg's: finetune, quantized, adapter,
				      * merge; where none is told as the Hub
				      * has it: "adapter" when the library is
				      * peft, "merge" of several models; else
				      * NULL */
	struct mr_words datasets, languages, tags;
	const char *pipeline, *library;
	/* First paragraph of prose below the front matter, markup left out, at
	 * most 500 bytes. */
	const char *description;
	struct mr_card_metric *metrics;
	size_t metric_count;
};
int mr_card_read(const char *bytes, size_t n, struct mr_arena *a,
		 struct mr_card *out, struct mreg_error *err);

/* A Hugging Face licence id as SPDX; NULL for one that has none. */
const char *mr_license_spdx(const char *huggingface);

/* -- config.json of transformers and diffusers -------------------------- */

struct mr_hf_config {
	const char *trouble;
	const char *architecture; /* model_type: "bert" */
	const char *precision;    /* torch_dtype or dtype */
	const char *quantization; /* quantization_config's quant_method and
				   * bits: "fp8", "gptq-4bit", "4bit" */
	uint64_t context_length; /* max_position_embeddings, n_positions, ... */
	bool remote_code;        /* auto_map: code of its own, H68 */
};
int mr_hf_config_read(const char *bytes, size_t n, struct mr_arena *a,
		      struct mr_hf_config *out, struct mreg_error *err);

/* -- MLflow's MLmodel --------------------------------------------------- */

struct mr_mlmodel {
	const char *trouble;
	struct mr_words flavors; /* sorted: "python_function", "sklearn" */
	const char *run_id;
	const char *signature;   /* compact JSON: {"inputs":..,"outputs":..,
				  * "params":..}; NULL */
	const char *environment; /* path: conda.yaml or python_env.yaml */
};
int mr_mlmodel_read(const char *bytes, size_t n, struct mr_arena *a,
		    struct mr_mlmodel *out, struct mreg_error *err);

/* -- DVC: NAME.dvc and dvc.lock ----------------------------------------- */

struct mr_dvc_item {
	const char *path;
	const char *hash;  /* "md5:..", ".dir" kept; NULL: not told */
	const char *stage; /* of dvc.lock; NULL in a .dvc */
	bool output;       /* else a dependency */
	/* Of an import: the Git repository that `path` is in, and its commit;
	 * else NULL, and `path` is relative to the file's folder (or absolute,
	 * or an address). */
	const char *repo, *revision;
};
struct mr_dvc {
	const char *trouble;
	struct mr_dvc_item *items;
	size_t count;
};
int mr_dvc_read(const char *bytes, size_t n, struct mr_arena *a,
		struct mr_dvc *out, struct mreg_error *err);

/* -- an MLflow run's folder: mlruns/EXPERIMENT/RUN ---------------------- */

struct mr_run {
	const char *id;
	const char *revision;    /* mlflow.source.git.commit */
	const char *source;      /* mlflow.source.git.repoURL */
	const char *description; /* mlflow.note.content; lines */
	struct mreg_pair *params, *metrics, *tags; /* sorted by name; metrics:
						    * the last value of each */
	size_t param_count, metric_count, tag_count;
	struct mr_words lost; /* metrics whose last value cannot be told */
	bool deleted;         /* in MLflow, which keeps it for a while */
	/* Data sets, by name.  The digest is MLflow's own, no OCI one; `uri` is
	 * hf://datasets/.. for one of Hugging Face. */
	struct mr_run_input {
		const char *name, *digest, *context, *uri;
	} * inputs;
	size_t input_count;
};
/*
 * `path` is a run's folder, or its meta.yaml; links are not followed out of
 * it, files above MR_PARSED_FILE_MAX_BYTES (a metric's whole history: 64 MiB)
 * and strange names are left out, tags of MLflow's own ("mlflow.") too.  Names
 * are MLflow's: a space or colon may be in them.  Values of params and tags may
 * be empty, or hold line feeds and tabs; a metric whose last value is no finite
 * number is left out, and its name is in `lost`.  MREG_ENOTFOUND and
 * MREG_EFORMAT say what was expected there; MREG_ELIMIT: more than 10,000
 * files.
 */
int mr_run_read(const char *path, struct mr_arena *a, struct mr_run *out,
		struct mreg_error *err);

#endif
