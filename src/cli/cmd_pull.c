/*
 * cmd_pull.c - mreg pull.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "mreg/json.h"
#include "mreg/pull.h"

struct args {
	const char *ref, *output, *below;
	struct cli_words include, seeds, select;
	unsigned int jobs;
	bool exact, keep, verify_files, require_policy, require_digest, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "NAME, NAME:TAG or NAME@DIGEST"),
	CLI_STR('o', "output", "DIR", struct args, output,
		"where to (the name's last part)"),
	CLI_LIST('i', "include", "GLOB", struct args, include,
		 "only files that match: '*.json', 'tokenizer/', 'a/**/b'"),
	CLI_STR(0, "below", "DIR", struct args, below,
		"only files below DIR of the version, without that prefix"),
	CLI_BOOL(0, "exact", struct args, exact,
		 "then remove files there that the version does not have"),
	CLI_BOOL(0, "keep", struct args, keep,
		 "refuse to replace a file that has other bytes"),
	CLI_BOOL(0, "verify-files", struct args, verify_files,
		 "read what is there instead of trusting what is remembered"),
	CLI_LIST(0, "seed", "DIR", struct args, seeds,
		 "take bytes from files here that have them"),
	CLI_LIST(0, "select", "KEY=VALUE", struct args, select,
		 "of an index: the manifest that says so, or a digest"),
	CLI_BOOL(0, "require-policy", struct args, require_policy,
		 "refuse what the policy in force refuses"),
	CLI_BOOL(0, "require-digest", struct args, require_digest,
		 "refuse what is not named by its digest"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "transfers at once (4)"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be fetched, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg pull churn:production",
	"mreg pull ghcr.io/acme/models/churn:v3 -o /models/churn",
	"mreg pull churn --include '*.json' --include tokenizer/",
	"mreg pull churn --below onnx -o /models/churn/1",
	"mreg pull churn:v4 -o /models/churn --exact --seed /models/old",
	"mreg pull hub.example.com/kit:all --select quantization=q4_0",
	NULL,
};

static void put_head(struct cli *cli, struct mr_buf *b,
		     const struct mreg_pull_result *r)
{
	char digest[MREG_DIGEST_TEXT];

	mr_buf_puts(b, r->dry_run ? "would pull " : "pulled ");
	cli_put_bold(cli, b, r->name);
	if (r->tag) {
		mr_buf_putc(b, ':');
		cli_put_bold(cli, b, r->tag);
	}
	if (r->number)
		mr_buf_printf(b, " (v%" PRIu64 ")", r->number);
	mr_buf_puts(b, " to ");
	cli_put(b, r->output);
	mr_buf_printf(b, "\n  %s\n", mreg_digest_text(&r->digest, digest));
	if (r->index_count)
		mr_buf_printf(b, "  chosen of %zu: %s\n", r->index_count,
			      mreg_digest_text(&r->chosen, digest));
}

static const char *plan_word(enum mreg_item_action action)
{
	switch (action) {
	case MREG_ITEM_SENT:
		return "fetch";
	case MREG_ITEM_SEEDED:
		return "seed";
	case MREG_ITEM_REUSED:
		break;
	}
	return "keep";
}

static void put_plan(struct mr_buf *b, const struct mreg_pull_result *r)
{
	char size[32];
	size_t i;

	for (i = 0; i < r->item_count; i++) {
		const struct mreg_item *it = &r->items[i];

		mr_buf_printf(b, "  %-6s  %10s  ", plan_word(it->action),
			      mr_text_size(it->size, size));
		cli_put(b, it->path);
		mr_buf_putc(b, '\n');
	}
	for (i = 0; i < r->removed_count; i++) {
		mr_buf_printf(b, "  %-6s  %10s  ", "remove", "");
		cli_put(b, r->removed[i]);
		mr_buf_putc(b, '\n');
	}
}

static void put_sizes(struct mr_buf *b, const struct mreg_pull_result *r)
{
	char text[32];

	mr_buf_printf(b, "  %zu file%s, %s: ", r->item_count,
		      r->item_count == 1 ? "" : "s",
		      mr_text_size(r->bytes_total, text));
	mr_buf_printf(b, "%s %s, ", mr_text_size(r->bytes_fetched, text),
		      r->dry_run ? "to fetch" : "fetched");
	if (r->bytes_seeded)
		mr_buf_printf(b, "%s from this machine, ",
			      mr_text_size(r->bytes_seeded, text));
	mr_buf_printf(b, "%s already there\n",
		      mr_text_size(r->bytes_reused - r->bytes_seeded, text));
	if (r->removed_count)
		mr_buf_printf(b, "  %zu other file%s %s\n", r->removed_count,
			      r->removed_count == 1 ? "" : "s",
			      r->dry_run ? "to remove" : "removed");
}

static int show(struct cli *cli, const struct mreg_pull_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_pull_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_head(cli, &b, r);
	if (r->dry_run)
		put_plan(&b, r);
	put_sizes(&b, r);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_pull_opts o = MREG_PULL_OPTS_INIT;
	struct mreg_pull_result res;
	int rc;

	o.output = a->output;
	o.jobs = a->jobs;
	o.dry_run = a->dry_run;
	o.include = a->include.items;
	o.include_count = a->include.n;
	o.exact = a->exact;
	o.keep = a->keep;
	o.verify_files = a->verify_files;
	o.seeds = a->seeds.items;
	o.seed_count = a->seeds.n;
	o.select = a->select.items;
	o.select_count = a->select.n;
	o.require_policy = a->require_policy;
	o.require_digest = a->require_digest;
	o.below = a->below;
	rc = mreg_pull(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_pull_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_pull = {
	.name = "pull",
	.summary = "get a version's files",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes =
		"A file under its final name always has the right bytes: "
		"everything is fetched and verified first, then put in place. "
		"What is right already is not fetched, and what a seed, the "
		"local store or another file of the directory has is taken "
		"from there. Files that the model does not have are left "
		"alone.\n\n"
		"What oras, modctl, kit, Docker Model Runner, Ollama, olot, "
		"RamaLama, Cog and buildah push is pulled too. Of an image, "
		"the files in /models or /model are taken. An archive is "
		"looked through before any of its files is written; one with "
		"links, or with paths that lead elsewhere, is refused. It lies "
		"in the directory beside its files until all are in place: "
		"what comes in archives takes its size twice until then.\n\n"
		"Beside that the log is read, and a version that was "
		"deprecated or archived is warned of; one named by its digest "
		"is taken as it is.\n\n"
		"--exact removes them once everything is in place, and folders "
		"that are empty then; --dry-run lists them. What a push would "
		"leave out stays: .git and the like, and what .mregignore "
		"names. A directory that no whole version was pulled into "
		"before, and that holds more other files than the version has, "
		"is refused.\n\n"
		"--require-policy reads the log first, and exits with 7, "
		"nothing written, where the policy in force refuses the "
		"version, where an alias was moved past its gates or without "
		"mreg, and where there is no policy. --require-digest exits "
		"with 7 where REF has no digest. The settings require.policy "
		"and require.digest (MREG_REQUIRE_POLICY=1, "
		"MREG_REQUIRE_DIGEST=1) ask for them everywhere.",
};
