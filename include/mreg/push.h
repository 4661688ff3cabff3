/*
 * mreg/push.h - make a version out of files.
 */
#ifndef MREG_PUSH_H
#define MREG_PUSH_H

#include "mreg/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of borrowed texts. */
struct mreg_texts {
	const char *const *items;
	size_t n;
};

struct mreg_push_opts {
	size_t size;       /* sizeof this struct; set by MREG_PUSH_OPTS_INIT */
	const char *kind;  /* "model" (also NULL), "dataset", "prompt" */
	const char *alias; /* alias to move too, e.g. "staging"; NULL: none */
	const char *metadata; /* a JSON or YAML file (spec/metadata.md) */
	/* Single fields by their metadata key: {"license", "Apache-2.0"}; they
	 * win over the file. */
	const struct mreg_pair *fields;
	size_t field_count;
	/* Each NAME=VALUE; added to the file's. */
	struct mreg_texts metrics, params, tags, annotations;
	struct mreg_texts authors;
	struct mreg_texts parents; /* [RELATION=]REF[@DIGEST] */
	struct mreg_texts inputs;  /* ROLE=REF-or-URI[,name=..,digest=..] */
	struct mreg_texts exclude; /* gitignore patterns */
	bool all;                  /* leave nothing out of a folder */
	bool git;                  /* ask git for revision, source and author */
	bool dry_run;      /* plan only: read files, send and write nothing */
	unsigned int jobs; /* parallel transfers; 0: the session's */
	const char *from_run; /* an MLflow run's folder, or its meta.yaml */
	struct mreg_texts policies; /* policy files: their rules hold too */
	struct mreg_texts also;     /* profiles to put it into, too: "image" */
};
#define MREG_PUSH_OPTS_INIT                                                    \
	{                                                                      \
		.size = sizeof(struct mreg_push_opts)                          \
	}

enum mreg_item_action {
	MREG_ITEM_SENT,   /* moved; in a dry run: would be */
	MREG_ITEM_REUSED, /* was there already */
	MREG_ITEM_SEEDED, /* pulled: copied from a seed; in a dry run: would be
			   */
};

/* One file of what was pushed or pulled. */
struct mreg_item {
	const char *path;
	uint64_t size;
	struct mreg_digest digest;
	const char *role; /* "weight", ... */
	bool executable;
	enum mreg_item_action action;
	bool packed; /* inspected: no file yet, but one that pull unpacks: an
		      * archive, or a compressed file; its size is that */
};

/* An alias and the digest it had before; NULL: none, or the same. */
struct mreg_moved {
	const char *alias;
	const char *was;
};

struct mreg_push_result {
	const char *name;           /* completed: "ghcr.io/acme/churn" */
	const char *reference;      /* name:v3, or name@digest in a dry run */
	uint64_t number;            /* 3; 0 in a dry run of a new version */
	struct mreg_digest digest;  /* of the manifest: the identity */
	struct mreg_digest fileset; /* of the files alone */
	bool identical;      /* this version existed; nothing new was made */
	bool latest;         /* `latest` points at it now */
	const char *release; /* release name given to it; NULL: none */
	struct mreg_moved *aliases; /* moved to it, or that would be */
	size_t alias_count;
	struct mreg_item *items; /* in the order of layers */
	size_t item_count;
	uint64_t bytes_total, bytes_sent, bytes_reused;
	uint64_t left_out; /* entries of the folder not taken */
	/* Keys of metadata that came of the files or the run, where nothing
	 * was given: "license", "parents", ... */
	const char *const *filled;
	size_t filled_count;
	/* Same files as an earlier version, or the newest one: which, and in
	 * what the metadata differs.  NULL / 0: nothing to say. */
	const char *compared_with; /* "v2" */
	const char *const *differences;
	size_t difference_count;
	struct mreg_image_result *also; /* in the order they were asked for */
	size_t also_count;
	bool dry_run;
	void *owner; /* memory of all the above */
};

/*
 * Push `paths` (one directory, or files) as a new version of `ref`, a name
 * with an optional TAG that is an alias or a release name.  Blobs first, then
 * the manifest by digest, then the claim of a number, then the tags: what has
 * no v<N> is not a version, so a broken push is never visible, and the same
 * call again continues it.  Where profiles are asked for (mreg/image.h) they
 * are complete before the version is; only of one that was there before they
 * come later.
 *
 * MREG_EUSAGE: arguments, metadata, TAG; MREG_ECONFLICT: the release name is
 * taken by another version, or a file changed while it was read; MREG_EIO,
 * MREG_ENETWORK, MREG_EAUTH, MREG_EDENIED, MREG_ELIMIT.
 */
MREG_API int mreg_push(struct mreg *m, const char *const *paths,
		       size_t path_count, const char *ref,
		       const struct mreg_push_opts *o,
		       struct mreg_push_result *out, struct mreg_error *err);
MREG_API void mreg_push_result_release(struct mreg_push_result *r);

#ifdef __cplusplus
}
#endif

#endif
