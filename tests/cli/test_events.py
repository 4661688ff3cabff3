"""test_events.py - the log that a push writes is what spec/events.md says."""

import hashlib
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MREG = os.environ.get("MREG", str(ROOT / "build" / "debug" / "mreg"))
SCHEMA = json.loads((ROOT / "spec" / "event.schema.json").read_text())
SAMPLE = (ROOT / "spec" / "samples" / "event.json").read_text()
EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def check(value):
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(
        SCHEMA, format_checker=jsonschema.draft7_format_checker
    ).validate(value)


@pytest.fixture
def log(tmp_path):
    """Two versions, pushed; returns [(tag, manifest bytes)] in order of tags."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "MREG_STORE": str(tmp_path / "store"),
        "MREG_ACTOR": "ada",
    }
    model = tmp_path / "m"
    model.mkdir()
    for text in ("one", "two"):
        (model / "weights.txt").write_text(text)
        subprocess.run(
            [MREG, "push", str(model), "m", "--run-id", "run-" + text],
            env=env, check=True, stdout=subprocess.DEVNULL,
        )
    layout = tmp_path / "store" / "m"
    index = json.loads((layout / "index.json").read_text())
    rows = []
    for entry in index["manifests"]:
        tag = entry["annotations"]["org.opencontainers.image.ref.name"]
        if tag.startswith("mreg.log."):
            blob = layout / "blobs" / "sha256" / entry["digest"].split(":")[1]
            rows.append((tag, blob.read_bytes()))
    return sorted(rows)


def test_sample_is_canonical_and_fits_the_schema():
    value = json.loads(SAMPLE)
    check(value)
    assert canonical(value) == SAMPLE


@pytest.mark.parametrize(
    "key, value",
    [("seq", 0), ("number", None), ("version", "md5:00"), ("time", "yesterday"), ("prev", "x")],
)
def test_wrong_sample_does_not_fit(key, value):
    wrong = json.loads(SAMPLE)
    if value is None:
        del wrong[key]
    else:
        wrong[key] = value
    with pytest.raises(jsonschema.ValidationError):
        check(wrong)


def test_each_push_appends_one_event_that_fits(log):
    assert len(log) == 2
    for number, (tag, raw) in enumerate(log, start=1):
        digest = hashlib.sha256(raw).hexdigest()
        assert re.fullmatch(r"mreg\.log\.%08d\.%s" % (number, digest[:32]), tag)
        manifest = json.loads(raw)
        text = manifest["annotations"]["org.mreg.event"]
        event = json.loads(text)
        check(event)
        assert canonical(event) == text
        assert event["number"] == number
        assert event["actor"] == "ada"
        assert event["run"] == ("run-one", "run-two")[number - 1]
        assert manifest["annotations"]["org.mreg.event.version"] == event["version"]
        assert manifest["artifactType"] == "application/vnd.mreg.event.v1+json"
        assert manifest["config"]["digest"] == EMPTY
        assert [layer["digest"] for layer in manifest["layers"]] == [EMPTY]
        assert "subject" not in manifest


def test_the_second_event_names_the_first_as_its_head(log):
    first = "sha256:" + hashlib.sha256(log[0][1]).hexdigest()
    event = json.loads(json.loads(log[1][1])["annotations"]["org.mreg.event"])
    assert event["prev"] == [first]
    assert json.loads(json.loads(log[0][1])["annotations"]["org.mreg.event"])["prev"] == []
