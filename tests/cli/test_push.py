"""test_push.py - what makes a version, and what push says of it."""
import json
import subprocess

import pytest

from harness import ROOT


def annotations(store, name, digest):
    blob = store / name / "blobs" / "sha256" / digest.split(":")[1]
    return json.loads(blob.read_bytes())["annotations"]


def test_the_same_files_and_metadata_are_the_same_version(mreg, model):
    first = mreg.json("push", model, "m", "--metric", "auc=0.9")
    again = mreg.json("push", model, "m", "--metric", "auc=0.9")
    assert (first["version"], again["version"]) == ("v1", "v1")
    assert not first["identical"] and again["identical"]
    assert again["bytesSent"] == 0


def test_a_version_that_came_without_its_log_is_the_same_version(
        mreg, model, store, tmp_path):
    for auc in 1, 2:
        mreg.json("push", model, "m", "--metric", f"auc={auc}")
    index = store / "m/index.json"
    document = json.loads(index.read_bytes())
    document["manifests"] = [
        e for e in document["manifests"] if e["annotations"].get(
            "org.opencontainers.image.ref.name") in ("v1", "v2")]
    index.write_text(json.dumps(document))
    other = mreg.clone(tmp_path / "other", MREG_STORE=str(store))
    assert other.json("log", "m")["count"] == 0
    second = other.json("resolve", "m:v2")["digest"]
    for words in ["--dry-run"], [], []:
        again = other.json("push", model, "m", "--metric", "auc=1", *words)
        assert (again["version"], again["identical"]) == ("v1", True)
        assert not again["latest"]
    assert other.json("resolve", "m:latest")["digest"] == second
    assert other.json("log", "m")["count"] == 1
    # What nobody has pushed again keeps its number too.
    third = other.json("push", model, "m", "--metric", "auc=3")
    assert (third["version"], third["identical"]) == ("v3", False)
    again = other.json("push", model, "m", "--metric", "auc=2")
    assert (again["version"], again["identical"]) == ("v2", True)
    assert other.json("resolve", "m:latest")["digest"] == third["digest"]


def test_other_metadata_is_a_new_version_that_shares_every_blob(mreg, model):
    first = mreg.json("push", model, "m", "--metric", "auc=0.9")
    other = mreg.json("push", model, "m", "--metric", "auc=0.95",
                      "--license", "MIT")
    assert other["version"] == "v2" and other["bytesSent"] == 0
    assert other["filesetDigest"] == first["filesetDigest"]
    assert other["comparedWith"] == "v1"
    assert other["differences"] == ["license", "metric.auc"] or \
        other["differences"] == ["config", "license", "metric.auc"]


def test_a_tag_of_metadata_is_a_label_to_people(mreg, model):
    mreg.run("push", model, "m")
    words = ("push", model, "m", "--tag", "team=risk", "--license", "MIT")
    assert mreg.json(*words, "--dry-run")["differences"] == \
        ["license", "tag.team"]
    assert "  differs from v1 in: license, label.team\n" in \
        mreg.run(*words).stdout
    assert "\nlabels\n  team = risk\n" in mreg.run("inspect", "m").stdout


def test_only_changed_files_are_sent(mreg, model):
    mreg.json("push", model, "m")
    extra = model / "more.txt"
    extra.write_text("something new\n")
    result = mreg.json("push", model, "m")
    assert result["bytesSent"] == extra.stat().st_size
    sent = [f["path"] for f in result["files"] if f["action"] == "sent"]
    assert sent == ["more.txt"]


def test_nothing_of_the_machine_gets_into_a_version(mreg, model, store):
    digest = mreg.json("push", model, "m", env={"MREG_ACTOR": "ada"})["digest"]
    text = json.dumps(annotations(store, "m", digest))
    assert "ada" not in text and str(model) not in text
    assert "org.opencontainers.image.created" not in text


def test_created_comes_from_source_date_epoch_only_when_set(mreg, model, store):
    digest = mreg.json("push", model, "m",
                       env={"SOURCE_DATE_EPOCH": "1767225600"})["digest"]
    notes = annotations(store, "m", digest)
    assert notes["org.opencontainers.image.created"] == "2026-01-01T00:00:00Z"
    error = mreg.fails(2, "push", model, "m",
                       env={"SOURCE_DATE_EPOCH": "soon"})
    assert "SOURCE_DATE_EPOCH" in error["message"]


def test_a_flag_wins_over_the_file_over_the_environment(mreg, model, store,
                                                         tmp_path):
    meta = tmp_path / "meta.yaml"
    meta.write_text("license: MIT\nrevision: from-file\n")
    env = {"MREG_REVISION": "from-env", "MREG_LICENSE": "GPL-3.0-only",
           "MREG_RUN_ID": "run-9"}
    digest = mreg.json("push", model, "m", "-f", meta, "--license",
                       "Apache-2.0", env=env)["digest"]
    notes = annotations(store, "m", digest)
    assert notes["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert notes["org.opencontainers.image.revision"] == "from-file"
    assert notes["org.mreg.run.id"] == "run-9"


def test_parents_are_pinned_to_digests(mreg, model, store):
    base = mreg.json("push", model, "base:stable")
    digest = mreg.json("push", model, "m", "--parent",
                       "quantized=base:stable")["digest"]
    notes = annotations(store, "m", digest)
    assert json.loads(notes["org.mreg.parents"]) == [
        {"relation": "quantized", "ref": "base:stable",
         "digest": base["digest"]}]
    assert notes["org.opencontainers.image.base.digest"] == base["digest"]


def test_an_alias_is_moved_and_said_to_be(mreg, model):
    first = mreg.json("push", model, "m:staging")
    assert first["aliases"] == [{"alias": "staging", "was": None}]
    (model / "x.txt").write_text("x")
    second = mreg.json("push", model, "m", "--alias", "staging")
    assert second["aliases"] == [{"alias": "staging", "was": first["digest"]}]
    assert mreg.run("resolve", "m:staging").stdout.strip() == second["digest"]


def test_both_aliases_are_told(mreg, model):
    result = mreg.json("push", model, "m:staging", "--alias", "canary")
    assert result["aliases"] == [{"alias": "staging", "was": None},
                                 {"alias": "canary", "was": None}]


def test_a_dry_run_tells_the_tags_it_would_move(mreg, model, store):
    first = mreg.json("push", model, "m:staging")["digest"]
    before = (store / "m" / "index.json").read_bytes()
    (model / "x.txt").write_text("x")
    result = mreg.json("push", model, "m:staging", "-n")
    assert result["latest"] and result["number"] is None
    assert result["aliases"] == [{"alias": "staging", "was": first}]
    assert (store / "m" / "index.json").read_bytes() == before


def test_a_push_moves_a_latest_that_was_left_behind(mreg, model, store):
    """A push that was killed between v2 and latest, or another's mistake."""
    first = mreg.json("push", model, "m")["digest"]
    (model / "x.txt").write_text("x")
    second = mreg.json("push", model, "m")["digest"]
    index = json.loads((store / "m" / "index.json").read_text())
    for entry in index["manifests"]:
        tag = entry["annotations"]["org.opencontainers.image.ref.name"]
        if tag == "latest":
            old = next(e for e in index["manifests"] if e["digest"] == first)
            entry.update(digest=first, size=old["size"])
    (store / "m" / "index.json").write_text(json.dumps(index))
    assert mreg.run("resolve", "m").stdout.strip() == first
    again = mreg.json("push", model, "m")
    assert again["identical"] and again["latest"]
    assert mreg.run("resolve", "m").stdout.strip() == second


def test_a_release_name_never_moves(mreg, model, store):
    mreg.json("push", model, "m:1.2.0")
    before = (store / "m" / "index.json").read_bytes()
    (model / "x.txt").write_text("x")
    error = mreg.fails(4, "push", model, "m:1.2.0")
    assert "1.2.0" in error["message"] and error["hint"]
    assert (store / "m" / "index.json").read_bytes() == before
    assert mreg.json("push", model, "m:1.3.0")["version"] == "v2"


def test_the_same_push_finishes_what_is_missing(mreg, model):
    mreg.json("push", model, "m")
    again = mreg.json("push", model, "m:production")
    assert again["identical"]
    assert again["aliases"] == [{"alias": "production", "was": None}]
    assert mreg.run("resolve", "m:production").stdout.strip() == again["digest"]


def test_ignored_files_are_left_out_and_counted(mreg, model):
    (model / ".git").mkdir()
    (model / ".git" / "HEAD").write_text("ref")
    (model / ".mregignore").write_text("*.tmp\n!keep.tmp\n")
    (model / "drop.tmp").write_text("x")
    (model / "keep.tmp").write_text("x")
    result = mreg.json("push", model, "m", "--exclude", "*.md")
    paths = {f["path"] for f in result["files"]}
    assert "keep.tmp" in paths and "drop.tmp" not in paths
    assert not any(p.startswith(".git") or p.endswith(".md") for p in paths)
    assert result["leftOut"] >= 3
    everything = {f["path"] for f in mreg.json("push", model, "m",
                                               "--all")["files"]}
    assert {".git/HEAD", "drop.tmp", ".mregignore"} <= everything


def test_single_files_can_be_pushed(mreg, tmp_path):
    for name in ("card.md", "model.bin"):
        (tmp_path / name).write_text(name)
    result = mreg.json("push", tmp_path / "card.md", tmp_path / "model.bin",
                       "m")
    assert [f["path"] for f in result["files"]] == ["model.bin", "card.md"]


def test_a_dataset_says_that_it_is_one(mreg, model, store):
    digest = mreg.json("push", model, "d", "--kind", "dataset")["digest"]
    assert annotations(store, "d", digest)["org.mreg.kind"] == "dataset"
    rows = mreg.json("inspect", "d")["files"]
    assert "dataset" in {r["role"] for r in rows}


def test_the_kind_of_a_flag_wins(mreg, model, store, tmp_path):
    (tmp_path / "m.yaml").write_text("kind: dataset\n")
    digest = mreg.json("push", model, "d", "--metadata", tmp_path / "m.yaml",
                       "--kind", "model")["digest"]
    assert "org.mreg.kind" not in annotations(store, "d", digest)


@pytest.fixture
def checkout(model):
    def git(*words):
        subprocess.run(
            ["git", "-C", str(model), "-c", "user.name=Ada L",
             "-c", "user.email=ada@example.org", *words],
            check=True, capture_output=True)
    git("init", "-q")
    git("config", "user.name", "Ada L")
    git("remote", "add", "origin", "https://ada:secret@git.example/m.git")
    git("add", ".")
    git("commit", "-qm", "first")
    return model


def test_git_is_asked_only_when_wanted(mreg, checkout, store):
    plain = mreg.json("push", checkout, "m")["digest"]
    assert "org.opencontainers.image.revision" not in annotations(
        store, "m", plain)
    notes = annotations(store, "m",
                        mreg.json("push", checkout, "m", "--git")["digest"])
    assert len(notes["org.opencontainers.image.revision"]) == 40
    assert notes["org.opencontainers.image.source"] == \
        "https://git.example/m.git"
    assert notes["org.opencontainers.image.authors"] == "Ada L"
    (checkout / "x.txt").write_text("not committed\n")
    subprocess.run(["git", "-C", str(checkout), "add", "x.txt"], check=True)
    notes = annotations(store, "m",
                        mreg.json("push", checkout, "m", "--git")["digest"])
    assert notes["org.opencontainers.image.revision"].endswith("-dirty")


def test_git_outside_a_checkout_is_an_error(mreg, model):
    error = mreg.fails(2, "push", model, "m", "--git",
                       env={"GIT_CEILING_DIRECTORIES": str(model.parent)})
    assert "git" in error["message"]


def test_the_golden_model_comes_out_byte_for_byte(mreg, store):
    golden = ROOT / "tests/golden/toy"
    for metadata in "metadata.json", "metadata.yaml":
        pushed = mreg.json("push", golden / "files", "models/toy",
                           "--metadata", golden / metadata)
        blob = store / "models/toy/blobs/sha256" / pushed["digest"][7:]
        assert blob.read_bytes() == (golden / "manifest.json").read_bytes()


def test_however_a_parent_is_named_the_version_is_the_same(mreg, model, store):
    base = mreg.json("push", model, "base")["digest"]
    far = f"oci:{store}//base:v1"
    assert len({mreg.json("push", model, "m", "--parent", ref)["digest"]
                for ref in ("base:v1", f"base:v1@{base}", far,
                            f"{far}@{base}")}) == 1


def test_a_settings_file_is_no_part_of_a_version(mreg, model):
    first = mreg.json("push", model, "m")["digest"]
    mreg.run("config", "set", "jobs", "2")
    mreg.run("config", "set", "actor", "eve")
    assert mreg.json("push", model, "m")["digest"] == first
    assert mreg.json("push", model, "m",
                     env={"MREG_AUTHOR": "Ada"})["digest"] != first
