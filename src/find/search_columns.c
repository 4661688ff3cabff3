/*
 * search_columns.c - which columns a list has, and their texts.
 */
#include "find/search.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define SHOWN_MAX 64

static const char *const usual[] = { "name", "version_number", "alias", "stage",
				     "registered" };
static const char *const usual_models[] = { "name", "owner", "updated",
					    "description" };

/* -- which ------------------------------------------------------------------
 */

static enum mreg_search_type type_of(enum mr_attr a)
{
	if (a == MR_ATTR_BYTES)
		return MREG_SEARCH_BYTES;
	switch (mr_attr_type(a)) {
	case MR_VALUE_NUMBER:
		return MREG_SEARCH_NUMBER;
	case MR_VALUE_TIME:
		return MREG_SEARCH_TIME;
	case MR_VALUE_TEXT:
		break;
	}
	return MREG_SEARCH_TEXT;
}

/* Rows have what a list is made of, and no more. */
static bool is_in_rows(const struct mr_searching *s, enum mr_attr a)
{
	if (s->o->models)
		return a != MR_ATTR_TAG && a != MR_ATTR_REGISTERED;
	return a != MR_ATTR_EVALUATION && a != MR_ATTR_ENVIRONMENT;
}

static bool has(const struct mr_order *items, size_t n, enum mr_attr attr,
		const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (items[i].attr == attr &&
		    (!key || strcmp(items[i].key, key) == 0))
			return true;
	return false;
}

static void add_key(struct mr_searching *s, struct mr_order *items, size_t *n,
		    enum mr_attr attr, const char *key)
{
	if (key && *n < SHOWN_MAX && is_in_rows(s, attr) &&
	    !has(items, *n, attr, key))
		items[(*n)++] = (struct mr_order){ .attr = attr, .key = key };
}

static void add_terms(struct mr_searching *s, const struct mr_term *t,
		      struct mr_order *items, size_t *n)
{
	size_t i;

	if (t->kind == MR_TERM_COMPARE)
		add_key(s, items, n, t->attr, t->key);
	for (i = 0; i < t->child_count; i++)
		add_terms(s, t->children[i], items, n);
}

static int choose(struct mr_searching *s, struct mr_order **out, size_t *n,
		  struct mreg_error *err)
{
	enum mr_query_of of = s->query->of;
	size_t given = 0;
	size_t i;
	int rc;

	while (s->o->columns && s->o->columns[given])
		given++;
	if (given)
		return mr_query_columns(s->o->columns, given, of, s->arena, out,
					n, err);
	if (s->o->models)
		return mr_query_columns(usual_models, MR_COUNT(usual_models),
					of, s->arena, out, n, err);
	rc = mr_query_columns(usual, MR_COUNT(usual), of, s->arena, out, n,
			      err);
	if (rc < 0)
		return rc;
	for (i = 0; i < s->query->order_count; i++)
		add_key(s, *out, n, s->query->order[i].attr,
			s->query->order[i].key);
	add_terms(s, s->query->root, *out, n);
	return 0;
}

int mr_search_columns(struct mr_searching *s, struct mreg_error *err)
{
	struct mreg_search_result *out = s->out;
	struct mr_order *items;
	size_t i, n;
	int rc = choose(s, &items, &n, err);

	if (rc < 0)
		return rc;
	out->columns =
		mr_arena_alloc(s->arena, (n + 1) * sizeof(*out->columns));
	if (!out->columns)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const char *name = mr_attr_name(items[i].attr);

		if (!is_in_rows(s, items[i].attr)) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "a list cannot show '%s'", name);
			return mr_hint(err, "'mreg inspect' tells it");
		}
		out->columns[i].name =
			items[i].key ? mr_arena_printf(s->arena, "%s.%s", name,
						       items[i].key)
				     : name;
		out->columns[i].type = type_of(items[i].attr);
	}
	out->column_count = n;
	s->shown = items;
	return mr_result_check(s->arena, err);
}

/* -- cells ------------------------------------------------------------------
 */

static const char *number_cell(struct mr_arena *a, uint64_t n)
{
	return n ? mr_arena_printf(a, "%" PRIu64, n) : NULL;
}

static const char *time_cell(struct mr_arena *a, int64_t unix_s)
{
	char text[32];

	return unix_s ? mr_arena_strdup(a, mr_text_time(unix_s, text)) : NULL;
}

static const char *digest_cell(struct mr_arena *a, const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	return mr_digest_known(d)
		       ? mr_arena_strdup(a, mreg_digest_text(d, text))
		       : NULL;
}

static const char *pair_cell(const struct mreg_pair *items, size_t n,
			     const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(items[i].name, key) == 0)
			return items[i].value;
	return NULL;
}

/* What has no key. */
static const char *cell(struct mr_arena *a, const struct mreg_search_row *r,
			enum mr_attr attr)
{
	const char *const texts[MR_ATTR_COUNT] = {
		[MR_ATTR_NAME] = r->name,
		[MR_ATTR_MODEL] = r->model,
		[MR_ATTR_RELEASE] = r->release,
		[MR_ATTR_STAGE] = r->stage,
		[MR_ATTR_OWNER] = r->owner,
		[MR_ATTR_AUTHOR] = r->author,
		[MR_ATTR_ACTOR] = r->actor,
		[MR_ATTR_LICENSE] = r->license,
		[MR_ATTR_KIND] = r->kind,
		[MR_ATTR_FORMAT] = r->format,
		[MR_ATTR_ARCHITECTURE] = r->architecture,
		[MR_ATTR_FAMILY] = r->family,
		[MR_ATTR_PRECISION] = r->precision,
		[MR_ATTR_QUANTIZATION] = r->quantization,
		[MR_ATTR_RUN] = r->run,
		[MR_ATTR_SOURCE] = r->source,
		[MR_ATTR_REVISION] = r->revision,
		[MR_ATTR_DESCRIPTION] = r->description,
		[MR_ATTR_STATUS] = r->status,
	};

	switch (attr) {
	case MR_ATTR_ALIAS:
		return mr_arena_join(a, r->aliases, r->alias_count, " ");
	case MR_ATTR_DIGEST:
		return digest_cell(a, &r->digest);
	case MR_ATTR_FILESET:
		return digest_cell(a, &r->fileset);
	case MR_ATTR_NUMBER:
		return number_cell(a, r->number);
	case MR_ATTR_PARAMETERS:
		return number_cell(a, r->parameters);
	case MR_ATTR_BYTES:
		return mr_arena_printf(a, "%" PRIu64, r->bytes);
	case MR_ATTR_FILES:
		return mr_arena_printf(a, "%" PRIu64, r->files);
	case MR_ATTR_CREATED:
		return time_cell(a, r->created_s);
	case MR_ATTR_REGISTERED:
		return time_cell(a, r->registered_s);
	case MR_ATTR_UPDATED:
		return time_cell(a, r->updated_s);
	default:
		return texts[attr];
	}
}

const char *const *mr_search_cells(struct mr_searching *s,
				   const struct mreg_search_row *row)
{
	size_t n = s->out->column_count;
	const char **cells = mr_arena_alloc(s->arena, (n + 1) * sizeof(*cells));
	size_t i;

	for (i = 0; cells && i < n; i++) {
		const struct mr_order *c = &s->shown[i];

		if (c->attr == MR_ATTR_METRIC)
			cells[i] = pair_cell(row->metrics, row->metric_count,
					     c->key);
		else if (c->attr == MR_ATTR_PARAM)
			cells[i] = pair_cell(row->params, row->param_count,
					     c->key);
		else if (c->attr == MR_ATTR_TAG)
			cells[i] = pair_cell(row->tags, row->tag_count, c->key);
		else
			cells[i] = cell(s->arena, row, c->attr);
	}
	return cells;
}

const char *const *mr_search_model_cells(struct mr_searching *s,
					 const struct mreg_search_model *row)
{
	size_t n = s->out->column_count;
	const char **cells = mr_arena_alloc(s->arena, (n + 1) * sizeof(*cells));
	size_t i;

	for (i = 0; cells && i < n; i++) {
		switch (s->shown[i].attr) {
		case MR_ATTR_NAME:
			cells[i] = row->name;
			break;
		case MR_ATTR_MODEL:
			cells[i] = row->model;
			break;
		case MR_ATTR_OWNER:
			cells[i] = row->owner;
			break;
		case MR_ATTR_DESCRIPTION:
			cells[i] = row->description;
			break;
		default:
			cells[i] = time_cell(s->arena, row->updated_s);
			break;
		}
	}
	return cells;
}
