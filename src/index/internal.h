/*
 * index/internal.h - what the files of the index share: the connection and its
 * lock, texts and nodes to ids and back, rows that replace rows.
 */
#ifndef MR_INDEX_INTERNAL_H
#define MR_INDEX_INTERNAL_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "index/graph_file.h"
#include "index/index.h"

/* Bits of ix_versions.flags; stored, so only ever added. */
enum mr_ix_flag {
	/* The manifest says run, because: the log's are not taken.  The first
	 * is what most have, and 1 takes no byte. */
	MR_IX_RUN_SAID = 1 << 0,
	MR_IX_MOVED = 1 << 1, /* struct mr_ix_life.moved */
	MR_IX_BECAUSE_SAID = 1 << 2,
};

/* ix_pairs.kind; stored. */
enum mr_ix_property {
	MR_IX_PARAM = 1,
	MR_IX_TAGGED = 2, /* a tag: struct mr_ix_life.tags */
};

/* The text with the id 1, which SQLite's index of stages leaves out. */
#define MR_IX_NO_STAGE "none"

/* Bytes of ix_weights.blob. */
#define MR_IX_WEIGHT_BYTES 16
/* Of a digest, in the indexes of ix_nodes and ix_versions.fileset. */
#define MR_IX_PREFIX_BYTES 4

/* Of cache_facts 'made', which is another for each database. */
#define MR_IX_MADE 40

struct mr_ix_interned;
struct mr_ix_kept;
struct mr_ix_later;
struct mr_ix_pending;

struct mr_index {
	struct mr_env *env;   /* borrowed */
	struct mr_db *db;     /* owned */
	size_t schema;        /* steps it has */
	pthread_mutex_t lock; /* held by every call, by a writer to its end */
	unsigned int held;    /* one state of things, by so many */
	/* Texts and nodes whose ids are known; owned; NULL until a writer needs
	 * it. */
	struct mr_ix_interned *interned;
	char made[MR_IX_MADE];   /* which database they are of */
	unsigned int reconnects; /* of the connection that they are by */
	/* The largest ids there are, of who writes. */
	int64_t last_text, last_node, last_version, last_pair, last_form;
	/* Of texts above it all pairs and forms are remembered. */
	int64_t sure_text;
	struct mr_ix_kept *kept;   /* owned; rows of versions (read_kept.c) */
	struct mr_ix_later *later; /* owned; rows to be written (rows.h) */
	struct mr_ix_pending *pending; /* owned; and one that may change */
	/* Adjacency beside the database; NULL: PostgreSQL has none. */
	char *graph_path;                    /* owned */
	struct mr_graph_file *graph;         /* owned; NULL: not open */
	char graph_bad[MR_GRAPH_GENERATION]; /* of the file that is not to be
					      * believed */
};

void mr_ix_lock(struct mr_index *ix);
void mr_ix_unlock(struct mr_index *ix);

/* Lock, and see one state of things until the end. */
int mr_ix_begin_read(struct mr_index *ix, struct mreg_error *err);
void mr_ix_end_read(struct mr_index *ix);

/* `n` items of `each` bytes, copied into `arena`; fails too when anything in
 * the arena did before. */
int mr_ix_take(struct mr_arena *arena, const void *items, size_t n, size_t each,
	       void **out, size_t *count, struct mreg_error *err);
/* The columns synced_s, changed_s, swept_s, hinted_s, tried_s, error, requests
 * of cache_syncs, from `column` on. */
void mr_ix_read_sync(struct mr_stmt *s, int column, struct mr_arena *arena,
		     struct mr_ix_sync *out);

/* mr_index_rows, for who reads and holds the lock; no writer does, which sees
 * what may be undone. */
int mr_ix_rows_read(struct mr_index *ix, const int64_t *ids, size_t n,
		    struct mr_arena *arena, struct mr_ix_row **out,
		    struct mreg_error *err);
void mr_ix_forget_rows(struct mr_index *ix); /* that are kept */

/* -- digests, as columns have them: 32 bytes are sha256, 64 sha512 ----------
 */

/* NONE: NULL. */
void mr_ix_bind_digest(struct mr_stmt *s, int at, const struct mreg_digest *d);
/* Of the row; NONE where it is NULL, or no digest. */
void mr_ix_digest(struct mr_stmt *s, int column, struct mreg_digest *out);
size_t mr_ix_digest_bytes(const struct mreg_digest *d);

/* -- texts and nodes: intern.c ----------------------------------------------
 */

/* The id of a text, of a node; 0: not known.  For who reads. */
int mr_ix_text_find(struct mr_index *ix, const char *text, int64_t *out,
		    struct mreg_error *err);
int mr_ix_node_find(struct mr_index *ix, enum mr_graph_kind kind,
		    const struct mreg_digest *d, const char *name, int64_t *out,
		    struct mreg_error *err);
/* At the beginning of a writer's transaction: which database it is, and the
 * largest ids; columns from `column` on.  A rebuild puts a new database in the
 * place of the old one, under who has it open, and a server that was away may
 * have lost the last that was written: nothing is remembered then. */
#define MR_IX_LAST_IDS                                                         \
	"(SELECT value FROM cache_facts WHERE key = 'made'), "                 \
	"(SELECT max(id) FROM ix_texts), (SELECT max(id) FROM ix_nodes), "     \
	"(SELECT max(id) FROM ix_versions), (SELECT max(id) FROM ix_pairs), "  \
	"(SELECT max(id) FROM ix_forms)"
void mr_ix_begin_ids(struct mr_index *ix, struct mr_stmt *s, int column);
/* The same, made where it is not there: for a writer, in its transaction; its
 * id is above the `last_` one from before then.
 * `text` NULL is 0. */
int mr_ix_text(struct mr_index *ix, const char *text, int64_t *out,
	       struct mreg_error *err);
/* By digest (manifests, events) or by name. */
int mr_ix_node(struct mr_index *ix, enum mr_graph_kind kind,
	       const struct mreg_digest *d, const char *name, int64_t *out,
	       struct mreg_error *err);
/* What a version is going to name: all of it is found or made with a single
 * question, where answers take their time. */
#define MR_IX_WANTED 4
struct mr_ix_wanted {
	const char *texts[MR_IX_WANTED];
	struct mr_ix_wanted_node {
		enum mr_graph_kind kind;
		struct mreg_digest digest;
		const char *name; /* NULL: by digest */
	} nodes[MR_IX_WANTED];
	size_t text_count, node_count;
};
void mr_ix_want_text(const struct mr_index *ix, struct mr_ix_wanted *w,
		     const char *text); /* NULL too */
void mr_ix_want_manifest(const struct mr_index *ix, struct mr_ix_wanted *w,
			 const struct mreg_digest *d);
void mr_ix_want_outside(const struct mr_index *ix, struct mr_ix_wanted *w,
			enum mr_graph_kind kind, const char *name);
int mr_ix_make_wanted(struct mr_index *ix, const struct mr_ix_wanted *w,
		      struct mreg_error *err);
/* What is remembered may not be there any more: after a rollback. */
void mr_ix_forget_interned(struct mr_index *ix);

/* -- rows of ids: intern_rows.c ---------------------------------------------
 */

/* Of what is remembered, beside nodes (enum mr_graph_kind). */
enum mr_ix_remembered {
	MR_IX_OF_TEXT = -1,
	MR_IX_OF_PAIR = -2,
	MR_IX_OF_FORM = -3,
};
/* 0: not remembered; being out of memory means no more than to forget. */
int64_t mr_ix_known(const struct mr_index *ix, enum mr_ix_remembered kind,
		    const void *bytes, size_t n);
int mr_ix_remember(struct mr_index *ix, enum mr_ix_remembered kind,
		   const void *bytes, size_t n, int64_t id,
		   struct mreg_error *err);

/* A parameter or a tag, by the ids of its texts; `number`: what the value is,
 * or NULL. */
int mr_ix_pair(struct mr_index *ix, enum mr_ix_property kind, int64_t key,
	       int64_t value, const double *number, int64_t *out,
	       struct mreg_error *err);
int mr_ix_pair_find(struct mr_index *ix, enum mr_ix_property kind,
		    const char *key, const char *value, int64_t *out,
		    struct mreg_error *err);

/* Columns of ix_forms, in its order. */
enum mr_ix_form {
	MR_IX_KIND,
	MR_IX_ARTIFACT_TYPE,
	MR_IX_MEDIA_TYPE,
	MR_IX_FORMAT,
	MR_IX_ARCHITECTURE,
	MR_IX_FAMILY,
	MR_IX_PRECISION,
	MR_IX_QUANTIZATION,
	MR_IX_AUTHOR,
	MR_IX_LICENSE,
	MR_IX_SOURCE,
	MR_IX_FORM_COUNT,
};
/* By the ids of its texts; 0: not told. */
int mr_ix_form(struct mr_index *ix, const int64_t texts[MR_IX_FORM_COUNT],
	       int64_t *out, struct mreg_error *err);

#endif
