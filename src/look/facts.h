/*
 * look/facts.h - one version opened to be read: its manifest, its metadata, its
 * files, and what its weight files say.  For inspect, card, diff and check.
 */
#ifndef MR_LOOK_FACTS_H
#define MR_LOOK_FACTS_H

#include <stdatomic.h>

#include "format/format.h"
#include "mreg/inspect.h"
#include "repo/repo.h"

/* -- look.c: the version */

struct mr_look {
	struct mreg *m; /* borrowed */
	struct mreg_ref ref;
	struct mr_store *s;           /* owned */
	struct mr_recall recall;      /* owned */
	struct mr_manifest *manifest; /* owned */
	struct mr_model_layer *files; /* owned; strings in the manifest */
	size_t count;
	struct mr_meta *meta; /* owned; NULL: not read */
	struct mr_buf config; /* owned; of the config blob; empty: not read */
};
void mr_look_release(struct mr_look *l); /* for MR_AUTO too */

/* The manifest (or index) that `text` names. */
int mr_look_open(struct mreg *m, const char *text, struct mr_look *l,
		 struct mreg_error *err);
/* The same, from the index where that may be (repo/recall.h). */
int mr_look_recall(struct mreg *m, const char *text, struct mr_look *l,
		   struct mreg_error *err);
/* The same of a complete reference, whose manifest may be remembered. */
int mr_look_open_ref(struct mreg *m, const struct mreg_ref *ref,
		     struct mr_look *l, struct mreg_error *err);
/* Go on with this manifest, which the index that was opened lists, under the
 * index's tag. */
int mr_look_child(struct mr_look *l, const struct mreg_digest *child,
		  struct mreg_error *err);
/* Then: */
int mr_look_files(struct mr_look *l, struct mreg_error *err);
/* From annotations and a ModelPack config. */
int mr_look_meta(struct mr_look *l, struct mreg_error *err);
/* The config blob, whatever its type, verified. */
int mr_look_config(struct mr_look *l, struct mreg_error *err);

/* The README or model card among its files; NULL: none. */
const struct mr_model_layer *mr_look_readme(const struct mr_look *l);

/* Append a file's text as UTF-8 whose lines end in '\n', the last one too. */
void mr_look_text(struct mr_buf *b, const char *bytes, size_t n);

/* How results name a version; texts in the arena. */
struct mr_identity {
	const char *name, *reference;
	const char *tag; /* NULL: by digest */
	uint64_t number; /* as far as it is known without asking */
};
void mr_look_identity(const struct mr_look *l, struct mr_arena *a,
		      struct mr_identity *out);

/* Single fields by their key, in the order of spec/metadata.md, only what is
 * there; in the arena. */
void mr_look_fields(const struct mr_meta *m, struct mr_arena *a,
		    const struct mreg_pair **out, size_t *count);

/* -- facts.c: its weight files */

struct mr_weight {
	const struct mr_model_layer *file; /* borrowed */
	struct mr_arena *arena;            /* owned; of the facts */
	struct mr_facts facts;
	const struct mreg_error *why; /* in the arena: the store cannot give a
				       * part of it; NULL */
	struct mr_reader_cost cost;
};

struct mr_weights {
	struct mr_weight *items; /* owned; in the order of layers */
	size_t count;
	struct mr_reader_cost cost; /* of all */
};
void mr_weights_release(struct mr_weights *w); /* for MR_AUTO too */

/* Whether a file is weights by its name, so may say something about them. */
bool mr_weight_is(const struct mr_model_layer *file);

/*
 * Read what the files for which `wanted` holds say, several at once, by
 * ranges: nothing is verified.  Also of files whose name tells nothing
 * (model.sav, weights.dat) those whose content does; what a name tells to be
 * something else (notes.txt) costs no request.  What is wrong with a file is in
 * its facts, and that the store sends whole files only, or that it takes too
 * much to look at it there, which is told by `why` too; errors, which name the
 * file, are other trouble with reading it, and MREG_ELIMIT of all of them.
 */
typedef bool mr_weight_wanted(const void *ctx,
			      const struct mr_model_layer *file);
int mr_weights_read(struct mr_look *l, mr_weight_wanted *wanted,
		    const void *ctx, struct mr_weights *out,
		    struct mreg_error *err);

/* What looking at the files of one version has taken, by all threads. */
struct mr_effort {
	_Atomic uint64_t bytes, requests;
};
void mr_effort_init(struct mr_effort *moved);
/* MREG_ELIMIT when that is more than headers can be; requests count where the
 * store is far. */
int mr_effort_check(const struct mr_effort *moved, const struct mr_look *l,
		    struct mreg_error *err);
/* One file's facts, by ranges of its blob, with what that took: set on failure
 * too, and added to `moved`, which bounds it. */
int mr_look_facts(struct mr_look *l, const struct mr_model_layer *file,
		  struct mr_effort *moved, struct mr_arena *a,
		  struct mr_facts *out, struct mr_reader_cost *cost,
		  struct mreg_error *err);

/* Into `unsafe` of a config.json: "auto_map" when it names code of the model's
 * own, which loading it may run (security.md H68); that it cannot be read, for
 * then nobody knows.  Other paths: nothing. */
int mr_facts_config(struct mr_reader *r, const char *path, uint64_t size,
		    struct mr_arena *a, struct mr_facts *out,
		    struct mreg_error *err);

/* Copies of the arrays, with texts of the facts, in the arena. */
const struct mreg_tensor *mr_weight_tensors(struct mr_arena *a,
					    const struct mr_facts *f);
const struct mreg_port *mr_weight_ports(struct mr_arena *a,
					const struct mr_port *ports, size_t n);

#endif
