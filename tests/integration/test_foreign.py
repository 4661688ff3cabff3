"""test_foreign.py - what others push is pulled to the right files with the
right names: each row of facts/peers.md 6.5, made as their tools write it, in
Debian's registry.  Images and indexes: test_foreign_images.py."""
import json
import shutil
import subprocess
import tarfile

import pytest

import foreign
import harness
from foreign import CONFIG, DOCKER_CONFIG, DOCKER_MANIFEST, LAYER, MODEL, \
    MODELPACK, README, WEIGHTS, expect, gz, layer, named, tar, zstd
from harness import assert_pulled

KIT = "application/vnd.kitops.modelkit."
DOCKER = "application/vnd.docker.ai."
OLLAMA = "application/vnd.ollama.image."


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
