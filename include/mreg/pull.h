/*
 * mreg/pull.h - get a version's files.
 */
#ifndef MREG_PULL_H
#define MREG_PULL_H

#include "mreg/push.h"
#include "mreg/retire.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_pull_opts {
	size_t size;        /* sizeof this struct; set by MREG_PULL_OPTS_INIT */
	const char *output; /* directory; NULL: the name's last component */
	bool dry_run;       /* plan only, write nothing */
	unsigned int jobs;  /* parallel transfers; 0: the session's */
	/* Only files whose path one of these globs matches ('*' stops at '/',
	 * '**' does not, no '/' in it: the last component); none: all. */
	const char *const *include;
	size_t include_count;
	bool exact; /* remove files of `output` that the version does not have
		     */
	bool keep;  /* refuse to replace a file that has other bytes */
	bool verify_files; /* hash what is there, whatever state remembers */
	const char *const *seeds; /* directories to take bytes from */
	size_t seed_count;
	/* Of an index: the manifest with this digest, or that all of these say
	 * KEY=VALUE of (platform, annotations, KitOps' labels); none: by
	 * platform, then by being a model's. */
	const char *const *select;
	size_t select_count;
	bool require_policy; /* as of mreg_resolve_opts; nothing is written
			      * where it is refused */
	bool require_digest; /* the same */
	/* Only files below this folder of the version, put without it; NULL:
	 * all.  `include` is then about what is left of their paths.  Not with
	 * `exact`. */
	const char *below;
	/* For a directory that has one version after another, or a part of it:
	 * what earlier pulls with this put there and this one does not is
	 * removed, unless somebody changed it.  A file of ours, which is no
	 * part of a model, notes there what is put there. */
	bool tidy;
};
#define MREG_PULL_OPTS_INIT                                                    \
	{                                                                      \
		.size = sizeof(struct mreg_pull_opts)                          \
	}

struct mreg_pull_result {
	const char *name;      /* "ghcr.io/acme/churn" */
	const char *reference; /* name@digest: what was pulled, for ever */
	const char *tag;       /* as asked for; NULL when by digest */
	uint64_t number;       /* of v<N>; 0: not known */
	struct mreg_digest digest;
	const char *output; /* directory */
	struct mreg_item *items;
	size_t item_count;
	uint64_t bytes_total, bytes_fetched, bytes_reused;
	uint64_t files_placed, files_kept;
	/* Of bytes_reused: copied from a seed, but for what came with an
	 * archive that was fetched all the same. */
	uint64_t bytes_seeded;
	const char *const *removed; /* by `exact`; paths, sorted */
	size_t removed_count;
	bool dry_run;
	/* The manifest whose files these are: `digest`, or what was chosen
	 * where that is an index, of `index_count` manifests; 0: it is none. */
	struct mreg_digest chosen;
	size_t index_count;
	/* What the log says of it; it is not read of what was named by its
	 * digest, and that it cannot be is a warning. */
	const struct mreg_deprecation *deprecated; /* NULL: it is not */
	bool archived;
	void *owner;
};

/*
 * Resolve `ref` (no tag: latest), fetch what `output` does not have yet,
 * verify, put in place.  A file under its final name always has the bytes of
 * its digest; files the model does not have are left alone.  Calling again
 * after any interruption continues.
 *
 * Also what other tools push is understood (peers.md 6.5).  Layers that are
 * archives are fetched into `output`, under names of our own, and judged as a
 * whole before any of their files is written; what they held is remembered, so
 * that what is in place costs no second fetch.  `verify_files` reads the files
 * then, not the archives.  An archive stays beside its files until all are in
 * place, so there has to be room for both, and it is an open file as long: a
 * version of a thousand archives needs a higher RLIMIT_NOFILE than is usual
 * (mreg itself raises it as far as it may).
 */
MREG_API int mreg_pull(struct mreg *m, const char *ref,
		       const struct mreg_pull_opts *o,
		       struct mreg_pull_result *out, struct mreg_error *err);
MREG_API void mreg_pull_result_release(struct mreg_pull_result *r);

#ifdef __cplusplus
}
#endif

#endif
