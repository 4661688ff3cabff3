/*
 * wait.c - blocking until an alias moves.
 *
 * Only the tag is asked for, by HEAD: whoever waits may have no right to list,
 * and waits long.
 */
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "mreg/alias.h"
#include "life/names.h"

#define FIRST_MS 2000
#define LAST_MS 15000

static int fail_timeout(const struct mreg_ref *ref, const struct mr_store *s,
			const struct mreg_wait_opts *o, struct mreg_error *err)
{
	(void)mr_fail(
		err, MREG_ENOTFOUND,
		o->changed || o->from
			? "alias '%s' of '%s' has not moved within %llu s"
			: "alias '%s' of '%s' was not there within %llu s",
		ref->tag, s->label, (unsigned long long)o->timeout_s);
	return mr_hint(err, "wait longer with --timeout");
}

/* What the alias has; NONE: it is not there. */
static int look(struct mr_store *s, const struct mreg_ref *ref,
		struct mreg_digest *out, struct mreg_error *err)
{
	struct mreg_desc d;
	bool found;
	int rc = mr_tag_resolve(s, ref->tag, &d, &found, err);

	memset(out, 0, sizeof(*out));
	if (rc >= 0 && found)
		*out = d.digest;
	return rc;
}

static bool is_done(const struct mreg_wait_opts *o,
		    const struct mreg_digest *from,
		    const struct mreg_digest *now)
{
	if (!o->changed && !o->from)
		return mr_digest_known(now);
	return !mreg_digest_equal(from, now);
}

static int wait_for(struct mreg *m, struct mr_store *s,
		    const struct mreg_ref *ref, const struct mreg_wait_opts *o,
		    struct mreg_alias_result *out, struct mreg_error *err)
{
	int64_t start_ms = mr_mono_ms(&m->env);
	int64_t pause_ms = o->interval_ms ? (int64_t)o->interval_ms : FIRST_MS;
	struct mreg_digest from = { .algorithm = MREG_DIGEST_NONE };
	int rc = o->from ? mreg_digest_parse(o->from, &from, err)
			 : look(s, ref, &from, err);

	out->was = from;
	for (;;) {
		int64_t left_ms;

		if (rc >= 0)
			rc = look(s, ref, &out->digest, err);
		if (rc < 0 || is_done(o, &from, &out->digest))
			break;
		left_ms = (int64_t)o->timeout_s * 1000 -
			  (mr_mono_ms(&m->env) - start_ms);
		if (o->timeout_s && left_ms <= 0)
			return fail_timeout(ref, s, o, err);
		if (o->timeout_s && pause_ms > left_ms)
			pause_ms = left_ms;
		rc = mr_sleep_ms(&m->env, pause_ms, err);
		if (!o->interval_ms && pause_ms * 2 <= LAST_MS)
			pause_ms *= 2;
	}
	out->changed = !mreg_digest_equal(&out->was, &out->digest);
	return rc;
}

int mreg_wait(struct mreg *m, const char *text,
	      const struct mreg_wait_opts *given, struct mreg_alias_result *out,
	      struct mreg_error *err)
{
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mreg_wait_opts o;
	struct mreg_ref ref;
	int rc = mr_name_begin(out, err);

	mr_opts_take(&o, sizeof(o), given, given->size);
	if (rc >= 0)
		rc = mr_name_target(m, text, &ref, &s, err);
	if (rc >= 0)
		rc = wait_for(m, s, &ref, &o, out, err);
	if (rc >= 0)
		rc = mr_name_end(m, s, &ref, ref.tag, false, out, err);
	if (rc < 0)
		mreg_alias_result_release(out);
	return rc;
}
