"""test_minilm.py - what real models say about themselves: all-MiniLM-L6-v2 and
Silero's, pushed with nothing but a name."""
import json
import re
import shutil
import struct

import pytest


def header(path):
    """A safetensors file's, read independently."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(size))


def count(tensors):
    total = 0
    for name, tensor in tensors.items():
        if name == "__metadata__":
            continue
        n = 1
        for dim in tensor["shape"]:
            n *= dim
        total += n
    return total


def front_matter_list(text, key):
    """A block list of the front matter, read independently."""
    block = re.search(rf"^{key}:\n((?:- .*\n)+)", text.split("---")[1], re.M)
    return [line[2:].strip() for line in block.group(1).splitlines()]


@pytest.fixture
def minilm(models):
    return models("minilm")


def test_minilm_tells_what_it_is(at_plain, plain, minilm):
    result = at_plain.json("push", minilm, "facts/minilm")
    manifest = plain.manifest("facts/minilm", "v1")
    notes = manifest["annotations"]
    _, config = plain.get("/v2/facts/minilm/blobs/" +
                          manifest["config"]["digest"])
    config = json.loads(config)["config"]
    tensors = header(minilm / "model.safetensors")
    parameters = count(tensors)

    assert notes["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert notes["org.mreg.parameters"] == str(parameters)
    assert config["architecture"] == "bert"
    assert config["paramSize"] == "22.7m"
    assert config["precision"] == "float32"
    assert config["format"] == "safetensors"

    card = (minilm / "README.md").read_text()
    named = front_matter_list(card, "datasets")
    inputs = json.loads(notes["org.mreg.inputs"])
    assert [i["name"] for i in inputs] == named and len(named) > 10
    assert {i["role"] for i in inputs} == {"train"}
    assert "sentence" in notes["org.opencontainers.image.description"]
    assert notes["org.mreg.tag.pipeline"] == "sentence-similarity"
    assert [f["role"] for f in result["files"] if f["path"] == "README.md"] \
        == ["doc"]


def test_the_count_is_that_of_the_safetensors_package(at_plain, plain, minilm):
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(minilm / "model.safetensors", "np") as f:
        total = 0
        for key in f.keys():
            n = 1
            for dim in f.get_slice(key).get_shape():
                n *= dim
            total += n
    at_plain.run("push", minilm, "facts/package")
    notes = plain.manifest("facts/package", "v1")["annotations"]
    assert notes["org.mreg.parameters"] == str(total)


def test_silero_is_read_and_its_program_is_told(at_plain, plain, models):
    folder = models("silero")
    result = at_plain.run("push", folder, "facts/silero")
    jit, = (line for line in result.stderr.splitlines()
            if line.startswith("warning") and ".jit'" in line)
    assert "TorchScript runs code of its own; it imports" in jit
    assert "__torch__.torch.nn.modules" in jit
    # Nothing else in it is strange.
    assert "cannot be read" not in result.stderr
    assert plain.manifest("facts/silero", "v1")["annotations"][
        "org.mreg.parameters"].isdigit()


def test_silero_onnx_has_its_inputs_and_outputs(at_plain, plain, models):
    onnx, = models("silero").glob("silero_vad.onnx")
    at_plain.run("push", onnx, "facts/onnx")
    manifest = plain.manifest("facts/onnx", "v1")
    signature = json.loads(manifest["annotations"]["org.mreg.signature"])
    inputs = {i["name"]: i["tensor-spec"] for i in signature["inputs"]}
    assert set(inputs) == {"input", "state", "sr"}
    assert inputs["input"]["dtype"] == "float32"
    assert inputs["sr"]["dtype"] == "int64"
    assert [o["name"] for o in signature["outputs"]] == ["output", "stateN"]


def test_documents_are_found_through_a_registry(at_plain, plain, minilm, box):
    """distribution 2.8 has no referrers API: the fallback tag is kept."""
    version = at_plain.json("push", minilm / "config.json", "facts/att")
    (box / "card.md").write_text("# Card\n")
    made = at_plain.json("attach", "facts/att", box / "card.md", "--type",
                         "model-card")
    assert made["tag"] == "mreg.att." + made["digest"][7:39]
    tags = plain.tags("facts/att")
    assert made["tag"] in tags
    assert "sha256-" + version["digest"][7:] in tags
    again = at_plain.json("attach", "facts/att", box / "card.md", "--type",
                          "model-card")
    assert again["existed"] and plain.tags("facts/att") == tags
    # A run that was killed before it listed what it had written.
    shutil.rmtree(plain.folder / "data/docker/registry/v2/repositories/facts/"
                  f"att/_manifests/tags/sha256-{version['digest'][7:]}")
    assert at_plain.json("inspect", "facts/att")["attached"] == []
    at_plain.run("attach", "facts/att", box / "card.md", "--type",
                 "model-card")
    assert plain.tags("facts/att") == tags
    done = at_plain.json("evaluate", "facts/att:v1", "--suite", "s", "--pass")
    attached = at_plain.json("inspect", "facts/att")["attached"]
    assert {a["digest"] for a in attached} == {made["digest"], done["digest"]}
    # Through a copy too, from the registry to a folder.
    at_plain.run("copy", "facts/att", f"oci:{box}/store//att")
    there = at_plain.json("inspect", f"oci:{box}/store//att")["attached"]
    assert {a["digest"] for a in there} == {made["digest"], done["digest"]}
