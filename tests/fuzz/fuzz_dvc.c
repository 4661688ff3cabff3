/*
 * fuzz_dvc.c - any bytes as a .dvc file or a lock: every item has a path, and
 * a hash names its kind.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (32u << 20)

static void check_text(const char *text)
{
	const char *p;

	if (!text)
		return;
	assert(text[0] && mr_utf8_valid(text));
	for (p = text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_hash(const char *hash)
{
	check_text(hash);
	if (!hash)
		return;
	assert(strchr(hash, ':') && strchr(hash, ':')[1]);
	if (mr_text_starts(hash, "md5:"))
		assert(strlen(hash) == 4 + 32 ||
		       (strlen(hash) == 4 + 36 && mr_text_ends(hash, ".dir")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_dvc d;
	size_t i;

	if (!a || mr_dvc_read((const char *)data, size, a, &d, &err) < 0)
		return 0; /* out of memory */
	if (d.trouble) {
		check_text(d.trouble);
		assert(d.count == 0);
		return 0;
	}
	for (i = 0; i < d.count; i++) {
		assert(d.items[i].path);
		check_text(d.items[i].path);
		check_text(d.items[i].stage);
		check_text(d.items[i].repo);
		check_text(d.items[i].revision);
		check_hash(d.items[i].hash);
	}
	return 0;
}
