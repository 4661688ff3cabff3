"""test_image.py - images of models in a registry: streamed there out of its own
blobs, seen whole or not at all, copied and kept."""
import hashlib
import json
import pathlib

import pytest

import faults
import harness
import image_oracle as oracle
from test_kill import kill_after

MIB = 1 << 20
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def folder(box):
    """Weights of some MiB, the largest slow enough to be interrupted."""
    root = box / "model"
    for i, size in enumerate((24 * MIB + 5, 3 * MIB, 2 * MIB)):
        harness.write(root / f"w-{i}.bin",
                      hashlib.shake_128(bytes([i])).digest(size))
    harness.write(root / "config.json", b"{}\n")
    harness.write(root / "tools/run.sh", b"#!/bin/sh\n", executable=True)
    return root


@pytest.fixture
def there(box):
    """A repository of this test alone, in a registry that others use too."""
    name = hashlib.sha256(str(box).encode()).hexdigest()[:16]
    return f"images/{name}/churn"


def index_of(registry, name, tag):
    status, body = registry.get(f"/v2/{name}/manifests/{tag}", INDEX)
    return json.loads(body) if status == 200 else None


def layers_of(registry, name, tag):
    first = index_of(registry, name, tag)["manifests"][0]["digest"]
    return registry.manifest(name, first)["layers"]


def expected(folder):
    files = [oracle.File("models/" + f.path, where=f.where,
                         executable=f.executable)
             for f in oracle.read_folder(folder)]
    return [oracle.Layer(group).digest for group in oracle.layout(files)]


def test_it_is_streamed_into_a_registry(mreg, plain, box, folder, there):
    name = f"{plain.host}/{there}"
    mreg.json("push", folder, f"{name}:production")
    # Somebody who has seen nothing of it, and can write no file that has room
    # for a layer, wherever that would be.
    other = mreg.clone(box / "other")
    other.prefix = ["prlimit", f"--fsize={MIB}"]
    r = other.run("pull", f"{name}:production", "-o", box / "none",
                  status=None)
    assert r.status == 1 and "ulimit -f" in r.stderr, str(r)
    made = other.json("image", f"{name}:production")
    assert [layer["digest"] for layer in layers_of(
        plain, there, "production-image")][1:] == expected(folder)
    kept = sum(p.stat().st_size for p in (box / "other").rglob("*")
               if p.is_file())
    assert kept < MIB
    mark = plain.mark()
    assert other.json("image", name)["identical"]
    assert mreg.json("image", name)["digest"] == made["digest"]
    assert not plain.uploads(mark)
    assert not [r for r in plain.requests(mark)
                if r[0] == "GET" and "/blobs/sha256" in r[1] and
                any(d[7:] in r[1] for d in expected(folder))]
    mreg.json("pull", f"{name}:production-image", "-o", box / "out")
    harness.assert_pulled(box / "out", harness.tree(folder))


def test_push_sends_the_image_from_the_files(mreg, plain, folder, there):
    name = f"{plain.host}/{there}"
    mark = plain.mark()
    made, = mreg.json("push", folder, name, "--also", "image")["also"]
    assert [layer["digest"] for layer in made["layers"]
            if layer["source"] == "model"] == expected(folder)
    assert not [r for r in plain.requests(mark)
                if r[0] == "GET" and "/blobs/sha256" in r[1]]
    assert made["names"] == ["latest-image"]


def test_what_was_killed_is_not_there_and_is_completed(mreg, plain, there,
                                                       folder):
    name = f"{plain.host}/{there}"
    mreg.json("push", folder, name)
    tags, wrong = plain.tags(there), []
    for wait in (0, 0.3, 0.6):
        mark = plain.mark()
        # The largest layer alone takes three seconds so.
        process = mreg.start("image", name, "--jobs", "1", "--limit-rate",
                             "8MB")
        while not plain.uploads(mark):
            assert process.poll() is None
        assert kill_after(process, wait)
        assert plain.tags(there) == tags
    made = mreg.json("image", name)
    assert plain.tags(there) == {*tags, "v1-image", "latest-image"}
    # Of every tag all that is below it, with the bytes of each blob.
    assert list(faults.look_at_registry(plain, there, wrong)) == [1]
    assert not wrong
    for platform in made["platforms"]:
        below = plain.manifest(there, platform["digest"])["layers"]
        assert [layer["digest"] for layer in below][1:] == expected(folder)
    again = mreg.json("image", name)
    assert again["identical"] and again["digest"] == made["digest"]


def test_a_copy_takes_images_along(mreg, plain, folder, there):
    mreg.json("push", folder, "churn:production", "--also", "image")
    made = mreg.json("image", "churn")
    name = f"{plain.host}/{there}"
    mreg.json("copy", "churn", name)
    for tag in "v1-image", "production-image", "latest-image":
        status, body = plain.get(f"/v2/{there}/manifests/{tag}",
                                 INDEX)
        assert status == 200
        assert "sha256:" + hashlib.sha256(body).hexdigest() == made["digest"]
    assert mreg.json("image", f"{name}:production")["identical"]


def test_gc_keeps_what_a_tag_names(mreg, box, folder):
    mreg.json("push", folder, "churn", "--also", "image")
    made = mreg.json("image", "churn")
    mreg.run("gc", "churn", "--apply")
    assert mreg.json("image", "churn")["identical"]
    mreg.json("pull", "churn:v1-image", "-o", box / "out")
    harness.assert_pulled(box / "out", harness.tree(folder))
    assert mreg.json("resolve", "churn:latest-image")["digest"] == \
        made["digest"]


def test_more_files_than_layers_share_them(mreg, box):
    root = pathlib.Path(box / "shards")
    for i in range(130):
        harness.write(root / f"s-{i:03}.bin",
                      hashlib.shake_128(b"s%d" % i).digest(MIB + i % 7))
    harness.write(root / "config.json", b"{}\n")
    made, = mreg.json("push", root, "many", "--also", "image")["also"]
    own = [layer for layer in made["layers"] if layer["source"] == "model"]
    assert len(own) == 99  # and one shell
    assert [layer["digest"] for layer in own] == expected(root)
    mreg.json("pull", "many:v1-image", "-o", box / "out")
    harness.assert_pulled(box / "out", harness.tree(root))
