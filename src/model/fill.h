/*
 * model/fill.h - what the files of a model, or the run that made it, say about
 * it, put into its metadata; a part of the door model/model.h, which includes
 * it.
 *
 * spec/model.md, "What is read from the files", is this in prose.  A function
 * of its arguments alone; nothing that is set already is changed.
 */
#ifndef MR_MODEL_FILL_H
#define MR_MODEL_FILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "document/document.h"
#include "format/format.h"

struct mr_meta;

/* What of a weight file's facts outlives them; all in the arena. */
struct mr_summary {
	const char *path;
	uint64_t size; /* bytes */
	enum mr_format format;
	const char *trouble; /* NULL: none; then as in struct mr_facts */
	bool limited;        /* as there */
	const char *architecture, *license, *base_model, *precision,
		*quantization;
	const char *signature; /* of a graph's inputs and outputs, as MLflow
				* writes one; NULL */
	uint64_t parameters, context_length;
	/* The first MR_SUMMARY_WORDS_MAX of each. */
	struct mr_words unsafe, warnings;
	size_t unsafe_count, warning_count; /* of all */
};
#define MR_SUMMARY_WORDS_MAX 32

int mr_summary_take(const struct mr_facts *f, const char *path, uint64_t size,
		    struct mr_arena *a, struct mr_summary *out,
		    struct mreg_error *err);

/* What a .dvc file or a dvc.lock says, and where it lies. */
struct mr_dvc_file {
	const char *path;
	struct mr_dvc dvc;
};

/* Everything that files say; what is not there is NULL or 0, and so is what
 * has trouble of its own. */
struct mr_said {
	const struct mr_card *card;
	const char *card_path; /* of its file, for notes; not NULL with it */
	const struct mr_hf_config *config;
	const struct mr_mlmodel *mlmodel;
	const struct mr_summary *weights;
	size_t weight_count;
	const struct mr_dvc_file *dvc;
	size_t dvc_count;
	const char *const *paths; /* of all files, sorted bytewise */
	size_t path_count;
};

/*
 * Fill what nobody gave.  The keys of what was filled are added to `filled`
 * ("license", "tags", "parents", ...); one line each to `notes` for
 * what cannot be used.  Only lack of memory is an error.
 */
int mr_meta_fill(struct mr_meta *m, const struct mr_said *said,
		 struct mr_list *filled, struct mr_list *notes,
		 struct mreg_error *err);

/* The same of a training run. */
int mr_meta_fill_run(struct mr_meta *m, const struct mr_run *run,
		     struct mr_list *filled, struct mr_list *notes,
		     struct mreg_error *err);

/* The weights whose numbers are the model's: one file, or the shards of one
 * set.  All borrowed from the files. */
struct mr_summary_main {
	const struct mr_summary *first; /* by path; NULL: nothing is readable */
	size_t files;
	uint64_t parameters; /* of all; 0: not known */
	const char *precision;
	const char *architecture, *license, *base_model, *quantization,
		*signature;
	uint64_t context_length;
};

/*
 * Of all sets (files of one format and one name, shard numbers aside) the one
 * with the most bytes (those of safetensors and GGUF count double) among those
 * whose parameters are known, else among all;
 * of equals the first by path.
 */
int mr_summary_choose(const struct mr_summary *weights, size_t count,
		      struct mr_summary_main *out, struct mreg_error *err);

/* "22.7m": ModelPack's paramSize. */
const char *mr_param_size_text(uint64_t parameters, char out[32]);

#endif
