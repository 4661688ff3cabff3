/*
 * summary.c - what weight files say: kept, and put together where several are
 * the model's.
 */
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* Tables of a graph with more ports than that are no one's signature. */
#define PORTS_MAX 256
#define SIGNATURE_MAX_BYTES (64u << 10)
/* "-00001-of-00003", as transformers and llama.cpp name shards. */
#define SHARD_DIGITS 5
/* Shards of one set have one precision, seldom two. */
#define PRECISIONS_MAX 8

/* -- keeping -----------------------------------------------------------------
 */

static const char *keep(struct mr_arena *a, const char *s)
{
	return s && s[0] ? mr_arena_strdup(a, s) : NULL;
}

static struct mr_words keep_words(struct mr_arena *a,
				  const struct mr_words *words)
{
	struct mr_words kept = { .n = words->n };
	size_t i;

	if (kept.n > MR_SUMMARY_WORDS_MAX)
		kept.n = MR_SUMMARY_WORDS_MAX;
	kept.items = mr_arena_alloc(a, (kept.n + 1) * sizeof(*kept.items));
	for (i = 0; kept.items && i < kept.n; i++)
		kept.items[i] = mr_arena_strdup(a, words->items[i]);
	return kept;
}

/* A number, or -1 for what is only named or not told, as MLflow has it. */
static void put_dims(struct mr_buf *b, const struct mr_words *dims)
{
	uint64_t number;
	size_t i;

	mr_buf_puts(b, ",\"shape\":[");
	for (i = 0; i < dims->n; i++) {
		if (i > 0)
			mr_buf_putc(b, ',');
		if (mr_text_u64(dims->items[i], INT64_MAX, &number) == 0)
			mr_buf_printf(b, "%" PRIu64, number);
		else
			mr_buf_puts(b, "-1");
	}
	mr_buf_putc(b, ']');
}

static void put_ports(struct mr_buf *b, const char *key,
		      const struct mr_port *ports, size_t n)
{
	size_t i;

	mr_json_quote(b, key);
	mr_buf_puts(b, ":[");
	for (i = 0; i < n; i++) {
		const struct mr_port *p = &ports[i];

		mr_buf_puts(b, i > 0 ? ",{\"name\":" : "{\"name\":");
		mr_json_quote(b, p->name ? p->name : "");
		mr_buf_puts(b, ",\"tensor-spec\":{\"dtype\":");
		mr_json_quote(b, p->dtype ? p->dtype : "");
		if (p->ranked)
			put_dims(b, &p->dims);
		mr_buf_puts(b, "},\"type\":\"tensor\"}");
	}
	mr_buf_putc(b, ']');
}

/* A graph's ports as the signature that MLflow would write (its TensorSpec);
 * NULL when it has none, or too many. */
static const char *signature_of(const struct mr_facts *f, struct mr_arena *a,
				struct mreg_error *err, int *rc)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(SIGNATURE_MAX_BYTES);

	*rc = 0;
	if (f->input_count + f->output_count == 0 ||
	    f->input_count > PORTS_MAX || f->output_count > PORTS_MAX)
		return NULL;
	mr_buf_putc(&b, '{');
	put_ports(&b, "inputs", f->inputs, f->input_count);
	mr_buf_putc(&b, ',');
	put_ports(&b, "outputs", f->outputs, f->output_count);
	mr_buf_putc(&b, '}');
	if (b.failed == MREG_ENOMEM)
		*rc = mr_fail_nomem(err);
	return b.failed ? NULL : mr_arena_strdup(a, mr_buf_text(&b));
}

int mr_summary_take(const struct mr_facts *f, const char *path, uint64_t size,
		    struct mr_arena *a, struct mr_summary *out,
		    struct mreg_error *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->size = size;
	out->format = f->format;
	out->path = mr_arena_strdup(a, path);
	out->trouble = keep(a, f->trouble);
	out->limited = f->limited;
	out->architecture = keep(a, f->architecture);
	out->license = keep(a, f->license);
	out->base_model = keep(a, f->base_model);
	out->precision = keep(a, f->precision);
	out->quantization = keep(a, f->quantization);
	out->signature = signature_of(f, a, err, &rc);
	out->parameters = f->parameters;
	out->context_length = f->context_length;
	out->unsafe = keep_words(a, &f->unsafe);
	out->unsafe_count = f->unsafe.n;
	out->warnings = keep_words(a, &f->warnings);
	out->warning_count = f->warnings.n;
	if (rc == 0 && mr_arena_failed(a))
		rc = mr_fail_nomem(err);
	return rc;
}

/* -- choosing -----------------------------------------------------------------
 */

struct member {
	const struct mr_summary *weight; /* borrowed */
	const char *shard;               /* its "-00001-of-00003", or NULL */
};

static bool is_number(const char *s)
{
	return strspn(s, "0123456789") >= SHARD_DIGITS;
}

/* Where the last component of `path` tells which shard it is. */
static const char *find_shard(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *s = slash ? slash + 1 : path;

	for (s = strchr(s, '-'); s; s = strchr(s + 1, '-'))
		if (is_number(s + 1) &&
		    strncmp(s + 1 + SHARD_DIGITS, "-of-", 4) == 0 &&
		    is_number(s + 5 + SHARD_DIGITS))
			return s;
	return NULL;
}

/* How many shards there are; 1 for what is none. */
static size_t shards_of(const struct member *m)
{
	return m->shard ? (size_t)strtoul(m->shard + 5 + SHARD_DIGITS, NULL, 10)
			: 1;
}

/* Whether both belong to one set is 0; else an order of sets. */
static int compare_set(const struct member *x, const struct member *y)
{
	const char *p = x->weight->path;
	const char *q = y->weight->path;
	size_t n = x->shard ? (size_t)(x->shard - p) : strlen(p);
	size_t m = y->shard ? (size_t)(y->shard - q) : strlen(q);
	int order = strncmp(p, q, n < m ? n : m);

	if (order == 0 && n != m)
		order = n < m ? -1 : 1;
	if (order == 0 && !x->shard != !y->shard)
		order = x->shard ? 1 : -1;
	/* What follows the number of this shard: how many, and the ending. */
	if (order == 0 && x->shard)
		order = strcmp(x->shard + 1 + SHARD_DIGITS,
			       y->shard + 1 + SHARD_DIGITS);
	if (order == 0 && x->weight->format != y->weight->format)
		order = x->weight->format < y->weight->format ? -1 : 1;
	return order;
}

static int compare_member(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = compare_set(x, y);

	return order ? order : strcmp(x->weight->path, y->weight->path);
}

/* The one that most parameters have; each file counts as one. */
static const char *common_precision(const struct member *m, size_t n)
{
	const char *names[PRECISIONS_MAX] = { NULL };
	uint64_t counts[PRECISIONS_MAX] = { 0 };
	size_t best = 0;
	size_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		const struct mr_summary *w = m[i].weight;

		if (!w->precision)
			continue;
		for (k = 0; k < PRECISIONS_MAX && names[k] &&
			    strcmp(names[k], w->precision) != 0;)
			k++;
		if (k == PRECISIONS_MAX)
			continue;
		names[k] = w->precision;
		counts[k] += w->parameters;
	}
	for (k = 1; k < PRECISIONS_MAX && names[k]; k++)
		if (counts[k] > counts[best])
			best = k;
	return names[best];
}

static void take_first(const char **to, const char *value)
{
	if (!*to)
		*to = value;
}

/* `m[0..n-1]` are one set. */
static void sum_up(const struct member *m, size_t n,
		   struct mr_summary_main *out, uint64_t *weight)
{
	bool whole = n == shards_of(&m[0]);
	size_t i;

	*out = (struct mr_summary_main){ .first = m[0].weight, .files = n };
	*weight = 0;
	for (i = 0; i < n; i++) {
		const struct mr_summary *w = m[i].weight;

		*weight += w->size;
		if (!w->parameters || w->parameters > INT64_MAX ||
		    out->parameters > INT64_MAX - w->parameters)
			whole = false;
		else
			out->parameters += w->parameters;
		take_first(&out->architecture, w->architecture);
		take_first(&out->license, w->license);
		take_first(&out->base_model, w->base_model);
		take_first(&out->quantization, w->quantization);
		if (!out->context_length)
			out->context_length = w->context_length;
	}
	if (n == 1)
		out->signature = m[0].weight->signature;
	/* Constants of a graph count among its parameters; the headers of
	 * these have nothing but tensors. */
	if (m[0].weight->format == MR_FORMAT_SAFETENSORS ||
	    m[0].weight->format == MR_FORMAT_GGUF)
		*weight *= 2;
	/* A sum that lacks a part is no count. */
	if (!whole)
		out->parameters = 0;
	out->precision = common_precision(m, n);
}

int mr_summary_choose(const struct mr_summary *weights, size_t count,
		      struct mr_summary_main *out, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct member *members = NULL;
	uint64_t most = 0;
	size_t n = 0;
	size_t end;
	size_t i;

	memset(out, 0, sizeof(*out));
	members = mr_array(count, sizeof(*members));
	if (!members)
		return mr_fail_nomem(err);
	for (i = 0; i < count; i++)
		if (!weights[i].trouble &&
		    weights[i].format != MR_FORMAT_UNKNOWN)
			members[n++] =
				(struct member){ &weights[i],
						 find_shard(weights[i].path) };
	if (n > 1)
		qsort(members, n, sizeof(*members), compare_member);
	for (i = 0; i < n; i = end) {
		struct mr_summary_main set;
		uint64_t weight;
		bool better;

		for (end = i + 1;
		     end < n && compare_set(&members[i], &members[end]) == 0;)
			end++;
		sum_up(&members[i], end - i, &set, &weight);
		better = !set.parameters == !out->parameters
				 ? weight > most
				 : set.parameters != 0;
		if (!out->first || better) {
			*out = set;
			most = weight;
		}
	}
	return 0;
}

const char *mr_param_size_text(uint64_t parameters, char out[32])
{
	static const char units[] = "kmbt";
	uint64_t unit = 1;
	uint64_t tenths;
	size_t i;

	if (parameters < 1000) {
		(void)snprintf(out, 32, "%" PRIu64, parameters);
		return out;
	}
	for (i = 0;; i++) {
		unit *= 1000;
		/* Rounded to the nearest, half up; no overflow: / first. */
		tenths = parameters / unit * 10 +
			 (parameters % unit * 10 + unit / 2) / unit;
		if (tenths < 10000 || !units[i + 1])
			break;
	}
	if (tenths % 10)
		(void)snprintf(out, 32, "%" PRIu64 ".%" PRIu64 "%c",
			       tenths / 10, tenths % 10, units[i]);
	else
		(void)snprintf(out, 32, "%" PRIu64 "%c", tenths / 10, units[i]);
	return out;
}
