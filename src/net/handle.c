/*
 * handle.c - curl handles: a pool of them, and every option they are set to.
 *
 * A handle is an easy and a multi of its own, so its connections belong to
 * one thread at a time.  Idle ones keep their connections alive.
 */
#include "net/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* Registry, token server, blob storage, and one more. */
#define CONNECTIONS_PER_HANDLE 4L
#define SEND_BYTES (1u << 20) /* curl's own 64 KiB halve an upload's speed */
/* curl sends up to 64 KiB of CURLOPT_POSTFIELDS with the headers (its
 * MAX_INITIAL_POST_SIZE), from a copy. */
#define SHORT_BODY_BYTES (32u << 10)
/* nginx and Go answer at once; who ignores Expect costs this once. */
#define EXPECT_WAIT_MS 2000L
/* Servers drop idle connections after 60 s and less.  A body that is read
 * once cannot afford to find out (P-94). */
#define STREAM_IDLE_MAX_S 15L

static int setup_failed(CURLcode code, struct mreg_error *err)
{
	if (code == CURLE_OUT_OF_MEMORY)
		return mr_fail_nomem(err);
	return mr_fail(err, MREG_EINTERNAL, "cannot set up a request: %s",
		       curl_easy_strerror(code));
}

static int set_long(CURL *easy, CURLoption option, long value)
{
	return (int)curl_easy_setopt(easy, option, value);
}

static int set_text(CURL *easy, CURLoption option, const char *value)
{
	return (int)curl_easy_setopt(easy, option, value);
}

/* The same for every request: security.md 5.5, protocol.md D-02 and D-03.
 * What curl has off by default and we need off is set too. */
static int set_policy(CURL *easy)
{
	static const struct {
		CURLoption option;
		long value;
	} longs[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_NOPROGRESS, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_UNRESTRICTED_AUTH, 0 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_SSL_VERIFYPEER, 1 },
		{ CURLOPT_SSL_VERIFYHOST, 2 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_TCP_NODELAY, 1 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_TCP_KEEPIDLE, 30 },
		{ CURLOPT_TCP_KEEPINTVL, 15 },
		{ CURLOPT_PATH_AS_IS, 1 },
		/* Registry headers are not the proxy's business. */
		{ CURLOPT_HEADEROPT, CURLHEADER_SEPARATE },
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		{ CURLOPT_EXPECT_100_TIMEOUT_MS, EXPECT_WAIT_MS },
	};
	int rc = 0;
	size_t i;

	for (i = 0; i < MR_COUNT(longs); i++)
		rc = rc ? rc : set_long(easy, longs[i].option, longs[i].value);
	return rc ? rc : set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
}

static int set_blob(CURL *easy, CURLoption option, const struct mr_buf *b)
{
	struct curl_blob blob = { .data = b->data,
				  .len = b->len,
				  .flags = CURL_BLOB_NOCOPY };

	return (int)curl_easy_setopt(easy, option, &blob);
}

static int set_certificates(const struct mr_net *n, const struct mr_certs *c,
			    CURL *easy)
{
	int rc = 0;

	if (c && c->ca.len)
		rc = set_blob(easy, CURLOPT_CAINFO_BLOB, &c->ca);
	else if (n->ca_blob.len)
		rc = set_blob(easy, CURLOPT_CAINFO_BLOB, &n->ca_blob);
	else if (n->ca_path)
		rc = set_text(easy, CURLOPT_CAINFO, n->ca_path);
	if (!rc && n->ca_blob.len)
		rc = set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, &n->ca_blob);
	else if (!rc && n->ca_path)
		rc = set_text(easy, CURLOPT_PROXY_CAINFO, n->ca_path);
	if (rc || !c || !c->cert)
		return rc;
	rc = set_text(easy, CURLOPT_SSLCERT, c->cert);
	rc = rc ? rc : set_text(easy, CURLOPT_SSLKEY, c->key);
	/* Or OpenSSL asks the terminal for one. */
	return rc ? rc : set_text(easy, CURLOPT_KEYPASSWD, "");
}

/* Verification fails then, which is an answer too. */
static int trust_nobody(CURL *easy)
{
	int rc = set_text(easy, CURLOPT_CAINFO, NULL);

	return rc ? rc : set_text(easy, CURLOPT_CAPATH, NULL);
}

static bool has_body(const struct mr_wire *w)
{
	return !strcmp(w->method, "POST") || !strcmp(w->method, "PUT") ||
	       !strcmp(w->method, "PATCH") || w->body || w->stream;
}

bool mr_wire_is_long(const struct mr_wire *w)
{
	return w->body_len > SHORT_BODY_BYTES;
}

static int set_upload(CURL *easy, const struct mr_wire *w)
{
	curl_off_t size = w->stream ? (curl_off_t)w->stream_size
				    : (curl_off_t)w->body_len;
	int rc;

	rc = set_long(easy, CURLOPT_UPLOAD, 1);
	if (!rc && w->stream)
		rc = set_long(easy, CURLOPT_MAXAGE_CONN, STREAM_IDLE_MAX_S);
	return rc ? rc
		  : (int)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
}

static int set_method(CURL *easy, const struct mr_wire *w)
{
	int rc;

	if ((w->stream && w->stream_size) || mr_wire_is_long(w)) {
		rc = set_upload(easy, w);
	} else if (has_body(w)) {
		/* Also without bytes: "Content-Length: 0" has to be said
		 * (P-41). */
		rc = (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
					   (curl_off_t)w->body_len);
		rc = rc ? rc
			: (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
						w->body_len ? w->body : "");
	} else {
		rc = set_long(easy, CURLOPT_HTTPGET, 1);
		if (!rc && !strcmp(w->method, "HEAD"))
			return set_long(easy, CURLOPT_NOBODY, 1);
	}
	return rc ? rc : set_text(easy, CURLOPT_CUSTOMREQUEST, w->method);
}

void mr_handle_wipe_headers(struct curl_slist *headers)
{
	struct curl_slist *h;

	for (h = headers; h; h = h->next)
		mr_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

/* `value` NULL: nothing; "": tell curl not to send its own. */
static int add_header(struct curl_slist **list, const char *name,
		      const char *value, struct mreg_error *err)
{
	struct curl_slist *longer = NULL;
	const unsigned char *p;
	size_t n;
	char *line;

	if (!value)
		return 0;
	for (p = (const unsigned char *)value; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return mr_fail(err, MREG_EUSAGE,
				       "control bytes in the %s header", name);
	n = strlen(name) + strlen(value) + 3;
	line = mr_alloc(n);
	if (line) {
		(void)snprintf(line, n, "%s:%s%s", name, *value ? " " : "",
			       value); /* sized above */
		longer = curl_slist_append(*list, line);
		mr_wipe(line, n);
		mr_release(line);
	}
	if (!longer)
		return mr_fail_nomem(err);
	*list = longer;
	return 0;
}

/* Of a body, the part of an upload that it is, in the distribution
 * specification's own form (P-45); else the part of the answer wanted. */
static int add_range(const struct mr_wire *w, struct curl_slist **list,
		     struct mreg_error *err)
{
	bool sends = w->body_len > 0 || w->stream_size > 0;
	char range[64];

	if (!w->ranged)
		return 0;
	(void)snprintf(range, sizeof(range), "%s%" PRIu64 "-%" PRIu64,
		       sends ? "" : "bytes=", w->first,
		       w->last); /* two numbers of 20 digits fit */
	return add_header(list, sends ? "Content-Range" : "Range", range, err);
}

static int add_headers(const struct mr_wire *w, struct curl_slist **list,
		       struct mreg_error *err)
{
	int rc;

	rc = add_header(list, "Accept", w->accept ? w->accept : "*/*", err);
	/* A coding would hide the bytes that digests are about. */
	rc = rc < 0 ? rc : add_header(list, "Accept-Encoding", "identity", err);
	rc = rc < 0 ? rc
		    : add_header(list, "Authorization", w->authorization, err);
	rc = rc < 0 ? rc
		    : add_header(list, "Content-Type",
				 w->content_type ? w->content_type : "", err);
	rc = rc < 0 ? rc : add_header(list, "If-None-Match", w->unless, err);
	rc = rc < 0 ? rc : add_range(w, list, err);
	return rc < 0 ? rc
		      : add_header(list, "Expect",
				   w->expect ? "100-continue" : "", err);
}

/* curl reads HTTPS_PROXY, ALL_PROXY and NO_PROXY itself.  It leaves out
 * HTTP_PROXY, which in a CGI program is a header of whoever asks; Go's clients
 * take it where this is no CGI program, and so do we. */
static const char *plain_proxy(void)
{
	const char *lower = getenv("http_proxy");
	const char *upper = getenv("HTTP_PROXY");

	if ((lower && lower[0]) || !upper || !upper[0] ||
	    getenv("REQUEST_METHOD"))
		return NULL;
	return upper;
}

/*
 * what is for the registry is not for the proxy.  https goes through a
 * tunnel by itself; of plain http what has credentials, or sends something
 * (a password, to a token server), is made to.  And this machine is not
 * behind a proxy, whatever NO_PROXY forgot to say.
 */
static int set_proxy(CURL *easy, const struct mr_wire *w)
{
	const char *proxy;
	int rc = 0;

	if (mr_url_is_loopback(w->url))
		return set_text(easy, CURLOPT_PROXY, "");
	if (mr_url_is_https(w->url))
		return 0;
	if (w->authorization || has_body(w))
		rc = set_long(easy, CURLOPT_HTTPPROXYTUNNEL, 1);
	proxy = plain_proxy();
	return rc || !proxy ? rc : set_text(easy, CURLOPT_PROXY, proxy);
}

/* A limited session moves small pieces, and evenly. */
static int set_buffers(const struct mr_net *n, const struct mr_wire *w,
		       CURL *easy)
{
	/* Documents are short, and curl allocates it for each request. */
	size_t usual = w->accept ? MR_DOCUMENT_BYTES : MR_RECEIVE_BYTES;
	size_t receive = mr_rate_piece(n, usual);
	size_t send = mr_rate_piece(n, SEND_BYTES);
	int rc;

	rc = set_long(easy, CURLOPT_BUFFERSIZE, (long)receive);
	/* Below what curl takes it chooses its own least. */
	return rc ? rc : set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)send);
}

int mr_handle_prepare(struct mr_net *n, CURL *easy, const struct mr_wire *w,
		      struct curl_slist **headers, struct mreg_error *err)
{
	struct curl_slist *list = NULL;
	long connect_ms = w->connect_ms ? w->connect_ms : MR_CONNECT_TIMEOUT_MS;
	const struct mr_certs *certs;
	int rc;

	rc = mr_certs_get(n, w->url, &certs, err);
	rc = rc < 0 ? rc : add_headers(w, &list, err);
	if (rc < 0) {
		mr_handle_wipe_headers(list);
		return rc;
	}
	rc = set_policy(easy);
	rc = rc ? rc : set_buffers(n, w, easy);
	rc = rc         ? rc
	     : w->probe ? trust_nobody(easy)
			: set_certificates(n, certs, easy);
	rc = rc ? rc : set_proxy(easy, w);
	rc = rc ? rc : set_method(easy, w);
	rc = rc ? rc : set_text(easy, CURLOPT_URL, w->url);
	rc = rc ? rc : set_text(easy, CURLOPT_USERAGENT, n->user_agent);
	rc = rc ? rc : set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	rc = rc ? rc : (int)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	if (rc) {
		mr_handle_wipe_headers(list);
		return setup_failed((CURLcode)rc, err);
	}
	*headers = list;
	return 0;
}

void mr_handle_free(struct mr_handle *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->easy); /* NULL does nothing */
	if (h->multi)
		(void)curl_multi_cleanup(h->multi); /* nothing is inside */
	mr_release(h->home);
	mr_release(h->spill);
	mr_release(h);
}

static int handle_new(struct mr_handle **out, struct mreg_error *err)
{
	struct mr_handle *h = mr_zalloc(sizeof(*h));

	if (h) {
		h->easy = curl_easy_init();
		h->multi = curl_multi_init();
	}
	if (!h || !h->easy || !h->multi ||
	    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS,
			      CONNECTIONS_PER_HANDLE)) {
		mr_handle_free(h);
		return mr_fail_nomem(err);
	}
	*out = h;
	return 0;
}

/* One that has talked to `home`: its connections may still be open. */
static struct mr_handle *find_idle(struct mr_net *n, const char *home)
{
	struct mr_handle **at;
	struct mr_handle *h;

	for (at = &n->idle; *at; at = &(*at)->next) {
		h = *at;
		if (strcmp(h->home, home) != 0)
			continue;
		*at = h->next;
		return h;
	}
	return NULL;
}

int mr_handle_take(struct mr_net *n, const char *home, struct mr_handle **out,
		   struct mreg_error *err)
{
	struct mr_handle *h;
	int rc;

	pthread_mutex_lock(&n->lock);
	h = find_idle(n, home);
	pthread_mutex_unlock(&n->lock);
	if (!h) {
		rc = handle_new(&h, err);
		if (rc < 0)
			return rc;
		h->home = mr_strdup(home);
		if (!h->home) {
			mr_handle_free(h);
			return mr_fail_nomem(err);
		}
	}
	curl_easy_reset(h->easy);
	h->next = NULL;
	*out = h;
	return 0;
}

void mr_handle_give(struct mr_net *n, struct mr_handle *h)
{
	curl_easy_reset(h->easy); /* points at nobody's memory any more */
	pthread_mutex_lock(&n->lock);
	h->next = n->idle;
	n->idle = h;
	pthread_mutex_unlock(&n->lock);
}
