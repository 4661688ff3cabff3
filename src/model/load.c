/*
 * load.c - a --metadata file to metadata: spec/metadata.md.
 */
#include "model/meta.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

struct load {
	struct mr_meta *m;
	const char *name; /* of the file; safe to show */
};

/* Add the place to an error that says all but that. */
static int at_line(const struct load *l, const struct mr_node *node,
		   struct mreg_error *err)
{
	struct mreg_error was;

	if (!err)
		return MREG_EINTERNAL;
	was = *err;
	if (was.code == MREG_ENOMEM)
		return was.code;
	(void)mr_fail(err, was.code, "%s in '%s', line %zu", was.msg, l->name,
		      node->line);
	return was.hint[0] ? mr_hint(err, "%s", was.hint) : was.code;
}

static const char *kind_name(const struct mr_node *node)
{
	switch (node->kind) {
	case MR_NODE_LIST:
		return "a list";
	case MR_NODE_MAP:
		return "a map";
	case MR_NODE_SCALAR:
		break;
	}
	return "one value";
}

static int fail_kind(const struct load *l, const struct mr_node *node,
		     const char *what, const char *wanted,
		     struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];

	return mr_fail(err, MREG_EFORMAT,
		       "'%s' must be %s, not %s, in '%s', line %zu",
		       mr_text_safe(what, shown, sizeof(shown)), wanted,
		       kind_name(node), l->name, node->line);
}

static int load_field(const struct load *l, const struct mr_field *f,
		      const struct mr_node *node, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf json = MR_BUF_INIT(MR_SIGNATURE_MAX_BYTES);
	const char *value = node->text;
	int rc;

	if (node->kind != MR_NODE_SCALAR) {
		if (f->check != MR_FIELD_JSON)
			return fail_kind(l, node, f->key, "one value", err);
		mr_node_json(node, &json);
		rc = mr_buf_check(&json, f->key, err);
		if (rc < 0)
			return at_line(l, node, err);
		value = mr_buf_text(&json);
	}
	rc = mr_meta_set(l->m, f->key, value, err);
	return rc < 0 ? at_line(l, node, err) : 0;
}

static int load_map(const struct load *l, const struct mr_map *map,
		    const struct mr_node *node, struct mreg_error *err)
{
	const struct mr_node *value;
	size_t i;

	if (node->kind != MR_NODE_MAP)
		return fail_kind(l, node, map->key, "a map", err);
	for (i = 0; i < node->count; i++) {
		value = node->items[i];
		if (value->kind != MR_NODE_SCALAR)
			return fail_kind(l, value, value->key, "one value",
					 err);
		if (mr_map_put(l->m, map, value->key, value->text, err) < 0)
			return at_line(l, value, err);
	}
	return 0;
}

/* Fields of a parent or an input into `values`, one per key. */
static int load_strings(const struct load *l, const struct mr_node *node,
			const char *const *keys, const char **values,
			const char *what, struct mreg_error *err)
{
	const struct mr_node *value;
	char shown[MR_SHOWN_BYTES];
	const char *near;
	size_t i;
	size_t k;

	for (i = 0; i < node->count; i++) {
		value = node->items[i];
		for (k = 0; keys[k] && strcmp(keys[k], value->key) != 0;)
			k++;
		if (!keys[k]) {
			near = mr_text_nearest(value->key, keys);
			(void)mr_fail(
				err, MREG_EUSAGE, "unknown key '%s' of %s",
				mr_text_safe(value->key, shown, sizeof(shown)),
				what);
			if (near)
				(void)mr_hint(err, "did you mean '%s'?", near);
			return at_line(l, value, err);
		}
		if (value->kind != MR_NODE_SCALAR)
			return fail_kind(l, value, value->key, "one value",
					 err);
		if (!mr_node_is_null(value))
			values[k] = value->text;
	}
	return 0;
}

static int load_author(const struct load *l, const struct mr_node *node,
		       struct mreg_error *err)
{
	if (node->kind != MR_NODE_SCALAR)
		return fail_kind(l, node, "authors", "a list of names", err);
	return mr_meta_add_author(l->m, node->text, err) < 0
		       ? at_line(l, node, err)
		       : 0;
}

static int load_parent(const struct load *l, const struct mr_node *node,
		       struct mreg_error *err)
{
	static const char *const keys[] = { "relation", "ref", "digest", NULL };
	const char *values[MR_COUNT(keys)] = { NULL };
	struct mr_parent p;
	int rc;

	if (node->kind == MR_NODE_SCALAR) {
		rc = mr_meta_add_parent(l->m, node->text, err);
		return rc < 0 ? at_line(l, node, err) : 0;
	}
	if (node->kind != MR_NODE_MAP)
		return fail_kind(l, node, "parents", "a list of maps", err);
	rc = load_strings(l, node, keys, values, "a parent", err);
	if (rc < 0)
		return rc;
	p = (struct mr_parent){ values[0], values[1], values[2] };
	rc = mr_meta_put_parent(l->m, &p, err);
	return rc < 0 ? at_line(l, node, err) : 0;
}

static int load_input(const struct load *l, const struct mr_node *node,
		      struct mreg_error *err)
{
	static const char *const keys[] = {
		"role",    "name",           "uri",     "digest",
		"license", "classification", "consent", NULL,
	};
	const char *values[MR_COUNT(keys)] = { NULL };
	struct mr_input in;
	int rc;

	if (node->kind == MR_NODE_SCALAR) {
		rc = mr_meta_add_input(l->m, node->text, err);
		return rc < 0 ? at_line(l, node, err) : 0;
	}
	if (node->kind != MR_NODE_MAP)
		return fail_kind(l, node, "inputs", "a list of maps", err);
	rc = load_strings(l, node, keys, values, "an input", err);
	if (rc < 0)
		return rc;
	in = (struct mr_input){
		.role = values[0],
		.name = values[1],
		.uri = values[2],
		.digest = values[3],
		.license = values[4],
		.classification = values[5],
		.consent = values[6],
	};
	rc = mr_meta_put_input(l->m, &in, err);
	return rc < 0 ? at_line(l, node, err) : 0;
}

typedef int (*load_fn)(const struct load *l, const struct mr_node *node,
		       struct mreg_error *err);

static const struct list {
	const char *key;
	load_fn one;
} lists[] = {
	{ "authors", load_author },
	{ "parents", load_parent },
	{ "inputs", load_input },
};

/* One element may stand alone, without the list around it. */
static int load_list(const struct load *l, load_fn one,
		     const struct mr_node *node, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_LIST)
		return one(l, node, err);
	for (i = 0; i < node->count && rc == 0; i++)
		rc = one(l, node->items[i], err);
	return rc;
}

static int fail_key(const struct load *l, const struct mr_node *node,
		    struct mreg_error *err)
{
	const char *keys[64] = { NULL };
	char shown[MR_SHOWN_BYTES];
	const char *near;
	size_t n = 0;
	size_t i;

	for (i = 0; i < mr_field_count; i++)
		keys[n++] = mr_fields[i].key;
	for (i = 0; i < mr_map_count; i++)
		keys[n++] = mr_maps[i].key;
	for (i = 0; i < MR_COUNT(lists); i++)
		keys[n++] = lists[i].key;
	near = mr_text_nearest(node->key, keys);
	(void)mr_fail(err, MREG_EUSAGE, "unknown key '%s' in '%s', line %zu",
		      mr_text_safe(node->key, shown, sizeof(shown)), l->name,
		      node->line);
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	return mr_hint(
		err, "what is mreg's none goes under 'tags' or 'annotations'");
}

static int load_key(const struct load *l, const struct mr_node *node,
		    struct mreg_error *err)
{
	const struct mr_field *f = mr_field_by_key(node->key);
	const struct mr_map *map = mr_map_by_key(node->key);
	load_fn one = NULL;
	size_t i;

	for (i = 0; i < MR_COUNT(lists); i++)
		if (strcmp(lists[i].key, node->key) == 0)
			one = lists[i].one;
	if (!f && !map && !one)
		return fail_key(l, node, err);
	if (mr_node_is_null(node))
		return 0; /* a template's field that was not filled in */
	if (f)
		return load_field(l, f, node, err);
	if (map)
		return load_map(l, map, node, err);
	return load_list(l, one, node, err);
}

int mr_meta_load(struct mr_meta *m, const char *bytes, size_t n,
		 const char *name, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *arena = mr_arena_new(MR_YAML_ARENA_BYTES);
	char shown[MR_SHOWN_BYTES];
	struct load l = { .m = m };
	struct mr_node *root;
	size_t i;
	int rc;

	if (!arena)
		return mr_fail_nomem(err);
	l.name = mr_text_safe(name, shown, sizeof(shown));
	rc = mr_yaml_parse(arena, bytes, n, name, &root, err);
	if (rc < 0 || !root || mr_node_is_null(root))
		return rc;
	if (root->kind != MR_NODE_MAP)
		return fail_kind(&l, root, name, "a map of fields", err);
	for (i = 0; i < root->count && rc == 0; i++)
		rc = load_key(&l, root->items[i], err);
	return rc;
}
