/*
 * diff_signature.c - a signature as MLflow writes it, to inputs, outputs and
 * parameters.
 *
 * {"inputs": [...], "outputs": [...], "params": [...]}, each a list, or a list
 * as JSON in a text, as in an MLmodel file.  Of each element type, name and
 * required count; a tensor has dtype and shape (mlflow/types/schema.py).
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "look/diff.h"

#define TYPE_MAX_BYTES (64u << 10)

static const char *const keys[MR_DIFF_SIDES] = {
	[MR_DIFF_INPUTS] = "inputs",
	[MR_DIFF_OUTPUTS] = "outputs",
	[MR_DIFF_PARAMS] = "params",
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void take_shape(const json_t *shape, struct mr_arena *a,
		       struct mr_diff_spec *to)
{
	size_t n = json_array_size(shape);
	const char **dims;
	size_t i;

	if (!json_is_array(shape))
		return;
	dims = mr_arena_alloc(a, (n + 1) * sizeof(*dims));
	for (i = 0; dims && i < n; i++) {
		const json_t *j = json_array_get(shape, i);
		json_int_t dim =
			json_is_integer(j) ? json_integer_value(j) : -1;

		dims[i] =
			dim < 0 ? "?"
				: mr_arena_printf(a, "%" PRId64, (int64_t)dim);
	}
	to->dims = dims;
	to->rank = n;
	to->ranked = dims != NULL;
}

/* A type made of others ("array", "object", "map") is all that is said about
 * it, in one spelling. */
static const char *nested_type(const json_t *o, struct mr_arena *a)
{
	static const char *const about[] = { "name", "required", "optional",
					     "default" };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TYPE_MAX_BYTES);
	MR_AUTO(mr_json_freep) json_t *bare = json_copy((json_t *)o);
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t i;

	if (!bare)
		return NULL;
	for (i = 0; i < MR_COUNT(about); i++)
		(void)json_object_del(bare, about[i]); /* if it is there */
	if (mr_json_canonical(bare, &b, &ignored) < 0 || b.failed)
		return mr_arena_strdup(a, text_of(o, "type"));
	return mr_arena_strdup(a, mr_buf_text(&b));
}

static bool is_nested(const char *type)
{
	return strcmp(type, "array") == 0 || strcmp(type, "object") == 0 ||
	       strcmp(type, "map") == 0;
}

static void take_spec(const json_t *o, size_t i, enum mr_diff_side side,
		      struct mr_arena *a, struct mr_diff_spec *to)
{
	const json_t *tensor = json_object_get(o, "tensor-spec");
	const char *name = text_of(o, "name");
	const char *type = text_of(o, "type");

	to->name = name[0] ? mr_arena_strdup(a, name)
			   : mr_arena_printf(a, "#%zu", i + 1);
	if (tensor) {
		to->type = mr_arena_strdup(a, text_of(tensor, "dtype"));
		take_shape(json_object_get(tensor, "shape"), a, to);
	} else {
		to->type = is_nested(type) ? nested_type(o, a)
					   : mr_arena_strdup(a, type);
		take_shape(json_object_get(o, "shape"), a, to);
	}
	/* Parameters have defaults. */
	to->optional = side == MR_DIFF_PARAMS ||
		       json_is_false(json_object_get(o, "required")) ||
		       json_is_true(json_object_get(o, "optional"));
}

/* `*known` false: no list of objects. */
static int take_side(const json_t *list, enum mr_diff_side side,
		     struct mr_arena *a, struct mr_diff_specs *out, bool *known,
		     struct mreg_error *err)
{
	size_t n = json_array_size(list);
	size_t i;

	*known = false;
	if (!json_is_array(list))
		return 0;
	out->items = mr_arena_alloc(a, (n + 1) * sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);

		if (!json_is_object(o))
			return 0;
		take_spec(o, i, side, a, &out->items[i]);
	}
	out->n = n;
	*known = true;
	return mr_result_check(a, err);
}

/* JSON that may be anything; NULL: it is none. */
static int parse(const char *text, json_t **out, struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc = mr_json_parse(text, strlen(text), MR_MANIFEST_MAX_BYTES,
			       "signature", out, &ignored);

	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc < 0)
		*out = NULL;
	return 0;
}

static int read_side(const json_t *member, enum mr_diff_side side,
		     struct mr_arena *a, struct mr_diff_specs *out, bool *known,
		     struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *inner = NULL;
	const char *text = json_string_value(member);
	int rc;

	memset(out, 0, sizeof(*out));
	*known = !member || json_is_null(member);
	if (*known)
		return 0;
	if (!text)
		return take_side(member, side, a, out, known, err);
	rc = parse(text, &inner, err);
	return rc < 0 ? rc : take_side(inner, side, a, out, known, err);
}

int mr_diff_signature(const char *signature, struct mr_arena *a,
		      struct mr_diff_specs out[MR_DIFF_SIDES], bool *known,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	size_t i;
	int rc = parse(signature, &doc, err);

	*known = rc >= 0 && (json_object_get(doc, keys[MR_DIFF_INPUTS]) ||
			     json_object_get(doc, keys[MR_DIFF_OUTPUTS]));
	for (i = 0; i < MR_DIFF_SIDES && rc >= 0 && *known; i++)
		rc = read_side(json_object_get(doc, keys[i]),
			       (enum mr_diff_side)i, a, &out[i], known, err);
	return rc;
}
