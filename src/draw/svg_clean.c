/*
 * svg_clean.c - of an SVG the shapes and texts.
 *
 * What another program wrote goes into pages that browsers open, so it is not
 * passed on but written anew: elements and attributes that draw, by name;
 * other attributes (ids, links, namespaces of others) are left out, and so are
 * comments and what stands before <svg>.  Any other element is refused:
 * graphviz makes none of the graphs that it is given here.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/graph.h"

static const char *const elements[] = { "svg",     "g",        "title",
					"polygon", "polyline", "path",
					"ellipse", "text",     NULL };
static const char *const attributes[] = {
	"width",     "height",       "viewBox",
	"class",     "transform",    "fill",
	"stroke",    "stroke-width", "points",
	"d",         "cx",           "cy",
	"rx",        "ry",           "x",
	"y",         "text-anchor",  "font-family",
	"font-size", "font-weight",  "stroke-dasharray",
	NULL
};

struct cleaner {
	const char *at;
	struct mr_buf *out;
};

static bool is_one_of(const char *const *names, const char *text, size_t n)
{
	for (; *names; names++)
		if (strlen(*names) == n && memcmp(*names, text, n) == 0)
			return true;
	return false;
}

static size_t name_length(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:.");
}

/* The namespace that makes it a picture. */
static bool is_namespace(const char *name, size_t n)
{
	return n == 5 &&
	       mr_text_starts(name, "xmlns=\"http://www.w3.org/2000/svg\"");
}

/* Nothing in a value fetches or runs: no url(), no script. */
static bool is_plain(const char *value, size_t n)
{
	return !memchr(value, '<', n) && !memchr(value, ':', n) &&
	       (n < 4 || memmem(value, n, "url(", 4) == NULL);
}

/* Behind an element's name; false: it is not well formed. */
static bool clean_attributes(struct cleaner *c)
{
	for (;;) {
		const char *name, *value, *end;
		size_t n;

		c->at += strspn(c->at, " \t\r\n");
		if (*c->at == '>' || *c->at == '/')
			return true;
		name = c->at;
		n = name_length(name);
		if (!n || name[n] != '=' || name[n + 1] != '"')
			return false;
		value = name + n + 2;
		end = strchr(value, '"');
		if (!end)
			return false;
		c->at = end + 1;
		if (!is_namespace(name, n) &&
		    !(is_one_of(attributes, name, n) &&
		      is_plain(value, (size_t)(end - value))))
			continue;
		mr_buf_putc(c->out, ' ');
		mr_buf_add(c->out, name, (size_t)(c->at - name));
	}
}

/* "<name ...>", "<name .../>", "</name>". */
static bool clean_element(struct cleaner *c)
{
	bool end = c->at[1] == '/';
	const char *name = c->at + 1 + end;
	size_t n = name_length(name);

	if (!is_one_of(elements, name, n))
		return false;
	mr_buf_add(c->out, c->at, 1u + end + n);
	c->at = name + n;
	if (!end && !clean_attributes(c))
		return false;
	n = strcspn(c->at, ">");
	if (c->at[n] != '>' || n > 1 || (n == 1 && (end || *c->at != '/')))
		return false;
	mr_buf_add(c->out, c->at, n + 1);
	c->at += n + 1;
	return true;
}

static bool skip_comment(struct cleaner *c)
{
	const char *end = strstr(c->at, "-->");

	if (end)
		c->at = end + 3 + strspn(end + 3, "\n");
	return end;
}

int mr_svg_clean(const char *svg, struct mr_buf *out, struct mreg_error *err)
{
	struct cleaner c = { .at = strstr(svg, "<svg"), .out = out };
	const char *end = NULL;
	bool ok = c.at;

	while (ok && *c.at && !end) {
		size_t text = strcspn(c.at, "<");

		mr_buf_add(out, c.at, text);
		c.at += text;
		if (mr_text_starts(c.at, "<!--")) {
			ok = skip_comment(&c);
		} else if (*c.at) {
			end = mr_text_starts(c.at, "</svg>") ? c.at : NULL;
			ok = clean_element(&c);
		}
	}
	if (!ok || !end)
		return mr_fail(err, MREG_EFORMAT,
			       "graphviz's 'dot' wrote what is no picture");
	mr_buf_putc(out, '\n');
	return mr_buf_check(out, "a picture", err);
}
