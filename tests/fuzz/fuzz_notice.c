/*
 * fuzz_notice.c - any bytes as what a registry sends: texts are there, valid
 * and bounded, and a document read once more is read the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crawl/notice.h"

static void check(const struct mr_notice *n)
{
	assert(mr_notice_is_source(n->source));
	assert(n->repository && n->repository[0]);
	assert(mr_utf8_valid(n->repository));
	assert(!n->host || mr_utf8_valid(n->host));
	assert(!n->id || (n->id[0] && mr_utf8_valid(n->id) &&
			  strlen(n->id) <= MR_NOTICE_ID_MAX_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_notices_release) struct mr_notices a = { .count = 0 };
	MR_AUTO(mr_notices_release) struct mr_notices b = { .count = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	const char *text = (const char *)data;
	size_t i;

	if (mr_notices_read(text, size, NULL, &a, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
		return 0;
	}
	for (i = 0; i < a.count; i++)
		check(&a.items[i]);
	assert(!a.unknown == !a.unknown_at);
	assert(mr_notices_read(text, size, NULL, &b, &err) == 0);
	assert(a.count == b.count && a.unknown == b.unknown);
	/* One source knows no more than all. */
	mr_notices_release(&b);
	assert(mr_notices_read(text, size, "harbor", &b, &err) == 0);
	assert(b.count <= a.count);
	return 0;
}
