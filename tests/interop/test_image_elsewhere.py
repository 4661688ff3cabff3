"""test_image_elsewhere.py - programs that carry and read images do so with the
image of a version: digests unchanged, and all its files.  Podman, buildah,
containerd, docker and runc: tests/integration/test_engines.py."""
import hashlib
import json
import tarfile

import pytest

from harness import assert_pulled, small_model, tree, write
from test_copy import copy

INDEX = "application/vnd.oci.image.index.v1+json"
# What each has to be told to take all platforms, and to change nothing.
WHOLE = {"crane": [], "oras": [], "regctl": [],
         "skopeo": ["--all", "--preserve-digests"]}


@pytest.fixture
def model(box):
    small_model(box / "model", "elsewhere", 300_000)
    write(box / "model/large.safetensors", b"\x5a" * (2 << 20))
    write(box / "model/run.sh", "#!/bin/sh\n", executable=True)
    write(box / "model/größe/ё.txt", "letters\n")
    return box / "model"


@pytest.fixture
def image(serving, mreg, model, box):
    """(name, index's digest) of a version with its image."""
    name = f"{serving('distribution').host}/elsewhere/" \
        f"{box.name.encode().hex()}"
    mreg.run("push", model, name)
    return name, mreg.json("image", f"{name}:v1")["digest"]


@pytest.fixture
def other(serving, image):
    """Where a copy goes."""
    return f"{serving('olareg').host}/{image[0].split('/', 1)[1]}"


def fetch(serving, name, reference):
    """(digest, document) of an index or a manifest, as its registry has it."""
    host, repository = name.split("/", 1)
    server, = [serving(kind) for kind in ("distribution", "olareg")
               if serving(kind).host == host]
    status, body = server.get(f"{repository}/manifests/{reference}",
                              f"{INDEX}, application/vnd.oci.image."
                              "manifest.v1+json")
    assert status == 200, body
    return "sha256:" + hashlib.sha256(body).hexdigest(), json.loads(body)


@pytest.mark.parametrize("tool", WHOLE)
def test_a_copied_image_keeps_its_digest_and_its_files(
        request, serving, mreg, model, image, other, tool, box):
    name, digest = image
    copy(request, tool, f"{name}:v1-image", f"{other}:v1-image", *WHOLE[tool])
    there, index = fetch(serving, other, "v1-image")
    assert there == digest
    assert len(index["manifests"]) >= 2
    for child in index["manifests"]:
        same, manifest = fetch(serving, other, child["digest"])
        assert same == child["digest"]
        assert all(layer["mediaType"].endswith(".layer.v1.tar")
                   for layer in manifest["layers"])
    mreg.run("pull", f"{other}:v1-image", "-o", box / "out")
    assert_pulled(box / "out", tree(model))


def test_skopeo_alone_takes_one_platform(serving, skopeo, mreg, model, image,
                                         other, box):
    """And may pack its layers anew, by what it remembers of earlier copies:
    another digest, the same files."""
    name, digest = image
    flags = ["--insecure-policy", "copy", "--src-tls-verify=false",
             "--dest-tls-verify=false"]
    (box / "store").mkdir()
    layout = f"oci:{box}/store/layout:v1-image"
    skopeo.run(*flags, f"docker://{name}:v1-image", f"docker://{other}:one")
    skopeo.run(*flags, f"docker://{name}:v1-image", layout)
    skopeo.run(*flags, layout, f"docker://{other}:through")
    for tag in "one", "through":
        there, manifest = fetch(serving, other, tag)
        assert there != digest and "layers" in manifest
        mreg.run("pull", f"{other}:{tag}", "-o", box / tag)
        assert_pulled(box / tag, tree(model))


def test_an_image_goes_through_a_layout_of_skopeos(skopeo, serving, mreg,
                                                   model, image, other, box):
    name, digest = image
    flags = ["--insecure-policy", "copy", "--all", "--preserve-digests",
             "--src-tls-verify=false", "--dest-tls-verify=false"]
    (box / "store").mkdir()
    layout = f"oci:{box}/store/layout:v1-image"
    skopeo.run(*flags, f"docker://{name}:v1-image", layout)
    mreg.run("pull", f"oci:{box}/store//layout:v1-image", "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    skopeo.run(*flags, layout, f"docker://{other}:v1-image")
    assert fetch(serving, other, "v1-image")[0] == digest


def test_skopeo_inspects_it_as_any_image(skopeo, image):
    name, digest = image
    seen = json.loads(skopeo.run("inspect", "--tls-verify=false",
                                 f"docker://{name}:v1-image"))
    assert seen["Digest"] == digest
    assert (seen["Os"], "v1-image" in seen["RepoTags"]) == ("linux", True)


def test_crane_flattens_it_into_the_files(crane, model, image, box):
    name, _ = image
    crane.run("export", "--platform", "linux/arm64", f"{name}:v1-image",
              box / "flat.tar")
    with tarfile.open(box / "flat.tar") as t:
        t.extractall(box / "flat", filter="data") \
            if hasattr(tarfile, "data_filter") else t.extractall(box / "flat")
    assert tree(box / "flat/models") == tree(model)


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_platforms_are_chosen_alike(crane, regctl, serving, image, platform):
    name, _ = image
    child, = [m["digest"] for m in
              fetch(serving, name, "v1-image")[1]["manifests"]
              if f"linux/{m['platform']['architecture']}" == platform]
    assert crane.run("digest", "--platform", platform,
                     f"{name}:v1-image").strip() == child
    assert regctl.plain(name).run("image", "digest", "--platform", platform,
                                  f"{name}:v1-image").strip() == child


def test_all_tags_bring_images_along(crane, mreg, serving, image, other):
    name, digest = image
    mreg.run("alias", "set", f"{name}:v1", "production")
    mreg.run("image", f"{name}:v1")
    crane.run("copy", "--all-tags", name, other)
    for tag in "v1-image", "production-image", "latest-image":
        assert fetch(serving, other, tag)[0] == digest
    row, = mreg.json("ls", other)["versions"]
    assert row["tags"] == ["latest", "production"]


def test_what_wants_artifacts_gets_no_file_of_it(oras, modctl, model, image,
                                                 box):
    """Neither fails: oras skips what has no title, modctl what is a list, and
    says that it succeeded.  Of the version itself they get all files."""
    name, _ = image

    def files(tool, tag):
        folder = box / f"{tool}-{tag}"
        if tool == "oras":
            said = oras.run("pull", f"{name}:{tag}", "-o", folder)
        else:
            said = modctl.run("--no-progress", "pull", "--plain-http",
                              "--extract-from-remote", "--extract-dir", folder,
                              f"{name}:{tag}")
        return said, {path: digest for path, (digest, _) in
                      tree(folder).items()}

    for tool, end in ("oras", "Skipped"), ("modctl", "Successfully pulled"):
        said, found = files(tool, "v1-image")
        assert end in said and found == {}
        assert files(tool, "v1")[1] == {
            path: digest for path, (digest, _) in tree(model).items()}
