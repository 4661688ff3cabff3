/*
 * format/read.h - what the readers of weight files share: a cursor over the
 * file, what is kept of it for struct mr_facts, and the reader of each format;
 * private to the folder.
 *
 * A cursor stops at the first wrong thing, be it the file's (`trouble`), the
 * reader's or the memory's (`rc`): from then on every get is 0, every keep is
 * NULL and nothing more is read, so a reader checks mr_cursor_over where it
 * loops or allocates, and mr_cursor_end once.
 *
 * Invariants (security.md H60)
 * 1. Nothing at or behind `limit` is given; `limit` is at most the file's size.
 * 2. What is kept is at most KEEP_MAX_BYTES (keep.c), whatever the file says.
 * 3. `bytes_read` is what the reader was asked for and gave.
 */
#ifndef MR_FORMAT_READ_H
#define MR_FORMAT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "content/reader.h"
#include "format/facts.h"

/* Read at once, so at most that much beyond what is needed; after a jump much
 * less (cursor.c), for tensors stand between what is wanted. */
#define MR_CURSOR_BYTES 65536

/* -- the cursor: cursor.c -------------------------------------------------- */

struct mr_cursor {
	struct mr_reader *r;    /* borrowed */
	struct mr_arena *arena; /* borrowed; NULL: nothing is kept */
	struct mreg_error *err; /* borrowed */
	/* May be set between calls; a nested part narrows `limit` and puts it
	 * back. */
	uint64_t at;    /* of the next byte */
	uint64_t limit; /* one behind the last that may be read */
	uint64_t bytes_read;
	int rc;              /* reading trouble, or lack of memory */
	const char *trouble; /* in the arena, or static */
	bool limited;        /* as in struct mr_facts */
	/* Of the cursor itself. */
	size_t kept;    /* bytes in the arena */
	size_t step;    /* bytes of the next window */
	uint64_t given; /* behind the last byte that was wanted */
	uint64_t base;  /* where `window` begins */
	size_t len;     /* in `window` */
	unsigned char window[MR_CURSOR_BYTES];
};

/* At 0, up to the end of `r`.  `a` and `err` must outlive it. */
int mr_cursor_new(struct mr_reader *r, struct mr_arena *a,
		  struct mr_cursor **out, struct mreg_error *err);
void mr_cursor_freep(struct mr_cursor **c); /* for MR_AUTO */

bool mr_cursor_over(const struct mr_cursor *c);
/* Set `trouble`, if there is none yet: lower case, no final stop; made safe
 * here. */
void mr_cursor_fail(struct mr_cursor *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, where the file may be as it should be: it is we who look no
 * further. */
void mr_cursor_limit(struct mr_cursor *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether `n` more bytes may follow; "ends early" if not. */
bool mr_cursor_has(struct mr_cursor *c, uint64_t n);
void mr_cursor_skip(struct mr_cursor *c, uint64_t n);
/* Anywhere up to `limit`; nothing is read. */
void mr_cursor_seek(struct mr_cursor *c, uint64_t at);
/* Exactly `n` bytes; zeroes when over. */
void mr_cursor_get(struct mr_cursor *c, void *out, size_t n);
/* `n` (up to 8) bytes, little endian. */
uint64_t mr_cursor_number(struct mr_cursor *c, size_t n);
uint8_t mr_cursor_u8(struct mr_cursor *c);
uint16_t mr_cursor_u16(struct mr_cursor *c);
uint32_t mr_cursor_u32(struct mr_cursor *c);
uint64_t mr_cursor_u64(struct mr_cursor *c);
/* The next `n` bytes as mr_keep_text; all are passed, no more than needed is
 * read. */
const char *mr_cursor_text(struct mr_cursor *c, uint64_t n);

/* The last call of a reader: adds to `out->bytes_read`; with trouble, sets it
 * and leaves nothing else but what struct mr_facts has then.  Returns `rc`. */
int mr_cursor_end(const struct mr_cursor *c, struct mr_facts *out);

/* -- what is kept: keep.c ---------------------------------------------------
 */

/* Zeroed memory in the arena; NULL when over, or nothing is to be kept. */
void *mr_keep(struct mr_cursor *c, size_t n);
/* An array with room for one more than `count` elements of `each` bytes: the
 * same, or one twice as large with the old ones in it. */
void *mr_keep_more(struct mr_cursor *c, void *items, size_t count, size_t each);
/* A text as struct mr_facts has them: NUL and what is no UTF-8 become U+FFFD,
 * cut at a character to MR_FACT_TEXT_MAX_BYTES. */
const char *mr_keep_text(struct mr_cursor *c, const void *bytes, size_t n);
const char *mr_keep_printf(struct mr_cursor *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* These take texts that are kept already, and borrow them; NULL adds
 * nothing. */
void mr_keep_word(struct mr_cursor *c, struct mr_words *words,
		  const char *text);
void mr_keep_pair(struct mr_cursor *c, struct mr_facts *f, const char *name,
		  const char *value);
/* Zeroed, and counted; NULL when over, or nothing is to be kept. */
struct mr_tensor *mr_keep_tensor(struct mr_cursor *c, struct mr_facts *f);
/* Made safe to show; after many of them no more. */
void mr_keep_warning(struct mr_cursor *c, struct mr_facts *f, const char *fmt,
		     ...) __attribute__((format(printf, 3, 4)));

/* Bytewise, each once. */
void mr_words_sort(struct mr_words *words);
/* Metadata by name. */
void mr_facts_sort(struct mr_facts *f);
/* The dtype of most elements; the first of several, NULL without tensors. */
const char *mr_facts_most(const struct mr_facts *f);
/* `parameters` and `precision` from `tensors`. */
void mr_facts_count(struct mr_facts *f);
/* mreg's name of an element's type, from any format's: "float32" for "F32",
 * "FLOAT", "float32"; NULL: of a block of quantized ones, or unknown. */
const char *mr_precision_of(const char *dtype);

/* -- the readers ------------------------------------------------------------
 */

/*
 * Each is given a file that its magic, or else its name, takes for its own,
 * and `*out` with `format` set to that and the rest zero; it may make `format`
 * more exact.  Bytes it reads are added to `bytes_read`.  What is wrong with
 * the file is `trouble`; errors are reading trouble and lack of memory.
 */
int mr_safetensors_read(struct mr_reader *r, struct mr_arena *a,
			struct mr_facts *out, struct mreg_error *err);
int mr_gguf_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		 struct mreg_error *err);
/* By the names NAME.onnx and saved_model.pb alone, as these have no magic:
 * MR_FORMAT_UNKNOWN, without trouble, for what does not even begin as such a
 * message. */
int mr_onnx_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		 struct mreg_error *err);
int mr_saved_model_read(struct mr_reader *r, struct mr_arena *a,
			struct mr_facts *out, struct mreg_error *err);
/* With the opcode PROTO at its beginning; or anything, as protocols 0 and 1
 * have no magic: then MR_FORMAT_UNKNOWN, without trouble, unless it is whole
 * up to STOP. */
int mr_pickle_read(struct mr_reader *r, struct mr_arena *a,
		   struct mr_facts *out, struct mreg_error *err);
/* numpy's .npy; MR_FORMAT_UNKNOWN unless there are objects in it, which are a
 * pickle. */
int mr_npy_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		struct mreg_error *err);
/* A zip by its first or by its last bytes, or a 7z archive, which is trouble;
 * `format` as given is MR_FORMAT_TORCH.  A whole zip that is nothing we know:
 * MR_FORMAT_UNKNOWN. */
int mr_zip_facts_read(struct mr_reader *r, struct mr_arena *a,
		      struct mr_facts *out, struct mreg_error *err);
int mr_hdf5_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		 struct mreg_error *err);

#endif
