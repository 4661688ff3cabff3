"""test_names.py - aliases with a history, release names."""

import json
import subprocess
import time

import harness
import pytest


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v3; production moved over all of them; digests by number."""
    digests = {}
    for number in (1, 2, 3):
        folder = harness.small_model(tmp_path / f"m{number}", number)
        digests[number] = mreg.json("push", folder, "churn")["digest"]
        mreg.run("alias", "set", f"churn:v{number}", "production")
    return digests


def at(mreg, ref="churn:production"):
    return mreg.json("resolve", ref)["digest"]


# -- rollback -------------------------------------------------------------------


def test_back_and_further_back_and_never_forward(mreg, churn):
    first = mreg.json("rollback", "churn:production", "--reason", "wrong")
    assert (first["digest"], first["was"]) == (churn[2], churn[3])
    assert first["number"] == 2 and first["changed"] is True
    assert at(mreg) == churn[2]
    assert mreg.json("rollback", "churn:production")["digest"] == churn[1]
    err = mreg.run("rollback", "churn:production", "--json", status=3).error
    assert "nowhere before" in err["message"]
    assert at(mreg) == churn[1]
    says = [e["says"] for e in mreg.json("log", "churn")["events"]]
    assert "production: v2, was v3, by rollback: wrong" in says


def test_back_to_one_that_it_had(mreg, churn):
    assert mreg.json("rollback", "churn:production", "--to",
                     "v1")["digest"] == churn[1]
    mreg.run("alias", "set", "churn:v2", "staging")
    err = mreg.run("rollback", "churn:production", "--to", "v3", "--json",
                   status=3).error
    assert "no 'v3' to go back to" in err["message"]
    assert at(mreg) == churn[1]


def test_a_rehearsed_rollback_moves_nothing(mreg, churn):
    would = mreg.json("rollback", "churn:production", "-n")
    assert would["dryRun"] is True and would["digest"] == churn[2]
    assert at(mreg) == churn[3]
    assert mreg.json("log", "churn")["count"] == 6


def test_what_is_expected_is_looked_at(mreg, churn):
    mreg.run("rollback", "churn:production", "--expect", churn[1], status=4)
    assert at(mreg) == churn[3]
    mreg.run("rollback", "churn:production", "--expect", churn[3])
    assert at(mreg) == churn[2]


def test_a_version_that_is_gone_is_told(mreg, churn, store):
    (store / "churn/blobs" / churn[2].replace(":", "/")).unlink()
    index = json.loads((store / "churn/index.json").read_text())
    index["manifests"] = [m for m in index["manifests"]
                          if m["digest"] != churn[2]]
    (store / "churn/index.json").write_text(json.dumps(index))
    err = mreg.run("rollback", "churn:production", "--json", status=3).error
    assert "removed" in err["message"] and "--to" in err["hint"]
    assert mreg.json("rollback", "churn:production", "--to",
                     "v1")["digest"] == churn[1]


@pytest.mark.parametrize("ref", ["churn", "churn:v1", "churn:latest"])
def test_only_an_alias_is_rolled_back(mreg, churn, ref):
    mreg.run("rollback", ref, status=2)


# -- releases -------------------------------------------------------------------


def test_a_release_is_given_once(mreg, churn):
    done = mreg.json("release", "churn:v2", "1.0.0")
    assert done["digest"] == churn[2] and done["changed"] is True
    assert at(mreg, "churn:1.0.0") == churn[2]
    assert mreg.json("release", "churn:v2", "1.0.0")["changed"] is False
    err = mreg.run("release", "churn:v3", "1.0.0", "--json", status=4).error
    assert "another version" in err["message"]
    kinds = [e["kind"] for e in mreg.json("log", "churn")["events"]]
    assert kinds.count("release_named") == 1
    rows = {r["alias"]: r for r in mreg.json("alias", "ls", "churn")["aliases"]}
    assert rows["1.0.0"]["kind"] == "release" and rows["1.0.0"]["since"]


@pytest.mark.parametrize("name", ["prod", "v7", "1.2", "latest", "1.0.0+b"])
def test_a_release_has_the_shape_of_one(mreg, churn, name):
    mreg.run("release", "churn:v1", name, status=2)


def test_a_release_given_by_push_is_in_the_log(mreg, churn, tmp_path):
    mreg.run("push", tmp_path / "m1", "churn:2.0.0")
    says = [e["says"] for e in mreg.json("log", "churn", "--kind",
                                         "release_named")["events"]]
    # The name is a part of the version that it was pushed with.
    assert says == ["v4, is 2.0.0"]


# -- wait -----------------------------------------------------------------------


def test_what_is_there_is_not_waited_for(mreg, churn):
    assert mreg.json("wait", "churn:production")["digest"] == churn[3]


def test_an_alias_that_moves_ends_the_wait(mreg, churn):
    waiting = subprocess.Popen(
        mreg.command("wait", "churn:production", "--changed", "--interval",
                     "20", "--json"),
        cwd=mreg.home, env=mreg.env, stdout=subprocess.PIPE)
    time.sleep(0.3)
    assert waiting.poll() is None
    mreg.run("alias", "set", "churn:v1", "production")
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert json.loads(out)["digest"] == churn[1]
    assert json.loads(out)["was"] == churn[3]


def test_a_move_before_the_wait_is_seen_by_its_digest(mreg, churn):
    assert mreg.json("wait", "churn:production", "--from",
                     churn[2])["digest"] == churn[3]


def test_a_wait_ends_when_time_is_up(mreg, churn):
    err = mreg.run("wait", "churn:production", "--changed", "--timeout", "1",
                   "--interval", "50", "--json", status=3).error
    assert "has not moved" in err["message"]
    err = mreg.run("wait", "churn:nope", "--timeout", "1", "--interval", "50",
                   "--json", status=3).error
    assert "was not there" in err["message"]


@pytest.mark.parametrize("command", [
    ["alias", "set", "{}", "production"], ["promote", "{}", "production"],
    ["request", "{}", "production"], ["release", "{}", "1.0.0"],
    ["deprecate", "{}"], ["archive", "{}"], ["edit", "{}", "--tag", "a=b"],
    ["deployed", "{}", "--env", "prod"],
    ["observe", "{}", "--metric", "drift=0.1"],
], ids=lambda c: " ".join(c[:2]))
def test_nothing_is_said_of_records(mreg, pushed, command):
    """An event is a manifest beside the versions, which its digest names."""
    before = mreg.json("log", "churn")
    event = before["events"][-1]["digest"]
    r = mreg.run(*[w.format(f"churn@{event}") for w in command], status=2)
    assert "is one of mreg's own records, no version" in r.stderr
    assert mreg.json("log", "churn")["heads"] == before["heads"]
