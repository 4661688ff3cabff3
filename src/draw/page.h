/*
 * draw/page.h - a document for people, in Markdown or as one file of HTML; a
 * part of the door draw/draw.h, which includes it.
 *
 * Words of ours are plain ASCII without markup.  What came from outside is
 * `text`: it is cut and made safe, and in Markdown stands in code spans, where
 * it becomes neither a link nor HTML nor a mention nor an end of its cell.
 *
 * HTML is well-formed XML too, holds no script and asks nothing of the network,
 * which its Content-Security-Policy says again.
 */
#ifndef MR_DRAW_PAGE_H
#define MR_DRAW_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum mr_page_form {
	MR_PAGE_MARKDOWN,
	MR_PAGE_HTML,
};

struct mr_page {
	enum mr_page_form form;
	struct mr_buf *b;       /* borrowed; checked by who owns it */
	size_t columns, column; /* of the table that is being written */
	bool listing;           /* facts are being written */
};

/* `text` NULL in what follows: nothing of the kind. */
void mr_page_begin(struct mr_page *p, const char *words, const char *text);
void mr_page_end(struct mr_page *p);
/* `level` 2 or 3. */
void mr_page_heading(struct mr_page *p, int level, const char *words,
		     const char *text);
/* A paragraph of ours, and one of a text of many lines. */
void mr_page_words(struct mr_page *p, const char *words);
void mr_page_quote(struct mr_page *p, const char *text);
/* A line: what, and its value; NULL: "not told". */
void mr_page_fact(struct mr_page *p, const char *words, const char *text);
/* The same of a value of ours. */
void mr_page_own_fact(struct mr_page *p, const char *words, const char *own);

/* A table of `n` columns; cells follow each other, rows end by themselves. */
void mr_page_table(struct mr_page *p, const char *const *heads, size_t n);
void mr_page_cell(struct mr_page *p, const char *text);
void mr_page_own(struct mr_page *p, const char *words);
void mr_page_table_end(struct mr_page *p);

/* What mreg_lineage_draw made: Mermaid for Markdown, SVG for HTML. */
void mr_page_picture(struct mr_page *p, const char *picture);

#endif
