/*
 * profile/document.h - config, manifest and index of an image: values to the
 * bytes that are hashed (spec/image.md).  Private to the folder.
 */
#ifndef MR_PROFILE_DOCUMENT_H
#define MR_PROFILE_DOCUMENT_H

#include <stddef.h>

#include "base/buf.h"
#include "model/model.h"
#include "oci/oci.h"
#include "profile/layout.h"

#define MR_IMAGE_CONFIG "application/vnd.oci.image.config.v1+json"
#define MR_ANNOTATION_OFFSET "org.mreg.content.offset"
#define MR_ANNOTATION_CONTENT "olot.layer.content.digest"
#define MR_IMAGE_PREFIX "org.opencontainers.image."
/* When nobody said when: a clock would make two images differ. */
#define MR_IMAGE_NEVER "1970-01-01T00:00:00Z"
/* "image/1": changes with what spec/image.md says. */
#define MR_IMAGE_PROFILE "image/1"
/* Labels that tell a model's image from others; olot writes the first too. */
#define MR_IMAGE_LABEL_TYPE "org.containers.type"
#define MR_IMAGE_TYPE "ai.image.model.car"
#define MR_IMAGE_LABEL_PROFILE "org.mreg.profile"

/* What all documents of one image say alike; borrowed. */
struct mr_image_facts {
	const char *created; /* RFC 3339; never NULL */
	const char *user;    /* NULL: none */
	struct mreg_digest version;
	struct mreg_pair *annotations; /* of manifests and index */
	size_t annotation_count;
	const struct mreg_pair *labels; /* of the config */
	size_t label_count;
};

/* What is below the model's layers on one platform, and the documents. */
struct mr_image_platform {
	const char *os, *architecture;
	const char *variant;          /* NULL: none */
	struct mr_image_layer *shell; /* NULL: none, or a base */
	/* Of a base; all in the same order. */
	const struct mr_descriptor *base;
	const struct mreg_digest *diffs;
	size_t base_count;
	const char *const *env; /* NULL: the usual PATH */
	size_t env_count;
	const char *const *cmd;
	size_t cmd_count;
	/* Made of all that. */
	struct mr_buf config; /* owned */
	struct mreg_desc config_desc;
	struct mr_buf manifest; /* owned */
	struct mreg_desc manifest_desc;
};
void mr_image_platform_init(struct mr_image_platform *p);
void mr_image_platform_release(struct mr_image_platform *p);

/* Config and manifest of one platform; every layer's digest is known. */
int mr_image_write(const struct mr_image_facts *f,
		   const struct mr_image_layout *layout,
		   struct mr_image_platform *p, struct mreg_error *err);

/* The index of all platforms, in the order given. */
int mr_image_write_index(const struct mr_image_facts *f,
			 const struct mr_image_platform *platforms,
			 size_t count, struct mr_buf *out,
			 struct mreg_desc *desc, struct mreg_error *err);

/* Type, digest and size of bytes that are in `b`. */
int mr_image_describe(const char *type, const struct mr_buf *b,
		      struct mreg_desc *out, struct mreg_error *err);

#endif
