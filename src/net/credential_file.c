/*
 * credential_file.c - docker's config.json and podman's auth.json: what they
 * hold for a host, and changing just that.
 *
 * "auths" maps keys of many spellings to base64 of USER:PASSWORD, or to
 * an identity token; "credHelpers" and "credsStore" name programs that keep
 * secrets instead.
 */
#include "net/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define HUB_KEY "https://index.docker.io/v1/"

static bool is_hub(const char *host)
{
	return !strcasecmp(host, "docker.io") ||
	       !strcasecmp(host, "index.docker.io") ||
	       !strcasecmp(host, "registry-1.docker.io");
}

const char *mr_host_key(const char *host)
{
	return is_hub(host) ? HUB_KEY : host;
}

int mr_host_check(const char *host, struct mreg_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:[]";

	if (host[0] && host[0] != '-' && strlen(host) < 256 &&
	    strspn(host, allowed) == strlen(host))
		return 0;
	mr_fail(err, MREG_EUSAGE, "'%s' is not a registry's host", host);
	return mr_hint(err, "write HOST or HOST:PORT, for example ghcr.io");
}

/* The host in a key, without its scheme; `*rest` is what follows. */
static bool key_host(const char *key, char out[300], const char **rest)
{
	const char *p = key;
	size_t n;

	if (!strncasecmp(p, "https://", 8))
		p += 8;
	else if (!strncasecmp(p, "http://", 7))
		p += 7;
	n = strcspn(p, "/");
	if (n >= 300)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	*rest = p + n;
	return true;
}

/* No path, or just the API's version, which old logins have. */
static bool is_whole_host(const char *rest)
{
	return !*rest || !strcmp(rest, "/") || !strcmp(rest, "/v1/") ||
	       !strcmp(rest, "/v2/") || !strcmp(rest, "/v1") ||
	       !strcmp(rest, "/v2");
}

/* Without the default port of https (P-33). */
static size_t bare_len(const char *host)
{
	size_t n = strlen(host);

	return mr_text_ends(host, ":443") ? n - 4 : n;
}

static bool same_host(const char *a, const char *b)
{
	size_t n = bare_len(a);

	return (is_hub(a) && is_hub(b)) ||
	       (n == bare_len(b) && !strncasecmp(a, b, n));
}

bool mr_host_matches(const char *key, const char *host)
{
	const char *rest;
	char have[300];

	return key_host(key, have, &rest) && is_whole_host(rest) &&
	       same_host(have, host);
}

/* How much of `repository` a key names: 0, the host alone; -1: nothing of it,
 * and `*namespaced` if it is another part of the host. */
static int key_reach(const char *key, const char *host, const char *repository,
		     bool *namespaced)
{
	const char *rest;
	char have[300];
	size_t n;

	if (!key_host(key, have, &rest) || !same_host(have, host))
		return -1;
	if (is_whole_host(rest))
		return 0;
	/* podman writes no scheme there; with one it is an API's address. */
	if (strstr(key, "://"))
		return -1;
	*namespaced = true;
	rest++;
	n = strlen(rest);
	while (n && rest[n - 1] == '/')
		n--;
	if (!repository || !n || strncmp(rest, repository, n) != 0 ||
	    (repository[n] && repository[n] != '/'))
		return -1;
	return (int)n;
}

int mr_credential_file_parse(const char *text, size_t n, const char *name,
			     json_t **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	rc = mr_json_parse(text, n, MR_CONFIG_MAX_BYTES, name, &root, &why);
	/* Where it went wrong may be in a password, which the parser quotes. */
	if (rc == MREG_EFORMAT)
		return mr_fail(err, MREG_EFORMAT, "%s is no valid JSON", name);
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (!json_is_object(root))
		return mr_fail(err, MREG_EFORMAT, "%s is not a JSON object",
			       name);
	*out = mr_steal(&root);
	return 0;
}

static void wipe_buf(struct mr_buf *b)
{
	if (b->data)
		mr_wipe(b->data, b->cap);
	mr_buf_release(b);
}

int mr_credential_file_load(const char *path, json_t **out,
			    struct mreg_error *err)
{
	struct mr_buf text = MR_BUF_INIT(MR_CONFIG_MAX_BYTES);
	char name[PATH_MAX + 32];
	struct mreg_error own = MREG_ERROR_INIT;
	int rc;

	*out = NULL;
	rc = mr_file_load(AT_FDCWD, path, &text, &own);
	(void)snprintf(name, sizeof(name), "credential file '%s'", path);
	if (rc == MREG_ENOTFOUND) {
		rc = 0;
	} else if (rc < 0) {
		if (err)
			*err = own;
		rc = mr_wrap(err, "cannot read %s", name);
	} else {
		rc = mr_credential_file_parse(mr_buf_text(&text), text.len,
					      name, out, err);
	}
	wipe_buf(&text);
	return rc;
}

int mr_credential_file_helper(const json_t *root, const char *name,
			      const char *host, const char **out,
			      struct mreg_error *err)
{
	json_t *helpers = NULL;
	const char *store = NULL;
	const char *key;
	json_t *value;
	int rc;

	*out = NULL;
	rc = mr_json_opt_object(root, "credHelpers", name, &helpers, err);
	if (rc < 0)
		return rc;
	json_object_foreach(helpers, key, value)
	{
		if (json_is_string(value) && mr_host_matches(key, host))
			*out = json_string_value(value);
	}
	if (*out)
		return 0;
	rc = mr_json_opt_str(root, "credsStore", name, &store, err);
	if (rc >= 0 && store && store[0])
		*out = store;
	return rc;
}

/* The entry that names most, but less than `below`; its reach, or -1. */
static int find_entry(json_t *auths, const char *host, const char *repository,
		      int below, json_t **out, bool *namespaced)
{
	const char *exact = mr_host_key(host);
	const char *key;
	json_t *value;
	int best = -1;
	int reach;

	json_object_foreach(auths, key, value)
	{
		reach = key_reach(key, host, repository, namespaced);
		if (reach < 0 || reach >= below || reach < best)
			continue;
		if (reach == best && strcmp(key, exact) != 0)
			continue;
		best = reach;
		*out = value;
	}
	return best;
}

/* "auth": base64 of USER:PASSWORD, split at the first colon; old versions of
 * docker padded it with NULs. */
static int read_auth(const char *auth, const char *host, const char *name,
		     struct mr_credentials *out, struct mreg_error *err)
{
	struct mr_secret both = { .bytes = NULL };
	char *colon = NULL;
	size_t len;
	int rc;

	rc = mr_base64_decode(auth, strlen(auth), &both);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc == 0)
		colon = memchr(both.bytes, ':', both.len);
	if (!colon) {
		mr_secret_release(&both);
		mr_fail(err, MREG_EFORMAT, "%s: 'auth' of '%s' is malformed",
			name, host);
		return mr_hint(err, "run: mreg login %.120s", host);
	}
	*colon = '\0';
	len = both.len - (size_t)(colon + 1 - both.bytes);
	while (len && colon[len] == '\0')
		len--;
	rc = mr_credentials_set(out, both.bytes, colon + 1, len, false, err);
	mr_secret_release(&both);
	return rc;
}

/* A token takes the place of the password; whose it is may be unknown. */
static int read_tokens(const json_t *entry, const char *name,
		       struct mr_credentials *out, struct mreg_error *err)
{
	const char *identity = NULL;
	const char *registry = NULL;
	const char *user = out->username ? out->username : "";
	const char *token;
	int rc;

	rc = mr_json_opt_str(entry, "identitytoken", name, &identity, err);
	rc = rc < 0 ? rc
		    : mr_json_opt_str(entry, "registrytoken", name, &registry,
				      err);
	if (rc < 0)
		return rc;
	token = registry && registry[0] ? registry : identity;
	if (!token || !token[0])
		return 0;
	out->registry_token = token == registry;
	return mr_credentials_set(out, user, token, strlen(token),
				  token == identity, err);
}

static int read_entry(const json_t *entry, const char *host, const char *name,
		      struct mr_credentials *out, struct mreg_error *err)
{
	const char *auth = NULL;
	const char *user = NULL;
	const char *password = NULL;
	int rc;

	rc = mr_json_opt_str(entry, "auth", name, &auth, err);
	rc = rc < 0 ? rc : mr_json_opt_str(entry, "username", name, &user, err);
	rc = rc < 0 ? rc
		    : mr_json_opt_str(entry, "password", name, &password, err);
	if (rc >= 0 && auth && auth[0])
		rc = read_auth(auth, host, name, out, err);
	else if (rc >= 0 && user && user[0])
		rc = mr_credentials_set(out, user, password ? password : "",
					password ? strlen(password) : 0, false,
					err);
	return rc < 0 ? rc : read_tokens(entry, name, out, err);
}

int mr_credential_file_get(const json_t *root, const char *name,
			   const char *host, const char *repository,
			   struct mr_credentials *out, bool *namespaced,
			   struct mreg_error *err)
{
	json_t *auths = NULL;
	json_t *entry = NULL;
	int reach = INT_MAX;
	int rc;

	rc = mr_json_opt_object(root, "auths", name, &auths, err);
	if (rc < 0 || !auths)
		return rc;
	/* An empty entry says that a helper has it, or nobody. */
	while (rc >= 0 && !out->username && reach > 0) {
		reach = find_entry(auths, host, repository, reach, &entry,
				   namespaced);
		if (reach >= 0)
			rc = read_entry(entry, host, name, out, err);
	}
	return rc;
}

/* -- changing ----------------------------------------------------------------
 */

static json_t *entry_of(const struct mr_credentials *c, struct mreg_error *err)
{
	struct mr_secret encoded = { .bytes = NULL };
	struct mr_buf both = MR_BUF_INIT(MR_CONFIG_MAX_BYTES);
	json_t *entry = json_object();
	int rc;

	mr_buf_puts(&both, c->username);
	mr_buf_putc(&both, ':');
	if (!c->identity_token)
		mr_buf_add(&both, c->password.bytes, c->password.len);
	rc = mr_buf_check(&both, "credentials", err);
	if (rc >= 0 && mr_base64_encode(both.data, both.len, &encoded) < 0)
		rc = mr_fail_nomem(err);
	wipe_buf(&both);
	if (rc >= 0 &&
	    json_object_set_new(entry, "auth", json_string(encoded.bytes)) < 0)
		rc = mr_fail_nomem(err);
	if (rc >= 0 && c->identity_token &&
	    json_object_set_new(
		    entry, "identitytoken",
		    json_stringn(c->password.bytes, c->password.len)) < 0)
		rc = mr_fail(err, MREG_EFORMAT, "the token is not text");
	mr_secret_release(&encoded);
	if (rc >= 0)
		return entry;
	json_decref(entry);
	return NULL;
}

static bool remove_entries(json_t *auths, const char *host)
{
	bool any = false;
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(auths, next, key, value)
	{
		if (!mr_host_matches(key, host))
			continue;
		any = json_object_del(auths, key) == 0 || any;
	}
	return any;
}

static int save(const char *path, const json_t *root, struct mreg_error *err)
{
	char *text = mr_json_dump(root, JSON_INDENT(2));
	char *real;
	int rc;

	if (!text)
		return mr_fail_nomem(err);
	/* Those who keep their settings elsewhere have a link here. */
	real = realpath(path, NULL);
	rc = mr_file_save(AT_FDCWD, real ? real : path, text, strlen(text),
			  0600, err);
	free(real);
	mr_wipe(text, strlen(text));
	free(text);
	if (rc < 0)
		return mr_wrap(err, "cannot write credential file '%s'", path);
	return 0;
}

/* The folder holds secrets: 0700, as docker makes it. */
static int make_folder(const char *path, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *dir = mr_strdup(path);
	char *slash;
	int rc;

	if (!dir)
		return mr_fail_nomem(err);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		rc = mr_dir_make(dir, err);
		*slash = '/';
		if (rc < 0)
			return rc;
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return mr_fail_sys(err, errno, "cannot make '%s'", dir);
	return 0;
}

static int change(json_t *root, const char *host,
		  const struct mr_credentials *c, bool *changed,
		  struct mreg_error *err)
{
	json_t *auths = json_object_get(root, "auths");
	json_t *entry;

	if (!json_is_object(auths)) {
		if (!c)
			return 0;
		auths = json_object();
		if (json_object_set_new(root, "auths", auths) < 0)
			return mr_fail_nomem(err);
	}
	*changed = remove_entries(auths, host);
	if (!c)
		return 0;
	entry = entry_of(c, err);
	if (!entry)
		return err ? (int)err->code : MREG_ENOMEM;
	if (json_object_set_new(auths, mr_host_key(host), entry) < 0)
		return mr_fail_nomem(err);
	*changed = true;
	return 0;
}

int mr_credential_file_put(const char *path, const char *host,
			   const struct mr_credentials *c, bool *changed,
			   struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *root = NULL;
	int rc;

	*changed = false;
	rc = mr_credential_file_load(path, &root, err);
	if (rc < 0)
		return rc;
	if (!root && !c)
		return 0;
	if (!root) {
		root = json_object();
		if (!root)
			return mr_fail_nomem(err);
		rc = make_folder(path, err);
		if (rc < 0)
			return rc;
	}
	rc = change(root, host, c, changed, err);
	if (rc < 0 || !*changed)
		return rc;
	return save(path, root, err);
}
