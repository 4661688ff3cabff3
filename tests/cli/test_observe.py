"""test_observe.py - what monitoring saw, the retraining that is due because of
it, and the version that is made because of that."""
import json

import harness
import jsonschema
import pytest

SCHEMA = json.loads((harness.ROOT / "spec/schemas/observe.schema.json")
                    .read_text())
POLICY = """\
policy: 1
observe: ["drift > 0.2 for 3 windows", "auc < 0.7 for 2 windows in prod"]
"""


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 and v2 with a policy; digests by number."""
    digests = {n: mreg.json("push", harness.small_model(tmp_path / f"m{n}", n),
                            "churn")["digest"] for n in (1, 2)}
    path = harness.write(tmp_path / "policy.yaml", POLICY)
    mreg.run("policy", "set", "churn", path)
    return digests


def observe(mreg, *words, ref="churn:v1", **kwargs):
    result = mreg.json("observe", ref, *words, **kwargs)
    jsonschema.validate(result, SCHEMA)
    return result


def says(mreg, kind):
    return [e["says"] for e in mreg.json("log", "churn", "--kind",
                                         kind)["events"]]


def lines(*objects):
    return "".join(json.dumps(o) + "\n" for o in objects)


def drift(*values):
    return lines(*({"metric": "drift", "value": v, "window": f"w{i}"}
                   for i, v in enumerate(values)))


# -- values ---------------------------------------------------------------------


def test_a_value_is_kept_as_it_is_written(mreg, churn):
    got = observe(mreg, "--metric", "drift=0.310", "--metric", "auc=9.0e-1",
                  "--window", "2026-W47", "--baseline", "0.10", "--env", "prod",
                  "--at", "2026-11-22T10:00:00+01:00")
    assert got["digest"] == churn[1] and got["number"] == 1
    assert [(o["metric"], o["value"]) for o in got["observations"]] == [
        ("drift", "0.310"), ("auc", "9.0e-1")]
    event = mreg.json("log", "churn", "--kind", "observed")["events"][0]
    assert event["digest"] == got["observations"][0]["event"]
    assert {k: event["event"][k] for k in (
        "metric", "value", "window", "baseline", "environment", "observedAt",
        "version")} == {
            "metric": "drift", "value": "0.310", "window": "2026-W47",
            "baseline": "0.10", "environment": "prod",
            "observedAt": "2026-11-22T09:00:00Z", "version": churn[1]}
    assert says(mreg, "observed")[0] == \
        "v1: drift 0.310, baseline 0.10, window 2026-W47, in prod"


def test_lines_of_json_from_a_file_and_from_standard_input(mreg, churn,
                                                           tmp_path):
    text = ('{"metric": "drift", "value": 0.10}\n\n'
            '{"metric": "auc", "value": "0.9", "environment": "stage", '
            '"baseline": 0.95, "observedAt": "2026-11-01T00:00:00Z"}\n'
            '{"metric": "loss", "value": 12345678901234567890.5, '
            '"window": null}')
    path = harness.write(tmp_path / "seen.jsonl", text)
    first = observe(mreg, "--from", path, "--env", "prod")["observations"]
    assert [(o["metric"], o["value"], o["environment"]) for o in first] == [
        ("drift", "0.10", "prod"), ("auc", "0.9", "stage"),
        ("loss", "12345678901234567890.5", "prod")]
    assert first[1]["observedAt"] == "2026-11-01T00:00:00Z"
    assert first[1]["baseline"] == "0.95"
    again = observe(mreg, "--from", "-", input=text)["observations"]
    assert [o["value"] for o in again] == [o["value"] for o in first]
    assert mreg.json("log", "churn", "--verify")["verified"] is True


@pytest.mark.parametrize("line, names", [
    ("{", "line 2"), ("[1]", "no JSON object"), ('"drift"', "line 2"),
    ('{"metric": "drift"}', "'value' is missing"),
    ('{"value": 1}', "'metric' is missing"),
    ('{"metrik": "drift", "value": 1}', "'metrik'"),
    ('{"metric": "drift", "value": "high"}', "no finite decimal"),
    ('{"metric": "drift", "value": 1e999}', "1e999"),
    ('{"metric": "drift", "value": [1]}', "no text or number"),
    ('{"metric": "a b", "value": 1}', "'a b'"),
    ('{"metric": "d", "value": 1, "observedAt": "soon"}', "'soon'"),
    ('{"metric": "d", "value": 1, "window": ""}', "'window'"),
    ('{"metric": "d", "value": 1, "value": 2}', "line 2"),
])
def test_one_wrong_line_and_nothing_is_written(mreg, churn, line, names):
    err = mreg.fails(1, "observe", "churn:v1", "--from", "-",
                     input='{"metric": "drift", "value": 1}\n' + line + "\n")
    assert "line 2" in err["message"] and names in err["message"]
    assert says(mreg, "observed") == []


@pytest.mark.parametrize("words, names", [
    ((), "nothing was observed"), (("--metric", "drift"), "'drift'"),
    (("--metric", "drift=high"), "'high'"), (("--metric", "=1"), "metric"),
    (("--metric", "d=1", "--baseline", "x"), "baseline"),
    (("--metric", "d=1", "--at", "soon"), "soon"),
    (("--metric", "d=1", "--env", "a\nb"), "environment"),
])
def test_what_makes_no_sense_is_refused(mreg, churn, words, names):
    assert names in mreg.fails(2, "observe", "churn:v1", *words)["message"]


def test_a_version_that_is_not_there(mreg, churn):
    mreg.fails(3, "observe", "churn:v9", "--metric", "d=1")
    mreg.fails(3, "observe", "nobody:v1", "--metric", "d=1")
    assert mreg.json("ls")["models"] == ["churn"]


def test_a_rehearsal_tells_what_would_follow(mreg, churn):
    observe(mreg, "--from", "-", input=drift(0.3, 0.3))
    before = mreg.json("log", "churn")["count"]
    got = observe(mreg, "--metric", "drift=0.3", "--window", "w9", "-n")
    assert got["dryRun"] is True and got["observations"][0]["event"] is None
    due, = got["retrainDue"]
    assert due["saidNow"] is True and due["event"] is None
    assert mreg.json("log", "churn")["count"] == before


# -- what is due ----------------------------------------------------------------


def test_a_rule_that_holds_is_said_once(mreg, churn):
    assert observe(mreg, "--from", "-",
                   input=drift(0.21, 0.3))["retrainDue"] == []
    third = observe(mreg, "--metric", "drift=0.25", "--window", "w3")
    due, = third["retrainDue"]
    assert due["rule"] == "drift > 0.2 for 3 windows" and due["saidNow"]
    seen = [e["digest"] for e in mreg.json("log", "churn", "--kind",
                                           "observed")["events"]]
    assert due["observations"] == seen
    event = mreg.json("log", "churn", "--kind", "retrain_due")["events"][0]
    assert event["digest"] == due["event"]
    assert event["event"]["observations"] == seen
    assert event["event"]["policy"] == \
        mreg.json("policy", "show", "churn")["sources"][0]["digest"]
    fourth = observe(mreg, "--metric", "drift=0.4", "--window", "w4")
    again, = fourth["retrainDue"]
    assert again["event"] == due["event"] and again["saidNow"] is False
    assert says(mreg, "retrain_due") == ["v1, drift > 0.2 for 3 windows"]


def test_people_are_told_how_to_go_on(mreg, churn):
    out = mreg.run("observe", "churn:v1", "--from", "-",
                   input=drift(0.3, 0.3, 0.3)).stdout
    event = mreg.json("log", "churn", "--kind",
                      "retrain_due")["events"][0]["digest"]
    assert "retrain due: drift > 0.2 for 3 windows\n" in out
    assert f"mreg push DIR churn --because {event}\n" in out
    again = mreg.run("observe", "churn:v1", "--metric", "drift=1").stdout
    assert "(said before)" in again and "--because" not in again


def test_a_second_value_of_a_window_takes_the_place_of_the_first(mreg, churn):
    text = drift(0.3, 0.3)
    observe(mreg, "--from", "-", input=text)
    assert observe(mreg, "--from", "-", input=text)["retrainDue"] == []
    assert observe(mreg, "--metric", "drift=0.3", "--window",
                   "w2")["retrainDue"]


def test_another_version_or_environment_begins_anew(mreg, churn):
    for env in ("prod", "stage", "prod"):
        got = observe(mreg, "--metric", "auc=0.6", "--env", env)
    assert [d["environment"] for d in got["retrainDue"]] == ["prod"]
    assert observe(mreg, "--metric", "auc=0.6", "--env", "prod",
                   ref="churn:v2")["retrainDue"] == []
    assert observe(mreg, "--metric", "auc=0.6", "--env",
                   "stage")["retrainDue"][0]["saidNow"] is False


def test_without_a_policy_nothing_is_due(mreg, churn):
    mreg.run("policy", "set", "churn", "--none")
    assert observe(mreg, "--from", "-",
                   input=drift(1, 1, 1, 1))["retrainDue"] == []


# -- because --------------------------------------------------------------------


@pytest.fixture
def due(mreg, churn):
    got = observe(mreg, "--from", "-", input=drift(0.3, 0.3, 0.3))
    return got["retrainDue"][0]["event"]


@pytest.mark.parametrize("cut", [
    lambda d: d, lambda d: d[:len("sha256:") + 8],
    lambda d: d[len("sha256:"):][:12],
])
def test_a_version_names_the_event_that_asked_for_it(mreg, due, tmp_path, cut):
    folder = harness.small_model(tmp_path / "m3", 3)
    mreg.run("push", folder, "churn", "--because", cut(due))
    fields = mreg.json("inspect", "churn:v3")["metadata"]
    assert fields["because"] == due
    event = mreg.json("log", "churn", "--kind",
                      "version_registered")["events"][-1]
    assert event["event"]["because"] == due
    assert event["says"] == f"v3, because of {due[:19]}"


def test_it_is_the_same_version_however_the_event_is_written(mreg, due,
                                                             tmp_path):
    folder = harness.small_model(tmp_path / "m3", 3)
    mreg.run("push", folder, "churn", "--because", due)
    assert mreg.json("push", folder, "churn", "--because",
                     due[7:20])["identical"] is True
    assert mreg.json("push", folder, "churn", env={
        "MREG_BECAUSE": due[7:20]})["identical"] is True


def test_an_event_that_is_not_in_the_log_is_refused(mreg, due, tmp_path):
    folder = harness.small_model(tmp_path / "m3", 3)
    for ref in ("churn", "another"):
        err = mreg.fails(3, "push", folder, ref, "--because", "0" * 12)
        assert "no event" in err["message"]
    mreg.fails(2, "push", folder, "churn", "--because", due[7:14])
    path = harness.write(tmp_path / "m.json", json.dumps(
        {"because": "sha256:" + "0" * 64}))
    mreg.fails(3, "push", folder, "churn", "--metadata", path)
    assert mreg.json("ls")["models"] == ["churn"]
    assert len(mreg.json("ls", "churn")["versions"]) == 2
