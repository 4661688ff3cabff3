/*
 * mreg/list.h - models, and the versions of one.
 */
#ifndef MREG_LIST_H
#define MREG_LIST_H

#include "mreg/push.h"
#include "mreg/retire.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_models_result {
	const char *where;        /* "ghcr.io/acme", or the local store */
	const char *const *names; /* sorted; usable as references */
	size_t count;
	int64_t synced_s; /* read from the index: how old that is (the oldest
			   * sync of one of them); 0: from the place itself */
	void *owner;
};

/* Models below the configured prefix (`prefix` NULL) or below `prefix`, a
 * HOST[/PATH] or oci:DIR.  Where a registry has no catalog the
 * index is taken, if the session may use it, else MREG_EUNSUPPORTED. */
MREG_API int mreg_models(struct mreg *m, const char *prefix,
			 struct mreg_models_result *out,
			 struct mreg_error *err);
MREG_API void mreg_models_result_release(struct mreg_models_result *r);

struct mreg_version_row {
	uint64_t number;
	struct mreg_digest digest;
	int64_t registered_s; /* seconds since 1970; 0: the log does not say */
	const char *actor;    /* who registered it, as the log says; "" */
	const char *run;      /* experiment run; NULL */
	const char *const *tags; /* aliases, release names, latest; sorted */
	size_t tag_count;
	uint64_t bytes; /* in all files */
	uint64_t files;
	const struct mreg_pair *metrics; /* sorted by name */
	size_t metric_count;
	/* The tag v<N> has another digest than the log gave N: somebody moved
	 * it.  `digest` is the log's. */
	bool moved;
	const char *stage; /* as mreg_inspect_result has it */
	const struct mreg_deprecation *deprecated; /* NULL: it is not */
};

struct mreg_versions_opts {
	size_t size;   /* sizeof this struct; set by MREG_VERSIONS_OPTS_INIT */
	bool archived; /* those too */
};
#define MREG_VERSIONS_OPTS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct mreg_versions_opts)                      \
	}

struct mreg_versions_result {
	const char *name;
	struct mreg_version_row *rows; /* highest number first */
	size_t count;
	uint64_t hidden;  /* archived ones that are not among them */
	int64_t synced_s; /* the tags are from the index; when they were read;
			   * 0: just now */
	void *owner;
};

/* Versions of a model: what the log registered and has its v<N>, and v<N>
 * tags that others made.  `o` NULL: no options. */
MREG_API int mreg_versions(struct mreg *m, const char *ref,
			   const struct mreg_versions_opts *o,
			   struct mreg_versions_result *out,
			   struct mreg_error *err);
MREG_API void mreg_versions_result_release(struct mreg_versions_result *r);

#ifdef __cplusplus
}
#endif

#endif
