/*
 * tags.c - what a repository's tags point at.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "repo/repo.h"

struct heads {
	struct mr_store *s;
	struct mr_tag_row *rows;
};

static int head_one(void *ctx, size_t index, struct mreg_error *err)
{
	const struct heads *h = ctx;
	struct mr_tag_row *row = &h->rows[index];

	return mr_tag_resolve(h->s, row->tag, &row->desc, &row->found, err);
}

int mr_tag_rows(struct mreg *m, struct mr_store *s, const struct mr_list *tags,
		struct mr_tag_row **out, size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_tag_row *rows = NULL;
	struct heads h = { .s = s };
	size_t n = 0;
	size_t kept = 0;
	size_t i;
	int rc;

	rows = mr_array(tags->n + 1, sizeof(*rows));
	if (!rows)
		return mr_fail_nomem(err);
	for (i = 0; i < tags->n; i++) {
		enum mr_tag_kind kind = mr_tag_kind(tags->items[i]);

		if (kind != MR_TAG_VERSION && kind != MR_TAG_RELEASE &&
		    kind != MR_TAG_LATEST && kind != MR_TAG_ALIAS)
			continue;
		rows[n].tag = tags->items[i];
		rows[n].kind = kind;
		rows[n].number = mr_tag_number(tags->items[i]);
		n++;
	}
	h.rows = rows;
	rc = mr_task_run(&m->env, MR_LOOKUP_JOBS, n, head_one, &h, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		if (rows[i].found)
			rows[kept++] = rows[i];
	*out = mr_steal(&rows);
	*count = kept;
	return 0;
}

static int add_number(struct mr_list *out, uint64_t number,
		      struct mreg_error *err)
{
	char tag[32];

	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
	return mr_list_has(out, tag) ? 0 : mr_list_add(out, tag, err);
}

int mr_version_above(struct mr_store *s, uint64_t top, struct mr_list *out,
		     struct mreg_error *err)
{
	bool found = true;
	int rc = 0;

	while (rc >= 0 && found && top < MR_VERSION_MAX) {
		struct mreg_desc d;
		char tag[32];

		(void)snprintf(tag, sizeof(tag), "v%" PRIu64, ++top);
		rc = mr_tag_resolve(s, tag, &d, &found, err);
		if (rc >= 0 && found)
			rc = mr_list_add(out, tag, err);
	}
	return rc;
}

int mr_version_tags(struct mr_store *s, const struct mr_history *h,
		    struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *numbers = NULL;
	uint64_t top = 0;
	size_t n;
	size_t i;
	int rc = mr_ledger_numbers(h->ledger, &numbers, &n, err);

	for (i = 0; rc >= 0 && i < n; i++) {
		top = numbers[i];
		rc = add_number(out, numbers[i], err);
	}
	for (i = 0; rc >= 0 && i < h->tags.n; i++) {
		uint64_t number = mr_tag_number(h->tags.items[i]);

		if (number > top)
			top = number;
		if (number)
			rc = add_number(out, number, err);
	}
	return rc < 0 ? rc : mr_version_above(s, top, out, err);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *mr_tag_names(struct mr_arena *a,
				const struct mr_tag_row *rows, size_t n,
				const struct mreg_digest *d, size_t *count)
{
	const char **names = mr_arena_alloc(a, (n + 1) * sizeof(*names));
	size_t i;

	*count = 0;
	for (i = 0; names && i < n; i++)
		if (rows[i].kind != MR_TAG_VERSION &&
		    mreg_digest_equal(&rows[i].desc.digest, d))
			names[(*count)++] = mr_arena_strdup(a, rows[i].tag);
	if (*count && !mr_arena_failed(a))
		qsort(names, *count, sizeof(*names), compare_text);
	return names;
}
