/*
 * lineage_tree.c - a lineage as a tree for people.
 *
 * Each node hangs on one that is a step nearer to what was asked for; those
 * ways make a tree, and every other edge is a line that points at a node shown
 * elsewhere.  Of what hangs on a node the largest part comes last and goes on
 * in the same column, so a line of ten thousand versions is one column, and
 * columns are at most as many as the logarithm of what is shown.
 */
#include "cli/lineage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define NONE SIZE_MAX
/* More columns than 2^64 nodes can need. */
#define COLUMNS_MAX 64
/* Of the aliases of a version, and of the models that it is in: a line, not a
 * list, which --json is. */
#define NAMES_SHOWN 8

struct row {
	size_t from, to; /* nodes; `from` is the nearer one */
	const char *relation;
	bool hangs;   /* `to` hangs on `from` by it */
	size_t below; /* then: nodes that come with it */
};

struct tree {
	const struct mreg_lineage_result *r;
	bool down;
	struct row *rows; /* owned; sorted by from */
	size_t row_count;
	size_t *first; /* owned; of each node, and one more */
	size_t *size;  /* owned; nodes below it, itself too */
	size_t *on;    /* owned; the node it hangs on */
	bool *shown;   /* owned */
};

static void tree_release(struct tree *t)
{
	mr_release(t->rows);
	mr_release(t->first);
	mr_release(t->size);
	mr_release(t->on);
	mr_release(t->shown);
}

static bool is_alike(const struct mreg_lineage_edge *e)
{
	return strcmp(e->relation, "same_files") == 0 ||
	       strcmp(e->relation, "shared_weights") == 0;
}

/* Of this half: what was asked for, and what is above or below it. */
static bool is_in(const struct tree *t, size_t node)
{
	int depth = t->r->nodes[node].depth;

	return depth == 0 || (depth < 0) == t->down;
}

static int steps(const struct tree *t, size_t node)
{
	return abs(t->r->nodes[node].depth);
}

static void add_row(struct tree *t, const struct mreg_lineage_edge *e)
{
	bool up = !t->down && !is_alike(e);
	size_t from = up ? e->child : e->parent;
	size_t to = up ? e->parent : e->child;
	struct row *row;

	if (!is_in(t, from) || !is_in(t, to))
		return;
	row = &t->rows[t->row_count++];
	*row = (struct row){ from, to, e->relation, false, 0 };
	if (steps(t, to) != steps(t, from) + 1 || t->on[to] != NONE)
		return;
	row->hangs = true;
	t->on[to] = from;
}

/* Nodes that hang come by size, the others before them; then by place. */
static int by_place(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->below != y->below)
		return x->below < y->below ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return strcmp(x->relation, y->relation);
}

/* Nodes are sorted by distance, so whoever hangs on one comes after it. */
static void find_sizes(struct tree *t)
{
	size_t i;

	for (i = 0; i < t->r->count; i++)
		t->size[i] = 1;
	for (i = t->r->count; i-- > 1;)
		if (t->on[i] != NONE)
			t->size[t->on[i]] += t->size[i];
}

static void sort_rows(struct tree *t)
{
	size_t i, k;

	for (i = 0; i < t->row_count; i++)
		if (t->rows[i].hangs)
			t->rows[i].below = t->size[t->rows[i].to];
	if (t->row_count)
		qsort(t->rows, t->row_count, sizeof(*t->rows), by_place);
	for (i = 0, k = 0; i <= t->r->count; i++) {
		while (k < t->row_count && t->rows[k].from < i)
			k++;
		t->first[i] = k;
	}
}

static int grow(struct tree *t, struct mreg_error *err)
{
	const struct mreg_lineage_result *r = t->r;
	size_t i;

	t->rows = mr_array(r->edge_count + 1, sizeof(*t->rows));
	t->first = mr_array(r->count + 1, sizeof(*t->first));
	t->size = mr_array(r->count, sizeof(*t->size));
	t->on = mr_array(r->count, sizeof(*t->on));
	t->shown = mr_array(r->count, sizeof(*t->shown));
	if (!t->rows || !t->first || !t->size || !t->on || !t->shown)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++)
		t->on[i] = NONE;
	t->shown[0] = true;
	for (i = 0; i < r->edge_count; i++)
		add_row(t, &r->edges[i]);
	find_sizes(t);
	sort_rows(t);
	return 0;
}

/* -- lines ----------------------------------------------------------------- */

/* " (production, latest)" */
static void put_aliases(struct mr_buf *b, const struct mreg_lineage_version *v)
{
	size_t i;

	for (i = 0; i < v->alias_count && i < NAMES_SHOWN; i++) {
		mr_buf_puts(b, i ? ", " : " (");
		cli_put(b, v->aliases[i]);
	}
	if (i < v->alias_count)
		mr_buf_printf(b, " and %zu more", v->alias_count - i);
	mr_buf_puts(b, i ? ")" : "");
}

void cli_put_lineage_node(struct mr_buf *b, const struct mreg_lineage_node *n)
{
	size_t i;

	cli_put(b, n->label);
	if (n->version_count)
		put_aliases(b, &n->versions[0]);
	for (i = 1; i < n->version_count && i < NAMES_SHOWN; i++) {
		mr_buf_puts(b, i == 1 ? ", also " : ", ");
		cli_put(b, n->versions[i].model);
		mr_buf_printf(b, ":v%" PRIu64, n->versions[i].number);
		put_aliases(b, &n->versions[i]);
	}
	if (i < n->version_count)
		mr_buf_printf(b, " and %zu more", n->version_count - i);
	if (strcmp(n->kind, "gap") == 0)
		mr_buf_puts(b, ", not in the index");
}

/* Where in a tree the printing is: the next row of a node, and its column. */
struct at {
	size_t node, row;
	size_t column;
};

static void put_columns(struct mr_buf *b, size_t column)
{
	size_t i;

	for (i = 0; i < column; i++)
		mr_buf_puts(b, "|   ");
}

static bool has_rows(const struct tree *t, size_t node)
{
	return t->first[node] < t->first[node + 1];
}

static void put_row(struct tree *t, const struct at *at, struct mr_buf *b)
{
	const struct row *row = &t->rows[at->row];
	const struct mreg_lineage_node *n = &t->r->nodes[row->to];
	bool last = at->row + 1 == t->first[at->node + 1];

	put_columns(b, at->column);
	mr_buf_puts(b, !last                                ? "|-- "
		       : row->hangs && has_rows(t, row->to) ? "* "
							    : "`-- ");
	cli_put(b, row->relation);
	mr_buf_putc(b, ' ');
	if (row->hangs) {
		cli_put_lineage_node(b, n);
		t->shown[row->to] = true;
	} else {
		cli_put(b, n->label);
		mr_buf_puts(b, t->shown[row->to] ? " (above)" : " (below)");
	}
	mr_buf_putc(b, '\n');
}

/* Depth first, with a stack of columns: the last row of a node takes the place
 * of the node itself. */
static void put_rows(struct tree *t, struct mr_buf *b)
{
	struct at stack[COLUMNS_MAX];
	size_t n = 0;

	stack[n++] = (struct at){ 0, t->first[0], 0 };
	while (n) {
		struct at *at = &stack[n - 1];
		const struct row *row = &t->rows[at->row];
		bool last;

		if (at->row == t->first[at->node + 1]) {
			n--;
			continue;
		}
		put_row(t, at, b);
		at->row++;
		if (!row->hangs)
			continue;
		last = at->row == t->first[at->node + 1];
		if (last) {
			at->node = row->to;
			at->row = t->first[row->to];
		} else if (n < COLUMNS_MAX) {
			stack[n] = (struct at){ row->to, t->first[row->to],
						at->column + 1 };
			n++;
		}
	}
}

static int put_half(const struct mreg_lineage_result *r, bool down,
		    const char *title, struct mr_buf *b, struct mreg_error *err)
{
	MR_AUTO(tree_release) struct tree t = { .r = r, .down = down };
	int rc = grow(&t, err);

	if (rc < 0 || !t.row_count)
		return rc;
	mr_buf_printf(b, "%s\n", title);
	put_rows(&t, b);
	return 0;
}

int cli_put_lineage(struct cli *cli, const struct mreg_lineage_result *r,
		    struct mr_buf *b, struct mreg_error *err)
{
	int rc;

	cli_put_bold(cli, b, r->root);
	mr_buf_putc(b, '\n');
	rc = put_half(r, false, "made from", b, err);
	if (rc >= 0)
		rc = put_half(r, true, "made from it", b, err);
	return rc;
}
