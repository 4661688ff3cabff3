"""test_foreign.py - what others push is pulled to the right files with the
right names: each row of facts/peers.md 6.5, made as their tools write it, in
Debian's registry; what is hostile leaves nothing."""
import hashlib
import json
import os
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import tarfile

import pytest

import foreign
import harness
from foreign import DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST, LAYER, \
    MODEL, MODELPACK, expect, gz, image, layer, link, named, tar, zstd
from harness import MIB, assert_pulled

WEIGHTS = bytes(range(256)) * 40
CONFIG, README = b'{"model_type":"toy"}\n', b"# toy\n"
KIT = "application/vnd.kitops.modelkit."
DOCKER = "application/vnd.docker.ai."
OLLAMA = "application/vnd.ollama.image."


@pytest.fixture
def remote(plain, box):
    """A repository of its own."""
    return foreign.Registry(
        plain.host,
        "foreign/" + hashlib.sha256(str(box).encode()).hexdigest()[:16])


@pytest.fixture
def pulls(mreg, plain, remote, box):
    """Pull TAG and compare; then the same again moves nothing, and without its
    memory finds every file right."""

    def pull(expected, tag="v", *options, archives=False):
        out = box / "out"
        name = f"{remote.name}:{tag}"
        first = mreg.json("pull", name, "-o", out, *options)
        assert_pulled(out, expect(expected))
        assert {i["path"] for i in first["files"]} == set(expected)
        assert first["filesPlaced"] == len(expected)
        before = {p: os.stat(out / p).st_ino for p in expected}
        mark = plain.mark()
        again = mreg.json("pull", name, "-o", out, *options)
        assert again["bytesFetched"] == 0 and again["filesPlaced"] == 0
        assert again["bytesReused"] == again["bytesTotal"]
        assert not [r for r in plain.requests(mark)
                    if "/blobs/" in r[1] or r[0] == "GET" and
                    "/manifests/" in r[1]]
        shutil.rmtree(mreg.env["XDG_CACHE_HOME"])
        lost = mreg.json("pull", name, "-o", out, *options)
        assert lost["filesPlaced"] == 0
        assert (lost["bytesFetched"] > 0) == archives
        assert before == {p: os.stat(out / p).st_ino for p in expected}
        assert_pulled(out, expect(expected))
        return first

    return pull


# -- ModelPack, and who is near to it -----------------------------------------


def test_modelpack_raw_of_anybody(remote, pulls):
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.raw", WEIGHTS, filepath="w/m.bin",
              metadata=json.dumps({"name": "m.bin", "mode": 420,
                                   "typeflag": 48})),
        named(MODELPACK + "weight.v1.gguf", b"GGUF", title="m.gguf"),
        named(MODELPACK + "code.v1.raw", b"#!/bin/sh\n", filepath="run.sh",
              metadata=json.dumps({"mode": 493})),
    ], artifact=MODEL)
    pulls({"w/m.bin": WEIGHTS, "m.gguf": b"GGUF",
           "run.sh": (b"#!/bin/sh\n", True)})


@pytest.mark.parametrize("suffix,pack", [("tar", bytes), ("tar+gzip", gz),
                                         ("tar+zstd", zstd)])
def test_modelpack_archives(remote, pulls, suffix, pack):
    remote.manifest("v", [
        named(MODELPACK + "weight.v1." + suffix,
              pack(tar({"w/": None, "w/m.bin": WEIGHTS,
                        "w/größe.txt": b"x"})), filepath="w"),
        named(MODELPACK + "doc.v1." + suffix,
              pack(tar({"README.md": README, "run.sh": (b"#!", 0o755)})),
              filepath="README.md"),
        named(MODELPACK + "weight.config.v1.raw", CONFIG,
              filepath="config.json"),
    ], artifact=MODEL)
    pulls({"w/m.bin": WEIGHTS, "w/größe.txt": b"x", "README.md": README,
           "run.sh": (b"#!", True), "config.json": CONFIG}, archives=True)


@pytest.mark.parametrize("how", ["ustar", "gnu", "pax", "v7", "z", "zstd"])
def test_what_gnu_tar_packs(remote, pulls, box, how):
    long = "n" * 60 + "/" + "m" * 30
    content = {"a/b.txt": b"b", long: b"long", "empty": b"",
               "run.sh": (b"#!/bin/sh\n", True), "w.bin": WEIGHTS * 50}
    if how in ("gnu", "pax"):
        content["größe/" + "x" * 200] = b"letters"
    for path, data in content.items():
        harness.write(box / "in" / path,
                      data[0] if isinstance(data, tuple) else data,
                      isinstance(data, tuple))
    words = {"z": ["-z"], "zstd": ["--zstd"]}.get(how, [f"--format={how}"])
    if how == "zstd" and not shutil.which("zstd"):
        pytest.skip("no zstd")
    subprocess.run(["tar", *words, "-C", str(box / "in"), "-cf",
                    str(box / "a.tar"), "."], check=True)
    suffix = {"z": "tar+gzip", "zstd": "tar+zstd"}.get(how, "tar")
    remote.manifest("v", [named(MODELPACK + "weight.v1." + suffix,
                                (box / "a.tar").read_bytes(), filepath="x")],
                    artifact=MODEL)
    pulls(content, archives=True)


def test_legacy_names_of_old_modctl(mreg, remote, pulls, box):
    old = "application/vnd.cnai.model."
    remote.manifest("v", [
        named(old + "weight.v1.raw", WEIGHTS, cnai="../../w/m.bin"),
        named(old + "doc.v1.tar", tar({"README.md": README}),
              cnai="README.md"),
    ], artifact=old + "manifest.v1+json")
    pulls({"w/m.bin": WEIGHTS, "README.md": README}, archives=True)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "again")
    assert "'../' in front of this path was left out" in r.stderr


def test_what_climbs_is_refused_of_everybody_else(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.raw", WEIGHTS,
                                filepath="../m.bin")], artifact=MODEL)
    e = mreg.fails(6, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "holds a file that cannot be written" in e["message"]
    assert not (box / "out").exists() and not (box / "m.bin").exists()


def test_ramalama_with_empty_config_and_sniffed_types(remote, pulls):
    remote.manifest("v", [
        named("application/octet-stream", b"GGUF" + WEIGHTS,
              filepath="toy.gguf", title="toy.gguf",
              metadata=json.dumps({"name": "toy.gguf", "typeflag": 48})),
        named("text/plain", README,
              filepath="README.md", title="README.md"),
    ], artifact=MODEL)
    pulls({"toy.gguf": b"GGUF" + WEIGHTS, "README.md": README})


def test_olots_modelpack_shares_the_images_layers(remote, pulls):
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.tar",
              tar({"models/": None, "models/m.bin": WEIGHTS},
                  tarfile.GNU_FORMAT),
              title="m.bin", inlayerpath="/models/m.bin"),
        named(MODELPACK + "doc.v1.tar", tar({"models/sub/README.md": README}),
              title="README.md", inlayerpath="/models/sub/README.md"),
    ], artifact=MODEL)
    pulls({"m.bin": WEIGHTS, "sub/README.md": README}, archives=True)


def test_olots_modelpack_as_olot_1_2_writes_it(remote, pulls):
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.tar", tar({"models/m.bin": WEIGHTS}),
              title="m.bin"),
        named(MODELPACK + "doc.v1.tar+gzip",
              gz(tar({"models/README.md": README})), title="README.md"),
    ], artifact=MODEL)
    pulls({"m.bin": WEIGHTS, "README.md": README}, archives=True)


# -- ORAS, podman, regctl ------------------------------------------------------


def test_files_and_folders_of_oras(remote, pulls):
    remote.manifest("v", [
        named(LAYER, WEIGHTS, title="m.bin"),
        named(LAYER + "+gzip", gz(tar({"data/": None, "data/a/x.txt": b"x",
                                       "data/y.txt": b"y"})),
              title="data", unpack="true"),
        named(LAYER, gz(b"a file that is gzip data"), title="f.gz"),
    ], artifact="application/vnd.unknown.artifact.v1")
    pulls({"m.bin": WEIGHTS, "data/a/x.txt": b"x", "data/y.txt": b"y",
           "f.gz": gz(b"a file that is gzip data")}, archives=True)


def test_a_named_tar_of_oras_is_a_file(remote, pulls):
    packed = gz(tar({"a": b"a"}))
    remote.manifest("v", [
        named("application/vnd.acme.data.v1.tar+gzip", packed,
              title="data.tar.gz"),
        # oras compresses folders, whatever type its caller gave.
        named("application/vnd.acme.data.v1.tar", gz(tar({"d/b": b"b"})),
              title="d", unpack="true"),
    ], artifact="application/vnd.unknown.artifact.v1")
    pulls({"data.tar.gz": packed, "d/b": b"b"}, archives=True)


def test_folders_of_regctl_have_no_prefix_inside(remote, pulls):
    remote.manifest("v", [
        named("application/x-tar", gz(tar({"x.txt": b"x", "b/y.txt": b"y"})),
              title="a/b/"),
        named("application/octet-stream", README, title="README.md"),
    ], artifact="application/x-model")
    pulls({"a/b/x.txt": b"x", "a/b/b/y.txt": b"y", "README.md": README},
          archives=True)


# -- KitOps --------------------------------------------------------------------


def kit(remote, reference, layers, kitfile, **more):
    return remote.manifest(
        reference, layers, json.dumps(kitfile).encode(),
        KIT + "config.v1+json", artifact=KIT + "manifest.v1+json", **more)


def test_kits_tars_carry_their_names(remote, pulls):
    model = layer(KIT + "model.v1.tar", tar({"model.safetensors": WEIGHTS},
                                            tarfile.USTAR_FORMAT))
    part = layer(KIT + "modelpart.v1.tar+gzip",
                 gz(tar({"config.json": CONFIG})))
    docs = layer(KIT + "docs.v1.tar+zstd",
                 zstd(tar({"docs/": None, "docs/README.md": README})))
    kit(remote, "v", [model, part, docs], {
        "manifestVersion": "1.0.0",
        "model": {"name": "toy", "path": "model.safetensors",
                  "digest": model[0]["digest"],
                  "parts": [{"path": "config.json"}]}})
    pulls({"model.safetensors": WEIGHTS, "config.json": CONFIG,
           "docs/README.md": README}, archives=True)


def test_kits_raw_layers_are_named_by_the_kitfile(remote, pulls):
    model = layer(KIT + "model.v1.raw", WEIGHTS)
    part = layer(KIT + "modelpart.v1.raw+zstd", zstd(CONFIG))
    docs = layer(KIT + "docs.v1.raw+gzip", gz(README))
    kit(remote, "v", [model, part, docs], {
        "model": {"path": "./model.safetensors",
                  "digest": model[0]["digest"],
                  "parts": [{"path": "sub/config.json",
                             "digest": part[0]["digest"]}]},
        "docs": [{"path": "README.md", "digest": docs[0]["digest"],
                  "diffId": foreign.digest(README)}]})
    pulls({"model.safetensors": WEIGHTS, "sub/config.json": CONFIG,
           "README.md": README}, archives=True)


def test_modelpack_of_kit_has_its_kitfile_as_annotation(remote, pulls):
    model = layer(MODELPACK + "weight.v1.raw", WEIGHTS)
    remote.manifest("v", [model], artifact=MODEL, annotations={
        "ml.kitops.modelkit.kitfile": json.dumps({"model": {
            "path": "m.bin", "digest": model[0]["digest"]}})})
    pulls({"m.bin": WEIGHTS})


def test_kits_index_asks_for_a_label(mreg, remote, box):
    children = []
    for name in ("q4_0", "q8_0"):
        data = name.encode() * 10
        model = layer(KIT + "model.v1.raw", data)
        d = kit(remote, None, [model], {
            "model": {"path": "m.gguf", "digest": model[0]["digest"]}})
        children.append({**d, "modelMetadata": {"quantization": name,
                                                "size": 7}})
    top = remote.index("all", children,
                       artifactType=KIT + "index.v1+json")
    name = f"{remote.name}:all"
    r = mreg.run("pull", name, "-o", box / "out", status=2)
    assert "is an index of 2 manifests, and nothing says which" in r.stderr
    assert "--select quantization=q4_0 or quantization=q8_0" in r.stderr
    for child in children:
        assert f"{child['digest']} quantization=q" in r.stderr
    r = mreg.json("pull", name, "--select", "quantization=q8_0",
                  "-o", box / "out")
    assert_pulled(box / "out", expect({"m.gguf": b"q8_0" * 10}))
    assert r["digest"] == top["digest"]
    mreg.run("pull", name, "--select", children[0]["digest"],
             "-o", box / "other")
    assert_pulled(box / "other", expect({"m.gguf": b"q4_0" * 10}))
    e = mreg.fails(3, "pull", name, "--select", "quantization=q2",
                   "-o", box / "out")
    assert "none is as --select says" in e["message"]
    e = mreg.fails(2, "pull", name, "--select", "size=7", "-o", box / "out")
    assert "several" in e["message"]
    e = mreg.fails(2, "pull", f"{remote.name}@{children[0]['digest']}",
                   "--select", "a=b", "-o", box / "out")
    assert "is no index" in e["message"]


# -- Docker Model Runner, Ollama -----------------------------------------------


def test_docker_v01_has_fixed_names(remote, pulls):
    remote.manifest("v", [
        layer(DOCKER + "gguf.v3", b"GGUF" + WEIGHTS),
        layer(DOCKER + "license", b"Apache"),
        layer(DOCKER + "license", b"Notice"),
        layer(DOCKER + "mmproj", b"proj"),
        layer(DOCKER + "chat.template.jinja", b"{{ x }}"),
    ], b'{"config":{"format":"gguf"}}', DOCKER + "model.config.v0.1+json")
    pulls({"model.gguf": b"GGUF" + WEIGHTS, "LICENSE": b"Apache",
           "LICENSE-2": b"Notice", "model.mmproj": b"proj",
           "template.jinja": b"{{ x }}"})


def test_docker_v01_shards_and_archives(remote, pulls):
    remote.manifest("v", [
        layer(DOCKER + "safetensors", b"one"),
        layer(DOCKER + "safetensors", b"two"),
        layer(DOCKER + "vllm.config.tar", tar({"config.json": CONFIG})),
        layer(DOCKER + "dir.tar", tar({"sub/": None, "sub/a": b"a"})),
    ], b"{}", DOCKER + "model.config.v0.1+json")
    pulls({"model-00001-of-00002.safetensors": b"one",
           "model-00002-of-00002.safetensors": b"two",
           "config.json": CONFIG, "sub/a": b"a"}, archives=True)


def test_docker_v02_has_paths(remote, pulls):
    remote.manifest("v", [
        named(DOCKER + "safetensors", WEIGHTS, filepath="model.safetensors"),
        named(DOCKER + "model.file", CONFIG, filepath="sub/config.json"),
    ], b"{}", DOCKER + "model.config.v0.2+json")
    pulls({"model.safetensors": WEIGHTS, "sub/config.json": CONFIG})


def test_ollama(remote, pulls):
    remote.manifest("v", [
        layer(OLLAMA + "model", b"GGUF" + WEIGHTS, {"from": "/models/x"}),
        layer(OLLAMA + "template", b"{{ .Prompt }}"),
        layer(OLLAMA + "params", b'{"stop":["x"]}'),
        layer(OLLAMA + "license", b"MIT"),
        layer(OLLAMA + "license", b"and another"),
        layer(OLLAMA + "tensor", b"numbers", {"name": "blk.0.weight"}),
    ], b'{"model_format":"gguf"}', DOCKER_CONFIG, media_type=DOCKER_MANIFEST)
    pulls({"model.gguf": b"GGUF" + WEIGHTS, "template": b"{{ .Prompt }}",
           "params.json": b'{"stop":["x"]}', "license": b"MIT",
           "license-2": b"and another", "blk.0.weight": b"numbers"})


# -- Cog -----------------------------------------------------------------------


def cog(remote, reference, content, lie=None, newline=False):
    """Small files in one layer, compressed; each large one in its own."""
    small = {p: c for p, c in content.items() if len(c) < 1000}
    layers = [layer(LAYER + "+gzip", gz(tar(small)))]
    listed = [(p, c, layers[0]) for p, c in small.items()]
    for path, data in content.items():
        if path not in small:
            one = layer(LAYER, tar({path: data}))
            layers.append(one)
            listed.append((path, data, one))
    rows = sorted(({"path": p, "layer": one[0]["digest"], "size": len(c),
                    "digest": foreign.digest(c)} for p, c, one in listed),
                  key=lambda r: r["path"])
    lines = "\n".join(f"{r['digest'][7:]}  {r['path']}" for r in rows)
    if newline:
        lines += "\n"
    if lie:
        lie(rows)
    return remote.manifest(
        reference, layers, json.dumps({"files": rows}).encode(),
        "application/vnd.cog.weight.config.v1+json",
        artifact="application/vnd.cog.weight.v1",
        annotations={"run.cog.weight.set-digest":
                     foreign.digest(lines.encode())})


COG = {"config.json": CONFIG, "sub/README.md": README, "w.bin": WEIGHTS}


@pytest.mark.parametrize("newline", [False, True])
def test_cog_weights(remote, pulls, newline):
    cog(remote, "v", COG, newline=newline)
    pulls(COG, archives=True)


@pytest.mark.parametrize("lie", [
    lambda rows: rows.pop(),
    lambda rows: rows[0].update(size=1),
    lambda rows: rows[1].update(path="other"),
    lambda rows: rows[2].update(digest=foreign.digest(b"x")),
])
def test_cogs_list_is_compared(mreg, remote, box, lie):
    cog(remote, "v", COG, lie)
    e = mreg.fails(6, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "is not as the list of files says" in e["cause"]
    assert not (box / "out").exists()


def test_cogs_set_digest_is_compared(mreg, remote, box):
    remote.manifest("v", [layer(LAYER, tar({"a": b"a"}))],
                    artifact="application/vnd.cog.weight.v1",
                    annotations={"run.cog.weight.set-digest":
                                 foreign.digest(b"another")})
    e = mreg.fails(6, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "set digest" in e["cause"]


# -- images --------------------------------------------------------------------


def modelcar_layers(compress=bytes, suffix=""):
    base = layer(LAYER + suffix, compress(tar({
        "bin": link("bin", "usr/bin"), "etc/": None,
        "etc/passwd": b"root:x:0:0", "dev/null": link(
            "dev/null", "", tarfile.CHRTYPE)})))
    one = layer(LAYER + suffix, compress(tar({
        "models/": None, "models/old.bin": b"old", "models/dir/a": b"a",
        "models/config.json": b"{}"}, tarfile.GNU_FORMAT)))
    two = layer(LAYER + suffix, compress(tar({
        "models/.wh.old.bin": b"", "models/dir/.wh..wh..opq": b"",
        "models/dir/b": b"b", "models/config.json": CONFIG,
        "models/m.bin": WEIGHTS, "models/run": (b"#!", 0o755),
        "models/model.file": link("models/model.file", "m.bin")})))
    return [base, one, two]


MODELCAR = {"dir/b": b"b", "config.json": CONFIG, "m.bin": WEIGHTS,
            "run": (b"#!", True), "model.file": WEIGHTS}


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


# -- what is hostile -----------------------------------------------------------


def hostile():
    yield "climbs", {"good": b"x", "../evil": b"x"}, 6
    yield "absolute", {"good": b"x", "/evil": b"x"}, 6
    yield "hidden", {"a/../../evil": b"x"}, 6
    yield "symlink", {"d": link("d", ".."), "d/evil": b"x"}, 9
    yield "hardlink", {"good": b"x", "h": link("h", "evil",
                                               tarfile.LNKTYPE)}, 9
    yield "fifo", {"f": link("f", "", tarfile.FIFOTYPE)}, 9
    yield "device", {"f": link("f", "", tarfile.CHRTYPE)}, 9
    yield "deep", {"d/" * 70 + "f": b"x"}, 6
    yield "part", {".mreg-part-0": b"x"}, 6
    yield "component", {"n" * 300: b"x"}, 6
    yield "path", {"/".join(["n" * 240] * 17): b"x"}, 6
    yield "conflict", {"a": b"x", "a/b": b"x"}, 6


@pytest.mark.parametrize("content,status",
                         [h[1:] for h in hostile()],
                         ids=[h[0] for h in hostile()])
@pytest.mark.parametrize("pack,suffix", [(bytes, "tar"), (gz, "tar+gzip")])
def test_hostile_archives_write_nothing(mreg, remote, box, content, status,
                                        pack, suffix):
    remote.manifest("v", [named(MODELPACK + "weight.v1." + suffix,
                                pack(tar(content)), filepath="x")],
                    artifact=MODEL)
    (box / "evil").write_text("mine")
    (box / "cwd").mkdir()
    (box / "cwd/evil").write_text("mine too")
    mreg.fails(status, "pull", f"{remote.name}:v", "-o", box / "out",
               cwd=box / "cwd")
    assert (box / "evil").read_text() == "mine"
    assert (box / "cwd/evil").read_text() == "mine too"
    # Nothing of it would ever be of use.
    assert not (box / "out").exists()


@pytest.mark.parametrize("path", ["../../x", "/x", "a/../../x", "."])
def test_an_archive_may_not_be_called_so(mreg, remote, box, path):
    """Though its files have names of their own."""
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"good": b"x"}), filepath=path)],
                    artifact=MODEL)
    e = mreg.fails(6, "pull", f"{remote.name}:v", "-o", box / "out")
    assert f"unsafe path '{path}'" in e["cause"]
    assert not (box / "out").exists()


def test_a_terminal_is_told_which_archive_it_is(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({name: b"x"}), filepath=f"layer-{i}")
                          for i, name in enumerate(("good", "../evil"))],
                    artifact=MODEL)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "out", status=6)
    assert "'layer-1' holds an unsafe path '../evil'" in r.stderr


@pytest.mark.parametrize("path,warns", [
    (".git/hooks/pre-commit", True), ("sub/.GIT/config", True),
    (".gitignore", False), ("a.git/b", False)])
def test_a_repository_in_a_version_is_warned_of(mreg, remote, box, path,
                                                warns):
    content = {path: b"x", "a": b"a"}
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar", tar(content),
                                filepath="x")], artifact=MODEL)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "out")
    assert_pulled(box / "out", expect(content))
    assert (f"the version has '{path}'" in r.stderr) == warns
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "a", "-i", "a")
    assert "the version has" not in r.stderr


def test_folders_alone_are_no_model(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"a/": None, "b/c/": None}),
                                filepath="x")], artifact=MODEL)
    r = mreg.run("pull", f"{remote.name}:v", "-o", box / "out", status=9)
    assert "holds no file" in r.stderr and "have folders alone" in r.stderr
    assert not (box / "out").exists()


def test_a_link_in_the_target_is_not_followed(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"d/evil": b"x"}), filepath="x")],
                    artifact=MODEL)
    (box / "out").mkdir()
    (box / "elsewhere").mkdir()
    (box / "out/d").symlink_to(box / "elsewhere")
    e = mreg.fails(4, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "symbolic link" in e["message"] + e["cause"]
    assert os.listdir(box / "elsewhere") == []


def test_a_bomb_is_stopped(mreg, remote, box):
    bomb = gz(tar({"zeros": bytes(128 * MIB)}))
    assert len(bomb) < 200_000
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar+gzip", bomb,
                                filepath="x")], artifact=MODEL)
    e = mreg.fails(1, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "unpacks to more than" in e["cause"]
    assert not (box / "out").exists()


@pytest.mark.parametrize("kind", [b"7", b"S", b"Z", b"N", b"D"])
def test_entries_of_unknown_kinds_are_refused(mreg, remote, box, kind):
    info = tarfile.TarInfo("f")
    info.type = kind
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar",
                                tar({"good": b"x", "f": info}),
                                filepath="x")], artifact=MODEL)
    e = mreg.fails(9, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "a sparse file or the like" in e["cause"]
    assert not (box / "out").exists()


def test_files_are_counted_over_all_archives(mreg, box):
    local = foreign.Layout(box / "store", "many")
    packed = gz(tar({str(i): b"" for i in range(50001)},
                    tarfile.USTAR_FORMAT))
    local.manifest("v", [named(MODELPACK + "weight.v1.tar+gzip", packed,
                               filepath=name) for name in "ab"],
                   artifact=MODEL)
    e = mreg.fails(1, "pull", f"{local.name}:v", "-o", box / "out")
    assert "more than 100000 files" in e["cause"]


def test_more_archives_than_open_files(mreg, box):
    local = foreign.Layout(box / "store", "many")
    local.manifest("v", [named(MODELPACK + "weight.v1.tar",
                               tar({f"f{i}": b"%d" % i}), filepath=f"f{i}")
                         for i in range(1100)], artifact=MODEL)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("no more open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        mreg.run("pull", f"{local.name}:v", "-o", box / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir(box / "out")) == 1100


# -- what the state says is no proof -------------------------------------------


def forge(mreg, change):
    """Change what is remembered of archives, and make its head fit."""
    [path] = pathlib.Path(mreg.env["XDG_CACHE_HOME"]).rglob("state.db")
    db = sqlite3.connect(path)
    tables = [t for t, in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'")]
    count = 0
    for table in tables:
        columns = [c[1] for c in db.execute(f"PRAGMA table_info({table})")]
        for row in list(db.execute(f"SELECT rowid, * FROM {table}")):
            for name, value in zip(columns, row[1:]):
                data = value.encode() if isinstance(value, str) else value
                if not isinstance(data, bytes) or \
                        not data.startswith(b"mreg.members/1 "):
                    continue
                body = change(data.split(b"\n", 1)[1])
                head = b"mreg.members/1 " + foreign.digest(body).encode()
                data = head + b"\n" + body
                db.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?",
                           (data.decode() if isinstance(value, str) else data,
                            row[0]))
                count += 1
    db.commit()
    db.close()
    assert count > 0


def test_a_forged_memory_decides_nothing(mreg, remote, box):
    content = {"a": b"first", "b": b"second"}
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar", tar(content),
                                filepath="x")], artifact=MODEL)
    mreg.run("pull", f"{remote.name}:v", "-o", box / "one")
    forge(mreg, lambda body: body.split(b"\n")[0].replace(
        b" a", b" evil.py") + b"\n")
    mreg.run("pull", f"{remote.name}:v", "-o", box / "two")
    assert_pulled(box / "two", expect(content))
    mreg.run("pull", f"{remote.name}:v", "-o", box / "three")
    assert_pulled(box / "three", expect(content))


def test_a_forged_memory_of_an_image_is_not_read(mreg, remote, box):
    image(remote, "v", modelcar_layers())
    mreg.run("pull", f"{remote.name}:v", "-o", box / "one")
    forge(mreg, lambda body: body.replace(b" models/", b" "))
    mreg.run("pull", f"{remote.name}:v", "-o", box / "two")
    assert_pulled(box / "two", expect(MODELCAR))


def test_wrong_compression_is_told(mreg, remote, box):
    remote.manifest("v", [named(MODELPACK + "weight.v1.tar+zstd",
                                gz(tar({"a": b"x"})), filepath="x")],
                    artifact=MODEL)
    e = mreg.fails(1, "pull", f"{remote.name}:v", "-o", box / "out")
    assert "says that it is compressed with zstd" in e["cause"]


# -- options -------------------------------------------------------------------


@pytest.fixture
def packed(remote):
    content = {"w.bin": WEIGHTS, "config.json": CONFIG}
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.tar", tar(content), filepath="w.bin"),
        named(MODELPACK + "doc.v1.raw", README, filepath="README.md"),
    ], artifact=MODEL)
    return {**content, "README.md": README}


def test_a_dry_run_says_what_it_can_know(mreg, remote, packed, box):
    name = f"{remote.name}:v"
    r = mreg.run("pull", name, "-o", box / "out", "-n", "--json")
    assert not (box / "out").exists()
    assert "1 archive holds is known once" in r.stderr
    size = len(tar({"w.bin": WEIGHTS, "config.json": CONFIG}))
    assert r.json["bytesFetched"] == size + len(README)
    e = mreg.fails(9, "pull", name, "-o", box / "out", "-n", "--exact")
    assert "dry run" in e["message"]
    mreg.run("pull", name, "-o", box / "out")
    (box / "out/w.bin").unlink()
    r = mreg.run("pull", name, "-o", box / "out", "-n", "--json")
    assert r.stderr == ""
    assert r.json["bytesFetched"] == size
    assert {i["path"]: i["action"] for i in r.json["files"]} == {
        "w.bin": "fetch", "config.json": "reused", "README.md": "reused"}


def test_a_dry_run_looks_for_no_file_by_an_archives_name(mreg, remote, box):
    remote.manifest("v", [
        named(MODELPACK + "weight.v1.tar", tar({"w/m.bin": WEIGHTS}),
              filepath="w"),
        named(MODELPACK + "weight.config.v1.raw", CONFIG,
              filepath="w/c.json")], artifact=MODEL)
    (box / "out/w").mkdir(parents=True)
    r = mreg.json("pull", f"{remote.name}:v", "-o", box / "out", "-n")
    assert [i["path"] for i in r["files"]] == ["w", "w/c.json"]
    layers = modelcar_layers()
    image(remote, "image", layers + layers[:1])
    mreg.json("pull", f"{remote.name}:image", "-o", box / "image", "-n")
    mreg.run("pull", f"{remote.name}:image", "-o", box / "image")
    assert_pulled(box / "image", expect(MODELCAR))


@pytest.mark.parametrize("status,options,before", [
    (2, ["--exact"], {"HOME": None}),
    (3, ["--include", "nope"], {}),
    (4, ["--exact"], {f"other{i}": b"x" for i in range(9)}),
    (4, ["--keep"], {"w.bin": b"mine"}),
    (4, [], {"w.bin/mine": b"x"}),
], ids=["home", "typo", "strangers", "keep", "folder"])
def test_a_refused_pull_leaves_no_archive(mreg, remote, packed, box, status,
                                          options, before):
    out = box / "out"
    if "HOME" in before:
        before = {}
        out = pathlib.Path(mreg.env["HOME"])
    for path, data in before.items():
        harness.write(out / path, data)

    def files():
        return out.exists() and sorted(set(os.listdir(out)) - {"cache"})

    was = files()
    mreg.fails(status, "pull", f"{remote.name}:v", "-o", out, *options)
    assert files() == was


def test_what_is_missing_comes_from_the_archive_again(mreg, remote, packed,
                                                      box):
    name = f"{remote.name}:v"
    mreg.run("pull", name, "-o", box / "out")
    (box / "out/config.json").write_text("changed")
    r = mreg.json("pull", name, "-o", box / "out")
    assert r["filesPlaced"] == 1 and r["filesKept"] == 2
    assert_pulled(box / "out", expect(packed))


def test_exact_keep_and_verify_files(mreg, remote, packed, box):
    name, out = f"{remote.name}:v", box / "out"
    mreg.run("pull", name, "-o", out)
    (out / "other.txt").write_text("x")
    r = mreg.json("pull", name, "-o", out, "--exact")
    assert r["removed"] == ["other.txt"]
    assert_pulled(out, expect(packed))
    # Same size and times, other bytes: only reading it tells.
    st = os.stat(out / "config.json")
    (out / "config.json").write_bytes(b"x" * len(CONFIG))
    os.utime(out / "config.json", ns=(st.st_atime_ns, st.st_mtime_ns))
    e = mreg.fails(4, "pull", name, "-o", out, "--keep", "--verify-files")
    assert "'config.json' in" in e["message"]
    mreg.run("pull", name, "-o", out, "--verify-files")
    assert_pulled(out, expect(packed))


def test_a_seed_has_what_an_archive_holds(mreg, remote, packed, box):
    name = f"{remote.name}:v"
    mreg.run("pull", name, "-o", box / "one")
    r = mreg.json("pull", name, "-o", box / "two", "--seed", box / "one")
    assert r["bytesFetched"] == 0
    assert_pulled(box / "two", expect(packed))
