"""index_sync.py - a cold sync of a registry beside curl, which asks for the
same and throws it away: what of a registry's speed a sync makes use of.

The registry's folder is written without it, in distribution's own layout.
Requests are those of a first sync, as the registry logged them; curl sends
them one after the other, and in parallel, from which its ceiling is taken."""
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

import contestants

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
import world  # noqa: E402

DEBIAN = pathlib.Path("/usr/bin/docker-registry")
ACCEPT = ", ".join((world.MANIFEST, "application/vnd.oci.image.index.v1+json",
                    "application/vnd.docker.distribution.manifest.v2+json",
                    "application/vnd.docker.distribution.manifest.list.v2"
                    "+json"))
ROUNDS = 3
PARALLEL = (1, 8, 16)


def registry_program():
    """((path, name), None) or (None, why there is none)."""
    version, path = contestants.interop_programs(
        ROOT / "scripts/test-interop").get("registry", ("", None))
    if path:
        return (path, f"distribution {version}"), None
    if DEBIAN.exists():
        return (DEBIAN, "Debian's docker-registry"), None
    return None, "scripts/test-interop builds a registry"


# -- the registry -------------------------------------------------------------


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_storage(made, data):
    root = data / "docker/registry/v2"

    def blob(digest, content):
        put(root / f"blobs/sha256/{digest[7:9]}/{digest[7:]}/data", content)

    for repo in made.repos:
        home = root / "repositories" / repo.name
        for digest, content in repo.blobs.items():
            blob(digest, content)
            put(home / f"_layers/sha256/{digest[7:]}/link", digest.encode())
        for tag, manifest in repo.tags.items():
            digest = world.digest_of(manifest)
            link = digest.encode()
            blob(digest, manifest)
            manifests = home / "_manifests"
            put(manifests / f"revisions/sha256/{digest[7:]}/link", link)
            put(manifests / f"tags/{tag}/current/link", link)
            put(manifests / f"tags/{tag}/index/sha256/{digest[7:]}/link", link)


class Registry:
    """One that serves `folder`/data; with a log of what it was asked for, or
    without."""

    def __init__(self, program, folder, logged):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.log = folder / "access.log"
        config = folder / "config.yml"
        config.write_text(json.dumps({  # JSON is YAML
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": not logged}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data"),
                                       "maxthreads": 100},
                        "maintenance": {"uploadpurging": {"enabled": False}}},
            "http": {"addr": self.host, "secret": "of this benchmark"}}))
        with open(self.log, "wb") as out, \
                open(folder / "error.log", "wb") as err:
            self.process = subprocess.Popen(
                [str(program), "serve", str(config)], stdout=out, stderr=err,
                stdin=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"})
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise SystemExit((folder / "error.log").read_text()[-2000:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def requests(self):
        """(method, path) of all, in the order in which they were answered."""
        time.sleep(0.5)  # it logs behind its answer
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return re.findall(r'"([A-Z]+) (\S+) HTTP/[0-9.]+" \d+', text)


# -- who asks -----------------------------------------------------------------


def run(words, **kwargs):
    """(seconds, CPU seconds, stdout)"""
    before = time.perf_counter()
    child = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, **kwargs)
    out = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - before
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{words[0]}: exit status {child.returncode}")
    return took, used.ru_utime + used.ru_stime, out


def sync(mreg, host, home):
    home.mkdir(exist_ok=True)
    took, used, out = run(
        [mreg, "index", "sync", f"{host}/", "--json"],
        env={"PATH": os.environ["PATH"], "HOME": str(home),
             "LC_ALL": "C.UTF-8"})
    found = json.loads(out)
    return {"seconds": took, "cpu_s": used, "requests": found["requests"],
            "versions": found["versions"]["new"]}


def write_list(asked, host, folder):
    """Words for curl, of a GET of each and a HEAD of each."""
    words = []
    for method, flags in ("GET", []), ("HEAD", ["--head"]):
        paths = [path for m, path in asked if m == method]
        if not paths:
            continue
        file = folder / f"{method}.curl"
        file.write_text("".join(
            f'url = "http://{host}{path}"\noutput = "/dev/null"\n'
            for path in paths))
        words += [*(["--next"] if words else []), "--no-progress-meter",
                  "--header", f"Accept: {ACCEPT}", *flags, "--config", file]
    return words


def curl(parallel, words):
    many = ["--parallel", "--parallel-max", parallel] if parallel > 1 else []
    took, used, _ = run(["curl", "--disable", *many, *words],
                        env={"PATH": os.environ["PATH"]})
    return {"seconds": took, "cpu_s": used}


def middle(rows):
    return sorted(rows, key=lambda r: r["seconds"])[len(rows) // 2]


def measure(mreg, program, folder, repositories, versions):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = world.World(repositories, versions, 2 * versions // 5)
    write_storage(made, folder / "data")
    with Registry(program[0], folder, True) as there:
        first = sync(mreg, there.host, folder / "home")
        asked = there.requests()
    rounds, loops = [], {n: [] for n in PARALLEL}
    with Registry(program[0], folder, False) as there:
        words = write_list(asked, there.host, folder)
        for i in range(ROUNDS):
            shutil.rmtree(folder / "home", ignore_errors=True)
            rounds.append(sync(mreg, there.host, folder / "home"))
            for n in PARALLEL:
                loops[n].append({**curl(n, words), "requests": len(asked)})
        again = sync(mreg, there.host, folder / "home")
    shutil.rmtree(folder)
    if first["versions"] != len(made.all) or again["versions"]:
        raise SystemExit(f"{first['versions']} versions were synced, then "
                         f"{again['versions']}; there are {len(made.all)}")
    return {"registry": program[1], "repositories": len(made.repos),
            "versions": len(made.all), "rounds": ROUNDS,
            "sync": middle(rounds), "again": again,
            "curl": {n: middle(rows) for n, rows in loops.items()},
            "rate": statistics.median(r["requests"] / r["seconds"]
                                      for r in rounds)}
