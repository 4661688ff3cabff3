/*
 * cmd_push.c - mreg push.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/image.h"
#include "mreg/json.h"
#include "mreg/push.h"

struct args {
	struct cli_words paths;
	const char *ref, *alias, *kind, *metadata;
	const char *architecture, *family, *param_size, *precision,
		*quantization, *format, *license, *description, *run_id,
		*run_url, *revision, *source, *created, *version_label,
		*environment, *because, *signature, *vendor, *url,
		*documentation, *parameters, *from_run;
	struct cli_words also, metrics, params, tags, annotations, parents,
		inputs, authors, exclude, policies;
	unsigned int jobs;
	bool all, git, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_MANY(struct args, paths, "DIR|FILE",
		 "a folder whose files are the model, or single files"),
	CLI_ARG(struct args, ref, "NAME[:TAG]",
		"where to; TAG: an alias (staging) or release (1.2.0)"),
	CLI_STR('a', "alias", "NAME", struct args, alias,
		"also move this alias to the version"),
	CLI_LIST(0, "also", "image|docker", struct args, also,
		 "also make this of it, as mreg image does"),
	CLI_STR('f', "metadata", "FILE", struct args, metadata,
		"JSON or YAML file with any of what follows"),
	CLI_STR(0, "from-run", "DIR|FILE", struct args, from_run,
		"an MLflow run's folder, or its meta.yaml"),
	CLI_LIST('m', "metric", "NAME=NUMBER", struct args, metrics,
		 "evaluation metric"),
	CLI_LIST('p', "param", "NAME=VALUE", struct args, params,
		 "hyper-parameter"),
	CLI_LIST('t', "tag", "NAME=VALUE", struct args, tags,
		 "free label of the version"),
	CLI_LIST(0, "parent", "[RELATION=]REF", struct args, parents,
		 "model it comes from; finetune, quantized, adapter, merge, "
		 "distill, convert or retrain"),
	CLI_LIST(0, "input", "ROLE=REF", struct args, inputs,
		 "data it comes from, train=data/churn:v3 or train=s3://..."),
	CLI_STR('l', "license", "SPDX", struct args, license,
		"licence, such as Apache-2.0"),
	CLI_STR('d', "description", "TEXT", struct args, description,
		"one sentence about it"),
	CLI_LIST(0, "author", "NAME", struct args, authors, "who made it"),
	CLI_STR(0, "run-id", "ID", struct args, run_id,
		"experiment run it came from"),
	CLI_STR(0, "run-url", "URL", struct args, run_url, "its page"),
	CLI_STR(0, "revision", "COMMIT", struct args, revision,
		"version of the source code"),
	CLI_STR(0, "source", "URL", struct args, source,
		"where the source code is"),
	CLI_BOOL(0, "git", struct args, git,
		 "ask git for revision, source and author"),
	CLI_STR(0, "url", "URL", struct args, url, "the model's page"),
	CLI_STR(0, "documentation", "URL", struct args, documentation,
		"where it is documented"),
	CLI_STR(0, "vendor", "NAME", struct args, vendor, "who distributes it"),
	CLI_STR(0, "architecture", "NAME", struct args, architecture,
		"transformer, cnn, ..."),
	CLI_STR(0, "family", "NAME", struct args, family, "llama, bert, ..."),
	CLI_STR(0, "param-size", "SIZE", struct args, param_size,
		"number of parameters: 6.7B"),
	CLI_STR(0, "parameters", "N", struct args, parameters,
		"the same exactly: 6738415616"),
	CLI_STR(0, "precision", "NAME", struct args, precision,
		"float16, int8, ..."),
	CLI_STR(0, "quantization", "NAME", struct args, quantization,
		"awq, gptq, Q4_K_M, ..."),
	CLI_STR(0, "format", "NAME", struct args, format,
		"format of the weights; else from the files"),
	CLI_STR(0, "signature", "JSON", struct args, signature,
		"input and output schema"),
	CLI_STR(0, "environment", "PATH", struct args, environment,
		"requirements.txt in the model, or a URI"),
	CLI_STR(0, "because", "EVENT", struct args, because,
		"event that asked for this version"),
	CLI_STR(0, "created", "TIME", struct args, created,
		"RFC 3339; else SOURCE_DATE_EPOCH, else left out"),
	CLI_STR(0, "version-label", "TEXT", struct args, version_label,
		"your own name of the version"),
	CLI_LIST(0, "annotation", "KEY=VALUE", struct args, annotations,
		 "any other manifest annotation"),
	CLI_LIST(0, "policy", "FILE", struct args, policies,
		 "a policy whose rules must hold too"),
	CLI_STR(0, "kind", "model|dataset|prompt", struct args, kind,
		"what it is; a dataset can be a model's input"),
	CLI_LIST('x', "exclude", "PATTERN", struct args, exclude,
		 "leave these out, as .mregignore does"),
	CLI_BOOL(0, "all", struct args, all,
		 "leave nothing out, not even .git"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "transfers at once (4)"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be sent, send nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg push ./churn churn",
	"mreg push ./churn churn:staging --metric auc=0.93",
	"mreg push ./churn ghcr.io/acme/models/churn:1.2.0 --license MIT",
	"mreg push ./churn churn --parent finetune=base:v4 --dry-run",
	NULL,
};

static struct mreg_texts texts(const struct cli_words *w)
{
	struct mreg_texts t = { .items = w->items, .n = w->n };

	return t;
}

static size_t take_fields(const struct args *a, struct mreg_pair *out)
{
	const struct mreg_pair all[] = {
		{ "architecture", a->architecture },
		{ "family", a->family },
		{ "paramSize", a->param_size },
		{ "parameters", a->parameters },
		{ "precision", a->precision },
		{ "quantization", a->quantization },
		{ "format", a->format },
		{ "license", a->license },
		{ "description", a->description },
		{ "runId", a->run_id },
		{ "runUrl", a->run_url },
		{ "revision", a->revision },
		{ "source", a->source },
		{ "created", a->created },
		{ "versionLabel", a->version_label },
		{ "environment", a->environment },
		{ "because", a->because },
		{ "signature", a->signature },
		{ "vendor", a->vendor },
		{ "url", a->url },
		{ "documentation", a->documentation },
	};
	size_t n = 0;
	size_t i;

	for (i = 0; i < MR_COUNT(all); i++)
		if (all[i].value)
			out[n++] = all[i];
	return n;
}

static void put_plan(struct mr_buf *b, const struct mreg_push_result *r)
{
	char size[32];
	size_t i;

	for (i = 0; i < r->item_count; i++) {
		const struct mreg_item *it = &r->items[i];

		mr_buf_printf(b, "  %-6s  %10s  ",
			      it->action == MREG_ITEM_SENT ? "send" : "reuse",
			      mr_text_size(it->size, size));
		cli_put(b, it->path);
		mr_buf_putc(b, '\n');
	}
}

static void put_sizes(struct mr_buf *b, const struct mreg_push_result *r)
{
	char total[32];
	char sent[32];
	char reused[32];

	mr_buf_printf(b, "  %zu file%s, %s: %s %s, %s already there\n",
		      r->item_count, r->item_count == 1 ? "" : "s",
		      mr_text_size(r->bytes_total, total),
		      mr_text_size(r->bytes_sent, sent),
		      r->dry_run ? "to send" : "sent",
		      mr_text_size(r->bytes_reused, reused));
}

static void put_target(struct mr_buf *b, const struct mreg_push_result *r)
{
	if (r->number)
		mr_buf_printf(b, " -> v%" PRIu64, r->number);
	else
		mr_buf_puts(b, " -> the new version");
}

static void put_names(struct mr_buf *b, const struct mreg_push_result *r)
{
	size_t i;

	if (r->latest) {
		mr_buf_puts(b, "  latest");
		put_target(b, r);
		mr_buf_putc(b, '\n');
	}
	if (r->release) {
		mr_buf_puts(b, "  ");
		cli_put(b, r->release);
		put_target(b, r);
		mr_buf_putc(b, '\n');
	}
	for (i = 0; i < r->alias_count; i++) {
		mr_buf_puts(b, "  ");
		cli_put(b, r->aliases[i].alias);
		put_target(b, r);
		if (r->aliases[i].was)
			mr_buf_printf(b, " (was %.19s)", r->aliases[i].was);
		mr_buf_putc(b, '\n');
	}
}

/* What a metadata file calls tags is a version's labels to whoever reads:
 * "tags" are those of the registry. */
static void put_key(struct mr_buf *b, const char *key)
{
	if (strcmp(key, "tags") == 0) {
		mr_buf_puts(b, "labels");
	} else if (strncmp(key, "tag.", 4) == 0) {
		mr_buf_puts(b, "label.");
		cli_put(b, key + 4);
	} else {
		cli_put(b, key);
	}
}

static void put_differences(struct mr_buf *b, const struct mreg_push_result *r)
{
	size_t i;

	if (!r->compared_with || !r->difference_count)
		return;
	mr_buf_printf(b, "  differs from %s in: ", r->compared_with);
	for (i = 0; i < r->difference_count; i++) {
		put_key(b, r->differences[i]);
		mr_buf_puts(b, i + 1 < r->difference_count ? ", " : "\n");
	}
}

static void put_filled(struct mr_buf *b, const struct mreg_push_result *r,
		       bool from_run)
{
	size_t i;

	for (i = 0; i < r->filled_count; i++) {
		if (i > 0)
			mr_buf_puts(b, ", ");
		else
			mr_buf_puts(b, from_run ? "  read from the run and "
						  "files: "
						: "  read from files: ");
		put_key(b, r->filled[i]);
	}
	if (r->filled_count)
		mr_buf_putc(b, '\n');
}

static int show(struct cli *cli, const struct mreg_push_result *r,
		bool from_run, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	char digest[MREG_DIGEST_TEXT];
	size_t i;
	int rc = cli_json(
		cli, cli->globals.json ? mreg_push_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, r->dry_run     ? "would push "
			: r->identical ? "already there: "
				       : "pushed ");
	cli_put_bold(cli, &b, r->number ? r->reference : r->name);
	mr_buf_printf(&b, "\n  %s\n", mreg_digest_text(&r->digest, digest));
	if (r->dry_run)
		put_plan(&b, r);
	put_sizes(&b, r);
	put_names(&b, r);
	put_filled(&b, r, from_run);
	put_differences(&b, r);
	if (r->left_out)
		mr_buf_printf(&b,
			      "  left out: %" PRIu64
			      " (.mregignore, .git and the like; --all "
			      "takes them)\n",
			      r->left_out);
	for (i = 0; i < r->also_count; i++)
		cli_put_image(cli, &b, &r->also[i]);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_push_opts o = MREG_PUSH_OPTS_INIT;
	struct mreg_push_result res;
	struct mreg_pair fields[24];
	int rc;

	o.field_count = take_fields(a, fields);
	o.fields = fields;
	o.kind = a->kind;
	o.alias = a->alias;
	o.metadata = a->metadata;
	o.from_run = a->from_run;
	o.policies = texts(&a->policies);
	o.also = texts(&a->also);
	o.metrics = texts(&a->metrics);
	o.params = texts(&a->params);
	o.tags = texts(&a->tags);
	o.annotations = texts(&a->annotations);
	o.authors = texts(&a->authors);
	o.parents = texts(&a->parents);
	o.inputs = texts(&a->inputs);
	o.exclude = texts(&a->exclude);
	o.all = a->all;
	o.git = a->git;
	o.dry_run = a->dry_run;
	o.jobs = a->jobs;
	rc = mreg_push(cli->mreg, a->paths.items, a->paths.n, a->ref, &o, &res,
		       err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, a->from_run != NULL, err);
	mreg_push_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_push = {
	.name = "push",
	.summary = "make a new version out of files",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "The same files with the same metadata are the same version: "
		 "nothing is sent and its number is told. A push that was "
		 "interrupted is invisible; run it again: files that arrived "
		 "whole are not sent again.\n\n"
		 "Fields can also come from MREG_LICENSE, MREG_DESCRIPTION, "
		 "MREG_REVISION, MREG_SOURCE, MREG_RUN_ID, MREG_RUN_URL, "
		 "MREG_BECAUSE, MREG_ENVIRONMENT and MREG_AUTHOR. A flag wins "
		 "over the --metadata file, the file over them, they over "
		 "--from-run, and what the model's own files say (README.md, "
		 "config.json, MLmodel, *.dvc and the headers of the weights) "
		 "only fills what nothing else gave.",
};
