/*
 * ledger/standing.h - what the events of a log come to; a part of the door
 * ledger/ledger.h, which includes it.
 *
 * Every reader of the same events computes the same (spec/events.md, "The
 * fold"): events count in fold order, and the last one on a thing decides.
 * What a tag of the registry has is not in here, and neither is any clock: a
 * request whose time is up looks like one whose time is not.
 */
#ifndef MR_LEDGER_STANDING_H
#define MR_LEDGER_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "mreg/types.h"

struct mr_event;
struct mr_ledger;

/* An alias that the log knows of, those that were removed too. */
struct mr_alias_standing {
	const char *name;
	const struct mr_event *move;  /* the last; its version NONE: removed.
				       * NULL: only a split is known */
	const struct mr_event *split; /* in force, and what it says counts
				       * (mr_split_parts); NULL: none */
};

/* A value that was given after the fact, and by which event. */
struct mr_value {
	const char *key; /* "owner", "description", "tags.team" */
	const char *value;
	const struct mr_event *event;
};
struct mr_values {
	struct mr_value *items; /* sorted by key */
	size_t count;
};

struct mr_version_standing {
	struct mreg_digest digest;
	const struct mr_event *registered; /* first standing claim; NULL: none,
					    * another tool tagged it */
	/* NULL: it is not, or was and is no more. */
	const struct mr_event *archived, *deprecated, *removed;
	const struct mr_event *released; /* its last release name */
	struct mr_values metadata;
};

/* An approval that was asked for. */
struct mr_approval {
	const struct mr_event *asked;
	const struct mr_event **grants; /* in fold order */
	size_t grant_count;
	const struct mr_event *refused; /* the first refusal; NULL: none */
	const struct mr_event *overdue; /* NULL: nobody said so */
	/* The first move of the alias to that version after it was asked, and
	 * before it was asked again; NULL: none. */
	const struct mr_event *moved;
};

/* What runs at a place; its event's version NONE: nothing any more. */
struct mr_deployment {
	const char *environment;
	const char *workload; /* "" when not told */
	const struct mr_event *event;
};

struct mr_standing {
	struct mr_arena *arena;            /* owned */
	const struct mr_event *record;     /* NULL: none was written */
	struct mr_values metadata;         /* of the model as a whole */
	struct mr_alias_standing *aliases; /* sorted by name */
	size_t alias_count;
	struct mr_version_standing *versions; /* sorted by digest */
	size_t version_count;
	struct mr_approval *approvals; /* in fold order */
	size_t approval_count;
	struct mr_deployment *deployments; /* by environment, workload */
	size_t deployment_count;
	const struct mr_event **incidents; /* open ones, in fold order */
	size_t incident_count;
	const struct mr_event *policy; /* the last; NULL: none */
};
void mr_standing_release(struct mr_standing *s); /* for MR_AUTO too */

#define MR_STANDING_NOW INT64_MAX
/*
 * Of the events whose writer's clock showed at most `until_s`.  Borrows the
 * ledger's events; good until the next add.  MREG_ENOMEM.
 */
int mr_ledger_standing(struct mr_ledger *l, int64_t until_s,
		       struct mr_standing *out, struct mreg_error *err);

/* NULL: not known. */
const struct mr_alias_standing *mr_standing_alias(const struct mr_standing *s,
						  const char *name);
const struct mr_version_standing *mr_standing_version(
	const struct mr_standing *s, const struct mreg_digest *d);
/* Whether a version is out of sight now. */
bool mr_standing_archived(const struct mr_standing *s,
			  const struct mreg_digest *d);
const char *mr_values_get(const struct mr_values *v, const char *key);

/* -- approvals: standing_approvals.c --------------------------------------- */

/* The last request for that alias and version; NULL: none. */
const struct mr_approval *mr_standing_approval(
	const struct mr_standing *s, const char *alias,
	const struct mreg_digest *version);
/* Answers are wanted until then. */
int64_t mr_approval_until(const struct mr_approval *r);

/* Whether a grant counts, and if not, why. */
enum mr_grant {
	MR_GRANT_COUNTS,
	MR_GRANT_NAMELESS,  /* nobody knows whose it is */
	MR_GRANT_REQUESTER, /* of who asked for it */
	MR_GRANT_PUSHER,    /* of who registered the version */
	MR_GRANT_UNKNOWN,   /* nobody knows who asked, or registered it */
	MR_GRANT_LATE,      /* by its writer's clock time was up */
	MR_GRANT_AGAIN,     /* that actor granted it before */
};
/*
 * Grant `i` of a request; `registered` is the event that registered the version
 * (NULL: another tool tagged it, and nobody knows who pushed it).  Who may
 * grant at all, and how many it takes, a policy says.  Names are compared as
 * they are, and are a record, not a proof.
 */
enum mr_grant mr_approval_grant(const struct mr_approval *r,
				const struct mr_event *registered, size_t i);
/* The same of one that `actor` would write now, in time. */
enum mr_grant mr_approval_actor(const struct mr_approval *r,
				const struct mr_event *registered,
				const char *actor);
/* Grants that count; none once it was refused, by whomever. */
size_t mr_approval_count(const struct mr_approval *r,
			 const struct mr_event *registered);
/* "refused"; "used": the alias was moved there; "granted": by one that counts
 * at least; "overdue": by nobody, and time was up at `now_s`; "open". */
const char *mr_approval_state(const struct mr_approval *r,
			      const struct mr_event *registered, int64_t now_s);

/*
 * Where an alias stood and may be rolled back to: the moves whose version it
 * had, the present one last.  A rollback takes away all behind the position
 * it goes to, so a second one goes further back, never forward.  In the
 * arena.
 */
int mr_ledger_positions(struct mr_ledger *l, const char *alias,
			struct mr_arena *a, const struct mr_event ***out,
			size_t *count, struct mreg_error *err);

/* -- splits: standing_splits.c --------------------------------------------- */

#define MR_SPLIT_PARTS_MIN 2
#define MR_SPLIT_PARTS_MAX 16
/* A version's share of an alias's traffic. */
struct mr_split_part {
	struct mreg_digest version;
	unsigned int percent; /* 1 to 99; all of a split are 100 */
};

/*
 * Why a *split recorded* event counts for nothing, in words; NULL: it counts.
 * `move` is the last one of its alias before it in fold order, NULL: none.  A
 * writer who did not know of that move split something else: so a move counts
 * before every split of the same moment, in whichever order they are read.
 */
const char *mr_split_idle(const struct mr_event *split,
			  const struct mr_event *move);
/* The shares of one that counts, sorted by digest, into MR_SPLIT_PARTS_MAX;
 * how many, 0: it ends the split before it. */
size_t mr_split_parts(const struct mr_event *split, struct mr_split_part *out);
/* The share of `version` in the split of an alias that is in force; 0:
 * none. */
unsigned int mr_split_share(const struct mr_alias_standing *a,
			    const struct mreg_digest *version);

/* An event about a split, and what became of it. */
struct mr_split_told {
	const struct mr_event *event;
	const char *idle; /* why it counts for nothing; NULL: it counts */
	/* The move or the split that ended it; NULL: in force, or idle, or
	 * itself an end. */
	const struct mr_event *ended;
};
/* All of an alias, in fold order; in the arena. */
int mr_ledger_splits(struct mr_ledger *l, const char *alias, struct mr_arena *a,
		     struct mr_split_told **out, size_t *count,
		     struct mreg_error *err);

#endif
