"""test_foreign_hostile.py - what is hostile in what others push, or in what is
remembered of it, leaves nothing."""
import os
import pathlib
import resource
import sqlite3
import tarfile

import pytest

import foreign
from foreign import MODEL, MODELCAR, MODELPACK, expect, gz, image, link, \
    modelcar_layers, named, tar
from harness import MIB, assert_pulled


# -- what is hostile -----------------------------------------------------------


def hostile():
    yield "climbs", {"good": b"x", "../evil": b"x"}, 6
    yield "absolute", {"good": b"x", "/evil": b"x"}, 6
    yield "hidden", {"a/../../evil": b"x"}, 6
    yield "symlink", {"d": link("d", ".."), "d/evil": b"x"}, 9
    yield "hardlink", {"good": b"x", "h": link("h", "evil",
                                               tarfile.LNKTYPE)}, 9
    yield "fifo", {"f": link("f", "", tarfile.FIFOTYPE)}, 9
    yield "device", {"f": link("f", "", tarfile.CHRTYPE)}, 9
    yield "deep", {"d/" * 70 + "f": b"x"}, 6
    yield "part", {".mreg-part-0": b"x"}, 6
    yield "component", {"n" * 300: b"x"}, 6
    yield "path", {"/".join(["n" * 240] * 17): b"x"}, 6
    yield "conflict", {"a": b"x", "a/b": b"x"}, 6


@pytest.mark.parametrize("content,status",
                         [h[1:] for h in hostile()],
                         ids=[h[0] for h in hostile()])
@pytest.mark.parametrize("pack,suffix", [(bytes, "tar"), (gz, "tar+gzip")])
def test_hostile_archives_write_nothing(mreg, remote, box, content, status,
                                        pack, suffix):
    remote.manifest("v", [named(MODELPACK + "weight.v1." + suffix,
                                pack(tar(content)), filepath="x")],
                    artifact=MODEL)
    (box / "evil").write_text("mine")
    (box / "cwd").mkdir()
    (box / "cwd/evil").write_text("mine too")
    mreg.fails(status, "pull", f"{remote.name}:v", "-o", box / "out",
               cwd=box / "cwd")
    assert (box / "evil").read_text() == "mine"
    assert (box / "cwd/evil").read_text() == "mine too"
    # Nothing of it would ever be of use.
    assert not (box / "out").exists()


@pytest.mark.parametrize("path", ["../../x", "/x", "a/../../x", "."])
def test_an_archive_may_not_be_called_so(mreg, remote, box, path):
    """Though its files have names of their own."""
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"good": b"x"}), filepath=path)],
                    artifact=MODEL)
    e = mreg.fails(6, "pull", f"{remote.name}:v", "-o", box / "out")
    assert f"unsafe path '{path}'" in e["cause"]
    assert not (box / "out").exists()


def test_a_terminal_is_told_which_archive_it_is(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({name: b"x"}), filepath=f"layer-{i}")
                          for i, name in enumerate(("good", "../evil"))],
                    artifact=MODEL)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "out", status=6)
    assert "'layer-1' holds an unsafe path '../evil'" in r.stderr


@pytest.mark.parametrize("path,warns", [
    (".git/hooks/pre-commit", True), ("sub/.GIT/config", True),
    (".gitignore", False), ("a.git/b", False)])
def test_a_repository_in_a_version_is_warned_of(mreg, remote, box, path,
                                                warns):
    content = {path: b"x", "a": b"a"}
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar", tar(content),
                                filepath="x")], artifact=MODEL)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "out")
    assert_pulled(box / "out", expect(content))
    assert (f"the version has '{path}'" in r.stderr) == warns
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "a", "-i", "a")
    assert "the version has" not in r.stderr


def test_folders_alone_are_no_model(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"a/": None, "b/c/": None}),
                                filepath="x")], artifact=MODEL)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "out", status=9)
    assert "holds no file" in r.stderr and "have folders alone" in r.stderr
    assert not (box / "out").exists()


def test_a_link_in_the_target_is_not_followed(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"d/evil": b"x"}), filepath="x")],
                    artifact=MODEL)
    (box / "out").mkdir()
    (box / "elsewhere").mkdir()
    (box / "out/d").symlink_to(box / "elsewhere")
    e = mreg.fails(4, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "symbolic link" in e["message"] + e["cause"]
    assert os.listdir(box / "elsewhere") == []


def test_a_bomb_is_stopped(mreg, remote, box):
    bomb = gz(tar({"zeros": bytes(128 * MIB)}))
    assert len(bomb) < 200_000
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar+gzip", bomb,
                                filepath="x")], artifact=MODEL)
    e = mreg.fails(1, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "unpacks to more than" in e["cause"]
    assert not (box / "out").exists()


@pytest.mark.parametrize("kind", [b"7", b"S", b"Z", b"N", b"D"])
def test_entries_of_unknown_kinds_are_refused(mreg, remote, box, kind):
    info = tarfile.TarInfo("f")
    info.type = kind
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"good": b"x", "f": info}),
                                filepath="x")], artifact=MODEL)
    e = mreg.fails(9, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "a sparse file or the like" in e["cause"]
    assert not (box / "out").exists()


def test_files_are_counted_over_all_archives(mreg, box):
    local = foreign.Layout(box / "store", "many")
    packed = gz(tar({str(i): b"" for i in range(50001)},
                    tarfile.USTAR_FORMAT))
    local.manifest("v", [named(MODELPACK + "weight.v1.tar+gzip", packed,
                               filepath=name) for name in "ab"],
                   artifact=MODEL)
    e = mreg.fails(1, "pull", f"{local.name}:v", "-o", box / "out")
    assert "more than 100000 files" in e["cause"]


def test_more_archives_than_open_files(mreg, box):
    local = foreign.Layout(box / "store", "many")
    local.manifest("v", [named(MODELPACK + "weight.v1.tar",
                               tar({f"f{i}": b"%d" % i}), filepath=f"f{i}")
                         for i in range(1100)], artifact=MODEL)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("no more open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        mreg.run("pull", f"{local.name}:v", "-o", box / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir(box / "out")) == 1100


# -- what the state says is no proof -------------------------------------------


def forge(mreg, change):
    """Change what is remembered of archives, and make its head fit."""
    [path] = pathlib.Path(mreg.env["XDG_CACHE_HOME"]).rglob("state.db")
    db = sqlite3.connect(path)
    tables = [t for t, in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'")]
    count = 0
    for table in tables:
        columns = [c[1] for c in db.execute(f"PRAGMA table_info({table})")]
        for row in list(db.execute(f"SELECT rowid, * FROM {table}")):
            for name, value in zip(columns, row[1:]):
                data = value.encode() if isinstance(value, str) else value
                if not isinstance(data, bytes) or \
                        not data.startswith(b"mreg.members/1 "):
                    continue
                body = change(data.split(b"\n", 1)[1])
                head = b"mreg.members/1 " + foreign.digest(body).encode()
                data = head + b"\n" + body
                db.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?",
                           (data.decode() if isinstance(value, str) else data,
                            row[0]))
                count += 1
    db.commit()
    db.close()
    assert count > 0


def test_a_forged_memory_decides_nothing(mreg, remote, box):
    content = {"a": b"first", "b": b"second"}
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar", tar(content),
                                filepath="x")], artifact=MODEL)
    mreg.run("pull", f"{remote.name}:v", "-o", box / "one")
    forge(mreg, lambda body: body.split(b"\n")[0].replace(
        b" a", b" evil.py") + b"\n")
    mreg.run("pull", f"{remote.name}:v", "-o", box / "two")
    assert_pulled(box / "two", expect(content))
    mreg.run("pull", f"{remote.name}:v", "-o", box / "three")
    assert_pulled(box / "three", expect(content))


def test_a_forged_memory_of_an_image_is_not_read(mreg, remote, box):
    image(remote, "v", modelcar_layers())
    mreg.run("pull", f"{remote.name}:v", "-o", box / "one")
    forge(mreg, lambda body: body.replace(b" models/", b" "))
    mreg.run("pull", f"{remote.name}:v", "-o", box / "two")
    assert_pulled(box / "two", expect(MODELCAR))


def test_wrong_compression_is_told(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar+zstd",
                                gz(tar({"a": b"x"})), filepath="x")],
                    artifact=MODEL)
    e = mreg.fails(1, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "says that it is compressed with zstd" in e["cause"]
