/*
 * db/driver.h - what a database has to do for db.c; private to the folder.
 *
 * SQL that arrives here has its words expanded (words.c) and its placeholders
 * in the database's own form.
 */
#ifndef MR_DB_DRIVER_H
#define MR_DB_DRIVER_H

#include "base/buf.h"
#include "db/db.h"

/* What the words in braces are. */
struct mr_db_words {
	const char *key, *integer, *real, *text, *blob, *rowless;
	const char *mark;               /* before a placeholder's number */
	const char *ids;                /* @P: the placeholder */
	const char *like, *like_folded; /* @A: what is matched, @P: pattern */
	const char *digest, *time;      /* @A: the column */
};

struct mr_db_ops {
	enum mr_db_kind kind;
	const struct mr_db_words *words;
	/* Statements that nobody has and that are kept for who wants one of
	 * the same text: 0 where its plan depends on its values. */
	size_t idle_most;
	/* Gives a row when the table schema_steps is there. */
	const char *migrated;

	void (*close)(struct mr_db *db); /* frees it */
	int (*exec)(struct mr_db *db, const char *sql, struct mreg_error *err);
	int (*begin)(struct mr_db *db, bool write, struct mreg_error *err);
	int (*commit)(struct mr_db *db, struct mreg_error *err);
	void (*rollback)(struct mr_db *db);
	/* NULL: it has none. */
	int (*version)(struct mr_db *db, uint64_t *out, struct mreg_error *err);
	int (*settle)(struct mr_db *db, struct mreg_error *err);
	int (*size)(struct mr_db *db, uint64_t *out, struct mreg_error *err);
	int (*guarded)(struct mr_db *db, const char *sql,
		       const char *const *allowed, int64_t timeout_ms,
		       struct mr_stmt **out, struct mreg_error *err);

	/* `keep`: it will be run often. */
	int (*prepare)(struct mr_db *db, const char *sql, bool keep,
		       struct mr_stmt **out, struct mreg_error *err);
	void (*free)(struct mr_stmt *s);
	/* Trouble is kept, and told by the next step. */
	void (*bind)(struct mr_stmt *s, int at, const struct mr_db_value *v);
	void (*bind_ids)(struct mr_stmt *s, int at, const int64_t *ids,
			 size_t n);
	/* One more element of an array, and the array of `n` of them as a
	 * value; NULL: it gains nothing by writing many rows at once. */
	void (*put_item)(struct mr_buf *out, const struct mr_db_value *v);
	void (*bind_items)(struct mr_stmt *s, int at, enum mr_column type,
			   const struct mr_buf *items, size_t n);
	int (*step)(struct mr_stmt *s, struct mreg_error *err);
	int (*run)(struct mr_stmt *s, struct mreg_error *err);
	void (*reset)(struct mr_stmt *s);
	int (*columns)(struct mr_stmt *s);
	const char *(*name)(struct mr_stmt *s, int at);
	void (*column)(struct mr_stmt *s, int at, struct mr_db_value *out);
};

/* A statement that the connection keeps, found by its text. */
struct mr_db_kept {
	uint64_t hash;
	char *sql;            /* owned; NULL: the place is free */
	struct mr_stmt *stmt; /* owned */
};

struct mr_db {
	const struct mr_db_ops *ops;
	struct mr_env *env;      /* borrowed */
	char *shown;             /* owned; for messages */
	struct mr_db_kept *kept; /* owned; open addressing */
	size_t kept_cap, kept_count;
	struct mr_stmt *idle; /* owned; what was used last is first */
	size_t idle_count;
	unsigned int reconnects;
	bool in_tx;
};

struct mr_stmt {
	struct mr_db *db;    /* borrowed */
	struct mr_db *owned; /* a connection for it alone; may be NULL */
	/* Of one that is kept when nobody has it (idle.c). */
	char *sql; /* owned; NULL: it is not */
	uint64_t hash;
	struct mr_stmt *next;
};

uint64_t mr_db_hash(const char *sql);
/* One of this text that nobody has; NULL: there is none. */
struct mr_stmt *mr_db_take_idle(struct mr_db *db, const char *sql,
				uint64_t hash);
/* Whoever has it frees it: keep it in place of that from then on. */
void mr_db_keep_idle(struct mr_stmt *s, const char *sql, uint64_t hash);
/* `s` is freed by who had it; true: it is kept. */
bool mr_db_give_idle(struct mr_stmt *s);
void mr_db_forget_idle(struct mr_db *db);

/* `db` is zeroed memory of the driver's; what db.c closes.  `where` is told
 * in messages, without a password. */
int mr_db_init(struct mr_db *db, const struct mr_db_ops *ops,
	       struct mr_env *env, const char *where, struct mreg_error *err);
/* The statements that are kept, and what init made. */
void mr_db_forget(struct mr_db *db);
void mr_db_release(struct mr_db *db);

#define MR_SQL_MAX_BYTES (4u << 20)
/* Of both databases the smaller one: SQLITE_MAX_VARIABLE_NUMBER. */
#define MR_SQL_PARAMS_MAX 32766

/* `sql` with words and placeholders put in their place, appended. */
int mr_db_expand(const struct mr_db_words *words, const char *sql,
		 struct mr_buf *out, struct mreg_error *err);

/* The highest number of a placeholder `$n` in it; 0: there is none. */
int mr_db_params(const char *sql);

int mr_sqlite_open(struct mr_env *env, const char *path, enum mr_db_mode mode,
		   struct mr_db **out, struct mreg_error *err);
int mr_postgres_open(struct mr_env *env, const char *uri, enum mr_db_mode mode,
		     struct mr_db **out, struct mreg_error *err);

#endif
