"""test_copy_room.py - a copy, export or import onto a disk without room for
it says so before the first byte; what is there already needs none.

test_disk_full.py sweeps over disks of all sizes."""
import os
import random
import re

import pytest

import fake
from harness import MIB, assert_pulled, tree, write
from test_disk_full import Disk, disk  # noqa: F401, the fixture

LARGE = 12 * MIB
SMALL_DISK, LARGE_DISK = 8 * MIB, 18 * MIB


@pytest.fixture(scope="module")
def model(work):
    rng = random.Random("room")
    write(work / "to-copy/large.bin", rng.randbytes(LARGE))
    write(work / "to-copy/config.json", "{}")
    return work / "to-copy"


@pytest.fixture
def registry():
    server = fake.Fake()
    yield server
    assert server.stop() == 0


@pytest.fixture
def words(request, mreg, registry, model, disk, box):
    """What a command is told to write to the disk."""
    mreg.run("push", model, f"{registry.host}/m")
    target = f"oci:{disk.folder}/store//m"
    if request.param == "import":
        mreg.run("export", f"{registry.host}/m", box / "m.tar")
        return ["import", box / "m.tar", target]
    return {"copy": ["copy", f"{registry.host}/m", target],
            "export": ["export", f"{registry.host}/m",
                       disk.folder / "m.tar"]}[request.param]


ALL = pytest.mark.parametrize("words", ["copy", "export", "import"],
                              indirect=True)


def told(r):
    return re.search(r": 13\.\d MiB needed in '.*', [78]\.\d MiB free: "
                     "No space left on device", r.stderr)


@ALL
def test_what_has_no_room_is_not_begun(mreg, registry, words, disk, box):
    disk.mount(SMALL_DISK)
    try:
        # Changes with whatever is made there, for a moment too.
        os.utime(disk.folder, (1, 1))
        before = registry.moved()["out"]
        r = mreg.run(*words, status=1)
        assert told(r) and "hint: " in r.stderr, r
        if words[0] != "import":  # which reads a file
            assert registry.moved()["out"] - before < MIB
        assert list(disk.folder.iterdir()) == []
        assert disk.folder.stat().st_mtime == 1
        # A rehearsal warns, as that of a pull.
        r = mreg.run(*words, "--dry-run")
        assert told(r), r
        assert r.stderr.startswith("warning: ")
        assert list(disk.folder.iterdir()) == []
        disk.mount(LARGE_DISK, again=True)
        assert mreg.run(*words).stderr.find("needed") < 0
    finally:
        disk.unmount()


def test_only_what_is_missing_needs_room(mreg, registry, model, disk, box):
    """Also what a killed writer left is no reason to refuse."""
    target = f"oci:{disk.folder}/store//m"
    mreg.run("push", model, f"{registry.host}/m")
    disk.mount(LARGE_DISK)
    try:
        mreg.run("copy", f"{registry.host}/m", target)
        blobs = disk.folder / "store/m/blobs/sha256"
        write(blobs / ".mreg-part-0123456789abcdef", bytes(4 * MIB))
        write(model.parent / "to-copy-2/large.bin",
              (model / "large.bin").read_bytes())
        write(model.parent / "to-copy-2/more.bin", bytes(3 * MIB))
        mreg.run("push", model.parent / "to-copy-2", f"{registry.host}/m")
        mreg.run("copy", f"{registry.host}/m", target)
        # In one local store bytes are shared.
        mreg.run("copy", target, f"oci:{disk.folder}/store//other")
        mreg.run("pull", f"oci:{disk.folder}/store//other", "-o", box / "out")
        assert_pulled(box / "out", tree(model.parent / "to-copy-2"))
    finally:
        disk.unmount()
