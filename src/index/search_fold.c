/*
 * search_fold.c - a filter less what is decided before any row is looked at.
 *
 * Columns have ids, so what equals a text that the index does not hold is
 * nobody's; and a comparison means the few ids that it is true of, where those
 * are found sooner than each row's text is looked at: of texts, runs, forms, or
 * tags and parameters with their values.  What is decided falls out of the
 * tree; its leaves stay those of the query.
 */
#include "index/search_inside.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Ids that stand in the SQL; of more a set is made. */
#define LISTED_MOST 16

enum verdict {
	OPEN,
	NEVER,
	ALWAYS,
};

/* -- texts ------------------------------------------------------------------
 */

int mr_ix_search_text(struct mr_ix_search *s, const char *text, int64_t *out,
		      struct mreg_error *err)
{
	size_t i;
	int rc;

	/* By place: the same words of a query are asked for again and again. */
	for (i = 0; i < s->text_count; i++)
		if (s->texts[i].text == text) {
			*out = s->texts[i].id;
			return 0;
		}
	rc = mr_ix_text_find(s->ix, text, out, err);
	if (rc >= 0 && s->text_count < MR_COUNT(s->texts)) {
		s->texts[s->text_count].text = text;
		s->texts[s->text_count++].id = *out;
	}
	return rc;
}

const struct mr_ix_target *mr_ix_meant(const struct mr_ix_search *s,
				       const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < s->meant_count; i++)
		if (s->meant[i].term == t)
			return &s->meant[i];
	return NULL;
}

/* -- what a comparison means -------------------------------------------------
 */

bool mr_ix_put_meant(const struct mr_ix_search *s, struct mr_ix_sql *q,
		     const char *column, const struct mr_term *t)
{
	const struct mr_ix_target *m = mr_ix_meant(s, t);
	size_t i;

	/* A set is made anew by each statement. */
	if (!m || (s->few && m->count > LISTED_MOST))
		return false;
	mr_buf_printf(&q->text, "(%s IN ", column);
	if (m->count > LISTED_MOST)
		mr_ix_sql_ids(q, m->nodes, m->count);
	for (i = 0; m->count <= LISTED_MOST && i < m->count; i++) {
		mr_ix_sql_put(q, i ? ", " : "(");
		mr_ix_sql_int(q, m->nodes[i]);
	}
	mr_ix_sql_put(q, m->count > LISTED_MOST ? ")" : "))");
	return true;
}

/* None: nothing can match. */
static int mean(struct mr_ix_search *s, const struct mr_term *t,
		const struct mr_ix_ids *ids, enum verdict *v,
		struct mreg_error *err)
{
	struct mr_ix_target *m = &s->meant[s->meant_count];

	if (ids->n == 0) {
		*v = NEVER;
		return 0;
	}
	m->term = t;
	m->count = ids->n;
	m->nodes = mr_arena_alloc(s->arena, ids->n * sizeof(*m->nodes));
	if (!m->nodes)
		return mr_fail_nomem(err);
	memcpy(m->nodes, ids->items, ids->n * sizeof(*m->nodes));
	s->meant_count++;
	return 0;
}

/* `q` is "id, whether it matches", but for how many. */
static int try_all(struct mr_ix_search *s, const struct mr_term *t,
		   struct mr_ix_sql *q, enum verdict *v, struct mreg_error *err)
{
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids ids = { 0 };
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	mr_ix_sql_put(q, " LIMIT ");
	mr_ix_sql_int(q, (int64_t)s->effort->tried + 1);
	rc = mr_ix_sql_stmt(q, &stmt, err);
	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(stmt, err)) > 0) {
		/* They are too many to try. */
		if (++n > s->effort->tried)
			return 0;
		if (mr_stmt_int(stmt, 1))
			rc = mr_ix_ids_add(&ids, mr_stmt_int(stmt, 0), err);
		if (rc < 0)
			return rc;
	}
	return mean(s, t, &ids, v, err);
}

/* A condition as a value that both databases give as a number. */
static void put_whether(struct mr_ix_sql *q, bool begin)
{
	mr_ix_sql_put(q, begin ? "CASE WHEN " : " THEN 1 ELSE 0 END");
}

/* Bytes in front of what a pattern leaves open; those of ASCII, so that the
 * byte that follows the last is a character too. */
static size_t fixed(const char *pattern)
{
	size_t n = 0;

	while (pattern[n] && pattern[n] != '%' && pattern[n] != '_' &&
	       (unsigned char)pattern[n] < 0x7f)
		n++;
	return n;
}

static bool has_range(const struct mr_term *t)
{
	return t->cmp == MR_CMP_LIKE && fixed(t->values[0].text) > 0;
}

/* " AND it begins as the pattern does" */
static int put_range(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const char *column, const struct mr_term *t,
		     struct mreg_error *err)
{
	const char *pattern = t->values[0].text;
	size_t n = fixed(pattern);
	char *from = mr_arena_strndup(s->arena, pattern, n);
	char *to = mr_arena_strndup(s->arena, pattern, n);

	if (!from || !to)
		return mr_fail_nomem(err);
	to[n - 1]++;
	mr_buf_printf(&q->text, " AND %s >= ", column);
	mr_ix_sql_text(q, from);
	mr_buf_printf(&q->text, " AND %s < ", column);
	mr_ix_sql_text(q, to);
	return 0;
}

static int fold_texts(struct mr_ix_search *s, const struct mr_term *t,
		      enum verdict *v, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	int rc;

	if (!has_range(t))
		return 0;
	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT t.id, ");
	put_whether(&q, true);
	mr_ix_put_text_test(&q, "t.value", t);
	put_whether(&q, false);
	mr_ix_sql_put(&q, " FROM ix_texts t WHERE 1 = 1");
	rc = put_range(s, &q, "t.value", t, err);
	return rc < 0 ? rc : try_all(s, t, &q, v, err);
}

static int fold_runs(struct mr_ix_search *s, const struct mr_term *t,
		     enum verdict *v, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	bool equal = t->cmp == MR_CMP_EQ || t->cmp == MR_CMP_IN;
	int rc = 0;

	if (!equal && !has_range(t))
		return 0;
	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT n.id, ");
	put_whether(&q, true);
	mr_ix_put_text_test(&q, "n.text", t);
	put_whether(&q, false);
	mr_ix_sql_put(&q, " FROM ix_nodes n WHERE n.kind = ");
	mr_ix_sql_int(&q, MR_GRAPH_RUN);
	if (equal) {
		mr_ix_sql_put(&q, " AND ");
		mr_ix_put_text_test(&q, "n.text", t);
	} else {
		rc = put_range(s, &q, "n.text", t, err);
	}
	return rc < 0 ? rc : try_all(s, t, &q, v, err);
}

static int fold_forms(struct mr_ix_search *s, const struct mr_term *t,
		      enum verdict *v, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	int rc;

	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT f.id, ");
	put_whether(&q, true);
	rc = mr_ix_put_id_test(s, &q, mr_ix_form_column(t->attr), t, err);
	put_whether(&q, false);
	mr_ix_sql_put(&q, " FROM ix_forms f");
	return rc < 0 ? rc : try_all(s, t, &q, v, err);
}

/* One tag or parameter. */
static int fold_pair(struct mr_ix_search *s, const struct mr_term *t,
		     enum verdict *v, struct mreg_error *err)
{
	int64_t id = 0;
	struct mr_ix_ids one = { .items = &id };
	int rc = mr_ix_pair_find(
		s->ix, t->attr == MR_ATTR_TAG ? MR_IX_TAGGED : MR_IX_PARAM,
		t->key, t->values[0].text, &id, err);

	one.n = id != 0;
	return rc < 0 ? rc : mean(s, t, &one, v, err);
}

static int fold_pairs(struct mr_ix_search *s, const struct mr_term *t,
		      int64_t key, enum verdict *v, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	bool text = t->values[0].type == MR_VALUE_TEXT;
	int rc = 0;

	if (text && t->cmp == MR_CMP_EQ)
		return fold_pair(s, t, v, err);
	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT p.id, ");
	put_whether(&q, true);
	if (text)
		rc = mr_ix_put_id_test(s, &q, "p.value", t, err);
	else
		mr_ix_put_number_test(&q, "p.number", false, t);
	put_whether(&q, false);
	mr_ix_sql_put(&q, " FROM ix_pairs p WHERE p.kind = ");
	mr_ix_sql_int(&q, t->attr == MR_ATTR_TAG ? MR_IX_TAGGED : MR_IX_PARAM);
	mr_ix_sql_put(&q, " AND p.key = ");
	mr_ix_sql_int(&q, key);
	return rc < 0 ? rc : try_all(s, t, &q, v, err);
}

/* -- leaves -----------------------------------------------------------------
 */

static int fold_equality(struct mr_ix_search *s, const struct mr_term *t,
			 enum verdict *v, struct mreg_error *err)
{
	int64_t id = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < t->value_count && id == 0 && rc >= 0; i++)
		rc = mr_ix_search_text(s, t->values[i].text, &id, err);
	*v = id == 0 ? NEVER : OPEN;
	return rc;
}

static int fold_compare(struct mr_ix_search *s, const struct mr_term *t,
			enum verdict *v, struct mreg_error *err)
{
	bool equal = t->cmp == MR_CMP_EQ || t->cmp == MR_CMP_IN;
	int64_t key = 1;
	int rc = t->key ? mr_ix_search_text(s, t->key, &key, err) : 0;

	if (rc < 0)
		return rc;
	if (key == 0) {
		*v = t->cmp == MR_CMP_IS_NULL ? ALWAYS : NEVER;
		return 0;
	}
	if (s->meant_count == MR_COUNT(s->meant))
		return 0;
	if (mr_ix_form_column(t->attr))
		return fold_forms(s, t, v, err);
	if (mr_ix_asks_presence(t->cmp))
		return 0;
	if (t->attr == MR_ATTR_TAG || t->attr == MR_ATTR_PARAM)
		return fold_pairs(s, t, key, v, err);
	if (t->attr == MR_ATTR_RUN)
		return fold_runs(s, t, v, err);
	if (equal && (t->attr == MR_ATTR_EVALUATION ||
		      t->attr == MR_ATTR_ENVIRONMENT || mr_ix_has_ids(t->attr)))
		return fold_equality(s, t, v, err);
	return mr_ix_has_ids(t->attr) ? fold_texts(s, t, v, err) : 0;
}

static int fold_predicate(struct mr_ix_search *s, const struct mr_term *t,
			  enum verdict *v, struct mreg_error *err)
{
	const struct mr_ix_target *target = mr_ix_target(s, t);
	const char *words = "";
	int rc = 0;

	if (t->predicate == MR_PRED_TEXT)
		rc = mr_ix_match_words(s, t, &words, err);
	*v = t->predicate == MR_PRED_TEXT   ? (words[0] ? OPEN : NEVER)
	     : target && target->count != 0 ? OPEN
					    : NEVER;
	return rc;
}

/* -- the tree ---------------------------------------------------------------
 */

/* What is left of `t`: `n` of its children, at least one. */
static int rebuild(struct mr_ix_search *s, const struct mr_term *t,
		   const struct mr_term *const *kept, size_t n,
		   const struct mr_term **out, struct mreg_error *err)
{
	struct mr_term *copy;

	if (n == 1 && t->kind != MR_TERM_NOT) {
		*out = kept[0];
		return 0;
	}
	copy = mr_arena_alloc(s->arena, sizeof(*copy));
	if (!copy)
		return mr_fail_nomem(err);
	*copy = *t;
	copy->children = kept;
	copy->child_count = n;
	*out = copy;
	return 0;
}

static int fold(struct mr_ix_search *s, const struct mr_term *t,
		const struct mr_term **out, enum verdict *v,
		struct mreg_error *err)
{
	bool all = t->kind == MR_TERM_AND;
	const struct mr_term **kept;
	enum verdict one;
	size_t i, n = 0;
	int rc;

	*out = t;
	*v = OPEN;
	if (t->kind == MR_TERM_COMPARE)
		return fold_compare(s, t, v, err);
	if (t->kind == MR_TERM_PREDICATE)
		return fold_predicate(s, t, v, err);
	if (t->kind == MR_TERM_ALL)
		return 0;
	kept = mr_arena_alloc(s->arena, t->child_count * sizeof(*kept));
	if (!kept)
		return mr_fail_nomem(err);
	for (i = 0; i < t->child_count; i++) {
		rc = fold(s, t->children[i], &kept[n], &one, err);
		if (rc < 0)
			return rc;
		if (t->kind == MR_TERM_NOT && one != OPEN)
			one = one == NEVER ? ALWAYS : NEVER;
		if (one == (all ? NEVER : ALWAYS)) {
			*v = one;
			return 0;
		}
		n += one == OPEN;
	}
	if (n == 0) {
		*v = all ? ALWAYS : NEVER;
		return 0;
	}
	return rebuild(s, t, kept, n, out, err);
}

int mr_ix_search_fold(struct mr_ix_search *s, struct mreg_error *err)
{
	static const struct mr_term everything = { .kind = MR_TERM_ALL };
	enum verdict v = OPEN;
	int rc = 0;

	s->root = s->ask->query->root;
	/* There are few models, and what they have not is told as an error. */
	if (!s->models)
		rc = fold(s, s->ask->query->root, &s->root, &v, err);
	if (v == ALWAYS)
		s->root = &everything;
	s->nothing = v == NEVER;
	return rc;
}
