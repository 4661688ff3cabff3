/*
 * format/facts.h - what a weight file says about itself; a part of the door
 * format/format.h, which includes it.
 *
 * Read at random offsets, so a local file and a blob in a registry are read
 * alike and no tensor data is touched.  Nothing is executed, no length is
 * trusted: time and memory are bounded whatever the file says (security.md
 * 3.4; H60 to H68).
 */
#ifndef MR_FORMAT_FACTS_H
#define MR_FORMAT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "content/reader.h"
#include "mreg/types.h"

enum mr_format {
	MR_FORMAT_UNKNOWN = 0,
	MR_FORMAT_SAFETENSORS,
	MR_FORMAT_GGUF,
	MR_FORMAT_ONNX,
	MR_FORMAT_PICKLE,      /* whatever its name; H65 */
	MR_FORMAT_TORCH,       /* torch.save: a zip with data.pkl */
	MR_FORMAT_TORCHSCRIPT, /* the same with code/ or constants.pkl */
	MR_FORMAT_KERAS,       /* .keras: a zip with config.json */
	MR_FORMAT_HDF5,        /* Keras .h5 and others */
	MR_FORMAT_SAVED_MODEL, /* TensorFlow's saved_model.pb */
	MR_FORMAT_COUNT,
};

/* "safetensors", "gguf", "onnx", "pickle", "pytorch", "torchscript", "keras",
 * "hdf5", "tensorflow"; "" for unknown. */
const char *mr_format_name(enum mr_format format);

struct mr_tensor {
	const char *name;
	const char *dtype; /* as the format names it: "F32", "Q4_K", "FLOAT" */
	const uint64_t *dims; /* as the format orders them */
	size_t rank;
	uint64_t elements;
	uint64_t bytes; /* in the file; 0: not told */
};

/* An input or output of a graph. */
struct mr_port {
	const char *name;
	const char *dtype; /* "float32", "int64", "string", ...; "" unknown */
	struct mr_words dims; /* "1", "batch", "?" where nothing is said */
	bool ranked;          /* a shape is given at all */
};

/* All in the arena.  Texts are valid UTF-8, at most MR_FACT_TEXT_MAX_BYTES
 * (longer ones are cut at a character); NULL or 0 where not told. */
struct mr_facts {
	enum mr_format format;
	/* What is wrong with the file, lower case, without final stop, made
	 * safe to show ("tensor 'w' overlaps the one before it"); then only
	 * `format`, `bytes_read`, `limited`, and of pickles `globals` and
	 * `unsafe` count: those before it.  NULL: it is as it should be. */
	const char *trouble;
	/* With trouble: the file may be as its format demands, but there is
	 * more of it, or something in it, that is not looked at. */
	bool limited;
	const char *architecture; /* "llama"; not invented from names */
	const char *name, *license, *producer, *tokenizer;
	const char *base_model;   /* a repository or URL it says it came from */
	const char *precision;    /* of most elements: "float32", "bfloat16",
				   * "float8_e4m3", ...; NULL: quantized */
	const char *quantization; /* "Q4_K_M", ... */
	uint64_t parameters;      /* elements of all tensors */
	uint64_t context_length;
	uint64_t opset;            /* ONNX: of the default domain */
	struct mr_tensor *tensors; /* in the order of the file */
	size_t tensor_count;
	struct mr_port *inputs, *outputs;
	size_t input_count, output_count;
	/* safetensors' __metadata__, GGUF's scalar pairs, ONNX's
	 * metadata_props, ...: as text, sorted by name. */
	struct mreg_pair *metadata;
	size_t metadata_count;
	/* Pickle: every "module name" it would import, sorted, once each; and
	 * those of them that are not on the allow-list, with MR_UNSAFE_REST
	 * when something stands behind its last pickle.  Keras: layers that
	 * run code ("Lambda").  ONNX: nothing. */
	struct mr_words globals, unsafe;
	/* For the user, each one line: "external data outside the model's
	 * folder: '../x'", ... */
	struct mr_words warnings;
	uint64_t bytes_read; /* asked of the reader */
};

/* In `unsafe`: bytes that are no pickle and were not looked at, of which a
 * warning tells more. */
#define MR_UNSAFE_REST "(bytes behind the last pickle)"

/* What an arena for one file's facts must be allowed to hold. */
#define MR_FACTS_ARENA_BYTES (64u << 20)

/*
 * What `r` is and says.  By content; `path` (in the model) only decides where
 * content does not: ONNX and SavedModel have no magic.  `*out` is filled from
 * zero; MR_FORMAT_UNKNOWN for what is no weight file we know.  A file that
 * breaks its format's rules is no error: `trouble` says so.  Errors are
 * reading trouble and lack of memory (also of the arena).
 */
int mr_facts_read(struct mr_reader *r, const char *path, struct mr_arena *a,
		  struct mr_facts *out, struct mreg_error *err);

/* What a sharded model's files say together: `parts` in the order of their
 * paths; tensors of all, parameters summed, precision that of most elements.
 * Only parts of one format without trouble may be given; all that is taken is
 * copied. */
int mr_facts_merge(const struct mr_facts *parts, size_t n, struct mr_arena *a,
		   struct mr_facts *out, struct mreg_error *err);

#endif
