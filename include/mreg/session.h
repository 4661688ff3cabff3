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
	const char *index; /* database of the index: a file, or
			    * postgresql://...; NULL: settings, else
			    * index.db in the folder of data */
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

/* What reading commands may take from the index instead of asking a registry:
 * the tags of models.  What decides something never does. */
enum mreg_index_use {
	MREG_INDEX_NEVER,  /* as a session begins */
	MREG_INDEX_FRESH,  /* what was synced less than the setting index.fresh
			    * ago, and not written to from here since */
	MREG_INDEX_ALWAYS, /* however old; what is not in it is
			    * MREG_ENOTFOUND */
};
MREG_API void mreg_use_index(struct mreg *m, enum mreg_index_use how);

/*
 * What is asked of the index from here on is answered as it is at the first
 * question, whatever is synced in between, until it is let go; pages of one
 * search, for example.  Where it is held for long while others write, the
 * database grows.  This session writes nothing to it meanwhile.
 * MREG_ENOTFOUND: there is no index.
 */
MREG_API int mreg_index_hold(struct mreg *m, struct mreg_error *err);
MREG_API void mreg_index_let_go(struct mreg *m); /* not held: nothing */

/* Make the call under way, and every later one, end with MREG_ECANCELED.
 * Async-signal-safe. */
MREG_API void mreg_cancel(struct mreg *m);

/* "0.1.0". */
MREG_API const char *mreg_version(void);

#ifdef __cplusplus
}
#endif

#endif
