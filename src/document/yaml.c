/*
 * yaml.c - libyaml's events to a tree, under limits.
 */
#include "document/node.h"

#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* A key in a message. */
#define SHOWN_BYTES 96
/* U+FEFF, which editors of Windows put before a text. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reader {
	yaml_parser_t yaml;
	struct mr_arena *arena; /* borrowed */
	const char *name;       /* of the document; safe to show */
	size_t nodes;           /* so far */
};

/* A child while its parent is not complete. */
struct link {
	struct link *next;
	struct mr_node *node;
};

static int fail_at(const struct reader *r, size_t line, const char *problem,
		   struct mreg_error *err)
{
	return mr_fail(err, MREG_EFORMAT, "%s in '%s', line %zu", problem,
		       r->name, line);
}

static int next_event(struct reader *r, yaml_event_t *e, struct mreg_error *err)
{
	if (yaml_parser_parse(&r->yaml, e))
		return 0;
	if (r->yaml.error == YAML_MEMORY_ERROR)
		return mr_fail_nomem(err);
	return fail_at(r, r->yaml.problem_mark.line + 1,
		       r->yaml.problem ? r->yaml.problem : "no valid YAML",
		       err);
}

static size_t event_line(const yaml_event_t *e)
{
	return e->start_mark.line + 1;
}

static int fail_feature(const struct reader *r, const yaml_event_t *e,
			const char *what, struct mreg_error *err)
{
	(void)fail_at(r, event_line(e), what, err);
	return mr_hint(err, "write it out; no anchors, aliases or tags here");
}

/* Anchors and aliases make a small text large; tags ask a reader to make
 * objects of a kind that the text chooses. */
static int check_event(const struct reader *r, const yaml_event_t *e,
		       struct mreg_error *err)
{
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	if (e->type == YAML_ALIAS_EVENT)
		return fail_feature(r, e, "an alias ('*')", err);
	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor)
		return fail_feature(r, e, "an anchor ('&')", err);
	if (tag)
		return fail_feature(r, e, "a tag ('!')", err);
	return 0;
}

static int read_text(struct reader *r, const yaml_event_t *e, const char **out,
		     struct mreg_error *err)
{
	const char *text = (const char *)e->data.scalar.value;

	if (strlen(text) != e->data.scalar.length)
		return fail_at(r, event_line(e), "a NUL character", err);
	*out = mr_arena_strdup(r->arena, text);
	return *out ? 0 : mr_fail_nomem(err);
}

/* Children from the list to the array, a map's in the order of their keys. */
static int settle(struct reader *r, struct mr_node *node,
		  const struct link *first, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	const struct mr_node *a;
	const struct mr_node *b;
	size_t i = 0;

	node->items = mr_arena_alloc(r->arena,
				     node->count * sizeof(struct mr_node *));
	if (!node->items)
		return mr_fail_nomem(err);
	for (; first; first = first->next)
		node->items[i++] = first->node;
	if (node->kind != MR_NODE_MAP || node->count < 2)
		return 0;
	mr_node_sort(node);
	for (i = 1; i < node->count; i++) {
		a = node->items[i - 1];
		b = node->items[i];
		if (strcmp(a->key, b->key) == 0)
			return mr_fail(
				err, MREG_EFORMAT,
				"key '%s' twice in '%s', line %zu",
				mr_text_safe(b->key, shown, sizeof(shown)),
				r->name, a->line > b->line ? a->line : b->line);
	}
	return 0;
}

static int read_node(struct reader *r, const yaml_event_t *start,
		     unsigned int depth, struct mr_node **out,
		     struct mreg_error *err);

static bool is_end(const yaml_event_t *e)
{
	return e->type == YAML_SEQUENCE_END_EVENT ||
	       e->type == YAML_MAPPING_END_EVENT;
}

/* One child, its key first in a map; `*out` stays NULL at the end. */
static int read_child(struct reader *r, bool keyed, unsigned int depth,
		      struct mr_node **out, struct mreg_error *err)
{
	MR_AUTO(yaml_event_delete) yaml_event_t key = { 0 };
	MR_AUTO(yaml_event_delete) yaml_event_t e = { 0 };
	const char *name = NULL;
	int rc;

	if (keyed) {
		rc = next_event(r, &key, err);
		if (rc < 0 || is_end(&key))
			return rc;
		rc = check_event(r, &key, err);
		if (rc == 0 && key.type != YAML_SCALAR_EVENT)
			rc = fail_at(r, event_line(&key),
				     "a key that is no text", err);
		if (rc == 0)
			rc = read_text(r, &key, &name, err);
		if (rc < 0)
			return rc;
	}
	rc = next_event(r, &e, err);
	if (rc < 0 || is_end(&e))
		return rc;
	rc = read_node(r, &e, depth, out, err);
	if (rc == 0)
		(*out)->key = name;
	return rc;
}

static int read_children(struct reader *r, struct mr_node *node,
			 unsigned int depth, struct mreg_error *err)
{
	struct link *first = NULL;
	struct link **end = &first;
	struct mr_node *child;
	int rc;

	if (depth > MR_JSON_DEPTH_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "more than %d levels in '%s', line %zu",
			       MR_JSON_DEPTH_MAX, r->name, node->line);
	for (;;) {
		child = NULL;
		rc = read_child(r, node->kind == MR_NODE_MAP, depth, &child,
				err);
		if (rc < 0)
			return rc;
		if (!child)
			return settle(r, node, first, err);
		*end = mr_arena_alloc(r->arena, sizeof(**end));
		if (!*end)
			return mr_fail_nomem(err);
		(*end)->node = child;
		end = &(*end)->next;
		node->count++;
	}
}

static int read_node(struct reader *r, const yaml_event_t *start,
		     unsigned int depth, struct mr_node **out,
		     struct mreg_error *err)
{
	struct mr_node *node;
	int rc;

	rc = check_event(r, start, err);
	if (rc < 0)
		return rc;
	if (++r->nodes > MR_NODES_MAX)
		return mr_fail(err, MREG_ELIMIT, "more than %d values in '%s'",
			       MR_NODES_MAX, r->name);
	node = mr_arena_alloc(r->arena, sizeof(*node));
	if (!node)
		return mr_fail_nomem(err);
	node->line = event_line(start);
	*out = node;
	if (start->type == YAML_SCALAR_EVENT) {
		node->kind = MR_NODE_SCALAR;
		node->plain =
			start->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		return read_text(r, start, &node->text, err);
	}
	node->kind = start->type == YAML_MAPPING_START_EVENT ? MR_NODE_MAP
							     : MR_NODE_LIST;
	return read_children(r, node, depth + 1, err);
}

/* Events up to the root node, and that nothing comes behind it. */
static int read_document(struct reader *r, struct mr_node **out,
			 struct mreg_error *err)
{
	bool done = false;
	int rc = 0;

	while (rc == 0 && !done) {
		MR_AUTO(yaml_event_delete) yaml_event_t e = { 0 };

		rc = next_event(r, &e, err);
		if (rc < 0)
			return rc;
		switch (e.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (*out)
				rc = fail_at(r, event_line(&e),
					     "a second document", err);
			break;
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		default:
			rc = read_node(r, &e, 0, out, err);
			break;
		}
	}
	return rc;
}

static size_t spaces(const char *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && memchr(" \t\r\n", bytes[i], 4))
		i++;
	return i;
}

static bool has_mark(const char *bytes, size_t n)
{
	size_t len = sizeof(BYTE_ORDER_MARK) - 1;

	return n >= len && memcmp(bytes, BYTE_ORDER_MARK, len) == 0;
}

int mr_yaml_parse(struct mr_arena *arena, const char *bytes, size_t n,
		  const char *name, struct mr_node **out,
		  struct mreg_error *err)
{
	struct reader r = { .arena = arena };
	char shown[SHOWN_BYTES];
	size_t start;
	int rc;

	*out = NULL;
	r.name = mr_text_safe(name, shown, sizeof(shown));
	if (n > MR_PARSED_FILE_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT, "'%s' is larger than %u bytes",
			       r.name, MR_PARSED_FILE_MAX_BYTES);
	if (has_mark(bytes, n)) {
		bytes += sizeof(BYTE_ORDER_MARK) - 1;
		n -= sizeof(BYTE_ORDER_MARK) - 1;
	}
	start = spaces(bytes, n);
	if (start < n && (bytes[start] == '{' || bytes[start] == '['))
		return mr_node_parse_json(arena, bytes, n, r.name, out, err);
	if (!yaml_parser_initialize(&r.yaml))
		return mr_fail_nomem(err);
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)bytes, n);
	rc = read_document(&r, out, err);
	yaml_parser_delete(&r.yaml);
	return rc;
}
