/*
 * net/net.h - a request through TLS, redirects, retries, challenges and
 * credentials.  Knows origins and bytes; not repositories or manifests.
 *
 * A struct mr_net is shared by all threads: tokens, credentials, realms and
 * schemes it learned lock inside.  Every request under way owns one curl
 * handle from a pool until its response is freed, so connections are never
 * shared between threads, and are kept alive between requests.
 *
 * Origin = scheme, host, port.  One function decides whether credentials may
 * go somewhere (product.md 5.8, protocol.md P-30 ff., A-08, security.md 5.5):
 * 1. Credentials go only to the origin they were meant for.
 * 2. Redirects are followed here, by hand, at most MR_REDIRECT_MAX, only for
 *    GET and HEAD; http after https is refused; so is a private, loopback or
 *    link-local target unless the registry itself is one.
 *    An upload goes to another origin only over https, or between two private
 *    ones.
 * 3. A token realm is https (http only for an http registry), not private
 *    unless the registry is; the realm first used is remembered in `state`,
 *    a changed one is refused until login.
 *
 * From outside: HTTPS_PROXY, HTTP_PROXY, NO_PROXY (never for loopback);
 * authorities and client certificates by host from docker's and podman's
 * certs.d, or the folders in $MREG_CERTS_D, separated by ':'.
 */
#ifndef MR_NET_NET_H
#define MR_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/secret.h"
#include "content/stream.h"
#include "state/state.h"

struct mr_net;

struct mr_net_opts {
	struct mr_env *env;     /* borrowed */
	struct mr_state *state; /* borrowed; may be NULL */
	const char *user_agent; /* "mreg/0.1.0" */
	const char *ca_file;    /* PEM, beside the system's; NULL: none */
	bool plain_http;        /* http for every registry, because asked */
	/* Bytes a second of all bodies, both ways together, at least 1 KiB/s;
	 * 0: no limit. */
	uint64_t limit_rate;
	/* NULL: the files and helpers of protocol.md 2.2 decide. */
	const char *username;
	const char *password;
};

int mr_net_open(const struct mr_net_opts *o, struct mr_net **out,
		struct mreg_error *err);
void mr_net_close(struct mr_net *n); /* NULL does nothing */
/* What `o->state` was: may be NULL. */
struct mr_state *mr_net_state(struct mr_net *n);

/*
 * "https://HOST[:PORT]" or "http://..." for a registry: http when asked; for
 * loopback hosts decided once per session by trying https, then http where
 * https cannot be spoken (protocol.md A-31); else https.  Connection trouble
 * is MREG_ENETWORK and names the host.
 * That a loopback port spoke no TLS is remembered for a day (a hello takes
 * 5 ms) and lets no credentials out by itself: GET /v2/, without any, must
 * first be answered over http with 200 or 401, else https is tried again.
 */
int mr_net_origin(struct mr_net *n, const char *host, char *out, size_t cap,
		  struct mreg_error *err);

struct mr_request {
	const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", ... */
	const char *origin; /* of the registry: where credentials belong */
	/*
	 * Absolute.  May be of another origin than `origin`: an upload Location
	 * there, or an object store that an earlier redirect led to
	 * (mr_response.url), asked again directly, with ranges.  Rule 2 is
	 * checked as for a redirect, credentials are never sent, and its 400,
	 * 401 or 403 (a presigned URL that has ended) is returned as a status,
	 * at once: who holds the URL asks the registry for another.
	 */
	const char *url;
	const char *scope;        /* "repository:a/b:pull,push"; NULL: none */
	const char *accept;       /* NULL: anything */
	const char *unless;       /* If-None-Match, quoted; NULL: none.  304 is
				   * an answer */
	const char *content_type; /* of the body; NULL: none */
	/* Only when `ranged`: inclusive bounds of the bytes wanted (Range), or,
	 * with a body, of its place in an upload (Content-Range, P-45). */
	bool ranged;
	uint64_t first, last;
	/* At most one of the two bodies.  Bytes are sent again by retries; a
	 * stream is read once: trouble after its first byte is returned, and
	 * whoever can open it again decides. */
	const void *body;
	size_t body_len;
	struct mr_stream *stream; /* borrowed */
	uint64_t stream_size;
	bool once; /* no retry at all: not safe to repeat */
	/* A blob's bytes: waits its turn where a host takes no more at once
	 * (D-05).  Requests and ranges of 1 MiB and more count as bulk anyway;
	 * a GET of a whole blob should say so. */
	bool bulk;
};

/* An answer whose status and headers are here and whose body waits. */
struct mr_response {
	int status;
	bool has_length;
	uint64_t length;        /* Content-Length, when there */
	const char *url;        /* the final one, after redirects; owned */
	struct mr_stream *body; /* owned; ends short: MREG_ENETWORK */
};

/*
 * Send a request and wait for the answer's headers.  Any status is an answer:
 * 0 is returned for 404 as for 200; mr_response_fail turns one into an error.
 * 401 is answered with credentials once, 429 and 5xx are retried with full
 * jitter and Retry-After (house.md 9.6).  MREG_ENETWORK: no answer, says why;
 * MREG_EAUTH: no credentials, or refused ones; MREG_ECANCELED.
 *
 * Bulk requests wait while their host has as many under way as it takes at
 * once, but only some seconds when none of those moves; nothing else does.  A
 * host that named a time to wait (Retry-After) gets no request of any kind
 * before.
 */
int mr_net_send(struct mr_net *n, const struct mr_request *rq,
		struct mr_response **out, struct mreg_error *err);
void mr_response_free(struct mr_response *r);
void mr_response_freep(struct mr_response **r); /* for MR_AUTO */

/* How many were sent so far, each try and each redirect counted; `beside`: for
 * tokens, and to find out what a host speaks. */
void mr_net_counted(struct mr_net *n, uint64_t *requests, uint64_t *beside);

/* A header's value, name in any case; NULL when absent.  When it came
 * several times, the first. */
const char *mr_response_header(const struct mr_response *r, const char *name);

/* `ref` resolved against the final URL, every byte of its query kept (P-32);
 * MREG_EREMOTE when it is no URL or goes from https to http. */
int mr_response_resolve(const struct mr_response *r, const char *ref,
			char **out, struct mreg_error *err);

/*
 * The answer as an error about `what` ("cannot read manifest 'v3'"): by
 * status first (P-90): 401 EAUTH, or EDENIED where who we are is known and not
 * enough; 403 EDENIED, 404 ENOTFOUND, 409/412 ECONFLICT, 413 ELIMIT,
 * 405/415/501 EUNSUPPORTED, 429 and 5xx EREMOTE, else EREMOTE.  Reads at most
 * MR_ERROR_BODY_MAX_BYTES of the body; the first error's code and message,
 * made safe, go into cause.  HTML is said to be HTML.  `code_out` (NULL, or 64
 * bytes) gets the first error's code, "MANIFEST_BLOB_UNKNOWN", or "".
 */
int mr_response_fail(struct mr_response *r, const char *what, char *code_out,
		     struct mreg_error *err);

/* Same origin; default ports equal to none (P-33). */
bool mr_url_same_origin(const char *a, const char *b);
/* Loopback, private, link-local or unspecified by literal address or by name
 * ("localhost", "*.localhost"). */
bool mr_url_is_private(const char *url);
/* Percent-encode everything but unreserved characters; for query values. */
char *mr_url_escape(const char *text);

/* How long to wait before attempt `attempt` (house.md 9.6). */
int64_t mr_retry_delay_ms(unsigned int attempt, unsigned int retry_after_s,
			  uint32_t random);

/* -- credentials: docker's and podman's files and helpers ------------------ */

struct mr_credentials {
	char *username; /* owned; NULL: none found */
	struct mr_secret password;
	bool identity_token; /* the secret is a refresh token */
	bool registry_token; /* the secret is a bearer token as it is */
	const char *origin;  /* where found: "docker config", "helper 'pass'" */
};

/* What is stored for `host` (HOST[:PORT]).  Nothing found is 0 with username
 * NULL.  A helper that is named but fails is an error (H37). */
int mr_credentials_find(struct mr_env *env, const char *host,
			struct mr_credentials *out, struct mreg_error *err);
void mr_credentials_release(struct mr_credentials *c);
/* The variable with a login for `host`, asked before files; NULL: none. */
int mr_credentials_shadow(struct mr_env *env, const char *host,
			  const char **variable, struct mreg_error *err);

/* Write where docker does: the helper its config names for `host`, else the
 * `auths` of config.json, mode 0600, everything else in the file kept.
 * `where` (256 bytes) says which. */
int mr_credentials_store(struct mr_env *env, const char *host,
			 const struct mr_credentials *c, char where[256],
			 struct mreg_error *err);
int mr_credentials_erase(struct mr_env *env, const char *host, bool *found,
			 struct mreg_error *err);

#include "net/registry.h"

#endif
