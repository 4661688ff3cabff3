/*
 * certs.c - which authorities are trusted, and who we are to servers that ask
 * for a certificate: the system's bundle, --ca-file, and the certs.d folders
 * that docker and podman keep by host.
 *
 * The first folder that has an entry for the host is the only one looked
 * into.  There *.crt are authorities, trusted beside the others, and
 * NAME.cert with NAME.key is what we show; to no other host, so a redirect
 * does not take it along.
 */
#include "net/auth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/wire.h"

/* The certificate bundles of distributions are 200 to 600 KiB. */
#define CA_MAX_BYTES (8u << 20)
/* Files of one host. */
#define FILES_MAX_BYTES (64u << 10)
/* Folders, separated by ':', instead of the usual three. */
#define FOLDERS_ENV "MREG_CERTS_D"

/* curl the library, unlike curl the tool, does not look at SSL_CERT_FILE. */
static const char *system_bundle(void)
{
	const char *path = getenv("SSL_CERT_FILE");
	const curl_version_info_data *v;

	if (path && path[0])
		return path;
	v = curl_version_info(CURLVERSION_NOW);
	return v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
}

static int load_own(const char *path, struct mr_buf *out,
		    struct mreg_error *err)
{
	struct mr_buf own = MR_BUF_INIT(CA_MAX_BYTES);
	int rc;

	rc = mr_file_load(AT_FDCWD, path, &own, err);
	if (rc < 0)
		rc = mr_wrap(err, "cannot read the CA file '%s'", path);
	else if (!own.len || !strstr(own.data, "-----BEGIN CERTIFICATE-----")) {
		mr_fail(err, MREG_EUSAGE, "no certificate in CA file '%s'",
			path);
		rc = mr_hint(err, "it must hold PEM: -----BEGIN "
				  "CERTIFICATE-----");
	} else {
		mr_buf_putc(out, '\n');
		mr_buf_add(out, own.data, own.len);
	}
	mr_buf_release(&own);
	return rc < 0 ? rc : mr_buf_check(out, "CA certificates", err);
}

/* A machine without the system's bundle still has what is added to it. */
static void load_system(struct mr_net *n, struct mr_buf *out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *bundle = system_bundle();

	if (bundle && mr_file_load(AT_FDCWD, bundle, out, &ignored) < 0)
		mr_log(n->env, MREG_LOG_INFO, "%s", ignored.msg);
}

int mr_certs_load(struct mr_net *n, const char *ca_file, struct mreg_error *err)
{
	const char *named = getenv("SSL_CERT_FILE");

	mr_buf_init(&n->ca_blob, 2 * CA_MAX_BYTES);
	if (!ca_file) {
		n->ca_path = named && named[0] ? mr_strdup(named) : NULL;
		if (named && named[0] && !n->ca_path)
			return mr_fail_nomem(err);
		return 0;
	}
	load_system(n, &n->ca_blob);
	return load_own(ca_file, &n->ca_blob, err);
}

/* -- one host's folder -------------------------------------------------------
 */

struct search {
	struct mr_net *n;
	struct mr_certs *certs;
	const char *dir;
};

/* DIR/NAME without the last `cut` bytes, and with `end` instead. */
static char *path_of(const struct search *s, const char *name, size_t cut,
		     const char *end)
{
	size_t cap = strlen(s->dir) + strlen(name) + strlen(end) + 2;
	char *out = mr_alloc(cap);

	if (out)
		(void)snprintf(out, cap, "%s/%.*s%s", s->dir,
			       (int)(strlen(name) - cut), name,
			       end); /* sized above */
	return out;
}

static int take_authority(const struct search *s, const char *name,
			  struct mreg_error *err)
{
	MR_AUTO(mr_free) char *path = path_of(s, name, 0, "");
	struct mr_buf *ca = &s->certs->ca;

	if (!path)
		return mr_fail_nomem(err);
	if (!ca->len && s->n->ca_blob.len)
		mr_buf_add(ca, s->n->ca_blob.data, s->n->ca_blob.len);
	else if (!ca->len)
		load_system(s->n, ca);
	return load_own(path, ca, err);
}

static int check_readable(const char *path, struct mreg_error *err)
{
	if (access(path, R_OK) == 0)
		return 0;
	return mr_fail_sys(err, errno, "cannot read '%s'", path);
}

static int take_pair(const struct search *s, const char *name, size_t cut,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) char *cert = path_of(s, name, cut, ".cert");
	MR_AUTO(mr_free) char *key = path_of(s, name, cut, ".key");
	const char *have;
	const char *lack;

	if (!cert || !key)
		return mr_fail_nomem(err);
	have = cut == strlen(".key") ? key : cert;
	lack = have == key ? cert : key;
	if (access(lack, F_OK) < 0) {
		mr_fail(err, MREG_EUSAGE,
			have == cert ? "client certificate '%s' has no key"
				     : "client key '%s' has no certificate",
			have);
		return mr_hint(err, "put '%.120s' beside it, or remove it",
			       strrchr(lack, '/') + 1);
	}
	/* curl shows one; in the order of their names the first. */
	if (s->certs->cert)
		return 0;
	if (check_readable(cert, err) < 0 || check_readable(key, err) < 0)
		return err ? (int)err->code : MREG_EIO;
	s->certs->cert = mr_steal(&cert);
	s->certs->key = mr_steal(&key);
	return 0;
}

static int take_file(const struct search *s, const char *name,
		     struct mreg_error *err)
{
	if (mr_text_ends(name, ".crt"))
		return take_authority(s, name, err);
	if (mr_text_ends(name, ".cert"))
		return take_pair(s, name, strlen(".cert"), err);
	if (mr_text_ends(name, ".key"))
		return take_pair(s, name, strlen(".key"), err);
	return 0;
}

static int list_files(DIR *d, const char *path, struct mr_list *out,
		      struct mreg_error *err)
{
	struct dirent *e;
	int rc = 0;

	errno = 0;
	while (rc >= 0 && (e = readdir(d)) != NULL) {
		rc = e->d_name[0] == '.' ? 0 : mr_list_add(out, e->d_name, err);
		errno = 0;
	}
	if (rc >= 0 && errno)
		return mr_fail_sys(err, errno, "cannot read '%s'", path);
	mr_list_sort(out);
	return rc;
}

/* `*found`: there is such a folder. */
static int search_folder(struct search *s, bool *found, struct mreg_error *err)
{
	struct mr_list names = { .n = 0 };
	DIR *d = opendir(s->dir);
	size_t i;
	int rc;

	*found = d != NULL;
	if (!d) {
		/* Another user's settings are none of ours. */
		if (errno != ENOENT && errno != ENOTDIR)
			mr_log(s->n->env, MREG_LOG_INFO, "cannot read '%s': %s",
			       s->dir, strerror(errno));
		return 0;
	}
	rc = list_files(d, s->dir, &names, err);
	(void)closedir(d); /* was only read */
	for (i = 0; rc >= 0 && i < names.n; i++)
		rc = take_file(s, names.items[i], err);
	mr_list_release(&names);
	return rc;
}

/* -- which folder ------------------------------------------------------------
 */

/* The names a host's folder may have: as in its URL, with the port that URLs
 * leave out, and Docker Hub's own. */
static size_t folder_names(const char *host, char out[2][320])
{
	size_t n = 1;

	(void)snprintf(out[0], 320, "%s", host); /* below 300 bytes */
	if (strcmp(mr_host_key(host), host) != 0)
		(void)snprintf(out[n++], 320, "docker.io");
	else if (!strchr(host, ':') || mr_text_ends(host, "]"))
		(void)snprintf(out[n++], 320, "%s:443", host);
	return n;
}

static int search_base(struct mr_net *n, const char *base, size_t len,
		       const char *host, struct mr_certs *certs, bool *found,
		       struct mreg_error *err)
{
	char names[2][320];
	char dir[PATH_MAX];
	struct search s = { .n = n, .certs = certs, .dir = dir };
	size_t count = folder_names(host, names);
	size_t i;
	int wrote;
	int rc = 0;

	for (i = 0; i < count && rc >= 0 && !*found; i++) {
		wrote = snprintf(dir, sizeof(dir), "%.*s/%s", (int)len, base,
				 names[i]);
		if (wrote > 0 && (size_t)wrote < sizeof(dir))
			rc = search_folder(&s, found, err);
	}
	return rc;
}

static int search_list(struct mr_net *n, const char *folders, const char *host,
		       struct mr_certs *certs, struct mreg_error *err)
{
	bool found = false;
	size_t len;
	int rc = 0;

	for (; *folders && rc >= 0 && !found; folders += len) {
		folders += strspn(folders, ":");
		len = strcspn(folders, ":");
		if (len)
			rc = search_base(n, folders, len, host, certs, &found,
					 err);
	}
	return rc;
}

static int load_certs(struct mr_net *n, const char *host,
		      struct mr_certs *certs, struct mreg_error *err)
{
	static const char etc[] = "/etc/containers/certs.d:/etc/docker/certs.d";
	const char *folders = getenv(FOLDERS_ENV);
	const char *home = getenv("HOME");
	char usual[PATH_MAX + sizeof(etc) + 64];

	mr_buf_init(&certs->ca, 3 * CA_MAX_BYTES);
	if (folders)
		return search_list(n, folders, host, certs, err);
	if (home && home[0] == '/' && strlen(home) < PATH_MAX)
		(void)snprintf(usual, sizeof(usual),
			       "%s/.config/containers/certs.d:%s", home,
			       etc); /* fits */
	else
		(void)snprintf(usual, sizeof(usual), "%s", etc);
	return search_list(n, usual, host, certs, err);
}

void mr_certs_free(struct mr_certs *c)
{
	if (!c)
		return;
	mr_buf_release(&c->ca);
	mr_release(c->cert);
	mr_release(c->key);
	mr_release(c);
}

int mr_certs_get(struct mr_net *n, const char *url, const struct mr_certs **out,
		 struct mreg_error *err)
{
	struct mr_certs *mine;
	struct mr_origin *o;
	int rc;

	*out = NULL;
	if (!mr_url_is_https(url))
		return 0;
	rc = mr_origin_get(n, url, &o, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&n->lock);
	*out = o->certs;
	pthread_mutex_unlock(&n->lock);
	if (*out)
		return 0;
	mine = mr_zalloc(sizeof(*mine));
	rc = mine ? load_certs(n, o->host, mine, err) : mr_fail_nomem(err);
	if (rc < 0) {
		mr_certs_free(mine);
		return rc;
	}
	pthread_mutex_lock(&n->lock);
	if (!o->certs)
		o->certs = mr_steal(&mine);
	*out = o->certs;
	pthread_mutex_unlock(&n->lock);
	mr_certs_free(mine); /* somebody was faster */
	return 0;
}
