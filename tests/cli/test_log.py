"""test_log.py - mreg log: what happened, what was so at a moment, and whether
the history is whole."""

import json

import harness
import pytest


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v3, production moved over all of them; digests by number."""
    digests = {}
    for number in (1, 2, 3):
        folder = harness.small_model(tmp_path / f"m{number}", number)
        digests[number] = mreg.json("push", folder, "churn", "--run-id",
                                    f"run-{number}")["digest"]
        mreg.run("alias", "set", f"churn:v{number}", "production",
                 "--reason", f"number {number}")
    return digests


def rows(result):
    return [(e["kind"], e["says"]) for e in result["events"]]


def index_of(store, name="churn"):
    return store / name / "index.json"


def entries(store):
    return json.loads(index_of(store).read_text())["manifests"]


def tag_of(entry):
    return entry["annotations"]["org.opencontainers.image.ref.name"]


def rewrite(store, change):
    """Hand the index's entries to `change` and write what it returns."""
    path = index_of(store)
    index = json.loads(path.read_text())
    index["manifests"] = change(index["manifests"])
    path.write_text(json.dumps(index))


def log_entry(store, seq):
    return next(e for e in entries(store)
                if tag_of(e).startswith(f"mreg.log.{seq:08}"))


# -- what it tells --------------------------------------------------------------


def test_everything_is_in_it_in_order(mreg, churn):
    log = mreg.json("log", "churn")
    assert rows(log) == [
        ("version_registered", "v1, run run-1"),
        ("alias_moved", "production: v1: number 1"),
        ("version_registered", "v2, run run-2"),
        ("alias_moved", "production: v2, was v1: number 2"),
        ("version_registered", "v3, run run-3"),
        ("alias_moved", "production: v3, was v2: number 3"),
    ]
    assert [e["seq"] for e in log["events"]] == [1, 2, 3, 4, 5, 6]
    assert log["count"] == 6
    assert log["aliases"] == [{
        "alias": "production", "digest": churn[3], "number": 3, "version": "v3",
        "since": log["events"][5]["time"], "actor": log["events"][5]["actor"],
        "differs": None}]
    assert log["heads"] == [log["events"][5]["digest"]]


def test_people_read_it_too(mreg, churn):
    out = mreg.run("log", "churn").stdout
    assert "alias moved" in out and "production: v2, was v1: number 2" in out
    assert out.splitlines()[0].split() == ["#", "WHEN", "WHO", "WHAT"]


def test_what_is_remembered_is_not_written_again(mreg, churn):
    """A log of many events would be, by everybody who looks at it."""
    def remembered():
        return {p.name: p.read_bytes()
                for p in (mreg.home / "cache").rglob("state.db*")
                if not p.name.endswith("-shm")}

    mreg.run("log", "churn")
    before = remembered()
    assert before
    mreg.run("log", "churn")
    assert remembered() == before


def test_an_event_is_shown_as_it_was_written(mreg, churn):
    event = mreg.json("log", "churn")["events"][3]
    assert event["event"]["alias"] == "production"
    assert event["event"]["was"] == churn[1]
    assert event["event"]["version"] == churn[2] == event["subject"]
    assert event["number"] == 2


def test_one_alias_or_one_version_alone(mreg, churn):
    mreg.run("alias", "set", "churn:v1", "staging")
    about = mreg.json("log", "churn", "--alias", "staging")
    assert rows(about) == [("alias_moved", "staging: v1")]
    assert [a["alias"] for a in about["aliases"]] == ["staging"]
    kinds = [k for k, _ in rows(mreg.json("log", "churn", "--about", "v3"))]
    assert kinds == ["version_registered", "alias_moved"]
    assert len(mreg.json("log", "churn", "--about", churn[3])["events"]) == 2


def test_one_kind_and_the_newest_alone(mreg, churn):
    log = mreg.json("log", "churn", "--kind", "alias_moved", "--limit", "2")
    assert rows(log) == [("alias_moved", "production: v2, was v1: number 2"),
                         ("alias_moved", "production: v3, was v2: number 3")]
    assert log["count"] == 6


def test_a_line_for_each_event(mreg, churn):
    lines = mreg.run("log", "churn", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_what_was_so_then(mreg, churn):
    assert mreg.json("log", "churn", "--at", "2001-05-03")["aliases"] == []
    then = mreg.json("log", "churn")["events"][3]["time"]
    late = mreg.json("log", "churn", "--at", "2999-01-01")
    assert late["aliases"][0]["digest"] == churn[3]
    assert mreg.json("log", "churn", "--at", then)["events"]


@pytest.mark.parametrize("words, names", [
    (("churn:v1",), "whole model"), (("churn", "--at", "yesterday"), "yesterday"),
    (("churn", "--against", "sha256:12"), "digest"),
])
def test_what_makes_no_sense_is_refused(mreg, churn, words, names):
    err = mreg.run("log", *words, "--json", status=2).error
    assert names in err["message"]


def test_a_model_that_is_not_there(mreg):
    assert mreg.run("log", "nobody", "--json", status=3).error


# -- whether it is whole --------------------------------------------------------


def test_a_whole_log_is_said_to_be(mreg, churn):
    log = mreg.json("log", "churn", "--verify")
    assert log["verified"] is True and log["flaws"] == []
    assert "whole: 6 events" in mreg.run("log", "churn", "--verify").stdout


def flaws(mreg, *more):
    log = json.loads(mreg.run("log", "churn", "--verify", "--json", *more,
                              status=6).stdout)
    assert log["verified"] is False
    return [(f["what"], f["seq"]) for f in log["flaws"]]


def test_a_removed_event_is_found(mreg, churn, store):
    gone = log_entry(store, 2)
    rewrite(store, lambda m: [e for e in m if e != gone])
    assert flaws(mreg) == [("removed", 2)]


def test_an_edited_event_is_found(mreg, churn, store):
    """Other bytes under the tag: of another event of the same log."""
    other, entry = log_entry(store, 3), log_entry(store, 2)

    def change(manifests):
        return [dict(e, digest=other["digest"], size=other["size"])
                if e == entry else e for e in manifests]

    rewrite(store, change)
    found = flaws(mreg)
    assert found[0] == ("changed", 2) and ("removed", 2) in found


def test_reordered_events_are_found(mreg, churn, store):
    """The tag says another place than the event."""
    entry = log_entry(store, 2)
    moved = tag_of(entry).replace("00000002", "00000009")

    def change(manifests):
        return [dict(e, annotations={
            "org.opencontainers.image.ref.name": moved})
            if e == entry else e for e in manifests]

    rewrite(store, change)
    assert ("changed", 9) in flaws(mreg)


def test_the_newest_removed_only_a_remembered_head_tells(mreg, churn, store):
    head = mreg.json("log", "churn")["heads"][0]
    mreg.run("log", "churn", "--against", head)
    newest = log_entry(store, 6)
    rewrite(store, lambda m: [e for e in m if e != newest])
    mreg.run("log", "churn", "--verify")
    assert flaws(mreg, "--against", head) == [("removed", 0)]


def test_what_is_remembered_here_hides_nothing(mreg, churn, store):
    """Events seen before are in the state file; --verify asks the store."""
    mreg.run("log", "churn")
    blob = store / "churn/blobs" / log_entry(store, 2)["digest"].replace(":", "/")
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes().replace(b"number 1", b"number 9"))
    r = mreg.run("log", "churn", "--verify", "--json", status=None)
    assert r.status != 0


# -- what others did ------------------------------------------------------------


def retag(store, alias, digest,
          media="application/vnd.oci.image.manifest.v1+json"):
    size = next(e["size"] for e in entries(store) if e["digest"] == digest)

    def change(manifests):
        kept = [e for e in manifests if tag_of(e) != alias]
        if digest:
            kept.append({
                "mediaType": media, "digest": digest, "size": size,
                "annotations": {"org.opencontainers.image.ref.name": alias}})
        return kept

    rewrite(store, change)


def test_a_foreign_move_is_shown_and_adopted(mreg, churn, store):
    retag(store, "production", churn[1])
    ls = {r["alias"]: r for r in mreg.json("alias", "ls", "churn")["aliases"]}
    assert ls["production"]["differs"] == "foreign"
    assert ls["production"]["digest"] == churn[1]
    dry = mreg.json("log", "churn", "--adopt", "--dry-run")
    assert dry["adopted"] == ["production"] and dry["count"] == 6
    log = mreg.json("log", "churn", "--adopt")
    assert log["adopted"] == ["production"] and log["count"] == 7
    assert rows(log)[-1] == ("tag_adopted", "production: v1, was v3")
    assert log["aliases"][0]["differs"] is None
    assert mreg.json("log", "churn", "--adopt")["adopted"] == []


def test_a_foreign_move_is_undone(mreg, churn, store):
    retag(store, "production", churn[1])
    done = mreg.json("alias", "repair", "churn")
    assert done["repaired"] == [{"tag": "production", "digest": churn[3],
                                 "was": churn[1]}]
    assert mreg.json("resolve", "churn:production")["digest"] == churn[3]
    assert mreg.json("alias", "repair", "churn")["repaired"] == []


def test_a_tag_nobody_wrote_down_is_unrecorded(mreg, churn, store):
    retag(store, "canary", churn[2])
    ls = {r["alias"]: r for r in mreg.json("alias", "ls", "churn")["aliases"]}
    assert ls["canary"]["differs"] == "unrecorded"
    assert mreg.json("alias", "repair", "churn")["repaired"] == []
    assert mreg.json("log", "churn", "--adopt")["adopted"] == ["canary"]


def test_a_version_that_was_moved_is_put_right(mreg, churn, store):
    retag(store, "v2", churn[1])
    rows_of = {r["version"]: r for r in mreg.json("ls", "churn")["versions"]}
    assert rows_of["v2"]["moved"] is True
    done = mreg.json("alias", "repair", "churn")["repaired"]
    assert done == [{"tag": "v2", "digest": churn[2], "was": churn[1]}]


# -- copies ---------------------------------------------------------------------


def test_a_copy_answers_alike(mreg, churn, tmp_path):
    target = f"oci:{tmp_path}/air//churn"
    mreg.run("copy", "churn", target)
    here, there = mreg.json("log", "churn"), mreg.json("log", target, "--verify")
    assert there["verified"] is True
    assert there["heads"] == here["heads"]
    assert [e["digest"] for e in there["events"]] == \
        [e["digest"] for e in here["events"]]
    assert there["aliases"] == here["aliases"]


# -- who ------------------------------------------------------------------------


@pytest.mark.parametrize("env, actor, source", [
    ({"MREG_ACTOR": "eve", "MREG_AUTHOR": "zoe"}, "eve", "as"),
    ({"MREG_AUTHOR": "zoe"}, "zoe", "author"),
])
def test_where_a_name_is_from_is_told(mreg, churn, env, actor, source):
    mreg.run("alias", "set", "churn:v1", "x", env=env)
    event = mreg.json("log", "churn")["events"][-1]
    assert (event["actor"], event["actorSource"]) == (actor, source)


def test_a_log_that_is_not_there_is_not_made(mreg, store):
    mreg.fails(3, "log", "nosuch", "--adopt")
    assert not (store / "nosuch").exists()


@pytest.mark.parametrize("kind, near", [
    ("alias moved", "alias_moved"), ("deploy", "deployed"), ("x", "--json")])
def test_a_kind_that_nobody_knows_is_told(mreg, pushed, kind, near):
    err = mreg.fails(2, "log", "churn", "--kind", kind)
    assert err["message"] == f"'{kind}' is no kind of event"
    assert near in err["hint"]
