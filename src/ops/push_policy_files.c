/*
 * push_policy_files.c - what the files of a push are, for policies: by their
 * content, whatever they are called (security.md H65).
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "look/look.h"
#include "ops/push.h"
#include "rule/rule.h"

/* What was found when the files were read for their metadata; NULL: this one
 * was not among them. */
static const struct mr_summary *known(const struct push *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->facts.weight_count; i++)
		if (strcmp(p->facts.weights[i].path, path) == 0)
			return &p->facts.weights[i];
	return NULL;
}

static int look_local(struct push *p, const struct mr_file *f,
		      struct mr_arena *a, struct mr_policy_file *to,
		      struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *own = NULL;
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	const struct mr_summary *s = known(p, f->path);
	struct mr_facts facts;
	int rc;

	if (s) {
		to->format = mr_format_name(s->format);
		to->trouble = s->trouble;
		to->limited = s->limited;
		to->unsafe = s->unsafe.items;
		to->unsafe_count = s->unsafe.n;
		return 0;
	}
	own = mr_arena_new(MR_FACTS_ARENA_BYTES);
	if (!own)
		return mr_fail_nomem(err);
	rc = mr_file_reader(f, &r, err);
	if (rc >= 0)
		rc = mr_facts_read(r, f->path, own, &facts, err);
	if (rc >= 0)
		rc = mr_facts_config(r, f->path, f->size, own, &facts, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read '%s'", f->source);
	mr_policy_file_take(a, &facts, to);
	return 0;
}

int mr_push_policy_files(struct push *p, bool formats, struct mr_arena *a,
			 struct mr_policy_subject *u, struct mreg_error *err)
{
	MR_AUTO(mr_roles_freep) struct mr_roles *roles = NULL;
	struct mr_policy_file *files;
	size_t i;
	int rc = mr_roles_new(&roles, err);

	if (rc < 0)
		return rc;
	files = mr_arena_alloc(a, (p->scan->count + 1) * sizeof(*files));
	if (!files)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < p->scan->count; i++) {
		const struct mr_file *f = &p->scan->files[i];

		files[i].path = f->path;
		files[i].size = f->size;
		files[i].role = mr_role_name(
			mr_role_of(roles, f->path, f->size, p->meta->kind));
		if (formats && f->size)
			rc = look_local(p, f, a, &files[i], err);
	}
	u->files = files;
	u->file_count = p->scan->count;
	return rc;
}
