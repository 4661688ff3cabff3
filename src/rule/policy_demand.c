/*
 * policy_demand.c - what a consumer demands before it uses a version: that the
 * policy in force has nothing against it.
 *
 * Whoever moved an alias may not have asked its gates, and a tag can be moved
 * without mreg: so they are asked again, by the log and by what the tag has.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "look/look.h"
#include "rule/rule.h"
#include "rule/served.h"

/* A move is an event, then a tag: who asks between the two sees both differ,
 * for as long as two requests take.  Where nothing moves any more they do. */
#define STILL_MAX 5
#define LOOKS_MAX 50
#define LOOK_AGAIN_MS 100

struct demand {
	struct mreg *m;
	struct mr_look l;
	const char *alias; /* NULL: it was named by something else */
	const char *gate;  /* NULL: the alias; else what shares its traffic */
	bool is_pinned; /* a digest was named too: the alias has to have it */
	struct mr_history h;
	struct mr_alias_state state;
	struct mr_arena *arena; /* owned */
	struct mr_case c;
};

static void demand_release(struct demand *d)
{
	mr_case_release(&d->c);
	mr_arena_free(d->arena);
	mr_history_release(&d->h);
	mr_look_release(&d->l);
}

static int fail_none(struct mreg *m, const struct mr_store *s,
		     struct mreg_error *err)
{
	/* That of an earlier call is not the reason. */
	mr_refusal_free(m->refusal);
	m->refusal = NULL;
	(void)mr_fail(err, MREG_EPOLICY,
		      "there is no policy in force for '%s', so nothing can be "
		      "required of it",
		      s->label);
	return mr_hint(err, "give it one with 'mreg policy set', or do not "
			    "require it");
}

static int fail_moved(const struct demand *d, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' of '%s' was moved meanwhile", d->alias,
		      d->l.s->label);
	return mr_hint(err, "run it again");
}

/* The tag, by a log that was read before it was looked at. */
static int look_again(struct demand *d, struct mreg_error *err)
{
	int rc = 0;

	if (d->state.agree == MR_ALIAS_UNFINISHED)
		rc = mr_sleep_ms(&d->m->env, LOOK_AGAIN_MS, err);
	if (rc >= 0)
		rc = mr_history_read(d->m, d->l.s, &d->h, err);
	return rc < 0 ? rc
		      : mr_alias_look(d->l.s, &d->h, d->alias, &d->state, err);
}

/* The version that the alias has by now, unless it was to be another. */
static int follow(struct demand *d, struct mreg_error *err)
{
	const struct mreg_digest *now = &d->state.tag.digest;

	if (mreg_digest_equal(now, &d->l.manifest->desc.digest))
		return 0;
	if (d->is_pinned || !mr_digest_known(now))
		return fail_moved(d, err);
	d->l.ref.digest = *now;
	return mr_look_child(&d->l, now, err);
}

/*
 * What the alias has, which may be another version than was resolved: then that
 * one is judged.  Where tag and log agree, both are of one moment.  A tag that
 * moved after the log was read says nothing of their difference; one that
 * stays, while the log says the same, does.
 */
static int look(struct demand *d, struct mreg_error *err)
{
	struct mreg_digest tag = d->l.manifest->desc.digest;
	struct mreg_digest fold = { .algorithm = MREG_DIGEST_NONE };
	unsigned int still = 0;
	unsigned int n;
	int rc = mr_alias_look(d->l.s, &d->h, d->alias, &d->state, err);

	for (n = 1; rc >= 0 && n < LOOKS_MAX; n++) {
		bool stays = mreg_digest_equal(&tag, &d->state.tag.digest);

		if (d->state.agree == MR_ALIAS_AGREES ||
		    (stays && d->state.agree != MR_ALIAS_UNFINISHED))
			break;
		still = stays && mreg_digest_equal(&fold, &d->state.fold)
				? still + 1
				: 1;
		if (still == STILL_MAX)
			break;
		tag = d->state.tag.digest;
		fold = d->state.fold;
		rc = look_again(d, err);
	}
	if (rc < 0)
		return rc;
	return n < LOOKS_MAX ? follow(d, err) : fail_moved(d, err);
}

static int fail_image(const struct demand *d, const char *why,
		      struct mreg_error *err)
{
	/* That of an earlier call is not the reason. */
	mr_refusal_free(d->m->refusal);
	d->m->refusal = NULL;
	(void)mr_fail(err, MREG_EPOLICY,
		      "it is an image in '%s' that %s, so nothing can be "
		      "required of it",
		      d->l.s->label, why);
	return mr_hint(err, "require it of the version, and use that one's "
			    "image: 'mreg resolve --format' tells it");
}

/* What one manifest has in its layers can be judged as it is: others' models
 * are kept so. */
static int fail_unled(const struct demand *d, struct mreg_error *err)
{
	if (!d->l.manifest->is_index)
		return 0;
	return fail_image(d,
			  d->alias || d->gate
				  ? "an alias has as if it were a version"
				  : "does not say of which version it is",
			  err);
}

/* An image has no metadata and no approvals of its own: it is judged as the
 * version it was made of.  What an alias has, or a share of, is what its log
 * says, which tells of versions alone. */
static int find_version(struct demand *d, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_digest version;
	int rc;

	if (!mr_image_version(d->l.manifest, &version))
		return 0;
	if (d->alias || d->gate || !mr_digest_known(&version))
		return fail_unled(d, err);
	rc = mr_look_child(&d->l, &version, &why);
	if (rc == MREG_ENOTFOUND)
		return fail_image(d, "is of a version that is not there", err);
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (mr_image_version(d->l.manifest, &version))
		return fail_image(d, "says it is of another image", err);
	d->l.ref.digest = d->l.manifest->desc.digest;
	return 0;
}

/* One finding more, about an alias. */
static int add(struct demand *d, const char *alias, const char *problem,
	       const char *mend, struct mreg_error *err)
{
	struct mr_verdict *v = &d->c.verdict;
	struct mr_finding *items;

	items = mr_arena_alloc(d->arena, (v->count + 1) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	if (v->count)
		memcpy(items, v->items, v->count * sizeof(*items));
	items[v->count] = (struct mr_finding){
		.rule = mr_arena_printf(d->arena, "aliases.%s", alias),
		.problem = problem,
		.mend = mend,
	};
	v->items = items;
	v->count++;
	v->checked++;
	return mr_result_check(d->arena, err);
}

/* Where tag and log differ. */
static int add_difference(struct demand *d, struct mreg_error *err)
{
	const char *differs = mr_alias_differs(d->state.agree);

	if (!differs)
		return 0;
	return add(d, d->alias,
		   mr_arena_printf(d->arena,
				   "what '%s' has is not what its log says "
				   "(%s)",
				   d->alias, differs),
		   "'mreg alias repair' makes it so; 'mreg log NAME --adopt' "
		   "takes a move without mreg into the log",
		   err);
}

/* Where the reference is ALIAS-image or ALIAS-docker, and that alias has gates:
 * the log tells of what the alias has, and not that this is made of it. */
static int add_sibling(struct demand *d, struct mreg_error *err)
{
	const char *tag = d->l.ref.tag;
	const char *alias;

	if (mr_tag_kind(tag) != MR_TAG_SIBLING)
		return 0;
	alias = mr_arena_strndup(d->arena, tag,
				 (size_t)(strrchr(tag, '-') - tag));
	if (!alias)
		return mr_fail_nomem(err);
	if (!mr_policy_gated(d->c.policies.policy, alias))
		return 0;
	return add(d, alias,
		   mr_arena_printf(d->arena,
				   "alias '%s' has gates, which are not asked "
				   "of '%s'",
				   alias, tag),
		   mr_arena_printf(d->arena, "require it of '%s'", alias), err);
}

static int judge(struct demand *d, struct mreg_error *err)
{
	struct mr_question q = { .use = true };
	char shown[200];
	int rc;

	if (!d->c.policies.policy)
		return fail_none(d->m, d->l.s, err);
	rc = d->alias ? look(d, err) : 0;
	if (rc >= 0)
		rc = find_version(d, err);
	q.alias = d->gate ? d->gate : d->alias;
	q.gated = q.alias && mr_policy_gated(d->c.policies.policy, q.alias);
	if (rc >= 0)
		rc = mr_case_version(&d->l, &d->h, &q, &d->c, err);
	if (rc < 0)
		return rc;
	rc = d->alias ? add_difference(d, err) : add_sibling(d, err);
	if (rc < 0)
		return rc;
	if (!d->c.verdict.count) {
		mr_log(&d->m->env, MREG_LOG_INFO,
		       "the policy of '%s' has nothing against it, %zu rules",
		       mr_text_safe(d->c.policies.sources[0].where, shown,
				    sizeof(shown)),
		       d->c.verdict.checked);
		return 0;
	}
	rc = mr_policy_refuse(d->m, "it is not to be used", &d->c.policies,
			      &d->c.verdict, err);
	return rc != MREG_EPOLICY ? rc
				  : mr_hint(err, "use another version, or ask "
						 "who keeps the model to mend "
						 "what is said of each rule");
}

static int demand(struct demand *d, const struct mreg_ref *ref,
		  const struct mreg_digest *digest, struct mreg_error *err)
{
	struct mreg_ref pinned = *ref;
	int rc = mr_result_arena(&d->arena, err);

	d->c.arena = d->arena;
	pinned.digest = *digest;
	if (mr_tag_kind(ref->tag) == MR_TAG_ALIAS)
		d->alias = ref->tag;
	d->is_pinned = mr_digest_known(&ref->digest);
	if (rc >= 0)
		rc = mr_look_open_ref(d->m, &pinned, &d->l, err);
	if (rc >= 0)
		rc = mr_policies_load(d->m, ref, d->l.s, &d->h, NULL, d->arena,
				      &d->c.policies, err);
	return rc < 0 ? rc : judge(d, err);
}

int mr_policy_demand(struct mreg *m, const struct mreg_ref *ref,
		     struct mreg_desc *named, struct mreg_error *err)
{
	MR_AUTO(demand_release) struct demand d = { .m = m };
	int rc = demand(&d, ref, &named->digest, err);

	if (rc >= 0 && d.alias &&
	    !mreg_digest_equal(&named->digest, &d.state.tag.digest))
		*named = d.state.tag;
	return rc;
}

/* The tag has another version: it cannot say whether this one may be used. */
int mr_policy_demand_share(struct mreg *m, const struct mreg_ref *ref,
			   const struct mreg_digest *digest, const char *alias,
			   struct mreg_error *err)
{
	MR_AUTO(demand_release)
	struct demand d = { .m = m, .gate = alias };
	struct mreg_ref untagged = *ref;

	untagged.tag[0] = '\0';
	return demand(&d, &untagged, digest, err);
}
