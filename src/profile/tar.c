/*
 * tar.c - ustar headers with PAX records in front of them where a path is long
 * or bytes have to begin at a page.
 *
 *   [x header][records, whole blocks] header | bytes, zeros to a whole block
 *
 * POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header";
 * sizes of 8 GiB and more are in base 256, as GNU tar writes them, since there
 * are readers that take no size from PAX records (consumers.md 5.5).
 */
#include "profile/tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 100u
/* What eleven octal digits hold. */
#define OCTAL_MAX UINT64_C(077777777777)
/* Of the header before the records; readers that know it take the path from
 * the next one. */
#define RECORDS_NAME "PaxHeaders/0"

/* Of a header block; POSIX's offsets. */
enum {
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_MAGIC = 257,
	AT_DEVMAJOR = 329,
	AT_DEVMINOR = 337
};

static uint64_t blocks(uint64_t bytes)
{
	return bytes / MR_USTAR_BLOCK_BYTES +
	       (bytes % MR_USTAR_BLOCK_BYTES ? 1 : 0);
}

uint64_t mr_ustar_padding(uint64_t size)
{
	uint64_t rest = size % MR_USTAR_BLOCK_BYTES;

	return rest ? MR_USTAR_BLOCK_BYTES - rest : 0;
}

static size_t digits(size_t n)
{
	size_t count = 1;

	while (n >= 10) {
		n /= 10;
		count++;
	}
	return count;
}

/* "LENGTH path=PATH\n", where LENGTH counts itself. */
static size_t path_record(const char *path)
{
	size_t rest = strlen(path) + sizeof(" path=\n") - 1;
	size_t n = rest + digits(rest);

	/* Its own digits may make it one longer. */
	return rest + digits(n);
}

struct records {
	size_t path;    /* bytes; 0: none */
	size_t comment; /* bytes; 0: none */
	size_t blocks;  /* that both fill */
};

static bool is_page(uint64_t at)
{
	return at % MR_USTAR_PAGE_BYTES == 0;
}

/* A comment fills the records up to where the bytes begin at a page. */
static struct records plan(const struct mr_ustar_entry *e, uint64_t at)
{
	struct records r = { .path = 0 };
	uint64_t own = at + MR_USTAR_BLOCK_BYTES;

	if (strlen(e->path) > NAME_BYTES)
		r.path = path_record(e->path);
	r.blocks = (size_t)blocks(r.path);
	if (r.blocks)
		own += (1 + r.blocks) * MR_USTAR_BLOCK_BYTES;
	if (!e->paged || is_page(own))
		return r;
	if (!r.blocks)
		own += MR_USTAR_BLOCK_BYTES;
	do {
		r.blocks++;
		own += MR_USTAR_BLOCK_BYTES;
	} while (!is_page(own));
	r.comment = r.blocks * MR_USTAR_BLOCK_BYTES - r.path;
	return r;
}

uint64_t mr_ustar_header_size(const struct mr_ustar_entry *e, uint64_t at)
{
	struct records r = plan(e, at);

	return (1 + (r.blocks ? 1 + r.blocks : 0)) * MR_USTAR_BLOCK_BYTES;
}

static void put_octal(char *field, size_t digit_count, uint64_t value)
{
	size_t i;

	for (i = digit_count; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (int)(value & 7));
}

static void put_size(char *field, uint64_t size)
{
	size_t i;

	if (size <= OCTAL_MAX) {
		put_octal(field, 11, size);
		return;
	}
	field[0] = (char)0x80;
	for (i = 12; i-- > 4; size >>= 8)
		field[i] = (char)(size & 0xff);
}

/* As much of it as fits, whole characters: whoever reads no PAX records has at
 * least a name that is text. */
static void put_name(char *block, const char *path)
{
	size_t n = strlen(path);

	if (n > NAME_BYTES) {
		n = NAME_BYTES;
		while (n > 0 && ((unsigned char)path[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(block, path, n);
}

static void put_header(const char *name, uint64_t size, unsigned int mode,
		       char type, struct mr_buf *out)
{
	char block[MR_USTAR_BLOCK_BYTES] = { 0 };
	unsigned int sum = 0;
	size_t i;

	put_name(block, name);
	put_octal(block + AT_MODE, 7, mode);
	put_octal(block + AT_UID, 7, 0);
	put_octal(block + AT_GID, 7, 0);
	put_size(block + AT_SIZE, size);
	put_octal(block + AT_MTIME, 11, 0);
	memset(block + AT_SUM, ' ', 8);
	block[AT_TYPE] = type;
	memcpy(block + AT_MAGIC, "ustar\00000", 8);
	put_octal(block + AT_DEVMAJOR, 7, 0);
	put_octal(block + AT_DEVMINOR, 7, 0);
	for (i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	put_octal(block + AT_SUM, 6, sum);
	block[AT_SUM + 6] = '\0';
	mr_buf_add(out, block, sizeof(block));
}

static void put_fill(struct mr_buf *out, char c, size_t n)
{
	char some[MR_USTAR_BLOCK_BYTES];

	memset(some, c, sizeof(some));
	while (n > 0) {
		size_t part = n < sizeof(some) ? n : sizeof(some);

		mr_buf_add(out, some, part);
		n -= part;
	}
}

static void put_records(const struct mr_ustar_entry *e, const struct records *r,
			struct mr_buf *out)
{
	size_t used = r->path + r->comment;

	put_header(RECORDS_NAME, used, 0644, 'x', out);
	if (r->path) {
		mr_buf_printf(out, "%zu path=", r->path);
		mr_buf_puts(out, e->path);
		mr_buf_putc(out, '\n');
	}
	if (r->comment) {
		mr_buf_printf(out, "%zu comment=", r->comment);
		put_fill(out, ' ',
			 r->comment - digits(r->comment) -
				 (sizeof(" comment=\n") - 1));
		mr_buf_putc(out, '\n');
	}
	put_fill(out, '\0', r->blocks * MR_USTAR_BLOCK_BYTES - used);
}

void mr_ustar_header(const struct mr_ustar_entry *e, uint64_t at,
		     struct mr_buf *out)
{
	struct records r = plan(e, at);
	size_t n = strlen(e->path);
	bool folder = n > 0 && e->path[n - 1] == '/';

	if (r.blocks)
		put_records(e, &r, out);
	put_header(e->path, e->size, folder || e->executable ? 0755 : 0644,
		   folder ? '5' : '0', out);
}
