/*
 * mreg/approve.h - may an alias be moved to a version?  Asked with a time
 * limit, answered by people, counted by policies.
 *
 * Each question and each answer is an event of the log (spec/events.md).  Who
 * wrote it is what its writer said: an approval that is not signed is a record,
 * not a proof.
 */
#ifndef MREG_APPROVE_H
#define MREG_APPROVE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_approve_opts {
	size_t size; /* sizeof this struct; set by MREG_APPROVE_OPTS_INIT */
	const char *reason; /* kept in the log; NULL: none */
	/* Of a request: how long answers are wanted, at most 99999; 0: as
	 * the policy says, else 48. */
	unsigned int hours;
	const char *role; /* a grant is given in, of the policy; NULL: none */
	bool dry_run;
};
#define MREG_APPROVE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_approve_opts)                       \
	}

/* A request, and what was just done about it. */
struct mreg_approve_result {
	const char *name;
	const char *alias;
	struct mreg_digest digest;  /* the version */
	uint64_t number;            /* 0: not known */
	struct mreg_digest request; /* event of the request; NONE: it would be
				     * written */
	struct mreg_digest event;   /* that was written; NONE: none was */
	bool changed;               /* false: it was said already */
	/* "open", "granted", "refused", "overdue", "used"; as of
	 * struct mreg_approval_row. */
	const char *state;
	const char *by; /* who asked; "" when not told */
	int64_t asked_s, until_s;
	uint64_t grants;   /* that count */
	const char *actor; /* who the log names as doing this; may be "" */
	const char *actor_source; /* "registry", "as", ...; NULL: not told */
	/* Why no policy counts this grant: "requester", "pusher", "nameless",
	 * "unknown" (who asked, or pushed the version), "role" (the policy has
	 * no such role, or this actor not in it); NULL: one may. */
	const char *uncounted;
	bool dry_run;
	void *owner;
};

/*
 * Ask whether `alias` may be moved to the version `ref`.  A request that still
 * waits, or was granted and waits for the move, is given instead of a second
 * one, while its time lasts.  MREG_ECONFLICT: the version is archived or
 * removed.
 */
MREG_API int mreg_request(struct mreg *m, const char *ref, const char *alias,
			  const struct mreg_approve_opts *o,
			  struct mreg_approve_result *out,
			  struct mreg_error *err);
/*
 * Answer the last request for both.  MREG_ENOTFOUND: nobody asked;
 * MREG_ECONFLICT: time is up, it was refused, or somebody asked again
 * meanwhile.  An answer that no policy counts is written all the same, with a
 * warning.
 */
MREG_API int mreg_approve(struct mreg *m, const char *ref, const char *alias,
			  const struct mreg_approve_opts *o,
			  struct mreg_approve_result *out,
			  struct mreg_error *err);
MREG_API int mreg_reject(struct mreg *m, const char *ref, const char *alias,
			 const struct mreg_approve_opts *o,
			 struct mreg_approve_result *out,
			 struct mreg_error *err);
MREG_API void mreg_approve_result_release(struct mreg_approve_result *r);

struct mreg_approvals_opts {
	size_t size; /* sizeof this struct; set by MREG_APPROVALS_OPTS_INIT */
	const char *alias; /* only of this one; NULL: all */
	/* Only those whose time is up without an answer that counts; each that
	 * nobody noted gets an event that says so.  Who may not write is
	 * warned. */
	bool overdue;
	bool dry_run; /* of overdue */
};
#define MREG_APPROVALS_OPTS_INIT                                               \
	{                                                                      \
		.size = sizeof(struct mreg_approvals_opts)                     \
	}

struct mreg_approval_answer {
	struct mreg_digest event;
	bool granted; /* false: refused */
	const char *by;
	const char *source; /* of that name; NULL: not told */
	const char *role;   /* as its writer said; NULL: none */
	const char *reason; /* NULL: none */
	int64_t time_s;
	/* Of a grant: why it does not count whatever the policy: "requester",
	 * "pusher", "nameless", "unknown", "late", "again"; NULL: it may. */
	const char *uncounted;
};

struct mreg_approval_row {
	struct mreg_digest request; /* its event */
	struct mreg_digest digest;  /* the version */
	uint64_t number;            /* 0: not known */
	const char *alias;
	/* "refused", by anybody; "used": the alias was moved there after it;
	 * "granted", by one that counts at least: how many it takes a policy
	 * says; "overdue": time is up without one; "open". */
	const char *state;
	uint64_t grants; /* that count */
	const char *by;  /* who asked; "" when not told */
	const char *source;
	const char *reason; /* NULL: none */
	int64_t asked_s, until_s;
	const struct mreg_approval_answer *answers; /* in fold order */
	size_t answer_count;
	/* Seconds from when it was asked to the last answer, and to the move,
	 * by their writers' clocks; below 0: not yet. */
	int64_t answered_after_s, moved_after_s;
	/* The event that says it is overdue; NONE: nobody said so. */
	struct mreg_digest overdue;
	bool noted; /* by this call; with dry_run, it would be */
};

struct mreg_approvals_result {
	const char *name;
	struct mreg_approval_row *rows; /* in fold order, the newest last */
	size_t count;
	/* Medians of what these rows took, in seconds; below 0: none has. */
	int64_t median_answered_s, median_moved_s;
	uint64_t noted; /* events that were written, or would be */
	bool dry_run;
	void *owner;
};

/* The requests of the model `name`. */
MREG_API int mreg_approvals(struct mreg *m, const char *name,
			    const struct mreg_approvals_opts *o,
			    struct mreg_approvals_result *out,
			    struct mreg_error *err);
MREG_API void mreg_approvals_result_release(struct mreg_approvals_result *r);

#ifdef __cplusplus
}
#endif

#endif
