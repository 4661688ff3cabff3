"""test_pull_options.py - what a pull does with other people's files, with
little room, and with nothing to do: against Debian's registry and a local
store."""
import contextlib
import fcntl
import hashlib
import os
import random
import re
import subprocess
import threading
import time

import pytest

from harness import MIB, NOBODY, assert_pulled, finish, small_model, tree, \
    write


@pytest.fixture
def name(box):
    """A repository of its own."""
    return "options/" + hashlib.sha256(str(box).encode()).hexdigest()[:16]


@pytest.fixture
def model(box):
    return small_model(box / "model", str(box))


@contextlib.contextmanager
def mounted(folder, size):
    """A file system of so many bytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}",
                           "mreg-test", str(folder)], capture_output=True,
                          text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# -- nothing to do ------------------------------------------------------------


def asked(registry, mark):
    return [(method, re.sub(r".*/manifests/|.*/tags/(?=list)|[?].*", "", path))
            for method, path, _ in registry.requests(mark)
            if path != "/v2/"]


@pytest.mark.parametrize("tag", ["v1", "latest", "prod"])
def test_a_pull_with_nothing_to_do_is_a_head_and_a_listing(
        name, at_plain, plain, model, box, tag):
    """The listing is the log's: whether somebody warned of it since."""
    at_plain.run("push", model, f"{name}:prod")
    at_plain.run("pull", f"{name}:{tag}", "-o", box / "out")
    mark = plain.mark()
    r = at_plain.json("pull", f"{name}:{tag}", "-o", box / "out")
    assert asked(plain, mark) == [("HEAD", tag), ("GET", "list")]
    assert r["bytesFetched"] == 0 and r["filesPlaced"] == 0
    assert r["version"] == "v1" and r["tag"] == tag
    # By digest it must still be asked whether it is there; nothing is listed.
    at_plain.run("pull", r["reference"], "-o", box / "out")
    mark = plain.mark()
    at_plain.run("pull", r["reference"], "-o", box / "out")
    assert asked(plain, mark) == [("HEAD", r["digest"])]


def test_a_tag_that_moved_is_followed(name, at_plain, plain, model, box):
    at_plain.run("push", model, f"{name}:prod")
    at_plain.run("pull", f"{name}:prod", "-o", box / "out")
    write(model / "config.json", '{"seed": "another"}')
    somebody = at_plain.clone(box / "somebody")
    somebody.run("push", model, f"{name}:prod")
    mark = plain.mark()
    r = at_plain.json("pull", f"{name}:prod", "-o", box / "out")
    assert r["version"] == "v2" and r["filesPlaced"] == 1
    assert_pulled(box / "out", tree(model))
    blobs = [p for m, p, _ in plain.requests(mark) if "/blobs/" in p]
    assert len(blobs) == 1


def test_a_tag_that_was_removed_is_not_found(name, at_plain, model, box):
    at_plain.run("push", model, f"{name}:prod")
    at_plain.run("pull", f"{name}:prod", "-o", box / "out")
    at_plain.run("alias", "rm", f"{name}:prod")
    at_plain.fails(3, "pull", f"{name}:prod", "-o", box / "out")


def test_it_works_without_any_memory(name, at_plain, model, box):
    at_plain.run("push", model, name)
    env = {"XDG_CACHE_HOME": "/proc/none"}
    for _ in range(2):
        at_plain.run("pull", name, "-o", box / "out", "--exact", env=env)
    assert_pulled(box / "out", tree(model))


# -- how fast ----------------------------------------------------------------------


def test_a_limited_pull_is_not_faster(at_plain, name, box):
    """At most one second's worth comes at once."""
    write(box / "model/weights.bin", random.Random(name).randbytes(3000000))
    at_plain.run("push", box / "model", name)
    began = time.monotonic()
    at_plain.run("pull", name, "-o", box / "out", "--limit-rate", "1MB")
    assert time.monotonic() - began > 1.9
    assert_pulled(box / "out", tree(box / "model"))


# -- room ---------------------------------------------------------------------


def test_no_byte_is_fetched_where_there_is_no_room(name, shared, plain, box):
    rng = random.Random("room")
    for i in range(4):
        write(box / f"big/part-{i}.bin", rng.randbytes(MIB))
    shared.run("push", box / "big", name)
    with mounted(box / "disk", 4 * MIB) as disk:
        mark = plain.mark()
        error = shared.fails(1, "pull", name, "-o", disk / "out")
        assert error["code"] == "io"
        assert "needed in" in error["message"] and \
            "free" in error["message"], error
        assert "free some space" in error["hint"]
        assert not (disk / "out").exists()
        assert not [p for m, p, _ in plain.requests(mark) if "/blobs/" in p]
        r = shared.run("pull", name, "-o", disk, "--dry-run")
        assert "needed in" in r.stderr
        # A part of it has room, and so has the rest of what is there.
        shared.run("pull", name, "-o", disk / "out", "--include", "part-[01]*")
        subprocess.run(["mount", "-o", f"remount,size={6 * MIB}", str(disk)],
                       check=True)
        shared.run("pull", name, "-o", disk / "out")
        assert_pulled(disk / "out", tree(box / "big"))


def test_copies_of_one_blob_need_room_too(mreg, box):
    data = random.Random("copies").randbytes(MIB)
    for i in range(4):
        write(box / f"same/part-{i}.bin", data)
    mreg.run("push", box / "same", "same")
    with mounted(box / "disk", 3 * MIB) as disk:
        assert "needed in" in mreg.fails(1, "pull", "same", "-o",
                                         disk / "out")["message"]
        subprocess.run(["mount", "-o", f"remount,size={6 * MIB}", str(disk)],
                       check=True)
        mreg.run("pull", "same", "-o", disk / "out")


# -- other people's files -----------------------------------------------------


def test_a_folder_that_cannot_be_written_is_refused_first(nobody, mreg, box,
                                                          model):
    store = box / "store"
    mreg.run("push", model, f"oci:{store}//m")
    out = box / "out"
    nobody.env["MREG_STORE"] = str(store)
    mreg.run("pull", f"oci:{store}//m", "-o", out)
    os.chown(out, NOBODY, NOBODY)
    (out / "config.json").unlink()
    write(out / "locked/old.bin", b"1")  # root's folder
    error = nobody.fails(1, "pull", f"oci:{store}//m", "-o", out, "--exact")
    assert "locked/old.bin" in error["message"]
    assert not (out / "config.json").exists(), "something was fetched"
    os.chown(out / "locked", NOBODY, NOBODY)
    r = nobody.json("pull", f"oci:{store}//m", "-o", out, "--exact")
    assert r["removed"] == ["locked/old.bin"]
    assert_pulled(out, tree(model))


def test_a_name_that_the_file_system_folds_is_the_models(mreg, box):
    """On disk it is called otherwise, but it is the version's own file."""
    import faults
    if "/asan/" in str(mreg.binary):
        pytest.skip("a preloaded library cannot come before ASan's")
    write(box / "model/Config.JSON", "{}")
    write(box / "model/weights.bin", b"w" * 1000)
    mreg.run("push", box / "model", "m")
    env = faults.Faults(box).env([], 0) | {"FAULT_FOLD": "1"}
    mreg.run("pull", "m", "-o", box / "out", env=env)
    assert (box / "out/config.json").exists()
    write(box / "out/old.bin", b"1")
    for _ in range(2):
        r = mreg.json("pull", "m", "-o", box / "out", "--exact", env=env)
        assert "config.json" not in r["removed"]
    assert (box / "out/config.json").read_text() == "{}"
    assert not (box / "out/old.bin").exists()


def test_a_folder_that_is_a_link_is_not_followed(mreg, box):
    write(box / "model/tokenizer/vocab.txt", "a")
    mreg.run("push", box / "model", "m")
    mreg.run("pull", "m", "-o", box / "out")
    write(box / "elsewhere/other.txt", "not the model's")
    (box / "out/tokenizer/vocab.txt").unlink()
    (box / "out/tokenizer").rmdir()
    (box / "out/tokenizer").symlink_to(box / "elsewhere")
    error = mreg.fails(4, "pull", "m", "-o", box / "out", "--exact")
    assert "'tokenizer'" in error["message"] + error["cause"]
    assert os.listdir(box / "elsewhere") == ["other.txt"]


def test_files_that_appear_meanwhile_stay(name, at_plain, plain, box):
    """The pull is held up by somebody else's lock on a part; what is saved
    into the directory until then was not listed."""
    data = random.Random(str(box)).randbytes(MIB)
    write(box / "model/weights.bin", data)
    write(box / "model/config.json", "{}")
    at_plain.run("push", box / "model", name)
    at_plain.run("pull", name, "-o", box / "out", "--include", "*.json")
    write(box / "out/old.bin", b"1")
    part = box / "out" / (".mreg-part-" + hashlib.sha256(data).hexdigest())
    with open(part, "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = at_plain.start("pull", name, "-o", box / "out", "--exact",
                                 "--json", "-v")
        said = []
        waits = threading.Event()

        def listen():
            for line in process.stderr:
                said.append(line)
                if "waiting for it" in line:
                    waits.set()

        listener = threading.Thread(target=listen)
        listener.start()
        assert waits.wait(60), said
        write(box / "out/new.bin", b"2")
        write(box / "out/old.bin", b"changed")
    process.wait(60)
    listener.join()
    assert process.returncode == 0, said
    assert '"removed":[]' in process.stdout.read()
    process.stdout.close()
    process.stderr.close()
    assert (box / "out/new.bin").read_bytes() == b"2"
    assert (box / "out/old.bin").read_bytes() == b"changed"
    assert (box / "out/weights.bin").read_bytes() == data


def test_two_exact_pulls_of_two_versions_at_once(name, shared, box):
    """One of the two wins; no file has wrong bytes, and one more pull is
    exactly its version."""
    rng = random.Random(str(box))
    versions = []
    for v in (1, 2):
        folder = box / f"v{v}"
        for i in range(6):
            write(folder / f"v{v}-{i}.bin", rng.randbytes(100000))
        write(folder / "both.bin", rng.randbytes(1000))
        shared.run("push", folder, name)
        versions.append(folder)
    shared.run("pull", f"{name}:v1", "-o", box / "out")
    for _ in range(3):
        running = [shared.start("pull", f"{name}:v{v}", "-o", box / "out",
                                "--exact") for v in (1, 2)]
        for r in [finish(p) for p in running]:
            assert r.status in (0, 4), str(r)
        allowed = {**tree(versions[0]), **tree(versions[1])}
        both = {tree(v)["both.bin"] for v in versions}
        for path, found in tree(box / "out").items():
            assert found in both if path == "both.bin" else \
                found == allowed[path]
    shared.run("pull", f"{name}:v2", "-o", box / "out", "--exact")
    assert_pulled(box / "out", tree(versions[1]))
