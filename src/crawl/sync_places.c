/*
 * sync_places.c - from words to the repositories that are to be looked at.
 *
 * A place that can be listed is listed; what the index has below it is looked
 * at as well, so that what is gone is found, and a registry without a catalog
 * can be synced again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "crawl/sync.h"

#define LOCAL "oci:"
#define SHOWN_BYTES 100

static int add_ref(struct mr_sync *s, const struct mreg_ref *ref,
		   struct mreg_error *err)
{
	char name[MREG_REF_TEXT];

	return mr_list_add(&s->names, mr_ref_name(ref, name), err);
}

/* Models of the index, all or those of a place; `*any`: there are some. */
static int add_indexed(struct mr_sync *s, const char *under, bool *any,
		       struct mreg_error *err)
{
	struct mr_ix_model_row *rows = NULL;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0 && s->known)
		rc = mr_index_models(s->known, under, a, &rows, &n, err);
	for (i = 0; rc >= 0 && i < n; i++)
		rc = mr_list_add(&s->names, rows[i].name, err);
	*any = n > 0;
	return rc;
}

/* -- places ---------------------------------------------------------------- */

static bool is_trouble(enum mreg_code code)
{
	return code != MREG_EUNSUPPORTED && code != MREG_EAUTH &&
	       code != MREG_EDENIED;
}

int mr_sync_unlisted(struct mr_sync *s, const char *place,
		     const struct mreg_error *why, struct mreg_error *err)
{
	struct mreg_index_sync_result *out = s->out;
	char text[MR_ERROR_TEXT];
	struct mreg_pair *grown;

	grown = mr_arena_alloc(s->arena,
			       (out->unlisted_count + 1) * sizeof(*grown));
	if (!grown)
		return mr_fail_nomem(err);
	if (out->unlisted_count)
		memcpy(grown, out->unlisted,
		       out->unlisted_count * sizeof(*grown));
	grown[out->unlisted_count].name = mr_arena_strdup(s->arena, place);
	(void)mr_error_text(why, text);
	grown[out->unlisted_count++].value =
		why->hint[0]
			? mr_arena_printf(s->arena, "%s; %s", text, why->hint)
			: mr_arena_strdup(s->arena, text);
	out->unlisted = grown;
	/* What is new there is not in the index; of a registry that lists
	 * nothing to anybody, or to us, that is nothing new. */
	if (is_trouble(why->code) && !out->failure.code)
		out->failure = *why;
	return mr_result_check(s->arena, err);
}

/* Places stand in the index beside repositories, with a '/' at the end. */
static int remember_place(struct mr_sync *s, const char *place,
			  struct mreg_error *err)
{
	struct mr_ix_sync sync = { .synced_s = mr_now_s(&s->crawl.m->env) };
	char name[MREG_REF_TEXT];

	sync.tried_s = sync.synced_s;
	(void)snprintf(name, sizeof(name), "%s/", place);
	return mr_index_cache_try(s->crawl.ix, name, &sync, err);
}

/* All models of a place.  One whose listing fails is told, and those that are
 * known there are looked at; where none is, it is an error. */
static int add_place(struct mr_sync *s, const struct mreg_ref *place,
		     struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list found = { .n = 0 };
	struct mreg_error why = MREG_ERROR_INIT;
	const char *text = mr_place_text(place, s->arena);
	struct mreg_ref ref = *place;
	bool any = false;
	size_t i;
	int listed;
	int rc = mr_result_check(s->arena, err);

	if (rc >= 0)
		rc = add_indexed(s, text, &any, err);
	if (rc < 0)
		return rc;
	listed = mr_place_models(s->crawl.m, place, &found, &why);
	if (listed == MREG_EUNSUPPORTED)
		(void)mr_hint(&why,
			      "name the repositories: mreg index sync "
			      "%.60s/NAME...",
			      text);
	if (listed < 0 && (!any || listed == MREG_ECANCELED)) {
		*err = why;
		return listed;
	}
	if (listed < 0)
		return mr_sync_unlisted(s, text, &why, err);
	for (i = 0; rc >= 0 && i < found.n; i++) {
		(void)snprintf(ref.repository, sizeof(ref.repository), "%s",
			       found.items[i]);
		rc = add_ref(s, &ref, err);
	}
	/* A store that nobody wrote to yet, or that is away, is not listed. */
	if (rc < 0 || (place->dir[0] && access(place->dir, F_OK) < 0))
		return rc;
	return remember_place(s, text, err);
}

/* -- words ----------------------------------------------------------------- */

/* Whether a word can only name a place. */
static bool is_place(const char *word)
{
	const char *port = strrchr(word, ':');

	if (mr_text_ends(word, "/"))
		return true;
	if (mr_text_starts(word, LOCAL))
		return !strstr(word + strlen(LOCAL), "//");
	/* HOST:PORT; a repository with a tag is none of those either. */
	return !strpbrk(word, "/@") && port && port[1] &&
	       !port[1 + strspn(port + 1, "0123456789")];
}

/* A store that nobody wrote to yet has no folder; one that is named here has
 * one, or was not meant. */
static int check_folder(const struct mreg_ref *place, struct mreg_error *err)
{
	int rc = place->dir[0] ? mr_crawl_folder(place->dir, err) : 0;

	return rc == MREG_ENOTFOUND
		       ? mr_hint(err, "check the spelling of the path")
		       : rc;
}

/* `told`: by the user, now. */
static int add_prefix(struct mr_sync *s, const char *word, bool told,
		      struct mreg_error *err)
{
	char prefix[MREG_REF_TEXT];
	struct mreg_ref place;
	size_t n = strlen(word);
	int rc;

	while (n && word[n - 1] == '/')
		n--;
	(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)n, word);
	rc = mr_place_parse(s->crawl.m, prefix, &place, err);
	if (rc >= 0 && told)
		rc = check_folder(&place, err);
	return rc < 0 ? rc : add_place(s, &place, err);
}

static int is_known(struct mr_sync *s, const struct mreg_ref *ref, bool *known,
		    struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *store = NULL;
	MR_AUTO(mr_list_release) struct mr_list tags = { .n = 0 };
	struct mr_ix_seen *seen;
	struct mr_ix_sync sync;
	char name[MREG_REF_TEXT];
	size_t n;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0 && s->known)
		rc = mr_index_cached(s->known, mr_ref_name(ref, name), a, &seen,
				     &n, &sync, known, err);
	if (rc < 0 || *known)
		return rc;
	rc = mr_target_open(s->crawl.m, ref, &store, err);
	return rc < 0 ? rc : mr_store_tags(store, &tags, known, err);
}

/* What is there under a name is that repository; else it names a place. */
static int add_word(struct mr_sync *s, const char *word, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	char shown[SHOWN_BYTES];
	struct mreg_ref ref;
	bool known = false;
	int rc;

	if (is_place(word))
		return add_prefix(s, word, true, err);
	rc = mr_target_parse(s->crawl.m, word, &ref, err);
	if (rc < 0)
		return rc;
	(void)mr_text_safe(word, shown, sizeof(shown));
	if (ref.tag[0] || mr_digest_known(&ref.digest)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is one version", shown);
		return mr_hint(err, "an index has all versions of a model: "
				    "leave out tag and digest");
	}
	if (mr_place_is_policy(ref.repository)) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' holds a policy", shown);
		return mr_hint(err, "the index is of models");
	}
	rc = is_known(s, &ref, &known, &why);
	if (rc >= 0 && known)
		return add_ref(s, &ref, err);
	if (rc < 0) {
		*err = why;
		return rc;
	}
	rc = strchr(word, '/') || strchr(word, '.')
		     ? add_prefix(s, word, true, &why)
		     : MREG_ENOTFOUND;
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM || rc == MREG_EDB) {
		*err = why;
		return rc;
	}
	if (rc >= 0)
		return rc;
	(void)mr_fail(err, MREG_ENOTFOUND, "no such model '%s'", shown);
	return mr_hint(err, "'mreg ls' lists models; a place that holds some "
			    "ends in '/'");
}

/* -- all of them ----------------------------------------------------------- */

/* Places that were synced as a whole. */
static int add_remembered(struct mr_sync *s, const struct mreg_ref *but,
			  struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	const char *skip = mr_place_text(but, s->arena);
	struct mr_ix_synced *items = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0 && s->known)
		rc = mr_index_syncs(s->known, a, &items, &n, err);
	for (i = 0; rc >= 0 && i < n; i++) {
		struct mreg_error why = MREG_ERROR_INIT;
		size_t len = strlen(items[i].name);
		bool same = skip && len == strlen(skip) + 1 &&
			    strncmp(items[i].name, skip, len - 1) == 0;

		if (same || !mr_text_ends(items[i].name, "/"))
			continue;
		rc = add_prefix(s, items[i].name, false, &why);
		if (rc < 0 && rc != MREG_ECANCELED && rc != MREG_ENOMEM &&
		    rc != MREG_EDB)
			rc = mr_sync_unlisted(
				s, mr_arena_strndup(a, items[i].name, len - 1),
				&why, err);
		else if (rc < 0)
			*err = why;
	}
	return rc;
}

static int add_all(struct mr_sync *s, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_ref place;
	bool any = false;
	int rc = mr_place_parse(s->crawl.m, NULL, &place, err);

	if (rc >= 0)
		rc = add_indexed(s, NULL, &any, err);
	if (rc >= 0)
		rc = add_remembered(s, &place, err);
	/* Where there is no catalog, the only way to hear of something new. */
	if (rc >= 0 && s->known)
		rc = mr_hints_waiting(s->known, &s->names, err);
	if (rc < 0)
		return rc;
	rc = add_place(s, &place, &why);
	if (rc >= 0 || rc == MREG_ENOMEM)
		return rc;
	/* Others can be looked at. */
	if (s->names.n && rc != MREG_ECANCELED && rc != MREG_EDB)
		return mr_sync_unlisted(s, mr_place_text(&place, s->arena),
					&why, err);
	*err = why;
	return rc;
}

static void keep_each_once(struct mr_list *l)
{
	size_t n = 0;
	size_t i;

	mr_list_sort(l);
	for (i = 0; i < l->n; i++)
		if (n && strcmp(l->items[n - 1], l->items[i]) == 0)
			mr_release(l->items[i]);
		else
			l->items[n++] = l->items[i];
	l->n = n;
}

/* A registry that lists nothing is told beside what else was named; where that
 * is all, it is an error. */
static int add_words(struct mr_sync *s, struct mreg_error *err)
{
	const struct mreg_texts *words = &s->o->places;
	struct mreg_error first = MREG_ERROR_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < words->n; i++) {
		struct mreg_error why = MREG_ERROR_INIT;

		rc = add_word(s, words->items[i], &why);
		if (rc >= 0)
			continue;
		if (rc != MREG_EUNSUPPORTED) {
			*err = why;
			return rc;
		}
		if (!first.code)
			first = why;
		rc = mr_sync_unlisted(s, words->items[i], &why, err);
	}
	if (rc < 0 || s->names.n || !first.code)
		return rc;
	*err = first;
	return first.code;
}

/* Models of a store that is away: they stay as they are, and it is told once
 * for all of them. */
static int leave_out(struct mr_sync *s, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_ref last = { .dir = "" };
	int away = 0;
	size_t n = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < s->names.n; i++) {
		char *name = s->names.items[i];
		struct mreg_error ignored = MREG_ERROR_INIT;
		struct mreg_ref ref;

		if (mr_text_starts(name, LOCAL) &&
		    mr_ref_parse(name, &ref, &ignored) >= 0 &&
		    strcmp(ref.dir, last.dir) != 0) {
			last = ref;
			last.repository[0] = '\0';
			away = mr_crawl_folder(last.dir, &why);
			if (away < 0 && rc >= 0)
				rc = mr_sync_unlisted(
					s, mr_place_text(&last, s->arena), &why,
					err);
		}
		if (away < 0 && mr_text_starts(name, LOCAL))
			mr_release(name);
		else
			s->names.items[n++] = name;
	}
	s->names.n = n;
	return rc;
}

int mr_sync_places(struct mr_sync *s, struct mreg_error *err)
{
	int rc;

	if (s->o->hinted)
		return mr_hints_waiting(s->crawl.ix, &s->names, err);
	rc = s->o->places.n ? add_words(s, err) : add_all(s, err);
	if (rc < 0)
		return rc;
	keep_each_once(&s->names);
	return leave_out(s, err);
}
