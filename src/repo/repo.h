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
#include "index/index.h"
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
#include "repo/recall.h"
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
	const char *index_where;    /* index.db, with the password that the
				     * setting does not show */
	struct mr_index *index;     /* opened by the first that asks */
	enum mr_db_mode index_mode; /* how */
	bool index_held;            /* one state of it is asked */
	enum mreg_index_use index_use;
	unsigned int jobs;
	struct mr_actor actor;    /* of the last call */
	struct mr_actor git_user; /* asked once in a session */
	bool git_asked;
	struct mr_refusal *refusal; /* owned; the last one; NULL: none */
};

/* -- session.c, config.c */

/* Keep what index.db says, and have the setting show it without a password;
 * one that others may read is refused.  For mr_settings_load. */
int mr_index_where(struct mreg *m, struct mreg_setting *s,
		   struct mreg_error *err);
int mr_index_where_check(const char *where, struct mreg_error *err);

/* Read environment and files, apply `o` on top; fills settings. */
int mr_settings_load(struct mreg *m, const struct mreg_opts *o,
		     struct mreg_error *err);
/* The value of a setting that is known to exist; "" when it has none. */
const char *mr_setting(const struct mreg *m, const char *key);
bool mr_setting_is_true(const struct mreg *m, const char *key);
int mr_session_net(struct mreg *m, struct mr_net **out, struct mreg_error *err);
unsigned int mr_session_jobs(const struct mreg *m, unsigned int asked);
/* Whether the user set a rate: a transfer with a registry then opens no more
 * connections than were asked for. */
bool mr_session_limited(const struct mreg *m);

/*
 * index.c: the session's index, borrowed: the setting `index`, else
 * $XDG_DATA_HOME/mreg/index.db.  MREG_ENOTFOUND, telling of `mreg index sync`,
 * when there is none and `mode` does not make one.
 */
int mr_session_index(struct mreg *m, enum mr_db_mode mode,
		     struct mr_index **out, struct mreg_error *err);

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
/* MREG_EPOLICY for what has no digest, where that is `asked` for, or by the
 * setting require.digest: a tag is whatever it is by then. */
int mr_target_demand(const struct mreg *m, const struct mreg_ref *ref,
		     bool asked, struct mreg_error *err);
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

#include "repo/tags.h"

#endif
