/*
 * fuzz_node.c - any bytes as YAML or JSON: a tree within its bounds whose maps
 * are sorted, or a reason; and as JSON it is read as the same tree again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (2 * MR_YAML_ARENA_BYTES)
#define JSON_MAX_BYTES (32u << 20)

/* How many nodes there are. */
static size_t check_tree(const struct mr_node *node, bool in_map, size_t depth)
{
	size_t n = 1;
	size_t i;

	assert(depth <= MR_JSON_DEPTH_MAX);
	assert(in_map ? node->key != NULL && mr_utf8_valid(node->key)
		      : !node->key);
	if (node->kind == MR_NODE_SCALAR) {
		assert(node->text && mr_utf8_valid(node->text));
		assert(node->count == 0);
	}
	for (i = 0; i < node->count; i++) {
		n += check_tree(node->items[i], node->kind == MR_NODE_MAP,
				depth + 1);
		if (node->kind != MR_NODE_MAP)
			continue;
		assert(mr_node_get(node, node->items[i]->key) ==
		       node->items[i]);
		assert(i == 0 || strcmp(node->items[i - 1]->key,
					node->items[i]->key) < 0);
	}
	return n;
}

/* `fresh` is an arena for what is read. */
static void check_json(const struct mr_node *node, struct mr_arena *fresh)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(JSON_MAX_BYTES);
	MR_AUTO(mr_buf_release)
	struct mr_buf again = MR_BUF_INIT(JSON_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node *back = NULL;
	int rc;

	mr_node_json(node, &text);
	if (text.failed || text.len > MR_PARSED_FILE_MAX_BYTES)
		return; /* escapes make it longer than it was */
	rc = mr_node_parse_json(fresh, mr_buf_text(&text), text.len, "again",
				&back, &err);
	assert(rc == 0 || rc == MREG_ENOMEM);
	if (rc < 0)
		return;
	mr_node_json(back, &again);
	assert(again.failed ||
	       strcmp(mr_buf_text(&again), mr_buf_text(&text)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	MR_AUTO(mr_arena_freep)
	struct mr_arena *fresh = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node *node = NULL;
	int rc;

	if (!a || !fresh)
		return 0; /* out of memory */
	rc = mr_yaml_parse(a, (const char *)data, size, "it", &node, &err);
	if (rc < 0) {
		assert(rc == MREG_EFORMAT || rc == MREG_ELIMIT ||
		       rc == MREG_ENOMEM);
		assert(err.msg[0] && mr_utf8_valid(err.msg));
		return 0;
	}
	if (!node)
		return 0;
	assert(check_tree(node, false, 0) <= MR_NODES_MAX);
	if (node->kind != MR_NODE_SCALAR)
		check_json(node, fresh);
	return 0;
}
