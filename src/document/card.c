/*
 * card.c - the metadata at the top of a README.md, as Hugging Face defines it
 * (hub-docs, modelcard.md), and the first words below.
 */
#include "document/document.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/fields.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define BOM "\xef\xbb\xbf"
#define HUB "https://huggingface.co/"
#define HUB_DATASETS HUB "datasets/"

/* Leaderboards of hundreds of tasks have some thousand values. */
#define METRICS_MAX 10000
#define METRIC_MAX_BYTES 64
/* Shown of several licences. */
#define ODD_LICENSES_MAX 4
/* SPDX sets no limit; nobody names a licence longer. */
#define LICENSE_REF_MAX_BYTES 128

struct parts {
	const char *front; /* borrowed; NULL: there is none */
	size_t front_len;
	const char *prose; /* borrowed */
	size_t prose_len;
};

/* The length of the line at `at` without white space at its end; `*next` is
 * where the one behind it begins. */
static size_t line_at(const char *at, const char *end, const char **next)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at));
	const char *stop = lf ? lf : end;

	*next = lf ? lf + 1 : end;
	while (stop > at && memchr(" \t\r", stop[-1], 3))
		stop--;
	return (size_t)(stop - at);
}

static bool is_rule(const char *line, size_t len)
{
	return len == 3 && memcmp(line, "---", 3) == 0;
}

/*
 * Front matter stands between two lines "---", the first of which nothing but
 * empty lines may precede.  It is given to the parser with all that is before
 * it, so that the lines of messages are those of the file.
 */
static void split(const char *bytes, size_t n, struct parts *p)
{
	const char *end = bytes + n;
	const char *next;
	const char *at;
	size_t len;

	if (n >= sizeof(BOM) - 1 && memcmp(bytes, BOM, sizeof(BOM) - 1) == 0)
		bytes += sizeof(BOM) - 1;
	*p = (struct parts){ .prose = bytes,
			     .prose_len = (size_t)(end - bytes) };
	for (at = bytes; at < end; at = next) {
		len = line_at(at, end, &next);
		if (len == 0)
			continue;
		if (!is_rule(at, len))
			return;
		break;
	}
	if (at == end)
		return;
	for (at = next; at < end; at = next) {
		len = line_at(at, end, &next);
		if (!is_rule(at, len))
			continue;
		p->front = bytes;
		p->front_len = (size_t)(at - bytes);
		p->prose = next;
		p->prose_len = (size_t)(end - next);
		return;
	}
}

/* "LicenseRef-" and letters, digits, '.' and '-' (SPDX, annex D); NULL when
 * nothing of `name` remains. */
static const char *license_ref(struct mr_arena *a, const char *name)
{
	char id[LICENSE_REF_MAX_BYTES + sizeof("-plus")];
	size_t len = 0;

	for (; *name && len < LICENSE_REF_MAX_BYTES; name++) {
		if (strchr(LETTERS DIGITS ".", *name)) {
			id[len++] = *name;
		} else if (*name == '+') { /* "openrail" is not "openrail++" */
			memcpy(id + len, "-plus", 5);
			len += 5;
		} else if (len > 0 && id[len - 1] != '-') {
			id[len++] = '-';
		}
	}
	while (len > 0 && id[len - 1] == '-')
		len--;
	if (*name || len == 0)
		return NULL;
	return mr_arena_printf(a, "LicenseRef-%.*s", (int)len, id);
}

/* What is said of licences, but is not the id of one. */
static const char *join(const struct mr_words *words, struct mr_arena *a)
{
	size_t n = words->n < ODD_LICENSES_MAX ? words->n : ODD_LICENSES_MAX;

	return mr_arena_join(a, words->items, n, ", ");
}

static const char *read_license(const struct mr_node *root, struct mr_arena *a,
				const char **odd)
{
	struct mr_words ids;
	const char *spdx;
	const char *id;

	mr_fields_words(a, mr_node_get(root, "license"), &ids);
	if (ids.n == 1 && strcmp(ids.items[0], "unknown") == 0)
		return NULL;
	if (ids.n != 1 || strpbrk(ids.items[0], " \t()")) {
		*odd = join(&ids, a);
		return NULL;
	}
	id = ids.items[0];
	if (strcmp(id, "other") == 0)
		id = mr_fields_text(a, root, "license_name");
	if (!id)
		return NULL;
	spdx = mr_license_spdx(id);
	return spdx ? spdx : license_ref(a, id);
}

/* "NAME" or "ORG/NAME"; no path on somebody's disk. */
static bool is_repository(const char *id)
{
	size_t n = strspn(id, LETTERS DIGITS "._-");

	if (n == 0 || id[0] == '.')
		return false;
	if (id[n] == '\0')
		return true;
	if (id[n] != '/' || id[n + 1] == '.')
		return false;
	id += n + 1;
	n = strspn(id, LETTERS DIGITS "._-");
	return n > 0 && id[n] == '\0';
}

/* An address on the Hub is the id behind it; each once. */
static void cut_hub(struct mr_words *words, const char *prefix)
{
	size_t n = strlen(prefix);
	size_t kept = 0;
	size_t i;
	size_t k;

	for (i = 0; i < words->n; i++) {
		const char *word = words->items[i];

		if (mr_text_starts(word, prefix) && word[n])
			word += n;
		for (k = 0; k < kept; k++)
			if (strcmp(words->items[k], word) == 0)
				break;
		if (k == kept)
			words->items[kept++] = word;
	}
	words->n = kept;
}

static void read_bases(const struct mr_node *root, struct mr_arena *a,
		       struct mr_words *out)
{
	size_t kept = 0;
	size_t i;

	mr_fields_words(a, mr_node_get(root, "base_model"), out);
	cut_hub(out, HUB);
	for (i = 0; i < out->n; i++)
		if (is_repository(out->items[i]))
			out->items[kept++] = out->items[i];
	out->n = kept;
}

/* As the Hub, which takes what the library PEFT saved for an adapter, and what
 * has several models behind it for a merge of them; its other guesses need the
 * files. */
static const char *read_relation(const struct mr_node *root, struct mr_arena *a,
				 const struct mr_card *card)
{
	static const char *const known[] = { "finetune", "quantized", "adapter",
					     "merge" };
	const char *text = mr_fields_text(a, root, "base_model_relation");
	size_t i;

	if (!text && card->base_models.n > 0 && card->library &&
	    strcmp(card->library, "peft") == 0)
		return "adapter";
	if (!text && card->base_models.n > 1)
		return "merge";
	for (i = 0; text && i < MR_COUNT(known); i++)
		if (strcmp(known[i], text) == 0)
			return known[i];
	return NULL;
}

/* What identifies a data set or metric, else what it is called. */
static const char *type_or_name(struct mr_arena *a, const struct mr_node *node)
{
	const char *type = mr_fields_text(a, node, "type");

	return type ? type : mr_fields_text(a, node, "name");
}

/* The values of one result, METRICS_MAX in total. */
static void read_result(const struct mr_node *result, struct mr_arena *a,
			struct mr_card *out)
{
	const struct mr_node *metrics = mr_node_get(result, "metrics");
	const char *dataset = type_or_name(a, mr_node_get(result, "dataset"));
	const struct mr_node *metric;
	struct mr_card_metric one;
	size_t i;

	for (i = 0; (metric = mr_fields_item(metrics, i)); i++) {
		one.dataset = dataset;
		one.name = type_or_name(a, metric);
		one.value = mr_fields_text(a, metric, "value");
		if (!one.name || !one.value ||
		    strlen(one.value) > METRIC_MAX_BYTES ||
		    !mr_json_is_number(one.value) ||
		    out->metric_count == METRICS_MAX)
			continue;
		out->metrics[out->metric_count++] = one;
	}
}

/* An upper bound of the values in a model index. */
static size_t count_values(const struct mr_node *index)
{
	const struct mr_node *metrics;
	const struct mr_node *results;
	const struct mr_node *result;
	size_t n = 0;
	size_t i;
	size_t k;

	for (i = 0; mr_fields_item(index, i); i++) {
		results = mr_node_get(index->items[i], "results");
		for (k = 0; (result = mr_fields_item(results, k)); k++) {
			metrics = mr_node_get(result, "metrics");
			if (metrics && metrics->kind == MR_NODE_LIST)
				n += metrics->count;
		}
	}
	return n < METRICS_MAX ? n : METRICS_MAX;
}

static void read_index(const struct mr_node *index, struct mr_arena *a,
		       struct mr_card *out)
{
	size_t n = count_values(index);
	const struct mr_node *results;
	const struct mr_node *result;
	size_t i;
	size_t k;

	if (n == 0)
		return;
	out->metrics = mr_arena_alloc(a, n * sizeof(*out->metrics));
	if (!out->metrics)
		return;
	for (i = 0; mr_fields_item(index, i); i++) {
		results = mr_node_get(index->items[i], "results");
		for (k = 0; (result = mr_fields_item(results, k)); k++)
			read_result(result, a, out);
	}
}

static void read_fields(const struct mr_node *root, struct mr_arena *a,
			struct mr_card *out)
{
	const struct mr_node *languages = mr_node_get(root, "language");

	out->license = read_license(root, a, &out->license_odd);
	out->pipeline = mr_fields_text(a, root, "pipeline_tag");
	out->library = mr_fields_text(a, root, "library_name");
	read_bases(root, a, &out->base_models);
	out->relation = read_relation(root, a, out);
	mr_fields_words(a, mr_node_get(root, "datasets"), &out->datasets);
	cut_hub(&out->datasets, HUB_DATASETS);
	if (!languages)
		languages = mr_node_get(root, "languages");
	mr_fields_words(a, languages, &out->languages);
	mr_fields_words(a, mr_node_get(root, "tags"), &out->tags);
	read_index(mr_node_get(root, "model-index"), a, out);
}

int mr_card_read(const char *bytes, size_t n, struct mr_arena *a,
		 struct mr_card *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *tree = mr_arena_new(MR_YAML_ARENA_BYTES);
	const struct mr_node *root = NULL;
	struct parts parts;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (!tree)
		return mr_fail_nomem(err);
	split(bytes, n, &parts);
	if (parts.front)
		rc = mr_fields_open(parts.front, parts.front_len, "README.md",
				    tree, a, &root, &out->trouble, err);
	if (rc < 0 || out->trouble)
		return rc;
	read_fields(root, a, out);
	rc = mr_card_prose(parts.prose, parts.prose_len, a, &out->description,
			   err);
	return rc < 0 ? rc : mr_fields_end(a, err);
}
