/*
 * pickle_fixture.c - pickles written opcode by opcode, and what they import.
 */
#include "tests/support/pickle_fixture.h"

#include <stdio.h>
#include <string.h>

#include "format/pickle.h"
#include "tests/support/test.h"

void pickle_ops(struct weights *w, const char *text)
{
	weights_add(w, text, strlen(text));
}

void pickle_proto(struct weights *w, unsigned int version)
{
	memset(w, 0, sizeof(*w));
	weights_put(w, 0x80, 1);
	weights_put(w, version, 1);
}

void pickle_text(struct weights *w, const char *s)
{
	weights_put(w, 0x8c, 1);
	weights_put(w, strlen(s), 1);
	pickle_ops(w, s);
}

void pickle_binget(struct weights *w, unsigned int key)
{
	pickle_ops(w, "h");
	weights_put(w, key, 1);
}

void pickle_binput(struct weights *w, unsigned int key)
{
	pickle_ops(w, "q");
	weights_put(w, key, 1);
}

const char *pickle_join(const struct mr_words *words, char out[4096])
{
	size_t n = 0;
	size_t i;

	out[0] = '\0';
	for (i = 0; i < words->n; i++)
		n += (size_t)snprintf(out + n, 4096 - n, "%s%s", i ? "|" : "",
				      words->items[i]);
	return out;
}

void pickle_imports(const struct weights *w, const char *globals,
		    const char *unsafe)
{
	struct looked l;
	char out[4096];

	facts_look(&l, w->bytes, w->n, w->n, "model.bin");
	if (l.f.trouble)
		fail_msg("%s", l.f.trouble);
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_string_equal(pickle_join(&l.f.globals, out), globals);
	assert_string_equal(pickle_join(&l.f.unsafe, out), unsafe);
	facts_release(&l);
}

void pickle_in_trouble(const void *bytes, size_t n, const char *trouble)
{
	struct looked l;

	facts_look(&l, bytes, n, n, "model.bin");
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_non_null(l.f.trouble);
	assert_has(l.f.trouble, trouble);
	facts_release(&l);
}

enum mr_format pickle_kind(const void *bytes, size_t n, char trouble[512])
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct mr_facts f = { .format = MR_FORMAT_PICKLE };
	struct counted c;

	counted_init(&c, bytes, n, n);
	assert_ok(mr_pickle_read(&c.base, a, &f, &err), err);
	assert_int_equal(f.bytes_read, c.bytes);
	snprintf(trouble, 512, "%s", f.trouble ? f.trouble : "");
	mr_arena_free(a);
	return f.format;
}
