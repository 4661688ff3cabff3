/*
 * test_move.c - aliases moved by one and by many at once, on a store that has
 * no lock; by writers who died; by others behind our back.
 */
#include "history/history.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/test.h"
#include "tests/support/version_fixture.h"

#define WRITERS 8
#define MOVES 10
#define VERSIONS 4

struct fixture;

struct writer {
	struct fixture *f;
	struct mreg *m;
	unsigned int index;
	struct mreg_digest events[MOVES]; /* acknowledged */
	unsigned int acknowledged;
	int rc;
	struct mreg_error err;
};

struct fixture {
	char *dir;
	struct test_env te;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mreg_desc versions[VERSIONS];
	struct writer writers[WRITERS];
	struct mr_history h;
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_opts o = MREG_OPTS_INIT;
	struct fixture *f = mr_zalloc(sizeof(*f));
	char path[512];
	unsigned int i;

	assert_non_null(f);
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/cache", f->dir);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_int_equal(setenv("HOME", f->dir, 1), 0);
	assert_int_equal(setenv("MREG_ACTOR", "ada", 1), 0);
	test_env_init(&f->te);
	assert_ok(mr_memory_open(&f->te.env, &f->s, &err), err);
	f->s->label = mr_strdup("churn");
	for (i = 0; i < VERSIONS; i++)
		f->versions[i] = version_put(f->s, i, NULL);
	for (i = 0; i < WRITERS; i++) {
		f->writers[i].f = f;
		f->writers[i].index = i;
		assert_ok(mreg_open(&o, &f->writers[i].m, &err), err);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	mr_history_release(&f->h);
	for (i = 0; i < WRITERS; i++)
		mreg_close(f->writers[i].m);
	mr_store_close(f->s);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* `version` VERSIONS: the alias is removed. */
static int move_by(struct writer *w, struct mr_history *h, const char *alias,
		   unsigned int version, const char *by, const char *expect,
		   struct mr_moved *out)
{
	struct mr_move mv = { .alias = alias, .by = by, .expect = expect };

	if (version < VERSIONS)
		mv.to = w->f->versions[version];
	w->err = (struct mreg_error)MREG_ERROR_INIT;
	return mr_alias_move(w->m, w->f->s, h, &w->f->ref, &mv, out, &w->err);
}

static struct mr_moved move(struct fixture *f, const char *alias,
			    unsigned int version, const char *by)
{
	struct mr_moved out;

	assert_ok(
		move_by(&f->writers[0], &f->h, alias, version, by, NULL, &out),
		f->writers[0].err);
	return out;
}

static void tag_has(struct fixture *f, const char *tag, unsigned int version)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d;
	bool found;

	assert_ok(mr_tag_resolve(f->s, tag, &d, &found, &err), err);
	assert_int_equal(found, version < VERSIONS);
	if (found)
		assert_true(mreg_digest_equal(&d.digest,
					      &f->versions[version].digest));
}

static void set_tag(struct fixture *f, const char *tag, unsigned int version)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_tag_set(f->s, tag, &f->versions[version], NULL, &err),
		  err);
}

static struct mr_alias_state look(struct fixture *f, const char *alias)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_alias_state st;

	assert_ok(mr_history_read(f->writers[0].m, f->s, &f->h, &err), err);
	assert_ok(mr_alias_look(f->s, &f->h, alias, &st, &err), err);
	return st;
}

/* -- one writer ------------------------------------------------------------ */

static void a_move_is_an_event_and_then_a_tag(void **state)
{
	struct fixture *f = *state;
	struct mr_moved m = move(f, "production", 0, "set");
	struct mr_alias_state st = look(f, "production");

	assert_int_equal(m.was.algorithm, MREG_DIGEST_NONE);
	assert_true(mreg_digest_equal(&st.move->digest, &m.event));
	assert_string_equal(mr_event_text(st.move, "by"), "set");
	assert_int_equal(st.agree, MR_ALIAS_AGREES);
	tag_has(f, "production", 0);
	m = move(f, "production", 1, "promote");
	assert_true(mreg_digest_equal(&m.was, &f->versions[0].digest));
	assert_true(mreg_digest_equal(&m.now, &f->versions[1].digest));
	assert_int_equal(mr_ledger_count(f->h.ledger), 2);
	tag_has(f, "production", 1);
}

static void what_is_so_already_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct mr_moved m;

	(void)move(f, "production", 0, "set");
	m = move(f, "production", 0, "set");
	assert_int_equal(m.event.algorithm, MREG_DIGEST_NONE);
	assert_int_equal(mr_ledger_count(f->h.ledger), 1);
}

static void a_removed_alias_is_gone_and_remembered(void **state)
{
	struct fixture *f = *state;
	struct mr_alias_state st;

	(void)move(f, "production", 0, "set");
	(void)move(f, "production", VERSIONS, "remove");
	tag_has(f, "production", VERSIONS);
	st = look(f, "production");
	assert_int_equal(st.agree, MR_ALIAS_AGREES);
	assert_true(mreg_digest_equal(&st.move->was, &f->versions[0].digest));
}

static void expect_is_looked_at_before(void **state)
{
	struct fixture *f = *state;
	struct writer *w = &f->writers[0];
	char text[MREG_DIGEST_TEXT];
	struct mr_moved out;

	(void)move(f, "production", 0, "set");
	assert_code(MREG_ECONFLICT,
		    move_by(w, &f->h, "production", 1, "set", "none", &out),
		    w->err);
	assert_has(w->err.msg, "is not what was expected");
	tag_has(f, "production", 0);
	assert_int_equal(mr_ledger_count(f->h.ledger), 1);
	(void)mreg_digest_text(&f->versions[0].digest, text);
	assert_ok(move_by(w, &f->h, "production", 1, "set", text, &out),
		  w->err);
	tag_has(f, "production", 1);
}

static void what_is_out_of_sight_gets_no_alias_but_by_a_copy(void **state)
{
	struct fixture *f = *state;
	struct writer *w = &f->writers[0];
	struct mr_event e = { .kind = MR_EVENT_ARCHIVED,
			      .version = f->versions[1].digest };
	struct mr_move mv = { .alias = "production",
			      .by = "copy",
			      .to = f->versions[1],
			      .archived = true };
	struct mr_moved out;

	(void)move(f, "production", 0, "set");
	assert_ok(mr_log_append(w->m, f->s, &f->h, &f->ref, &e, NULL, &w->err),
		  w->err);
	assert_code(MREG_ECONFLICT,
		    move_by(w, &f->h, "production", 1, "set", NULL, &out),
		    w->err);
	assert_has(w->err.msg, "is archived");
	tag_has(f, "production", 0);
	assert_int_equal(mr_ledger_count(f->h.ledger), 2);
	assert_ok(mr_alias_move(w->m, f->s, &f->h, &f->ref, &mv, &out, &w->err),
		  w->err);
	tag_has(f, "production", 1);
}

static void a_tag_without_event_is_taken_in_by_its_first_move(void **state)
{
	struct fixture *f = *state;
	struct mr_moved m;

	set_tag(f, "production", 2);
	assert_int_equal(look(f, "production").agree, MR_ALIAS_UNRECORDED);
	m = move(f, "production", 2, "set");
	assert_int_not_equal(m.event.algorithm, MREG_DIGEST_NONE);
	assert_int_equal(look(f, "production").agree, MR_ALIAS_AGREES);
}

/* -- writers who died, and others ------------------------------------------ */

/* An event without its tag. */
static void leave_event(struct fixture *f, const char *alias,
			unsigned int version, struct mr_history *h)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_field fields[] = { { .key = "alias", .text = alias },
					   { .key = "by", .text = "set" } };
	struct mr_event e = { .kind = MR_EVENT_ALIAS_MOVED,
			      .version = f->versions[version].digest,
			      .fields = fields,
			      .field_count = 2 };

	assert_ok(mr_log_append(f->writers[0].m, f->s, h, &f->ref, &e, NULL,
				&err),
		  err);
}

static void an_unfinished_move_is_completed(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	bool changed;

	(void)move(f, "production", 0, "set");
	leave_event(f, "production", 1, &f->h);
	assert_int_equal(look(f, "production").agree, MR_ALIAS_UNFINISHED);
	tag_has(f, "production", 0);
	assert_ok(mr_alias_repair(f->writers[0].m, f->s, &f->h, "production",
				  &changed, &err),
		  err);
	assert_true(changed);
	tag_has(f, "production", 1);
	assert_ok(mr_alias_repair(f->writers[0].m, f->s, &f->h, "production",
				  &changed, &err),
		  err);
	assert_false(changed);
}

static void the_same_command_again_completes_it_too(void **state)
{
	struct fixture *f = *state;
	struct mr_moved m;

	(void)move(f, "production", 0, "set");
	leave_event(f, "production", 1, &f->h);
	(void)look(f, "production");
	m = move(f, "production", 1, "set");
	assert_int_equal(m.event.algorithm, MREG_DIGEST_NONE);
	tag_has(f, "production", 1);
	assert_int_equal(mr_ledger_count(f->h.ledger), 2);
}

static void a_tag_moved_by_others_is_foreign(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_alias_state st;

	(void)move(f, "production", 0, "set");
	(void)move(f, "production", 1, "set");
	(void)move(f, "production", 2, "set");
	set_tag(f, "production", 3);
	st = look(f, "production");
	assert_int_equal(st.agree, MR_ALIAS_FOREIGN);
	assert_ok(mr_alias_adopt(f->writers[0].m, f->s, &f->h, &f->ref,
				 "production", &st, &err),
		  err);
	st = look(f, "production");
	assert_int_equal(st.agree, MR_ALIAS_AGREES);
	assert_int_equal(st.move->kind, MR_EVENT_TAG_ADOPTED);
	assert_true(mreg_digest_equal(&st.move->was, &f->versions[2].digest));
	/* Where it was long ago is no move that somebody left half done. */
	set_tag(f, "production", 0);
	assert_int_equal(look(f, "production").agree, MR_ALIAS_FOREIGN);
	set_tag(f, "production", 2);
	assert_int_equal(look(f, "production").agree, MR_ALIAS_UNFINISHED);
}

/* Two events that did not know of each other; the tag has the one that lost. */
static void a_tag_that_has_what_lost_is_unfinished(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history old = { .found = false };
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	struct mr_alias_state st;
	unsigned int lost;

	(void)move(f, "production", 0, "set");
	assert_ok(mr_history_read(f->writers[0].m, f->s, &old, &err), err);
	leave_event(f, "production", 1, &f->h);
	leave_event(f, "production", 2, &old);
	st = look(f, "production");
	lost = mreg_digest_equal(&st.fold, &f->versions[1].digest) ? 2 : 1;
	set_tag(f, "production", lost);
	assert_int_equal(look(f, "production").agree, MR_ALIAS_UNFINISHED);
}

static void siblings_move_with_their_tag(void **state)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct fixture *f = *state;
	struct writer *w = &f->writers[0];
	struct mr_claim claim;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
		char text[MREG_DIGEST_TEXT];
		bool found;

		(void)mreg_digest_text(&f->versions[i].digest, text);
		assert_ok(mr_store_get(f->s, text, &doc, &found, &w->err),
			  w->err);
		assert_ok(mr_log_claim(w->m, f->s, &h, &f->ref, &f->versions[i],
				       doc.bytes.data, NULL, &claim, &w->err),
			  w->err);
	}
	set_tag(f, "v1-image", 2);
	set_tag(f, "production-docker", 3);
	(void)move(f, "production", 0, "set");
	tag_has(f, "production-image", 2);
	tag_has(f, "production-docker", VERSIONS);
	(void)move(f, "production", 1, "set");
	tag_has(f, "production-image", VERSIONS);
}

/* -- many at once ---------------------------------------------------------- */

static void *keep_moving(void *arg)
{
	struct writer *w = arg;
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	unsigned int i;

	for (i = 0; i < MOVES && w->rc >= 0; i++) {
		struct mr_moved out;

		w->rc = move_by(w, &h, "production", (w->index + i) % VERSIONS,
				"set", NULL, &out);
		if (w->rc >= 0 && mr_digest_known(&out.event))
			w->events[w->acknowledged++] = out.event;
	}
	return NULL;
}

static bool is_in_log(struct fixture *f, const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; i < mr_ledger_count(f->h.ledger); i++)
		if (mreg_digest_equal(&mr_ledger_event(f->h.ledger, i)->digest,
				      d))
			return true;
	return false;
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mreg_digest));
}

/* Two who write the same on the same heads in one second write one event. */
static size_t distinct(struct fixture *f)
{
	struct mreg_digest all[WRITERS * MOVES];
	size_t n = 0;
	size_t events = 0;
	size_t i;
	unsigned int k;

	memset(all, 0, sizeof(all));
	for (i = 0; i < WRITERS; i++)
		for (k = 0; k < f->writers[i].acknowledged; k++)
			all[n++] = f->writers[i].events[k];
	qsort(all, n, sizeof(*all), compare_digests);
	for (i = 0; i < n; i++)
		events += i == 0 || !mreg_digest_equal(&all[i - 1], &all[i]);
	return events;
}

static void many_at_once_lose_no_move_and_agree(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[WRITERS];
	struct mr_alias_state st;
	unsigned int acknowledged = 0;
	unsigned int i, k;

	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_moving,
						&f->writers[i]),
				 0);
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	st = look(f, "production");
	assert_int_equal(st.agree, MR_ALIAS_AGREES);
	for (i = 0; i < WRITERS; i++) {
		struct writer *w = &f->writers[i];

		assert_ok(w->rc, w->err);
		acknowledged += w->acknowledged;
		for (k = 0; k < w->acknowledged; k++)
			assert_true(is_in_log(f, &w->events[k]));
	}
	assert_true(acknowledged >= WRITERS);
	assert_true(mr_ledger_count(f->h.ledger) >= distinct(f));
	assert_int_equal(mr_ledger_flaws(f->h.ledger), 0);
}

#define MOVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVE(a_move_is_an_event_and_then_a_tag),
		MOVE(what_is_so_already_writes_nothing),
		MOVE(a_removed_alias_is_gone_and_remembered),
		MOVE(expect_is_looked_at_before),
		MOVE(what_is_out_of_sight_gets_no_alias_but_by_a_copy),
		MOVE(a_tag_without_event_is_taken_in_by_its_first_move),
		MOVE(an_unfinished_move_is_completed),
		MOVE(the_same_command_again_completes_it_too),
		MOVE(a_tag_moved_by_others_is_foreign),
		MOVE(a_tag_that_has_what_lost_is_unfinished),
		MOVE(siblings_move_with_their_tag),
		MOVE(many_at_once_lose_no_move_and_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
