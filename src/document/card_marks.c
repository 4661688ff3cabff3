/*
 * card_marks.c - a paragraph of Markdown without its marks: emphasis, links,
 * images, code, HTML tags and entities.
 */
#include "document/fields.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mreg/types.h"

/* Links in links: a badge is an image in a link. */
#define NESTING_MAX 4

static const struct mreg_pair entities[] = {
	{ "&amp;", "&" },   { "&lt;", "<" },  { "&gt;", ">" },
	{ "&quot;", "\"" }, { "&#39;", "'" }, { "&nbsp;", " " },
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* The bracket that closes the one at `i`; 0: none does. */
static size_t closing(const char *s, size_t n, size_t i, char open, char close)
{
	size_t depth = 0;

	for (; i < n; i++) {
		if (s[i] == '\\')
			i++;
		else if (s[i] == open)
			depth++;
		else if (s[i] == close && --depth == 0)
			return i;
	}
	return 0;
}

/* The length of the link that begins with the '[' at `s`; 0: it is none.  Its
 * text ends before `*label`. */
static size_t link_length(const char *s, size_t n, size_t *label)
{
	size_t end = 0;

	*label = closing(s, n, 0, '[', ']');
	if (*label > 0 && *label + 1 < n && s[*label + 1] == '(')
		end = closing(s, n, *label + 1, '(', ')');
	else if (*label > 0 && *label + 1 < n && s[*label + 1] == '[')
		end = closing(s, n, *label + 1, '[', ']');
	return end > 0 ? end + 1 : 0;
}

/* Code between marks of the same length, as it stands. */
static size_t put_code(const char *s, size_t n, struct mr_buf *out)
{
	size_t marks = 0;
	size_t run = 0;
	size_t i;

	while (marks < n && s[marks] == '`')
		marks++;
	for (i = marks; i < n; i++) {
		run = s[i] == '`' ? run + 1 : 0;
		if (run == marks && (i + 1 == n || s[i + 1] != '`')) {
			mr_buf_add(out, s + marks, i + 1 - 2 * marks);
			return i + 1;
		}
	}
	return marks;
}

static size_t put_tag(const char *s, size_t n, struct mr_buf *out)
{
	const char *end = memchr(s, '>', n);

	if (n < 2 || !end ||
	    !(isalpha((unsigned char)s[1]) || s[1] == '/' || s[1] == '!')) {
		mr_buf_putc(out, '<');
		return 1;
	}
	if (n > 8 && (strncasecmp(s + 1, "http", 4) == 0 ||
		      strncasecmp(s + 1, "mailto:", 7) == 0))
		mr_buf_add(out, s + 1, (size_t)(end - s - 1));
	else if (n > 3 && strncasecmp(s + 1, "br", 2) == 0)
		mr_buf_putc(out, ' ');
	return (size_t)(end - s) + 1;
}

static size_t put_entity(const char *s, size_t n, struct mr_buf *out)
{
	size_t len;
	size_t i;

	for (i = 0; i < MR_COUNT(entities); i++) {
		len = strlen(entities[i].name);
		if (n < len || memcmp(s, entities[i].name, len) != 0)
			continue;
		mr_buf_puts(out, entities[i].value);
		return len;
	}
	mr_buf_putc(out, '&');
	return 1;
}

/* Marks of emphasis stand at the edge of a word; snake_case has none. */
static bool is_emphasis(const char *s, size_t n, size_t i)
{
	bool before = i > 0 && !is_space(s[i - 1]);
	bool after = i + 1 < n && !is_space(s[i + 1]);

	if (!before && !after)
		return false;
	return s[i] == '*' || !before || !after ||
	       !isalnum((unsigned char)s[i - 1]) ||
	       !isalnum((unsigned char)s[i + 1]);
}

static void put_plain(const char *s, size_t n, unsigned int depth,
		      struct mr_buf *out)
{
	size_t label = 0;
	size_t link;
	size_t i = 0;

	while (i < n) {
		bool image = s[i] == '!' && i + 1 < n && s[i + 1] == '[';

		link = 0;
		if ((s[i] == '[' || image) && depth < NESTING_MAX)
			link = link_length(s + i + image, n - i - image,
					   &label);
		if (link > 0) {
			if (!image)
				put_plain(s + i + 1, label - 1, depth + 1, out);
			i += link + image;
		} else if (s[i] == '\\' && i + 1 < n &&
			   ispunct((unsigned char)s[i + 1])) {
			mr_buf_putc(out, s[i + 1]);
			i += 2;
		} else if (s[i] == '`') {
			i += put_code(s + i, n - i, out);
		} else if (s[i] == '<') {
			i += put_tag(s + i, n - i, out);
		} else if (s[i] == '&') {
			i += put_entity(s + i, n - i, out);
		} else if ((s[i] == '*' || s[i] == '_') &&
			   is_emphasis(s, n, i)) {
			i++;
		} else if (s[i] == '~' && i + 1 < n && s[i + 1] == '~') {
			i += 2;
		} else {
			mr_buf_putc(out, s[i++]);
		}
	}
}

void mr_card_plain(const char *text, size_t n, struct mr_buf *out)
{
	put_plain(text, n, 0, out);
}
