"""test_log_verify.py - what mreg log --verify finds: events that were forged,
removed, put elsewhere or brought from another log; the first bad one is named.
"""
import base64
import hashlib
import json
import os

import harness
import pytest
from test_log import churn, entries, log_entry, rewrite, tag_of  # noqa: F401

REF_NAME = "org.opencontainers.image.ref.name"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
         "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest()}


def verify(mreg, *more, name="churn"):
    """(what, seq) of each flaw, and what is said of the first one."""
    r = mreg.run("log", name, "--verify", "--json", *more, status=6)
    log = json.loads(r.stdout)
    assert log["verified"] is False and log["flaws"]
    return ([(f["what"], f["seq"]) for f in log["flaws"]],
            log["flaws"][0]["problem"])


def manifest_of(store, entry, name="churn"):
    blob = store / name / "blobs" / entry["digest"].replace(":", "/")
    return json.loads(blob.read_text())


def event_of(store, seq):
    manifest = manifest_of(store, log_entry(store, seq))
    return json.loads(manifest["annotations"]["org.mreg.event"])


def canonical(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True,
                      ensure_ascii=False)


def add_manifests(store, manifests, name="churn"):
    """(tag, manifest) into the layout; their digests.  A tag of None: the one
    that its event would go under."""
    entries = {}
    for tag, manifest in manifests:
        data = json.dumps(manifest, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        (store / name / "blobs/sha256" / digest).write_bytes(data)
        if tag is None:
            seq = json.loads(manifest["annotations"]["org.mreg.event"])["seq"]
            tag = f"mreg.log.{seq:08}.{digest[:32]}"
        entries[tag] = {"mediaType": MANIFEST, "digest": f"sha256:{digest}",
                        "size": len(data), "annotations": {REF_NAME: tag}}
    index = store / name / "index.json"
    text = json.loads(index.read_text())
    text["manifests"] = [e for e in text["manifests"]
                         if tag_of(e) not in entries] + [*entries.values()]
    index.write_text(json.dumps(text))
    return [e["digest"] for e in entries.values()]


def add_manifest(store, manifest, tag=None, name="churn"):
    return add_manifests(store, [(tag, manifest)], name)[0]


def forge_all(store, like, *changes):
    """Events as somebody without mreg would write them: that of seq `like`
    with other values (None: without)."""
    manifest = manifest_of(store, log_entry(store, like))
    own, made = event_of(store, like), []
    for values in changes:
        event = {k: v for k, v in {**own, **values}.items() if v is not None}
        made.append((None, {**manifest, "annotations": {
            **manifest["annotations"], "org.mreg.event": canonical(event)}}))
    return add_manifests(store, made)


def forge(store, like, **changes):
    return forge_all(store, like, changes)[0]


def remove(store, *seqs):
    gone = [log_entry(store, seq) for seq in seqs]
    rewrite(store, lambda m: [e for e in m if e not in gone])


def test_a_forged_event_of_a_false_place_is_found(mreg, churn, store):
    """Its digest is right and its tag fits: it says that it is the 40th."""
    digest = forge(store, 6, seq=40, prev=[log_entry(store, 6)["digest"]])
    found, message = verify(mreg)
    assert found == [("misplaced", 40)]
    assert digest in message and "40" in message


def test_a_forged_event_that_skips_back_is_found(mreg, churn, store):
    """It says that it comes before what it follows."""
    digest = forge(store, 6, seq=2, prev=[log_entry(store, 6)["digest"]])
    found, message = verify(mreg)
    assert found == [("misplaced", 2)] and digest in message


def test_a_changed_event_under_a_tag_of_its_own_leaves_a_hole(
        mreg, churn, store):
    """Somebody writes number 4 anew, as it should have been, and takes the old
    one away: number 5 names what is not there."""
    old = log_entry(store, 4)["digest"]
    forge(store, 4, actor="nobody")
    rewrite(store, lambda m: [e for e in m if e["digest"] != old])
    found, message = verify(mreg)
    assert found == [("removed", 4)] and old in message


def test_a_middle_event_that_was_removed_is_found(mreg, churn, store):
    old = log_entry(store, 3)["digest"]
    remove(store, 3)
    found, message = verify(mreg)
    assert found == [("removed", 3)] and old in message


def test_the_first_of_several_bad_ones_is_named(mreg, churn, store):
    names = {seq: log_entry(store, seq)["digest"] for seq in (2, 5)}
    forge(store, 6, seq=40, prev=[log_entry(store, 6)["digest"]])
    remove(store, 5, 2)
    found, message = verify(mreg)
    assert found == [("removed", 2), ("removed", 5), ("misplaced", 40)]
    assert names[2] in message and names[5] not in message


@pytest.mark.parametrize("to", ["v1", "another event", "no manifest at all"])
def test_a_tag_that_points_elsewhere_is_found(mreg, churn, store, to):
    """Whatever it points at: what it had is missing in the log."""
    entry = log_entry(store, 3)
    other = {"v1": lambda: next(e for e in entries(store)
                                if tag_of(e) == "v1"),
             "another event": lambda: log_entry(store, 1),
             "no manifest at all": lambda: {
                 "digest": "sha256:" + "0" * 64, "size": 7}}[to]()
    rewrite(store, lambda m: [
        {**e, "digest": other["digest"], "size": other["size"]}
        if e == entry else e for e in m])
    r = mreg.run("log", "churn", "--verify", "--json", status=None)
    if to == "no manifest at all":
        assert r.status != 0
        return
    found, message = verify(mreg)
    assert found[0] == ("changed", 3) and ("removed", 3) in found
    assert tag_of(entry) in message


@pytest.mark.parametrize("seq", [1, 2])
def test_an_event_under_another_ones_number_is_found(
        mreg, churn, store, seq):
    """Its digest fits the tag, whose number is not its own."""
    digest = log_entry(store, seq)["digest"]
    tag = f"mreg.log.00000009.{digest[7:39]}"
    size = log_entry(store, seq)["size"]
    rewrite(store, lambda m: m + [{
        "mediaType": MANIFEST, "digest": digest, "size": size,
        "annotations": {REF_NAME: tag}}])
    found, message = verify(mreg)
    assert found == [("changed", 9)] and tag in message


def test_an_event_of_another_model_is_found(mreg, churn, store, tmp_path):
    """Brought under its own tag, which fits: what it follows is not here."""
    for n in (1, 2):
        mreg.run("push", harness.small_model(tmp_path / f"o{n}", 10 + n),
                 "other")
    index = json.loads((store / "other/index.json").read_text())
    theirs = [e for e in index["manifests"]
              if tag_of(e).startswith("mreg.log.00000002")]
    assert len(theirs) == 1
    add_manifest(store, manifest_of(store, theirs[0], "other"))
    found, message = verify(mreg)
    assert found == [("removed", 1)]
    assert "names it" in message


def test_a_version_under_a_log_tag_is_no_event(mreg, churn, store):
    v1 = next(e for e in entries(store) if tag_of(e) == "v1")
    tag = f"mreg.log.00000007.{v1['digest'][7:39]}"
    rewrite(store, lambda m: m + [{**v1, "annotations": {REF_NAME: tag}}])
    found, message = verify(mreg)
    assert found == [("changed", 7)] and tag in message
    # It is in nobody's way.
    mreg.run("alias", "set", "churn:v1", "production")


def test_an_event_with_layers_that_hide_something_is_its_bytes(
        mreg, churn, store):
    """Another manifest with the same event in it is another event: it stands
    beside the first and belongs to nobody else's `prev`."""
    manifest = manifest_of(store, log_entry(store, 6))
    manifest["config"]["data"] = base64.b64encode(b"{}").decode()
    manifest["annotations"]["x"] = "y"
    digest = add_manifest(store, manifest)
    log = mreg.json("log", "churn", "--verify")
    assert digest in log["heads"] and len(log["heads"]) == 2


def test_what_is_wrong_is_told_to_people_too(mreg, churn, store):
    remove(store, 3)
    r = mreg.run("log", "churn", "--verify", status=6)
    assert "NOT WHOLE" in r.stdout and "is not there" in r.stdout


# -- the newest removed -----------------------------------------------------------


def test_a_remembered_head_finds_that_the_newest_are_gone(mreg, churn, store):
    head, = mreg.json("log", "churn")["heads"]
    remove(store, 6, 5)
    assert mreg.json("log", "churn", "--verify")["verified"] is True
    found, message = verify(mreg, "--against", head)
    assert found == [("removed", 0)] and head in message


def test_a_remembered_head_is_found_when_the_log_went_on(mreg, churn):
    head, = mreg.json("log", "churn")["heads"]
    mreg.run("alias", "set", "churn:v1", "staging")
    log = mreg.json("log", "churn", "--verify", "--against", head)
    assert log["verified"] is True and log["heads"] != [head]


def test_an_alias_nobody_would_miss_is_missed(mreg, churn, store):
    """Cutting off the newest events makes the tag look moved by others."""
    remove(store, 6)
    alias, = mreg.json("log", "churn")["aliases"]
    assert alias["differs"] == "foreign"


# -- what somebody who may push can write into it -------------------------------


def say(mreg, store, **event):
    """An event on top of all others, written without mreg."""
    heads = mreg.json("log", "churn")["heads"]
    seq = 1 + max(int(tag_of(e)[9:17]) for e in entries(store)
                  if tag_of(e).startswith("mreg.log."))
    nothing = dict.fromkeys(("by", "reason", "was", "version", "alias"))
    return forge(store, 6, **{**nothing, "prev": sorted(heads), "seq": seq,
                              **event})


@pytest.mark.parametrize("name", ["v1", "latest", "../x", "mreg.policy.x"])
def test_a_move_of_what_is_no_alias_moves_nothing(mreg, churn, store, name):
    tags = {tag_of(e): e["digest"] for e in entries(store)}
    say(mreg, store, kind="alias_moved", alias=name, by="set",
        version=churn[2])
    assert mreg.json("log", "churn", "--verify")["verified"] is True
    assert [a["alias"] for a in mreg.json("log", "churn")["aliases"]] == \
        ["production"]
    assert mreg.json("alias", "repair", "churn")["repaired"] == []
    assert tags.items() <= {tag_of(e): e["digest"]
                            for e in entries(store)}.items()


def test_a_split_of_an_alias_that_never_moved_is_copied(mreg, churn, store):
    say(mreg, store, kind="split_recorded", alias="canary",
        weights={churn[1]: "100"})
    mreg.run("copy", "churn", "copied")
    assert mreg.json("log", "copied")["count"] == 7
    assert [a["alias"] for a in mreg.json("log", "copied")["aliases"]] == \
        ["production"]


def test_of_many_that_are_no_events_a_few_are_told(mreg, churn, store):
    for n in range(20):
        add_manifest(store, {
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "a/b",
            "config": EMPTY, "layers": [EMPTY], "annotations": {"n": str(n)},
        }, tag=f"mreg.log.{n + 7:08}.{'0' * 32}")
    told = mreg.run("log", "churn").stderr.splitlines()
    assert len(told) == 5 and "--verify" in told[4], told
    assert len(verify(mreg)[0]) == 20


@pytest.mark.skipif("asan" in str(harness.program()) or
                    "tsan" in str(harness.program()),
                    reason="sanitizers have memory of their own")
def test_large_ones_that_are_no_events_are_not_all_in_memory(
        mreg, churn, store):
    """64 of 4 MiB, as anybody who may push can put them there."""
    for n in range(64):
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "a/b",
            "config": EMPTY, "layers": [EMPTY],
            "annotations": {f"n{n}": "x" * 4_100_000}}
        data = json.dumps(manifest, separators=(",", ":")).encode()
        add_manifest(store, manifest, tag=f"mreg.log.{256 * (n + 1):08}."
                     f"{hashlib.sha256(data).hexdigest()[:32]}")
    process = mreg.start("log", "churn", "--quiet")
    process.stdout.close()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1)  # nobody reads what it says
    assert usage.ru_maxrss < 220 * 1024  # KiB


def test_many_heads_stop_nobody(mreg, churn, store):
    forge_all(store, 6, *({"kind": "to_come", "seq": 1, "prev": [],
                           "actor": f"eve{n}"} for n in range(900)))
    mreg.run("alias", "set", "churn:v1", "production")
    log = mreg.json("log", "churn", "--verify")
    assert log["verified"] is True and len(log["heads"]) > 1
    for _ in range(3):
        mreg.run("alias", "set", "churn:v2", "production")
        mreg.run("alias", "set", "churn:v1", "production")
    assert len(mreg.json("log", "churn")["heads"]) == 1


# -- a linear log, as somebody might edit a copy of it -------------------------------


@pytest.fixture
def linear(mreg, churn, store):
    """The same log under mreg.seq. tags."""
    def rename(manifests):
        out = []
        for e in manifests:
            tag = tag_of(e)
            if tag.startswith("mreg.log."):
                tag = f"mreg.seq.{tag[9:17]}"
            out.append({**e, "annotations": {REF_NAME: tag}})
        return out
    rewrite(store, rename)
    return churn


def seq_entry(store, seq):
    return next(e for e in entries(store)
                if tag_of(e) == f"mreg.seq.{seq:08}")


def test_readers_take_both_kinds_of_tags(mreg, linear):
    log = mreg.json("log", "churn", "--verify")
    assert log["verified"] is True and log["count"] == 6
    assert log["events"][2]["tag"] == "mreg.seq.00000003"
    assert mreg.json("resolve", "churn:production")["digest"] == linear[3]


def test_a_linear_log_lacks_an_event(mreg, linear, store):
    gone = seq_entry(store, 3)
    rewrite(store, lambda m: [e for e in m if e != gone])
    found, message = verify(mreg)
    assert found == [("removed", 3)] and gone["digest"] in message


def test_two_events_of_a_linear_log_were_exchanged(mreg, linear, store):
    a, b = seq_entry(store, 2), seq_entry(store, 5)
    rewrite(store, lambda m: [
        {**e, "annotations": (b if e == a else a)["annotations"]}
        if e in (a, b) else e for e in m])
    found, _ = verify(mreg)
    assert found == [("changed", 2), ("changed", 5)]


def test_an_event_of_a_linear_log_was_replaced(mreg, linear, store):
    """By one that says the same, but of somebody else."""
    old = seq_entry(store, 2)
    manifest = manifest_of(store, old)
    event = json.loads(manifest["annotations"]["org.mreg.event"])
    manifest["annotations"]["org.mreg.event"] = canonical(
        {**event, "actor": "mallory"})
    add_manifest(store, manifest, "mreg.seq.00000002")
    found, message = verify(mreg)
    assert found == [("removed", 2)] and old["digest"] in message
