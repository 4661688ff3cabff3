"""test_search.py - search over what a registry holds, named below a prefix."""
import harness


def test_names_of_a_registry_are_those_below_its_prefix(plain, mreg, box):
    prefix = f"{plain.host}/acme/models"
    mreg.env["MREG_REGISTRY"] = prefix
    mreg.env["MREG_PLAIN_HTTP"] = "true"
    first = harness.small_model(box / "1", 1)
    mreg.run("push", first, "base", "--license", "GPL-3.0")
    harness.small_model(box / "2", 2)
    mreg.run("push", box / "2", "team/churn:production", "--parent",
             "finetune=base:v1", "--metric", "auc=0.9")
    mreg.run("index", "sync", f"{prefix}/")

    def found(text, *words):
        rows = mreg.json("search", text, *words)["versions"]
        return {(v["name"], v["version"]) for v in rows}

    churn = {("team/churn", "v1")}
    assert found("name = 'team/churn'") == churn
    assert found(f"model = '{prefix}/team/churn'") == churn
    assert found("descends_from('base:v1')") == churn
    assert found(f"descends_from('{prefix}/base:v1') AND metrics.auc > 0.5 "
                 "AND alias = 'production'") == churn
    assert found("has_ancestor_license('GPL-3.0')") == churn
    assert found("name LIKE 'team/%'", "--registry",
                 f"{plain.host}/acme") == set()
    assert found("name LIKE 'models/team/%'", "--registry",
                 f"{plain.host}/acme") == {("models/team/churn", "v1")}
    # A name that the table shows is a reference under the same settings.
    mreg.run("inspect", "team/churn:v1")
