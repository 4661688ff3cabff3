/*
 * remote_profile.c - what is known of a registry: published limits and first
 * choices by host, and what its own answers taught.
 *
 * Settings win over lessons, lessons over the table.  The table's numbers are
 * those of protocol.md 3.2 and 3.3 (there with sources); lessons are kept in
 * the state file under the registry's origin as "VALUE TIME".
 */
#include "store/remote_upload.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Registries change, and so does what stands in front of them. */
#define LESSON_MAX_S (7 * 86400)

/* First match wins; the last one matches every host. */
static const struct mr_profile profiles[] = {
	{
		/* 52,000 MiB: AWS's quotas [D].  201, a stale Range and 500 to
		 * an empty closing PUT: B-13 to B-15.  500 layers: peers.md 3
		 * (spin#1787).  Digest first, one PUT: 3.3. */
		.name = "ecr",
		.title = "Amazon ECR",
		.hosts = { "*.dkr.ecr*.amazonaws.com",
			   "*.dkr.ecr*.amazonaws.com.cn" },
		.layer_max = 52000 * MIB,
		.layers_doubt = 500,
		.page = 1000,
		.chunks = MR_CHUNKS_NEEDED,
		.last_in_put = true,
		.stale_range = true,
	},
	{
		/* 10,000 MiB: AWS's quotas [D]; else as ECR. */
		.name = "ecr-public",
		.title = "Amazon ECR Public",
		.hosts = { "public.ecr.aws" },
		.layer_max = 10000 * MIB,
		.layers_doubt = 500,
		.page = 1000,
		.chunks = MR_CHUNKS_NEEDED,
		.last_in_put = true,
		.stale_range = true,
	},
	{
		/* "10 GB": GitHub's documentation; read as GiB, for what lies
		 * between the two may pass.  416 above 4 MiB: B-18.  A stream
		 * that runs into its 10 minutes could not be sent again. */
		.name = "ghcr",
		.title = "GitHub's container registry",
		.hosts = { "ghcr.io" },
		.layer_max = 10 * GIB,
		.chunk_max = 4 * MIB,
		.page = 1000,
		.chunks = MR_CHUNKS_NEEDED,
		.last_in_put = true,
	},
	{
		/* No chunked uploads: B-21.  About 10 GiB: peers.md 3
		 * (open-component-model#3595). */
		.name = "gar",
		.title = "Google's Artifact Registry",
		.hosts = { ".pkg.dev", ".gcr.io", "gcr.io" },
		.layer_doubt = 10 * GIB,
		.page = 1000,
		.chunks = MR_CHUNKS_NEVER,
	},
	{
		/* 200 GiB: Microsoft's documentation.  Status and plain `a-b`
		 * ranges work: 3.3, B-23. */
		.name = "acr",
		.title = "Azure Container Registry",
		.hosts = { ".azurecr.io" },
		.layer_max = 200 * GIB,
		.page = 1000,
		.chunks = MR_CHUNKS_LIKED,
		.streams = true,
		.status = true,
	},
	{
		/* 20 G: Quay's default MAXIMUM_LAYER_SIZE [S].  A closing PUT
		 * with bytes that fails ends the session, a PATCH does not:
		 * 3.3.  Pages of 100: P-80. */
		.name = "quay",
		.title = "Quay",
		.hosts = { "quay.io" },
		.layer_max = 20 * GIB,
		.page = 100,
		.chunks = MR_CHUNKS_LIKED,
		.streams = true,
		.single = true,
		.status = true,
	},
	{
		/* About 10 GB in practice [K]; a broken upload is sent again
		 * from its start: 3.3. */
		.name = "dockerhub",
		.title = "Docker Hub",
		.hosts = { "docker.io", "registry-1.docker.io",
			   "index.docker.io" },
		.layer_doubt = 10 * GIB,
		.page = 100,
		.chunks = MR_CHUNKS_NEEDED,
		.streams = true,
		.last_in_put = true,
	},
	{
		/* As distribution, which it was made of: 3.3. */
		.name = "gitlab",
		.title = "GitLab's registry",
		.hosts = { "registry.gitlab.com" },
		.page = 1000,
		.chunks = MR_CHUNKS_NEEDED,
		.streams = true,
		.status = true,
		.last_in_put = true,
	},
	{
		/* Who may add but not overwrite needs one POST (B-50); PATCH
		 * only where a PUT fails: 3.3. */
		.name = "jfrog",
		.title = "JFrog Artifactory",
		.hosts = { ".jfrog.io" },
		.page = 1000,
		.chunks = MR_CHUNKS_NEVER,
		.single = true,
	},
	{
		/* One un-ranged PATCH a session, ranged ones as often as
		 * wanted; goes on from its status: 3.3, P-44. */
		.name = "gitea",
		.title = "Gitea",
		.hosts = { "codeberg.org", "gitea.com" },
		.page = 1000,
		.chunks = MR_CHUNKS_LIKED,
		.streams = true,
		.single = true,
		.status = true,
	},
	{
		/* distribution, Harbor, zot, Quay, Gitea... under any name.
		 * One PUT or one PATCH is what all of them take; distribution
		 * 3 keeps what arrived of either, 2.8 and zot answer 404,
		 * which costs a request once a week. */
		.name = "unknown",
		.title = "some registries",
		.layer_doubt = 10 * GIB,
		.layers_doubt = 500,
		.page = 1000,
		.chunks = MR_CHUNKS_NEEDED,
		.streams = true,
		.single = true,
		.status = true,
		.last_in_put = true,
	},
};

/* A name with a star is a pattern: not all of Amazon is a registry. */
static bool matches(const struct mr_profile *p, const char *name)
{
	size_t i;

	for (i = 0; i < MR_COUNT(p->hosts) && p->hosts[i]; i++)
		if (p->hosts[i][0] == '.' ? mr_text_ends(name, p->hosts[i])
					  : fnmatch(p->hosts[i], name, 0) == 0)
			return true;
	return !p->hosts[0];
}

const struct mr_profile *mr_profile_of(const char *host)
{
	char name[256];
	size_t i = 0;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(host, ":"),
		       host);
	while (!matches(&profiles[i], name))
		i++; /* the last one matches */
	return &profiles[i];
}

/* -- lessons ----------------------------------------------------------------
 */

/* Beyond these bounds it is a trick or a mistake, not a limit to live by. */
static const struct {
	const char *key;
	uint64_t min, max;
} lessons[MR_LESSONS] = {
	[MR_LESSON_LAYER] = { "upload.layer", MIB, INT64_MAX },
	[MR_LESSON_REQUEST] = { "upload.request", MIB, 100 * GIB },
	[MR_LESSON_CHUNK] = { "upload.chunk", MIB, GIB },
	[MR_LESSON_STREAM] = { "upload.stream", 0, 1 },
	[MR_LESSON_SINGLE] = { "upload.single", 0, 1 },
	[MR_LESSON_STATUS] = { "upload.status", 0, 1 },
};

/* Where lessons of this registry are kept; false: nowhere. */
static bool scope_of(struct mr_remote *r, char *out, size_t cap)
{
	struct mreg_error ignored = MREG_ERROR_INIT;

	return mr_net_state(r->net) &&
	       mr_net_origin(r->net, r->host, out, cap, &ignored) >= 0;
}

/* "VALUE TIME", in bounds and young enough. */
static bool parse_lesson(struct mr_remote *r, enum mr_lesson which,
			 const char *text, uint64_t *value)
{
	uint64_t now = (uint64_t)mr_now_s(r->base.env);
	uint64_t then = 0;
	char number[32];
	const char *space = strchr(text, ' ');

	if (!space || (size_t)(space - text) >= sizeof(number))
		return false;
	(void)snprintf(number, sizeof(number), "%.*s", (int)(space - text),
		       text);
	return mr_text_u64(number, lessons[which].max, value) == 0 &&
	       *value >= lessons[which].min &&
	       mr_text_u64(space + 1, INT64_MAX, &then) == 0 && then <= now &&
	       now - then < LESSON_MAX_S;
}

/* What earlier runs learned, once. */
static void recall(struct mr_remote *r)
{
	struct mr_lesson_value got[MR_LESSONS] = { { .known = false } };
	char scope[512];
	char text[64];
	bool have = scope_of(r, scope, sizeof(scope));
	size_t i;

	for (i = 0; have && i < MR_LESSONS; i++)
		got[i].known =
			mr_state_fact_get(mr_net_state(r->net), scope,
					  lessons[i].key, text, sizeof(text)) &&
			parse_lesson(r, (enum mr_lesson)i, text, &got[i].value);
	(void)pthread_mutex_lock(&r->lock);
	for (i = 0; i < MR_LESSONS; i++)
		if (!r->recalled && !r->lessons[i].known)
			r->lessons[i] = got[i];
	r->recalled = true;
	(void)pthread_mutex_unlock(&r->lock);
}

bool mr_remote_lesson(struct mr_remote *r, enum mr_lesson which,
		      uint64_t *value)
{
	bool recalled;
	bool known;

	(void)pthread_mutex_lock(&r->lock);
	recalled = r->recalled;
	(void)pthread_mutex_unlock(&r->lock);
	if (!recalled)
		recall(r);
	(void)pthread_mutex_lock(&r->lock);
	known = r->lessons[which].known;
	*value = r->lessons[which].value;
	(void)pthread_mutex_unlock(&r->lock);
	return known;
}

static void keep(struct mr_remote *r, enum mr_lesson which, uint64_t value)
{
	char scope[512];
	char text[64];

	if (!scope_of(r, scope, sizeof(scope)))
		return;
	mr_log(r->base.env, MREG_LOG_DEBUG, "'%s': learned %s %" PRIu64,
	       r->host, lessons[which].key, value);
	(void)snprintf(text, sizeof(text), "%" PRIu64 " %" PRId64, value,
		       mr_now_s(r->base.env));
	mr_state_fact_put(mr_net_state(r->net), scope, lessons[which].key,
			  text);
}

void mr_remote_learn(struct mr_remote *r, enum mr_lesson which, uint64_t value)
{
	bool news;

	if (value < lessons[which].min || value > lessons[which].max)
		return;
	(void)pthread_mutex_lock(&r->lock);
	news = !r->lessons[which].known || r->lessons[which].value != value;
	r->lessons[which].known = true;
	r->lessons[which].value = value;
	(void)pthread_mutex_unlock(&r->lock);
	if (news)
		keep(r, which, value);
}

uint64_t mr_remote_step_down(struct mr_remote *r, uint64_t sent, bool *news)
{
	static const uint64_t steps[] = { 90 * MIB, 50 * MIB, 20 * MIB,
					  4 * MIB };
	struct mr_lesson_value *l = &r->lessons[MR_LESSON_REQUEST];
	uint64_t most = mr_remote_request_max(r); /* recalls */
	size_t i;

	*news = false;
	(void)pthread_mutex_lock(&r->lock);
	if (l->known)
		most = l->value;
	for (i = 0; i < MR_COUNT(steps) && sent <= most; i++)
		if (steps[i] < sent) {
			*l = (struct mr_lesson_value){ .known = true,
						       .value = steps[i] };
			most = steps[i];
			*news = true;
		}
	(void)pthread_mutex_unlock(&r->lock);
	return most;
}

void mr_remote_confirm(struct mr_remote *r)
{
	char scope[512];
	char text[64];
	uint64_t value;
	uint64_t kept;

	if (!mr_remote_lesson(r, MR_LESSON_REQUEST, &value) ||
	    !scope_of(r, scope, sizeof(scope)))
		return;
	/* Looking does not wait for other processes. */
	if (!mr_state_fact_get(mr_net_state(r->net), scope,
			       lessons[MR_LESSON_REQUEST].key, text,
			       sizeof(text)) ||
	    !parse_lesson(r, MR_LESSON_REQUEST, text, &kept) || kept != value)
		keep(r, MR_LESSON_REQUEST, value);
}

/* -- limits -----------------------------------------------------------------
 */

/* Settings over lessons over the table; UINT64_MAX: none. */
static uint64_t limit(struct mr_remote *r, uint64_t set, enum mr_lesson which,
		      uint64_t published)
{
	uint64_t learned;

	if (set)
		return set;
	if (mr_remote_lesson(r, which, &learned))
		return learned;
	return published ? published : UINT64_MAX;
}

uint64_t mr_remote_request_max(struct mr_remote *r)
{
	return limit(r, r->request_limit, MR_LESSON_REQUEST,
		     r->profile.request_max);
}

uint64_t mr_remote_chunk_max(struct mr_remote *r)
{
	return limit(r, 0, MR_LESSON_CHUNK, r->profile.chunk_max);
}

static struct mr_remote *remote_or_null(struct mr_store *s)
{
	return mr_store_is_remote(s) ? mr_remote_of(s) : NULL;
}

const char *mr_remote_profile_name(struct mr_store *s)
{
	struct mr_remote *r = remote_or_null(s);

	return r ? r->profile.name : "";
}

void mr_remote_limits(struct mr_store *s, uint64_t layer, uint64_t request)
{
	struct mr_remote *r = remote_or_null(s);

	if (!r)
		return;
	r->layer_limit = layer;
	r->request_limit = request;
}

static int too_large(struct mr_remote *r, const char *label, uint64_t size,
		     uint64_t max, const char *source, struct mreg_error *err)
{
	char have[32], most[32];

	(void)mr_fail(err, MREG_ELIMIT,
		      "'%.80s' has %s (%" PRIu64 " bytes), but '%.60s' takes "
		      "at most %s (%" PRIu64 ") in one layer: %s",
		      label, mr_text_size(size, have), size, r->host,
		      mr_text_size(max, most), max, source);
	return mr_hint(err, "split the file, or set limit.layer "
			    "(MREG_LIMIT_LAYER) if the registry takes more");
}

int mr_remote_check_size(struct mr_store *s, const char *label, uint64_t size,
			 struct mreg_error *err)
{
	struct mr_remote *r = remote_or_null(s);
	const struct mr_profile *p;
	char source[128];
	char text[32];
	uint64_t learned;

	if (!r)
		return 0;
	p = &r->profile;
	if (r->layer_limit)
		return size <= r->layer_limit
			       ? 0
			       : too_large(r, label, size, r->layer_limit,
					   "set by limit.layer", err);
	if (mr_remote_lesson(r, MR_LESSON_LAYER, &learned) && size > learned)
		return too_large(r, label, size, learned,
				 "it refused a larger one lately", err);
	if (p->layer_max && size > p->layer_max) {
		(void)snprintf(source, sizeof(source), "the limit of %s",
			       p->title);
		return too_large(r, label, size, p->layer_max, source, err);
	}
	if (p->layer_doubt && size > p->layer_doubt)
		mr_log(s->env, MREG_LOG_WARN,
		       "'%s' is larger than %s; %s may take no such layer",
		       label, mr_text_size(p->layer_doubt, text), p->title);
	return 0;
}

void mr_remote_check_count(struct mr_store *s, size_t layers)
{
	struct mr_remote *r = remote_or_null(s);

	if (r && r->profile.layers_doubt && layers > r->profile.layers_doubt)
		mr_log(s->env, MREG_LOG_WARN,
		       "%zu files are as many layers; %s may take at most %u",
		       layers, r->profile.title, r->profile.layers_doubt);
}
