/*
 * fuzz_shards.c - a shard index gives sorted names below its folder, or a
 * reason; and no first bytes make the look for a git-lfs pointer fall over.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/format.h"

static void check_name(const char *name)
{
	assert(name[0] && name[0] != '/');
	assert(strncmp(name, "../", 3) != 0 && strcmp(name, "..") != 0);
	assert(!strstr(name, "/../") && !strstr(name, "//"));
	assert(name[strlen(name) - 1] != '/' && !strchr(name, '\\'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_list out = { .n = 0 };
	size_t i;

	(void)mr_format_is_lfs_pointer(data, size);
	if (mr_format_shards(data, size, "index", &out, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
		mr_list_release(&out);
		return 0;
	}
	for (i = 0; i < out.n; i++) {
		check_name(out.items[i]);
		assert(i == 0 || strcmp(out.items[i - 1], out.items[i]) < 0);
	}
	mr_list_release(&out);
	return 0;
}
