/*
 * test_purity.c - what an index says depends on what is in the registries last,
 * and on nothing that was there before: random histories of three models,
 * written step by step, against each model written once (index/index.h,
 * invariant 1).
 */
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/index_fixture.h"

#define MODELS 3
#define NUMBERS 6
#define CONTENTS 12
#define ROUNDS 12
#define STEPS 12

/* One number: which content it has (0: none), and which life of it. */
struct version {
	unsigned int content, life;
};
struct model {
	struct version versions[NUMBERS + 1];
	unsigned int documents[CONTENTS]; /* seed of each content's list */
	unsigned int names, places, events, record;
	bool there;
};

static unsigned int next(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static const char *content_name(unsigned int c, char out[16])
{
	(void)snprintf(out, 16, "content %u", c);
	return out;
}

static struct mreg_digest content_digest(unsigned int c)
{
	char name[16];

	return test_digest(content_name(c, name));
}

/* -- what contents and lives say, by their number ---------------------------
 */

static struct mr_meta *meta_of(unsigned int c)
{
	char json[2048], parent[MREG_DIGEST_TEXT], other[MREG_DIGEST_TEXT];
	struct mreg_digest up = content_digest((c * 7 + 1) % CONTENTS);
	struct mreg_digest two = content_digest((c * 5 + 3) % CONTENTS);

	(void)snprintf(
		json, sizeof(json),
		"{\"metrics\":{\"auc\":0.%u0,\"f1\":%u},\"params\":{\"lr\":0.%u},"
		"\"tags\":{\"team\":\"t%u\"},\"license\":\"L%u\",%s%s%s"
		"\"parents\":[{\"ref\":\"ghcr.io/a/b:v1\",\"digest\":\"%s\","
		"\"relation\":\"%s\"},{\"ref\":\"hf://org/m%u\"}],"
		"\"inputs\":[{\"role\":\"train\",\"uri\":\"s3://b/%u\"},"
		"{\"role\":\"test\",\"name\":\"d\",\"digest\":\"%s\"}]}",
		c + 1, c, c + 1, c % 3, c % 2,
		c % 3 ? "\"runId\":\"run\"," : "",
		c % 4 ? "\"description\":\"Some words of it\"," : "",
		c % 2 ? "\"source\":\"git\",\"revision\":\"r\"," : "",
		mreg_digest_text(&up, parent), c % 2 ? "merge" : "distill",
		c % 4, c % 3, mreg_digest_text(&two, other));
	return test_meta(json);
}

/* Every fourth content is about another one. */
static bool subject_of(unsigned int c, unsigned int *subject)
{
	*subject = (c + 1) % CONTENTS;
	return c % 4 == 1;
}

static void put_content(struct mr_index_writer *w, uint64_t number,
			unsigned int c)
{
	MR_AUTO(mr_meta_freep) struct mr_meta *m = meta_of(c);
	const struct mreg_digest weights = content_digest(c % 3);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_descriptor child = { .desc.digest = content_digest(c / 2) };
	struct mr_manifest manifest = { .children = &child,
					.child_count = c % 3 == 0 };
	struct mr_ix_version v = { .number = number,
				   .meta = m,
				   .manifest = &manifest,
				   .bytes = c,
				   .weights = &weights,
				   .weight_count = 1,
				   .card = c % 2 ? "A card of it" : NULL };
	unsigned int subject;

	manifest.has_subject = subject_of(c, &subject);
	if (manifest.has_subject)
		manifest.subject.desc.digest = content_digest(subject);
	v.desc.digest = content_digest(c);
	v.fileset = content_digest(c % 5);
	assert_ok(mr_index_put_version(w, &v, &err), err);
}

static void put_life(struct mr_index_writer *w, uint64_t number,
		     unsigned int life)
{
	const struct mreg_pair tags[] = { { "team", "t1" }, { "x", "y" } };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_life l = { .number = number,
				.registered_s = life,
				.updated_s = 2 * life,
				.actor = life % 2 ? "ann" : NULL,
				.run = life % 3 ? "other run" : NULL,
				.description = life % 4 ? "Words later" : NULL,
				.tags = tags,
				.tag_count = life % 3,
				.stage = life % 2 ? "none" : "production",
				.archived_s = life % 5 == 0 ? 7 : 0 };

	if (life % 4 == 1)
		l.because = test_digest("event");
	if (life % 3 == 1)
		l.successor = content_digest(life % CONTENTS);
	assert_ok(mr_index_put_life(w, &l, &err), err);
}

/* -- lists, by their seed -------------------------------------------------- */

static void put_documents(struct mr_index_writer *w, unsigned int subject,
			  unsigned int seed)
{
	const struct mreg_pair metrics[] = { { "auc", "0.5" } };
	struct mr_ix_document items[CONTENTS] = { 0 };
	struct mreg_digest d = content_digest(subject);
	struct mreg_error err = MREG_ERROR_INIT;
	unsigned int c, of;
	size_t n = 0;

	/* What is about the subject says so itself: it is there, or not. */
	for (c = 0; c < CONTENTS; c++) {
		bool is = subject_of(c, &of) && of == subject;

		if (!is || !(seed & (1u << c)))
			continue;
		items[n].subject = d;
		items[n++].desc.digest = content_digest(c);
	}
	for (c = 0; c < seed % 4; c++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "document %u", seed % 3 + c);
		items[n].how = c % 2 ? MR_IX_SIBLING : MR_IX_ATTACHED;
		items[n].subject = d;
		items[n].desc.digest = test_digest(name);
		items[n].suite = c % 2 ? NULL : "suite";
		items[n].verdict = "passed";
		items[n].metrics = metrics;
		items[n++].metric_count = 1;
	}
	assert_ok(mr_index_replace_documents(w, &d, items, n, &err), err);
}

static void put_names(struct mr_index_writer *w, unsigned int seed)
{
	struct mr_ix_name items[3] = {
		{ .tag = "latest", .kind = MR_IX_LATEST, .actor = "ann" },
		{ .tag = "production", .moved_s = seed },
		{ .tag = "1.0.0", .kind = MR_IX_RELEASE },
	};
	struct mreg_error err = MREG_ERROR_INIT;

	items[0].tagged = content_digest(seed % CONTENTS);
	items[1].logged = content_digest(seed % 5);
	items[2].tagged = content_digest(seed % 3);
	assert_ok(mr_index_replace_names(w, items, seed % 4, &err), err);
}

static void put_places(struct mr_index_writer *w, unsigned int seed)
{
	struct mr_ix_deployment items[3] = {
		{ .environment = "prod", .workload = "", .actor = "ann" },
		{ .environment = "prod", .workload = "eu", .since_s = seed },
		{ .environment = "test", .workload = "" },
	};
	struct mr_ix_approval approval = { .alias = "production",
					   .state = seed % 2 ? "open" : "used",
					   .grants = seed % 3 };
	struct mr_ix_incident incident = { .title = "It is slow",
					   .opened_s = seed };
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	for (i = 0; i < 3; i++)
		items[i].version =
			content_digest((seed + (unsigned int)i) % CONTENTS);
	approval.event = test_digest("asked");
	approval.version = content_digest(seed % CONTENTS);
	incident.event = test_digest("opened");
	if (seed % 3)
		incident.version = content_digest(seed % CONTENTS);
	assert_ok(mr_index_replace_deployments(w, items, seed % 4, &err), err);
	assert_ok(mr_index_replace_approvals(w, &approval, seed % 2, &err),
		  err);
	assert_ok(mr_index_replace_incidents(w, &incident, seed % 2, &err),
		  err);
}

/* A log whose first events stay, and whose last one depends on the seed. */
static void put_events(struct mr_index_writer *w, unsigned int count)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	unsigned int i;

	assert_ok(mr_ledger_new(&l, &err), err);
	for (i = 0; i < count; i++) {
		MR_AUTO(mr_event_doc_release)
		struct mr_event_doc doc = { .tag = "" };
		struct mr_event e = { .kind = MR_EVENT_VERSION_REGISTERED,
				      .seq = mr_ledger_next_seq(l),
				      .time_s = i,
				      .actor = i == count - 1 ? "last" : "ann",
				      .number = i + 1,
				      .version = content_digest(i) };

		assert_ok(mr_ledger_heads(l, &e.prev, &e.prev_count, &err),
			  err);
		assert_ok(mr_event_write(&e, &doc, &err), err);
		assert_ok(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err),
			  err);
	}
	assert_ok(mr_index_replace_events(w, l, &err), err);
}

/* -- models ---------------------------------------------------------------- */

static void model_name(size_t m, char out[32])
{
	(void)snprintf(out, 32, "acme/model%zu", m);
}

/* As a sync writes it: versions that are new, all else as lists. */
static void write_model(struct mr_index *ix, size_t m, const struct model *now,
			const struct model *before)
{
	struct mreg_error err = MREG_ERROR_INIT;
	uint64_t numbers[NUMBERS];
	struct mr_index_writer *w;
	char name[32], full[64];
	unsigned int i;
	size_t n = 0;

	model_name(m, name);
	(void)snprintf(full, sizeof(full), "ghcr.io/%s", name);
	if (!now->there) {
		assert_ok(mr_index_remove_model(ix, full, &err), err);
		return;
	}
	w = test_begin(ix, name);
	for (i = 1; i <= NUMBERS; i++)
		if (now->versions[i].content)
			numbers[n++] = i;
	assert_ok(mr_index_keep_versions(w, numbers, n, &err), err);
	for (i = 1; i <= NUMBERS; i++) {
		const struct version *v = now->versions + i;

		if (!v->content)
			continue;
		if (!before || !before->there ||
		    before->versions[i].content != v->content)
			put_content(w, i, v->content);
		put_life(w, i, v->life);
	}
	for (i = 1; i <= NUMBERS; i++)
		if (now->versions[i].content)
			put_documents(w, now->versions[i].content,
				      now->documents[now->versions[i].content]);
	put_names(w, now->names);
	put_places(w, now->places);
	put_events(w, now->events % 5);
	if (now->record % 3 == 0)
		assert_ok(mr_index_note(w, "v9", "cannot be read", &err), err);
	else
		assert_ok(mr_index_forget_notes(w, "v9", &err), err);
	test_commit(w);
}

static void change(struct model *m, unsigned int *seed)
{
	unsigned int at = next(seed) % NUMBERS + 1;

	m->there = next(seed) % 12 != 0;
	switch (next(seed) % 5) {
	case 0:
		m->versions[at].content = next(seed) % CONTENTS;
		m->versions[at].life = next(seed) % 60;
		break;
	case 1:
		m->versions[at].life = next(seed) % 60;
		break;
	case 2:
		m->documents[next(seed) % CONTENTS] = next(seed);
		break;
	case 3:
		m->names = next(seed);
		m->record = next(seed);
		break;
	default:
		m->places = next(seed);
		m->events = next(seed);
		break;
	}
}

/* An index that has seen nothing but the models as they are. */
static char *written_once(struct test_db *t, unsigned int round,
			  const struct model *models)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char where[PATH_MAX];
	size_t m;

	(void)snprintf(where, sizeof(where), "%s/once%u.db", t->dir, round);
	assert_ok(mr_index_open(t->env, where, MR_DB_CREATE, &ix, &err), err);
	for (m = MODELS; m-- > 0;)
		write_model(ix, m, models + m, NULL);
	return test_index_dump(ix);
}

static void history_leaves_no_trace(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	struct model models[MODELS] = { 0 };
	unsigned int seed = 1, round, step;

	for (round = 0; round < ROUNDS; round++) {
		MR_AUTO(mr_free) char *once = NULL;
		MR_AUTO(mr_free) char *now = NULL;

		for (step = 0; step < STEPS; step++) {
			size_t m = next(&seed) % MODELS;
			struct model before = models[m];

			change(models + m, &seed);
			write_model(ix, m, models + m, &before);
		}
		once = written_once(t, round, models);
		now = test_index_dump(ix);
		assert_string_equal(once, now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(history_leaves_no_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
