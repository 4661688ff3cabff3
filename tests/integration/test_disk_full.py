"""test_disk_full.py - a disk of 64 sizes, none of which is enough: below what
is pulled or exported, below the local store, below a registry; and one that
somebody else fills in the middle of a pull.  A clear error, nothing wrong
left, and with room the same command succeeds.

All sizes with MREG_TEST_FULL=1, samples without; test_faults.py lets single
calls fail."""
import os
import random
import shutil
import subprocess
import time

import pytest

import fake
import faults
import foreign
import harness
import subjects
from harness import MIB, Mreg, assert_pulled, tree, write

STEPS = 64
SAMPLES = 2
# Room for folders, indexes and small files beside the model's bytes.
BESIDE = 4 * MIB
TIMEOUT_S = 60
# Exit statuses, by whose disk is full: ours or the registry's.
HERE, THERE = (1,), (8,)


@pytest.fixture(scope="module")
def model(work):
    rng = random.Random("full")
    for i in range(3):
        write(work / f"full/part-{i}.bin", rng.randbytes(4 * MIB + i))
    for i in range(20):
        write(work / f"full/small/{i}.txt", rng.randbytes(999))
    return work / "full"


def size_of(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


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

    def fill(self):
        """Nothing more fits."""
        with open(self.folder / "filler", "wb", buffering=0) as f:
            try:
                while f.write(bytes(MIB)):
                    pass
            except OSError:
                pass

    def make_room(self):
        (self.folder / "filler").unlink()


@pytest.fixture
def disk(box):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    return Disk(box / "disk")


# -- from where, to where -----------------------------------------------------


@pytest.fixture(scope="module")
def quick(work):
    return fake.quick(work)


@pytest.fixture(params=["store", "registry"])
def at(request, binary, box, quick, model):
    """Somebody with the model as `source`, in a local store or in a
    registry."""
    mreg = Mreg(binary, box / "home", env=quick)
    server, mreg.where = None, request.param
    mreg.source = f"oci:{box}/source//m"
    if request.param == "registry":
        server = fake.Fake()
        mreg.source = f"{server.host}/m"
        mreg.packing = foreign.Registry(server.host, "foreign")
    else:
        mreg.packing = foreign.Layout(box / "source", "foreign")
    mreg.run("push", model, mreg.source)
    yield mreg
    assert server is None or server.stop() == 0


class OnDisk:
    """Where models go: the local store on the disk, or a registry that has
    its files there."""

    def __init__(self, kind, mreg, disk, box):
        self.mreg, self.disk, self.box = mreg, disk, box
        self.registry, self.kind, self.n = None, kind, 0
        self.clear, self.target = HERE, "m"
        if kind == "store":
            mreg.env["XDG_DATA_HOME"] = str(disk.folder / "data")
        else:
            self.clear = THERE

    def open(self):
        if self.kind != "registry":
            return
        self.n += 1
        self.registry = harness.Registry(self.box / f"registry{self.n}",
                                         data=self.disk.folder)
        self.target = f"{self.registry.host}/m"

    def close(self):
        # No longer ours when the next one does not start.
        registry, self.registry = self.registry, None
        if registry:
            registry.stop()

    def look(self):
        """({N: digest} of the versions, what is wrong)."""
        wrong = []
        if self.registry:
            return faults.look_at_registry(self.registry, "m", wrong), wrong
        if not (self.mreg.store / "m").exists():
            return {}, wrong
        return faults.look_at_layout(self.mreg.store / "m", wrong), wrong


@pytest.fixture(params=["store", "registry"])
def target(request, binary, box, quick, disk):
    mreg = Mreg(binary, box / "writer", env=quick)
    return OnDisk(request.param, mreg, disk, box)


# -- the sweep ----------------------------------------------------------------


def run(mreg, *words):
    try:
        return mreg.run(*words, status=None, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as e:
        return harness.Result(e.cmd, "none: it hangs", "", "")


def unclear(r, statuses=HERE):
    """What is wrong with how a command failed."""
    if r.status in statuses and not r.stdout and "hint: " in r.stderr and (
            statuses is THERE or "space" in r.stderr.lower()):
        return []
    return [f"no clear error\n{r}"]


def sweep(disk, needed, what, command, check, capsys, place=None):
    """command() on disks of growing size; check(status) gives what is wrong
    on them."""
    wrong, tried, errors = [], 0, 0
    for n in faults.points(STEPS, SAMPLES):
        size = max(needed * n // (STEPS + 1), 1 << 16)
        disk.mount(size)
        try:
            if place:
                place.open()
            r = command()
            tried += 1
            errors += r.status != 0
            bad = check(r.status)
            if r.status != 0:
                bad += unclear(r, place.clear if place else HERE)
            disk.mount(2 * needed + BESIDE, again=True)
            again = command()
            if again.status != 0:
                bad.append(f"nor with room\n{again}")
            bad += check(again.status)
            wrong += [f"{size} bytes: {b}" for b in bad]
        finally:
            if place:
                place.close()
            disk.unmount()
    faults.tell(capsys, f"full disks: {tried} ({what}), errors: {errors}, "
                        f"violations: {len(wrong)}")
    assert not wrong, "\n".join(wrong)
    assert errors > tried / 2


def check_folder(out, expected, status):
    found = {p: what for p, what in
             (tree(out) if out.exists() else {}).items()
             if not p.startswith(".mreg-")}
    if status == 0:
        assert_pulled(out, expected)
    return [f"{p} has other bytes" for p, what in found.items()
            if what != expected.get(p)]


def test_a_pull_onto_a_full_disk(at, model, disk, capsys):
    expected = tree(model)
    out = disk.folder / "out"
    sweep(disk, size_of(model), f"pull from {at.where}",
          lambda: run(at, "pull", at.source, "-o", out),
          lambda status: check_folder(out, expected, status), capsys)


@pytest.mark.parametrize("how", faults.some(subjects.PACKED, "zstd"))
def test_a_pull_of_archives_onto_a_full_disk(at, model, disk, how, capsys):
    """They need room for the archives beside what is in them."""
    expected = tree(model)
    out = disk.folder / "out"
    subjects.packed(at.packing, {p: (model / p).read_bytes()
                                 for p in expected})
    sweep(disk, size_of(model), f"pull, {how}, from {at.where}",
          lambda: run(at, *subjects.pull_packed(at.packing.name, how, out)),
          lambda status: check_folder(out, expected, status), capsys)


def test_an_export_onto_a_full_disk(at, model, disk, box, capsys):
    file = disk.folder / "m.tar"
    again = [0]

    def command():
        # It never replaces another file.
        file.unlink(missing_ok=True)
        return run(at, "export", at.source, file)

    def check(status):
        if status != 0:
            return [f"left behind: {p}" for p in disk.folder.iterdir()]
        again[0] += 1
        at.run("import", file, f"again{again[0]}")
        at.run("pull", f"again{again[0]}", "-o", box / f"out{again[0]}")
        assert_pulled(box / f"out{again[0]}", tree(model))
        return []

    sweep(disk, size_of(model), f"export from {at.where}", command, check,
          capsys)


@pytest.mark.parametrize("name", ["push", "copy", "import"])
def test_a_full_disk_below_what_is_written_to(target, name, model, disk, box,
                                              quick, capsys):
    other = Mreg(target.mreg.binary, box / "other", env=quick)
    other.run("push", model, f"oci:{box}/source//m")
    other.run("export", f"oci:{box}/source//m", box / "m.tar")
    words = {"push": model, "copy": f"oci:{box}/source//m",
             "import": box / "m.tar"}

    def check(status):
        found, wrong = target.look()
        if status == 0 and list(found) != [1]:
            wrong.append(f"versions are {found}")
        return wrong

    sweep(disk, size_of(model), f"{name} to {target.kind}",
          lambda: run(target.mreg, name, words[name], target.target), check,
          capsys, target)


@pytest.mark.parametrize("verb", subjects.DOCUMENTS)
def test_a_full_disk_below_what_is_attached_to(target, verb, disk, box,
                                               capsys):
    """The version that was there, or what came of its push, stays whole."""
    small = harness.small_model(box / "small", 1)
    report = write(box / "report.bin", random.Random(verb).randbytes(6 * MIB))
    words = subjects.DOCUMENTS[verb]

    def command():
        # Its room is enough on all but the smallest of them.
        pushed = run(target.mreg, "push", small, target.target)
        return pushed if pushed.status != 0 else run(
            target.mreg, *words(f"{target.target}:v1", report))

    def check(status):
        found, wrong = target.look()
        if found:
            wrong += subjects.attached_wrong(target.mreg, target.target, verb,
                                             status)
        elif status == 0:
            wrong.append("no version")
        return wrong

    sweep(disk, report.stat().st_size, f"{verb} to {target.kind}", command,
          check, capsys, target)


@pytest.fixture
def registry():
    server = fake.Fake()
    yield server
    assert server.stop() == 0


# -- in the middle ------------------------------------------------------------


def wait_at_gate(registry, process, at):
    """Until `at` bytes of blobs have left and whoever wants more waits."""
    end = time.monotonic() + TIMEOUT_S
    while process.poll() is None:
        now = registry.moved()
        if now["out"] >= at and now["waiting"] == now["busy"] > 0:
            return
        assert time.monotonic() < end, "it does not come to the gate"
        time.sleep(0.005)


def test_a_disk_that_becomes_full_in_a_pull(binary, box, quick, model, disk,
                                            registry, capsys):
    first = Mreg(binary, box / "first", env=quick)
    first.run("push", model, f"{registry.host}/m")
    needed, expected = size_of(model), tree(model)
    out = disk.folder / "out"
    wrong, tried, errors = [], 0, 0
    for n in faults.points(STEPS, SAMPLES):
        mreg = Mreg(binary, box / f"home{n}", env=quick)
        words = ["pull", f"{registry.host}/m", "-o", out]
        at = needed * (n - 1) // STEPS + 1
        disk.mount(needed + BESIDE)
        try:
            registry.gate(at)
            process = mreg.start(*words)
            wait_at_gate(registry, process, at)
            disk.fill()
            registry.gate()
            r = harness.finish(process, TIMEOUT_S)
            tried += 1
            errors += r.status != 0
            bad = check_folder(out, expected, r.status)
            bad += unclear(r) if r.status != 0 else []
            disk.make_room()
            again = run(mreg, *words)
            if again.status != 0:
                bad.append(f"nor with room\n{again}")
            bad += check_folder(out, expected, again.status)
            wrong += [f"after {at} bytes: {b}" for b in bad]
        finally:
            disk.unmount()
    faults.tell(capsys, f"disks that become full: {tried} (pull), errors: "
                        f"{errors}, violations: {len(wrong)}")
    assert not wrong, "\n".join(wrong)
    assert errors > tried / 2


# -- where only what may be lost is on it -------------------------------------


def test_a_full_disk_below_the_state_file_is_no_trouble(binary, box, quick,
                                                        model, disk,
                                                        registry):
    """What is remembered may be lost at any time (product.md 5.9)."""
    mreg = Mreg(binary, box / "home", env=quick)
    mreg.env["XDG_CACHE_HOME"] = str(disk.folder / "cache")
    for size in (1 << 16, 1 << 20):
        disk.mount(size)
        try:
            disk.fill()
            ref = f"{registry.host}/state{size}"
            mreg.run("push", model, ref)
            found, wrong = registry.whole(f"state{size}")
            assert list(found) == [1] and not wrong
            mreg.run("pull", ref, "-o", box / f"out{size}")
            assert_pulled(box / f"out{size}", tree(model))
            mreg.run("copy", ref, f"copy{size}")
        finally:
            disk.unmount()


def test_an_archive_has_room_for_its_files_too_or_is_not_fetched(
        binary, box, disk, registry):
    """It lies beside them until the end; so that is looked for before the
    first byte, when what it holds is not known and when it is remembered."""
    content = {f"f{i}": bytes([i]) * MIB for i in range(6)}
    packed = foreign.tar(content)
    remote = foreign.Registry(registry.host, "m")
    for tag, data, suffix in (("tar", packed, "tar"),
                              ("zstd", foreign.zstd(packed), "tar+zstd")):
        remote.manifest(tag, [foreign.named(
            f"{foreign.MODELPACK}weight.v1.{suffix}", data, filepath="x")],
            artifact=foreign.MODEL)
    for tag in ("tar", "zstd"):
        mreg = Mreg(binary, box / tag)
        out, name = disk.folder / "out", f"{remote.name}:{tag}"
        for known in (False, True):
            disk.mount(10 * MIB)
            before = registry.moved()["out"]
            e = mreg.fails(1, "pull", name, "-o", out)
            assert "needed in" in e["message"] + e["cause"]
            assert registry.moved()["out"] - before < MIB
            if known:
                # The files alone have room.
                r = mreg.json("pull", name, "-o", out, "--seed", box / tag)
                assert r["bytesFetched"] == 0
            disk.unmount()
            if known:
                continue
            disk.mount(14 * MIB)
            mreg.run("pull", name, "-o", out)
            assert_pulled(out, foreign.expect(content))
            shutil.copytree(out, box / tag, dirs_exist_ok=True)
            disk.unmount()
