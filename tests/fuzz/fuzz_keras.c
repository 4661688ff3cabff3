/*
 * fuzz_keras.c - a description of a model that names a class which runs code
 * is never without it among what is unsafe.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/zip.h"

/* A Lambda anywhere, looked for in another way. */
static bool has_lambda(json_t *j)
{
	const char *type = json_string_value(json_object_get(j, "class_name"));
	bool found = type && strcmp(type, "Lambda") == 0;
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(j, key, value)
	{
		found = has_lambda(value) || found;
	}
	json_array_foreach(j, i, value)
	{
		found = has_lambda(value) || found;
	}
	return found;
}

static void check_words(const struct mr_words *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		assert(mr_utf8_valid(words->items[i]));
		assert(i == 0 ||
		       strcmp(words->items[i - 1], words->items[i]) < 0);
	}
}

static void check(const struct mr_facts *f, bool lambda)
{
	bool found = f->unsafe.n >= 100; /* then no more are told */
	size_t i;

	assert(f->architecture);
	check_words(&f->unsafe);
	check_words(&f->globals);
	assert(f->unsafe.n == f->globals.n);
	for (i = 0; i < f->unsafe.n; i++)
		found |= strcmp(f->unsafe.items[i], "Lambda") == 0;
	assert(found || !lambda);
	assert(!f->unsafe.n == !f->warnings.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_facts f = { .format = MR_FORMAT_KERAS };

	a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	if (!a || mr_reader_memory(data, size, &r, &err) < 0 ||
	    mr_cursor_new(r, a, &c, &err) < 0)
		return 0;
	mr_keras_config(c, data, size, "config", &f);
	assert(c->rc == 0); /* memory never fails */
	if (c->trouble) {
		assert(strncmp(c->trouble, "cannot be inspected: ", 21) == 0);
		return 0;
	}
	assert(mr_json_parse(data, size, MR_KERAS_CONFIG_MAX_BYTES, "config",
			     &j, &err) == 0);
	check(&f, has_lambda(j));
	return 0;
}
