/*
 * shards.c - the files that a shard index names, and what it says is in them.
 */
#include "format/format.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define SHOWN 120

/* Below the folder of the index, on any system. */
static bool is_relative(const char *name)
{
	const char *p = name;

	if (strpbrk(name, "\\"))
		return false;
	for (;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n <= 2 && strncmp(p, "..", n) == 0))
			return false;
		if (!p[n])
			return true;
		p += n + 1;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The values of the map, sorted; borrowed from it. */
static int collect(json_t *map, const char *what, const char **names,
		   struct mreg_error *err)
{
	char shown[SHOWN];
	const char *tensor;
	json_t *value;
	size_t n = 0;

	json_object_foreach(map, tensor, value)
	{
		const char *name = json_string_value(value);

		if (!name)
			return mr_fail(
				err, MREG_EFORMAT,
				"%s: the shard of tensor '%s' is no "
				"string",
				what,
				mr_text_safe(tensor, shown, sizeof(shown)));
		if (!is_relative(name))
			return mr_fail(
				err, MREG_EFORMAT,
				"%s: shard '%s' is not below it", what,
				mr_text_safe(name, shown, sizeof(shown)));
		names[n++] = name;
	}
	qsort(names, n, sizeof(*names), by_text);
	return 0;
}

/* `*map` is borrowed from `*doc`, which is the caller's. */
static int open_map(const void *bytes, size_t n, const char *what, json_t **doc,
		    json_t **map, struct mreg_error *err)
{
	int rc = mr_json_parse(bytes, n, MR_SHARD_INDEX_MAX_BYTES, what, doc,
			       err);

	if (rc == 0)
		rc = mr_json_opt_object(*doc, "weight_map", what, map, err);
	if (rc < 0 || *map)
		return rc;
	return mr_fail(err, MREG_EFORMAT, "%s has no 'weight_map'", what);
}

int mr_format_shards(const void *bytes, size_t n, const char *what,
		     struct mr_list *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	MR_AUTO(mr_free) const char **names = NULL;
	json_t *map = NULL;
	size_t count;
	size_t i;
	int rc = open_map(bytes, n, what, &doc, &map, err);

	if (rc < 0)
		return rc;
	count = json_object_size(map);
	names = mr_array(count, sizeof(*names));
	if (!names)
		return mr_fail_nomem(err);
	rc = collect(map, what, names, err);
	for (i = 0; i < count && rc == 0; i++)
		if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
			rc = mr_list_add(out, names[i], err);
	return rc;
}

static int by_shard(const void *a, const void *b)
{
	const struct mr_shard_row *x = a;
	const struct mr_shard_row *y = b;
	int order = strcmp(x->shard, y->shard);

	return order ? order : strcmp(x->tensor, y->tensor);
}

int mr_format_shard_rows(const void *bytes, size_t n, const char *what,
			 struct mr_arena *a, struct mr_shard_row **out,
			 size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	MR_AUTO(mr_free) const char **names = NULL;
	json_t *map = NULL;
	const char *tensor;
	json_t *shard;
	int rc = open_map(bytes, n, what, &doc, &map, err);

	if (rc < 0)
		return rc;
	names = mr_array(json_object_size(map), sizeof(*names));
	*out = mr_arena_alloc(a, (json_object_size(map) + 1) * sizeof(**out));
	*count = 0;
	if (!names || !*out)
		return mr_fail_nomem(err);
	rc = collect(map, what, names, err);
	if (rc < 0)
		return rc;
	json_object_foreach(map, tensor, shard)
	{
		struct mr_shard_row *row = &(*out)[(*count)++];

		row->shard = mr_arena_strdup(a, json_string_value(shard));
		row->tensor = mr_arena_strdup(a, tensor);
	}
	if (mr_arena_failed(a))
		return mr_fail_nomem(err);
	qsort(*out, *count, sizeof(**out), by_shard);
	return 0;
}
