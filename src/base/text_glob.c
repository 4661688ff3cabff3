/*
 * text_glob.c - shell-style match of a whole path.
 *
 * The pattern is walked once.  For each of its elements a row says which
 * beginnings of the path the elements so far match, so the work is bounded by
 * pattern times path and no pattern is slow.
 */
#include "base/text.h"

#include <string.h>

#include "base/limits.h"

/* Bytes that are no UTF-8 are matched one by one, above all code points. */
#define NO_POINT 0x110000u

struct path {
	uint32_t points[MR_PATH_MAX_BYTES];
	size_t n;
};

/* match[i]: the pattern so far matches the first i code points. */
struct row {
	bool match[MR_PATH_MAX_BYTES + 1];
};

static uint32_t next_point(const char **p)
{
	size_t n = strnlen(*p, 4);
	uint32_t c;
	size_t used = mr_utf8_next(*p, n, &c);

	if (used == 0) {
		c = NO_POINT + (uint8_t) * *p;
		used = 1;
	}
	*p += used;
	return c;
}

/* As next_point, after a backslash if there is one with something behind. */
static uint32_t next_literal(const char **p)
{
	if (**p == '\\' && (*p)[1])
		(*p)++;
	return next_point(p);
}

static bool load(const char *path, struct path *out)
{
	if (strnlen(path, MR_PATH_MAX_BYTES + 1) > MR_PATH_MAX_BYTES)
		return false;
	out->n = 0;
	while (*path)
		out->points[out->n++] = next_point(&path);
	return true;
}

/* Behind the set that begins at `p`, which is a '['; NULL if it never ends.
 * A ']' right at the beginning belongs to the set. */
static const char *set_end(const char *p)
{
	p++;
	if (*p == '!')
		p++;
	if (*p == ']')
		p++;
	while (*p && *p != ']')
		(void)next_literal(&p);
	return *p ? p + 1 : NULL;
}

static bool in_set(const char *p, const char *end, uint32_t c)
{
	bool negated = p[1] == '!';
	bool found = false;

	p += negated ? 2 : 1;
	do {
		uint32_t from = next_literal(&p);
		uint32_t to = from;

		if (*p == '-' && p + 1 < end - 1) {
			p++;
			to = next_literal(&p);
		}
		if (c >= from && c <= to)
			found = true;
	} while (p < end - 1);
	return found != negated;
}

/* An element that takes exactly one code point; returns what is behind. */
static const char *step_one(const char *p, const struct path *path,
			    struct row *row)
{
	const char *set = *p == '[' ? set_end(p) : NULL;
	const char *next = p;
	bool any = *p == '?';
	uint32_t literal = next_literal(&next);
	size_t i;

	for (i = path->n; i > 0; i--) {
		uint32_t c = path->points[i - 1];
		bool ok;

		if (any)
			ok = c != '/';
		else if (set)
			ok = c != '/' && in_set(p, set, c);
		else
			ok = c == literal;
		row->match[i] = row->match[i - 1] && ok;
	}
	row->match[0] = false;
	return set ? set : next;
}

/* Any number of code points, those of '/' only if `slashes`. */
static void step_star(const struct path *path, struct row *row, bool slashes)
{
	size_t i;

	for (i = 1; i <= path->n; i++)
		if (row->match[i - 1] &&
		    (slashes || path->points[i - 1] != '/'))
			row->match[i] = true;
}

/* A whole component "**" with its '/': any number of components. */
static void step_components(const struct path *path, struct row *row)
{
	bool begun = false;
	size_t i;

	for (i = 0; i <= path->n; i++) {
		if (row->match[i])
			begun = true;
		else if (begun && i > 0 && path->points[i - 1] == '/')
			row->match[i] = true;
	}
}

bool mr_text_glob(const char *pattern, const char *path)
{
	const char *p = pattern;
	struct path text;
	struct row row;

	if (!load(path, &text))
		return false;
	memset(&row, 0, sizeof(row));
	row.match[0] = true;
	while (*p) {
		bool first = p == pattern || p[-1] == '/';

		if (first && strncmp(p, "**/", 3) == 0) {
			step_components(&text, &row);
			p += 3;
		} else if (p[0] == '*' && p[1] == '*') {
			step_star(&text, &row, true);
			p += 2;
		} else if (p[0] == '*') {
			step_star(&text, &row, false);
			p++;
		} else {
			p = step_one(p, &text, &row);
		}
	}
	return row.match[text.n];
}
