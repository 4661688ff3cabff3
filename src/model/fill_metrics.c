/*
 * fill_metrics.c - the measured values of a card's model-index, where nobody
 * gave any: spec/model.md, "What is read from the files".
 */
#include "model/fillers.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* A table that people read; leaderboards have thousands, which would be most of
 * a manifest. */
#define METRICS_MAX 100

/* Of which sort a value is: alone with it, or one of several. */
static size_t count_of(const struct mr_card *card, const char *name)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < card->metric_count && n < 2; i++)
		n += strcmp(card->metrics[i].name, name) == 0;
	return n;
}

/* "wer", of several "wer.common_voice"; NULL: out of memory. */
static const char *name_of(struct mr_filler *f, const struct mr_card *card,
			   const struct mr_card_metric *metric)
{
	const char *name = metric->name;

	if (metric->dataset && count_of(card, name) > 1)
		name = mr_arena_printf(f->m->arena, "%s.%s", name,
				       metric->dataset);
	return name ? mr_fill_spell(f, name) : NULL;
}

static int note_many(struct mr_filler *f, size_t n)
{
	char shown[MR_SHOWN_BYTES];
	char line[512];

	(void)snprintf(line, sizeof(line),
		       "the %zu metrics of '%s' are left out: more than %d are "
		       "no summary",
		       n, mr_text_safe(f->card, shown, sizeof(shown)),
		       METRICS_MAX);
	return mr_list_add(f->notes, line, f->err);
}

/* Two values of one name are of two configurations or splits, which nothing
 * tells apart: neither is more right. */
static int note_twice(struct mr_filler *f, const char *name)
{
	char names[2][MR_SHOWN_BYTES];
	char line[512];

	(void)snprintf(line, sizeof(line),
		       "metric '%s' of '%s' is left out: it has several values",
		       mr_text_safe(name, names[0], sizeof(names[0])),
		       mr_text_safe(f->card, names[1], sizeof(names[1])));
	return mr_list_has(f->notes, line)
		       ? 0
		       : mr_list_add(f->notes, line, f->err);
}

static bool is_twice(const char *const *names, size_t n, size_t which)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (i != which && strcmp(names[i], names[which]) == 0)
			return true;
	return false;
}

int mr_fill_metrics(struct mr_filler *f, const struct mr_card *card)
{
	const char *names[METRICS_MAX];
	size_t i;
	int rc = 0;

	if (f->m->metric_count)
		return 0;
	if (card->metric_count > METRICS_MAX)
		return note_many(f, card->metric_count);
	for (i = 0; i < card->metric_count; i++) {
		names[i] = name_of(f, card, &card->metrics[i]);
		if (!names[i])
			return mr_fail_nomem(f->err);
	}
	for (i = 0; rc >= 0 && i < card->metric_count; i++)
		rc = is_twice(names, card->metric_count, i)
			     ? note_twice(f, names[i])
			     : mr_fill_entry(f, "metrics", names[i],
					     card->metrics[i].value, f->card);
	return rc < 0 ? rc : 0;
}
