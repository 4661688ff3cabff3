"""test_round_trip.py - every model folder through every kind of store: what
comes back is what went in."""
import pytest

from conftest import STORES
from harness import assert_pulled, tree

MODELS = ["minilm", "silero", "single", "sharded", "gguf", "nested",
          "hub-cache"]
# 5,000 files are 20,000 requests: only on the two stores that differ most.
TRIPS = [(store, model) for store in STORES for model in MODELS] + \
    [("local", "many"), ("http", "many")]


def ls_row(user, name, digest):
    rows = user.json("ls", name)["versions"]
    found = [row for row in rows if row["digest"] == digest]
    assert len(found) == 1, rows
    return found[0]


def assert_agree(user, name, pushed, expected):
    """ls, inspect and resolve tell the same story as push did."""
    digest, number = pushed["digest"], pushed["number"]
    row = ls_row(user, name, digest)
    assert row["number"] == number
    assert row["tags"] == ["latest", "production"]
    assert row["fileCount"] == len(expected)
    assert row["bytes"] == pushed["bytesTotal"]
    assert row["registeredAt"] and not row["moved"]

    full = user.json("inspect", f"{name}:production")
    assert (full["digest"], full["number"]) == (digest, number)
    assert full["filesetDigest"] == pushed["filesetDigest"]
    assert full["bytes"] == pushed["bytesTotal"]
    assert {(f["path"], f["digest"][7:], f["executable"])
            for f in full["files"]} == \
        {(path, sha, x) for path, (sha, x) in expected.items()}

    for tag in "production", f"v{number}", "latest":
        assert user.json("resolve", f"{name}:{tag}")["digest"] == digest
    assert user.json("resolve", name)["digest"] == digest
    assert user.run("resolve", f"{name}:production").stdout == digest + "\n"
    assert [m for m in user.json("ls")["models"]
            if m.rpartition("/")[2] == name]


@pytest.mark.parametrize("somewhere,model", TRIPS, indirect=["somewhere"])
def test_what_is_pulled_by_alias_is_what_was_pushed(somewhere, models, box,
                                                    model):
    folder = models(model)
    expected = tree(folder)
    name = f"trip-{model}"

    pushed = somewhere.json("push", folder, name)
    assert not pushed["identical"] and pushed["latest"]
    assert {f["path"] for f in pushed["files"]} == expected.keys()
    moved = somewhere.json("alias", "set", f"{name}:v{pushed['number']}",
                           "production")
    assert moved["changed"] and moved["digest"] == pushed["digest"]

    pulled = somewhere.json("pull", f"{name}:production", "-o", box / "out")
    assert pulled["digest"] == pushed["digest"]
    assert pulled["number"] == pushed["number"]
    # The same bytes under two names travel once.
    assert pulled["bytesFetched"] == sum({
        f["digest"]: f["size"] for f in pulled["files"]}.values())
    assert_pulled(box / "out", expected)

    assert_agree(somewhere, name, pushed, expected)

    again = somewhere.json("pull", f"{name}:production", "-o", box / "out")
    assert (again["bytesFetched"], again["filesPlaced"]) == (0, 0)
    assert_pulled(box / "out", expected)


def test_left_out_files_are_counted_and_all_takes_them(mreg, models):
    folder = models("nested")
    some = mreg.json("push", folder, "some")
    assert some["leftOut"] == 2  # .git, __pycache__
    everything = mreg.json("push", folder, "everything", "--all")
    assert everything["leftOut"] == 0
    assert {f["path"] for f in everything["files"]} - \
        {f["path"] for f in some["files"]} == \
        {".git/config", "__pycache__/x.pyc"}


def test_a_changed_file_is_put_right_and_foreign_ones_are_left(
        at_plain, models, box):
    folder = models("single")
    pushed = at_plain.json("push", folder, "mended")
    at_plain.run("pull", "mended", "-o", box / "out")
    (box / "out/config.json").write_text("{}")
    (box / "out/notes.txt").write_text("mine")
    pulled = at_plain.json("pull", "mended", "-o", box / "out")
    assert pulled["filesPlaced"] == 1
    assert pulled["digest"] == pushed["digest"]
    assert (box / "out/notes.txt").read_text() == "mine"
    (box / "out/notes.txt").unlink()
    assert_pulled(box / "out", tree(folder))


def test_the_same_model_has_the_same_digest_everywhere(mreg, at_plain, models):
    folder = models("sharded")
    there = at_plain.json("push", folder, "everywhere")
    at_plain.env.pop("MREG_REGISTRY")
    assert mreg.json("push", folder, "everywhere")["digest"] == there["digest"]
