"""test_archives.py - what is told of a version whose files come in archives,
and what a pull of it counts."""
import json
import pathlib

import jsonschema
import pytest

import bad  # noqa: F401  (finds the next one)
from foreign import Layout, gz, named, tar
from harness import write
from weight_files import safetensors

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
TYPE = "application/vnd.cncf.model."
FILES = {"model.safetensors": safetensors({"w": ("F32", [90])}),
         "vocab.txt": b"a\nb\n" * 400}
PACKED = gz(tar(FILES))


def validate(result, name):
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(result)
    return result


@pytest.fixture
def layout(store):
    """A local repository m: v1 has a file and an archive of two, v2 the
    archive alone."""
    to = Layout(store, "m")
    archive = named(TYPE + "weight.v1.tar+gzip", PACKED, filepath="all")
    card = named(TYPE + "doc.v1.raw", b"read me\n", filepath="notes.txt")
    to.manifest("v1", [card, archive], artifact=TYPE + "manifest.v1+json")
    to.manifest("v2", [archive], artifact=TYPE + "manifest.v1+json")
    return to


def test_inspect_shows_an_archive_as_one(mreg, layout):
    r = validate(mreg.json("inspect", "m:v1"), "inspect")
    assert {f["path"]: f["packed"] for f in r["files"]} == \
        {"all": True, "notes.txt": False}
    lines = mreg.run("inspect", "m:v1").stdout.splitlines()
    at = next(i for i, x in enumerate(lines) if x.startswith("1 file"))
    assert lines[at].startswith("1 file and 1 archive, ")
    assert lines[at + 1] == \
        "  files come in archives: 'mreg pull' unpacks them"
    rows = {line.split()[-1]: line.split()[0] for line in lines[at + 2:]}
    assert rows == {"all": "archive", "notes.txt": "doc"}
    text = mreg.run("inspect", "m:v2").stdout
    assert "\n1 archive, " in text and "file," not in text


def test_archives_are_not_said_to_hold_no_weights(mreg, layout):
    for version in ("v1", "v2"):
        assert mreg.run("inspect", f"m:{version}", "--tensors").stdout == (
            "files come in archives, which are not looked into: 'mreg pull' "
            "unpacks them\n")
    text = mreg.run("diff", "m:v1", "m:v2", "--tensors").stdout
    assert "  files come in archives, which are not looked into\n" in text


def test_diff_and_card_say_which_file_is_an_archive(mreg, layout):
    r = validate(mreg.json("diff", "m:v1", "m:v2"), "diff")
    rows = {f["path"]: f for f in r["files"]}
    assert rows["all"]["a"]["packed"] and rows["all"]["b"]["packed"]
    assert not rows["notes.txt"]["a"]["packed"]
    other = named(TYPE + "doc.v1.raw", b"other\n", filepath="other.txt")
    layout.manifest("v3", [other], artifact=TYPE + "manifest.v1+json")
    lines = mreg.run("diff", "m:v1", "m:v3").stdout.splitlines()
    told = {line.split()[1]: line.endswith(", archive") for line in lines
            if line.startswith("  - ")}
    assert told == {"all": True, "notes.txt": False}
    lines = mreg.run("diff", "m:v3", "m:v2").stdout.splitlines()
    assert [x for x in lines if x.startswith("  + all  ")][0] \
        .endswith(", archive")
    lines = mreg.run("card", "m:v1").stdout.splitlines()
    assert [x.endswith(", archive") for x in lines if x.startswith("- ")] == \
        [False, True]


def test_what_was_fetched_in_an_archive_came_from_nowhere_else(
        mreg, layout, tmp_path):
    """The list of files was not known, so a seed came too late."""
    for path, data in FILES.items():
        write(tmp_path / "seed" / path, data)
    r = mreg.json("pull", "m:v1", "-o", tmp_path / "out", "--seed",
                  tmp_path / "seed")
    assert r["bytesFetched"] == len(PACKED) + len(b"read me\n")
    assert r["bytesSeeded"] == 0 and r["bytesReused"] == 0
    assert {f["action"] for f in r["files"]} == {"fetched"}
    # Known by now: nothing but the seed is asked.
    r = mreg.json("pull", "m:v1", "-o", tmp_path / "two", "--seed",
                  tmp_path / "seed")
    assert r["bytesFetched"] == len(b"read me\n")
    assert r["bytesSeeded"] == sum(map(len, FILES.values()))
    assert {f["path"]: f["action"] for f in r["files"]} == {
        "notes.txt": "fetched", "model.safetensors": "seeded",
        "vocab.txt": "seeded"}
