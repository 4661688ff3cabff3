/*
 * json.c - values of JSON that are put together first and looked at once.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "draw/graph.h"

#define SAFE_MAX_BYTES 4096

json_t *mr_draw_text(const char *s)
{
	char safe[SAFE_MAX_BYTES];

	if (!s)
		return json_null();
	if (mr_utf8_valid(s))
		return json_string(s);
	return json_string(mr_text_safe(s, safe, sizeof(safe)));
}

json_t *mr_draw_time(int64_t unix_s)
{
	char text[32];

	return json_string(mr_text_time(unix_s, text));
}

void mr_draw_put(json_t **obj, const char *key, json_t *value)
{
	if (*obj && json_object_set_new(*obj, key, value) == 0)
		return;
	if (!*obj)
		json_decref(value);
	json_decref(*obj);
	*obj = NULL;
}

int mr_draw_hash(const char *prefix, const char *text, char out[129],
		 struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *h = NULL;
	struct mreg_digest d;
	int rc = mr_hash_new(MREG_SHA256, &h, err);

	if (rc < 0)
		return rc;
	mr_hash_add(h, prefix, strlen(prefix));
	mr_hash_add(h, text, strlen(text));
	mr_hash_end(h, &d);
	(void)mr_digest_hex(&d, out);
	return 0;
}

int mr_draw_dump(json_t *doc, size_t flags, struct mr_buf *b,
		 struct mreg_error *err)
{
	char *text = doc ? mr_json_dump(doc, flags) : NULL;

	json_decref(doc);
	if (!text)
		return mr_fail_nomem(err);
	mr_buf_puts(b, text);
	mr_buf_putc(b, '\n');
	mr_release(text);
	return 0;
}
