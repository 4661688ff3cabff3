/*
 * tests/support/auth_fixture.c - a registry that wants credentials, and the
 * token server it names.
 */
#include "tests/support/auth_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void serve_registry(struct httpd_conn *c, const struct httpd_request *rq,
			   void *ctx)
{
	struct ax *f = ctx;
	char value[1024];

	httpd_header(rq, "Authorization", value, sizeof(value));
	if (!strcmp(rq->target, "/go")) {
		(void)snprintf(value, sizeof(value), "Location: %s\r\n",
			       f->location);
		httpd_answer(c, 307, value, "");
	} else if (strcmp(value, f->good) != 0) {
		httpd_answer(c, 401, f->challenge, "{}");
	} else {
		httpd_answer(c, 200, "", "{}");
	}
}

static void serve_tokens(struct httpd_conn *c, const struct httpd_request *rq,
			 void *ctx)
{
	struct ax *f = ctx;
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
	else if (!strcmp(rq->target, "/400") || !strcmp(rq->target, "/403"))
		httpd_answer(c, atoi(rq->target + 1), "", "");
	else
		httpd_answer(c, 200, "", "other");
}

void ax_open_net(struct ax *f)
{
	struct mr_net_opts o = { .user_agent = "mreg/test",
				 .plain_http = true,
				 .env = &f->t.env,
				 .state = f->state };

	mr_net_close(f->net);
	f->net = NULL;
	assert_ok(mr_net_open(&o, &f->net, &f->err), f->err);
}

void ax_bearer(struct ax *f, const char *more)
{
	char realm[128];

	httpd_url(f->tokens, "/token", realm, sizeof(realm));
	(void)snprintf(f->challenge, sizeof(f->challenge),
		       "WWW-Authenticate: Bearer realm=\"%s\","
		       "service=\"a b\"%s\r\n",
		       realm, more);
}

void ax_log_in(struct ax *f, const char *entry)
{
	char host[64];
	char text[512];

	httpd_host(f->registry, host, sizeof(host));
	(void)snprintf(text, sizeof(text), "{\"auths\":{\"%s\":%s}}", host,
		       entry);
	test_write_text(f->dir, "config.json", text);
}

int ax_setup(void **state)
{
	struct ax *f = calloc(1, sizeof(*f));
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
	unsetenv("MREG_DOCKER_CONFIG_JSON");
	(void)snprintf(path, sizeof(path), "%s/state.db", f->dir);
	f->state = mr_state_open(path, &f->t.env);
	ax_open_net(f);
	f->registry = httpd_start(serve_registry, f);
	f->tokens = httpd_start(serve_tokens, f);
	f->other = httpd_start(serve_other, f);
	httpd_url(f->registry, "", f->origin, sizeof(f->origin));
	f->token_status = 200;
	strcpy(f->answer, "{\"token\":\"t1\",\"expires_in\":300}");
	strcpy(f->good, "Bearer t1");
	ax_bearer(f, "");
	*state = f;
	return 0;
}

int ax_teardown(void **state)
{
	struct ax *f = *state;

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

int ax_get(struct ax *f, const char *path, const char *scope)
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

const char *ax_sent(struct httpd *h, size_t index)
{
	static char value[1024];

	return httpd_header(httpd_seen(h, index), "Authorization", value,
			    sizeof(value));
}
