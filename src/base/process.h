/*
 * base/process.h - running another program: arguments as a vector, no shell,
 * nothing of ours open in it, a limit in time and output.
 */
#ifndef MR_BASE_PROCESS_H
#define MR_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/env.h"
#include "mreg/error.h"

struct mr_process {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in
				  * PATH */
	const void *input;       /* to its stdin, as fast as it reads; may be
				  * NULL */
	size_t input_len;
	int64_t timeout_ms;
};

/*
 * Run it to its end and collect its stdout in `out` (its maximum is the
 * limit); stderr goes to /dev/null.  `*ok`: it ended with status 0.
 * MREG_ENOTFOUND: no such program; MREG_ELIMIT: it said more than `out` may
 * hold; MREG_EIO: did not start, or not done within the time (it is killed);
 * MREG_ECANCELED.
 */
int mr_process_run(struct mr_env *env, const struct mr_process *p,
		   struct mr_buf *out, bool *ok, struct mreg_error *err);

/* Whether `pid` will do nothing more for certain: no such process, or one
 * that ended and only waits for its parent (for ever, in a container whose
 * first process does not wait for others' children). */
bool mr_process_is_gone(pid_t pid);

#endif
