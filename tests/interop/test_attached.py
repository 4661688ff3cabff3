"""test_attached.py - documents that mreg attaches, found and got by oras; and
what oras attaches, found by mreg."""
import json

import pytest

from harness import small_model, write

CARD = "application/vnd.mreg.model-card.v1"
EVALUATION = "application/vnd.mreg.evaluation.v1+json"


@pytest.fixture
def version(mreg, registry, box):
    """A version of its own, and its name."""
    name = f"{registry.host}/team/attached-{box.name.lower()}"
    mreg.run("push", small_model(box / "m", box.name), name)
    return name


def discover(oras, ref):
    """{artifact type: digest} of what oras finds."""
    found = json.loads(oras.run("discover", "--plain-http", "--format",
                                "json", ref))["manifests"]
    return {m["artifactType"]: m["digest"] for m in found}


def test_oras_finds_and_gets_what_mreg_attaches(mreg, version, oras, box):
    write(box / "card.md", "# Card\n")
    card = mreg.json("attach", f"{version}:v1", box / "card.md", "--type",
                     "model-card")
    done = mreg.json("evaluate", f"{version}:v1", "--suite", "s", "--pass",
                     "--metric", "auc=0.93", "--report", box / "card.md")
    assert discover(oras, f"{version}:v1") == {
        CARD: card["digest"], EVALUATION: done["digest"]}
    for i, made in enumerate((card, done)):
        oras.run("pull", "--plain-http", "--no-tty",
                 f"{version}@{made['digest']}", "-o", box / f"out{i}")
    assert (box / "out0/card.md").read_text() == "# Card\n"
    assert (box / "out1/card.md").read_text() == "# Card\n"
    document = json.loads((box / "out1/evaluation.json").read_text())
    assert document["metrics"] == {"auc": 0.93} and document["passed"]


def test_mreg_finds_what_oras_attaches(mreg, version, oras, box):
    write(box / "notes.txt", "seen\n")
    oras.run("attach", "--plain-http", "--no-tty", "--disable-path-validation",
             "--artifact-type", "application/vnd.acme.notes",
             f"{version}:v1", f"{box}/notes.txt:text/plain")
    row, = mreg.json("inspect", f"{version}:v1")["attached"]
    assert row["type"] == "application/vnd.acme.notes" and row["kind"] is None
