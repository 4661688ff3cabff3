/*
 * fuzz_base.c - any manifest, '\0', any config: another image below a model's.
 * What is taken of it is harmless, goes into documents of ours, and is read
 * out of those as it was.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/base_read.h"
#include "profile/platforms.h"

#define BASE "registry.example/base:1"
#define ARENA_BYTES (1u << 24)
#define WORDS_MAX 1000
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_told(int rc, const struct mreg_error *err)
{
	const char *p;

	assert((int)err->code == rc && err->msg[0]);
	for (p = err->msg; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void assert_word(const char *text)
{
	assert(mr_image_is_word(text, strlen(text)));
	assert(!strpbrk(text, " \"'\\/<>&;$`"));
}

static void assert_words(const char *const *words, size_t n)
{
	size_t i;

	assert(n <= WORDS_MAX);
	for (i = 0; i < n; i++)
		assert(words[i]);
}

static void check_layers(const struct mr_manifest *m,
			 const struct mr_image_platform *at)
{
	size_t i;

	assert(at->base_count > 0 && at->base_count == m->layer_count);
	for (i = 0; i < at->base_count; i++) {
		const struct mreg_desc *d = &at->base[i].desc;

		assert(strncmp(d->media_type, OCI_LAYER, strlen(OCI_LAYER)) ==
		       0);
		assert(d->size == m->layers[i].desc.size);
		assert(mreg_digest_equal(&d->digest,
					 &m->layers[i].desc.digest));
		/* Neither where else it is nor its bytes go on. */
		assert(!at->base[i].data && !at->base[i].annotations.n);
	}
}

static void check_config(const struct mr_image_platform *at)
{
	size_t i;

	assert_word(at->os);
	assert_word(at->architecture);
	if (at->variant)
		assert_word(at->variant);
	assert_words(at->env, at->env_count);
	assert_words(at->cmd, at->cmd_count);
	for (i = 0; i < at->base_count; i++)
		assert(mr_digest_known(&at->diffs[i]));
}

static void assert_same_words(const char *const *x, size_t nx,
			      const char *const *y, size_t ny)
{
	size_t i;

	assert(nx == ny);
	for (i = 0; i < nx; i++)
		assert(strcmp(x[i], y[i]) == 0);
}

static void assert_same(const struct mr_image_platform *x,
			const struct mr_image_platform *y)
{
	size_t i;

	assert(strcmp(x->os, y->os) == 0);
	assert(strcmp(x->architecture, y->architecture) == 0);
	assert(!x->variant == !y->variant);
	assert(!x->variant || strcmp(x->variant, y->variant) == 0);
	/* Without any there is the usual PATH. */
	if (x->env_count)
		assert_same_words(x->env, x->env_count, y->env, y->env_count);
	assert_same_words(x->cmd, x->cmd_count, y->cmd, y->cmd_count);
	assert(x->base_count == y->base_count);
	for (i = 0; i < x->base_count; i++) {
		const struct mreg_desc *d = &x->base[i].desc;
		const struct mreg_desc *e = &y->base[i].desc;

		assert(strcmp(d->media_type, e->media_type) == 0);
		assert(d->size == e->size);
		assert(mreg_digest_equal(&d->digest, &e->digest));
		assert(mreg_digest_equal(&x->diffs[i], &y->diffs[i]));
	}
}

/* An image of it without a model's layer is the same base. */
static void check_written(struct mr_image_platform *at, struct mr_arena *a)
{
	static const struct mr_image_facts facts = { .created =
							     MR_IMAGE_NEVER };
	static const struct mr_image_layout layout = { .count = 0 };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_image_platform again;
	int rc = mr_image_write(&facts, &layout, at, &err);

	if (rc < 0) {
		assert(rc == MREG_ELIMIT); /* quoted it is longer */
		assert_told(rc, &err);
		return;
	}
	mr_image_platform_init(&again);
	assert(mr_manifest_parse(at->manifest.data, at->manifest.len,
				 MR_MEDIA_MANIFEST, &m, &err) == 0);
	assert(mr_image_base_layers(BASE, m, a, &again, &err) == 0);
	assert(mr_image_base_config(BASE, at->config.data, at->config.len, a,
				    &again, &err) == 0);
	assert_same(at, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_image_platform at;
	int rc;

	assert(a);
	if (!nul || mr_manifest_parse(data, n, NULL, &m, &err) < 0)
		return 0;
	mr_image_platform_init(&at);
	rc = mr_image_base_layers(BASE, m, a, &at, &err);
	if (rc >= 0) {
		check_layers(m, &at);
		rc = mr_image_base_config(BASE, nul + 1, size - n - 1, a, &at,
					  &err);
	}
	if (rc < 0) {
		assert_told(rc, &err);
	} else {
		check_config(&at);
		check_written(&at, a);
	}
	mr_image_platform_release(&at);
	return 0;
}
