/*
 * weights_fixture.c - weight files written byte by byte, and a reader that
 * counts what it is asked for.
 */
#include "tests/support/weights_fixture.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void weights_add(struct weights *w, const void *bytes, size_t n)
{
	if (n > sizeof(w->bytes) - w->n)
		abort(); /* the test wants a larger one */
	if (n)
		memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
}

void weights_put(struct weights *w, uint64_t value, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++) {
		int shift = 8 * (w->big ? bytes - 1 - i : i);
		char c = (char)(value >> shift);

		weights_add(w, &c, 1);
	}
}

void weights_pad(struct weights *w, size_t to)
{
	while (w->n % to)
		weights_put(w, 0, 1);
}

void gguf_begin(struct weights *w, uint32_t version, uint64_t tensors,
		uint64_t pairs)
{
	bool big = w->big;

	memset(w, 0, sizeof(*w));
	w->big = big;
	w->wide = version == 1 ? 4 : 8;
	weights_add(w, "GGUF", 4);
	weights_put(w, version, 4);
	weights_put(w, tensors, w->wide);
	weights_put(w, pairs, w->wide);
}

void gguf_name(struct weights *w, const char *name)
{
	weights_put(w, strlen(name), w->wide);
	weights_add(w, name, strlen(name));
}

void gguf_string(struct weights *w, const char *key, const char *value)
{
	gguf_name(w, key);
	weights_put(w, 8, 4);
	gguf_name(w, value);
}

void gguf_number(struct weights *w, const char *key, uint32_t kind,
		 uint64_t value, int bytes)
{
	gguf_name(w, key);
	weights_put(w, kind, 4);
	weights_put(w, value, bytes);
}

void gguf_tensor(struct weights *w, const char *name, uint32_t type,
		 uint32_t count, const uint64_t *dims, uint64_t offset)
{
	uint32_t i;

	gguf_name(w, name);
	weights_put(w, count, 4);
	for (i = 0; i < count; i++)
		weights_put(w, dims[i], w->wide);
	weights_put(w, type, 4);
	weights_put(w, offset, 8);
}

void safetensors_write(struct weights *w, const char *header, size_t data)
{
	memset(w, 0, sizeof(*w));
	weights_put(w, strlen(header), 8);
	weights_add(w, header, strlen(header));
	if (data > sizeof(w->bytes) - w->n)
		abort();
	w->n += data;
}

static ssize_t counted_read(struct mr_reader *r, void *buf, size_t n,
			    uint64_t offset, struct mreg_error *err)
{
	struct counted *c = mr_container_of(r, struct counted, base);
	uint64_t left = offset < r->size ? r->size - offset : 0;
	size_t known = 0;

	(void)err;
	n = n < left ? n : (size_t)left;
	n = n < c->most ? n : c->most;
	if (offset < c->n)
		known = n < c->n - offset ? n : c->n - (size_t)offset;
	if (known)
		memcpy(buf, c->data + offset, known);
	if (n > known)
		memset((char *)buf + known, 0, n - known);
	c->bytes += n;
	c->reads++;
	if (offset + n > c->end)
		c->end = offset + n;
	return (ssize_t)n;
}

static void counted_close(struct mr_reader *r)
{
	(void)r;
}

void counted_init(struct counted *c, const void *data, size_t n, uint64_t size)
{
	static const struct mr_reader_ops ops = { .read_at = counted_read,
						  .close = counted_close };

	*c = (struct counted){ .base = { .ops = &ops, .size = size },
			       .data = data,
			       .n = n,
			       .most = SIZE_MAX };
}

void facts_look(struct looked *l, const void *bytes, size_t n, uint64_t size,
		const char *path)
{
	struct mreg_error err = MREG_ERROR_INIT;

	l->a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert_non_null(l->a);
	counted_init(&l->c, bytes, n, size);
	assert_ok(mr_facts_read(&l->c.base, path, l->a, &l->f, &err), err);
	assert_int_equal(l->f.bytes_read, l->c.bytes);
}

void facts_release(struct looked *l)
{
	mr_arena_freep(&l->a);
}

const char *facts_value(const struct mr_facts *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->metadata_count; i++)
		if (strcmp(f->metadata[i].name, name) == 0)
			return f->metadata[i].value;
	return NULL;
}

enum mr_format facts_kind(const void *bytes, size_t n, const char *path,
			  char trouble[512])
{
	struct looked l;
	enum mr_format format;

	facts_look(&l, bytes, n, n, path);
	format = l.f.format;
	trouble[0] = '\0';
	if (l.f.trouble)
		strncat(trouble, l.f.trouble, 511);
	facts_release(&l);
	return format;
}
