/*
 * mreg/alias.h - names that move.
 */
#ifndef MREG_ALIAS_H
#define MREG_ALIAS_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_alias_opts {
	size_t size; /* sizeof this struct; set by MREG_ALIAS_OPTS_INIT */
	/* Digest the alias must have now ("none": it must not exist); checked
	 * before and after, MREG_ECONFLICT; NULL: whatever it has.  No lock on
	 * a bare registry. */
	const char *expect;
	bool dry_run;
	const char *reason; /* kept in the log; NULL: none */
};
#define MREG_ALIAS_OPTS_INIT                                                   \
	{                                                                      \
		.size = sizeof(struct mreg_alias_opts)                         \
	}

struct mreg_alias_result {
	const char *name;          /* "ghcr.io/acme/churn" */
	const char *alias;         /* "production" */
	struct mreg_digest digest; /* NONE: removed */
	struct mreg_digest was;    /* NONE: it did not exist */
	uint64_t number; /* of the version it points at; 0: not known */
	bool changed;    /* false: it was so already */
	bool tombstone;  /* removed by pointing it at the tombstone */
	bool dry_run;
	void *owner;
	struct mreg_digest event; /* of the log; NONE: none was needed */
};

/* Point `alias` at the version `ref`. */
MREG_API int mreg_alias_set(struct mreg *m, const char *ref, const char *alias,
			    const struct mreg_alias_opts *o,
			    struct mreg_alias_result *out,
			    struct mreg_error *err);

/* Remove the alias `ref` (NAME:ALIAS); what it pointed at stays.  Where a
 * registry cannot delete a tag it is pointed at the tombstone, which every
 * command treats as not found. */
MREG_API int mreg_alias_rm(struct mreg *m, const char *ref,
			   const struct mreg_alias_opts *o,
			   struct mreg_alias_result *out,
			   struct mreg_error *err);
MREG_API void mreg_alias_result_release(struct mreg_alias_result *r);

struct mreg_alias_row {
	const char *alias;
	struct mreg_digest digest;
	uint64_t number; /* 0: not a version's */
	bool release;    /* a release name: never moves */
};

struct mreg_aliases_result {
	const char *name;
	struct mreg_alias_row *rows; /* sorted by name; latest included */
	size_t count;
	void *owner;
};

MREG_API int mreg_aliases(struct mreg *m, const char *ref,
			  struct mreg_aliases_result *out,
			  struct mreg_error *err);
MREG_API void mreg_aliases_result_release(struct mreg_aliases_result *r);

#ifdef __cplusplus
}
#endif

#endif
