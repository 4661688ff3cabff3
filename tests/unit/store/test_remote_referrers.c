/*
 * test_remote_referrers.c - the referrers API of a registry, with its quirks.
 * The fallback tag is in test_remote_fallback.c.
 */
#include "tests/support/referrers_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

/* -- the RF_API
 * ----------------------------------------------------------------
 */

static void reads_the_api_page_by_page(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mreg_desc subject, d[5];
	char text[32];
	size_t i;

	rf_with_api(x, (struct fakereg_opts){ .page = 2 });
	subject = rf_push(x, "model", NULL);
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "report %zu", i);
		d[i] = rf_push(x, text, &subject);
	}
	/* It said that it lists them: no tag, no question. */
	assert_int_equal(fakereg_count(x->f, "GET", RF_API), 0);
	assert_false(rf_has_tag(x, &subject));
	assert_int_equal(rf_list(x, &subject, NULL, &r), 5);
	assert_int_equal(fakereg_count(x->f, "GET", RF_API), 3);
	for (i = 0; i < 5; i++) {
		assert_string_equal(r.items[i].artifact_type, RF_TYPE);
		assert_int_equal(r.items[i].annotations.n, 1);
		assert_has(mr_annotation(&r.items[i].annotations,
					 "org.example.note"),
			   "report ");
	}
	mr_referrers_release(&r);
	assert_int_equal(rf_count(x, &d[0]), 0);
}

static void filters_there_and_here(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mreg_desc subject, a, b;
	struct fakereg_seen seen;
	int there;

	for (there = 0; there < 2; there++) {
		rf_with_api(x, (struct fakereg_opts){ .no_filters = !there });
		subject = rf_push(x, "model", NULL);
		a = rf_push(x, "report", &subject);
		assert_ok(rf_attach(x, "card", "application/vnd.card+json",
				    &subject, &b),
			  x->err);
		assert_int_equal(rf_list(x, &subject, RF_TYPE, &r), 1);
		assert_true(
			mreg_digest_equal(&r.items[0].desc.digest, &a.digest));
		assert_int_equal(
			rf_list(x, &subject, "application/vnd.card+json", &r),
			1);
		assert_true(
			mreg_digest_equal(&r.items[0].desc.digest, &b.digest));
		assert_true(fakereg_get(x->f, "GET", RF_API, 1, &seen));
		assert_has(seen.path,
			   "artifactType=application%2Fvnd.card%2Bjson");
		mr_referrers_release(&r);
	}
}

/* P-74: rc1 servers put the type into an annotation, and filtered by it. */
static void believes_a_filter_that_was_applied(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	const struct mreg_desc subject = fx_desc("model", 5);
	char body[512];

	snprintf(body, sizeof(body), RF_INDEX RF_ENTRY "]}", 1u);
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .path = RF_API,
					       .status = 200,
					       .type = MR_MEDIA_INDEX,
					       .body = body,
					       .set = "OCI-Filters-Applied",
					       .value = "artifactType" });
	assert_int_equal(rf_list(x, &subject, RF_TYPE, &r), 1);
	assert_string_equal(r.items[0].artifact_type, RF_TYPE);
	fakereg_clear(x->f);
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = RF_API,
						     .status = 200,
						     .type = MR_MEDIA_INDEX,
						     .body = body });
	assert_int_equal(rf_list(x, &subject, RF_TYPE, &r), 0);
	assert_int_equal(rf_list(x, &subject, NULL, &r), 1);
	mr_referrers_release(&r);
}

static void a_next_page_elsewhere_is_refused(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	const struct mreg_desc subject = fx_desc("model", 5);
	char body[512], link[256];

	snprintf(body, sizeof(body), RF_INDEX RF_ENTRY "]}", 1u);
	snprintf(link, sizeof(link), "<http://%s/v2/x>; rel=\"next\"",
		 fakereg_elsewhere(x->f));
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = RF_API,
						     .status = 200,
						     .type = MR_MEDIA_INDEX,
						     .body = body,
						     .set = "Link",
						     .value = link });
	assert_code(
		MREG_EREMOTE,
		mr_store_referrers(x->s, &subject.digest, NULL, &r, &x->err),
		x->err);
	assert_has(x->err.msg, "on another host");
	assert_has(x->err.msg, "cannot list what refers to 'sha256:");
	assert_null(r.arena);
}

static void pages_in_a_circle_are_an_error(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	const struct mreg_desc subject = fx_desc("model", 5);
	char body[512], link[300];
	int rounds;

	snprintf(body, sizeof(body), RF_INDEX RF_ENTRY "]}", 1u);
	for (rounds = 0; rounds < 2; rounds++) {
		/* The same page, and two that name each other. */
		fakereg_clear(x->f);
		snprintf(link, sizeof(link),
			 "</v2/" REPO "/referrers/%s?a>; rel=next",
			 fx_text(&subject));
		fakereg_fault(x->f, &(struct fakereg_fault){
					    .path = rounds ? "*[!a]" : RF_API,
					    .status = 200,
					    .type = MR_MEDIA_INDEX,
					    .body = body,
					    .set = "Link",
					    .value = link });
		snprintf(link, sizeof(link),
			 "</v2/" REPO "/referrers/%s?b>; rel=next",
			 fx_text(&subject));
		fakereg_fault(x->f,
			      &(struct fakereg_fault){ .path = RF_API,
						       .status = 200,
						       .type = MR_MEDIA_INDEX,
						       .body = body,
						       .set = "Link",
						       .value = link });
		assert_code(MREG_EREMOTE,
			    mr_store_referrers(x->s, &subject.digest, NULL, &r,
					       &x->err),
			    x->err);
		assert_has(x->err.msg, "sends the same page again");
		assert_true(fakereg_count(x->f, "GET", RF_API) < 10);
	}
}

static void trouble_is_no_answer(void **state)
{
	static const struct {
		int status;
		enum mreg_code code;
	} cases[] = {
		{ 403, MREG_EDENIED },
		{ 500, MREG_EREMOTE },
		{ 429, MREG_EREMOTE },
	};
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	const struct mreg_desc subject = fx_desc("model", 5);
	size_t i;

	for (i = 0; i < MR_COUNT(cases); i++) {
		fakereg_clear(x->f);
		fakereg_fault(x->f, &(struct fakereg_fault){
					    .path = RF_API,
					    .status = cases[i].status });
		assert_code(cases[i].code,
			    mr_store_referrers(x->s, &subject.digest, NULL, &r,
					       &x->err),
			    x->err);
		assert_has(x->err.msg, "cannot list what refers to");
	}
}

static void a_list_that_is_none_is_told(void **state)
{
	static const char *const bad[] = { "", "[]", "{\"schemaVersion\":2}",
					   "{\"schemaVersion\":2,\"manifests\":"
					   "[{\"digest\":\"x\"}]}" };
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	const struct mreg_desc subject = fx_desc("model", 5);
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		fakereg_clear(x->f);
		fakereg_fault(x->f,
			      &(struct fakereg_fault){ .path = RF_API,
						       .status = 200,
						       .type = MR_MEDIA_INDEX,
						       .body = bad[i] });
		assert_code(MREG_EFORMAT,
			    mr_store_referrers(x->s, &subject.digest, NULL, &r,
					       &x->err),
			    x->err);
		assert_has(x->err.msg, "cannot list what refers to");
	}
}

/* -- P-70 -------------------------------------------------------------------
 */

static void quay_needs_no_tag(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject;

	rf_with_api(x, (struct fakereg_opts){ .no_subject_header = true });
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	assert_false(rf_has_tag(x, &subject));
	assert_int_equal(x->t.sleeps, 0);
	assert_int_equal(rf_count(x, &subject), 1);
}

static void quay_gets_a_moment(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject;

	rf_with_api(x, (struct fakereg_opts){ .no_subject_header = true });
	subject = rf_push(x, "model", NULL);
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = RF_API,
						     .times = 2,
						     .status = 200,
						     .type = MR_MEDIA_INDEX,
						     .body = RF_INDEX "]}" });
	(void)rf_push(x, "report", &subject);
	assert_false(rf_has_tag(x, &subject));
	assert_int_equal(x->t.sleeps, 2);
	assert_int_equal(rf_count(x, &subject), 1);
}

static void who_never_lists_it_gets_the_tag(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject;

	subject = rf_push(x, "model", NULL);
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = RF_API,
						     .status = 200,
						     .type = MR_MEDIA_INDEX,
						     .body = RF_INDEX "]}" });
	(void)rf_push(x, "report", &subject);
	assert_true(rf_has_tag(x, &subject));
	assert_int_equal(rf_count(x, &subject), 1);
}

/* -- every maker's quirks -------------------------------------------------- */

static void every_profile_lists_what_is_attached(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a, b;
	struct fakereg_opts o;
	const char *name;
	size_t i;
	int rc;

	for (i = 0; (name = fakereg_profile_name(i)) != NULL; i++) {
		assert_true(fakereg_profile(name, &o));
		fx_restart(x, &o, o.username, o.password);
		subject = rf_push(x, "model", NULL);
		a = rf_push(x, "report", &subject);
		assert_int_equal(rf_count(x, &subject), 1);
		rc = rf_attach(x, "card", RF_TYPE, &subject, &b);
		/* No list can be kept where no tag can be written again. */
		if (o.immutable_tags && !o.immutable && !o.referrers) {
			assert_true(rc < 0);
			assert_true(x->err.hint[0]);
			continue;
		}
		assert_ok(rc, x->err);
		assert_int_equal(rf_count(x, &subject), 2);
		assert_int_equal(rf_count(x, &a), 0);
		/* P-70: a tag only where it is needed. */
		assert_int_equal(rf_has_tag(x, &subject), !o.referrers);
	}
	assert_true(i >= 15);
}

/* -- what is remembered -----------------------------------------------------
 */

/* The store again, with a state file behind it. */
struct memory {
	struct mr_store *own;
	struct mr_state *state;
	struct mr_net *net;
	char *dir;
};

static void memory_begin(struct fx *x, struct memory *m)
{
	struct mr_net_opts o = { .env = &x->t.env,
				 .user_agent = "mreg-test",
				 .plain_http = true };
	char path[512];

	m->dir = test_tmpdir_new();
	m->own = x->s;
	m->net = NULL;
	snprintf(path, sizeof(path), "%.400s/state.db", m->dir);
	m->state = o.state = mr_state_open(path, &x->t.env);
	assert_ok(mr_net_open(&o, &m->net, &x->err), x->err);
	assert_ok(mr_remote_open(&x->t.env, m->net, fakereg_host(x->f), REPO,
				 &x->s, &x->err),
		  x->err);
}

static void memory_end(struct fx *x, struct memory *m)
{
	mr_store_close(x->s);
	x->s = m->own;
	mr_net_close(m->net);
	mr_state_close(m->state);
	test_tmpdir_free(m->dir);
}

static void remembers_for_minutes_that_there_is_no_api(void **state)
{
	struct fx *x = *state;
	const struct mreg_desc subject = fx_desc("model", 5);
	struct memory m;

	memory_begin(x, &m);
	/* Before the repository is there nothing is learned. */
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = RF_API,
						     .times = 1,
						     .status = 404,
						     .code = "NAME_UNKNOWN" });
	assert_int_equal(rf_count(x, &subject), 0);
	assert_int_equal(rf_count(x, &subject), 0);
	assert_int_equal(fakereg_count(x->f, "GET", RF_API), 2);
	assert_int_equal(rf_count(x, &subject), 0);
	assert_int_equal(fakereg_count(x->f, "GET", RF_API), 2);
	x->t.now_ms += 301 * 1000;
	assert_int_equal(rf_count(x, &subject), 0);
	assert_int_equal(fakereg_count(x->f, "GET", RF_API), 3);
	memory_end(x, &m);
}

/* Older Quay, zot: else all that is attached to the next one is lost. */
static void an_absent_subject_is_no_lack_of_the_api(void **state)
{
	static const char *const codes[] = { NULL, "MANIFEST_UNKNOWN",
					     "BLOB_UNKNOWN" };
	const struct mreg_desc absent = fx_desc("absent", 6);
	struct fx *x = *state;
	struct mreg_desc subject;
	struct memory m;
	size_t i;

	for (i = 0; i < MR_COUNT(codes); i++) {
		rf_with_api(x,
			    (struct fakereg_opts){ .absent_404 = true,
						   .absent_code = codes[i] });
		subject = rf_push(x, "model", NULL);
		(void)rf_push(x, "report", &subject);
		memory_begin(x, &m);
		assert_int_equal(rf_count(x, &absent), 0);
		assert_int_equal(rf_count(x, &subject), 1);
		memory_end(x, &m);
	}
}

static void who_has_answered_as_one_has_the_api(void **state)
{
	const struct mreg_desc absent = fx_desc("absent", 6);
	struct fx *x = *state;
	struct mreg_desc subject;
	struct memory m;

	rf_with_api(x, (struct fakereg_opts){ .page = 0 });
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	memory_begin(x, &m);
	assert_int_equal(rf_count(x, &subject), 1);
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = RF_API,
						     .times = 1,
						     .status = 404,
						     .code = "NOT_FOUND" });
	assert_int_equal(rf_count(x, &absent), 0);
	assert_int_equal(rf_count(x, &subject), 1);
	memory_end(x, &m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(reads_the_api_page_by_page),
		FX(filters_there_and_here),
		FX(believes_a_filter_that_was_applied),
		FX(a_next_page_elsewhere_is_refused),
		FX(pages_in_a_circle_are_an_error),
		FX(trouble_is_no_answer),
		FX(a_list_that_is_none_is_told),
		FX(quay_needs_no_tag),
		FX(quay_gets_a_moment),
		FX(who_never_lists_it_gets_the_tag),
		FX(every_profile_lists_what_is_attached),
		FX(remembers_for_minutes_that_there_is_no_api),
		FX(an_absent_subject_is_no_lack_of_the_api),
		FX(who_has_answered_as_one_has_the_api),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}
