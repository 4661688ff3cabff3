"""test_hollow.py - a registry that was killed while it wrote has tags and
manifests without content, which it answers 500 for ever: nobody else is
stopped by them, and what can be mended is."""
import pytest

import fake
import harness
from harness import small_model


@pytest.fixture
def registry(box):
    registry = harness.Registry(box / "registry")
    yield registry
    registry.stop()


@pytest.fixture
def at(mreg, registry, box):
    """churn:v1 and v2; production was v1, then v2."""
    mreg.env |= fake.quick(box)
    mreg.env["MREG_REGISTRY"] = registry.host
    mreg.digests = []
    for n in (1, 2):
        mreg.digests.append(mreg.json("push", small_model(box / f"m{n}", n),
                                      "churn")["digest"])
        mreg.run("alias", "set", f"churn:v{n}", "production")
    return mreg


def manifest_file(registry, digest):
    return registry.folder / "data/docker/registry/v2/blobs/sha256" / \
        digest[7:9] / digest[7:] / "data"


def link_file(registry, tag):
    return registry.folder / "data/docker/registry/v2/repositories/churn/" \
        "_manifests/tags" / tag / "current/link"


def empty(path):
    assert path.stat().st_size
    path.write_bytes(b"")


HOLLOW = {
    "manifest": lambda r, e: empty(manifest_file(r, e["digest"])),
    "tag": lambda r, e: empty(link_file(r, e["tag"])),
}


@pytest.mark.parametrize("what", HOLLOW)
def test_an_event_without_content_stops_nobody(at, registry, box, what):
    event = at.json("log", "churn")["events"][1]
    HOLLOW[what](registry, event)
    other = at.clone(box / "other")
    r = other.run("log", "churn", "--json")
    assert r.json["count"] == 3
    assert f"'{event['tag']}'" in r.stderr and "cannot be read" in r.stderr
    # It is not asked for again for a while.
    mark = registry.mark()
    other.run("alias", "set", "churn:v1", "staging")
    assert not [q for q in registry.requests(mark) if event["tag"] in q[1]]
    assert other.json("resolve", "churn:staging")["digest"] == at.digests[0]
    whole = other.run("log", "churn", "--verify", "--json", status=6).json
    assert ("unreadable", 2) in [(f["what"], f["seq"])
                                 for f in whole["flaws"]]
    # Who has read it before does not miss it.
    assert at.json("log", "churn")["count"] == 5
    # And a number is no one else's.
    pushed = other.json("push", small_model(box / "m3", 3), "churn")
    assert pushed["number"] == 3


def test_what_was_lost_so_is_written_again(at, registry, box):
    done = at.json("edit", "churn", "--owner", "risk")
    HOLLOW["manifest"](registry, {"digest": done["event"]})
    other = at.clone(box / "other")
    # The same words of the same person in the same second are the same event.
    again = other.json("edit", "churn", "--owner", "risk", "--as", "bob")
    assert again["changed"] and again["event"] != done["event"]
    assert other.json("log", "churn")["events"][-1]["digest"] == \
        again["event"]


@pytest.mark.parametrize("words", [
    ("alias", "set", "churn:v1", "production"), ("alias", "repair", "churn")])
def test_an_alias_without_content_is_mended(at, registry, box, words):
    empty(link_file(registry, "production"))
    r = at.run("alias", "ls", "churn", "--json")
    assert "production" in r.stderr
    at.run(*words)
    want = at.digests[0 if words[1] == "set" else 1]
    assert at.json("resolve", "churn:production")["digest"] == want
    assert at.json("log", "churn", "--verify")["verified"]


def test_a_version_without_content_gets_it_back_from_who_pushes_it(
        at, registry, box):
    empty(link_file(registry, "v2"))
    again = at.json("push", small_model(box / "m2", 2), "churn")
    assert again["number"] == 2
    assert at.json("resolve", "churn:v2")["digest"] == at.digests[1]
