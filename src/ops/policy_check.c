/*
 * policy_check.c - the verdict of the policies in force, told and not enforced:
 * on a version, or on files as a push would find them.
 */
#include "mreg/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "look/look.h"
#include "rule/rule.h"
#include "ops/push.h"

static int take_case(const struct mr_case *c,
		     struct mreg_policy_check_result *out,
		     struct mreg_error *err)
{
	struct mr_arena *a = out->owner;
	const struct mr_verdict *v = &c->verdict;

	out->findings = mr_policy_findings(a, &c->policies, v->items, v->count);
	out->finding_count = v->count;
	out->uncompared =
		mr_policy_findings(a, &c->policies, v->idle, v->idle_count);
	out->uncompared_count = v->idle_count;
	out->passed = v->count == 0;
	out->checked = v->checked;
	out->deferred = v->deferred;
	out->sources = c->policies.sources;
	out->source_count = c->policies.source_count;
	out->facts = c->facts.len ? mr_arena_strdup(a, mr_buf_text(&c->facts))
				  : NULL;
	return mr_result_check(a, err);
}

static int check_version(struct mr_look *l,
			 const struct mreg_policy_check_opts *o,
			 struct mreg_policy_check_result *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	MR_AUTO(mr_case_release)
	struct mr_case c = { .arena = out->owner };
	/* The name it was asked by is the one that is judged. */
	struct mr_question q = {
		.alias = mr_tag_kind(l->ref.tag) == MR_TAG_ALIAS ? l->ref.tag
								 : NULL,
		.all = o->facts,
	};
	int rc = mr_policies_load(l->m, &l->ref, l->s, &h, &o->files, c.arena,
				  &c.policies, err);

	if (rc >= 0)
		rc = mr_case_version(l, &h, &q, &c, err);
	return rc < 0 ? rc : take_case(&c, out, err);
}

static int begin(struct mreg_policy_check_opts *o,
		 const struct mreg_policy_check_opts *given,
		 struct mreg_policy_check_result *out, struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(o, sizeof(*o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc >= 0)
		out->owner = arena;
	return rc;
}

int mreg_policy_check(struct mreg *m, const char *ref,
		      const struct mreg_policy_check_opts *given,
		      struct mreg_policy_check_result *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look l = { .m = m };
	struct mreg_policy_check_opts o;
	struct mr_identity id;
	int rc = begin(&o, given, out, err);

	if (rc < 0)
		return rc;
	rc = mr_look_open(m, ref, &l, err);
	if (rc >= 0)
		rc = check_version(&l, &o, out, err);
	if (rc < 0) {
		mreg_policy_check_result_release(out);
		return rc;
	}
	mr_look_identity(&l, out->owner, &id);
	out->name = id.name;
	out->reference = id.reference;
	out->number = id.number;
	return 0;
}

int mreg_policy_check_files(struct mreg *m, const char *const *paths,
			    size_t path_count, const char *ref,
			    const struct mreg_push_opts *push,
			    const struct mreg_policy_check_opts *given,
			    struct mreg_policy_check_result *out,
			    struct mreg_error *err)
{
	MR_AUTO(mr_case_release)
	struct mr_case c = { .facts = { .max = 0 } };
	struct mreg_policy_check_opts o;
	struct mreg_push_opts po;
	struct push p = { .m = m, .o = &po };
	char text[MREG_REF_TEXT];
	int rc = begin(&o, given, out, err);

	if (rc < 0)
		return rc;
	mr_opts_take(&po, sizeof(po), push, push->size);
	mr_lock_init(&p.lock);
	rc = mr_push_prepare(&p, paths, path_count, ref, err);
	if (rc >= 0)
		rc = mr_push_case(&p, &o.files, o.facts, out->owner, &c, err);
	if (rc >= 0)
		rc = take_case(&c, out, err);
	if (rc >= 0)
		out->name = mr_arena_strdup(out->owner,
					    mr_target_name(m, &p.ref, text));
	mr_push_release(&p);
	if (rc < 0)
		mreg_policy_check_result_release(out);
	return rc;
}

void mreg_policy_check_result_release(struct mreg_policy_check_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
