/*
 * mreg/weights.h - what weight files say of themselves; of mreg/inspect.h.
 */
#ifndef MREG_WEIGHTS_H
#define MREG_WEIGHTS_H

#include "mreg/push.h"

struct mreg_tensor {
	const char *name, *dtype; /* as its format names it: "F32", "Q4_K" */
	const uint64_t *dims;     /* as its format orders them */
	size_t rank;
	uint64_t elements;
	uint64_t bytes; /* in the file; 0: not told */
};

/* An input or output of a graph. */
struct mreg_port {
	const char *name;
	const char *dtype;       /* "float32", ...; "": not told */
	const char *const *dims; /* "1", "batch", "?" */
	size_t rank;
	bool ranked; /* a shape is given at all */
};

/* What a weight file says about itself; NULL or 0 where it does not.  Read by
 * ranges and so not verified: only a whole file can be. */
struct mreg_weight_file {
	const char *path;
	uint64_t size;
	struct mreg_digest digest;
	const char *format; /* "safetensors", ...; "": none that is read */
	/* What is wrong with it; the rest is empty then, but for what a pickle
	 * would import before. */
	const char *trouble;
	const char *architecture, *name, *license, *producer, *tokenizer,
		*base_model, *precision, *quantization;
	uint64_t parameters, context_length, opset;
	const struct mreg_tensor *tensors; /* in the order of the file */
	size_t tensor_count;
	const struct mreg_port *inputs, *outputs;
	size_t input_count, output_count;
	const struct mreg_pair *metadata;
	size_t metadata_count;
	struct mreg_texts globals; /* a pickle would import these */
	struct mreg_texts unsafe;  /* of them: not known to be harmless */
	struct mreg_texts warnings;
	/* The trouble is that there is more of it, or something in it, that is
	 * not looked at: it may be as its format demands. */
	bool limited;
};

#endif
