/*
 * ledger/ledger.h - a model's events: text to value and back, the hash graph
 * they form, and the fold that every reader computes alike.
 *
 * An event is an OCI artifact (product.md 3.3): its canonical JSON is the
 * annotation org.mreg.event of a manifest with the empty config and one
 * empty-JSON layer.  The digest of that manifest is the event's identity;
 * `prev` names the digests of all heads its writer saw.  No input or output,
 * no clock.
 *
 * Fold order: ancestors first, then by seq, then by digest; never by time.
 *
 * Claims (product.md 3.2; exhaustively modelled with crashes).  A number N
 * belongs to the claim that no later event replaces; while two stand, to the
 * digest that the tag v<N> has.  Rules the functions below keep:
 * 1. A new claim's number is above every number any event names.
 * 2. A claim that meets another digest on its number, replaced or not, is
 *    abandoned: its writer's next event names it in `replaces`.
 * 3. `replaces` counts only from a claim of the same version under a higher
 *    number: nobody takes back what is another's.
 */
#ifndef MR_LEDGER_LEDGER_H
#define MR_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "ledger/standing.h"
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

/* -- packs: the JSON of many events in one blob, a line each --------------- */

#define MR_PACK_MEDIA "application/vnd.mreg.event.pack.v1+jsonl"
#define MR_PACK_EVERY 256 /* seq of those that carry one */
/* Larger ones are not written, and not read. */
#define MR_PACK_MAX_BYTES (4u << 20)

/* The lines of the events of `l` whose seq is below that of the next event and
 * not below the last that had to carry a pack; none that carries one.
 * MREG_ELIMIT: too large. */
int mr_ledger_pack(struct mr_ledger *l, struct mr_buf *out,
		   struct mreg_error *err);
/*
 * A line of a pack as the manifest it was in; `out` as of mr_event_write.  It
 * is an event if something else says so: a tag that fits its digest, a `prev`
 * of one that is.  MREG_EFORMAT: it is none.
 */
int mr_event_unpack(const char *line, size_t n, struct mr_event_doc *out,
		    struct mreg_error *err);

/* -- tags ------------------------------------------------------------------ */

/* That of an event in a linear log; `out` has MR_LOG_TAG_TEXT bytes. */
const char *mr_log_tag_linear(uint64_t seq, char *out);
/* Whether a tag is one of the log's, and its seq. */
bool mr_log_tag(const char *tag, uint64_t *seq);
/* Whether `tag` may stand for an event with this digest: the hex in
 * mreg.log. tags must be its beginning. */
bool mr_log_tag_fits(const char *tag, const struct mreg_digest *digest);

struct mr_ledger;
int mr_ledger_new(struct mr_ledger **out, struct mreg_error *err);
void mr_ledger_free(struct mr_ledger *l);
void mr_ledger_freep(struct mr_ledger **l); /* for MR_AUTO */

/*
 * Add an event from its manifest's bytes; copies.  Adding one twice does
 * nothing.  Order does not matter.  What is no event, or one that breaks the
 * format, is MREG_EFORMAT and changes nothing.  An event whose seq is not 1 +
 * the largest of those of its `prev` that are here, is kept and counted in
 * mr_ledger_flaws.
 */
int mr_ledger_add(struct mr_ledger *l, const void *bytes, size_t n,
		  struct mreg_error *err);

size_t mr_ledger_count(const struct mr_ledger *l);
size_t mr_ledger_flaws(const struct mr_ledger *l);
/* Event `i` in fold order; borrowed. */
const struct mr_event *mr_ledger_event(struct mr_ledger *l, size_t i);
/* Digests that no event here names in `prev`, sorted; borrowed until the next
 * add. */
int mr_ledger_heads(struct mr_ledger *l, const struct mreg_digest **out,
		    size_t *count, struct mreg_error *err);
/* Digests that events here name in `prev` but that are not here, sorted: a
 * listing that is not whole.  Borrowed until the next add. */
int mr_ledger_missing(struct mr_ledger *l, const struct mreg_digest **out,
		      size_t *count, struct mreg_error *err);
uint64_t mr_ledger_next_seq(const struct mr_ledger *l);

/* The highest number that any event names, replaced or not; 0: none. */
uint64_t mr_ledger_highest(const struct mr_ledger *l);
/* Whether any event, replaced or not, names `number` with another digest. */
bool mr_ledger_contested(const struct mr_ledger *l, uint64_t number,
			 const struct mreg_digest *version);
/* How many such other digests there are (for the random step), counted up to
 * MR_RIVALS_MAX. */
#define MR_RIVALS_MAX 64
size_t mr_ledger_rivals(const struct mr_ledger *l, uint64_t number,
			const struct mreg_digest *version);
/* The standing (not replaced) claim with the lowest number for `version`, so
 * that everybody who pushes the same bytes at once settles on one; of equals
 * the first in fold order.  NULL: none. */
const struct mr_event *mr_ledger_claim_of(struct mr_ledger *l,
					  const struct mreg_digest *version);
/*
 * To whom `number` belongs.  One standing digest: that event.  Several: the
 * one whose version is `tagged` (what v<N> has; may be NULL).  Else NULL.  Of
 * several events with the same digest the first in fold order.
 */
const struct mr_event *mr_ledger_owner(struct mr_ledger *l, uint64_t number,
				       const struct mreg_digest *tagged);
/* Numbers that have a standing claim, ascending, each once; owned by the
 * caller (mr_release). */
int mr_ledger_numbers(struct mr_ledger *l, uint64_t **out, size_t *count,
		      struct mreg_error *err);

/* The last *policy changed* event in fold order; NULL: none. */
const struct mr_event *mr_ledger_policy(struct mr_ledger *l);

#endif
