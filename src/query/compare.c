/*
 * compare.c - one comparison: what may be compared with what, and how.
 */
#include "query/inside.h"

#include <string.h>

#include "base/error.h"

static int nomem(struct mr_parse *p)
{
	return mr_fail_nomem(p->err);
}

int mr_parse_count(struct mr_parse *p, size_t at)
{
	if (++p->terms <= MR_QUERY_TERMS_MAX)
		return 0;
	return mr_parse_fail(p, at, "search twice, or use IN",
			     "more than %d comparisons", MR_QUERY_TERMS_MAX);
}

static int compare(struct mr_parse *p, const struct mr_subject *s,
		   enum mr_cmp cmp, const struct mr_operand *values, size_t n,
		   const struct mr_term **out)
{
	struct mr_term *t = mr_term_new(p, MR_TERM_COMPARE, s->at);

	if (!t)
		return nomem(p);
	t->attr = s->attr;
	t->key = s->key;
	t->cmp = cmp;
	t->values = values;
	t->value_count = n;
	*out = t;
	return 0;
}

static int compare_one(struct mr_parse *p, const struct mr_subject *s,
		       enum mr_cmp cmp, const struct mr_operand *value,
		       int64_t integer, const struct mr_term **out)
{
	struct mr_operand *o = mr_arena_alloc(p->arena, sizeof(*o));

	if (!o)
		return nomem(p);
	*o = *value;
	if (o->type == MR_VALUE_TIME) {
		o->integer = integer;
		o->number = (double)integer;
	}
	return compare(p, s, cmp, o, 1, out);
}

/* A stretch of time has two ends. */
static int compare_time(struct mr_parse *p, const struct mr_subject *s,
			enum mr_cmp cmp, const struct mr_value *v,
			const struct mr_term **out)
{
	int64_t first_s = v->operand.integer;
	bool equal = cmp == MR_CMP_EQ;
	const struct mr_term *a, *b;
	int rc;

	if (cmp == MR_CMP_LT || cmp == MR_CMP_GE)
		return compare_one(p, s, cmp, &v->operand, first_s, out);
	if (cmp == MR_CMP_LE || cmp == MR_CMP_GT || first_s == v->last_s)
		return compare_one(p, s, cmp, &v->operand, v->last_s, out);
	if (first_s > v->last_s)
		return mr_parse_fail(p, v->operand.at,
				     "compare it by '<' or '>'",
				     "'%.60s' is between two seconds, and no "
				     "time is",
				     v->operand.text);
	rc = compare_one(p, s, equal ? MR_CMP_GE : MR_CMP_LT, &v->operand,
			 first_s, &a);
	if (rc == 0)
		rc = compare_one(p, s, equal ? MR_CMP_LE : MR_CMP_GT,
				 &v->operand, v->last_s, &b);
	if (rc < 0)
		return rc;
	return mr_term_join(p, equal ? MR_TERM_AND : MR_TERM_OR, a, b, out);
}

static bool is_pattern(enum mr_cmp cmp)
{
	return cmp == MR_CMP_LIKE || cmp == MR_CMP_ILIKE;
}

static int check_cmp(struct mr_parse *p, const struct mr_subject *s,
		     const struct mr_token *op, enum mr_value_type type)
{
	bool ordering = op->cmp >= MR_CMP_LT && op->cmp <= MR_CMP_GE;

	if (is_pattern(op->cmp) && type != MR_VALUE_TEXT)
		return mr_parse_fail(
			p, op->at, "use =, !=, <, <=, >, >=, IN or IS NULL",
			"%s compares texts, and '%s' has %s",
			mr_cmp_text(op->cmp), mr_attr_name(s->attr),
			type == MR_VALUE_TIME ? "times" : "numbers");
	if (ordering && type == MR_VALUE_TEXT)
		return mr_parse_fail(
			p, op->at,
			s->attr == MR_ATTR_PARAM
				? "write the number without quotes"
				: "use =, !=, LIKE, ILIKE, IN or IS NULL",
			"texts are not compared with '%s'",
			mr_cmp_text(op->cmp));
	return 0;
}

static int parse_list(struct mr_parse *p, const struct mr_subject *s,
		      const struct mr_term **out)
{
	bool times = mr_attr_type(s->attr) == MR_VALUE_TIME;
	struct mr_operand *values = NULL;
	const struct mr_term *t;
	struct mr_terms days = { 0 };
	struct mr_value v;
	size_t n = 0, cap = 0;
	int rc;

	if (p->token.kind != MR_TOKEN_OPEN)
		return mr_parse_unexpected(
			p, "a list",
			"put the values in parentheses: ('a', 'b')");
	do {
		rc = mr_parse_next(p);
		if (rc == 0)
			rc = mr_parse_value(p, s, &v);
		if (rc < 0)
			return rc;
		if (n && values[0].type != v.operand.type)
			return mr_parse_fail(
				p, v.operand.at,
				"put all values in quotes, or none",
				"a list is of texts or of numbers");
		rc = mr_parse_room(p, &values, n, &cap);
		if (rc < 0)
			return rc;
		values[n++] = v.operand;
		if (!times)
			continue;
		rc = mr_parse_count(p, v.operand.at);
		if (rc == 0)
			rc = compare_time(p, s, MR_CMP_EQ, &v, &t);
		if (rc == 0)
			rc = mr_terms_push(p, &days, t);
		if (rc < 0)
			return rc;
	} while (p->token.kind == MR_TOKEN_COMMA);
	if (p->token.kind != MR_TOKEN_CLOSE)
		return mr_parse_unexpected(
			p, "a comma or ')'",
			"close the list with ')', or separate its values by commas");
	rc = times ? mr_terms_join(p, MR_TERM_OR, &days, out)
		   : compare(p, s, MR_CMP_IN, values, n, out);
	return rc < 0 ? rc : mr_parse_next(p);
}

/* Of what is told alone: NOT IN, NOT LIKE. */
static int negate_told(struct mr_parse *p, const struct mr_subject *s,
		       const struct mr_term *t, const struct mr_term **out)
{
	const struct mr_term *told, *none;
	int rc = mr_term_negate(p, s->at, t, &none);

	if (rc < 0 || mr_attr_is_always(s->attr)) {
		*out = rc < 0 ? NULL : none;
		return rc;
	}
	rc = compare(p, s, MR_CMP_IS_SET, NULL, 0, &told);
	return rc < 0 ? rc : mr_term_join(p, MR_TERM_AND, told, none, out);
}

static int parse_is(struct mr_parse *p, const struct mr_subject *s,
		    const struct mr_term **out)
{
	enum mr_cmp cmp = MR_CMP_IS_NULL;
	int rc = mr_parse_next(p);

	if (rc == 0 && mr_parse_at_word(p, "NOT")) {
		cmp = MR_CMP_IS_SET;
		rc = mr_parse_next(p);
	}
	if (rc < 0)
		return rc;
	if (!mr_parse_at_word(p, "NULL"))
		return mr_parse_unexpected(
			p, "NULL",
			"write IS NULL or IS NOT NULL; for a value use =");
	rc = mr_parse_next(p);
	return rc < 0 ? rc : compare(p, s, cmp, NULL, 0, out);
}

static int parse_simple(struct mr_parse *p, const struct mr_subject *s,
			const struct mr_token *op, const struct mr_term **out)
{
	struct mr_value v;
	int rc = 0;

	/* Before the value is found to be no number. */
	if (is_pattern(op->cmp))
		rc = check_cmp(p, s, op, mr_attr_type(s->attr));
	if (rc == 0)
		rc = mr_parse_value(p, s, &v);
	if (rc == 0)
		rc = check_cmp(p, s, op, v.operand.type);
	if (rc < 0)
		return rc;
	if (v.operand.type == MR_VALUE_TIME)
		return compare_time(p, s, op->cmp, &v, out);
	return compare_one(p, s, op->cmp, &v.operand, 0, out);
}

int mr_parse_comparison(struct mr_parse *p, const struct mr_term **out)
{
	const struct mr_term *t;
	struct mr_subject s;
	struct mr_token op;
	bool negated = false;
	int rc = mr_parse_subject(p, &s);

	if (rc == 0)
		rc = mr_parse_count(p, s.at);
	if (rc < 0)
		return rc;
	if (mr_parse_at_word(p, "IS"))
		return parse_is(p, &s, out);
	op = p->token;
	if (mr_parse_at_word(p, "NOT")) {
		negated = true;
		rc = mr_parse_next(p);
		if (rc < 0)
			return rc;
		op = p->token;
	}
	if (mr_parse_at_word(p, "IN")) {
		rc = mr_parse_next(p);
		if (rc == 0)
			rc = parse_list(p, &s, &t);
	} else {
		if (mr_parse_at_word(p, "LIKE"))
			op.cmp = MR_CMP_LIKE;
		else if (mr_parse_at_word(p, "ILIKE"))
			op.cmp = MR_CMP_ILIKE;
		else if (op.kind != MR_TOKEN_CMP || negated)
			return mr_parse_unexpected(
				p,
				negated ? "IN, LIKE or ILIKE" : "a comparison",
				negated ? "write != instead, or NOT before the attribute"
					: "say what it is compared with: name = 'churn'");
		rc = mr_parse_next(p);
		if (rc == 0)
			rc = parse_simple(p, &s, &op, &t);
	}
	if (rc < 0)
		return rc;
	*out = t;
	return negated ? negate_told(p, &s, t, out) : 0;
}
