/*
 * progress_bar.c - the one line that a terminal shows while bytes move.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

#define GRAPH_COLUMNS 16
/* Below this the drawing goes first, then what else does not fit. */
#define GRAPH_FROM 72
/* A name cut shorter than this says nothing. */
#define LABEL_MIN 8
#define ETA_MAX_S (100u * 3600u)

/* A line in the making. */
struct line {
	char *out;
	size_t len;     /* bytes */
	size_t columns; /* taken */
	size_t width;   /* columns there are */
};

/* Columns of one byte of UTF-8.  Everything from U+1000 on counts as wide:
 * too narrow a line does no harm, one that breaks cannot be taken back. */
static size_t columns_of(unsigned char c)
{
	return (c & 0xc0) == 0x80 ? 0 : c >= 0xe1 ? 2 : 1;
}

static size_t columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += columns_of((unsigned char)*s);
	return n;
}

/* A piece is there whole or not at all. */
static bool add(struct line *l, const char *text)
{
	size_t n = strlen(text);
	size_t wide = columns(text);

	if (l->columns + wide > l->width || l->len + n >= CLI_BAR_BYTES)
		return false;
	memcpy(l->out + l->len, text, n + 1);
	l->len += n;
	l->columns += wide;
	return true;
}

/* A name that is too long loses its beginning: the end tells files of one
 * folder apart. */
static void add_label(struct line *l, const struct cli_bar *b)
{
	char safe[4 * MR_PATH_MAX_BYTES + 16];
	const char *name = mr_text_safe(b->label, safe, sizeof(safe));
	const char *lead = b->hashing ? "  hashing " : "  ";
	size_t room;

	if (!l->len)
		lead += 2;
	if (mr_text_starts(name, "sha256:"))
		safe[19] = '\0'; /* as git and docker shorten */
	if (l->columns + strlen(lead) + LABEL_MIN > l->width)
		return;
	room = l->width - l->columns - strlen(lead);
	(void)add(l, lead);
	if (columns(name) > room || l->len + strlen(name) >= CLI_BAR_BYTES) {
		while (columns(name) > room - 3 ||
		       l->len + 3 + strlen(name) >= CLI_BAR_BYTES) {
			do
				name++;
			while (((unsigned char)*name & 0xc0) == 0x80);
		}
		(void)add(l, "...");
	}
	(void)add(l, name);
}

unsigned int cli_bar_percent(const struct cli_bar *b)
{
	uint64_t done = b->done < b->total ? b->done : b->total;
	unsigned int percent;

	if (b->blobs >= b->count)
		return 100;
	if (!b->total)
		return (unsigned int)(b->blobs * 100 / b->count);
	/* In floating point: bytes times a hundred may not fit 64 bits. */
	percent = (unsigned int)((double)done / (double)b->total * 100.0);
	return percent < 99 ? percent : 99;
}

static void add_graph(struct line *l, unsigned int percent)
{
	char text[GRAPH_COLUMNS + 4] = " [";
	size_t full = percent * GRAPH_COLUMNS / 100;
	size_t i;

	for (i = 0; i < GRAPH_COLUMNS; i++)
		text[2 + i] = i < full ? '#' : '.';
	text[2 + GRAPH_COLUMNS] = ']';
	text[3 + GRAPH_COLUMNS] = '\0';
	(void)add(l, text);
}

static void add_left(struct line *l, const struct cli_bar *b)
{
	uint64_t left = b->total > b->done ? b->total - b->done : 0;
	uint64_t s;
	char text[64];

	if (!b->rate)
		return;
	s = (left + b->rate - 1) / b->rate;
	if (s >= ETA_MAX_S)
		return;
	if (s >= 3600)
		(void)snprintf(text, sizeof(text),
			       "  ETA %" PRIu64 ":%02u:%02u", s / 3600,
			       (unsigned int)(s / 60 % 60),
			       (unsigned int)(s % 60));
	else
		(void)snprintf(text, sizeof(text), "  ETA %u:%02u",
			       (unsigned int)(s / 60), (unsigned int)(s % 60));
	(void)add(l, text);
}

size_t cli_bar_text(const struct cli_bar *b, size_t width,
		    char out[CLI_BAR_BYTES])
{
	struct line l = { .out = out, .width = width };
	uint64_t done = b->done < b->total ? b->done : b->total;
	unsigned int percent = cli_bar_percent(b);
	char text[128];
	char size[2][32];

	out[0] = '\0';
	if (!b->planned) {
		if (b->label)
			add_label(&l, b);
		return l.columns;
	}
	(void)snprintf(text, sizeof(text), "%3u%%", percent);
	(void)add(&l, text);
	if (width >= GRAPH_FROM)
		add_graph(&l, percent);
	(void)snprintf(text, sizeof(text), "  %s/%s",
		       mr_text_size(done, size[0]),
		       mr_text_size(b->total, size[1]));
	(void)add(&l, text);
	if (b->rate) {
		(void)snprintf(text, sizeof(text), "  %s/s",
			       mr_text_size(b->rate, size[0]));
		(void)add(&l, text);
	}
	add_left(&l, b);
	(void)snprintf(text, sizeof(text), "  %" PRIu64 "/%" PRIu64,
		       b->blobs < b->count ? b->blobs : b->count, b->count);
	(void)add(&l, text);
	if (b->label)
		add_label(&l, b);
	return l.columns;
}
