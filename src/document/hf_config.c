/*
 * hf_config.c - config.json of transformers and diffusers.
 */
#include "document/document.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/fields.h"

#define BITS_MAX 32

/* Configurations of several parts keep that of their language model below one
 * of these. */
static const char *const parts[] = { "text_config", "llm_config",
				     "language_config" };

/* What architectures call the longest sequence, the usual one first. */
static const char *const lengths[] = {
	"max_position_embeddings",
	"n_positions",
	"max_seq_len",
	"seq_length",
	"max_sequence_length",
	"max_seq_length",
	"model_max_length",
	"max_target_positions",
	"n_ctx",
};

/*
 * Python's json module writes infinite numbers, which JSON does not have, and
 * some configurations have them ("time_step_limit": [0.0, Infinity]).  No field
 * of ours is one: they become zero.
 */
static void make_finite(char *text, size_t n)
{
	static const char *const words[] = { "-Infinity", "Infinity", "NaN" };
	bool string = false;
	size_t len;
	size_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		if (text[i] == '"')
			string = !string;
		if (string && text[i] == '\\')
			i++;
		if (string || (i > 0 && isalnum((unsigned char)text[i - 1])))
			continue;
		for (k = 0; k < MR_COUNT(words); k++) {
			len = strlen(words[k]);
			if (n - i < len || memcmp(text + i, words[k], len) != 0)
				continue;
			memset(text + i, ' ', len);
			text[i] = '0';
		}
	}
}

static int parse(const char *bytes, size_t n, struct mr_arena *a, json_t **out,
		 const char **trouble, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *copy = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	if (n > MR_PARSED_FILE_MAX_BYTES) {
		*trouble = "config.json is too large to be read";
		return 0;
	}
	copy = mr_alloc(n);
	if (!copy)
		return mr_fail_nomem(err);
	if (n > 0)
		memcpy(copy, bytes, n);
	make_finite(copy, n);
	rc = mr_json_parse(copy, n, MR_PARSED_FILE_MAX_BYTES, "config.json",
			   out, &why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc < 0)
		*trouble = mr_arena_strdup(a, why.msg);
	else if (!json_is_object(*out))
		*trouble = "config.json is no JSON object";
	return mr_fields_end(a, err);
}

/* The field of the whole, else of its language model; NULL: not told. */
static const json_t *find(const json_t *doc, const char *key)
{
	const json_t *j = json_object_get(doc, key);
	size_t i;

	for (i = 0; i < MR_COUNT(parts) && (!j || json_is_null(j)); i++)
		j = json_object_get(json_object_get(doc, parts[i]), key);
	return j;
}

static const char *text_of(struct mr_arena *a, const json_t *j)
{
	return mr_fields_line(a, json_string_value(j));
}

static const char *read_precision(struct mr_arena *a, const json_t *doc)
{
	const json_t *j = find(doc, "torch_dtype");
	const char *text = text_of(a, j ? j : find(doc, "dtype"));

	if (text && mr_text_starts(text, "torch."))
		text += strlen("torch.");
	return text && text[0] && strcmp(text, "auto") != 0 ? text : NULL;
}

/* Bits of a weight; 0: not told. */
static unsigned int read_bits(const json_t *q)
{
	json_int_t bits = json_integer_value(json_object_get(q, "bits"));

	if (bits == 0)
		bits = json_integer_value(json_object_get(q, "w_bit"));
	if (json_is_true(json_object_get(q, "load_in_4bit")))
		bits = 4;
	else if (json_is_true(json_object_get(q, "load_in_8bit")))
		bits = 8;
	return bits > 0 && bits <= BITS_MAX ? (unsigned int)bits : 0;
}

static const char *read_quantization(struct mr_arena *a, const json_t *doc)
{
	const json_t *q = find(doc, "quantization_config");
	const char *method = text_of(a, json_object_get(q, "quant_method"));
	unsigned int bits = read_bits(q);

	if (bits == 0)
		return method;
	if (!method)
		return mr_arena_printf(a, "%ubit", bits);
	return mr_arena_printf(a, "%s-%ubit", method, bits);
}

static uint64_t read_length(const json_t *doc)
{
	json_int_t value;
	size_t i;

	for (i = 0; i < MR_COUNT(lengths); i++) {
		value = json_integer_value(find(doc, lengths[i]));
		if (value > 0)
			return (uint64_t)value;
	}
	return 0;
}

int mr_hf_config_read(const char *bytes, size_t n, struct mr_arena *a,
		      struct mr_hf_config *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = parse(bytes, n, a, &doc, &out->trouble, err);
	if (rc < 0 || out->trouble)
		return rc;
	out->architecture = text_of(a, find(doc, "model_type"));
	out->precision = read_precision(a, doc);
	out->quantization = read_quantization(a, doc);
	out->context_length = read_length(doc);
	out->remote_code = json_object_size(find(doc, "auto_map")) > 0;
	return mr_fields_end(a, err);
}
