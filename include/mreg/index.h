/*
 * mreg/index.h - the index: what registries and local stores hold, remembered
 * in a database, so that it can be searched.  It is never the truth: delete it
 * and it is made again.
 */
#ifndef MREG_INDEX_H
#define MREG_INDEX_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_index_sync_opts {
	size_t size; /* sizeof this struct; set by MREG_INDEX_SYNC_OPTS_INIT */
	/* Repositories (NAME, HOST/PATH/NAME), and places that hold some:
	 * HOST[/PATH], oci:DIR[//PATH]; a '/' at the end says that it is one.
	 * NULL items: the configured prefix or the local store, and everything
	 * that was synced before. */
	struct mreg_texts places;
	/* Ask for everything that listings may omit, not only for what is new;
	 * after that the index has what mreg_index_rebuild would put there. */
	bool sweep;
	unsigned int jobs; /* requests at once, all repositories; 0: 8 */
	bool hinted; /* only models that notifications named (mreg_ingest) and
		      * nobody has looked at since; no places */
};
#define MREG_INDEX_SYNC_OPTS_INIT                                              \
	{                                                                      \
		.size = sizeof(struct mreg_index_sync_opts)                    \
	}

/* A model in which something was new, that is gone, or that failed. */
struct mreg_index_row {
	const char *name;   /* "ghcr.io/acme/churn" */
	bool removed;       /* it is not there any more */
	uint64_t added;     /* versions that are new, or have other content */
	uint64_t forgotten; /* versions that are gone */
	uint64_t documents; /* that were looked at */
	uint64_t notes;     /* of what could not be indexed as it is */
	const char *error;  /* why it could not be read; NULL: it was */
};

struct mreg_index_sync_result {
	const char *index;           /* the database, without its password */
	struct mreg_index_row *rows; /* by name */
	size_t count;
	/* Places whose repositories could not be listed, and why. */
	const struct mreg_pair *unlisted;
	size_t unlisted_count;
	uint64_t models;    /* looked at */
	uint64_t changed;   /* of them: something was new */
	uint64_t removed;   /* of them: not there any more */
	uint64_t failed;    /* of them */
	uint64_t others;    /* repositories with nothing of a model in them */
	uint64_t added;     /* versions, of all */
	uint64_t forgotten; /* versions, of all */
	uint64_t documents; /* looked at */
	/* Of what could not be indexed as it is; of all models looked at, also
	 * of those that are as they were. */
	uint64_t notes;
	/* Sent to registries: each try, redirects too; and beside them, for
	 * tokens. */
	uint64_t requests, token_requests;
	int64_t took_ms;
	/* Of the first model or place; code 0: none. */
	struct mreg_error failure;
	void *owner;
};

/*
 * Bring the index to what the places hold.  A repository is a transaction: what
 * fails, or is interrupted, leaves the others as they are, and is in the
 * result; the call fails where nothing could be looked at.  MREG_ECANCELED,
 * MREG_EDB.
 */
MREG_API int mreg_index_sync(struct mreg *m,
			     const struct mreg_index_sync_opts *o,
			     struct mreg_index_sync_result *out,
			     struct mreg_error *err);
/*
 * The same into an index that is made from nothing, which takes the place of
 * the old one when it is whole; where the index is a database that others use
 * (PostgreSQL), model by model.  Without places: of everything that was synced
 * before.
 */
MREG_API int mreg_index_rebuild(struct mreg *m,
				const struct mreg_index_sync_opts *o,
				struct mreg_index_sync_result *out,
				struct mreg_error *err);
MREG_API void mreg_index_sync_result_release(struct mreg_index_sync_result *r);

/*
 * Between two syncs of who watches: wait until about `seconds` are over (up to
 * a tenth less, so that many spread), or a notification waits to be looked at:
 * `*hinted`.  MREG_ECANCELED.
 */
MREG_API int mreg_index_wait(struct mreg *m, unsigned int seconds, bool *hinted,
			     struct mreg_error *err);

struct mreg_index_model {
	const char *name;
	uint64_t versions;
	uint64_t bytes;    /* of all versions' files */
	int64_t synced_s;  /* the last sync that ended well; 0: none */
	int64_t changed_s; /* the last that found something new; 0 */
	int64_t swept_s;   /* the last that asked for everything; 0 */
	int64_t tried_s;   /* the last one; 0 */
	bool hinted;       /* a notification came since */
	const char *error; /* of the last one; NULL: it ended well */
	uint64_t notes;    /* what could not be indexed as it is */
	uint64_t requests; /* of the last sync */
	bool indexed;      /* false: only tried, or told of, so far */
};

struct mreg_index_status_result {
	const char *index;       /* the database, without its password */
	const char *kind;        /* "sqlite", "postgresql" */
	uint64_t schema_version; /* of its tables; a newer one than a program
				  * knows is refused by it */
	uint64_t size;           /* bytes it takes */
	struct mreg_index_model *models; /* by name */
	size_t count;
	const char *const *places; /* that were synced as a whole; by name */
	size_t place_count;
	int64_t now_s; /* to compare times with */
	void *owner;
};

/* What the index has, and how old that is.  MREG_ENOTFOUND: there is none. */
MREG_API int mreg_index_status(struct mreg *m,
			       struct mreg_index_status_result *out,
			       struct mreg_error *err);
MREG_API void mreg_index_status_result_release(
	struct mreg_index_status_result *r);

#ifdef __cplusplus
}
#endif

#endif
