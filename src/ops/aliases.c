/*
 * aliases.c - the names of a model's versions.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "mreg/alias.h"
#include "repo/repo.h"

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

static int run(struct mreg *m, const char *text,
	       struct mreg_aliases_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	MR_AUTO(mr_list_release) struct mr_list tags = { .n = 0 };
	MR_AUTO(mr_free) struct mr_tag_row *rows = NULL;
	struct mr_arena *a = out->owner;
	char name[MREG_REF_TEXT];
	struct mreg_ref ref;
	bool found = false;
	size_t n = 0;
	size_t i;
	int rc = mr_target(m, text, &ref, &s, err);

	if (rc >= 0 && (ref.tag[0] || mr_digest_known(&ref.digest)))
		rc = mr_fail(err, MREG_EUSAGE, "'%s' is more than a name",
			     text);
	if (rc >= 0)
		rc = mr_store_tags(s, &tags, &found, err);
	if (rc >= 0 && !found)
		rc = mr_target_missing(s, &ref, err);
	if (rc >= 0)
		rc = mr_tag_rows(m, s, &tags, &rows, &n, err);
	if (rc < 0)
		return rc;
	out->name = mr_arena_strdup(a, mr_target_name(m, &ref, name));
	out->rows = mr_arena_alloc(a, (n + 1) * sizeof(*out->rows));
	for (i = 0; out->rows && i < n; i++) {
		struct mreg_alias_row *row = &out->rows[out->count];

		if (rows[i].kind == MR_TAG_VERSION)
			continue;
		row->alias = mr_arena_strdup(a, rows[i].tag);
		row->digest = rows[i].desc.digest;
		row->number = number_of(rows, n, &row->digest);
		row->release = rows[i].kind == MR_TAG_RELEASE;
		out->count++;
	}
	return mr_result_check(a, err);
}

int mreg_aliases(struct mreg *m, const char *ref,
		 struct mreg_aliases_result *out, struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(m, ref, out, err);
	if (rc < 0)
		mreg_aliases_result_release(out);
	return rc;
}

void mreg_aliases_result_release(struct mreg_aliases_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
