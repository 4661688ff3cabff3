/*
 * postgres_wire.c - waiting for PostgreSQL, what it says of failures, and the
 * end of what is outstanding.
 */
#include "db/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* How long ^C may go unheard where poll is not interrupted. */
#define LOOK_MS 100

/* -- failures -------------------------------------------------------------- */

/* SQLSTATE: PostgreSQL, appendix A. */
static const struct {
	const char *state;
	enum mreg_code code;
	const char *hint;
} states[] = {
	{ "23505", MREG_ECONFLICT, NULL }, /* unique_violation */
	{ "40001", MREG_EDB,
	  "somebody else wrote at the same time; try again" },
	{ "40P01", MREG_EDB,
	  "somebody else wrote at the same time; try again" },
	{ "42501", MREG_EDB,
	  "your role needs rights on the schema and its "
	  "tables" },
	{ "53100", MREG_EDB, "free some space on the server's disk" },
	{ "53300", MREG_EDB, "the server has no connection left; try later" },
	{ "55P03", MREG_EDB, "another process is writing to it; try again" },
};

static int fail_canceled(struct mr_postgres *d, const char *what,
			 struct mreg_error *err)
{
	if (!d->deaf && mr_cancelled(d->base.env))
		return mr_fail(err, MREG_ECANCELED, "interrupted");
	return mr_fail(err, MREG_ELIMIT, "cannot %s '%s': it takes too long",
		       what, d->base.shown);
}

int mr_pg_fail(struct mr_postgres *d, const PGresult *res, const char *what,
	       struct mreg_error *err)
{
	const char *said =
		res ? d->pq.PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY)
		    : NULL;
	const char *state =
		res ? d->pq.PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	enum mreg_code code = MREG_EDB;
	const char *hint = NULL;
	char line[256];
	size_t i;

	if (state && strcmp(state, "57014") == 0) /* query_canceled */
		return fail_canceled(d, what, err);
	for (i = 0; state && i < MR_COUNT(states); i++)
		if (strcmp(state, states[i].state) == 0) {
			code = states[i].code;
			hint = states[i].hint;
		}
	/* A data exception is of a user's own SQL, where it is one. */
	if (d->guarded && state && strncmp(state, "22", 2) == 0)
		code = MREG_EUSAGE;
	if (!said)
		said = d->pq.PQerrorMessage(d->conn);
	/* libpq's own end with a line break. */
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(said, "\n"),
		       said);
	(void)mr_fail(err, code, "cannot %s '%s': %s", what, d->base.shown,
		      line[0] ? line : "the connection is lost");
	if (!hint && code == MREG_EDB)
		hint = d->pq.PQstatus(d->conn) == CONNECTION_OK
			       ? "the server's log may tell more; then run the "
				 "command again"
			       : "see that the server runs and can be reached, "
				 "then run the command again";
	return hint ? mr_hint(err, "%s", hint) : code;
}

/* Told later, by whoever asks next. */
static void keep_failure(struct mr_postgres *d, const PGresult *res)
{
	if (d->late.code == MREG_OK)
		(void)mr_pg_fail(d, res, "write to", &d->late);
}

/* -- waiting --------------------------------------------------------------- */

/* The server may have done it already, or not begun: asked again while the
 * answer does not come. */
void mr_pg_give_up(struct mr_postgres *d)
{
	PGcancel *cancel = d->pq.PQgetCancel(d->conn);
	char why[256];

	if (cancel)
		(void)d->pq.PQcancel(cancel, why, sizeof(why));
	d->pq.PQfreeCancel(cancel);
}

int mr_pg_result(struct mr_postgres *d, PGresult **out, struct mreg_error *err)
{
	struct pollfd fd = { .fd = d->pq.PQsocket(d->conn) };
	int unsent;

	for (;;) {
		unsent = d->pq.PQflush(d->conn);
		if (unsent < 0)
			return mr_pg_fail(d, NULL, "ask", err);
		if (!d->pq.PQisBusy(d->conn))
			break;
		fd.events = unsent ? POLLIN | POLLOUT : POLLIN;
		if (poll(&fd, 1, LOOK_MS) < 0 && errno != EINTR)
			return mr_fail_sys(err, errno, "cannot wait for '%s'",
					   d->base.shown);
		if (!d->deaf && mr_cancelled(d->base.env))
			mr_pg_give_up(d);
		if (!d->pq.PQconsumeInput(d->conn))
			return mr_pg_fail(d, NULL, "ask", err);
	}
	*out = d->pq.PQgetResult(d->conn);
	return 0;
}

/* Answers to all that was sent in the pipeline, and the end of it. */
static void end_pipe(struct mr_postgres *d)
{
	PGresult *res = NULL;
	bool synced = !d->pq.PQpipelineSync(d->conn);
	bool failed = synced;
	ExecStatusType status;

	if (synced)
		keep_failure(d, NULL);
	while (!synced) {
		if (mr_pg_result(d, &res, &d->late) < 0) {
			failed = true;
			break;
		}
		if (!res)
			continue; /* the end of one answer */
		status = d->pq.PQresultStatus(res);
		synced = status == PGRES_PIPELINE_SYNC;
		if (status == PGRES_FATAL_ERROR) {
			keep_failure(d, res);
			failed = true;
		}
		d->pq.PQclear(res);
		/* Or NULL would come for ever. */
		if (d->pq.PQstatus(d->conn) == CONNECTION_BAD)
			break;
	}
	(void)d->pq.PQexitPipelineMode(d->conn); /* a lost one fails anyway */
	d->piping = false;
	d->piped = 0;
	/* What was to be prepared behind the failure was not. */
	if (failed)
		d->epoch++;
}

int mr_pg_quiet(struct mr_postgres *d, struct mreg_error *err)
{
	enum mreg_code code;

	if (d->active)
		mr_pg_absorb(d->active);
	if (d->piping)
		end_pipe(d);
	code = d->late.code;
	if (code == MREG_OK)
		return 0;
	if (err)
		*err = d->late;
	d->late.code = MREG_OK;
	return code;
}

/* -- statements without values --------------------------------------------- */

int mr_pg_exec(struct mr_postgres *d, const char *sql, const char *what,
	       struct mreg_error *err)
{
	PGresult *res = NULL;
	ExecStatusType status;
	int first = 0;
	int rc;

	if (!d->pq.PQsendQuery(d->conn, sql))
		return mr_pg_fail(d, NULL, what, err);
	/* All of them have to be taken, or nothing else can be sent. */
	for (;;) {
		rc = mr_pg_result(d, &res, err);
		if (rc < 0 || !res)
			return first < 0 ? first : rc;
		status = d->pq.PQresultStatus(res);
		if (first == 0 && (status == PGRES_FATAL_ERROR ||
				   status == PGRES_BAD_RESPONSE))
			first = mr_pg_fail(d, res, what, err);
		d->pq.PQclear(res);
	}
}

/* A commit is there at once and on the disk a moment later: what a server that
 * dies then loses are the last transactions whole, and of an index, which is
 * made from what lies elsewhere, the next sync writes them again. */
#define COMMITTING "SET synchronous_commit = off;"

/* Pages are found by indexes, whose upper parts are in memory: without these
 * the planner would sooner read whole tables, and start workers or a compiler
 * for what is done before they are there. */
#define PLANNING                                                               \
	"SET random_page_cost = 1.1;"                                          \
	"SET max_parallel_workers_per_gather = 0;"                             \
	"SET jit = off;"

int mr_pg_greet(struct mr_postgres *d, struct mreg_error *err)
{
	char text[640];

	(void)snprintf(
		text, sizeof(text),
		"SET client_encoding = 'UTF8';"
		"SET client_min_messages = warning;"
		"SET extra_float_digits = 1;"
		"SET bytea_output = hex;"
		"SET standard_conforming_strings = on;" COMMITTING PLANNING
		"SET lock_timeout = '30s';"
		"SET idle_in_transaction_session_timeout = '10min';"
		"SET search_path = \"%s\";"
		"SET default_transaction_read_only = %s",
		d->schema, d->mode == MR_DB_READ ? "on" : "off");
	return mr_pg_exec(d, text, "open", err);
}

/* A server that was restarted costs one failure, not the session. */
static int reconnect(struct mr_postgres *d, struct mreg_error *err)
{
	d->epoch++;
	d->base.reconnects++;
	d->pq.PQreset(d->conn);
	if (d->pq.PQstatus(d->conn) != CONNECTION_OK)
		return mr_pg_fail(d, NULL, "open", err);
	return mr_pg_greet(d, err);
}

int mr_pg_ready(struct mr_postgres *d, struct mreg_error *err)
{
	int rc = mr_pg_quiet(d, err);

	if (rc >= 0)
		rc = mr_check_cancel(d->base.env, err);
	if (rc >= 0 && !d->base.in_tx &&
	    d->pq.PQstatus(d->conn) == CONNECTION_BAD)
		rc = reconnect(d, err);
	return rc;
}
