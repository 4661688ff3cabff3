/*
 * search_list.c - lists that indexes hold of a part of a filter.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static bool is_staged(const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < t->value_count; i++)
		if (strcmp(t->values[i].text, MR_IX_NO_STAGE) == 0)
			return false;
	return t->cmp == MR_CMP_EQ || t->cmp == MR_CMP_IN;
}

static bool is_compare_listed(const struct mr_ix_search *s,
			      const struct mr_term *t)
{
	if (t->cmp == MR_CMP_IS_NULL)
		return false;
	switch (t->attr) {
	case MR_ATTR_TAG:
	case MR_ATTR_PARAM:
	case MR_ATTR_METRIC:
	case MR_ATTR_ALIAS:
	case MR_ATTR_ENVIRONMENT:
	case MR_ATTR_EVALUATION:
		return true;
	case MR_ATTR_NAME:
	case MR_ATTR_MODEL:
	case MR_ATTR_REGISTERED:
	case MR_ATTR_UPDATED:
		return t->cmp != MR_CMP_NE && t->cmp != MR_CMP_IS_SET;
	case MR_ATTR_DIGEST:
	case MR_ATTR_FILESET:
		return t->cmp == MR_CMP_EQ &&
		       mreg_digest_parse(t->values[0].text,
					 &(struct mreg_digest){ 0 }, NULL) >= 0;
	case MR_ATTR_NUMBER:
		return t->cmp == MR_CMP_EQ;
	case MR_ATTR_RUN:
		return t->cmp == MR_CMP_EQ || mr_ix_meant(s, t);
	case MR_ATTR_STAGE:
		return is_staged(t);
	default:
		return false;
	}
}

bool mr_ix_is_listed(const struct mr_ix_search *s, const struct mr_term *t)
{
	size_t i, n = 0;

	if (t->kind == MR_TERM_COMPARE)
		return is_compare_listed(s, t);
	if (t->kind == MR_TERM_PREDICATE)
		return true;
	if (t->kind != MR_TERM_AND && t->kind != MR_TERM_OR)
		return false;
	for (i = 0; i < t->child_count; i++)
		n += mr_ix_is_listed(s, t->children[i]);
	return n > 0 && (t->kind == MR_TERM_AND || n == t->child_count);
}

/* Whether an index of a map's entries has those that a term is true of. */
static bool is_by_value(const struct mr_ix_search *s, const struct mr_term *t)
{
	if (mr_ix_asks_presence(t->cmp))
		return false;
	if (t->attr == MR_ATTR_METRIC)
		return t->cmp != MR_CMP_NE;
	return mr_ix_meant(s, t) ||
	       (t->values[0].type == MR_VALUE_TEXT &&
		(t->cmp == MR_CMP_EQ || t->cmp == MR_CMP_IN));
}

static bool is_compare_exact(const struct mr_ix_search *s,
			     const struct mr_term *t)
{
	switch (t->attr) {
	case MR_ATTR_TAG:
	case MR_ATTR_PARAM:
	case MR_ATTR_METRIC:
		return t->cmp == MR_CMP_IS_SET || is_by_value(s, t);
	case MR_ATTR_REGISTERED:
	case MR_ATTR_UPDATED:
		return false;
	default:
		return t->cmp != MR_CMP_NE;
	}
}

/* Of a term that is listed. */
bool mr_ix_is_exact(const struct mr_ix_search *s, const struct mr_term *t)
{
	size_t i;

	if (t->kind == MR_TERM_COMPARE)
		return is_compare_exact(s, t);
	for (i = 0; t->kind == MR_TERM_OR && i < t->child_count; i++)
		if (!mr_ix_is_exact(s, t->children[i]))
			return false;
	return t->kind != MR_TERM_AND;
}

/* Behind the key: the value, where it is an equality. */
static int put_pair(struct mr_ix_search *s, struct mr_ix_sql *q,
		    const struct mr_term *t, struct mreg_error *err)
{
	int rc = 0;

	if (is_by_value(s, t)) {
		mr_ix_sql_put(q, " AND ");
		rc = mr_ix_put_id_test(s, q, "x.value", t, err);
	}
	mr_ix_sql_put(q, ")");
	return rc;
}

/* Entries of a map: of a key, and those values that are known. */
static int put_entries(struct mr_ix_search *s, struct mr_ix_sql *q,
		       const struct mr_term *t, struct mreg_error *err)
{
	int64_t key;
	int rc = mr_ix_search_text(s, t->key, &key, err);

	if (rc < 0)
		return rc;
	if (mr_ix_meant(s, t)) {
		mr_ix_sql_put(q, "SELECT p.version FROM ix_posts p WHERE ");
		(void)mr_ix_put_meant(s, q, "p.pair", t);
		return 0;
	}
	mr_ix_sql_put(q, t->attr == MR_ATTR_METRIC
				 ? "SELECT p.version FROM ix_metrics p "
				   "WHERE p.key = "
				 : "SELECT p.version FROM ix_posts p "
				   "WHERE p.pair IN (SELECT x.id "
				   "FROM ix_pairs x WHERE x.kind = ");
	if (t->attr != MR_ATTR_METRIC)
		mr_ix_sql_put(q, t->attr == MR_ATTR_TAG ? "2 AND x.key = "
							: "1 AND x.key = ");
	mr_ix_sql_int(q, key);
	if (t->attr != MR_ATTR_METRIC)
		return put_pair(s, q, t, err);
	if (!is_by_value(s, t))
		return 0;
	mr_ix_sql_put(q, " AND ");
	mr_ix_put_number_test(q, "p.value", false, t);
	return 0;
}

/* Rows that name a version by its node. */
static int put_named(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_term *t, struct mreg_error *err)
{
	bool any = mr_ix_asks_presence(t->cmp) || t->cmp == MR_CMP_NE;
	int64_t key;
	int rc = 0;

	mr_ix_sql_put(q, "SELECT v.id FROM ");
	if (t->attr == MR_ATTR_ALIAS) {
		mr_ix_sql_put(q, "ix_names n CROSS JOIN ix_versions v "
				 "WHERE n.kind <> 1 AND v.node = n.tagged");
		mr_ix_sql_put(q, any ? "" : " AND ");
		if (!any)
			mr_ix_put_text_test(q, "n.tag", t);
	} else if (t->attr == MR_ATTR_ENVIRONMENT) {
		mr_ix_sql_put(q, "ix_deployments n CROSS JOIN ix_versions v "
				 "WHERE v.node = n.version");
		mr_ix_sql_put(q, any ? "" : " AND ");
		if (!any)
			rc = mr_ix_put_id_test(s, q, "n.environment", t, err);
	} else {
		rc = mr_ix_search_text(s, t->key, &key, err);
		if (rc < 0)
			return rc;
		mr_ix_sql_put(q, "ix_documents n CROSS JOIN ix_versions v "
				 "WHERE v.node = n.subject AND n.suite = ");
		mr_ix_sql_int(q, key);
		mr_ix_sql_put(q, any ? "" : " AND ");
		if (!any)
			rc = mr_ix_put_id_test(s, q, "n.verdict", t, err);
	}
	mr_ix_sql_put(q, " AND v.model = n.model");
	return rc;
}

static int put_words(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_term *t, struct mreg_error *err)
{
	const char *words = NULL;
	int rc = mr_ix_match_words(s, t, &words, err);

	if (rc < 0)
		return rc;
	/* No words match nothing. */
	mr_ix_sql_put(q, "SELECT rowid FROM ix_cards WHERE ix_cards MATCH ");
	mr_ix_sql_text(q, words[0] ? words : "\"\"");
	return 0;
}

/* Of models by name; as a join, since SQLite makes a table of a set. */
static int put_versions(struct mr_ix_search *s, struct mr_ix_sql *q,
			const struct mr_term *t, struct mreg_error *err)
{
	int rc;

	mr_ix_sql_put(q, "SELECT v.id FROM (");
	rc = mr_ix_put_models(s, q, t, err);
	mr_ix_sql_put(q, ") w CROSS JOIN ix_versions v WHERE v.model = w.id");
	return rc;
}

static int put_leaf(struct mr_ix_search *s, struct mr_ix_sql *q,
		    const struct mr_term *t, struct mreg_error *err)
{
	if (t->kind == MR_TERM_PREDICATE && t->predicate == MR_PRED_TEXT)
		return put_words(s, q, t, err);
	switch (t->kind == MR_TERM_COMPARE ? t->attr : MR_ATTR_COUNT) {
	case MR_ATTR_TAG:
	case MR_ATTR_PARAM:
	case MR_ATTR_METRIC:
		return put_entries(s, q, t, err);
	case MR_ATTR_ALIAS:
	case MR_ATTR_ENVIRONMENT:
	case MR_ATTR_EVALUATION:
		return put_named(s, q, t, err);
	case MR_ATTR_NAME:
	case MR_ATTR_MODEL:
		return put_versions(s, q, t, err);
	case MR_ATTR_REGISTERED:
		mr_ix_sql_put(q, "SELECT v.id FROM ix_versions v "
				 "WHERE v.registered_s IS NULL AND ");
		mr_ix_put_number_test(q, "v.updated_s", true, t);
		mr_ix_sql_put(q, " UNION ALL SELECT v.id FROM ix_versions v "
				 "WHERE v.registered_s IS NOT NULL AND ");
		mr_ix_put_number_test(q, "v.registered_s", true, t);
		return 0;
	case MR_ATTR_UPDATED:
		mr_ix_sql_put(q, "SELECT v.id FROM ix_versions v WHERE ");
		mr_ix_put_number_test(q, "v.updated_s", true, t);
		return 0;
	case MR_ATTR_STAGE:
		mr_ix_sql_put(q, "SELECT v.id FROM ix_versions v "
				 "WHERE v.stage <> 1 AND ");
		return mr_ix_put_term(s, q, t, err);
	case MR_ATTR_NUMBER:
		mr_ix_sql_put(q, "SELECT v.id FROM ix_models m CROSS JOIN "
				 "ix_versions v WHERE v.model = m.id AND ");
		return mr_ix_put_compare(s, q, t, err);
	default:
		mr_ix_sql_put(q, "SELECT v.id FROM ix_versions v WHERE ");
		return mr_ix_put_term(s, q, t, err);
	}
}

int mr_ix_put_list(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err)
{
	size_t i, n = 0;
	int rc = 0;

	if (t->kind != MR_TERM_AND && t->kind != MR_TERM_OR)
		return put_leaf(s, q, t, err);
	for (i = 0; i < t->child_count && rc >= 0; i++) {
		if (!mr_ix_is_listed(s, t->children[i]))
			continue;
		mr_ix_sql_put(q, n++ ? " UNION ALL " : "");
		rc = mr_ix_put_list(s, q, t->children[i], err);
		/* All of AND are in any of its lists. */
		if (t->kind == MR_TERM_AND)
			break;
	}
	return rc;
}
