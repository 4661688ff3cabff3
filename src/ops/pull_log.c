/*
 * pull_log.c - what the log says of a version that is pulled: its number, and
 * that it should not be used any more.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/look.h"
#include "ops/pull.h"

/* v<N> is asked for only where the number is not known yet. */
static int find_number(struct pull *p, struct mr_history *h,
		       struct mreg_error *err)
{
	const struct mreg_digest *d = &p->named.digest;
	const struct mr_event *e;
	int rc;

	if (p->number)
		return 0;
	rc = mr_log_number(p->from, h, d, &p->number, &e, err);
	if (rc >= 0 && p->number)
		mr_number_remember(p->m, p->from, d, p->number);
	return rc;
}

static int find_warnings(struct pull *p, struct mr_history *h,
			 struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	if (rc >= 0)
		rc = mr_result_arena(&p->told, err);
	if (rc < 0)
		return rc;
	p->deprecated = mr_look_deprecated(&now, &p->named.digest, p->told);
	p->archived = mr_look_archived(&now, &p->named.digest, p->told);
	return mr_result_check(p->told, err);
}

int mr_pull_log(void *ctx, size_t index, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct pull *p = ctx;
	int rc;

	(void)index;
	p->number = mr_tag_number(p->ref.tag);
	if (!p->number)
		p->number = mr_number_recall(p->m, p->from, &p->named.digest);
	if (mr_digest_known(&p->ref.digest))
		return 0;
	rc = mr_history_read(p->m, p->from, &h, err);
	if (rc >= 0)
		rc = find_number(p, &h, err);
	return rc < 0 ? rc : find_warnings(p, &h, err);
}

void mr_pull_tell(struct pull *p, int rc, const struct mreg_error *why)
{
	char name[MREG_REF_TEXT];
	char version[sizeof(p->ref.tag) + 32];

	if (rc < 0) {
		mr_log(&p->m->env, MREG_LOG_WARN,
		       "the log was not read, so nobody knows here what is "
		       "said of this version: %s",
		       why->msg);
		return;
	}
	(void)mr_target_name(p->m, &p->ref, name);
	if (p->number)
		(void)snprintf(version, sizeof(version), "v%" PRIu64,
			       p->number);
	else
		(void)snprintf(version, sizeof(version), "%s", p->ref.tag);
	if (p->archived)
		mr_log(&p->m->env, MREG_LOG_WARN, "%s:%s was archived%s%s",
		       name, version, p->archived->reason ? ": " : "",
		       p->archived->reason ? p->archived->reason : "");
	if (p->deprecated)
		mr_log(&p->m->env, MREG_LOG_WARN, "%s:%s %s", name, version,
		       p->deprecated->says);
}
