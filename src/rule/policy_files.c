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
#include "look/look.h"
#include "rule/rule.h"

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

void mr_policy_file_take(struct mr_arena *a, const struct mr_facts *facts,
			 struct mr_policy_file *to)
{
	to->format = mr_format_name(facts->format);
	to->trouble =
		facts->trouble ? mr_arena_strdup(a, facts->trouble) : NULL;
	to->limited = facts->limited;
	to->unsafe = keep_words(a, &facts->unsafe, &to->unsafe_count);
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
	struct mr_effort moved;
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
	rc = mr_effort_check(&l->moved, l->look, err);
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
		mr_policy_file_take(l->arena, &facts, &l->files[i]);
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
	mr_effort_init(&l.moved);
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
