"""test_index_reads.py - ls, inspect, where and what from the index: the same
answers, told as such, and never older than somebody may know."""
import json
import re
import shutil

import harness
import index_rig
import jsonschema
import pytest


def schema(name):
    return json.loads((harness.ROOT / f"spec/schemas/{name}.schema.json")
                      .read_text())


@pytest.fixture
def now(later):
    """now(5): it is five seconds later, so that what was written before was
    written in another second."""
    return lambda seconds: later(seconds / 3600)


@pytest.fixture
def churn(mreg, tmp_path, now):
    """A model with a history, synced."""
    digests = index_rig.churn(mreg, "churn", tmp_path)
    mreg.run("index", "sync", env=now(5))
    return digests


@pytest.fixture
def short(mreg, tmp_path, now):
    """The same of a model with two versions, of the folders m1 and m5."""
    digests = {}
    for n in (1, 5):
        harness.small_model(tmp_path / f"m{n}", n)
    digests[1] = mreg.json("push", tmp_path / "m1", "churn:staging")["digest"]
    digests[5] = mreg.json("push", tmp_path / "m5", "churn")["digest"]
    mreg.run("index", "sync", env=now(5))
    return digests


def is_from_index(mreg, *words, env=None):
    return mreg.json(*words, env=env)["index"] is not None


def test_the_index_answers_as_the_store_does(mreg, churn, now):
    for words in index_rig.questions("churn", churn):
        index_rig.assert_same(mreg, words, env=now(9))


def test_however_old_it_is_when_that_is_wanted(mreg, churn, now):
    for words in index_rig.questions("churn", churn):
        index_rig.assert_same(mreg, words, "--index", env=now(90000))


def test_a_tag_that_somebody_moved_is_shown_as_moved(mreg, churn, store, now):
    path = store / "churn/index.json"
    index = json.loads(path.read_text())
    name = "org.opencontainers.image.ref.name"
    entry = {m["annotations"].get(name): m for m in index["manifests"]}
    for moved, to in (("v4", "v5"), ("staging", "v2")):
        entry[moved].update({k: entry[to][k] for k in ("digest", "size")})
    path.write_text(json.dumps(index))
    mreg.run("index", "sync", "--sweep", env=now(6))
    rows = mreg.json("ls", "churn", env=now(9))["versions"]
    assert [r["moved"] for r in rows if r["number"] == 4] == [True]
    for words in (["ls", "churn"], ["inspect", "churn:v3"],
                  ["inspect", "churn:staging"], ["where", "churn"]):
        index_rig.assert_same(mreg, words, env=now(9))


def test_it_says_where_an_answer_is_from(mreg, short, now):
    told = mreg.run("ls", "churn", env=now(9))
    assert re.search(r"^from the index, synced \d+ s ago$", told.stderr, re.M)
    assert "v2" in told.stdout
    assert mreg.run("ls", "churn", "--quiet", env=now(9)).stderr == ""
    for name, words in (("models", ["ls", "--index"]),
                        ("versions", ["ls", "churn"]),
                        ("inspect", ["inspect", "churn"]),
                        ("deployments", ["what", "prod", "churn"])):
        result = mreg.json(*words, env=now(9))
        jsonschema.validate(result, schema(name))
        assert result["index"]["syncedAt"]


def test_an_index_that_is_too_old_is_not_asked(mreg, short, now):
    assert is_from_index(mreg, "ls", "churn", env=now(30))
    assert not is_from_index(mreg, "ls", "churn", env=now(70))
    assert is_from_index(mreg, "ls", "churn",
                         env={**now(70), "MREG_INDEX_FRESH": "600"})
    assert not is_from_index(mreg, "ls", "churn",
                             env={**now(9), "MREG_INDEX_FRESH": "0"})
    # One that was synced in the future was synced by another clock.
    assert not is_from_index(mreg, "ls", "churn", env=now(-600))


@pytest.mark.parametrize("words", [
    ["push", "m9", "churn"], ["alias", "set", "churn:v2", "staging"],
    ["alias", "rm", "churn:staging"], ["edit", "churn:v1", "--tag", "a=b"],
    ["archive", "churn:v2"], ["deployed", "churn:v2", "--env", "prod"],
    ["release", "churn:v2", "2.0.0"],
], ids=" ".join)
def test_what_was_written_from_here_is_asked_for(mreg, short, now, words):
    harness.small_model(mreg.home / "m9", 9)
    assert is_from_index(mreg, "ls", "churn", env=now(7))
    mreg.run(*words, env=now(7))
    assert not is_from_index(mreg, "ls", "churn", env=now(9))
    mreg.run("index", "sync", env=now(10))
    assert is_from_index(mreg, "ls", "churn", env=now(11))


def test_where_writes_were_not_noted_the_index_is_not_believed(
        mreg, short, now):
    shutil.rmtree(mreg.home / "cache")
    assert not is_from_index(mreg, "ls", "churn", env=now(9))
    assert is_from_index(mreg, "ls", "churn", "--index", env=now(9))
    mreg.run("index", "sync", env=now(10))
    assert is_from_index(mreg, "ls", "churn", env=now(12))
    # With no place to note them it is never.
    (mreg.home / "file").write_text("no folder")
    env = {**now(12), "XDG_CACHE_HOME": str(mreg.home / "file")}
    assert not is_from_index(mreg, "ls", "churn", env=env)


def test_what_the_index_lacks_is_looked_for(mreg, short, now, tmp_path):
    """Somebody else has just tagged a version: the index does not know."""
    other = mreg.clone(tmp_path / "other")
    other.run("alias", "set", "churn:v2", "canary")
    assert is_from_index(mreg, "ls", "churn", env=now(9))
    found = mreg.json("inspect", "churn:canary", env=now(9))
    assert found["digest"] == short[5] and found["index"] is None
    assert mreg.fails(3, "inspect", "churn:canary", "--index",
                      env=now(9))["code"] == "not_found"
    assert mreg.fails(3, "inspect", "churn:nope", env=now(9))


def test_a_model_that_is_not_indexed(mreg, short, now, tmp_path):
    mreg.run("push", harness.small_model(tmp_path / "f", 8), "fraud",
             env=now(6))
    assert not is_from_index(mreg, "ls", "fraud", env=now(9))
    for words in (["ls", "fraud"], ["inspect", "fraud:v1"],
                  ["where", "fraud"]):
        error = mreg.fails(3, *words, "--index", env=now(9))
        assert error["message"] == "'fraud' is not in the index"
        assert "mreg index sync fraud" in error["hint"]


def test_models_are_listed_from_the_index_when_that_is_wanted(
        mreg, short, now, tmp_path):
    mreg.run("push", harness.small_model(tmp_path / "f", 8), "acme/fraud",
             env=now(6))
    mreg.run("index", "sync", env=now(7))
    index_rig.assert_same(mreg, ["ls"], "--index", env=now(9))
    assert mreg.json("ls", "--index", env=now(9))["models"] == [
        "acme/fraud", "churn"]
    index_rig.assert_same(mreg, ["what", "prod"], "--index", env=now(9))
    below = {**now(9), "MREG_REGISTRY": f"oci:{tmp_path}/store//acme"}
    index_rig.assert_same(mreg, ["ls"], "--index", env=below)
    assert mreg.json("ls", "--index", env=below)["models"] == ["fraud"]
    # How fresh a listing is nobody knows.
    assert not is_from_index(mreg, "ls", env=now(9))


def test_both_flags_exclude_each_other(mreg, short):
    for words in (["ls"], ["inspect", "churn"], ["where", "churn"],
                  ["what", "prod"]):
        error = mreg.fails(2, *words, "--index", "--no-index")
        assert "exclude each other" in error["message"]


def test_without_an_index_nothing_is_from_it(mreg, pushed):
    assert not is_from_index(mreg, "ls", "churn")
    assert not (mreg.home / "data/mreg/index.db").exists()
    for words in (["ls"], ["ls", "churn"], ["inspect", "churn"],
                  ["what", "prod"]):
        error = mreg.fails(3, *words, "--index")
        assert "index sync" in error["hint"]


def test_an_index_that_cannot_be_read_is_no_trouble_unless_it_is_wanted(
        mreg, short, now):
    (mreg.home / "data/mreg/index.db").write_bytes(b"no database" * 1000)
    for name in ("index.db-wal", "index.db-shm"):
        (mreg.home / "data/mreg" / name).unlink(missing_ok=True)
    assert not is_from_index(mreg, "ls", "churn", env=now(9))
    assert mreg.fails(1, "ls", "churn", "--index", env=now(9))[
        "code"] == "database"


def test_what_decides_never_asks_the_index(mreg, short, now, tmp_path):
    """Somebody else moved the alias; whoever acts sees it."""
    other = mreg.clone(tmp_path / "other")
    other.run("alias", "set", "churn:v2", "staging")
    assert mreg.json("resolve", "churn:staging", env=now(9))[
        "digest"] == short[5]
    assert json.loads(mreg.run("inspect", "churn:staging", "--raw",
                               env=now(9)).stdout) != {}
    mreg.run("pull", "churn:staging", "-o", tmp_path / "out", env=now(9))
    assert harness.tree(tmp_path / "out") == harness.tree(tmp_path / "m5")
    assert mreg.json("alias", "ls", "churn", env=now(9))["aliases"]
