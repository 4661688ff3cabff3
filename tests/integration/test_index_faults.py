"""test_index_faults.py - index sync on registries that misbehave: what can be
had is indexed, what cannot is told, and the next sync mends it."""
import collections
import signal
import time

import pytest

import fake
from harness import finish, kill, small_model
from index_life import anew, assert_same, dump, index_of, is_whole, rows
from test_fault_matrix import quick  # noqa: F401
from test_index_sync import dump_shared, psql, shared  # noqa: F401

MODELS = ("one", "three", "two")


@pytest.fixture
def fakes():
    """Starts fake registries."""
    started = []

    def start(*args, **options):
        started.append(fake.Fake(*args, **options))
        return started[-1]

    yield start
    for registry in started:
        registry.clear()
        registry.gate()
        assert registry.stop() == 0


def push(who, registry, box, name, seed, *words):
    folder = small_model(box / f"m{seed}", seed)
    who.run("push", folder, f"{registry.host}/acme/{name}", *words)


def fill(who, registry, box):
    """Three models of two versions, each with an alias."""
    for i, name in enumerate(MODELS):
        for number in (1, 2):
            push(who, registry, box, name, 10 * i + number)
        who.run("alias", "set", f"{registry.host}/acme/{name}:v1", "live")


@pytest.fixture
def writer(mreg, box, quick):  # noqa: F811
    """Another one than who syncs, whose memory is empty."""
    mreg.env.update(quick)
    return mreg.clone(box / "writer")


@pytest.fixture
def there(fakes, writer, box):
    registry = fakes(etags=True)
    fill(writer, registry, box)
    return registry


def names(mreg):
    return sorted(row["model"].rpartition("/")[2]
                  for row in rows(index_of(mreg), "models"))


def without_ping(registry):
    """What was asked since clear(), but for what a host speaks."""
    return [r for r in registry.seen() if fake.kind(r) != "GET ping"]


def is_mended(mreg, registry, box, *places):
    """The next sync has all, and nothing that is not there any more."""
    registry.clear()
    done = mreg.json("index", "sync")
    assert done["models"]["failed"] == 0 and not done["unlisted"]
    assert_same(dump(index_of(mreg)),
                anew(mreg, box / "other", *(places or [f"{registry.host}/"])))
    assert all(m["error"] is None
               for m in mreg.json("index", "status")["models"])


# -- what cannot be listed --------------------------------------------------------


def test_a_registry_without_a_catalog_is_told_its_repositories_once(
        mreg, fakes, writer, box):
    registry = fakes(no_catalog=True)
    fill(writer, registry, box)
    place = f"{registry.host}/"
    error = mreg.fails(9, "index", "sync", place)
    assert f"mreg index sync {registry.host}/NAME..." in error["hint"]
    # What is named is synced, and what cannot be listed is told beside it.
    done = mreg.json("index", "sync", place, f"{registry.host}/acme/one",
                     f"{registry.host}/acme/two")
    assert done["models"]["lookedAt"] == 2
    row, = done["unlisted"]
    assert row["place"] == place
    assert f"{registry.host}/NAME..." in row["error"]
    assert names(mreg) == ["one", "two"]
    # From here on, without naming them.
    push(writer, registry, box, "two", 99)
    done = mreg.json("index", "sync", place)
    assert (done["models"]["lookedAt"], done["versions"]["new"]) == (2, 1)
    said = mreg.run("index", "sync", place)
    assert said.stderr.startswith(
        f"warning: '{registry.host}' cannot be listed: ")
    assert mreg.json("index", "sync")["models"]["lookedAt"] == 2


def test_a_repository_that_vanishes_behind_the_catalog_is_removed(
        mreg, there, box):
    mreg.run("index", "sync", f"{there.host}/")
    there.fault(path="/v2/acme/two/*", status=404, code="NAME_UNKNOWN")
    done = mreg.json("index", "sync")
    assert done["models"] == {"lookedAt": 3, "changed": 1, "removed": 1,
                              "failed": 0}
    assert names(mreg) == ["one", "three"]
    # One that nobody knew is nothing at all.
    assert mreg.json("index", "sync")["otherRepositories"] == 1
    is_mended(mreg, there, box)


def test_versions_that_a_listing_drops_are_asked_for(mreg, fakes, writer,
                                                     box):
    """v1 is there, so v10 and v11 are not in the listing."""
    registry = fakes("listing-drops")
    ref = f"{registry.host}/acme/long"
    for number in range(1, 11):
        push(writer, registry, box, "long", number)
    mreg.run("index", "sync", ref)
    assert [r["version"] for r in rows(index_of(mreg), "versions")] == \
        list(range(1, 11))
    push(writer, registry, box, "long", 11)
    # By somebody without mreg: nothing in the log tells of it.
    text = registry.content("acme/long")
    fake.send(registry, "PUT", "/v2/acme/long/manifests/v12",
              text["manifests"][text["tags"]["v1"]].encode(), fake.MANIFEST)
    done = mreg.json("index", "sync")
    assert done["versions"] == {"new": 2, "removed": 0}
    assert mreg.json("index", "sync")["models"]["changed"] == 0
    mreg.run("index", "sync", "--sweep")
    assert_same(dump(index_of(mreg)), anew(mreg, box / "other", ref))


def test_a_version_that_went_unlisted_is_found_by_a_sweep(mreg, fakes, writer,
                                                          box):
    registry = fakes("listing-drops")
    ref = f"{registry.host}/acme/long"
    for number in range(1, 11):
        push(writer, registry, box, "long", number)
    mreg.run("index", "sync", ref)
    fake.send(registry, "DELETE", "/v2/acme/long/manifests/v10")
    # No listing had it, so none lacks it.
    assert mreg.json("index", "sync")["versions"]["removed"] == 0
    done = mreg.json("index", "sync", "--sweep")
    assert done["versions"] == {"new": 0, "removed": 1}
    assert_same(dump(index_of(mreg)), anew(mreg, box / "other", ref))


def test_names_that_a_listing_drops_are_in_the_log(mreg, fakes, writer, box):
    registry = fakes("listing-drops")
    ref = f"{registry.host}/acme/one"
    for seed in (1, 2):
        push(writer, registry, box, "one", seed)
    writer.run("alias", "set", f"{ref}:v1", "prod")
    mreg.run("index", "sync", ref)
    writer.run("alias", "set", f"{ref}:v1", "production")
    mreg.run("index", "sync")
    writer.run("alias", "set", f"{ref}:v2", "production")
    mreg.run("index", "sync")
    assert {r["alias"]: r["version"] for r in rows(index_of(mreg), "aliases")} \
        == {"latest": 2, "prod": 1, "production": 2}
    mreg.run("index", "sync", "--sweep")
    assert_same(dump(index_of(mreg)), anew(mreg, box / "other", ref))


@pytest.mark.parametrize("maker", fake.PROFILES)
def test_the_registry_of_each_maker_is_synced_by_names(mreg, fakes, writer, box,
                                                   maker):
    registry = fakes(maker)
    ref = f"{registry.host}/acme/one"
    for who in (mreg, writer):
        registry.log_in(who)
    for seed in (1, 2):
        push(writer, registry, box, "one", seed)
    # Where tags cannot be moved there are none that move.
    writer.run("alias", "set", f"{ref}:v1", "live", status=None)
    assert mreg.json("index", "sync", ref)["versions"]["new"] == 2
    registry.clear()
    done = mreg.json("index", "sync", ref)
    assert done["models"]["changed"] == 0
    asked = collections.Counter(
        (r["method"], r["path"].partition("?")[0].rpartition("/")[2])
        for r in without_ping(registry) if r["status"] != 401 and
        fake.kind(r) not in ("GET token", "POST token"))
    # Some deny what there is not, and are asked with GET then (B-39).
    asked.pop(("GET", "v3"), None)
    names_of = {r["alias"] for r in rows(index_of(mreg), "aliases")}
    assert asked == {("GET", "list"): 1, ("HEAD", "v3"): 1,
                     **{("HEAD", name): 1 for name in names_of}}
    mreg.run("index", "sync", "--sweep", ref)
    # Somebody else comes to the same.
    other = registry.log_in(mreg.clone(box / "other"))
    other.run("index", "sync", ref)
    assert_same(dump(index_of(mreg)), dump(index_of(other)))


# -- what a sync costs ------------------------------------------------------------


@pytest.mark.parametrize("etags, status", [(True, 304), (False, 200)])
def test_a_tag_that_may_move_costs_one_head(mreg, fakes, writer, box, etags,
                                            status):
    """Also where a registry does not look at If-None-Match."""
    registry = fakes(etags=True) if etags else fakes()
    fill(writer, registry, box)
    mreg.run("index", "sync", f"{registry.host}/")
    registry.clear()
    done = mreg.json("index", "sync", f"{registry.host}/")
    assert done["models"]["changed"] == 0
    seen = without_ping(registry)
    assert collections.Counter(fake.kind(r) for r in seen) == {
        "GET catalog": 1, "GET tags": 3, "HEAD manifest": 9}
    # live, latest; and v3, which there is not.
    asked = sorted((r["path"].rpartition("/")[2], r["status"],
                    r["unless"] != "") for r in seen if r["method"] == "HEAD")
    assert asked == 3 * [("latest", status, True)] + \
        3 * [("live", status, True)] + 3 * [("v3", 404, False)]
    assert done["requests"] == len(seen) == 13


def test_each_page_of_a_listing_is_asked_for_once(mreg, fakes, writer, box):
    registry = fakes(page=2)
    fill(writer, registry, box)
    mreg.run("index", "sync", f"{registry.host}/")
    tags = {name: len(registry.content(f"acme/{name}")["tags"])
            for name in MODELS}
    assert min(tags.values()) > 4
    registry.clear()
    done = mreg.json("index", "sync")
    assert done["models"]["changed"] == 0
    asked = collections.Counter(
        r["path"].split("/")[3] for r in registry.seen() if "/tags/" in
        r["path"])
    assert asked == {name: -(-n // 2) for name, n in tags.items()}
    assert done["requests"] == len(without_ping(registry))
    is_mended(mreg, registry, box)


def test_the_policy_of_the_prefix_costs_one_listing(mreg, there, writer, box):
    place = f"{there.host}/acme"
    for who in (mreg, writer):
        who.env["MREG_REGISTRY"] = place
    mreg.run("index", "sync")
    there.clear()
    assert mreg.json("index", "sync")["requests"] == 14
    asked = [r for r in there.seen() if "mreg-policy" in r["path"]]
    assert [(r["method"], r["status"]) for r in asked] == [("GET", 404)]
    (box / "p.yaml").write_text("policy: 1\nstages: [live]\n")
    writer.run("policy", "set", "mreg-policy", box / "p.yaml")
    done = mreg.json("index", "sync")
    assert done["models"]["changed"] == 3 and done["versions"]["new"] == 0
    assert {r["stage"] for r in rows(index_of(mreg), "versions")
            if r["version"] == 1} == {"live"}
    there.clear()
    assert mreg.json("index", "sync")["requests"] == 14
    # Where that repository alone is out of order.
    before = dump(index_of(mreg))
    there.fault(path="*/mreg-policy/*", status=500)
    r = mreg.run("index", "sync", "--json", status=None)
    assert r.status not in (0, 130), str(r)
    done = r.json
    assert done["unlisted"][0]["place"] == f"{place}/mreg-policy"
    assert done["models"]["failed"] == 0
    assert_same(dump(index_of(mreg)), before)
    is_mended(mreg, there, box, f"{place}/")


# -- what fails -------------------------------------------------------------------


def test_a_token_that_ends_in_the_middle_is_renewed(mreg, fakes, writer, box):
    registry = fakes(username="ada", password="s3cret", bearer=True,
                     token_uses=4)
    fill(registry.log_in(writer), registry, box)
    registry.clear()
    done = registry.log_in(mreg).json("index", "sync", f"{registry.host}/")
    assert done["models"]["changed"] == 3 and done["models"]["failed"] == 0
    assert any(r["status"] == 401 and r["scheme"] == "Bearer"
               for r in registry.seen())
    assert done["tokenRequests"] > 3


def test_who_may_not_read_one_repository_has_the_others(mreg, there, box):
    mreg.run("index", "sync", f"{there.host}/")
    before = dump(index_of(mreg))
    there.fault(path="/v2/acme/three/*", status=401)
    done = mreg.run("index", "sync", "--json", status=5).json
    assert done["models"]["failed"] == 1
    assert_same(dump(index_of(mreg)), before)
    is_mended(mreg, there, box)


@pytest.mark.parametrize("what", ["*/tags/list*", "*/manifests/*",
                                  "*/blobs/sha*", "/v2/_catalog*"])
def test_whoever_asks_to_wait_is_waited_for(mreg, there, writer, box, what):
    mreg.run("index", "sync", f"{there.host}/")
    for i, name in enumerate(MODELS):
        push(writer, there, box, name, 50 + i)
    there.clear()
    there.fault(path=what, status=429, times=2, headers="Retry-After: 7")
    done = mreg.json("index", "sync", f"{there.host}/")
    assert done["models"] == {"lookedAt": 3, "changed": 3, "removed": 0,
                              "failed": 0}
    seen = without_ping(there)
    assert sum(r["status"] == 429 for r in seen) == 2
    # Tries count.
    assert done["requests"] == len(seen)
    is_mended(mreg, there, box)


# Of one repository: everything; of what is known, what is new.
@pytest.mark.parametrize("what", ["tags/list*", "manifests/mreg.log.*",
                                  "manifests/v3", "blobs/*",
                                  "manifests/live"])
def test_one_that_fails_stays_as_it_was_and_is_mended(mreg, there, writer,
                                                      box, what):
    mreg.run("index", "sync", f"{there.host}/")
    before = dump(index_of(mreg))
    for i, name in enumerate(MODELS):
        push(writer, there, box, name, 50 + i)
        writer.run("alias", "set", f"{there.host}/acme/{name}:v2", "live")
        writer.run("archive", f"{there.host}/acme/{name}:v1", "--reason",
                   "old")
    there.fault(path=f"/v2/acme/three/{what}", status=500)
    r = mreg.run("index", "sync", "--json", status=None)
    assert r.status not in (0, 130), str(r)
    assert r.json["models"] == {"lookedAt": 3, "changed": 2, "removed": 0,
                                "failed": 1}
    failed, = [c for c in r.json["changes"] if c["error"]]
    assert failed["name"].endswith("/three")
    now = dump(index_of(mreg))

    def of_three(said):
        return [row for row in said["versions"] if row[0] == failed["name"]]

    assert of_three(now) == of_three(before)
    assert len(now["versions"]) == 8
    told, = [m for m in mreg.json("index", "status")["models"] if m["error"]]
    assert told["name"] == failed["name"] and told["indexed"]
    assert mreg.run("index", "sync", "-q", status=r.status).stderr.startswith(
        f"warning: '{failed['name']}' was not synced: ")
    is_mended(mreg, there, box)


def test_the_first_failure_is_the_exit_status(mreg, there):
    there.fault(path="/v2/acme/one/*", status=401)
    there.fault(path="/v2/acme/two/*", status=500)
    r = mreg.run("index", "sync", f"{there.host}/", "-j", "1", "--json",
                 status=5)
    assert r.json["models"]["failed"] == 2 and names(mreg) == ["three"]


# -- interrupted, and two at once -------------------------------------------------


def test_an_interrupted_sync_keeps_what_was_committed(mreg, there, writer,
                                                      box):
    mreg.run("index", "sync", f"{there.host}/")
    for seed, name in ((50, "one"), (51, "three")):
        push(writer, there, box, name, seed)
    # One at a time, in the order of names.
    there.fault(path="/v2/acme/three/manifests/v3", times=1, status=503,
                headers="Retry-After: 250")
    process = mreg.start("index", "sync", "-j", "1")
    end = time.monotonic() + 60
    while not any(r["status"] == 503 for r in there.seen()):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.status == 130, str(done)
    assert is_whole(index_of(mreg))
    count = collections.Counter(
        row["model"].rpartition("/")[2]
        for row in rows(index_of(mreg), "versions"))
    assert count == {"one": 3, "three": 2, "two": 2}
    is_mended(mreg, there, box)


def both(mreg, box, *words):
    """Two of them at the same moment, with memories of their own."""
    other = mreg.clone(box / "second")
    running = [who.start("index", "sync", *words) for who in (mreg, other)]
    for process in running:
        done = finish(process)
        assert done.status == 0, str(done)


def test_two_syncs_at_once_of_one_file(mreg, there, writer, box):
    path = box / "both.db"
    for seed in (60, 61):
        both(mreg, box, f"{there.host}/", "--db", path)
        assert is_whole(path)
        assert_same(dump(path), anew(mreg, box / f"other{seed}",
                                     f"{there.host}/"))
        push(writer, there, box, "one", seed)
        writer.run("alias", "set", f"{there.host}/acme/two:v2", "live")


def test_two_syncs_at_once_of_one_server(mreg, there, writer, box,
                                         shared):  # noqa: F811
    for seed in (60, 61):
        both(mreg, box, f"{there.host}/", "--db", shared)
        said = dump_shared(shared)
        mreg.run("index", "rebuild", f"{there.host}/", "--db", shared)
        assert dump_shared(shared) == said
        assert len(said["versions"]) == 6 + (seed > 60)
        push(writer, there, box, "one", seed)
        writer.run("alias", "set", f"{there.host}/acme/two:v2", "live")


def test_a_watch_outlives_its_server_for_a_while(mreg, box,
                                                 shared):  # noqa: F811
    """The server ends its connections, as it does when it is restarted."""
    local = mreg.clone(box / "watcher", MREG_STORE=str(box / "store"))
    local.run("push", small_model(box / "m1", 1), "churn")
    process = local.start("index", "sync", "--watch", "--every", "1", "--db",
                          shared)
    try:
        assert process.stdout.readline().startswith("churn: 1 version new")
        for number in (2, 3):
            psql(shared, "SELECT pg_terminate_backend(pid) FROM "
                 "pg_stat_activity WHERE datname = current_database() "
                 "AND pid <> pg_backend_pid()")
            local.run("push", small_model(box / f"m{number}", number),
                      "churn")
            assert process.stdout.readline().startswith(
                "churn: 1 version new")
        process.send_signal(signal.SIGINT)
        done = finish(process)
        assert done.status == 0, str(done)
    finally:
        kill(process)
