/*
 * full.c - the versions that an auditor asks about, in full: those that an
 * alias has or that run somewhere, and the latest.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "look/look.h"
#include "mreg/card.h"
#include "oci/oci.h"
#include "report/report.h"
#include "rule/rule.h"

#define CARD_MAX_BYTES 1500 /* of its beginning */
#define FULL_MAX 10000      /* whatever is asked for */

static const char *copy(struct mr_report *r, const char *s)
{
	return s ? mr_arena_strdup(r->a, s) : NULL;
}

/* "v3: what", what of a version could not be read. */
static int miss(struct mr_report *r, const struct mreg_report_version *v,
		const char *what, int rc, const struct mreg_error *why,
		struct mreg_error *err)
{
	char text[100];

	(void)snprintf(text, sizeof(text), "v%llu: %s",
		       (unsigned long long)v->number, what);
	return mr_report_miss(r, text, rc, why, err);
}

/* -- parts ----------------------------------------------------------------- */

static int read_inspect(struct mr_report *r, struct mreg_report_version *v,
			struct mreg_error *err)
{
	struct mreg_inspect_result *to;
	int rc;

	if (!r->out->live)
		return mr_report_indexed_version(r, v, err);
	to = mr_arena_alloc(r->a, sizeof(*to));
	rc = to ? mreg_inspect(r->m, v->reference, NULL, to, err)
		: mr_fail_nomem(err);
	if (rc >= 0)
		v->inspect = to;
	return rc;
}

/* The first paragraphs. */
static int read_card(struct mr_report *r, struct mreg_report_version *v,
		     struct mreg_error *err)
{
	struct mreg_card_result card;
	size_t n;
	int rc = mreg_card(r->m, v->reference, &card, err);

	if (rc < 0)
		return rc;
	n = strlen(card.text);
	if (n > CARD_MAX_BYTES)
		for (n = CARD_MAX_BYTES; n > 0 && card.text[n] != '\n'; n--)
			;
	if (card.path)
		v->card = mr_arena_strndup(r->a, card.text, n);
	mreg_card_result_release(&card);
	return mr_result_check(r->a, err);
}

static int judge(struct mr_report *r, struct mreg_report_version *v,
		 const char *alias, struct mreg_error *err)
{
	struct mreg_policy_check_opts o = MREG_POLICY_CHECK_OPTS_INIT;
	struct mreg_report_verdict *to = &v->verdicts[v->verdict_count];
	struct mreg_ref ref = r->ref;
	char text[MREG_REF_TEXT];
	int rc;

	(void)snprintf(ref.tag, sizeof(ref.tag), "%s", alias ? alias : "");
	ref.digest = v->digest;
	rc = mreg_policy_check(r->m, mr_target_text(r->m, &ref, text), &o,
			       &to->check, err);
	if (rc < 0)
		return rc;
	to->alias = alias;
	v->verdict_count++;
	return 0;
}

/* As `policy check` asks it, under each name that it has. */
static int read_verdicts(struct mr_report *r, struct mreg_report_version *v,
			 struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	v->verdicts = mr_arena_alloc(r->a, (v->alias_count + 1) *
						   sizeof(*v->verdicts));
	if (!v->verdicts)
		return mr_fail_nomem(err);
	if (!v->alias_count)
		return judge(r, v, NULL, err);
	for (i = 0; rc >= 0 && i < v->alias_count; i++)
		rc = judge(r, v, v->aliases[i], err);
	return rc;
}

static int take_ancestors(struct mr_report *r, struct mreg_report_version *v,
			  struct mr_look *l, struct mreg_error *err)
{
	const struct mr_policy_subject u = {
		.m = r->m,
		.ref = &l->ref,
		.s = l->s,
		.meta = l->meta,
		.version = &v->digest,
	};
	struct mreg_report_ancestor *to;
	struct mr_ancestor *rows;
	size_t n, i;
	int rc = mr_policy_ancestors(&u, r->a, &rows, &n, &v->ancestors_more,
				     err);

	if (rc < 0)
		return rc;
	to = mr_arena_alloc(r->a, (n + 1) * sizeof(*to));
	for (i = 0; to && i < n; i++)
		to[i] = (struct mreg_report_ancestor){
			.input = rows[i].input,
			.how = copy(r, rows[i].how),
			.ref = copy(r, rows[i].ref),
			.digest = copy(r, rows[i].digest),
			.license = copy(r, rows[i].license),
			.told = rows[i].license && rows[i].told &&
				strcmp(rows[i].license, rows[i].told) == 0,
			.unreadable = copy(r, rows[i].unreadable),
		};
	v->ancestors = to;
	v->ancestor_count = n;
	return mr_result_check(r->a, err);
}

static int read_ancestors(struct mr_report *r, struct mreg_report_version *v,
			  struct mreg_error *err)
{
	MR_AUTO(mr_look_release) struct mr_look l = { .m = r->m };
	int rc;

	if (!r->out->live)
		return mr_report_indexed_ancestors(r, v, err);
	rc = mr_look_open(r->m, v->reference, &l, err);
	if (rc >= 0)
		rc = mr_look_meta(&l, err);
	return rc < 0 ? rc : take_ancestors(r, v, &l, err);
}

static int read_lineage(struct mr_report *r, struct mreg_report_version *v,
			struct mreg_error *err)
{
	struct mreg_lineage_opts o = MREG_LINEAGE_OPTS_INIT;
	struct mreg_lineage_result *to = mr_arena_alloc(r->a, sizeof(*to));
	char digest[MREG_DIGEST_TEXT];
	int rc;

	o.most = r->o->nodes ? r->o->nodes : MR_REPORT_NODES;
	rc = to ? mreg_lineage(r->m, mreg_digest_text(&v->digest, digest), &o,
			       to, err)
		: mr_fail_nomem(err);
	if (rc < 0)
		return rc;
	v->lineage = to;
	if (to->synced_s &&
	    (!r->out->synced_s || to->synced_s < r->out->synced_s))
		r->out->synced_s = to->synced_s;
	return 0;
}

static int read_version(struct mr_report *r, struct mreg_report_version *v,
			struct mreg_error *err)
{
	static const struct {
		const char *what;
		int (*read)(struct mr_report *r, struct mreg_report_version *v,
			    struct mreg_error *err);
		bool live;
	} parts[] = {
		{ "metadata", read_inspect, false },
		{ "card", read_card, true },
		{ "policy", read_verdicts, true },
		{ "lineage", read_lineage, false },
		{ "ancestors", read_ancestors, false },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < MR_COUNT(parts); i++) {
		struct mreg_error why = MREG_ERROR_INIT;
		int got = 0;

		if (!r->out->live && parts[i].live)
			got = mr_fail(&why, MREG_ENETWORK, MR_REPORT_AWAY);
		else
			got = parts[i].read(r, v, &why);
		rc = miss(r, v, parts[i].what, got, &why, err);
	}
	return rc;
}

/* -- which ------------------------------------------------------------------
 */

static int begin_version(struct mr_report *r, const struct mreg_digest *d,
			 uint64_t number, const char *const *tags,
			 size_t tag_count, struct mreg_error *err)
{
	struct mreg_report_version *v = &r->out->full[r->out->full_count++];
	const char **aliases;
	char text[MREG_REF_TEXT];
	size_t i;

	v->digest = *d;
	v->number = number;
	v->reference =
		mr_arena_strdup(r->a, mr_target_pinned(r->m, &r->ref, d, text));
	aliases = mr_arena_alloc(r->a, (tag_count + 1) * sizeof(*aliases));
	for (i = 0; aliases && i < tag_count; i++)
		if (mr_tag_kind(tags[i]) == MR_TAG_ALIAS)
			aliases[v->alias_count++] = copy(r, tags[i]);
	v->aliases = aliases;
	return mr_result_check(r->a, err);
}

static bool runs(const struct mr_report *r, const struct mreg_digest *d)
{
	size_t i;

	for (i = 0; r->out->deployments && i < r->out->deployments->count; i++)
		if (mreg_digest_equal(&r->out->deployments->rows[i].version, d))
			return true;
	return false;
}

static bool is_in_use(const struct mr_report *r,
		      const struct mreg_version_row *row)
{
	size_t i;

	for (i = 0; i < row->tag_count; i++)
		if (mr_tag_kind(row->tags[i]) == MR_TAG_ALIAS ||
		    mr_tag_kind(row->tags[i]) == MR_TAG_LATEST)
			return true;
	return runs(r, &row->digest);
}

/* What the log says that an alias has. */
static int begin_one(struct mr_report *r, struct mreg_error *err)
{
	const struct mreg_log_result *log = r->out->log;
	const char **names =
		mr_arena_alloc(r->a, (log->alias_count + 1) * sizeof(*names));
	size_t n = 0;
	size_t i;

	if (!names)
		return mr_fail_nomem(err);
	for (i = 0; i < log->alias_count; i++)
		if (mreg_digest_equal(&log->aliases[i].digest, &r->version))
			names[n++] = log->aliases[i].alias;
	return begin_version(r, &r->version, r->out->number, names, n, err);
}

static int choose(struct mr_report *r, size_t most, struct mreg_error *err)
{
	const struct mreg_versions_result *all = r->out->versions;
	size_t i;
	int rc = 0;

	if (r->one)
		return begin_one(r, err);
	for (i = 0; all && rc >= 0 && i < all->count; i++) {
		const struct mreg_version_row *row = &all->rows[i];

		if (!is_in_use(r, row))
			continue;
		if (r->out->full_count == most)
			r->out->full_left++;
		else
			rc = begin_version(r, &row->digest, row->number,
					   row->tags, row->tag_count, err);
	}
	return rc;
}

int mr_report_full(struct mr_report *r, struct mreg_error *err)
{
	size_t most = r->o->versions ? r->o->versions : MR_REPORT_VERSIONS;
	size_t i;
	int rc;

	most = most < FULL_MAX ? most : FULL_MAX;
	r->out->full = mr_arena_alloc(r->a, most * sizeof(*r->out->full));
	if (!r->out->full)
		return mr_fail_nomem(err);
	rc = choose(r, most, err);
	for (i = 0; rc >= 0 && i < r->out->full_count; i++)
		rc = read_version(r, &r->out->full[i], err);
	return rc;
}
