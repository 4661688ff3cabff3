/*
 * session.c - opening and closing what a session holds.
 */
#include "mreg/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/repo.h"

/* $XDG_CACHE_HOME/mreg/`name`; NULL when there is no home. */
static char *cache_path(struct mr_arena *a, const char *name)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (cache && cache[0] == '/')
		return mr_arena_printf(a, "%s/mreg/%s", cache, name);
	if (home && home[0] == '/')
		return mr_arena_printf(a, "%s/.cache/mreg/%s", home, name);
	return NULL;
}

static enum mreg_log_level level_of(const char *name)
{
	if (strcmp(name, "error") == 0)
		return MREG_LOG_ERROR;
	if (strcmp(name, "info") == 0)
		return MREG_LOG_INFO;
	return strcmp(name, "debug") == 0 ? MREG_LOG_DEBUG : MREG_LOG_WARN;
}

void mr_refusal_free(struct mr_refusal *r)
{
	if (!r)
		return;
	mr_arena_free(r->arena);
	mr_release(r);
}

void mr_opts_take(void *out, size_t size, const void *given, size_t given_size)
{
	memset(out, 0, size);
	memcpy(out, given, given_size < size ? given_size : size);
}

int mreg_open(const struct mreg_opts *given, struct mreg **out,
	      struct mreg_error *err)
{
	struct mreg_opts o;
	struct mreg *m = mr_zalloc(sizeof(*m));
	uint64_t jobs = 0;
	int rc;

	if (!m)
		return mr_fail_nomem(err);
	mr_env_init(&m->env);
	atomic_init(&m->cancel, false);
	mr_opts_take(&o, sizeof(o), given, given->size);
	m->env.ctx = o.ctx;
	m->env.log = o.log;
	m->env.progress = o.progress;
	m->env.level = o.log_level;
	m->env.cancel = &m->cancel;
	m->arena = mr_arena_new(1u << 20);
	if (!m->arena) {
		rc = mr_fail_nomem(err);
		goto undo;
	}
	rc = mr_settings_load(m, &o, err);
	if (rc < 0)
		goto undo;
	(void)mr_text_u64(mr_setting(m, "jobs"), MR_JOBS_MAX, &jobs);
	if (m->env.level == MREG_LOG_WARN)
		m->env.level = level_of(mr_setting(m, "log.level"));
	m->jobs = jobs ? (unsigned int)jobs : MR_JOBS_DEFAULT;
	m->state = mr_state_open(cache_path(m->arena, "state.db"), &m->env);
	m->locks = cache_path(m->arena, "locks");
	*out = m;
	return 0;
undo:
	mreg_close(m);
	return rc;
}

void mreg_close(struct mreg *m)
{
	if (!m)
		return;
	mr_refusal_free(m->refusal);
	mr_index_close(m->index);
	mr_net_close(m->net);
	mr_state_close(m->state);
	mr_arena_free(m->arena);
	mr_release(m->user_config);
	mr_release(m->project_config);
	mr_env_release(&m->env);
	mr_release(m);
}

void mreg_cancel(struct mreg *m)
{
	atomic_store(&m->cancel, true);
}

int mr_session_net(struct mreg *m, struct mr_net **out, struct mreg_error *err)
{
	const char *ca = mr_setting(m, "tls.caFile");
	uint64_t rate = 0;
	char agent[64];
	struct mr_net_opts o = {
		.env = &m->env,
		.state = m->state,
		.user_agent = agent,
		.ca_file = ca[0] ? ca : NULL,
		.plain_http = mr_setting_is_true(m, "http.plain"),
	};
	int rc;

	if (!m->net) {
		(void)mr_text_size_parse(mr_setting(m, "limit.rate"), &rate);
		o.limit_rate = rate;
		(void)snprintf(agent, sizeof(agent), "mreg/%s", mreg_version());
		rc = mr_net_open(&o, &m->net, err);
		if (rc < 0)
			return rc;
	}
	*out = m->net;
	return 0;
}

unsigned int mr_session_jobs(const struct mreg *m, unsigned int asked)
{
	if (!asked)
		return m->jobs;
	return asked < MR_JOBS_MAX ? asked : MR_JOBS_MAX;
}

bool mr_session_limited(const struct mreg *m)
{
	uint64_t rate = 0;

	/* Its form was checked with the settings. */
	(void)mr_text_size_parse(mr_setting(m, "limit.rate"), &rate);
	return rate > 0;
}

int mr_result_arena(struct mr_arena **out, struct mreg_error *err)
{
	*out = mr_arena_new(MR_RESULT_MAX_BYTES);
	return *out ? 0 : mr_fail_nomem(err);
}

int mr_result_check(const struct mr_arena *a, struct mreg_error *err)
{
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}

const struct mreg_pair *mr_result_pairs(struct mr_arena *a,
					const struct mreg_pair *items, size_t n)
{
	struct mreg_pair *copy;
	size_t i;

	copy = mr_arena_alloc(a, (n ? n : 1) * sizeof(*copy));
	for (i = 0; copy && i < n; i++) {
		copy[i].name = mr_arena_strdup(a, items[i].name);
		copy[i].value = mr_arena_strdup(a, items[i].value);
	}
	return copy;
}

int64_t mr_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
