"""test_stage.py - how far a version came: its stage, what else the log says of
it, and values given after the fact."""

import datetime
import json

import harness
import jsonschema
import pytest


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v3; digests by number."""
    digests = {}
    for number in (1, 2, 3):
        folder = harness.small_model(tmp_path / f"m{number}", number)
        digests[number] = mreg.json(
            "push", folder, "churn", "--description", f"number {number}",
            "--tag", "team=x", "--run-id", f"run-{number}")["digest"]
    return digests


def listed(mreg, *words):
    return {row["version"]: row
            for row in mreg.json("ls", "churn", *words)["versions"]}


def stages(mreg, *words):
    """By `ls`; `inspect` says the same of each."""
    found = {v: row["stage"] for v, row in listed(mreg, *words).items()}
    for version, stage in found.items():
        assert mreg.json("inspect", f"churn:{version}")["stage"] == stage
    return found


def rewrite(store, change):
    path = store / "churn/index.json"
    index = json.loads(path.read_text())
    index["manifests"] = change(index["manifests"])
    path.write_text(json.dumps(index))


def tag_of(entry):
    return entry.get("annotations", {}).get(
        "org.opencontainers.image.ref.name", "")


# -- the stage ------------------------------------------------------------------


def test_a_version_is_an_experiment_until_a_stage_points_at_it(mreg, churn):
    assert stages(mreg) == {"v1": "experimental", "v2": "experimental",
                            "v3": "experimental"}
    mreg.run("alias", "set", "churn:v1", "production")
    mreg.run("alias", "set", "churn:v2", "staging")
    mreg.run("alias", "set", "churn:v3", "mine")
    assert stages(mreg) == {"v1": "production", "v2": "staging",
                            "v3": "experimental"}


def test_the_furthest_stage_counts(mreg, churn):
    mreg.run("alias", "set", "churn:v2", "production")
    mreg.run("alias", "set", "churn:v2", "staging")
    assert stages(mreg)["v2"] == "production"
    mreg.run("rollback", "churn:production", status=3)
    mreg.run("alias", "rm", "churn:production")
    assert stages(mreg)["v2"] == "staging"


def test_the_policy_says_which_aliases_are_stages(mreg, churn, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy: 1\nstages: [mine, live]\n")
    mreg.run("alias", "set", "churn:v1", "live")
    mreg.run("alias", "set", "churn:v1", "mine")
    mreg.run("alias", "set", "churn:v2", "production")
    assert stages(mreg)["v1"] == "experimental"
    mreg.run("policy", "set", "churn", policy)
    assert stages(mreg) == {"v1": "live", "v2": "experimental",
                            "v3": "experimental"}


def test_a_policy_that_cannot_be_read_is_told(mreg, churn, tmp_path, store):
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy: 1\n")
    mreg.run("policy", "set", "churn", policy)
    mreg.run("alias", "set", "churn:v1", "production")
    for entry in json.loads((store / "churn/index.json").read_text())[
            "manifests"]:
        if tag_of(entry).startswith("mreg.policy."):
            path = store / "churn/blobs" / entry["digest"].replace(":", "/")
            layer = json.loads(path.read_text())["layers"][0]["digest"]
            (store / "churn/blobs" / layer.replace(":", "/")).unlink()
    done = mreg.run("ls", "churn", "--json")
    assert "stages are those of no policy" in done.stderr
    assert done.json["versions"][2]["stage"] == "production"


def test_where_tag_and_log_differ_the_tag_counts(mreg, churn, store):
    mreg.run("alias", "set", "churn:v1", "production")
    rewrite(store, lambda manifests: [
        dict(m, digest=churn[2]) if tag_of(m) == "production" else m
        for m in manifests])
    row, = mreg.json("alias", "ls", "churn")["aliases"][1:]
    assert (row["number"], row["differs"]) == (2, "foreign")
    assert stages(mreg)["v1"] == "experimental"
    assert stages(mreg)["v2"] == "production"


def test_what_is_archived_is_nothing_else(mreg, churn):
    mreg.run("archive", "churn:v1")
    assert stages(mreg, "--archived")["v1"] == "archived"
    mreg.run("restore", "churn:v1")
    assert stages(mreg)["v1"] == "experimental"


def test_people_see_it_too(mreg, churn):
    mreg.run("alias", "set", "churn:v2", "production")
    head, *rows = mreg.run("ls", "churn").stdout.splitlines()
    assert head.split()[:3] == ["VERSION", "STAGE", "PUSHED"]
    assert [row.split()[:2] for row in rows] == [
        ["v3", "experimental"], ["v2", "production"], ["v1", "experimental"]]
    out = mreg.run("inspect", "churn:v2").stdout
    assert ["stage", "production"] in [line.split()
                                       for line in out.splitlines()]


def test_what_is_no_version_has_no_stage(mreg, churn, tmp_path):
    (tmp_path / "note.txt").write_text("well")
    doc = mreg.json("attach", "churn:v1", tmp_path / "note.txt", "--type",
                    "text/plain")["digest"]
    assert mreg.json("inspect", f"churn@{doc}")["stage"] is None
    assert mreg.json("inspect", f"churn@{churn[1]}")["stage"] == "experimental"


# -- what is hidden -------------------------------------------------------------


def test_archived_versions_are_out_of_sight(mreg, churn):
    mreg.run("archive", "churn:v1")
    mreg.run("archive", "churn:v2")
    shown = mreg.json("ls", "churn")
    assert [r["version"] for r in shown["versions"]] == ["v3"]
    assert shown["hidden"] == 2
    every = mreg.json("ls", "churn", "--archived")
    assert [r["version"] for r in every["versions"]] == ["v3", "v2", "v1"]
    assert every["hidden"] == 0
    told = mreg.run("ls", "churn")
    assert "v2" not in told.stdout
    assert "2 archived versions are not shown: --archived" in told.stderr
    assert mreg.run("ls", "churn", "--quiet").stderr == ""
    lines = mreg.run("ls", "churn", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["v3"]


def test_when_all_are_archived_that_is_told(mreg, churn):
    for number in churn:
        mreg.run("archive", f"churn:v{number}")
    told = mreg.run("ls", "churn")
    assert told.stdout == "" and "3 archived versions" in told.stderr
    assert "no versions" not in told.stderr
    # `latest` has nowhere to go.
    assert mreg.json("inspect", "churn")["stage"] == "archived"


def test_what_ls_prints_fits_its_schema(mreg, churn):
    """And has no member that the schema does not tell of."""
    mreg.run("deprecate", "churn:v1", "--successor", churn[2])
    mreg.run("deprecate", "churn:v2", "--until", "2027-01-31")
    mreg.run("archive", "churn:v1")
    rules = json.loads((harness.ROOT /
                        "spec/schemas/versions.schema.json").read_text())
    for more in [], ["--archived"]:
        result = mreg.json("ls", "churn", *more)
        jsonschema.Draft7Validator(rules).validate(result)
        assert set(result) == set(rules["properties"])
        for row in result["versions"]:
            assert set(row) == \
                set(rules["definitions"]["version"]["properties"])


# -- when and by whom -----------------------------------------------------------


def test_when_it_was_made_comes_from_the_log(mreg, churn):
    event = mreg.json("log", "churn")["events"][1]
    assert event["number"] == 2
    row = listed(mreg)["v2"]
    full = mreg.json("inspect", "churn:v2", env={"MREG_ACTOR": "other"})
    assert row["created"] == full["created"] == event["time"]
    assert full["actor"] == row["actor"] == event["actor"]
    assert full["actorSource"] == event["actorSource"]


def test_what_another_tool_tagged_has_no_date(mreg, churn, store):
    """v7 without an event: adopted, without a date."""
    def change(manifests):
        one = next(m for m in manifests if tag_of(m) == "v1")
        return [m for m in manifests if not tag_of(m).startswith("mreg.") and
                tag_of(m) != "v1"] + [dict(one, annotations={
                    "org.opencontainers.image.ref.name": "v7"})]

    rewrite(store, change)
    row = listed(mreg)["v7"]
    assert (row["created"], row["actor"]) == (None, "")
    assert row["digest"] == churn[1] and row["stage"] == "experimental"
    full = mreg.json("inspect", "churn:v7")
    assert (full["number"], full["created"], full["actorSource"]) == \
        (7, None, None)
    cells = mreg.run("ls", "churn").stdout.splitlines()[1].split()
    assert cells[:4] == ["v7", "experimental", "-", "-"]


def test_releases_are_those_names_that_never_move(mreg, churn):
    mreg.run("release", "churn:v3", "1.0.0")
    mreg.run("alias", "set", "churn:v3", "staging")
    full = mreg.json("inspect", "churn:v3")
    assert full["releases"] == ["1.0.0"]
    assert full["tags"] == ["1.0.0", "latest", "staging"]


# -- values given after the fact ------------------------------------------------


def test_a_value_given_later_counts_and_the_old_one_is_shown(mreg, churn):
    mreg.run("edit", "churn:v2", "--description", "better", "--tag", "team=y",
             "--tag", "tier=1", env={"MREG_ACTOR": "ada"})
    full = mreg.json("inspect", "churn:v2")
    assert full["metadata"]["description"] == "better"
    assert full["labels"] == {"team": "y", "tier": "1"}
    assert [(e["key"], e["value"], e["was"], e["actor"])
            for e in full["edited"]] == [
        ("description", "better", "number 2", "ada"),
        ("tags.team", "y", "x", "ada"), ("tags.tier", "1", None, "ada")]
    # No other version has them, and the manifest is as it was.
    assert mreg.json("inspect", "churn:v1")["edited"] == []
    raw = json.loads(mreg.run("inspect", "churn:v2", "--raw").stdout)
    assert raw["annotations"]["org.mreg.tag.team"] == "x"
    out = mreg.run("inspect", "churn:v2").stdout
    day = full["edited"][0]["time"][:10]
    assert f"better (edited by ada on {day})" in out
    assert f"team = y (edited by ada on {day})" in out


def test_a_value_taken_back_is_the_manifests_again(mreg, churn):
    mreg.run("edit", "churn:v2", "--tag", "team=y", "--description", "better")
    mreg.run("edit", "churn:v2", "--unset", "tags.team", "--unset",
             "description")
    full = mreg.json("inspect", "churn:v2")
    assert full["metadata"]["description"] == "number 2"
    assert full["labels"] == {"team": "x"} and full["edited"] == []


def test_the_models_record_is_told_with_each_version(mreg, churn):
    mreg.run("create", "churn", "--owner", "risk", "--tag", "tier=1")
    mreg.run("edit", "churn:v1", "--owner", "growth")
    one, two = (mreg.json("inspect", f"churn:v{n}") for n in (1, 2))
    assert (one["owner"], two["owner"]) == ("growth", "risk")
    assert one["record"] == two["record"] == {"owner": "risk", "tags.tier": "1"}
    # What is said of the model is no label of a version.
    assert two["labels"] == {"team": "x"} and two["edited"] == []
    assert "owner          risk" in mreg.run("inspect", "churn:v2").stdout


# -- what is warned of ----------------------------------------------------------


def test_a_deprecated_version_is_marked(mreg, churn):
    mreg.run("deprecate", "churn:v1", "--until", "2027-01-31", "--successor",
             "v3", "--reason", "worse", env={"MREG_ACTOR": "ada"})
    said = listed(mreg)["v1"]["deprecated"]
    assert said == mreg.json("inspect", "churn:v1")["deprecated"]
    assert (said["until"], said["reason"], said["actor"]) == \
        ("2027-01-31T23:59:59Z", "worse", "ada")
    assert said["successor"] == {"digest": churn[3], "number": 3,
                                 "version": "v3"}
    assert listed(mreg)["v2"]["deprecated"] is None
    assert "(DEPRECATED)" in mreg.run("ls", "churn").stdout.splitlines()[3]
    lines = mreg.run("inspect", "churn:v1").stdout.splitlines()
    assert "deprecated     until 2027-01-31, use v3: worse" in lines


def test_a_pull_warns_and_pulls(mreg, churn, tmp_path):
    mreg.run("deprecate", "churn:v1", "--until", "2027-01-31", "--successor",
             "v3", "--reason", "worse")
    done = mreg.run("pull", "churn:v1", "-o", tmp_path / "out", "--json")
    assert "warning: churn:v1 is deprecated until 2027-01-31, use v3: worse" \
        in done.stderr
    assert done.json["deprecated"]["successor"]["version"] == "v3"
    assert done.json["archived"] is False
    # Also when everything is there already, and when nothing is written.
    again = mreg.run("pull", "churn:v1", "-o", tmp_path / "out")
    assert "is deprecated" in again.stderr
    assert "is deprecated" in mreg.run("pull", "churn:v1", "-n").stderr
    assert mreg.run("pull", "churn:v2", "-o", tmp_path / "out").stderr == ""


def test_a_pull_of_what_is_archived_says_so(mreg, churn, tmp_path):
    mreg.run("archive", "churn:v1", "--reason", "withdrawn")
    done = mreg.run("pull", "churn:v1", "-o", tmp_path / "out", "--json")
    assert "warning: churn:v1 was archived: withdrawn" in done.stderr
    assert done.json["archived"] is True and done.json["deprecated"] is None


def test_what_is_named_by_its_digest_is_taken_as_it_is(mreg, churn, tmp_path):
    mreg.run("deprecate", "churn:v1")
    mreg.run("archive", "churn:v1")
    done = mreg.run("pull", f"churn@{churn[1]}", "-o", tmp_path / "out",
                    "--json")
    assert "warning" not in done.stderr
    assert done.json["deprecated"] is None and done.json["archived"] is False


def test_a_reason_cannot_forge_a_line(mreg, churn, tmp_path):
    mreg.run("deprecate", "churn:v1", "--reason", "bad\nerror: all is lost")
    told = mreg.run("pull", "churn:v1", "-o", tmp_path / "out").stderr
    assert [line for line in told.splitlines()
            if line.startswith("error")] == []
    assert mreg.json("inspect", "churn:v1")["deprecated"]["reason"] == \
        "bad\nerror: all is lost"


# -- reviews --------------------------------------------------------------------


def due(mreg, version, **kw):
    r = mreg.json("inspect", f"churn:{version}", **kw)
    return r["reviewDue"] and r["reviewDue"][:10], r["reviewOver"]


def month_after(time):
    day = datetime.date.fromisoformat(time[:10])
    return (day + datetime.timedelta(days=30)).isoformat()


def test_a_review_is_due_after_the_last_one(mreg, churn, tmp_path, later):
    rules = tmp_path / "policy.yaml"
    rules.write_text("policy: 1\nreview: 30d\n")
    mreg.run("policy", "set", "churn", rules)
    assert due(mreg, "v2") == (None, False) # nobody uses it
    mreg.run("alias", "set", "churn:v2", "production")
    first = month_after(mreg.json("inspect", "churn:v2")["created"])
    assert due(mreg, "v2") == (first, False)
    assert due(mreg, "v2", env=later(31 * 24)) == (first, True)
    mreg.run("edit", "churn:v2", "--tag", "reviewed=2099-01-01")
    assert due(mreg, "v2", env=later(31 * 24))[0] == "2099-01-31"
    text = mreg.run("inspect", "churn:v2").stdout
    assert "review due     2099-01-31\n" in text
    mreg.run("edit", "churn:v2", "--tag", "reviewed=yes")
    said = month_after(mreg.json("log", "churn")["events"][-1]["time"])
    assert due(mreg, "v2") == (said, False) # "yes" is no day
    over = mreg.run("inspect", "churn:v2", env=later(32 * 24)).stdout
    assert f"review due     {said}, over\n" in over
