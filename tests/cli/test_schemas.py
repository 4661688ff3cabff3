"""test_schemas.py - what push, pull and commands without a test file of their
own print with --json fits the schemas in spec/schemas, and what is wrong does
not."""
import json
import pathlib
import shutil

import jsonschema
import pytest

import fake
import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"


def validator(name):
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def sample(name):
    return json.loads((SPEC / f"samples/{name}.json").read_text())


def strict(result, name):
    """It fits, and has no member that the schema does not tell of."""
    check = validator(name)
    check.validate(result)
    known = check.schema["properties"]
    assert set(result) == set(known) == set(check.schema["required"])
    if "files" not in known:
        return result
    row = known["files"]["items"]
    for item in result["files"]:
        assert set(item) == set(row["properties"]) == set(row["required"])
    return result


@pytest.mark.parametrize("name", ["push", "pull"])
def test_the_sample_fits(name):
    result = strict(sample(name), name)
    assert result["files"] and result["number"] == 2


def test_what_push_prints_fits(mreg, model, tmp_path):
    rehearsed = strict(mreg.json("push", model, "churn", "--dry-run"), "push")
    assert rehearsed["number"] is None
    assert {f["action"] for f in rehearsed["files"]} == {"send"}
    strict(mreg.json("push", model, "churn:staging"), "push")
    again = strict(mreg.json("push", model, "churn"), "push")
    assert again["identical"]
    harness.small_model(tmp_path / "second", 2)
    moved = strict(mreg.json("push", tmp_path / "second", "churn:staging"),
                   "push")
    assert moved["aliases"][0]["was"] == again["digest"]
    assert moved["comparedWith"] == "v1" and moved["differences"]
    named = strict(mreg.json("push", tmp_path / "second", "churn:1.2.0"),
                   "push")
    assert named["release"] == "1.2.0"


def test_what_pull_prints_fits(mreg, pushed, tmp_path):
    out = tmp_path / "out"
    rehearsed = strict(mreg.json("pull", "churn", "-o", out, "--dry-run"),
                       "pull")
    assert {f["action"] for f in rehearsed["files"]} == {"fetch"}
    strict(mreg.json("pull", "churn", "-o", out), "pull")
    (out / "own.txt").write_text("not of the model")
    exact = strict(mreg.json("pull", "churn", "-o", out, "--exact"), "pull")
    assert exact["removed"] == ["own.txt"] and exact["filesKept"]
    by_digest = strict(mreg.json("pull", f"churn@{pushed}", "-o",
                                 tmp_path / "two"), "pull")
    assert by_digest["tag"] is None
    shutil.rmtree(tmp_path / "two")
    seeded = strict(mreg.json("pull", "churn", "-o", tmp_path / "two",
                              "--seed", out), "pull")
    assert "seeded" in {f["action"] for f in seeded["files"]}


SMALL = ["config", "login", "logout", "resolve", "version"]


@pytest.mark.parametrize("name", SMALL)
def test_the_sample_of_a_small_result_fits(name):
    strict(sample(name), name)


def test_what_small_commands_print_fits(mreg, pushed):
    shown = strict(mreg.json("config", "show"), "config")
    one, = strict(mreg.json("config", "get", "jobs"), "config")["settings"]
    assert one in shown["settings"]
    strict(mreg.json("version"), "version")
    assert strict(mreg.json("resolve", "churn:v1"), "resolve")["number"] == 1
    found = strict(mreg.json("resolve", f"churn@{pushed}"), "resolve")
    assert found["tag"] is None and found["digest"] == pushed


def test_what_login_and_logout_print_fits(mreg):
    registry = fake.Fake(username="ada", password="s3cret")
    words = ["login", registry.host, "-u", "ada", "--password-stdin"]
    try:
        for more in (["--dry-run"], []):
            done = mreg.json(*words, *more, input="s3cret")
            assert strict(done, "login")["dryRun"] is bool(more)
    finally:
        registry.stop()
    for removed in (True, False):
        done = strict(mreg.json("logout", registry.host), "logout")
        assert done["removed"] is removed


WRONG = [
    ("config", {"settings": [{"key": "jobs", "value": 4, "origin": "x"}]}),
    ("login", {"where": None}), ("logout", {"removed": None}),
    ("resolve", {"reference": "churn:v1"}), ("resolve", {"number": 0}),
    ("resolve", {"size": 0}), ("version", {"version": "new"}),
    ("push", {"number": 0}), ("push", {"number": None}),
    ("push", {"version": "2"}), ("push", {"digest": None}),
    ("push", {"bytesSent": -1}), ("push", {"aliases": [{"alias": "a"}]}),
    ("push", {"aliases": [{"alias": "a", "was": "v1"}]}),
    ("push", {"files": [{"path": "a"}]}), ("push", {"schema": "mreg.push/2"}),
    ("pull", {"reference": "churn:v1"}), ("pull", {"number": 1.5}),
    ("pull", {"output": ""}), ("pull", {"bytesSeeded": None}),
    ("pull", {"removed": [1]}), ("pull", {"dryRun": "no"}),
    ("pull", {"files": None}), ("pull", {"schema": "mreg.push/1"}),
]


@pytest.mark.parametrize("name, change", WRONG)
def test_what_is_wrong_does_not_fit(name, change):
    with pytest.raises(jsonschema.ValidationError):
        validator(name).validate({**sample(name), **change})
