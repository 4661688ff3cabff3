/*
 * kinds.c - the kinds of events and the fields each has: one table, which
 * reading and writing both follow (spec/events.md).
 *
 * Invariants
 * 1. The rows are in the order of their kinds, each kind's at one place.
 * 2. No key is one that every event has (internal.h).
 */
#include "ledger/ledger.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ledger/internal.h"

#define AT_NUMBER offsetof(struct mr_event, number)
#define AT_POLICY offsetof(struct mr_event, policy)
#define AT_REPLACES offsetof(struct mr_event, replaces)
#define AT_VERSION offsetof(struct mr_event, version)
#define AT_WAS offsetof(struct mr_event, was)

/* By enum mr_event_kind. */
static const char *const names[] = {
	[MR_EVENT_UNKNOWN] = "",
	[MR_EVENT_VERSION_REGISTERED] = "version_registered",
	[MR_EVENT_POLICY_CHANGED] = "policy_changed",
	[MR_EVENT_RECORD_WRITTEN] = "record_written",
	[MR_EVENT_METADATA_CHANGED] = "metadata_changed",
	[MR_EVENT_ALIAS_MOVED] = "alias_moved",
	[MR_EVENT_TAG_ADOPTED] = "tag_adopted",
	[MR_EVENT_RELEASE_NAMED] = "release_named",
	[MR_EVENT_APPROVAL_ASKED] = "approval_asked",
	[MR_EVENT_APPROVAL_GRANTED] = "approval_granted",
	[MR_EVENT_APPROVAL_REFUSED] = "approval_refused",
	[MR_EVENT_APPROVAL_OVERDUE] = "approval_overdue",
	[MR_EVENT_EVALUATED] = "evaluated",
	[MR_EVENT_OBSERVED] = "observed",
	[MR_EVENT_DEPLOYED] = "deployed",
	[MR_EVENT_INCIDENT] = "incident",
	[MR_EVENT_RETRAIN_DUE] = "retrain_due",
	[MR_EVENT_DEPRECATED] = "deprecated",
	[MR_EVENT_ARCHIVED] = "archived",
	[MR_EVENT_RESTORED] = "restored",
	[MR_EVENT_REMOVED] = "removed",
	[MR_EVENT_SPLIT_RECORDED] = "split_recorded",
};

/* What a row says in one word less. */
enum {
	MAY = false,
	NEED = true
};

static const struct mr_field_row rows[] = {
	{ MR_EVENT_VERSION_REGISTERED, "because", MR_FIELD_DIGEST, MAY, 0 },
	{ MR_EVENT_VERSION_REGISTERED, "number", MR_FIELD_COUNT, NEED,
	  AT_NUMBER },
	{ MR_EVENT_VERSION_REGISTERED, "replaces", MR_FIELD_DIGEST, MAY,
	  AT_REPLACES },
	{ MR_EVENT_VERSION_REGISTERED, "version", MR_FIELD_DIGEST, NEED,
	  AT_VERSION },
	{ MR_EVENT_POLICY_CHANGED, "policy", MR_FIELD_DIGEST, MAY, AT_POLICY },
	{ MR_EVENT_POLICY_CHANGED, "was", MR_FIELD_DIGEST, MAY, AT_WAS },
	{ MR_EVENT_RECORD_WRITTEN, "set", MR_FIELD_MAP, NEED, 0 },
	{ MR_EVENT_METADATA_CHANGED, "set", MR_FIELD_MAP, MAY, 0 },
	{ MR_EVENT_METADATA_CHANGED, "unset", MR_FIELD_LIST, MAY, 0 },
	{ MR_EVENT_METADATA_CHANGED, "version", MR_FIELD_DIGEST, MAY,
	  AT_VERSION },
	{ MR_EVENT_ALIAS_MOVED, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_ALIAS_MOVED, "by", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_ALIAS_MOVED, "policy", MR_FIELD_DIGEST, MAY, AT_POLICY },
	{ MR_EVENT_ALIAS_MOVED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_ALIAS_MOVED, "version", MR_FIELD_DIGEST, MAY, AT_VERSION },
	{ MR_EVENT_ALIAS_MOVED, "was", MR_FIELD_DIGEST, MAY, AT_WAS },
	{ MR_EVENT_TAG_ADOPTED, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_TAG_ADOPTED, "version", MR_FIELD_DIGEST, MAY, AT_VERSION },
	{ MR_EVENT_TAG_ADOPTED, "was", MR_FIELD_DIGEST, MAY, AT_WAS },
	{ MR_EVENT_RELEASE_NAMED, "release", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_RELEASE_NAMED, "version", MR_FIELD_DIGEST, NEED,
	  AT_VERSION },
	{ MR_EVENT_APPROVAL_ASKED, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_APPROVAL_ASKED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_APPROVAL_ASKED, "until", MR_FIELD_TIME, NEED, 0 },
	{ MR_EVENT_APPROVAL_ASKED, "version", MR_FIELD_DIGEST, NEED,
	  AT_VERSION },
	{ MR_EVENT_APPROVAL_GRANTED, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_APPROVAL_GRANTED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_APPROVAL_GRANTED, "request", MR_FIELD_DIGEST, NEED, 0 },
	{ MR_EVENT_APPROVAL_GRANTED, "role", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_APPROVAL_GRANTED, "version", MR_FIELD_DIGEST, NEED,
	  AT_VERSION },
	{ MR_EVENT_APPROVAL_REFUSED, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_APPROVAL_REFUSED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_APPROVAL_REFUSED, "request", MR_FIELD_DIGEST, NEED, 0 },
	{ MR_EVENT_APPROVAL_REFUSED, "role", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_APPROVAL_REFUSED, "version", MR_FIELD_DIGEST, NEED,
	  AT_VERSION },
	{ MR_EVENT_APPROVAL_OVERDUE, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_APPROVAL_OVERDUE, "request", MR_FIELD_DIGEST, NEED, 0 },
	{ MR_EVENT_APPROVAL_OVERDUE, "version", MR_FIELD_DIGEST, NEED,
	  AT_VERSION },
	{ MR_EVENT_EVALUATED, "baseline", MR_FIELD_DIGEST, MAY, 0 },
	{ MR_EVENT_EVALUATED, "document", MR_FIELD_DIGEST, NEED, 0 },
	{ MR_EVENT_EVALUATED, "experiment", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_EVALUATED, "passed", MR_FIELD_FLAG, NEED, 0 },
	{ MR_EVENT_EVALUATED, "suite", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_EVALUATED, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_EVALUATED, "winner", MR_FIELD_DIGEST, MAY, 0 },
	{ MR_EVENT_OBSERVED, "baseline", MR_FIELD_NUMBER, MAY, 0 },
	{ MR_EVENT_OBSERVED, "environment", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_OBSERVED, "metric", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_OBSERVED, "observedAt", MR_FIELD_TIME, MAY, 0 },
	{ MR_EVENT_OBSERVED, "value", MR_FIELD_NUMBER, NEED, 0 },
	{ MR_EVENT_OBSERVED, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_OBSERVED, "window", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_DEPLOYED, "environment", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_DEPLOYED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_DEPLOYED, "version", MR_FIELD_DIGEST, MAY, AT_VERSION },
	{ MR_EVENT_DEPLOYED, "was", MR_FIELD_DIGEST, MAY, AT_WAS },
	{ MR_EVENT_DEPLOYED, "workload", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_INCIDENT, "closes", MR_FIELD_DIGEST, MAY, 0 },
	{ MR_EVENT_INCIDENT, "environment", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_INCIDENT, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_INCIDENT, "severity", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_INCIDENT, "title", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_INCIDENT, "url", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_INCIDENT, "version", MR_FIELD_DIGEST, MAY, AT_VERSION },
	{ MR_EVENT_RETRAIN_DUE, "environment", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_RETRAIN_DUE, "observations", MR_FIELD_LIST, NEED, 0 },
	{ MR_EVENT_RETRAIN_DUE, "policy", MR_FIELD_DIGEST, MAY, AT_POLICY },
	{ MR_EVENT_RETRAIN_DUE, "rule", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_RETRAIN_DUE, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_DEPRECATED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_DEPRECATED, "successor", MR_FIELD_DIGEST, MAY, 0 },
	{ MR_EVENT_DEPRECATED, "until", MR_FIELD_TIME, MAY, 0 },
	{ MR_EVENT_DEPRECATED, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_ARCHIVED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_ARCHIVED, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_RESTORED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_RESTORED, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_RESTORED, "what", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_REMOVED, "policy", MR_FIELD_DIGEST, MAY, AT_POLICY },
	{ MR_EVENT_REMOVED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_REMOVED, "tags", MR_FIELD_LIST, NEED, 0 },
	{ MR_EVENT_REMOVED, "version", MR_FIELD_DIGEST, NEED, AT_VERSION },
	{ MR_EVENT_SPLIT_RECORDED, "alias", MR_FIELD_TEXT, NEED, 0 },
	{ MR_EVENT_SPLIT_RECORDED, "move", MR_FIELD_DIGEST, MAY, 0 },
	{ MR_EVENT_SPLIT_RECORDED, "policy", MR_FIELD_DIGEST, MAY, AT_POLICY },
	{ MR_EVENT_SPLIT_RECORDED, "reason", MR_FIELD_TEXT, MAY, 0 },
	{ MR_EVENT_SPLIT_RECORDED, "weights", MR_FIELD_MAP, NEED, 0 },
	{ MR_EVENT_KINDS, "", 0, MAY, 0 },
};

const char *mr_event_kind_name(enum mr_event_kind kind)
{
	return names[kind];
}

enum mr_event_kind mr_event_kind_parse(const char *name)
{
	size_t i;

	for (i = 1; i < MR_COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum mr_event_kind)i;
	return MR_EVENT_UNKNOWN;
}

const struct mr_field_row *mr_event_rows(enum mr_event_kind kind)
{
	const struct mr_field_row *row = rows;

	while (row->kind < kind)
		row++;
	return row;
}

const struct mr_event_field *mr_event_field(const struct mr_event *e,
					    const char *key)
{
	size_t i;

	for (i = 0; i < e->field_count; i++)
		if (strcmp(e->fields[i].key, key) == 0)
			return &e->fields[i];
	return NULL;
}

const char *mr_event_text(const struct mr_event *e, const char *key)
{
	const struct mr_event_field *f = mr_event_field(e, key);

	return f ? f->text : NULL;
}

bool mr_event_digest(const struct mr_event *e, const char *key,
		     struct mreg_digest *out)
{
	const char *text = mr_event_text(e, key);

	return text && mreg_digest_parse(text, out, NULL) == 0;
}

bool mr_event_time(const struct mr_event *e, const char *key, int64_t *out_s)
{
	const char *text = mr_event_text(e, key);

	return text && mr_text_time_parse(text, out_s) == 0;
}
