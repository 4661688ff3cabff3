/*
 * cmd_doctor.c - mreg doctor.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/doctor.h"
#include "mreg/json.h"

struct args {
	const char *target;
	bool write;
};

static const struct cli_opt opts[] = {
	CLI_MAY(struct args, target, "HOST[/REPOSITORY]",
		"a registry or oci:DIR; without: where short names are"),
	CLI_BOOL('w', "write", struct args, write,
		 "also try what writes, in REPOSITORY, and clean up"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg doctor",
	"mreg doctor ghcr.io/acme/models/churn",
	"mreg doctor --write registry.example.com/sandbox",
	NULL,
};

static void put_head(struct cli *cli, struct mr_buf *b,
		     const struct mreg_doctor_result *r)
{
	cli_put_bold(cli, b, r->host);
	if (r->repository) {
		mr_buf_puts(b, mr_text_starts(r->host, "oci:") ? "//" : "/");
		cli_put_bold(cli, b, r->repository);
	}
	if (!mr_text_starts(r->host, "oci:")) {
		mr_buf_puts(b, r->user[0] ? " as " : ", anonymous");
		cli_put(b, r->user);
		if (strcmp(r->profile, "unknown") != 0) {
			mr_buf_puts(b, ", limits of ");
			cli_put(b, r->profile);
		}
	}
	mr_buf_putc(b, '\n');
}

static int show(struct cli *cli, const struct mreg_doctor_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 24);
	size_t i;
	int rc = cli_json(cli,
			  cli->globals.json ? mreg_doctor_result_json(r) : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_head(cli, &b, r);
	for (i = 0; i < r->finding_count; i++) {
		const struct mreg_finding *f = &r->findings[i];

		mr_buf_printf(&b, "  %-13s  %-6s  ", f->topic,
			      f->verdict == MREG_VERDICT_UNKNOWN
				      ? "?"
				      : mreg_verdict_name(f->verdict));
		cli_put(&b, f->found);
		if (f->means[0]) {
			mr_buf_printf(&b, "\n  %-13s  %-6s  -> ", "", "");
			cli_put(&b, f->means);
		}
		mr_buf_putc(&b, '\n');
	}
	if (mr_text_starts(r->host, "oci:"))
		return cli_print(&b, err);
	if (!r->repository)
		mr_buf_puts(&b, "what a repository can do was not asked: "
				"HOST/REPOSITORY, and --write\n");
	else if (!r->write)
		mr_buf_puts(&b, "what writes was not tried: --write\n");
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_doctor_opts o = MREG_DOCTOR_OPTS_INIT;
	struct mreg_doctor_result res;
	int rc;

	o.write = a->write;
	rc = mreg_doctor(cli->mreg, a->target, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_doctor_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_doctor = {
	.name = "doctor",
	.summary = "say what a registry or a store can and cannot do",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "The exit status is 0 when it could ask, whatever it found. "
		 "With --write it sends small blobs and manifests under tags "
		 "of its own (doctor-...) and removes them again; what the "
		 "registry does not let it remove is told, tags by name, with "
		 "-v all of it. Whoever is not logged in finds out less.",
};
