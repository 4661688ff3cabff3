/*
 * query_json.c - rows of SQL as JSON.
 *
 * Put together as text: numbers stay as the database has them.
 */
#include "mreg/json.h"
#include "mreg/query.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"

/* Every byte of a text may become six. */
#define JSON_MAX_BYTES (1u << 30)

static void put_value(struct mr_buf *b, const struct mreg_query_value *v)
{
	switch (v->type) {
	case MREG_QUERY_NULL:
		mr_buf_puts(b, "null");
		break;
	case MREG_QUERY_INTEGER:
	case MREG_QUERY_REAL:
		mr_buf_puts(b, v->text);
		break;
	case MREG_QUERY_TEXT:
	case MREG_QUERY_BYTES:
		mr_json_quote(b, v->text);
		break;
	}
}

char *mreg_query_row_json(const struct mreg_query_result *r, size_t i)
{
	struct mr_buf b = MR_BUF_INIT(JSON_MAX_BYTES);
	size_t k;

	mr_buf_putc(&b, '{');
	for (k = 0; k < r->column_count; k++) {
		mr_buf_puts(&b, k ? "," : "");
		mr_json_quote(&b, r->columns[k]);
		mr_buf_putc(&b, ':');
		put_value(&b, r->values + i * r->column_count + k);
	}
	mr_buf_putc(&b, '}');
	return mr_buf_take(&b);
}

char *mreg_query_result_json(const struct mreg_query_result *r)
{
	struct mr_buf b = MR_BUF_INIT(JSON_MAX_BYTES);
	char time[32];
	size_t i;

	mr_buf_puts(&b, "{\"schema\":\"mreg.query/1\",\"columns\":[");
	for (i = 0; i < r->column_count; i++) {
		mr_buf_puts(&b, i ? "," : "");
		mr_json_quote(&b, r->columns[i]);
	}
	mr_buf_puts(&b, "],\"rows\":[");
	for (i = 0; i < r->count * r->column_count; i++) {
		mr_buf_puts(&b, i ? "," : "");
		mr_buf_puts(&b, i % r->column_count ? "" : "[");
		put_value(&b, r->values + i);
		mr_buf_puts(&b, (i + 1) % r->column_count ? "" : "]");
	}
	mr_buf_printf(&b,
		      "],\"cut\":%s,\"syncedAt\":", r->cut ? "true" : "false");
	if (r->synced_s)
		mr_json_quote(&b, mr_text_time(r->synced_s, time));
	else
		mr_buf_puts(&b, "null");
	mr_buf_putc(&b, '}');
	return mr_buf_take(&b);
}
