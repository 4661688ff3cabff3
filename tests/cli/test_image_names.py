"""test_image_names.py - which image a version's names have, and what keeps a
wrong one from getting a name."""
import json
import time

import pytest

import aging
import harness
from images import Store

KNOWN_AFTER = 0.3


def model(folder, seed, *more):
    root = harness.small_model(folder, seed)
    for name in more:
        (root / name).write_text(name)
    return root


def push_so_that_it_is_known(mreg, folder):
    """mreg remembers nothing of a file that was written a moment ago."""
    mreg.json("push", folder, "churn")
    time.sleep(KNOWN_AFTER)
    mreg.json("push", folder, "churn")


@pytest.fixture
def files(tmp_path):
    return model(tmp_path / "files", 3)


@pytest.fixture
def churn(store):
    return Store(store / "churn")


def test_no_alias_moves_where_the_image_cannot_be_made(mreg, files, churn,
                                                       tmp_path):
    hostile = model(tmp_path / "hostile", 4, ".wh.x")
    push_so_that_it_is_known(mreg, hostile)
    mreg.json("push", files, "churn:production", "--also", "image")
    before = churn.tags()
    assert before["production-image"] == before["v2-image"]
    why = mreg.fails(9, "push", hostile, "churn:production", "--also", "image")
    assert "churn:v1' is there" in why["message"]
    assert churn.tags() == before


def test_an_alias_gets_a_version_and_its_image(mreg, files, churn, tmp_path):
    """The version was there; its image was not, and the alias had another."""
    first = model(tmp_path / "first", 4)
    push_so_that_it_is_known(mreg, first)
    mreg.json("push", files, "churn:production", "--also", "image")
    told = mreg.json("push", first, "churn:production", "--also", "image")
    tags = churn.tags()
    assert told["identical"] and tags["production"] == tags["v1"]
    assert tags["production-image"] == tags["v1-image"] != tags["v2-image"]
    assert told["also"][0]["names"] == ["production-image"]


def test_a_version_that_was_moved_makes_no_image(mreg, files, churn, tmp_path):
    mreg.json("push", files, "churn")
    mreg.json("push", model(tmp_path / "second", 4), "churn")
    right = churn.tags()["v1"]
    aging.tag(churn.folder, "v1", churn.tags()["v2"])
    for words in ["--dry-run"], []:
        why = mreg.fails(4, "image", "churn:v1", *words)
        assert "'churn:v1' was moved without mreg" in why["message"]
        assert right in why["message"]
        assert "mreg alias repair churn" in why["hint"]
    assert "v1-image" not in churn.tags()
    mreg.json("alias", "repair", "churn")
    made = mreg.json("image", "churn:v1")
    assert made["versionDigest"] == right and made["tag"] == "v1-image"


def test_an_image_that_a_name_loses_is_told(mreg, churn, tmp_path):
    for folder in "first", "second":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.gguf").write_text(folder)
    mreg.json("push", tmp_path / "first", "churn")
    mreg.json("push", tmp_path / "second", "churn:production", "--also",
              "image", "--also", "docker")
    r = mreg.run("alias", "set", "churn:v1", "production")
    assert "'production-image' was removed: v1 has no image; " \
        "'mreg image churn:v1' makes one" in r.stderr
    assert "'production-docker' was removed: v1 has no Docker model; " \
        "'mreg image churn:v1 --profile docker' makes one" in r.stderr
    assert not {"production-image", "production-docker"} & set(churn.tags())
    mreg.json("image", "churn:v1")
    mreg.json("image", "churn:v1", "--profile", "docker")
    tags = churn.tags()
    assert tags["production-image"] == tags["v1-image"]
    assert tags["production-docker"] == tags["v1-docker"]
    r = mreg.run("alias", "rm", "churn:production")
    assert "production-image" not in churn.tags()
    assert "was removed: v" not in r.stderr


@pytest.fixture
def bare(mreg, store, churn, tmp_path):
    """churn with v1 and v2, their images and `production` at v2, as a client
    copies it that takes no log along; somebody else's mreg."""
    for n in 1, 2:
        mreg.json("push", model(tmp_path / f"m{n}", n), "churn", "--also",
                  "image")
    mreg.run("alias", "set", "churn:v2", "production")
    path = churn.folder / "index.json"
    index = json.loads(path.read_bytes())
    index["manifests"] = [
        e for e in index["manifests"] if not e.get("annotations", {}).get(
            "org.opencontainers.image.ref.name", "mreg.").startswith("mreg.")]
    path.write_text(json.dumps(index))
    return mreg.clone(tmp_path / "other", MREG_STORE=str(store))


def test_an_alias_keeps_an_image_where_there_is_no_log(bare, churn):
    tags = churn.tags()
    assert tags["production-image"] == tags["v2-image"] != tags["v1-image"]
    r = bare.run("alias", "set", "churn:v1", "production")
    assert churn.tags()["production-image"] == tags["v1-image"]
    assert "removed" not in r.stderr
    bare.run("release", "churn:v2", "2.0.0")
    assert churn.tags()["2.0.0-image"] == tags["v2-image"]


def test_an_alias_names_a_version_where_there_is_no_log(bare, churn):
    made = bare.json("image", "churn:production")
    assert made["identical"] and made["tag"] == "v2-image"


def test_what_is_in_the_way_of_a_pushs_image_is_told(mreg, files, churn,
                                                     tmp_path):
    mreg.json("push", files, "churn", "--also", "image")
    aging.tag(churn.folder, "v2-image", churn.tags()["v1-image"])
    other = model(tmp_path / "other", 4)
    for _ in range(2):
        why = mreg.fails(4, "push", other, "churn", "--also", "image")
        assert "was not made of this version" in \
            f"{why['message']} {why['cause']}"
        assert "delete that tag" in why["hint"]


@pytest.mark.parametrize("name", ["production", "nightly", "v2", "v2-docker",
                                  "mreg.policy", "2026.11", "../x", "a b"])
def test_what_is_no_release_name_is_not_followed(mreg, files, churn, tmp_path,
                                                 name):
    """Whoever may push may write an event that calls a version anything, and
    set that tag to it."""
    mreg.json("push", files, "churn")
    mreg.json("push", model(tmp_path / "second", 4), "churn:production",
              "--also", "image")
    mreg.json("release", "churn:v1", "1.0.0")
    aging.write_event(mreg, churn.folder, "churn", "release_named",
                      release=name, version=churn.tags()["v1"])
    before = churn.tags()
    aging.tag(churn.folder, name, before["v1"])
    told = mreg.json("image", "churn:v1")
    assert told["names"] == ["1.0.0-image"]
    tags = churn.tags()
    assert {tag for tag in tags if tags[tag] == tags["v1-image"]} == \
        {"v1-image", "1.0.0-image"}
    for tag in "production-image", "v2-image", "latest-image":
        assert tags[tag] == before[tag]
