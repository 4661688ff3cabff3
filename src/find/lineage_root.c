/*
 * lineage_root.c - what a lineage is asked of: a version by its reference or
 * digest, or a thing outside by what it is called.
 */
#include "find/lineage.h"

#include <string.h>

#include "base/error.h"
#include "find/nodes.h"

/* Names of inputs and URIs are anything, so that what is no reference is told
 * only when nothing else is called so. */
static int unknown(struct mr_lineage *l, const char *text,
		   struct mreg_error *err)
{
	struct mreg_digest d;
	struct mreg_ref ref;
	int rc = 0;

	if (mreg_digest_parse(text, &d, NULL) < 0 && !strstr(text, "://") &&
	    !mr_find_is_outside(text))
		rc = mr_target_parse(l->m, text, &ref, err);
	if (rc < 0)
		return rc;
	(void)mr_fail(err, MREG_ENOTFOUND, "the index does not know '%.150s'",
		      text);
	return mr_hint(err, "'mreg index sync' reads what registries have now");
}

int mr_lineage_root(struct mr_lineage *l, const char *ref,
		    struct mreg_error *err)
{
	int64_t nodes[MR_FIND_MAX];
	size_t n;
	int rc = mr_find_nodes(l->m, l->ix, ref, nodes, &n, err);

	if (rc < 0)
		return rc;
	if (n == 0)
		return unknown(l, ref, err);
	l->root = nodes[0];
	return 0;
}
