/*
 * read_kept.c - rows of versions that were read, kept for who asks again.
 *
 * What is looked at is looked at again: pages of the same filters, versions
 * that aliases stand for.  A row has dozens of texts and lies in five tables,
 * so reading it costs 8 us; a copy of one that is kept, 0.1.
 *
 * Invariants
 * 1. Rows are kept as long as the database's version stays what it was when
 *    they were read (mr_db_version): nobody wrote anything since.  A database
 *    without versions has none kept.
 * 2. What is given out is a copy in the caller's arena; nothing points here.
 */
#include "index/index.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/internal.h"
#include "index/read_kept.h"

/* As much as a connection has of SQLite's pages: some 30,000 rows.  Beyond it
 * all is forgotten, and what is common comes back. */
#define KEPT_MAX_BYTES (32u << 20)
#define KEPT_SLOTS 65536
#define KEPT_MAX (KEPT_SLOTS / 2)
/* Rows share no texts where they are kept, so long ones are not: that would
 * fill a result, too, with the same description again and again. */
#define ROW_MAX_BYTES 4096
#define TEXT_MAX_BYTES 256
/* Who reads more than that at once goes through all there is, and not twice. */
#define KEPT_AT_ONCE 1024
/* Of rows that are read to be kept: texts are 2,000 bytes at most. */
#define PEEK_MAX_BYTES (256u << 20)

/* A row whose texts and lists are all in `data`. */
struct packed {
	struct mr_ix_row row;
	size_t bytes; /* of `data` */
	char *data;   /* in the arena, as this is */
};

struct mr_ix_kept {
	uint64_t version;
	struct mr_arena *arena; /* owned */
	size_t count;
	struct packed *slots[KEPT_SLOTS]; /* by id; NULL: free */
	/* Texts of rows that were not kept: names of metrics, licenses. */
	size_t text_count;
	struct kept_text {
		int64_t id;
		const char *text; /* NULL: free */
	} texts[KEPT_SLOTS];
};

void mr_ix_forget_rows(struct mr_index *ix)
{
	if (ix->kept)
		mr_arena_free(ix->kept->arena);
	mr_release(mr_steal(&ix->kept));
}

/* The upper bits of a product with the golden ratio are spread. */
static size_t place_of(int64_t id)
{
	return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

static struct packed **slot_of(struct mr_ix_kept *k, int64_t id)
{
	size_t at = place_of(id);

	while (k->slots[at] && k->slots[at]->row.id != id)
		at = (at + 1) % KEPT_SLOTS;
	return &k->slots[at];
}

/* -- texts ----------------------------------------------------------------- */

static struct kept_text *text_slot(struct mr_ix_kept *k, int64_t id)
{
	size_t at = place_of(id);

	while (k->texts[at].text && k->texts[at].id != id)
		at = (at + 1) % KEPT_SLOTS;
	return &k->texts[at];
}

const char *mr_ix_kept_text(const struct mr_index *ix, int64_t id)
{
	return ix->kept ? text_slot(ix->kept, id)->text : NULL;
}

void mr_ix_keep_text(struct mr_index *ix, int64_t id, const char *text)
{
	char *copy;

	if (!ix->kept || strnlen(text, TEXT_MAX_BYTES) == TEXT_MAX_BYTES)
		return;
	copy = mr_arena_strdup(ix->kept->arena, text);
	if (!copy || ix->kept->text_count == KEPT_MAX) {
		mr_ix_forget_rows(ix);
		return;
	}
	*text_slot(ix->kept, id) = (struct kept_text){ id, copy };
	ix->kept->text_count++;
}

/* -- a row in one piece ---------------------------------------------------- */

static const size_t texts[] = {
	offsetof(struct mr_ix_row, model),
	offsetof(struct mr_ix_row, actor),
	offsetof(struct mr_ix_row, run),
	offsetof(struct mr_ix_row, owner),
	offsetof(struct mr_ix_row, author),
	offsetof(struct mr_ix_row, license),
	offsetof(struct mr_ix_row, description),
	offsetof(struct mr_ix_row, kind),
	offsetof(struct mr_ix_row, format),
	offsetof(struct mr_ix_row, architecture),
	offsetof(struct mr_ix_row, family),
	offsetof(struct mr_ix_row, precision),
	offsetof(struct mr_ix_row, quantization),
	offsetof(struct mr_ix_row, source),
	offsetof(struct mr_ix_row, revision),
	offsetof(struct mr_ix_row, stage),
	offsetof(struct mr_ix_row, release),
	offsetof(struct mr_ix_row, copied_from),
	offsetof(struct mr_ix_row, deprecated_reason),
};

static const char **text_at(struct mr_ix_row *row, size_t i)
{
	return (const char **)(void *)((char *)row + texts[i]);
}

/* What is copied behind what; without memory it is counted only. */
struct packing {
	char *data; /* NULL: count */
	size_t bytes;
};

static void pack_text(struct packing *p, const char **text)
{
	size_t n = *text ? strlen(*text) + 1 : 0;

	if (p->data && n) {
		memcpy(p->data + p->bytes, *text, n);
		*text = p->data + p->bytes;
	}
	p->bytes += n;
}

/* Lists come first, so they lie as they have to. */
static void pack_list(struct packing *p, void *list, size_t bytes)
{
	void **at = list;

	if (p->data && bytes) {
		memcpy(p->data + p->bytes, *at, bytes);
		*at = p->data + p->bytes;
	}
	p->bytes += bytes;
}

static void pack_pairs(struct packing *p, struct mreg_pair *pairs, size_t n)
{
	struct mreg_pair pair;
	size_t i;

	for (i = 0; i < n; i++) {
		pair = pairs[i];
		pack_text(p, &pair.name);
		pack_text(p, &pair.value);
		if (p->data)
			pairs[i] = pair;
	}
}

/* Counts, or moves `row` to p->data. */
static void pack(struct packing *p, struct mr_ix_row *row)
{
	const char *alias, **aliases;
	size_t i;

	pack_list(p, &row->aliases, row->alias_count * sizeof(*row->aliases));
	pack_list(p, &row->metrics, row->metric_count * sizeof(*row->metrics));
	pack_list(p, &row->params, row->param_count * sizeof(*row->params));
	pack_list(p, &row->tags, row->tag_count * sizeof(*row->tags));
	aliases = (const char **)(uintptr_t)row->aliases;
	for (i = 0; i < row->alias_count; i++) {
		alias = aliases[i];
		pack_text(p, &alias);
		if (p->data)
			aliases[i] = alias;
	}
	pack_pairs(p, row->metrics, row->metric_count);
	pack_pairs(p, row->params, row->param_count);
	pack_pairs(p, row->tags, row->tag_count);
	for (i = 0; i < MR_COUNT(texts); i++)
		pack_text(p, text_at(row, i));
}

static const char *moved(const char *p, const char *from, const char *to)
{
	return p ? to + (p - from) : NULL;
}

static void move_pairs(struct mreg_pair **pairs, size_t n, const char *from,
		       char *to)
{
	size_t i;

	if (n)
		*pairs = (void *)(to + ((const char *)*pairs - from));
	for (i = 0; i < n; i++) {
		(*pairs)[i].name = moved((*pairs)[i].name, from, to);
		(*pairs)[i].value = moved((*pairs)[i].value, from, to);
	}
}

/* Fails as the arena does, which remembers it. */
static void give(const struct packed *k, struct mr_arena *arena,
		 struct mr_ix_row *out)
{
	char *to = mr_arena_alloc(arena, k->bytes);
	const char *from = k->data;
	const char **aliases;
	size_t i;

	if (!to)
		return;
	memcpy(to, from, k->bytes);
	*out = k->row;
	for (i = 0; i < MR_COUNT(texts); i++)
		*text_at(out, i) = moved(*text_at(out, i), from, to);
	if (out->alias_count) {
		aliases = (void *)(to + ((const char *)out->aliases - from));
		for (i = 0; i < out->alias_count; i++)
			aliases[i] = moved(aliases[i], from, to);
		out->aliases = aliases;
	}
	move_pairs(&out->metrics, out->metric_count, from, to);
	move_pairs(&out->params, out->param_count, from, to);
	move_pairs(&out->tags, out->tag_count, from, to);
}

/* -- keeping --------------------------------------------------------------- */

/* Being out of memory here only means to ask the database again. */
static void keep(struct mr_index *ix, const struct mr_ix_row *row)
{
	struct mr_ix_row packable = *row;
	struct packing count = { .data = NULL };
	struct packed *p;

	if (!ix->kept || row->id == 0 || *slot_of(ix->kept, row->id))
		return;
	pack(&count, &packable);
	if (count.bytes > ROW_MAX_BYTES)
		return;
	p = mr_arena_alloc(ix->kept->arena, sizeof(*p));
	if (p)
		p->data = mr_arena_alloc(ix->kept->arena, count.bytes);
	if (!p || !p->data || ix->kept->count == KEPT_MAX) {
		mr_ix_forget_rows(ix);
		return;
	}
	p->row = *row;
	p->bytes = count.bytes;
	pack(&(struct packing){ .data = p->data }, &p->row);
	*slot_of(ix->kept, row->id) = p;
	ix->kept->count++;
}

/* What may be used of what is kept, and kept of what will be read. */
static int begin(struct mr_index *ix, struct mreg_error *err)
{
	uint64_t version = 0;
	int rc = mr_db_version(ix->db, &version, err);

	if (rc <= 0)
		return rc;
	if (ix->kept && ix->kept->version != version)
		mr_ix_forget_rows(ix);
	if (ix->kept)
		return 0;
	ix->kept = mr_zalloc(sizeof(*ix->kept));
	if (!ix->kept)
		return 0;
	ix->kept->version = version;
	ix->kept->arena = mr_arena_new(KEPT_MAX_BYTES);
	if (!ix->kept->arena)
		mr_ix_forget_rows(ix);
	return 0;
}

int mr_ix_rows_peek(struct mr_index *ix, const int64_t *ids, size_t n,
		    const struct mr_ix_row **out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = NULL;
	MR_AUTO(mr_free) int64_t *missing = NULL;
	struct mr_ix_row *fetched;
	struct packed *known;
	size_t i, m = 0;
	int rc = begin(ix, err);

	if (rc < 0 || !ix->kept || n > KEPT_AT_ONCE)
		return rc < 0 ? rc : 0;
	missing = mr_array(n, sizeof(*missing));
	if (!missing)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		if (!*slot_of(ix->kept, ids[i]))
			missing[m++] = ids[i];
	if (m > 0) {
		arena = mr_arena_new(PEEK_MAX_BYTES);
		if (!arena)
			return mr_fail_nomem(err);
		rc = mr_ix_rows_fetch(ix, missing, m, arena, &fetched, err);
		for (i = 0; i < m && rc >= 0; i++)
			keep(ix, &fetched[i]);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < n; i++) {
		known = ix->kept ? *slot_of(ix->kept, ids[i]) : NULL;
		if (!known)
			return 0;
		out[i] = &known->row;
	}
	return 1;
}

int mr_ix_rows_read(struct mr_index *ix, const int64_t *ids, size_t n,
		    struct mr_arena *arena, struct mr_ix_row **out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) int64_t *missing = NULL;
	MR_AUTO(mr_free) size_t *at = NULL;
	struct mr_ix_row *rows, *fetched;
	struct packed *known;
	size_t i, m = 0;
	int rc = begin(ix, err);

	if (rc < 0)
		return rc;
	rows = mr_arena_alloc(arena, (n + 1) * sizeof(*rows));
	missing = mr_array(n, sizeof(*missing));
	at = mr_array(n, sizeof(*at));
	if (!rows || !missing || !at)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		known = ix->kept ? *slot_of(ix->kept, ids[i]) : NULL;
		if (known) {
			give(known, arena, &rows[i]);
		} else {
			missing[m] = ids[i];
			at[m++] = i;
		}
	}
	if (mr_arena_failed(arena))
		return mr_fail_nomem(err);
	*out = rows;
	if (m == 0)
		return 0;
	rc = mr_ix_rows_fetch(ix, missing, m, arena, &fetched, err);
	for (i = 0; i < m && rc >= 0; i++) {
		rows[at[i]] = fetched[i];
		if (m <= KEPT_AT_ONCE)
			keep(ix, &fetched[i]);
	}
	return rc;
}
