/*
 * record.c - values that are given after the fact.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a;
	const struct mreg_pair *y = b;

	return strcmp(x->name, y->name);
}

/* Without what is so already; `*n` of them are left. */
static void drop_same(const struct mr_values *now, struct mreg_pair *items,
		      size_t *n, bool set)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < *n; i++) {
		const char *is = mr_values_get(now, items[i].name);
		bool same = set ? is && strcmp(is, items[i].value) == 0 : !is;

		if (!same)
			items[kept++] = items[i];
	}
	*n = kept;
}

int mr_metadata_write(struct mreg *m, struct mr_store *s, struct mr_history *h,
		      const struct mreg_ref *ref, struct mr_metadata *md,
		      struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	static const struct mr_values none = { .count = 0 };
	const struct mr_version_standing *v = NULL;
	const struct mr_values *values = &none;
	struct mr_event_field fields[2];
	struct mr_event e = { .version = md->version, .fields = fields };
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	if (rc < 0)
		return rc;
	if (mr_digest_known(&md->version))
		v = mr_standing_version(&now, &md->version);
	if (v)
		values = &v->metadata;
	else if (!mr_digest_known(&md->version))
		values = &now.metadata;
	drop_same(values, md->set, &md->set_count, true);
	drop_same(values, md->unset, &md->unset_count, false);
	md->created = md->record && !now.record;
	if (!md->created && !md->set_count && !md->unset_count && !md->begin)
		return 0;
	if (md->set_count > 1)
		qsort(md->set, md->set_count, sizeof(*md->set), by_name);
	e.kind = md->created ? MR_EVENT_RECORD_WRITTEN
			     : MR_EVENT_METADATA_CHANGED;
	if (md->created || md->set_count)
		fields[e.field_count++] = (struct mr_event_field){
			.key = "set", .items = md->set, .count = md->set_count
		};
	if (!md->created && md->unset_count)
		fields[e.field_count++] =
			(struct mr_event_field){ .key = "unset",
						 .items = md->unset,
						 .count = md->unset_count };
	md->changed = true;
	if (md->dry_run)
		return 0;
	rc = mr_log_append(m, s, h, ref, &e, &md->event, err);
	return rc < 0 ? rc : mr_history_read(m, s, h, err);
}
