/*
 * evaluation.c - what a suite of tests found about a version, as a document:
 * spec/evaluation.md.
 *
 * Numbers keep the digits they were written with, so a document is read as a
 * tree of texts and written by hand, never through doubles.
 */
#include "model/meta.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ENTRIES_MAX 1000
/* More segments than any report compares. */
#define SEGMENTS_MAX 1000

/* -- additions ----------------------------------------------------------- */

/* Full when the count is 0, 4, 8, 16...: room for one more in the arena. */
static void *more(struct mr_arena *a, void *items, size_t n, size_t each)
{
	void *bigger;

	if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
		return items;
	bigger = mr_arena_alloc(a, (n ? 2 * n : 4) * each);
	if (bigger && n)
		memcpy(bigger, items, n * each);
	return bigger;
}

/* One metric into its place; maps are read in order, so that is mostly the
 * last. */
static int put_metric(struct mreg_pair **items, size_t *n, const char *name,
		      const char *value, struct mr_arena *a,
		      struct mreg_error *err)
{
	struct mreg_pair *bigger;
	struct mreg_pair pair;
	size_t at = *n;
	int rc = mr_check_name("metric", name, err);

	if (rc >= 0)
		rc = mr_check_metric(name, value, err);
	if (rc < 0)
		return rc;
	while (at > 0 && strcmp((*items)[at - 1].name, name) > 0)
		at--;
	pair.name = mr_arena_strdup(a, name);
	pair.value = mr_arena_strdup(a, value);
	if (!pair.name || !pair.value)
		return mr_fail_nomem(err);
	if (at > 0 && strcmp((*items)[at - 1].name, name) == 0) {
		(*items)[at - 1] = pair;
		return 0;
	}
	if (*n >= ENTRIES_MAX)
		return mr_fail(err, MREG_ELIMIT, "more than %d metrics",
			       ENTRIES_MAX);
	bigger = more(a, *items, *n, sizeof(*bigger));
	if (!bigger)
		return mr_fail_nomem(err);
	memmove(&bigger[at + 1], &bigger[at], (*n - at) * sizeof(*bigger));
	bigger[at] = pair;
	*items = bigger;
	(*n)++;
	return 0;
}

static int get_segment(struct mr_evaluation *e, const char *name,
		       struct mr_arena *a, struct mr_segment **out,
		       struct mreg_error *err)
{
	struct mr_segment *bigger;
	size_t at = e->segment_count;
	int rc = mr_check_text("segment", name, MR_VALUE_MAX_BYTES, false, err);

	if (rc < 0)
		return rc;
	while (at > 0 && strcmp(e->segments[at - 1].name, name) > 0)
		at--;
	if (at > 0 && strcmp(e->segments[at - 1].name, name) == 0) {
		*out = &e->segments[at - 1];
		return 0;
	}
	if (e->segment_count >= SEGMENTS_MAX)
		return mr_fail(err, MREG_ELIMIT, "more than %d segments",
			       SEGMENTS_MAX);
	bigger = more(a, e->segments, e->segment_count, sizeof(*bigger));
	name = mr_arena_strdup(a, name);
	if (!bigger || !name)
		return mr_fail_nomem(err);
	memmove(&bigger[at + 1], &bigger[at],
		(e->segment_count - at) * sizeof(*bigger));
	bigger[at] = (struct mr_segment){ .name = name };
	e->segments = bigger;
	e->segment_count++;
	*out = &bigger[at];
	return 0;
}

/* "NAME=NUMBER" apart, in the arena. */
static int split(const char *text, struct mr_arena *a, const char **name,
		 const char **value, struct mreg_error *err)
{
	const char *equals = strchr(text, '=');
	char shown[MR_SHOWN_BYTES];

	if (!equals) {
		(void)mr_fail(err, MREG_EUSAGE, "metric '%s' has no value",
			      mr_text_safe(text, shown, sizeof(shown)));
		return mr_hint(err, "write it as NAME=NUMBER");
	}
	*name = mr_arena_strndup(a, text, (size_t)(equals - text));
	*value = equals + 1;
	return *name ? 0 : mr_fail_nomem(err);
}

int mr_evaluation_metric(struct mr_evaluation *e, const char *text,
			 struct mr_arena *a, struct mreg_error *err)
{
	const char *name;
	const char *value;
	int rc = split(text, a, &name, &value, err);

	return rc < 0 ? rc
		      : put_metric(&e->metrics, &e->metric_count, name, value,
				   a, err);
}

/* The segment's name may hold anything, ':' and '=' too: it ends at the last
 * ':', for neither a metric's name nor a number has one. */
int mr_evaluation_segment(struct mr_evaluation *e, const char *text,
			  struct mr_arena *a, struct mreg_error *err)
{
	const char *colon = strrchr(text, ':');
	char shown[MR_SHOWN_BYTES];
	struct mr_segment *s;
	const char *segment;
	const char *name;
	const char *value;
	int rc;

	if (!colon || colon == text) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' names no segment",
			      mr_text_safe(text, shown, sizeof(shown)));
		return mr_hint(err, "write it as SEGMENT:NAME=NUMBER, such as "
				    "country=DE:auc=0.91");
	}
	segment = mr_arena_strndup(a, text, (size_t)(colon - text));
	if (!segment)
		return mr_fail_nomem(err);
	rc = split(colon + 1, a, &name, &value, err);
	if (rc >= 0)
		rc = get_segment(e, segment, a, &s, err);
	return rc < 0 ? rc
		      : put_metric(&s->metrics, &s->metric_count, name, value,
				   a, err);
}

int mr_evaluation_baseline(struct mr_evaluation *e, const char *text,
			   struct mr_arena *a, struct mreg_error *err)
{
	struct mr_experiment *x = &e->experiment;
	const char *name;
	const char *value;
	int rc = split(text, a, &name, &value, err);

	return rc < 0 ? rc
		      : put_metric(&x->metrics, &x->metric_count, name, value,
				   a, err);
}

static int put_dataset(struct mr_evaluation *e, const char *name,
		       const char *digest, struct mr_arena *a,
		       struct mreg_error *err)
{
	int rc = mr_check_text("dataset", name, MR_VALUE_MAX_BYTES, false, err);

	if (rc >= 0 && digest)
		rc = mr_check_digest("digest", digest, err);
	if (rc < 0)
		return rc;
	e->dataset = mr_arena_strdup(a, name);
	e->dataset_digest = digest ? mr_arena_strdup(a, digest) : NULL;
	return !e->dataset || (digest && !e->dataset_digest)
		       ? mr_fail_nomem(err)
		       : 0;
}

int mr_evaluation_dataset(struct mr_evaluation *e, const char *text,
			  struct mr_arena *a, struct mreg_error *err)
{
	const char *at = strrchr(text, '@');
	const char *name = text;

	/* What follows another '@' may be a revision. */
	if (!at || (!mr_text_starts(at, "@sha256:") &&
		    !mr_text_starts(at, "@sha512:")))
		return put_dataset(e, text, NULL, a, err);
	name = mr_arena_strndup(a, text, (size_t)(at - text));
	return name ? put_dataset(e, name, at + 1, a, err) : mr_fail_nomem(err);
}

/* -- reading ------------------------------------------------------------- */

struct parse {
	const char *name; /* of the document; safe to show */
	struct mr_arena *arena;
	struct mr_evaluation *e;
	struct mreg_error *err;
};

static int fail_key(const struct parse *p, const struct mr_node *node,
		    const char *wanted)
{
	char shown[MR_SHOWN_BYTES];

	return mr_fail(p->err, MREG_EFORMAT,
		       "'%s' must be %s in '%s', line %zu",
		       mr_text_safe(node->key, shown, sizeof(shown)), wanted,
		       p->name, node->line);
}

/* A value that was refused: in which document. */
static int at_line(const struct parse *p, const struct mr_node *node)
{
	struct mreg_error was = *p->err;

	if (was.code == MREG_ENOMEM)
		return was.code;
	(void)mr_fail(p->err, MREG_EFORMAT, "%.160s in '%s', line %zu", was.msg,
		      p->name, node->line);
	return was.hint[0] ? mr_hint(p->err, "%s", was.hint) : MREG_EFORMAT;
}

static int fail_unknown(const struct parse *p, const struct mr_node *node,
			const char *const *keys)
{
	const char *near = mr_text_nearest(node->key, keys);
	char shown[MR_SHOWN_BYTES];

	(void)mr_fail(p->err, MREG_EFORMAT,
		      "unknown key '%s' in '%s', line %zu",
		      mr_text_safe(node->key, shown, sizeof(shown)), p->name,
		      node->line);
	/* Which is what spec/policy.md calls it. */
	if (strcmp(node->key, "verdict") == 0)
		return mr_hint(p->err,
			       "write 'passed: true' or 'passed: false'");
	return near ? mr_hint(p->err, "did you mean '%s'?", near)
		    : MREG_EFORMAT;
}

static int read_metrics(struct parse *p, const struct mr_node *map,
			struct mreg_pair **items, size_t *n)
{
	size_t i;

	if (map->kind != MR_NODE_MAP)
		return fail_key(p, map, "a map of numbers");
	for (i = 0; i < map->count; i++) {
		const struct mr_node *value = map->items[i];

		if (value->kind != MR_NODE_SCALAR)
			return fail_key(p, value, "a number");
		if (put_metric(items, n, value->key, value->text, p->arena,
			       p->err) < 0)
			return at_line(p, value);
	}
	return 0;
}

static int read_segments(struct parse *p, const struct mr_node *map)
{
	struct mr_segment *s;
	size_t i;
	int rc = 0;

	if (map->kind != MR_NODE_MAP)
		return fail_key(p, map, "a map of segments");
	for (i = 0; rc >= 0 && i < map->count; i++) {
		const struct mr_node *metrics = map->items[i];

		if (get_segment(p->e, metrics->key, p->arena, &s, p->err) < 0)
			return at_line(p, metrics);
		rc = read_metrics(p, metrics, &s->metrics, &s->metric_count);
	}
	return rc;
}

static int read_text(struct parse *p, const struct mr_node *node,
		     const char **out)
{
	const char *text = mr_node_text(node);

	if (node->kind != MR_NODE_SCALAR || !text)
		return fail_key(p, node, "a text");
	if (mr_check_text(node->key, text, MR_VALUE_MAX_BYTES, false, p->err) <
	    0)
		return at_line(p, node);
	*out = text;
	return 0;
}

/* A digest, or one that is given elsewhere. */
static int read_version(struct parse *p, const struct mr_node *node,
			const char **out)
{
	int rc = mr_node_is_null(node) ? 0 : read_text(p, node, out);

	if (rc >= 0 && *out && mr_check_digest(node->key, *out, p->err) < 0)
		return at_line(p, node);
	return rc;
}

static int read_baseline(struct parse *p, const struct mr_node *map)
{
	static const char *const keys[] = { "version", "metrics", NULL };
	struct mr_experiment *x = &p->e->experiment;
	size_t i;
	int rc = 0;

	if (map->kind != MR_NODE_MAP)
		return fail_key(p, map, "a map with 'version' and 'metrics'");
	for (i = 0; rc >= 0 && i < map->count; i++) {
		const struct mr_node *node = map->items[i];

		if (strcmp(node->key, "version") == 0)
			rc = read_version(p, node, &x->baseline);
		else if (strcmp(node->key, "metrics") == 0)
			rc = read_metrics(p, node, &x->metrics,
					  &x->metric_count);
		else
			rc = fail_unknown(p, node, keys);
	}
	return rc;
}

static int read_experiment(struct parse *p, const struct mr_node *map)
{
	static const char *const keys[] = { "baseline", "candidate", "name",
					    "winner", NULL };
	struct mr_experiment *x = &p->e->experiment;
	size_t i;
	int rc = 0;

	if (map->kind != MR_NODE_MAP)
		return fail_key(p, map, "a map with 'name' and 'baseline'");
	for (i = 0; rc >= 0 && i < map->count; i++) {
		const struct mr_node *node = map->items[i];

		if (strcmp(node->key, "name") == 0)
			rc = read_text(p, node, &x->name);
		else if (strcmp(node->key, "baseline") == 0)
			rc = read_baseline(p, node);
		else if (strcmp(node->key, "candidate") == 0)
			rc = read_version(p, node, &x->candidate);
		else if (strcmp(node->key, "winner") == 0)
			rc = read_version(p, node, &x->winner);
		else
			rc = fail_unknown(p, node, keys);
	}
	return rc < 0 || x->name
		       ? rc
		       : fail_key(p, map, "a map with 'name' and 'baseline'");
}

static int read_dataset_map(struct parse *p, const struct mr_node *map)
{
	static const char *const keys[] = { "name", "digest", NULL };
	const char *name = NULL;
	const char *digest = NULL;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < map->count; i++) {
		const struct mr_node *node = map->items[i];

		if (strcmp(node->key, "name") == 0)
			rc = read_text(p, node, &name);
		else if (strcmp(node->key, "digest") != 0)
			rc = fail_unknown(p, node, keys);
		else if (!mr_node_is_null(node)) /* not known */
			rc = read_text(p, node, &digest);
	}
	if (rc < 0)
		return rc;
	if (!name)
		return fail_key(p, map, "a map with 'name' and 'digest'");
	return put_dataset(p->e, name, digest, p->arena, p->err) < 0
		       ? at_line(p, map)
		       : 0;
}

static int read_dataset(struct parse *p, const struct mr_node *node)
{
	const char *name = mr_node_text(node);

	if (node->kind == MR_NODE_MAP)
		return read_dataset_map(p, node);
	if (!name)
		return fail_key(p, node, "a map with 'name' and 'digest'");
	return mr_evaluation_dataset(p->e, name, p->arena, p->err) < 0
		       ? at_line(p, node)
		       : 0;
}

static int read_passed(struct parse *p, const struct mr_node *node)
{
	const char *text =
		node->kind == MR_NODE_SCALAR && node->plain ? node->text : "";

	p->e->judged = true;
	p->e->passed = strcmp(text, "true") == 0;
	return p->e->passed || strcmp(text, "false") == 0
		       ? 0
		       : fail_key(p, node, "true or false");
}

static int read_key(struct parse *p, const struct mr_node *node)
{
	static const char *const keys[] = {
		"schema",  "suite",    "suiteVersion", "passed", "dataset",
		"metrics", "segments", "experiment",   NULL
	};
	const char *text = NULL;
	int rc;

	if (mr_node_is_null(node))
		return 0;
	if (strcmp(node->key, "suite") == 0)
		return read_text(p, node, &p->e->suite);
	if (strcmp(node->key, "suiteVersion") == 0)
		return read_text(p, node, &p->e->suite_version);
	if (strcmp(node->key, "passed") == 0)
		return read_passed(p, node);
	if (strcmp(node->key, "dataset") == 0)
		return read_dataset(p, node);
	if (strcmp(node->key, "metrics") == 0)
		return read_metrics(p, node, &p->e->metrics,
				    &p->e->metric_count);
	if (strcmp(node->key, "segments") == 0)
		return read_segments(p, node);
	if (strcmp(node->key, "experiment") == 0)
		return read_experiment(p, node);
	if (strcmp(node->key, "schema") == 0) {
		rc = read_text(p, node, &text);
		return rc >= 0 && text &&
				       strcmp(text, MR_EVALUATION_SCHEMA) != 0
			       ? fail_key(p, node, "'" MR_EVALUATION_SCHEMA "'")
			       : rc;
	}
	return fail_unknown(p, node, keys);
}

static int fail_missing(const char *name, const char *key,
			struct mreg_error *err)
{
	return mr_fail(err, MREG_EFORMAT, "'%s' says no '%s'", name, key);
}

int mr_evaluation_parse(const char *bytes, size_t n, const char *name,
			bool partial, struct mr_arena *a,
			struct mr_evaluation *out, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	struct parse p = {
		.name = mr_text_safe(name, shown, sizeof(shown)),
		.arena = a,
		.e = out,
		.err = err,
	};
	struct mr_node *root = NULL;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if (n > MR_EVALUATION_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT, "'%s' is larger than %u bytes",
			       p.name, MR_EVALUATION_MAX_BYTES);
	rc = mr_yaml_parse(a, bytes, n, name, &root, err);
	if (rc < 0)
		return rc;
	if (!root || root->kind != MR_NODE_MAP)
		return mr_fail(err, MREG_EFORMAT,
			       "'%s' is no evaluation: "
			       "it holds no map",
			       p.name);
	for (i = 0; rc >= 0 && i < root->count; i++)
		rc = read_key(&p, root->items[i]);
	if (rc >= 0 && !partial && !out->suite)
		rc = fail_missing(p.name, "suite", err);
	if (rc >= 0 && !partial && !out->judged)
		rc = fail_missing(p.name, "passed", err);
	if (rc >= 0 && !partial && out->experiment.name &&
	    !(out->experiment.baseline && out->experiment.candidate))
		rc = fail_missing(p.name, "experiment of two versions", err);
	return rc;
}
