"""test_policy.py - policies: the language, which one is in force, what set and
show say, what a copy brings, and that spec/ is right about it."""
import json
import re

import jsonschema
import pytest

from policy_rig import (COMMIT, GOOD, SPEC, TEN, events, plain, policy,
                        strict, validator)


# -- the language -----------------------------------------------------------------


def test_the_samples_fit_their_schemas():
    validator("policy").validate(
        json.loads((SPEC / "samples/policy.json").read_text()))
    validator("policy-facts").validate(
        json.loads((SPEC / "samples/policy-facts.json").read_text()))
    event = json.loads((SPEC / "samples/event-policy.json").read_text())
    validator("event").validate(event)
    assert json.dumps(event, sort_keys=True, separators=(",", ":")) == \
        (SPEC / "samples/event-policy.json").read_text()


WRONG = [("policy", 0), ("licences", {}), ("require", []),
         ("require", ["descripton"]), ("kinds", "modell"),
         ("metrics", {"auc": 0.8}), ("metrics", {"ms": "< 20ms"}),
         ("metrics", {"auc": ">= nan"}), ("metrics", {"auc": "<= Inf + 1"}),
         ("licenses", {"inputs": True}), ("formats", {"allow": "zip"}),
         ("formats", {"pickle": "no"}), ("suites", {"s": "failed"}),
         ("suites", {"s": {}}), ("patterns", {"inputs": "x"}),
         ("naming", {"modell": "x"}), ("inputs", {"digest": "yes"}), ("inputs", {"roles": "train"}),
         ("attachments", []), ("attachments", ["sbomm"]),
         ("require", ["parents.fintune"]), ("suites", {"": "passed"}),
         ("stages", []), ("stages", ["a", "v1"]), ("stages", ["a", "a"]),
         ("roles", {"risk": []}), ("roles", {"": "a"}), ("roles", ["a"]),
         ("approvals", {"hours": 0}), ("approvals", {"hours": 100000}),
         ("approvals", 2), ("observe", "drift"), ("observe", []),
         ("observe", "drift > production"),
         ("observe", "drift > 0.2 for 0 windows"),
         ("observe", "drift > 0.2 in prod for 3 windows"),
         ("retention", "0d"), ("retention", "-1d"), ("retention", 90),
         ("retention", "123456h"), ("archive", {"keep": 0}),
         ("archive", {"oldest": "1d"}), ("hold", ["v0"]), ("hold", "1.2.0"),
         ("review", "1y"), ("aliases", {"v1": {}}), ("aliases", {"": {}}),
         ("aliases", {"prod-image": {}}), ("aliases", {"prod": "staging"})]
GATES = [{"through": "latest"}, {"through": []}, {"age": "24"},
         {"age": "1.5h"}, {"approvals": 0}, {"approvals": 100},
         {"approvals": {}}, {"approvals": "two"}, {"approvals": -1},
         {"observations": "good"}, {"current": True},
         {"naming": {"model": "x"}}, {"require": ["descripton"]},
         {"metrics": {"auc": 0.8}}, {"suites": {"s": "failed"}}]
WRONG += [("aliases", {"prod": gate}) for gate in GATES]


@pytest.mark.parametrize("key, value", WRONG)
def test_schema_and_mreg_refuse_the_same(mreg, tmp_path, policy, key, value):
    wrong = {"policy": 1, key: value}
    with pytest.raises(jsonschema.ValidationError):
        validator("policy").validate(wrong)
    policy(json.dumps(wrong), "p.json")
    err = mreg.fails(1, "policy", "set", "churn", "p.json", "--dry-run",
                     cwd=tmp_path)
    assert err["code"] == "format" and "p.json" in err["message"]


def test_a_newer_edition_is_not_one_to_be_written_again(mreg, tmp_path, policy):
    policy('{"policy": 2, "votes": 3}', "p.json")
    err = mreg.fails(9, "policy", "set", "churn", "p.json",
                     cwd=tmp_path)
    assert err["code"] == "unsupported" and "edition 2" in err["message"]


RIGHT = [("stages", "production"), ("hold", True), ("hold", False),
         ("hold", ["v3", "production"]), ("review", "99999w"),
         ("observe", ["mean drift>=0.5", "a < -1e-3 for 1 window in eu/prod",
                      "a = 1 for 9999 windows"]),
         ("approvals", {"hours": "12"}), ("archive", {"keep": 99999}),
         ("aliases", {"prod": {"approvals": "99"}}),
         ("aliases", {"A_1-b": {}, "1": {"through": ["a", "b"]}})]


@pytest.mark.parametrize("key, value", RIGHT)
def test_schema_and_mreg_take_the_same(mreg, policy, key, value):
    right = {"policy": 1, key: value}
    validator("policy").validate(right)
    mreg.run("policy", "set", "churn", policy(json.dumps(right), "p.json"),
             "--dry-run")


def test_a_role_that_nobody_has_is_refused(mreg, policy):
    """By mreg alone: a schema cannot look from one key to another."""
    gate = "aliases:\n  prod:\n    approvals: {riks: 1}\n"
    err = mreg.fails(1, "policy", "set", "churn", policy(
        "policy: 1\nroles: {risk: [a, b]}\n" + gate))
    assert "role 'riks' is not one of 'roles'" in err["message"]
    assert "line 5" in err["message"]
    err = mreg.fails(1, "policy", "set", "churn", policy(
        "policy: 1\nroles: {riks: a}\n" + gate.replace("1", "2")))
    assert "fewer than 2 members" in err["message"]


@pytest.mark.parametrize("name", ["20261122123456789012345", "2026e1122"])
def test_a_name_of_digits_leaves_the_policy_readable(mreg, plain, policy,
                                                     name):
    """As a number, more than JSON's readers take."""
    mreg.run("policy", "set", "churn", policy(
        f"policy: 1\nname: {name}\nrequire: [license]\n"))
    shown = json.loads(mreg.run("policy", "show", "churn", "--raw").stdout)
    assert str(shown["name"]) == name
    err = mreg.fails(7, "push", plain, "churn")
    assert "license" in err["cause"]


def test_every_key_of_the_schema_is_described():
    text = (SPEC / "policy.md").read_text()
    schema = json.loads((SPEC / "policy.schema.json").read_text())
    known = schema["definitions"]
    maps = [schema, known["gate"], *known["sections"].values(),
            *schema["properties"].values()]
    keys = {key for part in maps for key in part.get("properties", {})}
    assert {"deny", "hours", "observations", "superseded"} <= keys
    for key in keys:
        assert f"`{key}`" in text or f"`{key}:" in text, key
    for name in schema["definitions"]["format"]["enum"]:
        assert f"`{name}`" in text, name


def test_mreg_takes_every_word_of_the_schema(mreg, tmp_path, policy, plain):
    schema = json.loads((SPEC / "policy.schema.json").read_text())
    types = schema["definitions"]["attachment"]["anyOf"][1]["enum"]
    listed = re.findall(r"^\| `([a-z-]+)` \| `application",
                        (SPEC / "attachments.md").read_text(), re.M)
    assert set(types) == set(listed) | {"signature"}
    relations = re.search(r"parents\\\.\(([a-z|]+)\)", schema[
        "definitions"]["key"]["anyOf"][1]["pattern"])[1].split("|")
    policy(json.dumps({"policy": 1, "attachments": types, "require": [
        "parents." + r for r in relations]}), "p.json")
    mreg.run("policy", "set", "churn", "p.json", "--dry-run", cwd=tmp_path)
    for relation in relations:
        mreg.run("push", plain, "churn", "--parent", f"{relation}=hf://a/b",
                 "--dry-run")


def test_the_schema_has_every_field_of_metadata():
    fields = set(json.loads((SPEC / "metadata.schema.json").read_text())
                 ["properties"])
    maps = {"metrics", "params", "tags", "annotations", "parents", "inputs"}
    schema = json.loads((SPEC / "policy.schema.json").read_text())
    assert set(schema["definitions"]["field"]["enum"]) == fields - maps


def test_the_templates_are_whole(mreg, plain):
    templates = SPEC / "templates"
    mreg.run("policy", "set", "churn", templates / "policy.yaml", "--dry-run")
    mreg.run("push", plain, "churn", "--metadata",
             templates / "metadata.yaml", "--dry-run")
    listed = {line.split(":")[0] for line in
              (templates / "metadata.yaml").read_text().splitlines()
              if line and line[0].isalpha()}
    fields = set(json.loads((SPEC / "metadata.schema.json").read_text())
                 ["properties"])
    assert listed == fields
    card = (templates / "model-card.md").read_text()
    for field in fields:
        assert f"`{field}`" in card, field


# -- set and show -------------------------------------------------------------------


def test_set_and_show_and_take_away(mreg, policy):
    file = policy(TEN)
    assert "no policy is in force for churn" in \
        mreg.run("policy", "show", "churn").stdout
    rehearsed = strict(mreg.json("policy", "set", "churn", file, "--dry-run"),
                       "policy-set")
    assert rehearsed["changed"] and rehearsed["dryRun"]
    assert mreg.json("policy", "show", "churn")["sources"] == []
    done = strict(mreg.json("policy", "set", "churn", file), "policy-set")
    assert done["digest"] == rehearsed["digest"] and done["was"] is None
    assert done["tag"] == "mreg.policy." + done["digest"].split(":")[1][:32]
    assert len(done["rules"]) == 10
    shown = strict(mreg.json("policy", "show", "churn",
                             env={"MREG_ACTOR": "eve"}), "policy-show")
    source, = shown["sources"]
    assert source["where"] == "churn" and source["digest"] == done["digest"]
    assert source["document"]["metrics"] == {"auc": ">= 0.8"}
    text = mreg.run("policy", "show", "churn").stdout
    assert "metrics.auc: >= 0.8" in text
    assert "enforced by clients, not by the registry" in text
    raw = mreg.run("policy", "show", "churn", "--raw").stdout
    assert json.loads(raw) == source["document"]
    again = mreg.json("policy", "set", "churn", file)
    assert not again["changed"] and again["was"] == done["digest"]
    gone = strict(mreg.json("policy", "set", "churn", "--none"), "policy-set")
    assert gone["digest"] is None and gone["was"] == done["digest"]
    assert mreg.json("policy", "show", "churn")["sources"] == []
    assert not mreg.json("policy", "set", "churn", "--none")["changed"]


def test_the_log_has_old_and_new_digest(mreg, store, policy, plain):
    one = mreg.json("policy", "set", "churn", policy("policy: 1\n"),
                    env={"MREG_ACTOR": "ada"})
    two = mreg.json("policy", "set", "churn",
                    policy("policy: 1\nrequire: license\n"))
    mreg.run("push", plain, "churn", "--license", "MIT")
    mreg.run("policy", "set", "churn", "--none")
    rows, tags, blob = events(store)
    assert [r["kind"] for r in rows] == [
        "policy_changed", "policy_changed", "version_registered",
        "policy_changed"]
    for row in rows:
        validator("event").validate(row)
    assert rows[0]["actor"] == "ada" and "was" not in rows[0]
    assert rows[0]["policy"] == one["digest"] == rows[1]["was"]
    assert rows[1]["policy"] == two["digest"] == rows[3]["was"]
    assert "policy" not in rows[3]
    # What spec/policy.md says of the artifact.
    assert tags[two["tag"]] == two["digest"]
    doc = json.loads((blob / two["digest"].split(":")[1]).read_text())
    media = "application/vnd.mreg.policy.v1+json"
    assert doc["artifactType"] == doc["layers"][0]["mediaType"] == media
    layer = blob / doc["layers"][0]["digest"].split(":")[1]
    assert layer.read_text() == '{"policy":1,"require":"license"}'


def test_the_sample_of_a_manifest_is_what_is_stored(mreg, store):
    sample = (SPEC / "samples/policy-manifest.json").read_bytes()
    check = validator("policy-manifest")
    check.validate(json.loads(sample))
    result = mreg.json("policy", "set", "churn", SPEC / "samples/policy.yaml")
    assert (store / "churn/blobs/sha256" /
            result["digest"][7:]).read_bytes() == sample
    wrong = json.loads(sample)
    wrong["layers"][0]["annotations"] = {}
    assert not check.is_valid(wrong)


def test_the_template_of_a_card_claims_nothing(mreg, plain):
    card = (SPEC / "templates/model-card.md").read_text()
    (plain / "README.md").write_text(card)
    shown = mreg.json("push", plain, "churn") and mreg.json("inspect", "churn")
    assert "license" not in shown["metadata"]
    assert shown["parents"] == [] and shown["inputs"] == []
    assert shown["labels"] == {}
    assert "description" not in shown["metadata"]


def test_a_card_not_filled_in_is_refused_by_the_template(mreg, plain):
    """Though everything else that it asks for is there."""
    templates = SPEC / "templates"
    card = (templates / "model-card.md").read_text()
    (plain / "README.md").write_text(card)
    words = ["push", plain, "churn:dev", "--policy", templates / "policy.yaml",
             "--license", "MIT", "--author", "Ada", "--run-id", "r1",
             "--revision", COMMIT, "--tag", "owner=ada@example.com",
             "--metric", "accuracy=0.9", "--input",
             "train=s3://data,classification=internal,consent=yes,license=MIT,"
             "digest=sha256:" + "1" * 64]
    err = mreg.fails(7, *words)
    assert "require.description" in err["cause"]
    assert "1 of " in err["message"] and "rules fail" in err["message"]
    prompt = "<!-- One paragraph: what the model does, for whom"
    assert prompt in card
    (plain / "README.md").write_text(card.replace(
        prompt, "Says which customers are about to leave.\n\n" + prompt))
    mreg.run(*words)


def test_show_says_of_what_the_rules_are_asked(mreg, policy):
    def shown(kinds):
        mreg.run("policy", "set", "churn",
                 policy(f"policy: 1\n{kinds}\nrequire: license\n"))
        return mreg.run("policy", "show", "churn").stdout

    assert "asked of" not in shown("")
    assert "asked of each dataset only" in shown("kinds: dataset")
    assert "asked of each model, prompt only" in shown("kinds: [prompt, model]")


def test_show_lists_gates_and_what_comes_after_the_push(mreg, policy):
    mreg.run("policy", "set", "churn", policy(
        "policy: 1\nroles: {risk: [alice, bob]}\nretention: 52w\n"
        "aliases: {production: {age: 24h, approvals: {risk: 2}}}\n"))
    shown = strict(mreg.json("policy", "show", "churn"), "policy-show")
    source, = shown["sources"]
    assert [r["rule"] for r in source["rules"]] == [
        "roles.risk", "aliases.production", "aliases.production.age",
        "aliases.production.approvals.risk", "retention"]
    text = mreg.run("policy", "show", "churn").stdout
    assert "aliases.production: moved by promote and rollback only" in text
    assert "aliases.production.approvals.risk: at least 2 by role" in text
    assert "retention: gc takes nothing that an alias had within 52w" in text


def test_set_needs_what_is_expected(mreg, policy):
    file = policy(TEN)
    err = mreg.fails(4, "policy", "set", "churn", file, "--expect",
                     "sha256:" + "1" * 64)
    assert "it is none" in err["message"]
    digest = mreg.json("policy", "set", "churn", file, "--expect",
                       "none")["digest"]
    mreg.fails(4, "policy", "set", "churn", "--none", "--expect", "none")
    mreg.run("policy", "set", "churn", "--none", "--expect", digest)


def test_set_is_of_a_whole_model(mreg, policy):
    assert "whole model" in mreg.fails(2, "policy", "set", "churn:v1",
                                       policy(TEN))["message"]
    mreg.fails(2, "policy", "set", "churn")
    mreg.fails(2, "policy", "set", "churn", policy(TEN), "--none")
    mreg.fails(3, "policy", "set", "churn", "nowhere.yaml")
    # What changes nothing leaves no empty store behind.
    mreg.run("policy", "set", "churn", "--none")
    mreg.run("policy", "show", "churn")
    assert "churn" not in mreg.run("ls").stdout
    assert not (mreg.home.parent / "store/churn").exists()


def test_help_says_who_enforces_it(mreg):
    for command in ("show", "set"):
        text = mreg.run("policy", command, "--help").stdout
        assert "enforced by clients, not by the registry" in \
            " ".join(text.split())


# -- copies -----------------------------------------------------------------------


def test_a_copied_version_brings_the_policy_its_log_names(mreg, tmp_path,
                                                          policy, plain):
    mreg.run("policy", "set", "churn", policy(TEN))
    mreg.run("push", plain, "churn", *GOOD)
    mreg.run("copy", "churn:v1", "other")
    shown = mreg.json("policy", "show", "other")
    assert shown["sources"][0]["where"] == "other"
    mreg.run("push", plain, "other", status=7)


def test_a_copy_leaves_the_policy_of_its_target(mreg, policy, plain):
    """Also when what it brings comes later in the log; and again."""
    mreg.run("policy", "set", "prod", policy(TEN))
    wanted = mreg.json("policy", "show", "prod")["sources"][0]["digest"]
    for i in range(2):
        mreg.run("push", plain, "dev", "--license", "MIT", "-p", f"i={i}")
    lax = policy("policy: 1\n", "lax.yaml")
    mreg.run("policy", "set", "dev", lax)
    mreg.run("push", plain, "dev", "--license", "MIT", "-p", "i=2")
    mreg.run("copy", "dev:v3", "one")
    mreg.run("policy", "set", "one", policy(TEN))
    for source, target in [("dev", "prod"), ("dev", "prod"), ("dev:v3", "prod"),
                           ("dev", "one")]:
        out = mreg.run("-v", "copy", source, target)
        assert "is now that of" not in out.stderr
        assert mreg.json("policy", "show", target)["sources"][0]["digest"] == wanted
    mreg.run("push", plain, "prod", status=7)


FATE = re.compile("the policy of '[a-z]+' (?:is now|would be|stays|would "
                  "stay).*")


def fate(text):
    """What a copy says of the target's policy, in the words of a rehearsal."""
    found, = FATE.findall(text) or [""]
    for done, rehearsed in [("is now", "would be"), ("brought", "brings"),
                            ("stays as it was", "would stay as it is"),
                            ("is not taken", "would not be taken")]:
        found = found.replace(done, rehearsed)
    return found


def test_a_rehearsed_copy_foresees_the_policy(mreg, policy, plain):
    lax = policy("policy: 1\n", "lax.yaml")
    strict_one = policy(TEN)
    told = []

    def copy(source, target):
        before = mreg.json("policy", "show", target)
        would = fate(mreg.run("-v", "copy", source, target, "-n").stderr)
        assert mreg.json("policy", "show", target) == before
        assert fate(mreg.run("-v", "copy", source, target).stderr) == would
        told.append(" ".join(would.split()[4:6]))

    mreg.run("push", plain, "dev", *GOOD)
    copy("dev", "new")  # there is none
    mreg.run("policy", "set", "dev", lax)
    copy("dev:v1", "new")  # set after that version
    copy("dev", "new")
    copy("dev", "new")
    mreg.run("push", plain, "dev", *GOOD, "-p", "i=1")
    copy("dev:v2", "one")
    mreg.run("policy", "set", "dev", strict_one)
    mreg.run("policy", "set", "prod", strict_one)
    copy("dev", "prod")  # the same one
    mreg.run("policy", "set", "dev", lax)
    copy("dev", "prod")
    copy("dev", "prod")
    mreg.run("policy", "set", "dev", "--none")
    copy("dev", "new")
    assert told == ["", "", "would be", "", "would be", "", "would stay", "",
                    "would be"]


def test_a_model_brings_its_policy_where_there_was_none(mreg, policy, plain):
    mreg.run("policy", "set", "dev", policy(TEN))
    mreg.run("push", plain, "dev", *GOOD)
    out = mreg.run("copy", "dev", "new")
    assert ("warning: the policy of 'new' is now that of 'dev', which its log "
            "brought along") in out.stderr
    # What came from there changes with it.
    mreg.run("policy", "set", "dev", policy("policy: 1\n", "lax.yaml"))
    out = mreg.run("copy", "dev", "new")
    assert "the policy of 'new' is now that of 'dev'" in out.stderr
    assert mreg.json("policy", "show", "new")["sources"][0]["digest"] == \
        mreg.json("policy", "show", "dev")["sources"][0]["digest"]
