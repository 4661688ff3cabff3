/*
 * postgres_stmt.c - statements of PostgreSQL: values bound, rows as they
 * arrive.
 *
 * Types of placeholders are those of the values that are bound, so that the
 * server never guesses one from a text; a NULL has the type of what was bound
 * there before, or the one that the server infers.  A statement that is kept
 * is prepared under a name when it is first run, and anew when a type differs.
 */
#include "db/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define ARRAY_MAX_BYTES (64u << 20)
/* Rows of a statement that was left while another one was asked. */
#define ROWS_MAX_BYTES (1u << 30)
/* Answers outstanding before they are taken: a few KiB, which sockets hold. */
#define PIPED_MAX 256

struct param {
	Oid type;     /* of the value; 0: NULL */
	Oid declared; /* when it was prepared */
	char fixed[8];
	char *bytes; /* owned */
	size_t cap;
	size_t n;
	bool is_fixed;
};

enum state {
	STATE_NEW,     /* not asked yet */
	STATE_RUNNING, /* more may arrive */
	STATE_DONE,    /* all of it has arrived */
};

struct mr_pg_stmt {
	struct mr_stmt base;
	char *sql;     /* owned */
	bool keep;     /* by a name */
	bool text;     /* results as text */
	char name[24]; /* "": has none yet */
	unsigned int epoch;
	struct param *params; /* owned */
	int count;
	const char **values; /* owned; what libpq is given */
	int *lengths, *formats;
	Oid *types;
	enum mreg_code failed; /* binding */
	enum state state;
	PGresult *shape; /* owned; columns */
	PGresult *res;   /* owned; the row, as it arrived */
	/* Rows taken into memory: for each column its length (-1: NULL), its
	 * bytes and a NUL. */
	struct mr_buf rows;
	size_t at;            /* of the next row in `rows` */
	const char **columns; /* owned; of the row in memory */
	int *column_lengths;
	char **scratch;         /* owned, each owned */
	int width;              /* columns */
	struct mreg_error late; /* of the end of it */
};

static struct mr_pg_stmt *stmt_of(struct mr_stmt *s)
{
	return mr_container_of(s, struct mr_pg_stmt, base);
}

static struct mr_postgres *db_of(struct mr_pg_stmt *s)
{
	return mr_postgres_of(s->base.db);
}

/* -- making and freeing ---------------------------------------------------- */

static void free_columns(struct mr_pg_stmt *s)
{
	int i;

	for (i = 0; s->scratch && i < s->width; i++)
		mr_release(s->scratch[i]);
	mr_release(s->scratch);
	mr_release(s->columns);
	mr_release(s->column_lengths);
	s->scratch = NULL;
	s->columns = NULL;
	s->column_lengths = NULL;
	s->width = 0;
	db_of(s)->pq.PQclear(s->shape);
	s->shape = NULL;
}

static void release(struct mr_pg_stmt *s)
{
	int i;

	for (i = 0; s->params && i < s->count; i++)
		mr_release(s->params[i].bytes);
	free_columns(s);
	mr_buf_release(&s->rows);
	mr_release(s->params);
	mr_release(s->values);
	mr_release(s->lengths);
	mr_release(s->formats);
	mr_release(s->types);
	mr_release(s->sql);
	mr_release(s);
}

int mr_pg_prepare(struct mr_db *db, const char *sql, bool keep,
		  struct mr_stmt **out, struct mreg_error *err)
{
	struct mr_pg_stmt *s = mr_zalloc(sizeof(*s));
	size_t n;

	if (!s)
		return mr_fail_nomem(err);
	s->base.db = db;
	s->keep = keep;
	s->count = mr_db_params(sql);
	n = (size_t)s->count + 1;
	s->sql = mr_strdup(sql);
	s->params = mr_array(n, sizeof(*s->params));
	s->values = mr_array(n, sizeof(*s->values));
	s->lengths = mr_array(n, sizeof(*s->lengths));
	s->formats = mr_array(n, sizeof(*s->formats));
	s->types = mr_array(n, sizeof(*s->types));
	mr_buf_init(&s->rows, ROWS_MAX_BYTES);
	if (!s->sql || !s->params || !s->values || !s->lengths || !s->formats ||
	    !s->types) {
		release(s);
		return mr_fail_nomem(err);
	}
	*out = &s->base;
	return 0;
}

void mr_pg_stmt_free(struct mr_stmt *base)
{
	mr_pg_reset(base);
	release(stmt_of(base));
}

void mr_pg_as_text(struct mr_stmt *base)
{
	stmt_of(base)->text = true;
}

/* -- binding --------------------------------------------------------------- */

static void keep_bytes(struct mr_pg_stmt *s, struct param *p, const void *bytes,
		       size_t n)
{
	if (mr_grow((void **)&p->bytes, &p->cap, n + 1, 1) < 0) {
		s->failed = MREG_ENOMEM;
		return;
	}
	memcpy(p->bytes, bytes, n);
	p->bytes[n] = '\0';
	p->n = n;
}

static void keep_number(struct param *p, uint64_t bits)
{
	mr_pg_put64(bits, p->fixed);
	p->n = sizeof(p->fixed);
	p->is_fixed = true;
}

void mr_pg_bind(struct mr_stmt *base, int at, const struct mr_db_value *v)
{
	struct mr_pg_stmt *s = stmt_of(base);
	struct param *p;
	uint64_t bits;

	if (at < 1 || at > s->count) {
		s->failed = MREG_EINTERNAL;
		return;
	}
	p = &s->params[at - 1];
	p->is_fixed = false;
	p->type = 0;
	switch (v->type) {
	case MR_COLUMN_NULL:
		break;
	case MR_COLUMN_INT:
		p->type = MR_PG_INT8;
		keep_number(p, (uint64_t)v->i);
		break;
	case MR_COLUMN_REAL:
		p->type = MR_PG_FLOAT8;
		memcpy(&bits, &v->r, sizeof(bits));
		keep_number(p, bits);
		break;
	case MR_COLUMN_TEXT:
		p->type = MR_PG_TEXT;
		keep_bytes(s, p, v->bytes, v->n);
		break;
	case MR_COLUMN_BLOB:
		p->type = MR_PG_BYTEA;
		keep_bytes(s, p, v->bytes, v->n);
		break;
	}
}

/* Room for an array of `n` elements, which take `bytes` behind its head. */
static char *array_of(struct mr_pg_stmt *s, int at, enum mr_pg_type type,
		      size_t n, size_t bytes)
{
	struct param *p;

	if (at < 1 || at > s->count || bytes > ARRAY_MAX_BYTES) {
		s->failed =
			at < 1 || at > s->count ? MREG_EINTERNAL : MREG_ELIMIT;
		return NULL;
	}
	p = &s->params[at - 1];
	p->type = mr_pg_array_type(type);
	p->is_fixed = false;
	p->n = MR_PG_ARRAY_HEAD + bytes;
	if (mr_grow((void **)&p->bytes, &p->cap, p->n, 1) < 0) {
		s->failed = MREG_ENOMEM;
		return NULL;
	}
	if (n == 0)
		p->n = MR_PG_ARRAY_NONE;
	mr_pg_put_head(type, n, p->bytes);
	return p->bytes + MR_PG_ARRAY_HEAD;
}

void mr_pg_bind_ids(struct mr_stmt *base, int at, const int64_t *ids, size_t n)
{
	char *out = n > ARRAY_MAX_BYTES / 12 ? NULL
					     : array_of(stmt_of(base), at,
							MR_PG_INT8, n, 12 * n);
	size_t i;

	if (n > ARRAY_MAX_BYTES / 12)
		stmt_of(base)->failed = MREG_ELIMIT;
	for (i = 0; out && i < n; i++) {
		mr_pg_put32(8, out + 12 * i);
		mr_pg_put64((uint64_t)ids[i], out + 12 * i + 4);
	}
}

void mr_pg_bind_items(struct mr_stmt *base, int at, enum mr_column type,
		      const struct mr_buf *items, size_t n)
{
	char *out =
		array_of(stmt_of(base), at, mr_pg_type_of(type), n, items->len);

	if (out && items->len)
		memcpy(out, items->data, items->len);
}

/* -- sending --------------------------------------------------------------- */

static int bind_failed(struct mr_pg_stmt *s, struct mreg_error *err)
{
	if (s->failed == MREG_ENOMEM)
		return mr_fail_nomem(err);
	return mr_fail(err, s->failed,
		       s->failed == MREG_ELIMIT ? "too many ids for one set"
						: "a value for no placeholder");
}

/* What libpq is given; whether types differ from when it was prepared. */
static bool fill(struct mr_pg_stmt *s)
{
	bool changed = false;
	struct param *p;
	int i;

	for (i = 0; i < s->count; i++) {
		p = &s->params[i];
		s->values[i] = !p->type      ? NULL
			       : p->is_fixed ? p->fixed
					     : p->bytes;
		s->lengths[i] = (int)p->n;
		s->formats[i] = 1;
		if (p->type && p->type != p->declared) {
			p->declared = p->type;
			changed = true;
		}
		s->types[i] = p->declared;
	}
	return changed;
}

/* The answer to a statement that gives nothing but whether it failed. */
static int take_answer(struct mr_postgres *d, struct mreg_error *err)
{
	PGresult *res = NULL;
	int first = 0;
	int rc;

	for (;;) {
		rc = mr_pg_result(d, &res, err);
		if (rc < 0 || !res)
			return first < 0 ? first : rc;
		if (first == 0 && d->pq.PQresultStatus(res) != PGRES_COMMAND_OK)
			first = mr_pg_fail(d, res, "ask", err);
		d->pq.PQclear(res);
	}
}

static int prepare_named(struct mr_pg_stmt *s, struct mreg_error *err)
{
	struct mr_postgres *d = db_of(s);
	int rc = 0;

	(void)snprintf(s->name, sizeof(s->name), "s%u", ++d->prepared);
	s->epoch = d->epoch;
	if (!d->pq.PQsendPrepare(d->conn, s->name, s->sql, s->count, s->types))
		rc = mr_pg_fail(d, NULL, "ask", err);
	else if (d->piping)
		d->piped++;
	else
		rc = take_answer(d, err);
	if (rc < 0)
		s->name[0] = '\0';
	return rc;
}

static int send_it(struct mr_pg_stmt *s, struct mreg_error *err)
{
	struct mr_postgres *d = db_of(s);
	bool changed = fill(s);
	int format = s->text ? 0 : 1;
	int sent;
	int rc;

	if (changed)
		free_columns(s);
	if (s->keep && (changed || !s->name[0] || s->epoch != d->epoch)) {
		rc = prepare_named(s, err);
		if (rc < 0)
			return rc;
	}
	sent = s->keep ? d->pq.PQsendQueryPrepared(d->conn, s->name, s->count,
						   s->values, s->lengths,
						   s->formats, format)
		       : d->pq.PQsendQueryParams(
				 d->conn, s->sql, s->count, s->types, s->values,
				 s->lengths, s->formats, format);
	return sent ? 0 : mr_pg_fail(d, NULL, "ask", err);
}

/* -- receiving ------------------------------------------------------------- */

/* Columns are those of the first result there is. */
static int learn_shape(struct mr_pg_stmt *s, const PGresult *res)
{
	struct mr_postgres *d = db_of(s);
	size_t n;

	if (s->shape)
		return 0;
	s->shape = d->pq.PQcopyResult(res, PG_COPYRES_ATTRS);
	s->width = d->pq.PQnfields(res);
	n = (size_t)s->width + 1;
	s->columns = mr_array(n, sizeof(*s->columns));
	s->column_lengths = mr_array(n, sizeof(*s->column_lengths));
	s->scratch = mr_array(n, sizeof(*s->scratch));
	if (s->shape && s->columns && s->column_lengths && s->scratch)
		return 0;
	free_columns(s);
	return MREG_ENOMEM;
}

/* The next row as it arrives: 1, and it is in s->res; 0: the end; below 0: it
 * is in s->late. */
static int receive(struct mr_pg_stmt *s)
{
	struct mr_postgres *d = db_of(s);
	PGresult *res = NULL;
	ExecStatusType status;

	for (;;) {
		if (mr_pg_result(d, &res, &s->late) < 0 || !res)
			break;
		status = d->pq.PQresultStatus(res);
		if ((status == PGRES_SINGLE_TUPLE ||
		     status == PGRES_TUPLES_OK) &&
		    learn_shape(s, res) < 0 && s->late.code == MREG_OK)
			(void)mr_fail_nomem(&s->late);
		if (status == PGRES_SINGLE_TUPLE && s->late.code == MREG_OK) {
			s->res = res;
			return 1;
		}
		if (status == PGRES_FATAL_ERROR && s->late.code == MREG_OK)
			(void)mr_pg_fail(d, res, "ask", &s->late);
		d->pq.PQclear(res);
	}
	s->state = STATE_DONE;
	d->active = NULL;
	return (int)s->late.code;
}

static void drop_row(struct mr_pg_stmt *s)
{
	db_of(s)->pq.PQclear(s->res);
	s->res = NULL;
}

void mr_pg_absorb(struct mr_pg_stmt *s)
{
	struct mr_postgres *d = db_of(s);
	PGresult *row = s->res; /* the caller is still looking at it */
	int i, n;

	s->res = NULL;
	while (receive(s) > 0) {
		for (i = 0; i < s->width; i++) {
			n = d->pq.PQgetisnull(s->res, 0, i)
				    ? -1
				    : d->pq.PQgetlength(s->res, 0, i);
			mr_buf_add(&s->rows, &n, sizeof(n));
			/* With the NUL that libpq puts behind it. */
			if (n >= 0)
				mr_buf_add(&s->rows,
					   d->pq.PQgetvalue(s->res, 0, i),
					   (size_t)n + 1);
		}
		drop_row(s);
	}
	s->res = row;
	if (s->late.code == MREG_OK)
		(void)mr_buf_check(&s->rows, "rows of a question", &s->late);
}

static void next_in_memory(struct mr_pg_stmt *s)
{
	const char *p = s->rows.data + s->at;
	int i;

	for (i = 0; i < s->width; i++) {
		memcpy(&s->column_lengths[i], p, sizeof(int));
		p += sizeof(int);
		s->columns[i] = p;
		if (s->column_lengths[i] >= 0)
			p += s->column_lengths[i] + 1;
	}
	s->at = (size_t)(p - s->rows.data);
}

static int begin(struct mr_pg_stmt *s, struct mreg_error *err)
{
	struct mr_postgres *d = db_of(s);
	int rc = s->failed == MREG_OK ? 0 : bind_failed(s, err);

	if (rc >= 0)
		rc = mr_pg_ready(d, err);
	if (rc >= 0)
		rc = send_it(s, err);
	if (rc < 0)
		return rc;
	(void)d->pq.PQsetSingleRowMode(d->conn); /* else all rows at once */
	d->active = s;
	s->state = STATE_RUNNING;
	return 0;
}

int mr_pg_step(struct mr_stmt *base, struct mreg_error *err)
{
	struct mr_pg_stmt *s = stmt_of(base);
	int rc;

	if (s->state == STATE_NEW) {
		rc = begin(s, err);
		if (rc < 0) {
			s->state = STATE_DONE;
			return rc;
		}
	}
	drop_row(s);
	if (s->at < s->rows.len && s->late.code == MREG_OK) {
		next_in_memory(s);
		return 1;
	}
	mr_buf_clear(&s->rows); /* none of them is the current row */
	s->at = 0;
	if (s->state == STATE_RUNNING && receive(s) > 0)
		return 1;
	rc = (int)s->late.code;
	if (rc < 0 && err)
		*err = s->late;
	s->late.code = MREG_OK;
	return rc;
}

int mr_pg_run(struct mr_stmt *base, struct mreg_error *err)
{
	struct mr_pg_stmt *s = stmt_of(base);
	struct mr_postgres *d = db_of(s);
	int rc;

	if (!d->base.in_tx) {
		do
			rc = mr_pg_step(base, err);
		while (rc > 0);
		return rc;
	}
	if (s->failed != MREG_OK)
		return bind_failed(s, err);
	if (!d->piping || d->piped >= PIPED_MAX) {
		rc = mr_pg_ready(d, err);
		if (rc < 0)
			return rc;
		if (!d->pq.PQenterPipelineMode(d->conn))
			return mr_pg_fail(d, NULL, "write to", err);
		d->piping = true;
	}
	rc = send_it(s, err);
	d->piped++;
	return rc;
}

void mr_pg_reset(struct mr_stmt *base)
{
	struct mr_pg_stmt *s = stmt_of(base);
	struct mr_postgres *d = db_of(s);
	int i;

	drop_row(s);
	/* A user's may go on for ever; it is the last of its connection. */
	if (d->active == s && s->text)
		mr_pg_give_up(d);
	if (d->active == s)
		while (receive(s) > 0)
			drop_row(s);
	for (i = 0; i < s->count; i++) {
		s->params[i].type = 0;
		s->params[i].is_fixed = false;
	}
	mr_buf_release(&s->rows);
	s->at = 0;
	s->failed = MREG_OK;
	s->late.code = MREG_OK;
	s->state = STATE_NEW;
}

/* -- columns --------------------------------------------------------------- */

int mr_pg_columns(struct mr_stmt *base)
{
	return stmt_of(base)->width;
}

const char *mr_pg_name(struct mr_stmt *base, int at)
{
	struct mr_pg_stmt *s = stmt_of(base);

	return s->shape ? db_of(s)->pq.PQfname(s->shape, at) : NULL;
}

void mr_pg_column(struct mr_stmt *base, int at, struct mr_db_value *out)
{
	struct mr_pg_stmt *s = stmt_of(base);
	struct mr_postgres *d = db_of(s);
	const char *bytes;
	int n;

	if (at < 0 || at >= s->width)
		return;
	if (s->res) {
		n = d->pq.PQgetisnull(s->res, 0, at)
			    ? -1
			    : d->pq.PQgetlength(s->res, 0, at);
		bytes = d->pq.PQgetvalue(s->res, 0, at);
	} else if (s->rows.len && s->at > 0 && s->at <= s->rows.len) {
		n = s->column_lengths[at];
		bytes = s->columns[at];
	} else {
		return;
	}
	if (n >= 0)
		mr_pg_decode(d->pq.PQftype(s->shape, at), s->text, bytes,
			     (size_t)n, &s->scratch[at], out);
}
