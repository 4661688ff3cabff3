"""test_foreign_images.py - the model in an image that others push, and which
manifest of an index is taken."""
import hashlib
import os
import shutil

import pytest

import foreign
from foreign import CONFIG, DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST, \
    LAYER, MODEL, MODELCAR, MODELPACK, WEIGHTS, expect, gz, image, layer, \
    link, modelcar_layers, named, tar, zstd
from harness import assert_pulled


# -- images --------------------------------------------------------------------


@pytest.mark.parametrize("suffix,compress", [("", bytes), ("+gzip", gz),
                                             ("+zstd", zstd)])
def test_an_image_gives_its_model_folder(mreg, remote, pulls, box, suffix,
                                         compress):
    image(remote, "v", modelcar_layers(compress, suffix))
    pulls(MODELCAR, archives=True)


def test_an_image_of_a_hugging_face_cache_keeps_its_names(remote, pulls):
    image(remote, "v", [layer(LAYER, tar({
        "models/blobs/aa": CONFIG, "models/blobs/bb": WEIGHTS,
        "models/snapshots/1/config.json": link(
            "models/snapshots/1/config.json", "../../blobs/aa"),
        "models/snapshots/1/m.bin": link(
            "models/snapshots/1/m.bin", "../../blobs/bb"),
        "models/now": link("models/now", "snapshots/1")}))])
    pulls({f"{folder}/{name}": data
           for folder in ("snapshots/1", "now")
           for name, data in (("config.json", CONFIG), ("m.bin", WEIGHTS))} |
          {"blobs/aa": CONFIG, "blobs/bb": WEIGHTS}, archives=True)


def test_an_image_of_a_local_store(mreg, box):
    local = foreign.Layout(box / "store", "car")
    layers = modelcar_layers(gz, "+gzip")
    image(local, "v", layers)
    mreg.run("pull", f"{local.name}:v", "-o", box / "out")
    assert_pulled(box / "out", expect(MODELCAR))
    r = mreg.json("pull", f"{local.name}:v", "-o", box / "out")
    assert r["bytesFetched"] == 0 and r["filesPlaced"] == 0
    # Its bytes are believed no more than a registry's.
    shutil.rmtree(box / "out")
    shutil.rmtree(mreg.env["XDG_CACHE_HOME"])
    blob = local.root / "blobs/sha256" / layers[2][0]["digest"][7:]
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    mreg.fails(None, "pull", f"{local.name}:v", "-o", box / "out")
    assert not (box / "out").exists()


def test_a_docker_image_in_a_docker_list(remote, pulls):
    # Docker says gzip of every layer, and other tools believe the bytes.
    layers = [(dict(d, mediaType="application/vnd.docker.image.rootfs."
                                 "diff.tar.gzip"), data)
              for d, data in modelcar_layers()]
    d = image(remote, None, layers, DOCKER_MANIFEST, DOCKER_CONFIG)
    remote.index("v", [
        {**d, "platform": {"os": "linux", "architecture": "amd64"}},
        {**d, "platform": {"os": "linux", "architecture": "arm64"}},
        {**d, "platform": {"os": "unknown", "architecture": "unknown"},
         "annotations": {"vnd.docker.reference.type":
                         "attestation-manifest"}},
    ], DOCKER_LIST)
    pulls(MODELCAR, archives=True)


def test_include_works_on_the_names_in_the_model(mreg, remote, box):
    image(remote, "v", modelcar_layers())
    mreg.run("pull", f"{remote.name}:v", "-o", box / "out", "--include",
             "dir/", "--include", "*.json")
    assert_pulled(box / "out", expect({"dir/b": b"b",
                                       "config.json": CONFIG}))
    e = mreg.fails(3, "pull", f"{remote.name}:v", "-o", box / "out",
                   "--include", "old.bin")
    assert "no file of" in e["message"]


def test_an_image_without_a_model_is_told(mreg, remote, box):
    image(remote, "v", modelcar_layers()[:1])
    e = mreg.fails(9, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "no file in /models or /model" in e["cause"]


# -- indexes -------------------------------------------------------------------


def raw_model(remote, data, **more):
    return remote.manifest(None, [named(MODELPACK + "weight.v1.raw", data,
                                        filepath="m.bin")],
                           artifact=MODEL, **more)


def test_an_index_is_followed_by_platform_then_type(mreg, remote, box):
    ours = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)
    a, b, c = (raw_model(remote, x) for x in (b"a", b"b", b"c"))
    remote.index("platform", [
        {**a, "platform": {"os": "linux", "architecture": "s390x"}},
        {**b, "platform": {"os": "linux", "architecture": ours}},
        {**c, "artifactType": MODEL,
         "platform": {"os": "unknown", "architecture": "unknown"}}])
    remote.index("type", [
        {**a, "artifactType": "application/vnd.in-toto+json"},
        {**b, "artifactType": "application/spdx+json"},
        {**c, "artifactType": MODEL}])
    for tag, data in (("platform", b"b"), ("type", b"c")):
        mreg.run("pull", f"{remote.name}:{tag}", "-o", box / tag)
        assert_pulled(box / tag, expect({"m.bin": data}))
    mreg.run("pull", f"{remote.name}:platform", "-o", box / "s390x",
             "--select", "os=linux", "--select", "architecture=s390x")
    assert_pulled(box / "s390x", expect({"m.bin": b"a"}))


def test_indexes_nest_three_deep_and_no_more(mreg, remote, box):
    child = raw_model(remote, b"deep")
    for _ in range(3):
        child = remote.index(None, [child])
    mreg.run("pull", f"{remote.name}@{child['digest']}", "-o", box / "out")
    assert_pulled(box / "out", expect({"m.bin": b"deep"}))
    child = remote.index(None, [child])
    e = mreg.fails(1, "pull", f"{remote.name}@{child['digest']}",
                   "-o", box / "four")
    assert "more than 3 deep" in e["cause"]


def test_a_choice_reaches_through_indexes(mreg, remote, box):
    a, b = raw_model(remote, b"a"), raw_model(remote, b"b")
    labelled = [{**d, "annotations": {"quantization": q}}
                for d, q in ((a, "q4"), (b, "q8"))]
    inner = remote.index(None, labelled)
    alone = remote.index(None, [b])
    remote.index("outer", [inner])
    remote.index("both", [inner, {**alone, "annotations":
                                  {"quantization": "alone"}}])
    for tag, choice, data in (
            ("outer", "quantization=q8", b"b"),
            ("outer", a["digest"], b"a"),
            ("both", "quantization=alone", b"b"),
            ("both", alone["digest"], b"b")):
        out = box / hashlib.sha256((tag + choice).encode()).hexdigest()
        mreg.run("pull", f"{remote.name}:{tag}", "--select", choice,
                 "-o", out)
        assert_pulled(out, expect({"m.bin": data}))
    for tag, choice, status in (("outer", "quantization=q2", 3),
                                ("both", "quantization=q8", 3),
                                ("both", inner["digest"], 2)):
        mreg.fails(status, "pull", f"{remote.name}:{tag}", "--select", choice,
                   "-o", box / "none")
    assert not (box / "none").exists()
