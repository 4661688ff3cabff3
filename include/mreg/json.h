/*
 * mreg/json.h - results as JSON documents: the one place where field names of
 * output are spelled.
 *
 * Each returns a document in one line with a `schema` field ("mreg.push/1"),
 * the caller's to free(), or NULL when out of memory.  Fields are only ever
 * added; digests are text, sizes are bytes, times are RFC 3339.
 */
#ifndef MREG_JSON_H
#define MREG_JSON_H

#include "mreg/alias.h"
#include "mreg/approve.h"
#include "mreg/attach.h"
#include "mreg/card.h"
#include "mreg/changelog.h"
#include "mreg/check.h"
#include "mreg/config.h"
#include "mreg/copy.h"
#include "mreg/deploy.h"
#include "mreg/diff.h"
#include "mreg/doctor.h"
#include "mreg/du.h"
#include "mreg/evaluate.h"
#include "mreg/figures.h"
#include "mreg/gc.h"
#include "mreg/image.h"
#include "mreg/incident.h"
#include "mreg/index.h"
#include "mreg/ingest.h"
#include "mreg/initialize.h"
#include "mreg/inspect.h"
#include "mreg/lineage.h"
#include "mreg/list.h"
#include "mreg/log.h"
#include "mreg/login.h"
#include "mreg/observe.h"
#include "mreg/policy.h"
#include "mreg/promote.h"
#include "mreg/pull.h"
#include "mreg/push.h"
#include "mreg/record.h"
#include "mreg/render.h"
#include "mreg/report.h"
#include "mreg/resolve.h"
#include "mreg/retire.h"
#include "mreg/query.h"
#include "mreg/search.h"
#include "mreg/split.h"

#ifdef __cplusplus
extern "C" {
#endif

MREG_API char *mreg_push_result_json(const struct mreg_push_result *r);
MREG_API char *mreg_pull_result_json(const struct mreg_pull_result *r);
MREG_API char *mreg_resolve_result_json(const struct mreg_resolve_result *r);
/* The same with what mreg_render made of it. */
MREG_API char *mreg_render_json(const struct mreg_resolve_result *r,
				const struct mreg_render_opts *o,
				const char *text);
/* The first, and of all of them at most so many. */
MREG_API char *mreg_initialize_result_json(
	const struct mreg_initialize_result *r, size_t most);
MREG_API char *mreg_models_result_json(const struct mreg_models_result *r);
MREG_API char *mreg_versions_result_json(const struct mreg_versions_result *r);
MREG_API char *mreg_inspect_result_json(const struct mreg_inspect_result *r);
MREG_API char *mreg_card_result_json(const struct mreg_card_result *r);
MREG_API char *mreg_diff_result_json(const struct mreg_diff_result *r);
MREG_API char *mreg_check_result_json(const struct mreg_check_result *r);
MREG_API char *mreg_policy_show_result_json(
	const struct mreg_policy_show_result *r);
MREG_API char *mreg_policy_set_result_json(
	const struct mreg_policy_set_result *r);
MREG_API char *mreg_policy_check_result_json(
	const struct mreg_policy_check_result *r);
MREG_API char *mreg_promote_result_json(const struct mreg_promote_result *r);
MREG_API char *mreg_alias_result_json(const struct mreg_alias_result *r);
MREG_API char *mreg_aliases_result_json(const struct mreg_aliases_result *r);
MREG_API char *mreg_split_result_json(const struct mreg_split_result *r);
MREG_API char *mreg_repair_result_json(const struct mreg_repair_result *r);
MREG_API char *mreg_record_result_json(const struct mreg_record_result *r);
MREG_API char *mreg_retire_result_json(const struct mreg_retire_result *r);
MREG_API char *mreg_approve_result_json(const struct mreg_approve_result *r);
MREG_API char *mreg_approvals_result_json(
	const struct mreg_approvals_result *r);
MREG_API char *mreg_changelog_result_json(
	const struct mreg_changelog_result *r);
MREG_API char *mreg_deployed_result_json(const struct mreg_deployed_result *r);
MREG_API char *mreg_deployments_result_json(
	const struct mreg_deployments_result *r);
MREG_API char *mreg_kubernetes_result_json(
	const struct mreg_kubernetes_result *r);
MREG_API char *mreg_ingest_result_json(const struct mreg_ingest_result *r);
MREG_API char *mreg_observe_result_json(const struct mreg_observe_result *r);
MREG_API char *mreg_incidents_result_json(
	const struct mreg_incidents_result *r);
MREG_API char *mreg_gc_result_json(const struct mreg_gc_result *r);
MREG_API char *mreg_du_result_json(const struct mreg_du_result *r);
MREG_API char *mreg_index_sync_result_json(
	const struct mreg_index_sync_result *r);
MREG_API char *mreg_index_status_result_json(
	const struct mreg_index_status_result *r);
MREG_API char *mreg_report_result_json(const struct mreg_report_result *r);
MREG_API char *mreg_figures_result_json(const struct mreg_figures_result *r);
MREG_API char *mreg_log_result_json(const struct mreg_log_result *r);
MREG_API char *mreg_query_result_json(const struct mreg_query_result *r);
MREG_API char *mreg_search_result_json(const struct mreg_search_result *r);
MREG_API char *mreg_lineage_result_json(const struct mreg_lineage_result *r);
MREG_API char *mreg_attach_result_json(const struct mreg_attach_result *r);
MREG_API char *mreg_evaluate_result_json(const struct mreg_evaluate_result *r);
MREG_API char *mreg_image_result_json(const struct mreg_image_result *r);
MREG_API char *mreg_login_result_json(const struct mreg_login_result *r);
MREG_API char *mreg_copy_result_json(const struct mreg_copy_result *r);
MREG_API char *mreg_doctor_result_json(const struct mreg_doctor_result *r);
MREG_API char *mreg_settings_json(const struct mreg_setting *s, size_t n);
MREG_API char *mreg_version_json(void);

/* Row `i` alone, without schema: one line of --jsonl. */
MREG_API char *mreg_version_row_json(const struct mreg_versions_result *r,
				     size_t i);
MREG_API char *mreg_model_row_json(const struct mreg_models_result *r,
				   size_t i);
MREG_API char *mreg_log_row_json(const struct mreg_log_result *r, size_t i);
MREG_API char *mreg_query_row_json(const struct mreg_query_result *r, size_t i);
MREG_API char *mreg_search_row_json(const struct mreg_search_result *r,
				    size_t i);
MREG_API char *mreg_approval_row_json(const struct mreg_approvals_result *r,
				      size_t i);
MREG_API char *mreg_deployment_row_json(const struct mreg_deployments_result *r,
					size_t i);
MREG_API char *mreg_incident_row_json(const struct mreg_incidents_result *r,
				      size_t i);
MREG_API char *mreg_alias_row_json(const struct mreg_aliases_result *r,
				   size_t i);

/* A JSON document of others (a config) for people to read: indented, over
 * several lines, each string and number as it is written; what is none as it
 * is. */
MREG_API char *mreg_json_pretty(const char *bytes, size_t n);

/* {"error":{code,message,hint,cause}}, or {"type":"progress",...} for one
 * event of --progress=json. */
MREG_API char *mreg_error_json(const struct mreg_error *err);
/* The same of MREG_EPOLICY, with what mreg_policy_refusal gives as
 * error.findings: [{rule, problem, mend, where}]. */
MREG_API char *mreg_refusal_json(const struct mreg_error *err,
				 const struct mreg_policy_finding *findings,
				 size_t count);
MREG_API char *mreg_progress_json(const struct mreg_progress *p);

#ifdef __cplusplus
}
#endif

#endif
