"""test_deployed.py - what a cluster runs of the models in Debian's registry:
by tag, by digest, by what pods say of their images."""
import json

import foreign
import harness
import pytest

DERIVED = "org.mreg.derived-from.digest"


@pytest.fixture
def name(box):
    """A repository of its own."""
    return "deployed-" + box.name.lower().replace("_", "x")


@pytest.fixture
def versions(at_plain, box, name):
    """v1 and v2 of NAME with an image of each; digests by number."""
    made = {n: at_plain.json("push", harness.small_model(box / f"m{n}", n),
                             name)["digest"] for n in (1, 2)}
    repository = foreign.Registry(at_plain.env["MREG_REGISTRY"], name)
    made["image"] = {n: repository.manifest(
        f"v{n}-image", [foreign.layer(foreign.LAYER, b"layer %d" % n)],
        annotations={DERIVED: made[n]})["digest"] for n in (1, 2)}
    made["other"] = repository.manifest(
        "server", [foreign.layer(foreign.LAYER, b"server")])["digest"]
    return made


def pod(workload, image, digest=None, volumes=(), spec=None):
    """Of the InferenceService `workload`."""
    status = [{"name": "c", "image": image, "imageID":
               f"docker-pullable://mirror.example/any@{digest}"}]
    return {"kind": "Pod", "metadata": {
        "namespace": "prod", "name": workload + "-predictor-0",
        "labels": {"serving.kserve.io/inferenceservice": workload}},
        "spec": {"containers": [{"name": "c", "image": image}],
                 "volumes": [{"name": "m", "image": {"reference": v}}
                             for v in volumes], **(spec or {})},
        "status": {"phase": "Running",
                   **({"containerStatuses": status} if digest else {})}}


def isvc(name, uri):
    return {"kind": "InferenceService",
            "metadata": {"namespace": "prod", "name": name},
            "spec": {"predictor": {"model": {"storageUri": uri}}}}


def ingest(mreg, *items, words=()):
    return mreg.json("deployed", "--from-kubernetes", "-", "--env", "prod",
                     *words, input=json.dumps(
                         {"kind": "List", "apiVersion": "v1", "items": items}))


def places(result):
    return {r["workload"].split("/")[-1]: r["version"]
            for r in result["deployments"]}


def test_tags_digests_and_images_stand_for_versions(at_plain, plain, name,
                                                    versions):
    at = f"{plain.host}/{name}"
    got = ingest(
        at_plain, isvc("tag", f"oci://{at}:v1"),
        isvc("digest", f"oci+native://{at}@{versions[2]}"),
        isvc("image", f"oci://{at}:v1-image"),
        isvc("pinned", f"oci://{at}@{versions['image'][2]}"),
        isvc("both", f"oci://{at}:v1@{versions[2]}"),
        isvc("short", f"mreg://{name}:v2"), isvc("server", f"oci://{at}:server"),
        words=(name,))
    assert places(got) == {"tag": "v1", "digest": "v2", "image": "v1",
                           "pinned": "v2", "both": "v2", "short": "v2"}
    assert [(u["reference"], u["why"]) for u in got["unknown"]] == [
        (f"{at}:server", "it is no version of the model")]
    assert at_plain.json("log", name, "--verify")["verified"] is True
    where = at_plain.json("where", f"{name}:v2-image")["deployments"]
    assert {r["workload"] for r in where} == {
        f"prod/inferenceservice/{w}" for w in ("both", "digest", "pinned", "short")}
    assert len(at_plain.json("what", "prod", name)["deployments"]) == 6


def test_a_pod_says_more_than_what_is_wanted(at_plain, plain, name, versions):
    at = f"{plain.host}/{name}"
    wanted = isvc("score", f"oci://{at}:v2-image")
    got = ingest(at_plain, wanted, pod("score", f"{at}:v2-image",
                                       versions["image"][1]), words=(name,))
    assert places(got) == {"score": "v1"}
    got = ingest(at_plain, wanted, pod("score", f"{at}:v2-image"),
                 words=(name,))
    assert places(got) == {"score": "v2"}
    got = ingest(at_plain, pod("score", "busybox", volumes=[f"{at}:v1-image"]),
                 words=(name,))
    assert places(got) == {"score": "v1"}


def test_images_of_others_are_not_asked_for(at_plain, plain, name, versions):
    """A list is written by whoever may make objects in the cluster."""
    mark = plain.mark()
    got = ingest(at_plain, pod("web", "localhost:1/secret/app:1"),
                 pod("db", "postgres:16"),
                 pod("mine", f"{plain.host}/{name}:v1-image"), words=(name,))
    assert places(got) == {"mine": "v1"} and got["unknown"] == []
    assert all(f"/v2/{name}/" in path or path == "/v2/"
               for _, path, _ in plain.requests(mark))


def test_what_the_cluster_has_no_more_is_found(at_plain, plain, name,
                                               versions):
    ingest(at_plain, isvc("score", f"oci://{plain.host}/{name}:v1"),
           words=(name,))
    # Nothing in the list names the model: the caller does, or the place.
    got = ingest(at_plain, pod("web", "busybox"), words=(name,))
    assert places(got) == {"score": None}
    assert ingest(at_plain, pod("web", "busybox"),
                  words=(name,))["changed"] == 0


def test_two_who_tell_at_once_come_to_one_place(at_plain, box, name,
                                                versions):
    people = [at_plain.clone(box / f"home{i}") for i in range(6)]
    started = [one.start("deployed", f"{name}:v{i % 2 + 1}", "--env", "prod",
                         "--json") for i, one in enumerate(people)]
    done = [harness.finish(p) for p in started]
    assert [r.status for r in done] == [0] * 6, "\n".join(map(str, done))
    seen = [one.json("where", name)["deployments"] for one in people[:3]]
    assert len(seen[0]) == 1 and all(rows == seen[0] for rows in seen)
    last = at_plain.json("log", name, "--kind", "deployed")["events"][-1]
    assert last["digest"] == seen[0][0]["event"]


def test_monitors_at_once_say_once_that_it_is_due(shared, box, name):
    shared.run("push", harness.small_model(box / "model", 3), name)
    policy = harness.write(box / "p.yaml",
                           "policy: 1\nobserve: drift > 0.2 for 2 windows\n")
    shared.run("policy", "set", name, policy)
    people = [shared.clone(box / f"home{i}") for i in range(6)]
    if shared.where == "local":
        for one in people:
            one.env["MREG_STORE"] = str(shared.store)
    # The same said by one in the same second is one event.
    started = [one.start("observe", f"{name}:v1", "--metric", "drift=0.3",
                         "--window", f"w{i}", "--json")
               for i, one in enumerate(people)]
    done = [harness.finish(p) for p in started]
    assert [r.status for r in done] == [0] * 6, "\n".join(map(str, done))
    log = shared.json("log", name, "--verify")
    kinds = [e["kind"] for e in log["events"]]
    assert log["verified"] is True and kinds.count("observed") == 6
    dues = [e["digest"] for e in log["events"] if e["kind"] == "retrain_due"]
    # Without a lock two may say it at once; the first is the one for all.
    assert dues if shared.where == "http" else len(dues) == 1
    for one in people[:2]:
        due, = one.json("observe", f"{name}:v1", "--metric",
                        "drift=0.3")["retrainDue"]
        assert due["event"] == dues[0] and due["saidNow"] is False
