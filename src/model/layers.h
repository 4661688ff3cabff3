/*
 * model/layers.h - the files of a version, whoever wrote its manifest; a part
 * of the door model/model.h, which includes it.
 *
 * peers.md 6.5 has the rows: ModelPack (modctl, AIKit, Docker's and ours), also
 * under its former names; what oras, podman and regctl push; KitOps; Docker's
 * model format; Ollama; Cog's weights; and ordinary container images.
 */
#ifndef MR_MODEL_LAYERS_H
#define MR_MODEL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "content/decode.h"
#include "mreg/types.h"
#include "oci/oci.h"

struct mr_model_file;

/* How the bytes of a layer hold files. */
enum mr_layer_form {
	MR_FORM_FILE,   /* they are one */
	MR_FORM_PACKED, /* they are one, compressed */
	MR_FORM_TAR,    /* a tar, compressed or not: names of its own */
	MR_FORM_IMAGE,  /* the same, laid over the layers before it */
};

/* One layer, as read from a manifest that anybody may have written; strings in
 * the manifest's arena. */
struct mr_model_layer {
	const char *path; /* filepath, else title, else as the format has it;
			   * checked only for being there.  The digest's text
			   * where `unnamed` */
	struct mreg_desc desc;
	const char *role; /* "weight", ..., or "" when the type is not ours */
	bool executable;  /* from file.metadata's mode */
	bool archive;     /* `form` is not MR_FORM_FILE: to be unpacked */
	enum mr_layer_form form;
	bool unnamed; /* nothing here says what it is called: its own names
		       * count, or the config blob has it */
	bool climbed; /* "../" was in front of the path, and taken away: old
		       * modctl wrote that */
	/* Of archives. */
	bool coded; /* the type says how it is compressed: */
	enum mr_coding coding;
	const char *folder; /* in front of the names inside, NULL: nothing */
	bool is_prefixed;   /* ... unless it is in front of all already */
	const char *strip;  /* what is taken from their front if all have it,
			     * with its '/'; NULL: nothing */
};

/*
 * The files of a version.  MREG_EUNSUPPORTED for an index or an artifact
 * none of whose layers is a file; MREG_EFORMAT naming the layer for one
 * without any path, and for one that says it is no regular file.  `*out` is
 * the caller's (mr_release).
 */
int mr_model_layers(const struct mr_manifest *m, struct mr_model_layer **out,
		    size_t *count, struct mreg_error *err);

/* Whether it is an ordinary OCI or Docker image, no artifact and no index. */
bool mr_model_is_image(const struct mr_manifest *m);

/* Whether the config blob says more of the files than the manifest does. */
bool mr_model_wants_config(const struct mr_manifest *m);
/* The same with its bytes: a file still without a name is MREG_EFORMAT. */
int mr_model_layers_named(const struct mr_manifest *m, const void *config,
			  size_t n, struct mr_model_layer **out, size_t *count,
			  struct mreg_error *err);

/* Compare all files of Cog's weights, unpacked, with the list in the config
 * blob's bytes (NULL: it has none) and with the set's digest: MREG_EINTEGRITY
 * naming the first that differs. */
int mr_model_check_cog(const struct mr_manifest *m, const void *config,
		       size_t n, const struct mr_model_file *files,
		       size_t count, struct mreg_error *err);
bool mr_model_is_cog(const struct mr_manifest *m);

/* -- which child of an index ------------------------------------------------
 */

/* What tells child `i` from the others: "KEY=VALUE" texts added to `out`, from
 * its platform, type, annotations and, of a KitOps index, `modelMetadata`. */
int mr_model_labels(const struct mr_manifest *index, size_t i,
		    struct mr_list *out, struct mreg_error *err);
/* Whether an artifact type is that of a model, whoever's. */
bool mr_model_is_artifact(const char *artifact_type);

#endif
