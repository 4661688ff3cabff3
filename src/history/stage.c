/*
 * stage.c - where in its life a version is: nobody says so, it follows from
 * what points at it.
 */
#include <string.h>

#include "history/history.h"

static bool has(const char *const *items, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(items[i], name) == 0)
			return true;
	return false;
}

const char *mr_stage(bool archived, const char *const *stages,
		     size_t stage_count, const char *const *names,
		     size_t name_count)
{
	size_t i;

	if (archived)
		return MR_STAGE_ARCHIVED;
	for (i = stage_count; i > 0; i--)
		if (has(names, name_count, stages[i - 1]))
			return stages[i - 1];
	return MR_STAGE_EXPERIMENTAL;
}
