"""test_readers.py - what mreg reads from files that others' packages wrote, or
that were published, is what those packages themselves read there."""
import json
import math
import pathlib
import re
import shutil
import struct

import pytest

import harness
from harness import assert_pulled, tree


@pytest.fixture(scope="session")
def written(ask, work):
    """The folder that a verb of peers.py wrote into."""
    made = {}

    def get(verb):
        if verb not in made:
            folder = work / verb
            folder.mkdir()
            ask(verb, folder)
            made[verb] = folder
        return made[verb]

    return get


@pytest.fixture(scope="session")
def real():
    def folder(name):
        path, why = harness.fetch_model(name)
        if not path:
            pytest.skip(f"no {name}: {why}")
        return pathlib.Path(path)

    return folder


def weights(mreg, folder, name="readers/model"):
    """{path: what inspect tells of it}, and the model's metadata."""
    mreg.run("push", folder, name)
    seen = mreg.json("inspect", name, "--tensors")
    assert seen["weights"]["verified"] is False
    return {f["path"]: f for f in seen["weights"]["files"]}, seen["metadata"]


def rows(file, *keys):
    return [[t[k] for k in keys] for t in file["tensors"]]


# -- safetensors -----------------------------------------------------------------


def assert_safetensors(file, theirs):
    assert (file["format"], file["trouble"]) == ("safetensors", None)
    assert {t["name"]: [t["dtype"], t["shape"]] for t in file["tensors"]} == \
        theirs["tensors"]
    assert file["parameters"] == theirs["parameters"]
    assert file["metadata"] == theirs["metadata"]
    assert file["warnings"] == []


def test_safetensors_of_every_type(written, ask, mreg):
    folder = written("safetensors_write")
    files, metadata = weights(mreg, folder)
    total = 0
    shards = sorted(p for p in files if p.startswith("model-"))
    assert len(shards) == 2
    for path in [*shards, "every-type.safetensors"]:
        theirs = ask("safetensors_read", folder / path)
        assert_safetensors(files[path], theirs)
        total += theirs["parameters"] * (path in shards)
    assert len(files["every-type.safetensors"]["tensors"]) == 20
    (folder / "every-type.safetensors").rename(folder.parent / "aside")
    _, metadata = weights(mreg, folder, "readers/sharded")
    (folder.parent / "aside").rename(folder / "every-type.safetensors")
    assert metadata["parameters"] == str(total)
    assert metadata["precision"] == "float16"


def test_what_safetensors_refuses_is_refused(written, ask, mreg, box):
    """Headers changed at random: one verdict on each, and what is read in
    those that are taken."""
    (box / "m").mkdir()
    theirs = ask("safetensors_mutants", box / "m",
                 written("safetensors_write"), 1, 600)
    files, _ = weights(mreg, box / "m")
    for path, tensors in theirs.items():
        file = files[path]
        assert (file["trouble"] is None) == (tensors is not None), path
        assert {t["name"]: [t["dtype"], t["shape"]]
                for t in file["tensors"]} == (tensors or {}), path
    assert 20 < sum(t is not None for t in theirs.values()) < 580


def test_minilm_in_a_registry(real, ask, serving, mreg):
    folder = real("minilm")
    name = f"{serving('distribution').host}/readers/minilm"
    files, metadata = weights(mreg, folder, name)
    theirs = ask("safetensors_read", folder / "model.safetensors")
    assert_safetensors(files["model.safetensors"], theirs)
    assert metadata["parameters"] == str(theirs["parameters"])
    assert {t[0] for t in theirs["tensors"].values()} == {"F32", "I64"}
    assert metadata["precision"] == "float32"


# -- GGUF ------------------------------------------------------------------------


def is_same(text, value):
    """Whether mreg's text is the value that the package gave."""
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, float):
        return float(text) == value or \
            struct.pack("f", float(text)) == struct.pack("f", value)
    if isinstance(value, str) and value.startswith("["):
        return text.startswith(value[:-1] + " ")
    return text == str(value)


@pytest.mark.parametrize("name", ["every-type", "Q4_0", "Q8_0", "Q5_1",
                                  "TQ2_0", "F32"])
def test_gguf_of_every_type(written, ask, mreg, box, name):
    (box / "m").mkdir()
    shutil.copy(written("gguf_write") / f"{name}.gguf", box / "m")
    files, metadata = weights(mreg, box / "m")
    file = files[f"{name}.gguf"]
    theirs = ask("gguf_read", box / f"m/{name}.gguf")
    assert (file["format"], file["trouble"]) == ("gguf", None)
    assert {n: rest for n, *rest in rows(
        file, "name", "dtype", "shape", "elements", "bytes")} == \
        theirs["tensors"]
    fields = theirs["fields"]
    assert file["metadata"].keys() == fields.keys()
    for key, value in fields.items():
        assert is_same(file["metadata"][key], value), key
    total = sum(t[2] for t in theirs["tensors"].values())
    assert (file["parameters"], metadata["parameters"]) == (total, str(total))
    assert file["architecture"] == fields["general.architecture"]
    if name == "every-type":
        assert len(theirs["tensors"]) == 33
        assert (file["license"], metadata["license"]) == \
            (fields["general.license"], "Apache-2.0")
        assert file["contextLength"] == fields["llama.context_length"]
        assert file["tokenizer"] == fields["tokenizer.ggml.model"]
    elif name == "F32":
        assert (file["precision"], file["quantization"]) == ("float32", None)
        assert file["warnings"] == [
            "numbers are big endian: most machines cannot load it"]
    else:
        assert (file["precision"], file["quantization"]) == (None, name)
        assert metadata["quantization"] == name


# -- ONNX ------------------------------------------------------------------------


def assert_onnx(file, theirs):
    assert (file["format"], file["trouble"]) == ("onnx", None)
    assert rows(file, "name", "dtype", "shape") == theirs["tensors"]
    assert file["parameters"] == (theirs["parameters"] or None)
    for key in "inputs", "outputs":
        assert [[p["name"], p["dtype"], p["shape"]] for p in file[key]] == \
            theirs[key]
    assert file["opset"] == theirs["opset"].pop("")
    producer = f"{theirs['producer']} {theirs['producer_version']}".strip()
    assert file["producer"] == (producer or None)
    assert file["name"] == theirs["name"]
    told = dict(file["metadata"])
    assert told.pop("ir_version") == str(theirs["ir"])
    told.pop("model_version", None)
    assert told.pop("domains", "") == ", ".join(sorted(
        f"{d} {v}" for d, v in theirs["opset"].items()))
    assert told == theirs["props"]


def test_onnx_of_every_kind(written, ask, mreg):
    folder = written("onnx_write")
    files, _ = weights(mreg, folder)
    models = {p for p in files if p.endswith(".onnx")}
    assert len(models) == 8
    for path in models:
        assert_onnx(files[path], ask("onnx_read", folder / path))
        outside = ["external data outside the model's folder: "
                   "'../elsewhere.bin'"] if path == "outside.onnx" else []
        assert files[path]["warnings"] == outside
    assert len(files["ports.onnx"]["tensors"]) > 50
    assert files["opset9.onnx"]["license"] == "MIT"


def test_sileros_onnx(real, ask, mreg):
    folder = real("silero")
    files, _ = weights(mreg, folder)
    models = {p for p in files if p.endswith(".onnx")}
    assert len(models) >= 5
    for path in models:
        assert_onnx(files[path], ask("onnx_read", folder / path))
    assert_safetensors(
        files["silero_vad_16k.safetensors"],
        ask("safetensors_read", folder / "silero_vad_16k.safetensors"))


# -- what runs code when it is loaded ----------------------------------------------


def test_sileros_torchscript_imports_what_unpickling_asks_for(real, ask,
                                                              mreg):
    folder = real("silero")
    files, _ = weights(mreg, folder)
    file = files["silero_vad.jit"]
    assert file["format"] == "torchscript"
    assert file["globals"] == ask("pickle_imports",
                                  folder / "silero_vad.jit")
    told, = file["warnings"]
    assert told.startswith("TorchScript runs code of its own; it imports "
                           f"'{file['globals'][0]}'")


def test_files_that_torch_saved_long_ago(ask, mreg, box):
    (box / "m").mkdir()
    for i, path in enumerate(ask("shipped", "lpips", "weights/*/*.pth")):
        shutil.copy(path, box / f"m/{i}.pth")
    files, metadata = weights(mreg, box / "m")
    assert len(files) == 6 and metadata["format"] == "pickle"
    for path, file in files.items():
        assert (file["format"], file["trouble"], file["unsafe"]) == \
            ("pickle", None, [])
        assert file["globals"] == ask("pickle_imports", box / "m" / path)
        assert "torch FloatStorage" in file["globals"]


def test_pickles_of_every_protocol(written, ask, mreg):
    folder = written("pickle_write")
    files, _ = weights(mreg, folder)
    pickles = sorted(p for p in files if p.endswith(".pkl"))
    assert len(pickles) == 7
    for path in pickles:
        file = files[path]
        assert (file["format"], file["trouble"]) == ("pickle", None)
        assert file["globals"] == ask("pickle_imports", folder / path)
        assert set(file["unsafe"]) <= set(file["globals"])
        assert path == "calls.pkl" or file["unsafe"][-1] == \
            "sklearn.linear_model._logistic LogisticRegression"
    assert files["calls.pkl"]["unsafe"] == ["builtins eval", "posix system"]


def test_nothing_that_python_imports_is_missed(ask, mreg, box):
    """Pickles changed at random: what Python would import is told, or the file
    is in trouble; a name that cannot be shown is unsafe."""
    (box / "m").mkdir()
    theirs = ask("pickle_mutants", box / "m", 1, 1000)
    files, _ = weights(mreg, box / "m")
    read = {p: f for p, f in files.items() if not f["trouble"]}
    for path, file in read.items():
        assert file["format"] == "pickle"
        missed = set(theirs[path]) - set(file["globals"])
        assert not missed or "(computed)" in file["unsafe"], path
        assert not any(name.isprintable() for name in missed), path
    assert len(files) == 1000 and len(read) > 100
    assert sum(bool(theirs[path]) for path in read) > 100


def test_what_is_no_plain_pickle_is_not_called_clean(written, mreg):
    files, _ = weights(mreg, written("pickle_write"))
    for path, why in (("model.joblib", "joblib keeps arrays inside"),
                      ("compressed.joblib", "it is compressed with zlib")):
        assert files[path]["format"] == "pickle"
        assert "cannot be inspected: " + why in files[path]["trouble"]
    assert files["objects.npy"]["format"] == "pickle"
    assert "numpy ndarray" in files["objects.npy"]["unsafe"]
    for path in "plain.npy", "arrays.npz":
        assert (files[path]["format"], files[path]["trouble"],
                files[path]["globals"]) == (None, None, [])


# -- Keras, TensorFlow -------------------------------------------------------------


def test_models_that_keras_saved(ask, mreg, box):
    (box / "m").mkdir()
    theirs = ask("keras_write", box / "m")
    files, _ = weights(mreg, box / "m")
    for path, format in (("small.keras", "keras"), ("small.h5", "hdf5")):
        file = files[path]
        assert (file["format"], file["trouble"], file["unsafe"],
                file["warnings"]) == (format, None, [], [])
        assert file["architecture"] == theirs["class"]
        assert file["producer"] == f"keras {theirs['version']}"
        assert file["name"] == "small"
    assert "Lambda" in files["code.keras"]["unsafe"]
    assert "run code when the model is loaded" in \
        files["code.keras"]["warnings"][0]


def test_a_published_saved_model_and_the_same_in_onnx(ask, mreg, box):
    """Spotify's model for notes in music; tf2onnx made the second of the
    first."""
    onnx, = ask("shipped", "basic_pitch", "saved_models/*/nmp.onnx")
    shutil.copytree(pathlib.Path(onnx).with_suffix(""), box / "m/nmp")
    shutil.copy(onnx, box / "m")
    files, _ = weights(mreg, box / "m")
    theirs = ask("onnx_read", onnx)
    assert_onnx(files["nmp.onnx"], theirs)
    saved = files["nmp/saved_model.pb"]
    assert (saved["format"], saved["trouble"]) == ("tensorflow", None)
    assert re.fullmatch(r"tensorflow \d+\.\d+\.\d+", saved["producer"])
    for key in "inputs", "outputs":
        def shapes(ports):
            return sorted([dtype, *dims[1:]] for _, dtype, dims in ports)
        assert shapes(theirs[key]) == shapes(
            [p["name"], p["dtype"], p["shape"]] for p in saved[key])


# -- MLflow ------------------------------------------------------------------------


def test_a_run_as_mlflows_client_shows_it(ask, mreg, box):
    theirs = ask("mlflow_run", box)
    model = harness.small_model(box / "m", "run")
    done = mreg.run("push", model, "readers/run", "--from-run",
                    theirs["folder"])
    seen = mreg.json("inspect", "readers/run")
    assert seen["metadata"]["runId"] == theirs["id"]
    assert seen["metadata"]["description"] == theirs["note"]
    assert theirs["tags"].items() <= seen["labels"].items()
    assert not [k for k in seen["labels"] if k.startswith("mlflow.")]

    # What a name or number of ours cannot be is told.
    theirs["params"]["gr____e"] = theirs["params"].pop("größe")
    assert "'größe' of the run is called 'gr____e'" in done.stderr
    assert seen["params"] == theirs["params"]
    assert theirs["metrics"].pop("lost") is None
    assert "metric 'lost' of the run is left out" in done.stderr
    theirs["metrics"]["with_space"] = theirs["metrics"].pop("with space")
    assert "'with space' of the run is called 'with_space'" in done.stderr
    assert {k: float(v) for k, v in seen["metrics"].items()} == \
        theirs["metrics"]
    assert all(math.isfinite(v) for v in theirs["metrics"].values())

    roles = {"training": "train", "eval": "validate"}
    assert [[i["name"], i["digest"], i["uri"], i["role"]]
            for i in sorted(seen["inputs"], key=lambda i: i["uri"])] == \
        [[name, f"mlflow:{digest}", uri, roles[context]]
         for name, digest, uri, context in
         sorted(theirs["inputs"], key=lambda i: i[2])]


def test_model_folders_as_mlflow_describes_them(ask, mreg, box):
    for i, theirs in enumerate(ask("mlflow_models", box)):
        folder = pathlib.Path(theirs["folder"])
        name = f"readers/mlflow{i}"
        files, metadata = weights(mreg, folder, name)
        seen = mreg.json("inspect", name)
        assert seen["labels"]["flavors"] == ",".join(theirs["flavors"])
        assert metadata.get("runId") == theirs["run_id"]
        assert metadata["environment"] == "conda.yaml"
        assert (folder / "conda.yaml").is_file()
        assert json.loads(metadata.get("signature", "{}")) == \
            theirs["signature"]
        mreg.run("pull", name, "-o", box / f"out{i}")
        assert_pulled(box / f"out{i}", tree(folder))
        for path, file in files.items():
            if path.endswith(".pkl"):
                assert file["format"] == "pickle"
                assert file["globals"] == ask("pickle_imports", folder / path)
    assert ask("mlflow_predict", box / "out0") == \
        ask("mlflow_predict", box / "sklearn")
