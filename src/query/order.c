/*
 * order.c - "metrics.auc DESC, name".
 */
#include "query/inside.h"

#include <string.h>

static bool is_same(const struct mr_order *o, const struct mr_subject *s)
{
	return o->attr == s->attr && (!s->key || strcmp(o->key, s->key) == 0);
}

static int check(struct mr_parse *p, const struct mr_order *items, size_t n,
		 const struct mr_subject *s)
{
	size_t i;

	if (mr_attr_is_many(s->attr))
		return mr_parse_fail(
			p, s->at,
			"order by what has one value: name, updated, metrics.auc",
			"'%s' may have several values, which give "
			"no order",
			mr_attr_name(s->attr));
	for (i = 0; i < n; i++)
		if (is_same(&items[i], s))
			return mr_parse_fail(
				p, s->at, "name it once", "'%s' orders already",
				s->key ? s->key : mr_attr_name(s->attr));
	return 0;
}

static int full(struct mr_parse *p, size_t at, size_t max)
{
	return mr_parse_fail(p, at, "leave some out",
			     "more than %zu attributes", max);
}

static int parse_ordered(struct mr_parse *p, struct mr_order *items, size_t *n,
			 size_t max)
{
	struct mr_subject s;
	int rc = mr_parse_subject(p, &s);

	if (rc == 0)
		rc = check(p, items, *n, &s);
	if (rc < 0)
		return rc;
	if (*n == max)
		return full(p, s.at, max);
	items[*n] = (struct mr_order){ .attr = s.attr, .key = s.key };
	if (mr_parse_at_word(p, "DESC") || mr_parse_at_word(p, "ASC")) {
		items[*n].descending = mr_parse_at_word(p, "DESC");
		rc = mr_parse_next(p);
	}
	(*n)++;
	return rc;
}

static int parse_shown(struct mr_parse *p, struct mr_order *items, size_t *n,
		       size_t max)
{
	struct mr_subject s;
	int rc = mr_parse_subject(p, &s);

	if (rc < 0)
		return rc;
	if (*n == max)
		return full(p, s.at, max);
	items[(*n)++] = (struct mr_order){ .attr = s.attr, .key = s.key };
	return 0;
}

int mr_parse_order(struct mr_parse *p, struct mr_order *items, size_t *n,
		   size_t max)
{
	int rc;

	do {
		rc = mr_parse_next(p);
		if (rc == 0)
			rc = parse_ordered(p, items, n, max);
		if (rc < 0)
			return rc;
	} while (p->token.kind == MR_TOKEN_COMMA);
	if (p->token.kind != MR_TOKEN_END)
		return mr_parse_unexpected(
			p, "ASC, DESC or a comma",
			"write an attribute and which way: metrics.auc DESC");
	return 0;
}

int mr_parse_columns(struct mr_parse *p, struct mr_order *items, size_t *n,
		     size_t max)
{
	int rc;

	do {
		rc = mr_parse_next(p);
		if (rc == 0)
			rc = parse_shown(p, items, n, max);
		if (rc < 0)
			return rc;
	} while (p->token.kind == MR_TOKEN_COMMA);
	if (p->token.kind != MR_TOKEN_END)
		return mr_parse_unexpected(p, "a comma",
					   "separate attributes by commas");
	return 0;
}
