"""harness.py - what the integration tests share: running mreg as somebody,
starting Debian's registry, making model folders, comparing them."""
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534
MIB = 1 << 20

# What push leaves out of a folder (product.md 4), as far as our trees have
# any of it.
NOTED = ".mreg-part-owned"
LEFT_OUT = (".git/", ".cache/huggingface/", "__pycache__/", ".DS_Store")


def program():
    """The mreg under test: $MREG, $MREG_BIN (the Makefile's), else debug."""
    path = os.environ.get("MREG") or os.environ.get("MREG_BIN") or \
        ROOT / "build/debug/mreg"
    return pathlib.Path(path).resolve()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def preloaded(name, folder):
    """An environment in which tests/integration/NAME.c takes some of libc's
    functions over; compiled into `folder`."""
    path = pathlib.Path(folder) / f"{name}.so"
    if not path.exists():
        cc = shlex.split(os.environ.get("CC", "gcc"))
        source = ROOT / f"tests/integration/{name}.c"
        subprocess.run([*cc, "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared",
                        "-fPIC", "-o", str(path), str(source), "-ldl"],
                       check=True)
    return {"LD_PRELOAD": str(path),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"}


# -- running mreg ------------------------------------------------------------


class Result:
    """What one run came to."""

    def __init__(self, args, status, stdout, stderr):
        self.args, self.status = args, status
        self.stdout, self.stderr = stdout, stderr

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def error(self):
        """The error document of a failed --json run."""
        lines = [line for line in self.stderr.splitlines()
                 if line.startswith('{"error"')]
        assert len(lines) == 1, f"no error document in: {self.stderr}"
        return json.loads(lines[0])["error"]

    def __str__(self):
        return (f"{' '.join(map(str, self.args))}\nexit status {self.status}\n"
                f"stdout: {self.stdout[-2000:]}\nstderr: {self.stderr[-4000:]}")


def sanitizers():
    """What the Makefile asks of sanitizers, so that what they find ends with
    a status that no command has; without what is no race."""
    env = {name: os.environ[name]
           for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
           if name in os.environ}
    if "TSAN_OPTIONS" in env:
        env["TSAN_OPTIONS"] += \
            f":suppressions={ROOT / 'tests/integration/tsan.supp'}"
    return env


class Mreg:
    """A user with a home of their own, who runs mreg.

    `home` holds everything that mreg writes on its own; nothing of the
    caller's environment gets in but what is for sanitizers.  `uid`: run as
    that user and group, without others."""

    def __init__(self, binary, home, env=None, uid=None, prefix=()):
        self.binary, self.home, self.uid = binary, pathlib.Path(home), uid
        self.prefix = [str(p) for p in prefix]
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "DOCKER_CONFIG": str(self.home / "docker"),
            **sanitizers(),
            **(env or {}),
        }
        if uid is not None:
            os.chown(self.home, uid, uid)

    def clone(self, home, **env):
        """Somebody else with the same settings."""
        return type(self)(self.binary, home, {
            **{k: v for k, v in self.env.items()
               if not k.startswith("XDG_") and
               k not in ("HOME", "DOCKER_CONFIG")}, **env},
            self.uid, self.prefix)

    def command(self, *args):
        words = [*self.prefix, str(self.binary), *map(str, args)]
        if self.uid is not None:
            words = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}",
                     "--clear-groups", *words]
        return words

    def start(self, *args, cwd=None, env=None, **kwargs):
        return subprocess.Popen(
            self.command(*args), cwd=cwd or self.home,
            env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            umask=0o022, **kwargs)

    def run(self, *args, status=0, input=None, cwd=None, env=None,
            timeout=300):
        """Run and check the exit status (None: any)."""
        words = self.command(*args)
        done = subprocess.run(
            words, cwd=cwd or self.home, env={**self.env, **(env or {})},
            input="" if input is None else input, capture_output=True,
            text=True, umask=0o022, timeout=timeout)
        r = Result(words, done.returncode, done.stdout, done.stderr)
        assert status is None or r.status == status, str(r)
        return r

    def json(self, *args, **kwargs):
        """The result document of a run that must succeed."""
        return self.run(*args, "--json", **kwargs).json

    def fails(self, status, *args, **kwargs):
        """The error document of a run that must fail with `status`."""
        r = self.run(*args, "--json", status=status, **kwargs)
        assert r.stdout == "", str(r)
        return r.error

    @property
    def store(self):
        return pathlib.Path(self.env["XDG_DATA_HOME"]) / "mreg/store"


def finish(process, timeout=300):
    """Wait for what Mreg.start gave."""
    out, err = process.communicate(timeout=timeout)
    return Result(process.args, process.returncode, out, err)


# -- Debian's registry -------------------------------------------------------


class Registry:
    """distribution 2.8 with a folder of its own, and what it was asked for.
    `data`: another folder, for its files.  `deletes`: whether it does.
    `notify`: a URL that is sent what happens."""

    def __init__(self, folder, tls=None, auth=None, data=None, deletes=True,
                 notify=None):
        self.folder, self.tls = pathlib.Path(folder), tls
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.folder.mkdir(parents=True)
        self.data = pathlib.Path(data or self.folder / "data")
        self.access_log = self.folder / "access.log"
        config = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory":
                               str(self.data),
                               "maxthreads": 100},
                "delete": {"enabled": deletes},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": f"127.0.0.1:{self.port}",
                     "secret": "of these tests",
                     "headers": {"X-Content-Type-Options": ["nosniff"]}},
        }
        if tls:
            config["http"]["tls"] = {"certificate": str(tls.cert),
                                     "key": str(tls.key)}
        if auth:
            config["auth"] = auth
        if notify:
            config["notifications"] = {"endpoints": [
                {"name": "tests", "url": notify, "timeout": "5s",
                 "threshold": 10, "backoff": "100ms"}]}
        # JSON is YAML.
        (self.folder / "config.yml").write_text(json.dumps(config))
        self.start()

    def repository(self, name):
        """Where its files name what a repository has; a copy is another one."""
        return self.data / "docker/registry/v2/repositories" / name

    def start(self):
        """Begin to serve; again after kill() or stop()."""
        with open(self.access_log, "ab") as out, \
                open(self.folder / "error.log", "ab") as err:
            self.process = subprocess.Popen(
                ["/usr/bin/docker-registry", "serve",
                 str(self.folder / "config.yml")], stdout=out, stderr=err,
                stdin=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"})
        self.wait()

    def wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("docker-registry does not start: " +
                           (self.folder / "error.log").read_text()[-2000:])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def mark(self):
        """Where the log is now; for requests()."""
        return self.access_log.stat().st_size

    def requests(self, since):
        """(method, path, status) of what it answered since mark()."""
        # An answer is logged after it was sent.
        time.sleep(0.2)
        with open(self.access_log, encoding="utf-8", errors="replace") as f:
            f.seek(since)
            return [(m[1], m[2], int(m[3])) for m in re.finditer(
                r'"([A-Z]+) (\S+) HTTP/[0-9.]+" (\d+)', f.read())]

    def uploads(self, since):
        """Requests that sent a blob, or began to."""
        return [r for r in self.requests(since)
                if r[0] in ("POST", "PATCH", "PUT") and "/blobs/" in r[1]]

    def blobs(self):
        """Digests of all blobs in its storage."""
        return {p.parent.name for p in self.folder.glob(
            "data/docker/registry/v2/blobs/sha256/*/*/data")}

    def get(self, path, accept="*/*"):
        """(status, body) of a plain GET, without mreg."""
        request = urllib.request.Request(f"http://{self.host}{path}",
                                         headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def tags(self, repository):
        status, body = self.get(f"/v2/{repository}/tags/list")
        return set(json.loads(body)["tags"] or []) if status == 200 else set()

    def manifest(self, repository, reference):
        status, body = self.get(
            f"/v2/{repository}/manifests/{reference}",
            "application/vnd.oci.image.manifest.v1+json")
        assert status == 200, body
        return json.loads(body)


def docker_auth(host, user, password):
    """What docker's config.json has after a login."""
    both = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"auths": {host: {"auth": both}}}


# -- model folders -----------------------------------------------------------


def tree(folder):
    """{path: (SHA-256, executable)} as push takes a folder: links followed,
    what it leaves out left out."""
    out = {}
    for base, folders, names in os.walk(folder, followlinks=True):
        for name in names:
            path = os.path.join(base, name)
            inside = os.path.relpath(path, folder)
            if any(("/" + inside).find("/" + part) >= 0 for part in LEFT_OUT):
                continue
            with open(path, "rb") as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            out[inside] = (digest, bool(os.stat(path).st_mode & 0o100))
    return out


def assert_pulled(folder, expected, noted=False):
    """`folder` has exactly these files, as regular files with plain modes, and
    nothing that mreg would leave behind; `noted`: but what it notes in a
    directory that has one version after another."""
    found = {}
    for base, folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            assert not os.path.islink(path), path
            mode = os.stat(path).st_mode & 0o7777
            assert mode in (0o644, 0o755), f"{path}: {mode:o}"
            with open(path, "rb") as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            found[os.path.relpath(path, folder)] = (digest, mode == 0o755)
    assert (found.pop(NOTED, None) is not None) == noted
    assert found.keys() == expected.keys()
    assert found == expected


def write(path, data, executable=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(0o755 if executable else 0o644)
    return path


def small_model(folder, seed, size=4096):
    """A model of three files that differs from every other seed's."""
    rng = random.Random(seed)
    write(folder / "model.bin", rng.randbytes(size))
    write(folder / "config.json", json.dumps({"seed": seed}))
    write(folder / "README.md", "# Small\n")
    return folder


def make_nested(folder, count):
    """Nested folders, `count` small files, and what names can be."""
    rng = random.Random(count)
    for i in range(count):
        write(folder / f"part{i % 7}/group{i % 50:02}/file-{i:05}.dat",
              rng.randbytes(16 + i % 48))
    write(folder / "empty.txt", "")
    write(folder / "a/b/c/d/e/deep.json", "{}")
    write(folder / "with space/and  two.txt", "spaces\n")
    write(folder / "größe/模型/ё.txt", "letters\n")
    write(folder / "-dash", "begins like a flag\n")
    write(folder / "odd'\"$`;&|*?[].txt", "no shell was harmed\n")
    write(folder / "run.sh", "#!/bin/sh\necho model\n", executable=True)
    write(folder / ".hidden", "hidden, but part of the model\n")
    # Left out.
    write(folder / "__pycache__/x.pyc", b"\0")
    write(folder / ".git/config", "[core]\n")
    return folder


def make_hub_cache(folder):
    """A Hugging Face cache: snapshots of links into blobs.  Returns the
    snapshot, which is what people push."""
    hub = folder / "models--acme--tiny"
    snapshot = hub / "snapshots" / ("0123456789abcdef" * 3)[:40]
    rng = random.Random("hub")
    files = {
        "model.safetensors": rng.randbytes(200000),
        "config.json": b'{"model_type": "bert"}',
        "onnx/model.onnx": rng.randbytes(50000),
        "README.md": b"---\nlicense: mit\n---\n# Tiny\n",
        "copy/of/config.json": b'{"model_type": "bert"}',
    }
    for name, data in files.items():
        blob = write(hub / "blobs" / hashlib.sha256(data).hexdigest(), data)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    write(hub / "refs/main", snapshot.name)
    return snapshot


def fetch_model(name):
    """Folder of a real model; None and the reason when it cannot be had."""
    done = subprocess.run([str(ROOT / "scripts/fetch-models"), name],
                          capture_output=True, text=True)
    if done.returncode == 0:
        return pathlib.Path(done.stdout.strip().splitlines()[-1]), ""
    return None, done.stderr.strip() or "fetch-models failed"


def copy_tree(src, dst):
    shutil.copytree(src, dst, symlinks=False)
    return dst


def kill(process):
    """SIGKILL to a process that we started, and reap it."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()
