/*
 * net/registry.h - what it is that answers at an address, and who we are
 * there; a part of the door net/net.h, which includes it.
 */
#ifndef MR_NET_REGISTRY_H
#define MR_NET_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "mreg/error.h"

struct mr_credentials;
struct mr_net;
struct mr_response;

/* Content-Type says that it is a web page. */
bool mr_response_is_page(const struct mr_response *r);
/* With whose credentials it was asked for; "" is anonymous. */
const char *mr_response_user(const struct mr_response *r);

/*
 * Whether the answer to GET /v2/ is one that a registry gives (protocol.md
 * P-10): 200 with JSON, nothing, or the API's version in its headers; 401; 403.
 * 429 and 5xx (but 501) fail as mr_response_fail has it, about `what`;
 * everything else, web pages for one, is MREG_EREMOTE "it is no registry".  A
 * 200's body is read.
 */
int mr_response_check_registry(struct mr_response *r, const char *what,
			       struct mreg_error *err);
/* Ask `host` whether it is one: MREG_EREMOTE says that it is not; 0: it is, or
 * that could not be found out. */
int mr_net_check_registry(struct mr_net *n, const char *host,
			  struct mreg_error *err);

/* Try `c` against the registry's /v2/ and forget the realm remembered for it
 * first.  0: accepted; MREG_EAUTH: refused; MREG_EREMOTE: it is no registry. */
int mr_net_login(struct mr_net *n, const char *host,
		 const struct mr_credentials *c, struct mreg_error *err);

/* The user name that requests to `host` go with, or "" (anonymous). */
int mr_net_user(struct mr_net *n, const char *host, char *out, size_t cap,
		struct mreg_error *err);

#endif
