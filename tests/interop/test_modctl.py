"""test_modctl.py - modctl, ModelPack's own tool, gets what mreg pushed, and mreg
gets what modctl built."""
import json

import pytest

from harness import assert_pulled, tree


def extract(modctl, ref, out):
    modctl.run("--no-progress", "pull", "--plain-http",
               "--extract-from-remote", "--extract-dir", out, ref)


def inspect(modctl, ref):
    return json.loads(modctl.run("inspect", "--remote", "--plain-http", ref))


def build(modctl, model, ref, *flags):
    modctl.run("modelfile", "generate", model, "--include", "**/.*", "-O",
               modctl.home)
    return modctl.run("--no-progress", "build", "-f",
                      modctl.home / "Modelfile", "-t", ref, *flags, model)


# -- what mreg wrote -------------------------------------------------------------


def test_modctl_pulls_names_bytes_and_the_executable_bit(published, modctl,
                                                         model, box):
    for tag in "v1", "production":
        extract(modctl, f"{published.name}:{tag}", box / tag)
        assert_pulled(box / tag, tree(model))


def test_modctl_pulls_into_its_own_storage_and_extracts(published, modctl,
                                                        model, box):
    ref = f"{published.name}:v1"
    modctl.run("--no-progress", "pull", "--plain-http", ref)
    assert published.digest in modctl.run("ls")
    modctl.run("extract", ref, "--output", box / "out")
    assert_pulled(box / "out", tree(model))


def test_modctl_inspects_what_mreg_pushed(published, registry, modctl):
    seen = inspect(modctl, f"{published.name}:production")
    manifest = registry.manifest(published.repository, "production")
    assert seen["Id"] == manifest["config"]["digest"]
    # Its "Digest" is that of its own encoding of the manifest, not the one
    # that names the version: oras-compat.md warns of it.
    assert seen["Digest"] != published.digest
    assert seen["Name"] == "minilm"
    assert [(layer["MediaType"], layer["Digest"], layer["Size"],
             layer["Filepath"]) for layer in seen["Layers"]] == \
        [(layer["mediaType"], layer["digest"], layer["size"],
          layer["annotations"]["org.cncf.model.filepath"])
         for layer in manifest["layers"]]


# -- what modctl wrote -----------------------------------------------------------


@pytest.mark.parametrize("how", ["push", "straight"])
def test_mreg_pulls_what_modctl_built(registry, mreg, modctl, model, box,
                                      how):
    repository = f"modctl/{how}"
    name = f"{registry.host}/{repository}"
    if how == "push":
        build(modctl, model, f"{name}:v1")
        modctl.run("--no-progress", "push", "--plain-http", f"{name}:v1")
    else:
        build(modctl, model, f"{name}:v1", "--output-remote", "--plain-http")
    manifest = registry.manifest(repository, "v1")
    # The names that ModelPack had before it was the CNCF's.
    assert manifest["artifactType"] == \
        "application/vnd.cnai.model.manifest.v1+json"
    assert all("org.cnai.model.filepath" in layer["annotations"]
               for layer in manifest["layers"])

    pulled = mreg.json("pull", f"{name}:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    mreg.run("pull", f"{name}@{pulled['digest']}", "-o", box / "again")
    assert_pulled(box / "again", tree(model))


def test_mreg_reads_what_modctl_says_about_a_model(registry, mreg, modctl,
                                                   model):
    name = f"{registry.host}/modctl/said"
    build(modctl, model, f"{name}:v1", "--output-remote", "--plain-http")
    theirs = inspect(modctl, f"{name}:v1")
    seen = mreg.json("inspect", f"{name}:v1")
    assert (seen["digest"], seen["number"]) == (theirs["Digest"], 1)
    assert seen["registeredAt"] is None
    said = {"architecture": theirs["Architecture"],
            "family": theirs["Family"], "precision": theirs["Precision"],
            "format": theirs["Format"], "paramSize": theirs["ParamSize"]}
    assert any(said.values())
    for key, value in said.items():
        assert seen["metadata"].get(key, "") == value
    assert {(f["path"], f["role"], f["executable"]) for f in seen["files"]} \
        >= {("run.sh", "code", True), ("empty.txt", "doc", False),
            ("a/b/c/deep.json", "weight.config", False)}
    row, = mreg.json("ls", name)["versions"]
    assert (row["number"], row["registeredAt"]) == (1, None)


def test_mreg_unpacks_what_modctl_put_into_archives(registry, mreg, modctl,
                                                    model, box):
    name = f"{registry.host}/modctl/archives"
    build(modctl, model, f"{name}:v1", "--raw=false", "--output-remote",
          "--plain-http")
    mreg.run("pull", f"{name}:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    extract(modctl, f"{name}:v1", box / "theirs")
    assert tree(box / "theirs") == tree(model)
