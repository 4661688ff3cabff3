"""test_history.py - one alias moved by many at once, some of whom are killed
and run again; and while the registry is killed and started again: every move
that was acknowledged is in the log, and everybody reads the same.

8 writers of 20 moves; 32 of 100 with MREG_TEST_FULL=1."""
import collections
import random
import threading
import time

import pytest

import fake
import faults
import harness
from harness import Mreg, finish, kill, small_model

WRITERS, MOVES = (32, 100) if faults.FULL else (8, 20)
VERSIONS = 4
KILLED = 0.2  # of the moves
SEED = 1107
# Of a writer who met a registry that was just killed.
PASSING = (4, 8)


class Churn:
    """Writers of their own homes who move NAME:production, each over and over
    until it is acknowledged."""

    def __init__(self, who, name, box, moves=MOVES):
        self.who, self.name, self.box = who, name, box
        self.moves = moves
        self.acknowledged, self.count = [], collections.Counter()
        self.wrong, self.lock = [], threading.Lock()
        self.running = self.restarts = 0

    def user(self, home):
        """Somebody who knows nothing of what was before."""
        env = {k: v for k, v in self.who.env.items() if k.startswith("MREG_")}
        if self.who.where == "local":
            env["MREG_STORE"] = str(self.who.store)
        return Mreg(self.who.binary, self.box / home, env)

    def move(self, user, rng):
        """One move until it is acknowledged; every start of it is counted."""
        version = rng.randrange(VERSIONS) + 1
        for _ in range(60):
            dies = rng.random() < KILLED
            p = user.start("alias", "set", f"{self.name}:v{version}",
                           "production", "--json")
            if dies:
                time.sleep(rng.uniform(0, 0.15))
                alive = p.poll() is None
                kill(p)
                with self.lock:
                    self.count["killed"] += alive
                continue
            r = finish(p)
            if r.status == 0:
                with self.lock:
                    self.count["acknowledged"] += 1
                    if r.json["event"]:
                        self.acknowledged.append(r.json["event"])
                    else:
                        self.count["so already"] += 1
                return
            with self.lock:
                self.count[f"exit {r.status}"] += 1
            assert r.status in PASSING, str(r)
        raise AssertionError("never acknowledged")

    def write(self, index):
        rng = random.Random(f"{SEED} {index}")
        user = self.user(f"writer{index}")
        try:
            for _ in range(self.moves):
                self.move(user, rng)
        except Exception as e:  # told where it is asserted
            self.wrong.append(e)
        with self.lock:
            self.running -= 1

    def run(self, meanwhile=None):
        threads = [threading.Thread(target=self.write, args=(i,))
                   for i in range(WRITERS)]
        self.running = WRITERS
        for t in threads:
            t.start()
        while self.running:
            if meanwhile:
                meanwhile()
            time.sleep(0.1)
        for t in threads:
            t.join()
        assert not self.wrong, self.wrong[0]

    def check_whole(self):
        """A registry that was killed may have entries without content, which
        nobody was told of."""
        r = self.user("verifier").run("log", self.name, "--verify", "--json",
                                      status=None)
        assert r.status == (6 if r.json["flaws"] else 0)
        assert self.restarts or not r.json["flaws"], r.json["flaws"]
        for flaw in r.json["flaws"]:
            assert flaw["what"] == "unreadable", flaw
            self.count["unreadable"] += 1

    def verified(self, capsys):
        """The log after it, read by two who know nothing, and repaired."""
        repaired = self.user("repairer").json("alias", "repair", self.name)
        one, two = (self.user(f"reader{i}").json("log", self.name,
                                                 timeout=1200)
                    for i in (1, 2))
        assert one == two
        digests = {e["digest"] for e in one["events"]}
        lost = [e for e in self.acknowledged if e not in digests]
        assert not lost
        self.check_whole()
        alias, = one["aliases"]
        assert alias["alias"] == "production" and alias["differs"] is None
        found = self.user("reader3").json("resolve",
                                          f"{self.name}:production")
        assert found["digest"] == alias["digest"]
        faults.tell(capsys, f"{self.name}: {WRITERS} writers of {self.moves} "
                    f"moves, {dict(sorted(self.count.items()))}, "
                    f"{len(one['events'])} events, "
                    f"{sum(len(e['event']['prev']) > 1 for e in one['events'])}"
                    f" merges, repaired: {len(repaired['repaired'])}")
        return one["events"]


def assert_a_line(events):
    """Each one names exactly the one before it."""
    before = []
    for n, e in enumerate(events):
        assert e["seq"] == n + 1 and e["event"]["prev"] == before
        before = [e["digest"]]


def push_versions(user, name, box):
    for n in range(VERSIONS):
        user.run("push", small_model(box / f"model{n}", f"{name} {n}"), name)


class Restarts:
    """A registry that is killed every now and then."""

    def __init__(self, registry):
        self.registry, self.rng = registry, random.Random(SEED)
        self.count, self.at = 0, time.monotonic() + 1

    def __call__(self):
        if time.monotonic() < self.at:
            return
        self.registry.kill()
        time.sleep(self.rng.uniform(0, 0.3))
        self.registry.start()
        self.count += 1
        self.at = time.monotonic() + self.rng.uniform(1, 4)


@pytest.fixture
def own_registry(work, box):
    registry = harness.Registry(box / "registry")
    yield registry
    registry.stop()


def test_no_acknowledged_move_is_lost_on_a_bare_registry(
        mreg, own_registry, box, capsys):
    mreg.env["MREG_REGISTRY"], mreg.where = own_registry.host, "http"
    push_versions(mreg, "bare", box)
    churn = Churn(mreg, "bare", box)
    churn.run()
    churn.verified(capsys)
    assert churn.count["killed"]


def test_nor_when_the_registry_is_killed_too(mreg, own_registry, box, capsys):
    mreg.env["MREG_REGISTRY"], mreg.where = own_registry.host, "http"
    push_versions(mreg, "ill", box)
    churn, restarts = Churn(mreg, "ill", box, MOVES // 4), \
        Restarts(own_registry)
    churn.run(restarts)
    churn.restarts = restarts.count
    assert churn.restarts
    churn.verified(capsys)
    faults.tell(capsys, f"ill: the registry was killed {restarts.count} times")


def test_moves_in_a_local_store_are_strictly_one_after_the_other(
        mreg, box, capsys):
    mreg.where = "local"
    push_versions(mreg, "local", box)
    churn = Churn(mreg, "local", box)
    churn.run()
    assert_a_line(churn.verified(capsys))
    assert churn.count["killed"]


def test_where_records_are_immutable_the_log_is_one_line(mreg, box, capsys):
    registry = fake.Fake("records")
    try:
        mreg.env["MREG_REGISTRY"], mreg.where = registry.host, "http"
        mreg.run("create", "linear", "--linear")
        push_versions(mreg, "linear", box)
        churn = Churn(mreg, "linear", box)
        churn.run()
        assert_a_line(churn.verified(capsys))
        assert churn.count["killed"]
    finally:
        registry.stop()
