/*
 * ops/copy.h - the state of one copy, shared by its steps.
 *
 * Everything that is copied is a node (a manifest or index, by its digest),
 * a blob, or a tag.  Nodes are opaque: only the descriptors in them are
 * followed.
 */
#ifndef MR_OPS_COPY_H
#define MR_OPS_COPY_H

#include "content/digest_map.h"
#include "mreg/copy.h"
#include "repo/repo.h"
#include "transfer/transfer.h"

#define MR_COPY_NO_NODE MR_DIGEST_NO_INDEX

struct copy_node {
	struct mreg_desc desc;      /* digest only, until loaded */
	char *bytes;                /* owned; NULL: fetched again when needed */
	size_t blob_at, blob_count; /* of `uses` */
	size_t need_at, need_count; /* of `needs`: nodes that come first */
	struct mreg_digest subject; /* NONE: it has none */
	size_t gap;                 /* a node below an index, not in the source;
				       MR_COPY_NO_NODE: none */
	unsigned int level;         /* above all its needs */
	bool loaded;                /* its document was read */
	bool absent;                /* named, but not in the source */
	bool attached;              /* found as a referrer */
	bool entry;                 /* of the log: written by its tag alone */
	bool there;                 /* the target has it */
};

struct copy_blob {
	struct mreg_desc desc;
	const char
		*title; /* in the arena; the file's name; NULL: it has none */
	bool namesake;  /* another one has this title too */
	bool wanted;    /* by a node that the target does not have */
};

struct copy_tag {
	const char *name; /* in the arena */
	enum mr_tag_kind kind;
	uint64_t number; /* of a version's tag */
	size_t node;     /* MR_COPY_NO_NODE: gone, or a tombstone */
	bool tombstone;
	struct mreg_digest was; /* what the target has; NONE */
	enum mreg_copy_action action;
	bool conflict;
	bool recorded; /* an alias that moved by an event of the target */
};

struct copy {
	struct mreg *m;
	const struct mreg_copy_opts *o;
	struct mreg_ref source, target; /* zeroed: an archive */
	const char *name_from, *name_to;
	struct mr_store *from, *to; /* owned */
	struct mr_arena *arena;     /* the result's */
	bool fresh;                 /* the target is new: nothing to compare */
	bool whole;                 /* all tags; else one version */
	unsigned int jobs;
	unsigned int lookups; /* small requests at once */
	unsigned int writers; /* documents and tags written at once */

	struct mr_history source_log, target_log; /* owned */
	struct copy_tag *tags;                    /* owned */
	size_t tag_count, tag_cap;
	struct copy_node *nodes; /* owned */
	size_t node_count, node_cap;
	struct copy_blob *blobs; /* owned */
	size_t blob_count, blob_cap;
	size_t *uses; /* owned; indices of blobs */
	size_t use_count, use_cap;
	size_t *needs; /* owned; indices of nodes */
	size_t need_count, need_cap;
	struct mr_digest_map node_map, blob_map; /* owned */
	size_t kept_bytes;                       /* of documents in memory */
	struct mr_plan plan;                     /* owned */
	int64_t planned_ms;                      /* when the target was asked */

	/* One version. */
	struct mreg_desc version;
	uint64_t number;
	bool adopt;      /* its number gets an event of the target's own */
	const char *run; /* of the event it had; NULL */
	/* Set at the end. */
	uint64_t latest; /* what `latest` points at now; 0: as told */
	struct mreg_digest latest_was;
};

void mr_copy_release(struct copy *c);

/* copy_graph.c: nodes and blobs. */

/* The node of a digest, made when there is none. */
int mr_copy_node(struct copy *c, const struct mreg_digest *d, size_t *out,
		 struct mreg_error *err);
/* Read what a node's document names. */
int mr_copy_take(struct copy *c, size_t node, const struct mr_doc *doc,
		 struct mreg_error *err);
/* A node's document, from memory or from the source.  `out` is given back by
 * mr_doc_release. */
int mr_copy_doc(struct copy *c, size_t node, struct mr_doc *out,
		struct mreg_error *err);
/* Levels: what a node needs is on a lower one.  `*top` is the highest. */
int mr_copy_levels(struct copy *c, unsigned int *top, struct mreg_error *err);
/* Gaps: which nodes are not whole. */
int mr_copy_gaps(struct copy *c, struct mreg_error *err);

/* copy_pick.c: which tags. */

int mr_copy_tag_add(struct copy *c, const char *name, struct mreg_error *err);
int mr_copy_pick_all(struct copy *c, struct mreg_error *err);
int mr_copy_pick_version(struct copy *c, struct mreg_error *err);

/* copy_walk.c: read everything that hangs on the tags. */
int mr_copy_walk(struct copy *c, struct mreg_error *err);

/* copy_check.c: what the target has; MREG_ECONFLICT when it has something
 * that must not move under another digest. */
int mr_copy_compare(struct copy *c, struct mreg_error *err);
/* MREG_ECONFLICT when the target's log, as far as read, gives the number of a
 * version that is still to be written to another one by an event that the
 * source's log does not have (product.md 3.2, step 3). */
int mr_copy_check_claims(struct copy *c, struct mreg_error *err);
/* Of a whole model: leave `latest` of the target where it is when a higher
 * version is there.  Its log is to be read before. */
int mr_copy_keep_latest(struct copy *c, struct mreg_error *err);
/* A tag of the target now, raw: a tombstone is told as what it is. */
int mr_copy_look(struct copy *c, const char *tag, struct mreg_digest *out,
		 struct mreg_error *err);
/* Whether a tag keeps its digest for ever. */
bool mr_copy_fixed(enum mr_tag_kind kind);

/* copy_send.c: blobs, then manifests; what is needed first. */
int mr_copy_plan(struct copy *c, struct mreg_error *err);
int mr_copy_send(struct copy *c, struct mreg_error *err);
/* Put a node's document under a tag or its digest, sending blobs again that
 * the target says it misses. */
int mr_copy_put(struct copy *c, size_t node, const char *reference,
		struct mreg_error *err);

/* copy_tags.c: tags, under the target's lock. */
int mr_copy_publish(struct copy *c, struct mreg_error *err);

/*
 * copy_aliases.c: move the aliases that the target's log, with what was copied
 * into it, has elsewhere than the source; and remove those of which the source
 * has the removal's event alone.  All others are only written.
 */
int mr_copy_aliases(struct copy *c, struct mreg_error *err);

/* copy_policy.c: whose policy is in force. */

/* In the target, as far as its log was read; NONE: none of its own. */
struct mreg_digest mr_copy_policy_now(const struct copy *c);
/*
 * Copied events must not change the policy that was set in the target: by
 * their place in the log they may come last.  Then the target's gets an event
 * after them.  It follows from the logs alone, so that a copy that broke off
 * before is put right by the next one.  `was`: in force before.
 */
int mr_copy_policy_keep(struct copy *c, const struct mreg_digest *was,
			struct mreg_error *err);
/* The same told of a copy that is only rehearsed. */
void mr_copy_policy_foresee(const struct copy *c);

#endif
