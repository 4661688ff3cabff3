/*
 * ops/evaluate.h - the parts of evaluating; private to the folder.
 */
#ifndef MR_OPS_EVALUATE_H
#define MR_OPS_EVALUATE_H

#include "look/look.h"
#include "model/model.h"
#include "mreg/evaluate.h"
#include "ops/attach.h"

/* Write the *evaluated* event of `document`, which is attached, unless the log
 * has it; `event` is its digest. */
int mr_evaluate_tell(struct attach *a, const struct mr_evaluation *e,
		     const struct mreg_digest *document,
		     struct mreg_digest *event, struct mreg_error *err);

/* Metrics that are told in a listing too; all are in the document. */
#define MR_LISTED_METRICS_MAX 64
/* Metrics among the annotations of a document, of which `n` are in `items`
 * already; how many are then. */
size_t mr_evaluate_metrics(const struct mreg_pair *metrics, size_t count,
			   struct mreg_pair *items, size_t n,
			   struct mr_arena *a);

/* Whether a document made of `a` would be `row` but for the time, which it then
 * has. */
int mr_evaluate_again(struct attach *a, const struct mr_attached *row,
		      const char *title, const struct mr_annotations *more,
		      bool *again, struct mreg_error *err);

/* -- evaluate_experiment.c ------------------------------------------------- */

struct mr_experiment_run {
	const struct mreg_evaluate_opts *o;
	struct mr_evaluation *e;
	struct mr_arena *arena;
	struct mreg_digest baseline, winner; /* versions; NONE: no winner */
	uint64_t number;                     /* the baseline's; 0: not known */
};

/* What the options say of it, before anything is asked of a registry;
 * MREG_EUSAGE. */
int mr_experiment_opts(const struct mreg_evaluate_opts *o, struct mr_arena *a,
		       struct mr_evaluation *e, struct mreg_error *err);
/* Which versions it was between: `a` is opened. */
int mr_experiment_find(struct attach *a, struct mr_experiment_run *x,
		       struct mreg_error *err);
/* When the baseline got the very document, after `after_s` and until `until_s`,
 * by a run that broke before the candidate had it; NULL: no run did. */
int mr_experiment_left(const struct attach *a,
		       const struct mr_experiment_run *x, const char *title,
		       int64_t after_s, int64_t until_s, const char **created,
		       struct mreg_error *err);
/* Attach the document to the baseline too, as `a` has it on the candidate;
 * `out` is the digest of its manifest there. */
int mr_experiment_attach(struct attach *a, const struct mr_experiment_run *x,
			 const char *title, struct mreg_digest *out,
			 struct mreg_error *err);

#endif
