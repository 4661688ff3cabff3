/*
 * copy_pick.c - which tags a copy is made of.
 *
 * Of a whole model: all of them.  Of one version: v<N>, its siblings, its
 * signatures of the old kind, the tags of documents attached to it (added by
 * copy_walk.c), and the part of the log that gives it its number.
 *
 * The log is a hash graph, so the event that gives N is worth something only
 * with its ancestors: they are all taken over.  That brings claims of other
 * numbers without their v<k>, which every reader takes for unfinished pushes.
 * Where the target's own log, or its tags, give one of these numbers to
 * another version, taking them over would make that number doubtful: then the
 * target's log gets one event of its own that names where the version came
 * from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/copy.h"
#include "rule/rule.h"

/* "sha256-<64 hex>": a referrers fallback tag, rebuilt in the target. */
static bool is_fallback(const char *name)
{
	return (mr_text_starts(name, "sha256-") ||
		mr_text_starts(name, "sha512-")) &&
	       strspn(name + 7, "0123456789abcdef") == 64 && !name[7 + 64];
}

/* What a fallback tag is about may have no tag of its own. */
static int note_subject(struct copy *c, const char *name,
			struct mreg_error *err)
{
	struct mreg_digest d;
	char text[MREG_DIGEST_TEXT];
	size_t node;

	if (!mr_text_starts(name, "sha256-"))
		return 0; /* cut to 64 digits: no digest */
	(void)snprintf(text, sizeof(text), "sha256:%s", name + 7);
	if (mreg_digest_parse(text, &d, NULL) < 0)
		return 0;
	return mr_copy_node(c, &d, &node, err);
}

int mr_copy_tag_add(struct copy *c, const char *name, struct mreg_error *err)
{
	void *items = c->tags;
	struct copy_tag *t;

	if (mr_grow(&items, &c->tag_cap, c->tag_count + 1, sizeof(*c->tags)) <
	    0)
		return mr_fail_nomem(err);
	c->tags = items;
	t = &c->tags[c->tag_count];
	memset(t, 0, sizeof(*t));
	t->name = mr_arena_strdup(c->arena, name);
	if (!t->name)
		return mr_fail_nomem(err);
	t->kind = mr_tag_kind(name);
	t->number = mr_tag_number(name);
	t->node = MR_COPY_NO_NODE;
	c->tag_count++;
	return 0;
}

static int nothing_there(const struct copy *c, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "'%s' has no tags: there is nothing to copy",
		      c->name_from);
	if (c->source.repository[0])
		return MREG_ENOTFOUND;
	return mr_hint(err, "its manifests have no names; give one when it is "
			    "made: skopeo copy ... oci-archive:FILE:v1");
}

int mr_copy_pick_all(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list versions = { .n = 0 };
	struct mr_history *h = &c->source_log;
	size_t i;
	int rc = mr_history_read(c->m, c->from, h, err);

	if (rc >= 0 && !h->found)
		return mr_target_missing(c->from, &c->source, err);
	if (rc >= 0)
		rc = mr_version_tags(c->from, h, &versions, err);
	/* Again: whoever got a number meanwhile has written it to the log
	 * before. */
	if (rc >= 0)
		rc = mr_history_read(c->m, c->from, h, err);
	for (i = 0; rc >= 0 && i < h->tags.n; i++) {
		const char *name = h->tags.items[i];

		if (is_fallback(name))
			rc = note_subject(c, name, err);
		else
			rc = mr_copy_tag_add(c, name, err);
	}
	for (i = 0; rc >= 0 && i < versions.n; i++)
		if (!mr_list_has(&h->tags, versions.items[i]))
			rc = mr_copy_tag_add(c, versions.items[i], err);
	return rc < 0 || c->tag_count ? rc : nothing_there(c, err);
}

/* -- one version ------------------------------------------------------------
 */

/* Some of the events of a ledger. */
struct part {
	struct mr_ledger *ledger; /* borrowed */
	struct mr_digest_map map; /* owned; digest to index in fold order */
	bool *in;                 /* owned; per event */
	size_t n;
};

static void part_release(struct part *p)
{
	mr_digest_map_release(&p->map);
	mr_release(p->in);
}

static void mark(struct part *p, const struct mreg_digest *d)
{
	size_t at = mr_digest_map_get(&p->map, d);

	if (at != MR_COPY_NO_NODE)
		p->in[at] = true;
}

/* The event `top` and all its ancestors.  Fold order has ancestors first, so
 * one pass downwards is enough. */
static int part_of(struct mr_ledger *l, const struct mr_event *top,
		   struct part *p, struct mreg_error *err)
{
	size_t i, k;
	int rc = 0;

	p->ledger = l;
	p->n = mr_ledger_count(l);
	p->in = mr_array(p->n + 1, sizeof(*p->in));
	if (!p->in)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < p->n; i++)
		rc = mr_digest_map_put(&p->map, &mr_ledger_event(l, i)->digest,
				       i, err);
	if (rc < 0)
		return rc;
	mark(p, &top->digest);
	for (i = p->n; i-- > 0;) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (!p->in[i])
			continue;
		for (k = 0; k < e->prev_count; k++)
			mark(p, &e->prev[k]);
		if (mr_digest_known(&e->replaces))
			mark(p, &e->replaces);
	}
	return 0;
}

/* Whether the part claims `number` for `version`; `other`: for another one. */
static bool part_claims(const struct part *p, uint64_t number,
			const struct mreg_digest *version, bool other)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct mr_event *e;

		if (!p->in[i])
			continue;
		e = mr_ledger_event(p->ledger, i);
		if (e->kind == MR_EVENT_VERSION_REGISTERED &&
		    e->number == number &&
		    mreg_digest_equal(&e->version, version) != other)
			return true;
	}
	return false;
}

/* Events of the target alone that claim a number of the part's for another
 * version. */
static bool log_disputes(struct copy *c, const struct part *p)
{
	struct mr_ledger *l = c->target_log.ledger;
	size_t n = mr_ledger_count(l);
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (e->kind != MR_EVENT_VERSION_REGISTERED ||
		    mr_digest_map_get(&p->map, &e->digest) != MR_COPY_NO_NODE)
			continue;
		if (part_claims(p, e->number, &e->version, true))
			return true;
	}
	return false;
}

/* Tags v<k> of the target whose number the part gives to another version. */
static int tags_dispute(struct copy *c, const struct part *p, bool *dispute,
			struct mreg_error *err)
{
	const struct mr_list *tags = &c->target_log.tags;
	size_t i;
	int rc = 0;

	*dispute = false;
	for (i = 0; rc >= 0 && !*dispute && i < tags->n; i++) {
		uint64_t number = mr_tag_number(tags->items[i]);
		struct mreg_digest now;

		if (!number || number == c->number)
			continue; /* its own is compared with the others */
		rc = mr_copy_look(c, tags->items[i], &now, err);
		*dispute = rc >= 0 && mr_digest_known(&now) &&
			   part_claims(p, number, &now, true) &&
			   !part_claims(p, number, &now, false);
	}
	return rc;
}

/* The tag an event is under in the source, added. */
static int add_entry(struct copy *c, const struct mr_event *e,
		     struct mreg_error *err)
{
	const struct mr_list *tags = &c->source_log.tags;
	char hex[129];
	char name[MR_LOG_TAG_TEXT];

	(void)snprintf(name, sizeof(name),
		       MR_LOG_TAG_PREFIX "%08" PRIu64 ".%.32s", e->seq,
		       mr_digest_hex(&e->digest, hex));
	if (!mr_list_has(tags, name)) {
		(void)snprintf(name, sizeof(name),
			       MR_SEQ_TAG_PREFIX "%08" PRIu64, e->seq);
		if (!mr_list_has(tags, name))
			return 0; /* gone meanwhile: a gap, as any reader has */
	}
	return mr_copy_tag_add(c, name, err);
}

/* The policy that an event put in force: without it the target would have one
 * that nobody can read. */
static int add_policy(struct copy *c, const struct mr_event *e,
		      struct mreg_error *err)
{
	char hex[129];
	char name[MR_LOG_TAG_TEXT];
	size_t i;

	if (!mr_digest_known(&e->policy))
		return 0;
	(void)snprintf(name, sizeof(name), MR_POLICY_TAG_PREFIX "%.32s",
		       mr_digest_hex(&e->policy, hex));
	for (i = 0; i < c->tag_count; i++)
		if (strcmp(c->tags[i].name, name) == 0)
			return 0;
	return mr_list_has(&c->source_log.tags, name)
		       ? mr_copy_tag_add(c, name, err)
		       : 0;
}

static int pick_log(struct copy *c, const struct mr_event *e,
		    struct mreg_error *err)
{
	MR_AUTO(part_release) struct part p = { .n = 0 };
	bool dispute = false;
	size_t i;
	int rc;

	if (!e) { /* a repository that came here without its log */
		c->adopt = true;
		return 0;
	}
	c->run = e->run ? mr_arena_strdup(c->arena, e->run) : NULL;
	rc = part_of(c->source_log.ledger, e, &p, err);
	if (rc >= 0 && !c->fresh && c->target_log.found) {
		dispute = log_disputes(c, &p);
		if (!dispute)
			rc = tags_dispute(c, &p, &dispute, err);
	}
	if (rc >= 0 && dispute)
		mr_log(&c->m->env, MREG_LOG_INFO,
		       "the logs of '%s' and '%s' give the same numbers to "
		       "different versions: registering v%" PRIu64 " anew",
		       c->name_from, c->name_to, c->number);
	c->adopt = dispute;
	for (i = 0; rc >= 0 && !dispute && i < p.n; i++) {
		if (!p.in[i])
			continue;
		rc = add_entry(c, mr_ledger_event(p.ledger, i), err);
		if (rc >= 0)
			rc = add_policy(c, mr_ledger_event(p.ledger, i), err);
	}
	return rc;
}

/* Which number the version has, and the event that says so (may be NULL). */
static int find_number(struct copy *c, const struct mr_event **e,
		       struct mreg_error *err)
{
	struct mr_history *h = &c->source_log;
	const struct mreg_digest *d = &c->version.digest;
	char text[MREG_REF_TEXT];
	int rc;

	*e = NULL;
	c->number = mr_tag_number(c->source.tag);
	if (c->number) {
		*e = mr_ledger_owner(h->ledger, c->number, d);
		if (!*e || mreg_digest_equal(&(*e)->version, d))
			return 0;
		(void)mr_fail(err, MREG_ECONFLICT,
			      "'%s' in '%s' was moved: the log gives this "
			      "number to another version",
			      c->source.tag, c->name_from);
		return mr_hint(err, "'mreg ls' marks it; name the version by "
				    "its digest");
	}
	rc = mr_log_number(c->from, h, d, &c->number, e, err);
	if (rc < 0 || c->number)
		return rc;
	(void)mr_fail(err, MREG_ENOTFOUND, "'%s' is no version of the model",
		      mr_ref_text(&c->source, text));
	return mr_hint(err, "nothing gives it a number; copy the whole model, "
			    "or name v<N>");
}

/* Probed: listings drop tags (product.md 2). */
static int add_if_there(struct copy *c, const char *name,
			struct mreg_error *err)
{
	struct mreg_desc d;
	bool found;
	int rc = mr_tag_resolve(c->from, name, &d, &found, err);

	return rc < 0 || !found ? rc : mr_copy_tag_add(c, name, err);
}

static int add_versions_tags(struct copy *c, struct mreg_error *err)
{
	/* As cosign signed before there were referrers. */
	static const char *const signatures[] = { "sig", "att", "sbom" };
	char hex[129];
	char name[160];
	size_t i;
	int rc;

	(void)snprintf(name, sizeof(name), "v%" PRIu64, c->number);
	rc = mr_copy_tag_add(c, name, err);
	for (i = 0; rc >= 0 && i < MR_SIBLING_KINDS; i++)
		rc = add_if_there(c, mr_sibling_tag(c->number, i, name), err);
	(void)mr_digest_hex(&c->version.digest, hex);
	for (i = 0; rc >= 0 && i < MR_COUNT(signatures); i++) {
		(void)snprintf(name, sizeof(name), "sha256-%s.%s", hex,
			       signatures[i]);
		if (c->version.digest.algorithm == MREG_SHA256)
			rc = add_if_there(c, name, err);
	}
	if (rc >= 0 && c->fresh)
		rc = mr_copy_tag_add(c, "latest", err);
	return rc;
}

int mr_copy_pick_version(struct copy *c, struct mreg_error *err)
{
	const struct mr_event *e = NULL;
	int rc = mr_target_resolve(c->from, &c->source, &c->version, err);

	if (rc >= 0)
		rc = mr_history_read(c->m, c->from, &c->source_log, err);
	if (rc >= 0)
		rc = find_number(c, &e, err);
	if (rc >= 0)
		rc = add_versions_tags(c, err);
	return rc < 0 ? rc : pick_log(c, e, err);
}
