/*
 * judge_parts.c - rules about what a version is made of: licences, its own and
 * those it comes from; inputs; files; documents attached to it.
 */
#include <string.h>

#include "base/mem.h"
#include "policy/judge.h"

/* Of a licence in a finding. */
#define WHY_BYTES 160

static bool has_word(const struct mr_words *words, const char *text)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (strcmp(words->items[i], text) == 0)
			return true;
	return false;
}

/* What is wrong with a licence, in words; NULL: nothing. */
static const char *wrong_license(struct mr_judge *j, const struct mr_rule *r,
				 const char *license)
{
	struct mr_arena *a = j->out->arena;
	char why[WHY_BYTES];
	const char *shown;

	if (!license)
		return r->missing_ok ? NULL : "is not told";
	shown = mr_judge_shown(j, license);
	switch (mr_license_judge(license, &r->allow, &r->deny, why,
				 sizeof(why))) {
	case MR_LICENSE_ALLOWED:
		return NULL;
	case MR_LICENSE_UNKNOWN:
		return mr_arena_printf(a, "is '%s', no SPDX expression", shown);
	case MR_LICENSE_DENIED:
		return mr_arena_printf(a, "is '%s', and '%s' is denied", shown,
				       mr_judge_shown(j, why));
	case MR_LICENSE_UNLISTED:
		break;
	}
	return mr_arena_printf(a, "is '%s', and '%s' is not allowed", shown,
			       mr_judge_shown(j, why));
}

static void judge_own(struct mr_judge *j, const struct mr_rule *r)
{
	const char *license =
		mr_fact_text(json_object_get(j->facts, "fields"), "license");
	const char *wrong = wrong_license(j, r, license);

	if (wrong)
		mr_judge_find(j, r,
			      license ? "use what is under an allowed licence; "
					"if it was told wrongly, push with "
					"--license SPDX"
				      : "push with --license SPDX, or put "
					"'license' into README.md",
			      "license %s; the policy allows %s", wrong,
			      r->says);
}

static const char *name_of(struct mr_judge *j, const json_t *row)
{
	const char *name = mr_fact_text(row, "ref");

	if (!name)
		name = mr_fact_text(row, "name");
	if (!name)
		name = mr_fact_text(row, "uri");
	return mr_judge_shown(j, name ? name : "?");
}

static const char *mend_origin(struct mr_judge *j, bool inputs, bool unread)
{
	return mr_arena_printf(
		j->out->arena, "%s%s",
		inputs ? "use data whose licence is allowed; where it tells "
			 "none, give it with --input ROLE=REF,license=SPDX"
		       : "start from a model whose licence is told and allowed",
		unread ? "; ask again when all can be read" : "");
}

void mr_judge_license(struct mr_judge *j, const struct mr_rule *r)
{
	bool inputs = r->scope == MR_SCOPE_INPUTS;
	const json_t *list = json_object_get(j->facts, "ancestors");
	struct mr_told wrong = { .n = 0 };
	bool unread = false;
	size_t i;

	if (r->scope == MR_SCOPE_OWN) {
		judge_own(j, r);
		return;
	}
	if (mr_judge_unread(j, r, "ancestors", "what it comes from"))
		return;
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *of = mr_fact_text(row, "of");
		const char *why = mr_fact_text(row, "unreadable");
		const char *problem;
		const char *told;

		if (!of || (strcmp(of, "input") == 0) != inputs)
			continue;
		if (why) {
			unread = true;
			mr_told_add(&wrong, "that of '%s' cannot be read (%s)",
				    name_of(j, row), mr_judge_shown(j, why));
			continue;
		}
		problem = wrong_license(j, r, mr_fact_text(row, "license"));
		told = mr_fact_text(row, "told");
		if (!problem && told)
			problem = wrong_license(j, r, told);
		if (problem)
			mr_told_add(&wrong, "that of '%s' %s", name_of(j, row),
				    problem);
	}
	if (wrong.n)
		mr_judge_find(j, r, mend_origin(j, inputs, unread),
			      "licence of %s: %s; the policy allows %s",
			      inputs ? "inputs" : "ancestors",
			      mr_told_text(&wrong), r->says);
}

/* What an input lacks, in words; NULL: nothing. */
static const char *wrong_input(struct mr_judge *j, const struct mr_rule *r,
			       const json_t *input)
{
	const char *value;
	const char *key = "digest";

	if (r->kind == MR_RULE_INPUT_CLASS)
		key = "classification";
	else if (r->kind == MR_RULE_INPUT_CONSENT)
		key = "consent";
	value = mr_fact_text(input, key);
	if (!value)
		return mr_arena_printf(j->out->arena, "has no %s", key);
	if (!r->allow.n || has_word(&r->allow, value))
		return NULL;
	return mr_arena_printf(j->out->arena, "has %s '%s'", key,
			       mr_judge_shown(j, value));
}

void mr_judge_input(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *list = json_object_get(j->facts, "inputs");
	struct mr_told wrong = { .n = 0 };
	const char *key = "digest=SHA256";
	size_t i;

	if (r->kind == MR_RULE_INPUT_CLASS)
		key = "classification=WORD";
	else if (r->kind == MR_RULE_INPUT_CONSENT)
		key = "consent=WORD";
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *input = json_array_get(list, i);
		const char *role = mr_fact_text(input, "role");
		const char *problem;

		if (r->roles.n && !(role && has_word(&r->roles, role)))
			continue;
		problem = wrong_input(j, r, input);
		if (problem)
			mr_told_add(&wrong, "'%s' %s", name_of(j, input),
				    problem);
	}
	if (wrong.n)
		mr_judge_find(j, r,
			      mr_arena_printf(j->out->arena,
					      "push with --input ROLE=REF,%s",
					      key),
			      "input %s; it %s", mr_told_text(&wrong),
			      r->allow.n ? mr_arena_printf(j->out->arena,
							   "may be %s", r->says)
					 : r->says);
}

/* -- files --------------------------------------------------------------- */

/* Formats that are pickles, or hold one. */
static bool is_pickle(const char *format)
{
	return strcmp(format, "pickle") == 0 ||
	       strcmp(format, "pytorch") == 0 ||
	       strcmp(format, "torchscript") == 0;
}

static const char *wrong_format(struct mr_judge *j, const struct mr_rule *r,
				const json_t *file, const char *format)
{
	const char *role = mr_fact_text(file, "role");
	bool weight = role && strcmp(role, "weight") == 0;

	if (format && has_word(&r->deny, format))
		return mr_arena_printf(j->out->arena, "is %s", format);
	if (!r->allow.n || (!format && !weight))
		return NULL;
	if (!format)
		return "is of no known format";
	return has_word(&r->allow, format)
		       ? NULL
		       : mr_arena_printf(j->out->arena, "is %s", format);
}

static const char *wrong_unsafe(struct mr_judge *j, const json_t *file)
{
	const json_t *unsafe = json_object_get(file, "unsafe");
	struct mr_told names = { .n = 0 };
	size_t i;

	for (i = 0; i < json_array_size(unsafe); i++) {
		const char *s = json_string_value(json_array_get(unsafe, i));

		mr_told_add(&names, "%s", mr_judge_shown(j, s ? s : "?"));
	}
	return names.n ? mr_arena_printf(j->out->arena, "uses %s",
					 mr_told_text(&names))
		       : NULL;
}

/* Of trouble that is a file which cannot be looked into. */
static const char *why_not(const char *trouble)
{
	static const char cannot[] = "cannot be inspected: ";
	size_t n = strlen(cannot);

	return strncmp(trouble, cannot, n) == 0 ? trouble + n : trouble;
}

/* What is wrong with a file, in words; NULL: nothing. */
static const char *wrong_file(struct mr_judge *j, const struct mr_rule *r,
			      const json_t *file)
{
	const char *format = mr_fact_text(file, "format");
	const char *trouble = mr_fact_text(file, "trouble");

	switch (r->kind) {
	case MR_RULE_FORMATS:
		return wrong_format(j, r, file, format);
	case MR_RULE_PICKLE:
		return format && is_pickle(format)
			       ? mr_arena_printf(j->out->arena, "is %s", format)
			       : NULL;
	case MR_RULE_UNSAFE:
		/* What could not be looked into is not known to be safe. */
		if (format && is_pickle(format) && trouble)
			return mr_arena_printf(
				j->out->arena, "cannot be looked into (%s)",
				mr_judge_shown(j, why_not(trouble)));
		return wrong_unsafe(j, file);
	default:
		return trouble ? mr_judge_shown(j, trouble) : NULL;
	}
}

/* `limited`: files may be as their formats demand, but are not looked at;
 * `broken`: others are not. */
static const char *mend_files(const struct mr_rule *r, bool limited,
			      bool broken)
{
	if (r->kind == MR_RULE_TROUBLE && limited && broken)
		return "write those that are broken again, and leave out with "
		       "--exclude what mreg does not look at";
	if (r->kind == MR_RULE_TROUBLE && limited)
		return "it may be right, but mreg does not look at all of it: "
		       "save it in a simpler way, or leave it out with "
		       "--exclude";
	if (r->kind == MR_RULE_TROUBLE)
		return "write the file again; it is not what its format "
		       "demands";
	if (r->kind == MR_RULE_UNSAFE)
		return "save weights alone, as safetensors, or leave the file "
		       "out with --exclude";
	return "convert the file, to safetensors for one, or leave it out with "
	       "--exclude";
}

void mr_judge_files(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *list = json_object_get(j->facts, "files");
	struct mr_told wrong = { .n = 0 };
	bool limited = false;
	bool broken = false;
	size_t i;

	if (mr_judge_unread(j, r, "files", "formats of its files"))
		return;
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *file = json_array_get(list, i);
		const char *path = mr_fact_text(file, "path");
		const char *problem = wrong_file(j, r, file);
		bool ours = json_is_true(json_object_get(file, "limited"));

		limited = limited || (problem && ours);
		broken = broken || (problem && !ours);
		if (problem)
			mr_told_add(&wrong, "'%s' %s",
				    mr_judge_shown(j, path ? path : "?"),
				    problem);
	}
	if (wrong.n)
		mr_judge_find(j, r, mend_files(r, limited, broken),
			      "file %s; %s", mr_told_text(&wrong), r->says);
}

/* Some documents are more than a file, and have a command of their own. */
static const char *mend_attachment(struct mr_judge *j, const char *type)
{
	const char *ref = mr_judge_ref(j);

	if (strcmp(type, "evaluation") == 0)
		return mr_arena_printf(j->out->arena,
				       "mreg evaluate %s --suite NAME, with "
				       "--pass or --fail",
				       ref);
	if (strcmp(type, "signature") == 0)
		return mr_arena_printf(j->out->arena,
				       "sign %s with cosign or notation", ref);
	return mr_arena_printf(j->out->arena, "mreg attach %s FILE --type %s",
			       ref, mr_judge_shown(j, type));
}

void mr_judge_attachment(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *list = json_object_get(j->facts, "attachments");
	size_t i;

	if (mr_judge_unread(j, r, "attachments", "what is attached"))
		return;
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *kind = mr_fact_text(row, "kind");
		const char *type = mr_fact_text(row, "type");

		if ((kind && strcmp(kind, r->type) == 0) ||
		    (type && strcmp(type, r->type) == 0))
			return;
	}
	mr_judge_find(j, r, mend_attachment(j, r->type), "no '%s' is attached",
		      mr_judge_shown(j, r->type));
}
