"""test_kill.py - SIGKILL at any moment of push or pull, then the same command
again: the right result, and never a wrong file under a final name.

By the clock with a model of 64 MiB, and at chosen calls with a small one; all
of them with MREG_TEST_FULL=1, samples without."""
import random
import time

import pytest

import faults
import foreign
import subjects
from harness import MIB, assert_pulled, finish, kill, tree, write

POINTS = 100 if faults.FULL else 10
# Of the calls of one kind, by where.
SAMPLES = {"local": 4, "http": 2}


@pytest.fixture(scope="module")
def model(work):
    """64 MiB in eight files."""
    rng = random.Random("kill")
    for i in range(8):
        write(work / f"to-kill/part-{i}.bin", rng.randbytes(8 * MIB))
    return work / "to-kill"


def kill_after(process, seconds):
    """True if it was still running."""
    time.sleep(seconds)
    alive = process.poll() is None
    kill(process)
    return alive


def sweep(start, capsys):
    """Kill start(i) at moments spread over the time that one run takes;
    yields i after each kill that met a running process."""
    begin = time.monotonic()
    assert finish(start(0)).status == 0
    whole = time.monotonic() - begin
    met = i = 0
    rng = random.Random()
    # The first run may have been a slow one: then the moments come closer.
    while i < POINTS or (met < POINTS / 2 and i < 5 * POINTS):
        i += 1
        part = rng.random() if faults.FULL else (i - 0.5) % POINTS / POINTS
        if kill_after(start(i), whole * part):
            met += 1
        else:
            whole *= 0.8
        yield i
    faults.tell(capsys, f"kill points tried: {met} by the clock, "
                        f"violations: 0")
    assert met >= POINTS / 2, f"only {met} of {i} were still running"


def test_a_killed_push_is_invisible_and_run_again_completes(shared, model,
                                                            box, capsys):
    expected = tree(model)

    def start(i):
        return shared.start("push", model, f"kp{i}", "--json")

    for i in sweep(start, capsys):
        name = f"kp{i}"
        r = shared.run("ls", name, "--json", status=None)
        assert r.status in (0, 3), str(r)
        if r.status == 0 and r.json["versions"]:
            # It was complete already: then all of it is there.
            shared.run("pull", f"{name}:v1", "-o", box / f"early{i}")
            assert_pulled(box / f"early{i}", expected)
        pushed = shared.json("push", model, name)
        assert shared.json("resolve", name)["digest"] == pushed["digest"]
        row, = shared.json("ls", name)["versions"]
        assert row["number"] == pushed["number"]
        if i % 3 == 0:
            shared.run("pull", name, "-o", box / f"out{i}")
            assert_pulled(box / f"out{i}", expected)


def test_a_killed_pull_leaves_no_wrong_file_and_run_again_completes(
        shared, model, box, capsys):
    expected = tree(model)
    shared.run("push", model, "kill-pull")

    def start(i):
        return shared.start("pull", "kill-pull", "-o", box / f"out{i}",
                            "--json")

    for i in sweep(start, capsys):
        out = box / f"out{i}"
        found = tree(out) if out.exists() else {}
        for path, what in found.items():
            if not path.startswith(".mreg-part-"):
                assert what == expected[path], path
        shared.run("pull", "kill-pull", "-o", out)
        assert_pulled(out, expected)


def test_a_killed_pull_over_an_old_version_mixes_no_bytes(shared, box):
    """Each file is the old or the new one, at every moment."""
    rng = random.Random("versions")
    trees = []
    for n in (1, 2):
        for i in range(4):
            write(box / f"m{n}/part-{i}.bin", rng.randbytes(4 * MIB))
        trees.append(tree(box / f"m{n}"))
        shared.run("push", box / f"m{n}", "kill-over")
    whole = 0.0
    for i in range(6):
        out = box / f"out{i}"
        shared.run("pull", "kill-over:v1", "-o", out)
        begin = time.monotonic()
        process = shared.start("pull", "kill-over:v2", "-o", out)
        if i == 0:
            assert finish(process).status == 0
            whole = time.monotonic() - begin
        else:
            kill_after(process, whole * (i - 0.5) / 5)
        for path, what in tree(out).items():
            if not path.startswith(".mreg-part-"):
                assert what in (trees[0][path], trees[1][path]), path
        shared.run("pull", "kill-over:v2", "-o", out)
        assert_pulled(out, trees[1])


# -- at chosen calls -------------------------------------------------------------


@pytest.fixture(scope="module")
def fault(work):
    return faults.Faults(work)


@pytest.fixture
def pusher(shared, request):
    """Somebody whose store can be looked into."""
    if shared.where == "http":
        shared.registry = request.getfixturevalue("plain")
    return shared


@pytest.fixture(scope="module")
def two(work):
    """Two versions of a small model: one file stays, one changes, one is of
    several chunks, one content is there twice, one is executable."""
    rng = random.Random("two")
    for n in (1, 2):
        m = work / f"two/{n}"
        write(m / "config.json", "{}\n")
        write(m / "model.bin", rng.randbytes(2 * MIB + 7))
        write(m / "copy/a.bin", b"%d" % n * 5000)
        write(m / "copy/b.bin", b"%d" % n * 5000)
        write(m / "run.sh", f"#!/bin/sh\nexit {n}\n", executable=True)
    return work / "two/1", work / "two/2"


class Sweep:
    """Runs of one command that are killed at each of its calls."""

    def __init__(self, fault, what, where):
        self.fault, self.what = fault, f"{what}-{where}"
        self.samples = SAMPLES[where]
        self.tried, self.violations = 0, []

    def points(self, prepare, command):
        """Yields, after a killed run of command(point), that point, a name of
        its own; prepare(point) comes before."""
        kinds = [(kind, "kill") for kind in faults.CLASSES]
        kinds += [("write", "torn"), ("send", "torn")]
        for kind, do in kinds:
            point = f"{self.what}-{kind}-{do}-0"
            prepare(point)
            r = command(point, self.fault.env([kind], 0))
            assert r.status == 0, str(r)
            for n in faults.points(self.fault.count, self.samples):
                point = f"{self.what}-{kind}-{do}-{n}"
                prepare(point)
                r = command(point, self.fault.env([kind], n, do))
                # Fewer calls than before, and all is done.
                assert r.status in (0, -9), str(r)
                self.tried += r.status == -9
                yield point

    def add(self, point, wrong):
        self.violations += [f"{point}: {w}" for w in wrong]

    def end(self, capsys):
        faults.tell(capsys, f"kill points tried: {self.tried}, violations: "
                            f"{len(self.violations)} ({self.what})")
        assert not self.violations, "\n".join(self.violations)
        assert self.tried >= 10


def test_a_push_killed_at_any_call_harms_nothing(pusher, fault, two, box,
                                                capsys):
    """The version that was there stays whole; what is visible is whole; the
    rerun gives the same version, once."""
    old, new = two
    trees = tree(old), tree(new)
    sweep = Sweep(fault, "push", pusher.where)
    digests = {}  # what the two pushes come to, anywhere: no name is in it

    def prepare(point):
        digests[point] = pusher.json("push", old, f"{point}/m")["digest"]

    def command(point, env):
        return pusher.run("push", new, f"{point}/m", "--alias", "staging",
                          status=None, env=env)

    for point in sweep.points(prepare, command):
        name = f"{point}/m"
        found, wrong = faults.look(pusher, name)
        sweep.add(point, wrong)
        if found.get(1) != digests[point]:
            sweep.add(point, ["v1 is not what it was"])
        again = pusher.json("push", new, name, "--alias", "staging")
        found, wrong = faults.look(pusher, name)
        sweep.add(point, wrong)
        if sorted(found.values()) != sorted([digests[point],
                                             again["digest"]]):
            sweep.add(point, [f"versions are {found}"])
        listed = pusher.json("ls", name)["versions"]
        if {v["number"] for v in listed} != set(found):
            sweep.add(point, [f"ls says {listed}"])
        for tag in ("latest", "staging"):
            if pusher.json("resolve", f"{name}:{tag}")["digest"] != \
                    again["digest"]:
                sweep.add(point, [f"{tag} is not the new version"])
        out = box / point
        pusher.run("pull", name, "-o", out)
        assert_pulled(out, trees[1])
    assert len(set(digests.values())) == 1
    sweep.end(capsys)


def test_a_pull_killed_at_any_call_leaves_old_or_new_files(pusher, fault, two,
                                                           box, capsys):
    old, new = two
    trees = tree(old), tree(new)
    name = f"kill-{pusher.where}/m"
    for m in two:
        pusher.run("push", m, name)
    sweep = Sweep(fault, "pull", pusher.where)

    def prepare(point):
        pusher.run("pull", f"{name}:v1", "-o", box / point)

    def command(point, env):
        return pusher.run("pull", f"{name}:v2", "-o", box / point,
                          status=None, env=env)

    for point in sweep.points(prepare, command):
        out = box / point
        found = {p: what for p, what in tree(out).items()
                 if not p.startswith(".mreg-part-")}
        if found.keys() != trees[0].keys():
            sweep.add(point, [f"files are {sorted(found)}"])
        sweep.add(point, [
            f"{p} is neither old nor new" for p, what in found.items()
            if what not in (trees[0].get(p), trees[1].get(p))])
        pusher.run("pull", f"{name}:v2", "-o", out)
        assert_pulled(out, trees[1])
    sweep.end(capsys)


def test_an_alias_killed_at_any_call_is_old_or_new(pusher, fault, two, capsys):
    """The alias is always one of the two, and setting it again sets it."""
    sweep = Sweep(fault, "alias", pusher.where)
    digests = {}

    def prepare(point):
        digests[point] = [pusher.json("push", m, f"{point}/m")["digest"]
                          for m in two]
        pusher.run("alias", "set", f"{point}/m:v1", "production")

    def command(point, env):
        return pusher.run("alias", "set", f"{point}/m:v2", "production",
                          status=None, env=env)

    for point in sweep.points(prepare, command):
        name = f"{point}/m"
        found, wrong = faults.look(pusher, name)
        sweep.add(point, wrong)
        now = pusher.json("resolve", f"{name}:production")["digest"]
        if now not in digests[point] or \
                set(found.values()) != set(digests[point]):
            sweep.add(point, [f"production is {now} of {found}"])
        pusher.run("alias", "set", f"{name}:v2", "production")
        if pusher.json("resolve", f"{name}:production")["digest"] != \
                digests[point][1]:
            sweep.add(point, ["production was not set"])
    sweep.end(capsys)


# -- what is attached, policies, archives --------------------------------------


@pytest.mark.parametrize("verb", faults.some(subjects.DOCUMENTS, "evaluate"))
def test_a_document_killed_at_any_call_is_there_or_not(pusher, fault, two,
                                                       box, verb, capsys):
    """The version stays what it is; after the second time there is one
    document, and no second."""
    sweep = Sweep(fault, verb, pusher.where)
    report = write(box / "report.md", "# Fine\n")
    words = subjects.DOCUMENTS[verb]
    digests = {}

    def prepare(point):
        digests[point] = pusher.json("push", two[0], f"{point}/m")["digest"]

    def command(point, env):
        return pusher.run(*words(f"{point}/m:v1", report), status=None,
                          env=env)

    for point in sweep.points(prepare, command):
        name = f"{point}/m"
        for status in (-9, 0):
            found, wrong = faults.look(pusher, name)
            if found != {1: digests[point]}:
                wrong.append(f"versions are {found}")
            sweep.add(point, wrong)
            sweep.add(point, subjects.attached_wrong(pusher, name, verb,
                                                     status))
            if status != 0:
                pusher.run(*words(f"{name}:v1", report))
    sweep.end(capsys)


def test_a_policy_killed_at_any_call_is_in_force_or_not(pusher, fault, two,
                                                        box, capsys):
    """Never one that cannot be read: then nothing could be pushed any
    more."""
    sweep = Sweep(fault, "policy", pusher.where)
    file = write(box / "policy.yaml", subjects.POLICY)

    def prepare(point):
        pusher.run("push", two[0], f"{point}/m")

    def command(point, env):
        return pusher.run("policy", "set", f"{point}/m", file, status=None,
                          env=env)

    for point in sweep.points(prepare, command):
        name = f"{point}/m"
        for status in (-9, 0):
            found, wrong = faults.look(pusher, name)
            if list(found) != [1]:
                wrong.append(f"versions are {found}")
            sweep.add(point, wrong)
            sweep.add(point, subjects.policy_wrong(pusher, name, status))
            if status != 0:
                pusher.run("policy", "set", name, file)
        r = pusher.run("push", two[1], name, status=None)
        if r.status != 7 or "require.license" not in r.stderr:
            sweep.add(point, [f"the policy does not hold\n{r}"])
    sweep.end(capsys)


@pytest.mark.parametrize("how", faults.some(subjects.PACKED, "gzip"))
def test_a_pull_of_archives_killed_at_any_call_leaves_old_or_new_files(
        pusher, fault, box, how, capsys):
    """What is there of an archive is whole, and what was there before too."""
    expected = subjects.unpacked()
    name = f"kill-{how}-{pusher.where}"
    subjects.packed(foreign.Registry(pusher.registry.host, name)
                    if pusher.where == "http" else
                    foreign.Layout(pusher.store, name))
    sweep = Sweep(fault, f"pull-{how}", pusher.where)

    def prepare(point):
        write(box / point / "c.json", "old")
        write(box / point / "other", "stays")

    old = {**tree(write(box / "old/c.json", "old").parent),
           **tree(write(box / "more/other", "stays").parent)}

    def command(point, env):
        return pusher.run(*subjects.pull_packed(name, how, box / point),
                          status=None, env=env)

    for point in sweep.points(prepare, command):
        out = box / point
        found = {p: what for p, what in tree(out).items()
                 if not p.startswith(".mreg-")}
        sweep.add(point, [f"{p} is neither old nor new"
                          for p, what in found.items()
                          if what not in (old.get(p), expected.get(p))])
        sweep.add(point, [f"{p} is gone" for p in old if p not in found])
        pusher.run(*subjects.pull_packed(name, how, out))
        assert_pulled(out, {**old, **expected})
    sweep.end(capsys)
