/*
 * tests/support/fakereg_inside.h - what the fake registry's files share.
 */
#ifndef TESTS_SUPPORT_FAKEREG_INSIDE_H
#define TESTS_SUPPORT_FAKEREG_INSIDE_H

#include <jansson.h>
#include <pthread.h>

#include "tests/support/fakereg.h"
#include "tests/support/fakereg_http.h"

/* Its bytes stay until the registry stops, though it be forgotten: answers
 * are sent from them without the lock. */
struct fake_blob {
	struct fake_blob *next;
	char digest[144];
	char type[256]; /* of a manifest; "" for a blob */
	char *data;
	size_t len;
	unsigned int last_turn; /* of a manifest nobody names; 0: stays */
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
	unsigned int patches;
	size_t first; /* bytes of the first PATCH */
	struct fake_bytes data;
};

struct fake_token {
	struct fake_token *next;
	char text[32];
	char *scopes; /* owned; as granted, space-separated */
	unsigned int uses;
	int64_t until_ms;
};

/* A signed address. */
struct fake_sign {
	struct fake_sign *next;
	unsigned int id, uses;
	int64_t until_ms;
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
	struct fake_sign *signs;
	struct fake_blob *forgotten;
	struct fake_blob *refused; /* manifests, by `late_blobs` */
	struct fake_fault *faults;
	struct fake_fault *spent; /* cleared; a request may still use one */
	struct fake_record *records, **last_record;
	unsigned int counter;
	unsigned int turn; /* requests so far */
	unsigned int manifest_gets;
	/* The gate has a lock of its own: it is passed with none held. */
	pthread_mutex_t gate_lock;
	pthread_cond_t gate_open;
	uint64_t gate;
	struct fakereg_moved moved;
};

/* A request being answered. */
struct fake_call {
	struct fakereg *f;
	struct fake_conn *c;
	struct fake_request *rq;
	struct fake_answer *a;
	const struct fakereg_fault *fault; /* NULL: none */
	char repo[256];
	char rest[512]; /* "blobs/sha256:...", "tags/list" */
};

/* All with `lock` held. */

/* fakereg_store.c */
void fake_digest(const char *algorithm, const void *data, size_t n,
		 char out[144]);
struct fake_repo *fake_repo_get(struct fakereg *f, const char *name, bool make);
struct fake_blob *fake_blob_find(struct fake_blob *list, const char *digest);
/* Takes over `data`, of which one more byte than `n` may be written. */
void fake_blob_give(struct fakereg *f, struct fake_blob **list,
		    const char *digest, const char *type, char *data, size_t n);
void fake_blob_add(struct fakereg *f, struct fake_blob **list,
		   const char *digest, const char *type, const void *data,
		   size_t n);
void fake_blob_forget(struct fakereg *f, struct fake_blob **list,
		      const char *digest);
/* Of a manifest, by a tag or its digest. */
struct fake_blob *fake_manifest_find(struct fakereg *f, const char *repository,
				     const char *reference);
struct fake_tag *fake_tag_find(struct fake_repo *r, const char *name);
void fake_tag_set(struct fake_repo *r, const char *name, const char *digest);
bool fake_tag_drop(struct fake_repo *r, const char *name);
void fake_content_json(struct fakereg *f, struct fake_answer *a);
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

void fake_auth_challenge_basic(struct fake_answer *a);
bool fake_auth_basic(const struct fakereg *f, struct fake_conn *c);

/* fakereg_fault.c */
/* The fault for this request or NULL; valid until the registry stops. */
const struct fakereg_fault *fake_fault_for(struct fakereg *f,
					   const struct fake_request *rq);
/* Before the request is done, and what becomes of its answer: false: none. */
void fake_fault_before(struct fake_call *x);
bool fake_fault_after(struct fake_call *x);
void fake_fault_free(struct fakereg *f);

/* fakereg_seen.c */
void fake_record_init(struct fakereg_seen *s, struct fake_conn *c,
		      const struct fake_request *rq);
void fake_record_add(struct fakereg *f, const struct fakereg_seen *seen);
void fake_records_free(struct fakereg *f);
void fake_seen_json(struct fakereg *f, struct fake_bytes *out);
/* Whether these match; NULL: any. */
bool fake_matches(const char *method, const char *path, const char *have,
		  const char *target);

/* fakereg_gate.c */
void fake_gate_init(struct fakereg *f);
void fake_gate_release(struct fakereg *f);
/* `n` bytes of a blob are about to pass. */
void fake_gate_pass(void *ctx, bool in, size_t n);
void fake_moved_json(struct fakereg *f, struct fake_bytes *out);

/* fakereg_fields.c: false: there is no such field, or it cannot be that. */
bool fake_fault_field(struct fakereg_fault *x, const char *name, json_t *value);

/* fakereg_blob.c, fakereg_upload.c, fakereg_manifest.c, fakereg_list.c,
 * fakereg_referrers.c: routes.  False: close the connection. */
void fake_get_blob(struct fake_call *x, const char *digest);
void fake_signs_free(struct fakereg *f);
bool fake_start_upload(struct fake_call *x);
bool fake_continue_upload(struct fake_call *x, const char *id);
void fake_session_drop(struct fakereg *f, struct fake_session *s);
void fake_get_manifest(struct fake_call *x, const char *reference);
bool fake_put_manifest(struct fake_call *x, const char *reference);
void fake_delete_manifest(struct fake_call *x, const char *reference);
void fake_list_tags(struct fake_call *x);
void fake_list_repositories(struct fake_call *x);
void fake_list_referrers(struct fake_call *x, const char *digest);
/* Digest of the manifest that `text` has as its subject; "" if none. */
const char *fake_subject_of(const char *text, size_t n, char out[144]);

/* fakereg.c */
void fake_error(struct fake_answer *a, int status, const char *code,
		const char *message, const char *detail);
void fake_set_digest(struct fake_call *x, const char *digest);
void fake_send_json(struct fake_answer *a, json_t *doc); /* which it frees */
/* The request's body, with the lock let go meanwhile; false: it broke. */
bool fake_take_body(struct fake_call *x, struct fake_bytes *out);
/* 413 before a byte of it is read, where the limit says so. */
bool fake_too_large(struct fake_call *x);
int64_t fake_now_ms(void);

#endif
