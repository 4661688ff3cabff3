/*
 * search_attr.c - an attribute's comparison, and its value, as SQL.
 *
 * A comparison is true of what is told and compares so.  Of what may be there
 * several times (aliases, environments, evaluations) one value that compares is
 * enough, but for `!=`: there is one, and none is equal.
 */
#include "index/search_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* -- what has rows of its own -----------------------------------------------
 */

/* Of the metric that the rows of `r` are. */
static void put_ranked(struct mr_ix_sql *q, const struct mr_term *t)
{
	if (mr_ix_asks_presence(t->cmp))
		mr_ix_sql_put(q, t->cmp == MR_CMP_IS_NULL ? "1 = 0" : "1 = 1");
	else
		mr_ix_put_number_test(q, "r.value", false, t);
}

/* A parameter or tag that is one of some texts: its pairs are looked up here,
 * for a planner knows how often a pair occurs, and nothing of what a subquery
 * will find. */
static bool is_pair(const struct mr_ix_search *s, const struct mr_term *t)
{
	return !s->models &&
	       (t->attr == MR_ATTR_TAG || t->attr == MR_ATTR_PARAM) &&
	       (t->cmp == MR_CMP_EQ || t->cmp == MR_CMP_IN) &&
	       t->values[0].type == MR_VALUE_TEXT;
}

static int put_pairs(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_term *t, struct mreg_error *err)
{
	enum mr_ix_property kind =
		t->attr == MR_ATTR_TAG ? MR_IX_TAGGED : MR_IX_PARAM;
	int64_t pair;
	size_t i;
	int rc;

	mr_ix_sql_put(q, "EXISTS (SELECT 1 FROM ix_properties x "
			 "WHERE x.version = v.id AND x.pair IN (");
	for (i = 0; i < t->value_count; i++) {
		rc = mr_ix_pair_find(s->ix, kind, t->key, t->values[i].text,
				     &pair, err);
		if (rc < 0)
			return rc;
		mr_ix_sql_put(q, i ? ", " : "");
		mr_ix_sql_int(q, pair);
	}
	mr_ix_sql_put(q, "))");
	return 0;
}

/* Of a map's entry; `from`: "FROM ... WHERE ..." up to the key. */
static int put_entry(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const char *from, const struct mr_term *t,
		     struct mreg_error *err)
{
	int64_t key;
	int rc = mr_ix_search_text(s, t->key, &key, err);

	if (rc < 0)
		return rc;
	if (mr_ix_meant(s, t)) {
		size_t before = q->text.len;

		mr_ix_sql_put(q, "EXISTS (SELECT 1 FROM ix_properties x "
				 "WHERE x.version = v.id AND ");
		if (mr_ix_put_meant(s, q, "x.pair", t)) {
			mr_ix_sql_put(q, ")");
			return 0;
		}
		q->text.len = before;
	}
	mr_ix_sql_put(q, t->cmp == MR_CMP_IS_NULL ? "NOT EXISTS (SELECT 1 "
						  : "EXISTS (SELECT 1 ");
	mr_ix_sql_put(q, from);
	mr_ix_sql_int(q, key);
	if (!mr_ix_asks_presence(t->cmp)) {
		mr_ix_sql_put(q, " AND ");
		if (t->attr == MR_ATTR_METRIC)
			mr_ix_put_number_test(q, "p.value", false, t);
		else if (t->values[0].type == MR_VALUE_NUMBER)
			mr_ix_put_number_test(q, "p.number", false, t);
		else
			rc = mr_ix_put_id_test(s, q, "p.value", t, err);
	}
	mr_ix_sql_put(q, ")");
	return rc;
}

/* Of several values; `from`: "FROM ... WHERE ..." of all; `column` is a text,
 * or where `id` the id of one. */
static int put_many(struct mr_ix_search *s, struct mr_ix_sql *q,
		    const char *from, int64_t key, const char *column, bool id,
		    const struct mr_term *t, struct mreg_error *err)
{
	struct mr_term equal = *t;
	int rc = 0;
	int part;

	/* `!=` is two: there is one, and none that is equal. */
	for (part = 0; part < (t->cmp == MR_CMP_NE ? 2 : 1); part++) {
		bool none = part == 1 || t->cmp == MR_CMP_IS_NULL;

		mr_ix_sql_put(q, part ? " AND " : "(");
		mr_ix_sql_put(q, none ? "NOT EXISTS (SELECT 1 "
				      : "EXISTS (SELECT 1 ");
		mr_ix_sql_put(q, from);
		if (key >= 0)
			mr_ix_sql_int(q, key);
		equal.cmp = part ? MR_CMP_EQ : t->cmp;
		if (!mr_ix_asks_presence(t->cmp) &&
		    (part == 1 || t->cmp != MR_CMP_NE)) {
			mr_ix_sql_put(q, " AND ");
			if (id)
				rc = mr_ix_put_id_test(s, q, column, &equal,
						       err);
			else
				mr_ix_put_text_test(q, column, &equal);
		}
		if (rc < 0)
			return rc;
		mr_ix_sql_put(q, ")");
	}
	mr_ix_sql_put(q, ")");
	return 0;
}

/* -- attributes -------------------------------------------------------------
 */

enum kind {
	KIND_OTHER,
	KIND_ID,    /* of a text */
	KIND_FORM,  /* the same, of the version's form */
	KIND_WHOLE, /* a number */
	KIND_TIME,  /* the same; 0 is not told */
};

struct column {
	enum kind kind;
	const char *of_version, *of_model; /* NULL: it has none */
	bool own;                          /* versions seldom share a value */
};

static const struct column columns[MR_ATTR_COUNT] = {
	[MR_ATTR_RELEASE] = { KIND_ID, "v.release", NULL, true },
	[MR_ATTR_STAGE] = { KIND_ID, "v.stage", NULL },
	[MR_ATTR_OWNER] = { KIND_ID, "v.owner", "m.owner" },
	[MR_ATTR_AUTHOR] = { KIND_FORM, "nullif(f.author, 0)", NULL },
	[MR_ATTR_ACTOR] = { KIND_ID, "v.actor", NULL },
	[MR_ATTR_LICENSE] = { KIND_FORM, "nullif(f.license, 0)", NULL },
	[MR_ATTR_KIND] = { KIND_FORM, "nullif(f.kind, 0)", NULL },
	[MR_ATTR_FORMAT] = { KIND_FORM, "nullif(f.format, 0)", NULL },
	[MR_ATTR_ARCHITECTURE] = { KIND_FORM, "nullif(f.architecture, 0)",
				   NULL },
	[MR_ATTR_FAMILY] = { KIND_FORM, "nullif(f.family, 0)", NULL },
	[MR_ATTR_PRECISION] = { KIND_FORM, "nullif(f.precision, 0)", NULL },
	[MR_ATTR_QUANTIZATION] = { KIND_FORM, "nullif(f.quantization, 0)",
				   NULL },
	[MR_ATTR_SOURCE] = { KIND_FORM, "nullif(f.source, 0)", NULL },
	[MR_ATTR_REVISION] = { KIND_ID, "v.revision", NULL, true },
	[MR_ATTR_DESCRIPTION] = { KIND_ID, "v.description", "m.description",
				  true },
	[MR_ATTR_NUMBER] = { KIND_WHOLE, "v.number", NULL },
	[MR_ATTR_PARAMETERS] = { KIND_TIME, "v.parameters", NULL },
	[MR_ATTR_BYTES] = { KIND_WHOLE, "v.bytes", "m.bytes" },
	[MR_ATTR_FILES] = { KIND_WHOLE, "v.files", NULL },
	[MR_ATTR_CREATED] = { KIND_TIME, "v.created_s", NULL },
	[MR_ATTR_REGISTERED] = { KIND_TIME,
				 "coalesce(v.registered_s, v.updated_s)",
				 "m.recorded_s" },
	[MR_ATTR_UPDATED] = { KIND_TIME, "v.updated_s", "m.updated_s" },
};

bool mr_ix_has_ids(enum mr_attr attr)
{
	return columns[attr].kind == KIND_ID;
}

const char *mr_ix_form_column(enum mr_attr attr)
{
	return columns[attr].kind == KIND_FORM ? columns[attr].of_version
					       : NULL;
}

bool mr_ix_is_column(enum mr_attr attr)
{
	return columns[attr].kind != KIND_OTHER || attr == MR_ATTR_STATUS;
}

#define DIGEST_OF(bytes)                                                       \
	"CASE length(" bytes                                                   \
	") WHEN 32 THEN 'sha256:' WHEN 64 THEN 'sha512:' END || "
#define STATUS                                                                 \
	"CASE WHEN v.archived_s <> 0 THEN 'archived' "                         \
	"WHEN v.deprecated_s <> 0 THEN 'deprecated' ELSE 'ready' END"

/* The text of a thing that has no column of its own; NULL: it is another. */
static const char *computed(const struct mr_ix_sql *q, enum mr_attr attr)
{
	bool sqlite = q->kind == MR_DB_SQLITE;

	if (attr == MR_ATTR_DIGEST)
		return sqlite ? "(SELECT " DIGEST_OF(
					"x.name") "lower(hex(x.name)) "
						  "FROM ix_nodes x WHERE x.id = v.node)"
			      : "(SELECT (" DIGEST_OF(
					"x.name") "encode(x.name, 'hex')) COLLATE \"C\" "
						  "FROM ix_nodes x WHERE x.id = v.node)";
	if (attr == MR_ATTR_FILESET)
		return sqlite ? "(" DIGEST_OF(
					"v.fileset") "lower(hex(v.fileset)))"
			      : "((" DIGEST_OF(
					"v.fileset") "encode(v.fileset, 'hex')) COLLATE \"C\")";
	if (attr == MR_ATTR_RUN)
		return "(SELECT x.text FROM ix_nodes x WHERE x.id = v.run)";
	if (attr == MR_ATTR_STATUS)
		return sqlite ? "(" STATUS ")" : "((" STATUS ") COLLATE \"C\")";
	return NULL;
}

/* Rows that a version has of an attribute. */
struct many {
	enum mr_attr attr;
	const char *from, *column;
	bool id, keyed;
};
static const struct many manies[] = {
	{ MR_ATTR_ALIAS,
	  "FROM ix_names n WHERE n.tagged = v.node AND n.model = v.model "
	  "AND n.kind <> 1",
	  "n.tag", false, false },
	{ MR_ATTR_ENVIRONMENT,
	  "FROM ix_deployments n WHERE n.version = v.node "
	  "AND n.model = v.model",
	  "n.environment", true, false },
	{ MR_ATTR_EVALUATION,
	  "FROM ix_documents n WHERE n.subject = v.node "
	  "AND n.model = v.model AND n.suite = ",
	  "n.verdict", true, true },
};

static const struct many *many_of(enum mr_attr attr)
{
	size_t i;

	for (i = 0; i < MR_COUNT(manies); i++)
		if (manies[i].attr == attr)
			return &manies[i];
	return NULL;
}

static const char *entries_of(const struct mr_ix_search *s, enum mr_attr attr)
{
	if (attr == MR_ATTR_METRIC)
		return "FROM ix_metrics p WHERE p.version = v.id AND p.key = ";
	if (attr == MR_ATTR_PARAM)
		return "FROM ix_properties x CROSS JOIN ix_pairs p "
		       "WHERE x.version = v.id AND p.id = x.pair "
		       "AND p.kind = 1 AND p.key = ";
	if (attr == MR_ATTR_TAG)
		return s->models ? "FROM ix_model_tags p WHERE p.model = m.id "
				   "AND p.key = "
				 : "FROM ix_properties x CROSS JOIN ix_pairs p "
				   "WHERE x.version = v.id AND p.id = x.pair "
				   "AND p.kind = 2 AND p.key = ";
	return NULL;
}

static bool is_models_too(enum mr_attr attr)
{
	return columns[attr].of_model || attr == MR_ATTR_TAG ||
	       attr == MR_ATTR_NAME || attr == MR_ATTR_MODEL;
}

static const char *column_of(const struct mr_ix_search *s, enum mr_attr attr)
{
	return s->models ? columns[attr].of_model : columns[attr].of_version;
}

/* A name as it is shown. */
static void put_shown(struct mr_ix_search *s, struct mr_ix_sql *q,
		      const char *name)
{
	const char *p;
	size_t n = 0;

	if (!s->prefix) {
		mr_ix_sql_put(q, name);
		return;
	}
	for (p = s->prefix; *p; p++) /* databases count characters */
		n += (*p & 0xc0) != 0x80;
	mr_buf_printf(&q->text, "CASE WHEN substr(%s, 1, %zu) = ", name, n);
	mr_ix_sql_text(q, s->prefix);
	mr_buf_printf(&q->text, " THEN substr(%s, %zu) ELSE %s END", name,
		      n + 1, name);
}

int mr_ix_put_models(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_term *t, struct mreg_error *err)
{
	bool shown = t->attr == MR_ATTR_NAME;

	mr_ix_sql_put(q, "SELECT y.id FROM (SELECT z.id, ");
	if (shown)
		put_shown(s, q, "z.name");
	else
		mr_ix_sql_put(q, "z.name");
	mr_ix_sql_put(q, " AS shown FROM ix_models z");
	if (shown && s->prefix && t->cmp == MR_CMP_EQ) {
		/* The two that can be shown so, out of the names' index. */
		const char *whole = mr_arena_printf(s->arena, "%s%s", s->prefix,
						    t->values[0].text);

		if (!whole)
			return mr_fail_nomem(err);
		mr_ix_sql_put(q, " WHERE z.name IN (");
		mr_ix_sql_text(q, whole);
		mr_ix_sql_put(q, ", ");
		mr_ix_sql_text(q, t->values[0].text);
		mr_ix_sql_put(q, ")");
	}
	mr_ix_sql_put(q, ") y WHERE ");
	mr_ix_put_text_test(q, "y.shown", t);
	return 0;
}

/* A whole digest is looked up; what is none is compared as text is. */
static int put_digest(struct mr_ix_search *s, struct mr_ix_sql *q,
		      const struct mr_term *t, struct mreg_error *err)
{
	struct mreg_digest d;
	int64_t node;
	int rc;

	if (t->cmp != MR_CMP_EQ ||
	    mreg_digest_parse(t->values[0].text, &d, NULL) < 0) {
		mr_ix_put_text_test(q, computed(q, t->attr), t);
		return 0;
	}
	if (t->attr == MR_ATTR_FILESET) {
		struct mr_ix_bound b;

		memset(&b, 0, sizeof(b));
		b.text = mr_arena_alloc(s->arena, sizeof(d.bytes));
		if (!b.text)
			return mr_fail_nomem(err);
		memcpy((char *)(uintptr_t)b.text, d.bytes, sizeof(d.bytes));
		mr_ix_sql_put(q, "(substr(v.fileset, 1, 4) = ");
		mr_ix_sql_blob(q, b.text, MR_IX_PREFIX_BYTES);
		mr_ix_sql_put(q, " AND v.fileset = ");
		mr_ix_sql_blob(q, b.text, mr_ix_digest_bytes(&d));
		mr_ix_sql_put(q, ")");
		return 0;
	}
	rc = mr_ix_node_find(s->ix, MR_GRAPH_MANIFEST, &d, NULL, &node, err);
	if (rc < 0)
		return rc;
	mr_ix_sql_put(q, "v.node = ");
	mr_ix_sql_int(q, node);
	return 0;
}

/* Looked up once, where it is told whole. */
static int put_run(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err)
{
	int64_t node;
	int rc;

	if (mr_ix_put_meant(s, q, "v.run", t))
		return 0;
	if (t->cmp != MR_CMP_EQ) {
		mr_ix_put_text_test(q, computed(q, t->attr), t);
		return 0;
	}
	rc = mr_ix_node_find(s->ix, MR_GRAPH_RUN, NULL, t->values[0].text,
			     &node, err);
	if (rc < 0)
		return rc;
	mr_ix_sql_put(q, "v.run = ");
	mr_ix_sql_int(q, node);
	return 0;
}

static int put_many_of(struct mr_ix_search *s, struct mr_ix_sql *q,
		       const struct mr_term *t, const struct many *m,
		       struct mreg_error *err)
{
	int64_t key = -1;
	int rc = m->keyed ? mr_ix_search_text(s, t->key, &key, err) : 0;

	return rc < 0 ? rc
		      : put_many(s, q, m->from, key, m->column, m->id, t, err);
}

/* For each of all rows: which texts match is found once. */
static void put_matching(struct mr_ix_sql *q, const struct mr_term *t)
{
	const struct column *c = &columns[t->attr];

	mr_buf_printf(&q->text, "%s IN (SELECT t.id FROM ix_texts t WHERE ",
		      c->of_version);
	if (!c->own)
		mr_buf_printf(&q->text,
			      "t.id IN (SELECT DISTINCT x.%s "
			      "FROM ix_versions x) AND ",
			      c->of_version + strlen("v."));
	mr_ix_put_text_test(q, "t.value", t);
	mr_ix_sql_put(q, ")");
}

static int put_text(struct mr_ix_search *s, struct mr_ix_sql *q,
		    const struct mr_term *t, struct mreg_error *err)
{
	if (mr_ix_put_meant(s, q, column_of(s, t->attr), t))
		return 0;
	if (!mr_ix_is_pattern(t->cmp) || !s->scan)
		return mr_ix_put_id_test(s, q, column_of(s, t->attr), t, err);
	put_matching(q, t);
	return 0;
}

static int put_form(struct mr_ix_search *s, struct mr_ix_sql *q,
		    const struct mr_term *t, struct mreg_error *err)
{
	int rc;

	if (mr_ix_put_meant(s, q, "v.form", t))
		return 0;
	/* Of one row there is one. */
	mr_ix_sql_put(q, s->few ? "EXISTS (SELECT 1 FROM ix_forms f "
				  "WHERE f.id = v.form AND "
				: "v.form IN (SELECT f.id FROM ix_forms f "
				  "WHERE ");
	rc = mr_ix_put_id_test(s, q, columns[t->attr].of_version, t, err);
	mr_ix_sql_put(q, ")");
	return rc;
}

int mr_ix_put_compare(struct mr_ix_search *s, struct mr_ix_sql *q,
		      const struct mr_term *t, struct mreg_error *err)
{
	const struct column *c = &columns[t->attr];
	char nullable[64];
	int rc;

	if (s->models && !is_models_too(t->attr))
		return mr_fail(err, MREG_EUSAGE, "models have no '%s'",
			       mr_attr_name(t->attr));
	if (s->ranked && t->attr == MR_ATTR_METRIC &&
	    strcmp(t->key, s->ranks[0].key) == 0) {
		put_ranked(q, t);
		return 0;
	}
	if (is_pair(s, t))
		return put_pairs(s, q, t, err);
	if (entries_of(s, t->attr))
		return put_entry(s, q, entries_of(s, t->attr), t, err);
	if (many_of(t->attr))
		return put_many_of(s, q, t, many_of(t->attr), err);
	if (t->attr == MR_ATTR_NAME || t->attr == MR_ATTR_MODEL) {
		mr_ix_sql_put(q, s->models ? "m.id IN (" : "v.model IN (");
		rc = mr_ix_put_models(s, q, t, err);
		mr_ix_sql_put(q, ")");
		return rc;
	}
	if (t->attr == MR_ATTR_DIGEST || t->attr == MR_ATTR_FILESET)
		return put_digest(s, q, t, err);
	if (t->attr == MR_ATTR_RUN)
		return put_run(s, q, t, err);
	if (computed(q, t->attr)) {
		mr_ix_put_text_test(q, computed(q, t->attr), t);
		return 0;
	}
	if (c->kind == KIND_ID)
		return put_text(s, q, t, err);
	if (c->kind == KIND_FORM)
		return put_form(s, q, t, err);
	(void)snprintf(nullable, sizeof(nullable),
		       c->kind == KIND_TIME ? "nullif(%s, 0)" : "%s",
		       column_of(s, t->attr));
	mr_ix_put_number_test(q, nullable, true, t);
	return 0;
}

/* -- values to order by -----------------------------------------------------
 */

bool mr_ix_is_ordered(const struct mr_ix_search *s, enum mr_attr attr)
{
	return !s->models || is_models_too(attr);
}

bool mr_ix_is_nullable(enum mr_attr attr)
{
	return columns[attr].kind != KIND_WHOLE && attr != MR_ATTR_NAME &&
	       attr != MR_ATTR_MODEL && attr != MR_ATTR_DIGEST &&
	       attr != MR_ATTR_STATUS;
}

static void put_entry_value(struct mr_ix_search *s, struct mr_ix_sql *q,
			    const struct mr_ix_rank *r)
{
	bool number = r->number || r->attr == MR_ATTR_METRIC;

	mr_ix_sql_put(q, number ? "(SELECT "
				: "(SELECT (SELECT t.value "
				  "FROM ix_texts t WHERE t.id = "
				  "p.value) ");
	if (number)
		mr_ix_sql_put(q, r->number ? "p.number " : "p.value ");
	mr_ix_sql_put(q, entries_of(s, r->attr));
	mr_ix_sql_int(q, r->key_id);
	mr_ix_sql_put(q, ")");
}

/* Of several, the first. */
static void put_many_value(struct mr_ix_sql *q, const struct mr_ix_rank *r,
			   const struct many *m)
{
	mr_buf_printf(&q->text,
		      m->id ? "(SELECT min((SELECT t.value FROM ix_texts t "
			      "WHERE t.id = %s)) "
			    : "(SELECT min(%s) ",
		      m->column);
	mr_ix_sql_put(q, m->from);
	if (m->keyed)
		mr_ix_sql_int(q, r->key_id);
	mr_ix_sql_put(q, ")");
}

void mr_ix_put_value(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_ix_rank *r)
{
	const struct column *c = &columns[r->attr];

	if (r->key && r->key_id == 0)
		mr_ix_sql_put(q, r->number || r->attr == MR_ATTR_METRIC
					 ? "CAST(NULL AS double precision)"
					 : "CAST(NULL AS text)");
	else if (r->what == MR_IX_RANK_UPDATED)
		/* Who asks SQLite for all rows does not want them by way of an
		 * index that is in no order of rows: that is 4 s, not 0.2. */
		mr_ix_sql_put(q, q->kind == MR_DB_SQLITE ? "+v.updated_s"
							 : "v.updated_s");
	else if (r->what == MR_IX_RANK_NAME || r->attr == MR_ATTR_MODEL)
		mr_ix_sql_put(q, "m.name");
	else if (r->what == MR_IX_RANK_NUMBER)
		mr_ix_sql_put(q, "v.number");
	else if (r->attr == MR_ATTR_NAME)
		put_shown(s, q, "m.name");
	else if (s->ranked && r == &s->ranks[0])
		mr_ix_sql_put(q, "r.value");
	else if (entries_of(s, r->attr))
		put_entry_value(s, q, r);
	else if (many_of(r->attr))
		put_many_value(q, r, many_of(r->attr));
	else if (computed(q, r->attr))
		mr_ix_sql_put(q, computed(q, r->attr));
	else if (c->kind == KIND_FORM)
		mr_buf_printf(&q->text,
			      "(SELECT t.value FROM ix_forms f "
			      "JOIN ix_texts t ON t.id = %s "
			      "WHERE f.id = v.form)",
			      c->of_version);
	else if (c->kind == KIND_ID)
		mr_buf_printf(&q->text,
			      "(SELECT t.value FROM ix_texts t "
			      "WHERE t.id = %s)",
			      column_of(s, r->attr));
	else
		mr_buf_printf(&q->text,
			      c->kind == KIND_TIME ? "nullif(%s, 0)" : "%s",
			      column_of(s, r->attr));
}

enum mr_column mr_ix_rank_type(const struct mr_ix_rank *r)
{
	if (r->number || r->attr == MR_ATTR_METRIC)
		return MR_COLUMN_REAL;
	return columns[r->attr].kind == KIND_WHOLE ||
			       columns[r->attr].kind == KIND_TIME
		       ? MR_COLUMN_INT
		       : MR_COLUMN_TEXT;
}
