"""test_policy_check.py - what policy check says of a version, or of files that
are not pushed yet, and the facts it judges."""
import hashlib
import json
import pickle

from policy_rig import (COMMIT, TEN, events, pickled, plain, policy, strict,
                        validator)


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


def test_gates_and_settings_are_not_asked_of_a_version(mreg, policy, plain):
    mreg.run("policy", "set", "churn", policy(
        "policy: 1\nrequire: license\nroles: {risk: bob}\nhold: true\n"
        "aliases: {prod: {require: runId, approvals: 1, age: 1h}}\n"))
    for what in ([plain, "churn", "--license", "MIT"], ["churn:v1"]):
        found = mreg.json("policy", "check", *what)
        assert found["passed"]
        assert (found["checked"], found["deferred"]) == (1, 0)
        mreg.run("push", plain, "churn", "--license", "MIT")


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
