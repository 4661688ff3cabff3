/*
 * registry.c - whether what answers at an address is a registry at all
 * (protocol.md P-10), and not a web site or another service's port.
 */
#include "net/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

/* Of a body, to tell what it is. */
#define LOOK_BYTES 512

bool mr_response_is_page(const struct mr_response *r)
{
	const char *type = mr_response_header(r, "Content-Type");

	return type && (!strncasecmp(type, "text/html", 9) ||
			!strncasecmp(type, "application/xhtml+xml", 21));
}

/* Of a registry that may well be one at another moment; 501 is what servers
 * of files answer. */
static bool is_trouble(int status)
{
	return mr_retry_status(status) || (status >= 500 && status != 501);
}

static int fail_none(struct mr_response *r, const char *answer,
		     struct mreg_error *err)
{
	struct mr_answer *a = mr_container_of(r, struct mr_answer, pub);
	char host[300];

	mr_answer_host(a, host);
	(void)mr_fail(err, MREG_EREMOTE,
		      "'%s' answers %s to /v2/: it is no registry", host,
		      answer);
	if (err)
		err->sys = r->status;
	return mr_hint(err, "check the host and the port: is it a registry, or "
			    "is a proxy or login page in between?");
}

/*
 * Registries send "{}", nothing, or, as Quay does under text/html, "true".
 * Whoever names the API's version is believed about anything but a page.
 */
static int check_body(struct mr_response *r, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char text[LOOK_BYTES + 1] = "";
	const char *start = text;

	/* What came before it broke still tells something. */
	(void)mr_stream_fill(r->body, text, LOOK_BYTES, &ignored);
	start += strspn(start, " \t\r\n");
	if (*start == '<')
		return fail_none(r, "with a web page", err);
	if (mr_response_header(r, "Docker-Distribution-Api-Version") ||
	    !*start || *start == '{' || *start == '[' ||
	    !strncmp(start, "true", 4))
		return 0;
	return fail_none(r, "with something else", err);
}

int mr_response_check_registry(struct mr_response *r, const char *what,
			       struct mreg_error *err)
{
	char answer[40];

	if (r->status == 200)
		return check_body(r, err);
	if (r->status == 401 || r->status == 403)
		return 0;
	if (is_trouble(r->status))
		return mr_response_fail(r, what, NULL, err);
	(void)snprintf(answer, sizeof(answer), "%d%s", r->status,
		       mr_response_is_page(r) ? " with a web page" : "");
	return fail_none(r, answer, err);
}

int mr_net_check_registry(struct mr_net *n, const char *host,
			  struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *r = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_request rq = { .method = "GET" };
	char origin[300] = "";
	char url[320];
	int rc = mr_net_origin(n, host, origin, sizeof(origin), &why);

	(void)snprintf(url, sizeof(url), "%s/v2/", origin);
	rq.origin = origin;
	rq.url = url;
	if (rc >= 0)
		rc = mr_net_send(n, &rq, &r, &why);
	/* Trouble is no proof; an answer is. */
	if (rc >= 0 && !is_trouble(r->status))
		return mr_response_check_registry(r, "cannot ask", err);
	if (rc != MREG_ECANCELED && rc != MREG_ENOMEM)
		return 0;
	if (err)
		*err = why;
	return rc;
}
