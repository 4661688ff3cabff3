/*
 * node.c - JSON to a tree that keeps numbers as they were written, and back.
 *
 * The JSON parser decides what the text means, but makes a double of "0.910".
 * So a second pass over the text, which is known to be valid by then, walks
 * beside the parser's value: both have their scalars in the same order, for
 * jansson iterates objects as they were written.
 */
#include "document/node.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

/* What stands between scalars. */
#define BETWEEN " \t\r\n,:[]{}"
/* Of a document's name with its quotes. */
#define WHAT_BYTES 128

struct walk {
	struct mr_arena *arena; /* borrowed */
	const char *name;       /* of the document, for messages */
	const char *at;         /* in the text */
	const char *end;
	size_t line;
	size_t nodes; /* so far */
};

static void skip_string(struct walk *w)
{
	for (w->at++; w->at < w->end && *w->at != '"'; w->at++)
		if (*w->at == '\\')
			w->at++;
	w->at++;
}

/* Step over the next scalar or key; `text` and `n` are its spelling. */
static void next_scalar(struct walk *w, const char **text, size_t *n)
{
	while (w->at < w->end && strchr(BETWEEN, *w->at)) {
		w->line += *w->at == '\n';
		w->at++;
	}
	*text = w->at;
	if (w->at < w->end && *w->at == '"')
		skip_string(w);
	else
		while (w->at < w->end && !strchr(BETWEEN, *w->at))
			w->at++;
	*n = (size_t)(w->at - *text);
}

static int walk_value(struct walk *w, const json_t *value, struct mr_node **out,
		      struct mreg_error *err);

static int walk_scalar(struct walk *w, const json_t *value,
		       struct mr_node *node, struct mreg_error *err)
{
	const char *text;
	size_t n;

	next_scalar(w, &text, &n);
	node->line = w->line;
	node->plain = !json_is_string(value);
	node->text = node->plain ? mr_arena_strndup(w->arena, text, n)
				 : mr_arena_strdup(w->arena,
						   json_string_value(value));
	return node->text ? 0 : mr_fail_nomem(err);
}

static int walk_array(struct walk *w, const json_t *value, struct mr_node *node,
		      struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < node->count && rc == 0; i++)
		rc = walk_value(w, json_array_get(value, i), &node->items[i],
				err);
	return rc;
}

static int walk_object(struct walk *w, json_t *value, struct mr_node *node,
		       struct mreg_error *err)
{
	const char *spelled;
	const char *key;
	json_t *member;
	size_t i = 0;
	size_t n;
	int rc;

	json_object_foreach(value, key, member)
	{
		next_scalar(w, &spelled, &n);
		rc = walk_value(w, member, &node->items[i], err);
		if (rc < 0)
			return rc;
		node->items[i]->key = mr_arena_strdup(w->arena, key);
		if (!node->items[i++]->key)
			return mr_fail_nomem(err);
	}
	mr_node_sort(node);
	return 0;
}

static int walk_value(struct walk *w, const json_t *value, struct mr_node **out,
		      struct mreg_error *err)
{
	struct mr_node *node;

	if (++w->nodes > MR_NODES_MAX)
		return mr_fail(err, MREG_ELIMIT, "more than %d values in '%s'",
			       MR_NODES_MAX, w->name);
	node = mr_arena_alloc(w->arena, sizeof(*node));
	if (!node)
		return mr_fail_nomem(err);
	*out = node;
	node->line = w->line;
	if (!json_is_object(value) && !json_is_array(value)) {
		node->kind = MR_NODE_SCALAR;
		return walk_scalar(w, value, node, err);
	}
	node->kind = json_is_object(value) ? MR_NODE_MAP : MR_NODE_LIST;
	node->count = json_is_object(value) ? json_object_size(value)
					    : json_array_size(value);
	node->items = mr_arena_alloc(w->arena,
				     node->count * sizeof(struct mr_node *));
	if (!node->items)
		return mr_fail_nomem(err);
	return node->kind == MR_NODE_MAP
		       ? walk_object(w, (json_t *)value, node, err)
		       : walk_array(w, value, node, err);
}

int mr_node_parse_json(struct mr_arena *arena, const char *bytes, size_t n,
		       const char *name, struct mr_node **out,
		       struct mreg_error *err)
{
	struct walk w = { .arena = arena,
			  .name = name,
			  .at = bytes,
			  .end = bytes + n,
			  .line = 1 };
	MR_AUTO(mr_json_freep) json_t *value = NULL;
	char what[WHAT_BYTES];
	int rc;

	(void)snprintf(what, sizeof(what), "'%s'", name);
	/* What a number is worth is not looked at. */
	rc = mr_json_parse_reals(bytes, n, MR_PARSED_FILE_MAX_BYTES, what,
				 &value, err);
	if (rc < 0)
		return rc;
	return walk_value(&w, value, out, err);
}

static int by_key(const void *a, const void *b)
{
	const struct mr_node *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

void mr_node_sort(struct mr_node *node)
{
	if (node->count > 1)
		qsort(node->items, node->count, sizeof(struct mr_node *),
		      by_key);
}

const struct mr_node *mr_node_get(const struct mr_node *map, const char *key)
{
	size_t low = 0;
	size_t high;
	size_t middle;
	int order;

	if (!map || map->kind != MR_NODE_MAP)
		return NULL;
	for (high = map->count; low < high;) {
		middle = low + (high - low) / 2;
		order = strcmp(key, map->items[middle]->key);
		if (order == 0)
			return map->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool mr_node_is_null(const struct mr_node *node)
{
	return node->kind == MR_NODE_SCALAR && node->plain &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

const char *mr_node_text(const struct mr_node *node)
{
	if (!node || node->kind != MR_NODE_SCALAR || mr_node_is_null(node))
		return NULL;
	return node->text;
}

/* Whether readers of JSON can hold a number: jansson for one refuses what is
 * infinite as a double, and integers of more than 64 bits. */
static bool fits(const char *number)
{
	if (strpbrk(number, ".eE"))
		return isfinite(strtod(number, NULL));
	errno = 0;
	(void)strtoll(number, NULL, 10);
	return errno == 0;
}

static void scalar_json(const struct mr_node *node, struct mr_buf *out)
{
	if (mr_node_is_null(node))
		mr_buf_puts(out, "null");
	else if (node->plain &&
		 (strcmp(node->text, "true") == 0 ||
		  strcmp(node->text, "false") == 0 ||
		  (mr_json_is_number(node->text) && fits(node->text))))
		mr_buf_puts(out, node->text);
	else
		mr_json_quote(out, node->text);
}

void mr_node_json(const struct mr_node *node, struct mr_buf *out)
{
	bool map = node->kind == MR_NODE_MAP;
	size_t i;

	if (node->kind == MR_NODE_SCALAR) {
		scalar_json(node, out);
		return;
	}
	mr_buf_putc(out, map ? '{' : '[');
	for (i = 0; i < node->count; i++) {
		if (i > 0)
			mr_buf_putc(out, ',');
		if (map) {
			mr_json_quote(out, node->items[i]->key);
			mr_buf_putc(out, ':');
		}
		mr_node_json(node->items[i], out);
	}
	mr_buf_putc(out, map ? '}' : ']');
}
