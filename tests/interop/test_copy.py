"""test_copy.py - versions that other programs carry from one registry to another
keep their digest, and what is left behind is told."""
import hashlib
import itertools
import subprocess

import pytest

from harness import assert_pulled, small_model, tree

KINDS = ["distribution", "olareg", "crane", "zot"]


def copy(request, tool, source, target, *flags):
    """One of them is asked for nothing but that, and `flags`."""
    by = request.getfixturevalue(tool)
    if tool == "crane":
        by.run("copy", *flags, source, target)
    elif tool == "oras":
        by.run("copy", "--from-plain-http", "--to-plain-http", "--no-tty",
               *flags, source, target)
    elif tool == "regctl":
        by.plain(source, target).run("image", "copy", *flags, source, target)
    else:
        by.run("--insecure-policy", "copy", "--src-tls-verify=false",
               "--dest-tls-verify=false", *flags, f"docker://{source}",
               f"docker://{target}")


@pytest.mark.parametrize("tool", ["crane", "oras", "regctl", "skopeo"])
@pytest.mark.parametrize("source,target", itertools.permutations(KINDS, 2))
def test_a_copied_version_keeps_its_digest_and_its_files(
        request, serving, mreg, model, box, tool, source, target):
    a, b = serving(source), serving(target)
    pushed = mreg.json("push", model, f"{a.host}/copied/from")
    to = f"{b.host}/copied/from-{source}-by-{tool}"
    copy(request, tool, f"{a.host}/copied/from:v1", f"{to}:v1")
    assert mreg.json("resolve", f"{to}:v1")["digest"] == pushed["digest"]
    for i, ref in enumerate((f"{to}:v1", f"{to}@{pushed['digest']}")):
        mreg.run("pull", ref, "-o", box / f"out{i}")
        assert_pulled(box / f"out{i}", tree(model))


def test_a_version_without_its_log_is_listed_and_never_overwritten(
        registry, serving, mreg, crane, box):
    """crane copies one tag: no log, no latest."""
    there = serving("distribution")
    one = mreg.json("push", small_model(box / "1", "no log"),
                    f"{there.host}/copied/no-log")
    name = f"{registry.host}/copied/only-v1"
    crane.run("copy", f"{there.host}/copied/no-log:v1", f"{name}:v1")

    row, = mreg.json("ls", name)["versions"]
    assert (row["number"], row["digest"], row["registeredAt"]) == \
        (1, one["digest"], None)
    assert mreg.json("inspect", f"{name}:v1")["number"] == 1
    e = mreg.fails(3, "pull", name)
    assert "latest" in e["message"] and "mreg ls" in e["hint"]

    two = mreg.json("push", small_model(box / "2", "after it"), name)
    assert two["number"] == 2
    assert mreg.json("resolve", f"{name}:v1")["digest"] == one["digest"]
    assert mreg.json("resolve", name)["digest"] == two["digest"]


def test_all_tags_copied_bring_history_and_aliases(registry, serving, mreg,
                                                   crane, box):
    there = serving("olareg")
    source = f"{there.host}/copied/whole-{registry.kind}"
    mreg.run("push", small_model(box / "1", "whole 1"),
             f"{source}:production")
    two = mreg.json("push", small_model(box / "2", "whole 2"), source)
    name = f"{registry.host}/copied/whole"
    crane.run("copy", "--all-tags", source, name)

    def told(where):
        return [{k: row[k] for k in ("number", "digest", "registeredAt",
                                     "actor", "tags")}
                for row in mreg.json("ls", where)["versions"]]

    assert told(name) == told(source)
    assert [row["tags"] for row in told(name)] == [["latest"], ["production"]]
    assert mreg.json("pull", name, "-o", box / "out")["digest"] == \
        two["digest"]
    three = mreg.json("push", small_model(box / "3", "whole 3"), name)
    assert three["number"] == 3


def test_skopeo_inspects_a_version_only_raw(published, skopeo):
    ref = f"docker://{published.name}:v1"
    raw = skopeo.run("inspect", "--raw", "--tls-verify=false", ref)
    assert "sha256:" + hashlib.sha256(raw.encode()).hexdigest() == \
        published.digest
    done = subprocess.run([skopeo.path, "inspect", "--tls-verify=false", ref],
                          capture_output=True, text=True, env=skopeo.env)
    assert done.returncode != 0 and "artifact" in done.stderr
