"""test_oras_versions.py - with each version of oras, both ways: what
oras-compat.md has in its table of verbs and does not show."""
import json
import shutil

import pytest

import programs
from harness import assert_pulled, small_model, tree, write

ACME = "application/vnd.acme.document"


@pytest.fixture(params=["oras-1.1", "oras", "oras-1.3"])
def each(request, find, box):
    return programs.Program(find(request.param), box / "oras")


@pytest.fixture(params=["distribution", "olareg"])
def here(request, serving):
    return serving(request.param)


@pytest.fixture
def name(here, box):
    return f"{here.host}/versions/{box.name.encode().hex()}"


def without_bit(folder):
    return {path: (sha, False) for path, (sha, _) in tree(folder).items()}


def digest_of(each, *ref):
    return json.loads(each.run("manifest", "fetch", "--descriptor",
                               *ref))["digest"]


def attach(each, ref, box, file):
    """Attach `file`, and say which document it became.  1.1 writes that for
    people only."""
    write(box / file, f"# {file}\n")
    told = each.run("attach", "--artifact-type", ACME, ref, file, cwd=box)
    return told[told.rindex("sha256:"):].split()[0]


# -- what mreg wrote -------------------------------------------------------------


def test_pull_by_version_alias_and_digest(each, mreg, model, name, box):
    pushed = mreg.json("push", model, f"{name}:production")
    for i, suffix in enumerate((":v1", ":production", ":latest",
                                "@" + pushed["digest"])):
        each.run("pull", name + suffix, "-o", box / f"out{i}")
        assert_pulled(box / f"out{i}", without_bit(model))


@pytest.mark.parametrize("there", ["distribution", "olareg", "crane"])
def test_copy_takes_documents_and_documents_on_those(
        each, mreg, here, serving, there, name, box):
    model = small_model(box / "m", "copy")
    digest = mreg.json("push", model, name)["digest"]
    write(box / "bias.md", "# Bias\n")
    ours = mreg.json("attach", f"{name}:v1", box / "bias.md", "--type",
                     "bias-report")["digest"]
    theirs = attach(each, f"{name}:v1", box, "theirs.md")
    below = attach(each, f"{name}@{ours}", box, "below.md")

    to = f"{serving(there).host}/{name.split('/', 1)[1]}-copied"
    each.run("copy", "-r", "--concurrency", 1, "--from-plain-http",
             "--to-plain-http", f"{name}:v1", f"{to}:v1")
    assert digest_of(each, f"{to}:v1") == digest
    seen = mreg.json("inspect", f"{to}:v1")
    assert seen["digest"] == digest
    assert {a["digest"] for a in seen["attached"]} == {ours, theirs}
    assert [a["digest"] for a in
            mreg.json("inspect", f"{to}@{ours}")["attached"]] == [below]
    mreg.run("pull", f"{to}:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    for i, one in enumerate((ours, theirs, below)):
        each.run("pull", f"{to}@{one}", "-o", box / f"document{i}")
    assert {p.name for p in box.glob("document*/*")} == \
        {"bias.md", "theirs.md", "below.md"}


def test_copy_from_the_local_store_and_into_one(each, mreg, name, box):
    model = small_model(box / "m", "layout")
    digest = mreg.json("push", model, "team/churn:staging")["digest"]
    each.run("copy", "--from-oci-layout", f"{mreg.store}/team/churn:staging",
             f"{name}:v1")
    assert mreg.json("resolve", f"{name}:v1")["digest"] == digest
    each.run("copy", "--to-oci-layout", f"{name}:v1",
             f"{mreg.store}/back/churn:v1")
    assert mreg.json("ls", "back/churn")["versions"][0]["digest"] == digest
    mreg.run("pull", "back/churn:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    mreg.run("alias", "set", "back/churn:v1", "production")
    assert digest_of(each, "--oci-layout",
                     f"{mreg.store}/back/churn:production") == digest


def test_a_tag_moved_back_is_repaired(each, mreg, name, box):
    one = mreg.json("push", small_model(box / "1", "one"),
                    f"{name}:production")["digest"]
    two = mreg.json("push", small_model(box / "2", "two"), name)["digest"]
    each.run("tag", f"{name}:v2", "production")
    row, = [a for a in mreg.json("alias", "ls", name)["aliases"]
            if a["alias"] == "production"]
    assert (row["digest"], row["differs"]) == (two, "foreign")
    mreg.run("alias", "repair", name)
    assert digest_of(each, f"{name}:production") == one


def test_a_manifest_deleted_takes_its_tags_and_comes_back(each, mreg, here,
                                                          name, box):
    keep = mreg.json("push", small_model(box / "1", "keep"), name)["digest"]
    model = small_model(box / "2", "lost")
    lost = mreg.json("push", model, f"{name}:staging")["digest"]
    each.run("manifest", "delete", "--force", f"{name}@{lost}")
    repository = name.split("/", 1)[1]
    assert here.tags(repository) & {"v1", "v2", "staging", "latest"} == {"v1"}
    assert mreg.fails(3, "pull", f"{name}:staging")["code"] == "not_found"
    assert mreg.json("resolve", f"{name}:v1")["digest"] == keep

    again = mreg.json("push", model, f"{name}:staging")
    assert (again["number"], again["digest"]) == (2, lost)
    assert here.tags(repository) & {"v1", "v2", "staging", "latest"} == \
        {"v1", "v2", "staging", "latest"}


# -- what oras wrote -------------------------------------------------------------


def test_files_and_folders_that_oras_pushed(each, mreg, name, box):
    write(box / "in/weights/part.bin", b"\0\1\2")
    write(box / "in/weights/run.sh", "#!/bin/sh\n", executable=True)
    write(box / "in/größe.json", "{}")
    each.run("push", f"{name}:mine", "weights", "größe.json",
             cwd=box / "in")
    digest = digest_of(each, f"{name}:mine")
    for i, suffix in enumerate((":mine", "@" + digest)):
        assert mreg.json("pull", name + suffix, "-o",
                         box / f"out{i}")["digest"] == digest
        assert_pulled(box / f"out{i}", tree(box / "in"))


def test_a_folder_with_a_link_is_refused(each, mreg, name, box):
    small_model(box / "in/data", "link")
    (box / "in/data/link").symlink_to("model.bin")
    each.run("push", f"{name}:mine", "data", cwd=box / "in")
    e = mreg.fails(9, "pull", f"{name}:mine", "-o", box / "out")
    assert "'data/link'" in e["cause"]
    assert not list(box.glob("out/data/*"))


def test_tags_that_oras_made_are_versions_and_aliases(each, mreg, name, box):
    write(box / "in/model.bin", b"\0\1")
    each.run("push", f"{name}:v1", "model.bin", cwd=box / "in")
    each.run("tag", f"{name}:v1", "production")
    digest = digest_of(each, f"{name}:v1")
    row, = mreg.json("ls", name)["versions"]
    assert (row["number"], row["digest"], row["registeredAt"],
            row["tags"]) == (1, digest, None, ["production"])
    ours = mreg.json("push", small_model(box / "m", "next"), name)
    assert ours["number"] == 2
    # A manifest's bytes under another name.
    each.run("manifest", "fetch", "--output", box / "manifest",
             f"{name}:v2")
    each.run("manifest", "push", f"{name}:v5", box / "manifest")
    assert mreg.json("resolve", f"{name}:v5")["digest"] == ours["digest"]
    three = mreg.json("push", small_model(box / "m3", "after 5"), name)
    assert three["number"] == 6


def test_what_oras_attached_goes_where_mreg_takes_the_model(
        each, mreg, name, box):
    model = small_model(box / "m", "along")
    mreg.run("push", model, name)
    theirs = attach(each, f"{name}:v1", box, "theirs.md")
    mreg.run("copy", name, f"{name}-copied")
    found = [a["digest"] for a in
             mreg.json("inspect", f"{name}-copied:v1")["attached"]]
    assert found == [theirs]
    mreg.run("pull", f"{name}-copied@{theirs}", "-o", box / "document")
    assert (box / "document/theirs.md").read_text() == "# theirs.md\n"


def test_a_blob_alone_is_no_version(each, mreg, name, box):
    """And a file of a version is a blob."""
    model = small_model(box / "m", "blob")
    mreg.run("push", model, name)
    sha = tree(model)["model.bin"][0]
    each.run("blob", "fetch", "--output", box / "fetched",
             f"{name}@sha256:{sha}")
    assert (box / "fetched").read_bytes() == \
        (model / "model.bin").read_bytes()
    write(box / "other.bin", b"of nothing")
    each.run("blob", "push", name, box / "other.bin")
    assert [row["number"] for row in mreg.json("ls", name)["versions"]] == [1]
    # What is there already is not sent again.
    shutil.copy(box / "other.bin", model / "other.bin")
    assert mreg.json("push", model, name)["bytesReused"] >= 10


def test_repositories_are_listed(each, mreg, serving, box):
    """Where the registry has a catalogue; olareg has none."""
    there = serving("distribution")
    mreg.run("push", small_model(box / "m", "listed"),
             f"{there.host}/listed/by-oras")
    assert "listed/by-oras" in each.run("repo", "ls", there.host).split()
