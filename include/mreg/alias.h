/*
 * mreg/alias.h - names that move.
 */
#ifndef MREG_ALIAS_H
#define MREG_ALIAS_H

#include "mreg/session.h"
#include "mreg/split.h"

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
	/* A split of it (mreg/split.h) ended: all of it is this version. */
	bool split_ended;
	bool splits; /* one is in force still: nothing was moved */
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

struct mreg_rollback_opts {
	size_t size; /* sizeof this struct; set by MREG_ROLLBACK_OPTS_INIT */
	/* The version it goes back to, by tag or digest ("v3"), one that it had
	 * before; NULL: the one before the present. */
	const char *to;
	const char *expect; /* as of mreg_alias_opts */
	const char *reason;
	bool dry_run;
};
#define MREG_ROLLBACK_OPTS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct mreg_rollback_opts)                      \
	}

/*
 * Point the alias `ref` (NAME:ALIAS) at what it had before; a second rollback
 * goes one further back, never forward.  Where a split of it is in force that
 * ends, and it stays where it is: the version that was tried gets no share any
 * more.  MREG_ENOTFOUND when there is nothing
 * before, or that version is not there any more; MREG_ECONFLICT when somebody
 * moved the tag without mreg: that is to be adopted or repaired first.
 */
MREG_API int mreg_rollback(struct mreg *m, const char *ref,
			   const struct mreg_rollback_opts *o,
			   struct mreg_alias_result *out,
			   struct mreg_error *err);

struct mreg_repair_row {
	const char *tag;           /* of an alias, or v<N> */
	struct mreg_digest digest; /* what it has now; NONE: nothing */
	struct mreg_digest was;    /* what it had */
};

struct mreg_repair_result {
	const char *name;
	struct mreg_repair_row
		*rows; /* those that were not what the log says */
	size_t count;
	uint64_t looked_at; /* tags */
	bool dry_run;
	void *owner;
};

/* Make the tags of a model what its log says: aliases whose writer died, tags
 * that others moved, v<N> too. */
MREG_API int mreg_alias_repair(struct mreg *m, const char *name, bool dry_run,
			       struct mreg_repair_result *out,
			       struct mreg_error *err);
MREG_API void mreg_repair_result_release(struct mreg_repair_result *r);

struct mreg_wait_opts {
	size_t size; /* sizeof this struct; set by MREG_WAIT_OPTS_INIT */
	/* Until it has another digest than it has now, or than this one; else
	 * until it is there. */
	bool changed;
	const char *from;     /* digest; NULL: what it has now */
	uint64_t timeout_s;   /* 0: for ever */
	uint64_t interval_ms; /* between two looks; 0: 2 s, growing to 15 */
};
#define MREG_WAIT_OPTS_INIT                                                    \
	{                                                                      \
		.size = sizeof(struct mreg_wait_opts)                          \
	}

/* Block until the alias `ref` (NAME:ALIAS) moves; the log is not read.
 * MREG_ENOTFOUND when time is up; MREG_ECANCELED. */
MREG_API int mreg_wait(struct mreg *m, const char *ref,
		       const struct mreg_wait_opts *o,
		       struct mreg_alias_result *out, struct mreg_error *err);

struct mreg_release_opts {
	size_t size; /* sizeof this struct; set by MREG_RELEASE_OPTS_INIT */
	bool dry_run;
};
#define MREG_RELEASE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_release_opts)                       \
	}

/* Give the version `ref` a release name, which never moves.  MREG_ECONFLICT
 * when another version has it. */
MREG_API int mreg_release(struct mreg *m, const char *ref, const char *release,
			  const struct mreg_release_opts *o,
			  struct mreg_alias_result *out,
			  struct mreg_error *err);

struct mreg_alias_row {
	const char *alias;
	struct mreg_digest digest;
	uint64_t number; /* 0: not a version's */
	bool release;    /* a release name: never moves */
	/* By the log; 0 and "": it does not say. */
	int64_t since_s;
	const char *actor;
	/* The log says another thing: "unfinished", "foreign" or "unrecorded";
	 * NULL: it agrees, or no log is kept of it (latest). */
	const char *differs;
	/* Who shares its traffic, its own version first; none: it is not split.
	 * Of a tag that differs they are what the log says. */
	const struct mreg_split_part *parts;
	size_t part_count;
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
