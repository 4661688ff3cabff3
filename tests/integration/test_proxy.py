"""test_proxy.py - registries behind a proxy: CONNECT for https, whole
addresses for http, and no credential of the one reaching the other (A-32)."""
import json

import pytest

from conftest import PASSWORD, USER
from harness import assert_pulled, docker_auth, small_model, tree, write
from recorder import Proxy, Recorder

# Only the proxy knows where that is.
NAME = "registry.invalid"
PROXY_USER, PROXY_PASSWORD = "squid", "pr0xy-pass-word"
VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy",
             "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(scope="session")
def far_cert(authority):
    return authority.issue("far", [NAME])


@pytest.fixture
def start():
    """start(thing) stops it after the test."""
    things = []

    def keep(thing):
        things.append(thing)
        return thing

    yield keep
    for thing in things:
        thing.stop()


@pytest.fixture
def ada(mreg, authority):
    for name in VARIABLES:
        mreg.env.pop(name, None)
    mreg.env["MREG_CA_FILE"] = str(authority.ca_file)
    write(mreg.home / "docker/config.json", json.dumps(
        docker_auth(f"{NAME}:5000", USER, PASSWORD)))
    return mreg


def registry(seen):
    if seen.header("authorization") is None:
        return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b"{}"
    return 404, {}, b""


@pytest.fixture
def far(start, far_cert):
    """A registry over TLS that nobody but the proxy can reach by name."""
    return start(Recorder(registry, far_cert))


def assert_apart(proxy, server):
    """Neither saw what is for the other."""
    heads = "\n".join(proxy.heads)
    assert proxy.heads and server.seen
    assert PASSWORD not in heads
    assert "\nauthorization:" not in heads.lower()
    assert docker_auth("", USER, PASSWORD)["auths"][""]["auth"] not in heads
    for seen in server.seen:
        assert seen.header("proxy-authorization") is None
        assert PROXY_PASSWORD not in str(seen.headers)
    assert any(seen.header("authorization") for seen in server.seen)


def test_no_credential_crosses_the_proxy(ada, start, far):
    proxy = start(Proxy({f"{NAME}:5000": far.port},
                        f"{PROXY_USER}:{PROXY_PASSWORD}"))
    ada.env["HTTPS_PROXY"] = proxy.url(f"{PROXY_USER}:{PROXY_PASSWORD}")
    r = ada.run("resolve", f"{NAME}:5000/m:v1", "-vv", status=3)
    assert_apart(proxy, far)
    assert all(head.startswith(f"CONNECT {NAME}:5000 ")
               for head in proxy.heads)
    assert PROXY_PASSWORD not in r.stderr and PASSWORD not in r.stderr


def test_a_proxy_that_wants_credentials_is_told_of(ada, start, far):
    proxy = start(Proxy({f"{NAME}:5000": far.port}, "somebody:else"))
    for user in ("", f"{PROXY_USER}:{PROXY_PASSWORD}"):
        ada.env["HTTPS_PROXY"] = proxy.url(user)
        e = ada.fails(8, "resolve", f"{NAME}:5000/m:v1")
        assert "proxy" in e["message"] and "407" in e["message"], e
        assert "HTTPS_PROXY" in e["hint"]
        assert PROXY_PASSWORD not in json.dumps(e)
    assert far.seen == []
    assert PASSWORD not in "\n".join(proxy.heads)


def test_a_proxy_that_refuses_the_host_is_told_of(ada, start):
    proxy = start(Proxy({}))
    ada.env["HTTPS_PROXY"] = proxy.url()
    e = ada.fails(8, "resolve", f"{NAME}:5000/m:v1")
    assert "proxy" in e["message"] and f"{NAME}:5000" in e["message"]
    assert "403" in e["message"]


def test_a_proxy_that_is_not_there_is_told_of(ada):
    ada.env["HTTPS_PROXY"] = "http://proxy.invalid:1"
    e = ada.fails(8, "resolve", f"{NAME}:5000/m:v1")
    assert "proxy" in e["message"] and "HTTPS_PROXY" in e["hint"]


@pytest.mark.parametrize("listed", [NAME, f".{NAME.partition('.')[2]}", "*"])
def test_no_proxy_is_obeyed(ada, start, far, listed):
    proxy = start(Proxy({f"{NAME}:5000": far.port}))
    ada.env.update(HTTPS_PROXY=proxy.url(), NO_PROXY=listed)
    # By itself the name leads nowhere.
    e = ada.fails(8, "resolve", f"{NAME}:5000/m:v1")
    assert NAME in e["message"]
    assert proxy.heads == [] and far.seen == []


def test_this_machine_is_not_behind_the_proxy(ada, start, far_cert, authority):
    here = start(Recorder(registry, authority.issue("here")))
    proxy = start(Proxy({}))
    ada.env.update(HTTPS_PROXY=proxy.url(), HTTP_PROXY=proxy.url())
    ada.fails(5, "resolve", f"{here.host}/m:v1")
    assert here.seen and proxy.heads == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_plain_http_goes_through_its_proxy(ada, start, variable):
    """Whole addresses while there is nothing to hide; a tunnel for what has
    credentials."""
    far = start(Recorder(registry))
    proxy = start(Proxy({f"{NAME}:5000": far.port},
                        f"{PROXY_USER}:{PROXY_PASSWORD}"))
    ada.env[variable] = proxy.url(f"{PROXY_USER}:{PROXY_PASSWORD}")
    ada.env["MREG_PLAIN_HTTP"] = "true"
    ada.fails(3, "resolve", f"{NAME}:5000/m:v1")
    assert proxy.heads[0].split(" ")[1].startswith(f"http://{NAME}:5000/v2/")
    assert any(h.startswith(f"CONNECT {NAME}:5000 ") for h in proxy.heads)
    assert_apart(proxy, far)


def test_a_cgi_programs_http_proxy_is_not_believed(ada, start):
    """There it is a header of whoever asks (CVE-2016-5385)."""
    far = start(Recorder())
    proxy = start(Proxy({f"{NAME}:5000": far.port}))
    ada.env.update(HTTP_PROXY=proxy.url(), REQUEST_METHOD="GET",
                   MREG_PLAIN_HTTP="true")
    ada.fails(8, "resolve", f"{NAME}:5000/m:v1")
    assert proxy.heads == []


def test_a_model_goes_through_a_proxy_and_back(mreg, start, work, authority,
                                               far_cert, box):
    """A real registry: bodies, both ways."""
    from harness import Registry
    real = start(Registry(work / "registry-far", far_cert))
    proxy = start(Proxy({f"{NAME}:5000": real.port}))
    mreg.env.update(MREG_CA_FILE=str(authority.ca_file),
                    HTTPS_PROXY=proxy.url())
    folder = small_model(box / "m", "proxied", 3 << 20)
    mreg.run("push", folder, f"{NAME}:5000/m")
    mreg.run("pull", f"{NAME}:5000/m", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))
    assert {h.split(" ")[0] for h in proxy.heads} == {"CONNECT"}
