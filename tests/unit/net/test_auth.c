/*
 * tests/unit/net/test_auth.c - challenges answered: which credentials go
 * where, tokens got, kept, renewed, and refused.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/task.h"
#include "net/net.h"
#include "tests/support/httpd.h"

#define BASIC_MIA "Basic bWlhOnMzY3JldA==" /* mia:s3cret */

struct fix {
	struct test_env t;
	struct mr_state *state;
	struct mr_net *net;
	struct httpd *registry, *tokens, *other;
	char *dir;
	char origin[64];
	char url[2048];
	struct mreg_error err;
	/* the registry: */
	char challenge[1024]; /* header lines sent with a 401 */
	char good[256];       /* Authorization that is accepted; "": none */
	char location[256];   /* of /go */
	/* the token server: */
	char answer[1024]; /* its JSON; "%u" becomes the count */
	int token_status;
	const char *need; /* Authorization it wants, or NULL */
	int get_status;   /* to GET; 0: token_status */
	int post_status;
};

static void serve_registry(struct httpd_conn *c, const struct httpd_request *rq,
			   void *ctx)
{
	struct fix *f = ctx;
	char value[1024];

	httpd_header(rq, "Authorization", value, sizeof(value));
	if (!strcmp(rq->target, "/go")) {
		(void)snprintf(value, sizeof(value), "Location: %s\r\n",
			       f->location);
		httpd_answer(c, 307, value, "");
	} else if (strcmp(value, f->good) != 0) {
		httpd_answer(c, 401, f->challenge, "{}");
	} else {
		httpd_answer(c, 200, "", "in");
	}
}

static void serve_tokens(struct httpd_conn *c, const struct httpd_request *rq,
			 void *ctx)
{
	struct fix *f = ctx;
	char value[1024];
	char text[1200];
	int status = f->token_status;

	httpd_header(rq, "Authorization", value, sizeof(value));
	if (!strcmp(rq->method, "GET") && f->get_status)
		status = f->get_status;
	if (!strcmp(rq->method, "POST") && f->post_status)
		status = f->post_status;
	if (f->need && strcmp(value, f->need) != 0 &&
	    !strcmp(rq->method, "GET"))
		status = 401;
	(void)snprintf(text, sizeof(text), "%s", f->answer);
	httpd_answer(c, status, "Content-Type: application/json\r\n", text);
}

static void serve_other(struct httpd_conn *c, const struct httpd_request *rq,
			void *ctx)
{
	(void)ctx;
	if (!strcmp(rq->target, "/401"))
		httpd_answer(c, 401, "WWW-Authenticate: Basic\r\n", "");
	else
		httpd_answer(c, 200, "", "other");
}

static void open_net(struct fix *f)
{
	struct mr_net_opts o = { .user_agent = "mreg/test",
				 .plain_http = true,
				 .env = &f->t.env,
				 .state = f->state };

	mr_net_close(f->net);
	f->net = NULL;
	assert_ok(mr_net_open(&o, &f->net, &f->err), f->err);
}

static void bearer(struct fix *f, const char *more)
{
	char realm[128];

	httpd_url(f->tokens, "/token", realm, sizeof(realm));
	(void)snprintf(f->challenge, sizeof(f->challenge),
		       "WWW-Authenticate: Bearer realm=\"%s\","
		       "service=\"a b\"%s\r\n",
		       realm, more);
}

/* What docker login would have left behind. */
static void log_in(struct fix *f, const char *entry)
{
	char host[64];
	char text[512];

	httpd_host(f->registry, host, sizeof(host));
	(void)snprintf(text, sizeof(text), "{\"auths\":{\"%s\":%s}}", host,
		       entry);
	test_write_text(f->dir, "config.json", text);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char path[512];

	assert_non_null(f);
	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	setenv("HOME", f->dir, 1);
	setenv("DOCKER_CONFIG", f->dir, 1);
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("DOCKER_AUTH_CONFIG");
	(void)snprintf(path, sizeof(path), "%s/state.db", f->dir);
	f->state = mr_state_open(path, &f->t.env);
	open_net(f);
	f->registry = httpd_start(serve_registry, f);
	f->tokens = httpd_start(serve_tokens, f);
	f->other = httpd_start(serve_other, f);
	httpd_url(f->registry, "", f->origin, sizeof(f->origin));
	f->token_status = 200;
	strcpy(f->answer, "{\"token\":\"t1\",\"expires_in\":300}");
	strcpy(f->good, "Bearer t1");
	bearer(f, "");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	mr_net_close(f->net);
	mr_state_close(f->state);
	httpd_stop(f->registry);
	httpd_stop(f->tokens);
	httpd_stop(f->other);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	free(f);
	return 0;
}

static int get(struct fix *f, const char *path, const char *scope)
{
	struct mr_request rq = { .method = "GET",
				 .origin = f->origin,
				 .scope = scope };
	struct mr_response *r;
	int rc;

	httpd_url(f->registry, path, f->url, sizeof(f->url));
	rq.url = f->url;
	rc = mr_net_send(f->net, &rq, &r, &f->err);
	if (rc < 0)
		return rc;
	rc = r->status;
	if (rc >= 400)
		(void)mr_response_fail(r, "cannot read", NULL, &f->err);
	mr_response_free(r);
	return rc;
}

static const char *sent(struct httpd *h, size_t index)
{
	static char value[1024];

	return httpd_header(httpd_seen(h, index), "Authorization", value,
			    sizeof(value));
}

/* -- tokens
 * -------------------------------------------------------------------------- */

static void gets_a_token_and_keeps_it(void **state)
{
	struct fix *f = *state;

	assert_int_equal(200, get(f, "/v2/a", "repository:a:pull"));
	assert_int_equal(200, get(f, "/v2/a", "repository:a:pull"));
	assert_int_equal(3, httpd_count(f->registry));
	assert_int_equal(1, httpd_count(f->tokens));
	assert_string_equal("", sent(f->registry, 0));
	assert_string_equal("Bearer t1", sent(f->registry, 2));
	assert_string_equal("/token?service=a%20b&scope=repository%3Aa%3Apull",
			    httpd_seen(f->tokens, 0)->target);
	assert_string_equal("", sent(f->tokens, 0));
	assert_has_not(f->t.log, "t1");
}

static void another_scope_asks_for_its_own_at_once(void **state)
{
	struct fix *f = *state;

	assert_int_equal(200, get(f, "/", "repository:a:pull"));
	assert_int_equal(200, get(f, "/",
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
	struct fix *f = *state;

	bearer(f, ",scope=\"registry:catalog:*\"");
	assert_int_equal(200, get(f, "/v2/_catalog", NULL));
	assert_has(httpd_seen(f->tokens, 0)->target,
		   "scope=registry%3Acatalog%3A%2A");
}

static void the_password_goes_to_the_token_server(void **state)
{
	struct fix *f = *state;

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	f->need = BASIC_MIA;
	assert_int_equal(200, get(f, "/", "s"));
	assert_string_equal(BASIC_MIA, sent(f->tokens, 0));
	assert_string_equal("Bearer t1", sent(f->registry, 1));
	assert_has_not(f->t.log, "s3cret");
	assert_has_not(f->t.log, "bWlh");
}

static void renews_a_token_before_it_ends(void **state)
{
	struct fix *f = *state;

	assert_int_equal(200, get(f, "/", "s"));
	f->t.now_ms += 239000;
	assert_int_equal(200, get(f, "/", "s"));
	assert_int_equal(1, httpd_count(f->tokens));
	f->t.now_ms += 2000;
	assert_int_equal(200, get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->tokens));
}

static void believes_no_odd_lifetimes(void **state)
{
	static const char *const odd[] = {
		"{\"access_token\":\"t1\"}",
		"{\"token\":\"t1\",\"expires_in\":-5}",
		"{\"token\":\"t1\",\"expires_in\":\"1e9\"}",
		"{\"token\":\"t1\",\"expires_in\":1}",
		"{\"token\":\"\",\"access_token\":\"t1\",\"expires_in\":0.5}",
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(odd); i++) {
		strcpy(f->answer, odd[i]);
		open_net(f);
		assert_int_equal(200, get(f, "/", "s"));
		f->t.now_ms += 29000;
		assert_int_equal(200, get(f, "/", "s"));
		assert_int_equal(2 * i + 1, httpd_count(f->tokens));
		f->t.now_ms += 2000;
		assert_int_equal(200, get(f, "/", "s"));
		assert_int_equal(2 * i + 2, httpd_count(f->tokens));
	}
	strcpy(f->answer, "{\"token\":\"t1\",\"expires_in\":1e300}");
	open_net(f);
	assert_int_equal(200, get(f, "/", "s"));
	f->t.now_ms += 60000000;
	assert_int_equal(200, get(f, "/", "s"));
	assert_int_equal(2 * i + 1, httpd_count(f->tokens));
}

static void a_token_that_turned_stale_is_renewed(void **state)
{
	struct fix *f = *state;

	assert_int_equal(200, get(f, "/", "s"));
	strcpy(f->answer, "{\"token\":\"t2\"}");
	strcpy(f->good, "Bearer t2");
	/* Harbor offers only Basic to a token that has ended. */
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"harbor\"\r\n");
	assert_int_equal(200, get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->tokens));
}

static void a_fresh_token_refused_ends_it(void **state)
{
	struct fix *f = *state;

	strcpy(f->good, "Bearer never");
	assert_int_equal(401, get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->registry));
	assert_int_equal(1, httpd_count(f->tokens));
	assert_int_equal(MREG_EAUTH, f->err.code);
	assert_has(f->err.msg, "wants credentials");
	assert_has(f->err.hint, "mreg login 127.0.0.1:");
}

static void asks_for_the_scope_that_is_missing(void **state)
{
	struct fix *f = *state;

	bearer(f, ",error=\"insufficient_scope\",scope=\"repository:x:pull\"");
	strcpy(f->good, "Bearer never");
	assert_int_equal(401, get(f, "/", "repository:a:pull"));
	assert_int_equal(3, httpd_count(f->registry));
	assert_string_equal("/token?service=a%20b&scope=repository%3Ax%3Apull&"
			    "scope=repository%3Aa%3Apull",
			    httpd_seen(f->tokens, 1)->target);
}

static void refuses_tokens_that_are_none(void **state)
{
	static const char *const bad[] = {
		"{\"token\":\"a\\r\\nX-Evil: 1\"}",
		"{\"token\":\"a b\"}",
		"{\"token\":\"\"}",
		"{\"token\":7}",
		"{}",
		"[]",
		"<html>",
		"",
		"{\"token\":\"a\",\"token\":\"b\"}",
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		strcpy(f->answer, bad[i]);
		assert_code(MREG_EREMOTE, get(f, "/", "s"), f->err);
		assert_has(f->err.msg, "token server '127.0.0.1:");
		assert_has_not(f->err.cause, "Evil");
	}
}

static void an_identity_token_goes_into_the_form(void **state)
{
	struct fix *f = *state;

	log_in(f, "{\"auth\":\"\",\"identitytoken\":\"r+1\"}");
	assert_int_equal(200, get(f, "/", "repository:a:pull"));
	assert_string_equal("POST", httpd_seen(f->tokens, 0)->method);
	assert_string_equal("grant_type=refresh_token&refresh_token=r%2B1&"
			    "scope=repository%3Aa%3Apull&service=a%20b&"
			    "client_id=mreg",
			    httpd_seen(f->tokens, 0)->body);
	/* Nobody there who takes the form: without a name there is no other
	 * way, and never anonymous. */
	f->post_status = 404;
	open_net(f);
	assert_code(MREG_ENOTFOUND, get(f, "/", "s"), f->err);
	assert_int_equal(2, httpd_count(f->tokens));
}

static void a_named_identity_token_falls_back_to_get(void **state)
{
	static const int no_form[] = { 400, 401, 404, 405 };
	struct fix *f = *state;
	size_t i;

	log_in(f, "{\"auth\":\"bWlhOg==\",\"identitytoken\":\"s3cret\"}");
	f->need = BASIC_MIA;
	for (i = 0; i < MR_COUNT(no_form); i++) {
		f->post_status = no_form[i];
		open_net(f);
		assert_int_equal(200, get(f, "/", "s"));
		assert_string_equal("GET",
				    httpd_seen(f->tokens, 2 * i + 1)->method);
	}
}

static void a_server_without_get_gets_the_form(void **state)
{
	struct fix *f = *state;

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	f->get_status = 405;
	assert_int_equal(200, get(f, "/", "s"));
	assert_has(httpd_seen(f->tokens, 1)->body,
		   "grant_type=password&username=mia&password=s3cret&");
}

static void a_wrong_password_is_told(void **state)
{
	struct fix *f = *state;
	char host[64];

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	f->need = "Basic other";
	assert_code(MREG_EAUTH, get(f, "/", "s"), f->err);
	assert_has(f->err.msg, "refused the credentials of 'mia'");
	assert_has(f->err.msg, httpd_host(f->registry, host, sizeof(host)));
	assert_has(f->err.hint, "mreg login 127.0.0.1:");
	assert_has_not(f->err.msg, "s3cret");
	f->token_status = f->get_status = 403;
	assert_code(MREG_EAUTH, get(f, "/", "s"), f->err);
}

static void a_sick_token_server_is_asked_again(void **state)
{
	struct fix *f = *state;

	f->token_status = 503;
	assert_code(MREG_EREMOTE, get(f, "/", "s"), f->err);
	assert_int_equal(7, httpd_count(f->tokens));
	assert_true(f->t.slept_ms > 0);
}

struct crowd {
	struct fix *f;
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
	struct fix *f = *state;
	struct crowd w = { .f = f };

	httpd_url(f->registry, "/v2/", w.url, sizeof(w.url));
	assert_ok(mr_task_run(&f->t.env, 8, 100, one_of_many, &w, &f->err),
		  f->err);
	assert_int_equal(1, httpd_count(f->tokens));
	assert_true(httpd_count(f->registry) <= 108);
	assert_true(httpd_connections(f->registry) <= 8);
}

/* -- basic
 * -----------------------------------------------------------------------------
 */

static void basic_is_sent_at_once_after_the_first_time(void **state)
{
	struct fix *f = *state;

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, BASIC_MIA);
	assert_int_equal(200, get(f, "/", "repository:a:pull"));
	assert_int_equal(200, get(f, "/", "repository:b:pull"));
	assert_int_equal(3, httpd_count(f->registry));
}

static void a_wrong_basic_password_is_sent_once(void **state)
{
	struct fix *f = *state;

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, "Basic other");
	assert_int_equal(401, get(f, "/", "s"));
	assert_int_equal(2, httpd_count(f->registry));
	assert_has(f->err.msg, "refused the credentials of 'mia'");
}

static void without_credentials_a_401_is_the_answer(void **state)
{
	struct fix *f = *state;

	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	assert_int_equal(401, get(f, "/", "s"));
	assert_int_equal(1, httpd_count(f->registry));
	strcpy(f->challenge, "");
	assert_int_equal(401, get(f, "/", "s"));
	strcpy(f->challenge, "WWW-Authenticate: Negotiate\r\n");
	assert_int_equal(401, get(f, "/", "s"));
}

static void bearer_is_preferred_over_basic(void **state)
{
	struct fix *f = *state;
	char both[1024];

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	(void)snprintf(both, sizeof(both), "WWW-Authenticate: Basic\r\n%s",
		       f->challenge);
	strcpy(f->challenge, both);
	assert_int_equal(200, get(f, "/", "s"));
	assert_string_equal("Bearer t1", sent(f->registry, 1));
}

static void a_changed_password_is_read_again(void **state)
{
	struct fix *f = *state;

	log_in(f, "{\"auth\":\"b2xkOm9sZA==\"}");
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, "Basic b2xkOm9sZA==");
	assert_int_equal(200, get(f, "/", "s"));
	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	strcpy(f->good, BASIC_MIA);
	assert_int_equal(200, get(f, "/", "s"));
}

/* -- where credentials go
 * --------------------------------------------------------------- */

static void a_redirect_takes_no_credentials_along(void **state)
{
	struct fix *f = *state;
	char at[64];

	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	assert_int_equal(200, get(f, "/", "s"));
	httpd_url(f->other, "/blob", f->location, sizeof(f->location));
	assert_int_equal(200, get(f, "/go", "s"));
	assert_string_equal("Bearer t1", sent(f->registry, 2));
	assert_string_equal("", sent(f->other, 0));
	/* Nor does its 401 make us send any. */
	httpd_url(f->other, "/401", f->location, sizeof(f->location));
	assert_int_equal(401, get(f, "/go", "s"));
	assert_string_equal("", sent(f->other, 1));
	assert_int_equal(2, httpd_count(f->other));
	assert_has(f->err.msg, httpd_host(f->other, at, sizeof(at)));
}

static void an_upload_elsewhere_takes_no_credentials_along(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = { .method = "PUT",
				 .origin = f->origin,
				 .scope = "s",
				 .body = "x",
				 .body_len = 1 };
	struct mr_response *r;

	assert_int_equal(200, get(f, "/", "s"));
	httpd_url(f->other, "/up", f->url, sizeof(f->url));
	rq.url = f->url;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	mr_response_free(r);
	assert_string_equal("", sent(f->other, 0));
}

static void the_realm_is_remembered(void **state)
{
	struct fix *f = *state;
	struct mr_credentials c = { .username = NULL };
	char realm[64];
	char host[64];

	assert_int_equal(200, get(f, "/", "s"));
	httpd_url(f->other, "/token", realm, sizeof(realm));
	(void)snprintf(f->challenge, sizeof(f->challenge),
		       "WWW-Authenticate: Bearer realm=\"%s\"\r\n", realm);
	log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	open_net(f);
	assert_code(MREG_EAUTH, get(f, "/", "s"), f->err);
	assert_has(f->err.msg, "now wants credentials sent to '127.0.0.1:");
	assert_has(f->err.hint, "mreg login 127.0.0.1:");
	assert_int_equal(0, httpd_count(f->other));
	/* Logging in is how one agrees. */
	bearer(f, "");
	assert_ok(mr_net_login(f->net,
			       httpd_host(f->registry, host, sizeof(host)), &c,
			       &f->err),
		  f->err);
	assert_int_equal(200, get(f, "/", "s"));
}

static void refuses_realms_that_are_no_web_address(void **state)
{
	static const char *const bad[] = { "file:///etc/passwd", "gopher://x/",
					   "https://u:p@h/", "https://h h/" };
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		(void)snprintf(f->challenge, sizeof(f->challenge),
			       "WWW-Authenticate: Bearer realm=\"%s\"\r\n",
			       bad[i]);
		assert_code(MREG_EREMOTE, get(f, "/", "s"), f->err);
		assert_has(f->err.msg, "token server that is no URL");
	}
}

static void a_relative_realm_is_the_registrys_own(void **state)
{
	struct fix *f = *state;

	strcpy(f->challenge, "WWW-Authenticate: Bearer realm=\"/token\"\r\n");
	strcpy(f->good, "");
	assert_int_equal(200, get(f, "/", "s"));
	strcpy(f->good, "Bearer none");
	/* It answers 401 for its token, too. */
	assert_code(MREG_EAUTH, get(f, "/", "s"), f->err);
	assert_string_equal("/token?scope=s",
			    httpd_seen(f->registry, 2)->target);
}

/* -- login
 * -------------------------------------------------------------------------------
 */

static int log_in_as(struct fix *f, const char *user, const char *password)
{
	struct mr_credentials c = { .username = (char *)user };
	char host[64];
	int rc;

	assert_int_equal(
		0, mr_secret_set(&c.password, password, strlen(password)));
	rc = mr_net_login(f->net, httpd_host(f->registry, host, sizeof(host)),
			  &c, &f->err);
	mr_secret_release(&c.password);
	return rc;
}

static void login_tries_the_credentials(void **state)
{
	struct fix *f = *state;
	char host[64];
	char user[64];

	f->need = BASIC_MIA;
	assert_code(MREG_EAUTH, log_in_as(f, "mia", "wrong"), f->err);
	assert_ok(log_in_as(f, "mia", "s3cret"), f->err);
	assert_ok(mr_net_user(f->net,
			      httpd_host(f->registry, host, sizeof(host)), user,
			      sizeof(user), &f->err),
		  f->err);
	assert_string_equal("mia", user);
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, BASIC_MIA);
	assert_code(MREG_EAUTH, log_in_as(f, "mia", "wrong"), f->err);
	assert_has(f->err.msg, "cannot log in: '127.0.0.1:");
	assert_ok(log_in_as(f, "mia", "s3cret"), f->err);
}

static void nobody_is_anonymous(void **state)
{
	struct fix *f = *state;
	char user[64] = "?";

	assert_ok(mr_net_user(f->net, "ghcr.io", user, sizeof(user), &f->err),
		  f->err);
	assert_string_equal("", user);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(gets_a_token_and_keeps_it),
		CASE(another_scope_asks_for_its_own_at_once),
		CASE(uses_the_challenges_scope_when_there_is_none),
		CASE(the_password_goes_to_the_token_server),
		CASE(renews_a_token_before_it_ends),
		CASE(believes_no_odd_lifetimes),
		CASE(a_token_that_turned_stale_is_renewed),
		CASE(a_fresh_token_refused_ends_it),
		CASE(asks_for_the_scope_that_is_missing),
		CASE(refuses_tokens_that_are_none),
		CASE(an_identity_token_goes_into_the_form),
		CASE(a_named_identity_token_falls_back_to_get),
		CASE(a_server_without_get_gets_the_form),
		CASE(a_wrong_password_is_told),
		CASE(a_sick_token_server_is_asked_again),
		CASE(many_threads_ask_for_one_token),
		CASE(basic_is_sent_at_once_after_the_first_time),
		CASE(a_wrong_basic_password_is_sent_once),
		CASE(without_credentials_a_401_is_the_answer),
		CASE(bearer_is_preferred_over_basic),
		CASE(a_changed_password_is_read_again),
		CASE(a_redirect_takes_no_credentials_along),
		CASE(an_upload_elsewhere_takes_no_credentials_along),
		CASE(the_realm_is_remembered),
		CASE(refuses_realms_that_are_no_web_address),
		CASE(a_relative_realm_is_the_registrys_own),
		CASE(login_tries_the_credentials),
		CASE(nobody_is_anonymous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
