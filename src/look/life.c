/*
 * life.c - what the log says of one version beyond its manifest.
 */
#include "look/life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "policy/policy.h"

#define TAGS "tags."
#define REVIEWED TAGS "reviewed" /* the day of the last review */

/* -- values given after the fact ------------------------------------------- */

static const char *tag_of(const struct mr_meta *meta, const char *name)
{
	size_t i;

	for (i = 0; i < meta->tag_count; i++)
		if (strcmp(meta->tags[i].name, name) == 0)
			return meta->tags[i].value;
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a;
	const struct mreg_pair *y = b;

	return strcmp(x->name, y->name);
}

static int fold_tag(struct mr_meta *meta, const char *name, const char *value,
		    struct mr_arena *a, struct mreg_error *err)
{
	const char *pair = mr_arena_printf(a, "%s=%s", name, value);

	return pair ? mr_meta_add(meta, "tags", pair, err) : mr_fail_nomem(err);
}

/* One value into the metadata; MREG_EUSAGE: it cannot be there. */
static int fold_value(struct mr_edit *edit, struct mr_meta *meta,
		      struct mr_arena *a, struct mreg_error *err)
{
	if (strcmp(edit->key, "description") == 0) {
		edit->was = meta->description;
		return mr_meta_set(meta, edit->key, edit->value, err);
	}
	if (!mr_text_starts(edit->key, TAGS))
		return 0;
	edit->was = tag_of(meta, edit->key + strlen(TAGS));
	return fold_tag(meta, edit->key + strlen(TAGS), edit->value, a, err);
}

int mr_look_fold(const struct mr_standing *now, const struct mreg_digest *d,
		 struct mr_meta *meta, struct mr_arena *a, struct mr_edits *out,
		 struct mreg_error *err)
{
	const struct mr_version_standing *v = mr_standing_version(now, d);
	size_t i;

	memset(out, 0, sizeof(*out));
	if (!v || !v->metadata.count)
		return 0;
	out->items = mr_arena_alloc(a, v->metadata.count * sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < v->metadata.count; i++) {
		const struct mr_value *value = &v->metadata.items[i];
		struct mr_edit edit = { .key = value->key,
					.value = value->value,
					.event = value->event };
		struct mreg_error why = MREG_ERROR_INIT;
		int rc = fold_value(&edit, meta, a, &why);

		if (rc >= 0)
			out->items[out->count++] = edit;
		else if (rc != MREG_EUSAGE) {
			*err = why;
			return rc;
		}
	}
	if (meta->tag_count > 1)
		qsort(meta->tags, meta->tag_count, sizeof(*meta->tags),
		      by_name);
	return 0;
}

const char *mr_look_owner(const struct mr_standing *now,
			  const struct mreg_digest *d)
{
	const struct mr_version_standing *v = mr_standing_version(now, d);
	const char *owner = v ? mr_values_get(&v->metadata, "owner") : NULL;

	return owner ? owner : mr_values_get(&now->metadata, "owner");
}

/* -- not to be used any more ----------------------------------------------- */

static const char *reason_of(const struct mr_event *e, struct mr_arena *a)
{
	const char *reason = mr_event_text(e, "reason");

	return reason ? mr_arena_strdup(a, reason) : NULL;
}

/* A time that is the end of a day was most likely given as a date. */
static const char *day_of(int64_t time_s, char out[32])
{
	(void)mr_text_time(time_s, out);
	if (mr_text_ends(out, "T23:59:59Z"))
		out[strlen(out) - strlen("T23:59:59Z")] = '\0';
	return out;
}

static const char *says(const struct mreg_deprecation *d, struct mr_arena *a)
{
	const char *text = "is deprecated";
	char digest[MREG_DIGEST_TEXT];
	char day[32];

	if (d->until_s)
		text = mr_arena_printf(a, "%s until %s", text,
				       day_of(d->until_s, day));
	if (text && d->successor_number)
		text = mr_arena_printf(a, "%s, use v%" PRIu64, text,
				       d->successor_number);
	else if (text && mr_digest_known(&d->successor))
		text = mr_arena_printf(a, "%s, use %s", text,
				       mreg_digest_text(&d->successor, digest));
	if (text && d->reason)
		text = mr_arena_printf(a, "%s: %s", text, d->reason);
	return text;
}

const struct mreg_deprecation *mr_look_deprecated(const struct mr_standing *now,
						  const struct mreg_digest *d,
						  struct mr_arena *a)
{
	const struct mr_version_standing *v = mr_standing_version(now, d);
	const struct mr_event *e = v ? v->deprecated : NULL;
	struct mreg_deprecation *out;

	if (!e)
		return NULL;
	out = mr_arena_alloc(a, sizeof(*out));
	if (!out)
		return NULL;
	memset(out, 0, sizeof(*out));
	(void)mr_event_time(e, "until", &out->until_s);
	if (mr_event_digest(e, "successor", &out->successor)) {
		v = mr_standing_version(now, &out->successor);
		if (v && v->registered)
			out->successor_number = v->registered->number;
	}
	out->reason = reason_of(e, a);
	out->time_s = e->time_s;
	out->actor = mr_arena_strdup(a, e->actor);
	out->says = says(out, a);
	return out;
}

const struct mreg_archival *mr_look_archived(const struct mr_standing *now,
					     const struct mreg_digest *d,
					     struct mr_arena *a)
{
	const struct mr_version_standing *v = mr_standing_version(now, d);
	const struct mr_event *e = v ? v->archived : NULL;
	struct mreg_archival *out;

	if (!e)
		return NULL;
	out = mr_arena_alloc(a, sizeof(*out));
	if (!out)
		return NULL;
	out->reason = reason_of(e, a);
	out->time_s = e->time_s;
	out->actor = mr_arena_strdup(a, e->actor);
	return out;
}

/* -- stages ---------------------------------------------------------------- */

int mr_look_stages(struct mreg *m, const struct mreg_ref *ref,
		   struct mr_store *s, struct mr_history *h, struct mr_arena *a,
		   struct mr_stages *out, struct mreg_error *err)
{
	MR_AUTO(mr_policies_release)
	struct mr_policies policies = { .policy = NULL };
	struct mreg_error why = MREG_ERROR_INIT;
	const struct mr_life *life;
	const char **items;
	size_t i;
	int rc = mr_policies_known(m, ref, s, h, NULL, a, &policies, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = why;
		return rc;
	}
	if (rc < 0)
		mr_log(&m->env, MREG_LOG_WARN,
		       "stages are those of no policy: %s", why.msg);
	life = mr_policy_life(policies.policy);
	items = mr_arena_alloc(a, (life->stage_count + 1) * sizeof(*items));
	for (i = 0; items && i < life->stage_count; i++)
		items[i] = mr_arena_strdup(a, life->stages[i]);
	out->items = items;
	out->count = items ? life->stage_count : 0;
	out->review_s = life->review_s;
	memset(&out->policy, 0, sizeof(out->policy));
	if (policies.source_count)
		out->policy = policies.sources[0].digest;
	return mr_result_check(a, err);
}

/* What people wrote there need be no date: then it is when they wrote it. */
int64_t mr_look_review(const struct mr_standing *now,
		       const struct mreg_digest *d, int64_t review_s)
{
	const struct mr_version_standing *v = mr_standing_version(now, d);
	int64_t last_s = 0;
	size_t i;

	if (!review_s || !v)
		return 0;
	if (v->registered)
		last_s = v->registered->time_s;
	for (i = 0; i < v->metadata.count; i++) {
		const struct mr_value *it = &v->metadata.items[i];

		if (strcmp(it->key, REVIEWED) == 0 &&
		    mr_text_moment_parse(it->value, &last_s) < 0)
			last_s = it->event->time_s;
	}
	return last_s ? last_s + review_s : 0;
}

bool mr_look_aliased(const struct mr_tag_row *rows, size_t n,
		     const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].kind == MR_TAG_ALIAS &&
		    (!d || mreg_digest_equal(&rows[i].desc.digest, d)))
			return true;
	return false;
}
