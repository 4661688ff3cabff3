/*
 * inspect_log.c - what mreg inspect says from a model's log.
 */
#include "cli/inspect.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

void cli_put_line(struct mr_buf *b, const char *name, const char *value)
{
	mr_buf_printf(b, "%-14s ", name);
	cli_put(b, value);
	mr_buf_putc(b, '\n');
}

/* " (edited by ada on 2027-01-31)", where the log gave it. */
void cli_put_edited(struct mr_buf *b, const struct mreg_inspect_result *r,
		    const char *prefix, const char *name)
{
	char text[32];
	size_t i;

	for (i = 0; i < r->edited_count; i++) {
		const struct mreg_edited *e = &r->edited[i];

		if (strncmp(e->key, prefix, strlen(prefix)) != 0 ||
		    strcmp(e->key + strlen(prefix), name) != 0)
			continue;
		mr_buf_puts(b, " (edited");
		if (e->actor[0]) {
			mr_buf_puts(b, " by ");
			cli_put(b, e->actor);
		}
		mr_buf_printf(b, " on %.10s)", mr_text_time(e->time_s, text));
	}
}

/* "until DATE, use v5: reason", in the words that a pull warns with. */
static void put_deprecated(struct mr_buf *b, const struct mreg_deprecation *d)
{
	static const char known[] = "is deprecated";
	const char *says = d->says;

	if (strncmp(says, known, strlen(known)) == 0)
		says += strlen(known) + strspn(says + strlen(known), ",: ");
	cli_put_line(b, "deprecated", says[0] ? says : "yes");
}

static void put_archived(struct mr_buf *b, const struct mreg_archival *a)
{
	char text[32];

	mr_buf_printf(b, "%-14s on %.10s", "archived",
		      mr_text_time(a->time_s, text));
	if (a->actor[0]) {
		mr_buf_puts(b, " by ");
		cli_put(b, a->actor);
	}
	if (a->reason) {
		mr_buf_puts(b, ": ");
		cli_put(b, a->reason);
	}
	mr_buf_putc(b, '\n');
}

/* How far it came, and where it is. */
void cli_put_life(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char text[32];
	size_t i;

	if (r->stage)
		cli_put_line(b, "stage", r->stage);
	if (r->archived)
		put_archived(b, r->archived);
	if (r->deprecated)
		put_deprecated(b, r->deprecated);
	if (r->review_s)
		mr_buf_printf(b, "%-14s %.10s%s\n", "review due",
			      mr_text_time(r->review_s, text),
			      r->review_over ? ", over" : "");
	if (r->incidents)
		mr_buf_printf(b, "%-14s %" PRIu64 " open\n", "incidents",
			      r->incidents);
	for (i = 0; i < r->place_count; i++) {
		mr_buf_printf(b, "%-14s ", i ? "" : "runs in");
		cli_put(b, r->places[i].environment);
		if (r->places[i].workload[0]) {
			mr_buf_putc(b, '/');
			cli_put(b, r->places[i].workload);
		}
		mr_buf_putc(b, '\n');
	}
	for (i = 0; i < r->share_count; i++) {
		mr_buf_printf(b, "%-14s %u %% of ", i ? "" : "split",
			      r->shares[i].weight);
		cli_put(b, r->shares[i].alias);
		mr_buf_puts(b, r->shares[i].stable ? ", which has it\n" : "\n");
	}
	if (r->answerable)
		cli_put_line(b, "owner", r->answerable);
}

/* "ada (registry)": where that name was taken from. */
void cli_put_actor(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	mr_buf_printf(b, "%-14s ", "by");
	cli_put(b, r->actor);
	if (r->actor_source) {
		mr_buf_puts(b, " (");
		cli_put(b, r->actor_source);
		mr_buf_putc(b, ')');
	}
	mr_buf_putc(b, '\n');
}
