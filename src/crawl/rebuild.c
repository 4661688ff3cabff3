/*
 * rebuild.c - the index made from nothing.
 *
 * SQLite: a new file beside the old one, whose content is put in the place of
 * the old one's at the end, in one transaction.  PostgreSQL, which others may
 * read and write meanwhile: each model anew in a transaction of its own, as if
 * the index knew nothing of it, and then those that were not looked at are
 * removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "crawl/sync.h"

/* What is beside a file of SQLite's, and of the index's. */
static const char *const beside[] = { "", "-wal", "-shm", "-journal",
				      ".graph" };

static void remove_new(const char *path)
{
	char name[4200];
	size_t i;

	for (i = 0; i < MR_COUNT(beside); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		/* Not being there is what is wanted; a leftover is opened, and
		 * not believed. */
		(void)unlink(name);
	}
}

/* An index that lacks what could not be read is none to be had. */
static int check_whole(const struct mr_sync *s, struct mreg_error *err)
{
	const struct mreg_index_sync_result *out = s->out;

	if (out->failed) {
		(void)mr_fail(err, out->failure.code,
			      "the index stays as it was: %llu of %llu models "
			      "could not be read: %s",
			      (unsigned long long)out->failed,
			      (unsigned long long)out->models,
			      out->failure.msg);
		return mr_hint(err, "%s", out->failure.hint);
	}
	if (!out->unlisted_count)
		return 0;
	if (out->failure.code) {
		(void)mr_fail(err, out->failure.code,
			      "the index stays as it was: '%.100s' could not "
			      "be listed: %.100s",
			      out->unlisted[0].name, out->failure.msg);
		return mr_hint(err, "%s", out->failure.hint);
	}
	(void)mr_fail(err, MREG_EREMOTE,
		      "the index stays as it was: '%.100s' could not be "
		      "listed",
		      out->unlisted[0].name);
	return mr_hint(err, "name what it is to have; or use 'mreg index sync "
			    "--sweep'");
}

static int fill(struct mr_sync *s, struct mreg_error *err)
{
	int rc = mr_sync_places(s, err);

	return rc < 0 ? rc : mr_sync_run(s, err);
}

/* -- SQLite ---------------------------------------------------------------- */

static int fill_new(struct mr_sync *s, const char *path, struct mreg_error *err)
{
	struct mreg *m = s->crawl.m;
	int rc;

	remove_new(path);
	rc = mr_index_open(&m->env, path, MR_DB_CREATE, &s->crawl.ix, err);
	if (rc < 0)
		return rc;
	rc = fill(s, err);
	if (rc >= 0)
		rc = check_whole(s, err);
	mr_index_close(s->crawl.ix);
	s->crawl.ix = NULL;
	return rc;
}

/* The new file is one's own: two would fill, take and remove each other's. */
static int lock_new(struct mr_sync *s, const char *where, int *fd,
		    struct mreg_error *err)
{
	const char *path = mr_arena_printf(s->arena, "%s.lock", where);

	if (!path)
		return mr_fail_nomem(err);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return mr_fail_sys(err, errno, "cannot open '%s'", path);
	return mr_file_lock(*fd, true, &s->crawl.m->env, path, err);
}

static int rebuild_file(struct mr_sync *s, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int lock = -1;
	struct mreg *m = s->crawl.m;
	const char *where = mr_setting(m, "index.db");
	const char *path = mr_arena_printf(s->arena, "%s.new", where);
	int rc;

	if (!path)
		return mr_fail_nomem(err);
	/* It makes the place, which also tells what is wrong with that. */
	rc = mr_session_index(m, MR_DB_CREATE, &s->known, err);
	if (rc >= 0)
		rc = lock_new(s, where, &lock, err);
	if (rc < 0)
		return rc;
	rc = fill_new(s, path, err);
	/* What it holds open it would go on believing. */
	mr_index_close(m->index);
	m->index = NULL;
	s->known = NULL;
	if (rc >= 0)
		rc = mr_db_replace(&m->env, where, path, err);
	remove_new(path);
	if (rc >= 0)
		rc = mr_session_index(m, MR_DB_CREATE, &s->known, err);
	return rc < 0 ? rc : mr_index_settle(s->known, err);
}

/* -- PostgreSQL ------------------------------------------------------------ */

static int remove_others(struct mr_sync *s, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	struct mr_ix_model_row *rows = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0)
		rc = mr_index_models(s->crawl.ix, NULL, a, &rows, &n, err);
	for (i = 0; rc >= 0 && i < n; i++)
		if (!mr_list_has_sorted(&s->names, rows[i].name)) {
			rc = mr_index_remove_model(s->crawl.ix, rows[i].name,
						   err);
			s->out->removed++;
		}
	return rc;
}

static int rebuild_shared(struct mr_sync *s, struct mreg_error *err)
{
	int rc = mr_session_index(s->crawl.m, MR_DB_CREATE, &s->crawl.ix, err);

	s->known = s->crawl.ix;
	s->crawl.anew = true;
	if (rc >= 0)
		rc = fill(s, err);
	if (rc >= 0)
		rc = check_whole(s, err);
	return rc < 0 ? rc : remove_others(s, err);
}

int mreg_index_rebuild(struct mreg *m, const struct mreg_index_sync_opts *given,
		       struct mreg_index_sync_result *out,
		       struct mreg_error *err)
{
	struct mreg_index_sync_opts o;
	struct mr_sync s;
	int rc = mr_sync_begin(&s, m, given, &o, out, err);

	if (rc >= 0)
		rc = mr_db_is_uri(mr_setting(m, "index.db"))
			     ? rebuild_shared(&s, err)
			     : rebuild_file(&s, err);
	return mr_sync_end(&s, rc, err);
}
