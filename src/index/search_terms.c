/*
 * search_terms.c - a filter's tree as one condition.
 *
 * What is not told compares with nothing, and SQL says NULL to that.  AND and
 * OR of NULLs are true exactly where they would be if NULL were false; NOT is
 * not, so it asks whether its term is anything but true.  So NOT selects what
 * its term does not.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/text.h"

/* Words of one text, all of which are wanted. */
static int add_words(struct mr_ix_search *s, const char *text, bool sqlite,
		     struct mr_buf *out, struct mreg_error *err)
{
	struct mr_words words = { 0 };
	size_t i;
	int rc = mr_ix_word_list(text, MR_QUERY_MAX_BYTES, s->arena, &words,
				 err);

	if (rc < 0 || words.n == 0)
		return rc;
	mr_buf_puts(out, out->len == 0 ? "" : sqlite ? " OR " : " | ");
	/* Words are letters and digits, so quotes need no care. */
	for (i = 0; i < words.n; i++)
		mr_buf_printf(out, sqlite ? "%s\"%s\"" : "%s'%s'",
			      i == 0   ? "("
			      : sqlite ? " AND "
				       : " & ",
			      words.items[i]);
	mr_buf_puts(out, ")");
	return 0;
}

int mr_ix_match_words(struct mr_ix_search *s, const struct mr_term *t,
		      const char **out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(16 * MR_QUERY_MAX_BYTES);
	bool sqlite = mr_db_kind(s->ix->db) == MR_DB_SQLITE;
	size_t i;
	int rc = 0;

	for (i = 0; i < t->value_count && rc >= 0; i++)
		rc = add_words(s, t->values[i].text, sqlite, &b, err);
	if (rc >= 0)
		rc = mr_buf_check(&b, "the words of a search", err);
	if (rc < 0)
		return rc;
	*out = mr_arena_strdup(s->arena, mr_buf_text(&b));
	return *out ? 0 : mr_fail_nomem(err);
}

/* Of one row its words are looked at: to look it up in the list of a word that
 * many have takes a hundred times as long. */
static int put_row_words(struct mr_ix_search *s, struct mr_ix_sql *q,
			 const struct mr_term *t, struct mreg_error *err)
{
	struct mr_words words = { 0 };
	size_t i, k, n = 0;
	int rc;

	mr_ix_sql_put(q, "EXISTS (SELECT 1 FROM ix_cards c "
			 "WHERE c.rowid = v.id AND (");
	for (i = 0; i < t->value_count; i++) {
		rc = mr_ix_word_list(t->values[i].text, MR_QUERY_MAX_BYTES,
				     s->arena, &words, err);
		if (rc < 0)
			return rc;
		for (k = 0; k < words.n; k++) {
			const char *word = mr_arena_printf(s->arena, " %s ",
							   words.items[k]);

			if (!word)
				return mr_fail_nomem(err);
			mr_ix_sql_put(q, k ? " AND " : n++ ? " OR " : "");
			mr_ix_sql_put(q, "instr(' ' || replace(c.words, "
					 "char(10), ' ') || ' ', ");
			mr_ix_sql_text(q, word);
			mr_ix_sql_put(q, ") > 0");
		}
	}
	mr_ix_sql_put(q, "))");
	return 0;
}

static int put_words(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_term *t, struct mreg_error *err)
{
	const char *words = NULL;
	int rc = mr_ix_match_words(s, t, &words, err);

	if (rc < 0)
		return rc;
	if (!words[0]) {
		mr_ix_sql_put(q, "1 = 0");
	} else if (q->kind == MR_DB_POSTGRES) {
		mr_ix_sql_put(q, "EXISTS (SELECT 1 FROM ix_cards c "
				 "WHERE c.version = v.id AND c.body @@ "
				 "CAST(CAST(");
		mr_ix_sql_text(q, words);
		mr_ix_sql_put(q, " AS text) AS tsquery))");
	} else if (s->few) {
		return put_row_words(s, q, t, err);
	} else {
		mr_ix_sql_put(q, "v.id IN (SELECT rowid FROM ix_cards "
				 "WHERE ix_cards MATCH ");
		mr_ix_sql_text(q, words);
		mr_ix_sql_put(q, ")");
	}
	return 0;
}

static int put_predicate(struct mr_ix_search *s, struct mr_ix_sql *q,
			 const struct mr_term *t, struct mreg_error *err)
{
	const struct mr_ix_target *target = mr_ix_target(s, t);

	if (s->models)
		return mr_fail(err, MREG_EUSAGE,
			       "models are not asked for lineage or words");
	if (t->predicate == MR_PRED_TEXT)
		return put_words(s, q, t, err);
	if (!target || target->count == 0) {
		mr_ix_sql_put(q, "1 = 0");
		return 0;
	}
	mr_ix_sql_put(q, "v.node IN ");
	mr_ix_sql_ids(q, target->nodes, target->count);
	return 0;
}

static int put_children(struct mr_ix_search *s, struct mr_ix_sql *q,
			const struct mr_term *t, const char *between,
			struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	mr_ix_sql_put(q, "(");
	for (i = 0; i < t->child_count && rc >= 0; i++) {
		mr_ix_sql_put(q, i ? between : "");
		rc = mr_ix_put_term(s, q, t->children[i], err);
	}
	mr_ix_sql_put(q, ")");
	return rc;
}

/* Whether of all rows it is asked sooner by the list of those it is true of
 * than by a look for each. */
static bool is_set(const struct mr_ix_search *s, const struct mr_term *t)
{
	switch (t->attr) {
	case MR_ATTR_TAG:
	case MR_ATTR_PARAM:
	case MR_ATTR_METRIC:
	case MR_ATTR_ALIAS:
	case MR_ATTR_ENVIRONMENT:
	case MR_ATTR_EVALUATION:
		return s->nested && mr_ix_is_listed(s, t) &&
		       mr_ix_is_exact(s, t);
	default:
		return false;
	}
}

int mr_ix_put_term(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err)
{
	int rc;

	switch (t->kind) {
	case MR_TERM_AND:
		return put_children(s, q, t, " AND ", err);
	case MR_TERM_OR:
		return put_children(s, q, t, " OR ", err);
	case MR_TERM_NOT:
		rc = put_children(s, q, t, "", err);
		mr_ix_sql_put(q, " IS NOT TRUE");
		return rc;
	case MR_TERM_COMPARE:
		if (!is_set(s, t))
			return mr_ix_put_compare(s, q, t, err);
		mr_ix_sql_put(q, "v.id IN (");
		rc = mr_ix_put_list(s, q, t, err);
		mr_ix_sql_put(q, ")");
		return rc;
	case MR_TERM_PREDICATE:
		return put_predicate(s, q, t, err);
	case MR_TERM_ALL:
		break;
	}
	mr_ix_sql_put(q, "1 = 1");
	return 0;
}

static bool is_proven(const struct mr_ix_search *s, const struct mr_term *t)
{
	size_t i;

	if (t->kind == MR_TERM_ALL)
		return true;
	if (s->merging && mr_ix_is_merged_term(t))
		return true;
	for (i = 0; i < s->proven_count; i++)
		if (s->proven[i] == t)
			return true;
	return false;
}

bool mr_ix_is_proven(const struct mr_ix_search *s, const struct mr_term *t)
{
	size_t i;

	if (t->kind != MR_TERM_AND)
		return is_proven(s, t);
	for (i = 0; i < t->child_count; i++)
		if (!mr_ix_is_proven(s, t->children[i]))
			return false;
	return true;
}

bool mr_ix_has_sets(const struct mr_ix_search *s, const struct mr_term *t)
{
	size_t i;

	if (is_proven(s, t))
		return false;
	for (i = 0; i < t->child_count; i++)
		if (mr_ix_has_sets(s, t->children[i]))
			return true;
	if (t->kind == MR_TERM_COMPARE)
		return t->attr == MR_ATTR_NAME || t->attr == MR_ATTR_MODEL;
	return t->kind == MR_TERM_PREDICATE && t->predicate != MR_PRED_TEXT;
}

int mr_ix_put_rest(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (t->kind == MR_TERM_AND) {
		for (i = 0; i < t->child_count && rc >= 0; i++) {
			mr_ix_sql_put(q, i ? " AND " : "");
			rc = mr_ix_put_rest(s, q, t->children[i], err);
		}
		return rc;
	}
	if (!s->few || !is_proven(s, t)) {
		s->nested = s->scan &&
			    (t->kind == MR_TERM_OR || t->kind == MR_TERM_NOT);
		rc = mr_ix_put_term(s, q, t, err);
		s->nested = false;
		return rc;
	}
	mr_ix_sql_put(q, "1 = 1");
	return 0;
}
