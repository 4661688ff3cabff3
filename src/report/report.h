/*
 * report/report.h - a model for an auditor, and the figures of all: the
 * answers of other commands, asked one after the other and put together.  The
 * public calls are in mreg/report.h; here is what its files share.
 */
#ifndef MR_REPORT_REPORT_H
#define MR_REPORT_REPORT_H

#include "base/arena.h"
#include "mreg/figures.h"
#include "mreg/report.h"
#include "repo/repo.h"

#define MR_REPORT_VERSIONS 20 /* in full, where nobody says how many */
#define MR_REPORT_NODES 500
#define MR_REPORT_PAGE_MAX_BYTES (256u << 20)
#define MR_REPORT_AWAY "the registry cannot be reached"

/* A report while it is put together. */
struct mr_report {
	struct mreg *m;
	const struct mreg_report_opts *o;
	struct mr_arena *a;             /* the result's */
	struct mreg_ref ref;            /* complete */
	bool one;                       /* of one version */
	struct mreg_digest version;     /* that; NONE: of the model */
	struct mreg_pair *unread;       /* in the result */
	size_t unread_cap;              /* there is room for */
	struct mr_list warnings;        /* not in a row of it yet */
	struct mreg_report_move *moves; /* in the result */
	/* Where in the log, and among the moves, what came since begins. */
	size_t log_since, moves_since;
	/* What the index has of the model, where the registry is away. */
	struct mr_ix_row *rows;
	size_t row_count;
	struct mreg_report_result *out;
};

/*
 * What of `what` could not be read: a row of `unread` for each warning since
 * the last call, and where `rc` is an error one for that, and 0; but what ends
 * every command (MREG_ENOMEM, MREG_ECANCELED) goes to `err`.
 */
int mr_report_miss(struct mr_report *r, const char *what, int rc,
		   const struct mreg_error *why, struct mreg_error *err);

/* A time, or a date, which is its begin here: what came on that day is told.
 * NULL: nothing. */
int mr_report_parse_since(const char *text, int64_t *out_s,
			  struct mreg_error *err);

/* live.c: the sections, from the registry.  Fails where the log cannot be
 * had. */
int mr_report_live(struct mr_report *r, struct mreg_error *err);
/* indexed.c: the same by what the index remembers.  MREG_ENOTFOUND: it does not
 * know the model. */
int mr_report_indexed(struct mr_report *r, struct mreg_error *err);
/* indexed_version.c: what of its metadata the index has. */
int mr_report_indexed_version(struct mr_report *r,
			      struct mreg_report_version *v,
			      struct mreg_error *err);
/* And what it comes from, by its lineage, which was read. */
int mr_report_indexed_ancestors(struct mr_report *r,
				struct mreg_report_version *v,
				struct mreg_error *err);
/* moves.c: out of the log's rows, all of the model's; then what is older than
 * the report's `since`, or of other versions, is left out everywhere.  An event
 * that stands in the log behind one that is not older is no older, whatever
 * time it tells: its writer's clock hides nothing. */
int mr_report_moves(struct mr_report *r, struct mreg_error *err);
int mr_report_cut(struct mr_report *r, struct mreg_error *err);
/* full.c: the versions that are in use. */
int mr_report_full(struct mr_report *r, struct mreg_error *err);

/* Of `n` values, which are sorted: how many, the one in the middle (of two the
 * mean), and the smallest that nine of ten are not above. */
void mr_spread_of(int64_t *values, size_t n, struct mreg_spread *out);

#endif
