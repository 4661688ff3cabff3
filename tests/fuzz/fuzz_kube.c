/*
 * fuzz_kube.c - any bytes as what kubectl prints: in whatever pieces it comes
 * the same is found, and every name can be a part of a workload's.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

static int read_in(struct mr_arena *a, const char *text, size_t n, size_t each,
		   struct mr_kube *out, struct mreg_error *err)
{
	MR_AUTO(mr_kube_closep) struct mr_kube_reader *r = NULL;
	size_t at;
	int rc = mr_kube_open(a, &r, err);

	for (at = 0; rc >= 0 && at < n; at += each)
		rc = mr_kube_add(r, text + at, n - at < each ? n - at : each,
				 err);
	return rc < 0 ? rc : mr_kube_end(r, out, err);
}

static void check_ref(const struct mr_kube_ref *x, const struct mr_kube_ref *y)
{
	assert(x->space[0] && !strchr(x->space, '/'));
	assert(x->kind[0] && !strchr(x->kind, '/'));
	assert(x->name[0] && !strchr(x->name, '/'));
	assert(mr_utf8_valid(x->reference));
	assert(strcmp(x->space, y->space) == 0 &&
	       strcmp(x->kind, y->kind) == 0 && strcmp(x->name, y->name) == 0 &&
	       strcmp(x->reference, y->reference) == 0);
	assert(!x->digest == !y->digest && x->scheme == y->scheme);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_KUBE_ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_error other = MREG_ERROR_INIT;
	struct mr_kube whole, pieces;
	size_t i;
	int rc, again;

	if (!a)
		return 0;
	rc = read_in(a, (const char *)data, size, size + 1, &whole, &err);
	again = read_in(a, (const char *)data, size, 3, &pieces, &other);
	assert(rc == again);
	if (rc < 0) {
		assert(err.msg[0]);
		return 0;
	}
	assert(whole.count == pieces.count && whole.objects == pieces.objects);
	for (i = 0; i < whole.count; i++)
		check_ref(&whole.refs[i], &pieces.refs[i]);
	return 0;
}
