"""test_index_there.py - ls, inspect, where and what from the index: of Debian's
registry, the same answers for no requests about tags."""
import json

import fake
import harness
import index_rig
import pytest


@pytest.fixture
def now(box):
    env = harness.preloaded("clock_preload", box)
    return lambda seconds: {**env, "TEST_CLOCK_AHEAD_S": str(seconds)}


@pytest.fixture
def registry(box):
    """One of this test alone, which it may stop."""
    registry = harness.Registry(box / "registry")
    yield registry
    registry.stop()


@pytest.fixture
def churn(mreg, registry, box, now):
    mreg.env["MREG_REGISTRY"] = f"{registry.host}/acme"
    digests = index_rig.churn(mreg, "churn", box)
    mreg.run("index", "sync", env=now(5))
    return digests


def test_the_index_answers_as_the_registry_does(mreg, churn, now):
    for words in index_rig.questions("churn", churn):
        index_rig.assert_same(mreg, words, env=now(9))
    index_rig.assert_same(mreg, ["ls"], "--index", env=now(9))
    index_rig.assert_same(mreg, ["what", "prod"], "--index", env=now(9))


def test_nothing_is_asked_about_tags(mreg, churn, registry, now):
    mreg.run("inspect", "churn:v3", env=now(8))
    for words, most in ((["ls", "churn"], 0), (["where", "churn:v3"], 0),
                        (["what", "prod", "churn"], 0),
                        (["inspect", "churn:v3"], 4)):
        mark = registry.mark()
        assert mreg.json(*words, env=now(9))["index"]
        asked = [r for r in registry.requests(mark) if r[1] != "/v2/"]
        # What a version is made of, and what hangs on it, is had by digest.
        assert all("sha256" in r[1] for r in asked), asked
        assert len(asked) <= most, asked


def test_it_answers_while_the_registry_is_down(mreg, registry, churn, now):
    listed = mreg.json("ls", "churn", "--no-index", env=now(9))
    assert listed.pop("index") is None
    registry.kill()
    assert mreg.fails(8, "ls", "churn", "--no-index", env=now(9))
    got = mreg.json("ls", "churn", env=now(9))
    assert index_rig.without_age(got) == listed
    assert mreg.json("ls", "--index", env=now(9))["models"] == ["churn"]


@pytest.fixture
def silent():
    """A registry that lists no repositories."""
    registry = fake.Fake(no_catalog=True)
    yield registry
    registry.stop()


def test_models_of_a_registry_without_a_catalog(mreg, silent, box, now):
    mreg.env["MREG_REGISTRY"] = f"{silent.host}/acme"
    for n, name in enumerate(("churn", "fraud")):
        mreg.run("push", harness.small_model(box / name, n), name)
    assert mreg.fails(9, "ls")["code"] == "unsupported"
    mreg.run("index", "sync", "churn", env=now(5))
    found = mreg.json("ls", env=now(9))
    assert found["models"] == ["churn"] and found["index"]
    # However old: there is no other listing.
    assert mreg.json("ls", env=now(90000))["models"] == ["churn"]
    assert mreg.fails(9, "ls", "--no-index", env=now(9))
    # Nor does a sync hear of a new one but by a notification.
    mreg.run("index", "sync", env=now(10))
    assert mreg.json("ls", env=now(11))["models"] == ["churn"]
    told = {"action": "push", "target": {"repository": "acme/fraud"}}
    mreg.run("index", "ingest", "--no-sync", input=json.dumps(told),
             env=now(12))
    mreg.run("index", "sync", env=now(14))
    assert mreg.json("ls", env=now(15))["models"] == ["churn", "fraud"]


def test_after_a_notification_was_looked_at_the_index_is_fresh_again(
        mreg, silent, box, now):
    mreg.env["MREG_REGISTRY"] = f"{silent.host}/acme"
    mreg.run("push", harness.small_model(box / "churn", 1), "churn")
    mreg.run("index", "sync", "churn", env=now(5))
    assert mreg.json("ls", "churn", env=now(9))["index"]
    told = json.dumps({"action": "push",
                       "target": {"repository": "acme/churn"}})
    mreg.run("index", "ingest", "--no-sync", input=told, env=now(10))
    assert not mreg.json("ls", "churn", env=now(12))["index"]
    mreg.run("index", "sync", env=now(14))
    assert mreg.json("ls", "churn", env=now(16))["index"]
    mreg.run("index", "ingest", input=told, env=now(18))
    assert mreg.json("ls", "churn", env=now(20))["index"]


def test_what_a_notification_names_and_is_no_model_is_forgotten(
        mreg, silent, now):
    told = {"action": "push", "target": {"repository": "acme/nothing"}}
    mreg.env["MREG_REGISTRY"] = f"{silent.host}/acme"
    result = mreg.json("index", "ingest", input=json.dumps(told))
    assert result["synced"] and result["failed"] == 0
    assert mreg.json("index", "status")["models"] == []
