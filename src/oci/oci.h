/*
 * oci/oci.h - references, tags, media types, manifests and image indexes:
 * text to value and back.  No input or output.
 *
 * Sources: OCI image-spec 1.1 (manifest.md, image-index.md, descriptor.md),
 * distribution-spec 1.1, product.md 2, protocol.md P-01 .. P-06, P-60 ff.
 */
#ifndef MR_OCI_OCI_H
#define MR_OCI_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mreg/types.h"

#define MR_MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MR_MEDIA_INDEX "application/vnd.oci.image.index.v1+json"
#define MR_MEDIA_DOCKER_MANIFEST                                               \
	"application/vnd.docker.distribution.manifest.v2+json"
#define MR_MEDIA_DOCKER_LIST                                                   \
	"application/vnd.docker.distribution.manifest.list.v2+json"
#define MR_MEDIA_EMPTY "application/vnd.oci.empty.v1+json"
#define MR_MEDIA_OCTETS "application/octet-stream"
/* Points at nothing: what `alias rm` leaves where a tag cannot be deleted. */
#define MR_MEDIA_REMOVED "application/vnd.mreg.removed.v1+json"

/* Every manifest type, for Accept headers (protocol.md P-60). */
extern const char mr_manifest_accept[];

/* The empty JSON blob "{}" that empty configs point at (P-52). */
extern const struct mreg_desc mr_empty_desc;

/* -- references ---------------------------------------------------------- */

/*
 * Parse [oci:DIR//|HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST].  Syntax only: a
 * short name leaves both `host` and `dir` empty.  A first part with a dot, a
 * colon, or `localhost`, before a slash, is a host.  MREG_EUSAGE names the
 * part that is wrong and shows it.
 */
int mr_ref_parse(const char *text, struct mreg_ref *out,
		 struct mreg_error *err);

/* The whole reference; parsing it gives the same value.  Returns `out`. */
const char *mr_ref_text(const struct mreg_ref *r, char out[MREG_REF_TEXT]);
/* Without tag and digest. */
const char *mr_ref_name(const struct mreg_ref *r, char out[MREG_REF_TEXT]);
/* As written into parents (product.md 3.1): HOST/REPOSITORY:TAG, in a local
 * store REPOSITORY:TAG. */
const char *mr_ref_portable(const struct mreg_ref *r, char out[MREG_REF_TEXT]);

/*
 * Complete a short name from `prefix`, a HOST[/PATH] or "oci:DIR[//PATH]";
 * a reference with host or dir stays as it is.  `prefix` NULL or "": the
 * local store at `store_dir`.
 */
int mr_ref_complete(struct mreg_ref *r, const char *prefix,
		    const char *store_dir, struct mreg_error *err);

bool mr_repository_valid(const char *repository); /* P-01, at most 255 */
bool mr_host_valid(const char *host); /* HOST[:PORT]; no userinfo, H38 */

/* -- tags: product.md 2 -------------------------------------------------- */

enum mr_tag_kind {
	MR_TAG_INVALID, /* no tag by the distribution grammar (P-02) */
	MR_TAG_VERSION, /* v<N>, N from 1 without leading zeros */
	MR_TAG_RELEASE, /* 1.2.0, v1.2.0, 1.2.0-rc.1 */
	MR_TAG_LATEST,
	MR_TAG_RECORD,  /* mreg.* */
	MR_TAG_SIBLING, /* TAG-image, TAG-docker */
	MR_TAG_ALIAS,
	MR_TAG_FOREIGN, /* readable, never written, never shown as alias */
};
enum mr_tag_kind mr_tag_kind(const char *tag);
/* 2^53 - 1: the largest number that every reader of JSON has exactly. */
#define MR_VERSION_MAX UINT64_C(9007199254740991)
/* The N of v<N>, at most MR_VERSION_MAX; 0 when `tag` is not a version. */
uint64_t mr_tag_number(const char *tag);

/* The profiles in which a version may stand beside itself: its sibling's tag is
 * its own and the suffix. */
#define MR_SUFFIX_IMAGE "-image"
#define MR_SUFFIX_DOCKER "-docker"
struct mr_sibling_kind {
	const char *profile; /* as `--profile` names it */
	const char *suffix;
	const char *what;   /* for messages: "has no ..." */
	const char *option; /* of `mreg image` that makes it */
};
#define MR_SIBLING_KINDS 2
extern const struct mr_sibling_kind mr_sibling_kinds[MR_SIBLING_KINDS];
#define MR_SIBLING_TAG 32 /* "v9007199254740991-docker" */
/* The tag of the `kind`th sibling of v<number>.  Returns `out`. */
const char *mr_sibling_tag(uint64_t number, size_t kind,
			   char out[MR_SIBLING_TAG]);

/* -- documents ----------------------------------------------------------- */

struct mr_annotations {
	struct mreg_pair *items; /* name = key; in the arena */
	size_t n;
};

/* NULL when absent. */
const char *mr_annotation(const struct mr_annotations *a, const char *key);

/* A descriptor with what may stand on it. */
struct mr_descriptor {
	struct mreg_desc desc;
	struct mr_annotations annotations;
	const char *artifact_type; /* NULL when absent */
	/* Of `platform`; NULL when absent. */
	const char *os, *architecture, *variant;
	const char *data; /* base64 as written; NULL when absent */
};

/* A parsed image manifest or image index; owns one arena, strings point into
 * it.  The raw bytes are the truth and are kept. */
struct mr_manifest {
	struct mr_arena *arena;
	const char *raw;
	size_t raw_len;
	struct mreg_desc desc;     /* computed from `raw`: type, digest, size */
	const char *artifact_type; /* NULL when absent */
	bool is_index;
	struct mr_descriptor config;  /* of a manifest */
	struct mr_descriptor *layers; /* of a manifest */
	size_t layer_count;
	struct mr_descriptor *children; /* of an index */
	size_t child_count;
	bool has_subject;
	struct mr_descriptor subject;
	struct mr_annotations annotations;
};

/*
 * Parse a manifest or index (OCI or Docker v2).  `content_type` is what the
 * store said (parameters ignored), or NULL; it must agree with the document's
 * own `mediaType` where both are there (H23), and a document with both
 * `layers` and `manifests` is refused (H22).  The document's digest is
 * computed here.  MREG_EFORMAT, MREG_ELIMIT, MREG_EUNSUPPORTED (schema 1).
 * Sizes are checked (H28), digests by grammar (H20); media types likewise.
 * Sizes of layers (of children) may be added up: their sum is at most 2^62.
 * `data` is not checked against digest and size: who uses it must.
 */
int mr_manifest_parse(const void *bytes, size_t n, const char *content_type,
		      struct mr_manifest **out, struct mreg_error *err);
void mr_manifest_free(struct mr_manifest *m);
void mr_manifest_freep(struct mr_manifest **m); /* for MR_AUTO */

/* Whether it is the tombstone that stands for "no such tag". */
bool mr_manifest_removed(const struct mr_manifest *m);
/* The one tombstone, byte for byte; its empty config and layer blob is
 * mr_empty_desc.  Borrowed, NUL-terminated; `desc` may be NULL. */
const char *mr_tombstone(struct mreg_desc *desc, size_t *len);

/* What goes into a manifest; all borrowed. */
struct mr_manifest_draft {
	const char *artifact_type; /* NULL: left out */
	struct mr_descriptor config;
	const struct mr_descriptor *layers;
	size_t layer_count;
	const struct mr_descriptor *subject; /* NULL: left out */
	struct mr_annotations annotations;
};

/*
 * Append the manifest's bytes: compact, keys in the order schemaVersion,
 * mediaType, artifactType, config, layers, subject, annotations; manifest
 * annotations sorted bytewise by key (a key given twice is MREG_EUSAGE), those
 * of layers in the order given; no trailing newline (peers.md 6.3 rule 12).
 * MREG_ELIMIT when larger than MR_MANIFEST_MAX_BYTES, with the layer count.
 */
int mr_manifest_write(const struct mr_manifest_draft *d, struct mr_buf *out,
		      struct mreg_error *err);

/* What goes into an image index; all borrowed. */
struct mr_index_draft {
	const struct mr_descriptor *children;
	size_t child_count;
	struct mr_annotations annotations;
};

/* The same for an index: schemaVersion, mediaType, manifests, annotations; a
 * child is its descriptor and its platform: architecture, os, [variant]. */
int mr_index_write(const struct mr_index_draft *d, struct mr_buf *out,
		   struct mreg_error *err);

/* Append one descriptor as JSON: mediaType, digest, size, [data],
 * [artifactType], [annotations]; no platform. */
void mr_descriptor_write(const struct mr_descriptor *d, struct mr_buf *out);

/* Media type by RFC 6838's grammar, without parameters. */
bool mr_media_type_valid(const char *media_type);

#endif
