/*
 * ignore.c - gitignore patterns: from lines to a verdict.
 */
#include "pack/ignore.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct pattern {
	const char *text; /* in mr_ignore.text; without "!", ends of '/' */
	size_t len;
	bool keep;     /* began with "!" */
	bool dir_only; /* ended with '/' */
	bool anchored; /* counts from the folder of its file */
};

struct mr_ignore {
	char *text;               /* owned */
	struct pattern *patterns; /* owned */
	size_t n;
	size_t cap;
};

/* -- parsing --------------------------------------------------------------- */

/* Blanks at the end go, unless a backslash quotes them. */
static size_t strip_blanks(const char *line, size_t n)
{
	size_t keep = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (line[i] == '\\' && i + 1 < n)
			keep = ++i + 1;
		else if (line[i] != ' ')
			keep = i + 1;
	}
	return keep;
}

static int add(struct mr_ignore *ig, const char *line, size_t n,
	       struct mreg_error *err)
{
	struct pattern p = { .keep = false };

	if (n && line[0] == '!') {
		p.keep = true;
		line++;
		n--;
	}
	/* A '/' that a backslash quotes is one all the same. */
	if (n && line[n - 1] == '/') {
		p.dir_only = true;
		n--;
	}
	if (n && memchr(line, '/', n))
		p.anchored = true;
	if (n && line[0] == '/') {
		line++;
		n--;
	}
	if (n == 0)
		return 0;
	p.text = line;
	p.len = n;
	if (mr_grow((void **)&ig->patterns, &ig->cap, ig->n + 1, sizeof(p)) < 0)
		return mr_fail_nomem(err);
	ig->patterns[ig->n++] = p;
	return 0;
}

static int add_line(struct mr_ignore *ig, const char *line, size_t n,
		    struct mreg_error *err)
{
	if (n && line[n - 1] == '\r')
		n--;
	if (n == 0 || line[0] == '#')
		return 0;
	return add(ig, line, strip_blanks(line, n), err);
}

static struct mr_ignore *new_ignore(size_t n)
{
	struct mr_ignore *ig = mr_zalloc(sizeof(*ig));

	if (!ig)
		return NULL;
	/* One more: a component's end may be one behind the text's. */
	ig->text = mr_alloc(n + 1);
	if (!ig->text) {
		mr_release(ig);
		return NULL;
	}
	return ig;
}

int mr_ignore_parse(const char *text, size_t n, struct mr_ignore **out,
		    struct mreg_error *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	MR_AUTO(mr_ignore_freep) struct mr_ignore *ig = NULL;
	const char *at;
	const char *end;
	int rc;

	if (n >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		n -= 3;
	}
	ig = new_ignore(n);
	if (!ig)
		return mr_fail_nomem(err);
	if (n)
		memcpy(ig->text, text, n);
	at = ig->text;
	end = at + n;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		rc = add_line(ig, at, len, err);
		if (rc < 0)
			return rc;
		at += len + 1;
	}
	*out = mr_steal(&ig);
	return 0;
}

int mr_ignore_list(const char *const *patterns, size_t n,
		   struct mr_ignore **out, struct mreg_error *err)
{
	MR_AUTO(mr_ignore_freep) struct mr_ignore *ig = NULL;
	size_t total = 0;
	char *at;
	size_t i;
	int rc;

	for (i = 0; i < n; i++)
		total += strlen(patterns[i]);
	ig = new_ignore(total);
	if (!ig)
		return mr_fail_nomem(err);
	at = ig->text;
	for (i = 0; i < n; i++) {
		size_t len = strlen(patterns[i]);

		memcpy(at, patterns[i], len);
		rc = add(ig, at, len, err);
		if (rc < 0)
			return rc;
		at += len;
	}
	*out = mr_steal(&ig);
	return 0;
}

void mr_ignore_free(struct mr_ignore *ig)
{
	if (!ig)
		return;
	mr_release(ig->text);
	mr_release(ig->patterns);
	mr_release(ig);
}

void mr_ignore_freep(struct mr_ignore **ig)
{
	mr_ignore_free(*ig);
	*ig = NULL;
}

/* -- matching -------------------------------------------------------------- */

/* What is left of a path or pattern: its first component is [at, at + len). */
struct rest {
	const char *at;
	const char *end; /* of everything */
	size_t len;
};

static void cut(struct rest *r)
{
	const char *slash;

	r->len = 0;
	if (r->at >= r->end)
		return;
	slash = memchr(r->at, '/', (size_t)(r->end - r->at));
	r->len = (size_t)((slash ? slash : r->end) - r->at);
}

/* To the next component; the end is one behind `end`, because "a/" has an
 * empty component and "a" has none. */
static void step(struct rest *r)
{
	r->at += r->len + 1;
	cut(r);
}

static bool is_over(const struct rest *r)
{
	return r->at > r->end;
}

static struct rest begin(const char *text, size_t n)
{
	struct rest r = { .at = text, .end = text + n };

	cut(&r);
	return r;
}

static bool is_any_depth(const struct rest *r)
{
	return r->len == 2 && r->at[0] == '*' && r->at[1] == '*';
}

/* Component by component; "**" takes any number of them, at the end at least
 * one.  As with '*', only the last "**" needs to be tried again. */
static bool match_path(const struct pattern *pattern, const char *path,
		       size_t len)
{
	struct rest p = begin(pattern->text, pattern->len);
	struct rest s = begin(path, len);
	struct rest star = { .at = NULL };
	struct rest star_s = s;

	for (;;) {
		if (!is_over(&p) && is_any_depth(&p)) {
			step(&p);
			if (is_over(&p))
				return !is_over(&s);
			star = p;
			star_s = s;
			continue;
		}
		if (is_over(&s))
			return is_over(&p);
		if (!is_over(&p) &&
		    mr_ignore_component(p.at, p.len, s.at, s.len)) {
			step(&p);
			step(&s);
			continue;
		}
		if (!star.at || is_over(&star_s))
			return false;
		step(&star_s);
		p = star;
		s = star_s;
	}
}

static bool matches(const struct pattern *p, const char *path, bool is_dir)
{
	const char *slash;

	if (p->dir_only && !is_dir)
		return false;
	if (p->anchored)
		return match_path(p, path, strlen(path));
	slash = strrchr(path, '/');
	path = slash ? slash + 1 : path;
	return mr_ignore_component(p->text, p->len, path, strlen(path));
}

enum mr_verdict mr_ignore_match(const struct mr_ignore *ig, const char *path,
				bool is_dir)
{
	size_t i = ig ? ig->n : 0;

	while (i-- > 0)
		if (matches(&ig->patterns[i], path, is_dir))
			return ig->patterns[i].keep ? MR_VERDICT_KEEP
						    : MR_VERDICT_IGNORE;
	return MR_VERDICT_NONE;
}
