/*
 * page.c - a report for people.
 */
#include "report/page.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

static void put_verified(struct mr_sheet *s, const struct mreg_report_result *r)
{
	const struct mreg_log_result *log = r->log;

	if (!r->live) {
		mr_page_own_fact(&s->page, "Log", "not verified");
		mr_page_fact(&s->page, "Why", r->unverified);
	} else if (log->verified) {
		mr_fact_own(s, "Log",
			    "verified: %" PRIu64
			    " events, each read anew, no flaw",
			    log->events);
	} else {
		mr_fact_own(s, "Log",
			    "it is not whole: %zu flaws in %" PRIu64 " events",
			    log->flaw_count, log->events);
	}
}

static void put_head(struct mr_sheet *s, const struct mreg_report_result *r)
{
	mr_page_begin(&s->page,
		      r->reference ? "Report on a version of"
				   : "Report on the model",
		      r->name);
	mr_fact_time(s, "Written", r->at_s);
	if (r->since_s)
		mr_fact_time(s, "Histories since", r->since_s);
	mr_page_own_fact(&s->page, "Source",
			 r->live ? "the registry" : "the index");
	if (r->synced_s)
		mr_fact_time(s, "Index as of", r->synced_s);
	put_verified(s, r);
}

static uint64_t all_bytes(const struct mreg_versions_result *all)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < all->count; i++)
		sum += all->rows[i].bytes <= INT64_MAX - sum
			       ? all->rows[i].bytes
			       : 0;
	return sum;
}

/* The record, which every version tells. */
static void put_model(struct mr_sheet *s, const struct mreg_report_result *r)
{
	const struct mreg_inspect_result *v =
		r->full_count ? r->full[0].inspect : NULL;
	char text[32];
	size_t i;

	mr_page_heading(&s->page, 2, "The model", NULL);
	mr_page_fact(&s->page, "Name", r->name);
	for (i = 0; v && i < v->record_count; i++)
		mr_fact_printf(s, "Record", "%s: %s", v->record[i].name,
			       v->record[i].value);
	if (v && !v->record_count)
		mr_page_words(&s->page, "It has no record: nobody said whose "
					"it is.");
	if (r->bytes) {
		const struct mreg_du_bytes *b = &r->bytes->total.bytes;

		mr_page_own_fact(&s->page, "Bytes of all versions",
				 mr_text_size(b->logical, text));
		mr_page_own_fact(&s->page, "Bytes, each blob once",
				 mr_text_size(b->stored, text));
	} else if (!r->live && r->versions) {
		mr_page_own_fact(&s->page, "Bytes of all versions' files",
				 mr_text_size(all_bytes(r->versions), text));
		mr_page_words(&s->page, "What they share the index does not "
					"tell.");
	}
}

static void put_versions(struct mr_sheet *s,
			 const struct mreg_versions_result *all)
{
	static const char *const heads[] = {
		"Version", "Registered", "By",         "Names", "Stage",
		"Run",     "Bytes",      "Deprecated", "Digest"
	};
	size_t i;

	mr_page_heading(&s->page, 2, "Versions", NULL);
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < all->count; i++) {
		const struct mreg_version_row *v = &all->rows[i];

		mr_tell_version(s, v->number);
		mr_tell_time(s, v->registered_s);
		mr_page_cell(&s->page, v->actor);
		mr_tell_texts(s, v->tags, v->tag_count);
		mr_page_cell(&s->page, v->stage);
		mr_page_cell(&s->page, v->run);
		mr_tell_number(s, v->bytes);
		mr_page_cell(&s->page,
			     v->deprecated ? v->deprecated->says : NULL);
		mr_tell_digest(s, &v->digest);
	}
	mr_page_table_end(&s->page);
}

static void put_policy(struct mr_sheet *s,
		       const struct mreg_policy_show_result *p)
{
	static const char *const heads[] = { "Rule", "Says", "Whose" };
	size_t i, k;

	mr_page_heading(&s->page, 2, "Policy in force", NULL);
	if (!p || !p->source_count) {
		mr_page_words(&s->page, p ? "None." : "Could not be read.");
		return;
	}
	for (i = 0; i < p->source_count; i++) {
		char digest[MREG_DIGEST_TEXT];
		char when[32];

		mr_fact_printf(s, "Document", "%s %s, set %s by %s",
			       p->sources[i].where,
			       mreg_digest_text(&p->sources[i].digest, digest),
			       mr_text_time(p->sources[i].time_s, when),
			       p->sources[i].actor[0] ? p->sources[i].actor
						      : "nobody known");
	}
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < p->source_count; i++)
		for (k = 0; k < p->sources[i].rule_count; k++) {
			mr_page_cell(&s->page, p->sources[i].rules[k].name);
			mr_page_cell(&s->page, p->sources[i].rules[k].says);
			mr_page_cell(&s->page, p->sources[i].where);
		}
	mr_page_table_end(&s->page);
}

int mreg_report_page(struct mreg *m, const struct mreg_report_result *r,
		     enum mreg_report_form form, char **out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_REPORT_PAGE_MAX_BYTES);
	struct mr_sheet s;
	size_t i;

	mr_sheet_begin(&s, m, form, r->at_s, &b);
	s.indexed = !r->live;
	put_head(&s, r);
	mr_sheet_unread(&s, r->unread, r->unread_count);
	put_model(&s, r);
	if (r->versions)
		put_versions(&s, r->versions);
	for (i = 0; i < r->full_count && !s.failed; i++)
		mr_sheet_version(&s, &r->full[i]);
	if (r->full_left)
		mr_fact_own(&s, "Versions in use that are not told in full",
			    "%" PRIu64, r->full_left);
	put_policy(&s, r->policy);
	mr_sheet_history(&s, r);
	return mr_sheet_end(&s, out, err);
}
