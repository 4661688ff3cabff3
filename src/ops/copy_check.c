/*
 * copy_check.c - what the target has already, and what must not be touched.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "ops/copy.h"

/* Tags in conflict that are told one by one. */
#define TOLD_MAX 20
/* Of "and 10000 more" in the error, with its end. */
#define MORE_BYTES 32

bool mr_copy_fixed(enum mr_tag_kind kind)
{
	return kind == MR_TAG_VERSION || kind == MR_TAG_RELEASE ||
	       kind == MR_TAG_RECORD;
}

int mr_copy_look(struct copy *c, const char *tag, struct mreg_digest *out,
		 struct mreg_error *err)
{
	struct mreg_desc d;
	bool found;
	int rc = mr_store_resolve(c->to, tag, &d, &found, err);

	out->algorithm = MREG_DIGEST_NONE;
	if (rc >= 0 && found)
		*out = d.digest;
	return rc;
}

/* -- tags -------------------------------------------------------------------
 */

static int look_at_tag(void *ctx, size_t i, struct mreg_error *err)
{
	struct copy *c = ctx;
	struct copy_tag *t = &c->tags[i];

	if (t->node == MR_COPY_NO_NODE && !t->tombstone)
		return 0;
	return mr_copy_look(c, t->name, &t->was, err);
}

static bool is_tombstone(const struct mreg_digest *d)
{
	struct mreg_desc gone;

	(void)mr_tombstone(&gone, NULL);
	return mreg_digest_equal(&gone.digest, d);
}

/* Decide what becomes of a tag of the target. */
static void judge(struct copy *c, struct copy_tag *t)
{
	bool there = mr_digest_known(&t->was);

	/* What was removed in the source stays removed only where it was:
	 * versions and release names of the target are its own. */
	if (t->tombstone && (!there || mr_copy_fixed(t->kind))) {
		t->tombstone = false;
		return;
	}
	if (t->tombstone) {
		t->action = is_tombstone(&t->was) ? MREG_COPY_SAME
						  : MREG_COPY_MOVED;
	} else if (t->node != MR_COPY_NO_NODE && there) {
		bool same = mreg_digest_equal(&t->was,
					      &c->nodes[t->node].desc.digest);

		t->action = same ? MREG_COPY_SAME : MREG_COPY_MOVED;
		/* A removed number does not come back either. */
		t->conflict = !same && mr_copy_fixed(t->kind);
		if (!same && is_tombstone(&t->was) && !t->conflict)
			t->action = MREG_COPY_NEW;
	}
}

/* What does not fit into the error is told before it. */
static void tell_conflict(struct copy *c, const struct copy_tag *t)
{
	char a[MREG_DIGEST_TEXT];
	char b[MREG_DIGEST_TEXT];

	mr_log(&c->m->env, MREG_LOG_WARN, "'%s' is %s in '%s', but %s in '%s'",
	       t->name, mreg_digest_text(&t->was, a), c->name_to,
	       mreg_digest_text(&c->nodes[t->node].desc.digest, b),
	       c->name_from);
}

/* "v1 (source sha256:..., target sha256:...)", if there is room for it. */
static bool add_conflict(const struct copy *c, const struct copy_tag *t,
			 struct mr_buf *list)
{
	char text[sizeof(((struct mreg_error *)NULL)->cause)];
	char a[MREG_DIGEST_TEXT];
	char b[MREG_DIGEST_TEXT];
	int n = snprintf(text, sizeof(text), "%s%s (source %s, target %s)",
			 list->len ? ", " : "", t->name,
			 mreg_digest_text(&c->nodes[t->node].desc.digest, a),
			 mreg_digest_text(&t->was, b));

	if (n < 0 || (size_t)n + list->len + MORE_BYTES > sizeof(text))
		return false;
	mr_buf_puts(list, text);
	return true;
}

static int find_conflicts(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf list = MR_BUF_INIT(1u << 10);
	size_t told = 0;
	size_t n = 0;
	size_t i;

	for (i = 0; i < c->tag_count; i++) {
		const struct copy_tag *t = &c->tags[i];

		if (!t->conflict)
			continue;
		if (n == told && add_conflict(c, t, &list))
			told++;
		else if (n < TOLD_MAX)
			tell_conflict(c, t);
		n++;
	}
	if (!n)
		return 0;
	if (n > told)
		mr_buf_printf(&list, " and %zu more", n - told);
	(void)mr_fail(err, MREG_ECONFLICT,
		      "nothing was copied: '%.100s' has %zu tag%s with another "
		      "digest",
		      c->name_to, n, n == 1 ? "" : "s");
	(void)mr_cause(err, "%s", mr_buf_text(&list));
	return mr_hint(err, "versions, release names and records never move: "
			    "copy to another name");
}

int mr_copy_keep_latest(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_list_release) struct mr_list theirs = { .n = 0 };
	struct mreg_desc d;
	uint64_t ours = 0;
	bool higher = false;
	size_t i;
	int rc = mr_version_tags(c->to, &c->target_log, &theirs, err);

	for (i = 0; i < c->tag_count; i++)
		if (c->tags[i].node != MR_COPY_NO_NODE &&
		    c->tags[i].number > ours)
			ours = c->tags[i].number;
	/* A claim alone is no version. */
	for (i = theirs.n; rc >= 0 && !higher && i-- > 0;)
		if (mr_tag_number(theirs.items[i]) > ours)
			rc = mr_tag_resolve(c->to, theirs.items[i], &d, &higher,
					    err);
	for (i = 0; higher && i < c->tag_count; i++)
		if (c->tags[i].kind == MR_TAG_LATEST) {
			c->tags[i].node = MR_COPY_NO_NODE;
			c->tags[i].tombstone = false;
		}
	return rc;
}

/* -- numbers ----------------------------------------------------------------
 */

/* The tag v<number> that is still to be written; NULL: none. */
static const struct copy_tag *to_write(const struct copy *c, uint64_t number)
{
	size_t i;

	for (i = 0; i < c->tag_count; i++) {
		const struct copy_tag *t = &c->tags[i];

		if (t->number == number && t->kind == MR_TAG_VERSION &&
		    t->node != MR_COPY_NO_NODE && t->action != MREG_COPY_SAME)
			return t;
	}
	return NULL;
}

int mr_copy_check_claims(struct copy *c, struct mreg_error *err)
{
	MR_AUTO(mr_digest_map_release) struct mr_digest_map ours = { .n = 0 };
	struct mr_ledger *source = c->source_log.ledger;
	struct mr_ledger *target = c->target_log.ledger;
	size_t i;
	int rc = 0;

	if (c->adopt &&
	    mr_log_taken(&c->target_log, c->number, &c->version.digest))
		return mr_log_refuse(c->to, c->number, err);
	for (i = 0; rc >= 0 && i < mr_ledger_count(source); i++)
		rc = mr_digest_map_put(
			&ours, &mr_ledger_event(source, i)->digest, i, err);
	for (i = 0; rc >= 0 && i < mr_ledger_count(target); i++) {
		const struct mr_event *e = mr_ledger_event(target, i);
		const struct copy_tag *t;

		if (e->kind != MR_EVENT_VERSION_REGISTERED ||
		    mr_digest_map_get(&ours, &e->digest) != MR_COPY_NO_NODE)
			continue;
		t = to_write(c, e->number);
		if (t && !mreg_digest_equal(&e->version,
					    &c->nodes[t->node].desc.digest))
			return mr_log_refuse(c->to, e->number, err);
	}
	return rc;
}

/* -- manifests and blobs -----------------------------------------------------
 */

/* A document counts only where its subject lists it: the fallback tag is
 * written after the manifest. */
static int is_attached(struct copy *c, const struct copy_node *n, bool *there,
		       struct mreg_error *err)
{
	MR_AUTO(mr_referrers_release)
	struct mr_referrers r = MR_REFERRERS_INIT;
	size_t i;
	int rc = mr_store_referrers(c->to, &n->subject, NULL, &r, err);

	*there = false;
	for (i = 0; rc >= 0 && !*there && i < r.count; i++)
		*there = mreg_digest_equal(&r.items[i].desc.digest,
					   &n->desc.digest);
	return rc;
}

static int look_at_node(void *ctx, size_t i, struct mreg_error *err)
{
	struct copy *c = ctx;
	struct copy_node *n = &c->nodes[i];
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;
	int rc = 0;

	if (!n->loaded)
		return 0;
	if (!n->there && !n->entry)
		rc = mr_store_resolve(c->to,
				      mreg_digest_text(&n->desc.digest, text),
				      &d, &n->there, err);
	if (rc >= 0 && n->there && mr_digest_known(&n->subject))
		rc = is_attached(c, n, &n->there, err);
	return rc;
}

/*
 * Blobs of what the target has are there (product.md 5.1) and not asked for;
 * but a folder can lose files, and there looking is cheap.
 */
static void want_blobs(struct copy *c)
{
	size_t i, k;

	for (i = 0; i < c->node_count; i++) {
		const struct copy_node *n = &c->nodes[i];

		if (!n->loaded || (n->there && !c->target.dir[0]))
			continue;
		for (k = 0; k < n->blob_count; k++)
			c->blobs[c->uses[n->blob_at + k]].wanted = true;
	}
}

/* Whether any tag has something to bring, or to take away. */
static int need_some(const struct copy *c, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < c->tag_count; i++)
		if (c->tags[i].node != MR_COPY_NO_NODE || c->tags[i].tombstone)
			return 0;
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "there is nothing to copy: no tag of '%s' names "
		      "anything",
		      c->name_from);
	return mr_hint(err, "its versions were removed, or never published; is "
			    "the name right?");
}

int mr_copy_compare(struct copy *c, struct mreg_error *err)
{
	bool alone = c->fresh || !c->target_log.found;
	size_t i;
	int rc;

	for (i = 0; alone && i < c->tag_count; i++)
		c->tags[i].tombstone = false;
	rc = need_some(c, err);
	if (rc >= 0 && alone)
		want_blobs(c);
	if (rc < 0 || alone)
		return rc;
	if (c->whole)
		rc = mr_copy_keep_latest(c, err);
	if (rc >= 0)
		rc = mr_task_run(&c->m->env, c->lookups, c->tag_count,
				 look_at_tag, c, err);
	for (i = 0; rc >= 0 && i < c->tag_count; i++) {
		struct copy_tag *t = &c->tags[i];

		judge(c, t);
		if (t->node != MR_COPY_NO_NODE && t->action == MREG_COPY_SAME &&
		    mr_digest_known(&t->was))
			c->nodes[t->node].there = true;
	}
	if (rc >= 0)
		rc = find_conflicts(c, err);
	if (rc >= 0)
		rc = mr_copy_check_claims(c, err);
	if (rc >= 0)
		rc = mr_task_run(&c->m->env, c->lookups, c->node_count,
				 look_at_node, c, err);
	if (rc >= 0)
		want_blobs(c);
	return rc;
}
