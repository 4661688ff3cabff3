"""test_index_sync.py - the index brought to what a local store holds."""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3

import index_life
import jsonschema
import pytest
from harness import small_model
from index_life import Platform, anew, assert_same, dump, index_of

FULL = bool(os.environ.get("MREG_TEST_FULL"))
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "spec/schemas"


def sync(mreg, *args):
    done = mreg.json("index", "sync", *args)
    schema = json.loads((SCHEMAS / "index-sync.schema.json").read_text())
    jsonschema.validate(done, schema)
    return done


def push(mreg, tmp_path, name, number):
    folder = small_model(tmp_path / f"{name}{number}", number)
    return mreg.json("push", folder, name)


# -- what it says ---------------------------------------------------------------


def test_all_models_of_the_store_are_in_it(mreg, pushed, tmp_path):
    push(mreg, tmp_path, "team/fraud", 2)
    done = sync(mreg)
    assert done["models"] == {"lookedAt": 2, "changed": 2, "removed": 0,
                              "failed": 0}
    assert done["versions"] == {"new": 2, "removed": 0}
    assert [c["name"] for c in done["changes"]] == ["churn", "team/fraud"]
    assert done["requests"] == 0 and done["notes"] == 0
    said = dump(index_of(mreg))
    assert [(row[0], row[1]) for row in said["versions"]] == [
        (f"oci:{mreg.env['MREG_STORE']}//churn", 1),
        (f"oci:{mreg.env['MREG_STORE']}//team/fraud", 1)]


def test_nothing_new_is_nothing_changed(mreg, pushed):
    sync(mreg)
    before = dump(index_of(mreg))
    done = sync(mreg)
    assert done["models"]["changed"] == 0 and done["changes"] == []
    assert_same(dump(index_of(mreg)), before)


def test_it_is_told_for_people(mreg, pushed):
    first = mreg.run("index", "sync").stdout.splitlines()
    assert first[0] == "churn: 1 version new, 0 gone"
    assert first[1].startswith("1 model looked at, 1 changed, 1 version new; ")
    second = mreg.run("index", "sync").stdout
    assert second.startswith("1 model looked at, 0 changed; ")
    assert mreg.run("index", "sync", "-q").stdout == ""


def test_how_long_it_took_is_a_number_of_seconds(mreg, pushed):
    said = mreg.run("index", "sync", "--json").stdout
    assert re.search(r'"seconds": ?[0-9]+\.[0-9]{1,3}[,}]', said)


def test_one_model_alone(mreg, pushed, tmp_path):
    push(mreg, tmp_path, "fraud", 2)
    assert [c["name"] for c in sync(mreg, "fraud")["changes"]] == ["fraud"]
    # What was synced before is looked at with the store's other models.
    assert [c["name"] for c in sync(mreg)["changes"]] == ["churn"]


def test_another_store(mreg, model, tmp_path):
    mreg.run("push", model, f"oci:{tmp_path / 'far'}//nlp")
    done = sync(mreg, f"oci:{tmp_path / 'far'}")
    assert [c["name"] for c in done["changes"]] == \
        [f"oci:{tmp_path / 'far'}//nlp"]
    # It is remembered as a place, with what comes later.
    mreg.run("push", model, f"oci:{tmp_path / 'far'}//other")
    assert [c["name"] for c in sync(mreg)["changes"]] == \
        [f"oci:{tmp_path / 'far'}//other"]


def test_a_store_has_one_name_wherever_it_is_named(mreg, model, tmp_path):
    """By a path that is relative, too: another folder is another store."""
    mreg.run("push", model, f"oci:{tmp_path}/other//fraud")
    for word in ("oci:other", "oci:./other", "oci:other//fraud"):
        mreg.json("index", "sync", word, cwd=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    env = {"MREG_STORE": "other"}
    done = mreg.json("index", "sync", cwd=tmp_path / "elsewhere")
    assert done["models"]["lookedAt"] == 1
    assert done["models"]["removed"] == 0
    names = [m["name"] for m in mreg.json("index", "status")["models"]]
    assert names == [f"oci:{tmp_path}/other//fraud"]
    found = mreg.json("ls", cwd=tmp_path, env=env)
    assert found["models"] == ["fraud"]
    assert mreg.json("ls", cwd=tmp_path / "elsewhere", env=env)["models"] == []
    mreg.fails(3, "ls", "fraud", "--index", cwd=tmp_path / "elsewhere",
               env=env)


def test_part_of_a_store(mreg, pushed, tmp_path):
    push(mreg, tmp_path, "team/fraud", 2)
    push(mreg, tmp_path, "team/nlp", 3)
    place = f"oci:{mreg.env['MREG_STORE']}//team/"
    assert [c["name"] for c in sync(mreg, place)["changes"]] == \
        ["team/fraud", "team/nlp"]


def test_a_model_that_is_gone_is_removed(mreg, pushed, store, tmp_path):
    push(mreg, tmp_path, "fraud", 2)
    sync(mreg)
    shutil.rmtree(store / "churn")
    done = sync(mreg)
    assert done["models"]["removed"] == 1
    row, = done["changes"]
    assert row["name"] == "churn" and row["removed"] is True
    said = dump(index_of(mreg))
    assert [row[0].rpartition("/")[2] for row in said["models"]] == ["fraud"]
    assert sync(mreg)["models"]["lookedAt"] == 1


def test_one_that_cannot_be_read_does_not_stop_the_others(mreg, pushed, store,
                                                          tmp_path):
    push(mreg, tmp_path, "fraud", 2)
    (store / "churn/index.json").write_text("{ no JSON")
    r = mreg.run("index", "sync", "--json", status=None)
    assert r.status != 0, str(r)
    done = r.json
    assert done["models"]["failed"] == 1
    assert [c["name"] for c in done["changes"]] == ["churn", "fraud"]
    assert "index.json" in done["changes"][0]["error"]
    told = mreg.run("index", "sync", "-q", status=r.status)
    assert told.stderr.startswith("warning: 'churn' was not synced: ")
    row, _ = mreg.json("index", "status")["models"]
    assert row["name"] == "churn" and "index.json" in row["error"]
    assert row["indexed"] is False and row["syncedAt"] is None


def test_what_is_wrong_with_one_version_is_a_note(mreg, pushed, store,
                                                  tmp_path):
    """Whoever may push can put anything under v2."""
    listing = json.loads((store / "churn/index.json").read_text())
    bad = b'{"schemaVersion": 2, "layers": [], "manifests": []}'
    digest = hashlib.sha256(bad).hexdigest()
    (store / "churn/blobs/sha256" / digest).write_bytes(bad)
    listing["manifests"].append({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}", "size": len(bad),
        "annotations": {"org.opencontainers.image.ref.name": "v2"}})
    (store / "churn/index.json").write_text(json.dumps(listing))
    done = sync(mreg)
    assert done["models"]["failed"] == 0 and done["versions"]["new"] == 1
    note, = dump(index_of(mreg))["notes"]
    assert note[1] == "v2"
    assert done["notes"] == done["changes"][0]["notes"] == 1
    assert mreg.json("index", "status")["models"][0]["notes"] == 1
    # It is not new each time, and told each time.
    done = sync(mreg)
    assert done["models"]["changed"] == 0 and done["notes"] == 1
    assert mreg.run("index", "sync").stdout.splitlines()[-1].startswith(
        "1 note on what could not be indexed as it is: mreg query")


# -- words ----------------------------------------------------------------------


@pytest.mark.parametrize("word, says", [
    ("churn:v1", "is one version"),
    ("churn@sha256:" + "0" * 64, "is one version"),
    ("nothing", "no such model 'nothing'"),
    ("mreg-policy", "holds a policy"),
    ("a b", ""),
    ("oci:", ""),
    ("oci:/nowhere", "there is no folder '/nowhere'"),
    ("oci:/nowhere//team/", "there is no folder '/nowhere'"),
])
def test_words_that_cannot_be(mreg, pushed, word, says):
    err = mreg.run("index", "sync", word, "--json", status=None)
    assert err.status in (2, 3), str(err)
    assert says in err.error["message"]


def test_no_index_is_told_what_to_do(mreg):
    err = mreg.fails(3, "index", "status")
    assert "index sync" in err["hint"]


def test_an_empty_store_makes_an_empty_index(mreg):
    done = sync(mreg)
    assert done["models"]["lookedAt"] == 0
    assert "no models yet" in mreg.run("index", "status").stdout


# -- status ---------------------------------------------------------------------


def test_status_tells_what_is_there_and_how_old(mreg, pushed):
    sync(mreg)
    said = mreg.json("index", "status")
    schema = json.loads((SCHEMAS / "index-status.schema.json").read_text())
    jsonschema.validate(said, schema)
    row, = said["models"]
    assert (row["name"], row["versions"], row["indexed"]) == \
        ("churn", 1, True)
    assert row["syncedAt"] == row["sweptAt"] == row["changedAt"]
    assert said["places"] == [f"oci:{mreg.env['MREG_STORE']}"]
    assert said["kind"] == "sqlite" and said["bytes"] > 0
    with contextlib.closing(sqlite3.connect(index_of(mreg))) as db:
        steps = db.execute("SELECT count(*) FROM schema_steps").fetchone()[0]
    assert said["schemaVersion"] == steps > 0
    shown = mreg.run("index", "status").stdout
    assert "just now" in shown and "1 model, 1 version" in shown
    assert shown.endswith(f", schema version {steps}\n")


# -- the same, however it came about --------------------------------------------


def test_each_thing_that_happens_is_in_the_next_sync(mreg, tmp_path):
    """Without a sweep: all of it is in the log, or a tag."""
    rng = random.Random("each")
    platform = Platform(mreg, tmp_path / "made", rng,
                        remove=index_life.remove_folder(
                            pathlib.Path(mreg.env["MREG_STORE"])))
    for i in range(len(Platform.HAPPENS)):
        platform.step()
        mreg.run("index", "sync")
        if i % 4 == 3:
            assert_same(dump(index_of(mreg)),
                        anew(mreg, tmp_path / f"other{i}"))
    assert_same(dump(index_of(mreg)), anew(mreg, tmp_path / "other"))


@pytest.mark.parametrize("seed", range(20 if FULL else 2))
def test_any_syncs_that_end_with_a_sweep_come_to_a_rebuild(mreg, tmp_path,
                                                           seed):
    rng = random.Random(seed)
    platform = Platform(mreg, tmp_path / "made", rng,
                        remove=index_life.remove_folder(
                            pathlib.Path(mreg.env["MREG_STORE"])))
    for _ in range(25):
        platform.step(more=[Platform.attach])
        if rng.random() < 0.3:
            mreg.run("index", "sync")
    mreg.run("index", "sync", "--sweep")
    swept = dump(index_of(mreg))
    assert_same(swept, anew(mreg, tmp_path / "other"))
    mreg.run("index", "rebuild")
    assert_same(swept, dump(index_of(mreg)))


def test_a_rebuild_that_cannot_read_all_changes_nothing(mreg, pushed, store,
                                                        tmp_path):
    push(mreg, tmp_path, "fraud", 2)
    sync(mreg)
    before = dump(index_of(mreg))
    (store / "churn/index.json").write_text("{ no JSON")
    r = mreg.run("index", "rebuild", "--json", status=None)
    assert r.status != 0
    assert "the index stays as it was" in r.error["message"]
    assert_same(dump(index_of(mreg)), before)
    assert not list(index_of(mreg).parent.glob("index.db.new*"))


def test_a_rebuild_is_seen_by_who_has_the_index_open(mreg, pushed):
    sync(mreg)
    with sqlite3.connect(index_of(mreg)) as db:
        asked = "SELECT count(*) FROM ix_versions"
        assert db.execute(asked).fetchone() == (1,)
        mreg.run("push", mreg.home, "churn")
        mreg.run("index", "rebuild")
        assert db.execute(asked).fetchone() == (2,)
