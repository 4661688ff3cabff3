/*
 * yaml.c - lines of YAML.
 */
#include "draw/yaml.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

static void indent(struct mr_yaml *y)
{
	unsigned int i;

	for (i = 0; i < y->depth; i++)
		mr_buf_puts(y->b, "  ");
}

/* What could end a comment, or move a terminal, is a '?'. */
static void put_comment(struct mr_buf *b, const char *text, size_t n)
{
	uint32_t point;
	size_t step;

	for (; n; text += step, n -= step) {
		step = mr_utf8_next(text, n, &point);
		if (!step || point < 0x20 || point == 0x7f || point == 0x85 ||
		    point == 0x2028 || point == 0x2029) {
			step = step ? step : 1;
			mr_buf_putc(b, '?');
		} else {
			mr_buf_add(b, text, step);
		}
	}
}

void mr_yaml_note(struct mr_yaml *y, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		indent(y);
		mr_buf_puts(y->b, "# ");
		put_comment(y->b, text, n);
		mr_buf_putc(y->b, '\n');
		text += n + (text[n] == '\n');
	}
}

void mr_yaml_note_built(struct mr_yaml *y, const struct mr_buf *text)
{
	if (!text->failed)
		mr_yaml_note(y, mr_buf_text(text));
	else if (!y->b->failed)
		y->b->failed = text->failed;
}

void mr_yaml_map(struct mr_yaml *y, const char *key)
{
	indent(y);
	mr_buf_printf(y->b, "%s:\n", key);
	y->depth++;
}

void mr_yaml_up(struct mr_yaml *y, unsigned int steps)
{
	y->depth -= steps;
}

void mr_yaml_own(struct mr_yaml *y, const char *key, const char *value)
{
	indent(y);
	mr_buf_printf(y->b, "%s: %s\n", key, value);
}

void mr_yaml_own_item(struct mr_yaml *y, const char *words)
{
	indent(y);
	mr_buf_printf(y->b, "- %s\n", words);
}

/* What a reader could take for something else than itself: controls, line
 * separators, U+FEFF, what is no character. */
static bool is_plain(uint32_t point)
{
	return (point >= 0x20 && point < 0x7f) ||
	       (point >= 0xa0 && point < 0x2000) ||
	       (point >= 0x2070 && point < 0xd800) ||
	       (point >= 0xe000 && point < 0xfe00) ||
	       (point >= 0xfe10 && point < 0xfeff) ||
	       (point > 0xfeff && point < 0xfff0);
}

static void put_quoted(struct mr_buf *b, const char *text)
{
	size_t left = strlen(text);
	uint32_t point;
	size_t n;

	mr_buf_putc(b, '"');
	for (; left; text += n, left -= n) {
		n = mr_utf8_next(text, left, &point);
		if (n == 0) {
			n = 1;
			mr_buf_puts(b, "\\uFFFD");
		} else if (point == '"' || point == '\\') {
			mr_buf_printf(b, "\\%c", (char)point);
		} else if (is_plain(point)) {
			mr_buf_add(b, text, n);
		} else {
			mr_buf_printf(b,
				      point > 0xffff ? "\\U%08" PRIX32
						     : "\\u%04" PRIX32,
				      point);
		}
	}
	mr_buf_putc(b, '"');
}

void mr_yaml_text(struct mr_yaml *y, const char *key, const char *value)
{
	indent(y);
	mr_buf_printf(y->b, "%s: ", key);
	put_quoted(y->b, value);
	mr_buf_putc(y->b, '\n');
}

void mr_yaml_item(struct mr_yaml *y, const char *key, const char *value)
{
	indent(y);
	mr_buf_printf(y->b, "- %s: ", key);
	put_quoted(y->b, value);
	mr_buf_putc(y->b, '\n');
	y->depth++;
}

void mr_yaml_block(struct mr_yaml *y, const char *key)
{
	indent(y);
	mr_buf_printf(y->b, "%s: |-\n", key);
	y->depth++;
}
