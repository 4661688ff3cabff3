/*
 * tests/support/body_fixture.h - a server that gives and takes bodies as a
 * test wants it, and a session; for the tests of what moves.
 */
#ifndef TESTS_SUPPORT_BODY_FIXTURE_H
#define TESTS_SUPPORT_BODY_FIXTURE_H

#include "tests/support/test.h"

#include "net/net.h"
#include "tests/support/httpd.h"

#define MIB (1u << 20)

struct bx {
	struct test_env t;
	struct mr_net *net;
	struct httpd *server;
	char origin[64];
	char url[256];
	struct mreg_error err;
	const char *raw; /* answered to everything, then closed */
	int early;       /* status answered before the body; 0: none */
	const char *early_headers;
	bool hold;            /* then stop reading */
	bool slow;            /* advance the clock before answering */
	bool dead;            /* close without an answer */
	bool stop;            /* cancel instead of answering */
	unsigned int expects; /* 417 to so many requests that expect 100 */
};

/* Endless, of one letter; counts what was taken. */
struct bx_source {
	struct mr_stream base;
	uint64_t left;
	uint64_t taken;
	int fails; /* code to fail with at the end; 0: just end */
};

/* As setup and teardown. */
int bx_setup(void **state);
int bx_teardown(void **state);
/* From now on this to everything, then closed; "": closed at once; NULL: what
 * is asked for.  Borrowed. */
void bx_answer(struct bx *f, const char *raw);
/* Another session; 0: no limit. */
void bx_open_net(struct bx *f, uint64_t limit_rate);

/* To be sent once. */
struct mr_request bx_request(struct bx *f, const char *method,
			     const char *path);
struct mr_request bx_upload(struct bx *f, struct bx_source *src, uint64_t size);
/* Everything in pieces of `piece`; the bytes read, or the failure. */
int64_t bx_read_all(struct bx *f, struct mr_response *r, size_t piece);
/* The bytes of the answer's body, or the failure; `status` may be NULL. */
int64_t bx_fetch(struct bx *f, const struct mr_request *rq, int *status);

#define BX(name) cmocka_unit_test_setup_teardown(name, bx_setup, bx_teardown)

#endif
