"""test_image.py - mreg image: an ordinary container image of a version, made of
its own blobs, the same wherever and whenever it is made."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import tarfile

import jsonschema
import pytest

import harness
import image_oracle as oracle

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = ROOT / "spec"
MIB = 1 << 20
# Newer Pythons refuse what is unsafe, as KServe asks them to.
SAFE = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"


def noise(size, seed):
    """Bytes that are the same in every run."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


@pytest.fixture
def files(tmp_path):
    """A model with two large files, a long name and an executable."""
    root = tmp_path / "files"
    content = {
        "model-00001-of-00002.bin": noise(3 * MIB + 17, 1),
        "model-00002-of-00002.bin": noise(MIB, 2),
        "README.md": b"# toy\n",
        "config.json": b'{"model_type":"toy"}\n',
        "empty.txt": b"",
        "\u00fcml\u00e4ut/\u540d.txt": b"unicode\n",
        "deep/" + "d" * 120 + "/" + "n" * 160 + ".txt": b"long\n",
        "tools/run.sh": b"#!/bin/sh\necho run\n",
    }
    for name, data in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "tools/run.sh").chmod(0o755)
    return root


class Store:
    """A repository of a local store, as a client of images reads it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def blob(self, digest):
        data = (self.folder / "blobs/sha256" / digest[7:]).read_bytes()
        assert "sha256:" + hashlib.sha256(data).hexdigest() == digest
        return data

    def document(self, digest):
        return json.loads(self.blob(digest))

    def tags(self):
        index = json.loads((self.folder / "index.json").read_bytes())
        name = "org.opencontainers.image.ref.name"
        return {m["annotations"][name]: m["digest"]
                for m in index["manifests"] if name in m.get("annotations", {})}

    def manifest(self, index, architecture="amd64"):
        found, = [m for m in self.document(index)["manifests"]
                  if m["platform"]["architecture"] == architecture]
        return self.document(found["digest"])

    def extract(self, manifest, target):
        """As KServe's storage initializer does: streaming."""
        for layer in manifest["layers"]:
            stream = io.BytesIO(self.blob(layer["digest"]))
            with tarfile.open(fileobj=stream, mode="r|*") as tar:
                tar.extractall(target, **SAFE)


@pytest.fixture
def churn(store):
    return Store(store / "churn")


def tree(root):
    return {str(p.relative_to(root)): (p.read_bytes(),
                                       bool(p.stat().st_mode & 0o100))
            for p in sorted(pathlib.Path(root).rglob("*")) if p.is_file()}


def schema():
    s = json.loads((SPEC / "schemas/image.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(s)
    return s


def strict(result):
    s = schema()
    jsonschema.Draft7Validator(s).validate(result)
    assert set(result) == set(s["properties"]) == set(s["required"])
    for rows in "platforms", "layers":
        row = s["properties"][rows]["items"]
        for item in result[rows]:
            assert set(item) == set(row["properties"]) == set(row["required"])
    return result


def test_the_sample_fits():
    made = strict(json.loads((SPEC / "samples/image.json").read_text()))
    assert made["names"] and made["layers"] and made["platforms"]


@pytest.mark.parametrize("change", [
    {"tag": "latest-image"}, {"version": "3"}, {"digest": ""},
    {"layers": []}, {"layers": [{"digest": None}]}, {"profile": "kit"},
    {"platforms": [{"os": "linux"}]}, {"bytesSent": -1}, {"names": None}])
def test_what_is_wrong_does_not_fit(change):
    sample = json.loads((SPEC / "samples/image.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema()).validate({**sample, **change})


def test_the_image_holds_the_files(mreg, files, churn, tmp_path):
    version = mreg.json("push", files, "churn:production")["digest"]
    made = strict(mreg.json("image", "churn:production"))
    assert made["tag"] == "v1-image" and made["versionDigest"] == version
    assert not made["identical"] and made["bytesReused"] == 0
    index = churn.document(made["digest"])
    assert index["mediaType"] == INDEX and "artifactType" not in index
    assert [m["platform"] for m in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"}]
    assert index["annotations"]["org.mreg.derived-from.digest"] == version
    for architecture in "amd64", "arm64":
        manifest = churn.manifest(made["digest"], architecture)
        out = tmp_path / architecture
        churn.extract(manifest, out)
        assert tree(out / "models") == tree(files)
        assert os.access(out / "bin/sh", os.X_OK)
        assert sorted(p.name for p in out.iterdir()) == ["bin", "models"]


def test_documents_are_those_of_an_image(mreg, files, churn):
    mreg.json("push", files, "churn", "--license", "MIT", "--created",
              "2026-01-01T00:00:00Z", "--version-label", "one")
    made = mreg.json("image", "churn")
    manifest = churn.manifest(made["digest"])
    config = churn.document(manifest["config"]["digest"])
    assert "artifactType" not in manifest and "subject" not in manifest
    assert {layer["mediaType"] for layer in manifest["layers"]} == {LAYER}
    assert config["rootfs"] == {
        "type": "layers",
        "diff_ids": [layer["digest"] for layer in manifest["layers"]]}
    assert len(config["history"]) == len(manifest["layers"])
    assert config["created"] == "2026-01-01T00:00:00Z"
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    run = config["config"]
    assert "Entrypoint" not in run and "User" not in run
    assert run["Cmd"] == ["sh"] and run["WorkingDir"] == "/"
    assert run["Labels"] == {
        "org.containers.type": "ai.image.model.car",
        "org.mreg.derived-from.digest": made["versionDigest"],
        "org.mreg.profile": "image/1",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.title": "churn",
        "org.opencontainers.image.version": "one"}
    for document in manifest, churn.document(made["digest"]):
        assert document["annotations"] == {
            "org.mreg.derived-from.digest": made["versionDigest"],
            "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
            "org.opencontainers.image.licenses": "MIT",
            "org.opencontainers.image.title": "churn",
            "org.opencontainers.image.version": "one"}


def test_large_files_can_be_found_in_their_layers(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    manifest = churn.manifest(made["digest"])
    shell, first, second, small = manifest["layers"]
    assert "annotations" not in shell and "annotations" not in small
    for layer, name in ((first, "model-00001-of-00002.bin"),
                        (second, "model-00002-of-00002.bin")):
        told = layer["annotations"]
        data = (files / name).read_bytes()
        offset = int(told["org.mreg.content.offset"])
        assert offset % 4096 == 0
        assert churn.blob(layer["digest"])[offset:offset + len(data)] == data
        assert told["olot.layer.content.digest"] == \
            "sha256:" + hashlib.sha256(data).hexdigest()
        assert told["olot.layer.content.inlayerpath"] == f"/models/{name}"
        assert told["olot.layer.content.name"] == name
        assert told["olot.layer.content.type"] == "file"
        assert not any("title" in key for key in told)
    for layer in manifest["layers"]:
        blob = churn.blob(layer["digest"])
        assert len(blob) == layer["size"] and blob[-1024:] == bytes(1024)
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            for m in tar:
                assert (m.uid, m.gid, m.uname, m.gname, m.mtime) == \
                    (0, 0, "", "", 0)
                assert m.mode == (0o755 if m.isdir() or m.name in
                                  ("bin/sh", "models/tools/run.sh") else 0o644)
            assert m.offset_data + -(-m.size // 512) * 512 == len(blob) - 1024


def test_layers_are_those_that_the_document_tells_of(mreg, files, churn):
    """Byte for byte, computed again from spec/image.md without mreg."""
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    inside = [oracle.File("models/" + f.path, where=f.where,
                          executable=f.executable)
              for f in oracle.read_folder(files)]
    manifest = churn.manifest(made["digest"])
    assert [layer["digest"] for layer in manifest["layers"][1:]] == \
        [oracle.Layer(group).digest for group in oracle.layout(inside)]


def test_siblings_follow_names(mreg, files, churn, tmp_path):
    mreg.json("push", files, "churn:production")
    mreg.run("release", "churn:v1", "1.0.0")
    mreg.json("alias", "set", "churn:v1", "staging")
    made = mreg.json("image", "churn")
    assert made["names"] == ["1.0.0-image", "latest-image",
                             "production-image", "staging-image"]
    tags = churn.tags()
    for name in ["v1-image", *made["names"]]:
        assert tags[name] == made["digest"]
    (files / "config.json").write_text('{"model_type":"two"}')
    mreg.json("push", files, "churn")
    tags = churn.tags()
    assert "latest-image" not in tags and tags["v1-image"] == made["digest"]
    second = mreg.json("image", "churn")
    assert second["tag"] == "v2-image"
    assert churn.tags()["latest-image"] == second["digest"]
    assert churn.tags()["production-image"] == made["digest"]
    mreg.json("alias", "set", "churn:v2", "production")
    assert churn.tags()["production-image"] == second["digest"]
    mreg.json("rollback", "churn:production")
    assert churn.tags()["production-image"] == made["digest"]
    mreg.json("archive", "churn:v2")
    assert churn.tags()["latest-image"] == made["digest"]


def test_the_second_time_nothing_is_sent(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    before = tree(churn.folder)
    again = strict(mreg.json("image", "churn:v1"))
    assert again["identical"] and again["digest"] == made["digest"]
    assert again["bytesSent"] == 0
    assert {layer["action"] for layer in again["layers"]} == {"reuse"}
    # Nor where nothing is remembered of the first.
    shutil.rmtree(mreg.home)
    mreg.home.mkdir()
    again = mreg.json("image", "churn:v1")
    assert again["identical"] and again["digest"] == made["digest"]
    assert tree(churn.folder) == before


def test_a_version_makes_one_image(mreg, files, churn):
    mreg.json("push", files, "churn")
    mreg.json("image", "churn")
    for words in (["--no-shell"], ["--user", "1010"],
                  ["--platform", "linux/amd64"]):
        found = mreg.fails(4, "image", "churn", *words)
        assert "was made otherwise" in found["message"]
        assert "never moves" in found["hint"]


def test_a_dry_run_writes_nothing(mreg, files, churn):
    mreg.json("push", files, "churn")
    before = tree(churn.folder)
    planned = strict(mreg.json("image", "churn", "--dry-run"))
    assert planned["dryRun"] and planned["digest"] is None
    assert planned["bytesSent"] == planned["bytesTotal"] > 4 * MIB
    assert tree(churn.folder) == before
    made = mreg.json("image", "churn")
    assert [row["size"] for row in made["layers"]] == \
        [row["size"] for row in planned["layers"]]


def test_pull_gives_the_files_back(mreg, files, tmp_path):
    mreg.json("push", files, "churn")
    mreg.json("image", "churn")
    mreg.json("pull", "churn:v1-image", "-o", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(files)
    assert mreg.json("check", tmp_path / "out", "churn")["same"]


# -- push --also -------------------------------------------------------------------


def test_push_makes_the_image_too(mreg, files, churn, tmp_path):
    pushed = mreg.json("push", files, "churn:production", "--also", "image")
    made, = pushed["also"]
    strict({"schema": "mreg.image/1", **made})
    assert made["versionDigest"] == pushed["digest"]
    assert made["names"] == ["latest-image", "production-image"]
    out = tmp_path / "out"
    churn.extract(churn.manifest(made["digest"]), out)
    assert tree(out / "models") == tree(files)
    again = mreg.json("image", "churn")
    assert again["identical"] and again["digest"] == made["digest"]


def test_names_never_lack_the_image_that_push_makes(mreg, files, churn):
    """Of two pushes each with its image, the tag of the first is never away:
    it is not removed and written again."""
    mreg.json("push", files, "churn:production", "--also", "image")
    (files / "config.json").write_text('{"model_type":"two"}')
    r = mreg.run("push", files, "churn:production", "--also", "image", "-vv")
    assert "removed" not in r.stderr and "untag" not in r.stderr
    tags = churn.tags()
    assert tags["latest-image"] == tags["production-image"] == \
        tags["v2-image"] != tags["v1-image"]


def test_push_adds_the_image_to_a_version_that_is_there(mreg, files, churn):
    first = mreg.json("push", files, "churn:production")
    again = mreg.json("push", files, "churn", "--also", "image")
    assert again["identical"] and again["digest"] == first["digest"]
    made, = again["also"]
    assert not made["identical"]
    assert made["names"] == ["latest-image", "production-image"]
    third = mreg.json("push", files, "churn", "--also", "image")
    assert third["also"][0]["identical"]
    # Nor is it otherwise where nothing is remembered.
    shutil.rmtree(mreg.home)
    mreg.home.mkdir()
    fourth = mreg.json("push", files, "churn", "--also", "image")
    assert fourth["also"][0]["identical"]
    assert churn.tags()["v1-image"] == made["digest"]


def test_a_rehearsed_push_tells_of_the_image(mreg, files, store):
    told = mreg.json("push", files, "churn", "--also", "image", "--dry-run")
    made, = told["also"]
    assert made["tag"] is None and made["bytesSent"] == made["bytesTotal"] > 0
    assert not (store / "churn").exists()


def test_where_no_image_can_be_made_there_is_no_version(mreg, files, churn):
    (files / ".wh.config.json").write_text("hostile")
    why = mreg.fails(9, "push", files, "churn", "--also", "image")
    assert "an image cannot hold '.wh.config.json'" in why["message"]
    assert "v1" not in churn.tags()
    mreg.json("push", files, "churn")
    why = mreg.fails(9, "push", files, "churn", "--also", "image")
    assert "churn:v1' is there" in why["message"]
    assert "an image cannot hold" in why["cause"]


@pytest.mark.parametrize("words, told", [
    (["kit"], "cannot be 'kit'"), (["image", "--also", "image"], "twice")])
def test_push_knows_its_profiles(mreg, files, words, told):
    why = mreg.fails(2, "push", files, "churn", "--also", *words)
    assert told in why["message"]


# -- what is no image, and who asks for one -------------------------------------------


@pytest.mark.parametrize("words, told", [
    (["--user", "root"], "no user"), (["--user", "1:2:3"], "no user"),
    (["--user", ""], "no user"), (["--user", "4294967295"], "no user"),
    (["--platform", "windows/amd64"], "no platform"),
    (["--platform", "linux"], "no platform"),
    (["--platform", "linux/AMD64"], "no platform"),
    (["--platform", "linux/amd64", "--platform", "linux/amd64"], "twice"),
    (["--profile", "kit"], "cannot be 'kit'")])
def test_options_are_checked(mreg, pushed, words, told):
    assert told in mreg.fails(2, "image", "churn", *words)["message"]


def test_a_platform_without_a_shell_is_told(mreg, pushed):
    why = mreg.fails(9, "image", "churn", "--platform", "linux/s390x")
    assert "no /bin/sh for linux/s390x" in why["message"]
    made = mreg.json("image", "churn", "--platform", "linux/s390x",
                     "--no-shell", "--user", "1010:0")
    assert [p["architecture"] for p in made["platforms"]] == ["s390x"]


def test_user_and_no_shell_are_in_the_config(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn", "--no-shell", "--user", "1010")
    manifest = churn.manifest(made["digest"])
    config = churn.document(manifest["config"]["digest"])["config"]
    assert config["User"] == "1010" and "Cmd" not in config
    assert len(manifest["layers"]) == 3


def test_only_versions_have_images(mreg, pushed, churn):
    made = mreg.json("image", "churn")
    for ref in "churn:v1-image", f"churn@{made['digest']}":
        assert "churn" in mreg.fails(9, "image", ref)["message"]
    child = churn.document(made["digest"])["manifests"][0]["digest"]
    mreg.fails(9, "image", f"churn@{child}")
    mreg.fails(3, "image", "churn:v9")
    mreg.fails(3, "image", "nothing")


# -- samples, and Docker's format ------------------------------------------------------


@pytest.fixture
def toy(mreg, store):
    """The model of spec/samples."""
    golden = ROOT / "tests/golden/toy"
    mreg.json("push", golden / "files", "toy", "-f", golden / "metadata.json")
    return Store(store / "toy")


def test_the_samples_are_what_is_made(mreg, toy):
    """Byte for byte: what was published once stays what it is."""
    def sample(name):
        return (SPEC / f"samples/{name}.json").read_bytes()

    image = mreg.json("image", "toy")
    assert toy.blob(image["digest"]) == sample("image-index")
    first = toy.document(image["digest"])["manifests"][0]["digest"]
    assert toy.blob(first) == sample("image-manifest")
    config = toy.document(first)["config"]["digest"]
    assert toy.blob(config) == sample("image-config")
    docker = mreg.json("image", "toy", "--profile", "docker")
    assert toy.blob(docker["digest"]) == sample("docker-manifest")
    config = toy.document(docker["digest"])["config"]["digest"]
    assert toy.blob(config) == sample("docker-config")


def test_the_published_digest_of_docker_s_manifest_stays(mreg, toy):
    made = strict(mreg.json("image", "toy", "--profile", "docker"))
    assert made["digest"] == ("sha256:8fa5c8d53593991626592f320c42df82"
                              "948a684724e861d84723edf46808813f")
    assert made["tag"] == "v1-docker" and made["platforms"] == []
    assert made["bytesSent"] == 0 and made["names"] == ["latest-docker"]
    assert mreg.json("image", "toy", "--profile", "docker")["identical"]


def test_docker_s_format_names_the_version_s_blobs(mreg, toy, tmp_path):
    version = toy.document(mreg.json("resolve", "toy")["digest"])
    made = mreg.json("image", "toy", "--profile", "docker")
    manifest = toy.document(made["digest"])
    assert [layer["digest"] for layer in manifest["layers"]] == \
        [layer["digest"] for layer in version["layers"]]
    mreg.json("pull", "toy:v1-docker", "-o", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(ROOT / "tests/golden/toy/files")


def test_docker_s_format_tells_files_apart(mreg, tmp_path, store):
    root = tmp_path / "gguf"
    (root / "templates").mkdir(parents=True)
    for name in ("model.gguf", "mmproj-model.gguf", "LICENSE", "README.md",
                 "templates/chat.jinja"):
        (root / name).write_bytes(b"GGUF" + name.encode())
    pushed = mreg.json("push", root, "chat", "--also", "docker")
    made, = pushed["also"]
    manifest = Store(store / "chat").document(made["digest"])
    kinds = {layer["annotations"]["org.cncf.model.filepath"]:
             layer["mediaType"].removeprefix("application/vnd.docker.ai.")
             for layer in manifest["layers"]}
    assert kinds == {"model.gguf": "gguf.v3", "mmproj-model.gguf": "mmproj",
                     "LICENSE": "license", "README.md": "model.file",
                     "templates/chat.jinja": "chat.template.jinja"}
    config = Store(store / "chat").document(manifest["config"]["digest"])
    assert config["config"]["format"] == "gguf"
    assert config["rootfs"]["diff_ids"] == [layer["digest"]
                                            for layer in manifest["layers"]]


@pytest.mark.parametrize("names, told", [
    (["model.onnx"], "model.onnx"), (["README.md"], "there are none"),
    (["a.gguf", "b.safetensors"], "both GGUF and safetensors"),
    (["a.safetensors", "pytorch_model.bin"], "pytorch_model.bin")])
def test_docker_s_format_holds_two_kinds_of_weights(mreg, tmp_path, names,
                                                     told):
    for name in names:
        harness.write(tmp_path / "m" / name, b"weights of " + name.encode())
    mreg.json("push", tmp_path / "m", "m")
    why = mreg.fails(9, "image", "m", "--profile", "docker")
    assert told in why["message"] and why["hint"]


def test_docker_s_format_has_no_platforms(mreg, toy):
    for words in (["--platform", "linux/amd64"], ["--no-shell"],
                  ["--user", "1"]):
        mreg.fails(2, "image", "toy", "--profile", "docker", *words)


# -- another image below ----------------------------------------------------------------


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
