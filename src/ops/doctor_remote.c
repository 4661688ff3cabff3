/*
 * doctor_remote.c - the questions to a registry (protocol.md 7) and what the
 * answers mean for somebody who keeps models there.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/doctor.h"

struct ask {
	struct doctor *d;
	struct mr_store *s;
	struct mr_sample sample;
	struct mr_litter litter; /* owned */
	bool wrote;
};

static void ask_release(struct ask *a)
{
	mr_litter_release(&a->litter);
	mr_store_closep(&a->s);
}

/* -- the host ---------------------------------------------------------------
 */

static int ask_host(struct doctor *d, struct mr_net *net, const char *host,
		    struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char user[256] = "";
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_reach(net, host, &p, err);

	if (rc >= 0)
		rc = mr_doctor_probe(d, "reach", &p, "",
				     "everything, passwords too, can be read "
				     "and changed on the way",
				     err);
	if (rc >= 0)
		rc = mr_probe_login(net, host, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "login", &p, "",
				     "run 'mreg login' for what is not public",
				     err);
	(void)mr_net_user(net, host, user, sizeof(user), &ignored);
	d->out->user = mr_arena_strdup(d->out->owner, user);
	if (rc >= 0)
		rc = mr_probe_catalog(net, host, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "catalog", &p,
				     "'mreg ls' finds the models here",
				     "'mreg ls' cannot find models here: name "
				     "them",
				     err);
	return rc;
}

/* -- reading -----------------------------------------------------------------
 */

static int ask_sample(struct ask *a, struct mreg_error *err)
{
	struct doctor *d = a->d;
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_pull(a->s, &a->sample, &p, err);

	if (rc >= 0)
		rc = mr_doctor_probe(d, "pull", &p, "", "", err);
	if (rc < 0 || p.can != MR_CAN_YES)
		return rc;
	rc = mr_probe_ranges(a->s, &a->sample, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(
			d, "ranges", &p,
			"pull fetches parts of a file side by side and "
			"continues after an interruption",
			"pull fetches every file in one piece, and from its "
			"beginning after an interruption",
			err);
	if (rc >= 0)
		rc = mr_probe_etag(a->s, &a->sample, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "head", &p, "",
				     "looking a tag up may cost fetching its "
				     "manifest",
				     err);
	if (rc >= 0)
		rc = mr_probe_referrers(a->s, &a->sample, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(
			d, "referrers", &p, "attached documents are listed",
			"attached documents are listed by a tag that every "
			"writer rewrites (sha256-...): two at once may lose "
			"one until the next writes",
			err);
	return rc;
}

static int ask_reading(struct ask *a, struct mreg_error *err)
{
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_tags(a->s, &a->sample, &p, err);

	if (rc >= 0)
		rc = mr_doctor_probe(a->d, "tags", &p, "",
				     "versions cannot be listed, and numbers "
				     "not be given: the log is read by listing",
				     err);
	if (rc < 0)
		return rc;
	if (a->sample.tag[0])
		return ask_sample(a, err);
	return mr_doctor_add(a->d, "pull", MREG_VERDICT_UNKNOWN,
			     "there is nothing to read in this repository",
			     "name one with a tag, or ask with --write", err);
}

/* -- writing -----------------------------------------------------------------
 */

/* Whether anything can be written at all. */
static int ask_push(struct ask *a, struct mreg_error *err)
{
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_upload(a->s, MR_PROBE_WHOLE, &a->litter, &p, err);

	a->wrote = p.can == MR_CAN_YES;
	return rc < 0 ? rc
		      : mr_doctor_probe(
				a->d, "push", &p, "",
				"nothing can be pushed here as who you are",
				err);
}

static int ask_uploads(struct ask *a, struct mreg_error *err)
{
	struct doctor *d = a->d;
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_upload(a->s, MR_PROBE_STREAM, &a->litter, &p, err);

	if (rc >= 0)
		rc = mr_doctor_probe(d, "stream", &p,
				     "a new file is read once: hashed while it "
				     "is sent",
				     "a new file is read twice: hashed, then "
				     "sent",
				     err);
	if (rc >= 0)
		rc = mr_probe_upload(a->s, MR_PROBE_CHUNKS, &a->litter, &p,
				     err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "chunks", &p,
				     "a file can be sent in parts, where a "
				     "proxy limits what one request may have",
				     "a file has to fit into one request", err);
	if (rc >= 0)
		rc = mr_probe_upload(a->s, MR_PROBE_SINGLE, &a->litter, &p,
				     err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "single", &p,
				     "a small file costs one request",
				     "a small file costs two requests", err);
	if (rc >= 0)
		rc = mr_probe_mount(a->s, &a->litter, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "mount", &p,
				     "files that another repository here has "
				     "need not be sent",
				     "files are sent to every repository anew",
				     err);
	return rc;
}

static int ask_documents(struct ask *a, struct mreg_error *err)
{
	struct doctor *d = a->d;
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_subject(a->s, &a->sample, &a->litter, &p, err);

	if (rc >= 0)
		rc = mr_doctor_probe(d, "subject", &p, "",
				     "after attaching a document mreg looks "
				     "whether it is listed, else keeps the "
				     "fallback tag",
				     err);
	if (rc >= 0)
		rc = mr_probe_tagging(a->s, &a->litter, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "multi-tag", &p, "",
				     "each tag costs a request of its own",
				     err);
	if (rc >= 0)
		rc = mr_probe_size(a->s, MR_MANIFEST_MAX_BYTES - (64u << 10),
				   &a->litter, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(d, "manifest size", &p, "",
				     "a model of thousands of files may be "
				     "refused",
				     err);
	return rc;
}

static int ask_move(struct ask *a, const char *topic, const char *prefix,
		    const char *yes, const char *no, struct mreg_error *err)
{
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_probe_move(a->s, prefix, &a->litter, &p, err);

	return rc < 0 ? rc : mr_doctor_probe(a->d, topic, &p, yes, no, err);
}

static int ask_tags(struct ask *a, struct mreg_error *err)
{
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = ask_move(a, "move alias", "", "",
			  "aliases and 'latest' cannot be moved: this "
			  "repository makes all tags immutable",
			  err);

	if (rc >= 0)
		rc = ask_move(a, "move v*", "v0",
			      "whoever may push here can also move a version's "
			      "tag; 'mreg ls' would mark it, an immutability "
			      "rule for v* would prevent it",
			      "the registry keeps versions where they are",
			      err);
	if (rc >= 0)
		rc = ask_move(a, "move mreg.*", "mreg.",
			      "whoever may push here can also replace entries "
			      "of a model's log; every reader would see it",
			      "the registry keeps the log as it is; 'mreg "
			      "create NAME --linear' makes use of that",
			      err);
	if (rc >= 0)
		rc = mr_probe_untag(a->s, &a->sample, &a->litter, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(
			a->d, "delete tag", &p, "'mreg alias rm' removes tags",
			p.can == MR_CAN_PARTLY
				? "'mreg alias rm' would take an untagged "
				  "version with it"
				: "'mreg alias rm' points the alias at a "
				  "tombstone that all commands take for 'not "
				  "found'",
			err);
	return rc;
}

/* "tag doctor-1, tag v01, 9 manifests, 4 blobs": digests of what nobody else
 * has help only who looks for them. */
static void put_litter(const struct mr_litter *l, struct mr_buf *b)
{
	const struct mr_list *lists[] = { &l->manifests, &l->blobs };
	static const char *const kinds[] = { "manifest", "blob" };
	size_t i;

	for (i = 0; i < l->tags.n; i++)
		mr_buf_printf(b, "%stag %s", b->len ? ", " : "",
			      l->tags.items[i]);
	for (i = 0; i < MR_COUNT(lists); i++)
		if (lists[i]->n)
			mr_buf_printf(b, "%s%zu %s%s", b->len ? ", " : "",
				      lists[i]->n, kinds[i],
				      lists[i]->n == 1 ? "" : "s");
}

static void log_litter(struct ask *a)
{
	const struct mr_litter *l = &a->litter;
	size_t i;

	for (i = 0; i < l->manifests.n; i++)
		mr_log(&a->d->m->env, MREG_LOG_INFO,
		       "doctor leaves in '%s': manifest %s", a->s->name,
		       l->manifests.items[i]);
	for (i = 0; i < l->blobs.n; i++)
		mr_log(&a->d->m->env, MREG_LOG_INFO,
		       "doctor leaves in '%s': blob %s", a->s->name,
		       l->blobs.items[i]);
}

static int tell_litter(struct ask *a, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	int rc;

	put_litter(&a->litter, &b);
	rc = mr_buf_check(&b, "what is left", err);
	if (rc < 0 || (!b.len && !a->wrote))
		return rc;
	if (!b.len)
		return mr_doctor_add(a->d, "clean", MREG_VERDICT_YES,
				     "everything that was written is removed",
				     "", err);
	log_litter(a);
	return mr_doctor_add(
		a->d, "clean", MREG_VERDICT_NO, mr_buf_text(&b),
		a->litter.unburied
			? "these are doctor's own; not every tag could be "
			  "pointed at a tombstone, so some look like aliases: "
			  "remove them with the registry's own tools"
			: "these are doctor's own and do no harm (tags point "
			  "at a tombstone): remove them with the registry's "
			  "own tools, or leave them; -v names all",
		err);
}

/* Interrupted, there is no result to name it in. */
static void warn_litter(struct ask *a)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);

	put_litter(&a->litter, &b);
	if (!b.len)
		return;
	mr_log(&a->d->m->env, MREG_LOG_WARN, "doctor leaves in '%s': %s%s",
	       a->s->name, mr_buf_text(&b),
	       a->litter.unburied ? "; some tags look like aliases" : "");
	log_litter(a);
}

static int ask_writing(struct ask *a, struct mreg_error *err)
{
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = ask_push(a, err);

	if (rc < 0 || !a->wrote)
		return rc;
	rc = ask_uploads(a, err);
	if (rc >= 0)
		rc = mr_probe_publish(a->s, &a->litter, &a->sample, &p, err);
	if (rc >= 0)
		rc = mr_doctor_probe(a->d, "manifest", &p, "",
				     "models cannot be kept here", err);
	if (rc < 0 || p.can != MR_CAN_YES)
		return rc;
	rc = ask_sample(a, err);
	if (rc >= 0)
		rc = ask_documents(a, err);
	return rc < 0 ? rc : ask_tags(a, err);
}

static int write_and_clean(struct ask *a, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = ask_writing(a, err);
	int cleaned = mr_probe_clean(a->s, &a->litter, &why);

	if (rc < 0 || cleaned < 0)
		warn_litter(a);
	if (rc < 0)
		return rc;
	if (cleaned < 0) {
		*err = why;
		return cleaned;
	}
	return tell_litter(a, err);
}

/* Whose limits apply, and which, follows from the host alone. */
static int tell_limits(struct doctor *d, struct mr_net *net, const char *host,
		       struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	uint64_t layer = 0;
	uint64_t request = 0;
	int rc = mr_remote_open(&d->m->env, net, host, "x", &s, err);

	if (rc < 0)
		return rc;
	d->out->profile =
		mr_arena_strdup(d->out->owner, mr_remote_profile_name(s));
	/* Their form was checked with the settings. */
	(void)mr_text_size_parse(mr_setting(d->m, "limit.layer"), &layer);
	(void)mr_text_size_parse(mr_setting(d->m, "limit.request"), &request);
	mr_remote_limits(s, layer, request);
	mr_probe_limits(s, &p);
	return mr_doctor_probe(d, "limits", &p,
			       "mreg keeps to them: a larger file is refused "
			       "before it is sent, a larger request sent in "
			       "parts where that goes",
			       "", err);
}

static int ask_repository(struct doctor *d, struct mr_net *net,
			  const char *host, const char *repository,
			  struct mreg_error *err)
{
	MR_AUTO(ask_release) struct ask a = { .d = d };
	struct mr_probe p = { .can = MR_CAN_UNKNOWN };
	int rc = mr_remote_open(&d->m->env, net, host, repository, &a.s, err);

	if (rc < 0)
		return rc;
	if (!d->out->write)
		return ask_reading(&a, err);
	rc = write_and_clean(&a, err);
	if (rc >= 0)
		rc = mr_probe_tags(a.s, &a.sample, &p, err);
	return rc < 0 ? rc
		      : mr_doctor_probe(
				d, "tags", &p, "",
				"versions cannot be listed, and numbers "
				"not be given: the log is read by "
				"listing",
				err);
}

int mr_doctor_remote(struct doctor *d, const char *host, const char *repository,
		     struct mreg_error *err)
{
	struct mr_net *net;
	int rc;

	if (d->out->write && !repository[0]) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' names no repository to write to", host);
		return mr_hint(err, "write HOST/REPOSITORY: a new, empty one "
				    "serves well");
	}
	rc = mr_session_net(d->m, &net, err);
	if (rc >= 0)
		rc = ask_host(d, net, host, err);
	if (rc >= 0)
		rc = tell_limits(d, net, host, err);
	if (rc >= 0 && repository[0])
		rc = ask_repository(d, net, host, repository, err);
	if (rc == MREG_ECANCELED)
		(void)mr_hint(err,
			      d->out->write
				      ? "what it wrote is removed, or named "
					"above; run the command again"
				      : "run the command again");
	return rc;
}
