"""test_copy.py - copy, export and import between local stores: what they say,
what they refuse, and with which exit status."""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile

import jsonschema
import pytest

import aging
import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"


def validator(name):
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in folder.rglob("*") if p.is_file()} \
        if folder.exists() else None


@pytest.fixture
def grown(mreg, pushed, tmp_path):
    """churn with v1 (staging) and v2 (1.2.0)."""
    harness.small_model(tmp_path / "second", 2)
    return [pushed, mreg.json("push", tmp_path / "second",
                              "churn:1.2.0")["digest"]]


# -- what they say ------------------------------------------------------------


def test_samples_and_results_fit_the_schema(mreg, grown, tmp_path):
    check = validator("copy").validate
    check(json.loads((SPEC / "samples/copy.json").read_text()))
    check(mreg.json("copy", "churn", "other", "--dry-run"))
    check(mreg.json("copy", "churn", "other"))
    check(mreg.json("copy", "churn", "other"))
    check(mreg.json("copy", "churn:v1", "third"))
    check(mreg.json("export", "churn", tmp_path / "a.tar"))
    check(mreg.json("import", tmp_path / "a.tar", "fourth"))
    mreg.run("alias", "set", "churn:v2", "staging")
    moved = mreg.json("copy", "churn", "other")
    check(moved)
    assert [t["tag"] for t in moved["tags"] if t["action"] == "moved"] == \
        ["staging"]


def test_a_wrong_result_does_not_fit():
    sample = json.loads((SPEC / "samples/copy.json").read_text())
    for change in ({"versions": -1}, {"tags": [{"tag": "x"}]},
                   {"dryRun": "no"}):
        with pytest.raises(jsonschema.ValidationError):
            validator("copy").validate({**sample, **change})


def test_it_says_what_it_did(mreg, grown):
    text = mreg.run("copy", "churn", "other").stdout
    assert text.startswith("copied churn to other\n")
    assert "  v1 -> sha256:" in text and "  staging -> sha256:" in text
    assert "mreg.log" not in text
    assert "2 versions, 3 names, 4 records, 0 attached documents" in text
    text = mreg.run("copy", "churn", "other").stdout
    assert text.startswith("unchanged: churn is all in other\n")
    assert mreg.run("copy", "churn", "other", "-q").stdout == ""
    assert mreg.run("copy", "churn:staging", "one").stdout.startswith(
        "copied churn:v1 to one\n")


@pytest.mark.parametrize("command, usage", [
    ("copy", "REF NAME"), ("export", "REF FILE"), ("import", "FILE NAME")])
def test_it_says_what_it_takes(mreg, command, usage):
    assert mreg.run(command, "--help").stdout.startswith(
        f"usage: mreg {command} {usage} [options]\n")


def test_aliases_that_both_moved_follow_the_source_by_an_event(mreg, grown):
    """The log of the target explains its tags."""
    mreg.run("copy", "churn", "other")
    mreg.run("alias", "set", "churn:v1", "kept")
    mreg.run("alias", "set", "churn:v2", "staging")
    for version in ("v2", "v1", "v2", "v1"):
        mreg.run("alias", "set", f"other:{version}", "staging")
    mreg.run("copy", "churn", "other")
    log = mreg.json("log", "other", "--alias", "staging")
    assert log["events"][-1]["says"] == "staging: v2, was v1, by copy"
    rows = mreg.json("alias", "ls", "other")["aliases"]
    assert {r["alias"]: r["version"] for r in rows} == {
        "1.2.0": "v2", "kept": "v1", "latest": "v2", "staging": "v2"}
    assert all(r["differs"] is None for r in rows)
    again = mreg.run("copy", "churn", "other").stdout
    assert again.startswith("unchanged: churn is all in other\n")
    assert mreg.json("log", "other", "--alias", "staging") == log


def test_what_was_removed_since_is_removed_there(mreg, grown):
    mreg.run("copy", "churn", "other")
    mreg.run("alias", "rm", "churn:staging")
    mreg.run("copy", "churn", "other")
    mreg.fails(3, "resolve", "other:staging")
    assert [r["alias"] for r in mreg.json("alias", "ls", "other")["aliases"]] \
        == ["1.2.0", "latest"]
    assert mreg.json("log", "other") == {**mreg.json("log", "churn"),
                                         "name": "other"}


def test_tags_are_in_order(mreg, pushed, model):
    for i in range(11):
        (model / "config.json").write_text(str(i))
        mreg.run("push", model, "churn")
    tags = [t["tag"] for t in mreg.json("copy", "churn", "other")["tags"]]
    assert [t for t in tags if t.startswith("v")] == \
        [f"v{n}" for n in range(1, 13)]


def test_the_copy_is_the_same_to_every_command(mreg, grown, tmp_path):
    mreg.run("copy", "churn", "deep/churn")
    for command in (["ls", "churn"], ["alias", "ls", "churn"],
                    ["inspect", "churn:v2"]):
        mine = mreg.json(*command)
        theirs = mreg.json(*[w.replace("churn", "deep/churn") for w in command])
        for result in (mine, theirs):
            result.pop("name", None)
            result.pop("reference", None)
        assert mine == theirs
    mreg.run("pull", "deep/churn:1.2.0", "-o", tmp_path / "out")
    harness.assert_pulled(tmp_path / "out", harness.tree(tmp_path / "second"))
    assert mreg.json("push", tmp_path / "second", "deep/churn:1.2.0")["identical"]


def test_blobs_of_one_store_take_no_room_twice(mreg, grown, store):
    mreg.run("copy", "churn", "other")
    blobs = store / "churn/blobs/sha256"
    linked = [p for p in blobs.iterdir() if p.stat().st_nlink > 1]
    assert len(linked) >= 6  # files and configs; documents are written anew


def test_export_makes_a_layout_in_a_tar(mreg, grown, tmp_path):
    file = tmp_path / "churn.tar"
    mreg.run("export", "churn", file)
    with tarfile.open(file) as tar:
        names = tar.getnames()
        members = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    assert len(names) == len(set(names))
    assert json.loads(members["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, data in members.items():
        if name.startswith("blobs/"):
            assert hashlib.sha256(data).hexdigest() == name.split("/")[2]
    tags = {e.get("annotations", {}).get("org.opencontainers.image.ref.name"):
            e["digest"] for e in json.loads(members["index.json"])["manifests"]}
    assert tags["v1"] == grown[0] and tags["latest"] == grown[1]


def test_import_reads_what_another_store_exported(mreg, grown, tmp_path):
    file = tmp_path / "churn.tar"
    mreg.run("export", "churn", file)
    elsewhere = harness.Mreg(harness.program(), tmp_path / "elsewhere")
    r = elsewhere.json("import", file, "churn")
    assert r["from"] == str(file)
    assert r["versions"] == 2
    assert elsewhere.json("ls", "churn")["versions"] == \
        mreg.json("ls", "churn")["versions"]
    assert elsewhere.run("import", file, "churn").stdout.startswith(
        "unchanged: ")


def test_a_dry_run_leaves_no_archive(mreg, grown, tmp_path):
    r = mreg.json("export", "churn:v1", tmp_path / "x.tar", "--dry-run")
    assert r["bytesSent"] > 4096 and r["versions"] == 1
    assert not (tmp_path / "x.tar").exists()


# -- what they refuse ---------------------------------------------------------


@pytest.mark.parametrize("words, status, message", [
    (["copy", "churn", "churn"], 2, "cannot be copied to itself"),
    (["copy", "churn:v1", "churn"], 2, "cannot be copied to itself"),
    (["copy", "churn", "other:v1"], 2, "cannot copy to 'other:v1'"),
    (["copy", "churn", "other@sha256:" + "0" * 64], 2, "cannot copy to"),
    (["copy", "churn"], 2, "needs NAME"),
    (["copy", "nothing", "other"], 3, "no such model 'nothing'"),
    (["copy", "churn:v9", "other"], 3, "no tag 'v9'"),
    (["copy", "churn@sha256:" + "0" * 64, "other"], 3, "no version"),
    (["export", "churn", "-"], 2, "is no file for an archive"),
    (["export", "churn", ""], 2, "is no file for an archive"),
    (["import", "-", "other"], 2, "is no file for an archive"),
    (["import", "absent.tar", "other"], 3, "absent.tar"),
    (["export", "nothing", "x.tar"], 3, "no such model 'nothing'"),
    (["export", "churn", "no/such/folder/x.tar"], 3, "no/such/folder"),
])
def test_it_refuses(mreg, grown, store, words, status, message):
    before = files(store)
    error = mreg.fails(status, *words)
    assert message in error["message"]
    assert error["hint"] or status == 3
    assert files(store) == before
    assert not list(mreg.home.glob("*.tar"))


def test_a_pipe_hint_names_a_file(mreg, grown):
    assert "name a file" in mreg.fails(2, "export", "churn", "-")["hint"]


def test_export_does_not_overwrite(mreg, grown, tmp_path):
    file = tmp_path / "x.tar"
    file.write_text("mine")
    error = mreg.fails(4, "export", "churn", file)
    assert "exists" in error["message"] and file.read_text() == "mine"
    file.unlink()
    file.symlink_to("nowhere")
    assert mreg.run("export", "churn", file, status=None).status == 4
    assert os.readlink(file) == "nowhere"


def test_what_is_no_archive_is_not_imported(mreg, tmp_path, store):
    junk = tmp_path / "junk.tar"
    junk.write_bytes(os.urandom(20000))
    assert mreg.fails(1, "import", junk, "x")["code"] == "format"
    plain = tmp_path / "plain.tar"
    with tarfile.open(plain, "w") as tar:
        tar.add(__file__, "file.py")
    assert mreg.fails(1, "import", plain, "x")["code"] == "format"
    assert not (store / "x").exists()


def test_a_damaged_archive_changes_no_tag(mreg, grown, tmp_path, store):
    file = tmp_path / "x.tar"
    mreg.run("export", "churn", file)
    data = bytearray(file.read_bytes())
    with tarfile.open(file) as tar:
        big = max(tar.getmembers(), key=lambda m: m.size)
    data[big.offset_data + big.size // 2] ^= 1
    file.write_bytes(data)
    error = mreg.fails(6, "import", file, "x")
    assert error["code"] == "integrity"
    assert mreg.run("ls", "x", status=None).stdout == ""


def test_conflicts_are_listed(mreg, grown, tmp_path):
    harness.small_model(tmp_path / "theirs", 3)
    mreg.run("push", tmp_path / "theirs", "other:1.2.0")
    r = mreg.run("copy", "churn", "other", status=4)
    assert r.stdout == ""
    theirs = mreg.json("resolve", "other:v1")["digest"]
    assert "'other' has 2 tags with another digest" in r.stderr
    # Each once, with both digests.
    for tag, ours in (("1.2.0", grown[1]), ("v1", grown[0])):
        text = f"{tag} (source {ours}, target {theirs})"
        assert r.stderr.count(tag) == r.stderr.count(text) == 1
    assert "warning: " not in r.stderr
    error = mreg.fails(4, "copy", "churn", "other")
    assert error["cause"].count(theirs) == 2


def test_many_conflicts_are_counted(mreg, model, tmp_path):
    for name in ("a", "b"):
        for i in range(25):
            (model / "config.json").write_text(f"{name}{i}")
            mreg.run("push", model, name)
    r = mreg.run("copy", "a", "b", "--json", status=4)
    assert "'b' has 25 tags with another digest" in r.error["message"]
    told = r.error["cause"].count("source sha256:")
    assert told > 1
    assert r.error["cause"].endswith(f") and {25 - told} more")
    assert r.stderr.count("warning: ") == 20 - told


def test_files_are_told_by_their_names(mreg, grown, store):
    """With a part of the digest where two have the same."""
    def labels(stderr):
        return {e["label"] for e in map(json.loads, stderr.splitlines())
                if e.get("label")}

    one = mreg.run("copy", "churn:v1", f"oci:{store}-2//churn",
                   "--progress=json")
    names = {f["path"] for f in mreg.json("inspect", "churn:v1")["files"]}
    assert names < labels(one.stderr)
    both = labels(mreg.run("export", "churn", f"{store}.tar",
                           "--progress=json").stderr)
    same = {b for b in both if re.fullmatch(r"model\.bin \([0-9a-f]{12}\)", b)}
    assert len(same) == 2 and "README.md" in both


def test_a_damaged_source_writes_no_tag(mreg, grown, store):
    blobs = store / "churn/blobs/sha256"
    big = max(blobs.iterdir(), key=lambda p: p.stat().st_size)
    data = bytearray(big.read_bytes())
    data[0] ^= 1
    big.chmod(0o644)
    big.write_bytes(data)
    error = mreg.fails(6, "copy", "churn", f"oci:{store}-2//churn")
    assert error["code"] == "integrity"
    assert "'model.bin (" in error["message"]
    assert mreg.run("ls", f"oci:{store}-2//churn", status=None).stdout == ""


def test_a_lost_file_of_the_target_is_brought_back(mreg, grown, store):
    target = pathlib.Path(f"{store}-2")
    mreg.run("copy", "churn", f"oci:{target}//churn")
    lost = max((target / "churn/blobs/sha256").iterdir(),
               key=lambda p: p.stat().st_size)
    data = lost.read_bytes()
    lost.unlink()
    r = mreg.json("copy", "churn", f"oci:{target}//churn")
    assert r["bytesSent"] == len(data) and lost.read_bytes() == data


def test_what_others_keep_in_a_layout_is_copied(mreg, tmp_path, store):
    """A layout of another tool, without a log."""
    layout = tmp_path / "theirs/model"
    (layout / "blobs/sha256").mkdir(parents=True)

    def blob(data):
        name = hashlib.sha256(data).hexdigest()
        (layout / "blobs/sha256" / name).write_bytes(data)
        return {"mediaType": "application/octet-stream", "size": len(data),
                "digest": f"sha256:{name}"}

    manifest = json.dumps({
        "schemaVersion": 2, "config": blob(b"{\"a\":1}"),
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "layers": [blob(b"weights")]}).encode()
    entry = {**blob(manifest),
             "mediaType": "application/vnd.oci.image.manifest.v1+json",
             "annotations": {"org.opencontainers.image.ref.name": "a.b"}}
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps(
        {"schemaVersion": 2, "manifests": [entry]}))
    r = mreg.json("copy", f"oci:{tmp_path}/theirs//model", "mine")
    assert [t["tag"] for t in r["tags"]] == ["a.b"]
    assert mreg.json("resolve", "mine:a.b")["digest"] == entry["digest"]


def test_nothing_is_left_by_a_refused_copy(mreg, store):
    mreg.fails(3, "copy", "nothing", "other")
    assert not (store / "other").exists()


def test_an_interrupted_export_leaves_nothing(mreg, grown, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 4; trap "" XFSZ; exec "$@"', "x",
         *mreg.command("export", "churn", folder / "x.tar")],
        capture_output=True, text=True, env=mreg.env, cwd=mreg.home)
    assert limited.returncode == 1, limited.stderr
    assert list(folder.iterdir()) == []


def test_an_alias_that_was_only_ever_split_is_copied(mreg, grown, store):
    """It has a place in the log, and no move."""
    mreg.run("copy", "churn", "other")
    aging.write_event(mreg, store / "churn", "churn", "split_recorded",
                      alias="canary", weights={grown[0]: "100"})
    mreg.run("copy", "churn", "other")
    assert mreg.json("log", "other")["events"][-1]["kind"] == "split_recorded"
