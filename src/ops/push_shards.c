/*
 * push_shards.c - whether the shards of a model hold the tensors that its shard
 * index says they do.
 *
 * A program takes each tensor from the file that the index names: where that
 * does not have it, the model cannot be loaded, however whole its files are.
 * That the files are there is asked before (push_files.c).  Only of
 * safetensors: the names in a pickle are known to who executes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/format.h"
#include "ops/push.h"

#define SHOWN_BYTES 120

/* One index, and what is wrong with it. */
struct shards {
	struct push *p;
	const struct mr_file *index;
	struct mr_arena *arena;    /* owned */
	struct mr_shard_row *rows; /* by shard, then tensor */
	size_t count;
	const struct mr_shard_row *missing; /* the first; NULL: none */
	size_t missing_count;
};

static void shards_release(struct shards *s)
{
	mr_arena_free(s->arena);
}

static int load(struct shards *s, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_SHARD_INDEX_MAX_BYTES);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	int rc;

	s->arena = mr_arena_new(MR_SHARD_ROWS_MAX_BYTES);
	if (!s->arena)
		return mr_fail_nomem(err);
	rc = mr_file_stream(s->index, &in, err);
	if (rc >= 0)
		rc = mr_stream_load(in, &b, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read '%s'", s->index->source);
	return mr_format_shard_rows(mr_buf_text(&b), b.len, s->index->source,
				    s->arena, &s->rows, &s->count, err);
}

/* Relative to the folder of the index. */
static const struct mr_file *find(const struct shards *s, const char *shard)
{
	const struct mr_scan *scan = s->p->scan;
	const char *slash = strrchr(s->index->path, '/');
	int dir = slash ? (int)(slash - s->index->path + 1) : 0;
	char path[MR_PATH_MAX_BYTES + 1];
	size_t i;

	(void)snprintf(path, sizeof(path), "%.*s%s", dir, s->index->path,
		       shard);
	for (i = 0; i < scan->count; i++)
		if (strcmp(scan->files[i].path, path) == 0)
			return &scan->files[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct mr_tensor *x = a;
	const struct mr_tensor *y = b;

	return strcmp(x->name, y->name);
}

/* The rows of one shard. */
static int check_shard(struct shards *s, const struct mr_shard_row *rows,
		       size_t n, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	const struct mr_file *f = find(s, rows->shard);
	struct mr_facts facts;
	size_t i;
	int rc;

	if (!a)
		return mr_fail_nomem(err);
	if (!f || !mr_text_ends(f->path, ".safetensors"))
		return 0;
	rc = mr_file_reader(f, &r, err);
	if (rc >= 0)
		rc = mr_facts_read(r, f->path, a, &facts, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read '%s'", f->source);
	/* What is wrong with it has been told. */
	if (facts.trouble || facts.format != MR_FORMAT_SAFETENSORS)
		return 0;
	if (facts.tensor_count)
		qsort(facts.tensors, facts.tensor_count, sizeof(*facts.tensors),
		      by_name);
	for (i = 0; i < n; i++) {
		struct mr_tensor key = { .name = rows[i].tensor };

		if (facts.tensor_count &&
		    bsearch(&key, facts.tensors, facts.tensor_count,
			    sizeof(*facts.tensors), by_name))
			continue;
		if (s->missing_count++ == 0)
			s->missing = &rows[i];
	}
	return 0;
}

static void tell(const struct shards *s)
{
	char index[SHOWN_BYTES], tensor[SHOWN_BYTES], shard[SHOWN_BYTES];
	char more[48] = "";

	if (s->missing_count > 1)
		(void)snprintf(more, sizeof(more), ", nor %zu more",
			       s->missing_count - 1);
	mr_log(&s->p->m->env, MREG_LOG_WARN,
	       "'%s' names tensor '%s', which '%s' does not have%s",
	       mr_text_safe(s->index->path, index, sizeof(index)),
	       mr_text_safe(s->missing->tensor, tensor, sizeof(tensor)),
	       mr_text_safe(s->missing->shard, shard, sizeof(shard)), more);
}

static int check_index(struct push *p, const struct mr_file *index,
		       struct mreg_error *err)
{
	MR_AUTO(shards_release)
	struct shards s = { .p = p, .index = index };
	size_t end;
	size_t i;
	int rc = load(&s, err);

	for (i = 0; rc >= 0 && i < s.count; i = end) {
		for (end = i + 1;
		     end < s.count &&
		     strcmp(s.rows[i].shard, s.rows[end].shard) == 0;)
			end++;
		rc = mr_check_cancel(&p->m->env, err);
		if (rc >= 0)
			rc = check_shard(&s, &s.rows[i], end - i, err);
	}
	if (rc >= 0 && s.missing)
		tell(&s);
	return rc;
}

int mr_push_shards(struct push *p, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < p->scan->count; i++)
		if (mr_format_is_shard_index(p->scan->files[i].path))
			rc = check_index(p, &p->scan->files[i], err);
	return rc;
}
