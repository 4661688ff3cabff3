"""test_incident.py - what went wrong with a model, and what is over."""
import json

import harness
import jsonschema
import pytest

SCHEMA = json.loads((harness.ROOT / "spec/schemas/incidents.schema.json")
                    .read_text())


def incident(mreg, *words):
    result = mreg.json("incident", *words)
    jsonschema.validate(result, SCHEMA)
    return result


def listed(mreg, *words):
    result = mreg.json("incidents", *words)
    jsonschema.validate(result, SCHEMA)
    return result["incidents"]


@pytest.fixture
def zero(mreg, pushed):
    """An open incident of churn:v1."""
    return incident(mreg, "churn:v1", "--title", "scores all zero",
                    "--severity", "high", "--url", "https://example.com/7",
                    "--env", "prod")["incidents"][0]["event"]


def test_an_incident_is_open_until_it_is_closed(mreg, pushed, zero):
    row, = listed(mreg, "churn")
    assert (row["event"], row["digest"], row["number"]) == (zero, pushed, 1)
    assert (row["title"], row["severity"], row["url"], row["environment"]) == (
        "scores all zero", "high", "https://example.com/7", "prod")
    assert row["closed"] is None
    closed = incident(mreg, "churn", "--close", zero[7:15], "--reason",
                      "rolled back")
    assert closed["changed"] is True
    end = closed["incidents"][0]["closed"]
    assert end["reason"] == "rolled back" and end["event"]
    assert listed(mreg, "churn") == []
    assert listed(mreg, "churn", "--all")[0]["closed"] == end
    says = [e["says"] for e in mreg.json("log", "churn", "--kind",
                                         "incident")["events"]]
    assert says == ["scores all zero, high, v1, in prod, "
                    "https://example.com/7",
                    "over: scores all zero, v1: rolled back"]


def test_closing_it_twice_changes_nothing(mreg, zero):
    incident(mreg, "churn", "--close", zero)
    again = incident(mreg, "churn", "--close", zero)
    assert again["changed"] is False and again["incidents"][0]["closed"]
    assert len(mreg.json("log", "churn", "--kind",
                         "incident")["events"]) == 2


def test_one_of_the_model_is_about_no_version(mreg, pushed, zero):
    whole = incident(mreg, "churn", "--title", "late features")
    assert whole["incidents"][0]["digest"] is None
    assert [r["title"] for r in listed(mreg, "churn")] == [
        "scores all zero", "late features"]
    assert [r["title"] for r in listed(mreg, "churn:v1")] == [
        "scores all zero"]


def test_people_see_a_table_or_that_there_is_none(mreg, pushed):
    r = mreg.run("incidents", "churn")
    assert r.stdout == "" and "no open incident" in r.stderr
    mreg.run("incident", "churn:v1", "--title", "a\x1b[31mb", status=2)
    out = mreg.run("incident", "churn:v1", "--title", "slow").stdout
    assert out.startswith("incident: slow, churn:v1 sha256:")
    table = mreg.run("incidents", "churn").stdout.splitlines()
    assert table[0].split()[-1] == "TITLE" and "open" in table[1]
    lines = mreg.run("incidents", "churn", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["slow"]


def test_a_rehearsal_writes_nothing(mreg, pushed, zero):
    would = incident(mreg, "churn", "--title", "x", "-n")
    assert would["dryRun"] is True and would["changed"] is True
    assert would["incidents"][0]["event"] is None
    ends = incident(mreg, "churn", "--close", zero, "-n")
    assert ends["incidents"][0]["closed"]["event"] is None
    assert [r["event"] for r in listed(mreg, "churn")] == [zero]


@pytest.mark.parametrize("words, status", [
    (("churn",), 2), (("churn", "--title", ""), 2),
    (("churn", "--title", "x", "--close", "12345678"), 2),
    (("churn", "--close", "1234"), 2), (("churn", "--close", "12345678"), 3),
    (("churn:v9", "--title", "x"), 3), (("nobody", "--title", "x"), 3),
])
def test_what_makes_no_sense_is_refused(mreg, pushed, words, status):
    mreg.fails(status, "incident", *words)
    assert mreg.json("ls")["models"] == ["churn"]


def test_only_an_incident_can_be_closed(mreg, pushed):
    head = mreg.json("log", "churn")["events"][0]["digest"]
    err = mreg.fails(3, "incident", "churn", "--close", head)
    assert "no incident" in err["message"]


def test_a_version_can_be_made_because_of_one(mreg, zero, tmp_path):
    mreg.run("push", harness.small_model(tmp_path / "m2", 2), "churn",
             "--because", zero)
    assert mreg.json("inspect", "churn:v2")["metadata"]["because"] == zero
