"""test_push_facts.py - what push reads from a model's own files and from a
run, what it leaves alone, and what it warns of."""
import gzip
import json
import pickle
import struct
import subprocess
import zipfile

import pytest

OCI = "org.opencontainers.image."


# -- files as others write them -----------------------------------------------


def safetensors(path, tensors, dtype="F32", size=4):
    """`tensors`: name to shape."""
    header, at = {}, 0
    for name, shape in tensors.items():
        count = size
        for n in shape:
            count *= n
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [at, at + count]}
        at += count
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))


def gguf(path, pairs, tensors):
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()

    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    for key, value in pairs.items():
        if isinstance(value, str):
            out += text(key) + struct.pack("<I", 8) + text(value)
        else:
            out += text(key) + struct.pack("<II", 4, value)
    at = 0
    for name, shape in tensors.items():
        out += text(name) + struct.pack("<I", len(shape))
        out += struct.pack(f"<{len(shape)}Q", *shape)
        out += struct.pack("<IQ", 0, at)  # F32
        count = 4
        for n in shape:
            count *= n
        at += (count + 31) // 32 * 32
    out += bytes(-len(out) % 32)
    path.write_bytes(out + bytes(at))


class Opens:
    """What a pickle that runs something looks like."""

    def __reduce__(self):
        return (__import__("os").system, ("true",))


CARD = """\
---
license: apache-2.0
language: [en, de]
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [embeddings]
base_model: nreimers/MiniLM-L6
datasets:
- s2orc
- flax/stackexchange_xml
model-index:
- name: x
  results:
  - task: {type: sts}
    dataset: {name: d, type: d}
    metrics: [{type: cos, value: 0.9}]
---

# A model

Maps *sentences* to vectors.
"""


@pytest.fixture
def folder(tmp_path):
    """As one of Hugging Face."""
    out = tmp_path / "hub"
    out.mkdir()
    safetensors(out / "model.safetensors", {"a": [100, 20], "b": [20]})
    (out / "config.json").write_text(json.dumps(
        {"model_type": "bert", "architectures": ["BertModel"],
         "torch_dtype": "float16", "max_position_embeddings": 512}))
    (out / "README.md").write_text(CARD)
    return out


@pytest.fixture
def read(store):
    """Annotations and config of a version."""
    def get(name, digest):
        blobs = store / name / "blobs/sha256"
        manifest = json.loads((blobs / digest[7:]).read_bytes())
        config = blobs / manifest["config"]["digest"][7:]
        return manifest["annotations"], json.loads(config.read_bytes())
    return get


def warnings(result):
    return [line for line in result.stderr.splitlines()
            if line.startswith("warning")]


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


def test_metrics_of_a_card_are_metrics(mreg, model, run, read):
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
    gguf(tmp_path / "m.gguf", {
        "general.architecture": "llama", "general.license": "mit",
        "general.file_type": 15, "llama.context_length": 4096},
        {"a": [32, 4]})
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
    safetensors(out / names[0], {"a": [10, 10]}, "BF16", 2)
    safetensors(out / names[1], {"b": [10, 5]}, "BF16", 2)
    (out / "model.safetensors.index.json").write_text(json.dumps(
        {"weight_map": {"a": names[0], "b": names[1]}}))
    notes, config = read("s", mreg.json("push", out, "s")["digest"])
    assert notes["org.mreg.parameters"] == "150"
    assert config["config"]["precision"] == "bfloat16"


def test_a_tensor_that_its_shard_lacks_is_told(mreg, tmp_path):
    out = tmp_path / "shards/sub"
    out.mkdir(parents=True)
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    safetensors(out / names[0], {"a": [10, 10]}, "BF16", 2)
    safetensors(out / names[1], {"d": [10, 5]}, "BF16", 2)
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


MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, env: {conda: conda.yaml}}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.5.0}
mlflow_version: 2.14.1
run_id: a3f81c
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "long", "required": true}]'
  params: null
"""


def test_an_mlflow_model_brings_its_signature(mreg, tmp_path, read):
    out = tmp_path / "mlflow"
    out.mkdir()
    (out / "MLmodel").write_text(MLMODEL)
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


# -- a run --------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    """An MLflow run as its file store has it."""
    out = tmp_path / "mlruns/3/a3f81c0000000000000000000000beef"
    files = {
        "meta.yaml": "run_id: a3f81c0000000000000000000000beef\n"
                     "experiment_id: '3'\nrun_name: calm-fox\nstatus: 3\n"
                     "user_id: ada\nlifecycle_stage: active\n",
        "params/lr": "0.01", "params/epochs": "3",
        "metrics/auc": "1700000000000 0.5 1\n1700000001000 0.91 2\n",
        "metrics/val loss": "1700000000000 0.2 0\n",
        "metrics/broken": "1700000000000 nan 0\n",
        "tags/team": "growth",
        "tags/mlflow.source.git.commit": "5d41402abc4b2a76",
        "tags/mlflow.user": "ada",
    }
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    return out


@pytest.mark.parametrize("which", ["", "meta.yaml"])
def test_a_run_brings_what_it_logged(mreg, model, run, read, which):
    result = mreg.run("push", model, "m", "--from-run", run / which, "--json")
    notes, _ = read("m", result.json["digest"])
    assert notes["org.mreg.run.id"] == run.name
    assert notes[OCI + "revision"] == "5d41402abc4b2a76"
    assert notes["org.mreg.metric.auc"] == "0.91"
    assert notes["org.mreg.metric.val_loss"] == "0.2"
    assert notes["org.mreg.param.lr"] == "0.01"
    assert notes["org.mreg.tag.team"] == "growth"
    assert "ada" not in json.dumps(notes)
    assert "org.mreg.metric.broken" not in notes
    assert "'val loss'" in result.stderr
    assert ("warning: metric 'broken' of the run is left out: its last value "
            "is no finite number") in result.stderr


def test_what_came_from_a_run_is_said_to(mreg, model, run):
    said = mreg.run("push", model, "m", "--from-run", run).stdout
    assert "  read from the run and files: runId, revision, metrics" in said


@pytest.mark.parametrize("which", ["", "meta.yaml"])
def test_policy_check_takes_a_run_too(mreg, model, run, which):
    facts = mreg.json("policy", "check", model, "m", "--facts", "--from-run",
                      run / which)
    assert facts["fields"]["runId"] == run.name
    assert facts["metrics"]["auc"] == 0.91


def test_a_flag_wins_over_the_run(mreg, model, run, read):
    digest = mreg.json("push", model, "m", "--from-run", run, "--metric",
                       "auc=0.95", "--param", "lr=1", "--revision", "mine",
                       "--run-id", "other")["digest"]
    notes, _ = read("m", digest)
    assert notes["org.mreg.metric.auc"] == "0.95"
    assert notes["org.mreg.param.lr"] == "1"
    assert notes["org.mreg.param.epochs"] == "3"
    assert notes[OCI + "revision"] == "mine"
    assert notes["org.mreg.run.id"] == "other"


def test_git_wins_over_the_run(mreg, model, run, read):
    """Commit and address are of one tree."""
    (run / "tags/mlflow.source.git.repoURL").write_text(
        "https://ada:t0ken@git.example/run\n")
    (run / "tags/mlflow.note.content").write_text("What it is.\n")
    notes, _ = read("m", mreg.json("push", model, "m", "--from-run",
                                   run)["digest"])
    assert notes[OCI + "source"] == "https://git.example/run"
    assert notes[OCI + "description"] == "What it is."
    for words in (["init", "-q"], ["add", "."],
                  ["-c", "user.name=A", "-c", "user.email=a@b", "commit",
                   "-qm", "x"]):
        subprocess.run(["git", "-C", str(model), *words], check=True,
                       capture_output=True)
    notes, _ = read("m", mreg.json("push", model, "m", "--git", "--from-run",
                                   run)["digest"])
    assert len(notes[OCI + "revision"]) == 40
    assert OCI + "source" not in notes


def test_no_password_of_an_import_is_kept(mreg, model, read):
    (model / "x.csv.dvc").write_text(
        "deps:\n- path: https://ada:s3cret@h.example/x.csv\n"
        "  etag: '\"f432e270cd634c51296ecd2bc2f5e752-5\"'\n")
    result = mreg.run("push", model, "m", "--json")
    notes, raw = read("m", result.json["digest"])
    assert json.loads(notes["org.mreg.inputs"]) == [
        {"role": "data", "name": "https://h.example/x.csv",
         "uri": "https://h.example/x.csv",
         "digest": "etag:f432e270cd634c51296ecd2bc2f5e752-5"}]
    assert "s3cret" not in json.dumps([notes, raw]) + result.stderr
    assert "a user or a password in it" in result.stderr


def test_the_run_wins_over_the_files(mreg, model, run, read):
    (model / "MLmodel").write_text(MLMODEL)
    notes, _ = read("m", mreg.json("push", model, "m", "--from-run",
                                   run)["digest"])
    assert notes["org.mreg.run.id"] == run.name


def test_data_sets_of_the_run_and_of_the_files_are_all_inputs(mreg, model, run,
                                                              read):
    """A list of what it was made from is not complete without either, nor
    without what the user gives."""
    logged = {
        run / "inputs/i1/meta.yaml":
            "source_type: DATASET\nsource_id: d1\n"
            "tags: {mlflow.data.context: training}\n",
        run.parent / "datasets/d1/meta.yaml":
            "name: rows\ndigest: 5d41402a\n"
            "dataset_source_type: local\nsource: '{\"uri\": \"/x\"}'\n"}
    for path, text in logged.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (model / "train.csv.dvc").write_text(
        "outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  path: train.csv\n")
    push = ["push", model, "m", "--from-run", run]
    notes, _ = read("m", mreg.json(*push)["digest"])
    assert [i["name"] for i in json.loads(notes["org.mreg.inputs"])] == [
        "rows", "train.csv"]
    notes, _ = read("m", mreg.json(*push, "--input", "train=s3://b/x")["digest"])
    assert [i.get("uri") for i in json.loads(notes["org.mreg.inputs"])] == [
        "s3://b/x", None, "dvc:train.csv"]


def test_a_deleted_run_is_told(mreg, model, run):
    text = (run / "meta.yaml").read_text()
    push = ["push", model, "m", "--from-run", run]
    assert "deleted" not in mreg.run(*push).stderr
    (run / "meta.yaml").write_text(text.replace("stage: active",
                                                "stage: deleted"))
    assert "warning: the run was deleted in MLflow" in mreg.run(*push).stderr


def test_what_is_no_run_is_an_error(mreg, model, store, tmp_path):
    error = mreg.fails(3, "push", model, "m", "--from-run", tmp_path / "none")
    assert "none" in error["message"]
    assert not store.exists()


# -- what its user should know ------------------------------------------------


def test_a_pickle_that_runs_something_is_told(mreg, model):
    (model / "extra.pkl").write_bytes(pickle.dumps(Opens(), 2))
    result = mreg.run("push", model, "m")
    line, = (w for w in warnings(result) if "extra.pkl" in w)
    assert "can run code" in line and "system" in line


def test_a_licence_that_is_no_id_is_told(mreg, model):
    (model / "README.md").write_text("---\nlicense: Apache 2.0\n---\n")
    line, = (w for w in warnings(mreg.run("push", model, "m"))
             if "README.md" in w)
    assert "'Apache 2.0'" in line and "--license" in line
    given = mreg.run("push", model, "m", "--license", "Apache-2.0")
    assert not [w for w in warnings(given) if "README.md" in w]


@pytest.mark.parametrize("name", ["notes.txt", "vocab.txt", "weights.dat",
                                  "model.sav", "config.yaml", "plain"])
def test_a_pickle_is_told_whatever_it_is_called(mreg, model, name):
    (model / name).write_bytes(pickle.dumps(Opens(), 2))
    line, = (w for w in warnings(mreg.run("push", model, "m")) if name in w)
    assert "can run code" in line and "system" in line


def test_a_packed_pickle_is_told(mreg, model):
    (model / "m.joblib.gz").write_bytes(gzip.compress(b"any"))
    line, = (w for w in warnings(mreg.run("push", model, "m"))
             if "m.joblib.gz" in w)
    assert "compressed with gzip" in line


def test_globals_are_told_up_to_ten(mreg, model):
    names = b"".join(b"cacme.mod%d\nthing\n0" % i for i in range(13))
    (model / "many.pkl").write_bytes(b"\x80\x02" + names + b"N.")
    line, = (w for w in warnings(mreg.run("push", model, "m"))
             if "many.pkl" in w)
    assert line.count("acme.mod") == 10 and \
        "and 3 more (mreg inspect --tensors --json lists all)" in line


def test_torchscript_is_a_program(mreg, model):
    with zipfile.ZipFile(model / "net.pt", "w") as z:
        z.writestr("net/data.pkl", pickle.dumps({"a": 1}, 2))
        z.writestr("net/constants.pkl", pickle.dumps((), 2))
        z.writestr("net/code/__torch__.py", "def f(): pass\n")
        z.writestr("net/version", "3\n")
    line, *_ = (w for w in warnings(mreg.run("push", model, "m"))
                if "net.pt" in w)
    assert "TorchScript runs code of its own" in line


def test_plain_weights_are_no_reason_to_warn(mreg, folder):
    (folder / "state.pkl").write_bytes(pickle.dumps({"a": [1.5, 2]}))
    assert warnings(mreg.run("push", folder, "m")) == []


def test_malformed_weights_are_told_and_pushed(mreg, folder, read):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[8:12] = b"{{{{"
    (folder / "model.safetensors").write_bytes(data)
    result = mreg.run("push", folder, "m", "--json")
    line, = warnings(result)
    assert "'model.safetensors' cannot be read as a safetensors file" in line
    notes, config = read("m", result.json["digest"])
    assert "org.mreg.parameters" not in notes
    assert config["config"]["architecture"] == "bert"


def test_what_is_not_looked_at_is_not_called_broken(mreg, folder):
    """A header of 9 MB is one that the format allows."""
    head = json.dumps({"__metadata__": {"a": "x" * (9 << 20)}, "w": {
        "dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    (folder / "model.safetensors").write_bytes(
        len(head).to_bytes(8, "little") + head + b"1")
    line, = warnings(mreg.run("push", folder, "m"))
    assert "is not looked into as a safetensors file: its header has" in line
    error = mreg.fails(1, "inspect", "m", "-t")
    assert "mreg reads 8388608 at most" in error["message"]
    assert "it may be right" in error["hint"]


def test_messages_name_formats_as_people_do(mreg, folder):
    (folder / "a.onnx").write_bytes(b"\xff\xff\xff")
    (folder / "b.safetensors").write_bytes(b"")
    graph, empty = warnings(mreg.run("push", folder, "m"))
    assert graph.endswith("'a.onnx' cannot be read as an onnx file: is no "
                          "file of the kind its name says")
    assert empty.endswith("'b.safetensors' cannot be read as a safetensors "
                          "file: is empty")


def test_code_of_the_models_own_is_told(mreg, folder):
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "x", "auto_map": {"AutoModel": "modeling.X"}}))
    line, = warnings(mreg.run("push", folder, "m"))
    assert "'config.json'" in line and "trust_remote_code" in line


@pytest.mark.parametrize("name, text, says", [
    ("config.json", "{", "is not read"),
    ("README.md", "---\nlicense: [\n---\n", "is not read"),
    ("README.md", "---\nlicense: &a mit\n---\n", "is not read"),
    ("MLmodel", "a: b: c\n", "is not read"),
    ("README.md", "x" * (1 << 20) + "y", "larger than 1 MiB"),
])
def test_documents_that_cannot_be_read_are_told(mreg, folder, name, text,
                                                says):
    (folder / name).write_text(text)
    result = mreg.run("push", folder, "m")
    line, = warnings(result)
    assert f"'{name}'" in line and says in line


def test_what_a_card_says_cannot_forge_a_line(mreg, folder, read):
    (folder / "README.md").write_text(
        '---\nlicense: "a\\u001b[2Jb"\npipeline_tag: "x\\ny"\n---\n')
    result = mreg.run("push", folder, "m", "--json")
    assert "\x1b" not in result.stderr
    notes, _ = read("m", result.json["digest"])
    assert "\x1b" not in json.dumps(notes)
