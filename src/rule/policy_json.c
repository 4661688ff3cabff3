/*
 * policy_json.c - facts as JSON text, member by member.
 */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "rule/rule.h"

/* Text from outside that is no UTF-8, as it is shown. */
#define SHOWN_BYTES 4096

/* A comma but for the first; then the key, which an element of a list does not
 * have. */
static void put_key(struct mr_buf *b, const char *key)
{
	char last = b->len ? b->data[b->len - 1] : '{';

	if (last != '{' && last != '[')
		mr_buf_putc(b, ',');
	if (!key)
		return;
	mr_json_quote(b, key);
	mr_buf_putc(b, ':');
}

static void put_quoted(struct mr_buf *b, const char *text)
{
	char safe[SHOWN_BYTES];

	mr_json_quote(b, mr_utf8_valid(text)
				 ? text
				 : mr_text_safe(text, safe, sizeof(safe)));
}

void mr_put_begin(struct mr_buf *b, const char *key, char bracket)
{
	if (b->len)
		put_key(b, key);
	mr_buf_putc(b, bracket);
}

void mr_put_end(struct mr_buf *b, char bracket)
{
	mr_buf_putc(b, bracket);
}

void mr_put_text(struct mr_buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(b, key);
	put_quoted(b, value);
}

void mr_put_u64(struct mr_buf *b, const char *key, uint64_t value)
{
	put_key(b, key);
	mr_buf_printf(b, "%" PRIu64, value);
}

void mr_put_bool(struct mr_buf *b, const char *key, bool value)
{
	put_key(b, key);
	mr_buf_puts(b, value ? "true" : "false");
}

void mr_put_null(struct mr_buf *b, const char *key)
{
	put_key(b, key);
	mr_buf_puts(b, "null");
}

/* As they were written, so that other engines compare numbers; what is none
 * stays a text. */
void mr_put_numbers(struct mr_buf *b, const char *key,
		    const struct mreg_pair *items, size_t n)
{
	size_t i;

	mr_put_begin(b, key, '{');
	for (i = 0; i < n; i++) {
		if (!mr_json_is_number(items[i].value)) {
			mr_put_text(b, items[i].name, items[i].value);
			continue;
		}
		put_key(b, items[i].name);
		mr_buf_puts(b, items[i].value);
	}
	mr_put_end(b, '}');
}

void mr_put_quoted(struct mr_buf *b, const char *facts)
{
	const char *s = facts;
	bool text = false;

	while (*s) {
		bool number = !text && strchr("-0123456789", *s);
		size_t n = number ? strspn(s, "-+.eE0123456789") : 1;

		if (*s == '"')
			text = !text;
		else if (*s == '\\' && s[1])
			n = 2;
		if (number)
			mr_buf_putc(b, '"');
		mr_buf_add(b, s, n);
		if (number)
			mr_buf_putc(b, '"');
		s += n;
	}
}

void mr_put_pairs(struct mr_buf *b, const char *key,
		  const struct mreg_pair *items, size_t n)
{
	size_t i;

	mr_put_begin(b, key, '{');
	for (i = 0; i < n; i++)
		mr_put_text(b, items[i].name, items[i].value);
	mr_put_end(b, '}');
}
