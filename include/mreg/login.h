/*
 * mreg/login.h - credentials of registries, where docker keeps them.
 */
#ifndef MREG_LOGIN_H
#define MREG_LOGIN_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_login_result {
	const char *host;
	const char *username;
	const char *where; /* "helper 'pass'", "/home/a/.docker/config.json" */
	bool removed;      /* logout: whether there was something to remove */
	bool dry_run;
	const char *shadow; /* variable whose login comes before what is kept:
			     * "MREG_DOCKER_CONFIG_JSON"; NULL: none */
	void *owner;
};

/*
 * Who is used for a registry: what the variables MREG_DOCKER_CONFIG_JSON and
 * DOCKER_AUTH_CONFIG have (each the text of a docker config.json), the file
 * REGISTRY_AUTH_FILE, podman's auth.json of the session and of the user,
 * docker's config.json, .dockercfg: the first that has the host, each with the
 * credential helpers that it names.
 */

/* Try the credentials against the registry, then store them (in a dry run
 * only the first); nothing is stored that was refused (MREG_EAUTH).  Also
 * forgets the token realm remembered for the registry. */
MREG_API int mreg_login(struct mreg *m, const char *host, const char *username,
			const char *password, bool dry_run,
			struct mreg_login_result *out, struct mreg_error *err);
MREG_API int mreg_logout(struct mreg *m, const char *host, bool dry_run,
			 struct mreg_login_result *out, struct mreg_error *err);
MREG_API void mreg_login_result_release(struct mreg_login_result *r);

#ifdef __cplusplus
}
#endif

#endif
