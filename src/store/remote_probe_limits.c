/*
 * remote_probe_limits.c - what a registry is known to take: nothing is asked.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/probe_wire.h"

#define FOUND_MAX_BYTES 1024

/* One limit and where it comes from; 0 and UINT64_MAX: none of this kind. */
struct source {
	uint64_t bytes;
	const char *why;
};

/* The first that is there; false: none is. */
static bool put_first(struct mr_buf *b, const char *what,
		      const struct source *sources, size_t n)
{
	char size[32];
	size_t i;

	mr_buf_printf(b, "%s: ", what);
	for (i = 0; i < n; i++) {
		if (!sources[i].bytes)
			continue;
		mr_buf_printf(b, "at most %s (%s)",
			      mr_text_size(sources[i].bytes, size),
			      sources[i].why);
		return true;
	}
	mr_buf_puts(b, "no limit is known");
	return false;
}

static uint64_t lesson(struct mr_remote *r, enum mr_lesson which)
{
	uint64_t bytes;

	return mr_remote_lesson(r, which, &bytes) ? bytes : 0;
}

/* Settings over lessons over what is published, as in remote_profile.c. */
void mr_probe_limits(struct mr_store *s, struct mr_probe *out)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(FOUND_MAX_BYTES);
	struct mr_remote *r = mr_remote_of(s);
	const struct mr_profile *p = &r->profile;
	const struct source layer[] = {
		{ r->layer_limit, "set by limit.layer" },
		{ lesson(r, MR_LESSON_LAYER), "it refused a larger one" },
		{ p->layer_max, p->title },
	};
	const struct source request[] = {
		{ r->request_limit, "set by limit.request" },
		{ lesson(r, MR_LESSON_REQUEST), "it refused a larger one" },
		{ p->request_max, p->title },
	};
	const struct source part[] = {
		{ lesson(r, MR_LESSON_CHUNK), "it refused a larger one" },
		{ p->chunk_max, p->title },
	};
	char size[32];
	bool known = put_first(&b, "a file", layer, MR_COUNT(layer));

	if (!known && p->layer_doubt)
		mr_buf_printf(&b, ", but %s take none above %s", p->title,
			      mr_text_size(p->layer_doubt, size));
	mr_buf_puts(&b, "; ");
	known = put_first(&b, "a request", request, MR_COUNT(request)) || known;
	if (part[0].bytes || part[1].bytes) {
		mr_buf_puts(&b, "; ");
		known = put_first(&b, "a part of an upload", part,
				  MR_COUNT(part));
	}
	mr_probe_say(out, known ? MR_CAN_YES : MR_CAN_UNKNOWN, "%s",
		     mr_buf_text(&b));
}
