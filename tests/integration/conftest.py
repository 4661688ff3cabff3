"""conftest.py - fixtures of the integration tests: certificates, Debian's
registry in three ways, users who run mreg, model folders."""
import datetime
import hashlib
import ipaddress
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
sys.dont_write_bytecode = True

import faults  # noqa: E402
import foreign  # noqa: E402
import harness  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from cryptography.x509.oid import NameOID  # noqa: E402
from token_server import TokenServer  # noqa: E402

USER, PASSWORD = "ada", "s3cret-pass-word"
READER, READER_PASSWORD = "bob", "r3ader-pass-word"
# A login that says how somebody came in, not who; with ada's password.
MECHANISM = "oauth2accesstoken"


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "large: gigabytes and a minute; skip with -m 'not large'")


# -- folders and programs ----------------------------------------------------


@pytest.fixture(scope="session")
def work():
    """A folder that other users may pass through, unlike pytest's own."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mreg-it-"))
    folder.chmod(0o755)
    yield folder
    # A registry makes ten files and folders of every small one.
    subprocess.run(["rm", "-rf", str(folder)], check=False)


@pytest.fixture(scope="session")
def binary(work):
    """The program, where other users can run it."""
    program = harness.program()
    if not program.exists():
        pytest.exit(f"no program at '{program}': make it, or set MREG", 2)
    os.makedirs(work / "bin")
    shutil.copy2(program, work / "bin/mreg")
    (work / "bin/mreg").chmod(0o755)
    return work / "bin/mreg"


@pytest.fixture
def box(work):
    """A folder for one test."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    folder.chmod(0o755)
    yield folder
    # Some tests write much.
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mreg(binary, box):
    """Somebody with a fresh home and nothing configured."""
    return harness.Mreg(binary, box / "home")


@pytest.fixture
def nobody(binary, box):
    """Another user, with nothing but their own home."""
    if os.geteuid() != 0:
        pytest.skip("only root can run mreg as another user")
    return harness.Mreg(binary, box / "nobody", uid=harness.NOBODY)


# -- certificates ------------------------------------------------------------


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.key = rsa.generate_private_key(65537, 2048)
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME,
                                                     name)])
        self.ca_file = folder / f"{name}.pem"
        self.ca_file.write_bytes(self.sign(
            self.subject, self.key.public_key(), True, [], 3650).public_bytes(
                serialization.Encoding.PEM))

    def sign(self, subject, key, is_ca, names, days):
        now = datetime.datetime.utcnow()
        end = now + datetime.timedelta(days=days)
        b = x509.CertificateBuilder().subject_name(subject).issuer_name(
            self.subject).public_key(key).serial_number(
            x509.random_serial_number()).not_valid_before(
            min(now, end) - datetime.timedelta(days=2)).not_valid_after(
            end).add_extension(x509.BasicConstraints(is_ca, None), True)
        if names:
            b = b.add_extension(x509.SubjectAlternativeName(names), False)
        return b.sign(self.key, hashes.SHA256())

    def issue(self, name, hosts=("localhost", "127.0.0.1"), days=30):
        """Files .cert and .key of a server."""
        key = rsa.generate_private_key(65537, 2048)
        names = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        cert = self.sign(x509.Name([x509.NameAttribute(
            NameOID.COMMON_NAME, hosts[0])]), key.public_key(), False, names,
            days)
        out = types.SimpleNamespace(cert=self.folder / f"{name}.crt",
                                    key=self.folder / f"{name}.key")
        out.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        out.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption()))
        return out


@pytest.fixture(scope="session")
def authority(work):
    return Authority(work / "ca", "mreg-test-ca")


@pytest.fixture(scope="session")
def server_cert(authority):
    """For localhost."""
    return authority.issue("localhost")


# -- registries --------------------------------------------------------------


@pytest.fixture(scope="session")
def plain(work):
    """distribution over plain HTTP, without any login."""
    registry = harness.Registry(work / "registry-plain")
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def guarded(work, server_cert):
    """distribution over TLS, with an htpasswd file."""
    passwords = work / "htpasswd"
    passwords.touch()
    for user in USER, MECHANISM:
        subprocess.run(["htpasswd", "-bB", "-C", "4", str(passwords), user,
                        PASSWORD], check=True, capture_output=True)
    registry = harness.Registry(
        work / "registry-guarded", server_cert,
        {"htpasswd": {"realm": "mreg tests", "path": str(passwords)}})
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def tokens(authority):
    """The token server of the registry `bearer`."""
    cert = authority.issue("token-server")
    server = TokenServer(
        cert.cert, cert.key, "mreg-test-issuer", "registry.test",
        {USER: (PASSWORD, {"pull", "push", "*"}),
         READER: (READER_PASSWORD, {"pull"})})
    server.cert = cert.cert
    yield server
    server.stop()


@pytest.fixture(scope="session")
def bearer(work, server_cert, tokens):
    """distribution over TLS, with a token server."""
    registry = harness.Registry(
        work / "registry-bearer", server_cert,
        {"token": {"realm": tokens.realm, "service": tokens.service,
                   "issuer": tokens.issuer,
                   "rootcertbundle": str(tokens.cert)}})
    yield registry
    registry.stop()


@pytest.fixture
def at_plain(mreg, plain):
    """Somebody whose short names are in `plain`."""
    mreg.env["MREG_REGISTRY"] = plain.host
    return mreg


def log_in(mreg, registry, authority, user=USER, password=PASSWORD):
    mreg.env["MREG_REGISTRY"] = registry.host
    mreg.env["MREG_CA_FILE"] = str(authority.ca_file)
    mreg.run("login", registry.host, "-u", user, "--password-stdin",
             input=password)
    return mreg


@pytest.fixture
def at_guarded(mreg, guarded, authority):
    return log_in(mreg, guarded, authority)


@pytest.fixture
def at_bearer(mreg, bearer, tokens, authority):
    tokens.life_s = 300
    return log_in(mreg, bearer, authority)


STORES = {"local": "mreg", "http": "at_plain", "htpasswd": "at_guarded",
          "token": "at_bearer"}


@pytest.fixture(params=STORES)
def somewhere(request):
    """Somebody whose models are in each of the four kinds of store."""
    user = request.getfixturevalue(STORES[request.param])
    user.where = request.param
    return user


@pytest.fixture(params=["local", "http"])
def shared(request):
    """The two that differ in how writers meet: by a lock, and without one."""
    user = request.getfixturevalue(STORES[request.param])
    user.where = request.param
    return user


# -- model folders -----------------------------------------------------------


@pytest.fixture(scope="session")
def models(work):
    """Model folders by name, made or fetched when first asked for."""
    made = {}

    def generated():
        folder = work / "generated"
        if not folder.exists():
            subprocess.run([str(harness.ROOT / "scripts/make-models"),
                            str(folder)], check=True)
        return folder

    def real(name):
        folder, why = harness.fetch_model(name)
        if not folder:
            pytest.skip(f"no real model '{name}': {why}")
        return folder

    makers = {
        "minilm": lambda: real("minilm"),
        "silero": lambda: real("silero"),
        "single": lambda: generated() / "single",
        "sharded": lambda: generated() / "sharded",
        "gguf": lambda: generated() / "gguf",
        "nested": lambda: harness.make_nested(work / "nested", 60),
        "many": lambda: harness.make_nested(work / "many",
                                            5000 if faults.FULL else 1500),
        "hub-cache": lambda: harness.make_hub_cache(work / "hub"),
    }

    def get(name):
        if name not in made:
            made[name] = makers[name]()
        return made[name]

    return get


# -- what others push --------------------------------------------------------


@pytest.fixture
def remote(plain, box):
    """A repository of its own."""
    return foreign.Registry(
        plain.host,
        "foreign/" + hashlib.sha256(str(box).encode()).hexdigest()[:16])


@pytest.fixture
def pulls(mreg, plain, remote, box):
    """Pull TAG and compare; then the same again moves nothing, and without its
    memory finds every file right."""

    def pull(expected, tag="v", *options, archives=False):
        out = box / "out"
        name = f"{remote.name}:{tag}"
        first = mreg.json("pull", name, "-o", out, *options)
        harness.assert_pulled(out, foreign.expect(expected))
        assert {i["path"] for i in first["files"]} == set(expected)
        assert first["filesPlaced"] == len(expected)
        before = {p: os.stat(out / p).st_ino for p in expected}
        mark = plain.mark()
        again = mreg.json("pull", name, "-o", out, *options)
        assert again["bytesFetched"] == 0 and again["filesPlaced"] == 0
        assert again["bytesReused"] == again["bytesTotal"]
        assert not [r for r in plain.requests(mark)
                    if "/blobs/" in r[1] or r[0] == "GET" and
                    "/manifests/" in r[1]]
        shutil.rmtree(mreg.env["XDG_CACHE_HOME"])
        lost = mreg.json("pull", name, "-o", out, *options)
        assert lost["filesPlaced"] == 0
        assert (lost["bytesFetched"] > 0) == archives
        assert before == {p: os.stat(out / p).st_ino for p in expected}
        harness.assert_pulled(out, foreign.expect(expected))
        return first

    return pull
