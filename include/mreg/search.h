/*
 * mreg/search.h - versions and models found by a filter, in the index
 * (`mreg index sync` fills it).  spec/query.md has the language.
 */
#ifndef MREG_SEARCH_H
#define MREG_SEARCH_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MREG_SEARCH_LIMIT_MAX 50000

struct mreg_search_opts {
	size_t size; /* sizeof this struct; set by MREG_SEARCH_OPTS_INIT */
	bool models; /* search models, not versions */
	/* "metrics.auc DESC", NULL-terminated; behind them, and without (NULL):
	 * updated last first, then name, then number, highest first; of models:
	 * name. */
	const char *const *order;
	/* Attributes that cells are made of, "metrics.auc", several in one with
	 * commas between, NULL-terminated; NULL: name, version, alias, stage,
	 * registered, and what filter and order name; of models: name, owner,
	 * updated, description. */
	const char *const *columns;
	size_t limit;     /* rows of a page; 0: 100 */
	const char *page; /* what `next` said; NULL: the first */
	bool all;         /* from there on to the end, all of one moment */
	bool count;       /* how many there are, too */
};
#define MREG_SEARCH_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_search_opts)                        \
	}

/* What is not told is NULL, 0 or a digest of no kind. */
struct mreg_search_row {
	const char *name;  /* a reference: below the configured prefix without
			    * it */
	const char *model; /* the whole name */
	uint64_t number;
	struct mreg_digest digest;
	bool moved; /* v<N> has another digest than the log gave N */
	const char *stage, *status; /* "ready", "archived", "deprecated" */
	const char *release;        /* last release name */
	const char *const *aliases; /* sorted; latest too */
	size_t alias_count;
	int64_t created_s;    /* what the manifest says */
	int64_t registered_s; /* by the log */
	int64_t updated_s;    /* last event about it */
	const char *actor, *run, *owner, *author, *license, *description;
	const char *kind, *format, *architecture, *family, *precision,
		*quantization;
	const char *source, *revision;
	struct mreg_digest fileset;
	uint64_t parameters, bytes, files;
	const struct mreg_pair *metrics, *params, *tags; /* sorted by name */
	size_t metric_count, param_count, tag_count;
	const char *const *cells; /* one for each column; NULL: not told */
};

struct mreg_search_model {
	const char *name, *model; /* as above */
	const char *owner, *display_name, *description;
	uint64_t versions; /* how many */
	uint64_t latest;   /* highest that is not archived; 0: none */
	uint64_t bytes;    /* of all versions' files */
	int64_t updated_s; /* last event */
	int64_t synced_s;  /* when it was read last */
	const char *const *cells;
};

enum mreg_search_type {
	MREG_SEARCH_TEXT,
	MREG_SEARCH_NUMBER,
	MREG_SEARCH_BYTES,
	MREG_SEARCH_TIME, /* its cells are RFC 3339 */
};
struct mreg_search_column {
	const char *name; /* "version_number", "metrics.auc" */
	enum mreg_search_type type;
};

struct mreg_search_result {
	bool of_models;
	struct mreg_search_row *rows; /* of versions */
	struct mreg_search_model *models;
	size_t count;     /* of the one or the other */
	const char *next; /* for `page`; NULL: these were the last */
	uint64_t total;   /* how many match; with `count` */
	bool counted;
	int64_t synced_s; /* the oldest sync of what was searched; 0: none */
	struct mreg_search_column *columns;
	size_t column_count;
	void *owner;
	/* Set also where the filter is refused (MREG_EUSAGE): the byte of it,
	 * from 1, that is wrong; 0: another word is. */
	size_t wrong_at;
};

/*
 * `filter` NULL or "": all.  Attributes and values are of the index, so as old
 * as `synced_s` says.  MREG_EUSAGE: a filter, an order, a column or a page that
 * is none; MREG_ENOTFOUND: no index, or a version that the filter refers to is
 * not in it.  Release the result in any case.
 */
MREG_API int mreg_search(struct mreg *m, const char *filter,
			 const struct mreg_search_opts *o,
			 struct mreg_search_result *out,
			 struct mreg_error *err);
MREG_API void mreg_search_result_release(struct mreg_search_result *r);

#ifdef __cplusplus
}
#endif

#endif
