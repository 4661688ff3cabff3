/*
 * net/internal.h - what the files of net share: the session, what is known of
 * each registry, and the rules about where one may go.
 *
 * The floors inside net, lowest first: url, base64, retry, challenge, rate;
 * certs, trouble and handle (curl's options); transfer (one exchange) and
 * response (what it brought); origin (the rules) and governor (how many at
 * once); helper, credential_file, credentials; login, token, auth; net (the
 * loop); registry (what it is that answers); session.
 */
#ifndef MR_NET_INTERNAL_H
#define MR_NET_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/governor.h"
#include "net/net.h"

/* How long anything waits before it looks whether it was cancelled. */
#define MR_NET_POLL_MS 100

enum mr_scheme {
	MR_SCHEME_NONE,
	MR_SCHEME_BASIC,
	MR_SCHEME_BEARER
};

/* What one scope of one registry takes; under mr_net.lock. */
struct mr_grant {
	struct mr_grant *next;
	char *scope; /* owned; "" when none was given */
	enum mr_scheme scheme;
	char *realm;   /* owned; of the token server, absolute */
	char *service; /* owned; may be NULL */
	char *extra;   /* owned; a scope the registry missed, or NULL */
	struct mr_secret token;
	char user[128];   /* whose it is; "" is anonymous */
	int64_t renew_ms; /* monotonic; from here on the token is too old */
	int64_t upload_renew_ms; /* the same before an upload */
	bool proven;       /* what we sent was accepted since it was got */
	bool inherited;    /* begun as another scope's, not taken yet */
	bool fetching;     /* one thread asks, the others wait */
	unsigned int turn; /* counts tokens: which one was refused? */
};

/* Credentials as they were looked up; under mr_net.lock. */
struct mr_login {
	struct mr_login *next;
	char *repository; /* owned; "": whatever has none of its own */
	struct mr_credentials credentials;
	int64_t found_ms; /* monotonic */
	bool current;     /* false: look again */
	bool proven;      /* a registry or token server took them */
};

/* What certs.d has for a host; immutable once published. */
struct mr_certs {
	struct mr_buf ca; /* the session's and the host's; empty: none */
	char *cert, *key; /* owned; paths of the client's; NULL: none */
};

/* A host, by origin; fields under mr_net.lock, never freed before it. */
struct mr_origin {
	struct mr_origin *next;
	char *name; /* owned; "https://ghcr.io" */
	char *host; /* owned; "ghcr.io" */
	struct mr_grant *grants;
	struct mr_grant *latest; /* whose challenge a new scope inherits */
	bool answered;           /* has ever: then trouble is worth retrying */
	bool takes_bodies;       /* has accepted one */
	bool no_expect;          /* answered 417 */
	bool chosen;             /* its scheme was decided */
	int64_t gate_ms;         /* monotonic; nobody asks before */
	struct mr_lane lanes[MR_LANES];
	struct mr_certs *certs; /* owned; NULL: not looked for yet */
	struct mr_login *logins;
	bool namespaced; /* some credentials are for repositories */
	bool given;      /* they came from the caller: one for all */
	bool looking;    /* one thread looks, the others wait */
};

struct mr_net {
	struct mr_env *env;
	struct mr_state *state;
	char *user_agent; /* owned */
	char *ca_path;    /* owned; bundle instead of curl's own, or NULL */
	struct mr_buf ca_blob; /* the system's bundle and ours; may be empty */
	bool plain_http;
	struct mr_secret username, password; /* given; or none */
	uint64_t rate;                       /* bytes a second; 0: no limit */
	pthread_mutex_t lock;
	int64_t rate_free_ns;   /* monotonic; when all that moved is paid */
	pthread_cond_t changed; /* a fetch or look-up ended, a slot is free */
	struct mr_handle *idle; /* latest first */
	struct mr_origin *origins;
	struct mr_list told;              /* warnings of registries */
	atomic_uint_fast64_t sent, asked; /* exchanges; those of requests */
};

/* -- url.c ----------------------------------------------------------------- */

/* "https://host[:port]", default port left out, host in lower case; -1 when
 * `url` is no absolute http or https URL that we would go to. */
int mr_url_origin(const char *url, char *out, size_t cap);
/* HOST[:PORT] of it, for messages and as the key of credentials. */
int mr_url_host(const char *url, char *out, size_t cap);
bool mr_url_is_loopback(const char *url);
bool mr_url_is_https(const char *url);
/* `ref` against `base`, fragment dropped; `*out` stays NULL when it is no
 * URL.  Fails only for lack of memory. */
int mr_url_resolve(const char *base, const char *ref, char **out,
		   struct mreg_error *err);
/* For logs: values of query parameters that may be secret become "***". */
void mr_url_redact(const char *url, struct mr_buf *out);

/* -- base64.c: both wipe nothing of the caller's ----------------------------
 */

int mr_base64_encode(const void *in, size_t n, struct mr_secret *out);
/* RFC 4648 with or without padding; -1 when it is none, or MREG_ENOMEM. */
int mr_base64_decode(const char *in, size_t n, struct mr_secret *out);

/* -- retry.c --------------------------------------------------------------- */

bool mr_retry_status(int status);
/* Retry-After (RFC 9110, section 10.2.3), seconds or a date; 0: none. */
unsigned int mr_retry_after_s(const char *value, int64_t now_s);

/* -- certs.c ----------------------------------------------------------------
 */

/* Read the session's certificates once; MREG_EUSAGE when `ca_file` holds
 * none. */
int mr_certs_load(struct mr_net *n, const char *ca_file,
		  struct mreg_error *err);
/* What to trust and to show at `url`; `*out` NULL for http. */
int mr_certs_get(struct mr_net *n, const char *url, const struct mr_certs **out,
		 struct mreg_error *err);
void mr_certs_free(struct mr_certs *c);

/* -- origin.c -------------------------------------------------------------- */

int mr_origin_get(struct mr_net *n, const char *origin, struct mr_origin **out,
		  struct mreg_error *err);
void mr_origin_free(struct mr_origin *o);
void mr_grant_free(struct mr_grant *g);
/* Borrowed; NULL when nothing was asked of it yet. */
struct mr_origin *mr_origin_by_host(struct mr_net *n, const char *host);
/* Rule 2 of net.h; also for upload Locations. */
int mr_origin_check_target(const char *origin, const char *from, const char *to,
			   struct mreg_error *err);
/* The same for a request that sends something to another origin: also never
 * without TLS, but between two private addresses. */
int mr_origin_check_upload(const char *origin, const char *to,
			   struct mreg_error *err);
/* Rule 3; remembers the realm. */
int mr_origin_check_realm(struct mr_net *n, const char *origin,
			  const char *realm, struct mreg_error *err);
/* Try https first again, though an earlier run found http at `host`. */
void mr_origin_forget_plain(struct mr_net *n, const char *host);

#endif
