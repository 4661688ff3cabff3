/*
 * mreg/evaluate.h - what a suite of tests found about a version.
 */
#ifndef MREG_EVALUATE_H
#define MREG_EVALUATE_H

#include "mreg/attach.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mreg_outcome {
	MREG_OUTCOME_NONE = 0, /* as `from` says */
	MREG_OUTCOME_PASSED,
	MREG_OUTCOME_FAILED,
};

struct mreg_evaluate_opts {
	size_t size; /* sizeof this struct; set by MREG_EVALUATE_OPTS_INIT */
	/* A document of spec/evaluation.md, JSON or YAML, that what follows
	 * completes and overrides; NULL: none. */
	const char *from;
	const char *suite, *suite_version;
	enum mreg_outcome outcome;
	const char *dataset;        /* NAME[@DIGEST] */
	struct mreg_texts metrics;  /* NAME=NUMBER */
	struct mreg_texts segments; /* SEGMENT:NAME=NUMBER */
	const char *report;         /* a file that goes along; NULL: none */
	const char *title;          /* NULL: the suite */
	const char *created;        /* as in struct mreg_attach_opts */
	struct mreg_texts annotations;
	unsigned int jobs;
	bool dry_run;
	/* Name of the experiment that it is the result of; NULL: of none.  The
	 * version was tried against another one, and `metrics` are its own. */
	const char *experiment;
	/* That other one, by v<N>, release name or digest; NULL: the alias's
	 * own in the split that has the version. */
	const char *against;
	struct mreg_texts baseline_metrics; /* NAME=NUMBER, of that other one */
	/* Which won: one of both, as `against`; "none": neither; NULL: as the
	 * document says. */
	const char *winner;
};
#define MREG_EVALUATE_OPTS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct mreg_evaluate_opts)                      \
	}

/* What was measured on a part of the data. */
struct mreg_segment {
	const char *name; /* "country=DE" */
	const struct mreg_pair *metrics;
	size_t metric_count;
};

struct mreg_evaluate_result {
	struct mreg_attach_result attached; /* owns all texts */
	const char *suite, *suite_version;  /* the latter NULL when not told */
	bool passed;
	const char *dataset, *dataset_digest; /* NULL when not told */
	const struct mreg_pair *metrics;      /* numbers as written */
	size_t metric_count;
	size_t segment_count;
	const struct mreg_segment *segments; /* sorted by name */
	struct mreg_digest event;            /* of the log; NONE: a dry run */
	/* Of an experiment; else NULL and NONE. */
	const char *experiment;
	struct mreg_digest baseline;          /* version */
	uint64_t baseline_number;             /* 0: not known */
	struct mreg_digest baseline_document; /* what is attached to that */
	const struct mreg_pair *baseline_metrics;
	size_t baseline_metric_count;
	struct mreg_digest winner; /* version; NONE: neither */
};

/*
 * Attach an evaluation to the version `ref`, then tell it in the log, unless
 * that has it.  MREG_EUSAGE without a suite or a verdict, or for numbers that
 * are none; MREG_EFORMAT: `from`.
 *
 * The result of an experiment is attached to both of its versions, and one
 * event names both.  It is a verdict on `ref` alone; the suite's name is the
 * experiment's where none is told, and where a winner is, that is the verdict.
 * MREG_ECONFLICT: no split tells what it was tried against.
 */
MREG_API int mreg_evaluate(struct mreg *m, const char *ref,
			   const struct mreg_evaluate_opts *o,
			   struct mreg_evaluate_result *out,
			   struct mreg_error *err);
MREG_API void mreg_evaluate_result_release(struct mreg_evaluate_result *r);

#ifdef __cplusplus
}
#endif

#endif
