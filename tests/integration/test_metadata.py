"""test_metadata.py - release names, lineage, kinds, and metadata from a file,
the environment and flags, on a real registry."""
import json

import pytest

from harness import small_model, write

OCI = "org.opencontainers.image."


def state_of(user, plain):
    """Everything a push could write."""
    if user.where == "http":
        return plain.blobs(), plain.tags("rel")
    return {p: p.stat().st_mtime_ns
            for p in user.store.rglob("*") if p.is_file() and
            p.name != "mreg.lock"}


def test_a_release_name_is_given_once(shared, plain, box):
    one = small_model(box / "1", "release 1")
    two = small_model(box / "2", "release 2")
    first = shared.json("push", one, "rel:1.2.0")
    assert first["release"] == "1.2.0"
    assert shared.json("resolve", "rel:1.2.0")["digest"] == first["digest"]

    before = state_of(shared, plain)
    e = shared.fails(4, "push", two, "rel:1.2.0")
    assert e["code"] == "conflict" and "1.2.0" in e["message"] and e["hint"]
    assert state_of(shared, plain) == before
    assert len(shared.json("ls", "rel")["versions"]) == 1

    # The same again is the same; the next name is free.
    assert shared.json("push", one, "rel:1.2.0")["identical"]
    assert shared.json("push", two, "rel:1.3.0-rc.1")["number"] == 2
    row, _ = shared.json("ls", "rel")["versions"]
    assert "1.3.0-rc.1" in row["tags"]
    names = {r["alias"]: r["kind"]
             for r in shared.json("alias", "ls", "rel")["aliases"]}
    assert names == {"1.2.0": "release", "1.3.0-rc.1": "release",
                     "latest": "latest"}


def test_a_release_name_becomes_the_version_annotation(at_plain, plain, box):
    folder = small_model(box / "m", "label")
    at_plain.run("push", folder, "label/one:2.0.0")
    notes = plain.manifest("label/one", "2.0.0")["annotations"]
    assert notes[OCI + "version"] == "2.0.0"
    at_plain.run("push", folder, "label/two", "--version-label", "spring")
    assert plain.manifest("label/two", "v1")["annotations"][
        OCI + "version"] == "spring"
    at_plain.run("push", folder, "label/three:staging")
    assert OCI + "version" not in \
        plain.manifest("label/three", "v1")["annotations"]


@pytest.mark.parametrize("tag", ["v3", "latest", "sha256-" + "a" * 64, "x.sig",
                                 "mreg.log", "prod-image", "prod-docker"])
def test_push_takes_aliases_and_release_names_only(at_plain, plain, box, tag):
    before = plain.blobs()
    e = at_plain.fails(2, "push", small_model(box / "m", tag), f"tags:{tag}")
    assert e["code"] == "usage" and tag in e["message"] and e["hint"]
    assert plain.blobs() == before and plain.tags("tags") == set()


def test_parents_and_inputs_are_pinned_to_digests(shared, plain, box):
    base = shared.json("push", small_model(box / "base", "base"),
                       "lineage/base:stable")
    data = shared.json("push", small_model(box / "data", "data"),
                       "lineage/data", "--kind", "dataset")
    shared.run("push", small_model(box / "m", "child"), "lineage/child",
               "--parent", "finetune=lineage/base:stable",
               "--parent", "merge=hf://acme/tiny@main",
               "--input", "train=lineage/data:v1,license=CC-BY-4.0",
               "--input", "test=s3://bucket/test.parquet")
    full = shared.json("inspect", "lineage/child:v1")
    host = f"{plain.host}/" if shared.where == "http" else ""
    assert full["parents"] == [
        {"relation": "finetune", "ref": f"{host}lineage/base:stable",
         "digest": base["digest"]},
        {"relation": "merge", "ref": "hf://acme/tiny@main", "digest": None}]
    train, test = full["inputs"]
    assert train["digest"] == data["digest"]
    assert train["uri"] == f"{host}lineage/data:v1"
    assert (train["role"], train["license"]) == ("train", "CC-BY-4.0")
    assert (test["uri"], test["digest"]) == ("s3://bucket/test.parquet", None)

    # The alias moves on; what the child came from does not.
    shared.run("push", small_model(box / "base2", "base2"),
               "lineage/base:stable")
    assert shared.json("inspect", "lineage/child:v1")["parents"][0][
        "digest"] == base["digest"]


def test_the_first_parent_is_where_oci_tools_look(at_plain, plain, box):
    base = at_plain.json("push", small_model(box / "b", "b"), "pin/base")
    at_plain.run("push", small_model(box / "m", "m"), "pin/child",
                 "--parent", "quantized=pin/base")
    notes = plain.manifest("pin/child", "v1")["annotations"]
    assert notes[OCI + "base.name"] == f"{plain.host}/pin/base:latest"
    assert notes[OCI + "base.digest"] == base["digest"]
    assert json.loads(notes["org.mreg.parents"]) == [
        {"relation": "quantized", "ref": f"{plain.host}/pin/base:latest",
         "digest": base["digest"]}]


@pytest.mark.parametrize("flag,value", [
    ("--parent", "finetune=unres/base:v7"),
    ("--parent", "unres/nothing"),
    ("--input", "train=unres/nothing:v1"),
])
def test_what_cannot_be_resolved_fails_before_anything_is_sent(
        at_plain, plain, box, flag, value):
    at_plain.run("push", small_model(box / "base", "unres"), "unres/base")
    before = plain.blobs()
    e = at_plain.fails(3, "push", small_model(box / "m", value), "unres/m",
                       flag, value)
    assert value.partition("=")[2] or value in e["message"]
    assert flag[2:] in e["message"]
    assert plain.blobs() == before and plain.tags("unres/m") == set()


def test_a_parent_with_its_digest_is_taken_as_given(mreg, box):
    digest = "sha256:" + "ab" * 32
    mreg.run("push", small_model(box / "m", "given"), "given", "--parent",
             f"distill=elsewhere.example/team/base:v2@{digest}")
    assert mreg.json("inspect", "given")["parents"] == [
        {"relation": "distill", "ref": "elsewhere.example/team/base:v2",
         "digest": digest}]


def test_a_dataset_says_so_and_has_its_roles(at_plain, plain, box):
    write(box / "d/train.csv", "a,b\n1,2\n")
    write(box / "d/README.md", "# Data\n")
    at_plain.run("push", box / "d", "kinds/data", "--kind", "dataset")
    manifest = plain.manifest("kinds/data", "v1")
    assert manifest["annotations"]["org.mreg.kind"] == "dataset"
    full = at_plain.json("inspect", "kinds/data")
    assert {f["path"]: f["role"] for f in full["files"]} == \
        {"train.csv": "dataset", "README.md": "doc"}
    at_plain.run("push", box / "d", "kinds/model")
    assert "org.mreg.kind" not in \
        plain.manifest("kinds/model", "v1")["annotations"]


YAML = """\
# What a training job knows.
license: Apache-2.0
description: >-
  Says whether a customer
  leaves.
versionLabel: from-file
authors: [Ada, Grace]
runId: run-from-file
metrics:
  auc: 0.931
  loss: 1e-3
params:
  lr: 0.0005
  epochs: 3
tags:
  team: growth
inputs:
- role: train
  name: customers
  uri: s3://bucket/customers.parquet
  classification: internal
"""


def test_flags_win_over_the_file_and_it_over_the_environment(
        shared, plain, box):
    write(box / "meta.yaml", YAML)
    folder = small_model(box / "m", "meta")
    env = {"MREG_RUN_ID": "run-from-env", "MREG_LICENSE": "MIT",
           "MREG_REVISION": "c0ffee", "SOURCE_DATE_EPOCH": "1700000000"}
    shared.run("push", folder, "meta", "--metadata", box / "meta.yaml",
               "--license", "BSD-3-Clause", "--metric", "f1=0.5", env=env)
    full = shared.json("inspect", "meta")
    fields = full["metadata"]
    assert fields["license"] == "BSD-3-Clause"
    assert fields["runId"] == "run-from-file"
    assert fields["revision"] == "c0ffee"
    assert fields["versionLabel"] == "from-file"
    assert fields["description"] == "Says whether a customer leaves."
    assert fields["created"] == "2023-11-14T22:13:20Z"
    # Numbers as they were written.
    assert full["metrics"] == {"auc": "0.931", "f1": "0.5", "loss": "1e-3"}
    assert full["params"] == {"epochs": "3", "lr": "0.0005"}
    assert full["labels"] == {"team": "growth"}
    assert full["inputs"][0]["classification"] == "internal"
    row, = shared.json("ls", "meta")["versions"]
    assert row["metrics"] == full["metrics"]
    assert row["runId"] == "run-from-file"


def test_a_json_file_gives_the_same_manifest_as_yaml(mreg, box):
    write(box / "a.yaml", "license: MIT\nmetrics: {auc: 0.9}\n")
    write(box / "a.json", '{"metrics": {"auc": 0.9}, "license": "MIT"}')
    folder = small_model(box / "m", "formats")
    yaml = mreg.json("push", folder, "formats", "-f", box / "a.yaml")
    assert mreg.json("push", folder, "formats", "-f", box / "a.json")[
        "digest"] == yaml["digest"]
    assert mreg.json("push", folder, "formats", "--license", "MIT", "-m",
                     "auc=0.9")["identical"]


@pytest.mark.parametrize("text,word", [
    ("metrics: {auc: .nan}\n", "auc"),
    ("metrics: {auc: high}\n", "auc"),
    ("licence: MIT\n", "licence"),
    ("metrics: [1, 2]\n", "metrics"),
    ("license: [\n", "meta.yaml"),
])
def test_a_bad_metadata_file_is_named_and_nothing_is_sent(
        at_plain, plain, box, text, word):
    write(box / "meta.yaml", text)
    before = plain.blobs()
    r = at_plain.run("push", small_model(box / "m", text), "badmeta", "-f",
                     box / "meta.yaml", "--json", status=None)
    assert r.status in (1, 2), str(r)
    assert word in r.error["message"], r.error
    assert "meta.yaml" in r.error["message"] + r.error["cause"], r.error
    assert plain.blobs() == before


def test_the_log_says_who_and_when_and_not_the_manifest(at_plain, plain, box):
    folder = small_model(box / "m", "who")
    at_plain.run("push", folder, "who", env={"MREG_ACTOR": "pipeline-7"})
    row, = at_plain.json("ls", "who")["versions"]
    assert row["actor"] == "pipeline-7" and row["registeredAt"]
    assert "pipeline-7" not in json.dumps(plain.manifest("who", "v1"))
