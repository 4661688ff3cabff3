/*
 * tests/support/upload_fixture.c - a blob on its way into the fake registry.
 */
#include "tests/support/upload_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "store/remote.h"

int up_put(struct fx *x)
{
	return fx_put(x, fx_noise(), NOISE_BYTES);
}

bool up_is_there(struct fx *x)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	char *bytes = fakereg_blob(x->f, REPO, fx_text(&d), NULL);

	free(bytes);
	return bytes != NULL;
}

void up_assert_there(struct fx *x)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	size_t n = 0;
	char *bytes = fakereg_blob(x->f, REPO, fx_text(&d), &n);

	assert_non_null(bytes);
	assert_int_equal(n, NOISE_BYTES);
	assert_memory_equal(bytes, fx_noise(), n);
	free(bytes);
}

int up_stream(struct fx *x, size_t told, struct mr_measure *m)
{
	struct mr_stream *src = NULL;

	memset(m, 0, sizeof(*m));
	assert_ok(mr_stream_memory(fx_noise(), NOISE_BYTES, &src, &x->err),
		  x->err);
	return mr_store_put_stream(x->s, src, told, "weights", m, &x->err);
}

void up_fault(struct fx *x, const char *method, const struct fakereg_fault *f)
{
	struct fakereg_fault all = *f;

	all.method = method;
	if (!all.path)
		all.path = strcmp(method, "POST") == 0 ? START : SESSION;
	fakereg_fault(x->f, &all);
}

struct fakereg_seen up_seen(struct fx *x, const char *method, size_t index)
{
	struct fakereg_seen out;

	assert_true(fakereg_get(x->f, method, NULL, index, &out));
	return out;
}

size_t up_count(struct fx *x, const char *method)
{
	return fakereg_count(x->f, method, NULL);
}

void up_open(struct fx *x, struct mr_state *state)
{
	const struct mr_net_opts n = {
		.env = &x->t.env,
		.state = state,
		.user_agent = "mreg-test",
		.plain_http = true,
	};

	mr_store_closep(&x->s);
	mr_net_close(x->net);
	assert_ok(mr_net_open(&n, &x->net, &x->err), x->err);
	assert_ok(mr_remote_open(&x->t.env, x->net, fakereg_host(x->f), REPO,
				 &x->s, &x->err),
		  x->err);
	mr_remote_of(x->s)->resume_min = 1;
	mr_remote_of(x->s)->piece = MIB;
}

void up_profile(struct fx *x, const char *host)
{
	mr_remote_of(x->s)->profile = *mr_profile_of(host);
}
