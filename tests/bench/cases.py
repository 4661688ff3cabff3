"""cases.py - what is measured: pushes, pulls, doing nothing, a lossy link,
starting, memory.  Every case gives rows, one per run:

    {"case", "registry", "who", "wall_s", "cpu_s", "maxrss_bytes", "bytes", ...}

Contestants take turns within a repetition, and who begins rotates.
"""
import json
import os
import pathlib
import subprocess
import time

import contestants
import harness
import measuring
import null_registry
import programs
from measuring import MIB

GIB = 1024 * MIB
REPOSITORY = "bench/model"
# (files, bytes of each), and what all of it is divided by in a small run.
SHAPES = {
    "1x4G": (1, 4 * GIB, 16),
    "8x512M": (8, 512 * MIB, 16),
    "8x1G": (8, GIB, 16),
    "2000x64K": (2000, 64 << 10, 10),
    "8x256M": (8, 256 * MIB, 16),
    "1x96M": (1, 96 * MIB, 4),
}
LINK_HOST = "10.77.0.1"
LINK = {"delay_ms": 10, "loss_per_mille": 10, "seed": 7, "rate_mbit": 1000}


class Bench:
    """What the cases share."""

    def __init__(self, work, tools, who, registries, scale, reps, say):
        self.work, self.tools, self.who = work, tools, who
        self.registries, self.scale = registries, scale
        self.reps, self.say = reps, say
        self.runner = measuring.Runner(
            tools / "run", work, 6 * 1024 if scale == "full" else 0)
        self.models, self.rows, self.notes, self.count = {}, [], [], 0
        self.running = []

    def folder(self, name):
        self.count += 1
        path = self.work / f"{name}-{self.count}"
        path.mkdir(parents=True)
        return path

    def model(self, shape):
        if shape not in self.models:
            count, size, divisor = SHAPES[shape]
            if self.scale == "small":
                if count > 8:
                    count //= divisor
                else:
                    size //= divisor
            self.make_room(count * size)
            self.say(f"making {count} files of {size:,} bytes")
            self.models[shape] = measuring.Model(
                self.work / "data" / shape, count, size)
        folder = self.work / "prepared"
        measuring.remove(folder)
        folder.mkdir()
        for one in self.who:
            one.prepare(self.models[shape], folder)
        return self.models[shape]

    def make_room(self, size):
        """One large model at a time: each is on the disk three times."""
        for shape, model in list(self.models.items()):
            if size > GIB and model.bytes > GIB:
                measuring.remove(model.folder)
                del self.models[shape]

    def serve(self, kind, address="127.0.0.1"):
        """A registry on an empty folder, listening on `address`."""
        folder, port = self.folder("registry"), harness.free_port()
        _, command = programs.KINDS[kind]
        words = [address if word == "127.0.0.1" else word
                 for word in command(self.registries[kind], folder, port)]
        config = folder / "config.yml"
        if config.exists():
            config.write_text(config.read_text().replace(
                "127.0.0.1:", f"{address}:"))
        server = programs.Server(kind, words, folder, port)
        self.running.append(server)
        return server

    def stop(self, server):
        self.running.remove(server)
        server.stop()
        measuring.remove(server.folder)

    def close(self):
        """What an interrupted case left running."""
        for server in list(self.running):
            self.stop(server)

    def turn(self, rep):
        """The contestants, another one first each time."""
        n = rep % len(self.who)
        return self.who[n:] + self.who[:n]

    def run(self, case, kind, one, words, model, home, server=None, **kw):
        """One run, timed, into the rows."""
        pid = server.process.pid if server else None
        before, stolen = measuring.cpu_of(pid) if pid else 0, \
            measuring.stolen()
        used = self.runner.run(words, one.env(home), model.folder, **kw)
        used.update(case=case, registry=kind, who=one.name,
                    bytes=model.bytes, stolen_s=measuring.stolen() - stolen)
        if pid:
            used["server_cpu_s"] = measuring.cpu_of(pid) - before
        self.rows.append(used)
        self.say(f"{case:16} {kind:13} {one.name:7} "
                 f"{used['wall_s']:8.3f} s  {used['cpu_s']:7.3f} cpu-s  "
                 f"{used['maxrss_bytes'] / MIB:6.1f} MiB")
        return used

    def fails(self, case, kind, one, error):
        text = f"{case} {kind} {one.name}: {error}"
        self.say(text[:2000])
        self.notes.append(text.splitlines()[0][:300])

    def mreg(self):
        return next(w for w in self.who if w.name == "mreg")


# -- push and pull ---------------------------------------------------------------


def push(bench, shape, kind):
    model, case = bench.model(shape), f"push-{shape}"
    for rep in range(bench.reps):
        for one in bench.turn(rep):
            server, home = bench.serve(kind), bench.folder("home")
            try:
                one.before_push(model, server.host, REPOSITORY, home)
                model.read()
                bench.run(case, kind, one,
                          one.push(model, server.host, REPOSITORY, home),
                          model, home, server, sync=server.folder,
                          touch=model.bytes)
            except RuntimeError as e:
                bench.fails(case, kind, one, e)
            bench.stop(server)
            measuring.remove(home)


def publish(bench, model, server):
    """mreg's version, which all of them pull, and kit's own."""
    for one in bench.who:
        home = bench.folder("home")
        if one.name == "mreg":
            words = one.push(model, server.host, REPOSITORY, home)
        elif one.name == "kit":
            words = one.push(model, server.host, REPOSITORY + "-kit", home)
        else:
            continue
        bench.runner.run(words, one.env(home), model.folder)
        measuring.remove(home)
    os.sync()


def pull(bench, shape, kind):
    model, case = bench.model(shape), f"pull-{shape}"
    server = bench.serve(kind)
    publish(bench, model, server)
    for rep in range(bench.reps):
        for one in bench.turn(rep):
            pull_once(bench, case, kind, one, model, server, rep == 0)
    bench.stop(server)


def pull_once(bench, case, kind, one, model, server, check, host=None, **kw):
    host = host or server.host
    out, home = bench.work / "out", bench.folder("home")
    try:
        one.before_pull(model, host, REPOSITORY, out, home)
        bench.run(case, kind, one,
                  one.pull(model, host, REPOSITORY, out, home),
                  model, home, server, sync=bench.work, touch=model.bytes,
                  **kw)
        if check and one.files(out):
            model.check(one.files(out))
    except (AssertionError, OSError, RuntimeError) as e:
        bench.fails(case, kind, one, e)
    measuring.remove(out)
    measuring.remove(home)


# -- nothing to do ---------------------------------------------------------------


def nothing(bench, kind):
    """The second push and the second pull, with what the first left behind."""
    model = bench.model("8x256M")
    server = bench.serve(kind)
    for one in bench.who:
        if one.name in ("curl", "kit"):
            continue  # they know nothing of a first time
        home, out = bench.folder("home"), bench.folder("again") / "out"
        repository = f"bench/{one.name}"
        words = {"push-again": one.push(model, server.host, repository, home),
                 "pull-again": one.pull(model, server.host, repository, out,
                                        home)}
        # Digests of files that were changed a moment ago are not remembered.
        time.sleep(2.1)
        for case, line in words.items():
            try:
                bench.runner.run(line, one.env(home), model.folder)
                times = 2 * bench.reps if one.name == "mreg" else bench.reps
                for _ in range(times):
                    bench.run(case, kind, one, line, model, home, server)
            except RuntimeError as e:
                bench.fails(case, kind, one, e)
        measuring.remove(home)
        measuring.remove(out.parent)
    requests(bench, kind, bench.mreg(), model, server)
    bench.stop(server)


def requests(bench, kind, one, model, server):
    """How many requests doing nothing takes, and of how many pushing and
    pulling 2,000 files consists."""
    counter = measuring.Counter(server.port)
    host, repository = counter.host, "bench/counted"
    home, out = bench.folder("home"), bench.work / "out"
    env = one.env(home)
    small = bench.model("2000x64K")
    for what, line in (
            ("push", one.push(model, host, repository, home)),
            ("push again", one.push(model, host, repository, home)),
            ("pull", one.pull(model, host, repository, out, home)),
            ("pull again", one.pull(model, host, repository, out, home)),
            (f"push of {small.count} files",
             one.push(small, host, "bench/small", home)),
            (f"pull of {small.count} files",
             one.pull(small, host, "bench/small", out, home))):
        if what == "pull" or what.startswith("pull of"):
            measuring.remove(out)
        counter.take()
        bench.runner.run(line, env, model.folder)
        asked = counter.take()
        note = f"requests of mreg, {kind}, {what}: {len(asked)}"
        if len(asked) <= 3:
            note += " (" + ", ".join(asked) + ")"
        bench.notes.append(note)
        bench.say(note)
    counter.stop()
    measuring.remove(home)
    measuring.remove(out)


# -- the lossy link --------------------------------------------------------------


def lossy(bench, kind):
    """One blob through 20 ms of round trip and 1 % loss: the registry on one
    side, the client in a network name space on the other."""
    case, model = "pull-lossy-1x96M", bench.model("1x96M")
    if os.geteuid() != 0 or not pathlib.Path("/dev/net/tun").exists():
        bench.notes.append(f"{case}: not run: needs root and /dev/net/tun")
        return
    link = subprocess.Popen(
        [str(bench.tools / "link"), *map(str, LINK.values())],
        stdout=subprocess.PIPE, text=True)
    space = link.stdout.readline().strip()
    # Linux's default and not what this machine may have been set to.
    through = ["nsenter", f"--net={space}"]
    for prefix, device, other in (([], "bench0", "10.77.0.2"),
                                  (through, "bench1", LINK_HOST)):
        subprocess.run([*prefix, "ip", "route", "replace", f"{other}/32",
                        "dev", device, "congctl", "cubic"], check=True)
    server = bench.serve(kind, "0.0.0.0")
    host = f"{LINK_HOST}:{server.port}"
    try:
        publish(bench, model, server)
        for rep in range(min(bench.reps, 3)):
            for one in bench.turn(rep):
                if one.name in ("mreg", "oras", "curl"):
                    pull_once(bench, case, kind, one, model, server,
                              rep == 0, host, prefix=through)
    finally:
        bench.stop(server)
        link.terminate()
        link.wait()


# -- starting, and memory --------------------------------------------------------


def start(bench):
    """mreg version beside a program that only loads the same libraries."""
    times = 100
    for one, words in (
            (bench.mreg(), [bench.mreg().path, "version"]),
            (contestants.Contestant(None, ""), [bench.tools / "loaded"])):
        one_name = one.name or "libraries alone"
        home = bench.folder("home")
        for _ in range(bench.reps):
            used = bench.runner.run(words, one.env(home), bench.work,
                                    times=times)
            used.update(case="start", registry="", who=one_name, bytes=0,
                        wall_s=used["wall_s"] / times,
                        cpu_s=used["cpu_s"] / times)
            bench.rows.append(used)
            bench.say(f"start {one_name}: {used['wall_s'] * 1000:.2f} ms")
        measuring.remove(home)


def memory(bench):
    """A sparse file into a registry that throws it away."""
    size = 64 * GIB if bench.scale == "full" else 2 * GIB
    folder, home = bench.folder("sparse"), bench.folder("home")
    with open(folder / "model.bin", "wb") as f:
        f.truncate(size)
    model = type("Sparse", (), {"folder": folder, "bytes": size,
                                "names": ["model.bin"]})
    server, one = null_registry.NullRegistry(), bench.mreg()
    case = f"push-null-{size // GIB}G"
    try:
        used = bench.run(case, "null", one,
                         one.push(model, server.host, REPOSITORY, home),
                         model, home)
        used["discarded"] = server.discarded
    except RuntimeError as e:
        bench.fails(case, "null", one, e)
    server.stop()
    measuring.remove(folder)
    measuring.remove(home)


def names():
    """All cases that --only may choose from."""
    shapes = ("1x4G", "8x512M", "8x1G", "2000x64K")
    return ["start", *(f"{what}-{shape}" for shape in shapes
                       for what in ("push", "pull")),
            "nothing", "lossy", "memory"]


def run(bench, name, kinds):
    if name == "start":
        start(bench)
    elif name == "memory":
        memory(bench)
    elif name == "lossy":
        lossy(bench, kinds[0])
    else:
        for kind in kinds:
            if name == "nothing":
                nothing(bench, kind)
            else:
                what, shape = name.split("-", 1)
                (push if what == "push" else pull)(bench, shape, kind)


def dump(bench, path, head):
    path.write_text(json.dumps({**head, "notes": bench.notes,
                                "rows": bench.rows}, indent=1) + "\n")
