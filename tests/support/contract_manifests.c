/*
 * tests/support/contract_manifests.c - the promises about manifests and tags.
 */
#include "tests/support/contract_inside.h"

#include <stdio.h>

#include "base/mem.h"
#include "oci/oci.h"

static void knows_no_manifest_at_first(void **state)
{
	struct ct *f = *state;
	struct mr_list tags = { .items = NULL };
	char text[MREG_DIGEST_TEXT];
	bool found = true;

	ct_need(CONTRACT_MANIFESTS);
	ct_assert_names(f, "v1", NULL, NULL);
	ct_assert_names(
		f,
		mreg_digest_text(&contract_blob(CONTRACT_SMALL)->desc.digest,
				 text),
		NULL, NULL);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_false(found);
	assert_int_equal(tags.n, 0);
}

static void keeps_a_manifest_by_digest(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, NULL, "one", &d, &bytes);
	ct_assert_names(f, mreg_digest_text(&d.digest, text), &d, &bytes);
	ct_assert_names(f, "v1", NULL, NULL);
	mr_buf_release(&bytes);
}

static void keeps_a_manifest_by_tag(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &d, &bytes);
	ct_assert_names(f, "v1", &d, &bytes);
	ct_assert_names(f, mreg_digest_text(&d.digest, text), &d, &bytes);
	/* The same again changes nothing. */
	ct_push(f, "v1", "one", &d, &bytes);
	ct_assert_names(f, "v1", &d, &bytes);
	mr_buf_release(&bytes);
}

static void keeps_every_byte_of_a_manifest(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_buf odd = MR_BUF_INIT(10000);
	struct mreg_desc d;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "v1", "one", &d, &bytes);
	/* White space nobody would write: protocol.md P-06. */
	mr_buf_printf(&odd, " \n%.*s\t\n", (int)bytes.len, bytes.data);
	ct_describe(odd.data, odd.len, &d);
	snprintf(d.media_type, sizeof(d.media_type), "%s", MR_MEDIA_MANIFEST);
	assert_ok(mr_store_set(f->store, "odd", &d, odd.data, NULL, &f->err),
		  f->err);
	ct_assert_names(f, "odd", &d, &odd);
	mr_buf_release(&bytes);
	mr_buf_release(&odd);
}

static void names_the_blobs_a_manifest_lacks(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_list missing = { .items = NULL };
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d, layer;

	ct_need(CONTRACT_MANIFESTS);
	assert_ok(mr_store_put_bytes(f->store, &mr_empty_desc, "{}", &f->err),
		  f->err);
	ct_write_manifest(f, "never put", NULL, &layer, &d, &bytes);
	assert_code(
		MREG_ECONFLICT,
		mr_store_set(f->store, "v1", &d, bytes.data, &missing, &f->err),
		f->err);
	assert_int_equal(missing.n, 1);
	assert_string_equal(missing.items[0],
			    mreg_digest_text(&layer.digest, text));
	ct_assert_names(f, "v1", NULL, NULL);
	mr_list_release(&missing);
	mr_buf_release(&bytes);
}

static void moves_a_tag(void **state)
{
	struct ct *f = *state;
	struct mr_buf one = MR_BUF_INIT(10000), two = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d1, d2;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "production", "one", &d1, &one);
	ct_push(f, "production", "two", &d2, &two);
	ct_assert_names(f, "production", &d2, &two);
	ct_assert_names(f, mreg_digest_text(&d1.digest, text), &d1, &one);
	mr_buf_release(&one);
	mr_buf_release(&two);
}

static void assert_still(struct ct *f, const char *tag,
			 const struct mreg_digest *was,
			 const struct mreg_digest *now)
{
	struct mreg_desc got = { .size = 0 };
	bool found = false, same = false;

	assert_ok(mr_store_still(f->store, tag, was, &got, &found, &same,
				 &f->err),
		  f->err);
	assert_int_equal(found, now != NULL);
	assert_int_equal(same, now && mreg_digest_equal(was, now));
	if (now && !same)
		assert_true(mreg_digest_equal(&got.digest, now));
	else
		assert_int_equal(got.size, 0);
}

static void says_whether_a_tag_still_has_what_it_had(void **state)
{
	const struct mreg_digest none = { .algorithm = MREG_DIGEST_NONE };
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc d1, d2;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, "production", "one", &d1, &bytes);
	assert_still(f, "production", &d1.digest, &d1.digest);
	assert_still(f, "production", &none, &d1.digest);
	assert_still(f, "absent", &d1.digest, NULL);
	assert_still(f, "absent", &none, NULL);
	ct_push(f, "production", "two", &d2, &bytes);
	assert_still(f, "production", &d1.digest, &d2.digest);
	assert_still(f, "production", &d2.digest, &d2.digest);
	mr_buf_release(&bytes);
}

static void lists_tags_sorted(void **state)
{
	static const char *const names[] = { "v10", "v1", "latest", "A.b-c_d" };
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_list tags = { .items = NULL };
	struct mreg_desc d;
	bool found = false;
	size_t i;

	ct_need(CONTRACT_MANIFESTS);
	for (i = 0; i < MR_COUNT(names); i++)
		ct_push(f, names[i], "one", &d, &bytes);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_true(found);
	assert_int_equal(tags.n, 4);
	assert_string_equal(tags.items[0], "A.b-c_d");
	assert_string_equal(tags.items[1], "latest");
	assert_string_equal(tags.items[2], "v1");
	assert_string_equal(tags.items[3], "v10");
	mr_list_release(&tags);
	mr_buf_release(&bytes);
}

static void removes_one_tag_only(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;

	ct_need(CONTRACT_MANIFESTS | CONTRACT_UNTAG);
	ct_push(f, "v1", "one", &d, &bytes);
	ct_push(f, "production", "one", &d, &bytes);
	assert_ok(mr_store_untag(f->store, "production", &f->err), f->err);
	ct_assert_names(f, "production", NULL, NULL);
	ct_assert_names(f, "v1", &d, &bytes);
	ct_assert_names(f, mreg_digest_text(&d.digest, text), &d, &bytes);
	assert_code(MREG_ENOTFOUND,
		    mr_store_untag(f->store, "production", &f->err), f->err);
	assert_has(f->err.msg, "'production'");
	mr_buf_release(&bytes);
}

static void refuses_what_is_no_reference(void **state)
{
	static const char *const bad[] = {
		"",    "../v1",      "a/b",
		"v1 ", "sha256:abc", "sha256:../../../../etc/passwd",
		"a:b", ".hidden",    "v1\n",
	};
	struct ct *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	struct mreg_desc d;
	bool found;
	size_t i;

	ct_need(CONTRACT_MANIFESTS);
	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_code(
			MREG_EUSAGE,
			mr_store_get(f->store, bad[i], &doc, &found, &f->err),
			f->err);
		assert_code(
			MREG_EUSAGE,
			mr_store_resolve(f->store, bad[i], &d, &found, &f->err),
			f->err);
		assert_code(MREG_EUSAGE,
			    mr_store_untag(f->store, bad[i], &f->err), f->err);
	}
	mr_doc_release(&doc);
}

static void refuses_a_manifest_under_a_wrong_digest(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d, wrong;

	ct_need(CONTRACT_MANIFESTS);
	ct_push(f, NULL, "one", &d, &bytes);
	wrong = d;
	wrong.digest.bytes[3] ^= 1;
	assert_code(
		MREG_EINTEGRITY,
		mr_store_set(f->store, "v1", &wrong, bytes.data, NULL, &f->err),
		f->err);
	assert_code(MREG_EINTEGRITY,
		    mr_store_set(f->store,
				 mreg_digest_text(&wrong.digest, text), &d,
				 bytes.data, NULL, &f->err),
		    f->err);
	ct_assert_names(f, "v1", NULL, NULL);
	mr_buf_release(&bytes);
}

static void a_layer_is_no_manifest(void **state)
{
	struct ct *f = *state;
	char text[MREG_DIGEST_TEXT];

	ct_need(CONTRACT_MANIFESTS);
	ct_put(f, contract_blob(CONTRACT_SMALL));
	ct_assert_names(
		f,
		mreg_digest_text(&contract_blob(CONTRACT_SMALL)->desc.digest,
				 text),
		NULL, NULL);
}

static void says_when_it_holds_no_manifests(void **state)
{
	struct ct *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	bool found;

	if (ct_current->can & CONTRACT_MANIFESTS)
		skip();
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_get(f->store, "v1", &doc, &found, &f->err),
		    f->err);
	assert_code(MREG_EUNSUPPORTED, mr_store_untag(f->store, "v1", &f->err),
		    f->err);
}

static void writes_while_it_holds_its_own_lock(void **state)
{
	struct ct *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc d;

	ct_need(CONTRACT_MANIFESTS);
	assert_ok(mr_store_lock(f->store, &f->err), f->err);
	ct_push(f, "v1", "one", &d, &bytes);
	ct_assert_names(f, "v1", &d, &bytes);
	mr_store_unlock(f->store);
	assert_ok(mr_store_lock(f->store, &f->err), f->err);
	mr_store_unlock(f->store);
	mr_buf_release(&bytes);
}
int ct_run_manifests(void)
{
	const struct CMUnitTest tests[] = {
		CT_TEST(knows_no_manifest_at_first),
		CT_TEST(keeps_a_manifest_by_digest),
		CT_TEST(keeps_a_manifest_by_tag),
		CT_TEST(keeps_every_byte_of_a_manifest),
		CT_TEST(names_the_blobs_a_manifest_lacks),
		CT_TEST(moves_a_tag),
		CT_TEST(says_whether_a_tag_still_has_what_it_had),
		CT_TEST(lists_tags_sorted),
		CT_TEST(removes_one_tag_only),
		CT_TEST(refuses_what_is_no_reference),
		CT_TEST(refuses_a_manifest_under_a_wrong_digest),
		CT_TEST(a_layer_is_no_manifest),
		CT_TEST(says_when_it_holds_no_manifests),
		CT_TEST(writes_while_it_holds_its_own_lock),
	};

	return cmocka_run_group_tests_name(ct_current->name, tests, NULL, NULL);
}
