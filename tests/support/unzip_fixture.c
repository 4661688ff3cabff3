/*
 * unzip_fixture.c - archives of zip_fixture.h, opened as src/format does.
 */
#include "tests/support/unzip_fixture.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

void unzip_begin(struct unzip *t, const void *bytes, size_t n)
{
	memset(t, 0, sizeof(*t));
	counted_init(&t->r, bytes, n, n);
	t->a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert_ok(mr_cursor_new(&t->r.base, t->a, &t->c, &t->err), t->err);
	mr_zip_open(t->c, &t->zip);
}

void unzip_end(struct unzip *t)
{
	assert_int_equal(t->c->rc, 0);
	assert_int_equal(t->c->bytes_read, t->r.bytes);
	mr_zip_release(&t->zip);
	mr_cursor_freep(&t->c);
	mr_arena_freep(&t->a);
}

const char *unzip_trouble(struct unzip *t, const void *bytes, size_t n)
{
	size_t i;

	unzip_begin(t, bytes, n);
	for (i = 0; i < t->zip.count && !t->c->trouble; i++)
		mr_release(mr_zip_load(&t->zip, &t->zip.members[i],
				       UNZIP_MAX_BYTES));
	return t->c->trouble;
}

void unzip_fine(const struct zip *z)
{
	const char *why;
	struct unzip t;

	why = unzip_trouble(&t, z->bytes, z->n);
	if (why)
		fail_msg("%s", why);
	assert_int_equal(t.zip.count, z->count);
	unzip_end(&t);
}

void unzip_refuses(const struct zip *z, const char *why)
{
	struct unzip t;

	assert_non_null(unzip_trouble(&t, z->bytes, z->n));
	assert_has(t.c->trouble, "cannot be inspected: ");
	assert_has(t.c->trouble, why);
	unzip_end(&t);
}

void unzip_holds(const struct zip *z, const char *name, const char *content)
{
	const struct mr_zip_member *m;
	unsigned char *bytes;
	struct unzip t;

	unzip_begin(&t, z->bytes, z->n);
	m = mr_zip_find(&t.zip, name);
	assert_non_null(m);
	assert_int_equal(m->size, strlen(content));
	bytes = mr_zip_load(&t.zip, m, UNZIP_MAX_BYTES);
	if (!bytes)
		fail_msg("%s", t.c->trouble);
	assert_memory_equal(bytes, content, strlen(content));
	mr_release(bytes);
	unzip_end(&t);
}

void zip_whole(struct zip *z)
{
	zip_text(z, "a", "the content of a");
	zip_text(z, "dir/", "");
	zip_text(z, "dir/b", "and b, and b, and b, and b, and b, and b");
	zip_end(z);
}

void zip_fresh(struct zip *z)
{
	memset(z, 0, sizeof(*z));
	zip_whole(z);
}
