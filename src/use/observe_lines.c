/*
 * observe_lines.c - observations as people and programs give them: NAME=NUMBER,
 * and a JSON object in each line of a file.
 */
#include "use/observe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"
#include "use/about.h"
#include "model/model.h"

/* A file of one day's observations, not of a year's: each is a request. */
#define LINES_MAX 10000
#define LINES_MAX_BYTES (8u << 20)
#define SHOWN_BYTES 100
#define TIME_BYTES 32

struct reading {
	const struct mreg_observe_opts *o;
	const char *at; /* o->at in full; NULL: not told */
	struct mr_arena *arena;
	struct mreg_observation *rows;
	size_t count;
};

static const char *const keys[] = { "baseline",   "environment", "metric",
				    "observedAt", "value",       "window",
				    NULL };

static int check_row(const struct mreg_observation *row, struct mreg_error *err)
{
	int rc = mr_check_name("metric", row->metric, err);

	if (rc >= 0)
		rc = mr_check_metric(row->metric, row->value, err);
	if (rc >= 0 && row->baseline)
		rc = mr_check_metric("baseline", row->baseline, err);
	if (rc >= 0)
		rc = mr_event_check("window", row->window,
				    MR_EVENT_NAME_MAX_BYTES, err);
	if (rc >= 0)
		rc = mr_event_check("environment", row->environment,
				    MR_EVENT_NAME_MAX_BYTES, err);
	return rc;
}

/* What the options say of every row. */
static struct mreg_observation common(const struct reading *r)
{
	return (struct mreg_observation){ .window = r->o->window,
					  .baseline = r->o->baseline,
					  .environment = r->o->environment,
					  .observed_at = r->at };
}

static int take_pair(struct reading *r, const char *text,
		     struct mreg_error *err)
{
	struct mreg_observation *row = &r->rows[r->count];
	const char *equals = strchr(text, '=');
	char shown[SHOWN_BYTES];

	if (!equals) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is no observation",
			      mr_text_safe(text, shown, sizeof(shown)));
		return mr_hint(err, "write NAME=NUMBER: drift=0.31");
	}
	*row = common(r);
	row->metric = mr_arena_strndup(r->arena, text, (size_t)(equals - text));
	row->value = mr_arena_strdup(r->arena, equals + 1);
	if (!row->metric || !row->value)
		return mr_fail_nomem(err);
	r->count++;
	return check_row(row, err);
}

/* -- a file ---------------------------------------------------------------- */

static int fail_key(const char *key, struct mreg_error *err)
{
	const char *near = mr_text_nearest(key, keys);
	char shown[SHOWN_BYTES];

	(void)mr_fail(err, MREG_EFORMAT, "'%s' is nothing of an observation",
		      mr_text_safe(key, shown, sizeof(shown)));
	return near ? mr_hint(err, "did you mean '%s'?", near) : MREG_EFORMAT;
}

/* NULL: out of memory. */
static const char *time_text(struct mr_arena *a, int64_t s)
{
	char text[TIME_BYTES];

	return mr_arena_strdup(a, mr_text_time(s, text));
}

static int take_member(const struct mr_node *item, struct reading *r,
		       struct mreg_observation *row, struct mreg_error *err)
{
	const char **const slots[] = { &row->baseline, &row->environment,
				       &row->metric,   &row->observed_at,
				       &row->value,    &row->window };
	const char *text = mr_node_text(item);
	int64_t s;
	size_t i;
	int rc;

	for (i = 0; keys[i] && strcmp(keys[i], item->key) != 0; i++)
		;
	if (!keys[i])
		return fail_key(item->key, err);
	if (mr_node_is_null(item))
		return 0;
	if (!text)
		return mr_fail(err, MREG_EFORMAT,
			       "'%s' of an observation is no text or number",
			       keys[i]);
	*slots[i] = text;
	if (slots[i] != &row->observed_at)
		return 0;
	rc = mr_given_time(text, &s, err);
	if (rc < 0)
		return rc;
	row->observed_at = time_text(r->arena, s);
	return row->observed_at ? 0 : mr_fail_nomem(err);
}

static int take_line(struct reading *r, const char *line, size_t n,
		     struct mreg_error *err)
{
	struct mreg_observation *row = &r->rows[r->count];
	struct mr_node *node;
	size_t i;
	int rc = mr_node_parse_json(r->arena, line, n, "observation", &node,
				    err);

	if (rc < 0)
		return rc;
	if (!node || node->kind != MR_NODE_MAP)
		return mr_fail(err, MREG_EFORMAT, "it is no JSON object");
	*row = common(r);
	for (i = 0; rc >= 0 && i < node->count; i++)
		rc = take_member(node->items[i], r, row, err);
	if (rc < 0)
		return rc;
	if (!row->metric || !row->value)
		return mr_fail(err, MREG_EFORMAT, "'%s' is missing",
			       row->metric ? "value" : "metric");
	r->count++;
	return check_row(row, err);
}

static int fail_line(size_t line, const char *path, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	struct mreg_error why = *err;

	(void)mr_fail(err, why.code == MREG_EUSAGE ? MREG_EFORMAT : why.code,
		      "line %zu of '%s': %s", line,
		      mr_text_safe(path, shown, sizeof(shown)), why.msg);
	return mr_hint(err, "%s",
		       why.hint[0] ? why.hint
				   : "a line is {\"metric\": \"drift\", "
				     "\"value\": 0.31, \"window\": \"w1\"}; "
				     "nothing was written");
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int take_file(struct reading *r, const struct mr_buf *b,
		     struct mreg_error *err)
{
	const char *at = mr_buf_text(b);
	const char *end = at + b->len;
	size_t line = 0;
	int rc = 0;

	while (rc >= 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);

		line++;
		if (strspn(at, " \t\r") < n)
			rc = take_line(r, at, n, err);
		if (rc < 0 && rc != MREG_ENOMEM)
			rc = fail_line(line, r->o->from, err);
		at += n + 1;
	}
	return rc;
}

int mr_observations(const struct mreg_observe_opts *o, struct mr_arena *a,
		    struct mreg_observation **out, size_t *count,
		    struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(LINES_MAX_BYTES);
	struct reading r = { .o = o, .arena = a };
	size_t lines = 0;
	size_t i;
	int64_t s;
	int rc = o->from ? mr_given_load(o->from, "observations", &b, err) : 0;

	if (rc >= 0 && o->at)
		rc = mr_given_time(o->at, &s, err);
	if (rc < 0)
		return rc;
	if (o->at)
		r.at = time_text(a, s);
	lines = o->from ? count_lines(mr_buf_text(&b)) : 0;
	if (lines + o->metrics.n > LINES_MAX) {
		(void)mr_fail(err, MREG_ELIMIT,
			      "more than %d observations at once", LINES_MAX);
		return mr_hint(err, "give them in several files");
	}
	r.rows =
		mr_arena_alloc(a, (lines + o->metrics.n + 1) * sizeof(*r.rows));
	if (!r.rows)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < o->metrics.n; i++)
		rc = take_pair(&r, o->metrics.items[i], err);
	if (rc >= 0 && o->from)
		rc = take_file(&r, &b, err);
	*out = r.rows;
	*count = r.count;
	return rc < 0 ? rc : mr_result_check(a, err);
}
