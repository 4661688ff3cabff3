"""test_push_facts.py - what push reads from a model's own files, and what it
leaves alone."""
import json
import pickle

import pytest

import hub
from weight_files import gguf, safetensors

OCI = "org.opencontainers.image."


@pytest.fixture
def folder(tmp_path):
    return hub.folder(tmp_path / "hub")


# -- a folder of the hub ------------------------------------------------------


def test_a_folder_tells_what_it_is(mreg, folder, read):
    result = mreg.json("push", folder, "m")
    notes, config = read("m", result["digest"])
    assert notes[OCI + "licenses"] == "Apache-2.0"
    assert notes[OCI + "description"] == "Maps sentences to vectors."
    assert notes["org.mreg.parameters"] == "2020"
    assert config["config"] == {
        "architecture": "bert", "format": "safetensors", "paramSize": "2k",
        "precision": "float32"}
    assert config["descriptor"]["family"] == "bert"
    assert {k: v for k, v in notes.items() if k.startswith("org.mreg.tag.")} \
        == {"org.mreg.tag.pipeline": "sentence-similarity",
            "org.mreg.tag.library": "sentence-transformers",
            "org.mreg.tag.language": "en,de",
            "org.mreg.tag.keywords": "embeddings",
            "org.mreg.tag.context-length": "512"}
    assert json.loads(notes["org.mreg.parents"]) == [
        {"relation": "finetune", "ref": "hf://nreimers/MiniLM-L6"}]
    assert notes[OCI + "base.name"] == "hf://nreimers/MiniLM-L6"
    assert OCI + "base.digest" not in notes
    assert json.loads(notes["org.mreg.inputs"]) == [
        {"role": "train", "name": "s2orc", "uri": "hf://datasets/s2orc"},
        {"role": "train", "name": "flax/stackexchange_xml",
         "uri": "hf://datasets/flax/stackexchange_xml"}]
    assert [v for k, v in notes.items() if ".metric." in k] == [
        notes["org.mreg.metric.cos"]]
    assert {"license", "architecture", "parameters", "inputs", "parents",
            "tags"} <= set(result["filled"])


def test_what_is_read_is_told(mreg, folder):
    said = mreg.run("push", folder, "m").stdout
    line, = (s for s in said.splitlines() if "read from files" in s)
    assert "license" in line and "parameters" in line
    # As inspect calls them: tags are the registry's.
    assert ", labels, " in line and "tags" not in line


def test_the_same_folder_is_the_same_version(mreg, folder, tmp_path):
    first = mreg.json("push", folder, "m")
    again = mreg.json("push", folder, "m")
    assert again["identical"] and again["digest"] == first["digest"]
    assert again["filled"] == first["filled"]
    copy = tmp_path / "elsewhere"
    folder.rename(copy)
    other = mreg.json("push", copy, "m", env={"XDG_CACHE_HOME":
                                              str(tmp_path / "no-cache")})
    assert other["digest"] == first["digest"]


def test_nothing_that_was_given_is_changed(mreg, folder, read, tmp_path):
    (tmp_path / "meta.yaml").write_text(
        "description: Mine.\ninputs: [{role: test, uri: 's3://b/k'}]\n")
    digest = mreg.json(
        "push", folder, "m", "--license", "MIT", "-f", tmp_path / "meta.yaml",
        "--architecture", "mine", "--precision", "int8", "--parent",
        "merge=hf://a/b", "--tag", "pipeline=ranking", "--parameters", "7",
        env={"MREG_ENVIRONMENT": "somewhere"})["digest"]
    notes, config = read("m", digest)
    assert notes[OCI + "licenses"] == "MIT"
    assert notes[OCI + "description"] == "Mine."
    assert notes["org.mreg.parameters"] == "7"
    assert notes["org.mreg.environment"] == "somewhere"
    assert notes["org.mreg.tag.pipeline"] == "ranking"
    assert notes["org.mreg.tag.library"] == "sentence-transformers"
    assert config["config"]["architecture"] == "mine"
    assert config["config"]["precision"] == "int8"
    assert config["config"]["paramSize"] == "7"
    assert json.loads(notes["org.mreg.parents"]) == [
        {"relation": "merge", "ref": "hf://a/b"}]
    assert [i["role"] for i in json.loads(notes["org.mreg.inputs"])] == \
        ["test", "train", "train"]


def test_an_input_that_is_told_more_of_stays_one(mreg, folder, read, tmp_path):
    """The mend of a policy's rule loses no other data set."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy: 1\ninputs: {classification: [public]}\n")
    push = ["push", folder, "m", "--policy", policy, "--input",
            "train=hf://datasets/s2orc,classification=public"]
    finding, = mreg.fails(7, *push)["findings"]
    assert "stackexchange_xml" in finding["problem"]
    assert "s2orc" not in finding["problem"]
    push += ["--input", "train=hf://datasets/flax/stackexchange_xml,"
             "classification=public"]
    notes, _ = read("m", mreg.json(*push)["digest"])
    assert json.loads(notes["org.mreg.inputs"]) == [
        {"role": "train", "name": "s2orc", "uri": "hf://datasets/s2orc",
         "classification": "public"},
        {"role": "train", "name": "flax/stackexchange_xml",
         "uri": "hf://datasets/flax/stackexchange_xml",
         "classification": "public"}]


INDEX = """\
---
metrics: [accuracy]
model-index:
- name: m
  results:
  - dataset: {type: common_voice, name: Common Voice}
    metrics: [{type: wer, value: 20.90}, {type: loss, value: .nan}]
  - dataset: {type: libri}
    metrics: [{type: wer, value: 4}, {type: cer, value: 1}]
---
"""


def test_metrics_of_a_card_are_metrics(mreg, model, read):
    (model / "README.md").write_text(INDEX)
    notes, _ = read("m", mreg.json("push", model, "m")["digest"])
    assert {k: v for k, v in notes.items() if ".metric." in k} == {
        "org.mreg.metric.wer.common_voice": "20.90",
        "org.mreg.metric.wer.libri": "4", "org.mreg.metric.cer": "1"}
    notes, _ = read("m", mreg.json("push", model, "m", "--metric",
                                   "auc=0.5")["digest"])
    assert [k for k in notes if ".metric." in k] == ["org.mreg.metric.auc"]


def test_nothing_is_read_of_a_dataset(mreg, folder, read):
    result = mreg.json("push", folder, "d", "--kind", "dataset")
    notes, _ = read("d", result["digest"])
    assert result["filled"] == []
    assert OCI + "licenses" not in notes
    assert "org.mreg.parameters" not in notes


def test_a_file_alone_tells_what_it_is(mreg, folder, read):
    result = mreg.json("push", folder / "model.safetensors", "m")
    notes, config = read("m", result["digest"])
    assert [f["path"] for f in result["files"]] == ["model.safetensors"]
    assert notes["org.mreg.parameters"] == "2020"
    assert config["config"]["format"] == "safetensors"
    assert OCI + "licenses" not in notes


def test_gguf_tells_what_it_is(mreg, tmp_path, read):
    (tmp_path / "m.gguf").write_bytes(gguf(
        {"a": [32, 4]}, general__architecture="llama", general__license="mit",
        general__file_type=15, llama__context_length=4096))
    notes, config = read("g", mreg.json("push", tmp_path / "m.gguf",
                                        "g")["digest"])
    assert notes[OCI + "licenses"] == "MIT"
    assert notes["org.mreg.parameters"] == "128"
    assert notes["org.mreg.tag.context-length"] == "4096"
    assert config["config"]["architecture"] == "llama"
    assert config["config"]["format"] == "gguf"
    assert config["config"]["quantization"] == "Q4_K_M"
    assert config["descriptor"]["family"] == "llama"


def test_shards_are_one_model(mreg, tmp_path, read):
    out = tmp_path / "shards"
    out.mkdir()
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    (out / names[0]).write_bytes(safetensors(
        {"a": ("BF16", [10, 10])}))
    (out / names[1]).write_bytes(safetensors(
        {"b": ("BF16", [10, 5])}))
    (out / "model.safetensors.index.json").write_text(json.dumps(
        {"weight_map": {"a": names[0], "b": names[1]}}))
    notes, config = read("s", mreg.json("push", out, "s")["digest"])
    assert notes["org.mreg.parameters"] == "150"
    assert config["config"]["precision"] == "bfloat16"


def test_a_tensor_that_its_shard_lacks_is_told(mreg, tmp_path):
    out = tmp_path / "shards/sub"
    out.mkdir(parents=True)
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    (out / names[0]).write_bytes(safetensors(
        {"a": ("BF16", [10, 10])}))
    (out / names[1]).write_bytes(safetensors(
        {"d": ("BF16", [10, 5])}))
    index = out / "model.safetensors.index.json"
    weights = {"a": names[0], "d": names[1]}
    index.write_text(json.dumps({"weight_map": weights}))
    assert "warning" not in mreg.run("push", out.parent, "s").stderr
    index.write_text(json.dumps({"weight_map": {**weights, "c": names[1]}}))
    result = mreg.run("push", out.parent, "s")
    assert ("warning: 'sub/model.safetensors.index.json' names tensor 'c', "
            f"which '{names[1]}' does not have\n") in result.stderr
    index.write_text(json.dumps({"weight_map": {
        **weights, "c": names[1], "a": names[1], "\x1b[2J": names[0]}}))
    told, = [line for line in mreg.run("push", out.parent, "s")
             .stderr.splitlines() if "names tensor" in line]
    assert "names tensor '\\x1b[2J'" in told
    assert told.endswith("does not have, nor 2 more")


# -- MLflow and DVC -----------------------------------------------------------


def test_an_mlflow_model_brings_its_signature(mreg, tmp_path, read):
    out = tmp_path / "mlflow"
    out.mkdir()
    (out / "MLmodel").write_text(hub.MLMODEL)
    (out / "conda.yaml").write_text("name: env\n")
    (out / "requirements.txt").write_text("scikit-learn\n")
    (out / "model.pkl").write_bytes(pickle.dumps({"a": [1.0]}))
    notes, _ = read("m", mreg.json("push", out, "m")["digest"])
    assert json.loads(notes["org.mreg.signature"])["inputs"] == [
        {"name": "x", "required": True, "type": "double"}]
    assert notes["org.mreg.run.id"] == "a3f81c"
    assert notes["org.mreg.environment"] == "conda.yaml"
    assert notes["org.mreg.tag.flavors"] == "python_function,sklearn"


def test_dvc_files_are_inputs_by_hash(mreg, model, read):
    (model / "train.csv.dvc").write_text(
        "outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  size: 5\n"
        "  path: train.csv\n")
    notes, _ = read("m", mreg.json("push", model, "m")["digest"])
    inputs = json.loads(notes["org.mreg.inputs"])
    assert inputs == [{"role": "data", "name": "train.csv",
                       "uri": "dvc:train.csv",
                       "digest": "md5:5d41402abc4b2a76b9719d911017c592"}]
