/*
 * facts.c - what a version's weight files say, read by ranges of their blobs.
 */
#include "ops/facts.h"

#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"

/* Headers of a version that is honest are some megabytes; what makes us move
 * more is no header. */
#define MOVED_MAX_BYTES (UINT64_C(1) << 30)
#define SHOWN 100

struct reading {
	struct mr_look *look;
	struct mr_weights *to;
	_Atomic uint64_t moved; /* bytes, of all files */
};

void mr_weights_release(struct mr_weights *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		mr_arena_free(w->items[i].arena);
	mr_release(w->items);
	memset(w, 0, sizeof(*w));
}

bool mr_weight_is(const struct mr_model_layer *file)
{
	if (file->archive)
		return false;
	if (strcmp(file->role, "weight") == 0)
		return true;
	/* What others wrote has no role, or another idea of it. */
	return strcmp(file->role, "doc") != 0 && mr_format_by_name(file->path);
}

static int read_facts(struct reading *r, struct mr_weight *w,
		      struct mreg_error *err)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *in = NULL;
	int rc;

	w->arena = mr_arena_new(MR_FACTS_ARENA_BYTES);
	if (!w->arena)
		return mr_fail_nomem(err);
	rc = mr_store_reader(r->look->s, &w->file->desc, &in, err);
	if (rc < 0)
		return rc;
	rc = mr_facts_read(in, w->file->path, w->arena, &w->facts, err);
	mr_store_reader_cost(in, &w->cost);
	return rc;
}

/* One file too large to be had whole is no reason to tell nothing of the
 * others. */
static int take_why(struct mr_weight *w, const struct mreg_error *why,
		    struct mreg_error *err)
{
	struct mreg_error *kept = mr_arena_alloc(w->arena, sizeof(*kept));

	memset(&w->facts, 0, sizeof(w->facts));
	w->facts.trouble = mr_arena_strdup(w->arena, why->msg);
	if (!kept || !w->facts.trouble)
		return mr_fail_nomem(err);
	*kept = *why;
	w->why = kept;
	return 0;
}

static int read_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct reading *r = ctx;
	struct mr_weight *w = &r->to->items[index];
	struct mreg_error why = MREG_ERROR_INIT;
	char shown[SHOWN];
	int rc;

	if (atomic_load(&r->moved) > MOVED_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "the headers of '%s' take more than %u MiB",
			       r->look->s->label,
			       (unsigned int)(MOVED_MAX_BYTES >> 20));
	rc = read_facts(r, w, &why);
	(void)atomic_fetch_add(&r->moved, w->cost.bytes);
	if (rc == MREG_EUNSUPPORTED)
		return take_why(w, &why, err);
	if (rc < 0)
		*err = why;
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM)
		return rc;
	if (rc < 0)
		return mr_wrap(
			err, "cannot read the header of '%s'",
			mr_text_safe(w->file->path, shown, sizeof(shown)));
	return 0;
}

int mr_weights_read(struct mr_look *l, mr_weight_wanted *wanted,
		    const void *ctx, struct mr_weights *out,
		    struct mreg_error *err)
{
	struct reading r = { .look = l, .to = out };
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	atomic_init(&r.moved, 0);
	out->items = mr_array(l->count + 1, sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < l->count; i++)
		if (mr_weight_is(&l->files[i]) && wanted(ctx, &l->files[i]))
			out->items[out->count++].file = &l->files[i];
	rc = mr_task_run(&l->m->env, l->m->jobs, out->count, read_one, &r, err);
	for (i = 0; i < out->count; i++) {
		out->cost.bytes += out->items[i].cost.bytes;
		out->cost.requests += out->items[i].cost.requests;
	}
	return rc;
}

const struct mreg_tensor *mr_weight_tensors(struct mr_arena *a,
					    const struct mr_facts *f)
{
	struct mreg_tensor *t;
	size_t i;

	t = mr_arena_alloc(a, (f->tensor_count + 1) * sizeof(*t));
	for (i = 0; t && i < f->tensor_count; i++) {
		const struct mr_tensor *from = &f->tensors[i];

		t[i].name = from->name;
		t[i].dtype = from->dtype;
		t[i].dims = from->dims;
		t[i].rank = from->rank;
		t[i].elements = from->elements;
		t[i].bytes = from->bytes;
	}
	return t;
}

const struct mreg_port *mr_weight_ports(struct mr_arena *a,
					const struct mr_port *ports, size_t n)
{
	struct mreg_port *p;
	size_t i;

	p = mr_arena_alloc(a, (n + 1) * sizeof(*p));
	for (i = 0; p && i < n; i++) {
		p[i].name = ports[i].name;
		p[i].dtype = ports[i].dtype ? ports[i].dtype : "";
		p[i].dims = ports[i].dims.items;
		p[i].rank = ports[i].dims.n;
		p[i].ranked = ports[i].ranked;
	}
	return p;
}
