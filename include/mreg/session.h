/*
 * mreg/session.h - a session: settings, credentials, connections and what is
 * remembered between runs.  Everything else takes one.
 *
 * One session may be used by one thread at a time; calls use threads of their
 * own inside.  The library never prints, never exits, never reads the
 * terminal.
 */
#ifndef MREG_SESSION_H
#define MREG_SESSION_H

#include "mreg/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg;

/* Zeroed fields mean: as the settings say (flag = this struct, MREG_*
 * environment, project file .mreg.json, user file, default). */
struct mreg_opts {
	size_t size;          /* sizeof this struct; set by MREG_OPTS_INIT */
	const char *registry; /* prefix for short names: HOST[/PATH] or
			       * oci:DIR; NULL: settings, else local store */
	const char *store;    /* folder of the local store; NULL: settings */
	const char *ca_file;  /* PEM beside the system's; NULL: settings */
	bool plain_http;      /* http for every registry; asked for only */
	unsigned int jobs;    /* parallel transfers; 0: settings, else 4 */
	uint64_t limit_rate;  /* bytes a second, up and down together; 0:
			       * settings, else none; UINT64_MAX: none */
	/* Least important one wanted; MREG_LOG_WARN: as the settings say. */
	enum mreg_log_level log_level;
	/* Called from any thread, one call at a time; may be NULL. */
	void (*log)(void *ctx, enum mreg_log_level level, const char *text);
	void (*progress)(void *ctx, const struct mreg_progress *p);
	void *ctx; /* borrowed; first argument of both */
	/* Who the log names, where a registry's login names nobody.  Never
	 * trusted as proof; NULL: settings, else MREG_AUTHOR, git, the account.
	 */
	const char *actor;
};
#define MREG_OPTS_INIT                                                         \
	{                                                                      \
		.size = sizeof(struct mreg_opts), .log_level = MREG_LOG_WARN   \
	}

/* No network; MREG_EUSAGE for settings that cannot be (a config file that is
 * no JSON names file and line). */
MREG_API int mreg_open(const struct mreg_opts *o, struct mreg **out,
		       struct mreg_error *err);
MREG_API void mreg_close(struct mreg *m); /* NULL does nothing */

/* Make the call under way, and every later one, end with MREG_ECANCELED.
 * Async-signal-safe. */
MREG_API void mreg_cancel(struct mreg *m);

/* "0.1.0". */
MREG_API const char *mreg_version(void);

#ifdef __cplusplus
}
#endif

#endif
