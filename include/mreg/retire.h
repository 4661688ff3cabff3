/*
 * mreg/retire.h - versions that are not to be used any more: a warning, out of
 * sight, and back.
 *
 * Nothing is removed: each of these is an event of the log (spec/events.md).
 */
#ifndef MREG_RETIRE_H
#define MREG_RETIRE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What whoever uses a version is warned of. */
struct mreg_deprecation {
	int64_t until_s; /* nobody should use it after; 0: not told */
	struct mreg_digest successor; /* to be used instead; NONE: not told */
	uint64_t successor_number;    /* 0: not known */
	const char *reason;           /* NULL: not told */
	int64_t time_s;               /* when that was said */
	const char *actor;            /* by whom; "" when not told */
	/* All that in words: "is deprecated until 2027-01-31, use v5: reason".
	 */
	const char *says;
};

/* That a version is out of sight. */
struct mreg_archival {
	const char *reason; /* NULL: not told */
	int64_t time_s;
	const char *actor; /* "" when not told */
};

struct mreg_retire_opts {
	size_t size; /* sizeof this struct; set by MREG_RETIRE_OPTS_INIT */
	const char *reason; /* kept in the log; NULL: none */
	/* Of a deprecation: a date or RFC 3339, after which nobody should use
	 * it; and the version to use instead, by tag or digest ("v4").  NULL:
	 * none. */
	const char *until;
	const char *successor;
	bool dry_run;
};
#define MREG_RETIRE_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_retire_opts)                        \
	}

struct mreg_retire_result {
	const char *name;
	struct mreg_digest digest;
	uint64_t number;           /* 0: not known */
	bool changed;              /* false: it was so already */
	bool archived, deprecated; /* how it is now */
	struct mreg_digest event;  /* the last that was written; NONE: none */
	uint64_t latest; /* number that `latest` points at now; 0: not moved */
	bool dry_run;
	void *owner;
};

/* Warn whoever pulls the version `ref`. */
MREG_API int mreg_deprecate(struct mreg *m, const char *ref,
			    const struct mreg_retire_opts *o,
			    struct mreg_retire_result *out,
			    struct mreg_error *err);
/* Out of sight: listings leave it out, `latest` goes to the highest version
 * that is not archived.  MREG_ECONFLICT while an alias points at it. */
MREG_API int mreg_archive(struct mreg *m, const char *ref,
			  const struct mreg_retire_opts *o,
			  struct mreg_retire_result *out,
			  struct mreg_error *err);
/* Take back what the two above did. */
MREG_API int mreg_restore(struct mreg *m, const char *ref,
			  const struct mreg_retire_opts *o,
			  struct mreg_retire_result *out,
			  struct mreg_error *err);
MREG_API void mreg_retire_result_release(struct mreg_retire_result *r);

#ifdef __cplusplus
}
#endif

#endif
