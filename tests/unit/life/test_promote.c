/*
 * test_promote.c - what is written into the log while a promotion is judged,
 * and while its event is written.
 *
 * A clock that is asked for the time lets the other one write, as anybody may
 * at any time where there is no lock: in a registry.
 */
#include "mreg/promote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "mreg/record.h"
#include "tests/support/fakereg.h"
#include "tests/support/test.h"

#define NOW_S INT64_C(1800000000)
#define TRIES 24 /* which of two wins is even: no run of this many */

struct fixture;
typedef void meanwhile_fn(struct fixture *f);

struct fixture {
	char *dir;
	struct fakereg *registry;
	char name[64];
	struct mreg *m, *other, *third;
	struct mr_store *s; /* the other's */
	struct mreg_digest request;
	struct mreg_desc second; /* v2 */
	meanwhile_fn *meanwhile; /* called once, when asked for the time */
	const char *alias;       /* that the other moves */
	const char *said;        /* a part of the warning to look for */
	bool warned;
};

static int64_t clock_of(void *ctx)
{
	struct fixture *f = ctx;
	meanwhile_fn *now = f->meanwhile;

	f->meanwhile = NULL;
	if (now)
		now(f);
	return NOW_S;
}

static void take_log(void *ctx, enum mreg_log_level level, const char *text)
{
	struct fixture *f = ctx;

	if (level <= MREG_LOG_WARN && f->said && strstr(text, f->said))
		f->warned = true;
}

static struct mreg *open_as(const char *actor, struct fixture *ctx)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_opts o = MREG_OPTS_INIT;
	struct mreg *m;

	o.plain_http = true;
	o.actor = actor;
	o.ctx = ctx;
	o.log = ctx ? take_log : NULL;
	assert_ok(mreg_open(&o, &m, &err), err);
	m->env.now_s = ctx ? clock_of : NULL;
	return m;
}

static void push(struct fixture *f, const char *name)
{
	struct mreg_push_opts o = MREG_PUSH_OPTS_INIT;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_push_result r;
	char path[512];
	const char *paths[1] = { path };

	test_write_text(f->dir, name, name);
	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_ok(mreg_push(f->other, paths, 1, f->name, &o, &r, &err), err);
	mreg_push_result_release(&r);
}

static void give_policy(struct fixture *f, const char *text)
{
	struct mreg_policy_set_opts o = MREG_POLICY_SET_OPTS_INIT;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_policy_set_result r;
	char path[512];

	test_write_text(f->dir, "policy.yaml", text);
	(void)snprintf(path, sizeof(path), "%s/policy.yaml", f->dir);
	assert_ok(mreg_policy_set(f->other, f->name, path, &o, &r, &err), err);
	mreg_policy_set_result_release(&r);
}

static void make_linear(struct fixture *f)
{
	struct mreg_record_opts o = MREG_RECORD_OPTS_INIT;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_record_result r;

	o.linear = true;
	assert_ok(mreg_create(f->other, f->name, &o, &r, &err), err);
	mreg_record_result_release(&r);
}

static int begin(void **state, const struct fakereg_opts *registry)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = mr_zalloc(sizeof(*f));
	char path[512];
	struct mreg_ref ref;
	bool found;

	assert_non_null(f);
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/cache", f->dir);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_int_equal(setenv("HOME", f->dir, 1), 0);
	f->registry = fakereg_start(registry);
	assert_non_null(f->registry);
	(void)snprintf(f->name, sizeof(f->name), "%s/churn",
		       fakereg_host(f->registry));
	f->m = open_as("ada", f);
	f->other = open_as("bob", NULL);
	f->third = open_as("carol", NULL);
	if (registry)
		make_linear(f);
	push(f, "one");
	push(f, "two");
	assert_ok(mr_target(f->other, f->name, &ref, &f->s, &err), err);
	assert_ok(mr_tag_resolve(f->s, "v2", &f->second, &found, &err), err);
	assert_true(found);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return begin(state, NULL);
}

static int setup_linear(void **state)
{
	struct fakereg_opts o;

	assert_true(fakereg_profile("records", &o));
	return begin(state, &o);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_store_close(f->s);
	mreg_close(f->third);
	mreg_close(f->other);
	mreg_close(f->m);
	fakereg_stop(f->registry);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* -- the other ------------------------------------------------------------- */

/* By the log as it is, on top of all heads. */
static struct mreg_digest say(struct fixture *f, struct mreg *who,
			      enum mr_event_kind kind,
			      const struct mreg_digest *version,
			      struct mr_event_field *fields, size_t n)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = { .kind = kind,
			      .version = *version,
			      .fields = fields,
			      .field_count = n };
	struct mreg_digest d;
	struct mreg_ref ref;

	assert_ok(mr_target(who, f->name, &ref, &s, &err), err);
	assert_ok(mr_history_read(who, s, &h, &err), err);
	assert_ok(mr_log_append(who, s, &h, &ref, &e, &d, &err), err);
	return d;
}

static void ask_and_grant(struct fixture *f)
{
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field asked[] = {
		{ .key = "alias", .text = "production" },
		{ .key = "until", .text = "2099-01-31T00:00:00Z" },
	};
	struct mr_event_field granted[] = {
		{ .key = "alias", .text = "production" },
		{ .key = "request", .text = text },
	};

	f->request = say(f, f->other, MR_EVENT_APPROVAL_ASKED,
			 &f->second.digest, asked, MR_COUNT(asked));
	(void)mreg_digest_text(&f->request, text);
	(void)say(f, f->third, MR_EVENT_APPROVAL_GRANTED, &f->second.digest,
		  granted, MR_COUNT(granted));
}

static void refuse(struct fixture *f)
{
	char text[MREG_DIGEST_TEXT];
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = "production" },
		{ .key = "request",
		  .text = mreg_digest_text(&f->request, text) },
	};

	(void)say(f, f->third, MR_EVENT_APPROVAL_REFUSED, &f->second.digest,
		  fields, MR_COUNT(fields));
}

static void move_to_first(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = f->alias },
		{ .key = "by", .text = "promote" },
	};
	struct mreg_desc first;
	bool found;

	assert_ok(mr_tag_resolve(f->s, "v1", &first, &found, &err), err);
	(void)say(f, f->other, MR_EVENT_ALIAS_MOVED, &first.digest, fields,
		  MR_COUNT(fields));
}

static void tighten(struct fixture *f)
{
	give_policy(f, "policy: 1\nrequire: license\n"
		       "aliases: {production: {}}\n");
}

/* -- the one that promotes ------------------------------------------------- */

static int promote_number(struct fixture *f, unsigned int n, const char *alias,
			  struct mreg_promote_result *out,
			  struct mreg_error *err)
{
	struct mreg_promote_opts o = MREG_PROMOTE_OPTS_INIT;
	char ref[80];

	(void)snprintf(ref, sizeof(ref), "%s:v%u", f->name, n);
	return mreg_promote(f->m, ref, alias, &o, out, err);
}

static int promote(struct fixture *f, const char *alias,
		   struct mreg_promote_result *out, struct mreg_error *err)
{
	return promote_number(f, 2, alias, out, err);
}

static void what_is_refused_while_it_is_judged_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_promote_result r;
	bool found;
	struct mreg_desc d;

	give_policy(f, "policy: 1\naliases: {production: {approvals: 1}}\n");
	ask_and_grant(f);
	f->meanwhile = refuse;
	assert_code(MREG_EPOLICY, promote(f, "production", &r, &err), err);
	assert_has(err.cause, "it was refused by 'carol'");
	assert_null(f->meanwhile);
	assert_ok(mr_tag_resolve(f->s, "production", &d, &found, &err), err);
	assert_false(found);
}

static void what_is_not_refused_passes_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_promote_result r;

	give_policy(f, "policy: 1\naliases: {production: {approvals: 1}}\n");
	ask_and_grant(f);
	f->alias = "canary";
	f->meanwhile = move_to_first;
	assert_ok(promote(f, "production", &r, &err), err);
	assert_null(f->meanwhile);
	assert_true(r.move.changed);
	mreg_promote_result_release(&r);
}

static void an_alias_that_was_moved_meanwhile_is_judged_anew(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_promote_result r;

	/* The other one's tag is not moved yet. */
	give_policy(f, "policy: 1\naliases: {production: {current: known}}\n");
	f->alias = "production";
	f->meanwhile = move_to_first;
	assert_code(MREG_EPOLICY, promote(f, "production", &r, &err), err);
	assert_has(err.cause, "the last move of 'production' is not finished");
}

/* Gates that ask nothing of the log need no clock: it is the event that does.
 * Two events that did not know of each other: one of them counts, and whose it
 * is nobody chose.  Who wins is told of the other, who loses that it lost. */
static void who_moves_beside_another_is_told(void **state)
{
	struct fixture *f = *state;
	unsigned int won = 0;
	unsigned int lost = 0;
	unsigned int i;

	give_policy(f, "policy: 1\n"
		       "aliases: {a0: {}, a1: {}, a2: {}, a3: {}, a4: {}, "
		       "a5: {}, a6: {}, a7: {}, a8: {}, a9: {}, b0: {}, "
		       "b1: {}, b2: {}, b3: {}, b4: {}, b5: {}, b6: {}, "
		       "b7: {}, b8: {}, b9: {}, c0: {}, c1: {}, c2: {}, "
		       "c3: {}}\n");
	f->said = "was moved by 'bob' at the same moment";
	for (i = 0; i < TRIES && (!won || !lost); i++) {
		struct mreg_error err = MREG_ERROR_INIT;
		struct mreg_promote_result r;
		char alias[3] = { (char)('a' + i / 10), (char)('0' + i % 10),
				  '\0' };
		int rc;

		f->alias = alias;
		f->warned = false;
		f->meanwhile = move_to_first;
		rc = promote(f, alias, &r, &err);
		assert_null(f->meanwhile);
		if (rc >= 0) {
			won++;
			assert_true(f->warned);
			mreg_promote_result_release(&r);
		} else {
			lost++;
			assert_code(MREG_ECONFLICT, rc, err);
			assert_false(f->warned);
		}
	}
	assert_true(won && lost);
}

/* The other is first with its event, and so it is known of. */
static void in_a_linear_log_nothing_is_passed_by(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_promote_result r;
	struct mreg_desc d;
	bool found;

	give_policy(f, "policy: 1\naliases: {production: {}}\n");
	f->meanwhile = tighten;
	assert_code(MREG_EPOLICY, promote(f, "production", &r, &err), err);
	assert_null(f->meanwhile);
	assert_has(err.cause, "require.license");
	assert_ok(mr_tag_resolve(f->s, "production", &d, &found, &err), err);
	assert_false(found);
}

static void in_a_linear_log_other_news_is_no_obstacle(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_promote_result r;

	give_policy(f, "policy: 1\naliases: {production: {}}\n");
	f->alias = "canary";
	f->meanwhile = move_to_first;
	assert_ok(promote(f, "production", &r, &err), err);
	assert_null(f->meanwhile);
	assert_true(r.move.changed);
	mreg_promote_result_release(&r);
	/* What it was judged against is gone. */
	f->alias = "production";
	push(f, "three");
	f->meanwhile = move_to_first;
	assert_code(MREG_ECONFLICT,
		    promote_number(f, 3, "production", &r, &err), err);
	assert_has(err.msg, "moved by someone else");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_refused_while_it_is_judged_is_refused, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_refused_passes_all_the_same, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			an_alias_that_was_moved_meanwhile_is_judged_anew, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			who_moves_beside_another_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			in_a_linear_log_nothing_is_passed_by, setup_linear,
			teardown),
		cmocka_unit_test_setup_teardown(
			in_a_linear_log_other_news_is_no_obstacle, setup_linear,
			teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
