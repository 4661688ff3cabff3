"""test_retire.py - versions out of sight and what a pull is warned of, on a
store with a lock and on a registry without one; and what reading it costs."""
import hashlib
import re

import pytest

import fake
from harness import assert_pulled, finish, small_model, tree


@pytest.fixture
def name(box):
    """A repository of its own."""
    return "retired/" + hashlib.sha256(str(box).encode()).hexdigest()[:16]


@pytest.fixture
def digests(shared, name, box):
    return {n: shared.json("push", small_model(box / f"m{n}", f"{box}{n}"),
                           name)["digest"] for n in (1, 2, 3)}


def asked(registry, mark, repository):
    """What was asked of one repository, short."""
    found = []
    for method, path, _ in registry.requests(mark):
        path = path.split("?")[0]
        if path.startswith(f"/v2/{repository}/"):
            found.append((method, re.sub(r"^.*/(manifests|blobs|tags)/",
                                         r"\1/", path)))
    return found


def test_out_of_sight_and_back(shared, name, digests):
    done = shared.json("archive", f"{name}:v3", "--reason", "wrong")
    assert done["latest"] == 2
    assert shared.json("resolve", name)["digest"] == digests[2]
    shown = shared.json("ls", name)
    assert [r["number"] for r in shown["versions"]] == [2, 1]
    assert shown["hidden"] == 1
    assert shared.json("restore", f"{name}:v3")["latest"] == 3
    assert shared.json("resolve", name)["digest"] == digests[3]
    assert shared.json("ls", name)["hidden"] == 0
    shared.run("log", name, "--verify")


def test_what_is_in_use_is_not_archived(shared, name, digests):
    shared.run("alias", "set", f"{name}:v1", "production")
    shared.run("alias", "set", f"{name}:v1", "eu")
    assert "'eu', 'production'" in \
        shared.fails(4, "archive", f"{name}:v1")["message"]
    # Where tags cannot be deleted the alias has a tombstone then.
    shared.run("alias", "rm", f"{name}:eu")
    shared.run("alias", "rm", f"{name}:production")
    assert shared.json("archive", f"{name}:v1")["archived"]


def test_somebody_else_is_warned(shared, name, digests, box):
    shared.run("pull", f"{name}:v1", "-o", box / "out")
    other = shared.clone(box / "other")
    other.env["MREG_STORE"] = str(shared.store)
    other.run("deprecate", f"{name}:v1", "--until", "2027-01-31",
              "--successor", "v3", "--reason", "worse")
    told = shared.run("pull", f"{name}:v1", "-o", box / "out").stderr
    assert "v1 is deprecated until 2027-01-31, use v3: worse" in told
    other.run("restore", f"{name}:v1")
    assert "deprecated" not in \
        shared.run("pull", f"{name}:v1", "-o", box / "out").stderr


def test_many_at_once_agree(shared, name, digests, box):
    runs = [shared.start(*words, f"{name}:v{n}")
            for n in (2, 3) for words in (("archive",), ("deprecate",),
                                          ("archive", "--reason", "x"))]
    assert [finish(run).status for run in runs] == [0] * 6
    rows = {r["number"]: r
            for r in shared.json("ls", name, "--archived")["versions"]}
    assert [rows[n]["stage"] for n in (1, 2, 3)] == \
        ["experimental", "archived", "archived"]
    assert rows[2]["deprecated"] and rows[3]["deprecated"]
    assert shared.json("resolve", name)["digest"] == digests[1]
    shared.run("log", name, "--verify")


# -- what it costs --------------------------------------------------------------


@pytest.fixture
def one(at_plain, name, box):
    """v1, which is production, and everything read once."""
    pushed = at_plain.json("push", small_model(box / "m", str(box)),
                           f"{name}:production")
    at_plain.run("inspect", f"{name}:v1")
    return pushed["digest"]


def test_a_policy_is_a_listing_of_the_prefix(at_plain, plain, name, one):
    for command in ("ls", name), ("inspect", f"{name}:v1"):
        mark = plain.mark()
        at_plain.run(*command)
        assert asked(plain, mark, "mreg-policy") == [("GET", "tags/list")]


def test_the_models_own_policy_is_one_blob(at_plain, plain, name, one, box):
    (box / "policy.yaml").write_text("policy: 1\n")
    at_plain.run("policy", "set", name, box / "policy.yaml")
    at_plain.run("inspect", f"{name}:v1")
    for command in ("ls", name), ("inspect", f"{name}:v1"):
        mark = plain.mark()
        assert "production" in at_plain.run(*command).stdout
        got = asked(plain, mark, name)
        assert len([r for r in got if r[1].startswith("blobs/")
                    and r[0] == "GET"]) <= 1 + (command[0] == "inspect")
        assert asked(plain, mark, "mreg-policy") == []


def test_without_an_alias_no_policy_is_asked_for(at_plain, plain, name, box):
    at_plain.run("push", small_model(box / "m", str(box)), name)
    for command in ("ls", name), ("inspect", f"{name}:v1"):
        mark = plain.mark()
        assert "experimental" in at_plain.run(*command).stdout
        assert asked(plain, mark, "mreg-policy") == []


def test_reading_costs_a_listing_and_what_is_new(at_plain, plain, name, one,
                                                 box):
    at_plain.run("pull", f"{name}:production", "-o", box / "out")
    other = at_plain.clone(box / "other")
    other.run("deprecate", f"{name}:v1")
    mark = plain.mark()
    assert "is deprecated" in at_plain.run(
        "pull", f"{name}:production", "-o", box / "out").stderr
    got = asked(plain, mark, name)
    assert [r for r in got if not r[1].startswith("manifests/mreg.log.")] == \
        [("HEAD", "manifests/production"), ("GET", "tags/list")]
    assert len(got) == 3
    mark = plain.mark()
    at_plain.run("resolve", f"{name}:production")
    at_plain.run("pull", f"{name}@{one}", "-n")
    assert ("GET", "tags/list") not in asked(plain, mark, name)


# -- when it cannot be read -----------------------------------------------------


@pytest.fixture
def registry():
    r = fake.Fake()
    yield r
    assert r.stop() == 0


def test_a_log_that_cannot_be_read_is_told_and_the_files_come(mreg, registry,
                                                              box):
    ref = f"{registry.host}/m"
    folder = small_model(box / "m", "m")
    number = mreg.json("push", folder, ref)["number"]
    mreg.run("deprecate", f"{ref}:v1")
    registry.fault(method="GET", path="/v2/m/tags/list*", status=403)
    other = mreg.clone(box / "other")
    done = other.run("pull", f"{ref}:v1", "-o", box / "out", "--json")
    assert "warning: the log was not read" in done.stderr
    assert (done.json["number"], done.json["deprecated"]) == (number, None)
    assert_pulled(box / "out", tree(folder))
    seen = other.run("inspect", f"{ref}:v1", "--json")
    assert "the log was not read" in seen.stderr
    assert (seen.json["stage"], seen.json["created"]) == (None, None)
    # By digest nothing is asked, and so nothing is told.
    pinned = done.json["reference"]
    assert "warning" not in other.run("pull", pinned, "-n").stderr
