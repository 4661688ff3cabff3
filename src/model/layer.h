/*
 * model/layer.h - what the readers of layers share.  Private to model.
 */
#ifndef MR_MODEL_LAYER_H
#define MR_MODEL_LAYER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"

/* What a reader sees of a version. */
struct mr_reading {
	const struct mr_manifest *m; /* borrowed */
	const json_t *config;        /* borrowed; NULL: not read */
	json_t *raw;                 /* owned; the manifest, once somebody
				      * wants to see more of it */
};

/* Read layer `i` into the zeroed `out`, which has its descriptor; `path` stays
 * NULL where nothing says what it is called. */
typedef int mr_layer_fn(struct mr_reading *r, size_t i,
			struct mr_model_layer *out, struct mreg_error *err);

/* layers_path.c: what annotations say. */

/* The path by the order of peers.md 6.5; NULL when there is none.  Also whether
 * it is executable. */
int mr_layer_annotated(const struct mr_manifest *m, size_t i,
		       struct mr_model_layer *out, struct mreg_error *err);
/* How the bytes are compressed, by what stands behind the type's ".tar" or
 * ".raw". */
void mr_layer_coding(const char *suffix, struct mr_model_layer *out);
/* What follows the prefix of a ModelPack type; NULL for other types. */
const char *mr_layer_modelpack(const char *media_type);
/* layers.c: "weight", ..., as a ModelPack type has it; "" for others. */
const char *mr_layer_role(const char *media_type);

/* layers_fixed.c */
bool mr_layer_is_docker(const struct mr_manifest *m);
bool mr_layer_is_ollama(const struct mr_manifest *m);
mr_layer_fn mr_layer_docker, mr_layer_ollama;

/* layers_config.c */
bool mr_layer_is_kit(const struct mr_manifest *m);
/* The Kitfile that KitOps writes beside another format's config; NULL: none. */
const char *mr_layer_kitfile(const struct mr_manifest *m);
/* That parsed; empty where it cannot be. */
int mr_layer_read_kitfile(const struct mr_manifest *m, json_t **out,
			  struct mreg_error *err);
mr_layer_fn mr_layer_kit, mr_layer_cog;

#endif
