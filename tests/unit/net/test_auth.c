/*
 * tests/unit/net/test_auth.c - challenges answered: tokens got, kept and
 * renewed, and Basic credentials.
 */
#include "tests/support/auth_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/task.h"

static void gets_a_token_and_keeps_it(void **state)
{
	struct ax *f = *state;

	assert_int_equal(200, ax_get(f, "/v2/a", "repository:a:pull"));
	assert_int_equal(200, ax_get(f, "/v2/a", "repository:a:pull"));
	assert_int_equal(3, httpd_count(f->registry));
	assert_int_equal(1, httpd_count(f->tokens));
	assert_string_equal("", ax_sent(f->registry, 0));
	assert_string_equal("Bearer t1", ax_sent(f->registry, 2));
	assert_string_equal("/token?service=a%20b&scope=repository%3Aa%3Apull",
			    httpd_seen(f->tokens, 0)->target);
	assert_string_equal("", ax_sent(f->tokens, 0));
	assert_has_not(f->t.log, "t1");
}

static void another_scope_asks_for_its_own_at_once(void **state)
{
	struct ax *f = *state;

	assert_int_equal(200, ax_get(f, "/", "repository:a:pull"));
	assert_int_equal(200, ax_get(f, "/",
				     "repository:b:pull,push "
				     "repository:a:pull"));
	assert_int_equal(3, httpd_count(f->registry)); /* no second 401 */
	assert_string_equal("/token?service=a%20b&"
			    "scope=repository%3Ab%3Apull%2Cpush&"
			    "scope=repository%3Aa%3Apull",
			    httpd_seen(f->tokens, 1)->target);
}

static void uses_the_challenges_scope_when_there_is_none(void **state)
{
	struct ax *f = *state;

	ax_bearer(f, ",scope=\"registry:catalog:*\"");
	assert_int_equal(200, ax_get(f, "/v2/_catalog", NULL));
	assert_has(httpd_seen(f->tokens, 0)->target,
		   "scope=registry%3Acatalog%3A%2A");
}

static void renews_a_token_before_it_ends(void **state)
{
	struct ax *f = *state;

	assert_int_equal(200, ax_get(f, "/", "s"));
	f->t.now_ms += 239000;
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_int_equal(1, httpd_count(f->tokens));
	f->t.now_ms += 2000;
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->tokens));
}

static void a_token_that_turned_stale_is_renewed(void **state)
{
	struct ax *f = *state;

	assert_int_equal(200, ax_get(f, "/", "s"));
	strcpy(f->answer, "{\"token\":\"t2\"}");
	strcpy(f->good, "Bearer t2");
	/* Harbor offers only Basic to a token that has ended. */
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"harbor\"\r\n");
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->tokens));
}

static void a_fresh_token_refused_ends_it(void **state)
{
	struct ax *f = *state;

	strcpy(f->good, "Bearer never");
	assert_int_equal(401, ax_get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->registry));
	assert_int_equal(1, httpd_count(f->tokens));
	assert_int_equal(MREG_EAUTH, f->err.code);
	assert_has(f->err.msg, "wants credentials");
	assert_has(f->err.hint, "mreg login 127.0.0.1:");
}

static void what_another_scope_had_to_show_is_not_the_last_word(void **state)
{
	struct ax *f = *state;

	assert_int_equal(200, ax_get(f, "/", "repository:a:pull"));
	strcpy(f->answer, "{\"token\":\"t2\"}");
	strcpy(f->good, "Bearer t3");
	assert_int_equal(401, ax_get(f, "/", "repository:b:pull"));
	/* Shown at once, and once more after it was asked for; no third. */
	assert_int_equal(4, httpd_count(f->registry));
	assert_int_equal(3, httpd_count(f->tokens));
	assert_int_equal(401, ax_get(f, "/", "repository:b:pull"));
	assert_int_equal(5, httpd_count(f->registry));
}

static void asks_for_the_scope_that_is_missing(void **state)
{
	struct ax *f = *state;

	ax_bearer(f,
		  ",error=\"insufficient_scope\",scope=\"repository:x:pull\"");
	strcpy(f->good, "Bearer never");
	assert_int_equal(401, ax_get(f, "/", "repository:a:pull"));
	assert_int_equal(3, httpd_count(f->registry));
	assert_string_equal("/token?service=a%20b&scope=repository%3Ax%3Apull&"
			    "scope=repository%3Aa%3Apull",
			    httpd_seen(f->tokens, 1)->target);
}

struct crowd {
	struct ax *f;
	char url[128];
};

static int one_of_many(void *ctx, size_t index, struct mreg_error *err)
{
	struct crowd *w = ctx;
	struct mr_request rq = { .method = "GET",
				 .origin = w->f->origin,
				 .scope = "repository:a:pull",
				 .url = w->url };
	struct mr_response *r;
	int rc;

	(void)index;
	rc = mr_net_send(w->f->net, &rq, &r, err);
	if (rc < 0)
		return rc;
	rc = r->status == 200 ? 0 : -1;
	mr_response_free(r);
	return rc;
}

static void many_threads_ask_for_one_token(void **state)
{
	struct ax *f = *state;
	struct crowd w = { .f = f };

	httpd_url(f->registry, "/v2/", w.url, sizeof(w.url));
	assert_ok(mr_task_run(&f->t.env, 8, 100, one_of_many, &w, &f->err),
		  f->err);
	assert_int_equal(1, httpd_count(f->tokens));
	assert_true(httpd_count(f->registry) <= 108);
	assert_true(httpd_connections(f->registry) <= 8);
}

static void basic_is_sent_at_once_after_the_first_time(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, BASIC_MIA);
	assert_int_equal(200, ax_get(f, "/", "repository:a:pull"));
	assert_int_equal(200, ax_get(f, "/", "repository:b:pull"));
	assert_int_equal(3, httpd_count(f->registry));
}

static void a_wrong_basic_password_is_sent_once(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, "Basic other");
	assert_int_equal(401, ax_get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->registry));
	assert_has(f->err.msg, "refused the credentials of 'mia'");
}

static void without_credentials_a_401_is_the_answer(void **state)
{
	struct ax *f = *state;

	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	assert_int_equal(401, ax_get(f, "/", "s"));
	assert_int_equal(1, httpd_count(f->registry));
	strcpy(f->challenge, "");
	assert_int_equal(401, ax_get(f, "/", "s"));
	strcpy(f->challenge, "WWW-Authenticate: Negotiate\r\n");
	assert_int_equal(401, ax_get(f, "/", "s"));
}

static void bearer_is_preferred_over_basic(void **state)
{
	struct ax *f = *state;
	char both[1024];

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	(void)snprintf(both, sizeof(both), "WWW-Authenticate: Basic\r\n%s",
		       f->challenge);
	strcpy(f->challenge, both);
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_string_equal("Bearer t1", ax_sent(f->registry, 1));
}

static void a_changed_password_is_read_again(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"b2xkOm9sZA==\"}");
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, "Basic b2xkOm9sZA==");
	assert_int_equal(200, ax_get(f, "/", "s"));
	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	strcpy(f->good, BASIC_MIA);
	assert_int_equal(200, ax_get(f, "/", "s"));
}

static int put(struct ax *f, const char *scope, const char *body)
{
	struct mr_request rq = { .method = "PUT",
				 .origin = f->origin,
				 .scope = scope,
				 .body = body,
				 .body_len = strlen(body) };
	struct mr_response *r;
	int rc;

	httpd_url(f->registry, "/v2/up", f->url, sizeof(f->url));
	rq.url = f->url;
	rc = mr_net_send(f->net, &rq, &r, &f->err);
	if (rc < 0)
		return rc;
	rc = r->status;
	mr_response_free(r);
	return rc;
}

/* the PUT that ends an upload must not fail for a token's last second;
 * nor is every small one worth a token. */
static void an_upload_gets_a_token_that_lasts(void **state)
{
	static const struct {
		int life_s, good_s; /* for so long an upload uses it */
	} cases[] = { { 60, 12 }, { 90, 30 }, { 300, 240 }, { 3600, 2880 } };
	struct ax *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(cases); i++) {
		size_t before = httpd_count(f->tokens);

		(void)snprintf(f->answer, sizeof(f->answer),
			       "{\"token\":\"t1\",\"expires_in\":%d}",
			       cases[i].life_s);
		ax_open_net(f);
		assert_int_equal(200, ax_get(f, "/", "s"));
		f->t.now_ms += cases[i].good_s * 1000 - 500;
		assert_int_equal(200, put(f, "s", ""));
		assert_int_equal(before + 1, httpd_count(f->tokens));
		f->t.now_ms += 1000;
		if (cases[i].life_s < 120)
			assert_int_equal(200, ax_get(f, "/", "s"));
		assert_int_equal(before + 1, httpd_count(f->tokens));
		assert_int_equal(200, put(f, "s", ""));
		assert_int_equal(before + 2, httpd_count(f->tokens));
		assert_int_equal(200, put(f, "s", "x"));
		assert_int_equal(before + 2, httpd_count(f->tokens));
	}
}

/* Logged in, but not allowed: another password would not help. */
static void too_little_is_denied_and_not_a_wrong_password(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, LOGIN_MIA);
	ax_bearer(f, ",scope=\"repository:a:push\","
		     "error=\"insufficient_scope\"");
	strcpy(f->good, "Bearer never");
	assert_int_equal(401, ax_get(f, "/", "repository:a:push"));
	assert_int_equal(MREG_EDENIED, f->err.code);
	assert_has(f->err.msg, "denies it to 'mia'");
	/* Whoever is nobody can still log in. */
	ax_log_in(f, "{}");
	ax_open_net(f);
	assert_int_equal(401, ax_get(f, "/", "repository:a:push"));
	assert_int_equal(MREG_EAUTH, f->err.code);
	assert_has(f->err.hint, "mreg login");
}

/* -- credentials for a part of a host
 * -------------------------------------------------------------------------- */

static void log_in_twice(struct ax *f)
{
	char host[64];
	char text[1024];

	httpd_host(f->registry, host, sizeof(host));
	(void)snprintf(text, sizeof(text),
		       "{\"auths\":{\"%s/team\":{\"auth\":\"Ym9iOnBhc3M=\"},"
		       "\"%s\":" LOGIN_MIA "}}",
		       host, host);
	test_write_text(f->dir, "config.json", text);
}

static void a_namespace_has_credentials_of_its_own(void **state)
{
	struct ax *f = *state;

	log_in_twice(f);
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, BASIC_MIA);
	assert_int_equal(200, ax_get(f, "/", "repository:other/m:pull"));
	strcpy(f->good, "Basic Ym9iOnBhc3M=");
	assert_int_equal(200, ax_get(f, "/", "repository:team/m:pull,push"));
	/* Two of them: the first is where the request goes. */
	assert_int_equal(200, ax_get(f, "/",
				     "repository:team/n:pull "
				     "repository:other/m:pull"));
	strcpy(f->good, BASIC_MIA);
	assert_int_equal(200, ax_get(f, "/", "repository:teams:pull"));
	assert_int_equal(200, ax_get(f, "/", "registry:catalog:*"));
}

static void tokens_are_asked_for_by_namespace(void **state)
{
	struct ax *f = *state;

	log_in_twice(f);
	assert_int_equal(200, ax_get(f, "/", "repository:team/m:pull"));
	assert_int_equal(200, ax_get(f, "/", "repository:other:pull"));
	assert_string_equal("Basic Ym9iOnBhc3M=", ax_sent(f->tokens, 0));
	assert_string_equal(BASIC_MIA, ax_sent(f->tokens, 1));
}

/* What a helper gives out may end: the next token is asked for with a new
 * one, and a wrong one is asked for only once. */
static void a_new_password_is_tried_at_the_token_server(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"Ym9iOnBhc3M=\"}");
	f->need = "Basic Ym9iOnBhc3M=";
	assert_int_equal(200, ax_get(f, "/", "s"));
	ax_log_in(f, LOGIN_MIA);
	f->need = BASIC_MIA;
	f->t.now_ms += 300000;
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_int_equal(3, httpd_count(f->tokens));
	f->need = "Basic other";
	f->t.now_ms += 300000;
	assert_code(MREG_EAUTH, ax_get(f, "/", "s"), f->err);
	assert_int_equal(5, httpd_count(f->tokens));
	assert_code(MREG_EAUTH, ax_get(f, "/", "s"), f->err);
	assert_int_equal(6, httpd_count(f->tokens));
}

/* "registrytoken" in docker's file. */
static void a_token_on_file_is_shown_as_it_is(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"registrytoken\":\"t1\"}");
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_string_equal("Bearer t1", ax_sent(f->registry, 1));
	assert_int_equal(0, httpd_count(f->tokens));
	/* There is no other to be had. */
	strcpy(f->good, "Bearer never");
	ax_open_net(f);
	assert_int_equal(401, ax_get(f, "/", "s"));
	assert_int_equal(MREG_EAUTH, f->err.code);
	assert_has(f->err.msg, "refused the credentials of '<token>'");
	assert_int_equal(0, httpd_count(f->tokens));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AX(gets_a_token_and_keeps_it),
		AX(another_scope_asks_for_its_own_at_once),
		AX(uses_the_challenges_scope_when_there_is_none),
		AX(renews_a_token_before_it_ends),
		AX(a_token_that_turned_stale_is_renewed),
		AX(a_fresh_token_refused_ends_it),
		AX(what_another_scope_had_to_show_is_not_the_last_word),
		AX(asks_for_the_scope_that_is_missing),
		AX(many_threads_ask_for_one_token),
		AX(basic_is_sent_at_once_after_the_first_time),
		AX(a_wrong_basic_password_is_sent_once),
		AX(without_credentials_a_401_is_the_answer),
		AX(bearer_is_preferred_over_basic),
		AX(a_changed_password_is_read_again),
		AX(an_upload_gets_a_token_that_lasts),
		AX(too_little_is_denied_and_not_a_wrong_password),
		AX(a_namespace_has_credentials_of_its_own),
		AX(tokens_are_asked_for_by_namespace),
		AX(a_new_password_is_tried_at_the_token_server),
		AX(a_token_on_file_is_shown_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
