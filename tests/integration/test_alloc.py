"""test_alloc.py - each allocation fails in its turn, once and for good: an
error that says so, no crash, no leak, and a store that is whole.

All of them with MREG_TEST_FULL=1, samples without.  In
an ASan build what leaks is an error too."""
import os
import pathlib

import pytest

import faults
import harness
from harness import ROOT, assert_pulled, small_model, tree

SAMPLES = 40
COMMANDS = ("push", "pull", "ls", "inspect", "alias set")
# ASan's own exit statuses, told apart from ours.
SANITIZERS = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=1",
              "UBSAN_OPTIONS": "halt_on_error=1:exitcode=98",
              "LSAN_OPTIONS": "exitcode=97"}


def newest_source():
    return max(p.stat().st_mtime for folder in ("src", "include")
               for p in (ROOT / folder).rglob("*.[ch]"))


def program():
    """The ASan build where there is a current one."""
    asan = ROOT / "build/asan/mreg"
    if asan.exists() and asan.stat().st_mtime > newest_source():
        return asan
    return harness.program()


@pytest.fixture(scope="module")
def place(work):
    """A user with a model of two versions in the local store."""
    folder = pathlib.Path(work) / "alloc"
    who = harness.Mreg(program(), folder / "home", SANITIZERS)
    models = [small_model(folder / f"m{n}", n) for n in (1, 2)]
    for m in models:
        who.run("push", m, "m")
    who.models, who.folder = models, folder
    return who


def command(who, name, n):
    """Words of the n-th run of a command, and what has to be true after it
    succeeded."""
    if name == "push":
        to = f"push{n}"
        return ["push", who.models[0], to], lambda: \
            who.run("resolve", f"{to}:v1")
    if name == "pull":
        out = who.folder / f"out{n}"
        return ["pull", "m:v2", "-o", out], lambda: \
            assert_pulled(out, tree(who.models[1]))
    if name == "alias set":
        return ["alias", "set", "m:v1", f"a{n}"], lambda: \
            who.run("resolve", f"m:a{n}")
    return [name, "m"], lambda: None


def count(who, name):
    """How many allocations the command makes: the first N from which on
    nothing fails."""
    serial = [0]

    def fine(n):
        serial[0] += 1
        words, _ = command(who, name, f"count{serial[0]}")
        return who.run(*words, status=None,
                       env={"MREG_FAIL_ALLOC": f"{n}+"}).status == 0

    high = 64
    while not fine(high):
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fine(middle) else (middle, high)
    return high + 16 # what is tolerated at the end, and threads


@pytest.mark.parametrize("name", COMMANDS)
def test_no_allocation_matters_more_than_its_command(place, name, capsys):
    who = place
    total = count(who, name)
    tried, failed, wrong = 0, 0, []
    for plan in ("", "+"):
        for n in faults.points(total, SAMPLES if plan == "" else SAMPLES // 4):
            words, check = command(who, name, f"{n}{plan and 'on'}")
            r = who.run(*words, status=None,
                        env={"MREG_FAIL_ALLOC": f"{n}{plan}"})
            tried += 1
            failed += r.status == 1
            if r.status not in (0, 1):
                wrong.append(f"{n}{plan}: {r}")
            elif r.status == 1 and ("out of memory" not in r.stderr or
                                    r.stdout):
                wrong.append(f"{n}{plan}: {r}")
            elif r.status == 0:
                check()
            if name in ("push", "alias set"):
                model = str(words[2]) if name == "push" else "m"
                if (who.store / model).exists():
                    wrong += faults.look(who, model)[1]
            if n % 7 == 0 or r.status != 0 and not faults.FULL:
                who.run(*words)
                check()
    faults.tell(capsys, f"allocations failed: {tried} ({name}), errors: "
                        f"{failed}, violations: {len(wrong)}")
    assert not wrong, "\n\n".join(wrong)
    assert failed > tried / 4


def test_running_out_of_memory_is_told_in_json(place):
    """Also when no memory is left to tell it."""
    error = place.fails(1, "ls", "m", env={"MREG_FAIL_ALLOC": "30+"})
    assert error["code"] == "no_memory"
    assert error["message"] == "out of memory"
    assert error["hint"]
