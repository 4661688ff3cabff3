/*
 * list.c - models of a place, versions of a model.
 */
#include "mreg/list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "history/history.h"
#include "look/life.h"
#include "repo/repo.h"

/* -- models ---------------------------------------------------------------- */

/*
 * How fresh a listing is the index does not know: a model that is new may have
 * been synced by nobody.  So it is taken where that was asked for, and where
 * there is no other.
 */
static int list_models(struct mreg *m, const struct mreg_ref *place,
		       struct mr_list *names, int64_t *synced_s,
		       struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool used = false;
	int rc = MREG_EUNSUPPORTED;

	if (m->index_use != MREG_INDEX_ALWAYS)
		rc = mr_place_models(m, place, names, &why);
	if (rc == MREG_EUNSUPPORTED)
		rc = mr_recall_models(m, place, names, synced_s, &used, err);
	else if (rc < 0 && err)
		*err = why;
	/* Of a place that nobody synced the index says nothing. */
	if (rc < 0 || (used && (names->n || !why.code)) || !why.code)
		return rc;
	if (err)
		*err = why;
	return (int)why.code;
}

static int models_in(struct mreg *m, const char *prefix,
		     struct mreg_models_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	struct mr_arena *a = out->owner;
	const char **copy;
	struct mreg_ref place;
	size_t i;
	int rc = mr_place_parse(m, prefix, &place, err);

	if (rc >= 0)
		rc = list_models(m, &place, &names, &out->synced_s, err);
	if (rc < 0)
		return rc;
	copy = mr_arena_alloc(a, (names.n + 1) * sizeof(*copy));
	for (i = 0; copy && i < names.n; i++)
		copy[out->count++] = mr_arena_strdup(
			a, names.items[i] + strlen(place.repository));
	out->names = copy;
	out->where = mr_place_text(&place, a);
	return mr_result_check(a, err);
}

int mreg_models(struct mreg *m, const char *prefix,
		struct mreg_models_result *out, struct mreg_error *err)
{
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = models_in(m, prefix, out, err);
	if (rc < 0)
		mreg_models_result_release(out);
	return rc;
}

void mreg_models_result_release(struct mreg_models_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}

/* -- versions -------------------------------------------------------------- */

struct listing {
	struct mreg *m;
	struct mr_store *s;
	struct mr_recall recall; /* owned */
	const struct mreg_versions_opts *o;
	struct mr_history history;   /* owned */
	struct mr_standing now;      /* owned */
	struct mr_stages stages;     /* in the result's arena */
	struct mr_tag_row *versions; /* owned */
	size_t version_count;
	struct mr_tag_row *names; /* owned */
	size_t name_count;
	struct mr_manifest **manifests; /* owned, each; one per row */
	struct mreg_versions_result *out;
};

static void listing_release(struct listing *l)
{
	size_t i;

	for (i = 0; l->manifests && i < l->out->count; i++)
		mr_manifest_free(l->manifests[i]);
	mr_release(l->manifests);
	mr_release(l->versions);
	mr_release(l->names);
	mr_standing_release(&l->now);
	mr_history_release(&l->history);
	mr_recall_release(&l->recall);
	mr_store_closep(&l->s);
}

static const struct mr_ix_row *known_row(const struct listing *l,
					 const struct mreg_version_row *row)
{
	return mr_recall_row(&l->recall, row->number, &row->digest);
}

static int fetch_manifest(void *ctx, size_t index, struct mreg_error *err)
{
	struct listing *l = ctx;
	const struct mreg_version_row *row = &l->out->rows[index];
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	if (l->recall.whole && known_row(l, row))
		return 0;
	rc = mr_manifest_fetch(l->m, l->s, &row->digest, &l->manifests[index],
			       &why);
	/* One that nobody can read hides no other. */
	if (rc == MREG_EFORMAT || rc == MREG_ELIMIT || rc == MREG_ENOTFOUND) {
		mr_log(&l->m->env, MREG_LOG_WARN,
		       "v%" PRIu64 " cannot be read: %s", row->number, why.msg);
		return 0;
	}
	if (rc < 0)
		*err = why;
	return rc;
}

/* What the index has of the manifest, which never changes; NULL: nobody could
 * read that. */
static void take_known(struct mreg_version_row *row,
		       const struct mr_ix_row *known, struct mr_arena *a)
{
	if (!known)
		return;
	row->bytes = known->bytes;
	row->files = known->files;
	row->metrics = mr_result_pairs(a, known->metrics, known->metric_count);
	row->metric_count = row->metrics ? known->metric_count : 0;
}

static int take_manifest(struct mreg_version_row *row,
			 const struct mr_manifest *m, struct mr_arena *a,
			 struct mreg_error *err)
{
	struct mr_meta *meta = NULL;
	size_t i;
	int rc;

	for (i = 0; i < m->layer_count; i++)
		row->bytes += m->layers[i].desc.size;
	row->files = m->layer_count;
	rc = mr_meta_new(&meta, err);
	if (rc < 0)
		return rc;
	rc = mr_meta_read(m, meta, err);
	if (rc >= 0) {
		row->metrics =
			mr_result_pairs(a, meta->metrics, meta->metric_count);
		row->metric_count = row->metrics ? meta->metric_count : 0;
	}
	mr_meta_free(meta);
	return rc;
}

/* The index has it as the sync computed it, by the policy of then. */
static const char *stage_of(struct listing *l,
			    const struct mreg_version_row *row)
{
	const struct mr_ix_row *known = known_row(l, row);

	if (known && known->stage)
		return known->stage;
	return mr_stage(mr_standing_archived(&l->now, &row->digest),
			l->stages.items, l->stages.count, row->tags,
			row->tag_count);
}

static void take_row(struct listing *l, const struct mr_tag_row *v,
		     struct mreg_version_row *row)
{
	struct mr_arena *a = l->out->owner;
	const struct mr_event *e =
		mr_ledger_owner(l->history.ledger, v->number, &v->desc.digest);

	row->number = v->number;
	row->digest = v->desc.digest;
	row->actor = "";
	if (e) {
		row->registered_s = e->time_s;
		row->actor = mr_arena_strdup(a, e->actor);
		row->run = e->run ? mr_arena_strdup(a, e->run) : NULL;
		row->moved = !mreg_digest_equal(&e->version, &v->desc.digest);
		row->digest = e->version;
		if (!row->moved)
			mr_number_remember(l->m, l->s, &row->digest,
					   row->number);
	} else {
		/* The log gave this number to another digest once. */
		row->moved = mr_ledger_contested(l->history.ledger, v->number,
						 &v->desc.digest);
	}
	row->tags = mr_tag_names(a, l->names, l->name_count, &row->digest,
				 &row->tag_count);
	row->deprecated = mr_look_deprecated(&l->now, &row->digest, a);
	if (!mr_arena_failed(a))
		row->stage = mr_arena_strdup(a, stage_of(l, row));
}

/* The version that a number's row is about: the log's, where it knows one. */
static const struct mreg_digest *meant(struct listing *l,
				       const struct mr_tag_row *v)
{
	const struct mr_event *e =
		mr_ledger_owner(l->history.ledger, v->number, &v->desc.digest);

	return e ? &e->version : &v->desc.digest;
}

static int take_rows(struct listing *l, struct mreg_error *err)
{
	struct mreg_versions_result *out = l->out;
	size_t i;

	out->rows = mr_arena_alloc(out->owner,
				   (l->version_count + 1) * sizeof(*out->rows));
	if (!out->rows)
		return mr_fail_nomem(err);
	mr_state_begin(l->m->state);
	for (i = 0; i < l->version_count; i++) {
		const struct mr_tag_row *v = &l->versions[i];

		if (!l->o->archived &&
		    mr_standing_archived(&l->now, meant(l, v)))
			out->hidden++;
		else
			take_row(l, v, &out->rows[out->count++]);
	}
	mr_state_end(l->m->state);
	return 0;
}

static int compare_number(const void *a, const void *b)
{
	const struct mreg_version_row *x = a;
	const struct mreg_version_row *y = b;

	return (x->number < y->number) - (x->number > y->number);
}

/* The rows of tags borrow from lists that end here: rows of the result have
 * copies. */
static int read_all(struct listing *l, const struct mreg_ref *ref,
		    struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list versions = { .n = 0 };
	MR_AUTO(mr_list_release) struct mr_list others = { .n = 0 };
	size_t i;
	int rc = mr_history_read(l->m, l->s, &l->history, err);

	if (rc >= 0 && !l->history.found)
		return mr_target_missing(l->s, ref, err);
	if (rc >= 0)
		rc = mr_version_tags(l->s, &l->history, &versions, err);
	for (i = 0; rc >= 0 && i < l->history.tags.n; i++)
		if (!mr_tag_number(l->history.tags.items[i]))
			rc = mr_list_add(&others, l->history.tags.items[i],
					 err);
	if (rc >= 0)
		rc = mr_tag_rows(l->m, l->s, &versions, &l->versions,
				 &l->version_count, err);
	if (rc >= 0)
		rc = mr_tag_rows(l->m, l->s, &others, &l->names, &l->name_count,
				 err);
	if (rc >= 0)
		rc = mr_ledger_standing(l->history.ledger, MR_STANDING_NOW,
					&l->now, err);
	if (rc >= 0 && !l->recall.synced_s &&
	    mr_look_aliased(l->names, l->name_count, NULL))
		rc = mr_look_stages(l->m, ref, l->s, &l->history, l->out->owner,
				    &l->stages, err);
	return rc < 0 ? rc : take_rows(l, err);
}

static int versions_in(struct listing *l, const char *text,
		       struct mreg_error *err)
{
	struct mreg_versions_result *out = l->out;
	struct mr_arena *a = out->owner;
	char name[MREG_REF_TEXT];
	struct mreg_ref ref;
	size_t i;
	int rc = mr_target(l->m, text, &ref, &l->s, err);

	if (rc < 0)
		return rc;
	if (ref.tag[0] || mr_digest_known(&ref.digest)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is one version", text);
		return mr_hint(err, "list by the name alone, or use 'mreg "
				    "inspect'");
	}
	out->name = mr_arena_strdup(a, mr_target_name(l->m, &ref, name));
	rc = mr_recall(l->m, &ref, &l->s, &l->recall, err);
	out->synced_s = l->recall.synced_s;
	if (rc >= 0)
		rc = read_all(l, &ref, err);
	if (rc < 0)
		return rc;
	if (out->count > 1)
		qsort(out->rows, out->count, sizeof(*out->rows),
		      compare_number);
	l->manifests = mr_array(out->count + 1, sizeof(*l->manifests));
	if (!l->manifests)
		return mr_fail_nomem(err);
	rc = mr_task_run(&l->m->env, MR_LOOKUP_JOBS, out->count, fetch_manifest,
			 l, err);
	for (i = 0; rc >= 0 && i < out->count; i++)
		if (l->manifests[i])
			rc = take_manifest(&out->rows[i], l->manifests[i], a,
					   err);
		else
			take_known(&out->rows[i], known_row(l, &out->rows[i]),
				   a);
	return rc < 0 ? rc : mr_result_check(a, err);
}

int mreg_versions(struct mreg *m, const char *ref,
		  const struct mreg_versions_opts *given,
		  struct mreg_versions_result *out, struct mreg_error *err)
{
	struct mreg_versions_opts o = MREG_VERSIONS_OPTS_INIT;
	struct listing l = { .m = m, .out = out, .o = &o };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	if (given)
		mr_opts_take(&o, sizeof(o), given, given->size);
	rc = versions_in(&l, ref, err);
	listing_release(&l);
	if (rc < 0)
		mreg_versions_result_release(out);
	return rc;
}

void mreg_versions_result_release(struct mreg_versions_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
