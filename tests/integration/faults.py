"""faults.py - running mreg so that its N-th call that changes something kills
it, is torn or fails (fault_preload.c)."""
import os
import pathlib
import shlex
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = ("write", "send", "sync", "name", "open", "size")
# Whole sweeps; else samples.
FULL = any(os.environ.get(name, "") not in ("", "0")
           for name in ("MREG_CAMPAIGN", "MREG_TEST_FULL"))


def build(folder):
    """The preloaded object."""
    path = pathlib.Path(folder) / "fault_preload.so"
    if not path.exists():
        cc = shlex.split(os.environ.get("CC", "gcc"))
        subprocess.run([*cc, "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared",
                        "-fPIC", "-o", str(path),
                        str(HERE / "fault_preload.c"), "-ldl"], check=True)
    return path


class Faults:
    """Environments that make mreg fail, and how often they did."""

    def __init__(self, folder):
        self.preload = build(folder)
        self.count_file = pathlib.Path(folder) / f"count-{os.getpid()}"

    def env(self, classes, at, what="kill"):
        """`at` 0: only count.  `what`: kill, torn, or an error's number."""
        self.count_file.write_bytes(bytes(8))
        return {
            "LD_PRELOAD": str(self.preload),
            "FAULT_ON": " ".join(classes), "FAULT_AT": str(at),
            "FAULT_DO": str(what), "FAULT_COUNT": str(self.count_file),
            # The linker's order does not matter: we replace no allocator.
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        }

    @property
    def count(self):
        """Calls that counted in the last run."""
        return struct.unpack("q", self.count_file.read_bytes())[0]


def points(total, samples):
    """Which of 1..total: all in the campaign, else some, spread evenly."""
    if FULL or total <= samples:
        return list(range(1, total + 1))
    return sorted({1 + i * (total - 1) // (samples - 1)
                   for i in range(samples)})
