"""test_evaluate.py - evaluations: the document, its order in time, and what is
refused."""
import json
import pathlib

import jsonschema
import pytest

from test_attach import blob, entries, strict  # noqa: F401

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
TYPE = "application/vnd.mreg.evaluation.v1+json"
OCI = "org.opencontainers.image."
DIGEST = "sha256:" + "ab" * 32


def document_schema():
    schema = json.loads((SPEC / "evaluation.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def documents(mreg, blob, ref="churn"):
    """Manifests of the evaluations, by their time."""
    rows = [json.loads(blob(row["digest"]))
            for row in mreg.json("inspect", ref)["attached"]
            if row["kind"] == "evaluation"]
    return sorted(rows, key=lambda m: m["annotations"][OCI + "created"])


def test_the_sample_fits_its_schema():
    text = (SPEC / "samples/evaluation.json").read_text()
    document_schema().validate(json.loads(text))


@pytest.mark.parametrize("change", [
    {"suite": ""}, {"passed": "true"}, {"metrics": None}, {"extra": 1},
    {"metrics": {"a b": 1}}, {"metrics": {"auc": "0.9"}},
    {"segments": {"a": 1}}, {"dataset": "d"}, {"dataset": {"digest": DIGEST}},
    {"schema": "mreg.evaluation/2"},
])
def test_what_is_wrong_does_not_fit(change):
    good = json.loads((SPEC / "samples/evaluation.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        document_schema().validate({**good, **change})


def test_an_evaluation_is_a_document_of_its_own(mreg, pushed, blob, tmp_path):
    (tmp_path / "report.html").write_text("<p>fine</p>")
    result = strict(mreg.json(
        "evaluate", "churn:staging", "--suite", "holdout", "--suite-version",
        "7", "--pass", "--metric", "auc=0.930", "--metric", "loss=1e-3",
        "--dataset", f"data/churn@{DIGEST}", "--segment", "country=DE:auc=0.9",
        "--report", tmp_path / "report.html"), "evaluate")
    assert result["passed"] and result["suite"] == "holdout"
    assert result["metrics"] == {"auc": "0.930", "loss": "1e-3"}
    assert result["datasetDigest"] == DIGEST and result["segmentCount"] == 1
    assert result["segments"] == [{"name": "country=DE",
                                   "metrics": {"auc": "0.9"}}]
    manifest = json.loads(blob(result["digest"]))
    assert manifest["artifactType"] == TYPE
    assert manifest["subject"]["digest"] == pushed
    first, second = manifest["layers"]
    assert first["mediaType"] == TYPE
    assert first["annotations"] == {OCI + "title": "evaluation.json"}
    assert second["mediaType"] == "text/html"
    text = blob(first["digest"]).decode()
    # Byte for byte: numbers as they were written.
    assert text == (
        '{"dataset":{"digest":"' + DIGEST + '","name":"data/churn"},'
        '"metrics":{"auc":0.930,"loss":1e-3},"passed":true,'
        '"schema":"mreg.evaluation/1","segments":{"country=DE":{"auc":0.9}},'
        '"suite":"holdout","suiteVersion":"7"}')
    document_schema().validate(json.loads(text))
    notes = manifest["annotations"]
    assert notes["org.mreg.evaluation.suite"] == "holdout"
    assert notes["org.mreg.evaluation.passed"] == "true"
    assert notes["org.mreg.evaluation.dataset"] == "data/churn"
    assert notes["org.mreg.evaluation.dataset.digest"] == DIGEST
    assert notes["org.mreg.metric.auc"] == "0.930"
    assert notes[OCI + "title"] == "holdout"


def test_segments_are_told(mreg, pushed):
    out = mreg.run("evaluate", "churn", "--suite", "s", "--pass", "--metric",
                   "auc=0.9", "--segment", "b:auc=0.80", "--segment",
                   "a:auc=0.7", "--segment", "a:n=12").stdout
    assert out.splitlines()[2:] == [
        "  auc = 0.9", "  a", "    auc = 0.7", "    n = 12", "  b",
        "    auc = 0.80"]


def test_a_failure_is_recorded_and_is_none_of_the_command(mreg, pushed):
    said = mreg.run("evaluate", "churn", "--suite", "fair", "--fail").stdout
    assert said.startswith("recorded: churn:v1 failed fair\n")
    said = mreg.run("evaluate", "churn", "--suite", "fair", "--fail",
                    "--dataset", "d").stdout
    assert said.startswith("recorded: churn:v1 failed fair on d\n")


def test_the_same_result_again_is_the_same_evaluation(mreg, pushed, blob,
                                                      store):
    words = ["evaluate", "churn", "--suite", "s", "--pass", "-m", "a=1"]
    first = mreg.json(*words)
    before = (store / "churn/index.json").read_bytes()
    again = mreg.json(*words)
    assert again["existed"] and again["digest"] == first["digest"]
    assert (store / "churn/index.json").read_bytes() == before
    other = mreg.json("evaluate", "churn", "--suite", "t", "--pass", "-m",
                      "a=1")
    assert not other["existed"]
    assert len(documents(mreg, blob)) == 2


def test_the_last_run_is_the_verdict(mreg, pushed, blob):
    """Within one second too."""
    for verdict in ("--pass", "--fail", "--pass", "--pass"):
        mreg.run("evaluate", "churn", "--suite", "s", verdict)
    made = documents(mreg, blob)
    assert [m["annotations"]["org.mreg.evaluation.passed"] for m in made] == \
        ["true", "false", "true"]
    times = [m["annotations"][OCI + "created"] for m in made]
    assert len(set(times)) == 3


def test_a_time_that_is_given_is_taken(mreg, pushed, blob):
    words = ["evaluate", "churn", "--suite", "s", "--pass"]
    mreg.run(*words, env={"SOURCE_DATE_EPOCH": "1767225600"})
    mreg.run(*words, "--created", "2026-02-01T00:00:00Z")
    assert [m["annotations"][OCI + "created"]
            for m in documents(mreg, blob)] == [
        "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]


def test_a_fixed_clock_keeps_the_order(mreg, pushed, blob):
    env = {"SOURCE_DATE_EPOCH": "1767225600"}
    for verdict in ("--pass", "--fail", "--fail", "--pass"):
        mreg.run("evaluate", "churn", "--suite", "s", verdict, env=env)
    made = documents(mreg, blob)
    assert [(m["annotations"]["org.mreg.evaluation.passed"],
             m["annotations"][OCI + "created"][-3:]) for m in made] == [
        ("true", "00Z"), ("false", "01Z"), ("true", "02Z")]


def test_two_results_are_not_of_one_time(mreg, pushed):
    words = ["evaluate", "churn", "--suite", "s", "--created",
             "2026-02-01T00:00:00Z"]
    mreg.run(*words, "--fail")
    assert mreg.json(*words, "--fail")["existed"]
    error = mreg.fails(4, *words, "--pass")
    assert error["message"] == ("another evaluation by 's' is of "
                                "2026-02-01T00:00:00Z already")
    assert "give another --created" in error["hint"]
    mreg.run("evaluate", "churn", "--suite", "t", *words[4:], "--pass")


def test_each_set_of_data_has_its_own_last_run(mreg, pushed, blob):
    """Time, and whether it is the same again, are asked of the same data."""
    words = ["evaluate", "churn", "--suite", "s", "--created",
             "2026-02-01T00:00:00Z"]
    data = [[], ["--dataset", "d"], ["--dataset", "d@" + DIGEST],
            ["--dataset", "e"]]
    first = [mreg.json(*words, "--fail", *on) for on in data]
    assert not any(result["existed"] for result in first)
    for on, made in zip(data, first):
        again = mreg.json("evaluate", "churn", "--suite", "s", "--fail", *on,
                          env={"SOURCE_DATE_EPOCH": "1767225600"})
        assert again["existed"] and again["digest"] == made["digest"]
    error = mreg.fails(4, *words, "--pass", "--dataset", "d")
    assert error["message"] == ("another evaluation by 's' on 'd' is of "
                                "2026-02-01T00:00:00Z already")
    # After the last on its own data, which are the oldest of all.
    mreg.run("evaluate", "churn", "--suite", "s", "--pass", "--dataset", "f",
             "--created", "2026-03-01T00:00:00Z")
    late = mreg.json("evaluate", "churn", "--suite", "s", "--pass",
                     "--dataset", "d",
                     env={"SOURCE_DATE_EPOCH": "1767225600"})
    manifest = json.loads(blob(late["digest"]))
    assert manifest["annotations"][OCI + "created"] == "2026-02-01T00:00:01Z"


def test_a_failure_on_other_data_stays(mreg, pushed, tmp_path):
    rules = tmp_path / "p.yaml"
    rules.write_text("policy: 1\nsuites: {fair: {verdict: passed, "
                     "metrics: {auc: '>= 0.8'}}}\n")
    words = ["evaluate", "churn", "--suite", "fair"]
    check = ["policy", "check", "churn", "--policy", rules]
    german = "german@" + DIGEST
    schema = json.loads((SPEC / "policy-facts.schema.json").read_text())
    mreg.run(*words, "--fail", "--dataset", german, "-m", "auc=0.2")
    mreg.run(*words, "--pass", "--dataset", "tiny", "-m", "auc=0.99")
    mreg.run(*words, "--pass", "--dataset", "german", "-m", "auc=0.99")
    found = mreg.run(*check, "--json", status=7).json["findings"]
    assert [f["rule"] for f in found] == [
        "suites.fair.metrics.auc", "suites.fair"]
    assert all("on 'german@sha256:abababababab'" in f["problem"] and
               f"--dataset {german} " in f["mend"] for f in found)
    facts = mreg.json(*check[:3], "--facts")
    jsonschema.Draft7Validator(schema).validate(facts)
    assert {(e["dataset"], e.get("datasetDigest"))
            for e in facts["evaluations"]} == {
        ("german", DIGEST), ("tiny", None), ("german", None)}
    mreg.run(*words, "--pass", "--dataset", german, "-m", "auc=0.8")
    assert mreg.json(*check)["passed"]


def test_a_time_to_come_is_refused(mreg, pushed, store):
    words = ["evaluate", "churn", "--suite", "s", "--pass"]
    before = (store / "churn/index.json").read_bytes()
    error = mreg.fails(2, *words, "--created", "9999-12-31T23:59:59Z")
    assert "which is to come" in error["message"]
    mreg.fails(2, *words, env={"SOURCE_DATE_EPOCH": "253402300799"})
    assert (store / "churn/index.json").read_bytes() == before


@pytest.mark.parametrize("text", [
    '{"suite": "s", "passed": false, "metrics": {"b": 1, "a": 0.50}}',
    "suite: s\npassed: no-matter\n".replace("no-matter", "false") +
    "metrics: {b: 1, a: 0.50}\n",
])
def test_a_file_and_flags_make_one_evaluation(mreg, pushed, blob, tmp_path,
                                              text):
    (tmp_path / "results").write_text(text)
    result = mreg.json("evaluate", "churn", "--from", tmp_path / "results",
                       "--pass", "-m", "b=2.0", "-m", "c=3")
    body = blob(json.loads(blob(result["digest"]))["layers"][0]["digest"])
    assert body.decode() == (
        '{"metrics":{"a":0.50,"b":2.0,"c":3},"passed":true,'
        '"schema":"mreg.evaluation/1","suite":"s"}')


@pytest.mark.parametrize("args, says", [
    (["--pass"], "without suite"),
    (["--suite", "s"], "without verdict"),
    (["--suite", "s", "--pass", "--fail"], "exclude each other"),
    (["--suite", "s", "--pass", "-m", "auc"], "has no value"),
    (["--suite", "s", "--pass", "-m", "auc=high"], "no finite decimal"),
    (["--suite", "s", "--pass", "--segment", "auc=1"], "names no segment"),
    (["--suite", "s", "--pass", "--dataset", "d@sha256:0"], "no digest"),
    (["--suite", "a\nb", "--pass"], "control character"),
    (["--suite", "s", "--pass", "--dataset", "a", "--dataset", "b"],
     "--dataset is given twice"),
    (["--suite", "s", "--pass", "--dataset=a", "--dataset=a"],
     "--dataset is given twice"),
])
def test_what_says_too_little_is_refused(mreg, pushed, store, args, says):
    before = (store / "churn/index.json").read_bytes()
    error = mreg.fails(2, "evaluate", "churn", *args)
    assert says in error["message"]
    assert (store / "churn/index.json").read_bytes() == before


@pytest.mark.parametrize("text, says", [
    ("suite: s\npased: true\n", "unknown key 'pased'"),
    ("suite: s\ndataset: {name: d, digset: x}\n", "unknown key 'digset'"),
    ("[]", "is no evaluation"),
    ("suite: &a s\n", "e.yaml"),
    ('{"suite":"s","metrics":{"auc":"high"}}', "no finite decimal number"),
])
def test_a_file_that_is_wrong_is_named(mreg, pushed, tmp_path, text, says):
    (tmp_path / "e.yaml").write_text(text)
    error = mreg.fails(1, "evaluate", "churn", "--from", tmp_path / "e.yaml",
                       "--pass")
    assert says in error["message"] and "e.yaml" in error["message"]


def test_a_file_that_is_not_there(mreg, pushed, tmp_path):
    error = mreg.fails(3, "evaluate", "churn", "--from", tmp_path / "none",
                       "--pass")
    assert "cannot read evaluation" in error["message"]


def test_a_dry_run_writes_nothing(mreg, pushed, store):
    before = sorted(store.rglob("*"))
    result = mreg.json("evaluate", "churn", "--suite", "s", "--pass", "-n")
    assert result["dryRun"] and sorted(store.rglob("*")) == before


# -- in the log -------------------------------------------------------------------


def test_the_log_tells_once_that_it_was_evaluated(mreg, model):
    mreg.run("push", model, "churn")
    words = ["evaluate", "churn:v1", "--suite", "s", "--fail", "-m", "a=1",
             "--created", "2026-01-02T00:00:00Z"]
    dry = mreg.json(*words, "--dry-run")
    assert dry["event"] is None
    first = mreg.json(*words)
    again = mreg.json(*words)
    assert again["existed"] and again["event"] == first["event"]
    events = [e for e in mreg.json("log", "churn")["events"]
              if e["kind"] == "evaluated"]
    assert [e["digest"] for e in events] == [first["event"]]
    said = events[0]["event"]
    assert (said["suite"], said["passed"]) == ("s", False)
    assert said["document"] == first["digest"]
    assert said["version"] == first["versionDigest"]


def test_an_evaluation_that_is_not_in_the_log_gets_there(mreg, model, store):
    """Attached by who was stopped before the event."""
    mreg.run("push", model, "churn")
    words = ["evaluate", "churn:v1", "--suite", "s", "--pass",
             "--created", "2026-01-02T00:00:00Z"]
    first = mreg.json(*words)
    index = store / "churn/index.json"
    doc = json.loads(index.read_text())
    doc["manifests"] = [m for m in doc["manifests"]
                        if m["digest"] != first["event"]]
    index.write_text(json.dumps(doc))
    again = mreg.json(*words)
    assert again["existed"] and again["event"]
    assert [e["kind"] for e in mreg.json("log", "churn")["events"]].count(
        "evaluated") == 1
