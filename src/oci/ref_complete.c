/*
 * ref_complete.c - short names to whole references, from the configured
 * prefix or the local store.
 */
#include "oci/oci.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "oci/ref.h"

/* Cut into directory and path at the first "//", which may be missing. */
static int local_prefix(char *prefix, struct mreg_ref *r, const char **path,
			struct mreg_error *err)
{
	char *dir = prefix + strlen(MR_REF_LOCAL);
	char *end = strstr(dir, "//");

	if (end) {
		*end = '\0';
		*path = end + 2 + strspn(end + 2, "/");
	}
	return mr_ref_set_dir(r, dir, err);
}

static int registry_prefix(char *prefix, struct mreg_ref *r, const char **path,
			   struct mreg_error *err)
{
	char *end = strchr(prefix, '/');

	if (end) {
		*end = '\0';
		*path = end + 1;
	}
	if (!mr_host_valid(prefix))
		return mr_fail(err, MREG_EUSAGE, "its host is not valid");
	/* The whole reference must parse again (P-05). */
	if (!mr_ref_is_host(prefix)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "its host has neither dot nor port");
		return mr_hint(err, "add the port: '%s:443'", prefix);
	}
	memcpy(r->host, prefix, strlen(prefix) + 1);
	return 0;
}

/* `r->repository` below `path`. */
static int join(struct mreg_ref *r, const char *path, struct mreg_error *err)
{
	char whole[MREG_REF_TEXT + sizeof(r->repository) + 1];
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n == 0)
		return 0;
	(void)snprintf(whole, sizeof(whole), "%.*s/%s", (int)n, path,
		       r->repository);
	return mr_ref_set_repository(r, whole, err);
}

static int apply_prefix(const char *prefix, struct mreg_ref *r,
			struct mreg_error *err)
{
	char buf[MREG_REF_TEXT];
	const char *path = "";
	int rc;

	if (strlen(prefix) >= sizeof(buf))
		return mr_fail(err, MREG_EUSAGE, "it is longer than %zu bytes",
			       sizeof(buf) - 1);
	if (strstr(prefix, "://")) {
		(void)mr_fail(err, MREG_EUSAGE, "'://' is not part of it");
		return mr_hint(err, "write HOST[:PORT][/PATH] or oci:DIR");
	}
	memcpy(buf, prefix, strlen(prefix) + 1);
	if (mr_text_starts(buf, MR_REF_LOCAL))
		rc = local_prefix(buf, r, &path, err);
	else
		rc = registry_prefix(buf, r, &path, err);
	return rc < 0 ? rc : join(r, path, err);
}

int mr_ref_complete(struct mreg_ref *r, const char *prefix,
		    const char *store_dir, struct mreg_error *err)
{
	char shown[MR_REF_SHOWN];
	struct mreg_ref full = *r;
	int rc;

	if (r->host[0] || r->dir[0])
		return 0;
	if (prefix && prefix[0]) {
		rc = apply_prefix(prefix, &full, err);
		if (rc < 0)
			return mr_wrap(
				err, "cannot use registry '%s'",
				mr_text_safe(prefix, shown, sizeof(shown)));
	} else {
		assert(store_dir);
		rc = mr_ref_set_dir(&full, store_dir, err);
		if (rc < 0)
			return rc;
	}
	if (full.dir[0]) {
		rc = mr_ref_check_local(full.repository, err);
		if (rc < 0)
			return rc;
	}
	*r = full;
	return 0;
}
