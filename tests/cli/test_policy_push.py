"""test_policy_push.py - what a policy says at push: every reason at once, of the
files and of all that a version comes from."""
import json
import pickle
import zipfile
import zlib

import jsonschema
import pytest

from policy_rig import (BAD, GOOD, TEN, events, pickled, plain, policy,
                        strict, validator)


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
    assert config["digest"][7:13] in problem.split("of 'base': ")[1]


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
