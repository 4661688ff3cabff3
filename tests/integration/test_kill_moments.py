"""test_kill_moments.py - SIGKILL after a certain byte of a push or a pull, at
evenly spaced ones: the second run moves only what was missing.

The fake registry stops all transfers at that byte and waits (fake.Fake.gate),
so that the moment does not depend on the machine.  64 MiB and 10 moments; 1
GiB and 200 with MREG_TEST_FULL=1."""
import random
import shutil
import time

import pytest

import fake
import faults
from harness import MIB, Mreg, assert_pulled, kill, tree, write

POINTS = 200 if faults.FULL else 10
UNIT = 64 * MIB if faults.FULL else 4 * MIB
JOBS = 2
# What a connection may lose: progress is recorded that often (product.md
# 5.2).
LOST = 16 * MIB
# And what the kernel still held where it could not be waited for.
BUFFERS = MIB
# Manifests' configurations and the log's empty blobs, which are no files.
SMALL = 64 << 10


@pytest.fixture(scope="module")
def model(work):
    """16 units: one file of half of it, one of a quarter, four of a unit."""
    rng = random.Random("moments")
    folder = work / "moments"
    for i, units in enumerate((8, 4, 1, 1, 1, 1)):
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"part-{i}.bin", "wb") as f:
            for _ in range(units):
                f.write(rng.randbytes(UNIT))
        (folder / f"part-{i}.bin").chmod(0o644)
    write(folder / "config.json", "{}")
    return folder


def size_of(folder):
    return sum(p.stat().st_size for p in folder.iterdir())


def until(what, why):
    """Wait for a state that must come; minutes only where a machine is
    stuck."""
    end = time.monotonic() + 300
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.005)


def is_drained(registry):
    """Whether all that the registry sent has been read: what the kernel holds
    (megabytes for each connection) is nobody's progress."""
    ports = {int(host.rsplit(":", 1)[1], 10)
             for host in (registry.host, registry.elsewhere)}
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            ours, theirs, _, queues = line.split()[1:5]
            unsent, unread = (int(n, 16) for n in queues.split(":"))
            if int(ours.split(":")[1], 16) in ports and unsent or \
                    int(theirs.split(":")[1], 16) in ports and unread:
                return False
    return True


class Moment:
    """What one kill came to."""

    def __init__(self, registry, process, at):
        """Let `at` bytes pass, kill."""
        def held():
            now = registry.moved()
            return process.poll() is not None or \
                now["in"] + now["out"] >= at and now["waiting"] > 0 and \
                now["waiting"] == now["busy"]

        until(held, "the transfer does not come to the gate")
        until(lambda: process.poll() is not None or is_drained(registry),
              "what was sent is not read")
        self.met = process.poll() is None
        self.connections = registry.moved()["waiting"]
        kill(process)
        registry.gate()
        # Ours is one.
        until(lambda: registry.moved()["connections"] <= 1,
              "connections of the dead")
        now = registry.moved()
        self.first = now["in"] + now["out"]
        # From zero again.
        registry.gate(1 << 62)


def second(registry):
    now = registry.moved()
    return now["in"] + now["out"]


class Tally:
    def __init__(self, what):
        self.what, self.met, self.wrong = what, 0, []
        self.again, self.connections = [], 0

    def add(self, moment, total, moved, allowed):
        """`moved`: by the second run; `allowed`: of it, a second time."""
        if not moment.met:
            return
        self.met += 1
        again = moment.first + moved - total
        self.again.append(max(again, 0))
        self.connections = max(self.connections, moment.connections)
        if again > allowed + SMALL + BUFFERS * moment.connections:
            self.wrong.append(
                f"killed after {moment.first} of {total} bytes, "
                f"{moment.connections} connections: {again} bytes again, "
                f"{allowed} allowed")

    def end(self, capsys):
        again = sorted(self.again) or [0]
        faults.tell(
            capsys, f"kill moments: {self.met} ({self.what}), moved again in "
            f"MiB: median {again[len(again) // 2] / MIB:.1f}, most "
            f"{again[-1] / MIB:.1f}, connections: {self.connections}, "
            f"violations: {len(self.wrong)}")
        assert not self.wrong, "\n".join(self.wrong)
        assert self.met >= POINTS - 1


def moments(total):
    return [total * (2 * i + 1) // (2 * POINTS) for i in range(POINTS)]


def user(binary, home, registry):
    return Mreg(binary, home, env={"MREG_REGISTRY": registry.host,
                                   "MREG_JOBS": str(JOBS)})


@pytest.mark.parametrize("where", ["registry", "storage"])
def test_a_killed_pull_fetches_what_was_missing(binary, box, model, where,
                                                capsys):
    """From the registry, and from storage behind signed addresses."""
    registry = fake.Fake(redirect_blobs=where == "storage" or 0)
    user(binary, box / "pusher", registry).run("push", model, "m")
    expected, total = tree(model), size_of(model)
    tally = Tally(f"pull from {where}")
    for i, at in enumerate(moments(total)):
        mreg = user(binary, box / f"home{i}", registry)
        out = box / f"out{i}"
        registry.gate(at)
        moment = Moment(registry, mreg.start("pull", "m", "-o", out), at)
        for path, what in (tree(out) if out.exists() else {}).items():
            assert path.startswith(".mreg-") or what == expected[path], path
        mreg.run("pull", "m", "-o", out)
        assert_pulled(out, expected)
        tally.add(moment, total, second(registry), LOST * moment.connections)
        registry.gate()
        shutil.rmtree(out)
        shutil.rmtree(mreg.home)
    assert registry.stop() == 0
    tally.end(capsys)


@pytest.mark.parametrize("known", [False, True], ids=["streamed", "known"])
@pytest.mark.parametrize("profile", ["dist28", "dist3"])
def test_a_killed_push_sends_what_was_missing(binary, box, model, profile,
                                              known, capsys):
    """dist28: a broken session is lost, blobs that were done are not; dist3:
    the session goes on where it was.  Streamed while it is hashed, and with
    digests that a push to another place has made known."""
    total = size_of(model)
    expected = tree(model)
    tally = Tally(f"push to {profile}, digests "
                  f"{'known' if known else 'unknown'}")
    home = box / "home"
    if known:
        other = fake.Fake()
        user(binary, home, other).run("push", model, "m")
        assert other.stop() == 0
    for i, at in enumerate(moments(total)):
        registry = fake.Fake(profile)
        mreg = user(binary, home if known else box / f"home{i}", registry)
        registry.gate(at)
        moment = Moment(registry, mreg.start("push", model, "m"), at)
        done = sum(registry.content("m")["blobs"].values())
        mreg.run("push", model, "m")
        found, wrong = registry.whole("m")
        assert list(found) == [1] and not wrong
        # What is finished is remembered every megabyte.
        allowed = moment.first - done + MIB if profile == "dist28" else \
            LOST * moment.connections
        tally.add(moment, total, second(registry), allowed)
        if i == POINTS // 2:
            mreg.run("pull", "m", "-o", box / "out")
            assert_pulled(box / "out", expected)
        assert registry.stop() == 0
        if not known:
            shutil.rmtree(mreg.home)
    tally.end(capsys)
