"""test_faults.py - each call that writes, syncs, names, opens or reads fails
in its turn: never a success that is none, and a store that is whole.

All of them with MREG_TEST_FULL=1, samples without."""
import errno

import pytest

import faults
import foreign
import subjects
from harness import MIB, assert_pulled, tree, write

SAMPLES = 3
# What may fail how.  EIO when syncing is the last word about what was
# written (H102).
FAULTS = [("write", errno.ENOSPC), ("write", errno.EIO),
          ("sync", errno.EIO), ("sync", errno.ENOSPC),
          ("name", errno.ENOSPC), ("name", errno.EIO),
          ("size", errno.ENOSPC), ("open", errno.EMFILE),
          ("open", errno.EIO), ("read", errno.EIO)]


@pytest.fixture(scope="module")
def fault(work):
    return faults.Faults(work)


@pytest.fixture(scope="module")
def model(work):
    write(work / "faulty/config.json", "{}\n")
    write(work / "faulty/model.bin", bytes(range(256)) * (2 * MIB // 256))
    write(work / "faulty/copy/a.bin", b"twice" * 999)
    write(work / "faulty/copy/b.bin", b"twice" * 999)
    return work / "faulty"


def judge(r, code):
    """What is wrong with how the command ended."""
    if r.status == 0:
        return []
    out = []
    if r.status < 0 or r.status not in (1, 3, 4, 8):
        out.append(f"exit status {r.status}")
    if r.stdout:
        out.append("an answer in spite of the error")
    if "error: " not in r.stderr or "hint: " not in r.stderr:
        out.append("no clear error")
    if code == errno.ENOSPC and "No space left" not in r.stderr:
        out.append("the full disk is not told")
    return [f"{what}\n{r}" for what in out]


def sweep(fault, capsys, what, kinds, command, check, must_fail=()):
    """command(point, env) for each call of each kind; check(point, status)
    returns what is wrong then.  Calls of the kinds `must_fail` cannot fail
    without an error or a warning, but on the state file, which may be lost
    and is left alone there."""
    tried = failed = 0
    wrong = []
    for kind, code in kinds:
        spare = "state.db" if kind in must_fail else None
        r = command(f"{kind}{code}-0", fault.env([kind], 0, spare=spare))
        assert r.status == 0, str(r)
        for n in faults.points(fault.count, SAMPLES):
            point = f"{kind}{code}-{n}"
            r = command(point, fault.env([kind], n, code, spare))
            if fault.count < n:
                continue
            tried += 1
            failed += r.status != 0
            found = judge(r, code)
            if r.status == 0 and kind in must_fail and \
                    "warning: " not in r.stderr:
                found.append(f"success\n{r}")
            wrong += [f"{point}: {w}" for w in
                      found + check(point, r.status)]
    faults.tell(capsys, f"faults tried: {tried} ({what}), errors: {failed}, "
                        f"violations: {len(wrong)}")
    assert not wrong, "\n".join(wrong)
    assert tried > 20 and failed > 5


def test_a_push_is_whole_or_fails(mreg, fault, model, capsys):
    def command(point, env):
        return mreg.run("push", model, point, status=None, env=env)

    def check(point, status):
        wrong = []
        if (mreg.store / point).exists():
            found, wrong = faults.look(mreg, point)
            if status == 0 and list(found) != [1]:
                wrong.append(f"versions are {found}")
        mreg.run("push", model, point)
        again, more = faults.look(mreg, point)
        if len(again) != 1:
            wrong.append(f"versions after the rerun: {again}")
        mreg.run("resolve", f"{point}:latest")
        return wrong + more

    sweep(fault, capsys, "push", FAULTS, command, check, ("write", "sync"))


def test_a_pull_is_whole_or_fails(mreg, fault, model, box, capsys):
    mreg.run("push", model, "m")
    expected = tree(model)

    def command(point, env):
        write(box / point / "config.json", "old\n")
        return mreg.run("pull", "m", "-o", box / point, status=None, env=env)

    def check(point, status):
        found = {p: what for p, what in tree(box / point).items()
                 if not p.startswith(".mreg-")}
        old = tree(write(box / "old/config.json", "old\n").parent)
        wrong = [f"{p} has other bytes" for p, what in found.items()
                 if what != expected[p] and what != old.get(p)]
        if status == 0 and found != expected:
            wrong.append("success without the files")
        mreg.run("pull", "m", "-o", box / point)
        assert_pulled(box / point, expected)
        return wrong

    # What the kernel does not copy is written; so a write may fail unseen.
    sweep(fault, capsys, "pull", FAULTS, command, check, ("sync",))


@pytest.mark.parametrize("how", faults.some(subjects.PACKED, "gzip"))
def test_a_pull_of_archives_is_whole_or_fails(mreg, fault, box, how, capsys):
    subjects.packed(foreign.Layout(mreg.store, "foreign"))
    expected = subjects.unpacked()

    def command(point, env):
        return mreg.run(*subjects.pull_packed("foreign", how, box / point),
                        status=None, env=env)

    def check(point, status):
        out = box / point
        found = {p: what for p, what in
                 (tree(out) if out.exists() else {}).items()
                 if not p.startswith(".mreg-")}
        wrong = [f"{p} has other bytes" for p, what in found.items()
                 if what != expected.get(p)]
        if status == 0 and found != expected:
            wrong.append("success without the files")
        mreg.run(*subjects.pull_packed("foreign", how, out))
        assert_pulled(out, expected)
        return wrong

    sweep(fault, capsys, f"pull, {how}", FAULTS, command, check, ("sync",))


@pytest.mark.parametrize("verb", faults.some(subjects.DOCUMENTS, "attach"))
def test_a_document_is_there_or_not(mreg, fault, model, box, verb, capsys):
    report = write(box / "report.md", "# Fine\n")
    words = subjects.DOCUMENTS[verb]

    def command(point, env):
        mreg.run("push", model, f"{point}/m")
        return mreg.run(*words(f"{point}/m:v1", report), status=None, env=env)

    def check(point, status):
        name = f"{point}/m"
        wrong = faults.look(mreg, name)[1] + subjects.attached_wrong(
            mreg, name, verb, status)
        mreg.run(*words(f"{name}:v1", report))
        return wrong + faults.look(mreg, name)[1] + \
            subjects.attached_wrong(mreg, name, verb, 0)

    sweep(fault, capsys, verb, FAULTS, command, check)


def test_an_alias_is_moved_or_not(mreg, fault, model, box, capsys):
    for n in (1, 2):
        write(model / "config.json", "{}" + " " * n)
        mreg.run("push", model, "m")
    digests = [mreg.json("resolve", f"m:v{n}")["digest"] for n in (1, 2)]
    mreg.run("alias", "set", "m:v1", "production")

    def command(point, env):
        return mreg.run("alias", "set", "m:v2", "production", status=None,
                        env=env)

    def check(point, status):
        found, wrong = faults.look(mreg, "m")
        now = mreg.json("resolve", "m:production")["digest"]
        if now not in digests or status == 0 and now != digests[1]:
            wrong.append(f"production is {now}")
        if list(found.values()) != digests:
            wrong.append(f"versions are {found}")
        mreg.run("alias", "set", "m:v1", "production")
        return wrong

    kinds = [f for f in FAULTS if f[0] != "size"]
    sweep(fault, capsys, "alias", kinds, command, check)
