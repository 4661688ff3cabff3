/*
 * pack.c - many events in one blob, so that a new reader makes a few requests
 * and not thousands (spec/events.md, "Packs").
 *
 * A pack has the events' JSON; a manifest is made again from each line, and
 * whether that is one of the log is for its digest to say.
 */
#include "ledger/ledger.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"

#define ARENA_MAX_BYTES (4u << 20) /* one event, parsed */

int mr_ledger_pack(struct mr_ledger *l, struct mr_buf *out,
		   struct mreg_error *err)
{
	uint64_t next = mr_ledger_next_seq(l);
	size_t i;

	for (i = 0; i < l->count; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (e->seq + MR_PACK_EVERY < next || e->seq >= next ||
		    mr_digest_known(&e->pack))
			continue;
		mr_buf_puts(out, e->json);
		mr_buf_putc(out, '\n');
	}
	return mr_buf_check(out, "pack of events", err);
}

int mr_event_unpack(const char *line, size_t n, struct mr_event_doc *out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(ARENA_MAX_BYTES);
	struct mr_event e = { .seq = 0 };
	const char *json;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	rc = mr_event_read_json(line, n, a, &e, err);
	if (rc < 0)
		return rc;
	json = mr_arena_strndup(a, line, n);
	return json ? mr_event_manifest(&e, json, out, err)
		    : mr_fail_nomem(err);
}
