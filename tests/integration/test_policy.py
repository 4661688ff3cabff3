"""test_policy.py - policies in a registry: kept there, in force for the model
and for all below the prefix, and refused before a byte is sent."""
import json
import pickle
import re

import pytest

import fake
from harness import finish, small_model

LICENSE = "policy: 1\nrequire: license\n"


def write(box, text, name="policy.yaml"):
    (box / name).write_text(text)
    return box / name


def test_a_refused_push_sends_nothing(at_plain, plain, box):
    folder = small_model(box / "m", "policy in a registry")
    at_plain.run("policy", "set", "ruled", write(box, LICENSE))
    mark = plain.mark()
    r = at_plain.run("push", folder, "ruled", status=7)
    assert "require.license: license is missing" in r.stderr
    assert plain.uploads(mark) == []
    assert [q for q in plain.requests(mark) if q[0] == "PUT"] == []
    assert not any(re.fullmatch(r"v\d+", t) for t in plain.tags("ruled"))
    assert at_plain.json("push", folder, "ruled", "--license",
                         "MIT")["number"] == 1


def test_the_registry_keeps_it_as_an_artifact(at_plain, plain, box):
    done = at_plain.json("policy", "set", "kept", write(box, LICENSE))
    assert done["tag"] in plain.tags("kept")
    doc = plain.manifest("kept", done["digest"])
    assert doc["artifactType"] == "application/vnd.mreg.policy.v1+json"
    status, body = plain.get("/v2/kept/blobs/" + doc["layers"][0]["digest"])
    assert status == 200
    assert json.loads(body) == {"policy": 1, "require": "license"}
    source, = at_plain.json("policy", "show", "kept")["sources"]
    assert source["digest"] == done["digest"]


def test_the_policy_of_the_prefix_is_for_what_is_below_it(mreg, plain, box):
    folder = small_model(box / "m", "policy of a prefix")
    ours = mreg.clone(box / "ours", MREG_REGISTRY=f"{plain.host}/ruled/team")
    ours.run("policy", "set", "mreg-policy", write(box, LICENSE))
    r = ours.run("push", folder, "churn", status=7)
    assert "/ruled/team/mreg-policy'" in r.stderr
    # Also when it is named in full.
    ours.run("push", folder, f"{plain.host}/ruled/team/churn", status=7)
    ours.run("push", folder, f"{plain.host}/unruled/churn")
    ours.run("push", folder, "churn", "--license", "MIT")
    assert ours.json("policy", "check", "churn:v1")["passed"]


def test_ancestors_are_read_where_they_are(mreg, plain, box):
    folder = small_model(box / "m", "ancestors in a registry")
    user = mreg.clone(box / "user", MREG_REGISTRY=f"{plain.host}/lineage")
    user.run("push", folder, "base", "--license", "GPL-3.0-only")
    policy = write(box, "policy: 1\n"
                        "licenses: {allow: MIT, ancestors: true}\n")
    err = user.fails(7, "push", folder, "derived", "--license", "MIT",
                     "--parent", "base", "--policy", policy)
    assert "/lineage/base:latest' is 'GPL-3.0-only'" in err["cause"]


def test_formats_of_a_version_are_read_by_ranges(at_plain, plain, box):
    folder = box / "pickled"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(
        pickle.dumps(list(range(400000))) + b"\0" * 3000000)
    (folder / "other.pkl").write_bytes(pickle.dumps({"a": 1}))
    at_plain.run("push", folder, "ranged")
    found = at_plain.run("policy", "check", "ranged:v1", "--json", "--policy",
                         write(box, "policy: 1\nformats: {pickle: deny}\n"),
                         status=7).json
    finding, = found["findings"]
    assert "other.pkl" in finding["problem"]


def test_writers_at_once_leave_one_policy_that_all_read(at_plain, plain, box):
    files = [write(box, f"policy: 1\nrequire: tags.t{i}\n", f"p{i}.yaml")
             for i in range(4)]
    running = [at_plain.start("policy", "set", "raced", f, "--json")
               for f in files]
    done = [finish(p) for p in running]
    # 4: it kept being changed by the others.
    assert {r.status for r in done} <= {0, 4}, [str(r) for r in done]
    digests = {r.json["digest"] for r in done if r.status == 0}
    source, = at_plain.json("policy", "show", "raced")["sources"]
    assert source["digest"] in digests
    fresh = at_plain.json("policy", "show", "raced",
                          env={"XDG_CACHE_HOME": str(box / "fresh")})
    assert fresh["sources"][0]["digest"] == source["digest"]
    assert source["document"]["require"].startswith("tags.t")


@pytest.fixture
def registry():
    server = fake.Fake()
    yield server
    server.stop()


def records(registry, name):
    """{tag: text} of the policies and events there, events last."""
    there = registry.content(name)
    tags = sorted(there["tags"], key=lambda tag: (".log." in tag, tag))
    return {tag: there["manifests"][there["tags"][tag]] for tag in tags}


def put_blobs(registry, name, of):
    for digest in registry.content(of)["blobs"]:
        with fake.opener.open(f"http://{registry.host}/v2/{of}/blobs/"
                              f"{digest}", timeout=60) as answer:
            data = answer.read()
        where = fake.send(registry, "POST", f"/v2/{name}/blobs/uploads/")
        fake.send(registry, "PUT", where["Location"] + "&digest=" + digest,
                  data)


@pytest.mark.parametrize("expect", [True, False])
def test_a_policy_that_was_expected_is_set_on_no_other(mreg, registry, box,
                                                       expect):
    """Two others come between the look at what is in force and the event:
    theirs are longer in the log, so they win."""
    user = mreg.clone(box / "user", MREG_REGISTRY=registry.host)
    for i in range(2):
        user.run("policy", "set", "other",
                 write(box, f"policy: 1\nrequire: tags.t{i}\n"))
    put_blobs(registry, "raced", "other")
    registry.gate(0)
    words = ["--expect", "none"] if expect else []
    late = user.start("policy", "set", "raced", write(box, LICENSE), "--json",
                      *words)
    while registry.moved()["waiting"] == 0:
        assert late.poll() is None, str(finish(late))
    for tag, text in records(registry, "other").items():
        fake.send(registry, "PUT", f"/v2/raced/manifests/{tag}",
                  text.encode(), fake.MANIFEST)
    registry.gate()
    done = finish(late)
    assert done.status == (4 if expect else 0), str(done)
    if expect:
        err = json.loads(done.stderr)["error"]
        assert err["code"] == "conflict"
        assert "was changed by others meanwhile" in err["message"]
    source, = user.json("policy", "show", "raced")["sources"]
    assert source["document"]["require"] == ("tags.t1" if expect
                                             else "license")


PREFIX = "/v2/team/mreg-policy/tags/list*"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_read_the_prefix_has_no_policy_of_it(mreg, registry, box,
                                                         status):
    """Many registries deny what does not exist."""
    registry.fault(method="GET", path=PREFIX, status=status)
    user = mreg.clone(box / "user", MREG_REGISTRY=f"{registry.host}/team")
    r = user.run("push", small_model(box / "m", status), "churn", "-v")
    if status == 403:
        assert "no policy is taken from" in r.stderr
    assert user.json("policy", "show", "churn")["sources"] == []


def test_a_prefix_that_cannot_be_asked_lets_nothing_through(mreg, registry,
                                                            box):
    registry.fault(method="GET", path=PREFIX, status=500)
    user = mreg.clone(box / "user", MREG_REGISTRY=f"{registry.host}/team",
                      **fake.quick(box))
    err = user.fails(8, "push", small_model(box / "m", "asked"), "churn")
    assert "cannot look for a policy in" in err["message"]
    assert registry.content("team/churn")["manifests"] == {}
