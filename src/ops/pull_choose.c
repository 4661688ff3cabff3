/*
 * pull_choose.c - which version is meant, and which of its files.
 *
 * A tag that was pulled before costs one HEAD: where it still points is asked,
 * the manifest itself is remembered (product.md 5.6), and so are those that an
 * index leads to and the config blob, where it names files.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ops/pull.h"
#include "rule/rule.h"

#define SHOWN 120
#define NEAREST_MAX 3

/* -- the manifest ------------------------------------------------------ */

static const char *tag_key(const struct mreg_ref *ref, char out[160])
{
	(void)snprintf(out, 160, "tag:%.150s",
		       ref->tag[0] ? ref->tag : "latest");
	return out;
}

/* What the reference named when it was last pulled. */
static bool recall(struct pull *p, struct mreg_digest *out)
{
	char text[MREG_DIGEST_TEXT];
	char key[160];

	*out = p->ref.digest;
	return mr_digest_known(out) ||
	       (mr_state_fact_get(p->m->state, p->from->name,
				  tag_key(&p->ref, key), text, sizeof(text)) &&
		mreg_digest_parse(text, out, NULL) == 0);
}

static void remember(struct pull *p)
{
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest known;
	char key[160];

	if (recall(p, &known) &&
	    mreg_digest_equal(&known, &p->manifest->desc.digest))
		return;
	mr_state_fact_put(p->m->state, p->from->name, tag_key(&p->ref, key),
			  mreg_digest_text(&p->manifest->desc.digest, text));
}

/* An alias may be moved meanwhile: what was judged is what is read. */
static int read_judged(struct pull *p, struct mreg_error *err)
{
	struct mreg_desc now;
	int rc = mr_target_resolve(p->from, &p->ref, &now, err);

	if (rc >= 0)
		rc = mr_policy_demand(p->m, &p->ref, &now, err);
	return rc < 0 ? rc
		      : mr_manifest_fetch(p->m, p->from, &now.digest,
					  &p->manifest, err);
}

static int read_manifest(struct pull *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	struct mreg_desc now = { .size = 0 };
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest known;
	int rc;

	if (p->o->require_policy ||
	    mr_setting_is_true(p->m, "require.policy")) {
		rc = read_judged(p, err);
		/* In a local store the document is as near as what it is
		 * called. */
	} else if (p->ref.host[0] && recall(p, &known) &&
		   mr_state_doc_get(p->m->state, mreg_digest_text(&known, text),
				    &b)) {
		rc = mr_target_resolve(p->from, &p->ref, &now, err);
		if (rc >= 0)
			rc = mr_manifest_fetch(p->m, p->from, &now.digest,
					       &p->manifest, err);
	} else {
		rc = mr_target_manifest(p->m, p->from, &p->ref, &p->manifest,
					err);
	}
	if (rc < 0)
		return rc;
	if (p->ref.host[0])
		remember(p);
	p->named = p->manifest->desc;
	return 0;
}

/* The config blob, from state, if what is there still hashes to its digest. */
static int load_config(struct pull *p, struct mreg_error *err)
{
	const struct mreg_desc *d = &p->manifest->config.desc;
	struct mreg_digest is = { .algorithm = MREG_DIGEST_NONE };
	char text[MREG_DIGEST_TEXT];
	int rc;

	mr_buf_init(&p->config, MR_MANIFEST_MAX_BYTES);
	mreg_digest_text(&d->digest, text);
	if (mr_state_doc_get(p->m->state, text, &p->config) &&
	    mr_digest_of(p->config.data, p->config.len, &is, err) == 0 &&
	    mreg_digest_equal(&is, &d->digest))
		return 0;
	mr_buf_clear(&p->config);
	rc = mr_store_load(p->from, d, &p->config, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read the config of '%s'",
			       p->from->label);
	mr_state_doc_put(p->m->state, text, p->config.data, p->config.len);
	return 0;
}

/* -- its files --------------------------------------------------------- */

/* "./a/" is what a shell completes: the folder. */
static const char *pattern_of(const char *given, char out[MR_PATH_MAX_BYTES])
{
	size_t n;

	while (mr_text_starts(given, "./"))
		given += 2;
	n = strlen(given);
	(void)snprintf(out, MR_PATH_MAX_BYTES, "%s%s", given,
		       n && given[n - 1] == '/' ? "**" : "");
	return out;
}

/* What a pattern is compared with. */
static const char *key_of(const char *path, const char *pattern)
{
	const char *slash = strrchr(path, '/');

	return slash && !strchr(pattern, '/') ? slash + 1 : path;
}

static bool matches(const char *pattern, const char *path)
{
	return mr_text_glob(pattern, key_of(path, pattern));
}

static bool is_folder(const struct pull *p, const char *name)
{
	size_t n = strlen(name);
	size_t i;

	for (i = 0; i < p->count; i++)
		if (strncmp(p->layers[i].path, name, n) == 0 &&
		    p->layers[i].path[n] == '/')
			return true;
	return false;
}

static bool put_path(char *out, size_t cap, const char *path)
{
	size_t used = strlen(out);
	char safe[SHOWN];
	int n = snprintf(out + used, cap - used, "%s%s", used ? ", " : "",
			 mr_text_safe(path, safe, sizeof(safe)));

	if (n >= 0 && (size_t)n < cap - used)
		return true;
	out[used] = '\0';
	return false;
}

/* Up to three paths that may have been meant; `*near` false: the first ones,
 * for none of them is near. */
static void put_nearest(const struct pull *p, const char *word, char *out,
			size_t cap, bool *near)
{
	MR_AUTO(mr_free) const char **keys = NULL;
	size_t i, k;

	*near = false;
	out[0] = '\0';
	keys = mr_array(p->count + 1, sizeof(*keys));
	if (!keys)
		return;
	for (i = 0; i < p->count; i++)
		keys[i] = key_of(p->layers[i].path, word);
	for (k = 0; k < NEAREST_MAX && k < p->count; k++) {
		const char *key = mr_text_nearest(word, keys);

		if (!key && *near)
			return;
		*near = *near || key;
		for (i = key ? 0 : k; key && keys[i] != key; i++)
			;
		if (!put_path(out, cap, p->layers[i].path))
			return;
		if (key)
			keys[i] = ""; /* near to nothing */
	}
}

static int no_match(const struct pull *p, const char *given,
		    struct mreg_error *err)
{
	char paths[SHOWN];
	char safe[SHOWN];
	bool near;

	(void)mr_text_safe(given, safe, sizeof(safe));
	(void)mr_fail(err, MREG_ENOTFOUND, "no file of '%s' matches '%s'",
		      p->from->label, safe);
	if (is_folder(p, given))
		return mr_hint(err, "'%s/' takes the files below it", safe);
	put_nearest(p, given, paths, sizeof(paths), &near);
	return mr_hint(err, "%s: %s", near ? "nearest" : "it has", paths);
}

static int check_patterns(const struct pull *p, struct mreg_error *err)
{
	char pattern[MR_PATH_MAX_BYTES];
	size_t i, k;

	for (k = 0; k < p->o->include_count; k++) {
		const char *given = p->o->include[k];

		if (!given[0])
			return mr_fail(err, MREG_EUSAGE,
				       "an empty pattern matches no file");
		(void)pattern_of(given, pattern);
		for (i = 0; i < p->count; i++)
			if (matches(pattern, p->layers[i].path))
				break;
		if (i == p->count)
			return no_match(p, given, err);
	}
	return 0;
}

static bool is_wanted(const struct pull *p, const char *path)
{
	char pattern[MR_PATH_MAX_BYTES];
	size_t k;

	for (k = 0; k < p->o->include_count; k++)
		if (matches(pattern_of(p->o->include[k], pattern), path))
			return true;
	return p->o->include_count == 0;
}

/* In whatever folder, and however the file system tells names apart. */
static bool is_of_git(const char *path)
{
	const char *p = path;

	while (p) {
		if (strncasecmp(p, ".git/", 5) == 0 ||
		    strcasecmp(p, ".git") == 0)
			return true;
		p = strchr(p, '/');
		if (p)
			p++;
	}
	return false;
}

/* A push with --all takes a repository along, so it is no reason to refuse; but
 * git runs what its files name. */
static void warn_git(const struct pull *p)
{
	char safe[SHOWN];
	size_t i;

	for (i = 0; i < p->count; i++) {
		if (!is_of_git(p->layers[i].path))
			continue;
		mr_log(&p->m->env, MREG_LOG_WARN,
		       "the version has '%s': git runs programs that files in "
		       "'.git' name, so look at them before using it there",
		       mr_text_safe(p->layers[i].path, safe, sizeof(safe)));
		return;
	}
}

bool mr_pull_is_partial(const struct pull *p)
{
	return p->o->include_count > 0 || p->o->below;
}

static int no_folder(const struct pull *p, const char *folder,
		     struct mreg_error *err)
{
	char safe[SHOWN];
	size_t i;

	(void)mr_text_safe(folder, safe, sizeof(safe));
	for (i = 0; i < p->count; i++) {
		if (strcmp(p->layers[i].path, folder) != 0)
			continue;
		(void)mr_fail(err, MREG_ENOTFOUND,
			      "'%s' of '%s' is a file, not a folder", safe,
			      p->from->label);
		return mr_hint(err, "files are what --include takes, and "
				    "files= of a mreg:// URI");
	}
	(void)mr_fail(err, MREG_ENOTFOUND, "there is no folder '%s' in '%s'",
		      safe, p->from->label);
	return mr_hint(err, "'mreg inspect' lists its files");
}

/* Files below the folder are put as if it were the version's. */
static int step_into(struct pull *p, const char *folder, struct mreg_error *err)
{
	char clean[MR_PATH_MAX_BYTES];
	size_t kept = 0;
	size_t i;
	size_t n;

	while (mr_text_starts(folder, "./"))
		folder += 2;
	n = strlen(folder);
	while (n > 0 && folder[n - 1] == '/')
		n--;
	if (n == 0 || n >= sizeof(clean))
		return mr_fail(err, MREG_EUSAGE,
			       "--below needs a folder of the version");
	(void)snprintf(clean, sizeof(clean), "%.*s", (int)n, folder);
	for (i = 0; i < p->count; i++) {
		const char *path = p->layers[i].path;

		if (strncmp(path, clean, n) != 0 || path[n] != '/')
			continue;
		p->layers[kept] = p->layers[i];
		p->layers[kept].path = path + n + 1;
		p->origins[kept++] = p->origins[i];
	}
	if (kept == 0)
		return no_folder(p, clean, err);
	p->count = kept;
	return 0;
}

/* What an archive holds that is not here nobody knows yet. */
int mr_pull_select(struct pull *p, struct mreg_error *err)
{
	size_t n = 0;
	size_t i;
	int rc;

	if (p->unknown)
		return 0;
	rc = p->o->below ? step_into(p, p->o->below, err) : 0;
	if (rc >= 0)
		rc = check_patterns(p, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < p->count; i++) {
		if (!is_wanted(p, p->layers[i].path))
			continue;
		p->layers[n] = p->layers[i];
		p->origins[n++] = p->origins[i];
	}
	p->count = n;
	warn_git(p);
	return 0;
}

static void warn_climbed(const struct pull *p)
{
	char safe[SHOWN];
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->layers[i].climbed)
			mr_log(&p->m->env, MREG_LOG_WARN,
			       "'%s': '../' in front of this path was left out",
			       mr_text_safe(p->layers[i].path, safe,
					    sizeof(safe)));
}

static int read_layers(struct pull *p, struct mreg_error *err)
{
	int rc = mr_pull_follow(p, err);

	if (rc < 0)
		return rc;
	if (!mr_model_wants_config(p->manifest)) {
		rc = mr_model_layers(p->manifest, &p->layers, &p->count, err);
	} else {
		rc = load_config(p, err);
		if (rc >= 0)
			rc = mr_model_layers_named(p->manifest, p->config.data,
						   p->config.len, &p->layers,
						   &p->count, err);
	}
	if (rc >= 0)
		warn_climbed(p);
	return rc;
}

int mr_pull_choose(struct pull *p, const char *text, struct mreg_error *err)
{
	int rc = mr_target_parse(p->m, text, &p->ref, err);

	if (rc >= 0)
		rc = mr_target_demand(p->m, &p->ref, p->o->require_digest, err);
	if (rc >= 0)
		rc = mr_target_open(p->m, &p->ref, &p->from, err);
	if (rc >= 0)
		rc = read_manifest(p, err);
	if (rc < 0)
		return rc;
	rc = read_layers(p, err);
	/* A choice that was mistyped says nothing of the version. */
	if (rc < 0 && rc != MREG_ENOTFOUND && rc != MREG_EUSAGE)
		return mr_wrap(err, "cannot pull '%s'", text);
	return rc;
}
