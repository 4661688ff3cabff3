"""test_profiles.py - the main job on every kind of registry that the fake one
can be: push, pull, aliases, lists, copies and attached documents."""
import base64
import hashlib
import json
import random

import pytest

import fake
from harness import MIB, Mreg, assert_pulled, copy_tree, tree, write

# Where all tags are fixed; elsewhere some may be.
FIXED = ("immutable", "immutable-412", "immutable-400")
NO_API = ("ghcr", "dockerhub", "gitlab", "gitea", "s3", "listing-drops",
          "dist28", "dist3", "nodelete", "cloudflare", "immutable")
NO_CATALOG = ("ghcr", "dockerhub", "gitlab")


@pytest.fixture(scope="module", params=fake.PROFILES)
def shop(request):
    """A registry with the quirks of one maker."""
    registry = fake.Fake(request.param)
    registry.profile = request.param
    yield registry
    assert registry.stop() == 0


@pytest.fixture(scope="module")
def quick(work):
    return fake.quick(work)


def place(box):
    """A namespace for one test; names of folders do not all fit."""
    return hashlib.sha256(box.name.encode()).hexdigest()[:12]


@pytest.fixture
def user(binary, box, shop, quick):
    """Somebody whose short names are in that registry."""
    mreg = Mreg(binary, box / "home", env={
        **quick, "MREG_REGISTRY": f"{shop.host}/{place(box)}"})
    shop.clear()
    yield shop.log_in(mreg)
    # Never a credential where it does not belong.
    assert not shop.leaks()


@pytest.fixture(scope="module")
def model(work):
    """More than one of a registry's chunks (4 MiB at ghcr.io), several files,
    nested, executable, tiny."""
    rng = random.Random("profiles")
    folder = work / "profiled"
    write(folder / "model.bin", rng.randbytes(9 * MIB + 17))
    write(folder / "adapter/part.bin", rng.randbytes(300000))
    write(folder / "config.json", "{}")
    write(folder / "one.txt", "1")
    write(folder / "run.sh", "#!/bin/sh\n", executable=True)
    return folder


def data_requests(shop):
    """Requests that moved blobs, or began to."""
    return [r for r in shop.seen() if "/blobs/" in r["path"] and
            r["method"] in ("POST", "PATCH", "PUT", "GET")]


def test_pushes_once_and_pulls_once(shop, user, model, box):
    expected = tree(model)
    first = user.json("push", model, "churn")
    assert first["number"] == 1 and not first["identical"]
    found, wrong = shop.whole(f"{place(box)}/churn")
    assert found == {1: first["digest"]} and not wrong

    shop.clear()
    again = user.json("push", model, "churn")
    assert again["identical"] and again["digest"] == first["digest"]
    assert again["bytesSent"] == 0 and not data_requests(shop)

    pulled = user.json("pull", "churn", "-o", box / "out")
    assert pulled["digest"] == first["digest"]
    assert_pulled(box / "out", expected)
    shop.clear()
    pulled = user.json("pull", "churn", "-o", box / "out")
    assert pulled["bytesFetched"] == 0 and not data_requests(shop)
    assert_pulled(box / "out", expected)


def test_a_second_version_sends_what_is_new(shop, user, model, box):
    user.json("push", model, "churn")
    changed = copy_tree(model, box / "changed")
    write(changed / "config.json", '{"changed": true}')
    r = user.run("push", changed, "churn", "--json")
    second = r.json
    assert second["number"] == 2
    assert second["bytesSent"] < MIB < second["bytesReused"]
    if shop.profile in FIXED:
        # The version is published; 'latest' cannot follow, and it is told.
        assert not second["latest"]
        assert "'latest' was not moved" in r.stderr
    else:
        assert second["latest"]
        assert user.json("resolve", "churn")["digest"] == second["digest"]
    user.json("pull", "churn:v2", "-o", box / "two")
    assert_pulled(box / "two", tree(changed))
    found, wrong = shop.whole(f"{place(box)}/churn")
    assert set(found) == {1, 2} and not wrong


def test_ten_versions_are_counted_and_listed(shop, user, box):
    """v10 begins with v1 (B-45), a page may be short, its end null (B-19)."""
    for i in range(1, 12):
        folder = box / "small"
        write(folder / "config.json", json.dumps({"n": i}))
        assert user.json("push", folder, "many")["number"] == i
    listed = user.json("ls", "many")["versions"]
    assert {v["number"] for v in listed} == set(range(1, 12))


def test_aliases_names_and_inspection(shop, user, model, box):
    first = user.json("push", model, "churn")
    small = write(box / "two/config.json", "{}").parent
    second = user.json("push", small, "churn")
    user.json("alias", "set", "churn:v1", "production")
    assert user.json("resolve", "churn:production")["digest"] == \
        first["digest"]
    if shop.profile in FIXED:
        error = user.fails(9, "alias", "set", "churn:v2", "production")
        assert "immutable" in error["message"] + error["hint"]
        assert error["hint"]
        assert user.json("resolve", "churn:production")["digest"] == \
            first["digest"]
    else:
        user.json("alias", "set", "churn:v2", "production")
        assert user.json("resolve", "churn:production")["digest"] == \
            second["digest"]
    listed = user.json("ls", "churn")["versions"]
    assert [v["number"] for v in listed] in ([2, 1], [1, 2])
    seen = user.json("inspect", "churn:v1")
    assert seen["digest"] == first["digest"]
    assert user.json("resolve", "churn:v2")["digest"] == second["digest"]
    assert user.fails(3, "resolve", "churn:v77")["hint"]
    assert user.fails(3, "resolve", "nobody:v1")["hint"]


def test_an_alias_goes_away(shop, user, box):
    """Deleted, or pointed at the tombstone where tags cannot be deleted."""
    small = write(box / "small/config.json", "{}").parent
    user.json("push", small, "churn", "--alias", "staging")
    if shop.profile in FIXED:
        error = user.fails(9, "alias", "rm", "churn:staging")
        assert "immutable" in error["message"] + error["hint"]
        return
    user.json("alias", "rm", "churn:staging")
    assert user.fails(3, "resolve", "churn:staging")["hint"]
    assert user.json("resolve", "churn:v1")


def test_models_are_listed_where_there_is_a_catalog(shop, user, box):
    small = write(box / "small/config.json", "{}").parent
    user.json("push", small, "churn")
    if shop.profile in NO_CATALOG:
        error = user.fails(9, "ls")
        assert "catalog" in error["message"] + error["hint"]
        assert error["hint"]
    else:
        assert [m.rsplit("/", 1)[-1]
                for m in user.json("ls")["models"]] == ["churn"]


def test_old_files_keep_their_old_number(shop, user, box):
    """Pushing the older files again gives the older number, nothing else."""
    for n in (1, 2):
        write(box / f"{n}/config.json", json.dumps({"n": n}))
        user.json("push", box / f"{n}", "churn")
    one = user.json("resolve", "churn:v1")["digest"]
    again = user.json("push", box / "1", "churn")
    assert again["identical"] and again["number"] == 1
    assert user.json("resolve", "churn:v1")["digest"] == one


@pytest.mark.parametrize("profile", ["acr", "jfrog", None])
def test_an_identity_token_is_enough(binary, box, quick, profile):
    """What `docker login` leaves at ACR and JFrog.  Asked for by POST, and by
    GET where a POST is 400 or 401 (B-08)."""
    options = {} if profile else {"username": "ada", "bearer": True,
                                  "identity": "refresh-me"}
    registry = fake.Fake(profile, **options)
    mreg = Mreg(binary, box / "home", env=quick)
    write(box / "home/docker/config.json", json.dumps({"auths": {
        registry.host: {"auth": base64.b64encode(
            b"00000000-0000-0000-0000-000000000000:").decode(),
            "identitytoken": "refresh-me"}}}))
    small = write(box / "small/config.json", "{}").parent
    mreg.run("push", small, f"{registry.host}/acme/m")
    mreg.run("pull", f"{registry.host}/acme/m", "-o", box / "out")
    assert_pulled(box / "out", tree(small))
    assert "POST token" in [fake.kind(r) for r in registry.seen()]
    assert registry.stop() == 0


# -- copies and attached documents -----------------------------------------------


@pytest.fixture(scope="module")
def source(binary, work, model, quick):
    """A model of two versions and three documents on the first, in a registry
    with the referrers API."""
    registry = fake.Fake(referrers=True)
    mreg = Mreg(binary, work / "source-home", env={
        **quick, "MREG_REGISTRY": f"{registry.host}/from"})
    registry.digests = [mreg.json("push", model, "churn")["digest"]]
    small = write(work / "source-small/config.json", '{"two": 2}').parent
    registry.digests.append(mreg.json("push", small, "churn")["digest"])
    mreg.json("alias", "set", "churn:v1", "production")
    text = registry.content("from/churn")["manifests"][registry.digests[0]]
    registry.documents = {
        fake.attach(registry, "from/churn", text, kind)
        for kind in ("card", "report", "sbom")}
    registry.name = f"{registry.host}/from/churn"
    yield registry
    assert registry.stop() == 0


def test_copies_a_model_with_its_documents_and_back(shop, user, source, box):
    """There and out again: every digest the same, documents still attached."""
    there = f"{place(box)}/copied"
    if shop.profile == "immutable":
        # Its fallback tag cannot grow: there is no way to list documents.
        error = user.fails(9, "copy", source.name, "copied")
        assert "immutable" in str(error) and error["hint"]
        return
    r = user.json("copy", source.name, "copied")
    assert r["versions"] == 2 and r["documents"] == 3
    content = shop.content(there)
    found, wrong = shop.whole(there)
    assert found == dict(enumerate(source.digests, 1)) and not wrong
    assert source.documents <= set(content["manifests"])
    fallback = source.digests[0].replace(":", "-")
    if shop.profile in NO_API:
        index = json.loads(content["manifests"][content["tags"][fallback]])
        assert {m["digest"] for m in index["manifests"]} == source.documents
        for m in index["manifests"]:
            assert m["artifactType"].startswith("application/vnd.acme.")
            assert m["annotations"]["com.acme.kind"]
    else:
        assert fallback not in content["tags"]

    again = user.json("copy", source.name, "copied")
    assert again["bytesSent"] == 0

    local = user.clone(box / "local")
    del local.env["MREG_REGISTRY"]
    shop.log_in(local)
    back = local.json("copy", f"{shop.host}/{there}", "back")
    assert back["versions"] == 2 and back["documents"] == 3
    for n, digest in enumerate(source.digests, 1):
        assert local.json("resolve", f"back:v{n}")["digest"] == digest
    assert local.json("resolve", "back:production")["digest"] == \
        source.digests[0]


def test_a_copy_over_another_model_writes_nothing(shop, user, source, box):
    other = write(box / "other/config.json", '{"other": 1}').parent
    user.json("push", other, "taken")
    there = f"{place(box)}/taken"
    before = shop.content(there)
    error = user.fails(4, "copy", source.name, "taken")
    assert "v1" in error["message"] + error["hint"] + str(error)
    assert shop.content(there) == before
