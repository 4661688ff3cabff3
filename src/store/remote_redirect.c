/*
 * remote_redirect.c - where a registry keeps its blobs.
 */
#include "store/remote_redirect.h"

#include <string.h>

#include "base/env.h"
#include "base/error.h"
#include "base/mem.h"

/* How often a waiting thread looks whether it was cancelled. */
#define LOOK_MS 100
/* A run has a few blobs in flight; older ones are forgotten. */
#define KEPT_MAX 64

struct mr_redirect {
	struct mr_redirect *next;
	struct mreg_digest digest;
	char *url;   /* owned; NULL: none that works */
	bool asking; /* one thread asks for a new one */
};

void mr_redirects_init(struct mr_redirects *r)
{
	mr_lock_init(&r->lock);
	mr_signal_init(&r->changed);
	r->first = NULL;
	atomic_init(&r->no_ranges, false);
}

static void free_redirect(struct mr_redirect *d)
{
	/* Its query may be as good as a password. */
	if (d->url)
		mr_wipe(d->url, strlen(d->url));
	mr_release(d->url);
	mr_release(d);
}

void mr_redirects_release(struct mr_redirects *r)
{
	struct mr_redirect *d;

	while ((d = r->first) != NULL) {
		r->first = d->next;
		free_redirect(d);
	}
	mr_signal_release(&r->changed);
	mr_lock_release(&r->lock);
}

/* -- under the lock -------------------------------------------------------- */

static struct mr_redirect *find(const struct mr_redirects *r,
				const struct mreg_digest *digest)
{
	struct mr_redirect *d = r->first;

	while (d && !mreg_digest_equal(&d->digest, digest))
		d = d->next;
	return d;
}

static void forget_oldest(struct mr_redirects *r)
{
	struct mr_redirect **at = &r->first;
	struct mr_redirect *d;
	size_t n;

	for (n = 0; *at && n < KEPT_MAX; n++)
		at = &(*at)->next;
	d = *at;
	if (!d || d->asking)
		return;
	*at = d->next;
	free_redirect(d);
}

/* NULL: no memory, so nothing is learned. */
static struct mr_redirect *find_or_add(struct mr_redirects *r,
				       const struct mreg_digest *digest)
{
	struct mr_redirect *d = find(r, digest);

	if (d)
		return d;
	d = mr_zalloc(sizeof(*d));
	if (!d)
		return NULL;
	d->digest = *digest;
	d->next = r->first;
	r->first = d;
	forget_oldest(r);
	return d;
}

static void set_url(struct mr_redirect *d, const char *url)
{
	if (d->url)
		mr_wipe(d->url, strlen(d->url));
	mr_release(d->url);
	d->url = url ? mr_strdup(url) : NULL; /* no memory: asked again */
}

/* -- the door -------------------------------------------------------------- */

int mr_redirects_get(struct mr_redirects *r, struct mr_env *env,
		     const struct mreg_digest *digest, const char *refused,
		     char **url, bool *asking, struct mreg_error *err)
{
	struct mr_redirect *d;
	int rc = 0;

	*url = NULL;
	*asking = false;
	mr_lock_enter(&r->lock);
	while ((d = find(r, digest)) != NULL && d->asking && rc == 0) {
		mr_signal_wait_ms(&r->changed, &r->lock, LOOK_MS);
		rc = mr_check_cancel(env, err);
	}
	if (d && rc == 0) {
		if (d->url && refused && strcmp(d->url, refused) == 0)
			set_url(d, NULL);
		if (d->url) {
			*url = mr_strdup(d->url);
			if (!*url)
				rc = mr_fail_nomem(err);
		} else if (refused) {
			*asking = d->asking = true;
		}
	}
	mr_lock_leave(&r->lock);
	return rc;
}

void mr_redirects_learn(struct mr_redirects *r,
			const struct mreg_digest *digest, const char *url)
{
	struct mr_redirect *d;

	mr_lock_enter(&r->lock);
	d = url ? find_or_add(r, digest) : find(r, digest);
	if (d) {
		set_url(d, url);
		d->asking = false;
		mr_signal_all(&r->changed);
	}
	mr_lock_leave(&r->lock);
}
