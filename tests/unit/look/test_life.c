/*
 * test_life.c - what the log says of one version: values given after the fact,
 * warnings, where it runs.
 */
#include "look/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/inspect.h"
#include "tests/support/test.h"

#define ONE 0
#define TWO 1

struct fixture {
	char *dir;
	struct test_env te;
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mr_history h;
	struct mreg_digest versions[2];
	struct mr_arena *a;
	struct mr_meta *meta;
	struct mr_standing now;
};

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
	assert_int_equal(setenv("MREG_ACTOR", "ada", 1), 0);
	test_env_init(&f->te);
	assert_ok(mr_memory_open(&f->te.env, &f->s, &err), err);
	f->s->label = mr_strdup("churn");
	assert_ok(mreg_open(&o, &f->m, &err), err);
	assert_ok(mr_digest_of("1", 1, &f->versions[ONE], &err), err);
	assert_ok(mr_digest_of("2", 1, &f->versions[TWO], &err), err);
	assert_ok(mr_result_arena(&f->a, &err), err);
	assert_ok(mr_meta_new(&f->meta, &err), err);
	assert_ok(mr_meta_set(f->meta, "description", "as pushed", &err), err);
	assert_ok(mr_meta_add(f->meta, "tags", "team=x", &err), err);
	assert_ok(mr_history_read(f->m, f->s, &f->h, &err), err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_standing_release(&f->now);
	mr_history_release(&f->h);
	mr_meta_free(f->meta);
	mr_arena_free(f->a);
	mreg_close(f->m);
	mr_store_close(f->s);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* Write an event about a version, NULL: about none, and fold. */
static void happens(struct fixture *f, enum mr_event_kind kind,
		    const struct mreg_digest *version,
		    const struct mr_event_field *fields, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event e = { .kind = kind,
			      .fields = fields,
			      .field_count = n };

	if (version)
		e.version = *version;
	assert_ok(mr_log_append(f->m, f->s, &f->h, &f->ref, &e, NULL, &err),
		  err);
	assert_ok(mr_history_read(f->m, f->s, &f->h, &err), err);
	mr_standing_release(&f->now);
	assert_ok(
		mr_ledger_standing(f->h.ledger, MR_STANDING_NOW, &f->now, &err),
		err);
}

static void set(struct fixture *f, const struct mreg_digest *version,
		const char *key, const char *value)
{
	struct mreg_pair pair = { key, value };
	struct mr_event_field field = { .key = "set",
					.items = &pair,
					.count = 1 };

	happens(f, MR_EVENT_METADATA_CHANGED, version, &field, 1);
}

static void fold(struct fixture *f, struct mr_edits *out)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_look_fold(&f->now, &f->versions[ONE], f->meta, f->a, out,
			       &err),
		  err);
}

static void what_was_given_later_counts(void **state)
{
	struct fixture *f = *state;
	struct mr_edits edits;

	set(f, &f->versions[ONE], "description", "better");
	set(f, &f->versions[ONE], "tags.team", "y");
	set(f, &f->versions[ONE], "tags.area", "eu");
	set(f, &f->versions[ONE], "owner", "risk");
	set(f, &f->versions[TWO], "description", "another's");
	set(f, NULL, "description", "the model's");
	fold(f, &edits);
	assert_string_equal(f->meta->description, "better");
	assert_int_equal(f->meta->tag_count, 2);
	assert_string_equal(f->meta->tags[0].name, "area");
	assert_string_equal(f->meta->tags[1].value, "y");
	assert_int_equal(edits.count, 4);
	assert_string_equal(edits.items[0].key, "description");
	assert_string_equal(edits.items[0].was, "as pushed");
	assert_string_equal(edits.items[1].key, "owner");
	assert_null(edits.items[1].was);
	assert_null(edits.items[2].was);
	assert_string_equal(edits.items[3].was, "x");
	assert_string_equal(edits.items[3].event->actor, "ada");
}

static void what_metadata_cannot_have_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct mr_edits edits;

	set(f, &f->versions[ONE], "description", "");
	set(f, &f->versions[ONE], "tags.a b", "x");
	set(f, &f->versions[ONE], "tags.ok", "\x1b[2J");
	set(f, &f->versions[ONE], "tags.team", "y");
	fold(f, &edits);
	assert_string_equal(f->meta->description, "as pushed");
	assert_int_equal(f->meta->tag_count, 1);
	assert_int_equal(edits.count, 1);
	assert_string_equal(edits.items[0].key, "tags.team");
}

static void of_what_nothing_was_said_nothing_changes(void **state)
{
	struct fixture *f = *state;
	struct mr_edits edits;

	set(f, &f->versions[TWO], "description", "another's");
	fold(f, &edits);
	assert_int_equal(edits.count, 0);
	assert_string_equal(f->meta->description, "as pushed");
	assert_null(mr_look_owner(&f->now, &f->versions[ONE]));
	assert_null(mr_look_deprecated(&f->now, &f->versions[ONE], f->a));
	assert_null(mr_look_archived(&f->now, &f->versions[ONE], f->a));
}

static void a_versions_owner_comes_before_the_models(void **state)
{
	struct fixture *f = *state;

	set(f, NULL, "owner", "risk");
	set(f, &f->versions[ONE], "owner", "growth");
	assert_string_equal(mr_look_owner(&f->now, &f->versions[ONE]),
			    "growth");
	assert_string_equal(mr_look_owner(&f->now, &f->versions[TWO]), "risk");
}

static const char *said(struct fixture *f, const char *until,
			const char *successor, const char *reason)
{
	struct mr_event_field fields[3];
	const struct mreg_deprecation *d;
	size_t n = 0;

	if (reason)
		fields[n++] = (struct mr_event_field){ .key = "reason",
						       .text = reason };
	if (successor)
		fields[n++] = (struct mr_event_field){ .key = "successor",
						       .text = successor };
	if (until)
		fields[n++] = (struct mr_event_field){ .key = "until",
						       .text = until };
	happens(f, MR_EVENT_DEPRECATED, &f->versions[ONE], fields, n);
	d = mr_look_deprecated(&f->now, &f->versions[ONE], f->a);
	assert_non_null(d);
	return d->says;
}

static void a_deprecation_is_said_in_words(void **state)
{
	struct fixture *f = *state;
	char digest[MREG_DIGEST_TEXT];
	char text[256];

	(void)mreg_digest_text(&f->versions[TWO], digest);
	assert_string_equal(said(f, NULL, NULL, NULL), "is deprecated");
	assert_string_equal(said(f, NULL, NULL, "old"), "is deprecated: old");
	assert_string_equal(said(f, "2027-01-31T23:59:59Z", NULL, NULL),
			    "is deprecated until 2027-01-31");
	(void)snprintf(text, sizeof(text),
		       "is deprecated until 2027-01-31T08:00:00Z, use %s: old",
		       digest);
	assert_string_equal(said(f, "2027-01-31T08:00:00Z", digest, "old"),
			    text);
}

static void places_and_open_incidents_are_told(void **state)
{
	static const struct mr_event_field prod[] = {
		{ .key = "environment", .text = "prod" },
		{ .key = "workload", .text = "scoring" },
	};
	static const struct mr_event_field eu[] = {
		{ .key = "environment", .text = "eu" },
	};
	static const struct mr_event_field trouble[] = {
		{ .key = "title", .text = "all wrong" },
	};
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_inspect_result out = { .name = "churn" };
	struct mr_look l = { .m = f->m, .s = f->s, .meta = f->meta };

	happens(f, MR_EVENT_DEPLOYED, &f->versions[ONE], prod, 2);
	happens(f, MR_EVENT_DEPLOYED, &f->versions[ONE], eu, 1);
	happens(f, MR_EVENT_DEPLOYED, &f->versions[TWO], eu, 1);
	happens(f, MR_EVENT_INCIDENT, &f->versions[ONE], trouble, 1);
	happens(f, MR_EVENT_INCIDENT, &f->versions[ONE], trouble, 1);
	happens(f, MR_EVENT_INCIDENT, &f->versions[TWO], trouble, 1);
	out.desc.digest = f->versions[ONE];
	assert_ok(mr_inspect_log(&l, f->a, &out, &err), err);
	assert_int_equal(out.place_count, 1);
	assert_string_equal(out.places[0].environment, "prod");
	assert_string_equal(out.places[0].workload, "scoring");
	assert_string_equal(out.places[0].actor, "ada");
	assert_int_equal(out.incidents, 2);
	/* No tag and no number: no version. */
	assert_null(out.stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_given_later_counts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_metadata_cannot_have_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			of_what_nothing_was_said_nothing_changes, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_versions_owner_comes_before_the_models, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_deprecation_is_said_in_words,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			places_and_open_incidents_are_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
