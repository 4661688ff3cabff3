"""test_promote.py - an alias moved through its gates: what each of them asks,
what is told when it is not met, and who may move the alias otherwise."""
import json
import pathlib
import pickle

import harness
import jsonschema
import pytest

from test_log import retag

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROLES = "policy: 1\nroles: {risk: [alice, bob], owner: carol}\n"

# Every gate there is, and what a version is pushed with that meets them.
EVERYTHING = ROLES + """\
observe: ["drift > 0.2 for 2 windows"]
require: description
aliases:
  production:
    require: [runId]
    patterns: {revision: "[0-9a-f]{40}"}
    metrics: {auc: ">= 0.8"}
    licenses: {allow: [MIT]}
    inputs: {digest: true}
    formats: {pickle: deny}
    suites: {fairness: passed}
    attachments: [model-card]
    through: staging
    age: 24h
    approvals: {risk: 1, owner: 1}
    observations: fine
    current: known
"""
GOOD = ["--description", "who leaves", "--license", "MIT", "--run-id", "r1",
        "--revision", COMMIT, "--metric", "auc=0.9", "--input",
        "train=s3://data,digest=sha256:" + "1" * 64]
BAD = ["--description", "who leaves", "--license", "GPL-3.0-only",
       "--revision", "main", "--metric", "auc=0.7", "--input",
       "train=s3://data"]


def fits(result):
    """It fits its schema, which knows all of its members."""
    schema = json.loads((SPEC / "schemas/promote.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"])
    return result


def promote(mreg, ref="churn:v1", *words, **kwargs):
    return fits(mreg.json("promote", ref, "production", *words, **kwargs))


def refused(mreg, ref="churn:v1", *words, **kwargs):
    """The rules that failed, with what is said of each."""
    error = mreg.fails(7, "promote", ref, "production", *words, **kwargs)
    assert error["code"] == "policy"
    assert all(f["problem"] and f["mend"] for f in error["findings"])
    return {f["rule"].removeprefix("aliases.production."): f["problem"]
            for f in error["findings"]}


def kinds(mreg):
    return [e["kind"] for e in mreg.json("log", "churn")["events"]]


def where(mreg, ref="churn:production"):
    return mreg.json("resolve", ref)["digest"]


@pytest.fixture
def gates(mreg, tmp_path):
    """gates("age: 1h") is the policy of churn, with these gates of
    production."""
    def give(text, whole=False):
        lines = "".join(f"    {line}\n" for line in text.splitlines())
        path = tmp_path / "policy.yaml"
        path.write_text(text if whole else
                        f"{ROLES}aliases:\n  production:\n{lines}")
        return mreg.json("policy", "set", "churn", path)["digest"]
    return give


@pytest.fixture
def push(mreg, tmp_path):
    def make(number=1, *words, who="pia", **kwargs):
        folder = harness.small_model(tmp_path / f"m{number}", number)
        return mreg.json("push", folder, "churn", "--as", who, *words,
                         **kwargs)["digest"]
    return make


# -- all of them ------------------------------------------------------------------


def test_every_gate_that_is_not_met_is_told_at_once(mreg, tmp_path, gates,
                                                    store):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps({"w": [1.5, 2.5]}))
    mreg.run("push", folder, "churn:production", *BAD, "--as", "pia")
    mreg.run("push", harness.small_model(tmp_path / "m", 2), "churn")
    mreg.run("incident", "churn:v1", "--title", "wrong scores")
    retag(store, "production", where(mreg, "churn:v2"))
    gates(EVERYTHING, whole=True)
    before = kinds(mreg)
    problems = refused(mreg)
    assert set(problems) == {
        "require.runId", "patterns.revision", "metrics.auc", "licenses",
        "inputs.digest", "formats.pickle", "suites.fairness",
        "attachments.model-card", "through.staging", "age", "approvals.risk",
        "approvals.owner", "observations", "current"}
    text = mreg.run("promote", "churn:v1", "production", status=7).stderr
    assert text.count("\nerror: ") + text.startswith("error: ") == \
        len(problems) + 1
    assert f"{len(problems)} of" in text
    assert kinds(mreg) == before
    assert where(mreg) == where(mreg, "churn:v2")


def test_what_meets_every_gate_is_promoted(mreg, gates, push, later, tmp_path):
    digest = push(1, *GOOD)
    policy = gates(EVERYTHING, whole=True)
    harness.write(tmp_path / "card.md", "# Churn\n")
    mreg.run("attach", "churn:v1", tmp_path / "card.md", "--type",
             "model-card")
    mreg.run("evaluate", "churn:v1", "--suite", "fairness", "--pass")
    mreg.run("alias", "set", "churn:v1", "staging")
    day = later(25)
    mreg.run("request", "churn:v1", "production", "--as", "ray", env=day)
    for who in "alice", "carol":
        mreg.run("approve", "churn:v1", "production", "--as", who, env=day)
    done = promote(mreg, "churn:staging", "--reason", "CHG-7", env=day)
    assert (done["digest"], done["was"], done["number"]) == (digest, None, 1)
    assert done["changed"] and done["judged"] and done["gated"]
    assert done["checked"] == 15 and done["policy"] == policy
    event = mreg.json("log", "churn", "--alias", "production")["events"][-1]
    assert (event["digest"], event["kind"]) == (done["event"], "alias_moved")
    assert event["says"] == "production: v1, by promote: CHG-7"
    assert event["event"]["policy"] == policy
    assert where(mreg) == digest


# -- one by one -------------------------------------------------------------------


def test_it_has_to_come_through_another_alias(mreg, gates, push):
    gates("through: staging")
    push(1)
    push(2)
    assert set(refused(mreg)) == {"through.staging"}
    mreg.run("alias", "set", "churn:v1", "staging")
    mreg.run("alias", "set", "churn:v2", "staging")
    assert promote(mreg)["gated"], "it had staging"


def test_it_has_to_be_registered_for_so_long(mreg, gates, push, later):
    gates("age: 2d")
    push(1)
    assert "age" in refused(mreg, env=later(47))
    assert promote(mreg, env=later(49))["changed"]


def test_what_another_tool_tagged_has_no_age(mreg, gates, push, store, later):
    digest = push(1)
    gates("age: 1h")
    retag(store, "v7", digest)
    index = json.loads((store / "churn/index.json").read_text())
    log = [m for m in index["manifests"] if m["annotations"].get(
        "org.opencontainers.image.ref.name", "").startswith("mreg.log.")]
    # All that was known of it, but for the policy.
    first = min(log, key=lambda m: m["annotations"][
        "org.opencontainers.image.ref.name"])
    index["manifests"].remove(first)
    (store / "churn/index.json").write_text(json.dumps(index))
    assert "not known" in refused(mreg, "churn:v7", env=later(9))["age"]


def test_others_have_to_approve_in_time(mreg, gates, push, later):
    gates("approvals: 2")
    push(1)
    assert "no approval was asked for" in refused(mreg)["approvals"]
    mreg.run("request", "churn:v1", "production", "--as", "ray")
    for who in "ray", "pia", "alice", "alice":
        mreg.run("approve", "churn:v1", "production", "--as", who)
    said = refused(mreg)["approvals"]
    assert said.startswith("1 of 2 approvals")
    assert "'ray' is that of who asked" in said
    assert "'pia' is that of who pushed it" in said
    assert "time was up" in refused(mreg, env=later(49))["approvals"]
    mreg.run("approve", "churn:v1", "production", "--as", "dan")
    assert promote(mreg, env=later(49))["changed"], "both were in time"


def test_a_role_is_of_its_members(mreg, gates, push):
    gates("approvals: {risk: 1, owner: 1}")
    push(1)
    mreg.run("request", "churn:v1", "production", "--as", "ray")
    mreg.run("approve", "churn:v1", "production", "--as", "dan")
    mreg.run("approve", "churn:v1", "production", "--as", "bob")
    assert set(refused(mreg)) == {"approvals.owner"}
    mreg.run("approve", "churn:v1", "production", "--as", "carol")
    assert promote(mreg)["changed"]


def test_a_refusal_stands_until_it_is_asked_again(mreg, gates, push):
    gates("approvals: 1")
    push(1)
    mreg.run("request", "churn:v1", "production", "--as", "ray")
    mreg.run("approve", "churn:v1", "production", "--as", "alice")
    mreg.run("reject", "churn:v1", "production", "--as", "bob", "--reason",
             "no card")
    said = refused(mreg)["approvals"]
    assert "refused by 'bob'" in said and "no card" in said
    mreg.run("request", "churn:v1", "production", "--as", "ray")
    mreg.run("approve", "churn:v1", "production", "--as", "alice")
    assert promote(mreg)["changed"]


def test_an_approval_is_for_one_alias_and_one_version(mreg, gates, push):
    gates("approvals: 1")
    push(1)
    push(2)
    for ref, alias in ("churn:v1", "staging"), ("churn:v2", "production"):
        mreg.run("request", ref, alias, "--as", "ray")
        mreg.run("approve", ref, alias, "--as", "alice")
    assert set(refused(mreg)) == {"approvals"}
    assert promote(mreg, "churn:v2")["changed"]


def test_the_present_one_has_to_be_known(mreg, gates, push, store):
    first, second = push(1), push(2)
    push(3)
    gates("current: known")
    promote(mreg)
    retag(store, "production", second)
    assert "moved without mreg" in refused(mreg, "churn:v3")["current"]
    mreg.run("log", "churn", "--adopt")
    assert promote(mreg, "churn:v3")["was"] == second
    retag(store, "production", first)
    mreg.run("alias", "repair", "churn")
    assert promote(mreg)["changed"]


def test_it_is_compared_with_what_the_alias_has(mreg, gates, push):
    gates('metrics: {auc: ">= production"}')
    push(1, "--metric", "auc=0.9")
    push(2, "--metric", "auc=0.8")
    push(3, "--metric", "auc=0.91")
    first = promote(mreg)
    assert [u["rule"] for u in first["uncompared"]] == \
        ["aliases.production.metrics.auc"]
    assert set(refused(mreg, "churn:v2")) == {"metrics.auc"}
    assert promote(mreg, "churn:v3")["uncompared"] == []


def test_removing_the_alias_first_gets_round_no_bound(mreg, gates, push):
    gates('metrics: {auc: ">= production"}')
    push(1, "--metric", "auc=0.9")
    push(2, "--metric", "auc=0.8")
    promote(mreg)
    mreg.run("alias", "rm", "churn:production")
    assert "'production' has 0.9" in refused(mreg, "churn:v2")["metrics.auc"]
    assert promote(mreg)["uncompared"] == []


def test_saying_that_it_is_data_gets_round_no_approval(mreg, gates, push):
    gates("policy: 1\nkinds: model\naliases: {production: {require: runId, "
          "approvals: 1, age: 1h}}\n", whole=True)
    push(1, "--kind", "dataset")
    assert set(refused(mreg)) == {"approvals", "age"}
    push(2)
    assert set(refused(mreg, "churn:v2")) == {"approvals", "age",
                                              "require.runId"}


def test_what_was_seen_of_it_has_to_be_fine(mreg, gates, push):
    gates(ROLES + "observe: [drift > 0.2 for 2 windows]\n"
          "aliases: {production: {observations: fine}}\n", whole=True)
    for number in 1, 2, 3:
        push(number)
    for window in "w1", "w2":
        mreg.run("observe", "churn:v1", "--metric", "drift=0.3", "--window",
                 window)
    said = refused(mreg)["observations"]
    assert "retraining is due (drift > 0.2 for 2 windows)" in said
    assert "drift > 0.2 for 2 windows holds" in said
    for window in "w3", "w4":
        mreg.run("observe", "churn:v1", "--metric", "drift=0.1", "--window",
                 window)
    assert "holds" not in refused(mreg)["observations"]
    incident, = mreg.json("incident", "churn:v2", "--title",
                          "wrong scores")["incidents"]
    assert "incident 'wrong scores' is open" in \
        refused(mreg, "churn:v2")["observations"]
    assert promote(mreg, "churn:v3")["changed"]
    mreg.run("incident", "churn", "--close", incident["event"])
    assert promote(mreg, "churn:v2")["changed"]


def test_what_was_given_after_the_fact_counts(mreg, gates, push):
    push(1)
    gates("require: [tags.reviewed]\npatterns: {description: 'Who .*'}")
    mreg.run("edit", "churn:v1", "--description", "a model")
    assert set(refused(mreg)) == {"require.tags.reviewed",
                                  "patterns.description"}
    mreg.run("edit", "churn:v1", "--tag", "reviewed=2026-11-22",
             "--description", "Who leaves")
    assert promote(mreg)["changed"]
    facts = json.loads(mreg.run("policy", "check", "churn:v1",
                                "--facts").stdout)
    assert facts["tags"] == {"reviewed": "2026-11-22"}
    assert facts["fields"]["description"] == "Who leaves"
    mreg.run("resolve", "churn:production", "--require-policy")


# -- no gate ----------------------------------------------------------------------


def test_without_a_policy_it_moves_and_says_so(mreg, push):
    push(1)
    text = mreg.run("promote", "churn:v1", "production").stdout
    assert "moved churn:production -> v1" in text
    assert "no gate was asked: no policy is in force" in text
    push(2)
    done = promote(mreg, "churn:v2")
    assert done["policy"] is None and done["sources"] == []
    assert done["gated"] is False and done["checked"] == 0


def test_general_rules_are_asked_of_every_alias(mreg, gates, push):
    push(1)
    gates("policy: 1\nrequire: [license]\nnaming: {alias: 'prod.*|staging'}\n"
          "aliases: {staging: {age: 1h}}\n", whole=True)
    assert set(refused(mreg)) == {"require.license"}
    push(2, "--license", "MIT")
    text = mreg.run("promote", "churn:v2", "production").stdout
    assert "passes 2 rules of the policy of churn" in text
    assert "no gate was asked: there is none for production" in text
    error = mreg.fails(7, "promote", "churn:v2", "qa")
    assert error["findings"][0]["rule"] == "naming.alias"


def test_a_file_adds_gates(mreg, push, tmp_path):
    push(1)
    harness.write(tmp_path / "more.yaml",
                  "policy: 1\naliases: {production: {age: 1h}}\n")
    assert set(refused(mreg, "churn:v1", "--policy",
                       tmp_path / "more.yaml")) == {"age"}
    assert promote(mreg)["gated"] is False


# -- what stands against it -------------------------------------------------------


def test_what_is_there_already_is_not_moved(mreg, gates, push):
    digest = push(1)
    promote(mreg)
    gates("age: 9w")
    done = promote(mreg)
    assert done["changed"] is False and done["judged"] is False
    assert done["event"] is None and done["digest"] == digest
    assert "nothing was asked" in \
        mreg.run("promote", "churn:v1", "production").stdout


def test_a_move_that_was_not_finished_is_finished(mreg, gates, push, store):
    first, second = push(1), push(2)
    gates("current: known")
    promote(mreg)
    promote(mreg, "churn:v2")
    events = len(kinds(mreg))
    retag(store, "production", first)
    done = promote(mreg, "churn:v2")
    assert done["changed"] and done["was"] == first and not done["judged"]
    assert where(mreg) == second and len(kinds(mreg)) == events


def test_what_is_expected_is_looked_at(mreg, gates, push):
    first = push(1)
    second = push(2)
    gates("current: known")
    assert mreg.fails(4, "promote", "churn:v1", "production", "--expect",
                      first)["code"] == "conflict"
    promote(mreg, "churn:v1", "--expect", "none")
    mreg.fails(4, "promote", "churn:v2", "production", "--expect", second)
    assert where(mreg) == first
    promote(mreg, "churn:v2", "--expect", first)
    assert where(mreg) == second


def test_a_rehearsal_moves_nothing(mreg, gates, push):
    gates("age: 1h")
    push(1)
    assert set(refused(mreg, "churn:v1", "--dry-run")) == {"age"}
    gates("current: known")
    would = promote(mreg, "churn:v1", "--dry-run")
    assert would["dryRun"] and would["changed"] and would["gated"]
    assert would["event"] is None
    mreg.fails(3, "resolve", "churn:production")
    assert "alias_moved" not in kinds(mreg)


def test_an_archived_version_stays_where_it_is(mreg, push):
    push(1)
    push(2)
    mreg.run("archive", "churn:v1")
    error = mreg.fails(4, "promote", "churn:v1", "production")
    assert "archived" in error["message"]
    assert "mreg restore" in error["hint"]
    mreg.run("restore", "churn:v1")
    assert promote(mreg)["changed"]


def test_a_deprecated_version_is_promoted_with_a_warning(mreg, push):
    push(1)
    mreg.run("deprecate", "churn:v1", "--until", "2099-01-31")
    assert "deprecated" in \
        mreg.run("promote", "churn:v1", "production").stderr


@pytest.mark.parametrize("alias", ["v3", "latest", "1.0.0", "a b", "mreg.x"])
def test_only_an_alias_is_promoted_to(mreg, push, alias):
    push(1)
    assert mreg.fails(2, "promote", "churn:v1", alias)["code"] == "usage"


def test_what_is_not_there_cannot_be_promoted(mreg, push, store):
    mreg.fails(3, "promote", "nothing:v1", "production")
    assert not (store / "nothing").exists()
    push(1)
    mreg.fails(3, "promote", "churn:v9", "production")


# -- who else may move it ---------------------------------------------------------


def test_nothing_but_promote_sets_an_alias_with_gates(mreg, gates, push,
                                                      tmp_path):
    push(1)
    gates("current: known")
    folder = harness.small_model(tmp_path / "m9", 9)
    for words in (["alias", "set", "churn:v1", "production"],
                  ["push", folder, "churn", "-a", "production"],
                  ["push", folder, "churn:production"],
                  ["push", tmp_path / "m1", "churn:production"]):
        error = mreg.fails(7, *words)
        finding, = error["findings"]
        assert finding["rule"] == "aliases.production"
        assert finding["where"] == "churn"
        assert "mreg promote" in error["hint"]
    assert mreg.json("ls", "churn")["versions"][0]["version"] == "v1"
    mreg.fails(3, "resolve", "churn:production")
    mreg.run("alias", "set", "churn:v1", "staging")
    mreg.run("push", folder, "churn", "-a", "canary")


def test_a_push_tells_of_gates_with_all_else(mreg, gates, model):
    gates("policy: 1\nrequire: license\naliases: {production: {}}\n",
          whole=True)
    error = mreg.fails(7, "push", model, "churn:production")
    assert {f["rule"] for f in error["findings"]} == \
        {"require.license", "aliases.production"}
    checked = mreg.run("policy", "check", model, "churn", "-a", "production",
                       "--json", status=7).json
    assert {f["rule"] for f in checked["findings"]} == \
        {"require.license", "aliases.production"}


def test_a_push_that_moves_nothing_asks_no_gate(mreg, gates, model):
    mreg.run("push", model, "churn:production")
    gates("current: known")
    assert mreg.json("push", model, "churn:production")["number"] == 1


def test_rollback_and_rm_are_free(mreg, gates, push):
    first = push(1)
    push(2)
    gates("current: known")
    promote(mreg)
    promote(mreg, "churn:v2")
    gates("age: 9w")
    assert mreg.json("rollback", "churn:production")["digest"] == first
    mreg.run("alias", "rm", "churn:production")
    mreg.fails(3, "resolve", "churn:production")


# -- who uses it ------------------------------------------------------------------


def test_a_policy_that_is_required_has_to_be_there(mreg, push, tmp_path):
    push(1)
    for words in ["resolve", "churn:v1"], ["pull", "churn", "-o",
                                           tmp_path / "out"]:
        error = mreg.fails(7, *words, "--require-policy")
        assert error["code"] == "policy"
        assert "no policy" in error["message"]
    assert not (tmp_path / "out").exists()


def test_what_was_moved_past_its_gates_is_not_used(mreg, gates, push,
                                                   tmp_path):
    digest = push(1)
    mreg.run("alias", "set", "churn:v1", "production")
    gates("approvals: 1")
    out = tmp_path / "out"
    for words in ["resolve", "churn:production"], [
            "pull", "churn:production", "-o", out], [
            "pull", "churn:production", "-o", out, "--dry-run"]:
        error = mreg.fails(7, *words, "--require-policy")
        assert [f["rule"] for f in error["findings"]] == \
            ["aliases.production.approvals"]
    assert not out.exists()
    # By another name, or its digest, the gate is not asked.
    for ref in "churn:v1", "churn", f"churn@{digest}":
        assert mreg.json("resolve", ref, "--require-policy")["digest"] == \
            digest
    mreg.run("request", "churn:v1", "production", "--as", "ray")
    mreg.run("approve", "churn:v1", "production", "--as", "alice")
    mreg.run("pull", "churn:production", "-o", out, "--require-policy")
    harness.assert_pulled(out, harness.tree(tmp_path / "m1"))


def test_what_general_rules_refuse_is_not_used(mreg, gates, push, tmp_path):
    digest = push(1)
    gates("policy: 1\nrequire: license\n", whole=True)
    for ref in "churn:v1", "churn", f"churn@{digest}":
        error = mreg.fails(7, "pull", ref, "--require-policy", "-o",
                           tmp_path / "out")
        assert [f["rule"] for f in error["findings"]] == ["require.license"]
    assert not (tmp_path / "out").exists()


def test_what_changes_with_time_is_not_asked_of_what_is_in_use(
        mreg, gates, push, later):
    gates('age: 1h\ncurrent: known\nobservations: fine\n'
          'metrics: {auc: "> production"}')
    push(1, "--metric", "auc=0.9")
    promote(mreg, env=later(2))
    assert mreg.json("resolve", "churn:production",
                     "--require-policy")["number"] is None


def test_a_tag_that_is_not_what_the_log_says_is_not_used(mreg, gates, push,
                                                         store):
    push(1)
    second = push(2)
    gates("current: known")
    promote(mreg)
    mreg.run("resolve", "churn:production", "--require-policy")
    retag(store, "production", second)
    error = mreg.fails(7, "resolve", "churn:production", "--require-policy")
    assert [f["rule"] for f in error["findings"]] == ["aliases.production"]
    assert "foreign" in error["findings"][0]["problem"]
    mreg.run("alias", "repair", "churn")
    mreg.run("resolve", "churn:production", "--require-policy")
