"""test_diff.py - mreg diff: files, metadata, tensors, and whether inputs and
outputs became incompatible."""
import json
import pathlib
import pickle
import shutil

import jsonschema
import pytest

from harness import write
from weight_files import onnx, safetensors

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
FILES = {"model.bin": b"weights" * 9, "config.json": b"{}\n",
         "vocab.txt": b"a\nb\n", "run.sh": b"#!/bin/sh\n"}


def push(mreg, folder, files, *words, name="churn"):
    """Exactly these files as the next version; its number."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in files.items():
        write(folder / path, data, executable=path.endswith(".sh"))
    return mreg.json("push", folder, name, *words)["number"]


def validate(result):
    schema = json.loads((SPEC / "schemas/diff.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    return result


def diff(mreg, *words):
    return validate(mreg.json("diff", "churn:v1", "churn:v2", *words))


# -- files ------------------------------------------------------------------------


def test_files_are_added_removed_changed_and_moved(mreg, tmp_path):
    folder = tmp_path / "m"
    push(mreg, folder, {**FILES, "gone.txt": b"gone\n"})
    files = {**FILES, "new.txt": b"new\n", "sub/words.txt": FILES["vocab.txt"],
             "config.json": b'{"a": 1}\n'}
    del files["vocab.txt"]
    push(mreg, folder, files)
    d = diff(mreg)
    assert d["differ"]
    assert {f["path"]: (f["change"], f["was"]) for f in d["files"]} == {
        "config.json": ("changed", None), "gone.txt": ("removed", None),
        "model.bin": ("same", None), "new.txt": ("added", None),
        "run.sh": ("same", None), "sub/words.txt": ("moved", "vocab.txt")}
    row = {f["path"]: f for f in d["files"]}
    assert row["gone.txt"]["b"] is None and row["new.txt"]["a"] is None
    assert (row["config.json"]["a"]["size"], row["config.json"]["b"]["size"]) \
        == (3, 9)
    text = mreg.run("diff", "churn:v1", "churn:v2").stdout
    assert "files: 1 added, 1 removed, 1 changed, 1 moved, 2 the same" in text
    for line in ("  + new.txt  4 B", "  - gone.txt  5 B",
                 "  ~ config.json  3 B -> 9 B",
                 "  > vocab.txt -> sub/words.txt  4 B"):
        assert line in text.splitlines()


def test_the_other_way_round_is_the_reverse(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES)
    push(mreg, tmp_path / "m", {**FILES, "new.txt": b"new\n"})
    there, back = diff(mreg), mreg.json("diff", "churn:v2", "churn:v1")
    assert there["a"] == back["b"] and there["b"] == back["a"]
    assert [f["change"] for f in back["files"] if f["path"] == "new.txt"] == \
        ["removed"]


def test_a_mode_is_a_change(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES)
    (tmp_path / "m/run.sh").chmod(0o644)
    mreg.run("push", tmp_path / "m", "churn")
    row, = [f for f in diff(mreg)["files"] if f["change"] != "same"]
    assert (row["path"], row["change"]) == ("run.sh", "changed")
    assert row["a"]["executable"] and not row["b"]["executable"]
    assert "run.sh  10 B, no longer executable" in \
        mreg.run("diff", "churn:v1", "churn:v2").stdout


def test_empty_files_are_not_moves(mreg, tmp_path):
    push(mreg, tmp_path / "m", {**FILES, "a/__init__.py": b""})
    push(mreg, tmp_path / "m", {**FILES, "b/__init__.py": b""})
    assert {f["change"] for f in diff(mreg)["files"]} == \
        {"same", "added", "removed"}


def test_a_version_does_not_differ_from_itself(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES)
    d = validate(mreg.json("diff", "churn", "churn:v1", "--exit-code"))
    assert not d["differ"] and d["metadata"] == []
    assert "no difference" in mreg.run("diff", "churn", "churn:v1").stdout


def test_the_exit_status_tells_only_when_asked(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES)
    push(mreg, tmp_path / "m", {**FILES, "new.txt": b"new\n"})
    mreg.run("diff", "churn:v1", "churn:v2")
    r = mreg.run("diff", "churn:v1", "churn:v2", "--exit-code", status=1)
    assert r.stderr == "" and "new.txt" in r.stdout


def test_other_models_can_be_compared(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES)
    push(mreg, tmp_path / "m", FILES, name="team/other")
    d = validate(mreg.json("diff", "churn", "team/other"))
    assert (d["a"]["name"], d["b"]["name"]) == ("churn", "team/other")
    assert {f["change"] for f in d["files"]} == {"same"}


def test_a_missing_version_is_not_found(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES)
    assert "v7" in mreg.fails(3, "diff", "churn:v1", "churn:v7")["message"]
    mreg.fails(3, "diff", "churn:v7", "churn:v1")
    mreg.fails(2, "diff", "churn:v1")


# -- metadata ---------------------------------------------------------------------


def test_metadata_is_compared_field_by_field(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES, "--license", "MIT", "--metric",
         "auc=0.91", "--metric", "f1=0.5", "--param", "depth=6", "--tag",
         "team=crm", "--parent", "finetune=hf://acme/base", "--input",
         "train=s3://bucket/rows,license=MIT", "--description", "same")
    push(mreg, tmp_path / "m", FILES, "--license", "Apache-2.0", "--metric",
         "auc=0.93", "--metric", "loss=1", "--param", "depth=8", "--parent",
         "finetune=hf://acme/base2", "--input",
         "train=s3://bucket/rows,license=CC0-1.0", "--description", "same")
    d = diff(mreg)
    assert {(f["section"], f["name"]): (f["a"], f["b"])
            for f in d["metadata"]} == {
        ("metadata", "license"): ("MIT", "Apache-2.0"),
        ("metrics", "auc"): ("0.91", "0.93"),
        ("metrics", "f1"): ("0.5", None),
        ("metrics", "loss"): (None, "1"),
        ("params", "depth"): ("6", "8"),
        ("labels", "team"): ("crm", None),
        ("parents", "finetune hf://acme/base"): ("", None),
        ("parents", "finetune hf://acme/base2"): (None, ""),
        ("inputs", "train s3://bucket/rows"): ("license=MIT",
                                               "license=CC0-1.0")}
    lines = mreg.run("diff", "churn:v1", "churn:v2").stdout.splitlines()
    for line in ("metrics", "  ~ auc: 0.91 -> 0.93 (+0.02)", "  - f1: 0.5",
                 "  + loss: 1", "  ~ license: MIT -> Apache-2.0",
                 "  + finetune hf://acme/base2"):
        assert line in lines


def test_a_text_that_is_long_is_cut_for_people(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES, "--description", "a" * 500)
    push(mreg, tmp_path / "m", FILES, "--description", "b\n" * 250)
    text = mreg.run("diff", "churn:v1", "churn:v2").stdout
    assert max(map(len, text.splitlines())) < 200 and "b\\x0ab" in text
    assert diff(mreg)["metadata"][0]["a"] == "a" * 500


@pytest.mark.parametrize("same", [30, 36, 60, 90, 300])
def test_of_long_texts_what_differs_is_shown(mreg, tmp_path, same):
    """Also where the place to begin is within a character."""
    for end in ("one", "two"):
        push(mreg, tmp_path / "m", FILES, "--description",
             "\u00e4" * same + end)
    line, = [line for line in mreg.run(
        "diff", "churn:v1", "churn:v2").stdout.splitlines()
        if "description" in line]
    a, b = line.split(": ", 1)[1].split(" -> ")
    assert a.endswith("\u00e4one") and b.endswith("\u00e4two")
    assert "\\x" not in line
    assert a.startswith("..." if same > 17 else "\u00e4")


def test_the_name_at_the_end_of_an_address_is_not_told_again(mreg, tmp_path):
    push(mreg, tmp_path / "m", FILES, "--input",
         "train=hf://datasets/eli5,name=eli5", "--input",
         "test=hf://datasets/x,name=y")
    push(mreg, tmp_path / "m", FILES)
    lines = mreg.run("diff", "churn:v1", "churn:v2").stdout.splitlines()
    assert "  - train hf://datasets/eli5" in lines
    assert "  - test hf://datasets/x: name=y" in lines


# -- tensors ----------------------------------------------------------------------


def test_tensors_are_compared_by_name_type_and_shape(mreg, tmp_path):
    one = {"same": ("F32", [2, 2]), "type": ("F32", [4]), "shape": ("F32", [4]),
           "gone": ("F32", [1])}
    two = {"same": ("F32", [2, 2]), "type": ("F16", [4]),
           "shape": ("F32", [2, 2]), "new": ("I8", [3])}
    push(mreg, tmp_path / "m", {"model.safetensors": safetensors(one)})
    push(mreg, tmp_path / "m", {"model.safetensors": safetensors(two)})
    assert diff(mreg)["tensors"] is None
    d = diff(mreg, "--tensors")
    assert d["tensors"]["same"] == 1 and d["tensors"]["verified"] is False
    assert d["requests"] == 2 and d["bytesRead"] > 0
    assert {t["name"]: t["change"] for t in d["tensors"]["changes"]} == {
        "type": "changed", "shape": "changed", "gone": "removed",
        "new": "added"}
    row = {t["name"]: t for t in d["tensors"]["changes"]}
    assert row["type"]["a"]["dtype"] == "F32"
    assert row["shape"]["b"]["shape"] == [2, 2]
    assert row["gone"]["b"] is None
    lines = mreg.run("diff", "churn:v1", "churn:v2", "-t").stdout.splitlines()
    for line in ("tensors: 4 differ, 1 the same",
                 "  ~ type: F32 [4] -> F16 [4]", "  - gone: F32 [1]",
                 "  + new: I8 [3]"):
        assert line in lines
    assert lines[-1].endswith("in 2 requests; not verified")


def test_shards_cut_otherwise_are_the_same_tensors(mreg, tmp_path):
    t = {f"t{i}": ("F32", [i + 1]) for i in range(4)}

    def cut(n):
        names = list(t)
        return {f"model-{i + 1:05}-of-{n:05}.safetensors": safetensors(
            {k: t[k] for k in names[i::n]}) for i in range(n)}

    push(mreg, tmp_path / "m", cut(2))
    push(mreg, tmp_path / "m", cut(4))
    d = diff(mreg, "--tensors")
    assert d["tensors"] == {"verified": False, "same": 4, "changes": [],
                            "untold": []}
    push(mreg, tmp_path / "m", {"model.safetensors": safetensors(t)})
    d = mreg.json("diff", "churn:v2", "churn:v3", "-t")
    assert d["tensors"]["same"] == 4


def test_files_that_list_no_tensors_are_told(mreg, tmp_path):
    w = {"model.safetensors": safetensors({"w": ("F32", [1])})}
    push(mreg, tmp_path / "m", {**w, "a.pkl": pickle.dumps([1])})
    push(mreg, tmp_path / "m", {**w, "a.pkl": pickle.dumps([2]),
                                "b.pkl": pickle.dumps([3])})
    d = diff(mreg, "--tensors")
    assert d["tensors"]["untold"] == ["a.pkl", "b.pkl"]
    text = mreg.run("diff", "churn:v1", "churn:v2", "-t").stdout
    assert "\n  no tensors are told by a.pkl, b.pkl\n" in text


def test_a_file_under_one_path_is_compared_with_itself(mreg, tmp_path):
    """Two files of one format with the same names in them."""
    def files(dtype):
        return {"small.safetensors": safetensors({"w": ("F32", [1])}),
                "large.safetensors": safetensors({"w": (dtype, [9])})}

    push(mreg, tmp_path / "m", files("F32"))
    push(mreg, tmp_path / "m", files("F16"))
    d = diff(mreg, "--tensors")
    assert d["tensors"]["same"] == 1
    row, = d["tensors"]["changes"]
    assert (row["path"], row["b"]["dtype"]) == ("large.safetensors", "F16")


def test_a_name_in_several_files_is_told_with_the_file(mreg, tmp_path):
    def files(*names, dtype="F32"):
        return {f"{name}.safetensors": safetensors({"w": (dtype, [2])})
                for name in names}

    def lines(a, b):
        words = ("diff", f"churn:v{a}", f"churn:v{b}", "-t")
        told.append(validate(mreg.json(*words))["tensorsByFile"])
        text = mreg.run(*words).stdout
        return [x for x in text.splitlines() if "F32 [2]" in x]

    told = []
    push(mreg, tmp_path / "m", {"notes.txt": b"none\n"})
    push(mreg, tmp_path / "m", files("b", "a"))
    push(mreg, tmp_path / "m", files("a"))
    push(mreg, tmp_path / "m", files("a", dtype="F16"))
    push(mreg, tmp_path / "m", files("a", "b", dtype="F16"))
    assert lines(1, 2) == ["  + w in a.safetensors: F32 [2]",
                           "  + w in b.safetensors: F32 [2]"]
    assert lines(2, 5) == ["  ~ w in a.safetensors: F32 [2] -> F16 [2]",
                           "  ~ w in b.safetensors: F32 [2] -> F16 [2]"]
    # With one file nothing else is meant.
    assert lines(1, 3) == ["  + w: F32 [2]"]
    assert told == [True, True, False]
    assert not mreg.json("diff", "churn:v1", "churn:v2")["tensorsByFile"]
    assert lines(3, 4) == ["  ~ w: F32 [2] -> F16 [2]"]


def test_a_broken_file_is_named(mreg, tmp_path):
    push(mreg, tmp_path / "m", {"model.safetensors": safetensors({})})
    broken = (1 << 40).to_bytes(8, "little") + b"{}" + b" " * 64
    push(mreg, tmp_path / "m", {"model.safetensors": broken})
    diff(mreg)
    error = mreg.fails(1, "diff", "churn:v1", "churn:v2", "--tensors")
    assert "'model.safetensors' of 'churn' cannot be read" in error["message"]


# -- inputs and outputs -----------------------------------------------------------


def column(name, type="double", **more):
    return {"name": name, "type": type, **more}


def tensor(name, dtype, shape):
    return {"name": name, "type": "tensor",
            "tensor-spec": {"dtype": dtype, "shape": shape}}


def interface(mreg, folder, a, b):
    """What the second signature does to who calls the first."""
    for signature in (a, b):
        push(mreg, folder, FILES, "--signature", json.dumps(signature))
    found = diff(mreg)["interface"]
    assert found["source"] == "signature"
    assert found["compatible"] == \
        (not any(c["incompatible"] for c in found["changes"]))
    return found


IN = [column("age", "long"), column("name", "string", required=False)]
OUT = [column("score")]
BREAKING = {
    "an input is gone": (IN[:1], OUT, "input", "name", "it is gone"),
    "a new input must be given": (
        IN + [column("city", "string")], OUT, "input", "city",
        "it is new and must be given"),
    "an input must be given now": (
        [IN[0], column("name", "string")], OUT, "input", "name",
        "it must be given now"),
    "an input has another type": (
        [column("age", "double"), IN[1]], OUT, "input", "age",
        "its type is 'double', was 'long'"),
    "an output is gone": (IN, [], "output", "score", "it is gone"),
    "an output has another type": (
        IN, [column("score", "float")], "output", "score",
        "its type is 'float', was 'double'"),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_breaks_the_caller_is_incompatible(mreg, tmp_path, what):
    inputs, outputs, side, name, problem = BREAKING[what]
    found = interface(mreg, tmp_path / "m", {"inputs": IN, "outputs": OUT},
                      {"inputs": inputs, "outputs": outputs})
    assert not found["compatible"]
    assert found["changes"] == [{"side": side, "name": name,
                                 "problem": problem, "incompatible": True}]
    text = mreg.run("diff", "churn:v1", "churn:v2").stdout
    assert "inputs and outputs: INCOMPATIBLE, by the signatures" in text
    assert f"  ! {side} '{name}': {problem}" in text.splitlines()


HARMLESS = {
    "a new input may be left out": (
        IN + [column("city", "string", required=False)], OUT),
    "an input may be left out": (
        [column("age", "long", required=False), IN[1]], OUT),
    "a new output": (IN, OUT + [column("why", "string")]),
    "another order": (IN[::-1], OUT),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_not_is_compatible(mreg, tmp_path, what):
    inputs, outputs = HARMLESS[what]
    found = interface(mreg, tmp_path / "m", {"inputs": IN, "outputs": OUT},
                      {"inputs": inputs, "outputs": outputs})
    assert found["compatible"]
    assert "INCOMPATIBLE" not in mreg.run("diff", "churn:v1",
                                          "churn:v2").stdout


@pytest.mark.parametrize("a, b, side, breaks", [
    ([-1, 4], [-1, 4, 1], "inputs", True),
    ([-1, 4], [-1, 5], "inputs", True),
    ([-1, 4], [1, 4], "inputs", True),
    ([1, 4], [-1, 4], "inputs", False),
    ([-1, 384], [-1, 768], "outputs", True),
    ([-1, 384], [8, 384], "outputs", False),
    ([-1], [-1, 1], "outputs", True)])
def test_ranks_and_fixed_sizes_count(mreg, tmp_path, a, b, side, breaks):
    one, two = ({side: [tensor("x", "float32", s)]} for s in (a, b))
    found = interface(mreg, tmp_path / "m", one, two)
    assert found["compatible"] == (not breaks)
    problem = found["changes"][0]["problem"]
    shown = [str(s).replace("-1", "?") for s in (b, a)]
    assert problem == f"its shape is {shown[0]}, was {shown[1]}"


def test_nested_types_and_parameters_count(mreg, tmp_path):
    def signature(item, params):
        return {"inputs": [{"name": "x", "type": "array", "items": item}],
                "params": params}

    found = interface(
        mreg, tmp_path / "m",
        signature({"type": "long"}, [{"name": "k", "type": "long",
                                      "default": 3, "shape": None}]),
        signature({"type": "string"}, [{"name": "t", "type": "double",
                                        "default": 0, "shape": None}]))
    assert {(c["side"], c["name"], c["incompatible"])
            for c in found["changes"]} == {
        ("input", "x", True), ("param", "k", True), ("param", "t", False)}


def test_lists_without_names_go_by_place(mreg, tmp_path):
    found = interface(mreg, tmp_path / "m",
                      {"inputs": [{"type": "long"}, {"type": "double"}]},
                      {"inputs": [{"type": "long"}]})
    assert [c["name"] for c in found["changes"]] == ["#2"]


@pytest.mark.parametrize("a, b", [
    ({"inputs": IN}, None), (None, {"inputs": IN}), (None, None),
    ([1, 2], {"inputs": IN}), ({"x": 1}, {"x": 2}),
    ({"inputs": [1]}, {"inputs": IN})])
def test_what_is_not_told_is_not_known(mreg, tmp_path, a, b):
    for n, signature in enumerate((a, b)):
        words = ["--signature", json.dumps(signature)] if signature else []
        push(mreg, tmp_path / "m", {**FILES, "n.txt": str(n)}, *words)
    assert diff(mreg)["interface"] is None
    assert "inputs and outputs: not known" in \
        mreg.run("diff", "churn:v1", "churn:v2").stdout


# Nothing is read from its files: as others' versions have no signature.
BARE = ["--kind", "prompt"]


def test_a_graph_tells_where_no_signature_does(mreg, tmp_path):
    ids, logits = {"ids": ("int64", ["n", 128])}, {"y": ("float32", ["n", 2])}
    push(mreg, tmp_path / "m", {"model.onnx": onnx(ids, logits)}, *BARE)
    push(mreg, tmp_path / "m", {"model.onnx": onnx(
        {**ids, "mask": ("int64", ["n", 128])},
        {"y": ("float16", ["n", 2])})}, *BARE)
    d = diff(mreg)
    assert d["interface"]["source"] == "graph" and d["requests"] == 2
    assert {(c["side"], c["name"], c["problem"])
            for c in d["interface"]["changes"]} == {
        ("input", "mask", "it is new and must be given"),
        ("output", "y", "its type is 'float16', was 'float32'")}
    assert not d["interface"]["compatible"]
    # With the tensors it is read once.
    assert diff(mreg, "--tensors")["requests"] == 2


def test_a_graph_that_did_not_change_is_not_read(mreg, tmp_path):
    graph = onnx({"x": ("float32", [1])}, {"y": ("float32", [1])})
    push(mreg, tmp_path / "m", {"model.onnx": graph}, *BARE)
    push(mreg, tmp_path / "m", {"model.onnx": graph, "new.txt": b"new\n"},
         *BARE)
    d = diff(mreg)
    assert d["interface"] == {"source": "graph", "compatible": True,
                              "changes": []}
    assert d["requests"] == 0


@pytest.mark.parametrize("words", [BARE, []])
def test_several_graphs_are_told_apart(mreg, tmp_path, words):
    """Also where the signature is that of one of them."""
    def files(dims):
        return {"a.onnx": onnx({"x": ("float32", [1])}, {"y": ("int64", [1])}),
                "b/b.onnx": onnx({"x": ("float32", dims)},
                                 {"y": ("int64", [1])})}

    push(mreg, tmp_path / "m", files([1]), *words)
    push(mreg, tmp_path / "m", files([2]), *words)
    d = diff(mreg)
    assert "b/b.onnx: x" in [c["name"] for c in d["interface"]["changes"]]
    assert not d["interface"]["compatible"]
    assert d["requests"] == 2


def test_the_only_graph_of_each_is_compared_whatever_its_name(mreg, tmp_path):
    push(mreg, tmp_path / "m",
         {"v1.onnx": onnx({"x": ("float32", [1])}, {})}, *BARE)
    push(mreg, tmp_path / "m",
         {"v2.onnx": onnx({"z": ("float32", [1])}, {})}, *BARE)
    found = diff(mreg)["interface"]
    assert {c["name"] for c in found["changes"]} == {"x", "z"}
    assert not found["compatible"]


def test_a_graph_that_cannot_be_read_is_told(mreg, tmp_path):
    push(mreg, tmp_path / "m", {"model.onnx": onnx({"x": ("int64", [1])}, {})})
    push(mreg, tmp_path / "m", {"model.onnx": b"\x3a\xff\xff\xff\x7f" * 99})
    r = mreg.run("diff", "churn:v1", "churn:v2", "--json")
    assert validate(r.json)["interface"] is None
    assert "'model.onnx' cannot be told" in r.stderr


def test_what_is_not_looked_at_is_no_broken_file(mreg, tmp_path):
    for version in (b"1", b"2"):
        push(mreg, tmp_path / "m", {
            "model.pt": b"7z\274\257\047\034" + version * 64}, *BARE)
    error = mreg.fails(1, "diff", "churn:v1", "churn:v2", "--tensors")
    assert error["code"] == "limit"
    assert "'model.pt' of 'churn' cannot be read" in error["message"]
    assert "it may be right" in error["hint"]


# -- the sample -------------------------------------------------------------------


def test_the_sample_fits():
    sample = json.loads((SPEC / "samples/diff.json").read_text())
    assert validate(sample)["interface"] and sample["tensors"]


@pytest.mark.parametrize("change", [
    {"schema": "mreg.diff/2"}, {"a": None}, {"differ": None},
    {"files": [{"path": "a", "change": "new"}]}, {"metadata": [{}]},
    {"tensors": {}}, {"interface": {"source": "guess"}}, {"requests": -1}])
def test_what_is_wrong_does_not_fit(change):
    sample = json.loads((SPEC / "samples/diff.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        validate({**sample, **change})
