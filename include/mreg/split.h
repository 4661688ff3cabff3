/*
 * mreg/split.h - an alias's traffic shared among versions: canary, A/B,
 * blue-green.
 *
 * A split is said in the log (spec/events.md): the alias itself, and its tag,
 * stay with their version, which has a share of the traffic.  It is for those
 * who route requests; `pull` and `resolve` give the alias's version.  It is in
 * force until the alias is moved, wherever to (a promotion of the version that
 * was tried completes it, a rollback undoes it), or until it is ended.
 */
#ifndef MREG_SPLIT_H
#define MREG_SPLIT_H

#include "mreg/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MREG_SPLIT_PARTS_MAX 16

struct mreg_split_part {
	uint64_t number; /* of the version; 0: not known */
	struct mreg_digest digest;
	unsigned int weight; /* per cent, 1 to 99; all of a split are 100 */
	bool stable;         /* the alias's own version */
	bool archived;       /* meanwhile, or removed: nothing to be served */
};

/* An event about the split of an alias. */
struct mreg_split_row {
	struct mreg_digest event;
	uint64_t seq;
	int64_t time_s;
	const char *actor;      /* "" when not told */
	const char *reason;     /* NULL: none */
	struct mreg_digest was; /* the version that the alias had */
	/* What it says: none ends a split.  Of one that is ignored they are not
	 * read. */
	struct mreg_split_part *parts;
	size_t part_count;
	/* "in_force"; "ended": by what came after it; "end": it is the end of
	 * one; "ignored": it counts for nothing. */
	const char *state;
	/* Why it is ignored; what ended it: "promote", "rollback", "set",
	 * "split", ...  Else NULL. */
	const char *why;
	struct mreg_digest ended_by; /* event; NONE: none */
};

struct mreg_split_result {
	const char *name;          /* "ghcr.io/acme/churn" */
	const char *alias;         /* "production" */
	struct mreg_digest digest; /* what the alias has by the log; NONE */
	uint64_t number;           /* of that version; 0: not known */
	/* In force, or, in a dry run, what would be: the alias's own version
	 * first.  None: it is not split. */
	struct mreg_split_part *parts;
	size_t part_count;
	struct mreg_digest event;  /* that says so; NONE: none does */
	int64_t since_s;           /* by its writer's clock; 0: none */
	const char *actor;         /* "" when not told */
	const char *reason;        /* NULL: none */
	struct mreg_digest policy; /* of the log, it was judged by; NONE */
	/* The tag is not what the log says, so that nobody should be sent by
	 * this: as of struct mreg_alias_row; NULL: it agrees. */
	const char *differs;
	bool changed; /* an event was written, or would be */
	bool ended;   /* ... that ended a split */
	bool judged;  /* there was a policy to ask, gates or not */
	bool gated;   /* the alias has gates, which were asked too */
	bool dry_run;
	struct mreg_split_row *rows; /* asked for; the newest last */
	size_t row_count;
	void *owner;
};

/* The split of the alias `ref` (NAME:ALIAS) that is in force; reads the log.
 * `history`: all its events too.  MREG_ENOTFOUND: there is no such alias. */
MREG_API int mreg_split_show(struct mreg *m, const char *ref, bool history,
			     struct mreg_split_result *out,
			     struct mreg_error *err);

struct mreg_split_opts {
	size_t size; /* sizeof this struct; set by MREG_SPLIT_OPTS_INIT */
	/* VERSION=WEIGHT, "v7=90" or "v7=90%"; the version as v<N>, release
	 * name or digest.  2 to MREG_SPLIT_PARTS_MAX, the weights 100 together,
	 * the alias's version among them.  None: its split ends. */
	struct mreg_texts weights;
	const char *expect;         /* digest the alias must have: its own */
	const char *reason;         /* kept in the log; NULL: none */
	struct mreg_texts policies; /* files with further rules */
	bool dry_run;               /* judge, write nothing */
};
#define MREG_SPLIT_OPTS_INIT                                                   \
	{                                                                      \
		.size = sizeof(struct mreg_split_opts)                         \
	}

/*
 * Share the traffic of the alias `ref` (NAME:ALIAS).  Each version but the one
 * that it has is judged as mreg_promote would: MREG_EPOLICY.  What is so
 * already is not written again.
 *
 * MREG_ECONFLICT: a version is archived or removed; the alias's own has no
 * share, is not what was expected, or was moved meanwhile.
 */
MREG_API int mreg_split(struct mreg *m, const char *ref,
			const struct mreg_split_opts *o,
			struct mreg_split_result *out, struct mreg_error *err);
MREG_API void mreg_split_result_release(struct mreg_split_result *r);

#ifdef __cplusplus
}
#endif

#endif
