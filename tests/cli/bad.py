"""bad.py - what the tests of bad input share: a user, snapshots of folders,
a check of one refusal, models that lie, and a registry that does."""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
sys.dont_write_bytecode = True

import harness  # noqa: E402

# Slow builds look at each refusal once.
BRIEF = "asan" in str(harness.program())

# house.md 3: what each exit status may be called in JSON.
CODES = {
    1: {"format", "limit", "io", "database", "no_memory", "internal"},
    2: {"usage"}, 3: {"not_found"}, 4: {"conflict"},
    5: {"unauthenticated", "denied"}, 6: {"integrity"}, 7: {"policy"},
    8: {"network", "remote"}, 9: {"unsupported"}, 130: {"canceled"},
}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
FILEPATH = "org.cncf.model.filepath"
TITLE = "org.opencontainers.image.title"


def user(folder, **kwargs):
    return harness.Mreg(harness.program(), folder, **kwargs)


# -- nothing written, nothing lost ------------------------------------------


def snapshot(folder, times=True):
    """Everything there is to see of a folder, the folder itself included.
    Without `times`: what it holds, not since when."""
    out = {}
    todo = [pathlib.Path(folder)]
    while todo:
        path = todo.pop()
        try:
            st = path.lstat()
        except FileNotFoundError:
            out[str(path)] = None
            continue
        seen = [stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode)]
        if times:
            seen += [st.st_ino, st.st_mtime_ns, st.st_nlink]
        if stat.S_ISDIR(st.st_mode):
            todo += path.iterdir()
        elif stat.S_ISLNK(st.st_mode):
            seen.append(os.readlink(path))
        elif stat.S_ISREG(st.st_mode):
            seen.append(hashlib.sha256(path.read_bytes()).hexdigest())
        out[str(path)] = seen
    return out


def check_parts(folder):
    """Takes away what a broken pull may leave for the next one: complete
    blobs, named after their digests."""
    for path in pathlib.Path(folder).glob(".mreg-part-*"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.name == f".mreg-part-{digest}", path
        path.unlink()


def sentinel(folder):
    """A target in which there is something to lose."""
    harness.write(folder / "mine.txt", "do not touch\n")
    harness.write(folder / "config.json", "{\"mine\": true}\n")
    harness.write(folder / "sub/mine.sh", "#!/bin/sh\n", executable=True)
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("mine.txt")
    return folder


def refused(who, status, *args, names=(), advice=None, quiet_in=(),
            times=True, **kwargs):
    """Run a command that must fail, for people and as JSON, and check all
    that a refusal promises.  `names`: what the line of the error has to name;
    `advice`: words of which the hint has one; `quiet_in`: folders that
    may not change; without `times` they may have parts.  Returns the error."""
    names = [names] if isinstance(names, str) else names
    advice = [advice] if isinstance(advice, str) else advice
    before = [snapshot(folder, times) for folder in quiet_in]
    human = None if BRIEF else who.run(*args, status=status, **kwargs)
    r = who.run("--json", *args, status=status, **kwargs)
    if not times:
        for folder in quiet_in:
            check_parts(folder)
    assert r.stdout == "", str(r)
    error = r.error
    for folder, was in zip(quiet_in, before):
        assert snapshot(folder, times) == was, f"'{folder}' changed"
    assert error["code"] in CODES[status], error
    for name in names:
        assert str(name) in error["message"] + error["cause"], error
    assert error["hint"], f"no advice: {error}"
    assert advice is None or any(a in error["hint"] for a in advice), error
    texts = [error["message"], error["hint"], error["cause"]]
    if human:
        check_human(human, error, names)
        texts.append(human.stderr)
    for text in texts:
        assert not any(ord(c) < 32 and c != "\n" or ord(c) == 127
                       for c in text), repr(text)
    return error


def check_human(r, error, names):
    """What people read is the same."""
    assert r.stdout == "", str(r)
    lines = [x for x in r.stderr.splitlines() if x.startswith("error: ")]
    assert len(lines) == 1, str(r)
    assert error["message"] in lines[0], str(r)
    assert all(str(name) in lines[0] for name in names), str(r)
    assert f"hint: {error['hint']}" in r.stderr.splitlines(), str(r)


# -- models that lie ----------------------------------------------------------


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def file_layer(path, data):
    """A layer as mreg writes it."""
    return {
        "mediaType": "application/vnd.cncf.model.weight.v1.raw",
        "digest": sha256(data), "size": len(data),
        "annotations": {FILEPATH: path, TITLE: path},
    }


class Model:
    """A version that can be made wrong before it is served."""

    def __init__(self, files=None):
        files = files or {"config.json": b"{}\n", "model.bin": b"weights" * 99}
        self.blobs = {}  # digest -> bytes
        config = compact({"descriptor": {"name": "m"}, "config": {},
                          "modelfs": {"type": "layers", "diffIds":
                                      [sha256(d) for d in files.values()]}})
        self.manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "artifactType": "application/vnd.cncf.model.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.cncf.model.config.v1+json",
                "digest": self.add(config), "size": len(config)},
            "layers": [file_layer(p, d) for p, d in files.items()],
            "annotations": {"org.mreg.schema": "1"},
        }
        for data in files.values():
            self.add(data)
        self.raw = None  # instead of `manifest`
        self.type = MANIFEST

    def add(self, data):
        self.blobs[sha256(data)] = data
        return sha256(data)

    @property
    def bytes(self):
        return self.raw if self.raw is not None else compact(self.manifest)

    def layer(self, path):
        """The layer of `path`, to be changed."""
        return next(x for x in self.manifest["layers"]
                    if x["annotations"][FILEPATH] == path)

    def rename(self, path, to):
        for key in (FILEPATH, TITLE):
            self.layer_of(path)["annotations"][key] = to

    def write_layout(self, folder):
        """As an OCI layout, tagged v1."""
        blobs = folder / "blobs/sha256"
        blobs.mkdir(parents=True)
        raw = self.bytes
        for digest, data in {**self.blobs, sha256(raw): raw}.items():
            (blobs / digest.split(":")[1]).write_bytes(data)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (folder / "index.json").write_bytes(compact({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": [{
                "mediaType": self.type, "digest": sha256(raw),
                "size": len(raw), "annotations": {
                    "org.opencontainers.image.ref.name": "v1"}}]}))
        return folder


class FakeRegistry:
    """Serves one model as HOST/m:v1, read only.  `answers` maps (method, path)
    or a path to a function that answers instead: it gets the handler."""

    def __init__(self, model=None):
        self.model, self.answers, self.seen = model, {}, []
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def reply(self, status, body=b"", type="application/json",
                      **headers):
                self.send_response(status)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                for key, value in headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def answer(self):
                path = self.path.split("?")[0]
                registry.seen.append((self.command, path, dict(self.headers)))
                n = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(n)
                special = registry.answers.get((self.command, path)) or \
                    registry.answers.get(path) or registry.answers.get("*")
                with contextlib.suppress(BrokenPipeError,
                                         ConnectionResetError):
                    if special:
                        special(self)
                    else:
                        registry.serve(self, path)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.02,), daemon=True)
        self.thread.start()

    def serve(self, h, path):
        last = path.rsplit("/", 1)[1]
        raw = self.model.bytes if self.model else b""
        if path == "/v2/":
            h.reply(200, b"{}")
        elif self.model and path.startswith("/v2/m/manifests/") and \
                last in ("v1", sha256(raw)):
            h.reply(200, raw, self.model.type,
                    Docker_Content_Digest=sha256(raw))
        elif self.model and path.startswith("/v2/m/blobs/") and \
                last in self.model.blobs:
            data, status, extra = self.model.blobs[last], 200, {}
            span = h.headers.get("Range", "")
            if span.startswith("bytes="):
                a, b = span[6:].split("-")
                a, b = int(a), min(int(b or len(data)), len(data) - 1)
                extra = {"Content-Range": f"bytes {a}-{b}/{len(data)}"}
                status, data = 206, data[a:b + 1]
            h.reply(status, data, "application/octet-stream", **extra)
        elif path == "/v2/m/tags/list":
            h.reply(200, compact({"name": "m", "tags": ["v1"]}))
        else:
            h.reply(404, compact({"errors": [
                {"code": "NOT_FOUND", "message": "not here"}]}))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


# -- file systems ---------------------------------------------------------------


@contextlib.contextmanager
def mounted(folder, *args):
    """A file system mounted on a folder that is made for it; skips where that
    is not allowed."""
    import pytest
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    done = subprocess.run(["mount", *map(str, args), str(folder)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def need(program):
    """Skip without it."""
    import pytest
    if not shutil.which(program, path="/usr/sbin:/sbin:" +
                        os.environ.get("PATH", "")):
        pytest.skip(f"no {program} here")
