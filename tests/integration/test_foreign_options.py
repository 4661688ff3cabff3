"""test_foreign_options.py - the options of pull on a version that is archives
in part."""
import os
import pathlib

import pytest

import harness
from foreign import CONFIG, MODEL, MODELCAR, MODELPACK, README, WEIGHTS, \
    expect, image, modelcar_layers, named, tar
from harness import assert_pulled


@pytest.fixture
def packed(remote):
    content = {"w.bin": WEIGHTS, "config.json": CONFIG}
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.tar", tar(content), filepath="w.bin"),
        named(MODELPACK + "doc.v1.raw", README, filepath="README.md"),
    ], artifact=MODEL)
    return {**content, "README.md": README}


def test_a_dry_run_says_what_it_can_know(mreg, remote, packed, box):
    name = f"{remote.name}:v"
    r = mreg.run("pull", name, "-o", box / "out", "-n", "--json")
    assert not (box / "out").exists()
    assert "1 archive holds is known once" in r.stderr
    size = len(tar({"w.bin": WEIGHTS, "config.json": CONFIG}))
    assert r.json["bytesFetched"] == size + len(README)
    e = mreg.fails(9, "pull", name, "-o", box / "out", "-n", "--exact")
    assert "dry run" in e["message"]
    mreg.run("pull", name, "-o", box / "out")
    (box / "out/w.bin").unlink()
    r = mreg.run("pull", name, "-o", box / "out", "-n", "--json")
    assert r.stderr == ""
    assert r.json["bytesFetched"] == size
    assert {i["path"]: i["action"] for i in r.json["files"]} == {
        "w.bin": "fetch", "config.json": "reused", "README.md": "reused"}


def test_a_dry_run_looks_for_no_file_by_an_archives_name(mreg, remote, box):
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.tar", tar({"w/m.bin": WEIGHTS}),
              filepath="w"),
        named(MODELPACK + "weight.config.v1.raw", CONFIG,
              filepath="w/c.json")], artifact=MODEL)
    (box / "out/w").mkdir(parents=True)
    r = mreg.json("pull", f"{remote.name}:v", "-o", box / "out", "-n")
    assert [i["path"] for i in r["files"]] == ["w", "w/c.json"]
    layers = modelcar_layers()
    image(remote, "image", layers + layers[:1])
    mreg.json("pull", f"{remote.name}:image", "-o", box / "image", "-n")
    mreg.run("pull", f"{remote.name}:image", "-o", box / "image")
    assert_pulled(box / "image", expect(MODELCAR))


@pytest.mark.parametrize("status,options,before", [
    (2, ["--exact"], {"HOME": None}),
    (3, ["--include", "nope"], {}),
    (4, ["--exact"], {f"other{i}": b"x" for i in range(9)}),
    (4, ["--keep"], {"w.bin": b"mine"}),
    (4, [], {"w.bin/mine": b"x"}),
], ids=["home", "typo", "strangers", "keep", "folder"])
def test_a_refused_pull_leaves_no_archive(mreg, remote, packed, box, status,
                                          options, before):
    out = box / "out"
    if "HOME" in before:
        before = {}
        out = pathlib.Path(mreg.env["HOME"])
    for path, data in before.items():
        harness.write(out / path, data)

    def files():
        return out.exists() and sorted(set(os.listdir(out)) - {"cache"})

    was = files()
    mreg.fails(status, "pull", f"{remote.name}:v", "-o", out, *options)
    assert files() == was


def test_what_is_missing_comes_from_the_archive_again(mreg, remote, packed,
                                                      box):
    name = f"{remote.name}:v"
    mreg.run("pull", name, "-o", box / "out")
    (box / "out/config.json").write_text("changed")
    r = mreg.json("pull", name, "-o", box / "out")
    assert r["filesPlaced"] == 1 and r["filesKept"] == 2
    assert_pulled(box / "out", expect(packed))


def test_exact_keep_and_verify_files(mreg, remote, packed, box):
    name, out = f"{remote.name}:v", box / "out"
    mreg.run("pull", name, "-o", out)
    (out / "other.txt").write_text("x")
    r = mreg.json("pull", name, "-o", out, "--exact")
    assert r["removed"] == ["other.txt"]
    assert_pulled(out, expect(packed))
    # Same size and times, other bytes: only reading it tells.
    st = os.stat(out / "config.json")
    (out / "config.json").write_bytes(b"x" * len(CONFIG))
    os.utime(out / "config.json", ns=(st.st_atime_ns, st.st_mtime_ns))
    e = mreg.fails(4, "pull", name, "-o", out, "--keep", "--verify-files")
    assert "'config.json' in" in e["message"]
    mreg.run("pull", name, "-o", out, "--verify-files")
    assert_pulled(out, expect(packed))


def test_a_seed_has_what_an_archive_holds(mreg, remote, packed, box):
    name = f"{remote.name}:v"
    mreg.run("pull", name, "-o", box / "one")
    r = mreg.json("pull", name, "-o", box / "two", "--seed", box / "one")
    assert r["bytesFetched"] == 0
    assert_pulled(box / "two", expect(packed))
