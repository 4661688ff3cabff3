/*
 * cmd_policy.c - mreg policy show, set, check.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/json.h"
#include "mreg/policy.h"

#define RESULT_MAX_BYTES (1u << 28)
/* --field KEY=VALUE, as far as there are keys. */
#define FIELDS_MAX 32
#define KEY_BYTES 64
#define SHOWN_BYTES 100

struct show_args {
	const char *name;
	struct cli_words policies;
	bool raw;
};

struct set_args {
	const char *name, *file, *expect;
	bool none, dry_run;
};

struct check_args {
	struct cli_words words;
	const char *metadata, *from_run, *alias, *license, *description, *kind;
	struct cli_words metrics, params, tags, annotations, parents, inputs,
		authors, fields, exclude, policies;
	bool all, git, facts;
};

static const struct cli_opt show_opts[] = {
	CLI_ARG(struct show_args, name, "NAME", "a model"),
	CLI_LIST(0, "policy", "FILE", struct show_args, policies,
		 "with the rules of this file, too"),
	CLI_BOOL(0, "raw", struct show_args, raw,
		 "the documents themselves, one JSON document a line"),
	CLI_END,
};

static const struct cli_opt set_opts[] = {
	CLI_ARG(struct set_args, name, "NAME",
		"a model; mreg-policy: all below the configured prefix"),
	CLI_MAY(struct set_args, file, "FILE", "the policy, YAML or JSON"),
	CLI_BOOL(0, "none", struct set_args, none,
		 "take away the policy it has"),
	CLI_STR('e', "expect", "DIGEST", struct set_args, expect,
		"only if its policy is this one now; none: it has none"),
	CLI_BOOL('n', "dry-run", struct set_args, dry_run,
		 "check the file, write nothing"),
	CLI_END,
};

static const struct cli_opt check_opts[] = {
	CLI_MANY(struct check_args, words, "DIR|FILE|REF",
		 "a version; or files and, as the last word, where they would "
		 "be pushed"),
	CLI_LIST(0, "policy", "FILE", struct check_args, policies,
		 "with the rules of this file, too"),
	CLI_BOOL(0, "facts", struct check_args, facts,
		 "print what is known, for other engines, and no verdict; "
		 "always JSON"),
	CLI_STR('f', "metadata", "FILE", struct check_args, metadata,
		"as push takes it, as all of what follows"),
	CLI_STR(0, "from-run", "DIR|FILE", struct check_args, from_run,
		"an MLflow run's folder, or its meta.yaml"),
	CLI_STR('a', "alias", "NAME", struct check_args, alias,
		"alias that would be moved"),
	CLI_LIST('m', "metric", "NAME=NUMBER", struct check_args, metrics,
		 "evaluation metric"),
	CLI_LIST('p', "param", "NAME=VALUE", struct check_args, params,
		 "hyper-parameter"),
	CLI_LIST('t', "tag", "NAME=VALUE", struct check_args, tags,
		 "free label of the version"),
	CLI_LIST(0, "parent", "[RELATION=]REF", struct check_args, parents,
		 "model it comes from"),
	CLI_LIST(0, "input", "ROLE=REF", struct check_args, inputs,
		 "data it comes from"),
	CLI_STR('l', "license", "SPDX", struct check_args, license, "licence"),
	CLI_STR('d', "description", "TEXT", struct check_args, description,
		"one sentence about it"),
	CLI_LIST(0, "author", "NAME", struct check_args, authors,
		 "who made it"),
	CLI_LIST(0, "field", "KEY=VALUE", struct check_args, fields,
		 "any other field by its key in a metadata file"),
	CLI_LIST(0, "annotation", "KEY=VALUE", struct check_args, annotations,
		 "any other manifest annotation"),
	CLI_STR(0, "kind", "model|dataset|prompt", struct check_args, kind,
		"what it is"),
	CLI_BOOL(0, "git", struct check_args, git,
		 "ask git for revision, source and author"),
	CLI_LIST('x', "exclude", "PATTERN", struct check_args, exclude,
		 "leave these out"),
	CLI_BOOL(0, "all", struct check_args, all, "leave nothing out"),
	CLI_END,
};

static const char *const show_examples[] = {
	"mreg policy show churn",
	"mreg policy show churn --raw > policy.json",
	NULL,
};

static const char *const set_examples[] = {
	"mreg policy set churn policy.yaml",
	"mreg policy set mreg-policy policy.yaml --dry-run",
	"mreg policy set churn --none",
	NULL,
};

static const char *const check_examples[] = {
	"mreg policy check churn:staging",
	"mreg policy check ./churn churn --metadata model.yaml",
	"mreg policy check churn:v3 --policy stricter.yaml",
	"mreg policy check churn:v3 --facts | opa eval -I -d rules.rego data",
	NULL,
};

static struct mreg_texts texts(const struct cli_words *w)
{
	struct mreg_texts t = { .items = w->items, .n = w->n };

	return t;
}

static void put_source(struct cli *cli, struct mr_buf *b,
		       const struct mreg_policy_source *s)
{
	char age[32];

	mr_buf_puts(b, s->file ? "rules of the file " : "policy of ");
	cli_put_bold(cli, b, s->where);
	if (s->file) {
		mr_buf_putc(b, '\n');
		return;
	}
	mr_buf_puts(b, ", set ");
	if (s->actor[0]) {
		mr_buf_puts(b, "by ");
		cli_put(b, s->actor);
		mr_buf_putc(b, ' ');
	}
	mr_buf_printf(b, "%s\n",
		      mr_text_age((int64_t)time(NULL) - s->time_s, age));
}

static void put_rules(struct mr_buf *b, const struct mreg_policy_rule *rules,
		      size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		mr_buf_puts(b, "  ");
		cli_put(b, rules[i].name);
		mr_buf_puts(b, ": ");
		cli_put(b, rules[i].says);
		mr_buf_putc(b, '\n');
	}
}

static int show(struct cli *cli, const struct mreg_policy_show_result *r,
		bool raw, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc = cli_json(
		cli, cli->globals.json ? mreg_policy_show_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (i = 0; i < r->source_count; i++) {
		const struct mreg_policy_source *s = &r->sources[i];

		if (raw) {
			mr_buf_puts(&b, s->document);
			mr_buf_putc(&b, '\n');
			continue;
		}
		put_source(cli, &b, s);
		if (!s->file)
			mr_buf_printf(&b, "  %s\n",
				      mreg_digest_text(&s->digest, text));
		if (s->kinds)
			mr_buf_printf(&b, "  asked of each %s only\n",
				      s->kinds);
		put_rules(&b, s->rules, s->rule_count);
	}
	if (raw)
		return cli_print(&b, err);
	if (r->source_count) {
		mr_buf_puts(&b, "enforced by clients, not by the registry\n");
	} else {
		mr_buf_puts(&b, "no policy is in force for ");
		cli_put_bold(cli, &b, r->name);
		mr_buf_putc(&b, '\n');
	}
	return cli_print(&b, err);
}

static int run_show(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct show_args *a = p;
	struct mreg_policy_show_result res;
	struct mreg_texts files = texts(&a->policies);
	int rc = mreg_policy_show(cli->mreg, a->name, &files, &res, err);

	if (rc < 0)
		return rc;
	rc = show(cli, &res, a->raw, err);
	mreg_policy_show_result_release(&res);
	return rc;
}

static int show_set(struct cli *cli, const struct mreg_policy_set_result *r,
		    struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	bool removed = r->digest.algorithm == MREG_DIGEST_NONE;
	char text[MREG_DIGEST_TEXT];
	int rc = cli_json(
		cli, cli->globals.json ? mreg_policy_set_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!r->changed)
		mr_buf_puts(&b, "unchanged: ");
	else if (removed)
		mr_buf_puts(&b, r->dry_run ? "would take away " : "took away ");
	else
		mr_buf_puts(&b, r->dry_run ? "would set " : "set ");
	mr_buf_puts(&b, "the policy of ");
	cli_put_bold(cli, &b, r->name);
	if (!removed)
		mr_buf_printf(&b, ": %zu rule%s\n  %s", r->rule_count,
			      r->rule_count == 1 ? "" : "s",
			      mreg_digest_text(&r->digest, text));
	if (r->changed && r->was.algorithm != MREG_DIGEST_NONE)
		mr_buf_printf(&b, "\n  was %s",
			      mreg_digest_text(&r->was, text));
	mr_buf_putc(&b, '\n');
	return cli_report(cli, &b, err);
}

static int run_set(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct set_args *a = p;
	struct mreg_policy_set_opts o = MREG_POLICY_SET_OPTS_INIT;
	struct mreg_policy_set_result res;
	int rc;

	if (a->none == (a->file != NULL)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "FILE or --none is needed, and not both");
		return mr_hint(err, "see 'mreg policy set --help'");
	}
	o.expect = a->expect;
	o.dry_run = a->dry_run;
	rc = mreg_policy_set(cli->mreg, a->name, a->file, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show_set(cli, &res, err);
	mreg_policy_set_result_release(&res);
	return rc;
}

/* -- check --------------------------------------------------------------- */

static void put_findings(struct cli *cli, struct mr_buf *b,
			 const struct mreg_policy_finding *findings, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		mr_buf_puts(b, "  ");
		cli_put_bold(cli, b, findings[i].rule);
		mr_buf_puts(b, ": ");
		cli_put(b, findings[i].problem);
		mr_buf_puts(b, "\n    -> ");
		cli_put(b, findings[i].mend);
		mr_buf_putc(b, '\n');
	}
}

/* A rule that asked nothing must not look like one that was kept. */
static void put_uncompared(struct cli *cli, struct mr_buf *b,
			   const struct mreg_policy_check_result *r)
{
	if (!r->uncompared_count)
		return;
	mr_buf_printf(b,
		      "  %zu rule%s hold%s for want of what to compare "
		      "with:\n",
		      r->uncompared_count, r->uncompared_count == 1 ? "" : "s",
		      r->uncompared_count == 1 ? "s" : "");
	put_findings(cli, b, r->uncompared, r->uncompared_count);
}

static int show_check(struct cli *cli, const struct mreg_policy_check_result *r,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;
	int rc = cli_json(cli,
			  cli->globals.json ? mreg_policy_check_result_json(r)
					    : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	cli_put_bold(cli, &b,
		     r->reference && !r->number ? r->reference : r->name);
	if (r->number)
		mr_buf_printf(&b, ":v%" PRIu64, r->number);
	if (!r->source_count)
		mr_buf_puts(&b, ": no policy is in force\n");
	else if (r->passed)
		mr_buf_printf(&b, ": passes %" PRIu64 " rule%s\n", r->checked,
			      r->checked == 1 ? "" : "s");
	else
		mr_buf_printf(&b, ": refused, %zu of %" PRIu64 " rules fail\n",
			      r->finding_count, r->checked);
	put_findings(cli, &b, r->findings, r->finding_count);
	put_uncompared(cli, &b, r);
	if (r->deferred)
		mr_buf_printf(&b,
			      "  %" PRIu64 " rule%s on what is attached: "
			      "looked at once the version is there\n",
			      r->deferred, r->deferred == 1 ? "" : "s");
	for (i = 0; i < r->source_count; i++)
		put_source(cli, &b, &r->sources[i]);
	return cli_print(&b, err);
}

static int show_facts(const struct mreg_policy_check_result *r,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);

	mr_buf_puts(&b, r->facts ? r->facts : "{}");
	mr_buf_putc(&b, '\n');
	return cli_print(&b, err);
}

/* KEY=VALUE to pairs; keys are copied into `keys`. */
static int take_fields(const struct check_args *a, struct mreg_pair *out,
		       char keys[FIELDS_MAX][KEY_BYTES], size_t *count,
		       struct mreg_error *err)
{
	size_t i;

	if (a->fields.n > FIELDS_MAX)
		return mr_fail(err, MREG_EUSAGE, "more than %d of --field",
			       FIELDS_MAX);
	for (i = 0; i < a->fields.n; i++) {
		const char *text = a->fields.items[i];
		size_t n = strcspn(text, "=");

		if (!text[n] || n == 0 || n >= KEY_BYTES) {
			(void)mr_fail(err, MREG_EUSAGE,
				      "--field needs KEY=VALUE, not '%.80s'",
				      text);
			return mr_hint(err, "such as --field revision=1f3a");
		}
		memcpy(keys[i], text, n);
		keys[i][n] = '\0';
		out[i].name = keys[i];
		out[i].value = text + n + 1;
	}
	*count = a->fields.n;
	if (a->license)
		out[(*count)++] = (struct mreg_pair){ "license", a->license };
	if (a->description)
		out[(*count)++] =
			(struct mreg_pair){ "description", a->description };
	return 0;
}

static int check_files(struct cli *cli, const struct check_args *a,
		       const struct mreg_policy_check_opts *o,
		       struct mreg_policy_check_result *res,
		       struct mreg_error *err)
{
	struct mreg_push_opts push = MREG_PUSH_OPTS_INIT;
	struct mreg_pair fields[FIELDS_MAX + 2];
	char keys[FIELDS_MAX][KEY_BYTES];
	int rc = take_fields(a, fields, keys, &push.field_count, err);

	if (rc < 0)
		return rc;
	push.fields = fields;
	push.kind = a->kind;
	push.alias = a->alias;
	push.metadata = a->metadata;
	push.from_run = a->from_run;
	push.metrics = texts(&a->metrics);
	push.params = texts(&a->params);
	push.tags = texts(&a->tags);
	push.annotations = texts(&a->annotations);
	push.authors = texts(&a->authors);
	push.parents = texts(&a->parents);
	push.inputs = texts(&a->inputs);
	push.exclude = texts(&a->exclude);
	push.all = a->all;
	push.git = a->git;
	return mreg_policy_check_files(
		cli->mreg, a->words.items, a->words.n - 1,
		a->words.items[a->words.n - 1], &push, o, res, err);
}

/* A folder is easily taken for a name, and its own for one. */
static int tell_folder(const char *word, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	struct stat st;

	if ((err->code != MREG_ENOTFOUND && err->code != MREG_EUSAGE) ||
	    stat(word, &st) < 0)
		return err->code;
	(void)mr_text_safe(word, shown, sizeof(shown));
	(void)mr_fail(err, MREG_EUSAGE,
		      "'%s' is a %s, and the name it would be pushed to is "
		      "missing",
		      shown, S_ISDIR(st.st_mode) ? "folder" : "file");
	return mr_hint(err, "write 'mreg policy check %.100s NAME'", shown);
}

/* Metadata of a version is what it is. */
static int refuse_metadata(const struct check_args *a, struct mreg_error *err)
{
	if (!a->metadata && !a->from_run && !a->alias && !a->license &&
	    !a->description && !a->kind && !a->metrics.n && !a->params.n &&
	    !a->tags.n && !a->annotations.n && !a->parents.n && !a->inputs.n &&
	    !a->authors.n && !a->fields.n && !a->exclude.n && !a->all &&
	    !a->git)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "options of push are given, and no files");
	return mr_hint(err, "write DIR|FILE... before the name");
}

static int run_check(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct check_args *a = p;
	struct mreg_policy_check_opts o = MREG_POLICY_CHECK_OPTS_INIT;
	struct mreg_policy_check_result res;
	int rc = 0;

	o.files = texts(&a->policies);
	o.facts = a->facts;
	if (a->words.n == 1)
		rc = refuse_metadata(a, err);
	if (rc >= 0 && a->words.n == 1)
		rc = mreg_policy_check(cli->mreg, a->words.items[0], &o, &res,
				       err);
	else if (rc >= 0)
		rc = check_files(cli, a, &o, &res, err);
	if (rc < 0)
		return a->words.n == 1 ? tell_folder(a->words.items[0], err)
				       : rc;
	rc = a->facts ? show_facts(&res, err) : show_check(cli, &res, err);
	if (!a->facts && !res.passed)
		cli->exit_code = mreg_code_exit(MREG_EPOLICY);
	mreg_policy_check_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_policy_show = {
	.name = "policy show",
	.summary = "print the policy in force for a model",
	.opts = show_opts,
	.args_size = sizeof(struct show_args),
	.run = run_show,
	.examples = show_examples,
	.notes = "In force is the policy that was last set for the model; else "
		 "that of mreg-policy below the configured prefix; else none. "
		 "It is enforced by clients, not by the registry: push and "
		 "promote refuse what it refuses, but whoever writes there "
		 "without mreg is not stopped. Rules of an alias, and what is "
		 "said of a version's life, are listed with the others.",
};

const struct cli_command cli_cmd_policy_set = {
	.name = "policy set",
	.summary = "give a model its policy, or all below the prefix",
	.opts = set_opts,
	.args_size = sizeof(struct set_args),
	.run = run_set,
	.examples = set_examples,
	.notes = "The policy is kept in the model's repository, and its log "
		 "says who changed it when, and from what. It is enforced by "
		 "clients, not by the registry. The language is described in "
		 "spec/policy.md; spec/templates/policy.yaml is one to start "
		 "from. Both are installed below share/doc/mreg.",
};

const struct cli_command cli_cmd_policy_check = {
	.name = "policy check",
	.summary = "say what the policy thinks of a version, or of files",
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.run = run_check,
	.examples = check_examples,
	.notes = "With one word that is a version; with more the last one is "
		 "the name that the files before it would be pushed to: "
		 "nothing is sent. Every rule that fails is told at once, with "
		 "what to do about it, and the exit status is 7. Rules on what "
		 "is attached to a version wait until it is there; what an "
		 "alias asks is asked by promote alone. Bounds that "
		 "hold because what they compare with is not there are told "
		 "too. --facts "
		 "prints the document of spec/policy-facts.schema.json, also "
		 "with --json; its metrics are numbers, fields and parameters "
		 "are texts.",
};
