/*
 * model/fillers.h - what the files that fill metadata share.  Private to
 * model.
 */
#ifndef MR_MODEL_FILLERS_H
#define MR_MODEL_FILLERS_H

#include "model/meta.h"

/* All borrowed. */
struct mr_filler {
	struct mr_meta *m;
	struct mr_list *filled, *notes;
	struct mreg_error *err;
	const char *card; /* name of the card's file */
	size_t told;      /* inputs that were there before these files */
	bool full;        /* more inputs than a version may have; told */
};

/* `key` unless it is set; `value` NULL or "": nothing.  `from` is the file's
 * name, for notes. */
int mr_fill_field(struct mr_filler *f, const char *key, const char *value,
		  const char *from);
/* The same of an entry of a map.  0: it was there; 1: now it is; 2: it is left
 * out, and told. */
int mr_fill_entry(struct mr_filler *f, const char *map, const char *name,
		  const char *value, const char *from);
/* `what` could not be taken; fails when `why` is lack of memory. */
int mr_fill_note(struct mr_filler *f, const char *what, const char *from,
		 const struct mreg_error *why);
/* `key` was filled. */
int mr_fill_done(struct mr_filler *f, const char *key);

/* Whether the version has a file of this path: fill.c. */
bool mr_said_has(const struct mr_said *said, const char *path);
/* Parents, where there is none, and inputs: fill_edges.c. */
int mr_fill_parents(struct mr_filler *f, const struct mr_said *said,
		    const struct mr_summary_main *w);
int mr_fill_inputs(struct mr_filler *f, const struct mr_said *said);
/* An address without user and password, and without its query when a parameter
 * there looks like a signature or a secret, which is told: a manifest never
 * changes and is read by many.  NULL stays NULL. */
int mr_fill_bare(struct mr_filler *f, const char *text, const char *from,
		 const char **bare);
/* One input, without what is secret in its address, and without a digest that
 * metadata cannot hold: that is told, and policies see what is missing.  One
 * that is among those `told` is joined with it, which stays as it is. */
int mr_fill_input(struct mr_filler *f, const struct mr_input *given,
		  const char *from);

/* A name as metadata may have it: others may have spaces and more in them.
 * NULL: out of memory.  fill_run.c. */
const char *mr_fill_spell(struct mr_filler *f, const char *name);
/* Metrics, where there is none: fill_metrics.c. */
int mr_fill_metrics(struct mr_filler *f, const struct mr_card *card);

#endif
