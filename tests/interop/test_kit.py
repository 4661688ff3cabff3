"""test_kit.py - KitOps' kit and Docker's `docker model` get what mreg pushed,
and mreg gets what they push: where they are on PATH, which neither Debian nor
the Go module proxy puts there."""
import subprocess

import pytest

import programs
from harness import small_model, tree, write

KITFILE = """manifestVersion: 1.0.0
package: {name: small}
model: {name: small, path: model.bin}
docs: [{path: README.md}]
"""


@pytest.fixture
def name(serving, box):
    return f"{serving('distribution').host}/kit/{box.name.encode().hex()}"


@pytest.fixture
def kit(find, box):
    return programs.Program(find("kit"), box / "kit")


@pytest.fixture
def docker(find, box):
    """With its plugin, and a runner that answers."""
    docker = programs.Program(find("docker"), box / "docker")
    done = subprocess.run([docker.path, "model", "status"],
                          capture_output=True, text=True, env=docker.env)
    if done.returncode != 0:
        pytest.skip("no docker model: docker has no such command here, or no "
                    "runner")
    return docker


def without_bit(folder):
    return {path: sha for path, (sha, _) in tree(folder).items()}


def test_kit_unpacks_what_mreg_pushed(kit, mreg, name, box):
    model = small_model(box / "model", "to kit")
    mreg.run("push", model, name)
    kit.run("pull", "--plain-http", f"{name}:v1")
    kit.run("unpack", f"{name}:v1", "-d", box / "out")
    expected = without_bit(model)
    assert {p: s for p, s in without_bit(box / "out").items()
            if p in expected} == expected


@pytest.mark.parametrize("layers", [[], ["--use-model-pack"]])
def test_mreg_pulls_what_kit_packed(kit, mreg, name, layers, box):
    model = small_model(box / "model", "of kit")
    (model / "config.json").unlink()
    write(model / "Kitfile", KITFILE)
    kit.run("pack", *layers, "-t", f"{name}:mine", model)
    kit.run("push", "--plain-http", f"{name}:mine")
    mreg.run("pull", f"{name}:mine", "-o", box / "out")
    expected = without_bit(model)
    assert {p: s for p, s in without_bit(box / "out").items()
            if p != "Kitfile"} == \
        {p: s for p, s in expected.items() if p != "Kitfile"}


def test_mreg_pulls_what_docker_packaged(docker, mreg, name, box):
    model = write(box / "model/model.gguf",
                  b"GGUF\3\0\0\0" + bytes(16) + b"\0" * 64)
    docker.run("model", "package", "--gguf", model, "--push", f"{name}:mine")
    mreg.run("pull", f"{name}:mine", "-o", box / "out")
    got = {p.name for p in (box / "out").rglob("*.gguf")}
    assert got
    assert {sha for p, (sha, _) in tree(box / "out").items()
            if p.endswith(".gguf")} == {tree(box / "model")["model.gguf"][0]}


def test_docker_pulls_what_mreg_pushed(docker, mreg, name, box):
    write(box / "model/model.gguf",
          b"GGUF\3\0\0\0" + bytes(16) + b"\0" * 64)
    mreg.run("push", box / "model", name)
    docker.run("model", "pull", f"{name}:v1")
    assert name.split("/")[-1] in docker.run("model", "list")
