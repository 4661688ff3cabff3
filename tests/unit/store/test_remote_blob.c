/*
 * test_remote_blob.c - blobs of registries that behave, and of those that do
 * not.
 */
#include "tests/support/remote_fixture.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define BLOBS "*/blobs/sha256:*"

static struct mreg_desc seed(struct fx *x)
{
	fakereg_put_blob(x->f, REPO, NULL, fx_noise(), NOISE_BYTES);
	return fx_desc(fx_noise(), NOISE_BYTES);
}

static void fault(struct fx *x, const struct fakereg_fault *f)
{
	struct fakereg_fault all = *f;

	if (!all.path)
		all.path = BLOBS;
	fakereg_fault(x->f, &all);
}

static bool has(struct fx *x, const struct mreg_desc *d)
{
	bool found = false;

	assert_ok(mr_store_has(x->s, d, &found, &x->err), x->err);
	return found;
}

static void assert_noise(struct fx *x, const struct mreg_desc *d)
{
	struct mr_buf got = MR_BUF_INIT(NOISE_BYTES);

	assert_ok(fx_read(x, d, &got), x->err);
	assert_int_equal(got.len, NOISE_BYTES);
	assert_memory_equal(got.data, fx_noise(), NOISE_BYTES);
	mr_buf_release(&got);
}

static void assert_refused(struct fx *x, int code, const struct mreg_desc *d,
			   const char *cause)
{
	struct mr_buf got = MR_BUF_INIT(NOISE_BYTES + 100);

	assert_code(code, fx_read(x, d, &got), x->err);
	assert_has(x->err.msg, fx_text(d));
	assert_has(x->err.msg, REPO);
	assert_has(x->err.cause, cause);
	mr_buf_release(&got);
}

static struct fakereg_seen seen(struct fx *x, const char *method,
				const char *path, size_t index)
{
	struct fakereg_seen out;

	assert_true(fakereg_get(x->f, method, path, index, &out));
	return out;
}

/* -- is it there ------------------------------------------------------------
 */

static void looks_with_one_head(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	assert_true(has(x, &d));
	assert_int_equal(fakereg_count(x->f, "HEAD", BLOBS), 1);
	assert_int_equal(fakereg_count(x->f, NULL, NULL), 1);
	d = fx_desc("other", 5);
	assert_false(has(x, &d));
}

static void asks_for_one_byte_where_head_is_forbidden(void **state)
{
	static const int statuses[] = { 405, 403, 400, 501 };
	struct fx *x = *state;
	struct mreg_desc d = seed(x);
	struct mreg_desc absent = fx_desc("other", 5);
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++) {
		fault(x, &(struct fakereg_fault){ .method = "HEAD",
						  .status = statuses[i] });
		assert_true(has(x, &d));
		assert_string_equal(seen(x, "GET", BLOBS, 0).range,
				    "bytes=0-0");
		assert_false(has(x, &absent));
		fakereg_clear(x->f);
	}
}

static void finds_an_empty_blob_without_head(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = fx_desc("", 0);

	fakereg_put_blob(x->f, REPO, NULL, "", 0);
	fault(x, &(struct fakereg_fault){ .method = "HEAD", .status = 405 });
	assert_true(has(x, &d));
}

static void says_why_it_may_not_look(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);
	bool found;

	fault(x, &(struct fakereg_fault){ .status = 403,
					  .code = "DENIED",
					  .message = "project is private" });
	assert_code(MREG_EDENIED, mr_store_has(x->s, &d, &found, &x->err),
		    x->err);
	assert_has(x->err.cause, "project is private");
	assert_has(x->err.hint, "mreg login");
}

static void tells_trouble_from_absence(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);
	bool found;

	fault(x, &(struct fakereg_fault){ .status = 503 });
	assert_code(MREG_EREMOTE, mr_store_has(x->s, &d, &found, &x->err),
		    x->err);
	assert_int_equal(fakereg_count(x->f, "HEAD", BLOBS), 1 + MR_RETRY_MAX);
	assert_int_equal(fakereg_count(x->f, "GET", BLOBS), 0);
}

/* -- its bytes --------------------------------------------------------------
 */

/* As distribution answers where the blob's link is an empty file. */
static void what_the_registry_cannot_tell_of_counts_as_absent(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){
			 .method = "HEAD", .status = 500, .code = "UNKNOWN" });
	assert_false(has(x, &d));
	assert_true(fakereg_count(x->f, "HEAD", BLOBS) > 1);
}

static void asks_for_a_whole_blob_without_a_range(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	assert_noise(x, &d);
	assert_string_equal(seen(x, "GET", BLOBS, 0).range, "");
	assert_int_equal(fakereg_count(x->f, NULL, NULL), 1);
}

static void reads_an_empty_blob(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = fx_desc("", 0);
	struct mr_buf got = MR_BUF_INIT(10);

	assert_refused(x, MREG_ENOTFOUND, &d, "not found");
	fakereg_put_blob(x->f, REPO, NULL, "", 0);
	assert_int_equal(fx_read(x, &d, &got), 0);
	mr_buf_release(&got);
}

static void assert_part(struct fx *x, const struct mreg_desc *d)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char got[300];

	assert_ok(mr_store_open_range(x->s, d, 1000000, 200, &in, &x->err),
		  x->err);
	assert_int_equal(mr_stream_fill(in, got, sizeof(got), &x->err), 200);
	assert_memory_equal(got, fx_noise() + 1000000, 200);
}

static void reads_a_part_and_no_more(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	assert_part(x, &d);
	assert_string_equal(seen(x, "GET", BLOBS, 0).range,
			    "bytes=1000000-1000199");
	assert_int_equal(seen(x, "GET", BLOBS, 0).status, 206);
}

static void reads_a_part_where_ranges_are_ignored(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .ignore_range = true });
	assert_part(x, &d);
	assert_false(mr_store_ranges(x->s));
	assert_part(x, &d);
	assert_string_equal(seen(x, "GET", BLOBS, 1).range, "");
}

static void asks_for_all_where_another_part_comes(void **state)
{
	static const char *const ranges[] = {
		"bytes 0-199/3145745",           "bytes 1000000-1000199/200",
		"bytes 1000000-1000198/3145745", "1000000-1000199/3145745",
		"bytes 1000000-1000199",         NULL,
	};
	struct fx *x = *state;
	struct mreg_desc d;
	size_t i;

	for (i = 0; i < MR_COUNT(ranges); i++) {
		fx_restart(x, NULL, NULL, NULL);
		d = seed(x);
		fault(x, &(struct fakereg_fault){ .times = 1,
						  .set = "Content-Range",
						  .value = ranges[i] });
		assert_true(mr_store_ranges(x->s));
		assert_part(x, &d);
		assert_false(mr_store_ranges(x->s));
		assert_string_equal(seen(x, "GET", BLOBS, 1).range, "");
		/* And so from now on. */
		assert_part(x, &d);
		assert_string_equal(seen(x, "GET", BLOBS, 2).range, "");
		assert_int_equal(fakereg_count(x->f, "GET", BLOBS), 3);
	}
	fx_restart(x, NULL, NULL, NULL);
	d = seed(x);
	fault(x, &(struct fakereg_fault){ .set = "Content-Range",
					  .value = "bytes 1000000-1000199/*" });
	assert_part(x, &d);
	assert_true(mr_store_ranges(x->s));
}

static void a_part_that_ends_early_is_an_error(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char got[300];

	fault(x, &(struct fakereg_fault){ .lengthen = -5 });
	assert_ok(mr_store_open_range(x->s, &d, 1000000, 200, &in, &x->err),
		  x->err);
	assert_code(MREG_EINTEGRITY,
		    mr_stream_fill(in, got, sizeof(got), &x->err), x->err);
	assert_has(x->err.cause, "ends 5 bytes early");
	/* And again. */
	assert_code(MREG_EINTEGRITY,
		    mr_stream_read(in, got, sizeof(got), &x->err), x->err);
}

/* -- connections that break -------------------------------------------------
 */

static void goes_on_where_it_broke_off(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){
			 .times = 1, .cut = true, .cut_at = 1500000 });
	assert_noise(x, &d);
	assert_int_equal(fakereg_count(x->f, "GET", BLOBS), 2);
	assert_string_equal(seen(x, "GET", BLOBS, 1).range,
			    "bytes=1500000-3145744");
	assert_has(x->t.log, "asking again from byte 1500000");
}

static void goes_on_where_ranges_are_ignored(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){
			 .times = 1, .cut = true, .cut_at = 1500000 });
	fault(x, &(struct fakereg_fault){ .ignore_range = true });
	assert_noise(x, &d);
	assert_int_equal(fakereg_count(x->f, "GET", BLOBS), 2);
}

static void goes_on_when_only_the_end_was_lost(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){
			 .chunked = true, .cut = true, .cut_at = NOISE_BYTES });
	assert_noise(x, &d);
	assert_int_equal(fakereg_count(x->f, "GET", BLOBS), 1);
}

static void reads_a_body_of_untold_length(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .chunked = true });
	assert_noise(x, &d);
}

static void gives_up_without_progress(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .cut = true, .cut_at = 1000 });
	assert_refused(x, MREG_ENETWORK, &d, "closed the connection");
	assert_int_equal(fakereg_count(x->f, "GET", BLOBS), 1 + MR_RETRY_MAX);
	assert_true(x->t.slept_ms > 0);
}

static void progress_gives_attempts_back(void **state)
{
	struct fx *x = *state;
	size_t n = 10u << 20;
	char *big = mr_zalloc(n);
	struct mr_buf got = MR_BUF_INIT(n);
	struct mreg_desc d;

	assert_non_null(big);
	memcpy(big, fx_noise(), NOISE_BYTES);
	d = fx_desc(big, n);
	fakereg_put_blob(x->f, REPO, NULL, big, n);
	fault(x, &(struct fakereg_fault){ .cut = true, .cut_at = 1100000 });
	assert_int_equal(fx_read(x, &d, &got), n);
	assert_memory_equal(got.data, big, n);
	assert_true(fakereg_count(x->f, "GET", BLOBS) > MR_RETRY_MAX + 1);
	mr_buf_release(&got);
	mr_release(big);
}

static void stops_when_interrupted_between_connections(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char got[4096];
	ssize_t n = 1;

	fault(x, &(struct fakereg_fault){ .cut = true, .cut_at = 100000 });
	assert_ok(mr_store_open(x->s, &d, &in, &x->err), x->err);
	atomic_store(&x->t.cancel, true);
	while (n > 0)
		n = mr_stream_read(in, got, sizeof(got), &x->err);
	assert_code(MREG_ECANCELED, n, x->err);
}

/* -- wrong bytes ------------------------------------------------------------
 */

static void refuses_a_flipped_bit(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .flip = true });
	assert_refused(x, MREG_EINTEGRITY, &d, "");
}

static void refuses_a_blob_one_byte_short(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .lengthen = -1 });
	assert_refused(x, MREG_EINTEGRITY, &d, "3145744 bytes there");
	fakereg_clear(x->f);
	fault(x, &(struct fakereg_fault){ .lengthen = -1, .chunked = true });
	assert_refused(x, MREG_EINTEGRITY, &d, "3145744/3145745");
}

static void refuses_a_blob_one_byte_long(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .lengthen = 1 });
	assert_refused(x, MREG_EINTEGRITY, &d, "3145746 bytes there");
	fakereg_clear(x->f);
	fault(x, &(struct fakereg_fault){ .lengthen = 1, .chunked = true });
	assert_refused(x, MREG_EINTEGRITY, &d, "past its 3145745 bytes");
}

static void refuses_a_content_coding(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .set = "Content-Encoding",
					  .value = "gzip" });
	assert_refused(x, MREG_EREMOTE, &d, "gzip");
}

static void refuses_a_web_page(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	fault(x, &(struct fakereg_fault){ .type = "text/html",
					  .body = "<html>Sign in</html>" });
	assert_refused(x, MREG_EINTEGRITY, &d, "20 bytes there");
}

/* -- redirects --------------------------------------------------------------
 */

static void shows_storage_no_credentials(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.redirect_blobs = true };
	struct fx *x = *state;
	struct mreg_desc d;

	fx_restart(x, &o, "ann", "secret");
	d = seed(x);
	fault(x, &(struct fakereg_fault){ .path = "*sig=*&method=GET",
					  .times = 1,
					  .cut = true,
					  .cut_at = 1000 });
	assert_true(has(x, &d));
	assert_noise(x, &d);
	assert_string_equal(seen(x, "GET", "*sig=*", 0).scheme, "");
	/* The rest was asked for at the registry again, which signs anew. */
	assert_int_equal(fakereg_count(x->f, "GET", "*sig=*"), 2);
	assert_string_equal(seen(x, "GET", "*sig=*", 1).range,
			    "bytes=1000-3145744");
}

static void renews_a_token_that_ran_out(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.token_uses = 1 };
	struct fx *x = *state;
	struct mreg_desc d;

	fx_restart(x, &o, "ann", "secret");
	d = seed(x);
	fault(x, &(struct fakereg_fault){ .method = "GET",
					  .skip = 1,
					  .times = 1,
					  .cut = true,
					  .cut_at = 1000 });
	assert_noise(x, &d);
	assert_noise(x, &d);
	assert_true(fakereg_count(x->f, NULL, "/_fake/token*") >= 3);
	assert_has(seen(x, NULL, "/_fake/token*", 0).path,
		   "repository%3Aacme%2Fchurn%3Apull");
	assert_has_not(seen(x, NULL, "/_fake/token*", 0).path, "push");
}

static void tells_the_anonymous_to_log_in(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret" };
	struct fx *x = *state;
	struct mreg_desc d;

	fx_restart(x, &o, NULL, NULL);
	d = seed(x);
	assert_refused(x, MREG_EAUTH, &d, "");
	assert_has(x->err.hint, "mreg login 127.0.0.1:");
	fx_restart(x, &o, "ann", "wrong");
	d = seed(x);
	assert_refused(x, MREG_EAUTH, &d, "");
	assert_has(x->err.hint, "mreg login 127.0.0.1:");
}

static void says_that_nobody_listens(void **state)
{
	struct fx *x = *state;
	struct mr_store *s = NULL;
	struct mreg_desc d = fx_desc("x", 1);
	bool found;

	assert_ok(mr_remote_open(&x->t.env, x->net, "127.0.0.1:1", REPO, &s,
				 &x->err),
		  x->err);
	assert_code(MREG_ENETWORK, mr_store_has(s, &d, &found, &x->err),
		    x->err);
	assert_has(x->err.msg, "127.0.0.1:1/" REPO);
	assert_has(x->err.cause, "connection refused");
	mr_store_close(s);
}

static void finds_out_that_it_is_plain_http(void **state)
{
	struct fx *x = *state;
	const struct mr_net_opts n = { .env = &x->t.env };
	struct mreg_desc d = seed(x);
	struct mr_net *net = NULL;
	struct mr_store *s = NULL;
	bool found = false;

	assert_ok(mr_net_open(&n, &net, &x->err), x->err);
	assert_ok(mr_remote_open(&x->t.env, net, fakereg_host(x->f), REPO, &s,
				 &x->err),
		  x->err);
	assert_ok(mr_store_has(s, &d, &found, &x->err), x->err);
	assert_true(found);
	mr_store_close(s);
	mr_net_close(net);
}

static void refuses_names_that_are_none(void **state)
{
	struct fx *x = *state;
	struct mr_store *s = NULL;

	assert_code(MREG_EUSAGE,
		    mr_remote_open(&x->t.env, x->net, "a@b", REPO, &s, &x->err),
		    x->err);
	assert_code(MREG_EUSAGE,
		    mr_remote_open(&x->t.env, x->net, "ghcr.io", "../x", &s,
				   &x->err),
		    x->err);
	assert_has(x->err.msg, "'../x'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(looks_with_one_head),
		FX(asks_for_one_byte_where_head_is_forbidden),
		FX(finds_an_empty_blob_without_head),
		FX(says_why_it_may_not_look),
		FX(tells_trouble_from_absence),
		FX(what_the_registry_cannot_tell_of_counts_as_absent),
		FX(asks_for_a_whole_blob_without_a_range),
		FX(reads_an_empty_blob),
		FX(reads_a_part_and_no_more),
		FX(reads_a_part_where_ranges_are_ignored),
		FX(asks_for_all_where_another_part_comes),
		FX(a_part_that_ends_early_is_an_error),
		FX(goes_on_where_it_broke_off),
		FX(goes_on_where_ranges_are_ignored),
		FX(goes_on_when_only_the_end_was_lost),
		FX(reads_a_body_of_untold_length),
		FX(gives_up_without_progress),
		FX(progress_gives_attempts_back),
		FX(stops_when_interrupted_between_connections),
		FX(refuses_a_flipped_bit),
		FX(refuses_a_blob_one_byte_short),
		FX(refuses_a_blob_one_byte_long),
		FX(refuses_a_content_coding),
		FX(refuses_a_web_page),
		FX(shows_storage_no_credentials),
		FX(renews_a_token_that_ran_out),
		FX(tells_the_anonymous_to_log_in),
		FX(says_that_nobody_listens),
		FX(finds_out_that_it_is_plain_http),
		FX(refuses_names_that_are_none),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}
