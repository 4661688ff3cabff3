"""test_index_away.py - a store or registry that is away takes nothing out of
the index; one that is there and has a model no more does."""
import contextlib
import http.server
import shutil
import threading

import pytest

import fake
import harness


def push(mreg, tmp_path, name, number):
    mreg.run("push", harness.small_model(tmp_path / f"{number}", number), name)


def models(mreg):
    return sorted(m["name"]
                  for m in mreg.json("search", "--models")["models"])


# -- a local store -----------------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["churn"], ["--sweep"]])
def test_a_store_that_is_away_keeps_its_models(mreg, pushed, store, tmp_path,
                                               words):
    push(mreg, tmp_path, "fraud", 2)
    mreg.run("index", "sync")
    store.rename(tmp_path / "elsewhere")
    r = mreg.run("index", "sync", *words, "--json", status=3)
    assert r.json["models"] == {"lookedAt": 0, "changed": 0, "removed": 0,
                                "failed": 0}
    told, = r.json["unlisted"]
    assert told["place"] == f"oci:{store}"
    assert f"there is no folder '{store}'" in told["error"]
    assert "mount it" in told["error"]
    told = mreg.run("index", "sync", *words, status=3).stderr
    assert told.startswith(f"warning: 'oci:{store}' cannot be listed: there ")
    assert models(mreg) == ["churn", "fraud"]
    (tmp_path / "elsewhere").rename(store)
    assert mreg.json("index", "sync")["models"]["changed"] == 0


def test_of_another_store_too_and_the_others_are_looked_at(mreg, pushed,
                                                           tmp_path):
    other = tmp_path / "other"
    push(mreg, tmp_path, f"oci:{other}//x", 2)
    mreg.run("index", "sync", f"oci:{other}")
    shutil.rmtree(other)
    done = mreg.run("index", "sync", "--json", status=3).json
    assert [u["place"] for u in done["unlisted"]] == [f"oci:{other}"]
    assert done["models"]["lookedAt"] == 1
    assert models(mreg) == ["churn", f"oci:{other}//x"]


def test_an_empty_store_has_no_models(mreg, pushed, store):
    mreg.run("index", "sync")
    shutil.rmtree(store)
    store.mkdir()
    assert mreg.json("index", "sync")["models"]["removed"] == 1
    assert models(mreg) == []


def test_a_rebuild_without_a_store_changes_nothing(mreg, pushed, store,
                                                   tmp_path):
    mreg.run("index", "sync")
    store.rename(tmp_path / "elsewhere")
    error = mreg.fails(3, "index", "rebuild")
    assert "could not be listed: there is no folder" in error["message"]
    assert "mount it" in error["hint"]
    assert models(mreg) == ["churn"]


# -- a registry --------------------------------------------------------------------


class Other(http.server.BaseHTTPRequestHandler):
    """What a router answers while nothing is behind it."""

    def do_GET(self):
        body = b"404 page not found\n"
        self.send_response(404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Other)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("word", ["", "/acme/churn"])
def test_what_answers_in_a_registrys_place_is_not_believed(mreg, model,
                                                           tmp_path, word):
    registry = fake.Fake()
    host = registry.host
    mreg.run("push", model, f"{host}/acme/churn")
    mreg.run("index", "sync", host)
    assert registry.stop() == 0
    with serving(int(host.rpartition(":")[2])):
        r = mreg.run("index", "sync", host + word, "--json", status=8)
    assert r.json["models"]["removed"] == 0
    assert r.json["models"]["failed"] == 1
    assert models(mreg) == [f"{host}/acme/churn"]
