/*
 * ops/push.h - the state of one push, shared by its steps.
 */
#ifndef MR_OPS_PUSH_H
#define MR_OPS_PUSH_H

#include "ops/internal.h"
#include "transfer/transfer.h"

struct push {
	struct mreg *m;
	const struct mreg_push_opts *o;
	struct mreg_ref ref;        /* completed; tag: what was asked for */
	const char *release;        /* of ref.tag; NULL */
	const char *aliases[2];     /* of ref.tag, of the option; NULL: none */
	struct mr_store *to;        /* owned */
	struct mr_store *from;      /* owned; files */
	struct mr_scan *scan;       /* owned */
	struct mr_meta *meta;       /* owned */
	struct mr_plan plan;        /* owned; one item per file, same order */
	bool *tested;               /* owned; per file */
	bool *judged;               /* owned; per file: `tested` is decided */
	struct mr_model_docs docs;  /* owned */
	struct mr_manifest *newest; /* owned; what `latest` has; NULL */
	struct mr_history history;  /* owned */
	struct mr_claim claim;
	unsigned int jobs;
};

/* push_meta.c: metadata from file, environment and flags; parents and inputs
 * to digests. */
int mr_push_meta(struct push *p, struct mreg_error *err);

/* push_files.c: scan and check what is on disk; digests that state knows. */
int mr_push_scan(struct push *p, const char *const *paths, size_t n,
		 struct mreg_error *err);
/* Whether every file's digest and verdict are known. */
bool mr_push_known(const struct push *p);
/* Decide `tested` of what was hashed, and remember all of it. */
int mr_push_judge(struct push *p, struct mreg_error *err);
/* Config and manifest; every digest is known. */
int mr_push_docs(struct push *p, struct mreg_error *err);

/* push_send.c: blobs, config, manifest. */
int mr_push_look(struct push *p, struct mreg_error *err);
int mr_push_send(struct push *p, struct mreg_error *err);

/* push_tags.c: number, latest, release, alias. */
int mr_push_check_tags(struct push *p, struct mreg_error *err);
/* Say which tags a push would move. */
int mr_push_rehearse_tags(struct push *p, struct mreg_push_result *out,
			  struct mreg_error *err);
int mr_push_quick(struct push *p, struct mreg_push_result *out, bool *done,
		  struct mreg_error *err);
int mr_push_publish(struct push *p, struct mreg_push_result *out,
		    struct mreg_error *err);

/* git.c: the checkout around the first path. */
int mr_git_describe(struct push *p, const char *path, struct mreg_error *err);

#endif
