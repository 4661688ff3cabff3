"""test_check.py - mreg check: a directory on disk against a version."""
import json
import os
import pathlib
import shutil

import jsonschema
import pytest

import bad
import harness
from harness import write

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
FILES = {"model.bin": b"weights" * 500, "config.json": b"{}\n",
         "sub/vocab.txt": b"a\nb\n", "run.sh": b"#!/bin/sh\n"}
BYTES = sum(map(len, FILES.values()))
COUNTS = {"right": 0, "missing": 0, "changed": 0, "mode": 0, "other": 0,
          "extra": 0, "packed": 0}


@pytest.fixture
def source(tmp_path):
    for path, data in FILES.items():
        write(tmp_path / "source" / path, data,
              executable=path.endswith(".sh"))
    return tmp_path / "source"


@pytest.fixture
def churn(mreg, source):
    """Digest of churn:v1, which is also churn:prod."""
    return mreg.json("push", source, "churn:prod")["digest"]


@pytest.fixture
def pulled(mreg, churn, tmp_path):
    mreg.run("pull", "churn:prod", "-o", tmp_path / "out")
    return tmp_path / "out"


def validate(result):
    schema = json.loads((SPEC / "schemas/check.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    return result


def check(mreg, *words, same=True):
    r = validate(mreg.run("check", *words, "--json",
                          status=0 if same else 6).json)
    assert r["same"] == same
    return r


def states(r):
    return {f["path"]: f["state"] for f in r["files"]}


def counts(r):
    return {k: n for k, n in r["counts"].items() if n}


# -- what is found ----------------------------------------------------------------


def test_what_was_pulled_is_right_and_not_read_again(mreg, churn, pulled):
    r = check(mreg, pulled)
    assert r["files"] == [] and r["counts"] == {**COUNTS, "right": 4}
    assert r["bytesHashed"] == 0 and r["remembered"]
    # By digest: where the alias points by now, nobody asked.
    assert (r["digest"], r["tag"], r["name"]) == (churn, None, "churn")
    text = mreg.run("check", pulled).stdout
    assert text.startswith(f"{pulled} is churn:v1\n  {churn}\n")
    text = mreg.run("check", pulled, "churn:prod").stdout
    assert text.startswith(f"{pulled} is churn:prod (v1)\n  {churn}\n")
    assert "  4 right; 0 B read, the rest has not changed since it was " \
        "read\n" in text
    assert r["filesKnown"] == 4
    r = check(mreg, pulled, "--verify-files")
    assert (r["bytesHashed"], r["filesKnown"]) == (BYTES, 0)
    text = mreg.run("check", pulled, "--verify-files").stdout
    assert text.endswith(" read\n") and "the rest" not in text


def test_every_kind_of_difference_is_told(mreg, pulled):
    (pulled / "config.json").unlink()
    write(pulled / "model.bin", b"Weights" * 500)
    (pulled / "run.sh").chmod(0o644)
    (pulled / "sub/vocab.txt").unlink()
    (pulled / "sub/vocab.txt").mkdir()
    write(pulled / "notes.txt", "mine\n")
    write(pulled / ".git/config", "[core]\n")
    r = check(mreg, pulled, same=False)
    assert states(r) == {"config.json": "missing", "model.bin": "changed",
                         "notes.txt": "extra", "run.sh": "mode",
                         "sub/vocab.txt": "other"}
    assert r["counts"] == {**COUNTS, "missing": 1, "changed": 1, "mode": 1,
                           "other": 1, "extra": 1}
    r = mreg.run("check", pulled, status=6)
    assert r.stderr == ""
    assert r.stdout.startswith(f"{pulled} differs from churn:v1\n")
    for line in ("  missing  config.json", "  changed  model.bin",
                 "  mode     run.sh (should be executable)",
                 "  no file  sub/vocab.txt", "  extra    notes.txt"):
        assert line in r.stdout.splitlines()


def test_another_size_is_known_without_reading(mreg, pulled):
    write(pulled / "model.bin", b"short")
    r = check(mreg, pulled, same=False)
    assert states(r) == {"model.bin": "changed"} and r["bytesHashed"] == 0


def test_the_same_size_is_read(mreg, pulled):
    write(pulled / "model.bin", FILES["model.bin"][::-1])
    r = check(mreg, pulled, same=False)
    assert states(r) == {"model.bin": "changed"}
    assert r["bytesHashed"] == len(FILES["model.bin"])


def test_other_files_count_only_with_exact(mreg, pulled):
    write(pulled / "notes.txt", "mine\n")
    assert states(check(mreg, pulled)) == {"notes.txt": "extra"}
    assert states(check(mreg, pulled, "--exact", same=False)) == \
        {"notes.txt": "extra"}


def test_an_executable_that_should_not_be_is_told(mreg, pulled):
    (pulled / "model.bin").chmod(0o755)
    text = mreg.run("check", pulled, status=6).stdout
    assert "  mode     model.bin (should not be executable)" in \
        text.splitlines()


def test_quiet_tells_by_the_exit_status(mreg, pulled):
    assert mreg.run("check", pulled, "-q").stdout == ""
    (pulled / "model.bin").unlink()
    r = mreg.run("check", pulled, "-q", status=6)
    assert r.stdout == "" and r.stderr == ""


def test_nothing_is_written(mreg, pulled):
    def look():
        return {p: (p.lstat().st_mtime_ns, p.lstat().st_ctime_ns)
                for p in [pulled, *pulled.rglob("*")]}

    (pulled / "config.json").unlink()
    before = look()
    check(mreg, pulled, same=False)
    check(mreg, pulled, "--verify-files", same=False)
    assert look() == before


def test_a_pipe_in_the_way_hangs_nothing(mreg, pulled):
    (pulled / "model.bin").unlink()
    os.mkfifo(pulled / "model.bin")
    assert states(check(mreg, pulled, same=False)) == {"model.bin": "other"}


def test_a_file_where_a_folder_should_be_is_missing(mreg, pulled):
    shutil.rmtree(pulled / "sub")
    write(pulled / "sub", "a file\n")
    assert states(check(mreg, pulled, same=False)) == {
        "sub/vocab.txt": "missing", "sub": "extra"}


def test_links_are_followed_as_push_does(mreg, churn, source, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "model.bin").symlink_to(source / "model.bin")
    (cache / "config.json").symlink_to("../source/config.json")
    (cache / "run.sh").symlink_to(source / "run.sh")
    (cache / "sub").symlink_to(source / "sub")
    assert check(mreg, cache, "churn")["files"] == []
    (cache / "config.json").unlink()
    (cache / "config.json").symlink_to("nowhere")
    assert states(check(mreg, cache, "churn", same=False)) == \
        {"config.json": "missing"}
    (cache / "config.json").unlink()
    (cache / "config.json").symlink_to("config.json")
    assert states(check(mreg, cache, "churn", same=False)) == \
        {"config.json": "other"}


# -- what is remembered -----------------------------------------------------------


def test_verify_files_reads_all(mreg, pulled):
    assert check(mreg, pulled, "--verify-files")["bytesHashed"] == BYTES
    assert check(mreg, pulled)["bytesHashed"] == 0


def test_what_was_read_once_is_remembered(mreg, churn, source, tmp_path):
    who = mreg.clone(tmp_path / "other")
    past = 1_000_000_000
    for path in FILES:
        os.utime(source / path, (past, past))
    assert check(who, source, "churn")["bytesHashed"] == BYTES
    # A change of the inode is younger than what may be believed at once.
    assert check(who, source, "churn")["bytesHashed"] in (0, BYTES)


def test_it_stays_what_was_pulled_wherever_the_alias_goes(mreg, churn, pulled,
                                                          source):
    write(source / "config.json", b'{"new": true}\n')
    mreg.run("push", source, "churn:prod")
    r = check(mreg, pulled)
    assert (r["digest"], r["tag"], r["version"]) == (churn, None, "v1")
    assert states(check(mreg, pulled, "churn:prod", same=False)) == \
        {"config.json": "changed"}
    mreg.run("pull", "churn:prod", "-o", pulled)
    assert check(mreg, pulled)["digest"] != churn


def test_a_part_that_was_pulled_is_not_remembered(mreg, churn, tmp_path):
    out = tmp_path / "part"
    mreg.run("pull", "churn", "-o", out, "--include", "*.json")
    error = mreg.fails(3, "check", out)
    assert "is not known" in error["message"]
    assert f"mreg check {out} REF" in error["hint"]


def test_where_nothing_was_pulled_it_asks_for_a_reference(mreg, source,
                                                          churn):
    error = mreg.fails(3, "check", source)
    assert error["code"] == "not_found" and "REF" in error["hint"]
    check(mreg, source, "churn")
    # Having compared it with one does not make it that one.
    mreg.fails(3, "check", source)


def test_a_store_named_from_elsewhere_is_found_again(mreg, source, tmp_path):
    home = tmp_path / "work"
    home.mkdir()
    mreg.run("push", source, "oci:store//churn", cwd=home)
    mreg.run("pull", "oci:store//churn", "-o", "out", cwd=home)
    assert check(mreg, home / "out")["remembered"]


# -- what cannot work -------------------------------------------------------------


def archives(store, **types):
    """A version m:v1 of config.json and model.tar, of these media types."""
    model = bad.Model({"config.json": b"{}\n", "model.tar": b"a tar\n"})
    for path, what in types.items():
        model.layer(path.replace("_", "."))["mediaType"] = \
            f"application/vnd.cncf.model.{what}"
    model.write_layout(store / "m")


def test_what_comes_in_archives_is_not_compared(mreg, store, tmp_path):
    archives(store, model_tar="weight.v1.tar")
    write(tmp_path / "out/config.json", b"{}\n")
    write(tmp_path / "out/weights.bin", b"unpacked\n")
    for words in ((), ("--exact",)):
        r = validate(mreg.run("check", tmp_path / "out", "m:v1", "--json",
                              *words, status=9).json)
        assert counts(r) == {"right": 1, "packed": 1} and not r["same"]
        assert states(r) == {"model.tar": "packed"}
    text = mreg.run("check", tmp_path / "out", "m:v1", status=9).stdout
    assert " was not compared as a whole with m:v1" in text
    assert "1 packed, not compared" in text and "--verify-files" in text
    # What was compared and is wrong is told as ever.
    write(tmp_path / "out/config.json", b"[]\n")
    r = check(mreg, tmp_path / "out", "m:v1", same=False)
    assert counts(r) == {"changed": 1, "packed": 1}


def test_nothing_but_archives_cannot_be_compared(mreg, store, tmp_path):
    archives(store, model_tar="weight.v1.tar+gzip",
             config_json="weight.config.v1.tar")
    (tmp_path / "out").mkdir()
    error = mreg.fails(9, "check", tmp_path / "out", "m:v1")
    assert "archives" in error["message"] and "pull" in error["hint"]


def test_a_path_that_leads_out_is_refused(mreg, store, tmp_path):
    model = bad.Model({"../secret": b"secret\n"})
    model.write_layout(store / "m")
    write(tmp_path / "secret", b"secret\n")
    (tmp_path / "out").mkdir()
    error = mreg.fails(6, "check", tmp_path / "out", "m:v1")
    assert "../secret" in error["message"] + error["cause"]


def test_a_directory_that_is_not_there_is_not_found(mreg, churn, tmp_path):
    assert "nowhere" in mreg.fails(3, "check", tmp_path / "nowhere",
                                   "churn")["message"]
    assert "not a directory" in mreg.fails(
        2, "check", harness.write(tmp_path / "f", "x"), "churn")["message"]
    mreg.fails(3, "check", tmp_path, "churn:v9")


# -- the sample -------------------------------------------------------------------


def test_the_sample_fits():
    sample = json.loads((SPEC / "samples/check.json").read_text())
    assert validate(sample)["files"]


@pytest.mark.parametrize("change", [
    {"schema": "mreg.check/2"}, {"same": None}, {"counts": {"right": 1}},
    {"files": [{"path": "a", "state": "right"}]}, {"digest": None},
    {"bytesHashed": -1}, {"directory": ""}])
def test_what_is_wrong_does_not_fit(change):
    sample = json.loads((SPEC / "samples/check.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        validate({**sample, **change})
