/*
 * index_use.c - what commands that read may take from the index.
 */
#include "cli/index_use.h"

#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"

int cli_use_index(struct cli *cli, const struct cli_index_use *use,
		  struct mreg_error *err)
{
	if (use->always && use->never) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--index and --no-index exclude each other");
		return mr_hint(err, "without either the index is taken while "
				    "it is fresh");
	}
	mreg_use_index(cli->mreg, use->always  ? MREG_INDEX_ALWAYS
				  : use->never ? MREG_INDEX_NEVER
					       : MREG_INDEX_FRESH);
	return 0;
}

void cli_tell_index(const struct cli *cli, int64_t synced_s)
{
	char text[32];

	if (synced_s && !cli->globals.quiet && !cli->globals.json)
		(void)fprintf(
			stderr, "from the index, synced %s ago\n",
			mr_text_span((int64_t)time(NULL) - synced_s, text));
}
