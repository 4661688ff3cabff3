/*
 * fuzz_run.c - any bytes as the files of an MLflow run: what comes out is
 * sorted and fit to be shown, and a metric has a number or is told as lost.
 *
 * An input is the files' contents in the order of `files`, a NUL between; the
 * last takes what is left.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/document.h"

#define ARENA_BYTES (32u << 20)

static const char *const files[] = {
	"e/r/meta.yaml",
	"e/r/metrics/val/m",
	"e/r/params/p",
	"e/r/tags/mlflow.note.content",
	"e/r/tags/t",
	"e/r/inputs/i/meta.yaml",
	"e/datasets/d/meta.yaml",
};

static const char *const folders[] = {
	"e",          "e/r",          "e/r/metrics", "e/r/metrics/val",
	"e/r/params", "e/r/tags",     "e/r/inputs",  "e/r/inputs/i",
	"e/datasets", "e/datasets/d",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[64];

static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	if (system(command) != 0)
		perror(root);
}

static const char *below(const char *path, char out[256])
{
	snprintf(out, 256, "%s/%s", root, path);
	return out;
}

/* In memory where there is such a place. */
static void make_root(void)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[256];
	size_t i;

	snprintf(root, sizeof(root), "%s/mreg-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(root))
		abort();
	(void)atexit(remove_root);
	for (i = 0; i < MR_COUNT(folders); i++)
		if (mr_dir_make(below(folders[i], path), &err) < 0)
			abort();
}

/* Written over the one of the input before. */
static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
	char path[256];
	int fd = open(below(name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || (n > 0 && write(fd, bytes, n) != (ssize_t)n))
		abort();
	mr_fd_close(&fd);
}

static void write_files(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < MR_COUNT(files); i++) {
		const uint8_t *end = i + 1 < MR_COUNT(files) && size > 0
					     ? memchr(data, '\0', size)
					     : NULL;
		size_t n = end ? (size_t)(end - data) : size;

		write_file(files[i], data, n);
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
}

static void check_text(const char *text, bool lines)
{
	const char *p;

	if (!text)
		return;
	assert(mr_utf8_valid(text));
	assert(lines || text[0]);
	for (p = text; *p; p++)
		assert(((unsigned char)*p >= 0x20 && *p != 0x7f) ||
		       (lines && (*p == '\n' || *p == '\t')));
}

static void check_pairs(const struct mreg_pair *pairs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		check_text(pairs[i].name, false);
		assert(pairs[i].value);
		check_text(pairs[i].value, true);
		assert(i == 0 || strcmp(pairs[i - 1].name, pairs[i].name) < 0);
	}
}

static void check_run(const struct mr_run *run)
{
	size_t i;

	assert(run->id);
	check_text(run->id, false);
	check_text(run->revision, false);
	check_text(run->source, false);
	check_text(run->description, true);
	check_pairs(run->params, run->param_count);
	check_pairs(run->tags, run->tag_count);
	check_pairs(run->metrics, run->metric_count);
	assert(run->param_count <= 1 && run->tag_count <= 1);
	assert(run->metric_count + run->lost.n == 1);
	for (i = 0; i < run->metric_count; i++)
		assert(mr_json_is_number(run->metrics[i].value));
	assert(run->input_count <= 1);
	for (i = 0; i < run->input_count; i++) {
		assert(run->inputs[i].name);
		check_text(run->inputs[i].name, false);
		check_text(run->inputs[i].digest, false);
		check_text(run->inputs[i].context, false);
		check_text(run->inputs[i].uri, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_run run;
	char path[256];
	int rc;

	if (!a)
		return 0; /* out of memory */
	if (!root[0])
		make_root();
	write_files(data, size);
	rc = mr_run_read(below("e/r", path), a, &run, &err);
	if (rc == 0) {
		check_run(&run);
		return 0;
	}
	assert(rc == MREG_ENOTFOUND || rc == MREG_EFORMAT || rc == MREG_ENOMEM);
	check_text(err.msg, false);
	return 0;
}
