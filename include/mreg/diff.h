/*
 * mreg/diff.h - what changed between two versions.
 */
#ifndef MREG_DIFF_H
#define MREG_DIFF_H

#include "mreg/inspect.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_diff_opts {
	size_t size;  /* sizeof this struct; set by MREG_DIFF_OPTS_INIT */
	bool tensors; /* compare tensors too, their headers read by ranges */
};
#define MREG_DIFF_OPTS_INIT                                                    \
	{                                                                      \
		.size = sizeof(struct mreg_diff_opts)                          \
	}

enum mreg_change {
	MREG_CHANGE_ADDED,   /* only the second has it */
	MREG_CHANGE_REMOVED, /* only the first has it */
	MREG_CHANGE_CHANGED,
	MREG_CHANGE_MOVED, /* a file: the same bytes under another path */
	MREG_CHANGE_SAME,  /* a file */
};

/* One of the two. */
struct mreg_diff_side {
	const char *name;
	const char *reference; /* name@digest */
	const char *tag;       /* as asked for; NULL when by digest */
	uint64_t number;       /* 0: not known */
	struct mreg_digest digest;
};

struct mreg_diff_file {
	enum mreg_change change;
	const char *path; /* in the second; of a removed one: in the first */
	const char *was;  /* of a moved one: its path in the first; else NULL */
	/* In the first, in the second; none and 0 where it is not. */
	struct mreg_digest digest[2];
	uint64_t size[2];
	bool executable[2];
	bool packed[2]; /* an archive, or a compressed file: pull unpacks it */
};

/* One piece of metadata with another value; the values are NULL where there is
 * none. */
struct mreg_diff_field {
	const char *section; /* "metadata", "metrics", "params", "labels",
			      * "annotations", "parents", "inputs" */
	const char *name;
	const char *a, *b;
};

struct mreg_diff_tensor {
	enum mreg_change change;
	const char *name;
	const char *path; /* of the file, in the second if it has it */
	const struct mreg_tensor *a, *b; /* NULL where it is not */
};

/* One difference of the interface. */
struct mreg_diff_port {
	const char *side; /* "input", "output", "param" */
	const char *name;
	const char *problem; /* "is gone", "has type 'long', not 'double'" */
	bool incompatible;   /* who calls the first cannot call the second */
};

struct mreg_diff_result {
	struct mreg_diff_side sides[2];
	bool differ;                        /* in anything that was compared */
	const struct mreg_diff_file *files; /* by path */
	size_t file_count;
	const struct mreg_diff_field *fields;
	size_t field_count;
	/* By `tensors`: those that are not the same. */
	const struct mreg_diff_tensor *tensors;
	size_t tensor_count;
	bool tensors_read;
	bool tensors_by_file; /* a name alone may stand for several: `path`
			       * says which */
	uint64_t tensors_same;
	uint64_t bytes_read, requests; /* what reading headers took */
	/* Inputs and outputs.  `interface` says where they were found:
	 * "signature", "graph"; NULL: not told by both, so not known. */
	const char *interface;
	bool incompatible;
	const struct mreg_diff_port *ports;
	size_t port_count;
	/* By `tensors`: weight files of either in which none are listed, such
	 * as pickles; paths, sorted. */
	struct mreg_texts untold;
	void *owner;
};

/*
 * Compare version `a` with version `b`.  Reads manifests and configs; headers
 * of weight files only for `tensors`, and of graphs when no signatures are
 * there to compare.  `o` NULL: no options.
 */
MREG_API int mreg_diff(struct mreg *m, const char *a, const char *b,
		       const struct mreg_diff_opts *o,
		       struct mreg_diff_result *out, struct mreg_error *err);
MREG_API void mreg_diff_result_release(struct mreg_diff_result *r);

#ifdef __cplusplus
}
#endif

#endif
