/*
 * page.c - a document for people, in Markdown or HTML.
 */
#include "draw/page.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "draw/graph.h"

#define TEXT_MAX_BYTES 2001 /* of one text, with its NUL */

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\"/>\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
	"'none'; style-src 'unsafe-inline'\"/>\n"
	"<meta name=\"viewport\" content=\"width=device-width\"/>\n"
	"<style>\n"
	"body{font:15px/1.45 sans-serif;color:#222;max-width:75em;"
	"margin:2em auto;padding:0 1em}\n"
	"h1,h2,h3{line-height:1.2}h2{margin-top:2em;"
	"border-bottom:1px solid #999}\n"
	"table{border-collapse:collapse;width:100%;font-size:13px}\n"
	"th,td{text-align:left;vertical-align:top;padding:.25em .6em .25em 0;"
	"border-bottom:1px solid #ddd;overflow-wrap:anywhere}\n"
	"p.fact{margin:.2em 0;overflow-wrap:anywhere}\n"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;"
	"border-left:3px solid #ccc;padding-left:1em}\n"
	"svg{max-width:100%;height:auto}\n"
	"@media print{body{margin:0;max-width:none;font-size:11px}"
	"table{font-size:9px}tr{break-inside:avoid}"
	"h2,h3{break-after:avoid}}\n"
	"</style>\n";

/* -- texts ----------------------------------------------------------------- */

static void put_html(struct mr_buf *b, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			mr_buf_puts(b, "&amp;");
			break;
		case '<':
			mr_buf_puts(b, "&lt;");
			break;
		case '>':
			mr_buf_puts(b, "&gt;");
			break;
		case '"':
			mr_buf_puts(b, "&quot;");
			break;
		default:
			mr_buf_putc(b, *text);
		}
	}
}

static size_t longest_run(const char *text, size_t n, char c)
{
	size_t longest = 0;
	size_t run = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		run = text[i] == c ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* A code span (CommonMark 0.31, section 6.1): between more backticks than it
 * has in a row, and a space where it begins or ends with one. */
static void put_span(struct mr_buf *b, const char *text, size_t n)
{
	size_t ticks = longest_run(text, n, '`') + 1;
	bool padded = text[0] == '`' || text[n - 1] == '`' ||
		      (text[0] == ' ' && text[n - 1] == ' ');
	size_t i;

	for (i = 0; i < ticks; i++)
		mr_buf_putc(b, '`');
	mr_buf_puts(b, padded ? " " : "");
	mr_buf_add(b, text, n);
	mr_buf_puts(b, padded ? " " : "");
	for (i = 0; i < ticks; i++)
		mr_buf_putc(b, '`');
}

/* Tables are cut at every bar before spans are looked for. */
static void put_spans(struct mr_buf *b, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "|");

		if (n)
			put_span(b, text, n);
		text += n;
		if (*text) {
			mr_buf_puts(b, "&#124;");
			text++;
		}
	}
}

static void put_text(struct mr_page *p, const char *text)
{
	char safe[TEXT_MAX_BYTES];

	(void)mr_text_safe(text, safe, sizeof(safe));
	mr_drawn_chars(safe);
	if (p->form == MR_PAGE_HTML)
		put_html(p->b, safe);
	else
		put_spans(p->b, safe);
}

static bool is_html(const struct mr_page *p)
{
	return p->form == MR_PAGE_HTML;
}

static void put_both(struct mr_page *p, const char *words, const char *text)
{
	mr_buf_puts(p->b, words);
	if (!text)
		return;
	mr_buf_puts(p->b, words[0] ? " " : "");
	put_text(p, text);
}

/* Behind a list of facts Markdown wants an empty line. */
static void begin_part(struct mr_page *p)
{
	if (p->listing && !is_html(p))
		mr_buf_putc(p->b, '\n');
	p->listing = false;
}

/* -- parts ----------------------------------------------------------------- */

void mr_page_begin(struct mr_page *p, const char *words, const char *text)
{
	if (is_html(p)) {
		mr_buf_puts(p->b, head);
		mr_buf_puts(p->b, "<title>");
		put_both(p, words, text);
		mr_buf_puts(p->b, "</title>\n</head>\n<body>\n<h1>");
		put_both(p, words, text);
		mr_buf_puts(p->b, "</h1>\n");
	} else {
		mr_buf_puts(p->b, "# ");
		put_both(p, words, text);
		mr_buf_puts(p->b, "\n\n");
	}
}

void mr_page_end(struct mr_page *p)
{
	if (is_html(p))
		mr_buf_puts(p->b, "</body>\n</html>\n");
}

void mr_page_heading(struct mr_page *p, int level, const char *words,
		     const char *text)
{
	begin_part(p);
	if (is_html(p))
		mr_buf_printf(p->b, "<h%d>", level);
	else
		mr_buf_puts(p->b, level == 2 ? "## " : "### ");
	put_both(p, words, text);
	if (is_html(p))
		mr_buf_printf(p->b, "</h%d>\n", level);
	else
		mr_buf_puts(p->b, "\n\n");
}

void mr_page_words(struct mr_page *p, const char *words)
{
	begin_part(p);
	mr_buf_puts(p->b, is_html(p) ? "<p>" : "");
	mr_buf_puts(p->b, words);
	mr_buf_puts(p->b, is_html(p) ? "</p>\n" : "\n\n");
}

void mr_page_quote(struct mr_page *p, const char *text)
{
	begin_part(p);
	mr_buf_puts(p->b, is_html(p) ? "<pre>" : "");
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = mr_strndup(text, n);

		if (!line) {
			p->b->failed = MREG_ENOMEM;
			return;
		}
		if (!is_html(p))
			mr_buf_puts(p->b, n ? "> " : ">");
		put_text(p, line);
		/* Two spaces: the line ends here. */
		mr_buf_puts(p->b, is_html(p) || !n ? "\n" : "  \n");
		mr_release(line);
		text += n + (text[n] == '\n');
	}
	mr_buf_puts(p->b, is_html(p) ? "</pre>\n" : "\n");
}

static void fact(struct mr_page *p, const char *words, const char *own,
		 const char *text)
{
	p->listing = true;
	mr_buf_puts(p->b, is_html(p) ? "<p class=\"fact\"><b>" : "- **");
	mr_buf_puts(p->b, words);
	mr_buf_puts(p->b, is_html(p) ? "</b>: " : "**: ");
	if (text)
		put_text(p, text);
	else
		mr_buf_puts(p->b, own);
	mr_buf_puts(p->b, is_html(p) ? "</p>\n" : "\n");
}

void mr_page_fact(struct mr_page *p, const char *words, const char *text)
{
	fact(p, words, "not told", text);
}

void mr_page_own_fact(struct mr_page *p, const char *words, const char *own)
{
	fact(p, words, own, NULL);
}

/* -- tables ---------------------------------------------------------------- */

void mr_page_table(struct mr_page *p, const char *const *heads, size_t n)
{
	size_t i;

	begin_part(p);
	p->columns = n;
	p->column = 0;
	mr_buf_puts(p->b, is_html(p) ? "<table>\n<thead><tr>" : "|");
	for (i = 0; i < n; i++)
		mr_buf_printf(p->b, is_html(p) ? "<th>%s</th>" : " %s |",
			      heads[i]);
	mr_buf_puts(p->b, is_html(p) ? "</tr></thead>\n<tbody>\n" : "\n|");
	for (i = 0; i < n && !is_html(p); i++)
		mr_buf_puts(p->b, " --- |");
	mr_buf_puts(p->b, is_html(p) ? "" : "\n");
}

static void cell(struct mr_page *p, const char *words, const char *text)
{
	if (p->column == 0)
		mr_buf_puts(p->b, is_html(p) ? "<tr>" : "|");
	mr_buf_puts(p->b, is_html(p) ? "<td>" : " ");
	if (words)
		mr_buf_puts(p->b, words);
	else if (text)
		put_text(p, text);
	mr_buf_puts(p->b, is_html(p) ? "</td>" : " |");
	if (++p->column < p->columns)
		return;
	mr_buf_puts(p->b, is_html(p) ? "</tr>\n" : "\n");
	p->column = 0;
}

void mr_page_cell(struct mr_page *p, const char *text)
{
	cell(p, NULL, text);
}

void mr_page_own(struct mr_page *p, const char *words)
{
	cell(p, words, NULL);
}

void mr_page_table_end(struct mr_page *p)
{
	mr_buf_puts(p->b, is_html(p) ? "</tbody>\n</table>\n" : "\n");
}

void mr_page_picture(struct mr_page *p, const char *picture)
{
	begin_part(p);
	mr_buf_puts(p->b, is_html(p) ? "<div>\n" : "```mermaid\n");
	mr_buf_puts(p->b, picture);
	mr_buf_puts(p->b, is_html(p) ? "</div>\n" : "```\n\n");
}
