/*
 * mreg/ingest.h - notifications of registries, taken as hints to look.
 */
#ifndef MREG_INGEST_H
#define MREG_INGEST_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_ingest_opts {
	size_t size;      /* sizeof this struct; set by MREG_INGEST_OPTS_INIT */
	const char *from; /* file with what was sent; has to be there */
	/* "distribution", "harbor", "zot", "quay", "dockerhub", "ecr", "ghcr";
	 * NULL, "auto": whichever knows it. */
	const char *source;
	/* HOST[/PATH] that all of it is about, whatever it says itself; NULL: a
	 * notification counts that is about the configured prefix, a place
	 * that was synced, or a model of the index. */
	const char *host;
	bool no_sync; /* only note what is to be looked at */
	bool dry_run; /* not even that */
};
#define MREG_INGEST_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_ingest_opts)                        \
	}

/* A model that is to be looked at. */
struct mreg_ingest_row {
	const char *name;  /* "ghcr.io/acme/churn" */
	bool changed;      /* something was new there */
	const char *error; /* why it could not be read; NULL: it was, or nobody
			    * looked */
};

struct mreg_ingest_result {
	uint64_t notices;  /* that were understood */
	uint64_t idle;     /* of them: no reason to look: pulls, blobs, scans */
	uint64_t repeated; /* of them: the same one came before */
	uint64_t foreign;  /* of them: about nothing that is looked at */
	const char *foreign_name;     /* the first of those; NULL: none */
	uint64_t unknown;             /* documents that are no notification */
	uint64_t unknown_at;          /* the first of those, from 1; 0: none */
	struct mreg_ingest_row *rows; /* by name */
	size_t count;
	uint64_t changed, failed; /* of the rows */
	bool synced;              /* they were looked at */
	uint64_t requests;        /* that this took */
	bool dry_run;
	struct mreg_error failure; /* of the first row; code 0: none */
	void *owner;
};

/*
 * Nothing of a notification is believed: the repositories it names are looked
 * at as mreg_index_sync does, and only those below the configured prefix, below
 * places that were synced, or in the index.  MREG_EFORMAT: nothing was
 * understood; MREG_ELIMIT: more than 4 MiB.  A model that cannot be read is in
 * the result.
 */
MREG_API int mreg_ingest(struct mreg *m, const struct mreg_ingest_opts *o,
			 struct mreg_ingest_result *out,
			 struct mreg_error *err);
MREG_API void mreg_ingest_result_release(struct mreg_ingest_result *r);

#ifdef __cplusplus
}
#endif

#endif
