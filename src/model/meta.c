/*
 * meta.c - metadata being filled: single fields, maps, authors.
 */
#include "model/meta.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

/* What a manifest and a metadata file can hold, with the slack of arrays that
 * grew in an arena. */
#define ARENA_MAX_BYTES (16u * MR_MANIFEST_MAX_BYTES)
#define ARRAY_MIN 8

int mr_meta_new(struct mr_meta **out, struct mreg_error *err)
{
	struct mr_meta *m = mr_zalloc(sizeof(*m));

	if (!m)
		return mr_fail_nomem(err);
	m->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!m->arena) {
		mr_release(m);
		return mr_fail_nomem(err);
	}
	*out = m;
	return 0;
}

void mr_meta_free(struct mr_meta *m)
{
	if (!m)
		return;
	mr_list_release(&m->authors);
	mr_arena_free(m->arena);
	mr_release(m);
}

void mr_meta_freep(struct mr_meta **m)
{
	mr_meta_free(*m);
	*m = NULL;
}

int mr_meta_keep(struct mr_meta *m, const char *s, const char **out,
		 struct mreg_error *err)
{
	const char *copy = mr_arena_strdup(m->arena, s);

	if (!copy)
		return mr_fail_nomem(err);
	*out = copy;
	return 0;
}

int mr_meta_room(struct mr_meta *m, void *items, size_t count, size_t *cap,
		 size_t each, struct mreg_error *err)
{
	size_t wanted = *cap ? *cap * 2 : ARRAY_MIN;
	void *old;
	void *bigger;

	if (count >= MR_ENTRIES_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "more than %d entries in one list of metadata",
			       MR_ENTRIES_MAX);
	if (count < *cap)
		return 0;
	bigger = mr_arena_alloc(m->arena, wanted * each);
	if (!bigger)
		return mr_fail_nomem(err);
	memcpy(&old, items, sizeof(old));
	if (count > 0)
		memcpy(bigger, old, count * each);
	memcpy(items, &bigger, sizeof(bigger));
	*cap = wanted;
	return 0;
}

/* -- single fields -----------------------------------------------------------
 */

static int check_kind(const char *value, const char **kept,
		      struct mreg_error *err)
{
	static const char *const kinds[] = { "dataset", "prompt", "model",
					     NULL };
	char shown[MR_SHOWN_BYTES];
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (strcmp(value, kinds[i]) == 0)
			break;
	if (!kinds[i]) {
		(void)mr_fail(err, MREG_EUSAGE, "'kind' cannot be '%s'",
			      mr_text_safe(value, shown, sizeof(shown)));
		return mr_hint(err, "one of: model, dataset, prompt");
	}
	/* A model is what everything is unless told otherwise. */
	*kept = strcmp(value, "model") == 0 ? NULL : kinds[i];
	return 0;
}

static int keep_json(struct mr_meta *m, const char *key, const char *value,
		     const char **kept, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(MR_SIGNATURE_MAX_BYTES);
	MR_AUTO(mr_arena_freep)
	struct mr_arena *tree = mr_arena_new(MR_YAML_ARENA_BYTES);
	struct mr_node *node = NULL;
	const char *first = value + strspn(value, " \t\r\n");
	int rc;

	if (*first != '{' && *first != '[') {
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' is no JSON object or array", key);
		return mr_hint(err, "write it as {\"inputs\": [...]}");
	}
	if (!tree)
		return mr_fail_nomem(err);
	rc = mr_yaml_parse(tree, value, strlen(value), key, &node, err);
	if (rc < 0)
		return rc;
	mr_node_json(node, &text);
	rc = mr_buf_check(&text, key, err);
	if (rc < 0)
		return rc;
	return mr_meta_keep(m, mr_buf_text(&text), kept, err);
}

static int check_field(const struct mr_field *f, const char *value,
		       struct mreg_error *err)
{
	switch (f->check) {
	case MR_FIELD_TIME:
		return mr_check_time(f->key, value, err);
	case MR_FIELD_COUNT:
		return mr_check_count(f->key, value, err);
	case MR_FIELD_DIGEST:
		return mr_check_digest(f->key, value, err);
	case MR_FIELD_JSON:
		return mr_check_text(f->key, value, MR_SIGNATURE_MAX_BYTES,
				     true, err);
	case MR_FIELD_TEXT:
		return mr_check_text(f->key, value, MR_VALUE_MAX_BYTES, true,
				     err);
	case MR_FIELD_LINE:
	case MR_FIELD_KIND:
		break;
	}
	return mr_check_text(f->key, value, MR_VALUE_MAX_BYTES, false, err);
}

static int fail_field(const char *key, struct mreg_error *err)
{
	const char *keys[32] = { NULL };
	char shown[MR_SHOWN_BYTES];
	const char *near;
	size_t i;

	for (i = 0; i < mr_field_count && i + 1 < MR_COUNT(keys); i++)
		keys[i] = mr_fields[i].key;
	near = mr_text_nearest(key, keys);
	(void)mr_fail(err, MREG_EUSAGE, "unknown metadata field '%s'",
		      mr_text_safe(key, shown, sizeof(shown)));
	return near ? mr_hint(err, "did you mean '%s'?", near) : MREG_EUSAGE;
}

int mr_meta_set(struct mr_meta *m, const char *key, const char *value,
		struct mreg_error *err)
{
	const struct mr_field *f = mr_field_by_key(key);
	const char **at;
	int rc;

	if (!f)
		return fail_field(key, err);
	at = mr_field_at(m, f);
	rc = check_field(f, value, err);
	if (rc < 0)
		return rc;
	if (f->check == MR_FIELD_KIND)
		return check_kind(value, at, err);
	if (f->check == MR_FIELD_JSON)
		return keep_json(m, key, value, at, err);
	return mr_meta_keep(m, value, at, err);
}

/* -- maps and authors ---------------------------------------------------------
 */

static struct mreg_pair *map_find(const struct mr_meta *m,
				  const struct mr_map *map, const char *name)
{
	const struct mreg_pair *pairs;
	size_t count;
	size_t i;

	pairs = mr_map_get(m, map, &count);
	for (i = 0; i < count; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return (struct mreg_pair *)&pairs[i];
	return NULL;
}

int mr_map_append(struct mr_meta *m, const struct mr_map *map, const char *name,
		  const char *value, struct mreg_error *err)
{
	char *base = (char *)m;
	struct mreg_pair **items = (void *)(base + map->items);
	size_t *count = (void *)(base + map->count);
	size_t *cap = (void *)(base + map->cap);
	struct mreg_pair pair;
	int rc;

	rc = mr_meta_room(m, items, *count, cap, sizeof(**items), err);
	if (rc == 0)
		rc = mr_meta_keep(m, name, &pair.name, err);
	if (rc == 0)
		rc = mr_meta_keep(m, value, &pair.value, err);
	if (rc < 0)
		return rc;
	(*items)[(*count)++] = pair;
	return 0;
}

/* Parameters, tags and annotations may be empty: to have them at all can say
 * enough. */
static int check_entry(const struct mr_map *map, const char *name,
		       const char *value, struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	int rc;

	if (!map->prefix[0])
		rc = mr_check_annotation(name, err);
	else
		rc = mr_check_name(map->noun, name, err);
	if (rc < 0)
		return rc;
	if (strcmp(map->key, "metrics") == 0)
		return mr_check_metric(name, value, err);
	return value[0]
		       ? mr_check_text(mr_text_safe(name, shown, sizeof(shown)),
				       value, MR_VALUE_MAX_BYTES, true, err)
		       : 0;
}

int mr_map_put(struct mr_meta *m, const struct mr_map *map, const char *name,
	       const char *value, struct mreg_error *err)
{
	struct mreg_pair *old;
	int rc;

	rc = check_entry(map, name, value, err);
	if (rc < 0)
		return rc;
	old = map_find(m, map, name);
	if (old)
		return mr_meta_keep(m, value, &old->value, err);
	return mr_map_append(m, map, name, value, err);
}

int mr_meta_add_author(struct mr_meta *m, const char *author,
		       struct mreg_error *err)
{
	int rc;

	rc = mr_check_text("authors", author, MR_VALUE_MAX_BYTES, false, err);
	if (rc < 0)
		return rc;
	if (mr_list_has(&m->authors, author))
		return 0;
	if (m->authors.n >= MR_ENTRIES_MAX)
		return mr_fail(err, MREG_ELIMIT, "more than %d authors",
			       MR_ENTRIES_MAX);
	return mr_list_add(&m->authors, author, err);
}

int mr_meta_add(struct mr_meta *m, const char *map, const char *pair,
		struct mreg_error *err)
{
	const struct mr_map *to = mr_map_by_key(map);
	MR_AUTO(mr_free) char *name = NULL;
	char shown[MR_SHOWN_BYTES];
	const char *equals;

	if (strcmp(map, "authors") == 0)
		return mr_meta_add_author(m, pair, err);
	if (!to)
		return mr_fail(err, MREG_EUSAGE, "unknown metadata field '%s'",
			       mr_text_safe(map, shown, sizeof(shown)));
	equals = strchr(pair, '=');
	if (!equals) {
		(void)mr_fail(err, MREG_EUSAGE, "%s '%s' has no value",
			      to->noun,
			      mr_text_safe(pair, shown, sizeof(shown)));
		return mr_hint(err, "write it as NAME=VALUE");
	}
	name = mr_strndup(pair, (size_t)(equals - pair));
	if (!name)
		return mr_fail_nomem(err);
	return mr_map_put(m, to, name, equals + 1, err);
}
