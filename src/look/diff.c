/*
 * diff.c - what changed between two versions: the order of steps.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "look/diff.h"

/* What a result owns besides its arena. */
struct owner {
	struct mr_arena *arena;       /* owned */
	struct mr_weights weights[2]; /* owned; tensors' texts are in them */
};

static int open_side(struct diff *d, int i, const char *ref,
		     struct mreg_error *err)
{
	struct mreg_diff_side *side = &d->out->sides[i];
	struct mr_look *l = &d->look[i];
	struct mr_identity id;
	int rc = mr_look_open(d->m, ref, l, err);

	if (rc >= 0)
		rc = mr_look_files(l, err);
	if (rc >= 0)
		rc = mr_look_meta(l, err);
	if (rc < 0)
		return rc;
	mr_look_identity(l, d->arena, &id);
	side->name = id.name;
	side->reference = id.reference;
	side->tag = id.tag;
	side->number = id.number;
	side->digest = l->manifest->desc.digest;
	return 0;
}

static bool files_differ(const struct mreg_diff_result *r)
{
	size_t i;

	for (i = 0; i < r->file_count; i++)
		if (r->files[i].change != MREG_CHANGE_SAME)
			return true;
	return false;
}

static void take_ports(struct diff *d)
{
	struct mreg_diff_port *ports;
	size_t i;

	ports = mr_arena_alloc(d->arena, (d->port_count + 1) * sizeof(*ports));
	if (!ports)
		return;
	if (d->port_count)
		memcpy(ports, d->ports, d->port_count * sizeof(*ports));
	for (i = 0; i < d->port_count; i++)
		d->out->incompatible =
			d->out->incompatible || ports[i].incompatible;
	d->out->ports = ports;
	d->out->port_count = d->port_count;
}

static int run(struct diff *d, const char *a, const char *b,
	       struct mreg_error *err)
{
	struct mreg_diff_result *out = d->out;
	int rc = open_side(d, 0, a, err);

	if (rc >= 0)
		rc = open_side(d, 1, b, err);
	if (rc >= 0)
		rc = mr_diff_files(d, err);
	if (rc >= 0)
		rc = mr_diff_fields(d, err);
	if (rc >= 0 && d->o->tensors)
		rc = mr_diff_tensors(d, err);
	if (rc >= 0)
		rc = mr_diff_schema(d, err);
	if (rc < 0)
		return rc;
	take_ports(d);
	out->differ = files_differ(out) || out->field_count ||
		      out->tensor_count || out->port_count;
	return mr_result_check(d->arena, err);
}

int mreg_diff(struct mreg *m, const char *a, const char *b,
	      const struct mreg_diff_opts *given, struct mreg_diff_result *out,
	      struct mreg_error *err)
{
	struct mreg_diff_opts o = MREG_DIFF_OPTS_INIT;
	struct diff d = { .m = m, .o = &o, .out = out };
	struct owner *owner;
	int rc;

	memset(out, 0, sizeof(*out));
	if (given)
		mr_opts_take(&o, sizeof(o), given, given->size);
	owner = mr_zalloc(sizeof(*owner));
	if (!owner)
		return mr_fail_nomem(err);
	out->owner = owner;
	rc = mr_result_arena(&owner->arena, err);
	d.arena = owner->arena;
	d.weights = owner->weights;
	if (rc >= 0)
		rc = run(&d, a, b, err);
	mr_release(d.ports);
	mr_look_release(&d.look[0]);
	mr_look_release(&d.look[1]);
	if (rc < 0)
		mreg_diff_result_release(out);
	return rc;
}

void mreg_diff_result_release(struct mreg_diff_result *r)
{
	struct owner *owner = r->owner;

	if (owner) {
		mr_weights_release(&owner->weights[0]);
		mr_weights_release(&owner->weights[1]);
		mr_arena_free(owner->arena);
		mr_release(owner);
	}
	memset(r, 0, sizeof(*r));
}
