"""conftest.py - fixtures of the command tests: a user with a local store, a
model, a terminal, and a registry that takes its time."""
import fcntl
import http.server
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
sys.dont_write_bytecode = True

import harness  # noqa: E402


@pytest.fixture
def mreg(tmp_path):
    """A user with a home and a local store of their own."""
    return harness.Mreg(harness.program(), tmp_path / "home",
                        env={"MREG_STORE": str(tmp_path / "store")})


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def postgres(tmp_path):
    """URI of an empty schema on the server that scripts/postgres started."""
    server = os.environ.get("MREG_TEST_POSTGRES")
    if not server:
        pytest.skip("MREG_TEST_POSTGRES names no server")
    schema = "p" + re.sub("[^a-z0-9]", "_", str(tmp_path).lower())[-50:]
    drop = ["psql", "-q", server, "-c",
            f"SET client_min_messages = warning;"
            f"DROP SCHEMA IF EXISTS {schema} CASCADE"]
    subprocess.run(drop, check=True)
    sign = "&" if "?" in server else "?"
    yield f"{server}{sign}options=-csearch_path%3D{schema}"
    subprocess.run(drop, check=True)


@pytest.fixture
def model(tmp_path):
    return harness.small_model(tmp_path / "model", 1)


@pytest.fixture
def pushed(mreg, model):
    """Digest of churn:v1, which is also churn:staging."""
    return mreg.json("push", model, "churn:staging", "--metric",
                     "auc=0.9")["digest"]


@pytest.fixture
def read(store):
    """Annotations and config of a version."""
    def get(name, digest):
        blobs = store / name / "blobs/sha256"
        manifest = json.loads((blobs / digest[7:]).read_bytes())
        config = blobs / manifest["config"]["digest"][7:]
        return manifest["annotations"], json.loads(config.read_bytes())
    return get


@pytest.fixture
def later(tmp_path):
    """later(3): an environment in which it is three hours later."""
    env = harness.preloaded("clock_preload", tmp_path)
    return lambda hours: {**env,
                          "TEST_CLOCK_AHEAD_S": str(round(hours * 3600))}


# -- a terminal -----------------------------------------------------------------


class Terminal:
    """What a command wrote to a terminal, and its exit status.  `out` or `err`
    may be subprocess.PIPE, to have only the other one on the terminal."""

    def __init__(self, mreg, *args, env=None, columns=100, out=None, err=None,
                 timeout=60):
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            mreg.command(*args), cwd=mreg.home, stdin=side,
            stdout=side if out is None else out,
            stderr=side if err is None else err, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**mreg.env, "TERM": "xterm", **(env or {})})
        os.close(side)
        self.columns, self.status = columns, None
        data, end = b"", time.monotonic() + timeout
        while time.monotonic() < end:
            if not select.select([main], [], [], 0.1)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                got = os.read(main, 65536)
            except OSError:  # EIO: nobody has the other side open any more
                break
            if not got:
                break
            data += got
        else:
            process.kill()
        os.close(main)
        piped = process.communicate(timeout=timeout)
        self.piped = next((p.decode() for p in piped if p is not None), "")
        self.status = process.returncode
        self.raw = data.decode(errors="replace")

    @property
    def screen(self):
        """The lines as they stand at the end: '\\r' goes back to the start of
        the line and what follows overwrites it."""
        lines = []
        for line in re.sub(r"\x1b\[[0-9;]*m", "", self.raw).split("\n"):
            shown = []
            for piece in line.split("\r"):
                shown[:len(piece)] = piece
            lines.append("".join(shown).rstrip())
        return [line for line in lines if line]

    @property
    def drawn(self):
        """Every state of a line that was overwritten later."""
        return [piece for line in self.raw.split("\n")
                for piece in line.rstrip("\r").split("\r")[1:]
                if piece.strip()]


@pytest.fixture
def terminal(mreg):
    return lambda *args, **kwargs: Terminal(mreg, *args, **kwargs)


# -- a registry that takes its time -----------------------------------------------


class SlowRegistry:
    """Serves one repository, m, out of a layout that mreg made.  Blobs come in
    `pieces` with a pause before each; `hang` answers nothing at all.  While
    `go` is not set, no more than half of a blob comes; `half` is, when it
    has."""

    def __init__(self, layout, digest, pieces=8, pause=0.2, hang=False):
        self.asked = threading.Event()
        self.half, self.go = threading.Event(), threading.Event()
        self.go.set()
        self.stopped = threading.Event()
        blobs = pathlib.Path(layout) / "blobs/sha256"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def answer(self, status, data=b"", kind="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                if status == 200 and "/manifests/" in self.path:
                    self.send_header("Docker-Content-Digest", digest)
                self.end_headers()
                return data if self.command == "GET" else b""

            def do_GET(self):
                outer.asked.set()
                if hang:
                    outer.stopped.wait(60)
                    self.close_connection = True
                    return
                part = self.path.split("/")
                if self.path == "/v2/":
                    self.answer(200)
                elif part[:4] == ["", "v2", "m", "manifests"]:
                    name = digest.split(":")[1]
                    if part[4] not in (digest, "latest", "v1"):
                        self.answer(404)
                        return
                    self.wfile.write(self.answer(
                        200, (blobs / name).read_bytes(),
                        "application/vnd.oci.image.manifest.v1+json"))
                elif part[:4] == ["", "v2", "m", "blobs"]:
                    self.send_blob(blobs / part[4].split(":")[1])
                else:
                    self.answer(404)

            do_HEAD = do_GET

            def send_blob(self, path):
                data = path.read_bytes() if path.exists() else None
                wanted = self.headers.get("Range", "")
                if data is None:
                    self.answer(404)
                    return
                if wanted:
                    first, last = wanted.split("=")[1].split("-")
                    last = int(last) if last else len(data) - 1
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{last}"
                                     f"/{len(data)}")
                    data = data[int(first):last + 1]
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                else:
                    data = self.answer(200, data)
                step = max(1, len(data) // pieces)
                for i in range(0, len(data), step):
                    if len(data) > 4096:
                        time.sleep(pause)
                    if len(data) > 4096 and i >= len(data) // 2:
                        outer.half.set()
                        outer.go.wait(60)
                    self.wfile.write(data[i:i + step])
                    self.wfile.flush()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that went away

        self.server = Server(("127.0.0.1", 0), Handler)
        self.name = f"localhost:{self.server.server_address[1]}/m"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.stopped.set()
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def slow(tmp_path):
    """A model of which one file of 800 KiB takes 1.6 s."""
    user = harness.Mreg(harness.program(), tmp_path / "slow/home")
    folder = harness.small_model(tmp_path / "slow/model", 2, 800 * 1024)
    digest = user.json("push", folder, f"oci:{tmp_path}/slow/store//m")["digest"]
    layout = next((tmp_path / "slow/store").glob("**/oci-layout")).parent
    registry = SlowRegistry(layout, digest)
    yield registry
    registry.stop()


@pytest.fixture
def hanging(tmp_path):
    registry = SlowRegistry(tmp_path, "sha256:" + "0" * 64, hang=True)
    yield registry
    registry.stop()


