/*
 * mermaid.c - a graph in the language of Mermaid's flow charts, which pages of
 * Markdown have pictures in.
 *
 * Texts stand in quotes.  Mermaid looks for directives, entities, Markdown and
 * HTML in them, in that order and not only there; so whatever is no letter,
 * digit or harmless sign is written as an entity code, which is the last that
 * it looks at.
 */
#include "draw/graph.h"

#include <string.h>

#include "base/mem.h"

struct look {
	const char *kind, *open, *close;
};

static const struct look looks[] = {
	{ "version", "(", ")" },       { "document", ">", "]" },
	{ "gap", "[", "]" },           { "run", "([", "])" },
	{ "commit", "{{", "}}" },      { "uri", "[(", ")]" },
	{ "environment", "[[", "]]" }, { "event", "{", "}" },
	{ "deployment", "[/", "\\]" }, { "input", "[/", "/]" },
};

static const struct look *look_of(const struct mreg_lineage_node *n)
{
	static const struct look other = { "", "[", "]" };
	size_t i;

	for (i = 0; i < MR_COUNT(looks); i++)
		if (mr_node_is(n, looks[i].kind))
			return &looks[i];
	return &other;
}

static bool is_harmless(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* A sign inside a text begins no list, and a colon no link, but where it is
 * between letters. */
static void put(struct mr_buf *b, const char *text)
{
	bool inside = false;

	for (; *text; text++) {
		if (is_harmless(*text) ||
		    (inside && text[1] && strchr(" .-_:", *text)))
			mr_buf_putc(b, *text);
		else
			mr_buf_printf(b, "#%u;",
				      (unsigned int)(unsigned char)*text);
		inside = is_harmless(*text);
	}
}

static void put_node(struct mr_buf *b, const struct mr_drawn *d, size_t i)
{
	const struct mreg_lineage_node *n = mr_drawn_node(d, i);
	const struct look *l = look_of(n);

	mr_buf_printf(b, "    n%zu%s\"", i, l->open);
	mr_put_label(b, n, put, "<br/>");
	mr_buf_printf(b, "\"%s\n", l->close);
	if (d->nodes[i] == 0)
		mr_buf_printf(b, "    style n%zu stroke-width:3px\n", i);
	if (mr_node_is(n, "gap"))
		mr_buf_printf(b, "    style n%zu stroke-dasharray:5 5\n", i);
}

static void put_edge(struct mr_buf *b, const struct mr_drawn *d,
		     const struct mreg_lineage_edge *e)
{
	char text[MR_LABEL_MAX_BYTES];
	size_t child, parent;
	bool gap;

	if (!mr_drawn_edge(d, e, &child, &parent))
		return;
	gap = mr_node_is(mr_drawn_node(d, parent), "gap") ||
	      mr_node_is(mr_drawn_node(d, child), "gap");
	mr_buf_printf(b, "    n%zu %s|\"", parent, gap ? "-.->" : "-->");
	put(b, mr_label(e->relation, text));
	mr_buf_printf(b, "\"| n%zu\n", child);
}

void mr_draw_mermaid(const struct mr_drawn *d, struct mr_buf *b)
{
	size_t i;

	mr_buf_puts(b, "flowchart LR\n");
	for (i = 0; i < d->count; i++)
		put_node(b, d, i);
	if (d->left) {
		mr_buf_puts(b, "    more[\"");
		mr_put_left(b, d);
		mr_buf_puts(b, "\"]\n");
	}
	for (i = 0; i < d->r->edge_count; i++)
		put_edge(b, d, &d->r->edges[i]);
}
