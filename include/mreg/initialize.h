/*
 * mreg/initialize.h - models put in place for a server, as KServe's storage
 * initializers do it: from mreg:// URIs to directories.
 */
#ifndef MREG_INITIALIZE_H
#define MREG_INITIALIZE_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where KServe's servers look for a model. */
#define MREG_MODELS_DIR "/mnt/models"

struct mreg_initialize_pair {
	const char *uri;
	const char *output; /* directory */
};

struct mreg_initialized {
	const char *uri;       /* as given */
	const char *output;    /* as given */
	const char *reference; /* name@digest: what is there now */
	const char *tag;       /* it was named by; NULL: by digest */
	uint64_t number;       /* of v<N>; 0: not known */
	struct mreg_digest digest;
	uint64_t files, bytes;
};

struct mreg_initialize_result {
	struct mreg_initialized *items; /* in the order of the pairs */
	size_t count;
	void *owner;
};

/*
 * URIs are mreg://REF[?path=DIR&files=GLOB...]: REF as everywhere (a short name
 * is below the configured registry), only what is below DIR of the version, and
 * of that only what the globs match; values may have %XX.  All are read before
 * anything is fetched; each is a mreg_pull, and fails as that does.  Afterwards
 * a directory has these files, and none that an earlier call put there and
 * this one does not (`tidy` of mreg_pull_opts); what others put there stays.
 * MREG_EUSAGE: no such URI, one that names http:// or a folder of this machine,
 * one directory for two.
 */
MREG_API int mreg_initialize(struct mreg *m,
			     const struct mreg_initialize_pair *pairs, size_t n,
			     struct mreg_initialize_result *out,
			     struct mreg_error *err);
MREG_API void mreg_initialize_result_release(struct mreg_initialize_result *r);

#ifdef __cplusplus
}
#endif

#endif
