/*
 * test_remote_upload_resume.c - uploads that broke off, taken up by the same
 * run and by the next one (protocol.md 6.4).
 *
 * A run that died is a record whose process is gone: the tests write its
 * number into the record themselves.
 */
#include "tests/support/upload_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "store/remote_upload.h"

#define KEEPS                                                                  \
	{                                                                      \
		.keeps_partial = true                                          \
	}
#define CUT_BYTES 2000000

struct rx {
	struct fx *x;
	void *inner;
	char *dir;
	struct mr_state *s;
};

static int setup(void **state)
{
	const struct fakereg_opts o = KEEPS;
	struct rx *r = calloc(1, sizeof(*r));
	char path[512];

	assert_non_null(r);
	fx_setup(&r->inner);
	r->x = r->inner;
	r->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/state.db", r->dir);
	r->s = mr_state_open(path, &r->x->t.env);
	assert_non_null(r->s);
	fx_restart(r->x, &o, NULL, NULL);
	up_open(r->x, r->s);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rx *r = *state;

	up_open(r->x, NULL);
	mr_state_close(r->s);
	test_tmpdir_free(r->dir);
	fx_teardown(&r->inner);
	free(r);
	return 0;
}

static void cut(struct rx *r, const char *method, unsigned int times)
{
	up_fault(r->x, method,
		 &(struct fakereg_fault){ .times = times,
					  .cut_request = true,
					  .cut_request_at = CUT_BYTES });
}

/* It never arrived, and nothing else was seen. */
static void forget(struct rx *r)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);

	fakereg_forget_blob(r->x->f, REPO, fx_text(&d));
	fakereg_clear(r->x->f);
}

/* Where the record of the noise is. */
static void where(struct rx *r, char scope[700], char key[96])
{
	struct mr_upload u = { .r = mr_remote_of(r->x->s),
			       .size = NOISE_BYTES };

	mr_upload_key(&u, fx_noise(), MR_UPLOAD_HEAD_BYTES);
	memcpy(key, u.key, sizeof(u.key));
	(void)snprintf(scope, 700, "upload http://%s/" REPO,
		       fakereg_host(r->x->f));
}

static bool record(struct rx *r, char out[4097])
{
	char scope[700], key[96];

	where(r, scope, key);
	return mr_state_fact_get(r->s, scope, key, out, 4097);
}

/* As if process `pid` had written it, `how`. */
static void rewrite(struct rx *r, const char *how, long pid)
{
	char scope[700], key[96], was[4097], now[4200];
	char *owner, *number, *rest;

	assert_true(record(r, was));
	owner = strchr(strchr(was, ' ') + 1, ' ') + 1;
	rest = strchr(owner, ' ');
	*rest = '\0';
	number = strrchr(owner, '/');
	*number = '\0';
	(void)snprintf(now, sizeof(now), "%.*s %s %s/%ld %s",
		       (int)strcspn(was, " "), was, how, owner, pid, rest + 1);
	where(r, scope, key);
	mr_state_fact_put(r->s, scope, key, now);
}

/* A process that is no more. */
static long dead(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* One run that got so far and was killed. */
static void killed_run(struct rx *r)
{
	struct mr_measure m;

	cut(r, "PATCH", 1);
	assert_code(MREG_ENETWORK, up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	rewrite(r, "busy", dead());
	fakereg_clear(r->x->f);
	up_open(r->x, r->s);
	r->x->t.progress_bytes = 0;
}

/* -- in one run -------------------------------------------------------------
 */

static void a_broken_put_goes_on_where_it_broke(void **state)
{
	struct rx *r = *state;
	char text[4097];

	cut(r, "PUT", 1);
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(mr_remote_passed(r->x->s), 0);
	assert_int_equal(up_count(r->x, "POST"), 1);
	assert_int_equal(up_count(r->x, "GET"), 1);
	assert_string_equal(up_seen(r->x, "PATCH", 0).content_range,
			    "2000000-3048575");
	assert_int_equal(r->x->t.progress_bytes, NOISE_BYTES);
	assert_false(record(r, text));
}

static void a_connection_that_breaks_often_gets_there(void **state)
{
	struct rx *r = *state;

	mr_remote_of(r->x->s)->piece = 64 * MIB;
	up_fault(r->x, "PUT",
		 &(struct fakereg_fault){ .times = 1,
					  .cut_request = true,
					  .cut_request_at = 1000 });
	up_fault(r->x, "PATCH",
		 &(struct fakereg_fault){ .times = 5,
					  .cut_request = true,
					  .cut_request_at = 500000 });
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(up_count(r->x, "POST"), 1);
	assert_int_equal(r->x->t.progress_bytes, NOISE_BYTES);
}

static void a_session_that_is_gone_is_begun_again(void **state)
{
	const struct fakereg_opts o = { .stale_cancels = true };
	struct rx *r = *state;

	fx_restart(r->x, &o, NULL, NULL); /* drops what broke off */
	up_open(r->x, r->s);
	cut(r, "PUT", 1);
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(up_count(r->x, "POST"), 2);
	assert_int_equal(up_count(r->x, "GET"), 1);
	/* The next time nobody asks. */
	forget(r);
	cut(r, "PUT", 1);
	assert_ok(up_put(r->x), r->x->err);
	assert_int_equal(up_count(r->x, "GET"), 0);
	assert_int_equal(up_count(r->x, "POST"), 2);
}

static void a_stream_that_broke_off_is_gone_on_with(void **state)
{
	struct rx *r = *state;
	struct mr_measure m;

	cut(r, "PATCH", 1);
	assert_code(MREG_ENETWORK, up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	/* Its digest is known now. */
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(mr_remote_passed(r->x->s), 0);
	assert_int_equal(up_count(r->x, "POST"), 1);
	assert_string_equal(up_seen(r->x, "PATCH", 1).content_range,
			    "2000000-3048575");
}

static void quay_counts_from_one(void **state)
{
	const struct fakereg_opts o = { .keeps_partial = true,
					.quay_ranges = true };
	struct rx *r = *state;

	fx_restart(r->x, &o, NULL, NULL);
	up_open(r->x, r->s);
	up_profile(r->x, "quay.io");
	cut(r, "PATCH", 1);
	mr_remote_of(r->x->s)->piece = 64 * MIB;
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	assert_string_equal(up_seen(r->x, "PATCH", 1).content_range,
			    "2000000-3145744");
	/* Under another name too. */
	forget(r);
	up_open(r->x, r->s);
	cut(r, "PUT", 1);
	assert_ok(up_put(r->x), r->x->err);
	assert_int_equal(up_count(r->x, "POST"), 1);
}

static void what_ends_at_byte_0_is_not_gone_on_with(void **state)
{
	static const char *const ranges[] = { "0-0", "bytes=0--1", "0-1x", "",
					      "0-3145745" };
	struct rx *r = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(ranges); i++) {
		forget(r);
		up_open(r->x, r->s);
		cut(r, "PUT", 1);
		up_fault(r->x, "GET",
			 &(struct fakereg_fault){ .set = "Range",
						  .value = ranges[i] });
		assert_ok(up_put(r->x), r->x->err);
		assert_int_equal(up_count(r->x, "PATCH"), 0);
		assert_int_equal(up_count(r->x, "POST"), 2);
	}
	up_assert_there(r->x);
}

static void a_lie_about_how_far_it_came_is_found_out(void **state)
{
	struct rx *r = *state;

	cut(r, "PUT", 1);
	/* Bytes that it does not have. */
	up_fault(r->x, "GET",
		 &(struct fakereg_fault){
			 .times = 1, .set = "Range", .value = "0-2500000" });
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
}

static void where_going_on_is_refused_it_begins_again(void **state)
{
	static const char *const codes[] = { "BLOB_UPLOAD_INVALID",
					     "UNSUPPORTED" };
	struct rx *r = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(codes); i++) {
		forget(r);
		up_open(r->x, r->s);
		cut(r, "PUT", 1);
		up_fault(r->x, "PATCH",
			 &(struct fakereg_fault){ .status = 400,
						  .code = codes[i] });
		assert_ok(up_put(r->x), r->x->err);
		up_assert_there(r->x);
		assert_int_equal(mr_remote_passed(r->x->s), 0);
		assert_int_equal(up_count(r->x, "PATCH"), 1);
		assert_int_equal(up_count(r->x, "POST"), 2);
	}
}

/* -- in the next run --------------------------------------------------------
 */

static void the_next_run_streams_only_the_rest(void **state)
{
	struct rx *r = *state;
	struct mr_measure m;
	char text[4097];

	killed_run(r);
	assert_ok(up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(mr_remote_passed(r->x->s), CUT_BYTES);
	assert_int_equal(up_count(r->x, "POST"), 0);
	assert_string_equal(up_seen(r->x, "PATCH", 0).content_range,
			    "2000000-3048575");
	assert_int_equal(r->x->t.progress_bytes, NOISE_BYTES);
	assert_false(record(r, text));
}

static void the_next_run_puts_only_the_rest(void **state)
{
	struct rx *r = *state;

	killed_run(r);
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(mr_remote_passed(r->x->s), CUT_BYTES);
	assert_int_equal(up_count(r->x, "POST"), 0);
	assert_int_equal(r->x->t.progress_bytes, NOISE_BYTES);
	assert_has(r->x->t.log, "has the first 2000000 of 3145745 bytes");
}

static void a_stream_killed_while_it_was_closed_is_only_closed(void **state)
{
	struct rx *r = *state;
	struct mr_measure m;

	up_fault(r->x, "PUT", &(struct fakereg_fault){ .status = 503 });
	assert_code(MREG_ENETWORK, up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	rewrite(r, "busy", dead());
	fakereg_clear(r->x->f);
	up_open(r->x, r->s);
	assert_ok(up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	up_assert_there(r->x);
	assert_int_equal(mr_remote_passed(r->x->s), NOISE_BYTES);
	assert_int_equal(up_count(r->x, "POST"), 0);
	assert_int_equal(up_count(r->x, "PATCH"), 0);
	assert_int_equal(up_count(r->x, "PUT"), 1);
}

static void a_stream_that_was_closed_unheard_is_taken_as_sent(void **state)
{
	struct rx *r = *state;
	struct mr_measure m;
	char text[4097];

	up_fault(r->x, "PUT",
		 &(struct fakereg_fault){ .late = true, .drop = true });
	up_fault(r->x, "HEAD",
		 &(struct fakereg_fault){ .path = "*", .status = 503 });
	assert_code(MREG_ENETWORK, up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	rewrite(r, "busy", dead());
	fakereg_clear(r->x->f);
	up_open(r->x, r->s);
	assert_ok(up_stream(r->x, NOISE_BYTES, &m), r->x->err);
	assert_true(m.complete);
	assert_int_equal(up_count(r->x, "HEAD"), 1);
	assert_int_equal(up_count(r->x, "POST"), 0);
	assert_int_equal(up_count(r->x, "PUT"), 0);
	assert_false(record(r, text));
}

/* A source at whose bytes the user gives up. */
struct stopper {
	struct mr_stream base;
	struct fx *x;
	size_t at;
};

static ssize_t stopper_read(struct mr_stream *s, void *buf, size_t n,
			    struct mreg_error *err)
{
	struct stopper *p = mr_container_of(s, struct stopper, base);

	(void)err;
	if (n > NOISE_BYTES - p->at)
		n = NOISE_BYTES - p->at;
	memcpy(buf, fx_noise() + p->at, n);
	p->at += n;
	if (p->at >= CUT_BYTES)
		atomic_store(&p->x->t.cancel, true);
	return (ssize_t)n;
}

static void stopper_close(struct mr_stream *s)
{
	(void)s; /* on the stack */
}

static void a_stopped_stream_leaves_its_record(void **state)
{
	static const struct mr_stream_ops ops = { .read = stopper_read,
						  .close = stopper_close };
	struct rx *r = *state;
	struct stopper p = { .base.ops = &ops, .x = r->x };
	struct mr_measure m = { .complete = false };
	char text[4097];

	assert_code(MREG_ECANCELED,
		    mr_store_put_stream(r->x->s, &p.base, NOISE_BYTES, "a", &m,
					&r->x->err),
		    r->x->err);
	assert_true(record(r, text));
	assert_has(text, " parked ");
	atomic_store(&r->x->t.cancel, false);
}

static void without_an_answer_the_record_stays_as_it_is(void **state)
{
	struct rx *r = *state;
	char was[4097], now[4097];

	killed_run(r);
	assert_true(record(r, was));
	up_fault(r->x, "GET", &(struct fakereg_fault){ .status = 503 });
	up_fault(r->x, "POST", &(struct fakereg_fault){ .status = 503 });
	assert_code(MREG_EREMOTE, up_put(r->x), r->x->err);
	assert_true(record(r, now));
	assert_string_equal(was, now);
}

static void what_a_proxy_says_of_a_session_is_no_lesson(void **state)
{
	struct rx *r = *state;
	uint64_t works;

	cut(r, "PUT", 1);
	up_fault(r->x, "GET",
		 &(struct fakereg_fault){
			 .status = 404, .type = "text/html", .body = "<p>no" });
	assert_ok(up_put(r->x), r->x->err);
	assert_int_equal(up_count(r->x, "POST"), 2);
	assert_false(mr_remote_lesson(mr_remote_of(r->x->s), MR_LESSON_STATUS,
				      &works));
}

static void a_session_that_only_fails_is_left_for_another(void **state)
{
	struct rx *r = *state;

	killed_run(r);
	up_fault(r->x, "PATCH", &(struct fakereg_fault){ .status = 500 });
	assert_ok(up_put(r->x), r->x->err);
	up_assert_there(r->x);
	/* Twice; net repeats what was refused before its body was read. */
	assert_true(up_count(r->x, "PATCH") <= 2 * (1 + MR_RETRY_MAX));
	assert_int_equal(up_count(r->x, "POST"), 1);
}

static void where_nothing_works_no_session_is_kept(void **state)
{
	struct rx *r = *state;
	char text[4097];

	killed_run(r);
	up_fault(r->x, "PATCH", &(struct fakereg_fault){ .status = 500 });
	up_fault(r->x, "PUT", &(struct fakereg_fault){ .status = 500 });
	assert_code(MREG_EREMOTE, up_put(r->x), r->x->err);
	assert_false(record(r, text));
}

static void a_session_of_a_living_process_is_left_alone(void **state)
{
	struct rx *r = *state;
	long others[] = { getppid(), getpid() };
	size_t i;

	for (i = 0; i < MR_COUNT(others); i++) {
		forget(r);
		killed_run(r);
		rewrite(r, "busy", others[i]);
		assert_ok(up_put(r->x), r->x->err);
		assert_int_equal(up_count(r->x, "POST"), 1);
		assert_int_equal(up_count(r->x, "GET"), 0);
	}
}

static void an_old_session_is_left_alone(void **state)
{
	struct rx *r = *state;

	killed_run(r);
	r->x->t.now_ms += 1801000;
	assert_ok(up_put(r->x), r->x->err);
	assert_int_equal(up_count(r->x, "POST"), 1);
	assert_int_equal(up_count(r->x, "GET"), 0);
}

static void records_of_nonsense_are_passed_over(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"1",
		"x busy a/b/1 0 - http://127.0.0.1:1/",
		"1 busy a/b/1 0 -",
		"1 busy a/b/1 99999999999999999999 - x",
		"1 parked // 0 - http://127.0.0.1:1/",
	};
	struct rx *r = *state;
	char scope[700], key[96];
	size_t i;

	where(r, scope, key);
	for (i = 0; i < MR_COUNT(texts); i++) {
		mr_state_fact_put(r->s, scope, key, texts[i]);
		assert_ok(up_put(r->x), r->x->err);
	}
	assert_int_equal(up_count(r->x, "GET"), 0);
}

static void another_blob_of_that_size_and_head_arrives_too(void **state)
{
	struct rx *r = *state;
	char *other = malloc(NOISE_BYTES);
	struct mreg_desc d;
	char *there;

	assert_non_null(other);
	memcpy(other, fx_noise(), NOISE_BYTES);
	other[NOISE_BYTES / 2] ^= 1;
	d = fx_desc(other, NOISE_BYTES);
	killed_run(r);
	assert_ok(fx_put(r->x, other, NOISE_BYTES), r->x->err);
	there = fakereg_blob(r->x->f, REPO, fx_text(&d), NULL);
	assert_non_null(there);
	assert_memory_equal(there, other, NOISE_BYTES);
	free(there);
	free(other);
}

static void an_interrupted_upload_leaves_its_record(void **state)
{
	struct rx *r = *state;
	char text[4097];

	cut(r, "PUT", 0);
	up_fault(r->x, "PATCH",
		 &(struct fakereg_fault){ .cut_request = true,
					  .cut_request_at = 1000 });
	assert_code(MREG_ENETWORK, up_put(r->x), r->x->err);
	assert_true(record(r, text));
	assert_has(text, " parked ");
	/* Its address is for nobody's eyes. */
	assert_has(text, "_state=");
	assert_null(strstr(r->x->t.log, "_state=a"));
}

#define RX(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RX(a_broken_put_goes_on_where_it_broke),
		RX(a_connection_that_breaks_often_gets_there),
		RX(a_session_that_is_gone_is_begun_again),
		RX(a_stream_that_broke_off_is_gone_on_with),
		RX(quay_counts_from_one),
		RX(what_ends_at_byte_0_is_not_gone_on_with),
		RX(a_lie_about_how_far_it_came_is_found_out),
		RX(where_going_on_is_refused_it_begins_again),
		RX(the_next_run_streams_only_the_rest),
		RX(the_next_run_puts_only_the_rest),
		RX(a_stream_killed_while_it_was_closed_is_only_closed),
		RX(a_stream_that_was_closed_unheard_is_taken_as_sent),
		RX(a_stopped_stream_leaves_its_record),
		RX(without_an_answer_the_record_stays_as_it_is),
		RX(what_a_proxy_says_of_a_session_is_no_lesson),
		RX(a_session_that_only_fails_is_left_for_another),
		RX(where_nothing_works_no_session_is_kept),
		RX(a_session_of_a_living_process_is_left_alone),
		RX(an_old_session_is_left_alone),
		RX(records_of_nonsense_are_passed_over),
		RX(another_blob_of_that_size_and_head_arrives_too),
		RX(an_interrupted_upload_leaves_its_record),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}
