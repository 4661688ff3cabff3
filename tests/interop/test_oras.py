"""test_oras.py - oras gets what mreg pushed, looks at it, and mreg gets what oras
pushed."""
import hashlib
import json

import pytest

from harness import assert_pulled, small_model, tree, write


def contents(folder):
    """{path: SHA-256}: oras does not keep the executable bit."""
    return {path: sha for path, (sha, _) in tree(folder).items()}


def without_bit(expected):
    return {path: (sha, False) for path, (sha, _) in expected.items()}


def pull(oras, ref, out):
    return oras.run("pull", "--plain-http", "--no-tty", ref, "-o", out)


def discover(oras, ref):
    return [m["artifactType"] for m in json.loads(oras.run(
        "discover", "--plain-http", "--format", "json", ref))["manifests"]]


# -- what mreg wrote -------------------------------------------------------------


def test_oras_pulls_by_version_alias_and_digest(published, oras, model, box):
    for i, suffix in enumerate((":v1", ":production", ":latest",
                                "@" + published.digest)):
        told = pull(oras, published.name + suffix, box / f"out{i}")
        # The config, which is no file.
        assert "Skipped pulling layers without file name" in told
        assert_pulled(box / f"out{i}", without_bit(tree(model)))


def test_oras_sees_the_manifest_that_mreg_announced(published, oras):
    ref = published.name + ":production"
    raw = oras.run("manifest", "fetch", "--plain-http", ref)
    assert "sha256:" + hashlib.sha256(raw.encode()).hexdigest() == \
        published.digest
    desc = json.loads(oras.run("manifest", "fetch", "--plain-http",
                               "--descriptor", ref))
    assert (desc["digest"], desc["size"]) == (published.digest,
                                              len(raw.encode()))
    assert desc["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    manifest = json.loads(raw)
    assert manifest["artifactType"] == \
        "application/vnd.cncf.model.manifest.v1+json"
    assert "subject" not in manifest
    assert manifest["annotations"]["org.mreg.metric.auc"] == "0.93"
    tags = oras.run("repo", "tags", "--plain-http", published.name).split()
    assert {"v1", "latest", "production"} <= set(tags)
    assert all(tag.startswith("mreg.log.")
               for tag in set(tags) - {"v1", "latest", "production"})


def test_what_oras_attaches_is_found_and_is_no_alias(registry, mreg, oras,
                                                     box):
    name = f"{registry.host}/oras/attached"
    pushed = mreg.json("push", small_model(box / "m", "attach"), name)
    assert discover(oras, f"{name}:v1") == []
    write(box / "report.md", "# Fine\n")
    oras.run("attach", "--plain-http", "--no-tty", "--artifact-type",
             "application/vnd.acme.report", f"{name}:v1", "report.md",
             cwd=box)
    assert discover(oras, f"{name}:v1") == ["application/vnd.acme.report"]
    # Without the referrers API oras keeps a list under a tag.
    fallback = pushed["digest"].replace(":", "-")
    assert registry.has_tag("oras/attached", fallback) == \
        (registry.kind != "olareg")

    row, = mreg.json("ls", name)["versions"]
    assert (row["digest"], row["tags"]) == (pushed["digest"], ["latest"])
    assert [a["alias"] for a in mreg.json("alias", "ls", name)["aliases"]] \
        == ["latest"]
    assert mreg.json("push", box / "m", name)["identical"]


def test_oras_tag_moves_an_alias_and_mreg_follows(registry, mreg, oras, box):
    name = f"{registry.host}/oras/moved"
    one = mreg.json("push", small_model(box / "1", "t1"), f"{name}:production")
    two = mreg.json("push", small_model(box / "2", "t2"), name)
    oras.run("tag", "--plain-http", f"{name}:v2", "production")
    assert mreg.json("resolve", f"{name}:production")["digest"] == \
        two["digest"]
    rows = mreg.json("ls", name)["versions"]
    assert {row["number"]: row["tags"] for row in rows} == \
        {1: [], 2: ["latest", "production"]}
    back = mreg.json("alias", "set", f"{name}:v1", "production")
    assert (back["was"], back["digest"]) == (two["digest"], one["digest"])


def test_oras_reads_the_local_store(mreg, oras, model, box):
    pushed = mreg.json("push", model, "team/local:production")
    layout = f"{mreg.store}/team/local"
    for i, suffix in enumerate((":v1", ":production",
                                "@" + pushed["digest"])):
        oras.run("pull", "--oci-layout", "--no-tty", layout + suffix, "-o",
                 box / f"out{i}")
        assert_pulled(box / f"out{i}", without_bit(tree(model)))
    raw = oras.run("manifest", "fetch", "--oci-layout", f"{layout}:v1")
    assert "sha256:" + hashlib.sha256(raw.encode()).hexdigest() == \
        pushed["digest"]
    mreg.run("alias", "rm", "team/local:production")
    tags = oras.run("repo", "tags", "--oci-layout", layout).split()
    assert "production" not in tags and {"v1", "latest"} <= set(tags)


# -- what oras wrote -------------------------------------------------------------


def test_mreg_pulls_the_files_that_oras_pushed(registry, mreg, oras, model,
                                               box):
    name = f"{registry.host}/oras/pushed"
    expected = without_bit(tree(model))
    oras.run("push", "--plain-http", "--no-tty", "--artifact-type",
             "application/vnd.acme.model", f"{name}:mine", *expected,
             cwd=model)
    digest = json.loads(oras.run("manifest", "fetch", "--plain-http",
                                 "--descriptor", f"{name}:mine"))["digest"]
    for i, suffix in enumerate((":mine", "@" + digest)):
        pulled = mreg.json("pull", name + suffix, "-o", box / f"out{i}")
        assert pulled["digest"] == digest
        assert_pulled(box / f"out{i}", expected)

    seen = mreg.json("inspect", f"{name}:mine")
    assert seen["artifactType"] == "application/vnd.acme.model"
    assert {(f["path"], f["digest"][7:]) for f in seen["files"]} == \
        {(path, sha) for path, (sha, _) in expected.items()}


@pytest.mark.parametrize("type", [
    "", ":application/octet-stream", ":text/plain",
    ":application/vnd.cncf.model.weight.v1.raw"])
def test_mreg_pulls_whatever_type_oras_gave_a_file(registry, mreg, oras, box,
                                                   type):
    write(box / "in/weights/part.bin", b"\x00\x01\x02")
    name = f"{registry.host}/oras/typed"
    oras.run("push", "--plain-http", "--no-tty", f"{name}:mine",
             "weights/part.bin" + type, cwd=box / "in")
    mreg.run("pull", f"{name}:mine", "-o", box / "out")
    assert_pulled(box / "out", tree(box / "in"))


def test_mreg_unpacks_a_folder_as_oras_does(registry, mreg, oras, box):
    write(box / "in/weights/part.bin", b"\x00\x01\x02")
    write(box / "in/readme.md", "# Read\n")
    name = f"{registry.host}/oras/folder"
    oras.run("push", "--plain-http", "--no-tty", f"{name}:mine", "weights",
             "readme.md", cwd=box / "in")
    mreg.run("pull", f"{name}:mine", "-o", box / "out")
    assert_pulled(box / "out", tree(box / "in"))
    pull(oras, f"{name}:mine", box / "theirs")
    assert contents(box / "theirs") == contents(box / "in")
