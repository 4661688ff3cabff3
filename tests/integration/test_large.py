"""test_large.py - 2 GiB in one file: memory stays small, every byte is read
from disk once and written once."""
import json
import os
import sys

import pytest

from harness import MIB, ROOT, Mreg

pytestmark = pytest.mark.large

SIZE = 2048 * MIB
PEAK_MAX = 32 * MIB
# Headers, state, journal, log: whatever is not the file.
SLACK = 32 * MIB


def forget(path):
    """Out of the page cache, as far as it is clean."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def forget_below(folder):
    for base, _, names in os.walk(folder):
        for name in names:
            forget(os.path.join(base, name))


@pytest.fixture(scope="module")
def big(work):
    """Random bytes; nothing can compress, share or guess them."""
    folder = work / "big"
    folder.mkdir()
    with open("/dev/urandom", "rb", buffering=0) as src, \
            open(folder / "model.bin", "wb", buffering=0) as dst:
        for _ in range(SIZE // (8 * MIB)):
            block = src.read(8 * MIB)
            while block:
                block = block[dst.write(block):] or None
    assert (folder / "model.bin").stat().st_size == SIZE
    yield folder
    (folder / "model.bin").unlink()


def disk_counts(folder, box):
    """Whether reads of cold files are counted here at all (tmpfs: no)."""
    before = read_bytes()
    forget(folder / "model.bin")
    with open(folder / "model.bin", "rb", buffering=0) as f:
        f.read(MIB)
    return read_bytes() > before


def read_bytes():
    with open("/proc/self/io", encoding="ascii") as f:
        return int(dict(line.split(": ") for line in f)["read_bytes"])


def measured(user, box, *args):
    """What one run of mreg used."""
    report = box / "used.json"
    meter = Mreg(user.binary, user.home, user.env, prefix=[
        sys.executable, "-S", ROOT / "tests/support/measure.py", report])
    meter.env = user.env
    meter.run(*args, "--quiet", timeout=600)
    used = json.loads(report.read_text())
    assert used["status"] == 0
    return used


def assert_moved_once(used, read=SIZE, written=SIZE, cold=True):
    assert used["maxrss_bytes"] < PEAK_MAX, used
    assert used["rchar"] <= read + SLACK, used
    assert used["wchar"] <= written + SLACK, used
    assert used["write_bytes"] <= written + SLACK, used
    if cold:
        assert read - SLACK <= used["read_bytes"] <= read + SLACK, used


def same_bytes(a, b):
    with open(a, "rb", buffering=0) as x, open(b, "rb", buffering=0) as y:
        while True:
            left, right = x.read(8 * MIB), y.read(8 * MIB)
            if left != right:
                return False
            if not left:
                return True


def trip(user, big, box):
    """Push and pull; what each used."""
    cold = disk_counts(big, box)
    forget(big / "model.bin")
    pushed = measured(user, box, "push", big, "big")
    if user.where == "local":
        forget_below(user.store)
    pulled = measured(user, box, "pull", "big", "-o", box / "out")
    assert same_bytes(big / "model.bin", box / "out/model.bin")
    (box / "out/model.bin").unlink()
    return cold, pushed, pulled


def test_local_store(mreg, big, box):
    mreg.where = "local"
    cold, pushed, pulled = trip(mreg, big, box)
    assert_moved_once(pushed, cold=cold)
    assert_moved_once(pulled, cold=cold)


def test_distribution(at_plain, big, box):
    at_plain.where = "http"
    cold, pushed, pulled = trip(at_plain, big, box)
    # What goes to a socket with send() is not in wchar.
    assert_moved_once(pushed, written=0, cold=cold)
    assert_moved_once(pulled, read=0, cold=False)
    assert pulled["read_bytes"] <= SLACK
