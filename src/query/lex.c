/*
 * lex.c - the tokens of a filter, and errors that point into it.
 */
#include "query/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

int mr_parse_fail(struct mr_parse *p, size_t at, const char *advice,
		  const char *fmt, ...)
{
	char draft[sizeof(p->err->msg)];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	if (vsnprintf(draft, sizeof(draft) - 40, fmt, ap) < 0)
		draft[0] = '\0';
	va_end(ap);
	p->wrong = at;
	p->located = true;
	rc = mr_fail(p->err, MREG_EUSAGE, "%s (byte %zu of the %s)", draft,
		     at + 1, p->what);
	if (advice)
		(void)mr_hint(p->err, "%s", advice);
	else
		(void)mr_hint(p->err, "it is here: %.120s", p->in + at);
	return rc;
}

int mr_parse_unexpected(struct mr_parse *p, const char *expected,
			const char *advice)
{
	const struct mr_token *t = &p->token;
	char both[160];

	if (t->kind == MR_TOKEN_END)
		return mr_parse_fail(p, t->at, advice,
				     "the %s ends where %s should be", p->what,
				     expected);
	(void)snprintf(both, sizeof(both), "%s; it is here: %.60s", advice,
		       p->in + t->at);
	return mr_parse_fail(p, t->at, both,
			     "'%.60s' stands where %s should be", t->text,
			     expected);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters of any script: bytes above ASCII are not looked into. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

/* Nothing is computed in this language, so that a key may have a minus. */
static bool is_key(char c)
{
	return is_letter(c) || is_digit(c) || (c && strchr(".-/:@", c));
}

bool mr_key_is_bare(const char *key)
{
	size_t i;

	for (i = 0; is_key(key[i]); i++)
		continue;
	return i > 0 && !key[i];
}

static bool begins_literal(const char *s)
{
	if (*s == '+' || *s == '-')
		s++;
	if (*s == '.')
		s++;
	return is_digit(*s);
}

static bool is_literal(char c)
{
	return is_letter(c) || is_digit(c) || (c && strchr(".:+-", c));
}

static int nomem(struct mr_parse *p)
{
	return mr_fail_nomem(p->err);
}

/* `n` bytes at the token's beginning are it. */
static int take(struct mr_parse *p, enum mr_token_kind kind, size_t n)
{
	struct mr_token *t = &p->token;

	t->kind = kind;
	t->text = mr_arena_strndup(p->arena, p->in + t->at, n);
	p->next = t->at + n;
	return t->text ? 0 : nomem(p);
}

/* The quote that closes the one at `s`; NULL: none does.  Two of them are one
 * character, as in SQL. */
static const char *closing(const char *s)
{
	char quote = *s++;

	for (; *s; s++) {
		if (*s != quote)
			continue;
		if (s[1] != quote)
			return s;
		s++;
	}
	return NULL;
}

static int take_quoted(struct mr_parse *p)
{
	struct mr_token *t = &p->token;
	const char *s = p->in + t->at;
	const char *end = closing(s);
	char quote = *s++;
	size_t n = 0;
	char *out;

	if (!end)
		return mr_parse_fail(p, t->at,
				     "close it; a quote inside is written "
				     "twice: 'it''s'",
				     "a quote (%c) is not closed", quote);
	out = mr_arena_alloc(p->arena, (size_t)(end - s) + 1);
	if (!out)
		return nomem(p);
	for (; s < end; s++) {
		out[n++] = *s;
		s += *s == quote;
	}
	t->kind = quote == '`' ? MR_TOKEN_TICKED : MR_TOKEN_QUOTED;
	t->text = out;
	p->next = (size_t)(end + 1 - p->in);
	return 0;
}

static int take_while(struct mr_parse *p, enum mr_token_kind kind,
		      bool (*belongs)(char))
{
	const char *s = p->in + p->token.at;
	size_t n = 1;

	while (belongs(s[n]))
		n++;
	return take(p, kind, n);
}

static bool is_word(char c)
{
	return is_letter(c) || is_digit(c);
}

static int take_mark(struct mr_parse *p)
{
	static const struct {
		const char *text;
		enum mr_token_kind kind;
		enum mr_cmp cmp;
	} marks[] = {
		/* The longer ones first. */
		{ "!=", MR_TOKEN_CMP, MR_CMP_NE },
		{ "<>", MR_TOKEN_CMP, MR_CMP_NE },
		{ "<=", MR_TOKEN_CMP, MR_CMP_LE },
		{ ">=", MR_TOKEN_CMP, MR_CMP_GE },
		{ "==", MR_TOKEN_CMP, MR_CMP_EQ },
		{ "=", MR_TOKEN_CMP, MR_CMP_EQ },
		{ "<", MR_TOKEN_CMP, MR_CMP_LT },
		{ ">", MR_TOKEN_CMP, MR_CMP_GT },
		{ "(", MR_TOKEN_OPEN, 0 },
		{ ")", MR_TOKEN_CLOSE, 0 },
		{ ",", MR_TOKEN_COMMA, 0 },
		{ ".", MR_TOKEN_DOT, 0 },
	};
	const char *s = p->in + p->token.at;
	char advice[160];
	size_t i;

	for (i = 0; i < MR_COUNT(marks); i++)
		if (strncmp(s, marks[i].text, strlen(marks[i].text)) == 0) {
			p->token.cmp = marks[i].cmp;
			return take(p, marks[i].kind, strlen(marks[i].text));
		}
	(void)snprintf(advice, sizeof(advice),
		       "leave it out, or put it in quotes where it belongs to "
		       "a text; it is here: %.60s",
		       s);
	return mr_parse_fail(p, p->token.at, advice,
			     "'%.1s' means nothing here", s);
}

static void skip_space(struct mr_parse *p)
{
	while (p->in[p->next] && strchr(" \t\r\n\f\v", p->in[p->next]))
		p->next++;
	p->token.at = p->next;
}

int mr_parse_next(struct mr_parse *p)
{
	bool behind_word = p->token.kind == MR_TOKEN_WORD;
	size_t end = p->next;
	const char *s;

	skip_space(p);
	s = p->in + p->next;
	if (!*s)
		return take(p, MR_TOKEN_END, 0);
	/* "tags.5" has a key, and no half. */
	if (*s == '.' && behind_word && p->next == end)
		return take(p, MR_TOKEN_DOT, 1);
	if (*s == '\'' || *s == '"' || *s == '`')
		return take_quoted(p);
	if (begins_literal(s))
		return take_while(p, MR_TOKEN_LITERAL, is_literal);
	if (is_letter(*s))
		return take_while(p, MR_TOKEN_WORD, is_word);
	return take_mark(p);
}

int mr_parse_next_key(struct mr_parse *p)
{
	const char *s;

	skip_space(p);
	s = p->in + p->next;
	if (*s == '\'' || *s == '"' || *s == '`')
		return take_quoted(p);
	if (is_key(*s))
		return take_while(p, MR_TOKEN_WORD, is_key);
	return *s ? take_mark(p) : take(p, MR_TOKEN_END, 0);
}

bool mr_parse_at_word(const struct mr_parse *p, const char *word)
{
	return p->token.kind == MR_TOKEN_WORD &&
	       strcasecmp(p->token.text, word) == 0;
}
