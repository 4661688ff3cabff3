/*
 * net/auth.h - challenges, credentials and tokens: who we are, to whom.
 */
#ifndef MR_NET_AUTH_H
#define MR_NET_AUTH_H

#include <jansson.h>

#include "base/arena.h"
#include "net/wire.h"

/* -- challenge.c ----------------------------------------------------------- */

#define MR_CHALLENGES_MAX 16

struct mr_challenge {
	const char *scheme; /* lower case */
	const char *realm;  /* these four may be NULL */
	const char *service;
	const char *scope;
	const char *error;
};

struct mr_challenges {
	struct mr_arena *arena; /* owned; strings point into it */
	struct mr_challenge items[MR_CHALLENGES_MAX];
	size_t n;
};

/* Add what one WWW-Authenticate value holds.  MREG_EREMOTE where it stops
 * making sense (what came before is kept), MREG_ENOMEM. */
int mr_challenge_parse(const char *value, struct mr_challenges *out,
		       struct mreg_error *err);
void mr_challenges_release(struct mr_challenges *c); /* for MR_AUTO too */

/* -- credentials ------------------------------------------------------------
 */

/* MREG_EUSAGE unless it is HOST[:PORT] (H38). */
int mr_host_check(const char *host, struct mreg_error *err);
/* "https://index.docker.io/v1/" for any name of Docker Hub, else `host`. */
const char *mr_host_key(const char *host);
/* Whether a key of `auths` or `credHelpers` means `host`. */
bool mr_host_matches(const char *key, const char *host);

int mr_credentials_copy(const struct mr_credentials *from,
			struct mr_credentials *to, struct mreg_error *err);
int mr_credentials_set(struct mr_credentials *c, const char *username,
		       const char *secret, size_t n, bool identity,
		       struct mreg_error *err);

/* mr_credentials_find for one repository (NULL: the host alone). */
int mr_credentials_look(struct mr_env *env, const char *host,
			const char *repository, struct mr_credentials *out,
			bool *namespaced, struct mreg_error *err);

/* `*out` NULL when the file is not there. */
int mr_credential_file_load(const char *path, json_t **out,
			    struct mreg_error *err);
int mr_credential_file_parse(const char *text, size_t n, const char *name,
			     json_t **out, struct mreg_error *err);
/* The helper it names for `host`, or NULL. */
int mr_credential_file_helper(const json_t *root, const char *name,
			      const char *host, const char **out,
			      struct mreg_error *err);
/* The entry whose key names most of `host`/`repository`; `repository`
 * NULL: only what is for the whole host.  `*namespaced` is set when some entry
 * is for a part of the host. */
int mr_credential_file_get(const json_t *root, const char *name,
			   const char *host, const char *repository,
			   struct mr_credentials *out, bool *namespaced,
			   struct mreg_error *err);
/* `c` NULL removes; `*changed` says whether there was something. */
int mr_credential_file_put(const char *path, const char *host,
			   const struct mr_credentials *c, bool *changed,
			   struct mreg_error *err);

/* docker-credential-SUFFIX; nothing found: username NULL, `*found` false. */
int mr_helper_get(struct mr_env *env, const char *suffix, const char *host,
		  struct mr_credentials *out, struct mreg_error *err);
int mr_helper_store(struct mr_env *env, const char *suffix, const char *host,
		    const struct mr_credentials *c, struct mreg_error *err);
int mr_helper_erase(struct mr_env *env, const char *suffix, const char *host,
		    bool *found, struct mreg_error *err);

/* -- token.c, auth.c ------------------------------------------------------- */

/* What a token is asked with; all borrowed. */
struct mr_token_request {
	const char *origin, *host;
	const char *realm, *service;
	const char *scopes[2]; /* in this order; each may be NULL */
	const struct mr_credentials *credentials; /* username NULL: none */
};

/* "Basic ..." of it; 0 or MREG_ENOMEM. */
int mr_auth_basic(const struct mr_credentials *c, struct mr_secret *header);
int mr_token_fetch(struct mr_net *n, const struct mr_token_request *rq,
		   struct mr_outcome *oc, struct mr_secret *token,
		   int64_t *life_s, struct mreg_error *err);

/* What a request went out with, to judge a 401 by. */
struct mr_pass {
	struct mr_secret header; /* "Bearer ..."; or none */
	enum mr_scheme scheme;   /* of the header */
	unsigned int turn;
	char user[128]; /* "" is anonymous */
};

void mr_pass_release(struct mr_pass *p); /* for MR_AUTO too */
/* `upload`: the token has to hold for a while yet. */
int mr_auth_get(struct mr_net *n, struct mr_origin *o, const char *scope,
		bool upload, struct mr_pass *out, struct mr_outcome *oc,
		struct mreg_error *err);
/* A 401 to `p`: `*again` when the same request may now go through. */
int mr_auth_refused(struct mr_net *n, struct mr_origin *o, const char *scope,
		    const struct mr_pass *p, const struct mr_response *r,
		    bool *again, struct mreg_error *err);
void mr_auth_accepted(struct mr_net *n, struct mr_origin *o, const char *scope,
		      const struct mr_pass *p);
/* Forget grants, and use `c` from now on (NULL: look again). */
int mr_auth_reset(struct mr_net *n, struct mr_origin *o,
		  const struct mr_credentials *c, struct mreg_error *err);

/* -- login.c ----------------------------------------------------------------
 */

/* The credentials for the repository in `scope` (NULL: the host's), looked up
 * once; a copy. */
int mr_login_get(struct mr_net *n, struct mr_origin *o, const char *scope,
		 struct mr_credentials *out, struct mreg_error *err);
/* They were taken. */
void mr_login_proven(struct mr_net *n, struct mr_origin *o, const char *scope);
/* Under n->lock: they were refused.  Whether looking again may help, as with
 * a helper whose passwords end: only for what had been taken before. */
bool mr_login_again(struct mr_origin *o, const char *scope);
/* Under n->lock: use `given`, which becomes the origin's; NULL: look again. */
void mr_login_set(struct mr_origin *o, struct mr_login *given);
void mr_login_free(struct mr_login *l);

#endif
