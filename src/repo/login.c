/*
 * login.c - credentials: tried, then stored where docker stores them.
 */
#include "mreg/login.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/repo.h"

static int check_host(const char *host, struct mreg_error *err)
{
	char safe[128];

	if (mr_host_valid(host))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is no registry host",
		      mr_text_safe(host, safe, sizeof(safe)));
	return mr_hint(err, "HOST or HOST:PORT, such as ghcr.io or "
			    "localhost:5000");
}

static int try_and_store(struct mreg *m, const char *host, const char *username,
			 const char *password, bool dry_run, char where[256],
			 struct mreg_error *err)
{
	MR_AUTO(mr_credentials_release)
	struct mr_credentials c = { .username = mr_strdup(username) };
	struct mr_net *net;
	int rc;

	if (!c.username ||
	    mr_secret_set(&c.password, password, strlen(password)) < 0)
		return mr_fail_nomem(err);
	rc = mr_session_net(m, &net, err);
	if (rc >= 0)
		rc = mr_net_login(net, host, &c, err);
	if (rc < 0 || dry_run)
		return rc;
	return mr_credentials_store(&m->env, host, &c, where, err);
}

static int finish(struct mreg_login_result *out, struct mreg_error *err)
{
	int rc = mr_result_check(out->owner, err);

	if (rc < 0)
		mreg_login_result_release(out);
	return rc;
}

int mreg_login(struct mreg *m, const char *host, const char *username,
	       const char *password, bool dry_run,
	       struct mreg_login_result *out, struct mreg_error *err)
{
	struct mr_arena *a;
	char where[256] = "";
	const char *shadow = NULL;
	int rc = check_host(host, err);

	memset(out, 0, sizeof(*out));
	if (rc >= 0)
		rc = mr_credentials_shadow(&m->env, host, &shadow, err);
	if (rc >= 0)
		rc = try_and_store(m, host, username, password, dry_run, where,
				   err);
	if (rc >= 0)
		rc = mr_result_arena(&a, err);
	if (rc < 0)
		return rc;
	out->owner = a;
	out->host = mr_arena_strdup(a, host);
	out->username = mr_arena_strdup(a, username);
	out->where = mr_arena_strdup(a, where);
	out->dry_run = dry_run;
	out->shadow = shadow;
	return finish(out, err);
}

static int look_up(struct mreg *m, const char *host, bool *found,
		   struct mreg_error *err)
{
	MR_AUTO(mr_credentials_release)
	struct mr_credentials c = { .username = NULL };
	int rc = mr_credentials_find(&m->env, host, &c, err);

	*found = rc >= 0 && c.username;
	return rc;
}

int mreg_logout(struct mreg *m, const char *host, bool dry_run,
		struct mreg_login_result *out, struct mreg_error *err)
{
	struct mr_arena *a;
	bool found = false;
	const char *shadow = NULL;
	int rc = check_host(host, err);

	memset(out, 0, sizeof(*out));
	if (rc >= 0)
		rc = mr_credentials_shadow(&m->env, host, &shadow, err);
	if (rc >= 0)
		rc = dry_run ? look_up(m, host, &found, err)
			     : mr_credentials_erase(&m->env, host, &found, err);
	if (rc >= 0)
		rc = mr_result_arena(&a, err);
	if (rc < 0)
		return rc;
	out->owner = a;
	out->host = mr_arena_strdup(a, host);
	out->removed = found;
	out->dry_run = dry_run;
	out->shadow = shadow;
	return finish(out, err);
}

void mreg_login_result_release(struct mreg_login_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
