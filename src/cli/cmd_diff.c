/*
 * cmd_diff.c - mreg diff.
 */
#include "cli/commands.h"
#include "cli/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mreg/diff.h"
#include "mreg/json.h"

/* Of a value that is not all of what changed: a description, a signature; and
 * of what both have before the first difference. */
#define VALUE_SHOWN 72
#define BEFORE_SHOWN 16

struct args {
	const char *a, *b;
	bool tensors, exit_code;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, a, "REF1", "a version: NAME:TAG or NAME@DIGEST"),
	CLI_ARG(struct args, b, "REF2", "another, maybe of another model"),
	CLI_BOOL('t', "tensors", struct args, tensors,
		 "compare tensors by name, type and shape"),
	CLI_BOOL(0, "exit-code", struct args, exit_code,
		 "exit with 1 when they differ; an error may be 1 too"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg diff churn:production churn:staging",
	"mreg diff churn:v3 churn:v4 --tensors",
	NULL,
};

static void put_side(struct cli *cli, struct mr_buf *b,
		     const struct mreg_diff_side *s)
{
	char text[32];

	cli_put_bold(cli, b, s->name);
	if (s->tag) {
		mr_buf_putc(b, ':');
		cli_put_bold(cli, b, s->tag);
	}
	mr_buf_printf(b, " (");
	if (s->number)
		mr_buf_printf(b, "v%" PRIu64 ", ", s->number);
	mr_buf_printf(b, "%s)", cli_short_digest(&s->digest, text));
}

static const char *sign_of(enum mreg_change change)
{
	switch (change) {
	case MREG_CHANGE_ADDED:
		return "+";
	case MREG_CHANGE_REMOVED:
		return "-";
	case MREG_CHANGE_MOVED:
		return ">";
	case MREG_CHANGE_CHANGED:
	case MREG_CHANGE_SAME:
		break;
	}
	return "~";
}

/* -- files ----------------------------------------------------------------- */

static void put_file(struct mr_buf *b, const struct mreg_diff_file *f)
{
	char text[32];

	mr_buf_printf(b, "  %s ", sign_of(f->change));
	if (f->was) {
		cli_put(b, f->was);
		mr_buf_puts(b, " -> ");
	}
	cli_put(b, f->path);
	if (f->change != MREG_CHANGE_ADDED)
		mr_buf_printf(b, "  %s", mr_text_size(f->size[0], text));
	if (f->change == MREG_CHANGE_ADDED)
		mr_buf_printf(b, "  %s", mr_text_size(f->size[1], text));
	else if (f->change == MREG_CHANGE_CHANGED && f->size[0] != f->size[1])
		mr_buf_printf(b, " -> %s", mr_text_size(f->size[1], text));
	if (f->digest[0].algorithm && f->digest[1].algorithm &&
	    f->executable[0] != f->executable[1])
		mr_buf_puts(b, f->executable[1] ? ", executable now"
						: ", no longer executable");
	mr_buf_puts(b, f->packed[f->change != MREG_CHANGE_REMOVED]
			       ? ", archive\n"
			       : "\n");
}

static size_t count(const struct mreg_diff_result *r, enum mreg_change change)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < r->file_count; i++)
		n += r->files[i].change == change;
	return n;
}

static void put_files(struct mr_buf *b, const struct mreg_diff_result *r)
{
	size_t same = count(r, MREG_CHANGE_SAME);
	size_t moved = count(r, MREG_CHANGE_MOVED);
	size_t i;

	mr_buf_printf(b, "files: %zu added, %zu removed, %zu changed",
		      count(r, MREG_CHANGE_ADDED),
		      count(r, MREG_CHANGE_REMOVED),
		      count(r, MREG_CHANGE_CHANGED));
	if (moved)
		mr_buf_printf(b, ", %zu moved", moved);
	mr_buf_printf(b, ", %zu the same\n", same);
	for (i = 0; i < r->file_count; i++)
		if (r->files[i].change != MREG_CHANGE_SAME)
			put_file(b, &r->files[i]);
}

/* -- metadata -------------------------------------------------------------- */

/* Bytes that are left out, so that what differs is in what is shown. */
static size_t skipped(const char *a, const char *b)
{
	size_t n = 0;

	while (a && b && a[n] && a[n] == b[n])
		n++;
	if (n < VALUE_SHOWN / 2)
		return 0;
	n -= BEFORE_SHOWN;
	while (n && ((unsigned char)a[n] & 0xc0) == 0x80)
		n--; /* within a character */
	return n;
}

static void put_value(struct mr_buf *b, const char *value, size_t skip)
{
	char safe[VALUE_SHOWN];

	mr_buf_puts(b, skip ? "..." : "");
	mr_buf_puts(b, mr_text_safe(value + skip, safe, sizeof(safe)));
}

/* An input that is called as its address ends. */
static bool says_nothing(const struct mreg_diff_field *f, const char *value)
{
	static const char only[] = "name=";

	return !value[0] || (strcmp(f->section, "inputs") == 0 &&
			     mr_text_starts(value, only) &&
			     mr_text_ends(f->name, value + strlen(only)));
}

static void put_values(struct mr_buf *b, const struct mreg_diff_field *f)
{
	const char *one = f->a ? f->a : f->b;
	size_t skip;

	if (!f->a || !f->b) {
		if (says_nothing(f, one))
			return;
		mr_buf_puts(b, ": ");
		put_value(b, one, 0);
		return;
	}
	skip = skipped(f->a, f->b);
	mr_buf_puts(b, ": ");
	put_value(b, f->a, skip);
	mr_buf_puts(b, " -> ");
	put_value(b, f->b, skip);
}

void cli_put_diff_field(struct mr_buf *b, const struct mreg_diff_field *f)
{
	mr_buf_printf(b, "  %s ", !f->a ? "+" : !f->b ? "-" : "~");
	cli_put(b, f->name);
	put_values(b, f);
	/* Finite decimal numbers, both. */
	if (strcmp(f->section, "metrics") == 0 && f->a && f->b)
		mr_buf_printf(b, " (%+.6g)",
			      strtod(f->b, NULL) - strtod(f->a, NULL));
	mr_buf_putc(b, '\n');
}

static void put_fields(struct mr_buf *b, const struct mreg_diff_result *r)
{
	const char *section = "";
	size_t i;

	for (i = 0; i < r->field_count; i++) {
		if (strcmp(r->fields[i].section, section) != 0)
			mr_buf_printf(b, "%s\n", r->fields[i].section);
		section = r->fields[i].section;
		cli_put_diff_field(b, &r->fields[i]);
	}
}

/* -- tensors, inputs, outputs ---------------------------------------------- */

static bool has_archive(const struct mreg_diff_result *r)
{
	size_t i;

	for (i = 0; i < r->file_count; i++)
		if (r->files[i].packed[0] || r->files[i].packed[1])
			return true;
	return false;
}

static void put_tensors(struct mr_buf *b, const struct mreg_diff_result *r)
{
	size_t i;

	if (!r->tensors_read)
		return;
	mr_buf_printf(b, "tensors: %zu differ%s, %" PRIu64 " the same\n",
		      r->tensor_count, r->tensor_count == 1 ? "s" : "",
		      r->tensors_same);
	for (i = 0; i < r->untold.n; i++) {
		mr_buf_puts(b, i ? ", " : "  no tensors are told by ");
		cli_put(b, r->untold.items[i]);
	}
	if (r->untold.n)
		mr_buf_putc(b, '\n');
	if (has_archive(r))
		mr_buf_puts(b, "  files come in archives, which are not looked "
			       "into\n");
	for (i = 0; i < r->tensor_count; i++) {
		const struct mreg_diff_tensor *t = &r->tensors[i];

		mr_buf_printf(b, "  %s ", sign_of(t->change));
		cli_put(b, t->name);
		if (r->tensors_by_file) {
			mr_buf_puts(b, " in ");
			cli_put(b, t->path);
		}
		mr_buf_puts(b, ": ");
		if (t->a)
			cli_put_tensor(b, t->a);
		if (t->a && t->b)
			mr_buf_puts(b, " -> ");
		if (t->b)
			cli_put_tensor(b, t->b);
		mr_buf_putc(b, '\n');
	}
}

static void put_interface(struct mr_buf *b, const struct mreg_diff_result *r)
{
	size_t i;

	mr_buf_printf(b, "inputs and outputs: %s",
		      !r->interface     ? "not known"
		      : r->incompatible ? "INCOMPATIBLE"
		      : r->port_count   ? "compatible"
					: "the same");
	if (r->interface)
		mr_buf_printf(b, ", by the %s%s", r->interface,
			      strcmp(r->interface, "graph") == 0 ? "" : "s");
	mr_buf_putc(b, '\n');
	for (i = 0; i < r->port_count; i++) {
		const struct mreg_diff_port *p = &r->ports[i];

		mr_buf_printf(b, "  %s %s '", p->incompatible ? "!" : "~",
			      p->side);
		cli_put(b, p->name);
		mr_buf_puts(b, "': ");
		cli_put(b, p->problem);
		mr_buf_putc(b, '\n');
	}
}

static int show(struct cli *cli, const struct mreg_diff_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_diff_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_side(cli, &b, &r->sides[0]);
	mr_buf_puts(&b, " -> ");
	put_side(cli, &b, &r->sides[1]);
	mr_buf_putc(&b, '\n');
	if (!r->differ)
		mr_buf_puts(&b, "no difference\n");
	if (r->differ) {
		put_files(&b, r);
		put_fields(&b, r);
	}
	put_tensors(&b, r);
	if (r->differ)
		put_interface(&b, r);
	if (r->requests)
		cli_put_cost(&b, r->bytes_read, r->requests);
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_diff_opts o = MREG_DIFF_OPTS_INIT;
	struct mreg_diff_result res;
	int rc;

	o.tensors = a->tensors;
	rc = mreg_diff(cli->mreg, a->a, a->b, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	if (a->exit_code && res.differ)
		cli->exit_code = 1;
	mreg_diff_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_diff = {
	.name = "diff",
	.summary = "what changed between two versions",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Files by path and digest, metadata field by field, and "
		 "whether who calls the first version can call the second: "
		 "that is told from the signatures of both; without them, or "
		 "with several graphs (ONNX, TensorFlow), from the headers of "
		 "these. An input that is gone or must be given now, another "
		 "type, rank or fixed size, and an output that is gone are "
		 "incompatible.\n\n"
		 "--tensors reads the headers of all weight files. The exit "
		 "status is 0 whatever is found, unless --exit-code.",
};
