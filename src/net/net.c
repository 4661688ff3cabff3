/*
 * net.c - the session, and the loop of a request: wait for the gate, show
 * credentials, exchange, show better ones, try again.
 */
#include "net/net.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "net/auth.h"

/* None, stale or inherited, then one more scope. */
#define AUTH_ROUNDS_MAX 3
/* Waits from here on are shown to everybody. */
#define SHOWN_WAIT_MS 2000
/* Those who waited for a gate do not pass it all at once. */
#define GATE_JITTER_MS 250
/* A body in memory is small enough to be sent twice. */
#define EXPECT_BODY_BYTES (1u << 20)

struct call {
	struct mr_net *n;
	const struct mr_request *rq;
	struct mr_origin *origin;
	struct mr_pass pass;
	struct mr_outcome oc;
	unsigned int rounds;
	bool at_home; /* the URL is the registry's own */
	bool consumed;
};

/* -- session ------------------------------------------------------------------
 */

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
	return mr_handle_load_ca(n, o->ca_file, err);
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

/* -- one try ------------------------------------------------------------------
 */

static int wait_gate(struct call *c, struct mreg_error *err)
{
	int64_t wait_ms;

	pthread_mutex_lock(&c->n->lock);
	wait_ms = c->origin->gate_ms - mr_mono_ms(c->n->env);
	pthread_mutex_unlock(&c->n->lock);
	if (wait_ms <= 0)
		return 0;
	wait_ms += mr_random(c->n->env) % GATE_JITTER_MS;
	return mr_sleep_ms(c->n->env, wait_ms, err);
}

static bool has_body(const struct mr_request *rq)
{
	return rq->body_len || (rq->stream && rq->stream_size);
}

static bool wants_expect(struct call *c)
{
	const struct mr_request *rq = c->rq;
	char known[8];
	bool settled;

	if (!(rq->stream && rq->stream_size) &&
	    rq->body_len <= EXPECT_BODY_BYTES)
		return false;
	pthread_mutex_lock(&c->n->lock);
	settled = c->origin->takes_bodies || c->origin->no_expect;
	pthread_mutex_unlock(&c->n->lock);
	return !settled && !mr_state_fact_get(c->n->state, c->origin->name,
					      "expect", known, sizeof(known));
}

static void fill(struct call *c, struct mr_wire *w)
{
	const struct mr_request *rq = c->rq;

	memset(w, 0, sizeof(*w));
	w->method = rq->method;
	w->url = rq->url;
	w->home = c->origin->name;
	w->authorization = c->pass.header.bytes;
	w->accept = rq->accept;
	w->content_type = rq->content_type;
	w->ranged = rq->ranged;
	w->first = rq->first;
	w->last = rq->last;
	w->body = rq->body;
	w->body_len = rq->body_len;
	w->stream = rq->stream;
	w->stream_size = rq->stream_size;
	w->expect = wants_expect(c);
}

static void note_answer(struct call *c, const struct mr_response *r)
{
	struct mr_origin *o = c->origin;
	bool refused = c->oc.expect_refused;

	pthread_mutex_lock(&c->n->lock);
	o->answered = true;
	if (refused)
		o->no_expect = true;
	if (has_body(c->rq) && r->status >= 200 && r->status < 300)
		o->takes_bodies = true;
	pthread_mutex_unlock(&c->n->lock);
	if (refused)
		mr_state_fact_put(c->n->state, o->name, "expect", "no");
}

/* A 401: may the same request go through now?  1 yes, 0 no. */
static int better(struct call *c, const struct mr_response *r,
		  struct mreg_error *err)
{
	bool again;
	int rc;

	if (!c->at_home || !mr_url_same_origin(r->url, c->origin->name) ||
	    c->rounds++ >= AUTH_ROUNDS_MAX)
		return 0;
	rc = mr_auth_refused(c->n, c->origin, c->rq->scope, &c->pass, r, &again,
			     err);
	if (rc < 0 || !again || !c->consumed)
		return rc < 0 ? rc : again;
	/* The next request shows something new; this body is gone. */
	return mr_fail(err, MREG_ENETWORK,
		       "'%s' asked for new credentials in the middle of an "
		       "upload",
		       c->origin->host);
}

static int try_once(struct call *c, struct mr_response **out,
		    struct mreg_error *err)
{
	struct mr_wire w;
	int rc;

	for (;;) {
		mr_pass_release(&c->pass);
		memset(&c->oc, 0, sizeof(c->oc));
		rc = wait_gate(c, err);
		if (rc >= 0 && c->at_home)
			rc = mr_auth_get(c->n, c->origin, c->rq->scope,
					 &c->pass, &c->oc, err);
		if (rc < 0)
			return rc;
		fill(c, &w);
		rc = mr_net_follow(c->n, &w, &c->oc, out, err);
		c->consumed = c->consumed || c->oc.consumed;
		if (rc < 0)
			return rc;
		note_answer(c, *out);
		if (c->oc.expect_refused && !c->consumed) {
			mr_response_freep(out);
			continue; /* it is remembered: once */
		}
		mr_response_set_user(*out, c->pass.user);
		if ((*out)->status != 401) {
			mr_auth_accepted(c->n, c->origin, c->rq->scope,
					 &c->pass);
			return 0;
		}
		rc = better(c, *out, err);
		if (rc == 0)
			return 0;
		mr_response_freep(out);
		if (rc < 0)
			return rc;
	}
}

/* -- trying again -------------------------------------------------------------
 */

/* Everybody else waits too when a registry says how long. */
static void close_gate(struct call *c, int64_t wait_ms)
{
	int64_t until_ms = mr_mono_ms(c->n->env) + wait_ms;

	pthread_mutex_lock(&c->n->lock);
	if (c->origin->gate_ms < until_ms)
		c->origin->gate_ms = until_ms;
	pthread_mutex_unlock(&c->n->lock);
}

static bool has_answered(struct call *c)
{
	bool answered;

	pthread_mutex_lock(&c->n->lock);
	answered = c->origin->answered;
	pthread_mutex_unlock(&c->n->lock);
	return answered;
}

/* How long to wait before try `attempt`; negative: what we have is it. */
static int64_t wait_before(struct call *c, int rc, const struct mr_response *r,
			   unsigned int attempt)
{
	unsigned int after_s = c->oc.retry_after_s;
	int64_t wait_ms;

	if (c->rq->once || c->consumed || rc == MREG_ECANCELED)
		return -1;
	if (rc < 0 && !c->oc.retry)
		return -1;
	/* Never reached: more likely a wrong name than a bad moment. */
	if (rc < 0 && c->oc.unreached && !has_answered(c))
		return -1;
	if (rc >= 0 && !mr_retry_status(r->status))
		return -1;
	if (rc >= 0)
		after_s = mr_retry_after_s(mr_response_header(r, "Retry-After"),
					   mr_now_s(c->n->env));
	wait_ms = mr_retry_delay_ms(attempt, after_s, mr_random(c->n->env));
	if (wait_ms > 0 && after_s > 0)
		close_gate(c, wait_ms);
	return wait_ms;
}

static int wait_again(struct call *c, int64_t wait_ms, unsigned int attempt,
		      const struct mr_response *r, struct mreg_error *err)
{
	enum mreg_log_level level =
		wait_ms >= SHOWN_WAIT_MS ? MREG_LOG_WARN : MREG_LOG_INFO;

	if (r)
		mr_log(c->n->env, level,
		       "'%s' answered %d; waiting %" PRId64
		       " ms, then try %u of %u",
		       c->origin->host, r->status, wait_ms, attempt + 1,
		       MR_RETRY_MAX + 1);
	else
		mr_log(c->n->env, level,
		       "%s; waiting %" PRId64 " ms, then try %u of %u",
		       err->msg, wait_ms, attempt + 1, MR_RETRY_MAX + 1);
	return mr_sleep_ms(c->n->env, wait_ms, err);
}

static int prepare(struct mr_net *n, const struct mr_request *rq,
		   struct call *c, struct mreg_error *err)
{
	int rc;

	memset(c, 0, sizeof(*c));
	c->n = n;
	c->rq = rq;
	rc = mr_origin_get(n, rq->origin, &c->origin, err);
	if (rc < 0)
		return rc;
	c->at_home = mr_url_same_origin(rq->origin, rq->url);
	return mr_origin_check_target(rq->origin, rq->origin, rq->url, err);
}

int mr_net_send(struct mr_net *n, const struct mr_request *rq,
		struct mr_response **out, struct mreg_error *err)
{
	struct mreg_error own = MREG_ERROR_INIT;
	struct mr_response *r = NULL;
	unsigned int attempt = 0;
	int64_t wait_ms;
	struct call c;
	int rc;

	rc = prepare(n, rq, &c, &own);
	while (rc >= 0) {
		rc = try_once(&c, &r, &own);
		wait_ms = wait_before(&c, rc, r, ++attempt);
		if (wait_ms < 0)
			break;
		rc = wait_again(&c, wait_ms, attempt, r, &own);
		mr_response_freep(&r);
	}
	mr_pass_release(&c.pass);
	if (rc < 0) {
		if (err)
			*err = own;
		return rc;
	}
	*out = r;
	return 0;
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
	if (r->status == 200)
		return 0;
	return mr_response_fail(r, "cannot log in", NULL, err);
}

int mr_net_login(struct mr_net *n, const char *host,
		 const struct mr_credentials *c, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_origin *o;
	char origin[300];
	int rc;

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
		rc = mr_auth_credentials(n, o, &c, err);
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
