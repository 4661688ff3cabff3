"""test_pull.py - what may be asked of a pull: a part of the files, exactly
these files, no replacing, no trusting of what is remembered, seeds."""
import hashlib
import json
import os
import pathlib
import sqlite3

import pytest

from harness import MIB, assert_pulled, tree, write

FILES = {
    "model.safetensors": b"weights" * 500,
    "config.json": b'{"a": 1}',
    "tokenizer/vocab.txt": b"a\nb\n",
    "tokenizer/deep/merges.txt": b"a b\n",
}


@pytest.fixture
def churn(mreg, tmp_path):
    """A pushed model of four files; its folder."""
    for name, data in FILES.items():
        write(tmp_path / "churn" / name, data)
    mreg.run("push", tmp_path / "churn", "churn")
    return tmp_path / "churn"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def names(folder):
    """What lies below a folder, links and empty folders too."""
    return {str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*")
            if not p.is_dir() or p.is_symlink() or not any(p.iterdir())}


# -- a part of the files ------------------------------------------------------


@pytest.mark.parametrize("globs, expected", [
    (["*.json"], {"config.json"}),
    (["*.txt"], {"tokenizer/vocab.txt", "tokenizer/deep/merges.txt"}),
    (["tokenizer/*"], {"tokenizer/vocab.txt"}),
    (["tokenizer/**"], {"tokenizer/vocab.txt", "tokenizer/deep/merges.txt"}),
    (["tokenizer/"], {"tokenizer/vocab.txt", "tokenizer/deep/merges.txt"}),
    (["./tokenizer/vocab.txt"], {"tokenizer/vocab.txt"}),
    (["**/deep/*", "config.*"], {"tokenizer/deep/merges.txt", "config.json"}),
    (["*"], set(FILES)),
    (["[mc]o*"], {"model.safetensors", "config.json"})])
def test_only_files_that_match_are_pulled(mreg, churn, out, globs, expected):
    words = [w for g in globs for w in ("--include", g)]
    r = mreg.json("pull", "churn", "-o", out, *words)
    assert names(out) == expected
    assert {f["path"] for f in r["files"]} == expected
    assert r["bytesTotal"] == sum(len(FILES[name]) for name in expected)
    # The rest comes later, and only the rest.
    r = mreg.json("pull", "churn", "-o", out)
    assert names(out) == set(FILES)
    assert r["filesKept"] == len(expected)


@pytest.mark.parametrize("glob, hint", [
    ("config.jsn", "nearest: config.json"),
    ("tokenizer", "'tokenizer/' takes the files below it"),
    ("vocab.text", "tokenizer/vocab.txt"),
    ("nothing-like-it", "it has: ")])
def test_a_pattern_that_matches_nothing_names_the_nearest(
        mreg, churn, out, glob, hint):
    error = mreg.fails(3, "pull", "churn", "-o", out, "--include", "*.json",
                       "--include", glob)
    assert glob in error["message"] and hint in error["hint"], error
    assert not out.exists()


def test_an_empty_pattern_is_refused(mreg, churn, out):
    assert "empty" in mreg.fails(2, "pull", "churn", "-o", out, "--include",
                                 "")["message"]


# -- exactly these files ------------------------------------------------------


def test_exact_removes_what_the_version_does_not_have(mreg, churn, out,
                                                      tmp_path):
    mreg.run("pull", "churn", "-o", out)
    write(tmp_path / "outside/data.bin", b"not the model's")
    write(out / "old.bin", b"1")
    write(out / "a/b/c/old.bin", b"2")
    write(out / "tokenizer/old.txt", b"3")
    (out / "empty/folder").mkdir(parents=True)
    (out / "link").symlink_to(tmp_path / "outside")
    (out / "dangling").symlink_to("nowhere")
    r = mreg.json("pull", "churn", "-o", out, "--exact")
    assert r["removed"] == ["a/b/c/old.bin", "dangling", "link", "old.bin",
                            "tokenizer/old.txt"]
    assert names(out) == set(FILES)
    assert (tmp_path / "outside/data.bin").read_bytes() == b"not the model's"
    assert_pulled(out, tree(churn))
    # Nothing is left to do.
    r = mreg.json("pull", "churn", "-o", out, "--exact")
    assert r["removed"] == [] and r["filesKept"] == len(FILES)


def test_exact_goes_to_another_version(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    os.rename(churn / "tokenizer/vocab.txt", churn / "vocab.txt")
    (churn / "config.json").unlink()
    mreg.run("push", churn, "churn")
    r = mreg.json("pull", "churn", "-o", out, "--exact")
    assert r["removed"] == ["config.json", "tokenizer/vocab.txt"]
    assert_pulled(out, tree(churn))


def test_a_dry_run_of_exact_lists_and_removes_nothing(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    write(out / "x/old.bin", b"1")
    before = names(out)
    r = mreg.json("pull", "churn", "-o", out, "--exact", "--dry-run")
    assert r["removed"] == ["x/old.bin"] and r["dryRun"]
    text = mreg.run("pull", "churn", "-o", out, "--exact", "-n").stdout
    assert "remove" in text and "x/old.bin" in text
    assert "1 other file to remove" in text
    assert names(out) == before


def test_exact_keeps_what_a_push_would_leave_out(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    write(out / ".git/config", "[core]\n")
    write(out / "__pycache__/x.pyc", b"\0")
    write(out / ".mregignore", "notes*\nlogs/\n")
    write(out / "notes.txt", "mine")
    write(out / "logs/run.log", "mine")
    write(out / "old.bin", b"1")
    r = mreg.json("pull", "churn", "-o", out, "--exact")
    assert r["removed"] == ["old.bin"]
    assert names(out) == set(FILES) | {
        ".git/config", "__pycache__/x.pyc", ".mregignore", "notes.txt",
        "logs/run.log"}
    # So the directory is the version.
    assert mreg.json("push", out, "churn")["identical"]


def test_exact_refuses_a_directory_that_is_not_the_models(mreg, churn, out):
    for i in range(len(FILES) + 1):
        write(out / f"thesis-{i}.tex", "years of work")
    before = names(out)
    error = mreg.fails(4, "pull", "churn", "-o", out, "--exact")
    assert "thesis-0.tex" in error["message"] and "5 files" in error["message"]
    assert "--exact" in error["hint"]
    assert names(out) == before, "something was written or removed"
    mreg.fails(4, "pull", "churn", "-o", out, "--exact", "--dry-run")
    # As the hint says.
    mreg.run("pull", "churn", "-o", out)
    assert len(mreg.json("pull", "churn", "-o", out, "--exact")["removed"]) \
        == len(FILES) + 1
    assert_pulled(out, tree(churn))


def test_exact_refuses_a_directory_that_was_only_pushed(mreg, churn,
                                                        tmp_path):
    """The state knows its files, but mreg did not put them there."""
    write(tmp_path / "small/only.bin", b"1")
    mreg.run("push", tmp_path / "small", "small")
    for name, data in FILES.items():
        pretend_unchanged(mreg, churn / name,
                          "sha256:" + hashlib.sha256(data).hexdigest())
    before = tree(churn)
    error = mreg.fails(4, "pull", "small", "-o", churn, "--exact")
    assert "4 files that are not the model's" in error["message"]
    assert tree(churn) == before


def test_a_part_of_the_files_does_not_make_a_directory_the_models(
        mreg, churn, out):
    for i in range(len(FILES) + 1):
        write(out / f"thesis-{i}.tex", "years of work")
    mreg.run("pull", "churn", "-o", out, "--include", "*.json")
    before = names(out)
    mreg.fails(4, "pull", "churn", "-o", out, "--exact")
    assert names(out) == before


def test_a_part_of_the_files_keeps_the_progress_of_the_rest(mreg, churn, out):
    digest = hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    part = write(out / f".mreg-part-{digest}", FILES["model.safetensors"][:99])
    mreg.run("pull", "churn", "-o", out, "--include", "*.json")
    assert part.read_bytes() == FILES["model.safetensors"][:99]
    mreg.run("pull", "churn", "-o", out)
    assert_pulled(out, tree(churn))
    assert not part.exists()


def test_exact_takes_a_directory_with_few_other_files(mreg, churn, out):
    write(out / "old.bin", b"1")
    assert mreg.json("pull", "churn", "-o", out,
                     "--exact")["removed"] == ["old.bin"]
    assert_pulled(out, tree(churn))


def test_exact_refuses_the_home_directory(mreg, churn):
    write(mreg.home / "letter.txt", "dear")
    error = mreg.fails(2, "pull", "churn", "-o", mreg.home, "--exact")
    assert "home" in error["message"]
    assert (mreg.home / "letter.txt").exists()


def test_exact_and_a_part_of_the_files_do_not_go_together(mreg, churn, out):
    error = mreg.fails(2, "pull", "churn", "-o", out, "--exact", "--include",
                       "*.json")
    assert "--include" in error["message"]
    assert not out.exists()


def test_exact_removes_names_that_no_model_may_have(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    for name in (b"back\\slash", b"\xff\xfe", b"new\nline", b"tab\tx"):
        with open(os.path.join(os.fsencode(out), name), "wb") as f:
            f.write(b"1")
    r = mreg.run("pull", "churn", "-o", out, "--exact")
    assert "4 other files removed" in r.stdout
    assert names(out) == set(FILES)
    write(out / "new\nline", "1")
    text = mreg.run("pull", "churn", "-o", out, "--exact", "-n").stdout
    assert "new\\x0aline" in text or "new\\nline" in text


def test_exact_removes_a_second_name_of_a_file(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    os.link(out / "config.json", out / "other.json")
    r = mreg.json("pull", "churn", "-o", out, "--exact")
    assert r["removed"] == ["other.json"]
    assert_pulled(out, tree(churn))


def test_exact_through_a_linked_output_stays_inside(mreg, churn, out,
                                                    tmp_path):
    """The output itself may be a link; nothing below it is followed."""
    (tmp_path / "real").mkdir()
    out.symlink_to(tmp_path / "real")
    mreg.run("pull", "churn", "-o", out)
    write(tmp_path / "elsewhere/x.bin", b"1")
    (tmp_path / "real/sub").symlink_to(tmp_path / "elsewhere")
    assert mreg.json("pull", "churn", "-o", out,
                     "--exact")["removed"] == ["sub"]
    assert (tmp_path / "elsewhere/x.bin").exists()
    assert_pulled(tmp_path / "real", tree(churn))


def test_exact_leaves_what_is_no_file(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    os.mkfifo(out / "pipe")
    r = mreg.run("pull", "churn", "-o", out, "--exact")
    assert "1 entry" in r.stderr and "stayed" in r.stderr
    assert (out / "pipe").exists()


def test_a_version_that_cannot_be_pulled_removes_nothing(mreg, churn, out,
                                                         store):
    mreg.run("pull", "churn", "-o", out)
    write(out / "old.bin", b"1")
    (out / "config.json").unlink()
    digest = hashlib.sha256(FILES["config.json"]).hexdigest()
    (store / "churn/blobs/sha256" / digest).write_bytes(b'{"a": 2}')
    mreg.fails(6, "pull", "churn", "-o", out, "--exact")
    assert (out / "old.bin").exists()


# -- no replacing -------------------------------------------------------------


def test_keep_refuses_to_replace_other_bytes(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    (out / "model.safetensors").unlink()
    write(out / "config.json", b'{"a": 2}')
    write(out / "tokenizer/vocab.txt", b"mine")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    for extra in ([], ["--dry-run"]):
        r = mreg.run("pull", "churn", "-o", out, "--keep", *extra, status=4)
        assert "'config.json' and 1 more" in r.stderr
        assert "'config.json' has other bytes" in r.stderr
        assert "'tokenizer/vocab.txt' has other bytes" in r.stderr
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    mreg.run("pull", "churn", "-o", out)
    assert_pulled(out, tree(churn))


def test_keep_fetches_what_is_not_there(mreg, churn, out):
    write(out / "config.json", FILES["config.json"])
    write(out / "mine.txt", b"mine")
    r = mreg.json("pull", "churn", "-o", out, "--keep")
    assert r["filesKept"] == 1 and r["filesPlaced"] == len(FILES) - 1
    assert names(out) == set(FILES) | {"mine.txt"}


# -- no trusting of what is remembered ----------------------------------------


def pretend_unchanged(mreg, path, digest):
    """What the state would say if `path` had changed without a trace."""
    st = os.stat(path)
    with sqlite3.connect(mreg.home / "cache/mreg/state.db") as db:
        db.execute("REPLACE INTO files(dev, ino, size, mtime_ns, ctime_ns,"
                   " digest, judged, tested) VALUES(?,?,?,?,?,?,0,0)",
                   (st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns,
                    st.st_ctime_ns, digest))
    db.close()


def test_verify_files_reads_what_is_there(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    data = FILES["config.json"]
    (out / "config.json").write_bytes(data.replace(b"1", b"7"))
    pretend_unchanged(mreg, out / "config.json",
                      "sha256:" + hashlib.sha256(data).hexdigest())
    assert mreg.json("pull", "churn", "-o", out)["filesPlaced"] == 0
    # What the state says is in it is no seed either.
    r = mreg.json("pull", "churn", "-o", out, "--verify-files", "-n")
    assert r["bytesFetched"] == len(data) and r["bytesSeeded"] == 0
    assert {f["path"]: f["action"] for f in r["files"]}["config.json"] == \
        "fetch"
    r = mreg.json("pull", "churn", "-o", out, "--verify-files")
    assert r["filesPlaced"] == 1 and r["filesKept"] == len(FILES) - 1
    assert_pulled(out, tree(churn))


# -- seeds --------------------------------------------------------------------


def test_a_seed_gives_bytes_whatever_its_files_are_called(mreg, churn, out,
                                                          tmp_path):
    seed = tmp_path / "seed"
    write(seed / "some/where/w.bin", FILES["model.safetensors"])
    write(seed / "same-size", FILES["config.json"].replace(b"1", b"2"))
    r = mreg.json("pull", "churn", "-o", out, "--seed", seed)
    assert r["bytesSeeded"] == len(FILES["model.safetensors"])
    assert r["bytesFetched"] == r["bytesTotal"] - r["bytesSeeded"]
    actions = {f["path"]: f["action"] for f in r["files"]}
    assert actions["model.safetensors"] == "seeded"
    assert actions["config.json"] == "fetched"
    assert_pulled(out, tree(churn))
    assert "from this machine, " in mreg.run("pull", "churn", "-o", tmp_path / "o2",
                                    "--seed", seed).stdout


def test_a_dry_run_says_what_seeds_have(mreg, churn, out, tmp_path):
    write(tmp_path / "seed/w", FILES["model.safetensors"])
    r = mreg.json("pull", "churn", "-o", out, "--seed", tmp_path / "seed",
                  "-n")
    assert r["bytesSeeded"] == len(FILES["model.safetensors"])
    assert r["bytesFetched"] == r["bytesTotal"] - r["bytesSeeded"]
    write(out / "config.json", FILES["config.json"])
    text = mreg.run("pull", "churn", "-o", out, "--seed", tmp_path / "seed",
                    "-n").stdout
    words = {line.split()[-1]: line.split()[0] for line in text.splitlines()
             if line.split()[-1] in FILES}
    assert words == {"model.safetensors": "seed", "config.json": "keep",
                     "tokenizer/vocab.txt": "fetch",
                     "tokenizer/deep/merges.txt": "fetch"}
    assert names(out) == {"config.json"}


def test_a_seed_is_a_directory(mreg, churn, out, tmp_path):
    """Also where there is nothing to fetch."""
    file = write(tmp_path / "w", FILES["model.safetensors"])
    for _ in range(2):
        error = mreg.fails(2, "pull", "churn", "-o", out, "--seed", file)
        assert error["code"] == "usage"
        assert error["message"] == f"seed '{file}' is no directory"
        mreg.fails(3, "pull", "churn", "-o", out, "--seed", tmp_path / "none")
        mreg.run("pull", "churn", "-o", out)


def test_a_seed_that_lies_about_its_name_is_not_believed(mreg, churn, out,
                                                         tmp_path):
    """Caches call files by digest; this one has other bytes of that size."""
    data = FILES["model.safetensors"]
    name = hashlib.sha256(data).hexdigest()
    write(tmp_path / "seed/blobs" / name, bytes(len(data)))
    r = mreg.json("pull", "churn", "-o", out, "--seed", tmp_path / "seed")
    assert r["bytesSeeded"] == 0
    assert_pulled(out, tree(churn))


def test_a_seed_that_the_state_is_wrong_about_is_not_believed(
        mreg, churn, out, tmp_path):
    data = FILES["model.safetensors"]
    path = write(tmp_path / "seed/w", bytes(len(data)))
    mreg.run("ls")
    pretend_unchanged(mreg, path, "sha256:" + hashlib.sha256(data).hexdigest())
    r = mreg.json("pull", "churn", "-o", out, "--seed", tmp_path / "seed")
    assert r["bytesSeeded"] == 0
    assert_pulled(out, tree(churn))


def test_strange_things_in_a_seed_are_no_trouble(mreg, churn, out, tmp_path):
    seed = tmp_path / "seed"
    seed.mkdir()
    os.mkfifo(seed / "pipe")
    (seed / "loop").symlink_to(seed)
    (seed / "dangling").symlink_to("nowhere")
    write(tmp_path / "far/w", FILES["model.safetensors"])
    (seed / "link").symlink_to(tmp_path / "far/w")
    write(seed / ".mreg-part-" / "x", FILES["config.json"])
    r = mreg.json("pull", "churn", "-o", out, "--seed", seed)
    assert r["bytesSeeded"] == len(FILES["model.safetensors"])
    assert_pulled(out, tree(churn))


def test_a_seed_that_is_not_there_is_an_error_at_once(mreg, churn, out,
                                                      tmp_path):
    mreg.run("pull", "churn", "-o", out)
    error = mreg.fails(3, "pull", "churn", "-o", out, "--seed",
                       tmp_path / "nix")
    assert "nix" in error["message"]


def test_a_file_that_was_renamed_is_not_fetched(mreg, churn, out):
    mreg.run("pull", "churn", "-o", out)
    os.rename(churn / "model.safetensors", churn / "weights.safetensors")
    mreg.run("push", churn, "churn")
    r = mreg.json("pull", "churn", "-o", out, "--exact")
    assert r["bytesFetched"] == 0
    assert r["bytesSeeded"] == len(FILES["model.safetensors"])
    assert r["removed"] == ["model.safetensors"]
    assert_pulled(out, tree(churn))


def test_two_files_that_change_names_are_not_fetched(mreg, tmp_path, out):
    """Each is the other's seed; neither is lost before it was copied."""
    src = tmp_path / "swap"
    write(src / "a.bin", b"a" * MIB)
    write(src / "b.bin", b"b" * MIB)
    mreg.run("push", src, "swap")
    mreg.run("pull", "swap", "-o", out)
    write(src / "a.bin", b"b" * MIB)
    write(src / "b.bin", b"a" * MIB)
    mreg.run("push", src, "swap")
    r = mreg.json("pull", "swap", "-o", out)
    assert r["bytesFetched"] == 0 and r["bytesSeeded"] == 2 * MIB
    assert_pulled(out, tree(src))


def test_progress_tells_seeds_too(mreg, churn, out, tmp_path):
    write(tmp_path / "seed/w", FILES["model.safetensors"])
    r = mreg.run("pull", "churn", "-o", out, "--seed", tmp_path / "seed",
                 "--progress=json")
    events = [json.loads(line) for line in r.stderr.splitlines()]
    done = [e["label"] for e in events if e["event"] == "done"]
    assert sorted(done) == sorted(FILES)
    assert [e["event"] for e in events].count("end") == 1


# -- how fast -----------------------------------------------------------------


@pytest.mark.parametrize("rate", ["fast", "-1", "20MB/s", "1e6", ""])
def test_a_rate_that_is_no_size_is_refused(mreg, churn, rate):
    error = mreg.fails(2, "pull", "churn", f"--limit-rate={rate}")
    assert "--limit-rate" in error["message"] and "20MB" in error["hint"]


def test_the_rate_of_a_flag_wins(mreg):
    def rate(*words, **env):
        rows = mreg.json("config", "show", *words, env=env)["settings"]
        row = {r["key"]: r for r in rows}["limit.rate"]
        return row["value"], row["origin"]

    assert rate() == ("0", "default")
    assert rate(MREG_LIMIT_RATE="20MB") == (
        "20MB", "environment MREG_LIMIT_RATE")
    assert rate("--limit-rate", "1MiB", MREG_LIMIT_RATE="20MB") == (
        "1048576", "flag")
    assert rate("--limit-rate", "0", MREG_LIMIT_RATE="20MB") == ("0", "flag")
