/*
 * fuzz_facts.c - what a weight file says is the same however its bytes are
 * read, is text that can be shown, stays within bounds, and agrees with the
 * check of its header.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/format.h"

/* Gives a few bytes at a time, and counts them. */
struct slow {
	struct mr_reader base;
	const uint8_t *data;
	size_t most;
	uint64_t given;
};

static ssize_t slow_read(struct mr_reader *r, void *buf, size_t n,
			 uint64_t offset, struct mreg_error *err)
{
	struct slow *s = mr_container_of(r, struct slow, base);
	size_t left = offset < r->size ? (size_t)(r->size - offset) : 0;

	(void)err;
	n = n < left ? n : left;
	n = n < s->most ? n : s->most;
	if (n)
		memcpy(buf, s->data + offset, n);
	s->given += n;
	return (ssize_t)n;
}

static void slow_close(struct mr_reader *r)
{
	(void)r;
}

static void read_facts(const uint8_t *data, size_t size, size_t most,
		       const char *path, struct mr_arena *a, struct mr_facts *f)
{
	static const struct mr_reader_ops ops = { .read_at = slow_read,
						  .close = slow_close };
	struct slow s = { .base = { .ops = &ops, .size = size },
			  .data = data,
			  .most = most };
	struct mreg_error err = MREG_ERROR_INIT;

	/* Memory does not fail here, and no file may fill the arena. */
	assert(mr_facts_read(&s.base, path, a, f, &err) == 0);
	assert(f->bytes_read == s.given);
}

static void check_text(const char *text, bool needed)
{
	assert(text || !needed);
	if (!text)
		return;
	assert(strlen(text) <= MR_FACT_TEXT_MAX_BYTES);
	assert(mr_utf8_valid(text));
}

static void check_line(const char *text)
{
	check_text(text, true);
	assert(text[0] && !strpbrk(text, "\n\r\033"));
}

static void check_words(const struct mr_words *words, bool lines)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (lines)
			check_line(words->items[i]);
		else
			check_text(words->items[i], true);
}

static void check_ports(const struct mr_port *ports, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		check_text(ports[i].name, true);
		check_text(ports[i].dtype, true);
		check_words(&ports[i].dims, false);
	}
}

static void check_facts(const struct mr_facts *f)
{
	const char *const texts[] = { f->architecture, f->name,
				      f->license,      f->producer,
				      f->tokenizer,    f->base_model,
				      f->precision,    f->quantization };
	uint64_t elements;
	size_t i;
	size_t k;

	for (i = 0; i < MR_COUNT(texts); i++)
		check_text(texts[i], false);
	for (i = 0; i < f->tensor_count; i++) {
		const struct mr_tensor *t = &f->tensors[i];

		check_text(t->name, true);
		check_text(t->dtype, true);
		elements = 1;
		for (k = 0; k < t->rank; k++)
			elements *= t->dims[k];
		assert(elements == t->elements);
	}
	for (i = 0; i < f->metadata_count; i++) {
		check_text(f->metadata[i].name, true);
		check_text(f->metadata[i].value, true);
		assert(i == 0 || strcmp(f->metadata[i - 1].name,
					f->metadata[i].name) <= 0);
	}
	check_ports(f->inputs, f->input_count);
	check_ports(f->outputs, f->output_count);
	check_words(&f->globals, false);
	check_words(&f->unsafe, false);
	check_words(&f->warnings, true);
}

static void check_same(const struct mr_facts *a, const struct mr_facts *b)
{
	size_t i;

	assert(a->format == b->format && !a->trouble == !b->trouble);
	if (a->trouble) {
		assert(strcmp(a->trouble, b->trouble) == 0);
		return;
	}
	assert(a->parameters == b->parameters &&
	       a->tensor_count == b->tensor_count &&
	       a->metadata_count == b->metadata_count &&
	       a->globals.n == b->globals.n && a->unsafe.n == b->unsafe.n);
	for (i = 0; i < a->globals.n; i++)
		assert(strcmp(a->globals.items[i], b->globals.items[i]) == 0);
}

static enum mr_format header_of(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	enum mr_format f;

	assert(mr_reader_memory(data, size, &r, &err) == 0);
	assert(mr_format_header(r, &f, &err) == 0);
	mr_reader_close(r);
	return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "model.bin", "model.onnx",
					     "saved_model.pb", "model.h5" };
	enum mr_format header = header_of(data, size);
	struct mr_facts first;
	struct mr_facts again;
	struct mr_facts merged;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a;
	size_t i;

	for (i = 0; i < MR_COUNT(paths); i++) {
		a = mr_arena_new(MR_FACTS_ARENA_BYTES * 4);
		if (!a)
			return 0;
		read_facts(data, size, SIZE_MAX, paths[i], a, &first);
		read_facts(data, size, 7, paths[i], a, &again);
		if (first.trouble)
			check_line(first.trouble);
		else
			check_facts(&first);
		check_same(&first, &again);
		/* Unless it is something else as well. */
		if (header != MR_FORMAT_UNKNOWN && !first.trouble)
			assert(first.format == header);
		if (header != MR_FORMAT_UNKNOWN && first.trouble)
			assert(first.format == MR_FORMAT_PICKLE ||
			       first.format == MR_FORMAT_TORCH);
		if (!first.trouble) {
			assert(mr_facts_merge(&first, 1, a, &merged, &err) ==
			       0);
			check_facts(&merged);
			check_same(&first, &merged);
		}
		mr_arena_free(a);
	}
	return 0;
}
