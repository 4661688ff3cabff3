"""test_image_hostile.py - mreg image among images that others made, or changed."""
import hashlib
import json

import pytest

import foreign
import harness
from images import INDEX, Base, Store


@pytest.fixture
def files(tmp_path):
    return harness.small_model(tmp_path / "files", 3)


@pytest.mark.parametrize("extra", [
    {"architecture": "amd64\u001b[2J"}, {"variant": "v8 or so"},
    {"os": "linux\n"}, {"variant": "v" * 33}])
def test_a_platform_is_words(mreg, files, store, extra):
    Base(store / "odd", extra=extra)
    mreg.json("push", files, "churn")
    # One of its children has its own variant, in the index.
    why = mreg.fails(9, "image", "churn", "--base", "odd:1", "--platform",
                     "linux/amd64")
    assert "the name of its platform is no word" in why["message"]


def forge(churn, top):
    """Change the model's last layer, and all that names it: what fits itself,
    and is the image of other files."""
    def put(data):
        name = hashlib.sha256(data).hexdigest()
        (churn.folder / "blobs/sha256" / name).write_bytes(data)
        return "sha256:" + name

    def change(digest, swaps):
        data = churn.blob(digest)
        for old, new in swaps.items():
            data = data.replace(old.encode(), new.encode())
        return put(data)

    index, swaps = churn.document(top), {}
    layer = churn.manifest(top)["layers"][-1]["digest"]
    data = bytearray(churn.blob(layer))
    data[-1025] ^= 1  # in the padding behind its last file
    swaps[layer] = put(bytes(data))
    for child in index["manifests"]:
        config = churn.document(child["digest"])["config"]["digest"]
        swaps[config] = change(config, swaps)
        swaps[child["digest"]] = change(child["digest"], swaps)
    forged = change(top, swaps)
    names = churn.folder / "index.json"
    names.write_bytes(names.read_bytes().replace(top.encode(),
                                                 forged.encode()))
    return forged


def test_what_fits_itself_is_not_what_we_make(mreg, files, store, tmp_path):
    mreg.json("push", files, "churn")
    top = mreg.json("image", "churn")["digest"]
    fresh = {"XDG_CACHE_HOME": str(tmp_path / "one")}
    same = mreg.json("image", "churn", env=fresh)
    assert same["identical"] and same["digest"] == top
    churn = Store(store / "churn")
    forged = forge(churn, top)
    assert forged != top and churn.tags()["v1-image"] == forged
    for env in fresh, {"XDG_CACHE_HOME": str(tmp_path / "two")}:
        why = mreg.fails(4, "image", "churn", env=env)
        assert "made otherwise" in why["message"]


def test_what_is_read_to_prove_an_image_is_told(mreg, files, tmp_path):
    """Once on each machine, and not by a dry run."""
    mreg.json("push", files, "churn")
    told = "reading the model once to prove"
    assert told not in mreg.run("image", "churn", "-v").stderr
    assert told not in mreg.run("image", "churn", "-v").stderr
    fresh = {"XDG_CACHE_HOME": str(tmp_path / "one")}
    for words, count in (["-n"], 0), ([], 1), ([], 0):
        r = mreg.run("image", "churn", "-v", *words, env=fresh)
        assert r.stderr.count(told) == count, r.stderr
        assert "already there: churn:v1-image" in r.stdout


@pytest.mark.parametrize("profile", ["image", "docker"])
def test_what_others_put_there_is_told(mreg, tmp_path, store, profile):
    """Whoever may push may name a tag as the next version's image will be."""
    files = tmp_path / "gguf"
    harness.write(files / "model.gguf", "weights")
    mreg.json("push", files, "churn")
    mreg.json("image", "churn", "--profile", profile)
    names = store / "churn/index.json"
    index = json.loads(names.read_bytes())
    tag = "org.opencontainers.image.ref.name"
    index["manifests"] += [
        {**e, "annotations": {tag: f"v2-{profile}"}}
        for e in index["manifests"]
        if e["annotations"].get(tag) == f"v1-{profile}"]
    names.write_text(json.dumps(index))
    harness.write(files / "config.json", '{"model_type": "other"}')
    mreg.json("push", files, "churn")
    why = mreg.fails(4, "image", "churn:v2", "--profile", profile)
    assert "was not made of this version" in why["message"]
    assert "delete that tag" in why["hint"]


def test_a_base_is_not_for_any_number_of_platforms(mreg, files, store):
    base = Base(store / "many")
    child, = [c for c in base.children if c["platform"]["os"] == "linux"][:1]
    many = [{**child, "platform": {"os": "linux", "architecture": f"a{i}"}}
            for i in range(33)]
    base.tag("1", base.put({"schemaVersion": 2, "mediaType": INDEX,
                            "manifests": many}, INDEX))
    mreg.json("push", files, "churn")
    why = mreg.fails(9, "image", "churn", "--base", "many:1")
    assert "too many platforms" in why["message"]


@pytest.mark.parametrize("profile", ["image", "docker"])
@pytest.mark.parametrize("path", ["/m.gguf", "a/../m.gguf", "a\nb.gguf",
                                  "a//m.gguf", "con\u0000.gguf"])
def test_files_of_others_are_not_named_as_they_like(mreg, tmp_path, profile,
                                                    path):
    there = foreign.Layout(tmp_path / "by-hand", "m")
    there.manifest("v1", [
        foreign.named(f"{foreign.MODELPACK}weight.v1.raw", b"bytes",
                      filepath=path, title=path)], b"{}",
        f"{foreign.MODELPACK}config.v1+json", artifact=foreign.MODEL)
    r = mreg.run("image", f"{there.name}:v1", "--profile", profile,
                 status=None)
    assert r.status in (1, 6) and "hint: " in r.stderr, str(r)
    assert "v1-" not in (there.root / "index.json").read_text()
