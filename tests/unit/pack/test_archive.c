/*
 * test_archive.c - headers of tar archives, written and read, and archives
 * that lie.
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "pack/pack.h"

#define BLOCK MR_TAR_BLOCK_BYTES
#define NINE_GIB ((uint64_t)9 << 30)

struct fixture {
	char *dir;
	struct mreg_error err;
	struct mr_buf bytes; /* of the archive being made */
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	f->dir = test_tmpdir_new();
	mr_buf_init(&f->bytes, 1 << 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_buf_release(&f->bytes);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static void add_zeros(struct fixture *f, size_t n)
{
	while (n-- > 0)
		mr_buf_putc(&f->bytes, '\0');
}

static void add(struct fixture *f, const char *path, const char *text)
{
	size_t n = strlen(text);

	assert_ok(mr_tar_header(path, n, &f->bytes, &f->err), f->err);
	mr_buf_add(&f->bytes, text, n);
	add_zeros(f, (BLOCK - n % BLOCK) % BLOCK);
}

static void sign(unsigned char h[BLOCK])
{
	unsigned int sum = 0;
	size_t i;

	memset(h + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
}

/* A header by hand: what no honest program writes. */
static void add_header(struct fixture *f, const char *path, char type,
		       const char *size, const char *target)
{
	unsigned char h[BLOCK] = { 0 };

	snprintf((char *)h, 100, "%s", path);
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	memcpy(h + 124, size, 12);
	memcpy(h + 136, "00000000000", 12);
	h[156] = (unsigned char)type;
	snprintf((char *)h + 157, 100, "%s", target);
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	sign(h);
	mr_buf_add(&f->bytes, h, BLOCK);
}

/* Write what was made, `end` with its two blocks of zeros. */
static int open_made(struct fixture *f, bool end)
{
	char path[512];
	int fd;

	if (end)
		add_zeros(f, MR_TAR_END_BYTES);
	test_write(f->dir, "a.tar", mr_buf_text(&f->bytes), f->bytes.len);
	snprintf(path, sizeof(path), "%s/a.tar", f->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Read all entries; the code that ended it, and how many there were. */
static int read_all(struct fixture *f, int fd, size_t *n)
{
	struct mr_tar *t = NULL;
	struct mr_tar_entry e;
	bool found = true;
	int rc;

	*n = 0;
	rc = mr_tar_open(fd, "a.tar", &t, &f->err);
	while (rc == 0 && found) {
		rc = mr_tar_next(t, &e, &found, &f->err);
		*n += rc == 0 && found;
	}
	mr_tar_close(t);
	(void)close(fd);
	return rc;
}

/* -- headers ----------------------------------------------------------------
 */

static void a_header_depends_on_name_and_size_only(void **state)
{
	struct fixture *f = *state;
	struct mr_buf again = MR_BUF_INIT(10000);
	const char *h;

	assert_ok(mr_tar_header("index.json", 1234, &f->bytes, &f->err),
		  f->err);
	assert_int_equal(f->bytes.len, BLOCK);
	h = f->bytes.data;
	assert_string_equal(h, "index.json");
	assert_memory_equal(h + 100, "000644 ", 7);
	assert_memory_equal(h + 108, "000000 ", 7); /* owner, group */
	assert_memory_equal(h + 116, "000000 ", 7);
	assert_memory_equal(h + 124, "00000002322 ", 12);
	assert_memory_equal(h + 136, "00000000000 ", 12); /* time */
	assert_memory_equal(h + 257, "ustar", 6);
	assert_int_equal(h[265], 0); /* no names of theirs */
	assert_ok(mr_tar_header("index.json", 1234, &again, &f->err), f->err);
	assert_memory_equal(again.data, h, BLOCK);
	mr_buf_release(&again);
}

static void a_folder_is_one(void **state)
{
	struct fixture *f = *state;
	struct mr_tar_entry e;
	struct mr_tar *t;
	bool found = false;
	int fd;

	assert_ok(mr_tar_header("blobs/", 0, &f->bytes, &f->err), f->err);
	assert_int_equal(f->bytes.data[156], '5');
	assert_memory_equal(f->bytes.data + 100, "000755 ", 7);
	fd = open_made(f, true);
	assert_ok(mr_tar_open(fd, "a.tar", &t, &f->err), f->err);
	assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
	assert_true(found);
	assert_int_equal(e.kind, MR_TAR_FOLDER);
	assert_string_equal(e.path, "blobs/");
	mr_tar_close(t);
	(void)close(fd);
}

/* -- reading ----------------------------------------------------------------
 */

static void says_where_the_bytes_are(void **state)
{
	static const char *const texts[] = { "one", "", "three" };
	struct fixture *f = *state;
	char name[160], path[200];
	struct mr_tar_entry e;
	struct mr_tar *t;
	char got[16];
	bool found;
	size_t i;
	int fd;

	/* 128 hex digits do not fit into the header: a pax header says it. */
	memset(name, 'a', 128);
	name[128] = '\0';
	snprintf(path, sizeof(path), "blobs/sha512/%s", name);
	add(f, "first", texts[0]);
	add(f, path, texts[1]);
	add(f, path, texts[2]);
	fd = open_made(f, true);
	assert_ok(mr_tar_open(fd, "a.tar", &t, &f->err), f->err);
	for (i = 0; i < 3; i++) {
		assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
		assert_true(found);
		assert_int_equal(e.kind, MR_TAR_FILE);
		assert_string_equal(e.path, i ? path : "first");
		assert_int_equal(e.size, strlen(texts[i]));
		assert_int_equal(pread(fd, got, sizeof(got), (off_t)e.offset),
				 sizeof(got));
		assert_memory_equal(got, texts[i], strlen(texts[i]));
	}
	assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
	assert_false(found);
	mr_tar_close(t);
	(void)close(fd);
}

/* More than the header's eleven octal digits say; the file has a hole. */
static void entries_of_9_gib_work(void **state)
{
	struct fixture *f = *state;
	struct mr_tar_entry e;
	struct mr_tar *t;
	char path[512];
	uint64_t begin;
	bool found;
	int fd;

	assert_ok(mr_tar_header("large", NINE_GIB, &f->bytes, &f->err), f->err);
	begin = f->bytes.len;
	assert_true(begin > BLOCK);
	fd = open_made(f, false);
	(void)close(fd);
	snprintf(path, sizeof(path), "%s/a.tar", f->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	mr_buf_clear(&f->bytes);
	add(f, "behind", "it");
	add_zeros(f, MR_TAR_END_BYTES);
	assert_ok(mr_file_write_at(fd, f->bytes.data, f->bytes.len,
				   begin + NINE_GIB, path, &f->err),
		  f->err);
	assert_ok(mr_tar_open(fd, "a.tar", &t, &f->err), f->err);
	assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
	assert_true(found && e.size == NINE_GIB && e.offset == begin);
	assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
	assert_string_equal(e.path, "behind");
	assert_true(e.offset == begin + NINE_GIB + BLOCK);
	assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
	assert_false(found);
	mr_tar_close(t);
	(void)close(fd);
}

static void tells_files_from_what_is_none(void **state)
{
	static const struct {
		char type;
		enum mr_tar_kind kind;
	} rows[] = {
		{ '0', MR_TAR_FILE },  { '1', MR_TAR_LINK },
		{ '2', MR_TAR_LINK },  { '3', MR_TAR_OTHER },
		{ '4', MR_TAR_OTHER }, { '5', MR_TAR_FOLDER },
		{ '6', MR_TAR_OTHER },
	};
	struct fixture *f = *state;
	struct mr_tar_entry e;
	struct mr_tar *t;
	bool found;
	size_t i;
	int fd;

	for (i = 0; i < MR_COUNT(rows); i++)
		add_header(f, "x", rows[i].type, "00000000000", "/etc/passwd");
	fd = open_made(f, true);
	assert_ok(mr_tar_open(fd, "a.tar", &t, &f->err), f->err);
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
		assert_true(found);
		assert_int_equal(e.kind, rows[i].kind);
	}
	mr_tar_close(t);
	(void)close(fd);
}

/* GNU tar's: 512 bytes at offset 1 MiB of a file that has nothing else. */
static void a_sparse_file_is_not_in_one_piece(void **state)
{
	struct fixture *f = *state;
	struct mr_tar_entry e;
	struct mr_tar *t;
	unsigned char *h;
	bool found = false;
	int fd;

	add_header(f, "index.json", 'S', "00000001000", "");
	h = (unsigned char *)f->bytes.data;
	memcpy(h + 257, "ustar  ", 8);
	memcpy(h + 386, "00004000000", 12);
	memcpy(h + 398, "00000001000", 12);
	memcpy(h + 483, "00004001000", 12);
	sign(h);
	add_zeros(f, BLOCK);
	fd = open_made(f, true);
	assert_ok(mr_tar_open(fd, "a.tar", &t, &f->err), f->err);
	assert_ok(mr_tar_next(t, &e, &found, &f->err), f->err);
	assert_true(found);
	assert_int_equal(e.kind, MR_TAR_OTHER);
	mr_tar_close(t);
	(void)close(fd);
}

/* -- what is no archive, or half of one -------------------------------------
 */

static void a_compressed_one_is_told_with_what_to_do(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *with, *undo;
	} rows[] = {
		{ "\x1f\x8b\x08\0\0\0\0\0", 8, "gzip", "gzip -d" },
		{ "\x28\xb5\x2f\xfd\0\0\0\0", 8, "zstd", "zstd -d" },
		{ "\xfd"
		  "7zXZ\0\0\0",
		  8, "xz", "xz -d" },
		{ "BZh91AY&SY", 10, "bzip2", "bzip2 -d" },
		{ "PK\x03\x04\x14\0\0\0", 8, "zip", "unzip" },
	};
	struct fixture *f = *state;
	size_t i, n;

	for (i = 0; i < MR_COUNT(rows); i++) {
		mr_buf_clear(&f->bytes);
		mr_buf_add(&f->bytes, rows[i].bytes, rows[i].n);
		add_zeros(f, 2000);
		assert_code(MREG_EFORMAT, read_all(f, open_made(f, false), &n),
			    f->err);
		assert_has(f->err.msg, "'a.tar' is compressed with");
		assert_has(f->err.msg, rows[i].with);
		assert_has(f->err.hint, rows[i].undo);
	}
}

static void what_is_no_archive_is_told(void **state)
{
	static const size_t sizes[] = { 0, 1, 700, 5000 };
	struct fixture *f = *state;
	size_t i, k, n;

	for (i = 0; i < MR_COUNT(sizes); i++) {
		mr_buf_clear(&f->bytes);
		for (k = 0; k < sizes[i]; k++)
			mr_buf_putc(&f->bytes, (char)('a' + k % 26));
		assert_code(MREG_EFORMAT, read_all(f, open_made(f, false), &n),
			    f->err);
		assert_has(f->err.msg, "'a.tar'");
	}
}

static void cut_anywhere_it_is_not_whole(void **state)
{
	struct fixture *f = *state;
	struct mr_buf whole = MR_BUF_INIT(1 << 20);
	size_t cut, n;

	add(f, "one", "some text that is not empty");
	add(f, "two", "and more of it");
	mr_buf_add(&whole, f->bytes.data, f->bytes.len);
	/* At its length the end is missing. */
	for (cut = 1; cut <= whole.len; cut += cut % 64 == 0 ? 1 : 63) {
		mr_buf_clear(&f->bytes);
		mr_buf_add(&f->bytes, whole.data, cut);
		assert_code(MREG_EFORMAT, read_all(f, open_made(f, false), &n),
			    f->err);
	}
	mr_buf_clear(&f->bytes);
	mr_buf_add(&f->bytes, whole.data, whole.len);
	assert_ok(read_all(f, open_made(f, true), &n), f->err);
	assert_int_equal(n, 2);
	mr_buf_release(&whole);
}

static void nothing_may_come_behind_the_end(void **state)
{
	struct fixture *f = *state;
	size_t n;

	add(f, "one", "text");
	add_zeros(f, 10240 - f->bytes.len % 10240);
	assert_ok(read_all(f, open_made(f, false), &n), f->err);
	mr_buf_putc(&f->bytes, 'x');
	assert_code(MREG_EFORMAT, read_all(f, open_made(f, false), &n), f->err);
	assert_has(f->err.msg, "goes on behind its end");
	/* A second archive, which tar -i would read. */
	mr_buf_clear(&f->bytes);
	add(f, "one", "text");
	add_zeros(f, MR_TAR_END_BYTES);
	add(f, "one", "other");
	assert_code(MREG_EFORMAT, read_all(f, open_made(f, true), &n), f->err);
	assert_has(f->err.msg, "goes on behind its end");
}

static void sizes_that_lie_are_told(void **state)
{
	static const char *const sizes[] = {
		"77777777777 ",                               /* 8 GiB - 1 */
		"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", /* 8 EiB - 1 */
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", /* -1 */
		"00000004000 ", /* more than there is */
	};
	struct fixture *f = *state;
	size_t i, n;

	for (i = 0; i < MR_COUNT(sizes); i++) {
		mr_buf_clear(&f->bytes);
		add_header(f, "index.json", '0', sizes[i], "");
		add_zeros(f, BLOCK);
		assert_code(MREG_EFORMAT, read_all(f, open_made(f, true), &n),
			    f->err);
		assert_int_equal(n, 0);
	}
	assert_has(f->err.msg, "ends in the middle of 'index.json'");
}

static void a_changed_header_is_told(void **state)
{
	struct fixture *f = *state;
	size_t n;

	add(f, "one", "text");
	f->bytes.data[0] = 'x';
	assert_code(MREG_EFORMAT, read_all(f, open_made(f, true), &n), f->err);
	assert_has(f->err.msg, "is no tar archive, or a damaged one");
	assert_true(f->err.cause[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_header_depends_on_name_and_size_only),
		TEST(a_folder_is_one),
		TEST(says_where_the_bytes_are),
		TEST(entries_of_9_gib_work),
		TEST(tells_files_from_what_is_none),
		TEST(a_sparse_file_is_not_in_one_piece),
		TEST(a_compressed_one_is_told_with_what_to_do),
		TEST(what_is_no_archive_is_told),
		TEST(cut_anywhere_it_is_not_whole),
		TEST(nothing_may_come_behind_the_end),
		TEST(sizes_that_lie_are_told),
		TEST(a_changed_header_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
