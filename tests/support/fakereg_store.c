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

void fake_blob_add(struct fake_blob **list, const char *digest,
		   const char *type, const void *data, size_t n)
{
	struct fake_blob *b = fake_blob_find(*list, digest);

	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			abort();
		b->next = *list;
		*list = b;
	}
	free(b->data);
	b->data = malloc(n + 1);
	if (!b->data)
		abort();
	if (n > 0)
		memcpy(b->data, data, n);
	b->data[n] = '\0';
	b->len = n;
	(void)snprintf(b->digest, sizeof(b->digest), "%s", digest);
	(void)snprintf(b->type, sizeof(b->type), "%s", type);
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
	struct fake_session *s;

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
	while ((s = f->sessions) != NULL) {
		f->sessions = s->next;
		fake_release(&s->data);
		free(s);
	}
}

/* -- by hand ----------------------------------------------------------------
 */

void fakereg_put_blob(struct fakereg *f, const char *repository,
		      const char *digest, const void *data, size_t n)
{
	char computed[144];

	fake_digest("sha256", data, n, computed);
	(void)pthread_mutex_lock(&f->lock);
	fake_blob_add(&fake_repo_get(f, repository, true)->blobs,
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
	fake_blob_add(&r->manifests, digest, type, text, strlen(text));
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
	struct fake_repo *r;
	struct fake_blob **at, *b;

	(void)pthread_mutex_lock(&f->lock);
	r = fake_repo_get(f, repository, true);
	for (at = &r->blobs; (b = *at) != NULL;) {
		if (strcmp(b->digest, digest) != 0) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		free(b->data);
		free(b);
	}
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
