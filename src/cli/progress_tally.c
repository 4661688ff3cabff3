/*
 * progress_tally.c - adding up what a transfer tells: blobs under way, bytes,
 * and how fast they come.
 */
#include "cli/progress.h"

#include <string.h>

#include "base/mem.h"

struct cli_blob *cli_tally_find(struct cli_tally *t, const char *label)
{
	size_t i;

	for (i = 0; i < t->blob_count; i++)
		if (strcmp(t->blobs[i].label, label) == 0)
			return &t->blobs[i];
	return NULL;
}

struct cli_blob *cli_tally_add(struct cli_tally *t, const char *label,
			       uint64_t total)
{
	char *copy = mr_strdup(label);
	void *blobs = t->blobs;
	struct cli_blob *b;

	if (!copy || mr_grow(&blobs, &t->blob_cap, t->blob_count + 1,
			     sizeof(*t->blobs)) < 0) {
		mr_release(copy);
		return NULL;
	}
	t->blobs = blobs;
	b = &t->blobs[t->blob_count++];
	memset(b, 0, sizeof(*b));
	b->label = copy;
	b->total = total;
	return b;
}

static void remove_blob(struct cli_tally *t, struct cli_blob *b)
{
	size_t i = (size_t)(b - t->blobs);

	mr_release(b->label);
	t->blob_count--;
	memmove(b, b + 1, (t->blob_count - i) * sizeof(*b));
}

static void set_phase(struct cli_tally *t, const char *label)
{
	mr_free(&t->phase);
	if (label)
		t->phase = mr_strdup(label);
}

static void forget(struct cli_tally *t)
{
	while (t->blob_count)
		remove_blob(t, &t->blobs[t->blob_count - 1]);
	set_phase(t, NULL);
	t->total = t->count = 0;
	t->finished = t->done = 0;
}

void cli_tally_release(struct cli_tally *t)
{
	forget(t);
	mr_free(&t->blobs);
	t->blob_cap = 0;
}

static void take_sample(struct cli_tally *t, int64_t at_ms)
{
	size_t last = (t->sample_count + CLI_SAMPLES - 1) % CLI_SAMPLES;

	if (t->sample_count && at_ms - t->samples[last].at_ms < CLI_REDRAW_MS)
		return;
	t->samples[t->sample_count % CLI_SAMPLES].at_ms = at_ms;
	t->samples[t->sample_count % CLI_SAMPLES].moved = t->moved;
	t->sample_count++;
}

/* Bytes a second since the newest sample that is CLI_RATE_MS old, or since
 * the oldest one. */
static uint64_t rate(const struct cli_tally *t, int64_t at_ms)
{
	size_t have =
		t->sample_count < CLI_SAMPLES ? t->sample_count : CLI_SAMPLES;
	const struct cli_sample *from = NULL;
	size_t i;

	for (i = t->sample_count - have; i < t->sample_count; i++) {
		const struct cli_sample *s = &t->samples[i % CLI_SAMPLES];

		if (!from || s->at_ms <= at_ms - CLI_RATE_MS)
			from = s;
	}
	if (!from || at_ms - from->at_ms < CLI_REDRAW_MS)
		return 0;
	return (t->moved - from->moved) * 1000 /
	       (uint64_t)(at_ms - from->at_ms);
}

static void take_plan(struct cli_tally *t, const struct mreg_progress *e)
{
	forget(t);
	t->plans++;
	t->total = e->total;
	t->count = e->count;
	t->sample_count = 0;
}

static void take_bytes(struct cli_tally *t, const struct mreg_progress *e)
{
	struct cli_blob *b = cli_tally_find(t, e->label);
	uint64_t room;

	t->moved += e->bytes;
	if (!b)
		return; /* a document that no plan counts */
	room = b->total - b->moved;
	b->hashing = false;
	b->moved += e->bytes < room ? e->bytes : room;
}

/* A running blob that is hashed again has to be sent again. */
static void take_phase(struct cli_tally *t, const struct mreg_progress *e)
{
	struct cli_blob *b = cli_tally_find(t, e->label);

	if (b) {
		b->hashing = true;
		b->moved = 0;
	}
	set_phase(t, b ? NULL : e->label);
}

static void take_done(struct cli_tally *t, const struct mreg_progress *e)
{
	struct cli_blob *b = cli_tally_find(t, e->label);

	/* A second plan repairs the first: it finds there what that sent. */
	if (e->kind == MREG_PROGRESS_REUSED && t->plans < 2) {
		t->reused++;
		t->reused_bytes += e->total;
	}
	if (e->kind == MREG_PROGRESS_DONE && t->plans == 0) {
		t->early++;
		t->early_bytes += e->total;
	}
	/* What was there before anything began is not in the plan. */
	if (b || e->kind == MREG_PROGRESS_DONE) {
		t->finished += b ? b->total : e->total;
		t->done++;
	}
	if (b)
		remove_blob(t, b);
}

void cli_tally_take(struct cli_tally *t, const struct mreg_progress *e,
		    int64_t at_ms)
{
	switch (e->kind) {
	case MREG_PROGRESS_PLAN:
		take_plan(t, e);
		break;
	case MREG_PROGRESS_START:
		/* Without memory it is not shown until it is done. */
		(void)cli_tally_add(t, e->label, e->total);
		break;
	case MREG_PROGRESS_BYTES:
		take_bytes(t, e);
		break;
	case MREG_PROGRESS_PHASE:
		take_phase(t, e);
		break;
	case MREG_PROGRESS_DONE:
	case MREG_PROGRESS_REUSED:
		take_done(t, e);
		break;
	case MREG_PROGRESS_END:
		forget(t);
		t->plans = 0;
		t->reused = t->reused_bytes = 0;
		t->early = t->early_bytes = 0;
		break;
	}
	take_sample(t, at_ms);
}

void cli_tally_bar(const struct cli_tally *t, int64_t at_ms,
		   struct cli_bar *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	out->planned = t->plans > 0;
	out->total = t->total;
	out->count = t->count;
	out->blobs = t->done;
	out->rate = rate(t, at_ms);
	out->done = t->finished;
	for (i = 0; i < t->blob_count; i++)
		out->done += t->blobs[i].moved;
	if (t->blob_count) {
		out->label = t->blobs[0].label;
		out->hashing = t->blobs[0].hashing;
	} else if (t->phase) {
		out->label = t->phase;
		out->hashing = true;
	}
}
