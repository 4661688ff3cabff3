/*
 * doctor_json.c - what a registry can do, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

const char *mreg_verdict_name(enum mreg_verdict verdict)
{
	switch (verdict) {
	case MREG_VERDICT_YES:
		return "yes";
	case MREG_VERDICT_NO:
		return "no";
	case MREG_VERDICT_PARTLY:
		return "partly";
	case MREG_VERDICT_UNKNOWN:
		break;
	}
	return "unknown";
}

char *mreg_doctor_result_json(const struct mreg_doctor_result *r)
{
	json_t *rows = json_array();
	struct mr_view v;
	size_t i;

	for (i = 0; rows && i < r->finding_count; i++) {
		const struct mreg_finding *f = &r->findings[i];
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "topic", f->topic);
		mr_view_str(&row, "verdict", mreg_verdict_name(f->verdict));
		mr_view_str(&row, "found", f->found);
		mr_view_str(&row, "means", f->means);
		if (json_array_append_new(rows, mr_view_take(&row)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	}
	mr_view_init(&v, "mreg.doctor/1");
	mr_view_str(&v, "host", r->host);
	mr_view_str(&v, "repository", r->repository);
	mr_view_str(&v, "user", r->user);
	mr_view_str(&v, "profile", r->profile);
	mr_view_bool(&v, "write", r->write);
	mr_view_put(&v, "findings", rows);
	return mr_view_text(&v);
}
