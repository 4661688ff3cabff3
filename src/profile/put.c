/*
 * put.c - documents of a profile into its repository.
 */
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/inside.h"

int mr_profile_put(struct mr_profile *p, const struct mreg_desc *d,
		   const struct mr_buf *bytes, struct mreg_error *err)
{
	bool found = false;
	int rc = mr_store_has(p->to, d, &found, err);

	if (rc < 0 || found)
		return rc;
	return mr_store_put_bytes(p->to, d, mr_buf_text(bytes), err);
}

/* Copy again what of our layers the registry says it does not have. */
static int send_missing(struct mr_profile *p, const struct mr_list *missing,
			struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < p->plan.count; i++) {
		struct mr_item *it = &p->plan.items[i];

		(void)mreg_digest_text(&it->desc.digest, text);
		it->done = false;
		it->step = mr_list_has(missing, text) ? MR_STEP_COPY
						      : MR_STEP_REUSE;
	}
	return mr_plan_run(&p->plan, p->source, p->to, p->jobs, err);
}

int mr_profile_set(struct mr_profile *p, const struct mreg_desc *d,
		   const struct mr_buf *bytes, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	unsigned int repairs;

	(void)mreg_digest_text(&d->digest, text);
	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		int rc = mr_store_set(p->to, text, d, mr_buf_text(bytes),
				      &missing, err);

		if (rc != MREG_ECONFLICT || !missing.n || !p->plan.count ||
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
