"""test_image_base.py - mreg image --base: a model on top of an image of others."""
import gzip
import hashlib

import pytest

import harness
from images import INDEX, LAYER, Base, Store, strict, tree


@pytest.fixture
def files(tmp_path):
    return harness.small_model(tmp_path / "files", 3)


@pytest.fixture
def churn(store):
    return Store(store / "churn")


@pytest.fixture
def busybox(store):
    return Base(store / "busybox")


def test_a_base_is_below_the_model(mreg, files, churn, busybox, tmp_path):
    mreg.json("push", files, "churn")
    made = strict(mreg.json("image", "churn", "--base", "busybox:1"))
    index = churn.document(made["digest"])
    assert [m["platform"] for m in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux", "variant": "v8"}]
    assert index["annotations"]["org.opencontainers.image.base.digest"] == \
        busybox.digest
    assert index["annotations"]["org.opencontainers.image.base.name"] == \
        "busybox:1"
    shared = None
    for arch in "amd64", "arm64":
        manifest = churn.manifest(made["digest"], arch)
        assert manifest["layers"][0] == busybox.layers[arch]
        shared = shared or manifest["layers"][1:]
        assert manifest["layers"][1:] == shared
        config = churn.document(manifest["config"]["digest"])
        assert config["architecture"] == arch
        assert config.get("variant") == ("v8" if arch == "arm64" else None)
        assert config["config"]["Env"] == ["PATH=/bin", "A=\u00e4"]
        assert config["config"]["Cmd"] == ["/bin/sh"]
        assert config["config"]["WorkingDir"] == "/"
        assert not {"Entrypoint", "User"} & set(config["config"])
        plain = gzip.decompress(churn.blob(busybox.layers[arch]["digest"]))
        assert config["rootfs"]["diff_ids"] == [
            "sha256:" + hashlib.sha256(plain).hexdigest(),
            *(layer["digest"] for layer in shared)]
        out = tmp_path / arch
        churn.extract(manifest, out)
        assert (out / "bin/sh").read_bytes() == b"sh of " + arch.encode()
        assert tree(out / "models") == tree(files)
        # In one store the bytes are there once.
        name = "blobs/sha256/" + busybox.layers[arch]["digest"][7:]
        assert (churn.folder / name).samefile(busybox.root / name)
    assert {row["source"] for row in made["layers"]} == {"base", "model"}
    again = mreg.json("image", "churn", "--base", "busybox:1")
    assert again["identical"] and again["bytesSent"] == 0


def test_what_is_copied_of_a_base_is_told_by_platform(mreg, files, busybox):
    mreg.json("push", files, "oci:elsewhere//churn")
    r = mreg.run("image", "oci:elsewhere//churn", "--base",
                 f"oci:{busybox.root.parent}//busybox:1", "--progress", "json")
    for platform in "linux/amd64", "linux/arm64/v8":
        assert f'"base {platform}, layer 1"' in r.stderr


def test_a_base_by_its_digest_for_one_platform(mreg, files, busybox):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn", "--base", f"busybox@{busybox.digest}",
                     "--platform", "linux/arm64")
    assert [(p["architecture"], p["variant"]) for p in made["platforms"]] == \
        [("arm64", "v8")]


@pytest.mark.parametrize("platform", ["linux/s390x", "linux/arm64/v7"])
def test_a_base_is_for_what_it_is_for(mreg, files, busybox, platform):
    mreg.json("push", files, "churn")
    why = mreg.fails(9, "image", "churn", "--base", "busybox:1",
                     "--platform", platform)
    assert why["message"].endswith(f"it is not for {platform}")


def test_a_base_has_one_image_for_a_platform(mreg, files, busybox):
    busybox.tag("1", busybox.put(
        {"schemaVersion": 2, "mediaType": INDEX,
         "manifests": [*busybox.children[:2], busybox.children[0]]}, INDEX))
    mreg.json("push", files, "churn")
    why = mreg.fails(9, "image", "churn", "--base", "busybox:1")
    assert why["message"].endswith("it has two images for linux/arm64/v8")


def test_layers_of_docker_s_type_become_oci_s(mreg, files, churn, store):
    base = Base(store / "old",
                "application/vnd.docker.image.rootfs.diff.tar.gzip")
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn", "--base", "old:1")
    first = churn.manifest(made["digest"])["layers"][0]
    assert first == {**base.layers["amd64"], "mediaType": LAYER + "+gzip"}


@pytest.mark.parametrize("kind, extra, told", [
    ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", {},
     "may not be copied"),
    ("application/octet-stream", {}, "no tar"),
    (LAYER, {"rootfs": {"diff_ids": []}}, "other layers"),
    (LAYER, {"rootfs": {"diff_ids": ["x"]}}, "no digest"),
    (LAYER, {"rootfs": None}, "no rootfs"),
    (LAYER, {"config": {"Env": [1]}}, "no text"),
    (LAYER, {"config": {"Cmd": ["x"] * 1001}}, "too many"),
    (LAYER, {"architecture": ""}, "no platform"),
    (LAYER, {"config": {"Labels": {"org.mreg.profile": "image/2"}}},
     "a model's image"),
    (LAYER, {"config": {"Labels": {
        "org.containers.type": "ai.image.model.car"}}}, "a model's image")])
def test_what_cannot_be_a_base_is_refused(mreg, files, churn, store, kind,
                                          extra, told):
    Base(store / "bad", kind, extra)
    mreg.json("push", files, "churn")
    before = churn.tags()
    why = mreg.fails(9, "image", "churn", "--base", "bad:1")
    assert told in why["message"]
    assert churn.tags() == before


def test_only_an_image_is_a_base(mreg, files, pushed):
    why = mreg.fails(9, "image", "churn", "--base", "churn:v1")
    assert "it is no image" in why["message"]
    assert "base" in mreg.fails(3, "image", "churn", "--base",
                                "none:1")["message"]


def test_the_image_of_another_model_is_no_base(mreg, files, pushed, store):
    """Its files and ours would be one model for whoever reads /models."""
    mreg.json("image", "churn")
    other = Store(store / "other")
    mreg.json("push", files, "other")
    before = other.tags()
    why = mreg.fails(9, "image", "other", "--base", "churn:v1-image")
    assert "a model's image" in why["message"] and why["hint"]
    assert other.tags() == before


def test_other_labels_of_a_base_say_nothing(mreg, files, store):
    Base(store / "tools", extra={"config": {"Labels": {
        "org.containers.type": "ai.image.tools", "org.mreg.other": "x"}}})
    mreg.json("push", files, "churn")
    mreg.json("image", "churn", "--base", "tools:1")
