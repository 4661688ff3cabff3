/*
 * tests/support/contract_blobs.c - the promises about blobs: they come back as
 * they were put, or not at all.
 */
#include "tests/support/contract_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "oci/oci.h"

#define THREADS 8
#define THREAD_BLOBS 24

/* A store that hands out what it should not. */
struct liar {
	struct mr_store base;
	const void *bytes;
	size_t n;
};

/* -- a store that lies --------------------------------------------------- */

static int liar_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		    struct mreg_error *err)
{
	(void)s;
	(void)d;
	(void)err;
	*found = true;
	return 0;
}

static int liar_open(struct mr_store *s, const struct mreg_desc *d,
		     uint64_t offset, uint64_t length, struct mr_stream **out,
		     struct mreg_error *err)
{
	struct liar *l = mr_container_of(s, struct liar, base);

	(void)d;
	(void)offset;
	(void)length;
	return mr_stream_memory(l->bytes, l->n, out, err);
}

static void liar_free(struct mr_store *s)
{
	(void)s;
}

static const struct mr_store_ops liar_ops = {
	.kind = "lying",
	.has = liar_has,
	.open = liar_open,
	.free = liar_free,
};

static int put_lie(struct ct *f, const struct mreg_desc *d, const void *bytes,
		   size_t n)
{
	char name[] = "liar";
	struct liar l = {
		.base = { .ops = &liar_ops, .env = &f->t.env, .name = name },
		.bytes = bytes,
		.n = n,
	};

	return mr_store_put(f->store, d, &l.base, "lie", &f->err);
}

/* -- blobs ----------------------------------------------------------------- */

static void has_nothing_at_first(void **state)
{
	struct ct *f = *state;
	size_t i;

	for (i = 0; i < CONTRACT_BLOBS; i++)
		assert_false(ct_has(f, &contract_blob(i)->desc));
}

static void gives_back_what_was_put(void **state)
{
	struct ct *f = *state;
	size_t i;

	for (i = 0; i < CONTRACT_BLOBS; i++) {
		ct_put(f, contract_blob(i));
		assert_true(ct_has(f, &contract_blob(i)->desc));
	}
	ct_settle(f);
	for (i = 0; i < CONTRACT_BLOBS; i++) {
		assert_true(ct_has(f, &contract_blob(i)->desc));
		ct_assert_content(f, contract_blob(i));
	}
}

static void takes_a_blob_twice(void **state)
{
	struct ct *f = *state;

	ct_put(f, contract_blob(CONTRACT_SMALL));
	ct_put(f, contract_blob(CONTRACT_SMALL));
	assert_true(ct_has(f, &contract_blob(CONTRACT_SMALL)->desc));
}

static void size_is_part_of_the_name(void **state)
{
	struct ct *f = *state;
	struct mreg_desc d = contract_blob(CONTRACT_SMALL)->desc;

	ct_put(f, contract_blob(CONTRACT_SMALL));
	d.size++;
	assert_false(ct_has(f, &d));
}

static void another_store_sees_it(void **state)
{
	struct ct *f = *state;
	struct mr_store *first = f->store;

	ct_need(CONTRACT_AGAIN);
	ct_put(f, contract_blob(CONTRACT_LARGE));
	ct_settle(f);
	assert_ok(ct_open_store(f, &f->store), f->err);
	mr_store_close(first);
	assert_true(ct_has(f, &contract_blob(CONTRACT_LARGE)->desc));
	ct_assert_content(f, contract_blob(CONTRACT_LARGE));
}

static void tells_of_every_byte_copied(void **state)
{
	struct ct *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	struct mr_store *from = NULL;

	assert_ok(mr_memory_open(&f->t.env, &from, &f->err), f->err);
	assert_ok(mr_store_put_bytes(from, &b->desc, b->bytes, &f->err),
		  f->err);
	assert_int_equal(f->t.progress_bytes, 0);
	assert_ok(mr_store_put(f->store, &b->desc, from, "large", &f->err),
		  f->err);
	assert_int_equal(f->t.progress_bytes, b->desc.size);
	mr_store_close(from);
	ct_settle(f);
	ct_assert_content(f, b);
}

static void refuses_other_bytes(void **state)
{
	struct ct *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_EINTEGRITY, put_lie(f, d, "weighty", 7), f->err);
	assert_false(ct_has(f, d));
}

static void refuses_truncation(void **state)
{
	struct ct *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_EINTEGRITY, put_lie(f, d, "weight", 6), f->err);
	assert_has(f->err.cause, "after 6/7 bytes");
	assert_false(ct_has(f, d));
}

static void refuses_bytes_past_the_end(void **state)
{
	struct ct *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_EINTEGRITY, put_lie(f, d, "weights!", 8), f->err);
	assert_false(ct_has(f, d));
	/* It is none the worse for it. */
	ct_put(f, contract_blob(CONTRACT_SMALL));
	ct_settle(f);
	ct_assert_content(f, contract_blob(CONTRACT_SMALL));
}

static void says_what_is_not_there(void **state)
{
	struct ct *f = *state;
	struct mr_buf got = MR_BUF_INIT(CT_LARGE_BYTES);
	char text[MREG_DIGEST_TEXT];
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_ENOTFOUND, mr_store_load(f->store, d, &got, &f->err),
		    f->err);
	assert_has(f->err.msg, mreg_digest_text(&d->digest, text));
	assert_has(f->err.msg, f->store->name);
	mr_buf_release(&got);
}

static void reads_a_part(void **state)
{
	struct ct *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char got[1000];

	ct_put(f, b);
	ct_settle(f);
	assert_ok(mr_store_open_range(f->store, &b->desc, 1048570, 100, &in,
				      &f->err),
		  f->err);
	assert_int_equal(mr_stream_fill(in, got, sizeof(got), &f->err), 100);
	assert_memory_equal(got, (const char *)b->bytes + 1048570, 100);
}

static void refuses_a_part_past_the_end(void **state)
{
	struct ct *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;
	struct mr_stream *in = NULL;

	assert_code(MREG_EUSAGE,
		    mr_store_open_range(f->store, d, 3, 5, &in, &f->err),
		    f->err);
	assert_code(
		MREG_EUSAGE,
		mr_store_open_range(f->store, d, UINT64_MAX, 2, &in, &f->err),
		f->err);
}

static void loads_no_more_than_allowed(void **state)
{
	struct ct *f = *state;
	struct mr_buf got = MR_BUF_INIT(1000);

	ct_put(f, contract_blob(CONTRACT_LARGE));
	ct_settle(f);
	assert_code(MREG_ELIMIT,
		    mr_store_load(f->store,
				  &contract_blob(CONTRACT_LARGE)->desc, &got,
				  &f->err),
		    f->err);
	mr_buf_release(&got);
}

static void stops_when_interrupted(void **state)
{
	struct ct *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);

	atomic_store(&f->t.cancel, true);
	assert_code(MREG_ECANCELED,
		    mr_store_put_bytes(f->store, &b->desc, b->bytes, &f->err),
		    f->err);
	atomic_store(&f->t.cancel, false);
	assert_false(ct_has(f, &b->desc));
}

/* -- threads ------------------------------------------------------------------
 */

/* Each content is put by several threads, then read by them. */
static int thread_task(void *ctx, size_t index, struct mreg_error *err)
{
	struct ct *f = ctx;
	char text[64], got[64];
	struct mr_stream *in;
	struct mreg_desc d;
	bool found = false;
	ssize_t n;
	int rc;

	snprintf(text, sizeof(text), "content %zu", index / 3);
	d = (struct mreg_desc){ .media_type = MR_MEDIA_OCTETS,
				.size = strlen(text) };
	rc = mr_digest_of(text, strlen(text), &d.digest, err);
	if (rc == 0)
		rc = mr_store_put_bytes(f->store, &d, text, err);
	if (rc == 0)
		rc = mr_store_has(f->store, &d, &found, err);
	if (rc == 0 && !found)
		rc = mr_fail(err, MREG_EINTERNAL, "what was put is not there");
	if (rc == 0)
		rc = mr_store_open(f->store, &d, &in, err);
	if (rc < 0)
		return rc;
	n = mr_stream_fill(in, got, sizeof(got), err);
	mr_stream_close(in);
	if (n < 0)
		return (int)n;
	if ((size_t)n != strlen(text) || memcmp(got, text, (size_t)n) != 0)
		return mr_fail(err, MREG_EINTERNAL, "other bytes came back");
	return 0;
}

static void serves_many_threads(void **state)
{
	struct ct *f = *state;

	ct_need(CONTRACT_ANY_BLOB);
	assert_ok(mr_task_run(&f->t.env, THREADS, THREAD_BLOBS, thread_task, f,
			      &f->err),
		  f->err);
}

static void mounts_or_says_it_did_not(void **state)
{
	struct ct *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	struct mr_store *mine = f->store;
	char other[64];
	bool done = true;

	ct_need(CONTRACT_ANY_BLOB);
	assert_ok(mr_store_mount(f->store, &b->desc, "contract/nowhere", &done,
				 &f->err),
		  f->err);
	assert_false(done);
	/* Put it into a second repository, then take it from there. */
	strcpy(other, f->repository);
	strcat(f->repository, "/other");
	assert_ok(ct_open_store(f, &f->store), f->err);
	ct_put(f, b);
	assert_ok(mr_store_mount(mine, &b->desc, f->repository, &done, &f->err),
		  f->err);
	mr_store_close(f->store);
	strcpy(f->repository, other);
	f->store = mine;
	assert_int_equal(ct_has(f, &b->desc), done);
	if (done)
		ct_assert_content(f, b);
}

int ct_run_blobs(void)
{
	const struct CMUnitTest tests[] = {
		CT_TEST(has_nothing_at_first),
		CT_TEST(gives_back_what_was_put),
		CT_TEST(takes_a_blob_twice),
		CT_TEST(size_is_part_of_the_name),
		CT_TEST(another_store_sees_it),
		CT_TEST(tells_of_every_byte_copied),
		CT_TEST(refuses_other_bytes),
		CT_TEST(refuses_truncation),
		CT_TEST(refuses_bytes_past_the_end),
		CT_TEST(says_what_is_not_there),
		CT_TEST(reads_a_part),
		CT_TEST(refuses_a_part_past_the_end),
		CT_TEST(loads_no_more_than_allowed),
		CT_TEST(stops_when_interrupted),
		CT_TEST(serves_many_threads),
		CT_TEST(mounts_or_says_it_did_not),
	};

	return cmocka_run_group_tests_name(ct_current->name, tests, NULL, NULL);
}
