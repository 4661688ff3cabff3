/*
 * tests/support/catalogue_ask.c - a query asked of a catalogue by looking at
 * everything: what the index is compared with.
 *
 * Written from spec/query.md and the headers' words alone: nothing of how the
 * index does it is in here.
 */
#include "tests/support/catalogue_fixture.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/support/test.h"

/* What is asked: a version, or a model (`v` NULL). */
struct thing {
	const struct catalogue *c;
	const struct catalogue_version *v;
	const struct catalogue_model *m;
	const struct catalogue_manifest *manifest;
	const char *prefix;
};

#define VALUES_MAX 16
struct values {
	const char *text[VALUES_MAX];
	char room[VALUES_MAX][MREG_DIGEST_TEXT];
	double number; /* of the first, where it is one */
	bool is_number;
	size_t n;
};

/* -- what a thing has -------------------------------------------------------
 */

static void add(struct values *out, const char *text)
{
	if (text)
		out->text[out->n++] = text;
}

static void add_number(struct values *out, double number)
{
	out->is_number = true;
	out->number = number;
	out->n = 1;
}

static void add_entry(struct values *out, const struct mreg_pair *items,
		      size_t n, const char *key)
{
	char *end;
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(items[i].name, key) == 0)
			add(out, items[i].value);
	if (!out->n)
		return;
	out->number = strtod(out->text[0], &end);
	out->is_number = !*end && end > out->text[0];
}

static void add_several(const struct thing *t, const struct mr_term *term,
			struct values *out)
{
	const struct mreg_digest *me = &t->manifest->digest;
	size_t i;

	for (i = 0; term->attr == MR_ATTR_ALIAS && i < t->m->name_count; i++)
		if (mreg_digest_equal(&t->m->names[i].tagged, me) &&
		    t->m->names[i].kind != MR_IX_RELEASE)
			add(out, t->m->names[i].tag);
	for (i = 0; term->attr == MR_ATTR_ENVIRONMENT && i < t->m->place_count;
	     i++)
		if (mreg_digest_equal(&t->m->places[i].version, me))
			add(out, t->m->places[i].environment);
	for (i = 0;
	     term->attr == MR_ATTR_EVALUATION && i < t->m->document_count; i++)
		if (mreg_digest_equal(&t->m->documents[i].subject, me) &&
		    strcmp(t->m->documents[i].suite, term->key) == 0)
			add(out, t->m->documents[i].verdict);
}

static void add_author(const struct thing *t, struct values *out)
{
	const char *const *a = t->manifest->author;

	if (a[0] && a[1]) {
		(void)snprintf(out->room[0], sizeof(out->room[0]), "%s, %s",
			       a[0], a[1]);
		add(out, out->room[0]);
	} else {
		add(out, a[0]);
	}
}

static void add_name(const struct thing *t, bool shown, struct values *out)
{
	size_t n = t->prefix ? strlen(t->prefix) : 0;
	bool cut = shown && n && strncmp(t->m->name, t->prefix, n) == 0 &&
		   t->m->name[n] == '/';

	add(out, cut ? t->m->name + n + 1 : t->m->name);
}

static void add_model_value(const struct thing *t, const struct mr_term *term,
			    struct values *out)
{
	if (term->attr == MR_ATTR_OWNER)
		add(out, t->m->owner);
	else if (term->attr == MR_ATTR_DESCRIPTION)
		add(out, t->m->description);
	else if (term->attr == MR_ATTR_TAG)
		add_entry(out, t->m->tags, t->m->tag_count, term->key);
	else if (term->attr == MR_ATTR_REGISTERED && t->m->recorded_s)
		add_number(out, (double)t->m->recorded_s);
	else if (term->attr == MR_ATTR_UPDATED && t->m->updated_s)
		add_number(out, (double)t->m->updated_s);
}

static void add_version_value(const struct thing *t, const struct mr_term *term,
			      struct values *out)
{
	const struct catalogue_manifest *f = t->manifest;
	enum mr_attr a = term->attr;

	switch (a) {
	case MR_ATTR_ALIAS:
	case MR_ATTR_ENVIRONMENT:
	case MR_ATTR_EVALUATION:
		add_several(t, term, out);
		break;
	case MR_ATTR_AUTHOR:
		add_author(t, out);
		break;
	case MR_ATTR_KIND:
		add(out, f->text[a] ? f->text[a] : "model");
		break;
	case MR_ATTR_DIGEST:
		add(out, mreg_digest_text(&f->digest, out->room[0]));
		break;
	case MR_ATTR_FILESET:
		if (f->fileset.algorithm)
			add(out, mreg_digest_text(&f->fileset, out->room[0]));
		break;
	case MR_ATTR_STATUS:
		add(out, t->v->archived_s     ? "archived"
			 : t->v->deprecated_s ? "deprecated"
					      : "ready");
		break;
	case MR_ATTR_NUMBER:
		add_number(out, (double)t->v->number);
		break;
	case MR_ATTR_BYTES:
	case MR_ATTR_FILES:
		add_number(out, (double)f->number[a]);
		break;
	case MR_ATTR_PARAMETERS:
	case MR_ATTR_CREATED:
		if (f->number[a])
			add_number(out, (double)f->number[a]);
		break;
	case MR_ATTR_REGISTERED:
	case MR_ATTR_UPDATED:
		if (t->v->time[a])
			add_number(out, (double)t->v->time[a]);
		break;
	case MR_ATTR_TAG:
		add_entry(out, t->v->tags, t->v->tag_count, term->key);
		break;
	case MR_ATTR_PARAM:
		add_entry(out, f->params, f->param_count, term->key);
		break;
	case MR_ATTR_METRIC:
		add_entry(out, f->metrics, f->metric_count, term->key);
		break;
	default:
		add(out, f->text[a] ? f->text[a] : t->v->text[a]);
	}
}

static void values_of(const struct thing *t, const struct mr_term *term,
		      struct values *out)
{
	out->n = 0;
	out->is_number = false;
	if (term->attr == MR_ATTR_NAME || term->attr == MR_ATTR_MODEL)
		add_name(t, term->attr == MR_ATTR_NAME, out);
	else if (!t->v)
		add_model_value(t, term, out);
	else
		add_version_value(t, term, out);
}

/* -- comparisons ------------------------------------------------------------
 */

static bool like(const char *p, const char *t, bool fold)
{
	size_t n = 1;

	if (!*p)
		return !*t;
	if (*p == '%')
		return like(p + 1, t, fold) || (*t && like(p, t + 1, fold));
	if (!*t)
		return false;
	if (*p == '_') {
		while ((t[n] & 0xc0) == 0x80)
			n++;
		return like(p + 1, t + n, fold);
	}
	if (*p != *t &&
	    (!fold || tolower((unsigned char)*p) != tolower((unsigned char)*t)))
		return false;
	return like(p + 1, t + 1, fold);
}

static bool order_fits(enum mr_cmp cmp, int order)
{
	switch (cmp) {
	case MR_CMP_EQ:
	case MR_CMP_IN:
		return order == 0;
	case MR_CMP_NE:
		return order != 0;
	case MR_CMP_LT:
		return order < 0;
	case MR_CMP_LE:
		return order <= 0;
	case MR_CMP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool text_fits(enum mr_cmp cmp, const char *text,
		      const struct mr_operand *o)
{
	if (cmp == MR_CMP_LIKE || cmp == MR_CMP_ILIKE)
		return like(o->text, text, cmp == MR_CMP_ILIKE);
	return order_fits(cmp, strcmp(text, o->text));
}

static bool number_fits(const struct mr_term *t, const struct values *v)
{
	size_t i;

	for (i = 0; i < t->value_count && v->is_number; i++) {
		double with = t->values[i].type == MR_VALUE_TIME
				      ? (double)t->values[i].integer
				      : t->values[i].number;

		if (order_fits(t->cmp, (v->number > with) - (v->number < with)))
			return true;
	}
	return false;
}

static bool compares(const struct thing *thing, const struct mr_term *t)
{
	struct values v;
	size_t i, k;

	values_of(thing, t, &v);
	if (t->cmp == MR_CMP_IS_NULL || t->cmp == MR_CMP_IS_SET)
		return (v.n > 0) == (t->cmp == MR_CMP_IS_SET);
	if (v.n == 0)
		return false;
	if (t->values[0].type != MR_VALUE_TEXT)
		return number_fits(t, &v);
	for (i = 0; i < v.n; i++)
		for (k = 0; k < t->value_count; k++) {
			bool fits = text_fits(t->cmp == MR_CMP_NE ? MR_CMP_EQ
								  : t->cmp,
					      v.text[i], &t->values[k]);

			if (fits)
				return t->cmp != MR_CMP_NE;
		}
	return t->cmp == MR_CMP_NE;
}

/* -- predicates -------------------------------------------------------------
 */

static bool is_word(unsigned char b)
{
	return isalnum(b) || b >= 0x80;
}

/* Whether `word` of `n` bytes is one of `text`. */
static bool has_word(const char *text, const char *word, size_t n)
{
	const char *p;

	for (p = text; p && *p; p++)
		if ((p == text || !is_word((unsigned char)p[-1])) &&
		    strncasecmp(p, word, n) == 0 &&
		    !is_word((unsigned char)p[n]))
			return true;
	return false;
}

static bool has_words(const struct thing *t, const char *words)
{
	size_t n, count = 0;

	for (; *words; words += n ? n : 1) {
		for (n = 0; is_word((unsigned char)words[n]); n++)
			;
		count += n > 0;
		if (n && !has_word(t->manifest->card, words, n) &&
		    !has_word(t->v->text[MR_ATTR_DESCRIPTION], words, n))
			return false;
	}
	return count > 0;
}

static bool is_in(const struct catalogue *c, size_t manifest)
{
	size_t i;

	for (i = 0; i < c->version_count; i++)
		if (c->versions[i].manifest == manifest)
			return true;
	return false;
}

/* Whether one climbs from `at` to `to` (manifests) in one step or more. */
static bool climbs(const struct catalogue *c, size_t at, size_t to, bool *seen)
{
	const struct catalogue_manifest *m = &c->manifests[at];
	size_t i;

	/* What is no version has not told its parents. */
	if (seen[at] || !is_in(c, at))
		return false;
	seen[at] = true;
	for (i = 0; i < m->parent_count; i++)
		if (m->parents[i] == to || climbs(c, m->parents[i], to, seen))
			return true;
	return false;
}

static bool is_below(const struct catalogue *c, size_t at, size_t to)
{
	bool seen[CATALOGUE_MANIFESTS] = { false };

	return climbs(c, at, to, seen);
}

static bool uses_data(const struct catalogue *c, size_t at)
{
	size_t i;

	for (i = 0; i < CATALOGUE_MANIFESTS; i++)
		if (c->manifests[i].uri && is_in(c, i) &&
		    (i == at || is_below(c, at, i)))
			return true;
	return false;
}

static bool licensed(const char *license, const char *id)
{
	size_t n = strlen(id);
	const char *p;

	for (p = license; p && *p; p++)
		if ((p == license || strchr(" (", p[-1])) &&
		    strncasecmp(p, id, n) == 0 && strchr(" )", p[n]))
			return true;
	return false;
}

/* By edges, so something in a cycle is above itself; a self-parent is not. */
static bool has_licensed(const struct catalogue *c, size_t at, const char *id)
{
	size_t i, k;

	for (i = 0; i < CATALOGUE_MANIFESTS; i++) {
		const struct catalogue_manifest *m = &c->manifests[i];

		if (!is_in(c, i))
			continue;
		if (m->uri && licensed(m->uri_license, id) && uses_data(c, at))
			return true;
		if (!licensed(m->text[MR_ATTR_LICENSE], id))
			continue;
		if (i != at && is_below(c, at, i))
			return true;
		for (k = 0; i == at && k < m->parent_count; k++)
			if (m->parents[k] != at &&
			    is_below(c, m->parents[k], at))
				return true;
	}
	return false;
}

static bool holds_for(const struct thing *thing, const struct mr_term *t,
		      const char *text)
{
	const struct catalogue *c = thing->c;
	size_t me = thing->v->manifest;
	size_t to = strtoul(text, NULL, 10);

	switch (t->predicate) {
	case MR_PRED_TEXT:
		return has_words(thing, text);
	case MR_PRED_DESCENDS_FROM:
		return me != to && is_below(c, me, to);
	case MR_PRED_ANCESTOR_OF:
		return me != to && is_below(c, to, me);
	case MR_PRED_ANCESTOR_LICENSE:
		return has_licensed(c, me, text);
	case MR_PRED_SAME_FILES:
		return is_in(c, to) && c->manifests[to].fileset.algorithm &&
		       mreg_digest_equal(&c->manifests[to].fileset,
					 &c->manifests[me].fileset);
	default:
		return uses_data(c, me);
	}
}

static bool holds(const struct thing *thing, const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < t->value_count; i++)
		if (holds_for(thing, t, t->values[i].text))
			return true;
	return false;
}

static bool matches(const struct thing *thing, const struct mr_term *t)
{
	size_t i;

	switch (t->kind) {
	case MR_TERM_ALL:
		return true;
	case MR_TERM_NOT:
		return !matches(thing, t->children[0]);
	case MR_TERM_COMPARE:
		return compares(thing, t);
	case MR_TERM_PREDICATE:
		return holds(thing, t);
	default:
		break;
	}
	for (i = 0; i < t->child_count; i++)
		if (matches(thing, t->children[i]) == (t->kind == MR_TERM_OR))
			return t->kind == MR_TERM_OR;
	return t->kind == MR_TERM_AND;
}

/* -- order ------------------------------------------------------------------
 */

struct ranked {
	struct thing thing;
	const struct mr_query *q;
	int64_t id;
};

static const char *first(const struct values *v)
{
	const char *least = v->text[0];
	size_t i;

	for (i = 1; i < v->n; i++)
		if (strcmp(v->text[i], least) < 0)
			least = v->text[i];
	return least;
}

static int sign(bool above, bool below, bool descending)
{
	return descending ? below - above : above - below;
}

static int compare_by(const struct ranked *a, const struct ranked *b,
		      const struct mr_order *o)
{
	const struct mr_term term = { .attr = o->attr, .key = o->key };
	struct values x, y;
	int order;

	values_of(&a->thing, &term, &x);
	values_of(&b->thing, &term, &y);
	if (x.n == 0 || y.n == 0)
		return (x.n == 0) - (y.n == 0);
	if (o->attr == MR_ATTR_PARAM && x.is_number != y.is_number)
		return x.is_number ? -1 : 1;
	if (o->attr != MR_ATTR_TAG && x.is_number && y.is_number) {
		order = sign(x.number > y.number, x.number < y.number,
			     o->descending);
		if (order || o->attr != MR_ATTR_PARAM)
			return order;
	}
	order = strcmp(first(&x), first(&y));
	return sign(order > 0, order < 0, o->descending);
}

static int compare_ranked(const void *p, const void *q)
{
	const struct ranked *a = p, *b = q;
	size_t i;
	int rc = 0;

	for (i = 0; i < a->q->order_count && rc == 0; i++)
		rc = compare_by(a, b, &a->q->order[i]);
	if (rc == 0 && a->thing.v)
		rc = sign(a->thing.v->time[MR_ATTR_UPDATED] >
				  b->thing.v->time[MR_ATTR_UPDATED],
			  a->thing.v->time[MR_ATTR_UPDATED] <
				  b->thing.v->time[MR_ATTR_UPDATED],
			  true);
	if (rc == 0)
		rc = strcmp(a->thing.m->name, b->thing.m->name);
	if (rc == 0 && a->thing.v)
		rc = a->thing.v->number < b->thing.v->number ? 1 : -1;
	return rc;
}

size_t catalogue_answer(struct catalogue *c, const struct mr_query *q,
			const char *prefix, int64_t *out)
{
	bool models = q->of == MR_QUERY_MODELS;
	size_t i, n = 0, count = models ? CATALOGUE_MODELS : c->version_count;
	struct ranked *rows = calloc(count, sizeof(*rows));

	assert_non_null(rows);
	for (i = 0; i < count; i++) {
		struct thing *t = &rows[n].thing;

		t->c = c;
		t->prefix = prefix;
		t->v = models ? NULL : &c->versions[i];
		t->m = &c->models[models ? i : t->v->model];
		t->manifest = models ? NULL : &c->manifests[t->v->manifest];
		rows[n].q = q;
		rows[n].id = models ? t->m->id : t->v->id;
		n += rows[n].id && matches(t, q->root) ? 1 : 0;
	}
	qsort(rows, n, sizeof(*rows), compare_ranked);
	for (i = 0; i < n; i++)
		out[i] = rows[i].id;
	free(rows);
	return n;
}
