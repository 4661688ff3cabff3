"""test_bad_store.py - a local store that somebody has broken: it is not read
as if it were whole, and nothing in it is overwritten."""
import json
import time

import pytest

import bad
from harness import assert_pulled, small_model, tree, write


@pytest.fixture
def who(tmp_path):
    return bad.user(tmp_path / "home")


@pytest.fixture
def src(tmp_path):
    return small_model(tmp_path / "src", 1)


@pytest.fixture
def layout(who, src):
    who.run("push", src, "m")
    return who.store / "m"


def rewrite(change):
    """The index with something changed."""
    def apply(path):
        value = json.loads(path.read_bytes())
        change(value)
        path.write_bytes(bad.compact(value))
    return apply


INDEXES = {
    "empty": lambda p: p.write_bytes(b""),
    "no-json": lambda p: p.write_bytes(b"{"),
    "html": lambda p: p.write_bytes(b"<html></html>"),
    "list": lambda p: p.write_bytes(b"[]"),
    "deep": lambda p: p.write_bytes(b"[" * 9000 + b"]" * 9000),
    "no-manifests": rewrite(lambda v: v.pop("manifests")),
    "manifests-object": rewrite(lambda v: v.update(manifests={})),
    "duplicate-key": lambda p: p.write_bytes(
        p.read_bytes().replace(b'"schemaVersion":2',
                               b'"schemaVersion":2,"schemaVersion":2')),
    "folder": lambda p: (p.unlink(), p.mkdir()),
}


@pytest.mark.parametrize("what", INDEXES)
def test_a_broken_index_is_neither_read_nor_replaced(who, layout, src,
                                                     tmp_path, what):
    INDEXES[what](layout / "index.json")
    write(src / "more.txt", "more\n")
    for words in (("pull", "m", "-o", tmp_path / "out"), ("ls", "m"),
                  ("push", src, "m"), ("alias", "set", "m:v1", "x")):
        r = who.run(*words, status=None)
        assert r.status in (1, 4), str(r)
        bad.refused(who, r.status, *words, names="index.json",
                    quiet_in=[layout / "index.json", tmp_path / "out"])


@pytest.mark.parametrize("change", [
    {"size": -5}, {"digest": "sha256:../../../etc/passwd"}, {"digest": 5},
    {"mediaType": None}], ids=str)
def test_an_entry_that_means_nothing_is_named_and_kept(
        who, layout, src, change):
    """It is somebody else's: neither a version of ours nor ours to remove."""
    path = layout / "index.json"
    value = json.loads(path.read_bytes())
    entry = {**value["manifests"][0], **change, "annotations": {
        "org.opencontainers.image.ref.name": "theirs"}}
    value["manifests"].append(entry)
    path.write_bytes(bad.compact(value))
    bad.refused(who, 1, "resolve", "m:theirs", names="theirs",
                quiet_in=[layout])
    write(src / "more.txt", "more\n")
    assert who.json("push", src, "m")["number"] == 2
    assert entry in json.loads(path.read_bytes())["manifests"]


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def blob_of(layout, digest):
    return layout / "blobs/sha256" / digest.split(":")[1]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("which", ["manifest", "layer"])
def test_a_flipped_bit_is_noticed(who, layout, src, tmp_path, which, known):
    """H29: hashed out of the store, not only into it.  `known`: the files are
    old enough for their digests to be remembered."""
    if known:
        time.sleep(0.1)
        assert who.json("push", src, "m")["identical"]
    digest = who.json("resolve", "m:v1")["digest"]
    if which == "layer":
        manifest = json.loads(blob_of(layout, digest).read_bytes())
        digest = manifest["layers"][0]["digest"]
    flip(blob_of(layout, digest))
    target = bad.sentinel(tmp_path / "target")
    error = bad.refused(who, 6, "pull", "m:v1", "-o", target,
                        quiet_in=[target, layout], times=False)
    assert digest.split(":")[1] in error["hint"]
    # Which says what to do, and it helps.
    blob_of(layout, digest).unlink()
    who.run("push", src, "m")
    who.run("pull", "m:v1", "-o", tmp_path / "out")
    assert_pulled(tmp_path / "out", tree(src))


def test_lost_blobs_are_mended_by_pushing_again(who, layout, src, tmp_path):
    digest = who.json("resolve", "m:v1")["digest"]
    manifest = json.loads(blob_of(layout, digest).read_bytes())
    for d in (manifest["layers"][0]["digest"], manifest["config"]["digest"]):
        blob_of(layout, d).unlink()
    r = who.run("pull", "m:v1", "-o", tmp_path / "out1", status=None)
    assert r.status in (3, 6), str(r)
    assert "hint: " in r.stderr
    who.run("push", src, "m")
    who.run("pull", "m:v1", "-o", tmp_path / "out2")
    assert_pulled(tmp_path / "out2", tree(src))


def test_a_lock_in_another_shape_is_named(who, layout, src):
    (layout / "mreg.lock").unlink()
    (layout / "mreg.lock").mkdir()
    write(src / "more.txt", "more\n")
    r = who.run("push", src, "m", status=None)
    assert r.status in (1, 4), str(r)
    bad.refused(who, r.status, "push", src, "m", names="mreg.lock",
                quiet_in=[layout / "index.json"])


def test_a_lock_that_is_a_link_is_not_followed(who, layout, src, tmp_path):
    """H09: CVE-2025-53547 wrote through one."""
    write(tmp_path / "victim", "precious\n")
    (layout / "mreg.lock").unlink()
    (layout / "mreg.lock").symlink_to(tmp_path / "victim")
    write(src / "more.txt", "more\n")
    who.run("push", src, "m", status=None)
    assert (tmp_path / "victim").read_text() == "precious\n"


def test_a_blob_that_is_a_link_gives_nothing_away(who, layout, tmp_path):
    """A link to a file of the user's is not what its name says."""
    digest = who.json("resolve", "m:v1")["digest"]
    manifest = json.loads(blob_of(layout, digest).read_bytes())
    layer = blob_of(layout, manifest["layers"][0]["digest"])
    layer.unlink()
    layer.symlink_to("/etc/passwd")
    r = who.run("pull", "m:v1", "-o", tmp_path / "out", status=None)
    assert r.status not in (0, -11), str(r)
    assert "root:" not in r.stderr
    bad.check_parts(tmp_path / "out")
    assert not (tmp_path / "out").exists() or \
        not list((tmp_path / "out").iterdir())


def test_the_store_is_a_file(who, src, tmp_path):
    write(tmp_path / "file", "mine\n")
    for words in (("push", src, "m"), ("ls",), ("resolve", "m")):
        r = who.run(*words, "--store", tmp_path / "file", status=None)
        assert r.status in (1, 2, 3, 4), str(r)
        bad.refused(who, r.status, *words, "--store", tmp_path / "file",
                    quiet_in=[tmp_path / "file"])
