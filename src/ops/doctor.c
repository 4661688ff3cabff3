/*
 * doctor.c - what a registry or a local store can and cannot do, in words.
 */
#include "mreg/doctor.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/doctor.h"

#define FINDINGS_MAX 64

int mr_doctor_add(struct doctor *d, const char *topic,
		  enum mreg_verdict verdict, const char *found,
		  const char *means, struct mreg_error *err)
{
	struct mr_arena *a = d->out->owner;
	struct mreg_finding *f;

	if (!d->out->findings)
		d->out->findings = mr_arena_alloc(a, FINDINGS_MAX * sizeof(*f));
	if (!d->out->findings)
		return mr_fail_nomem(err);
	if (d->out->finding_count == FINDINGS_MAX)
		return mr_fail(err, MREG_EINTERNAL, "too many findings");
	f = &d->out->findings[d->out->finding_count++];
	f->topic = mr_arena_strdup(a, topic);
	f->verdict = verdict;
	f->found = mr_arena_strdup(a, found);
	f->means = mr_arena_strdup(a, means);
	return mr_result_check(a, err);
}

int mr_doctor_probe(struct doctor *d, const char *topic,
		    const struct mr_probe *p, const char *yes, const char *no,
		    struct mreg_error *err)
{
	static const enum mreg_verdict verdicts[] = {
		[MR_CAN_UNKNOWN] = MREG_VERDICT_UNKNOWN,
		[MR_CAN_YES] = MREG_VERDICT_YES,
		[MR_CAN_NO] = MREG_VERDICT_NO,
		[MR_CAN_PARTLY] = MREG_VERDICT_PARTLY,
	};
	const char *means = p->can == MR_CAN_YES       ? yes
			    : p->can == MR_CAN_UNKNOWN ? ""
						       : no;

	return mr_doctor_add(d, topic, verdicts[p->can], p->found,
			     means ? means : "", err);
}

/* A first part with a dot, a port, or "localhost" is a host (product.md 2),
 * here also without a repository behind it. */
static bool has_host(const char *text)
{
	size_t n = strcspn(text, "/");
	const char *port = memchr(text, ':', n);

	if (text[n] && port)
		return true;
	if (port && strspn(port + 1, "0123456789") == strlen(port + 1))
		return true;
	return (!port && memchr(text, '.', n)) ||
	       (n == 9 && strncmp(text, "localhost", n) == 0);
}

/* HOST[/REPOSITORY]. */
static int parse_host(const char *text, struct mreg_ref *out,
		      struct mreg_error *err)
{
	size_t n = strcspn(text, "/");
	const char *rest = text + n + (text[n] == '/');

	(void)snprintf(out->host, sizeof(out->host), "%.*s", (int)n, text);
	(void)snprintf(out->repository, sizeof(out->repository), "%s", rest);
	if (n < sizeof(out->host) && mr_host_valid(out->host) &&
	    (!*rest || mr_repository_valid(rest)))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%.150s' is no HOST[/REPOSITORY]",
		      text);
	return mr_hint(err, "such as ghcr.io, localhost:5000/churn, or "
			    "oci:DIR; no tag");
}

/* "oci:DIR[//REPOSITORY]"; what has no repository is completed by a made-up
 * one. */
static int parse_dir(struct mreg *m, const char *text, struct mreg_ref *out,
		     struct mreg_error *err)
{
	static const char below[] = "x";
	const char *split = strstr(text + 4, "//");
	int rc;

	if (split && split[2])
		return mr_target_parse(m, text, out, err);
	(void)snprintf(out->repository, sizeof(out->repository), "%s", below);
	rc = mr_ref_complete(out, text, NULL, err);
	out->repository[0] = '\0';
	return rc;
}

/* Nothing was named: where short names are. */
static int parse_default(struct mreg *m, struct mreg_ref *out,
			 struct mreg_error *err)
{
	const char *prefix = mr_setting(m, "registry");

	if (mr_text_starts(prefix, "oci:"))
		return parse_dir(m, prefix, out, err);
	if (prefix[0]) {
		(void)snprintf(out->host, sizeof(out->host), "%.*s",
			       (int)strcspn(prefix, "/"), prefix);
		return 0;
	}
	(void)snprintf(out->dir, sizeof(out->dir), "%s",
		       mr_setting(m, "store"));
	if (out->dir[0])
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "there is no place for the local store");
	return mr_hint(err, "set MREG_STORE, HOME or XDG_DATA_HOME");
}

static int parse(struct mreg *m, const char *text, struct mreg_ref *out,
		 struct mreg_error *err)
{
	memset(out, 0, sizeof(*out));
	if (!text || !text[0])
		return parse_default(m, out, err);
	if (mr_text_starts(text, "oci:"))
		return parse_dir(m, text, out, err);
	if (has_host(text))
		return parse_host(text, out, err);
	return mr_target_parse(m, text, out, err);
}

static int run(struct doctor *d, const char *text, struct mreg_error *err)
{
	struct mr_arena *a = d->out->owner;
	struct mreg_ref ref;
	int rc = parse(d->m, text, &ref, err);

	if (rc < 0)
		return rc;
	if (ref.tag[0] || ref.digest.algorithm != MREG_DIGEST_NONE)
		return mr_fail(err, MREG_EUSAGE,
			       "'%.150s' names a version: name the repository",
			       text);
	d->out->host = ref.dir[0] ? mr_arena_printf(a, "oci:%s", ref.dir)
				  : mr_arena_strdup(a, ref.host);
	if (ref.repository[0])
		d->out->repository = mr_arena_strdup(a, ref.repository);
	d->out->user = "";
	d->out->profile = "local";
	if (ref.dir[0])
		return mr_doctor_local(d, ref.dir, ref.repository, err);
	return mr_doctor_remote(d, ref.host, ref.repository, err);
}

int mreg_doctor(struct mreg *m, const char *target,
		const struct mreg_doctor_opts *given,
		struct mreg_doctor_result *out, struct mreg_error *err)
{
	struct doctor d = { .m = m, .out = out };
	struct mreg_doctor_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	out->write = o.write;
	rc = run(&d, target, err);
	if (rc >= 0)
		rc = mr_result_check(arena, err);
	if (rc < 0)
		mreg_doctor_result_release(out);
	return rc;
}

void mreg_doctor_result_release(struct mreg_doctor_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
