"""test_linear.py - mreg create --linear: logs in which one event follows the
other, on registries that never let mreg.* tags be written twice."""
import pytest

import fake
from harness import finish, small_model

RULE = "v[0-9]*,mreg.*"
PUSHERS = 12


@pytest.fixture
def registry():
    server = fake.Fake("records")
    yield server
    assert server.stop() == 0


@pytest.fixture
def at(mreg, registry):
    mreg.env["MREG_REGISTRY"] = registry.host
    return mreg


def tags(registry, name, prefix="mreg."):
    return sorted(t for t in registry.content(name)["tags"]
                  if t.startswith(prefix))


def assert_a_line(log):
    before = []
    for n, e in enumerate(log["events"]):
        assert e["seq"] == n + 1 and e["event"]["prev"] == before
        before = [e["digest"]]


def test_events_go_under_their_numbers(at, registry, box):
    made = at.json("create", "churn", "--owner", "risk", "--linear")
    assert made["created"] and made["linear"]
    at.run("push", small_model(box / "m", 1), "churn:staging")
    at.run("alias", "set", "churn:v1", "production")
    at.run("release", "churn:v1", "1.0.0")
    log = at.json("log", "churn", "--verify")
    assert log["verified"] is True
    assert [e["tag"] for e in log["events"]] == \
        [f"mreg.seq.{n + 1:08}" for n in range(log["count"])]
    assert_a_line(log)
    assert tags(registry, "churn", "mreg.log.") == []


def test_it_is_linear_once(at, registry):
    at.run("create", "churn", "--linear")
    again = at.json("create", "churn", "--linear")
    assert again["linear"] and not again["changed"]
    assert not again["created"] and again["event"] is None
    err = at.fails(4, "create", "churn", "--linear", "--owner", "x")
    assert "mreg edit" in err["hint"]


def test_a_log_that_is_there_becomes_linear_with_its_next_event(
        at, registry, box):
    at.run("push", small_model(box / "m", 1), "churn:staging")
    at.run("create", "churn", "--owner", "risk")
    before = len(tags(registry, "churn", "mreg.log."))
    made = at.json("create", "churn", "--linear")
    assert made["linear"] and made["changed"] and not made["created"]
    assert made["values"][0]["value"] == "risk"
    at.run("alias", "set", "churn:v1", "production")
    log = at.json("log", "churn", "--verify")
    assert log["verified"] is True and log["count"] == before + 2
    assert_a_line(log)
    assert len(tags(registry, "churn", "mreg.log.")) == before
    assert len(tags(registry, "churn", "mreg.seq.0")) == 2
    # Somebody who reads it for the first time finds the same.
    other = at.clone(box / "other")
    assert other.json("log", "churn")["heads"] == log["heads"]


def test_a_rehearsal_tries_nothing_out(at, registry):
    would = at.json("create", "churn", "--linear", "-n")
    assert would["dryRun"] and would["linear"]
    assert tags(registry, "churn") == []


def test_where_tags_can_be_written_twice_it_is_refused(
        at_plain, plain, mreg, box):
    err = at_plain.fails(9, "create", "twice", "--linear")
    assert "written twice" in err["message"] and "immutable" in err["hint"]
    # What it was tried out with is nothing to anybody.
    assert plain.tags("twice") == {"mreg.seq.probe"}
    assert plain.manifest("twice", "mreg.seq.probe")["artifactType"] == \
        "application/vnd.mreg.removed.v1+json"
    at_plain.run("push", small_model(box / "m", "twice"), "twice")
    log = at_plain.json("log", "twice", "--verify")
    assert log["verified"] and log["events"][0]["tag"].startswith("mreg.log.")


def test_where_tags_can_be_deleted_nothing_is_left_of_it(mreg):
    registry = fake.Fake("dist3")
    try:
        mreg.env["MREG_REGISTRY"] = registry.host
        mreg.fails(9, "create", "twice", "--linear")
        assert tags(registry, "twice") == []
    finally:
        assert registry.stop() == 0


def test_a_local_store_has_a_lock_and_needs_none(mreg):
    err = mreg.fails(9, "create", "churn", "--linear")
    assert "lock" in err["hint"]
    assert mreg.json("create", "churn")["linear"] is False


@pytest.mark.parametrize("status", [400, 403, 409, 412])
def test_however_a_registry_refuses_nobody_is_lost(mreg, box, status):
    """Three at once, several times: somebody is second."""
    registry = fake.Fake(immutable_tags=True, immutable=RULE,
                         immutable_status=status)
    try:
        mreg.env["MREG_REGISTRY"] = registry.host
        mreg.run("create", "churn", "--linear")
        people = [mreg.clone(box / f"p{i}") for i in range(3)]
        for n in range(3):
            started = [who.start("edit", "churn", "--tag", f"k{i}={n}",
                                 "--json") for i, who in enumerate(people)]
            for r in map(finish, started):
                assert r.status == 0, str(r)
        log = mreg.json("log", "churn", "--verify")
        assert log["verified"] and log["count"] == 1 + 9
        assert_a_line(log)
    finally:
        assert registry.stop() == 0


def test_many_pushers_get_numbers_without_gaps(at, registry, box):
    """Nobody claims a number that another one claimed: who is second reads
    before they claim."""
    at.run("create", "many", "--linear")
    started = [at.clone(box / f"home{i}").start(
        "push", small_model(box / f"m{i}", i), "many", "--json")
        for i in range(PUSHERS)]
    results = [finish(p) for p in started]
    assert all(r.status == 0 for r in results), "\n".join(map(str, results))
    assert sorted(r.json["number"] for r in results) == \
        list(range(1, PUSHERS + 1))
    log = at.json("log", "many", "--verify")
    assert log["verified"]
    assert_a_line(log)


def test_a_copy_where_nothing_is_immutable_goes_on_as_any_other(
        at, registry, plain, box):
    at.run("create", "churn", "--linear")
    at.run("push", small_model(box / "m", 1), "churn:staging")
    target = f"{plain.host}/linear-copy"
    at.run("copy", "churn", target)
    here, there = at.json("log", "churn"), at.json("log", target, "--verify")
    assert there["verified"] and there["heads"] == here["heads"]
    at.run("alias", "set", f"{target}:v1", "production")
    there = at.json("log", target, "--verify")
    assert there["verified"]
    assert there["events"][-1]["tag"].startswith("mreg.log.")
    assert_a_line(there)
    # And once more, from somebody who has to find it out too.
    other = at.clone(box / "other")
    other.run("alias", "set", f"{target}:v1", "canary")
    assert other.json("log", target, "--verify")["verified"]


def test_a_copy_to_a_local_store_does_too(at, registry, box):
    at.run("create", "churn", "--linear")
    at.run("push", small_model(box / "m", 1), "churn:staging")
    target = f"oci:{box}/air//churn"
    at.run("copy", "churn", target)
    at.run("alias", "set", f"{target}:v1", "production")
    log = at.json("log", target, "--verify")
    assert log["verified"] and log["count"] == \
        at.json("log", "churn")["count"] + 1
    assert_a_line(log)


def test_every_alias_command_works_where_versions_and_records_stay(
        at, registry, box):
    """Immutable v* and mreg.* are what spec/events.md recommends."""
    at.run("create", "churn", "--linear")
    digests = [at.json("push", small_model(box / f"m{n}", n),
                       "churn:production")["digest"] for n in (1, 2)]
    at.run("rollback", "churn:production")
    assert at.json("resolve", "churn:production")["digest"] == digests[0]
    at.run("archive", "churn:v2")
    at.run("alias", "rm", "churn:production")
    at.fails(3, "resolve", "churn:production")
    assert at.json("log", "churn", "--verify")["verified"]


def test_a_rule_for_all_tags_stops_aliases_and_says_so(mreg, box):
    registry = fake.Fake("immutable")
    try:
        mreg.env["MREG_REGISTRY"] = registry.host
        mreg.run("create", "churn", "--linear")
        mreg.run("push", small_model(box / "m1", 1), "churn:staging")
        mreg.run("push", small_model(box / "m2", 2), "churn")
        err = mreg.fails(9, "alias", "set", "churn:v2", "staging")
        assert "limit them to v* and mreg.*" in err["hint"]
    finally:
        assert registry.stop() == 0
