/*
 * test_sink_shared.c - pieces that one thread writes while another hashes
 * them, and what an earlier sink left.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "content/sink.h"

#include <errno.h>

#define TEXT "0123456789"

/* A raw sink in memory; it outlives its "free", so a test can look. */
struct raw {
	struct mr_sink base;
	char *data;
	struct mr_spans left;
	atomic_int reads, through, commits, aborts, keeps;
	atomic_int fail; /* the next writes fail */
};

static int raw_write_at(struct mr_sink *s, const void *buf, size_t n,
			uint64_t offset, struct mreg_error *err)
{
	struct raw *r = mr_container_of(s, struct raw, base);

	if (atomic_load(&r->fail))
		return mr_fail(err, MREG_EIO, "cannot write 'raw'");
	memcpy(r->data + offset, buf, n);
	return 0;
}

static int raw_write_through(struct mr_sink *s, const void *buf, size_t n,
			     uint64_t offset, struct mreg_error *err)
{
	atomic_fetch_add(&mr_container_of(s, struct raw, base)->through, 1);
	return raw_write_at(s, buf, n, offset, err);
}

static ssize_t raw_read_at(struct mr_sink *s, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err)
{
	struct raw *r = mr_container_of(s, struct raw, base);

	(void)err;
	atomic_fetch_add(&r->reads, 1);
	memcpy(buf, r->data + offset, n);
	return (ssize_t)n;
}

static int raw_commit(struct mr_sink *s, struct mreg_error *err)
{
	(void)err;
	atomic_fetch_add(&mr_container_of(s, struct raw, base)->commits, 1);
	return 0;
}

static void raw_abort(struct mr_sink *s)
{
	atomic_fetch_add(&mr_container_of(s, struct raw, base)->aborts, 1);
}

static void raw_keep(struct mr_sink *s)
{
	atomic_fetch_add(&mr_container_of(s, struct raw, base)->keeps, 1);
}

static const struct mr_spans *raw_left(struct mr_sink *s)
{
	return &mr_container_of(s, struct raw, base)->left;
}

static const struct mr_sink_ops raw_ops = {
	.write_at = raw_write_at,
	.read_at = raw_read_at,
	.commit = raw_commit,
	.abort = raw_abort,
	.write_through = raw_write_through,
	.keep = raw_keep,
	.left = raw_left,
};

static void prepare(struct raw *raw, size_t n)
{
	memset(raw, 0, sizeof(*raw));
	raw->base.ops = &raw_ops;
	raw->data = mr_zalloc(n);
	assert_non_null(raw->data);
}

static struct mr_sink *begin(struct raw *raw, const char *data, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc want = { .size = n };
	struct mr_sink *s = NULL;

	assert_ok(mr_digest_of(data, n, &want.digest, &err), err);
	assert_ok(mr_sink_verify(&raw->base, &want, &s, &err), err);
	return s;
}

static void end(struct raw *raw)
{
	mr_free(&raw->data);
	mr_spans_release(&raw->left);
}

static bool enter(struct mr_sink *s, size_t n, uint64_t offset)
{
	struct mreg_error err = MREG_ERROR_INIT;
	bool in_order = false;

	assert_ok(mr_sink_enter(s, n, offset, &in_order, &err), err);
	return in_order;
}

static void store(struct mr_sink *s, size_t n, uint64_t offset, bool in_order)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_sink_store(s, TEXT + offset, n, offset, in_order, &err),
		  err);
}

static void prove(struct mr_sink *s, size_t n, uint64_t offset)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_sink_prove(s, TEXT + offset, n, offset, &err), err);
}

static void what_is_in_order_is_never_read_back(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	s = begin(&raw, TEXT, 10);
	assert_true(enter(s, 4, 0));
	assert_true(enter(s, 4, 4)); /* behind one that is not hashed yet */
	assert_true(enter(s, 2, 8));
	/* Either may be faster. */
	prove(s, 4, 0);
	store(s, 4, 4, true);
	store(s, 4, 0, true);
	prove(s, 4, 4);
	prove(s, 2, 8);
	store(s, 2, 8, true);
	assert_ok(mr_sink_commit(s, &err), err);
	assert_memory_equal(raw.data, TEXT, 10);
	assert_int_equal(atomic_load(&raw.reads), 0);
	assert_int_equal(atomic_load(&raw.through), 3);
	assert_int_equal(atomic_load(&raw.commits), 1);
	end(&raw);
}

static void what_is_not_is_read_back_in_its_turn(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	s = begin(&raw, TEXT, 10);
	assert_false(enter(s, 3, 4));
	store(s, 3, 4, false);
	assert_ok(mr_sink_catch_up(s, &err), err);
	assert_int_equal(atomic_load(&raw.reads), 0); /* not its turn */
	assert_true(enter(s, 4, 0));
	/* Where it goes on is known only once the bytes between are hashed. */
	assert_false(enter(s, 1, 7));
	prove(s, 4, 0);
	assert_int_equal(atomic_load(&raw.reads), 1);
	store(s, 4, 0, true);
	store(s, 1, 7, false);
	assert_ok(mr_sink_catch_up(s, &err), err);
	assert_int_equal(atomic_load(&raw.reads), 2);
	assert_true(enter(s, 2, 8));
	store(s, 2, 8, true);
	prove(s, 2, 8);
	assert_ok(mr_sink_commit(s, &err), err);
	assert_int_equal(atomic_load(&raw.through), 2);
	end(&raw);
}

static void hashed_but_not_written_is_a_hole(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	s = begin(&raw, TEXT, 10);
	assert_true(enter(s, 4, 0));
	assert_true(enter(s, 6, 4));
	prove(s, 4, 0);
	prove(s, 6, 4);
	store(s, 6, 4, true);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	assert_has(err.msg, "has a hole");
	assert_int_equal(atomic_load(&raw.aborts), 1);
	end(&raw);
}

static void written_but_not_hashed_does_not_count(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	s = begin(&raw, TEXT, 10);
	assert_true(enter(s, 10, 0));
	store(s, 10, 0, true);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	assert_int_equal(atomic_load(&raw.commits), 0);
	end(&raw);
}

/* The bytes may have been hashed: others must not take their place. */
static void a_piece_that_failed_cannot_be_repeated(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	bool in_order;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	s = begin(&raw, TEXT, 10);
	assert_true(enter(s, 10, 0));
	prove(s, 10, 0);
	atomic_store(&raw.fail, 1);
	assert_code(MREG_EIO, mr_sink_store(s, TEXT, 10, 0, true, &err), err);
	atomic_store(&raw.fail, 0);
	assert_code(MREG_EIO, mr_sink_enter(s, 10, 0, &in_order, &err), err);
	assert_code(MREG_EIO, mr_sink_write_at(s, TEXT, 10, 0, &err), err);
	assert_code(MREG_EIO, mr_sink_commit(s, &err), err);
	assert_string_equal(err.msg, "cannot write 'raw'");
	end(&raw);
}

static void refuses_pieces_that_overlap_or_run_past(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	bool in_order;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	s = begin(&raw, TEXT, 10);
	assert_true(enter(s, 4, 0));
	assert_code(MREG_EINTERNAL, mr_sink_enter(s, 2, 3, &in_order, &err),
		    err);
	assert_code(MREG_EINTEGRITY, mr_sink_enter(s, 7, 4, &in_order, &err),
		    err);
	assert_has(err.msg, "past its 10 bytes");
	prove(s, 4, 0);
	assert_code(MREG_EINTERNAL, mr_sink_enter(s, 1, 2, &in_order, &err),
		    err);
	store(s, 4, 0, true);
	mr_sink_abort(s);
	end(&raw);
}

static void assert_hole(struct mr_sink *s, uint64_t from, uint64_t start,
			uint64_t past)
{
	struct mr_span hole;

	assert_true(mr_sink_hole(s, from, &hole));
	assert_int_equal(hole.start, start);
	assert_int_equal(hole.end, past);
}

static void goes_on_with_what_was_left(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_span none;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	assert_int_equal(mr_spans_add(&raw.left, 0, 3, &err), 0);
	assert_int_equal(mr_spans_add(&raw.left, 5, 8, &err), 0);
	memcpy(raw.data, TEXT, 10);
	s = begin(&raw, TEXT, 10);
	assert_int_equal(mr_sink_resumed(s), 6);
	assert_hole(s, 0, 3, 5);
	assert_hole(s, 5, 8, 10);
	assert_ok(mr_sink_catch_up(s, &err), err);
	assert_true(enter(s, 2, 3));
	assert_hole(s, 0, 8, 10);
	store(s, 2, 3, true);
	prove(s, 2, 3);
	assert_true(enter(s, 2, 8));
	assert_false(mr_sink_hole(s, 0, &none));
	prove(s, 2, 8);
	store(s, 2, 8, true);
	assert_ok(mr_sink_commit(s, &err), err);
	assert_int_equal(atomic_load(&raw.reads), 2);
	end(&raw);
}

static void what_was_left_has_to_be_right(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_sink *s;
	struct raw raw;

	(void)state;
	prepare(&raw, 10);
	assert_int_equal(mr_spans_add(&raw.left, 0, 10, &err), 0);
	memcpy(raw.data, "0123x56789", 10);
	s = begin(&raw, TEXT, 10);
	assert_ok(mr_sink_catch_up(s, &err), err);
	assert_code(MREG_EINTEGRITY, mr_sink_commit(s, &err), err);
	assert_int_equal(atomic_load(&raw.aborts), 1);
	assert_int_equal(atomic_load(&raw.keeps), 0);
	end(&raw);
}

/* Kept: what the network or the user is to blame for. */
static void what_is_kept_depends_on_why(void **state)
{
	static const struct {
		struct mreg_error why;
		bool kept;
	} rows[] = {
		{ { .code = MREG_ENETWORK }, true },
		{ { .code = MREG_EREMOTE }, true },
		{ { .code = MREG_ECANCELED }, true },
		{ { .code = MREG_EAUTH }, true },
		{ { .code = MREG_EDENIED }, true },
		{ { .code = MREG_ENOMEM }, true },
		{ { .code = MREG_ENOTFOUND }, true },
		{ { .code = MREG_EINTEGRITY }, true },
		{ { .code = MREG_EIO, .sys = ENOSPC }, true },
		{ { .code = MREG_EIO, .sys = EDQUOT }, true },
		{ { .code = MREG_EIO, .sys = EIO }, false },
		{ { .code = MREG_EINTERNAL }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		struct raw raw;

		prepare(&raw, 10);
		mr_sink_give_up(begin(&raw, TEXT, 10), &rows[i].why);
		assert_int_equal(atomic_load(&raw.keeps), rows[i].kept);
		assert_int_equal(atomic_load(&raw.aborts), !rows[i].kept);
		end(&raw);
	}
}

/* -- threads ----------------------------------------------------------------
 */

#define PIECES 300
#define PIECE 4096

/* A piece's way: entered in an order of the test's, then stored by some thread
 * and proven by one. */
struct shared {
	struct mr_sink *sink;
	const char *data;
	struct mr_lock lock;
	struct mr_signal entered;
	size_t order[PIECES];
	bool in_order[PIECES]; /* by position in `order` */
	size_t begun;          /* of `order` */
	size_t taken;          /* of those, by a writer */
};

static void enter_next(struct shared *sh)
{
	mr_lock_enter(&sh->lock);
	(void)mr_sink_enter(sh->sink, PIECE, sh->order[sh->begun] * PIECE,
			    &sh->in_order[sh->begun], NULL);
	sh->begun++;
	mr_signal_all(&sh->entered);
	mr_lock_leave(&sh->lock);
}

/* Position of the next piece to store; PIECES: no more. */
static size_t take_written(struct shared *sh)
{
	size_t i;

	mr_lock_enter(&sh->lock);
	while (sh->taken == sh->begun && sh->taken < PIECES)
		mr_signal_wait(&sh->entered, &sh->lock);
	i = sh->taken < PIECES ? sh->taken++ : PIECES;
	mr_lock_leave(&sh->lock);
	return i;
}

static int hash_in_order(struct shared *sh, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < PIECES && rc == 0; i++) {
		bool mine;

		mr_lock_enter(&sh->lock);
		while (sh->begun <= i)
			mr_signal_wait(&sh->entered, &sh->lock);
		mine = sh->in_order[i];
		mr_lock_leave(&sh->lock);
		rc = mine ? mr_sink_prove(sh->sink,
					  sh->data + sh->order[i] * PIECE,
					  PIECE, sh->order[i] * PIECE, err)
			  : mr_sink_catch_up(sh->sink, err);
	}
	return rc;
}

static int work(void *ctx, size_t index, struct mreg_error *err)
{
	struct shared *sh = ctx;
	size_t i;
	int rc = 0;

	if (index == 0) {
		while (sh->begun < PIECES)
			enter_next(sh);
		return 0;
	}
	if (index == 1)
		return hash_in_order(sh, err);
	while (rc == 0 && (i = take_written(sh)) < PIECES)
		rc = mr_sink_store(sh->sink, sh->data + sh->order[i] * PIECE,
				   PIECE, sh->order[i] * PIECE, sh->in_order[i],
				   err);
	return rc;
}

static void threads_share_the_work(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char *data = mr_alloc(PIECES * PIECE);
	uint32_t seed = 1;
	size_t round, i;

	(void)state;
	for (i = 0; i < PIECES * PIECE; i++)
		data[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
	for (round = 0; round < 20; round++) {
		struct shared sh = { .data = data };
		struct raw raw;

		for (i = 0; i < PIECES; i++)
			sh.order[i] = i;
		/* Some stretches change places, as ranges do. */
		for (i = 0; i + 20 < PIECES; i += 20) {
			size_t k;

			seed = seed * 1664525 + 1013904223;
			for (k = 0; k < 10 && (seed >> 8) % 20 < round; k++) {
				size_t t = sh.order[i + k];

				sh.order[i + k] = sh.order[i + k + 10];
				sh.order[i + k + 10] = t;
			}
		}
		mr_lock_init(&sh.lock);
		mr_signal_init(&sh.entered);
		prepare(&raw, PIECES * PIECE);
		sh.sink = begin(&raw, data, PIECES * PIECE);
		assert_ok(mr_task_run(NULL, 4, 4, work, &sh, &err), err);
		assert_ok(mr_sink_catch_up(sh.sink, &err), err);
		assert_ok(mr_sink_commit(sh.sink, &err), err);
		assert_memory_equal(raw.data, data, PIECES * PIECE);
		mr_signal_release(&sh.entered);
		mr_lock_release(&sh.lock);
		end(&raw);
	}
	mr_release(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_order_is_never_read_back),
		cmocka_unit_test(what_is_not_is_read_back_in_its_turn),
		cmocka_unit_test(hashed_but_not_written_is_a_hole),
		cmocka_unit_test(written_but_not_hashed_does_not_count),
		cmocka_unit_test(a_piece_that_failed_cannot_be_repeated),
		cmocka_unit_test(refuses_pieces_that_overlap_or_run_past),
		cmocka_unit_test(goes_on_with_what_was_left),
		cmocka_unit_test(what_was_left_has_to_be_right),
		cmocka_unit_test(what_is_kept_depends_on_why),
		cmocka_unit_test(threads_share_the_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
