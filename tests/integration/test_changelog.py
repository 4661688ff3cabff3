"""test_changelog.py - what changed about an alias, asked of a registry."""
import harness


def test_a_registry_tells_it_as_a_local_store_does(mreg, plain, box):
    name = "changelog-" + box.name.lower().replace("_", "x")
    for number in (1, 2, 3):
        folder = harness.small_model(box / f"m{number}", number)
        mreg.run("push", folder, f"{plain.host}/{name}", "--metric",
                 f"auc=0.9{number}")
    for number in (1, 3):
        mreg.run("alias", "set", f"{plain.host}/{name}:v{number}",
                 "production")
    there = mreg.json("changelog", f"{plain.host}/{name}:production")
    assert [v["number"] for v in there["versions"]] == [2, 3]
    assert there["metrics"] == [{"name": "auc", "from": "0.91", "to": "0.93"}]
    mreg.run("copy", f"{plain.host}/{name}", name)
    here = mreg.json("changelog", f"{name}:production")
    assert {**here, "name": there["name"]} == there
