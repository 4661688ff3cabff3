/*
 * tests/support/contract_referrers.c - the promises about referrers: who names
 * a manifest as its subject is found, once, with what it says of itself.
 */
#include "tests/support/contract_inside.h"

#include <stdio.h>

#include "base/task.h"
#include "content/digest.h"
#include "oci/oci.h"

#define TYPE "application/vnd.test.v1"
#define THREADS 6

/* Who refers to `subject`, as far as they are of the type. */
static size_t refer(struct ct *f, const struct mreg_desc *subject,
		    const char *type, struct mr_referrers *out)
{
	assert_ok(mr_store_referrers(f->store, &subject->digest, type, out,
				     &f->err),
		  f->err);
	return out->count;
}

static void assert_listed(const struct mr_referrers *r,
			  const struct mreg_desc *d)
{
	size_t i = 0;

	while (i < r->count &&
	       !mreg_digest_equal(&r->items[i].desc.digest, &d->digest))
		i++;
	assert_true(i < r->count);
	assert_int_equal(r->items[i].desc.size, d->size);
	assert_string_equal(r->items[i].desc.media_type, d->media_type);
	assert_string_equal(r->items[i].artifact_type, TYPE);
}

static void nobody_refers_at_first(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc d;

	/* Not even to what is not there. */
	assert_int_equal(
		refer(f, &contract_blob(CONTRACT_SMALL)->desc, NULL, &r), 0);
	assert_null(r.arena);
	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &d, &bytes);
	assert_int_equal(refer(f, &d, NULL, &r), 0);
	mr_buf_release(&bytes);
}

static void finds_who_refers_by_digest_only(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, other, a, b;
	char text[MREG_DIGEST_TEXT];

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &subject, &bytes);
	ct_push(f, "v2", "two", &other, &bytes);
	ct_push_about(f, NULL, "report", &subject, &a, &bytes);
	assert_int_equal(refer(f, &subject, NULL, &r), 1);
	assert_listed(&r, &a);
	ct_push_about(f, NULL, "card", &subject, &b, &bytes);
	/* Again: it is listed once. */
	ct_push_about(f, NULL, "card", &subject, &b, &bytes);
	assert_int_equal(refer(f, &subject, NULL, &r), 2);
	assert_listed(&r, &a);
	assert_listed(&r, &b);
	assert_true(mr_digest_compare(&r.items[0].desc.digest,
				      &r.items[1].desc.digest) < 0);
	assert_int_equal(refer(f, &other, NULL, &r), 0);
	/* It is a manifest like any other. */
	ct_assert_names(f, mreg_digest_text(&b.digest, text), &b, &bytes);
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

static void finds_who_refers_to_who_refers(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, report, signature;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &subject, &bytes);
	ct_push_about(f, NULL, "report", &subject, &report, &bytes);
	ct_push_about(f, NULL, "signature", &report, &signature, &bytes);
	assert_int_equal(refer(f, &subject, NULL, &r), 1);
	assert_listed(&r, &report);
	assert_int_equal(refer(f, &report, NULL, &r), 1);
	assert_listed(&r, &signature);
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

static void finds_who_refers_by_type(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, a;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &subject, &bytes);
	ct_push_about(f, NULL, "report", &subject, &a, &bytes);
	assert_int_equal(refer(f, &subject, TYPE, &r), 1);
	assert_listed(&r, &a);
	assert_int_equal(refer(f, &subject, "application/vnd.other", &r), 0);
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

static void finds_who_refers_by_tag(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, a;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &subject, &bytes);
	ct_push_about(f, "attached", "report", &subject, &a, &bytes);
	assert_int_equal(refer(f, &subject, NULL, &r), 1);
	assert_listed(&r, &a);
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

static void finds_who_referred_by_a_tag_that_is_gone(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, a;

	ct_need(CONTRACT_MANIFESTS | CONTRACT_UNTAG | CONTRACT_AGAIN);
	ct_push(f, "v1", "one", &subject, &bytes);
	ct_push_about(f, "attached", "report", &subject, &a, &bytes);
	assert_ok(mr_store_untag(f->store, "attached", &f->err), f->err);
	assert_int_equal(refer(f, &subject, NULL, &r), 1);
	assert_listed(&r, &a);
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

static void finds_who_refers_to_what_is_not_there(void **state)
{
	struct ct *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, a;

	ct_need(CONTRACT_MANIFESTS);
	ct_describe("never pushed", 12, &subject);
	snprintf(subject.media_type, sizeof(subject.media_type), "%s",
		 MR_MEDIA_MANIFEST);
	ct_push_about(f, NULL, "report", &subject, &a, &bytes);
	assert_int_equal(refer(f, &subject, NULL, &r), 1);
	assert_listed(&r, &a);
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

/* What one thread attaches, asserts left out. */
struct attach {
	struct ct *f;
	struct mr_buf bytes[THREADS];
	struct mreg_desc d[THREADS];
};

static int attach(void *ctx, size_t index, struct mreg_error *err)
{
	struct attach *a = ctx;
	char text[MREG_DIGEST_TEXT];

	return mr_store_set(a->f->store,
			    mreg_digest_text(&a->d[index].digest, text),
			    &a->d[index], a->bytes[index].data, NULL, err);
}

static void loses_nobody_when_several_attach_at_once(void **state)
{
	struct ct *f = *state;
	struct attach a = { .f = f };
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc subject, layer;
	char text[32];
	size_t i;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &subject, &bytes);
	for (i = 0; i < THREADS; i++) {
		snprintf(text, sizeof(text), "report %zu", i);
		mr_buf_init(&a.bytes[i], 10000);
		ct_write_manifest(f, text, &subject, &layer, &a.d[i],
				  &a.bytes[i]);
		assert_ok(mr_store_put_bytes(f->store, &layer, text, &f->err),
			  f->err);
	}
	assert_ok(mr_task_run(&f->t.env, THREADS, THREADS, attach, &a, &f->err),
		  f->err);
	assert_int_equal(refer(f, &subject, NULL, &r), THREADS);
	for (i = 0; i < THREADS; i++) {
		assert_listed(&r, &a.d[i]);
		mr_buf_release(&a.bytes[i]);
	}
	mr_referrers_release(&r);
	mr_buf_release(&bytes);
}

int ct_run_referrers(void)
{
	const struct CMUnitTest tests[] = {
		CT_TEST(nobody_refers_at_first),
		CT_TEST(finds_who_refers_by_digest_only),
		CT_TEST(finds_who_refers_to_who_refers),
		CT_TEST(finds_who_refers_by_type),
		CT_TEST(finds_who_refers_by_tag),
		CT_TEST(finds_who_referred_by_a_tag_that_is_gone),
		CT_TEST(finds_who_refers_to_what_is_not_there),
		CT_TEST(loses_nobody_when_several_attach_at_once),
	};

	return cmocka_run_group_tests_name(ct_current->name, tests, NULL, NULL);
}
