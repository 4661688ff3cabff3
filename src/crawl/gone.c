/*
 * gone.c - whether what is not found is gone, or only its place is away: a disk
 * that is not mounted, or something else that answers under a registry's name.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "crawl/crawl.h"

#define SHOWN_BYTES 100

int mr_crawl_folder(const char *dir, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (access(dir, F_OK) == 0)
		return 0;
	(void)mr_text_safe(dir, shown, sizeof(shown));
	if (errno != ENOENT && errno != ENOTDIR)
		return mr_fail_sys(err, errno, "cannot open folder '%s'",
				   shown);
	(void)mr_fail(err, MREG_ENOTFOUND, "there is no folder '%s'", shown);
	return mr_hint(err,
		       "mount it; where it is gone for good, make it anew, "
		       "empty: then its models leave the index");
}

static bool was_reached(struct mr_crawl *c, const char *host)
{
	bool found;

	mr_lock_enter(&c->lock);
	found = mr_list_has(&c->reached, host);
	mr_lock_leave(&c->lock);
	return found;
}

/* Several may ask at the same moment, which costs a request. */
static int reach(struct mr_crawl *c, const char *host, struct mreg_error *err)
{
	struct mr_net *net;
	int rc = mr_session_net(c->m, &net, err);

	if (rc >= 0)
		rc = mr_net_check_registry(net, host, err);
	if (rc < 0)
		return rc;
	mr_lock_enter(&c->lock);
	rc = mr_list_add(&c->reached, host, err);
	mr_lock_leave(&c->lock);
	return rc;
}

int mr_crawl_gone(struct mr_crawl *c, const struct mreg_ref *ref, bool *asked,
		  struct mreg_error *err)
{
	*asked = false;
	if (ref->dir[0])
		return mr_crawl_folder(ref->dir, err);
	if (was_reached(c, ref->host))
		return 0;
	*asked = true;
	return reach(c, ref->host, err);
}
