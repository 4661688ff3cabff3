/*
 * follow.c - redirects, followed by hand: each hop is judged before anything
 * is sent to it.
 */
#include "net/wire.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

static bool is_redirect(const struct mr_response *r)
{
	switch (r->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return mr_response_header(r, "Location") != NULL;
	default:
		return false;
	}
}

/* A body is never sent on (P-34): the caller gets the 3xx. */
static bool may_follow(const struct mr_wire *w)
{
	return !strcmp(w->method, "GET") || !strcmp(w->method, "HEAD");
}

/* The next hop of `w`, judged; `*url` holds its address. */
static int next_hop(const struct mr_response *r, struct mr_wire *w, char **url,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) char *to = NULL;
	char host[300];
	int rc;

	rc = mr_url_resolve(r->url, mr_response_header(r, "Location"), &to,
			    err);
	if (rc < 0)
		return rc;
	if (!to) {
		if (mr_url_host(r->url, host, sizeof(host)) < 0)
			host[0] = '\0';
		return mr_fail(err, MREG_EREMOTE,
			       "'%s' redirects to what is no URL", host);
	}
	rc = mr_origin_check_target(w->home, r->url, to, err);
	if (rc < 0)
		return rc;
	/* Once somebody else sent us, it is not our registry asking: no
	 * credentials even if the way leads back. */
	if (!mr_url_same_origin(w->home, to))
		w->authorization = NULL;
	mr_release(*url);
	*url = mr_steal(&to);
	w->url = *url;
	return 0;
}

/* Somebody may have shut the gate of that hop since this request began: while
 * it waited for its place, or for a token. */
static int check_gate(struct mr_net *n, const struct mr_wire *w,
		      struct mr_outcome *oc, struct mreg_error *err)
{
	struct mr_origin *o;
	int rc = mr_origin_get(n, w->url, &o, err);

	if (rc < 0 || !mr_gate_is_shut(n, o))
		return rc;
	memset(oc, 0, sizeof(*oc));
	oc->shut = o;
	return mr_fail(err, MREG_ENETWORK, "'%s' wants no request for a while",
		       o->host);
}

int mr_net_follow(struct mr_net *n, const struct mr_wire *first,
		  struct mr_outcome *oc, struct mr_response **out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_free) char *url = NULL;
	struct mr_wire w = *first;
	struct mr_response *r;
	unsigned int hops;
	char host[300];
	int rc;

	for (hops = 0; hops <= MR_REDIRECT_MAX; hops++) {
		rc = check_gate(n, &w, oc, err);
		rc = rc < 0 ? rc : mr_exchange(n, &w, oc, &r, err);
		if (rc < 0)
			return rc;
		if (!may_follow(&w) || !is_redirect(r)) {
			*out = r;
			return 0;
		}
		rc = next_hop(r, &w, &url, err);
		mr_response_free(r);
		if (rc < 0)
			return rc;
	}
	if (mr_url_host(first->url, host, sizeof(host)) < 0)
		host[0] = '\0';
	return mr_fail(err, MREG_EREMOTE, "'%s' redirects more than %d times",
		       host, MR_REDIRECT_MAX);
}
