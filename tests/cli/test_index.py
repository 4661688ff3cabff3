"""test_index.py - an index of several models: how pull asks which is meant,
and what check compares with."""
import json
import pathlib

import jsonschema
import pytest

from bad import sha256
from harness import write

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / \
    "spec/schemas/pull.schema.json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def put_index(layout, tag, children):
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                        "manifests": children}).encode()
    write(layout / "blobs/sha256" / sha256(index).split(":")[1], index)
    doc = json.loads((layout / "index.json").read_text())
    doc["manifests"].append({
        "mediaType": INDEX, "digest": sha256(index), "size": len(index),
        "annotations": {"org.opencontainers.image.ref.name": tag}})
    (layout / "index.json").write_text(json.dumps(doc))
    return sha256(index)


@pytest.fixture
def children(mreg, store, tmp_path):
    """Of kit:all: two manifests that their quantization and precision tell
    apart, of which nothing says which is meant."""
    rows = []
    for name, precision in (("q4", "int4"), ("q8", "int8")):
        write(tmp_path / name / "model.bin", name.encode() * 9)
        digest = mreg.json("push", tmp_path / name, "kit")["digest"]
        rows.append({
            "mediaType": MANIFEST, "digest": digest,
            "size": next(store.rglob(digest.split(":")[1])).stat().st_size,
            "annotations": {"precision": precision, "quantization": name}})
    layout = next(store.rglob("oci-layout")).parent
    put_index(layout, "all", rows)
    put_index(layout, "one", rows[:1])
    return [row["digest"] for row in rows]


def test_all_that_can_be_chosen_is_in_the_error(mreg, children, tmp_path):
    r = mreg.run("pull", "kit:all", "-o", tmp_path / "out", "--json", status=2)
    line, = r.stderr.splitlines()
    error = json.loads(line)["error"]
    assert "an index of 2 manifests" in error["message"]
    for digest, label in zip(children, ("precision=int4", "precision=int8")):
        assert f"{digest} {label}" in error["cause"]
    assert error["hint"] == \
        "choose one with --select precision=int4 or precision=int8"


def test_the_key_that_was_asked_for_is_told(mreg, children, tmp_path):
    error = mreg.fails(3, "pull", "kit:all", "-o", tmp_path / "out",
                       "--select", "quantization=q9")
    assert error["hint"] == \
        "choose one with --select quantization=q4 or quantization=q8"
    assert f"{children[1]} quantization=q8" in error["cause"]


def test_more_than_an_error_holds_is_counted(mreg, store, children, tmp_path):
    layout = next(store.rglob("oci-layout")).parent
    rows = [{"mediaType": MANIFEST, "digest": sha256(b"%d" % i), "size": 10,
             "annotations": {"quantization": f"q{i}"}} for i in range(19)]
    put_index(layout, "many", rows)
    error = mreg.fails(2, "pull", "kit:many", "-o", tmp_path / "out")
    told = error["cause"].count("quantization=")
    assert 1 < told < 19
    assert error["cause"].endswith(f" and {19 - told} more")
    assert "'mreg inspect' lists them" in error["hint"]


def test_those_that_are_not_told_count_too(mreg, store, children, tmp_path):
    """What the first say may be said by the last, too."""
    layout = next(store.rglob("oci-layout")).parent
    rows = [{"mediaType": MANIFEST, "digest": sha256(b"%d" % i), "size": 10,
             "annotations": {"n": str(i % 30)}} for i in range(50)]
    put_index(layout, "fifty", rows)
    error = mreg.fails(2, "pull", "kit:fifty", "-o", tmp_path / "out")
    told = error["cause"].count("sha256:")
    assert 1 < told < 20
    assert error["cause"].endswith(f" and {50 - told} more")
    assert "n=" not in error["cause"] and "n=" not in error["hint"]


@pytest.mark.parametrize("word", ["q8", "=q8", "sha256:12ab", ""])
def test_a_word_that_selects_nothing_is_wrong(mreg, children, tmp_path, word):
    error = mreg.fails(2, "pull", "kit:all", "-o", tmp_path / "out",
                       f"--select={word}")
    assert "is neither KEY=VALUE nor a digest" in error["message"]
    assert "--select quantization=" in error["hint"]


def test_what_was_chosen_is_told(mreg, children, tmp_path):
    words = ("pull", "kit:all", "-o", tmp_path / "out", "--select",
             "quantization=q8")
    assert f"\n  chosen of 2: {children[1]}\n" in mreg.run(*words).stdout
    r = mreg.json(*words)
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(r)
    assert (r["chosen"], r["chosenOf"]) == (children[1], 2)
    assert r["digest"] not in children
    r = mreg.run("pull", "kit:v1", "-o", tmp_path / "v1")
    assert "chosen of" not in r.stdout
    r = mreg.json("pull", "kit:v1", "-o", tmp_path / "v1")
    assert (r["chosen"], r["chosenOf"]) == (children[0], None)


def test_check_knows_which_was_pulled(mreg, children, tmp_path):
    out = tmp_path / "out"
    mreg.run("pull", "kit:all", "-o", out, "--select", "quantization=q8")
    text = mreg.run("check", out, "kit:all").stdout
    assert " is kit:all" in text and children[1] in text
    r = mreg.json("check", out, "kit:all")
    assert r["same"] and r["digest"] == children[1] and not r["remembered"]
    (out / "model.bin").write_bytes(b"q4" * 9)
    mreg.run("check", out, "kit:all", status=6)


def test_check_takes_the_only_manifest(mreg, children, tmp_path):
    assert mreg.json("check", tmp_path / "q4",
                     "kit:one")["digest"] == children[0]


def test_check_of_an_index_says_how_to_name_a_manifest(mreg, children,
                                                       tmp_path):
    # Pushed, not pulled: nothing tells which it is.
    error = mreg.fails(9, "check", tmp_path / "q4", "kit:all")
    assert "an index of 2 manifests" in error["message"]
    assert "'mreg inspect' of it lists them" in error["hint"]
    # Another one was pulled there.
    mreg.run("pull", "kit:v2", "-o", tmp_path / "out")
    mreg.run("check", tmp_path / "out", "kit:one", status=6)


def test_what_hangs_on_an_index_is_listed(mreg, children, tmp_path):
    write(tmp_path / "sbom.json", "{}")
    digest = mreg.json("attach", "kit:all", tmp_path / "sbom.json", "--type",
                       "sbom")["digest"]
    assert digest in mreg.run("inspect", "kit:all").stdout
