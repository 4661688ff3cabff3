/*
 * dot.c - a graph in graphviz's language (graphviz.org/doc/info/lang.html).
 *
 * A quoted string ends at a quote; in a label a backslash begins an escape, and
 * an ampersand an entity, so all three are escaped, and nothing else has a
 * meaning there.
 */
#include "draw/graph.h"

#include <string.h>

#include "base/mem.h"

struct look {
	const char *kind, *shape, *style;
};

static const struct look looks[] = {
	{ "version", "box", "rounded" },
	{ "document", "note", "solid" },
	{ "gap", "box", "dashed" },
	{ "run", "ellipse", "solid" },
	{ "commit", "hexagon", "solid" },
	{ "uri", "cylinder", "solid" },
	{ "environment", "component", "solid" },
	{ "event", "diamond", "solid" },
	{ "deployment", "house", "solid" },
	{ "input", "parallelogram", "solid" },
};

static const struct look *look_of(const struct mreg_lineage_node *n)
{
	static const struct look other = { "", "box", "solid" };
	size_t i;

	for (i = 0; i < MR_COUNT(looks); i++)
		if (mr_node_is(n, looks[i].kind))
			return &looks[i];
	return &other;
}

static void put(struct mr_buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			mr_buf_putc(b, '\\');
		mr_buf_putc(b, *text);
		if (*text == '&')
			mr_buf_puts(b, "amp;");
	}
}

static void put_node(struct mr_buf *b, const struct mr_drawn *d, size_t i)
{
	const struct mreg_lineage_node *n = mr_drawn_node(d, i);
	const struct look *l = look_of(n);

	mr_buf_printf(b, "\tn%zu [label=\"", i);
	mr_put_label(b, n, put, "\\n");
	mr_buf_printf(b, "\", shape=%s, style=\"%s%s\"];\n", l->shape, l->style,
		      d->nodes[i] == 0 ? ",bold" : "");
}

/* From what was there first to what was made of it. */
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
	mr_buf_printf(b, "\tn%zu -> n%zu [label=\"", parent, child);
	put(b, mr_label(e->relation, text));
	mr_buf_puts(b, gap ? "\", style=dashed];\n" : "\"];\n");
}

void mr_draw_dot(const struct mr_drawn *d, struct mr_buf *b)
{
	size_t i;

	mr_buf_puts(b, "digraph lineage {\n"
		       "\tgraph [rankdir=LR, charset=\"UTF-8\"];\n"
		       "\tnode [fontname=\"Helvetica\", fontsize=11];\n"
		       "\tedge [fontname=\"Helvetica\", fontsize=9];\n");
	for (i = 0; i < d->count; i++)
		put_node(b, d, i);
	if (d->left) {
		mr_buf_puts(b, "\tmore [label=\"");
		mr_put_left(b, d);
		mr_buf_puts(b, "\", shape=plaintext];\n");
	}
	for (i = 0; i < d->r->edge_count; i++)
		put_edge(b, d, &d->r->edges[i]);
	mr_buf_puts(b, "}\n");
}
