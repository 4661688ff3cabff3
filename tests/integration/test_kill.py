"""test_kill.py - SIGKILL at any moment of push or pull, then the same command
again: the right result, and never a wrong file under a final name."""
import random
import time

import pytest

from harness import MIB, assert_pulled, finish, kill, tree, write

POINTS = 10


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


def sweep(start):
    """Kill start(i) at moments spread over the time that one run takes;
    yields i after each kill that met a running process."""
    begin = time.monotonic()
    assert finish(start(0)).status == 0
    whole = time.monotonic() - begin
    met = 0
    for i in range(1, POINTS + 1):
        if kill_after(start(i), whole * (i - 0.5) / POINTS):
            met += 1
        yield i
    assert met >= POINTS / 2, f"only {met} of {POINTS} were still running"


def test_a_killed_push_is_invisible_and_run_again_completes(shared, model,
                                                            box):
    expected = tree(model)

    def start(i):
        return shared.start("push", model, f"kp{i}", "--json")

    for i in sweep(start):
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
        shared, model, box):
    expected = tree(model)
    shared.run("push", model, "kill-pull")

    def start(i):
        return shared.start("pull", "kill-pull", "-o", box / f"out{i}",
                            "--json")

    for i in sweep(start):
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
