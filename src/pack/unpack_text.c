/*
 * unpack_text.c - lists of members as text, to be remembered.
 *
 * One line each: kind, entry, size, digest, path, and of a link a tab and its
 * target; in front a line with the digest of all that follows, so that what was
 * cut or changed is not believed.  Paths hold no control bytes
 * (mr_path_check).
 */
#include "pack/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define HEAD "mreg.members/1 "
/* In the order of enum mr_member_kind; 'x' is an executable file. */
#define KINDS "flgo"
#define LINE_MAX_BYTES (2 * MR_PATH_MAX_BYTES + 256)

static void put_line(const struct mr_member *m, struct mr_buf *out)
{
	char digest[MREG_DIGEST_TEXT];

	mr_buf_printf(out, "%c %zu %" PRIu64 " %s %s",
		      m->executable ? 'x' : KINDS[m->kind], m->entry, m->size,
		      m->kind == MR_MEMBER_FILE
			      ? mreg_digest_text(&m->digest, digest)
			      : "-",
		      m->path);
	if (m->target)
		mr_buf_printf(out, "\t%s", m->target);
	mr_buf_putc(out, '\n');
}

void mr_members_text(const struct mr_members *m, struct mr_buf *out)
{
	MR_AUTO(mr_buf_release) struct mr_buf body = MR_BUF_INIT(out->max);
	char text[MREG_DIGEST_TEXT];
	struct mreg_digest d;
	size_t i;

	for (i = 0; i < m->count; i++)
		put_line(&m->items[i], &body);
	if (body.failed == MREG_OK &&
	    mr_digest_of(mr_buf_text(&body), body.len, &d, NULL) < 0)
		body.failed = MREG_ENOMEM;
	if (body.failed != MREG_OK) {
		out->failed = body.failed;
		return;
	}
	mr_buf_printf(out, HEAD "%s\n", mreg_digest_text(&d, text));
	mr_buf_add(out, mr_buf_text(&body), body.len);
}

/* The word up to the next space of `*at`, which is moved behind it; NULL:
 * there is no space. */
static const char *word(char **at)
{
	char *begin = *at;
	char *space = strchr(begin, ' ');

	if (!space)
		return NULL;
	*space = '\0';
	*at = space + 1;
	return begin;
}

/* Whether an archive can have it. */
static bool is_possible(const struct mr_member *m, bool image)
{
	bool hides = m->kind == MR_MEMBER_GONE || m->kind == MR_MEMBER_OPAQUE;

	if (m->target &&
	    (m->kind != MR_MEMBER_LINK || mr_path_check(m->target, NULL) < 0))
		return false;
	if (image && m->kind == MR_MEMBER_OPAQUE && !m->path[0])
		return true;
	if (mr_path_check(m->path, NULL) < 0)
		return false;
	if (!image)
		return m->kind == MR_MEMBER_FILE;
	return mr_members_taken(m->path) ||
	       (hides && (strcmp(m->path, "models") == 0 ||
			  strcmp(m->path, "model") == 0));
}

static bool read_line(char *line, bool image, struct mr_member *m)
{
	const char *kind = word(&line);
	const char *entry = kind ? word(&line) : NULL;
	const char *size = entry ? word(&line) : NULL;
	const char *digest = size ? word(&line) : NULL;
	const char *known;
	uint64_t n;
	char *tab;

	memset(m, 0, sizeof(*m));
	if (!digest || strlen(kind) != 1)
		return false;
	m->executable = kind[0] == 'x';
	known = strchr(KINDS, m->executable ? 'f' : kind[0]);
	if (!known || mr_text_u64(entry, SIZE_MAX, &n) < 0 ||
	    mr_text_u64(size, INT64_MAX, &m->size) < 0)
		return false;
	m->kind = (enum mr_member_kind)(known - KINDS);
	m->entry = (size_t)n;
	if (m->kind == MR_MEMBER_FILE &&
	    mreg_digest_parse(digest, &m->digest, NULL) < 0)
		return false;
	tab = strchr(line, '\t');
	if (tab)
		*tab = '\0';
	m->path = line;
	m->target = tab ? tab + 1 : NULL;
	return is_possible(m, image);
}

/* The body, if the head is the one it was written with. */
static const char *check_head(const char *text, size_t n)
{
	const char *newline = memchr(text, '\n', n);
	struct mreg_digest is, was;
	char digest[MREG_DIGEST_TEXT];

	if (!newline || n < strlen(HEAD) ||
	    memcmp(text, HEAD, strlen(HEAD)) != 0)
		return NULL;
	(void)snprintf(digest, sizeof(digest), "%.*s",
		       (int)(newline - text) - (int)strlen(HEAD),
		       text + strlen(HEAD));
	newline++;
	if (mreg_digest_parse(digest, &was, NULL) < 0 ||
	    mr_digest_of(newline, n - (size_t)(newline - text), &is, NULL) <
		    0 ||
	    !mreg_digest_equal(&is, &was))
		return NULL;
	return newline;
}

int mr_members_parse(const char *text, size_t n, bool image,
		     struct mr_members_sum *sum, struct mr_members **out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_members_freep) struct mr_members *m = NULL;
	const char *at = check_head(text, n);
	const char *end = text + n;
	char line[LINE_MAX_BYTES];
	struct mr_member one;
	int rc;

	*out = NULL;
	if (!at)
		return 0;
	rc = mr_members_new(&m, err);
	if (rc == 0)
		m->sum = sum;
	while (rc == 0 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline ? (size_t)(newline - at) : sizeof(line);

		if (len >= sizeof(line))
			return 0;
		memcpy(line, at, len);
		line[len] = '\0';
		if (!read_line(line, image, &one))
			return 0;
		rc = mr_members_add(m, &one, err);
		at = newline + 1;
	}
	if (rc < 0)
		return rc;
	m->sum = NULL;
	*out = mr_steal(&m);
	return 0;
}

static bool is_same(const struct mr_member *a, const struct mr_member *b)
{
	return strcmp(a->path, b->path) == 0 && !a->target == !b->target &&
	       (!a->target || strcmp(a->target, b->target) == 0) &&
	       a->kind == b->kind && a->executable == b->executable &&
	       a->entry == b->entry && a->size == b->size &&
	       (a->kind != MR_MEMBER_FILE ||
		mreg_digest_equal(&a->digest, &b->digest));
}

bool mr_members_same(const struct mr_members *a, const struct mr_members *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (!is_same(&a->items[i], &b->items[i]))
			return false;
	return true;
}
