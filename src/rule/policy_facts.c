/*
 * policy_facts.c - all that is known of a version, or of one that is about to
 * be, as the document that policies judge (spec/policy-facts.schema.json).
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "look/look.h"
#include "rule/rule.h"

static const char *last_component(const char *repository)
{
	const char *slash = strrchr(repository, '/');

	return slash ? slash + 1 : repository;
}

static void put_identity(const struct mr_policy_subject *u, struct mr_buf *b)
{
	const struct mr_meta *meta = u->meta;
	char text[MREG_REF_TEXT];
	size_t i;

	mr_put_text(b, "schema", MR_POLICY_FACTS_SCHEMA);
	mr_put_text(b, "at", u->use ? "use" : u->version ? "version" : "push");
	mr_put_text(b, "name", last_component(u->ref->repository));
	mr_put_text(b, "repository", u->ref->repository);
	if (u->version)
		mr_put_text(b, "reference",
			    mr_target_pinned(u->m, u->ref, u->version, text));
	mr_put_text(b, "kind", meta->kind ? meta->kind : "model");
	mr_put_begin(b, "aliases", '[');
	for (i = 0; i < MR_COUNT(u->aliases); i++)
		mr_put_text(b, NULL, u->aliases[i]);
	mr_put_end(b, ']');
	mr_put_text(b, "release", u->release);
}

static int put_fields(const struct mr_policy_subject *u, struct mr_arena *a,
		      struct mr_buf *b, struct mreg_error *err)
{
	const struct mr_meta *meta = u->meta;
	const struct mreg_pair *fields;
	size_t n;

	mr_look_fields(meta, a, &fields, &n);
	if (!fields)
		return mr_fail_nomem(err);
	mr_put_pairs(b, "fields", fields, n);
	mr_put_numbers(b, "metrics", meta->metrics, meta->metric_count);
	mr_put_pairs(b, "params", meta->params, meta->param_count);
	mr_put_pairs(b, "tags", meta->tags, meta->tag_count);
	mr_put_pairs(b, "annotations", meta->annotations,
		     meta->annotation_count);
	return 0;
}

static void put_lineage(const struct mr_meta *meta, struct mr_buf *b)
{
	size_t i;

	mr_put_begin(b, "parents", '[');
	for (i = 0; i < meta->parent_count; i++) {
		mr_put_begin(b, NULL, '{');
		mr_put_text(b, "relation", meta->parents[i].relation);
		mr_put_text(b, "ref", meta->parents[i].ref);
		mr_put_text(b, "digest", meta->parents[i].digest);
		mr_put_end(b, '}');
	}
	mr_put_end(b, ']');
	mr_put_begin(b, "inputs", '[');
	for (i = 0; i < meta->input_count; i++) {
		const struct mr_input *in = &meta->inputs[i];

		mr_put_begin(b, NULL, '{');
		mr_put_text(b, "role", in->role);
		mr_put_text(b, "name", in->name);
		mr_put_text(b, "uri", in->uri);
		mr_put_text(b, "digest", in->digest);
		mr_put_text(b, "license", in->license);
		mr_put_text(b, "classification", in->classification);
		mr_put_text(b, "consent", in->consent);
		mr_put_end(b, '}');
	}
	mr_put_end(b, ']');
}

static void put_files(const struct mr_policy_subject *u, struct mr_buf *b)
{
	bool card = false;
	size_t i, k;

	mr_put_begin(b, "files", '[');
	for (i = 0; i < u->file_count; i++) {
		const struct mr_policy_file *f = &u->files[i];

		card = card || (f->size > 0 && mr_role_is_card(f->path, NULL));
		mr_put_begin(b, NULL, '{');
		mr_put_text(b, "path", f->path);
		mr_put_text(b, "role", f->role);
		mr_put_u64(b, "size", f->size);
		mr_put_text(b, "format", f->format);
		mr_put_text(b, "trouble", f->trouble);
		if (f->limited)
			mr_put_bool(b, "limited", true);
		if (f->unsafe_count) {
			mr_put_begin(b, "unsafe", '[');
			for (k = 0; k < f->unsafe_count; k++)
				mr_put_text(b, NULL, f->unsafe[k]);
			mr_put_end(b, ']');
		}
		mr_put_end(b, '}');
	}
	mr_put_end(b, ']');
	mr_put_bool(b, "card", card);
}

static int put_ancestors(const struct mr_policy_subject *u, struct mr_arena *a,
			 struct mr_buf *b, const char **why,
			 struct mreg_error *err)
{
	struct mr_ancestor *rows;
	size_t n, i;
	bool more = false;
	int rc = mr_policy_ancestors(u, a, &rows, &n, &more, err);

	if (rc < 0)
		return rc;
	if (more)
		*why = "there are more than are looked at";
	mr_put_begin(b, "ancestors", '[');
	for (i = 0; i < n; i++) {
		mr_put_begin(b, NULL, '{');
		mr_put_text(b, "of", rows[i].input ? "input" : "parent");
		mr_put_text(b, "how", rows[i].how);
		mr_put_text(b, "ref", rows[i].ref);
		mr_put_text(b, "digest", rows[i].digest);
		mr_put_text(b, "license", rows[i].license);
		if (rows[i].told && strcmp(rows[i].told, rows[i].license) != 0)
			mr_put_text(b, "told", rows[i].told);
		mr_put_text(b, "unreadable", rows[i].unreadable);
		mr_put_end(b, '}');
	}
	mr_put_end(b, ']');
	return 0;
}

/*
 * What the alias had last, by the log: whoever removes it first does not get
 * round what is compared with it.  `d` stays where it had nothing.
 */
static void find_last(struct mr_history *h, const char *alias,
		      struct mreg_digest *d)
{
	size_t i = h && h->ledger ? mr_ledger_count(h->ledger) : 0;

	while (i-- > 0 && !mr_digest_known(d)) {
		const struct mr_event *e = mr_ledger_event(h->ledger, i);

		if ((e->kind != MR_EVENT_ALIAS_MOVED &&
		     e->kind != MR_EVENT_TAG_ADOPTED) ||
		    strcmp(mr_event_text(e, "alias"), alias) != 0)
			continue;
		*d = mr_digest_known(&e->version) ? e->version : e->was;
	}
}

/* What an alias has, or had before it was removed; what cannot be read is a
 * fact too. */
static int put_baseline(const struct mr_policy_subject *u, const char *alias,
			struct mr_buf *b, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	char cause[MR_ERROR_TEXT];
	struct mreg_desc d = { .size = 0 };
	bool found = false;
	int rc = mr_tag_resolve(u->s, alias, &d, &found, &why);

	if (rc >= 0 && !found) {
		memset(&d, 0, sizeof(d));
		find_last(u->history, alias, &d.digest);
	}
	if (rc >= 0 && mr_digest_known(&d.digest))
		rc = mr_manifest_fetch(u->m, u->s, &d.digest, &m, &why);
	/* What it had may be removed by now. */
	if (rc >= 0 ? !m : rc == MREG_ENOTFOUND && !found) {
		mr_put_null(b, alias);
		return 0;
	}
	if (rc >= 0)
		rc = mr_meta_new(&meta, &why);
	if (rc >= 0)
		rc = mr_meta_read(m, meta, &why);
	if (rc == MREG_ENOMEM || rc == MREG_ECANCELED) {
		*err = why;
		return rc;
	}
	mr_put_begin(b, alias, '{');
	if (rc < 0) {
		mr_put_text(b, "unreadable", mr_error_text(&why, cause));
	} else {
		mr_put_text(b, "digest", mreg_digest_text(&d.digest, text));
		mr_put_numbers(b, "metrics", meta->metrics, meta->metric_count);
	}
	mr_put_end(b, '}');
	return 0;
}

int mr_policy_facts(const struct mr_policy_subject *u,
		    const struct mr_policy_needs *needs, struct mr_buf *out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_RESULT_MAX_BYTES);
	const char *ancestors_why = NULL;
	const char *attachments_why = NULL;
	const char *evaluations_why = NULL;
	size_t i;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	mr_put_begin(out, NULL, '{');
	put_identity(u, out);
	rc = put_fields(u, a, out, err);
	if (rc < 0)
		return rc;
	put_lineage(u->meta, out);
	put_files(u, out);
	if (needs->ancestors)
		rc = put_ancestors(u, a, out, &ancestors_why, err);
	if (rc >= 0 && u->version && (needs->attachments || needs->evaluations))
		rc = mr_policy_attached(u, a, out, &attachments_why,
					&evaluations_why, err);
	mr_put_begin(out, "baseline", '{');
	for (i = 0; rc >= 0 && i < needs->baseline_count; i++)
		rc = put_baseline(u, needs->baselines[i], out, err);
	mr_put_end(out, '}');
	if (rc >= 0 && u->version && u->gate && needs->gate)
		rc = mr_policy_gate(u, out, err);
	mr_put_begin(out, "unread", '{');
	mr_put_text(out, "files", u->files_unread);
	mr_put_text(out, "ancestors", ancestors_why);
	mr_put_text(out, "attachments", attachments_why);
	mr_put_text(out, "evaluations", evaluations_why);
	mr_put_end(out, '}');
	mr_put_end(out, '}');
	if (rc >= 0 && mr_arena_failed(a))
		return mr_fail_nomem(err);
	return rc < 0 ? rc : mr_buf_check(out, "facts", err);
}
