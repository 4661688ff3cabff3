/*
 * progress_rig.c - progress on a screen and a clock of ours.
 */
#include "tests/support/progress_rig.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/test.h"

static int64_t rig_now(void *ctx)
{
	return ((struct rig *)ctx)->at_ms;
}

static size_t rig_columns(void *ctx)
{
	return ((struct rig *)ctx)->width;
}

static bool rig_foreground(void *ctx)
{
	return ((struct rig *)ctx)->foreground;
}

int rig_new(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->at_ms = 1000;
	r->width = 100;
	r->foreground = true;
	r->out = open_memstream(&r->text, &r->len);
	assert_non_null(r->out);
	*state = r;
	return 0;
}

int rig_free(void **state)
{
	struct rig *r = *state;

	cli_progress_free(r->progress);
	(void)fclose(r->out);
	free(r->text);
	free(r);
	return 0;
}

int rig_try_begin(struct rig *r, const char *mode, bool quiet, bool json,
		  struct mreg_error *err)
{
	const struct cli_screen s = {
		.ctx = r,
		.out = r->out,
		.mono_ms = rig_now,
		.columns = rig_columns,
		.foreground = rig_foreground,
	};

	return cli_progress_new_on(&s, mode, quiet, json, &r->progress, err);
}

void rig_begin(struct rig *r, const char *mode, bool quiet, bool json)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(rig_try_begin(r, mode, quiet, json, &err), err);
}

void rig_tell(struct rig *r, enum mreg_progress_kind kind, const char *label,
	      uint64_t bytes, uint64_t total, uint64_t count)
{
	const struct mreg_progress e = {
		.kind = kind,
		.label = label,
		.bytes = bytes,
		.total = total,
		.count = count,
	};

	cli_progress_event(r->progress, &e);
}

void rig_plan(struct rig *r, uint64_t total, uint64_t count)
{
	rig_tell(r, MREG_PROGRESS_PLAN, "", 0, total, count);
}

void rig_start(struct rig *r, const char *label, uint64_t total)
{
	rig_tell(r, MREG_PROGRESS_START, label, 0, total, 1);
}

void rig_bytes(struct rig *r, const char *label, uint64_t n)
{
	rig_tell(r, MREG_PROGRESS_BYTES, label, n, 0, 0);
}

void rig_done(struct rig *r, const char *label, uint64_t total)
{
	rig_tell(r, MREG_PROGRESS_DONE, label, 0, total, 1);
}

void rig_reused(struct rig *r, const char *label, uint64_t total)
{
	rig_tell(r, MREG_PROGRESS_REUSED, label, 0, total, 1);
}

void rig_end(struct rig *r)
{
	rig_tell(r, MREG_PROGRESS_END, "", 0, 0, 0);
}

const char *rig_shown(struct rig *r)
{
	(void)fflush(r->out);
	return r->text ? r->text : "";
}

/* What was written since the last call. */
const char *rig_since(struct rig *r, size_t *from)
{
	const char *text = rig_shown(r) + *from;

	*from = r->len;
	return text;
}

size_t rig_times(const char *text, const char *needle)
{
	size_t n = 0;

	for (; (text = strstr(text, needle)); text++)
		n++;
	return n;
}
