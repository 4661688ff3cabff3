/*
 * format/zip.h - the members of a zip archive, for the readers of formats that
 * are one; private to the folder.
 */
#ifndef MR_FORMAT_ZIP_H
#define MR_FORMAT_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/read.h"

/* Methods and flags: PKWARE APPNOTE 4.4.4, 4.4.5. */
#define MR_ZIP_STORED 0
#define MR_ZIP_DEFLATED 8
#define MR_ZIP_DESCRIPTOR 0x0008 /* sizes stand behind the content */

#define MR_ZIP_LOCAL_BYTES 30 /* a local header without name and extra */

struct mr_zip_member {
	const char *name; /* in mr_zip.directory; no NUL in or behind it */
	size_t name_len;
	uint64_t at;           /* of its local header */
	uint64_t packed, size; /* bytes in the archive; bytes of content */
	uint32_t crc;
	uint16_t flags, method;
};

struct mr_zip {
	struct mr_cursor *c;           /* borrowed */
	unsigned char *directory;      /* owned */
	struct mr_zip_member *members; /* owned; in the order of the file */
	size_t count;
	uint64_t end;    /* of the members: where the directory begins */
	uint64_t loaded; /* bytes that mr_zip_load and mr_zip_peek gave */
};

/*
 * Read the directory of what `c` is over.  An archive in which two readers
 * could see different things is trouble (security.md H66); members may be
 * there even then.  A local header is looked at when its member is loaded: each
 * costs a request when the archive is in a registry.
 */
void mr_zip_open(struct mr_cursor *c, struct mr_zip *out);
void mr_zip_release(struct mr_zip *z); /* for MR_AUTO too */

/* Whether the member has that name; ends with it, in capitals or not. */
bool mr_zip_is(const struct mr_zip_member *m, const char *name);
bool mr_zip_ends(const struct mr_zip_member *m, const char *suffix);
/* By its name; NULL: there is none. */
const struct mr_zip_member *mr_zip_find(const struct mr_zip *z,
					const char *name);

/* The content of `m` (zip_load.c), to be released; NULL with trouble if it is
 * larger than `max`, its local header disagrees, or its CRC-32 is wrong. */
unsigned char *mr_zip_load(struct mr_zip *z, const struct mr_zip_member *m,
			   size_t max);

/* The same under a cursor of its own; `c` is NULL with trouble of the archive,
 * or a failure of its cursor. */
struct mr_zip_part {
	unsigned char *bytes; /* owned */
	struct mr_reader *r;  /* owned */
	struct mr_cursor *c;  /* owned */
};
void mr_zip_part(struct mr_zip *z, const struct mr_zip_member *m, size_t max,
		 struct mr_zip_part *out);
void mr_zip_part_release(struct mr_zip_part *p); /* for MR_AUTO too */

/* The first `n` bytes of that into `out`, unproven; false when it has less, or
 * with trouble. */
bool mr_zip_peek(struct mr_zip *z, const struct mr_zip_member *m, void *out,
		 size_t n);
/* What is wrong in the member is wrong with the archive. */
void mr_zip_take_trouble(struct mr_zip *z, const struct mr_cursor *inner,
			 const struct mr_zip_member *m);

/* -- what archives hold: torch.c, keras.c, numpy.c ------------------------ */

/* PyTorch's and TorchScript's, and any other with pickles in it: their
 * imports.  `format` is set before; MR_FORMAT_TORCHSCRIPT has classes of its
 * own. */
void mr_torch_read(struct mr_zip *z, struct mr_facts *out);
void mr_keras_read(struct mr_zip *z, struct mr_facts *out);
/* Arrays of objects among the members: adds what their pickles import, and
 * makes `format` MR_FORMAT_PICKLE where it is unknown. */
void mr_npz_read(struct mr_zip *z, struct mr_facts *out);
/* A member with a pickle in it. */
bool mr_torch_is_pickle(const struct mr_zip_member *m);

/* Keras's description of a model as JSON, in .keras and .h5 files: its class,
 * its name, and what of it runs code.  `what` names it in trouble. */
void mr_keras_config(struct mr_cursor *c, const void *json, size_t n,
		     const char *what, struct mr_facts *out);
#define MR_KERAS_CONFIG_MAX_BYTES (8u << 20)

/* -- what zip.c and zip_load.c share -------------------------------------- */

/* `n` bytes, little endian. */
uint64_t mr_zip_number(const unsigned char *p, size_t n);
/* Trouble: "cannot be inspected: member 'NAME' PROBLEM". */
void mr_zip_refuse(struct mr_zip *z, const struct mr_zip_member *m,
		   const char *problem);
/* The same, where it may be right; mr_cursor_limit. */
void mr_zip_limit(struct mr_zip *z, const struct mr_zip_member *m,
		  const char *problem);
/* Where the next member begins, or the directory. */
uint64_t mr_zip_next(const struct mr_zip *z, const struct mr_zip_member *m);
/*
 * The ZIP64 record of an extra field (APPNOTE 4.5.3): of `values` (NULL: not
 * there), each whose old field had no room for it, in this order.  False if
 * the field is malformed, or says something that not all readers look at.
 */
bool mr_zip_extra(const unsigned char *p, size_t n, uint64_t *values[3]);

#endif
