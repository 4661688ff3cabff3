/*
 * tests/support/contract.c - what every store promises.
 */
#include "tests/support/test.h"
#include "tests/support/contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "oci/oci.h"

#define LARGE_BYTES ((3u << 20) + 17)
#define THREADS 8
#define THREAD_BLOBS 24

/* cmocka gives a test no argument but its state: the suite that runs. */
static const struct contract *current;
static unsigned int repositories;

struct fixture {
	struct test_env t;
	struct mreg_error err;
	struct mr_store *store;
	char repository[64];
};

/* A store that hands out what it should not. */
struct liar {
	struct mr_store base;
	const void *bytes;
	size_t n;
};

static void describe(const void *bytes, size_t n, struct mreg_desc *out)
{
	*out = (struct mreg_desc){ .media_type = MR_MEDIA_OCTETS, .size = n };
	assert_int_equal(mr_digest_of(bytes, n, &out->digest, NULL), 0);
}

const struct contract_blob *contract_blob(size_t i)
{
	static struct contract_blob blobs[CONTRACT_BLOBS];
	static uint8_t large[LARGE_BYTES];
	uint32_t x = 12345;
	size_t k;

	if (!blobs[CONTRACT_SMALL].bytes) {
		for (k = 0; k < sizeof(large); k++) {
			x = x * 1664525u + 1013904223u;
			large[k] = (uint8_t)(x >> 24);
		}
		blobs[CONTRACT_SMALL].bytes = "weights";
		blobs[CONTRACT_EMPTY].bytes = "";
		blobs[CONTRACT_LARGE].bytes = large;
		describe("weights", 7, &blobs[CONTRACT_SMALL].desc);
		describe("", 0, &blobs[CONTRACT_EMPTY].desc);
		describe(large, sizeof(large), &blobs[CONTRACT_LARGE].desc);
	}
	return &blobs[i];
}

static int open_store(struct fixture *f, struct mr_store **out)
{
	return current->open(current->ctx, &f->t.env, f->repository, out,
			     &f->err);
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->t);
	snprintf(f->repository, sizeof(f->repository), "contract/t%u",
		 ++repositories);
	*state = f;
	assert_ok(open_store(f, &f->store), f->err);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_store_close(f->store);
	test_env_release(&f->t);
	mr_release(f);
	return 0;
}

static void need(unsigned int can)
{
	if ((current->can & can) != can)
		skip();
}

static void settle(struct fixture *f)
{
	if (current->settle)
		assert_ok(current->settle(current->ctx, f->store, &f->err),
			  f->err);
}

static bool has(struct fixture *f, const struct mreg_desc *d)
{
	bool found = false;

	assert_ok(mr_store_has(f->store, d, &found, &f->err), f->err);
	return found;
}

static void put(struct fixture *f, const struct contract_blob *b)
{
	assert_ok(mr_store_put_bytes(f->store, &b->desc, b->bytes, &f->err),
		  f->err);
}

static void assert_content(struct fixture *f, const struct contract_blob *b)
{
	struct mr_buf got = MR_BUF_INIT(LARGE_BYTES);

	assert_ok(mr_store_load(f->store, &b->desc, &got, &f->err), f->err);
	assert_int_equal(got.len, b->desc.size);
	assert_memory_equal(mr_buf_text(&got), b->bytes, got.len);
	mr_buf_release(&got);
}

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

static int put_lie(struct fixture *f, const struct mreg_desc *d,
		   const void *bytes, size_t n)
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
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < CONTRACT_BLOBS; i++)
		assert_false(has(f, &contract_blob(i)->desc));
}

static void gives_back_what_was_put(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < CONTRACT_BLOBS; i++) {
		put(f, contract_blob(i));
		assert_true(has(f, &contract_blob(i)->desc));
	}
	settle(f);
	for (i = 0; i < CONTRACT_BLOBS; i++) {
		assert_true(has(f, &contract_blob(i)->desc));
		assert_content(f, contract_blob(i));
	}
}

static void takes_a_blob_twice(void **state)
{
	struct fixture *f = *state;

	put(f, contract_blob(CONTRACT_SMALL));
	put(f, contract_blob(CONTRACT_SMALL));
	assert_true(has(f, &contract_blob(CONTRACT_SMALL)->desc));
}

static void size_is_part_of_the_name(void **state)
{
	struct fixture *f = *state;
	struct mreg_desc d = contract_blob(CONTRACT_SMALL)->desc;

	put(f, contract_blob(CONTRACT_SMALL));
	d.size++;
	assert_false(has(f, &d));
}

static void another_store_sees_it(void **state)
{
	struct fixture *f = *state;
	struct mr_store *first = f->store;

	need(CONTRACT_AGAIN);
	put(f, contract_blob(CONTRACT_LARGE));
	settle(f);
	assert_ok(open_store(f, &f->store), f->err);
	mr_store_close(first);
	assert_true(has(f, &contract_blob(CONTRACT_LARGE)->desc));
	assert_content(f, contract_blob(CONTRACT_LARGE));
}

static void tells_of_every_byte_copied(void **state)
{
	struct fixture *f = *state;
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
	settle(f);
	assert_content(f, b);
}

static void refuses_other_bytes(void **state)
{
	struct fixture *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_EINTEGRITY, put_lie(f, d, "weighty", 7), f->err);
	assert_false(has(f, d));
}

static void refuses_truncation(void **state)
{
	struct fixture *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_EINTEGRITY, put_lie(f, d, "weight", 6), f->err);
	assert_has(f->err.cause, "after 6/7 bytes");
	assert_false(has(f, d));
}

static void refuses_bytes_past_the_end(void **state)
{
	struct fixture *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;

	assert_code(MREG_EINTEGRITY, put_lie(f, d, "weights!", 8), f->err);
	assert_false(has(f, d));
	/* It is none the worse for it. */
	put(f, contract_blob(CONTRACT_SMALL));
	settle(f);
	assert_content(f, contract_blob(CONTRACT_SMALL));
}

static void says_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct mr_buf got = MR_BUF_INIT(LARGE_BYTES);
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
	struct fixture *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char got[1000];

	put(f, b);
	settle(f);
	assert_ok(mr_store_open_range(f->store, &b->desc, 1048570, 100, &in,
				      &f->err),
		  f->err);
	assert_int_equal(mr_stream_fill(in, got, sizeof(got), &f->err), 100);
	assert_memory_equal(got, (const char *)b->bytes + 1048570, 100);
}

static void refuses_a_part_past_the_end(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	struct mr_buf got = MR_BUF_INIT(1000);

	put(f, contract_blob(CONTRACT_LARGE));
	settle(f);
	assert_code(MREG_ELIMIT,
		    mr_store_load(f->store,
				  &contract_blob(CONTRACT_LARGE)->desc, &got,
				  &f->err),
		    f->err);
	mr_buf_release(&got);
}

static void stops_when_interrupted(void **state)
{
	struct fixture *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);

	atomic_store(&f->t.cancel, true);
	assert_code(MREG_ECANCELED,
		    mr_store_put_bytes(f->store, &b->desc, b->bytes, &f->err),
		    f->err);
	atomic_store(&f->t.cancel, false);
	assert_false(has(f, &b->desc));
}

/* -- streams and sinks -------------------------------------------------------
 */

static int stream_of(struct fixture *f, const void *bytes, size_t n,
		     uint64_t size, struct mr_measure *m)
{
	struct mr_stream *in = NULL;

	assert_ok(mr_stream_memory(bytes, n, &in, &f->err), f->err);
	return mr_store_put_stream(f->store, in, size, "stream", m, &f->err);
}

static void finds_out_the_digest_of_a_stream(void **state)
{
	struct fixture *f = *state;
	struct mr_measure m;
	size_t i;

	need(CONTRACT_STREAM);
	assert_true(mr_store_streams(f->store));
	for (i = 0; i < CONTRACT_BLOBS; i++) {
		const struct contract_blob *b = contract_blob(i);

		assert_ok(stream_of(f, b->bytes, (size_t)b->desc.size,
				    b->desc.size, &m),
			  f->err);
		assert_true(m.complete);
		assert_true(mreg_digest_equal(&m.digest, &b->desc.digest));
		assert_int_equal(m.utf8, i != CONTRACT_LARGE);
		assert_true(has(f, &b->desc));
		assert_content(f, b);
	}
	assert_int_equal(f->t.progress_bytes, LARGE_BYTES + 7);
	/* Once more, where it is already. */
	assert_ok(stream_of(f, "weights", 7, 7, &m), f->err);
}

static void refuses_a_stream_of_another_size(void **state)
{
	struct fixture *f = *state;
	struct mr_measure m;

	need(CONTRACT_STREAM);
	assert_true(stream_of(f, "weights", 7, 8, &m) < 0);
	assert_true(f->err.msg[0]);
	assert_true(stream_of(f, "weights", 7, 6, &m) < 0);
	assert_false(has(f, &contract_blob(CONTRACT_SMALL)->desc));
}

static void says_when_it_takes_no_stream(void **state)
{
	struct fixture *f = *state;
	struct mr_measure m;

	if (current->can & CONTRACT_STREAM)
		skip();
	assert_false(mr_store_streams(f->store));
	assert_code(MREG_EUNSUPPORTED, stream_of(f, "weights", 7, 7, &m),
		    f->err);
}

static void takes_parts_in_any_order(void **state)
{
	struct fixture *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	const char *bytes = b->bytes;
	struct mr_sink *sink = NULL;
	size_t at, n;

	need(CONTRACT_SINK);
	assert_ok(mr_store_begin(f->store, &b->desc, &sink, &f->err), f->err);
	for (at = LARGE_BYTES; at > 0; at -= n) {
		n = at < 1000000 ? at : 1000000;
		assert_ok(mr_sink_write_at(sink, bytes + at - n, n, at - n,
					   &f->err),
			  f->err);
	}
	assert_ok(mr_sink_commit(sink, &f->err), f->err);
	assert_true(has(f, &b->desc));
	settle(f);
	assert_content(f, b);
}

static void a_sink_given_up_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;
	struct mr_sink *sink = NULL;

	need(CONTRACT_SINK);
	assert_ok(mr_store_begin(f->store, d, &sink, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "weights", 7, 0, &f->err), f->err);
	assert_false(has(f, d));
	mr_sink_abort(sink);
	assert_false(has(f, d));
}

static void a_hole_is_not_committed(void **state)
{
	struct fixture *f = *state;
	const struct mreg_desc *d = &contract_blob(CONTRACT_SMALL)->desc;
	struct mr_sink *sink = NULL;

	need(CONTRACT_SINK);
	assert_ok(mr_store_begin(f->store, d, &sink, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "we", 2, 0, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "ts", 2, 5, &f->err), f->err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(sink, &f->err), f->err);
	assert_false(has(f, d));
}

/* -- threads ------------------------------------------------------------------
 */

/* Each content is put by several threads, then read by them. */
static int thread_task(void *ctx, size_t index, struct mreg_error *err)
{
	struct fixture *f = ctx;
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
	struct fixture *f = *state;

	need(CONTRACT_ANY_BLOB);
	assert_ok(mr_task_run(&f->t.env, THREADS, THREAD_BLOBS, thread_task, f,
			      &f->err),
		  f->err);
}

/* -- manifests and tags
 * --------------------------------------------------------- */

/* A manifest of one layer that holds `text`. */
static void write_manifest(struct fixture *f, const char *text,
			   struct mreg_desc *layer, struct mreg_desc *d,
			   struct mr_buf *out)
{
	struct mr_descriptor l = { .artifact_type = NULL };
	struct mr_manifest_draft draft = {
		.artifact_type = "application/vnd.test.v1",
		.config = { .desc = mr_empty_desc },
		.layers = &l,
		.layer_count = 1,
	};

	describe(text, strlen(text), layer);
	l.desc = *layer;
	mr_buf_clear(out);
	assert_ok(mr_manifest_write(&draft, out, &f->err), f->err);
	describe(out->data, out->len, d);
	snprintf(d->media_type, sizeof(d->media_type), "%s", MR_MEDIA_MANIFEST);
}

/* Put the blobs, then the manifest; it is in `out`. */
static void push(struct fixture *f, const char *reference, const char *text,
		 struct mreg_desc *d, struct mr_buf *out)
{
	char digest[MREG_DIGEST_TEXT];
	struct mreg_desc layer;

	write_manifest(f, text, &layer, d, out);
	assert_ok(mr_store_put_bytes(f->store, &mr_empty_desc, "{}", &f->err),
		  f->err);
	assert_ok(mr_store_put_bytes(f->store, &layer, text, &f->err), f->err);
	assert_ok(mr_store_set(f->store,
			       reference ? reference
					 : mreg_digest_text(&d->digest, digest),
			       d, out->data, NULL, &f->err),
		  f->err);
}

/* What `reference` names is `d`, with these bytes; `d` NULL: nothing. */
static void assert_names(struct fixture *f, const char *reference,
			 const struct mreg_desc *d, const struct mr_buf *bytes)
{
	struct mr_doc doc = MR_DOC_INIT;
	struct mreg_desc r;
	bool found = false;

	assert_ok(mr_store_resolve(f->store, reference, &r, &found, &f->err),
		  f->err);
	assert_int_equal(found, d != NULL);
	if (d) {
		assert_true(mreg_digest_equal(&r.digest, &d->digest));
		assert_int_equal(r.size, d->size);
		assert_string_equal(r.media_type, d->media_type);
	}
	assert_ok(mr_store_get(f->store, reference, &doc, &found, &f->err),
		  f->err);
	assert_int_equal(found, d != NULL);
	if (d) {
		assert_true(mreg_digest_equal(&doc.desc.digest, &d->digest));
		assert_int_equal(doc.desc.size, d->size);
		assert_string_equal(doc.desc.media_type, d->media_type);
		assert_int_equal(doc.bytes.len, bytes->len);
		assert_memory_equal(doc.bytes.data, bytes->data, bytes->len);
	}
	mr_doc_release(&doc);
}

static void knows_no_manifest_at_first(void **state)
{
	struct fixture *f = *state;
	struct mr_list tags = { .items = NULL };
	char text[MREG_DIGEST_TEXT];
	bool found = true;

	need(CONTRACT_MANIFESTS);
	assert_names(f, "v1", NULL, NULL);
	assert_names(f,
		     mreg_digest_text(
			     &contract_blob(CONTRACT_SMALL)->desc.digest, text),
		     NULL, NULL);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_false(found);
	assert_int_equal(tags.n, 0);
}

static void keeps_a_manifest_by_digest(void **state)
{
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;

	need(CONTRACT_MANIFESTS);
	push(f, NULL, "one", &d, &bytes);
	assert_names(f, mreg_digest_text(&d.digest, text), &d, &bytes);
	assert_names(f, "v1", NULL, NULL);
	mr_buf_release(&bytes);
}

static void keeps_a_manifest_by_tag(void **state)
{
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;

	need(CONTRACT_MANIFESTS);
	push(f, "v1", "one", &d, &bytes);
	assert_names(f, "v1", &d, &bytes);
	assert_names(f, mreg_digest_text(&d.digest, text), &d, &bytes);
	/* The same again changes nothing. */
	push(f, "v1", "one", &d, &bytes);
	assert_names(f, "v1", &d, &bytes);
	mr_buf_release(&bytes);
}

static void keeps_every_byte_of_a_manifest(void **state)
{
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_buf odd = MR_BUF_INIT(10000);
	struct mreg_desc d;

	need(CONTRACT_MANIFESTS);
	push(f, "v1", "one", &d, &bytes);
	/* White space nobody would write: protocol.md P-06. */
	mr_buf_printf(&odd, " \n%.*s\t\n", (int)bytes.len, bytes.data);
	describe(odd.data, odd.len, &d);
	snprintf(d.media_type, sizeof(d.media_type), "%s", MR_MEDIA_MANIFEST);
	assert_ok(mr_store_set(f->store, "odd", &d, odd.data, NULL, &f->err),
		  f->err);
	assert_names(f, "odd", &d, &odd);
	mr_buf_release(&bytes);
	mr_buf_release(&odd);
}

static void names_the_blobs_a_manifest_lacks(void **state)
{
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_list missing = { .items = NULL };
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d, layer;

	need(CONTRACT_MANIFESTS);
	assert_ok(mr_store_put_bytes(f->store, &mr_empty_desc, "{}", &f->err),
		  f->err);
	write_manifest(f, "never put", &layer, &d, &bytes);
	assert_code(
		MREG_ECONFLICT,
		mr_store_set(f->store, "v1", &d, bytes.data, &missing, &f->err),
		f->err);
	assert_int_equal(missing.n, 1);
	assert_string_equal(missing.items[0],
			    mreg_digest_text(&layer.digest, text));
	assert_names(f, "v1", NULL, NULL);
	mr_list_release(&missing);
	mr_buf_release(&bytes);
}

static void moves_a_tag(void **state)
{
	struct fixture *f = *state;
	struct mr_buf one = MR_BUF_INIT(10000), two = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d1, d2;

	need(CONTRACT_MANIFESTS);
	push(f, "production", "one", &d1, &one);
	push(f, "production", "two", &d2, &two);
	assert_names(f, "production", &d2, &two);
	assert_names(f, mreg_digest_text(&d1.digest, text), &d1, &one);
	mr_buf_release(&one);
	mr_buf_release(&two);
}

static void lists_tags_sorted(void **state)
{
	static const char *const names[] = { "v10", "v1", "latest", "A.b-c_d" };
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_list tags = { .items = NULL };
	struct mreg_desc d;
	bool found = false;
	size_t i;

	need(CONTRACT_MANIFESTS);
	for (i = 0; i < MR_COUNT(names); i++)
		push(f, names[i], "one", &d, &bytes);
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
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;

	need(CONTRACT_MANIFESTS | CONTRACT_UNTAG);
	push(f, "v1", "one", &d, &bytes);
	push(f, "production", "one", &d, &bytes);
	assert_ok(mr_store_untag(f->store, "production", &f->err), f->err);
	assert_names(f, "production", NULL, NULL);
	assert_names(f, "v1", &d, &bytes);
	assert_names(f, mreg_digest_text(&d.digest, text), &d, &bytes);
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
	struct fixture *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	struct mreg_desc d;
	bool found;
	size_t i;

	need(CONTRACT_MANIFESTS);
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
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d, wrong;

	need(CONTRACT_MANIFESTS);
	push(f, NULL, "one", &d, &bytes);
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
	assert_names(f, "v1", NULL, NULL);
	mr_buf_release(&bytes);
}

static void a_layer_is_no_manifest(void **state)
{
	struct fixture *f = *state;
	char text[MREG_DIGEST_TEXT];

	need(CONTRACT_MANIFESTS);
	put(f, contract_blob(CONTRACT_SMALL));
	assert_names(f,
		     mreg_digest_text(
			     &contract_blob(CONTRACT_SMALL)->desc.digest, text),
		     NULL, NULL);
}

static void says_when_it_holds_no_manifests(void **state)
{
	struct fixture *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	bool found;

	if (current->can & CONTRACT_MANIFESTS)
		skip();
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_get(f->store, "v1", &doc, &found, &f->err),
		    f->err);
	assert_code(MREG_EUNSUPPORTED, mr_store_untag(f->store, "v1", &f->err),
		    f->err);
}

static void mounts_or_says_it_did_not(void **state)
{
	struct fixture *f = *state;
	const struct contract_blob *b = contract_blob(CONTRACT_LARGE);
	struct mr_store *mine = f->store;
	char other[64];
	bool done = true;

	need(CONTRACT_ANY_BLOB);
	assert_ok(mr_store_mount(f->store, &b->desc, "contract/nowhere", &done,
				 &f->err),
		  f->err);
	assert_false(done);
	/* Put it into a second repository, then take it from there. */
	strcpy(other, f->repository);
	strcat(f->repository, "/other");
	assert_ok(open_store(f, &f->store), f->err);
	put(f, b);
	assert_ok(mr_store_mount(mine, &b->desc, f->repository, &done, &f->err),
		  f->err);
	mr_store_close(f->store);
	strcpy(f->repository, other);
	f->store = mine;
	assert_int_equal(has(f, &b->desc), done);
	if (done)
		assert_content(f, b);
}

static void writes_while_it_holds_its_own_lock(void **state)
{
	struct fixture *f = *state;
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_desc d;

	need(CONTRACT_MANIFESTS);
	assert_ok(mr_store_lock(f->store, &f->err), f->err);
	push(f, "v1", "one", &d, &bytes);
	assert_names(f, "v1", &d, &bytes);
	mr_store_unlock(f->store);
	assert_ok(mr_store_lock(f->store, &f->err), f->err);
	mr_store_unlock(f->store);
	mr_buf_release(&bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int contract_run(const struct contract *c)
{
	const struct CMUnitTest tests[] = {
		TEST(has_nothing_at_first),
		TEST(gives_back_what_was_put),
		TEST(takes_a_blob_twice),
		TEST(size_is_part_of_the_name),
		TEST(another_store_sees_it),
		TEST(tells_of_every_byte_copied),
		TEST(refuses_other_bytes),
		TEST(refuses_truncation),
		TEST(refuses_bytes_past_the_end),
		TEST(says_what_is_not_there),
		TEST(reads_a_part),
		TEST(refuses_a_part_past_the_end),
		TEST(loads_no_more_than_allowed),
		TEST(stops_when_interrupted),
		TEST(finds_out_the_digest_of_a_stream),
		TEST(refuses_a_stream_of_another_size),
		TEST(says_when_it_takes_no_stream),
		TEST(takes_parts_in_any_order),
		TEST(a_sink_given_up_leaves_nothing),
		TEST(a_hole_is_not_committed),
		TEST(serves_many_threads),
		TEST(knows_no_manifest_at_first),
		TEST(keeps_a_manifest_by_digest),
		TEST(keeps_a_manifest_by_tag),
		TEST(keeps_every_byte_of_a_manifest),
		TEST(names_the_blobs_a_manifest_lacks),
		TEST(moves_a_tag),
		TEST(lists_tags_sorted),
		TEST(removes_one_tag_only),
		TEST(refuses_what_is_no_reference),
		TEST(refuses_a_manifest_under_a_wrong_digest),
		TEST(a_layer_is_no_manifest),
		TEST(says_when_it_holds_no_manifests),
		TEST(mounts_or_says_it_did_not),
		TEST(writes_while_it_holds_its_own_lock),
	};

	current = c;
	return cmocka_run_group_tests_name(c->name, tests, NULL, NULL);
}
