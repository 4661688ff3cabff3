/*
 * mreg/image.h - a version in another profile, under a sibling tag: as a
 * container image for KServe, Kubernetes and Dockerfiles, or in Docker's model
 * format (spec/image.md, spec/docker.md).
 */
#ifndef MREG_IMAGE_H
#define MREG_IMAGE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_image_opts {
	size_t size; /* sizeof this struct; set by MREG_IMAGE_OPTS_INIT */
	const char *profile; /* "image" (also NULL) or "docker" */
	/* Of an image: "linux/amd64", ...; none: all there is a shell, or a
	 * base, for. */
	const char *const *platforms;
	size_t platform_count;
	/* REF[@DIGEST] of an image whose files lie below the model's; NULL:
	 * none, but a /bin/sh that does what KServe asks of one. */
	const char *base;
	bool no_shell;     /* not even that */
	const char *user;  /* "1010" or "1010:0"; NULL: none, which is root */
	bool dry_run;      /* plan only, send nothing */
	unsigned int jobs; /* parallel transfers; 0: the session's */
};
#define MREG_IMAGE_OPTS_INIT                                                   \
	{                                                                      \
		.size = sizeof(struct mreg_image_opts)                         \
	}

/* A layer of it. */
struct mreg_image_layer {
	struct mreg_digest digest; /* NONE: in a dry run nobody has read it */
	uint64_t size;             /* bytes */
	uint64_t files;            /* of the version in it */
	const char *path;   /* of its only file; NULL: several, or of a base */
	uint64_t offset;    /* where that file's bytes begin */
	const char *source; /* "model", "shell", "base" */
	bool sent;          /* now, or in a dry run: would be */
};

/* What there is for one platform. */
struct mreg_image_platform {
	const char *os, *architecture;
	const char *variant;       /* NULL: none */
	struct mreg_digest digest; /* of its manifest; NONE: as of a layer */
};

struct mreg_image_result {
	const char *name;           /* "ghcr.io/acme/churn" */
	const char *profile;        /* "image" or "docker" */
	const char *tag;            /* "v3-image"; NULL: no number yet */
	const char *reference;      /* name:v3-image; NULL as `tag` */
	uint64_t number;            /* of the version; 0: it has none yet */
	struct mreg_digest version; /* what it is derived from */
	struct mreg_digest
		digest; /* of what `tag` names; NONE: as of a layer */
	bool identical; /* it was there already, just so */
	bool dry_run;
	const char *const *names; /* siblings that point at it: "prod-image" */
	size_t name_count;
	struct mreg_image_platform *platforms;
	size_t platform_count;
	struct mreg_image_layer *layers; /* each once, in order */
	size_t layer_count;
	uint64_t bytes_total, bytes_sent, bytes_reused; /* of layers */
	void *owner;
};

/*
 * Put the version `ref` (NAME, NAME:TAG, NAME@DIGEST) into its repository in
 * another profile, as v<N>-image or v<N>-docker, and let the siblings of every
 * alias, release name and latest that it has point there.  Bytes are made of
 * the version's own blobs while they are sent, and are kept nowhere here.  What
 * has no tag is not seen by anybody, so the same call again continues what
 * broke off; the same version with the same options is the same image, and the
 * second time nothing is sent.
 *
 * MREG_EUSAGE: options; MREG_EUNSUPPORTED: what `ref` names is no version that
 * mreg numbers, or the profile cannot hold it; MREG_ECONFLICT: its sibling is
 * there and was made otherwise; MREG_ELIMIT: a layer too large for this
 * registry.
 */
MREG_API int mreg_image(struct mreg *m, const char *ref,
			const struct mreg_image_opts *o,
			struct mreg_image_result *out, struct mreg_error *err);
MREG_API void mreg_image_result_release(struct mreg_image_result *r);

#ifdef __cplusplus
}
#endif

#endif
