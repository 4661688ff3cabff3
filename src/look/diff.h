/*
 * look/diff.h - the parts of comparing two versions.
 */
#ifndef MR_LOOK_DIFF_H
#define MR_LOOK_DIFF_H

#include "mreg/diff.h"
#include "look/facts.h"

struct diff {
	struct mreg *m;
	const struct mreg_diff_opts *o;
	struct mr_look look[2];       /* owned */
	struct mr_weights *weights;   /* two, borrowed; of the result */
	struct mr_arena *arena;       /* borrowed; of the result */
	struct mreg_diff_port *ports; /* owned */
	size_t port_count, port_cap;
	struct mreg_diff_result *out;
};

/* diff_files.c: `files`. */
int mr_diff_files(struct diff *d, struct mreg_error *err);
/* diff_fields.c: `fields`. */
int mr_diff_fields(struct diff *d, struct mreg_error *err);
/* diff_tensors.c: the headers of all weight files, and `tensors`.  MREG_EFORMAT
 * where one cannot be read. */
int mr_diff_tensors(struct diff *d, struct mreg_error *err);
/* diff_schema.c: `interface` and ports, from signatures, else from graphs,
 * whose headers are read if mr_diff_tensors has not done so. */
int mr_diff_schema(struct diff *d, struct mreg_error *err);

/* -- inputs and outputs, wherever they were found: diff_port.c */

struct mr_diff_spec {
	const char *name;
	const char *type;        /* "": not told */
	const char *const *dims; /* "1", "batch", "?" */
	size_t rank;
	bool ranked;   /* a shape is given at all */
	bool optional; /* may be left out */
};
struct mr_diff_specs {
	struct mr_diff_spec *items; /* in an arena */
	size_t n;
};

/* Add the differences of one side ("input", "output", "param"), with `prefix`
 * before their names, and whether they break who calls the first. */
int mr_diff_ports(struct diff *d, const char *side, const char *prefix,
		  const struct mr_diff_specs *a, const struct mr_diff_specs *b,
		  struct mreg_error *err);

/* -- diff_signature.c */

/* In the order of these. */
enum mr_diff_side {
	MR_DIFF_INPUTS,
	MR_DIFF_OUTPUTS,
	MR_DIFF_PARAMS,
	MR_DIFF_SIDES,
};
/* What a signature as MLflow writes it says; `*known` false: it is none. */
int mr_diff_signature(const char *signature, struct mr_arena *a,
		      struct mr_diff_specs out[MR_DIFF_SIDES], bool *known,
		      struct mreg_error *err);

#endif
