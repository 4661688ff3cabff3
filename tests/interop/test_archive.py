"""test_archive.py - documents that oras attached, carried by an archive from one
registry to another, and found by oras in the archive and there."""
import json
import subprocess

import pytest

from harness import assert_pulled, small_model, tree

CARD = "application/vnd.test.card.v1"


def fresh(box):
    """A name that no other test uses; a folder's may end in '_'."""
    return box.name.encode().hex()


@pytest.fixture
def attached(registry, oras, mreg, box):
    """A model in a registry, with a document about its v1 and one about that
    document."""
    name = f"{registry.host}/archive/{fresh(box)}"
    folder = small_model(box / "model", 7)
    pushed = mreg.json("push", folder, name)
    (box / "card.md").write_text("# what it is\n")
    (box / "note.md").write_text("# what that is\n")
    card = json.loads(oras.run(
        "attach", "--plain-http", "--no-tty", "--format", "json",
        "--artifact-type", CARD, f"{name}:v1", "card.md", cwd=box))
    oras.run("attach", "--plain-http", "--no-tty", "--artifact-type", CARD,
             f"{name}@{card['digest']}", "note.md", cwd=box)
    return name, folder, pushed["digest"], card["digest"]


def discover(oras, *ref):
    found = json.loads(oras.run("discover", "--format", "json", *ref))
    return [(m["artifactType"], m["digest"]) for m in found["manifests"]]


def test_oras_finds_documents_in_an_unpacked_archive(attached, oras, mreg,
                                                     box):
    name, _, digest, card = attached
    mreg.run("export", name, box / "churn.tar")
    (box / "layout").mkdir()
    subprocess.run(["tar", "-xf", box / "churn.tar", "-C", box / "layout"],
                   check=True)
    assert discover(oras, "--oci-layout", f"{box}/layout:v1") == [(CARD, card)]
    assert len(discover(oras, "--oci-layout", f"{box}/layout@{card}")) == 1
    oras.run("pull", "--no-tty", "--oci-layout", f"{box}/layout@{card}", "-o",
             box / "docs")
    assert (box / "docs/card.md").read_text() == "# what it is\n"


@pytest.mark.parametrize("other", ["distribution", "olareg"])
def test_documents_arrive_in_another_registry(attached, serving, other, oras,
                                              mreg, box):
    name, folder, digest, card = attached
    mreg.run("export", name, box / "churn.tar")
    target = f"{serving(other).host}/archive/arrived-{fresh(box)}"
    mreg.run("import", box / "churn.tar", target)
    assert discover(oras, "--plain-http", f"{target}:v1") == [(CARD, card)]
    assert len(discover(oras, "--plain-http", f"{target}@{card}")) == 1
    pulled = mreg.json("pull", f"{target}:v1", "-o", box / "out")
    assert pulled["digest"] == digest
    assert_pulled(box / "out", tree(folder))
