/*
 * session_json.c - settings, login and version as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

char *mreg_login_result_json(const struct mreg_login_result *r)
{
	struct mr_view v;

	mr_view_init(&v, r->username ? "mreg.login/1" : "mreg.logout/1");
	mr_view_str(&v, "host", r->host);
	if (r->username) {
		mr_view_str(&v, "username", r->username);
		mr_view_str(&v, "where", r->where);
	} else {
		mr_view_bool(&v, "removed", r->removed);
	}
	mr_view_bool(&v, "dryRun", r->dry_run);
	mr_view_str(&v, "shadowedBy", r->shadow);
	return mr_view_text(&v);
}

char *mreg_settings_json(const struct mreg_setting *s, size_t n)
{
	json_t *rows = json_array();
	struct mr_view v;
	size_t i;

	mr_view_init(&v, "mreg.config/1");
	for (i = 0; rows && i < n; i++) {
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "key", s[i].key);
		mr_view_str(&row, "value", s[i].value);
		mr_view_str(&row, "origin", s[i].origin);
		if (json_array_append_new(rows, mr_view_take(&row)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	}
	mr_view_put(&v, "settings", rows);
	return mr_view_text(&v);
}

char *mreg_version_json(void)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.version/1");
	mr_view_str(&v, "version", mreg_version());
	return mr_view_text(&v);
}
