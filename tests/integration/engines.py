"""engines.py - podman, buildah, containerd, docker and runc of Debian, each with
its files in memory and in namespaces that end with the test: no mount and no
process of theirs outlives it, whatever happens."""
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import tempfile
import time

import pytest

# Of the file system in memory that engines have their files in.
ROOM = "3g"
# runc and mount are in sbin; not what others put into /usr/local.
PATH = os.environ.get("MREG_ENGINES_PATH") or "/usr/sbin:/usr/bin:/sbin:/bin"
# Nobody's signatures are asked for, no registry is searched for short names.
POLICY = {"default": [{"type": "insecureAcceptAnything"}]}
STARTS_S = 20
CGROUPS = pathlib.Path("/sys/fs/cgroup")


def missing(*names):
    """Skips the test where a program is missing."""
    for name in names:
        if not shutil.which(name, path=PATH):
            pytest.skip(f"no {name} here: scripts/deps test installs it")


class Room:
    """A mount and a process namespace with an empty file system in memory at
    `folder`, which is gone with close() and with this process."""

    def __init__(self, folder):
        missing("unshare", "nsenter", "setpriv")
        if os.geteuid() != 0:
            pytest.skip("engines need root: they mount")
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        # /run: what engines keep there whatever they are told.  The loop is the
        # first process, which buries the others: they wait for each other.
        script = (f"mount -t tmpfs -o size={ROOM},mode=755 mreg-test "
                  f"{shlex.quote(str(self.folder))} && "
                  "mount -t tmpfs -o mode=755 mreg-test /run && "
                  "echo ready && while sleep 3600; do :; done")
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid",
             "--fork", "--kill-child", "--mount-proc", "--propagation",
             "private", "sh", "-c", script], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": PATH})
        if self.holder.stdout.readline() != "ready\n":
            self.holder.kill()
            pytest.skip("no namespace with a file system of its own here: " +
                        self.holder.communicate()[1].strip())
        pid = self.holder.pid
        self.init = int(pathlib.Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        self.started = []
        self.cgroup = f"mreg-test-{pid}"

    def close(self):
        self.holder.kill()
        self.holder.communicate()
        for process in self.started:
            process.wait()
        for top in CGROUPS.glob(f"*/{self.cgroup}"), \
                CGROUPS.glob(self.cgroup):
            for folder in top:
                for base, _, _ in os.walk(folder, topdown=False):
                    os.rmdir(base)

    def outside(self, path):
        """Where to find from here what is `path` in there."""
        return pathlib.Path(f"/proc/{self.init}/root") / \
            str(path).lstrip("/")

    def inside(self, path):
        """The other way round."""
        return "/" + str(path.relative_to(f"/proc/{self.init}/root"))

    def words(self, *args):
        return ["nsenter", f"--target={self.init}", "--mount", "--pid",
                "--", *map(str, args)]

    def env(self, more=None):
        return {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": str(self.folder),
                "TMPDIR": str(self.folder), **(more or {})}

    def run(self, *args, status=0, env=None, timeout=120):
        """What it wrote to stdout; `status` None: (status, both)."""
        done = subprocess.run(
            self.words(*args), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, env=self.env(env), umask=0o022, timeout=timeout)
        if status is None:
            return done.returncode, done.stdout + done.stderr
        assert done.returncode == status, \
            f"{shlex.join(map(str, args))}\nexit status {done.returncode}\n" \
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def start(self, log, *args, env=None):
        with open(log, "wb") as out:
            process = subprocess.Popen(
                self.words(*args), stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env=self.env(env), umask=0o022)
        self.started.append(process)
        return process

    def wait_for(self, path, process, log):
        """Until a server made its socket."""
        for _ in range(STARTS_S * 20):
            if self.outside(path).exists():
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        pytest.fail(f"does not start: {pathlib.Path(log).read_text()[-2000:]}")

    def make(self, name):
        """A new folder in there."""
        return tempfile.mkdtemp(dir=self.outside(self.folder), prefix=name) \
            .removeprefix(f"/proc/{self.init}/root")

    def overlay(self):
        """Whether overlayfs can be had in there."""
        base = self.make("probe")
        for name in "lower", "upper", "work", "both":
            (self.outside(base) / name).mkdir()
        status, _ = self.run(
            "mount", "-t", "overlay", "mreg-test", "-o",
            f"lowerdir={base}/lower,upperdir={base}/upper,"
            f"workdir={base}/work", f"{base}/both", status=None)
        if status == 0:
            self.run("umount", f"{base}/both")
        return status == 0


def files_below(folder):
    """{path: (SHA-256, executable)} of what an engine put there; modes and
    owners are as the image says."""
    found = {}
    for base, folders, names in os.walk(folder):
        for name in folders:
            seen = os.lstat(os.path.join(base, name))
            assert stat.S_IMODE(seen.st_mode) == 0o755, (base, name)
        for name in names:
            path = os.path.join(base, name)
            seen = os.lstat(path)
            assert stat.S_ISREG(seen.st_mode), path
            mode = stat.S_IMODE(seen.st_mode)
            assert mode in (0o644, 0o755), f"{path}: {mode:o}"
            assert (seen.st_uid, seen.st_gid) == (0, 0), path
            with open(path, "rb") as f:
                digest = hashlib.file_digest(f, "sha256").hexdigest()
            found[os.path.relpath(path, folder)] = (digest, mode == 0o755)
    return found


# -- containers/storage: podman and buildah -------------------------------------


class Storage:
    """Settings of podman and buildah that touch nothing of the machine's."""

    def __init__(self, room):
        self.room, folder = room, room.make("storage")
        at = self.at = room.outside(folder)
        driver = "overlay" if room.overlay() else "vfs"
        (at / "storage.conf").write_text(
            f'[storage]\ndriver = "{driver}"\n'
            f'graphroot = "{folder}/root"\nrunroot = "{folder}/run"\n')
        (at / "containers.conf").write_text(
            '[engine]\ncgroup_manager = "cgroupfs"\n'
            'events_logger = "none"\nruntime = "runc"\n'
            f'tmp_dir = "{folder}/tmp"\n'
            f'image_copy_tmp_dir = "{folder}"\n')
        (at / "registries.conf").write_text(
            "unqualified-search-registries = []\n")
        (at / "policy.json").write_text(json.dumps(POLICY))
        self.folder, self.driver = folder, driver
        self.env = {
            "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
            "CONTAINERS_CONF": f"{folder}/containers.conf",
            "CONTAINERS_REGISTRIES_CONF": f"{folder}/registries.conf",
            "REGISTRY_AUTH_FILE": f"{folder}/auth.json",
        }
        (at / "auth.json").write_text("{}")

    def run(self, program, *args, **kwargs):
        return self.room.run(program, *args, env=self.env, **kwargs)

    def podman(self, *args, **kwargs):
        return self.run("podman", *args, **kwargs)

    def pull(self, reference, *options):
        """The ID of what podman pulled."""
        out = self.podman("pull", "--quiet", "--tls-verify=false",
                          f"--signature-policy={self.folder}/policy.json",
                          *options, reference)
        return out.split()[-1]

    def mount(self, image):
        """The folder, seen from here, where podman mounted an image."""
        return self.room.outside(self.podman("image", "mount", image).strip())

    def build(self, context, *options):
        """The ID of what buildah made of `context`, which is a folder of
        this machine."""
        self.run(
            "buildah", "bud", "--isolation=chroot", "--tls-verify=false",
            f"--signature-policy={self.folder}/policy.json",
            f"--iidfile={self.folder}/built", *options, context)
        return (self.at / "built").read_text().strip()


# -- containerd ------------------------------------------------------------------


class Containerd:
    """containerd with root, state and socket of its own."""

    def __init__(self, room):
        missing("containerd", "ctr")
        self.room, self.folder = room, room.make("containerd")
        at = room.outside(self.folder)
        self.snapshotter = "overlayfs" if room.overlay() else "native"
        (at / "config.toml").write_text(
            f'version = 2\nroot = "{self.folder}/root"\n'
            f'state = "{self.folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", '
            '"io.containerd.internal.v1.opt"]\n'
            f'[grpc]\naddress = "{self.folder}/socket"\n')
        self.process = room.start(
            at / "log", "containerd", "--config",
            f"{self.folder}/config.toml")
        room.wait_for(f"{self.folder}/socket", self.process, at / "log")

    def ctr(self, *args, **kwargs):
        return self.room.run("ctr", "--address", f"{self.folder}/socket",
                             "--namespace", "mreg-test", *args, **kwargs)

    def pull(self, reference, *platforms, **kwargs):
        options = [f"--platform={p}" for p in platforms]
        return self.ctr("images", "pull", "--plain-http", "--snapshotter",
                        self.snapshotter, *options, reference, **kwargs)

    def mount(self, reference, platform):
        """The folder, seen from here, where it mounted an image read only."""
        target = self.room.make("mount")
        self.ctr("images", "mount", "--snapshotter", self.snapshotter,
                 f"--platform={platform}", reference, target)
        return self.room.outside(target)


# -- docker ------------------------------------------------------------------------


class Docker:
    """dockerd that speaks by a socket of its own, without a network."""

    def __init__(self, room):
        missing("dockerd", "docker", "containerd")
        self.room, self.folder = room, room.make("docker")
        at = room.outside(self.folder)
        driver = "overlay2" if room.overlay() else "vfs"
        (at / "daemon.json").write_text("{}")
        self.process = room.start(
            at / "log", "dockerd", "--data-root", f"{self.folder}/root",
            "--exec-root", f"{self.folder}/exec", "--pidfile",
            f"{self.folder}/pid", "--host", f"unix://{self.folder}/socket",
            "--bridge=none", "--iptables=false", "--ip6tables=false",
            "--ip-forward=false", f"--storage-driver={driver}",
            "--config-file", f"{self.folder}/daemon.json")
        room.wait_for(f"{self.folder}/socket", self.process, at / "log")

    def run(self, *args, **kwargs):
        return self.room.run("docker", "--config", self.folder, "--host",
                             f"unix://{self.folder}/socket", *args, **kwargs)


# -- root file systems ---------------------------------------------------------------


def libraries(program):
    """The shared libraries of a program, with its loader."""
    out = subprocess.run(["ldd", str(program)], capture_output=True, text=True,
                         check=True).stdout
    return sorted({word for line in out.splitlines()
                   for word in line.split() if word.startswith("/")})


def with_program(folder, program):
    """What a container needs to run mreg: it, its libraries, and a shell."""
    for path in libraries(program):
        target = folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    busybox = shutil.which("busybox", path=PATH)
    for source, target in (program, "usr/local/bin/mreg"), \
            (busybox, "bin/busybox"):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder / target)
        (folder / target).chmod(0o755)
    (folder / "bin/sh").symlink_to("busybox")
    for name in "etc", "tmp", "root":
        (folder / name).mkdir(exist_ok=True)
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    return folder


def program_image(room, program):
    """(path seen from here) of a base image's root file system in there."""
    missing("busybox")
    return with_program(room.outside(room.make("base")), program)


def same_files(folder, expected):
    """An engine's folder has exactly these: as harness.tree() gives them."""
    found = files_below(folder)
    assert found.keys() == expected.keys()
    assert found == expected
