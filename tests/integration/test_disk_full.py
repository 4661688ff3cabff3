"""test_disk_full.py - a disk of 64 sizes, none of which is enough: a pull into
it, a push into a local store on it.  A clear error, nothing wrong left, and
with room the same command succeeds.

All sizes with MREG_TEST_FULL=1, samples without; test_faults.py lets single
calls fail."""
import os
import random
import subprocess

import pytest

import faults
from harness import MIB, assert_pulled, tree, write

STEPS = 64
SAMPLES = 6
# Room for folders, indexes and small files beside the model's bytes.
BESIDE = 4 * MIB


@pytest.fixture(scope="module")
def model(work):
    rng = random.Random("full")
    for i in range(3):
        write(work / f"full/part-{i}.bin", rng.randbytes(4 * MIB + i))
    for i in range(20):
        write(work / f"full/small/{i}.txt", rng.randbytes(999))
    return work / "full"


class Disk:
    """A file system of a certain size."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def mount(self, size, again=False):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o",
             f"{'remount,' if again else ''}size={size}", "mreg-test",
             str(self.folder)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")

    def unmount(self):
        subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture
def disk(box):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    return Disk(box / "disk")


def sweep(disk, needed, what, command, check, capsys):
    """command() on disks of growing size; check(status) gives what is wrong
    on them."""
    wrong, tried, errors = [], 0, 0
    for n in faults.points(STEPS, SAMPLES):
        size = max(needed * n // (STEPS + 1), 1 << 16)
        disk.mount(size)
        try:
            r = command()
            tried += 1
            errors += r.status != 0
            bad = check(r.status)
            if r.status != 0 and (r.status != 1 or r.stdout or
                                  "space" not in r.stderr.lower() or
                                  "hint: " not in r.stderr):
                bad.append(f"no clear error\n{r}")
            disk.mount(needed + BESIDE, again=True)
            again = command()
            if again.status != 0:
                bad.append(f"nor with room\n{again}")
            bad += check(again.status)
            wrong += [f"{size} bytes: {b}" for b in bad]
        finally:
            disk.unmount()
    faults.tell(capsys, f"full disks: {tried} ({what}), errors: {errors}, "
                        f"violations: {len(wrong)}")
    assert not wrong, "\n".join(wrong)
    assert errors > tried / 2


def size_of(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def test_a_pull_onto_a_full_disk(mreg, model, disk, capsys):
    mreg.run("push", model, "m")
    expected = tree(model)
    out = disk.folder / "out"

    def command():
        return mreg.run("pull", "m", "-o", out, status=None)

    def check(status):
        found = {p: what for p, what in
                 (tree(out) if out.exists() else {}).items()
                 if not p.startswith(".mreg-")}
        wrong = [f"{p} has other bytes" for p, what in found.items()
                 if what != expected.get(p)]
        if status == 0:
            assert_pulled(out, expected)
        return wrong

    sweep(disk, size_of(model), "pull", command, check, capsys)


def test_a_push_into_a_store_on_a_full_disk(mreg, model, disk, box, capsys):
    mreg.env["XDG_DATA_HOME"] = str(disk.folder / "data")

    def command():
        return mreg.run("push", model, "m", status=None)

    def check(status):
        wrong = []
        found = {}
        if (mreg.store / "m").exists():
            found, wrong = faults.look(mreg, "m")
        if status == 0 and list(found) != [1]:
            wrong.append(f"versions are {found}")
        return wrong

    sweep(disk, size_of(model), "push", command, check, capsys)
