"""test_index_ingest.py - notifications as hints: which models they make us look
at, and that they decide nothing else."""
import json
import socket
import threading

import harness
import jsonschema
import pytest

HOST = "reg.example.com"


def event(repository, action="push", host=HOST, id=None, **target):
    return {"id": id or f"{action}-{repository}", "action": action,
            "target": {"repository": repository, **target},
            "request": {"host": host}}


def harbor(repository, kind="PUSH_ARTIFACT", host=HOST):
    return {"type": kind, "occur_at": 1586922308, "operator": "admin",
            "event_data": {
                "resources": [{"digest": "sha256:8a", "tag": "v3",
                               "resource_url": f"{host}/{repository}:v3"}],
                "repository": {"repo_full_name": repository}}}


def zot(repository, id="1"):
    return {"specversion": "1.0", "id": id, "source": "zotregistry.dev",
            "type": "zotregistry.image.updated",
            "data": {"name": repository, "reference": "v3"}}


@pytest.fixture
def ingest(mreg):
    schema = json.loads((harness.ROOT / "spec/schemas/ingest.schema.json")
                        .read_text())
    mreg.env["MREG_REGISTRY"] = f"{HOST}/acme"

    def run(documents, *words, **kwargs):
        text = documents if isinstance(documents, str) else "\n".join(
            json.dumps(d) for d in documents)
        result = mreg.json("index", "ingest", *words, input=text, **kwargs)
        jsonschema.validate(result, schema)
        return result
    return run


@pytest.fixture
def noted(ingest):
    """As ingest, without looking: names of the models."""
    return lambda documents, *words: [
        m["model"] for m in ingest(documents, "--no-sync", *words)["models"]]


# -- which models ---------------------------------------------------------------


def test_each_model_is_named_once(ingest):
    result = ingest([{"events": [event("acme/churn"), event("acme/fraud")]},
                     harbor("acme/churn"), event("acme/churn", "delete")],
                    "--no-sync")
    assert [m["model"] for m in result["models"]] == [
        f"{HOST}/acme/churn", f"{HOST}/acme/fraud"]
    assert (result["notifications"], result["synced"]) == (4, False)


def test_pulls_and_blobs_are_passed_over(ingest):
    blob = "application/octet-stream"
    result = ingest([event("acme/churn", "pull"),
                     event("acme/churn", mediaType=blob),
                     harbor("acme/churn", "SCANNING_COMPLETED"),
                     event("acme/mreg-policy")], "--no-sync")
    assert result["models"] == [] and result["idle"] == 4


def test_one_that_comes_twice_counts_once(ingest):
    first = ingest([event("acme/churn", id="a")], "--no-sync")
    assert first["repeated"] == 0 and first["models"]
    again = ingest([event("acme/churn", id="a")], "--no-sync")
    assert again["repeated"] == 1 and again["models"] == []
    other = ingest([event("acme/churn", id="b")], "--no-sync")
    assert other["repeated"] == 0 and other["models"]
    # Harbor's own form has no id.
    for _ in range(2):
        assert ingest([harbor("acme/churn")], "--no-sync")["models"]


def test_only_what_is_below_the_prefix_is_looked_at(ingest):
    result = ingest([event("acme/churn"), event("other/churn"),
                     event("acme/fraud", host="evil.example.com"),
                     event("acmeX/churn")], "--no-sync")
    assert [m["model"] for m in result["models"]] == [f"{HOST}/acme/churn"]
    assert result["foreign"] == 3


def test_a_host_that_is_named_is_the_one(noted):
    assert noted([event("acme/churn", host="registry:5000"),
                  event("other/churn", host="registry:5000")],
                 "--host", "reg.example.org/acme") == [
        "reg.example.org/acme/churn"]


def test_who_names_no_host_is_asked_where_it_may_be(noted):
    assert noted([zot("acme/churn"), zot("other/x", "2")]) == [
        f"{HOST}/acme/churn"]


def test_a_local_store_has_no_notifications(mreg, ingest):
    mreg.env.pop("MREG_REGISTRY")
    result = ingest([event("churn"), zot("churn")], "--no-sync")
    assert result["models"] == [] and result["foreign"] == 2


def test_what_was_told_waits_for_the_next_sync(mreg, ingest):
    ingest([event("acme/churn")], "--no-sync")
    status = mreg.json("index", "status")
    assert [(m["name"], m["hinted"]) for m in status["models"]] == [
        (f"{HOST}/acme/churn", True)]


def test_a_rehearsal_notes_nothing(mreg, ingest):
    result = ingest([event("acme/churn")], "--dry-run")
    assert result["dryRun"] and result["models"][0]["model"].endswith("churn")
    assert not (mreg.home / "data/mreg/index.db").exists()
    ingest([event("acme/fraud")], "--no-sync")
    before = mreg.json("index", "status")["models"]
    assert ingest([event("acme/churn")], "-n")["repeated"] == 0
    assert mreg.json("index", "status")["models"] == before


# -- what it looks like ----------------------------------------------------------


def test_for_people(mreg, ingest):
    text = "\n".join(json.dumps(d) for d in [
        event("acme/churn"), event("acme/churn", "pull"), event("x/y"), {}])
    done = mreg.run("index", "ingest", "--no-sync", input=text)
    assert done.stdout == (f"{HOST}/acme/churn  to be looked at\n"
                           "3 notifications, 1 of no interest\n")
    assert "1 document is no notification that is known (the first is " \
        "number 4)" in done.stderr
    assert f"such as '{HOST}/x/y': --host names" in done.stderr


def test_what_is_not_understood_at_all_fails(mreg):
    for text, says in (("", "no JSON"), ("<html>", "no JSON"),
                       ("{}", "nothing in it"), ("[1, {}]", "nothing in it"),
                       (json.dumps({"action": "push"}), "nothing in it")):
        error = mreg.fails(1, "index", "ingest", input=text)
        assert says in error["message"], error
    error = mreg.fails(1, "index", "ingest", "--source", "quay",
                       input=json.dumps(event("acme/churn")))
    assert "distribution, harbor" in error["hint"]
    assert mreg.fails(1, "index", "ingest", input=" " * (4 << 20) + "{}")[
        "code"] == "limit"
    assert not (mreg.home / "data/mreg/index.db").exists()


def test_words_that_cannot_be(mreg):
    text = json.dumps(event("acme/churn"))
    for words in (["--source", "nexus"], ["--host", "oci:/tmp"],
                  ["--host", "a b"]):
        assert mreg.fails(2, "index", "ingest", *words, input=text)


# -- hostile ones ----------------------------------------------------------------


@pytest.fixture
def listener():
    """A server that nobody named; how often it was called."""
    calls = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                calls.append(server.accept()[0].close())
            except OSError:
                return
    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{server.getsockname()[1]}", calls
    server.close()


def test_a_notification_does_not_say_where_we_connect_to(ingest, listener):
    host, calls = listener
    url = f"http://{host}/v2/acme/churn/manifests/v1"
    result = ingest([
        event("acme/churn", host=host),
        {"action": "push", "target": {"repository": "acme/churn", "url": url}},
        harbor("acme/churn", host=host),
        {"repository": "acme/churn", "docker_url": f"{host}/acme/churn",
         "updated_tags": ["v1"]},
        {"push_data": {"tag": "v1"}, "callback_url": f"http://{host}/",
         "repository": {"repo_name": "acme/churn"}},
        {"source": "aws.ecr", "detail-type": "ECR Image Action",
         "account": f"{host}/", "region": "x",
         "detail": {"result": "SUCCESS", "repository-name": "acme/y"}},
    ], "--dry-run")
    assert result["foreign"] >= 5
    result = ingest([event("acme/churn", host=host)])
    assert result["models"] == [] and not result["synced"]
    assert calls == []


@pytest.mark.parametrize("name", [
    "../../etc/passwd", "acme/../other/churn", "acme/", "acme//churn",
    "ACME/churn", "acme/churn:v1", "acme/churn@sha256:00", "acme/\x1b[2Jx",
    "acme/ü", "acme/" + "x" * 300, "acme/a'; DROP TABLE models; --",
    f"{HOST}/acme/churn", "oci:/tmp//acme"])
def test_a_name_that_no_repository_has_is_looked_at_by_nobody(ingest, mreg,
                                                              name):
    result = ingest([event(name), zot(name)], "--no-sync")
    assert result["models"] == [] and result["foreign"] == 2
    shown = mreg.run("index", "ingest", "--no-sync",
                     input=json.dumps(event(name)))
    assert "\x1b" not in shown.stderr + shown.stdout


def test_a_thousand_of_them_in_one_document(ingest):
    documents = {"events": [event(f"acme/m{i % 50}", id=str(i))
                            for i in range(1000)]}
    result = ingest(json.dumps(documents), "--no-sync")
    assert len(result["models"]) == 50 and result["notifications"] == 1000
