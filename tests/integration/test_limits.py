"""test_limits.py - how fast a session may be: --limit-rate, both ways, and
over how many connections."""
import time

import pytest

import fake
from harness import MIB, Mreg, assert_pulled, small_model, tree, write

SIZE = 8 * MIB
RATE = "4MiB"
# Two seconds' worth, of which one may come at once.
LEAST_S = 1.0


@pytest.fixture
def model(box):
    return small_model(box / "model", "limits", SIZE)


def took(run):
    began = time.monotonic()
    run()
    return time.monotonic() - began


def test_a_limited_push_is_not_faster(at_plain, model, box):
    """And what arrives is what was sent."""
    assert took(lambda: at_plain.run(
        "push", model, "limits/push", "--limit-rate", RATE)) >= LEAST_S
    at_plain.run("pull", "limits/push", "-o", box / "out")
    assert_pulled(box / "out", tree(model))


def test_a_limited_pull_is_not_faster(at_plain, model, box):
    at_plain.run("push", model, "limits/pull")
    assert took(lambda: at_plain.run(
        "pull", "limits/pull", "-o", box / "out",
        "--limit-rate", RATE)) >= LEAST_S
    assert_pulled(box / "out", tree(model))


def test_the_environment_limits_too(at_plain, model, box):
    """Both ways together, in one session each."""
    at_plain.env["MREG_LIMIT_RATE"] = RATE
    assert took(lambda: at_plain.run("push", model, "limits/env")) >= LEAST_S
    assert took(lambda: at_plain.run("pull", "limits/env", "-o",
                                     box / "out")) >= LEAST_S
    assert_pulled(box / "out", tree(model))


# -- connections -------------------------------------------------------------


JOBS = 2
FILES = 12


def connections(registry, process, enough):
    """How many bodies are under way at once, at a gate that lets none pass;
    then all of them do."""
    end = time.monotonic() + 300
    most, still = 0, 0
    # Until all that are busy wait, and nothing changes any more.
    while most < enough or still < 50:
        assert process.poll() is None and time.monotonic() < end, most
        now = registry.moved()
        still = still + 1 if now["waiting"] == now["busy"] == most else 0
        most = max(most, now["waiting"])
        time.sleep(0.01)
    registry.gate()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return most


@pytest.fixture
def many(box):
    """Files so small that more of them than jobs go at once."""
    for i in range(FILES):
        write(box / "many" / f"part-{i}.bin", f"{box.name} {i}" * 500)
    return box / "many"


@pytest.mark.parametrize("what", ["push", "pull", "copy", "fetch", "import"])
def test_a_limit_opens_no_extra_connections(binary, many, box, what):
    """Without one small files take more than --jobs of them."""
    registry = fake.Fake()
    mreg = Mreg(binary, box / "home", env={"MREG_STORE": str(box / "store")})
    there = f"{registry.host}/there"
    mreg.run("push", many, there)
    mreg.run("push", many, "local")
    mreg.run("export", "local", box / "m.tar")
    for rate, enough in (("0", JOBS + 1), ("1GiB", JOBS)):
        new = f"new{enough}"
        command = {
            "push": ("push", many, f"{registry.host}/{new}"),
            "pull": ("pull", there, "-o", box / new),
            "copy": ("copy", "local", f"{registry.host}/{new}"),
            "fetch": ("copy", there, new),
            "import": ("import", box / "m.tar", f"{registry.host}/{new}"),
        }[what]
        # The files are not what they were, so that nothing is mounted.
        for file in many.iterdir() if what == "push" else ():
            file.write_text(file.read_text() + new)
        registry.gate(0)
        most = connections(
            registry, mreg.start(*command, "--jobs", JOBS, env={
                "MREG_LIMIT_RATE": rate,
                # A pull takes what the local store has.
                **({"MREG_STORE": str(box / "empty")} if what == "pull"
                   else {})}), enough)
        assert most == JOBS if enough == JOBS else most > JOBS, rate
    assert registry.stop() == 0
