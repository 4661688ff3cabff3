/*
 * tests/support/log_fixture.h - a log in a store without a lock, which counts
 * what it is asked and can refuse, hide and lose things; and its writers.
 */
#ifndef TESTS_SUPPORT_LOG_FIXTURE_H
#define TESTS_SUPPORT_LOG_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "repo/repo.h"
#include "tests/support/test.h"

struct logx {
	char *dir;
	struct test_env te;
	struct mr_store *s;
	struct mr_store_ops ops;
	const struct mr_store_ops *real;
	pthread_mutex_t writing;
	struct mreg_ref ref;

	/* What is wrong with the store; all zero: nothing. */
	bool fixed;                 /* mreg.* is never written twice */
	const char *hidden;         /* listings lack this tag */
	const char *unanswered;     /* a PUT of it is done, and is an error */
	const char *hollow;         /* the store cannot read this tag */
	struct mreg_digest no_blob; /* cannot be had */
	/* What somebody does just before the next PUT of an mreg.* tag, or of
	 * the tag `before`. */
	void (*meanwhile)(void *ctx);
	const char *before;
	void *ctx;

	atomic_uint asked; /* requests that read */
	atomic_uint puts;  /* of manifests */
};

struct logx *logx_new(void);
void logx_free(struct logx *x);

/* Somebody with an empty cache (`home` another one each time) or, again, what
 * they know. */
struct mreg *logx_user(struct logx *x, const char *home);

/* Append "team=`value`" as read in `h`, and read again. */
struct mreg_digest logx_append(struct logx *x, struct mreg *m,
			       struct mr_history *h, const char *value);
int logx_try(struct logx *x, struct mreg *m, struct mr_history *h,
	     const char *value, struct mreg_digest *out, bool *lost,
	     struct mreg_error *err);
void logx_read(struct logx *x, struct mreg *m, struct mr_history *h);
/* Put a manifest that is no event under a tag. */
void logx_junk(struct logx *x, const char *tag);
bool logx_has_tag(struct logx *x, const char *tag);
/* Each event names exactly the one before it. */
void logx_assert_line(struct mr_history *h);

#endif
