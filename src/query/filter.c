/*
 * filter.c - a filter to a tree, by recursive descent: OR, AND, NOT, and what
 * they join (spec/query.md has the grammar).
 */
#include "query/inside.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static int parse_or(struct mr_parse *p, const struct mr_term **out);

static int deeper(struct mr_parse *p)
{
	if (++p->depth <= MR_QUERY_DEPTH_MAX)
		return 0;
	return mr_parse_fail(p, p->token.at,
			     "use fewer parentheses, and NOT less often",
			     "it is nested deeper than %d", MR_QUERY_DEPTH_MAX);
}

/* ('a', 'b'), with what stood before it read. */
static int parse_arguments(struct mr_parse *p, struct mr_term *t)
{
	struct mr_operand *values = NULL;
	size_t cap = 0;
	int rc;

	do {
		rc = mr_parse_next(p);
		if (rc < 0)
			return rc;
		if (p->token.kind != MR_TOKEN_QUOTED)
			return mr_parse_unexpected(
				p, "a text in quotes",
				"put it in quotes: text('credit risk')");
		if (!p->token.text[0])
			return mr_parse_fail(
				p, p->token.at,
				"write something between the quotes",
				"the text is empty");
		rc = mr_parse_room(p, &values, t->value_count, &cap);
		if (rc < 0)
			return rc;
		values[t->value_count++] =
			(struct mr_operand){ .type = MR_VALUE_TEXT,
					     .text = p->token.text,
					     .at = p->token.at };
		rc = mr_parse_next(p);
		if (rc < 0)
			return rc;
	} while (p->token.kind == MR_TOKEN_COMMA);
	t->values = values;
	if (p->token.kind != MR_TOKEN_CLOSE)
		return mr_parse_unexpected(
			p, "a comma or ')'",
			"close the parenthesis, or put a comma between texts");
	return mr_parse_next(p);
}

static int unknown_predicate(struct mr_parse *p, const char *word, size_t at)
{
	const char *near = mr_query_nearest(word, p->of);
	char advice[100];

	if (near)
		(void)snprintf(advice, sizeof(advice), "did you mean '%s'?",
			       near);
	return mr_parse_fail(
		p, at,
		near ? advice
		     : "write text('words') or descends_from('NAME:TAG'); spec/query.md has the others",
		"there is no '%.60s(...)'", word);
}

/* name('...'): the word was read, the parser looks at '('. */
static int parse_predicate(struct mr_parse *p, const struct mr_token *name,
			   const struct mr_term **out)
{
	struct mr_term *t = mr_term_new(p, MR_TERM_PREDICATE, name->at);
	int rc;

	if (!t)
		return mr_fail_nomem(p->err);
	if (!mr_query_predicate(name->text, &t->predicate))
		return unknown_predicate(p, name->text, name->at);
	if (p->of == MR_QUERY_MODELS)
		return mr_parse_fail(p, name->at,
				     "leave out --models to search versions",
				     "'%s' is asked of versions",
				     mr_predicate_name(t->predicate));
	rc = mr_parse_count(p, name->at);
	if (rc == 0)
		rc = parse_arguments(p, t);
	*out = t;
	return rc;
}

static int parse_group(struct mr_parse *p, const struct mr_term **out)
{
	int rc = deeper(p);

	if (rc == 0)
		rc = mr_parse_next(p);
	if (rc == 0)
		rc = parse_or(p, out);
	if (rc < 0)
		return rc;
	if (p->token.kind != MR_TOKEN_CLOSE)
		return mr_parse_unexpected(
			p, "AND, OR or ')'",
			"close the parenthesis, or go on with AND or OR");
	p->depth--;
	return mr_parse_next(p);
}

static int parse_not(struct mr_parse *p, const struct mr_term **out)
{
	size_t at = p->token.at;
	const struct mr_term *t;
	struct mr_parse before;
	struct mr_token word;
	int rc;

	if (p->token.kind == MR_TOKEN_OPEN)
		return parse_group(p, out);
	if (mr_parse_at_word(p, "NOT")) {
		rc = deeper(p);
		if (rc == 0)
			rc = mr_parse_next(p);
		if (rc == 0)
			rc = parse_not(p, &t);
		if (rc < 0)
			return rc;
		p->depth--;
		return mr_term_negate(p, at, t, out);
	}
	if (!mr_parse_at_name(p))
		return mr_parse_unexpected(
			p, "a comparison",
			"write one: name = 'churn', created > 30d");
	/* Whether it is a predicate shows behind the word. */
	before = *p;
	word = p->token;
	rc = mr_parse_next(p);
	if (rc < 0)
		return rc;
	if (p->token.kind == MR_TOKEN_OPEN)
		return parse_predicate(p, &word, out);
	*p = before;
	return mr_parse_comparison(p, out);
}

static int parse_joined(struct mr_parse *p, enum mr_term_kind kind,
			const struct mr_term **out)
{
	bool all = kind == MR_TERM_AND;
	struct mr_terms kids = { 0 };
	const struct mr_term *t;
	int rc;

	for (;;) {
		rc = all ? parse_not(p, &t) : parse_joined(p, MR_TERM_AND, &t);
		if (rc == 0)
			rc = mr_terms_add(p, &kids, kind, t);
		if (rc < 0)
			return rc;
		if (!mr_parse_at_word(p, all ? "AND" : "OR"))
			break;
		rc = mr_parse_next(p);
		if (rc < 0)
			return rc;
	}
	return mr_terms_join(p, kind, &kids, out);
}

static int parse_or(struct mr_parse *p, const struct mr_term **out)
{
	return parse_joined(p, MR_TERM_OR, out);
}

int mr_parse_filter(struct mr_parse *p, const struct mr_term **out)
{
	int rc = mr_parse_next(p);

	if (rc == 0)
		rc = parse_or(p, out);
	if (rc < 0)
		return rc;
	if (p->token.kind != MR_TOKEN_END)
		return mr_parse_unexpected(
			p, "AND or OR",
			p->token.kind == MR_TOKEN_CLOSE
				? "leave it out, or open it before"
				: "join comparisons by AND or OR");
	return 0;
}
