/*
 * draw/render.h - the parts of writing a version into the files of those that
 * serve it (mreg/render.h, whose calls are in render.c).
 *
 * Every reference is by digest; where it came from, a tag that moves, is told
 * in a comment.  Texts from outside are quoted, or were checked to be names.
 */
#ifndef MR_DRAW_RENDER_H
#define MR_DRAW_RENDER_H

#include "base/buf.h"
#include "draw/yaml.h"
#include "mreg/render.h"

/* A name in a cluster: RFC 1035's labels are what all kinds take. */
#define MR_RENDER_NAME_BYTES 64
#define MR_RENDER_TAG_BYTES 32
#define MR_RENDER_URI_BYTES (MREG_REF_TEXT + 16)

struct mr_render {
	const struct mreg_resolve_result *r;
	const struct mreg_served *s; /* what is written */
	unsigned int weight;         /* its share, per cent; 0: all */
	/* All shares of an alias that is split, its own first; none else. */
	const struct mr_render *shares;
	size_t share_count;
	const struct mreg_render_opts *o;
	char name[MR_RENDER_NAME_BYTES];
	char version[MR_RENDER_TAG_BYTES]; /* "v3"; "" not known */
	char digest[MREG_DIGEST_TEXT];     /* of the version */
	char image[MREG_DIGEST_TEXT];      /* ""; not asked for */
	char reference[MREG_REF_TEXT];     /* of the image; "" */
	char uri[MR_RENDER_URI_BYTES];     /* storageUri; "" */
};

/* Comments on top: what it is, and what wrote it. */
void mr_render_head(const struct mr_render *d, struct mr_yaml *y);
/* Shares, as comments: what a file has no place for. */
void mr_render_shares(const struct mr_render *d, struct mr_yaml *y);
/* "annotations:" of whatever runs it; `mreg deployed` goes by the references,
 * people by these. */
void mr_render_annotations(const struct mr_render *d, struct mr_yaml *y);
/* What stands below it. */
void mr_render_annotated(const struct mr_render *d, struct mr_yaml *y);

/* Whether it can be KServe's name of a format; NULL is none. */
bool mr_render_is_format(const char *s);
/* KServe's name of its format, and in `*note` what to say of that (NULL:
 * nothing).  MREG_EUSAGE: nothing is known of it. */
int mr_render_format(const struct mr_render *d, const char **out,
		     const char **note, struct mreg_error *err);

/* One format each, appended. */
int mr_render_kserve(const struct mr_render *d, struct mr_buf *b,
		     struct mreg_error *err);
void mr_render_k8s(const struct mr_render *d, struct mr_buf *b);
void mr_render_kustomize(const struct mr_render *d, struct mr_buf *b);
void mr_render_helm(const struct mr_render *d, struct mr_buf *b);
void mr_render_dockerfile(const struct mr_render *d, struct mr_buf *b);

#endif
