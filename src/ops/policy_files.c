/*
 * policy_files.c - what the files of a version are, for policies: by their
 * content, whatever they are called (security.md H65).
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "format/format.h"
#include "ops/facts.h"
#include "ops/policy.h"
#include "ops/push.h"

/* Of one file, named in the facts. */
#define UNSAFE_MAX 32
#define SHOWN_BYTES 100

static const char *const *keep_words(struct mr_arena *a,
				     const struct mr_words *w, size_t *n)
{
	const char **copy;
	size_t i;

	*n = w->n < UNSAFE_MAX ? w->n : UNSAFE_MAX;
	copy = mr_arena_alloc(a, (*n + 1) * sizeof(*copy));
	for (i = 0; copy && i < *n; i++)
		copy[i] = mr_arena_strdup(a, w->items[i]);
	return copy;
}

static void take(struct mr_arena *a, const struct mr_facts *facts,
		 struct mr_policy_file *to)
{
	to->format = mr_format_name(facts->format);
	to->trouble =
		facts->trouble ? mr_arena_strdup(a, facts->trouble) : NULL;
	to->limited = facts->limited;
	to->unsafe = keep_words(a, &facts->unsafe, &to->unsafe_count);
}

/* -- files here ---------------------------------------------------------- */

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
	take(a, &facts, to);
	return 0;
}

int mr_policy_files_local(struct push *p, bool formats, struct mr_arena *a,
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

/* -- blobs there --------------------------------------------------------- */

/* One file that takes too much to be looked at there says nothing of the
 * others.  It may hold a pickle: no name and no beginning tells otherwise. */
static int take_why(struct mr_arena *a, enum mr_format format,
		    const struct mreg_error *why, struct mr_policy_file *to,
		    struct mreg_error *err)
{
	if (format != MR_FORMAT_TORCH && format != MR_FORMAT_TORCHSCRIPT)
		format = MR_FORMAT_PICKLE;
	to->format = mr_format_name(format);
	to->trouble = mr_arena_strdup(a, why->msg);
	to->limited = true;
	return to->trouble ? 0 : mr_fail_nomem(err);
}

struct looking {
	struct mr_look *look;
	struct mr_arena *arena; /* of all: under the lock */
	struct mr_policy_file *files;
	struct mr_lock lock;
	struct mr_moved moved;
};

static int look_remote(void *ctx, size_t i, struct mreg_error *err)
{
	struct looking *l = ctx;
	MR_AUTO(mr_arena_freep)
	struct mr_arena *own = mr_arena_new(MR_FACTS_ARENA_BYTES);
	const struct mr_model_layer *file = &l->look->files[i];
	struct mr_reader_cost cost = { 0 };
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_facts facts = { .format = MR_FORMAT_UNKNOWN };
	char shown[SHOWN_BYTES];
	int rc;

	if (!own)
		return mr_fail_nomem(err);
	if (!file->desc.size)
		return 0;
	rc = mr_moved_check(&l->moved, l->look, err);
	if (rc < 0)
		return rc;
	rc = mr_look_facts(l->look, file, &l->moved, own, &facts, &cost, &why);
	if (rc < 0 && rc != MREG_ELIMIT) {
		if (err)
			*err = why;
		return mr_wrap(err, "cannot read '%s'",
			       mr_text_safe(file->path, shown, sizeof(shown)));
	}
	mr_lock_enter(&l->lock);
	if (rc < 0)
		rc = take_why(l->arena, facts.format, &why, &l->files[i], err);
	else
		take(l->arena, &facts, &l->files[i]);
	mr_lock_leave(&l->lock);
	return rc;
}

int mr_policy_files_remote(struct mr_look *look, bool formats,
			   struct mr_arena *a, struct mr_policy_subject *u,
			   struct mreg_error *err)
{
	struct looking l = { .look = look, .arena = a };
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MR_ERROR_TEXT];
	size_t i;
	int rc = 0;

	l.files = mr_arena_alloc(a, (look->count + 1) * sizeof(*l.files));
	if (!l.files)
		return mr_fail_nomem(err);
	for (i = 0; i < look->count; i++) {
		l.files[i].path = look->files[i].path;
		l.files[i].role = look->files[i].role;
		l.files[i].size = look->files[i].desc.size;
	}
	u->files = l.files;
	u->file_count = look->count;
	if (!formats)
		return 0;
	for (i = 0; i < look->count; i++)
		if (look->files[i].archive)
			u->files_unread = "some of its files come in archives, "
					  "which are not looked into";
	mr_moved_init(&l.moved);
	mr_lock_init(&l.lock);
	rc = mr_task_run(&look->m->env, MR_LOOKUP_JOBS, look->count,
			 look_remote, &l, &why);
	mr_lock_release(&l.lock);
	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = why;
		return rc;
	}
	if (rc < 0)
		u->files_unread = mr_arena_strdup(a, mr_error_text(&why, text));
	return 0;
}
