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
/* Room for `n` more, in one piece. */
void fake_reserve(struct fake_bytes *b, size_t n);

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
	bool counts; /* its bytes are a blob's */
	/* Misbehaviour; see struct fakereg_fault. */
	bool stall;
	uint64_t stall_at;
	unsigned int stall_ms;
};

/* Value of a header of the request under way, or "". */
const char *fake_header(struct fake_conn *c, const char *name);
/* Percent-decoded value of a query parameter, its `index`-th; "" if absent.
 * `source` is a query or a form. */
const char *fake_param(const char *source, const char *name, size_t index,
		       char *out, size_t cap);

/* The request's body; false when the connection broke, or `stop_at` bytes
 * (UINT64_MAX: all) were read, and more were to come. */
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
	/* Instead of it: bytes that stay (struct fake_blob). */
	const char *bytes;
	size_t bytes_len;
	bool no_length; /* the answer to a HEAD that does not know */
	/* Misbehaviours; see struct fakereg_fault. */
	bool cut, chunked, stall;
	uint64_t cut_at, stall_at;
	unsigned int stall_ms;
	int64_t lengthen;
};
void fake_set(struct fake_answer *a, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A second header of that name. */
void fake_also(struct fake_answer *a, const char *name, const char *value);
void fake_unset(struct fake_answer *a, const char *name);
/* Make `bytes` the body, to change it. */
void fake_own_body(struct fake_answer *a);
void fake_answer_release(struct fake_answer *a);

/* Answer one request.  False: close the connection without an answer. */
typedef bool fake_handler(void *ctx, struct fake_conn *c,
			  struct fake_request *rq, struct fake_answer *a);

/* `n` bytes of a blob are about to pass, in or out; may take its time. */
typedef void fake_pace(void *ctx, bool in, size_t n);

/* Where an answer goes. */
struct fake_wire {
	int fd;
	fake_pace *pace; /* NULL: nobody counts */
	void *ctx;
};
/* False: close, also when all went as planned. */
bool fake_answer_send(const struct fake_wire *w, const struct fake_request *rq,
		      struct fake_answer *a, bool keep);
bool fake_send_all(int fd, const char *data, size_t n);
void fake_pause_ms(unsigned int ms);

struct fake_http;
struct fake_http *fake_http_start(fake_handler *fn, fake_pace *pace, void *ctx,
				  int port);
void fake_http_stop(struct fake_http *h);
int fake_http_port(const struct fake_http *h, bool elsewhere);
/* Requests for blobs under way; open connections. */
unsigned int fake_http_busy(struct fake_http *h);
unsigned int fake_http_connections(struct fake_http *h);

#endif
