/*
 * test_life.c - what a policy says of a version's life: read, defaults, and
 * what becomes of it when documents are added.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "policy/policy.h"

#define HOUR_S 3600
#define DAY_S 86400

static struct mr_policy *parse(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy *p = NULL;

	assert_ok(mr_policy_parse(text, strlen(text), "p.yaml", &p, &err), err);
	return p;
}

/* `more` on top of `first`. */
static struct mr_policy *both(const char *first, const char *second)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *more = parse(second);
	struct mr_policy *p = parse(first);

	assert_ok(mr_policy_add(p, more, &err), err);
	return p;
}

static void assert_words(const struct mr_words *w, const char *want)
{
	char text[256] = "";
	size_t i;

	for (i = 0; i < w->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, w->items[i]);
	}
	assert_string_equal(text, want);
}

static void assert_defaults(const struct mr_life *l)
{
	assert_int_equal(l->stage_count, 2);
	assert_string_equal(l->stages[0], "staging");
	assert_string_equal(l->stages[1], "production");
	assert_int_equal(l->approval_hours, 48);
	assert_int_equal(l->retention_s, 90 * DAY_S);
	assert_int_equal(l->role_count, 0);
	assert_int_equal(l->watch_count, 0);
	assert_int_equal(l->archive.superseded_s, 0);
	assert_int_equal(l->archive.keep, 0);
	assert_int_equal(l->archive.older_s, 0);
	assert_false(l->hold_all);
	assert_int_equal(l->hold.n, 0);
	assert_int_equal(l->review_s, 0);
}

static void what_is_not_told_is_as_it_always_was(void **state)
{
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p = parse("policy: 1\nrequire: license\n");

	(void)state;
	assert_defaults(mr_policy_life(NULL));
	assert_defaults(mr_policy_life(p));
	assert_int_equal(mr_policy_count(p), 1);
}

static const char full[] =
	"policy: 1\n"
	"stages: [dev, canary, production]\n"
	"roles: {risk: [alice, bob], owner: carol}\n"
	"approvals: {hours: 24}\n"
	"observe: ['drift > 0.2 for 3 windows', 'auc < 0.7 in prod']\n"
	"retention: 52w\n"
	"archive: {superseded: 30d, keep: 5, older: 365d}\n"
	"hold: [v3, production]\n"
	"review: 180d\n";

static void reads_all_of_it(void **state)
{
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(full);
	const struct mr_life *l = mr_policy_life(p);

	(void)state;
	assert_int_equal(l->stage_count, 3);
	assert_string_equal(l->stages[1], "canary");
	assert_int_equal(l->approval_hours, 24);
	assert_int_equal(l->retention_s, 52 * 7 * DAY_S);
	assert_int_equal(l->archive.superseded_s, 30 * DAY_S);
	assert_int_equal(l->archive.keep, 5);
	assert_int_equal(l->archive.older_s, 365 * DAY_S);
	assert_words(&l->hold, "v3 production");
	assert_int_equal(l->review_s, 180 * DAY_S);
	assert_int_equal(l->watch_count, 2);
	assert_int_equal(l->watches[0].windows, 3);
	assert_string_equal(l->watches[1].environment, "prod");
	assert_words(&mr_life_party(l, "risk")->members, "alice bob");
	assert_null(mr_life_party(l, "ris"));
	assert_true(mr_party_has(mr_life_party(l, "owner"), "carol"));
	assert_false(mr_party_has(mr_life_party(l, "owner"), "Carol"));
}

static void says_each_setting(void **state)
{
	static const struct {
		const char *rule, *says;
	} want[] = {
		{ "stages", "dev, canary, production" },
		{ "roles.owner", "carol" },
		{ "roles.risk", "alice, bob" },
		{ "approvals.hours", "a request waits 24h for answers" },
		{ "observe", "drift > 0.2 for 3 windows" },
		{ "observe", "auc < 0.7 in prod" },
		{ "retention", "gc takes nothing that an alias had within "
			       "52w" },
		{ "archive.superseded",
		  "archived 30d after a higher version had its alias" },
		{ "archive.keep", "archived but for the last 5" },
		{ "archive.older", "archived 365d after it was registered" },
		{ "hold", "v3, production" },
		{ "review", "due 180d after the last" },
	};
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(full);
	size_t i;

	(void)state;
	assert_int_equal(mr_policy_count(p), MR_COUNT(want));
	for (i = 0; i < MR_COUNT(want); i++) {
		assert_string_equal(mr_policy_rule(p, i), want[i].rule);
		assert_string_equal(mr_policy_says(p, i), want[i].says);
	}
}

static void settings_are_asked_of_nothing(void **state)
{
	static const char facts[] = "{\"schema\":\"mreg.policy-facts/1\"}";
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(full);
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	MR_AUTO(mr_verdict_release) struct mr_verdict v = { .count = 0 };

	(void)state;
	assert_ok(mr_json_parse(facts, strlen(facts), 4096, "facts", &j, &err),
		  err);
	assert_ok(mr_policy_judge(p, "production", j, &v, &err), err);
	assert_int_equal(v.checked, 0);
	assert_int_equal(v.count, 0);
}

static void of_two_documents_the_stricter_counts(void **state)
{
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p = both(full, "policy: 1\n"
					 "approvals: {hours: 12}\n"
					 "observe: ['auc < 0.7 in prod', "
					 "'auc < 0.8']\n"
					 "retention: 100w\n"
					 "archive: {superseded: 1h, keep: 9}\n"
					 "hold: [production, v4]\n"
					 "review: 90d\n");
	const struct mr_life *l = mr_policy_life(p);

	(void)state;
	assert_int_equal(l->approval_hours, 12);
	assert_int_equal(l->watch_count, 3);
	assert_string_equal(l->watches[2].text, "auc < 0.8");
	assert_int_equal(l->retention_s, 700 * DAY_S);
	assert_int_equal(l->archive.superseded_s, 30 * DAY_S);
	assert_int_equal(l->archive.keep, 9);
	assert_int_equal(l->archive.older_s, 365 * DAY_S);
	assert_words(&l->hold, "v3 production v4");
	assert_false(l->hold_all);
	assert_int_equal(l->review_s, 90 * DAY_S);
}

static void what_is_added_loosens_nothing(void **state)
{
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p = both(full, "policy: 1\n"
					 "approvals: {hours: 99999}\n"
					 "retention: 1h\n"
					 "hold: false\n"
					 "review: 99999w\n"
					 "archive: {older: 1h}\n"
					 "stages: [production]\n");
	MR_AUTO(mr_policy_freep)
	struct mr_policy *none = both("policy: 1\n", "policy: 1\n"
						     "approvals: {hours: 72}\n"
						     "retention: 1d\n"
						     "stages: [a, b, c]\n");
	MR_AUTO(mr_policy_freep)
	struct mr_policy *held =
		both("policy: 1\nhold: true\n", "policy: 1\nhold: v1\n");
	const struct mr_life *l = mr_policy_life(p);

	(void)state;
	assert_int_equal(l->approval_hours, 24);
	assert_int_equal(l->retention_s, 52 * 7 * DAY_S);
	assert_words(&l->hold, "v3 production");
	assert_int_equal(l->review_s, 180 * DAY_S);
	assert_int_equal(l->archive.older_s, 365 * DAY_S);
	assert_int_equal(l->stage_count, 3);
	/* A default is in force where nothing is told. */
	assert_defaults(mr_policy_life(none));
	assert_true(mr_policy_life(held)->hold_all);
	assert_words(&mr_policy_life(held)->hold, "v1");
}

/* Else whoever adds a document could approve his own version. */
static void an_added_document_may_only_add_roles(void **state)
{
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p =
		both(full, "policy: 1\nroles: {risk: [mallory], audit: eve}\n");
	const struct mr_life *l = mr_policy_life(p);

	(void)state;
	assert_int_equal(l->role_count, 3);
	assert_words(&mr_life_party(l, "risk")->members, "alice bob");
	assert_words(&mr_life_party(l, "audit")->members, "eve");
}

static void refuses_settings_that_say_nothing(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "stages: []", "no list of texts" },
		{ "stages: [staging, v1]", "'v1' is no alias" },
		{ "stages: [staging, 'pro duction']", "is no alias" },
		{ "stages: [a, b, a]", "'a' is there twice" },
		{ "stages: {a: b}", "no list of texts" },
		{ "stages: latest", "'latest' is no alias" },
		{ "roles: [alice]", "'roles' is no map" },
		{ "roles: {risk: []}", "no list of texts" },
		{ "roles: {risk: }", "is no text" },
		{ "roles: {risk: [a, a]}", "'a' is there twice" },
		{ "roles: {'': a}", "a role has no name" },
		{ "roles: {risk: {a: b}}", "no list of texts" },
		{ "approvals: 48", "'approvals' is no map" },
		{ "approvals: {hours: 0}", "from 1 to 99999" },
		{ "approvals: {hours: -1}", "from 1 to 99999" },
		{ "approvals: {hours: 100000}", "from 1 to 99999" },
		{ "approvals: {hours: 48h}", "from 1 to 99999" },
		{ "approvals: {hour: 48}", "unknown key 'hour'" },
		{ "observe: []", "no list of texts" },
		{ "observe: drift", "'drift' is nothing to watch for" },
		{ "observe: ['a > 1', 'a > 1']", "'a > 1' is there twice" },
		{ "observe: 'auc < production'", "nothing to watch for" },
		{ "retention: 90", "'retention' is no length of time" },
		{ "retention: 0d", "no length of time" },
		{ "retention: -90d", "no length of time" },
		{ "retention: 999999d", "no length of time" },
		{ "archive: 30d", "'archive' is no map" },
		{ "archive: {superseded: 0h}", "no length of time" },
		{ "archive: {keep: 0}", "from 1 to 99999" },
		{ "archive: {keep: 5d}", "from 1 to 99999" },
		{ "archive: {older: 1y}", "no length of time" },
		{ "archive: {oldest: 1d}", "unknown key 'oldest'" },
		{ "hold: [v0]", "'v0' is no alias or version" },
		{ "hold: 1.2.0", "is no alias or version" },
		{ "hold: latest", "is no alias or version" },
		{ "hold: []", "no list of texts" },
		{ "hold: [v1, v1]", "twice" },
		{ "review: never", "'review' is no length of time" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		struct mreg_error err = MREG_ERROR_INIT;
		struct mr_policy *p = NULL;
		char text[128];

		(void)snprintf(text, sizeof(text), "policy: 1\n%s\n",
			       bad[i].text);
		assert_code(
			MREG_EFORMAT,
			mr_policy_parse(text, strlen(text), "p.yaml", &p, &err),
			err);
		assert_null(p);
		assert_has(err.msg, bad[i].says);
		assert_has(err.msg, "p.yaml', line 2");
	}
}

static void durations_are_hours_days_and_weeks(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {
		{ "1h", HOUR_S },
		{ "36h", 36 * HOUR_S },
		{ "2d", 2 * DAY_S },
		{ "99999w", INT64_C(99999) * 7 * DAY_S },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(good); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "policy: 1\nreview: %s\n",
			       good[i].text);
		{
			MR_AUTO(mr_policy_freep)
			struct mr_policy *p = parse(text);

			assert_int_equal(mr_policy_life(p)->review_s,
					 good[i].seconds);
		}
	}
}

/* A whole company, as far as a policy has room. */
static void a_role_may_have_thousands_of_members(void **state)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_POLICY_MAX_BYTES);
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_party *role;
	unsigned int i;

	(void)state;
	mr_buf_puts(&b, "policy: 1\nroles: {all: [");
	for (i = 0; i < 9000; i++)
		mr_buf_printf(&b, "%suser%u@example.com", i ? ", " : "", i);
	mr_buf_puts(&b, "]}\n");
	assert_ok(mr_policy_parse(mr_buf_text(&b), b.len, "p", &p, &err), err);
	role = mr_life_party(mr_policy_life(p), "all");
	assert_non_null(role);
	assert_int_equal(role->members.n, 9000);
	assert_true(mr_party_has(role, "user8999@example.com"));
	assert_has(mr_policy_says(p, 0), "user0@example.com, user1@");
	assert_true(mr_text_ends(mr_policy_says(p, 0), "user8999@example.com"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_told_is_as_it_always_was),
		cmocka_unit_test(reads_all_of_it),
		cmocka_unit_test(says_each_setting),
		cmocka_unit_test(settings_are_asked_of_nothing),
		cmocka_unit_test(of_two_documents_the_stricter_counts),
		cmocka_unit_test(what_is_added_loosens_nothing),
		cmocka_unit_test(an_added_document_may_only_add_roles),
		cmocka_unit_test(refuses_settings_that_say_nothing),
		cmocka_unit_test(a_role_may_have_thousands_of_members),
		cmocka_unit_test(durations_are_hours_days_and_weeks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
