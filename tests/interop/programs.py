"""programs.py - the programs of others as scripts/test-interop found them, and
registries made of them."""
import json
import os
import pathlib
import socket
import subprocess
import time
import types
import urllib.error
import urllib.request

from harness import free_port

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def load():
    """{name: what the script wrote about it}; see have() there."""
    found = os.environ.get("MREG_INTEROP_PROGRAMS")
    if not found:
        return {}
    rows = [line.split("\t") for line in
            pathlib.Path(found).read_text().splitlines()]
    return {name: types.SimpleNamespace(version=version, path=path, why=why)
            for name, version, path, why in rows}


class Program:
    """One of them, run with a home of its own."""

    def __init__(self, path, home):
        self.path, self.home = str(path), home
        home.mkdir(parents=True, exist_ok=True)
        self.env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                    "HOME": str(home), "DOCKER_CONFIG": str(home / "docker")}

    def run(self, *args, status=0, cwd=None):
        """What it wrote to stdout; `status` None: let it end as it likes."""
        words = [self.path, *map(str, args)]
        done = subprocess.run(words, cwd=cwd or self.home, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, umask=0o022, timeout=300)
        assert status is None or done.returncode == status, \
            f"{' '.join(words)}\nexit status {done.returncode}\n" \
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout


class Regctl(Program):
    """Which has to be told of hosts without TLS, also of localhost."""

    def plain(self, *names):
        for name in names:
            self.run("registry", "set", "--skip-check", "--tls", "disabled",
                     name.split("/")[0])
        return self


class Server:
    """A registry over plain HTTP that one of them serves."""

    def __init__(self, kind, command, folder, port):
        self.kind, self.folder, self.port = kind, folder, port
        self.host = f"localhost:{port}"
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), cwd=folder, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "HOME": str(folder),
                     "OTEL_TRACES_EXPORTER": "none"})
        self.wait()

    def wait(self):
        for _ in range(400):
            if self.process.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.kind} does not start: " +
                           (self.folder / "log").read_text()[-2000:])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path, accept="*/*"):
        """(status, body) of a plain GET, without any client's help."""
        request = urllib.request.Request(f"http://{self.host}/v2/{path}",
                                         headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def tags(self, repository):
        status, body = self.get(f"{repository}/tags/list")
        return set(json.loads(body)["tags"] or []) if status == 200 else set()

    def manifest(self, repository, reference):
        status, body = self.get(f"{repository}/manifests/{reference}",
                                MANIFEST)
        assert status == 200, body
        return json.loads(body)

    def has_tag(self, repository, tag):
        status, _ = self.get(f"{repository}/manifests/{tag}", MANIFEST)
        assert status in (200, 404)
        return status == 200


def distribution(path, folder, port, delete=True):
    config = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")},
                    "delete": {"enabled": delete}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "of these tests"},
    }
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(config))
    return path, "serve", folder / "config.yml"


def distribution_without_delete(path, folder, port):
    return distribution(path, folder, port, delete=False)


def distribution_with_login(path, folder, port):
    """For ada, whose password is secret."""
    words = distribution(path, folder, port)
    hashed = subprocess.run(["htpasswd", "-Bbn", "ada", "secret"], check=True,
                            capture_output=True).stdout
    (folder / "htpasswd").write_bytes(hashed)
    config = json.loads((folder / "config.yml").read_text())
    config["auth"] = {"htpasswd": {"realm": "of these tests",
                                   "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(config))
    return words


def olareg(path, folder, port):
    return (path, "serve", "--addr", "127.0.0.1", "--port", port, "--dir",
            folder / "data", "--api-delete")


def crane(path, folder, port):
    return path, "registry", "serve", "--address", f"127.0.0.1:{port}"


def zot(path, folder, port):
    config = {
        "distSpecVersion": "1.1.0",
        "storage": {"rootDirectory": str(folder / "data")},
        "http": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "warn"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return path, "serve", folder / "config.json"


# Which program serves it, and how it is told to.
KINDS = {
    "distribution": ("registry", distribution),
    "distribution-without-delete": ("registry", distribution_without_delete),
    "distribution-with-login": ("registry", distribution_with_login),
    "olareg": ("olareg", olareg),
    "crane": ("crane", crane),
    "zot": ("zot", zot),
}


def serve(kind, path, folder):
    folder.mkdir(parents=True)
    port = free_port()
    return Server(kind, KINDS[kind][1](path, folder, port), folder, port)
