/*
 * key.c - what a policy may speak of: keys of metadata as spec/metadata.md has
 * them, and how each is given at push.
 */
#include "policy/value.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Single fields, with the flag of push that gives them. */
static const struct {
	const char *key, *flag;
} fields[] = {
	{ "architecture", "--architecture NAME" },
	{ "authors", "--author NAME" },
	{ "because", "--because DIGEST" },
	{ "created", "--created TIME" },
	{ "description", "--description TEXT" },
	{ "documentation", "--documentation URL" },
	{ "environment", "--environment PATH" },
	{ "family", "--family NAME" },
	{ "format", "--format NAME" },
	{ "kind", "--kind KIND" },
	{ "license", "--license SPDX" },
	{ "paramSize", "--param-size SIZE" },
	{ "parameters", "--parameters N" },
	{ "precision", "--precision NAME" },
	{ "quantization", "--quantization NAME" },
	{ "revision", "--revision COMMIT" },
	{ "runId", "--run-id ID" },
	{ "runUrl", "--run-url URL" },
	{ "signature", "--signature JSON" },
	{ "source", "--source URL" },
	{ "url", "--url URL" },
	{ "vendor", "--vendor NAME" },
	{ "versionLabel", "--version-label TEXT" },
};

/* What has names, or stands for "at least one". */
static const struct {
	const char *word;
	enum mr_key_group group;
	const char *noun; /* with the name behind it */
	const char *any;  /* without */
} groups[] = {
	{ "annotations", MR_KEY_ANNOTATION, "annotation", "annotation" },
	{ "card", MR_KEY_CARD, "card", "model card" },
	{ "inputs", MR_KEY_INPUT, "input of role", "input" },
	{ "metrics", MR_KEY_METRIC, "metric", "metric" },
	{ "params", MR_KEY_PARAM, "parameter", "hyper-parameter" },
	{ "parents", MR_KEY_PARENT, "parent of relation", "parent" },
	{ "tags", MR_KEY_TAG, "tag", "tag" },
};

const char *const mr_key_words[] = {
	"architecture", "authors",       "because",      "created",
	"description",  "documentation", "environment",  "family",
	"format",       "kind",          "license",      "paramSize",
	"parameters",   "precision",     "quantization", "revision",
	"runId",        "runUrl",        "signature",    "source",
	"url",          "vendor",        "versionLabel", "annotations",
	"card",         "inputs",        "metrics",      "params",
	"parents",      "tags",          NULL,
};

/* spec/metadata.md and spec/attachments.md; those of model/, which this floor
 * does not see: tests hold them together. */
const char *const mr_relation_words[] = {
	"finetune", "quantized", "adapter", "merge",
	"distill",  "convert",   "retrain", NULL,
};
const char *const mr_attachment_words[] = {
	"evaluation",
	"model-card",
	"datasheet",
	"bias-report",
	"explainability-report",
	"risk-assessment",
	"security-report",
	"test-report",
	"conformity-assessment",
	"sbom",
	"signature",
	"attestation",
	NULL,
};

bool mr_key_parse(const char *text, struct mr_key *out)
{
	size_t n = strcspn(text, ".");
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < MR_COUNT(fields); i++)
		if (strcmp(fields[i].key, text) == 0) {
			out->group = MR_KEY_FIELD;
			out->name = text;
			return true;
		}
	for (i = 0; i < MR_COUNT(groups); i++)
		if (strlen(groups[i].word) == n &&
		    strncmp(groups[i].word, text, n) == 0)
			break;
	if (i == MR_COUNT(groups))
		return false;
	out->group = groups[i].group;
	if (!text[n])
		return true;
	out->name = text + n + 1;
	return out->name[0] && out->group != MR_KEY_CARD;
}

static const char *field_flag(const char *key, struct mr_arena *a)
{
	size_t i;

	for (i = 0; i < MR_COUNT(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			return mr_arena_printf(
				a,
				"push with %s, or with '%s' in the "
				"--metadata file",
				fields[i].flag, key);
	return mr_arena_printf(a, "push with '%s' in the --metadata file", key);
}

const char *mr_key_flag(const struct mr_key *key, struct mr_arena *a)
{
	const char *name = key->name;

	switch (key->group) {
	case MR_KEY_FIELD:
		return field_flag(name, a);
	case MR_KEY_METRIC:
		return mr_arena_printf(a, "push with --metric %s=NUMBER",
				       name ? name : "NAME");
	case MR_KEY_PARAM:
		return mr_arena_printf(a, "push with --param %s=VALUE",
				       name ? name : "NAME");
	case MR_KEY_TAG:
		return mr_arena_printf(a, "push with --tag %s=VALUE",
				       name ? name : "NAME");
	case MR_KEY_ANNOTATION:
		return mr_arena_printf(a, "push with --annotation %s=VALUE",
				       name ? name : "KEY");
	case MR_KEY_INPUT:
		return mr_arena_printf(a, "push with --input %s=REF",
				       name ? name : "train");
	case MR_KEY_PARENT:
		return mr_arena_printf(a, "push with --parent %s=REF",
				       name ? name : "finetune");
	case MR_KEY_CARD:
		break;
	}
	return "put a README.md into the model's folder";
}

const char *mr_key_noun(const struct mr_key *key, struct mr_arena *a)
{
	char shown[128];
	size_t i;

	if (key->group == MR_KEY_FIELD)
		return strcmp(key->name, "authors") == 0 ? "author" : key->name;
	for (i = 0; i < MR_COUNT(groups); i++)
		if (groups[i].group == key->group)
			break;
	if (!key->name)
		return groups[i].any;
	return mr_arena_printf(a, "%s '%s'", groups[i].noun,
			       mr_text_safe(key->name, shown, sizeof(shown)));
}
