/*
 * fuzz_graph.c - any rows as the lineage graph's file: what is answered is in
 * range, and a byte that is damaged afterwards is noticed, or changes nothing.
 *
 * Checksums are made right, since no fuzzer finds them.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "index/graph_layout.h"

#define GENERATION "fuzzed"
#define HEAD 8
#define ALL UINT32_MAX

struct answers {
	struct mr_ids up, down;
	struct mr_links links;
	int rc;
};

static void forget(struct answers *a)
{
	mr_ids_release(&a->up);
	mr_ids_release(&a->down);
	mr_links_release(&a->links);
}

/* Into `out`, of which all is zero: what it has in all; 0: nothing is. */
static size_t lay_out(const uint8_t *data, size_t size, uint8_t **out)
{
	struct mr_graph_head h = { .version = MR_GRAPH_VERSION,
				   .order = MR_GRAPH_ORDER };
	struct mr_graph_rows rows;
	uint64_t i, body, sum;
	uint32_t number;
	size_t block, blocks, n, step = data[5] & 1 ? 4 : 1;
	uint8_t *at;

	memcpy(h.magic, MR_GRAPH_MAGIC, sizeof(h.magic));
	memcpy(h.generation, GENERATION, sizeof(GENERATION));
	h.nodes = data[0] % 64;
	h.edges = data[1];
	h.groups = data[2] % 32;
	h.filesets = h.groups ? data[3] % (h.groups + 1) : 0;
	h.members = data[4];
	h.sum = mr_graph_sum(&h, offsetof(struct mr_graph_head, sum));
	assert(mr_graph_rows(&h, &rows));
	body = rows.end * sizeof(number);
	blocks = mr_graph_blocks(body);
	n = mr_graph_body(blocks) + body;
	*out = mr_zalloc(n);
	if (!*out)
		return 0;
	memcpy(*out, &h, sizeof(h));
	at = *out + mr_graph_body(blocks);
	for (i = 0; i < rows.end && HEAD + (i + 1) * step <= size; i++) {
		number = 0;
		memcpy(&number, data + HEAD + i * step, step);
		memcpy(at + i * sizeof(number), &number, sizeof(number));
	}
	for (block = 0; block < blocks; block++) {
		size_t from = block * MR_GRAPH_BLOCK_BYTES;
		size_t len = body - from < MR_GRAPH_BLOCK_BYTES
				     ? body - from
				     : MR_GRAPH_BLOCK_BYTES;

		sum = mr_graph_sum(at + from, len);
		memcpy(*out + MR_GRAPH_HEAD_BYTES + block * sizeof(sum), &sum,
		       sizeof(sum));
	}
	return n;
}

static struct mr_graph_file *open_these(const uint8_t *bytes, size_t n)
{
	struct mr_graph_file *f;
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/mreg-fuzz-graph-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	fd = mkstemp(path);
	assert(fd >= 0);
	assert(write(fd, bytes, n) == (ssize_t)n);
	(void)close(fd);
	f = mr_graph_file_open(path, GENERATION);
	(void)unlink(path);
	return f;
}

static void ask(struct mr_graph_file *f, struct answers *a)
{
	MR_AUTO(mr_ids_release) struct mr_ids ids = { .n = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t id;

	memset(a, 0, sizeof(*a));
	for (id = 1; id < 70; id++)
		assert(mr_ids_add(&ids, id, &err) == 0);
	a->rc = mr_graph_file_expand(f, ids.items, ids.n, false, ALL, &a->up,
				     &err);
	if (a->rc == 0)
		a->rc = mr_graph_file_expand(f, ids.items, ids.n, true, ALL,
					     &a->down, &err);
	if (a->rc == 0)
		a->rc = mr_graph_file_between(f, &ids, ALL, &a->links, &err);
	assert(a->rc == 0 || (a->rc == MREG_EFORMAT && err.msg[0]));
}

static void check(const struct mr_graph_file *f, const struct mr_ids *ids)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		assert(ids->items[i] >= 0 &&
		       (uint64_t)ids->items[i] < mr_graph_file_nodes(f));
}

static bool same_ids(const struct mr_ids *a, const struct mr_ids *b)
{
	return a->n == b->n && (!a->n || memcmp(a->items, b->items,
						a->n * sizeof(*a->items)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers sound, other;
	struct mr_graph_file *f;
	uint8_t *bytes = NULL;
	size_t n;

	if (size < HEAD)
		return 0;
	n = lay_out(data, size, &bytes);
	if (!n)
		return 0;
	f = open_these(bytes, n);
	assert(f);
	ask(f, &sound);
	check(f, &sound.up);
	check(f, &sound.down);
	mr_graph_file_close(f);
	bytes[(data[6] << 8 | data[7]) % n] ^= 1 + (data[5] >> 1);
	f = open_these(bytes, n);
	if (f) {
		ask(f, &other);
		assert(sound.rc < 0 || other.rc < 0 ||
		       (same_ids(&sound.up, &other.up) &&
			same_ids(&sound.down, &other.down) &&
			sound.links.edge_count == other.links.edge_count &&
			sound.links.alike_count == other.links.alike_count));
		forget(&other);
		mr_graph_file_close(f);
	}
	forget(&sound);
	mr_release(bytes);
	return 0;
}
