"""test_split.py - splits where several people meet, and some are killed: on
Debian's registry, which has no lock, and in a local store, which has one."""
import random
import time

import harness
import pytest

KILLS = 12


@pytest.fixture
def name(shared, box):
    """A model of its own: v1 to v3, production is v1."""
    name = "split-" + box.name.lower().replace("_", "x")
    for n in (1, 2, 3):
        shared.run("push", harness.small_model(box / f"m{n}", n), name)
    shared.run("alias", "set", f"{name}:v1", "production")
    return name


def people(user, box, n):
    """Others, with homes of their own, at the same store."""
    env = {k: v for k, v in user.env.items() if k.startswith("MREG_")}
    if user.where == "local":
        env["MREG_STORE"] = str(user.store)
    return [harness.Mreg(user.binary, box / f"home{i}", env) for i in range(n)]


def look(user, name, *more):
    return user.json("split", f"{name}:production", *more)


def shares(result):
    return {p["number"]: p["weight"] for p in result["parts"]}


def test_many_who_split_at_once_leave_one_split(shared, box, name):
    """Who is told that it is split has an event that says so, and all read
    the same."""
    wanted = [{1: 100 - w, 2: w} for w in (10, 20, 30, 40)]
    who = people(shared, box, len(wanted))
    started = [one.start("split", f"{name}:production", "--json",
                         *(f"v{n}={w}" for n, w in split.items()))
               for one, split in zip(who, wanted)]
    results = [harness.finish(p) for p in started]
    assert {r.status for r in results} <= {0, 4}, "\n".join(map(str, results))
    assert any(r.status == 0 for r in results)
    now = look(shared, name, "--history")
    assert shares(now) in wanted
    assert all(shares(look(one, name)) == shares(now) for one in who)
    said = [shares(row) for row in now["history"]]
    for split, result in zip(wanted, results):
        if result.status == 0:
            assert split in said
    assert [r["state"] for r in now["history"]].count("in_force") == 1
    assert shared.json("resolve", f"{name}:production")["digest"] == \
        now["digest"]


def test_of_a_move_and_a_split_at_once_the_move_counts(shared, box, name):
    one, other = people(shared, box, 2)
    for round in range(6):
        ours, theirs = ("v1", "v2") if round % 2 == 0 else ("v2", "v1")
        started = [one.start("promote", f"{name}:{theirs}", "production"),
                   other.start("split", f"{name}:production", f"{ours}=90",
                               f"{theirs}=10")]
        moved, split = map(harness.finish, started)
        assert moved.status == 0, str(moved)
        assert split.status in (0, 4), str(split)
        now = look(shared, name)
        assert f"v{now['number']}" == theirs and now["differs"] is None
        # One that is in force was made of what the alias has now.
        if now["parts"]:
            assert split.status == 0
            assert {p["stable"]: p["weight"] for p in now["parts"]} == \
                {True: 10, False: 90}
        shared.run("split", f"{name}:production", "--end")


def test_a_split_that_is_killed_is_there_or_not(shared, box, name):
    """At whatever moment: what is in force is the one before or this one, and
    the same command again makes it this one."""
    rng = random.Random()
    begin = time.monotonic()
    shared.run("split", f"{name}:production", "v1=50", "v2=50")
    lasts = time.monotonic() - begin
    before = {1: 50, 2: 50}
    met = 0
    for turn in range(KILLS):
        after = {1: 99 - turn, 3: 1 + turn}
        words = ["split", f"{name}:production",
                 *(f"v{n}={w}" for n, w in after.items())]
        moment = rng.uniform(0, lasts)
        process = shared.start(*words)
        time.sleep(moment)
        met += process.poll() is None
        harness.kill(process)
        assert shares(look(shared, name)) in (before, after), moment
        shared.run(*words)
        assert shares(look(shared, name)) == after, moment
        before = after
    assert met
    history = look(shared, name, "--history")["history"]
    assert [r["state"] for r in history].count("in_force") == 1
    assert not any(r["state"] == "ignored" for r in history)
    assert shared.json("log", name, "--verify")["verified"]


def test_a_split_goes_from_place_to_place(shared, box, name):
    """A copy brings it along, an archive too."""
    shared.run("split", f"{name}:production", "v1=90", "v2=10")
    there = f"oci:{box / 'there'}//copied"
    shared.run("copy", name, there)
    assert shares(look(shared, there)) == {1: 90, 2: 10}
    shared.run("export", name, box / "a.tar")
    again = f"oci:{box / 'again'}//{name}"
    shared.run("import", box / "a.tar", again)
    assert shares(look(shared, again)) == {1: 90, 2: 10}
