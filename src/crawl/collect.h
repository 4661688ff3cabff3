/*
 * crawl/collect.h - what is known of one repository while it is looked at.
 */
#ifndef MR_CRAWL_COLLECT_H
#define MR_CRAWL_COLLECT_H

#include "content/digest_map.h"
#include "crawl/crawl.h"
#include "history/history.h"
#include "look/look.h"

#define MR_COLLECT_NOTE 200
#define MR_COLLECT_TAG MR_SIBLING_TAG

/* One number, and what is to be done about it. */
struct mr_numbered {
	uint64_t number;
	struct mreg_digest known;  /* indexed; NONE: it is not */
	size_t documents;          /* indexed ones */
	struct mreg_digest tagged; /* what v<N> has, or had when last asked */
	bool listed;               /* now */
	bool seen;                 /* when it was last listed */
	bool ask;                  /* v<N> is asked, it may have changed */
	bool hang;                 /* what hangs on it is asked */
	bool gone; /* there is no v<N>, or no manifest is behind it */
	/* Of one that is there, after it was looked at. */
	struct mreg_digest digest; /* the log's, or, without one, `tagged` */
};

/* One alias, release name or latest. */
struct mr_named {
	struct mr_tag_row row;  /* `tag` is in the arena */
	struct mreg_digest had; /* when last asked; NONE: nothing */
	bool ask;               /* it may have moved */
	bool same;              /* it has not */
};

/* One version, read. */
struct mr_read_version {
	struct mr_numbered *of;
	bool put; /* its manifest is written anew */
	struct mr_look look;
	bool looked;     /* `look` has a manifest */
	bool configured; /* what its config says is in `look.meta` */
	char *card;      /* owned; NULL: none */
	struct mr_attached_rows attached;
	struct mr_manifest *siblings[MR_SIBLING_KINDS]; /* owned; NULL */
	char note[MR_COLLECT_NOTE];                     /* "": none */
	char note_hang[MR_COLLECT_NOTE];
};

struct mr_collect {
	struct mr_crawl *crawl;
	struct mreg *m;      /* the crawl's */
	struct mr_index *ix; /* the crawl's */
	const struct mreg_ref *ref;
	char name[MREG_REF_TEXT];
	struct mr_store *s;     /* owned */
	struct mr_arena *arena; /* owned; one thread's */
	int64_t begun_s;
	bool full; /* ask for everything */

	/* What the last sync left. */
	struct mr_ix_seen *seen; /* by tag */
	size_t seen_count;
	size_t left_count; /* of `seen`, when nothing of it is believed, too */
	struct mr_ix_sync sync;
	bool synced;

	/* The log. */
	struct mr_history h;
	struct mr_standing now;
	struct mr_stages stages;
	bool above;     /* they are by the prefix's policy, or its absence */
	bool rejudged;  /* ... and that is another one */
	bool read;      /* the log was */
	bool log_grown; /* it has entries that were not seen */

	/* Versions, by number. */
	struct mr_numbered *versions; /* owned */
	size_t version_count, version_cap;

	/* Names, those that are not there too. */
	struct mr_named *names;
	size_t name_count;
	struct mr_tag_row *rows; /* of those that are there */
	size_t row_count;
	bool names_changed;

	/* The last event about each version: its place in the fold. */
	struct mr_digest_map last;

	struct mreg_digest hanging; /* of a store here: all that hangs there */

	struct mr_index_writer *w; /* owned; NULL: nothing is written yet */
	bool overtaken;            /* somebody else wrote the model meanwhile */
	atomic_ullong requests;
	struct mr_crawled *out;
};

/* -- collect_tags.c -------------------------------------------------------- */

/* What was seen under a tag; NULL: it was not seen. */
const struct mr_ix_seen *mr_collect_seen(const struct mr_collect *c,
					 const char *tag);
/* The numbers that listing, index and log know, and those above; which of them
 * are to be asked. */
int mr_collect_numbers(struct mr_collect *c, struct mreg_error *err);
/* Aliases, releases, latest: those that may have moved are asked. */
int mr_collect_names(struct mr_collect *c, struct mreg_error *err);
struct mr_numbered *mr_collect_number(struct mr_collect *c, uint64_t number);
/* What the next sync need not ask again. */
int mr_collect_remember(struct mr_collect *c, struct mreg_error *err);
/* What a version's number has by the log, where that knows one. */
const struct mreg_digest *mr_collect_meant(struct mr_collect *c,
					   const struct mr_numbered *v);

/* -- collect_hanging.c ----------------------------------------------------- */

/* What is remembered of a store here instead of its documents' tags; no tag has
 * such a name. */
#define MR_COLLECT_HANGING "=hanging"

/* Which known versions are to be asked what hangs on them. */
int mr_collect_hanging(struct mr_collect *c, struct mreg_error *err);

/* -- collect_policy.c ------------------------------------------------------ */

/* The prefix's policy that stages and reviews were written by; no tag has such
 * a name. */
#define MR_COLLECT_POLICY "=policy"

/* What is to be written of stages and reviews is by this policy. */
int mr_collect_stages(struct mr_collect *c, struct mreg_error *err);
/* Whether what was written of them is by another policy than the one that is in
 * force now.  Not being able to tell is in the crawl's `unknown`. */
int mr_collect_rejudged(struct mr_collect *c, bool *out,
			struct mreg_error *err);

/* -- collect_version.c ----------------------------------------------------- */

/* Into `v->look` and what hangs on it, as far as it is to be asked.  What is
 * wrong with it is a note. */
int mr_collect_version(struct mr_collect *c, struct mr_read_version *v,
		       struct mreg_error *err);
/* As it was before what it leads to was kept elsewhere, without a request:
 * manifest (taken), config, and its files where `filed`. */
int mr_collect_again(struct mr_collect *c, struct mr_read_version *v,
		     struct mr_manifest *doc, const void *config, size_t n,
		     bool filed, struct mreg_error *err);
void mr_read_version_release(struct mr_read_version *v);

/* -- collect_batch.c ------------------------------------------------------- */

/* All of them, into the index that is locked from the first one written on. */
int mr_collect_versions(struct mr_collect *c, struct mreg_error *err);

/* -- collect_write.c ------------------------------------------------------- */

/* Begin to write, if that was not done yet. */
int mr_collect_begin(struct mr_collect *c, struct mreg_error *err);
int mr_collect_put(struct mr_collect *c, struct mr_read_version *v,
		   struct mreg_error *err);

/* -- collect_log.c --------------------------------------------------------- */

/* Fold what was read, and note what cannot be read. */
int mr_collect_fold(struct mr_collect *c, struct mreg_error *err);
int mr_collect_log_notes(struct mr_collect *c, struct mreg_error *err);
/* What the log says of one version; `v->look.meta` is changed by it. */
int mr_collect_life(struct mr_collect *c, struct mr_read_version *v,
		    struct mreg_error *err);
/* All else that the log says. */
int mr_collect_log(struct mr_collect *c, struct mreg_error *err);

/* -- collect_run.c --------------------------------------------------------- */

/* As mr_task_run, on as many threads as a repository may use, which is looked
 * at again and again: of items `from` on the first few, `*done`; or all. */
int mr_collect_some(struct mr_collect *c, size_t from, size_t n, mr_task_fn *fn,
		    void *ctx, size_t *done, struct mreg_error *err);
int mr_collect_all(struct mr_collect *c, size_t n, mr_task_fn *fn, void *ctx,
		   struct mreg_error *err);
/* Whoever waits for the index makes no requests: others may. */
void mr_collect_rest(struct mr_collect *c);
void mr_collect_resume(struct mr_collect *c);
/* Whether an error is about what was asked for, not about asking. */
bool mr_collect_is_content(int rc);

#endif
