/*
 * repo/repo.h - what the use-cases share: the session with its settings, the
 * store that a reference names, the log of a model and its tags.
 */
#ifndef MR_REPO_REPO_H
#define MR_REPO_REPO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/list.h"
#include "ledger/ledger.h"
#include "model/model.h"
#include "mreg/config.h"
#include "mreg/policy.h"
#include "mreg/push.h"
#include "mreg/session.h"
#include "net/net.h"
#include "oci/oci.h"
#include "repo/given.h"
#include "repo/log.h"
#include "repo/policies.h"
#include "state/state.h"
#include "store/store.h"

/* Below a prefix: holds the policy of all that have none of their own. */
#define MR_POLICY_REPOSITORY "mreg-policy"
#define MR_RESULT_MAX_BYTES (256u << 20) /* arena of one result */
#define MR_LOOKUP_JOBS 8 /* small requests at once: HEADs, events */

/* Who the log names, and where that was taken from. */
struct mr_actor {
	char name[256];     /* "": nobody is known */
	const char *source; /* "registry", "as", "author", "git", "account" */
};

/* What a policy refused last, rule by rule: an error has no room for it. */
struct mr_refusal {
	struct mr_arena *arena;                  /* owned */
	const struct mreg_policy_finding *items; /* in it */
	size_t count;
};
void mr_refusal_free(struct mr_refusal *r); /* NULL does nothing */

struct mreg {
	struct mr_env env;
	atomic_bool cancel;
	struct mr_arena *arena; /* settings live here */
	struct mreg_setting *settings;
	size_t setting_count;
	char *user_config;    /* owned; NULL: no home */
	char *project_config; /* owned; where one was found, else ./ */
	struct mr_state *state;
	const char *locks;  /* folder of lock files, beside it; NULL: none */
	struct mr_net *net; /* opened by the first remote store */
	unsigned int jobs;
	struct mr_actor actor;    /* of the last call */
	struct mr_actor git_user; /* asked once in a session */
	bool git_asked;
	struct mr_refusal *refusal; /* owned; the last one; NULL: none */
};

/* -- session.c, config.c */

/* Read environment and files, apply `o` on top; fills settings. */
int mr_settings_load(struct mreg *m, const struct mreg_opts *o,
		     struct mreg_error *err);
/* The value of a setting that is known to exist; "" when it has none. */
const char *mr_setting(const struct mreg *m, const char *key);
int mr_session_net(struct mreg *m, struct mr_net **out, struct mreg_error *err);
unsigned int mr_session_jobs(const struct mreg *m, unsigned int asked);
/* Whether the user set a rate: a transfer with a registry then opens no more
 * connections than were asked for. */
bool mr_session_limited(const struct mreg *m);

/* actor.c; borrowed until the next call. */
const struct mr_actor *mr_actor(struct mreg *m, const struct mreg_ref *ref);

/* -- target.c: references and the stores they name */

/* Parse and complete a reference. */
int mr_target_parse(struct mreg *m, const char *text, struct mreg_ref *out,
		    struct mreg_error *err);
int mr_target_open(struct mreg *m, const struct mreg_ref *ref,
		   struct mr_store **out, struct mreg_error *err);
/* Both. */
int mr_target(struct mreg *m, const char *text, struct mreg_ref *ref,
	      struct mr_store **out, struct mreg_error *err);
/* The digest or tag to ask the store for; `buf` has MREG_DIGEST_TEXT bytes.
 * No tag and no digest: "latest". */
const char *mr_target_reference(const struct mreg_ref *ref, char *buf);
/* A reference as its user may write it under the same settings: complete, but
 * for the default local store, where the repository says it all. */
const char *mr_target_text(const struct mreg *m, const struct mreg_ref *ref,
			   char out[MREG_REF_TEXT]);
/* The same without tag and digest; and with this digest. */
const char *mr_target_name(const struct mreg *m, const struct mreg_ref *ref,
			   char out[MREG_REF_TEXT]);
const char *mr_target_pinned(const struct mreg *m, const struct mreg_ref *ref,
			     const struct mreg_digest *d,
			     char out[MREG_REF_TEXT]);
/* MREG_ENOTFOUND saying whether the repository or the tag is missing, with
 * the nearest tag. */
int mr_target_missing(struct mr_store *s, const struct mreg_ref *ref,
		      struct mreg_error *err);
/* HEAD; a tombstone counts as not found.  With a tag and a digest both must
 * agree (MREG_ECONFLICT). */
int mr_target_resolve(struct mr_store *s, const struct mreg_ref *ref,
		      struct mreg_desc *out, struct mreg_error *err);
/* subject.c: MREG_EUSAGE when `ref`, or its manifest `doc` (NULL: not known),
 * is one of mreg's own records: nothing is said of those. */
int mr_subject_check(const struct mreg_ref *ref, const struct mr_manifest *doc,
		     struct mreg_error *err);
/* mr_target_resolve of a version that something is said of; what a digest names
 * is looked at. */
int mr_subject_resolve(struct mreg *m, struct mr_store *s,
		       const struct mreg_ref *ref, struct mreg_desc *out,
		       struct mreg_error *err);
/* GET and parse; as mr_target_resolve. */
int mr_target_manifest(struct mreg *m, struct mr_store *s,
		       const struct mreg_ref *ref, struct mr_manifest **out,
		       struct mreg_error *err);
/* What a tag points at; `*found` false also for a tombstone, and, told, for one
 * that the store cannot read. */
int mr_tag_resolve(struct mr_store *s, const char *tag, struct mreg_desc *out,
		   bool *found, struct mreg_error *err);
/* A manifest by digest, from state when it is there. */
int mr_manifest_fetch(struct mreg *m, struct mr_store *s,
		      const struct mreg_digest *d, struct mr_manifest **out,
		      struct mreg_error *err);
/* Put manifest `d` under a tag, then look for it; `bytes` NULL: fetch first. */
int mr_tag_set(struct mr_store *s, const char *tag, const struct mreg_desc *d,
	       const void *bytes, struct mreg_error *err);

/* -- tags.c: what a repository's tags point at */

struct mr_tag_row {
	const char *tag; /* borrowed from the list */
	enum mr_tag_kind kind;
	uint64_t number; /* of a version's tag */
	struct mreg_desc desc;
	bool found; /* it is there, and no tombstone */
};
/* One HEAD for each tag that is a version, a release, an alias or latest;
 * those that are there, in the order of `tags`.  `*out` is the caller's
 * (mr_release). */
int mr_tag_rows(struct mreg *m, struct mr_store *s, const struct mr_list *tags,
		struct mr_tag_row **out, size_t *count, struct mreg_error *err);
/* The versions a log and a listing know of, and, because listings drop tags,
 * those that HEAD finds above (product.md 2): their tags, into `out`. */
int mr_version_tags(struct mr_store *s, const struct mr_history *h,
		    struct mr_list *out, struct mreg_error *err);
/* The names (aliases, releases, latest) among `rows` of one digest, in the
 * arena, sorted. */
const char *const *mr_tag_names(struct mr_arena *a,
				const struct mr_tag_row *rows, size_t n,
				const struct mreg_digest *d, size_t *count);

/* -- shared small things */

/* Options as this mreg knows them, from a caller that may know fewer or more
 * fields: what it does not have is zero. */
void mr_opts_take(void *out, size_t size, const void *given, size_t given_size);
/* An arena for a result's strings. */
int mr_result_arena(struct mr_arena **out, struct mreg_error *err);
/* MREG_ENOMEM when the arena failed. */
int mr_result_check(const struct mr_arena *a, struct mreg_error *err);
/* Copies of both sides, in the arena. */
const struct mreg_pair *mr_result_pairs(struct mr_arena *a,
					const struct mreg_pair *items,
					size_t n);
/* Wall clock in nanoseconds: compared with what the file system writes into
 * mtime, so never the environment's. */
int64_t mr_clock_ns(void);

#endif
