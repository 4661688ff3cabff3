"""test_certs.py - authorities and client certificates by host, as docker and
podman keep them in certs.d (A-30)."""
import shutil
import subprocess
import time

import pytest

from harness import assert_pulled, free_port, small_model, tree, write
from conftest import Authority

NGINX = """
daemon off;
user root;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
	access_log {folder}/access.log;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {cert};
		ssl_certificate_key {key};
		ssl_client_certificate {ca};
		ssl_verify_client on;
		client_max_body_size 0;
		location / {{
			proxy_pass http://127.0.0.1:{to};
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-Proto https;
			proxy_request_buffering off;
		}}
	}}
}}
"""


def wait_for(process, port):
    import socket
    for _ in range(200):
        assert process.poll() is None, "it does not start"
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nobody listens")


@pytest.fixture(scope="session")
def clients(work):
    """The authority of clients: not the one of servers."""
    return Authority(work / "client-ca", "client-ca")


@pytest.fixture(scope="session")
def mutual(work, plain, server_cert, clients):
    """`plain` behind nginx, which wants a client's certificate: its port."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not shutil.which(program):
        pytest.skip("no nginx")
    folder = work / "nginx"
    port = free_port()
    write(folder / "nginx.conf", NGINX.format(
        folder=folder, port=port, to=plain.port, cert=server_cert.cert,
        key=server_cert.key, ca=clients.ca_file))
    process = subprocess.Popen([program, "-p", str(folder), "-c",
                                str(folder / "nginx.conf")],
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    wait_for(process, port)
    yield port
    process.terminate()
    process.wait()


@pytest.fixture
def certs(mreg, box):
    """certs.d at home; certs(host) is its folder for a host."""
    base = mreg.home / ".config/containers/certs.d"

    def folder(host):
        (base / host).mkdir(parents=True, exist_ok=True)
        return base / host

    return folder


def show(folder, pair, name="client"):
    shutil.copy(pair.cert, folder / f"{name}.cert")
    shutil.copy(pair.key, folder / f"{name}.key")


def test_push_and_pull_with_a_client_certificate(mreg, mutual, certs, clients,
                                                 authority, box):
    host = f"localhost:{mutual}"
    shutil.copy(authority.ca_file, certs(host) / "ca.crt")
    show(certs(host), clients.issue("ada", ["ada"]))
    folder = small_model(box / "m", "mutual", 2 << 20)
    pushed = mreg.json("push", folder, f"{host}/mutual")
    mreg.run("pull", f"{host}/mutual", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))
    assert mreg.json("resolve", f"{host}/mutual:v1")["digest"] == \
        pushed["digest"]


def test_the_authority_alone_is_not_enough_there(mreg, mutual, certs,
                                                 authority):
    host = f"localhost:{mutual}"
    shutil.copy(authority.ca_file, certs(host) / "ca.crt")
    e = mreg.fails(8, "resolve", f"{host}/mutual:v1")
    assert "certificate" in e["cause"] + e["message"], e
    assert ".cert" in e["hint"] and "certs.d" in e["hint"], e


def test_a_certificate_of_another_authority_is_refused(mreg, mutual, certs,
                                                       authority):
    host = f"localhost:{mutual}"
    shutil.copy(authority.ca_file, certs(host) / "ca.crt")
    show(certs(host), authority.issue("eve", ["eve"]))
    e = mreg.fails(8, "resolve", f"{host}/mutual:v1")
    assert "certificate" in e["cause"] + e["message"], e


def test_what_is_for_one_port_is_not_for_another(mreg, guarded, mutual, certs,
                                                 authority):
    shutil.copy(authority.ca_file, certs(f"localhost:{mutual}") / "ca.crt")
    e = mreg.fails(8, "resolve", f"{guarded.host}/m:v1")
    assert "unknown authority" in e["message"]
    shutil.copy(authority.ca_file, certs(guarded.host) / "ca.crt")
    e = mreg.fails(5, "resolve", f"{guarded.host}/m:v1")
    assert e["code"] == "unauthenticated"


def test_half_a_pair_is_an_error_that_names_the_file(mreg, guarded, certs,
                                                     authority, clients):
    folder = certs(guarded.host)
    shutil.copy(authority.ca_file, folder / "ca.crt")
    shutil.copy(clients.issue("bob", ["bob"]).cert, folder / "bob.cert")
    mark = guarded.mark()
    e = mreg.fails(2, "resolve", f"{guarded.host}/m:v1")
    assert f"{guarded.host}/bob.cert" in e["message"]
    assert "no key" in e["message"] and "bob.key" in e["hint"]
    assert guarded.requests(mark) == []


def test_a_key_of_another_pair_is_an_error(mreg, guarded, certs, authority,
                                           clients):
    folder = certs(guarded.host)
    shutil.copy(authority.ca_file, folder / "ca.crt")
    shutil.copy(clients.issue("one", ["one"]).cert, folder / "x.cert")
    shutil.copy(clients.issue("two", ["two"]).key, folder / "x.key")
    e = mreg.fails(2, "resolve", f"{guarded.host}/m:v1")
    assert "client certificate" in e["message"], e


def test_a_key_with_a_passphrase_asks_nobody(mreg, guarded, certs, authority,
                                             clients):
    folder = certs(guarded.host)
    shutil.copy(authority.ca_file, folder / "ca.crt")
    pair = clients.issue("locked", ["locked"])
    shutil.copy(pair.cert, folder / "x.cert")
    subprocess.run(["openssl", "rsa", "-aes128", "-passout", "pass:word",
                    "-in", str(pair.key), "-out", str(folder / "x.key")],
                   check=True, capture_output=True)
    e = mreg.fails(2, "resolve", f"{guarded.host}/m:v1", timeout=30)
    assert "passphrase" in e["hint"], e


def test_folders_can_be_named(mreg, guarded, box, authority):
    """$MREG_CERTS_D instead of the usual three; the first that has the host
    is the only one."""
    for name in "one", "two":
        (box / name / guarded.host).mkdir(parents=True)
    shutil.copy(authority.ca_file, box / "two" / guarded.host / "ca.crt")
    mreg.env["MREG_CERTS_D"] = f"{box}/none:{box}/one:{box}/two"
    e = mreg.fails(8, "resolve", f"{guarded.host}/m:v1")
    assert "unknown authority" in e["message"]
    mreg.env["MREG_CERTS_D"] = f"{box}/none:{box}/two"
    mreg.fails(5, "resolve", f"{guarded.host}/m:v1")


def test_openssl_asks_for_a_certificate_as_tls_does(mreg, certs, server_cert,
                                                    authority, clients):
    """TLS itself refuses here, where nginx answers with a page."""
    port = free_port()
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", str(port), "-cert",
         str(server_cert.cert), "-key", str(server_cert.key), "-CAfile",
         str(clients.ca_file), "-Verify", "1", "-verify_return_error",
         "-www", "-quiet"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(process, port)
        host = f"localhost:{port}"
        shutil.copy(authority.ca_file, certs(host) / "ca.crt")
        e = mreg.fails(8, "resolve", f"{host}/m:v1")
        assert "wants a client certificate" in e["message"], e
        assert f"certs.d/{host}" in e["hint"]
        show(certs(host), clients.issue("carl", ["carl"]))
        # It is no registry, and answers to GET only; but the certificate
        # opened the door.
        r = mreg.run("ls", f"{host}/m", "--json", status=None, timeout=60)
        assert "client certificate" not in r.stderr
        assert "certificate" not in r.error["message"]
    finally:
        process.terminate()
        process.wait()


