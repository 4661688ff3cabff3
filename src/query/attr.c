/*
 * attr.c - the words of the filter language: attributes with their synonyms,
 * maps, predicates.
 *
 * Those of MLflow come first where they have one: a filter that works there
 * works here.
 */
#include "query/inside.h"

#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

enum trait {
	MODELS = 1, /* models have it too */
	MANY = 2,   /* several values */
	ALWAYS = 4, /* never untold */
	MAP = 8,
};

struct attr {
	const char *name;
	enum mr_value_type type;
	unsigned int traits;
};

static const struct attr attrs[MR_ATTR_COUNT] = {
	[MR_ATTR_NAME] = { "name", MR_VALUE_TEXT, MODELS | ALWAYS },
	[MR_ATTR_MODEL] = { "model", MR_VALUE_TEXT, MODELS | ALWAYS },
	[MR_ATTR_ALIAS] = { "alias", MR_VALUE_TEXT, MANY },
	[MR_ATTR_RELEASE] = { "release", MR_VALUE_TEXT, 0 },
	[MR_ATTR_STAGE] = { "stage", MR_VALUE_TEXT, 0 },
	[MR_ATTR_OWNER] = { "owner", MR_VALUE_TEXT, MODELS },
	[MR_ATTR_AUTHOR] = { "author", MR_VALUE_TEXT, 0 },
	[MR_ATTR_ACTOR] = { "actor", MR_VALUE_TEXT, 0 },
	[MR_ATTR_LICENSE] = { "license", MR_VALUE_TEXT, 0 },
	[MR_ATTR_KIND] = { "kind", MR_VALUE_TEXT, 0 },
	[MR_ATTR_FORMAT] = { "format", MR_VALUE_TEXT, 0 },
	[MR_ATTR_ARCHITECTURE] = { "architecture", MR_VALUE_TEXT, 0 },
	[MR_ATTR_FAMILY] = { "family", MR_VALUE_TEXT, 0 },
	[MR_ATTR_PRECISION] = { "precision", MR_VALUE_TEXT, 0 },
	[MR_ATTR_QUANTIZATION] = { "quantization", MR_VALUE_TEXT, 0 },
	[MR_ATTR_RUN] = { "run_id", MR_VALUE_TEXT, 0 },
	[MR_ATTR_SOURCE] = { "source_path", MR_VALUE_TEXT, 0 },
	[MR_ATTR_REVISION] = { "revision", MR_VALUE_TEXT, 0 },
	[MR_ATTR_DESCRIPTION] = { "description", MR_VALUE_TEXT, MODELS },
	[MR_ATTR_DIGEST] = { "digest", MR_VALUE_TEXT, ALWAYS },
	[MR_ATTR_FILESET] = { "fileset", MR_VALUE_TEXT, 0 },
	[MR_ATTR_ENVIRONMENT] = { "environment", MR_VALUE_TEXT, MANY },
	[MR_ATTR_STATUS] = { "status", MR_VALUE_TEXT, ALWAYS },
	[MR_ATTR_NUMBER] = { "version_number", MR_VALUE_NUMBER, ALWAYS },
	[MR_ATTR_PARAMETERS] = { "parameters", MR_VALUE_NUMBER, 0 },
	[MR_ATTR_BYTES] = { "bytes", MR_VALUE_NUMBER, ALWAYS },
	[MR_ATTR_FILES] = { "files", MR_VALUE_NUMBER, ALWAYS },
	[MR_ATTR_CREATED] = { "created", MR_VALUE_TIME, 0 },
	[MR_ATTR_REGISTERED] = { "registered", MR_VALUE_TIME, MODELS },
	[MR_ATTR_UPDATED] = { "updated", MR_VALUE_TIME, MODELS },
	[MR_ATTR_TAG] = { "tags", MR_VALUE_TEXT, MODELS | MAP },
	[MR_ATTR_PARAM] = { "params", MR_VALUE_TEXT, MAP },
	[MR_ATTR_METRIC] = { "metrics", MR_VALUE_NUMBER, MAP },
	[MR_ATTR_EVALUATION] = { "evaluations", MR_VALUE_TEXT, MAP | MANY },
};

struct word {
	const char *word;
	enum mr_attr attr;
};

/* Besides the names above. */
static const struct word synonyms[] = {
	{ "aliases", MR_ATTR_ALIAS },
	{ "authors", MR_ATTR_AUTHOR },
	{ "licence", MR_ATTR_LICENSE },
	{ "arch", MR_ATTR_ARCHITECTURE },
	{ "run", MR_ATTR_RUN },
	{ "source", MR_ATTR_SOURCE },
	{ "commit", MR_ATTR_REVISION },
	{ "fileset_digest", MR_ATTR_FILESET },
	{ "version", MR_ATTR_NUMBER },
	{ "number", MR_ATTR_NUMBER },
	{ "size", MR_ATTR_BYTES },
	{ "created_at", MR_ATTR_CREATED },
	{ "registered_at", MR_ATTR_REGISTERED },
	{ "creation_timestamp", MR_ATTR_REGISTERED },
	{ "updated_at", MR_ATTR_UPDATED },
	{ "timestamp", MR_ATTR_UPDATED },
	{ "last_updated_timestamp", MR_ATTR_UPDATED },
};

/* Before a dot; "parameters" alone is a number. */
static const struct word maps[] = {
	{ "tags", MR_ATTR_TAG },
	{ "tag", MR_ATTR_TAG },
	{ "params", MR_ATTR_PARAM },
	{ "param", MR_ATTR_PARAM },
	{ "parameters", MR_ATTR_PARAM },
	{ "parameter", MR_ATTR_PARAM },
	{ "metrics", MR_ATTR_METRIC },
	{ "metric", MR_ATTR_METRIC },
	{ "evaluations", MR_ATTR_EVALUATION },
	{ "evaluation", MR_ATTR_EVALUATION },
};

static const char *const predicates[MR_PRED_COUNT] = {
	[MR_PRED_TEXT] = "text",
	[MR_PRED_DESCENDS_FROM] = "descends_from",
	[MR_PRED_ANCESTOR_OF] = "ancestor_of",
	[MR_PRED_ANCESTOR_LICENSE] = "has_ancestor_license",
	[MR_PRED_SAME_FILES] = "same_files",
	[MR_PRED_USES] = "uses",
};

bool mr_query_attr(const char *word, enum mr_attr *out)
{
	size_t i;

	for (i = 0; i < MR_ATTR_COUNT; i++)
		if (!mr_attr_is_map(i) &&
		    strcasecmp(word, attrs[i].name) == 0) {
			*out = i;
			return true;
		}
	for (i = 0; i < MR_COUNT(synonyms); i++)
		if (strcasecmp(word, synonyms[i].word) == 0) {
			*out = synonyms[i].attr;
			return true;
		}
	return false;
}

bool mr_query_map(const char *word, enum mr_attr *out)
{
	size_t i;

	for (i = 0; i < MR_COUNT(maps); i++)
		if (strcasecmp(word, maps[i].word) == 0) {
			*out = maps[i].attr;
			return true;
		}
	return false;
}

bool mr_query_is_prefix(const char *word)
{
	return strcasecmp(word, "attribute") == 0 ||
	       strcasecmp(word, "attributes") == 0 ||
	       strcasecmp(word, "attr") == 0;
}

bool mr_query_predicate(const char *word, enum mr_predicate *out)
{
	size_t i;

	for (i = 0; i < MR_PRED_COUNT; i++)
		if (strcasecmp(word, predicates[i]) == 0) {
			*out = i;
			return true;
		}
	return false;
}

const char *mr_predicate_name(enum mr_predicate p)
{
	return predicates[p];
}

const char *mr_query_nearest(const char *word, enum mr_query_of of)
{
	const char *all[MR_ATTR_COUNT + MR_COUNT(synonyms) + MR_PRED_COUNT + 1];
	bool models = of == MR_QUERY_MODELS;
	size_t n = 0;
	size_t i;

	for (i = 0; i < MR_ATTR_COUNT; i++)
		if (!models || mr_attr_is_of_models(i))
			all[n++] = attrs[i].name;
	for (i = 0; i < MR_COUNT(synonyms); i++)
		if (!models || mr_attr_is_of_models(synonyms[i].attr))
			all[n++] = synonyms[i].word;
	for (i = 0; i < MR_PRED_COUNT && !models; i++)
		all[n++] = predicates[i];
	all[n] = NULL;
	return mr_text_nearest(word, all);
}

const char *mr_cmp_text(enum mr_cmp c)
{
	static const char *const texts[] = {
		[MR_CMP_EQ] = "=",
		[MR_CMP_NE] = "!=",
		[MR_CMP_LT] = "<",
		[MR_CMP_LE] = "<=",
		[MR_CMP_GT] = ">",
		[MR_CMP_GE] = ">=",
		[MR_CMP_LIKE] = "LIKE",
		[MR_CMP_ILIKE] = "ILIKE",
		[MR_CMP_IN] = "IN",
		[MR_CMP_IS_NULL] = "IS NULL",
		[MR_CMP_IS_SET] = "IS NOT NULL",
	};

	return texts[c];
}

const char *mr_attr_name(enum mr_attr a)
{
	return attrs[a].name;
}

enum mr_value_type mr_attr_type(enum mr_attr a)
{
	return attrs[a].type;
}

bool mr_attr_is_map(enum mr_attr a)
{
	return (attrs[a].traits & MAP) != 0;
}

bool mr_attr_is_of_models(enum mr_attr a)
{
	return (attrs[a].traits & MODELS) != 0;
}

bool mr_attr_is_many(enum mr_attr a)
{
	return (attrs[a].traits & MANY) != 0;
}

bool mr_attr_is_always(enum mr_attr a)
{
	return (attrs[a].traits & ALWAYS) != 0;
}
