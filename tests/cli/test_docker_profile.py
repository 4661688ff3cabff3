"""test_docker_profile.py - mreg image --profile docker, and the samples of both
profiles byte for byte."""
import pytest

import harness
from images import ROOT, SPEC, Store, strict, tree




@pytest.fixture
def toy(mreg, store):
    """The model of spec/samples."""
    golden = ROOT / "tests/golden/toy"
    mreg.json("push", golden / "files", "toy", "-f", golden / "metadata.json")
    return Store(store / "toy")


def test_the_samples_are_what_is_made(mreg, toy):
    """Byte for byte: what was published once stays what it is."""
    def sample(name):
        return (SPEC / f"samples/{name}.json").read_bytes()

    image = mreg.json("image", "toy")
    assert toy.blob(image["digest"]) == sample("image-index")
    first = toy.document(image["digest"])["manifests"][0]["digest"]
    assert toy.blob(first) == sample("image-manifest")
    config = toy.document(first)["config"]["digest"]
    assert toy.blob(config) == sample("image-config")
    docker = mreg.json("image", "toy", "--profile", "docker")
    assert toy.blob(docker["digest"]) == sample("docker-manifest")
    config = toy.document(docker["digest"])["config"]["digest"]
    assert toy.blob(config) == sample("docker-config")


def test_the_published_digest_of_docker_s_manifest_stays(mreg, toy):
    made = strict(mreg.json("image", "toy", "--profile", "docker"))
    assert made["digest"] == ("sha256:8fa5c8d53593991626592f320c42df82"
                              "948a684724e861d84723edf46808813f")
    assert made["tag"] == "v1-docker" and made["platforms"] == []
    assert made["bytesSent"] == 0 and made["names"] == ["latest-docker"]
    assert mreg.json("image", "toy", "--profile", "docker")["identical"]


def test_docker_s_format_names_the_version_s_blobs(mreg, toy, tmp_path):
    version = toy.document(mreg.json("resolve", "toy")["digest"])
    made = mreg.json("image", "toy", "--profile", "docker")
    manifest = toy.document(made["digest"])
    assert [layer["digest"] for layer in manifest["layers"]] == \
        [layer["digest"] for layer in version["layers"]]
    mreg.json("pull", "toy:v1-docker", "-o", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(ROOT / "tests/golden/toy/files")


def test_docker_s_format_tells_files_apart(mreg, tmp_path, store):
    root = tmp_path / "gguf"
    (root / "templates").mkdir(parents=True)
    for name in ("model.gguf", "mmproj-model.gguf", "LICENSE", "README.md",
                 "templates/chat.jinja"):
        (root / name).write_bytes(b"GGUF" + name.encode())
    pushed = mreg.json("push", root, "chat", "--also", "docker")
    made, = pushed["also"]
    manifest = Store(store / "chat").document(made["digest"])
    kinds = {layer["annotations"]["org.cncf.model.filepath"]:
             layer["mediaType"].removeprefix("application/vnd.docker.ai.")
             for layer in manifest["layers"]}
    assert kinds == {"model.gguf": "gguf.v3", "mmproj-model.gguf": "mmproj",
                     "LICENSE": "license", "README.md": "model.file",
                     "templates/chat.jinja": "chat.template.jinja"}
    config = Store(store / "chat").document(manifest["config"]["digest"])
    assert config["config"]["format"] == "gguf"
    assert config["rootfs"]["diff_ids"] == [layer["digest"]
                                            for layer in manifest["layers"]]


@pytest.mark.parametrize("names, told", [
    (["model.onnx"], "model.onnx"), (["README.md"], "there are none"),
    (["a.gguf", "b.safetensors"], "both GGUF and safetensors"),
    (["a.safetensors", "pytorch_model.bin"], "pytorch_model.bin")])
def test_docker_s_format_holds_two_kinds_of_weights(mreg, tmp_path, names,
                                                     told):
    for name in names:
        harness.write(tmp_path / "m" / name, b"weights of " + name.encode())
    mreg.json("push", tmp_path / "m", "m")
    why = mreg.fails(9, "image", "m", "--profile", "docker")
    assert told in why["message"] and why["hint"]


def test_docker_s_format_has_no_platforms(mreg, toy):
    for words in (["--platform", "linux/amd64"], ["--no-shell"],
                  ["--user", "1"]):
        mreg.fails(2, "image", "toy", "--profile", "docker", *words)
