/*
 * du.c - the bytes that models take, and how many of them are shared.
 */
#include "mreg/du.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "gc/plan.h"
#include "mreg/list.h"

/* A blob in a model. */
struct du_use {
	struct mreg_digest digest;
	uint64_t size;
	size_t model;
	size_t items; /* versions and other things of it that name it */
};

struct du {
	struct mreg *m;
	struct mreg_du_result *out;
	struct du_use *uses; /* owned; by digest, then model */
	size_t use_count, use_cap;
	size_t *groups; /* owned; the row of each model */
};

static void du_release(struct du *d)
{
	mr_release(d->uses);
	mr_release(d->groups);
}

/* -- one model ------------------------------------------------------------- */

/* Of sorted uses, one for each blob. */
static int add_uses(struct du *d, const struct gc *g, struct mreg_error *err)
{
	size_t first = d->use_count;
	void *items = d->uses;
	size_t i;

	if (mr_grow(&items, &d->use_cap, first + g->use_count,
		    sizeof(*d->uses)) < 0)
		return mr_fail_nomem(err);
	d->uses = items;
	for (i = 0; i < g->use_count; i++) {
		struct du_use *last = &d->uses[d->use_count - 1];

		if (d->use_count > first &&
		    mreg_digest_equal(&last->digest, &g->uses[i].digest))
			last->items++;
		else
			d->uses[d->use_count++] =
				(struct du_use){ .digest = g->uses[i].digest,
						 .size = g->uses[i].size,
						 .model = d->out->count,
						 .items = 1 };
	}
	return 0;
}

static int measure(struct du *d, struct gc *g, struct mreg_du_row *row,
		   struct mreg_error *err)
{
	struct mr_sweep sweep = { .older_s = MR_GC_GRACE_S, .dry_run = true };
	const char *owner;
	size_t i;
	int rc = mr_gc_gather(g, err);

	if (rc >= 0)
		rc = mr_gc_judge(g, err);
	if (rc >= 0)
		rc = mr_gc_sweep(g, &sweep, err);
	if (rc >= 0)
		rc = add_uses(d, g, err);
	if (rc < 0)
		return rc;
	owner = mr_values_get(&g->now.metadata, "owner");
	if (owner)
		row->owner = mr_arena_strdup(g->arena, owner);
	row->models = 1;
	row->bytes.reclaimable = sweep.bytes;
	for (i = 1; i < g->item_count; i++) {
		row->versions += g->items[i].tagged;
		if (g->items[i].tagged)
			row->bytes.logical += g->items[i].bytes;
		row->bytes.reclaimable += g->items[i].freed;
	}
	return 0;
}

/* Its name in another spelling, too, is that of one model. */
static bool is_counted(const struct du *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->out->count; i++)
		if (strcmp(d->out->rows[i].name, name) == 0)
			return true;
	return false;
}

/* One that went away since it was listed (`listed`) is left out. */
static int add_model(struct du *d, const char *name, bool listed,
		     struct mreg_error *err)
{
	static const struct mreg_gc_opts none = MREG_GC_OPTS_INIT;
	MR_AUTO(mr_gc_release)
	struct gc g = { .m = d->m, .o = &none, .arena = d->out->owner };
	struct mreg_du_row *row = &d->out->rows[d->out->count];
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];
	int rc = mr_gc_open(&g, name, &why);

	if (rc >= 0) {
		row->name = mr_arena_strdup(d->out->owner,
					    mr_target_name(d->m, &g.ref, text));
		rc = row->name ? 0 : mr_fail_nomem(&why);
	}
	if (rc >= 0 && row->name && is_counted(d, row->name))
		return 0;
	if (rc >= 0)
		rc = measure(d, &g, row, &why);
	if (rc == MREG_ENOTFOUND && listed && g.s && !g.h.found)
		return 0;
	if (rc < 0) {
		*err = why;
		return rc;
	}
	d->out->count++;
	return mr_result_check(d->out->owner, err);
}

/* A catalog names what others may read, too: one that cannot be read is told,
 * and does not hide the others. */
static int add_one_listed(struct du *d, const char *name,
			  struct mreg_pair *unread, struct mreg_error *err)
{
	struct mr_arena *a = d->out->owner;
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MR_ERROR_TEXT];
	int rc = add_model(d, name, true, &why);

	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = why;
		return rc;
	}
	if (rc < 0)
		unread[d->out->unread_count++] = (struct mreg_pair){
			mr_arena_strdup(a, name),
			mr_arena_strdup(a, mr_error_text(&why, text)),
		};
	return mr_result_check(a, err);
}

static int add_listed(struct du *d, struct mreg_error *err)
{
	struct mreg_models_result models;
	struct mreg_pair *unread;
	size_t i;
	int rc = mreg_models(d->m, NULL, &models, err);

	if (rc == MREG_EUNSUPPORTED)
		(void)mr_hint(err, "name the models: mreg du NAME...");
	if (rc < 0)
		return rc;
	d->out->rows = mr_arena_alloc(
		d->out->owner, (models.count + 1) * sizeof(*d->out->rows));
	unread = mr_arena_alloc(d->out->owner,
				(models.count + 1) * sizeof(*unread));
	d->out->unread = unread;
	if (!d->out->rows || !unread)
		rc = mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < models.count; i++)
		rc = add_one_listed(d, models.names[i], unread, err);
	mreg_models_result_release(&models);
	return rc;
}

static int add_named(struct du *d, const struct mreg_texts *names,
		     struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	d->out->rows = mr_arena_alloc(d->out->owner,
				      (names->n + 1) * sizeof(*d->out->rows));
	if (!d->out->rows)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < names->n; i++)
		rc = add_model(d, names->items[i], false, err);
	return rc;
}

/* -- what is shared -------------------------------------------------------- */

static int by_digest(const void *a, const void *b)
{
	const struct du_use *x = a;
	const struct du_use *y = b;
	int order = mr_digest_compare(&x->digest, &y->digest);

	return order ? order : (x->model > y->model) - (x->model < y->model);
}

/* One blob: uses from `i` to before `end`. */
static void count_blob(const struct du *d, size_t i, size_t end,
		       struct mreg_du_row *rows)
{
	size_t first = d->groups[d->uses[i].model];
	bool shared = end - i > 1 || d->uses[i].items > 1;
	bool alone = true;
	size_t k, seen;

	for (k = i; k < end; k++)
		alone = alone && d->groups[d->uses[k].model] == first;
	for (k = i; k < end; k++) {
		size_t group = d->groups[d->uses[k].model];
		struct mreg_du_bytes *b = &rows[group].bytes;

		for (seen = i; seen < k; seen++)
			if (d->groups[d->uses[seen].model] == group)
				break;
		if (seen < k)
			continue;
		b->stored += d->uses[k].size;
		b->unique += alone ? d->uses[k].size : 0;
		b->shared += shared ? d->uses[k].size : 0;
	}
}

/* `groups` says which row each model counts for. */
static void count_blobs(const struct du *d, struct mreg_du_row *rows)
{
	size_t i = 0;

	while (i < d->use_count) {
		size_t end = i + 1;

		while (end < d->use_count &&
		       mreg_digest_equal(&d->uses[end].digest,
					 &d->uses[i].digest))
			end++;
		count_blob(d, i, end, rows);
		i = end;
	}
}

static void add_sums(const struct mreg_du_row *model, struct mreg_du_row *to)
{
	to->models += model->models;
	to->versions += model->versions;
	to->bytes.logical += model->bytes.logical;
	to->bytes.reclaimable += model->bytes.reclaimable;
}

static int by_owner(const void *a, const void *b)
{
	const struct mreg_du_row *x = a;
	const struct mreg_du_row *y = b;

	if (!x->owner || !y->owner)
		return (x->owner == NULL) - (y->owner == NULL);
	return strcmp(x->owner, y->owner);
}

static struct mreg_du_row *find_owner(struct mreg_du_result *out,
				      const struct mreg_du_row *model)
{
	size_t i;

	for (i = 0; i < out->owner_count; i++)
		if (by_owner(&out->owners[i], model) == 0)
			return &out->owners[i];
	return NULL;
}

static int count_owners(struct du *d, struct mreg_error *err)
{
	struct mreg_du_result *out = d->out;
	size_t i;

	out->owners = mr_arena_alloc(out->owner,
				     (out->count + 1) * sizeof(*out->owners));
	if (!out->owners)
		return mr_fail_nomem(err);
	for (i = 0; i < out->count; i++)
		if (!find_owner(out, &out->rows[i]))
			out->owners[out->owner_count++].owner =
				out->rows[i].owner;
	if (out->owner_count > 1)
		qsort(out->owners, out->owner_count, sizeof(*out->owners),
		      by_owner);
	for (i = 0; i < out->count; i++) {
		struct mreg_du_row *to = find_owner(out, &out->rows[i]);

		add_sums(&out->rows[i], to);
		d->groups[i] = (size_t)(to - out->owners);
	}
	count_blobs(d, out->owners);
	return 0;
}

static int count_all(struct du *d, struct mreg_error *err)
{
	size_t i;
	int rc;

	if (d->use_count > 1)
		qsort(d->uses, d->use_count, sizeof(*d->uses), by_digest);
	d->groups = mr_array(d->out->count + 1, sizeof(*d->groups));
	if (!d->groups)
		return mr_fail_nomem(err);
	for (i = 0; i < d->out->count; i++)
		add_sums(&d->out->rows[i], &d->out->total);
	count_blobs(d, &d->out->total);
	for (i = 0; i < d->out->count; i++)
		d->groups[i] = i;
	count_blobs(d, d->out->rows);
	rc = count_owners(d, err);
	return rc < 0 ? rc : mr_result_check(d->out->owner, err);
}

int mreg_du(struct mreg *m, const struct mreg_texts *names,
	    struct mreg_du_result *out, struct mreg_error *err)
{
	MR_AUTO(du_release) struct du d = { .m = m, .out = out };
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = names && names->n ? add_named(&d, names, err)
			       : add_listed(&d, err);
	if (rc >= 0)
		rc = count_all(&d, err);
	if (rc < 0)
		mreg_du_result_release(out);
	return rc;
}

void mreg_du_result_release(struct mreg_du_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
