/*
 * tests/support/log_fixture.c - what log_fixture.h says.
 */
#include "tests/support/log_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

static struct logx *of(struct mr_store *s)
{
	return (struct logx *)((const char *)s->ops -
			       offsetof(struct logx, ops));
}

static int count_open(struct mr_store *s, const struct mreg_desc *d,
		      uint64_t offset, uint64_t length, struct mr_stream **out,
		      struct mreg_error *err)
{
	struct logx *x = of(s);

	atomic_fetch_add(&x->asked, 1);
	if (mr_digest_known(&x->no_blob) &&
	    mreg_digest_equal(&x->no_blob, &d->digest))
		return mr_fail(err, MREG_ENOTFOUND, "no such blob");
	return x->real->open(s, d, offset, length, out, err);
}

static int count_get(struct mr_store *s, const char *reference,
		     struct mr_doc *out, bool *found, struct mreg_error *err)
{
	const char *hollow = of(s)->hollow;

	atomic_fetch_add(&of(s)->asked, 1);
	if (hollow && strcmp(hollow, reference) == 0) {
		(void)mr_fail(err, MREG_EINTEGRITY, "'%s' is empty", reference);
		err->sys = MR_HOLLOW_STATUS;
		return MREG_EINTEGRITY;
	}
	return of(s)->real->get(s, reference, out, found, err);
}

static int list(struct mr_store *s, struct mr_list *out, bool *found,
		struct mreg_error *err)
{
	struct logx *x = of(s);
	size_t kept = 0;
	size_t i;
	int rc = x->real->tags(s, out, found, err);

	atomic_fetch_add(&x->asked, 1);
	for (i = 0; rc >= 0 && i < out->n; i++)
		if (x->hidden && strcmp(x->hidden, out->items[i]) == 0)
			mr_release(out->items[i]);
		else
			out->items[kept++] = out->items[i];
	out->n = kept;
	return rc;
}

/* One after the other, so that of two who write one tag one is first. */
static int put(struct mr_store *s, const char *reference,
	       const struct mreg_desc *d, const void *bytes,
	       struct mr_list *missing, struct mreg_error *err)
{
	struct logx *x = of(s);
	MR_AUTO(mr_doc_release) struct mr_doc now = MR_DOC_INIT;
	bool found = false;
	int rc = 0;

	atomic_fetch_add(&x->puts, 1);
	if (x->meanwhile && (x->before ? strcmp(reference, x->before) == 0
				       : mr_text_starts(reference, "mreg."))) {
		void (*meanwhile)(void *ctx) = x->meanwhile;

		x->meanwhile = NULL;
		meanwhile(x->ctx);
	}
	(void)pthread_mutex_lock(&x->writing);
	if (x->fixed && mr_text_starts(reference, "mreg."))
		rc = x->real->get(s, reference, &now, &found, err);
	if (rc >= 0 && found)
		rc = mr_fail(err, MREG_ECONFLICT, "'%s' stays", reference);
	else if (rc >= 0)
		rc = x->real->set(s, reference, d, bytes, missing, err);
	(void)pthread_mutex_unlock(&x->writing);
	if (rc >= 0 && x->unanswered && strcmp(x->unanswered, reference) == 0)
		return mr_fail(err, MREG_ENETWORK, "no answer");
	return rc;
}

struct logx *logx_new(void)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct logx *x = mr_zalloc(sizeof(*x));

	assert_non_null(x);
	x->dir = test_tmpdir_new();
	assert_int_equal(setenv("HOME", x->dir, 1), 0);
	assert_int_equal(setenv("MREG_ACTOR", "ada", 1), 0);
	test_env_init(&x->te);
	assert_int_equal(pthread_mutex_init(&x->writing, NULL), 0);
	assert_ok(mr_memory_open(&x->te.env, &x->s, &err), err);
	x->s->label = mr_strdup("churn");
	assert_ok(mr_store_put_bytes(x->s, &mr_empty_desc, "{}", &err), err);
	x->real = x->s->ops;
	x->ops = *x->real;
	x->ops.open = count_open;
	x->ops.get = count_get;
	x->ops.set = put;
	x->ops.tags = list;
	x->s->ops = &x->ops;
	return x;
}

void logx_free(struct logx *x)
{
	x->s->ops = x->real;
	mr_store_close(x->s);
	test_env_release(&x->te);
	test_tmpdir_free(x->dir);
	(void)pthread_mutex_destroy(&x->writing);
	mr_release(x);
}

struct mreg *logx_user(struct logx *x, const char *home)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_opts o = MREG_OPTS_INIT;
	struct mreg *m;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", x->dir, home);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_ok(mreg_open(&o, &m, &err), err);
	return m;
}

int logx_try(struct logx *x, struct mreg *m, struct mr_history *h,
	     const char *value, struct mreg_digest *out, bool *lost,
	     struct mreg_error *err)
{
	struct mreg_pair pair = { "tags.team", value };
	struct mr_event_field set = { .key = "set",
				      .items = &pair,
				      .count = 1 };
	struct mr_event e = { .kind = MR_EVENT_METADATA_CHANGED,
			      .fields = &set,
			      .field_count = 1 };

	if (lost)
		return mr_log_try(m, x->s, h, &x->ref, &e, out, lost, err);
	return mr_log_append(m, x->s, h, &x->ref, &e, out, err);
}

struct mreg_digest logx_append(struct logx *x, struct mreg *m,
			       struct mr_history *h, const char *value)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest out = { .algorithm = MREG_DIGEST_NONE };

	assert_ok(logx_try(x, m, h, value, &out, NULL, &err), err);
	logx_read(x, m, h);
	return out;
}

void logx_read(struct logx *x, struct mreg *m, struct mr_history *h)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_history_read(m, x->s, h, &err), err);
}

void logx_junk(struct logx *x, const char *tag)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d;
	const char *bytes = mr_tombstone(&d, NULL);

	assert_ok(mr_store_set(x->s, tag, &d, bytes, NULL, &err), err);
}

bool logx_has_tag(struct logx *x, const char *tag)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d;
	bool found;

	assert_ok(mr_store_resolve(x->s, tag, &d, &found, &err), err);
	return found;
}

void logx_assert_line(struct mr_history *h)
{
	const struct mr_event *before = NULL;
	size_t i;

	for (i = 0; i < mr_ledger_count(h->ledger); i++) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		assert_int_equal(e->seq, i + 1);
		assert_int_equal(e->prev_count, before ? 1 : 0);
		if (before)
			assert_true(mreg_digest_equal(&e->prev[0],
						      &before->digest));
		before = e;
	}
}
