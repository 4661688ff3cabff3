/*
 * index.c - the index that a session asks or fills, opened once.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "db/db.h"
#include "repo/repo.h"

void mreg_use_index(struct mreg *m, enum mreg_index_use how)
{
	m->index_use = how;
}

/* Command lines can be seen by all users of a machine, and a file of settings
 * is no place for secrets. */
int mr_index_where_check(const char *where, struct mreg_error *err)
{
	if (!mr_db_has_password(where))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "a password in the index's URI can be read by others");
	return mr_hint(err, "PGPASSWORD, ~/.pgpass or MREG_INDEX keep it to "
			    "yourself");
}

int mr_index_where(struct mreg *m, struct mreg_setting *s,
		   struct mreg_error *err)
{
	char shown[512];

	m->index_where = s->value;
	if (!mr_text_starts(s->origin, "environment"))
		return mr_index_where_check(s->value, err);
	if (!mr_db_has_password(s->value))
		return 0;
	s->value = mr_arena_strdup(m->arena,
				   mr_db_shown(s->value, shown, sizeof(shown)));
	return s->value ? 0 : mr_fail_nomem(err);
}

/* From now on writes are noted, so that who reads the index knows of them. */
static void begin_marks(struct mreg *m)
{
	char text[32];

	if (mr_state_fact_get(m->state, MR_MARKS_SCOPE, MR_MARKS_SINCE, text,
			      sizeof(text)))
		return;
	(void)snprintf(text, sizeof(text), "%" PRId64, mr_now_s(&m->env));
	mr_state_fact_put(m->state, MR_MARKS_SCOPE, MR_MARKS_SINCE, text);
}

int mr_session_index(struct mreg *m, enum mr_db_mode mode,
		     struct mr_index **out, struct mreg_error *err)
{
	const char *where = m->index_where;
	int rc;

	if (m->index && m->index_mode < mode) {
		mr_index_close(m->index);
		m->index = NULL;
		m->index_held = false;
	}
	if (!m->index) {
		if (!where[0]) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "there is no place for the index");
			return mr_hint(err, "set MREG_INDEX, HOME or "
					    "XDG_DATA_HOME");
		}
		rc = mr_index_open(&m->env, where, mode, &m->index, err);
		if (rc == MREG_ENOTFOUND)
			(void)mr_hint(err, "'mreg index sync' makes one");
		if (rc < 0)
			return rc;
		m->index_mode = mode;
		begin_marks(m);
	}
	*out = m->index;
	return 0;
}

int mreg_index_hold(struct mreg *m, struct mreg_error *err)
{
	struct mr_index *ix;
	int rc = m->index_held ? 0 : mr_session_index(m, MR_DB_READ, &ix, err);

	if (rc < 0 || m->index_held)
		return rc;
	rc = mr_index_hold(ix, err);
	m->index_held = rc >= 0;
	return rc;
}

void mreg_index_let_go(struct mreg *m)
{
	if (m->index_held)
		mr_index_let_go(m->index);
	m->index_held = false;
}
