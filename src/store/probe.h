/*
 * store/probe.h - single questions to a registry, for `doctor`: what it
 * answers, not what can be made of it; a part of the door store/store.h.
 *
 * A question that is refused, or not answered, is an answer: `can` and
 * `found`; unknown for who is not logged in.  Only MREG_ECANCELED and
 * MREG_ENOMEM are returned, and what mr_probe_reach says.
 */
#ifndef MR_STORE_PROBE_H
#define MR_STORE_PROBE_H

#include "base/list.h"
#include "mreg/types.h"
#include "net/net.h"

struct mr_store;

enum mr_can {
	MR_CAN_UNKNOWN,
	MR_CAN_YES,
	MR_CAN_NO,
	MR_CAN_PARTLY
};

struct mr_probe {
	enum mr_can can;
	char found[320]; /* what was seen; outside text is made safe */
};

/* -- the host ---------------------------------------------------------------
 */

/* MREG_ENETWORK and the like when there is no registry. */
int mr_probe_reach(struct mr_net *net, const char *host, struct mr_probe *out,
		   struct mreg_error *err);
int mr_probe_login(struct mr_net *net, const char *host, struct mr_probe *out,
		   struct mreg_error *err);
int mr_probe_catalog(struct mr_net *net, const char *host, struct mr_probe *out,
		     struct mreg_error *err);
/* What it takes, as configured, learned or published, in words; unknown: it is
 * not known to have limits.  Asks nothing. */
void mr_probe_limits(struct mr_store *s, struct mr_probe *out);

/* -- a repository (a remote store) that something can be read from ----------
 */

/* Something to ask about; digest NONE: there is nothing. */
struct mr_sample {
	char tag[129]; /* "": by digest */
	struct mreg_desc manifest;
	struct mreg_desc blob; /* a small one that the manifest names */
};

/* How tags are listed; fills `sample` when there are any. */
int mr_probe_tags(struct mr_store *s, struct mr_sample *sample,
		  struct mr_probe *out, struct mreg_error *err);
int mr_probe_pull(struct mr_store *s, struct mr_sample *sample,
		  struct mr_probe *out, struct mreg_error *err);
int mr_probe_ranges(struct mr_store *s, const struct mr_sample *sample,
		    struct mr_probe *out, struct mreg_error *err);
int mr_probe_etag(struct mr_store *s, const struct mr_sample *sample,
		  struct mr_probe *out, struct mreg_error *err);
int mr_probe_referrers(struct mr_store *s, const struct mr_sample *sample,
		       struct mr_probe *out, struct mreg_error *err);

/* -- a repository that is written to ----------------------------------------
 */

/* What was written, to be removed again. */
struct mr_litter {
	struct mr_list tags, manifests, blobs; /* owned; digests as text */
	bool unburied; /* of what stayed a tag got no tombstone */
};
void mr_litter_release(struct mr_litter *l); /* for MR_AUTO too */

enum mr_probe_how {
	MR_PROBE_WHOLE,  /* POST, PUT with the bytes */
	MR_PROBE_STREAM, /* POST, PATCH, PUT */
	MR_PROBE_CHUNKS, /* POST, PATCH of each part, PUT */
	MR_PROBE_SINGLE, /* POST with digest and bytes */
};
int mr_probe_upload(struct mr_store *s, enum mr_probe_how how,
		    struct mr_litter *l, struct mr_probe *out,
		    struct mreg_error *err);
int mr_probe_mount(struct mr_store *s, struct mr_litter *l,
		   struct mr_probe *out, struct mreg_error *err);
/* A tag with a new manifest: the sample for what is asked next. */
int mr_probe_publish(struct mr_store *s, struct mr_litter *l,
		     struct mr_sample *sample, struct mr_probe *out,
		     struct mreg_error *err);
/* A manifest whose subject is the sample. */
int mr_probe_subject(struct mr_store *s, const struct mr_sample *sample,
		     struct mr_litter *l, struct mr_probe *out,
		     struct mreg_error *err);
/* Several tags in one request (P-66). */
int mr_probe_tagging(struct mr_store *s, struct mr_litter *l,
		     struct mr_probe *out, struct mreg_error *err);
/* Whether a tag beginning with `prefix` can be pointed elsewhere.  Behind "v0"
 * digits follow, as a rule for versions may ask for; no version's number
 * begins with 0. */
int mr_probe_move(struct mr_store *s, const char *prefix, struct mr_litter *l,
		  struct mr_probe *out, struct mreg_error *err);
int mr_probe_untag(struct mr_store *s, const struct mr_sample *sample,
		   struct mr_litter *l, struct mr_probe *out,
		   struct mreg_error *err);
/* A manifest of `bytes`. */
int mr_probe_size(struct mr_store *s, size_t bytes, struct mr_litter *l,
		  struct mr_probe *out, struct mreg_error *err);
/* Remove what is still there, interrupted or not; what cannot be removed stays
 * in the lists, tags that stay point at a tombstone. */
int mr_probe_clean(struct mr_store *s, struct mr_litter *l,
		   struct mreg_error *err);

#endif
