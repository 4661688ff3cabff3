/*
 * cmd_index.c - mreg index sync, rebuild, status.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/index.h"
#include "mreg/json.h"

#define SHOWN_BYTES 300

struct args {
	struct cli_words places;
	bool sweep, watch;
	unsigned int jobs, every;
};

/* Between two rounds of --watch. */
#define EVERY_S 60

static const struct cli_opt sync_opts[] = {
	CLI_SOME(struct args, places, "PLACE",
		 "a model, or a place that holds some: HOST[/PATH]/, oci:DIR; "
		 "without: all that was synced before, and where short names "
		 "are"),
	CLI_BOOL(0, "sweep", struct args, sweep,
		 "ask for everything, not only for what is new"),
	CLI_UINT('j', "jobs", "N", struct args, jobs,
		 "requests at once, of all models together (8)"),
	CLI_BOOL('w', "watch", struct args, watch,
		 "again and again, until interrupted"),
	CLI_UINT(0, "every", "SECONDS", struct args, every,
		 "with --watch: between two rounds (60)"),
	CLI_END,
};

static const struct cli_opt rebuild_opts[] = {
	CLI_SOME(struct args, places, "PLACE",
		 "what the new index has; without: what the old one has"),
	CLI_UINT('j', "jobs", "N", struct args, jobs,
		 "requests at once, of all models together (8)"),
	CLI_END,
};

static const struct cli_opt status_opts[] = { CLI_END };

static const char *const sync_examples[] = {
	"mreg index sync",
	"mreg index sync ghcr.io/acme/models/churn",
	"mreg index sync localhost:5000/ oci:/srv/models",
	"mreg index sync --sweep",
	"mreg index sync --watch --every 300 --jsonl",
	NULL,
};

static const char *const rebuild_examples[] = {
	"mreg index rebuild",
	"mreg index rebuild localhost:5000/",
	NULL,
};

static const char *const status_examples[] = {
	"mreg index status",
	"mreg index status --json",
	NULL,
};

/* -- sync ------------------------------------------------------------------ */

static void put_count(struct mr_buf *b, uint64_t n, const char *noun,
		      const char *what)
{
	if (n)
		mr_buf_printf(b, ", %" PRIu64 " %s%s %s", n, noun,
			      n == 1 ? "" : "s", what);
}

static void put_row(struct mr_buf *b, const struct mreg_index_row *r)
{
	if (r->error)
		return; /* warned of */
	cli_put(b, r->name);
	if (r->removed)
		mr_buf_puts(b, ": removed, it is not there any more\n");
	else
		mr_buf_printf(b,
			      ": %" PRIu64 " version%s new, %" PRIu64 " gone\n",
			      r->added, r->added == 1 ? "" : "s", r->forgotten);
}

/* What the index lacks is told with --quiet too. */
static void warn_failed(const struct mreg_index_sync_result *r)
{
	char name[SHOWN_BYTES];
	char why[SHOWN_BYTES];
	size_t i;

	for (i = 0; i < r->unlisted_count; i++)
		(void)fprintf(
			stderr, "warning: '%s' cannot be listed: %s\n",
			mr_text_safe(r->unlisted[i].name, name, sizeof(name)),
			mr_text_safe(r->unlisted[i].value, why, sizeof(why)));
	for (i = 0; i < r->count; i++)
		if (r->rows[i].error)
			(void)fprintf(stderr,
				      "warning: '%s' was not synced: %s\n",
				      mr_text_safe(r->rows[i].name, name,
						   sizeof(name)),
				      mr_text_safe(r->rows[i].error, why,
						   sizeof(why)));
}

static int show_sync(struct cli *cli, const struct mreg_index_sync_result *r,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	size_t i;

	for (i = 0; i < r->count; i++)
		put_row(&b, &r->rows[i]);
	mr_buf_printf(&b, "%" PRIu64 " model%s looked at, %" PRIu64 " changed",
		      r->models, r->models == 1 ? "" : "s", r->changed);
	put_count(&b, r->added, "version", "new");
	put_count(&b, r->forgotten, "version", "gone");
	put_count(&b, r->removed, "model", "removed");
	put_count(&b, r->failed, "model", "failed");
	if (r->requests)
		mr_buf_printf(&b, "; %" PRIu64 " request%s", r->requests,
			      r->requests == 1 ? "" : "s");
	mr_buf_printf(&b, "; %" PRId64 ".%03" PRId64 " s\n", r->took_ms / 1000,
		      r->took_ms % 1000);
	if (r->notes)
		mr_buf_printf(&b,
			      "%" PRIu64 " note%s on what could not be indexed "
			      "as it is: mreg query 'SELECT * FROM notes'\n",
			      r->notes, r->notes == 1 ? "" : "s");
	return cli_report(cli, &b, err);
}

typedef int sync_call(struct mreg *m, const struct mreg_index_sync_opts *o,
		      struct mreg_index_sync_result *out,
		      struct mreg_error *err);

static int run_sync(struct cli *cli, const struct args *a, sync_call *call,
		    struct mreg_error *err)
{
	struct mreg_index_sync_opts o = MREG_INDEX_SYNC_OPTS_INIT;
	struct mreg_index_sync_result res;
	int rc;

	o.places.items = a->places.items;
	o.places.n = a->places.n;
	o.sweep = a->sweep;
	o.jobs = a->jobs;
	rc = call(cli->mreg, &o, &res, err);
	if (rc < 0)
		return rc;
	cli_progress_clear(cli->progress);
	if (!cli->globals.json)
		warn_failed(&res);
	rc = cli_json(cli,
		      cli->globals.json ? mreg_index_sync_result_json(&res)
					: NULL,
		      err);
	if (rc == 0)
		rc = show_sync(cli, &res, err);
	if (res.failure.code)
		cli->exit_code = mreg_code_exit(res.failure.code);
	mreg_index_sync_result_release(&res);
	return rc < 0 ? rc : 0;
}

/* -- watch ----------------------------------------------------------------- */

static bool is_news(const struct mreg_index_sync_result *r)
{
	return r->count || r->unlisted_count;
}

/* A round in which nothing changed says nothing. */
static int show_round(struct cli *cli, const struct mreg_index_sync_result *r,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	size_t i;
	int rc;

	if (!is_news(r))
		return 0;
	if (cli->globals.jsonl) {
		rc = cli_put_row(&b, mreg_index_sync_result_json(r), err);
		return rc < 0 ? rc : cli_print(&b, err);
	}
	warn_failed(r);
	for (i = 0; i < r->count; i++)
		put_row(&b, &r->rows[i]);
	return b.len ? cli_report(cli, &b, err) : 0;
}

/* Trouble that the next round may not have: a registry or database that is away
 * for a while. */
static bool may_pass(int rc)
{
	return rc == MREG_ENETWORK || rc == MREG_EREMOTE || rc == MREG_EAUTH ||
	       rc == MREG_EDENIED || rc == MREG_EDB || rc == MREG_EIO;
}

static int do_round(struct cli *cli, const struct mreg_index_sync_opts *o,
		    bool first, struct mreg_error *err)
{
	struct mreg_index_sync_result res;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mreg_index_sync(cli->mreg, o, &res, &why);

	cli_progress_clear(cli->progress);
	if (rc >= 0) {
		rc = show_round(cli, &res, err);
		mreg_index_sync_result_release(&res);
		return rc;
	}
	if (!first && may_pass(rc)) {
		(void)fprintf(stderr, "warning: %s\n", why.msg);
		return 0;
	}
	*err = why;
	return rc;
}

/* Everything, then what notifications name as they come, until it is time for
 * everything again. */
static int watch(struct cli *cli, struct mreg_index_sync_opts *o,
		 unsigned int every_s, struct mreg_error *err)
{
	int64_t next = (int64_t)time(NULL);
	bool first = true;
	int rc = 0;

	while (rc >= 0) {
		int64_t left = next - (int64_t)time(NULL);
		bool all = left <= 0;
		bool hinted = false;

		if (all)
			next = (int64_t)time(NULL) + every_s;
		o->hinted = !all;
		rc = do_round(cli, o, first, err);
		first = false;
		left = next - (int64_t)time(NULL);
		if (rc >= 0 && left > 0)
			rc = mreg_index_wait(cli->mreg, (unsigned int)left,
					     &hinted, err);
		/* It was told a little early, so that many spread. */
		if (!hinted)
			next = 0;
	}
	/* That is how it is ended: all that was committed stays. */
	return rc == MREG_ECANCELED ? 0 : rc;
}

static int run_watch(struct cli *cli, const struct args *a,
		     struct mreg_error *err)
{
	struct mreg_index_sync_opts o = MREG_INDEX_SYNC_OPTS_INIT;

	if (cli->globals.json && !cli->globals.jsonl) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--watch has no end, so no one document");
		return mr_hint(err, "--jsonl prints one for each round");
	}
	o.places.items = a->places.items;
	o.places.n = a->places.n;
	o.sweep = a->sweep;
	o.jobs = a->jobs;
	return watch(cli, &o, a->every ? a->every : EVERY_S, err);
}

static int run_index_sync(struct cli *cli, const void *p,
			  struct mreg_error *err)
{
	const struct args *a = p;

	if (a->watch)
		return run_watch(cli, a, err);
	if (a->every) {
		(void)mr_fail(err, MREG_EUSAGE, "--every is for --watch");
		return mr_hint(err, "add --watch to sync again and again");
	}
	return run_sync(cli, p, mreg_index_sync, err);
}

static int run_index_rebuild(struct cli *cli, const void *p,
			     struct mreg_error *err)
{
	return run_sync(cli, p, mreg_index_rebuild, err);
}

/* -- status ---------------------------------------------------------------- */

static void add_model(struct cli_table *t, const struct mreg_index_model *m,
		      int64_t now_s)
{
	char text[SHOWN_BYTES];
	char age[32];

	cli_table_cell(t, "%s", m->name);
	cli_table_cell(t, "%" PRIu64, m->versions);
	cli_table_cell(t, "%s",
		       m->synced_s ? mr_text_age(now_s - m->synced_s, age)
				   : "never");
	cli_table_cell(t, "%" PRIu64, m->notes);
	if (m->error)
		cli_table_cell(t, "failed: %s",
			       mr_text_safe(m->error, text, sizeof(text)));
	else
		cli_table_cell(t, "%s",
			       m->hinted ? "a notification waits" : "");
}

static int show_status(struct cli *cli,
		       const struct mreg_index_status_result *r,
		       struct mreg_error *err)
{
	static const char *const heads[] = { "MODEL", "VERSIONS", "SYNCED",
					     "NOTES", "" };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	struct cli_table *t;
	uint64_t versions = 0;
	char size[32];
	size_t i;
	int rc;

	if (!r->count) {
		cli_put(&b, r->index);
		mr_buf_printf(&b, ": no models yet, %s\n",
			      mr_text_size(r->size, size));
		return cli_print(&b, err);
	}
	t = cli_table_new(heads, MR_COUNT(heads));
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		add_model(t, &r->models[i], r->now_s);
		versions += r->models[i].versions;
	}
	rc = cli_table_print(cli, t, &b, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < r->place_count; i++) {
		mr_buf_puts(&b, i ? ", " : "all models of ");
		cli_put(&b, r->places[i]);
	}
	if (r->place_count)
		mr_buf_putc(&b, '\n');
	cli_put(&b, r->index);
	mr_buf_printf(&b,
		      ": %zu model%s, %" PRIu64
		      " version%s, %s, schema version %" PRIu64 "\n",
		      r->count, r->count == 1 ? "" : "s", versions,
		      versions == 1 ? "" : "s", mr_text_size(r->size, size),
		      r->schema_version);
	return cli_print(&b, err);
}

static int run_index_status(struct cli *cli, const void *p,
			    struct mreg_error *err)
{
	struct mreg_index_status_result res;
	int rc = mreg_index_status(cli->mreg, &res, err);

	(void)p;
	if (rc < 0)
		return rc;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_index_status_result_json(&res)
					: NULL,
		      err);
	if (rc == 0)
		rc = show_status(cli, &res, err);
	mreg_index_status_result_release(&res);
	return rc < 0 ? rc : 0;
}

/* -- the rows -------------------------------------------------------------- */

const struct cli_command cli_cmd_index_sync = {
	.name = "index sync",
	.summary = "bring the index to what registries and stores hold",
	.opts = sync_opts,
	.args_size = sizeof(struct args),
	.run = run_index_sync,
	.examples = sync_examples,
	.lists = true,
	.notes = "Only what is new is asked for: one listing of tags for each "
		 "model, and a question for each tag that may move. --sweep "
		 "asks for everything: what was attached or removed without "
		 "mreg, and what a registry's listing leaves out. A registry "
		 "that does not list its repositories has to be told them "
		 "once. A model that cannot be read is told, and the others "
		 "are synced; the exit status is that of the first that "
		 "failed. A note is taken of what could not be indexed as it "
		 "is, such as a value that is too long.\n\n"
		 "--watch goes on until it is interrupted, which is no failure "
		 "then, and tells only of rounds in which something changed; "
		 "what 'mreg index ingest --no-sync' noted is looked at within "
		 "a second or two.",
};

const struct cli_command cli_cmd_index_rebuild = {
	.name = "index rebuild",
	.summary = "make the index from nothing",
	.opts = rebuild_opts,
	.args_size = sizeof(struct args),
	.run = run_index_rebuild,
	.examples = rebuild_examples,
	.notes = "A file takes the place of the old one when it is whole, so "
		 "an interrupted rebuild changes nothing. In PostgreSQL, which "
		 "others read meanwhile, models are read anew one by one, and "
		 "those that are not there any more are removed.",
};

const struct cli_command cli_cmd_index_status = {
	.name = "index status",
	.summary = "what the index has, and how old that is",
	.opts = status_opts,
	.args_size = sizeof(struct args),
	.run = run_index_status,
	.examples = status_examples,
	.notes = "NOTES counts what could not be indexed as it is: a manifest "
		 "that cannot be read, a value that is too long. 'mreg query' "
		 "shows them. The schema version is of the index's tables: an "
		 "mreg refuses a newer one than it knows.",
};
