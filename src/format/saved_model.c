/*
 * saved_model.c - what TensorFlow's saved_model.pb says about a model.
 *
 * A file is one SavedModel (tensorflow/core/protobuf/saved_model.proto): a
 * version and MetaGraphDefs, each with tags, the graph, and signatures, which
 * are named functions with named inputs and outputs.  There is no magic.  The
 * weights are in other files.
 *
 * Invariants (security.md H60)
 * 1. Graphs and functions are skipped, never read.
 * 2. Inputs and outputs are those of one signature: "serving_default" where
 *    there is one, rather of a graph tagged "serve" than of another; else the
 *    first by name.
 */
#include "format/read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/graph.h"
#include "format/protobuf.h"

#define SIGNATURE_DEFAULT "serving_default"
/* No signature of a user: what restores the variables. */
#define SIGNATURE_INIT "__saved_model_init_op"
#define TAG_SERVE "serve"

/* tensorflow/core/framework/types.proto. */
static const char *const types[] = {
	"",
	"float32",
	"float64",
	"int32",
	"uint8",
	"int16",
	"int8",
	"string",
	"complex64",
	"int64",
	"bool",
	"qint8",
	"quint8",
	"qint32",
	"bfloat16",
	"qint16",
	"quint16",
	"uint16",
	"complex128",
	"float16",
	"resource",
	"variant",
	"uint32",
	"uint64",
	"float8_e5m2",
	"float8_e4m3",
	"float8_e4m3fnuz",
	"float8_e4m3b11fnuz",
	"float8_e5m2fnuz",
	"int4",
	"uint4",
	"int2",
	"uint2",
};
/* A reference to one of these types. */
#define TYPE_REF 100

struct signature {
	const char *name; /* kept; NULL: none yet */
	struct mr_field body;
	bool is_served; /* its graph is tagged "serve" */
};

struct saved {
	struct mr_proto p;
	struct mr_facts *f;     /* borrowed */
	uint64_t version;       /* of the schema */
	const char *tensorflow; /* kept */
	struct mr_words tags;   /* of each graph, joined */
	struct mr_words names;  /* of signatures */
	struct signature chosen;
	bool has_graph;
};

static const char *type_name(uint64_t type)
{
	if (type > TYPE_REF)
		type -= TYPE_REF;
	return type < MR_COUNT(types) ? types[type] : "";
}

/* Whether a SavedModel may begin with this field. */
static bool is_field(const struct mr_field *f)
{
	return (f->number == 1 && f->wire == MR_WIRE_VARINT) ||
	       (f->number == 2 && f->wire == MR_WIRE_BYTES);
}

/* -- a signature ----------------------------------------------------------- */

/* TensorShapeProto.Dim. */
static void read_dim(struct saved *s, const struct mr_field *field,
		     struct mr_port *port)
{
	const char *name = NULL;
	struct mr_message m;
	struct mr_field f;
	int64_t size = 0; /* what is left out */

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 1) /* size */
			size = (int64_t)mr_proto_number(&s->p, &f);
		else if (f.number == 2) /* name */
			name = mr_proto_text(&s->p, &f);
	}
	mr_port_dim(s->p.c, port, size, name);
}

/* TensorShapeProto. */
static void read_shape(struct saved *s, const struct mr_field *field,
		       struct mr_port *port)
{
	struct mr_message m;
	struct mr_field f;

	port->ranked = true;
	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 2) /* dim */
			read_dim(s, &f, port);
		else if (f.number == 3) /* unknown_rank */
			port->ranked = mr_proto_number(&s->p, &f) == 0;
	}
}

/* TensorInfo. */
static void read_info(struct saved *s, const struct mr_field *field,
		      struct mr_port *port)
{
	bool is_sparse = false;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		switch (f.number) {
		case 1: /* name, in the graph */
		case 5: /* composite_tensor */
			is_sparse = false;
			break;
		case 2: /* dtype */
			port->dtype = type_name(mr_proto_number(&s->p, &f));
			break;
		case 3: /* tensor_shape */
			read_shape(s, &f, port);
			break;
		case 4: /* coo_sparse */
			is_sparse = true;
			break;
		default: /* what may come */
			break;
		}
	}
	if (is_sparse)
		port->dtype =
			mr_keep_printf(s->p.c, "sparse(%s)",
				       port->dtype[0] ? port->dtype : "?");
}

/* One entry of SignatureDef's inputs or outputs. */
static void read_port(struct saved *s, const struct mr_field *field,
		      struct mr_port **items, size_t *count)
{
	struct mr_port read = { .name = "", .dtype = "" };
	struct mr_port *port;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 1) /* key */
			read.name = mr_proto_text(&s->p, &f);
		else if (f.number == 2) /* value */
			read_info(s, &f, &read);
	}
	port = mr_port_add(s->p.c, items, count);
	if (port)
		*port = read;
}

static int by_name(const void *a, const void *b)
{
	const struct mr_port *x = a;
	const struct mr_port *y = b;

	return strcmp(x->name, y->name);
}

/* SignatureDef.  Both are maps: their order in the file means nothing. */
static void read_signature(struct saved *s, const struct mr_field *field)
{
	struct mr_facts *facts = s->f;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 1) /* inputs */
			read_port(s, &f, &facts->inputs, &facts->input_count);
		else if (f.number == 2) /* outputs */
			read_port(s, &f, &facts->outputs, &facts->output_count);
	}
	if (mr_cursor_over(s->p.c))
		return;
	if (facts->input_count)
		qsort(facts->inputs, facts->input_count, sizeof(*facts->inputs),
		      by_name);
	if (facts->output_count)
		qsort(facts->outputs, facts->output_count,
		      sizeof(*facts->outputs), by_name);
}

/* -- graphs ---------------------------------------------------------------- */

static int rank(const struct signature *g)
{
	int value = 0;

	if (!g->name)
		return -1;
	if (strcmp(g->name, SIGNATURE_DEFAULT) == 0)
		value += 2;
	return value + g->is_served;
}

/* Of two of one name the later stands, as in all maps of protobuf. */
static bool is_better(const struct signature *g, const struct signature *than)
{
	if (rank(g) != rank(than))
		return rank(g) > rank(than);
	return g->name && strcmp(g->name, than->name) <= 0;
}

/* One entry of MetaGraphDef.signature_def. */
static void read_entry(struct saved *s, const struct mr_field *field,
		       struct signature *best)
{
	struct signature here = { .name = "" };
	bool has_body = false;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 1) { /* key */
			here.name = mr_proto_text(&s->p, &f);
		} else if (f.number == 2) { /* value */
			here.body = f;
			has_body = true;
		}
	}
	if (mr_cursor_over(s->p.c) || !has_body ||
	    strcmp(here.name, SIGNATURE_INIT) == 0)
		return;
	mr_keep_word(s->p.c, &s->names, here.name);
	if (is_better(&here, best))
		*best = here;
}

/* MetaGraphDef.MetaInfoDef. */
static void read_meta(struct saved *s, const struct mr_field *field,
		      struct mr_words *tags)
{
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 4) /* tags */
			mr_keep_word(s->p.c, tags, mr_proto_text(&s->p, &f));
		else if (f.number == 5) /* tensorflow_version */
			s->tensorflow = mr_proto_text(&s->p, &f);
	}
}

/* MetaGraphDef. */
static void read_graph(struct saved *s, const struct mr_field *field)
{
	struct signature best = { 0 };
	struct mr_words tags = { 0 };
	struct mr_message m;
	struct mr_field f;
	size_t i;

	mr_proto_enter(&s->p, field, &m);
	while (mr_proto_next(&s->p, &m, &f)) {
		if (f.number == 1) /* meta_info_def */
			read_meta(s, &f, &tags);
		else if (f.number == 5) /* signature_def */
			read_entry(s, &f, &best);
	}
	if (mr_cursor_over(s->p.c))
		return;
	s->has_graph = true;
	for (i = 0; i < tags.n; i++)
		if (strcmp(tags.items[i], TAG_SERVE) == 0)
			best.is_served = true;
	if (is_better(&best, &s->chosen))
		s->chosen = best;
	mr_words_sort(&tags);
	mr_keep_word(s->p.c, &s->tags, mr_words_join(s->p.c, &tags, ","));
}

static void finish(struct saved *s)
{
	struct mr_cursor *c = s->p.c;
	struct mr_facts *f = s->f;

	if (!s->has_graph)
		mr_cursor_fail(c, "has no graph");
	if (s->chosen.name)
		read_signature(s, &s->chosen.body);
	if (mr_cursor_over(c))
		return;
	if (s->tensorflow && s->tensorflow[0])
		f->producer = mr_keep_printf(c, "tensorflow %s", s->tensorflow);
	mr_words_sort(&s->names);
	mr_keep_pair(c, f, "schema_version",
		     mr_keep_printf(c, "%" PRIu64, s->version));
	mr_keep_pair(c, f, "signature", s->chosen.name);
	mr_keep_pair(c, f, "signatures", mr_words_join(c, &s->names, ", "));
	mr_keep_pair(c, f, "tags", mr_words_join(c, &s->tags, "; "));
	mr_facts_sort(f);
}

int mr_saved_model_read(struct mr_reader *r, struct mr_arena *a,
			struct mr_facts *out, struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	struct saved s = { .f = out };
	struct mr_message first;
	struct mr_message m;
	struct mr_field f;
	int rc;

	rc = mr_cursor_new(r, a, &c, err);
	if (rc < 0)
		return rc;
	mr_proto_begin(&s.p, c, &m);
	first = m;
	if (!mr_proto_next(&s.p, &first, &f) || !is_field(&f)) {
		out->format = MR_FORMAT_UNKNOWN;
		out->bytes_read += c->bytes_read;
		return c->rc;
	}
	while (mr_proto_next(&s.p, &m, &f)) {
		if (f.number == 1) /* saved_model_schema_version */
			s.version = mr_proto_number(&s.p, &f);
		else if (f.number == 2) /* meta_graphs */
			read_graph(&s, &f);
	}
	finish(&s);
	return mr_cursor_end(c, out);
}
