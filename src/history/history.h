/*
 * history/history.h - what changes about a model, written into its log and
 * then carried out: aliases and their tags.
 *
 * An alias is what the fold says (ledger/standing.h); its tag is the copy that
 * others read.  The event is written first, then the tag, until both agree
 * (spec/events.md, "Aliases and their tags").  Callers hold mr_store_lock,
 * which in a local store makes moves strictly serial and elsewhere does
 * nothing.
 */
#ifndef MR_HISTORY_HISTORY_H
#define MR_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "history/split.h"
#include "history/verify.h"
#include "history/watch.h"
#include "ledger/ledger.h"
#include "mreg/types.h"
#include "repo/repo.h"

/* -- state.c: an alias in the log and as a tag ----------------------------- */

enum mr_alias_agree {
	MR_ALIAS_AGREES,     /* tag and fold say the same, or both nothing */
	MR_ALIAS_UNRECORDED, /* a tag that no event names */
	MR_ALIAS_UNFINISHED, /* the tag has what the alias had, or lost */
	MR_ALIAS_FOREIGN,    /* somebody moved the tag without mreg */
};

struct mr_alias_state {
	enum mr_alias_agree agree;
	struct mreg_desc tag;         /* what it has; digest NONE: nothing */
	struct mreg_digest fold;      /* what it should have; NONE: nothing */
	const struct mr_event *move;  /* the last; NULL: no event */
	const struct mr_event *split; /* in force by the log; NULL: none */
};

/* One HEAD; by the log as far as read in `h`. */
int mr_alias_look(struct mr_store *s, struct mr_history *h, const char *alias,
		  struct mr_alias_state *out, struct mreg_error *err);
/* The same by the fold of all that `h` has, for those who look at many. */
int mr_alias_look_by(struct mr_store *s, struct mr_history *h,
		     const struct mr_standing *now, const char *alias,
		     struct mr_alias_state *out, struct mreg_error *err);
/* The same of a tag that was looked at, which is in `state`, by the fold of
 * all that `h` has. */
void mr_alias_judge(struct mr_history *h, const struct mr_standing *now,
		    const char *alias, struct mr_alias_state *state);
/* What the alias has, for whoever expects something: its tag's, but where a
 * move is unfinished what that goes to, which the next writer completes. */
const struct mreg_digest *mr_alias_now(const struct mr_alias_state *state);
/* "unfinished", "foreign", "unrecorded"; NULL: it agrees. */
const char *mr_alias_differs(enum mr_alias_agree agree);

/* -- move.c ---------------------------------------------------------------- */

struct mr_move {
	const char *alias;
	struct mreg_desc to; /* digest NONE: it is removed */
	const void *bytes;   /* of that manifest; NULL: fetched where needed */
	const char *by;      /* "set", "promote", "rollback", "remove", "push",
			      * "copy" */
	const char *reason;  /* NULL: none */
	struct mreg_digest policy; /* it was judged by; NONE: by none */
	/* Digest the alias must have (mr_alias_now) before and, but for this
	 * move, after; "none": nothing.  NULL: whatever it has. */
	const char *expect;
	/* To an archived version too: a copy repeats what was so elsewhere. */
	bool archived;
	/* Where it has that version already, but only a share of its traffic
	 * goes there: an event all the same, which ends the split. */
	bool ends_split;
	/* How many events the log had that it was judged by: where it has
	 * others, nothing is written, MREG_ECONFLICT.  0: by none. */
	size_t judged;
};

struct mr_moved {
	struct mreg_digest was;   /* what the tag had; NONE: nothing */
	struct mreg_digest event; /* its last event; NONE: it was so already */
	struct mreg_digest now;   /* what tag and fold have in the end; another
				   * one where someone moved it on meanwhile */
	bool tombstone;           /* removed by pointing it at the tombstone */
	bool split;               /* one was in force before */
	bool splits;              /* one is in force in the end */
};

/*
 * Write the event, move the tag, and read again until both agree; siblings of
 * the tag move with it.  A move that lost to another writer's is written
 * again on top of it.  MREG_ECONFLICT: not what was expected, an archived
 * version, or others keep moving it.
 */
int mr_alias_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_ref *ref, const struct mr_move *move,
		  struct mr_moved *out, struct mreg_error *err);

/* Whether `move` expects what the alias has now, or only lacks its tag;
 * MREG_ECONFLICT. */
int mr_alias_expect(const struct mr_move *move,
		    const struct mr_alias_state *state, struct mreg_error *err);

/* Whether `move` goes to a version in sight, by the log as far as read;
 * MREG_ECONFLICT.  mr_alias_move asks it. */
int mr_alias_in_sight(struct mr_store *s, struct mr_history *h,
		      const struct mr_move *move, struct mreg_error *err);

/* Make tag and siblings what the fold says, without an event.  `*changed`. */
int mr_alias_repair(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    const char *alias, bool *changed, struct mreg_error *err);

/* Take a foreign move into the history; what others do meanwhile stays. */
int mr_alias_adopt(struct mreg *m, struct mr_store *s, struct mr_history *h,
		   const struct mreg_ref *ref, const char *alias,
		   const struct mr_alias_state *state, struct mreg_error *err);

/* Whether the name is this version's (`*there`) or nobody's; MREG_ECONFLICT. */
int mr_release_look(struct mr_store *s, const char *release,
		    const struct mreg_digest *version, bool *there,
		    struct mreg_error *err);
/*
 * Give a version a release name: event, tag, siblings'.  One that this
 * version has already is left alone; MREG_ECONFLICT: another one has it, or was
 * given it at the same moment.
 */
int mr_release_name(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    const struct mreg_ref *ref, const char *release,
		    const struct mreg_desc *version, const void *bytes,
		    struct mreg_error *err);

/* -- stage.c --------------------------------------------------------------- */

#define MR_STAGE_ARCHIVED "archived"
#define MR_STAGE_EXPERIMENTAL "experimental"

/*
 * The computed stage of a version: archived; else the furthest of the ordered
 * aliases `stages` (struct mr_life) that is among `names`, what points at it;
 * else experimental.  Where tag and log differ a caller gives what the tags
 * say, as `alias ls` does.  Borrowed from `stages`.
 */
const char *mr_stage(bool archived, const char *const *stages,
		     size_t stage_count, const char *const *names,
		     size_t name_count);

/* -- record.c -------------------------------------------------------------- */

/* Values to be given; those there are taken out. */
struct mr_metadata {
	struct mreg_digest version; /* NONE: of the model */
	bool record; /* write the model's record if it has none */
	bool begin;  /* write an event even if it says nothing new */
	bool dry_run;
	struct mreg_pair *set; /* each name once; in any order */
	size_t set_count;
	struct mreg_pair *unset; /* names alone */
	size_t unset_count;
	/* Results. */
	bool created, changed;
	struct mreg_digest event; /* NONE: none was written */
};
/* By the log as far as read in `h`, which is read again. */
int mr_metadata_write(struct mreg *m, struct mr_store *s, struct mr_history *h,
		      const struct mreg_ref *ref, struct mr_metadata *md,
		      struct mreg_error *err);

/* -- find.c ---------------------------------------------------------------- */

/* The event that `text` names: its digest, or at least MR_EVENT_PREFIX_MIN of
 * its hex digits, "sha256:" before them or not.  MREG_EUSAGE: it can name none,
 * or several; MREG_ENOTFOUND. */
#define MR_EVENT_PREFIX_MIN 8
/* MREG_EUSAGE. */
int mr_event_check_name(const char *text, struct mreg_error *err);
int mr_event_find(struct mr_history *h, const char *text,
		  const struct mr_event **out, struct mreg_error *err);

/* -- tag.c ----------------------------------------------------------------- */

/* Remove a tag; where a registry deletes none it is pointed at the tombstone,
 * which every command takes for nothing. */
int mr_tag_remove(struct mr_store *s, const char *tag, bool *tombstone,
		  struct mreg_error *err);
/* Point the siblings of `name` (NAME-image, NAME-docker) at those of the
 * version, and remove those that it has none for.  `*changed`: it did. */
int mr_siblings_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		     const char *name, const struct mreg_digest *version,
		     bool *changed, struct mreg_error *err);
/* Those of any name with version `number`; 0: none. */
int mr_siblings_follow(struct mr_store *s, const char *name, uint64_t number,
		       bool *changed, struct mreg_error *err);
/* mr_log_latest, and what goes with it. */
int mr_latest_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		   const struct mreg_desc *mine, const void *manifest,
		   uint64_t *at, struct mreg_error *err);

#endif
