/*
 * ledger/event.h - one event: its kinds and fields, its bytes, the tags it goes
 * under, and packs of many; a part of the door ledger/ledger.h, which includes
 * it.
 */
#ifndef MR_LEDGER_EVENT_H
#define MR_LEDGER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mreg/types.h"

#define MR_EVENT_ARTIFACT "application/vnd.mreg.event.v1+json"
#define MR_EVENT_ANNOTATION "org.mreg.event"
#define MR_EVENT_VERSION_ANNOTATION "org.mreg.event.version"
#define MR_LOG_TAG_PREFIX "mreg.log." /* <8 digits>.<32 hex> */
#define MR_SEQ_TAG_PREFIX "mreg.seq." /* <8 digits>: tags are immutable */
#define MR_LOG_TAG_TEXT 64

/* Kinds are only ever added.  A reader keeps kinds it does not know in the
 * graph (heads, seq) and gives them no meaning. */
enum mr_event_kind {
	MR_EVENT_UNKNOWN = 0,
	MR_EVENT_VERSION_REGISTERED,
	MR_EVENT_POLICY_CHANGED,
	MR_EVENT_RECORD_WRITTEN,
	MR_EVENT_METADATA_CHANGED,
	MR_EVENT_ALIAS_MOVED,
	MR_EVENT_TAG_ADOPTED,
	MR_EVENT_RELEASE_NAMED,
	MR_EVENT_APPROVAL_ASKED,
	MR_EVENT_APPROVAL_GRANTED,
	MR_EVENT_APPROVAL_REFUSED,
	MR_EVENT_APPROVAL_OVERDUE,
	MR_EVENT_EVALUATED,
	MR_EVENT_OBSERVED,
	MR_EVENT_DEPLOYED,
	MR_EVENT_INCIDENT,
	MR_EVENT_RETRAIN_DUE,
	MR_EVENT_DEPRECATED,
	MR_EVENT_ARCHIVED,
	MR_EVENT_RESTORED,
	MR_EVENT_REMOVED,
	MR_EVENT_SPLIT_RECORDED,
	MR_EVENT_KINDS /* how many there are */
};

/*
 * What an event of one kind says beyond what each one does; which kind has
 * which, and what its value is, stands in kinds.c and spec/events.md.
 */
struct mr_event_field {
	const char *key;
	/* A digest, a time, a number too, as written; "true" or "false".  NULL
	 * for maps and lists. */
	const char *text;
	/* A map, sorted by name; a list: the names alone, in its order. */
	const struct mreg_pair *items;
	size_t count;
};

struct mr_event {
	struct mreg_digest digest; /* of its manifest; set by read and add */
	enum mr_event_kind kind;
	const char *kind_name; /* as written, also when unknown */
	uint64_t seq;          /* 1 + the largest of prev's; 1 for the first */
	const struct mreg_digest *prev; /* heads its writer saw; sorted */
	size_t prev_count;
	int64_t time_s;    /* as its writer's clock had it; for people only */
	const char *actor; /* for people; not a proof.  May be "" */
	/* Where that was taken from: "registry", "as", "author", "git",
	 * "account"; NULL: not told. */
	const char *actor_source;
	const char *run;         /* experiment run id; NULL when not given */
	const char *copied_from; /* reference; NULL unless copied */
	/* What several kinds have; 0 and NONE: not told. */
	uint64_t number;             /* the N it claims */
	struct mreg_digest version;  /* manifest it is about */
	struct mreg_digest replaces; /* event it takes back */
	struct mreg_digest policy;   /* manifest of the policy in force */
	struct mreg_digest was;      /* version or policy before it */
	/* The other fields of its kind, sorted by key. */
	const struct mr_event_field *fields;
	size_t field_count;
	/* Of one that was read: its JSON, as written.  Where it carries a pack,
	 * that blob; NONE: it carries none. */
	const char *json;
	struct mreg_digest pack;
	uint64_t pack_bytes;
};

/* "version_registered"; and back, MR_EVENT_UNKNOWN for what is not known. */
const char *mr_event_kind_name(enum mr_event_kind kind);
enum mr_event_kind mr_event_kind_parse(const char *name);

/* NULL: it has no such field. */
const struct mr_event_field *mr_event_field(const struct mr_event *e,
					    const char *key);
/* Its text; NULL: none. */
const char *mr_event_text(const struct mr_event *e, const char *key);
/* Its digest, which is valid since it was read; false: none. */
bool mr_event_digest(const struct mr_event *e, const char *key,
		     struct mreg_digest *out);
/* Its time; false: none. */
bool mr_event_time(const struct mr_event *e, const char *key, int64_t *out_s);

/* The bytes of an event's manifest and the tag it goes under. */
struct mr_event_doc {
	struct mr_buf bytes; /* owned */
	struct mreg_desc desc;
	char tag[MR_LOG_TAG_TEXT]; /* mreg.log.<seq>.<hex> */
};
void mr_event_doc_release(struct mr_event_doc *d); /* for MR_AUTO too */

/* Canonical: the same value gives the same bytes.  `out` must be zeroed or
 * have been written before.  `fields` in any order.  MREG_ELIMIT above
 * MR_EVENT_MAX_BYTES or when seq or number are used up; MREG_EUSAGE when a text
 * is not UTF-8, MREG_EINTERNAL for fields that are not its kind's. */
int mr_event_write(const struct mr_event *e, struct mr_event_doc *out,
		   struct mreg_error *err);

/*
 * The event in a manifest's bytes; what `out` points at is in the arena.
 * MREG_EFORMAT for whatever is no event, MREG_ENOMEM.
 */
int mr_event_read(const void *bytes, size_t n, struct mr_arena *arena,
		  struct mr_event *out, struct mreg_error *err);

/* -- packs: the JSON of many events in one blob, a line each --------------- */

#define MR_PACK_MEDIA "application/vnd.mreg.event.pack.v1+jsonl"
#define MR_PACK_EVERY 256 /* seq of those that carry one */
/* Larger ones are not written, and not read. */
#define MR_PACK_MAX_BYTES (4u << 20)

/*
 * A line of a pack as the manifest it was in; `out` as of mr_event_write.  It
 * is an event if something else says so: a tag that fits its digest, a `prev`
 * of one that is.  MREG_EFORMAT: it is none.
 */
int mr_event_unpack(const char *line, size_t n, struct mr_event_doc *out,
		    struct mreg_error *err);

/* -- tags ------------------------------------------------------------------ */

/* That of an event that was read; and that in a linear log; `out` has
 * MR_LOG_TAG_TEXT bytes. */
const char *mr_log_tag_of(const struct mr_event *e, char *out);
const char *mr_log_tag_linear(uint64_t seq, char *out);
/* Whether a tag is one of the log's, and its seq. */
bool mr_log_tag(const char *tag, uint64_t *seq);
/* Whether `tag` may stand for an event with this digest: the hex in
 * mreg.log. tags must be its beginning. */
bool mr_log_tag_fits(const char *tag, const struct mreg_digest *digest);

#endif
