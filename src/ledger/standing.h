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
	const struct mr_event *split; /* the last, in force where it came after
				       * the last move; NULL: none */
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
const char *mr_values_get(const struct mr_values *v, const char *key);

/*
 * Where an alias stood and may be rolled back to: the moves whose version it
 * had, the present one last.  A rollback takes away all behind the position
 * it goes to, so a second one goes further back, never forward.  In the
 * arena.
 */
int mr_ledger_positions(struct mr_ledger *l, const char *alias,
			struct mr_arena *a, const struct mr_event ***out,
			size_t *count, struct mreg_error *err);

#endif
