/*
 * tests/support/db_fixture.c - an empty database for each test.
 */
#include "tests/support/db_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct test_db *test_db(void **state)
{
	struct test_db *t = *state;

	if (!t->where[0]) {
		print_message("MREG_TEST_POSTGRES names no server\n");
		skip();
	}
	return t;
}

static struct test_db *begin(void **state, enum mr_db_kind kind)
{
	struct test_db *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->kind = kind;
	t->dir = test_tmpdir_new();
	test_env_init(&t->t);
	t->env = &t->t.env;
	*state = t;
	return t;
}

int test_db_sqlite(void **state)
{
	struct test_db *t = begin(state, MR_DB_SQLITE);

	(void)snprintf(t->where, sizeof(t->where), "%s/test.db", t->dir);
	return 0;
}

/* A name that no other test of any program has: the folder's. */
static const char *schema(const struct test_db *t, char *out, size_t n)
{
	(void)snprintf(out, n, "t%s", strrchr(t->dir, '-') + 1);
	return out;
}

int test_db_postgres(void **state)
{
	const char *server = getenv("MREG_TEST_POSTGRES");
	struct test_db *t = begin(state, MR_DB_POSTGRES);
	char name[64];

	if (server && server[0])
		(void)snprintf(t->where, sizeof(t->where),
			       "%s%coptions=-csearch_path%%3D%s", server,
			       strchr(server, '?') ? '&' : '?',
			       schema(t, name, sizeof(name)));
	return 0;
}

static void drop_schema(struct test_db *t)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_db *db = NULL;
	char sql[128];
	char name[64];

	if (mr_db_open(t->env, t->where, MR_DB_CREATE, &db, &err) < 0) {
		print_error("%s\n", err.msg);
		return;
	}
	(void)snprintf(sql, sizeof(sql), "DROP SCHEMA \"%s\" CASCADE",
		       schema(t, name, sizeof(name)));
	if (mr_db_exec(db, sql, &err) < 0)
		print_error("%s\n", err.msg);
	mr_db_close(db);
}

int test_db_end(void **state)
{
	struct test_db *t = *state;

	if (t->kind == MR_DB_POSTGRES && t->where[0]) {
		atomic_store(&t->t.cancel, false);
		drop_schema(t);
	}
	test_env_release(&t->t);
	test_tmpdir_free(t->dir);
	free(t);
	*state = NULL;
	return 0;
}
