/*
 * read.c - streams that know where they read from, and how far they are.
 */
#include "store/internal.h"

#include "base/error.h"
#include "base/mem.h"

struct named {
	struct mr_stream base;
	struct mr_stream *src;  /* owned */
	struct mr_store *store; /* borrowed */
	struct mreg_digest digest;
};

struct counted {
	struct mr_stream base;
	struct mr_stream *src; /* owned */
	struct mr_env *env;    /* borrowed */
	char *label;           /* owned */
};

static ssize_t named_read(struct mr_stream *s, void *buf, size_t n,
			  struct mreg_error *err)
{
	struct named *d = mr_container_of(s, struct named, base);
	ssize_t got = mr_stream_read(d->src, buf, n, err);

	if (got >= 0)
		return got;
	return mr_store_explain(d->store, "cannot read", &d->digest, (int)got,
				err);
}

static void named_close(struct mr_stream *s)
{
	struct named *d = mr_container_of(s, struct named, base);

	mr_stream_close(d->src);
	mr_release(d);
}

static const struct mr_stream_ops named_ops = {
	.read = named_read,
	.close = named_close,
};

int mr_stream_name(struct mr_stream *src, struct mr_store *s,
		   const struct mreg_desc *d, struct mr_stream **out,
		   struct mreg_error *err)
{
	struct named *named = mr_zalloc(sizeof(*named));

	if (!named) {
		mr_stream_close(src);
		return mr_fail_nomem(err);
	}
	named->base.ops = &named_ops;
	named->src = src;
	named->store = s;
	named->digest = d->digest;
	*out = &named->base;
	return 0;
}

static ssize_t counted_read(struct mr_stream *s, void *buf, size_t n,
			    struct mreg_error *err)
{
	struct counted *c = mr_container_of(s, struct counted, base);
	ssize_t got = mr_stream_read(c->src, buf, n, err);

	if (got > 0)
		mr_progress_bytes(c->env, c->label, (uint64_t)got);
	return got;
}

static void counted_close(struct mr_stream *s)
{
	struct counted *c = mr_container_of(s, struct counted, base);

	mr_stream_close(c->src);
	mr_release(c->label);
	mr_release(c);
}

static const struct mr_stream_ops counted_ops = {
	.read = counted_read,
	.close = counted_close,
};

int mr_stream_progress(struct mr_stream *src, struct mr_env *env,
		       const char *label, struct mr_stream **out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *owned = src;
	MR_AUTO(mr_free) struct counted *c = NULL;

	if (!label) {
		*out = mr_steal(&owned);
		return 0;
	}
	c = mr_zalloc(sizeof(*c));
	if (!c)
		return mr_fail_nomem(err);
	c->label = mr_strdup(label);
	if (!c->label)
		return mr_fail_nomem(err);
	c->base.ops = &counted_ops;
	c->src = mr_steal(&owned);
	c->env = env;
	*out = &c->base;
	c = NULL;
	return 0;
}
