/*
 * tests/support/fakereg_store.c - what the fake registry holds.
 *
 * Hashed with libcrypto directly: code under test must not prove itself.
 */
#include "tests/support/fakereg_inside.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_digest(const char *algorithm, const void *data, size_t n,
		 char out[144])
{
	bool wide = strcmp(algorithm, "sha512") == 0;
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	unsigned int i;
	int at;

	if (!EVP_Digest(data, n, md, &len, wide ? EVP_sha512() : EVP_sha256(),
			NULL))
		abort();
	at = snprintf(out, 144, "%s:", wide ? "sha512" : "sha256");
	for (i = 0; i < len; i++)
		at += snprintf(out + at, 3, "%02x", md[i]);
}

struct fake_repo *fake_repo_get(struct fakereg *f, const char *name, bool make)
{
	struct fake_repo **at = &f->repos;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at && make) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			abort();
		(void)snprintf((*at)->name, sizeof((*at)->name), "%s", name);
	}
	return *at;
}

struct fake_blob *fake_blob_find(struct fake_blob *list, const char *digest)
{
	while (list && strcmp(list->digest, digest) != 0)
		list = list->next;
	return list;
}

void fake_blob_give(struct fakereg *f, struct fake_blob **list,
		    const char *digest, const char *type, char *data, size_t n)
{
	struct fake_blob *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	fake_blob_forget(f, list, digest);
	b->next = *list;
	b->data = data;
	b->data[n] = '\0';
	b->len = n;
	(void)snprintf(b->digest, sizeof(b->digest), "%s", digest);
	(void)snprintf(b->type, sizeof(b->type), "%s", type);
	*list = b;
}

void fake_blob_add(struct fakereg *f, struct fake_blob **list,
		   const char *digest, const char *type, const void *data,
		   size_t n)
{
	char *copy = malloc(n + 1);

	if (!copy)
		abort();
	if (n > 0)
		memcpy(copy, data, n);
	fake_blob_give(f, list, digest, type, copy, n);
}

void fake_blob_forget(struct fakereg *f, struct fake_blob **list,
		      const char *digest)
{
	struct fake_blob **at = list, *b;

	while (*at && strcmp((*at)->digest, digest) != 0)
		at = &(*at)->next;
	b = *at;
	if (!b)
		return;
	*at = b->next;
	b->next = f->forgotten;
	f->forgotten = b;
}

static bool tagged(const struct fake_repo *r, const char *digest)
{
	const struct fake_tag *t = r->tags;

	while (t && strcmp(t->digest, digest) != 0)
		t = t->next;
	return t != NULL;
}

struct fake_blob *fake_manifest_find(struct fakereg *f, const char *repository,
				     const char *reference)
{
	struct fake_repo *r = fake_repo_get(f, repository, false);
	struct fake_tag *t = fake_tag_find(r, reference);
	struct fake_blob *m;

	m = r ? fake_blob_find(r->manifests, t ? t->digest : reference) : NULL;
	if (!m || !m->last_turn || m->last_turn >= f->turn ||
	    tagged(r, m->digest))
		return m;
	fake_blob_forget(f, &r->manifests, m->digest);
	return NULL;
}

struct fake_tag *fake_tag_find(struct fake_repo *r, const char *name)
{
	struct fake_tag *t = r ? r->tags : NULL;

	while (t && strcmp(t->name, name) != 0)
		t = t->next;
	return t;
}

void fake_tag_set(struct fake_repo *r, const char *name, const char *digest)
{
	struct fake_tag *t = fake_tag_find(r, name);
	struct fake_tag **at = &r->tags;

	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			abort();
		(void)snprintf(t->name, sizeof(t->name), "%s", name);
		while (*at && strcmp((*at)->name, name) < 0)
			at = &(*at)->next;
		t->next = *at;
		*at = t;
	}
	(void)snprintf(t->digest, sizeof(t->digest), "%s", digest);
}

bool fake_tag_drop(struct fake_repo *r, const char *name)
{
	struct fake_tag **at, *t;

	for (at = r ? &r->tags : NULL; at && *at; at = &(*at)->next) {
		t = *at;
		if (strcmp(t->name, name) != 0)
			continue;
		*at = t->next;
		free(t);
		return true;
	}
	return false;
}

static void free_blobs(struct fake_blob *b)
{
	struct fake_blob *next;

	for (; b; b = next) {
		next = b->next;
		free(b->data);
		free(b);
	}
}

void fake_store_free(struct fakereg *f)
{
	struct fake_repo *r;
	struct fake_tag *t;

	free_blobs(f->forgotten);
	free_blobs(f->refused);
	while ((r = f->repos) != NULL) {
		f->repos = r->next;
		free_blobs(r->blobs);
		free_blobs(r->manifests);
		while ((t = r->tags) != NULL) {
			r->tags = t->next;
			free(t);
		}
		free(r);
	}
	while (f->sessions)
		fake_session_drop(f, f->sessions);
}

/* {NAME: {"tags": {TAG: DIGEST}, "manifests": {DIGEST: TEXT}, "blobs":
 * {DIGEST: SIZE}}}, without asking who wants to know. */
void fake_content_json(struct fakereg *f, struct fake_answer *a)
{
	json_t *all = json_object();
	struct fake_repo *r;
	struct fake_blob *b;
	struct fake_tag *t;

	for (r = f->repos; r; r = r->next) {
		json_t *tags = json_object(), *blobs = json_object();
		json_t *manifests = json_object();

		for (t = r->tags; t; t = t->next)
			(void)json_object_set_new(tags, t->name,
						  json_string(t->digest));
		for (b = r->manifests; b; b = b->next)
			(void)json_object_set_new(
				manifests, b->digest,
				json_stringn(b->data, b->len));
		for (b = r->blobs; b; b = b->next)
			(void)json_object_set_new(
				blobs, b->digest,
				json_integer((json_int_t)b->len));
		(void)json_object_set_new(all, r->name,
					  json_pack("{s:o,s:o,s:o}", "tags",
						    tags, "manifests",
						    manifests, "blobs", blobs));
	}
	fake_send_json(a, all);
}

/* -- by hand ----------------------------------------------------------------
 */

void fakereg_put_blob(struct fakereg *f, const char *repository,
		      const char *digest, const void *data, size_t n)
{
	char computed[144];

	fake_digest("sha256", data, n, computed);
	(void)pthread_mutex_lock(&f->lock);
	fake_blob_add(f, &fake_repo_get(f, repository, true)->blobs,
		      digest ? digest : computed, "", data, n);
	(void)pthread_mutex_unlock(&f->lock);
}

void fakereg_put_manifest(struct fakereg *f, const char *repository,
			  const char *tag, const char *type, const char *text)
{
	struct fake_repo *r;
	char digest[144];

	fake_digest("sha256", text, strlen(text), digest);
	(void)pthread_mutex_lock(&f->lock);
	r = fake_repo_get(f, repository, true);
	fake_blob_add(f, &r->manifests, digest, type, text, strlen(text));
	if (tag)
		fake_tag_set(r, tag, digest);
	(void)pthread_mutex_unlock(&f->lock);
}

char *fakereg_blob(struct fakereg *f, const char *repository,
		   const char *digest, size_t *n)
{
	struct fake_repo *r;
	struct fake_blob *b = NULL;
	char *out = NULL;

	(void)pthread_mutex_lock(&f->lock);
	r = fake_repo_get(f, repository, false);
	if (r)
		b = fake_blob_find(r->blobs, digest);
	if (r && !b)
		b = fake_blob_find(r->manifests, digest);
	if (b) {
		out = malloc(b->len + 1);
		if (!out)
			abort();
		memcpy(out, b->data, b->len + 1);
		if (n)
			*n = b->len;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return out;
}

void fakereg_forget_blob(struct fakereg *f, const char *repository,
			 const char *digest)
{
	(void)pthread_mutex_lock(&f->lock);
	fake_blob_forget(f, &fake_repo_get(f, repository, true)->blobs, digest);
	(void)pthread_mutex_unlock(&f->lock);
}

const char *fakereg_tag(struct fakereg *f, const char *repository,
			const char *tag, char out[144])
{
	struct fake_tag *t;

	(void)pthread_mutex_lock(&f->lock);
	t = fake_tag_find(fake_repo_get(f, repository, false), tag);
	(void)snprintf(out, 144, "%s", t ? t->digest : "");
	(void)pthread_mutex_unlock(&f->lock);
	return out;
}
