/*
 * store/remote_redirect.h - where a registry keeps its blobs: the URLs it
 * redirects to, learned once and used by all connections (protocol.md D-20).
 *
 * Invariants
 * 1. A URL is used for the digest that it was learned for, and only for GET:
 *    they are signed by method (P-20).
 * 2. When one is refused, one thread asks the registry again; the others wait
 *    and use what that learned (P-24).
 */
#ifndef MR_STORE_REMOTE_REDIRECT_H
#define MR_STORE_REMOTE_REDIRECT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/task.h"
#include "mreg/types.h"

struct mr_redirect;

/* Of one store. */
struct mr_redirects {
	struct mr_lock lock;
	struct mr_signal changed;
	struct mr_redirect *first; /* owned; newest first */
	atomic_bool no_ranges;     /* this host answers ranges with others */
};

void mr_redirects_init(struct mr_redirects *r);
void mr_redirects_release(struct mr_redirects *r);

/*
 * A copy of the URL for `digest`, the caller's, in `*url`; NULL: ask the
 * registry.  `refused` (may be NULL) is one that no longer works.  After
 * `*asking` true the caller has to call mr_redirects_learn, whatever becomes of
 * it.  MREG_ECANCELED while waiting for another thread.
 */
int mr_redirects_get(struct mr_redirects *r, struct mr_env *env,
		     const struct mreg_digest *digest, const char *refused,
		     char **url, bool *asking, struct mreg_error *err);
/* `url` NULL: the registry sends the bytes itself, or there was no answer. */
void mr_redirects_learn(struct mr_redirects *r,
			const struct mreg_digest *digest, const char *url);

#endif
