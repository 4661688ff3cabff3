/*
 * fill_fixture.c - metadata to be filled.
 */
#include "tests/support/fill_fixture.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

int rig_fresh(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct rig *r = mr_zalloc(sizeof(*r));

	assert_non_null(r);
	assert_ok(mr_meta_new(&r->m, &err), err);
	*state = r;
	return 0;
}

int rig_gone(void **state)
{
	struct rig *r = *state;

	mr_list_release(&r->filled);
	mr_list_release(&r->notes);
	mr_meta_free(r->m);
	mr_release(r);
	return 0;
}

void rig_fills(struct rig *r, const struct mr_said *said)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_fill(r->m, said, &r->filled, &r->notes, &err), err);
}

void rig_fills_run(struct rig *r, const struct mr_run *run)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_fill_run(r->m, run, &r->filled, &r->notes, &err),
		  err);
}

void rig_gives(struct rig *r, const char *key, const char *value)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_set(r->m, key, value, &err), err);
}

const char *rig_tag(const struct mr_meta *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->tag_count; i++)
		if (strcmp(m->tags[i].name, name) == 0)
			return m->tags[i].value;
	return NULL;
}

struct mr_words rig_words(const char **items, size_t n)
{
	return (struct mr_words){ items, n };
}

struct mr_summary rig_weight(const char *path, uint64_t size,
			     enum mr_format format, uint64_t parameters)
{
	return (struct mr_summary){ .path = path,
				    .size = size,
				    .format = format,
				    .parameters = parameters };
}

struct mr_summary_main rig_chosen(const struct mr_summary *w, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_summary_main out;

	assert_ok(mr_summary_choose(w, n, &out, &err), err);
	return out;
}
