/*
 * origin.c - where one may go, and where credentials may: the rules of net.h,
 * and the table of what is known of each registry.
 */
#include "net/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/auth.h"

/* The https attempt on a loopback port: a server that does not speak TLS may
 * wait for the end of what it takes for a line. */
#define PROBE_MS 3000L
/* The fact that a loopback port spoke no TLS, and when; one that has begun to
 * speak both is asked for https again the next day. */
#define PLAIN_KEY "plain"
#define PLAIN_MAX_S 86400

void mr_grant_free(struct mr_grant *g)
{
	mr_secret_release(&g->token);
	mr_release(g->scope);
	mr_release(g->realm);
	mr_release(g->service);
	mr_release(g->extra);
	mr_release(g);
}

void mr_origin_free(struct mr_origin *o)
{
	struct mr_login *l;
	struct mr_grant *g;

	if (!o)
		return;
	while ((g = o->grants) != NULL) {
		o->grants = g->next;
		mr_grant_free(g);
	}
	while ((l = o->logins) != NULL) {
		o->logins = l->next;
		mr_login_free(l);
	}
	mr_certs_free(o->certs);
	mr_release(o->name);
	mr_release(o->host);
	mr_release(o);
}

static struct mr_origin *find(struct mr_net *n, const char *name)
{
	struct mr_origin *o;

	for (o = n->origins; o; o = o->next)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static struct mr_origin *add(struct mr_net *n, const char *name)
{
	struct mr_origin *o = mr_zalloc(sizeof(*o));

	if (!o)
		return NULL;
	o->name = mr_strdup(name);
	o->host = mr_strdup(strstr(name, "://") + 3);
	if (!o->name || !o->host) {
		mr_origin_free(o);
		return NULL;
	}
	mr_lanes_init(o);
	o->next = n->origins;
	n->origins = o;
	return o;
}

int mr_origin_get(struct mr_net *n, const char *origin, struct mr_origin **out,
		  struct mreg_error *err)
{
	char name[300];

	if (mr_url_origin(origin, name, sizeof(name)) < 0)
		return mr_fail(err, MREG_EUSAGE,
			       "'%s' is not the address of a registry", origin);
	pthread_mutex_lock(&n->lock);
	*out = find(n, name);
	if (!*out)
		*out = add(n, name);
	pthread_mutex_unlock(&n->lock);
	return *out ? 0 : mr_fail_nomem(err);
}

int mr_origin_check_target(const char *origin, const char *from, const char *to,
			   struct mreg_error *err)
{
	char here[300];
	char there[300];

	if (mr_url_host(from, here, sizeof(here)) < 0 ||
	    mr_url_host(to, there, sizeof(there)) < 0)
		return mr_fail(err, MREG_EREMOTE,
			       "a registry sent an address that is no URL");
	if (mr_url_same_origin(origin, to))
		return 0;
	if (mr_url_is_https(from) && !mr_url_is_https(to))
		return mr_fail(err, MREG_EREMOTE,
			       "'%s' leads from https to http on '%s': refused",
			       here, there);
	if (mr_url_is_private(to) && !mr_url_is_private(origin)) {
		mr_fail(err, MREG_EREMOTE,
			"'%s' leads to the private address '%s': refused", here,
			there);
		return mr_hint(err, "only a registry with a private address "
				    "may do so");
	}
	return 0;
}

int mr_origin_check_upload(const char *origin, const char *to,
			   struct mreg_error *err)
{
	char here[300];
	char there[300];

	if (mr_url_same_origin(origin, to) || mr_url_is_https(to) ||
	    (mr_url_is_private(to) && mr_url_is_private(origin)))
		return 0;
	if (mr_url_host(origin, here, sizeof(here)) < 0 ||
	    mr_url_host(to, there, sizeof(there)) < 0)
		return mr_fail(err, MREG_EREMOTE,
			       "a registry sent an address that is no URL");
	return mr_fail(err, MREG_EREMOTE,
		       "'%s' wants the upload sent without TLS to '%s': "
		       "refused",
		       here, there);
}

static int check_realm_place(const char *host, const char *origin,
			     const char *realm, const char *server,
			     struct mreg_error *err)
{
	if (mr_url_is_https(origin) && !mr_url_is_https(realm))
		return mr_fail(err, MREG_EAUTH,
			       "'%s' wants credentials sent to '%s' without "
			       "TLS: refused",
			       host, server);
	if (mr_url_is_private(realm) && !mr_url_is_private(origin))
		return mr_fail(err, MREG_EAUTH,
			       "'%s' wants credentials sent to the private "
			       "address '%s': refused",
			       host, server);
	return 0;
}

/*
 * What is remembered is the token server's origin: the path may change with
 * a registry's version, the server gets the password.
 */
int mr_origin_check_realm(struct mr_net *n, const char *origin,
			  const char *realm, struct mreg_error *err)
{
	char host[300];
	char server[300];
	char now[300];
	char before[300];
	int rc;

	if (mr_url_host(origin, host, sizeof(host)) < 0 ||
	    mr_url_host(realm, server, sizeof(server)) < 0 ||
	    mr_url_origin(realm, now, sizeof(now)) < 0)
		return mr_fail(err, MREG_EAUTH,
			       "a registry named a token server that is no "
			       "URL");
	if (!mr_url_same_origin(origin, realm)) {
		rc = check_realm_place(host, origin, realm, server, err);
		if (rc < 0)
			return rc;
	}
	if (!mr_state_fact_get(n->state, origin, "realm", before,
			       sizeof(before))) {
		mr_state_fact_put(n->state, origin, "realm", now);
		return 0;
	}
	if (!strcmp(before, now))
		return 0;
	mr_fail(err, MREG_EAUTH,
		"'%s' now wants credentials sent to '%s', before it was '%s'",
		host, server,
		strstr(before, "://") ? strstr(before, "://") + 3 : before);
	return mr_hint(err, "if that is right: mreg login %.100s", host);
}

/* -- http or https -----------------------------------------------------------
 */

/* Docker Hub's registry has another name than its images. */
static const char *real_host(const char *host)
{
	if (!strcmp(mr_host_key(host), host))
		return host;
	return "registry-1.docker.io";
}

struct mr_origin *mr_origin_by_host(struct mr_net *n, const char *host)
{
	const char *name = real_host(host);
	struct mr_origin *o;

	pthread_mutex_lock(&n->lock);
	for (o = n->origins; o; o = o->next)
		if (!strcmp(o->host, name) && (o->chosen || o->answered))
			break;
	pthread_mutex_unlock(&n->lock);
	return o;
}

/* Decided once for every host. */
static bool known(struct mr_net *n, const char *name)
{
	struct mr_origin *o;
	bool is;

	pthread_mutex_lock(&n->lock);
	o = find(n, name);
	is = o && (o->chosen || o->answered);
	pthread_mutex_unlock(&n->lock);
	return is;
}

static int choose(struct mr_net *n, const char *name, struct mreg_error *err)
{
	struct mr_origin *o;
	int rc = mr_origin_get(n, name, &o, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&n->lock);
	o->chosen = true;
	pthread_mutex_unlock(&n->lock);
	return 0;
}

/* https where it can be spoken; the answer itself does not matter, nor
 * does a certificate that does not hold: that is no reason for http. */
static int probe(struct mr_net *n, const char *host, const char *https,
		 bool *plain, struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *r = NULL;
	struct mreg_error own = MREG_ERROR_INIT;
	struct mr_wire w = { .method = "GET",
			     .connect_ms = PROBE_MS,
			     .probe = true };
	struct mr_outcome oc;
	char url[320];
	int rc;

	(void)snprintf(url, sizeof(url), "%s/v2/", https); /* was checked */
	w.url = url;
	w.home = https;
	rc = mr_exchange(n, &w, &oc, &r, &own);
	*plain = rc == MREG_ENETWORK && oc.not_tls;
	if (rc >= 0 || *plain)
		return 0;
	if (rc == MREG_ENETWORK && !oc.unreached)
		return 0;
	if (rc == MREG_ENETWORK)
		mr_log(n->env, MREG_LOG_DEBUG, "'%s': %s", host, own.msg);
	if (err)
		*err = own;
	return rc;
}

/* Whether an earlier run found that no TLS is spoken there, lately. */
static bool was_plain(struct mr_net *n, const char *http)
{
	uint64_t now_s = (uint64_t)mr_now_s(n->env);
	uint64_t then_s = 0;
	char text[32];

	return mr_state_fact_get(n->state, http, PLAIN_KEY, text,
				 sizeof(text)) &&
	       mr_text_u64(text, INT64_MAX, &then_s) == 0 && then_s <= now_s &&
	       now_s - then_s < PLAIN_MAX_S;
}

static void keep_plain(struct mr_net *n, const char *http)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, mr_now_s(n->env));
	mr_state_fact_put(n->state, http, PLAIN_KEY, text);
}

/*
 * Whether a registry still answers there, in a request that shows nobody's
 * credentials.  Whatever else comes (400 of a server that wants TLS now, bytes
 * that are no answer, nothing) decides nothing: https is tried then, and what
 * that says is what the user hears.
 */
static int check_plain(struct mr_net *n, const char *http, bool *plain,
		       struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *r = NULL;
	struct mreg_error own = MREG_ERROR_INIT;
	struct mr_wire w = { .method = "GET",
			     .connect_ms = PROBE_MS,
			     .whole_ms = PROBE_MS };
	struct mr_outcome oc;
	char url[320];
	int rc;

	(void)snprintf(url, sizeof(url), "%s/v2/", http); /* was checked */
	w.url = url;
	w.home = http;
	rc = mr_exchange(n, &w, &oc, &r, &own);
	*plain = rc >= 0 && (r->status == 200 || r->status == 401);
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM) {
		if (err)
			*err = own;
		return rc;
	}
	if (!*plain)
		mr_state_fact_put(n->state, http, PLAIN_KEY, NULL);
	return 0;
}

/* A-31 for a loopback host that nothing was decided about. */
static int find_scheme(struct mr_net *n, const char *host, const char *https,
		       const char *http, bool *plain, struct mreg_error *err)
{
	int rc = 0;

	*plain = false;
	if (was_plain(n, http))
		rc = check_plain(n, http, plain, err);
	if (rc < 0 || *plain)
		return rc;
	rc = probe(n, host, https, plain, err);
	if (rc >= 0 && *plain)
		keep_plain(n, http);
	return rc;
}

void mr_origin_forget_plain(struct mr_net *n, const char *host)
{
	char url[300];
	char http[300];

	if (snprintf(url, sizeof(url), "http://%s", real_host(host)) <
		    (int)sizeof(url) &&
	    mr_url_origin(url, http, sizeof(http)) >= 0)
		mr_state_fact_put(n->state, http, PLAIN_KEY, NULL);
}

int mr_net_origin(struct mr_net *n, const char *host, char *out, size_t cap,
		  struct mreg_error *err)
{
	const char *name = real_host(host);
	char https[300];
	char http[300];
	char url[300];
	bool plain = n->plain_http;
	int rc;

	rc = mr_host_check(host, err);
	if (rc < 0)
		return rc;
	(void)snprintf(url, sizeof(url), "https://%s", name);
	if (mr_url_origin(url, https, sizeof(https)) < 0)
		return mr_fail(err, MREG_EUSAGE, "'%s' is not a host", host);
	(void)snprintf(url, sizeof(url), "http://%s", name);
	if (mr_url_origin(url, http, sizeof(http)) < 0)
		return mr_fail(err, MREG_EUSAGE, "'%s' is not a host", host);
	if (!plain && mr_url_is_loopback(https) && !known(n, https)) {
		plain = known(n, http);
		rc = plain ? 0 : find_scheme(n, host, https, http, &plain, err);
		if (rc < 0)
			return rc;
	}
	if (snprintf(out, cap, "%s", plain ? http : https) >= (int)cap)
		return mr_fail(err, MREG_ELIMIT, "'%s' is too long", host);
	return choose(n, out, err);
}
