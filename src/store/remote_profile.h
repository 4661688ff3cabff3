/*
 * store/remote_profile.h - what is known of a registry before it was asked,
 * and what its answers taught.  Private to the remote store.
 */
#ifndef MR_STORE_REMOTE_PROFILE_H
#define MR_STORE_REMOTE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct mr_remote;

/* Ranged PATCHes (protocol.md 3.3, D-14). */
enum mr_chunks {
	MR_CHUNKS_NEVER,  /* refused, or stored wrongly */
	MR_CHUNKS_NEEDED, /* only where a body is too large, or when asked */
	MR_CHUNKS_LIKED,  /* for large blobs: only they can be taken up again */
};

/*
 * Published limits and first choices of one kind of registry: defaults that
 * the registry's answers (struct mr_remote's lessons) and settings replace.
 */
struct mr_profile {
	const char *name;     /* "ghcr"; "unknown" for all the others */
	const char *title;    /* for messages */
	const char *hosts[4]; /* names; with a dot in front: their endings; or
				 a pattern with a star */
	uint64_t layer_max;   /* bytes of one blob; 0: none published */
	uint64_t layer_doubt; /* bytes above which it may refuse; 0: none */
	uint64_t request_max; /* bytes of one body; 0: none known */
	uint64_t chunk_max;   /* bytes of one ranged PATCH; 0: none known */
	unsigned int layers_doubt; /* layers above which it may refuse */
	unsigned int page;         /* tags that one page has at most */
	enum mr_chunks chunks;
	bool streams;     /* an un-ranged PATCH before the digest is known */
	bool single;      /* one POST with the bytes is worth a try (P-43) */
	bool status;      /* a broken upload may be asked how far it came */
	bool last_in_put; /* the last piece goes with the PUT (P-45, B-15) */
	bool stale_range; /* Range does not tell what it has (B-14) */
};

/* The profile of HOST[:PORT]; always one. */
const struct mr_profile *mr_profile_of(const char *host);

/* What an answer taught; remembered in the state file by origin, with bounds
 * and for a week. */
enum mr_lesson {
	MR_LESSON_LAYER,   /* bytes: a larger blob was refused for its size */
	MR_LESSON_REQUEST, /* bytes: a larger body was refused */
	MR_LESSON_CHUNK,   /* bytes: a larger ranged PATCH was refused */
	MR_LESSON_STREAM,  /* whether an empty PUT closes a streamed upload */
	MR_LESSON_SINGLE,  /* whether one POST with the bytes is enough */
	MR_LESSON_STATUS,  /* whether a broken upload can be taken up */
	MR_LESSONS
};

/* False: nothing was learned, or too long ago. */
bool mr_remote_lesson(struct mr_remote *r, enum mr_lesson which,
		      uint64_t *value);
void mr_remote_learn(struct mr_remote *r, enum mr_lesson which, uint64_t value);

/* Bytes that one body, and one ranged PATCH, may have: what was configured,
 * else learned, else published; UINT64_MAX: no limit is known. */
uint64_t mr_remote_request_max(struct mr_remote *r);
uint64_t mr_remote_chunk_max(struct mr_remote *r);

#endif
