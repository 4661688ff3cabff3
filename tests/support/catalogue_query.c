/*
 * tests/support/catalogue_query.c - queries made up: any tree that the grammar
 * has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/support/catalogue_fixture.h"
#include "tests/support/test.h"

#define DEPTH 3

static bool once_in(struct catalogue *c, size_t n)
{
	return catalogue_random(c, n) == 0;
}

static enum mr_attr any_attr(struct catalogue *c, enum mr_query_of of)
{
	static const enum mr_attr models[] = {
		MR_ATTR_NAME,        MR_ATTR_MODEL,      MR_ATTR_OWNER,
		MR_ATTR_DESCRIPTION, MR_ATTR_REGISTERED, MR_ATTR_UPDATED,
		MR_ATTR_TAG,
	};
	/* What has lists of its own, and ties, is asked for more often. */
	static const enum mr_attr often[] = {
		MR_ATTR_TAG,  MR_ATTR_PARAM, MR_ATTR_METRIC,  MR_ATTR_ALIAS,
		MR_ATTR_NAME, MR_ATTR_STAGE, MR_ATTR_UPDATED,
	};

	if (of == MR_QUERY_MODELS)
		return models[catalogue_random(c, MR_COUNT(models))];
	if (once_in(c, 2))
		return often[catalogue_random(c, MR_COUNT(often))];
	return (enum mr_attr)catalogue_random(c, MR_ATTR_COUNT);
}

static bool is_map(enum mr_attr a)
{
	return a == MR_ATTR_TAG || a == MR_ATTR_PARAM || a == MR_ATTR_METRIC ||
	       a == MR_ATTR_EVALUATION;
}

static const char *any_key(struct catalogue *c)
{
	return once_in(c, 12)
		       ? "nowhere"
		       : catalogue_keys[catalogue_random(c, CATALOGUE_SEVERAL)];
}

static bool is_counted(enum mr_attr a)
{
	return a == MR_ATTR_NUMBER || a == MR_ATTR_PARAMETERS ||
	       a == MR_ATTR_BYTES || a == MR_ATTR_FILES;
}

static bool is_time(enum mr_attr a)
{
	return a == MR_ATTR_CREATED || a == MR_ATTR_REGISTERED ||
	       a == MR_ATTR_UPDATED;
}

static void number(struct catalogue *c, struct mr_operand *o)
{
	static const char *const texts[] = { "0",    "1",      "2",
					     "3",    "10",     "0.5",
					     "0.25", "0.75",   "2.5",
					     "-1",   "-0.5",   "1e300",
					     "1e-3", "-1e300", "1000000000005",
					     "9.5" };

	o->type = MR_VALUE_NUMBER;
	o->text = texts[catalogue_random(c, MR_COUNT(texts))];
	o->number = strtod(o->text, NULL);
	o->whole = !strpbrk(o->text, ".e");
	o->integer = o->whole ? strtoll(o->text, NULL, 10) : 0;
}

static void text(struct catalogue *c, enum mr_attr attr, struct mr_operand *o)
{
	static const char *const names[] = {
		"a",
		"b",
		"ab/c",
		"acme",
		"reg.example/acme/a",
		"other.example/acme/a",
		"reg.example/other/a",
	};
	static const char *const verdicts[] = { "passed", "failed", "a" };
	static const char *const states[] = { "ready", "archived",
					      "deprecated" };
	char *room;

	o->type = MR_VALUE_TEXT;
	o->text = catalogue_text(c);
	if (attr == MR_ATTR_NAME || attr == MR_ATTR_MODEL)
		o->text = names[catalogue_random(c, MR_COUNT(names))];
	else if (attr == MR_ATTR_EVALUATION)
		o->text = verdicts[catalogue_random(c, 3)];
	else if (attr == MR_ATTR_STATUS)
		o->text = states[catalogue_random(c, 3)];
	else if (attr == MR_ATTR_LICENSE && once_in(c, 2))
		o->text = "MIT";
	else if ((attr == MR_ATTR_DIGEST || attr == MR_ATTR_FILESET) &&
		 !once_in(c, 4)) {
		const struct catalogue_manifest *m =
			&c->manifests[catalogue_random(c, CATALOGUE_MANIFESTS)];

		room = mr_arena_alloc(c->arena, MREG_DIGEST_TEXT);
		assert_non_null(room);
		o->text = mreg_digest_text(attr == MR_ATTR_DIGEST ? &m->digest
								  : &m->fileset,
					   room);
	}
}

static void pattern(struct catalogue *c, struct mr_operand *o)
{
	static const char *const texts[] = {
		"%", "a%",       "%B",         "_",    "x_y", "x%y", "%/%",
		"A", "\xc3\x9c", "sha256:6d%", "%\\%", "",    "_%_", "reg%",
	};

	if (!once_in(c, 4))
		o->text = texts[catalogue_random(c, MR_COUNT(texts))];
}

static void compare(struct catalogue *c, enum mr_query_of of, struct mr_term *t)
{
	struct mr_operand *o = mr_arena_alloc(c->arena, 3 * sizeof(*o));
	bool numbers;
	size_t i;

	assert_non_null(o);
	t->kind = MR_TERM_COMPARE;
	t->attr = any_attr(c, of);
	t->key = is_map(t->attr) ? any_key(c) : NULL;
	t->values = o;
	t->cmp = (enum mr_cmp)catalogue_random(c, MR_CMP_IS_SET + 1);
	if (t->cmp == MR_CMP_IS_NULL || t->cmp == MR_CMP_IS_SET)
		return;
	numbers = is_counted(t->attr) || is_time(t->attr) ||
		  t->attr == MR_ATTR_METRIC ||
		  (t->attr == MR_ATTR_PARAM && once_in(c, 2));
	if (numbers && (t->cmp == MR_CMP_LIKE || t->cmp == MR_CMP_ILIKE))
		t->cmp = MR_CMP_GE;
	t->value_count = t->cmp == MR_CMP_IN ? 1 + catalogue_random(c, 3) : 1;
	for (i = 0; i < t->value_count; i++) {
		if (is_time(t->attr)) {
			o[i].type = MR_VALUE_TIME;
			o[i].integer = (int64_t)catalogue_random(c, 12) - 2;
			o[i].whole = true;
			o[i].text = "then";
		} else if (numbers) {
			number(c, &o[i]);
		} else {
			text(c, t->attr, &o[i]);
		}
	}
	if (t->cmp == MR_CMP_LIKE || t->cmp == MR_CMP_ILIKE)
		pattern(c, &o[0]);
}

static void predicate(struct catalogue *c, struct mr_term *t)
{
	static const char *const words[] = { "alpha",
					     "BETA gamma",
					     "it's",
					     ("\xc3\xbc"
					      "ber"),
					     "beta",
					     "%",
					     "42" };
	static const char *const licenses[] = { "MIT",     "GPL-3.0",
						"gpl-3.0", "GPL-3.0-only",
						"OR",      "GPL" };
	struct mr_operand *o = mr_arena_alloc(c->arena, 2 * sizeof(*o));
	size_t i;

	assert_non_null(o);
	t->kind = MR_TERM_PREDICATE;
	t->predicate =
		once_in(c, 3)
			? MR_PRED_TEXT
			: (enum mr_predicate)catalogue_random(c, MR_PRED_COUNT);
	t->values = o;
	/* Any of two is enough. */
	t->value_count = 1 + once_in(c, 3);
	for (i = 0; i < t->value_count; i++) {
		o[i].type = MR_VALUE_TEXT;
		if (t->predicate == MR_PRED_TEXT)
			o[i].text = words[catalogue_random(c, MR_COUNT(words))];
		else if (t->predicate == MR_PRED_ANCESTOR_LICENSE)
			o[i].text = licenses[catalogue_random(
				c, MR_COUNT(licenses))];
		else
			o[i].text = mr_arena_printf(
				c->arena, "%zu",
				catalogue_random(c, CATALOGUE_MANIFESTS));
	}
}

static const struct mr_term *tree(struct catalogue *c, enum mr_query_of of,
				  size_t depth)
{
	struct mr_term *t = mr_arena_alloc(c->arena, sizeof(*t));
	const struct mr_term **children;
	size_t i;

	assert_non_null(t);
	if (depth == 0 || once_in(c, 3)) {
		if (of == MR_QUERY_VERSIONS && once_in(c, 6))
			predicate(c, t);
		else
			compare(c, of, t);
		return t;
	}
	t->kind = once_in(c, 4)   ? MR_TERM_NOT
		  : once_in(c, 2) ? MR_TERM_OR
				  : MR_TERM_AND;
	t->child_count =
		t->kind == MR_TERM_NOT ? 1 : 2 + catalogue_random(c, 2);
	children = mr_arena_alloc(c->arena, 4 * sizeof(struct mr_term *));
	assert_non_null(children);
	for (i = 0; i < t->child_count; i++)
		children[i] = tree(c, of, depth - 1);
	t->children = children;
	return t;
}

static void order(struct catalogue *c, struct mr_query *q)
{
	struct mr_order *o = mr_arena_alloc(c->arena, 3 * sizeof(*o));
	size_t i;

	assert_non_null(o);
	q->order = o;
	q->order_count = catalogue_random(c, 4) % 3;
	for (i = 0; i < q->order_count; i++) {
		o[i].attr = any_attr(c, q->of);
		o[i].key = is_map(o[i].attr) ? any_key(c) : NULL;
		o[i].descending = once_in(c, 2);
	}
}

const struct mr_query *catalogue_query(struct catalogue *c, enum mr_query_of of)
{
	static const struct mr_term all = { .kind = MR_TERM_ALL };
	struct mr_query *q = mr_arena_alloc(c->arena, sizeof(*q));

	assert_non_null(q);
	q->of = of;
	q->root = once_in(c, 15) ? &all : tree(c, of, DEPTH);
	order(c, q);
	return q;
}

/* -- for messages -----------------------------------------------------------
 */

static void says_attr(struct mr_buf *b, enum mr_attr a, const char *key)
{
	mr_buf_printf(b, key ? "%s.`%s`" : "%s", mr_attr_name(a), key);
}

static void says_term(struct mr_buf *b, const struct mr_term *t)
{
	static const char *const cmps[] = { "=",       "!=",         "<",
					    "<=",      ">",          ">=",
					    "LIKE",    "ILIKE",      "IN",
					    "IS NULL", "IS NOT NULL" };
	size_t i;

	if (t->kind == MR_TERM_COMPARE) {
		says_attr(b, t->attr, t->key);
		mr_buf_printf(b, " %s", cmps[t->cmp]);
	} else if (t->kind == MR_TERM_PREDICATE) {
		mr_buf_printf(b, "predicate %d", (int)t->predicate);
	} else {
		mr_buf_puts(b, t->kind == MR_TERM_NOT   ? "NOT"
			       : t->kind == MR_TERM_OR  ? "OR"
			       : t->kind == MR_TERM_AND ? "AND"
							: "ALL");
	}
	for (i = 0; i < t->value_count; i++)
		mr_buf_printf(
			b, t->values[i].type == MR_VALUE_TIME ? " t%lld" : " ",
			(long long)t->values[i].integer);
	for (i = 0; i < t->value_count; i++)
		mr_buf_printf(b, " '%s'", t->values[i].text);
	for (i = 0; i < t->child_count; i++) {
		mr_buf_puts(b, i ? ", " : "(");
		says_term(b, t->children[i]);
	}
	mr_buf_puts(b, t->child_count ? ")" : "");
}

const char *catalogue_says(struct catalogue *c, const struct mr_query *q)
{
	struct mr_buf b = MR_BUF_INIT(1u << 20);
	const char *out;
	size_t i;

	mr_buf_puts(&b, q->of == MR_QUERY_MODELS ? "models: " : "versions: ");
	says_term(&b, q->root);
	for (i = 0; i < q->order_count; i++) {
		mr_buf_puts(&b, i ? ", " : " ORDER BY ");
		says_attr(&b, q->order[i].attr, q->order[i].key);
		mr_buf_puts(&b, q->order[i].descending ? " DESC" : " ASC");
	}
	out = mr_arena_strdup(c->arena, mr_buf_text(&b));
	mr_buf_release(&b);
	return out;
}
