/*
 * tests/support/remote_fixture.c - a fake registry, a session and a store
 * over one of its repositories.
 */
#include "tests/support/remote_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

void fx_isolate(const char *dir)
{
	(void)setenv("HOME", dir, 1);
	(void)setenv("DOCKER_CONFIG", dir, 1);
	(void)unsetenv("DOCKER_AUTH_CONFIG");
	(void)unsetenv("MREG_DOCKER_CONFIG_JSON");
	(void)unsetenv("REGISTRY_AUTH_FILE");
	(void)unsetenv("XDG_RUNTIME_DIR");
	(void)unsetenv("XDG_CONFIG_HOME");
}

static void start(struct fx *x, const struct fakereg_opts *o,
		  const char *username, const char *password)
{
	const struct mr_net_opts n = {
		.env = &x->t.env,
		.user_agent = "mreg-test",
		.plain_http = true,
		.username = username,
		.password = password,
	};

	x->f = fakereg_start(o);
	assert_non_null(x->f);
	assert_ok(mr_net_open(&n, &x->net, &x->err), x->err);
	assert_ok(mr_remote_open(&x->t.env, x->net, fakereg_host(x->f), REPO,
				 &x->s, &x->err),
		  x->err);
}

static void stop(struct fx *x)
{
	mr_store_closep(&x->s);
	mr_net_close(x->net);
	x->net = NULL;
	fakereg_stop(x->f);
	x->f = NULL;
}

void fx_restart(struct fx *x, const struct fakereg_opts *o,
		const char *username, const char *password)
{
	stop(x);
	start(x, o, username, password);
}

int fx_setup(void **state)
{
	struct fx *x = mr_zalloc(sizeof(*x));

	assert_non_null(x);
	test_env_init(&x->t);
	*state = x;
	start(x, NULL, NULL, NULL);
	return 0;
}

int fx_teardown(void **state)
{
	struct fx *x = *state;

	stop(x);
	test_env_release(&x->t);
	mr_release(x);
	return 0;
}

const char *fx_noise(void)
{
	static char noise[NOISE_BYTES];
	uint32_t seed = 12345;
	size_t i;

	for (i = 0; i < sizeof(noise) && !noise[sizeof(noise) - 1]; i++) {
		seed = seed * 1664525u + 1013904223u;
		noise[i] = (char)(seed >> 24 | 1);
	}
	return noise;
}

struct mreg_desc fx_desc(const void *bytes, size_t n)
{
	struct mreg_desc d = { .media_type = MR_MEDIA_OCTETS, .size = n };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_digest_of(bytes, n, &d.digest, &err), err);
	return d;
}

const char *fx_text(const struct mreg_desc *d)
{
	static char texts[4][MREG_DIGEST_TEXT];
	static unsigned int next;

	return mreg_digest_text(&d->digest, texts[next++ % 4]);
}

const char *fx_manifest(const struct mreg_desc *layer, struct mreg_desc *desc)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_MANIFEST
		 "\",\"config\":{\"mediaType\":\"" MR_MEDIA_EMPTY
		 "\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":"
		 "\"" MR_MEDIA_OCTETS "\",\"digest\":\"%s\",\"size\":%llu}]}",
		 fx_text(&mr_empty_desc), fx_text(layer),
		 (unsigned long long)layer->size);
	*desc = fx_desc(text, strlen(text));
	snprintf(desc->media_type, sizeof(desc->media_type), "%s",
		 MR_MEDIA_MANIFEST);
	return text;
}

long fx_read(struct fx *x, const struct mreg_desc *d, struct mr_buf *out)
{
	struct mr_stream *in;
	int rc;

	rc = mr_store_open(x->s, d, &in, &x->err);
	if (rc < 0)
		return rc;
	rc = mr_stream_load(in, out, &x->err);
	mr_stream_close(in);
	return rc < 0 ? rc : (long)out->len;
}

int fx_put(struct fx *x, const void *bytes, size_t n)
{
	const struct mreg_desc d = fx_desc(bytes, n);
	struct mr_store *from = NULL;
	int rc;

	assert_ok(mr_memory_open(&x->t.env, &from, &x->err), x->err);
	assert_ok(mr_store_put_bytes(from, &d, bytes, &x->err), x->err);
	rc = mr_store_put(x->s, &d, from, "weights", &x->err);
	mr_store_close(from);
	return rc;
}
