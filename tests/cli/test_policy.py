"""test_policy.py - policies: which one is in force, what push refuses, what
policy check says, and that spec/ is right about it."""
import hashlib
import json
import pathlib
import pickle
import re
import zipfile
import zlib

import jsonschema
import pytest

import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

TEN = """\
policy: 1
naming: {alias: "staging|production"}
require: [license, runId, card, inputs.train]
patterns: {revision: "[0-9a-f]{40}"}
metrics: {auc: ">= 0.8"}
licenses: {allow: [MIT, Apache-2.0]}
inputs: {digest: true}
formats: {pickle: deny}
"""
GOOD = ["--license", "MIT", "--run-id", "r1", "--revision", COMMIT,
        "--metric", "auc=0.9", "--input",
        "train=s3://data,digest=sha256:" + "1" * 64]
BAD = ["--revision", "main", "--metric", "auc=0.7",
       "--input", "test=s3://test"]


def validator(path):
    schema = json.loads((SPEC / f"{path}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def strict(result, name):
    """It fits, and has no member that the schema does not tell of."""
    check = validator(f"schemas/{name}")
    check.validate(result)
    assert set(result) == set(check.schema["properties"])
    return result


@pytest.fixture
def policy(tmp_path):
    """Writes a policy file."""
    def write(text, name="policy.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return write


@pytest.fixture
def pickled(tmp_path):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps({"w": [1.5, 2.5]}))
    return folder


@pytest.fixture
def plain(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "weights.txt").write_text("1.5 2.5\n")
    (folder / "README.md").write_text("# plain\n\nTwo numbers.\n")
    return folder


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


WRONG = [("policy", 2), ("licences", {}), ("require", []),
         ("require", ["descripton"]), ("kinds", "modell"),
         ("metrics", {"auc": 0.8}), ("metrics", {"ms": "< 20ms"}),
         ("metrics", {"auc": ">= nan"}), ("metrics", {"auc": "<= Inf + 1"}),
         ("licenses", {"inputs": True}), ("formats", {"allow": "zip"}),
         ("formats", {"pickle": "no"}), ("suites", {"s": "failed"}),
         ("suites", {"s": {}}), ("patterns", {"inputs": "x"}),
         ("naming", {"modell": "x"}), ("inputs", {"digest": "yes"}), ("inputs", {"roles": "train"}),
         ("attachments", []), ("attachments", ["sbomm"]),
         ("require", ["parents.fintune"]), ("suites", {"": "passed"})]


@pytest.mark.parametrize("key, value", WRONG)
def test_schema_and_mreg_refuse_the_same(mreg, tmp_path, policy, key, value):
    wrong = {"policy": 1, key: value}
    with pytest.raises(jsonschema.ValidationError):
        validator("policy").validate(wrong)
    policy(json.dumps(wrong), "p.json")
    err = mreg.fails(1, "policy", "set", "churn", "p.json", "--dry-run",
                     cwd=tmp_path)
    assert err["code"] == "format" and "p.json" in err["message"]


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
    for key, value in schema["properties"].items():
        assert f"`{key}`" in text, key
        for inner in value.get("properties", {}):
            assert f"`{inner}" in text, inner
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


def events(store, name="churn"):
    layout = store / name
    index = json.loads((layout / "index.json").read_text())
    tags = {e["annotations"]["org.opencontainers.image.ref.name"]: e["digest"]
            for e in index["manifests"]}
    blob = layout / "blobs/sha256"
    rows = []
    for tag in sorted(tags):
        if tag.startswith("mreg.log."):
            doc = json.loads((blob / tags[tag].split(":")[1]).read_text())
            rows.append(json.loads(doc["annotations"]["org.mreg.event"]))
    return rows, tags, blob


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


# -- push ----------------------------------------------------------------------------


def test_ten_rules_refuse_a_push_with_ten_reasons(mreg, store, policy, pickled,
                                                  plain):
    mreg.run("policy", "set", "churn", policy(TEN))
    before = events(store)[1]
    r = mreg.run("push", pickled, "churn:wild", *BAD, status=7)
    reasons = [line for line in r.stderr.splitlines() if " -> " in line]
    rules = [line.split(": ")[1] for line in reasons]
    assert rules == ["naming.alias", "require.license", "require.runId",
                     "require.card", "require.inputs.train",
                     "patterns.revision", "metrics.auc", "licenses",
                     "inputs.digest", "formats.pickle"]
    assert "10 of 10 rules fail" in r.stderr and not r.stdout
    assert any("-> push with --license SPDX" in line for line in reasons)
    assert "metric 'auc' is 0.7, at least 0.8 is asked" in r.stderr
    assert events(store)[1] == before
    err = mreg.fails(7, "push", pickled, "churn:wild", *BAD)
    assert err["code"] == "policy"
    assert "require.license: license is missing" in err["cause"]
    mreg.run("push", pickled, "churn:wild", *BAD, "--dry-run", status=7)
    # The same with the fields supplied, and the file converted.
    assert mreg.json("push", plain, "churn:staging", *GOOD)["number"] == 1


def test_a_refusal_in_json_is_one_line(mreg, policy, pickled):
    mreg.run("policy", "set", "churn", policy(TEN))
    r = mreg.run("push", pickled, "churn:wild", *BAD, "--json", status=7)
    line, = r.stderr.splitlines()
    validator("schemas/error").validate(json.loads(line))
    err = json.loads(line)["error"]
    # What the error has no room for is there too.
    assert "more" in err["cause"]
    found = mreg.run("policy", "check", pickled, "churn:wild", "--field",
                     "revision=main", *BAD[2:], "--json", status=7).json
    assert err["findings"] == found["findings"]
    assert len(found["findings"]) > 7
    assert {f["where"] for f in found["findings"]} == {"churn"}
    assert all(f["mend"] for f in found["findings"])


def test_other_errors_have_no_findings(mreg):
    r = mreg.run("inspect", "churn", "--json", status=3)
    err = json.loads(r.stderr)
    validator("schemas/error").validate(err)
    assert "findings" not in err["error"]
    err["error"]["findings"] = []
    with pytest.raises(jsonschema.ValidationError):
        validator("schemas/error").validate(err)


def test_a_finding_says_whose_rule_it_is(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy("policy: 1\nrequire: license\n"))
    first = policy("policy: 1\nrequire: vendor\n", "v.yaml")
    policy("policy: 1\nrequire: [runId, license]\n", "r.yaml")
    r = mreg.run("push", plain, "churn", "--policy", "v.yaml", "--policy",
                 "r.yaml", "--json", status=7, cwd=first.parent)
    found = json.loads(r.stderr)["error"]["findings"]
    assert [(f["where"], f["rule"]) for f in found] == [
        ("churn", "require.license"), ("v.yaml", "require.vendor"),
        ("r.yaml", "require.runId"), ("r.yaml", "require.license")]


def test_an_alias_that_is_refused_has_findings(mreg, policy, plain):
    mreg.run("push", plain, "churn")
    mreg.run("policy", "set", "churn",
             policy("policy: 1\nnaming: {alias: dev}\n"))
    r = mreg.run("alias", "set", "churn:v1", "wild", "--json", status=7)
    found, = json.loads(r.stderr)["error"]["findings"]
    assert found["rule"] == "naming.alias" and found["where"] == "churn"


def test_verbose_tells_the_cause_of_one_rule(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy("policy: 1\nrequire: license\n"))
    words = ("push", plain, "churn")
    assert "cause: " not in mreg.run(*words, status=7).stderr
    assert "\ncause: require.license" in mreg.run(*words, "-v",
                                                  status=7).stderr


def test_a_long_number_can_be_shown(mreg, policy, plain):
    number = "123456789012345678901234567890"
    mreg.run("policy", "set", "churn",
             policy(f"policy: 1\npatterns: {{tags.x: {number}}}\n"))
    source, = mreg.json("policy", "show", "churn")["sources"]
    assert source["document"]["patterns"] == {"tags.x": number}


def test_quiet_still_tells_the_reasons(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy(TEN))
    r = mreg.run("push", plain, "churn", "--quiet", status=7)
    assert "require.license" in r.stderr


def test_the_policy_of_the_prefix_holds_where_a_model_has_none(
        mreg, tmp_path, policy, plain):
    mreg.run("policy", "set", "mreg-policy",
             policy("policy: 1\nrequire: license\n"))
    r = mreg.run("push", plain, "churn", status=7)
    assert "the policy of 'mreg-policy'" in r.stderr
    # Its own replaces it, even when it asks for nothing.
    mreg.run("policy", "set", "churn", policy("policy: 1\n"))
    mreg.run("push", plain, "churn")
    mreg.run("policy", "set", "churn", "--none")
    mreg.run("push", plain, "churn", "--tag", "a=b", status=7)
    # Elsewhere it does not hold.
    mreg.run("push", plain, f"oci:{tmp_path}/other//churn")
    mreg.run("push", plain, "churn", "--license", "MIT")


def test_a_file_adds_rules(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy("policy: 1\nrequire: license\n"))
    more = policy("policy: 1\nrequire: description\n", "more.yaml")
    r = mreg.run("push", plain, "churn", "--policy", more, "--license", "MIT",
                 "--description", "x")
    assert r.status == 0
    # Also where the version is there already.
    err = mreg.fails(7, "push", plain, "churn", "--policy",
                     policy("policy: 1\nrequire: runId\n", "run.yaml"),
                     "--license", "MIT", "--description", "x")
    assert "require.runId" in err["cause"]
    shown = mreg.json("policy", "show", "churn", "--policy", more)
    assert [s["file"] for s in shown["sources"]] == [False, True]


def test_every_file_adds_rules(mreg, policy, plain):
    first = policy("policy: 1\nrequire: license\n", "a.yaml")
    policy("policy: 1\nrequire: vendor\n", "b.yaml")
    both = ["--policy", "a.yaml", "--policy", "b.yaml"]
    here = {"cwd": first.parent}
    r = mreg.run("push", plain, "churn", *both, status=7, **here)
    assert "2 of 2 rules fail" in r.stderr
    assert "the policies 'a.yaml', 'b.yaml' refuse it" in r.stderr
    found = mreg.run("policy", "check", plain, "churn", *both, "--json",
                     status=7, **here).json
    assert [f["rule"] for f in found["findings"]] == [
        "require.license", "require.vendor"]
    shown = mreg.json("policy", "show", "churn", *both, **here)
    assert [s["where"] for s in shown["sources"]] == ["a.yaml", "b.yaml"]


def test_a_file_says_nothing_of_other_policies(mreg, policy, plain):
    mreg.run("push", plain, "churn")
    mreg.run("policy", "set", "churn", policy("policy: 1\nrequire: license\n"))
    # It is there already: only the file's rules are asked.
    again = mreg.json("push", plain, "churn", "--policy",
                      policy("policy: 1\n", "empty.yaml"))
    assert again["identical"]
    more = policy("policy: 1\nrequire: vendor\n", "v.yaml")
    r = mreg.run("push", plain, "churn", "--policy", "v.yaml", status=7,
                 cwd=more.parent)
    assert "the policy in 'v.yaml' refuses it, 1 of 1 rules fail" in r.stderr
    assert "require.license" not in r.stderr


ALIAS = "policy: 1\nrequire: license\nnaming: {alias: 'dev|staging'}\n"


def test_no_alias_moves_past_its_rule(mreg, policy, plain):
    """Also where the version is there already and not judged again."""
    mreg.run("push", plain, "churn")
    mreg.run("policy", "set", "churn", policy(ALIAS))
    for args in (["push", plain, "churn:production"],
                 ["push", plain, "churn", "--alias", "production"],
                 ["push", plain, "churn:production", "--policy",
                  policy("policy: 1\n", "empty.yaml")],
                 ["alias", "set", "churn:v1", "production"],
                 ["alias", "set", "churn:v1", "production", "--dry-run"]):
        err = mreg.fails(7, *args)
        assert "alias 'production' does not match" in err["cause"], args
        assert "require" not in err["cause"]
    assert mreg.run("push", plain, "churn:staging").status == 0
    mreg.run("alias", "set", "churn:v1", "dev")
    names = mreg.run("alias", "ls", "churn").stdout
    assert "dev" in names and "staging" in names
    assert "production" not in names
    # Rules of models are none of a dataset's.
    mreg.run("push", plain, "data", "--kind", "dataset")
    mreg.run("policy", "set", "data", policy(ALIAS + "kinds: model\n"))
    mreg.run("alias", "set", "data:v1", "production")


def test_a_push_again_is_not_judged_again(mreg, policy, plain):
    first = mreg.json("push", plain, "churn")
    mreg.run("policy", "set", "churn", policy("policy: 1\nrequire: runId\n"))
    again = mreg.json("push", plain, "churn")
    assert again["identical"] and again["number"] == first["number"]
    mreg.run("push", plain, "churn", "--tag", "a=b", status=7)


def test_a_policy_that_cannot_be_read_lets_nothing_through(mreg, store, policy,
                                                           plain):
    done = mreg.json("policy", "set", "churn", policy(TEN))
    _, _, blob = events(store)
    (blob / done["digest"].split(":")[1]).unlink()
    err = mreg.fails(3, "push", plain, "churn", *GOOD,
                     env={"XDG_CACHE_HOME": str(store / "cache")})
    assert "the policy of 'churn' cannot be read" in err["message"]
    assert "mreg policy set" in err["hint"]
    mreg.run("policy", "set", "churn", policy(TEN))
    mreg.run("push", plain, "churn", *GOOD)


def test_kinds_are_told_apart(mreg, policy, plain):
    mreg.run("policy", "set", "data",
             policy("policy: 1\nkinds: model\nrequire: license\n"))
    mreg.run("push", plain, "data", "--kind", "dataset")
    mreg.run("push", plain, "data", status=7)


def test_bounds_by_what_production_has(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy(
        "policy: 1\nmetrics: {auc: '>= production - 0.01'}\n"))
    mreg.run("push", plain, "churn:production", "--metric", "auc=0.80")
    err = mreg.fails(7, "push", plain, "churn", "--metric", "auc=0.78")
    assert "'production' has 0.80" in err["cause"]
    mreg.run("push", plain, "churn", "--metric", "auc=0.79")


# -- ancestors --------------------------------------------------------------------------


LICENSES = "policy: 1\nlicenses: {allow: MIT, ancestors: true, inputs: true}\n"


def test_licences_of_all_it_comes_from(mreg, store, policy, plain):
    mreg.run("push", plain, "data", "--kind", "dataset", "--license",
             "CC-BY-NC-4.0")
    mreg.run("push", plain, "base", "--license", "MIT", "--input",
             "train=data")
    mreg.run("push", plain, "middle", "--license", "MIT", "--parent", "base")
    mreg.run("policy", "set", "churn", policy(LICENSES))
    err = mreg.fails(7, "push", plain, "churn", "--license", "MIT",
                     "--parent", "middle")
    assert "licenses.inputs" in err["cause"]
    assert "CC-BY-NC-4.0" in err["cause"]
    assert "licenses.ancestors" not in err["cause"]
    # What is told of an input does not hide what it says itself.
    err = mreg.fails(7, "push", plain, "churn", "--license", "MIT", "--input",
                     "train=data,license=MIT")
    assert "CC-BY-NC-4.0" in err["cause"]


def test_an_ancestor_that_cannot_be_read_fails(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy(LICENSES))
    err = mreg.fails(7, "push", plain, "churn", "--license", "MIT",
                     "--parent", "finetune=gone:v1@sha256:" + "1" * 64)
    assert "that of 'gone:v1' cannot be read" in err["cause"]
    err = mreg.fails(7, "push", plain, "churn", "--license", "MIT",
                     "--parent", "finetune=hf://acme/base")
    assert "that of 'hf://acme/base' is not told" in err["cause"]


def test_why_an_ancestor_cannot_be_read_is_told(mreg, store, policy, plain):
    mreg.run("push", plain, "base", "--license", "MIT")
    config = json.loads(mreg.run("inspect", "base", "--raw").stdout)["config"]
    blob = next(store.rglob(config["digest"].split(":")[1]))
    blob.unlink()
    mreg.run("policy", "set", "churn", policy(LICENSES))
    err = mreg.fails(7, "push", plain, "churn", "--license", "MIT",
                     "--parent", "finetune=base:v1")
    problem = err["findings"][0]["problem"]
    assert "cannot read the config of 'base': " in problem
    assert config["digest"][7:20] in problem.split("of 'base': ")[1]


def test_a_file_that_cannot_be_looked_into_is_said_so_once(mreg, policy,
                                                           tmp_path):
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "m.pkl").write_bytes(zlib.compress(pickle.dumps([1.5] * 99)))
    mreg.run("policy", "set", "churn",
             policy("policy: 1\nformats: {unsafe: deny}\n"))
    finding, = mreg.fails(7, "push", folder, "churn")["findings"]
    assert "'m.pkl' cannot be looked into (it is compressed with zlib" in \
        finding["problem"]
    assert "inspected" not in finding["problem"]


@pytest.mark.parametrize("config, says", [
    ('{"auto_map": {"AutoModel": "m.Model"}}', "auto_map"),
    ("{", "(unread config.json)"),
    (" " * (1 << 20) + "{}", "(unread config.json)"),
    ('{"auto_map": {}}', None)], ids=["code", "broken", "large", "none"])
def test_code_of_the_models_own_is_unsafe(mreg, plain, policy, config, says):
    """Here and when it is there."""
    deny = policy("policy: 1\nformats: {unsafe: deny}\n")
    (plain / "config.json").write_text(config)
    mreg.run("push", plain, "churn")
    if not says:
        mreg.run("policy", "check", "churn:v1", "--policy", deny)
        mreg.run("policy", "check", plain, "churn", "--policy", deny)
        return
    for what in ([plain, "churn"], ["churn:v1"]):
        finding, = mreg.run("policy", "check", *what, "--policy", deny,
                            "--json", status=7).json["findings"]
        assert f"'config.json' uses {says};" in finding["problem"]


def npy_of_objects(value):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    return (b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header +
            pickle.dumps(value, protocol=4))


def test_a_file_too_large_to_be_looked_at_leaves_the_others_read(
        mreg, policy, tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    with zipfile.ZipFile(folder / "w.npz", "w") as z:
        for name in ("a.npy", "b.npy"):
            z.writestr(name, npy_of_objects(bytes(33 << 20)))
    (folder / "m.pkl").write_bytes(pickle.dumps([1.5]))
    mreg.run("push", folder, "churn")
    findings = strict(mreg.run(
        "policy", "check", "churn:v1", "--json", "--policy",
        policy("policy: 1\nformats: {trouble: deny, unsafe: deny}\n"),
        status=7).json, "policy-check")["findings"]
    assert [f["rule"] for f in findings] == ["formats.unsafe",
                                             "formats.trouble"]
    for f in findings:
        assert "'w.npz'" in f["problem"] and "m.pkl" not in f["problem"]
        assert "more than 67108864 bytes" in f["problem"]
        assert "again when" not in f["mend"]
    assert "it may be right" in findings[1]["mend"]


def push_archive(layout, content):
    """A version v1 of one tar layer, as other tools push them."""
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data, media):
        hexes = hashlib.sha256(data).hexdigest()
        (blobs / hexes).write_bytes(data)
        return {"mediaType": media, "digest": "sha256:" + hexes,
                "size": len(data)}

    manifest = put(json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.cncf.model.manifest.v1+json",
        "config": put(b"{}", "application/vnd.cncf.model.config.v1+json"),
        "layers": [put(content,
                       "application/vnd.cncf.model.weight.v1.tar")],
    }).encode(), "application/vnd.oci.image.manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps(
        {"schemaVersion": 2, "manifests": [manifest]}))


# -- check ----------------------------------------------------------------------------------


def test_check_says_what_a_push_would(mreg, store, policy, pickled, plain):
    mreg.run("policy", "set", "churn", policy(TEN))
    before = events(store)[1]
    r = mreg.run("policy", "check", pickled, "churn:wild", "--metric",
                 "auc=0.7", "--input", "test=s3://test", "--field",
                 "revision=main", status=7)
    assert "refused, 10 of 10 rules fail" in r.stdout
    assert "-> push with --license SPDX" in r.stdout
    found = strict(mreg.run("policy", "check", pickled, "churn", "--json",
                            status=7).json, "policy-check")
    assert not found["passed"] and found["reference"] is None
    assert found["sources"][0]["where"] == "churn"
    good = mreg.json("policy", "check", plain, "churn:staging", "--license",
                     "MIT", "--metric", "auc=0.9", "--input",
                     "train=s3://data,digest=sha256:" + "1" * 64, "--field",
                     "runId=r1", "--field", "revision=" + COMMIT)
    assert good["passed"] and good["checked"] == 10
    assert events(store)[1] == before


def test_check_of_a_version(mreg, policy, plain, pickled):
    mreg.run("push", pickled, "churn")
    found = strict(mreg.run("policy", "check", "churn:v1", "--json", "--policy",
                            policy(TEN), status=7).json, "policy-check")
    rules = [f["rule"] for f in found["findings"]]
    assert "formats.pickle" in rules and "require.card" in rules
    assert found["reference"].startswith("churn@sha256:")
    r = mreg.run("policy", "check", "churn:v1")
    assert "no policy is in force" in r.stdout
    mreg.fails(3, "policy", "check", "churn:v7")
    mreg.fails(2, "policy", "check", "churn", "--license", "MIT")
    mreg.fails(2, "policy", "check", plain, "churn", "--field", "x")


def test_a_version_is_called_by_its_number(mreg, policy, plain):
    mreg.run("push", plain, "churn")
    rules = ("--policy", policy("policy: 1\nrequire: license\n"))
    text = mreg.run("policy", "check", "churn", *rules, status=7).stdout
    assert text.startswith("churn:v1: refused, 1 of 1 rules fail\n")
    r = mreg.run("policy", "check", "churn", *rules, "--json", status=7).json
    assert (r["number"], r["version"]) == (1, "v1")
    r = mreg.run("policy", "check", plain, "new", *rules, "--json",
                 status=7).json
    assert (r["number"], r["version"], r["reference"]) == (None, None, None)


def test_a_folder_alone_is_no_name(mreg, policy, plain):
    for word in (plain, "plain", "./plain"):
        err = mreg.fails(2, "policy", "check", word, cwd=plain.parent)
        assert "is a folder" in err["message"], word
        assert f"mreg policy check {word} NAME" in err["hint"]
    assert "is a file" in mreg.fails(2, "policy", "check",
                                     plain / "README.md")["message"]
    # A model of that name goes before.
    mreg.run("push", plain, "plain")
    assert mreg.json("policy", "check", "plain", cwd=plain.parent)["passed"]


def test_the_policy_of_the_prefix_is_no_model(mreg, policy, plain):
    mreg.run("policy", "set", "mreg-policy", policy("policy: 1\n"))
    mreg.run("push", plain, "churn")
    assert [m for m in mreg.run("ls").stdout.split()] == ["churn"]


def test_archives_are_not_looked_into(mreg, store, policy):
    """A rule on files fails where they cannot be seen."""
    layer = b"x" * 600
    push_archive(store / "packed", layer)
    found = mreg.run("policy", "check", "packed:v1", "--json", "--policy",
                     policy("policy: 1\nformats: {pickle: deny}\n"),
                     status=7).json
    finding, = found["findings"]
    assert "come in archives" in finding["problem"]


def test_what_is_attached_is_asked_of_a_version(mreg, policy, plain, tmp_path):
    mreg.run("policy", "set", "churn", policy(
        "policy: 1\nattachments: sbom\nsuites: {fair: {verdict: passed, "
        "segments: {'*': {auc: '>= 0.7'}}}}\n"))
    waiting = mreg.json("policy", "check", plain, "churn")
    assert waiting["passed"] and waiting["deferred"] == 3
    mreg.run("push", plain, "churn")
    found = mreg.run("policy", "check", "churn", "--json", status=7).json
    assert [f["rule"] for f in found["findings"]] == [
        "suites.fair.segments.*.auc", "suites.fair", "attachments.sbom"]
    (tmp_path / "model.cdx.json").write_text("{}")
    mreg.run("attach", "churn:v1", tmp_path / "model.cdx.json", "--type",
             "sbom")
    mreg.run("evaluate", "churn:v1", "--suite", "fair", "--pass", "--segment",
             "de:auc=0.6")
    found = mreg.run("policy", "check", "churn", "--json", status=7).json
    assert [f["rule"] for f in found["findings"]] == [
        "suites.fair.segments.*.auc"]
    mreg.run("evaluate", "churn:v1", "--suite", "fair", "--pass", "--segment",
             "de:auc=0.8")
    assert mreg.json("policy", "check", "churn")["passed"]
    # The last word of a suite counts.
    mreg.run("evaluate", "churn:v1", "--suite", "fair", "--fail", "--segment",
             "de:auc=0.8")
    mreg.run("policy", "check", "churn", status=7)


def test_a_bound_that_is_compared_with_nothing_is_told(mreg, policy, plain):
    file = policy("policy: 1\nmetrics: {auc: ['>= 0.5', '>= prodution']}\n")
    mreg.run("policy", "set", "churn", file)
    out = mreg.run("push", plain, "churn:production", "-m", "auc=0.8", "-v")
    assert "metrics.auc holds: there is no 'prodution' to compare with" in \
        out.stderr
    found = strict(mreg.json("policy", "check", "churn:production"),
                   "policy-check")
    assert found["passed"] and found["checked"] == 2
    row, = found["uncompared"]
    assert row["rule"] == "metrics.auc"
    text = mreg.run("policy", "check", "churn:production").stdout
    assert "1 rule holds for want of what to compare with:" in text
    assert "there is no 'prodution' to compare with" in text
    right = policy("policy: 1\nmetrics: {auc: '>= production'}\n")
    mreg.run("policy", "set", "churn", right)
    assert mreg.json("policy", "check", "churn:v1")["uncompared"] == []
    mreg.run("push", plain, "churn", "-m", "auc=0.7", status=7)


def test_a_licence_that_is_told_hides_no_other(mreg, policy, plain):
    mreg.run("push", plain, "base", "--license", "GPL-3.0-only")
    mreg.run("push", plain, "mid", "--license", "Apache-2.0", "--parent",
             "base:v1")
    mreg.run("push", plain, "silent", "--tag", "a=b")
    file = policy("policy: 1\nlicenses: {allow: [MIT, Apache-2.0], "
                  "inputs: true}\n")

    def refused(*inputs):
        words = [w for i in inputs for w in ("--input", i)]
        r = mreg.run("policy", "check", plain, "new", "--license", "MIT",
                     "--policy", file, "--json", *words, status=None)
        return [f["problem"] for f in r.json["findings"]]

    problem, = refused("train=mid:v1,license=Apache-2.0")
    assert "'base:v1' is 'GPL-3.0-only'" in problem
    problem, = refused("train=base:v1,license=MIT")
    assert "'base:v1' is 'GPL-3.0-only'" in problem
    problem, = refused("train=silent:v1")
    assert "'silent:v1' is not told" in problem
    assert refused("train=silent:v1,license=MIT") == []
    problem, = refused("train=silent:v1,license=ISC")
    # Named twice, once with a licence that is not allowed.
    problem, = refused("train=silent:v1,license=MIT",
                       "test=silent:v1,license=ISC")
    assert "'ISC' is not allowed" in problem
    problem, = refused("train=gone:v1@sha256:" + "1" * 64 + ",license=MIT")
    assert "cannot be read" in problem
    # A name is no address.
    assert refused("train=hf://a/b,license=MIT,name=base:v1") == []
    facts = json.loads(mreg.run(
        "policy", "check", plain, "new", "--facts", "--input",
        "train=mid:v1,license=MIT").stdout)
    validator("policy-facts").validate(facts)
    assert facts["ancestors"][0]["license"] == "Apache-2.0"
    assert facts["ancestors"][0]["told"] == "MIT"
    assert facts["ancestors"][1]["license"] == "GPL-3.0-only"


def test_facts_are_what_the_schema_says(mreg, policy, plain, pickled):
    mreg.run("push", pickled, "base", "--license", "MIT")
    args = [plain, "churn:staging", "--license", "MIT", "--parent", "base",
            "--metric", "auc=0.910", "--tag", "owner=ada", "--author", "Ada"]
    facts = json.loads(mreg.run("policy", "check", "--facts", *args).stdout)
    validator("policy-facts").validate(facts)
    assert facts["at"] == "push" and facts["aliases"] == ["staging"]
    assert facts["metrics"] == {"auc": 0.91} and facts["card"]
    assert '"metrics":{"auc":0.910}' in \
        mreg.run("policy", "check", "--facts", *args).stdout
    assert facts["ancestors"][0]["license"] == "MIT"
    assert {f["path"] for f in facts["files"]} == {"README.md", "weights.txt"}
    assert all("format" in f for f in facts["files"])
    mreg.run("push", *args)
    there = json.loads(
        mreg.run("policy", "check", "--facts", "churn:staging").stdout)
    validator("policy-facts").validate(there)
    assert there["at"] == "version" and there["attachments"] == []
    assert there["reference"].startswith("churn@sha256:")
    for key in ("fields", "metrics", "tags", "parents", "inputs", "ancestors",
                "aliases", "card"):
        assert there[key] == facts[key], key
    pickles = json.loads(
        mreg.run("policy", "check", "--facts", "base:v1").stdout)
    assert pickles["files"][0]["format"] == "pickle"


def test_a_pickle_is_found_whatever_it_is_called(mreg, policy, tmp_path):
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "notes.json").write_bytes(pickle.dumps([1, 2, 3]))
    (folder / "w.txt").write_text("x")
    file = policy("policy: 1\nformats: {pickle: deny}\n")
    err = mreg.fails(7, "push", folder, "churn", "--policy", file)
    assert "'notes.json' is pickle" in err["cause"]
    mreg.run("push", folder, "churn")
    mreg.run("policy", "check", "churn", "--policy", file, status=7)


def test_help_says_who_enforces_it(mreg):
    for command in ("show", "set"):
        text = mreg.run("policy", command, "--help").stdout
        assert "enforced by clients, not by the registry" in \
            " ".join(text.split())


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
