/*
 * notice_shapes.c - the shapes of notices, a row for each source
 * (protocol.md 3.4 has where they are from and what they leave out).
 *
 * Who sends a repository's name, or only a part of what a row wants, has sent
 * no notice of that row; another row may still know it.
 */
#include "crawl/notice.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define HUB_HOST "docker.io"
#define GITHUB_HOST "ghcr.io"

const char mr_notice_sources[] =
	"distribution, harbor, zot, quay, dockerhub, ecr, ghcr";

/* -- small things ---------------------------------------------------------- */

static const json_t *in(const json_t *doc, const char *key)
{
	const json_t *j = json_object_get(doc, key);

	return json_is_object(j) ? j : NULL;
}

/* NULL: it is not there, no text, or empty. */
static const char *text(const json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s && s[0] ? s : NULL;
}

static bool is(const char *have, const char *want)
{
	return have && strcmp(have, want) == 0;
}

/* HOST of "HOST/PATH" or "https://HOST/PATH". */
static const char *host_of(const char *address, struct mr_arena *a)
{
	const char *from = address ? strstr(address, "://") : NULL;

	from = from ? from + 3 : address;
	if (!from || !strchr(from, '/'))
		return NULL;
	return mr_arena_strndup(a, from, strcspn(from, "/"));
}

/* -- the rows -------------------------------------------------------------- */

/* Blobs are told of too, by their own types. */
static bool is_manifest(const json_t *target)
{
	const char *type = text(target, "mediaType");

	return !type || text(target, "tag") || strstr(type, "manifest") ||
	       strstr(type, "image.index");
}

/* distribution, GitLab's, and ACR, which sends events without an envelope. */
static bool distribution(const json_t *doc, struct mr_arena *a,
			 struct mr_notice *out)
{
	const json_t *target = in(doc, "target");
	const char *action = text(doc, "action");

	out->repository = text(target, "repository");
	if (!action || !out->repository)
		return false;
	out->id = text(doc, "id");
	out->host = text(in(doc, "request"), "host");
	if (!out->host)
		out->host = host_of(text(target, "url"), a);
	out->idle = !(is(action, "push") && is_manifest(target)) &&
		    !is(action, "delete");
	return true;
}

/* Both of Harbor's forms have the same data. */
static bool harbor_data(const json_t *data, struct mr_arena *a,
			struct mr_notice *out)
{
	const json_t *first =
		json_array_get(json_object_get(data, "resources"), 0);

	out->repository = text(in(data, "repository"), "repo_full_name");
	out->host = host_of(text(first, "resource_url"), a);
	return out->repository != NULL;
}

static bool harbor(const json_t *doc, struct mr_arena *a, struct mr_notice *out)
{
	const char *type = text(doc, "type");

	if (!type)
		return false;
	if (text(doc, "specversion")) {
		out->id = text(doc, "id");
		out->idle = !is(type, "harbor.artifact.pushed") &&
			    !is(type, "harbor.artifact.deleted");
		return mr_text_starts(type, "harbor.") &&
		       harbor_data(in(doc, "data"), a, out);
	}
	out->idle = !is(type, "PUSH_ARTIFACT") && !is(type, "DELETE_ARTIFACT");
	return harbor_data(in(doc, "event_data"), a, out);
}

static bool zot(const json_t *doc, struct mr_arena *a, struct mr_notice *out)
{
	const char *type = text(doc, "type");

	(void)a;
	if (!type || !mr_text_starts(type, "zotregistry."))
		return false;
	out->id = text(doc, "id");
	out->repository = text(in(doc, "data"), "name");
	out->idle = !is(type, "zotregistry.image.updated") &&
		    !is(type, "zotregistry.image.deleted");
	return out->repository != NULL;
}

static bool quay(const json_t *doc, struct mr_arena *a, struct mr_notice *out)
{
	const char *url = text(doc, "docker_url");

	out->repository = text(doc, "repository");
	out->host = host_of(url, a);
	out->idle = !json_object_get(doc, "updated_tags");
	return url && out->repository;
}

static bool hub(const json_t *doc, struct mr_arena *a, struct mr_notice *out)
{
	(void)a;
	out->repository = text(in(doc, "repository"), "repo_name");
	out->host = HUB_HOST;
	return in(doc, "push_data") && out->repository;
}

/* A part of a host's name. */
static bool is_label(const char *s)
{
	return s && strlen(s) < 64 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

static bool ecr(const json_t *doc, struct mr_arena *a, struct mr_notice *out)
{
	const json_t *detail = in(doc, "detail");
	const char *account = text(doc, "account");
	const char *region = text(doc, "region");
	const char *type = text(doc, "detail-type");
	const char *result = text(detail, "result");

	if (!is(text(doc, "source"), "aws.ecr") || !type)
		return false;
	out->id = text(doc, "id");
	out->repository = text(detail, "repository-name");
	if (is_label(account) && is_label(region))
		out->host = mr_arena_printf(
			a, "%s.dkr.ecr.%s.amazonaws.com%s", account, region,
			mr_text_starts(region, "cn-") ? ".cn" : "");
	out->idle = (result && !is(result, "SUCCESS")) ||
		    (!is(type, "ECR Image Action") &&
		     !is(type, "ECR Referrer Action"));
	return out->repository != NULL;
}

static char *lower(struct mr_arena *a, const char *s)
{
	char *copy = mr_arena_strdup(a, s);
	char *p;

	for (p = copy; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static bool github(const json_t *doc, struct mr_arena *a, struct mr_notice *out)
{
	const json_t *package = in(doc, "registry_package");
	const char *owner, *name, *type;

	if (!package)
		package = in(doc, "package");
	owner = text(package, "namespace");
	if (!owner)
		owner = text(in(package, "owner"), "login");
	name = text(package, "name");
	type = text(package, "package_type");
	if (!owner || !name || !type || !text(doc, "action"))
		return false;
	out->host = GITHUB_HOST;
	out->repository =
		mr_arena_printf(a, "%s/%s", lower(a, owner), lower(a, name));
	out->idle = strcasecmp(type, "container") != 0;
	return out->repository != NULL;
}

static const struct shape {
	const char *source;
	bool (*take)(const json_t *doc, struct mr_arena *a,
		     struct mr_notice *out);
} shapes[] = {
	{ "distribution", distribution },
	{ "harbor", harbor },
	{ "zot", zot },
	{ "quay", quay },
	{ "dockerhub", hub },
	{ "ecr", ecr },
	{ "ghcr", github },
};

bool mr_notice_is_source(const char *name)
{
	size_t i;

	for (i = 0; i < MR_COUNT(shapes); i++)
		if (strcmp(shapes[i].source, name) == 0)
			return true;
	return false;
}

bool mr_notice_take(const json_t *doc, const char *source, struct mr_arena *a,
		    struct mr_notice *out)
{
	size_t i;

	for (i = 0; i < MR_COUNT(shapes); i++) {
		if (source && strcmp(source, shapes[i].source) != 0)
			continue;
		memset(out, 0, sizeof(*out));
		out->source = shapes[i].source;
		if (shapes[i].take(doc, a, out))
			return true;
	}
	return false;
}
