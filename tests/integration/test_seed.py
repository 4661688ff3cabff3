"""test_seed.py - bytes that are on this machine are not fetched from a
registry: the local store's, another directory's, a renamed file's."""
import hashlib
import os
import random
import shutil
import subprocess

import pytest

from harness import MIB, assert_pulled, make_hub_cache, tree, write


@pytest.fixture
def name(box):
    """A repository of its own."""
    return "seed/" + hashlib.sha256(str(box).encode()).hexdigest()[:16]


@pytest.fixture
def model(box):
    rng = random.Random(str(box))
    for i in range(4):
        write(box / f"model/shard-{i}.bin", rng.randbytes(MIB))
    write(box / "model/config.json", str(box))
    return box / "model"


def fetched(registry, mark):
    """Blobs that were asked for."""
    return [path for method, path, _ in registry.requests(mark)
            if method == "GET" and "/blobs/" in path]


def test_the_local_store_is_a_seed(at_plain, plain, model, name, box):
    at_plain.run("push", model, name)
    at_plain.run("push", model, f"oci:{at_plain.store}//other/model",
                 env={"MREG_REGISTRY": ""})
    mark = plain.mark()
    r = at_plain.json("pull", name, "-o", box / "out")
    assert fetched(plain, mark) == []
    assert r["bytesSeeded"] == r["bytesTotal"] and r["bytesFetched"] == 0
    assert_pulled(box / "out", tree(model))


def test_a_damaged_local_store_is_no_trouble(at_plain, plain, model, name,
                                             box):
    at_plain.run("push", model, name)
    at_plain.run("push", model, f"oci:{at_plain.store}//{name}",
                 env={"MREG_REGISTRY": ""})
    digest = hashlib.sha256((model / "shard-1.bin").read_bytes()).hexdigest()
    blob = at_plain.store / name / "blobs/sha256" / digest
    blob.chmod(0o644)
    blob.write_bytes(bytes(MIB))
    mark = plain.mark()
    r = at_plain.json("pull", name, "-o", box / "out")
    assert len(fetched(plain, mark)) == 1
    assert r["bytesFetched"] == MIB
    assert_pulled(box / "out", tree(model))


def test_another_directory_is_a_seed(at_plain, plain, model, name, box):
    at_plain.run("push", model, name)
    for i in range(4):
        write(box / f"seed/{3 - i}.old",
              (model / f"shard-{i}.bin").read_bytes())
    write(box / "config/old.json", (model / "config.json").read_bytes())
    mark = plain.mark()
    r = at_plain.json("pull", name, "-o", box / "out", "--seed", box / "seed",
                      "--seed", box / "config")
    assert fetched(plain, mark) == []
    assert r["bytesSeeded"] == r["bytesTotal"]
    assert_pulled(box / "out", tree(model))


def test_a_hub_cache_is_a_seed(at_plain, plain, name, box):
    """Links, and files called by their digest."""
    snapshot = make_hub_cache(box / "hub")
    at_plain.run("push", snapshot, name)
    mark = plain.mark()
    at_plain.run("pull", name, "-o", box / "out", "--seed", box / "hub")
    assert fetched(plain, mark) == []
    assert_pulled(box / "out", tree(snapshot))


def test_only_what_seeds_lack_is_fetched(at_plain, plain, model, name, box):
    at_plain.run("push", model, name)
    shutil.copytree(model, box / "seed")
    (box / "seed/shard-2.bin").unlink()
    write(box / "seed/shard-3.bin", bytes(MIB))
    mark = plain.mark()
    r = at_plain.json("pull", name, "-o", box / "out", "--seed", box / "seed")
    assert len(set(fetched(plain, mark))) == 2
    assert r["bytesFetched"] == 2 * MIB
    assert_pulled(box / "out", tree(model))


def test_a_renamed_file_is_not_fetched(at_plain, plain, model, name, box):
    at_plain.run("push", model, name)
    at_plain.run("pull", name, "-o", box / "out")
    os.makedirs(model / "weights")
    for i in range(4):
        os.rename(model / f"shard-{i}.bin", model / f"weights/{i}.bin")
    at_plain.run("push", model, name)
    mark = plain.mark()
    r = at_plain.json("pull", name, "-o", box / "out", "--exact")
    assert fetched(plain, mark) == []
    assert r["bytesSeeded"] == 4 * MIB and len(r["removed"]) == 4
    assert_pulled(box / "out", tree(model))


def test_seeding_goes_on_after_it_was_killed(at_plain, model, name, box):
    import faults
    if "/asan/" in str(at_plain.binary):
        pytest.skip("a preloaded library cannot come before ASan's")
    at_plain.run("push", model, name)
    fault = faults.Faults(box)
    words = ["pull", name, "-o", box / "out", "--seed", model]
    at_plain.run(*words, env=fault.env(faults.CLASSES, 0))
    count = fault.count
    shutil.rmtree(box / "out")
    for n in range(1, count + 1, max(1, count // 12)):
        at_plain.run(*words, env=fault.env(faults.CLASSES, n), status=None)
        for path, found in tree(box / "out").items() \
                if (box / "out").exists() else ():
            if not path.startswith(".mreg-part-"):
                assert found == tree(model)[path]
        at_plain.run(*words)
        assert_pulled(box / "out", tree(model))
        shutil.rmtree(box / "out")


# -- file systems that share blocks -------------------------------------------


@pytest.fixture
def sharing(box):
    """A file system on which files can share blocks."""
    path = "/usr/sbin:/sbin:/usr/bin:/bin"
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    if not shutil.which("mkfs.xfs", path=path):
        pytest.skip("mkfs.xfs is not there")
    with open(box / "image", "wb") as f:
        f.truncate(400 * MIB)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(box / "image")],
                   check=True, env={**os.environ, "PATH": path})
    folder = box / "sharing"
    folder.mkdir()
    done = subprocess.run(["mount", "-o", "loop", str(box / "image"),
                           str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def used(folder):
    subprocess.run(["sync", "-f", str(folder)], check=True)
    st = os.statvfs(folder)
    return (st.f_blocks - st.f_bfree) * st.f_frsize


def test_clones_take_no_room(mreg, sharing):
    data = random.Random("share").randbytes(40 * MIB)
    write(sharing / "model/a.bin", data)
    write(sharing / "model/b.bin", data)
    mreg.env["MREG_STORE"] = str(sharing / "store")
    mreg.run("push", sharing / "model", "m")
    before = used(sharing)
    r = mreg.json("pull", "m", "-o", sharing / "one")
    assert r["bytesFetched"] == 40 * MIB and r["bytesSeeded"] == 0
    r = mreg.json("pull", f"oci:{sharing}/store//m", "-o", sharing / "two",
                  "--seed", sharing / "one")
    assert used(sharing) - before < 10 * MIB
    for name in ("one", "two"):
        assert_pulled(sharing / name, tree(sharing / "model"))
    # Later changes of one are none of the other's.
    with open(sharing / "one/a.bin", "r+b") as f:
        f.write(b"changed")
    assert_pulled(sharing / "two", tree(sharing / "model"))


def test_a_full_disk_has_room_for_clones(mreg, sharing):
    write(sharing / "model/a.bin", random.Random("full").randbytes(40 * MIB))
    mreg.env["MREG_STORE"] = str(sharing / "store")
    mreg.run("push", sharing / "model", "m")
    st = os.statvfs(sharing)
    with open(sharing / "filler", "wb") as f:
        os.posix_fallocate(f.fileno(), 0,
                           st.f_bavail * st.f_frsize - 20 * MIB)
    mreg.run("pull", "m", "-o", sharing / "out")
    assert_pulled(sharing / "out", tree(sharing / "model"))
