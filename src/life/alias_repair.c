/*
 * alias_repair.c - tags made what the log says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "mreg/alias.h"

struct repair {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mr_history h;
	bool dry_run;
	struct mreg_repair_result *out;
};

static void repair_release(struct repair *r)
{
	mr_history_release(&r->h);
	mr_store_closep(&r->s);
}

static void add_row(struct repair *r, const char *tag,
		    const struct mreg_digest *was,
		    const struct mreg_digest *now)
{
	struct mreg_repair_row *row = &r->out->rows[r->out->count++];

	row->tag = mr_arena_strdup(r->out->owner, tag);
	row->was = *was;
	row->digest = *now;
}

/* One that no event names is nobody's business here. */
static int repair_alias(struct repair *r, const char *alias,
			struct mreg_error *err)
{
	struct mr_alias_state now;
	bool changed;
	int rc = mr_alias_look(r->s, &r->h, alias, &now, err);

	r->out->looked_at++;
	if (rc < 0 || now.agree == MR_ALIAS_AGREES || !now.move)
		return rc;
	if (!r->dry_run)
		rc = mr_alias_repair(r->m, r->s, &r->h, alias, &changed, err);
	if (rc >= 0)
		add_row(r, alias, &now.tag.digest, &now.fold);
	return rc;
}

/* v<N> that has another digest than the log gave N; a number that two claim is
 * for their writers to settle, and one without its tag is an unfinished push.
 */
static int repair_number(struct repair *r, uint64_t number,
			 struct mreg_error *err)
{
	const struct mr_event *owner;
	struct mreg_desc now;
	struct mreg_desc want;
	char tag[32];
	bool found;
	int rc;

	(void)snprintf(tag, sizeof(tag), "v%" PRIu64, number);
	rc = mr_tag_resolve(r->s, tag, &now, &found, err);
	r->out->looked_at++;
	if (rc < 0 || !found)
		return rc;
	owner = mr_ledger_owner(r->h.ledger, number, &now.digest);
	if (!owner || mreg_digest_equal(&owner->version, &now.digest))
		return 0;
	want = (struct mreg_desc){ .digest = owner->version };
	if (!r->dry_run)
		rc = mr_tag_set(r->s, tag, &want, NULL, err);
	if (rc >= 0)
		add_row(r, tag, &now.digest, &owner->version);
	return rc;
}

static int repair_all(struct repair *r, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	MR_AUTO(mr_free) uint64_t *numbers = NULL;
	size_t n = 0;
	size_t i;
	int rc = mr_history_read(r->m, r->s, &r->h, err);

	if (rc >= 0 && !r->h.found)
		rc = mr_target_missing(r->s, &r->ref, err);
	if (rc >= 0)
		rc = mr_ledger_standing(r->h.ledger, MR_STANDING_NOW, &now,
					err);
	if (rc >= 0)
		rc = mr_ledger_numbers(r->h.ledger, &numbers, &n, err);
	if (rc < 0)
		return rc;
	r->out->rows =
		mr_arena_alloc(r->out->owner, (now.alias_count + n + 1) *
						      sizeof(*r->out->rows));
	if (!r->out->rows)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < n; i++)
		rc = repair_number(r, numbers[i], err);
	/* Reading the log again makes new events, not new names. */
	for (i = 0; rc >= 0 && i < now.alias_count; i++) {
		const char *alias =
			mr_arena_strdup(r->out->owner, now.aliases[i].name);

		rc = alias ? repair_alias(r, alias, err) : mr_fail_nomem(err);
	}
	return rc;
}

int mreg_alias_repair(struct mreg *m, const char *name, bool dry_run,
		      struct mreg_repair_result *out, struct mreg_error *err)
{
	MR_AUTO(repair_release)
	struct repair r = { .m = m, .dry_run = dry_run, .out = out };
	struct mr_arena *arena;
	char text[MREG_REF_TEXT];
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = mr_target(m, name, &r.ref, &r.s, err);
	if (rc >= 0 && (r.ref.tag[0] || mr_digest_known(&r.ref.digest))) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.200s' is more than a name",
			      name);
		rc = mr_hint(err, "leave out the tag: all aliases are looked "
				  "at");
	}
	/* What is not there must not leave an empty store behind. */
	if (rc >= 0)
		rc = mr_history_read(m, r.s, &r.h, err);
	if (rc >= 0 && !r.h.found)
		rc = mr_target_missing(r.s, &r.ref, err);
	if (rc >= 0 && !dry_run)
		rc = mr_store_lock(r.s, err);
	if (rc >= 0) {
		rc = repair_all(&r, err);
		if (!dry_run)
			mr_store_unlock(r.s);
	}
	out->name = mr_arena_strdup(arena, mr_target_name(m, &r.ref, text));
	out->dry_run = dry_run;
	if (rc >= 0)
		rc = mr_result_check(arena, err);
	if (rc < 0)
		mreg_repair_result_release(out);
	return rc;
}

void mreg_repair_result_release(struct mreg_repair_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
