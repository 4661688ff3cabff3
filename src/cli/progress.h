/*
 * cli/progress.h - what progress.c and progress_bar.c share, and what tests
 * put in the place of terminal and clock; private to src/cli.
 */
#ifndef MR_CLI_PROGRESS_H
#define MR_CLI_PROGRESS_H

#include "cli/cli.h"

/* Where progress is shown. */
struct cli_screen {
	void *ctx; /* borrowed; first argument of what follows */
	FILE *out; /* borrowed */
	int64_t (*mono_ms)(void *ctx); /* never goes back */
	size_t (*columns)(void *ctx);  /* of the terminal now; 0: not known */
	/* A terminal that can go back to the start of a line, and we are the
	 * job it listens to: one in the background that wrote would be stopped
	 * where `stty tostop` is set. */
	bool (*foreground)(void *ctx);
};

/* As cli_progress_new; `s` is copied. */
int cli_progress_new_on(const struct cli_screen *s, const char *mode,
			bool quiet, bool json, struct cli_progress **out,
			struct mreg_error *err);

/* A redraw, and an event about one label, at most every so often. */
#define CLI_REDRAW_MS 100
/* What the rate is taken over. */
#define CLI_RATE_MS 5000
/* They are CLI_REDRAW_MS apart at least, so this reaches beyond CLI_RATE_MS. */
#define CLI_SAMPLES 64

/* One that has begun and is not complete. */
struct cli_blob {
	char *label;      /* owned */
	uint64_t total;   /* bytes */
	uint64_t moved;   /* bytes, at most `total` */
	uint64_t pending; /* bytes that no JSON event has told yet */
	int64_t told_ms;  /* when the last JSON event did; 0: none did */
	bool hashing;
};

struct cli_sample {
	int64_t at_ms;
	uint64_t moved;
};

/* What the events so far add up to; zeroed to begin. */
struct cli_tally {
	unsigned int plans;      /* one, and one for each repair */
	uint64_t total, count;   /* the plan's bytes and blobs */
	uint64_t finished, done; /* bytes and number of complete blobs */
	struct cli_blob *blobs;  /* owned; the running ones, oldest first */
	size_t blob_count, blob_cap;
	char *phase; /* owned; what is hashed without being moved, or NULL */
	uint64_t reused, reused_bytes;
	/* Complete before there was a plan, which will find them there. */
	uint64_t early, early_bytes;
	uint64_t moved; /* bytes in all, those of broken attempts too */
	struct cli_sample samples[CLI_SAMPLES];
	size_t sample_count; /* ever */
};

struct cli_bar;

void cli_tally_take(struct cli_tally *t, const struct mreg_progress *e,
		    int64_t at_ms);
void cli_tally_release(struct cli_tally *t);
/* Labels are borrowed from the tally. */
void cli_tally_bar(const struct cli_tally *t, int64_t at_ms,
		   struct cli_bar *out);
/* Borrowed until the next event; NULL: none of that name, or no memory. */
struct cli_blob *cli_tally_find(struct cli_tally *t, const char *label);
struct cli_blob *cli_tally_add(struct cli_tally *t, const char *label,
			       uint64_t total);

/* One state of the bar. */
struct cli_bar {
	bool planned;          /* else only `label` is known */
	uint64_t done, total;  /* bytes; `done` above `total` shows as 100 % */
	uint64_t blobs, count; /* complete ones, of so many */
	uint64_t rate;         /* bytes a second; 0: not known */
	const char *label;     /* of a running blob, as it came; NULL: none */
	bool hashing;          /* that one is read, not moved */
};

/* Room for any bar. */
#define CLI_BAR_BYTES 1024

/* Whole per cent; 100 only when every blob is complete. */
unsigned int cli_bar_percent(const struct cli_bar *b);

/* The bar in at most `width` columns of text that is safe to show; returns
 * the columns it takes. */
size_t cli_bar_text(const struct cli_bar *b, size_t width,
		    char out[CLI_BAR_BYTES]);

#endif
