/*
 * man.c - the rows of commands as the page mreg(1), in roff.
 *
 * Only the classic macros of man(7) are used, so groff and mandoc read it
 * alike.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/rows.h"

#define TEXT_MAX (64u << 10)

struct entry {
	const char *name, *text;
};

static const struct entry environment[] = {
	{ "MREG_REGISTRY", "Prefix of short names: HOST[/PATH] or oci:DIR." },
	{ "MREG_STORE", "Folder of the local store." },
	{ "MREG_INDEX", "The index: a file, or postgresql://..." },
	{ "MREG_INDEX_FRESH",
	  "Seconds for which lists believe the index; 0: never." },
	{ "MREG_CA_FILE", "PEM certificates trusted beside the system's." },
	{ "MREG_CERTS_D",
	  "Folders of certificates by host, HOST[:PORT]/*.crt, *.cert and "
	  "*.key, separated by ':'; else those of docker and podman." },
	{ "MREG_DOCKER_CONFIG_JSON, DOCKER_AUTH_CONFIG",
	  "Credentials: the text of a docker config.json, before all files." },
	{ "MREG_REQUIRE_DIGEST", "1: pull and resolve take only NAME@DIGEST." },
	{ "MREG_REQUIRE_POLICY",
	  "1: pull and resolve refuse what the policy refuses." },
	{ "MREG_TERMINATION_LOG",
	  "What storage-initializer writes to; else /dev/termination-log." },
	{ "MREG_PLAIN_HTTP", "true: plain HTTP for every registry." },
	{ "MREG_JOBS", "Transfers at once, 1 to 64." },
	{ "MREG_LIMIT_RATE",
	  "Bytes a second, up and down together, as 20MB; 0: as fast as it "
	  "goes." },
	{ "MREG_LIMIT_LAYER",
	  "Bytes that the registry takes in one layer; 0: what is known of "
	  "it." },
	{ "MREG_LIMIT_REQUEST",
	  "Bytes that it takes in one request; 0: what is known of it." },
	{ "MREG_COLOR", "auto, always or never." },
	{ "MREG_PROGRESS", "auto, bar, plain, json or none." },
	{ "MREG_LOG", "error, warn, info or debug." },
	{ "MREG_ACTOR",
	  "Who the log of a model says did it, as --as; never trusted as proof." },
	{ "MREG_AUTHOR, MREG_LICENSE, MREG_DESCRIPTION, MREG_REVISION, "
	  "MREG_SOURCE, MREG_RUN_ID, MREG_RUN_URL, MREG_BECAUSE, "
	  "MREG_ENVIRONMENT",
	  "Metadata of what is pushed, where no option gives it." },
	{ "NO_COLOR", "Not empty: no colours, unless asked for." },
	{ "SOURCE_DATE_EPOCH",
	  "Seconds since 1970: when what is pushed was created." },
	{ "DOCKER_CONFIG, REGISTRY_AUTH_FILE",
	  "Where docker and podman keep credentials of registries." },
	{ "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
	  "As curl(1) reads them." },
	{ "SSL_CERT_FILE",
	  "PEM certificates trusted instead of the system's." },
	{ "TMPDIR",
	  "Where a sync keeps what it read of a model with thousands of "
	  "versions until it is written; else /var/tmp." },
	{ "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_CACHE_HOME",
	  "Where the files below are; else ~/.config, ~/.local/share and "
	  "~/.cache." },
};

static const struct entry files[] = {
	{ "~/.config/mreg/config.json",
	  "Your settings, as 'mreg config set' writes them." },
	{ ".mreg.json",
	  "Settings of a project: the nearest one, in the working directory "
	  "or above." },
	{ "~/.local/share/mreg/store",
	  "The local store: folders in the layout of the OCI image "
	  "specification." },
	{ "~/.cache/mreg/state.db",
	  "What makes the next run faster; may be deleted at any time." },
	{ "~/.cache/mreg/locks",
	  "Empty files, by which commands at work at the same time wait for "
	  "each other; may be deleted when none is." },
	{ "~/.docker/config.json", "Credentials of registries." },
	{ ".mregignore",
	  "In a folder that is pushed: what to leave out, in the syntax of "
	  "gitignore(5)." },
	{ ".mreg-part-*",
	  "In a folder that is pulled to: what has arrived so far. Running "
	  "the same pull again continues there." },
};

/* The first code of each exit status, and what all of them mean. */
static const struct {
	enum mreg_code code;
	const char *text;
} statuses[] = {
	{ MREG_OK, "Done." },
	{ MREG_EIO, "Trouble on this machine, a malformed document, or one "
		    "larger than allowed." },
	{ MREG_EUSAGE, "An argument that can never work." },
	{ MREG_ENOTFOUND, "No such repository, tag, blob or file." },
	{ MREG_ECONFLICT, "It exists, was moved or changed meanwhile." },
	{ MREG_EAUTH, "The registry wants to know who you are, or says that "
		      "you may not." },
	{ MREG_EINTEGRITY, "Bytes do not match their digest." },
	{ MREG_EPOLICY, "A rule refused." },
	{ MREG_ENETWORK, "The registry cannot be reached or answered outside "
			 "the rules; trying again may help." },
	{ MREG_EUNSUPPORTED, "This store or registry cannot do it." },
	{ MREG_ECANCELED, "Interrupted." },
};

/* Outside printable ASCII groff wants names of characters; of those inside,
 * it changes the looks of some and gives meaning to the backslash. */
static size_t put_char(FILE *out, const char *s, size_t n)
{
	static const char special[] = "\\-'`^~\"";
	static const char *const names[] = { "\\(rs", "\\-",   "\\(aq", "\\(ga",
					     "\\(ha", "\\(ti", "\\(dq" };
	const char *at = strchr(special, *s);
	uint32_t point = 0;
	size_t used = mr_utf8_next(s, n, &point);

	if (at && *at)
		(void)fputs(names[at - special], out);
	else if (used > 1)
		(void)fprintf(out, "\\[u%04X]", (unsigned int)point);
	else if (point >= ' ' && point < 0x7f)
		(void)fputc(*s, out);
	return used ? used : 1;
}

/* Text within a line. */
static void put(FILE *out, const char *text)
{
	size_t n = strlen(text);
	size_t i;

	for (i = 0; i < n;)
		i += put_char(out, text + i, n - i);
}

/* Lines of text.  A line that began with '.' or a quote would be a request,
 * one that begins with white space stays a line of its own. */
static void put_lines(FILE *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		size_t i;

		if (!n) {
			(void)fputs(".sp\n", out);
			text += strspn(text, "\n");
			continue;
		}
		if (*text == '.')
			(void)fputs("\\&", out);
		for (i = 0; i < n;)
			i += put_char(out, text + i, n - i);
		(void)fputc('\n', out);
		text += n + (text[n] == '\n');
	}
}

/* "make a thing" as the sentence "Make a thing." */
static void put_sentence(FILE *out, const char *text, const char *end)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);

	mr_buf_printf(&b, "%s%s", text, end);
	if (b.len && b.data[0] >= 'a' && b.data[0] <= 'z')
		b.data[0] = (char)(b.data[0] - 'a' + 'A');
	put_lines(out, mr_buf_text(&b));
}

static void put_row(FILE *out, const struct cli_opt *o)
{
	(void)fputs(".TP\n", out);
	if (cli_row_is_argument(o)) {
		(void)fputs("\\fI", out);
		put(out, o->name);
	} else {
		(void)fputs("\\fB", out);
		if (o->letter)
			(void)fprintf(out, "\\-%c\\fR, \\fB", o->letter);
		put(out, "--");
		put(out, o->name);
		if (cli_row_takes_value(o)) {
			(void)fputs("\\fR \\fI", out);
			put(out, cli_row_value(o));
		}
	}
	(void)fputs("\\fR\n", out);
	put_sentence(out, o->help,
		     o->type == CLI_TYPE_LIST ? " (repeatable)." : ".");
}

static void put_examples(FILE *out, const char *const *lines)
{
	(void)fputs(".PP\nExamples:\n.PP\n.RS 4\n.nf\n", out);
	for (; *lines; lines++)
		put_lines(out, *lines);
	(void)fputs(".fi\n.RE\n", out);
}

static void put_command(FILE *out, const struct cli_command *c)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);
	const struct cli_opt *o;

	mr_buf_printf(&b, "mreg %s", c->name);
	for (o = c->opts; o && o->type != CLI_TYPE_END; o++) {
		if (!cli_row_is_argument(o))
			continue;
		mr_buf_putc(&b, ' ');
		cli_row_argument(&b, o);
	}
	(void)fputs(".SS \"", out);
	put(out, mr_buf_text(&b));
	(void)fputs(" [options]\"\n", out);
	put_sentence(out, c->summary, ".");
	if (c->notes) {
		(void)fputs(".PP\n", out);
		put_lines(out, c->notes);
	}
	for (o = c->opts; o && o->type != CLI_TYPE_END; o++)
		put_row(out, o);
	if (c->examples && c->examples[0])
		put_examples(out, c->examples);
}

static void put_entries(FILE *out, const char *title, const char *font,
			const struct entry *e, size_t n)
{
	(void)fprintf(out, ".SH %s\n", title);
	for (; n--; e++) {
		(void)fprintf(out, ".TP\n\\f%s", font);
		/* A name may begin with a dot. */
		put(out, e->name);
		(void)fputs("\\fR\n", out);
		put_lines(out, e->text);
	}
}

static void put_statuses(FILE *out)
{
	size_t i;

	(void)fputs(".SH \"EXIT STATUS\"\n", out);
	for (i = 0; i < MR_COUNT(statuses); i++) {
		(void)fprintf(out, ".TP\n\\fB%d\\fR\n",
			      mreg_code_exit(statuses[i].code));
		put_lines(out, statuses[i].text);
	}
}

static void put_head(FILE *out)
{
	(void)fputs(".TH MREG 1 \"\" \"mreg ", out);
	put(out, mreg_version());
	(void)fputs(
		"\" \"User Commands\"\n"
		".SH NAME\n"
		"mreg \\- machine\\-learning models in and out of OCI "
		"registries\n"
		".SH SYNOPSIS\n"
		"\\fBmreg\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n"
		".SH DESCRIPTION\n"
		"\\fBmreg\\fR turns OCI registries into a registry of models: "
		"versions that never change, aliases that move, and what is "
		"known about each. Without a registry it works on a local "
		"store.\n"
		".PP\n"
		"A model is named \\fI[HOST[:PORT]/]NAME\\fR or "
		"\\fIoci:DIR//NAME\\fR. Behind the name stands \\fI:TAG\\fR, "
		"which is a version (\\fBv3\\fR), a release name "
		"(\\fB1.2.0\\fR), an alias (\\fBproduction\\fR) or "
		"\\fBlatest\\fR; or \\fI@DIGEST\\fR, which means the same "
		"bytes for ever.\n"
		".PP\n"
		"Results go to standard output; progress, log and errors to "
		"standard error.\n",
		out);
}

void cli_man(FILE *out)
{
	const struct cli_opt *o;
	size_t i;

	put_head(out);
	(void)fputs(".SH COMMANDS\n", out);
	for (i = 0; cli_commands[i]; i++)
		put_command(out, cli_commands[i]);
	(void)fputs(".SH \"OPTIONS OF EVERY COMMAND\"\n", out);
	for (o = cli_global_opts; o->type != CLI_TYPE_END; o++)
		put_row(out, o);
	put_statuses(out);
	put_entries(out, "ENVIRONMENT", "B", environment,
		    MR_COUNT(environment));
	put_entries(out, "FILES", "I", files, MR_COUNT(files));
	(void)fputs(".SH \"SEE ALSO\"\n"
		    "\\fBskopeo\\fR(1), \\fBpodman\\fR(1), \\fBcurl\\fR(1)\n",
		    out);
}
