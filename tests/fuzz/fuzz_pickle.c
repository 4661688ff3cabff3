/*
 * fuzz_pickle.c - what a pickle imports is the same however it is read, no
 * import is invented, and none of a whole pickle is lost when others follow.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/pickle.h"
#include "format/read.h"
#include "tests/support/protobuf_fixture.h"

static const char more[] = "\200\002cos\nsystem\n)R.";

static bool has(const struct mr_words *words, const char *text)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (strcmp(words->items[i], text) == 0)
			return true;
	return false;
}

/* GLOBAL, INST, STACK_GLOBAL, the extensions and NEWOBJ_EX: without a byte of
 * them nothing is imported. */
static bool may_import(const uint8_t *data, size_t size)
{
	static const unsigned char codes[] = { 'c',  'i',  0x82, 0x83,
					       0x84, 0x92, 0x93 };
	size_t i;

	for (i = 0; i < size; i++)
		if (memchr(codes, data[i], sizeof(codes)))
			return true;
	return false;
}

static void check(const struct mr_facts *f)
{
	const char *word;
	size_t i;

	for (i = 0; i < f->unsafe.n; i++) {
		word = f->unsafe.items[i];
		/* What stands behind is no import. */
		assert(has(&f->globals, word) !=
		       (strcmp(word, MR_UNSAFE_REST) == 0));
		assert(!mr_pickle_is_allowed(word, strlen(word)));
		assert(i == 0 || strcmp(f->unsafe.items[i - 1], word) < 0);
	}
	for (i = 0; i < f->globals.n; i++) {
		word = f->globals.items[i];
		assert(mr_pickle_is_allowed(word, strlen(word)) !=
		       has(&f->unsafe, word));
		assert(i == 0 || strcmp(f->globals.items[i - 1], word) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_seen longer;
	struct pb_seen s;
	uint8_t *both;
	size_t i;

	pb_fuzz(mr_pickle_read, MR_FORMAT_PICKLE, data, size, &s);
	check(&s.facts);
	assert(may_import(data, size) || s.facts.globals.n == 0);
	both = malloc(size + sizeof(more) - 1);
	/* Of a legacy file of PyTorch's the rest is data, and so it is behind
	 * what is none. */
	if (both && s.facts.format == MR_FORMAT_PICKLE && !s.facts.trouble &&
	    !s.facts.producer && s.facts.warnings.n == 0) {
		memcpy(both, data, size);
		memcpy(both + size, more, sizeof(more) - 1);
		pb_fuzz(mr_pickle_read, MR_FORMAT_PICKLE, both,
			size + sizeof(more) - 1, &longer);
		assert(!longer.facts.trouble);
		assert(has(&longer.facts.unsafe, "os system"));
		for (i = 0; i < s.facts.globals.n; i++)
			assert(has(&longer.facts.globals,
				   s.facts.globals.items[i]));
		pb_seen_release(&longer);
	}
	free(both);
	pb_seen_release(&s);
	return 0;
}
