/*
 * aliases.c - the names of a model's versions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "mreg/alias.h"
#include "history/history.h"

/* The number of a digest: by its v<N> tag, which was just looked at. */
static uint64_t number_of(const struct mr_tag_row *rows, size_t n,
			  const struct mreg_digest *d)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].number &&
		    mreg_digest_equal(&rows[i].desc.digest, d) &&
		    (!number || rows[i].number < number))
			number = rows[i].number;
	return number;
}

struct listing {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mr_history h;
	struct mr_standing now;
	struct mr_tag_row *tags; /* owned */
	size_t tag_count;
	struct mreg_aliases_result *out;
};

static void listing_release(struct listing *l)
{
	mr_standing_release(&l->now);
	mr_history_release(&l->h);
	mr_release(l->tags);
	mr_store_closep(&l->s);
}

/* Who moved it when, and whether the tag is where that was. */
static void take_history(struct listing *l, struct mreg_alias_row *row,
			 const struct mr_tag_row *tag)
{
	struct mr_alias_state st = { .move = NULL };

	row->actor = "";
	if (tag && tag->kind != MR_TAG_ALIAS)
		return;
	if (tag)
		st.tag = tag->desc;
	mr_alias_judge(&l->h, &l->now, row->alias, &st);
	row->differs = mr_alias_differs(st.agree);
	if (st.split)
		row->parts = mr_split_told(l->out->owner, &l->now, st.split,
					   &st.fold, &row->part_count);
	if (!st.move)
		return;
	row->since_s = st.move->time_s;
	row->actor = mr_arena_strdup(l->out->owner, st.move->actor);
}

/* What a release was given when, and by whom. */
static void take_release(struct listing *l, struct mreg_alias_row *row)
{
	const struct mr_version_standing *v =
		mr_standing_version(&l->now, &row->digest);
	const struct mr_event *e = v ? v->released : NULL;

	if (!row->alias || !row->release || !e ||
	    strcmp(mr_event_text(e, "release"), row->alias) != 0)
		return;
	row->since_s = e->time_s;
	row->actor = mr_arena_strdup(l->out->owner, e->actor);
}

static void take_tags(struct listing *l)
{
	struct mr_arena *a = l->out->owner;
	size_t i;

	for (i = 0; i < l->tag_count; i++) {
		const struct mr_tag_row *tag = &l->tags[i];
		struct mreg_alias_row *row = &l->out->rows[l->out->count];

		if (tag->kind == MR_TAG_VERSION)
			continue;
		row->alias = mr_arena_strdup(a, tag->tag);
		row->digest = tag->desc.digest;
		row->number = number_of(l->tags, l->tag_count, &row->digest);
		row->release = tag->kind == MR_TAG_RELEASE;
		if (row->alias)
			take_history(l, row, tag);
		take_release(l, row);
		l->out->count++;
	}
}

/* Aliases whose tag somebody took away without mreg. */
static void take_lost(struct listing *l)
{
	size_t i, k;

	for (i = 0; i < l->now.alias_count; i++) {
		const struct mr_alias_standing *a = &l->now.aliases[i];
		struct mreg_alias_row *row = &l->out->rows[l->out->count];

		for (k = 0; k < l->tag_count; k++)
			if (strcmp(l->tags[k].tag, a->name) == 0)
				break;
		if (k < l->tag_count || !a->move ||
		    !mr_digest_known(&a->move->version))
			continue;
		row->alias = mr_arena_strdup(l->out->owner, a->name);
		if (row->alias)
			take_history(l, row, NULL);
		l->out->count++;
	}
}

static int by_alias(const void *a, const void *b)
{
	const struct mreg_alias_row *x = a;
	const struct mreg_alias_row *y = b;

	return strcmp(x->alias, y->alias);
}

static int run(struct listing *l, const char *text, struct mreg_error *err)
{
	struct mreg_aliases_result *out = l->out;
	char name[MREG_REF_TEXT];
	int rc = mr_target(l->m, text, &l->ref, &l->s, err);

	if (rc >= 0 && (l->ref.tag[0] || mr_digest_known(&l->ref.digest)))
		rc = mr_fail(err, MREG_EUSAGE, "'%s' is more than a name",
			     text);
	if (rc >= 0)
		rc = mr_history_read(l->m, l->s, &l->h, err);
	if (rc >= 0 && !l->h.found)
		rc = mr_target_missing(l->s, &l->ref, err);
	if (rc >= 0)
		rc = mr_tag_rows(l->m, l->s, &l->h.tags, &l->tags,
				 &l->tag_count, err);
	if (rc >= 0)
		rc = mr_ledger_standing(l->h.ledger, MR_STANDING_NOW, &l->now,
					err);
	if (rc < 0)
		return rc;
	out->name = mr_arena_strdup(out->owner,
				    mr_target_name(l->m, &l->ref, name));
	out->rows = mr_arena_alloc(out->owner,
				   (l->tag_count + l->now.alias_count + 1) *
					   sizeof(*out->rows));
	if (!out->rows)
		return mr_fail_nomem(err);
	take_tags(l);
	take_lost(l);
	rc = mr_result_check(out->owner, err);
	if (rc >= 0 && out->count > 1)
		qsort(out->rows, out->count, sizeof(*out->rows), by_alias);
	return rc;
}

int mreg_aliases(struct mreg *m, const char *ref,
		 struct mreg_aliases_result *out, struct mreg_error *err)
{
	MR_AUTO(listing_release) struct listing l = { .m = m, .out = out };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&l, ref, err);
	if (rc < 0)
		mreg_aliases_result_release(out);
	return rc;
}

void mreg_aliases_result_release(struct mreg_aliases_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
