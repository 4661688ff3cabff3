/*
 * license.c - SPDX license expressions against lists of licences.
 *
 * SPDX 2.3, annex D: identifiers with an optional '+', WITH an exception, AND,
 * OR, parentheses; identifiers are compared without regard to case.  OR is a
 * choice of whoever uses the model, so one side that is allowed is enough; AND
 * binds to both.
 */
#include "policy/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define EXPRESSION_MAX_BYTES 1024
#define DEPTH_MAX 32
/* Of an identifier, and of "ID WITH ID". */
#define ID_BYTES 128
#define PAIR_BYTES (2 * ID_BYTES + 8)

#define ID_CHARACTERS                                                          \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:"

struct reader {
	const char *at;
	const struct mr_words *allow, *deny;
	unsigned int depth;
	bool bad; /* no SPDX expression */
	char *why;
	size_t cap;
};

static void lower(const char *in, char *out, size_t cap)
{
	size_t i;

	for (i = 0; in[i] && i + 1 < cap; i++)
		out[i] = (char)tolower((unsigned char)in[i]);
	out[i] = '\0';
}

/* Whether a list has `id`; '*' in an entry stands for anything. */
static bool lists(const struct mr_words *words, const char *id)
{
	char entry[PAIR_BYTES];
	char folded[PAIR_BYTES];
	size_t i;

	lower(id, folded, sizeof(folded));
	for (i = 0; i < words->n; i++) {
		lower(words->items[i], entry, sizeof(entry));
		if (mr_text_glob(entry, folded))
			return true;
	}
	return false;
}

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

/* The next identifier; false: there is none. */
static bool take_id(struct reader *r, char out[ID_BYTES])
{
	size_t n;

	skip_blanks(r);
	n = strspn(r->at, ID_CHARACTERS);
	if (n == 0 || n + 2 > ID_BYTES)
		return false;
	memcpy(out, r->at, n);
	r->at += n;
	if (*r->at == '+') {
		out[n++] = '+';
		r->at++;
	}
	out[n] = '\0';
	return true;
}

/* Whether an operator comes next; it is taken then. */
static bool take_word(struct reader *r, const char *upper, const char *small)
{
	size_t n = strlen(upper);

	skip_blanks(r);
	if (strncmp(r->at, upper, n) != 0 && strncmp(r->at, small, n) != 0)
		return false;
	if (r->at[n] && strchr(ID_CHARACTERS "+", r->at[n]))
		return false;
	r->at += n;
	return true;
}

/* All the names under which a list may have a licence. */
static bool lists_license(const struct mr_words *words, const char *id)
{
	char other[PAIR_BYTES];
	size_t n = strlen(id);

	if (lists(words, id))
		return true;
	if (n < 2 || id[n - 1] != '+')
		return false;
	/* "GPL-2.0+" is GPL-2.0-or-later, which offers GPL-2.0. */
	(void)snprintf(other, sizeof(other), "%.*s-or-later", (int)n - 1, id);
	if (lists(words, other))
		return true;
	(void)snprintf(other, sizeof(other), "%.*s", (int)n - 1, id);
	return lists(words, other);
}

static enum mr_license_verdict refuse(struct reader *r, const char *id,
				      enum mr_license_verdict verdict)
{
	(void)snprintf(r->why, r->cap, "%s", id);
	return verdict;
}

/* An exception grants more than its licence does, so where nothing is said of
 * both together the licence decides. */
static enum mr_license_verdict judge_simple(struct reader *r, const char *id,
					    const char *exception)
{
	char pair[PAIR_BYTES];

	(void)snprintf(pair, sizeof(pair), "%s WITH %s", id, exception);
	if (exception[0] && lists(r->deny, pair))
		return refuse(r, pair, MR_LICENSE_DENIED);
	if (exception[0] && lists(r->allow, pair))
		return MR_LICENSE_ALLOWED;
	if (lists_license(r->deny, id))
		return refuse(r, id, MR_LICENSE_DENIED);
	if (r->allow->n == 0 || lists_license(r->allow, id))
		return MR_LICENSE_ALLOWED;
	return refuse(r, exception[0] ? pair : id, MR_LICENSE_UNLISTED);
}

static enum mr_license_verdict judge_or(struct reader *r);

static enum mr_license_verdict bad(struct reader *r)
{
	r->bad = true;
	return MR_LICENSE_UNKNOWN;
}

static enum mr_license_verdict judge_term(struct reader *r)
{
	char id[ID_BYTES];
	char exception[ID_BYTES] = "";
	enum mr_license_verdict v;

	skip_blanks(r);
	if (*r->at == '(') {
		if (++r->depth > DEPTH_MAX)
			return bad(r);
		r->at++;
		v = judge_or(r);
		skip_blanks(r);
		if (*r->at != ')')
			return bad(r);
		r->at++;
		r->depth--;
		return v;
	}
	if (!take_id(r, id))
		return bad(r);
	if (take_word(r, "WITH", "with") && !take_id(r, exception))
		return bad(r);
	return judge_simple(r, id, exception);
}

static enum mr_license_verdict judge_and(struct reader *r)
{
	enum mr_license_verdict all = judge_term(r);

	while (!r->bad && take_word(r, "AND", "and")) {
		char mine[PAIR_BYTES];
		enum mr_license_verdict v;

		(void)snprintf(mine, sizeof(mine), "%s", r->why);
		v = judge_term(r);
		/* The first that is refused is told. */
		if (all != MR_LICENSE_ALLOWED)
			(void)snprintf(r->why, r->cap, "%s", mine);
		else
			all = v;
	}
	return all;
}

static enum mr_license_verdict judge_or(struct reader *r)
{
	enum mr_license_verdict best = judge_and(r);

	while (!r->bad && take_word(r, "OR", "or")) {
		char mine[PAIR_BYTES];
		enum mr_license_verdict v;

		(void)snprintf(mine, sizeof(mine), "%s", r->why);
		v = judge_and(r);
		/* The first that is refused is told, with its reason. */
		if (v == MR_LICENSE_ALLOWED)
			best = v;
		else
			(void)snprintf(r->why, r->cap, "%s", mine);
	}
	return best;
}

static bool is_word_of(const struct mr_words *words, const char *text)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (strcmp(words->items[i], text) == 0)
			return true;
	return false;
}

enum mr_license_verdict mr_license_judge(const char *expression,
					 const struct mr_words *allow,
					 const struct mr_words *deny, char *why,
					 size_t cap)
{
	struct reader r = { .at = expression,
			    .allow = allow,
			    .deny = deny,
			    .why = why,
			    .cap = cap };
	enum mr_license_verdict v;

	why[0] = '\0';
	/* A company's own words, which the policy has word by word. */
	if (is_word_of(deny, expression))
		return refuse(&r, expression, MR_LICENSE_DENIED);
	if (is_word_of(allow, expression))
		return MR_LICENSE_ALLOWED;
	if (strlen(expression) > EXPRESSION_MAX_BYTES)
		return MR_LICENSE_UNKNOWN;
	v = judge_or(&r);
	skip_blanks(&r);
	return r.bad || *r.at ? MR_LICENSE_UNKNOWN : v;
}
