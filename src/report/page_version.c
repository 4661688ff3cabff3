/*
 * page_version.c - a version in full, on a page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/page.h"

/* -- what it is -------------------------------------------------------------
 */

static void put_life(struct mr_sheet *s, const struct mreg_inspect_result *v)
{
	mr_fact_time(s, "Registered", v->registered_s);
	mr_page_fact(&s->page, "Registered by", v->actor[0] ? v->actor : NULL);
	mr_page_fact(&s->page, "Owner", v->answerable);
	if (v->stage)
		mr_page_fact(&s->page, "Stage", v->stage);
	if (v->review_s)
		mr_fact_time(s,
			     v->review_s <= s->now_s ? "Review was due"
						     : "Review is due",
			     v->review_s);
	if (v->deprecated)
		mr_fact_printf(s, "Deprecated", "%s", v->deprecated->says);
	if (v->archived)
		mr_fact_printf(s, "Archived", "%s",
			       v->archived->reason ? v->archived->reason
						   : "no reason told");
	if (v->incidents)
		mr_fact_own(s, "Open incidents", "%" PRIu64, v->incidents);
}

static const char *field_of(const struct mreg_inspect_result *v,
			    const char *key)
{
	size_t i;

	for (i = 0; i < v->field_count; i++)
		if (strcmp(v->fields[i].name, key) == 0)
			return v->fields[i].value;
	return NULL;
}

static void put_fields(struct mr_sheet *s, const struct mreg_inspect_result *v)
{
	static const char *const heads[] = { "Field", "Value" };
	size_t i;

	mr_page_fact(&s->page, "Licence", field_of(v, "license"));
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < v->field_count; i++) {
		mr_page_cell(&s->page, v->fields[i].name);
		mr_page_cell(&s->page, v->fields[i].value);
	}
	mr_page_own(&s->page, "metrics");
	mr_tell_pairs(s, v->metrics, v->metric_count);
	mr_page_own(&s->page, "parameters");
	mr_tell_pairs(s, v->params, v->param_count);
	mr_page_own(&s->page, "tags");
	mr_tell_pairs(s, v->labels, v->label_count);
	mr_page_own(&s->page, "bytes");
	mr_tell_number(s, v->bytes);
	mr_page_table_end(&s->page);
}

static void put_edited(struct mr_sheet *s, const struct mreg_inspect_result *v)
{
	static const char *const heads[] = { "Given after the fact", "Value",
					     "Was", "When", "By" };
	size_t i;

	if (!v->edited_count)
		return;
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < v->edited_count; i++) {
		mr_page_cell(&s->page, v->edited[i].key);
		mr_page_cell(&s->page, v->edited[i].value);
		mr_page_cell(&s->page, v->edited[i].was);
		mr_tell_time(s, v->edited[i].time_s);
		mr_page_cell(&s->page, v->edited[i].actor);
	}
	mr_page_table_end(&s->page);
}

/* -- what it comes from -----------------------------------------------------
 */

static void put_inputs(struct mr_sheet *s, const struct mreg_inspect_result *v)
{
	static const char *const heads[] = { "Role",           "Input",
					     "Digest",         "Licence",
					     "Classification", "Consent" };
	size_t i;

	mr_page_heading(&s->page, 3, "Inputs", NULL);
	if (!v->input_count) {
		mr_page_words(&s->page, "None told.");
		return;
	}
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < v->input_count; i++) {
		const struct mreg_input *in = &v->inputs[i];

		mr_page_cell(&s->page, in->role);
		mr_page_cell(&s->page, in->uri ? in->uri : in->name);
		mr_page_cell(&s->page, in->digest);
		mr_page_cell(&s->page, in->license);
		mr_page_cell(&s->page, in->classification);
		mr_page_cell(&s->page, in->consent);
	}
	mr_page_table_end(&s->page);
}

static void put_ancestors(struct mr_sheet *s,
			  const struct mreg_report_version *v)
{
	static const char *const heads[] = { "What",    "How",     "Reference",
					     "Digest",  "Licence", "Said by",
					     "Not read" };
	size_t i;

	mr_page_heading(&s->page, 3, "Licences of all it comes from", NULL);
	if (!v->ancestor_count) {
		mr_page_words(&s->page,
			      v->ancestors ? "It comes from nothing that is "
					     "known."
					   : "They could not be read.");
		return;
	}
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < v->ancestor_count; i++) {
		const struct mreg_report_ancestor *a = &v->ancestors[i];

		mr_tell_flag(s, a->input, "input", "parent");
		mr_page_cell(&s->page, a->how);
		mr_page_cell(&s->page, a->ref);
		mr_page_cell(&s->page, a->digest);
		mr_page_cell(&s->page, a->license);
		mr_page_own(&s->page, !a->license ? "nobody"
				      : a->told   ? "who uses it"
						  : "itself");
		mr_page_cell(&s->page, a->unreadable);
	}
	mr_page_table_end(&s->page);
	if (v->ancestors_more)
		mr_page_words(&s->page, "There are more, which were not read.");
}

/* -- what was found about it ------------------------------------------------
 */

static void put_age(struct mr_sheet *s, int64_t time_s)
{
	char text[32];

	mr_page_own(&s->page,
		    time_s ? mr_text_age(s->now_s - time_s, text) : "not told");
}

static void put_evaluations(struct mr_sheet *s,
			    const struct mreg_inspect_result *v)
{
	static const char *const heads[] = { "Suite", "Verdict", "When",  "Age",
					     "Data",  "Metrics", "Digest" };
	size_t n = 0;
	size_t i;

	mr_page_heading(&s->page, 3, "Evaluations", NULL);
	for (i = 0; i < v->attached_count; i++)
		n += v->attached[i].suite != NULL;
	if (!n) {
		mr_page_words(&s->page, "None.");
		return;
	}
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < v->attached_count; i++) {
		const struct mreg_attached *a = &v->attached[i];

		if (!a->suite)
			continue;
		mr_page_cell(&s->page, a->suite);
		mr_page_own(&s->page, !a->judged  ? "not told"
				      : a->passed ? "passed"
						  : "failed");
		mr_tell_time(s, a->created_s);
		put_age(s, a->created_s);
		mr_page_cell(&s->page, a->dataset);
		mr_tell_pairs(s, a->metrics, a->metric_count);
		mr_tell_digest(s, &a->digest);
	}
	mr_page_table_end(&s->page);
}

static void put_documents(struct mr_sheet *s,
			  const struct mreg_inspect_result *v)
{
	static const char *const heads[] = { "Type",  "Title", "When",
					     "Files", "Bytes", "Digest" };
	size_t i;

	mr_page_heading(&s->page, 3, "Documents attached", NULL);
	if (v->attached_unread)
		mr_fact_own(s, "Listed, but could not be read", "%zu",
			    v->attached_unread);
	if (!v->attached_count) {
		mr_page_words(&s->page, "None.");
		return;
	}
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < v->attached_count; i++) {
		const struct mreg_attached *a = &v->attached[i];

		mr_page_cell(&s->page, a->kind ? a->kind : a->type);
		mr_page_cell(&s->page, a->title);
		mr_tell_time(s, a->created_s);
		mr_tell_texts(s, a->files.items, a->files.n);
		mr_tell_number(s, a->bytes);
		mr_tell_digest(s, &a->digest);
	}
	mr_page_table_end(&s->page);
}

static void put_findings(struct mr_sheet *s,
			 const struct mreg_policy_check_result *c)
{
	static const char *const heads[] = { "Rule", "Problem", "Whose rule" };
	size_t i;

	if (!c->finding_count)
		return;
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < c->finding_count; i++) {
		mr_page_cell(&s->page, c->findings[i].rule);
		mr_page_cell(&s->page, c->findings[i].problem);
		mr_page_cell(&s->page, c->findings[i].where);
	}
	mr_page_table_end(&s->page);
}

static void put_verdicts(struct mr_sheet *s,
			 const struct mreg_report_version *v)
{
	size_t i;

	mr_page_heading(&s->page, 3, "Verdict of the policy", NULL);
	if (!v->verdict_count)
		mr_page_words(&s->page,
			      s->indexed ? "Left out: a policy is asked at the "
					   "registry. The stage is the one of "
					   "the last sync."
					 : "It was not asked.");
	for (i = 0; i < v->verdict_count; i++) {
		const struct mreg_policy_check_result *c =
			&v->verdicts[i].check;
		const char *under = v->verdicts[i].alias;

		mr_page_fact(&s->page, "Asked as",
			     under ? under : v->reference);
		if (!c->source_count)
			mr_page_words(&s->page, "No policy is in force.");
		else
			mr_fact_own(s, "Verdict",
				    "%s, of %" PRIu64 " rules %zu failed",
				    c->passed ? "passed" : "refused",
				    c->checked, c->finding_count);
		put_findings(s, c);
	}
}

/* -- all of it --------------------------------------------------------------
 */

void mr_sheet_version(struct mr_sheet *s, const struct mreg_report_version *v)
{
	char title[64];

	(void)snprintf(title, sizeof(title), "Version v%" PRIu64, v->number);
	mr_page_heading(&s->page, 2, v->number ? title : "Version", NULL);
	mr_page_fact(&s->page, "Reference", v->reference);
	if (!v->inspect) {
		mr_page_words(&s->page, "It could not be read.");
	} else {
		put_life(s, v->inspect);
		put_fields(s, v->inspect);
		put_edited(s, v->inspect);
	}
	if (v->card) {
		mr_page_heading(&s->page, 3, "From its card", NULL);
		mr_page_quote(&s->page, v->card);
	} else if (s->indexed) {
		mr_page_heading(&s->page, 3, "From its card", NULL);
		mr_page_words(&s->page, "Left out: the index has a card's "
					"words for searches, not its text.");
	}
	if (v->inspect)
		put_inputs(s, v->inspect);
	put_ancestors(s, v);
	mr_page_heading(&s->page, 3, "Lineage", NULL);
	if (v->lineage)
		mr_sheet_lineage(s, v->lineage);
	else
		mr_page_words(&s->page, "Not known: the index does not "
					"tell.");
	if (v->inspect) {
		put_evaluations(s, v->inspect);
		put_documents(s, v->inspect);
	}
	put_verdicts(s, v);
}
