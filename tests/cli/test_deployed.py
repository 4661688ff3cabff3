"""test_deployed.py - what runs where: told by hand, read from what kubectl
prints, and asked both ways; in a local store."""
import json

import harness
import jsonschema
import pytest


def schema(name):
    return json.loads((harness.ROOT / f"spec/schemas/{name}.schema.json")
                      .read_text())


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v3; digests by number."""
    return {n: mreg.json("push", harness.small_model(tmp_path / f"m{n}", n),
                         "churn")["digest"] for n in (1, 2, 3)}


def deployed(mreg, *words):
    result = mreg.json("deployed", *words)
    jsonschema.validate(result, schema("deployed"))
    return result


def rows(mreg, *words):
    """(model, environment, workload, version) of where or what."""
    result = mreg.json(*words)
    jsonschema.validate(result, schema("deployments"))
    assert result["unread"] == []
    return [(r["name"], r["environment"], r["workload"], r["version"])
            for r in result["deployments"]]


def events(mreg, name="churn"):
    return mreg.json("log", name, "--kind", "deployed")["events"]


# -- by hand --------------------------------------------------------------------


def test_what_runs_there_from_now_on(mreg, churn):
    first = deployed(mreg, "churn:v1", "--env", "prod", "--workload", "api")
    assert (first["digest"], first["was"], first["changed"]) == (
        churn[1], None, True)
    second = deployed(mreg, "churn:v2", "--env", "prod", "--workload", "api",
                      "--reason", "canary went well")
    assert second["was"] == {"digest": churn[1], "number": 1, "version": "v1"}
    assert events(mreg)[-1]["digest"] == second["event"]
    assert [e["says"] for e in events(mreg)] == [
        "prod/api: v1", "prod/api: v2, was v1: canary went well"]
    gone = deployed(mreg, "churn", "--env", "prod", "--workload", "api",
                    "--none")
    assert gone["digest"] is None and gone["was"]["number"] == 2
    assert rows(mreg, "what", "prod") == []


def test_what_is_so_already_is_not_written_again(mreg, churn):
    deployed(mreg, "churn:v1", "--env", "prod")
    again = deployed(mreg, "churn:v1", "--env", "prod")
    assert again["changed"] is False and again["event"] is None
    nothing = deployed(mreg, "churn", "--env", "stage", "--none")
    assert nothing["changed"] is False
    assert len(events(mreg)) == 1


def test_a_rehearsal_writes_nothing(mreg, churn):
    would = deployed(mreg, "churn:v1", "--env", "prod", "-n")
    assert would["changed"] is True and would["event"] is None
    assert events(mreg) == []


def test_it_is_asked_both_ways(mreg, churn, tmp_path):
    mreg.run("push", harness.small_model(tmp_path / "f", 9), "fraud")
    deployed(mreg, "churn:v1", "--env", "prod", "--workload", "api")
    deployed(mreg, "churn:v2", "--env", "prod", "--workload", "batch")
    deployed(mreg, "churn:v2", "--env", "stage")
    deployed(mreg, "fraud:v1", "--env", "prod")
    assert rows(mreg, "where", "churn:v2") == [
        ("churn", "prod", "batch", "v2"), ("churn", "stage", None, "v2")]
    assert rows(mreg, "where", f"churn@{churn[1]}") == [
        ("churn", "prod", "api", "v1")]
    assert len(rows(mreg, "where", "churn")) == 3
    assert rows(mreg, "where", "churn:v3") == []
    assert rows(mreg, "what", "prod") == [
        ("churn", "prod", "api", "v1"), ("churn", "prod", "batch", "v2"),
        ("fraud", "prod", None, "v1")]
    assert rows(mreg, "what", "prod", "fraud") == [
        ("fraud", "prod", None, "v1")]
    table = mreg.run("what", "prod", "churn").stdout.splitlines()
    assert table[0].split() == ["MODEL", "VERSION", "ENV", "WORKLOAD", "SINCE",
                                "BY"]
    assert table[1].split()[:4] == ["churn", "v1", "prod", "api"]
    lines = mreg.run("where", "churn", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["v1", "v2", "v2"]


def test_a_log_that_cannot_be_read_hides_no_other(mreg, churn, store):
    deployed(mreg, "churn:v1", "--env", "prod")
    (store / "broken").mkdir()
    (store / "broken/oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (store / "broken/index.json").write_text("{")
    result = mreg.json("what", "prod")
    assert [r["name"] for r in result["deployments"]] == ["churn"]
    assert [u["name"] for u in result["unread"]] == ["broken"]
    assert "'broken'" in mreg.run("what", "prod").stderr
    mreg.run("what", "prod", "churn", "broken", status=1)


@pytest.mark.parametrize("words, status", [
    (("churn:v1",), 2), ((), 2), (("churn:v1", "churn:v2", "--env", "p"), 2),
    (("churn:v1", "--env", ""), 2), (("churn:v1", "--env", "a\nb"), 2),
    (("churn:v1", "--env", "p", "--none"), 2),
    (("churn:v1", "--env", "p", "--cluster", "c"), 2),
    (("churn:v9", "--env", "p"), 3), (("nobody:v1", "--env", "p"), 3),
    (("--from-kubernetes", "x", "--none"), 2),
    (("--from-kubernetes", "x", "--cluster", "a/b"), 2),
    (("--from-kubernetes", "/nothing/here"), 3),
])
def test_what_makes_no_sense_is_refused(mreg, churn, words, status):
    mreg.fails(status, "deployed", *words)
    assert mreg.json("ls")["models"] == ["churn"]
    mreg.fails(3, "where", "nobody")
    mreg.fails(3, "what", "prod", "nobody")


# -- what kubectl prints ----------------------------------------------------------


def pod(name, *uris, space="prod", phase="Running", **metadata):
    return {"kind": "Pod",
            "metadata": {"namespace": space, "name": name, **metadata},
            "spec": {"containers": [{"name": "c", "image": "nginx:1.25",
                                     "args": list(uris)}]},
            "status": {"phase": phase}}


def isvc(name, uri, space="prod"):
    return {"kind": "InferenceService",
            "metadata": {"namespace": space, "name": name},
            "spec": {"predictor": {"model": {"storageUri": uri}}}}


def listing(*items):
    return json.dumps({"apiVersion": "v1", "items": items, "kind": "List",
                       "metadata": {"resourceVersion": ""}})


def ingest(mreg, *items, words=(), **kwargs):
    result = mreg.json("deployed", "--from-kubernetes", "-", *words,
                       input=listing(*items), **kwargs)
    jsonschema.validate(result, schema("kubernetes"))
    return result


def places(result):
    return {(r["environment"], r["workload"]): r["version"]
            for r in result["deployments"]}


def test_only_what_changed_is_written(mreg, churn):
    first = ingest(mreg, isvc("score", "mreg://churn:v1"),
                   isvc("score", "mreg://churn:v2", "stage"),
                   pod("web", "mreg://churn:latest", "/mnt/models"))
    assert places(first) == {
        ("prod", "prod/inferenceservice/score"): "v1",
        ("stage", "stage/inferenceservice/score"): "v2",
        ("prod", "prod/pod/web"): "v3"}
    assert first["changed"] == 3 and first["objects"] == 3
    assert first["unknown"] == []  # images of others are not worth a word
    again = ingest(mreg, isvc("score", "mreg://churn:v1"),
                   isvc("score", "mreg://churn:v3", "stage"),
                   pod("web", "mreg://churn:latest"))
    assert again["changed"] == 1 and len(again["deployments"]) == 3
    assert len(events(mreg)) == 4
    assert mreg.json("log", "churn", "--verify")["verified"] is True


def test_what_is_gone_is_written_too(mreg, churn):
    deployed(mreg, "churn:v1", "--env", "prod", "--workload", "by-hand")
    ingest(mreg, isvc("a", "mreg://churn:v1"), isvc("b", "mreg://churn:v2"))
    here = ingest(mreg, isvc("a", "mreg://churn:v1"), words=("--partial",))
    assert places(here) == {("prod", "prod/inferenceservice/a"): "v1"}
    other = ingest(mreg, isvc("z", "mreg://churn:v1"),
                   words=("--cluster", "eu"))
    assert places(other) == {("prod", "eu/prod/inferenceservice/z"): "v1"}
    gone = ingest(mreg, pod("other"))
    assert places(gone) == {("prod", "prod/inferenceservice/a"): None,
                            ("prod", "prod/inferenceservice/b"): None}
    assert rows(mreg, "what", "prod") == [
        ("churn", "prod", "by-hand", "v1"),
        ("churn", "prod", "eu/prod/inferenceservice/z", "v1")]


def test_a_list_of_nothing_is_no_answer(mreg, churn):
    ingest(mreg, isvc("a", "mreg://churn:v1"))
    err = mreg.fails(1, "deployed", "--from-kubernetes", "-", input=listing())
    assert "everything would be gone" in err["message"]
    assert ingest(mreg, words=("--partial",))["deployments"] == []
    assert len(events(mreg)) == 1


@pytest.mark.parametrize("cut", [0, 1, 40, -1, -3])
def test_a_list_that_ends_in_the_middle_changes_nothing(mreg, churn, cut):
    text = listing(isvc("a", "mreg://churn:v1"))
    err = mreg.fails(1, "deployed", "--from-kubernetes", "-", input=text[:cut])
    assert "cannot use" in err["message"] and "kubectl" in err["hint"]
    assert events(mreg) == []


def test_one_environment_for_all_of_it(mreg, churn):
    got = ingest(mreg, isvc("a", "mreg://churn:v1"),
                 isvc("a", "mreg://churn:v2", "stage"),
                 words=("--env", "berlin", "--cluster", "b1"))
    assert places(got) == {("berlin", "b1/prod/inferenceservice/a"): "v1",
                           ("berlin", "b1/stage/inferenceservice/a"): "v2"}
    assert places(ingest(mreg, pod("x"), words=(
        "--env", "berlin", "--cluster", "b1"))) == {
            ("berlin", "b1/prod/inferenceservice/a"): None,
            ("berlin", "b1/stage/inferenceservice/a"): None}


def test_several_versions_of_a_workload_are_several_places(mreg, churn):
    name = ("prod", "prod/inferenceservice/a")
    labels = {"serving.kserve.io/inferenceservice": "a"}
    ingest(mreg, pod("a-1", "mreg://churn:v2", labels=labels))
    both = places(ingest(mreg, pod("a-1", "mreg://churn:v2", labels=labels),
                         pod("a-2", "mreg://churn:v3", labels=labels)))
    beside = ("prod", f"{name[1]}@{churn[3][7:19]}")
    assert both == {name: "v2", beside: "v3"}
    after = ingest(mreg, pod("a-2", "mreg://churn:v3", labels=labels))
    assert places(after) == {name: "v3", beside: None}
    assert len(events(mreg)) == 4


def test_what_is_not_known_is_told_and_not_made(mreg, churn, tmp_path):
    mreg.run("deployed", "churn:v1", "--env", "prod", "--workload",
             "prod/pod/later")
    got = ingest(mreg, pod("later", "mreg://churn:v9"),
                 pod("x", "mreg://nobody:v1", "mreg://oci:/tmp/x//y",
                     "oci://churn:v1", "mreg://a b"))
    why = {u["reference"]: u["why"] for u in got["unknown"]}
    assert set(why) == {"churn:v9", "nobody:v1", "oci:/tmp/x//y", "churn:v1",
                        "a b"}
    assert why["churn:v9"] == "it is not there"
    assert why["nobody:v1"] == "there is no such model"
    assert "folder" in why["oci:/tmp/x//y"] and "registry" in why["churn:v1"]
    # It is there and cannot be told: that is not to be gone.
    assert got["changed"] == 0 and got["deployments"] == []
    assert mreg.json("ls")["models"] == ["churn"]


def test_a_rehearsed_list_writes_nothing(mreg, churn):
    would = ingest(mreg, isvc("a", "mreg://churn:v1"), words=("-n",))
    assert would["dryRun"] is True and would["changed"] == 1
    assert would["deployments"][0]["event"] is None
    assert events(mreg) == []


def test_people_read_it_too(mreg, churn):
    out = mreg.run("deployed", "--from-kubernetes", "-", input=listing(
        isvc("a", "mreg://churn:v1"), pod("x", "mreg://nobody:v1"))).stdout
    assert "  * prod/prod/inferenceservice/a: churn v1 (was nothing)\n" in out
    assert "  ? prod/pod/x: nobody:v1: there is no such model\n" in out
    assert out.endswith("2 objects, 1 place of models, 1 changed\n")
