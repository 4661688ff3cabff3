/*
 * index/writer.h - what the files that write one model share.
 */
#ifndef MR_INDEX_WRITER_H
#define MR_INDEX_WRITER_H

#include "index/internal.h"
#include "index/rows.h"

/* A version's row, as far as what the log says depends on it; id 0: none. */
struct mr_ix_before {
	int64_t id, node, flags, run, because, description;
	int64_t ends, successor; /* of ix_ends, 0: it has no row there */
};

/* Columns of ix_versions: behind id, model and number what the manifest says,
 * as it is bound, and what the log alone does. */
#define MR_IX_V_OWNERS 3
enum mr_ix_version_column {
	MR_IX_V_NODE,
	MR_IX_V_FLAGS,
	MR_IX_V_FORM,
	MR_IX_V_SIZE,
	MR_IX_V_PARAMETERS,
	MR_IX_V_BYTES,
	MR_IX_V_FILES,
	MR_IX_V_CREATED,
	MR_IX_V_REVISION,
	MR_IX_V_RUN,
	MR_IX_V_ENVIRONMENT,
	MR_IX_V_BECAUSE,
	MR_IX_V_FILESET,
	MR_IX_V_DESCRIPTION,
	MR_IX_V_SAID, /* by the manifest */
	MR_IX_V_REGISTERED = MR_IX_V_SAID,
	MR_IX_V_UPDATED,
	MR_IX_V_ARCHIVED,
	MR_IX_V_DEPRECATED,
	MR_IX_V_ACTOR,
	MR_IX_V_OWNER,
	MR_IX_V_STAGE,
	MR_IX_V_RELEASE,
	MR_IX_V_ENDS, /* and what is in ix_ends */
	MR_IX_V_COPIED = MR_IX_V_ENDS,
	MR_IX_V_ARCHIVED_WHY,
	MR_IX_V_DEPRECATED_WHY,
	MR_IX_V_SUCCESSOR,
	MR_IX_V_REVIEW,
	MR_IX_V_COUNT,
};

/*
 * Answers of the database are what a writer waits for, so it remembers what it
 * knows: a version with a number above `top` is new, and nothing has to be
 * asked of what was written for it, nor of a node that was made for it.
 */
struct mr_index_writer {
	struct mr_index *ix; /* borrowed; its lock is held */
	int64_t model;
	uint64_t top; /* the highest number of a version */
	bool notes;   /* the model may have some */
	/* The version that was put last, if it was new, up to its life. */
	struct {
		uint64_t number;
		struct mr_ix_before row; /* id 0: there is none */
		struct mr_ix_rows tags;
		/* Its node is new too, and has no documents. */
		bool bare;
	} last;
	/* Versions whose posts are to be written yet; owned. */
	int64_t *posts;
	size_t post_count, post_cap;
	bool versions; /* versions came, went or changed: count them again */
	bool graph;    /* what lineage is walked over changed */
};

#define MR_IX_SUBJECT 192
/* "v3". */
const char *mr_ix_subject(uint64_t number, char out[MR_IX_SUBJECT]);

/* The id of a text that came from outside: cut where it is too long, with a
 * note about `subject`, `what`.  `what` NULL: the subject alone. */
int mr_ix_value(struct mr_index_writer *w, const char *subject,
		const char *what, const char *text, int64_t *id,
		struct mreg_error *err);
/* The same, into a cell of a row. */
int mr_ix_value_cell(struct mr_index_writer *w, const char *subject,
		     const char *what, const char *text, struct mr_cell *out,
		     struct mreg_error *err);
/* The node of a thing outside; its name is cut like any value. */
int mr_ix_outside(struct mr_index_writer *w, const char *subject,
		  const char *what, enum mr_graph_kind kind, const char *name,
		  int64_t *out, struct mreg_error *err);
int mr_ix_node_cell(struct mr_index_writer *w, enum mr_graph_kind kind,
		    const struct mreg_digest *d, const char *name,
		    struct mr_cell *out, struct mreg_error *err);
int mr_ix_note(struct mr_index_writer *w, const char *subject, const char *what,
	       const char *note, struct mreg_error *err);
/* Forget notes about exactly `subject`, and of those that go on behind it with
 * a space. */
int mr_ix_forget_notes(struct mr_index_writer *w, const char *subject,
		       struct mreg_error *err);

/* -- a version's lists: write_values.c --------------------------------------
 */

int mr_ix_put_properties(struct mr_index_writer *w, const char *subject,
			 int64_t version, enum mr_ix_property kind,
			 const struct mreg_pair *items, size_t n, bool fresh,
			 struct mreg_error *err);
extern const struct mr_ix_list mr_ix_properties;
/* All there is to know of the version that was put last is out of date. */
void mr_ix_forget_last(struct mr_index_writer *w);
int mr_ix_put_metrics(struct mr_index_writer *w, const char *subject,
		      int64_t version, const struct mr_meta *meta, bool fresh,
		      struct mreg_error *err);
int mr_ix_put_inputs(struct mr_index_writer *w, const char *subject,
		     int64_t version, const struct mr_meta *meta, bool fresh,
		     struct mreg_error *err);
int mr_ix_put_weights(struct mr_index_writer *w, int64_t version,
		      const struct mreg_digest *items, size_t n, bool fresh,
		      struct mreg_error *err);
/* Words of a card and, of its own, of a description; NULL: none.  `card` false:
 * those of the card stay. */
int mr_ix_put_words(struct mr_index_writer *w, int64_t version, bool card,
		    const char *text, const char *about, bool fresh,
		    struct mreg_error *err);
/* What the log seldom says. */
int mr_ix_drop_ends(struct mr_index_writer *w, int64_t version,
		    struct mreg_error *err);
int mr_ix_drop_words(struct mr_index_writer *w, int64_t version,
		     struct mreg_error *err);
/* Before a change of its properties or its time, and behind it; at the end all
 * of them are written: write_posts.c. */
int mr_ix_drop_posts(struct mr_index_writer *w, int64_t version,
		     struct mreg_error *err);
int mr_ix_put_posts(struct mr_index_writer *w, int64_t version,
		    struct mreg_error *err);
int mr_ix_end_posts(struct mr_index_writer *w, struct mreg_error *err);

/* -- documents: write_documents.c -------------------------------------------
 */

/* Of a node that may be neither a version nor a document of the model any more:
 * what hangs on it. */
int mr_ix_drop_documents(struct mr_index_writer *w, int64_t node,
			 struct mreg_error *err);

/* -- edges: write_edges.c ---------------------------------------------------
 */

/* What a version's manifest says; `fresh`: the model had no version of that
 * node; `bare`: nothing at all was known of it. */
int mr_ix_put_edges(struct mr_index_writer *w, const char *subject,
		    int64_t node, const struct mr_ix_version *v, bool fresh,
		    bool bare, struct mreg_error *err);
/* What its rows say: event that asked for it, successor; of all versions of the
 * model with that node. */
int mr_ix_put_life_edges(struct mr_index_writer *w, int64_t node,
			 struct mreg_error *err);
/* The same where the model had no version of that node, and has one now. */
int mr_ix_put_first_because(struct mr_index_writer *w, int64_t node,
			    int64_t because, struct mreg_error *err);
/* Of a node that is no version of the model any more. */
int mr_ix_drop_edges(struct mr_index_writer *w, int64_t node,
		     struct mreg_error *err);
/* The node that an input is: by digest, by URI, by name alone; 0: none. */
int mr_ix_input_node(struct mr_index_writer *w, const char *subject,
		     const struct mr_input *in, int64_t *out,
		     enum mr_graph_kind *kind, struct mreg_error *err);
struct mr_ix_up {
	int64_t child;
	enum mr_relation relation;
};
/* What hangs on `subject`. */
int mr_ix_put_document_edges(struct mr_index_writer *w, int64_t subject,
			     const struct mr_ix_up *items, size_t n,
			     struct mreg_error *err);
/* What a place runs. */
int mr_ix_put_place_edges(struct mr_index_writer *w, int64_t place,
			  const int64_t *versions, size_t n,
			  struct mreg_error *err);

#endif
