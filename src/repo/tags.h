/*
 * repo/tags.h - places that hold repositories, and what the tags of one point
 * at; a part of the door repo/repo.h, which includes it.
 */
#ifndef MR_REPO_TAGS_H
#define MR_REPO_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "mreg/session.h"
#include "oci/oci.h"
#include "repo/log.h"
#include "store/store.h"

/* -- place.c: places that hold repositories */

/* A local store by its whole path: what is remembered under its name (an index,
 * who wrote there last) holds wherever the next command is started. */
int mr_place_settle(struct mreg_ref *ref, struct mreg_error *err);
/* What a prefix names (HOST[/PATH] or oci:DIR[//PATH]; NULL: the configured
 * one, else the local store): `repository` is "", or ends in '/'. */
int mr_place_parse(struct mreg *m, const char *prefix, struct mreg_ref *place,
		   struct mreg_error *err);
/* As it may be given again; in the arena. */
const char *mr_place_text(const struct mreg_ref *place, struct mr_arena *a);
/* Repositories of models there, whole names; those of policies alone are left
 * out.  MREG_EUNSUPPORTED where a registry has no catalog. */
int mr_place_models(struct mreg *m, const struct mreg_ref *place,
		    struct mr_list *out, struct mreg_error *err);
/* Whether it is for a policy, and is no model. */
bool mr_place_is_policy(const char *repository);

/* -- tags.c: what a repository's tags point at */

struct mr_tag_row {
	const char *tag; /* borrowed from the list */
	enum mr_tag_kind kind;
	uint64_t number; /* of a version's tag */
	struct mreg_desc desc;
	bool found; /* it is there, and no tombstone */
};
/* One HEAD for each tag that is a version, a release, an alias or latest;
 * those that are there, in the order of `tags`.  `*out` is the caller's
 * (mr_release). */
int mr_tag_rows(struct mreg *m, struct mr_store *s, const struct mr_list *tags,
		struct mr_tag_row **out, size_t *count, struct mreg_error *err);
/* The versions a log and a listing know of, and, because listings drop tags,
 * those that HEAD finds above (product.md 2): their tags, into `out`. */
int mr_version_tags(struct mr_store *s, const struct mr_history *h,
		    struct mr_list *out, struct mreg_error *err);
/* The last part of that: tags of versions above `top`, asked one by one until
 * there is none. */
int mr_version_above(struct mr_store *s, uint64_t top, struct mr_list *out,
		     struct mreg_error *err);
/* The names (aliases, releases, latest) among `rows` of one digest, in the
 * arena, sorted. */
const char *const *mr_tag_names(struct mr_arena *a,
				const struct mr_tag_row *rows, size_t n,
				const struct mreg_digest *d, size_t *count);

#endif
