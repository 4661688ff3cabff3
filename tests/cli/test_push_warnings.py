"""test_push_warnings.py - what push warns of in a model's files, and what gives
no reason to."""
import gzip
import json
import pickle
import zipfile

import pytest

import hub
from hub import warnings


@pytest.fixture
def folder(tmp_path):
    return hub.folder(tmp_path / "hub")


def test_a_pickle_that_runs_something_is_told(mreg, model):
    (model / "extra.pkl").write_bytes(pickle.dumps(hub.Opens(), 2))
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
    (model / name).write_bytes(pickle.dumps(hub.Opens(), 2))
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
