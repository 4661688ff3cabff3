/*
 * base/list.h - a growing list of owned strings.
 */
#ifndef MR_BASE_LIST_H
#define MR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "mreg/error.h"

struct mr_list {
	char **items; /* owned, each owned */
	size_t n;
	size_t cap;
};

int mr_list_add(struct mr_list *l, const char *s, struct mreg_error *err);
bool mr_list_has(const struct mr_list *l, const char *s);
void mr_list_sort(struct mr_list *l); /* bytewise */
/* The same of a list that is sorted, without looking at all of it. */
bool mr_list_has_sorted(const struct mr_list *l, const char *s);
void mr_list_release(struct mr_list *l); /* for MR_AUTO too */

#endif
