"""test_tls.py - what does not hold is refused before anything is sent, and the
error names it."""
import http.server
import ssl
import threading

import pytest

from conftest import Authority
from harness import free_port, small_model


class Server:
    """Answers every request with 200; counts them."""

    def __init__(self, cert, host="127.0.0.1"):
        outer = self
        self.served = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.served.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_HEAD = do_POST = do_PUT = do_GET

            def log_message(self, *args):
                pass

        self.httpd = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.httpd.daemon_threads = True
        self.httpd.handle_error = lambda *args: None
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert.cert, cert.key)
        self.httpd.socket = tls.wrap_socket(self.httpd.socket,
                                            server_side=True,
                                            do_handshake_on_connect=False)
        self.port = self.httpd.server_port
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def stop(self):
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def serve():
    servers = []

    def start(cert):
        servers.append(Server(cert))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def assert_refused(mreg, server, folder, *words, host="localhost", hint=()):
    where = f"{host}:{server.port}"
    for command in (["resolve", f"{where}/m:v1"], ["pull", f"{where}/m"],
                    ["push", folder, f"{where}/m"],
                    ["ls", f"{where}/m"]):
        e = mreg.fails(8, *command)
        assert e["code"] == "network"
        assert where in e["message"], e
        for word in words:
            assert word in e["message"], e
        for word in hint:
            assert word in e["hint"], e
    r = mreg.run("login", where, "-u", "ada", "--password-stdin",
                 input="for nobody", status=8)
    assert "for nobody" not in r.stderr
    assert server.served == []


@pytest.fixture
def folder(box):
    return small_model(box / "m", "tls")


def test_an_unknown_authority_is_named_with_what_to_do(mreg, serve,
                                                       server_cert, folder):
    assert_refused(mreg, serve(server_cert), folder, "unknown authority",
                   hint=["--ca-file"])


def test_another_authority_than_the_one_trusted(mreg, serve, server_cert, work,
                                                folder):
    mreg.env["MREG_CA_FILE"] = str(Authority(work / "ca2", "other").ca_file)
    assert_refused(mreg, serve(server_cert), folder, "unknown authority",
                   hint=["--ca-file"])


def test_a_certificate_for_another_name(mreg, serve, authority, folder):
    mreg.env["MREG_CA_FILE"] = str(authority.ca_file)
    cert = authority.issue("other", ["registry.example"])
    assert_refused(mreg, serve(cert), folder, "another name")
    # The address is not among its names either.
    cert = authority.issue("name-only", ["localhost"])
    assert_refused(mreg, serve(cert), folder, "another name", host="127.0.0.1")


def test_an_expired_certificate(mreg, serve, authority, folder):
    mreg.env["MREG_CA_FILE"] = str(authority.ca_file)
    cert = authority.issue("expired", days=-1)
    assert_refused(mreg, serve(cert), folder, "expired")


@pytest.mark.parametrize("content,status", [(None, 3), ("no PEM\n", None)])
def test_a_ca_file_that_is_none(mreg, serve, server_cert, box, content,
                                status):
    server = serve(server_cert)
    path = box / "ca.pem"
    if content:
        path.write_text(content)
    r = mreg.run("resolve", f"localhost:{server.port}/m:v1", "--json",
                 "--ca-file", path, status=status)
    assert r.status not in (0, 5) and r.status < 128, str(r)
    assert str(path) in r.error["message"] + r.error["cause"], r.error
    assert server.served == []


def test_plain_http_is_not_a_way_round_a_bad_certificate(mreg, guarded,
                                                         folder):
    """A loopback host that speaks TLS stays on TLS."""
    e = mreg.fails(8, "push", folder, f"{guarded.host}/m")
    assert "unknown authority" in e["message"]


def test_the_flag_trusts_for_one_command(at_guarded, guarded, authority):
    at_guarded.env.pop("MREG_CA_FILE")
    at_guarded.fails(8, "resolve", "m:v1")
    at_guarded.fails(3, "resolve", "m:v1", "--ca-file", authority.ca_file)


def test_nobody_listens(mreg, folder):
    where = f"localhost:{free_port()}"
    e = mreg.fails(8, "push", folder, f"{where}/m")
    assert (e["code"], where in e["message"]) == ("network", True)
    assert "refused" in e["message"] + e["cause"]


def test_an_unknown_host(mreg, folder):
    e = mreg.fails(8, "push", folder, "registry.invalid/m")
    assert e["code"] == "network" and "registry.invalid" in e["message"]
