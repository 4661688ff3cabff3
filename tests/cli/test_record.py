"""test_record.py - create and edit: what is told of a model or a version after
the fact."""

import harness
import pytest

LONG = "x" * 4096


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 and v2."""
    for number in (1, 2):
        mreg.run("push", harness.small_model(tmp_path / f"m{number}", number),
                 "churn")


def values(result):
    return {v["key"]: v["value"] for v in result["values"]}


def written(mreg):
    return [e["kind"] for e in mreg.json("log", "churn")["events"]
            if e["kind"] in ("record_written", "metadata_changed")]


# -- create ---------------------------------------------------------------------


def test_an_empty_record_is_one(mreg):
    made = mreg.json("create", "churn")
    assert made["created"] and made["changed"] and made["values"] == []
    assert mreg.fails(4, "create", "churn", "--owner", "x")["code"] == \
        "conflict"


def test_it_can_be_written_when_there_are_versions(mreg, churn):
    made = mreg.json("create", "churn", "--owner", "risk")
    assert made["created"] and made["number"] is None
    assert written(mreg) == ["record_written"]


def test_a_model_that_is_only_a_record_has_no_version(mreg, tmp_path):
    mreg.run("create", "churn", "--owner", "risk")
    assert mreg.json("ls", "churn")["versions"] == []
    assert mreg.json("ls")["models"] == ["churn"]
    mreg.run("push", harness.small_model(tmp_path / "m", 1), "churn")
    assert mreg.json("inspect", "churn:v1")["record"] == {"owner": "risk"}


def test_a_record_is_written_before_there_is_a_version(mreg):
    made = mreg.json("create", "churn", "--owner", "risk", "--description",
                     "Who leaves", "--display-name", "Churn", "--tag", "team=x")
    assert made["created"] is True
    assert values(made) == {"owner": "risk", "description": "Who leaves",
                            "displayName": "Churn", "tags.team": "x"}
    err = mreg.run("create", "churn", "--owner", "y", "--json", status=4).error
    assert "mreg edit" in err["hint"]


def test_a_rehearsed_record_is_not_written(mreg):
    would = mreg.json("create", "churn", "--owner", "risk", "--dry-run")
    assert would["dryRun"] and would["created"] and would["event"] is None
    assert mreg.json("create", "churn")["created"]


def test_of_two_records_at_once_one_is_it(mreg):
    runs = [mreg.start("create", "churn", "--owner", who, "--json")
            for who in ("ada", "bob", "eve")]
    results = [harness.finish(run) for run in runs]
    assert sorted(r.status for r in results) == [0, 4, 4]
    owner = mreg.json("edit", "churn", "--tag", "a=1")
    assert values(owner)["owner"] in ("ada", "bob", "eve")
    assert written(mreg) == ["record_written", "metadata_changed"]


# -- edit -----------------------------------------------------------------------


def test_values_are_changed_and_taken_away(mreg, churn):
    mreg.run("create", "churn", "--owner", "risk", "--tag", "team=x")
    done = mreg.json("edit", "churn", "--owner", "growth", "--unset",
                     "tags.team", "--tag", "tier=1")
    assert values(done) == {"owner": "growth", "tags.tier": "1"}
    assert mreg.json("edit", "churn", "--owner", "growth")["changed"] is False
    log = mreg.json("log", "churn", "--kind", "metadata_changed")
    assert [e["says"] for e in log["events"]] == \
        ["owner=growth, tags.tier=1; without tags.team"]


def test_a_version_has_values_of_its_own(mreg, churn):
    done = mreg.json("edit", "churn:v2", "--tag", "reviewed=yes")
    assert done["number"] == 2 and values(done) == {"tags.reviewed": "yes"}
    assert values(mreg.json("edit", "churn", "--owner", "x")) == {"owner": "x"}


def test_a_rehearsed_edit_writes_nothing(mreg, churn):
    would = mreg.json("edit", "churn", "--owner", "x", "-n")
    assert would["dryRun"] is True and would["changed"] is True
    assert mreg.json("log", "churn")["count"] == 2


def test_each_value_tells_who_gave_it_when(mreg, churn):
    mreg.run("edit", "churn", "--owner", "risk", env={"MREG_ACTOR": "ada"})
    done = mreg.json("edit", "churn", "--tag", "a=1",
                     env={"MREG_ACTOR": "bob"})
    assert {v["key"]: v["actor"] for v in done["values"]} == \
        {"owner": "ada", "tags.a": "bob"}
    log = mreg.json("log", "churn")["events"]
    assert done["event"] == log[-1]["digest"]
    assert done["values"][1]["time"] == log[-1]["time"]


def test_only_what_changes_is_written(mreg, churn):
    mreg.run("edit", "churn:v1", "--tag", "a=1", "--tag", "b=1")
    done = mreg.json("edit", "churn:v1", "--tag", "a=1", "--tag", "b=2",
                     "--unset", "tags.c")
    event = mreg.json("log", "churn")["events"][-1]["event"]
    assert event["set"] == {"tags.b": "2"} and "unset" not in event
    assert values(done) == {"tags.a": "1", "tags.b": "2"}
    again = mreg.json("edit", "churn:v1", "--tag", "b=2")
    assert (again["changed"], again["event"]) == (False, None)
    assert "unchanged: churn:v1" in \
        mreg.run("edit", "churn:v1", "--tag", "b=2").stdout


def test_of_one_key_the_last_counts_and_set_wins_over_unset(mreg, churn):
    mreg.run("edit", "churn", "--tag", "a=0", "--owner", "risk")
    done = mreg.json("edit", "churn", "--tag", "a=1", "--tag", "a=2",
                     "--unset", "tags.a", "--unset", "owner", "--unset",
                     "owner")
    assert values(done) == {"tags.a": "2"}
    event = mreg.json("log", "churn")["events"][-1]["event"]
    assert event["unset"] == ["owner"]


def test_an_alias_names_the_version_that_it_has_now(mreg, churn):
    mreg.run("alias", "set", "churn:v1", "production")
    done = mreg.json("edit", "churn:production", "--description", "in use")
    assert done["number"] == 1
    mreg.run("alias", "set", "churn:v2", "production")
    assert "description" not in \
        mreg.json("inspect", "churn:production")["metadata"]
    assert mreg.json("inspect", "churn:v1")["metadata"]["description"] == \
        "in use"


def test_a_description_has_lines_and_a_tag_may_be_empty(mreg, churn):
    done = mreg.json("edit", "churn:v1", "--description", "one\ntwo", "--tag",
                     "flag=", "--tag", "eq=a=b")
    assert values(done) == {"description": "one\ntwo", "tags.flag": "",
                            "tags.eq": "a=b"}
    out = mreg.run("edit", "churn:v1", "--tag", "flag=").stdout
    assert "\ntwo" not in out


def test_two_who_edit_at_once_do_not_disturb_each_other(mreg, churn):
    runs = [mreg.start("edit", "churn", "--tag", f"k{i}={i}", "--owner",
                       f"o{i}") for i in range(6)]
    for run in runs:
        assert harness.finish(run).status == 0
    now = values(mreg.json("edit", "churn", "--tag", "last=1"))
    assert {k: v for k, v in now.items() if k.startswith("tags.k")} == \
        {f"tags.k{i}": str(i) for i in range(6)}
    assert now["owner"] in {f"o{i}" for i in range(6)}
    mreg.run("log", "churn", "--verify")


def test_a_long_value_is_kept_whole(mreg, churn):
    mreg.run("edit", "churn:v1", "--description", LONG)
    assert mreg.json("inspect", "churn:v1")["metadata"]["description"] == LONG


def test_what_no_event_can_hold_is_a_document(mreg, churn):
    """64 KiB in one value; and in many."""
    err = mreg.fails(2, "edit", "churn:v1", "--description", "x" * (64 << 10))
    assert "longer than 4096 bytes" in err["message"]
    assert "mreg attach" in err["hint"]
    many = [w for i in range(17) for w in ("--tag", f"k{i}={LONG[:4000]}")]
    err = mreg.fails(1, "edit", "churn:v1", *many)
    assert err["code"] == "limit"
    assert written(mreg) == []


@pytest.mark.parametrize("words, says", [
    (("--tag", "novalue"), "no value"),
    (("--tag", "=x"), "name"),
    (("--tag", "a b=x"), "'a b' is no name for a tag"),
    (("--tag", "a\nb=x"), "name"),
    (("--tag", "é=x"), "name"),
    (("--tag", "k" * 200 + "=x"), "name"),
    (("--owner", "a\nb"), "control character"),
    (("--owner", ""), "'owner' is empty"),
    (("--description", "\x1b[2J"), "control character"),
    (("--unset", "license"), "nothing that can be taken away"),
    (("--unset", "tags."), "nothing that can be taken away"),
    (("--display-name", "Nice"), "of a whole model"),
])
def test_what_a_manifest_could_not_say_is_refused(mreg, churn, words, says):
    assert says in mreg.fails(2, "edit", "churn:v1", *words)["message"]
    assert written(mreg) == []


def test_the_way_to_empty_a_value_is_told(mreg, churn):
    assert "--unset owner" in mreg.fails(2, "edit", "churn", "--owner",
                                         "")["hint"]


@pytest.mark.parametrize("words, status", [
    (("edit", "nobody", "--owner", "x"), 3),
    (("edit", "churn:v9", "--owner", "x"), 3),
    (("edit", "churn:nope", "--owner", "x"), 3),
    (("create", "churn:v1"), 2), (("create", "Not a name"), 2),
    (("edit",), 2),
])
def test_what_is_not_there_cannot_be_edited(mreg, churn, words, status):
    mreg.run(*words, status=status)
    assert written(mreg) == []


def test_a_copy_brings_what_was_told(mreg, churn, tmp_path):
    mreg.run("create", "churn", "--owner", "risk")
    mreg.run("edit", "churn:v1", "--description", "better")
    there = f"oci:{tmp_path}/there//churn"
    mreg.run("copy", "churn", there)
    full = mreg.json("inspect", f"{there}:v1")
    assert full["metadata"]["description"] == "better"
    assert full["owner"] == "risk"
