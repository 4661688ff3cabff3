/*
 * tests/support/fakereg_inside.h - what the fake registry's files share.
 */
#ifndef TESTS_SUPPORT_FAKEREG_INSIDE_H
#define TESTS_SUPPORT_FAKEREG_INSIDE_H

#include <pthread.h>

#include "tests/support/fakereg.h"
#include "tests/support/fakereg_http.h"

struct fake_blob {
	struct fake_blob *next;
	char digest[144];
	char type[256]; /* of a manifest; "" for a blob */
	char *data;
	size_t len;
};

struct fake_tag {
	struct fake_tag *next;
	char name[140];
	char digest[144];
};

struct fake_repo {
	struct fake_repo *next;
	char name[256];
	struct fake_blob *blobs, *manifests;
	struct fake_tag *tags;
};

struct fake_session {
	struct fake_session *next;
	char id[32];
	char repo[256];
	unsigned int turn; /* part of `_state` */
	struct fake_bytes data;
};

struct fake_token {
	struct fake_token *next;
	char text[32];
	char *scopes; /* owned; as granted, space-separated */
	unsigned int uses;
};

struct fake_fault {
	struct fake_fault *next;
	struct fakereg_fault f; /* strings owned */
	unsigned int seen;
};

struct fake_record {
	struct fake_record *next;
	struct fakereg_seen seen;
};

struct fakereg {
	struct fakereg_opts o; /* strings owned */
	struct fake_http *http;
	char host[32], elsewhere[32];
	pthread_mutex_t lock; /* of all below */
	struct fake_repo *repos;
	struct fake_session *sessions;
	struct fake_token *tokens;
	struct fake_fault *faults;
	struct fake_fault *spent; /* cleared; a request may still use one */
	struct fake_record *records, **last_record;
	unsigned int counter;
};

/* All with `lock` held. */

/* fakereg_store.c */
void fake_digest(const char *algorithm, const void *data, size_t n,
		 char out[144]);
struct fake_repo *fake_repo_get(struct fakereg *f, const char *name, bool make);
struct fake_blob *fake_blob_find(struct fake_blob *list, const char *digest);
void fake_blob_add(struct fake_blob **list, const char *digest,
		   const char *type, const void *data, size_t n);
struct fake_tag *fake_tag_find(struct fake_repo *r, const char *name);
void fake_tag_set(struct fake_repo *r, const char *name, const char *digest);
void fake_store_free(struct fakereg *f);

/* fakereg_auth.c: false: `a` is the refusal. */
bool fake_auth_check(struct fakereg *f, struct fake_conn *c,
		     const char *scope_type, const char *name,
		     const char *action, struct fake_answer *a);
/* Whether the request's token covers another repository too. */
bool fake_auth_covers(struct fakereg *f, struct fake_conn *c, const char *name,
		      const char *action);
void fake_auth_token(struct fakereg *f, struct fake_conn *c,
		     const struct fake_request *rq, const char *form,
		     struct fake_answer *a);
void fake_auth_free(struct fakereg *f);

/* fakereg_fault.c */
/* The fault for this request or NULL; valid until the registry stops. */
const struct fakereg_fault *fake_fault_for(struct fakereg *f,
					   const struct fake_request *rq);
void fake_record_init(struct fakereg_seen *s, struct fake_conn *c,
		      const struct fake_request *rq);
void fake_record_add(struct fakereg *f, const struct fakereg_seen *seen);
void fake_fault_free(struct fakereg *f);
void fake_seen_json(struct fakereg *f, struct fake_bytes *out);

/* fakereg.c */
void fake_error(struct fake_answer *a, int status, const char *code,
		const char *message, const char *detail);

#endif
