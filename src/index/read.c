/*
 * read.c - versions and what lists show of them.
 *
 * A few statements for all rows that are wanted, however many: the rows, what
 * hangs on them, and last every text that any of them names.  SQLite, where no
 * answer is waited for, is asked for one row after the other: to make a set and
 * look into it takes longer.
 */
#include "index/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "index/internal.h"
#include "index/read_kept.h"

/* A text that is still to be fetched, and where it goes. */
struct want {
	int64_t id;
	const char **slot;
};

/* A pair of version `row`; names and values come with the other texts. */
struct pair {
	size_t row;
	int64_t key, value; /* ids; value 0: `text` */
	const char *name, *text;
};
struct pairs {
	struct pair *items; /* owned */
	size_t n, cap;
};

struct reading {
	struct mr_index *ix;
	struct mr_arena *arena;
	struct mr_ix_row *rows;
	size_t count;
	int64_t *ids;       /* owned: of the rows, sorted */
	size_t *at;         /* owned: the row of each */
	struct want *wants; /* owned */
	size_t want_count, want_cap;
	struct pairs metrics, params, tags, names;
};

static void reading_release(struct reading *r)
{
	mr_release(r->ids);
	mr_release(r->at);
	mr_release(r->wants);
	mr_release(r->metrics.items);
	mr_release(r->params.items);
	mr_release(r->tags.items);
	mr_release(r->names.items);
}

static int want(struct reading *r, int64_t id, const char **slot,
		struct mreg_error *err)
{
	const char *kept;

	*slot = NULL;
	if (id == 0)
		return 0;
	kept = mr_ix_kept_text(r->ix, id);
	if (kept) {
		/* Without memory the arena says so at the end. */
		*slot = mr_arena_strdup(r->arena, kept);
		return 0;
	}
	if (mr_grow((void **)&r->wants, &r->want_cap, r->want_count + 1,
		    sizeof(*r->wants)) < 0)
		return mr_fail_nomem(err);
	r->wants[r->want_count++] = (struct want){ id, slot };
	return 0;
}

static int compare_wants(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool is_asked_each(const struct reading *r)
{
	return mr_db_kind(r->ix->db) == MR_DB_SQLITE;
}

static int take_texts(struct reading *r, struct mr_stmt *s,
		      struct mreg_error *err)
{
	struct want key = { 0 }, *w, *end = r->wants + r->want_count;
	char *text;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		key.id = mr_stmt_int(s, 0);
		w = bsearch(&key, r->wants, r->want_count, sizeof(*w),
			    compare_wants);
		text = mr_arena_strdup(r->arena, mr_stmt_text(s, 1));
		while (w && w > r->wants && w[-1].id == key.id)
			w--;
		for (; w && w < end && w->id == key.id; w++)
			*w->slot = text;
		if (text)
			mr_ix_keep_text(r->ix, key.id, text);
	}
	return rc;
}

/* Fill every slot; the texts are in the arena, each once. */
static int fetch_texts(struct reading *r, struct mreg_error *err)
{
	bool each = is_asked_each(r);
	MR_AUTO(mr_free) int64_t *ids = NULL;
	size_t i, n = 0;
	struct mr_stmt *s;
	int rc;

	if (r->want_count == 0)
		return 0;
	qsort(r->wants, r->want_count, sizeof(*r->wants), compare_wants);
	ids = mr_array(r->want_count, sizeof(*ids));
	if (!ids)
		return mr_fail_nomem(err);
	for (i = 0; i < r->want_count; i++)
		if (n == 0 || ids[n - 1] != r->wants[i].id)
			ids[n++] = r->wants[i].id;
	rc = mr_db_stmt(r->ix->db,
			each ? "SELECT id, value FROM ix_texts WHERE id = $1"
			     : "SELECT id, value FROM ix_texts "
			       "WHERE id IN {ids $1}",
			&s, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < (each ? n : 1) && rc >= 0; i++) {
		mr_stmt_reset(s);
		if (each)
			mr_bind_int(s, 1, ids[i]);
		else
			mr_bind_ids(s, 1, ids, n);
		rc = take_texts(r, s, err);
	}
	mr_stmt_reset(s);
	return rc;
}

/* -- the rows -------------------------------------------------------------- */

#define SELECT_ROWS(which)                                                     \
	"SELECT v.id, v.node, m.name, v.number, n.name, v.flags, "             \
	"v.created_s, coalesce(v.registered_s, v.updated_s), v.updated_s, "    \
	"v.archived_s, "                                                       \
	"v.deprecated_s, e.review_s, v.parameters, v.bytes, v.files, "         \
	"v.fileset, x.name, y.text, v.actor, v.owner, f.author, f.license, "   \
	"v.description, f.kind, f.format, f.architecture, f.family, "          \
	"f.precision, f.quantization, f.source, v.revision, v.stage, "         \
	"v.release, e.copied_from, e.deprecated_reason FROM ix_versions v "    \
	"JOIN ix_models m ON m.id = v.model "                                  \
	"JOIN ix_nodes n ON n.id = v.node "                                    \
	"LEFT JOIN ix_ends e ON e.version = v.id "                             \
	"LEFT JOIN ix_nodes x ON x.id = e.successor "                          \
	"LEFT JOIN ix_nodes y ON y.id = v.run "                                \
	"LEFT JOIN ix_forms f ON f.id = v.form "                               \
	"WHERE v.id " which
#define FIRST_TEXT 18

static int take_row(struct reading *r, struct mr_stmt *s, size_t at,
		    struct mreg_error *err)
{
	struct mr_ix_row *row = r->rows + at;
	const char **const slots[] = {
		&row->actor,
		&row->owner,
		&row->author,
		&row->license,
		&row->description,
		&row->kind,
		&row->format,
		&row->architecture,
		&row->family,
		&row->precision,
		&row->quantization,
		&row->source,
		&row->revision,
		&row->stage,
		&row->release,
		&row->copied_from,
		&row->deprecated_reason,
	};
	size_t i;
	int rc = 0;

	row->id = mr_stmt_int(s, 0);
	row->node = mr_stmt_int(s, 1);
	row->model = mr_arena_strdup(r->arena, mr_stmt_text(s, 2));
	row->number = (uint64_t)mr_stmt_int(s, 3);
	mr_ix_digest(s, 4, &row->digest);
	row->moved = (mr_stmt_int(s, 5) & MR_IX_MOVED) != 0;
	row->created_s = mr_stmt_int(s, 6);
	row->registered_s = mr_stmt_int(s, 7);
	row->updated_s = mr_stmt_int(s, 8);
	row->archived_s = mr_stmt_int(s, 9);
	row->deprecated_s = mr_stmt_int(s, 10);
	row->review_s = mr_stmt_int(s, 11);
	row->parameters = (uint64_t)mr_stmt_int(s, 12);
	row->bytes = (uint64_t)mr_stmt_int(s, 13);
	row->files = (uint64_t)mr_stmt_int(s, 14);
	mr_ix_digest(s, 15, &row->fileset);
	mr_ix_digest(s, 16, &row->successor);
	if (mr_stmt_text(s, 17))
		row->run = mr_arena_strdup(r->arena, mr_stmt_text(s, 17));
	for (i = 0; i < MR_COUNT(slots) && rc == 0; i++)
		rc = want(r, mr_stmt_int(s, FIRST_TEXT + (int)i), slots[i],
			  err);
	return rc;
}

static bool row_of(const struct reading *r, int64_t id, size_t *out)
{
	const int64_t *found =
		bsearch(&id, r->ids, r->count, sizeof(id), compare_ids);

	if (found)
		*out = r->at[found - r->ids];
	return found != NULL;
}

/* -- what hangs on them ---------------------------------------------------- */

static struct pair *add_pair(struct pairs *p, size_t row)
{
	struct pair *out;

	if (mr_grow((void **)&p->items, &p->cap, p->n + 1, sizeof(*p->items)) <
	    0)
		return NULL;
	out = p->items + p->n++;
	memset(out, 0, sizeof(*out));
	out->row = row;
	return out;
}

static int take_metric(struct reading *r, struct mr_stmt *s, size_t at,
		       struct mreg_error *err)
{
	struct pair *p = add_pair(&r->metrics, at);
	const char *written = mr_stmt_text(s, 3);
	char printed[32];

	if (!p)
		return mr_fail_nomem(err);
	p->key = mr_stmt_int(s, 1);
	if (!written)
		written = mr_text_real(mr_stmt_real(s, 2), printed);
	p->text = mr_arena_strdup(r->arena, written);
	return 0;
}

static int take_property(struct reading *r, struct mr_stmt *s, size_t at,
			 struct mreg_error *err)
{
	struct pair *p = add_pair(
		mr_stmt_int(s, 3) == MR_IX_PARAM ? &r->params : &r->tags, at);

	if (!p)
		return mr_fail_nomem(err);
	p->key = mr_stmt_int(s, 1);
	p->value = mr_stmt_int(s, 2);
	return 0;
}

static int take_name(struct reading *r, struct mr_stmt *s, size_t at,
		     struct mreg_error *err)
{
	struct pair *p = add_pair(&r->names, at);

	if (!p)
		return mr_fail_nomem(err);
	p->name = mr_arena_strdup(r->arena, mr_stmt_text(s, 1));
	return 0;
}

/* What is asked of versions, the first column of its rows their id: of all that
 * are wanted, and of one. */
struct asked_of {
	const char *all, *one;
	int (*take)(struct reading *r, struct mr_stmt *s, size_t at,
		    struct mreg_error *err);
};

#define METRICS(which)                                                         \
	"SELECT version, key, value, written FROM ix_metrics "                 \
	"WHERE version " which
#define PROPERTIES(which)                                                      \
	"SELECT x.version, p.key, p.value, p.kind FROM ix_properties x "       \
	"CROSS JOIN ix_pairs p WHERE p.id = x.pair AND x.version " which
#define NAMES(which)                                                           \
	"SELECT v.id, n.tag FROM ix_versions v "                               \
	"JOIN ix_names n ON n.tagged = v.node AND n.model = v.model "          \
	"WHERE n.kind <> 1 AND v.id " which
#define ALL "IN {ids $1}"
#define ONE "= $1"

static int take_all(struct reading *r, struct mr_stmt *s,
		    const struct asked_of *q, struct mreg_error *err)
{
	size_t at;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (!row_of(r, mr_stmt_int(s, 0), &at))
			continue;
		rc = q->take(r, s, at, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int ask(struct reading *r, const struct asked_of *q,
	       struct mreg_error *err)
{
	bool each = is_asked_each(r);
	struct mr_stmt *s;
	size_t i;
	int rc = mr_db_stmt(r->ix->db, each ? q->one : q->all, &s, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < (each ? r->count : 1) && rc >= 0; i++) {
		mr_stmt_reset(s);
		if (each)
			mr_bind_int(s, 1, r->ids[i]);
		else
			mr_bind_ids(s, 1, r->ids, r->count);
		rc = take_all(r, s, q, err);
	}
	mr_stmt_reset(s);
	return rc;
}

static int want_pairs(struct reading *r, struct pairs *p,
		      struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < p->n && rc == 0; i++) {
		if (p->items[i].key)
			rc = want(r, p->items[i].key, &p->items[i].name, err);
		if (rc == 0 && p->items[i].value)
			rc = want(r, p->items[i].value, &p->items[i].text, err);
	}
	return rc;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Where row `at`'s pairs lie among the sorted ones, from `*i` on. */
static size_t run_of(const struct pairs *p, size_t at, size_t *i)
{
	size_t begin;

	while (*i < p->n && p->items[*i].row < at)
		++*i;
	begin = *i;
	while (*i < p->n && p->items[*i].row == at)
		++*i;
	return begin;
}

static void give_pairs(struct reading *r, struct pairs *p, size_t at, size_t *i,
		       struct mreg_pair **out, size_t *count)
{
	size_t begin = run_of(p, at, i), k;

	if (*i == begin)
		return;
	*out = mr_arena_alloc(r->arena, (*i - begin) * sizeof(**out));
	if (!*out)
		return; /* the arena says so at the end */
	*count = *i - begin;
	for (k = 0; k < *count; k++)
		(*out)[k] = (struct mreg_pair){ p->items[begin + k].name,
						p->items[begin + k].text };
}

static void give_names(struct reading *r, size_t at, size_t *i)
{
	size_t begin = run_of(&r->names, at, i), k;
	const char **out;

	if (*i == begin)
		return;
	out = mr_arena_alloc(r->arena, (*i - begin) * sizeof(*out));
	if (!out)
		return;
	for (k = begin; k < *i; k++)
		out[k - begin] = r->names.items[k].name;
	r->rows[at].aliases = out;
	r->rows[at].alias_count = *i - begin;
}

static void sort_pairs(struct pairs *p)
{
	if (p->n)
		qsort(p->items, p->n, sizeof(*p->items), compare_pairs);
}

static void give(struct reading *r)
{
	size_t i, metric = 0, param = 0, tag = 0, name = 0;
	struct mr_ix_row *row;

	sort_pairs(&r->metrics);
	sort_pairs(&r->params);
	sort_pairs(&r->tags);
	sort_pairs(&r->names);
	for (i = 0; i < r->count; i++) {
		row = r->rows + i;
		give_pairs(r, &r->metrics, i, &metric, &row->metrics,
			   &row->metric_count);
		give_pairs(r, &r->params, i, &param, &row->params,
			   &row->param_count);
		give_pairs(r, &r->tags, i, &tag, &row->tags, &row->tag_count);
		give_names(r, i, &name);
	}
}

static int read_all(struct reading *r, struct mreg_error *err)
{
	static const struct asked_of all[] = {
		{ SELECT_ROWS(ALL), SELECT_ROWS(ONE), take_row },
		{ METRICS(ALL), METRICS(ONE), take_metric },
		{ PROPERTIES(ALL), PROPERTIES(ONE), take_property },
		{ NAMES(ALL), NAMES(ONE), take_name },
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < MR_COUNT(all) && rc == 0; i++)
		rc = ask(r, &all[i], err);
	if (rc == 0)
		rc = want_pairs(r, &r->metrics, err);
	if (rc == 0)
		rc = want_pairs(r, &r->params, err);
	if (rc == 0)
		rc = want_pairs(r, &r->tags, err);
	if (rc == 0)
		rc = fetch_texts(r, err);
	if (rc == 0 && mr_arena_failed(r->arena))
		rc = mr_fail_nomem(err);
	if (rc == 0)
		give(r);
	if (rc == 0 && mr_arena_failed(r->arena))
		rc = mr_fail_nomem(err);
	return rc;
}

struct asked {
	int64_t id;
	size_t at;
};

static int compare_asked(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Which row each id is; ids that are asked for twice are read once. */
static int place_rows(struct reading *r, const int64_t *ids, size_t n,
		      struct asked **out, struct mreg_error *err)
{
	struct asked *a = mr_array(n, sizeof(*a));
	size_t i;

	r->ids = mr_array(n, sizeof(*r->ids));
	r->at = mr_array(n, sizeof(*r->at));
	*out = a;
	if (!a || !r->ids || !r->at)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		a[i] = (struct asked){ ids[i], i };
	qsort(a, n, sizeof(*a), compare_asked);
	for (i = 0; i < n; i++) {
		if (i > 0 && a[i - 1].id == a[i].id)
			continue;
		r->ids[r->count] = a[i].id;
		r->at[r->count] = r->count;
		r->count++;
	}
	return 0;
}

int mr_ix_rows_fetch(struct mr_index *ix, const int64_t *ids, size_t n,
		     struct mr_arena *arena, struct mr_ix_row **out,
		     struct mreg_error *err)
{
	MR_AUTO(reading_release)
	struct reading r = { .ix = ix, .arena = arena };
	MR_AUTO(mr_free) struct asked *asked = NULL;
	struct mr_ix_row *rows;
	size_t i, at = 0;
	int rc = place_rows(&r, ids, n, &asked, err);

	if (rc < 0)
		return rc;
	rows = mr_arena_alloc(arena, (n + 1) * sizeof(*rows));
	r.rows = mr_arena_alloc(arena, (n + 1) * sizeof(*rows));
	if (!rows || !r.rows)
		return mr_fail_nomem(err);
	rc = read_all(&r, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++) {
		if (i > 0 && asked[i].id != asked[i - 1].id)
			at++;
		rows[asked[i].at] = r.rows[at];
	}
	*out = rows;
	return 0;
}

int mr_index_rows(struct mr_index *ix, const int64_t *ids, size_t n,
		  struct mr_arena *arena, struct mr_ix_row **out,
		  struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_ix_rows_read(ix, ids, n, arena, out, err);
	mr_ix_end_read(ix);
	return rc;
}
