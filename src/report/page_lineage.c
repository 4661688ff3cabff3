/*
 * page_lineage.c - a lineage on a page: a picture of what is near, and a table
 * of all of it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/page.h"

#define PICTURE_NODES 60 /* more cannot be read on paper */

static void put_picture(struct mr_sheet *s, const struct mreg_lineage_result *l)
{
	enum mreg_picture as = s->page.form == MR_PAGE_HTML
				       ? MREG_PICTURE_SVG
				       : MREG_PICTURE_MERMAID;
	struct mreg_error why = MREG_ERROR_INIT;
	char *picture = NULL;
	int rc = mreg_lineage_draw(s->m, l, as, PICTURE_NODES, &picture, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		s->failed = rc;
		s->err = why;
	} else if (rc < 0) {
		mr_page_fact(&s->page, "There is no picture", why.msg);
	} else {
		mr_page_picture(&s->page, picture);
	}
	free(picture);
}

static const char *license_of(const struct mreg_lineage_node *n)
{
	return n->version_count ? n->versions[0].license : NULL;
}

static void put_way(struct mr_sheet *s, int depth)
{
	if (depth == 0)
		mr_page_own(&s->page, "this");
	else
		mr_tell_printf(s, depth > 0 ? "%d up" : "%d down", abs(depth));
}

/* By which relations a node hangs on those nearer to what was asked for. */
static void put_relations(struct mr_sheet *s,
			  const struct mreg_lineage_result *l, size_t node)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4096);
	size_t i;

	for (i = 0; i < l->edge_count && b.len < 200; i++) {
		const struct mreg_lineage_edge *e = &l->edges[i];
		size_t other = e->child == node ? e->parent : e->child;

		if ((e->child == node || e->parent == node) &&
		    abs(l->nodes[other].depth) < abs(l->nodes[node].depth))
			mr_buf_printf(&b, "%s%s", b.len ? ", " : "",
				      e->relation);
	}
	mr_page_cell(&s->page, mr_buf_text(&b));
}

void mr_sheet_lineage(struct mr_sheet *s, const struct mreg_lineage_result *l)
{
	static const char *const heads[] = {
		"Way", "Relation", "Kind", "Name", "Digest or name", "Licence"
	};
	size_t i;

	if (l->synced_s)
		mr_fact_time(s, "By the index, as of", l->synced_s);
	put_picture(s, l);
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < l->count; i++) {
		const struct mreg_lineage_node *n = &l->nodes[i];

		put_way(s, n->depth);
		put_relations(s, l, i);
		mr_page_cell(&s->page, n->kind);
		mr_page_cell(&s->page, n->label);
		mr_page_cell(&s->page, n->id);
		mr_page_cell(&s->page, license_of(n));
	}
	mr_page_table_end(&s->page);
	if (l->cut)
		mr_fact_own(s, "Left out", "at least %" PRIu64, l->left);
}
