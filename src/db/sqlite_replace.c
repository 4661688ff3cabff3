/*
 * sqlite_replace.c - all that one file has in the place of all that another
 * one has.
 *
 * Not by renaming: who has the old file open would go on reading it, and its
 * write-ahead log would be taken for that of the new one.  A backup is one
 * transaction of the file that is written: readers see what was there, or what
 * is, and who dies in between leaves what was.
 */
#include "db/sqlite.h"

#include "base/error.h"
#include "base/mem.h"

/* Another writer of the index is waited for, as in a transaction. */
#define TRIES 200
#define WAIT_MS 100

static void close_db(struct mr_sqlite **d)
{
	if (*d)
		mr_db_close(&(*d)->base);
}

static int copy_all(struct mr_sqlite *to, struct mr_sqlite *from,
		    struct mreg_error *err)
{
	sqlite3_backup *b =
		sqlite3_backup_init(to->handle, "main", from->handle, "main");
	unsigned int tries = 0;
	int done;
	int rc = 0;

	if (!b)
		return mr_sqlite_fail(to, sqlite3_errcode(to->handle),
				      "write to", err);
	do {
		done = sqlite3_backup_step(b, -1);
		if (done == SQLITE_BUSY || done == SQLITE_LOCKED)
			rc = mr_sleep_ms(to->base.env, WAIT_MS, err);
	} while (rc >= 0 && (done == SQLITE_BUSY || done == SQLITE_LOCKED) &&
		 ++tries < TRIES);
	(void)sqlite3_backup_finish(b); /* says what step said */
	if (rc >= 0 && done != SQLITE_DONE)
		rc = mr_sqlite_fail(to, done, "write to", err);
	return rc;
}

int mr_db_replace(struct mr_env *env, const char *where, const char *from,
		  struct mreg_error *err)
{
	MR_AUTO(close_db) struct mr_sqlite *target = NULL;
	MR_AUTO(close_db) struct mr_sqlite *source = NULL;
	int rc = mr_sqlite_connect(env, from, SQLITE_OPEN_READWRITE, &source,
				   err);

	/* Without the room that pages have left for rows in between: some
	 * tenth less.  No matter if it fails, as it does on a full disk. */
	if (rc >= 0)
		(void)sqlite3_exec(source->handle, "VACUUM", NULL, NULL, NULL);
	if (rc >= 0)
		rc = mr_sqlite_connect(env, where, SQLITE_OPEN_READWRITE,
				       &target, err);
	return rc < 0 ? rc : copy_all(target, source, err);
}
