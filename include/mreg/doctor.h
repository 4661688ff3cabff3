/*
 * mreg/doctor.h - what a registry can and cannot do, in words.
 */
#ifndef MREG_DOCTOR_H
#define MREG_DOCTOR_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mreg_doctor_opts {
	size_t size; /* sizeof this struct; set by MREG_DOCTOR_OPTS_INIT */
	/* Also try what writes: small blobs and a manifest in the repository
	 * that was named, removed again as far as the registry lets us. */
	bool write;
};
#define MREG_DOCTOR_OPTS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct mreg_doctor_opts)                        \
	}

enum mreg_verdict {
	MREG_VERDICT_YES,
	MREG_VERDICT_NO,
	MREG_VERDICT_PARTLY,
	MREG_VERDICT_UNKNOWN, /* not tried, or no clear answer */
};

/* "yes", "no", "partly" or "unknown". */
MREG_API const char *mreg_verdict_name(enum mreg_verdict verdict);

struct mreg_finding {
	const char *topic; /* "reach", "login", "ranges", "referrers", ... */
	enum mreg_verdict verdict;
	const char *found; /* what was seen: "answers 400 to DELETE of a tag" */
	const char *means; /* for the user; "" when there is nothing to say */
};

struct mreg_doctor_result {
	const char *host;       /* "ghcr.io" */
	const char *repository; /* NULL: only the host was asked about */
	const char *user;       /* "" is anonymous */
	const char
		*profile; /* whose limits apply: "ghcr", "unknown"; "local" */
	struct mreg_finding *findings;
	size_t finding_count;
	bool write;
	void *owner;
};

/* Ask `target`, HOST or HOST/REPOSITORY (with a local store: where it is,
 * whether it can be written and locked).  What a registry cannot do is a
 * finding, no error; an error is that it could not be asked at all. */
MREG_API int mreg_doctor(struct mreg *m, const char *target,
			 const struct mreg_doctor_opts *o,
			 struct mreg_doctor_result *out,
			 struct mreg_error *err);
MREG_API void mreg_doctor_result_release(struct mreg_doctor_result *r);

#ifdef __cplusplus
}
#endif

#endif
