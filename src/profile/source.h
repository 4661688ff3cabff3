/*
 * profile/source.h - layers of an image as a store to copy from: made of
 * headers and the version's own blobs while they are read, and nowhere kept.
 * Private to the folder.
 */
#ifndef MR_PROFILE_SOURCE_H
#define MR_PROFILE_SOURCE_H

#include "profile/layout.h"
#include "store/store.h"

/*
 * A read-only store over `layers`, whose files' blobs are in `from` (all
 * borrowed).  A layer is opened by its digest once that is known, before by
 * its index (mr_store_open_item); learning it sets the layer's own.  Each file
 * that is read whole is proven by its digest on the way; of a part of a layer
 * the whole files in it are.
 */
int mr_image_source(struct mr_env *env, struct mr_image_layer *const *layers,
		    size_t count, struct mr_store *from, struct mr_store **out,
		    struct mreg_error *err);

#endif
