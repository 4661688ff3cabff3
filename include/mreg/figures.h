/*
 * mreg/figures.h - all models in the index, counted: for everybody and for each
 * owner.  spec/report.md defines each figure.
 */
#ifndef MREG_FIGURES_H
#define MREG_FIGURES_H

#include "mreg/report.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long something took, in seconds. */
struct mreg_spread {
	uint64_t count;
	int64_t median_s, p90_s; /* below 0: there are none */
};

struct mreg_figures_row {
	const char *owner; /* NULL: of models without one; of all */
	uint64_t models, versions;
	uint64_t bytes;              /* in all versions' files */
	uint64_t unique_bytes;       /* of equal files once */
	struct mreg_spread approved; /* asked to last answer */
	uint64_t asked, overdue;     /* requests; of them without an answer */
	struct mreg_spread produced; /* registered to production */
	uint64_t moves, rollbacks;   /* of aliases */
	uint64_t incidents, incidents_open;
	struct mreg_spread closed;    /* incidents, from open to closed */
	struct mreg_spread evaluated; /* age of the last evaluation of what
				       * production has */
	uint64_t unevaluated;         /* models whose production has none */
	uint64_t reviews_due;
	/* Models without: an owner; of their latest version a licence, a
	 * card or description, an evaluation. */
	uint64_t no_owner, no_license, no_card, no_evaluation;
	uint64_t deployments;
};

struct mreg_figures_environment {
	const char *environment;
	uint64_t deployments, models, versions;
};

struct mreg_figures_result {
	int64_t at_s, since_s;
	int64_t synced_s; /* the oldest sync of a model; 0: none */
	struct mreg_figures_row total;
	struct mreg_figures_row *owners; /* by name; models without one last */
	size_t owner_count;
	struct mreg_figures_environment *environments; /* by name */
	size_t environment_count;
	const struct mreg_pair *unread; /* models the index could not read */
	size_t unread_count;
	void *owner;
};

/* What the index has of all models (spec/report.md defines each figure).
 * MREG_ENOTFOUND: there is no index. */
MREG_API int mreg_figures(struct mreg *m, const struct mreg_report_opts *o,
			  struct mreg_figures_result *out,
			  struct mreg_error *err);
MREG_API void mreg_figures_result_release(struct mreg_figures_result *r);
/* For people, as mreg_report_page. */
MREG_API int mreg_figures_page(struct mreg *m,
			       const struct mreg_figures_result *r,
			       enum mreg_report_form form, char **out,
			       struct mreg_error *err);

#ifdef __cplusplus
}
#endif

#endif
