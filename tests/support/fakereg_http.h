/*
 * tests/support/fakereg_http.h - the fake registry's HTTP: connections,
 * requests, answers.  Private to it.
 */
#ifndef TESTS_SUPPORT_FAKEREG_HTTP_H
#define TESTS_SUPPORT_FAKEREG_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_HEAD_MAX 65536

/* Bytes that grow; out of memory ends the process: this is a test. */
struct fake_bytes {
	char *data; /* owned, NUL-terminated; NULL: none */
	size_t len, cap;
};
void fake_add(struct fake_bytes *b, const void *data, size_t n);
void fake_printf(struct fake_bytes *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void fake_release(struct fake_bytes *b);

struct fake_conn;

struct fake_request {
	char method[16];
	char *target;      /* path?query, borrowed from the connection */
	char *path;        /* owned */
	const char *query; /* after '?', undecoded; "" */
	bool elsewhere;
	bool has_body;
	uint64_t body_left;
	bool chunked;
	bool expect; /* waits for 100 */
	uint64_t body_seen;
};

/* Value of a header of the request under way, or "". */
const char *fake_header(struct fake_conn *c, const char *name);
/* Percent-decoded value of a query parameter, its `index`-th; "" if absent.
 * `source` is a query or a form. */
const char *fake_param(const char *source, const char *name, size_t index,
		       char *out, size_t cap);

/* The request's body; false when the connection broke, or `stop_at` bytes
 * (UINT64_MAX: all) were read. */
bool fake_read_body(struct fake_conn *c, struct fake_request *rq,
		    uint64_t stop_at, struct fake_bytes *out);

#define FAKE_HEADERS_MAX 16
struct fake_answer {
	int status;
	struct {
		char name[40];
		char *value; /* owned */
	} headers[FAKE_HEADERS_MAX];
	size_t header_count;
	struct fake_bytes body;
	/* Misbehaviours; see struct fakereg_fault. */
	bool cut, chunked;
	uint64_t cut_at;
	int64_t lengthen;
};
void fake_set(struct fake_answer *a, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void fake_unset(struct fake_answer *a, const char *name);
void fake_answer_release(struct fake_answer *a);

/* Answer one request.  False: close the connection without an answer. */
typedef bool fake_handler(void *ctx, struct fake_conn *c,
			  struct fake_request *rq, struct fake_answer *a);

struct fake_http;
struct fake_http *fake_http_start(fake_handler *fn, void *ctx, int port);
void fake_http_stop(struct fake_http *h);
int fake_http_port(const struct fake_http *h, bool elsewhere);

#endif
