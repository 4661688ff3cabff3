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
};

/* Attach an evaluation to the version `ref`, then tell it in the log, unless
 * that has it.  MREG_EUSAGE without a suite or
 * a verdict, or for numbers that are none; MREG_EFORMAT: `from`. */
MREG_API int mreg_evaluate(struct mreg *m, const char *ref,
			   const struct mreg_evaluate_opts *o,
			   struct mreg_evaluate_result *out,
			   struct mreg_error *err);
MREG_API void mreg_evaluate_result_release(struct mreg_evaluate_result *r);

#ifdef __cplusplus
}
#endif

#endif
