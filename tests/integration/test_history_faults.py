"""test_history_faults.py - whatever writes into the log, killed or failing at
any call and at any request: its event is there once or not at all, tags are
what the log says, and the same command again completes it.

All of them with MREG_TEST_FULL=1, samples without; each failing allocation:
test_alloc.py."""
import pytest

import fake
import faults
import subjects
import test_fault_matrix
import test_faults
import test_kill
from harness import small_model
from test_fault_matrix import quick  # noqa: F401
from test_kill import pusher  # noqa: F401

# In turn, so that most are in a sample of something.
FAILING = ("promote", "archive")
KILLED = ("rollback", "approve")
ASKED = ("alias set", "deprecate", "request")


@pytest.fixture(scope="module")
def fault(work):
    return faults.Faults(work)


@pytest.fixture
def two(box):
    return [small_model(box / f"two{n}", n) for n in (1, 2)]


def prepare(who, two, model):
    for folder in two:
        who.run("push", folder, model)
    subjects.prepare_history(who, model)


@pytest.mark.parametrize("verb", faults.some(subjects.HISTORY, *FAILING))
def test_an_event_is_written_or_not(mreg, fault, two, verb, capsys):
    words = subjects.HISTORY[verb][0]
    prepare(mreg, two, "m")

    def command(point, env):
        mreg.run("copy", "m", f"{point}/m")
        return mreg.run(*words(f"{point}/m"), status=None, env=env)

    def check(point, status):
        wrong = faults.look(mreg, f"{point}/m")[1]
        wrong += subjects.history_wrong(mreg, f"{point}/m", verb, status)
        mreg.run(*words(f"{point}/m"))
        return wrong + faults.look(mreg, f"{point}/m")[1] + \
            subjects.history_wrong(mreg, f"{point}/m", verb, 0)

    kinds = [f for f in test_faults.FAULTS if f[0] != "size"]
    test_faults.sweep(fault, capsys, verb, kinds, command, check)


@pytest.mark.parametrize("verb", faults.some(subjects.HISTORY, *KILLED))
def test_an_event_killed_at_any_call_is_there_or_not(pusher, fault, two, verb,
                                                     capsys):
    sweep = test_kill.Sweep(fault, verb, pusher.where)
    words = subjects.HISTORY[verb][0]
    source = f"kill-{verb.replace(' ', '-')}"
    prepare(pusher, two, source)

    def start(point):
        pusher.run("copy", source, f"{source}-{point}/m")

    def command(point, env):
        return pusher.run(*words(f"{source}-{point}/m"), status=None, env=env)

    for point in sweep.points(start, command):
        name = f"{source}-{point}/m"
        for status in (-9, 0):
            sweep.add(point, faults.look(pusher, name)[1])
            sweep.add(point, subjects.history_wrong(pusher, name, verb,
                                                    status))
            if status != 0:
                pusher.run(*words(name))
    sweep.end(capsys)


@pytest.mark.parametrize("verb", faults.some(subjects.HISTORY, *ASKED))
def test_every_fault_at_every_request_of_an_event(binary, box, quick, two,
                                                  verb, capsys):
    registry = fake.Fake(username="ada", password="s3cret", bearer=True)
    other = test_fault_matrix.Cases(binary, box, quick, registry).user(
        box / "other")
    prepare(other, two, "source")
    cases = test_fault_matrix.Cases(
        binary, box, quick, registry,
        each=lambda name: other.run("copy", "source", f"{name}/m"))
    words = subjects.HISTORY[verb][0]

    def command(mreg, name):
        return mreg.run(*words(f"{name}/m"), status=None)

    def check(mreg, name, status):
        found, wrong = registry.whole(f"{name}/m")
        if sorted(found) != [1, 2]:
            wrong.append(f"versions are {found}")
        return wrong + subjects.history_wrong(other, f"{name}/m", verb,
                                              status)

    # A third of the sample each.
    share = ASKED.index(verb) if verb in ASKED else 0
    cases.sweep(capsys, verb, command, check, (share, len(ASKED)))
    assert registry.stop() == 0
