/*
 * siblings.c - a version in other profiles.
 *
 * Listings drop tags that begin with another one's name (product.md 2), as
 * v3-image does with v3's, so each is asked for.
 */
#include "look/siblings.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "repo/repo.h"

static int ask_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct mr_siblings *s = ctx;
	struct mr_sibling_found *f = &s->of[i];
	char tag[MR_SIBLING_TAG];

	(void)err; /* one that fails stops no other */
	f->rc = mr_tag_resolve(s->l->s, mr_sibling_tag(s->number, i, tag),
			       &f->desc, &f->found, &f->why);
	return 0;
}

static int ask_all(void *ctx, size_t index, struct mreg_error *err)
{
	struct mr_siblings *s = ctx;

	(void)index;
	return mr_task_run(&s->l->m->env, MR_SIBLING_KINDS, MR_SIBLING_KINDS,
			   ask_one, s, err);
}

int mr_siblings_start(struct mr_siblings *s, struct mreg_error *err)
{
	if (!s->number || s->l->recall.synced_s)
		return 0;
	return mr_side_start(ask_all, s, &s->side, err);
}

static struct mreg_sibling *begin(struct mr_arena *a,
				  struct mreg_inspect_result *out)
{
	struct mreg_sibling *to =
		mr_arena_alloc(a, MR_SIBLING_KINDS * sizeof(*to));

	out->siblings = to;
	return to;
}

static void add(struct mreg_sibling *to, size_t kind, uint64_t number,
		const struct mreg_desc *d, struct mr_arena *a,
		struct mreg_inspect_result *out)
{
	char tag[MR_SIBLING_TAG];

	to[out->sibling_count++] = (struct mreg_sibling){
		.profile = mr_sibling_kinds[kind].profile,
		.tag = mr_arena_strdup(a, mr_sibling_tag(number, kind, tag)),
		.digest = d->digest,
		.size = d->size,
	};
}

static int take_asked(struct mr_siblings *s, struct mr_arena *a,
		      struct mreg_inspect_result *out, struct mreg_error *err)
{
	struct mreg_sibling *to = begin(a, out);
	char tag[MR_SIBLING_TAG];
	size_t i;

	for (i = 0; to && i < MR_SIBLING_KINDS; i++) {
		struct mr_sibling_found *f = &s->of[i];

		if (f->rc == MREG_ENOMEM || f->rc == MREG_ECANCELED) {
			if (err)
				*err = f->why;
			return f->rc;
		}
		if (f->rc < 0) {
			out->sibling_unread++;
			mr_log(&s->l->m->env, MREG_LOG_WARN,
			       "whether there is '%s' cannot be told: %s",
			       mr_sibling_tag(s->number, i, tag), f->why.msg);
		} else if (f->found) {
			add(to, i, s->number, &f->desc, a, out);
		}
	}
	return 0;
}

void mr_siblings_known(const struct mr_ix_document *rows, size_t n,
		       uint64_t number, bool whole, struct mr_arena *a,
		       struct mreg_inspect_result *out)
{
	struct mreg_sibling *to = begin(a, out);
	char tag[MR_SIBLING_TAG];
	size_t i, k;

	for (k = 0; to && number && k < MR_SIBLING_KINDS; k++) {
		(void)mr_sibling_tag(number, k, tag);
		for (i = 0; i < n; i++)
			if (rows[i].how == MR_IX_SIBLING && rows[i].tag &&
			    strcmp(rows[i].tag, tag) == 0)
				break;
		if (i < n)
			add(to, k, number, &rows[i].desc, a, out);
		else if (!whole)
			out->sibling_unread++;
	}
}

static int take_known(struct mr_siblings *s, struct mr_arena *a,
		      struct mreg_inspect_result *out, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_ix_document *rows = NULL;
	char name[MREG_REF_TEXT];
	struct mr_index *ix;
	size_t n = 0;
	int rc = mr_session_index(s->l->m, MR_DB_READ, &ix, &why);

	if (rc >= 0)
		rc = mr_index_documents(ix, mr_ref_name(&s->l->ref, name),
					&out->desc.digest, a, &rows, &n, &why);
	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0)
		mr_log(&s->l->m->env, MREG_LOG_WARN,
		       "which siblings it has cannot be told: %s", why.msg);
	mr_siblings_known(rows, rc < 0 ? 0 : n, s->number,
			  rc >= 0 && s->l->recall.whole, a, out);
	return 0;
}

int mr_siblings_join(struct mr_siblings *s, int rc, struct mr_arena *a,
		     struct mreg_inspect_result *out, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool far = s->side != NULL;
	int asked = far ? mr_side_join(s->side, &why) : 0;

	s->side = NULL;
	if (rc < 0 || !s->number)
		return rc;
	if (asked < 0) {
		if (err)
			*err = why;
		return asked;
	}
	return far ? take_asked(s, a, out, err) : take_known(s, a, out, err);
}
