"""test_doctor.py - doctor of local stores, and of what is no registry."""
import http.server
import json
import os
import pathlib
import threading

import jsonschema
import pytest

import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"


def check(result):
    schema = json.loads((SPEC / "schemas/doctor.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    return result


def findings(result):
    check(result)
    found = {f["topic"]: f for f in result["findings"]}
    assert len(found) == len(result["findings"])  # each topic once
    return found


def test_the_sample_fits_the_schema():
    check(json.loads((SPEC / "samples/doctor.json").read_text()))


def test_a_wrong_result_does_not_fit():
    sample = json.loads((SPEC / "samples/doctor.json").read_text())
    for change in ({"findings": []}, {"write": None},
                   {"findings": [{"topic": "x", "verdict": "maybe",
                                  "found": "y", "means": ""}]}):
        with pytest.raises(jsonschema.ValidationError):
            check({**sample, **change})


def test_without_words_it_looks_at_the_local_store(mreg, pushed, store):
    r = mreg.json("doctor")
    found = findings(r)
    assert r["host"] == f"oci:{store}" and r["repository"] is None
    assert r["profile"] == "local"
    assert set(found) == {"store", "models", "write", "lock", "room",
                          "file system"}
    assert found["models"]["found"] == "1 model"
    assert found["lock"]["verdict"] == "yes"
    assert "free" in found["room"]["found"]


def test_a_store_that_is_not_there_is_not_made(mreg, tmp_path, store):
    for words in ([], ["--write"], [f"oci:{tmp_path}/a/b/c"]):
        found = findings(mreg.json("doctor", *words))
        assert found["store"]["verdict"] == "no"
        assert found["store"]["means"] == "the first push makes it"
        assert found["write"]["verdict"] == "yes"
    assert not store.exists() and not (tmp_path / "a").exists()


def test_writing_leaves_nothing(mreg, pushed, store):
    before = sorted(store.rglob("*"))
    found = findings(mreg.json("doctor", "--write"))
    assert "removed" in found["write"]["found"]
    assert sorted(store.rglob("*")) == before


def test_a_model_is_looked_for(mreg, pushed, store):
    assert findings(mreg.json("doctor", "churn"))["models"]["verdict"] == "yes"
    r = mreg.json("doctor", f"oci:{store}//other")
    assert r["repository"] == "other"
    assert findings(r)["models"]["verdict"] == "no"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_a_store_of_somebody_else_can_be_read_only(mreg, pushed, store,
                                                   tmp_path):
    for folder in (store, *store.parents):
        if folder == pathlib.Path("/tmp"):
            break
        folder.chmod(0o755)
    nobody = harness.Mreg(harness.program(), tmp_path / "nobody",
                          uid=harness.NOBODY)
    for words in ([], ["--write"]):
        found = findings(nobody.json("doctor", f"oci:{store}", *words))
        assert found["write"]["verdict"] == "no"
        assert found["write"]["found"] == "Permission denied"
        assert found["write"]["means"]
        assert found["lock"]["verdict"] == "yes"


def test_it_prints_for_people(mreg, pushed, store):
    r = mreg.run("doctor")
    head, *rest = r.stdout.splitlines()
    assert head == f"oci:{store}" and r.stderr == ""
    assert rest[0].split() == ["store", "yes", "is", "there"]


@pytest.mark.parametrize("words, status, message", [
    (["localhost:1"], 8, "cannot reach 'localhost:1'"),
    (["localhost:1/Upper"], 2, "is no HOST[/REPOSITORY]"),
    (["localhost:1/a:tag"], 2, "is no HOST[/REPOSITORY]"),
    (["bad host.example"], 2, "is no HOST[/REPOSITORY]"),
    (["localhost:1", "--write"], 2, "names no repository"),
    (["churn:v1"], 2, "names a version"),
    (["churn:1.2.0"], 2, "names a version"),
    (["oci:"], 2, ""),
])
def test_it_refuses(mreg, words, status, message):
    assert message in mreg.fails(status, "doctor", *words)["message"]


def test_a_file_is_no_store(mreg, tmp_path):
    (tmp_path / "f").write_text("x")
    assert "is no folder" in mreg.fails(
        2, "doctor", f"oci:{tmp_path}/f")["message"]


# -- a server that answers as it is told --------------------------------------


@pytest.fixture
def server():
    """answers: {path: (status, headers, body)}; anything else is 404."""
    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            path = self.path.split("?")[0]
            status, headers, body = answers.get(path, (404, {}, b"{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    s.daemon_threads = True
    s.answers, s.host = answers, f"localhost:{s.server_address[1]}"
    threading.Thread(target=s.serve_forever, daemon=True).start()
    yield s
    s.shutdown()
    s.server_close()


def test_what_is_no_registry_is_an_error(mreg, server):
    server.answers["/v2/"] = (418, {}, b"")
    error = mreg.fails(8, "doctor", server.host)
    assert "is no registry" in error["message"]


def test_a_closed_registry_asks_for_a_login(mreg, server):
    server.answers["/v2/"] = (401, {"WWW-Authenticate":
                                    'Basic realm="x"'}, b"")
    found = findings(mreg.json("doctor", server.host))
    assert found["reach"]["verdict"] == "partly"
    assert found["login"]["verdict"] == "no"
    assert "mreg login" in found["login"]["means"]


def test_odd_answers_are_findings(mreg, server):
    """A registry without ranges, catalog, digests and pages; texts of the
    server are shown safely."""
    blob = b'{"a":1}'
    digest = "sha256:" + harness.hashlib.sha256(blob).hexdigest()
    manifest = json.dumps({
        "schemaVersion": 2, "layers": [],
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/x", "size": len(blob),
                   "digest": digest}}).encode()
    server.answers.update({
        "/v2/": (200, {}, b"{}"),
        "/v2/_catalog": (403, {"Content-Type": "application/json"}, json.dumps(
            {"errors": [{"code": "\x1b[31mDENIED"}]}).encode()),
        "/v2/m/tags/list": (200, {}, b'{"tags":["b","a"]}'),
        "/v2/m/manifests/b": (200, {
            "Content-Type": "application/vnd.oci.image.manifest.v1+json"},
            manifest),
        f"/v2/m/blobs/{digest}": (200, {}, blob),
    })
    r = mreg.run("doctor", f"{server.host}/m", "--json")
    assert "\x1b" not in r.stdout
    found = findings(r.json)
    # Nobody is logged in.
    assert found["catalog"]["verdict"] == "unknown"
    assert "log in to find out" in found["catalog"]["found"]
    assert "2 tags at once" in found["tags"]["found"]
    assert found["pull"]["verdict"] == "yes"
    assert found["ranges"]["verdict"] == "no"
    assert "whole blob" in found["ranges"]["found"]
    assert found["head"]["verdict"] == "no"
    assert found["referrers"]["verdict"] == "no"
    assert "\x1b" not in mreg.run("doctor", f"{server.host}/m").stdout


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"tags":[1,2]}',
                                  b'{"tags":["../../x"]}', b'{"tags":null}'])
def test_odd_listings_are_no_trouble(mreg, server, body):
    server.answers.update({"/v2/": (200, {}, b"{}"),
                           "/v2/m/tags/list": (200, {}, body)})
    found = findings(mreg.json("doctor", f"{server.host}/m"))
    assert found["pull"]["verdict"] == "unknown"


def test_a_repository_that_is_not_there(mreg, server):
    server.answers["/v2/"] = (200, {}, b"{}")
    found = findings(mreg.json("doctor", f"{server.host}/nothing"))
    assert found["tags"]["verdict"] == found["pull"]["verdict"] == "unknown"
    assert "--write" in found["pull"]["means"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]",
                                  b'{"repositories":1}'])
def test_an_odd_catalog_is_none(mreg, server, body):
    server.answers.update({"/v2/": (200, {}, b"{}"),
                           "/v2/_catalog": (200, {}, body)})
    found = findings(mreg.json("doctor", server.host))
    assert found["catalog"]["verdict"] == "no"
    assert found["catalog"]["found"] == "/v2/_catalog: the answer is no listing"


def test_a_registry_in_trouble_is_one(mreg, server):
    server.answers["/v2/"] = (521, {}, b"")
    error = mreg.fails(8, "doctor", server.host)
    assert "failed (HTTP 521)" in error["message"] + error["cause"]
    assert "no registry" not in error["message"]


def test_the_limits_are_told(mreg, server):
    server.answers["/v2/"] = (200, {}, b"{}")
    found = findings(mreg.json("doctor", server.host))["limits"]
    assert found["verdict"] == "unknown"
    assert "a file: no limit is known" in found["found"]
    mreg.env.update(MREG_LIMIT_LAYER="3GiB", MREG_LIMIT_REQUEST="100MiB")
    found = findings(mreg.json("doctor", server.host))["limits"]
    assert found["verdict"] == "yes" and found["means"]
    assert "a file: at most 3.0 GiB (set by limit.layer)" in found["found"]
    assert "a request: at most 100.0 MiB (set by limit.request)" in \
        found["found"]


def test_it_says_what_was_not_asked(mreg, server):
    server.answers["/v2/"] = (200, {}, b"{}")
    last = mreg.run("doctor", server.host).stdout.splitlines()[-1]
    assert "HOST/REPOSITORY" in last and "--write" in last
