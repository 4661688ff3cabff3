/*
 * token.c - a bearer token from the server that a challenge names.
 *
 * Two ways to ask: GET with Basic credentials, and an OAuth2
 * form.  An identity token can only be given in the form; a password goes by
 * GET first, because more servers know that.
 */
#include "net/auth.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define CLIENT_ID "mreg"
/* The token specification's default; also the least that is believed. */
#define LIFE_MIN_S 60
#define LIFE_MAX_S 86400

static void wipe_buf(struct mr_buf *b)
{
	if (b->data)
		mr_wipe(b->data, b->cap);
	mr_buf_release(b);
}

/* `text` up to the next blank, escaped; returns what follows. */
static const char *add_word(struct mr_buf *b, const char *name,
			    const char *text)
{
	size_t n = strcspn(text, " ");
	MR_AUTO(mr_free) char *word = mr_strndup(text, n);
	MR_AUTO(mr_free) char *safe = word ? mr_url_escape(word) : NULL;

	if (!safe)
		b->failed = MREG_ENOMEM;
	else
		mr_buf_printf(b, "%s=%s&", name, safe);
	return text + n + strspn(text + n, " ");
}

static void add_field(struct mr_buf *b, const char *name, const char *text)
{
	MR_AUTO(mr_free) char *safe = mr_url_escape(text);

	if (!safe) {
		b->failed = MREG_ENOMEM;
		return;
	}
	mr_buf_printf(b, "%s=%s&", name, safe);
	mr_wipe(safe, strlen(safe));
}

/* The realm may have a query of its own.  One parameter per scope. */
static void query(const struct mr_token_request *rq, struct mr_buf *url)
{
	const char *scope;
	size_t i;

	mr_buf_puts(url, rq->realm);
	mr_buf_putc(url, strchr(rq->realm, '?') ? '&' : '?');
	if (rq->service)
		add_field(url, "service", rq->service);
	for (i = 0; i < MR_COUNT(rq->scopes); i++) {
		scope = rq->scopes[i] ? rq->scopes[i] : "";
		scope += strspn(scope, " ");
		while (*scope)
			scope = add_word(url, "scope", scope);
	}
	if (!url->failed)
		url->data[--url->len] = '\0'; /* the last & or ? */
}

/* The same as a form: all scopes in one field. */
static void form(const struct mr_token_request *rq, struct mr_buf *body)
{
	const struct mr_credentials *c = rq->credentials;
	struct mr_buf scopes = MR_BUF_INIT(MR_HEADER_MAX_BYTES);
	size_t i;

	if (c->identity_token) {
		add_field(body, "grant_type", "refresh_token");
		add_field(body, "refresh_token", c->password.bytes);
	} else {
		add_field(body, "grant_type", "password");
		add_field(body, "username", c->username);
		add_field(body, "password",
			  c->password.bytes ? c->password.bytes : "");
	}
	for (i = 0; i < MR_COUNT(rq->scopes); i++)
		if (rq->scopes[i] && rq->scopes[i][0])
			mr_buf_printf(&scopes, "%s%s", scopes.len ? " " : "",
				      rq->scopes[i]);
	if (scopes.len)
		add_field(body, "scope", scopes.data);
	if (rq->service)
		add_field(body, "service", rq->service);
	mr_buf_puts(body, "client_id=" CLIENT_ID);
	if (scopes.failed)
		body->failed = scopes.failed;
	mr_buf_release(&scopes);
}

int mr_auth_basic(const struct mr_credentials *c, struct mr_secret *header)
{
	struct mr_buf both = MR_BUF_INIT(MR_HEADER_MAX_BYTES);
	struct mr_buf line = MR_BUF_INIT(2 * MR_HEADER_MAX_BYTES);
	struct mr_secret encoded = { .bytes = NULL };
	int rc = MREG_ENOMEM;

	mr_buf_puts(&both, c->username);
	mr_buf_putc(&both, ':');
	mr_buf_add(&both, c->password.bytes, c->password.len);
	if (!both.failed &&
	    mr_base64_encode(both.data, both.len, &encoded) >= 0) {
		mr_buf_puts(&line, "Basic ");
		mr_buf_add(&line, encoded.bytes, encoded.len);
		if (!line.failed)
			rc = mr_secret_set(header, line.data, line.len);
	}
	mr_secret_release(&encoded);
	wipe_buf(&both);
	wipe_buf(&line);
	return rc;
}

static int ask_get(struct mr_net *n, const struct mr_token_request *rq,
		   struct mr_outcome *oc, struct mr_response **out,
		   struct mreg_error *err)
{
	struct mr_buf url = MR_BUF_INIT(2 * MR_HEADER_MAX_BYTES);
	struct mr_secret basic = { .bytes = NULL };
	struct mr_wire w = { .method = "GET", .accept = "application/json" };
	int rc;

	query(rq, &url);
	rc = mr_buf_check(&url, "token request", err);
	if (rc >= 0 && rq->credentials->username &&
	    mr_auth_basic(rq->credentials, &basic) < 0)
		rc = mr_fail_nomem(err);
	w.url = mr_buf_text(&url);
	w.home = rq->realm; /* rule 1 for the token server */
	w.authorization = basic.bytes;
	if (rc >= 0)
		rc = mr_net_follow(n, &w, oc, out, err);
	mr_secret_release(&basic);
	mr_buf_release(&url);
	return rc;
}

static int ask_post(struct mr_net *n, const struct mr_token_request *rq,
		    struct mr_outcome *oc, struct mr_response **out,
		    struct mreg_error *err)
{
	struct mr_buf body = MR_BUF_INIT(2 * MR_HEADER_MAX_BYTES);
	struct mr_wire w = { .method = "POST",
			     .url = rq->realm,
			     .home = rq->realm,
			     .accept = "application/json",
			     .content_type =
				     "application/x-www-form-urlencoded" };
	int rc;

	form(rq, &body);
	rc = mr_buf_check(&body, "token request", err);
	w.body = body.data;
	w.body_len = body.len;
	if (rc >= 0)
		rc = mr_exchange(n, &w, oc, out, err);
	wipe_buf(&body);
	return rc;
}

/* Who does not know the form, and how they say it (A-03, B-08). */
static bool is_no_form(int status)
{
	return status == 400 || status == 401 || status == 404 || status == 405;
}

static int ask(struct mr_net *n, const struct mr_token_request *rq,
	       struct mr_outcome *oc, struct mr_response **out,
	       struct mreg_error *err)
{
	const struct mr_credentials *c = rq->credentials;
	int rc;

	if (c->username && c->identity_token) {
		rc = ask_post(n, rq, oc, out, err);
		/* Without a name GET would be anonymous, not us. */
		if (rc < 0 || !is_no_form((*out)->status) || !c->username[0] ||
		    !strcmp(c->username, "<token>"))
			return rc;
		mr_response_freep(out);
		return ask_get(n, rq, oc, out, err);
	}
	rc = ask_get(n, rq, oc, out, err);
	if (rc < 0 || !c->username ||
	    ((*out)->status != 404 && (*out)->status != 405))
		return rc;
	mr_response_freep(out);
	return ask_post(n, rq, oc, out, err);
}

/* A token becomes a header's value: nothing may end it early (H39). */
static bool is_clean(const char *token)
{
	const unsigned char *p = (const unsigned char *)token;

	for (; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return false;
	return token[0] != '\0';
}

/* Only a hint: 60 s when it is absent or no sensible number. */
static int64_t read_life(const json_t *root)
{
	const json_t *life = json_object_get(root, "expires_in");
	double s = json_number_value(life); /* 0 for what is no number */

	if (s > LIFE_MAX_S)
		return LIFE_MAX_S;
	return s > LIFE_MIN_S ? (int64_t)s : LIFE_MIN_S;
}

static void wipe_string(const json_t *root, const char *key)
{
	json_t *s = json_object_get(root, key);

	if (json_is_string(s))
		mr_wipe((char *)json_string_value(s), json_string_length(s));
}

static int read_token(struct mr_response *r, const char *server,
		      struct mr_secret *token, int64_t *life_s,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	struct mr_buf body = MR_BUF_INIT(MR_TOKEN_MAX_BYTES);
	const char *text;
	int rc;

	rc = mr_stream_load(r->body, &body, err);
	if (rc >= 0)
		rc = mr_json_parse(mr_buf_text(&body), body.len,
				   MR_TOKEN_MAX_BYTES, "its answer", &root,
				   err);
	wipe_buf(&body);
	if (rc == MREG_EFORMAT || rc == MREG_ELIMIT)
		/* Its words may hold the token. */
		return mr_fail(err, MREG_EREMOTE,
			       "token server '%s' gave a malformed answer",
			       server);
	if (rc < 0)
		return mr_wrap(err, "cannot read a token from '%s'", server);
	text = json_string_value(json_object_get(root, "token"));
	if (!text || !text[0])
		text = json_string_value(json_object_get(root, "access_token"));
	if (!text || !is_clean(text))
		rc = mr_fail(err, MREG_EREMOTE,
			     "token server '%s' sent no usable token", server);
	else if (mr_secret_set(token, text, strlen(text)) < 0)
		rc = mr_fail_nomem(err);
	*life_s = read_life(root);
	wipe_string(root, "token");
	wipe_string(root, "access_token");
	wipe_string(root, "refresh_token");
	return rc;
}

static int fail_status(struct mr_net *n, const struct mr_token_request *rq,
		       struct mr_response *r, struct mr_outcome *oc,
		       struct mreg_error *err)
{
	const char *user = rq->credentials->username;
	char what[400];

	oc->retry = mr_retry_status(r->status);
	oc->retry_after_s = mr_retry_after_s(
		mr_response_header(r, "Retry-After"), mr_now_s(n->env));
	mr_response_set_user(r, user && user[0] ? user : user ? "<token>" : "");
	(void)snprintf(what, sizeof(what), "no access to '%s'", rq->host);
	(void)mr_response_fail(r, what, NULL, err); /* judged below */
	/* 400 is how some say that a password is wrong. */
	if (err && (r->status == 403 || (r->status == 400 && user)))
		err->code = MREG_EAUTH;
	if (r->status == 401 || r->status == 403 || r->status == 400)
		(void)mr_hint(err, "run: mreg login %.120s", rq->host);
	return err ? (int)err->code : MREG_EAUTH;
}

int mr_token_fetch(struct mr_net *n, const struct mr_token_request *rq,
		   struct mr_outcome *oc, struct mr_secret *token,
		   int64_t *life_s, struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *r = NULL;
	struct mreg_error own = MREG_ERROR_INIT;
	char server[300];
	int rc;

	memset(oc, 0, sizeof(*oc));
	rc = mr_origin_check_realm(n, rq->origin, rq->realm, err);
	if (rc < 0)
		return rc;
	if (mr_url_host(rq->realm, server, sizeof(server)) < 0)
		server[0] = '\0'; /* was checked */
	rc = ask(n, rq, oc, &r, &own);
	if (rc >= 0 && r->status == 200) {
		rc = read_token(r, server, token, life_s, &own);
		oc->retry = rc == MREG_ENETWORK; /* it broke off */
	} else if (rc >= 0) {
		rc = fail_status(n, rq, r, oc, &own);
	}
	if (rc == MREG_ENETWORK)
		(void)mr_wrap(&own, "no token for '%s': %.150s", rq->host,
			      own.msg);
	if (rc < 0 && err)
		*err = own;
	return rc;
}
