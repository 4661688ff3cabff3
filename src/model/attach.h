/*
 * model/attach.h - documents attached to a version: their types, their
 * manifest, and the evaluation document; a part of the door model/model.h,
 * which includes it.
 *
 * The format is spec/attachments.md and spec/evaluation.md.
 */
#ifndef MR_MODEL_ATTACH_H
#define MR_MODEL_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "oci/oci.h"

/* <32 hex of the manifest>: keeps it where untagged ones are collected */
#define MR_ATTACHED_TAG_PREFIX "mreg.att."
#define MR_EVALUATION_TYPE "application/vnd.mreg.evaluation.v1+json"
#define MR_EVALUATION_SCHEMA "mreg.evaluation/1"
#define MR_EVALUATION_SUITE "org.mreg.evaluation.suite"
#define MR_EVALUATION_PASSED "org.mreg.evaluation.passed"
/* The data it was run on, and its digest when that is known. */
/* Of an experiment, on both of its versions: its name, and which the other
 * is. */
#define MR_EVALUATION_EXPERIMENT "org.mreg.evaluation.experiment"
#define MR_EVALUATION_BASELINE "org.mreg.evaluation.experiment.baseline"
#define MR_EVALUATION_CANDIDATE "org.mreg.evaluation.experiment.candidate"
#define MR_EVALUATION_DATASET "org.mreg.evaluation.dataset"
#define MR_EVALUATION_DATASET_DIGEST "org.mreg.evaluation.dataset.digest"
/* Of a version's metrics, and an evaluation's: the name follows. */
#define MR_METRIC_PREFIX "org.mreg.metric."
/* In a document: more is a table, and belongs into the report. */
#define MR_EVALUATION_MAX_BYTES (1u << 20)

/* -- types ------------------------------------------------------------------
 */

/* The artifact type that a short name ("model-card", "sbom"; the file's name
 * may decide which of several) or a media type stands for.  MREG_EUSAGE naming
 * the nearest short name. */
int mr_attach_type(const char *word, const char *file, const char **out,
		   struct mreg_error *err);
/* The short name of an artifact type; NULL: it has none. */
const char *mr_attach_kind(const char *type);
/* Whether a document of artifact type `type` is one of `word`, a short name or
 * media type. */
bool mr_attach_is(const char *type, const char *word);
/* A file's media type by the ending of its name. */
const char *mr_attach_media(const char *file);

/* -- the manifest -------------------------------------------------------------
 */

struct mr_attach_layer {
	struct mreg_desc desc;
	const char *title; /* file name */
};

/* All borrowed. */
struct mr_attach_draft {
	const char *type;
	const struct mr_manifest *subject;
	const struct mr_attach_layer *layers; /* at least one */
	size_t layer_count;
	const char *title, *created; /* NULL: left out */
	struct mr_annotations annotations;
};

struct mr_attach_doc {
	struct mr_buf bytes; /* owned */
	struct mreg_desc desc;
	char tag[48]; /* "mreg.att.<32 hex>" */
};
void mr_attach_doc_release(struct mr_attach_doc *d); /* for MR_AUTO too */

/* Deterministic.  Its config is mr_empty_desc. */
int mr_attach_write(const struct mr_attach_draft *d, struct mr_attach_doc *out,
		    struct mreg_error *err);

/* -- evaluations --------------------------------------------------------------
 */

struct mr_segment {
	const char *name;          /* "country=DE" */
	struct mreg_pair *metrics; /* sorted by name; values as written */
	size_t metric_count;
};

/* What requests decided, of two versions that shared them. */
struct mr_experiment {
	const char *name;                 /* NULL: it is none */
	const char *baseline, *candidate; /* digests of versions */
	const char *winner;        /* one of these; NULL: none, or open */
	struct mreg_pair *metrics; /* the baseline's, sorted by name */
	size_t metric_count;
};

/* All in an arena; NULL or 0 where not told. */
struct mr_evaluation {
	const char *suite, *suite_version;
	bool judged; /* a verdict is given: */
	bool passed;
	const char *dataset, *dataset_digest;
	struct mreg_pair *metrics; /* sorted by name; values as written */
	size_t metric_count;
	struct mr_segment *segments; /* sorted by name */
	size_t segment_count;
	struct mr_experiment experiment; /* metrics are its candidate's */
};

/* A whole document, or (`partial`) one whose suite and verdict may be given
 * elsewhere; JSON or YAML.  MREG_EFORMAT naming `name` and the key. */
int mr_evaluation_parse(const char *bytes, size_t n, const char *name,
			bool partial, struct mr_arena *a,
			struct mr_evaluation *out, struct mreg_error *err);

/* Additions to `e`, checked, in the arena; a name given before gets the new
 * value.  "NAME[@DIGEST]", "NAME=NUMBER", "SEGMENT:NAME=NUMBER". */
int mr_evaluation_dataset(struct mr_evaluation *e, const char *text,
			  struct mr_arena *a, struct mreg_error *err);
int mr_evaluation_metric(struct mr_evaluation *e, const char *text,
			 struct mr_arena *a, struct mreg_error *err);
int mr_evaluation_segment(struct mr_evaluation *e, const char *text,
			  struct mr_arena *a, struct mreg_error *err);

/* "NAME=NUMBER" of an experiment's baseline. */
int mr_evaluation_baseline(struct mr_evaluation *e, const char *text,
			   struct mr_arena *a, struct mreg_error *err);

/* In canonical JSON.  MREG_EUSAGE when suite or verdict are missing. */
int mr_evaluation_write(const struct mr_evaluation *e, struct mr_buf *out,
			struct mreg_error *err);

#endif
