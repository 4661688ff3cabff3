/*
 * mreg/lineage.h - what a version was made from and what was made from it, out
 * of the index; and pictures of it.
 */
#ifndef MREG_LINEAGE_H
#define MREG_LINEAGE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_lineage_opts {
	size_t size; /* sizeof this struct; set by MREG_LINEAGE_OPTS_INIT */
	bool up;     /* what it was made from */
	bool down;   /* what was made from it; neither: both */
	unsigned int depth;           /* 0: no limit */
	const char *const *relations; /* names, NULL-terminated; NULL: all that
				       * were told */
	bool similar; /* versions with the same files or weights are related */
	bool impact;  /* down, similar ones too: aliases and deployments */
	size_t most;  /* nodes, the nearest; 0: 10000.  What is in use below is
		       * told completely whatever it is */
};
#define MREG_LINEAGE_OPTS_INIT                                                 \
	{                                                                      \
		.size = sizeof(struct mreg_lineage_opts)                       \
	}

struct mreg_lineage_version {
	const char *model; /* a reference */
	uint64_t number;
	const char *stage;          /* "none", "production"... */
	const char *const *aliases; /* sorted */
	size_t alias_count;
	const char *license;  /* NULL: not told */
	int64_t registered_s; /* by the log; 0: it does not say */
	const char *actor;    /* who registered it, as the log says; NULL */
};

struct mreg_lineage_node {
	/* "version", "document", "gap", "run", "commit", "uri", "environment",
	 * "event", "deployment", "input". */
	const char *kind;
	const char *id;    /* digest, or what names it: unique with kind */
	const char *label; /* short, for people: "churn:v3" */
	int depth;         /* 0: asked for; above: up; below 0: down */
	/* Where it is a version: the same digest may be one in several. */
	const struct mreg_lineage_version *versions;
	size_t version_count;
	const char *artifact_type, *title; /* of a document; NULL */
};

/* `child` came from `parent`; numbers of nodes.  Of "same_files" and
 * "shared_weights", which have no direction, `parent` is the nearest one that
 * is alike, and `child` each of the others. */
struct mreg_lineage_edge {
	size_t child, parent;
	const char *relation; /* "finetune" */
};

/* Something in use below what was asked for. */
struct mreg_impact_row {
	size_t node;
	const char *model;
	uint64_t number;
	const char *alias;       /* NULL: a deployment */
	const char *environment; /* NULL: an alias */
	const char *workload;    /* "": not told */
	const char *via; /* relation that the shortest way there ends with;
			  * NULL: it is what was asked for */
};

struct mreg_lineage_result {
	const char *root; /* as it was resolved: a reference with digest, or
			   * what names it */
	struct mreg_lineage_node *nodes; /* the first is what was asked for */
	size_t count;
	struct mreg_lineage_edge *edges;
	size_t edge_count;
	struct mreg_impact_row *impact; /* by model, number, alias */
	size_t impact_count;
	bool cut;         /* there are more nodes than shown */
	uint64_t left;    /* at least so many */
	int64_t synced_s; /* how old what was read is: the oldest sync of a
			   * model that is part of it; 0: not known */
	void *owner;
};

/*
 * `ref`: a reference, a digest, a URI (an input, a run as run:ID, a commit as
 * commit:SOURCE@REVISION, a deployment as deployment:ENV/WORKLOAD).
 * MREG_ENOTFOUND: the index does not know it; MREG_EUSAGE.
 */
MREG_API int mreg_lineage(struct mreg *m, const char *ref,
			  const struct mreg_lineage_opts *o,
			  struct mreg_lineage_result *out,
			  struct mreg_error *err);
MREG_API void mreg_lineage_result_release(struct mreg_lineage_result *r);

enum mreg_picture {
	MREG_PICTURE_DOT,
	MREG_PICTURE_SVG, /* needs graphviz: else MREG_EUNSUPPORTED */
	MREG_PICTURE_MERMAID,
	MREG_PICTURE_OPENLINEAGE, /* events, a line of JSON each */
	MREG_PICTURE_PROV,        /* W3C PROV-JSON */
};
/* The graph drawn, at most `most` nodes of it (0: 500; what was left out is
 * told in it), those near the root first; `*out` is to be freed with
 * free(). */
MREG_API int mreg_lineage_draw(struct mreg *m,
			       const struct mreg_lineage_result *r,
			       enum mreg_picture as, size_t most, char **out,
			       struct mreg_error *err);

#ifdef __cplusplus
}
#endif

#endif
