/*
 * page_figures.c - the figures of all models, for people.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/page.h"

static void fact_count(struct mr_sheet *s, const char *words, uint64_t n)
{
	mr_fact_own(s, words, "%" PRIu64, n);
}

static void fact_bytes(struct mr_sheet *s, const char *words, uint64_t n)
{
	char text[32];

	mr_fact_own(s, words, "%s (%" PRIu64 " bytes)", mr_text_size(n, text),
		    n);
}

static void fact_spread(struct mr_sheet *s, const char *words,
			const struct mreg_spread *spread)
{
	char median[32];
	char p90[32];

	if (!spread->count)
		mr_page_own_fact(&s->page, words, "none");
	else
		mr_fact_own(s, words,
			    "median %s, nine of ten within %s, of %" PRIu64,
			    mr_text_span(spread->median_s, median),
			    mr_text_span(spread->p90_s, p90), spread->count);
}

static void put_total(struct mr_sheet *s, const struct mreg_figures_row *r)
{
	mr_page_heading(&s->page, 2, "What there is", NULL);
	fact_count(s, "Models", r->models);
	fact_count(s, "Versions", r->versions);
	fact_bytes(s, "Bytes of all versions", r->bytes);
	fact_bytes(s, "Bytes, equal files once", r->unique_bytes);
	fact_count(s, "Deployments", r->deployments);
	mr_page_heading(&s->page, 2, "How fast", NULL);
	fact_count(s, "Approvals asked for", r->asked);
	fact_spread(s, "From asked to answered", &r->approved);
	fact_count(s, "Overdue now", r->overdue);
	fact_spread(s, "From registered to production", &r->produced);
	fact_count(s, "Moves of aliases", r->moves);
	fact_count(s, "Rollbacks", r->rollbacks);
	mr_page_heading(&s->page, 2, "How safe", NULL);
	fact_count(s, "Incidents", r->incidents);
	fact_count(s, "Open now", r->incidents_open);
	fact_spread(s, "From opened to closed", &r->closed);
	fact_spread(s, "Age of the last evaluation of what production has",
		    &r->evaluated);
	fact_count(s, "In production without an evaluation", r->unevaluated);
	fact_count(s, "Reviews due", r->reviews_due);
	mr_page_heading(&s->page, 2, "What is missing", NULL);
	fact_count(s, "Models without an owner", r->no_owner);
	fact_count(s, "Latest version without a licence", r->no_license);
	fact_count(s, "Latest version without a card", r->no_card);
	fact_count(s, "Latest version without an evaluation", r->no_evaluation);
}

static void put_owners(struct mr_sheet *s, const struct mreg_figures_result *r)
{
	static const char *const heads[] = {
		"Owner",      "Models",    "Versions",     "Bytes",
		"Approvals",  "Median",    "Overdue",      "To production",
		"Rollbacks",  "Incidents", "Open",         "Reviews due",
		"No licence", "No card",   "No evaluation"
	};
	size_t i;

	mr_page_heading(&s->page, 2, "By owner", NULL);
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < r->owner_count; i++) {
		const struct mreg_figures_row *row = &r->owners[i];

		if (row->owner)
			mr_page_cell(&s->page, row->owner);
		else
			mr_page_own(&s->page, "nobody");
		mr_tell_number(s, row->models);
		mr_tell_number(s, row->versions);
		mr_tell_number(s, row->bytes);
		mr_tell_number(s, row->asked);
		mr_tell_span(s, row->approved.median_s);
		mr_tell_number(s, row->overdue);
		mr_tell_span(s, row->produced.median_s);
		mr_tell_number(s, row->rollbacks);
		mr_tell_number(s, row->incidents);
		mr_tell_number(s, row->incidents_open);
		mr_tell_number(s, row->reviews_due);
		mr_tell_number(s, row->no_license);
		mr_tell_number(s, row->no_card);
		mr_tell_number(s, row->no_evaluation);
	}
	mr_page_table_end(&s->page);
}

static void put_environments(struct mr_sheet *s,
			     const struct mreg_figures_result *r)
{
	static const char *const heads[] = { "Environment", "Deployments",
					     "Models", "Versions" };
	size_t i;

	mr_page_heading(&s->page, 2, "What runs where", NULL);
	if (!r->environment_count) {
		mr_page_words(&s->page, "Nobody told of any deployment.");
		return;
	}
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < r->environment_count; i++) {
		mr_page_cell(&s->page, r->environments[i].environment);
		mr_tell_number(s, r->environments[i].deployments);
		mr_tell_number(s, r->environments[i].models);
		mr_tell_number(s, r->environments[i].versions);
	}
	mr_page_table_end(&s->page);
}

int mreg_figures_page(struct mreg *m, const struct mreg_figures_result *r,
		      enum mreg_report_form form, char **out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_REPORT_PAGE_MAX_BYTES);
	struct mr_sheet s;

	mr_sheet_begin(&s, m, form, r->at_s, &b);
	mr_page_begin(&s.page, "Figures of all models", NULL);
	mr_fact_time(&s, "Written", r->at_s);
	if (r->since_s)
		mr_fact_time(&s, "Histories since", r->since_s);
	mr_fact_time(&s, "Index as of", r->synced_s);
	mr_sheet_unread(&s, r->unread, r->unread_count);
	put_total(&s, &r->total);
	put_environments(&s, r);
	put_owners(&s, r);
	return mr_sheet_end(&s, out, err);
}
