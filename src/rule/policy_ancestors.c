/*
 * policy_ancestors.c - what a version comes from, and what that comes from:
 * the licences of all of it.
 *
 * Breadth first, each digest once.  A row that cannot be read says why, and the
 * walk goes on beside it.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/look.h"
#include "rule/rule.h"

/* A merge of merges has some dozens. */
#define ANCESTORS_MAX 1000

struct walk {
	const struct mr_policy_subject *u;
	struct mr_arena *arena;
	struct mr_ancestor *rows; /* in the arena; ANCESTORS_MAX */
	size_t count;
	bool more;
};

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool has_row(const struct walk *w, const struct mr_ancestor *row)
{
	size_t i;

	for (i = 0; row->digest && i < w->count; i++)
		if (w->rows[i].digest && w->rows[i].input == row->input &&
		    w->rows[i].address == row->address &&
		    strcmp(w->rows[i].digest, row->digest) == 0 &&
		    is_same(w->rows[i].told, row->told))
			return true;
	return false;
}

static const char *keep(struct walk *w, const char *text)
{
	return text ? mr_arena_strdup(w->arena, text) : NULL;
}

static void add(struct walk *w, const struct mr_ancestor *row)
{
	struct mr_ancestor *mine;

	if (has_row(w, row))
		return;
	if (w->count == ANCESTORS_MAX) {
		w->more = true;
		return;
	}
	mine = &w->rows[w->count++];
	mine->input = row->input;
	mine->how = keep(w, row->how);
	mine->ref = keep(w, row->ref);
	mine->address = row->address;
	mine->digest = keep(w, row->digest);
	mine->told = keep(w, row->told);
	mine->license = mine->told;
}

/* What `meta` names; what data comes from is data. */
static void add_all(struct walk *w, const struct mr_meta *meta, bool data)
{
	size_t i;

	for (i = 0; i < meta->parent_count; i++) {
		const struct mr_parent *p = &meta->parents[i];
		struct mr_ancestor row = { .input = data,
					   .how = p->relation,
					   .ref = p->ref,
					   .address = true,
					   .digest = p->digest };

		add(w, &row);
	}
	for (i = 0; i < meta->input_count; i++) {
		const struct mr_input *in = &meta->inputs[i];
		struct mr_ancestor row = { .input = true,
					   .how = in->role,
					   .ref = in->uri ? in->uri : in->name,
					   .address = in->uri != NULL,
					   .digest = in->digest,
					   .told = in->license };

		add(w, &row);
	}
}

/* A reference as documents have it; one without a host is in the same local
 * store as what names it. */
static int complete(struct walk *w, const struct mr_ancestor *row,
		    struct mreg_ref *out, struct mreg_error *err)
{
	const struct mreg_ref *of = w->u->ref;
	int rc = mr_ref_parse(row->ref, out, err);

	if (rc >= 0 && of->dir[0] && !out->host[0] && !out->dir[0])
		(void)snprintf(out->dir, sizeof(out->dir), "%s", of->dir);
	else if (rc >= 0)
		rc = mr_target_parse(w->u->m, row->ref, out, err);
	if (rc >= 0)
		rc = mreg_digest_parse(row->digest, &out->digest, err);
	return rc;
}

static int read_row(struct walk *w, struct mr_ancestor *row,
		    struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look look = { .m = w->u->m };
	struct mreg_ref ref;
	int rc = complete(w, row, &ref, err);

	if (rc >= 0)
		rc = mr_look_open_ref(w->u->m, &ref, &look, err);
	if (rc >= 0)
		rc = mr_look_meta(&look, err);
	if (rc < 0)
		return rc;
	/* What was told with it does not hide what it says itself. */
	if (look.meta->licenses)
		row->license = keep(w, look.meta->licenses);
	add_all(w, look.meta, row->input);
	return 0;
}

/* Whether there is something to read: what lies outside OCI, or has a name and
 * no address, is not. */
static bool is_readable(const struct mr_ancestor *row)
{
	return row->address && row->digest && !mr_meta_is_outside(row->ref);
}

int mr_policy_ancestors(const struct mr_policy_subject *u, struct mr_arena *a,
			struct mr_ancestor **out, size_t *count, bool *more,
			struct mreg_error *err)
{
	struct walk w = { .u = u, .arena = a };
	size_t i;
	int rc;

	w.rows = mr_arena_alloc(a, ANCESTORS_MAX * sizeof(*w.rows));
	if (!w.rows)
		return mr_fail_nomem(err);
	add_all(&w, u->meta, false);
	for (i = 0; i < w.count; i++) {
		struct mreg_error why = MREG_ERROR_INIT;
		char text[MR_ERROR_TEXT];

		if (!is_readable(&w.rows[i]))
			continue;
		rc = read_row(&w, &w.rows[i], &why);
		if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
			*err = why;
			return rc;
		}
		if (rc < 0)
			w.rows[i].unreadable =
				keep(&w, mr_error_text(&why, text));
	}
	*out = w.rows;
	*count = w.count;
	*more = w.more;
	return mr_result_check(a, err);
}
