/*
 * policy_set.c - giving a model its policy, or taking it away.
 *
 * The document first, under a tag of its own that never moves, then the event
 * that names it: whoever reads the log finds what it names.
 */
#include "mreg/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "rule/rule.h"

#define TAG_BYTES 48
#define TAG_HEX_DIGITS 32

/* What is to be written; all zero for a policy that is taken away. */
struct document {
	struct mr_buf json;     /* owned */
	struct mr_buf manifest; /* owned */
	struct mreg_desc json_desc, desc;
	char tag[TAG_BYTES];
};

static void document_release(struct document *d)
{
	mr_buf_release(&d->json);
	mr_buf_release(&d->manifest);
}

static int describe(const struct mr_buf *b, const char *type,
		    struct mreg_desc *out, struct mreg_error *err)
{
	memset(out, 0, sizeof(*out));
	(void)snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	out->size = b->len;
	return mr_digest_of(b->data, b->len, &out->digest, err);
}

/* The file's policy as an artifact, deterministic: the same rules are the same
 * digest. */
static int make_document(const char *file, struct mr_arena *a,
			 struct document *d, struct mreg_policy_set_result *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	struct mreg_pair title = { MR_ANNOTATION_TITLE, "policy.json" };
	struct mr_descriptor layer = { .annotations = { &title, 1 } };
	struct mr_manifest_draft draft = {
		.artifact_type = MR_POLICY_MEDIA,
		.config = { .desc = mr_empty_desc, .data = "e30=" },
		.layers = &layer,
		.layer_count = 1,
	};
	char hex[129];
	int rc = mr_policy_file(file, &p, err);

	if (rc >= 0)
		rc = mr_policy_write(p, &d->json, err);
	if (rc >= 0)
		rc = describe(&d->json, MR_POLICY_MEDIA, &d->json_desc, err);
	layer.desc = d->json_desc;
	if (rc >= 0)
		rc = mr_manifest_write(&draft, &d->manifest, err);
	if (rc >= 0)
		rc = describe(&d->manifest, MR_MEDIA_MANIFEST, &d->desc, err);
	if (rc < 0)
		return rc;
	(void)snprintf(d->tag, sizeof(d->tag), MR_POLICY_TAG_PREFIX "%.*s",
		       TAG_HEX_DIGITS, mr_digest_hex(&d->desc.digest, hex));
	out->digest = d->desc.digest;
	out->tag = mr_arena_strdup(a, d->tag);
	out->rules = mr_policy_rules(p, a, &out->rule_count);
	return mr_result_check(a, err);
}

static int put_document(struct mr_store *s, const struct document *d,
			struct mreg_error *err)
{
	int rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);

	if (rc >= 0)
		rc = mr_store_put_bytes(s, &d->json_desc, d->json.data, err);
	if (rc >= 0)
		rc = mr_store_set(s, d->tag, &d->desc, d->manifest.data, NULL,
				  err);
	return rc < 0 ? mr_wrap(err, "cannot write the policy of '%s'",
				s->label)
		      : 0;
}

static int check_expect(const char *expect, const struct mreg_digest *now,
			const struct mr_store *s, struct mreg_error *err)
{
	struct mreg_digest want = { .algorithm = MREG_DIGEST_NONE };
	char text[MREG_DIGEST_TEXT];
	int rc = 0;

	if (!expect)
		return 0;
	if (strcmp(expect, "none") != 0)
		rc = mreg_digest_parse(expect, &want, err);
	if (rc < 0 || mreg_digest_equal(&want, now))
		return rc;
	(void)mr_fail(
		err, MREG_ECONFLICT,
		"policy of '%s' is not what was expected, it is %s", s->label,
		mr_digest_known(now) ? mreg_digest_text(now, text) : "none");
	return mr_hint(err, "look at it with 'mreg policy show', then expect "
			    "what it is now");
}

static struct mreg_digest policy_now(struct mr_history *h)
{
	const struct mr_event *e = mr_ledger_policy(h->ledger);
	struct mreg_digest none = { .algorithm = MREG_DIGEST_NONE };

	return e ? e->policy : none;
}

/* An event that lost to a fork is written again, on top of all heads. */
static int append(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_ref *ref, const struct mreg_digest *policy,
		  const char *expect, struct mreg_error *err)
{
	unsigned int round;
	int rc = 0;

	for (round = 0; rc >= 0 && round < MR_CLAIM_ROUNDS_MAX; round++) {
		struct mreg_digest now = policy_now(h);
		struct mr_event e = { .kind = MR_EVENT_POLICY_CHANGED,
				      .policy = *policy,
				      .was = now };

		if (mreg_digest_equal(&now, policy))
			return 0;
		/* Who won is not what was expected. */
		if (round > 0 && expect)
			break;
		rc = mr_log_append(m, s, h, ref, &e, NULL, err);
		if (rc >= 0)
			rc = mr_history_read(m, s, h, err);
	}
	if (rc < 0)
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "the policy of '%s' was changed by others meanwhile",
		      s->label);
	return mr_hint(err, "agree with them, then run it again");
}

/* A document that a folder lost is brought back, so it is not there. */
static int look(struct mr_store *s, const char *tag, bool *there,
		struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc now;
	int rc = mr_tag_resolve(s, tag, &now, there, &why);

	if (rc == MREG_ENOTFOUND) {
		*there = false;
		return 0;
	}
	if (rc < 0)
		*err = why;
	return rc;
}

static int set_locked(struct mreg *m, struct mr_store *s,
		      const struct mreg_ref *ref, const struct document *d,
		      const struct mreg_policy_set_opts *o,
		      struct mreg_policy_set_result *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	bool there = false;
	int rc = mr_history_read(m, s, &h, err);

	if (rc < 0)
		return rc;
	out->was = policy_now(&h);
	rc = check_expect(o->expect, &out->was, s, err);
	if (rc < 0)
		return rc;
	out->changed = !mreg_digest_equal(&out->was, &out->digest);
	if (o->dry_run)
		return 0;
	if (d->tag[0] && h.found)
		rc = look(s, d->tag, &there, err);
	if (rc >= 0 && d->tag[0] && !there)
		rc = put_document(s, d, err);
	if (rc >= 0 && out->changed)
		rc = append(m, s, &h, ref, &out->digest, o->expect, err);
	return rc;
}

/* Taking away what is not there must not leave an empty store behind, which
 * locking would make. */
static int has_policy(struct mreg *m, struct mr_store *s, bool *has,
		      struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .found = false };
	struct mreg_digest now;
	int rc = mr_history_read(m, s, &h, err);

	if (rc < 0)
		return rc;
	now = policy_now(&h);
	*has = mr_digest_known(&now);
	return 0;
}

static int check_name(const struct mreg_ref *ref, const char *text,
		      struct mreg_error *err)
{
	if (!ref->tag[0] && !mr_digest_known(&ref->digest))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "a policy is of a whole model, not of '%.100s'", text);
	return mr_hint(err, "leave out the tag and the digest");
}

static int set(struct mreg *m, const char *name, const char *file,
	       const struct mreg_policy_set_opts *o,
	       struct mreg_policy_set_result *out, struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	MR_AUTO(document_release)
	struct document d = { .json = MR_BUF_INIT(MR_POLICY_MAX_BYTES),
			      .manifest = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES) };
	struct mreg_policy_set_opts looking = *o;
	struct mr_arena *a = out->owner;
	char text[MREG_REF_TEXT];
	struct mreg_ref ref;
	bool has = true;
	int rc = mr_target_parse(m, name, &ref, err);

	if (rc >= 0)
		rc = check_name(&ref, name, err);
	if (rc >= 0 && file)
		rc = make_document(file, a, &d, out, err);
	if (rc >= 0)
		rc = mr_target_open(m, &ref, &s, err);
	if (rc >= 0 && !file)
		rc = has_policy(m, s, &has, err);
	looking.dry_run = o->dry_run || !has;
	if (rc >= 0 && !looking.dry_run)
		rc = mr_store_lock(s, err);
	if (rc < 0)
		return rc;
	rc = set_locked(m, s, &ref, &d, &looking, out, err);
	if (!looking.dry_run)
		mr_store_unlock(s);
	if (rc < 0)
		return rc;
	out->name = mr_arena_strdup(a, mr_target_name(m, &ref, text));
	out->dry_run = o->dry_run;
	return mr_result_check(a, err);
}

int mreg_policy_set(struct mreg *m, const char *name, const char *file,
		    const struct mreg_policy_set_opts *given,
		    struct mreg_policy_set_result *out, struct mreg_error *err)
{
	struct mreg_policy_set_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = set(m, name, file, &o, out, err);
	if (rc < 0)
		mreg_policy_set_result_release(out);
	return rc;
}

void mreg_policy_set_result_release(struct mreg_policy_set_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
