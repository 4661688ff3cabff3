/*
 * tests/support/fakereg_blob.c - blobs out of the fake registry: ranges,
 * redirects, signed addresses.
 */
#include "tests/support/fakereg_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send_range(struct fake_call *x, const struct fake_blob *b)
{
	const char *range = fake_header(x->c, "Range");
	unsigned long long first = 0, last = 0;
	int n = sscanf(range, "bytes=%llu-%llu", &first, &last);

	fake_set(x->a, "Content-Type", "application/octet-stream");
	fake_set_digest(x, b->digest);
	x->a->status = 200;
	if (n < 1 || strcmp(x->rq->method, "GET") != 0 || x->f->o.no_range ||
	    (x->fault && x->fault->ignore_range)) {
		x->a->bytes = b->data;
		x->a->bytes_len = b->len;
		return;
	}
	if (n == 1 || last >= b->len)
		last = b->len ? b->len - 1 : 0;
	if (first >= b->len || last < first) {
		fake_error(x->a, 416, "RANGE_INVALID", "no such range", NULL);
		return;
	}
	x->a->status = 206;
	fake_set(x->a, "Content-Range", "bytes %llu-%llu/%zu", first, last,
		 b->len);
	x->a->bytes = b->data + first;
	x->a->bytes_len = (size_t)(last - first + 1);
}

static unsigned int sign(struct fakereg *f)
{
	struct fake_sign *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->id = ++f->counter;
	if (f->o.sign_ms)
		s->until_ms = fake_now_ms() + f->o.sign_ms;
	s->next = f->signs;
	f->signs = s;
	return s->id;
}

static void send_elsewhere(struct fake_call *x)
{
	const struct fakereg_opts *o = &x->f->o;

	x->a->status = o->redirect_status ? (int)o->redirect_status : 307;
	fake_set(x->a, "Location", "http://%s%s?hops=%u&sig=a%%2Fb%u&method=%s",
		 x->f->elsewhere, x->rq->path, o->redirect_hops, sign(x->f),
		 x->rq->method);
}

/* What storage says of an address that is not, or no longer, signed for
 * this. */
static void refuse(struct fake_call *x)
{
	x->a->status = 403;
	fake_set(x->a, "Content-Type", "application/xml");
	fake_printf(&x->a->body,
		    "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"
		    "<Message>Request has expired</Message></Error>");
}

/* Whether the address of this request is good; false: answered. */
static bool signed_for(struct fake_call *x)
{
	const struct fakereg_opts *o = &x->f->o;
	struct fake_sign *s = x->f->signs;
	char text[64];
	unsigned long id, hops;

	(void)fake_param(x->rq->query, "sig", 0, text, sizeof(text));
	id = strncmp(text, "a/b", 3) == 0 ? strtoul(text + 3, NULL, 10) : 0;
	while (s && s->id != id)
		s = s->next;
	(void)fake_param(x->rq->query, "method", 0, text, sizeof(text));
	if (!s || strcmp(text, x->rq->method) != 0 ||
	    (s->until_ms && fake_now_ms() >= s->until_ms)) {
		refuse(x);
		return false;
	}
	(void)fake_param(x->rq->query, "hops", 0, text, sizeof(text));
	hops = strtoul(text, NULL, 10);
	if (hops > 0) {
		x->a->status = 307;
		fake_set(x->a, "Location",
			 "http://%s%s?hops=%lu&sig=a%%2Fb%u&method=%s",
			 x->f->elsewhere, x->rq->path, hops - 1, s->id,
			 x->rq->method);
		return false;
	}
	if (o->sign_uses && s->uses++ >= o->sign_uses) {
		refuse(x);
		return false;
	}
	return true;
}

void fake_get_blob(struct fake_call *x, const char *digest)
{
	const struct fakereg_opts *o = &x->f->o;
	struct fake_repo *r = fake_repo_get(x->f, x->repo, false);
	struct fake_blob *b = r ? fake_blob_find(r->blobs, digest) : NULL;

	if (!b)
		fake_error(x->a, 404, "BLOB_UNKNOWN",
			   "blob unknown to registry", digest);
	else if (o->redirect_blobs && !x->rq->elsewhere &&
		 !(o->redirect_unranged && fake_header(x->c, "Range")[0]))
		send_elsewhere(x);
	else if (!x->rq->elsewhere || !o->redirect_blobs || signed_for(x))
		send_range(x, b);
}

void fake_signs_free(struct fakereg *f)
{
	struct fake_sign *s;

	while ((s = f->signs) != NULL) {
		f->signs = s->next;
		free(s);
	}
}
