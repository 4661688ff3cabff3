/*
 * repo/recall.h - what the index knows in the place of a registry, for who only
 * looks; a part of the door repo/repo.h, which includes it.
 *
 * A model is taken from the index as a store whose tags are those that the last
 * sync saw (store/recalled.h), so what is read of it is read by the same code,
 * and comes out the same.  That is what the caches of the index are for here:
 * a listing and its HEADs that need not be asked for again.
 */
#ifndef MR_REPO_RECALL_H
#define MR_REPO_RECALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "index/index.h"
#include "mreg/session.h"
#include "store/store.h"

struct mr_recall {
	struct mr_arena *arena; /* owned; of the rows */
	int64_t synced_s;       /* 0: the index was not used */
	struct mr_ix_row *rows; /* all versions, highest number first */
	size_t count;
	bool whole; /* nothing of them was left out or cut (notes) */
};
void mr_recall_release(struct mr_recall *r); /* for MR_AUTO too */

/*
 * Put what the index knows of the model in the place of its store, if the
 * session may use it (mreg_use_index) and it is fresh enough: it was synced
 * well less than index.fresh ago, nothing told since that there is something
 * new, and this machine did not write to it since, as far as that was noted
 * all the time.  `out` is zeroed first.  MREG_ENOTFOUND: MREG_INDEX_ALWAYS, and
 * the model is not in the index; what is wrong with the index otherwise only
 * keeps it from being used, which is logged.
 */
int mr_recall(struct mreg *m, const struct mreg_ref *ref, struct mr_store **s,
	      struct mr_recall *out, struct mreg_error *err);
/* The version's row; NULL: none is known. */
const struct mr_ix_row *mr_recall_row(const struct mr_recall *r,
				      uint64_t number,
				      const struct mreg_digest *d);
/* Whether what was not found by it is to be looked for without it; then it is
 * not used any more. */
bool mr_recall_again(const struct mreg *m, const struct mr_recall *r, int rc);

/*
 * The repositories of models below `place` (mr_place_parse) that are indexed,
 * whole names, sorted; `*synced_s`: the oldest sync of one of them.  `*used`
 * false: the index may not be used, or is not there.
 */
int mr_recall_models(struct mreg *m, const struct mreg_ref *place,
		     struct mr_list *out, int64_t *synced_s, bool *used,
		     struct mreg_error *err);

#endif
