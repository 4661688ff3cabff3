"""test_modelcar.py - an image that `mreg image` made serves as KServe's modelcar:
taken from a registry, unpacked as a runtime does, and run under runc as user
1010, with the scripts of KServe's newest release."""
import json
import os
import platform
import subprocess

import pytest

import harness
import kserve_scripts
from containers import MIB, Pod, bind, need_runc

INDEX = "application/vnd.oci.image.index.v1+json"
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
NEWEST = list(kserve_scripts.KSERVE)[-1]
UID, MEMORY = 1010, 15 * MIB
REPOSITORY = "team/churn"


@pytest.fixture(scope="module", autouse=True)
def runs_here():
    need_runc()
    if HERE is None:
        pytest.skip(f"no stand-in for {platform.machine()}")


@pytest.fixture(scope="module")
def model(work):
    """Files of which some share a layer and some have their own; what a
    publisher's umask does to them must not matter."""
    folder = harness.small_model(work / "modelcar-model", 8)
    harness.write(folder / "weights/part-1.bin", os.urandom(2 * MIB + 13))
    harness.write(folder / "weights/part-2.bin", os.urandom(MIB))
    harness.write(folder / "tokenizer/it's $HOME \u00e4.txt", b"x" * 300)
    harness.write(folder / "run.sh", b"#!/bin/sh\n", executable=True)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    return folder


@pytest.fixture(scope="module")
def registry(work, binary, model):
    """Holds the model, and its image."""
    registry = harness.Registry(work / "modelcar-registry")
    user = harness.Mreg(binary, work / "modelcar-home")
    user.json("push", model, f"{registry.host}/{REPOSITORY}")
    user.json("image", f"{registry.host}/{REPOSITORY}:v1")
    yield registry
    registry.stop()


def blob(registry, digest):
    status, data = registry.get(f"/v2/{REPOSITORY}/blobs/{digest}")
    assert status == 200
    return data


class Image:
    """One platform's image, unpacked."""

    def __init__(self, registry, architecture, folder):
        status, index = registry.get(f"/v2/{REPOSITORY}/manifests/v1-image",
                                     INDEX)
        assert status == 200
        digest, = [m["digest"] for m in json.loads(index)["manifests"]
                   if m["platform"] == {"os": "linux",
                                        "architecture": architecture}]
        self.reference = f"{registry.host}/{REPOSITORY}@{digest}"
        self.manifest = registry.manifest(REPOSITORY, digest)
        self.config = json.loads(
            blob(registry, self.manifest["config"]["digest"]))
        self.root = folder
        folder.mkdir()
        for layer in self.manifest["layers"]:
            subprocess.run(["tar", "-x", "-p", "--numeric-owner", "-C",
                            str(folder)], check=True,
                           input=blob(registry, layer["digest"]))

    def words(self, *args):
        """What is run when a pod says args, and no command."""
        return [*self.config["config"].get("Entrypoint", []), *args]

    def script(self, script):
        return self.words("sh", "-c", script)


@pytest.fixture
def image(registry, box):
    return Image(registry, HERE, box / "image")


@pytest.fixture
def pod(box, image):
    pod = Pod(box / "pod", image.root)
    yield pod
    pod.close()


def start_sidecar(pod, image, path, mnt):
    car = pod.container(
        "modelcar", image.root,
        image.script(kserve_scripts.sidecar(NEWEST, path)), memory=MEMORY, mounts=[bind(mnt, "/mnt", True)]).start()
    car.assert_links(mnt / path[len("/mnt/"):])
    return car


# The init container keeps the image's own user.
@pytest.mark.parametrize("uid", [0, UID])
def test_the_init_container_finds_the_model(uid, pod, image):
    init = pod.container(
        "init", image.root,
        image.script(kserve_scripts.prefetch(NEWEST, image.reference)),
        uid=uid, memory=MEMORY)
    assert init.run() == (
        0, f"Pre-fetching modelcar {image.reference}: \n"
        "OK ... Prefetched and valid (/models exists)\n", "")


@pytest.mark.parametrize("path", ["/mnt/models", "/mnt/models/team/it's"])
def test_the_server_reads_what_was_pushed(path, pod, image, model):
    mnt = pod.empty_dir("mnt")
    car = start_sidecar(pod, image, path, mnt)
    status, out, err = pod.serve(
        [bind(mnt, "/mnt")], f"cd {kserve_scripts.quoted(path)}/ && "
        "find . -type f -exec sha256sum --zero {} + && echo && "
        "find . -type f -printf '%m %P\\0'")
    assert (status, err) == (0, "")
    read, modes = out.split("\n")
    modes = dict(reversed(line.split(" ", 1)) for line in modes.split("\0")[:-1])
    assert set(modes.values()) <= {"644", "755"}
    assert {name[2:]: (digest, modes[name[2:]] == "755") for digest, name in
            (line.split("  ", 1) for line in read.split("\0")[:-1])} == \
        harness.tree(model)
    car.assert_ends_at_once()


def test_another_user_cannot_read_it(pod, image):
    """Why KServe runs the sidecar and the server as the same user."""
    mnt = pod.empty_dir("mnt")
    start_sidecar(pod, image, "/mnt/models", mnt)
    status, out, err = pod.serve([bind(mnt, "/mnt")], "ls /mnt/models/",
                                 uid=UID + 1)
    assert (status, out) == (2, "") and "Permission denied" in err


def test_both_platforms_share_the_model_s_layers(registry, image, box):
    other = Image(registry, {"amd64": "arm64", "arm64": "amd64"}[HERE],
                  box / "other")
    assert other.manifest["layers"][1:] == image.manifest["layers"][1:]
    assert other.manifest["layers"][0] != image.manifest["layers"][0]
    assert harness.tree(other.root / "models") == \
        harness.tree(image.root / "models")


def test_the_shell_is_the_committed_one_and_nothing_stands_in_front_of_it(
        registry, box):
    for architecture in ("amd64", "arm64"):
        one = Image(registry, architecture, box / architecture)
        assert (one.root / "bin/sh").read_bytes() == \
            (harness.ROOT / f"src/profile/shell/sh.{architecture}").read_bytes()
        assert (one.root / "bin/sh").stat().st_mode & 0o7777 == 0o755
        config = one.config["config"]
        assert not config.get("Entrypoint") and not config.get("User")
        assert config["Cmd"] == ["sh"]
        assert one.config["architecture"] == architecture
