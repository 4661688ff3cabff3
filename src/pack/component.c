/*
 * component.c - one component of a path against one of a pattern.
 *
 * Bytes are compared, as git does: '?' takes one byte, names are not decoded.
 * Only the last '*' is ever tried again, so the work is bounded by pattern
 * times name and no pattern is slow.
 */
#include "pack/ignore.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

struct text {
	const unsigned char *at;
	const unsigned char *end;
};

struct class
{
	const char *name;
	int (*is)(int c);
};

/* In the C locale: mreg never calls setlocale for LC_CTYPE. */
static const struct class classes[] = {
	{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
	{ "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
	{ "lower", islower }, { "print", isprint }, { "punct", ispunct },
	{ "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
};

/* "[:name:]" at p->at: steps behind it.  -1 if it is none, else whether `c`
 * belongs to it. */
static int match_class(struct text *p, unsigned char c)
{
	const unsigned char *name = p->at + 2;
	const unsigned char *end;
	size_t i;

	if (p->end - p->at < 4 || p->at[1] != ':')
		return -1;
	for (end = name; end + 1 < p->end; end++)
		if (end[0] == ':' && end[1] == ']')
			break;
	if (end + 1 >= p->end)
		return -1;
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const struct class *k = &classes[i];

		if (strlen(k->name) != (size_t)(end - name) ||
		    memcmp(k->name, name, (size_t)(end - name)) != 0)
			continue;
		p->at = end + 2;
		return c < 0x80 && k->is(c) != 0;
	}
	return -1;
}

/* The next byte of a set, unquoted; false at its end. */
static bool next_in_set(struct text *p, unsigned char *out)
{
	if (p->at < p->end && *p->at == '\\')
		p->at++;
	if (p->at >= p->end)
		return false;
	*out = *p->at++;
	return true;
}

/* p->at is behind '['.  Steps behind the ']'.  A set that does not end
 * matches nothing, as in git. */
static bool match_set(struct text *p, unsigned char c)
{
	bool negated = false;
	bool found = false;
	bool first = true;

	if (p->at < p->end && (*p->at == '!' || *p->at == '^')) {
		negated = true;
		p->at++;
	}
	for (;; first = false) {
		unsigned char low;
		unsigned char high;
		int member;

		if (p->at >= p->end)
			return false;
		if (*p->at == ']' && !first) {
			p->at++;
			return found != negated;
		}
		member = *p->at == '[' ? match_class(p, c) : -1;
		if (member >= 0) {
			found |= member == 1;
			continue;
		}
		if (!next_in_set(p, &low))
			return false;
		high = low;
		if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
			p->at++;
			if (!next_in_set(p, &high))
				return false;
		}
		found |= low <= c && c <= high;
	}
}

/* One element that is no '*' against one byte. */
static bool match_one(struct text *p, unsigned char c)
{
	unsigned char want = *p->at++;

	if (want == '?')
		return true;
	if (want == '[')
		return match_set(p, c);
	if (want == '\\') {
		/* A lone backslash at the end matches nothing. */
		if (p->at >= p->end)
			return false;
		want = *p->at++;
	}
	return want == c;
}

bool mr_ignore_component(const char *pattern, size_t pattern_len,
			 const char *name, size_t name_len)
{
	const unsigned char *n = (const unsigned char *)name;
	const unsigned char *n_end = n + name_len;
	const unsigned char *star = NULL; /* behind the last '*' ... */
	const unsigned char *star_n = n;  /* ... which took up to here */
	struct text p;

	p.at = (const unsigned char *)pattern;
	p.end = p.at + pattern_len;
	for (;;) {
		if (p.at < p.end && *p.at == '*') {
			star = ++p.at;
			star_n = n;
			continue;
		}
		if (n == n_end)
			return p.at == p.end;
		if (p.at < p.end && match_one(&p, *n)) {
			n++;
			continue;
		}
		if (!star)
			return false;
		p.at = star;
		n = ++star_n;
	}
}
