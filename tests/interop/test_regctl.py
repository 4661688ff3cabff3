"""test_regctl.py - regctl gets what mreg pushed and attached, and takes both to
another registry; mreg gets what regctl put."""
import pytest

from harness import assert_pulled, small_model, tree, write

CARD = "application/vnd.mreg.model-card.v1"


@pytest.fixture
def name(registry, box):
    return f"{registry.host}/regctl/{box.name.encode().hex()}"


@pytest.fixture
def by(regctl, name):
    return regctl.plain(name)


def without_bit(folder):
    return {path: (sha, False) for path, (sha, _) in tree(folder).items()}


def test_regctl_gets_the_files_of_a_version(by, mreg, name, model, box):
    mreg.run("push", model, f"{name}:production")
    (box / "out").mkdir()
    by.run("artifact", "get", f"{name}:production", "--output", box / "out")
    assert {path: sha for path, (sha, _) in tree(box / "out").items()} == \
        {path: sha for path, (sha, _) in tree(model).items()}


def test_regctl_finds_and_gets_documents(by, mreg, name, box):
    mreg.run("push", small_model(box / "m", "card"), name)
    write(box / "card.md", "# Card\n")
    card = mreg.json("attach", f"{name}:v1", box / "card.md", "--type",
                     "model-card")["digest"]
    assert card in by.run("artifact", "list", f"{name}:v1")
    assert card in by.run("artifact", "tree", f"{name}:v1")
    assert by.run("artifact", "get", "--subject", f"{name}:v1",
                  "--filter-artifact-type", CARD) == "# Card\n"


@pytest.mark.parametrize("there", ["distribution", "olareg"])
def test_regctl_takes_documents_along(by, mreg, name, serving, there, box):
    model = small_model(box / "m", "along")
    digest = mreg.json("push", model, name)["digest"]
    write(box / "card.md", "# Card\n")
    card = mreg.json("attach", f"{name}:v1", box / "card.md", "--type",
                     "model-card")["digest"]
    to = f"{serving(there).host}/{name.split('/', 1)[1]}-copied"
    by.plain(to).run("image", "copy", "--referrers", f"{name}:v1", f"{to}:v1")
    seen = mreg.json("inspect", f"{to}:v1")
    assert seen["digest"] == digest
    assert [a["digest"] for a in seen["attached"]] == [card]
    mreg.run("pull", f"{to}:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(model))


def test_regctl_tag_is_a_foreign_move(by, mreg, name, box):
    mreg.run("push", small_model(box / "1", "t1"), f"{name}:production")
    two = mreg.json("push", small_model(box / "2", "t2"), name)["digest"]
    by.run("image", "copy", f"{name}:v2", f"{name}:production")
    assert mreg.json("resolve", f"{name}:production")["digest"] == two
    row, = [a for a in mreg.json("alias", "ls", name)["aliases"]
            if a["alias"] == "production"]
    assert row["differs"] == "foreign"


def test_mreg_gets_what_regctl_put(by, mreg, name, box):
    write(box / "in/model.bin", b"\0\1\2")
    write(box / "in/sub/config.json", "{}")
    by.run("artifact", "put", "--artifact-type", "application/vnd.acme.model",
           "--file-title", "--file", "model.bin", "--file",
           "sub/config.json", "--file-media-type", "application/octet-stream",
           "--file-media-type", "application/json", f"{name}:mine",
           cwd=box / "in")
    mreg.run("pull", f"{name}:mine", "-o", box / "out")
    assert_pulled(box / "out", without_bit(box / "in"))


def test_mreg_finds_what_regctl_attached(by, mreg, name, box):
    mreg.run("push", small_model(box / "m", "theirs"), name)
    write(box / "note.txt", "seen\n")
    by.run("artifact", "put", "--artifact-type", "application/vnd.acme.note",
           "--file-title", "--file", "note.txt", "--subject", f"{name}:v1",
           cwd=box)
    row, = mreg.json("inspect", f"{name}:v1")["attached"]
    assert row["type"] == "application/vnd.acme.note"
    mreg.run("pull", f"{name}@{row['digest']}", "-o", box / "out")
    assert (box / "out/note.txt").read_text() == "seen\n"
