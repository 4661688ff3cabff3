"""test_no_registry.py - web sites at an address where a registry is looked
for: told from registries, whatever they answer."""
import http.server
import json
import pathlib
import threading

import pytest

import harness

PAGE = b"<!doctype html><title>welcome</title>"


class Site:
    """Answers everything with one page; or `answers`: path -> (status, type,
    body)."""

    def __init__(self, status):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.split("?")[0]
                outer.asked.append(path)
                code, kind, body = outer.answers.get(
                    path, (status, "text/html; charset=utf-8", PAGE))
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.host = f"localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(params=[200, 404])
def site(request):
    s = Site(request.param)
    yield s
    s.stop()


@pytest.fixture
def lost():
    s = Site(404)
    yield s
    s.stop()


@pytest.mark.parametrize("words", [
    "doctor HOST", "doctor HOST/m", "doctor --write HOST/m",
    "pull HOST/m -o out", "resolve HOST/m:v1", "inspect HOST/m:v1",
    "ls HOST/m", "ls --registry HOST", "copy HOST/m other",
    "push model HOST/m", "alias ls HOST/m", "alias set HOST/m:v1 x"])
def test_a_web_site_is_told_from_a_registry(mreg, site, words):
    harness.small_model(mreg.home / "model", "web")
    error = mreg.fails(8, *words.replace("HOST", site.host).split(),
                       cwd=mreg.home)
    assert error["code"] == "remote"
    assert "no registry" in error["message"] or \
        "web page" in error["message"]
    assert "check the host" in error["hint"]


def test_no_password_is_kept_for_a_web_site(mreg, site):
    r = mreg.run("login", site.host, "-u", "ada", "--password-stdin",
                 input="secret\n", status=8)
    assert "it is no registry" in r.stderr and "mreg ls" not in r.stderr
    config = pathlib.Path(mreg.env["DOCKER_CONFIG"]) / "config.json"
    assert not config.exists()


@pytest.mark.parametrize("body", [b"hello", b"[]", b"{", b'{"tags":"x"}',
                                  b'{"tags":[1]}'])
def test_nonsense_is_no_listing(mreg, lost, body):
    lost.answers["/v2/m/tags/list"] = (200, "application/json", body)
    error = mreg.fails(8, "ls", f"{lost.host}/m")
    assert error["code"] == "remote"
    assert "cannot list the tags" in error["message"]


def test_a_page_before_a_registry_is_believed(mreg, lost):
    """A proxy's page about what is not there; it is asked once whether there
    is a registry."""
    lost.answers["/v2/"] = (200, "application/json", b"{}")
    for words in (["pull", f"{lost.host}/m", "-o", "out"],
                  ["resolve", f"{lost.host}/m:v1"], ["ls", f"{lost.host}/m"]):
        before = lost.asked.count("/v2/")
        error = mreg.fails(3, *words)
        assert error["code"] == "not_found"
        # Another time for the port's scheme.
        assert lost.asked.count("/v2/") - before <= 2
    lost.answers["/v2/"] = (401, "text/html", PAGE)
    mreg.fails(3, "resolve", f"{lost.host}/m:v1")


def test_a_plain_404_is_asked_about_no_further(mreg, lost):
    body = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN"}]}).encode()
    lost.answers["/v2/m/manifests/v1"] = (404, "application/json", body)
    lost.answers["/v2/m/tags/list"] = (404, "application/json", body)
    mreg.fails(3, "resolve", f"{lost.host}/m:v1")


def test_a_host_is_no_version(mreg):
    error = mreg.fails(2, "ls", "localhost:5000")
    assert "mreg ls --registry localhost:5000" in error["hint"]
    assert "--registry" not in mreg.fails(2, "ls", "churn:v1")["hint"]
