/*
 * read_figures.c - figures of all models, one statement each.
 *
 * A statement has at most one value, $1: since when, or what time it is.
 */
#include "index/index.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/internal.h"

#define GIB (INT64_C(1) << 30)
#define OWNER "LEFT JOIN ix_texts o ON o.id = m.owner "
#define KIND(name) "(SELECT id FROM ix_texts WHERE value = '" name "')"
/* The latest version of each model, whose row is v. */
#define LATEST "JOIN ix_versions v ON v.model = m.id AND v.number = m.latest "
#define BY_OWNER "GROUP BY o.value"
/* What manifests say that their files have may add up to more than a number of
 * a database holds, which would end the statement: GiB, and what is beside. */
#define SUM_BYTES                                                              \
	"CAST(sum(m.bytes / 1073741824) AS BIGINT), "                          \
	"CAST(sum(m.bytes % 1073741824) AS BIGINT) "
/* A rollback says so among its other fields; within a text the quotes would be
 * escaped. */
#define ROLLED_BACK "e.detail LIKE '%\"by\":\"rollback\"%' "
#define MOVED "e.kind IN (" KIND("alias_moved") ", " KIND("tag_adopted") ") "

struct figure {
	const char *sql;
	bool timed; /* has $1 */
};

static const struct figure figures[MR_FIGURE_COUNT] = {
	[MR_FIGURE_MODELS] = { "SELECT o.value, count(*) FROM ix_models m " OWNER
				       BY_OWNER,
			       false },
	[MR_FIGURE_VERSIONS] = { "SELECT o.value, CAST(sum(m.versions) AS BIGINT) "
				 "FROM ix_models m " OWNER BY_OWNER,
				 false },
	[MR_FIGURE_BYTES] = { "SELECT o.value, " SUM_BYTES
			      "FROM ix_models m " OWNER BY_OWNER,
			      false },
	[MR_FIGURE_UNIQUE] = { "SELECT o.value, " SUM_BYTES "FROM ("
			       "SELECT a.owner, max(v.bytes) AS bytes FROM ix_versions v "
			       "JOIN ix_models a ON a.id = v.model "
			       "WHERE v.fileset IS NOT NULL GROUP BY a.owner, v.fileset "
			       "UNION ALL "
			       "SELECT a.owner, max(v.bytes) AS bytes FROM ix_versions v "
			       "JOIN ix_models a ON a.id = v.model "
			       "WHERE v.fileset IS NULL GROUP BY a.owner, v.node) m " OWNER
				       BY_OWNER,
			       false },
	[MR_FIGURE_UNIQUE_ALL] = { "SELECT NULL, " SUM_BYTES "FROM ("
				   "SELECT max(v.bytes) AS bytes FROM ix_versions v "
				   "WHERE v.fileset IS NOT NULL GROUP BY v.fileset "
				   "UNION ALL "
				   "SELECT max(v.bytes) AS bytes FROM ix_versions v "
				   "WHERE v.fileset IS NULL GROUP BY v.node) m",
				   false },
	[MR_FIGURE_ASKED] = { "SELECT o.value, count(*) FROM ix_approvals a "
			      "JOIN ix_models m ON m.id = a.model " OWNER
			      "WHERE a.asked_s >= $1 " BY_OWNER,
			      true },
	[MR_FIGURE_APPROVED] = { "SELECT o.value, a.answered_s - a.asked_s FROM ix_approvals a "
				 "JOIN ix_models m ON m.id = a.model " OWNER
				 "WHERE a.answered_s <> 0 AND a.answered_s >= $1",
				 true },
	[MR_FIGURE_OVERDUE] = { "SELECT o.value, count(*) FROM ix_approvals a "
				"JOIN ix_models m ON m.id = a.model " OWNER
				"WHERE a.state = " KIND(
					"open") " AND a.until_s < $1 " BY_OWNER,
				true },
	[MR_FIGURE_MOVES] = { "SELECT o.value, count(*) FROM ix_events e "
			      "JOIN ix_models m ON m.id = e.model " OWNER
			      "WHERE " MOVED "AND e.time_s >= $1 " BY_OWNER,
			      true },
	[MR_FIGURE_ROLLBACKS] = { "SELECT o.value, count(*) FROM ix_events e "
				  "JOIN ix_models m ON m.id = e.model " OWNER
				  "WHERE e.kind = " KIND(
					  "alias_moved") " AND " ROLLED_BACK
							 "AND e.time_s >= $1 " BY_OWNER,
				  true },
	[MR_FIGURE_PRODUCED] = { "SELECT o.value, e.time_s - coalesce(v.registered_s, v.updated_s) FROM ("
				 "SELECT e.model, e.version, min(e.place) AS place "
				 "FROM ix_events e WHERE " MOVED
				 "AND e.version IS NOT NULL "
				 "AND e.alias = " KIND(
					 "production") " "
						       "GROUP BY e.model, e.version) f "
						       "JOIN ix_events e ON e.model = f.model AND e.place = f.place "
						       "JOIN ix_versions v ON v.model = f.model AND v.node = f.version "
						       "JOIN ix_models m ON m.id = f.model " OWNER
						       "WHERE coalesce(v.registered_s, v.updated_s) <> 0 AND e.time_s >= $1",
				 true },
	[MR_FIGURE_INCIDENTS] = { "SELECT o.value, count(*) FROM ix_incidents i "
				  "JOIN ix_models m ON m.id = i.model " OWNER
				  "WHERE i.opened_s >= $1 " BY_OWNER,
				  true },
	[MR_FIGURE_OPEN] = { "SELECT o.value, count(*) FROM ix_incidents i "
			     "JOIN ix_models m ON m.id = i.model " OWNER
			     "WHERE i.closed_s = 0 " BY_OWNER,
			     false },
	[MR_FIGURE_CLOSED] = { "SELECT o.value, i.closed_s - i.opened_s FROM ix_incidents i "
			       "JOIN ix_models m ON m.id = i.model " OWNER
			       "WHERE i.closed_s <> 0 AND i.closed_s >= $1",
			       true },
	[MR_FIGURE_EVALUATED] = { "SELECT o.value, coalesce("
				  "(SELECT max(e.time_s) FROM ix_events e "
				  "WHERE e.version = n.tagged AND e.model = m.id "
				  "AND e.kind = " KIND(
					  "evaluated") "), "
						       "(SELECT CASE WHEN max(d.created_s) = 0 THEN -1 "
						       "ELSE max(d.created_s) END FROM ix_documents d "
						       "WHERE d.subject = n.tagged AND d.model = m.id "
						       "AND d.suite IS NOT NULL), 0) FROM ix_names n "
						       "JOIN ix_models m ON m.id = n.model " OWNER
						       "WHERE n.tag = 'production' AND n.tagged IS NOT NULL",
				  false },
	[MR_FIGURE_REVIEWS] = { "SELECT o.value, count(*) FROM ix_ends e "
				"JOIN ix_versions v ON v.id = e.version "
				"JOIN ix_models m ON m.id = v.model " OWNER
				"WHERE e.review_s <= $1 "
				"AND v.archived_s = 0 " BY_OWNER,
				true },
	[MR_FIGURE_NO_OWNER] = { "SELECT NULL, count(*) FROM ix_models m "
				 "WHERE m.owner IS NULL",
				 false },
	[MR_FIGURE_NO_LICENSE] = { "SELECT o.value, count(*) FROM ix_models m " LATEST
					   OWNER
				   "WHERE NOT EXISTS (SELECT 1 FROM ix_forms f WHERE f.id = v.form AND f.license <> 0) " BY_OWNER,
				   false },
	[MR_FIGURE_NO_CARD] = { NULL, false }, /* by the database, below */
	[MR_FIGURE_NO_EVALUATION] = { "SELECT o.value, count(*) FROM ix_models m " LATEST
					      OWNER
				      "WHERE NOT EXISTS (SELECT 1 FROM ix_documents d "
				      "WHERE d.subject = v.node AND d.model = m.id "
				      "AND d.suite IS NOT NULL) " BY_OWNER,
				      false },
	[MR_FIGURE_DEPLOYMENTS] = { "SELECT o.value, count(*) FROM ix_deployments d "
				    "JOIN ix_models m ON m.id = d.model " OWNER
					    BY_OWNER,
				    false },
};

/* What is searched (index/write.h) is a card's words, or a description's. */
#define NO_CARD(id)                                                                \
	"SELECT o.value, count(*) FROM ix_models m " LATEST OWNER                  \
	"WHERE m.description IS NULL AND v.description IS NULL AND NOT "           \
	"EXISTS (SELECT 1 FROM ix_cards c WHERE c." id " = v.id) "                 \
	"AND NOT EXISTS (SELECT 1 FROM ix_documents d "                            \
	"WHERE d.subject = v.node AND d.model = m.id AND d.artifact_type = " KIND( \
		"application/vnd.mreg.model-card.v1") ") " BY_OWNER

static const char *sql_of(struct mr_index *ix, enum mr_ix_figure what)
{
	if (what != MR_FIGURE_NO_CARD)
		return figures[what].sql;
	return mr_db_kind(ix->db) == MR_DB_SQLITE ? NO_CARD("rowid")
						  : NO_CARD("version");
}

static int64_t value_of(struct mr_stmt *s)
{
	int64_t value = mr_stmt_int(s, 1);
	int64_t rest;

	if (mr_stmt_columns(s) < 3)
		return value;
	rest = mr_stmt_int(s, 2);
	value += rest / GIB;
	return value > INT64_MAX / GIB - 1 ? INT64_MAX
					   : value * GIB + rest % GIB;
}

static int take_samples(struct mr_stmt *s, struct mr_arena *arena,
			struct mr_ix_sample **out, size_t *count,
			struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_sample *items = NULL;
	size_t cap = 0, n = 0;
	const char *owner;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, sizeof(*items)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		owner = mr_stmt_text(s, 0);
		items[n++] = (struct mr_ix_sample){
			.owner = owner ? mr_arena_strdup(arena, owner) : NULL,
			.value = value_of(s),
		};
	}
	mr_stmt_reset(s);
	return rc < 0 ? rc
		      : mr_ix_take(arena, items, n, sizeof(*items),
				   (void **)out, count, err);
}

int mr_index_figure(struct mr_index *ix, enum mr_ix_figure what, int64_t at_s,
		    struct mr_arena *arena, struct mr_ix_sample **out,
		    size_t *count, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db, sql_of(ix, what), &s, err);
	if (rc >= 0 && figures[what].timed)
		mr_bind_int(s, 1, at_s);
	if (rc >= 0)
		rc = take_samples(s, arena, out, count, err);
	mr_ix_end_read(ix);
	return rc;
}

static int take_environments(struct mr_stmt *s, struct mr_arena *arena,
			     struct mr_ix_environment_row **out, size_t *count,
			     struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_ix_environment_row *items = NULL;
	size_t cap = 0, n = 0;
	int rc;

	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, sizeof(*items)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		items[n++] = (struct mr_ix_environment_row){
			.environment =
				mr_arena_strdup(arena, mr_stmt_text(s, 0)),
			.deployments = (uint64_t)mr_stmt_int(s, 1),
			.models = (uint64_t)mr_stmt_int(s, 2),
			.versions = (uint64_t)mr_stmt_int(s, 3),
		};
	}
	mr_stmt_reset(s);
	return rc < 0 ? rc
		      : mr_ix_take(arena, items, n, sizeof(*items),
				   (void **)out, count, err);
}

int mr_index_environments(struct mr_index *ix, struct mr_arena *arena,
			  struct mr_ix_environment_row **out, size_t *count,
			  struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	rc = mr_db_stmt(ix->db,
			"SELECT t.value, count(*), count(DISTINCT d.model), "
			"count(DISTINCT d.version) FROM ix_deployments d "
			"JOIN ix_texts t ON t.id = d.environment "
			"GROUP BY t.value ORDER BY t.value",
			&s, err);
	if (rc >= 0)
		rc = take_environments(s, arena, out, count, err);
	mr_ix_end_read(ix);
	return rc;
}
