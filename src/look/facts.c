/*
 * facts.c - what a version's weight files say, read by ranges of their blobs.
 */
#include "look/facts.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/text.h"
#include "document/document.h"

/* Of MR_LAYERS_MAX files, as a checkpoint in pieces has them, the first 64 KiB
 * and another request for some; what makes us take more is no header. */
#define MOVED_MAX_BYTES (UINT64_C(1) << 30)
#define MOVED_MAX_REQUESTS (UINT64_C(2) * MR_LAYERS_MAX)
#define SHOWN 100
/* As the word for it among what is unsafe. */
#define UNREAD_CONFIG "(unread config.json)"

struct reading {
	struct mr_look *look;
	struct mr_weights *to;
	struct mr_effort moved;
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

/* What no name tells may be weights as well as anything else: what would be
 * called weights if only it were large. */
static bool is_unnamed(const struct mr_roles *roles,
		       const struct mr_model_layer *file)
{
	return !file->archive && !mr_weight_is(file) &&
	       mr_role_of(roles, file->path, INT64_MAX, NULL) == MR_ROLE_WEIGHT;
}

void mr_effort_init(struct mr_effort *moved)
{
	atomic_init(&moved->bytes, 0);
	atomic_init(&moved->requests, 0);
}

int mr_effort_check(const struct mr_effort *moved, const struct mr_look *l,
		    struct mreg_error *err)
{
	if (atomic_load(&moved->bytes) < MOVED_MAX_BYTES &&
	    (!mr_store_is_far(l->s) ||
	     atomic_load(&moved->requests) < MOVED_MAX_REQUESTS))
		return 0;
	(void)mr_fail(err, MREG_ELIMIT,
		      "the headers of '%s' take more than %" PRIu64
		      " MiB, or %" PRIu64 " requests",
		      l->s->label, MOVED_MAX_BYTES >> 20, MOVED_MAX_REQUESTS);
	return mr_hint(err, "pull it, and look at its files here");
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static int read_config(struct mr_reader *r, size_t size, struct mr_arena *a,
		       const char **word, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *bytes = mr_alloc(size + 1);
	struct mr_hf_config config;
	int rc = bytes ? mr_reader_need_at(r, bytes, size, 0, err)
		       : mr_fail_nomem(err);

	if (rc >= 0)
		rc = mr_hf_config_read(bytes, size, a, &config, err);
	if (rc < 0)
		return rc;
	if (config.trouble)
		*word = UNREAD_CONFIG;
	else if (config.remote_code)
		*word = "auto_map";
	return 0;
}

int mr_facts_config(struct mr_reader *r, const char *path, uint64_t size,
		    struct mr_arena *a, struct mr_facts *out,
		    struct mreg_error *err)
{
	const char *word = NULL;
	const char **words;
	size_t i;
	int rc = 0;

	if (strcmp(path, "config.json") != 0 || !size)
		return 0;
	if (size > MR_PARSED_FILE_MAX_BYTES)
		word = UNREAD_CONFIG;
	else
		rc = read_config(r, (size_t)size, a, &word, err);
	if (rc < 0 || !word)
		return rc;
	words = mr_arena_alloc(a, (out->unsafe.n + 1) * sizeof(*words));
	if (!words)
		return mr_fail_nomem(err);
	words[0] = word;
	for (i = 0; i < out->unsafe.n; i++)
		words[i + 1] = out->unsafe.items[i];
	out->unsafe.items = words;
	out->unsafe.n++;
	return 0;
}

int mr_look_facts(struct mr_look *l, const struct mr_model_layer *file,
		  struct mr_effort *moved, struct mr_arena *a,
		  struct mr_facts *out, struct mr_reader_cost *cost,
		  struct mreg_error *err)
{
	struct mr_reader_cost left = {
		minus(MOVED_MAX_BYTES, atomic_load(&moved->bytes)),
		mr_store_is_far(l->s) ? minus(MOVED_MAX_REQUESTS,
					      atomic_load(&moved->requests))
				      : UINT64_MAX,
	};
	MR_AUTO(mr_reader_closep) struct mr_reader *in = NULL;
	int rc = mr_store_reader(l->s, &file->desc, &in, err);

	if (rc < 0)
		return rc;
	mr_store_reader_bound(in, &left);
	rc = mr_facts_read(in, file->path, a, out, err);
	if (rc >= 0 && !file->archive)
		rc = mr_facts_config(in, file->path, (uint64_t)file->desc.size,
				     a, out, err);
	mr_store_reader_cost(in, cost);
	(void)atomic_fetch_add(&moved->bytes, cost->bytes);
	(void)atomic_fetch_add(&moved->requests, cost->requests);
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
	w->facts.limited = true;
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
	int rc = mr_effort_check(&r->moved, r->look, err);

	if (rc < 0)
		return rc;
	w->arena = mr_arena_new(MR_FACTS_ARENA_BYTES);
	if (!w->arena)
		return mr_fail_nomem(err);
	rc = mr_look_facts(r->look, w->file, &r->moved, w->arena, &w->facts,
			   &w->cost, &why);
	if (rc == MREG_EUNSUPPORTED || rc == MREG_ELIMIT)
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

/* Of what is no weights by its name only what is some by its content, or could
 * not be looked at. */
static void drop_others(struct mr_weights *w)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < w->count; i++) {
		const struct mr_facts *f = &w->items[i].facts;

		if (!mr_weight_is(w->items[i].file) && !f->trouble &&
		    f->format == MR_FORMAT_UNKNOWN)
			mr_arena_free(w->items[i].arena);
		else
			w->items[n++] = w->items[i];
	}
	w->count = n;
}

int mr_weights_read(struct mr_look *l, mr_weight_wanted *wanted,
		    const void *ctx, struct mr_weights *out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_roles_freep) struct mr_roles *roles = NULL;
	struct reading r = { .look = l, .to = out };
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_effort_init(&r.moved);
	rc = mr_roles_new(&roles, err);
	if (rc < 0)
		return rc;
	out->items = mr_array(l->count + 1, sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < l->count; i++)
		if ((mr_weight_is(&l->files[i]) ||
		     is_unnamed(roles, &l->files[i])) &&
		    wanted(ctx, &l->files[i]))
			out->items[out->count++].file = &l->files[i];
	rc = mr_task_run(&l->m->env, l->m->jobs, out->count, read_one, &r, err);
	out->cost.bytes = atomic_load(&r.moved.bytes);
	out->cost.requests = atomic_load(&r.moved.requests);
	drop_others(out);
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
