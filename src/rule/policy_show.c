/*
 * policy_show.c - the policy in force, to be read.
 */
#include "mreg/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "rule/rule.h"

static int show(struct mreg *m, const char *name,
		const struct mreg_texts *files,
		struct mreg_policy_show_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	MR_AUTO(mr_policies_release)
	struct mr_policies policies = { .policy = NULL };
	struct mr_arena *a = out->owner;
	char text[MREG_REF_TEXT];
	struct mreg_ref ref;
	int rc = mr_target(m, name, &ref, &s, err);

	if (rc >= 0)
		rc = mr_policies_load(m, &ref, s, &h, files, a, &policies, err);
	if (rc < 0)
		return rc;
	out->name = mr_arena_strdup(a, mr_target_name(m, &ref, text));
	out->sources = policies.sources;
	out->source_count = policies.source_count;
	return mr_result_check(a, err);
}

int mreg_policy_show(struct mreg *m, const char *name,
		     const struct mreg_texts *files,
		     struct mreg_policy_show_result *out,
		     struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = show(m, name, files, out, err);
	if (rc < 0)
		mreg_policy_show_result_release(out);
	return rc;
}

void mreg_policy_show_result_release(struct mreg_policy_show_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
