/*
 * tests/bench/index_fill.c - the index that is asked: versions as a sync
 * writes them, a model in a transaction.
 */
#include "tests/bench/index_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "content/digest.h"
#include "base/mem.h"

#define EPOCH_S INT64_C(1735689600) /* 2025-01-01T00:00:00Z */

struct made {
	struct mr_meta meta;
	struct mr_parent parents[3];
	char parent_text[3][MREG_DIGEST_TEXT];
	struct mr_input input;
	struct mreg_pair metrics[3], params[2], tags[2];
	char text[8][32];
	char uri[64], run[32], count[24], created[32], card[512];
};

/* Rank within `n`, lower ones more often. */
static uint64_t skewed(uint64_t hash, uint64_t n)
{
	uint64_t a = hash % n;
	uint64_t b = (hash >> 32) % n;

	return a < b ? a : b;
}

static void add_parent(struct made *m, const char *relation, uint64_t i)
{
	size_t k = m->meta.parent_count++;
	struct mreg_digest d;

	bench_digest(i, &d);
	m->parents[k] = (struct mr_parent){
		.relation = (char *)(uintptr_t)relation,
		.ref = (char *)(uintptr_t) "registry.example/parent",
		.digest = mreg_digest_text(&d, m->parent_text[k]),
	};
}

static void make_origins(const struct bench *b, uint64_t i, struct made *m)
{
	uint64_t first = i - i % b->per_model;
	uint64_t k;

	(void)snprintf(m->run, sizeof(m->run), "run-%08" PRIx64, i);
	m->meta.run_id = m->run;
	m->meta.parents = m->parents;
	if (bench_is_merge(b, i)) {
		for (k = 0; k < 3; k++)
			add_parent(m, "merge",
				   i - 1 -
					   bench_hash(i, 10 + k) %
						   (BENCH_MERGE_REACH / 3) -
					   k * (BENCH_MERGE_REACH / 3));
		return;
	}
	if (i > first)
		add_parent(m, "finetune", i - 1);
	else if (first > 0)
		add_parent(m, "finetune", bench_hash(i, 13) % first);
	(void)snprintf(m->uri, sizeof(m->uri), "s3://data/set-%04" PRIu64,
		       skewed(bench_hash(i, 14), 2000));
	m->input = (struct mr_input){ .role = (char *)(uintptr_t) "train",
				      .uri = m->uri };
	m->meta.inputs = &m->input;
	m->meta.input_count = 1;
}

static void make_values(uint64_t i, struct made *m)
{
	static const char *const metrics[] = { "auc", "latency_ms", "loss" };
	static const char *const rates[] = { "0.1", "0.01", "0.001", "3e-4",
					     "1e-5" };
	size_t k;

	for (k = 0; k < 3; k++) {
		(void)snprintf(m->text[k], sizeof(m->text[k]), "%.6f",
			       (double)(bench_hash(i, 20 + k) % 1000000) / 1e6);
		m->metrics[k] = (struct mreg_pair){ metrics[k], m->text[k] };
	}
	(void)snprintf(m->text[3], sizeof(m->text[3]), "%" PRIu64,
		       bench_hash(i, 24) % 100);
	m->params[0] = (struct mreg_pair){ "epochs", m->text[3] };
	m->params[1] = (struct mreg_pair){ "lr", rates[bench_hash(i, 25) % 5] };
	(void)snprintf(m->text[4], sizeof(m->text[4]), "task-%02" PRIu64,
		       skewed(bench_hash(i, 26), BENCH_TASKS));
	(void)snprintf(m->text[5], sizeof(m->text[5]), "team-%02" PRIu64,
		       bench_hash(i, 27) % BENCH_TEAMS);
	m->tags[0] = (struct mreg_pair){ "task", m->text[4] };
	m->tags[1] = (struct mreg_pair){ "team", m->text[5] };
	m->meta.metrics = m->metrics;
	m->meta.metric_count = 3;
	m->meta.params = m->params;
	m->meta.param_count = 2;
	m->meta.tags = m->tags;
	m->meta.tag_count = 2;
}

static void make_card(uint64_t i, struct made *m)
{
	char word[16];
	size_t n = 0;
	uint64_t k;

	for (k = 0; k < 15; k++)
		n += (size_t)snprintf(m->card + n, sizeof(m->card) - n, "%s ",
				      bench_word(bench_hash(i, 40 + k), word));
}

static void put_version(struct bench *b, struct mr_index_writer *w, uint64_t i)
{
	static const char *const formats[] = { "safetensors", "gguf", "onnx" };
	static const char *const licenses[] = { "Apache-2.0", "MIT", "llama3",
						"GPL-3.0-only" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest none = { 0 };
	struct made m = { 0 };
	struct mr_ix_version v = {
		.number = i % b->per_model + 1,
		.artifact_type = "application/vnd.cncf.model.manifest.v1+json",
		.meta = &m.meta,
		.manifest = &none,
		.bytes = bench_hash(i, 1) % (UINT64_C(1) << 36),
		.files = 1 + bench_hash(i, 2) % 20,
	};
	struct mr_ix_life l = { .number = v.number,
				.registered_s = EPOCH_S + (int64_t)i,
				.updated_s = EPOCH_S + (int64_t)i,
				.actor = "ci@example.com",
				.stage = "none" };

	make_origins(b, i, &m);
	make_values(i, &m);
	m.meta.format = formats[bench_hash(i, 3) % 3];
	m.meta.architecture = "llama";
	m.meta.precision = "bf16";
	m.meta.licenses = licenses[bench_hash(i, 4) % 4];
	(void)snprintf(m.count, sizeof(m.count), "%" PRIu64,
		       bench_hash(i, 5) % UINT64_C(70000000000));
	m.meta.parameters = m.count;
	bench_digest(i, &v.desc.digest);
	(void)snprintf(v.desc.media_type, sizeof(v.desc.media_type), "%s",
		       "application/vnd.oci.image.manifest.v1+json");
	v.desc.size = 2000 + bench_hash(i, 6) % 2000;
	bench_digest(i + (UINT64_C(1) << 40), &v.fileset);
	if (b->cards) {
		make_card(i, &m);
		v.card = m.card;
	}
	l.run = m.run;
	l.tags = m.tags;
	l.tag_count = 2;
	bench_must(mr_index_put_version(w, &v, &err), &err);
	bench_must(mr_index_put_life(w, &l, &err), &err);
}

static void put_events(struct bench *b, struct mr_index_writer *w,
		       uint64_t from, uint64_t to)
{
	MR_AUTO(mr_ledger_freep) struct mr_ledger *ledger = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_event_doc doc = { 0 };
	struct mreg_digest prev;
	uint64_t i;

	(void)b;
	bench_must(mr_ledger_new(&ledger, &err), &err);
	for (i = from; i < to; i++) {
		struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
				      .seq = i - from + 1,
				      .prev = &prev,
				      .prev_count = i > from ? 1 : 0,
				      .time_s = EPOCH_S + (int64_t)i,
				      .actor = "ci@example.com",
				      .number = i - from + 1 };

		bench_digest(i, &e.version);
		bench_must(mr_event_write(&e, &doc, &err), &err);
		bench_must(mr_ledger_add(ledger, doc.bytes.data, doc.bytes.len,
					 &err),
			   &err);
		prev = doc.desc.digest;
	}
	bench_must(mr_index_replace_events(w, ledger, &err), &err);
	mr_event_doc_release(&doc);
}

static void put_names(struct mr_index_writer *w, uint64_t from, uint64_t to)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_name names[3] = {
		{ .tag = "latest", .kind = MR_IX_LATEST, .moved_s = EPOCH_S },
		{ .tag = "production",
		  .kind = MR_IX_ALIAS,
		  .moved_s = EPOCH_S },
		{ .tag = "staging", .kind = MR_IX_ALIAS, .moved_s = EPOCH_S },
	};
	size_t k;

	for (k = 0; k < 3; k++) {
		bench_digest(k == 0 ? to - 1 : from + (to - from) / (k + 1),
			     &names[k].tagged);
		names[k].logged = names[k].tagged;
	}
	bench_must(mr_index_replace_names(w, names, 3, &err), &err);
}

static void put_model(struct bench *b, uint64_t model)
{
	struct mreg_error err = MREG_ERROR_INIT;
	uint64_t from = model * b->per_model;
	uint64_t to = from + b->per_model;
	struct mr_index_writer *w;
	char name[64];
	struct mr_ix_model m = { .place = "registry.example" };
	struct mr_ix_sync sync = { .synced_s = EPOCH_S };
	uint64_t i;

	if (to > b->versions)
		to = b->versions;
	if (from >= to)
		return;
	m.name = bench_model_name(model, name);
	m.repository = strchr(name, '/') + 1;
	bench_must(mr_index_begin(b->ix, &m, &w, &err), &err);
	for (i = from; i < to; i++)
		put_version(b, w, i);
	put_events(b, w, from, to);
	put_names(w, from, to);
	bench_must(mr_index_cache_sync(w, &sync, &err), &err);
	bench_must(mr_index_commit(w, &err), &err);
}

void bench_fill(struct bench *b)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t began = bench_now_ns();
	int64_t written, settled;
	struct rusage used;
	uint64_t size = 0;
	uint64_t i;

	for (i = 0; i < BENCH_MODELS; i++)
		put_model(b, i);
	written = bench_now_ns();
	bench_must(mr_index_settle(b->ix, &err), &err);
	settled = bench_now_ns();
	bench_must(mr_db_size(mr_index_db(b->ix), &size, &err), &err);
	(void)getrusage(RUSAGE_SELF, &used);
	printf("{\"versions\": %" PRIu64 ", \"write_s\": %.2f, \"settle_s\":"
	       " %.2f, \"bytes\": %" PRIu64 ", \"cards\": %s,"
	       " \"max_rss_kib\": %ld}\n",
	       b->versions, (double)(written - began) / 1e9,
	       (double)(settled - written) / 1e9, size,
	       b->cards ? "true" : "false", used.ru_maxrss);
}
