/*
 * collect_tags.c - which tags of a repository have to be asked, by the listing,
 * what the last sync saw, and the log.
 *
 * v<N> and release names never move, so those that were seen are not asked
 * again; a listing may lack some (product.md 2), so what it lacks is believed
 * to be gone only when it is asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "content/digest.h"
#include "crawl/collect.h"

/* -- what was seen --------------------------------------------------------- */

static int by_tag(const void *key, const void *item)
{
	return strcmp(key, ((const struct mr_ix_seen *)item)->tag);
}

const struct mr_ix_seen *mr_collect_seen(const struct mr_collect *c,
					 const char *tag)
{
	return c->seen_count ? bsearch(tag, c->seen, c->seen_count,
				       sizeof(*c->seen), by_tag)
			     : NULL;
}

/* -- versions -------------------------------------------------------------- */

static int add(struct mr_collect *c, const struct mr_numbered *v,
	       struct mreg_error *err)
{
	void *items = c->versions;

	if (mr_grow(&items, &c->version_cap, c->version_count + 1,
		    sizeof(*c->versions)) < 0)
		return mr_fail_nomem(err);
	c->versions = items;
	c->versions[c->version_count++] = *v;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct mr_numbered *x = a;
	const struct mr_numbered *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void join(struct mr_numbered *to, const struct mr_numbered *from)
{
	to->listed = to->listed || from->listed;
	to->seen = to->seen || from->seen;
	if (mr_digest_known(&from->known)) {
		to->known = from->known;
		to->documents = from->documents;
	}
	if (mr_digest_known(&from->tagged))
		to->tagged = from->tagged;
}

/* Each number once, in order. */
static void join_all(struct mr_collect *c)
{
	size_t n = 0;
	size_t i;

	if (c->version_count > 1)
		qsort(c->versions, c->version_count, sizeof(*c->versions),
		      by_number);
	for (i = 0; i < c->version_count; i++)
		if (n && c->versions[n - 1].number == c->versions[i].number)
			join(&c->versions[n - 1], &c->versions[i]);
		else
			c->versions[n++] = c->versions[i];
	c->version_count = n;
}

static int add_known(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_ix_known *known = NULL;
	size_t n = 0;
	size_t i;
	int rc;

	mr_collect_rest(c);
	rc = mr_index_known(c->ix, c->name, c->arena, &known, &n, err);
	mr_collect_resume(c);
	for (i = 0; rc >= 0 && i < n; i++) {
		struct mr_numbered v = { .number = known[i].number,
					 .known = known[i].digest,
					 .documents = known[i].documents };

		rc = add(c, &v, err);
	}
	for (i = 0; rc >= 0 && i < c->seen_count; i++) {
		struct mr_numbered v = { .number =
						 mr_tag_number(c->seen[i].tag),
					 .tagged = c->seen[i].digest,
					 .seen = true };

		if (v.number)
			rc = add(c, &v, err);
	}
	return rc;
}

static int add_listed(struct mr_collect *c, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < c->h.tags.n; i++) {
		struct mr_numbered v = { .number = mr_tag_number(
						 c->h.tags.items[i]),
					 .listed = true };

		if (v.number)
			rc = add(c, &v, err);
	}
	return rc;
}

static int add_claimed(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *numbers = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_ledger_numbers(c->h.ledger, &numbers, &n, err);

	for (i = 0; rc >= 0 && i < n; i++)
		rc = add(c, &(struct mr_numbered){ .number = numbers[i] }, err);
	return rc;
}

static int add_above(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list above = { .n = 0 };
	uint64_t top =
		c->version_count ? c->versions[c->version_count - 1].number : 0;
	size_t i;
	int rc = mr_version_above(c->s, top, &above, err);

	atomic_fetch_add(&c->requests, above.n + 1);
	for (i = 0; rc >= 0 && i < above.n; i++)
		rc = add(c,
			 &(struct mr_numbered){
				 .number = mr_tag_number(above.items[i]) },
			 err);
	return rc;
}

const struct mreg_digest *mr_collect_meant(struct mr_collect *c,
					   const struct mr_numbered *v)
{
	const struct mr_event *e =
		mr_ledger_owner(c->h.ledger, v->number, &v->tagged);

	return e ? &e->version : &v->tagged;
}

/* Whether the log, read anew, has another thing to say of one that is there. */
static bool is_in_doubt(struct mr_collect *c, const struct mr_numbered *v)
{
	const struct mr_version_standing *st;

	if (!c->read || !mr_digest_known(&v->known))
		return false;
	st = mr_standing_version(&c->now, &v->known);
	return (st && st->removed) ||
	       !mreg_digest_equal(mr_collect_meant(c, v), &v->known);
}

static void mark(struct mr_collect *c, struct mr_numbered *v)
{
	bool known = mr_digest_known(&v->known);
	bool fresh = !known && !mr_digest_known(&v->tagged);

	/* A listing that was not whole before need not be now. */
	v->ask = c->full || fresh || (known && v->seen && !v->listed);
	v->hang = c->full || fresh;
	if (known && !mr_digest_known(&v->tagged))
		v->tagged = v->known;
	v->ask = v->ask || is_in_doubt(c, v);
	/* What was there and no version, a tombstone, is still none. */
	v->gone = !known && !v->ask;
}

struct mr_numbered *mr_collect_number(struct mr_collect *c, uint64_t number)
{
	struct mr_numbered key = { .number = number };

	return c->version_count ? bsearch(&key, c->versions, c->version_count,
					  sizeof(key), by_number)
				: NULL;
}

int mr_collect_numbers(struct mr_collect *c, struct mreg_error *err)
{
	size_t i;
	int rc = add_known(c, err);

	if (rc >= 0)
		rc = add_listed(c, err);
	if (rc >= 0 && c->read)
		rc = add_claimed(c, err);
	if (rc < 0)
		return rc;
	join_all(c);
	rc = add_above(c, err);
	if (rc < 0)
		return rc;
	join_all(c);
	for (i = 0; i < c->version_count; i++)
		mark(c, &c->versions[i]);
	return mr_collect_hanging(c, err);
}

/* -- names ----------------------------------------------------------------- */

static bool is_name(const char *tag)
{
	enum mr_tag_kind kind = mr_tag_kind(tag);

	return kind == MR_TAG_ALIAS || kind == MR_TAG_RELEASE ||
	       kind == MR_TAG_LATEST;
}

/* Those that the listing lacks are there perhaps. */
static int gather_names(struct mr_collect *c, struct mr_list *out,
			struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list more = { .n = 0 };
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < c->h.tags.n; i++)
		if (is_name(c->h.tags.items[i]))
			rc = mr_list_add(out, c->h.tags.items[i], err);
	mr_list_sort(out);
	for (i = 0; rc >= 0 && i < c->seen_count; i++)
		if (is_name(c->seen[i].tag) &&
		    mr_digest_known(&c->seen[i].digest) &&
		    !mr_list_has_sorted(out, c->seen[i].tag))
			rc = mr_list_add(&more, c->seen[i].tag, err);
	mr_list_sort(&more);
	for (i = 0; rc >= 0 && c->read && i < c->now.alias_count; i++) {
		const struct mr_alias_standing *a = &c->now.aliases[i];

		if (a->move && mr_digest_known(&a->move->version) &&
		    !mr_list_has_sorted(out, a->name) &&
		    !mr_list_has(&more, a->name))
			rc = mr_list_add(&more, a->name, err);
	}
	for (i = 0; rc >= 0 && i < more.n; i++)
		rc = mr_list_add(out, more.items[i], err);
	mr_list_sort(out);
	return rc;
}

static int ask_name(void *ctx, size_t i, struct mreg_error *err)
{
	struct mr_collect *c = ctx;
	struct mr_tag_row *row = &c->names[i].row;
	struct mreg_error why = MREG_ERROR_INIT;
	bool found = false;
	int rc;

	if (!c->names[i].ask)
		return 0;
	atomic_fetch_add(&c->requests, 1);
	rc = mr_store_still(c->s, row->tag, &c->names[i].had, &row->desc,
			    &found, &c->names[i].same, &why);
	/* As mr_tag_resolve: it is as good as removed. */
	if (mr_store_hollow(rc, &why)) {
		rc = 0;
		found = c->names[i].same = false;
	}
	if (rc < 0) {
		*err = why;
		return rc;
	}
	if (c->names[i].same)
		row->desc.digest = c->names[i].had;
	else if (!found)
		memset(&row->desc, 0, sizeof(row->desc));
	return 0;
}

static void take_name(struct mr_collect *c, struct mr_tag_row *row,
		      const char *tag)
{
	row->tag = mr_arena_strdup(c->arena, tag);
	row->kind = mr_tag_kind(tag);
}

int mr_collect_names(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	struct mreg_desc gone;
	size_t i;
	int rc = gather_names(c, &names, err);

	if (rc < 0)
		return rc;
	(void)mr_tombstone(&gone, NULL);
	c->names = mr_arena_alloc(c->arena, (names.n + 1) * sizeof(*c->names));
	for (i = 0; c->names && i < names.n; i++) {
		const struct mr_ix_seen *seen =
			mr_collect_seen(c, names.items[i]);

		take_name(c, &c->names[i].row, names.items[i]);
		if (seen)
			c->names[i].had = seen->digest;
		c->names[i].same = true;
		c->names[i].row.desc.digest = c->names[i].had;
		c->names[i].ask = c->full ||
				  c->names[i].row.kind != MR_TAG_RELEASE ||
				  !mr_digest_known(&c->names[i].had);
	}
	rc = mr_result_check(c->arena, err);
	if (rc < 0)
		return rc;
	c->name_count = names.n;
	rc = mr_collect_all(c, names.n, ask_name, c, err);
	c->rows = mr_arena_alloc(c->arena, (names.n + 1) * sizeof(*c->rows));
	if (rc >= 0)
		rc = mr_result_check(c->arena, err);
	for (i = 0; rc >= 0 && i < names.n; i++) {
		const struct mreg_digest *d = &c->names[i].row.desc.digest;

		c->names_changed = c->names_changed || !c->names[i].same;
		c->names[i].row.found = mr_digest_known(d) &&
					!mreg_digest_equal(d, &gone.digest);
		if (c->names[i].row.found)
			c->rows[c->row_count++] = c->names[i].row;
	}
	return rc;
}

/* -- for the next time ----------------------------------------------------- */

static const struct mreg_digest *digest_of(struct mr_collect *c,
					   const char *tag)
{
	uint64_t number = mr_tag_number(tag);
	struct mr_numbered *v = number ? mr_collect_number(c, number) : NULL;
	size_t i;

	if (v)
		return &v->tagged;
	for (i = 0; i < c->name_count; i++)
		if (strcmp(c->names[i].row.tag, tag) == 0)
			return &c->names[i].row.desc.digest;
	return NULL;
}

int mr_collect_remember(struct mr_collect *c, struct mreg_error *err)
{
	size_t most = c->h.tags.n + c->name_count;
	struct mr_ix_seen *seen =
		mr_arena_alloc(c->arena, (most + 2) * sizeof(*seen));
	size_t n = 0;
	size_t i;

	if (!seen)
		return mr_fail_nomem(err);
	for (i = 0; i < c->h.tags.n; i++) {
		const char *tag = c->h.tags.items[i];
		const struct mreg_digest *d = mr_tag_kind(tag) == MR_TAG_RECORD
						      ? NULL
						      : digest_of(c, tag);

		/* What could not be read is new the next time. */
		if (mr_list_has(&c->h.absent, tag) ||
		    mr_tag_kind(tag) == MR_TAG_INVALID)
			continue;
		seen[n].tag = tag;
		if (d)
			seen[n].digest = *d;
		n++;
	}
	for (i = 0; i < c->name_count; i++) {
		const struct mr_tag_row *row = &c->names[i].row;

		if (!mr_digest_known(&row->desc.digest) ||
		    mr_list_has_sorted(&c->h.tags, row->tag))
			continue;
		seen[n].tag = row->tag;
		seen[n++].digest = row->desc.digest;
	}
	if (mr_digest_known(&c->hanging)) {
		seen[n].tag = MR_COLLECT_HANGING;
		seen[n++].digest = c->hanging;
	}
	if (c->above) {
		seen[n].tag = MR_COLLECT_POLICY;
		seen[n++].digest = c->stages.policy;
	}
	return mr_index_cache_tags(c->w, seen, n, err);
}
