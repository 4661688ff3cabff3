"""test_index_writers.py - two who write one index at once, one whose index is
made anew under its feet, and a registry that answers in part: what comes out is
what the registry holds, or is told."""
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

import harness
from index_life import anew, assert_same, dump, index_of
from recorder import Recorder

DROPPED = ("host", "connection", "content-length", "accept-encoding")


class Gate:
    """In front of a registry: `hold` is the end of a path whose next answer
    waits, once it was had, until open(); `junk` of one whose answers are
    none."""

    def __init__(self, registry):
        self.registry, self.hold, self.junk = registry, None, None
        self.held, self.opened = threading.Event(), threading.Event()
        self.server = Recorder(self.answer)
        self.host = self.server.host

    def open(self):
        self.opened.set()

    def answer(self, seen):
        # A HEAD is answered with the length of what is there.
        method = "GET" if seen.method == "HEAD" else seen.method
        asked = urllib.request.Request(
            f"http://{self.registry.host}{seen.path}", method=method,
            headers={k: v for k, v in seen.headers if k not in DROPPED})
        try:
            with urllib.request.urlopen(asked) as r:
                said = r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            said = e.code, e.headers, e.read()
        path = seen.path.split("?")[0]
        if self.junk and path.endswith(self.junk):
            return 200, {"Content-Type": "application/json"}, b"junk"
        if self.hold and path.endswith(self.hold):
            self.hold = None
            self.held.set()
            self.opened.wait(60)
        return said[0], {k: v for k, v in said[1].items()
                         if k.lower() not in ("content-length", "date",
                                      "transfer-encoding")}, \
            said[2]


@pytest.fixture
def gate(plain):
    gate = Gate(plain)
    yield gate
    gate.open()
    gate.server.stop()


def push(mreg, box, name, number, *words):
    folder = harness.small_model(box / f"m{number}", number)
    mreg.run("push", folder, name, "--tag", "team=risk", *words)


@pytest.mark.parametrize("how", [[], ["--sweep"]])
def test_who_looked_earlier_does_not_undo_what_came_later(mreg, plain, gate,
                                                          box, how):
    name = f"{plain.host}/team/writers{len(how)}"
    seen = name.replace(plain.host, gate.host)
    push(mreg, box, name, 1)
    mreg.run("index", "sync", seen)
    push(mreg, box, name, 2)
    gate.hold = "/tags/list"
    early = mreg.start("index", "sync", seen, *how)
    assert gate.held.wait(60)
    push(mreg, box, name, 3)
    mreg.run("archive", f"{name}:v1", "--reason", "old")
    mreg.run("index", "sync", seen)
    gate.open()
    done = harness.finish(early)
    assert done.status == 0, str(done)
    assert_same(dump(index_of(mreg)), anew(mreg, box / "anew", seen))


def test_who_watches_writes_into_the_index_that_a_rebuild_made(mreg, box):
    mreg.env["MREG_STORE"] = str(box / "store")
    push(mreg, box, "churn", 1)
    watch = mreg.start("index", "sync", "--watch", "--every", "1")
    try:
        assert watch.stdout.readline() == "churn: 1 version new, 0 gone\n"
        # It is the first in the new one, so everything has another id there.
        push(mreg, box, "aaa", 2, "--license", "MIT", "--author", "ann",
             "--tag", "colour=red")
        assert watch.stdout.readline().startswith("aaa: ")
        mreg.run("index", "rebuild", "--jobs", "1")
        push(mreg, box, "churn", 3)
        while not any(row[0].endswith("churn") and row[1] == 2
                      for row in dump(index_of(mreg))["versions"]):
            assert watch.stdout.readline().startswith("churn: ")
        watch.send_signal(signal.SIGTERM)
        assert harness.finish(watch).status == 0
    finally:
        harness.kill(watch)
    mreg.run("index", "sync")
    assert_same(dump(index_of(mreg)), anew(mreg, box / "anew"))


def test_a_place_that_cannot_be_listed_is_a_failure_of_the_sync(mreg, plain,
                                                                gate, box):
    name = f"{plain.host}/listed/churn"
    push(mreg, box, name, 1)
    mreg.run("index", "sync", f"{gate.host}/listed/")
    push(mreg, box, name, 2)
    gate.junk = "/_catalog"
    r = mreg.run("index", "sync", f"{gate.host}/listed/", "--json", status=8)
    assert r.json["unlisted"][0]["place"] == f"{gate.host}/listed"
    assert r.json["versions"]["new"] == 1 and r.json["models"]["failed"] == 0


def test_a_rebuild_says_which_model_could_not_be_read(mreg, plain, gate, box):
    name = f"{plain.host}/rebuilt/churn"
    push(mreg, box, name, 1)
    mreg.run("index", "sync", f"{gate.host}/rebuilt/")
    before = dump(index_of(mreg))
    gate.junk = "churn/tags/list"
    error = mreg.fails(8, "index", "rebuild", f"{gate.host}/rebuilt/")
    assert "1 of 1 models could not be read" in error["message"]
    assert f"{gate.host}/rebuilt/churn" in error["message"]
    assert_same(dump(index_of(mreg)), before)


def test_a_second_rebuild_waits_for_the_first(mreg, plain, gate, box):
    for n, name in enumerate(("churn", "fraud")):
        push(mreg, box, f"{plain.host}/both/{name}", n)
    mreg.run("index", "sync", f"{gate.host}/both/")
    before = dump(index_of(mreg))
    gate.hold = "fraud/tags/list"
    first = mreg.start("index", "rebuild", f"{gate.host}/both/")
    assert gate.held.wait(60)
    second = mreg.start("index", "rebuild", f"{gate.host}/both/")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    gate.open()
    for process in (first, second):
        done = harness.finish(process)
        assert done.status == 0, str(done)
    assert_same(dump(index_of(mreg)), before)
