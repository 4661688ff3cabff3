/*
 * diff_schema.c - whether inputs and outputs became incompatible: by the
 * signatures of both versions; and by the graphs they have, when there are no
 * signatures, or several graphs.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "look/diff.h"

#define SHOWN 100

static const char *const side_names[MR_DIFF_SIDES] = {
	[MR_DIFF_INPUTS] = "input",
	[MR_DIFF_OUTPUTS] = "output",
	[MR_DIFF_PARAMS] = "param",
};

/* -- signatures ------------------------------------------------------------ */

static int compare_signatures(struct diff *d, const char *a, const char *b,
			      struct mreg_error *err)
{
	struct mr_diff_specs x[MR_DIFF_SIDES] = { { .n = 0 } };
	struct mr_diff_specs y[MR_DIFF_SIDES] = { { .n = 0 } };
	bool known_x = false;
	bool known_y = false;
	size_t i;
	int rc;

	if (strcmp(a, b) == 0) {
		d->out->interface = "signature";
		return 0;
	}
	rc = mr_diff_signature(a, d->arena, x, &known_x, err);
	if (rc >= 0)
		rc = mr_diff_signature(b, d->arena, y, &known_y, err);
	if (rc < 0 || !known_x || !known_y)
		return rc;
	for (i = 0; i < MR_DIFF_SIDES && rc >= 0; i++)
		rc = mr_diff_ports(d, side_names[i], "", &x[i], &y[i], err);
	d->out->interface = "signature";
	return rc;
}

/* -- graphs ---------------------------------------------------------------- */

/* A graph that both have. */
struct graph {
	const struct mr_model_layer *file[2];
};

struct graphs {
	struct graph *items; /* owned */
	size_t n;
};

static void graphs_release(struct graphs *g)
{
	mr_release(g->items);
}

static bool is_graph(const struct mr_model_layer *f)
{
	const char *slash = strrchr(f->path, '/');
	const char *name = slash ? slash + 1 : f->path;

	return !f->archive && (mr_text_ends(name, ".onnx") ||
			       strcmp(name, "saved_model.pb") == 0);
}

static const struct mr_model_layer *find(const struct mr_look *l,
					 const char *path)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (is_graph(&l->files[i]) &&
		    strcmp(l->files[i].path, path) == 0)
			return &l->files[i];
	return NULL;
}

/* The only one; NULL: none, or several. */
static const struct mr_model_layer *only(const struct mr_look *l)
{
	const struct mr_model_layer *one = NULL;
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (!is_graph(&l->files[i]))
			continue;
		if (one)
			return NULL;
		one = &l->files[i];
	}
	return one;
}

static int pair_up(struct diff *d, struct graphs *out, struct mreg_error *err)
{
	const struct mr_look *a = &d->look[0];
	const struct mr_look *b = &d->look[1];
	size_t i;

	out->items = mr_array(a->count + 1, sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < a->count; i++) {
		struct graph *g = &out->items[out->n];

		if (!is_graph(&a->files[i]))
			continue;
		g->file[0] = &a->files[i];
		g->file[1] = find(b, a->files[i].path);
		out->n += g->file[1] != NULL;
	}
	if (out->n == 0 && only(a) && only(b)) {
		out->items[0].file[0] = only(a);
		out->items[0].file[1] = only(b);
		out->n = 1;
	}
	return 0;
}

static bool differs(const struct graph *g)
{
	return !mreg_digest_equal(&g->file[0]->desc.digest,
				  &g->file[1]->desc.digest);
}

static bool wanted(const void *ctx, const struct mr_model_layer *file)
{
	const struct graphs *all = ctx;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (differs(&all->items[i]) && (all->items[i].file[0] == file ||
						all->items[i].file[1] == file))
			return true;
	return false;
}

static const struct mr_facts *facts_of(const struct mr_weights *w,
				       const struct mr_model_layer *file)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->items[i].file == file)
			return &w->items[i].facts;
	return NULL;
}

static int take_specs(struct mr_arena *a, const struct mr_port *ports, size_t n,
		      struct mr_diff_specs *out, struct mreg_error *err)
{
	size_t i;

	out->items = mr_arena_alloc(a, (n + 1) * sizeof(*out->items));
	if (!out->items)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		struct mr_diff_spec *s = &out->items[i];

		s->name = ports[i].name ? ports[i].name : "";
		s->type = ports[i].dtype ? ports[i].dtype : "";
		s->dims = ports[i].dims.items;
		s->rank = ports[i].dims.n;
		s->ranked = ports[i].ranked;
	}
	out->n = n;
	return 0;
}

static int compare_ports(struct diff *d, enum mr_diff_side side,
			 const char *prefix, const struct mr_facts *a,
			 const struct mr_facts *b, struct mreg_error *err)
{
	bool in = side == MR_DIFF_INPUTS;
	struct mr_diff_specs x, y;
	int rc = take_specs(d->arena, in ? a->inputs : a->outputs,
			    in ? a->input_count : a->output_count, &x, err);

	if (rc >= 0)
		rc = take_specs(d->arena, in ? b->inputs : b->outputs,
				in ? b->input_count : b->output_count, &y, err);
	if (rc < 0)
		return rc;
	return mr_diff_ports(d, side_names[side], prefix, &x, &y, err);
}

static bool is_readable(struct diff *d, const struct mr_facts *f,
			const struct mr_model_layer *file)
{
	char shown[SHOWN];

	if (f && !f->trouble &&
	    (f->format == MR_FORMAT_ONNX || f->format == MR_FORMAT_SAVED_MODEL))
		return true;
	mr_log(&d->m->env, MREG_LOG_WARN,
	       "the inputs and outputs of '%s' cannot be told: %s",
	       mr_text_safe(file->path, shown, sizeof(shown)),
	       f && f->trouble ? f->trouble : "it is no graph");
	return false;
}

static int compare_graphs(struct diff *d, const struct graphs *all,
			  const struct mr_weights *w, struct mreg_error *err)
{
	size_t before = d->port_count;
	size_t i;
	int rc = 0;

	for (i = 0; i < all->n && rc >= 0; i++) {
		const struct graph *g = &all->items[i];
		const struct mr_facts *a = facts_of(&w[0], g->file[0]);
		const struct mr_facts *b = facts_of(&w[1], g->file[1]);
		const char *prefix = "";

		if (!differs(g))
			continue;
		if (!is_readable(d, a, g->file[0]) ||
		    !is_readable(d, b, g->file[1])) {
			d->port_count = before;
			return 0; /* not known, then */
		}
		if (all->n > 1)
			prefix = mr_arena_printf(d->arena,
						 "%s: ", g->file[1]->path);
		if (!prefix)
			return mr_fail_nomem(err);
		rc = compare_ports(d, MR_DIFF_INPUTS, prefix, a, b, err);
		if (rc >= 0)
			rc = compare_ports(d, MR_DIFF_OUTPUTS, prefix, a, b,
					   err);
	}
	if (rc >= 0 && !d->out->interface)
		d->out->interface = "graph";
	return rc;
}

static int read_graphs(struct diff *d, const struct graphs *all,
		       struct mr_weights *w, struct mreg_error *err)
{
	int rc = 0;
	int i;

	for (i = 0; i < 2 && rc >= 0; i++) {
		rc = mr_weights_read(&d->look[i], wanted, all, &w[i], err);
		d->out->bytes_read += w[i].cost.bytes;
		d->out->requests += w[i].cost.requests;
	}
	return rc < 0 ? rc : compare_graphs(d, all, w, err);
}

/* If both have `least` graphs. */
static int look_at_graphs(struct diff *d, size_t least, struct mreg_error *err)
{
	MR_AUTO(graphs_release) struct graphs all = { .n = 0 };
	struct mr_weights w[2] = { { .count = 0 }, { .count = 0 } };
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = pair_up(d, &all, err);

	if (rc < 0 || all.n < least)
		return rc;
	if (d->out->tensors_read)
		return compare_graphs(d, &all, d->weights, err);
	rc = read_graphs(d, &all, w, &why);
	mr_weights_release(&w[0]);
	mr_weights_release(&w[1]);
	/* Nobody asked for it. */
	if (rc == MREG_EUNSUPPORTED || rc == MREG_ELIMIT) {
		mr_log(&d->m->env, MREG_LOG_WARN,
		       "inputs and outputs cannot be told: %s", why.msg);
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int mr_diff_schema(struct diff *d, struct mreg_error *err)
{
	const char *a = d->look[0].meta->signature;
	const char *b = d->look[1].meta->signature;
	int rc = a && b ? compare_signatures(d, a, b, err) : 0;

	if (rc < 0)
		return rc;
	/* A signature that was read from a graph is one graph's alone. */
	return look_at_graphs(d, d->out->interface ? 2 : 1, err);
}
