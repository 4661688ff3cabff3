/*
 * cmd_lineage.c - mreg lineage.
 */
#include "cli/commands.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/index_use.h"
#include "cli/lineage.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (1u << 30)
#define SHOWN_BYTES 300

struct args {
	const char *ref, *format, *output;
	struct cli_words relations;
	unsigned int depth, most;
	bool up, down, both, similar, impact;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF",
		"a version; run:ID, commit:SRC@REV, an input's URI..."),
	CLI_BOOL('u', "up", struct args, up, "what it was made from"),
	CLI_BOOL('d', "down", struct args, down, "what was made from it"),
	CLI_BOOL(0, "both", struct args, both,
		 "both ways; so it is unless told"),
	CLI_UINT(0, "depth", "N", struct args, depth,
		 "steps at most; else all"),
	CLI_LIST('r', "relation", "R", struct args, relations,
		 "only by these: finetune, input, run..."),
	CLI_BOOL(0, "similar", struct args, similar,
		 "the same files or weights are a relation, too"),
	CLI_BOOL(0, "impact", struct args, impact,
		 "aliases and deployments below, similar ones too"),
	CLI_UINT(0, "most", "N", struct args, most,
		 "nodes at most, the nearest (10000; of a picture 500)"),
	CLI_STR('f', "format",
		"tree|table|json|dot|svg|mermaid|openlineage|prov", struct args,
		format,
		"else by the end of FILE's name (.svg, .dot, .mmd, .json), "
		"else tree"),
	CLI_STR('o', "output", "FILE", struct args, output,
		"to a file instead"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg lineage churn:production",
	"mreg lineage churn:v3 --up --relation finetune",
	"mreg lineage s3://lake/customers.parquet --impact",
	"mreg lineage churn:v3 -o churn.svg",
	NULL,
};

static const struct picture {
	const char *name;
	enum mreg_picture as;
} pictures[] = {
	{ "dot", MREG_PICTURE_DOT },
	{ "svg", MREG_PICTURE_SVG },
	{ "mermaid", MREG_PICTURE_MERMAID },
	{ "openlineage", MREG_PICTURE_OPENLINEAGE },
	{ "prov", MREG_PICTURE_PROV },
};

static const struct picture *picture_of(const char *format)
{
	size_t i;

	for (i = 0; format && i < MR_COUNT(pictures); i++)
		if (strcmp(format, pictures[i].name) == 0)
			return &pictures[i];
	return NULL;
}

/* -- tables ---------------------------------------------------------------- */

static void put_cell(struct cli_table *t, const char *text)
{
	char shown[SHOWN_BYTES];

	cli_table_cell(t, "%s",
		       text && text[0]
			       ? mr_text_safe(text, shown, sizeof(shown))
			       : "-");
}

/* Relations by which it hangs on what is nearer. */
static void put_vias(struct cli_table *t, const struct mreg_lineage_result *r,
		     size_t node)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 12);
	int depth = abs(r->nodes[node].depth);
	const char *last = NULL;
	size_t i;

	for (i = 0; i < r->edge_count; i++) {
		const struct mreg_lineage_edge *e = &r->edges[i];
		size_t other = e->child == node ? e->parent : e->child;

		if ((e->child != node && e->parent != node) ||
		    abs(r->nodes[other].depth) >= depth ||
		    (last && strcmp(last, e->relation) == 0))
			continue;
		mr_buf_printf(&b, "%s%s", last ? "," : "", e->relation);
		last = e->relation;
	}
	put_cell(t, mr_buf_text(&b));
}

static int put_table(struct cli *cli, const struct mreg_lineage_result *r,
		     struct mr_buf *b, struct mreg_error *err)
{
	static const char *const heads[] = { "DEPTH", "VIA",     "KIND",
					     "STAGE", "LICENSE", "WHAT" };
	struct cli_table *t = cli_table_new(heads, MR_COUNT(heads));
	size_t i;

	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		MR_AUTO(mr_buf_release)
		struct mr_buf what = MR_BUF_INIT(1u << 16);
		const struct mreg_lineage_node *n = &r->nodes[i];
		const struct mreg_lineage_version *v =
			n->version_count ? n->versions : NULL;

		cli_table_cell(t, "%+d", n->depth);
		put_vias(t, r, i);
		put_cell(t, n->kind);
		put_cell(t, v ? v->stage : NULL);
		put_cell(t, v ? v->license : NULL);
		cli_put_lineage_node(&what, n);
		cli_table_text(t, &what);
	}
	return cli_table_print(cli, t, b, err);
}

static int put_impact(struct cli *cli, const struct mreg_lineage_result *r,
		      struct mr_buf *b, struct mreg_error *err)
{
	static const char *const heads[] = { "MODEL", "VERSION",  "ALIAS",
					     "ENV",   "WORKLOAD", "VIA" };
	struct cli_table *t;
	size_t i;

	if (!r->impact_count) {
		mr_buf_puts(b, "nothing in use comes from ");
		cli_put_bold(cli, b, r->root);
		mr_buf_putc(b, '\n');
		return 0;
	}
	t = cli_table_new(heads, MR_COUNT(heads));
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->impact_count; i++) {
		const struct mreg_impact_row *row = &r->impact[i];

		put_cell(t, row->model);
		if (row->number)
			cli_table_cell(t, "v%" PRIu64, row->number);
		else
			put_cell(t, row->node < r->count
					    ? r->nodes[row->node].label
					    : NULL);
		put_cell(t, row->alias);
		put_cell(t, row->environment);
		put_cell(t, row->workload);
		put_cell(t, row->via ? row->via : "itself");
	}
	return cli_table_print(cli, t, b, err);
}

/* -- output ---------------------------------------------------------------- */

static int put(struct cli *cli, const struct args *a,
	       const struct mreg_lineage_result *r, struct mr_buf *b,
	       struct mreg_error *err)
{
	const struct picture *p = picture_of(a->format);
	MR_AUTO(mr_free) char *text = NULL;
	int rc;

	if (p) {
		rc = mreg_lineage_draw(cli->mreg, r, p->as, a->most, &text,
				       err);
		if (rc >= 0)
			mr_buf_puts(b, text);
		return rc;
	}
	if (cli->globals.json ||
	    (a->format && strcmp(a->format, "json") == 0)) {
		text = mreg_lineage_result_json(r);
		if (!text)
			return mr_fail_nomem(err);
		mr_buf_puts(b, text);
		mr_buf_putc(b, '\n');
		return 0;
	}
	if (a->impact && !a->format)
		rc = put_impact(cli, r, b, err);
	else if (a->format && strcmp(a->format, "table") == 0)
		rc = put_table(cli, r, b, err);
	else
		rc = cli_put_lineage(cli, r, b, err);
	/* What is in use is told completely. */
	if (rc >= 0 && r->cut && (!a->impact || a->format))
		mr_buf_printf(b, "and at least %" PRIu64 " more (--most)\n",
			      r->left);
	return rc;
}

static int write_out(const struct args *a, struct mr_buf *b,
		     struct mreg_error *err)
{
	int rc = mr_buf_check(b, "the lineage", err);

	if (rc < 0)
		return rc;
	if (!a->output || strcmp(a->output, "-") == 0)
		return cli_print(b, err);
	return mr_file_save(AT_FDCWD, a->output, mr_buf_text(b), b->len, 0644,
			    err);
}

/* What a file's name says that is in it; NULL: nothing. */
static const char *format_by(const char *output)
{
	static const struct {
		const char *end, *format;
	} ends[] = {
		{ ".svg", "svg" },     { ".dot", "dot" },   { ".gv", "dot" },
		{ ".mmd", "mermaid" }, { ".json", "json" },
	};
	size_t i;

	for (i = 0; output && i < MR_COUNT(ends); i++)
		if (mr_text_ends(output, ends[i].end))
			return ends[i].format;
	return NULL;
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	struct args given = *(const struct args *)p;
	const struct args *a = &given;
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	struct mreg_lineage_opts o = MREG_LINEAGE_OPTS_INIT;
	struct mreg_lineage_result res;
	int rc;

	if (cli->globals.json && a->format && strcmp(a->format, "json") != 0) {
		(void)mr_fail(err, MREG_EUSAGE, "--json and --format %s",
			      a->format);
		return mr_hint(err, "choose one of them");
	}
	if (!a->format && !cli->globals.json)
		given.format = format_by(a->output);
	o.up = a->up || a->both;
	o.down = a->down || a->both;
	o.depth = a->depth;
	o.relations = a->relations.items;
	o.similar = a->similar;
	o.impact = a->impact;
	o.most = a->most;
	rc = mreg_lineage(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = put(cli, a, &res, &b, err);
	if (rc >= 0)
		rc = write_out(a, &b, err);
	if (rc >= 0)
		cli_tell_index(cli, res.synced_s);
	mreg_lineage_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_lineage = {
	.name = "lineage",
	.summary = "what it was made from, and what was made from it",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Answers come from the index ('mreg index sync'). What "
		 "something names and nobody indexed is shown as \"not in the "
		 "index\". In a tree each '*' is one step further from the "
		 "last, and what belongs to it stands below it. --impact goes "
		 "down all ways but to successors, and lists everything that "
		 "is in use there, however large the graph is. svg needs "
		 "graphviz.",
};
