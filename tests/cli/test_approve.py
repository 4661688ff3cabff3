"""test_approve.py - may an alias be moved to a version?  Asked with a time limit,
answered, listed; and who the log says did it."""
import json
import pathlib

import aging
import harness
import jsonschema
import pytest

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 and v2, pushed by pia; digests by number."""
    return {n: mreg.json("push", harness.small_model(tmp_path / f"m{n}", n),
                         "churn", "--as", "pia")["digest"] for n in (1, 2)}


def fits(result, name):
    """It fits its schema, which knows all of its members."""
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"])
    row = schema["properties"].get("requests", {}).get("items")
    for request in result.get("requests", []):
        assert set(request) == set(row["properties"])
        answer = row["properties"]["answers"]["items"]["properties"]
        assert all(set(a) == set(answer) for a in request["answers"])
    return result


def say(mreg, who, verb, *words, ref="churn:v1", alias="production", **kwargs):
    return fits(mreg.json(verb, ref, alias, "--as", who, *words, **kwargs),
                "approve")


def approvals(mreg, *words, **kwargs):
    return fits(mreg.json("approvals", "churn", *words, **kwargs), "approvals")


def kinds(mreg):
    return [e["kind"] for e in mreg.json("log", "churn")["events"]
            if e["kind"].startswith("approval")]


# -- asking ---------------------------------------------------------------------


def test_a_request_waits_two_days(mreg, churn, later):
    asked = say(mreg, "ray", "request", "--reason", "auc 0.94")
    assert asked["changed"] is True and asked["state"] == "open"
    assert (asked["requestedBy"], asked["actorSource"]) == ("ray", "as")
    assert asked["digest"] == churn[1] and asked["number"] == 1
    row, = approvals(mreg)["requests"]
    assert (row["version"], row["alias"], row["reason"]) == \
        ("v1", "production", "auc 0.94")
    assert (row["state"], row["answers"]) == ("open", [])
    assert row["request"] == asked["request"] == asked["event"]
    assert approvals(mreg, env=later(47.9))["requests"][0]["state"] == "open"
    assert approvals(mreg, env=later(48.1))["requests"][0]["state"] == "overdue"


def test_hours_are_counted_from_now(mreg, churn, later):
    say(mreg, "ray", "request", "--hours", "3")
    assert approvals(mreg, env=later(2.9))["requests"][0]["state"] == "open"
    assert approvals(mreg, env=later(3.1))["requests"][0]["state"] == "overdue"


def test_one_that_waits_is_told_and_not_repeated(mreg, churn, later):
    first = say(mreg, "ray", "request")
    again = say(mreg, "eve", "request", "--hours", "500")
    assert again["changed"] is False and again["event"] is None
    assert again["request"] == first["request"]
    assert (again["requestedBy"], again["until"]) == ("ray", first["until"])
    assert kinds(mreg) == ["approval_asked"]
    out = mreg.run("request", "churn:v1", "production").stdout
    assert out.startswith("asked already: churn:v1 to production\n")
    # Of another version, another alias, or when its time is up.
    assert say(mreg, "ray", "request", ref="churn:v2")["changed"] is True
    assert say(mreg, "ray", "request", alias="staging")["changed"] is True
    assert say(mreg, "ray", "request", env=later(49))["changed"] is True


def test_what_was_refused_or_is_done_is_asked_anew(mreg, churn):
    say(mreg, "ray", "request")
    say(mreg, "bob", "reject")
    second = say(mreg, "ray", "request")
    assert second["changed"] is True and second["state"] == "open"
    mreg.run("alias", "set", "churn:v1", "production")
    assert say(mreg, "ray", "request")["changed"] is False
    mreg.run("alias", "set", "churn:v2", "production")
    assert say(mreg, "ray", "request")["changed"] is True
    states = [r["state"] for r in approvals(mreg)["requests"]]
    assert states == ["refused", "used", "open"]


def test_asking_for_what_is_there_warns_consumers(mreg, churn):
    mreg.run("alias", "set", "churn:v1", "production")
    r = mreg.run("request", "churn:v1", "production")
    assert "is there already" in r.stderr


def test_what_is_out_of_sight_is_not_asked_for(mreg, churn):
    mreg.run("archive", "churn:v1")
    err = mreg.fails(4, "request", "churn:v1", "production")
    assert "archived" in err["message"] and "mreg restore" in err["hint"]


def test_a_rehearsal_writes_nothing(mreg, churn):
    would = say(mreg, "ray", "request", "-n")
    assert would["dryRun"] is True and would["changed"] is True
    assert would["request"] is None and would["state"] == "open"
    mreg.fails(3, "approve", "churn:v1", "production", "-n")
    say(mreg, "ray", "request")
    assert say(mreg, "bob", "approve", "-n")["changed"] is True
    assert say(mreg, "bob", "reject", "-n")["event"] is None
    assert kinds(mreg) == ["approval_asked"]
    out = mreg.run("approve", "churn:v1", "production", "-n").stdout
    assert out.startswith("would approve: ")


# -- answering ------------------------------------------------------------------


def test_grants_are_counted(mreg, churn):
    asked = say(mreg, "ray", "request")
    first = say(mreg, "bob", "approve", "--reason", "looks well")
    assert (first["state"], first["grants"]) == ("granted", 1)
    assert first["uncounted"] is None and first["signed"] is False
    assert first["request"] == asked["request"] != first["event"]
    assert say(mreg, "eve", "approve")["grants"] == 2
    row, = approvals(mreg)["requests"]
    assert [(a["answer"], a["actor"], a["reason"]) for a in row["answers"]] == \
        [("granted", "bob", "looks well"), ("granted", "eve", None)]


def test_one_actor_grants_once(mreg, churn):
    say(mreg, "ray", "request")
    say(mreg, "bob", "approve")
    again = say(mreg, "bob", "approve")
    assert again["changed"] is False and again["grants"] == 1
    assert kinds(mreg) == ["approval_asked", "approval_granted"]


@pytest.mark.parametrize("who, why, told", [
    ("ray", "requester", "asked for it"), ("pia", "pusher", "pushed"),
])
def test_one_of_those_who_do_not_count_is_told(mreg, churn, who, why, told):
    say(mreg, "ray", "request")
    r = mreg.run("approve", "churn:v1", "production", "--as", who, "--json")
    assert told in r.stderr and "no policy counts" in r.stderr
    assert (r.json["uncounted"], r.json["grants"]) == (why, 0)
    assert r.json["changed"] is True and r.json["state"] == "open"
    answer, = approvals(mreg)["requests"][0]["answers"]
    assert (answer["actor"], answer["uncounted"]) == (who, why)


def test_blanks_make_no_other_person(mreg, churn):
    say(mreg, "ray", "request")
    for who, why in (" ray", "requester"), ("pia\t", "pusher"):
        assert say(mreg, who, "approve")["uncounted"] == why
    assert mreg.json("approve", "churn:v1", "production",
                     env={"MREG_AUTHOR": "pia "})["actor"] == "pia"


def test_while_nobody_knows_who_pushed_it_none_counts(mreg, churn, store):
    """Somebody cut off the event that told it."""
    first = next(e for e in mreg.json("log", "churn")["events"]
                 if e["kind"] == "version_registered")
    aging.tag(store / "churn",
              f"mreg.log.{first['seq']:08}.{first['digest'][7:39]}", None)
    say(mreg, "ray", "request")
    r = mreg.run("approve", "churn:v1", "production", "--as", "bob", "--json")
    assert "nobody knows who pushed the version" in r.stderr
    assert (r.json["uncounted"], r.json["grants"]) == ("unknown", 0)
    row, = approvals(mreg)["requests"]
    assert (row["state"], row["answers"][0]["uncounted"]) == \
        ("open", "unknown")


def test_a_role_that_no_policy_has_is_told(mreg, churn):
    say(mreg, "ray", "request")
    r = mreg.run("approve", "churn:v1", "production", "--as", "bob", "--role",
                 "risk", "--json")
    assert "no role 'risk'" in r.stderr and r.json["uncounted"] == "role"
    assert approvals(mreg)["requests"][0]["answers"][0]["role"] == "risk"


def test_a_refusal_ends_it(mreg, churn):
    say(mreg, "ray", "request")
    say(mreg, "bob", "approve")
    refused = say(mreg, "eve", "reject", "--reason", "biased by age")
    assert (refused["state"], refused["grants"]) == ("refused", 0)
    for verb in "approve", "reject":
        err = mreg.fails(4, verb, "churn:v1", "production", "--as", "zoe")
        assert err["message"] == "'eve' refused it: biased by age"
        assert "mreg request" in err["hint"]
    out = mreg.run("approvals", "churn").stdout
    assert "bob, eve refused: biased by age" in out


def test_refusing_what_is_in_use_is_told(mreg, churn):
    say(mreg, "ray", "request")
    mreg.run("alias", "set", "churn:v1", "production")
    r = mreg.run("reject", "churn:v1", "production", "--as", "eve")
    assert "'production' is there already: from now on" in r.stderr


def test_what_nobody_asked_is_not_answered(mreg, churn):
    say(mreg, "ray", "request", ref="churn:v2")
    say(mreg, "ray", "request", alias="staging")
    for verb in "approve", "reject":
        err = mreg.fails(3, verb, "churn:v1", "production")
        assert "nobody asked whether 'production'" in err["message"]
        assert "mreg request" in err["hint"]


def test_time_that_is_up_is_told(mreg, churn, later):
    until = say(mreg, "ray", "request")["until"]
    for verb in "approve", "reject":
        err = mreg.fails(4, verb, "churn:v1", "production", "--as", "bob",
                         env=later(49))
        assert until in err["message"] and "ask again" in err["hint"]
    # The last request is answered, whatever became of those before.
    say(mreg, "ray", "request", env=later(49))
    assert say(mreg, "bob", "approve", env=later(50))["state"] == "granted"


@pytest.mark.parametrize("words, status", [
    (("request", "churn", "production"), 2),
    (("request", "churn:v9", "production"), 3),
    (("request", "nobody:v1", "production"), 3),
    (("request", "churn:v1", "v2"), 2),
    (("request", "churn:v1", "latest"), 2),
    (("request", "churn:v1", "production", "--hours", "0"), 2),
    (("request", "churn:v1", "production", "--hours", "100000"), 2),
    (("approve", "churn:v1", "1.0.0"), 2),
    (("approvals", "churn:v1"), 2),
    (("approvals", "nobody"), 3),
    (("approvals", "churn", "--dry-run"), 2),
    (("approvals", "churn", "--as", ""), 2),
])
def test_what_makes_no_sense_is_refused(mreg, churn, words, status):
    mreg.fails(status, *words)


# -- what a policy says of it ---------------------------------------------------

POLICY = """\
policy: 1
roles: {risk: [bob, eve], owner: carol}
approvals: {hours: 3}
aliases: {production: {approvals: {risk: 1, owner: 1}}}
"""


@pytest.fixture
def governed(mreg, churn):
    harness.write(mreg.home / "policy.yaml", POLICY)
    mreg.run("policy", "set", "churn", "policy.yaml")
    return churn


def test_the_policy_says_how_long_answers_are_wanted(mreg, governed, later):
    say(mreg, "ray", "request")
    say(mreg, "ray", "request", "--hours", "5", ref="churn:v2")
    states = [[r["state"] for r in approvals(mreg, env=later(h))["requests"]]
              for h in (2.9, 3.1, 5.1)]
    assert states == [["open", "open"], ["overdue", "open"],
                      ["overdue", "overdue"]]


def test_a_role_is_of_the_policy_and_of_its_members(mreg, governed):
    say(mreg, "ray", "request")
    r = mreg.run("approve", "churn:v1", "production", "--as", "bob", "--role",
                 "risk", "--json")
    assert r.stderr == "" and r.json["uncounted"] is None
    r = mreg.run("approve", "churn:v1", "production", "--as", "zoe", "--role",
                 "risk", "--json")
    assert "'zoe' is not in role 'risk'" in r.stderr
    assert r.json["uncounted"] == "role"


def test_a_gate_takes_what_was_approved(mreg, governed):
    mreg.fails(7, "promote", "churn:v1", "production", "--as", "ray")
    say(mreg, "ray", "request")
    for who in "pia", "ray", "bob", "eve":
        mreg.run("approve", "churn:v1", "production", "--as", who)
    mreg.fails(7, "promote", "churn:v1", "production", "--as", "ray")
    say(mreg, "carol", "approve")
    mreg.run("promote", "churn:v1", "production", "--as", "ray")
    row, = approvals(mreg)["requests"]
    assert row["state"] == "used" and row["grants"] == 3
    assert [a["uncounted"] for a in row["answers"]] == \
        ["pusher", "requester", None, None, None]


def test_what_is_refused_does_not_pass_its_gate(mreg, governed):
    say(mreg, "ray", "request")
    say(mreg, "bob", "approve")
    say(mreg, "carol", "approve")
    say(mreg, "eve", "reject", "--reason", "biased")
    err = mreg.fails(7, "promote", "churn:v1", "production", "--as", "ray")
    assert "biased" in json.dumps(err)


# -- the list -------------------------------------------------------------------


def test_how_long_it_took(mreg, churn, later):
    for number, answered, moved in (1, 2, 6), (2, 4, 10):
        ref = f"churn:v{number}"
        say(mreg, "ray", "request", ref=ref)
        say(mreg, "bob", "approve", ref=ref, env=later(answered))
        mreg.run("alias", "set", ref, "production", env=later(moved))
    result = approvals(mreg)

    def near(seconds, hours):
        return hours * 3600 <= seconds < hours * 3600 + 120

    first, second = result["requests"]
    assert near(first["answeredAfterSeconds"], 2)
    assert near(first["movedAfterSeconds"], 6)
    assert near(second["movedAfterSeconds"], 10)
    assert near(result["medianAnsweredAfterSeconds"], 3)
    assert near(result["medianMovedAfterSeconds"], 8)
    out = mreg.run("approvals", "churn").stdout
    assert "medians: answered after 3 h" in out and ", moved after 8 h" in out


def test_one_alias_alone_and_a_line_for_each(mreg, churn):
    say(mreg, "ray", "request")
    say(mreg, "ray", "request", alias="staging")
    row, = approvals(mreg, "--alias", "staging")["requests"]
    assert row["alias"] == "staging"
    lines = mreg.run("approvals", "churn", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["alias"] for line in lines] == \
        ["production", "staging"]


def test_nothing_that_was_asked_is_said_to_be(mreg, churn):
    assert mreg.run("approvals", "churn").stdout == "nothing was asked\n"
    result = approvals(mreg)
    assert result["requests"] == []
    assert result["medianAnsweredAfterSeconds"] is None


def test_that_it_is_a_record_and_no_proof_is_said(mreg, churn):
    proof = "not a proof"
    for verb in "request", "approve", "reject", "approvals":
        assert proof in mreg.run(verb, "--help").stdout
    for verb in "request", "approve", "reject":
        r = mreg.run(verb, "churn:v1", "production", "-v", "--as", verb)
        assert r.stdout.count(proof) == 1
    assert mreg.run("approvals", "churn", "-v").stdout.count(proof) == 1


# -- what nobody answered -------------------------------------------------------


def test_what_is_overdue_is_noted_once(mreg, churn, later):
    say(mreg, "ray", "request")
    say(mreg, "ray", "request", ref="churn:v2")
    say(mreg, "bob", "approve", ref="churn:v2")
    assert approvals(mreg, "--overdue")["requests"] == []
    would = approvals(mreg, "--overdue", "-n", env=later(49))
    assert would["noted"] == 1 and would["requests"][0]["noted"] is True
    assert "approval_overdue" not in kinds(mreg)
    first = approvals(mreg, "--overdue", env=later(49))
    row, = first["requests"]
    assert (row["version"], row["noted"], first["noted"]) == ("v1", True, 1)
    again = approvals(mreg, "--overdue", env=later(50))
    assert again["noted"] == 0 and again["requests"][0]["noted"] is False
    assert again["requests"][0]["overdue"] == row["overdue"] is not None
    assert kinds(mreg).count("approval_overdue") == 1


def test_a_grant_that_counts_for_nobody_is_no_answer(mreg, churn, later):
    say(mreg, "ray", "request")
    say(mreg, "pia", "approve")
    row, = approvals(mreg, "--overdue", env=later(49))["requests"]
    assert row["state"] == "overdue"


def test_a_listing_alone_writes_nothing(mreg, churn, later):
    say(mreg, "ray", "request")
    assert approvals(mreg, env=later(49))["requests"][0]["overdue"] is None
    assert kinds(mreg) == ["approval_asked"]


# -- who ------------------------------------------------------------------------


def test_as_names_who_did_it(mreg, churn):
    """Before what the environment, git and the account say; and told so."""
    env = {"MREG_ACTOR": "eve", "MREG_AUTHOR": "zoe"}
    mreg.run("alias", "set", "churn:v1", "x", "--as", "ann", env=env)
    mreg.run("--as", "ben", "alias", "set", "churn:v2", "x", env=env)
    mreg.run("alias", "set", "churn:v1", "x", env=env)
    assert [(e["actor"], e["actorSource"])
            for e in mreg.json("log", "churn")["events"][-3:]] == \
        [("ann", "as"), ("ben", "as"), ("eve", "as")]
    assert [e["event"]["actor"] for e in
            mreg.json("log", "churn")["events"][:2]] == ["pia", "pia"]


def test_as_is_a_setting_among_others(mreg):
    shown = mreg.json("config", "show", "--origin", "--as", "ann")
    actor, = [s for s in shown["settings"] if s["key"] == "actor"]
    assert (actor["value"], actor["origin"]) == ("ann", "flag")


def test_help_says_that_as_proves_nothing(mreg):
    text = " ".join(mreg.run("help", "options").stdout.split())
    assert "never trusted as proof" in text.split("--as NAME")[1]


def test_a_name_moves_no_cursor(mreg, churn):
    say(mreg, "ray", "request")
    mreg.run("approve", "churn:v1", "production", "--as", "b\x1b[2Jb")
    out = mreg.run("approvals", "churn").stdout
    assert "\x1b" not in out and "\\x1b" in out
