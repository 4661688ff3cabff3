/*
 * fileset.c - what identifies a version's files alone, whatever the packing.
 */
#include "model/meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

static int by_path(const void *a, const void *b)
{
	const struct mr_fileset_item *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int mr_fileset_digest(struct mr_fileset_item *items, size_t n,
		      struct mreg_digest *out, struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *hash = NULL;
	char hex[129];
	size_t i;
	int rc;

	if (n > 1)
		qsort(items, n, sizeof(*items), by_path);
	rc = mr_hash_new(MREG_SHA256, &hash, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++) {
		(void)mr_digest_hex(items[i].digest, hex);
		mr_hash_add(hash, hex, strlen(hex));
		mr_hash_add(hash, "  ", 2);
		mr_hash_add(hash, items[i].path, strlen(items[i].path));
		mr_hash_add(hash, "\n", 1);
	}
	mr_hash_end(hash, out);
	return 0;
}
