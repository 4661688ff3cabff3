/*
 * fuzz_event.c - an event that is read and written again reads the same, and
 * the ledger stands any event.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is the event's JSON: the manifest around it has its own target. */
static int add(struct mr_ledger *l, const char *json)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_pair pair = { MR_EVENT_ANNOTATION, json };
	struct mr_manifest_draft d = {
		.artifact_type = MR_EVENT_ARTIFACT,
		.config = { .desc = mr_empty_desc },
		.annotations = { &pair, 1 },
	};
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	int rc;

	assert(mr_manifest_write(&d, &b, &err) == 0);
	rc = mr_ledger_add(l, b.data, b.len, &err);
	assert(rc == 0 || (rc == MREG_EFORMAT && err.msg[0]));
	return rc;
}

static void assert_same_text(const char *a, const char *b)
{
	assert(!a == !b);
	assert(!a || strcmp(a, b) == 0);
}

static void assert_same(const struct mr_event *a, const struct mr_event *b)
{
	size_t i;

	assert(a->kind == b->kind && a->seq == b->seq);
	assert(a->number == b->number && a->time_s == b->time_s);
	assert(mreg_digest_equal(&a->version, &b->version));
	assert(mreg_digest_equal(&a->replaces, &b->replaces));
	assert(mreg_digest_equal(&a->policy, &b->policy));
	assert(mreg_digest_equal(&a->was, &b->was));
	assert_same_text(a->actor, b->actor);
	assert_same_text(a->run, b->run);
	assert_same_text(a->copied_from, b->copied_from);
	assert(a->prev_count == b->prev_count);
	for (i = 0; i < a->prev_count; i++)
		assert(mreg_digest_equal(&a->prev[i], &b->prev[i]));
}

static void write_again(const struct mr_event *e)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_event_doc_release) struct mr_event_doc doc = { .tag = "" };
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	uint64_t seq;
	int rc;

	rc = mr_event_write(e, &doc, &err);
	/* It may have been shorter as it was written: no empty actor. */
	assert(rc == 0 || rc == MREG_ELIMIT);
	if (rc < 0)
		return;
	assert(mr_log_tag(doc.tag, &seq) && seq == e->seq);
	assert(mr_log_tag_fits(doc.tag, &doc.desc.digest));
	assert(mr_ledger_new(&l, &err) == 0);
	assert(mr_ledger_add(l, doc.bytes.data, doc.bytes.len, &err) == 0);
	assert_same(mr_ledger_event(l, 0), e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_ledger_freep) struct mr_ledger *l = NULL;
	static char json[MR_EVENT_MAX_BYTES + 2];
	const struct mr_event *e;

	if (size >= sizeof(json))
		return 0;
	memcpy(json, data, size);
	json[size] = '\0';
	/* What no manifest could carry is no input. */
	if (strlen(json) != size)
		return 0;
	assert(mr_ledger_new(&l, &err) == 0);
	if (add(l, json) < 0)
		return 0;
	e = mr_ledger_event(l, 0);
	assert(mr_ledger_count(l) == 1);
	if (e->kind == MR_EVENT_POLICY_CHANGED) {
		write_again(e);
		assert(mr_ledger_policy(l) == e);
	} else if (e->kind == MR_EVENT_VERSION_REGISTERED) {
		write_again(e);
		assert(mr_ledger_owner(l, e->number, NULL) == e);
	}
	return 0;
}
