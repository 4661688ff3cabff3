/*
 * facts_merge.c - one answer from the files of a sharded model.
 */
#include "format/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "format/read.h"

struct merge {
	struct mr_arena *a;
	struct mr_facts *out;
	/* Types of elements come in runs: the last one copied. */
	const char *dtype_from, *dtype_to;
};

static const char *copy(struct merge *m, const char *text)
{
	return text ? mr_arena_strdup(m->a, text) : NULL;
}

static void take_first(struct merge *m, const char **to, const char *from)
{
	if (!*to && from)
		*to = copy(m, from);
}

static void take_number(uint64_t *to, uint64_t from)
{
	if (!*to)
		*to = from;
}

static void add_number(uint64_t *to, uint64_t more)
{
	if (__builtin_add_overflow(*to, more, to))
		*to = UINT64_MAX;
}

static const char *copy_dtype(struct merge *m, const char *dtype)
{
	if (dtype != m->dtype_from) {
		m->dtype_to = copy(m, dtype);
		m->dtype_from = dtype;
	}
	return m->dtype_to;
}

static void *make(struct merge *m, size_t n, size_t each)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, each, &bytes))
		bytes = SIZE_MAX;
	return mr_arena_alloc(m->a, bytes);
}

static void copy_tensor(struct merge *m, const struct mr_tensor *from,
			struct mr_tensor *to)
{
	uint64_t *dims = make(m, from->rank, sizeof(*dims));

	*to = *from;
	to->name = copy(m, from->name);
	to->dtype = copy_dtype(m, from->dtype);
	to->dims = dims;
	if (dims && from->rank)
		memcpy(dims, from->dims, from->rank * sizeof(*dims));
}

static void merge_tensors(struct merge *m, const struct mr_facts *parts,
			  size_t n)
{
	struct mr_facts *out = m->out;
	struct mr_tensor *tensors;
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < n; i++)
		count += parts[i].tensor_count;
	tensors = make(m, count, sizeof(*tensors));
	if (!tensors)
		return;
	out->tensors = tensors;
	for (i = 0; i < n; i++)
		for (k = 0; k < parts[i].tensor_count; k++)
			copy_tensor(m, &parts[i].tensors[k],
				    &tensors[out->tensor_count++]);
}

/* -- lists ------------------------------------------------------------------
 */

/* The list at `field` of struct mr_facts: of all parts, sorted, each once. */
static void merge_words(struct merge *m, const struct mr_facts *parts, size_t n,
			size_t field)
{
	struct mr_words *out = (void *)((char *)m->out + field);
	const struct mr_words *from;
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		from = (const void *)((const char *)&parts[i] + field);
		count += from->n;
	}
	out->items = make(m, count, sizeof(*out->items));
	if (!out->items)
		return;
	for (i = 0; i < n; i++) {
		from = (const void *)((const char *)&parts[i] + field);
		for (k = 0; k < from->n; k++)
			out->items[out->n++] = from->items[k];
	}
	mr_words_sort(out);
	for (i = 0; i < out->n; i++)
		out->items[i] = copy(m, out->items[i]);
}

struct ranked {
	const struct mreg_pair *pair; /* borrowed */
	size_t part;
};

static int by_name(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;
	int order = strcmp(x->pair->name, y->pair->name);

	if (order)
		return order;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* Of several pairs with one name, that of the first part. */
static int merge_metadata(struct merge *m, const struct mr_facts *parts,
			  size_t n, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct ranked *all = NULL;
	struct mr_facts *out = m->out;
	struct mreg_pair *to;
	size_t count = 0;
	size_t used = 0;
	size_t i;
	size_t k;

	for (i = 0; i < n; i++)
		count += parts[i].metadata_count;
	all = mr_array(count, sizeof(*all));
	if (!all)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		for (k = 0; k < parts[i].metadata_count; k++)
			all[used++] =
				(struct ranked){ .pair = &parts[i].metadata[k],
						 .part = i };
	if (count)
		qsort(all, count, sizeof(*all), by_name);
	out->metadata = make(m, count, sizeof(*out->metadata));
	for (i = 0; i < count && out->metadata; i++) {
		if (i > 0 &&
		    strcmp(all[i - 1].pair->name, all[i].pair->name) == 0)
			continue;
		to = &out->metadata[out->metadata_count++];
		to->name = copy(m, all[i].pair->name);
		to->value = copy(m, all[i].pair->value);
	}
	return 0;
}

static struct mr_port *copy_ports(struct merge *m, const struct mr_port *from,
				  size_t n)
{
	struct mr_port *to = make(m, n, sizeof(*to));
	size_t i;
	size_t k;

	for (i = 0; i < n && to; i++) {
		size_t rank = from[i].dims.n;

		to[i] = from[i];
		to[i].name = copy(m, from[i].name);
		to[i].dtype = copy(m, from[i].dtype);
		to[i].dims.items = make(m, rank, sizeof(*to[i].dims.items));
		for (k = 0; k < rank && to[i].dims.items; k++)
			to[i].dims.items[k] = copy(m, from[i].dims.items[k]);
	}
	return to;
}

/* -- all --------------------------------------------------------------------
 */

static void merge_scalars(struct merge *m, const struct mr_facts *p)
{
	struct mr_facts *out = m->out;

	take_first(m, &out->architecture, p->architecture);
	take_first(m, &out->name, p->name);
	take_first(m, &out->license, p->license);
	take_first(m, &out->producer, p->producer);
	take_first(m, &out->tokenizer, p->tokenizer);
	take_first(m, &out->base_model, p->base_model);
	take_first(m, &out->quantization, p->quantization);
	take_number(&out->context_length, p->context_length);
	take_number(&out->opset, p->opset);
	add_number(&out->parameters, p->parameters);
	add_number(&out->bytes_read, p->bytes_read);
	if (!out->inputs && p->input_count) {
		out->inputs = copy_ports(m, p->inputs, p->input_count);
		out->input_count = p->input_count;
	}
	if (!out->outputs && p->output_count) {
		out->outputs = copy_ports(m, p->outputs, p->output_count);
		out->output_count = p->output_count;
	}
}

/* Of most elements; where no tensors are told, of the largest part. */
static void merge_precision(struct merge *m, const struct mr_facts *parts,
			    size_t n)
{
	struct mr_facts counted = *m->out;
	size_t most = 0;
	size_t i;

	if (counted.tensor_count) {
		mr_facts_count(&counted);
		m->out->precision = counted.precision;
		return;
	}
	for (i = 1; i < n; i++)
		if (parts[i].parameters > parts[most].parameters)
			most = i;
	m->out->precision = copy(m, parts[most].precision);
}

int mr_facts_merge(const struct mr_facts *parts, size_t n, struct mr_arena *a,
		   struct mr_facts *out, struct mreg_error *err)
{
	struct merge m = { .a = a, .out = out };
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if (n == 0)
		return 0;
	out->format = parts[0].format;
	for (i = 0; i < n; i++)
		merge_scalars(&m, &parts[i]);
	merge_tensors(&m, parts, n);
	merge_words(&m, parts, n, offsetof(struct mr_facts, globals));
	merge_words(&m, parts, n, offsetof(struct mr_facts, unsafe));
	merge_words(&m, parts, n, offsetof(struct mr_facts, warnings));
	rc = merge_metadata(&m, parts, n, err);
	if (rc < 0)
		return rc;
	/* Texts that found no room are NULL until here. */
	if (mr_arena_failed(a))
		return mr_fail_nomem(err);
	merge_precision(&m, parts, n);
	return mr_arena_failed(a) ? mr_fail_nomem(err) : 0;
}
