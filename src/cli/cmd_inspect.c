/*
 * cmd_inspect.c - mreg inspect.
 */
#include "cli/commands.h"
#include "cli/index_use.h"
#include "cli/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/inspect.h"
#include "mreg/json.h"

/* Of a value that may be a document: an annotation, a signature. */
#define VALUE_SHOWN 72
/* Of an evaluation's numbers, behind its verdict. */
#define METRICS_SHOWN 3

struct args {
	const char *ref;
	bool tensors, files, config, raw;
	struct cli_index_use use;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "NAME, NAME:TAG or NAME@DIGEST"),
	CLI_BOOL('t', "tensors", struct args, tensors,
		 "what its weight files say: tensors, types, shapes"),
	CLI_BOOL('f', "files", struct args, files,
		 "its files with their digests"),
	CLI_BOOL('c', "config", struct args, config, "its config"),
	CLI_BOOL(0, "raw", struct args, raw,
		 "its manifest byte for byte; with --config the config"),
	CLI_INDEX_USE(struct args, use),
	CLI_END,
};

static const char *const examples[] = {
	"mreg inspect churn:production",
	"mreg inspect churn:v3 --json",
	"mreg inspect churn:v3 --tensors --files",
	"mreg inspect churn:v3 --raw | sha256sum",
	NULL,
};

/* -- metadata -------------------------------------------------------------- */

/* What is longer ends in "...". */
static void put_cut(struct mr_buf *b, const char *value)
{
	char safe[VALUE_SHOWN];

	mr_buf_puts(b, mr_text_safe(value, safe, sizeof(safe)));
}

static void put_field(struct mr_buf *b, const struct mreg_inspect_result *r,
		      const struct mreg_pair *field)
{
	mr_buf_printf(b, "%-14s ", field->name);
	if (strcmp(field->name, "signature") == 0)
		put_cut(b, field->value);
	else
		cli_put(b, field->value);
	cli_put_edited(b, r, "", field->name);
	mr_buf_putc(b, '\n');
}

static void put_labels(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	size_t i;

	if (r->label_count)
		mr_buf_puts(b, "\nlabels\n");
	for (i = 0; i < r->label_count; i++) {
		mr_buf_puts(b, "  ");
		cli_put(b, r->labels[i].name);
		mr_buf_puts(b, " = ");
		cli_put(b, r->labels[i].value);
		cli_put_edited(b, r, "tags.", r->labels[i].name);
		mr_buf_putc(b, '\n');
	}
}

static void put_pairs(struct mr_buf *b, const char *title,
		      const struct mreg_pair *items, size_t n, bool cut)
{
	size_t i;

	if (n)
		mr_buf_printf(b, "\n%s\n", title);
	for (i = 0; i < n; i++) {
		mr_buf_puts(b, "  ");
		cli_put(b, items[i].name);
		mr_buf_puts(b, " = ");
		if (cut)
			put_cut(b, items[i].value);
		else
			cli_put(b, items[i].value);
		mr_buf_putc(b, '\n');
	}
}

/* ", auc=0.93, f1=0.8": the first by name, and that there are more. */
static void put_metrics(struct mr_buf *b, const struct mreg_attached *d)
{
	size_t i;

	for (i = 0; i < d->metric_count && i < METRICS_SHOWN; i++) {
		mr_buf_puts(b, ", ");
		cli_put(b, d->metrics[i].name);
		mr_buf_putc(b, '=');
		cli_put(b, d->metrics[i].value);
	}
	if (i < d->metric_count)
		mr_buf_puts(b, ", ...");
}

/* What a document is called: by its verdict, its title, its files. */
static void put_document(struct mr_buf *b, const struct mreg_attached *d)
{
	const char *said = d->title;
	size_t k;

	if (d->suite) {
		mr_buf_puts(b, "  ");
		cli_put(b, d->suite);
		if (d->dataset) {
			mr_buf_puts(b, " on ");
			cli_put(b, d->dataset);
		}
		if (d->judged)
			mr_buf_puts(b, d->passed ? ": passed" : ": failed");
		put_metrics(b, d);
	} else if (d->experiment) {
		mr_buf_puts(b, "  experiment ");
		cli_put(b, d->experiment);
		put_metrics(b, d);
	}
	if (d->experiment && (d->baseline || d->candidate)) {
		mr_buf_puts(b, d->baseline ? ", against " : ", tried was ");
		mr_buf_printf(b, "%.19s",
			      d->baseline ? d->baseline : d->candidate);
	}
	if (said && !(d->suite && strcmp(said, d->suite) == 0)) {
		mr_buf_puts(b, "  ");
		cli_put(b, said);
	}
	if (said && d->files.n == 1 && strcmp(d->files.items[0], said) == 0)
		return;
	for (k = 0; k < d->files.n; k++) {
		mr_buf_puts(b, k ? ", " : "  ");
		cli_put(b, d->files.items[k]);
	}
}

/* A document's type, for people. */
static const char *kind_of(const struct mreg_attached *d)
{
	if (d->kind)
		return d->kind;
	return d->type[0] ? d->type : "-";
}

/* What it is itself, and about which version. */
static void put_subject(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char digest[MREG_DIGEST_TEXT];

	mr_buf_printf(b, "%-14s ", "document");
	cli_put(b, kind_of(r->document));
	put_document(b, r->document);
	mr_buf_printf(b, "\n%-14s ", "of");
	if (r->subject_number)
		mr_buf_printf(b, "v%" PRIu64 " ", r->subject_number);
	mr_buf_printf(b, "%s\n", mreg_digest_text(&r->subject, digest));
}

static void put_identity(struct cli *cli, struct mr_buf *b,
			 const struct mreg_inspect_result *r)
{
	char digest[MREG_DIGEST_TEXT];
	char text[32];
	size_t i;

	cli_put_bold(cli, b, r->name);
	if (r->number)
		mr_buf_printf(b, ":v%" PRIu64, r->number);
	mr_buf_putc(b, '\n');
	cli_put_line(b, "digest", mreg_digest_text(&r->desc.digest, digest));
	if (r->document)
		put_subject(b, r);
	if (r->fileset)
		cli_put_line(b, "fileset", r->fileset);
	if (r->registered_s)
		cli_put_line(b, "pushed", mr_text_time(r->registered_s, text));
	if (r->actor[0])
		cli_put_actor(b, r);
	cli_put_life(b, r);
	if (r->tag_count) {
		mr_buf_printf(b, "%-14s", "tags");
		for (i = 0; i < r->tag_count; i++) {
			mr_buf_putc(b, ' ');
			cli_put(b, r->tags[i]);
		}
		mr_buf_putc(b, '\n');
	}
	for (i = 0; i < r->sibling_count; i++)
		mr_buf_printf(b, "%-14s %s %s\n", r->siblings[i].profile,
			      r->siblings[i].tag,
			      mreg_digest_text(&r->siblings[i].digest, digest));
	for (i = 0; i < r->field_count; i++)
		put_field(b, r, &r->fields[i]);
}

/* What a policy may ask of data. */
static void put_terms(struct mr_buf *b, const struct mreg_input *in)
{
	if (in->license) {
		mr_buf_puts(b, ", ");
		cli_put(b, in->license);
	}
	if (in->classification) {
		mr_buf_puts(b, ", ");
		cli_put(b, in->classification);
	}
	if (in->consent) {
		mr_buf_puts(b, ", consent ");
		cli_put(b, in->consent);
	}
}

static void put_lineage(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	size_t i;

	if (r->parent_count)
		mr_buf_puts(b, "\nparents\n");
	for (i = 0; i < r->parent_count; i++) {
		mr_buf_puts(b, "  ");
		cli_put(b, r->parents[i].relation);
		mr_buf_putc(b, ' ');
		cli_put(b, r->parents[i].ref);
		if (r->parents[i].digest) {
			mr_buf_puts(b, "@");
			cli_put(b, r->parents[i].digest);
		}
		mr_buf_putc(b, '\n');
	}
	if (r->input_count)
		mr_buf_puts(b, "\ninputs\n");
	for (i = 0; i < r->input_count; i++) {
		const struct mreg_input *in = &r->inputs[i];

		mr_buf_puts(b, "  ");
		cli_put(b, in->role ? in->role : "-");
		mr_buf_putc(b, ' ');
		cli_put(b, in->uri ? in->uri : in->name ? in->name : "-");
		if (in->digest) {
			mr_buf_puts(b, "@");
			cli_put(b, in->digest);
		}
		put_terms(b, in);
		mr_buf_putc(b, '\n');
	}
}

/* Digests are whole: NAME@DIGEST is how a document is had. */
static void put_attached(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char digest[MREG_DIGEST_TEXT];
	char text[32];
	size_t i;

	if (r->attached_count)
		mr_buf_puts(b, "\nattached\n");
	for (i = 0; i < r->attached_count; i++) {
		const struct mreg_attached *d = &r->attached[i];
		int64_t age = (int64_t)time(NULL) - d->created_s;

		mr_buf_puts(b, "  ");
		cli_put(b, kind_of(d));
		put_document(b, d);
		if (d->created_s)
			mr_buf_printf(b, "  %s", mr_text_age(age, text));
		mr_buf_printf(b, "\n    %s\n",
			      mreg_digest_text(&d->digest, digest));
	}
}

/* -- an index ------------------------------------------------------------- */

static void put_children(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char digest[MREG_DIGEST_TEXT];
	size_t i, k;

	mr_buf_printf(b,
		      "\nan index of %zu manifest%s; 'mreg pull --select' "
		      "takes a digest or a label\n",
		      r->child_count, r->child_count == 1 ? "" : "s");
	for (i = 0; i < r->child_count; i++) {
		const struct mreg_child *c = &r->children[i];

		mr_buf_printf(b, "  %s\n",
			      mreg_digest_text(&c->desc.digest, digest));
		for (k = 0; k < c->labels.n; k++) {
			mr_buf_puts(b, "    ");
			cli_put(b, c->labels.items[k]);
			mr_buf_putc(b, '\n');
		}
	}
}

/* -- files ----------------------------------------------------------------- */

/* "3 files and 1 archive, 12.0 MiB". */
static void put_file_sum(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	size_t packed = cli_packed(r);
	size_t n = r->item_count - packed;
	char size[32];

	mr_buf_putc(b, '\n');
	if (n || !packed)
		mr_buf_printf(b, "%zu file%s%s", n, n == 1 ? "" : "s",
			      packed ? " and " : "");
	if (packed)
		mr_buf_printf(b, "%zu archive%s", packed,
			      packed == 1 ? "" : "s");
	mr_buf_printf(b, ", %s\n", mr_text_size(r->bytes, size));
	if (packed)
		mr_buf_puts(b, "  files come in archives: 'mreg pull' "
			       "unpacks them\n");
}

static void put_file_list(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char size[32];
	size_t i;

	put_file_sum(b, r);
	for (i = 0; i < r->item_count; i++) {
		const struct mreg_item *it = &r->items[i];

		mr_buf_printf(b, "  %-13s %10s  ",
			      it->packed ? "archive" : it->role,
			      mr_text_size(it->size, size));
		cli_put(b, it->path);
		mr_buf_puts(b, it->executable ? " *\n" : "\n");
	}
}

/* For programs too: exact sizes, whole digests. */
static void put_digests(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char digest[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < r->item_count; i++) {
		const struct mreg_item *it = &r->items[i];

		mr_buf_printf(b, "%s %12" PRIu64 "  %-13s ",
			      mreg_digest_text(&it->digest, digest), it->size,
			      it->role[0] ? it->role : "-");
		cli_put(b, it->path);
		mr_buf_puts(b, it->executable ? " *\n" : "\n");
	}
}

static void put_config(struct mr_buf *b, const struct mreg_inspect_result *r)
{
	char *pretty = mreg_json_pretty(r->config, r->config_len);

	if (pretty)
		cli_put_lines(b, pretty);
	else
		b->failed = MREG_ENOMEM;
	mr_buf_putc(b, '\n');
	free(pretty);
}

/* -- the whole ------------------------------------------------------------- */

static void put_chosen(struct cli *cli, struct mr_buf *b, const struct args *a,
		       const struct mreg_inspect_result *r)
{
	if (a->files)
		put_digests(b, r);
	if (a->files && a->tensors)
		mr_buf_putc(b, '\n');
	if (a->tensors)
		cli_put_weights(cli, b, r);
	if (a->config && b->len)
		mr_buf_putc(b, '\n');
	if (a->config)
		put_config(b, r);
}

static void put_all(struct cli *cli, struct mr_buf *b,
		    const struct mreg_inspect_result *r)
{
	put_identity(cli, b, r);
	put_pairs(b, "metrics", r->metrics, r->metric_count, false);
	put_pairs(b, "params", r->params, r->param_count, false);
	put_labels(b, r);
	put_pairs(b, "annotations", r->annotations, r->annotation_count, true);
	put_pairs(b, "model", r->record, r->record_count, true);
	put_lineage(b, r);
	put_attached(b, r);
	if (r->is_index)
		put_children(b, r);
	else
		put_file_list(b, r);
}

static int show(struct cli *cli, const struct args *a,
		const struct mreg_inspect_result *r, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_inspect_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (a->raw && a->config)
		mr_buf_add(&b, r->config, r->config_len);
	else if (a->raw)
		mr_buf_add(&b, r->raw, r->raw_len);
	else if (!r->is_index && (a->files || a->tensors || a->config))
		put_chosen(cli, &b, a, r);
	else
		put_all(cli, &b, r);
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_inspect_opts o = MREG_INSPECT_OPTS_INIT;
	struct mreg_inspect_result res;
	int rc = cli_use_index(cli, &a->use, err);

	if (rc < 0)
		return rc;
	if (a->raw && !cli->globals.json && (a->tensors || a->files)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--raw and --%s cannot go together",
			      a->tensors ? "tensors" : "files");
		return mr_hint(err, "--raw is the manifest alone; with "
				    "--config the config");
	}
	o.tensors = a->tensors;
	o.config = a->config;
	o.raw = a->raw;
	o.brief = a->raw && !cli->globals.json;
	/* What a tag has is often decided by that. */
	if (o.brief && !a->use.always)
		mreg_use_index(cli->mreg, MREG_INDEX_NEVER);
	rc = mreg_inspect(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	cli_tell_index(cli, res.synced_s);
	rc = show(cli, a, &res, err);
	mreg_inspect_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_inspect = {
	.name = "inspect",
	.summary = "show one version: metadata, origin, attached documents, "
		   "files",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes =
		"Reads the manifest and its config, no weights. A * behind a "
		"file marks it as executable. Of an image index it lists the "
		"manifests, each of which can be named by its digest. Of an "
		"attached document, named so, it tells the type and which "
		"version it is about. "
		"--tensors, --files and --config show these instead; together, "
		"one after the other. Long annotations and signatures are cut: "
		"--json has them whole.\n\n"
		"Stage, owner, warnings, where it runs and who pushed it come "
		"from the model's log. A value marked as edited was given "
		"after the fact and counts instead of the manifest's, which "
		"--json has too. Whoever is named is who the writer said, with "
		"where that is from: a record, not a proof. Whether there is "
		"an image of a version beside it, under the tag v3-image or "
		"v3-docker of v3, is asked for; what such a tag has is told, "
		"not looked into.\n\n"
		"--tensors reads the headers of the weight files where they "
		"are: safetensors, GGUF, ONNX, PyTorch, Keras, TensorFlow. "
		"Nothing is executed, and no tensor's values are read. What "
		"comes so is a part of a file and cannot be verified. A file "
		"with a broken header is told; if that goes for all, the exit "
		"status is 1.",
};
