/*
 * intern.c - texts and nodes to ids and back.
 *
 * Most of both come again and again (licences, names of metrics, parents), so
 * their ids are remembered for as long as the connection is, up to a bound: a
 * writer alone uses them, and in one database no id is ever given to another.
 *
 * A new one gets the id behind the largest, which a writer asks for once: it is
 * alone, and does not wait for an answer then.
 */
#include "index/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

/* Some 8 MB; beyond it all is forgotten, and what is common comes back. */
#define INTERNED_MAX 65536
#define INTERNED_SLOTS (2 * INTERNED_MAX)
#define INTERNED_ARENA_BYTES (64u << 20)

/* What is interned: bytes of a text, of a digest, of a node's name, of what a
 * pair has. */
struct key {
	const void *bytes;
	size_t n;
	int kind;
};

struct mr_ix_interned {
	struct mr_arena *arena; /* owned: the bytes */
	size_t count;
	struct slot {
		struct key key; /* bytes NULL: free */
		int64_t id;
	} slots[INTERNED_SLOTS];
};

static bool is_key(const struct key *a, const struct key *b)
{
	return a->n == b->n && a->kind == b->kind &&
	       memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* FNV-1a; whoever makes many texts meet in one slot makes a sync slower, and
 * has to write them all into manifests first. */
static struct slot *slot_of(struct mr_ix_interned *in, const struct key *k)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)k->kind;
	const unsigned char *p = k->bytes;
	size_t i;

	for (i = 0; i < k->n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	h ^= h >> 32;
	while (in->slots[h % INTERNED_SLOTS].key.bytes &&
	       !is_key(&in->slots[h % INTERNED_SLOTS].key, k))
		h++;
	return &in->slots[h % INTERNED_SLOTS];
}

/* 0: not remembered. */
static int64_t known(const struct mr_index *ix, const struct key *k)
{
	return ix->interned ? slot_of(ix->interned, k)->id : 0;
}

void mr_ix_forget_interned(struct mr_index *ix)
{
	if (ix->interned)
		mr_arena_free(ix->interned->arena);
	mr_release(mr_steal(&ix->interned));
	ix->sure_text = ix->last_text;
}

/* What waits to be written is only found here. */
static int start_anew(struct mr_index *ix, struct mreg_error *err)
{
	int rc = mr_ix_rows_settle(ix, NULL, err);

	mr_ix_forget_interned(ix);
	return rc;
}

/* Being out of memory here only means to ask the database again. */
static int keep(struct mr_index *ix, const struct key *k, int64_t id,
		struct mreg_error *err)
{
	struct mr_ix_interned *in = ix->interned;
	struct slot *s;
	char *copy;
	int rc;

	if (in && in->count == INTERNED_MAX) {
		rc = start_anew(ix, err);
		if (rc < 0)
			return rc;
		in = NULL;
	}
	if (!in) {
		in = mr_zalloc(sizeof(*in));
		if (in)
			in->arena = mr_arena_new(INTERNED_ARENA_BYTES);
		ix->interned = in;
	}
	/* No bytes are a key too. */
	copy = in && in->arena ? mr_arena_alloc(in->arena, k->n + 1) : NULL;
	if (!copy)
		return start_anew(ix, err);
	memcpy(copy, k->bytes, k->n);
	s = slot_of(in, k);
	s->key = (struct key){ copy, k->n, k->kind };
	s->id = id;
	in->count++;
	return 0;
}

int64_t mr_ix_known(const struct mr_index *ix, enum mr_ix_remembered kind,
		    const void *bytes, size_t n)
{
	const struct key k = { bytes, n, kind };

	return known(ix, &k);
}

int mr_ix_remember(struct mr_index *ix, enum mr_ix_remembered kind,
		   const void *bytes, size_t n, int64_t id,
		   struct mreg_error *err)
{
	const struct key k = { bytes, n, kind };

	return keep(ix, &k, id, err);
}

/* -- ids of a transaction -------------------------------------------------- */

void mr_ix_begin_ids(struct mr_index *ix, struct mr_stmt *s, int column)
{
	const char *made = mr_stmt_text(s, column);

	if (!made || strcmp(made, ix->made) != 0 ||
	    mr_db_reconnects(ix->db) != ix->reconnects) {
		mr_ix_forget_interned(ix);
		(void)snprintf(ix->made, sizeof(ix->made), "%s",
			       made ? made : "");
		ix->reconnects = mr_db_reconnects(ix->db);
	}
	ix->last_text = ix->sure_text = mr_stmt_int(s, column + 1);
	ix->last_node = mr_stmt_int(s, column + 2);
	ix->last_version = mr_stmt_int(s, column + 3);
	ix->last_pair = mr_stmt_int(s, column + 4);
	ix->last_form = mr_stmt_int(s, column + 5);
}

/* -- asking ---------------------------------------------------------------- */

/* One id, or 0 where there is no row. */
static int one_id(struct mr_stmt *s, int64_t *out, struct mreg_error *err)
{
	int rc = mr_stmt_step(s, err);

	*out = rc > 0 ? mr_stmt_int(s, 0) : 0;
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

int mr_ix_text_find(struct mr_index *ix, const char *text, int64_t *out,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db, "SELECT id FROM ix_texts WHERE value = $1",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, text);
	return one_id(s, out, err);
}

#define FIND_DIGEST                                                            \
	"SELECT id FROM ix_nodes WHERE substr(name, 1, 4) = $3 AND "           \
	"name = $1 AND kind = $2"

static int find_digest(struct mr_index *ix, enum mr_graph_kind kind,
		       const struct mreg_digest *d, int64_t *out,
		       struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db, FIND_DIGEST, &s, err);

	if (rc < 0)
		return rc;
	mr_ix_bind_digest(s, 1, d);
	mr_bind_int(s, 2, kind);
	mr_bind_blob(s, 3, d->bytes, MR_IX_PREFIX_BYTES);
	return one_id(s, out, err);
}

static int find_name(struct mr_index *ix, enum mr_graph_kind kind,
		     const char *name, int64_t *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "SELECT id FROM ix_nodes "
			    "WHERE text = $1 AND kind = $2",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, name);
	mr_bind_int(s, 2, kind);
	return one_id(s, out, err);
}

int mr_ix_node_find(struct mr_index *ix, enum mr_graph_kind kind,
		    const struct mreg_digest *d, const char *name, int64_t *out,
		    struct mreg_error *err)
{
	*out = 0;
	return d ? find_digest(ix, kind, d, out, err)
		 : find_name(ix, kind, name, out, err);
}

/* -- making ---------------------------------------------------------------- */

static struct key text_key(const char *text)
{
	return (struct key){ text, strlen(text), MR_IX_OF_TEXT };
}

static int make_text(struct mr_index *ix, const char *text, int64_t *out,
		     struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.insert = "INSERT INTO ix_texts (id, value) VALUES ($1, $2)",
		.owners = 1,
		.columns = 1,
		.later = true,
	};
	const struct mr_cell row = mr_cell_text(text);
	struct mr_cell id;

	*out = ++ix->last_text;
	id = mr_cell_int(*out);
	return mr_ix_rows_insert(ix, &list, &id, &row, err);
}

int mr_ix_text(struct mr_index *ix, const char *text, int64_t *out,
	       struct mreg_error *err)
{
	struct key k;
	int rc;

	*out = 0;
	if (!text)
		return 0;
	k = text_key(text);
	*out = known(ix, &k);
	if (*out)
		return 0;
	rc = mr_ix_text_find(ix, text, out, err);
	if (rc == 0 && *out == 0)
		rc = make_text(ix, text, out, err);
	return rc < 0 ? rc : keep(ix, &k, *out, err);
}

/* By digest, or with NULL by name. */
static int make_node(struct mr_index *ix, enum mr_graph_kind kind,
		     const struct mreg_digest *d, const char *name,
		     int64_t *out, struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.insert = "INSERT INTO ix_nodes (id, kind, name, text) "
			  "VALUES ($1, $2, $3, $4)",
		.owners = 1,
		.columns = 3,
		.later = true,
	};
	const struct mr_cell row[] = {
		mr_cell_int(kind),
		d ? mr_cell_digest(d) : (struct mr_cell){ 0 },
		mr_cell_text(d ? NULL : name),
	};
	struct mr_cell id;

	*out = ++ix->last_node;
	id = mr_cell_int(*out);
	return mr_ix_rows_insert(ix, &list, &id, row, err);
}

static struct key node_key(enum mr_graph_kind kind, const struct mreg_digest *d,
			   const char *name)
{
	if (!d)
		return (struct key){ name, strlen(name), (int)kind };
	return (struct key){ d->bytes, mr_ix_digest_bytes(d), (int)kind };
}

int mr_ix_node(struct mr_index *ix, enum mr_graph_kind kind,
	       const struct mreg_digest *d, const char *name, int64_t *out,
	       struct mreg_error *err)
{
	const struct key k = node_key(kind, d, name);
	int rc = 0;

	*out = known(ix, &k);
	if (*out)
		return 0;
	rc = mr_ix_node_find(ix, kind, d, name, out, err);
	if (rc == 0 && *out == 0)
		rc = make_node(ix, kind, d, name, out, err);
	return rc < 0 ? rc : keep(ix, &k, *out, err);
}

/* -- many at once ---------------------------------------------------------- */

void mr_ix_want_text(const struct mr_index *ix, struct mr_ix_wanted *w,
		     const char *text)
{
	struct key k;
	size_t i;

	if (!text || w->text_count == MR_IX_WANTED)
		return;
	k = text_key(text);
	for (i = 0; i < w->text_count; i++)
		if (strcmp(w->texts[i], text) == 0)
			return;
	if (known(ix, &k) == 0)
		w->texts[w->text_count++] = text;
}

static struct key wanted_key(const struct mr_ix_wanted_node *n)
{
	return node_key(n->kind, n->name ? NULL : &n->digest, n->name);
}

static void want_node(const struct mr_index *ix, struct mr_ix_wanted *w,
		      const struct mr_ix_wanted_node *n)
{
	const struct key k = wanted_key(n);
	struct key other;
	size_t i;

	if (w->node_count == MR_IX_WANTED || known(ix, &k))
		return;
	for (i = 0; i < w->node_count; i++) {
		other = wanted_key(&w->nodes[i]);
		if (is_key(&other, &k))
			return;
	}
	w->nodes[w->node_count++] = *n;
}

void mr_ix_want_manifest(const struct mr_index *ix, struct mr_ix_wanted *w,
			 const struct mreg_digest *d)
{
	want_node(ix, w,
		  &(struct mr_ix_wanted_node){ .kind = MR_GRAPH_MANIFEST,
					       .digest = *d });
}

void mr_ix_want_outside(const struct mr_index *ix, struct mr_ix_wanted *w,
			enum mr_graph_kind kind, const char *name)
{
	want_node(ix, w,
		  &(struct mr_ix_wanted_node){ .kind = kind, .name = name });
}

/* A column each: what is not asked for costs time as well. */
static void wanted_sql(const struct mr_ix_wanted *w, struct mr_buf *out)
{
	const char *comma = "";
	size_t i, at = 1;

	mr_buf_puts(out, "SELECT ");
	for (i = 0; i < w->text_count; i++, comma = ", ")
		mr_buf_printf(out,
			      "%s(SELECT id FROM ix_texts WHERE value = $%zu)",
			      comma, at++);
	for (i = 0; i < w->node_count; i++, comma = ", ") {
		mr_buf_printf(out, "%s(SELECT id FROM ix_nodes WHERE kind = %d",
			      comma, (int)w->nodes[i].kind);
		if (w->nodes[i].name)
			mr_buf_printf(out, " AND text = $%zu)", at);
		else
			mr_buf_printf(out,
				      " AND substr(name, 1, 4) = $%zu "
				      "AND name = $%zu)",
				      at + 1, at);
		at += w->nodes[i].name ? 1 : 2;
	}
}

static int ask_wanted(struct mr_index *ix, const struct mr_ix_wanted *w,
		      int64_t ids[2 * MR_IX_WANTED], struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf sql = MR_BUF_INIT(4096);
	const struct mr_ix_wanted_node *n;
	struct mr_stmt *s;
	size_t i;
	int at = 1;
	int rc;

	wanted_sql(w, &sql);
	rc = mr_buf_check(&sql, "SQL", err);
	if (rc == 0)
		rc = mr_db_stmt(ix->db, mr_buf_text(&sql), &s, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < w->text_count; i++)
		mr_bind_text(s, at++, w->texts[i]);
	for (i = 0; i < w->node_count; i++) {
		n = &w->nodes[i];
		if (n->name) {
			mr_bind_text(s, at++, n->name);
			continue;
		}
		mr_ix_bind_digest(s, at++, &n->digest);
		mr_bind_blob(s, at++, n->digest.bytes, MR_IX_PREFIX_BYTES);
	}
	rc = mr_stmt_step(s, err);
	for (i = 0; i < w->text_count + w->node_count; i++)
		ids[i] = rc > 0 ? mr_stmt_int(s, (int)i) : 0;
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

int mr_ix_make_wanted(struct mr_index *ix, const struct mr_ix_wanted *w,
		      struct mreg_error *err)
{
	int64_t ids[2 * MR_IX_WANTED], *id;
	const struct mr_ix_wanted_node *n;
	struct key k;
	size_t i;
	int rc;

	/* A single one is asked for as well when it is needed. */
	if (w->text_count + w->node_count < 2)
		return 0;
	rc = ask_wanted(ix, w, ids, err);
	for (i = 0; i < w->text_count && rc == 0; i++) {
		k = text_key(w->texts[i]);
		if (ids[i] == 0)
			rc = make_text(ix, w->texts[i], &ids[i], err);
		if (rc == 0)
			rc = keep(ix, &k, ids[i], err);
	}
	for (i = 0; i < w->node_count && rc == 0; i++) {
		id = ids + w->text_count + i;
		n = &w->nodes[i];
		k = wanted_key(n);
		if (*id == 0)
			rc = make_node(ix, n->kind, n->name ? NULL : &n->digest,
				       n->name, id, err);
		if (rc == 0)
			rc = keep(ix, &k, *id, err);
	}
	return rc;
}

/* -- digests --------------------------------------------------------------- */

size_t mr_ix_digest_bytes(const struct mreg_digest *d)
{
	return d->algorithm == MREG_SHA512 ? 64 : 32;
}

void mr_ix_bind_digest(struct mr_stmt *s, int at, const struct mreg_digest *d)
{
	if (mr_digest_known(d))
		mr_bind_blob(s, at, d->bytes, mr_ix_digest_bytes(d));
	else
		mr_bind_null(s, at);
}

void mr_ix_digest(struct mr_stmt *s, int column, struct mreg_digest *out)
{
	size_t n;
	const void *bytes = mr_stmt_blob(s, column, &n);

	memset(out, 0, sizeof(*out));
	if (!bytes || (n != 32 && n != 64))
		return;
	out->algorithm = n == 64 ? MREG_SHA512 : MREG_SHA256;
	memcpy(out->bytes, bytes, n);
}
