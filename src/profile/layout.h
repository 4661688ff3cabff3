/*
 * profile/layout.h - which file of a version lies in which layer of its image,
 * and at which offset.  Private to the folder.
 *
 * A function of the files alone: no registry, no clock and no option but how
 * many layers there may be decides it, so that the same version has the same
 * layers everywhere.
 */
#ifndef MR_PROFILE_LAYOUT_H
#define MR_PROFILE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "mreg/types.h"

/* Where files lie in an image; every reader of modelcars wants it so. */
#define MR_IMAGE_FOLDER "models/"
/* Docker refuses 126 layers, and bases bring some of their own (consumers.md
 * 5.5). */
#define MR_IMAGE_LAYERS_MAX 100
/* From here on a file has a layer to itself, and its bytes begin at a page. */
#define MR_IMAGE_LARGE_BYTES (UINT64_C(1) << 20)

/* A file of the version. */
struct mr_image_file {
	const char *path; /* borrowed; below MR_IMAGE_FOLDER */
	struct mreg_digest digest;
	uint64_t size;
	bool executable;
	const char *role; /* in the version; borrowed */
};

/* An entry of a layer's tar. */
struct mr_image_member {
	const char *path; /* as in the tar; a folder's ends in '/' */
	struct mreg_desc desc;
	const void *bytes; /* borrowed; NULL: a blob, or a folder */
	bool folder, executable, paged;
	uint64_t at;    /* where its header begins */
	uint64_t begin; /* where its bytes do */
};

enum mr_image_part {
	MR_IMAGE_SHELL, /* /bin/sh, made here */
	MR_IMAGE_WEIGHTS,
	MR_IMAGE_SMALL, /* all files below MR_IMAGE_LARGE_BYTES */
};

struct mr_image_layer {
	enum mr_image_part part;
	struct mreg_desc desc; /* digest NONE until somebody read it */
	struct mr_image_member *members;
	size_t count;
	size_t files;                       /* of the members */
	const struct mr_image_member *only; /* of one file: it; else NULL */
	const char *label;                  /* for progress and messages */
};

struct mr_image_layout {
	struct mr_image_layer *layers;
	size_t count;
};

/*
 * Lay `files` out in at most `most` layers, which is at least 2; in the arena.
 * Weights first, largest first, then one layer of all small files.  More
 * weights than there is room for are put together, so that no layer is larger
 * than it has to be.  MREG_EUNSUPPORTED: a name that an image cannot hold.
 */
int mr_image_lay_out(const struct mr_image_file *files, size_t count,
		     size_t most, struct mr_arena *a,
		     struct mr_image_layout *out, struct mreg_error *err);

/* A layer that has /bin/sh alone, of these bytes (borrowed). */
int mr_image_lay_shell(const void *bytes, size_t size, struct mr_arena *a,
		       struct mr_image_layer *out, struct mreg_error *err);

/* What a layer's digest follows from, as a digest: two layers that have the
 * same have the same bytes. */
int mr_image_recipe(const struct mr_image_layer *l, struct mreg_digest *out,
		    struct mreg_error *err);

#endif
