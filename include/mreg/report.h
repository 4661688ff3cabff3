/*
 * mreg/report.h - a model, or one version, for an auditor: everything that the
 * commands tell of it, put together.
 *
 * What could not be read is named in the result, and is no error; only what a
 * report cannot be without is.
 */
#ifndef MREG_REPORT_H
#define MREG_REPORT_H

#include "mreg/alias.h"
#include "mreg/approve.h"
#include "mreg/deploy.h"
#include "mreg/du.h"
#include "mreg/incident.h"
#include "mreg/inspect.h"
#include "mreg/lineage.h"
#include "mreg/list.h"
#include "mreg/log.h"
#include "mreg/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_report_opts {
	size_t size; /* sizeof this struct; set by MREG_REPORT_OPTS_INIT */
	/* RFC 3339, or a date (its begin, UTC): of histories what came later;
	 * NULL: all. */
	const char *since;
	size_t versions; /* told in full, at most; 0: 20 */
	size_t nodes;    /* of each lineage, at most; 0: 500 */
};
#define MREG_REPORT_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_report_opts)                        \
	}

/* An alias was moved. */
struct mreg_report_move {
	struct mreg_digest event;
	const char *alias;
	struct mreg_digest digest, was; /* NONE: removed; did not exist */
	uint64_t number, was_number;    /* 0: not known */
	const char *by;     /* "promote", "rollback"...; NULL: adopted */
	const char *reason; /* NULL: none */
	const char *policy; /* digest of the one it was judged by; NULL */
	int64_t time_s;
	const char *actor;        /* "" when not told */
	const char *actor_source; /* NULL: not told */
};

/* What a version comes from. */
struct mreg_report_ancestor {
	bool input;             /* data; else a model */
	const char *how;        /* relation or role; NULL: not told */
	const char *ref;        /* a reference, a URI or a name; NULL */
	const char *digest;     /* NULL: outside OCI */
	const char *license;    /* NULL: not known */
	bool told;              /* by who named it, not by itself */
	const char *unreadable; /* why; NULL: it was read, or needs not be */
};

/* The policy's verdict on a version: under an alias it has, or its own. */
struct mreg_report_verdict {
	const char *alias; /* NULL: by digest */
	struct mreg_policy_check_result check;
};

/* A version in full. */
struct mreg_report_version {
	const char *reference; /* name@digest */
	struct mreg_digest digest;
	uint64_t number; /* 0: not known */
	const char *const *aliases;
	size_t alias_count;
	struct mreg_inspect_result *inspect; /* NULL: could not be read */
	const char *card; /* the beginning of its card; NULL */
	struct mreg_report_verdict *verdicts;
	size_t verdict_count;
	const struct mreg_report_ancestor *ancestors;
	size_t ancestor_count;
	bool ancestors_more;                 /* there are more than are read */
	struct mreg_lineage_result *lineage; /* NULL: not known */
};

struct mreg_report_result {
	const char *name;
	const char *reference; /* of one version; NULL: the model */
	uint64_t number;       /* of one version; 0: not known */
	int64_t at_s, since_s; /* since_s 0: everything */
	/* What the registry said, or, where it cannot be reached, what the
	 * index remembers, as of `synced_s` (0: not known). */
	bool live;
	int64_t synced_s;
	/* Sections; NULL: could not be read, and `unread` says why. */
	struct mreg_log_result *log;
	const char *unverified; /* why the log was not verified; NULL: was */
	const struct mreg_report_move *moves; /* in fold order */
	size_t move_count;
	struct mreg_aliases_result *aliases; /* by tags, foreign ones too */
	struct mreg_approvals_result *approvals;
	struct mreg_deployments_result *deployments;
	struct mreg_incidents_result *incidents;
	struct mreg_versions_result *versions; /* NULL too: of one version */
	struct mreg_policy_show_result *policy;
	struct mreg_du_result *bytes; /* of the model */
	/* Those that an alias has or that run somewhere, and the latest: the
	 * highest number first. */
	struct mreg_report_version *full;
	size_t full_count;
	uint64_t full_left;             /* that would be told, too */
	const struct mreg_pair *unread; /* what, and why */
	size_t unread_count;
	void *owner;
};

/*
 * Of `ref`, a model (a name alone) or one of its versions.  MREG_ENOTFOUND: no
 * such model; MREG_ENETWORK and the like: the registry cannot be reached, and
 * the index does not know the model.
 */
MREG_API int mreg_report(struct mreg *m, const char *ref,
			 const struct mreg_report_opts *o,
			 struct mreg_report_result *out,
			 struct mreg_error *err);
MREG_API void mreg_report_result_release(struct mreg_report_result *r);

/* -- documents ------------------------------------------------------------- */

enum mreg_report_form {
	MREG_REPORT_MARKDOWN,
	MREG_REPORT_HTML, /* one file, no scripts, nothing from elsewhere */
};
/* For people; `*out` is to be freed with free().  The picture in HTML needs
 * graphviz; without it the document says so. */
MREG_API int mreg_report_page(struct mreg *m,
			      const struct mreg_report_result *r,
			      enum mreg_report_form form, char **out,
			      struct mreg_error *err);

#ifdef __cplusplus
}
#endif

#endif
