/*
 * diff_fields.c - which pieces of metadata have another value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "look/diff.h"

enum section {
	SECTION_METADATA,
	SECTION_METRICS,
	SECTION_PARAMS,
	SECTION_LABELS,
	SECTION_ANNOTATIONS,
	SECTION_PARENTS,
	SECTION_INPUTS,
};

static const char *const section_names[] = {
	"metadata",    "metrics", "params", "labels",
	"annotations", "parents", "inputs",
};

struct item {
	enum section section;
	const char *name, *value;
};

struct items {
	struct item *list; /* owned */
	size_t n;
};

static void items_release(struct items *i)
{
	mr_release(i->list);
}

static void add(struct items *to, enum section section, const char *name,
		const char *value)
{
	struct item *i = &to->list[to->n++];

	i->section = section;
	i->name = name ? name : ""; /* the arena failed: checked at the end */
	i->value = value ? value : "";
}

static void add_pairs(struct items *to, enum section section,
		      const struct mreg_pair *pairs, size_t n)
{
	size_t i;

	for (i = 0; pairs && i < n; i++)
		add(to, section, pairs[i].name, pairs[i].value);
}

static const char *join(struct mr_arena *a, const char *text, const char *name,
			const char *value)
{
	if (!value)
		return text;
	return mr_arena_printf(a, "%s%s%s=%s", text ? text : "",
			       text && text[0] ? ", " : "", name, value);
}

/* What an edge is to and how makes its name; all else about it its value. */
static void add_edges(struct items *to, struct mr_arena *a,
		      const struct mr_meta *m)
{
	size_t i;

	for (i = 0; i < m->parent_count; i++)
		add(to, SECTION_PARENTS,
		    mr_arena_printf(a, "%s %s", m->parents[i].relation,
				    m->parents[i].ref),
		    m->parents[i].digest);
	for (i = 0; i < m->input_count; i++) {
		const struct mr_input *in = &m->inputs[i];
		const char *of = in->uri ? in->uri : in->name ? in->name : "-";
		const char *text = "";

		text = join(a, text, "digest", in->digest);
		text = join(a, text, "name", in->uri ? in->name : NULL);
		text = join(a, text, "license", in->license);
		text = join(a, text, "classification", in->classification);
		text = join(a, text, "consent", in->consent);
		add(to, SECTION_INPUTS,
		    mr_arena_printf(a, "%s %s", in->role, of), text);
	}
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int collect(const struct mr_look *l, struct mr_arena *a,
		   struct items *out, struct mreg_error *err)
{
	const struct mr_meta *m = l->meta;
	const struct mreg_pair *fields;
	size_t n;

	mr_look_fields(m, a, &fields, &n);
	out->list = mr_array(n + m->metric_count + m->param_count +
				     m->tag_count + m->annotation_count +
				     m->parent_count + m->input_count + 1,
			     sizeof(*out->list));
	if (!out->list)
		return mr_fail_nomem(err);
	add_pairs(out, SECTION_METADATA, fields, n);
	add_pairs(out, SECTION_METRICS, m->metrics, m->metric_count);
	add_pairs(out, SECTION_PARAMS, m->params, m->param_count);
	add_pairs(out, SECTION_LABELS, m->tags, m->tag_count);
	add_pairs(out, SECTION_ANNOTATIONS, m->annotations,
		  m->annotation_count);
	add_edges(out, a, m);
	qsort(out->list, out->n, sizeof(*out->list), compare);
	return 0;
}

static void add_row(struct diff *d, struct mreg_diff_field *rows, size_t *n,
		    const struct item *a, const struct item *b)
{
	const struct item *either = a ? a : b;
	struct mreg_diff_field *row;

	if (a && b && strcmp(a->value, b->value) == 0)
		return;
	row = &rows[(*n)++];
	row->section = section_names[either->section];
	row->name = mr_arena_strdup(d->arena, either->name);
	row->a = a ? mr_arena_strdup(d->arena, a->value) : NULL;
	row->b = b ? mr_arena_strdup(d->arena, b->value) : NULL;
}

int mr_diff_fields(struct diff *d, struct mreg_error *err)
{
	MR_AUTO(items_release) struct items a = { .n = 0 };
	MR_AUTO(items_release) struct items b = { .n = 0 };
	struct mreg_diff_field *rows;
	size_t i = 0;
	size_t k = 0;
	int rc = collect(&d->look[0], d->arena, &a, err);

	if (rc >= 0)
		rc = collect(&d->look[1], d->arena, &b, err);
	if (rc >= 0)
		rc = mr_result_check(d->arena, err);
	if (rc < 0)
		return rc;
	rows = mr_arena_alloc(d->arena, (a.n + b.n + 1) * sizeof(*rows));
	if (!rows)
		return mr_fail_nomem(err);
	while (i < a.n || k < b.n) {
		int order = i == a.n   ? 1
			    : k == b.n ? -1
				       : compare(&a.list[i], &b.list[k]);

		add_row(d, rows, &d->out->field_count,
			order <= 0 ? &a.list[i] : NULL,
			order >= 0 ? &b.list[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	d->out->fields = rows;
	return 0;
}
