"""test_history_places.py - what happened to a model is told alike wherever its
log is: a registry that deletes no tags, one that does, one that answers 405, a
local store; and in a copy, when the registry is gone."""
import json

import pytest

import fake
import harness
from harness import Mreg, small_model

DAY_S = 86400
REF_NAME = "org.opencontainers.image.ref.name"


class At:
    """Somebody, and which tags their models have."""

    def __init__(self, who, tags, deletes):
        self.who, self.tags, self.deletes = who, tags, deletes


def layout_tags(who, name):
    index = json.loads((who.store / name / "index.json").read_text())
    return {e.get("annotations", {}).get(REF_NAME)
            for e in index["manifests"]}


@pytest.fixture(params=["local", "distribution 2.8", "deletes tags", "405"])
def at(request, mreg, box):
    if request.param == "local":
        yield At(mreg, lambda name: layout_tags(mreg, name), True)
    elif request.param == "distribution 2.8":
        registry = request.getfixturevalue("plain")
        mreg.env["MREG_REGISTRY"] = f"{registry.host}/{box.name}"
        yield At(mreg, lambda name: registry.tags(f"{box.name}/{name}"),
                 False)
    else:
        registry = fake.Fake("dist3" if request.param == "deletes tags"
                             else "nodelete")
        mreg.env["MREG_REGISTRY"] = registry.host
        yield At(mreg, lambda name: set(registry.content(name)["tags"]),
                 request.param == "deletes tags")
        assert registry.stop() == 0


def push(who, name, box, versions=2, *more):
    return [who.json("push", small_model(box / f"{name}{n}", f"{name} {n}"),
                     name, *more)["digest"] for n in range(versions)]


# -- aliases that are removed -------------------------------------------------------


def test_an_alias_is_removed_and_the_log_says_so(at, box):
    one, two = push(at.who, "rm", box)
    at.who.run("alias", "set", "rm:v1", "production")
    at.who.run("alias", "set", "rm:v2", "canary")
    done = at.who.json("alias", "rm", "rm:production", "--reason", "over")
    assert done["was"] == one and done["tombstone"] is not at.deletes
    assert ("production" in at.tags("rm")) is not at.deletes
    at.who.fails(3, "resolve", "rm:production")
    log = at.who.json("log", "rm", "--verify")
    assert log["verified"]
    assert log["events"][-1]["says"] == "production: removed, was v1: over"
    assert [a["alias"] for a in log["aliases"]
            if a["digest"]] == ["canary"]
    assert all(a["differs"] is None for a in log["aliases"])
    # What was removed is not put back by repairing, and can be set again.
    assert at.who.json("alias", "repair", "rm")["repaired"] == []
    back = at.who.json("rollback", "rm:production", "--to", "v1")
    assert back["digest"] == one
    assert at.who.json("resolve", "rm:production")["digest"] == one
    assert at.who.json("resolve", "rm:canary")["digest"] == two


@pytest.mark.parametrize("profile", ["dist3", "nodelete"])
def test_siblings_go_with_their_alias(mreg, box, profile):
    """Another manifest beside version 1, as one in another profile would be."""
    registry = fake.Fake(profile)
    mreg.env["MREG_REGISTRY"] = registry.host
    one, two = push(mreg, "sib", box)
    text = registry.content("sib")["manifests"][two]
    fake.send(registry, "PUT", "/v2/sib/manifests/v1-image", text.encode(),
              fake.MANIFEST)
    mreg.run("alias", "set", "sib:v1", "production")
    assert mreg.json("resolve", "sib:production-image")["digest"] == two
    mreg.run("alias", "rm", "sib:production")
    mreg.fails(3, "resolve", "sib:production-image")
    assert ("production-image" in registry.content("sib")["tags"]) == \
        (profile == "nodelete")
    assert registry.stop() == 0


# -- versions out of sight ------------------------------------------------------------


def test_what_is_archived_is_there_and_latest_steps_back(at, box):
    one, two = push(at.who, "arc", box)
    done = at.who.json("archive", "arc:v2", "--reason", "worse")
    assert done["archived"] and done["latest"] == 1
    assert at.who.json("resolve", "arc")["digest"] == one
    assert at.who.json("resolve", "arc:v2")["digest"] == two
    assert {"v1", "v2", "latest"} <= at.tags("arc")
    log = at.who.json("log", "arc", "--verify")
    assert log["verified"] and log["events"][-1]["kind"] == "archived"
    back = at.who.json("restore", "arc:v2")
    assert not back["archived"] and back["latest"] == 2
    assert at.who.json("resolve", "arc")["digest"] == two


def test_an_archived_alias_has_to_be_removed_first(at, box):
    push(at.who, "use", box)
    at.who.run("alias", "set", "use:v1", "production")
    err = at.who.fails(4, "archive", "use:v1")
    assert "production" in err["message"]
    at.who.run("alias", "rm", "use:production")
    assert at.who.json("archive", "use:v1")["archived"]


# -- what was so then -----------------------------------------------------------------


@pytest.fixture
def days(box):
    """days(3): an environment in which it is three days later."""
    env = harness.preloaded("clock_preload", box)
    return lambda n: {**env, "TEST_CLOCK_AHEAD_S": str(round(n * DAY_S))}


@pytest.fixture
def told(mreg, box, days):
    """A registry of its own with churn, whose production was v1 on the first
    day, v2 from the second on, v1 again from the third, and nothing from the
    fourth."""
    registry = harness.Registry(box / "registry")
    mreg.env["MREG_REGISTRY"] = registry.host
    mreg.digests = push(mreg, "churn", box)
    mreg.registry = registry
    for day, words in enumerate((
            ("alias", "set", "churn:v1", "production"),
            ("promote", "churn:v2", "production"),
            ("rollback", "churn:production"),
            ("alias", "rm", "churn:production"))):
        mreg.run(*words, env=days(day))
    mreg.moments = [e["time"] for e in mreg.json("log", "churn")["events"]
                    if e["kind"] == "alias_moved"]
    yield mreg
    registry.stop()


def assert_told(who, name, one, two, moments):
    """From the first moment on, and on the day after."""
    for at, digest, version in zip(moments, (one, two, one, None),
                                   ("v1", "v2", "v1", None)):
        then, = who.json("log", name, "--at", at)["aliases"]
        assert (then["alias"], then["digest"]) == ("production", digest)
        assert then["version"] == version
        assert then["since"] == at
    assert who.json("log", name, "--at", "2001-05-03")["aliases"] == []


def test_what_production_was_is_told_by_a_copy_when_the_registry_is_gone(
        told, binary, box):
    told.run("copy", "churn", f"oci:{box}/air//churn")
    told.run("export", "churn", box / "churn.tar")
    told.registry.stop()
    told.fails(8, "log", "churn")
    # Somebody who has never seen the registry.
    other = Mreg(binary, box / "other")
    copy = f"oci:{box}/air//churn"
    assert_told(other, copy, *told.digests, told.moments)
    assert other.json("log", copy, "--verify")["verified"]
    other.run("import", box / "churn.tar", "churn")
    assert_told(other, "churn", *told.digests, told.moments)


def test_people_ask_for_a_day(told, binary, box):
    """A date alone is its end, so that what was done on it counts."""
    told.run("copy", "churn", f"oci:{box}/air//churn")
    told.registry.stop()
    other = Mreg(binary, box / "other")
    day = told.moments[1][:10]
    shown = other.run("log", f"oci:{box}/air//churn", "--at", day,
                      "--alias", "production").stdout
    assert "production  v2" in shown
