/*
 * resolve.c - what a reference points at now.
 */
#include "mreg/resolve.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "rule/rule.h"
#include "rule/served.h"

static int run(struct mreg *m, const char *text,
	       const struct mreg_resolve_opts *o,
	       struct mreg_resolve_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_arena *a = out->owner;
	char buf[MREG_REF_TEXT];
	bool policy =
		o->require_policy || mr_setting_is_true(m, "require.policy");
	struct mreg_ref ref;
	int rc = mr_target_parse(m, text, &ref, err);

	if (rc >= 0)
		rc = mr_target_demand(m, &ref, o->require_digest, err);
	if (rc >= 0)
		rc = mr_target_open(m, &ref, &s, err);
	if (rc >= 0)
		rc = mr_target_resolve(s, &ref, &out->desc, err);
	if (rc >= 0 && policy)
		rc = mr_policy_demand(m, &ref, &out->desc, err);
	if (rc >= 0 && o->serve)
		rc = mr_served(m, &ref, &out->desc.digest, o->image, a,
			       &out->served, err);
	if (rc >= 0 && o->serve)
		rc = mr_served_split(m, &ref, &out->served, o->image, policy, a,
				     &out->shares, &out->share_count, err);
	if (rc < 0)
		return rc;
	out->is_served = o->serve;
	out->name = mr_arena_strdup(a, mr_target_name(m, &ref, buf));
	out->reference = mr_arena_strdup(
		a, mr_target_pinned(m, &ref, &out->desc.digest, buf));
	if (!mr_digest_known(&ref.digest) || ref.tag[0])
		out->tag = mr_arena_strdup(a, ref.tag[0] ? ref.tag : "latest");
	out->number = mr_tag_number(ref.tag);
	return mr_result_check(a, err);
}

int mreg_resolve(struct mreg *m, const char *ref,
		 const struct mreg_resolve_opts *given,
		 struct mreg_resolve_result *out, struct mreg_error *err)
{
	struct mreg_resolve_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(m, ref, &o, out, err);
	if (rc < 0)
		mreg_resolve_result_release(out);
	return rc;
}

void mreg_resolve_result_release(struct mreg_resolve_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
