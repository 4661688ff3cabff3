/*
 * graph.c - what the formats that hold graphs share: inputs and outputs, and
 * lists as one text.
 */
#include "format/graph.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"

struct mr_port *mr_port_add(struct mr_cursor *c, struct mr_port **items,
			    size_t *count)
{
	struct mr_port *more;

	more = mr_keep_more(c, *items, *count, sizeof(**items));
	if (!more)
		return NULL;
	*items = more;
	memset(&more[*count], 0, sizeof(*more));
	return &more[(*count)++];
}

void mr_port_dim(struct mr_cursor *c, struct mr_port *port, int64_t size,
		 const char *name)
{
	const char *text = name && name[0] ? name : "?";

	if (port->dims.n >= MR_GRAPH_DIMS_MAX) {
		mr_cursor_fail(c, "a shape has more than %d dimensions",
			       MR_GRAPH_DIMS_MAX);
		return;
	}
	if (size >= 0)
		text = mr_keep_printf(c, "%" PRId64, size);
	mr_keep_word(c, &port->dims, text);
}

const char *mr_words_join(struct mr_cursor *c, const struct mr_words *words,
			  const char *between)
{
	size_t gap = strlen(between);
	size_t len = 0;
	char *text;
	size_t n;
	size_t i;

	for (n = 0; n < words->n; n++) {
		size_t more = strlen(words->items[n]) + (n ? gap : 0);

		if (more > MR_FACT_TEXT_MAX_BYTES - len)
			break;
		len += more;
	}
	text = n ? mr_keep(c, len + 1) : NULL;
	if (!text)
		return NULL;
	len = 0;
	for (i = 0; i < n; i++) {
		size_t part = strlen(words->items[i]);

		if (i) {
			memcpy(text + len, between, gap);
			len += gap;
		}
		memcpy(text + len, words->items[i], part);
		len += part;
	}
	return text;
}
