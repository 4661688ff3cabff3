/*
 * cmd_initialize.c - mreg storage-initializer: the part of KServe's contract
 * that is words, files and an exit status.
 */
#include "cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/initialize.h"
#include "mreg/json.h"

/* Where a container says what it came to, and how much of that is kept
 * (Kubernetes, "Determine the Reason for Pod Failure"). */
#define TERMINATION_LOG "/dev/termination-log"
#define TERMINATION_MAX_BYTES 4096

struct args {
	struct cli_words words;
};

static const struct cli_opt opts[] = {
	CLI_MANY(struct args, words, "URI|DIR",
		 "mreg://REF[?path=DIR&files=GLOB], and where to"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg storage-initializer mreg://churn:production",
	"mreg storage-initializer mreg://ghcr.io/acme/churn:v3 /mnt/models",
	"mreg storage-initializer 'mreg://churn:v3?path=onnx' /a mreg://base /b",
	NULL,
};

/* The document with as many models as there is room for; NULL: none fits. */
static char *message(const struct mreg_initialize_result *r)
{
	size_t most = r->count;

	for (;;) {
		char *json = mreg_initialize_result_json(r, most);

		if (!json || strlen(json) <= TERMINATION_MAX_BYTES)
			return json;
		mr_release(json);
		if (most == 0)
			return NULL;
		most--;
	}
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

/* The kubelet makes the file; outside of a pod there is none.  The models are
 * in place, so nothing about it is an error. */
static void tell_cluster(struct cli *cli,
			 const struct mreg_initialize_result *r)
{
	MR_AUTO(mr_free) char *text = message(r);
	const char *given = getenv("MREG_TERMINATION_LOG");
	const char *path = given && given[0] ? given : TERMINATION_LOG;
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	bool bad = fd < 0 ? errno != ENOENT : false;

	if (fd >= 0) {
		bad = !text || write_all(fd, text) < 0;
		bad = close(fd) < 0 || bad;
	}
	if (bad && !cli->globals.quiet)
		(void)fprintf(stderr,
			      "warning: the termination log was not written\n");
}

static int put_pairs(const struct args *a, struct mreg_initialize_pair *pairs,
		     size_t *count, struct mreg_error *err)
{
	size_t n = a->words.n;
	size_t i;

	if (n == 1) {
		pairs[0].uri = a->words.items[0];
		pairs[0].output = MREG_MODELS_DIR;
		*count = 1;
		return 0;
	}
	if (n % 2 != 0) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "every URI but a single one needs a directory");
		return mr_hint(err, "URI DIR, again and again; URI alone goes "
				    "to " MREG_MODELS_DIR);
	}
	for (i = 0; i < n; i += 2) {
		pairs[i / 2].uri = a->words.items[i];
		pairs[i / 2].output = a->words.items[i + 1];
	}
	*count = n / 2;
	return 0;
}

static int show(struct cli *cli, const struct mreg_initialize_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	char size[32];
	size_t i;
	int rc = cli_json(cli,
			  cli->globals.json
				  ? mreg_initialize_result_json(r, r->count)
				  : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (i = 0; i < r->count; i++) {
		const struct mreg_initialized *m = &r->items[i];

		cli_put(&b, m->reference);
		if (m->number)
			mr_buf_printf(&b, " (v%" PRIu64 ")", m->number);
		mr_buf_puts(&b, " is in ");
		cli_put(&b, m->output);
		mr_buf_printf(&b, ": %" PRIu64 " file%s, %s\n", m->files,
			      m->files == 1 ? "" : "s",
			      mr_text_size(m->bytes, size));
	}
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	MR_AUTO(mr_free) struct mreg_initialize_pair *pairs = NULL;
	struct mreg_initialize_result res;
	size_t n = 0;
	int rc;

	pairs = mr_array(a->words.n + 1, sizeof(*pairs));
	if (!pairs)
		return mr_fail_nomem(err);
	rc = put_pairs(a, pairs, &n, err);
	if (rc >= 0)
		rc = mreg_initialize(cli->mreg, pairs, n, &res, err);
	if (rc < 0)
		return rc;
	tell_cluster(cli, &res);
	rc = show(cli, &res, err);
	mreg_initialize_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_initialize = {
	.name = "storage-initializer",
	.summary = "put models of mreg:// URIs in place for KServe",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "What a ClusterStorageContainer of KServe runs before the "
		 "server: URI and directory, once or more often; a single URI "
		 "goes to /mnt/models. ?path= takes what is below a folder of "
		 "the version, files= (again and again) only what matches. It "
		 "needs no home, no root and nothing writable but the "
		 "directory.\n\n"
		 "A container may be started again when an alias has moved: "
		 "what an earlier run put into the directory, and this one "
		 "does not, is removed. What others put or changed there "
		 "stays. Which is which is noted there in .mreg-part-owned.\n\n"
		 "MREG_REGISTRY is where short names are, "
		 "MREG_DOCKER_CONFIG_JSON the credentials (see 'mreg login "
		 "--help'); MREG_REQUIRE_DIGEST=1 refuses tags.\n\n"
		 "What is there then, with its digest, is written as JSON to "
		 "/dev/termination-log, or the file MREG_TERMINATION_LOG, if "
		 "there is one. Exit statuses are those of 'mreg pull'.",
};
