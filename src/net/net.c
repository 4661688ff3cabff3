/*
 * net.c - the loop of a request: wait for the gate and for a place, show
 * credentials, exchange, show better ones, try again.
 */
#include "net/net.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "net/auth.h"

/* None, stale or inherited, then one more scope. */
#define AUTH_ROUNDS_MAX 3
/* Time lost from here on is shown to everybody. */
#define SHOWN_WAIT_MS 2000
/* A host that took a request and said nothing for a minute (D-03) is more
 * likely none of ours than slow: P-94 wants it tried again, not for long. */
#define SILENT_TRIES_MAX 3
/* A body in memory up to here is small enough to be sent twice. */
#define EXPECT_BODY_BYTES (1u << 20)
/* From here on a body is bulk, and its token has to hold for a while. */
#define BULK_BYTES (1u << 20)

struct call {
	struct mr_net *n;
	const struct mr_request *rq;
	struct mr_origin *origin; /* of the registry: its credentials */
	struct mr_origin *target; /* of the URL: its gate, its lanes */
	struct mr_pass pass;
	struct mr_outcome oc;
	unsigned int rounds;
	unsigned int silent; /* tries that brought no byte */
	bool at_home;        /* the URL is the registry's own */
	bool consumed;
};

/* -- one try ------------------------------------------------------------------
 */

static bool has_body(const struct mr_request *rq)
{
	return rq->body_len || (rq->stream && rq->stream_size);
}

static uint64_t body_bytes(const struct mr_request *rq)
{
	return rq->stream ? rq->stream_size : rq->body_len;
}

static enum mr_lane_kind lane_of(const struct mr_request *rq)
{
	bool in = !strcmp(rq->method, "GET");

	if (!in && (rq->bulk || body_bytes(rq) >= BULK_BYTES))
		return MR_LANE_OUT;
	if (in && (rq->bulk ||
		   (rq->ranged && rq->last - rq->first >= BULK_BYTES - 1)))
		return MR_LANE_IN;
	return MR_LANE_NONE;
}

/* what takes long, and what ends it: the PUT that closes an upload, the
 * manifest.  All of it would be for nothing if the token ended there. */
static bool is_upload(const struct mr_request *rq)
{
	return body_bytes(rq) >= BULK_BYTES || !strcmp(rq->method, "PUT");
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
	settled = c->target->takes_bodies || c->target->no_expect;
	pthread_mutex_unlock(&c->n->lock);
	return !settled && !mr_state_fact_get(c->n->state, c->target->name,
					      "expect", known, sizeof(known));
}

static void fill(struct call *c, const struct mr_slot *slot, struct mr_wire *w)
{
	const struct mr_request *rq = c->rq;

	memset(w, 0, sizeof(*w));
	w->method = rq->method;
	w->url = rq->url;
	w->home = c->origin->name;
	w->authorization = c->pass.header.bytes;
	w->accept = rq->accept;
	w->unless = rq->unless;
	w->asked = true;
	w->content_type = rq->content_type;
	w->ranged = rq->ranged;
	w->first = rq->first;
	w->last = rq->last;
	w->body = rq->body;
	w->body_len = rq->body_len;
	w->stream = rq->stream;
	w->stream_size = rq->stream_size;
	w->expect = wants_expect(c);
	w->lane = slot->lane;
}

static void note_answer(struct call *c, const struct mr_response *r)
{
	struct mr_origin *o = c->target;
	bool refused = c->oc.expect_refused;

	pthread_mutex_lock(&c->n->lock);
	o->answered = true;
	if (refused)
		o->no_expect = true;
	if (has_body(c->rq) && r->status >= 200 && r->status < 300)
		o->takes_bodies = true;
	pthread_mutex_unlock(&c->n->lock);
	/* A storage behind it has nothing to tell its users. */
	if (c->at_home && mr_url_same_origin(r->url, c->origin->name))
		mr_warning_tell(c->n, o->host, r);
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

/* One exchange, in a place of its own.  What broke off here frees it; an
 * answer keeps it until its body was read. */
static int exchange(struct call *c, struct mr_response **out,
		    struct mreg_error *err)
{
	struct mr_slot slot = { .lane = NULL };
	struct mr_wire w;
	int rc;

	rc = mr_slot_take(c->n, c->target, lane_of(c->rq), &slot, err);
	if (rc >= 0 && c->at_home)
		rc = mr_auth_get(c->n, c->origin, c->rq->scope,
				 is_upload(c->rq), &c->pass, &c->oc, err);
	if (rc < 0) {
		mr_slot_give(&slot, MR_SLOT_UNKNOWN);
		return rc;
	}
	fill(c, &slot, &w);
	rc = mr_net_follow(c->n, &w, &c->oc, out, err);
	c->consumed = c->consumed || c->oc.consumed;
	if (rc >= 0)
		mr_response_set_slot(*out, &slot);
	else
		mr_slot_give(&slot, rc == MREG_ENETWORK && c->oc.retry &&
						    !c->oc.unreached
					    ? MR_SLOT_TROUBLE
					    : MR_SLOT_UNKNOWN);
	return rc;
}

/* An exchange that found no gate shut on its way.  It waits without a place,
 * and begins again at the registry: a signed address does not last. */
static int pass_gates(struct call *c, struct mr_response **out,
		      struct mreg_error *err)
{
	struct mr_origin *shut = c->target;
	int rc;

	do {
		mr_pass_release(&c->pass);
		memset(&c->oc, 0, sizeof(c->oc));
		rc = mr_gate_wait(c->n, shut, err);
		rc = rc < 0 ? rc : exchange(c, out, err);
		shut = c->oc.shut;
	} while (rc < 0 && shut);
	return rc;
}

static int try_once(struct call *c, struct mr_response **out,
		    struct mreg_error *err)
{
	int rc;

	for (;;) {
		rc = pass_gates(c, out, err);
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

/* Everybody else waits too when a host says how long (P-93): the one that was
 * asked, and the one it sent us to, which others may ask directly. */
static void close_gate(struct call *c, const struct mr_response *r,
		       int64_t wait_ms)
{
	int64_t until_ms = mr_mono_ms(c->n->env) + wait_ms;
	struct mr_origin *last;

	mr_gate_shut(c->n, c->target, until_ms);
	if (r && mr_origin_get(c->n, r->url, &last, NULL) >= 0)
		mr_gate_shut(c->n, last, until_ms);
}

static bool has_answered(struct call *c)
{
	bool answered;

	pthread_mutex_lock(&c->n->lock);
	answered = c->target->answered;
	pthread_mutex_unlock(&c->n->lock);
	return answered;
}

/* Also where this request is not tried again: its caller may, and others. */
static unsigned int heed_retry_after(struct call *c,
				     const struct mr_response *r)
{
	unsigned int after_s = c->oc.retry_after_s;

	if (r && mr_retry_status(r->status))
		after_s = mr_retry_after_s(mr_response_header(r, "Retry-After"),
					   mr_now_s(c->n->env));
	if (after_s > 0 && after_s <= MR_RETRY_AFTER_MAX_S)
		close_gate(c, r, (int64_t)after_s * 1000);
	return after_s;
}

/* How long to wait before try `attempt`; negative: what we have is it. */
static int64_t wait_before(struct call *c, int rc, const struct mr_response *r,
			   unsigned int attempt)
{
	unsigned int after_s = heed_retry_after(c, r);

	if (c->rq->once || c->consumed || rc == MREG_ECANCELED)
		return -1;
	if (rc < 0 && !c->oc.retry)
		return -1;
	/* Never reached: more likely a wrong name than a bad moment. */
	if (rc < 0 && c->oc.unreached && !has_answered(c))
		return -1;
	if (rc >= 0 && !mr_retry_status(r->status))
		return -1;
	if (rc < 0 && c->oc.silent && ++c->silent >= SILENT_TRIES_MAX)
		return -1;
	return mr_retry_delay_ms(attempt, after_s, mr_random(c->n->env));
}

/* The last try, if all go as the latest one. */
static unsigned int last_try(const struct call *c, unsigned int attempt)
{
	unsigned int last = attempt + SILENT_TRIES_MAX - c->silent;

	return c->oc.silent && last <= MR_RETRY_MAX ? last : MR_RETRY_MAX + 1;
}

/* Frees `*r`: nobody keeps a place while waiting.  `lost_ms` went before. */
static int wait_again(struct call *c, int64_t lost_ms, int64_t wait_ms,
		      unsigned int attempt, struct mr_response **r,
		      struct mreg_error *err)
{
	enum mreg_log_level level = lost_ms + wait_ms >= SHOWN_WAIT_MS
					    ? MREG_LOG_WARN
					    : MREG_LOG_INFO;
	unsigned int last = last_try(c, attempt);

	if (*r)
		mr_log(c->n->env, level,
		       "'%s' answered %d; waiting %" PRId64
		       " ms, then try %u of %u",
		       c->target->host, (*r)->status, wait_ms, attempt + 1,
		       last);
	else
		mr_log(c->n->env, level,
		       "%s; waiting %" PRId64 " ms, then try %u of %u",
		       err->msg, wait_ms, attempt + 1, last);
	mr_response_freep(r);
	return mr_sleep_ms(c->n->env, wait_ms, err);
}

static int prepare(struct mr_net *n, const struct mr_request *rq,
		   struct call *c, struct mreg_error *err)
{
	bool looks = !strcmp(rq->method, "GET") || !strcmp(rq->method, "HEAD");
	int rc;

	memset(c, 0, sizeof(*c));
	c->n = n;
	c->rq = rq;
	rc = mr_origin_get(n, rq->origin, &c->origin, err);
	if (rc >= 0)
		rc = mr_origin_check_target(rq->origin, rq->origin, rq->url,
					    err);
	if (rc >= 0 && !looks)
		rc = mr_origin_check_upload(rq->origin, rq->url, err);
	if (rc < 0)
		return rc;
	c->at_home = mr_url_same_origin(rq->origin, rq->url);
	c->target = c->origin;
	return c->at_home ? 0 : mr_origin_get(n, rq->url, &c->target, err);
}

int mr_net_send(struct mr_net *n, const struct mr_request *rq,
		struct mr_response **out, struct mreg_error *err)
{
	struct mreg_error own = MREG_ERROR_INIT;
	struct mr_response *r = NULL;
	unsigned int attempt = 0;
	int64_t began_ms;
	int64_t wait_ms;
	int64_t lost_ms;
	struct call c;
	int rc;

	rc = prepare(n, rq, &c, &own);
	while (rc >= 0) {
		began_ms = mr_mono_ms(n->env);
		rc = try_once(&c, &r, &own);
		lost_ms = mr_mono_ms(n->env) - began_ms;
		wait_ms = wait_before(&c, rc, r, ++attempt);
		if (wait_ms < 0)
			break;
		rc = wait_again(&c, lost_ms, wait_ms, attempt, &r, &own);
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
