/*
 * json_write.c - the one writer of JSON whose bytes are hashed.
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

static void escape(struct mr_buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		mr_buf_puts(b, "\\\"");
		break;
	case '\\':
		mr_buf_puts(b, "\\\\");
		break;
	case '\n':
		mr_buf_puts(b, "\\n");
		break;
	case '\t':
		mr_buf_puts(b, "\\t");
		break;
	case '\b':
		mr_buf_puts(b, "\\b");
		break;
	case '\f':
		mr_buf_puts(b, "\\f");
		break;
	case '\r':
		mr_buf_puts(b, "\\r");
		break;
	default:
		mr_buf_printf(b, "\\u%04x", (unsigned int)c);
		break;
	}
}

void mr_json_quote(struct mr_buf *b, const char *s)
{
	const char *plain = s; /* not written yet, needs no escape */

	mr_buf_putc(b, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		mr_buf_add(b, plain, (size_t)(s - plain));
		escape(b, c);
		plain = s + 1;
	}
	mr_buf_add(b, plain, (size_t)(s - plain));
	mr_buf_putc(b, '"');
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object in bytewise order; the array is the caller's. */
static const char **sorted_keys(const json_t *obj)
{
	size_t n = json_object_size(obj);
	const char **keys = mr_array(n, sizeof(*keys));
	size_t i = 0;
	void *at;

	if (!keys)
		return NULL;
	/* jansson's iterators take a plain pointer but change nothing. */
	for (at = json_object_iter((json_t *)obj); at;
	     at = json_object_iter_next((json_t *)obj, at))
		keys[i++] = json_object_iter_key(at);
	qsort(keys, n, sizeof(*keys), by_bytes);
	return keys;
}

static int put(const json_t *j, struct mr_buf *b, int depth,
	       struct mreg_error *err);

static int put_object(const json_t *j, struct mr_buf *b, int depth,
		      struct mreg_error *err)
{
	MR_AUTO(mr_free) const char **keys = sorted_keys(j);
	size_t n = json_object_size(j);
	size_t i;
	int rc;

	if (!keys)
		return mr_fail_nomem(err);
	mr_buf_putc(b, '{');
	for (i = 0; i < n; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		mr_json_quote(b, keys[i]);
		mr_buf_putc(b, ':');
		rc = put(json_object_get(j, keys[i]), b, depth + 1, err);
		if (rc < 0)
			return rc;
	}
	mr_buf_putc(b, '}');
	return 0;
}

static int put_array(const json_t *j, struct mr_buf *b, int depth,
		     struct mreg_error *err)
{
	size_t n = json_array_size(j);
	size_t i;
	int rc;

	mr_buf_putc(b, '[');
	for (i = 0; i < n; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		rc = put(json_array_get(j, i), b, depth + 1, err);
		if (rc < 0)
			return rc;
	}
	mr_buf_putc(b, ']');
	return 0;
}

static int put(const json_t *j, struct mr_buf *b, int depth,
	       struct mreg_error *err)
{
	if (depth > MR_JSON_DEPTH_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "JSON is nested deeper than %d levels",
			       MR_JSON_DEPTH_MAX);
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return put_object(j, b, depth, err);
	case JSON_ARRAY:
		return put_array(j, b, depth, err);
	case JSON_STRING:
		if (strlen(json_string_value(j)) != json_string_length(j))
			return mr_fail(err, MREG_EFORMAT,
				       "a JSON string holds a NUL");
		mr_json_quote(b, json_string_value(j));
		return 0;
	case JSON_INTEGER:
		mr_buf_printf(b, "%" JSON_INTEGER_FORMAT,
			      json_integer_value(j));
		return 0;
	case JSON_REAL:
		return mr_fail(err, MREG_EFORMAT,
			       "canonical JSON holds no fractions, found %.17g",
			       json_real_value(j));
	case JSON_TRUE:
		mr_buf_puts(b, "true");
		return 0;
	case JSON_FALSE:
		mr_buf_puts(b, "false");
		return 0;
	default:
		mr_buf_puts(b, "null");
		return 0;
	}
}

int mr_json_canonical(const json_t *j, struct mr_buf *b, struct mreg_error *err)
{
	int rc = put(j, b, 0, err);

	return rc < 0 ? rc : mr_buf_check(b, "JSON document", err);
}

/* A result's arena, escaped, is smaller. */
#define DUMP_MAX_BYTES (1u << 30)

static int append(const char *bytes, size_t n, void *ctx)
{
	mr_buf_add(ctx, bytes, n);
	return 0;
}

char *mr_json_dump(const json_t *j, size_t flags)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(DUMP_MAX_BYTES);

	if (json_dump_callback(j, append, &b, flags) < 0)
		return NULL;
	return mr_buf_take(&b);
}
