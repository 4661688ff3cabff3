/*
 * fuzz_mlmodel.c - any bytes as an MLmodel: a signature that comes out is a
 * JSON object that reads as itself, and paths stay below the folder.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (32u << 20)
#define JSON_MAX_BYTES (8u << 20)

static void check_text(const char *text)
{
	const char *p;

	if (!text)
		return;
	assert(text[0] && mr_utf8_valid(text));
	for (p = text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_path(const char *path)
{
	check_text(path);
	if (!path)
		return;
	assert(path[0] != '/' && !strstr(path, "/../") &&
	       strncmp(path, "../", 3) != 0 && strcmp(path, "..") != 0);
	assert(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

/* Compact and sorted already: writing it again changes nothing. */
static void check_signature(const char *text)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(2 * MR_YAML_ARENA_BYTES);
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(JSON_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node *node = NULL;
	int rc;

	check_text(text);
	if (!text || !a)
		return;
	rc = mr_node_parse_json(a, text, strlen(text), "signature", &node,
				&err);
	assert(rc == 0 || rc == MREG_ENOMEM);
	if (rc < 0)
		return;
	assert(node->kind == MR_NODE_MAP && node->count >= 1 &&
	       node->count <= 3);
	mr_node_json(node, &out);
	assert(out.failed || strcmp(mr_buf_text(&out), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_mlmodel m;
	size_t i;

	if (!a || mr_mlmodel_read((const char *)data, size, a, &m, &err) < 0)
		return 0; /* out of memory */
	if (m.trouble) {
		check_text(m.trouble);
		assert(m.flavors.n == 0 && !m.signature && !m.run_id);
		return 0;
	}
	for (i = 0; i < m.flavors.n; i++) {
		check_text(m.flavors.items[i]);
		assert(i == 0 ||
		       strcmp(m.flavors.items[i - 1], m.flavors.items[i]) <= 0);
	}
	check_text(m.run_id);
	check_path(m.environment);
	check_signature(m.signature);
	return 0;
}
