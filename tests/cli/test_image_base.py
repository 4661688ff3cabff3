"""test_image_base.py - mreg image --base: a model on top of an image of others."""
import gzip
import hashlib
import io
import json
import pathlib
import tarfile

import pytest

import harness
from images import INDEX, LAYER, Store, strict, tree


@pytest.fixture
def files(tmp_path):
    return harness.small_model(tmp_path / "files", 3)


@pytest.fixture
def churn(store):
    return Store(store / "churn")




def layer_of(members, compress=bytes):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue(), compress(out.getvalue())


class Base:
    """An image like busybox, made by hand: one layer that is compressed, for
    two platforms and for one that no model is for."""

    CONFIG = "application/vnd.oci.image.config.v1+json"
    MANIFEST = "application/vnd.oci.image.manifest.v1+json"

    def __init__(self, root, kind=LAYER + "+gzip", extra=None):
        self.root, self.kind, self.extra = pathlib.Path(root), kind, extra
        (self.root / "blobs/sha256").mkdir(parents=True)
        (self.root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.layers, children = {}, []
        for os_, arch, variant in (("linux", "arm64", "v8"),
                                   ("linux", "amd64", None),
                                   ("windows", "amd64", None)):
            children.append(self.child(os_, arch, variant))
        children.append({**children[0], "platform": {
            "os": "unknown", "architecture": "unknown"}, "annotations": {
                "vnd.docker.reference.type": "attestation-manifest"}})
        self.children = children
        self.digest = self.tag("1", self.put(
            {"schemaVersion": 2, "mediaType": INDEX, "manifests": children},
            INDEX))

    def blob(self, data, kind):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        (self.root / "blobs/sha256" / digest[7:]).write_bytes(data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def put(self, document, kind):
        return self.blob(json.dumps(document).encode(), kind)

    def child(self, os_, arch, variant):
        plain, packed = layer_of({"bin/sh": b"sh of " + arch.encode()},
                                 gzip.compress)
        self.layers[arch] = self.blob(packed, self.kind)
        config = {"os": os_, "architecture": arch, "config": {
            "Env": ["PATH=/bin", "A=\u00e4"], "Cmd": ["/bin/sh"],
            "Entrypoint": ["/init"], "User": "nobody", "WorkingDir": "/x"},
            "rootfs": {"type": "layers", "diff_ids": [
                "sha256:" + hashlib.sha256(plain).hexdigest()]},
            **(self.extra or {})}
        manifest = {"schemaVersion": 2, "mediaType": self.MANIFEST,
                    "config": self.put(config, self.CONFIG),
                    "layers": [self.layers[arch]]}
        platform = {"os": os_, "architecture": arch}
        if variant:
            platform["variant"] = variant
        return {**self.put(manifest, self.MANIFEST), "platform": platform}

    def tag(self, name, descriptor):
        (self.root / "index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": [{**descriptor, "annotations": {
                "org.opencontainers.image.ref.name": name}}]}))
        return descriptor["digest"]


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
    assert {row["source"] for row in made["layers"]} == {"base", "model"}
    again = mreg.json("image", "churn", "--base", "busybox:1")
    assert again["identical"] and again["bytesSent"] == 0


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
    assert f"it is not for {platform[:11]}" in why["message"]


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
    (LAYER, {"architecture": ""}, "no platform")])
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
