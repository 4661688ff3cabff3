/*
 * changelog_json.c - what changed about an alias, as JSON.
 */
#include <string.h>

#include "mreg/json.h"

#include "view/view.h"

static void put_time(struct mr_view *v, const char *key, int64_t time_s)
{
	if (time_s)
		mr_view_time(v, key, time_s);
	else
		mr_view_str(v, key, NULL);
}

static void put_end(struct mr_view *v, const char *key,
		    const struct mreg_changelog_end *e)
{
	struct mr_view end;

	mr_view_init(&end, NULL);
	mr_view_digest(&end, "digest", &e->digest);
	mr_view_version(&end, e->number);
	put_time(&end, "since", e->since_s);
	mr_view_put(v, key, mr_view_take(&end));
}

static json_t *move_row(const void *items, size_t i)
{
	const struct mreg_changelog_move *m =
		(const struct mreg_changelog_move *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "event", &m->event);
	mr_view_digest(&v, "digest", &m->digest);
	mr_view_version(&v, m->number);
	mr_view_time(&v, "time", m->time_s);
	mr_view_str(&v, "actor", m->actor);
	mr_view_str(&v, "by", m->by);
	mr_view_str(&v, "reason", m->reason);
	return mr_view_take(&v);
}

static json_t *version_row(const void *items, size_t i)
{
	const struct mreg_changelog_version *ver =
		(const struct mreg_changelog_version *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "digest", &ver->digest);
	mr_view_version(&v, ver->number);
	mr_view_time(&v, "registered", ver->time_s);
	mr_view_str(&v, "actor", ver->actor);
	mr_view_str(&v, "run", ver->run);
	mr_view_bool(&v, "had", ver->had);
	mr_view_bool(&v, "removed", ver->removed);
	return mr_view_take(&v);
}

static json_t *change_of(const struct mreg_diff_field *f)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", f->name);
	mr_view_str(&v, "from", f->a);
	mr_view_str(&v, "to", f->b);
	return mr_view_take(&v);
}

/* Null where the ends were not compared. */
static void put_section(struct mr_view *v, const char *key,
			const struct mreg_changelog_result *r,
			const char *section)
{
	json_t *rows = r->compared ? json_array() : json_null();
	size_t i;

	for (i = 0; i < r->field_count; i++)
		if (strcmp(r->fields[i].section, section) == 0)
			(void)json_array_append_new(rows,
						    change_of(&r->fields[i]));
	mr_view_put(v, key, rows);
}

/* Null too where both have the same. */
static void put_license(struct mr_view *v,
			const struct mreg_changelog_result *r)
{
	size_t i;

	for (i = 0; i < r->field_count; i++)
		if (strcmp(r->fields[i].section, "metadata") == 0) {
			mr_view_put(v, "license", change_of(&r->fields[i]));
			return;
		}
	mr_view_str(v, "license", NULL);
}

static void put_files(struct mr_view *v, const struct mreg_changelog_result *r)
{
	struct mr_view files;

	if (!r->compared) {
		mr_view_str(v, "files", NULL);
		return;
	}
	mr_view_init(&files, NULL);
	mr_view_u64(&files, "added", r->files_added);
	mr_view_u64(&files, "removed", r->files_removed);
	mr_view_u64(&files, "changed", r->files_changed);
	mr_view_u64(&files, "moved", r->files_moved);
	mr_view_u64(&files, "same", r->files_same);
	mr_view_put(v, "files", mr_view_take(&files));
}

char *mreg_changelog_result_json(const struct mreg_changelog_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.changelog/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "alias", r->alias);
	put_end(&v, "from", &r->from);
	put_end(&v, "to", &r->to);
	mr_view_bool(&v, "back", r->back);
	mr_view_rows(&v, "moves", r->moves, r->move_count, move_row);
	mr_view_rows(&v, "splits", r->splits, r->split_count,
		     mr_view_split_row);
	mr_view_rows(&v, "versions", r->versions, r->version_count,
		     version_row);
	mr_view_bool(&v, "compared", r->compared);
	put_section(&v, "metrics", r, "metrics");
	put_section(&v, "inputs", r, "inputs");
	put_section(&v, "parents", r, "parents");
	put_license(&v, r);
	put_files(&v, r);
	return mr_view_text(&v);
}
