/*
 * search_common.c - what the lists of a filter's parts have in common.
 *
 * Going through an index costs some 0.1 us an entry, looking up a row ten times
 * that: so lists up to a certain length are read whole, and kept as bits.
 * Which of them is worth it is found by reading, since nothing tells how
 * often a value occurs.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Ids of databases that were written anew a thousand times: 16 MiB of bits. */
#define ID_MAX (INT64_C(1) << 27)

/* -- sets -------------------------------------------------------------------
 */

void mr_ix_set_release(struct mr_ix_set *s)
{
	mr_release(s->bits);
	*s = (struct mr_ix_set){ 0 };
}

static bool has(const struct mr_ix_set *s, int64_t id)
{
	size_t word = (size_t)(id / 64);

	return id >= 0 && word < s->words && s->bits[word] >> id % 64 & 1;
}

bool mr_ix_set_take(struct mr_ix_set *s, int64_t id)
{
	if (!has(s, id))
		return false;
	s->bits[id / 64] &= ~(UINT64_C(1) << id % 64);
	s->n--;
	return true;
}

static int add(struct mr_ix_set *s, int64_t id, struct mreg_error *err)
{
	size_t word = (size_t)(id / 64);
	size_t before = s->words;

	if (mr_grow((void **)&s->bits, &s->words, word + 1, sizeof(*s->bits)) <
	    0)
		return mr_fail_nomem(err);
	if (s->words > before)
		memset(s->bits + before, 0,
		       (s->words - before) * sizeof(*s->bits));
	if (!has(s, id)) {
		s->bits[word] |= UINT64_C(1) << id % 64;
		s->n++;
	}
	return 0;
}

int mr_ix_set_ids(const struct mr_ix_set *set, struct mr_ix_ids *out,
		  struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < set->words; i++) {
		uint64_t bits = set->bits[i];

		for (; bits && rc >= 0; bits &= bits - 1)
			rc = mr_ix_ids_add(
				out, (int64_t)i * 64 + __builtin_ctzll(bits),
				err);
	}
	return rc;
}

/* -- what they have in common -----------------------------------------------
 */

/* Those of the list that are in `among` too (NULL: all); `*whole` false: it is
 * longer than `most`, and `out` of no use. */
static int read_ids(const struct mr_ix_sql *q, size_t most,
		    const struct mr_ix_set *among, struct mr_ix_set *out,
		    bool *whole, struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	*whole = false;
	rc = mr_ix_sql_stmt(q, &stmt, err);
	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(stmt, err)) > 0) {
		int64_t id = mr_stmt_int(stmt, 0);

		if (++n > most || id < 0 || id > ID_MAX)
			return 0;
		if (!among || has(among, id))
			rc = add(out, id, err);
		if (rc < 0)
			return rc;
	}
	*whole = rc == 0;
	return rc;
}

static int read_list(struct mr_ix_search *s, const struct mr_term *t,
		     size_t most, const struct mr_ix_set *among,
		     struct mr_ix_set *out, bool *whole, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	int rc;

	mr_ix_sql_init(&q, s->ix);
	s->few = s->scan = false;
	rc = mr_ix_put_list(s, &q, t, err);
	return rc < 0 ? rc : read_ids(&q, most, among, out, whole, err);
}

struct parts {
	const struct mr_term *items[MR_QUERY_TERMS_MAX];
	bool read[MR_QUERY_TERMS_MAX];
	size_t n;
};

/* A number is looked up in each model: those are last. */
static bool is_dear(const struct mr_term *t)
{
	return t->kind == MR_TERM_COMPARE && t->attr == MR_ATTR_NUMBER;
}

/* Terms that are all to be true. */
static void split(const struct mr_ix_search *s, const struct mr_term *t,
		  struct parts *out)
{
	size_t i;

	if (t->kind == MR_TERM_AND) {
		for (i = 0; i < t->child_count; i++)
			split(s, t->children[i], out);
	} else if (out->n < MR_QUERY_TERMS_MAX && mr_ix_is_listed(s, t)) {
		i = out->n++;
		for (; i > 0 && is_dear(out->items[i - 1]); i--)
			out->items[i] = out->items[i - 1];
		out->items[i] = t;
	}
}

static void prove(struct mr_ix_search *s, struct parts *p, size_t i)
{
	p->read[i] = true;
	if (mr_ix_is_exact(s, p->items[i]))
		s->proven[s->proven_count++] = p->items[i];
}

/* A model's number is found by both at once: there is one such version. */
static int find_numbered(struct mr_ix_search *s, struct parts *p,
			 struct mr_ix_set *out, bool *found,
			 struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	size_t i, name = p->n, number = p->n;
	int rc;

	for (i = 0; i < p->n; i++) {
		const struct mr_term *t = p->items[i];

		if (t->kind != MR_TERM_COMPARE || t->cmp != MR_CMP_EQ ||
		    p->read[i])
			continue;
		if (t->attr == MR_ATTR_NAME || t->attr == MR_ATTR_MODEL)
			name = i;
		else if (t->attr == MR_ATTR_NUMBER)
			number = i;
	}
	if (name == p->n || number == p->n)
		return 0;
	s->few = s->scan = false;
	mr_ix_sql_init(&q, s->ix);
	rc = mr_ix_put_list(s, &q, p->items[name], err);
	mr_ix_sql_put(&q, " AND ");
	if (rc >= 0)
		rc = mr_ix_put_compare(s, &q, p->items[number], err);
	if (rc >= 0)
		rc = read_ids(&q, SIZE_MAX, NULL, out, found, err);
	if (rc >= 0 && *found) {
		prove(s, p, name);
		prove(s, p, number);
	}
	return rc;
}

/* Narrow `out` by the lists of up to `most` entries. */
static int narrow(struct mr_ix_search *s, struct parts *p, size_t most,
		  struct mr_ix_set *out, bool *found, struct mreg_error *err)
{
	size_t i;
	int rc = *found ? 0 : find_numbered(s, p, out, found, err);

	for (i = 0; i < p->n && rc >= 0; i++) {
		MR_AUTO(mr_ix_set_release) struct mr_ix_set next = { 0 };
		bool whole;

		/* So few that the rows are looked at sooner than a list. */
		if (*found && out->n <= s->effort->some &&
		    (most > s->effort->some || is_dear(p->items[i])))
			continue;
		if (p->read[i])
			continue;
		rc = read_list(s, p->items[i], most, *found ? out : NULL, &next,
			       &whole, err);
		if (rc < 0)
			return rc;
		if (!whole)
			continue;
		prove(s, p, i);
		mr_ix_set_release(out);
		*out = next;
		next = (struct mr_ix_set){ 0 };
		*found = true;
	}
	return rc < 0 ? rc : 0;
}

/* Those that are merged are gone through as the page is, and no further. */
static bool is_left(const struct mr_ix_search *s, const struct parts *p,
		    size_t i)
{
	return !p->read[i] &&
	       !(mr_ix_is_merged(s) && mr_ix_is_merged_term(p->items[i]));
}

int mr_ix_search_common(struct mr_ix_search *s, size_t most,
			struct mr_ix_set *out, bool *found, bool *left,
			struct mreg_error *err)
{
	struct parts parts = { .n = 0 };
	size_t i;
	int rc;

	*found = *left = false;
	s->proven_count = 0;
	split(s, s->root, &parts);
	rc = narrow(s, &parts, s->effort->some, out, found, err);
	for (i = 0; i < parts.n && most > s->effort->some; i++)
		parts.read[i] |= !is_left(s, &parts, i);
	if (rc >= 0 && most > s->effort->some)
		rc = narrow(s, &parts, most, out, found, err);
	for (i = 0; i < parts.n; i++)
		*left |= is_left(s, &parts, i);
	return rc;
}

static size_t terms(const struct mr_term *t)
{
	size_t i, n = t->kind != MR_TERM_AND;

	for (i = 0; t->kind == MR_TERM_AND && i < t->child_count; i++)
		n += terms(t->children[i]);
	return n;
}

int mr_ix_search_total(struct mr_ix_search *s, uint64_t *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_ix_set_release) struct mr_ix_set common = { 0 };
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids ids = { 0 };
	struct parts parts = { .n = 0 };
	bool found = false;
	int rc;

	s->proven_count = 0;
	split(s, s->root, &parts);
	rc = narrow(s, &parts, s->effort->some, &common, &found, err);
	if (rc >= 0 && (!found || common.n > s->effort->some))
		rc = narrow(s, &parts, SIZE_MAX, &common, &found, err);
	if (rc >= 0 && found && s->proven_count == terms(s->root)) {
		*out = common.n;
		return 0;
	}
	/* A set as large as that is no help. */
	if (rc >= 0 && found && common.n > s->effort->many)
		found = false;
	if (rc >= 0 && found)
		rc = mr_ix_set_ids(&common, &ids, err);
	return rc < 0 ? rc : mr_ix_page_total(s, found ? &ids : NULL, out, err);
}
