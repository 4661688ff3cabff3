/*
 * push_send.c - blobs, config, manifest; children before parents.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ops/push.h"

/* Copy again what the registry says it does not have. */
static int send_missing(struct push *p, const struct mr_list *missing,
			struct mreg_error *err)
{
	const struct mreg_desc *config = &p->docs.config_desc;
	int rc = mr_store_put_bytes(p->to, config, p->docs.config.data, err);

	if (rc < 0)
		return rc;
	(void)mr_plan_again(&p->plan, missing);
	return mr_plan_run(&p->plan, p->from, p->to, p->jobs, err);
}

static int put_manifest(struct push *p, struct mreg_error *err)
{
	const struct mreg_desc *d = &p->docs.manifest_desc;
	char text[MREG_DIGEST_TEXT];
	unsigned int repairs;

	(void)mreg_digest_text(&d->digest, text);
	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		int rc = mr_store_set(p->to, text, d, p->docs.manifest.data,
				      &missing, err);

		if (rc != MREG_ECONFLICT || !missing.n ||
		    repairs == MR_REPAIRS_MAX)
			return rc;
		mr_log(&p->m->env, MREG_LOG_INFO,
		       "'%s' lost %zu blobs meanwhile, sending them again",
		       p->to->label, missing.n);
		rc = send_missing(p, &missing, err);
		if (rc < 0)
			return rc;
	}
}

static int put_config(struct push *p, struct mreg_error *err)
{
	const struct mreg_desc *d = &p->docs.config_desc;
	bool found = false;
	int rc = 0;

	/* Not where nothing else was either. */
	if (!p->plan.fresh || atomic_load(&p->plan.has))
		rc = mr_store_has(p->to, d, &found, err);
	/* The manifest may be there too, where nothing of it had to be sent. */
	p->claim.may_be_there = found && !mr_plan_bytes_moving(&p->plan);
	if (rc < 0 || found)
		return rc;
	return mr_store_put_bytes(p->to, d, p->docs.config.data, err);
}

int mr_push_send(struct push *p, struct mreg_error *err)
{
	int rc;

	rc = mr_plan_run(&p->plan, p->from, p->to, p->jobs, err);
	/* Also after a failure: what was hashed need not be read again. */
	if (rc < 0) {
		struct mreg_error ignored = MREG_ERROR_INIT;

		(void)mr_push_judge(p, &ignored);
		return rc;
	}
	rc = mr_push_judge(p, err);
	if (rc >= 0)
		rc = mr_push_docs(p, err);
	if (rc >= 0)
		rc = mr_push_check_tags(p, err);
	if (rc >= 0)
		rc = put_config(p, err);
	if (rc >= 0)
		rc = mr_push_look_again(p, err);
	return rc < 0 ? rc : put_manifest(p, err);
}
