/*
 * index/read.h - looking things up in an index; a part of the door
 * index/index.h, which includes it.
 */
#ifndef MR_INDEX_READ_H
#define MR_INDEX_READ_H

#include "index/cache.h"
#include "index/write.h"

/* The views that users may ask with SQL (spec/index.md), NULL-terminated. */
extern const char *const mr_index_views[];

/*
 * See one state of things, that of the first question behind it, until it is
 * let go as often as it was held; whatever others commit in between.  Nothing
 * is written through this index meanwhile, and behind a question that failed
 * none is asked any more.  Not for long: what is written meanwhile stays beside
 * the database as well (SQLite's -wal grows, PostgreSQL removes no old rows).
 */
int mr_index_hold(struct mr_index *ix, struct mreg_error *err);
void mr_index_let_go(struct mr_index *ix);

/* A model and how fresh what is known of it is. */
struct mr_ix_model_row {
	int64_t id;
	const char *name, *place, *repository;
	const char *owner, *display_name, *description; /* NULL */
	uint64_t versions, latest; /* how many; highest that is not archived */
	uint64_t bytes;            /* of all versions' files */
	int64_t updated_s;         /* last event; 0 */
	struct mr_ix_sync sync;
	uint64_t notes; /* how many things could not be indexed as they are */
};
/* All, by name; `under` (NULL: all) is a name, or a prefix of names that ends
 * where a part ends. */
int mr_index_models(struct mr_index *ix, const char *under,
		    struct mr_arena *arena, struct mr_ix_model_row **out,
		    size_t *count, struct mreg_error *err);

/* How many things of a model could not be indexed as they are; 0 of one that is
 * not indexed, too. */
int mr_index_notes(struct mr_index *ix, const char *name, uint64_t *out,
		   struct mreg_error *err);

/* When the model was read that was read longest ago; 0: none was. */
int mr_index_oldest(struct mr_index *ix, int64_t *synced_s,
		    struct mreg_error *err);
/* What was looked at, indexed or not, by name: models; and places that were
 * listed, whose names end in '/'. */
struct mr_ix_synced {
	const char *name;
	struct mr_ix_sync sync;
};
int mr_index_syncs(struct mr_index *ix, struct mr_arena *arena,
		   struct mr_ix_synced **out, size_t *count,
		   struct mreg_error *err);

/* A version with what a list shows of it. */
struct mr_ix_row {
	int64_t id, node;
	const char *model; /* whole name */
	uint64_t number;
	struct mreg_digest digest;
	bool moved;
	int64_t created_s, registered_s, updated_s; /* 0: not told */
	int64_t archived_s, deprecated_s, review_s; /* 0: it is not */
	const char *actor, *run, *owner, *author, *license, *description, *kind,
		*format, *architecture, *family, *precision, *quantization,
		*source, *revision, *stage, *release, *copied_from; /* NULL */
	const char *deprecated_reason;
	struct mreg_digest fileset, successor;
	uint64_t parameters, bytes, files; /* parameters 0: not told */
	const char *const *aliases;        /* sorted; latest too */
	size_t alias_count;
	struct mreg_pair *metrics, *params, *tags; /* sorted by name */
	size_t metric_count, param_count, tag_count;
};
/* Of one model, highest number first; `archived`: those too. */
int mr_index_versions(struct mr_index *ix, const char *model, bool archived,
		      struct mr_arena *arena, struct mr_ix_row **out,
		      size_t *count, struct mreg_error *err);
/* Every place a digest is a version at (of several models); none is 0. */
int mr_index_find(struct mr_index *ix, const struct mreg_digest *d,
		  struct mr_arena *arena, struct mr_ix_row **out, size_t *count,
		  struct mreg_error *err);
/* What NAME:TAG is by the index; `*found` false: not known. */
int mr_index_resolve(struct mr_index *ix, const char *model, const char *tag,
		     struct mreg_digest *out, bool *found,
		     struct mreg_error *err);
/* Rows by id, in the order of `ids`. */
int mr_index_rows(struct mr_index *ix, const int64_t *ids, size_t n,
		  struct mr_arena *arena, struct mr_ix_row **out,
		  struct mreg_error *err);

/* Deployments; `model`, `environment` NULL, `version` NULL: any. */
struct mr_ix_place_row {
	const char *model;
	uint64_t number; /* 0: not a version there */
	struct mr_ix_deployment at;
};
int mr_index_deployments(struct mr_index *ix, const char *model,
			 const char *environment,
			 const struct mreg_digest *version,
			 struct mr_arena *arena, struct mr_ix_place_row **out,
			 size_t *count, struct mreg_error *err);

#endif
