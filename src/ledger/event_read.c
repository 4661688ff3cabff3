/*
 * event_read.c - the bytes of a manifest to the event they hold.
 *
 * Strict about what the graph, the claims and the policy rest on (kind, seq,
 * prev, number, version, replaces, policy); members that are not known are left
 * to later readers.
 */
#include "ledger/ledger.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "ledger/internal.h"

#define SHOWN_BYTES 80
#define WHAT "event"

static int read_digest(const char *text, const char *key,
		       struct mreg_digest *out, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];

	if (mreg_digest_parse(text, out, NULL) == 0)
		return 0;
	return mr_fail(err, MREG_EFORMAT, "%s '%s' of event is no digest", key,
		       mr_text_safe(text, shown, sizeof(shown)));
}

/* Sorted, so that one set of heads has one text. */
static int read_prev(const json_t *j, struct mr_arena *arena,
		     struct mr_event *out, struct mreg_error *err)
{
	struct mreg_digest *prev;
	json_t *array;
	size_t i;
	int rc;

	rc = mr_json_need_array(j, MR_EVENT_PREV, WHAT, &array, err);
	if (rc < 0)
		return rc;
	prev = mr_arena_alloc(arena, json_array_size(array) * sizeof(*prev));
	if (!prev)
		return mr_fail_nomem(err);
	for (i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		rc = read_digest(s ? s : "", MR_EVENT_PREV, &prev[i], err);
		if (rc < 0)
			return rc;
		if (i > 0 && mr_digest_compare(&prev[i - 1], &prev[i]) >= 0)
			return mr_fail(err, MREG_EFORMAT,
				       "prev of event is not sorted");
	}
	out->prev = prev;
	out->prev_count = json_array_size(array);
	return 0;
}

static int read_number(const json_t *j, const char *key, uint64_t max,
		       uint64_t *out, struct mreg_error *err)
{
	int rc = mr_json_need_u64(j, key, WHAT, out, err);

	if (rc < 0)
		return rc;
	if (*out == 0 || *out > max)
		return mr_fail(err, MREG_EFORMAT,
			       "%s of event is %" PRIu64
			       ", not from 1 to %" PRIu64,
			       key, *out, max);
	return 0;
}

static int read_time(const json_t *j, struct mr_event *out,
		     struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	const char *s;
	int rc;

	rc = mr_json_need_str(j, MR_EVENT_TIME, WHAT, &s, err);
	if (rc < 0)
		return rc;
	if (mr_text_time_parse(s, &out->time_s) < 0)
		return mr_fail(err, MREG_EFORMAT,
			       "time '%s' of event is not RFC 3339",
			       mr_text_safe(s, shown, sizeof(shown)));
	return 0;
}

/* Copied; `*out` stays as it is when the member is absent. */
static int read_text(const json_t *j, const char *key, struct mr_arena *arena,
		     const char **out, struct mreg_error *err)
{
	const char *s = NULL;
	int rc = mr_json_opt_str(j, key, WHAT, &s, err);

	if (rc < 0 || !s)
		return rc;
	*out = mr_arena_strdup(arena, s);
	return *out ? 0 : mr_fail_nomem(err);
}

static int read_kind(const json_t *j, struct mr_arena *arena,
		     struct mr_event *out, struct mreg_error *err)
{
	const char *s;
	int rc;

	rc = mr_json_need_str(j, MR_EVENT_KIND, WHAT, &s, err);
	if (rc < 0)
		return rc;
	if (!*s)
		return mr_fail(err, MREG_EFORMAT, "kind of event is empty");
	out->kind = mr_event_kind_parse(s);
	out->kind_name = mr_arena_strdup(arena, s);
	return out->kind_name ? 0 : mr_fail_nomem(err);
}

/* Of every kind. */
static int read_common(const json_t *j, struct mr_arena *arena,
		       struct mr_event *out, struct mreg_error *err)
{
	int rc;

	out->actor = "";
	rc = read_kind(j, arena, out, err);
	if (rc == 0)
		rc = read_number(j, MR_EVENT_SEQ, MR_SEQ_MAX, &out->seq, err);
	if (rc == 0)
		rc = read_prev(j, arena, out, err);
	if (rc == 0)
		rc = read_time(j, out, err);
	if (rc == 0)
		rc = read_text(j, MR_EVENT_ACTOR, arena, &out->actor, err);
	if (rc == 0)
		rc = read_text(j, MR_EVENT_RUN, arena, &out->run, err);
	if (rc == 0)
		rc = read_text(j, MR_EVENT_COPIED_FROM, arena,
			       &out->copied_from, err);
	return rc;
}

static int read_claim(const json_t *j, struct mr_event *out,
		      struct mreg_error *err)
{
	const char *version, *replaces = NULL;
	int rc;

	rc = read_number(j, MR_EVENT_NUMBER, MR_VERSION_MAX, &out->number, err);
	if (rc == 0)
		rc = mr_json_need_str(j, MR_EVENT_VERSION, WHAT, &version, err);
	if (rc == 0)
		rc = read_digest(version, MR_EVENT_VERSION, &out->version, err);
	if (rc == 0)
		rc = mr_json_opt_str(j, MR_EVENT_REPLACES, WHAT, &replaces,
				     err);
	if (rc == 0 && replaces)
		rc = read_digest(replaces, MR_EVENT_REPLACES, &out->replaces,
				 err);
	return rc;
}

/* Absent: NONE. */
static int read_policy(const json_t *j, struct mr_event *out,
		       struct mreg_error *err)
{
	const char *policy = NULL;
	const char *was = NULL;
	int rc = mr_json_opt_str(j, MR_EVENT_POLICY, WHAT, &policy, err);

	if (rc == 0 && policy)
		rc = read_digest(policy, MR_EVENT_POLICY, &out->policy, err);
	if (rc == 0)
		rc = mr_json_opt_str(j, MR_EVENT_WAS, WHAT, &was, err);
	if (rc == 0 && was)
		rc = read_digest(was, MR_EVENT_WAS, &out->was, err);
	return rc;
}

static int read_json(const char *text, struct mr_arena *arena,
		     struct mr_event *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	int rc;

	rc = mr_json_parse(text, strlen(text), MR_EVENT_MAX_BYTES, WHAT, &j,
			   err);
	if (rc == 0)
		rc = read_common(j, arena, out, err);
	if (rc == 0 && out->kind == MR_EVENT_VERSION_REGISTERED)
		rc = read_claim(j, out, err);
	if (rc == 0 && out->kind == MR_EVENT_POLICY_CHANGED)
		rc = read_policy(j, out, err);
	return rc;
}

/* All that can be wrong with bytes is that they are no event. */
static int as_format(int rc, struct mreg_error *err)
{
	if (rc == MREG_ENOMEM)
		return rc;
	if (err)
		err->code = MREG_EFORMAT;
	return MREG_EFORMAT;
}

int mr_event_read(const void *bytes, size_t n, struct mr_arena *arena,
		  struct mr_event *out, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	const char *json;
	int rc;

	rc = mr_manifest_parse(bytes, n, NULL, &m, err);
	if (rc < 0)
		return as_format(rc, err);
	json = mr_annotation(&m->annotations, MR_EVENT_ANNOTATION);
	if (m->is_index || !m->artifact_type || !json ||
	    strcmp(m->artifact_type, MR_EVENT_ARTIFACT) != 0)
		return mr_fail(err, MREG_EFORMAT, "manifest is not an event's");
	*out = (struct mr_event){ .digest = m->desc.digest };
	rc = read_json(json, arena, out, err);
	return rc < 0 ? as_format(rc, err) : 0;
}
