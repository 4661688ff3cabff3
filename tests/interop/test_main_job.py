"""test_main_job.py - what mreg is for, on registries that are not Debian's: push,
alias, pull, list, and many pushers at once."""
import pytest

from harness import Mreg, assert_pulled, finish, small_model, tree

PUSHERS = 6


def test_what_is_pulled_by_alias_is_what_was_pushed(registry, mreg, model,
                                                    box):
    name = f"{registry.host}/job/minilm"
    pushed = mreg.json("push", model, name, "--metric", "auc=0.93")
    assert (pushed["number"], pushed["identical"]) == (1, False)
    moved = mreg.json("alias", "set", f"{name}:v1", "production")
    assert moved["changed"] and moved["digest"] == pushed["digest"]

    for i, ref in enumerate((f"{name}:production", name,
                             f"{name}@{pushed['digest']}")):
        pulled = mreg.json("pull", ref, "-o", box / f"out{i}")
        assert pulled["digest"] == pushed["digest"]
        assert_pulled(box / f"out{i}", tree(model))

    row, = mreg.json("ls", name)["versions"]
    assert (row["number"], row["digest"]) == (1, pushed["digest"])
    assert row["tags"] == ["latest", "production"]
    assert row["registeredAt"] and not row["moved"]

    again = Mreg(mreg.binary, box / "another").json(
        "push", model, name, "--metric", "auc=0.93")
    assert again["identical"] and again["digest"] == pushed["digest"]
    assert (again["number"], again["bytesSent"]) == (1, 0)


def test_a_removed_alias_is_really_gone_and_the_version_stays(registry, mreg,
                                                              box):
    folder = small_model(box / "m", "removed")
    name = f"{registry.host}/job/removed"
    pushed = mreg.json("push", folder, f"{name}:staging")
    mreg.run("alias", "set", f"{name}:v1", "production")

    def names():
        """Without the log, which gets longer with every move."""
        return {tag for tag in registry.tags("job/removed")
                if not tag.startswith("mreg.log.")}

    before = names()
    assert {"staging", "production", "latest", "v1"} <= before

    removed = mreg.json("alias", "rm", f"{name}:staging")
    assert removed["changed"] and removed["was"] == pushed["digest"]
    assert not removed["tombstone"]
    assert names() == before - {"staging"}
    assert not registry.has_tag("job/removed", "staging")
    assert mreg.fails(3, "resolve", f"{name}:staging")["code"] == "not_found"

    for tag in "v1", "latest", "production":
        assert mreg.json("resolve", f"{name}:{tag}")["digest"] == \
            pushed["digest"]
    mreg.run("pull", f"{name}:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))

    back = mreg.json("alias", "set", f"{name}:v1", "staging")
    assert back["changed"] and back["was"] is None
    assert names() == before


def test_without_deletion_a_removed_alias_is_a_tag_without_files(
        serving, mreg, oras, box):
    registry = serving("distribution-without-delete")
    name = f"{registry.host}/job/tombstone"
    mreg.run("push", small_model(box / "m", "tombstone"), f"{name}:staging")
    assert mreg.json("alias", "rm", f"{name}:staging")["tombstone"]
    assert mreg.fails(3, "pull", f"{name}:staging")["code"] == "not_found"
    assert [row["tags"] for row in mreg.json("ls", name)["versions"]] == \
        [["latest"]]

    assert "staging" in registry.tags("job/tombstone")
    assert registry.manifest("job/tombstone", "staging")["artifactType"] == \
        "application/vnd.mreg.removed.v1+json"
    oras.run("pull", "--plain-http", "--no-tty", f"{name}:staging", "-o",
             box / "out")
    assert not (box / "out").exists()


@pytest.mark.parametrize("round", range(3))
def test_six_pushers_at_once_get_six_numbers(registry, mreg, box, round):
    name = f"{registry.host}/job/six-{round}"
    folders = [small_model(box / f"m{i}", f"six {round} {i}")
               for i in range(PUSHERS)]
    started = [Mreg(mreg.binary, box / f"home{i}").start(
        "push", folder, name, "--json") for i, folder in enumerate(folders)]
    results = [finish(p) for p in started]
    assert all(r.status == 0 for r in results), "\n".join(map(str, results))
    pushed = {r.json["number"]: r.json["digest"] for r in results}
    assert len(pushed) == PUSHERS

    rows = mreg.json("ls", name)["versions"]
    assert {row["number"]: row["digest"] for row in rows} == pushed
    assert not any(row["moved"] for row in rows)
    for number, digest in pushed.items():
        assert mreg.json("resolve", f"{name}:v{number}")["digest"] == digest
    assert mreg.json("resolve", name)["digest"] == pushed[max(pushed)]
    top = max(rows, key=lambda row: row["number"])
    assert top["tags"] == ["latest"]
