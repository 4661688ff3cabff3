/*
 * gather.c - what a repository holds: its log, its tags, and to which item
 * each belongs.
 */
#include "gc/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"

#define ATTACHED_PREFIX "mreg.att."

/* What was gathered; store, reference and log stay. */
static void forget(struct gc *g)
{
	size_t i;

	for (i = 0; i < g->item_count; i++)
		mr_manifest_free(g->items[i].doc);
	mr_standing_release(&g->now);
	mr_list_release(&g->names);
	mr_release(mr_steal(&g->tags));
	mr_release(mr_steal(&g->items));
	mr_release(mr_steal(&g->parts));
	mr_release(mr_steal(&g->uses));
	mr_release(mr_steal(&g->needs));
	mr_digest_map_release(&g->item_map);
	mr_digest_map_release(&g->part_map);
	g->tag_count = 0;
	g->item_count = g->item_cap = 0;
	g->part_count = g->part_cap = 0;
	g->use_count = g->use_cap = 0;
	g->need_count = g->need_cap = 0;
}

void mr_gc_release(struct gc *g)
{
	forget(g);
	mr_policies_release(&g->policies);
	mr_history_release(&g->h);
	mr_store_closep(&g->s);
}

/* -- tags ------------------------------------------------------------------ */

static int add_name(struct gc *g, const char *name, struct mreg_error *err)
{
	uint64_t seq;

	return mr_log_tag(name, &seq) ? 0 : mr_list_add(&g->names, name, err);
}

/* Those that are listed, and those that the log tells of: registries drop
 * tags from listings (product.md 2). */
static int list_names(struct gc *g, struct mreg_error *err)
{
	size_t n = 0;
	size_t i;
	int rc = mr_version_tags(g->s, &g->h, &g->names, err);

	for (i = 0; rc >= 0 && i < g->h.tags.n; i++)
		rc = add_name(g, g->h.tags.items[i], err);
	for (i = 0; rc >= 0 && i < g->now.alias_count; i++)
		rc = add_name(g, g->now.aliases[i].name, err);
	for (i = 0; rc >= 0 && i < g->now.version_count; i++) {
		const struct mr_event *e = g->now.versions[i].released;

		if (e)
			rc = add_name(g, mr_event_text(e, "release"), err);
	}
	if (rc >= 0)
		rc = add_name(g, "latest", err);
	if (rc < 0)
		return rc;
	mr_list_sort(&g->names);
	for (i = 0; i < g->names.n; i++)
		if (n && strcmp(g->names.items[n - 1], g->names.items[i]) == 0)
			mr_release(g->names.items[i]);
		else
			g->names.items[n++] = g->names.items[i];
	g->names.n = n;
	return 0;
}

static int head_tag(void *ctx, size_t index, struct mreg_error *err)
{
	const struct gc *g = ctx;
	struct gc_tag *t = &g->tags[index];

	/* What the log names may have a shape that is no tag here. */
	if (t->kind == MR_TAG_INVALID)
		return 0;
	return mr_tag_resolve(g->s, t->name, &t->desc, &t->found, err);
}

static int read_tags(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc = list_names(g, err);

	if (rc < 0)
		return rc;
	g->tags = mr_array(g->names.n + 1, sizeof(*g->tags));
	if (!g->tags)
		return mr_fail_nomem(err);
	for (i = 0; i < g->names.n; i++) {
		g->tags[i].name = g->names.items[i];
		g->tags[i].kind = mr_tag_kind(g->names.items[i]);
	}
	g->tag_count = g->names.n;
	return mr_task_run(&g->m->env, MR_LOOKUP_JOBS, g->tag_count, head_tag,
			   g, err);
}

/* -- items ----------------------------------------------------------------- */

static int add_item(struct gc *g, const struct mreg_desc *desc, size_t *out,
		    struct mreg_error *err)
{
	void *items = g->items;
	int rc = 0;

	if (mr_grow(&items, &g->item_cap, g->item_count + 1,
		    sizeof(*g->items)) < 0)
		return mr_fail_nomem(err);
	g->items = items;
	if (desc)
		rc = mr_digest_map_put(&g->item_map, &desc->digest,
				       g->item_count, err);
	if (rc < 0)
		return rc;
	*out = g->item_count++;
	g->items[*out] = (struct gc_item){ .number = 0 };
	if (desc) {
		g->items[*out].desc = *desc;
		g->items[*out].v = mr_standing_version(&g->now, &desc->digest);
	}
	return 0;
}

/* Each v<N>; two of them may have one digest. */
static int take_versions(struct gc *g, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < g->tag_count; i++) {
		struct gc_tag *t = &g->tags[i];
		uint64_t number = mr_tag_number(t->name);

		if (t->kind != MR_TAG_VERSION || !t->found)
			continue;
		t->item = mr_digest_map_get(&g->item_map, &t->desc.digest);
		if (t->item == MR_DIGEST_NO_INDEX)
			rc = add_item(g, &t->desc, &t->item, err);
		if (rc < 0)
			return rc;
		g->items[t->item].tagged = true;
		if (number > g->items[t->item].number)
			g->items[t->item].number = number;
	}
	return rc;
}

/* Claims and removals whose manifest may be left; one each. */
struct leftovers {
	struct gc *g;
	const struct mr_version_standing **of; /* owned */
	struct mreg_desc *descs;               /* owned */
	bool *found;                           /* owned */
	size_t n;
};

static void leftovers_release(struct leftovers *l)
{
	mr_release(l->of);
	mr_release(l->descs);
	mr_release(l->found);
}

static int head_leftover(void *ctx, size_t index, struct mreg_error *err)
{
	struct leftovers *l = ctx;
	char text[MREG_DIGEST_TEXT];

	return mr_store_resolve(l->g->s,
				mreg_digest_text(&l->of[index]->digest, text),
				&l->descs[index], &l->found[index], err);
}

static int take_leftovers(struct gc *g, struct mreg_error *err)
{
	MR_AUTO(leftovers_release) struct leftovers l = { .g = g };
	size_t room = g->now.version_count + 1;
	size_t item;
	size_t i;
	int rc;

	l.of = mr_array(room, sizeof(*l.of));
	l.descs = mr_array(room, sizeof(*l.descs));
	l.found = mr_array(room, sizeof(*l.found));
	if (!l.of || !l.descs || !l.found)
		return mr_fail_nomem(err);
	for (i = 0; i < g->now.version_count; i++) {
		const struct mr_version_standing *v = &g->now.versions[i];

		if ((v->registered || v->removed) &&
		    mr_digest_map_get(&g->item_map, &v->digest) ==
			    MR_DIGEST_NO_INDEX)
			l.of[l.n++] = v;
	}
	rc = mr_task_run(&g->m->env, MR_LOOKUP_JOBS, l.n, head_leftover, &l,
			 err);
	for (i = 0; rc >= 0 && i < l.n; i++) {
		if (!l.found[i])
			continue;
		rc = add_item(g, &l.descs[i], &item, err);
		if (rc >= 0 && l.of[i]->registered)
			g->items[item].number = l.of[i]->registered->number;
	}
	return rc;
}

/* Registries drop "v3-image" from listings where there is a "v3": what is to go
 * with a version is asked for. */
static int find_sibling(struct gc *g, const struct gc_item *it, size_t kind,
			struct mreg_error *err)
{
	struct gc_tag t = { .kind = MR_TAG_SIBLING };
	void *items = g->tags;
	size_t cap = g->tag_count + 1;
	char name[MR_SIBLING_TAG];
	int rc;

	(void)mr_sibling_tag(it->number, kind, name);
	if (mr_list_has(&g->names, name))
		return 0;
	rc = mr_tag_resolve(g->s, name, &t.desc, &t.found, err);
	if (rc < 0 || !t.found)
		return rc;
	rc = mr_list_add(&g->names, name, err);
	if (rc < 0)
		return rc;
	if (mr_grow(&items, &cap, g->tag_count + 2, sizeof(*g->tags)) < 0)
		return mr_fail_nomem(err);
	g->tags = items;
	t.name = g->names.items[g->names.n - 1];
	g->tags[g->tag_count++] = t;
	return 0;
}

static int find_siblings(struct gc *g, struct mreg_error *err)
{
	size_t i, k;
	int rc = 0;

	for (i = 1; rc >= 0 && i < g->item_count; i++) {
		const struct gc_item *it = &g->items[i];

		if (!it->number || !it->v || !it->v->removed)
			continue;
		for (k = 0; rc >= 0 && k < MR_SIBLING_KINDS; k++)
			rc = find_sibling(g, it, k, err);
	}
	return rc;
}

/* -- whose a tag is -------------------------------------------------------- */

/* "v3-image": the item of v3; 0: of none. */
static size_t sibling_of(const struct gc *g, const char *tag)
{
	const char *dash = strrchr(tag, '-');
	char base[32];
	uint64_t number;
	size_t i;

	if (!dash || (size_t)(dash - tag) >= sizeof(base))
		return 0;
	(void)snprintf(base, sizeof(base), "%.*s", (int)(dash - tag), tag);
	number = mr_tag_number(base);
	for (i = 1; number && i < g->item_count; i++)
		if (g->items[i].number == number)
			return i;
	return 0;
}

/* "sha256-<hex>" with whatever ending: what others hang on a manifest, and the
 * referrers fallback tag. */
static size_t hung_on(const struct gc *g, const char *tag)
{
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest d;
	size_t len = mr_text_starts(tag, "sha512-") ? 135 : 71;
	size_t at;

	if ((len == 71 && !mr_text_starts(tag, "sha256-")) ||
	    strlen(tag) < len || (tag[len] && tag[len] != '.'))
		return 0;
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, tag);
	text[6] = ':';
	if (mreg_digest_parse(text, &d, NULL) < 0)
		return 0;
	at = mr_digest_map_get(&g->part_map, &d);
	return at == MR_DIGEST_NO_INDEX ? 0 : at;
}

static size_t owner_of(const struct gc *g, const struct gc_tag *t)
{
	size_t at;

	if (t->kind == MR_TAG_SIBLING)
		return sibling_of(g, t->name);
	if (t->kind == MR_TAG_FOREIGN)
		return hung_on(g, t->name);
	if (!mr_text_starts(t->name, ATTACHED_PREFIX))
		return 0;
	at = mr_digest_map_get(&g->part_map, &t->desc.digest);
	return at == MR_DIGEST_NO_INDEX ? 0 : at;
}

/* Tags that hang on what another such tag brought are found in the next
 * round. */
static int give_tags(struct gc *g, struct mreg_error *err)
{
	bool again = true;
	size_t i;
	int rc = 0;

	while (again) {
		again = false;
		for (i = 0; i < g->tag_count; i++) {
			struct gc_tag *t = &g->tags[i];

			if (!t->found || t->item)
				continue;
			t->item = owner_of(g, t);
			if (!t->item)
				continue;
			rc = mr_gc_enter(g, t->item, &t->desc.digest, err);
			if (rc < 0)
				return rc;
			again = true;
		}
	}
	for (i = 0; rc >= 0 && i < g->tag_count; i++) {
		const struct gc_tag *t = &g->tags[i];

		if (t->found && !t->item &&
		    mr_digest_map_get(&g->item_map, &t->desc.digest) ==
			    MR_DIGEST_NO_INDEX)
			rc = mr_gc_enter(g, 0, &t->desc.digest, err);
	}
	return rc;
}

/* -- all of it ------------------------------------------------------------- */

static int compare_use(const void *a, const void *b)
{
	const struct gc_use *x = a;
	const struct gc_use *y = b;
	int order = mr_digest_compare(&x->digest, &y->digest);

	return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* Each once in an item. */
static void unite_uses(struct gc *g)
{
	size_t n = 0;
	size_t i;

	if (g->use_count > 1)
		qsort(g->uses, g->use_count, sizeof(*g->uses), compare_use);
	for (i = 0; i < g->use_count; i++)
		if (!n || compare_use(&g->uses[n - 1], &g->uses[i]) != 0)
			g->uses[n++] = g->uses[i];
	g->use_count = n;
}

/* The log, and the policy by it: somebody may have put a hold on something. */
static int read_log(struct gc *g, struct mreg_error *err)
{
	int rc;

	mr_policies_release(&g->policies);
	g->life = NULL;
	rc = mr_policies_load(g->m, &g->ref, g->s, &g->h, &g->o->policies,
			      g->arena, &g->policies, err);
	if (rc < 0)
		return rc;
	g->life = mr_policy_life(g->policies.policy);
	return g->h.found ? 0 : mr_target_missing(g->s, &g->ref, err);
}

int mr_gc_gather(struct gc *g, struct mreg_error *err)
{
	size_t rest;
	int rc;

	forget(g);
	g->now_s = mr_now_s(&g->m->env);
	rc = read_log(g, err);
	if (rc >= 0)
		rc = mr_ledger_standing(g->h.ledger, MR_STANDING_NOW, &g->now,
					err);
	if (rc >= 0)
		rc = read_tags(g, err);
	if (rc >= 0)
		rc = add_item(g, NULL, &rest, err);
	if (rc >= 0)
		rc = take_versions(g, err);
	if (rc >= 0)
		rc = take_leftovers(g, err);
	if (rc >= 0)
		rc = find_siblings(g, err);
	if (rc >= 0)
		rc = mr_gc_walk(g, err);
	if (rc >= 0)
		rc = give_tags(g, err);
	if (rc >= 0)
		unite_uses(g);
	return rc;
}

int mr_gc_open(struct gc *g, const char *name, struct mreg_error *err)
{
	int rc = mr_target(g->m, name, &g->ref, &g->s, err);

	if (rc < 0)
		return rc;
	if (!g->ref.tag[0] && !mr_digest_known(&g->ref.digest))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%.200s' is one version, not a model",
		      name);
	return mr_hint(err, "write the name alone");
}
