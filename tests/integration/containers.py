"""containers.py - containers under runc, as a kubelet would start them: their
own root read-only, no capabilities, a user, a memory limit, and a PID namespace
that the containers of a pod share."""
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

import pytest

MIB = 1 << 20
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def need_runc():
    """Skips by name where no container can be run."""
    if shutil.which("runc") is None:
        pytest.skip("no runc: ./scripts/deps test installs it")
    if os.geteuid() != 0:
        pytest.skip("only root can run containers here")


def memory_is_limited():
    """Whether runc can limit memory: it needs cgroups that it may write."""
    if pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return "memory" in pathlib.Path(
            "/sys/fs/cgroup/cgroup.controllers").read_text().split()
    return os.access("/sys/fs/cgroup/memory/cgroup.procs", os.W_OK)


def bind(source, target, writable=False):
    return {"destination": target, "type": "bind", "source": str(source),
            "options": ["rbind", "rw" if writable else "ro"]}


# The programs of this machine, for a root that has folders for them.
def host_programs(root):
    mounts = []
    for name in ("usr", "bin", "sbin", "lib", "lib64"):
        path = pathlib.Path("/") / name
        if path.is_symlink():
            (root / name).symlink_to(os.readlink(path))
        elif path.is_dir():
            (root / name).mkdir()
            mounts.append(bind(path, f"/{name}"))
    return mounts


class Container:
    """One container; `folder` is its bundle's, and keeps what it says."""

    ids = []  # of all that ever were

    def __init__(self, folder, root, args, uid=1010, memory=None, pid_of=None,
                 mounts=()):
        folder.mkdir(parents=True)
        self.folder, self.id = folder, f"mreg-{uuid.uuid4().hex[:12]}"
        self.process = None
        Container.ids.append(self.id)
        for place in ("proc", *(m["destination"].strip("/") for m in mounts)):
            (root / place).mkdir(parents=True, exist_ok=True)
        spaces = [{"type": kind} for kind in ("mount", "ipc", "uts", "network")]
        spaces.append({"type": "pid",
                       **({"path": f"/proc/{pid_of}/ns/pid"} if pid_of else {})})
        resources = {}
        if memory and memory_is_limited():
            resources["memory"] = {"limit": memory}
        (folder / "config.json").write_text(json.dumps({
            "ociVersion": "1.0.2",
            "process": {"user": {"uid": uid, "gid": uid}, "args": list(args),
                        "env": [PATH], "cwd": "/", "noNewPrivileges": True,
                        "capabilities": {}},
            "root": {"path": str(root), "readonly": True},
            "hostname": "pod",
            "mounts": [{"destination": "/proc", "type": "proc",
                        "source": "proc"}, *mounts],
            "linux": {"namespaces": spaces, "resources": resources,
                      "cgroupsPath": f"/{self.id}"}}))

    def runc(self, *args):
        return ["runc", "--root", str(self.folder / "state"), *args]

    def start(self):
        with open(self.folder / "stdout", "wb") as out, \
                open(self.folder / "stderr", "wb") as err:
            self.process = subprocess.Popen(
                self.runc("run", "--bundle", str(self.folder), self.id),
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        return self

    def run(self, timeout=60):
        """To its end; (status, stdout, stderr)."""
        self.start()
        return self.wait(timeout), self.said("stdout"), self.said("stderr")

    def wait(self, timeout=60):
        return self.process.wait(timeout)

    def said(self, what):
        return (self.folder / what).read_text()

    def pid(self, timeout=20):
        """Of its first process, seen from outside; waits until it runs."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            assert self.process.poll() is None, \
                f"ended: {self.said('stdout')}{self.said('stderr')}"
            done = subprocess.run(self.runc("state", self.id),
                                  capture_output=True)
            if done.returncode == 0:
                state = json.loads(done.stdout)
                if state["status"] == "running":
                    return state["pid"]
            time.sleep(0.02)
        raise AssertionError(f"not running: {self.said('stderr')}")

    def memory_limit(self):
        """What the kernel holds it to, in bytes."""
        for path in (f"/sys/fs/cgroup/{self.id}/memory.max",
                     f"/sys/fs/cgroup/memory/{self.id}/memory.limit_in_bytes"):
            if os.path.exists(path):
                return int(pathlib.Path(path).read_text())
        raise AssertionError("no limit of memory")

    def kill(self, signal="TERM"):
        subprocess.run(self.runc("kill", self.id, signal), check=True,
                       capture_output=True)

    def assert_links(self, path):
        """It makes the link at `path` and goes on."""
        end = time.monotonic() + 20
        while not path.is_symlink():
            assert time.monotonic() < end and self.process.poll() is None, \
                self.said("stderr")
            time.sleep(0.01)

    def assert_ends_at_once(self):
        """When it is told to, within a second."""
        start = time.monotonic()
        self.kill("TERM")
        assert self.wait(10) == 128 + 15
        assert time.monotonic() - start < 1

    def close(self):
        if self.process is not None and self.process.poll() is None:
            subprocess.run(self.runc("kill", self.id, "KILL"),
                           capture_output=True)
            self.process.wait(20)
        subprocess.run(self.runc("delete", "--force", self.id),
                       capture_output=True)


class Pod:
    """Containers that share a PID namespace, and an emptyDir for each path."""

    def __init__(self, folder, pause_root):
        self.folder, self.containers = folder, []
        # A sleeping process 1, as a kubelet's "pause".
        self.pause = self.container("pause", pause_root,
                                    ["sh", "-c", "sleep infinity"]).start()
        self.pid = self.pause.pid()

    def empty_dir(self, name):
        path = self.folder / "volumes" / name
        path.mkdir(parents=True)
        path.chmod(0o777)
        return path

    def container(self, name, root, args, **options):
        options.setdefault("pid_of", getattr(self, "pid", None))
        container = Container(self.folder / f"{name}-{len(self.containers)}",
                              root, args, **options)
        self.containers.append(container)
        return container

    def serve(self, mounts, command, uid=1010):
        """Runs a command of this machine in a container with another root:
        (status, stdout, stderr)."""
        root = self.folder / f"server-root-{len(self.containers)}"
        root.mkdir()
        return self.container(
            "server", root, ["/bin/sh", "-c", command], uid=uid,
            mounts=[*host_programs(root), *mounts]).run()

    def close(self):
        for container in reversed(self.containers):
            container.close()
