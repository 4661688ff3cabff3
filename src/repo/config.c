/*
 * config.c - settings: one table, five places they come from.
 *
 * Files are JSON objects; the key "log.level" is the member "level" of the
 * object "log".  A project file comes with somebody's checkout, so it may not
 * weaken how registries are reached, nor say who approves: `personal` settings
 * in it are refused.
 */
#include "mreg/config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/repo.h"

#define PROJECT_FILE ".mreg.json"
#define SECONDS_MAX (UINT64_C(10) * 366 * 86400)

enum check {
	CHECK_NONE,
	CHECK_BOOL,
	CHECK_JOBS,
	CHECK_WORDS, /* one of `words` */
	CHECK_PLACE, /* what short names can be completed from */
	CHECK_SIZE,  /* bytes, "10GiB"; "0": none */
	CHECK_SECONDS,
	CHECK_TEXT,   /* something, and no more than fits into the log */
	CHECK_DEMAND, /* a bool that a project file may only make true */
};

struct row {
	const char *key;
	const char *env;
	const char *preset; /* the default */
	const char *help;
	enum check check;
	const char *words; /* "auto|always|never" */
	bool personal;     /* not from a project file */
};

/* Sorted by key. */
static const struct row rows[] = {
	{ "actor", "MREG_ACTOR", "", "who the log says did it", CHECK_TEXT,
	  NULL, true },
	{ "color", "MREG_COLOR", "auto", "auto, always or never", CHECK_WORDS,
	  "auto|always|never", false },
	{ "http.plain", "MREG_PLAIN_HTTP", "false",
	  "plain HTTP for every registry", CHECK_BOOL, NULL, true },
	{ "index.db", "MREG_INDEX", "",
	  "what searches read: a file, or postgresql://...", CHECK_TEXT, NULL,
	  true },
	{ "index.fresh", "MREG_INDEX_FRESH", "60",
	  "seconds for which lists believe the index; 0: never", CHECK_SECONDS,
	  NULL, false },
	{ "jobs", "MREG_JOBS", "4", "transfers at once, 1 to 64", CHECK_JOBS,
	  NULL, false },
	{ "limit.layer", "MREG_LIMIT_LAYER", "0",
	  "largest file a registry takes, such as 10GiB; 0: as it is known",
	  CHECK_SIZE, NULL, false },
	{ "limit.rate", "MREG_LIMIT_RATE", "0",
	  "bytes a second, such as 20MB; 0: no limit", CHECK_SIZE, NULL,
	  false },
	{ "limit.request", "MREG_LIMIT_REQUEST", "0",
	  "largest request a registry takes, such as 100MB; 0: as it is known",
	  CHECK_SIZE, NULL, false },
	{ "log.level", "MREG_LOG", "warn", "error, warn, info or debug",
	  CHECK_WORDS, "error|warn|info|debug", false },
	{ "progress", "MREG_PROGRESS", "auto", "auto, bar, plain, json or none",
	  CHECK_WORDS, "auto|bar|plain|json|none", false },
	{ "registry", "MREG_REGISTRY", "",
	  "prefix of short names: HOST[/PATH] or oci:DIR", CHECK_PLACE, NULL,
	  false },
	{ "require.digest", "MREG_REQUIRE_DIGEST", "false",
	  "pull and resolve take nothing but NAME@DIGEST", CHECK_DEMAND, NULL,
	  false },
	{ "require.policy", "MREG_REQUIRE_POLICY", "false",
	  "pull and resolve refuse what the policy refuses", CHECK_DEMAND, NULL,
	  false },
	{ "store", "MREG_STORE", "", "folder of the local store", CHECK_TEXT,
	  NULL, false },
	{ "tls.caFile", "MREG_CA_FILE", "",
	  "PEM certificates trusted beside the system's", CHECK_NONE, NULL,
	  true },
};

static const struct row *find_row(const char *key)
{
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static int need_row(const char *key, const struct row **out,
		    struct mreg_error *err)
{
	const char *keys[MR_COUNT(rows) + 1];
	const char *near;
	char safe[128];
	size_t i;

	*out = find_row(key);
	if (*out)
		return 0;
	for (i = 0; i < MR_COUNT(rows); i++)
		keys[i] = rows[i].key;
	keys[MR_COUNT(rows)] = NULL;
	near = mr_text_nearest(key, keys);
	(void)mr_fail(err, MREG_EUSAGE, "no setting is called '%s'",
		      mr_text_safe(key, safe, sizeof(safe)));
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	return mr_hint(err, "'mreg config show' lists them");
}

static bool one_of(const char *words, const char *value)
{
	size_t n = strlen(value);
	const char *at = words;

	while (at) {
		const char *end = strchr(at, '|');
		size_t len = end ? (size_t)(end - at) : strlen(at);

		if (len == n && strncmp(at, value, n) == 0)
			return true;
		at = end ? end + 1 : NULL;
	}
	return false;
}

static bool is_place(const char *value)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_ref ref = { .repository = "x" };

	return value[0] && mr_ref_complete(&ref, value, "", &ignored) >= 0;
}

static bool is_bool(const struct row *r)
{
	return r->check == CHECK_BOOL || r->check == CHECK_DEMAND;
}

/* 1 is what is usual in variables. */
static const char *plain_value(const struct row *r, const char *value)
{
	if (is_bool(r) && (strcmp(value, "1") == 0 || strcmp(value, "0") == 0))
		return value[0] == '1' ? "true" : "false";
	return value;
}

static int check_value(const struct row *r, const char *value,
		       const char *origin, struct mreg_error *err)
{
	uint64_t n = 0;
	char safe[128];
	bool good = true;

	if (is_bool(r))
		good = one_of("true|false", value);
	else if (r->check == CHECK_JOBS)
		good = mr_text_u64(value, MR_JOBS_MAX, &n) == 0 && n > 0;
	else if (r->check == CHECK_WORDS)
		good = one_of(r->words, value);
	else if (r->check == CHECK_PLACE)
		good = is_place(value);
	else if (r->check == CHECK_SIZE)
		good = mr_text_size_parse(value, &n) == 0;
	else if (r->check == CHECK_SECONDS)
		good = mr_text_u64(value, SECONDS_MAX, &n) == 0;
	else if (r->check == CHECK_TEXT)
		good = value[0] && strlen(value) < 1024 && mr_utf8_valid(value);
	if (good)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "setting '%s' cannot be '%s' (%s)",
		      r->key, mr_text_safe(value, safe, sizeof(safe)), origin);
	return mr_hint(err, "%s: %s", r->key,
		       is_bool(r) ? "true or false" : r->help);
}

static int put(struct mreg *m, const struct row *r, const char *value,
	       const char *origin, struct mreg_error *err)
{
	struct mreg_setting *s = &m->settings[r - rows];
	int rc;

	value = plain_value(r, value);
	rc = check_value(r, value, origin, err);
	if (rc < 0)
		return rc;
	s->value = mr_arena_strdup(m->arena, value);
	s->origin = mr_arena_strdup(m->arena, origin);
	return s->value && s->origin ? 0 : mr_fail_nomem(err);
}

/* A member as text; NULL for what no setting can be. */
static const char *member_text(const json_t *v, char buf[32])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	if (!json_is_integer(v))
		return NULL;
	(void)snprintf(buf, 32, "%lld", (long long)json_integer_value(v));
	return buf;
}

/* What somebody else's checkout may not decide. */
static bool is_personal(const struct row *r, const char *value)
{
	return r->personal || (r->check == CHECK_DEMAND && value &&
			       strcmp(plain_value(r, value), "true") != 0);
}

static int refuse_personal(const struct row *r, const char *path,
			   struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUSAGE, "'%s' may not set '%s'", path, r->key);
	return mr_hint(err, "use a flag, %s or your own config file", r->env);
}

static int take_members(struct mreg *m, const json_t *obj, const char *prefix,
			const char *path, bool project, struct mreg_error *err)
{
	const struct row *r;
	const char *name;
	json_t *v;
	int rc;

	json_object_foreach((json_t *)obj, name, v)
	{
		char key[128];
		char buf[32];
		const char *text;

		(void)snprintf(key, sizeof(key), "%s%s", prefix, name);
		if (json_is_object(v) && !prefix[0]) {
			(void)snprintf(key, sizeof(key), "%s.", name);
			rc = take_members(m, v, key, path, project, err);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = need_row(key, &r, err);
		if (rc < 0)
			return mr_wrap(err, "cannot use '%s'", path);
		text = member_text(v, buf);
		if (project && is_personal(r, text))
			return refuse_personal(r, path, err);
		if (!text)
			return mr_fail(err, MREG_EUSAGE,
				       "'%s' in '%s' is no text or number", key,
				       path);
		rc = put(m, r, text, path, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_file(const char *path, json_t **out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_CONFIG_MAX_BYTES);
	char what[600];
	int rc;

	*out = NULL;
	rc = mr_file_load(AT_FDCWD, path, &b, err);
	if (rc == MREG_ENOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	(void)snprintf(what, sizeof(what), "config file '%.500s'", path);
	rc = mr_json_parse(mr_buf_text(&b), b.len, MR_CONFIG_MAX_BYTES, what,
			   out, err);
	if (rc < 0)
		return rc;
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return mr_fail(err, MREG_EUSAGE, "%s holds no object", what);
	}
	return 0;
}

static int take_file(struct mreg *m, const char *path, bool project,
		     struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	int rc;

	if (!path)
		return 0;
	rc = load_file(path, &doc, err);
	if (rc < 0 || !doc)
		return rc;
	return take_members(m, doc, "", path, project, err);
}

static char *user_config_path(struct mr_arena *a)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (base && base[0] == '/')
		return mr_strdup(
			mr_arena_printf(a, "%s/mreg/config.json", base));
	if (home && home[0] == '/')
		return mr_strdup(mr_arena_printf(
			a, "%s/.config/mreg/config.json", home));
	return NULL;
}

/* The nearest .mreg.json, here or in a parent folder; "./.mreg.json" when
 * there is none. */
static char *project_config_path(void)
{
	char dir[4096];
	char path[4096 + 16];
	char *slash;

	if (!getcwd(dir, sizeof(dir)))
		return mr_strdup(PROJECT_FILE);
	for (;;) {
		(void)snprintf(path, sizeof(path), "%s/%s",
			       strcmp(dir, "/") == 0 ? "" : dir, PROJECT_FILE);
		if (access(path, F_OK) == 0)
			return mr_strdup(path);
		slash = strrchr(dir, '/');
		if (!slash || !dir[1])
			return mr_strdup(PROJECT_FILE);
		slash[slash == dir] = '\0';
	}
}

static int take_environment(struct mreg *m, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++) {
		const char *value = getenv(rows[i].env);
		char origin[64];
		int rc;

		if (!value || !value[0])
			continue;
		(void)snprintf(origin, sizeof(origin), "environment %s",
			       rows[i].env);
		rc = put(m, &rows[i], value, origin, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_flags(struct mreg *m, const struct mreg_opts *o,
		      struct mreg_error *err)
{
	char jobs[16];
	char rate[24];
	struct mreg_pair flags[] = {
		{ "actor", o->actor },
		{ "index.db", o->index },
		{ "registry", o->registry },
		{ "store", o->store },
		{ "tls.caFile", o->ca_file },
		{ "http.plain", o->plain_http ? "true" : NULL },
		{ "jobs", o->jobs ? jobs : NULL },
		{ "limit.rate", o->limit_rate ? rate : NULL },
	};
	size_t i;

	(void)snprintf(jobs, sizeof(jobs), "%u", o->jobs);
	(void)snprintf(rate, sizeof(rate), "%" PRIu64,
		       o->limit_rate == UINT64_MAX ? 0 : o->limit_rate);
	for (i = 0; i < MR_COUNT(flags); i++) {
		int rc;

		if (!flags[i].value)
			continue;
		rc = put(m, find_row(flags[i].name), flags[i].value, "flag",
			 err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A default below the folder of data; it needs a home, and none is no error
 * before what lies there is used. */
static int take_data(struct mreg *m, const char *key, const char *name,
		     struct mreg_error *err)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	const char *path = "";

	if (data && data[0] == '/')
		path = mr_arena_printf(m->arena, "%s/mreg/%s", data, name);
	else if (home && home[0] == '/')
		path = mr_arena_printf(m->arena, "%s/.local/share/mreg/%s",
				       home, name);
	if (!path)
		return mr_fail_nomem(err);
	return path[0] ? put(m, find_row(key), path, "default", err) : 0;
}

static int take_defaults(struct mreg *m, struct mreg_error *err)
{
	size_t i;
	int rc;

	m->setting_count = MR_COUNT(rows);
	m->settings =
		mr_arena_alloc(m->arena, sizeof(*m->settings) * MR_COUNT(rows));
	if (!m->settings)
		return mr_fail_nomem(err);
	for (i = 0; i < MR_COUNT(rows); i++) {
		m->settings[i].key = rows[i].key;
		m->settings[i].help = rows[i].help;
		m->settings[i].value = rows[i].preset;
		m->settings[i].origin = "default";
	}
	rc = take_data(m, "store", "store", err);
	return rc < 0 ? rc : take_data(m, "index.db", "index.db", err);
}

static struct mreg_setting *setting_of(const struct mreg *m, const char *key)
{
	return &m->settings[find_row(key) - rows];
}

int mr_settings_load(struct mreg *m, const struct mreg_opts *o,
		     struct mreg_error *err)
{
	int rc = take_defaults(m, err);

	if (rc < 0)
		return rc;
	m->user_config = user_config_path(m->arena);
	m->project_config = project_config_path();
	if (!m->project_config)
		return mr_fail_nomem(err);
	rc = take_file(m, m->user_config, false, err);
	if (rc >= 0)
		rc = take_file(m, m->project_config, true, err);
	if (rc >= 0)
		rc = take_environment(m, err);
	if (rc >= 0)
		rc = take_flags(m, o, err);
	if (rc >= 0)
		rc = mr_index_where(m, setting_of(m, "index.db"), err);
	return rc;
}

const char *mr_setting(const struct mreg *m, const char *key)
{
	return setting_of(m, key)->value;
}

bool mr_setting_is_true(const struct mreg *m, const char *key)
{
	return strcmp(mr_setting(m, key), "true") == 0;
}

size_t mreg_settings(struct mreg *m, const struct mreg_setting **out)
{
	*out = m->settings;
	return m->setting_count;
}

int mreg_setting_get(struct mreg *m, const char *key,
		     const struct mreg_setting **out, struct mreg_error *err)
{
	const struct row *r;
	int rc = need_row(key, &r, err);

	if (rc < 0)
		return rc;
	*out = &m->settings[r - rows];
	return 0;
}

static bool has_member(const json_t *doc, const char *key)
{
	const char *dot = strchr(key, '.');
	char outer[64];

	if (!dot)
		return json_object_get(doc, key) != NULL;
	(void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
	return json_object_get(json_object_get(doc, outer), dot + 1) != NULL;
}

/* Set or remove one member, one level down for a dotted key. */
static int change_member(json_t *doc, const char *key, const char *value)
{
	const char *dot = strchr(key, '.');
	char outer[64];
	json_t *in = doc;

	if (dot) {
		(void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key),
			       key);
		in = json_object_get(doc, outer);
		if (!json_is_object(in)) {
			in = json_object();
			if (json_object_set_new(doc, outer, in) < 0)
				return -1;
		}
		key = dot + 1;
	}
	if (!value) {
		(void)json_object_del(in, key); /* absent is as wanted */
		return 0;
	}
	return json_object_set_new(in, key, json_string(value));
}

static int save_file(const char *path, json_t *doc, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *dir = mr_strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	char *text;
	int rc = 0;

	if (!dir)
		return mr_fail_nomem(err);
	if (slash && slash != dir) {
		*slash = '\0';
		rc = mr_dir_make(dir, err);
		if (rc < 0)
			return rc;
	}
	text = mr_json_dump(doc, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (!text)
		return mr_fail_nomem(err);
	rc = mr_file_save(AT_FDCWD, path, text, strlen(text), 0644, err);
	free(text);
	return rc;
}

int mreg_setting_set(struct mreg *m, enum mreg_config_file file,
		     const char *key, const char *value, bool dry_run,
		     const char **path, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	bool project = file == MREG_CONFIG_PROJECT;
	const struct row *r;
	int rc = need_row(key, &r, err);

	if (rc >= 0 && value) {
		value = plain_value(r, value);
		rc = check_value(r, value, "as given", err);
	}
	if (rc >= 0 && value && strcmp(key, "index.db") == 0)
		rc = mr_index_where_check(value, err);
	if (rc < 0)
		return rc;
	if (project && is_personal(r, value))
		return refuse_personal(r, PROJECT_FILE, err);
	*path = project ? m->project_config : m->user_config;
	if (!*path) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "there is no home for a user config file");
		return mr_hint(err, "set HOME or XDG_CONFIG_HOME");
	}
	rc = load_file(*path, &doc, err);
	if (rc < 0)
		return rc;
	if (!doc)
		doc = json_object();
	if (!doc)
		return mr_fail_nomem(err);
	if (!value && !has_member(doc, key))
		return 0;
	if (change_member(doc, key, value) < 0)
		return mr_fail_nomem(err);
	rc = dry_run ? 0 : save_file(*path, doc, err);
	return rc < 0 ? rc : 1;
}
