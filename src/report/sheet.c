/*
 * sheet.c - cells and lines that the pages of reports are made of.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "report/page.h"

#define LINE_MAX_BYTES 2001
#define LIST_MAX_BYTES (64u << 10)

void mr_sheet_begin(struct mr_sheet *s, struct mreg *m,
		    enum mreg_report_form form, int64_t now_s, struct mr_buf *b)
{
	*s = (struct mr_sheet){
		.page = { .form = form == MREG_REPORT_HTML ? MR_PAGE_HTML
							   : MR_PAGE_MARKDOWN,
			  .b = b },
		.m = m,
		.now_s = now_s,
		.err = MREG_ERROR_INIT,
	};
}

int mr_sheet_end(struct mr_sheet *s, char **out, struct mreg_error *err)
{
	int rc;

	mr_page_end(&s->page);
	if (s->failed < 0) {
		*err = s->err;
		return s->failed;
	}
	rc = mr_buf_check(s->page.b, "a report", err);
	if (rc < 0)
		return rc;
	*out = mr_buf_take(s->page.b);
	return *out ? 0 : mr_fail_nomem(err);
}

void mr_tell_time(struct mr_sheet *s, int64_t time_s)
{
	char text[32];

	mr_page_own(&s->page, time_s ? mr_text_time(time_s, text) : "");
}

void mr_tell_digest(struct mr_sheet *s, const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	mr_page_own(&s->page, mreg_digest_text(d, text));
}

void mr_tell_version(struct mr_sheet *s, uint64_t number)
{
	char text[32] = "";

	if (number)
		(void)snprintf(text, sizeof(text), "v%" PRIu64, number);
	mr_page_own(&s->page, text);
}

void mr_tell_number(struct mr_sheet *s, uint64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, n);
	mr_page_own(&s->page, text);
}

void mr_tell_span(struct mr_sheet *s, int64_t span_s)
{
	char text[32];

	mr_page_own(&s->page, span_s < 0 ? "" : mr_text_span(span_s, text));
}

void mr_tell_flag(struct mr_sheet *s, bool flag, const char *yes,
		  const char *no)
{
	mr_page_own(&s->page, flag ? yes : no);
}

void mr_tell_printf(struct mr_sheet *s, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mr_page_cell(&s->page, text);
}

void mr_tell_texts(struct mr_sheet *s, const char *const *items, size_t n)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(LIST_MAX_BYTES);
	size_t i;

	for (i = 0; i < n; i++)
		mr_buf_printf(&b, "%s%s", i ? ", " : "", items[i]);
	mr_page_cell(&s->page, mr_buf_text(&b));
}

void mr_tell_pairs(struct mr_sheet *s, const struct mreg_pair *items, size_t n)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(LIST_MAX_BYTES);
	size_t i;

	for (i = 0; i < n; i++)
		mr_buf_printf(&b, "%s%s=%s", i ? ", " : "", items[i].name,
			      items[i].value);
	mr_page_cell(&s->page, mr_buf_text(&b));
}

void mr_fact_printf(struct mr_sheet *s, const char *words, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mr_page_fact(&s->page, words, text);
}

void mr_fact_own(struct mr_sheet *s, const char *words, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mr_page_own_fact(&s->page, words, text);
}

void mr_fact_time(struct mr_sheet *s, const char *words, int64_t time_s)
{
	char text[32];

	mr_page_own_fact(&s->page, words,
			 time_s ? mr_text_time(time_s, text) : "not told");
}

void mr_sheet_unread(struct mr_sheet *s, const struct mreg_pair *items,
		     size_t n)
{
	static const char *const heads[] = { "What", "Why" };
	size_t i;

	mr_page_heading(&s->page, 2, "What could not be read", NULL);
	if (!n)
		mr_page_words(&s->page, "Nothing: all of it was read.");
	else
		mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < n; i++) {
		mr_page_cell(&s->page, items[i].name);
		mr_page_cell(&s->page, items[i].value);
	}
	if (n)
		mr_page_table_end(&s->page);
}
