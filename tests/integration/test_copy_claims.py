"""test_copy_claims.py - copying into a model that goes on by itself: numbers
that others have claimed, what is highest there, what is not whole."""
import io
import json
import re
import tarfile

import pytest

import fake
from fake import descriptor, digest_of, send
from harness import small_model

INDEX = fake.INDEX


@pytest.fixture
def registry():
    registry = fake.Fake(tag_delete=True)
    yield registry
    assert registry.stop() == 0


def push(mreg, box, text, ref):
    return mreg.json("push", small_model(box / "m", text), ref)


def writes(registry, repository):
    return [r["path"] for r in registry.seen() if r["method"] not in
            ("GET", "HEAD") and f"/v2/{repository}/" in r["path"]]


def unfinished(mreg, registry, box, name):
    """A push of a version of its own to `name` that was killed before its
    tag."""
    number = push(mreg, box, f"own {name}", f"{registry.host}/{name}")["number"]
    for tag in (f"v{number}", "latest"):
        send(registry, "DELETE", f"/v2/{name}/manifests/{tag}")
    return number


def test_latest_stays_with_what_a_listing_drops(mreg, box):
    registry = fake.Fake("listing-drops")
    try:
        source, target = f"{registry.host}/from", f"{registry.host}/to"
        for i in range(9):
            push(mreg, box, f"v{i}", source)
        mreg.run("copy", source, target)
        tenth = push(mreg, box, "tenth", target)
        assert tenth["number"] == 10
        mreg.run("copy", source, target)
        assert mreg.json("resolve", target)["digest"] == tenth["digest"]
    finally:
        registry.stop()


def test_a_number_that_is_only_claimed_does_not_hold_latest(mreg, registry,
                                                            box):
    source, target = f"{registry.host}/from", f"{registry.host}/to"
    push(mreg, box, "one", source)
    mreg.run("copy", source, target)
    assert unfinished(mreg, registry, box, "to") == 2
    r = mreg.run("copy", source, target)
    assert mreg.json("resolve", target)["digest"] == \
        mreg.json("resolve", source)["digest"], r


def test_a_number_that_another_claimed_is_not_taken(mreg, registry, box):
    """Also while its v<N> is not there yet (product.md 3.2)."""
    source, target = f"{registry.host}/from", f"{registry.host}/to"
    push(mreg, box, "one", source)
    mreg.run("copy", source, target)
    push(mreg, box, "two", source)
    assert unfinished(mreg, registry, box, "to") == 2
    before = writes(registry, "to")
    for more in ([], ["--dry-run"]):
        error = mreg.fails(4, "copy", source, target, *more)
        assert "number 2 of" in error["message"]
    assert writes(registry, "to") == before


def test_a_claim_made_while_it_copies_is_seen(mreg, registry, box):
    """One that was not there yet when the target's log was read first."""
    source, target = f"{registry.host}/from", f"{registry.host}/to"
    push(mreg, box, "one", source)
    mreg.run("copy", source, target)
    tags = sorted(registry.content("to")["tags"])
    push(mreg, box, "two", source)
    assert unfinished(mreg, registry, box, "to") == 2
    registry.fault(method="GET", path="/v2/to/tags/list*", times=1,
                   status=200, type="application/json",
                   body=json.dumps({"name": "to", "tags": tags}))
    error = mreg.fails(4, "copy", source, target)
    assert "number 2 of" in error["message"]
    assert "v2" not in registry.content("to")["tags"]


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_claimed_number_is_not_registered_anew(mreg, registry, box, more):
    """The logs disagree, and the target's gives the number to another."""
    source, target = f"{registry.host}/from", f"{registry.host}/to"
    push(mreg, box, "one", source)
    assert unfinished(mreg, registry, box, "to") == 1
    before = writes(registry, "to")
    error = mreg.fails(4, "copy", f"{source}:v1", target, *more)
    assert "number 1 of" in error["message"]
    assert writes(registry, "to") == before


def test_claims_without_versions_are_nothing_to_warn_of(mreg, registry, box):
    source = f"{registry.host}/from"
    push(mreg, box, "one", source)
    assert unfinished(mreg, registry, box, "from") == 2
    send(registry, "PUT", "/v2/from/manifests/latest", registry.content(
        "from")["manifests"][registry.content("from")["tags"]["v1"]].encode(),
        fake.MANIFEST)
    r = mreg.run("copy", source, f"{registry.host}/to")
    assert "cannot be read" not in r.stderr


def broken_index(registry, repository, tag):
    """An index whose one manifest is not there any more; its digest."""
    child = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                        "manifests": []}).encode()
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        descriptor(child, INDEX)]}).encode()
    path = f"/v2/{repository}/manifests/{digest_of(child)}"
    send(registry, "PUT", path, child, INDEX)
    send(registry, "PUT", f"/v2/{repository}/manifests/{tag}", index, INDEX)
    registry.fault(method="GET", path=path, status=404)
    return digest_of(child)


def test_a_version_that_is_not_whole_is_not_copied(mreg, registry, box):
    source = f"{registry.host}/from"
    push(mreg, box, "one", source)
    gone = broken_index(registry, "from", "multi")
    r = mreg.run("export", source, box / "a.tar")
    assert re.search(f"'multi' .* is not whole: .*{gone}", r.stderr)
    broken_index(registry, "from", "v7")
    error = mreg.fails(3, "copy", source, f"oci:{box}/store//m")
    assert "'v7' of" in error["message"] and gone in error["message"]
    mreg.fails(3, "export", source, box / "b.tar")
    assert not (box / "b.tar").exists()


def test_an_archive_without_names_is_told(mreg, box):
    """As skopeo makes it of oci-archive:FILE."""
    with tarfile.open(box / "a.tar", "w") as tar:
        for name, text in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                           ("index.json", {"schemaVersion": 2,
                                           "manifests": []})):
            data = json.dumps(text).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    error = mreg.fails(3, "import", box / "a.tar", f"oci:{box}/store//m")
    assert "has no tags" in error["message"]
    assert "oci-archive:FILE:v1" in error["hint"]


def test_a_tag_that_may_not_move_is_no_missing_blob(mreg, box):
    """Only blobs that the registry says it misses are sent again."""
    registry = fake.Fake("immutable")
    try:
        source, target = f"{registry.host}/from", f"{registry.host}/to"
        push(mreg, box, "one", source)
        v1 = registry.content("from")["tags"]["v1"]
        text = registry.content("from")["manifests"][v1]
        for kind in ("report", "card"):
            fake.attach(registry, "from", text, kind)
        send(registry, "PUT", "/v2/from/manifests/" + v1.replace(":", "-"),
             json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
                 descriptor(t.encode(), fake.MANIFEST) for t in
                 registry.content("from")["manifests"].values() if
                 "subject" in json.loads(t)]}).encode(), INDEX)
        error = mreg.fails(9, "copy", source, target)
        assert "immutable" in error["hint"]
        sent = [p for p in writes(registry, "to") if "digest=" in p]
        assert len(sent) == len(set(sent))
    finally:
        registry.stop()
