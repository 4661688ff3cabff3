"""test_ingest.py - what Debian's registry sends when something happens there,
fed to `mreg index ingest` as it comes."""
import http.server
import json
import queue
import threading

import harness
import pytest


class Receiver:
    """Takes what it is sent; take() gives the next body."""

    def __init__(self):
        bodies = self.bodies = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                n = int(self.headers["Content-Length"])
                bodies.put(self.rfile.read(n).decode())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def until(self, word):
        """Bodies up to the one that has `word`."""
        got = []
        while not got or word not in got[-1]:
            got.append(self.bodies.get(timeout=30))
        return got

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def registry(box, receiver):
    registry = harness.Registry(box / "registry", notify=receiver.url)
    yield registry
    registry.stop()


@pytest.fixture
def synced(mreg, registry, receiver, box):
    """A registry with acme/churn and acme/fraud in the index; what it sent
    until now is gone."""
    mreg.env["MREG_REGISTRY"] = f"{registry.host}/acme"
    for n, name in enumerate(("churn", "fraud")):
        mreg.run("push", harness.small_model(box / name, n), name)
        receiver.until(f'"acme/{name}"')
    mreg.run("index", "sync")
    mreg.run("alias", "set", "fraud:v1", "marker")
    receiver.until('"marker"')
    mreg.run("index", "sync")
    return registry


def versions(mreg, name):
    return [r["number"] for r in mreg.json("ls", name, "--index")["versions"]]


def feed(mreg, bodies, *words):
    return [mreg.json("index", "ingest", *words, input=body)
            for body in bodies]


def test_a_push_is_in_the_index_once_it_was_told_of(mreg, synced, receiver,
                                                    box):
    harness.small_model(box / "next", 7)
    mreg.run("push", box / "next", "churn:staging")
    sent = receiver.until('"staging"')
    assert versions(mreg, "churn") == [1]
    mark = synced.mark()
    results = feed(mreg, sent)
    assert versions(mreg, "churn") == [2, 1]
    assert mreg.json("inspect", "churn:staging", "--index")["number"] == 2
    assert sum(r["unknown"] + r["foreign"] for r in results) == 0
    assert sum(r["idle"] for r in results) > 0  # blobs
    assert {m["model"] for r in results for m in r["models"]} == {
        f"{synced.host}/acme/churn"}
    # Nothing else was looked at.
    assert all("/acme/churn/" in path or path == "/v2/" or
               "mreg-policy" in path
               for _, path, _ in synced.requests(mark))


def test_the_same_again_is_not_looked_at_twice(mreg, synced, receiver):
    mreg.run("alias", "set", "churn:v1", "staging")
    sent = receiver.until('"staging"')
    assert sum(r["changed"] for r in feed(mreg, sent)) == 1
    mark = synced.mark()
    again = feed(mreg, sent)
    assert sum(r["repeated"] for r in again) > 0
    assert [m for r in again for m in r["models"]] == []
    assert synced.requests(mark) == []


def test_what_a_notification_says_is_not_believed(mreg, synced, receiver):
    """One that tells of a tag which is not there changes nothing."""
    body = {"events": [{"id": "forged", "action": "push", "target": {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:" + "0" * 64, "repository": "acme/churn",
        "tag": "v9"}, "request": {"host": synced.host}}]}
    result = feed(mreg, [json.dumps(body)])[0]
    assert result["models"] == [{"model": f"{synced.host}/acme/churn",
                                 "changed": False, "error": None}]
    assert versions(mreg, "churn") == [1]


def test_what_was_only_noted_is_looked_at_by_the_next_sync(mreg, synced,
                                                           receiver, box):
    harness.small_model(box / "next", 7)
    mreg.run("push", box / "next", "churn:staging")
    noted = feed(mreg, receiver.until('"staging"'), "--no-sync")
    assert not any(r["synced"] for r in noted)
    assert versions(mreg, "churn") == [1]
    # A list is not taken from an index that is known to be behind.
    assert mreg.json("ls", "churn")["index"] is None
    mreg.run("index", "sync")
    assert versions(mreg, "churn") == [2, 1]


def test_a_registry_that_is_down_is_told_and_asked_again(mreg, synced,
                                                         receiver):
    mreg.run("alias", "set", "churn:v1", "staging")
    sent = receiver.until('"staging"')
    synced.kill()
    done = mreg.run("index", "ingest", "--json", input=sent[-1], status=None)
    assert done.status == 8 and done.json["failed"] == 1
    assert done.json["models"][0]["error"]
    synced.start()
    mreg.run("index", "sync")
    assert mreg.json("inspect", "churn:staging", "--index")["number"] == 1


def test_whoever_watches_looks_at_what_was_noted(mreg, synced, receiver, box):
    process = mreg.start("index", "sync", "--watch", "--every", "86400",
                         "--jsonl")
    try:
        harness.small_model(box / "next", 7)
        mreg.run("push", box / "next", "churn:staging")
        feed(mreg, receiver.until('"staging"'), "--no-sync")
        names = [m["name"] for m in
                 json.loads(process.stdout.readline())["changes"]]
        assert names == [f"{synced.host}/acme/churn"]
        process.terminate()
        done = harness.finish(process)
        assert done.status == 0, str(done)
    finally:
        harness.kill(process)
