"""test_identity.py - the same files are the same version, whoever pushes them,
from wherever, whenever; and the second push sends nothing."""
import os
import re

import pytest

import fake
from harness import NOBODY, Mreg, copy_tree, small_model

# Without a faked monotonic clock: waiting must still end.
TWO_DAYS_ON = ("faketime", "-f", "+2d")
CALM = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


def later_elsewhere(binary, box, **env):
    """Another user, on another machine as far as mreg can see, in two days."""
    uid = NOBODY if os.geteuid() == 0 else None
    return Mreg(binary, box / "later", {**CALM, **env, "USER": "eve",
                                        "MREG_ACTOR": "eve"},
                uid=uid, prefix=TWO_DAYS_ON)


@pytest.mark.parametrize("model", ["sharded", "nested"])
def test_two_users_two_folders_two_days_one_digest(at_plain, plain, binary,
                                                   models, box, model):
    folder = models(model)
    copy = copy_tree(folder, box / "copy/elsewhere")
    name = f"same-{model}"
    first = at_plain.json("push", folder, name)

    eve = later_elsewhere(binary, box, MREG_REGISTRY=plain.host)
    mark = plain.mark()
    second = eve.json("push", copy, name)
    assert plain.uploads(mark) == []
    assert second["digest"] == first["digest"]
    assert second["identical"] and second["number"] == first["number"]
    assert second["bytesSent"] == 0
    assert {f["action"] for f in second["files"]} == {"reused"}

    rows = at_plain.json("ls", name)["versions"]
    assert [row["number"] for row in rows] == [first["number"]]
    assert plain.tags(name) >= {"v1", "latest"} and \
        not plain.tags(name) & {"v2"}


def test_two_users_one_digest_without_any_memory_of_the_first(at_plain, plain,
                                                              binary, box):
    """The same through a user whose state cannot be kept at all."""
    folder = small_model(box / "m", "stateless")
    first = at_plain.json("push", folder, "same-stateless")
    eve = later_elsewhere(binary, box, MREG_REGISTRY=plain.host,
                          XDG_CACHE_HOME="/proc/nowhere")
    for _ in range(2):
        mark = plain.mark()
        second = eve.json("push", folder, "same-stateless")
        assert plain.uploads(mark) == []
        assert (second["digest"], second["identical"]) == \
            (first["digest"], True)


def test_the_second_push_into_a_local_store_writes_no_blob(mreg, binary,
                                                           models, box):
    folder = models("single")
    first = mreg.json("push", folder, "same")
    blobs = {p: p.stat().st_mtime_ns
             for p in (mreg.store / "same/blobs").rglob("*")}
    eve = Mreg(binary, box / "later", {**CALM, "MREG_STORE": str(mreg.store)},
               prefix=TWO_DAYS_ON)
    second = eve.json("push", copy_tree(folder, box / "copy"), "same")
    assert (second["digest"], second["number"], second["identical"]) == \
        (first["digest"], first["number"], True)
    assert blobs == {p: p.stat().st_mtime_ns
                     for p in (mreg.store / "same/blobs").rglob("*")}


def test_a_third_push_by_the_same_user_takes_a_few_requests(at_plain, plain,
                                                            models):
    folder = models("single")
    at_plain.run("push", folder, "few")
    mark = plain.mark()
    assert at_plain.json("push", folder, "few")["identical"]
    requests = plain.requests(mark)
    assert {method for method, _, _ in requests} <= {"GET", "HEAD"}
    assert not [r for r in requests if "tags/list" in r[1]]
    assert len(requests) <= 5, requests


def test_other_metadata_is_another_version_that_shares_every_blob(at_plain,
                                                                  models):
    folder = models("single")
    first = at_plain.json("push", folder, "shares")
    second = at_plain.json("push", folder, "shares", "--metric", "auc=0.5")
    assert second["number"] > first["number"]
    assert second["digest"] != first["digest"]
    assert second["filesetDigest"] == first["filesetDigest"]
    assert second["bytesSent"] == 0
    assert second["comparedWith"] == f"v{first['number']}"
    assert len(second["differences"]) == 1
    assert "auc" in second["differences"][0]


def test_mode_and_path_are_part_of_the_identity(mreg, box):
    folder = small_model(box / "m", "mode")
    first = mreg.json("push", folder, "modes")
    (folder / "model.bin").chmod(0o755)
    second = mreg.json("push", folder, "modes")
    assert second["digest"] != first["digest"]
    # Read and write bits are not; nor is a time.
    (folder / "model.bin").chmod(0o700)
    os.utime(folder / "model.bin", (1, 1))
    assert mreg.json("push", folder, "modes")["digest"] == second["digest"]


def test_a_file_that_may_be_known_is_hashed_before_it_is_sent(plain, binary,
                                                              box):
    """product.md 5.3: a layer of its size is in the local store; without one
    the file is streamed while it is hashed, but for small ones, where a
    request costs more than reading them."""
    folder = small_model(box / "m", "hash-first", 3 << 20)
    who = Mreg(binary, box / "home")
    who.run("push", folder, "seen")

    def streams(user, name):
        said = user.run("push", folder, f"{plain.host}/{name}", "-vv").stderr
        assert " PUT " in said
        return said.count(" PATCH ")

    fresh = Mreg(binary, box / "fresh")
    assert streams(fresh, "hash-first-a") == 1
    # The same user without what was remembered of the files, but with the
    # local store.
    forgetful = who.clone(box / "home2", XDG_DATA_HOME=who.env["XDG_DATA_HOME"])
    assert streams(forgetful, "hash-first-b") == 0


def test_versions_without_a_log_are_not_asked_for_one_by_one(binary, box):
    """Those that came with no log: only where all of a version is there, it may
    be one of them."""
    there = fake.Fake()
    one = Mreg(binary, box / "one", {"MREG_REGISTRY": there.host})
    one.run("push", small_model(box / "m1", 1), "m")
    found = there.content("m")
    text = found["manifests"][found["tags"]["v1"]].encode()
    for n in range(2, 41):
        fake.send(there, "PUT", f"/v2/m/manifests/v{n}", text, fake.MANIFEST)
    two = Mreg(binary, box / "two", {"MREG_REGISTRY": there.host})
    before = len(there.seen())
    made = two.json("push", small_model(box / "m2", 2), "m")
    assert made["number"] == 41
    asked = [q["path"] for q in there.seen()[before:] if q["method"] == "HEAD"
             and re.search("/manifests/v[0-9]+$", q["path"])]
    assert 0 < len(asked) < 6, asked
    assert there.stop() == 0
