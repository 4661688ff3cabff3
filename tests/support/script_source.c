/*
 * script_source.c - streams that wait, stop and break off as they are told.
 */
#include "tests/support/script_source.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define PATIENCE_MS 60000

struct script {
	struct mr_stream base;
	struct script_source *source;
	uint64_t at, end, start;
	bool breaks, broke;
};

static struct script_source *source_of(struct mr_store *s)
{
	return mr_container_of(s, struct script_source, base);
}

static bool must_wait(const struct script_source *src, const struct script *in)
{
	if (in->at - in->start < src->hold_at)
		return false;
	if (in->start == 0 && src->opened < src->hold_for)
		return true;
	return src->break_others && !src->broken && !in->breaks;
}

/* Under the lock: wait until it is this stream's turn, or too long. */
static void hold(struct script_source *src, const struct script *in)
{
	int64_t waited_ms = 0;

	while (must_wait(src, in) && waited_ms < PATIENCE_MS &&
	       !mr_cancelled(src->base.env)) {
		mr_signal_wait_ms(&src->changed, &src->lock, 100);
		waited_ms += 100;
	}
}

static ssize_t script_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct script *in = mr_container_of(s, struct script, base);
	struct script_source *src = in->source;

	if (n > SCRIPT_READ_BYTES)
		n = SCRIPT_READ_BYTES;
	if (n > in->end - in->at)
		n = (size_t)(in->end - in->at);
	mr_lock_enter(&src->lock);
	hold(src, in);
	if (src->slow)
		src->clock_ms += SCRIPT_READ_MS;
	src->handed_out += n;
	mr_lock_leave(&src->lock);
	if (in->breaks && in->at - in->start >= src->break_after) {
		in->broke = true;
		mr_lock_enter(&src->lock);
		src->broken = true;
		mr_signal_all(&src->changed);
		mr_lock_leave(&src->lock);
		if (src->cancel_at_break)
			atomic_store(src->cancel_at_break, true);
		return mr_fail(err, (enum mreg_code)src->break_code,
			       "the line is dead");
	}
	memcpy(buf, src->data + in->at, n);
	in->at += n;
	return (ssize_t)n;
}

static void script_close(struct mr_stream *s)
{
	struct script *in = mr_container_of(s, struct script, base);

	mr_lock_enter(&in->source->lock);
	in->source->open--;
	/* A leg that was slow asks again: then that one breaks. */
	if (in->breaks && !in->broke)
		in->source->breaks++;
	mr_lock_leave(&in->source->lock);
	mr_release(in);
}

static const struct mr_stream_ops script_ops = {
	.read = script_read,
	.close = script_close,
};

static int source_open(struct mr_store *s, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	struct script *in = mr_zalloc(sizeof(*in));
	struct script_source *src = source_of(s);

	(void)d;
	if (!in)
		return mr_fail_nomem(err);
	in->base.ops = &script_ops;
	in->source = src;
	in->at = in->start = offset;
	in->end = offset + length;
	mr_lock_enter(&src->lock);
	if (src->opened < SCRIPT_STREAMS_MAX)
		src->asked[src->opened++] =
			(struct mr_span){ .start = offset, .end = in->end };
	if (++src->open > src->most_open)
		src->most_open = src->open;
	if (src->no_range && offset > 0)
		src->ranges = false;
	if (src->breaks > 0 && src->break_others == (offset > 0)) {
		src->breaks--;
		in->breaks = true;
	}
	mr_signal_all(&src->changed);
	mr_lock_leave(&src->lock);
	*out = &in->base;
	return 0;
}

static bool source_ranges(struct mr_store *s)
{
	struct script_source *src = source_of(s);
	bool ranges;

	mr_lock_enter(&src->lock);
	ranges = src->ranges;
	mr_lock_leave(&src->lock);
	return ranges;
}

static int source_has(struct mr_store *s, const struct mreg_desc *d,
		      bool *found, struct mreg_error *err)
{
	(void)s;
	(void)d;
	(void)err;
	*found = true;
	return 0;
}

static void source_free(struct mr_store *s)
{
	(void)s; /* in the fixture */
}

static const struct mr_store_ops source_ops = {
	.kind = "script",
	.has = source_has,
	.open = source_open,
	.ranges = source_ranges,
	.free = source_free,
};

void script_source_init(struct script_source *s, struct mr_env *env, char *name,
			const char *data)
{
	mr_lock_init(&s->lock);
	mr_signal_init(&s->changed);
	s->base.ops = &source_ops;
	s->base.env = env;
	s->base.name = name;
	s->data = data;
	s->ranges = true;
}

void script_source_release(struct script_source *s)
{
	mr_signal_release(&s->changed);
	mr_lock_release(&s->lock);
}

int64_t script_source_ms(struct script_source *s)
{
	int64_t ms;

	mr_lock_enter(&s->lock);
	ms = s->clock_ms;
	mr_lock_leave(&s->lock);
	return ms;
}
