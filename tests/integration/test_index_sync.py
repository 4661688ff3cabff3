"""test_index_sync.py - the index of what Debian's registry holds: what a sync
asks it, and that it comes to what a rebuild has, on both databases."""
import collections
import os
import pathlib
import random
import re
import shutil
import subprocess
import urllib.request
import uuid

import pytest

import harness
from index_life import (Platform, anew, assert_same, dump, index_of,
                        rows)

POSTGRES = os.environ.get("MREG_TEST_POSTGRES")
FULL = bool(os.environ.get("MREG_TEST_FULL"))


@pytest.fixture
def registry(box):
    """One of its own: syncs look at all of it."""
    registry = harness.Registry(box / "registry")
    yield registry
    registry.stop()


@pytest.fixture
def churn(mreg, registry, box):
    """churn:v1 to v3 with two aliases, a document, and a model beside it."""
    for number in (1, 2, 3):
        folder = harness.small_model(box / f"m{number}", number)
        mreg.run("push", folder, f"{registry.host}/acme/churn:staging")
    ref = f"{registry.host}/acme/churn"
    mreg.run("alias", "set", f"{ref}:v2", "production")
    mreg.run("evaluate", f"{ref}:v2", "--suite", "speed", "--pass")
    mreg.run("push", box / "m1", f"{registry.host}/fraud")
    return ref


def remove_repository(registry):
    top = registry.folder / "data/docker/registry/v2/repositories"
    return lambda name: shutil.rmtree(top / name)


def asked(registry, since):
    """What it was asked of each repository: method, what, and how often."""
    out = collections.defaultdict(collections.Counter)
    for method, path, status in registry.requests(since):
        m = re.match(r"/v2/(.+)/(tags/list|manifests|blobs|referrers)/?(\S*)",
                     path)
        if m:
            what = m[3].partition("?")[0] if m[2] != "tags/list" else ""
            out[m[1]][method, m[2].partition("?")[0], what, status] += 1
    return out


# -- what it costs --------------------------------------------------------------


def test_a_sync_that_finds_nothing_costs_a_listing_and_few_heads(
        mreg, registry, churn):
    mreg.run("index", "sync", f"{registry.host}/")
    since = registry.mark()
    done = mreg.json("index", "sync", f"{registry.host}/")
    assert done["models"] == {"lookedAt": 2, "changed": 0, "removed": 0,
                              "failed": 0}
    seen = asked(registry, since)
    assert dict(seen["acme/churn"]) == {
        ("GET", "tags/list", "", 200): 1,
        ("HEAD", "manifests", "v4", 404): 1,
        ("HEAD", "manifests", "latest", 304): 1,
        ("HEAD", "manifests", "production", 304): 1,
        ("HEAD", "manifests", "staging", 304): 1}
    assert dict(seen["fraud"]) == {
        ("GET", "tags/list", "", 200): 1,
        ("HEAD", "manifests", "v2", 404): 1,
        ("HEAD", "manifests", "latest", 304): 1}
    # And the catalog.
    assert done["requests"] == 9


def test_what_is_new_alone_is_read(mreg, registry, churn, box):
    mreg.run("index", "sync", f"{registry.host}/")
    mreg.run("push", harness.small_model(box / "m4", 4), churn)
    mreg.run("attach", f"{churn}:v1", __file__, "--type", "text/x-test")
    since = registry.mark()
    done = mreg.json("index", "sync", churn)
    assert done["versions"] == {"new": 1, "removed": 0}
    seen = asked(registry, since)["acme/churn"]
    read = {what for (method, kind, what, _) in seen
            if method == "GET" and kind == "manifests"}
    # The version, its siblings; those of v1, of which something new hangs.
    assert {w for w in read if re.match(r"v\d", w)} == {
        "v4", "v4-image", "v4-docker", "v1-image", "v1-docker"}
    assert ("HEAD", "manifests", "v2", 200) not in seen
    row, = [r for r in rows(index_of(mreg), "documents") if r["version"] == 1]
    assert row["artifact_type"] == "text/x-test"


def test_a_sweep_finds_what_was_moved_behind_mregs_back(mreg, registry, churn):
    """A v<N> never moves; where somebody moved one, a sweep tells."""
    mreg.run("index", "sync", f"{registry.host}/")
    digest = mreg.json("resolve", f"{churn}:v3")["digest"]
    _, body = registry.get("/v2/acme/churn/manifests/v1",
                           "application/vnd.oci.image.manifest.v1+json")
    put(registry, "acme/churn", "v3", body)
    mreg.run("index", "sync")
    assert not any(r["moved"] for r in rows(index_of(mreg), "versions"))
    mreg.run("index", "sync", "--sweep")
    moved, = [r for r in rows(index_of(mreg), "versions") if r["moved"]]
    assert (moved["model"], moved["version"]) == (churn, 3)
    # The log's counts.
    assert moved["digest"] == digest
    assert_same(dump(index_of(mreg)),
                anew(mreg, mreg.home / "other", f"{registry.host}/"))


def put(registry, repository, tag, body):
    request = urllib.request.Request(
        f"http://{registry.host}/v2/{repository}/manifests/{tag}", body,
        {"Content-Type": "application/vnd.oci.image.manifest.v1+json"},
        method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def test_a_registry_that_is_gone_is_told_and_nothing_is_lost(
        mreg, registry, churn):
    mreg.run("index", "sync", f"{registry.host}/")
    before = dump(index_of(mreg))
    registry.stop()
    r = mreg.run("index", "sync", "--json", status=None)
    assert r.status not in (0, 130), str(r)
    assert r.json["models"]["failed"] == 2
    assert r.json["unlisted"][0]["place"] == registry.host
    assert_same(dump(index_of(mreg)), before)
    told = mreg.json("index", "status")["models"]
    assert all(row["error"] and row["syncedAt"] for row in told)


# -- the same, however it came about --------------------------------------------


@pytest.mark.parametrize("seed", range(10 if FULL else 1))
def test_syncs_that_end_with_a_sweep_come_to_a_rebuild(mreg, registry, box,
                                                       seed):
    rng = random.Random(seed)
    mreg.env["MREG_REGISTRY"] = registry.host
    platform = Platform(mreg, box / "made", rng, f"{registry.host}/",
                        remove_repository(registry))
    mreg.run("index", "sync", f"{registry.host}/")
    for _ in range(25):
        platform.step(more=[Platform.attach])
        if rng.random() < 0.3:
            mreg.run("index", "sync")
    mreg.run("index", "sync", "--sweep")
    swept = dump(index_of(mreg))
    assert_same(swept, anew(mreg, box / "other", f"{registry.host}/"))
    mreg.run("index", "rebuild")
    assert_same(swept, dump(index_of(mreg)))


# -- PostgreSQL -----------------------------------------------------------------


@pytest.fixture
def shared():
    """The URI of a database of its own."""
    if not POSTGRES:
        pytest.skip("no PostgreSQL here: scripts/postgres starts one")
    name = f"t{uuid.uuid4().hex}"
    psql(POSTGRES, f"CREATE DATABASE {name}")
    yield re.sub(r"^([a-z]+://[^/?]*)/?[^?]*", rf"\1/{name}", POSTGRES)
    psql(POSTGRES, f"DROP DATABASE {name} WITH (FORCE)")


def psql(uri, sql):
    """Rows of texts."""
    program = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))
    done = subprocess.run(
        [program, "-XAt", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1",
         "-c", sql, uri], check=True, capture_output=True, text=True)
    text = done.stdout.rstrip("\n")
    return [tuple(row.split("\x1f")) for row in text.split("\x1e")] \
        if text else []


def as_text(row):
    return tuple("" if v is None else str(v) for v in row)


# Written by each database in its own way.
FLOATS = {"metrics": 3, "params": 4}


def dump_shared(uri):
    names = [r[0] for r in psql(
        uri, "SELECT viewname FROM pg_views WHERE schemaname = 'mreg'")]
    return {name: sorted(psql(uri, f"SELECT * FROM mreg.{name}"))
            for name in names if name != "syncs"}


def without_floats(name, said):
    at = FLOATS.get(name)
    return sorted(r[:at] + r[at + 1:] if at else r for r in said)


def test_postgresql_has_the_same(mreg, registry, box, shared):
    rng = random.Random("shared")
    mreg.env["MREG_REGISTRY"] = registry.host
    platform = Platform(mreg, box / "made", rng, f"{registry.host}/",
                        remove_repository(registry))
    place = f"{registry.host}/"
    mreg.run("index", "sync", place, "--db", shared)
    for i in range(20):
        platform.step(more=[Platform.attach])
        if i % 6 == 0:
            mreg.run("index", "sync", "--db", shared)
    mreg.run("index", "sync", "--sweep", "--db", shared)
    mreg.run("index", "sync", place)
    swept = dump_shared(shared)
    near = dump(index_of(mreg))
    assert swept.keys() == near.keys() - {"cards"}
    for name, said in swept.items():
        assert without_floats(name, said) == without_floats(
            name, [as_text(r) for r in near[name]]), name
    mreg.run("index", "rebuild", "--db", shared)
    assert dump_shared(shared) == swept
    assert mreg.json("index", "status", "--db", shared)["kind"] == \
        "postgresql"
