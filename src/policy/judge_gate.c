/*
 * judge_gate.c - rules of an alias on what the log tells: the version's way,
 * its age, who approved it, what was seen of it.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "policy/judge.h"

#define HOUR_S 3600

static const json_t *gate_of(const struct mr_judge *j)
{
	return json_object_get(j->facts, "gate");
}

/* How to name the model in a command: the reference without what stands for
 * the version. */
static const char *model_ref(struct mr_judge *j)
{
	const char *ref = mr_fact_text(j->facts, "reference");
	const char *at = ref ? strchr(ref, '@') : NULL;
	char *name =
		at ? mr_arena_strndup(j->out->arena, ref, (size_t)(at - ref))
		   : NULL;

	return name ? mr_judge_shown(j, name) : "NAME";
}

static void judge_through(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *been = json_object_get(gate_of(j), "been");
	size_t i;

	for (i = 0; i < json_array_size(been); i++) {
		const char *alias = json_string_value(json_array_get(been, i));

		if (alias && strcmp(alias, r->through) == 0)
			return;
	}
	mr_judge_find(j, r,
		      mr_arena_printf(j->out->arena, "mreg promote %s %s",
				      mr_judge_ref(j), r->through),
		      "the version never had '%s'", r->through);
}

static void judge_age(struct mr_judge *j, const struct mr_rule *r)
{
	const char *text = mr_fact_number(j, gate_of(j), "ageSeconds");
	char since[32];
	uint64_t age;
	int64_t left;

	if (text && text[0] == '-')
		text = "0"; /* by a clock that was ahead */
	if (!text || mr_text_u64(text, INT64_MAX, &age) < 0) {
		mr_judge_find(j, r,
			      "push it again: only what was registered has an "
			      "age",
			      "when it was registered is not known; it has to "
			      "be %s",
			      r->says);
		return;
	}
	if ((int64_t)age >= r->age_s)
		return;
	left = r->age_s - (int64_t)age;
	mr_judge_find(
		j, r,
		mr_arena_printf(j->out->arena, "wait %lldh more",
				(long long)((left + HOUR_S - 1) / HOUR_S)),
		"it was registered %s; it has to be %s",
		mr_text_age((int64_t)age, since), r->says);
}

/* -- approvals ----------------------------------------------------------- */

/* While answers are counted. */
struct tally {
	struct mr_judge *j;
	const struct mr_rule *r;
	const struct mr_party *role;         /* NULL: anybody's counts */
	const char *pusher, *asker;          /* NULL: not known */
	const char *names[MR_APPROVALS_MAX]; /* whose counted */
	size_t n;
};

static bool is(const char *a, const char *b)
{
	return b && strcmp(a, b) == 0;
}

/* Why an answer does not count; NULL: it does. */
static const char *why_not(const struct tally *t, const json_t *grant)
{
	const char *by = mr_fact_text(grant, "by");
	size_t i;

	if (!by)
		return "says not who";
	if (json_is_true(json_object_get(grant, "late")))
		return "came too late";
	if (is(by, t->pusher))
		return "is that of who pushed it";
	if (is(by, t->asker))
		return "is that of who asked";
	if (t->r->role && !(t->role && mr_party_has(t->role, by)))
		return "is not of that role";
	for (i = 0; i < t->n; i++)
		if (is(by, t->names[i]))
			return "is a second one";
	return NULL;
}

/* Members of the role whose approval is to come; NULL: there are none. */
static const char *whom(const struct tally *t)
{
	const struct mr_words *all = &t->role->members;
	struct mr_told names = { .n = 0 };
	size_t i, k;

	for (i = 0; i < all->n; i++) {
		const char *one = all->items[i];
		bool out = is(one, t->pusher) || is(one, t->asker);

		for (k = 0; k < t->n; k++)
			out = out || is(one, t->names[k]);
		if (!out)
			mr_told_add(&names, "%s", mr_judge_shown(t->j, one));
	}
	return names.n ? mr_arena_strdup(t->j->out->arena, mr_told_text(&names))
		       : NULL;
}

static const char *mend_approvals(const struct tally *t, bool over)
{
	struct mr_arena *a = t->j->out->arena;
	const char *ref = mr_judge_ref(t->j);
	const char *who = "others than who pushed it or asked";

	if (over)
		return mr_arena_printf(a, "ask again: mreg request %s %s", ref,
				       t->r->gate);
	if (t->role)
		who = whom(t);
	if (!who)
		return "nobody else has that role: ask who keeps the policy";
	return mr_arena_printf(a, "ask %s for: mreg approve %s %s", who, ref,
			       t->r->gate);
}

/* Nothing was asked for, or the answer was no, or there is no time left. */
static bool judge_request(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *request = json_object_get(gate_of(j), "request");
	const json_t *refused = json_object_get(request, "refused");
	const char *ref = mr_judge_ref(j);
	struct mr_arena *a = j->out->arena;
	const char *by;
	const char *why;

	if (!json_is_object(request)) {
		mr_judge_find(
			j, r,
			mr_arena_printf(a, "ask for one: mreg request %s %s",
					ref, r->gate),
			"no approval was asked for; it takes %s", r->says);
		return false;
	}
	if (!refused || json_is_null(refused))
		return true;
	by = mr_fact_text(refused, "by");
	why = mr_fact_text(refused, "reason");
	mr_judge_find(j, r,
		      mr_arena_printf(a,
				      "mend what was found, then ask again: "
				      "mreg request %s %s",
				      ref, r->gate),
		      "it was refused by '%s'%s%s",
		      mr_judge_shown(j, by ? by : "?"), why ? ": " : "",
		      why ? mr_judge_shown(j, why) : "");
	return false;
}

/* Nobody can be said to be another than somebody unknown. */
static bool judge_parties(const struct tally *t)
{
	if (!t->pusher)
		mr_judge_find(t->j, t->r, "push it again, and ask again",
			      "who pushed it is not known, and who pushes may "
			      "not approve");
	else if (!t->asker)
		mr_judge_find(t->j, t->r,
			      mr_arena_printf(t->j->out->arena,
					      "ask again, as somebody: mreg "
					      "request %s %s --as NAME",
					      mr_judge_ref(t->j), t->r->gate),
			      "who asked is not known, and who asks may not "
			      "approve");
	return t->pusher && t->asker;
}

static void judge_approvals(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *request = json_object_get(gate_of(j), "request");
	const json_t *grants = json_object_get(request, "grants");
	bool over = json_is_true(json_object_get(request, "over"));
	const char *until = mr_fact_text(request, "until");
	struct mr_told lost = { .n = 0 };
	struct tally t = {
		.j = j,
		.r = r,
		.pusher = mr_fact_text(gate_of(j), "registeredBy"),
		.asker = mr_fact_text(request, "by"),
	};
	size_t i;

	if (!judge_request(j, r))
		return;
	if (!judge_parties(&t))
		return;
	if (r->role)
		t.role = mr_life_party(mr_policy_life(j->policy), r->role);
	for (i = 0; i < json_array_size(grants); i++) {
		const json_t *grant = json_array_get(grants, i);
		const char *by = mr_fact_text(grant, "by");
		const char *why = why_not(&t, grant);

		if (why)
			mr_told_add(&lost, "that of '%s' %s",
				    mr_judge_shown(j, by ? by : ""), why);
		else
			t.names[t.n++] = by;
		if (t.n == r->approvals)
			return;
	}
	mr_judge_find(j, r, mend_approvals(&t, over),
		      "%zu of %u approvals%s%s%s%s%s%s%s", t.n, r->approvals,
		      r->role ? " by role '" : "", r->role ? r->role : "",
		      r->role ? "'" : "", over ? "; time was up at " : "",
		      over ? mr_judge_shown(j, until ? until : "?") : "",
		      lost.n ? "; " : "", mr_told_text(&lost));
}

/* -- what was seen ------------------------------------------------------- */

/* The event to name in a command, where there is but one. */
static const char *event_of(struct mr_judge *j, const json_t *list)
{
	const char *event = mr_fact_text(json_array_get(list, 0), "event");

	return event && json_array_size(list) == 1 ? mr_judge_shown(j, event)
						   : "EVENT";
}

static const char *mend_observations(struct mr_judge *j, const json_t *due,
				     const json_t *watches,
				     const json_t *incidents)
{
	struct mr_arena *a = j->out->arena;
	bool again = json_array_size(due) || json_array_size(watches);
	const char *train = "";
	const char *close = "";

	if (json_array_size(due))
		train = mr_arena_printf(
			a, "train again, and push that with --because %s",
			event_of(j, due));
	else if (again)
		train = "train again";
	if (json_array_size(incidents))
		close = mr_arena_printf(
			a,
			"once the incident is over: mreg incident %s "
			"--close %s",
			model_ref(j), event_of(j, incidents));
	return mr_arena_printf(a, "%s%s%s", train ? train : "",
			       again && close && close[0] ? "; " : "",
			       close ? close : "");
}

static void judge_observations(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *gate = gate_of(j);
	const json_t *due = json_object_get(gate, "retrainDue");
	const json_t *watches = json_object_get(gate, "watches");
	const json_t *incidents = json_object_get(gate, "incidents");
	struct mr_told wrong = { .n = 0 };
	const char *text;
	size_t i;

	if (!json_is_array(due) || !json_is_array(watches) ||
	    !json_is_array(incidents)) {
		mr_judge_find(j, r, "ask again when it can be read",
			      "what was seen of it is not known");
		return;
	}
	for (i = 0; i < json_array_size(due); i++) {
		text = mr_fact_text(json_array_get(due, i), "rule");
		mr_told_add(&wrong, "retraining is due (%s)",
			    mr_judge_shown(j, text ? text : "?"));
	}
	for (i = 0; i < json_array_size(watches); i++) {
		text = json_string_value(json_array_get(watches, i));
		mr_told_add(&wrong, "%s holds",
			    mr_judge_shown(j, text ? text : "?"));
	}
	for (i = 0; i < json_array_size(incidents); i++) {
		text = mr_fact_text(json_array_get(incidents, i), "title");
		mr_told_add(&wrong, "incident '%s' is open",
			    mr_judge_shown(j, text ? text : "?"));
	}
	if (wrong.n)
		mr_judge_find(j, r,
			      mend_observations(j, due, watches, incidents),
			      "%s", mr_told_text(&wrong));
}

static void judge_current(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *current = json_object_get(gate_of(j), "current");
	const char *differs = mr_fact_text(current, "differs");
	struct mr_arena *a = j->out->arena;
	const char *name = model_ref(j);

	if (json_is_true(json_object_get(current, "agrees")))
		return;
	if (!json_is_object(current))
		mr_judge_find(j, r, "ask again when it can be read",
			      "what '%s' has is not known", r->gate);
	else if (differs && strcmp(differs, "unfinished") == 0)
		mr_judge_find(j, r,
			      mr_arena_printf(a, "mreg alias repair %s", name),
			      "the last move of '%s' is not finished", r->gate);
	else if (differs && strcmp(differs, "unrecorded") == 0)
		mr_judge_find(
			j, r, mr_arena_printf(a, "mreg log %s --adopt", name),
			"no event tells how '%s' got what it has", r->gate);
	else
		mr_judge_find(j, r,
			      mr_arena_printf(a,
					      "look at it; then mreg log %s "
					      "--adopt, or mreg alias repair "
					      "%s",
					      name, name),
			      "'%s' was moved without mreg", r->gate);
}

void mr_judge_gate(struct mr_judge *j, const struct mr_rule *r)
{
	if (mr_judge_unread(j, r, "gate", "what the log tells"))
		return;
	switch (r->kind) {
	case MR_RULE_THROUGH:
		judge_through(j, r);
		break;
	case MR_RULE_AGE:
		judge_age(j, r);
		break;
	case MR_RULE_APPROVALS:
		judge_approvals(j, r);
		break;
	case MR_RULE_OBSERVATIONS:
		judge_observations(j, r);
		break;
	default:
		judge_current(j, r);
		break;
	}
}
