/*
 * evaluate_log.c - an evaluation told in the log: which suite, and whether the
 * version passed; the document says the rest.
 */
#include "ops/evaluate.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

/* The event that tells of this document; NULL: none does. */
static const struct mr_event *told(struct mr_ledger *l,
				   const struct mreg_digest *version,
				   const struct mreg_digest *document)
{
	size_t i;

	for (i = mr_ledger_count(l); i > 0; i--) {
		const struct mr_event *e = mr_ledger_event(l, i - 1);
		struct mreg_digest of;

		if (e->kind == MR_EVENT_EVALUATED &&
		    mreg_digest_equal(&e->version, version) &&
		    mr_event_digest(e, "document", &of) &&
		    mreg_digest_equal(&of, document))
			return e;
	}
	return NULL;
}

static int tell(struct attach *a, const struct mr_evaluation *e,
		const struct mreg_digest *document, struct mr_history *h,
		struct mreg_digest *event, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	const struct mr_experiment *x = &e->experiment;
	struct mr_event_field fields[6] = {
		{ .key = "document", .text = mreg_digest_text(document, text) },
		{ .key = "passed", .text = e->passed ? "true" : "false" },
		{ .key = "suite", .text = e->suite },
	};
	struct mr_event said = { .kind = MR_EVENT_EVALUATED,
				 .version = a->subject->desc.digest,
				 .fields = fields,
				 .field_count = 3 };
	const struct mr_event *before;
	int rc = mr_history_read(a->m, a->s, h, err);

	if (rc < 0)
		return rc;
	if (x->name) {
		fields[said.field_count++] =
			(struct mr_event_field){ .key = "experiment",
						 .text = x->name };
		fields[said.field_count++] =
			(struct mr_event_field){ .key = "baseline",
						 .text = x->baseline };
	}
	if (x->name && x->winner)
		fields[said.field_count++] =
			(struct mr_event_field){ .key = "winner",
						 .text = x->winner };
	before = told(h->ledger, &said.version, document);
	if (before) {
		*event = before->digest;
		return 0;
	}
	return mr_log_append(a->m, a->s, h, &a->ref, &said, event, err);
}

int mr_evaluate_tell(struct attach *a, const struct mr_evaluation *e,
		     const struct mreg_digest *document,
		     struct mreg_digest *event, struct mreg_error *err)
{
	MR_AUTO(mr_history_release) struct mr_history h = { .ledger = NULL };
	int rc = mr_store_lock(a->s, err);

	if (rc < 0)
		return rc;
	rc = tell(a, e, document, &h, event, err);
	mr_store_unlock(a->s);
	if (rc < 0)
		(void)mr_hint(err, "the evaluation is attached; run it again "
				   "to have it in the log");
	return rc;
}
