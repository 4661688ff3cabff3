/*
 * place.c - places that hold repositories: a registry, a part of one, a local
 * store.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/repo.h"

int mr_place_settle(struct mreg_ref *ref, struct mreg_error *err)
{
	char here[sizeof(ref->dir)];
	char whole[2 * sizeof(ref->dir) + 1];
	const char *dir = ref->dir;
	int n;

	/* Where the working directory is gone, whatever is below it is, too. */
	if (!dir[0] || dir[0] == '/' || !getcwd(here, sizeof(here)))
		return 0;
	while (mr_text_starts(dir, "./"))
		dir += 2;
	n = snprintf(whole, sizeof(whole), "%s%s%s", here,
		     strcmp(dir, ".") == 0 ? "" : "/",
		     strcmp(dir, ".") == 0 ? "" : dir);
	if (n < 0 || (size_t)n >= sizeof(ref->dir))
		return mr_fail(err, MREG_EUSAGE,
			       "store directory '%s' is too long here", dir);
	memcpy(ref->dir, whole, (size_t)n + 1);
	return 0;
}

int mr_place_parse(struct mreg *m, const char *prefix, struct mreg_ref *place,
		   struct mreg_error *err)
{
	const char *set = prefix ? prefix : mr_setting(m, "registry");
	const char *store = mr_setting(m, "store");
	static const char below[] = "x";
	int rc;

	memset(place, 0, sizeof(*place));
	(void)snprintf(place->repository, sizeof(place->repository), "%s",
		       below);
	if (!set[0] && !store[0])
		return mr_target_parse(m, below, place, err);
	rc = mr_ref_complete(place, set, store, err);
	if (rc >= 0)
		rc = mr_place_settle(place, err);
	if (rc < 0)
		return rc;
	/* Back to what is above the made-up name. */
	place->repository[strlen(place->repository) - strlen(below)] = '\0';
	return 0;
}

const char *mr_place_text(const struct mreg_ref *place, struct mr_arena *a)
{
	size_t len = strlen(place->repository);

	return place->dir[0] ? mr_arena_printf(a, "oci:%s%s%.*s", place->dir,
					       len ? "//" : "",
					       (int)(len ? len - 1 : 0),
					       place->repository)
			     : mr_arena_printf(a, "%s%s%.*s", place->host,
					       len ? "/" : "",
					       (int)(len ? len - 1 : 0),
					       place->repository);
}

bool mr_place_is_policy(const char *repository)
{
	const char *slash = strrchr(repository, '/');

	return strcmp(slash ? slash + 1 : repository, MR_POLICY_REPOSITORY) ==
	       0;
}

static int list_all(struct mreg *m, const struct mreg_ref *place,
		    struct mr_list *names, struct mreg_error *err)
{
	char prefix[sizeof(place->repository)];
	size_t len = strlen(place->repository);
	struct mr_net *net;
	int rc;

	if (place->dir[0])
		return mr_layout_repositories(&m->env, place->dir, names, err);
	(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)(len ? len - 1 : 0),
		       place->repository);
	rc = mr_session_net(m, &net, err);
	if (rc < 0)
		return rc;
	return mr_remote_repositories(&m->env, net, place->host, prefix, names,
				      err);
}

int mr_place_models(struct mreg *m, const struct mreg_ref *place,
		    struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	size_t len = strlen(place->repository);
	size_t i;
	int rc = list_all(m, place, &names, err);

	for (i = 0; rc >= 0 && i < names.n; i++) {
		const char *name = names.items[i];

		/* A policy's repository has it for its neighbours, and no
		 * version. */
		if (strncmp(name, place->repository, len) == 0 &&
		    !mr_place_is_policy(name))
			rc = mr_list_add(out, name, err);
	}
	return rc;
}
