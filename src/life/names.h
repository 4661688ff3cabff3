/*
 * life/names.h - what commands on aliases share: alias.c; private to the
 * folder.
 */
#ifndef MR_LIFE_NAMES_H
#define MR_LIFE_NAMES_H

#include "history/history.h"
#include "look/look.h"
#include "mreg/alias.h"
#include "rule/rule.h"

/* Whether it can be an alias; MREG_EUSAGE. */
int mr_name_check(const char *alias, struct mreg_error *err);
/* An empty result with its arena. */
int mr_name_begin(struct mreg_alias_result *out, struct mreg_error *err);
/* NAME:ALIAS and its store; MREG_EUSAGE for everything else. */
int mr_name_target(struct mreg *m, const char *text, struct mreg_ref *ref,
		   struct mr_store **s, struct mreg_error *err);
/* Move it, or say what would be. */
int mr_name_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 const struct mreg_ref *ref, const struct mr_move *mv,
		 bool dry_run, struct mreg_alias_result *out,
		 struct mreg_error *err);
/*
 * judge.c: the verdict on the version in `l` if `alias` were to have it, by
 * the policy in force, its gates too, and the caller's `files`; by the log as
 * far as read.  `c` is released before and is the caller's to release.
 * `*gated`: the alias has gates.
 */
int mr_gate_judge(struct mreg *m, struct mr_look *l, struct mr_history *h,
		  const char *alias, const struct mreg_texts *files,
		  struct mr_arena *a, struct mr_case *c, bool *gated,
		  struct mreg_error *err);
/* The rest of the result, once its digests are there. */
int mr_name_end(struct mreg *m, struct mr_store *s, const struct mreg_ref *ref,
		const char *alias, bool dry_run, struct mreg_alias_result *out,
		struct mreg_error *err);

#endif
