/*
 * facts.c - which reader a weight file is for.
 *
 * The content decides: a pickle under the name of a safetensors file is a
 * pickle (security.md H65).  The name decides only where content does not,
 * and then the file has to be what its name says.  What is a second thing
 * besides, for some program that loads it, is in trouble.
 */
#include "format/read.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "format/check.h"
#include "format/format.h"
#include "format/pickle.h"

#define HEAD_BYTES 16
/* The end record of a zip and the longest comment behind it (APPNOTE 4.3.16);
 * Python and PyTorch find it there whatever the file begins with. */
#define ZIP_END_BYTES 22
#define ZIP_TAIL_BYTES (ZIP_END_BYTES + 65535)
/* A tar's header, and the sum of its bytes in it (POSIX ustar; the tars before
 * that have no other mark). */
#define TAR_BYTES 512
#define TAR_SUM_AT 148
#define TAR_SUM_BYTES 8

typedef int (*read_fn)(struct mr_reader *r, struct mr_arena *a,
		       struct mr_facts *out, struct mreg_error *err);

struct file {
	struct mr_reader *r;
	const char *path;
	struct mr_arena *a;
	struct mr_facts *out;
	unsigned char head[HEAD_BYTES];
	size_t n; /* in `head` */
};

const char *mr_format_name(enum mr_format format)
{
	static const char *const names[MR_FORMAT_COUNT] = {
		[MR_FORMAT_UNKNOWN] = "",
		[MR_FORMAT_SAFETENSORS] = "safetensors",
		[MR_FORMAT_GGUF] = "gguf",
		[MR_FORMAT_ONNX] = "onnx",
		[MR_FORMAT_PICKLE] = "pickle",
		[MR_FORMAT_TORCH] = "pytorch",
		[MR_FORMAT_TORCHSCRIPT] = "torchscript",
		[MR_FORMAT_KERAS] = "keras",
		[MR_FORMAT_HDF5] = "hdf5",
		[MR_FORMAT_SAVED_MODEL] = "tensorflow",
	};

	return format < MR_FORMAT_COUNT ? names[format] : "";
}

/* -- by content ------------------------------------------------------------ */

static int hand(struct file *f, enum mr_format format, read_fn fn,
		struct mreg_error *err)
{
	int rc;

	f->out->format = format;
	rc = fn(f->r, f->a, f->out, err);
	/* What is nothing we know says nothing either. */
	if (rc == 0 && f->out->format == MR_FORMAT_UNKNOWN)
		*f->out = (struct mr_facts){ .bytes_read = f->out->bytes_read };
	return rc;
}

static bool begins(const struct file *f, const char *magic, size_t n)
{
	return f->n >= n && memcmp(f->head, magic, n) == 0;
}

struct magic {
	const char *bytes;
	size_t n;
	enum mr_format format;
	read_fn read;
};

static const struct magic magics[] = {
	{ "GGUF", 4, MR_FORMAT_GGUF, mr_gguf_read },
	{ "PK\003\004", 4, MR_FORMAT_TORCH, mr_zip_facts_read },
	{ "PK\005\006", 4, MR_FORMAT_TORCH, mr_zip_facts_read }, /* empty */
	{ "7z\274\257\047\034", 6, MR_FORMAT_TORCH, mr_zip_facts_read },
	{ "\211HDF\r\n\032\n", 8, MR_FORMAT_HDF5, mr_hdf5_read },
	{ "\223NUMPY", 6, MR_FORMAT_PICKLE, mr_npy_read },
};

/* PROTO and a protocol that there is; or another opcode that needs nothing on
 * the stack, for Python's unpicklers do not ask for PROTO (Lib/pickle.py). */
static bool may_be_pickle(const struct file *f)
{
	static const char first[] = "()]}cILFSVNJKMGTUXPBC"
				    "\202\203\204\210\211\212\213\214\215"
				    "\216\217\225\226\227";

	if (f->n > 0 && f->head[0] == 0x80)
		return f->n > 1 && f->head[1] <= 5;
	return f->n > 0 && memchr(first, f->head[0], sizeof(first) - 1);
}

/* `format` stays unknown where content does not tell. */
static int by_content(struct file *f, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < MR_COUNT(magics); i++)
		if (begins(f, magics[i].bytes, magics[i].n))
			return hand(f, magics[i].format, magics[i].read, err);
	if (mr_safetensors_begins(f->head, f->n, f->r->size))
		return hand(f, MR_FORMAT_SAFETENSORS, mr_safetensors_read, err);
	if (may_be_pickle(f))
		return hand(f, MR_FORMAT_PICKLE, mr_pickle_read, err);
	return 0;
}

/* -- by name --------------------------------------------------------------- */

static int in_trouble(struct file *f, enum mr_format format, const char *what,
		      const char *more, struct mreg_error *err)
{
	char *text = mr_arena_printf(f->a, "%s%s", what, more);

	*f->out = (struct mr_facts){ .format = format,
				     .trouble = text,
				     .bytes_read = f->out->bytes_read };
	return text ? 0 : mr_fail_nomem(err);
}

/* A whole file for all we know. */
static int is_not_looked_into(struct file *f, enum mr_format format,
			      const char *why, const char *more,
			      struct mreg_error *err)
{
	char what[64];

	(void)snprintf(what, sizeof(what), "cannot be inspected: %s", why);
	if (in_trouble(f, format, what, more, err) < 0)
		return MREG_ENOMEM;
	f->out->limited = true;
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool has_extension(const char *path, const char *extension)
{
	const char *dot = strrchr(base_name(path), '.');

	return dot && strcasecmp(dot, extension) == 0;
}

/* Whose loaders unpickle what they are given. */
static bool is_pickle_name(const char *path)
{
	const char *format = mr_format_by_name(path);

	return (format && (strcmp(format, "pickle") == 0 ||
			   strcmp(format, "pytorch") == 0)) ||
	       has_extension(path, ".dill");
}

/* NVIDIA NeMo's: a tar, packed or not, of a configuration and of a checkpoint
 * that torch.load reads. */
static bool is_nemo_name(const char *path)
{
	return has_extension(path, ".nemo");
}

/* joblib: model.pkl.gz, model.joblib.z; but model.pkl.dvc is another thing. */
static bool is_packed_pickle_name(const char *path)
{
	const char *base = base_name(path);

	return strstr(base, ".pkl.") || strstr(base, ".pickle.") ||
	       strstr(base, ".joblib.") || is_nemo_name(path);
}

static bool is_keras_name(const char *path)
{
	const char *format = mr_format_by_name(path);

	return format && strcmp(format, "keras") == 0;
}

/* joblib and pandas read through any of these, so a pickle is behind it. */
static const char *compression(const struct file *f)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *name;
	} known[] = {
		{ "\037\213", 2, "gzip" },   { "x\001", 2, "zlib" },
		{ "x\136", 2, "zlib" },      { "x\234", 2, "zlib" },
		{ "x\332", 2, "zlib" },      { "BZh", 3, "bzip2" },
		{ "\3757zXZ", 6, "xz" },     { "]\0\0", 3, "lzma" },
		{ "(\265/\375", 4, "zstd" }, { "\004\"M\030", 4, "lz4" },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(known); i++)
		if (begins(f, known[i].bytes, known[i].n))
			return known[i].name;
	return NULL;
}

static int find_zip_end(struct file *f, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *tail = NULL;
	uint64_t size = f->r->size;
	size_t n = size < ZIP_TAIL_BYTES ? (size_t)size : ZIP_TAIL_BYTES;
	int rc;

	*found = false;
	if (n < ZIP_END_BYTES)
		return 0;
	tail = mr_alloc(n);
	if (!tail)
		return mr_fail_nomem(err);
	rc = mr_reader_need_at(f->r, tail, n, size - n, err);
	if (rc < 0)
		return rc;
	f->out->bytes_read += n;
	*found = memmem(tail, n, "PK\005\006", 4) != NULL;
	return 0;
}

static int is_no_such(struct file *f, enum mr_format format,
		      struct mreg_error *err)
{
	return in_trouble(f, format,
			  f->n ? "is no file of the kind its name says"
			       : "is empty",
			  "", err);
}

static int by_pickle_name(struct file *f, struct mreg_error *err)
{
	const char *packed = compression(f);

	if (packed)
		return is_not_looked_into(f, MR_FORMAT_PICKLE,
					  "it is compressed with ", packed,
					  err);
	/* Files of all kinds are called .bin. */
	if (!is_pickle_name(f->path) || has_extension(f->path, ".bin"))
		return 0;
	return is_no_such(f, MR_FORMAT_PICKLE, err);
}

/* A file under a user block: the signature may also stand at 512, 1024, ...
 * (HDF5 file format, II.A). */
static int by_hdf5_name(struct file *f, struct mreg_error *err)
{
	char signature[8];
	uint64_t at;
	int rc;

	for (at = 512; at <= (1u << 20) && at + 8 <= f->r->size; at *= 2) {
		rc = mr_reader_need_at(f->r, signature, sizeof(signature), at,
				       err);
		if (rc < 0)
			return rc;
		f->out->bytes_read += sizeof(signature);
		if (memcmp(signature, "\211HDF\r\n\032\n", 8) == 0)
			return hand(f, MR_FORMAT_HDF5, mr_hdf5_read, err);
	}
	return is_no_such(f,
			  has_extension(f->path, ".keras") ? MR_FORMAT_KERAS
							   : MR_FORMAT_HDF5,
			  err);
}

/* Formats without magic: what does not begin as one is none. */
static int by_message_name(struct file *f, enum mr_format format, read_fn fn,
			   struct mreg_error *err)
{
	int rc = hand(f, format, fn, err);

	if (rc < 0 || f->out->format != MR_FORMAT_UNKNOWN)
		return rc;
	return is_no_such(f, format, err);
}

static int by_name(struct file *f, struct mreg_error *err)
{
	const char *format = mr_format_by_name(f->path);

	if (strcmp(base_name(f->path), "saved_model.pb") == 0)
		return by_message_name(f, MR_FORMAT_SAVED_MODEL,
				       mr_saved_model_read, err);
	if (is_pickle_name(f->path) || is_packed_pickle_name(f->path))
		return by_pickle_name(f, err);
	if (!format)
		return 0;
	if (strcmp(format, "onnx") == 0)
		return by_message_name(f, MR_FORMAT_ONNX, mr_onnx_read, err);
	if (strcmp(format, "safetensors") == 0 && !f->n)
		return is_no_such(f, MR_FORMAT_SAFETENSORS, err);
	if (strcmp(format, "gguf") == 0 && !f->n)
		return is_no_such(f, MR_FORMAT_GGUF, err);
	if (strcmp(format, "safetensors") == 0)
		return hand(f, MR_FORMAT_SAFETENSORS, mr_safetensors_read, err);
	if (strcmp(format, "gguf") == 0)
		return hand(f, MR_FORMAT_GGUF, mr_gguf_read, err);
	if (strcmp(format, "keras") == 0)
		return by_hdf5_name(f, err);
	return 0;
}

/* -- what else it is ------------------------------------------------------- */

/*
 * A header without magic, or one whose magic is an opcode, can be the start of
 * a pickle that jumps into the tensors.  Honest ones end at a zero among their
 * first bytes.  PERSID is none to begin with: no loader has a use for it there,
 * and its line would be the tensors up to a newline.
 */
static int look_for_pickle(struct file *f, struct mreg_error *err)
{
	const struct mr_pickle_op *first = mr_pickle_op(f->head[0]);
	struct mr_facts other = { .format = MR_FORMAT_PICKLE };
	enum mr_format format = f->out->format;
	size_t next = 1u + first->number;
	int rc;

	if (!may_be_pickle(f) || f->head[0] == 'P')
		return 0;
	/* 0 is no opcode. */
	if (!first->counted && !first->lines && next < f->n && !f->head[next])
		return 0;
	rc = mr_pickle_read(f->r, f->a, &other, err);
	f->out->bytes_read += other.bytes_read;
	if (rc < 0 || other.format != MR_FORMAT_PICKLE)
		return rc;
	return in_trouble(f, MR_FORMAT_PICKLE,
			  "is a pickle as well as a file of the kind ",
			  mr_format_name(format), err);
}

static bool is_tar(const unsigned char *head)
{
	const unsigned char *p = head + TAR_SUM_AT;
	unsigned int sum = TAR_SUM_BYTES * ' ';
	unsigned int told = 0;
	size_t i;

	for (i = 0; i < TAR_BYTES; i++)
		if (i < TAR_SUM_AT || i >= TAR_SUM_AT + TAR_SUM_BYTES)
			sum += head[i];
	for (i = 0; i < TAR_SUM_BYTES && p[i] == ' '; i++)
		;
	for (; i < TAR_SUM_BYTES && p[i] >= '0' && p[i] <= '7'; i++)
		told = told * 8 + (unsigned int)(p[i] - '0');
	return told == sum;
}

/* torch.save wrote tars before it wrote pickles, and torch.load still asks for
 * one first. */
static int look_for_tar(struct file *f, struct mreg_error *err)
{
	unsigned char head[TAR_BYTES];
	int rc;

	if (f->r->size < sizeof(head))
		return 0;
	rc = mr_reader_need_at(f->r, head, sizeof(head), 0, err);
	if (rc < 0)
		return rc;
	f->out->bytes_read += sizeof(head);
	if (!is_tar(head))
		return 0;
	return is_not_looked_into(f, MR_FORMAT_TORCH, "it is a tar archive", "",
				  err);
}

/* Who loads a file by its name finds a zip by its end, whatever the file
 * begins with. */
static int look_for_archive(struct file *f, struct mreg_error *err)
{
	bool zip = false;
	int rc;

	if (begins(f, "PK\003\004", 4) || begins(f, "PK\005\006", 4))
		return 0;
	rc = find_zip_end(f, &zip, err);
	if (rc < 0)
		return rc;
	if (!zip)
		return is_pickle_name(f->path) || is_nemo_name(f->path)
			       ? look_for_tar(f, err)
			       : 0;
	*f->out = (struct mr_facts){ .bytes_read = f->out->bytes_read };
	return hand(f, MR_FORMAT_TORCH, mr_zip_facts_read, err);
}

/* Files that are of two kinds show each program another one (security.md
 * H65, H66). */
static int look_again(struct file *f, struct mreg_error *err)
{
	enum mr_format format = f->out->format;
	int rc = 0;

	if (format == MR_FORMAT_SAFETENSORS || format == MR_FORMAT_GGUF)
		rc = look_for_pickle(f, err);
	if (rc == 0 && (is_pickle_name(f->path) || is_keras_name(f->path) ||
			is_nemo_name(f->path)))
		rc = look_for_archive(f, err);
	return rc;
}

int mr_facts_read(struct mr_reader *r, const char *path, struct mr_arena *a,
		  struct mr_facts *out, struct mreg_error *err)
{
	struct file f = { .r = r, .path = path, .a = a, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	f.n = r->size < HEAD_BYTES ? (size_t)r->size : HEAD_BYTES;
	rc = f.n ? mr_reader_need_at(r, f.head, f.n, 0, err) : 0;
	if (rc < 0)
		return rc;
	out->bytes_read = f.n;
	rc = by_content(&f, err);
	if (rc == 0 && out->format == MR_FORMAT_UNKNOWN)
		rc = by_name(&f, err);
	return rc < 0 ? rc : look_again(&f, err);
}
