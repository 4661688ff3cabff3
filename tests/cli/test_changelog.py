"""test_changelog.py - mreg changelog: what changed about an alias between two
positions."""
import json
import pathlib

import harness
import jsonschema
import pytest

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
LICENSES = {1: "Apache-2.0", 2: "Apache-2.0", 3: "MIT", 4: "MIT"}


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v4; production had v1, v2 and v4.  Digests by number."""
    digests = {}
    for n in LICENSES:
        folder = harness.small_model(tmp_path / f"m{n}", n)
        if n == 4:
            harness.write(folder / "extra.txt", "more\n")
        digests[n] = mreg.json(
            "push", folder, "churn", "--as", "pia", "--metric", f"auc=0.9{n}",
            "--license", LICENSES[n], "--run-id", f"run-{n}", "--input",
            f"train=s3://data/day-{n}")["digest"]
        if n != 3:
            mreg.run("alias", "set", f"churn:v{n}", "production", "--as",
                     "ray", "--reason", f"number {n}")
    return digests


def changes(mreg, *words, **kwargs):
    result = mreg.json("changelog", "churn:production", *words, **kwargs)
    schema = json.loads((SPEC / "schemas/changelog.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"])
    for rows in "moves", "versions":
        known = schema["properties"][rows]["items"]["properties"]
        assert all(set(row) == set(known) for row in result[rows])
    return result


def ends(result):
    return result["from"]["version"], result["to"]["version"]


def numbers(result, rows):
    return [row["number"] for row in result[rows]]


def test_it_is_about_the_last_move(mreg, churn):
    result = changes(mreg)
    assert ends(result) == ("v2", "v4") and result["back"] is False
    assert result["from"]["digest"] == churn[2]
    move, = result["moves"]
    assert (move["version"], move["actor"], move["by"], move["reason"]) == \
        ("v4", "ray", "set", "number 4")
    assert [(v["version"], v["had"], v["run"], v["actor"])
            for v in result["versions"]] == \
        [("v3", False, "run-3", "pia"), ("v4", True, "run-4", "pia")]
    assert result["metrics"] == [{"name": "auc", "from": "0.92", "to": "0.94"}]
    assert [(i["name"], i["from"] is None) for i in result["inputs"]] == \
        [("train s3://data/day-2", False), ("train s3://data/day-4", True)]
    assert result["license"] == {"name": "license", "from": "Apache-2.0",
                                 "to": "MIT"}
    assert result["parents"] == []
    assert result["files"] == {"added": 1, "removed": 0, "changed": 2,
                               "moved": 0, "same": 1}


def test_people_read_it_too(mreg, churn):
    lines = mreg.run("changelog", "churn:production").stdout.splitlines()
    assert lines[0] == "churn:production v2 -> v4"
    text = "\n".join(lines)
    assert "v4 by ray: number 4" in text
    assert "run run-3, not production" in text
    assert "  ~ auc: 0.92 -> 0.94 (+0.02)" in lines
    assert "  ~ license: Apache-2.0 -> MIT" in lines
    assert lines[-1] == "files: 1 added, 0 removed, 2 changed, 1 the same"


def test_between_two_that_it_had(mreg, churn):
    result = changes(mreg, "--from", "v1", "--to", "v4")
    assert ends(result) == ("v1", "v4")
    assert numbers(result, "moves") == [2, 4]
    assert numbers(result, "versions") == [2, 3, 4]
    assert [v["had"] for v in result["versions"]] == [True, False, True]
    same = changes(mreg, "--from", churn[1])
    assert same == result


def test_from_what_it_had_before_an_older_one(mreg, churn):
    result = changes(mreg, "--to", "v2")
    assert ends(result) == ("v1", "v2") and numbers(result, "moves") == [2]
    assert result["license"] is None


def test_one_that_it_never_had(mreg, churn):
    result = changes(mreg, "--from", "v3")
    assert ends(result) == ("v3", "v4")
    assert result["from"]["since"] is None
    assert numbers(result, "moves") == [4]
    # Nothing led there.
    result = changes(mreg, "--from", "v2", "--to", "v3")
    assert numbers(result, "moves") == [] and numbers(result, "versions") == [3]
    mreg.fails(3, "changelog", "churn:production", "--to", "v3")


def test_a_rollback_leaves_versions_behind(mreg, churn):
    mreg.run("rollback", "churn:production", "--reason", "wrong")
    result = changes(mreg)
    assert ends(result) == ("v4", "v2") and result["back"] is True
    assert [m["by"] for m in result["moves"]] == ["rollback"]
    assert numbers(result, "versions") == [3, 4]
    out = mreg.run("changelog", "churn:production").stdout
    assert "versions left behind" in out and "rolled back: wrong" in out


def test_from_the_later_to_the_earlier(mreg, churn):
    result = changes(mreg, "--from", "v4", "--to", "v1")
    assert result["back"] is True and numbers(result, "moves") == [2, 4]
    assert result["metrics"] == [{"name": "auc", "from": "0.94", "to": "0.91"}]


def test_moments_are_positions(mreg, churn, later):
    mreg.run("alias", "set", "churn:v3", "production", env=later(240))
    moved = changes(mreg)["to"]["since"]
    soon = mreg.json("log", "churn")["events"][-2]["time"]
    result = changes(mreg, "--from", soon, "--to", moved)
    assert ends(result) == ("v4", "v3")
    assert ends(changes(mreg, "--to", soon)) == ("v2", "v4")
    # A date is its end.
    assert ends(changes(mreg, "--from", soon[:10], "--to",
                        moved[:10])) == ("v4", "v3")
    err = mreg.fails(3, "changelog", "churn:production", "--from",
                     "2001-05-03")
    assert "had nothing at '2001-05-03'" in err["message"]


def test_the_same_again_is_where_it_was(mreg, churn):
    mreg.run("alias", "rm", "churn:production")
    err = mreg.fails(3, "changelog", "churn:production")
    assert "was removed" in err["message"] and "--to" in err["hint"]
    mreg.run("alias", "set", "churn:v4", "production")
    assert ends(changes(mreg)) == ("v2", "v4")


def test_a_first_position_has_nothing_before(mreg, churn):
    mreg.run("alias", "set", "churn:v1", "staging")
    err = mreg.fails(3, "changelog", "churn:staging")
    assert "had nothing before" in err["message"] and "--from" in err["hint"]
    mreg.run("changelog", "churn:staging", "--from", "v2")


def test_an_end_that_is_gone_is_not_compared(mreg, churn, store):
    (store / "churn/blobs" / churn[2].replace(":", "/")).unlink()
    index = json.loads((store / "churn/index.json").read_text())
    index["manifests"] = [m for m in index["manifests"]
                          if m["digest"] != churn[2]]
    (store / "churn/index.json").write_text(json.dumps(index))
    r = mreg.run("changelog", "churn:production", "--json")
    assert "not compared" in r.stderr
    assert r.json["compared"] is False and ends(r.json) == ("v2", "v4")
    assert r.json["files"] is None and r.json["metrics"] is None
    assert numbers(r.json, "versions") == [3, 4]


def test_a_tag_of_others_is_told(mreg, churn, store):
    index = json.loads((store / "churn/index.json").read_text())
    name = "org.opencontainers.image.ref.name"
    entry, = [m for m in index["manifests"]
              if m.get("annotations", {}).get(name) == "production"]
    other, = [m for m in index["manifests"]
              if m.get("annotations", {}).get(name) == "v3"]
    entry.update(digest=other["digest"], size=other["size"])
    (store / "churn/index.json").write_text(json.dumps(index))
    r = mreg.run("changelog", "churn:production", "--json")
    assert "foreign" in r.stderr and ends(r.json) == ("v2", "v4")


def test_a_copy_answers_alike(mreg, churn, tmp_path):
    target = f"oci:{tmp_path}/air//churn"
    mreg.run("copy", "churn", target)
    there = mreg.json("changelog", f"{target}:production")
    here = changes(mreg)
    assert {**there, "name": here["name"]} == here


@pytest.mark.parametrize("words, status", [
    (("churn",), 2), (("churn:v1",), 2), (("churn:latest",), 2),
    (("nobody:production",), 3), (("churn:canary",), 3),
    (("churn:production", "--from", "v9"), 3),
    (("churn:production", "--from", "a b"), 2),
    (("churn:production", "--to", "sha256:" + "0" * 64), 3),
])
def test_what_makes_no_sense_is_refused(mreg, churn, words, status):
    mreg.fails(status, "changelog", *words)
