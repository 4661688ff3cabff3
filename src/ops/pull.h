/*
 * ops/pull.h - the state of one pull, shared by its steps.
 */
#ifndef MR_OPS_PULL_H
#define MR_OPS_PULL_H

#include "mreg/pull.h"
#include "repo/repo.h"
#include "transfer/transfer.h"

/* Where a blob that is not there may come from. */
enum mr_seed {
	MR_SEED_NONE,    /* the source alone */
	MR_SEED_COPY,    /* a seed has it */
	MR_SEED_SHARED,  /* a seed's file can share its blocks */
	MR_SEED_SOURCE,  /* the source itself can: a local store beside us */
	MR_SEED_ARCHIVE, /* an archive of the version had it */
};

/* A layer that holds files, and what is known of it. */
struct pull_archive {
	struct mr_model_layer layer; /* its strings are the manifest's */
	struct mr_members *members;  /* owned; NULL: not known */
	bool recalled; /* ... from the state, and not seen in its bytes */
	bool wrong;    /* ... and those hold something else */
	int fd;        /* owned, shared flock; of its bytes, here; -1: none */
	bool was_here; /* ... and there was one */
};

/* Where a file of the version comes from. */
struct pull_origin {
	size_t archive;    /* of `archives`; PULL_LAYER: a layer's own bytes */
	size_t entry;      /* of that archive */
	const char *label; /* what to tell instead of the path; NULL: that */
};
#define PULL_LAYER SIZE_MAX

struct mr_owned;

struct pull {
	struct mreg *m;
	const struct mreg_pull_opts *o;
	struct mreg_ref ref;
	const char *output;            /* borrowed */
	struct mr_store *from;         /* owned */
	struct mr_store *to;           /* owned */
	struct mr_store *seeds;        /* owned; NULL: none were needed */
	struct mr_tree *tree;          /* owned */
	struct mreg_desc named;        /* what the reference resolved to */
	struct mr_manifest *manifest;  /* owned; that, or a child of it */
	size_t chosen_of;              /* of so many; 0: it was no index */
	struct mr_buf config;          /* owned; where it names files */
	struct mr_model_layer *layers; /* owned; the files that were asked for:
					* layers, and what archives hold */
	struct pull_origin *origins;   /* owned; one per layer */
	size_t count;
	struct pull_archive *archives; /* owned */
	size_t archive_count;
	struct mr_members *image; /* owned; what an image's layers come to */
	struct mr_arena *names;   /* owned; paths of files from archives */
	bool unknown; /* a dry run: archives stand for what they hold */
	struct mr_members_sum sum, seen; /* of lists, and of those checked */
	struct mr_place *places;         /* owned; one per layer */
	struct mr_plan plan;             /* owned; one item per layer */
	enum mr_seed *source;            /* owned; one per layer: found, then
					  * what was taken */
	struct mr_listing *strangers;    /* owned; to remove; NULL: not asked */
	struct mr_list removed;          /* owned; paths */
	struct mr_owned *owned;          /* owned; NULL: not `tidy` */
	struct mr_published published;
	uint64_t fetched; /* bytes, over all rounds */
	/* Written by the side task, read after its join. */
	uint64_t number;
	struct mr_arena *told;                     /* owned; of these two */
	const struct mreg_deprecation *deprecated; /* NULL: it is not */
	const struct mreg_archival *archived;      /* NULL: it is not */
	unsigned int jobs;
	bool made;    /* the target was not there before */
	bool is_user; /* of archives there, by */
	int users;    /* owned, flocked */
};

/* pull.c: the directory, made when it is not there; the second time it does
 * nothing.  `tree` stays NULL for a dry run of what is not there yet. */
int mr_pull_open_tree(struct pull *p, struct mreg_error *err);

/* pull_choose.c: the manifest, and which of its files. */

/* The manifest, and its layers as they are. */
int mr_pull_choose(struct pull *p, const char *text, struct mreg_error *err);
/* Whether it is not all of the version that is asked for. */
bool mr_pull_is_partial(const struct pull *p);
/* Keep the files that were asked for. */
int mr_pull_select(struct pull *p, struct mreg_error *err);

/* pull_index.c: from an index to the manifest that is meant. */
int mr_pull_follow(struct pull *p, struct mreg_error *err);

/* pull_archive.c: layers that hold files, as partial files of ours in the
 * output until everything is in place. */

/* Fetch and open those that `wanted` says and that are not open yet. */
int mr_pull_fetch_archives(struct pull *p, const bool *wanted,
			   struct mreg_error *err);
/* The room that fetching them would take, added to `*sum`. */
int mr_pull_archives_need(struct pull *p, const bool *wanted, uint64_t *sum,
			  struct mreg_error *err);
/* What an open one was packed from; `proven`: reading that to its end proves
 * the layer's digest. */
int mr_pull_archive_stream(struct pull *p, const struct pull_archive *a,
			   bool proven, struct mr_stream **out,
			   struct mreg_error *err);
/* How many may be read at once. */
unsigned int mr_pull_archive_jobs(const struct pull *p);
/* Remove those that nobody else uses, and what killed runs left. */
void mr_pull_drop_archives(struct pull *p);
/* Close them; what is not removed the next run goes on from. */
void mr_pull_close_archives(struct pull *p);

/* pull_users.c: who else pulls archives into this directory. */

/* Before archives are fetched; `*entered`: it was not done before, so what was
 * looked at may have changed. */
int mr_pull_enter(struct pull *p, bool *entered, struct mreg_error *err);
/* Nobody else is there, nor can be until mr_pull_leave; false: somebody is, or
 * it cannot be known, and this one has left. */
bool mr_pull_is_last(struct pull *p);
/* Whether a file of this name in the output tells of somebody who is there, or
 * was killed there. */
bool mr_pull_is_left(const char *name);
void mr_pull_leave(struct pull *p);
/* Whether the name in the output means the open file. */
bool mr_pull_is_named(const struct pull *p, const char *name, int fd);

/* pull_expand.c: archives become the files that they hold. */
int mr_pull_expand(struct pull *p, struct mreg_error *err);
/* List open archives whose list was only remembered: MREG_EINTEGRITY, `wrong`
 * and the memory put right where it was another. */
int mr_pull_confirm(struct pull *p, struct mreg_error *err);

/* pull_unpack.c: take out of archives what the plan still moves. */
int mr_pull_unpack(struct pull *p, struct mreg_error *err);

/* pull_log.c: what the log says of the version. */

/* Read beside the transfer: its number, and what whoever pulls it is warned
 * of.  The log is not read of what was named by its digest. */
int mr_pull_log(void *ctx, size_t index, struct mreg_error *err);
/* Warn; `rc` and `why` are what reading came to, and no error. */
void mr_pull_tell(struct pull *p, int rc, const struct mreg_error *why);

/* pull_result.c: what it came to, into the arena of `out`. */
int mr_pull_result(struct pull *p, struct mreg_pull_result *out,
		   struct mreg_error *err);

/* pull_seed.c: bytes that are on this machine already. */

/* What can never work, before anything is asked. */
int mr_pull_check_seeds(const struct pull *p, struct mreg_error *err);
/* Which of the items that the plan moves a seed has. */
int mr_pull_find_seeds(struct pull *p, struct mreg_error *err);
/* Whether there is room for the rest. */
int mr_pull_check_room(struct pull *p, struct mreg_error *err);
/* Take them.  A seed that fails is no error: the source has it too. */
int mr_pull_take_seeds(struct pull *p, struct mreg_error *err);

/* pull_exact.c: files that the version does not have. */

/* What --exact would never do, whatever the version holds. */
int mr_pull_check_exact(const struct pull *p, struct mreg_error *err);
/* List them in `strangers`, and refuse what looks like a mistake. */
int mr_pull_find_strangers(struct pull *p, struct mreg_error *err);
int mr_pull_remove_strangers(struct pull *p, struct mreg_error *err);
/* This directory has had a model in it: which. */
void mr_pull_remember(struct pull *p);
/* The complete reference, with its digest, of what was last pulled whole into
 * a directory, or "yes" where only that was noted; false: nothing known. */
bool mr_pull_recall(struct mreg *m, const struct mr_tree *t,
		    char out[MREG_REF_TEXT]);

#endif
