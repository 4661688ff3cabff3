/*
 * progress.c - what a transfer shows on stderr: a bar for a terminal, lines
 * for a log, JSON for a program.
 *
 * Invariants
 * 1. What is shown never exceeds the plan: a blob counts at most its own size,
 *    however often it was sent.
 * 2. People see nothing of what takes less than SILENT_MS; programs that asked
 *    for events get all of them.
 * 3. A bar that stands on the terminal is known (`drawn`), so that whoever
 *    writes next can have it taken away.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/json.h"

#define SILENT_MS 500
/* With more blobs than this a log gets lines for the large ones only. */
#define LINES_MAX 100
#define LARGE_BYTES (1u << 20)
/* Lines of the silent time; what is more than this is not missed. */
#define HELD_MAX_BYTES (64u << 10)
#define COLUMNS_DEFAULT 80

enum mode {
	MODE_NONE,
	MODE_BAR,
	MODE_PLAIN,
	MODE_JSON,
};

struct cli_progress {
	struct cli_screen screen;
	enum mode mode;
	bool automatic; /* the bar was not asked for by name */
	int64_t born_ms;

	struct cli_tally tally;

	int64_t drawn_ms;
	size_t drawn; /* columns that the bar takes on the terminal; 0: none */

	unsigned int tenth; /* last 10 % that a log was told */
	struct mr_buf held; /* lines of the silent time */
};

static int64_t now(struct cli_progress *p)
{
	return p->screen.mono_ms(p->screen.ctx);
}

/* Spaces, not an escape sequence: every terminal knows them. */
void cli_progress_clear(struct cli_progress *p)
{
	if (!p || !p->drawn)
		return;
	(void)fprintf(p->screen.out, "\r%*s\r", (int)p->drawn, "");
	(void)fflush(p->screen.out);
	p->drawn = 0;
}

static void draw(struct cli_progress *p, int64_t at_ms)
{
	char text[CLI_BAR_BYTES];
	struct cli_bar bar;
	size_t width, used, rest;

	if (at_ms - p->born_ms < SILENT_MS ||
	    at_ms - p->drawn_ms < CLI_REDRAW_MS)
		return;
	p->drawn_ms = at_ms;
	/* Sent to the background since. */
	if (p->automatic && !p->screen.foreground(p->screen.ctx))
		return;
	width = p->screen.columns(p->screen.ctx);
	if (!width)
		width = COLUMNS_DEFAULT;
	cli_tally_bar(&p->tally, at_ms, &bar);
	/* The last column stays free: filling it wraps on some terminals. */
	used = cli_bar_text(&bar, width - 1, text);
	rest = p->drawn < width ? p->drawn : width - 1;
	rest = rest > used ? rest - used : 0;
	(void)fprintf(p->screen.out, "\r%s%*s", text, (int)rest, "");
	(void)fflush(p->screen.out);
	p->drawn = used;
}

/* A line, kept back during the silent time. */
static void say(struct cli_progress *p, int64_t at_ms, const char *text)
{
	if (at_ms - p->born_ms < SILENT_MS) {
		mr_buf_puts(&p->held, text);
		return;
	}
	if (p->held.len)
		(void)fputs(mr_buf_text(&p->held), p->screen.out);
	mr_buf_release(&p->held);
	(void)fputs(text, p->screen.out);
	(void)fflush(p->screen.out);
}

static void say_done(struct cli_progress *p, int64_t at_ms,
		     const struct mreg_progress *e)
{
	char safe[1024];
	char size[32];
	char line[1200];

	if (p->tally.count > LINES_MAX && e->total < LARGE_BYTES)
		return;
	(void)snprintf(line, sizeof(line), "done  %s  %s\n",
		       mr_text_safe(e->label, safe, sizeof(safe)),
		       mr_text_size(e->total, size));
	say(p, at_ms, line);
}

static void say_tenth(struct cli_progress *p, int64_t at_ms)
{
	struct cli_bar bar;
	char size[2][32];
	char line[256];
	unsigned int tenth;

	if (p->tally.count <= LINES_MAX)
		return;
	cli_tally_bar(&p->tally, at_ms, &bar);
	tenth = cli_bar_percent(&bar) / 10;
	if (tenth <= p->tenth)
		return;
	p->tenth = tenth;
	(void)snprintf(line, sizeof(line),
		       "%u%%  %s of %s, %" PRIu64 " of %" PRIu64 " blobs\n",
		       tenth * 10,
		       mr_text_size(bar.done < bar.total ? bar.done : bar.total,
				    size[0]),
		       mr_text_size(bar.total, size[1]), bar.blobs, bar.count);
	say(p, at_ms, line);
}

/* What was there already, in one line at the end. */
static void say_end(struct cli_progress *p, int64_t at_ms)
{
	const struct cli_tally *t = &p->tally;
	uint64_t n = t->reused > t->early ? t->reused - t->early : 0;
	uint64_t sum = t->reused_bytes > t->early_bytes
			       ? t->reused_bytes - t->early_bytes
			       : 0;
	char line[128] = "";
	char size[32];

	if (n)
		(void)snprintf(line, sizeof(line),
			       "reused  %" PRIu64 " blob%s  %s\n", n,
			       n == 1 ? "" : "s", mr_text_size(sum, size));
	say(p, at_ms, line);
	mr_buf_release(&p->held);
	p->tenth = 0;
}

static void put_json(struct cli_progress *p, const struct mreg_progress *e)
{
	char *text = mreg_progress_json(e);

	if (text)
		(void)fprintf(p->screen.out, "%s\n", text);
	(void)fflush(p->screen.out);
	free(text);
}

static void put_pending(struct cli_progress *p, struct cli_blob *b,
			int64_t at_ms)
{
	struct mreg_progress e = {
		.kind = MREG_PROGRESS_BYTES,
		.label = b->label,
		.bytes = b->pending,
		.total = b->total,
	};

	if (!b->pending)
		return;
	b->pending = 0;
	b->told_ms = at_ms;
	put_json(p, &e);
}

/* Before `take`: what ends a blob also forgets what it has pending. */
static void tell_json(struct cli_progress *p, const struct mreg_progress *e,
		      int64_t at_ms)
{
	struct cli_blob *b = cli_tally_find(&p->tally, e->label);
	size_t i;

	if (e->kind == MREG_PROGRESS_BYTES) {
		if (!b)
			b = cli_tally_add(&p->tally, e->label, e->total);
		if (!b)
			return;
		b->pending += e->bytes;
		if (!b->told_ms || at_ms - b->told_ms >= CLI_REDRAW_MS)
			put_pending(p, b, at_ms);
		return;
	}
	if (e->kind == MREG_PROGRESS_END || e->kind == MREG_PROGRESS_PLAN)
		for (i = 0; i < p->tally.blob_count; i++)
			put_pending(p, &p->tally.blobs[i], at_ms);
	else if (b)
		put_pending(p, b, at_ms);
	put_json(p, e);
}

static int pick_mode(struct cli_progress *p, const char *mode, bool quiet,
		     bool json, struct mreg_error *err)
{
	static const char *const names[] = { "auto", "bar",  "plain",
					     "json", "none", NULL };
	static const enum mode modes[] = { MODE_NONE, MODE_BAR, MODE_PLAIN,
					   MODE_JSON, MODE_NONE };
	char safe[64];
	size_t i = 0;

	if (mode && mode[0])
		while (names[i] && strcmp(names[i], mode) != 0)
			i++;
	if (!names[i]) {
		(void)mr_fail(err, MREG_EUSAGE, "progress cannot be '%s'",
			      mr_text_safe(mode, safe, sizeof(safe)));
		return mr_hint(err, "one of auto, bar, plain, json or none");
	}
	p->mode = modes[i];
	p->automatic = i == 0;
	if (quiet)
		p->mode = MODE_NONE;
	else if (p->automatic && !json)
		p->mode = p->screen.foreground(p->screen.ctx) ? MODE_BAR
							      : MODE_PLAIN;
	return 0;
}

int cli_progress_new_on(const struct cli_screen *s, const char *mode,
			bool quiet, bool json, struct cli_progress **out,
			struct mreg_error *err)
{
	struct cli_progress *p = mr_zalloc(sizeof(*p));
	int rc;

	if (!p)
		return mr_fail_nomem(err);
	p->screen = *s;
	mr_buf_init(&p->held, HELD_MAX_BYTES);
	rc = pick_mode(p, mode, quiet, json, err);
	if (rc < 0) {
		mr_release(p);
		return rc;
	}
	p->born_ms = now(p);
	p->drawn_ms = p->born_ms - CLI_REDRAW_MS;
	*out = p;
	return 0;
}

static int64_t screen_mono_ms(void *ctx)
{
	struct timespec t;

	(void)ctx;
	/* Cannot fail: Linux always has this clock. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t screen_columns(void *ctx)
{
	struct winsize w;

	(void)ctx;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0 ? 0 : w.ws_col;
}

static bool screen_foreground(void *ctx)
{
	const char *term = getenv("TERM");

	(void)ctx;
	return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0) &&
	       tcgetpgrp(STDERR_FILENO) == getpgrp();
}

int cli_progress_new(const char *mode, bool quiet, bool json,
		     struct cli_progress **out, struct mreg_error *err)
{
	const struct cli_screen s = {
		.out = stderr,
		.mono_ms = screen_mono_ms,
		.columns = screen_columns,
		.foreground = screen_foreground,
	};

	return cli_progress_new_on(&s, mode, quiet, json, out, err);
}

void cli_progress_free(struct cli_progress *p)
{
	if (!p)
		return;
	cli_progress_clear(p);
	cli_tally_release(&p->tally);
	mr_buf_release(&p->held);
	mr_release(p);
}

void cli_progress_event(struct cli_progress *p, const struct mreg_progress *e)
{
	int64_t at_ms;

	if (!p || p->mode == MODE_NONE)
		return;
	at_ms = now(p);
	if (p->mode == MODE_JSON)
		tell_json(p, e, at_ms);
	if (p->mode == MODE_PLAIN && e->kind == MREG_PROGRESS_END)
		say_end(p, at_ms);
	cli_tally_take(&p->tally, e, at_ms);
	if (e->kind == MREG_PROGRESS_END) {
		cli_progress_clear(p);
	} else if (p->mode == MODE_BAR) {
		draw(p, at_ms);
	} else if (p->mode == MODE_PLAIN) {
		if (e->kind == MREG_PROGRESS_PLAN)
			p->tenth = 0;
		if (e->kind == MREG_PROGRESS_DONE)
			say_done(p, at_ms, e);
		say_tenth(p, at_ms);
	}
}
