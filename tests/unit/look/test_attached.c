/*
 * test_attached.c - documents attached to a version: found, told apart, and a
 * listing that lies.
 */
#include "look/attached.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/test.h"

struct fixture {
	char *dir;
	struct test_env te;
	struct mreg *m;
	struct mr_store *s;
	struct mr_manifest *versions[2];
};

/* A version that differs by its name. */
static struct mr_manifest *make_version(struct mr_store *s, const char *name)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_pair pair = { "org.mreg.test", name };
	struct mr_descriptor layer = { .desc = mr_empty_desc };
	struct mr_manifest_draft d = {
		.artifact_type = "application/vnd.mreg.test",
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
		.annotations = { .items = &pair, .n = 1 },
	};
	struct mr_manifest *m = NULL;
	char text[MREG_DIGEST_TEXT];

	assert_ok(mr_manifest_write(&d, &b, &err), err);
	assert_ok(mr_manifest_parse(b.data, b.len, MR_MEDIA_MANIFEST, &m, &err),
		  err);
	assert_ok(mr_store_set(s, mreg_digest_text(&m->desc.digest, text),
			       &m->desc, b.data, NULL, &err),
		  err);
	return m;
}

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_opts o = MREG_OPTS_INIT;
	struct fixture *f = mr_zalloc(sizeof(*f));
	char path[512];

	assert_non_null(f);
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/cache", f->dir);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_int_equal(setenv("HOME", f->dir, 1), 0);
	test_env_init(&f->te);
	assert_ok(mr_memory_open(&f->te.env, &f->s, &err), err);
	f->s->label = mr_strdup("churn");
	assert_ok(mreg_open(&o, &f->m, &err), err);
	assert_ok(mr_store_put_bytes(f->s, &mr_empty_desc, "{}", &err), err);
	f->versions[0] = make_version(f->s, "one");
	f->versions[1] = make_version(f->s, "two");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_manifest_free(f->versions[0]);
	mr_manifest_free(f->versions[1]);
	mreg_close(f->m);
	mr_store_close(f->s);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* Attach `body` to version `n`; what it is, into `out`. */
static void attach(struct fixture *f, size_t n, const char *type,
		   const char *media, const char *body, struct mreg_desc *out)
{
	MR_AUTO(mr_attach_doc_release) struct mr_attach_doc doc = { .tag = "" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_attach_layer layer = { .title = "body.txt" };
	const struct mr_attach_draft draft = {
		.type = type,
		.subject = f->versions[n],
		.layers = &layer,
		.layer_count = 1,
		.title = body,
		.created = "2026-01-01T00:00:00Z",
	};
	char text[MREG_DIGEST_TEXT];

	(void)snprintf(layer.desc.media_type, sizeof(layer.desc.media_type),
		       "%s", media);
	layer.desc.size = strlen(body);
	assert_ok(mr_digest_of(body, strlen(body), &layer.desc.digest, &err),
		  err);
	assert_ok(mr_store_put_bytes(f->s, &layer.desc, body, &err), err);
	assert_ok(mr_attach_write(&draft, &doc, &err), err);
	assert_ok(mr_store_set(f->s, mreg_digest_text(&doc.desc.digest, text),
			       &doc.desc, doc.bytes.data, NULL, &err),
		  err);
	if (out)
		*out = doc.desc;
}

static void lists(struct fixture *f, const char *type,
		  struct mr_attached_rows *rows)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_attached_list(f->m, f->s, &f->versions[0]->desc.digest,
				   type, rows, &err),
		  err);
}

static void tells_documents_by_their_kind(void **state)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct fixture *f = *state;
	struct mreg_desc card;

	attach(f, 0, "text/plain", "text/plain", "words", NULL);
	attach(f, 0, "application/vnd.mreg.model-card.v1", "text/markdown",
	       "a card", &card);
	attach(f, 0, "application/spdx+json", "application/json", "{}", NULL);
	attach(f, 1, "text/plain", "text/plain", "of another", NULL);
	lists(f, NULL, &rows);
	assert_int_equal(rows.count, 3);
	assert_int_equal(rows.unread, 0);
	assert_null(rows.why);
	assert_string_equal(rows.items[0].kind, "model-card");
	assert_true(
		mreg_digest_equal(&rows.items[0].desc.digest, &card.digest));
	assert_string_equal(rows.items[0].type,
			    "application/vnd.mreg.model-card.v1");
	assert_string_equal(rows.items[0].title, "a card");
	assert_string_equal(rows.items[0].created, "2026-01-01T00:00:00Z");
	assert_int_equal(rows.items[0].file_count, 1);
	assert_string_equal(rows.items[0].files[0].title, "body.txt");
	assert_int_equal(rows.items[0].files[0].desc.size, 6);
	assert_string_equal(rows.items[1].kind, "sbom");
	assert_null(rows.items[2].kind);
	assert_string_equal(rows.items[2].type, "text/plain");
}

static void lists_only_what_is_wanted(void **state)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct fixture *f = *state;

	attach(f, 0, "application/spdx+json", "application/json", "{}", NULL);
	attach(f, 0, "application/vnd.mreg.sbom.v1", "text/plain", "x", NULL);
	attach(f, 0, "text/plain", "text/plain", "words", NULL);
	lists(f, "sbom", &rows);
	assert_int_equal(rows.count, 2);
	mr_attached_release(&rows);
	lists(f, "text/plain", &rows);
	assert_int_equal(rows.count, 1);
	mr_attached_release(&rows);
	lists(f, "model-card", &rows);
	assert_int_equal(rows.count, 0);
	assert_int_equal(rows.unread, 0);
}

/* -- a listing that lies
 * --------------------------------------------------------- */

static struct liar {
	const struct mr_store_ops *honest;
	struct mr_store_ops ops;
	struct mreg_desc more[2];
} liar;

static int lie(struct mr_store *s, const struct mreg_digest *subject,
	       const char *artifact_type, struct mr_referrers *out,
	       struct mreg_error *err)
{
	struct mr_descriptor *items;
	int rc = liar.honest->referrers(s, subject, artifact_type, out, err);

	if (rc < 0)
		return rc;
	items = mr_arena_alloc(out->arena, (out->count + 2) * sizeof(*items));
	if (!items)
		return MREG_ENOMEM;
	if (out->count)
		memcpy(items, out->items, out->count * sizeof(*items));
	items[out->count++].desc = liar.more[0];
	items[out->count++].desc = liar.more[1];
	out->items = items;
	return 0;
}

static void does_not_believe_a_listing(void **state)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	struct fixture *f = *state;

	attach(f, 0, "text/plain", "text/plain", "mine", NULL);
	attach(f, 1, "text/plain", "text/plain", "another's", &liar.more[0]);
	liar.more[1] = liar.more[0];
	liar.more[1].digest.bytes[0] ^= 1; /* nobody's */
	liar.honest = f->s->ops;
	liar.ops = *f->s->ops;
	liar.ops.referrers = lie;
	f->s->ops = &liar.ops;
	lists(f, NULL, &rows);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.items[0].title, "mine");
	assert_int_equal(rows.unread, 2);
	assert_non_null(rows.why);
}

/* -- evaluations
 * ----------------------------------------------------------------- */

static void reads_an_evaluation(void **state)
{
	static const char body[] = "{\"metrics\":{\"auc\":0.930},\"passed\":"
				   "true,\"schema\":\"mreg.evaluation/1\","
				   "\"suite\":\"s\"}";
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 22);
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_evaluation e;

	attach(f, 0, MR_EVALUATION_TYPE, MR_EVALUATION_TYPE, body, NULL);
	lists(f, "evaluation", &rows);
	assert_int_equal(rows.count, 1);
	assert_ok(mr_attached_evaluation(f->s, &rows.items[0], a, &e, &err),
		  err);
	assert_string_equal(e.suite, "s");
	assert_true(e.judged && e.passed);
	assert_string_equal(e.metrics[0].value, "0.930");
}

static void refuses_what_only_says_that_it_is_one(void **state)
{
	MR_AUTO(mr_attached_release)
	struct mr_attached_rows rows = MR_ATTACHED_INIT;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 22);
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_evaluation e;
	size_t i;

	attach(f, 0, MR_EVALUATION_TYPE, "text/plain", "fine", NULL);
	attach(f, 0, MR_EVALUATION_TYPE, MR_EVALUATION_TYPE, "{\"suite\":1}",
	       NULL);
	lists(f, "evaluation", &rows);
	assert_int_equal(rows.count, 2);
	for (i = 0; i < 2; i++) {
		assert_code(MREG_EFORMAT,
			    mr_attached_evaluation(f->s, &rows.items[i], a, &e,
						   &err),
			    err);
		assert_has(err.msg, "sha256:");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_documents_by_their_kind,
						setup, teardown),
		cmocka_unit_test_setup_teardown(lists_only_what_is_wanted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_believe_a_listing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(reads_an_evaluation, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			refuses_what_only_says_that_it_is_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
