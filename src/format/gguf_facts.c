/*
 * gguf_facts.c - what the pairs of a GGUF file mean (ggml, docs/gguf.md,
 * "Standardized key-value pairs").
 *
 * Texts are data: a chat template is kept like any other and never evaluated
 * (security.md H63).
 */
#include "format/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NUMBER_BYTES 40

static const char *kind_name(enum mr_gguf_kind kind, uint64_t count)
{
	static const char *const names[MR_GGUF_KIND_COUNT] = {
		[MR_GGUF_UINT8] = "uint8",     [MR_GGUF_INT8] = "int8",
		[MR_GGUF_UINT16] = "uint16",   [MR_GGUF_INT16] = "int16",
		[MR_GGUF_UINT32] = "uint32",   [MR_GGUF_INT32] = "int32",
		[MR_GGUF_FLOAT32] = "float32", [MR_GGUF_BOOL] = "bool",
		[MR_GGUF_UINT64] = "uint64",   [MR_GGUF_INT64] = "int64",
		[MR_GGUF_FLOAT64] = "float64",
	};

	if (kind == MR_GGUF_STRING)
		return count == 1 ? "string" : "strings";
	return names[kind];
}

/* The shortest text that is read as the same number: 1e-05, not
 * 9.99999975e-06. */
static void float32_text(uint64_t bits, char out[NUMBER_BYTES])
{
	uint32_t low = (uint32_t)bits;
	float value;
	int digits;

	memcpy(&value, &low, sizeof(value));
	for (digits = 6; digits <= 9; digits++) {
		snprintf(out, NUMBER_BYTES, "%.*g", digits, (double)value);
		if (strtof(out, NULL) == value)
			return;
	}
}

static void float64_text(uint64_t bits, char out[NUMBER_BYTES])
{
	double value;
	int digits;

	memcpy(&value, &bits, sizeof(value));
	for (digits = 15; digits <= 17; digits++) {
		snprintf(out, NUMBER_BYTES, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			return;
	}
}

static const char *value_text(struct mr_cursor *c,
			      const struct mr_gguf_value *v)
{
	char number[NUMBER_BYTES];

	switch (v->kind) {
	case MR_GGUF_STRING:
		return v->text;
	case MR_GGUF_ARRAY:
		return mr_keep_printf(c, "[%" PRIu64 " %s]", v->count,
				      kind_name(v->inner, v->count));
	case MR_GGUF_BOOL:
		return v->bits ? "true" : "false";
	case MR_GGUF_FLOAT32:
		float32_text(v->bits, number);
		break;
	case MR_GGUF_FLOAT64:
		float64_text(v->bits, number);
		break;
	case MR_GGUF_INT8:
		snprintf(number, sizeof(number), "%d", (int8_t)v->bits);
		break;
	case MR_GGUF_INT16:
		snprintf(number, sizeof(number), "%d", (int16_t)v->bits);
		break;
	case MR_GGUF_INT32:
		snprintf(number, sizeof(number), "%" PRId32, (int32_t)v->bits);
		break;
	case MR_GGUF_INT64:
		snprintf(number, sizeof(number), "%" PRId64, (int64_t)v->bits);
		break;
	default:
		snprintf(number, sizeof(number), "%" PRIu64, v->bits);
		break;
	}
	return mr_keep_text(c, number, strlen(number));
}

static const char **fact_of(struct mr_facts *f, const char *key)
{
	if (strcmp(key, "general.architecture") == 0)
		return &f->architecture;
	if (strcmp(key, "general.name") == 0)
		return &f->name;
	if (strcmp(key, "general.license") == 0)
		return &f->license;
	if (strcmp(key, "tokenizer.ggml.model") == 0)
		return &f->tokenizer;
	return NULL;
}

void mr_gguf_note(struct mr_cursor *c, struct mr_facts *f, const char *key,
		  const struct mr_gguf_value *v)
{
	const char **fact = fact_of(f, key);

	mr_keep_pair(c, f, mr_keep_text(c, key, strlen(key)), value_text(c, v));
	if (fact && v->kind == MR_GGUF_STRING && v->text && v->text[0])
		*fact = v->text;
	if (strcmp(key, "general.file_type") == 0 && v->kind == MR_GGUF_UINT32)
		f->quantization = mr_gguf_quantization(v->bits);
}

/* The value of a key; NULL: absent, or empty. */
static const char *get(const struct mr_facts *f, const char *key)
{
	size_t i;

	for (i = 0; i < f->metadata_count; i++)
		if (strcmp(f->metadata[i].name, key) == 0)
			return f->metadata[i].value[0] ? f->metadata[i].value
						       : NULL;
	return NULL;
}

/* The first of them: a merge has several, and all are in the metadata. */
static const char *base_model(struct mr_cursor *c, const struct mr_facts *f)
{
	const char *url = get(f, "general.base_model.0.repo_url");
	const char *org = get(f, "general.base_model.0.organization");
	const char *name = get(f, "general.base_model.0.name");

	if (url || !org || !name)
		return url;
	return mr_keep_printf(c, "%s/%s", org, name);
}

void mr_gguf_conclude(struct mr_cursor *c, struct mr_facts *f)
{
	const char *length;
	const char *key;

	mr_facts_sort(f);
	mr_facts_count(f);
	f->base_model = base_model(c, f);
	/* Files without general.file_type, as other programs than llama.cpp
	 * write them. */
	if (!f->quantization && !f->precision)
		f->quantization = mr_facts_most(f);
	if (!f->architecture)
		return;
	key = mr_keep_printf(c, "%s.context_length", f->architecture);
	length = key ? get(f, key) : NULL;
	if (length && mr_text_u64(length, UINT64_MAX, &f->context_length) < 0)
		f->context_length = 0;
}
