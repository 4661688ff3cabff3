/*
 * put.c - documents of a profile into its repository.
 */
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/base.h"
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

static bool is_missing(const struct mr_list *missing, const struct mreg_desc *d)
{
	char text[MREG_DIGEST_TEXT];

	return mr_list_has(missing, mreg_digest_text(&d->digest, text));
}

/* Layers below the model's, and the model's own. */
static int send_layers(struct mr_profile *p, const struct mr_list *missing,
		       size_t *sent, struct mreg_error *err)
{
	size_t below = mr_plan_again(&p->below, missing);
	size_t own = mr_plan_again(&p->plan, missing);
	int rc = 0;

	*sent += below + own;
	if (below)
		rc = mr_image_base_send(p, err);
	if (rc >= 0 && own)
		rc = mr_plan_run(&p->plan, p->source, p->to, p->jobs, err);
	return rc;
}

static int send_platform(struct mr_profile *p, const struct mr_list *missing,
			 const struct mr_image_platform *at, size_t *sent,
			 struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	int rc = 0;

	if (is_missing(missing, &at->config_desc)) {
		rc = mr_store_put_bytes(p->to, &at->config_desc,
					mr_buf_text(&at->config), err);
		++*sent;
	}
	if (rc < 0 || !is_missing(missing, &at->manifest_desc))
		return rc;
	++*sent;
	(void)mreg_digest_text(&at->manifest_desc.digest, text);
	return mr_store_set(p->to, text, &at->manifest_desc,
			    mr_buf_text(&at->manifest), NULL, err);
}

/* Send again what of ours the registry says it does not have, children before
 * parents; and how much of it that was. */
static int send_missing(struct mr_profile *p, const struct mr_list *missing,
			size_t *sent, struct mreg_error *err)
{
	size_t i;
	int rc = send_layers(p, missing, sent, err);

	if (rc >= 0 && is_missing(missing, &p->config_desc)) {
		rc = mr_store_put_bytes(p->to, &p->config_desc,
					mr_buf_text(&p->config), err);
		++*sent;
	}
	for (i = 0; rc >= 0 && i < p->platform_count; i++)
		rc = send_platform(p, missing, &p->platforms[i], sent, err);
	return rc;
}

int mr_profile_set(struct mr_profile *p, const struct mreg_desc *d,
		   const struct mr_buf *bytes, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	unsigned int repairs;

	(void)mreg_digest_text(&d->digest, text);
	for (repairs = 0;; repairs++) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		struct mreg_error again = MREG_ERROR_INIT;
		size_t sent = 0;
		int resent;
		int rc = mr_store_set(p->to, text, d, mr_buf_text(bytes),
				      &missing, err);

		if (rc != MREG_ECONFLICT || !missing.n ||
		    repairs == MR_REPAIRS_MAX)
			return rc;
		resent = send_missing(p, &missing, &sent, &again);
		if (resent < 0) {
			*err = again;
			return resent;
		}
		if (!sent) /* nothing of ours: the registry's word stands */
			return rc;
		mr_log(&p->m->env, MREG_LOG_INFO,
		       "'%s' lost %zu blobs meanwhile, they were sent again",
		       p->to->label, sent);
	}
}
