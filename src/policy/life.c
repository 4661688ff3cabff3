/*
 * life.c - what a policy says of a version's life after its push.
 */
#include "policy/policy.h"

#include <string.h>

#include "base/mem.h"

#define DAY_S 86400

static const char *const default_stages[] = { "staging", "production" };
static const struct mr_life defaults = {
	.stages = default_stages,
	.stage_count = MR_COUNT(default_stages),
	.approval_hours = MR_APPROVAL_HOURS,
	.retention_s = (int64_t)MR_RETENTION_DAYS * DAY_S,
};

const struct mr_life *mr_policy_life(const struct mr_policy *p)
{
	(void)p;
	return &defaults;
}

const struct mr_party *mr_life_party(const struct mr_life *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->role_count; i++)
		if (strcmp(l->roles[i].name, name) == 0)
			return &l->roles[i];
	return NULL;
}

bool mr_party_has(const struct mr_party *r, const char *login)
{
	size_t i;

	for (i = 0; i < r->members.n; i++)
		if (strcmp(r->members.items[i], login) == 0)
			return true;
	return false;
}

bool mr_watch_holds(const struct mr_watch *w, const char *value)
{
	(void)w;
	(void)value;
	return false;
}

bool mr_policy_gated(const struct mr_policy *p, const char *alias)
{
	(void)p;
	(void)alias;
	return false;
}
