/*
 * index/graph.h - lineage: what a thing was made from and what was made from
 * it; a part of the door index/index.h, which includes it.
 *
 * Nodes are manifests and blobs by digest, and things outside by name.  An edge
 * goes from a child up to what it comes from.  Walks are breadth-first in C
 * over adjacency that lies in a file beside the database (SQLite; made anew by
 * mr_index_settle, not believed unless it is of the database's present
 * generation), else level by level with SQL; both give the same.
 */
#ifndef MR_INDEX_GRAPH_H
#define MR_INDEX_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "mreg/types.h"

struct mr_index;

/* Values are stored: only ever added. */
enum mr_relation {
	/* a parent, as the version's metadata has it */
	MR_REL_FINETUNE = 1,
	MR_REL_QUANTIZED = 2,
	MR_REL_ADAPTER = 3,
	MR_REL_MERGE = 4,
	MR_REL_DISTILL = 5,
	MR_REL_CONVERT = 6,
	MR_REL_RETRAIN = 7,
	MR_REL_INPUT = 8,    /* data, prompts, ...: inputs has the role */
	MR_REL_BASE = 9,     /* image.base.digest, where no parent says so */
	MR_REL_SUBJECT = 10, /* attached document -> what it is about */
	MR_REL_CHILD = 11,   /* manifest -> the index that lists it */
	MR_REL_PROFILE = 12, /* sibling -> the version it was made of */
	MR_REL_RUN = 13,     /* version -> run */
	MR_REL_COMMIT = 14,  /* version -> source@revision */
	MR_REL_ENVIRONMENT = 15, /* version -> what it was trained in */
	MR_REL_BECAUSE = 16,     /* version -> event that asked for it */
	MR_REL_DEPLOYED = 17,    /* deployment -> version */
	MR_REL_SUCCESSOR = 18,   /* successor -> version it is to replace */
	/* Found by comparing; both ways, and stored nowhere. */
	MR_REL_SAME_FILES = 30,     /* the same fileset digest */
	MR_REL_SHARED_WEIGHTS = 31, /* a weights blob in common */
	MR_REL_COUNT = 32,
};
/* Sets of them, bit 1 << relation: what somebody told; and of that by what a
 * thing was made from another, which what is to replace it was not. */
#define MR_RELATIONS_DECLARED ((UINT32_C(1) << MR_REL_SAME_FILES) - 2)
#define MR_RELATIONS_MADE                                                      \
	(MR_RELATIONS_DECLARED & ~(UINT32_C(1) << MR_REL_SUCCESSOR))
/* "finetune", "same_files"; NULL: none; and back: 0. */
const char *mr_relation_name(enum mr_relation r);
enum mr_relation mr_relation_parse(const char *name);

enum mr_graph_kind {
	MR_GRAPH_MANIFEST = 0, /* of a digest; a version, a document, a gap */
	MR_GRAPH_RUN = 1,
	MR_GRAPH_COMMIT = 2,
	MR_GRAPH_URI = 3, /* data and tables by URI, hf://, s3:// */
	MR_GRAPH_ENVIRONMENT = 4,
	MR_GRAPH_EVENT = 5,
	MR_GRAPH_DEPLOYMENT = 6, /* "environment/workload" */
	MR_GRAPH_NAME = 7,       /* an input told by its name alone */
};

struct mr_walk {
	const int64_t *from; /* nodes */
	size_t from_count;
	bool down;          /* towards children */
	unsigned int depth; /* at most; 0: no limit */
	uint32_t relations; /* 0: MR_RELATIONS_DECLARED */
	size_t most;        /* nodes, the nearest; 0: no limit */
};
struct mr_walked {
	int64_t node;
	unsigned int depth; /* 0: where it began */
};
struct mr_walked_edge {
	int64_t child, parent;
	enum mr_relation relation;
};
/* Versions with the same fileset, or a weights blob in common, are a group: as
 * pairs they would be as many as the square of them. */
struct mr_walked_alike {
	enum mr_relation relation;
	size_t group; /* from 0 */
	int64_t node;
};
struct mr_walk_result {
	struct mr_walked *nodes; /* nearest first, then by node; the first ones
				  * are `from` */
	size_t count;
	struct mr_walked_edge *edges; /* declared ones between them; each once,
				       * sorted by child, parent, relation */
	size_t edge_count;
	struct mr_walked_alike *alike; /* groups of two or more of them, where
					* asked for; sorted as they are
					* written, each set of nodes once */
	size_t alike_count;
	bool cut;      /* there are more nodes than `most` */
	uint64_t left; /* how many of them were seen and left out, at least */
};
void mr_walk_release(struct mr_walk_result *r); /* for MR_AUTO too */
/* Each node is met once, so cycles end.  `edges` false: nodes alone. */
int mr_index_walk(struct mr_index *ix, const struct mr_walk *w, bool edges,
		  struct mr_walk_result *out, struct mreg_error *err);
/* What is between these nodes: `edges` and `alike` of `out`, which has no
 * nodes. */
int mr_index_between(struct mr_index *ix, const int64_t *nodes, size_t n,
		     uint32_t relations, struct mr_walk_result *out,
		     struct mreg_error *err);

/* The node of a digest, or of a thing outside; 0: nothing that is indexed is
 * it or names it. */
int mr_index_node(struct mr_index *ix, const struct mreg_digest *d,
		  int64_t *out, struct mreg_error *err);
int mr_index_outside(struct mr_index *ix, enum mr_graph_kind kind,
		     const char *name, int64_t *out, struct mreg_error *err);

/* What nodes are. */
struct mr_node_row {
	int64_t node;
	enum mr_graph_kind kind;
	struct mreg_digest digest;         /* of a manifest, an event */
	const char *name;                  /* of the others; NULL */
	const char *artifact_type, *title; /* of a document; NULL */
	const char *tag;                   /* of a sibling; NULL */
	const struct mr_ix_row *versions;  /* the versions it is; by model */
	size_t version_count;
	bool document;   /* an attached document, sibling or child */
	bool gap;        /* something names it, and nothing indexed has it */
	const char *ref; /* of a gap: what its child calls it; NULL */
};
int mr_index_describe(struct mr_index *ix, const int64_t *nodes, size_t n,
		      struct mr_arena *arena, struct mr_node_row **out,
		      struct mreg_error *err);

/* What is in use of some nodes: aliases that a tag of now gives them, latest
 * too, and deployments.  Sorted by model, number, alias, environment,
 * workload. */
struct mr_in_use {
	int64_t node;
	const char *model;
	uint64_t number;         /* 0: not a version there */
	const char *alias;       /* NULL: a deployment */
	const char *environment; /* NULL: an alias */
	const char *workload;    /* "": not told */
};
int mr_index_in_use(struct mr_index *ix, const int64_t *nodes, size_t n,
		    struct mr_arena *arena, struct mr_in_use **out,
		    size_t *count, struct mreg_error *err);
/* The oldest of the last good syncs of the models that these nodes are versions
 * of; 0: of none. */
int mr_index_synced(struct mr_index *ix, const int64_t *nodes, size_t n,
		    int64_t *out, struct mreg_error *err);

/* The file of adjacency, written where it is not of this generation. */
int mr_index_graph_write(struct mr_index *ix, struct mreg_error *err);

#endif
