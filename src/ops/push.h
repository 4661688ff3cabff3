/*
 * ops/push.h - the state of one push, shared by its steps.
 */
#ifndef MR_OPS_PUSH_H
#define MR_OPS_PUSH_H

#include "base/task.h"
#include "profile/profile.h"
#include "repo/repo.h"
#include "rule/rule.h"
#include "transfer/transfer.h"

/* What the files say; all in the arena, which is NULL for what is no model. */
struct push_facts {
	struct mr_arena *arena;     /* owned */
	struct mr_summary *weights; /* every weight file, sorted by path */
	size_t weight_count;
	const struct mr_card *card;        /* NULL: none, or not readable */
	const char *card_path;             /* of its file; NULL: none */
	const struct mr_hf_config *config; /* the same */
	const struct mr_mlmodel *mlmodel;  /* the same */
	struct mr_dvc_file *dvc;
	size_t dvc_count;
	struct mr_list filled; /* owned; keys of metadata that came of it */
};

/* A profile of the version, beside its own. */
#define MR_PUSH_ALSO_MAX 2
struct push_also {
	struct mreg_image_opts opts;
	struct mr_profile *profile; /* owned */
};

struct push {
	struct mreg *m;
	const struct mreg_push_opts *o;
	struct mreg_ref ref;        /* completed; tag: what was asked for */
	const char *release;        /* of ref.tag; NULL */
	const char *aliases[2];     /* of ref.tag, of the option; NULL: none */
	bool looked;                /* at the aliases */
	bool placed[2];             /* they have this version already */
	struct mr_store *to;        /* owned */
	struct mr_store *from;      /* owned; files */
	struct mr_scan *scan;       /* owned */
	struct mr_meta *meta;       /* owned */
	const char *because;        /* as given; NULL: nothing is */
	struct push_facts facts;    /* owned; what the files say */
	struct mr_plan plan;        /* owned; one item per file, same order */
	bool *tested;               /* owned; per file */
	bool *judged;               /* owned; per file: `tested` is decided */
	struct mr_model_docs docs;  /* owned */
	struct mr_manifest *newest; /* owned; what `latest` has; NULL */
	struct mr_history history;  /* owned */
	struct mr_claim claim;
	unsigned int jobs;
	int64_t scanned_ns; /* wall clock; before any file was looked at */
	int64_t looked_ms;  /* monotonic; when the plan was made */
	/* Files whose digest is known and not yet remembered. */
	struct mr_lock lock;
	size_t *fresh; /* owned; indices */
	size_t fresh_count;
	uint64_t fresh_bytes;
	struct mr_manifest *mine;                /* owned; for `also` */
	struct push_also also[MR_PUSH_ALSO_MAX]; /* owned */
};

/* push.c: everything before the first request of its own: reference, files,
 * metadata, what the files say; and giving it back. */
int mr_push_prepare(struct push *p, const char *const *paths, size_t n,
		    const char *ref, struct mreg_error *err);
void mr_push_release(struct push *p);

/* push_meta.c: metadata from file, environment and flags; parents and inputs
 * to digests. */
int mr_push_meta(struct push *p, struct mreg_error *err);
/* push_because.c: the event of the model's log that `because` names, by its
 * digest or the beginning of it.  MREG_ENOTFOUND. */
int mr_push_because(struct push *p, const char *because,
		    struct mreg_error *err);
/* `created` from SOURCE_DATE_EPOCH, unless it is set. */
int mr_meta_epoch(struct mr_meta *meta, struct mreg_error *err);

/* push_facts.c: read what the files say and fill what nobody gave; with a
 * warning for each file that cannot be read as what it is, or could run code
 * when it is loaded. */
int mr_push_facts(struct push *p, struct mreg_error *err);
/* The same of the training run that --from-run names. */
int mr_push_run(struct push *p, struct mreg_error *err);
void mr_push_facts_release(struct push_facts *f);

/* push_shards.c: a warning for each shard index that names a tensor which its
 * shard does not have. */
int mr_push_shards(struct push *p, struct mreg_error *err);

/* push_files.c: scan and check what is on disk; digests that state knows. */
int mr_push_scan(struct push *p, const char *const *paths, size_t n,
		 struct mreg_error *err);
/* Whether every file's digest and verdict are known. */
bool mr_push_known(const struct push *p);
/* MREG_ELIMIT when the registry is known not to take one of the files; a
 * warning when it may not. */
int mr_push_check_limits(struct push *p, struct mreg_error *err);
/* Decide `tested` of what was hashed, and remember all of it. */
int mr_push_judge(struct push *p, struct mreg_error *err);
/* While the plan runs (mr_plan.learned): the same, every few megabytes. */
void mr_push_learned(void *ctx, size_t index);
/* Config and manifest; every digest is known. */
int mr_push_docs(struct push *p, struct mreg_error *err);

/* push_look.c: what is there already; and, after sending, whether it still
 * is: what is not is sent again. */
int mr_push_look(struct push *p, struct mreg_error *err);
int mr_push_look_again(struct push *p, struct mreg_error *err);

/* push_send.c: blobs, config, manifest. */
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

/* push_also.c: the version in other profiles. */
int mr_push_also_check(struct push *p, struct mreg_error *err);
/* All but their tags; the version's documents are made.  In a dry run: what
 * there is already. */
int mr_push_also_send(struct push *p, struct mreg_error *err);
/* v<N>-image, once there is a number; the siblings of what has it.  The caller
 * holds mr_store_lock. */
int mr_push_also_tag(struct push *p, struct mreg_error *err);
int mr_push_also_names(struct push *p, struct mreg_error *err);
/* mr_push_also_send of a version that was there; the error says that it is. */
int mr_push_also_later(struct push *p, struct mreg_error *err);
int mr_push_also_result(struct push *p, struct mreg_push_result *out,
			struct mreg_error *err);
void mr_push_also_release(struct push *p);

/* push_policy.c */
/*
 * Judge what is about to be pushed: metadata is complete, `to` is open.
 * MREG_EPOLICY with the rules in cause, after each finding was logged as an
 * error.  What is a version already passes, unless the pusher brought rules of
 * their own.  Reads the log into the push's history.
 */
int mr_push_policy(struct push *p, struct mreg_error *err);
/* `all`: facts that no rule needs, too. */
int mr_push_case(struct push *p, const struct mreg_texts *files, bool all,
		 struct mr_arena *a, struct mr_case *out,
		 struct mreg_error *err);

/* push_policy_files.c: of what is about to be pushed; with `formats` each file
 * is looked into, or was. */
int mr_push_policy_files(struct push *p, bool formats, struct mr_arena *a,
			 struct mr_policy_subject *u, struct mreg_error *err);

/* git.c: the checkout around the first path. */
int mr_git_describe(struct push *p, const char *path, struct mreg_error *err);

#endif
