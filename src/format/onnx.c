/*
 * onnx.c - what an ONNX model says about itself.
 *
 * A file is one ModelProto (onnx.proto): a few fields about the model, the
 * versions of the operators it uses, and a graph of nodes, initializers (the
 * weights), inputs and outputs.  There is no magic.
 *
 * Invariants (security.md H60, H68)
 * 1. Tensors' data is skipped, never read.
 * 2. The graph's own initializers are its tensors; graphs inside nodes,
 *    functions and training are only searched for data that lies outside of
 *    the model's folder.
 */
#include "format/read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/graph.h"
#include "format/onnx.h"
#include "format/protobuf.h"

struct model {
	struct mr_onnx o;
	uint64_t ir_version;
	uint64_t model_version;
	const char *producer, *version; /* kept */
	struct mr_words domains;        /* "com.microsoft 1" */
	bool has_graph;
};

/* Whether a ModelProto may begin with this field. */
static bool is_field(const struct mr_field *f)
{
	switch (f->number) {
	case 1: /* ir_version */
	case 5: /* model_version */
		return f->wire == MR_WIRE_VARINT;
	case 2:  /* producer_name */
	case 3:  /* producer_version */
	case 4:  /* domain */
	case 6:  /* doc_string */
	case 7:  /* graph */
	case 8:  /* opset_import */
	case 14: /* metadata_props */
	case 20: /* training_info */
	case 25: /* functions */
	case 26: /* configuration */
		return f->wire == MR_WIRE_BYTES;
	default:
		return false;
	}
}

/* OperatorSetIdProto. */
static void read_opset(struct model *model, const struct mr_field *field)
{
	struct mr_onnx *o = &model->o;
	const char *domain = "";
	uint64_t version = 0;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == 1) /* domain */
			domain = mr_proto_text(&o->p, &f);
		else if (f.number == 2) /* version */
			version = mr_proto_number(&o->p, &f);
	}
	if (mr_cursor_over(o->p.c))
		return;
	/* Two names of one domain (docs/IR.md). */
	if (!domain[0] || strcmp(domain, "ai.onnx") == 0)
		o->f->opset = version;
	else
		mr_keep_word(
			o->p.c, &model->domains,
			mr_keep_printf(o->p.c, "%s %" PRIu64, domain, version));
}

/* StringStringEntryProto. */
static void read_pair(struct mr_onnx *o, const struct mr_field *field)
{
	const char *value = "";
	const char *key = "";
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == 1)
			key = mr_proto_text(&o->p, &f);
		else if (f.number == 2)
			value = mr_proto_text(&o->p, &f);
	}
	if (mr_cursor_over(o->p.c))
		return;
	/* docs/MetadataProps.md. */
	if (strcmp(key, "model_license") == 0 && value[0])
		o->f->license = value;
	mr_keep_pair(o->p.c, o->f, key, value);
}

/* GraphProto. */
static void read_graph(struct mr_onnx *o, const struct mr_field *field)
{
	struct mr_facts *facts = o->f;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		switch (f.number) {
		case 1: /* node */
			mr_onnx_search(o, MR_ONNX_NODE, &f);
			break;
		case 2: /* name */
			facts->name = mr_proto_text(&o->p, &f);
			break;
		case 5: /* initializer */
			mr_onnx_initializer(o, &f, false);
			break;
		case 11: /* input */
			mr_onnx_port(o, &f, &facts->inputs,
				     &facts->input_count);
			break;
		case 12: /* output */
			mr_onnx_port(o, &f, &facts->outputs,
				     &facts->output_count);
			break;
		case 15: /* sparse_initializer */
			mr_onnx_initializer(o, &f, true);
			break;
		default: /* doc_string, value_info, ... */
			break;
		}
	}
}

static void read_model(struct model *model, struct mr_message *m)
{
	struct mr_onnx *o = &model->o;
	struct mr_field f;

	while (mr_proto_next(&o->p, m, &f)) {
		switch (f.number) {
		case 1: /* ir_version */
			model->ir_version = mr_proto_number(&o->p, &f);
			break;
		case 2: /* producer_name */
			model->producer = mr_proto_text(&o->p, &f);
			break;
		case 3: /* producer_version */
			model->version = mr_proto_text(&o->p, &f);
			break;
		case 5: /* model_version */
			model->model_version = mr_proto_number(&o->p, &f);
			break;
		case 7: /* graph */
			model->has_graph = true;
			read_graph(o, &f);
			break;
		case 8: /* opset_import */
			read_opset(model, &f);
			break;
		case 14: /* metadata_props */
			read_pair(o, &f);
			break;
		case 20: /* training_info */
			mr_onnx_search(o, MR_ONNX_TRAINING, &f);
			break;
		case 25: /* functions */
			mr_onnx_search(o, MR_ONNX_FUNCTION, &f);
			break;
		default: /* domain, doc_string, ... */
			break;
		}
	}
}

/* -- the end --------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Up to IR version 3 initializers are inputs too; nobody feeds them. */
static void drop_initializers(struct mr_onnx *o)
{
	struct mr_facts *f = o->f;
	size_t n = 0;
	size_t i;

	mr_words_sort(&o->initials);
	for (i = 0; i < f->input_count; i++)
		if (!o->initials.n ||
		    !bsearch(&f->inputs[i].name, o->initials.items,
			     o->initials.n, sizeof(*o->initials.items),
			     by_text))
			f->inputs[n++] = f->inputs[i];
	f->input_count = n;
}

/* Of the format itself; it wins over the user's pair of that name. */
static void set_pair(struct mr_onnx *o, const char *name, const char *value)
{
	struct mr_facts *f = o->f;
	size_t i;

	for (i = 0; value && i < f->metadata_count; i++) {
		if (strcmp(f->metadata[i].name, name) == 0) {
			f->metadata[i].value = value;
			return;
		}
	}
	mr_keep_pair(o->p.c, f, name, value);
}

static void finish_metadata(struct model *model)
{
	struct mr_onnx *o = &model->o;
	struct mr_facts *f = o->f;
	size_t i;

	mr_facts_sort(f);
	/* The format's own checker refuses that, and readers differ in which
	 * they take. */
	for (i = 1; i < f->metadata_count; i++)
		if (strcmp(f->metadata[i - 1].name, f->metadata[i].name) == 0)
			mr_cursor_fail(o->p.c, "metadata '%s' is there twice",
				       f->metadata[i].name);
	set_pair(o, "ir_version",
		 mr_keep_printf(o->p.c, "%" PRIu64, model->ir_version));
	if (model->model_version)
		set_pair(o, "model_version",
			 mr_keep_printf(o->p.c, "%" PRIu64,
					model->model_version));
	mr_words_sort(&model->domains);
	set_pair(o, "domains", mr_words_join(o->p.c, &model->domains, ", "));
	mr_facts_sort(f);
}

static void finish(struct model *model)
{
	struct mr_onnx *o = &model->o;
	struct mr_facts *f = o->f;

	if (!model->has_graph)
		mr_cursor_fail(o->p.c, "has no graph");
	if (mr_cursor_over(o->p.c))
		return;
	if (model->producer && model->producer[0])
		f->producer = model->version && model->version[0]
				      ? mr_keep_printf(o->p.c, "%s %s",
						       model->producer,
						       model->version)
				      : model->producer;
	if (f->name && !f->name[0])
		f->name = NULL;
	drop_initializers(o);
	finish_metadata(model);
	mr_facts_count(f);
}

int mr_onnx_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	struct model model = { .o.f = out };
	struct mr_message first;
	struct mr_message m;
	struct mr_field f;
	int rc;

	rc = mr_cursor_new(r, a, &c, err);
	if (rc < 0)
		return rc;
	mr_proto_begin(&model.o.p, c, &m);
	first = m;
	if (!mr_proto_next(&model.o.p, &first, &f) || !is_field(&f)) {
		out->format = MR_FORMAT_UNKNOWN;
		out->bytes_read += c->bytes_read;
		return c->rc;
	}
	read_model(&model, &m);
	finish(&model);
	return mr_cursor_end(c, out);
}
