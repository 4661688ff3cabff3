/*
 * mreg/du.h - the bytes that models take, and how many of them are shared.
 */
#ifndef MREG_DU_H
#define MREG_DU_H

#include "mreg/push.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Manifests, configs and files, attached documents too, without the log.  A
 * blob is counted once but in `logical`, wherever it is named.
 */
struct mreg_du_bytes {
	uint64_t logical; /* of each version, as if it were alone */
	uint64_t stored;  /* each blob once */
	uint64_t unique;  /* of them, what no other model has */
	uint64_t shared;  /* of them, what several versions or models have */
	uint64_t reclaimable; /* what mreg_gc would free */
};

struct mreg_du_row {
	const char *name;  /* of the model; of an owner's row NULL */
	const char *owner; /* as the model's record says; NULL: none */
	uint64_t models, versions;
	struct mreg_du_bytes bytes;
};

struct mreg_du_result {
	struct mreg_du_row *rows; /* in the order asked for; else by name */
	size_t count;
	/* By owner, that of models without one last; `unique` is what no other
	 * owner has. */
	struct mreg_du_row *owners;
	size_t owner_count;
	struct mreg_du_row total; /* of all that were looked at */
	/* Models that were not named and could not be read, and why. */
	const struct mreg_pair *unread;
	size_t unread_count;
	void *owner;
};

/* Of the models in `names`; none: of all below the configured prefix.  What
 * is shared is shared among these. */
MREG_API int mreg_du(struct mreg *m, const struct mreg_texts *names,
		     struct mreg_du_result *out, struct mreg_error *err);
MREG_API void mreg_du_result_release(struct mreg_du_result *r);

#ifdef __cplusplus
}
#endif

#endif
