/*
 * threshold.c - bounds of metrics: ">= 0.8", "<= production + 0.05".
 */
#include "policy/value.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define BLANKS " \t"
#define ALIAS_CHARACTERS                                                       \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
/* Of a tag (protocol.md P-02). */
#define ALIAS_MAX_BYTES 128

/* Longer ones first. */
static const struct {
	const char *sign;
	enum mr_compare compare;
	const char *words;
} signs[] = {
	{ ">=", MR_AT_LEAST, "at least" }, { "<=", MR_AT_MOST, "at most" },
	{ "==", MR_EQUAL, "exactly" },     { ">", MR_ABOVE, "more than" },
	{ "<", MR_BELOW, "less than" },    { "=", MR_EQUAL, "exactly" },
};

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, BLANKS);
}

/* What is left of the text without blanks at its end, in the arena. */
static const char *rest_of(const char *s, struct mr_arena *a)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(BLANKS, s[n - 1]))
		n--;
	return mr_arena_strndup(a, s, n);
}

/* Numbers elsewhere, that nothing can be compared with here; no alias is called
 * so by anybody who could mean it. */
static bool is_odd_number(const char *s, size_t n)
{
	static const char *const words[] = { "nan", "inf", "infinity" };
	size_t i;

	for (i = 0; i < MR_COUNT(words); i++)
		if (n == strlen(words[i]) && strncasecmp(s, words[i], n) == 0)
			return true;
	return false;
}

/* "ALIAS", "ALIAS + 0.05"; blanks stand around the sign, for '-' may be in an
 * alias.  It begins with a letter: "20ms" is a number with a unit, and taken
 * for an alias that does not exist it would ask nothing. */
static int parse_alias(const char *s, struct mr_arena *a,
		       struct mr_threshold *out)
{
	struct mr_decimal number;
	size_t n = strspn(s, ALIAS_CHARACTERS);
	const char *more = skip_blanks(s + n);
	const char *bound;

	if (n == 0 || n > ALIAS_MAX_BYTES || strchr("-0123456789", s[0]) ||
	    is_odd_number(s, n) || (*more && more == s + n))
		return -1;
	out->alias = mr_arena_strndup(a, s, n);
	out->bound = "0";
	if (!*more)
		return 0;
	if ((*more != '+' && *more != '-') || !strchr(BLANKS, more[1]) ||
	    !more[1])
		return -1;
	bound = rest_of(skip_blanks(more + 1), a);
	if (!bound || bound[0] == '-' || bound[0] == '+')
		return -1;
	out->bound = mr_arena_printf(a, "%c%s", *more, bound);
	return out->bound && mr_decimal_parse(out->bound, &number) == 0 ? 0
									: -1;
}

int mr_threshold_parse(const char *text, struct mr_arena *a,
		       struct mr_threshold *out)
{
	struct mr_decimal number;
	const char *s = skip_blanks(text);
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < MR_COUNT(signs); i++)
		if (strncmp(s, signs[i].sign, strlen(signs[i].sign)) == 0)
			break;
	if (i == MR_COUNT(signs))
		return -1;
	out->compare = signs[i].compare;
	out->text = rest_of(s, a);
	out->bound = rest_of(skip_blanks(s + strlen(signs[i].sign)), a);
	if (!out->text || !out->bound)
		return -1;
	if (mr_decimal_parse(out->bound, &number) == 0)
		return 0;
	return parse_alias(out->bound, a, out);
}

int mr_threshold_holds(const struct mr_threshold *t, const char *value,
		       const char *base)
{
	struct mr_decimal have;
	struct mr_decimal bound;
	struct mr_decimal than;
	struct mr_decimal sum;
	int order;

	if (mr_decimal_parse(value, &have) < 0 ||
	    mr_decimal_parse(t->bound, &bound) < 0)
		return -1;
	if (base && mr_decimal_parse(base, &than) < 0)
		return -1;
	if (base)
		mr_decimal_add(&than, &bound, &sum);
	order = mr_decimal_compare(&have, base ? &sum : &bound);
	switch (t->compare) {
	case MR_AT_LEAST:
		return order >= 0;
	case MR_ABOVE:
		return order > 0;
	case MR_AT_MOST:
		return order <= 0;
	case MR_BELOW:
		return order < 0;
	case MR_EQUAL:
		break;
	}
	return order == 0;
}

const char *mr_threshold_words(const struct mr_threshold *t, struct mr_arena *a)
{
	const char *words = "";
	size_t i;

	for (i = 0; i < MR_COUNT(signs); i++)
		if (signs[i].compare == t->compare)
			words = signs[i].words;
	if (!t->alias)
		return mr_arena_printf(a, "%s %s", words, t->bound);
	if (strcmp(t->bound, "0") == 0)
		return mr_arena_printf(a, "%s what '%s' has", words, t->alias);
	return mr_arena_printf(a, "%s what '%s' has %c %s", words, t->alias,
			       t->bound[0], t->bound + 1);
}
