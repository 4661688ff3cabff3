/*
 * credentials.c - who we are to a registry: what variables hold, the files of
 * docker and podman in their order (protocol.md 2.2), and the helpers that all
 * of those name.
 *
 * Variables come first: whoever sets one for a container, or for a job, means
 * it more than what an image or a runner's home happens to have.
 */
#include "net/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define PATH_BYTES 1200
/* Its file is what "auths" is in the others. */
#define LEGACY "docker's old .dockercfg"
#define PLACES 5

/* Where credentials may be, in order. */
struct places {
	struct place {
		const char *label;
		char path[PATH_BYTES];
	} at[PLACES];
	size_t n;
	size_t writable; /* the first so many: docker's is the last of them */
};

static const char *get_env(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static void add_place(struct places *p, const char *label, const char *dir,
		      const char *file)
{
	struct place *at = &p->at[p->n];
	int n;

	if (!dir)
		return;
	n = snprintf(at->path, sizeof(at->path), "%s%s", dir, file);
	if (n < 0 || (size_t)n >= sizeof(at->path))
		return; /* no file has such a name */
	at->label = label;
	p->n++;
}

static void list_places(struct places *p)
{
	const char *home = get_env("HOME");

	p->n = 0;
	add_place(p, "REGISTRY_AUTH_FILE", get_env("REGISTRY_AUTH_FILE"), "");
	add_place(p, "podman's auth.json", get_env("XDG_RUNTIME_DIR"),
		  "/containers/auth.json");
	if (get_env("XDG_CONFIG_HOME"))
		add_place(p, "podman's auth.json", get_env("XDG_CONFIG_HOME"),
			  "/containers/auth.json");
	else
		add_place(p, "podman's auth.json", home,
			  "/.config/containers/auth.json");
	if (get_env("DOCKER_CONFIG"))
		add_place(p, "docker config", get_env("DOCKER_CONFIG"),
			  "/config.json");
	else
		add_place(p, "docker config", home, "/.docker/config.json");
	p->writable = p->n;
	/* Of docker before 1.7: only read. */
	add_place(p, LEGACY, home, "/.dockercfg");
}

int mr_credentials_set(struct mr_credentials *c, const char *username,
		       const char *secret, size_t n, bool identity,
		       struct mreg_error *err)
{
	char *user = mr_strdup(username);

	if (!user || mr_secret_set(&c->password, secret, n) < 0) {
		mr_release(user);
		return mr_fail_nomem(err);
	}
	mr_release(c->username);
	c->username = user;
	c->identity_token = identity;
	return 0;
}

int mr_credentials_copy(const struct mr_credentials *from,
			struct mr_credentials *to, struct mreg_error *err)
{
	memset(to, 0, sizeof(*to));
	to->origin = from->origin;
	to->registry_token = from->registry_token;
	if (!from->username)
		return 0;
	return mr_credentials_set(
		to, from->username,
		from->password.bytes ? from->password.bytes : "",
		from->password.len, from->identity_token, err);
}

void mr_credentials_release(struct mr_credentials *c)
{
	mr_release(c->username);
	mr_secret_release(&c->password);
	memset(c, 0, sizeof(*c));
}

/* What is looked for, and what was noticed on the way. */
struct wanted {
	struct mr_env *env;
	const char *host;
	const char *repository; /* NULL: none */
	bool *namespaced;
};

/* The helper comes first; what it does not have may still be written down. */
static int find_in(const struct wanted *w, const json_t *root,
		   const char *label, const char *name,
		   struct mr_credentials *out, struct mreg_error *err)
{
	const char *helper;
	int rc;

	rc = mr_credential_file_helper(root, name, w->host, &helper, err);
	if (rc < 0)
		return rc;
	if (helper) {
		rc = mr_helper_get(w->env, helper, w->host, out, err);
		out->origin = "credential helper";
		if (rc < 0 || out->username)
			return rc;
	}
	out->origin = label;
	return mr_credential_file_get(root, name, w->host, w->repository, out,
				      w->namespaced, err);
}

/* Whole files in variables: ours, for containers that can be given a secret in
 * no other way (consumers.md 1.5), then GitLab's. */
static const char *const variables[] = { "MREG_DOCKER_CONFIG_JSON",
					 "DOCKER_AUTH_CONFIG" };

/* What is wrong with a variable no login mends. */
static int find_in_variable(const struct wanted *w, const char *name,
			    struct mr_credentials *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	const char *text = get_env(name);
	int rc;

	if (!text)
		return 0;
	rc = mr_credential_file_parse(text, strlen(text), name, &root, err);
	if (rc >= 0)
		rc = find_in(w, root, name, name, out, err);
	if (rc == MREG_EFORMAT || rc == MREG_ELIMIT)
		return mr_hint(err,
			       "%s holds the text of a docker "
			       "config.json; mend it, or unset it",
			       name);
	return rc;
}

static int find_in_variables(const struct wanted *w, struct mr_credentials *out,
			     struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < MR_COUNT(variables) && rc >= 0 && !out->username; i++)
		rc = find_in_variable(w, variables[i], out, err);
	return rc;
}

/* {"host": {...}} as if it were below "auths". */
static int wrap_legacy(json_t **root, struct mreg_error *err)
{
	json_t *whole = json_pack("{s:O}", "auths", *root);

	if (!whole)
		return mr_fail_nomem(err);
	json_decref(*root);
	*root = whole;
	return 0;
}

static int find_in_place(const struct wanted *w, const struct place *at,
			 struct mr_credentials *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	char name[PATH_BYTES + 32];
	int rc;

	rc = mr_credential_file_load(at->path, &root, err);
	if (rc >= 0 && root && !strcmp(at->label, LEGACY))
		rc = wrap_legacy(&root, err);
	if (rc < 0 || !root)
		return rc;
	(void)snprintf(name, sizeof(name), "credential file '%s'", at->path);
	return find_in(w, root, at->label, name, out, err);
}

int mr_credentials_look(struct mr_env *env, const char *host,
			const char *repository, struct mr_credentials *out,
			bool *namespaced, struct mreg_error *err)
{
	const struct wanted w = { env, host, repository, namespaced };
	struct places p;
	size_t i;
	int rc;

	*namespaced = false;
	memset(out, 0, sizeof(*out));
	rc = mr_host_check(host, err);
	if (rc < 0)
		return rc;
	rc = find_in_variables(&w, out, err);
	list_places(&p);
	for (i = 0; i < p.n && rc >= 0 && !out->username; i++)
		rc = find_in_place(&w, &p.at[i], out, err);
	if (rc < 0)
		mr_credentials_release(out);
	else if (!out->username)
		out->origin = NULL;
	return rc;
}

int mr_credentials_find(struct mr_env *env, const char *host,
			struct mr_credentials *out, struct mreg_error *err)
{
	bool ignored;

	return mr_credentials_look(env, host, NULL, out, &ignored, err);
}

int mr_credentials_shadow(struct mr_env *env, const char *host,
			  const char **variable, struct mreg_error *err)
{
	MR_AUTO(mr_credentials_release)
	struct mr_credentials c = { .username = NULL };
	bool ignored = false;
	const struct wanted w = { env, host, NULL, &ignored };
	size_t i;
	int rc = 0;

	*variable = NULL;
	for (i = 0; i < MR_COUNT(variables) && rc >= 0 && !c.username; i++) {
		rc = find_in_variable(&w, variables[i], &c, err);
		if (c.username)
			*variable = variables[i];
	}
	return rc;
}

/* -- login and logout --------------------------------------------------------
 */

/*
 * The file in which mr_credentials_find would look first: one that has
 * something for this host already, or the login would stay in its shadow;
 * REGISTRY_AUTH_FILE because the user said so; else docker's.
 */
static int choose_place(const struct places *p, const char *host,
			const struct place **out, json_t **root,
			struct mreg_error *err)
{
	struct mr_credentials c = { .username = NULL };
	const char *helper;
	bool ignored;
	bool named;
	size_t i;
	int rc;

	*out = NULL;
	for (i = 0; i < p->writable; i++) {
		rc = mr_credential_file_load(p->at[i].path, root, err);
		if (rc < 0)
			return rc;
		*out = &p->at[i];
		named = i == 0 && get_env("REGISTRY_AUTH_FILE");
		if (named || i == p->writable - 1)
			return 0;
		if (!*root)
			continue;
		rc = mr_credential_file_helper(*root, p->at[i].label, host,
					       &helper, err);
		if (rc >= 0)
			rc = mr_credential_file_get(*root, p->at[i].label, host,
						    NULL, &c, &ignored, err);
		if (rc < 0 || helper || c.username) {
			mr_credentials_release(&c);
			return rc;
		}
		mr_json_freep(root);
		*root = NULL;
	}
	mr_fail(err, MREG_EUSAGE, "no place to keep credentials in");
	return mr_hint(err, "set HOME or DOCKER_CONFIG");
}

int mr_credentials_store(struct mr_env *env, const char *host,
			 const struct mr_credentials *c, char where[256],
			 struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	const struct place *at;
	const char *helper = NULL;
	struct places p;
	bool changed;
	int rc;

	rc = mr_host_check(host, err);
	if (rc < 0)
		return rc;
	list_places(&p);
	rc = choose_place(&p, host, &at, &root, err);
	if (rc >= 0 && root)
		rc = mr_credential_file_helper(root, at->label, host, &helper,
					       err);
	if (rc < 0)
		return rc;
	if (helper) {
		(void)snprintf(where, 256, "helper 'docker-credential-%s'",
			       helper); /* shown only */
		return mr_helper_store(env, helper, host, c, err);
	}
	mr_text_safe(at->path, where, 256);
	return mr_credential_file_put(at->path, host, c, &changed, err);
}

static int erase_at(struct mr_env *env, const struct place *at,
		    const char *host, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	const char *helper = NULL;
	bool kept = false;
	bool written = false;
	int rc;

	rc = mr_credential_file_load(at->path, &root, err);
	if (rc < 0 || !root)
		return rc;
	rc = mr_credential_file_helper(root, at->label, host, &helper, err);
	if (rc >= 0 && helper)
		rc = mr_helper_erase(env, helper, host, &kept, err);
	if (rc >= 0)
		rc = mr_credential_file_put(at->path, host, NULL, &written,
					    err);
	*found = *found || kept || written;
	return rc;
}

int mr_credentials_erase(struct mr_env *env, const char *host, bool *found,
			 struct mreg_error *err)
{
	struct places p;
	size_t i;
	int rc;

	*found = false;
	rc = mr_host_check(host, err);
	list_places(&p);
	for (i = 0; i < p.writable && rc >= 0; i++)
		rc = erase_at(env, &p.at[i], host, found, err);
	return rc;
}
