"""test_inspect_siblings.py - mreg inspect of a version that stands beside itself
in other profiles: what it tells of them, and what it asks for that."""
import json

import jsonschema
import pytest

import fake
import harness

TAG = "org.opencontainers.image.ref.name"


@pytest.fixture
def gguf(tmp_path):
    """A model that may be both."""
    harness.write(tmp_path / "gguf/model.gguf", "weights")
    return tmp_path / "gguf"


@pytest.fixture
def shop():
    """shop(profile): a registry of that kind."""
    there = []

    def start(*words, **options):
        there.append(fake.Fake(*words, **options))
        return there[-1]
    yield start
    for registry in there:
        assert registry.stop() == 0


def inspect(mreg, *words, env=None):
    got = mreg.json("inspect", *words, env=env)
    schema = json.loads((harness.ROOT / "spec/schemas/inspect.schema.json")
                        .read_text())
    jsonschema.Draft7Validator(schema).validate(got)
    row = schema["properties"]["siblings"]["items"]
    assert all(set(s) == set(row["properties"]) == set(row["required"])
               for s in got["siblings"])
    return got


def make(mreg, ref, *profiles):
    """What inspect says of them."""
    number = mreg.json("inspect", ref)["number"]
    return [{"profile": p, "tag": f"v{number}-{p}", "digest":
             mreg.json("image", ref, "--profile", p)["digest"]}
            for p in profiles]


def without_size(got):
    """Nobody else told us the size, but that of all manifests is small."""
    assert all(0 < s["size"] < 4096 for s in got["siblings"])
    return [{k: s[k] for k in s if k != "size"} for s in got["siblings"]]


def rows(text):
    return [line.split() for line in text.splitlines()
            if line.split()[:1] in (["image"], ["docker"])]


def test_both_are_told(mreg, gguf):
    mreg.json("push", gguf, "churn:production")
    got = inspect(mreg, "churn")
    assert got["siblings"] == [] and got["siblingsUnread"] == 0
    assert rows(mreg.run("inspect", "churn").stdout) == []
    docker = make(mreg, "churn:v1", "docker")
    assert without_size(inspect(mreg, "churn")) == docker
    image = make(mreg, "churn:v1", "image")
    for ref in ("churn:v1", "churn:production", "churn",
                "churn@" + got["digest"]):
        now = inspect(mreg, ref)
        assert without_size(now) == image + docker, ref
        assert now["siblingsUnread"] == 0
        assert rows(mreg.run("inspect", ref).stdout) == [
            [s["profile"], s["tag"], s["digest"]] for s in image + docker]
    # Its size is that of what its digest names.
    for s in now["siblings"]:
        raw = mreg.run("inspect", f"churn@{s['digest']}", "--raw").stdout
        assert s["size"] == len(raw.encode())


def test_each_version_has_its_own(mreg, gguf):
    mreg.json("push", gguf, "churn")
    first = make(mreg, "churn:v1", "image")
    harness.write(gguf / "config.json", "{}")
    mreg.json("push", gguf, "churn")
    assert without_size(inspect(mreg, "churn:v1")) == first
    assert inspect(mreg, "churn:v2")["siblings"] == []
    # Neither a sibling nor what is attached has siblings.
    mreg.run("attach", "churn:v1", gguf / "config.json", "--type",
             "sbom")
    note, = inspect(mreg, "churn:v1")["attached"]
    for ref in "churn:v1-image", f"churn@{note['digest']}":
        assert inspect(mreg, ref)["siblings"] == []


def heads(requests):
    return sorted(r[1].rsplit("/", 1)[1] for r in requests
                  if r[0] == "HEAD" and r[1].endswith(("-image", "-docker")))


def test_each_costs_one_request(mreg, gguf, tmp_path):
    registry = harness.Registry(tmp_path / "registry")
    try:
        name = f"{registry.host}/acme/churn"
        mreg.json("push", gguf, f"{name}:production")
        image = make(mreg, f"{name}:v1", "image")
        for ref, asked in ((f"{name}:v1", ["v1-docker", "v1-image"]),
                           (f"{name}:production", ["v1-docker", "v1-image"]),
                           (f"{name}:v1-image", [])):
            mark = registry.mark()
            got = inspect(mreg, ref)
            requests = registry.requests(mark)
            assert heads(requests) == asked, ref
            # By nothing else, and not a byte of them is read.
            assert [r for r in requests if r[0] != "HEAD" and
                    r[1].endswith("v1-docker")] == []
            assert without_size(got) == (image if asked else [])
        mark = registry.mark()
        mreg.run("inspect", f"{name}:v1", "--raw")
        assert heads(registry.requests(mark)) == []
    finally:
        registry.stop()


def test_what_a_listing_drops_is_asked_for(mreg, gguf, shop):
    """A registry that lists no v1-image where there is a v1."""
    registry = shop("listing-drops")
    name = f"{registry.host}/acme/churn"
    registry.log_in(mreg).json("push", gguf, name)
    both = make(mreg, f"{name}:v1", "image", "docker")
    assert without_size(inspect(mreg, f"{name}:v1")) == both


def test_a_tombstone_is_no_sibling(mreg, gguf, shop):
    registry = shop("nodelete")
    name = f"{registry.host}/acme/churn"
    registry.log_in(mreg).json("push", gguf, f"{name}:staging")
    docker = make(mreg, f"{name}:v1", "docker")
    assert mreg.json("alias", "rm", f"{name}:staging")["tombstone"]
    there = registry.content("acme/churn")
    gone = there["manifests"][there["tags"]["staging"]]
    fake.send(registry, "PUT", "/v2/acme/churn/manifests/v1-image",
              gone.encode(), fake.MANIFEST)
    got = inspect(mreg, f"{name}:v1")
    assert without_size(got) == docker and got["siblingsUnread"] == 0
    assert [r[0] for r in rows(mreg.run("inspect", f"{name}:v1").stdout)] == \
        ["docker"]


@pytest.mark.parametrize("fault", [
    {"status": 403, "code": "DENIED", "message": "\x1b[2J"},
    {"status": 500}], ids=["403", "500"])
def test_what_cannot_be_asked_hides_nothing(mreg, gguf, shop, fault, tmp_path):
    registry = shop()
    name = f"{registry.host}/acme/churn"
    mreg.json("push", gguf, f"{name}:staging")
    image, docker = make(mreg, f"{name}:v1", "image", "docker")
    before = inspect(mreg, f"{name}:v1")
    quick = fake.quick(tmp_path)
    registry.fault(path="*/manifests/v1-docker", **fault)
    r = mreg.run("inspect", f"{name}:v1", env=quick)
    assert "warning: whether there is 'v1-docker' cannot be told: " in r.stderr
    assert "\x1b" not in r.stderr + r.stdout
    assert rows(r.stdout) == [["image", image["tag"], image["digest"]]]
    got = inspect(mreg, f"{name}:v1", env=quick)
    assert without_size(got) == [image] and got["siblingsUnread"] == 1
    assert {**got, "siblings": 0, "siblingsUnread": 0} == \
        {**before, "siblings": 0, "siblingsUnread": 0}
    registry.fault(path="*/manifests/v1-image", **fault)
    got = inspect(mreg, f"{name}:v1", env=quick)
    assert got["siblings"] == [] and got["siblingsUnread"] == 2
    assert got["number"] == 1 and got["tags"] == before["tags"]


@pytest.mark.parametrize("value", [None, "sha256:\x1b[2Jx", "sha256:" + "0" * 63])
def test_what_a_head_says_is_no_matter_of_trust(mreg, gguf, shop, value):
    """Where it says no digest, the manifest has one."""
    registry = shop()
    name = f"{registry.host}/acme/churn"
    mreg.json("push", gguf, name)
    both = make(mreg, f"{name}:v1", "image", "docker")
    registry.fault(path="*/manifests/v1-*", set="Docker-Content-Digest",
                   value=value)
    r = mreg.run("inspect", f"{name}:v1")
    assert "\x1b" not in r.stdout + r.stderr
    assert rows(r.stdout) == [[s["profile"], s["tag"], s["digest"]]
                              for s in both]


def test_without_a_log_the_tags_number_counts(mreg, gguf, store):
    """A version that came alone: by its tag it has a number, by its digest
    none, and then nothing is asked."""
    digest = mreg.json("push", gguf, "churn")["digest"]
    both = make(mreg, "churn:v1", "image", "docker")
    path = store / "churn/index.json"
    index = json.loads(path.read_bytes())
    index["manifests"] = [
        m for m in index["manifests"]
        if not m.get("annotations", {}).get(TAG, "").startswith("mreg.")]
    path.write_text(json.dumps(index))
    got = inspect(mreg, "churn:v1")
    assert got["actor"] == "" and got["number"] == 1
    assert without_size(got) == both
    got = inspect(mreg, f"churn@{digest}")
    assert got["number"] is None and got["siblings"] == []
    assert got["siblingsUnread"] == 0


def test_the_index_tells_what_it_saw(mreg, gguf, later):
    def now(seconds):
        return later(seconds / 3600)
    mreg.json("push", gguf, "churn:production")
    both = make(mreg, "churn:v1", "image", "docker")
    mreg.run("index", "sync", env=now(5))
    asked = inspect(mreg, "churn:v1", "--no-index", env=now(9))
    got = inspect(mreg, "churn:v1", env=now(9))
    assert asked.pop("index") is None and got.pop("index")["syncedAt"]
    assert got == asked and without_size(got) == both
    assert rows(mreg.run("inspect", "churn:production", "--index",
                         env=now(9)).stdout) == [
        [s["profile"], s["tag"], s["digest"]] for s in both]
    # What was made since is not known, as what was pushed is not.
    harness.write(gguf / "config.json", "{}")
    mreg.json("push", gguf, "churn", env=now(20))
    mreg.run("index", "sync", env=now(30))
    assert inspect(mreg, "churn:v2", "--index", env=now(39))["siblings"] == []
    image = mreg.json("image", "churn:v2", env=now(50))["digest"]
    assert inspect(mreg, "churn:v2", "--index", env=now(59))["siblings"] == []
    assert inspect(mreg, "churn:v2", env=now(59))["siblings"][0]["digest"] \
        == image
    mreg.run("index", "sync", env=now(70))
    assert inspect(mreg, "churn:v2", "--index",
                   env=now(79))["siblings"][0]["digest"] == image


def test_an_index_that_left_something_out_does_not_say_none(mreg, gguf, store,
                                                            later):
    """A sibling that no sync can make anything of."""
    mreg.json("push", gguf, "churn")
    image, = make(mreg, "churn:v1", "image")
    odd = b'{"schemaVersion":2,"layers":[],"manifests":[]}'
    digest = fake.digest_of(odd)
    (store / "churn/blobs/sha256" / digest[7:]).write_bytes(odd)
    path = store / "churn/index.json"
    index = json.loads(path.read_bytes())
    index["manifests"].append({**fake.descriptor(odd, fake.MANIFEST),
                               "annotations": {TAG: "v1-docker"}})
    path.write_text(json.dumps(index))
    assert without_size(inspect(mreg, "churn:v1")) == [
        image, {"profile": "docker", "tag": "v1-docker", "digest": digest}]
    mreg.run("index", "sync", env=later(5 / 3600))
    got = inspect(mreg, "churn:v1", "--index", env=later(9 / 3600))
    assert without_size(got) == [image] and got["siblingsUnread"] == 1
