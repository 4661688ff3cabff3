"""test_alias.py - an alias goes and comes back, also where a registry deletes
no tags; the version stays."""
import json

from harness import assert_pulled, small_model, tree

REF_NAME = "org.opencontainers.image.ref.name"


def gone(user, name, alias):
    """Nothing shows the alias any more."""
    for command in ("resolve",), ("inspect",), ("pull", "-n"):
        e = user.fails(3, *command, f"{name}:{alias}")
        assert e["code"] == "not_found" and alias in e["message"]
    shown = user.run("ls", name).stdout + user.run("alias", "ls", name).stdout
    assert alias not in shown
    assert all(alias not in row["tags"]
               for row in user.json("ls", name)["versions"])
    assert alias not in {row["alias"]
                         for row in user.json("alias", "ls", name)["aliases"]}


def test_an_alias_is_removed_and_set_again(somewhere, box):
    folder = small_model(box / "m", f"alias {somewhere.where}")
    pushed = somewhere.json("push", folder, "aliased:staging")
    somewhere.run("alias", "set", "aliased:v1", "production")

    removed = somewhere.json("alias", "rm", "aliased:staging")
    assert removed["changed"] and removed["was"] == pushed["digest"]
    assert removed["tombstone"] == (somewhere.where != "local")
    gone(somewhere, "aliased", "staging")

    # The version and its other names are as before.
    for tag in "v1", "latest", "production":
        assert somewhere.json("resolve", f"aliased:{tag}")["digest"] == \
            pushed["digest"]
    somewhere.run("pull", "aliased:v1", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))
    assert somewhere.fails(3, "alias", "rm", "aliased:staging")["code"] == \
        "not_found"

    back = somewhere.json("alias", "set", "aliased:v1", "staging")
    assert back["changed"] and back["was"] is None
    assert somewhere.json("resolve", "aliased:staging")["digest"] == \
        pushed["digest"]
    row, = somewhere.json("ls", "aliased")["versions"]
    assert row["tags"] == ["latest", "production", "staging"]


def test_distribution_gets_a_tombstone_under_the_tag(at_plain, plain, box):
    at_plain.run("push", small_model(box / "m", "tomb"), "tomb:old")
    at_plain.run("alias", "rm", "tomb:old")
    assert "old" in plain.tags("tomb")
    assert plain.manifest("tomb", "old")["artifactType"] == \
        "application/vnd.mreg.removed.v1+json"


def test_the_local_store_has_the_tag_no_more(mreg, box):
    mreg.run("push", small_model(box / "m", "local"), "tomb:old")
    mreg.run("alias", "rm", "tomb:old")
    index = json.loads((mreg.store / "tomb/index.json").read_text())
    names = {m.get("annotations", {}).get(REF_NAME)
             for m in index["manifests"]}
    assert "old" not in names and {"v1", "latest"} <= names


def test_push_with_an_alias_moves_it_and_tells_from_where(shared, box):
    one = shared.json("push", small_model(box / "1", "one"), "moved:staging")
    two = shared.json("push", small_model(box / "2", "two"), "moved",
                      "--alias", "staging")
    assert two["aliases"] == [{"alias": "staging", "was": one["digest"]}]
    assert shared.json("resolve", "moved:staging")["digest"] == two["digest"]


def test_expect_guards_an_alias(shared, box):
    one = shared.json("push", small_model(box / "1", "e1"), "guard:staging")
    two = shared.json("push", small_model(box / "2", "e2"), "guard")
    e = shared.fails(4, "alias", "set", "guard:v2", "staging", "--expect",
                     two["digest"])
    assert "staging" in e["message"] and e["hint"]
    assert shared.json("resolve", "guard:staging")["digest"] == one["digest"]
    shared.run("alias", "set", "guard:v2", "staging", "--expect",
               one["digest"])
    assert shared.json("resolve", "guard:staging")["digest"] == two["digest"]
    shared.fails(4, "alias", "set", "guard:v1", "staging", "--expect", "none")
