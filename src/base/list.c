/*
 * list.c - a growing list of owned strings.
 */
#include "base/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int mr_list_add(struct mr_list *l, const char *s, struct mreg_error *err)
{
	char *copy;

	if (mr_grow((void **)&l->items, &l->cap, l->n + 1, sizeof(*l->items)) <
	    0)
		return mr_fail_nomem(err);
	copy = mr_strdup(s);
	if (!copy)
		return mr_fail_nomem(err);
	l->items[l->n++] = copy;
	return 0;
}

bool mr_list_has(const struct mr_list *l, const char *s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->items[i], s) == 0)
			return true;
	return false;
}

void mr_list_sort(struct mr_list *l)
{
	if (l->n > 1)
		qsort(l->items, l->n, sizeof(*l->items), by_bytes);
}

bool mr_list_has_sorted(const struct mr_list *l, const char *s)
{
	return l->n && bsearch(&s, l->items, l->n, sizeof(*l->items), by_bytes);
}

void mr_list_release(struct mr_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		mr_release(l->items[i]);
	mr_release(l->items);
	memset(l, 0, sizeof(*l));
}
