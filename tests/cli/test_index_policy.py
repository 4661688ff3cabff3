"""test_index_policy.py - stages and reviews in the index when the policy that
they are by changes in another repository."""
import json

import pytest
from harness import small_model
from index_life import anew, assert_same, dump, index_of, rows

OWN = "policy: 1\nstages: [mine]\n"
SHORT = "policy: 1\nstages: [canary, staging]\nreview: 30d\n"
LONG = "policy: 1\nstages: [canary]\nreview: 90d\n"


@pytest.fixture
def two(mreg, tmp_path):
    """churn and fraud with versions under aliases, and nlp without any."""
    folder = small_model(tmp_path / "m", 1)
    for name in ("churn:canary", "fraud:staging", "nlp"):
        mreg.run("push", folder, name)


@pytest.fixture
def policy(mreg, tmp_path):
    def put(text, where="mreg-policy"):
        (tmp_path / "p.yaml").write_text(text)
        mreg.run("policy", "set", where, tmp_path / "p.yaml")
    return put


def stages(mreg):
    return {row["model"].rpartition("/")[2]: row["stage"]
            for row in rows(index_of(mreg), "versions")}


def sync(mreg, *words):
    done = mreg.json("index", "sync", *words)
    return [row["name"] for row in done["changes"]]


def is_anew(mreg, folder):
    assert_same(dump(index_of(mreg)), anew(mreg, folder))


def test_a_new_policy_of_the_prefix_reaches_models_that_did_not_change(
        mreg, two, policy, tmp_path):
    mreg.run("index", "sync")
    assert stages(mreg)["churn"] == "experimental"
    policy(SHORT)
    # No model below it is another one but those with an alias.
    assert sync(mreg) == ["churn", "fraud"]
    assert stages(mreg) == {"churn": "canary", "fraud": "staging",
                            "nlp": "experimental"}
    assert sync(mreg) == []
    is_anew(mreg, tmp_path / "one")
    policy(LONG)
    assert sync(mreg) == ["churn", "fraud"]
    assert stages(mreg)["fraud"] == "experimental"
    is_anew(mreg, tmp_path / "other")
    mreg.run("policy", "set", "mreg-policy", "--none")
    assert sync(mreg) == ["churn", "fraud"]
    assert sync(mreg) == []
    is_anew(mreg, tmp_path / "last")


def test_a_model_with_a_policy_of_its_own_is_left_alone(mreg, two, policy,
                                                        tmp_path):
    policy(OWN, "churn")
    mreg.run("index", "sync")
    policy(SHORT)
    assert sync(mreg) == ["fraud"]
    is_anew(mreg, tmp_path / "one")
    # From here on it is the prefix's again.
    mreg.run("policy", "set", "churn", "--none")
    assert sync(mreg) == ["churn"]
    policy(LONG)
    assert sync(mreg) == ["churn", "fraud"]
    is_anew(mreg, tmp_path / "other")


def test_whoever_is_synced_later_learns_of_it_then(mreg, two, policy,
                                                   tmp_path):
    """What a model was written by is its own: others' syncs hide nothing."""
    mreg.run("index", "sync")
    policy(SHORT)
    assert sync(mreg, "fraud") == ["fraud"]
    assert sync(mreg, "fraud") == []
    assert sync(mreg) == ["churn"]
    is_anew(mreg, tmp_path / "one")


def test_a_sweep_tells_what_another_policy_changed(mreg, two, policy):
    mreg.run("index", "sync")
    policy(SHORT)
    assert sync(mreg, "--sweep") == ["churn", "fraud"]
    assert sync(mreg, "--sweep") == []
    assert sync(mreg) == []


def test_a_policy_that_cannot_be_looked_for_is_told(mreg, two, policy, store):
    policy(SHORT)
    mreg.run("index", "sync")
    before = dump(index_of(mreg))
    path = store / "mreg-policy/index.json"
    whole = path.read_text()
    path.write_text("{ no JSON")
    said = mreg.run("index", "sync", status=1)
    assert said.stderr.startswith(
        "warning: 'mreg-policy' cannot be listed: ")
    done = mreg.json("index", "sync", status=1)
    assert [u["place"] for u in done["unlisted"]] == ["mreg-policy"]
    assert done["models"]["failed"] == 0 and done["changes"] == []
    assert_same(dump(index_of(mreg)), before)
    path.write_text(whole)
    policy(LONG)
    assert sync(mreg) == ["churn", "fraud"]


def test_tags_with_names_of_what_is_remembered_do_no_harm(mreg, two, store):
    """Whoever may write to a store can put any name there."""
    path = store / "churn/index.json"
    listing = json.loads(path.read_text())
    for tag in ("=policy", "=hanging", "mreg.att"):
        entry = json.loads(json.dumps(listing["manifests"][0]))
        entry["annotations"]["org.opencontainers.image.ref.name"] = tag
        listing["manifests"].append(entry)
    path.write_text(json.dumps(listing))
    mreg.run("index", "sync")
    assert sync(mreg) == []
    mreg.run("alias", "set", "churn:v1", "mine")
    assert sync(mreg) == ["churn"]
    assert mreg.run("ls", "churn", "--index").stdout
