"""test_retire.py - deprecate, archive, restore: nothing is removed, and what is
in use stays in sight."""

import json

import aging
import harness
import jsonschema
import pytest

SCHEMA = json.loads((harness.ROOT /
                     "spec/schemas/retire.schema.json").read_text())


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v3; digests by number."""
    return {n: mreg.json("push", harness.small_model(tmp_path / f"m{n}", n),
                         "churn")["digest"] for n in (1, 2, 3)}


def done(mreg, *words, **kwargs):
    """What a command prints; it fits its schema and has nothing else."""
    result = mreg.json(*words, **kwargs)
    jsonschema.Draft7Validator(SCHEMA).validate(result)
    assert set(result) == set(SCHEMA["properties"])
    return result


def kinds(mreg):
    return [e["kind"] for e in mreg.json("log", "churn")["events"]][3:]


def latest(mreg):
    return mreg.json("resolve", "churn")["digest"]


# -- deprecate ------------------------------------------------------------------


def test_a_deprecation_says_until_when_and_what_instead(mreg, churn):
    r = done(mreg, "deprecate", "churn:v1", "--until", "2027-01-31",
             "--successor", "v3", "--reason", "worse")
    assert (r["digest"], r["version"]) == (churn[1], "v1")
    assert r["changed"] and r["deprecated"] and not r["archived"]
    event = mreg.json("log", "churn")["events"][-1]
    assert event["digest"] == r["event"]
    assert event["event"]["until"] == "2027-01-31T23:59:59Z"
    assert event["event"]["successor"] == churn[3]
    assert "take v3" in event["says"] and "worse" in event["says"]


def test_a_time_with_an_offset_is_kept_as_utc(mreg, churn):
    mreg.run("deprecate", "churn:v1", "--until", "2027-01-31T01:30:00+02:00")
    assert mreg.json("inspect", "churn:v1")["deprecated"]["until"] == \
        "2027-01-30T23:30:00Z"


def test_saying_the_same_again_writes_nothing(mreg, churn):
    words = ("deprecate", "churn:v1", "--until", "2027-01-31", "--successor",
             churn[3], "--reason", "worse")
    done(mreg, *words)
    again = done(mreg, *words)
    assert (again["changed"], again["event"]) == (False, None)
    assert done(mreg, "deprecate", "churn:v1", "--reason", "other")["changed"]
    said = mreg.json("inspect", "churn:v1")["deprecated"]
    assert (said["reason"], said["until"], said["successor"]) == \
        ("other", None, None)
    assert kinds(mreg) == ["deprecated", "deprecated"]


@pytest.mark.parametrize("words, status, names", [
    (("deprecate", "churn"), 2, "names no version"),
    (("deprecate", "churn:v1", "--until", "soon"), 2, "'soon' is no time"),
    (("deprecate", "churn:v1", "--until", "2027-02-30"), 2, "2027-02-30"),
    (("deprecate", "churn:v1", "--successor", "v1"), 2, "succeed itself"),
    (("deprecate", "churn:v1", "--successor", "v9"), 3, "v9"),
    (("deprecate", "churn:v9",), 3, "v9"),
    (("archive", "churn:nope",), 3, "nope"),
    (("archive", "nobody:v1",), 3, "nobody"),
    (("restore", "churn",), 2, "names no version"),
])
def test_what_cannot_be_is_refused(mreg, churn, words, status, names):
    assert names in mreg.fails(status, *words)["message"]
    assert kinds(mreg) == []


# -- archive --------------------------------------------------------------------


def test_latest_is_the_highest_that_is_not_archived(mreg, churn):
    assert done(mreg, "archive", "churn:v2")["latest"] is None
    assert latest(mreg) == churn[3]
    assert done(mreg, "archive", "churn:v3")["latest"] == 1
    assert latest(mreg) == churn[1]
    assert done(mreg, "restore", "churn:v2")["latest"] == 2
    assert latest(mreg) == churn[2]
    assert kinds(mreg) == ["archived", "archived", "restored"]


def test_latest_is_nothing_that_is_being_removed(mreg, churn, store):
    """Its event is there, its tags are not gone yet."""
    aging.write_event(mreg, store / "churn", "churn", "removed",
                      version=churn[2], tags=["v2"])
    mreg.run("archive", "churn:v3")
    assert latest(mreg) == churn[1]


def test_a_push_moves_latest_past_what_is_archived(mreg, churn, tmp_path):
    mreg.run("archive", "churn:v3")
    four = mreg.json("push", harness.small_model(tmp_path / "m4", 4),
                     "churn")["digest"]
    assert latest(mreg) == four


def test_when_all_are_archived_latest_stays(mreg, churn):
    for number in (1, 2, 3):
        assert done(mreg, "archive", f"churn:v{number}")["archived"]
    assert latest(mreg) == churn[3]
    assert done(mreg, "restore", "churn:v1")["latest"] == 1
    assert latest(mreg) == churn[1]


def test_it_is_kept_and_can_be_had(mreg, churn, tmp_path):
    mreg.run("archive", "churn:v1", "--reason", "old")
    assert mreg.json("resolve", "churn:v1")["digest"] == churn[1]
    mreg.run("pull", "churn:v1", "-o", tmp_path / "out")
    harness.assert_pulled(tmp_path / "out", harness.tree(tmp_path / "m1"))


def test_what_aliases_point_at_is_in_use(mreg, churn):
    mreg.run("alias", "set", "churn:v1", "production")
    mreg.run("alias", "set", "churn:v1", "eu")
    mreg.run("alias", "set", "churn:v2", "staging")
    for ref in ("churn:v1", "churn:production", f"churn@{churn[1]}"):
        err = mreg.fails(4, "archive", ref)
        assert err["message"] == \
            "aliases 'eu', 'production' point at it: it is in use"
    mreg.fails(4, "archive", "churn:v1", "-n")
    mreg.run("alias", "rm", "churn:eu")
    assert "alias 'production' points at it" in \
        mreg.fails(4, "archive", "churn:v1")["message"]
    mreg.run("rollback", "churn:production", status=3)
    mreg.run("alias", "set", "churn:v3", "production")
    assert done(mreg, "archive", "churn:v1")["changed"]


def test_a_release_name_does_not_keep_it(mreg, churn):
    mreg.run("release", "churn:v1", "1.0.0")
    assert done(mreg, "archive", "churn:1.0.0")["archived"]


def test_a_move_that_is_not_finished_counts(mreg, churn, store):
    """The event is there, its writer died before the tag."""
    mreg.run("alias", "set", "churn:v2", "production")
    mreg.run("alias", "set", "churn:v1", "production")
    path = store / "churn/index.json"
    index = json.loads(path.read_text())
    for entry in index["manifests"]:
        if entry["annotations"]["org.opencontainers.image.ref.name"] == \
                "production":
            entry["digest"] = churn[2]
    path.write_text(json.dumps(index))
    for number in (1, 2):
        assert "'production'" in \
            mreg.fails(4, "archive", f"churn:v{number}")["message"]


def test_no_alias_is_pointed_at_what_is_out_of_sight(mreg, churn, tmp_path):
    mreg.run("alias", "set", "churn:v1", "production")
    mreg.run("alias", "set", "churn:v2", "production")
    mreg.run("archive", "churn:v1")
    before = kinds(mreg)
    for words in (("alias", "set", "churn:v1", "eu"),
                  ("alias", "set", "churn:v1", "eu", "--dry-run"),
                  ("push", tmp_path / "m1", "churn:eu"),
                  ("rollback", "churn:production"),
                  ("rollback", "churn:production", "--to", "v1")):
        err = mreg.fails(4, *words)
        assert f"'churn@{churn[1][:19]}' is archived" in \
            err["message"] + str(err["cause"])
    assert kinds(mreg) == before
    assert mreg.json("resolve", "churn:production")["digest"] == churn[2]
    mreg.run("restore", "churn:v1")
    assert mreg.json("rollback", "churn:production")["digest"] == churn[1]


def test_a_rehearsal_changes_nothing(mreg, churn):
    for command in "archive", "deprecate":
        would = done(mreg, command, "churn:v3", "-n")
        assert would["changed"] and would["dryRun"]
        assert would["event"] is None and not would["archived"]
        assert "would " + command in mreg.run(command, "churn:v3",
                                              "-n").stdout
    mreg.run("archive", "churn:v3")
    assert done(mreg, "restore", "churn:v3", "-n")["changed"]
    assert latest(mreg) == churn[2] and kinds(mreg) == ["archived"]


# -- restore --------------------------------------------------------------------


def test_restore_takes_back_both(mreg, churn):
    mreg.run("deprecate", "churn:v1")
    mreg.run("archive", "churn:v1")
    back = done(mreg, "restore", "churn:v1", "--reason", "needed")
    assert (back["archived"], back["deprecated"]) == (False, False)
    assert kinds(mreg) == ["deprecated", "archived", "restored", "restored"]
    row = mreg.json("ls", "churn")["versions"][2]
    assert (row["stage"], row["deprecated"]) == ("experimental", None)
    assert done(mreg, "restore", "churn:v1")["changed"] is False


def test_a_second_archive_is_the_first(mreg, churn):
    first = done(mreg, "archive", "churn:v1")
    again = done(mreg, "archive", "churn:v1", "--reason", "later")
    assert first["changed"] and not again["changed"] and again["archived"]
    assert "unchanged: churn:v1" in mreg.run("archive", "churn:v1").stdout


def test_many_at_once_are_all_kept(mreg, churn):
    runs = [mreg.start(*words) for words in (
        ("archive", "churn:v1"), ("archive", "churn:v1"),
        ("deprecate", "churn:v1"), ("archive", "churn:v2"),
        ("deprecate", "churn:v3", "--successor", "v1"))]
    for run in runs:
        assert harness.finish(run).status == 0
    mreg.run("log", "churn", "--verify")
    rows = {r["version"]: r
            for r in mreg.json("ls", "churn", "--archived")["versions"]}
    assert [rows[v]["stage"] for v in ("v1", "v2", "v3")] == \
        ["archived", "archived", "experimental"]
    assert rows["v1"]["deprecated"] and rows["v3"]["deprecated"]
    assert sorted(kinds(mreg)) == ["archived"] * 2 + ["deprecated"] * 2


def test_what_was_copied_is_archived_there_too(mreg, churn, tmp_path):
    mreg.run("archive", "churn:v1", "--reason", "old")
    mreg.run("deprecate", "churn:v2", "--successor", "v3")
    there = f"oci:{tmp_path}/there//churn"
    mreg.run("copy", "churn", there)
    shown = mreg.json("ls", there)
    assert [r["version"] for r in shown["versions"]] == ["v3", "v2"]
    assert shown["hidden"] == 1
    assert shown["versions"][1]["deprecated"]["successor"]["version"] == "v3"
