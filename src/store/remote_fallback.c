/*
 * remote_fallback.c - the tag under which clients keep the list of who refers
 * to a manifest where the registry does not (distribution-spec, "Referrers Tag
 * Schema"), written.
 *
 * Invariants
 * 1. Nothing is taken out of the list: what was seen in it, and was lost
 *    because two wrote at once, or because a tag that is there was said not to
 *    be, is put back (P-72).  What the lists written last had is remembered
 *    while the store is open (struct mr_seen): of one tag for each of 16 locks,
 *    and only short ones.  What is no manifest of the repository any more stays
 *    out.
 * 2. The index that the tag named before is never deleted: another tag may
 *    name the same bytes.
 */
#include "store/remote.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "store/layout_entry.h"
#include "store/remote_lock.h"

/* Quay lists a referrer a moment after it took it (P-70). */
#define API_TRIES 4
#define API_PAUSE_MS 500
#define ROUNDS_MAX 5 /* P-72 */
#define PAUSE_MAX_MS 1000
/* A longer list is not remembered: memory is bounded (product.md 5.4). */
#define KEPT_ENTRIES_MAX 64

/* The entry of a manifest: what the API would tell of it (P-71). */
static int new_entry(const struct mr_manifest *m, json_t **out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(2 * MR_MANIFEST_MAX_BYTES);
	struct mr_descriptor d;
	int rc;

	mr_referrers_describe(m, &d);
	mr_descriptor_write(&d, &text);
	rc = mr_buf_check(&text, "the entry of a referrer", err);
	if (rc < 0)
		return rc;
	return mr_json_parse(text.data, text.len, text.max,
			     "the entry of a referrer", out, err);
}

static const char *digest_of(const json_t *entry)
{
	return json_string_value(json_object_get(entry, "digest"));
}

/* See to it that `entry`, the one of this digest, says what `like` says: some
 * clients leave annotations out (P-71). */
static int complete(json_t *entry, json_t *like, bool *changed,
		    struct mreg_error *err)
{
	size_t before = json_object_size(entry);

	if (json_object_update_missing(entry, like) < 0)
		return mr_fail_nomem(err);
	if (json_object_size(entry) != before)
		*changed = true;
	return 0;
}

/* The entries by digest. */
static int map_entries(json_t *entries, json_t **out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *map = json_object();
	const char *digest;
	json_t *entry;
	size_t i;

	if (!map)
		return mr_fail_nomem(err);
	json_array_foreach(entries, i, entry)
	{
		digest = digest_of(entry);
		if (digest && json_object_set(map, digest, entry) < 0)
			return mr_fail_nomem(err);
	}
	*out = mr_steal(&map);
	return 0;
}

/*
 * Let `entries` (`here`: by digest) have all that is in `seen`, and `seen` all
 * that is in `entries`.  `*changed`: there was something to add to `entries`.
 */
static int unite(json_t *entries, json_t *here, json_t *seen, bool *changed,
		 struct mreg_error *err)
{
	const char *digest;
	json_t *entry;
	int rc = 0;

	json_object_foreach(seen, digest, entry)
	{
		json_t *old = json_object_get(here, digest);

		if (rc == 0 && old)
			rc = complete(old, entry, changed, err);
		if (rc < 0 || old)
			continue;
		*changed = true;
		if (json_array_append(entries, entry) < 0)
			rc = mr_fail_nomem(err);
	}
	if (rc == 0 && json_object_update_missing(seen, here) < 0)
		rc = mr_fail_nomem(err);
	return rc;
}

/* The index under the tag; an empty one when there is none. */
static int load_index(struct mr_store *s, const char *tag, json_t **out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	bool found = false;
	int rc;

	rc = mr_store_get(s, tag, &doc, &found, err);
	if (rc < 0)
		return rc;
	if (!found)
		return mr_entries_parse(MR_LAYOUT_EMPTY,
					strlen(MR_LAYOUT_EMPTY), tag, out, err);
	if (strcasecmp(doc.desc.media_type, MR_MEDIA_INDEX) != 0) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "tag '%s' of '%s' is no image index but '%s'",
			      tag, s->name, doc.desc.media_type);
		return mr_hint(err, "it should list what refers to a manifest; "
				    "remove it, or copy it elsewhere");
	}
	return mr_entries_parse(mr_buf_text(&doc.bytes), doc.bytes.len, tag,
				out, err);
}

static int save_index(struct mr_remote *r, const char *tag, const json_t *index,
		      struct mr_list *missing, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	struct mreg_desc d = { .media_type = MR_MEDIA_INDEX };
	int rc;

	rc = mr_entries_write(index, tag, &bytes, err);
	if (rc == MREG_ELIMIT)
		(void)mr_hint(err, "too much refers to one manifest for a "
				   "registry without a referrers API");
	if (rc == 0)
		rc = mr_digest_of(bytes.data, bytes.len, &d.digest, err);
	if (rc < 0)
		return rc;
	d.size = bytes.len;
	return mr_remote_write(r, tag, &d, bytes.data, missing, NULL, err);
}

/* Take the entries of this digest out; how many there were. */
static size_t take_out(json_t *entries, json_t *seen, const char *digest)
{
	size_t i = json_array_size(entries);
	size_t n = 0;

	while (i-- > 0) {
		const char *got = digest_of(json_array_get(entries, i));

		if (!got || strcmp(got, digest) != 0)
			continue;
		(void)json_array_remove(entries, i); /* i is in range */
		n++;
	}
	(void)json_object_del(seen, digest); /* it may not be there */
	return n;
}

/*
 * Registries take no index that names what they do not have, so one document
 * that somebody deleted would keep every other out of the list.  What is
 * really gone is left out; `*n` is how many entries that were.  Not `own`,
 * which was just written: it is there a moment later, or this fails.
 */
static int leave_out(struct mr_remote *r, json_t *entries, json_t *seen,
		     const char *own, const struct mr_list *missing, size_t *n,
		     struct mreg_error *err)
{
	struct mreg_desc d;
	bool found = false;
	size_t i;
	int rc;

	*n = 0;
	for (i = 0; i < missing->n; i++) {
		if (strcmp(missing->items[i], own) == 0)
			continue;
		rc = mr_store_resolve(&r->base, missing->items[i], &d, &found,
				      err);
		if (rc < 0)
			return rc;
		if (!found)
			*n += take_out(entries, seen, missing->items[i]);
	}
	return 0;
}

/*
 * Write it, without what is gone: some registries name all that they miss at
 * once, others one after another.  What they miss though it is there (B-20) is
 * there a moment later.
 */
static int save(struct mr_remote *r, const char *tag, json_t *index,
		json_t *seen, const char *own, struct mreg_error *err)
{
	json_t *entries = json_object_get(index, "manifests");
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_env *env = r->base.env;
	unsigned int vain = 0;
	int rc;

	for (;;) {
		MR_AUTO(mr_list_release) struct mr_list missing = { .n = 0 };
		size_t gone = 0;
		int looked;

		rc = save_index(r, tag, index, &missing, &why);
		if (rc != MREG_ECONFLICT || missing.n == 0)
			break;
		looked = leave_out(r, entries, seen, own, &missing, &gone, err);
		if (looked == 0 && gone == 0 && ++vain > MR_REPAIRS_MAX)
			break;
		if (looked == 0 && gone == 0)
			looked = mr_sleep_ms(
				env, mr_retry_delay_ms(vain, 0, mr_random(env)),
				err);
		if (looked < 0)
			return looked;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* Whether a manifest that was listed is deleted: asked twice, for who lags
 * with the list may lag with that too.  Trouble is no answer. */
static int is_deleted(struct mr_remote *r, const char *digest, bool *deleted,
		      struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc d;
	bool found = false;
	int rc;

	*deleted = false;
	rc = mr_store_resolve(&r->base, digest, &d, &found, &why);
	if (rc == 0 && !found)
		rc = mr_sleep_ms(r->base.env, API_PAUSE_MS, &why);
	if (rc == 0 && !found)
		rc = mr_store_resolve(&r->base, digest, &d, &found, &why);
	*deleted = rc == 0 && !found;
	if (rc != MREG_ECANCELED && rc != MREG_ENOMEM)
		return 0;
	if (err)
		*err = why;
	return rc;
}

/* What was seen in the list and is not there now was lost, or is deleted:
 * then `seen` forgets it. */
static int forget_deleted(struct mr_remote *r, const json_t *here, json_t *seen,
			  const char *own, struct mreg_error *err)
{
	const char *digest;
	json_t *entry;
	void *next;
	bool deleted;
	int rc = 0;

	json_object_foreach_safe(seen, next, digest, entry)
	{
		(void)entry;
		if (rc < 0 || strcmp(digest, own) == 0 ||
		    json_object_get(here, digest))
			continue;
		rc = is_deleted(r, digest, &deleted, err);
		if (rc == 0 && deleted)
			(void)json_object_del(seen, digest); /* it is there */
	}
	return rc;
}

/* Read the list; write it when something is missing, if we may. */
static int look(struct mr_remote *r, const char *tag, json_t *seen,
		const char *own, bool write, bool *changed,
		struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	MR_AUTO(mr_json_freep) json_t *here = NULL;
	json_t *entries;
	int rc;

	*changed = false;
	rc = load_index(&r->base, tag, &index, err);
	if (rc < 0)
		return rc;
	entries = json_object_get(index, "manifests");
	rc = map_entries(entries, &here, err);
	if (rc == 0)
		rc = forget_deleted(r, here, seen, own, err);
	if (rc == 0)
		rc = unite(entries, here, seen, changed, err);
	if (rc == 0 && *changed && write)
		rc = save(r, tag, index, seen, own, err);
	return rc;
}

/*
 * How long to wait before the list is read again.  Who read it before we wrote
 * writes within about the time that reading and writing took us, and takes us
 * out; who finds out that somebody did gets out of their step.
 */
static int64_t pause_ms(struct mr_env *env, int64_t took_ms, unsigned int round)
{
	int64_t ms = took_ms < PAUSE_MAX_MS ? took_ms : PAUSE_MAX_MS;

	ms = 2 * ms + (int64_t)mr_random(env) % (ms + 1);
	if (round > 0)
		ms += mr_retry_delay_ms(round, 0, mr_random(env));
	return ms;
}

/* Which lock and which memory are a subject's; two may share them. */
static size_t place_of(const struct mreg_digest *subject)
{
	return subject->bytes[0] % MR_LISTS;
}

/* What the list was seen to have, taken; new when that is not known. */
static json_t *recall(struct mr_list_seen *known, const char *tag)
{
	json_t *seen = known->entries;

	if (!seen || strcmp(known->tag, tag) != 0)
		return json_object();
	known->entries = NULL;
	return seen;
}

/* The newest list in its place. */
static void remember(struct mr_list_seen *known, const char *tag, json_t **seen)
{
	size_t n = strlen(tag);

	if (json_object_size(*seen) > KEPT_ENTRIES_MAX ||
	    n >= sizeof(known->tag))
		return;
	json_decref(known->entries);
	known->entries = mr_steal(seen);
	memcpy(known->tag, tag, n + 1);
}

/*
 * Read, add, write, and read again, until nothing of what we ever saw there is
 * missing.  There is no compare-and-swap on tags, so a writer who read before
 * we wrote takes us out again; then it is done once more.
 */
static int merge(struct mr_remote *r, const char *tag, json_t *entry,
		 struct mr_list_seen *known, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *seen = recall(known, tag);
	struct mr_env *env = r->base.env;
	int64_t begin, wait_ms = 0;
	bool changed = true;
	unsigned int round;
	int rc = 0;

	if (!seen || json_object_set(seen, digest_of(entry), entry) < 0)
		return mr_fail_nomem(err);
	for (round = 0; rc == 0 && changed && round <= ROUNDS_MAX; round++) {
		if (round > 0)
			rc = mr_sleep_ms(env, wait_ms, err);
		begin = mr_mono_ms(env);
		if (rc == 0)
			rc = look(r, tag, seen, digest_of(entry),
				  round < ROUNDS_MAX, &changed, err);
		wait_ms = pause_ms(env, mr_mono_ms(env) - begin, round);
	}
	remember(known, tag, &seen); /* the more so when it did not work */
	if (rc < 0 || !changed)
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "tag '%s' of '%s' is written by others all the time", tag,
		      r->base.name);
	return mr_hint(err, "run the same command again");
}

/* Several threads that attach to one manifest wait for each other, however
 * long (remote_lock.c: processes, some seconds); nothing is kept here between
 * calls. */
static pthread_mutex_t *lock_of(const struct mreg_digest *subject)
{
	static pthread_mutex_t locks[MR_LISTS] = {
		[0 ... MR_LISTS - 1] = PTHREAD_MUTEX_INITIALIZER,
	};

	return &locks[place_of(subject)];
}

/*
 * Quay has the API but does not say so when it takes a manifest, and a tag
 * that nobody needs would stay there for ever (P-70).  Trouble is no answer:
 * then the tag is kept, as the specification asks.
 */
static int listed_by_api(struct mr_remote *r, const struct mr_manifest *m,
			 bool *listed, struct mreg_error *err)
{
	const struct mreg_digest *subject = &m->subject.desc.digest;
	struct mr_env *env = r->base.env;
	struct mreg_error why = MREG_ERROR_INIT;
	unsigned int i;
	bool there;
	size_t k;
	int rc;

	for (i = 0; i < API_TRIES; i++) {
		MR_AUTO(mr_referrers_release)
		struct mr_referrers got = MR_REFERRERS_INIT;

		rc = i ? mr_sleep_ms(env, API_PAUSE_MS * (int64_t)i, &why) : 0;
		if (rc == 0)
			rc = mr_referrers_begin(&got, &why);
		if (rc == 0)
			rc = mr_remote_ask_api(r, subject, NULL, &got, &there,
					       &why);
		if (rc == MREG_ECANCELED || rc == MREG_ENOMEM) {
			if (err)
				*err = why;
			return rc;
		}
		if (rc < 0 || !there)
			return 0;
		for (k = 0; k < got.count && !*listed; k++)
			*listed = mreg_digest_equal(&got.items[k].desc.digest,
						    &m->desc.digest);
		if (*listed)
			return 0;
	}
	return 0;
}

int mr_remote_refer(struct mr_remote *r, const struct mr_manifest *m,
		    struct mreg_error *err)
{
	const struct mreg_digest *subject = &m->subject.desc.digest;
	MR_AUTO(mr_json_freep) json_t *entry = NULL;
	char tag[MR_FALLBACK_TAG_BYTES];
	bool listed = false;
	int lock = -1;
	int rc;

	rc = listed_by_api(r, m, &listed, err);
	if (rc < 0 || listed)
		return rc;
	rc = new_entry(m, &entry, err);
	if (rc < 0)
		return rc;
	(void)mr_fallback_tag(subject, tag);
	(void)pthread_mutex_lock(lock_of(subject));
	rc = mr_remote_lock(r, tag, &lock, err);
	if (rc == 0)
		rc = merge(r, tag, entry, &r->seen.lists[place_of(subject)],
			   err);
	mr_fd_close(&lock);
	(void)pthread_mutex_unlock(lock_of(subject));
	if (rc < 0)
		mr_remote_explain(r->host,
				  "cannot list a manifest with its subject",
				  err);
	return rc;
}
