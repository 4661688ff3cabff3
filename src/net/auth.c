/*
 * auth.c - what a request shows to a registry: learned from challenges, kept
 * per registry and scope, renewed before it ends.
 *
 * 1. A grant is asked for by one thread; the others wait for its answer.
 * 2. `turn` counts what a grant went through.  A 401 to something older than
 *    the grant's turn says nothing: somebody has renewed it meanwhile.
 * 3. What was accepted once and then refused is stale and renewed; what was
 *    refused at once is wrong, and the user hears of it.
 */
#include "net/auth.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define REGISTRY_TOKEN_LIFE_S 3600

static bool set_text(char **slot, const char *text)
{
	char *copy = text ? mr_strdup(text) : NULL;

	if (text && !copy)
		return false;
	mr_release(*slot);
	*slot = copy;
	return true;
}

/* Under n->lock.  A new scope begins with what the last one had to show. */
static struct mr_grant *grant_for(struct mr_origin *o, const char *scope)
{
	const char *name = scope ? scope : "";
	struct mr_grant *g;

	for (g = o->grants; g; g = g->next)
		if (!strcmp(g->scope, name))
			return g;
	g = mr_zalloc(sizeof(*g));
	if (!g)
		return NULL;
	g->scope = mr_strdup(name);
	if (!g->scope ||
	    (o->latest && (!set_text(&g->realm, o->latest->realm) ||
			   !set_text(&g->service, o->latest->service)))) {
		mr_grant_free(g);
		return NULL;
	}
	g->scheme = o->latest ? o->latest->scheme : MR_SCHEME_NONE;
	g->inherited = o->latest != NULL;
	g->next = o->grants;
	o->grants = g;
	return g;
}

/* Under n->lock. */
static int wait_change(struct mr_net *n, struct mreg_error *err)
{
	(void)mr_net_wait_change(n); /* the caller looks again either way */
	return mr_check_cancel(n->env, err);
}

static struct mr_login *login_new(const struct mr_credentials *c,
				  struct mreg_error *err)
{
	struct mr_login *l = mr_zalloc(sizeof(*l));

	if (!l) {
		mr_fail_nomem(err);
		return NULL;
	}
	l->current = true;
	l->repository = mr_strdup("");
	if (!l->repository)
		mr_fail_nomem(err);
	if (!l->repository ||
	    mr_credentials_copy(c, &l->credentials, err) < 0) {
		mr_login_free(l);
		return NULL;
	}
	return l;
}

int mr_auth_reset(struct mr_net *n, struct mr_origin *o,
		  const struct mr_credentials *c, struct mreg_error *err)
{
	struct mr_login *given = c ? login_new(c, err) : NULL;
	struct mr_grant *g;

	if (c && !given)
		return MREG_ENOMEM;
	pthread_mutex_lock(&n->lock);
	/* Others may hold a grant: it stays, and forgets. */
	for (g = o->grants; g; g = g->next) {
		mr_secret_release(&g->token);
		g->scheme = MR_SCHEME_NONE;
		g->proven = false;
		g->turn++;
	}
	o->latest = NULL;
	mr_login_set(o, given);
	pthread_mutex_unlock(&n->lock);
	return 0;
}

/* -- showing -----------------------------------------------------------------
 */

void mr_pass_release(struct mr_pass *p)
{
	mr_secret_release(&p->header);
	memset(p, 0, sizeof(*p));
}

static int show_token(const struct mr_grant *g, struct mr_pass *out,
		      struct mreg_error *err)
{
	static const char prefix[] = "Bearer ";
	size_t n = sizeof(prefix) - 1 + g->token.len;
	char *text = mr_alloc(n);
	int rc = MREG_ENOMEM;

	if (text) {
		memcpy(text, prefix, sizeof(prefix) - 1);
		memcpy(text + sizeof(prefix) - 1, g->token.bytes, g->token.len);
		rc = mr_secret_set(&out->header, text, n);
		mr_wipe(text, n);
		mr_release(text);
	}
	out->scheme = MR_SCHEME_BEARER;
	out->turn = g->turn;
	return rc < 0 ? mr_fail_nomem(err) : 0;
}

static void name_user(const struct mr_credentials *c, char out[128])
{
	const char *user = c->username;

	if (user && !user[0])
		user = "<token>";
	(void)snprintf(out, 128, "%s", user ? user : ""); /* shown only */
}

static int show_basic(struct mr_net *n, struct mr_origin *o, const char *scope,
		      unsigned int turn, struct mr_pass *out,
		      struct mreg_error *err)
{
	struct mr_credentials c;
	int rc;

	rc = mr_login_get(n, o, scope, &c, err);
	if (rc >= 0 && c.username) {
		out->scheme = MR_SCHEME_BASIC;
		if (mr_auth_basic(&c, &out->header) < 0)
			rc = mr_fail_nomem(err);
		name_user(&c, out->user);
	}
	out->turn = turn;
	mr_credentials_release(&c);
	return rc;
}

/* A token is renewed while it still holds for the request that is about to
 * begin: a minute or a fifth of its life before its end, but a short
 * one is used for half of it. */
static int64_t renew_after_s(int64_t life_s)
{
	int64_t margin_s = life_s / 5 > 60 ? life_s / 5 : 60;

	return margin_s * 2 > life_s ? life_s / 2 : life_s - margin_s;
}

/* An upload wants its minute even of a short one; but not a new token for
 * each of many: one that lives for a minute serves for its first fifth. */
static int64_t upload_renew_after_s(int64_t life_s)
{
	int64_t usual_s = renew_after_s(life_s);
	int64_t fresh_s = life_s - 60 > life_s / 5 ? life_s - 60 : life_s / 5;

	return fresh_s < usual_s ? fresh_s : usual_s;
}

/* A token of the registry's own in the file needs no token server; how long
 * it lives nobody says, and there is no other. */
static int use_token(const struct mr_credentials *c, struct mr_secret *token,
		     int64_t *life_s, struct mreg_error *err)
{
	*life_s = REGISTRY_TOKEN_LIFE_S;
	if (mr_secret_set(token, c->password.bytes, c->password.len) < 0)
		return mr_fail_nomem(err);
	return 0;
}

/* Ask with what the login has, in `c`; what a helper gave may have ended
 * meanwhile, then once more with what it gives now. */
static int ask(struct mr_net *n, struct mr_origin *o,
	       const struct mr_token_request *rq, struct mr_credentials *c,
	       struct mr_outcome *oc, struct mr_secret *token, int64_t *life_s,
	       char user[128], struct mreg_error *err)
{
	const char *scope = rq->scopes[1];
	struct mreg_error own = MREG_ERROR_INIT;
	bool again;
	int rc;

	do {
		rc = mr_login_get(n, o, scope, c, &own);
		if (rc >= 0 && c->registry_token)
			rc = use_token(c, token, life_s, &own);
		else if (rc >= 0)
			rc = mr_token_fetch(n, rq, oc, token, life_s, &own);
		name_user(c, user);
		mr_credentials_release(c);
		pthread_mutex_lock(&n->lock);
		again = rc == MREG_EAUTH && mr_login_again(o, scope);
		pthread_mutex_unlock(&n->lock);
	} while (again);
	if (rc >= 0)
		mr_login_proven(n, o, scope);
	else if (err)
		*err = own;
	return rc;
}

/* Under n->lock. */
static void keep_token(struct mr_net *n, struct mr_grant *g,
		       struct mr_secret *token, int64_t life_s,
		       const char *user)
{
	int64_t now_ms = mr_mono_ms(n->env);

	mr_secret_release(&g->token);
	g->token = *token;
	token->bytes = NULL;
	memcpy(g->user, user, sizeof(g->user));
	g->renew_ms = now_ms + renew_after_s(life_s) * 1000;
	g->upload_renew_ms = now_ms + upload_renew_after_s(life_s) * 1000;
	g->proven = false;
	g->turn++;
}

/* Under n->lock, which is given up meanwhile. */
static int fetch(struct mr_net *n, struct mr_origin *o, struct mr_grant *g,
		 struct mr_outcome *oc, struct mreg_error *err)
{
	struct mr_secret token = { .bytes = NULL };
	MR_AUTO(mr_free) char *realm = mr_strdup(g->realm);
	MR_AUTO(mr_free) char *service = NULL;
	MR_AUTO(mr_free) char *extra = NULL;
	struct mr_credentials c = { .username = NULL };
	struct mr_token_request rq = { .origin = o->name,
				       .host = o->host,
				       .credentials = &c };
	unsigned int turn = g->turn;
	int64_t life_s = 0;
	char user[128];
	int rc;

	if (!realm || !set_text(&service, g->service) ||
	    !set_text(&extra, g->extra))
		return mr_fail_nomem(err);
	g->fetching = true;
	pthread_mutex_unlock(&n->lock);
	rq.realm = realm;
	rq.service = service;
	/* Some servers look at the first scope only. */
	rq.scopes[0] = extra;
	rq.scopes[1] = g->scope;
	rc = ask(n, o, &rq, &c, oc, &token, &life_s, user, err);
	pthread_mutex_lock(&n->lock);
	g->fetching = false;
	pthread_cond_broadcast(&n->changed);
	/* After a login meanwhile nobody wants it any more. */
	if (rc >= 0 && g->turn == turn)
		keep_token(n, g, &token, life_s, user);
	mr_secret_release(&token);
	return rc;
}

static bool is_current(struct mr_net *n, const struct mr_grant *g, bool upload)
{
	return g->token.bytes &&
	       mr_mono_ms(n->env) < (upload ? g->upload_renew_ms : g->renew_ms);
}

/* Under n->lock. */
static int show_bearer(struct mr_net *n, struct mr_origin *o,
		       struct mr_grant *g, bool upload, struct mr_pass *out,
		       struct mr_outcome *oc, struct mreg_error *err)
{
	int rc = 0;

	while (rc >= 0 && g->scheme == MR_SCHEME_BEARER &&
	       !is_current(n, g, upload))
		rc = g->fetching ? wait_change(n, err)
				 : fetch(n, o, g, oc, err);
	if (rc < 0)
		return rc;
	out->turn = g->turn;
	if (g->scheme != MR_SCHEME_BEARER)
		return 0; /* forgotten meanwhile: begin anonymously */
	memcpy(out->user, g->user, sizeof(out->user));
	return show_token(g, out, err);
}

int mr_auth_get(struct mr_net *n, struct mr_origin *o, const char *scope,
		bool upload, struct mr_pass *out, struct mr_outcome *oc,
		struct mreg_error *err)
{
	enum mr_scheme scheme;
	unsigned int turn = 0;
	struct mr_grant *g;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	memset(oc, 0, sizeof(*oc));
	pthread_mutex_lock(&n->lock);
	g = grant_for(o, scope);
	scheme = g ? g->scheme : MR_SCHEME_NONE;
	if (!g)
		rc = mr_fail_nomem(err);
	else if (scheme == MR_SCHEME_BEARER)
		rc = show_bearer(n, o, g, upload, out, oc, err);
	else
		out->turn = turn = g->turn;
	pthread_mutex_unlock(&n->lock);
	if (rc >= 0 && scheme == MR_SCHEME_BASIC)
		rc = show_basic(n, o, scope, turn, out, err);
	if (rc < 0)
		mr_pass_release(out);
	return rc;
}

void mr_auth_accepted(struct mr_net *n, struct mr_origin *o, const char *scope,
		      const struct mr_pass *p)
{
	struct mr_grant *g;

	if (p->scheme == MR_SCHEME_NONE)
		return;
	pthread_mutex_lock(&n->lock);
	g = grant_for(o, scope);
	if (g && g->turn == p->turn) {
		g->proven = true;
		g->inherited = false;
		o->latest = g;
	}
	pthread_mutex_unlock(&n->lock);
	if (p->scheme == MR_SCHEME_BASIC)
		mr_login_proven(n, o, scope);
}

/* -- being refused -----------------------------------------------------------
 */

struct offer {
	const struct mr_challenge *bearer, *basic; /* NULL: not offered */
	char *realm;                               /* owned; absolute */
};

static int read_offer(const struct mr_response *r, struct mr_challenges *all,
		      struct offer *out, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	const struct mr_challenge *c;
	const char *value;
	size_t i;
	int rc;

	for (i = 0; (value = mr_response_header_at(r, "WWW-Authenticate", i));
	     i++) {
		/* What made sense is kept, and enough. */
		if (mr_challenge_parse(value, all, &ignored) == MREG_ENOMEM)
			return mr_fail_nomem(err);
	}
	for (i = 0; i < all->n; i++) {
		c = &all->items[i];
		if (!out->bearer && c->realm && !strcmp(c->scheme, "bearer"))
			out->bearer = c;
		if (!out->basic && !strcmp(c->scheme, "basic"))
			out->basic = c;
	}
	if (!out->bearer)
		return 0;
	rc = mr_url_resolve(r->url, out->bearer->realm, &out->realm, err);
	if (rc < 0)
		return rc;
	if (!out->realm)
		return mr_fail(err, MREG_EREMOTE,
			       "a registry named a token server that is no "
			       "URL");
	return 0;
}

/* Under n->lock: from now on `scheme`.  False: out of memory, and nothing
 * changed but what names the token server. */
static bool adopt(struct mr_origin *o, struct mr_grant *g,
		  enum mr_scheme scheme, const struct offer *offer)
{
	/* Before the scheme: without a realm there is nobody to ask. */
	if (scheme == MR_SCHEME_BEARER &&
	    (!set_text(&g->realm, offer->realm) ||
	     !set_text(&g->service, offer->bearer->service)))
		return false;
	mr_secret_release(&g->token);
	g->proven = false;
	g->turn++;
	g->scheme = scheme;
	g->inherited = false;
	o->latest = g;
	return true;
}

/* Under n->lock: asked for without a scope, the registry names what it wants;
 * it is no use to ask twice for the same. */
static const char *unasked_scope(const struct mr_grant *g,
				 const struct offer *offer)
{
	const char *scope = offer->bearer ? offer->bearer->scope : NULL;

	if (!scope || !scope[0] || !strcmp(g->scope, scope) ||
	    (g->extra && !strcmp(g->extra, scope)))
		return NULL;
	return scope;
}

static bool misses_scope(const struct mr_grant *g, const struct offer *offer)
{
	const char *error = offer->bearer ? offer->bearer->error : NULL;

	return unasked_scope(g, offer) &&
	       (!g->scope[0] ||
		(error && !strcmp(error, "insufficient_scope")));
}

/* Under n->lock.  *ok false: out of memory.  Returns whether to try again. */
static bool react(struct mr_origin *o, struct mr_grant *g,
		  const struct mr_pass *p, const struct offer *offer,
		  bool have_credentials, bool *ok)
{
	bool basic = offer->basic && have_credentials;

	if (g->turn != p->turn)
		return true;
	if (p->scheme != MR_SCHEME_NONE && misses_scope(g, offer)) {
		*ok = set_text(&g->extra, offer->bearer->scope) &&
		      adopt(o, g, MR_SCHEME_BEARER, offer);
		return true;
	}
	if (p->scheme == MR_SCHEME_BEARER && g->proven) {
		/* Harbor answers a token that has ended with Basic (P-10). */
		g->proven = false;
		g->turn++;
		mr_secret_release(&g->token);
		return true;
	}
	/* What another scope had to show may be wrong for this one. */
	if (offer->bearer && (p->scheme != MR_SCHEME_BEARER || g->inherited)) {
		*ok = adopt(o, g, MR_SCHEME_BEARER, offer);
		if (*ok && !g->scope[0])
			*ok = set_text(&g->extra, offer->bearer->scope);
		return true;
	}
	/* A helper may have a new password by now. */
	if (basic && p->scheme == MR_SCHEME_BASIC &&
	    mr_login_again(o, g->scope)) {
		g->proven = false;
		g->turn++;
		return true;
	}
	if (basic && p->scheme != MR_SCHEME_BASIC) {
		*ok = adopt(o, g, MR_SCHEME_BASIC, offer);
		return true;
	}
	return false;
}

int mr_auth_refused(struct mr_net *n, struct mr_origin *o, const char *scope,
		    const struct mr_pass *p, const struct mr_response *r,
		    bool *again, struct mreg_error *err)
{
	MR_AUTO(mr_challenges_release) struct mr_challenges all = { .n = 0 };
	struct mr_credentials c = { .username = NULL };
	struct offer offer = { .bearer = NULL };
	struct mr_grant *g;
	bool ok = true;
	int rc;

	*again = false;
	rc = read_offer(r, &all, &offer, err);
	if (rc >= 0 && offer.basic)
		rc = mr_login_get(n, o, scope, &c, err);
	if (rc >= 0) {
		pthread_mutex_lock(&n->lock);
		g = grant_for(o, scope);
		ok = g != NULL;
		*again = g && react(o, g, p, &offer, c.username != NULL, &ok);
		pthread_mutex_unlock(&n->lock);
	}
	mr_credentials_release(&c);
	mr_release(offer.realm);
	return ok ? rc : mr_fail_nomem(err);
}
