/*
 * tests/support/fakereg_list.c - lists of tags and of repositories, in pages.
 */
#include "tests/support/fakereg_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPOSITORIES_MAX 1024

/* How many entries are asked for; false: answered. */
static bool page_size(struct fake_call *x, size_t *limit)
{
	const struct fakereg_opts *o = &x->f->o;
	char text[32];

	(void)fake_param(x->rq->query, "n", 0, text, sizeof(text));
	*limit = strtoul(text, NULL, 10);
	if (o->page_max && *limit > o->page_max) {
		fake_error(x->a, 400, "PAGINATION_NUMBER_INVALID",
			   "invalid number of results requested", text);
		return false;
	}
	if (*limit == 0 || (o->page && *limit > o->page))
		*limit = o->page ? o->page : 1000;
	if (o->no_pages)
		*limit = SIZE_MAX;
	return true;
}

/* One page of `all`, which is consumed; bytewise sorted already. */
static void send_page(struct fake_call *x, const char *key, json_t *all,
		      json_t *doc)
{
	const struct fakereg_opts *o = &x->f->o;
	json_t *page = json_array();
	char last[256];
	const char *name = NULL;
	size_t limit = 0, i;
	bool more = false;

	(void)fake_param(x->rq->query, "last", 0, last, sizeof(last));
	if (!page_size(x, &limit)) {
		json_decref(page);
		json_decref(all);
		json_decref(doc);
		return;
	}
	for (i = 0; i < json_array_size(all) && !more; i++) {
		const char *next = json_string_value(json_array_get(all, i));

		if (!o->no_pages && strcmp(next, last) <= 0)
			continue;
		more = json_array_size(page) == limit;
		if (!more) {
			name = next;
			(void)json_array_append_new(page, json_string(next));
		}
	}
	if (more)
		fake_set(x->a, "Link", "<%s?last=%s&n=%zu>; rel=\"next\"",
			 x->rq->path, name, limit);
	if (o->null_tags && json_array_size(page) == 0) {
		json_decref(page);
		page = json_null();
	}
	(void)json_object_set_new(doc, key, page);
	json_decref(all);
	fake_send_json(x->a, doc);
}

/* Whether another tag's name is the beginning of this one's (B-45). */
static bool hidden(const struct fake_repo *r, const char *name)
{
	const struct fake_tag *t;

	for (t = r->tags; t; t = t->next)
		if (strcmp(t->name, name) != 0 &&
		    strncmp(t->name, name, strlen(t->name)) == 0)
			return true;
	return false;
}

void fake_list_tags(struct fake_call *x)
{
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	json_t *all;
	struct fake_tag *t;

	if (!r) {
		fake_error(x->a, 404, "NAME_UNKNOWN",
			   "repository name not known to registry", x->repo);
		return;
	}
	all = json_array();
	for (t = r->tags; t; t = t->next)
		if (!x->f->o.drop_tags || !hidden(r, t->name))
			(void)json_array_append_new(all, json_string(t->name));
	send_page(x, "tags", all, json_pack("{s:s}", "name", x->repo));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fake_list_repositories(struct fake_call *x)
{
	const char *names[REPOSITORIES_MAX];
	struct fake_repo *r;
	json_t *all;
	size_t n = 0, i;

	if (x->f->o.no_catalog) {
		fake_error(x->a, 404, "UNSUPPORTED", "no catalog", NULL);
		return;
	}
	for (r = x->f->repos; r && n < REPOSITORIES_MAX; r = r->next)
		names[n++] = r->name;
	qsort(names, n, sizeof(names[0]), by_name);
	all = json_array();
	for (i = 0; i < n; i++)
		(void)json_array_append_new(all, json_string(names[i]));
	send_page(x, "repositories", all, json_object());
}
