/*
 * mreg/config.h - settings and where each comes from.
 *
 * Order: flag (struct mreg_opts), MREG_* environment, project file
 * (.mreg.json here or in a parent folder), user file
 * ($XDG_CONFIG_HOME/mreg/config.json), default.
 */
#ifndef MREG_CONFIG_H
#define MREG_CONFIG_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_setting {
	const char *key;    /* "registry", "log.level" */
	const char *value;  /* "" when it has none */
	const char *origin; /* "flag", "environment MREG_STORE", a file's
			     * path, "default" */
	const char *help;   /* one line */
};

/* Every setting, sorted by key; borrowed from the session. */
MREG_API size_t mreg_settings(struct mreg *m, const struct mreg_setting **out);

/* One setting; MREG_EUSAGE names the nearest key for an unknown one. */
MREG_API int mreg_setting_get(struct mreg *m, const char *key,
			      const struct mreg_setting **out,
			      struct mreg_error *err);

enum mreg_config_file {
	MREG_CONFIG_USER,
	/* The .mreg.json in force here: the nearest one, in the working
	 * directory or a parent; a new one in the working directory. */
	MREG_CONFIG_PROJECT,
};

/*
 * Write `value` (NULL: remove) for `key`; everything else in the file stays.
 * Takes effect in later sessions.  `path` (borrowed from the session) says
 * which file.  Values are checked.  Returns 1 when the file was changed (or,
 * in a dry run, would be), 0 when there was nothing to remove.
 */
MREG_API int mreg_setting_set(struct mreg *m, enum mreg_config_file file,
			      const char *key, const char *value, bool dry_run,
			      const char **path, struct mreg_error *err);

#ifdef __cplusplus
}
#endif

#endif
