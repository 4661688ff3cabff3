/*
 * index/figures.h - what a report asks of an index: the histories of one model,
 * and figures of all; a part of the door index/index.h, which includes it.
 */
#ifndef MR_INDEX_FIGURES_H
#define MR_INDEX_FIGURES_H

#include "index/record.h"

struct mr_index;

/* -- read_history.c: of one model, by its name ------------------------------
 */

/* An event, in fold order. */
struct mr_ix_event_row {
	struct mreg_digest digest, version; /* version NONE: about none */
	uint64_t seq, number;               /* of that version; 0: not known */
	const char *kind;
	int64_t time_s;
	const char *actor;  /* "" when not told */
	const char *alias;  /* of a release event the release; NULL */
	const char *detail; /* JSON of its other fields; NULL: it has none */
};
int mr_index_events(struct mr_index *ix, const char *model,
		    struct mr_arena *arena, struct mr_ix_event_row **out,
		    size_t *count, struct mreg_error *err);

struct mr_ix_approval_row {
	uint64_t number; /* of the version; 0: not known */
	struct mr_ix_approval is;
};
int mr_index_approvals(struct mr_index *ix, const char *model,
		       struct mr_arena *arena, struct mr_ix_approval_row **out,
		       size_t *count, struct mreg_error *err);

struct mr_ix_incident_row {
	uint64_t number; /* of the version; 0: not known */
	struct mr_ix_incident is;
};
int mr_index_incidents(struct mr_index *ix, const char *model,
		       struct mr_arena *arena, struct mr_ix_incident_row **out,
		       size_t *count, struct mreg_error *err);

/* What hangs on a version, by digest; metrics are not read. */
int mr_index_documents(struct mr_index *ix, const char *model,
		       const struct mreg_digest *version,
		       struct mr_arena *arena, struct mr_ix_document **out,
		       size_t *count, struct mreg_error *err);

/* What a version was made with, in its order; texts NULL where not told. */
struct mr_ix_input_row {
	const char *role, *name, *uri, *digest, *license, *classification,
		*consent;
};
int mr_index_inputs(struct mr_index *ix, int64_t version,
		    struct mr_arena *arena, struct mr_ix_input_row **out,
		    size_t *count, struct mreg_error *err);

/* -- read_figures.c: of all models ------------------------------------------
 */

/*
 * Each is rows of who owns a model and a value: a count or bytes of all its
 * owner's models, or one length of time or moment, in seconds.  Bytes beyond
 * INT64_MAX, which only lies add up to, are INT64_MAX.
 */
enum mr_ix_figure {
	MR_FIGURE_MODELS,
	MR_FIGURE_VERSIONS,
	MR_FIGURE_BYTES,      /* of all files of versions */
	MR_FIGURE_UNIQUE,     /* the same, equal filesets of an owner once */
	MR_FIGURE_UNIQUE_ALL, /* one row: of everybody once */
	MR_FIGURE_ASKED,      /* approvals, since */
	MR_FIGURE_APPROVED,   /* each: asked to answered, since */
	MR_FIGURE_OVERDUE,    /* without an answer that counts, now */
	MR_FIGURE_MOVES,      /* of aliases, since */
	MR_FIGURE_ROLLBACKS,  /* of them */
	MR_FIGURE_PRODUCED,   /* each version: registered to production, since
			       */
	MR_FIGURE_INCIDENTS,  /* since */
	MR_FIGURE_OPEN,       /* incidents, now */
	MR_FIGURE_CLOSED,     /* each: opened to closed, since */
	MR_FIGURE_EVALUATED,  /* each model with a production: when that was
			       * last evaluated; 0: never, below 0: nobody
			       * says */
	MR_FIGURE_REVIEWS,    /* versions whose review is due, now */
	MR_FIGURE_NO_OWNER,   /* models */
	MR_FIGURE_NO_LICENSE, /* models, by their latest version */
	MR_FIGURE_NO_CARD,    /* neither card nor description */
	MR_FIGURE_NO_EVALUATION,
	MR_FIGURE_DEPLOYMENTS,
	MR_FIGURE_COUNT,
};
struct mr_ix_sample {
	const char *owner; /* NULL: nobody */
	int64_t value;
};
/* `at_s`: since when, or what time it is, as the figure has it. */
int mr_index_figure(struct mr_index *ix, enum mr_ix_figure what, int64_t at_s,
		    struct mr_arena *arena, struct mr_ix_sample **out,
		    size_t *count, struct mreg_error *err);

struct mr_ix_environment_row {
	const char *environment;
	uint64_t deployments, models, versions;
};
int mr_index_environments(struct mr_index *ix, struct mr_arena *arena,
			  struct mr_ix_environment_row **out, size_t *count,
			  struct mreg_error *err);

#endif
