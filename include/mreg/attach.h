/*
 * mreg/attach.h - documents that belong to a version: they are found through
 * it, and leave its digest as it is.
 */
#ifndef MREG_ATTACH_H
#define MREG_ATTACH_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_attach_opts {
	size_t size; /* sizeof this struct; set by MREG_ATTACH_OPTS_INIT */
	/* "model-card", "bias-report", "sbom", ... (spec/attachments.md), or a
	 * media type; needed. */
	const char *type;
	const char *title;   /* NULL: the file's name */
	const char *created; /* RFC 3339; NULL: SOURCE_DATE_EPOCH, or none */
	struct mreg_texts annotations; /* each KEY=VALUE */
	unsigned int jobs;             /* 0: the session's */
	bool dry_run;                  /* read the file, send nothing */
};
#define MREG_ATTACH_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_attach_opts)                        \
	}

struct mreg_attach_file {
	const char *title;
	struct mreg_desc desc;
};

struct mreg_attach_result {
	const char *name;           /* "ghcr.io/acme/churn" */
	const char *reference;      /* the version: name@digest */
	uint64_t number;            /* of the version; 0: not known */
	struct mreg_digest version; /* what it is attached to */
	struct mreg_digest digest;  /* of the document's manifest */
	const char *type;           /* its artifact type */
	const char *kind;           /* "model-card"; NULL: none of ours */
	const char *title;
	const char *tag; /* that keeps it from being collected; NULL: none */
	struct mreg_attach_file *files;
	size_t file_count;
	uint64_t bytes_total, bytes_sent;
	bool existed; /* the same document was there already */
	bool dry_run;
	void *owner;
};

/*
 * Attach `file` to the version `ref`: an artifact whose subject is the
 * version's manifest.  The same file with the same options is the same
 * document.  MREG_EUSAGE: type, annotations, a folder for a file.
 */
MREG_API int mreg_attach(struct mreg *m, const char *ref, const char *file,
			 const struct mreg_attach_opts *o,
			 struct mreg_attach_result *out,
			 struct mreg_error *err);
MREG_API void mreg_attach_result_release(struct mreg_attach_result *r);

#ifdef __cplusplus
}
#endif

#endif
