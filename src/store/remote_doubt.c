/*
 * remote_doubt.c - a 404 with a web page: from a proxy before a registry, or
 * from what is no registry at all.
 */
#include "store/remote.h"

#include "base/error.h"

int mr_remote_doubt(struct mr_remote *r, const struct mr_response *resp,
		    const char *what, struct mreg_error *err)
{
	int rc;

	if (resp->status != 404 || !mr_response_is_page(resp) ||
	    atomic_load(&r->is_registry))
		return 0;
	rc = mr_net_check_registry(r->net, r->host, err);
	if (rc < 0)
		mr_remote_explain(r->host, what, err);
	else
		atomic_store(&r->is_registry, true);
	return rc;
}
