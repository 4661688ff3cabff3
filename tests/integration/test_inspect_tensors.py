"""test_inspect_tensors.py - headers of weight files read where they are: how
many requests, how many bytes, and what real files say."""
import json
import os
import re
import struct
import sys
import zipfile

import pytest

import harness
from fake import Fake, kind
from harness import MIB, Mreg, write

sys.path.append(str(harness.ROOT / "tests/cli"))

import bad  # noqa: E402
import weight_files  # noqa: E402

GIB = 1024 * MIB


# -- a model of 4 GiB that nobody has to keep ----------------------------------


class Sparse:
    """Bytes that begin with `head`, then zeros."""

    def __init__(self, head, size):
        self.head, self.size = head, size

    def __len__(self):
        return self.size

    def __getitem__(self, part):
        assert isinstance(part, slice) and part.stop - part.start < 64 * MIB
        data = self.head[part.start:part.stop]
        return data + bytes(part.stop - part.start - len(data))


class Large:
    """What bad.FakeRegistry serves: a model whose blobs are never whole."""

    type = bad.MANIFEST

    def __init__(self, files):
        config = bad.compact({"config": {}, "descriptor": {}, "modelfs": {
            "type": "layers", "diffIds": []}})
        self.blobs = {bad.sha256(config): config}
        layers = []
        for path, data in files.items():
            layer = bad.file_layer(path, b"")
            layer["digest"] = bad.sha256(path.encode())
            layer["size"] = len(data)
            layers.append(layer)
            self.blobs[layer["digest"]] = data
        self.bytes = bad.compact({
            "schemaVersion": 2, "mediaType": bad.MANIFEST,
            "artifactType": "application/vnd.cncf.model.manifest.v1+json",
            "config": {"mediaType":
                       "application/vnd.cncf.model.config.v1+json",
                       "digest": bad.sha256(config), "size": len(config)},
            "layers": layers, "annotations": {"org.mreg.schema": "1"}})


def big_shards(count, bytes_each):
    """Shards as a language model's: 40 layers, named like Llama's."""
    shards, width = {}, 4096
    rows = bytes_each // (2 * width * 40)
    for n in range(count):
        head, size = weight_files.header({
            f"model.layers.{n * 40 + i}.self_attn.q_proj.weight":
            ("BF16", [rows, width]) for i in range(40)}, {"format": "pt"})
        shards[f"model-{n + 1:05}-of-{count:05}.safetensors"] = \
            Sparse(head, len(head) + size)
    return shards


def moved(registry):
    """Of blobs: (requests, bytes)."""
    spans = [h.get("Range", "") for method, path, h in registry.seen
             if method == "GET" and "/blobs/" in path]
    spans = [re.fullmatch(r"bytes=(\d+)-(\d+)", s) for s in spans]
    spans = [s for s in spans if s]
    return len(spans), sum(int(s[2]) - int(s[1]) + 1 for s in spans)


@pytest.fixture
def serve():
    running = []

    def start(files):
        running.append(bad.FakeRegistry(Large(files)))
        return running[-1]

    yield start
    for registry in running:
        registry.stop()


@pytest.fixture
def who(binary, box):
    return Mreg(binary, box / "home")


@pytest.mark.parametrize("count", [1, 2, 4])
def test_four_gibibytes_take_a_handful_of_requests(serve, who, count):
    shards = big_shards(count, 4 * GIB // count)
    registry = serve(shards)
    weights = who.json("inspect", f"{registry.host}/m:v1",
                       "--tensors")["weights"]
    assert weights["bytesTotal"] > 3.9 * GIB
    requests, read = moved(registry)
    assert requests <= 2 * count and read < MIB
    assert (weights["requests"], weights["bytesRead"]) == (requests, read)
    assert weights["verified"] is False
    assert [f["path"] for f in weights["files"]] == sorted(shards)
    assert sum(len(f["tensors"]) for f in weights["files"]) == 40 * count
    total = sum(f["parameters"] for f in weights["files"])
    assert abs(total - 2 * GIB) < 2 * GIB // 100
    assert {f["precision"] for f in weights["files"]} == {"bfloat16"}


def test_a_large_header_is_read_on(serve, who):
    """10,000 tensors: some 900 KB of header in a few requests."""
    head, size = weight_files.header({
        f"model.layers.{i}.mlp.experts.gate_proj.weight": ("F32", [64, 1024])
        for i in range(10000)})
    registry = serve({"model.safetensors": Sparse(head, len(head) + size)})
    f, = who.json("inspect", f"{registry.host}/m:v1",
                  "-t")["weights"]["files"]
    assert len(f["tensors"]) == 10000 and len(head) > 900_000
    requests, read = moved(registry)
    assert requests <= 6 and read <= 2 * len(head) + 65536


def test_two_versions_are_compared_by_their_headers(serve, who):
    a = serve(big_shards(2, 2 * GIB))
    b = serve(big_shards(4, GIB))
    d = who.json("diff", f"{a.host}/m:v1", f"{b.host}/m:v1", "--tensors")
    requests, read = map(sum, zip(moved(a), moved(b)))
    assert (d["requests"], d["bytesRead"]) == (requests, read)
    assert requests <= 12 and read < 2 * MIB


def test_no_graph_s_weights_are_read(serve, who):
    """Between the tensors' names lie their values, which are passed."""
    graph = weight_files.onnx(
        {"x": ("float32", [1, 2])}, {"y": ("float32", [1])},
        [(f"w{i}", 2 * MIB) for i in range(6)])
    registry = serve({"model.onnx": graph})
    f, = who.json("inspect", f"{registry.host}/m:v1",
                  "-t")["weights"]["files"]
    assert [t["name"] for t in f["tensors"]] == [f"w{i}" for i in range(6)]
    assert f["parameters"] == 12 * MIB
    assert [p["name"] for p in f["inputs"]] == ["x"]
    requests, read = moved(registry)
    assert requests <= 10 and read < MIB < 40 * MIB < len(graph)


def test_a_header_that_lies_costs_little(serve, who):
    """H62: 2^40 bytes of header, a terabyte of file."""
    lie = struct.pack("<Q", 1 << 40) + b'{"a":' * 99
    registry = serve({"model.safetensors": Sparse(lie, 1 << 41)})
    error = who.fails(1, "inspect", f"{registry.host}/m:v1", "--tensors")
    assert "'model.safetensors' cannot be read" in error["message"]
    assert moved(registry)[1] <= MIB


def test_a_file_made_of_jumps_is_given_up(binary, box):
    """A graph in fields of 70 KiB: each is another request."""
    field = b"\x7a\x80\xb0\x04" + bytes(70 * 1024)
    registry = Fake()
    try:
        who = Mreg(binary, box / "home")
        name = f"{registry.host}/m"
        write(box / "m/model.onnx", b"\x08\x08" + field * 1100)
        who.run("push", box / "m", name)
        error = who.fails(1, "inspect", name, "-t")
        assert error["code"] == "limit" and "'model.onnx'" in error["message"]
        assert "pull the file" in error["hint"]
        # Beside another it takes nothing from that.
        write(box / "m/w.safetensors", FILE)
        who.run("push", box / "m", name)
        weights = who.json("inspect", name, "-t")["weights"]
        graph, good = weights["files"]
        assert "takes more than" in graph["trouble"] and not graph["tensors"]
        assert [t["name"] for t in good["tensors"]] == ["w"]
        assert weights["requests"] == 1025 and weights["bytesRead"] < 5 * MIB
    finally:
        assert registry.stop() == 0


def test_what_no_name_tells_is_known_by_its_content(binary, box):
    """A pickle is one whatever it is called; what a name tells to be something
    else costs no request."""
    registry = Fake()
    try:
        who = Mreg(binary, box / "home")
        name = f"{registry.host}/m"
        write(box / "m/w.safetensors", FILE)
        write(box / "m/weights.dat", b"\x80\x02cposix\nsystem\n.")
        write(box / "m/extra.sav", b"nothing that is known")
        for other in ("config.json", "vocab.txt", "train.py", "README.md"):
            write(box / "m" / other, b"{}")
        who.run("push", box / "m", name)
        weights = who.json("inspect", name, "-t")["weights"]
        assert [(f["path"], f["format"]) for f in weights["files"]] == [
            ("w.safetensors", "safetensors"), ("weights.dat", "pickle")]
        assert weights["files"][1]["unsafe"] == ["posix system"]
        assert weights["requests"] == 3
        text = who.run("inspect", name, "-t").stdout
        assert "posix system" in text and "extra.sav" not in \
            text[text.index("w.safetensors  safetensors"):]
    finally:
        assert registry.stop() == 0


def test_nothing_is_read_unless_asked_for(serve, who):
    registry = serve(big_shards(2, GIB))
    assert who.json("inspect", f"{registry.host}/m:v1")["weights"] is None
    assert moved(registry) == (0, 0)


# -- registries with ideas of their own ----------------------------------------


FILE = weight_files.safetensors({"w": ("F32", [1 << 18])})  # 1 MiB


@pytest.mark.parametrize("options", [
    {}, {"redirect_blobs": True},
    {"redirect_blobs": True, "redirect_unranged": True},
    {"username": "ada", "password": "s3cret", "bearer": True,
     "redirect_blobs": True},
    {"no_range": True}])
def test_headers_come_from_every_registry(binary, box, options):
    registry = Fake(**options)
    try:
        who = registry.log_in(Mreg(binary, box / "home"))
        write(box / "model/model.safetensors", FILE)
        name = f"{registry.host}/m"
        who.run("push", box / "model", name)
        registry.clear()
        weights = who.json("inspect", name, "--tensors")["weights"]
        assert weights["files"][0]["tensors"][0]["shape"] == [1 << 18]
        assert weights["requests"] == 1 and weights["bytesRead"] == 65536
        assert not registry.leaks()
        if "no_range" not in options:
            asked = [r for r in registry.seen() if kind(r) == "GET blob" and
                     r["range"]]
            assert {r["range"] for r in asked} == {"bytes=0-65535"}
    finally:
        assert registry.stop() == 0


def test_a_registry_without_ranges_is_not_made_to_send_all(binary, box):
    """What lies far behind the start of a file is not had; a comparison does
    without."""
    registry = Fake(no_range=True)
    try:
        who = Mreg(binary, box / "home")
        name = f"{registry.host}/m"
        for dims in ([1], [2]):
            write(box / "model/model.onnx", weight_files.onnx(
                {"x": ("float32", dims)}, {"y": ("float32", [1])},
                [("w", 3 * MIB)]))
            who.run("push", box / "model", name, "--kind", "prompt")
        error = who.fails(9, "inspect", name, "--tensors")
        assert "'model.onnx'" in error["message"]
        assert "sends whole files" in error["cause"]
        assert "pull" in error["hint"]
        r = who.run("diff", f"{name}:v1", f"{name}:v2", "--json")
        assert r.json["interface"] is None and r.json["differ"]
        assert "inputs and outputs of 'model.onnx' cannot be told" in r.stderr
    finally:
        assert registry.stop() == 0


# -- real files -------------------------------------------------------------------


def test_minilm_has_its_parameters(models, at_plain, plain):
    """22,713,216: what the safetensors package counts."""
    name = f"{plain.host}/tensors/minilm"
    at_plain.run("push", models("minilm"), name)
    weights = at_plain.json("inspect", name, "--tensors")["weights"]
    f, = weights["files"]
    assert (f["parameters"], f["precision"]) == (expected(models("minilm")),
                                                 "float32")
    assert len(f["tensors"]) > 100
    shapes = {t["name"]: t["shape"] for t in f["tensors"]}
    assert shapes["embeddings.word_embeddings.weight"] == [30522, 384]
    assert weights["requests"] <= 2 and weights["bytesRead"] < MIB


def expected(folder):
    """Elements of all tensors, by the header as its specification has it."""
    with open(folder / "model.safetensors", "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    total = 0
    for name, tensor in head.items():
        n = 1
        for dim in tensor.get("shape", [0]):
            n *= dim
        total += n if name != "__metadata__" else 0
    return total


def test_a_gguf_file_has_its_quantization(models, at_plain, plain):
    name = f"{plain.host}/tensors/gguf"
    at_plain.run("push", models("gguf"), name)
    f, = at_plain.json("inspect", name, "-t")["weights"]["files"]
    assert (f["format"], f["architecture"], f["quantization"]) == \
        ("gguf", "llama", "Q8_0")
    assert f["contextLength"] == 128 and f["license"] == "apache-2.0"
    assert sum(t["elements"] for t in f["tensors"]) == f["parameters"]


def test_silero_has_inputs_outputs_and_globals(models, at_plain, plain):
    name = f"{plain.host}/tensors/silero"
    at_plain.run("push", models("silero"), name)
    weights = at_plain.json("inspect", name, "--tensors")["weights"]
    files = {f["path"]: f for f in weights["files"]}
    assert not [f["path"] for f in weights["files"] if f["trouble"]]
    graph = files["silero_vad.onnx"]
    assert {p["name"]: p["dtype"] for p in graph["inputs"]} == {
        "input": "float32", "state": "float32", "sr": "int64"}
    assert [p["name"] for p in graph["outputs"]] == ["output", "stateN"]
    assert graph["opset"] >= 15 and graph["producer"]
    script = files["silero_vad.jit"]
    assert script["format"] == "torchscript"
    assert any("__torch__" in g for g in script["globals"])
    assert files["silero_vad_16k.safetensors"]["parameters"] > 100_000
    text = at_plain.run("inspect", name, "-t").stdout
    assert "state float32 [2, " in text and "not verified" in text


# -- where ranges are not served ---------------------------------------------------


@pytest.fixture
def whole():
    registry = Fake(no_range=True)
    yield registry
    registry.stop()


def zip_of(path, size):
    """What has its table at its end, far from the start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("m/data.pkl", b"\x80\x02}q\x00.")
        z.writestr("m/data/0", os.urandom(size))


def test_a_file_that_only_comes_whole_hides_no_other(whole, binary, box):
    who = Mreg(binary, box / "home")
    zip_of(box / "m/big.pt", 20 * MIB)
    write(box / "m/a.safetensors",
          weight_files.safetensors({"w": ("F32", [2, 2])}))
    name = f"{whole.host}/m"
    who.run("push", box / "m", name)
    weights = who.json("inspect", name, "--tensors")["weights"]
    a, big = sorted(weights["files"], key=lambda f: f["path"])
    assert [t["name"] for t in a["tensors"]] == ["w"] and a["trouble"] is None
    assert "whole files" in big["trouble"] and big["tensors"] == []
    assert weights["bytesRead"] < MIB
    # Alone, it is no answer.
    zip_of(box / "p/big.pt", 20 * MIB)
    who.run("push", box / "p", f"{whole.host}/p")
    error = who.fails(9, "inspect", f"{whole.host}/p", "--tensors")
    assert "big.pt" in error["message"] and "pull" in error["hint"]
