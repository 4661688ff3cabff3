"""test_history.py - one alias moved by many at once, some of whom are killed
and run again, while the registry is killed and started again: every move that
was acknowledged is in the log, and everybody reads the same.

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

    def __init__(self, who, name, box):
        self.who, self.name, self.box = who, name, box
        self.acknowledged, self.count = [], collections.Counter()
        self.wrong, self.lock = [], threading.Lock()
        self.running = 0

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
            for _ in range(MOVES):
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

    def verified(self, capsys):
        """The log after it, read by two who know nothing, and repaired."""
        repaired = self.user("repairer").json("alias", "repair", self.name)
        one, two = (self.user(f"reader{i}").json("log", self.name)
                    for i in (1, 2))
        assert one == two
        digests = {e["digest"] for e in one["events"]}
        lost = [e for e in self.acknowledged if e not in digests]
        assert not lost
        whole = self.user("verifier").json("log", self.name, "--verify")
        assert whole["verified"] and whole["flaws"] == []
        alias, = one["aliases"]
        assert alias["alias"] == "production" and alias["differs"] is None
        found = self.user("reader3").json("resolve",
                                          f"{self.name}:production")
        assert found["digest"] == alias["digest"]
        faults.tell(capsys, f"{self.name}: {WRITERS} writers of {MOVES} moves"
                    f", {dict(sorted(self.count.items()))}, "
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
    churn, restarts = Churn(mreg, "bare", box), Restarts(own_registry)
    churn.run(restarts)
    churn.verified(capsys)
    assert churn.count["killed"] and restarts.count
    faults.tell(capsys, f"bare: the registry was killed {restarts.count} "
                "times")


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
