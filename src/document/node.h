/*
 * document/node.h - a small document, YAML or JSON, as a tree that keeps
 * scalars as they were written.
 *
 * A part of the door document/document.h, which includes it.  A bounded part of
 * YAML (security.md H69): one document, no anchors, aliases or tags, no key
 * twice, MR_JSON_DEPTH_MAX levels.  A text that begins with '{' or '[' is JSON
 * and must be strictly that.
 */
#ifndef MR_DOCUMENT_NODE_H
#define MR_DOCUMENT_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mreg/error.h"

enum mr_node_kind {
	MR_NODE_SCALAR,
	MR_NODE_LIST,
	MR_NODE_MAP
};

/* All in the arena. */
struct mr_node {
	enum mr_node_kind kind;
	const char *key;  /* in a map; else NULL */
	const char *text; /* of a scalar: valid UTF-8 without NUL */
	bool plain;       /* a scalar without quotes: may be null, a number */
	size_t line;      /* from 1 */
	struct mr_node **items; /* a map's are sorted bytewise by key */
	size_t count;
};

/* Each takes about a hundred bytes; no metadata has as many. */
#define MR_NODES_MAX 100000
/* What an arena for the largest tree must be allowed to hold. */
#define MR_YAML_ARENA_BYTES (32u << 20)

/* `*out` is NULL for a document without content.  `name` is for messages.
 * MREG_EFORMAT, MREG_ELIMIT. */
int mr_yaml_parse(struct mr_arena *arena, const char *bytes, size_t n,
		  const char *name, struct mr_node **out,
		  struct mreg_error *err);

/* The same for what is known to be JSON; node.c. */
int mr_node_parse_json(struct mr_arena *arena, const char *bytes, size_t n,
		       const char *name, struct mr_node **out,
		       struct mreg_error *err);

/* Order a map's items bytewise by key. */
void mr_node_sort(struct mr_node *node);

/* The item of a map by its key; NULL: absent, or `map` is NULL or no map. */
const struct mr_node *mr_node_get(const struct mr_node *map, const char *key);
/* The text of a scalar that is not null; else NULL. */
const char *mr_node_text(const struct mr_node *node);

/* Nothing, "~" or null, without quotes. */
bool mr_node_is_null(const struct mr_node *node);

/* Append as compact JSON, keys sorted bytewise, numbers as written; plain
 * scalars that JSON does not know, and numbers that its readers cannot hold,
 * become strings. */
void mr_node_json(const struct mr_node *node, struct mr_buf *out);

#endif
