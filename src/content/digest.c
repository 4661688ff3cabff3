/*
 * digest.c - digests as text and value, and the hashes they come from: our own
 * SHA-256 where the processor helps, OpenSSL for the rest.
 */
#include "content/digest.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/sha256.h"

struct algorithm {
	enum mreg_algorithm id;
	const char *prefix;
	const char *evp; /* OpenSSL's name for it */
	size_t len;      /* bytes of a digest */
};

static const struct algorithm algorithms[] = {
	{ MREG_SHA256, "sha256:", "SHA256", 32 },
	{ MREG_SHA512, "sha512:", "SHA512", 64 },
};

struct mr_hash {
	const struct algorithm *alg;
	struct mr_sha256 own; /* used while `ctx` is NULL */
	EVP_MD *md;           /* owned; NULL: our own code */
	EVP_MD_CTX *ctx;      /* owned; NULL: our own code */
	bool failed;
};

/* Whose next bytes are being hashed, side by side with others'. */
struct bench {
	struct mr_sha256_lane lanes[MR_SHA256_LANES_MAX];
	const struct mr_hash *hashes[MR_SHA256_LANES_MAX]; /* borrowed */
	size_t n;
};

static const struct algorithm *find(enum mreg_algorithm id)
{
	size_t i;

	for (i = 0; i < MR_COUNT(algorithms); i++)
		if (algorithms[i].id == id)
			return &algorithms[i];
	return NULL;
}

const char *mr_digest_hex(const struct mreg_digest *d, char out[129])
{
	static const char hex[] = "0123456789abcdef";
	const struct algorithm *alg = find(d->algorithm);
	size_t n = alg ? alg->len : 0;
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = hex[d->bytes[i] >> 4];
		out[2 * i + 1] = hex[d->bytes[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

bool mr_digest_known(const struct mreg_digest *d)
{
	return find(d->algorithm) != NULL;
}

int mr_digest_compare(const struct mreg_digest *a, const struct mreg_digest *b)
{
	const struct algorithm *alg = find(a->algorithm);

	if (a->algorithm != b->algorithm)
		return a->algorithm < b->algorithm ? -1 : 1;
	return alg ? memcmp(a->bytes, b->bytes, alg->len) : 0;
}

const char *mreg_digest_text(const struct mreg_digest *d,
			     char out[MREG_DIGEST_TEXT])
{
	const struct algorithm *alg = find(d->algorithm);
	size_t n = alg ? strlen(alg->prefix) : 0;

	if (n)
		memcpy(out, alg->prefix, n);
	mr_digest_hex(d, out + n);
	return out;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool parse(const char *text, struct mreg_digest *out)
{
	const struct algorithm *alg = NULL;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < MR_COUNT(algorithms) && !alg; i++)
		if (strncmp(text, algorithms[i].prefix,
			    strlen(algorithms[i].prefix)) == 0)
			alg = &algorithms[i];
	if (!alg)
		return false;
	text += strlen(alg->prefix);
	for (i = 0; i < alg->len; i++) {
		int high = nibble(text[2 * i]);
		int low = high < 0 ? -1 : nibble(text[2 * i + 1]);

		if (low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}
	out->algorithm = alg->id;
	return text[2 * alg->len] == '\0';
}

int mreg_digest_parse(const char *text, struct mreg_digest *out,
		      struct mreg_error *err)
{
	struct mreg_digest d;

	if (!parse(text, &d)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.160s' is no digest", text);
		(void)mr_hint(err, "a digest is sha256: and 64 lower-case hex "
				   "digits, or sha512: and 128");
		return MREG_EUSAGE;
	}
	*out = d;
	return 0;
}

bool mreg_digest_equal(const struct mreg_digest *a, const struct mreg_digest *b)
{
	return mr_digest_compare(a, b) == 0;
}

int mr_digest_of(const void *data, size_t n, struct mreg_digest *out,
		 struct mreg_error *err)
{
	struct mr_sha256 own;

	memset(out, 0, sizeof(*out));
	if (mr_sha256_fast()) {
		mr_sha256_init(&own);
		mr_sha256_add(&own, data, n);
		mr_sha256_end(&own, out->bytes);
	} else if (EVP_Digest(data, n, out->bytes, NULL, EVP_sha256(), NULL) !=
		   1) {
		return mr_fail_nomem(err);
	}
	out->algorithm = MREG_SHA256;
	return 0;
}

static int new_hash(enum mreg_algorithm id, bool portable, struct mr_hash **out,
		    struct mreg_error *err)
{
	const struct algorithm *alg = find(id);
	struct mr_hash *h;

	if (!alg)
		return mr_fail(err, MREG_EINTERNAL,
			       "hash without an algorithm (%d)", (int)id);
	h = mr_zalloc(sizeof(*h));
	if (!h)
		return mr_fail_nomem(err);
	h->alg = alg;
	if (!portable && id == MREG_SHA256 && mr_sha256_fast()) {
		mr_sha256_init(&h->own);
		*out = h;
		return 0;
	}
	h->md = EVP_MD_fetch(NULL, alg->evp, NULL);
	h->ctx = EVP_MD_CTX_new();
	if (!h->md || !h->ctx || EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1) {
		mr_hash_free(h);
		return mr_fail_nomem(err);
	}
	*out = h;
	return 0;
}

int mr_hash_new(enum mreg_algorithm id, struct mr_hash **out,
		struct mreg_error *err)
{
	return new_hash(id, false, out, err);
}

int mr_hash_new_portable(enum mreg_algorithm id, struct mr_hash **out,
			 struct mreg_error *err)
{
	return new_hash(id, true, out, err);
}

void mr_hash_add(struct mr_hash *h, const void *data, size_t n)
{
	if (!h->ctx)
		mr_sha256_add(&h->own, data, n);
	else if (EVP_DigestUpdate(h->ctx, data, n) != 1)
		h->failed = true;
}

void mr_hash_end(struct mr_hash *h, struct mreg_digest *out)
{
	memset(out, 0, sizeof(*out));
	if (!h->ctx)
		mr_sha256_end(&h->own, out->bytes);
	else if (EVP_DigestFinal_ex(h->ctx, out->bytes, NULL) != 1)
		h->failed = true;
	/* OpenSSL's software hashes do not fail; if one did, the digest of
	 * "not known" equals none that anybody wants. */
	if (h->failed)
		memset(out, 0, sizeof(*out));
	else
		out->algorithm = h->alg->id;
}

void mr_hash_free(struct mr_hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	mr_release(h);
}

void mr_hash_freep(struct mr_hash **h)
{
	mr_hash_free(*h);
	*h = NULL;
}

static bool is_on(const struct bench *b, const struct mr_hash *h)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->hashes[i] == h)
			return true;
	return false;
}

/* Give the free lanes to the next jobs, in order: one that waits for another
 * of the same hash lets none behind it pass. */
static void take_on(struct bench *b, const struct mr_hash_job **next,
		    const struct mr_hash_job *end)
{
	for (; *next < end && b->n < MR_SHA256_LANES_MAX; ++*next) {
		struct mr_hash *h = (*next)->hash;

		if (is_on(b, h))
			return;
		if (h->ctx) {
			mr_hash_add(h, (*next)->data, (*next)->n);
			continue;
		}
		mr_sha256_split(&h->own, (*next)->data, (*next)->n,
				&b->lanes[b->n]);
		if (b->lanes[b->n].blocks > 0)
			b->hashes[b->n++] = h;
	}
}

/* As far as all of them go; who is done gets off. */
static void go_on(struct bench *b)
{
	struct mr_sha256_lane *lanes[MR_SHA256_LANES_MAX];
	size_t blocks = SIZE_MAX;
	size_t i, left = 0;

	for (i = 0; i < b->n; i++) {
		lanes[i] = &b->lanes[i];
		if (b->lanes[i].blocks < blocks)
			blocks = b->lanes[i].blocks;
	}
	mr_sha256_lanes(lanes, b->n, blocks);
	for (i = 0; i < b->n; i++) {
		if (b->lanes[i].blocks == 0)
			continue;
		b->lanes[left] = b->lanes[i];
		b->hashes[left++] = b->hashes[i];
	}
	b->n = left;
}

void mr_hash_many(const struct mr_hash_job *jobs, size_t n)
{
	const struct mr_hash_job *next = jobs;
	struct bench b = { .n = 0 };

	for (take_on(&b, &next, jobs + n); b.n > 0;
	     take_on(&b, &next, jobs + n))
		go_on(&b);
}
