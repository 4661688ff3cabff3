/*
 * tests/support/fakereg_opts.h - what kind of registry the fake one is.
 *
 * P- and B-numbers are protocol.md's, where the quirks come from.
 */
#ifndef TESTS_SUPPORT_FAKEREG_OPTS_H
#define TESTS_SUPPORT_FAKEREG_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: a plain registry of no particular maker. */
struct fakereg_opts {
	int port; /* 0: any free one */

	/* Who may do what. */
	const char *username; /* NULL: everybody may do everything */
	const char *password;
	const char *identity;      /* a refresh token that is as good */
	bool bearer;               /* tokens; else Basic */
	unsigned int basic_too;    /* a Basic challenge beside: 1 in the same
				      header (Harbor), 2 in its own (Gitea) */
	bool basic_catalog;        /* the catalog wants Basic (P-81) */
	bool anonymous_pull;       /* tokens for pull to whoever asks */
	bool read_only;            /* the user may not push: 403 */
	bool no_delete_scope;      /* a token request for `delete` is 400, and
				      push will do (Quay) */
	unsigned int token_uses;   /* requests a token is good for; 0: any */
	unsigned int token_life_s; /* and `expires_in`; 0: 300, and no end */
	bool bare_token;           /* no `expires_in` */
	unsigned int post_token;   /* status of a POST for one (B-08) */
	const char *realm;         /* instead of our own token endpoint */

	/* Blobs. */
	bool redirect_blobs;          /* GET and HEAD go elsewhere */
	bool redirect_unranged;       /* only without Range (P-23) */
	unsigned int redirect_status; /* 0: 307 */
	unsigned int redirect_hops;   /* further ones, elsewhere */
	unsigned int sign_uses; /* requests a signed address is good for */
	unsigned int sign_ms;   /* how long it is; 0: any; 403 then (P-24) */
	bool no_range;          /* 200 with everything */
	bool no_digest_header;  /* no Docker-Content-Digest anywhere */

	/* Uploads. */
	bool mounts;               /* else they end in a session */
	bool single_post;          /* POST ?digest= takes a body (P-43) */
	bool upload_elsewhere;     /* Location of sessions */
	const char *location;      /* "absolute", "bare": no scheme, "relative";
				      NULL: a path (P-32) */
	bool strict_state;         /* byte for byte, in front */
	bool stale_cancels;        /* an old one ends the session (B-26) */
	bool keeps_partial;        /* what came of a broken body stays; else
				      it ends the session (B-29) */
	bool no_status;            /* GET of a session: 404 */
	unsigned int patch_status; /* 0: 202 (B-13) */
	bool stale_range;          /* told of the first PATCH for ever (B-14) */
	bool no_empty_put;         /* a closing PUT without bytes: 500 (B-15) */
	bool no_chunks;            /* PATCH with Content-Range: 400 (B-21) */
	size_t chunk_max;          /* 416 for larger ones (B-18); 0: any */
	size_t chunk_min;          /* OCI-Chunk-Min-Length */
	bool plain_chunks;         /* no "bytes ", no chunked coding (B-23) */
	bool one_patch;            /* a second one without range: 400 (P-44) */
	bool quay_ranges;       /* off by one, `bytes=`, no Location (B-28) */
	size_t request_max;     /* 413 HTML above (B-25); 0: any */
	unsigned int commit_ms; /* that a closing PUT takes (P-53) */

	/* Manifests and tags. */
	size_t manifest_max;        /* 413 above; 0: 4 MiB */
	bool no_manifest_location;  /* B-16 */
	bool late_blobs;            /* the first PUT of a manifest misses a blob
				       that is there (B-20) */
	unsigned int untagged_uses; /* requests that a manifest without a tag
				       and a subject outlives (P-67) */
	unsigned int missing_head;  /* status of HEAD then; 0: 404 (B-39) */
	unsigned int busy_every;    /* each N-th GET of a manifest is 429 */
	bool etags;      /* of digests, and 304 to who has that (D-41) */
	bool tag_delete; /* else `delete_status` */
	unsigned int delete_status;    /* 0: 400, as distribution 2.8 */
	bool immutable_tags;           /* else they move */
	const char *immutable;         /* those that match one only; fnmatch(3),
					  commas in between */
	unsigned int immutable_status; /* 0: 409; 412, 400, 403 */

	/* Lists. */
	unsigned int page; /* entries of a page at most; 0: as asked */
	size_t page_max;   /* larger n: 400 (B-17); 0: any */
	bool no_pages;     /* all of it, whatever is asked (P-80) */
	bool null_tags;    /* an empty page is null (B-19) */
	bool drop_tags;    /* that begin with another's name (B-45) */
	bool no_catalog;

	/* Referrers. */
	bool referrers;          /* the API; else 404 */
	bool no_subject_header;  /* no OCI-Subject (P-70) */
	bool no_filters;         /* artifactType is not looked at */
	bool absent_404;         /* for a subject that is not there, without a
				    body (zot), or with `absent_code` */
	const char *absent_code; /* MANIFEST_UNKNOWN (older Quay) */
};

/* The quirks of a maker by its name; false: there is none. */
bool fakereg_profile(const char *name, struct fakereg_opts *out);
/* The names, one after another; NULL: no more. */
const char *fakereg_profile_name(size_t index);
/* Set the field `name` from text ("" for true); false: there is none, or it
 * is no such value.  Text is borrowed. */
bool fakereg_opt(struct fakereg_opts *o, const char *name, const char *value);

#endif
