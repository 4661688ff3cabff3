/*
 * session.c - opening and closing what requests share, and logging in.
 */
#include "net/net.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "net/auth.h"

/* Below this, curl's least pieces would be bursts of seconds. */
#define RATE_MIN 1024

static int init_lock(struct mr_net *n, struct mreg_error *err)
{
	pthread_condattr_t attr;
	int rc;

	if (pthread_mutex_init(&n->lock, NULL))
		return mr_fail_nomem(err);
	rc = pthread_condattr_init(&attr);
	if (!rc) {
		rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		rc = rc ? rc : pthread_cond_init(&n->changed, &attr);
		(void)pthread_condattr_destroy(&attr);
	}
	if (!rc)
		return 0;
	(void)pthread_mutex_destroy(&n->lock);
	return mr_fail_nomem(err);
}

static int configure(struct mr_net *n, const struct mr_net_opts *o,
		     struct mreg_error *err)
{
	n->user_agent = mr_strdup(o->user_agent ? o->user_agent : "mreg");
	if (!n->user_agent)
		return mr_fail_nomem(err);
	if (o->username &&
	    mr_secret_set(&n->username, o->username, strlen(o->username)) < 0)
		return mr_fail_nomem(err);
	if (o->username && o->password &&
	    mr_secret_set(&n->password, o->password, strlen(o->password)) < 0)
		return mr_fail_nomem(err);
	return mr_certs_load(n, o->ca_file, err);
}

int mr_net_open(const struct mr_net_opts *o, struct mr_net **out,
		struct mreg_error *err)
{
	struct mr_net *n = mr_zalloc(sizeof(*n));
	int rc;

	if (!n)
		return mr_fail_nomem(err);
	n->env = o->env;
	n->state = o->state;
	n->plain_http = o->plain_http;
	n->rate = o->limit_rate;
	if (n->rate && n->rate < RATE_MIN)
		n->rate = RATE_MIN;
	rc = init_lock(n, err);
	if (rc < 0) {
		mr_release(n);
		return rc;
	}
	/* Counted and thread-safe since 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		(void)pthread_cond_destroy(&n->changed);
		(void)pthread_mutex_destroy(&n->lock);
		mr_release(n);
		return mr_fail_nomem(err);
	}
	rc = configure(n, o, err);
	if (rc < 0) {
		mr_net_close(n);
		return rc;
	}
	*out = n;
	return 0;
}

void mr_net_close(struct mr_net *n)
{
	struct mr_origin *o;
	struct mr_handle *h;

	if (!n)
		return;
	while ((h = n->idle) != NULL) {
		n->idle = h->next;
		mr_handle_free(h);
	}
	while ((o = n->origins) != NULL) {
		n->origins = o->next;
		mr_origin_free(o);
	}
	mr_list_release(&n->told);
	mr_secret_release(&n->username);
	mr_secret_release(&n->password);
	mr_buf_release(&n->ca_blob);
	mr_release(n->ca_path);
	mr_release(n->user_agent);
	(void)pthread_cond_destroy(&n->changed);
	(void)pthread_mutex_destroy(&n->lock);
	mr_release(n);
	curl_global_cleanup();
}

struct mr_state *mr_net_state(struct mr_net *n)
{
	return n->state;
}

void mr_net_counted(struct mr_net *n, uint64_t *requests, uint64_t *beside)
{
	/* In this order: one that is asked for is in both, or in neither yet.
	 */
	*requests = atomic_load(&n->asked);
	*beside = atomic_load(&n->sent) - *requests;
}

/* -- login -------------------------------------------------------------------
 */

static int try_login(struct mr_net *n, struct mr_origin *o,
		     struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *r = NULL;
	struct mr_request rq = { .method = "GET", .origin = o->name };
	char url[320];
	int rc;

	(void)snprintf(url, sizeof(url), "%s/v2/", o->name); /* fits */
	rq.url = url;
	rc = mr_net_send(n, &rq, &r, err);
	if (rc < 0)
		return rc;
	rc = mr_response_check_registry(r, "cannot log in", err);
	if (rc < 0 || r->status == 200)
		return rc;
	return mr_response_fail(r, "cannot log in", NULL, err);
}

int mr_net_login(struct mr_net *n, const char *host,
		 const struct mr_credentials *c, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_origin *o;
	char origin[300];
	int rc;

	mr_origin_forget_plain(n, host);
	rc = mr_net_origin(n, host, origin, sizeof(origin), err);
	if (rc >= 0)
		rc = mr_origin_get(n, origin, &o, err);
	if (rc < 0)
		return rc;
	mr_state_fact_put(n->state, o->name, "realm", NULL);
	rc = mr_auth_reset(n, o, c, err);
	if (rc < 0)
		return rc;
	rc = try_login(n, o, err);
	if (rc < 0)
		(void)mr_auth_reset(n, o, NULL, &ignored); /* cannot fail */
	return rc;
}

int mr_net_user(struct mr_net *n, const char *host, char *out, size_t cap,
		struct mreg_error *err)
{
	struct mr_credentials c;
	struct mr_origin *o;
	int rc;

	rc = mr_host_check(host, err);
	if (rc < 0)
		return rc;
	o = mr_origin_by_host(n, host);
	if (o)
		rc = mr_login_get(n, o, NULL, &c, err);
	else if (n->username.bytes)
		rc = mr_credentials_set(memset(&c, 0, sizeof(c)),
					n->username.bytes, "", 0, false, err);
	else
		rc = mr_credentials_find(n->env, host, &c, err);
	if (rc < 0)
		return rc;
	rc = snprintf(out, cap, "%s", c.username ? c.username : "");
	mr_credentials_release(&c);
	return rc < 0 || (size_t)rc >= cap
		       ? mr_fail(err, MREG_ELIMIT, "a user name is too long")
		       : 0;
}
