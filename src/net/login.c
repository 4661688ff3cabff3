/*
 * login.c - whose credentials a registry gets, looked up once: for the whole
 * host, or where a file has some for parts of it, by repository.
 *
 * One thread looks, the others wait for it: a helper is a program that may
 * ask its user something.
 */
#include "net/auth.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* What helpers hand out may be changed, or end. */
#define FOUND_MAX_MS (3600 * INT64_C(1000))

void mr_login_free(struct mr_login *l)
{
	if (!l)
		return;
	mr_credentials_release(&l->credentials);
	mr_release(l->repository);
	mr_release(l);
}

/* NAME of the first "repository:NAME:ACTIONS", which may itself hold colons
 * "" for anything else.  For free. */
static char *repository_of(const char *scope)
{
	static const char kind[] = "repository:";
	const char *name;
	const char *end;

	if (!scope || strncmp(scope, kind, sizeof(kind) - 1) != 0)
		return mr_strdup("");
	name = scope + sizeof(kind) - 1;
	end = name + strcspn(name, " ");
	while (end > name && end[-1] != ':')
		end--;
	return mr_strndup(name, end > name ? (size_t)(end - 1 - name) : 0);
}

/* Under n->lock. */
static struct mr_login *find(struct mr_origin *o, const char *repository)
{
	const char *name = o->namespaced && !o->given ? repository : "";
	struct mr_login *l;

	for (l = o->logins; l; l = l->next)
		if (!strcmp(l->repository, name))
			return l;
	return NULL;
}

static bool is_current(struct mr_net *n, const struct mr_origin *o,
		       const struct mr_login *l)
{
	return l && l->current &&
	       (o->given || mr_mono_ms(n->env) - l->found_ms < FOUND_MAX_MS);
}

static int look_up(struct mr_net *n, const struct mr_origin *o,
		   const char *repository, struct mr_credentials *out,
		   bool *namespaced, struct mreg_error *err)
{
	memset(out, 0, sizeof(*out));
	*namespaced = false;
	if (!n->username.bytes)
		return mr_credentials_look(n->env, o->host, repository, out,
					   namespaced, err);
	out->origin = "given";
	return mr_credentials_set(out, n->username.bytes,
				  n->password.bytes ? n->password.bytes : "",
				  n->password.len, false, err);
}

/* Under n->lock: where what was found is kept. */
static struct mr_login *place(struct mr_origin *o, const char *repository)
{
	struct mr_login *l = find(o, repository);

	if (l)
		return l;
	l = mr_zalloc(sizeof(*l));
	if (!l)
		return NULL;
	l->repository = mr_strdup(o->namespaced ? repository : "");
	if (!l->repository) {
		mr_release(l);
		return NULL;
	}
	l->next = o->logins;
	o->logins = l;
	return l;
}

/* Under n->lock, which is given up meanwhile. */
static int look(struct mr_net *n, struct mr_origin *o, const char *repository,
		struct mreg_error *err)
{
	struct mr_credentials found;
	struct mr_login *l;
	bool namespaced;
	int rc;

	o->looking = true;
	pthread_mutex_unlock(&n->lock);
	rc = look_up(n, o, repository, &found, &namespaced, err);
	pthread_mutex_lock(&n->lock);
	o->looking = false;
	pthread_cond_broadcast(&n->changed);
	if (rc >= 0 && !o->given) { /* no login meanwhile */
		o->namespaced = o->namespaced || namespaced;
		l = place(o, repository);
		if (l) {
			mr_credentials_release(&l->credentials);
			l->credentials = found;
			memset(&found, 0, sizeof(found));
			l->found_ms = mr_mono_ms(n->env);
			l->current = true;
			l->proven = false;
		} else {
			rc = mr_fail_nomem(err);
		}
	}
	mr_credentials_release(&found);
	return rc;
}

int mr_login_get(struct mr_net *n, struct mr_origin *o, const char *scope,
		 struct mr_credentials *out, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *repository = repository_of(scope);
	struct mr_login *l = NULL;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (!repository)
		return mr_fail_nomem(err);
	pthread_mutex_lock(&n->lock);
	while (rc >= 0 && !is_current(n, o, l = find(o, repository))) {
		if (!o->looking) {
			rc = look(n, o, repository, err);
			continue;
		}
		(void)mr_net_wait_change(n); /* asked again either way */
		rc = mr_check_cancel(n->env, err);
	}
	if (rc >= 0)
		rc = mr_credentials_copy(&l->credentials, out, err);
	pthread_mutex_unlock(&n->lock);
	return rc;
}

void mr_login_proven(struct mr_net *n, struct mr_origin *o, const char *scope)
{
	MR_AUTO(mr_free) char *repository = repository_of(scope);
	struct mr_login *l;

	if (!repository)
		return; /* it is proven another time */
	pthread_mutex_lock(&n->lock);
	l = find(o, repository);
	if (l)
		l->proven = true;
	pthread_mutex_unlock(&n->lock);
}

bool mr_login_again(struct mr_origin *o, const char *scope)
{
	MR_AUTO(mr_free) char *repository = repository_of(scope);
	struct mr_login *l = repository ? find(o, repository) : NULL;

	if (!l || !l->proven || o->given)
		return false;
	l->proven = false;
	l->current = false;
	return true;
}

void mr_login_set(struct mr_origin *o, struct mr_login *given)
{
	struct mr_login *l;

	while ((l = o->logins) != NULL) {
		o->logins = l->next;
		mr_login_free(l);
	}
	o->logins = given;
	o->given = given != NULL;
	o->namespaced = false;
}
