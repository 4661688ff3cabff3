/*
 * mreg/copy.h - whole models from one place to another, digests unchanged:
 * between registries and local stores, or through one archive file.
 */
#ifndef MREG_COPY_H
#define MREG_COPY_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_copy_opts {
	size_t size;       /* sizeof this struct; set by MREG_COPY_OPTS_INIT */
	bool dry_run;      /* plan only, write nothing */
	unsigned int jobs; /* parallel transfers; 0: the session's */
};
#define MREG_COPY_OPTS_INIT                                                    \
	{                                                                      \
		.size = sizeof(struct mreg_copy_opts)                          \
	}

enum mreg_copy_action {
	MREG_COPY_NEW,   /* the target had no such tag */
	MREG_COPY_SAME,  /* it had it, with this digest */
	MREG_COPY_MOVED, /* it had it with another digest, and it may move */
};

struct mreg_copy_tag {
	const char *tag;
	struct mreg_digest digest;
	struct mreg_digest was; /* of MREG_COPY_MOVED */
	enum mreg_copy_action action;
};

struct mreg_copy_result {
	const char *from, *to;      /* names; an archive's path */
	struct mreg_copy_tag *tags; /* sorted; versions in order of numbers */
	size_t tag_count;
	uint64_t versions;  /* v<N> among them */
	uint64_t manifests; /* of all kinds, without copies already there */
	uint64_t documents; /* attached ones (referrers) found */
	uint64_t blobs;     /* in all manifests, each digest once */
	uint64_t bytes_total, bytes_sent, bytes_reused;
	bool dry_run;
	void *owner;
};

/*
 * Copy the model `from` (NAME: all tags, mreg.* and attached documents
 * included; NAME:TAG or NAME@DIGEST: that version, its documents, and the log
 * entries that give it its number) to the model `to`, without tag.  Digests do
 * not change; blobs are mounted where one registry has both.  If `to` has a
 * v<N>, a release name or a mreg.* tag with another digest nothing is written:
 * MREG_ECONFLICT, with the tags.  Aliases and latest follow the source when
 * all is copied.  Tags come last, v<N> after what they need; the same copy
 * again continues.
 */
MREG_API int mreg_copy(struct mreg *m, const char *from, const char *to,
		       const struct mreg_copy_opts *o,
		       struct mreg_copy_result *out, struct mreg_error *err);

/* The same into a new file `path`, a tar archive that is an OCI image layout;
 * it appears when it is whole.  MREG_ECONFLICT when it exists. */
MREG_API int mreg_export(struct mreg *m, const char *from, const char *path,
			 const struct mreg_copy_opts *o,
			 struct mreg_copy_result *out, struct mreg_error *err);
/* And out of one. */
MREG_API int mreg_import(struct mreg *m, const char *path, const char *to,
			 const struct mreg_copy_opts *o,
			 struct mreg_copy_result *out, struct mreg_error *err);
MREG_API void mreg_copy_result_release(struct mreg_copy_result *r);

#ifdef __cplusplus
}
#endif

#endif
