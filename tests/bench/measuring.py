"""measuring.py - data of known digests, programs timed, servers watched: what
every case of the benchmark needs."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import threading

MIB = 1 << 20
CLOCK = os.sysconf("SC_CLK_TCK")


# -- data ------------------------------------------------------------------------


class Model:
    """A folder of `count` files of `size` bytes each: noise, since weights do
    not compress either, every file another digest."""

    def __init__(self, folder, count, size):
        self.folder, self.count, self.size = folder, count, size
        self.bytes = count * size
        self.sha256 = {}
        folder.mkdir(parents=True)
        noise = random.Random(count * size).randbytes(min(size, 16 * MIB))
        for i in range(count):
            name = f"model-{i + 1:05}-of-{count:05}.safetensors" \
                if size >= MIB else f"part-{i + 1:05}.bin"
            self.sha256[name] = write_file(folder / name, size, noise,
                                           i.to_bytes(8, "big"))

    @property
    def names(self):
        return sorted(self.sha256)

    def digest(self, name):
        return "sha256:" + self.sha256[name]

    def read(self):
        """Into the page cache again."""
        for name in self.names:
            with open(self.folder / name, "rb", buffering=0) as f:
                while f.read(MIB):
                    pass

    def check(self, folder):
        """The same bytes in `folder`, by an independent hash."""
        for name in self.names:
            with open(folder / name, "rb", buffering=0) as f:
                h = hashlib.sha256()
                while block := f.read(MIB):
                    h.update(block)
            assert h.hexdigest() == self.sha256[name], f"{name} is wrong"


def header(size):
    """What a safetensors file of one tensor begins with."""
    text = b""
    if size >= MIB:
        data = size - 256
        text = json.dumps({"w": {"dtype": "BF16", "shape": [data // 2],
                                 "data_offsets": [0, data]}}).encode()
        text = (248).to_bytes(8, "little") + text.ljust(248)
    return text


def write_file(path, size, noise, stamp):
    h = hashlib.sha256()
    with open(path, "wb", buffering=0) as f:
        block, left = header(size), size
        while left:
            if not block:
                # Every block differs, or a registry could do it once.
                block = stamp + left.to_bytes(8, "big") + noise[16:]
            block = block[:left]
            h.update(block)
            f.write(block)
            left -= len(block)
            block = b""
    return h.hexdigest()


# -- programs --------------------------------------------------------------------


class Runner:
    """Runs programs through the small C program that counts what they use."""

    def __init__(self, program, work, touch_mib):
        self.program, self.work, self.touch_mib = program, work, touch_mib

    def run(self, words, env, cwd, sync=None, times=1, prefix=(),
            touch=0):
        out, log = self.work / "used.json", self.work / "log"
        log.unlink(missing_ok=True)
        flags = ["-n", times, "-l", log]
        if sync:
            flags += ["-s", sync]
        if touch and self.touch_mib:
            flags += ["-t", min(self.touch_mib, 512 + 2 * touch // MIB)]
        subprocess.run([*map(str, prefix), str(self.program),
                        *map(str, flags), str(out), *map(str, words)],
                       cwd=cwd, env=env, check=True, stdin=subprocess.DEVNULL)
        used = json.loads(out.read_text())
        if used["status"] != 0:
            raise RuntimeError(
                f"{' '.join(map(str, words))[:300]}: exit status "
                f"{used['status']}\n" +
                log.read_text(errors="replace")[-2000:])
        used["cpu_s"] = used["user_s"] + used["system_s"]
        return used


def cpu_of(pid):
    """CPU seconds of a process that runs."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1]
    fields = fields.split()
    return (int(fields[11]) + int(fields[12])) / CLOCK


def stolen():
    """CPU seconds that the host took from this machine."""
    cpu = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(cpu[8]) / CLOCK


class Counter:
    """Relays to a registry and counts the requests that pass."""

    def __init__(self, port):
        self.target, self.requests, self.lines = port, 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.host = f"localhost:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for a, b, count in ((client, server, True),
                                (server, client, False)):
                threading.Thread(target=self.relay, args=(a, b, count),
                                 daemon=True).start()

    def relay(self, source, target, count):
        try:
            while data := source.recv(65536):
                if count:
                    self.lines += re.findall(
                        rb"(?:^|\n)((?:GET|HEAD|PUT|POST|PATCH|DELETE) /v2/"
                        rb"[^ ]*) HTTP/1", data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def take(self):
        """What was asked since the last call."""
        lines, self.lines = self.lines, []
        return [line.decode() for line in lines]

    def stop(self):
        self.listener.close()


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


def host():
    """What this machine is, for the head of the table."""
    cpu = re.search(r"model name\s*: (.*)",
                    pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)",
                       pathlib.Path("/proc/meminfo").read_text())
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return {
        "cpu": f"{os.cpu_count()} x {cpu.group(1) if cpu else 'unknown'}",
        "sha_ni": " sha_ni" in flags,
        "memory_gib": round(int(memory.group(1)) / MIB, 1),
        "kernel": " ".join(os.uname()[i] for i in (0, 2, 4)),
    }
