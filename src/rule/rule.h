/*
 * rule/rule.h - policies: those in force, the facts they judge, and the
 * verdict.
 */
#ifndef MR_RULE_RULE_H
#define MR_RULE_RULE_H

#include "format/format.h"
#include "mreg/policy.h"
#include "policy/policy.h"
#include "repo/repo.h"

#define MR_POLICY_TAG_PREFIX "mreg.policy." /* <32 hex of the manifest> */
/* What JSON of facts may come to: 10,000 files with their names. */
#define MR_POLICY_FACTS_MAX_BYTES (32u << 20)

/* -- policy_facts.c: what is known --------------------------------------- */

/* One file of the version. */
struct mr_policy_file {
	const char *path, *role;
	uint64_t size;
	const char *format;  /* "" unknown; NULL: not looked at */
	const char *trouble; /* NULL: none */
	bool limited;        /* that we look no further is the trouble */
	const char *const *unsafe;
	size_t unsafe_count;
};

struct mr_look;
struct mr_policy_subject {
	struct mreg *m;
	const struct mreg_ref *ref; /* of the repository */
	struct mr_store *s;
	const struct mr_meta *meta;
	const struct mreg_digest *version; /* NULL: it is not pushed yet */
	const char *aliases[2];            /* that it gets; NULL: none */
	const char *release;               /* NULL: none */
	bool use;         /* it is about to be used: facts are "at" that */
	const char *gate; /* alias whose gates are asked too; NULL: none */
	/* What a gate asks of; NULL where none does. */
	struct mr_history *history;     /* as far as read; of baselines too */
	const struct mr_policy *policy; /* whose watches count */
	const struct mr_policy_file *files;
	size_t file_count;
	const char *files_unread; /* why formats are not known; NULL: are */
};

/* Append the facts as JSON: all that `needs` asks for, and what costs
 * nothing. */
int mr_policy_facts(const struct mr_policy_subject *u,
		    const struct mr_policy_needs *needs, struct mr_buf *out,
		    struct mreg_error *err);

/* -- policy_gate.c: what the log tells ------------------------------------ */

/* Member "gate", of a version and the alias `u->gate`, by `u->history`. */
int mr_policy_gate(const struct mr_policy_subject *u, struct mr_buf *out,
		   struct mreg_error *err);

/* -- policy_files.c: what is in the files -------------------------------- */

/* What was found in one file; `to` has its path, role and size. */
void mr_policy_file_take(struct mr_arena *a, const struct mr_facts *facts,
			 struct mr_policy_file *to);
/* Of a version, by ranges. */
int mr_policy_files_remote(struct mr_look *l, bool formats, struct mr_arena *a,
			   struct mr_policy_subject *u, struct mreg_error *err);

/* -- policy_ancestors.c -------------------------------------------------- */

/* What a version comes from, parents and inputs, transitively. */
struct mr_ancestor {
	bool input;             /* data; else a model */
	const char *how;        /* relation or role */
	const char *ref;        /* or a URI, or a name */
	bool address;           /* `ref` is no mere name */
	const char *digest;     /* NULL: outside OCI */
	const char *told;       /* its licence by who named it; NULL */
	const char *license;    /* its own; else that; NULL */
	const char *unreadable; /* why; NULL: it was read, or needs not be */
};
/* In the arena.  `*more`: there are more than are read. */
int mr_policy_ancestors(const struct mr_policy_subject *u, struct mr_arena *a,
			struct mr_ancestor **out, size_t *count, bool *more,
			struct mreg_error *err);

/* -- policy_json.c: writing facts ---------------------------------------- */

void mr_put_begin(struct mr_buf *b, const char *key, char bracket);
void mr_put_end(struct mr_buf *b, char bracket);
/* NULL: nothing is written. */
void mr_put_text(struct mr_buf *b, const char *key, const char *value);
void mr_put_u64(struct mr_buf *b, const char *key, uint64_t value);
void mr_put_bool(struct mr_buf *b, const char *key, bool value);
void mr_put_null(struct mr_buf *b, const char *key);
void mr_put_pairs(struct mr_buf *b, const char *key,
		  const struct mreg_pair *items, size_t n);
void mr_put_numbers(struct mr_buf *b, const char *key,
		    const struct mreg_pair *items, size_t n);
/* Append the document `facts` with its numbers as texts: a parser would round
 * them, and refuse what is too long for an integer. */
void mr_put_quoted(struct mr_buf *b, const char *facts);

/* -- policy_attached.c: what hangs on a version -------------------------- */

/* Members "attachments" and "evaluations"; why they could not be read, in the
 * arena, into `*why`, else NULL. */
int mr_policy_attached(const struct mr_policy_subject *u, struct mr_arena *a,
		       struct mr_buf *out, const char **attachments_why,
		       const char **evaluations_why, struct mreg_error *err);

/* -- policy_alias.c ------------------------------------------------------ */

/* Only what is said of aliases, that an alias with gates is promoted among it:
 * all that is asked when the version was judged before.  `aliases` may have
 * NULLs; refused as below.  Nothing is read when there is none. */
int mr_policy_aliases(struct mreg *m, const struct mreg_ref *ref,
		      struct mr_store *s, struct mr_history *h,
		      const char *kind, const char *const *aliases, size_t n,
		      struct mreg_error *err);
/* The same by policies that were loaded. */
int mr_policy_aliases_by(struct mreg *m, const struct mr_policies *by,
			 const char *kind, const char *const *aliases, size_t n,
			 struct mreg_error *err);
/* The same for a version that is there; the log is read into `h`. */
int mr_policy_alias(struct mreg *m, const struct mreg_ref *ref,
		    struct mr_store *s, struct mr_history *h,
		    const struct mreg_digest *version, const char *alias,
		    struct mreg_error *err);
/* One finding more for each of `aliases` (there may be NULLs) that has gates,
 * where something else than promote moves it; `v` may be zeroed. */
int mr_verdict_gated(const struct mr_policies *by, const char *const *aliases,
		     size_t n, struct mr_verdict *v, struct mreg_error *err);
/* As mr_policy_refuse, with what to do about the gates. */
int mr_policy_refuse_aliases(struct mreg *m, const char *what,
			     const struct mr_policies *by,
			     const struct mr_verdict *v,
			     struct mreg_error *err);

/* -- policy_refusal.c ----------------------------------------------------- */

/* Findings of a verdict, for a result; NULL: the arena failed. */
const struct mreg_policy_finding *mr_policy_findings(
	struct mr_arena *a, const struct mr_policies *by,
	const struct mr_finding *items, size_t n);
/* MREG_EPOLICY: "`what`: the policy of .. refuses it", the rules in cause,
 * logged, and kept for mreg_policy_refusal. */
int mr_policy_refuse(struct mreg *m, const char *what,
		     const struct mr_policies *by, const struct mr_verdict *v,
		     struct mreg_error *err);

/* -- policy_case.c -------------------------------------------------------- */

/* The facts of a subject, and its policies: what the verdict rests on. */
struct mr_case {
	struct mr_arena *arena; /* borrowed */
	struct mr_policies policies;
	struct mr_buf facts;       /* JSON */
	struct mr_verdict verdict; /* passes when there is no policy */
};
void mr_case_release(struct mr_case *c); /* for MR_AUTO too */
/* Facts of `u` to a verdict by the policies in `out`; `all`: facts that no
 * rule needs, too. */
int mr_case_judge(const struct mr_policy_subject *u, bool all,
		  struct mr_case *out, struct mreg_error *err);
/* What its policies need; with `all` everything. */
void mr_case_needs(const struct mr_case *c, const char *gate, bool all,
		   struct mr_policy_needs *out);
/* What is asked of a version that is there. */
struct mr_question {
	const char *alias; /* that it gets, or was named by; NULL: none */
	bool gated;        /* the gates of that alias too */
	bool use; /* it is about to be used, and has the alias already */
	bool all; /* facts that no rule needs, too */
};
/* Its verdict by the policies in `out`; opened in `l`, its log read into
 * `h`. */
int mr_case_version(struct mr_look *l, struct mr_history *h,
		    const struct mr_question *q, struct mr_case *out,
		    struct mreg_error *err);

/* -- policy_demand.c ------------------------------------------------------ */

/*
 * That the version `named`, which `ref` names, has what the policy in force
 * demands of it, and of the alias where `ref` is one: its gates too, but for
 * what was a matter of the moment it was moved (age, observations, what the
 * alias had); its tag has to be what the log says.  Where the alias was moved
 * since `named` was resolved, what it has now is judged, and `named` becomes
 * that.  Of an image that no alias has, the version is judged that it says it
 * was made of.  MREG_EPOLICY, also where no policy is in force, or an image
 * does not lead to a version in its repository; MREG_ECONFLICT: the alias was
 * moved meanwhile though `ref` has a digest too, was removed, or keeps moving.
 */
int mr_policy_demand(struct mreg *m, const struct mreg_ref *ref,
		     struct mreg_desc *named, struct mreg_error *err);

#endif
