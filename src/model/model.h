/*
 * model/model.h - what a model version is: typed metadata to annotations and
 * ModelPack config and back, and which file plays which role.
 *
 * Deterministic: the documents depend on nothing but the arguments (product.md
 * 3.1).  The format is spec/model.md, spec/annotations.md, spec/roles.json,
 * spec/metadata.md; peers.md 6.3 has the rules, 6.7 A the golden sample.
 */
#ifndef MR_MODEL_MODEL_H
#define MR_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "mreg/types.h"
#include "oci/oci.h"

#define MR_MODEL_ARTIFACT "application/vnd.cncf.model.manifest.v1+json"
#define MR_MODEL_CONFIG "application/vnd.cncf.model.config.v1+json"
#define MR_ANNOTATION_FILEPATH "org.cncf.model.filepath"
#define MR_ANNOTATION_TITLE "org.opencontainers.image.title"
#define MR_ANNOTATION_DERIVED "org.mreg.derived-from.digest" /* an image's */

/* -- metadata -------------------------------------------------------------- */

struct mr_parent {
	const char *relation; /* finetune, quantized, adapter, merge, distill,
			       * convert, retrain */
	const char *ref;      /* as it goes into the document */
	const char *digest;   /* NULL: not resolved, or outside OCI */
};

struct mr_input {
	const char *role; /* train, validate, test, feature-view, pipeline,
			   * prompt... */
	const char *name, *uri, *digest, *license, *classification, *consent;
};

/* All strings in the arena; NULL when not given. */
struct mr_meta {
	struct mr_arena *arena;
	const char *kind; /* "dataset", "prompt"; NULL: model */
	/* ModelPack config */
	const char *architecture, *family, *param_size, *precision,
		*quantization, *format, *vendor;
	/* annotations, org.opencontainers.image.* */
	const char *created; /* RFC 3339; from --created or SOURCE_DATE_EPOCH */
	const char *version_label, *description, *licenses, *source, *revision,
		*url, *documentation;
	/* annotations, org.mreg.* */
	const char *run_id, *run_url, *because, *environment, *signature,
		*parameters; /* exact count, decimal */
	struct mr_list authors;
	struct mreg_pair *metrics, *params, *tags, *annotations;
	size_t metric_count, param_count, tag_count, annotation_count;
	size_t metric_cap, param_cap, tag_cap, annotation_cap;
	struct mr_parent *parents;
	size_t parent_count, parent_cap;
	struct mr_input *inputs;
	size_t input_count, input_cap;
};

int mr_meta_new(struct mr_meta **out, struct mreg_error *err);
void mr_meta_free(struct mr_meta *m);
void mr_meta_freep(struct mr_meta **m); /* for MR_AUTO */

/*
 * Add what a --metadata file says (JSON or YAML, spec/metadata.md; no anchors,
 * aliases or tags; an unknown key is an error that names the nearest one).
 * Numbers keep their digits as written.  `name` is the file's, for messages.
 * What is set already is replaced; lists and maps are added to.  After a
 * failure part of the file may be in `m`.
 */
int mr_meta_load(struct mr_meta *m, const char *bytes, size_t n,
		 const char *name, struct mreg_error *err);

/* One scalar field by its metadata-file key ("architecture", "license",
 * "runId", ...); checked.  MREG_EUSAGE naming key and value. */
int mr_meta_set(struct mr_meta *m, const char *key, const char *value,
		struct mreg_error *err);
/* "metrics", "params", "tags", "annotations": NAME=VALUE as one text; a name
 * given before gets the new value.  A metric must be a finite decimal number.
 * Annotations of the namespaces mreg writes itself are refused.  "authors":
 * one author, as it is. */
int mr_meta_add(struct mr_meta *m, const char *map, const char *pair,
		struct mreg_error *err);
/* "RELATION=REF" or REF alone (relation "finetune"); REF may end in @DIGEST:
 * then `digest` is set and `ref` is without it. */
int mr_meta_add_parent(struct mr_meta *m, const char *text,
		       struct mreg_error *err);
/* "ROLE=REF-or-URI" with optional ",name=..,digest=..,license=..,
 * classification=..,consent=.." behind it. */
int mr_meta_add_input(struct mr_meta *m, const char *text,
		      struct mreg_error *err);
/* Whether `value` may be a line of metadata, named `what` in the error: not
 * empty, no control characters.  MREG_EUSAGE. */
int mr_meta_line(const char *what, const char *value, struct mreg_error *err);
/* Whether a parent's or input's reference lies outside OCI (it has a scheme:
 * hf://, s3://, https://, dvc: ...) and so needs no digest. */
bool mr_meta_is_outside(const char *ref);
int mr_meta_parent_digest(struct mr_meta *m, size_t i, const char *ref,
			  const char *digest, struct mreg_error *err);
int mr_meta_input_digest(struct mr_meta *m, size_t i, const char *uri,
			 const char *digest, struct mreg_error *err);

/* -- values as they are given: check.c; all MREG_EUSAGE -------------------- */

/* Valid UTF-8 without control characters, not empty; `lines`: line breaks and
 * tabs may be in it.  `what` names the value. */
int mr_check_text(const char *what, const char *value, size_t max_bytes,
		  bool lines, struct mreg_error *err);
/* The name of a metric, parameter or tag; `noun` is which. */
int mr_check_name(const char *noun, const char *name, struct mreg_error *err);
int mr_check_metric(const char *name, const char *value,
		    struct mreg_error *err);

/* -- files and roles ------------------------------------------------------- */

enum mr_role { /* in the order of layers */
	MR_ROLE_WEIGHT,
	MR_ROLE_WEIGHT_CONFIG,
	MR_ROLE_CODE,
	MR_ROLE_DOC,
	MR_ROLE_DATASET,
	MR_ROLE_COUNT,
};

/* The rules of spec/roles.json, which is embedded.  Read only once made, so
 * threads may share one. */
struct mr_roles;
int mr_roles_new(struct mr_roles **out, struct mreg_error *err);
void mr_roles_free(struct mr_roles *r);
void mr_roles_freep(struct mr_roles **r); /* for MR_AUTO */

/* First match by the base name of `path` and `size`; `kind` (NULL: model)
 * "dataset" makes weights and what no name matches a dataset. */
enum mr_role mr_role_of(const struct mr_roles *r, const char *path,
			uint64_t size, const char *kind);
/* "weight.config"; never NULL. */
const char *mr_role_name(enum mr_role role);
/* Whether `path` is a model card by its name (README.md and its kin in the top
 * folder, spec/model.md) and the one to take rather than `best`, which is one
 * too, or NULL. */
bool mr_role_is_card(const char *path, const char *best);

struct mr_model_file {
	const char *path; /* borrowed */
	uint64_t size;
	struct mreg_digest digest; /* known */
	bool executable;
	bool tested; /* content was checked: "untested" is "false" */
};

/* -- documents ------------------------------------------------------------- */

struct mr_model_docs {
	struct mr_buf config; /* owned bytes */
	struct mreg_desc config_desc;
	struct mr_buf manifest; /* owned bytes */
	struct mreg_desc manifest_desc;
	struct mreg_digest fileset; /* org.mreg.fileset.digest */
};
void mr_model_docs_release(struct mr_model_docs *d); /* for MR_AUTO too */

/*
 * Make config and manifest of a version.  `name` is the repository's last
 * component.  `files` in any order.  A manifest above 4 MiB is MREG_ELIMIT
 * and says how many files there are.
 */
int mr_model_write(const struct mr_meta *meta, const char *name,
		   const struct mr_model_file *files, size_t count,
		   struct mr_model_docs *out, struct mreg_error *err);

#include "model/layers.h"

/* Metadata back from annotations (into a fresh mr_meta), then what they lack
 * from the config blob's bytes.  Tolerant: what cannot be read, and what only
 * says "not known" (architecture "unknown", createdAt of 1970), is left out;
 * MREG_ENOMEM is the one failure. */
int mr_meta_read(const struct mr_manifest *m, struct mr_meta *out,
		 struct mreg_error *err);
int mr_meta_read_config(const void *bytes, size_t n, struct mr_meta *out,
			struct mreg_error *err);

/* Names of annotations that differ between two versions ("metric.auc",
 * "licenses", ...; "files" when the filesets differ; "config" when the config
 * does and nothing else explains it), for "new version, because ..."; added
 * to `out`, sorted. */
int mr_model_differences(const struct mr_manifest *a,
			 const struct mr_manifest *b, struct mr_list *out,
			 struct mreg_error *err);

#include "model/attach.h"
#include "model/fill.h"

#endif
