/*
 * policies.c - which policy is in force: the one that the last *policy changed*
 * event of a model's log names, else that of PREFIX/mreg-policy; and, on top,
 * a file's.
 */
#include "repo/policies.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "repo/given.h"
#include "repo/repo.h"

void mr_policies_release(struct mr_policies *p)
{
	mr_policy_freep(&p->policy);
	p->sources = NULL;
	p->source_count = 0;
}

int mr_policy_file(const char *path, struct mr_policy **out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_POLICY_MAX_BYTES);
	int rc = mr_given_load(path, "policy file", &b, err);

	if (rc < 0)
		return rc;
	rc = mr_policy_parse(mr_buf_text(&b), b.len, path, out, err);
	/* Most likely by who is asking. */
	if (rc == MREG_EFORMAT && err && !err->hint[0])
		return mr_hint(err, "mend the file; spec/policy.md tells how a "
				    "policy is written");
	return rc;
}

struct mreg_policy_rule *mr_policy_rules(const struct mr_policy *p,
					 struct mr_arena *a, size_t *count)
{
	struct mreg_policy_rule *rules;
	size_t n = mr_policy_count(p);
	size_t i;

	*count = 0;
	rules = mr_arena_alloc(a, (n + 1) * sizeof(*rules));
	for (i = 0; rules && i < n; i++) {
		rules[i].name = mr_arena_strdup(a, mr_policy_rule(p, i));
		rules[i].says = mr_arena_strdup(a, mr_policy_says(p, i));
	}
	*count = rules ? n : 0;
	return rules;
}

/* One more source: its rules on top of those there are.  `p` is taken, even on
 * failure. */
static int add_source(struct mr_policies *to, struct mr_policy *p,
		      struct mr_arena *a, struct mreg_policy_source *source,
		      struct mreg_error *err)
{
	MR_AUTO(mr_policy_freep) struct mr_policy *mine = p;
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(2 * MR_POLICY_MAX_BYTES);
	int rc = mr_policy_write(mine, &b, err);

	if (rc < 0)
		return rc;
	source->document = mr_arena_strdup(a, mr_buf_text(&b));
	source->rules = mr_policy_rules(mine, a, &source->rule_count);
	source->kinds = mr_policy_kinds(mine, a);
	if (to->policy)
		rc = mr_policy_add(to->policy, mine, err);
	else
		to->policy = mr_steal(&mine);
	if (rc >= 0)
		to->sources[to->source_count++] = *source;
	return rc < 0 ? rc : mr_result_check(a, err);
}

/* The document of an event. */
static int fetch(struct mreg *m, struct mr_store *s, const struct mr_event *e,
		 struct mr_buf *out, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	int rc = mr_manifest_fetch(m, s, &e->policy, &doc, err);

	if (rc < 0)
		return rc;
	if (!doc->artifact_type ||
	    strcmp(doc->artifact_type, MR_POLICY_MEDIA) != 0 || doc->is_index ||
	    doc->layer_count != 1)
		return mr_fail(err, MREG_EFORMAT,
			       "what the log of '%s' names is no policy",
			       s->label);
	return mr_store_load(s, &doc->layers[0].desc, out, err);
}

/* The policy that a log names, if it does. */
static int add_logged(struct mreg *m, struct mr_store *s, struct mr_history *h,
		      struct mr_arena *a, struct mr_policies *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_POLICY_MAX_BYTES);
	const struct mr_event *e = mr_ledger_policy(h->ledger);
	struct mreg_policy_source source = { .actor = "" };
	struct mr_policy *p = NULL;
	int rc;

	if (!e || !mr_digest_known(&e->policy))
		return 0;
	rc = fetch(m, s, e, &b, err);
	if (rc >= 0)
		rc = mr_policy_parse(mr_buf_text(&b), b.len, s->label, &p, err);
	if (rc < 0) {
		(void)mr_wrap(err, "the policy of '%s' cannot be read",
			      s->label);
		/* Not to judge by it would be not to have it. */
		return rc == MREG_ENOTFOUND || rc == MREG_EFORMAT
			       ? mr_hint(err,
					 "set it again: mreg policy set "
					 "%.60s FILE; or is this mreg too "
					 "old for it?",
					 s->label)
			       : rc;
	}
	source.where = mr_arena_strdup(a, s->label);
	source.digest = e->policy;
	source.actor = mr_arena_strdup(a, e->actor);
	source.time_s = e->time_s;
	return add_source(out, p, a, &source, err);
}

bool mr_policies_above(struct mreg *m, const struct mreg_ref *ref,
		       struct mreg_ref *out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	size_t n;

	if (mr_target_parse(m, MR_POLICY_REPOSITORY, out, &ignored) < 0)
		return false;
	n = strlen(out->repository) - strlen(MR_POLICY_REPOSITORY);
	return strcmp(out->host, ref->host) == 0 &&
	       strcmp(out->dir, ref->dir) == 0 &&
	       strncmp(out->repository, ref->repository, n) == 0 &&
	       strcmp(out->repository, ref->repository) != 0;
}

/*
 * Who may not read it has none: a registry often denies what does not exist,
 * and then nobody could push anywhere.  A policy is no secret of its writers:
 * spec/policy.md asks them to let everybody read it.
 */
static int read_above(struct mreg *m, const struct mreg_ref *above,
		      struct mr_store **s, struct mr_history *h, bool *readable,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_target_open(m, above, s, err);

	*readable = false;
	if (rc < 0)
		return rc;
	rc = mr_history_read(m, *s, h, &why);
	if (rc == MREG_EAUTH || rc == MREG_EDENIED || rc == MREG_ENOTFOUND) {
		mr_log(&m->env, MREG_LOG_INFO,
		       "no policy is taken from '%s': %s", (*s)->label,
		       why.msg);
		return 0;
	}
	if (rc < 0) {
		*err = why;
		return mr_wrap(err, "cannot look for a policy in '%s'",
			       (*s)->label);
	}
	*readable = true;
	return 0;
}

static int add_prefix(struct mreg *m, const struct mreg_ref *ref,
		      struct mr_arena *a, struct mr_policies *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_ref above;
	bool readable;
	int rc;

	if (!mr_policies_above(m, ref, &above))
		return 0;
	rc = read_above(m, &above, &s, &h, &readable, err);
	return rc < 0 || !readable ? rc : add_logged(m, s, &h, a, out, err);
}

int mr_policies_named(struct mreg *m, const struct mreg_ref *above,
		      struct mreg_digest *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	const struct mr_event *e;
	bool readable;
	int rc = read_above(m, above, &s, &h, &readable, err);

	memset(out, 0, sizeof(*out));
	if (rc < 0 || !readable)
		return rc;
	e = mr_ledger_policy(h.ledger);
	if (e)
		*out = e->policy;
	return 0;
}

static int add_file(const char *path, struct mr_arena *a,
		    struct mr_policies *out, struct mreg_error *err)
{
	struct mreg_policy_source source = { .file = true, .actor = "" };
	struct mr_policy *p = NULL;
	int rc = mr_policy_file(path, &p, err);

	if (rc < 0)
		return rc;
	source.where = mr_arena_strdup(a, path);
	return add_source(out, p, a, &source, err);
}

static int add_files(const struct mreg_texts *files, struct mr_arena *a,
		     struct mr_policies *out, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && files && i < files->n; i++)
		rc = add_file(files->items[i], a, out, err);
	return rc;
}

static int begin(const struct mreg_texts *files, struct mr_arena *a,
		 struct mr_policies *out, struct mreg_error *err)
{
	size_t n = files ? files->n : 0;

	memset(out, 0, sizeof(*out));
	/* A log's, and the files'. */
	out->sources = mr_arena_alloc(a, (n + 1) * sizeof(*out->sources));
	return out->sources ? 0 : mr_fail_nomem(err);
}

int mr_policies_load(struct mreg *m, const struct mreg_ref *ref,
		     struct mr_store *s, struct mr_history *h,
		     const struct mreg_texts *files, struct mr_arena *a,
		     struct mr_policies *out, struct mreg_error *err)
{
	int rc = mr_history_read(m, s, h, err);

	memset(out, 0, sizeof(*out));
	return rc < 0 ? rc
		      : mr_policies_known(m, ref, s, h, files, a, out, err);
}

int mr_policies_known(struct mreg *m, const struct mreg_ref *ref,
		      struct mr_store *s, struct mr_history *h,
		      const struct mreg_texts *files, struct mr_arena *a,
		      struct mr_policies *out, struct mreg_error *err)
{
	int rc = begin(files, a, out, err);

	if (rc >= 0)
		rc = add_logged(m, s, h, a, out, err);
	if (rc >= 0 && !out->source_count)
		rc = add_prefix(m, ref, a, out, err);
	if (rc >= 0)
		rc = add_files(files, a, out, err);
	if (rc < 0)
		mr_policies_release(out);
	return rc;
}

int mr_policies_files(const struct mreg_texts *files, struct mr_arena *a,
		      struct mr_policies *out, struct mreg_error *err)
{
	int rc = begin(files, a, out, err);

	if (rc >= 0)
		rc = add_files(files, a, out, err);
	if (rc < 0)
		mr_policies_release(out);
	return rc;
}
