/*
 * value.c - what stands on the two sides of a comparison.
 */
#include "query/inside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"

/* Integers up to here are exact as a double. */
#define EXACT_MAX 9007199254740992.0
#define DAY_S 86400
/* What RFC 3339 can say: the years 0 to 9999. */
#define FIRST_S (-INT64_C(62167219200))
#define LAST_S INT64_C(253402300799)

/* -- the left side ----------------------------------------------------------
 */

static int no_attribute(struct mr_parse *p, const char *word, size_t at)
{
	const char *near = mr_query_nearest(word, p->of);
	enum mr_predicate predicate;
	char advice[100];

	if (mr_query_predicate(word, &predicate))
		return mr_parse_fail(p, at,
				     "write it behind the name, in quotes",
				     "'%s' needs a text: %s('...')",
				     mr_predicate_name(predicate),
				     mr_predicate_name(predicate));
	if (near)
		(void)snprintf(advice, sizeof(advice), "did you mean '%s'?",
			       near);
	return mr_parse_fail(
		p, at,
		near ? advice
		     : "'mreg search --help' names the usual ones, spec/query.md all",
		"there is no attribute '%.60s'", word);
}

static int parse_key(struct mr_parse *p, struct mr_subject *out)
{
	int rc = mr_parse_next_key(p);

	if (rc < 0)
		return rc;
	switch (p->token.kind) {
	case MR_TOKEN_WORD:
	case MR_TOKEN_QUOTED:
	case MR_TOKEN_TICKED:
		break;
	default:
		return mr_parse_unexpected(
			p, "a key", "write the key behind the dot: tags.team");
	}
	if (!p->token.text[0])
		return mr_parse_fail(p, p->token.at,
				     "write a key between the quotes",
				     "the key is empty");
	out->key = p->token.text;
	return mr_parse_next(p);
}

static int check_of(struct mr_parse *p, const struct mr_subject *s)
{
	if (p->of != MR_QUERY_MODELS || mr_attr_is_of_models(s->attr))
		return 0;
	return mr_parse_fail(p, s->at, "leave out --models to search versions",
			     "a model as a whole has no '%s'",
			     mr_attr_name(s->attr));
}

bool mr_parse_at_name(const struct mr_parse *p)
{
	return p->token.kind == MR_TOKEN_WORD ||
	       p->token.kind == MR_TOKEN_TICKED;
}

int mr_parse_subject(struct mr_parse *p, struct mr_subject *out)
{
	const char *word = p->token.text;
	int rc;

	out->at = p->token.at;
	out->key = NULL;
	if (!mr_parse_at_name(p))
		return mr_parse_unexpected(p, "an attribute",
					   "write one: name, stage, tags.team");
	rc = mr_parse_next(p);
	if (rc < 0)
		return rc;
	if (p->token.kind != MR_TOKEN_DOT) {
		if (mr_query_attr(word, &out->attr))
			return check_of(p, out);
		if (mr_query_map(word, &out->attr))
			return mr_parse_fail(
				p, out->at, "write the key behind a dot",
				"'%s' needs a key: %s.KEY", word, word);
		return no_attribute(p, word, out->at);
	}
	if (mr_query_map(word, &out->attr)) {
		rc = check_of(p, out);
		return rc < 0 ? rc : parse_key(p, out);
	}
	if (!mr_query_is_prefix(word))
		return mr_parse_fail(p, out->at,
				     "keys have tags.KEY, params.KEY, "
				     "metrics.NAME, "
				     "evaluations.SUITE",
				     "'%.60s' has no keys", word);
	rc = mr_parse_next(p);
	if (rc < 0)
		return rc;
	if (!mr_parse_at_name(p) || !mr_query_attr(p->token.text, &out->attr))
		return no_attribute(p, p->token.text, p->token.at);
	rc = check_of(p, out);
	return rc < 0 ? rc : mr_parse_next(p);
}

/* -- the right side ---------------------------------------------------------
 */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *s)
{
	while (is_digit(*s))
		s++;
	return s;
}

/* Decimal, as SQL and JSON write numbers: strtod takes more. */
static bool is_decimal(const char *s)
{
	const char *p;

	if (*s == '+' || *s == '-')
		s++;
	p = skip_digits(s);
	if (*p == '.')
		p = skip_digits(p + 1);
	if (p == s || (p == s + 1 && *s == '.'))
		return false;
	if (*p == 'e' || *p == 'E') {
		p += p[1] == '+' || p[1] == '-' ? 2 : 1;
		if (!is_digit(*p))
			return false;
		p = skip_digits(p);
	}
	return !*p;
}

/* Only digits, and a sign: exact, where it fits. */
static bool parse_integer(const char *s, int64_t *out)
{
	bool minus = *s == '-';
	uint64_t n;

	if (*s == '+' || *s == '-')
		s++;
	if (mr_text_u64(s, INT64_MAX, &n) < 0)
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool set_whole(struct mr_operand *o, int64_t n)
{
	o->integer = n;
	o->whole = true;
	o->number = (double)n;
	return true;
}

static bool parse_decimal(const char *text, struct mr_operand *o)
{
	int64_t n;

	if (!is_decimal(text))
		return false;
	if (parse_integer(text, &n))
		return set_whole(o, n);
	o->number = strtod(text, NULL);
	if (!isfinite(o->number))
		return false;
	if (fabs(o->number) <= EXACT_MAX &&
	    o->number == (double)(int64_t)o->number)
		(void)set_whole(o, (int64_t)o->number);
	return true;
}

/* "7B", "350M": how many weights, as people say it. */
static bool parse_count(const char *text, struct mr_operand *o)
{
	static const struct {
		char unit;
		double times;
	} units[] = { { 'K', 1e3 },
		      { 'M', 1e6 },
		      { 'B', 1e9 },
		      { 'G', 1e9 },
		      { 'T', 1e12 } };
	size_t n = strlen(text);
	char number[32];
	size_t i;

	if (n < 2 || n > sizeof(number))
		return false;
	memcpy(number, text, n - 1);
	number[n - 1] = '\0';
	if (!parse_decimal(number, o))
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if ((text[n - 1] & ~0x20) == units[i].unit) {
			o->number *= units[i].times;
			/* 0.35 is not exact, and a count is whole. */
			o->whole = false;
			if (fabs(o->number) <= EXACT_MAX)
				(void)set_whole(
					o, (int64_t)(o->number +
						     (o->number < 0 ? -0.5
								    : 0.5)));
			return true;
		}
	return false;
}

static int parse_number(struct mr_parse *p, const struct mr_subject *s,
			struct mr_operand *o)
{
	uint64_t bytes;

	if (parse_decimal(o->text, o))
		return 0;
	if (s->attr == MR_ATTR_BYTES &&
	    mr_text_size_parse(o->text, &bytes) == 0)
		return set_whole(o, (int64_t)bytes) ? 0 : -1;
	if (s->attr == MR_ATTR_PARAMETERS && parse_count(o->text, o))
		return 0;
	return mr_parse_fail(p, o->at,
			     s->attr == MR_ATTR_BYTES
				     ? "write a number: 100, 10MB, 2GiB"
			     : s->attr == MR_ATTR_PARAMETERS
				     ? "write a number: 7000000000, 350M, 7B"
				     : "write a number: 0.9, 1e-3, -2",
			     "'%.60s' is no number", o->text);
}

/* Milliseconds, as MLflow tells time: between two seconds is after the one and
 * before the other. */
static bool set_milliseconds(int64_t ms, struct mr_value *v)
{
	int64_t s = ms / 1000 - (ms % 1000 < 0);

	v->operand.integer = ms % 1000 ? s + 1 : s;
	v->last_s = s;
	return s >= FIRST_S && s < LAST_S;
}

static bool set_stretch(int64_t first_s, int64_t last_s, struct mr_value *v)
{
	v->operand.integer = first_s;
	v->last_s = last_s;
	return first_s >= FIRST_S;
}

static bool parse_moment(const struct mr_parse *p, const char *text,
			 struct mr_value *v)
{
	int64_t n;

	if (parse_integer(text, &n))
		return set_milliseconds(n, v);
	if (mr_text_span_parse(text, &n) == 0)
		return set_stretch(p->now_s - n, p->now_s - n, v);
	if (mr_text_time_parse(text, &n) == 0)
		return set_stretch(n, n, v);
	/* A day: what a moment makes of it is its end. */
	if (mr_text_moment_parse(text, &n) == 0)
		return set_stretch(n - (DAY_S - 1), n, v);
	return false;
}

/* "30d ago" reads better, and is the same. */
static int skip_ago(struct mr_parse *p, const struct mr_operand *o)
{
	int64_t ignored;

	if (mr_text_span_parse(o->text, &ignored) < 0 ||
	    !mr_parse_at_word(p, "ago"))
		return 0;
	return mr_parse_next(p);
}

static int no_value(struct mr_parse *p, const struct mr_subject *s)
{
	char advice[140];

	if (mr_attr_type(s->attr) != MR_VALUE_TEXT ||
	    (p->token.kind != MR_TOKEN_WORD &&
	     p->token.kind != MR_TOKEN_LITERAL &&
	     p->token.kind != MR_TOKEN_TICKED))
		return mr_parse_unexpected(
			p, "a value",
			"write one: 'a text', 0.9, 2026-05-03, 30d");
	(void)snprintf(advice, sizeof(advice), "write '%.100s', in quotes",
		       p->token.text);
	return mr_parse_fail(p, p->token.at, advice,
			     "the value of '%s' is a text",
			     mr_attr_name(s->attr));
}

int mr_parse_value(struct mr_parse *p, const struct mr_subject *s,
		   struct mr_value *out)
{
	bool literal = p->token.kind == MR_TOKEN_LITERAL;
	struct mr_operand *o = &out->operand;
	int rc;

	memset(out, 0, sizeof(*out));
	o->type = mr_attr_type(s->attr);
	if (literal && s->attr == MR_ATTR_PARAM)
		o->type = MR_VALUE_NUMBER;
	if (p->token.kind != MR_TOKEN_QUOTED &&
	    !(literal && o->type != MR_VALUE_TEXT))
		return no_value(p, s);
	o->at = p->token.at;
	o->text = p->token.text;
	rc = mr_parse_next(p);
	if (rc < 0)
		return rc;
	switch (o->type) {
	case MR_VALUE_TEXT:
		return 0;
	case MR_VALUE_NUMBER:
		return parse_number(p, s, o);
	case MR_VALUE_TIME:
		break;
	}
	if (!parse_moment(p, o->text, out))
		return mr_parse_fail(
			p, o->at,
			"write a time: 2026-05-03, 2026-05-03T10:00:00Z, 30d "
			"(ago), or milliseconds since 1970",
			"'%.60s' is no time", o->text);
	o->whole = true;
	o->number = (double)o->integer;
	return literal ? skip_ago(p, o) : 0;
}

int mr_parse_room(struct mr_parse *p, struct mr_operand **items, size_t n,
		  size_t *cap)
{
	struct mr_operand *more;

	if (n == MR_QUERY_VALUES_MAX)
		return mr_parse_fail(
			p, p->token.at, "leave some out, or ask twice",
			"more than %d values in a list", MR_QUERY_VALUES_MAX);
	if (n < *cap)
		return 0;
	*cap = *cap ? 2 * *cap : 4;
	more = mr_arena_alloc(p->arena, *cap * sizeof(*more));
	if (!more)
		return mr_fail_nomem(p->err);
	if (n)
		memcpy(more, *items, n * sizeof(*more));
	*items = more;
	return 0;
}
