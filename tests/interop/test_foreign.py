"""test_foreign.py - mreg gets the files of what others packed into archives:
oras' folders, modctl's tars under ModelPack's former names, images that
skopeo converted, buildah built, or olot put a model into."""
import hashlib
import json
import shutil
import subprocess

import pytest

import foreign
from harness import assert_pulled, small_model, tree, write
from test_modctl import build


def on_path(name):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"no {name} on PATH")
    return path


def run(*words, **kwargs):
    done = subprocess.run([str(w) for w in words], capture_output=True,
                          text=True, timeout=300, **kwargs)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def nested(folder):
    small_model(folder, "foreign", 300_000)
    write(folder / "sub/größe/ё.txt", "letters\n")
    write(folder / "sub/run.sh", "#!/bin/sh\n", executable=True)
    write(folder / ("n" * 120) / ("m" * 120), "a long name\n")
    return folder


def assert_same(mreg, ref, out, expected):
    mreg.run("pull", ref, "-o", out)
    assert_pulled(out, expected)
    again = mreg.json("pull", ref, "-o", out)
    assert again["bytesFetched"] == 0 and again["filesPlaced"] == 0


# -- oras ------------------------------------------------------------------------


def test_a_folder_that_oras_packed(registry, mreg, oras, box):
    nested(box / "data")
    write(box / "card.md", "# Card\n")
    name = f"{registry.host}/oras/folder"
    oras.run("push", "--plain-http", "--no-tty", f"{name}:v",
             "data", "card.md", cwd=box)
    expected = {f"data/{p}": v for p, v in tree(box / "data").items()}
    expected["card.md"] = tree(box)["card.md"]
    assert_same(mreg, f"{name}:v", box / "out", expected)


def test_a_link_in_a_folder_that_oras_packed_is_refused(registry, mreg, oras,
                                                        box):
    small_model(box / "data", "link")
    (box / "data/link").symlink_to("model.bin")
    name = f"{registry.host}/oras/link"
    oras.run("push", "--plain-http", "--no-tty", f"{name}:v", "data",
             cwd=box)
    e = mreg.fails(9, "pull", f"{name}:v", "-o", box / "out")
    assert "'data/link'" in e["cause"] and "a symbolic link" in e["cause"]


# -- modctl ----------------------------------------------------------------------


def test_tars_of_modctl_under_the_former_names(registry, mreg, modctl, box):
    model = nested(box / "model")
    name = f"{registry.host}/modctl/tar"
    build(modctl, model, f"{name}:v", "--raw=false")
    modctl.run("--no-progress", "push", "--plain-http", f"{name}:v")
    layers = registry.manifest("modctl/tar", "v")["layers"]
    assert all(d["mediaType"].endswith(".tar") for d in layers)
    assert_same(mreg, f"{name}:v", box / "out", tree(model))


# -- images ----------------------------------------------------------------------


def image_layout(box, content, index=False):
    """An image of two layers as an OCI layout, made with Python's tar; `index`:
    as the only one in an image index."""
    folder = box / "image"
    (folder / "blobs/sha256").mkdir(parents=True)

    def blob(data):
        d = foreign.digest(data)
        (folder / "blobs/sha256" / d[7:]).write_bytes(data)
        return {"digest": d, "size": len(data)}

    plain = [foreign.tar({"models/": None, "models/model.bin": b"old",
                          "etc/x": b"x"}),
             foreign.tar({f"models/{p}": c for p, c in content.items()})]
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "history": [{"created_by": "a test"}] * len(plain),
        "rootfs": {"type": "layers",
                   "diff_ids": [foreign.digest(t) for t in plain]}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": foreign.MANIFEST,
        "config": {"mediaType": foreign.OCI_CONFIG, **blob(config)},
        "layers": [{"mediaType": foreign.LAYER, **blob(t)} for t in plain],
    }).encode()
    top = {"mediaType": foreign.MANIFEST, **blob(manifest)}
    if index:
        top = {"mediaType": foreign.INDEX, **blob(json.dumps({
            "schemaVersion": 2, "mediaType": foreign.INDEX, "manifests": [
                {**top, "platform": {"os": "linux",
                                     "architecture": "amd64"}}],
        }).encode())}
    (folder / "index.json").write_text(json.dumps({
        "schemaVersion": 2, "manifests": [
            {**top, "annotations": {
                "org.opencontainers.image.ref.name": "v"}}]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return folder


@pytest.mark.parametrize("format", ["oci", "v2s2"])
def test_images_that_skopeo_converted(registry, mreg, box, format):
    if registry.kind == "zot" and format == "v2s2":
        pytest.skip("zot takes OCI manifests only")
    skopeo = on_path("skopeo")
    folder = nested(box / "model")
    content = {p: ((folder / p).read_bytes(),
                   0o755 if bit else 0o644)
               for p, (_, bit) in tree(folder).items()}
    name = f"{registry.host}/skopeo/image-{format}"
    run(skopeo, "--insecure-policy", "copy", "--dest-tls-verify=false",
        "--format", format, f"oci:{image_layout(box, content)}:v",
        f"docker://{name}:v")
    assert_same(mreg, f"{name}:v", box / "out", tree(folder))


def test_an_image_that_buildah_built(registry, mreg, box):
    buildah = on_path("buildah")
    folder = nested(box / "model")
    name = f"{registry.host}/buildah/image"
    (box / "Containerfile").write_text("FROM scratch\nCOPY model /models\n")
    storage = ["--root", str(box / "root"), "--runroot", str(box / "run"),
               "--storage-driver", "vfs"]
    run(buildah, *storage, "bud", "--isolation", "chroot", "-t", "model", ".",
        cwd=box)
    run(buildah, *storage, "push", "--tls-verify=false", "model",
        f"docker://{name}:v")
    assert_same(mreg, f"{name}:v", box / "out", tree(folder))


@pytest.mark.parametrize("modelpack", [False, True])
def test_an_image_that_olot_put_a_model_into(mreg, ask, box, modelpack):
    layout = image_layout(box, {"base.txt": b"of the base"}, modelpack)
    model = small_model(box / "model", "olot")
    ask("olot_layers", layout, model / "README.md",
        "yes" if modelpack else "no", model / "model.bin",
        model / "config.json")
    store = box / "store"
    store.mkdir()
    layout.rename(store / "olot")
    name = f"oci:{store}//olot:v"
    mreg.run("pull", name, "-o", box / "out")
    expected = {p: sha for p, (sha, _) in tree(model).items()}
    got = {p: sha for p, (sha, _) in tree(box / "out").items()}
    base = hashlib.sha256(b"of the base").hexdigest()
    assert got == {**expected, "base.txt": base}
    if modelpack:
        mreg.run("pull", name, "-o", box / "pack", "--select",
                 "os=unknown")
        assert {p: sha for p, (sha, _) in tree(box / "pack").items()} == \
            expected
