/*
 * onnx_tensor.c - an ONNX model's tensors: what they are, without their data,
 * and where data outside the file is said to be.
 */
#include "format/onnx.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/graph.h"

/* Locations outside the folder; more are not told of (mr_keep_warning). */
#define OUTSIDE_MAX 100

/* What a TensorProto says. */
struct tensor {
	const char *name; /* kept */
	uint64_t dims[MR_GRAPH_DIMS_MAX];
	size_t rank;
	uint64_t type;
	uint64_t raw;    /* bytes of raw_data */
	uint64_t typed;  /* bytes of the other fields that hold data */
	uint64_t length; /* bytes outside, where told */
	bool external;
	bool segment; /* only a part of it */
};

/* -- data outside the file ------------------------------------------------- */

/* Whether `path` leads out of the model's folder, on any system: absolute, of
 * a drive, or up; or is onnxruntime's own mark for an address in its memory
 * (tensorprotoutils.h), which no file may hold. */
static bool leads_out(const char *path)
{
	size_t depth = 0;

	if (path[0] == '/' || path[0] == '\\' || mr_text_starts(path, "*/") ||
	    (isalpha((unsigned char)path[0]) && path[1] == ':'))
		return true;
	while (*path) {
		size_t n = strcspn(path, "/\\");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			if (depth-- == 0)
				return true;
		} else if (n > 1 || (n == 1 && path[0] != '.')) {
			depth++;
		}
		path += n;
		path += *path != '\0';
	}
	return false;
}

/* `field` is the value of "location", in `path` when it fits. */
static void check_location(struct mr_onnx *o, const struct mr_field *field,
			   const char *path)
{
	const char *kept;
	size_t i;

	/* Longer than any path, or with a NUL in it: nothing honest. */
	if (strlen(path) == field->size && !leads_out(path))
		return;
	if (o->outside.n >= OUTSIDE_MAX)
		return;
	kept = mr_proto_text(&o->p, field);
	if (!kept)
		return;
	for (i = 0; i < o->outside.n; i++)
		if (strcmp(o->outside.items[i], kept) == 0)
			return;
	mr_keep_word(o->p.c, &o->outside, kept);
	mr_keep_warning(o->p.c, o->f,
			"external data outside the model's folder: '%s'", kept);
}

/* One StringStringEntryProto of external_data. */
static void read_external(struct mr_onnx *o, const struct mr_field *field,
			  struct tensor *t)
{
	char value[MR_FACT_TEXT_MAX_BYTES + 1] = "";
	struct mr_field where = { 0 };
	char key[16] = "";
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == 1) { /* key */
			(void)mr_proto_bytes(&o->p, &f, key, sizeof(key));
		} else if (f.number == 2) { /* value */
			(void)mr_proto_bytes(&o->p, &f, value, sizeof(value));
			where = f;
		}
	}
	if (mr_cursor_over(o->p.c))
		return;
	if (strcmp(key, "location") == 0)
		check_location(o, &where, value);
	else if (strcmp(key, "length") == 0)
		/* It is told, where it is a number. */
		(void)mr_text_u64(value, UINT64_MAX, &t->length);
}

/* -- tensors --------------------------------------------------------------- */

static void read_dims(struct mr_onnx *o, const struct mr_field *field,
		      struct tensor *t)
{
	struct mr_numbers n;
	uint64_t dim;

	mr_proto_numbers(&o->p, field, &n);
	while (mr_proto_numbers_next(&o->p, &n, &dim)) {
		if (t->rank == MR_GRAPH_DIMS_MAX) {
			mr_cursor_fail(o->p.c,
				       "a tensor has more than %d dimensions",
				       MR_GRAPH_DIMS_MAX);
			return;
		}
		t->dims[t->rank++] = dim;
	}
}

/* TensorProto. */
static void read_tensor(struct mr_onnx *o, const struct mr_field *field,
			struct tensor *t)
{
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		switch (f.number) {
		case 1: /* dims */
			read_dims(o, &f, t);
			break;
		case 2: /* data_type */
			t->type = mr_proto_number(&o->p, &f);
			break;
		case 3: /* segment */
			t->segment = true;
			break;
		case 4:  /* float_data */
		case 5:  /* int32_data */
		case 7:  /* int64_data */
		case 10: /* double_data */
		case 11: /* uint64_data */
			t->typed += f.size;
			break;
		case 6: /* string_data */
			t->typed += mr_proto_size(&o->p, &f);
			break;
		case 8: /* name */
			t->name = mr_proto_text(&o->p, &f);
			break;
		case 9: /* raw_data */
			t->raw = mr_proto_size(&o->p, &f);
			break;
		case 13: /* external_data */
			read_external(o, &f, t);
			break;
		case 14: /* data_location */
			t->external = mr_proto_number(&o->p, &f) == 1;
			break;
		default: /* doc_string, metadata_props, and what may come */
			break;
		}
	}
}

/* Elements by the shape; false where no shape is like that. */
static bool count_elements(struct mr_onnx *o, const struct tensor *t,
			   uint64_t *out)
{
	uint64_t n = 1;
	size_t i;

	for (i = 0; i < t->rank; i++) {
		if (t->dims[i] > INT64_MAX)
			mr_cursor_fail(o->p.c,
				       "tensor '%s' has a dimension of "
				       "%" PRId64,
				       t->name, (int64_t)t->dims[i]);
		else if (__builtin_mul_overflow(n, t->dims[i], &n))
			mr_cursor_fail(o->p.c,
				       "tensor '%s' has more elements than "
				       "can be counted",
				       t->name);
	}
	*out = n;
	return !mr_cursor_over(o->p.c);
}

/* raw_data holds all elements, those of less than a byte packed. */
static void check_raw(struct mr_onnx *o, const struct tensor *t,
		      uint64_t elements)
{
	const unsigned int bits = mr_onnx_type(t->type)->bits;
	uint64_t want;

	if (!bits || !t->raw || t->segment || t->external)
		return;
	if (__builtin_mul_overflow(elements, (uint64_t)bits, &want) ||
	    want / 8 + (want % 8 != 0) != t->raw)
		mr_cursor_fail(o->p.c,
			       "tensor '%s' has %" PRIu64
			       " bytes, which its shape does not",
			       t->name, t->raw);
}

static void keep_tensor(struct mr_onnx *o, const struct tensor *t)
{
	const struct mr_onnx_type *type = mr_onnx_type(t->type);
	struct mr_tensor *out;
	uint64_t elements;
	uint64_t *dims;

	if (!count_elements(o, t, &elements))
		return;
	check_raw(o, t, elements);
	dims = mr_keep(o->p.c, t->rank * sizeof(*dims));
	out = dims ? mr_keep_tensor(o->p.c, o->f) : NULL;
	if (!out)
		return;
	memcpy(dims, t->dims, t->rank * sizeof(*dims));
	out->name = t->name;
	out->dtype = type->name ? type->name
				: mr_keep_printf(o->p.c, "%" PRIu64, t->type);
	out->dims = dims;
	out->rank = t->rank;
	out->elements = elements;
	out->bytes = t->raw ? t->raw : t->external ? t->length : t->typed;
	mr_keep_word(o->p.c, &o->initials, t->name);
}

void mr_onnx_initializer(struct mr_onnx *o, const struct mr_field *field,
			 bool sparse)
{
	struct tensor t = { .name = "" };
	struct mr_message m;
	struct mr_field f;

	if (sparse) {
		mr_proto_enter(&o->p, field, &m);
		while (mr_proto_next(&o->p, &m, &f))
			if (f.number == 1) /* values */
				read_tensor(o, &f, &t);
			else if (f.number == 2) /* indices */
				mr_onnx_search(o, MR_ONNX_TENSOR, &f);
	} else {
		read_tensor(o, field, &t);
	}
	if (!mr_cursor_over(o->p.c))
		keep_tensor(o, &t);
}

/* -- tensors elsewhere ----------------------------------------------------- */

struct edge {
	enum mr_onnx_part from;
	uint32_t number;
	enum mr_onnx_part to;
};

static const struct edge edges[] = {
	{ MR_ONNX_GRAPH, 1, MR_ONNX_NODE },          /* node */
	{ MR_ONNX_GRAPH, 5, MR_ONNX_TENSOR },        /* initializer */
	{ MR_ONNX_GRAPH, 15, MR_ONNX_SPARSE },       /* sparse_initializer */
	{ MR_ONNX_NODE, 5, MR_ONNX_ATTRIBUTE },      /* attribute */
	{ MR_ONNX_ATTRIBUTE, 5, MR_ONNX_TENSOR },    /* t */
	{ MR_ONNX_ATTRIBUTE, 6, MR_ONNX_GRAPH },     /* g */
	{ MR_ONNX_ATTRIBUTE, 10, MR_ONNX_TENSOR },   /* tensors */
	{ MR_ONNX_ATTRIBUTE, 11, MR_ONNX_GRAPH },    /* graphs */
	{ MR_ONNX_ATTRIBUTE, 22, MR_ONNX_SPARSE },   /* sparse_tensor */
	{ MR_ONNX_ATTRIBUTE, 23, MR_ONNX_SPARSE },   /* sparse_tensors */
	{ MR_ONNX_FUNCTION, 7, MR_ONNX_NODE },       /* node */
	{ MR_ONNX_FUNCTION, 11, MR_ONNX_ATTRIBUTE }, /* attribute_proto */
	{ MR_ONNX_TRAINING, 1, MR_ONNX_GRAPH },      /* initialization */
	{ MR_ONNX_TRAINING, 2, MR_ONNX_GRAPH },      /* algorithm */
	{ MR_ONNX_SPARSE, 1, MR_ONNX_TENSOR },       /* values */
	{ MR_ONNX_SPARSE, 2, MR_ONNX_TENSOR },       /* indices */
};

void mr_onnx_search(struct mr_onnx *o, enum mr_onnx_part part,
		    const struct mr_field *field)
{
	struct tensor ignored = { .name = "" };
	struct mr_message m;
	struct mr_field f;
	size_t i;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (part == MR_ONNX_TENSOR && f.number == 13)
			read_external(o, &f, &ignored);
		for (i = 0; i < MR_COUNT(edges); i++)
			if (edges[i].from == part &&
			    edges[i].number == f.number)
				mr_onnx_search(o, edges[i].to, &f);
	}
}
