/*
 * graph.c - which nodes of a graph are drawn, and what they are called.
 */
#include "draw/graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define DIGEST_SHOWN 19 /* "sha256:" and 12 digits */
#define ALIASES_SHOWN 4

struct near {
	size_t node;
	unsigned int far;
};

static int by_distance(const void *a, const void *b)
{
	const struct near *x = a;
	const struct near *y = b;

	if (x->far != y->far)
		return x->far < y->far ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static unsigned int distance(int depth)
{
	return depth < 0 ? 0u - (unsigned int)depth : (unsigned int)depth;
}

int mr_drawn_init(const struct mreg_lineage_result *r, size_t most,
		  struct mr_drawn *out, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct near *order = NULL;
	size_t i;

	if (!most)
		most = MR_PICTURE_NODES;
	*out = (struct mr_drawn){ .r = r };
	out->count = r->count < most ? r->count : most;
	out->nodes = mr_array(out->count + 1, sizeof(*out->nodes));
	out->places = mr_array(r->count + 1, sizeof(*out->places));
	order = mr_array(r->count + 1, sizeof(*order));
	if (!out->nodes || !out->places || !order) {
		mr_drawn_release(out);
		return mr_fail_nomem(err);
	}
	for (i = 0; i < r->count; i++)
		order[i] = (struct near){ i, distance(r->nodes[i].depth) };
	if (r->count > 1)
		qsort(order, r->count, sizeof(*order), by_distance);
	for (i = 0; i < out->count; i++) {
		out->nodes[i] = order[i].node;
		out->places[order[i].node] = i + 1;
	}
	out->left = r->count - out->count + r->left;
	out->least = r->cut;
	return 0;
}

void mr_drawn_release(struct mr_drawn *d)
{
	mr_release(d->nodes);
	mr_release(d->places);
	*d = (struct mr_drawn){ .r = NULL };
}

const struct mreg_lineage_node *mr_drawn_node(const struct mr_drawn *d,
					      size_t i)
{
	return &d->r->nodes[d->nodes[i]];
}

bool mr_drawn_edge(const struct mr_drawn *d, const struct mreg_lineage_edge *e,
		   size_t *child, size_t *parent)
{
	if (e->child >= d->r->count || e->parent >= d->r->count ||
	    !d->places[e->child] || !d->places[e->parent])
		return false;
	*child = d->places[e->child] - 1;
	*parent = d->places[e->parent] - 1;
	return true;
}

bool mr_node_is(const struct mreg_lineage_node *n, const char *kind)
{
	return strcmp(n->kind, kind) == 0;
}

void mr_drawn_chars(char *text)
{
	char *at;

	for (at = strchr(text, 0xef); at; at = strchr(at + 1, 0xef))
		if (at[1] == '\xbf' && (at[2] == '\xbe' || at[2] == '\xbf'))
			at[2] = '\xbd';
}

const char *mr_label(const char *in, char out[MR_LABEL_MAX_BYTES])
{
	(void)mr_text_safe(in, out, MR_LABEL_MAX_BYTES);
	mr_drawn_chars(out);
	return out;
}

static void put_aliases(struct mr_buf *b, const struct mreg_lineage_node *n,
			mr_put_fn *put, const char *sep)
{
	const struct mreg_lineage_version *v = n->versions;
	char text[MR_LABEL_MAX_BYTES];
	size_t i;

	if (!n->version_count || !v->alias_count)
		return;
	mr_buf_puts(b, sep);
	for (i = 0; i < v->alias_count && i < ALIASES_SHOWN; i++) {
		mr_buf_puts(b, i ? ", " : "");
		put(b, mr_label(v->aliases[i], text));
	}
	if (i < v->alias_count)
		mr_buf_puts(b, ", ...");
}

void mr_put_label(struct mr_buf *b, const struct mreg_lineage_node *n,
		  mr_put_fn *put, const char *sep)
{
	char text[MR_LABEL_MAX_BYTES];

	put(b, mr_label(n->label, text));
	put_aliases(b, n, put, sep);
	if (mr_text_starts(n->id, "sha256:") && strcmp(n->id, n->label) != 0) {
		(void)mr_label(n->id, text);
		text[DIGEST_SHOWN] = '\0';
		mr_buf_puts(b, sep);
		put(b, text);
	}
}

void mr_put_left(struct mr_buf *b, const struct mr_drawn *d)
{
	mr_buf_printf(b, "and %s%" PRIu64 " more", d->least ? "at least " : "",
		      d->left);
}
