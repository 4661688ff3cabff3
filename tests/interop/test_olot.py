"""test_olot.py - olot gets the files out of our image, and puts more on top of
it; mreg gets them out of that.  What olot writes without us: test_foreign.py."""
import pytest

from harness import assert_pulled, small_model, tree, write


@pytest.fixture
def model(box):
    small_model(box / "model", "olot", 300_000)
    write(box / "model/sub/größe.json", "{}")
    write(box / "model/run.sh", "#!/bin/sh\n", executable=True)
    return box / "model"


@pytest.fixture
def name(serving, mreg, model, box):
    """A version with its image."""
    name = f"{serving('distribution').host}/olot/{box.name.encode().hex()}"
    mreg.run("push", model, name)
    mreg.run("image", f"{name}:v1")
    return name


def one_platform(oras, name, layout):
    """olot reads layouts, and extracts of such that hold one manifest."""
    oras.run("copy", "--platform", "linux/amd64", "--to-oci-layout",
             f"{name}:v1-image", f"{layout}:latest")


def test_olot_extracts_the_model(ask, oras, name, model, box):
    one_platform(oras, name, box / "layout")
    told = ask("olot_extract", box / "layout", box / "out")
    assert sorted(told) == sorted(f"models/{path}" for path in tree(model))
    assert tree(box / "out/models") == tree(model)


@pytest.mark.parametrize("platforms", ["one", "all"])
def test_olot_adds_to_our_image(ask, oras, mreg, name, model, box,
                                platforms):
    store = box / "store"
    if platforms == "one":
        one_platform(oras, name, store / "more")
    else:
        oras.run("copy", "--to-oci-layout", f"{name}:v1-image",
                 f"{store}/more:latest")
    write(box / "card.md", "# Card\n")
    write(box / "extra.bin", b"\0\1\2")
    ask("olot_layers", store / "more", box / "card.md", "no",
        box / "extra.bin")
    mreg.run("pull", f"oci:{store}//more:latest", "-o", box / "out")
    expected = {path: sha for path, (sha, _) in tree(model).items()}
    expected.update({path: sha for path, (sha, _) in
                     tree(box).items() if path in ("card.md", "extra.bin")})
    assert {path: sha for path, (sha, _) in tree(box / "out").items()} == \
        expected


def test_what_both_have_in_common_is_where_a_file_is(mreg, name, box,
                                                     serving):
    """The annotations of a layer with one file are those that olot gives."""
    write(box / "large/weights.safetensors", bytes(2 << 20))
    mreg.run("push", box / "large", name)
    mreg.run("image", f"{name}:v2")
    there, repository = serving("distribution"), name.split("/", 1)[1]
    index = there.manifest(repository, "v2-image")
    layers = there.manifest(repository,
                            index["manifests"][0]["digest"])["layers"]
    sha = tree(box / "large")["weights.safetensors"][0]
    found, = [layer["annotations"] for layer in layers
              if "olot.layer.content.digest" in layer.get("annotations", {})
              and layer["size"] > 1 << 20]
    assert {key: found[f"olot.layer.content.{key}"] for key in (
        "digest", "type", "inlayerpath", "name")} == {
            "digest": f"sha256:{sha}", "type": "file",
            "inlayerpath": "/models/weights.safetensors",
            "name": "weights.safetensors"}
