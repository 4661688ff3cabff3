/*
 * fields.c - what the readers of small documents share.
 */
#include "document/fields.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

#define SPACE " \t\r\n"
/* Languages, tags, data sets: no honest list has as many, and each is looked
 * up among those before it. */
#define WORDS_MAX 1000

int mr_fields_open(const char *bytes, size_t n, const char *name,
		   struct mr_arena *tree, struct mr_arena *a,
		   const struct mr_node **root, const char **trouble,
		   struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_node *node = NULL;
	int rc = mr_yaml_parse(tree, bytes, n, name, &node, &why);

	*root = NULL;
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc < 0) {
		*trouble = mr_arena_strdup(a, why.msg);
		return mr_fields_end(a, err);
	}
	if (!node || mr_node_is_null(node))
		return 0;
	if (node->kind != MR_NODE_MAP) {
		*trouble = mr_arena_printf(a, "no map of fields in '%s'", name);
		return mr_fields_end(a, err);
	}
	*root = node;
	return 0;
}

int mr_fields_end(const struct mr_arena *a, struct mreg_error *err)
{
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}

/* C0, DEL, C1, and Unicode's line and paragraph separators. */
static bool is_control(uint32_t c, bool lines)
{
	if (c == '\n' || c == '\t')
		return !lines;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
	       c == 0x2029;
}

bool mr_fields_is_clean(const char *text, size_t n, bool lines)
{
	uint32_t c;
	size_t step;
	size_t i;

	for (i = 0; i < n; i += step) {
		step = mr_utf8_next(text + i, n - i, &c);
		if (step == 0 || is_control(c, lines))
			return false;
	}
	return true;
}

const char *mr_fields_line(struct mr_arena *a, const char *text)
{
	size_t n;

	if (!text)
		return NULL;
	text += strspn(text, SPACE);
	for (n = strlen(text); n > 0 && strchr(SPACE, text[n - 1]);)
		n--;
	if (n == 0 || n > MR_FACT_TEXT_MAX_BYTES ||
	    !mr_fields_is_clean(text, n, false))
		return NULL;
	return mr_arena_strndup(a, text, n);
}

const char *mr_fields_text(struct mr_arena *a, const struct mr_node *map,
			   const char *key)
{
	return mr_fields_line(a, mr_node_text(mr_node_get(map, key)));
}

static bool has(const struct mr_words *words, const char *text)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (strcmp(words->items[i], text) == 0)
			return true;
	return false;
}

void mr_fields_words(struct mr_arena *a, const struct mr_node *node,
		     struct mr_words *out)
{
	const struct mr_node *item;
	const char *word;
	size_t count;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (!node || node->kind == MR_NODE_MAP)
		return;
	count = node->kind == MR_NODE_LIST ? node->count : 1;
	if (count > WORDS_MAX)
		count = WORDS_MAX;
	out->items = mr_arena_alloc(a, count * sizeof(*out->items));
	if (!out->items)
		return;
	for (i = 0; i < count; i++) {
		item = node->kind == MR_NODE_LIST ? node->items[i] : node;
		word = mr_fields_line(a, mr_node_text(item));
		if (word && !has(out, word))
			out->items[out->n++] = word;
	}
}

const struct mr_node *mr_fields_item(const struct mr_node *list, size_t i)
{
	if (!list || list->kind != MR_NODE_LIST || i >= list->count)
		return NULL;
	return list->items[i];
}
