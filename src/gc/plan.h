/*
 * gc/plan.h - what a repository holds and what of it may go: shared by gc and
 * du; private to the folder.
 *
 * Everything belongs to an item: a version, with what hangs on it; a push that
 * was not finished; or item 0, the rest, which always stays.
 */
#ifndef MR_GC_PLAN_H
#define MR_GC_PLAN_H

#include "content/digest_map.h"
#include "history/history.h"
#include "mreg/gc.h"
#include "repo/repo.h"

/* Unfinished pushes and blobs that nothing names may be somebody's who is not
 * done yet. */
#define MR_GC_GRACE_S 86400

struct gc_tag {
	const char *name; /* borrowed from `names` */
	enum mr_tag_kind kind;
	struct mreg_desc desc;
	bool found;  /* it is there, and no tombstone */
	size_t item; /* it goes with; 0: it stays */
};

/* A manifest of an item: its own, those below an index, attached documents,
 * and theirs. */
struct gc_part {
	struct mreg_digest digest;
	size_t item;
};

/* A blob or manifest that an item names. */
struct gc_use {
	struct mreg_digest digest;
	uint64_t size;
	size_t item;
};

/* A manifest that an item comes from or leads to: parent, input, base,
 * subject, child, successor. */
struct gc_need {
	struct mreg_digest digest;
	size_t item;
	bool successor;
};

struct gc_item {
	struct mreg_desc desc; /* item 0: none */
	uint64_t number;
	const struct mr_version_standing *v; /* NULL: the log knows nothing */
	bool tagged;                         /* its v<N> is there */
	/* Somebody did something with it, so its push was finished, even if
	 * v<N> was lost since: past.c. */
	bool published, was_removed;
	/* What its aliases were: judge.c. */
	int64_t left_s; /* when the last one left it; 0: none had it */
	const char *left;
	int64_t superseded_s; /* when one went on to a higher version; 0 */
	const char *held;     /* by an alias that has or had it; NULL */
	enum mreg_gc_action action;
	const char *reason, *why;
	bool undo; /* a removal that was written down and is not to be */
	uint64_t bytes, freed;
	struct mreg_digest event;
	bool begun, done;        /* its removal */
	struct mr_manifest *doc; /* owned; NULL until it is needed */
};

struct gc {
	struct mreg *m;
	struct mr_store *s; /* owned */
	struct mreg_ref ref;
	const struct mreg_gc_opts *o;
	struct mr_arena *arena; /* borrowed: texts of the result */
	struct mr_history h;    /* owned, as what follows */
	struct mr_standing now;
	struct mr_policies policies;
	const struct mr_life *life; /* of them */
	int64_t now_s;
	int64_t retention_s; /* the policy's, or more */
	struct mr_list names;
	struct gc_tag *tags;
	size_t tag_count;
	struct gc_item *items;
	size_t item_count, item_cap;
	struct mr_digest_map item_map; /* of items' own digests */
	struct gc_part *parts;
	size_t part_count, part_cap;
	struct mr_digest_map part_map; /* the item that has a part first */
	struct gc_use *uses;           /* by digest, then item, once gathered */
	size_t use_count, use_cap;
	struct gc_need *needs;
	size_t need_count, need_cap;
	bool no_untag; /* the registry deletes no tag alone */
};
void mr_gc_release(struct gc *g); /* for MR_AUTO too */

/* gather.c: open the repository of `name`; read all of it, anew on every
 * call. */
int mr_gc_open(struct gc *g, const char *name, struct mreg_error *err);
int mr_gc_gather(struct gc *g, struct mreg_error *err);

/* walk.c: manifests, and what they name. */
int mr_gc_walk(struct gc *g, struct mreg_error *err);
/* Add a part to an item and look into it, and into what hangs on it. */
int mr_gc_enter(struct gc *g, size_t item, const struct mreg_digest *d,
		struct mreg_error *err);

/* judge.c: what becomes of each item, and why. */
int mr_gc_judge(struct gc *g, struct mreg_error *err);

/* gc_remove.c */
bool mr_gc_goes(const struct gc *g, size_t item);
/* MREG_EUNSUPPORTED: the registry deletes nothing. */
int mr_gc_ask(struct gc *g, struct mreg_error *err);
/* Remove what belongs to an item, what hangs on it before itself. */
int mr_gc_remove(struct gc *g, size_t item, struct mreg_error *err);

/* apply.c: carry it out; the caller holds mr_store_lock.  Archiving first;
 * then removing, which gathers and judges all anew. */
int mr_gc_archive(struct gc *g, struct mreg_error *err);
/* What nothing names any more, where the store is ours to clean. */
int mr_gc_sweep(struct gc *g, struct mr_sweep *sweep, struct mreg_error *err);
int mr_gc_apply(struct gc *g, struct mr_sweep *sweep, struct mreg_error *err);

#endif
