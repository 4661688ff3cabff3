/*
 * response.c - an answer read as what the user should know: its headers, the
 * addresses in them, and failures as errors.
 */
#include "net/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/auth.h"

#define CODE_BYTES 64
/* Of a body that is no OCI error document, enough to recognise it. */
#define EXCERPT_BYTES 200

const char *mr_response_header(const struct mr_response *r, const char *name)
{
	return mr_response_header_at(r, name, 0);
}

int mr_response_resolve(const struct mr_response *r, const char *ref,
			char **out, struct mreg_error *err)
{
	const struct mr_answer *a =
		mr_container_of(r, const struct mr_answer, pub);
	MR_AUTO(mr_free) char *url = NULL;
	char host[300];
	int rc;

	mr_answer_host(a, host);
	rc = mr_url_resolve(r->url, ref, &url, err);
	if (rc < 0)
		return rc;
	if (!url)
		return mr_fail(err, MREG_EREMOTE,
			       "'%s' sent an address that is no URL", host);
	rc = mr_origin_check_target(a->home, r->url, url, err);
	if (rc < 0)
		return rc;
	*out = mr_steal(&url);
	return 0;
}

/* -- failures ----------------------------------------------------------------
 */

static int fail_denied(const struct mr_answer *a, const char *what,
		       const char *host, struct mreg_error *err)
{
	const char *user = mr_response_user(&a->pub);

	if (!user[0]) {
		mr_fail(err, MREG_EDENIED,
			"%s: '%s' denies it to anonymous users", what, host);
		return mr_hint(err, "run: mreg login %.120s", host);
	}
	mr_fail(err, MREG_EDENIED, "%s: '%s' denies it to '%s'", what, host,
		user);
	return mr_hint(err, "ask for the right to do so, or log in as another "
			    "user");
}

/* RFC 6750, section 3.1: we are known, and that is not enough. */
static bool is_too_little(const struct mr_response *r)
{
	MR_AUTO(mr_challenges_release) struct mr_challenges all = { .n = 0 };
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *value;
	size_t i;

	for (i = 0; (value = mr_response_header_at(r, "WWW-Authenticate", i));
	     i++) {
		/* What made sense is kept. */
		(void)mr_challenge_parse(value, &all, &ignored);
	}
	for (i = 0; i < all.n; i++)
		if (all.items[i].error &&
		    !strcmp(all.items[i].error, "insufficient_scope"))
			return true;
	return false;
}

static int fail_auth(const struct mr_answer *a, const char *what,
		     const char *host, struct mreg_error *err)
{
	const char *user = mr_response_user(&a->pub);

	if (!user[0]) {
		mr_fail(err, MREG_EAUTH, "%s: '%s' wants credentials", what,
			host);
		return mr_hint(err, "run: mreg login %.120s", host);
	}
	if (is_too_little(&a->pub))
		return fail_denied(a, what, host, err);
	mr_fail(err, MREG_EAUTH, "%s: '%s' refused the credentials of '%s'",
		what, host, user);
	return mr_hint(err, "check them, then run: mreg login %.100s", host);
}

static int fail_by_status(const struct mr_answer *a, const char *what,
			  struct mreg_error *err)
{
	int status = a->pub.status;
	char host[300];

	mr_answer_host(a, host);
	switch (status) {
	case 401:
		return fail_auth(a, what, host, err);
	case 403:
		return fail_denied(a, what, host, err);
	case 404:
		return mr_fail(err, MREG_ENOTFOUND, "%s: not found on '%s'",
			       what, host);
	case 409:
	case 412:
		return mr_fail(err, MREG_ECONFLICT,
			       "%s: '%s' has something else there (HTTP %d)",
			       what, host, status);
	case 413:
		mr_fail(err, MREG_ELIMIT, "%s: too large for '%s'", what, host);
		return mr_hint(err, "the registry, or a proxy before it, "
				    "limits the size of requests");
	case 405:
	case 415:
	case 501:
		return mr_fail(err, MREG_EUNSUPPORTED,
			       "%s: '%s' does not support this (HTTP %d)", what,
			       host, status);
	case 429:
		mr_fail(err, MREG_EREMOTE, "%s: '%s' limits our requests", what,
			host);
		return mr_hint(err, "wait a while, or log in for a higher "
				    "limit");
	default:
		break;
	}
	if (status >= 500) {
		mr_fail(err, MREG_EREMOTE, "%s: '%s' failed (HTTP %d)", what,
			host, status);
		return mr_hint(err, "try again later, or ask the registry's "
				    "operator");
	}
	return mr_fail(err, MREG_EREMOTE,
		       "%s: unexpected answer from '%s' (HTTP %d)", what, host,
		       status);
}

static void load_body(struct mr_response *r, struct mr_buf *body)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char chunk[1024];
	ssize_t got = 1;
	size_t want;

	while (r->body && got > 0 && body->len < MR_ERROR_BODY_MAX_BYTES) {
		want = MR_ERROR_BODY_MAX_BYTES - body->len;
		got = mr_stream_read(
			r->body, chunk,
			want < sizeof(chunk) ? want : sizeof(chunk), &ignored);
		/* What came before it broke still tells something. */
		if (got > 0)
			mr_buf_add(body, chunk, (size_t)got);
	}
}

/* {"errors":[{"code":..,"message":..}]}, as the distribution specification
 * has it; every field may be missing or of another type (P-90). */
static bool quote_errors(const struct mr_buf *body, char code[CODE_BYTES],
			 struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *message = NULL;
	const char *name = NULL;
	json_t *first;

	if (mr_json_parse(body->data, body->len, MR_ERROR_BODY_MAX_BYTES,
			  "error", &root, &ignored) < 0)
		return false;
	first = json_array_get(json_object_get(root, "errors"), 0);
	name = json_string_value(json_object_get(first, "code"));
	message = json_string_value(json_object_get(first, "message"));
	/* Gitea and GitHub's front end say only this much. */
	if (!first)
		message = json_string_value(json_object_get(root, "message"));
	if (!name && !message)
		return false;
	(void)snprintf(code, CODE_BYTES, "%s", name ? name : "");
	mr_cause(err, "the registry says%s%s%s%s", name ? " " : "",
		 name ? name : "", message ? ": " : "", message ? message : "");
	return true;
}

static bool is_html(const struct mr_response *r, const struct mr_buf *body)
{
	const char *type = mr_response_header(r, "Content-Type");
	const char *text = mr_buf_text(body);

	text += strspn(text, " \t\r\n");
	return (type && !strncasecmp(type, "text/html", 9)) ||
	       !strncasecmp(text, "<!doctype html", 14) ||
	       !strncasecmp(text, "<html", 5);
}

static void quote_body(const struct mr_response *r, const struct mr_buf *body,
		       char code[CODE_BYTES], struct mreg_error *err)
{
	const char *coding = mr_response_header(r, "Content-Encoding");
	char excerpt[EXCERPT_BYTES];

	if (body->len == 0 || (coding && strcasecmp(coding, "identity") != 0))
		return;
	if (quote_errors(body, code, err))
		return;
	/* nginx's words, with status 400. */
	if (is_html(r, body) && strstr(body->data, "SSL certificate")) {
		mr_cause(err, "the answer is about a client certificate");
		(void)mr_hint(err, "put NAME.cert and NAME.key into "
				   "~/.config/containers/certs.d/HOST[:PORT]");
		return;
	}
	if (is_html(r, body)) {
		mr_cause(err, "the answer is an HTML page: it came from a "
			      "proxy or a web site, not from a registry");
		return;
	}
	mr_cause(err, "the answer was: %s",
		 mr_text_safe_n(body->data, body->len, excerpt,
				sizeof(excerpt)));
}

int mr_response_fail(struct mr_response *r, const char *what, char *code_out,
		     struct mreg_error *err)
{
	struct mr_answer *a = mr_container_of(r, struct mr_answer, pub);
	struct mr_buf body = MR_BUF_INIT(MR_ERROR_BODY_MAX_BYTES + 1);
	char code[CODE_BYTES] = "";
	int rc;

	load_body(r, &body);
	rc = fail_by_status(a, what, err);
	if (err)
		err->sys = r->status;
	quote_body(r, &body, code, err);
	if (code_out)
		memcpy(code_out, code, CODE_BYTES);
	mr_buf_release(&body);
	return rc;
}
