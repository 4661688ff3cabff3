"""test_split.py - splits where several people meet, and some are killed: on
Debian's registry, which has no lock, and in a local store, which has one."""
import json
import random
import time

import fake
import harness
import pytest
from test_fault_matrix import quick  # noqa: F401

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


# -- experiments -------------------------------------------------------------


class Experiment:
    """Of m:v2 against m:v1, in a registry of one's own."""
    WORDS = ("evaluate", "m:v2", "--experiment", "cta", "--against", "v1",
             "--metric", "ctr=0.12", "--baseline-metric", "ctr=0.10",
             "--winner", "v2", "--json")

    def __init__(self, binary, box, env, **options):
        self.there = fake.Fake(**options)
        self.who = harness.Mreg(binary, box / "user", {
            **env, "MREG_REGISTRY": self.there.host})
        self.digests = [self.who.json("push", harness.small_model(
            box / f"m{n}", n), "m")["digest"] for n in (1, 2)]

    def run(self, seconds):
        """So long after everything began."""
        return self.who.run(*self.WORDS, status=None, env={
            "SOURCE_DATE_EPOCH": str(1700000000 + seconds)})

    def documents(self):
        """What is on v1 and on v2."""
        return [[d["digest"] for d in self.who.json(
            "inspect", f"m@{digest}")["attached"] if d["experiment"]]
            for digest in self.digests]

    def events(self):
        return [e["event"]["document"] for e in self.who.json(
            "log", "m")["events"] if e["kind"] == "evaluated"]


@pytest.mark.parametrize("referrers", [True, False])
def test_an_experiment_that_broke_is_completed(binary, box, quick,  # noqa: F811
                                               referrers):
    """Wherever it breaks, the version that was tried has no document before
    the other one has; and later nothing is there twice."""
    options = {"referrers": True} if referrers else {}
    broke, half = 0, 0
    for skip in range(40):
        folder = box / str(skip)
        x = Experiment(binary, folder, quick, **options)
        x.there.fault(method="PUT", path="*/manifests/*", status=403,
                      code="DENIED", skip=skip)
        r = x.run(0)
        x.there.clear()
        against, tried = x.documents()
        assert len(against) >= len(tried), skip
        if r.status != 0:
            assert r.status == 5 and not x.events(), str(r)
            broke += 1
            half += len(against) > len(tried)
        done = x.run(100)
        assert done.status == 0, str(done)
        against, tried = x.documents()
        assert len(against) == len(tried) == len(x.events()) == 1, skip
        assert done.json["experiment"]["baseline"]["document"] == against[0]
        assert done.json["digest"] == tried[0] == x.events()[0]
        # And once more is the same, but another result is another.
        again = x.run(200).json
        assert again["existed"] and again["event"] == done.json["event"]
        assert x.there.stop() == 0
        if r.status == 0:
            break
    assert r.status == 0 and broke >= 3 and half >= 1, (broke, half)


def test_what_was_left_half_does_not_come_before_what_came_since(
        binary, box, quick):  # noqa: F811
    x = Experiment(binary, box, quick, referrers=True)
    x.there.fault(method="PUT", path="*/manifests/*", status=403,
                  code="DENIED", skip=1)
    assert x.run(0).status == 5
    assert [len(d) for d in x.documents()] == [1, 0]
    x.there.clear()
    other = x.who.run("evaluate", "m:v2", "--suite", "cta", "--fail",
                      env={"SOURCE_DATE_EPOCH": "1700000050"})
    assert other.status == 0
    made = x.run(100).json
    _, tried = x.documents()
    texts = x.there.content("m")["manifests"]
    made_at = {d["digest"]: json.loads(texts[d["digest"]])["annotations"][
        "org.opencontainers.image.created"] for d in x.who.json(
            "inspect", "m:v2")["attached"]}
    assert tried == [made["digest"]] and len(made_at) == 2
    assert max(made_at, key=made_at.get) == made["digest"]
    assert x.there.stop() == 0
