/*
 * push.c - making a version: the order of steps.
 *
 *   reference, metadata -> scan -> known digests? -> [same version: done]
 *   -> look -> send blobs -> config, manifest by digest -> [other profiles]
 *   -> claim a number -> v<N> -> [theirs] -> latest -> release name, alias
 *
 * What has no v<N> is no version, so whatever happens before that is
 * invisible, and the same push again finds what arrived.
 */
#include "mreg/push.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "rule/rule.h"
#include "ops/push.h"

void mr_push_release(struct push *p)
{
	mr_push_also_release(p);
	mr_history_release(&p->history);
	mr_manifest_freep(&p->newest);
	mr_model_docs_release(&p->docs);
	mr_plan_release(&p->plan);
	mr_release(p->tested);
	mr_release(p->judged);
	mr_release(p->fresh);
	mr_lock_release(&p->lock);
	mr_push_facts_release(&p->facts);
	mr_meta_freep(&p->meta);
	mr_store_closep(&p->from);
	mr_store_closep(&p->to);
	mr_scan_freep(&p->scan);
}

static int refuse_tag(const char *tag, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUSAGE, "cannot push to tag '%s'", tag);
	switch (mr_tag_kind(tag)) {
	case MR_TAG_VERSION:
		return mr_hint(err, "numbers are given by mreg: push to the "
				    "name alone");
	case MR_TAG_LATEST:
		return mr_hint(err, "'latest' follows the highest version by "
				    "itself: push to the name alone");
	default:
		return mr_hint(err, "a TAG here is an alias (staging) or a "
				    "release name (1.2.0)");
	}
}

static int take_reference(struct push *p, const char *text,
			  struct mreg_error *err)
{
	const char *tag = p->ref.tag;
	const char *alias = p->o->alias;
	int rc = mr_target_parse(p->m, text, &p->ref, err);

	if (rc < 0)
		return rc;
	if (mr_digest_known(&p->ref.digest)) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "cannot push to a digest: '%.100s'", text);
		return mr_hint(err, "the digest follows from the files: push "
				    "to the name alone");
	}
	if (tag[0] && mr_tag_kind(tag) == MR_TAG_RELEASE)
		p->release = tag;
	else if (tag[0] && mr_tag_kind(tag) == MR_TAG_ALIAS)
		p->aliases[0] = tag;
	else if (tag[0])
		return refuse_tag(tag, err);
	if (alias && mr_tag_kind(alias) != MR_TAG_ALIAS) {
		(void)mr_fail(err, MREG_EUSAGE, "'%.100s' cannot be an alias",
			      alias);
		return mr_hint(err, "letters, digits, '_' and '-'; not v1, "
				    "latest, 1.2.0 or NAME-image");
	}
	if (alias && !(p->aliases[0] && strcmp(alias, p->aliases[0]) == 0))
		p->aliases[1] = alias;
	return 0;
}

static const char **copy_texts(struct mr_arena *a, const struct mr_list *l,
			       size_t *n)
{
	const char **copy = mr_arena_alloc(a, (l->n + 1) * sizeof(*copy));
	size_t i;

	for (i = 0; copy && i < l->n; i++)
		copy[i] = mr_arena_strdup(a, l->items[i]);
	*n = copy ? l->n : 0;
	return copy;
}

static void take_differences(struct push *p, struct mreg_push_result *out,
			     const struct mr_manifest *mine)
{
	MR_AUTO(mr_list_release) struct mr_list names = { .n = 0 };
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mr_arena *a = out->owner;
	const struct mr_event *e;
	uint64_t number;

	if (!p->newest || p->claim.existed ||
	    mr_model_differences(p->newest, mine, &names, &ignored) < 0)
		return;
	number = mr_number_recall(p->m, p->to, &p->newest->desc.digest);
	if (!number && p->history.ledger &&
	    mr_log_number(p->to, &p->history, &p->newest->desc.digest, &number,
			  &e, &ignored) < 0)
		number = 0;
	out->compared_with = number ? mr_arena_printf(a, "v%" PRIu64, number)
				    : mr_arena_strdup(a, "latest");
	out->differences = copy_texts(a, &names, &out->difference_count);
}

static const struct mr_item *item_of(const struct push *p, const char *path)
{
	size_t low = 0;
	size_t high = p->plan.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(path, p->plan.items[mid].label);

		if (order == 0)
			return &p->plan.items[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* Files in the order of layers, with what became of each. */
static int take_items(struct push *p, struct mreg_push_result *out,
		      const struct mr_manifest *mine, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	struct mr_arena *a = out->owner;
	uint64_t passed;
	size_t n;
	size_t i;
	int rc = mr_model_layers(mine, &layers, &n, err);

	if (rc < 0)
		return rc;
	out->items = mr_arena_alloc(a, (n ? n : 1) * sizeof(*out->items));
	for (i = 0; out->items && i < n; i++) {
		struct mreg_item *it = &out->items[i];
		const struct mr_item *moved = item_of(p, layers[i].path);
		bool reused = p->claim.existed || !moved ||
			      (moved->done ? !moved->sent
					   : moved->step == MR_STEP_REUSE);

		it->path = mr_arena_strdup(a, layers[i].path);
		it->size = layers[i].desc.size;
		it->digest = layers[i].desc.digest;
		it->role = mr_arena_strdup(a, layers[i].role);
		it->executable = layers[i].executable;
		it->action = reused ? MREG_ITEM_REUSED : MREG_ITEM_SENT;
		out->bytes_total += it->size;
		*(reused ? &out->bytes_reused : &out->bytes_sent) += it->size;
	}
	out->item_count = n;
	/* What uploads that broke off had sent before. */
	passed = mr_remote_passed(p->to);
	if (passed > out->bytes_sent)
		passed = out->bytes_sent;
	out->bytes_sent -= passed;
	out->bytes_reused += passed;
	return mr_result_check(a, err);
}

static int take_result(struct push *p, struct mreg_push_result *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *mine = NULL;
	struct mr_arena *a = out->owner;
	char text[MREG_REF_TEXT];
	struct mreg_ref named = p->ref;
	int rc;

	rc = mr_manifest_parse(p->docs.manifest.data, p->docs.manifest.len,
			       MR_MEDIA_MANIFEST, &mine, err);
	if (rc < 0)
		return rc;
	out->digest = p->docs.manifest_desc.digest;
	out->fileset = p->docs.fileset;
	out->number = p->claim.number;
	out->identical = p->claim.existed;
	out->dry_run = p->o->dry_run;
	out->left_out = p->scan->left_out;
	out->filled = copy_texts(a, &p->facts.filled, &out->filled_count);
	out->name = mr_arena_strdup(a, mr_target_name(p->m, &p->ref, text));
	(void)snprintf(named.tag, sizeof(named.tag), "v%" PRIu64, out->number);
	out->reference = mr_arena_strdup(
		a, out->number ? mr_target_text(p->m, &named, text)
			       : mr_target_pinned(p->m, &p->ref, &out->digest,
						  text));
	out->release = out->release ? mr_arena_strdup(a, out->release) : NULL;
	take_differences(p, out, mine);
	return take_items(p, out, mine, err);
}

/* Is it there already?  Also what a dry run wants to know. */
static int find_version(struct push *p, struct mreg_error *err)
{
	const struct mreg_digest *d = &p->docs.manifest_desc.digest;
	const struct mr_event *e;
	int rc = mr_history_read(p->m, p->to, &p->history, err);

	if (rc >= 0)
		rc = mr_log_number(p->to, &p->history, d, &p->claim.number, &e,
				   err);
	if (rc >= 0 && !p->claim.number && p->claim.may_be_there)
		rc = mr_log_foreign(p->m, p->to, &p->history, d,
				    &p->claim.number, err);
	p->claim.existed = rc >= 0 && p->claim.number;
	return rc;
}

/* As the push would find out: where all that it names is there, so may the
 * version be. */
static int look_for_config(struct push *p, struct mreg_error *err)
{
	if (mr_plan_bytes_moving(&p->plan))
		return 0;
	return mr_store_has(p->to, &p->docs.config_desc, &p->claim.may_be_there,
			    err);
}

static int rehearse(struct push *p, struct mreg_push_result *out,
		    struct mreg_error *err)
{
	int rc = mr_plan_hash(&p->plan, p->from, p->jobs, err);

	if (rc >= 0)
		rc = mr_push_judge(p, err);
	if (rc >= 0)
		rc = mr_push_docs(p, err);
	if (rc >= 0)
		rc = mr_push_check_tags(p, err);
	if (rc >= 0)
		rc = mr_push_look(p, err);
	if (rc >= 0)
		rc = look_for_config(p, err);
	if (rc >= 0)
		rc = find_version(p, err);
	if (rc >= 0)
		rc = mr_push_also_send(p, err);
	return rc < 0 ? rc : mr_push_rehearse_tags(p, out, err);
}

/* A release name that exists is compared before anything is sent. */
static int check_release_early(struct push *p, struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	int rc;

	if (!p->release)
		return 0;
	rc = mr_tag_resolve(p->to, p->release, &now, &found, err);
	if (rc < 0 || !found)
		return rc;
	rc = mr_plan_hash(&p->plan, p->from, p->jobs, err);
	if (rc >= 0)
		rc = mr_push_judge(p, err);
	if (rc >= 0)
		rc = mr_push_docs(p, err);
	return rc < 0 ? rc : mr_push_check_tags(p, err);
}

int mr_push_prepare(struct push *p, const char *const *paths, size_t n,
		    const char *ref, struct mreg_error *err)
{
	int rc = take_reference(p, ref, err);

	if (rc >= 0)
		rc = mr_push_also_check(p, err);
	if (rc >= 0)
		rc = mr_push_scan(p, paths, n, err);
	if (rc >= 0)
		rc = mr_push_meta(p, err);
	if (rc >= 0 && p->o->git)
		rc = mr_git_describe(p, paths[0], err);
	/* After --git: the commit of one tree and the address of another would
	 * name neither. */
	if (rc >= 0 && p->o->from_run)
		rc = mr_push_run(p, err);
	if (rc >= 0)
		rc = mr_push_facts(p, err);
	if (rc >= 0)
		rc = mr_target_open(p->m, &p->ref, &p->to, err);
	return rc;
}

static int run(struct push *p, const char *const *paths, size_t n,
	       const char *ref, struct mreg_push_result *out,
	       struct mreg_error *err)
{
	bool done = false;
	int rc = mr_push_prepare(p, paths, n, ref, err);

	if (rc >= 0)
		rc = mr_push_check_limits(p, err);
	if (rc >= 0)
		rc = check_release_early(p, err);
	/* A version that is there already was judged when it was pushed, but
	 * not by rules of this pusher's own. */
	if (rc >= 0 && p->o->policies.n)
		rc = mr_push_policy(p, err);
	if (rc >= 0 && mr_push_known(p)) {
		rc = mr_push_docs(p, err);
		if (rc >= 0)
			rc = mr_push_check_tags(p, err);
		if (rc >= 0)
			rc = mr_push_quick(p, out, &done, err);
	}
	if (rc >= 0 && !done && !p->o->policies.n)
		rc = mr_push_policy(p, err);
	if (rc >= 0 && !done && p->o->dry_run) {
		rc = rehearse(p, out, err);
	} else if (rc >= 0 && !done) {
		rc = mr_push_look(p, err);
		if (rc >= 0)
			rc = mr_push_send(p, err);
		if (rc >= 0 && p->o->also.n)
			rc = find_version(p, err);
		if (rc >= 0)
			rc = mr_push_also_send(p, err);
		if (rc >= 0)
			rc = mr_push_publish(p, out, err);
	}
	if (rc >= 0)
		rc = take_result(p, out, err);
	return rc < 0 ? rc : mr_push_also_result(p, out, err);
}

int mreg_push(struct mreg *m, const char *const *paths, size_t path_count,
	      const char *ref, const struct mreg_push_opts *given,
	      struct mreg_push_result *out, struct mreg_error *err)
{
	struct mreg_progress end = { .kind = MREG_PROGRESS_END, .label = "" };
	struct mr_arena *arena;
	struct mreg_push_opts o;
	struct push p = {
		.m = m,
		.o = &o,
		.jobs = mr_session_jobs(m, given->jobs),
	};
	int rc;

	mr_lock_init(&p.lock);
	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = run(&p, paths, path_count, ref, out, err);
	mr_progress(&m->env, &end);
	mr_push_release(&p);
	if (rc < 0)
		mreg_push_result_release(out);
	return rc;
}

void mreg_push_result_release(struct mreg_push_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}
