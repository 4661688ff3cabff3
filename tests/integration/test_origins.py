"""test_origins.py - no credential leaves its origin: not by a redirect, an
upload Location, a realm, a changed realm or a Link (the proxy is in
test_proxy.py).  Each other origin is a server that keeps what it was sent."""
import json

import pytest

from conftest import PASSWORD, USER
from harness import docker_auth, small_model, write
from recorder import Recorder

REALM = 'Basic realm="x"'
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def record(server_cert):
    """record(answer=None, tls=True): a server for this test."""
    servers = []

    def start(answer=None, tls=True):
        servers.append(Recorder(answer, server_cert if tls else None))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def ada(mreg, authority):
    """Trusts our authority; logs in with know()."""
    mreg.env["MREG_CA_FILE"] = str(authority.ca_file)
    mreg.know = lambda server: write(
        mreg.home / "docker/config.json",
        json.dumps(docker_auth(server.host, USER, PASSWORD)))
    return mreg


def guarded(answer):
    """A registry that wants Basic credentials, and then does `answer`."""
    def serve(seen):
        if seen.header("authorization") is None:
            return 401, {"WWW-Authenticate": REALM}, b"{}"
        return answer(seen)
    return serve


def assert_nothing_leaked(*servers):
    for server in servers:
        assert server.seen, "it was not even asked"
        assert server.credentials == []
        said = "".join(f"{s.path} {s.headers} {s.body}" for s in server.seen)
        assert PASSWORD not in said and USER not in said


def test_no_credential_follows_a_redirect(ada, record):
    # It asks for them, in every way there is.
    other = record(lambda seen: (401, {"WWW-Authenticate": REALM}, b"{}"))
    registry = record(guarded(lambda seen: (
        307, {"Location": f"{other.url}{seen.path}?signed"}, b"")))
    ada.know(registry)
    ada.run("resolve", f"{registry.host}/m:v1", status=None)
    ada.run("pull", f"{registry.host}/m:v1", status=None)
    assert_nothing_leaked(other)
    assert any(s.header("authorization") for s in registry.seen)


@pytest.mark.parametrize("hop", [301, 302, 303, 307, 308])
def test_no_redirect_leads_from_https_to_http(ada, record, hop):
    other = record(tls=False)
    registry = record(guarded(lambda seen: (
        hop, {"Location": f"{other.url}{seen.path}"}, b"")))
    ada.know(registry)
    e = ada.fails(8, "resolve", f"{registry.host}/m:v1")
    assert "refused" in e["message"] + e["cause"]
    assert other.seen == []


def no_model(seen):
    """What a registry says that has nothing, but takes uploads."""
    return 404, {"Content-Type": "application/json"}, b'{"errors":[]}'


def test_no_credential_follows_an_upload_location(ada, record, box):
    other = record(lambda seen: (
        401, {"WWW-Authenticate": REALM}, b"{}"))

    def answer(seen):
        if seen.method == "POST":
            return 202, {"Location": f"{other.url}/upload?session=1"}, b""
        return no_model(seen)

    registry = record(guarded(answer))
    ada.know(registry)
    ada.run("push", small_model(box / "m", "leak"), f"{registry.host}/m",
            status=None)
    assert_nothing_leaked(other)
    assert {s.method for s in other.seen} <= {"PATCH", "PUT", "GET"}


def test_no_upload_goes_from_https_to_http(ada, record, box):
    other = record(tls=False)

    def answer(seen):
        if seen.method == "POST":
            return 202, {"Location": f"{other.url}/upload?session=1"}, b""
        return no_model(seen)

    registry = record(guarded(answer))
    ada.know(registry)
    e = ada.fails(8, "push", small_model(box / "m", "leak"),
                  f"{registry.host}/m")
    assert "refused" in e["message"] + e["cause"]
    assert other.seen == []


def test_between_loopback_ports_an_upload_goes_on_without_credentials(
        ada, record, box):
    """Plain http where nobody is between; the manifest still goes home."""
    stored = {}

    def take(seen):
        if seen.method in ("PATCH", "PUT"):
            stored[seen.path] = seen.body
            return (202 if seen.method == "PATCH" else 201), {
                "Location": "/upload?session=2",
                "Range": f"0-{max(len(seen.body) - 1, 0)}"}, b""
        return None

    other = record(take, tls=False)

    def answer(seen):
        if seen.method == "POST":
            return 202, {"Location": f"{other.url}/upload?session=1"}, b""
        if seen.method == "PUT" and "/manifests/" in seen.path:
            return 201, {}, b""
        return no_model(seen)

    registry = record(guarded(answer), tls=False)
    ada.know(registry)
    ada.run("push", small_model(box / "m", "plain"), f"{registry.host}/m",
            status=None)
    assert_nothing_leaked(other)
    assert stored


def test_no_password_goes_to_a_realm_without_tls(ada, record):
    realm = record(lambda seen: (200, {}, b'{"token":"t"}'), tls=False)
    registry = record(lambda seen: (401, {
        "WWW-Authenticate": f'Bearer realm="{realm.url}/token",'
                            f'service="x"'}, b"{}"))
    ada.know(registry)
    e = ada.fails(5, "resolve", f"{registry.host}/m:v1")
    assert "without TLS" in e["message"] and realm.host in e["message"]
    assert realm.seen == []
    r = ada.run("login", registry.host, "-u", USER, "--password-stdin",
                input=PASSWORD, status=5)
    assert realm.seen == [] and PASSWORD not in r.stderr


def test_no_password_goes_to_a_realm_that_changed(ada, record):
    first = record(lambda seen: (200, {}, b'{"token":"t"}'))
    second = record(lambda seen: (200, {}, b'{"token":"u"}'))
    named = [first]

    def answer(seen):
        if seen.header("authorization") == "Bearer t":
            return no_model(seen)
        return 401, {"WWW-Authenticate":
                     f'Bearer realm="{named[0].url}/token"'}, b"{}"

    registry = record(answer)
    ada.know(registry)
    ada.fails(3, "resolve", f"{registry.host}/m:v1")
    assert first.credentials and not second.seen
    named[0] = second
    e = ada.fails(5, "resolve", f"{registry.host}/m:v1")
    assert second.host in e["message"] and first.host in e["message"]
    assert "mreg login" in e["hint"]
    assert second.seen == []


def test_a_token_server_cannot_send_the_password_on(ada, record):
    """Its redirects are judged as a registry's are."""
    other = record(lambda seen: (200, {}, b'{"token":"t"}'))
    realm = record(lambda seen: (
        307, {"Location": f"{other.url}{seen.path}"}, b""))
    registry = record(lambda seen: (401, {
        "WWW-Authenticate": f'Bearer realm="{realm.url}/token"'}, b"{}"))
    ada.know(registry)
    ada.run("resolve", f"{registry.host}/m:v1", status=None)
    assert realm.credentials
    assert other.credentials == []


def test_no_credential_follows_a_link(ada, record):
    other = record(lambda seen: (200, {}, b'{"tags":["v2"]}'))

    def answer(seen):
        if seen.path.startswith("/v2/m/tags/list"):
            return 200, {"Link": f"<{other.url}/v2/m/tags/list?last=v1>; "
                                 'rel="next"',
                         "Content-Type": "application/json"}, \
                b'{"name":"m","tags":["v1"]}'
        return no_model(seen)

    registry = record(guarded(answer))
    ada.know(registry)
    e = ada.fails(8, "ls", f"{registry.host}/m")
    assert "another host" in e["message"] + e["cause"]
    assert other.seen == []
    assert any(s.path.startswith("/v2/m/tags/list") for s in registry.seen)


def test_credentials_of_one_port_are_not_for_the_next(ada, record):
    other = record(guarded(no_model))
    registry = record(guarded(no_model))
    ada.know(registry)
    ada.fails(3, "resolve", f"{registry.host}/m:v1")
    ada.fails(5, "resolve", f"{other.host}/m:v1")
    assert_nothing_leaked(other)
