"""test_inspect.py - mreg inspect in full: what weight files say, files,
config, the manifest's bytes, what is attached."""
import hashlib
import json
import pathlib

import jsonschema
import pytest

from harness import write
from weight_files import onnx, safetensors

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
FILES = {
    "model.safetensors": safetensors(
        {"encoder.weight": ("F32", [4, 3]), "encoder.bias": ("F16", [4])},
        {"format": "pt"}),
    "config.json": b'{"model_type": "bert"}\n',
    "README.md": b"# Churn\n",
    "run.sh": b"#!/bin/sh\n",
}


@pytest.fixture
def churn(mreg, tmp_path):
    """Digest of churn:v1."""
    return push(mreg, tmp_path / "churn", FILES)


def push(mreg, folder, files, name="churn"):
    for path, data in files.items():
        write(folder / path, data, executable=path.endswith(".sh"))
    return mreg.json("push", folder, name)["digest"]


def validate(result, name="inspect"):
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    return result


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# -- what weight files say ----------------------------------------------------------


def test_tensors_are_told_by_name_type_and_shape(mreg, churn):
    weights = validate(mreg.json("inspect", "churn", "--tensors"))["weights"]
    assert weights["verified"] is False
    assert weights["bytesTotal"] == len(FILES["model.safetensors"])
    assert weights["requests"] == 1
    assert 0 < weights["bytesRead"] <= weights["bytesTotal"]
    f = weights["files"][0]
    assert (f["path"], f["format"], f["trouble"]) == \
        ("model.safetensors", "safetensors", None)
    assert f["digest"] == sha256(FILES["model.safetensors"])
    assert (f["parameters"], f["precision"]) == (16, "float32")
    assert {t["name"]: (t["dtype"], t["shape"], t["elements"], t["bytes"])
            for t in f["tensors"]} == {
        "encoder.weight": ("F32", [4, 3], 12, 48),
        "encoder.bias": ("F16", [4], 4, 8)}
    assert f["metadata"] == {"format": "pt"}


def test_people_read_the_same(mreg, churn):
    text = mreg.run("inspect", "churn", "--tensors").stdout
    lines = [line.split() for line in text.splitlines()]
    assert ["F32", "[4,", "3]", "encoder.weight"] in lines
    assert ["F16", "[4]", "encoder.bias"] in lines
    assert ["parameters", "16"] in lines
    assert ["metadata", "format", "=", "pt"] in lines
    last = text.splitlines()[-1]
    assert last.startswith("1 weight file, ") and "in 1 request" in last
    assert last.endswith("not verified")
    # Nothing of the rest.
    assert "digest" not in text and "README.md" not in text


def test_a_graph_has_inputs_and_outputs(mreg, tmp_path):
    push(mreg, tmp_path / "g", {"model.onnx": onnx(
        {"ids": ("int64", ["batch", 128]), "any": ("string", None)},
        {"logits": ("float32", ["batch", 2])}, [("w", 5000)])}, "g")
    f = validate(mreg.json("inspect", "g", "-t"))["weights"]["files"][0]
    assert (f["format"], f["producer"], f["opset"]) == ("onnx", "by hand", 17)
    assert {p["name"]: (p["dtype"], p["shape"]) for p in f["inputs"]} == {
        "ids": ("int64", ["batch", 128]), "any": ("string", None)}
    assert [(p["name"], p["dtype"], p["shape"]) for p in f["outputs"]] == [
        ("logits", "float32", ["batch", 2])]
    text = mreg.run("inspect", "g", "-t").stdout
    assert "ids int64 [batch, 128]" in text
    assert "any string\n" in text


def test_every_shard_is_told(mreg, tmp_path):
    names = [f"model-{n:05}-of-00003.safetensors" for n in (1, 2, 3)]
    push(mreg, tmp_path / "s",
         {name: safetensors({f"t{i}": ("BF16", [2, i + 1])})
          for i, name in enumerate(names)}, "s")
    weights = mreg.json("inspect", "s", "-t")["weights"]
    assert [f["path"] for f in weights["files"]] == names
    assert [f["tensors"][0]["name"] for f in weights["files"]] == \
        ["t0", "t1", "t2"]
    assert weights["requests"] == 3


BROKEN = {
    "length": (1 << 63).to_bytes(8, "little") + b"{}" + b" " * 64,
    "json": (16).to_bytes(8, "little") + b"{not json at all" + b" " * 64,
    "hole": (64).to_bytes(8, "little") + json.dumps(
        {"w": {"dtype": "I8", "shape": [4], "data_offsets": [4, 8]}}
    ).encode().ljust(64) + b"\0" * 8,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_header_is_an_error_that_names_the_file(mreg, tmp_path, how):
    """H60, H62."""
    push(mreg, tmp_path / "b", {"dir/model.safetensors": BROKEN[how]}, "b")
    error = mreg.fails(1, "inspect", "b", "--tensors")
    assert error["code"] == "format" and error["hint"]
    assert error["message"].startswith(
        "'dir/model.safetensors' cannot be read: ")
    # Only who asks for it is told.
    assert mreg.json("inspect", "b")["weights"] is None


def test_one_broken_file_among_others_is_told(mreg, tmp_path):
    push(mreg, tmp_path / "b", {"a.safetensors": BROKEN["hole"],
                                "b.safetensors": FILES["model.safetensors"]},
         "b")
    a, b = validate(mreg.json("inspect", "b", "-t"))["weights"]["files"]
    assert a["trouble"] and a["tensors"] == [] and a["parameters"] is None
    assert b["trouble"] is None and len(b["tensors"]) == 2
    text = mreg.run("inspect", "b", "-t").stdout
    assert f"cannot be read {a['trouble']}\n" in text


SEVEN_ZIP = b"7z\274\257\047\034" + b"\0" * 64


def test_what_is_not_looked_at_is_no_broken_file(mreg, tmp_path):
    push(mreg, tmp_path / "z", {"model.pt": SEVEN_ZIP}, "z")
    error = mreg.fails(1, "inspect", "z", "-t")
    assert error["code"] == "limit"
    assert "it may be right" in error["hint"]


def test_what_may_be_no_weights_does_not_fail_a_version(mreg, tmp_path):
    push(mreg, tmp_path / "o", {"model.bin": b"\1\2\3\4" * 99,
                                "images.pack": SEVEN_ZIP}, "o")
    files = validate(mreg.json("inspect", "o", "-t"))["weights"]["files"]
    told = {f["path"]: f["trouble"] for f in files}
    assert told["model.bin"] is None
    assert "7z archive" in told["images.pack"]


def test_what_is_in_no_known_format_is_no_error(mreg, model, pushed):
    f, = mreg.json("inspect", "churn", "-t")["weights"]["files"]
    assert (f["path"], f["format"], f["trouble"]) == ("model.bin", None, None)
    assert "a format that is not read" in \
        mreg.run("inspect", "churn", "-t").stdout


def test_a_version_without_weights_is_no_error(mreg, tmp_path):
    push(mreg, tmp_path / "p", {"prompt.txt": b"Be brief.\n"}, "p")
    assert mreg.json("inspect", "p", "-t")["weights"]["files"] == []
    assert mreg.run("inspect", "p", "-t").stdout == "no weight files\n"


def test_a_name_moves_no_cursor(mreg, tmp_path):
    push(mreg, tmp_path / "e", {"model.safetensors": safetensors(
        {"\x1b[2Jw\u202e": ("I8", [1])}, {"k\x07": "a\nb"})}, "e")
    text = mreg.run("inspect", "e", "--tensors").stdout
    assert not any(c in text for c in "\x1b\x07\u202e")
    assert "\\x1b[2Jw\\u{202e}" in text and "a\\x0ab" in text
    t = mreg.json("inspect", "e", "-t")["weights"]["files"][0]["tensors"]
    assert t[0]["name"] == "\x1b[2Jw\u202e"


# -- files, config, raw ---------------------------------------------------------------


def test_files_come_with_digest_size_and_role(mreg, churn):
    lines = mreg.run("inspect", "churn", "--files").stdout.splitlines()
    assert len(lines) == len(FILES)
    for line in lines:
        words = line.split()
        data = FILES[words[3]]
        assert words[:2] == [sha256(data), str(len(data))]
        assert (words[4:] == ["*"]) == (words[3] == "run.sh")
    assert lines[0].split()[2:] == ["weight", "model.safetensors"]


def test_the_manifest_is_printed_byte_for_byte(mreg, churn):
    text = mreg.run("inspect", "churn", "--raw").stdout
    assert sha256(text.encode()) == churn
    assert mreg.run("inspect", f"churn@{churn}", "--raw").stdout == text
    assert validate(mreg.json("inspect", "churn", "--raw"))["raw"] == text
    config = mreg.run("inspect", "churn", "--raw", "--config").stdout
    assert sha256(config.encode()) == json.loads(text)["config"]["digest"]


def test_the_config_is_printed_for_people(mreg, churn):
    raw = mreg.run("inspect", "churn", "--raw", "--config").stdout
    pretty = mreg.run("inspect", "churn", "--config").stdout
    assert json.loads(pretty) == json.loads(raw)
    assert pretty.startswith("{\n  \"")
    assert validate(mreg.json("inspect", "churn", "-c"))["config"] == \
        json.loads(raw)
    assert mreg.json("inspect", "churn")["config"] is None


ODD = (b'{"lr": 0.1,\t"f":0.910,"big":0.12345678901234567890123,"e":[ ],'
       b'"s":"a\\"{,\\\\","n":[{},[1E5,-0.0]],"last":null }\n')


def with_config(layout, config):
    """Puts version x:odd into a layout, with these bytes as its config."""
    layer = b"weights"
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/x-odd",
        "config": {"mediaType": "application/x-odd+json",
                   "digest": sha256(config), "size": len(config)},
        "layers": [{"mediaType": "application/octet-stream",
                    "digest": sha256(layer), "size": len(layer),
                    "annotations": {
                        "org.opencontainers.image.title": "w.bin"}}]}).encode()
    for data in (config, layer, manifest):
        write(layout / "blobs/sha256" / sha256(data).split(":")[1], data)
    doc = json.loads((layout / "index.json").read_text())
    doc["manifests"].append({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": sha256(manifest), "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": "odd"}})
    (layout / "index.json").write_text(json.dumps(doc))


def test_a_config_keeps_its_texts(mreg, store, churn):
    with_config(next(store.rglob("oci-layout")).parent, ODD)
    text = mreg.run("inspect", "churn:odd", "--config").stdout
    assert text == '''{
  "lr": 0.1,
  "f": 0.910,
  "big": 0.12345678901234567890123,
  "e": [],
  "s": "a\\"{,\\\\",
  "n": [
    {},
    [
      1E5,
      -0.0
    ]
  ],
  "last": null
}
'''
    r = mreg.run("inspect", "churn:odd", "--config", "--json")
    assert '"config":{"lr":0.1,"f":0.910,"big":0.12345678901234567890123,' \
        '"e":[],' in r.stdout and "\n" not in r.stdout.strip()
    assert validate(r.json)["config"]["f"] == 0.91


@pytest.mark.parametrize("config, shown", [
    (b"\xff" * 5000, "\\xff" * 5000),
    (b"before\0behind", "before\0behind"),
    (b"\xffbefore\0behind", "\\xffbefore\\x00behind"),
])
def test_a_config_that_is_no_json_is_told_whole(mreg, store, churn, config,
                                                shown):
    with_config(next(store.rglob("oci-layout")).parent, config)
    assert mreg.json("inspect", "churn:odd", "--config")["config"] == shown


def test_what_is_asked_for_together_comes_one_after_the_other(mreg, churn):
    r = mreg.run("inspect", "churn", "--config", "--tensors", "--files")
    parts = [mreg.run("inspect", "churn", f"--{what}").stdout
             for what in ("files", "tensors", "config")]
    assert r.stdout == "\n".join(parts)


@pytest.mark.parametrize("other", ["--tensors", "--files"])
def test_raw_goes_with_config_alone(mreg, churn, other):
    r = mreg.run("inspect", "churn", "--raw", other, status=2)
    assert r.stdout == "" and "hint: " in r.stderr
    assert f"--raw and {other} cannot go together" in r.stderr
    # A document has room for all.
    assert mreg.json("inspect", "churn", "--raw", other)["raw"]


def test_raw_takes_any_manifest(mreg, store, churn):
    """An index too, which is no model."""
    layout = next(store.rglob("oci-layout")).parent
    index = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": []}).encode()
    write(layout / "blobs/sha256" / sha256(index).split(":")[1], index)
    doc = json.loads((layout / "index.json").read_text())
    doc["manifests"].append({
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": sha256(index), "size": len(index),
        "annotations": {"org.opencontainers.image.ref.name": "all"}})
    (layout / "index.json").write_text(json.dumps(doc))
    assert mreg.run("inspect", "churn:all", "--raw").stdout.encode() == index
    error = mreg.fails(9, "inspect", "churn:all", "--tensors")
    assert "is an index of 0 manifests" in error["message"]
    r = mreg.run("inspect", "churn:all", "--raw", "--config", status=9)
    assert "no config" in r.stderr


def test_an_index_lists_its_manifests(mreg, store, churn):
    layout = next(store.rglob("oci-layout")).parent
    one = {"mediaType": "application/vnd.oci.image.manifest.v1+json",
           "digest": churn, "size": next(
               store.rglob(churn.split(":")[1])).stat().st_size}
    index = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {**one, "platform": {"os": "linux", "architecture": "arm64"},
             "annotations": {"quantization": "q4\033[2J"}}]}).encode()
    write(layout / "blobs/sha256" / sha256(index).split(":")[1], index)
    doc = json.loads((layout / "index.json").read_text())
    doc["manifests"].append({
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": sha256(index), "size": len(index),
        "annotations": {"org.opencontainers.image.ref.name": "all"}})
    (layout / "index.json").write_text(json.dumps(doc))
    r = validate(mreg.json("inspect", "churn:all"))
    child, = r["children"]
    assert (child["digest"], child["size"]) == (churn, one["size"])
    assert child["labels"] == ["os=linux", "architecture=arm64",
                               "quantization=q4\033[2J"]
    assert r["digest"] == sha256(index) and r["files"] == []
    text = mreg.run("inspect", "churn:all").stdout
    assert f"\nan index of 1 manifest; " in text
    assert f"\n  {churn}\n    os=linux\n    architecture=arm64\n" \
        "    quantization=q4\\x1b[2J\n" in text
    assert mreg.json("inspect", "churn")["children"] is None
    assert "'mreg inspect' of it lists them" in \
        mreg.fails(9, "card", "churn:all")["hint"]


# -- what is attached -------------------------------------------------------------------


def test_what_is_attached_is_listed(mreg, churn, tmp_path):
    assert validate(mreg.json("inspect", "churn"))["attached"] == []
    write(tmp_path / "report.json", b'{"fair": true}')
    mreg.run("attach", "churn", tmp_path / "report.json", "--type",
             "bias-report", "--title", "Bias by region")
    row, = validate(mreg.json("inspect", "churn"))["attached"]
    assert (row["kind"], row["title"]) == ("bias-report", "Bias by region")
    assert row["files"] == ["report.json"] and row["bytes"] == 14
    text = mreg.run("inspect", "churn").stdout
    assert text.split("\nattached\n")[1].splitlines()[:2] == [
        "  bias-report  Bias by region  report.json",
        "    " + row["digest"]]
    assert (row["suite"], row["passed"], row["metrics"]) == (None, None, {})
    # By that digest it is read.
    mreg.run("pull", f"churn@{row['digest']}", "-o", tmp_path / "read")
    assert (tmp_path / "read/report.json").read_bytes() == b'{"fair": true}'
    # It is about this version alone.
    write(tmp_path / "churn/config.json", b"{}")
    mreg.run("push", tmp_path / "churn", "churn")
    assert mreg.json("inspect", "churn:v2")["attached"] == []


def test_a_title_that_is_the_files_name_is_told_once(mreg, churn, tmp_path):
    write(tmp_path / "bias.md", "fair\n")
    mreg.run("attach", "churn", tmp_path / "bias.md", "--type", "bias-report")
    text = mreg.run("inspect", "churn").stdout
    assert text.count("bias.md") == 1


def test_an_evaluation_tells_its_verdict(mreg, churn):
    mreg.run("evaluate", "churn", "--suite", "holdout", "--pass", "--metric",
             "auc=0.910")
    mreg.run("evaluate", "churn", "--suite", "fair", "--fail")
    rows = {row["suite"]: row
            for row in validate(mreg.json("inspect", "churn"))["attached"]}
    assert (rows["holdout"]["passed"], rows["fair"]["passed"]) == (True, False)
    assert rows["holdout"]["metrics"] == {"auc": "0.910"}
    text = mreg.run("inspect", "churn").stdout
    assert "  evaluation  holdout: passed, auc=0.910  evaluation.json  " in text
    assert "  evaluation  fair: failed  evaluation.json  " in text


def test_an_evaluation_tells_its_data(mreg, churn):
    digest = "sha256:" + "ab" * 32
    mreg.run("evaluate", "churn", "--suite", "fair", "--fail", "--dataset",
             f"german@{digest}", "-m", "auc=0.2")
    mreg.run("evaluate", "churn", "--suite", "fair", "--pass", "--dataset",
             "tiny")
    rows = {row["dataset"]: row
            for row in validate(mreg.json("inspect", "churn"))["attached"]}
    assert rows["german"]["datasetDigest"] == digest
    assert rows["tiny"]["datasetDigest"] is None
    text = mreg.run("inspect", "churn").stdout
    assert "  evaluation  fair on german: failed, auc=0.2  evalu" in text
    assert "  evaluation  fair on tiny: passed  evaluation.json  " in text


def test_a_document_tells_what_it_is_of(mreg, churn, tmp_path):
    r = validate(mreg.json("inspect", "churn"))
    assert (r["document"], r["subject"]) == (None, None)
    write(tmp_path / "report.json", b'{"fair": true}')
    mreg.run("attach", "churn", tmp_path / "report.json", "--type",
             "bias-report", "--title", "Bias by region")
    row, = mreg.json("inspect", "churn")["attached"]
    r = validate(mreg.json("inspect", f"churn@{row['digest']}"))
    assert r["document"] == row and r["attached"] == []
    assert r["subject"] == {"digest": churn, "number": 1, "version": "v1"}
    lines = mreg.run("inspect", f"churn@{row['digest']}").stdout.splitlines()
    assert lines[1:4] == [
        "digest         " + row["digest"],
        "document       bias-report  Bias by region  report.json",
        "of             v1 " + churn]
    assert "\ndocument " not in mreg.run("inspect", "churn").stdout
    # A document about a document, which is no version.
    mreg.run("attach", f"churn@{row['digest']}", tmp_path / "report.json",
             "--type", "application/x.note")
    note, = mreg.json("inspect", f"churn@{row['digest']}")["attached"]
    r = validate(mreg.json("inspect", f"churn@{note['digest']}"))
    assert r["subject"] == {"digest": row["digest"], "number": None,
                            "version": None}
    lines = mreg.run("inspect", f"churn@{note['digest']}").stdout.splitlines()
    assert lines[2:4] == ["document       application/x.note  report.json",
                          "of             " + row["digest"]]


def test_an_evaluation_tells_its_first_numbers(mreg, churn):
    mreg.run("evaluate", "churn", "--suite", "h", "--pass", "--metric", "d=4",
             "--metric", "c=3", "--metric", "b=2", "--metric", "a=1")
    assert "  evaluation  h: passed, a=1, b=2, c=3, ...  evaluation.json  " \
        in mreg.run("inspect", "churn").stdout


def test_a_document_in_a_value_is_cut(mreg, tmp_path):
    """What modctl notes, and a signature, are pages."""
    signature = json.dumps({"inputs": [
        {"name": f"column{i}", "type": "double"} for i in range(20)]})
    write(tmp_path / "m/model.bin", b"weights\n")
    mreg.run("push", tmp_path / "m", "long", "--signature", signature,
             "--annotation", "com.example.page=" + "line\n" * 99, "--param",
             "path=" + "p" * 99)
    lines = mreg.run("inspect", "long").stdout.splitlines()
    page, = [x for x in lines if x.startswith("  com.example.page = line")]
    told, = [x for x in lines if x.startswith("signature ")]
    for line in (page, told):
        assert line.endswith("...") and len(line) < 100
    # What is one value is whole.
    at = lines.index("params")
    assert lines[at + 1] == "  path = " + "p" * 99
    r = mreg.json("inspect", "long")
    assert r["annotations"]["com.example.page"] == "line\n" * 99
    assert json.loads(r["metadata"]["signature"]) == json.loads(signature)


def test_terms_of_data_are_told(mreg, tmp_path):
    write(tmp_path / "d/model.bin", b"weights")
    mreg.run("push", tmp_path / "d", "d", "--input",
             "train=hf://datasets/x,classification=internal,consent=granted,"
             "license=MIT", "--input", "test=s3://b/rows")
    lines = mreg.run("inspect", "d").stdout.splitlines()
    assert "  train hf://datasets/x, MIT, internal, consent granted" in lines
    assert "  test s3://b/rows" in lines


def test_an_attached_document_that_is_gone_is_counted(mreg, store, churn,
                                                      tmp_path):
    write(tmp_path / "report.json", b"{}")
    mreg.run("attach", "churn", tmp_path / "report.json", "--type",
             "bias-report")
    digest = mreg.json("inspect", "churn")["attached"][0]["digest"]
    blob = next(store.rglob(digest.split(":")[1]))
    blob.chmod(0o644)
    blob.write_bytes(b"{}")
    who = mreg.clone(tmp_path / "other")  # who has not read it before
    r = who.run("inspect", "churn", "--json")
    assert r.json["attached"] == [] and r.json["attachedUnread"] <= 1
    assert r.json["digest"] == churn


def test_a_long_value_is_cut_for_people(mreg, tmp_path):
    """H63: a chat template is pages long; --json has it."""
    template = "\u00e9" * 150 + "x" * 3000
    head = json.dumps({"__metadata__": {"short": "s" * 200, "long": template},
                       "w": {"dtype": "U8", "shape": [1],
                             "data_offsets": [0, 1]}}).encode()
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(
        len(head).to_bytes(8, "little") + head + b"1")
    mreg.run("push", folder, "long")
    text = mreg.run("inspect", "long", "-t").stdout
    assert "short = " + "s" * 200 + "\n" in text
    assert ("long = " + "\u00e9" * 100 +
            "... (3300 bytes; --json shows more)\n") in text
    weights = mreg.json("inspect", "long", "-t")["weights"]
    assert weights["files"][0]["metadata"]["long"] == template


# -- the sample ---------------------------------------------------------------------------


def test_the_sample_fits():
    sample = json.loads((SPEC / "samples/inspect.json").read_text())
    validate(sample)
    assert sample["weights"]["files"] and sample["attached"]
    assert sample["siblings"]


@pytest.mark.parametrize("change", [
    {"schema": "mreg.inspect/2"}, {"number": 0}, {"digest": None},
    {"files": [{"path": "a"}]}, {"attached": [{}]}, {"attachedUnread": -1},
    {"siblings": [{}]}, {"siblings": None}, {"siblingsUnread": None},
    {"siblings": [{"profile": "image", "tag": "latest-image",
                   "digest": "sha256:" + "0" * 64, "size": 1}]},
    {"weights": {}}, {"weights": {"verified": True}}, {"raw": 1},
    {"metrics": {"auc": 0.9}}, {"document": {}}, {"subject": {}}])
def test_what_is_wrong_does_not_fit(change):
    sample = json.loads((SPEC / "samples/inspect.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        validate({**sample, **change})
